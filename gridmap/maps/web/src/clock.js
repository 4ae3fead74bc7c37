/* Weekday × hour: how the week runs, and a filter. Drag over hours, or choose a day or an hour by its name. */
/** @param {import("./types").Gm} gm */
export function clock(gm) {
  const el = gm.el;
  gm.part(function () {
    const layer = gm.themes.find(function (l) { return l.clock; });
    if (!layer) return;
    const body = gm.addTab("clock", "tab_clock"), f = layer.frames;
    const chosen = new Set(), text = el("p", { class: "gm-clock-now", "aria-live": "polite" });
    const table = el("table", { class: "gm-clock" }), presets = el("div", { class: "gm-presets" }), hint = el("p", { class: "gm-of" });
    body.append(hint, presets, table, text);
    const top = Math.max.apply(null, f.totals.concat(1e-9)), cells = [];
    const days = [0, 1, 2, 3, 4, 5, 6], hours = Array.from({ length: 24 }, function (_, h) { return h; });
    const day = gm.weekday;
    const shade = function (t) { const s = t / top; return "rgb(" + [255 - 66 * s * s, Math.round(250 - 235 * s), Math.round(225 - 190 * s)].map(Math.round).join() + ")"; };
    function apply() {
      const wanted = chosen.size ? Array.from(chosen).sort(function (a, b) { return a - b; }) : f.periods.map(function (_, i) { return i; });
      if (gm.state.theme !== layer.id) gm.showTheme(layer.id);
      layer.showPeriods(wanted, "hours");
      cells.forEach(function (c, p) { c.classList.toggle("gm-out", chosen.size > 0 && !chosen.has(p)); c.setAttribute("aria-selected", String(chosen.has(p))); });
      const total = wanted.reduce(function (s, p) { return s + f.totals[p]; }, 0), all = f.totals.reduce(function (a, b) { return a + b; }, 0);
      text.textContent = gm.t("clock_now", { hours: wanted.length, count: Math.round(total), share: all ? total / all : 0 });
      gm.emit("frame", wanted.length);
    }
    function set(list, add) { if (!add) chosen.clear(); list.forEach(function (p) { chosen.add(p); }); apply(); }
    let from = null;
    /** @type {number | null} */
    let held = null;
    function block(a, b) {
      const out = [], d0 = Math.min(a / 24 | 0, b / 24 | 0), d1 = Math.max(a / 24 | 0, b / 24 | 0), h0 = Math.min(a % 24, b % 24), h1 = Math.max(a % 24, b % 24);
      for (let d = d0; d <= d1; d++) for (let h = h0; h <= h1; h++) out.push(24 * d + h);
      return out;
    }
    function fill() {
      hint.textContent = gm.t("clock_hint");
      gm.clear(table);
      table.setAttribute("aria-label", gm.t("tab_clock"));
      table.setAttribute("role", "grid");
      cells.length = 0;
      table.append(el("tr", {}, el("td"), days.map(function (d) {   /* days across, hours down: every field is large enough to be hit */
        return el("th", { scope: "col" }, el("button", { type: "button", text: day(d), onclick: function (e) { set(hours.map(function (h) { return 24 * d + h; }), e.shiftKey); } }));
      })));
      hours.forEach(function (h) {
        const row = el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", text: gm.t("hour_of_day", { hour: h }), onclick: function (e) { set(days.map(function (d) { return 24 * d + h; }), e.shiftKey); } })));
        days.forEach(function (d) {
          const p = 24 * d + h;
          const cell = el("td", { style: { background: shade(f.totals[p]) }, title: gm.period(String(p), "hour_of_week") + " · " + gm.number(f.totals[p], 1), "data-hour": p, tabindex: p ? -1 : 0, "aria-label": gm.period(String(p), "hour_of_week") + ", " + gm.number(f.totals[p], 1) });
          cells[p] = cell;
          row.append(cell);
        });
        table.append(row);
      });
      gm.put(gm.clear(presets), /** @type {Array<[string, (d: number, h: number) => boolean]>} */ ([["clock_all", function () { return true; }], ["clock_day", function (d, h) { return h >= 8 && h < 20; }], ["clock_night", function (d, h) { return h >= 20 || h < 8; }], ["clock_weekend", function (d) { return d > 4; }]]).map(function (p) {
        return el("button", { type: "button", text: gm.t(p[0]), onclick: function () {
          const list = [];
          days.forEach(function (d) { hours.forEach(function (h) { if (p[1](d, h)) list.push(24 * d + h); }); });
          set(list.length === 168 ? [] : list);
        } });
      }));
    }
    const hourOf = function (event) { const t = /** @type {HTMLElement} */ (document.elementFromPoint(event.clientX, event.clientY)); return t && t.dataset && t.dataset.hour !== undefined ? +t.dataset.hour : null; };
    table.addEventListener("pointerdown", function (e) { from = hourOf(e); if (from !== null) { set([from], e.shiftKey); e.preventDefault(); } });
    table.addEventListener("pointermove", function (e) { const to = hourOf(e); if (from !== null && to !== null) { chosen.clear(); set(block(from, to)); } });
    document.addEventListener("pointerup", function () { from = null; });
    /* By keyboard: the arrows go from hour to hour, Enter chooses one, Shift with an arrow a block. */
    table.addEventListener("keydown", function (e) {
      const t = /** @type {HTMLElement} */ (e.target), at = t.dataset.hour === undefined ? null : +t.dataset.hour;
      const step = /** @type {Record<string, [number, number]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] })[e.key];
      if (at === null || !(step || e.key === "Enter" || e.key === " ")) return;
      e.preventDefault();
      e.stopPropagation();
      if (!step) { held = at; return set([at], e.shiftKey); }
      const to = 24 * Math.max(0, Math.min(6, (at / 24 | 0) + step[0])) + Math.max(0, Math.min(23, at % 24 + step[1]));
      cells[at].tabIndex = -1;
      cells[to].tabIndex = 0;
      cells[to].focus();
      if (e.shiftKey) { if (held === null) held = at; set(block(held, to)); } else held = null;
    });
    gm.on("ready", fill);
    gm.on("language", function () { fill(); if (gm.state.theme === layer.id) apply(); });
    gm.on("theme", function (id) { if (id === layer.id && body.hidden && document.body.dataset.ready) gm.openTab("clock"); });
  });
}
