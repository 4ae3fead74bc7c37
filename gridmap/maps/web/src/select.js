/* One place selected, among the cards and on the map alike. */
import { border, rowAt } from "./decode.js";

/** @param {import("./types").Gm} gm */
export function select(gm) {
  gm.part(() => {
    const pane = gm.map.createPane("gm-selected");
    pane.style.zIndex = "443";   /* below the numbers */
    pane.style.pointerEvents = "none";
    /** @type {any} */
    let drawn = null;
    gm.select = (layer, index, fly) => {
      gm.state.selected = layer && index !== undefined && index >= 0 ? { layer: layer.id, index } : null;
      if (layer && fly && index !== undefined) gm.flyTo(gm.boundsOf(layer, layer.ranked[index].rows));
      gm.emit("select", gm.state.selected);
    };
    gm.flyTo = (bounds) => {
      const options = { maxZoom: 14.5, padding: [70, 70], animate: !gm.calm(), duration: 0.7 };
      if (gm.calm()) gm.map.fitBounds(bounds, options); else gm.map.flyToBounds(bounds, options);
    };
    gm.on("select", (s) => {
      if (drawn) { gm.map.removeLayer(drawn); drawn = null; }
      const layer = s && gm.byId(s.layer);
      if (!layer) return;
      const place = layer.ranked[s.index];
      drawn = new gm.Canvas({ shapes: border(layer.shapes(), place.rows), classes: [{}], fill: false,
        stroke: { colour: "#111827", width: 3.2, halo: "#FFFFFF" } }, { pane: "gm-selected" }).addTo(gm.map);
      gm.tell(gm.placeOf({ ...place, rank: s.index + 1 }) + ": " + gm.lines(layer, place));
    });
    gm.map.on("click", (/** @type {any} */ event) => {
      if (gm.busy) return;
      const layer = gm.rankedLayer();
      if (!layer) return;
      const row = rowAt(layer.shapes(), event.latlng.lat, event.latlng.lng, 0);
      const index = row < 0 ? -1 : layer.ranked.findIndex((r) => r.rows.includes(row));
      gm.select(index < 0 ? null : layer, index, false);
      if (index >= 0) gm.openTab("hotspots");
    });
  });
}
