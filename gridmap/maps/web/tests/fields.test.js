/* The page fills the catalogue's texts as Python does: tests/maps writes Python's own answers to a file and names it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { speaker } from "../src/fields.js";

const file = process.env.GRIDMAP_CASES, cases = file ? JSON.parse(readFileSync(file, "utf8")) : {};

for (const [tag, language] of Object.entries(cases)) {
  test(`every field is filled in ${tag} as Python fills it`, () => {
    const s = speaker(language.locale, language.words, tag);
    for (const { code, values, said } of language.cases) assert.equal(s.say(code, values), said, code);
  });
}

test("a code without a text is said as it is, a text that is not known as a dash", () => {
  const s = speaker("en", { "page.n": "{n:,} of {m}" }, "en");
  assert.equal(s.say("page.none"), "page.none");
  assert.equal(s.say("page.n", { n: 1234, m: null }), "1,234 of –");
});

test("a share that is there is not 0%", () => {
  const s = speaker("en", { "page.n": "{share:.0%}", "page.m": "{share:.1%}" }, "en");
  assert.deepEqual([0, 0.002, 0.006].map((share) => s.say("page.n", { share })), ["0%", "<1%", "1%"]);
  assert.equal(s.say("page.m", { share: 0.0002 }), "<0.1%");
});

test("plural forms are the language's own: three of them in Polish", () => {
  const s = speaker("pl", { "page.n": "{n:#komórka|komórki|komórek|komórki}" }, "pl");
  assert.deepEqual([1, 2, 5].map((n) => s.say("page.n", { n })), ["1 komórka", "2 komórki", "5 komórek"]);
});

test("a note says its notes, and a text of every language is the reader's", () => {
  const s = speaker("zh-Hans-CN", { "compass.part_of": "{place}{part}", "compass.north": "北部" }, "zh");
  assert.equal(s.said({ code: "compass.part_of", values: { place: "望川", part: { code: "compass.north", values: {} } } }), "望川北部");
  assert.equal(s.said({ en: "north", zh: "北" }), "北");
  assert.equal(s.said({ en: "north" }), "north");
});
