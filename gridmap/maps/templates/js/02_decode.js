/* From packed text to typed arrays and corners in Mercator's unit square. */
(function (gm) {
  "use strict";
  gm.bytes = function (text) {
    const raw = atob(text), packed = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) packed[i] = raw.charCodeAt(i);
    return fflate.unzlibSync(packed);
  };
  /* LEB128, as plain numbers: all of ours are below 2^53. */
  gm.varints = function (text, n) {
    const bytes = gm.bytes(text), out = new Float64Array(n);
    let at = 0;
    for (let i = 0; i < n; i++) {
      let value = 0, unit = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * unit; unit *= 128; } while (byte & 128);
      out[i] = value;
    }
    return out;
  };
  const views = { i1: Int8Array, i2: Int16Array, i4: Int32Array, f4: Float32Array };
  gm.integers = function (column) {
    const bytes = gm.bytes(column.data);
    return new views[column.type](bytes.buffer, bytes.byteOffset, bytes.byteLength / views[column.type].BYTES_PER_ELEMENT);
  };
  const missing = { i1: -128, i2: -32768, i4: -2147483648 };
  /* A column read row by row: a number (null where missing) or a text. */
  gm.reader = function (column) {
    let values = null;
    const unit = Math.pow(10, column.digits || 0);
    return function (row) {
      values = values || gm.integers(column);
      const value = values[row];
      if (value === undefined || value !== value || value === missing[column.type]) return null;
      return column.texts ? column.texts[value] : value / unit;
    };
  };

  gm.worldX = function (lon) { return lon / 360 + 0.5; };
  gm.worldY = function (lat) {
    const s = Math.sin(Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI / 180);
    return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  };

  /* Shapes: xy corners, where each ring and each row begins, the box of each row. */
  function boxed(shapes) {
    const n = shapes.n, box = new Float64Array(4 * n);
    for (let r = 0; r < n; r++) {
      let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
      for (let i = shapes.ring[shapes.row[r]]; i < shapes.ring[shapes.row[r + 1]]; i++) {
        const x = shapes.xy[2 * i], y = shapes.xy[2 * i + 1];
        if (x < x0) x0 = x; if (x > x1) x1 = x; if (y < y0) y0 = y; if (y > y1) y1 = y;
      }
      box[4 * r] = x0; box[4 * r + 1] = y0; box[4 * r + 2] = x1; box[4 * r + 3] = y1;
    }
    shapes.box = box;
    return shapes;
  }
  function starts(counts) {
    const out = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
    return out;
  }

  function outlines(draw) {
    const parts = starts(gm.varints(draw.parts, draw.n));
    const rings = starts(gm.varints(draw.rings, parts[draw.n]));
    const n = rings[rings.length - 1], steps = gm.varints(draw.xy, 2 * n), xy = new Float64Array(2 * n);
    let x = 0, y = 0;
    for (let i = 0; i < n; i++) {
      const a = steps[2 * i], b = steps[2 * i + 1];
      x += a % 2 ? -(a + 1) / 2 : a / 2;
      y += b % 2 ? -(b + 1) / 2 : b / 2;
      xy[2 * i] = gm.worldX(x / draw.scale);
      xy[2 * i + 1] = gm.worldY(y / draw.scale);
    }
    return boxed({ n: draw.n, xy: xy, ring: rings, row: parts, closed: draw.closed, points: draw.points, find: null });
  }

  /* H3: the shared twelve bits on top and the ones at the end are put back, h3-js knows the corners. */
  function hexagons(draw) {
    const res = draw.resolution, unit = Math.pow(8, 15 - res), keys = gm.varints(draw.ids, draw.n);
    const prefix = "8" + res.toString(16);
    let key = 0;
    for (let i = 0; i < draw.n; i++) { key += keys[i]; keys[i] = key; }
    const id = function (row) { return prefix + (keys[row] * unit + (unit - 1)).toString(16).padStart(13, "0"); };
    const row = new Uint32Array(draw.n + 1), ring = new Uint32Array(draw.n + 1);
    const high = 0x08000000 | (res << 20), pair = [0, 0];
    let xy = new Float64Array(draw.n * 12 + 64), at = 0;
    for (let i = 0; i < draw.n; i++) {
      const whole = keys[i] * unit + (unit - 1), top = Math.floor(whole / 4294967296);
      pair[0] = (whole - top * 4294967296) | 0;   /* h3-js takes an id as two halves faster than as text */
      pair[1] = high | top;
      const corners = h3.cellToBoundary(pair);
      if (2 * (at + corners.length) > xy.length) { const more = new Float64Array(xy.length + 4096); more.set(xy); xy = more; }
      const lon0 = corners[0][1];
      for (let c = 0; c < corners.length; c++, at++) {
        let lon = corners[c][1];
        if (lon - lon0 > 180) lon -= 360; else if (lon0 - lon > 180) lon += 360;
        xy[2 * at] = gm.worldX(lon);
        xy[2 * at + 1] = gm.worldY(corners[c][0]);
      }
      row[i + 1] = i + 1;
      ring[i + 1] = at;
    }
    const find = function (lat, lon) {
      const wanted = Math.floor(parseInt(h3.latLngToCell(lat, lon, res).slice(2), 16) / unit);
      let low = 0, high = draw.n - 1;
      while (low <= high) {
        const middle = (low + high) >> 1;
        if (keys[middle] === wanted) return middle;
        if (keys[middle] < wanted) low = middle + 1; else high = middle - 1;
      }
      return -1;
    };
    return boxed({ n: draw.n, xy: xy, ring: ring, row: row, closed: true, find: find, id: id });
  }

  gm.shapes = function (draw) { return draw.type === "h3" ? hexagons(draw) : outlines(draw); };

  /* Which row has this point inside? By even-odd crossing; lines and points answer to nearness. */
  gm.rowAt = function (shapes, lat, lon, reach) {
    if (shapes.find) return shapes.find(lat, lon);
    const x = gm.worldX(lon), y = gm.worldY(lat), box = shapes.box, xy = shapes.xy, pad = shapes.closed ? 0 : reach;
    for (let r = shapes.n - 1; r >= 0; r--) {
      if (x < box[4 * r] - pad || x > box[4 * r + 2] + pad || y < box[4 * r + 1] - pad || y > box[4 * r + 3] + pad) continue;
      let inside = false;
      for (let p = shapes.row[r]; p < shapes.row[r + 1]; p++) {
        const from = shapes.ring[p], to = shapes.ring[p + 1];
        if (!shapes.closed) {
          for (let i = from; i < to; i++) {
            const j = Math.min(i + 1, to - 1), ax = xy[2 * i], ay = xy[2 * i + 1], dx = xy[2 * j] - ax, dy = xy[2 * j + 1] - ay;
            const l = dx * dx + dy * dy, u = l ? Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / l)) : 0;
            if (Math.hypot(x - ax - u * dx, y - ay - u * dy) <= reach) return r;
          }
          continue;
        }
        for (let i = from, j = to - 1; i < to; j = i++) {
          const ay = xy[2 * i + 1], by = xy[2 * j + 1];
          if (ay > y !== by > y && x < (xy[2 * j] - xy[2 * i]) * (y - ay) / (by - ay) + xy[2 * i]) inside = !inside;
        }
      }
      if (inside) return r;
    }
    return -1;
  };
})(gridmap);
