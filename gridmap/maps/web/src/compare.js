/* Compare, key C. Two periods of one measure lie over each other, left and right of a handle; two different themes stand
   side by side as two maps that move together, each with its own places and numbers. */

/** @typedef {import("./types").LiveLayer} LiveLayer */

/** @param {import("./types").Gm} gm */
export function compare(gm) {
  const el = gm.el;
  gm.part(() => {
    let share = 0.5;
    /** The period over the map's right side. @type {any} */
    let right = null;
    /** The second map. @type {any} */
    let second = null;
    const handle = el("div", { id: "gm-swipe", role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, el("span", { "aria-hidden": "true", text: "◂ ▸" }));
    const pick = el("div", { id: "gm-compare", role: "group", hidden: true }), select = /** @type {HTMLSelectElement} */ (el("select", {})), leftName = el("span", { class: "gm-left", dir: "auto" });
    const close = el("button", { type: "button", text: "×", onclick: () => stop() });
    const other = el("div", { id: "gm-second", hidden: true });
    const names = [el("p", { class: "gm-side-name", id: "gm-left-name", dir: "auto", hidden: true }), el("p", { class: "gm-side-name", id: "gm-right-name", dir: "auto", hidden: true })];
    pick.append(leftName, el("span", { text: "⇆", "aria-hidden": "true" }), select, close);
    gm.parts.stage.append(other, ...names, handle, pick);
    [handle, pick].forEach((node) => L.DomEvent.disableClickPropagation(node));

    function options() {
      /** @type {Array<{ key: string, name: string }>} */
      const out = [];
      const now = gm.theme();
      if (now && now.frames && !now.clock) now.frames.periods.forEach((p, i) => out.push({ key: now.id + "@" + i, name: gm.period(p, now.frames?.every) }));
      gm.themes.forEach((l) => { if (l.id !== gm.state.theme) out.push({ key: l.id, name: gm.text(l.name) }); });
      return out;
    }
    gm.canCompare = () => options().length > 0;

    /* Over each other. */
    /** @param {LiveLayer} of @param {number} period */
    function swipe(of, period) {
      const codes = of.codesOfPeriod(period);
      right = { ...of, id: of.id + "x", canvas: null, codesNow: () => codes, amountNow: null, countNow: null, image: null };
      Object.defineProperty(right, "classes", { get: () => of.classes });
      gm.canvasOf(right).addTo(gm.map);
      handle.hidden = false;
      clip();
    }
    function clip() {
      const map = gm.map, size = map.getSize(), x = size.x * share, theme = gm.theme();
      const nw = map.containerPointToLayerPoint([0, 0]), se = map.containerPointToLayerPoint(size), cut = map.containerPointToLayerPoint([x, 0]).x;
      const box = (/** @type {number} */ a, /** @type {number} */ b) => "polygon(" + [[a, nw.y], [b, nw.y], [b, se.y], [a, se.y]].map((p) => p[0] + "px " + p[1] + "px").join() + ")";
      handle.style.left = x + "px";
      handle.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      if (theme) map.getPane("gm-" + theme.id).style.clipPath = right ? box(nw.x, cut) : "";
      if (right) map.getPane("gm-" + right.id).style.clipPath = box(cut, se.x);
    }
    function unclip() { gm.layers.forEach((l) => { const p = gm.map.getPane("gm-" + l.id); if (p) p.style.clipPath = ""; }); }

    /* Side by side. */
    /** @param {LiveLayer} layer */
    function beside(layer) {
      folded = document.body.classList.contains("gm-folded");
      gm.parts.stage.classList.add("gm-linked");
      document.body.classList.add("gm-linking");
      other.hidden = false;
      gm.foldPanel(true);
      gm.map.invalidateSize({ animate: false });
      second = L.map(other, { attributionControl: false, zoomControl: false, zoomSnap: 0, zoomAnimation: false, fadeAnimation: false, maxZoom: gm.map.getMaxZoom(), minZoom: gm.map.getMinZoom() });
      second.setView(gm.map.getCenter(), gm.map.getZoom(), { animate: false });
      const places = layer.ranked.slice(0, gm.shownRanks());
      gm.pictureOn(second, layer, places.map((r) => r.rows), false, () => places.map((r, i) => gm.placeOf({ ...r, rank: i + 1 })));   /* the cards beside it are of the other map */
      gm.scaleOn(second, 140);
      let moving = false;
      const follow = (/** @type {any} */ from, /** @type {any} */ to) => () => {
        if (moving || !second) return;
        moving = true;
        to.setView(from.getCenter(), from.getZoom(), { animate: false });
        moving = false;
      };
      lead = follow(gm.map, second);
      gm.map.on("move zoom moveend", lead);
      second.on("move zoom moveend", follow(second, gm.map));
      gm.map.fitBounds(gm.home, { padding: [12, 12], animate: false });
    }
    /** @type {any} */
    let lead = null;
    let folded = false;
    function apart() {
      if (!second) return;
      gm.map.off("move zoom moveend", lead);
      second.remove();
      second = null;
      other.hidden = true;
      gm.parts.stage.classList.remove("gm-linked");
      document.body.classList.remove("gm-linking");
      gm.foldPanel(folded);
      gm.map.invalidateSize({ animate: false });
    }

    function clear() {
      if (right) gm.map.removeLayer(right.canvas);
      right = null;
      unclip();
      handle.hidden = true;
      apart();
    }
    /** @param {string} key */
    function show(key) {
      clear();
      const [id, period] = key.split("@"), of = gm.byId(id);
      if (!of) return;
      gm.state.compare = id === gm.state.theme ? null : key;
      gm.comparing = key;
      if (period !== undefined) swipe(of, +period); else beside(of);
      say();
      gm.emit("compare", key);
    }
    gm.compare = (key) => {
      const list = options();
      if (!list.length) return;
      if (key === "" || (key === undefined && gm.comparing)) return stop();
      pick.hidden = false;
      say();
      const wanted = list.find((o) => o.key === key) || list[0];
      select.value = wanted.key;
      show(wanted.key);
    };
    function stop() {
      if (!gm.comparing) return;
      const linked = Boolean(second);
      clear();
      gm.state.compare = gm.comparing = null;
      pick.hidden = true;
      names.forEach((n) => { n.hidden = true; });
      gm.emit("compare", null);
      if (linked) gm.map.fitBounds(gm.home, gm.room_around());
    }
    function say() {
      const value = gm.comparing || select.value, theme = gm.theme();
      leftName.textContent = theme ? gm.text(theme.name) + (theme.frames && gm.state.frame !== null ? " · " + gm.period(theme.frames.periods[gm.state.frame], theme.frames.every) : "") : "";
      gm.put(gm.clear(select), options().map((o) => el("option", { value: o.key, text: o.name })));
      if (value) select.value = value;
      select.setAttribute("aria-label", gm.t("compare_with"));
      pick.setAttribute("aria-label", gm.t("compare"));
      handle.setAttribute("aria-label", gm.t("compare"));
      close.setAttribute("aria-label", gm.t("close"));
      const twin = second && gm.comparing ? gm.byId(gm.comparing) : null;
      names.forEach((n) => { n.hidden = !twin; });
      if (twin && theme) {
        [theme, twin].forEach((l, i) => { names[i].textContent = [gm.text(l.name), l.found ? gm.text(l.found) : ""].filter(Boolean).join(" · "); });
        other.setAttribute("aria-label", names[1].textContent || "");
      }
    }
    select.addEventListener("change", () => show(select.value));
    handle.addEventListener("pointerdown", (e) => { handle.setPointerCapture(e.pointerId); handle.dataset.held = "1"; e.preventDefault(); });
    handle.addEventListener("pointermove", (e) => {
      if (!handle.dataset.held) return;
      const box = gm.map.getContainer().getBoundingClientRect();
      share = Math.max(0.02, Math.min(0.98, (e.clientX - box.left) / box.width));
      clip();
    });
    handle.addEventListener("pointerup", () => { delete handle.dataset.held; });
    handle.addEventListener("keydown", (e) => {
      const step = /** @type {Record<string, number>} */ ({ ArrowLeft: -0.05, ArrowRight: 0.05 })[e.key];
      if (!step) return;
      share = Math.max(0.02, Math.min(0.98, share + step));
      clip();
      e.stopPropagation();
      e.preventDefault();
    });
    gm.map.on("move zoom resize viewreset moveend zoomend", () => { if (right) clip(); });
    document.addEventListener("keydown", (e) => { if (e.key === "Escape" && gm.comparing && !gm.busy) stop(); });
    gm.linked = () => Boolean(second);
    gm.on("theme", stop);
    gm.on("frame", () => { if (right) say(); });
    gm.on("language", say);
    document.addEventListener("keydown", (e) => { if ((e.key === "c" || e.key === "C") && !gm.typing(e) && !gm.busy) gm.compare(); });
  });

  /* One theme on another map than the page's own: its classes, the districts, its places and their numbers. */
  gm.pictureOn = (map, layer, places, bare, names) => {
    const lines = (/** @type {any} */ shapes, /** @type {string} */ colour, /** @type {number} */ width) => new gm.Canvas({ shapes, classes: [{}], fill: false, stroke: { colour, width } }, { pane: "overlayPane" }).addTo(map);
    const districts = gm.districtShapes;
    if (districts && !gm.data.basemap) new gm.Canvas({ shapes: districts, classes: [{ colour: "#FCFBF7" }], stroke: { colour: "#FCFBF7", width: 1 } }, { pane: "overlayPane" }).addTo(map);
    const surround = (/** @type {(l: LiveLayer) => boolean} */ chosen) => gm.overlays.filter((l) => l.show && l.kind === "context" && l.drawing === "lines" && chosen(l)).forEach((l) => gm.drawingOf(l, "overlayPane").addTo(map));
    surround((l) => l.surround === "water" || l.surround === "rivers");
    gm.groundOn(map, layer, "overlayPane");
    if (layer.image) L.imageOverlay(layer.image.url, layer.image.bounds, { pane: "overlayPane", alt: "", zIndex: 100 }).addTo(map);   /* as high as the canvases, over the ground and under what follows */
    else new gm.Canvas(gm.paintOf(layer), { pane: "overlayPane" }).addTo(map);
    surround((l) => l.surround !== "water" && l.surround !== "rivers");
    if (districts) lines(districts, "#4B5668", 1.2);
    map.numbered = () => places.map((rows) => gm.boundsOf(layer, rows).getCenter()).map((c) => [c.lng, c.lat]);
    if (gm.namesOn && !bare) gm.namesOn(map);
    if (!places.length) return;
    const cores = gm.coresOf(layer);
    if (cores.length) new gm.Canvas({ shapes: layer.shapes(), classes: [{ colour: gm.CORE }], only: cores.flat(), stroke: { colour: gm.CORE, width: 0.8 } }, { pane: "overlayPane" }).addTo(map);
    else if (layer.labels) lines(gm.border(layer.shapes(), places.flat()), "#1B2433", 1.8);
    new gm.Canvas({ shapes: layer.shapes(), classes: [{}], only: [], ranks: () => places, names, taken: () => [new DOMRect(map.getSize().x - 110, map.getSize().y - 34, 110, 34)], ring: cores.length ? gm.CORE : null }, { pane: "overlayPane" }).addTo(map);
  };
}
