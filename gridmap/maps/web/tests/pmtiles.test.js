/* PMTiles: numbers of the specification, and an archive made here. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { archive, directory, entryOf, header, tileId, vectorLayers } from "../src/pmtiles.js";

const varint = (v) => { const out = []; do { out.push((v & 127) | (v > 127 ? 128 : 0)); v = Math.floor(v / 128); } while (v); return out; };

test("tiles are numbered along the Hilbert curve, as the specification numbers them", () => {
  assert.deepEqual([[0, 0, 0], [1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0], [2, 0, 0], [12, 3423, 1763]].map(([z, x, y]) => tileId(z, x, y)), [0, 1, 2, 3, 4, 5, 19078479]);
  const all = new Set();
  for (let x = 0; x < 16; x++) for (let y = 0; y < 16; y++) all.add(tileId(4, x, y));
  assert.equal(all.size, 256);
  assert.equal(Math.min(...all), 85);
  assert.equal(Math.max(...all), 340);
});

/* Two tiles in a leaf directory; the second stands for a run of three. */
function made(tiles, type, inner = 2) {
  const pack = (bytes) => (inner === 2 ? gzipSync(Uint8Array.from(bytes)) : Uint8Array.from(bytes));
  const data = tiles.map((t) => gzipSync(t.bytes)), leaf = [tiles.length];
  tiles.forEach((t, i) => leaf.push(...varint(t.id - (i ? tiles[i - 1].id : 0))));
  tiles.forEach((t) => leaf.push(...varint(t.run)));
  data.forEach((d) => leaf.push(...varint(d.length)));
  data.forEach((d, i) => leaf.push(...varint(i ? 0 : 1)));
  const leaves = pack(leaf), root = pack([1, ...varint(tiles[0].id), 0, ...varint(leaves.length), 1]);
  const head = new Uint8Array(127), view = new DataView(head.buffer);
  head.set(new TextEncoder().encode("PMTiles"));
  view.setUint8(7, 3);
  const put = (at, v) => view.setUint32(at, v, true);
  put(8, 127); put(16, root.length); put(40, 127 + root.length); put(48, leaves.length); put(56, 127 + root.length + leaves.length);
  [inner, 2, type, 0, 2].forEach((v, i) => view.setUint8(97 + i, v));
  return new Blob([head, root, leaves, ...data]);
}

test("a tile is found through a leaf directory, and a run of equal tiles stands for each", async () => {
  const one = Uint8Array.from([1, 2, 3]), two = Uint8Array.from([9]);
  const found = await archive(made([{ id: 1, run: 1, bytes: one }, { id: 2, run: 3, bytes: two }], 2));
  assert.equal(found.head.type, 2);
  assert.deepEqual(await found.tile(1, 0, 0), one);
  assert.deepEqual(await found.tile(1, 1, 0), two);
  assert.equal(await found.tile(2, 0, 0), null);
  assert.equal(await found.tile(0, 0, 0), null);
});

test("what is none, or of another version, is none", async () => {
  assert.equal(await archive(new Blob(["PMTiles and nothing more"])), null);
  assert.equal(header(new ArrayBuffer(127)), null);
});

test("directories are read as written, and looked up by what they hold", () => {
  const entries = directory(Uint8Array.from([2, 5, 37, 1, 2, 10, 20, 1, 0]));
  assert.deepEqual(entries, [{ id: 5, offset: 0, length: 10, run: 1 }, { id: 42, offset: 10, length: 20, run: 2 }]);
  assert.deepEqual([4, 5, 6, 42, 43, 44].map((id) => entryOf(entries, id)?.id ?? null), [null, 5, null, 42, 42, null]);
});

test("a vector tile gives its layers, lines and names", () => {
  const message = (field, bytes) => [field * 8 + 2, ...varint(bytes.length), ...bytes], letters = (t) => [...new TextEncoder().encode(t)];
  const geometry = [9, 4, 6, 18, 10, 0, 0, 10, 15];   /* move to 2,3; line to 7,3 and 7,8; close */
  const feature = [...message(2, [0, 0]), 24, 3, ...message(4, geometry)];
  const layer = [...message(1, letters("water")), ...message(2, feature), ...message(3, letters("name")), ...message(4, message(1, letters("湖"))), 40, ...varint(512)];
  const [found] = vectorLayers(Uint8Array.from(message(3, layer)));
  assert.equal(found.name, "water");
  assert.equal(found.extent, 512);
  assert.deepEqual(found.features, [{ type: 3, tags: [0, 0], lines: [[[2, 3], [7, 3], [7, 8], [2, 3]]] }]);
  assert.deepEqual([found.keys, found.values], [["name"], ["湖"]]);
});
