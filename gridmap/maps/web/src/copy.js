/* Copying text, also where the clipboard's own door is shut (file://, frames). */
/** @param {import("./types").Gm} gm */
export function copy(gm) {
  gm.copy = function (text, button) {
    const said = function () { if (!button) return; const before = button.textContent; button.textContent = gm.t("copied"); setTimeout(function () { button.textContent = before; }, 1500); };
    const old = function () {
      const area = gm.el("textarea", { style: { position: "fixed", opacity: 0 } });
      area.value = text;
      document.body.append(area);
      area.select();
      try { document.execCommand("copy"); } finally { area.remove(); }
      said();
    };
    if (navigator.clipboard && navigator.clipboard.writeText) navigator.clipboard.writeText(text).then(said, old); else old();
  };
}
