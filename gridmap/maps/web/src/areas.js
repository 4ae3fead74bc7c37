/* Areas: from the whole territory down to one grid, with the counts of each; breadcrumbs lead back up. */
import { border, reader } from "./decode.js";

/** @param {import("./types").Gm} gm */
export function areas(gm) {
  const el = gm.el, tree = gm.data.areas;
  if (!tree) return;
  gm.part(function () {
    const body = gm.addTab("areas", "tab_areas");
    const crumbs = el("nav", { class: "gm-crumbs" }), sum = el("p", { class: "gm-area-sum" }), table = el("table", { class: "gm-areas" });
    const hint = el("p", { class: "gm-of" });
    body.append(crumbs, sum, table, hint);
    /** @type {Record<string, number[]>} */
    const children = {};
    const first = tree.zones;
    tree.parents.forEach(function (p, i) { (children[p] = children[p] || []).push(i); });
    let node = -1, order = null;
    let drawn = null;
    const zoneLayer = gm.layers.find(function (l) { return l.kind === "boundaries"; });
    const leafLayer = tree.leaf ? gm.layers.find(function (l) { return l.id === tree.leaf; }) : null;

    /* What is drawn and flown to: a grid by its own outline, whatever lies above by its zones. */
    function outline(i) {
      if (leafLayer && (i >= first || !zoneLayer || !tree.zone)) return { layer: leafLayer, rows: zones(i) };
      if (!leafLayer || !tree.zone) return { layer: zoneLayer, rows: zones(i) };
      return { layer: zoneLayer, rows: Array.from(new Set(zones(i).map(function (z) { return tree.zone[z]; }))).filter(function (z) { return z >= 0; }) };
    }

    /* Which theme's counts: the one shown, or the first that has any. */
    function counted() { return tree.layers[gm.state.theme] ? gm.state.theme : Object.keys(tree.layers)[0]; }
    /* Of a theme with periods, the counts of what the map shows. */
    function counts() {
      const key = counted(), c = tree.layers[key], layer = gm.byId(key);
      if (!c.leaf_of || !layer || !layer.amountNow || layer.id !== gm.state.theme) return c;
      const of = (leaves[key] = leaves[key] || reader(c.leaf_of)), out = new Array(c.count.length).fill(0), now = layer.countNow || layer.amountNow;
      for (let row = 0; row < layer.draw.n; row++) { const at = of(row); if (at !== null && at >= 0) out[at] += now(row); }
      return { count: out };
    }
    const leaves = {};
    function rates() { const l = gm.byId(counted()); return l && l.classes.some(function (c) { return c.label && /^label\.high/.test(c.label.code || ""); }); }
    /* Between what the change may lie; "–" where there was nothing before. */
    function ends(v) { return v.ends ? gm.t("span_of_change", { low: v.ends[0], high: v.ends[1] }) : ""; }
    function below(i) {   /* zone rows under a node */
      if (i >= first) return [i - first];
      const out = [];
      (children[i] || []).forEach(function (c) { below(c).forEach(function (z) { out.push(z); }); });
      return out;
    }
    const zonesOf = {};
    function zones(i) { return (zonesOf[i] = zonesOf[i] || below(i)); }
    function total(values, i) { return values ? zones(i).reduce(function (s, z) { return s + (values[z] || 0); }, 0) : null; }
    /* Change: its own, or that of a layer of the same incidents. */
    function changeOf(c) {
      if (c.count_before && c.count_after) return c;
      return Object.keys(tree.layers).map(function (k) { return tree.layers[k]; }).find(function (l) {
        return l.count_before && c.count && l.count_after.every(function (v, z) { return v === c.count[z]; });
      });
    }
    function numbers(i) {
      const c = counts(), out = {};
      out.count = total(c.count || c.count_after, i);
      const compared = changeOf(c);
      if (compared) {
        out.difference = total(compared.count_after, i) - total(compared.count_before, i);
        out.ends = i < 0 ? compared.whole : [compared.change_low[i], compared.change_high[i]];
      }
      if (tree.people) { const p = total(tree.people, i); out.rate = p ? 1000 * out.count / p : null; }
      if (c.hot) out.hot = total(c.hot, i);
      /* What became of the events: open, overdue, and on time of those that are due. */
      if (tree.handled) {
        const due = total(tree.handled.due, i);
        out.open = total(tree.handled.open, i);
        out.overdue = total(tree.handled.overdue, i);
        out.on_time = due ? total(tree.handled.on_time, i) / due : null;
      }
      return out;
    }
    function go(i, fly) {
      node = i;
      const at = i >= 0 ? outline(i) : null;
      if ((zoneLayer || leafLayer) && fly) gm.flyTo(at ? gm.boundsOf(at.layer, at.rows) : gm.home);
      if (drawn) { gm.map.removeLayer(drawn); drawn = null; }
      if (at && at.layer) drawn = new gm.Canvas({ shapes: border(at.layer.shapes(), at.rows), classes: [{}], fill: false, stroke: { colour: "#14366b", width: 2.6, halo: "rgba(255,255,255,0.8)" } }, { pane: "gm-selected" }).addTo(gm.map);
      fill();
    }
    function fill() {
      gm.clear(crumbs).setAttribute("aria-label", gm.t("tab_areas"));
      const path = [];
      for (let i = node; i >= 0; i = tree.parents[i]) path.unshift(i);
      [-1].concat(path).forEach(function (i, k) {
        if (k) crumbs.append(el("span", { text: "›", "aria-hidden": "true" }));
        const name = i < 0 ? tree.top || gm.t("whole_area") : tree.names[i];
        crumbs.append(i === node ? el("strong", { dir: "auto", text: name }) : el("button", { type: "button", dir: "auto", text: name, onclick: function () { go(i, true); } }));
      });
      const own = numbers(node);
      const other = counted() === gm.state.theme ? null : gm.byId(counted());   /* numbers of another theme say of which */
      sum.textContent = (other ? gm.text(other.name) + " · " : "") + Object.keys(own).filter(function (k) { return k !== "ends" && own[k] !== null; }).map(function (k) { return gm.pair(heading(k), show(k, own[k]) + (k === "difference" ? " (" + ends(own) + ")" : "")); }).join(" · ");
      gm.clear(table);
      hint.textContent = own.ends ? gm.t("change_hint") : "";
      const list = (node >= first ? [] : children[node] || []).map(function (i) { return { i: i, v: numbers(i) }; });
      if (!list.length) return;
      const keys = Object.keys(list[0].v).filter(function (k) { return k !== "ends" && list.some(function (r) { return r.v[k] !== null; }); });
      const by = order && (order === "name" || keys.indexOf(order) >= 0) ? order : keys[0];
      list.sort(function (a, b) { return by === "name" ? tree.names[a.i].localeCompare(tree.names[b.i], gm.state.language) : (b.v[by] || 0) - (a.v[by] || 0); });
      table.append(el("thead", {}, el("tr", {}, ["name"].concat(keys).map(function (k) {
        return el("th", { scope: "col", "aria-sort": k === by ? (k === "name" ? "ascending" : "descending") : "none" }, el("button", { type: "button", text: k === "name" ? gm.t("name") : heading(k), onclick: function () { order = k; fill(); } }));
      }))));
      const rows = el("tbody");
      list.slice(0, 400).forEach(function (r) {
        rows.append(el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", dir: "auto", text: tree.names[r.i], onclick: function () { go(r.i, true); } })), keys.map(function (k) { return el("td", {}, show(k, r.v[k]), k === "difference" ? el("small", { text: ends(r.v) }) : null); })));
      });
      table.append(rows);
    }
    function heading(k) { return k === "open" ? gm.t("areas_open") : k === "overdue" ? gm.t("areas_overdue") : k === "on_time" ? gm.t("areas_on_time") : k === "hot" ? gm.t(rates() ? "high_cells" : "hot_cells", { units: gm.unitOf(gm.byId(counted()), 2) }) : k === "rate" ? gm.t(tree.per) : k === "difference" ? gm.t("change_95") : gm.t("count"); }
    function show(k, v) { return v === null ? "–" : k === "on_time" ? gm.percent(v, 0) : k === "difference" ? gm.signed(v, 0) : gm.number(v, k === "rate" ? 1 : 0); }
    gm.areaGo = go;
    ["ready", "language", "theme"].forEach(function (e) { gm.on(e, fill); });
    /* A step in time is followed where somebody looks. */
    gm.on("frame", function () { if (!body.hidden) fill(); });
    gm.on("tab", function (key) { if (key === "areas") fill(); });
  });
}
