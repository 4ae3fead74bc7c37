/* Compare: two themes, or two periods of one, left and right of a handle. Key C. */
/** @param {import("./types").Gm} gm */
export function compare(gm) {
  const el = gm.el;
  gm.part(function () {
    let right = null, share = 0.5;
    const handle = el("div", { id: "gm-swipe", role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, el("span", { "aria-hidden": "true", text: "◂ ▸" }));
    const pick = el("div", { id: "gm-compare", hidden: true }), select = el("select", {}), leftName = el("span", { class: "gm-left", dir: "auto" });
    const close = el("button", { type: "button", text: "×", onclick: function () { stop(); } });
    pick.append(leftName, el("span", { text: "⇆", "aria-hidden": "true" }), select, close);
    gm.parts.stage.append(handle, pick);
    L.DomEvent.disableClickPropagation(handle);
    L.DomEvent.disableClickPropagation(pick);

    function options() {
      const out = [];
      gm.themes.forEach(function (l) {
        if (l.id !== gm.state.theme) out.push({ key: l.id, name: gm.text(l.name) });
      });
      const now = gm.theme();
      if (now && now.frames && !now.clock) now.frames.periods.forEach(function (p, i) { out.push({ key: now.id + "@" + i, name: gm.period(p, now.frames.every) }); });
      return out;
    }
    gm.canCompare = function () { return options().length > 0; };
    function twin(key) {
      const parts = key.split("@"), of = gm.byId(parts[0]);
      if (parts.length === 1) return of;
      const codes = of.codesOfPeriod(+parts[1]);
      const copy = Object.assign({}, of, { id: of.id + "x", canvas: null, codesNow: function () { return codes; }, amountNow: null, shapes: of.shapes, image: null });
      return copy;
    }
    function clip() {
      const map = gm.map, size = map.getSize(), x = size.x * share;
      const nw = map.containerPointToLayerPoint([0, 0]), se = map.containerPointToLayerPoint(size), cut = map.containerPointToLayerPoint([x, 0]).x;
      const box = function (a, b) { return "polygon(" + [[a, nw.y], [b, nw.y], [b, se.y], [a, se.y]].map(function (p) { return p[0] + "px " + p[1] + "px"; }).join() + ")"; };
      handle.style.left = x + "px";
      handle.setAttribute("aria-valuenow", String(Math.round(100 * share)));
      if (gm.theme()) map.getPane("gm-" + gm.theme().id).style.clipPath = right ? box(nw.x, cut) : "";
      if (right) map.getPane("gm-" + right.id).style.clipPath = box(cut, se.x);
    }
    function unclip() { gm.layers.forEach(function (l) { const p = gm.map.getPane("gm-" + l.id); if (p) p.style.clipPath = ""; }); }
    function show(key) {
      if (right) gm.map.removeLayer(right.canvas);
      unclip();
      right = twin(key);
      gm.canvasOf(right).addTo(gm.map);
      gm.state.compare = key.split("@")[0] === gm.state.theme ? null : key;
      gm.comparing = key;
      clip();
      gm.emit("compare", key);
    }
    gm.compare = function (key) {
      const list = options();
      if (!list.length) return;
      if (key === undefined && right) return stop();
      const wanted = list.find(function (o) { return o.key === key; }) || list[0];
      handle.hidden = pick.hidden = false;
      say();
      select.value = wanted.key;
      show(wanted.key);
    };
    function stop() {
      if (right) gm.map.removeLayer(right.canvas);
      right = null;
      gm.state.compare = gm.comparing = null;
      unclip();
      handle.hidden = pick.hidden = true;
      gm.emit("compare", null);
    }
    function say() {
      const value = select.value;
      leftName.textContent = gm.theme() ? gm.text(gm.theme().name) + (gm.theme().frames && gm.state.frame !== null ? " · " + gm.period(gm.theme().frames.periods[gm.state.frame], gm.theme().frames.every) : "") : "";
      gm.put(gm.clear(select), options().map(function (o) { return el("option", { value: o.key, text: o.name }); }));
      if (value) select.value = value;
      select.setAttribute("aria-label", gm.t("compare_with"));
      handle.setAttribute("aria-label", gm.t("compare"));
      close.setAttribute("aria-label", gm.t("close"));
    }
    select.addEventListener("change", function () { show(select.value); });
    handle.addEventListener("pointerdown", function (e) { handle.setPointerCapture(e.pointerId); handle.dataset.held = "1"; e.preventDefault(); });
    handle.addEventListener("pointermove", function (e) {
      if (!handle.dataset.held) return;
      const box = gm.map.getContainer().getBoundingClientRect();
      share = Math.max(0.02, Math.min(0.98, (e.clientX - box.left) / box.width));
      clip();
    });
    handle.addEventListener("pointerup", function () { delete handle.dataset.held; });
    handle.addEventListener("keydown", function (e) {
      const step = { ArrowLeft: -0.05, ArrowRight: 0.05 }[e.key];
      if (!step) return;
      share = Math.max(0.02, Math.min(0.98, share + step));
      clip();
      e.stopPropagation();
      e.preventDefault();
    });
    gm.map.on("move zoom resize viewreset moveend zoomend", function () { if (right) clip(); });
    document.addEventListener("keydown", function (e) { if (e.key === "Escape" && right && !gm.busy) stop(); });
    gm.on("theme", function () { if (right) stop(); });
    gm.on("frame", function () { if (right) say(); });
    gm.on("language", say);
    document.addEventListener("keydown", function (e) { if ((e.key === "c" || e.key === "C") && !gm.typing(e) && !gm.busy) gm.compare(); });
  });
}
