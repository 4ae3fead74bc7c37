/* The layers as they live on the page: shapes decoded when first wanted, classes by row, one theme shown at a time. */
import { bytes, latOf, lonOf, reader, shapesOf } from "./decode.js";

/** @typedef {import("./types").LiveLayer} LiveLayer */

/** Height of each kind's pane; themes lie at the bottom, clusters above the zones. */
const HEIGHT = { theme: 410, context: 405, points: 440, boundaries: 420, other: 430 };

/** @param {import("./types").Gm} gm */
export function layers(gm) {
  const bounds = gm.data.bounds, west = bounds[2] > 180 ? bounds[0] : -180;
  gm.layers = gm.data.layers.map((data, i) => {
    const layer = /** @type {LiveLayer} */ (/** @type {any} */ ({ index: i, ...data }));
    /** @type {import("./types").Shapes | null} */
    let shapes = null;
    /** @type {Uint8Array | null} */
    let codes = null;
    /** @type {number[] | null} */
    let ground = null;
    layer.shapes = () => (shapes = shapes || shapesOf(data.draw, west));
    layer.allCodes = () => (codes = codes || bytes(data.codes));
    layer.codesNow = layer.allCodes;          /* a layer with periods replaces this */
    layer.columns = data.columns.map((c) => ({ key: c.key, read: reader(c) }));
    layer.data_places = Boolean(data.places);
    layer.ground_n = data.ground ? data.ground.n : 0;
    layer.ground_colour = data.ground ? data.ground.colour : "";
    layer.ground = () => {
      if (!data.ground) return [];
      const bits = bytes(data.ground.rows);
      return (ground = ground || Array.from({ length: data.draw.n }, (_, r) => r).filter((r) => bits[r >> 3] & (128 >> (r & 7))));
    };
    layer.place = data.places ? reader(data.places) : () => null;
    layer.cell = (row) => (data.ids ? data.ids[row] : data.draw.type === "h3" ? /** @type {any} */ (layer.shapes()).id(row) : null);
    layer.classes.forEach((c) => { c.bare = layer.labels && isNone(c); c.below = isBelow(c); c.sparse = c.below && !/_99$/.test(c.label.code); });
    layer.pale = Boolean(layer.labels) && layer.draw.closed !== false && layer.ranked.some((r) => r.values.share !== undefined);
    if (layer.pale) layer.classes.forEach((c) => { if (c.pale && !c.bare) c.colour = c.pale; });   /* the ground steps back behind its places */
    return layer;
  });
  /** @param {any} c */
  function isBelow(c) { return Boolean(c.label) && /^label\.(cold|fall|down)/.test(c.label.code || ""); }
  /* Where the test found nothing, nothing is filled: the ground shows. */
  /** @param {any} c */
  function isNone(c) { return Boolean(c.label) && c.label.code === "label.none"; }
  gm.themes = gm.layers.filter((l) => l.role === "theme");
  gm.overlays = gm.layers.filter((l) => l.role === "overlay");
  gm.byId = (id) => gm.layers.find((l) => l.id === id) || null;
  gm.theme = () => gm.byId(gm.state.theme);

  /** @param {LiveLayer} layer */
  function height(layer) {
    if (layer.role === "theme") return HEIGHT.theme;
    if (layer.kind === "boundaries") return HEIGHT.boundaries;
    if (layer.kind === "context") return layer.draw.points ? HEIGHT.points : HEIGHT.theme + 5;
    return HEIGHT.other + layer.index;
  }
  /** @param {LiveLayer} layer */
  function paintOf(layer) {
    /** @type {any} */
    const paint = { shapes: layer.shapes(), codes: () => layer.codesNow(), layer };
    Object.defineProperty(paint, "classes", { get: () => layer.classes });
    if (layer.drawing === "lines") {
      const colour = layer.classes[0].colour;
      paint.fill = layer.kind === "context";
      paint.stroke = { colour, width: 2.2, halo: "rgba(255,255,255,0.85)" };
      if (layer.kind === "boundaries") { paint.stroke = { colour: "rgba(75,85,99,0.55)", width: 0.8 }; paint.fades = true; }
      else if (layer.kind === "context" || layer.kind === "routes") paint.stroke = { colour, width: layer.width_px || 1 };
    }
    else if (layer.kind === "named_areas") { paint.fill = false; paint.stroke = { width: 3, halo: "rgba(255,255,255,0.85)" }; }   /* outlines, each in its class's colour */
    else if (!layer.shapes().closed && !layer.draw.points) paint.stroke = { width: 3.4 };   /* streets, in their class's colour */
    return paint;
  }
  gm.paintOf = paintOf;
  gm.canvasOf = (layer) => {
    if (layer.canvas) return layer.canvas;
    const pane = "gm-" + layer.id, node = gm.map.getPane(pane) || gm.map.createPane(pane);
    node.style.zIndex = layer.surround ? gm.surroundHeight(layer) : String(height(layer));
    node.style.pointerEvents = "none";
    if (gm.veil && layer.role === "theme") node.style.opacity = String(gm.veil);
    if (layer.image) {
      layer.canvas = L.imageOverlay(layer.image.url, layer.image.bounds, { pane, className: "gm-surface", alt: "" });
      layer.canvas.redraw = function () { return this; };
    }
    else layer.canvas = gm.drawingOf(layer, pane);
    return layer.canvas;
  };
  gm.drawingOf = (layer, pane) => new (layer.surround ? gm.Surroundings : layer.patrol ? gm.PatrolCanvas : gm.Canvas)(paintOf(layer), { pane });

  gm.showTheme = (id) => {
    const before = gm.theme();
    if (before && before.canvas) gm.map.removeLayer(before.canvas);
    gm.state.theme = id;
    gm.state.selected = null;
    const now = gm.theme();
    if (now) gm.canvasOf(now).addTo(gm.map);
    gm.emit("select", null);
    gm.emit("theme", id);
  };
  gm.showOverlay = (layer, on) => {
    layer.show = on;
    const drawn = gm.canvasOf(layer);
    if (on) drawn.addTo(gm.map); else gm.map.removeLayer(drawn);
    gm.emit("overlays");
  };
  gm.boundsOf = (layer, rows) => {
    const box = layer.shapes().box;
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    rows.forEach((r) => {
      x0 = Math.min(x0, box[4 * r]); y0 = Math.min(y0, box[4 * r + 1]);
      x1 = Math.max(x1, box[4 * r + 2]); y1 = Math.max(y1, box[4 * r + 3]);
    });
    return L.latLngBounds([latOf(y1), lonOf(x0)], [latOf(y0), lonOf(x1)]);
  };
}
