/* Streets, water, railways and names of places: from which scale on a line is drawn stands in its rank, which of its
   corners in their levels. Water and railways lie under the theme, streets over it, so that a hotspot is read by them. */
import { bytes } from "./decode.js";

/** @typedef {import("./types").LiveLayer} LiveLayer */

/** The scale from which on each rank is drawn. @type {Record<string, number[]>} */
const FROM = {
  streets: [0, 10.6, 12.8, 14.6], water: [0, 10.5, 13, 14], rivers: [0, 10.5, 13, 14], railways: [0, 12, 13, 14], names: [0, 10.4, 12.4, 13.5]
};
/** The scales by which corners were thinned, as Python has them. */
const LEVELS = [9, 11, 13, 15];
/** Width of lines in pixels by rank, at scale 12; they grow with the scale. @type {Record<string, number[]>} */
const WIDTH = { streets: [2.1, 1.3, 0.8, 0.6], rivers: [2.2, 1.5, 1, 1], railways: [1.3, 1, 1, 1] };
/** Streets have two edges, and names, from here on. */
const NEAR = 14.2;
const HALO = "rgba(255,255,255,0.92)";

/** @param {number} zoom @param {number[]} from @returns {number} the last rank that is drawn, −1 for none */
export function lastRank(zoom, from) { let rank = -1; while (rank + 1 < from.length && zoom >= from[rank + 1]) rank++; return rank; }

/** Which corners are drawn: those of levels up to this one.
 * @param {number} zoom */
export function lastLevel(zoom) { const at = LEVELS.findIndex((z) => zoom <= z); return at < 0 ? LEVELS.length - 1 : at; }

/** The rows in view by rank.
 * @param {LiveLayer} layer @param {number} last @param {number[]} view west, north, east, south @returns {number[][]} */
function seen(layer, last, view) {
  const shapes = layer.shapes(), box = shapes.box, ranks = layer.rank_of || [];
  /** @type {number[][]} */
  const rows = [[], [], [], []];
  for (let r = 0; r < shapes.n; r++) {
    const b = 4 * r;
    if (ranks[r] <= last && box[b + 2] >= view[0] && box[b] <= view[2] && box[b + 3] >= view[1] && box[b + 1] <= view[3]) rows[ranks[r]].push(r);
  }
  return rows;
}

/** @param {import("./types").Gm} gm */
export function surroundings(gm) {
  const PANES = /** @type {Record<string, string>} */ ({ water: "403", rivers: "403", railways: "412", streets: "414", names: "443" });
  gm.surroundHeight = (layer) => PANES[String(layer.surround)];
  gm.Surroundings = gm.Canvas.extend({
    /** @param {any} g @param {number} scale @param {number} ox @param {number} oy @param {number} width @param {number} height */
    draw: function (g, scale, ox, oy, width, height) {
      const layer = /** @type {LiveLayer} */ (this.paint.layer), kind = String(layer.surround), shapes = layer.shapes();
      layer.rank_of = layer.rank_of || bytes(String(layer.ranks));
      layer.level_of = layer.level_of || (layer.draw.levels ? bytes(layer.draw.levels) : null);
      const zoom = Math.log2(scale / 256), level = lastLevel(zoom);
      const rows = seen(layer, lastRank(zoom, FROM[kind]), [ox / scale, oy / scale, (ox + width) / scale, (oy + height) / scale]);
      const at = { g, s: shapes, scale, ox, oy, level: layer.level_of, upto: level };
      g.lineJoin = g.lineCap = "round";
      if (kind === "names") return this.labels(at, layer, rows);
      if (kind === "water") {
        g.fillStyle = layer.classes[0].colour;
        rows.forEach((of) => this.paths(at, of, () => g.fill()));
        return;
      }
      for (let rank = 3; rank >= 0; rank--) if (rows[rank].length) this.lines(at, layer, rank, rows[rank], zoom);
      g.setLineDash([]);
      if (kind === "streets" && zoom >= NEAR) this.along(at, layer, rows);
    },
    /* The lines of one rank: near by, streets are white between two edges; railways are dashed. */
    /** @param {any} at @param {LiveLayer} layer @param {number} rank @param {number[]} of @param {number} zoom */
    lines: function (at, layer, rank, of, zoom) {
      const g = at.g, kind = String(layer.surround), streets = kind === "streets", rail = kind === "railways";
      const w = WIDTH[kind][rank] * Math.min(Math.pow(2, Math.max(-1.2, (zoom - 12) / 2)), 4), cased = streets && zoom >= NEAR && rank < 3;
      g.setLineDash(streets && rank === 3 ? [3, 3] : []);
      g.strokeStyle = layer.classes[0].colour;
      g.globalAlpha = streets && !cased ? 0.85 - 0.12 * rank : 1;
      g.lineWidth = cased ? w + 1.6 : w;
      this.paths(at, of, () => g.stroke());
      g.globalAlpha = 1;
      if (!cased && !(rail && zoom >= 12)) return;
      g.strokeStyle = "#fff";
      g.lineWidth = rail ? Math.max(0.6, w - 0.7) : w;
      if (rail) g.setLineDash([5, 5]);
      this.paths(at, of, () => g.stroke());
    },
    /* Names of places: the larger ones first, where no number and no other name stands. */
    /** @param {any} at @param {LiveLayer} layer @param {number[][]} rows */
    labels: function (at, layer, rows) {
      const g = at.g, u = gm.markSize() / 11, put = this.map === gm.map ? (gm.taken || []).concat(gm.named || []) : [], name = layer.place;
      g.textAlign = "center";
      g.textBaseline = "middle";
      rows.forEach((of, rank) => of.forEach((r) => {
        const text = name(r), v = at.s.ring[at.s.row[r]], size = [14, 12.5, 11.5, 11][rank] * u;
        if (!text) return;
        const x = at.s.xy[2 * v] * at.scale - at.ox, y = at.s.xy[2 * v + 1] * at.scale - at.oy;
        g.font = "italic 500 " + size + "px " + getComputedStyle(document.body).fontFamily;
        const half = g.measureText(text).width / 2 + 3;
        if (put.some((/** @type {number[]} */ [a, b, w, h]) => Math.abs(a - x) < w + half && Math.abs(b - y) < h + size * 0.6)) return;
        put.push([x, y, half, size * 0.6]);
        g.lineWidth = 3 * u;
        g.strokeStyle = HALO;
        g.strokeText(text, x, y);
        g.fillStyle = layer.classes[0].colour;
        g.fillText(text, x, y);
      }));
    },
    /* Names of streets, along the longest straight piece of each that has room for it. */
    /** @param {any} at @param {LiveLayer} layer @param {number[][]} rows */
    along: function (at, layer, rows) {
      const g = at.g, s = at.s, u = gm.markSize() / 11, name = layer.place, size = 11.5 * u, width = this.node ? this.node.width : 1e9;
      /** @type {Array<[number, number]>} */
      const put = [];
      const named = new Set();
      g.font = "500 " + size + "px " + getComputedStyle(document.body).fontFamily;
      g.textAlign = "center";
      g.textBaseline = "middle";
      rows.forEach((of) => of.forEach((r) => {
        const text = name(r);
        if (!text || named.has(text) || put.length > 150) return;
        const need = g.measureText(text).width + 8;
        let best = 0, x = 0, y = 0, turn = 0;
        for (let p = s.row[r]; p < s.row[r + 1]; p++) {
          for (let v = s.ring[p]; v + 1 < s.ring[p + 1]; v++) {
            const ax = s.xy[2 * v] * at.scale - at.ox, ay = s.xy[2 * v + 1] * at.scale - at.oy, bx = s.xy[2 * v + 2] * at.scale - at.ox, by = s.xy[2 * v + 3] * at.scale - at.oy;
            const long = Math.hypot(bx - ax, by - ay), mx = (ax + bx) / 2, my = (ay + by) / 2;
            if (long > best && mx > 0 && my > 0 && mx < width) { best = long; x = mx; y = my; turn = Math.atan2(by - ay, bx - ax); }
          }
        }
        if (best < need || put.some(([a, b]) => Math.hypot(a - x, b - y) < need * 0.7)) return;
        put.push([x, y]);
        named.add(text);
        if (Math.abs(turn) > Math.PI / 2) turn += Math.PI;
        g.save();
        g.translate(x, y);
        g.rotate(turn);
        g.lineWidth = 3 * u;
        g.strokeStyle = HALO;
        g.strokeText(text, 0, 0);
        g.fillStyle = "#3b4454";
        g.fillText(text, 0, 0);
        g.restore();
      }));
    }
  });
  gm.part(() => {
    gm.on("named", () => gm.overlays.forEach((l) => { if (l.surround === "names" && l.canvas && gm.map.hasLayer(l.canvas)) l.canvas.redraw(); }));
  });
}

