/* A PMTiles archive (version 3) that the reader drops on the page or picks, as a map below. The file is read where it
   lies, by File.slice, so it works from file:// and nothing is sent anywhere. Specification:
   https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md; vector tiles: Mapbox Vector Tile 2.1. */

/** @typedef {{ root: [number, number], leaves: number, data: number, inner: number, packed: number, type: number, low: number, high: number, bounds: number[] }} Header */
/** @typedef {{ id: number, offset: number, length: number, run: number }} Entry */
/** @typedef {{ type: number, tags: number[], lines: Array<Array<[number, number]>> }} Feature */
/** @typedef {{ name: string, extent: number, features: Feature[], keys: string[], values: any[] }} VectorLayer */

const HEADER = 127;
/** Ways of packing: none and gzip are read by every browser. */
const PACKED = ["unknown", "none", "gzip", "brotli", "zstd"];
const VECTOR = 1;
/** @type {Record<number, string>} */
const IMAGES = { 2: "image/png", 3: "image/jpeg", 4: "image/webp", 5: "image/avif" };

/** @param {DataView} view @param {number} at */
const long = (view, at) => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;

/** What the first 127 bytes say; null where they are none of an archive of version 3.
 * @param {ArrayBuffer} buffer @returns {Header | null} */
export function header(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER || new TextDecoder().decode(buffer.slice(0, 7)) !== "PMTiles" || view.getUint8(7) !== 3) return null;
  return {
    root: [long(view, 8), long(view, 16)], leaves: long(view, 40), data: long(view, 56), inner: view.getUint8(97), packed: view.getUint8(98),
    type: view.getUint8(99), low: view.getUint8(100), high: view.getUint8(101), bounds: [102, 106, 110, 114].map((at) => view.getInt32(at, true) / 1e7)
  };
}

/** Reads numbers of seven bits a byte, one after the other.
 * @param {Uint8Array} bytes */
function numbers(bytes) {
  let at = 0;
  return {
    get at() { return at; },
    set at(to) { at = to; },
    end: bytes.length,
    next() {
      let value = 0, unit = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * unit; unit *= 128; } while (byte & 128);
      return value;
    }
  };
}

/** @param {Uint8Array} bytes @returns {Entry[]} */
export function directory(bytes) {
  const from = numbers(bytes), n = from.next();
  /** @type {Entry[]} */
  const out = Array.from({ length: n }, () => ({ id: 0, offset: 0, length: 0, run: 0 }));
  let id = 0;
  out.forEach((e) => { id += from.next(); e.id = id; });
  out.forEach((e) => { e.run = from.next(); });
  out.forEach((e) => { e.length = from.next(); });
  out.forEach((e, i) => { const offset = from.next(); e.offset = offset === 0 && i ? out[i - 1].offset + out[i - 1].length : offset - 1; });
  return out;
}

/** The number of a tile along the Hilbert curve, all coarser scales before it.
 * @param {number} z @param {number} x @param {number} y */
export function tileId(z, x, y) {
  let id = (Math.pow(4, z) - 1) / 3;
  for (let s = Math.pow(2, z - 1); s >= 1; s /= 2) {
    const rx = x & s ? 1 : 0, ry = y & s ? 1 : 0;
    id += s * s * ((3 * rx) ^ ry);
    if (ry === 0) {
      if (rx === 1) { x = s - 1 - (x & (s - 1)); y = s - 1 - (y & (s - 1)); }
      [x, y] = [y, x];
    }
  }
  return id;
}

/** The last entry that begins at or before an id, where it holds it or is a directory of its own.
 * @param {Entry[]} entries @param {number} id @returns {Entry | null} */
export function entryOf(entries, id) {
  let low = 0, end = entries.length - 1;
  while (low <= end) {
    const middle = (low + end) >> 1;
    if (entries[middle].id <= id) low = middle + 1; else end = middle - 1;
  }
  const e = entries[end];
  return e && (e.run === 0 || id < e.id + e.run) ? e : null;
}

/** @param {ArrayBuffer} buffer @param {number} packed @returns {Promise<Uint8Array>} */
async function unpacked(buffer, packed) {
  if (packed === 1) return new Uint8Array(buffer);
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** An archive, opened: its header and a tile's bytes, null where it has none.
 * @param {Blob} file */
export async function archive(file) {
  const read = (/** @type {number} */ from, /** @type {number} */ length) => file.slice(from, from + length).arrayBuffer();
  const head = header(await read(0, HEADER));
  if (!head) return null;
  /** @type {Map<number, Promise<Entry[]>>} */
  const known = new Map();
  const entries = (/** @type {number} */ from, /** @type {number} */ length) => {
    let found = known.get(from);
    if (!found) known.set(from, found = read(from, length).then((b) => unpacked(b, head.inner)).then(directory));
    return found;
  };
  return {
    head,
    /** @param {number} z @param {number} x @param {number} y */
    tile: async (z, x, y) => {
      const id = tileId(z, x, y);
      let [from, length] = head.root;
      for (let depth = 0; depth < 4; depth++) {
        const e = entryOf(await entries(from, length), id);
        if (!e) return null;
        if (e.run) return unpacked(await read(head.data + e.offset, e.length), head.packed);
        [from, length] = [head.leaves + e.offset, e.length];
      }
      return null;
    }
  };
}

/** The fields of a message of protocol buffers: number of the field, its kind, its value or where its bytes lie.
 * @param {Uint8Array} bytes @param {(field: number, value: any, kind: number) => void} act */
function fields(bytes, act) {
  const from = numbers(bytes);
  while (from.at < from.end) {
    const key = from.next(), field = key >> 3, kind = key & 7;
    if (kind === 0) act(field, from.next(), kind);
    else {
      const length = kind === 2 ? from.next() : kind === 1 ? 8 : 4;
      act(field, bytes.subarray(from.at, from.at + length), kind);
      from.at += length;
    }
  }
}

/** @param {Uint8Array} bytes */
function packedNumbers(bytes) {
  const from = numbers(bytes), out = [];
  while (from.at < from.end) out.push(from.next());
  return out;
}

const text = (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes);

/** The lines of a feature in the tile's own units.
 * @param {number[]} commands */
function outline(commands) {
  /** @type {Array<Array<[number, number]>>} */
  const lines = [];
  let x = 0, y = 0;
  const signed = (/** @type {number} */ v) => (v % 2 ? -(v + 1) / 2 : v / 2);
  for (let i = 0; i < commands.length;) {
    const command = commands[i] & 7, times = commands[i++] >> 3;
    for (let n = 0; n < times; n++) {
      if (command === 7) { const line = lines[lines.length - 1]; if (line) line.push(line[0]); continue; }
      x += signed(commands[i++]);
      y += signed(commands[i++]);
      if (command === 1) lines.push([[x, y]]); else lines[lines.length - 1].push([x, y]);
    }
  }
  return lines;
}

/** @param {Uint8Array} bytes @returns {VectorLayer[]} */
export function vectorLayers(bytes) {
  /** @type {VectorLayer[]} */
  const layers = [];
  fields(bytes, (field, value) => {
    if (field !== 3) return;
    /** @type {VectorLayer} */
    const layer = { name: "", extent: 4096, features: [], keys: [], values: [] };
    fields(value, (f, v) => {
      if (f === 1) layer.name = text(v);
      else if (f === 5) layer.extent = v;
      else if (f === 3) layer.keys.push(text(v));
      else if (f === 4) { let found = null; fields(v, (k, of, kind) => { found = kind === 2 ? text(of) : kind === 0 ? of : null; }); layer.values.push(found); }
      else if (f === 2) {
        /** @type {Feature} */
        const feature = { type: 0, tags: [], lines: [] };
        fields(v, (k, of) => { if (k === 3) feature.type = of; else if (k === 2) feature.tags = packedNumbers(of); else if (k === 4) feature.lines = outline(packedNumbers(of)); });
        layer.features.push(feature);
      }
    });
    layers.push(layer);
  });
  return layers;
}

/** How layers of vector tiles are drawn, by words of their names; the first that fits. The rest is thin and grey.
 * @type {Array<[RegExp, { fill?: string, line?: string, width?: number, names?: boolean }]>} */
const STYLE = [
  [/water(_?name|_?label)|name|label|poi|place|addr|housenumber/i, { names: true }],
  [/water|ocean|lake|river/i, { fill: "#CFE3F1", line: "#A9CBE3", width: 1 }],
  [/building/i, { fill: "#E3E1DC" }],
  [/park|landuse|landcover|wood|green|natural/i, { fill: "#EEF3E6" }],
  [/earth|land$/i, { fill: "#F8F7F2" }],
  [/rail|transit/i, { line: "#9AA1AC", width: 1 }],
  [/road|street|transport|highway/i, { line: "#B9BEC7", width: 1.4 }],
  [/bound|admin/i, { line: "#8A8F99", width: 0.8 }]
];

/** @param {CanvasRenderingContext2D} g @param {VectorLayer[]} layers @param {number} size of the tile @param {{ x: number, y: number, s: number }} part of it that is shown */
function paint(g, layers, size, part) {
  const order = (/** @type {VectorLayer} */ l) => { const at = STYLE.findIndex(([of]) => of.test(l.name)); return [8, 3, 5, 2, 1, 6, 7, 9][at] ?? 4; };
  layers.slice().sort((a, b) => order(a) - order(b)).forEach((layer) => {
    const style = (STYLE.find(([of]) => of.test(layer.name)) || [null, { line: "#C6CAD1", width: 0.7 }])[1], k = size * part.s / layer.extent;
    const px = ([x, y]) => /** @type {[number, number]} */ ([x * k - part.x * size, y * k - part.y * size]);
    layer.features.forEach((f) => {
      if (f.type === 1) { if (style.names) named(g, layer, f, px(f.lines[0][0])); return; }
      g.beginPath();
      f.lines.forEach((line) => line.forEach((p, i) => { const [x, y] = px(p); if (i) g.lineTo(x, y); else g.moveTo(x, y); }));
      if (f.type === 3 && style.fill) { g.fillStyle = style.fill; g.fill("evenodd"); }
      else if (style.line) { g.strokeStyle = style.line; g.lineWidth = style.width || 1; g.stroke(); }
    });
  });
}

/** @param {CanvasRenderingContext2D} g @param {VectorLayer} layer @param {Feature} f @param {[number, number]} at */
function named(g, layer, f, [x, y]) {
  for (let i = 0; i + 1 < f.tags.length; i += 2) {
    if (layer.keys[f.tags[i]] !== "name" || !layer.values[f.tags[i + 1]]) continue;
    g.font = "12px " + getComputedStyle(document.body).fontFamily;
    g.textAlign = "center";
    g.lineWidth = 3;
    g.strokeStyle = "rgba(255,255,255,0.9)";
    g.strokeText(String(layer.values[f.tags[i + 1]]), x, y);
    g.fillStyle = "#5b6472";
    g.fillText(String(layer.values[f.tags[i + 1]]), x, y);
  }
}

/** @param {import("./types").Gm} gm */
export function pmtiles(gm) {
  const el = gm.el;
  gm.part(() => {
    /** @type {any} */
    let shown = null;
    /** What the hint says of the file: a code and its values. @type {[string, Record<string, any>] | null} */
    let about = null;
    const input = /** @type {HTMLInputElement} */ (el("input", { type: "file", accept: ".pmtiles", id: "gm-map-file", hidden: true }));
    const button = el("button", { type: "button", class: "gm-copy", id: "gm-map-open" }), hint = el("p", { class: "gm-unit", role: "status" });
    gm.parts.side.append(el("section", { id: "gm-map-below" }, button, input, hint));
    button.addEventListener("click", () => { if (shown) remove(); else input.click(); });
    input.addEventListener("change", () => { if (input.files && input.files[0]) open(input.files[0]); input.value = ""; });
    const stage = gm.parts.stage;
    stage.addEventListener("dragover", (e) => { e.preventDefault(); });
    stage.addEventListener("drop", (e) => { e.preventDefault(); const file = e.dataTransfer && e.dataTransfer.files[0]; if (file) open(file); });

    /* Themes let the map below shine through, and the ground of the districts is taken away. */
    /** @param {boolean} on */
    function veil(on) {
      gm.veil = on || gm.data.basemap ? 0.72 : 0;
      gm.themes.forEach((l) => { const pane = gm.map.getPane("gm-" + l.id); if (pane) pane.style.opacity = gm.veil ? String(gm.veil) : ""; });
      const ground = gm.map.getPane("gm-ground");
      if (ground) ground.style.display = on ? "none" : "";
    }
    function remove() {
      if (shown) gm.map.removeLayer(shown);
      shown = about = null;
      veil(false);
      say();
    }
    /** @param {string} name @param {string} code @param {Record<string, any>} [values] */
    function refuse(name, code, values) { about = ["pmtiles_bad", { name, why: gm.t(code, values) }]; say(); }

    /** @param {File} file */
    async function open(file) {
      remove();
      const found = await archive(file).catch(() => null), head = found && found.head;
      if (!found || !head) return refuse(file.name, "pmtiles_kind");
      const how = [head.inner, head.packed].find((p) => p !== 1 && p !== 2);
      if (how !== undefined) return refuse(file.name, "pmtiles_packed", { how: PACKED[how] || String(how) });
      if (head.type !== VECTOR && !IMAGES[head.type]) return refuse(file.name, "pmtiles_kind");
      const [west, south, east, north] = head.bounds;
      if (east > west && !gm.home.intersects(L.latLngBounds([south, west], [north, east]))) return refuse(file.name, "pmtiles_no_tile");
      const Tiles = L.GridLayer.extend({
        createTile: function (/** @type {any} */ at, /** @type {(error: any, node: any) => void} */ done) {
          const size = 256, node = /** @type {HTMLCanvasElement} */ (el("canvas", { width: 2 * size, height: 2 * size, "aria-hidden": "true" }));
          const z = Math.min(at.z, head.high), s = Math.pow(2, at.z - z), x = Math.floor(at.x / s), y = Math.floor(at.y / s);
          const part = { x: at.x - x * s, y: at.y - y * s, s };
          found.tile(z, x, y).then(async (bytes) => {
            const g = bytes && node.getContext("2d");
            if (bytes && g) {
              g.scale(2, 2);
              if (head.type === VECTOR) paint(g, vectorLayers(bytes), size, part);
              else {
                const picture = await createImageBitmap(new Blob([/** @type {any} */ (bytes)], { type: IMAGES[head.type] }));
                g.drawImage(picture, -part.x * size, -part.y * size, size * s, size * s);
              }
            }
            done(null, node);
          }).catch((error) => done(error, node));
          return node;
        }
      });
      shown = new Tiles({ minZoom: 0, maxZoom: 22, zIndex: 1 }).addTo(gm.map);
      about = ["pmtiles_shown", { name: file.name, low: head.low, high: head.high }];
      veil(true);
      say();
    }
    gm.openMapFile = open;
    function say() {
      button.textContent = gm.t(shown ? "pmtiles_remove" : "pmtiles");
      hint.textContent = about ? gm.t(about[0], about[1]) : gm.t("pmtiles_hint");
      button.setAttribute("aria-describedby", hint.id = "gm-map-hint");
      input.setAttribute("aria-label", gm.t("pmtiles"));
    }
    ["ready", "language"].forEach((event) => gm.on(event, say));
    gm.on("theme", () => { if (shown) veil(true); });
  });
}
