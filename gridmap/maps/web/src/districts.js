/* District outlines and names from the hierarchy of the boundaries; the next level's names when one comes nearer. */
import { spread } from "./canvas.js";
import { insideArea, shapesOf, worldX, worldY } from "./decode.js";

/** A level's names are written where its units are wider than this on the screen, and not yet where they are all of it. */
const LEAST_PX = 90;
const MOST_PX = 1400;
/** How far a district's name may move to be free, in heights of its letters, the nearest first. */
const SHIFTS = [0, -1.2, 1.2, -1.6, 1.6, -2.2, 2.2, -3.2, 3.2, -4.2, 4.2];

/** @param {import("./types").Gm} gm */
export function districts(gm) {
  const levels = gm.data.districts;
  if (!levels || !levels.length) return;
  const bounds = gm.data.bounds, west = bounds[2] > 180 ? bounds[0] : -180;
  gm.part(() => {
    [["gm-ground", "402"], ["gm-districts", "425"], ["gm-names", "444"]].forEach(([name, height]) => {
      const pane = gm.map.createPane(name);
      pane.style.zIndex = height;
      pane.style.pointerEvents = "none";
    });
    const Names = gm.Canvas.extend({
      /** @param {any} g @param {number} scale @param {number} ox @param {number} oy @param {number} width @param {number} height */
      draw: function (g, scale, ox, oy, width, height) {
        const u = parseFloat(getComputedStyle(document.body).getPropertyValue("--u") || "1"), font = getComputedStyle(document.body).fontFamily;
        /** @type {Array<[number, number, number, number]>} */
        const put = [], mark = 1.5 * gm.markSize();
        spread((this.map === gm.map ? gm.marks() : this.map.numbered()).map(([lon, lat]) => [worldX(lon) * scale - ox, worldY(lat) * scale - oy]), gm.markSize(), true).forEach((m) => put.push([m.x, m.y, mark, mark]));
        const marks = put.length;   /* the numbers themselves, beside which their names are written */
        levels.forEach((level, depth) => {
          const box = this.paint.shapes[depth].box, size = (depth ? 13 : 17) * u;
          g.font = (depth ? "500 " : "600 ") + size + "px " + font;
          g.textAlign = "center";
          g.textBaseline = "middle";
          g.lineJoin = "round";
          level.names.forEach((name, i) => {
            const px = (box[4 * i + 2] - box[4 * i]) * scale;
            if (px < LEAST_PX * (depth ? 1.2 : 0.75) || px > MOST_PX * u) return;
            let lon = level.at[i][0];
            if (lon < west) lon += 360;
            const x = worldX(lon) * scale - ox;
            let y = worldY(level.at[i][1]) * scale - oy;
            if (x < 0 || y < 0 || x > width || y > height) return;
            const text = depth ? name : name.toLocaleUpperCase(gm.locale()), half = g.measureText(text).width / 2 + 4;
            /* A name gives way to a number, up or down within its own area; where there is no room for it, it is left out. */
            const own = (/** @type {number} */ s) => !s || [-0.6, 0.6].every((e) => insideArea(this.paint.shapes[depth], i, (x + ox) / scale, (y + (s + e) * size + oy) / scale));
            const shift = SHIFTS.find((s) => own(s) && !put.some(([a, b, w, h]) => Math.abs(a - x) < w + half && Math.abs(b - y - s * size) < h + size * 0.7));
            if (shift === undefined || (depth && shift)) return;
            y += shift * size;
            put.push([x, y, half, size * 0.7]);
            g.lineWidth = 4 * u;
            g.strokeStyle = "rgba(255,255,255,0.92)";
            g.strokeText(text, x, y);
            g.fillStyle = "#374151";
            g.fillText(text, x, y);
          });
        });
        this.map.taken = put.slice(marks);
        if (this.map === gm.map) { gm.taken = this.map.taken; gm.emit("names"); }
      }
    });
    gm.namesOn = (map) => { new Names({ shapes, classes: [{}] }, { pane: "overlayPane" }).addTo(map); };
    const shapes = levels.map((level) => shapesOf(level.draw, west));
    gm.districtShapes = shapes[0];
    const outlines = new gm.Canvas({ shapes: shapes[0], classes: [{}], fill: false, stroke: { colour: "#4B5668", width: 1.5 } }, { pane: "gm-districts" });
    const ground = new gm.Canvas({ shapes: shapes[0], classes: [{ colour: "#FCFBF7" }], stroke: { colour: "#FCFBF7", width: 1 } }, { pane: "gm-ground" });
    const names = new Names({ shapes, classes: [{}] }, { pane: "gm-names" });
    gm.on("ready", () => { if (!gm.data.basemap) ground.addTo(gm.map); outlines.addTo(gm.map); names.addTo(gm.map); });
    ["room", "marks"].forEach((event) => gm.on(event, () => names.redraw()));
  });
}
