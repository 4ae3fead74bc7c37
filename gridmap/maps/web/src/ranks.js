/* The numbers of the cards on the map, and the ground of the places. Only the layer that the cards rank is numbered, so
   that a number means the same on the map and in the list. */
import { border } from "./decode.js";

/** @param {import("./types").Gm} gm */
export function ranks(gm) {
  gm.part(() => {
    /** @type {any[]} */
    let drawn = [];
    [["gm-concentrated", "404"], ["gm-cores", "442"], ["gm-numbers", "445"]].forEach(([name, height]) => {
      const pane = gm.map.createPane(name);
      pane.style.zIndex = height;
      pane.style.pointerEvents = "none";
    });
    /** @type {string | null} */
    let last = null;
    /** @type {any} */
    let numbers = null;
    /* What lies over the map in its corners. */
    function covered() {
      const stage = gm.map.getContainer().getBoundingClientRect();
      return Array.from(gm.parts.stage.querySelectorAll("#gm-tools, #gm-legend, #gm-fold, #gm-north, .leaflet-control-zoom, .leaflet-control-scale")).map((e) => e.getBoundingClientRect()).filter((b) => b.width)
        .map((b) => new DOMRect(b.x - stage.x, b.y - stage.y, b.width, b.height));
    }
    /* Names beside the numbers give way to those of the districts, and those of villages to both and to the numbers. */
    function write() {
      if (numbers) { numbers.redraw(); gm.named = numbers.marks.concat(numbers.boxes || []); }
      gm.emit("named");
    }
    /* A step in time that leaves the places where they were leaves their numbers too. */
    function step() {
      const layer = gm.rankedLayer();
      const now = layer && gm.theme() === layer ? layer.id + ":" + gm.rankedRows().slice(0, gm.shownRanks()).map((r) => r.index) : null;
      if (now !== null && now === last) return;
      draw();
      last = now;
    }
    function draw() {
      last = null;
      const layer = gm.rankedLayer();
      drawn.forEach((canvas) => gm.map.removeLayer(canvas));
      drawn = [];
      numbers = null;
      gm.named = [];
      const theme = gm.theme();
      if (theme && (!gm.comparing || gm.linked())) drawn.push(...gm.groundOn(gm.map, theme, "gm-concentrated"));
      if (!layer || !layer.ranked.length || (gm.comparing && !gm.linked())) return;
      const first = gm.rankedRows().slice(0, gm.shownRanks()).map((r) => r.rows);
      const cores = gm.coresOf(layer);
      if (cores.length) drawn.push(new gm.Canvas({ shapes: layer.shapes(), classes: [{ colour: gm.CORE }], only: cores.flat(), stroke: { colour: gm.CORE, width: 0.8 } }, { pane: "gm-cores" }));
      else if (layer.labels) {
        const shapes = border(layer.shapes(), first.flat());
        drawn.push(new gm.Canvas({ shapes, classes: [{}], fill: false, stroke: { colour: "#1B2433", width: 2, halo: "rgba(255,255,255,0.9)" } }, { pane: "gm-cores" }));
      }
      const names = () => (gm.patrolsAtWork && gm.patrolsAtWork() ? [] : gm.rankedRows()).slice(0, gm.shownRanks()).map((r) => gm.placeOf(r));
      numbers = new gm.Canvas({ shapes: layer.shapes(), classes: [{}], only: [], ranks: () => first, names, taken: covered, ring: cores.length ? gm.CORE : null }, { pane: "gm-numbers" });
      drawn.push(numbers);
      drawn.forEach((canvas) => { if (!gm.map.hasLayer(canvas)) canvas.addTo(gm.map); });
      gm.emit("marks");
    }
    /* Where the numbers stand, in lon and lat: names give way to them. */
    gm.marks = () => {
      const layer = gm.rankedLayer();
      if (!layer || !layer.ranked.length || (gm.comparing && !gm.linked())) return [];
      return gm.rankedRows().slice(0, gm.shownRanks()).map((r) => gm.boundsOf(layer, r.rows).getCenter()).map((c) => [c.lng, c.lat]);
    };
    /* The pale ground: where more lies than if all land were alike. */
    gm.groundOn = (map, layer, pane) => {
      const only = layer.ground(), colour = layer.ground_colour;
      return only.length ? [new gm.Canvas({ shapes: layer.shapes(), classes: [{ colour }], only, stroke: { colour, width: 0.8 } }, { pane }).addTo(map)] : [];
    };
    /* The first places of a test whose ground was cut into cores: they are dark, and the ground is pale. */
    gm.CORE = "#B10D1E";
    gm.coresOf = (layer) => (layer.pale ? layer.ranked.slice(0, gm.shownRanks()).map((r) => r.rows) : []);
    ["theme", "overlays", "ready", "compare", "room"].forEach((event) => gm.on(event, draw));
    gm.on("frame", step);
    gm.on("names", write);
    gm.on("language", write);
  });
}
