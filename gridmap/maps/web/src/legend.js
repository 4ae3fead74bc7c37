/* The legend: every class that the shown theme can have, no data and zero apart, hatching as on the map. */
/** @param {import("./types").Gm} gm */
export function legend(gm) {
  const el = gm.el;
  gm.swatch = function (c) { return el("span", { class: "gm-swatch" + (c.hatch ? " gm-hatched" : ""), style: { backgroundColor: c.colour } }); };
  gm.classText = function (layer, c) {
    if (c.label !== undefined) return gm.text(c.label);
    const digits = Math.abs(c.high) >= 100 ? 0 : Math.abs(c.high) >= 10 ? 1 : 2;
    if (c.low !== c.high && gm.number(c.low, digits) === "0") return "≤ " + gm.number(c.high, digits);
    return c.low === c.high ? gm.number(c.high, digits) : gm.number(c.low, digits) + "–" + gm.number(c.high, digits);
  };
  gm.part(function () {
    const legend = el("section", { id: "gm-legend" });
    gm.parts.stage.append(legend);
    L.DomEvent.disableClickPropagation(legend);
    L.DomEvent.disableScrollPropagation(legend);
    function fill() {
      gm.clear(legend).setAttribute("aria-label", gm.t("legend"));
      [gm.theme()].concat(gm.state.compare ? [gm.byId(gm.state.compare)] : []).forEach(function (theme, i) {
        if (!theme) return;
        const unit = gm.text(theme.unit), used = {};
        theme.allCodes().forEach(function (c) { used[c] = true; });
        legend.append(el("h2", {}, (i ? "▶ " : gm.state.compare ? "◀ " : "") + gm.text(theme.name), unit ? el("span", { class: "gm-unit", text: unit }) : null));
        const list = el("ul");
        theme.classes.map(function (c, code) { return [c, code]; }).reverse().forEach(function (pair) {
          const c = pair[0];
          if (c.hatch && !used[pair[1]]) return;   /* zero always stands; what cannot be told only where it occurs */
          list.append(el("li", {}, gm.swatch(c), gm.classText(theme, c)));
        });
        if (theme.facts.labels && theme.classes[0].high === undefined && theme.classes.length === 7) { /* scales read from high to low */
          gm.clear(list);
          theme.classes.forEach(function (c) { list.append(el("li", {}, gm.swatch(c), gm.classText(theme, c))); });
        }
        legend.append(list);
        if (theme.frames) legend.append(el("p", { class: "gm-unit", text: gm.t(theme.clock ? "hours_breaks" : "fixed_breaks") }));
      });
      gm.emit("legend", legend);
    }
    gm.legend = fill;
    ["ready", "theme", "language", "compare"].forEach(function (e) { gm.on(e, fill); });
  });
}
