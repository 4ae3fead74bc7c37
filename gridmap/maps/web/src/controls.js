/* Which theme, which overlays: radio buttons and check boxes in the map's corner; zoom, scale and the north arrow. */
/** @param {import("./types").Gm} gm */
export function controls(gm) {
  const el = gm.el;
  gm.part(function () {
    L.control.zoom({ position: "topright" }).addTo(gm.map);
    L.control.scale({ imperial: false, position: "bottomright", maxWidth: 140 }).addTo(gm.map);
    const north = L.control({ position: "bottomright" });
    north.onAdd = function () {
      const box = el("div", { id: "gm-north", role: "img" });
      box.append(el("span", { class: "gm-needle", text: "▲" }), el("span", { text: "N" }));
      return box;
    };
    north.addTo(gm.map);
    const control = L.control({ position: "topright" });
    const box = el("form", { id: "gm-layers", class: "leaflet-control-layers leaflet-control-layers-expanded" });
    control.onAdd = function () { L.DomEvent.disableClickPropagation(box); L.DomEvent.disableScrollPropagation(box); return box; };
    control.addTo(gm.map);
    box.parentNode.insertBefore(box, box.parentNode.firstChild);
    box.addEventListener("submit", function (e) { e.preventDefault(); });
    function fill() {
      gm.clear(box).setAttribute("aria-label", gm.t("layers"));
      box.append(el("button", { type: "button", id: "gm-layers-open", text: gm.t("layers"), "aria-expanded": String(box.classList.contains("gm-open")),
        onclick: function (e) { e.target.setAttribute("aria-expanded", String(box.classList.toggle("gm-open"))); } }));   /* on a phone only */
      if (gm.themes.length) {
        const set = el("fieldset", { class: "leaflet-control-layers-base" }, el("legend", { text: gm.t("themes") }));
        gm.themes.forEach(function (l) {
          set.append(el("label", {}, el("input", { type: "radio", name: "gm-theme", value: l.id, class: "leaflet-control-layers-selector",
            checked: l.id === gm.state.theme, onchange: function () { gm.showTheme(l.id); } }), el("span", { dir: "auto", text: gm.text(l.name) })));
        });
        box.append(set);
      }
      if (gm.overlays.length) {
        const set = el("fieldset", { class: "leaflet-control-layers-overlays" }, el("legend", { text: gm.t("overlays") }));
        gm.overlays.forEach(function (l) {
          set.append(el("label", {}, el("input", { type: "checkbox", value: l.id, class: "leaflet-control-layers-selector",
            checked: l.show, onchange: function (e) { gm.showOverlay(l, e.target.checked); } }), l.patrol ? el("b", { class: "gm-unit-number", "aria-hidden": "true", style: { borderColor: l.colour }, text: l.number }) : null, el("span", { dir: "auto", text: gm.text(l.name) })));
        });
        box.append(set);
      }
      box.hidden = gm.layers.length < 2;
    }
    gm.on("ready", fill);
    gm.on("language", fill);
    gm.on("theme", fill);
  });
}
