/* The page, put together: each part is one file, mounted in this order on the map that folium has made. */
import { about } from "./about.js";
import { areas } from "./areas.js";
import { basemap } from "./basemap.js";
import { canvas } from "./canvas.js";
import { clock } from "./clock.js";
import { compare } from "./compare.js";
import { controls } from "./controls.js";
import { copy } from "./copy.js";
import { border, rowAt } from "./decode.js";
import { districts } from "./districts.js";
import { frame } from "./frame.js";
import { makePage } from "./gm.js";
import { hotspots } from "./hotspots.js";
import { inset } from "./inset.js";
import { layers } from "./layers.js";
import { legend } from "./legend.js";
import { measure } from "./measure.js";
import { patrols } from "./patrols.js";
import { patrolTimes } from "./patrolTimes.js";
import { periods } from "./periods.js";
import { print } from "./print.js";
import { ranks } from "./ranks.js";
import { select } from "./select.js";
import { share } from "./share.js";
import { start } from "./start.js";
import { text } from "./text.js";
import { timeline } from "./timeline.js";
import { tools } from "./tools.js";
import { tooltip } from "./tooltip.js";
import { tour } from "./tour.js";

const node = /** @type {HTMLElement} */ (document.getElementById("gridmap-data"));
const gm = makePage(JSON.parse(node.textContent || "{}"));
gm.border = border;
gm.rowAt = rowAt;
[text, canvas, layers, basemap, patrolTimes, frame, hotspots, select, tooltip, legend, controls, districts, ranks, areas, periods,
  timeline, clock, patrols, compare, about, tour, measure, tools, share, print, inset, copy, start].forEach((part) => part(gm));
window.gridmap = gm;
