"""basemap(): what lies under the hotspots where there are tiles to be had, without the internet or with leave.

None is the default: own boundaries, roads and water (`context_layer`) need no network and no licence. What is given
here enters the page's Content-Security-Policy by name, and nothing else does. Tiles drawn on GCJ-02 (Gaode, Tencent)
lie some hundreds of metres off WGS 84, so their datum is declared and the layers are moved to match.
"""

import base64
import contextlib
import re
import sqlite3
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import shapely

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.maps.layers import Layer
from gridmap.maps.packing import h3_outlines
from gridmap.messages import Note, did_you_mean
from gridmap.read.datum import from_wgs84

__all__ = ["Basemap", "basemap", "shifted"]

DATUMS = ("wgs84", "gcj02")
TIANDITU = "https://t{s}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={{z}}&TILEROW={{y}}&TILECOL={{x}}&tk={key}"
TIANDITU_LAYERS = {"vec": ("vec", "cva"), "img": ("img", "cia"), "ter": ("ter", "cta")}


@dataclass(frozen=True, repr=False)
class Basemap(ShortForm):
    """Tiles under a page: their templates or, for MBTiles, the tiles themselves.

    Attributes
    ----------
    templates : tuple of str
        One a layer of tiles, bottom first, with {z}, {x}, {y}.
    mbtiles : Path or None
        A file whose tiles over the shown area are embedded.
    hosts : tuple of str
        What the page's policy lets it ask, by name.
    datum : {"wgs84", "gcj02"}
        What the tiles are drawn on.
    """

    templates: tuple[str, ...] = ()
    mbtiles: Path | None = None
    hosts: tuple[str, ...] = ()
    datum: str = "wgs84"
    attribution: str = ""
    max_zoom: int = 18
    max_mb: float = 8.0
    extra: dict = field(default_factory=dict)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        what = self.mbtiles.name if self.mbtiles is not None else f"{len(self.templates)} layers of tiles"
        hosts = f" from {', '.join(self.hosts)}" if self.hosts else ""
        return f"Basemap: {what}{hosts}, {self.datum}, zoom to {self.max_zoom}"

    def for_page(self, boxes: np.ndarray) -> dict:
        """As the page reads it."""
        out = {"templates": list(self.templates), "attribution": self.attribution, "max_zoom": self.max_zoom}
        if self.mbtiles is not None:
            out |= _embedded(self.mbtiles, [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)], self.max_mb)
        return out


def basemap(
    source: str | Path,
    *,
    key: str | None = None,
    style: str = "vec",
    datum: str = "wgs84",
    attribution: str = "",
    max_zoom: int = 18,
    max_mb: float = 8.0,
) -> Basemap:
    """Tiles to lie under a page.

    Parameters
    ----------
    source : str or Path
        `"tiles/{z}/{x}/{y}.png"`: a folder beside the saved page; `"http://host/{z}/{x}/{y}.png"`: a server of the
        intranet; "city.mbtiles": a file, whose tiles over the shown area are embedded; "tianditu", with `key`.
    key : str, optional
        Of the user's own Tianditu account; it is readable in the page.
    style : {"vec", "img", "ter"}
        Of Tianditu: streets, imagery, terrain, each with its labels.
    datum : {"wgs84", "gcj02"}
        What the tiles are drawn on; with "gcj02" the layers are moved to match.
    attribution : str
        Whose map it is; Tianditu's is filled in.
    max_zoom : int
        The finest level there is.
    max_mb : float
        Of embedded tiles; coarser levels come first, and finer ones are left out as soon as they do not fit.

    Returns
    -------
    Basemap

    Raises
    ------
    SettingError
        For an address without {z}, {x}, {y}, an unknown datum, or Tianditu without a key.
    ReadError
        For an MBTiles file that is absent or none.

    Examples
    --------
    >>> basemap("http://tiles.intranet:8080/{z}/{x}/{y}.png").hosts
    ('http://tiles.intranet:8080',)
    """
    if datum not in DATUMS:
        raise SettingError(Note("maps.no_datum", found=datum, meant=did_you_mean(datum, DATUMS)))
    shared: dict[str, Any] = {
        "datum": datum,
        "attribution": str(attribution),
        "max_zoom": int(max_zoom),
        "max_mb": float(max_mb),
    }
    text = str(source)
    if text == "tianditu":
        if not key or not re.fullmatch(r"[0-9A-Za-z]{8,64}", key):
            raise SettingError(Note("maps.tianditu_key"))
        if style not in TIANDITU_LAYERS:
            raise SettingError(Note("maps.tianditu_style", found=style, meant=did_you_mean(style, TIANDITU_LAYERS)))
        templates = tuple(TIANDITU.format(s=0, layer=layer, key=key) for layer in TIANDITU_LAYERS[style])
        shared["attribution"] = shared["attribution"] or "天地图 www.tianditu.gov.cn"
        return Basemap(templates, hosts=("https://t0.tianditu.gov.cn",), **shared)
    if text.endswith(".mbtiles"):
        if not Path(source).is_file():
            raise ReadError(Note("maps.no_mbtiles", path=text))
        return Basemap(mbtiles=Path(source), **shared)
    if not all(part in text for part in ("{z}", "{x}", "{y}")):
        raise SettingError(Note("maps.tile_template", found=text))
    if re.search(r"[\x00-\x1f]", text):
        raise SettingError(Note("maps.tile_place", found=text))
    parts = urlsplit(text)
    text = text if parts.scheme else text.replace("\\", "/")
    if parts.scheme in ("http", "https"):
        if not re.fullmatch(r"[\w.:\[\]-]+", parts.netloc):
            raise SettingError(Note("maps.tile_host", found=parts.netloc))
        return Basemap((text,), hosts=(f"{parts.scheme}://{parts.netloc}",), **shared)
    if parts.scheme or text.startswith("/") or re.search(r"//|^\s", text):  # another machine's folder
        raise SettingError(Note("maps.tile_place", found=text))
    return Basemap((text,), hosts=("'self'", "file:"), **shared)


def _embedded(path: Path, box: list[float], max_mb: float) -> dict:
    """The tiles of an MBTiles file over a box, coarse levels first, as data URIs by z/x/y.

    The file may be a stranger's: what it calls its tiles may be a view without an end, or pictures of a million pixels
    a side. So SQLite stops after so many steps, makes no value beyond the limit, and only pictures of the size of tiles
    are taken.
    """
    tiles: dict[str, str] = {}
    size, finest = 0.0, 0
    west, south, east, north = box
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as con:
            con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_TILE)
            con.text_factory = bytes
            con.execute("PRAGMA trusted_schema = OFF")
            steps = iter(range(MOST_STEPS))
            con.set_progress_handler(lambda: next(steps, None) is None, 10_000)
            levels = con.execute("select distinct zoom_level from tiles order by 1 limit 100").fetchall()
            for z in [z for (z,) in levels if isinstance(z, int) and 0 <= z <= FINEST]:
                n = 2**z
                x0, x1 = (int((lon + 180) / 360 * n) for lon in (west, east))
                y0, y1 = (int((0.5 - np.arcsinh(np.tan(np.radians(lat))) / (2 * np.pi)) * n) for lat in (north, south))
                found, more = {}, 0.0
                for x, row, data in con.execute(
                    "select tile_column, tile_row, tile_data from tiles where zoom_level = ? "
                    "and tile_column between ? and ? and tile_row between ? and ?",
                    (z, x0, x1, n - 1 - y1, n - 1 - y0),
                ):
                    if not (isinstance(x, int) and isinstance(row, int)):
                        continue
                    found[f"{z}/{x}/{n - 1 - row}"] = data
                    more += (len(data) if isinstance(data, bytes) else 0) * 4 / 3
                    if size + more > max_mb * 1e6 or len(found) > MOST_TILES:
                        break
                if size + more > max_mb * 1e6 or len(found) > MOST_TILES:
                    break
                size, finest = size + more, z
                tiles |= {key: _picture(data, path) for key, data in found.items()}
    except (sqlite3.Error, OverflowError) as error:
        raise ReadError(Note("maps.not_mbtiles", path=str(path), why=str(error))) from error
    if not tiles:
        raise InputError(Note("maps.no_tiles_here", path=str(path), mb=f"{max_mb:g}"))
    return {"tiles": tiles, "max_native": finest}


#: What no honest file of tiles reaches: bytes of a tile, tiles of a page, its finest level, pixels of a side, and
#: SQLite's steps (of 10,000 operations), some seconds.
MOST_TILE, MOST_TILES, FINEST, MOST_PIXELS, MOST_STEPS = 4 << 20, 50_000, 24, 2048, 20_000


def _picture(data: Any, path: Path) -> str:
    """A tile as a data URI, if it is a picture of the size of a tile.

    Raises
    ------
    ReadError
    """
    kind, sides = _kind_and_sides(data) if isinstance(data, bytes) else ("", ())
    if not kind:
        raise ReadError(Note("maps.not_mbtiles", path=str(path), why=Note("maps.no_picture")))
    if max(sides) > MOST_PIXELS:
        raise ReadError(Note("maps.not_mbtiles", path=str(path), why=Note("maps.large_picture", n=max(sides))))
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _kind_and_sides(data: bytes) -> tuple[str, tuple[int, ...]]:
    """Which kind of picture bytes are, and its width and height, from the beginning; "" for none that a page shows."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[12:16] == b"IHDR":
        return "png", struct.unpack(">II", data[16:24].ljust(8, b"\xff"))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        head = data[:30].ljust(30, b"\xff")
        bits = int.from_bytes(head[21:25], "little")
        sides = {
            b"VP8 ": tuple(n & 0x3FFF for n in struct.unpack("<HH", head[26:30])),
            b"VP8L": ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1),
            b"VP8X": tuple(int.from_bytes(head[i : i + 3], "little") + 1 for i in (24, 27)),
        }
        return ("webp", sides[head[12:16]]) if head[12:16] in sides else ("", ())
    if data[:2] != b"\xff\xd8":
        return "", ()
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return "jpeg", struct.unpack(">HH", data[at + 5 : at + 9])
        at += 1 if marker == 0xFF else 2 + length
    return "", ()


def shifted(layer: Layer, datum: str) -> Layer:
    """The layer with its shapes on another datum, to lie right on such tiles."""

    def move(xy):
        return np.column_stack(from_wgs84(xy[:, 0], xy[:, 1], datum=datum))

    shapes = layer.frame.geometry.to_numpy() if layer.has_geometry else h3_outlines(layer.frame.index)
    frame = gpd.GeoDataFrame(
        layer.frame.drop(columns="geometry", errors="ignore"), geometry=shapely.transform(shapes, move), crs=4326
    )
    return replace(layer, frame=frame, shifted=True)
