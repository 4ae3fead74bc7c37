/* The numbers of the ranked table on the map. Only the layer that the table ranks is numbered, so that a number means
   the same on the map and in the table. */
/** @param {import("./types").Gm} gm */
export function ranks(gm) {
  const MOST = 10;
  gm.part(function () {
    let drawn = null, of = null;
    gm.map.createPane("gm-numbers").style.zIndex = 445;
    gm.map.getPane("gm-numbers").style.pointerEvents = "none";
    function draw() {
      const layer = gm.rankedLayer(), here = layer && layer.ranked.length && !layer.frames ? layer : null;
      if (here === of) return;
      if (drawn) gm.map.removeLayer(drawn);
      of = here;
      drawn = here && new gm.Canvas({ shapes: here.shapes(), classes: [{}], only: [], ranks: function () {
        return here.ranked.slice(0, MOST).map(function (r) { return r.rows; });
      } }, { pane: "gm-numbers" }).addTo(gm.map);
    }
    gm.on("theme", draw);
    gm.on("overlays", draw);
    gm.on("ready", draw);
  });
}
