/* Patrols on the map: ways, numbered stops that light up in their time window, units that move; and the same in words. */
import { latOf, lonOf } from "./decode.js";

/** @param {import("./types").Gm} gm */
export function patrols(gm) {
  const el = gm.el;
  if (!gm.patrols.length) return;
  const shown = function () { return gm.patrols.filter(function (l) { return l.show && l.onShift(); }); };
  const px = function (xy, at) { return [xy[0] * at.scale - at.ox, xy[1] * at.scale - at.oy]; };
  let woken = false, opened = false;   /* until the clock of the patrols is used, or their tab, they leave the numbers of the places to be read */
  const quiet = function () { return !woken && gm.state.tab !== "patrols"; };
  gm.patrolsAtWork = function () { return !quiet(); };   /* their times stand on the map then, and names of places would cover them */
  const whole = function () { return gm.state.second === null || quiet() || document.body.classList.contains("gm-print"); };
  const window_ = function (stop) { const s = gm.shiftNow(); return gm.clockTime(s.start, stop.from) + "–" + gm.clockTime(s.start, stop.to); };
  gm.unitsAtStops = function (t) { return gm.patrols.filter(function (l) { const s = l.onShift(); return s && s.stops.some(function (x) { return x.from <= t && t < x.to; }); }).length; };

  function path(g, points, at) {
    g.beginPath();
    points.forEach(function (xy, i) { const p = px(xy, at); if (i) g.lineTo(p[0], p[1]); else g.moveTo(p[0], p[1]); });
    g.stroke();
  }
  function pill(g, x, y, text, fill, ink, edge, size) {
    g.font = "600 " + size + "px " + getComputedStyle(document.body).fontFamily;
    const h = size + 7, w = Math.max(h, g.measureText(text).width + 10);
    g.beginPath();
    if (g.roundRect) g.roundRect(x - w / 2, y - h / 2, w, h, h / 2); else g.rect(x - w / 2, y - h / 2, w, h);
    g.fillStyle = fill; g.fill();
    g.lineWidth = 2; g.strokeStyle = edge; g.stroke();
    g.fillStyle = ink; g.textAlign = "center"; g.textBaseline = "middle";
    g.fillText(text, x, y + 1);
  }

  /* Stops at one place by one unit are one mark; several units at one place stand below each other. */
  function marks(layer) {
    const s = layer.onShift(), by = new Map(), t = gm.state.second;
    s.stops.forEach(function (stop) {
      const xy = gm.patrolCorner(layer.shapes(), stop.r, 0), key = xy.join();
      if (!by.has(key)) by.set(key, { xy: xy, key: key, stops: [] });
      by.get(key).stops.push(stop);
    });
    return Array.from(by.values()).map(function (m) {
      m.text = m.stops.map(function (x) { return x.order; }).join(", ");
      m.now = whole() ? null : m.stops.find(gm.patrolLit) || null;
      m.done = !whole() && m.stops.every(function (x) { return x.to <= t; });
      m.place = gm.patrols.filter(function (l) { return l.number < layer.number && l.show && l.onShift() && l.onShift().stops.some(function (x) { return gm.patrolCorner(l.shapes(), x.r, 0).join() === m.key; }); }).length;
      return m;
    });
  }

  gm.PatrolCanvas = gm.Canvas.extend({
    draw: function (g, scale, ox, oy) {
      const layer = this.paint.layer, s = layer.onShift(), at = { scale: scale, ox: ox, oy: oy }, t = gm.state.second;
      if (!s) return;
      g.lineJoin = g.lineCap = "round";
      /* While a shift is played, what is near in time stands out: the way behind fades, of what is to come the next leg. */
      const next = whole() ? null : s.legs.find(function (l) { return l.from > t; });
      s.legs.forEach(function (leg) {
        if (!whole() && leg.from > t && leg !== next) return;
        const way = gm.patrolWay(layer, leg, 1), recent = whole() || t - leg.to < 1800;
        g.globalAlpha = recent ? 0.95 : 0.4;
        g.strokeStyle = "#fff"; g.lineWidth = 5;
        path(g, way, at);
        g.strokeStyle = layer.colour; g.lineWidth = recent ? 2.6 : 1.6;
        g.setLineDash(whole() || leg.to <= t ? [] : [6, 5]);
        path(g, way, at);
        g.setLineDash([]);
      });
      g.globalAlpha = 1;
      const all = marks(layer), box = layer.shapes().box, coming = whole() ? null : s.stops.find(function (x) { return x.from > t; });
      let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
      s.stops.forEach(function (x) { x0 = Math.min(x0, box[4 * x.r]); x1 = Math.max(x1, box[4 * x.r]); y0 = Math.min(y0, box[4 * x.r + 1]); y1 = Math.max(y1, box[4 * x.r + 1]); });
      const apart = Math.sqrt((x1 - x0) * (y1 - y0) / all.length) * scale, paper = document.body.classList.contains("gm-print");
      const small = (quiet() && !paper) || (all.length > 1 && apart < (whole() ? 24 : 110));   /* far out, and beside the numbers of places: dots */
      all.forEach(function (m) {
        const p = px(m.xy, at), y = p[1] + (small ? 7 : 20) * m.place;
        if (m.now) return;                       /* drawn on top, with the units */
        if (coming && m.stops.indexOf(coming) >= 0) return pill(g, p[0], y, String(coming.order), "#fff", "#1b2433", layer.colour, 12);
        if (small) {
          g.beginPath(); g.arc(p[0], y, m.done ? 3.5 : 4.5, 0, 7);
          g.fillStyle = m.done ? "#d5dae1" : whole() ? layer.colour : "#fff"; g.fill();
          g.lineWidth = 1.7; g.strokeStyle = m.done ? "#8a94a3" : layer.colour; g.stroke();
        } else if (whole()) pill(g, p[0], y, m.text, layer.colour, "#fff", "#fff", 12);
        else if (m.done) pill(g, p[0], y, m.text, "#e5e8ee", "#4a5568", "#8a94a3", 12);
        else pill(g, p[0], y, m.text, "#fff", "#1b2433", layer.colour, 12);
      });
    }
  });
  /* The units themselves, on a canvas of their own, so that a frame of the play paints little. */
  gm.UnitCanvas = gm.Canvas.extend({
    draw: function (g, scale, ox, oy) {
      if (whole()) return;
      const at = { scale: scale, ox: ox, oy: oy }, t = this.paint.second === null ? gm.state.second : this.paint.second;
      const font = getComputedStyle(document.body).fontFamily;
      /** @type {Array<[number, number, number]>} */
      const written = [];
      shown().forEach(function (layer) {
        const here = gm.patrolAt(layer, t), p = px(here.xy, at);
        g.lineJoin = g.lineCap = "round";
        if (here.trail) { g.strokeStyle = layer.colour; g.lineWidth = 4; path(g, here.trail, at); }
        if (here.doing === "stop") {               /* the stop lights up, with its number and its time window */
          const q = px(gm.patrolCorner(layer.shapes(), here.row.r, 0), at);
          g.globalAlpha = 0.28; g.fillStyle = layer.colour;
          g.beginPath(); g.arc(q[0], q[1], 24, 0, 7); g.fill();
          g.globalAlpha = 1;
          pill(g, q[0], q[1], String(here.row.order), layer.colour, "#fff", "#fff", 14);
          g.font = "600 14px " + font;
          g.textAlign = "left"; g.textBaseline = "middle"; g.lineWidth = 5; g.strokeStyle = "rgba(255,255,255,0.94)";
          const text = window_(here.row), long = g.measureText(text).width;
          const y = [0, 19, -19, 38].map(function (d) { return q[1] + 1 + d; }).find(function (y) { return written.every(function (w) { return Math.abs(w[1] - y) > 17 || q[0] + 27 > w[0] + w[2] + 4 || w[0] > q[0] + 31 + long; }); });
          if (y !== undefined) {   /* two windows never lie on each other; the panel has all of them */
            written.push([q[0] + 27, y, long]);
            g.strokeText(text, q[0] + 27, y);
            g.fillStyle = "#1b2433"; g.fillText(text, q[0] + 27, y);
          }
        }
        g.globalAlpha = here.doing === "off" ? 0.5 : 1;
        const y = p[1] - (here.doing === "stop" ? 26 : 0);   /* beside the stop, not on its number */
        g.beginPath();
        g.arc(p[0], y, 12, 0, 7);
        g.fillStyle = "#fff"; g.fill();
        g.lineWidth = 4; g.strokeStyle = layer.colour; g.stroke();
        g.font = "700 14px " + font;
        g.fillStyle = "#1b2433"; g.textAlign = "center"; g.textBaseline = "middle";
        g.fillText(String(layer.number), p[0], y + 1);
        g.globalAlpha = 1;
      });
    }
  });

  gm.part(function () {
    const pane = gm.map.createPane("gm-units");
    pane.style.zIndex = 640;
    pane.style.pointerEvents = "none";
    const anything = gm.patrols[0].shapes(), paint = { shapes: anything, second: null }, units = new gm.UnitCanvas(paint, { pane: "gm-units" });
    gm.patrolMove = function (second) { woken = true; paint.second = second; units.redraw(); };
    gm.patrolTime = function (shift, second) {
      const other = gm.state.shift !== shift, before = quiet();
      if (opened && second !== null) woken = true;
      if (before !== quiet()) { gm.legend(); gm.emit("names"); }
      gm.state.shift = shift;
      gm.state.second = second;
      paint.second = null;
      gm.patrols.forEach(function (l) { if (l.canvas) l.canvas.redraw(); });
      units.redraw();
      if (other) fill(); else mark();
      gm.emit("shift", shift);
    };

    const body = gm.addTab("patrols", "tab_patrols"), sheet = el("section", { id: "gm-patrol-sheet" });
    document.body.append(sheet);
    let entries = [];
    function doing(layer) {
      const s = gm.shiftNow(), here = gm.state.second === null ? null : gm.patrolAt(layer, gm.state.second);
      if (!here) return "";
      const until = gm.clockTime(s.start, here.until), place = here.row ? here.row.order + " " + here.row.place : "";
      if (here.doing === "stop") return gm.t("unit_at", { place: place, until: until });
      if (here.doing === "way") return here.row ? gm.t("unit_to", { place: place, until: until }) : gm.t("unit_home", { until: until });
      if (here.doing === "wait") return here.row ? gm.t("unit_waits", { place: place, until: until }) : "";
      return gm.t(here.doing === "pause" ? "unit_pauses" : "unit_off", { until: until });
    }
    function fly(layer, stop) {
      gm.timeOf("shift" + gm.state.shift);
      gm.periodGo(Math.ceil(stop.from / gm.shiftNow().step));
      const c = gm.patrolCorner(layer.shapes(), stop.r, 0);
      const lat = latOf(c[1]), lon = lonOf(c[0]);
      gm.flyTo(L.latLngBounds([[lat - 0.002, lon - 0.003], [lat + 0.002, lon + 0.003]]));
    }
    function fill() {
      const s = gm.shiftNow(), notes = gm.patrols[0].patrol.notes[gm.state.language] || gm.patrols[0].patrol.notes.en;
      entries = [];
      gm.clear(body);
      gm.clear(sheet).setAttribute("aria-label", gm.t("tab_patrols"));
      body.append(el("p", { class: "gm-of", text: gm.t("shift_of", { shift: s.shift }) + " · " + s.start + "–" + gm.clockTime(s.start, s.seconds) }));
      sheet.append(el("h2", { text: gm.t("tab_patrols") + " · " + gm.t("shift_of", { shift: s.shift }) + " · " + s.start + "–" + gm.clockTime(s.start, s.seconds) }));
      gm.patrols.forEach(function (layer) {
        const mine = layer.onShift();
        if (!mine) return;
        const head = function () { return el("h3", {}, el("span", { class: "gm-unit-number", style: { borderColor: layer.colour }, text: layer.number }), el("span", { dir: "auto", text: gm.text(layer.name) })); };
        const state = el("p", { class: "gm-doing", dir: "auto" }), list = el("ol", { class: "gm-stops" }), paper = el("ol");
        mine.stops.forEach(function (stop) {
          const row = el("button", { type: "button", onclick: function () { fly(layer, stop); } }, el("span", { class: "gm-rank", text: stop.order }), el("span", { class: "gm-stop-time", text: window_(stop) }), el("span", { dir: "auto", text: stop.place }));
          entries.push({ row: row, stop: stop });
          list.append(el("li", {}, row));
          paper.append(el("li", { value: stop.order }, window_(stop) + " ", el("span", { dir: "auto", text: stop.place })));
        });
        body.append(head(), state, list);
        entries.push({ state: state, layer: layer });
        sheet.append(el("div", {}, head(), paper));
      });
      if (notes.length) {
        const said = function () { return [el("h3", { text: gm.t("notes") }), el("ul", {}, notes.map(function (n) { return el("li", { dir: "auto", text: n }); }))]; };
        gm.put(body, said());
        sheet.append(gm.put(el("div"), said()));
      }
      mark();
    }
    function mark() {
      const t = gm.state.second;
      entries.forEach(function (e) {
        if (e.state) { e.state.textContent = doing(e.layer); return; }
        const lit = t !== null && gm.patrolLit(e.stop);
        e.row.setAttribute("aria-current", lit ? "step" : "false");
        e.row.classList.toggle("gm-done", t !== null && e.stop.to <= t);
      });
    }
    /* What the marks mean, under the theme's legend. */
    gm.on("legend", function (legend) {
      const mark = function (cls, word) { return el("li", {}, el("span", { class: "gm-stop-mark " + cls }), gm.t(word)); };
      legend.append(el("h2", { text: gm.t("tab_patrols") }), el("ul", { class: "gm-units" + (quiet() ? "" : " gm-on-paper") }, shown().map(function (l) { return el("li", {}, el("b", { class: "gm-unit-number", style: { borderColor: l.colour }, text: l.number }), el("span", { dir: "auto", text: gm.text(l.name) })); })),
        quiet() ? "" : el("ul", { class: "gm-on-screen" }, mark("", "stop_to_come"), mark("gm-lit", "stop_now"), mark("gm-past", "stop_done")));
    });
    gm.on("ready", function () { units.addTo(gm.map); fill(); if (!gm.themes.length) gm.openTab("patrols"); setTimeout(function () { opened = true; }, 0); });
    gm.on("tab", function () { if (!opened) return; gm.patrols.forEach(function (l) { if (l.canvas) l.canvas.redraw(); }); units.redraw(); gm.legend(); gm.emit("names"); });
    gm.on("language", fill);
    gm.on("overlays", function () { gm.patrols.forEach(function (l) { if (l.canvas && gm.map.hasLayer(l.canvas)) l.canvas.redraw(); }); units.redraw(); gm.legend(); });
  });
}
