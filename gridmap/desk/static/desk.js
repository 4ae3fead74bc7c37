/* The desk without htmx works by forms and links; this adds progress of an upload, dropping of files, colours of the map. */
(function () {
  "use strict";
  const lost = document.getElementById("lost");
  const drop = document.getElementById("drop");
  if (drop) {
    const picked = document.getElementById("files"), bar = document.getElementById("sent");
    const problem = document.getElementById("upload-problem");
    const send = function (files) {
      if (!files.length) { return; }
      const body = new FormData();
      for (const file of files) { body.append("files", file, file.name); }
      const request = new XMLHttpRequest();
      request.open("POST", "/bring/upload");
      request.setRequestHeader("X-Desk-Upload", "1");
      bar.hidden = false;
      problem.textContent = "";
      request.upload.addEventListener("progress", function (event) {
        if (event.lengthComputable) { bar.value = event.loaded / event.total; }
      });
      request.addEventListener("load", function () {
        if (request.status === 200) { location.assign("/bring"); return; }
        bar.hidden = true;
        const answer = new DOMParser().parseFromString(request.responseText, "text/html");
        const line = answer.querySelector(".problem");
        problem.textContent = line ? line.textContent : request.statusText;
      });
      request.addEventListener("error", function () { bar.hidden = true; lost.hidden = false; });
      request.send(body);
    };
    drop.addEventListener("submit", function (event) { event.preventDefault(); send(picked.files); });
    picked.addEventListener("change", function () { send(picked.files); });
    drop.addEventListener("dragover", function (event) { event.preventDefault(); drop.classList.add("over"); });
    drop.addEventListener("dragleave", function () { drop.classList.remove("over"); });
    drop.addEventListener("drop", function (event) {
      event.preventDefault();
      drop.classList.remove("over");
      send(event.dataTransfer.files);
    });
  }
  const unsent = document.getElementById("unsent");
  if (unsent) {  // what was changed in the form and is not in the file yet is saved with it
    unsent.form.addEventListener("change", function (event) {
      if (event.target.closest("#form-side")) { unsent.disabled = false; }
    });
    document.addEventListener("htmx:afterSwap", function (event) {
      if (event.target.id === "both") { unsent.disabled = true; }
    });
  }
  document.addEventListener("htmx:sendError", function () { lost.hidden = false; });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) { lost.hidden = true; }
  });
  document.addEventListener("htmx:afterSwap", function () {
    const shades = document.getElementById("shades"), map = document.querySelector("#look-map svg");
    if (!shades || !map) { return; }
    const text = shades.dataset.shades, cells = map.querySelectorAll("path[data-cell]");
    for (const cell of cells) {
      const s = text[Number(cell.dataset.cell)];
      cell.setAttribute("class", s === "." ? "none" : "s" + s);
    }
  });
})();
