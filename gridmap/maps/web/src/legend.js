/* The legend: the classes that occur, each with its number of cells, and one sentence about the test. */

/** @typedef {import("./types").LiveLayer} LiveLayer */

/** Classes beyond these stand together: more cannot be told apart. */
const MOST = 14;

/** @param {import("./types").Gm} gm */
export function legend(gm) {
  const el = gm.el;
  gm.swatch = (c) => el("span", { class: "gm-swatch" + (c.hatch ? " gm-hatched" : c.below ? " gm-dotted" + (c.pale === c.colour ? " gm-light" : "") + (c.sparse ? " gm-sparse" : "") : ""), style: { backgroundColor: c.bare ? "transparent" : c.colour } });
  gm.classText = (c) => {
    if (c.bare) return gm.t("no_evidence");
    if (c.label !== undefined && c.label !== null) return gm.text(c.label);
    if (c.high === undefined || c.low === undefined) return "";
    const digits = Math.abs(c.high) >= 100 ? 0 : Math.abs(c.high) >= 10 ? 1 : 2;
    if (c.low !== c.high && gm.number(c.low, digits) === "0") return "≤ " + gm.number(c.high, digits);
    return c.low === c.high ? gm.number(c.high, digits) : gm.number(c.low, digits) + "–" + gm.number(c.high, digits);
  };
  gm.part(() => {
    const box = el("section", { id: "gm-legend", tabindex: "0" }), nothing = el("p", { id: "gm-nothing", hidden: true });
    gm.parts.stage.append(nothing);
    /* In the rail, where it covers nothing; on the map on paper and in the room, which have no rail. */
    function place() {
      const rail = !document.body.classList.contains("gm-print") && !document.body.classList.contains("gm-room");
      (rail ? gm.parts.side : gm.parts.stage).append(box);
    }
    gm.on("printing", place);
    gm.on("room", place);
    place();
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    /** @param {LiveLayer} theme */
    function counts(theme) {
      const n = new Array(256).fill(0), codes = theme.codesNow();
      for (let r = 0; r < codes.length; r++) n[codes[r]]++;
      return n;
    }
    /* Hatched is what cannot be judged; but cells that may be under-reported are what their test found. */
    /** @param {any} c */
    function isQuiet(c) { return Boolean(c.label) && c.label.code === "page.under_reported"; }
    /** @param {LiveLayer} theme @param {number[]} n */
    function sentence(theme, n) {
      if (!theme.labels) return theme.frames ? gm.t("fixed_breaks") : "";
      const beyond = theme.classes.reduce((sum, c, i) => sum + (c.bare || (c.hatch && !isQuiet(c)) ? 0 : n[i]), 0), fdr = theme.params.fdr;
      const level = fdr ? gm.t("level_fdr", { level: Number(fdr) }) : gm.t("level_p", { level: gm.number(0.05) });
      return theme.null ? gm.t("legend_null", { n: beyond, cells: theme.draw.n, units: gm.unitOf(theme, 2), level, null: theme.null }) : gm.t("legend_found", { n: beyond, cells: theme.draw.n, units: gm.unitOf(theme, 2), level });
    }
    /** @param {LiveLayer} theme @param {string} side */
    function entries(theme, side) {
      const n = counts(theme), unit = gm.text(theme.unit), occur = theme.classes.map((c, code) => ({ c, n: n[code] })).filter((e) => e.n || (theme.frames && !e.c.hatch));   /* with periods all classes stand, the same in each */
      if (!theme.labels && theme.classes.some((c) => c.high !== undefined)) occur.reverse();   /* amounts read from high to low, as scales do */
      box.append(el("h2", {}, side + gm.text(theme.name), unit ? el("span", { class: "gm-unit", text: unit }) : null));
      box.append(el("ul", {}, occur.slice(0, MOST).map((e) => el("li", {}, gm.swatch(e.c), el("span", { text: gm.classText(e.c) }), el("em", { text: gm.number(e.n, 0) })))));
      const cores = gm.coresOf(theme).length;
      if (cores) box.lastElementChild.prepend(el("li", {}, gm.swatch({ colour: gm.CORE }), el("span", { text: gm.t("legend_core", { n: cores }) })));
      const ground = theme.ground();
      if (ground.length) box.lastElementChild.append(el("li", {}, gm.swatch({ colour: theme.ground_colour }), el("span", { text: gm.t("concentrated") }), el("em", { text: gm.number(theme.ground_n, 0) })));
      const said = sentence(theme, n);
      if (said) box.append(el("p", { class: "gm-unit", text: said }));
      return occur.some((e) => !e.c.bare);
    }
    function fill() {
      gm.clear(box).setAttribute("aria-label", gm.t("legend"));
      const theme = gm.theme(), other = gm.state.compare ? gm.byId(gm.state.compare) : null;
      let some = true;
      if (theme) some = entries(theme, other ? "◀ " : "");
      if (other) entries(other, "▶ ");
      if (!theme) gm.overlays.filter((l) => l.show && l.kind === "clusters").forEach((l) => box.append(el("ul", {}, el("li", {}, el("span", { class: "gm-swatch", style: { backgroundColor: "transparent", borderColor: l.classes[0].colour, borderWidth: "2px" } }), el("span", { text: gm.text(l.name) }), el("em", { text: gm.number(l.draw.n, 0) })))));
      /* Named areas and followed hotspots lie over any theme, so their key stands under it. */
      gm.overlays.filter((l) => l.show && l.kind === "named_areas").forEach((l) => {
        const n = counts(l);
        box.append(el("h2", {}, gm.text(l.name)), el("ul", {}, l.classes.map((c, i) => el("li", {}, el("span", { class: "gm-swatch", style: { backgroundColor: "transparent", borderColor: c.colour, borderWidth: "3px" } }), el("span", { text: gm.classText(c) }), el("em", { text: gm.number(n[i], 0) })))));
      });
      nothing.hidden = some || !theme || !theme.labels;
      nothing.textContent = gm.t("nothing_found");
      box.hidden = !box.childNodes.length;
      gm.emit("legend", box);
    }
    gm.legend = fill;
    ["ready", "theme", "language", "compare", "overlays", "frame"].forEach((e) => gm.on(e, fill));
  });
}
