/* What the cards and the inset decide. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dots, onLine } from "../src/hotspots.js";
import { densest } from "../src/inset.js";

test("dots say how often a place stays hot", () => {
  assert.deepEqual([1, 0.9, 0.89, 0.6, 0.2].map((share) => dots(share, 0.9)), ["●●●", "●●●", "●●○", "●○○", "○○○"]);
});

test("no change stands in the middle of the line, and the ends hold whatever is beyond", () => {
  assert.deepEqual([1, 4, 0.25, 1000, 0].map((r) => Math.round(onLine(r))), [50, 100, 0, 100, 0]);
});

test("the inset is of the places that lie closest together, and of none where they are spread", () => {
  const close = /** @type {Array<[number, number]>} */ ([[0, 0], [0.01, 0], [0, 0.01], [1, 1]]);
  assert.deepEqual(densest(close, 1)?.inside, [0, 1, 2]);
  assert.equal(densest([[0, 0], [0.5, 0.5], [1, 1]], 1), null);
});
