/* The time slider, which is the bar chart of the counts. Space plays, the arrows step. It goes through the periods of
   the shown theme, or through a patrol shift, whose units it moves. */
/** @param {import("./types").Gm} gm */
export function timeline(gm) {
  const el = gm.el;
  gm.part(function () {
    const bar = el("section", { id: "gm-time", hidden: true });
    gm.parts.foot.append(bar);
    let at = 0, mode = "single", speed = 1, halt = null, layer = null, wanted = null;
    const play = el("button", { type: "button", class: "gm-play" });
    const back = el("button", { type: "button", text: "◂" }), on = el("button", { type: "button", text: "▸" });
    const now = el("output", { class: "gm-now" });
    const bars = el("div", { class: "gm-bars", "aria-hidden": "true" }), scale = el("div", { class: "gm-scale", "aria-hidden": "true" });
    const range = el("input", { type: "range", min: 0, step: 1, class: "gm-range" });
    const speeds = el("select", { class: "gm-speed" }), modes = el("select", { class: "gm-mode" }), which = el("select", { class: "gm-which", hidden: true });
    bar.append(el("div", { class: "gm-time-buttons" }, back, play, on), now, el("div", { class: "gm-track" }, bars, scale, range), el("div", { class: "gm-time-options" }, modes, speeds, which));
    play.addEventListener("click", function () { halt ? stop() : start(); });
    back.addEventListener("click", function () { stop(); go(at - 1); });
    on.addEventListener("click", function () { stop(); go(at + 1); });
    range.addEventListener("input", function () { stop(); go(+range.value); });
    speeds.addEventListener("change", function () { speed = +speeds.value; if (halt) { stop(); start(); } });
    modes.addEventListener("change", function () { mode = modes.value; go(at); });
    which.addEventListener("change", function () { choose(which.value); });

    /* What the slider can go through: n steps with an amount each, a name and a note for a step, and the act of going there. */
    function periods(theme) {
      const f = theme.frames;
      return { key: "theme", n: f.periods.length, totals: f.totals, pace: 900, modes: true,
        title: function () { return gm.text(theme.name); },
        first: function () { return theme.periodAt === undefined ? f.periods.length - 1 : theme.periodAt; },
        short: function (i) { return gm.period(f.periods[i], f.every); },
        name: function (i) { const name = gm.period(f.periods[i], f.every); return mode === "single" ? name : gm.t("up_to", { period: name }); },
        note: function (i) { return gm.number(mode === "single" ? f.totals[i] : f.totals.slice(0, i + 1).reduce(function (a, b) { return a + b; }, 0), 0) + " " + gm.text(f.counted || theme.unit); },
        show: function (i) {
          const shown = [];
          for (let p = mode === "single" ? i : 0; p <= i; p++) shown.push(p);
          theme.showPeriods(shown, mode);
          theme.periodAt = i;
          gm.state.frame = i;
          gm.emit("frame", i);
        } };
    }
    function shift(s) {
      return { key: "shift" + s.shift, n: s.n, totals: s.totals, pace: 500, modes: false,
        title: function () { return gm.t("shift_of", { shift: s.shift }) + " · " + s.start + "–" + gm.clockTime(s.start, s.seconds); },
        first: function () { return s.at || 0; },
        short: function (i) { return gm.clockTime(s.start, i * s.step); },
        name: function (i) { return gm.clockTime(s.start, i * s.step); },
        note: function (i) { return gm.t("units_at_stops", { there: gm.unitsAtStops(i * s.step), units: gm.patrols.length }); },
        show: function (i) { s.at = i; gm.patrolTime(s.shift, Math.min(i * s.step, s.seconds)); },
        glide: function (x) { gm.patrolMove(Math.min(x * s.step, s.seconds)); } };
    }
    function sources() {
      const theme = gm.theme();
      return (theme && theme.frames && !theme.clock ? [periods(theme)] : []).concat(gm.shifts.map(shift));
    }

    function start() {
      if (at >= layer.n - 1) go(0);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (layer.glide && !calm) {           /* units glide; the text changes at each step only */
        let then = null, x = at, frame = null;
        const move = function (t) {
          if (then !== null) x = Math.min(layer.n - 1, x + Math.min(t - then, 250) / layer.pace * speed);
          then = t;
          if (Math.floor(x) !== at) go(Math.floor(x));
          layer.glide(x);
          if (x >= layer.n - 1) stop(); else frame = requestAnimationFrame(move);
        };
        frame = requestAnimationFrame(move);
        halt = function () { cancelAnimationFrame(frame); };
      } else {
        const timer = setInterval(function () { if (at >= layer.n - 1) stop(); else go(at + 1); }, (layer.glide ? 900 : layer.pace) / speed);
        halt = function () { clearInterval(timer); };
      }
      say();
    }
    function stop() { if (halt) halt(); halt = null; say(); }
    function go(i) {
      at = Math.max(0, Math.min(layer.n - 1, i));
      layer.show(at);
      range.value = String(at);
      Array.from(bars.children).forEach(function (b, p) { b.className = p === at ? "gm-on" : layer.modes && mode === "cumulated" && p < at ? "gm-in" : ""; });
      say();
    }
    gm.periodGo = function (i) { if (layer) { stop(); go(i); } };
    gm.timeSource = function () { return layer ? layer.key : null; };
    function say() {
      if (!layer) return;
      now.setAttribute("aria-live", halt ? "off" : "polite");   /* played, a screen reader is told nothing twice a second */
      gm.put(gm.clear(now), el("strong", { text: layer.name(at) }), el("span", { text: layer.note(at) }));
      range.setAttribute("aria-label", gm.t("timeline"));
      range.setAttribute("aria-valuetext", layer.name(at) + ", " + layer.note(at));
      play.textContent = halt ? "❚❚" : "▶";
      play.title = gm.t(halt ? "pause" : "play");
      /** @type {Array<[HTMLElement, string]>} */ ([[play, play.title], [back, gm.t("step_back")], [on, gm.t("step_on")], [speeds, gm.t("speed")], [modes, gm.t("window")], [which, gm.t("timeline")]]).forEach(function (p) { p[0].setAttribute("aria-label", p[1]); p[0].title = p[1]; });
      if (modes.dataset.language !== gm.state.language) {
        gm.put(gm.clear(modes), el("option", { value: "single", text: gm.t("single_period") }), el("option", { value: "cumulated", text: gm.t("cumulated") }));
        gm.put(gm.clear(speeds), [0.5, 1, 2, 4].map(function (s) { return el("option", { value: s, text: gm.t("speed") + " ×" + s }); }));
        gm.put(gm.clear(which), sources().map(function (s) { return el("option", { value: s.key, text: s.title() }); }));
        modes.value = mode; speeds.value = String(speed); which.value = layer.key; modes.dataset.language = gm.state.language;
      }
    }
    /* Under the bars: as many names as there is room for, the first and the last among them. */
    function labelled() {
      const most = Math.max(2, Math.floor((bars.clientWidth || 600) / 92)), step = Math.max(1, Math.ceil((layer.n - 1) / (most - 1)));
      gm.clear(scale);
      for (let i = layer.n - 1; i >= 0; i -= step) scale.prepend(el("span", { text: layer.short(i), "data-at": (i + 0.5) / layer.n }));
      const width = scale.clientWidth;   /* none is cut at the ends */
      /** @type {HTMLElement[]} */ (Array.from(scale.children)).forEach(function (s) { const half = s.offsetWidth / 2; s.style.left = Math.max(half, Math.min(width - half, width * Number(s.dataset.at))) + "px"; });
    }
    window.addEventListener("resize", function () { if (layer) labelled(); });
    function choose(key) {
      wanted = key;
      open();
    }
    gm.timeOf = choose;
    function open() {
      stop();
      const all = sources();
      layer = all.find(function (s) { return s.key === wanted; }) || all[0] || null;
      const hidden = bar.hidden;
      bar.hidden = !layer;
      if (hidden !== bar.hidden && gm.resized) gm.resized();
      gm.state.frame = null;
      const shown = all.find(function (s) { return s.key === "theme"; });
      if (shown && layer !== shown) shown.show(shown.first());   /* the theme stays at its period while a shift is played */
      if (gm.patrols.length && !layer.glide) gm.patrolTime(gm.state.shift, null);
      if (!layer) return;
      modes.hidden = !layer.modes;
      which.hidden = all.length < 2;
      modes.dataset.language = "";
      const top = Math.max.apply(null, layer.totals.concat(1e-9));
      gm.put(gm.clear(bars), layer.totals.map(function (t) { return el("i", { style: { height: Math.max(2, 100 * t / top) + "%" } }); }));
      range.onmousemove = function (e) {   /* what lies under the pointer */
        const box = range.getBoundingClientRect(), i = Math.max(0, Math.min(layer.n - 1, Math.floor((e.clientX - box.left) / box.width * layer.n)));
        range.title = layer.name(i) + " · " + layer.note(i);
      };
      range.max = String(layer.n - 1);
      go(layer.first());
      labelled();   /* now that the lists beside the bars have their width */
    }
    gm.on("theme", open);
    gm.on("ready", function () { if (!gm.themes.length) open(); });
    gm.on("language", function () { say(); if (layer) labelled(); });
    /* The map pans by arrows when it has the focus, tabs and handles have their own use for them. */
    function free(event) { return !event.target.closest || !event.target.closest(".leaflet-container, [role=tab], [role=slider]"); }
    document.addEventListener("keydown", function (event) {
      if (!layer || gm.busy || gm.typing(event)) return;
      if (event.key === " " && /** @type {Element} */ (event.target).tagName !== "BUTTON") { play.click(); event.preventDefault(); }
      else if (event.key === "ArrowRight" && free(event)) { stop(); go(at + 1); }
      else if (event.key === "ArrowLeft" && free(event)) { stop(); go(at - 1); }
    });
  });
}
