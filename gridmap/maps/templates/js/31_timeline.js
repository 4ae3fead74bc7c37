/* The time slider, which is the bar chart of the counts. Space plays, the arrows step. */
(function (gm) {
  "use strict";
  const el = gm.el;
  gm.part(function () {
    const bar = el("section", { id: "gm-time", hidden: true });
    gm.parts.foot.append(bar);
    let at = 0, mode = "single", speed = 1, timer = null, layer = null;
    const play = el("button", { type: "button", class: "gm-play" });
    const back = el("button", { type: "button", text: "◂" }), on = el("button", { type: "button", text: "▸" });
    const now = el("output", { class: "gm-now" });
    const bars = el("div", { class: "gm-bars", "aria-hidden": "true" });
    const range = el("input", { type: "range", min: 0, step: 1, class: "gm-range" });
    const speeds = el("select", {}), modes = el("select", {});
    bar.append(el("div", { class: "gm-time-buttons" }, back, play, on), now, el("div", { class: "gm-track" }, bars, range), el("div", { class: "gm-time-options" }, modes, speeds));
    play.addEventListener("click", function () { timer ? stop() : start(); });
    back.addEventListener("click", function () { stop(); go(at - 1); });
    on.addEventListener("click", function () { stop(); go(at + 1); });
    range.addEventListener("input", function () { stop(); go(+range.value); });
    speeds.addEventListener("change", function () { speed = +speeds.value; if (timer) { stop(); start(); } });
    modes.addEventListener("change", function () { mode = modes.value; go(at); });

    function start() {
      if (at >= layer.frames.periods.length - 1) go(0);
      timer = setInterval(function () { if (at >= layer.frames.periods.length - 1) stop(); else go(at + 1); }, 900 / speed);
      say();
    }
    function stop() { if (timer) clearInterval(timer); timer = null; say(); }
    function go(i) {
      at = Math.max(0, Math.min(layer.frames.periods.length - 1, i));
      const wanted = [];
      for (let p = mode === "single" ? at : 0; p <= at; p++) wanted.push(p);
      layer.show_periods(wanted, mode);
      layer.periodAt = at;
      gm.state.frame = at;
      range.value = at;
      Array.from(bars.children).forEach(function (b, p) { b.className = p === at ? "gm-on" : mode === "cumulated" && p < at ? "gm-in" : ""; });
      say();
      gm.legend();
      gm.emit("frame", at);
    }
    gm.period_go = go;
    function say() {
      if (!layer) return;
      const f = layer.frames, name = gm.period(f.periods[at], f.every);
      const total = mode === "single" ? f.totals[at] : f.totals.slice(0, at + 1).reduce(function (a, b) { return a + b; }, 0);
      gm.put(gm.clear(now), el("strong", { text: mode === "single" ? name : gm.t("up_to", name) }), el("span", { text: gm.number(total, 0) + " " + gm.text(layer.unit) }));
      range.setAttribute("aria-label", gm.t("timeline"));
      range.setAttribute("aria-valuetext", name + ", " + gm.number(total, 0));
      play.textContent = timer ? "❚❚" : "▶";
      play.title = gm.t(timer ? "pause" : "play");
      [[play, play.title], [back, gm.t("step_back")], [on, gm.t("step_on")], [speeds, gm.t("speed")], [modes, gm.t("window")]].forEach(function (p) { p[0].setAttribute("aria-label", p[1]); p[0].title = p[1]; });
      if (modes.dataset.language !== gm.state.language) {
        gm.put(gm.clear(modes), el("option", { value: "single", text: gm.t("single_period") }), el("option", { value: "cumulated", text: gm.t("cumulated") }));
        gm.put(gm.clear(speeds), [0.5, 1, 2, 4].map(function (s) { return el("option", { value: s, text: gm.t("speed") + " ×" + s }); }));
        modes.value = mode; speeds.value = speed; modes.dataset.language = gm.state.language;
      }
    }
    function open() {
      stop();
      layer = gm.theme() && gm.theme().frames && !gm.theme().clock ? gm.theme() : null;
      const hidden = bar.hidden;
      bar.hidden = !layer;
      if (hidden !== bar.hidden) gm.map.invalidateSize({ animate: false });
      gm.state.frame = null;
      if (!layer) return;
      const f = layer.frames, top = Math.max.apply(null, f.totals.concat(1e-9));
      gm.put(gm.clear(bars), f.totals.map(function (t) { return el("i", { style: { height: Math.max(2, 100 * t / top) + "%" } }); }));
      range.max = f.periods.length - 1;
      go(layer.periodAt === undefined ? f.periods.length - 1 : layer.periodAt);
    }
    gm.on("theme", open);
    gm.on("language", function () { say(); });
    /* The map pans by arrows when it has the focus, tabs and handles have their own use for them. */
    function free(event) { return !event.target.closest || !event.target.closest(".leaflet-container, [role=tab], [role=slider]"); }
    document.addEventListener("keydown", function (event) {
      if (!layer || gm.busy || gm.typing(event)) return;
      if (event.key === " " && event.target.tagName !== "BUTTON") { play.click(); event.preventDefault(); }
      else if (event.key === "ArrowRight" && free(event)) { stop(); go(at + 1); }
      else if (event.key === "ArrowLeft" && free(event)) { stop(); go(at - 1); }
    });
    gm.typing = function (event) { return /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey; };
  });
})(gridmap);
