/* The row of tools: story, places, compare, measure, share, print, full screen; each also by a key. */
/** @param {import("./types").Gm} gm */
export function tools(gm) {
  const el = gm.el;
  gm.part(function () {
    const row = el("div", { id: "gm-tools", role: "toolbar" });
    gm.parts.stage.append(row);
    L.DomEvent.disableClickPropagation(row);
    const tools = /** @type {Array<[string, string, (b?: any) => void, (() => boolean)?]>} */ ([
      ["tell", "P", function () { gm.story(); }, function () { return gm.hasStory(); }],
      ["tour", "T", function () { gm.tour(); }, function () { return gm.layers.some(function (l) { return l.ranked.length; }); }],
      ["compare", "C", function () { gm.compare(); }, function () { return gm.themes.length > 1 || gm.themes.some(function (l) { return l.frames && !l.clock; }); }],
      ["measure", "M", function () { gm.measure(); }],
      ["copy_link", "", function (b) { gm.share(b); }],
      ["print_a4", "", function () { gm.print("A4"); }],
      ["print_a3", "", function () { gm.print("A3"); }],
      ["room", "B", function () { gm.room(!document.body.classList.contains("gm-room")); }],
      ["fullscreen", "F", function () { full(); }, function () { return document.fullscreenEnabled; }]
    ]).filter(function (t) { return !t[3] || t[3](); });
    const first = [gm.hasStory() ? "tell" : "tour", "compare", "print_a4"], more = el("button", { type: "button", id: "gm-more", "aria-expanded": "false", "aria-controls": "gm-more-tools" });
    const rest = el("div", { id: "gm-more-tools", hidden: true });
    const open = function (on) { rest.hidden = !on; more.setAttribute("aria-expanded", String(on)); };
    more.addEventListener("click", function () { open(rest.hidden); });
    document.addEventListener("keydown", function (e) { if (e.key === "Escape") open(false); });
    const buttons = tools.map(function (t) {
      const b = el("button", { type: "button", id: "gm-do-" + t[0] });
      b.addEventListener("click", function () { t[2](b); });
      (first.includes(t[0]) ? row : rest).append(b);
      return b;
    });
    row.append(more, rest);
    function full() { if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen().catch(function () { return null; }); }
    function say() {
      row.setAttribute("aria-label", gm.t("tools"));
      more.textContent = "⋯";
      more.setAttribute("aria-label", gm.t("more_tools"));
      more.title = gm.t("more_tools");
      tools.forEach(function (t, i) { gm.put(gm.clear(buttons[i]), gm.t(t[0]), t[1] ? el("kbd", { text: t[1] }) : null); });
    }
    gm.on("ready", say);
    gm.on("language", say);
    gm.on("measure", function (on) { const b = document.getElementById("gm-do-measure"); b.setAttribute("aria-pressed", String(on)); });
    document.addEventListener("keydown", function (e) {
      if (gm.typing(e)) return;
      if (e.key === "m" || e.key === "M") gm.measure();
      if (e.key === "f" || e.key === "F") full();
    });
  });
}
