/* The page's frame: header, side panel with its tabs, the map's stage, the foot. */
/** @param {import("./types").Gm} gm */
export function frame(gm) {
  const el = gm.el;
  gm.tabs = {};
  gm.part(function () {
    const head = gm.data.head, mapNode = gm.map.getContainer();
    const header = el("header", { id: "gm-header" });
    const panel = el("aside", { id: "gm-panel" });
    const stage = el("main", { id: "gm-stage" }, mapNode);
    const foot = el("footer", { id: "gm-foot" });
    document.body.append(header, el("div", { id: "gm-main" }, panel, stage), foot);
    gm.parts = { header: header, panel: panel, stage: stage, foot: foot };
    gm.map.invalidateSize({ animate: false });

    const tablist = el("div", { role: "tablist", class: "gm-tabs" }), bodies = el("div", { class: "gm-bodies" });
    panel.append(tablist, bodies);
    /* Each tab: a button, and a body that its own file fills. */
    gm.addTab = function (key, word) {
      const body = el("section", { role: "tabpanel", id: "gm-tab-" + key, "aria-labelledby": "gm-tabbutton-" + key, tabindex: "-1", hidden: true });
      const button = el("button", { role: "tab", type: "button", id: "gm-tabbutton-" + key, "aria-controls": "gm-tab-" + key, "aria-selected": "false",
        onclick: function () { gm.openTab(key); } });
      gm.tabs[key] = { button: button, body: body, word: word };
      tablist.append(button);
      bodies.append(body);
      return body;
    };
    gm.openTab = function (key) {
      Object.keys(gm.tabs).forEach(function (other) {
        const on = other === key, tab = gm.tabs[other];
        tab.button.setAttribute("aria-selected", String(on));
        tab.button.tabIndex = on ? 0 : -1;
        tab.body.hidden = !on;
      });
      gm.state.tab = key;
    };
    tablist.addEventListener("keydown", function (event) {
      const keys = Object.keys(gm.tabs), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = keys[(keys.indexOf(gm.state.tab) + step + keys.length) % keys.length];
      gm.openTab(next);
      gm.tabs[next].button.focus();
      event.stopPropagation();
    });
    const fold = el("button", { type: "button", id: "gm-fold", "aria-expanded": "true", "aria-controls": "gm-panel" });
    fold.addEventListener("click", function () { gm.foldPanel(!document.body.classList.contains("gm-folded")); });
    stage.append(fold);
    gm.foldPanel = function (folded) {
      document.body.classList.toggle("gm-folded", folded);
      fold.setAttribute("aria-expanded", String(!folded));
      say();
      gm.map.invalidateSize({ animate: false });
    };

    function fact(label, text, cls) { return text ? el("span", { class: "gm-fact " + (cls || "") }, label ? el("span", { class: "gm-fact-label", text: label + " " }) : null, text) : null; }
    function say() {
      const zh = gm.state.language === "zh", n = head.incidents, s = head.set_aside;
      document.documentElement.lang = zh ? "zh-CN" : "en";
      const count = n === null ? null : zh ? gm.number(n, 0) + " " + gm.t("incidents") : gm.number(n, 0) + " " + gm.t("incidents");
      gm.put(gm.clear(header), 
        el("h1", { text: head.title || gm.t("untitled") }),
        el("div", { class: "gm-facts" }, [
          fact("", head.period, "gm-period"),
          fact("", count, "gm-count"),
          s ? fact("", gm.number(s, 0) + " " + gm.t("set_aside")) : null,
          fact(gm.t("source") + (zh ? "：" : ":"), head.source, "gm-source")
        ]),
        el("div", { class: "gm-marks" }, [
          fact(gm.t("approval") + (zh ? "：" : ":"), head.approval, "gm-approval"),
          fact("", head.audience ? gm.text({ w: "audience " + head.audience }) : null, "gm-audience"),
          fact("", head.classification, "gm-classification"),
          el("button", { type: "button", id: "gm-language", title: gm.t("language_title"), text: gm.t("language_other"),
            onclick: function () { gm.setLanguage(zh ? "en" : "zh"); } })
        ]));
      panel.setAttribute("aria-label", gm.t("panel"));
      Object.keys(gm.tabs).forEach(function (key) { gm.tabs[key].button.textContent = gm.t(gm.tabs[key].word); });
      const folded = document.body.classList.contains("gm-folded");
      fold.textContent = folded ? "›" : "‹";
      fold.title = gm.t(folded ? "show_panel" : "hide_panel");
      fold.setAttribute("aria-label", fold.title);
    }
    gm.setLanguage = function (language) { gm.state.language = language; gm.emit("language", language); };
    gm.on("language", say);
    gm.on("ready", say);
  });
}
