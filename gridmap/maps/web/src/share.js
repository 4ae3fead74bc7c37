/* The view as a fragment of the address: layer, place, period, overlays, language. Copy it, and the other person sees the same. */
/** @param {import("./types").Gm} gm */
export function share(gm) {
  gm.view = function () {
    const c = gm.map.getCenter(), s = gm.state, parts = ["m=" + [c.lat.toFixed(5), c.lng.toFixed(5), gm.map.getZoom().toFixed(2)].join("/")];
    if (s.theme) parts.push("l=" + s.theme);
    parts.push("o=" + gm.overlays.filter(function (l) { return l.show; }).map(function (l) { return l.id; }).join("."));
    if (s.frame !== null) parts.push("t=" + s.frame);
    const shift = gm.shiftNow && gm.state.second !== null ? gm.shiftNow() : null;
    if (shift) parts.push("w=" + shift.shift + "." + shift.at);
    if (s.selected) parts.push("s=" + s.selected.layer + "." + s.selected.index);
    if (gm.comparing) parts.push("c=" + encodeURIComponent(gm.comparing));
    parts.push("g=" + s.language);
    return parts.join("&");
  };
  /* Only what the page knows is taken from a fragment; anything else in it is passed over. */
  /** @param {Record<string, string>} wanted */
  function shown(wanted) {
    if (gm.languages.some((l) => l.tag === wanted.g) && wanted.g !== gm.state.language) gm.setLanguage(wanted.g);
    if (gm.themes.some((l) => l.id === wanted.l)) gm.showTheme(wanted.l);
    if (wanted.o !== undefined) gm.overlays.forEach((l) => { const on = wanted.o.split(".").includes(l.id); if (on !== l.show) gm.showOverlay(l, on); });
    if (/^\d+$/.test(wanted.t || "") && gm.state.frame !== null) gm.periodGo(+wanted.t);
  }
  /** @param {Record<string, string>} wanted */
  function chosen(wanted) {
    const at = /^(\d+)\.(\d+)$/.exec(wanted.w || "");
    if (at && gm.shifts.some((x) => String(x.shift) === at[1])) { gm.timeOf("shift" + at[1]); gm.periodGo(+at[2]); }
    const s = (wanted.s || "").split("."), layer = gm.byId(s[0]);
    if (layer && layer.ranked[+s[1]]) gm.select(layer, +s[1], false);
    if (!wanted.c) return;
    let key = "";
    try { key = decodeURIComponent(wanted.c); } catch { key = ""; }
    if (key) gm.compare(key);
  }
  gm.setView = (fragment) => {
    /** @type {Record<string, string>} */
    const wanted = {};
    fragment.replace(/^#/, "").split("&").forEach((p) => { const i = p.indexOf("="); if (i > 0) wanted[p.slice(0, i)] = p.slice(i + 1); });
    shown(wanted);
    chosen(wanted);
    gm.map.invalidateSize({ animate: false, pan: false });   /* theme and language may have given the map another size */
    const m = (wanted.m || "").split("/").map(Number);
    if (m.length === 3 && m.every(isFinite) && Math.abs(m[0]) <= 85 && Math.abs(m[1]) <= 540 && m[2] >= 0 && m[2] <= 19) gm.map.setView([m[0], m[1]], m[2], { animate: false, reset: true });   /* to the point; without reset by whole pixels */
    gm.emit("overlays");
  };
  gm.share = function (button) {
    try { history.replaceState(null, "", "#" + gm.view()); } catch { /* inside a notebook there is no address to change */ }
    gm.copy(/^https?:$/.test(location.protocol) ? location.href : "#" + gm.view(), button);   /* a path of this machine helps nobody else */
  };
  gm.part(function () {
    gm.on("placed", function () { if (location.hash.length > 1) gm.setView(location.hash); });
    window.addEventListener("hashchange", function () { gm.setView(location.hash); });
  });
}
