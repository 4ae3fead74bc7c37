/* One hotspot selected, in the table and on the map alike. */
(function (gm) {
  "use strict";
  gm.part(function () {
    gm.map.createPane("gm-selected").style.zIndex = 600;
    gm.map.getPane("gm-selected").style.pointerEvents = "none";
    let drawn = null;
    gm.select = function (layer, index, fly) {
      gm.state.selected = layer ? { layer: layer.id, index: index } : null;
      if (layer && fly) gm.flyTo(gm.boundsOf(layer, layer.ranked[index].rows));
      gm.emit("select", gm.state.selected);
    };
    gm.flyTo = function (bounds) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const options = { maxZoom: 14.5, padding: [70, 70], animate: !calm, duration: 0.7 };
      if (calm) gm.map.fitBounds(bounds, options); else gm.map.flyToBounds(bounds, options);
    };
    gm.on("select", function (s) {
      if (drawn) { gm.map.removeLayer(drawn); drawn = null; }
      if (!s) return;
      const layer = gm.byId(s.layer);
      drawn = new gm.Canvas({ shapes: layer.shapes(), classes: [{}], only: layer.ranked[s.index].rows, fill: false,
        stroke: { colour: "#111827", width: 2.4, halo: "#FFFFFF" } }, { pane: "gm-selected" }).addTo(gm.map);
    });
    gm.map.on("click", function (event) {
      if (gm.busy) return;
      const layer = gm.rankedLayer();
      if (!layer) return;
      const row = gm.rowAt(layer.shapes(), event.latlng.lat, event.latlng.lng, 0);
      const index = row < 0 ? -1 : layer.ranked.findIndex(function (r) { return r.rows.indexOf(row) >= 0; });
      gm.select(index < 0 ? null : layer, index, false);
      if (index >= 0) gm.openTab("hotspots");
    });
  });
})(gridmap);
