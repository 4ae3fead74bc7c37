/* From packed text to typed arrays and corners in Mercator's unit square. No page is needed for this. */

/** @typedef {import("./types").Shapes} Shapes */
/** @typedef {import("./types").PackedColumn} PackedColumn */

/** Base64 and zlib back to bytes.
 * @param {string} text @returns {Uint8Array} */
export function bytes(text) {
  const raw = atob(text), packed = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) packed[i] = raw.charCodeAt(i);
  return fflate.unzlibSync(packed);
}

/** LEB128, as plain numbers: all of ours are below 2^53.
 * @param {string} text @param {number} n */
export function varints(text, n) {
  const from = bytes(text), out = new Float64Array(n);
  let at = 0;
  for (let i = 0; i < n; i++) {
    let value = 0, unit = 1, byte;
    do { byte = from[at++]; value += (byte & 127) * unit; unit *= 128; } while (byte & 128);
    out[i] = value;
  }
  return out;
}

const VIEWS = { i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array };
/** @type {Record<string, number>} */
const MISSING = { i1: -128, i2: -32768, i4: -2147483648 };

/** @param {PackedColumn} column */
export function integers(column) {
  const from = bytes(column.data), View = VIEWS[column.type];
  return new View(/** @type {ArrayBuffer} */ (from.buffer), from.byteOffset, from.byteLength / View.BYTES_PER_ELEMENT);
}

/** Whether a stored number stands for "missing".
 * @param {number | undefined} value @param {string} type */
export function missing(value, type) { return value === undefined || value !== value || value === MISSING[type]; }

/** A column read row by row: a number (null where missing) or a text.
 * @param {PackedColumn} column @returns {(row: number) => any} */
export function reader(column) {
  /** @type {ReturnType<typeof integers> | null} */
  let values = null;
  const unit = Math.pow(10, column.digits || 0);
  return (row) => {
    values = values || integers(column);
    const value = values[row];
    if (missing(value, column.type)) return null;
    return column.texts ? column.texts[value] : value / unit;
  };
}

/** @param {number} lon */
export function worldX(lon) { return lon / 360 + 0.5; }
/** @param {number} lat */
export function worldY(lat) {
  const s = Math.sin(Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI / 180);
  return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
}
/** @param {number} x */
export function lonOf(x) { return (x - 0.5) * 360; }
/** @param {number} y */
export function latOf(y) { return 360 / Math.PI * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90; }

/** The box of each row.
 * @param {Omit<Shapes, "box">} shapes @returns {Shapes} */
function boxed(shapes) {
  const n = shapes.n, box = new Float64Array(4 * n);
  for (let r = 0; r < n; r++) {
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    for (let i = shapes.ring[shapes.row[r]]; i < shapes.ring[shapes.row[r + 1]]; i++) {
      const x = shapes.xy[2 * i], y = shapes.xy[2 * i + 1];
      if (x < x0) x0 = x;
      if (x > x1) x1 = x;
      if (y < y0) y0 = y;
      if (y > y1) y1 = y;
    }
    box.set([x0, y0, x1, y1], 4 * r);
  }
  return { ...shapes, box };
}

/** @param {Float64Array} counts */
function starts(counts) {
  const out = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
  return out;
}

/** @param {any} draw @param {number} west */
function outlines(draw, west) {
  const parts = starts(varints(draw.parts, draw.n));
  const rings = starts(varints(draw.rings, parts[draw.n]));
  const n = rings[rings.length - 1], steps = varints(draw.xy, 2 * n), xy = new Float64Array(2 * n);
  let x = 0, y = 0;
  for (let i = 0; i < n; i++) {
    const a = steps[2 * i], b = steps[2 * i + 1];
    x += a % 2 ? -(a + 1) / 2 : a / 2;
    y += b % 2 ? -(b + 1) / 2 : b / 2;
    xy[2 * i] = worldX(x / draw.scale);
    xy[2 * i + 1] = worldY(y / draw.scale);
  }
  return boxed(whole({ n: draw.n, xy, ring: rings, row: parts, closed: draw.closed, points: draw.points, find: null, scale: draw.scale }, west));
}

/** Rings that lie west of where the page begins are shown a turn further east, so that a territory across the
 * antimeridian is one piece.
 * @template {Omit<Shapes, "box">} T @param {T} shapes @param {number} west in degrees @returns {T} */
export function whole(shapes, west) {
  if (west <= -180) return shapes;
  const from = worldX(west) - 1e-6, xy = shapes.xy;
  for (let p = 0; p + 1 < shapes.ring.length; p++) {
    let left = Infinity;
    for (let i = shapes.ring[p]; i < shapes.ring[p + 1]; i++) left = Math.min(left, xy[2 * i]);
    if (left >= from) continue;
    for (let i = shapes.ring[p]; i < shapes.ring[p + 1]; i++) xy[2 * i] += 1;
  }
  return shapes;
}

/* H3: the shared twelve bits on top and the ones at the end are put back, h3-js knows the corners. */
/** @param {any} draw @param {number} west */
function hexagons(draw, west) {
  const res = draw.resolution, unit = Math.pow(8, 15 - res), keys = varints(draw.ids, draw.n);
  const prefix = "8" + res.toString(16);
  let key = 0;
  for (let i = 0; i < draw.n; i++) { key += keys[i]; keys[i] = key; }
  /** @param {number} row */
  const id = (row) => prefix + (keys[row] * unit + (unit - 1)).toString(16).padStart(13, "0");
  const row = new Uint32Array(draw.n + 1), ring = new Uint32Array(draw.n + 1);
  const high = 0x08000000 | (res << 20), pair = [0, 0];
  let xy = new Float64Array(draw.n * 12 + 64), at = 0;
  for (let i = 0; i < draw.n; i++) {
    const full = keys[i] * unit + (unit - 1), top = Math.floor(full / 4294967296);
    pair[0] = (full - top * 4294967296) | 0;   /* h3-js takes an id as two halves faster than as text */
    pair[1] = high | top;
    const corners = h3.cellToBoundary(pair);
    if (2 * (at + corners.length) > xy.length) { const more = new Float64Array(xy.length + 4096); more.set(xy); xy = more; }
    const lon0 = corners[0][1];
    for (let c = 0; c < corners.length; c++, at++) {
      let lon = corners[c][1];
      if (lon - lon0 > 180) lon -= 360; else if (lon0 - lon > 180) lon += 360;
      xy[2 * at] = worldX(lon);
      xy[2 * at + 1] = worldY(corners[c][0]);
    }
    row[i + 1] = i + 1;
    ring[i + 1] = at;
  }
  /** @param {number} lat @param {number} lon */
  const find = (lat, lon) => {
    const wanted = Math.floor(parseInt(h3.latLngToCell(lat, lon, res).slice(2), 16) / unit);
    let low = 0, end = draw.n - 1;
    while (low <= end) {
      const middle = (low + end) >> 1;
      if (keys[middle] === wanted) return middle;
      if (keys[middle] < wanted) low = middle + 1; else end = middle - 1;
    }
    return -1;
  };
  return boxed(whole({ n: draw.n, xy, ring, row, closed: true, points: false, find, id }, west));
}

/** The shapes of a layer.
 * @param {any} draw @param {number} [west] where the page begins, in degrees @returns {Shapes} */
export function shapesOf(draw, west = -180) { return draw.type === "h3" ? hexagons(draw, west) : outlines(draw, west); }

/** How far a point is from a segment.
 * @param {number} x @param {number} y @param {number} ax @param {number} ay @param {number} bx @param {number} by */
function distance(x, y, ax, ay, bx, by) {
  const dx = bx - ax, dy = by - ay, l = dx * dx + dy * dy;
  const u = l ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / l)) : 0;
  return Math.hypot(x - ax - u * dx, y - ay - u * dy);
}

/** @param {Shapes} shapes @param {number} r @param {number} x @param {number} y @param {number} reach */
function nearLine(shapes, r, x, y, reach) {
  const xy = shapes.xy;
  for (let p = shapes.row[r]; p < shapes.row[r + 1]; p++) {
    for (let i = shapes.ring[p]; i < shapes.ring[p + 1]; i++) {
      const j = Math.min(i + 1, shapes.ring[p + 1] - 1);
      if (distance(x, y, xy[2 * i], xy[2 * i + 1], xy[2 * j], xy[2 * j + 1]) <= reach) return true;
    }
  }
  return false;
}

/** By even-odd crossing.
 * @param {Shapes} shapes @param {number} r @param {number} x @param {number} y */
export function insideArea(shapes, r, x, y) {
  const xy = shapes.xy;
  let inside = false;
  for (let p = shapes.row[r]; p < shapes.row[r + 1]; p++) {
    const from = shapes.ring[p], to = shapes.ring[p + 1];
    for (let i = from, j = to - 1; i < to; j = i++) {
      const ay = xy[2 * i + 1], by = xy[2 * j + 1];
      if (ay > y !== by > y && x < (xy[2 * j] - xy[2 * i]) * (y - ay) / (by - ay) + xy[2 * i]) inside = !inside;
    }
  }
  return inside;
}

/** Which row has this point inside; lines and points answer to nearness. −1 where none has.
 * @param {Shapes} shapes @param {number} lat @param {number} lon @param {number} reach */
export function rowAt(shapes, lat, lon, reach) {
  if (shapes.find) return shapes.find(lat, lon);
  const x = worldX(lon), y = worldY(lat), box = shapes.box, pad = shapes.closed ? 0 : reach;
  for (let r = shapes.n - 1; r >= 0; r--) {
    const b = 4 * r;
    if (x < box[b] - pad || x > box[b + 2] + pad || y < box[b + 1] - pad || y > box[b + 3] + pad) continue;
    if (shapes.closed ? insideArea(shapes, r, x, y) : nearLine(shapes, r, x, y, reach)) return r;
  }
  return -1;
}

/** The corners of other outlines that lie on an edge, in their order along it: areas that touch need not share corners.
 * @param {Float64Array} xy @param {number} a @param {number} b @param {(x0: number, y0: number, x1: number, y1: number) => number[]} near @param {number} reach */
function onEdge(xy, a, b, near, reach) {
  const ax = xy[2 * a], ay = xy[2 * a + 1], dx = xy[2 * b] - ax, dy = xy[2 * b + 1] - ay, long = dx * dx + dy * dy;
  /** @type {Array<[number, number]>} */
  const found = [];
  if (long > 0) {
    near(Math.min(ax, ax + dx) - reach, Math.min(ay, ay + dy) - reach, Math.max(ax, ax + dx) + reach, Math.max(ay, ay + dy) + reach).forEach((v) => {
      const u = ((xy[2 * v] - ax) * dx + (xy[2 * v + 1] - ay) * dy) / long;
      if (u <= 0 || u >= 1 || Math.hypot(xy[2 * v] - ax - u * dx, xy[2 * v + 1] - ay - u * dy) > reach) return;
      if (Math.hypot(xy[2 * v] - ax, xy[2 * v + 1] - ay) > reach && Math.hypot(xy[2 * v] - xy[2 * b], xy[2 * v + 1] - xy[2 * b + 1]) > reach) found.push([u, v]);
    });
  }
  return found.sort((p, q) => p[0] - q[0]).map((f) => f[1]);
}

/** The corners in a box, found by a raster of as many fields as there are corners.
 * @param {Float64Array} xy @param {number[]} corners */
function finder(xy, corners) {
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  corners.forEach((v) => { x0 = Math.min(x0, xy[2 * v]); x1 = Math.max(x1, xy[2 * v]); y0 = Math.min(y0, xy[2 * v + 1]); y1 = Math.max(y1, xy[2 * v + 1]); });
  const side = Math.max(1, Math.ceil(Math.sqrt(corners.length))), w = (x1 - x0) / side || 1, h = (y1 - y0) / side || 1;
  const at = (/** @type {number} */ value, /** @type {number} */ from, /** @type {number} */ step) => Math.max(0, Math.min(side, Math.floor((value - from) / step)));
  /** @type {Map<number, number[]>} */
  const fields = new Map();
  corners.forEach((v) => {
    const k = at(xy[2 * v], x0, w) * (side + 1) + at(xy[2 * v + 1], y0, h), there = fields.get(k);
    if (there) there.push(v); else fields.set(k, [v]);
  });
  return (/** @type {number} */ west, /** @type {number} */ north, /** @type {number} */ east, /** @type {number} */ south) => {
    /** @type {number[]} */
    const out = [];
    for (let i = at(west, x0, w); i <= at(east, x0, w); i++) for (let j = at(north, y0, h); j <= at(south, y0, h); j++) out.push(...(fields.get(i * (side + 1) + j) || []));
    return out;
  };
}

/** The outer border of several rows: the pieces of edges that only one of them has. Corners meet to within a
 * millimetre; where one outline has a corner and its neighbour none, the neighbour's edge is cut there.
 * @param {Shapes} shapes @param {number[]} rows @returns {Shapes} */
export function border(shapes, rows) {
  const xy = shapes.xy, reach = shapes.find ? 0 : 1.2 / (360 * (shapes.scale || 1e6));   /* hexagons share all corners */
  /** @type {Map<string, [number, number] | null>} */
  const edges = new Map();
  /** @type {Map<string, number>} */
  const corners = new Map();
  /** @param {number} i */
  const key = (i) => Math.round(xy[2 * i] * 1e9) + "," + Math.round(xy[2 * i + 1] * 1e9);
  /** @param {(i: number, j: number) => void} act */
  const each = (act) => rows.forEach((r) => {
    for (let p = shapes.row[r]; p < shapes.row[r + 1]; p++) for (let i = shapes.ring[p], j = shapes.ring[p + 1] - 1; i < shapes.ring[p + 1]; j = i++) act(j, i);
  });
  if (reach && rows.length > 1) each((_, i) => { corners.set(key(i), i); });
  const near = corners.size ? finder(xy, Array.from(corners.values())) : null;
  each((j, i) => {
    const cut = near ? [j, ...onEdge(xy, j, i, near, reach), i] : [j, i];
    for (let n = 0; n + 1 < cut.length; n++) {
      const a = key(cut[n]), b = key(cut[n + 1]), k = a < b ? a + ";" + b : b + ";" + a;
      if (a !== b) edges.set(k, edges.has(k) ? null : [cut[n], cut[n + 1]]);
    }
  });
  const kept = /** @type {[number, number][]} */ (Array.from(edges.values()).filter(Boolean));
  const out = new Float64Array(4 * kept.length), ring = new Uint32Array(kept.length + 1);
  kept.forEach((e, n) => {
    for (let c = 0; c < 2; c++) { out[4 * n + 2 * c] = xy[2 * e[c]]; out[4 * n + 2 * c + 1] = xy[2 * e[c] + 1]; }
    ring[n + 1] = 2 * n + 2;
  });
  return { n: 1, xy: out, ring, row: new Uint32Array([0, kept.length]), closed: false, points: false, find: null, box: new Float64Array([0, 0, 1, 1]) };
}

/** The class of every amount: 0 no data, 1 zero or less, 2 and up by upper bounds, as Python sorts them.
 * @param {ArrayLike<number>} amounts @param {number[]} bounds */
export function classify(amounts, bounds) {
  const codes = new Uint8Array(amounts.length);
  for (let r = 0; r < amounts.length; r++) {
    let c = 1;
    if (amounts[r] > 0) { c = 2; while (c - 2 < bounds.length - 1 && amounts[r] > bounds[c - 2]) c++; }
    codes[r] = amounts[r] === amounts[r] ? c : 0;
  }
  return codes;
}
