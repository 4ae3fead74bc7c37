/* An inset for the densest of the numbered places, where several lie so close that their numbers would cover each
   other; and small multiples of all periods with the same classes. */

/** A cluster of places is enlarged when it takes less than one of these shares of the map's width: the closest first. */
const SMALL = [0.1, 0.17, 0.28];
const LEAST = 3;

/** @typedef {[number, number, number, number]} Box west, south, east, north */

/** The box in which most of the places lie together, of all boxes around a place and its nearest; null where they are
 * spread wide.
 * @param {Array<[number, number]>} at lon and lat of each place @param {number} width of the whole, in degrees @returns {{ box: Box, inside: number[] } | null} */
export function densest(at, width) {
  for (const share of SMALL) {
    const best = together(at, width * share / 2);
    if (best) return best;
  }
  return null;
}

/** @param {Array<[number, number]>} at @param {number} half of the box's width @returns {{ box: Box, inside: number[] } | null} */
function together(at, half) {
  /** @type {{ box: Box, inside: number[] } | null} */
  let best = null;
  at.forEach(([x, y]) => {
    const inside = at.map((p, i) => ({ p, i })).filter(({ p }) => Math.abs(p[0] - x) <= half && Math.abs(p[1] - y) <= half * 0.62).map(({ i }) => i);
    if (inside.length < LEAST || (best && inside.length <= best.inside.length)) return;
    const xs = inside.map((i) => at[i][0]), ys = inside.map((i) => at[i][1]);
    best = { inside, box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] };
  });
  return best;
}

/** A cell large enough to have a shape, on a small map.
 * @param {CanvasRenderingContext2D} g @param {import("./types").Shapes} s @param {number} r @param {number} x0 @param {number} y0 @param {number} k */
function whole(g, s, r, x0, y0, k) {
  g.beginPath();
  for (let p = s.row[r]; p < s.row[r + 1]; p++) {
    for (let v = s.ring[p]; v < s.ring[p + 1]; v++) {
      const x = (s.xy[2 * v] - x0) * k, y = (s.xy[2 * v + 1] - y0) * k;
      if (v === s.ring[p]) g.moveTo(x, y); else g.lineTo(x, y);
    }
    g.closePath();
  }
  g.fill();
}

/** @param {import("./types").Gm} gm */
export function inset(gm) {
  const el = gm.el;
  gm.part(() => {
    const title = el("h3"), hold = el("div", { id: "gm-inset-map" }), box = el("section", { id: "gm-inset", hidden: true }, title, hold);
    const several = el("section", { id: "gm-multiples", hidden: true });
    gm.parts.side.prepend(box, several);
    /** @type {any} */
    let map = null;
    /** @type {any} */
    let outline = null;
    /** @type {number | null} */
    let first = null;
    function close() {
      if (map) { map.remove(); map = null; }
      if (outline) { gm.map.removeLayer(outline); outline = null; }
      box.hidden = true;
    }
    function open() {
      close();
      const layer = gm.rankedLayer();
      if (!layer || layer.role !== "theme" || layer.image || gm.comparing || getComputedStyle(gm.parts.side).display === "none") return;
      const rows = gm.rankedRows().slice(0, gm.shownRanks());
      const centres = rows.map((r) => gm.boundsOf(layer, r.rows).getCenter()), b = gm.data.bounds;
      const found = densest(centres.map((c) => /** @type {[number, number]} */ ([c.lng, c.lat])), b[2] - b[0]);
      if (!found) return;
      first = found.inside[0];
      box.hidden = false;
      if (!hold.offsetWidth) { box.hidden = true; return; }   /* a small screen has no room for it */
      map = L.map(hold, { attributionControl: false, zoomControl: false, dragging: false, scrollWheelZoom: false, doubleClickZoom: false, boxZoom: false, keyboard: false, touchZoom: false, zoomSnap: 0, zoomAnimation: false, fadeAnimation: false });
      hold.removeAttribute("tabindex");
      const around = L.latLngBounds([found.box[1], found.box[0]], [found.box[3], found.box[2]]).pad(0.35);
      map.fitBounds(around, { animate: false, maxZoom: gm.map.getZoom() + 3 });
      gm.pictureOn(map, layer, rows.map((r) => r.rows), true, () => rows.map((r) => gm.placeOf(r)));
      gm.scaleOn(map, 90);
      outline = L.rectangle(map.getBounds(), { color: "#14366b", weight: 2, fill: false, interactive: false }).addTo(gm.map);
      say();
    }
    function say() {
      const shown = first === null ? undefined : gm.rankedRows()[first];   /* the first of those that it shows */
      if (map && shown) title.textContent = gm.t("inset", { place: shown.district || gm.placeOf(shown) });
    }
    /* Every period beside play, with the same classes. */
    function multiples() {
      const theme = gm.theme();
      gm.clear(several);
      several.hidden = !(theme && theme.frames && !theme.clock && theme.frames.periods.length > 1 && theme.draw.n <= 20000);
      if (several.hidden || !theme || !theme.frames) return;
      const f = theme.frames, last = f.periods.length, wanted = last <= 12 ? f.periods.map((_, i) => i) : Array.from({ length: 12 }, (_, i) => Math.round(i * (last - 1) / 11));
      several.append(el("h3", { text: gm.t("every_period") }));
      const grid = el("div", { class: "gm-small" });
      several.append(grid);
      const shapes = theme.shapes();
      let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
      for (let r = 0; r < shapes.n; r++) { x0 = Math.min(x0, shapes.box[4 * r]); y0 = Math.min(y0, shapes.box[4 * r + 1]); x1 = Math.max(x1, shapes.box[4 * r + 2]); y1 = Math.max(y1, shapes.box[4 * r + 3]); }
      const width = 140, scale = width / (x1 - x0), height = Math.max(30, Math.min(140, Math.round((y1 - y0) * scale)));
      wanted.forEach((p) => {
        const node = /** @type {HTMLCanvasElement} */ (el("canvas", { width, height, "aria-hidden": "true" })), g = /** @type {CanvasRenderingContext2D} */ (node.getContext("2d"));
        const codes = theme.codesOfPeriod(p);
        for (let r = 0; r < shapes.n; r++) {
          const b = 4 * r, c = theme.classes[codes[r]];
          if (codes[r] < 2 || !c) continue;
          g.fillStyle = c.colour;
          if (shapes.closed && (shapes.box[b + 2] - shapes.box[b]) * scale > 3) { whole(g, shapes, r, x0, y0, scale); continue; }
          g.fillRect((shapes.box[b] - x0) * scale, (shapes.box[b + 1] - y0) * scale, Math.max(1, (shapes.box[b + 2] - shapes.box[b]) * scale), Math.max(1, (shapes.box[b + 3] - shapes.box[b + 1]) * scale));
        }
        grid.append(el("button", { type: "button", onclick: () => gm.periodGo(p) }, node, el("span", { text: gm.period(f.periods[p], f.every) + " · " + gm.number(f.totals[p], 0) })));
      });
    }
    ["theme", "compare", "room"].forEach((e) => gm.on(e, () => { open(); multiples(); }));
    gm.on("ready", () => { open(); multiples(); });
    gm.on("frame", open);
    gm.on("language", () => { open(); multiples(); });
  });
}
