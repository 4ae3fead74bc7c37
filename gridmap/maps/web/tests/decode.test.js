/* What travels packed comes back; the pointer finds its row; a border is the outer one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, unzlibSync } from "./zlib.js";
import { border, classify, latOf, lonOf, reader, rowAt, shapesOf, varints, whole, worldX, worldY } from "../src/decode.js";

/** @type {any} */ (globalThis).fflate = { unzlibSync };
const pack = (bytes) => Buffer.from(deflateSync(Uint8Array.from(bytes))).toString("base64");
const leb = (values) => values.flatMap((v) => { const out = []; do { out.push(v % 128 + (v >= 128 ? 128 : 0)); v = Math.floor(v / 128); } while (v); return out; });
const zigzag = (v) => (v < 0 ? -2 * v - 1 : 2 * v);

/** Squares of a degree beside each other, as Python packs them. */
function squares(n, west = 0) {
  const corners = Array.from({ length: n }, (_, i) => [[0, 0], [0, 1], [1, 1], [1, 0]].map(([x, y]) => [(west + i + x) * 1000, y * 1000])).flat();
  let [a, b] = [0, 0];
  const steps = corners.flatMap(([x, y]) => { const out = [zigzag(x - a), zigzag(y - b)]; [a, b] = [x, y]; return out; });
  return { type: "outlines", n, scale: 1000, closed: true, points: false, xy: pack(leb(steps)), rings: pack(leb(Array(n).fill(4))), parts: pack(leb(Array(n).fill(1))) };
}

test("varints come back", () => {
  const values = [0, 1, 127, 128, 300, 2 ** 31, 2 ** 52];
  assert.deepEqual([...varints(pack(leb(values)), values.length)], values);
});

test("a column of numbers tells what is missing", () => {
  const read = reader({ type: "i1", data: pack([12, 256 - 128, 256 - 5]), digits: 1 });
  assert.deepEqual([0, 1, 2, 3].map(read), [1.2, null, -0.5, null]);
});

test("longitude and latitude come back from Mercator", () => {
  assert.ok(Math.abs(lonOf(worldX(-1.5)) + 1.5) < 1e-12);
  assert.ok(Math.abs(latOf(worldY(53.8)) - 53.8) < 1e-9);
});

test("the pointer finds the area it is in, and none outside", () => {
  const shapes = shapesOf(squares(3));
  assert.deepEqual([0.5, 1.5, 2.5, 3.5].map((lon) => rowAt(shapes, 0.5, lon, 0)), [0, 1, 2, -1]);
});

test("the border of touching areas is the outer one", () => {
  const shapes = shapesOf(squares(3)), outer = border(shapes, [0, 1]);
  assert.equal(outer.row[1], 6);   /* a rectangle of two squares has six edges of a square's length */
});

test("where a neighbour has no corner its edge is cut, so that no stroke is left inside", () => {
  /* two squares on top of each other, and beside them one as high as both, whose edge passes their common corner by a rounding */
  const u = 1e-4, off = 0.4 / (360 * 1e5), rings = [[0, 0, 1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 2, 0, 2], [1, 0, 2, 0, 2, 2, 1, 2]];
  const xy = Float64Array.from(rings.flat().map((v) => 0.5 + v * u));
  xy[2 * 2] += off;
  xy[2 * 5] += off;
  const shapes = { n: 3, xy, ring: Uint32Array.from([0, 4, 8, 12]), row: Uint32Array.from([0, 1, 2, 3]), closed: true, points: false, find: null, scale: 1e5, box: new Float64Array(12) };
  const outer = border(shapes, [0, 1, 2]);
  let length = 0;
  for (let e = 0; e < outer.row[1]; e++) length += Math.hypot(outer.xy[4 * e] - outer.xy[4 * e + 2], outer.xy[4 * e + 1] - outer.xy[4 * e + 3]);
  assert.ok(Math.abs(length / u - 8) < 0.01);
  for (let e = 0; e < outer.row[1]; e++) assert.ok(!(Math.abs(outer.xy[4 * e] - 0.5 - u) < 1e-7 && Math.abs(outer.xy[4 * e + 2] - 0.5 - u) < 1e-7));
});

test("a territory across the antimeridian is one piece", () => {
  const shapes = { n: 2, xy: Float64Array.from([worldX(179), 0.5, worldX(179.5), 0.5, worldX(-180), 0.5, worldX(-179), 0.5]), ring: Uint32Array.from([0, 2, 4]), row: Uint32Array.from([0, 1, 2]), closed: false, points: false, find: null };
  whole(shapes, 178);
  assert.deepEqual([...shapes.xy].filter((_, i) => i % 2 === 0).map((x) => Math.round(lonOf(x) * 10) / 10), [179, 179.5, 180, 181]);
});

test("amounts are sorted into classes as Python sorts them", () => {
  assert.deepEqual([...classify([0, -1, 1, 2, 3, 99, NaN], [1, 3, 9])], [1, 1, 2, 3, 3, 4, 0]);
});
