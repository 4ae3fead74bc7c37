/* A Leaflet layer that paints shapes on one canvas: ten shapes or two hundred thousand. Panning moves the finished
   picture; it is painted anew when the map comes to rest. Fills go in short paths of one colour, which software
   rendering does many times faster than one path a shape or one path for all. */
(function (gm) {
  "use strict";
  const BATCH = 16;

  gm.hatch = function (colour) {
    const c = document.createElement("canvas");
    c.width = c.height = 8;
    const g = c.getContext("2d");
    g.fillStyle = colour;
    g.fillRect(0, 0, 8, 8);
    g.strokeStyle = "#4B5563";
    g.lineWidth = 1.3;
    g.beginPath();
    for (let i = -8; i <= 8; i += 8) { g.moveTo(i - 1, 9); g.lineTo(i + 9, -1); }
    g.stroke();
    return g.createPattern(c, "repeat");
  };

  gm.Canvas = L.Renderer.extend({
    options: { padding: 0.2, pane: "overlayPane" },
    /* paint: shapes, classes, codes() → class a row, only (rows), stroke {colour, width, halo}, fill;
       or ranks() → the rows of each ranked place, to be numbered and nothing else */
    initialize: function (paint, options) {
      L.setOptions(this, options);
      this.paint = paint;
      L.stamp(this);
      this._layers = {};
    },
    onAdd: function () {
      this._container = document.createElement("canvas");
      this._container.className = "leaflet-zoom-animated gm-canvas";
      this._container.setAttribute("aria-hidden", "true");
      this.getPane().appendChild(this._container);
      this._update();
    },
    onRemove: function () {
      if (this._paper) { this._paper.remove(); this._paper = null; }
      this._container.remove();
      this._container = null;
    },
    redraw: function () { if (this._map && this._container) this._update(); return this; },
    _update: function () {
      const map = this._map;
      if (!map || (map._animatingZoom && this._bounds)) return;
      L.Renderer.prototype._update.call(this);
      const canvas = this._container, min = this._bounds.min, size = this._bounds.getSize();
      const dpr = Math.min(window.devicePixelRatio || 1, 2) * (gm.sharp || 1);
      L.DomUtil.setPosition(canvas, min);
      const w = Math.round(dpr * size.x), h = Math.round(dpr * size.y);
      if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
      canvas.style.width = size.x + "px";
      canvas.style.height = size.y + "px";
      const seen = canvas.getContext("2d"), origin = map.getPixelOrigin();
      if (this._paper) { this._paper.remove(); this._paper = null; canvas.hidden = false; }
      const paper = gm.sharp > 1 && window.OffscreenCanvas ? new OffscreenCanvas(w, h) : null;
      const g = paper ? paper.getContext("2d", { willReadFrequently: true }) : seen;
      g.setTransform(1, 0, 0, 1, 0, 0);
      g.clearRect(0, 0, w, h);
      g.scale(dpr, dpr);
      this._draw(g, 256 * Math.pow(2, map.getZoom()), origin.x + min.x, origin.y + min.y, size.x, size.y);
      if (paper) this._handOver(paper, canvas, min);
    },
    /* For paper: painted aside and handed over as one picture. A browser that prints a canvas replays its strokes,
       and gives up, leaving it empty, when there are many of them and no frame has been shown since. */
    _handOver: function (paper, canvas, at) {
      const picture = canvas.cloneNode(false);
      picture.getContext("bitmaprenderer").transferFromImageBitmap(paper.transferToImageBitmap());
      L.DomUtil.setPosition(picture, at);
      canvas.hidden = true;
      canvas.parentNode.append(picture);
      this._paper = picture;
    },

    _draw: function (g, scale, ox, oy, width, height) {
      const p = this.paint, s = p.shapes, box = s.box;
      const x0 = ox / scale, y0 = oy / scale, x1 = (ox + width) / scale, y1 = (oy + height) / scale;
      const codes = p.codes ? p.codes() : null, rows = p.only || null, n = rows ? rows.length : s.n;
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
      const px = seen ? extent / seen * scale : 0;
      const at = { g: g, s: s, scale: scale, ox: ox, oy: oy };
      if (p.ranks) return this._numbers(at, p.ranks());
      if (s.points) return this._points(at, by);
      Object.keys(by).forEach(function (code) {
        const c = p.classes[code];
        if (!c) return;
        if (p.fill !== false && s.closed) {
          g.fillStyle = c.hatch ? gm.hatch(c.colour) : c.colour;
          if (px < 2.2) this._specks(at, by[code]);
          else this._paths(at, by[code], function () { g.fill(); });
        }
      }, this);
      const stroke = p.stroke || (px > 7 ? { colour: "rgba(90,98,110,0.32)", width: 0.7 } : null);
      if (!stroke) return;
      g.lineJoin = g.lineCap = "round";
      g.globalAlpha = p.fades ? Math.max(0.25, Math.min(0.8, px / 60)) : 1;   /* many small zones: a veil, not a net */
      Object.keys(by).forEach(function (code) {
        if (stroke.halo) {
          g.strokeStyle = stroke.halo;
          g.lineWidth = stroke.width + 2.6;
          this._paths(at, by[code], function () { g.stroke(); });
        }
        g.strokeStyle = stroke.colour || p.classes[code].colour;
        g.lineWidth = stroke.width;
        this._paths(at, by[code], function () { g.stroke(); });
      }, this);
      g.globalAlpha = 1;
    },
    _paths: function (at, rows, finish) {
      const g = at.g, s = at.s, xy = s.xy, k = at.scale, ox = at.ox, oy = at.oy;
      for (let i = 0; i < rows.length; i += BATCH) {
        g.beginPath();
        for (let j = i; j < Math.min(i + BATCH, rows.length); j++) {
          const r = rows[j];
          for (let p = s.row[r]; p < s.row[r + 1]; p++) {
            let v = s.ring[p];
            g.moveTo(xy[2 * v] * k - ox, xy[2 * v + 1] * k - oy);
            for (v++; v < s.ring[p + 1]; v++) g.lineTo(xy[2 * v] * k - ox, xy[2 * v + 1] * k - oy);
            if (s.closed) g.closePath();
          }
        }
        finish();
      }
    },
    /* Cells smaller than a pixel or two: squares of that size are all the eye can get. */
    _specks: function (at, rows) {
      const box = at.s.box, k = at.scale;
      for (let i = 0; i < rows.length; i++) {
        const b = 4 * rows[i];
        at.g.fillRect(box[b] * k - at.ox, box[b + 1] * k - at.oy, Math.max(1, (box[b + 2] - box[b]) * k), Math.max(1, (box[b + 3] - box[b + 1]) * k));
      }
    },
    _points: function (at, by) {
      const g = at.g, p = this.paint;
      Object.keys(by).forEach(function (code) {
        g.fillStyle = p.classes[code].colour;
        by[code].forEach(function (r) {
          const v = at.s.ring[at.s.row[r]];
          g.beginPath();
          g.arc(at.s.xy[2 * v] * at.scale - at.ox, at.s.xy[2 * v + 1] * at.scale - at.oy, 3.5, 0, 7);
          g.fill();
        });
      });
    },
    /* The numbers of the ranked table, each in the middle of its place; the first on top. */
    _numbers: function (at, places) {
      const g = at.g, box = at.s.box;
      g.font = "600 13px " + getComputedStyle(document.body).fontFamily;
      g.textAlign = "center";
      g.textBaseline = "middle";
      for (let i = places.length - 1; i >= 0; i--) {
        let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
        places[i].forEach(function (r) {
          x0 = Math.min(x0, box[4 * r]); y0 = Math.min(y0, box[4 * r + 1]);
          x1 = Math.max(x1, box[4 * r + 2]); y1 = Math.max(y1, box[4 * r + 3]);
        });
        const x = (x0 + x1) / 2 * at.scale - at.ox, y = (y0 + y1) / 2 * at.scale - at.oy;
        g.fillStyle = "#1F2A44";
        g.beginPath();
        g.arc(x, y, 10.5, 0, 7);
        g.fill();
        g.strokeStyle = "#fff";
        g.lineWidth = 1.5;
        g.stroke();
        g.fillStyle = "#fff";
        g.fillText(String(i + 1), x, y + 1);
      }
    }
  });
})(gridmap);
