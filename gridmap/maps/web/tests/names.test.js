import assert from "node:assert/strict";
import { test } from "node:test";
import { spread, wordings } from "../src/canvas.js";

const letters = (text) => Array.from(text).reduce((n, c) => n + (c > "\u2e7f" ? 1 : 0.55), 0);

test("a short name is one line, a long one is broken where its words end", () => {
  assert.deepEqual(wordings("Bankfoot", 15, letters)[0], ["Bankfoot"]);
  assert.deepEqual(wordings("Ferrybridge & West Knottingley", 15, letters)[0], ["Ferrybridge &", "West Knottingley"]);
  assert.deepEqual(wordings("朱家沟社区, 书香街 / 红旗路", 10, letters)[0], ["朱家沟社区,", "书香街 / 红旗路"]);
});

test("Chinese without a space is broken anywhere, into even lines, no bracket left alone", () => {
  const name = "西约克郡利兹市哈尔希尔斯与奇佩尔敦交界历史文化保护片区（西北部）";
  const [lines] = wordings(name, 15, letters);
  assert.equal(lines.join(""), name);
  assert.equal(lines.length, 3);
  lines.forEach((line) => { assert.ok(letters(line) <= 15); assert.doesNotMatch(line, /^[）]|（$/); });
});

test("what stands in brackets is left out only after every way to write the whole", () => {
  const all = wordings("人民街社区（北部）", 15, letters);
  assert.deepEqual(all[0], ["人民街社区（北部）"]);
  assert.deepEqual(all.at(-1)?.join(""), "人民街社区");
  assert.equal(new Set(all.map((lines) => lines.join())).size, all.length);
});

test("no line is empty and nothing is lost, however many lines there are", () => {
  for (const name of ["A", "A B", " A  B C ", "，", "社区", "a/b/c", "(x)"]) {
    wordings(name, 1, letters).forEach((lines) => assert.ok(lines.every(Boolean), name));
  }
});

test("numbers stand apart, the first where its place is", () => {
  const spots = spread([[0, 0], [3, 0], [0, 3], [100, 0]], 11, true);
  assert.deepEqual([spots[0].x, spots[0].y, spots[3].x], [0, 0, 100]);
  for (const a of spots) for (const b of spots) if (a.i < b.i) assert.ok(Math.hypot(a.x - b.x, a.y - b.y) > 20);
});
