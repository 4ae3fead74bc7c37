/* Many cells at once: which row each pixel belongs to is found once for a view; a step of the slider then only looks up
   the pixels' colours, which for 200,000 cells takes milliseconds instead of painting each cell anew. */

/** With more rows in view than this, pixels are looked up. */
export const MANY = 8000;

/** @typedef {import("./types").Shapes} Shapes */
/** @typedef {{ scale: number, ox: number, oy: number }} Place in device pixels */

const crossings = new Float64Array(4096);

/** Where a row's outline crosses a line of pixels' centres, from left to right; how many they are.
 * @param {Shapes} s @param {number} r @param {number} y @param {Place} at */
function crossed(s, r, y, at) {
  const { xy, ring, row } = s, { scale, ox, oy } = at, level = (y + 0.5 + oy) / scale;
  let n = 0;
  for (let p = row[r]; p < row[r + 1]; p++) {
    for (let i = ring[p], j = ring[p + 1] - 1; i < ring[p + 1]; j = i++) {
      const ay = xy[2 * i + 1], by = xy[2 * j + 1];
      if ((ay > level) !== (by > level) && n < 4096) crossings[n++] = ((xy[2 * j] - xy[2 * i]) * (level - ay) / (by - ay) + xy[2 * i]) * scale - ox;
    }
  }
  if (n > 2) crossings.subarray(0, n).sort();
  else if (n === 2 && crossings[0] > crossings[1]) { const c = crossings[0]; crossings[0] = crossings[1]; crossings[1] = c; }
  return n;
}

/** The row of every pixel, −1 for none: each ring's pixels by their centres, row of pixels by row (even-odd rule).
 * @param {Shapes} s @param {Place} at @param {number} width @param {number} height @param {(row: number) => boolean} wanted */
export function rowsOfPixels(s, at, width, height, wanted) {
  const out = new Int32Array(width * height).fill(-1), { scale, ox, oy } = at, box = s.box;
  for (let r = 0; r < s.n; r++) {
    if (!wanted(r)) continue;
    const b = 4 * r, top = Math.max(0, Math.ceil(box[b + 1] * scale - oy - 0.5)), bottom = Math.min(height - 1, Math.floor(box[b + 3] * scale - oy - 0.5));
    const left = box[b] * scale - ox, right = box[b + 2] * scale - ox;
    if (bottom < top || right - left < 1) {   /* smaller than a pixel: the one that it lies in */
      const x = Math.floor((left + right) / 2), y = Math.floor((box[b + 1] + box[b + 3]) / 2 * scale - oy);
      if (x >= 0 && y >= 0 && x < width && y < height) out[y * width + x] = r;
      continue;
    }
    for (let y = top; y <= bottom; y++) {
      const n = crossed(s, r, y, at);
      for (let c = 0; c + 1 < n; c += 2) {
        const from = Math.max(0, Math.ceil(crossings[c] - 0.5)), to = Math.min(width - 1, Math.ceil(crossings[c + 1] - 0.5) - 1);
        if (to >= from) out.fill(r, y * width + from, y * width + to + 1);
      }
    }
  }
  return out;
}

/** A colour as a pixel of ImageData has it, opaque.
 * @param {string} colour as #RRGGBB */
export function pixelOf(colour) {
  const n = parseInt(colour.slice(1), 16);
  return ((255 << 24) | ((n & 255) << 16) | (n & 65280) | (n >> 16)) >>> 0;
}

/** The picture: each pixel in the colour of its row's class; hatched and dotted as the larger cells are.
 * @param {Uint32Array} pixels @param {Int32Array} rows @param {ArrayLike<number>} codes @param {import("./types").LegendClass[]} classes
 * @param {number} width @param {boolean} dots whether cells are large enough for dots */
export function colourPixels(pixels, rows, codes, classes, width, dots) {
  const colour = new Uint32Array(256), second = new Uint32Array(256), pattern = new Uint8Array(256);
  classes.forEach((c, i) => {
    if (c.bare) return;
    colour[i] = second[i] = pixelOf(c.colour);
    if (c.hatch) { pattern[i] = 1; second[i] = pixelOf("#4B5563"); }
    else if (c.below && dots) { pattern[i] = 2; second[i] = pixelOf("#23406E"); }
  });
  for (let at = 0; at < rows.length; at++) {
    const r = rows[at];
    if (r < 0) { pixels[at] = 0; continue; }
    const code = codes[r], kind = pattern[code];
    if (!kind) { pixels[at] = colour[code]; continue; }
    const x = at % width, y = (at - x) / width;
    pixels[at] = (kind === 1 ? (x + y) % 8 < 1 : x % 5 > 0 && x % 5 < 3 && y % 5 > 0 && y % 5 < 3) ? second[code] : colour[code];
  }
}
