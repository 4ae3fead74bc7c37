/* The ranked places as cards: name, incidents and share, how sure, how they changed. A card flies there; the map marks
   its card. */

/** @typedef {import("./types").LiveLayer} LiveLayer */
/** @typedef {import("./types").Ranked} Ranked */

/** So many are shown, and carry their number on the map, until all are asked for. */
export const FIRST = 10;
/** The interval of a change is drawn between a quarter and four times. */
const SPAN = Math.log(4);

/** Where a ratio stands on the line, in percent.
 * @param {number} ratio */
export function onLine(ratio) { return 50 + 50 * Math.max(-1, Math.min(1, Math.log(Math.max(ratio, 1e-9)) / SPAN)); }

/** Three dots for stability: how often a place is hot on other grids and resamples. All three are what the answer
 * strip counts as drawn again.
 * @param {number} share @param {number} firm */
export function dots(share, firm) { const full = share >= firm ? 3 : share >= firm - 0.15 ? 2 : share >= 0.5 ? 1 : 0; return "●".repeat(full) + "○".repeat(3 - full); }

/** @param {import("./types").Gm} gm */
export function hotspots(gm) {
  const el = gm.el;
  gm.part(() => {
    const body = gm.addTab("hotspots", "tab_hotspots");
    let wanted = "", order = "rank", whole = false;
    const of = el("p", { class: "gm-of" }), list = el("ol", { class: "gm-ranked" }), head = el("div", { class: "gm-card-head", "aria-hidden": "true" });
    const search = /** @type {HTMLInputElement} */ (el("input", { type: "search", class: "gm-search" }));
    const sort = /** @type {HTMLSelectElement} */ (el("select", { class: "gm-sort" }));
    const more = el("button", { type: "button", class: "gm-copy gm-all" }), copy = el("button", { type: "button", class: "gm-copy" });
    const tools = el("div", { class: "gm-tools" }, search, sort), hint = el("p", { class: "gm-of" });
    body.append(of, head, list, el("div", { class: "gm-list-foot" }, more, copy), tools, hint);
    search.addEventListener("input", () => { wanted = search.value.trim().toLowerCase(); fill(); });
    sort.addEventListener("change", () => { order = sort.value; fill(); });
    more.addEventListener("click", () => { whole = !whole; fill(); });
    copy.addEventListener("click", () => {
      const layer = source();
      if (!layer) return;
      const keys = columns(layer), lines = [[gm.t("rank"), gm.t("name")].concat(keys.map((k) => gm.column(k, layer)))];
      shownRows(layer, true).forEach((r) => lines.push([String(r.rank), gm.placeOf(r)].concat(keys.map((k) => (r.values[k] === undefined ? "" : /_(value|p)$/.test(k) ? gm.value(k, r.values[k]) : String(r.values[k]))))));
      gm.copy(lines.map((l) => l.map((c) => String(c).replace(/[\t\r\n]+/g, " ")).join("\t")).join("\n"), copy);
    });

    /* The places of the shown theme; of the clusters over it only where no theme is shown, or none that could have any. */
    function source() {
      const theme = gm.theme();
      if (theme && (theme.ranked.length || theme.answers && Object.keys(theme.answers).length)) return theme;
      return gm.overlays.find((l) => l.ranked.length && l.show) || theme;
    }
    gm.rankedLayer = source;
    gm.rankedRows = () => { const l = source(); return l ? rows(l) : []; };
    gm.placeOf = (row) => gm.text(row.name) || gm.t("place") + " " + row.rank;
    gm.shownRanks = () => FIRST;
    /** @param {LiveLayer} layer */
    function columns(layer) {
      /** @type {string[]} */
      const keys = [];
      layer.ranked.forEach((r) => Object.keys(r.values).forEach((k) => { if (!keys.includes(k)) keys.push(k); }));
      return keys;
    }
    /** @param {LiveLayer} layer @returns {Ranked[]} */
    function rows(layer) {
      const now = layer.frames && !layer.clock && layer.amountNow;
      const all = layer.ranked.map((r, i) => ({ ...r, rank: i + 1, index: i }));
      if (!now || !layer.rank_by) return all;
      /* A layer with periods is ranked by the period that the map shows. */
      const key = layer.rank_by;
      const counted = layer.countNow;
      return all.map((r) => ({ ...r, values: { ...r.values, ...(counted ? { count: counted(r.rows[0]) } : {}), [key]: now(r.rows[0]) } })).filter((r) => r.values[key] > 0)
        .sort((a, b) => b.values[key] - a.values[key]).map((r, i) => ({ ...r, rank: i + 1 }));
    }
    /** @param {LiveLayer} layer */
    const changeHead = (layer) => (layer.compared && layer.compared.before ? gm.t("col_change_dated", layer.compared).replace(/(\d)-(?=\d)/g, "$1-\u2060") : gm.t("col_change"));   /* a date stays on one line */
    /** @param {LiveLayer} layer @param {boolean} all */
    function shownRows(layer, all) {
      const shown = rows(layer).filter((r) => !wanted || (gm.placeOf(r) + " " + (r.district || "")).toLowerCase().includes(wanted));
      const up = order === "p_value" || order === "q_value" || order === "change_p" ? 1 : -1;
      const value = (/** @type {Ranked} */ r) => (r.values[order] === undefined ? -Infinity : r.values[order]);
      if (order === "name") shown.sort((a, b) => gm.placeOf(a).localeCompare(gm.placeOf(b), gm.locale()));
      else if (order !== "rank") shown.sort((a, b) => up * (value(a) - value(b)));
      return all || whole || wanted ? shown : shown.slice(0, FIRST);
    }

    gm.lines = (layer, r) => {
      const v = r.values, main = mainOf(layer, r), first = [];
      if (main && v[main] !== undefined) first.push(gm.value(main, v[main]) + (main === "count" ? "" : " " + gm.column(main)));
      if (v.share !== undefined) first.push(gm.percent(v.share, 1));
      else if (v.ratio !== undefined) first.push(gm.value("ratio", v.ratio));
      if (v.count_before !== undefined) first.push(gm.number(v.count_before, 0) + " → " + gm.number(v.count_after, 0));
      return first.join(" · ");
    };
    /** @param {LiveLayer} layer @param {Ranked} r */
    function mainOf(layer, r) {
      const v = r.values;
      if (layer.rank_by === "intensity" && !layer.labels && v.intensity !== undefined) return "intensity";   /* what the list is ranked by */
      return v.count !== undefined ? "count" : v.difference !== undefined ? "difference" : layer.rank_by && v[layer.rank_by] !== undefined ? layer.rank_by : Object.keys(v)[0];
    }
    /** @param {LiveLayer} layer @param {Ranked} r */
    function where(layer, r) {
      const v = r.values, words = [];
      if (r.district && r.district !== gm.placeOf(r)) words.push(r.district);
      if (v.area_km2) words.push(gm.t("km2_short", { area: gm.number(v.area_km2, v.area_km2 < 0.1 ? 2 : v.area_km2 < 10 ? 1 : 0) }).replace(" ", "\u00a0"));
      else if (v.cells) words.push(gm.t(layer.of_zones ? "zones_n" : "cells_n", { n: v.cells }));
      if (v.count !== undefined && mainOf(layer, r) === "intensity") words.push(gm.amount(layer, v.count));
      const c = layer.classes[r.code];
      if (!words.length && c && c.label && layer.labels) words.push(gm.text(c.label));
      return words.join(" · ");
    }
    /** @param {Ranked} r */
    function change(r) {
      const v = r.values;
      if (v.count_before === undefined || v.change_low === undefined) return v.count_before === undefined ? null : el("span", { class: "gm-change" }, el("small", { text: gm.number(v.count_before, 0) + " → " + gm.number(v.count_after, 0) }));
      const beyond = v.change_p !== undefined && v.change_p <= 0.05, up = (v.change_ratio === undefined ? Infinity : v.change_ratio) > 1;
      const left = onLine(v.change_low), right = onLine(v.change_high === undefined ? Infinity : v.change_high);
      const line = el("span", { class: "gm-line" }, el("i", { style: { left: left + "%", width: Math.max(2, right - left) + "%" } }), el("b", { style: { left: onLine(v.change_ratio === undefined ? Infinity : v.change_ratio) + "%" } }));
      const word = beyond ? el("em", { text: gm.t(up ? "beyond_up" : "beyond_down") }) : null;
      return el("span", { class: "gm-change" + (beyond ? " gm-beyond" + (up ? " gm-up" : " gm-down") : "") }, line, el("small", { text: gm.number(v.count_before, 0) + " → " + gm.number(v.count_after, 0) + " " }, word));
    }
    /** @param {LiveLayer} layer @param {Ranked} r */
    function card(layer, r) {
      const v = r.values, main = mainOf(layer, r);
      const under = v.share !== undefined ? gm.percent(v.share, 1) : v.ratio !== undefined ? gm.value("ratio", v.ratio) : "";
      return el("li", {}, el("button", { type: "button", "data-index": r.index, onclick: () => gm.select(layer, r.index, true) },
        el("span", { class: "gm-rank", text: r.rank }),
        el("span", { class: "gm-entry" }, el("span", { class: "gm-place", dir: "auto", text: gm.placeOf(r) }), " ", el("span", { class: "gm-more", dir: "auto", text: where(layer, r) })),
        el("span", { class: "gm-numbers" }, el("strong", { text: main ? gm.value(main, v[main]) : "" }), el("small", { text: under })),
        v.stability === undefined ? null : el("span", { class: "gm-sure", title: gm.t("stays_hot", { share: v.stability }) }, el("span", { "aria-hidden": "true", text: dots(v.stability, gm.data.firm) }), el("small", { text: gm.percent(v.stability) })),
        change(r)));
    }
    /** @param {LiveLayer} layer @param {Ranked} first */
    function numbersOf(layer, first) {
      const main = mainOf(layer, first);
      const under = first.values.share === undefined && first.values.ratio !== undefined ? "\n" + gm.column("ratio", layer) : "";
      if (main && main !== "count") return gm.column(main, layer) + under;   /* a density, an expectation, a difference */
      if (first.values.share === undefined) return gm.column("count", layer) + under;
      const weight = gm.weightOf(layer);
      return weight ? gm.t("col_number_weight", { weight }) : gm.t("col_number");
    }
    /** What an untested list is ranked by. @param {LiveLayer} layer */
    function rankedBy(layer) {
      if (layer.labels || layer.role !== "theme") return "";
      return gm.t("stop") + gm.t("gap") + gm.t(layer.method === "forecast" ? "expected_ranked" : "amounts_ranked");
    }
    function fill() {
      const layer = source();
      gm.clear(list);
      const all = layer ? rows(layer) : [], none = !all.length;
      tools.hidden = copy.hidden = head.hidden = none;
      more.hidden = none || all.length <= FIRST;
      hint.textContent = "";
      if (!layer || none) {
        of.textContent = gm.t(layer && layer.labels ? "nothing_found" : "no_hotspots");
        return;
      }
      of.textContent = gm.pair(gm.t("hotspots_of"), gm.text(layer.name)) + rankedBy(layer);
      const keys = columns(layer), first = all[0].values;
      gm.put(gm.clear(head), el("span"), el("span", { text: gm.t("col_place") }), el("span", { text: numbersOf(layer, all[0]) }),
        first.stability === undefined ? null : el("span", { text: gm.t("col_stays") }), first.change_low === undefined ? null : el("span", { text: changeHead(layer) }));
      gm.put(gm.clear(sort), el("option", { value: "rank", text: gm.pair(gm.t("sort_by"), gm.t("rank")) }), el("option", { value: "name", text: gm.t("name") }), keys.map((k) => el("option", { value: k, text: gm.column(k, layer) })));
      if (order !== "rank" && order !== "name" && !keys.includes(order)) order = "rank";
      sort.value = order;
      const shown = shownRows(layer, false);
      list.dataset.columns = (first.stability === undefined ? "" : "s") + (first.count_before === undefined ? "" : "c");
      head.dataset.columns = list.dataset.columns;
      shown.forEach((r) => list.append(card(layer, r)));
      if (!shown.length) list.append(el("li", { class: "gm-none", text: gm.t("none_found") }));
      more.textContent = whole ? gm.t("show_less", { n: FIRST }) : gm.t("show_more", { n: all.length });
      more.setAttribute("aria-expanded", String(whole));
      hint.textContent = gm.joined([all.length > FIRST ? gm.t("first_shown", { shown: FIRST, all: all.length }) : "", layer.pale ? gm.t("chosen_high") : ""]);
      mark();
    }
    function mark() {
      const s = gm.state.selected, layer = source();
      list.querySelectorAll("button").forEach((b) => {
        const on = s && layer && s.layer === layer.id && String(s.index) === b.dataset.index;
        b.setAttribute("aria-current", on ? "true" : "false");
        if (on) b.scrollIntoView({ block: "nearest" });
      });
    }
    gm.on("ready", () => { say(); gm.openTab(gm.tabs[gm.data.opens] ? gm.data.opens : "hotspots"); });
    gm.on("theme", () => { whole = false; fill(); });
    ["overlays", "frame"].forEach((event) => gm.on(event, fill));
    gm.on("select", (s) => {
      if (s && !whole) { const layer = source(); if (layer && layer.id === s.layer && s.index >= FIRST) { whole = true; fill(); } }
      mark();
    });
    gm.on("language", say);
    function say() {
      search.placeholder = gm.t("search");
      search.setAttribute("aria-label", gm.t("search"));
      sort.setAttribute("aria-label", gm.t("sort_by"));
      copy.textContent = gm.t("copy_table");
      fill();
    }
  });
}
