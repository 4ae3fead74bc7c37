/* About: how the numbers were made, from what, what was set aside, what the map cannot say. */
/** @param {import("./types").Gm} gm */
export function about(gm) {
  const el = gm.el;
  gm.part(function () {
    const body = gm.addTab("about", "tab_about");
    function pair(list, term, text) { if (text) list.append(el("dt", { text: term }), el("dd", { dir: "auto", text: text })); }
    function fill() {
      const head = gm.data.head, facts = el("dl", { class: "gm-settings" });
      gm.put(gm.clear(body), el("h2", { text: head.title || gm.t("untitled") }), facts);
      pair(facts, gm.t("period"), head.period);
      pair(facts, gm.t("source"), head.source);
      if (head.incidents !== null) pair(facts, gm.t("incidents_used"), gm.number(head.incidents, 0));
      if (head.set_aside !== null) pair(facts, gm.t("incidents_aside"), gm.number(head.set_aside, 0));
      pair(facts, gm.t("approval"), head.approval);
      pair(facts, gm.t("classification"), head.classification);
      if (head.audience) pair(facts, gm.t("made_for"), gm.text({ w: "audience " + head.audience }) + ". " + gm.text({ w: "audience_holds " + head.audience }));
      if (head.notes.length) body.append(el("h3", { text: gm.t("notes") }), el("ul", {}, head.notes.map(function (n) { return el("li", { dir: "auto", text: n }); })));
      gm.layers.forEach(function (l) {
        if (!l.method) return;
        const settings = el("dl", { class: "gm-settings" });
        Object.keys(l.params).forEach(function (k) { if (l.params[k] !== null) pair(settings, k, Array.isArray(l.params[k]) ? l.params[k].join(", ") : String(l.params[k])); });
        gm.put(body, el("h3", { dir: "auto", text: gm.text(l.name) }),
          gm.has("method " + l.method) ? el("p", { text: gm.t("method " + l.method) }) : null,
          settings, el("ul", {}, l.notes.map(function (n) { return el("li", { dir: "auto", text: n }); })));
      });
      body.append(el("h3", { text: gm.t("cannot_say") }), el("p", { text: gm.t("cannot_say_text") }),
        el("p", { class: "gm-made", text: gm.t("made_with") }));
    }
    gm.on("ready", fill);
    gm.on("language", fill);
  });
}
