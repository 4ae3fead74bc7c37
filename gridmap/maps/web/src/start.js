/* The start: folium has made the map; the parts are mounted on it, the first theme shown. */
/** @param {import("./types").Gm} gm */
export function start(gm) {
  gm.start = function (map) {
    performance.mark("gm-start");
    gm.map = map;
    document.body.classList.add("gm");
    gm.mount();
    const b = gm.data.bounds;
    gm.home = L.latLngBounds([b[1], b[0]], [b[3], b[2]]);
    /** @type {any} */
    let last = null;
    /* The row of tools lies over the top of the map: the territory begins below it. */
    gm.room_around = function () {
      const row = document.getElementById("gm-tools"), top = row && row.offsetHeight ? row.offsetTop + row.offsetHeight + 4 : 16;
      return { paddingTopLeft: [16, Math.min(top, map.getSize().y / 6)], paddingBottomRight: [16, 16], animate: false };
    };
    const fit = function () { map.fitBounds(gm.home, gm.room_around()); last = { at: map.getCenter(), zoom: map.getZoom() }; };
    /* The stage has another size: a map that shows the whole goes on showing the whole. */
    gm.resized = function () {
      const whole = last && Math.abs(map.getZoom() - last.zoom) < 1e-9 && map.getCenter().distanceTo(last.at) < 1;
      map.invalidateSize({ animate: false });
      if (whole && !gm.busy && !gm.comparing) fit();
    };
    fit();
    gm.overlays.forEach(function (l) { if (l.show) gm.canvasOf(l).addTo(map); });
    const first = gm.themes.find(function (l) { return l.show; }) || gm.themes[0];
    if (first) gm.showTheme(first.id);
    map.invalidateSize({ animate: false });   /* the strip, the rail and the timeline have taken their room */
    fit();
    gm.emit("ready");
    gm.resized();   /* so have the answers of a page without themes, and the tools above the map */
    gm.emit("placed");
    document.body.dataset.ready = "true";
    performance.mark("gm-ready");
  };
}
