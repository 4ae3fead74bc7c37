/* Layers with periods: the amounts of one period, of all up to one, or of chosen hours of the week. The classes come
   from Python: one set for single periods, one for sums of several, and both stay the same whatever is chosen. */
import { classify, integers, missing, reader } from "./decode.js";

/** So much is kept of classes that were shown, a byte a cell and period. */
const KEPT_BYTES = 3e7;

/** @param {import("./types").Gm} gm */
export function periods(gm) {
  gm.layers.forEach((layer) => {
    const f = layer.frames;
    if (!f) return;
    const n = layer.draw.n, unit = Math.pow(10, f.digits || 0), count = f.periods.length;
    const km2 = f.km2 ? reader(f.km2) : null;   /* areas of unequal size are coloured per km² */
    const single = { classes: layer.classes, bounds: f.bounds }, sums = f.sums;
    /** @type {ReturnType<typeof integers> | null} */
    let values = null;
    let chosen = "";
    /** @type {number[]} */
    let shown = [];
    /* Of what is shown, once somebody asks: the map needs the classes alone. */
    /** @type {Float64Array | null} */
    let amounts = null;
    /** @type {Float64Array | null} */
    let counts = null;
    /** @type {Uint8Array | null} */
    let codes = null;
    /** @type {Map<string, Uint8Array>} */
    const kept = new Map();
    layer.clock = f.every === "hour_of_week";

    layer.amountsOf = (wanted) => {
      values = values || integers(f);
      const out = new Float64Array(n);
      for (const p of wanted) {
        for (let r = 0, at = p * n; r < n; r++, at++) { const v = values[at]; if (!missing(v, f.type)) out[r] += v / unit; }
      }
      return out;
    };
    /** @param {Float64Array} of */
    const drawn = (of) => (km2 ? of.map((v, r) => v / km2(r)) : of);
    layer.showPeriods = (wanted, mode) => {
      const key = mode + wanted.join();
      if (key === chosen) return;
      chosen = key;
      shown = wanted;
      counts = amounts = null;
      const scale = mode === "single" ? single : sums;
      layer.classes = scale.classes;
      codes = kept.get(key) || null;
      if (!codes) {   /* a step back, or a second play, finds the classes again */
        codes = classify(drawn(layer.amountsOf(wanted)), scale.bounds);
        if ((kept.size + 1) * n > KEPT_BYTES) kept.clear();
        kept.set(key, codes);
      }
      if (layer.canvas) layer.canvas.redraw();
    };
    layer.codesNow = () => {
      if (!codes) layer.showPeriods(layer.clock ? f.periods.map((_, i) => i) : [count - 1], layer.clock ? "hours" : "single");
      return /** @type {Uint8Array} */ (codes);
    };
    const countsNow = () => { layer.codesNow(); return (counts = counts || layer.amountsOf(shown)); };
    layer.amountNow = (row) => (amounts = amounts || drawn(countsNow()))[row];
    layer.countNow = km2 ? (row) => countsNow()[row] : null;
    layer.allCodes = layer.codesNow;
    layer.codesOfPeriod = (p) => classify(drawn(layer.amountsOf([p])), single.bounds);
  });
}
