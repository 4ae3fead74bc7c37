/* Tiles under everything, where the page was given any: from beside the file, an intranet, or embedded. */
/** @param {import("./types").Gm} gm */
export function basemap(gm) {
  const base = gm.data.basemap;
  if (!base) return;
  gm.part(function () {
    const options = { maxZoom: 19, maxNativeZoom: base.max_native || base.max_zoom, zIndex: 1 };
    base.templates.forEach(function (t) { L.tileLayer(t, options).addTo(gm.map); });
    if (base.tiles) {
      const Embedded = L.TileLayer.extend({ getTileUrl: function (/** @type {any} */ c) { return base.tiles[c.z + "/" + c.x + "/" + c.y] || L.Util.emptyImageUrl; } });
      new Embedded("", options).addTo(gm.map);
    }
    gm.veil = 0.72;   /* themes let the map shine through */
    if (base.attribution) {
      const note = L.control({ position: "bottomright" });
      note.onAdd = function () { return gm.el("div", { class: "gm-attribution", text: base.attribution }); };
      note.addTo(gm.map);
    }
  });
}
