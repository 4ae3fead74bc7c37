"""Canaries: names, numbers, places and times planted in an input, and a search that finds them again in any output.

The search does what a curious reader would do: it looks at the bytes, opens what is compressed (zip, gzip, zlib in
base64), reads databases, Parquet and PDF, decodes the payload of a page, and takes every two numbers that stand side by
side for a place, in degrees and in metres.
"""

import base64
import gzip
import io
import json
import re
import sqlite3
import tempfile
import zipfile
import zlib
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from scipy.spatial import cKDTree

from gridmap.read.datum import from_wgs84
from gridmap.read.metric_projection import metric_crs, project

NAMES = ["王小明", "李雷雷", "欧阳娜娜", "赵铁柱", "孙二娘", "周大福", "吴用", "郑爽爽"]
PHONES = ["13812345678", "+86 139 1111 2222", "0571-87654321"]
PLATES = ["浙A12345", "浙BD12345"]
EMAIL = "wang.xiaoming@example.com"
CARD = "6222021234567890128"
ID_NUMBER = "11010519491231002X"
OLD_ID_NUMBER = "110105491231002"
DOOR = "3栋2单元501室"
HOUSEHOLD = "HH-774411-88"
PERSONAL = [*NAMES, *PHONES, *PLATES, EMAIL, CARD, ID_NUMBER, OLD_ID_NUMBER, DOOR, HOUSEHOLD]
N = 1_000


def plant(folder: Path) -> pd.DataFrame:
    """`zones.geojson` and `cases.csv` in a folder; the incidents as they were written."""
    rng = np.random.default_rng(7)
    west, south = 120.10, 30.20
    boxes = [shapely.box(west + 0.02 * i, south + 0.02 * j, west + 0.02 * (i + 1), south + 0.02 * (j + 1))
             for j in range(5) for i in range(5)]  # fmt: skip
    zones = gpd.GeoDataFrame(
        {
            "zone_id": [f"3301060010{i:02d}" for i in range(25)],
            "name": [f"第{i + 1}社区" for i in range(25)],
            "street_name": [f"第{i // 5 + 1}街道" for i in range(25)],
            "网格员": [NAMES[i % len(NAMES)] for i in range(25)],
            "k7": [PHONES[i % 2] for i in range(25)],
            "persons": rng.integers(2000, 6000, 25),
        },
        geometry=boxes,
        crs=4326,
    )
    zones.to_file(folder / "zones.geojson")
    centres = np.array([[120.13, 30.23], [120.17, 30.27], [120.15, 30.25]])
    at = np.where(rng.random((N, 1)) < 0.6, centres[rng.integers(0, 3, N)] + rng.normal(0, 0.003, (N, 2)),
                  np.column_stack([rng.uniform(120.101, 120.199, N), rng.uniform(30.201, 30.299, N)]))  # fmt: skip
    at = at.round(7)
    seconds = rng.integers(0, 120 * 86_400, N)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s")
    frame = pd.DataFrame(
        {
            "案件编号": [f"A3301{i:08d}" for i in range(N)],
            "发案时间": when.strftime("%Y-%m-%d %H:%M:%S"),
            "案件类别": np.where(
                np.arange(N) % 120 == 7, "纠纷（联系13812345678）", rng.choice(["入室盗窃", "电动车盗窃"], N)
            ),
            "经度": at[:, 0],
            "纬度": at[:, 1],
            "报警人": [NAMES[i % len(NAMES)] for i in range(N)],
            "身份证号": ID_NUMBER,
            "a1": [NAMES[(i * 3) % len(NAMES)] for i in range(N)],
            "a2": [PHONES[i % 3] for i in range(N)],
            "a3": [PLATES[i % 2] for i in range(N)],
            "a4": [OLD_ID_NUMBER.replace("49", str(49 + i % 9), 1) for i in range(N)],
            "a5": CARD,
            "a6": EMAIL,
            "a7": f"幸福里{DOOR}",
            "户号": HOUSEHOLD,
            "简要案情": [f"{NAMES[i % 8]}于{w:%H时}称{PLATES[0]}被盗，电话{PHONES[0]}" for i, w in enumerate(when)],
        }
    )
    frame.loc[3, "经度"] = np.nan  # set aside, with its other fields
    frame.loc[5, "纬度"] = 95.1234567
    frame.to_csv(folder / "cases.csv", index=False, encoding="utf-8-sig")
    return frame.assign(when=when).drop(index=[3, 5]).reset_index(drop=True)


class Search:
    """Finds what was planted in files."""

    def __init__(self, incidents: pd.DataFrame):
        lon, lat = incidents["经度"].to_numpy(), incidents["纬度"].to_numpy()
        crs = metric_crs((lon.min(), lat.min(), lon.max(), lat.max()))
        self.degrees = cKDTree(np.vstack([np.c_[lon, lat], np.c_[from_wgs84(lon, lat, datum="gcj02")]]))
        self.metres = cKDTree(np.column_stack(project(lon, lat, crs)))
        self.times = {f"{t:%H:%M:%S}" for t in incidents["when"]} | {f"{t:%H%M%S}Z" for t in incidents["when"]}
        self.days = {f"{day:{how}}" for day in incidents["when"].dt.date for how in ("%Y-%m-%d", "%Y%m%d")}
        stamps = incidents["when"].astype("datetime64[ns]").astype("int64")
        self.stamps = {str(int(s) // d) for s in stamps for d in (1, 1000, 10**6, 10**9)}
        #: Seven digits of one number may be another place's by chance: a place is its two numbers, side by side.
        self.exact = {np.float32([a, b]).tobytes() for a, b in zip(lon, lat, strict=True)}
        pairs = [(a, b) for a, b in zip(lon, lat, strict=True)] + [(b, a) for a, b in zip(lon, lat, strict=True)]
        self.doubles = {np.float64(a).tobytes(): np.float64(b).tobytes() for a, b in pairs}
        self.exact |= {np.int64(int(s) // d).tobytes() for s in stamps for d in (1, 1000, 10**6)}
        #: Which first two bytes and which next two any of them has.
        self.begins, self.goes_on = np.zeros((2, 1 << 16), bool)
        for kept, at in ((self.begins, 0), (self.goes_on, 2)):
            kept[[int.from_bytes(eight[at : at + 2], "little") for eight in self.exact | set(self.doubles)]] = True

    def folder(self, folder: Path) -> dict[str, set[str]]:
        """What was found in each file of a folder: kinds among `person`, `place`, `time`."""
        found = {p.relative_to(folder).as_posix(): self.file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        found |= {f"the name of {name}": self.text(name) for name in found}
        return {name: kinds for name, kinds in found.items() if kinds}

    def file(self, path: Path) -> set[str]:
        """What was found in a file."""
        return self.bytes(path.read_bytes(), path.name.lower())

    def bytes(self, data: bytes, name: str = "") -> set[str]:
        """What was found in bytes, and in whatever they hold."""
        found = self._raw(data)
        if data[:2] == b"PK" and zipfile.is_zipfile(io.BytesIO(data)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for member in archive.infolist():
                    found |= self.text(member.filename) | self.bytes(archive.read(member), member.filename.lower())
        elif data[:2] == b"\x1f\x8b":
            found |= self.bytes(gzip.decompress(data), name.removesuffix(".gz"))
        elif data[:15] == b"SQLite format 3":
            found |= self._database(data)
        elif data[:4] == b"PAR1":
            found |= self._parquet(data)
        elif data[:5] == b"%PDF-":
            from pypdf import PdfReader

            found |= self.text("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages))
        elif name.endswith(".fgb"):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "a.fgb"
                path.write_bytes(data)
                found |= self.frame(gpd.read_file(path, engine="pyogrio"))
        elif name.endswith(".tif"):
            pass  # the values of a surface: what they tell is test_results' business
        else:
            text = data.decode("utf-8", "ignore")
            found |= self.text(text)
            if name.endswith(".html"):
                found |= self._page(text)
        return found

    def _raw(self, data: bytes) -> set[str]:
        found = set()
        for word in PERSONAL:
            coded = {word.encode(c) for c in ("utf-8", "gbk", "utf-16-le")} | {json.dumps(word)[1:-1].encode()}
            if any(c in data for c in coded):
                found.add("person")
        # every 8 bytes in a row are looked at, whatever they are: first by two of them, by the next two, then whole
        octets = np.frombuffer(data, np.uint8)
        if len(octets) >= 8:
            pairs = octets[:-7].astype(np.uint16) | octets[1:-6].astype(np.uint16) << 8
            near = np.flatnonzero(self.begins[pairs])
            near = near[self.goes_on[octets[near + 2].astype(np.uint16) | octets[near + 3].astype(np.uint16) << 8]]
            for k in near.tolist():
                eight = data[k : k + 8]
                if eight in self.exact or data[k + 8 : k + 16] == self.doubles.get(eight):
                    found.add("place")
                    break
        return found

    def text(self, text: str) -> set[str]:
        """What was found in a text."""
        found = {"person" for word in PERSONAL if word in text}
        # a time of day stands alone or beside a day of the incidents: beside another day it is the run's own clock
        clock = re.findall(r"(?:(\d{4}-\d\d-\d\d|\d{8})[T ])?(\d\d:\d\d:\d\d|\d{6}Z)", text)
        if any(time in self.times and (not day or day in self.days) for day, time in clock):
            found.add("time")
        if any(t in self.stamps for t in re.findall(r"\d{10,19}", text)):
            found.add("time")
        values = np.array([float(n) for n in re.findall(r"-?\d{1,7}\.\d{2,}", text)])
        if len(values) > 1:
            found |= self.places(np.c_[values[:-1], values[1:]]) | self.places(np.c_[values[1:], values[:-1]])
        return found

    def places(self, xy: np.ndarray, tolerance_m: float = 0.3) -> set[str]:
        """`place` when a point is one of the incidents, in degrees (WGS 84 or GCJ-02) or in metres."""
        xy = np.asarray(xy, float)
        xy = xy[np.isfinite(xy).all(axis=1)] if len(xy) else xy
        if not len(xy):
            return set()
        for tree, tolerance in ((self.degrees, tolerance_m / 111_000), (self.metres, tolerance_m)):
            about = ((xy >= tree.mins - tolerance) & (xy <= tree.maxes + tolerance)).all(axis=1)
            if about.any() and np.isfinite(tree.query(xy[about], distance_upper_bound=tolerance)[0]).any():
                return {"place"}
        return set()

    def frame(self, frame: pd.DataFrame) -> set[str]:
        """What was found in a table, its index and its shapes."""
        found = set()
        table = pd.DataFrame(frame).reset_index()
        for name in table.columns:
            column = table[name]
            found |= self.text(str(name))
            if isinstance(column.dtype, gpd.array.GeometryDtype):
                found |= self.places(shapely.get_coordinates(column.to_numpy()))
            elif pd.api.types.is_datetime64_any_dtype(column):
                found |= self.text(" ".join(column.dropna().dt.strftime("%H:%M:%S").unique()))
            elif column.dtype.kind not in "biuf":
                found |= self.text("\n".join(map(str, pd.unique(column.astype(str)))))
        numbers = table.select_dtypes("number")
        return found | self.pairs_of_columns(numbers.to_numpy(float))

    def pairs_of_columns(self, values: np.ndarray) -> set[str]:
        """`place` when any two columns, either first, hold one: of their rows only those near the incidents."""
        pairs = [(a, b) for a in range(values.shape[1]) for b in range(values.shape[1]) if a != b][:400]
        near = np.zeros((2, 2, *values.shape), bool)  # by tree, as first or second number
        for i, (tree, tolerance) in enumerate(((self.degrees, 1e-5), (self.metres, 1.0))):
            for k in range(2):
                near[i, k] = (values >= tree.mins[k] - tolerance) & (values <= tree.maxes[k] + tolerance)
        found = set()
        for a, b in pairs:
            rows = (near[:, 0, :, a] & near[:, 1, :, b]).any(axis=0)
            if rows.any():
                found |= self.places(values[rows][:, [a, b]])
        return found

    def _database(self, data: bytes) -> set[str]:
        found = set()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.gpkg"
            path.write_bytes(data)
            connection = sqlite3.connect(path)
            names = [n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            for name in names:
                if name.startswith("rtree"):
                    continue
                rows = connection.execute(f'SELECT * FROM "{name}"')
                found |= self.text("\n".join(dict.fromkeys(v for row in rows for v in row if isinstance(v, str))))
            layers = [
                n for (n,) in connection.execute("SELECT table_name FROM gpkg_contents WHERE data_type='features'")
            ]
            connection.close()
            for layer in layers:
                found |= self.frame(gpd.read_file(path, layer=layer, engine="pyogrio"))
        return found

    def _parquet(self, data: bytes) -> set[str]:
        table = pq.read_table(pa.BufferReader(data))
        found = self.text(str(table.schema.metadata))
        frame = table.to_pandas()
        if "geometry" in frame:
            frame = gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapely.from_wkb(frame["geometry"]))
        return found | self.frame(frame)

    def _page(self, html: str) -> set[str]:
        payload = re.search(r'<script type="application/json" id="gridmap-data">(.*?)</script>', html, re.S)
        if payload is None:
            return set()
        data = json.loads(payload.group(1))
        found = self.text(json.dumps(data, ensure_ascii=False))
        for draw in _find(data, lambda v: isinstance(v, dict) and v.get("type") == "outlines"):
            found |= self.places(outline_points(draw), tolerance_m=0.6)
        for packed in _find(data, lambda v: isinstance(v, str) and len(v) > 8 and re.fullmatch(r"[A-Za-z0-9+/=]+", v)):
            try:
                found |= self._raw(zlib.decompress(base64.b64decode(packed)))
            except (zlib.error, ValueError):
                continue
        return found


def outline_points(draw: dict) -> np.ndarray:
    """The corners of a page's outlines, as its scripts decode them."""
    raw = zlib.decompress(base64.b64decode(draw["xy"]))
    values, value, shift = [], 0, 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            values.append((value >> 1) ^ -(value & 1))
            value = shift = 0
    return np.cumsum(np.array(values, float).reshape(-1, 2), axis=0) / draw["scale"]


def _find(value, test):
    if test(value):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _find(child, test)
