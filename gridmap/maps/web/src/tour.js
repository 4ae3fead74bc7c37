/* Place by place, key T: the top hotspots one by one, in type that reads from the back of the room. */
/** @param {import("./types").Gm} gm */
export function tour(gm) {
  const el = gm.el;
  gm.part(function () {
    const card = el("section", { id: "gm-tour", hidden: true, role: "dialog", tabindex: "-1" });
    gm.parts.stage.append(card);
    L.DomEvent.disableClickPropagation(card);
    let at = -1, home = null, folded = false;
    const rows = function () { return gm.rankedRows().slice(0, 10); };
    gm.tour = function (on) {
      if (on === undefined) on = at < 0;
      if (on && !rows().length) return;
      if (on) {
        if (at >= 0) return;
        home = { centre: gm.map.getCenter(), zoom: gm.map.getZoom() };
        folded = document.body.classList.contains("gm-folded");
        gm.busy = true;
        document.body.classList.add("gm-touring");
        gm.foldPanel(true);
        card.hidden = false;
        go(0);
        card.focus();
      } else if (at >= 0) {
        at = -1;
        gm.busy = false;
        card.hidden = true;
        document.body.classList.remove("gm-touring");
        gm.foldPanel(folded);
        gm.select(null);
        gm.map.setView(home.centre, home.zoom, { animate: false });
      }
      gm.emit("tour", on);
    };
    function go(i) {
      const list = rows();
      at = Math.max(0, Math.min(list.length - 1, i));
      const layer = gm.rankedLayer(), r = list[at];
      gm.select(layer, r.index, false);
      fill(layer, r, list);
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches, box = gm.boundsOf(layer, r.rows);
      const room = gm.map.getSize(), wide = room.x > 800;
      const options = { maxZoom: 14, paddingTopLeft: [60, 60], paddingBottomRight: wide ? [card.offsetWidth + 60, 60] : [30, card.offsetHeight + 30], duration: 0.9 };
      if (calm) gm.map.fitBounds(box, Object.assign({ animate: false }, options)); else gm.map.flyToBounds(box, options);
    }
    function fact(term, text) { return text ? [el("dt", { text: term }), el("dd", { dir: "auto", text: text })] : []; }
    function fill(layer, r, list) {
      const v = r.values, c = layer.classes[r.code], facts = el("dl");
      const main = v.count !== undefined ? "count" : Object.keys(v)[0];
      const add = function (pair) { pair.forEach(function (n) { facts.append(n); }); };
      const base = v.expected;
      if (base !== undefined && main === "count") add(fact(gm.t("expected"), gm.number(base, 1) + (v.ratio !== undefined ? "  (" + gm.value("ratio", v.ratio) + ")" : "")));
      if (v.difference !== undefined) add(fact(gm.t("change"), gm.value("difference", v.difference) + (v.count_before !== undefined ? "  (" + gm.number(v.count_before, 0) + " → " + gm.number(v.count_after, 0) + ")" : "")));
      if (layer.labels && c) add(fact(gm.t("significance"), gm.text(c.label)));
      if (v.stability !== undefined) add(fact(gm.t("stability"), gm.percent(v.stability)));
      if (r.peak_hours) add(fact(gm.t("peak_hours"), gm.t("hours_share", { start: r.peak_hours[0], end: r.peak_hours[1], share: r.peak_hours[2] })));
      (r.nearest || []).forEach(function (n) { add(fact(gm.t("nearest", { what: n[0] }), n[1] >= 1000 ? gm.number(n[1] / 1000, 1) + " " + gm.t("kilometres") : gm.number(n[1], 0) + " " + gm.t("metres"))); });
      if (v.area_km2 !== undefined) add(fact(gm.t("area"), gm.number(v.area_km2, 2) + " " + gm.t("square_kilometres")));
      const next = list[at + 1];
      gm.put(gm.clear(card), 
        el("div", { class: "gm-tour-top" }, el("span", { class: "gm-tour-rank", text: String(r.rank) }), el("h2", { dir: "auto", text: gm.placeOf(r) })),
        el("p", { class: "gm-tour-main" }, el("strong", { text: gm.value(main, v[main]) }), el("span", { text: main === "count" ? gm.weightOf(layer) || gm.t("incidents") : gm.column(main) })),
        facts,
        el("div", { class: "gm-tour-foot" },
          el("button", { type: "button", text: "‹", "aria-label": gm.t("step_back"), disabled: at === 0, onclick: function () { go(at - 1); } }),
          el("span", { text: (at + 1) + " / " + list.length }),
          el("button", { type: "button", text: "›", "aria-label": gm.t("step_on"), disabled: at === list.length - 1, onclick: function () { go(at + 1); } }),
          el("span", { class: "gm-tour-next", dir: "auto", text: next ? gm.pair(gm.t("next"), gm.placeOf(next)) : "" }),
          el("button", { type: "button", text: "×", "aria-label": gm.t("close"), onclick: function () { gm.tour(false); } })));
      card.setAttribute("aria-label", gm.placeOf(r));
    }
    /* The focus stays on the card as long as the tour lasts. */
    /** @param {KeyboardEvent} e */
    function within(e) {
      const all = Array.from(card.querySelectorAll("button")).filter((b) => !b.disabled), now = all.indexOf(/** @type {any} */ (document.activeElement));
      all[(now + (e.shiftKey ? -1 : 1) + all.length) % all.length].focus();
      e.preventDefault();
    }
    document.addEventListener("keydown", function (e) {
      if (gm.typing(e)) return;
      if ((e.key === "t" || e.key === "T") && (at >= 0 || !gm.busy)) { gm.tour(); e.preventDefault(); }
      if (at < 0) return;
      const step = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 }[e.key];
      if (e.key === "Escape") gm.tour(false);
      else if (e.key === "Tab") within(e);
      else if (step && !(e.key === " " && /** @type {Element} */ (e.target).tagName === "BUTTON")) { go(at + step); e.preventDefault(); e.stopImmediatePropagation(); }
    }, true);
    gm.on("language", function () { if (at >= 0) fill(gm.rankedLayer(), rows()[at], rows()); });
  });
}
