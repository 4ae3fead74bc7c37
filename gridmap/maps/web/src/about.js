/* About: how the numbers were made, from what, what was set aside, what the map cannot say. */

/** @param {import("./types").Gm} gm */
export function about(gm) {
  const el = gm.el;
  gm.part(() => {
    const body = gm.addTab("about", "tab_about");
    /** @param {HTMLElement} list @param {string} term @param {string | null} text */
    function pair(list, term, text) { if (text) list.append(el("dt", { text: term }), el("dd", { dir: "auto", text })); }
    /** @param {import("./types").LiveLayer} l */
    function method(l) {
      const settings = el("dl", { class: "gm-settings" }), explains = "method." + l.method + ".explains";
      Object.entries(l.params).forEach(([k, v]) => { if (v !== null) pair(settings, gm.column(k), Array.isArray(v) ? v.join(", ") : String(v)); });
      gm.put(body, el("h3", { dir: "auto", text: gm.text(l.name) }), gm.has(explains) ? el("p", { text: gm.t(explains) }) : null,
        settings, el("ul", {}, l.notes.map((n) => el("li", { dir: "auto", text: gm.text(n) }))));
    }
    function fill() {
      const head = gm.data.head, facts = el("dl", { class: "gm-settings" });
      gm.put(gm.clear(body), el("h2", { text: gm.text(head.title) || gm.t("untitled") }), facts);
      pair(facts, gm.t("period"), gm.period(gm.text(head.period)));
      pair(facts, gm.t("source"), gm.text(head.source));
      if (head.incidents !== null) pair(facts, gm.t("incidents_used"), gm.number(head.incidents, 0));
      if (head.set_aside !== null) pair(facts, gm.t("incidents_aside"), gm.number(head.set_aside, 0));
      pair(facts, gm.t("approval"), gm.text(head.approval));
      pair(facts, gm.t("classification"), gm.text(head.classification));
      if (head.audience) pair(facts, gm.t("made_for"), gm.pair(gm.t("audience." + head.audience + ".name"), gm.t("audience." + head.audience + ".holds")));
      if (head.notes.length) body.append(el("h3", { text: gm.t("notes") }), el("ul", {}, head.notes.map((n) => el("li", { dir: "auto", text: gm.text(n) }))));
      gm.layers.forEach((l) => { if (l.method || (l.surround && l.notes.length)) method(l); });
      body.append(el("h3", { text: gm.t("cannot_say") }), el("p", { text: gm.t("cannot_say_text") }), el("p", { text: gm.t("chosen_high") }),
        el("p", { class: "gm-made", text: gm.t("made_with") }));
    }
    ["ready", "language"].forEach((event) => gm.on(event, fill));
  });
}
