/* Tell it, key P: five steps, each one sentence and one view, in type that reads from the back of the room. A theme that
   answers nothing has no story; then the places are gone through one by one. */

/** @typedef {import("./types").StoryStep} StoryStep */

/** The story goes no nearer than this, or than one step nearer than the whole area. */
const CLOSEST = 13.5;

/** @param {import("./types").Gm} gm */
export function story(gm) {
  const el = gm.el;
  gm.part(() => {
    const card = el("section", { id: "gm-story", hidden: true, role: "dialog", tabindex: "-1" });
    gm.parts.stage.append(card);
    L.DomEvent.disableClickPropagation(card);
    /** @type {StoryStep[]} */
    let steps = [];
    let at = -1, folded = false;
    /** @type {{ centre: any, zoom: number, theme: string | null } | null} */
    let home = null;
    const told = () => gm.theme()?.story || [];
    gm.hasStory = () => gm.themes.some((l) => (l.story || []).length);

    gm.story = (on) => {
      if (on === undefined) on = at < 0;
      if (on === at >= 0) return;
      if (on) {
        steps = told();
        if (!steps.length) return gm.tour(true);
        gm.compare("");
        home = { centre: gm.map.getCenter(), zoom: gm.map.getZoom(), theme: gm.state.theme };
        folded = document.body.classList.contains("gm-folded");
        gm.busy = true;
        document.body.classList.add("gm-touring", "gm-telling");
        gm.foldPanel(true);
        card.hidden = false;
        go(0);
        card.focus();
      } else {
        at = -1;
        gm.busy = false;
        card.hidden = true;
        document.body.classList.remove("gm-touring", "gm-telling");
        gm.foldPanel(folded);
        if (home && home.theme && home.theme !== gm.state.theme) gm.showTheme(home.theme);
        gm.select(null);
        if (home) gm.map.setView(home.centre, home.zoom, { animate: false });
      }
      gm.emit("tour", on);
    };

    /** @param {number} to */
    function go(to) {
      at = Math.max(0, Math.min(steps.length - 1, to));
      const step = steps[at];
      if (step.theme !== gm.state.theme) gm.showTheme(step.theme);
      fill();
      const layer = gm.rankedLayer(), first = layer && step.ranks ? gm.rankedRows().slice(0, step.ranks) : [];
      gm.select(layer && step.ranks === 1 ? layer : null, first.length === 1 ? first[0].index : undefined, false);
      const box = layer && first.length ? gm.boundsOf(layer, first.flatMap((r) => r.rows)) : gm.home;
      const nearest = Math.max(CLOSEST, gm.map.getBoundsZoom(gm.home) + 1);   /* the card lies below the view */
      const options = { maxZoom: first.length ? nearest : 19, paddingTopLeft: [20, 20], paddingBottomRight: [20, card.offsetHeight + 20], duration: 0.9 };
      if (gm.calm()) gm.map.fitBounds(box, { animate: false, ...options }); else gm.map.flyToBounds(box, options);
    }
    function fill() {
      const step = steps[at], ask = /** @type {Record<string, string>} */ ({ where: "where", first: "where", sure: "sure", changed: "changed_label", next: "next_label" })[step.answer];
      const name = gm.t("tell_step", { step: at + 1, steps: steps.length });
      gm.put(gm.clear(card),
        el("div", { class: "gm-story-head" }, el("p", { class: "gm-story-ask", text: gm.t(ask) }), el("h2", { dir: "auto", text: gm.text(step.title) })),
        el("p", { class: "gm-story-text", dir: "auto", text: gm.text(step.text) }),
        el("div", { class: "gm-tour-foot" },
          el("button", { type: "button", text: "‹", "aria-label": gm.t("step_back"), disabled: at === 0, onclick: () => go(at - 1) }),
          el("span", { class: "gm-story-dots", "aria-hidden": "true", text: steps.map((_, i) => (i === at ? "●" : "○")).join(" ") }),
          el("button", { type: "button", text: "›", "aria-label": gm.t("step_on"), disabled: at === steps.length - 1, onclick: () => go(at + 1) }),
          el("span", { class: "gm-tour-next" }),
          el("button", { type: "button", text: "×", "aria-label": gm.t("close"), onclick: () => gm.story(false) })));
      card.setAttribute("aria-label", gm.pair(name, gm.text(step.title)));
      gm.tell(gm.joined([gm.pair(name, gm.text(step.title)) + gm.t("stop"), gm.text(step.text)]));
      if (document.activeElement === document.body) card.focus();   /* the button that was pressed is another one now */
    }
    /* The focus stays on the card as long as the story lasts. */
    /** @param {KeyboardEvent} e */
    function within(e) {
      const all = Array.from(card.querySelectorAll("button")).filter((b) => !b.disabled), now = all.indexOf(/** @type {any} */ (document.activeElement));
      all[(now + (e.shiftKey ? -1 : 1) + all.length) % all.length].focus();
      e.preventDefault();
    }
    /** @type {Record<string, number>} */
    const ways = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
    document.addEventListener("keydown", (e) => {
      if (gm.typing(e)) return;
      if (e.key === "p" || e.key === "P") { if (!gm.busy || at >= 0) gm.story(); else gm.tour(false); return e.preventDefault(); }
      if (at < 0) return;
      if (e.key === "Escape") gm.story(false);
      else if (e.key === "Tab") within(e);
      else if (ways[e.key] && !(e.key === " " && /** @type {Element} */ (e.target).tagName === "BUTTON")) { go(at + ways[e.key]); e.preventDefault(); e.stopImmediatePropagation(); }
    }, true);
    gm.on("language", () => { if (at >= 0) fill(); });
  });
}
