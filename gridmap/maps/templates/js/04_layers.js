/* The layers as they live on the page: shapes decoded when first wanted, classes by row, one theme shown at a time. */
(function (gm) {
  "use strict";
  gm.layers = gm.data.layers.map(function (data, i) {
    const layer = Object.assign({ index: i }, data);
    let shapes = null, codes = null;
    layer.shapes = function () { return (shapes = shapes || gm.shapes(data.draw)); };
    layer.allCodes = function () { return (codes = codes || gm.bytes(data.codes)); };
    layer.codesNow = layer.allCodes;          /* a layer with periods replaces this */
    layer.columns = data.columns.map(function (c) { return { key: c.key, read: gm.reader(c) }; });
    layer.data_points = !!data.draw.points;
    layer.data_places = !!data.places;
    layer.place = data.places ? gm.reader(data.places) : function () { return null; };
    layer.cell = function (row) { return data.ids ? data.ids[row] : data.draw.type === "h3" ? layer.shapes().id(row) : null; };
    return layer;
  });
  gm.themes = gm.layers.filter(function (l) { return l.role === "theme"; });
  gm.overlays = gm.layers.filter(function (l) { return l.role === "overlay"; });
  gm.byId = function (id) { return gm.layers.find(function (l) { return l.id === id; }) || null; };
  gm.theme = function () { return gm.byId(gm.state.theme); };

  gm.canvasOf = function (layer) {
    if (layer.canvas) return layer.canvas;
    const pane = "gm-" + layer.id, f = layer.facts;
    const node = gm.map.createPane(pane);
    node.style.zIndex = layer.role === "theme" ? 410 : f.context && !f.above ? (layer.data_points ? 440 : 405) : f.zones ? 420 : 430 + layer.index;
    node.style.pointerEvents = "none";
    if (gm.veil && layer.role === "theme") node.style.opacity = gm.veil;
    if (layer.image) {
      layer.canvas = L.imageOverlay(layer.image.url, layer.image.bounds, { pane: pane, className: "gm-surface", alt: "" });
      layer.canvas.redraw = function () { return this; };
      return layer.canvas;
    }
    const paint = { shapes: layer.shapes(), codes: function () { return layer.codesNow(); } };
    Object.defineProperty(paint, "classes", { get: function () { return layer.classes; } });
    if (layer.drawing === "lines") {
      paint.fill = !!f.context;
      if (f.zones) { paint.stroke = { colour: "rgba(75,85,99,0.6)", width: 0.9 }; paint.fades = true; }
      else if (f.context) paint.stroke = { colour: layer.classes[0].colour, width: f.width_px || 1 };
      else { paint.stroke = { colour: layer.classes[0].colour, width: 2.2, halo: "rgba(255,255,255,0.85)" }; }
    }
    else if (!layer.shapes().closed && !layer.data_points) paint.stroke = { width: 3.4 };   /* streets, in their class's colour */
    paint.layer = layer;
    layer.canvas = new (layer.patrol ? gm.PatrolCanvas : gm.Canvas)(paint, { pane: pane });
    return layer.canvas;
  };

  gm.showTheme = function (id) {
    const before = gm.theme();
    if (before && before.canvas) gm.map.removeLayer(before.canvas);
    gm.state.theme = id;
    gm.state.selected = null;
    if (gm.theme()) gm.canvasOf(gm.theme()).addTo(gm.map);
    gm.emit("select", null);
    gm.emit("theme", id);
  };
  gm.showOverlay = function (layer, on) {
    layer.show = on;
    const canvas = gm.canvasOf(layer);
    if (on) canvas.addTo(gm.map); else gm.map.removeLayer(canvas);
    gm.emit("overlays");
  };
  gm.boundsOf = function (layer, rows) {
    const box = layer.shapes().box;
    let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
    rows.forEach(function (r) {
      x0 = Math.min(x0, box[4 * r]); y0 = Math.min(y0, box[4 * r + 1]);
      x1 = Math.max(x1, box[4 * r + 2]); y1 = Math.max(y1, box[4 * r + 3]);
    });
    const lat = function (y) { return 360 / Math.PI * Math.atan(Math.exp((0.5 - y) * 2 * Math.PI)) - 90; };
    return L.latLngBounds([lat(y1), (x0 - 0.5) * 360], [lat(y0), (x1 - 0.5) * 360]);
  };
})(gridmap);
