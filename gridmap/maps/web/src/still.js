/* Where no canvas can be painted, or the page cannot start, the reader sees what stands in <noscript>: the still picture
   of the first theme, the answers and the first places. It was written, and escaped, by Python. */

/** @param {import("./types").Gm} gm */
export function still(gm) {
  const start = gm.start;
  function show() {
    const written = document.querySelector("noscript");
    if (!written) return;
    const read = new DOMParser().parseFromString(written.textContent || "", "text/html"), main = document.createElement("main");
    main.id = "gm-still";
    main.append(...Array.from(read.body.childNodes));
    document.body.className = "";
    document.body.replaceChildren(main);
    document.body.dataset.ready = "still";
  }
  gm.start = (map) => {
    if (!document.createElement("canvas").getContext("2d")) return show();
    try { start(map); }
    catch (error) { console.error(error); show(); }
  };
}
