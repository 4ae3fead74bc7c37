/* The scale bar, in the reader's language. */

/** The largest of 1, 2, 3, 5 × 10ⁿ that is no longer than this.
 * @param {number} metres */
export function roundLength(metres) {
  const ten = Math.pow(10, Math.floor(Math.log10(metres))), lead = metres / ten;
  return ten * (lead >= 5 ? 5 : lead >= 3 ? 3 : lead >= 2 ? 2 : 1);
}

/** @param {import("./types").Gm} gm */
export function scale(gm) {
  /** @type {Set<() => void>} */
  const bars = new Set();
  gm.part(() => gm.on("language", () => bars.forEach((say) => say())));
  gm.scaleOn = (map, most) => {
    const line = gm.el("div", { class: "leaflet-control-scale-line" }), bar = L.control({ position: "bottomright" });
    const say = () => {
      const size = map.getSize(), y = size.y / 2, across = Math.min(most * gm.markSize() / 11, size.x);
      const length = map.distance(map.containerPointToLatLng([0, y]), map.containerPointToLatLng([across, y]));
      if (!(length > 0)) return;
      const shown = roundLength(length);
      line.textContent = shown >= 1000 ? gm.t("scale_km", { n: shown / 1000 }) : gm.t("scale_m", { n: shown });
      line.style.width = Math.round(across * shown / length) + "px";
    };
    bar.onAdd = () => gm.el("div", { class: "leaflet-control-scale" }, line);
    bar.addTo(map);
    map.on("move resize", say);
    map.whenReady(say);
    bars.add(say);
    map.on("unload", () => bars.delete(say));
  };
}
