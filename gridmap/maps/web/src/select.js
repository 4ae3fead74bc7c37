/* One hotspot selected, in the table and on the map alike. */
/** @param {import("./types").Gm} gm */
export function select(gm) {
  /* The outer border of several rows: the edges that only one of them has. Corners meet to within a millimetre. */
  gm.border = function (shapes, rows) {
    const edges = new Map(), key = function (i) { return Math.round(shapes.xy[2 * i] * 1e9) + "," + Math.round(shapes.xy[2 * i + 1] * 1e9); };
    rows.forEach(function (r) {
      for (let p = shapes.row[r]; p < shapes.row[r + 1]; p++) {
        for (let i = shapes.ring[p], j = shapes.ring[p + 1] - 1; i < shapes.ring[p + 1]; j = i++) {
          const a = key(i), b = key(j), k = a < b ? a + ";" + b : b + ";" + a;
          if (edges.has(k)) edges.set(k, null); else edges.set(k, [j, i]);
        }
      }
    });
    const kept = Array.from(edges.values()).filter(Boolean), xy = new Float64Array(4 * kept.length), ring = new Uint32Array(kept.length + 1);
    kept.forEach(function (e, n) {
      for (let c = 0; c < 2; c++) { xy[4 * n + 2 * c] = shapes.xy[2 * e[c]]; xy[4 * n + 2 * c + 1] = shapes.xy[2 * e[c] + 1]; }
      ring[n + 1] = 2 * n + 2;
    });
    return { n: 1, xy: xy, ring: ring, row: new Uint32Array([0, kept.length]), closed: false, box: new Float64Array([0, 0, 1, 1]) };
  };
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
      drawn = new gm.Canvas({ shapes: gm.border(layer.shapes(), layer.ranked[s.index].rows), classes: [{}], fill: false,
        stroke: { colour: "#111827", width: 3, halo: "#FFFFFF" } }, { pane: "gm-selected" }).addTo(gm.map);
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
}
