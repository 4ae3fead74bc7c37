/* Measuring: click from point to point; lengths in metres along the ground. Esc ends it. */
/** @param {import("./types").Gm} gm */
export function measure(gm) {
  gm.part(function () {
    let line = null, points = [], label = null;
    gm.measure = function (on) {
      if (on === undefined) on = !line;
      if (on === !!line) return;
      gm.busy = on;
      gm.map.getContainer().classList.toggle("gm-measuring", on);
      if (on) {
        points = [];
        line = L.polyline([], { color: "#111827", weight: 3, dashArray: "6 5", interactive: false }).addTo(gm.map);
        label = L.tooltip({ permanent: true, direction: "right", className: "gm-tooltip", offset: [10, 0] });
      } else {
        gm.map.removeLayer(line);
        gm.map.closeTooltip(label);
        line = null;
      }
      gm.emit("measure", on);
    };
    function length() { let d = 0; for (let i = 1; i < points.length; i++) d += gm.map.distance(points[i - 1], points[i]); return d; }
    gm.map.on("click", function (e) {
      if (!line) return;
      points.push(e.latlng);
      line.setLatLngs(points);
      const d = length();
      label.setLatLng(e.latlng).setContent(gm.el("span", { text: d >= 1000 ? gm.number(d / 1000, 2) + " " + gm.t("kilometres") : gm.number(d, 0) + " " + gm.t("metres") }));
      if (!gm.map.hasLayer(label)) gm.map.openTooltip(label);
    });
    document.addEventListener("keydown", function (e) { if (e.key === "Escape" && line) gm.measure(false); });
  });
}
