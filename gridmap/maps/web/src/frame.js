/* The page's frame: header, answer strip, side panel with its tabs, the map's stage, the rail, the foot. */

/** A headline of the strip that is no longer than this stands on one line. */
const SHORT = 24;

/** @param {import("./types").Gm} gm */
export function frame(gm) {
  const el = gm.el;
  gm.tabs = {};
  gm.part(() => {
    const head = gm.data.head, mapNode = gm.map.getContainer();
    const header = el("header", { id: "gm-header" }), strip = el("section", { id: "gm-answers" });
    const panel = el("aside", { id: "gm-panel" }), side = el("aside", { id: "gm-side" });
    const stage = el("main", { id: "gm-stage" }, mapNode), foot = el("footer", { id: "gm-foot" });
    const skip = el("a", { id: "gm-skip", href: "#gm-stage" });
    const live = el("p", { id: "gm-live", role: "status", "aria-live": "polite" });
    skip.addEventListener("click", (e) => { e.preventDefault(); mapNode.focus(); });
    document.body.append(skip, header, strip, el("div", { id: "gm-main" }, panel, stage, side), foot, live);
    gm.parts = { header, panel, stage, side, foot, strip };
    gm.tell = (message) => { live.textContent = message; };
    gm.map.invalidateSize({ animate: false });

    const tablist = el("div", { role: "tablist", class: "gm-tabs" }), bodies = el("div", { class: "gm-bodies" });
    panel.append(tablist, bodies);
    /* Each tab: a button, and a body that its own file fills. */
    gm.addTab = (key, word) => {
      const body = el("section", { role: "tabpanel", id: "gm-tab-" + key, "aria-labelledby": "gm-tabbutton-" + key, tabindex: "0", hidden: true });
      const button = el("button", { role: "tab", type: "button", id: "gm-tabbutton-" + key, "aria-controls": "gm-tab-" + key, "aria-selected": "false", onclick: () => gm.openTab(key) });
      gm.tabs[key] = { button, body, word };
      tablist.append(button);
      bodies.append(body);
      return body;
    };
    gm.openTab = (key) => {
      Object.entries(gm.tabs).forEach(([other, tab]) => {
        const on = other === key;
        tab.button.setAttribute("aria-selected", String(on));
        tab.button.tabIndex = on ? 0 : -1;
        tab.body.hidden = !on;
      });
      gm.state.tab = key;
      gm.emit("tab", key);
    };
    tablist.addEventListener("keydown", (event) => {
      /** @type {Record<string, number>} */
      const steps = { ArrowRight: 1, ArrowLeft: -1 };
      const keys = Object.keys(gm.tabs), step = steps[event.key];
      if (!step) return;
      const next = keys[(keys.indexOf(String(gm.state.tab)) + step + keys.length) % keys.length];
      gm.openTab(next);
      gm.tabs[next].button.focus();
      event.stopPropagation();
    });
    const fold = el("button", { type: "button", id: "gm-fold", "aria-expanded": "true", "aria-controls": "gm-panel" });
    const phone = window.matchMedia("(max-width: 760px)");
    phone.addEventListener("change", () => say());
    fold.addEventListener("click", () => gm.foldPanel(!document.body.classList.contains("gm-folded")));
    stage.append(fold);
    gm.foldPanel = (folded) => {
      document.body.classList.toggle("gm-folded", folded);
      fold.setAttribute("aria-expanded", String(!folded));
      say();
      gm.map.invalidateSize({ animate: false });
    };

    /** @param {string} label @param {string | null} text @param {string} [cls] */
    const fact = (label, text, cls) => (text ? el("span", { class: "gm-fact " + (cls || "") }, label ? el("span", { class: "gm-fact-label", text: label }) : null, text) : null);
    /* The period and the number of the theme that is shown; those of all data stand in About. */
    /** @returns {{ theme?: import("./types").LiveLayer, period: string | null, every?: string, after?: string, before?: number, count: number | null | undefined }} */
    function speaksOf() {
      const theme = gm.theme();
      if (theme && theme.frames && gm.state.frame !== null && !theme.clock) return { theme, period: theme.frames.periods[gm.state.frame], every: theme.frames.every, count: theme.frames.totals[gm.state.frame] };
      if (theme && theme.total_before !== undefined && theme.total !== null && theme.compared && theme.compared.before) return { theme, period: theme.compared.before, after: theme.compared.after, before: theme.total_before, count: theme.total };
      if (theme && theme.total !== null && theme.total !== undefined) return { theme, period: theme.period || gm.text(head.period), count: theme.total };
      return { period: gm.text(head.period), count: head.incidents };
    }
    /* A title that names the period need not be followed by it. */
    function inTitle(/** @type {string} */ title, /** @type {string | null} */ written, /** @type {string | undefined} */ every) {
      if (!written) return true;
      const bare = (/** @type {string} */ text) => text.replace(/\s/g, "").toLowerCase();
      return [written].concat(gm.languages.flatMap((l) => [gm.period(written, every, "short", l.locale), gm.period(written, every, "long", l.locale)])).some((name) => bare(title).includes(bare(name)));
    }
    function languages() {
      const others = gm.languages.filter((l) => l.tag !== gm.state.language);
      if (others.length === 1) return el("button", { type: "button", id: "gm-language", lang: others[0].locale, title: gm.t("language"), text: others[0].name, onclick: () => gm.setLanguage(others[0].tag) });
      const list = el("select", { id: "gm-language", "aria-label": gm.t("language"), onchange: (/** @type {any} */ e) => gm.setLanguage(e.target.value) },
        gm.languages.map((l) => el("option", { value: l.tag, lang: l.locale, text: l.name, selected: l.tag === gm.state.language })));
      return others.length ? list : null;
    }
    function say() {
      const of = speaksOf(), title = gm.text(head.title) || gm.t("untitled");
      document.documentElement.lang = gm.locale();
      document.title = title;
      skip.textContent = gm.t("skip_to_map");
      gm.put(gm.clear(header),
        el("h1", { text: title, title, style: { minWidth: Math.min(10, title.length) + "em" } }),
        el("div", { class: "gm-facts" },
          fact("", of.after ? gm.period(of.period) + " → " + gm.period(of.after) : inTitle(title, of.period, of.every) ? "" : gm.period(of.period, of.every), "gm-period"),
          fact("", of.theme && !title.toLowerCase().includes(gm.text(of.theme.name).toLowerCase()) ? gm.text(of.theme.name) : null, "gm-theme"),
          fact("", of.count === null || of.count === undefined ? null : (of.before === undefined ? "" : gm.number(of.before, 0) + " → ") + gm.amount(of.theme, of.count), "gm-count"),
          fact(gm.t("source") + gm.t("colon"), gm.text(head.source), "gm-source")),
        el("div", { class: "gm-marks" },
          fact(gm.t("approval") + gm.t("colon"), gm.text(head.approval), "gm-approval"),
          fact("", head.audience ? gm.t("audience." + head.audience + ".name") : null, "gm-audience"),
          fact("", gm.text(head.classification), "gm-classification"),
          languages()));
      panel.setAttribute("aria-label", gm.t("panel"));
      strip.setAttribute("aria-label", gm.t("answers"));
      side.setAttribute("aria-label", gm.t("layers"));
      Object.values(gm.tabs).forEach((tab) => { tab.button.textContent = gm.t(tab.word); });
      const folded = document.body.classList.contains("gm-folded");
      fold.textContent = phone.matches ? (folded ? "▴" : "▾") : folded ? "›" : "‹";   /* the panel lies under the map of a phone */
      fold.title = gm.t(folded ? "show_panel" : "hide_panel");
      fold.setAttribute("aria-label", fold.title);
      answer();
    }
    /* Where, how sure, what changed, what next: as Python computed them of the shown theme. */
    function answer() {
      const shown = gm.theme() || (gm.rankedLayer && gm.rankedLayer()), said = (shown && shown.answers) || {}, before = strip.hidden;
      strip.hidden = !Object.keys(said).length;
      /** @type {Record<string, string>} */
      const titles = { where: "where", sure: "sure", changed: "changed_label", next: "next_label" };
      gm.put(gm.clear(strip), Object.entries(said).map(([key, lines]) => el("div", { class: "gm-answer", id: "gm-answer-" + key },
        el("h2", { text: gm.t(titles[key]) }), el("p", { text: gm.text(lines[0]), class: gm.text(lines[0]).length <= SHORT ? "gm-short" : null }), el("span", { text: gm.text(lines[1]) }))));
      if (before !== strip.hidden && gm.resized) gm.resized();
    }
    gm.setLanguage = (language) => { gm.state.language = language; gm.emit("language", language); };
    ["language", "ready", "theme", "frame"].forEach((event) => gm.on(event, say));
    gm.on("overlays", () => { if (!gm.themes.length) answer(); });
    /* Room: type that reads from the back row, tools gone. Key B. */
    gm.room = (on) => {
      document.body.classList.toggle("gm-room", on);
      gm.map.invalidateSize({ animate: false });
      gm.layers.forEach((l) => { if (l.canvas && gm.map.hasLayer(l.canvas)) l.canvas.redraw(); });
      gm.emit("room", document.body.classList.contains("gm-room"));
      /* The legend lies under the map here: what is shown makes room for it. */
      const legend = document.getElementById("gm-legend");
      document.body.style.setProperty("--legend-height", (on && legend ? legend.offsetHeight : 0) + "px");
      if (gm.home && !gm.busy && !gm.comparing) gm.map.fitBounds(gm.home, on ? { paddingTopLeft: [16, 16], paddingBottomRight: [16, legend ? legend.offsetHeight + 16 : 16], animate: false } : gm.room_around());
    };
    document.addEventListener("keydown", (e) => {
      if (gm.typing(e)) return;
      if (e.key === "b" || e.key === "B") gm.room(!document.body.classList.contains("gm-room"));
      else if (e.key === "Escape" && document.body.classList.contains("gm-room") && !gm.busy && !gm.comparing) gm.room(false);
    });
    gm.markSize = () => 11 * parseFloat(getComputedStyle(document.body).getPropertyValue("--u") || "1");
  });
}
