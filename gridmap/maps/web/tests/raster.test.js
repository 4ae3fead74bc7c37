/* Which row a pixel belongs to, and its colour. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { colourPixels, pixelOf, rowsOfPixels } from "../src/raster.js";

/* A square of 4 × 4 with a hole of 2 × 2, a triangle, and one that is smaller than a pixel. */
function shapes() {
  const rings = [[[0, 0], [4, 0], [4, 4], [0, 4]], [[1, 1], [3, 1], [3, 3], [1, 3]], [[4, 0], [8, 0], [4, 4]], [[6.2, 3.2], [6.4, 3.2], [6.4, 3.4]]];
  const xy = new Float64Array(rings.flat(2)), ring = [0];
  rings.forEach((r) => ring.push(ring[ring.length - 1] + r.length));
  return { n: 3, xy, ring: Uint32Array.from(ring), row: Uint32Array.from([0, 2, 3, 4]), box: Float64Array.from([0, 0, 4, 4, 4, 0, 8, 4, 6.2, 3.2, 6.4, 3.4]), closed: true, points: false, find: null };
}

test("every pixel has the row that covers its centre", () => {
  const rows = rowsOfPixels(shapes(), { scale: 1, ox: 0, oy: 0 }, 8, 4, () => true);
  const lines = [0, 1, 2, 3].map((y) => Array.from(rows.slice(8 * y, 8 * y + 8)).map((r) => (r < 0 ? "." : r)).join(""));
  assert.deepEqual(lines, ["0000111.", "0..011..", "0..01...", "0000..2."]);
});

test("neighbours share no pixel and leave none between them, at any scale and place", () => {
  const strip = { n: 40, xy: new Float64Array(Array.from({ length: 40 }, (_, i) => [i, 0, i + 1, 0, i + 1, 1, i, 1]).flat()), ring: Uint32Array.from({ length: 41 }, (_, i) => 4 * i), row: Uint32Array.from({ length: 41 }, (_, i) => i), box: new Float64Array(Array.from({ length: 40 }, (_, i) => [i, 0, i + 1, 1]).flat()), closed: true, points: false, find: null };
  for (const [scale, ox] of [[1.7, 3.31], [2.3, 0.5], [5, 7.77]]) {
    const width = 60, rows = rowsOfPixels(strip, { scale, ox, oy: 0 }, width, 1, () => true);
    rows.forEach((r, x) => { const at = Math.floor((x + 0.5 + ox) / scale); assert.equal(r, at < 40 ? at : -1); });
  }
});

test("pixels take the colour of their class, and dots only where they can be seen", () => {
  assert.equal(pixelOf("#D62F27"), 0xff272fd6);
  const pixels = new Uint32Array(5), classes = [{ colour: "#FFFFFF", bare: true }, { colour: "#D62F27" }, { colour: "#4575B5", below: true }];
  colourPixels(pixels, Int32Array.from([-1, 0, 1, 2, 2]), [0, 1, 2], classes, 5, false);
  assert.deepEqual(Array.from(pixels), [0, 0, 0xff272fd6, pixelOf("#4575B5"), pixelOf("#4575B5")]);
});
