/* Layers with periods: the amounts of one period, of all up to one, or of chosen hours of the week. The classes come
   from Python: one set for single periods, one for sums of several, and both stay the same whatever is chosen. */
import { classify, integers, missing, reader } from "./decode.js";

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
    /** @type {Float64Array | null} */
    let amounts = null;
    /** @type {Float64Array | null} */
    let counts = null;
    /** @type {Uint8Array | null} */
    let codes = null;
    layer.clock = f.every === "hour_of_week";

    layer.amountsOf = (wanted) => {
      values = values || integers(f);
      const out = new Float64Array(n);
      wanted.forEach((p) => {
        for (let r = 0; r < n; r++) { const v = /** @type {any} */ (values)[p * n + r]; out[r] += missing(v, f.type) ? 0 : v / unit; }
      });
      return out;
    };
    /** @param {Float64Array} of */
    const drawn = (of) => (km2 ? of.map((v, r) => v / km2(r)) : of);
    layer.showPeriods = (wanted, mode) => {
      const key = mode + wanted.join();
      if (key === chosen) return;
      chosen = key;
      counts = layer.amountsOf(wanted);
      amounts = drawn(counts);
      const scale = mode === "single" ? single : sums;
      layer.classes = scale.classes;
      codes = classify(amounts, scale.bounds);
      if (layer.canvas) layer.canvas.redraw();
    };
    layer.codesNow = () => {
      if (!codes) layer.showPeriods(layer.clock ? f.periods.map((_, i) => i) : [count - 1], layer.clock ? "hours" : "single");
      return /** @type {Uint8Array} */ (codes);
    };
    layer.amountNow = (row) => { layer.codesNow(); return /** @type {Float64Array} */ (amounts)[row]; };
    layer.countNow = km2 ? (row) => { layer.codesNow(); return /** @type {Float64Array} */ (counts)[row]; } : null;
    layer.allCodes = layer.codesNow;
    layer.codesOfPeriod = (p) => classify(drawn(layer.amountsOf([p])), single.bounds);
  });
}
