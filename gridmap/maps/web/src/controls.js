/* The rail: which theme, with what each found, which overlays; and the zoom, the scale and the north arrow. */

/** @param {import("./types").Gm} gm */
export function controls(gm) {
  const el = gm.el;
  gm.part(() => {
    L.control.zoom({ position: "topright" }).addTo(gm.map);
    gm.scaleOn(gm.map, 140);
    const north = L.control({ position: "bottomright" });
    const arrow = el("div", { id: "gm-north", role: "img" }, el("span", { class: "gm-needle", "aria-hidden": "true", text: "▲" }), el("span", { "aria-hidden": "true", text: "N" }));
    north.onAdd = () => arrow;
    north.addTo(gm.map);
    const box = el("form", { id: "gm-layers" });
    box.addEventListener("submit", (e) => e.preventDefault());
    gm.parts.side.append(box);
    function fill() {
      arrow.setAttribute("aria-label", gm.t("north_arrow"));
      gm.clear(box).setAttribute("aria-label", gm.t("layers"));
      box.append(el("button", { type: "button", id: "gm-layers-open", text: gm.t("layers"), "aria-expanded": String(box.classList.contains("gm-open")),
        onclick: (/** @type {any} */ e) => e.target.setAttribute("aria-expanded", String(box.classList.toggle("gm-open"))) }));   /* on a small screen only */
      if (gm.themes.length) {
        box.append(el("fieldset", { class: "leaflet-control-layers-base" }, el("legend", { text: gm.t("themes") }), gm.themes.map((l) =>
          el("label", {}, el("input", { type: "radio", name: "gm-theme", value: l.id, class: "leaflet-control-layers-selector", checked: l.id === gm.state.theme, onchange: () => gm.showTheme(l.id) }),
            el("span", { dir: "auto", text: gm.text(l.name) }), l.found ? el("em", { text: gm.text(l.found) }) : null))));
      }
      if (gm.overlays.length) {
        box.append(el("fieldset", { class: "leaflet-control-layers-overlays" }, el("legend", { text: gm.t("overlays") }), gm.overlays.map((l) =>
          el("label", {}, el("input", { type: "checkbox", value: l.id, class: "leaflet-control-layers-selector", checked: l.show, onchange: (/** @type {any} */ e) => gm.showOverlay(l, e.target.checked) }),
            l.patrol ? el("b", { class: "gm-unit-number", "aria-hidden": "true", style: { borderColor: l.colour }, text: l.number }) : null,
            el("span", { dir: "auto", text: gm.text(l.name) }), l.kind === "clusters" ? el("em", { text: gm.number(l.draw.n, 0) }) : null))));
      }
      box.hidden = gm.layers.length < 2;
      box.querySelectorAll("input").forEach((i) => { if (i === document.activeElement) i.focus(); });
    }
    ["ready", "language", "theme"].forEach((event) => gm.on(event, fill));
  });
}
