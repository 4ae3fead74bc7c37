/* A patrol plan as the page knows it: every unit's ways and stops with their seconds, and where a unit is at a time. */
import { reader, worldX, worldY } from "./decode.js";

/** @param {import("./types").Gm} gm */
export function patrolTimes(gm) {
  gm.patrols = gm.layers.filter(function (l) { return l.patrol; });
  gm.shifts = [];
  gm.state.shift = null;      /* the shift that is drawn, and the second of it; at null: the whole shift */
  gm.state.second = null;
  if (!gm.patrols.length) return;

  gm.patrols.forEach(function (layer) {
    const p = layer.patrol, read = {};
    ["row", "shift", "order", "from_s", "to_s", "texts"].forEach(function (k) { read[k] = reader(p[k]); });
    layer.number = p.number;
    layer.colour = layer.classes[0].colour;
    layer.byShift = {};
    for (let r = 0; r < layer.draw.n; r++) {
      const s = layer.byShift[read.shift(r)] = layer.byShift[read.shift(r)] || { legs: [], stops: [], pauses: [] };
      const row = { r: r, layer: layer, order: read.order(r), from: read.from_s(r), to: read.to_s(r), place: read.texts(r) };
      [s.legs, s.stops, s.pauses][read.row(r)].push(row);
    }
    Object.keys(layer.byShift).forEach(function (k) {
      const s = layer.byShift[k], by = function (a, b) { return a.from - b.from; };
      s.legs.sort(by);
      s.stops.sort(by);
      s.begin = Math.min.apply(null, s.legs.concat(s.stops).map(function (x) { return x.from; }));
      s.end = Math.max.apply(null, s.legs.concat(s.stops, s.pauses).map(function (x) { return x.to; }));
    });
    layer.onShift = function () { return layer.byShift[gm.state.shift] || null; };
    /* Only what is drawn answers to the pointer: the stops of the shift before its ways. */
    const shapes = layer.shapes;
    let hunted = false;
    layer.shapes = function () {
      const s = shapes();
      if (!hunted) {
        hunted = true;
        s.find = function (lat, lon) {
          const now = layer.onShift(), px = 1 / (256 * Math.pow(2, gm.map.getZoom())), x = worldX(lon), y = worldY(lat);
          if (!now) return -1;
          let best = -1, least = 11 * px;
          now.stops.forEach(function (stop) {
            const at = corner(s, stop.r, 0), d = Math.hypot(at[0] - x, at[1] - y);
            if (d < least || d === least && lit(stop)) { least = d; best = stop.r; }
          });
          return best;
        };
      }
      return s;
    };
  });
  function lit(stop) { return gm.state.second !== null && stop.from <= gm.state.second && gm.state.second < stop.to; }
  gm.patrolLit = lit;

  const corner = function (s, r, i) { const v = s.ring[s.row[r]] + i; return [s.xy[2 * v], s.xy[2 * v + 1]]; };
  const corners = function (s, r) { return s.ring[s.row[r] + 1] - s.ring[s.row[r]]; };
  gm.patrolCorner = corner;

  /* How far along a way: its corners up to a share of its length, the last one in between. */
  gm.patrolWay = function (layer, leg, share) {
    const s = layer.shapes(), n = corners(s, leg.r), out = [corner(s, leg.r, 0)];
    if (!leg.along) {
      leg.along = [0];
      for (let i = 1; i < n; i++) { const a = corner(s, leg.r, i - 1), b = corner(s, leg.r, i); leg.along.push(leg.along[i - 1] + Math.hypot(b[0] - a[0], b[1] - a[1])); }
    }
    const far = Math.max(0, Math.min(1, share)) * leg.along[n - 1];
    for (let i = 1; i < n; i++) {
      const a = corner(s, leg.r, i - 1), b = corner(s, leg.r, i), part = leg.along[i] - leg.along[i - 1];
      if (leg.along[i] <= far) { out.push(b); continue; }
      const u = part ? (far - leg.along[i - 1]) / part : 0;
      out.push([a[0] + u * (b[0] - a[0]), a[1] + u * (b[1] - a[1])]);
      break;
    }
    return out;
  };
  /* Where a unit is at a second of the shift, and what it does there. */
  gm.patrolAt = function (layer, t) {
    const s = layer.onShift();
    if (!s) return null;
    const find = function (list) { return list.find(function (x) { return x.from <= t && t < x.to; }); };
    const leg = find(s.legs), stop = find(s.stops), pause = find(s.pauses);
    if (leg) { const way = gm.patrolWay(layer, leg, (t - leg.from) / (leg.to - leg.from || 1)); return { xy: way[way.length - 1], doing: "way", row: s.stops.find(function (x) { return x.order === leg.order; }) || null, until: leg.to, trail: way }; }
    /** @type {any} */
    let before = null;
    /** @type {any} */
    let after = null;
    s.legs.forEach(function (l) { if (l.to <= t) before = l; else if (!after && l.from > t) after = l; });
    const from = before ? gm.patrolWay(layer, before, 1).pop() : after ? corner(layer.shapes(), after.r, 0) : corner(layer.shapes(), (s.stops[0]).r, 0);
    if (stop) return { xy: from, doing: "stop", row: stop, until: stop.to };
    if (pause) return { xy: from, doing: "pause", row: null, until: pause.to };
    if (t < s.begin || t >= s.end) return { xy: from, doing: "off", row: null, until: s.begin };
    return { xy: from, doing: "wait", row: s.stops.find(function (x) { return x.from > t; }) || null, until: after ? after.from : s.end };
  };

  /* The shifts as the time slider goes through them, in steps of some minutes. */
  gm.clockTime = function (start, seconds) {
    const m = +start.slice(0, 2) * 60 + +start.slice(3) + Math.floor((seconds + 1e-6) / 60);
    return String(Math.floor(m / 60) % 24).padStart(2, "0") + ":" + String(m % 60).padStart(2, "0");
  };
  gm.patrols[0].patrol.shifts.forEach(function (one) {
    const step = [60, 300, 600, 900, 1800].find(function (s) { return one.seconds / s <= 150; }) || 3600;
    const n = Math.ceil(one.seconds / step) + 1, totals = [];
    for (let i = 0; i < n; i++) {
      totals.push(gm.patrols.filter(function (l) {
        const s = l.byShift[one.shift];
        return s && s.stops.some(function (x) { return x.from < (i + 1) * step && x.to > i * step; });
      }).length);
    }
    gm.shifts.push({ shift: one.shift, start: one.start, seconds: one.seconds, step: step, n: n, totals: totals });
  });
  gm.shiftNow = function () { return gm.shifts.find(function (s) { return s.shift === gm.state.shift; }) || null; };
  gm.state.shift = gm.shifts[0].shift;
}
