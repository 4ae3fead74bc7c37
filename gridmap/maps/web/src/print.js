/* Printing: the map is laid out anew for the sheet, sharper, with the legend kept and the controls gone. */
/** @param {import("./types").Gm} gm */
export function print(gm) {
  gm.part(function () {
    let view = null;
    const page = gm.el("style", {});
    document.head.append(page);
    gm.print = function (paper) {
      set(paper);
      window.print();
    };
    /** @param {string} paper */
    function set(paper) {
      page.textContent = "@page { size: " + paper + " landscape; }";
      document.body.classList.toggle("gm-a3", paper === "A3");
    }
    function before() {
      if (view) return;
      view = { centre: gm.map.getCenter(), zoom: gm.map.getZoom(), size: gm.map.getSize() };
      document.body.classList.add("gm-print");
      gm.emit("printing", true);
      gm.sharp = 2;
      /* What the sheet has (A4 192 mm, A3 279 mm within its margins), less header and gaps, less the text under the map. */
      const mm = 96 / 25.4, room = document.body.classList.contains("gm-a3") ? 279 : 192;
      const height = Math.max(60, room - 17 - (sheet.offsetHeight + gm.parts.strip.offsetHeight) / mm);
      document.body.style.setProperty("--map-height", height.toFixed(1) + "mm");
      const bounds = gm.map.getBounds();
      gm.map.invalidateSize({ animate: false, pan: false });
      gm.map.fitBounds(bounds.pad(-0.08), { animate: false });
    }
    function after() {
      if (!view) return;
      document.body.classList.remove("gm-print");
      gm.emit("printing", false);
      gm.sharp = 1;
      gm.map.invalidateSize({ animate: false, pan: false });
      gm.map.setView(view.centre, view.zoom, { animate: false });
      gm.layers.forEach(function (l) { if (l.canvas && gm.map.hasLayer(l.canvas)) l.canvas.redraw(); });
      view = null;
      set("A4");   /* the browser's own print command is for A4 again */
    }
    gm.printing = { before: before, after: after };
    window.addEventListener("beforeprint", before);
    window.addEventListener("afterprint", after);
    const sheet = gm.el("section", { id: "gm-sheet" });
    document.body.append(sheet);
    /* Under the printed map: the ranking's first ten, the method, the notes. */
    function fill() {
      const el = gm.el, layer = gm.rankedLayer(), head = gm.data.head;
      gm.clear(sheet);
      if (layer && layer.ranked.length) {
        sheet.append(el("ol", {}, gm.rankedRows().slice(0, 10).map(function (r) { return el("li", {}, el("b", { dir: "auto", text: gm.placeOf(r) }), " " + gm.lines(layer, r)); })));
      }
      const theme = gm.theme(), words = [];
      if (theme && gm.has("method." + theme.method + ".explains")) words.push(gm.t("method." + theme.method + ".explains"));
      if (head.set_aside) words.push(gm.t("set_aside_n", { n: head.set_aside }) + gm.t("stop"));
      head.notes.forEach(function (n) { words.push(gm.text(n)); });
      words.push(gm.t("cannot_say_text"));
      if (head.source) words.push(gm.pair(gm.t("source"), gm.text(head.source)));
      sheet.append(el("p", { text: gm.joined(words) }));
    }
    ["ready", "theme", "language", "overlays"].forEach(function (e) { gm.on(e, fill); });
  });
}
