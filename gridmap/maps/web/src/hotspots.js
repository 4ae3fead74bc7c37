/* The ranked table: which places to name first. A row flies there; the map marks its row. */
/** @param {import("./types").Gm} gm */
export function hotspots(gm) {
  const el = gm.el;
  gm.part(function () {
    const body = gm.addTab("hotspots", "tab_hotspots");
    let wanted = "", order = "rank";
    const of = el("p", { class: "gm-of" }), list = el("ol", { class: "gm-ranked" });
    const search = el("input", { type: "search", class: "gm-search" });
    const sort = el("select", { class: "gm-sort" });
    const copy = el("button", { type: "button", class: "gm-copy" });
    body.append(of, el("div", { class: "gm-tools" }, search, sort), list, copy);
    search.addEventListener("input", function () { wanted = search.value.trim().toLowerCase(); fill(); });
    sort.addEventListener("change", function () { order = sort.value; fill(); });
    copy.addEventListener("click", function () {
      const layer = source(), keys = columns(layer);
      const lines = [[gm.t("rank"), gm.t("name")].concat(keys.map(gm.column))].concat(rows(layer).map(function (r) {
        return [r.rank, gm.placeOf(r)].concat(keys.map(function (k) { return r.values[k] === undefined ? "" : r.values[k]; }));
      }));
      gm.copy(lines.map(function (l) { return l.map(function (c) { return String(c).replace(/[\t\r\n]+/g, " "); }).join("\t"); }).join("\n"), copy);
    });

    /* The table of the shown theme; where that has none, of the clusters over it. */
    function source() {
      const theme = gm.theme();
      if (theme && theme.ranked.length) return theme;
      return gm.overlays.find(function (l) { return l.ranked.length && l.show; }) || theme;
    }
    gm.rankedLayer = source;
    gm.rankedRows = function () { const l = source(); return l ? rows(l) : []; };
    gm.placeOf = function (row) { return row.name || gm.t("place") + " " + row.rank; };
    function columns(layer) {
      const keys = [];
      layer.ranked.forEach(function (r) { Object.keys(r.values).forEach(function (k) { if (keys.indexOf(k) < 0) keys.push(k); }); });
      return keys;
    }
    function rows(layer) { return layer.ranked.map(function (r, i) { return Object.assign({ rank: i + 1, index: i }, r); }); }

    gm.lines = function (layer, r) {
      const v = r.values, main = v.count !== undefined ? "count" : v.difference !== undefined ? "difference" : layer.facts.rank_by && v[layer.facts.rank_by] !== undefined ? layer.facts.rank_by : Object.keys(v)[0];
      const first = [];
      if (main && v[main] !== undefined) first.push(gm.value(main, v[main]) + (main === "count" ? "" : " " + gm.column(main)));
      if (v.ratio !== undefined) first.push(gm.value("ratio", v.ratio));
      if (main !== "difference" && v.difference !== undefined) first.push(gm.value("difference", v.difference));
      if (main === "difference" && v.count_before !== undefined) first.push(gm.number(v.count_before, 0) + " → " + gm.number(v.count_after, 0));
      return first.filter(function (t, i) { return first.indexOf(t) === i; }).join(" · ");
    };
    function second(layer, r) {
      const c = layer.classes[r.code], words = [], v = r.values;
      if (c && c.label && layer.role === "theme" && layer.facts.labels) words.push(gm.text(c.label));
      if (v.cells) words.push(gm.number(v.cells, 0) + " " + gm.t("cells"));
      else if (v.area_km2) words.push(gm.number(v.area_km2, 2) + " " + gm.t("square_kilometres"));
      if (r.zones > 1) words.push(gm.number(r.zones, 0) + " " + gm.t("zones"));
      if (v.stability !== undefined) words.push(gm.t("stays_hot", gm.percent(v.stability)));
      return words.join(" · ");
    }
    function fill() {
      const layer = source();
      gm.clear(list);
      if (!layer || !layer.ranked.length) {
        of.textContent = gm.t("no_hotspots");
        search.parentNode.hidden = copy.hidden = true;
        return;
      }
      search.parentNode.hidden = copy.hidden = false;
      of.textContent = gm.t("hotspots_of") + (gm.state.language === "zh" ? "：" : ": ") + gm.text(layer.name);
      if (!layer.facts.labels && layer.role === "theme") of.textContent += gm.state.language === "zh" ? "。" + gm.t("amounts_ranked") : ". " + gm.t("amounts_ranked");
      const keys = columns(layer);
      gm.put(gm.clear(sort), el("option", { value: "rank", text: gm.t("sort_by") + (gm.state.language === "zh" ? "：" : ": ") + gm.t("rank") }), el("option", { value: "name", text: gm.t("name") }));
      keys.forEach(function (k) { sort.append(el("option", { value: k, text: gm.column(k) })); });
      sort.value = order === "rank" || order === "name" || keys.indexOf(order) >= 0 ? order : (order = "rank");
      const up = { p_value: 1, q_value: 1 }[order] ? 1 : -1;
      const shown = rows(layer).filter(function (r) { return !wanted || gm.placeOf(r).toLowerCase().indexOf(wanted) >= 0; });
      if (order === "name") shown.sort(function (a, b) { return gm.placeOf(a).localeCompare(gm.placeOf(b), gm.state.language); });
      else if (order !== "rank") shown.sort(function (a, b) { return up * ((a.values[order] === undefined ? -Infinity : a.values[order]) - (b.values[order] === undefined ? -Infinity : b.values[order])); });
      const bar = layer.ranked.reduce(function (m, r) { return Math.max(m, size(r)); }, 0);
      shown.forEach(function (r) {
        const c = layer.classes[r.code] || { colour: "#888" };
        list.append(el("li", {}, el("button", { type: "button", "data-index": r.index, onclick: function () { gm.select(layer, r.index, true); } },
          el("span", { class: "gm-rank", text: r.rank }),
          el("span", { class: "gm-entry" },
            el("span", { class: "gm-place", dir: "auto", text: gm.placeOf(r) }),
            el("span", { class: "gm-bar" }, el("span", { style: { width: (bar ? 100 * size(r) / bar : 0) + "%", background: layer.facts.labels ? c.colour : "#5b7bb0" } })),
            el("span", { class: "gm-numbers", text: gm.lines(layer, r) }),
            el("span", { class: "gm-more", text: second(layer, r) })))));
      });
      if (!shown.length) list.append(el("li", { class: "gm-none", text: gm.t("none_found") }));
      mark();
    }
    function layer_key(r) { return Object.keys(r.values)[0]; }
    function size(r) {
      const v = r.values;
      return Math.abs(v.count !== undefined ? v.count : v.difference !== undefined ? v.difference : v[layer_key(r)]) || 0;
    }
    function mark() {
      const s = gm.state.selected;
      list.querySelectorAll("button").forEach(function (b) {
        const on = s && source() && s.layer === source().id && String(s.index) === b.dataset.index;
        b.setAttribute("aria-current", on ? "true" : "false");
        if (on) b.scrollIntoView({ block: "nearest" });
      });
    }
    gm.on("ready", function () { say(); gm.openTab("hotspots"); });
    gm.on("theme", fill);
    gm.on("overlays", fill);
    gm.on("select", mark);
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
