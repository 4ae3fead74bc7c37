/* What lies under the pointer, in words: one tooltip for all layers, found by arithmetic, not by drawn elements. */
/** @param {import("./types").Gm} gm */
export function tooltip(gm) {
  const el = gm.el;
  gm.describe = function (layer, row) {
    const place = layer.place(row), cell = layer.cell(row), c = layer.classes[layer.codesNow()[row]];
    const box = el("div", { class: "gm-tip" });
    const title = layer.facts.numbered ? gm.text(layer.name) + " " + (row + 1) : place || cell || gm.text(layer.name);
    box.append(el("div", { class: "gm-tip-title", dir: "auto", text: title }));
    if (c && layer.role === "theme") {
      const text = gm.classText(layer, c);
      box.append(el("div", { class: "gm-tip-class" }, gm.swatch(c), text));
    }
    const table = el("table");
    const now = layer.amountNow ? layer.amountNow(row) : null;
    layer.columns.forEach(function (column, i) {
      const value = i === 0 && now !== null ? now : column.read(row);
      if (value === null) return;
      table.append(el("tr", {}, el("th", { scope: "row", text: gm.column(column.key) }), el("td", { dir: "auto", text: typeof value === "string" ? value : gm.value(column.key, value) })));
    });
    if (table.rows.length) box.append(table);
    return box;
  };
  gm.part(function () {
    const tip = L.tooltip({ direction: "auto", className: "gm-tooltip", opacity: 1, offset: [14, 0] });
    let last = "";
    function at(event) {
      const lat = event.latlng.lat, lng = event.latlng.lng, reach = 6 / (256 * Math.pow(2, gm.map.getZoom()));
      const hits = [];
      gm.overlays.concat(gm.theme() ? [gm.theme()] : []).forEach(function (layer) {
        if (layer.role === "overlay" && (!layer.show || !layer.columns.length && !layer.data_places && layer.facts.context)) return;
        if (layer.facts.zones && gm.theme()) return;
        const row = gm.rowAt(layer.shapes(), lat, lng, reach);
        if (row >= 0 && layer.codesNow()[row] !== 255) hits.push([layer, row]);
      });
      return hits;
    }
    gm.map.on("mousemove", function (event) {
      if (gm.busy) return;
      const hits = at(event), key = hits.map(function (h) { return h[0].id + ":" + h[1]; }).join() + gm.state.language + gm.state.frame;
      if (!hits.length) { last = ""; return gm.map.closeTooltip(tip); }
      tip.setLatLng(event.latlng);
      if (key !== last) {
        last = key;
        const box = el("div");
        hits.forEach(function (h) { box.append(gm.describe(h[0], h[1])); });
        tip.setContent(box);
      }
      if (!gm.map.hasLayer(tip)) gm.map.openTooltip(tip);
    });
    gm.map.on("mouseout movestart", function () { last = ""; gm.map.closeTooltip(tip); });
  });
}
