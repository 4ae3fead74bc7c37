/* Printing: the map is laid out anew for the sheet, sharper, with the legend kept and the controls gone. */
/** How the screen looks in a room and with a folded panel is not how a sheet looks. */
const SCREEN = ["gm-room", "gm-folded"];
/** Shares of the sheet's width that the four answers may take: those that make the strip lowest leave most to the map. */
const SHARES = [[0.9, 1.75, 1.1, 0.9], [1, 1.4, 1.45, 1], [0.85, 1.55, 1.5, 0.85], [0.9, 1.2, 1.8, 0.9], [1, 1, 1, 1]];

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
      view = { centre: gm.map.getCenter(), zoom: gm.map.getZoom(), whole: gm.map.getBounds().contains(gm.home), looks: SCREEN.filter(function (c) { return document.body.classList.contains(c); }) };
      SCREEN.forEach(function (c) { document.body.classList.toggle(c, false); });
      document.body.classList.add("gm-print");
      gm.emit("printing", true);
      gm.sharp = 2;
      /* What the sheet has (A4 192 mm, A3 279 mm within its margins), less header and gaps, less the text under the map. */
      fitNotes();
      fitAnswers();
      const mm = 96 / 25.4, room = document.body.classList.contains("gm-a3") ? 279 : 192;
      const height = Math.max(60, room - 14 - (sheet.offsetHeight + gm.parts.strip.offsetHeight) / mm);
      document.body.style.setProperty("--map-height", height.toFixed(1) + "mm");
      const bounds = view.whole ? gm.home : gm.map.getBounds().pad(-0.08);
      gm.map.invalidateSize({ animate: false, pan: false });
      const legend = document.getElementById("gm-legend"), beside = legend && gm.map.getSize().x > 3 * legend.offsetWidth ? legend.offsetWidth + 12 : 8;
      gm.map.fitBounds(bounds, { paddingTopLeft: [beside, 8], paddingBottomRight: [30, 8], animate: false });   /* the legend covers nothing */
    }
    function after() {
      if (!view) return;
      document.body.classList.remove("gm-print");
      view.looks.forEach(function (/** @type {string} */ c) { document.body.classList.add(c); });
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
    /** @type {string[]} */
    let must = [];
    const sheet = gm.el("section", { id: "gm-sheet" });
    document.body.insertBefore(sheet, document.getElementById("gm-patrol-sheet"));
    /* Under the printed map: the first ten places, a line each, and what must be known, in six lines; the rest stands
       in About. */
    function fill() {
      const el = gm.el, layer = gm.rankedLayer(), head = gm.data.head;
      gm.clear(sheet).setAttribute("aria-label", gm.t("tab_hotspots"));
      if (layer && layer.ranked.length) {
        sheet.append(el("ol", {}, gm.rankedRows().slice(0, 10).map(function (r) { return el("li", {}, el("b", { class: "gm-mark", text: String(r.rank) }), el("b", { dir: "auto", text: gm.placeOf(r) }), " " + gm.lines(layer, r).replace(/ → /g, "\u00a0→\u00a0").replace(/ · /g, "\u00a0· ")); })));
      }
      const words = [gm.t("print_cannot")];
      if (layer && layer.pale) words.push(gm.t("chosen_high"));
      if (head.set_aside) words.push(gm.t("set_aside_n", { n: head.set_aside }) + gm.t("stop"));
      if (head.source) words.push(gm.pair(gm.t("source"), gm.text(head.source)) + gm.t("stop"));
      must = words;
      sheet.append(el("p", { text: gm.joined(words.concat(gm.t("print_more"))) }));
    }
    function fitAnswers() {
      const strip = gm.parts.strip, columns = SHARES.map(function (shares) { return shares.map(function (f) { return "minmax(min-content, " + f + "fr)"; }).join(" "); });
      const heights = columns.map(function (c) { document.body.style.setProperty("--answers", c); return strip.offsetHeight; });
      document.body.style.setProperty("--answers", columns[heights.indexOf(Math.min.apply(null, heights))]);
    }
    /* The notes of the page's maker, as many whole ones as the six lines hold. */
    function fitNotes() {
      const lines = /** @type {HTMLElement} */ (sheet.querySelector("p")), more = gm.t("print_more"), kept = must.slice();
      gm.data.head.notes.every(function (/** @type {any} */ note) {
        const with_ = kept.concat(gm.text(note));
        lines.textContent = gm.joined(with_.concat(more));
        const fits = lines.scrollHeight <= lines.clientHeight + 1;
        if (fits) kept.push(gm.text(note));
        return fits;
      });
      lines.textContent = gm.joined(kept.concat(more));
    }
    ["ready", "theme", "language", "overlays"].forEach(function (e) { gm.on(e, fill); });
  });
}
