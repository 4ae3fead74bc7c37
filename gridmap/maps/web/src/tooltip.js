/* What lies under the pointer, in words: one tooltip for all layers, found by arithmetic, not by drawn elements. */
import { rowAt } from "./decode.js";

/** @typedef {import("./types").LiveLayer} LiveLayer */

/** @param {import("./types").Gm} gm */
export function tooltip(gm) {
  const el = gm.el;
  gm.describe = (layer, row) => {
    const place = layer.place(row), cell = layer.cell(row), c = layer.classes[layer.codesNow()[row]];
    const box = el("div", { class: "gm-tip" });
    const title = layer.kind === "clusters" ? gm.text(layer.name) + " " + (row + 1) : place || cell || gm.text(layer.name);
    box.append(el("div", { class: "gm-tip-title", dir: "auto", text: title }));
    if (c && layer.kind === "named_areas") box.append(el("div", { class: "gm-tip-class", text: gm.text(layer.name) + gm.t("colon") + gm.classText(c) }));
    if (c && layer.role === "theme") box.append(el("div", { class: "gm-tip-class" }, gm.swatch(c), gm.classText(c)));
    const table = /** @type {HTMLTableElement} */ (el("table"));
    const now = layer.amountNow ? layer.amountNow(row) : null;
    layer.columns.forEach((column, i) => {
      const value = i === 0 && now !== null ? now : column.key === "count" && layer.countNow ? layer.countNow(row) : column.read(row);
      if (value === null) return;
      table.append(el("tr", {}, el("th", { scope: "row", text: gm.column(column.key, layer) }), el("td", { dir: "auto", text: typeof value === "string" ? value : gm.value(column.key, value) })));
    });
    if (table.rows.length) box.append(table);
    return box;
  };
  gm.part(() => {
    const tip = L.tooltip({ direction: "auto", className: "gm-tooltip", opacity: 1, offset: [14, 0] });
    let last = "";
    /** @param {any} event */
    function at(event) {
      const reach = 6 / (256 * Math.pow(2, gm.map.getZoom())), theme = gm.theme();
      /** @type {Array<[LiveLayer, number]>} */
      const hits = [];
      gm.overlays.concat(theme ? [theme] : []).forEach((layer) => {
        if (layer.role === "overlay" && (!layer.show || (!layer.columns.length && !layer.data_places))) return;
        if (layer.kind === "boundaries" && theme) return;
        const row = rowAt(layer.shapes(), event.latlng.lat, event.latlng.lng, reach);
        if (row >= 0 && layer.codesNow()[row] !== 255) hits.push([layer, row]);
      });
      return hits;
    }
    gm.map.on("mousemove", (/** @type {any} */ event) => {
      if (gm.busy) return;
      const hits = at(event), key = hits.map((h) => h[0].id + ":" + h[1]).join() + gm.state.language + gm.state.frame;
      if (!hits.length) { last = ""; return gm.map.closeTooltip(tip); }
      tip.setLatLng(event.latlng);
      if (key !== last) {
        last = key;
        tip.setContent(el("div", {}, hits.map((h) => gm.describe(h[0], h[1]))));
      }
      if (!gm.map.hasLayer(tip)) gm.map.openTooltip(tip);
    });
    gm.map.on("mouseout movestart", () => { last = ""; gm.map.closeTooltip(tip); });
  });
}
