/* A Leaflet layer that paints shapes on one canvas: ten shapes or two hundred thousand. Panning moves the finished
   picture; it is painted anew when the map comes to rest. Fills go in short paths of one colour, which software
   rendering does many times faster than one path a shape or one path for all. */

import { MANY, colourPixels, rowsOfPixels } from "./raster.js";

/** @typedef {import("./types").Paint} Paint */

const BATCH = 16;
/** How much of the map's size is painted beyond each edge. */
const PADDING = 0.2;
/** A cell has an edge of its own only where it is larger than this, in pixels: smaller ones would be a mesh. */
const EDGE_PX = 14;
/** A line of a name beside a number is no longer than this, in heights of its letters; and a name has no more lines. */
const LINE_EM = 15;
const MOST_LINES = 4;

/* Cold and falling: dots on the colour, so that they are no hot or rising ones in grey either. */
/** @param {string} colour @param {boolean} [pale] of ground that steps back behind the places: light dots @param {boolean} [sparse] of a weaker class: few dots */
export function dotted(colour, pale, sparse) {
  const c = document.createElement("canvas"), step = sparse ? 9 : 5;
  c.width = c.height = step;
  const g = /** @type {CanvasRenderingContext2D} */ (c.getContext("2d"));
  g.fillStyle = colour;
  g.fillRect(0, 0, step, step);
  g.fillStyle = pale ? "#6b8cbd" : "#23406e";
  g.beginPath();
  g.arc(step / 2, step / 2, pale ? 0.9 : 1.05, 0, 7);
  g.fill();
  return /** @type {CanvasPattern} */ (g.createPattern(c, "repeat"));
}

/** @param {string} colour */
export function hatch(colour) {
  const c = document.createElement("canvas");
  c.width = c.height = 8;
  const g = /** @type {CanvasRenderingContext2D} */ (c.getContext("2d"));
  g.fillStyle = colour;
  g.fillRect(0, 0, 8, 8);
  g.strokeStyle = "#4B5563";
  g.lineWidth = 1.3;
  g.beginPath();
  for (let i = -8; i <= 8; i += 8) { g.moveTo(i - 1, 9); g.lineTo(i + 9, -1); }
  g.stroke();
  return /** @type {CanvasPattern} */ (g.createPattern(c, "repeat"));
}

/** A name in so many lines as even as they can be: broken after a space or a comma, or between two letters of Chinese
 * where neither is near; null where that leaves a line empty.
 * @param {string} name @param {number} n @param {(text: string) => number} measure */
function broken(name, n, measure) {
  const parts = name.match(/[\u2e80-\u9fff\uff00-\uffef]|[^\s\u2e80-\u9fff\uff00-\uffef]+\s*|\s+/gu) || [];
  /** @type {string[]} */
  const lines = [];
  for (let from = 0, left = n; left; left--) {
    const even = measure(parts.slice(from).join("").trim()) / left;
    let to = parts.length, least = Infinity, line = "";
    for (let at = from + 1; left > 1 && at <= parts.length - left + 1; at++) {
      line += parts[at - 1];
      if (/^[)）、，。]/.test(parts[at]) || /[(（]\s*$/.test(line)) continue;
      const off = Math.abs(measure(line.trim()) - even) + (/[\s,，、/]$/.test(line) ? 0 : 0.35 * even);
      if (off < least) { least = off; to = at; }
    }
    lines.push(parts.slice(from, to).join("").trim());
    from = to;
  }
  return lines.every(Boolean) ? lines : null;
}

/** How a name may be written, the best first: whole in as few lines as `most` allows, or in more of them; then so
 * without what stands in brackets or after a comma.
 * @param {string} name @param {number} most width of a line @param {(text: string) => number} measure @returns {string[][]} */
export function wordings(name, most, measure) {
  /** @type {string[][]} */
  const out = [];
  for (const words of new Set([name, name.split(/\s*[（(]|, /)[0]])) {
    const width = measure(words), least = Math.ceil(width / most), last = Math.min(MOST_LINES, Math.max(least + (width > most / 3 ? 1 : 0), Math.floor(3 * width / most)));
    for (let n = least; n <= last; n++) {
      const lines = broken(words, n, measure);
      if (lines) out.push(lines);
    }
  }
  return out;
}

/** Where the numbers of places stand: in their middles, or beside an earlier one, or not free where there is no room.
 * @param {Array<[number, number]>} middles in pixels @param {number} size @param {boolean} ring */
export function spread(middles, size, ring) {
  /** @type {Array<[number, number]>} */
  const put = [];
  const apart = (ring ? 2.75 : 2.05) * size, own = (ring ? 1.95 : 1.35) * size;
  return middles.map(([x, y], i) => {
    const open = (/** @type {number} */ u, /** @type {number} */ v, /** @type {number} */ far) => put.every(([a, b]) => Math.hypot(a - u, b - v) > far);
    let u = x, v = y, free = open(x, y, own);
    for (let turn = 0; !free && turn < 24; turn++) {
      const angle = (turn % 8) * Math.PI / 4 - Math.PI / 2, far = ((ring ? 3 : 2.4) + 1.1 * Math.floor(turn / 8)) * size;
      u = x + far * Math.cos(angle);
      v = y + far * Math.sin(angle);
      free = open(u, v, apart);
    }
    if (free) put.push([u, v]);
    return { i, x: free ? u : x, y: free ? v : y, fx: x, fy: y, free };
  });
}

/** @param {import("./types").Gm} gm */
export function canvas(gm) {
  gm.Canvas = L.Layer.extend({
    /* paint: shapes, classes, codes() → class a row, only (rows), stroke {colour, width, halo}, fill, bare (codes that
       are left unfilled); or ranks() → the rows of each ranked place, to be numbered and nothing else, names() → what
       is written beside the numbers where it covers nothing, taken() → boxes on the screen that it must not cover */
    /** @param {Paint} paint @param {{ pane: string }} options */
    initialize: function (paint, options) {
      L.setOptions(this, options);
      this.paint = paint;
    },
    /** @param {any} map */
    onAdd: function (map) {
      this.map = map;
      this.node = document.createElement("canvas");
      this.node.className = "leaflet-zoom-animated gm-canvas";
      this.node.setAttribute("aria-hidden", "true");
      this.getPane().appendChild(this.node);
      this.paintNow();
    },
    onRemove: function () {
      this.dropPaper();
      this.node.remove();
      this.map = this.node = this.pixels = null;
    },
    getEvents: function () {
      return {
        moveend: this.paintNow, viewreset: this.paintNow, resize: this.paintNow, zoom: this.follow,
        zoomanim: function (/** @type {any} */ e) { this.place(e.center, e.zoom); }
      };
    },
    redraw: function () { if (this.map && this.node) this.paintNow(); return this; },
    follow: function () { this.place(this.map.getCenter(), this.map.getZoom()); },
    /* Where the finished picture lies while the map is on its way to another zoom. */
    /** @param {any} centre @param {number} zoom */
    place: function (centre, zoom) {
      if (!this.corner) return;
      const map = this.map, pane = L.DomUtil.getPosition(map.getPane("mapPane"));
      const origin = map.project(centre, zoom).subtract(map.getSize().divideBy(2)).add(pane).round();
      const at = map.project(this.corner, zoom).subtract(origin);
      L.DomUtil.setTransform(this.node, at, map.getZoomScale(zoom, this.zoom));
    },
    dropPaper: function () { if (this.paper) { this.paper.remove(); this.paper = null; this.node.hidden = false; } },
    paintNow: function () {
      const map = this.map;
      if (!map) return;
      const size = map.getSize(), min = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
      const whole = size.multiplyBy(1 + 2 * PADDING).round(), node = this.node;
      this.zoom = map.getZoom();
      this.corner = map.layerPointToLatLng(min);
      const dpr = Math.min(window.devicePixelRatio || 1, 2) * (gm.sharp || 1);
      L.DomUtil.setPosition(node, min);
      const w = Math.round(dpr * whole.x), h = Math.round(dpr * whole.y);
      if (node.width !== w || node.height !== h) { node.width = w; node.height = h; }
      node.style.width = whole.x + "px";
      node.style.height = whole.y + "px";
      this.dropPaper();
      const paper = gm.sharp > 1 && window.OffscreenCanvas ? new OffscreenCanvas(w, h) : null;
      const g = paper ? paper.getContext("2d", { willReadFrequently: true }) : node.getContext("2d");
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, w, h);
      g.scale(dpr, dpr);
      const origin = map.getPixelOrigin();
      this.draw(g, 256 * Math.pow(2, map.getZoom()), origin.x + min.x, origin.y + min.y, whole.x, whole.y);
      if (paper) this.handOver(paper, min);
    },
    /* For paper: painted aside and handed over as one picture. A browser that prints a canvas replays its strokes,
       and gives up, leaving it empty, when there are many of them and no frame has been shown since. */
    /** @param {OffscreenCanvas} paper @param {any} at */
    handOver: function (paper, at) {
      const picture = this.node.cloneNode(false);
      picture.getContext("bitmaprenderer").transferFromImageBitmap(paper.transferToImageBitmap());
      L.DomUtil.setPosition(picture, at);
      this.node.hidden = true;
      this.node.parentNode.append(picture);
      this.paper = picture;
    },

    /** @param {any} g @param {number} scale @param {number} ox @param {number} oy @param {number} width @param {number} height */
    draw: function (g, scale, ox, oy, width, height) {
      const p = this.paint, s = p.shapes, at = { g, s, scale, ox, oy };
      if (p.ranks) return this.numbers(at, p.ranks(), width, height);
      if (this.lookedUp(at, width, height)) return;
      const { by, px } = this.seen(at, width, height);
      if (s.points) return this.dots(at, by);
      const codes = Object.keys(by);
      if (p.fill !== false && s.closed) codes.forEach((code) => this.filled(at, by[code], p.classes[code], px));
      const stroke = p.stroke || (px > EDGE_PX ? { colour: "rgba(90,98,110,0.28)", width: 0.7 } : null);
      if (!stroke) return;
      g.lineJoin = g.lineCap = "round";
      g.globalAlpha = p.fades ? Math.max(0, Math.min(0.7, (px - 12) / 60)) : 1;   /* many small zones: a veil, not a net */
      const edged = p.stroke ? codes : codes.filter((code) => !p.classes[code]?.bare || px > 4 * EDGE_PX);
      if (g.globalAlpha) edged.forEach((code) => this.stroked(at, by[code], p.classes[code], stroke));
      g.globalAlpha = 1;
    },
    /* A theme of very many small cells, on the screen: pixels looked up, the view's rows found once. False where it is
       none, and is painted as any other. */
    /** @param {any} at @param {number} width @param {number} height */
    lookedUp: function (at, width, height) {
      const p = this.paint, s = at.s, node = this.node;
      if (!p.codes || p.only || p.stroke || !s.closed || s.n < MANY || gm.sharp > 1) return false;
      const view = [at.scale, at.ox, at.oy, node.width, node.height].join();
      if (!this.pixels || this.pixels.view !== view) {
        const box = s.box, x0 = at.ox / at.scale, y0 = at.oy / at.scale, x1 = (at.ox + width) / at.scale, y1 = (at.oy + height) / at.scale;
        const inView = (/** @type {number} */ r) => { const b = 4 * r; return box[b + 2] >= x0 && box[b] <= x1 && box[b + 3] >= y0 && box[b + 1] <= y1; };
        let seen = 0, extent = 0;
        for (let r = 0; r < s.n; r++) if (inView(r)) { seen++; extent += box[4 * r + 2] - box[4 * r]; }
        const px = seen ? extent / seen * at.scale : 0;
        this.pixels = { view, px, rows: null, image: null };
        if (seen >= MANY && px <= EDGE_PX) {
          const dpr = node.width / width;
          this.pixels.rows = rowsOfPixels(s, { scale: at.scale * dpr, ox: at.ox * dpr, oy: at.oy * dpr }, node.width, node.height, inView);
          this.pixels.image = new ImageData(node.width, node.height);
        }
      }
      const { rows, image, px } = this.pixels;
      if (!rows) return false;
      colourPixels(new Uint32Array(image.data.buffer), rows, p.codes(), p.classes, node.width, px >= 5);
      at.g.putImageData(image, 0, 0);
      return true;
    },
    /* The rows in view by class, and their mean width in pixels. */
    /** @param {any} at @param {number} width @param {number} height */
    seen: function (at, width, height) {
      const p = this.paint, s = at.s, box = s.box, scale = at.scale;
      const x0 = at.ox / scale, y0 = at.oy / scale, x1 = (at.ox + width) / scale, y1 = (at.oy + height) / scale;
      const codes = p.codes ? p.codes() : null, rows = p.only || null, n = rows ? rows.length : s.n;
      /** @type {Record<string, number[]>} */
      const by = {};
      let extent = 0, seen = 0;
      for (let i = 0; i < n; i++) {
        const r = rows ? rows[i] : i, b = 4 * r;
        if (!(box[b + 2] >= x0 && box[b] <= x1 && box[b + 3] >= y0 && box[b + 1] <= y1)) continue;
        const code = codes ? codes[r] : 0;
        if (code === 255) continue;
        (by[code] = by[code] || []).push(r);
        extent += box[b + 2] - box[b];
        seen++;
      }
      return { by, px: seen ? extent / seen * scale : 0 };
    },
    /** @param {any} at @param {number[]} rows @param {any} c @param {number} px */
    filled: function (at, rows, c, px) {
      if (!c || c.bare) return;
      at.g.fillStyle = c.hatch ? hatch(c.colour) : c.below && px >= 5 ? dotted(c.colour, c.colour === c.pale, c.sparse) : c.colour;
      if (px < 2.2) this.specks(at, rows);
      else this.paths(at, rows, () => at.g.fill());
    },
    /** @param {any} at @param {number[]} rows @param {any} c @param {any} stroke */
    stroked: function (at, rows, c, stroke) {
      const g = at.g;
      if (stroke.halo) {
        g.strokeStyle = stroke.halo;
        g.lineWidth = stroke.width + 2.6;
        this.paths(at, rows, () => g.stroke());
      }
      g.strokeStyle = stroke.colour || c.colour;
      g.lineWidth = stroke.width;
      if (stroke.colour || !c.bare) this.paths(at, rows, () => g.stroke());
    },
    /** @param {any} at @param {number[]} rows @param {() => void} finish */
    paths: function (at, rows, finish) {
      const g = at.g, s = at.s, xy = s.xy, k = at.scale, ox = at.ox, oy = at.oy, level = at.level;   /* outlines that are simplified by zoom */
      for (let i = 0; i < rows.length; i += BATCH) {
        g.beginPath();
        for (let j = i; j < Math.min(i + BATCH, rows.length); j++) {
          const r = rows[j];
          for (let p = s.row[r]; p < s.row[r + 1]; p++) {
            let v = s.ring[p];
            g.moveTo(xy[2 * v] * k - ox, xy[2 * v + 1] * k - oy);
            for (v++; v < s.ring[p + 1]; v++) if (!level || level[v] <= at.upto) g.lineTo(xy[2 * v] * k - ox, xy[2 * v + 1] * k - oy);
            if (s.closed) g.closePath();
          }
        }
        finish();
      }
    },
    /* Cells smaller than a pixel or two: squares of that size are all the eye can get. */
    /** @param {any} at @param {number[]} rows */
    specks: function (at, rows) {
      const box = at.s.box, k = at.scale;
      for (let i = 0; i < rows.length; i++) {
        const b = 4 * rows[i];
        at.g.fillRect(box[b] * k - at.ox, box[b + 1] * k - at.oy, Math.max(1, (box[b + 2] - box[b]) * k), Math.max(1, (box[b + 3] - box[b + 1]) * k));
      }
    },
    /** @param {any} at @param {Record<string, number[]>} by */
    dots: function (at, by) {
      const g = at.g, p = this.paint;
      Object.keys(by).forEach((code) => {
        g.fillStyle = p.classes[code].colour;
        by[code].forEach((r) => {
          const v = at.s.ring[at.s.row[r]];
          g.beginPath();
          g.arc(at.s.xy[2 * v] * at.scale - at.ox, at.s.xy[2 * v + 1] * at.scale - at.oy, 3.5, 0, 7);
          g.fill();
        });
      });
    },
    /* The numbers of the ranked table, each in the middle of its place; the first on top, those that would lie on an
       earlier one beside it at the end of a short line, or as small dots where there is no room. */
    /** @param {any} at @param {number[][]} places @param {number} width @param {number} height */
    numbers: function (at, places, width, height) {
      const ring = this.paint.ring, g = at.g, box = at.s.box, size = gm.markSize ? gm.markSize() : 10.5;
      const middles = places.map((rows) => {
        let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
        rows.forEach((r) => {
          x0 = Math.min(x0, box[4 * r]); y0 = Math.min(y0, box[4 * r + 1]);
          x1 = Math.max(x1, box[4 * r + 2]); y1 = Math.max(y1, box[4 * r + 3]);
        });
        return /** @type {[number, number]} */ ([(x0 + x1) / 2 * at.scale - at.ox, (y0 + y1) / 2 * at.scale - at.oy]);
      });
      const spots = spread(middles, size, Boolean(ring));
      this.marks = spots.filter((s) => s.free).map((s) => [s.x, s.y, 1.5 * size, 1.5 * size]);
      g.font = "700 " + Math.round(1.25 * size) + "px " + getComputedStyle(document.body).fontFamily;
      g.textAlign = "center";
      g.textBaseline = "middle";
      g.strokeStyle = "#1B2433";
      g.lineWidth = 1.6;
      spots.forEach(({ x, y, fx, fy }) => {
        if (x === fx && y === fy) return;
        g.beginPath();
        g.moveTo(fx, fy);
        g.lineTo(x, y);
        g.stroke();
      });
      spots.slice().reverse().forEach(({ i, x, y, free }) => {
        if (ring && free) {   /* a red ring, for the red of the place itself lies under its number */
          g.fillStyle = ring;
          g.beginPath();
          g.arc(x, y, size * 1.42, 0, 7);
          g.fill();
        }
        g.fillStyle = "#1B2433";
        g.beginPath();
        g.arc(x, y, free ? size : 3, 0, 7);
        g.fill();
        g.strokeStyle = "#fff";
        g.lineWidth = 1.8;
        g.stroke();
        g.fillStyle = "#fff";
        if (free) g.fillText(String(i + 1), x, y + 0.5);
      });
      if (this.paint.names) this.named(g, spots, size, width, height);
    },
    /* The name of each numbered place beside its number, where it lies on the map and over nothing: in as few lines as
       it needs, right, left, under or over the number, or at a corner of it; without what stands in brackets or after a
       comma, where only that has room. The boxes that the names take stay in `boxes`, each its middle and half its width
       and height. */
    /** @param {any} g @param {ReturnType<typeof spread>} spots @param {number} size @param {number} width @param {number} height */
    named: function (g, spots, size, width, height) {
      const u = size / 11, share = PADDING / (1 + 2 * PADDING), px = width * share, py = height * share, letter = 13 * u, gap = size * (this.paint.ring ? 1.6 : 1.25);
      const names = this.paint.names(), own = spots.filter((s) => s.free).map((s) => [s.x, s.y, gap - 1, gap - 1]);
      const screen = (this.paint.taken ? this.paint.taken() : []).map((/** @type {DOMRect} */ b) => [b.x + b.width / 2 + px, b.y + b.height / 2 + py, b.width / 2, b.height / 2]);
      const put = own.concat(screen, this.map.taken || []);
      this.boxes = [];
      g.font = "600 " + letter + "px " + getComputedStyle(document.body).fontFamily;
      g.lineJoin = "round";
      const measure = (/** @type {string} */ text) => g.measureText(text).width;
      spots.forEach(({ i, x, y, free }) => {
        const name = names[i] || "";
        if (!free || !name) return;
        for (const lines of wordings(name, LINE_EM * letter, measure)) {
          const half = Math.max(...lines.map(measure)) / 2 + 2, line = letter * 1.16, high = line * lines.length / 2 + letter * 0.04;
          const near = gap * 0.72, beside = [0, 0.5, -0.5, 1, -1].flatMap((turn) => [[x + gap + half, y + turn * gap], [x - gap - half, y + turn * gap]]);
          const at = beside.slice(0, 2).concat([[x, y + gap + high], [x, y - gap - high]], beside.slice(2),
            [[x + near + half, y + near + high], [x - near - half, y + near + high], [x + near + half, y - near - high], [x - near - half, y - near - high]]).find(([a, b]) =>
            a - half > px && a + half < width - px && b - high > py && b + high < height - py && !put.some(([p, q, w, h]) => Math.abs(p - a) < w + half && Math.abs(q - b) < h + high));
          if (!at) continue;
          put.push([at[0], at[1], half, high]);
          this.boxes.push([at[0], at[1], half, high]);
          g.lineWidth = 4 * u;
          g.strokeStyle = "rgba(255,255,255,0.92)";
          g.fillStyle = "#1B2433";
          g.textAlign = at[0] - half > x ? "left" : at[0] + half < x ? "right" : "center";   /* lines begin at the number, or end there */
          const from = at[0] + (g.textAlign === "left" ? 2 - half : g.textAlign === "right" ? half - 2 : 0);
          const each = (/** @type {(text: string, y: number) => void} */ write) => lines.forEach((text, k) => write(text, at[1] + (k - (lines.length - 1) / 2) * line));
          each((text, v) => g.strokeText(text, from, v));
          each((text, v) => g.fillText(text, from, v));
          g.textAlign = "center";
          return;
        }
      });
    }
  });
}
