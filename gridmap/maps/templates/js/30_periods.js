/* Layers with periods: the amounts of one period, of all up to one, or of chosen hours of the week, and their classes. */
(function (gm) {
  "use strict";
  gm.layers.forEach(function (layer) {
    if (!layer.frames) return;
    const f = layer.frames, n = layer.draw.n, unit = Math.pow(10, f.digits), periods = f.periods.length;
    const fixed = { classes: layer.classes, bounds: f.bounds };
    let values = null, chosen = null, amounts = null, codes = null, cumulated = null;
    const at = function (i) { values = values || gm.integers(f); const v = values[i]; return v === v && v > -2147483648 && !(f.type === "i1" && v === -128) && !(f.type === "i2" && v === -32768) ? v / unit : 0; };
    layer.clock = f.every === "hour_of_week";

    function sum(wanted) {
      const out = new Float64Array(n);
      wanted.forEach(function (p) { for (let r = 0; r < n; r++) out[r] += at(p * n + r); });
      return out;
    }
    function classify(bounds) {
      codes = new Uint8Array(n);
      for (let r = 0; r < n; r++) {
        let c = 1;
        if (amounts[r] > 0) { c = 2; while (c - 2 < bounds.length - 1 && amounts[r] > bounds[c - 2]) c++; }
        codes[r] = c;
      }
    }
    /* Breaks for sums of periods: quantiles of what is above zero, as many as the fixed ones. */
    function breaks(of) {
      const above = Array.from(of).filter(function (v) { return v > 0; }).sort(function (a, b) { return a - b; });
      const k = Math.max(1, fixed.bounds.length), bounds = [];
      for (let i = 1; i <= k && above.length; i++) {
        const b = above[Math.min(above.length - 1, Math.ceil(above.length * i / k) - 1)];
        if (!bounds.length || b > bounds[bounds.length - 1]) bounds.push(b);
      }
      const colours = fixed.classes.slice(2).map(function (c) { return c.colour; });
      let low = above[0];
      const whole = f.digits === 0;
      return { bounds: bounds, classes: fixed.classes.slice(0, 2).concat(bounds.map(function (b, i) {
        const c = { colour: colours[Math.round((i + 1) * colours.length / bounds.length) - 1] || colours[0], low: low, high: b };
        low = whole ? b + 1 : b;
        return c;
      })) };
    }
    /* One period, all up to it (cumulated), or a set of hours. */
    layer.show_periods = function (wanted, mode) {
      const key = mode + wanted.join();
      if (key === chosen) return;
      chosen = key;
      amounts = sum(wanted);
      let scale = fixed;
      if (mode === "cumulated") scale = cumulated = cumulated || breaks(sum(f.periods.map(function (_, i) { return i; })));
      else if (mode === "hours") scale = breaks(amounts);
      layer.classes = scale.classes;
      classify(scale.bounds);
      if (layer.canvas) layer.canvas.redraw();
    };
    layer.amountsOf = sum;
    layer.codesNow = function () { if (!codes) layer.show_periods(layer.clock ? f.periods.map(function (_, i) { return i; }) : [periods - 1], layer.clock ? "hours" : "single"); return codes; };
    layer.amountNow = function (row) { layer.codesNow(); return amounts[row]; };
    layer.allCodes = function () { return layer.codesNow(); };
    layer.codesOfPeriod = function (p) { const keep = [amounts, codes]; amounts = sum([p]); classify(fixed.bounds); const out = codes; amounts = keep[0]; codes = keep[1]; return out; };
  });
})(gridmap);
