"""Damaged and hostile files, held to every reader: nothing but gridmap's own errors, no other file, no socket.

Files of each format are made, then cut, overwritten, spliced with each other and with names of other files and
addresses; each is read by each reader in a process of its own, under an audit hook that records what Python opens and
connects to. GDAL, SQLite and PROJ open files past that hook: a planted file outside holds a canary, and a listener on
127.0.0.1 counts who calls; both addresses are spliced into the files.

    nice python benchmarks/fuzz_readers.py [--minutes 10] [--seed 1]
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import socket
import sqlite3
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path

CANARY = "canary-4711-secret"
ENDINGS = (
    "geojson",
    "gpkg",
    "kml",
    "kmz",
    "shp",
    "dbf",
    "csv",
    "xlsx",
    "parquet",
    "tif",
    "yaml",
    "gml",
    "fgb",
    "zip",
    "ods",
    "xlsb",
    "mbtiles",
    "json",
)


def make_corpus(folder: Path) -> list[Path]:
    """One whole file of each format."""
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    import rasterio
    import shapely
    from rasterio.transform import from_origin

    boxes = [shapely.box(-1.6 + i / 20, 53.7, -1.55 + i / 20, 53.8) for i in range(3)]
    zones = gpd.GeoDataFrame({"code": list("abc"), "name": ["west", "middle", "东"]}, geometry=boxes, crs=4326)
    rows = pd.DataFrame({"date": "2024-03-05", "category": "theft", "lon": np.linspace(-1.6, -1.5, 40), "lat": 53.75})
    for name in ("zones.geojson", "zones.gpkg", "zones.shp", "zones.fgb"):
        zones.to_file(folder / name)
    zones.to_file(folder / "zones.kml", driver="KML", engine="pyogrio")
    zones.to_file(folder / "zones.gml", driver="GML", engine="pyogrio")
    zones.to_parquet(folder / "zones.parquet")
    rows.to_csv(folder / "rows.csv", index=False)
    rows.to_excel(folder / "rows.xlsx", index=False)
    rows.to_parquet(folder / "rows.parquet")
    with zipfile.ZipFile(folder / "zones.kmz", "w") as made:
        made.write(folder / "zones.kml", "doc.kml")
    with zipfile.ZipFile(folder / "zones.zip", "w") as made:
        for part in folder.glob("zones.[sdcp][hbrp]*"):
            made.write(part, part.name)
    with rasterio.open(
        folder / "pixels.tif", "w", driver="GTiff", width=8, height=8, count=1, dtype="float32", crs=4326,
        transform=from_origin(-1.6, 53.8, 0.01, 0.01),
    ) as made:  # fmt: skip
        made.write(np.ones((1, 8, 8), "float32"))
    (folder / "p.yaml").write_text(
        "boundaries: {path: zones.geojson}\ngrid: {system: h3, resolution: 8}\nincidents: {path: rows.csv}\n"
        "hotspots: [{getis_ord: {order: 1}}]\noutputs: {map: m.html}\n"
    )
    _spreadsheets(folder)
    with sqlite3.connect(folder / "tiles.mbtiles") as con:
        con.execute("create table tiles (zoom_level, tile_column, tile_row, tile_data)")
        con.execute("insert into tiles values (0, 0, 0, ?)", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0"])
    arc = {"type": "Topology", "arcs": [[[-1.6, 53.7], [-1.5, 53.7], [-1.5, 53.8], [-1.6, 53.7]]]}
    shape = {"type": "Polygon", "arcs": [[0]], "properties": {"code": "a"}}
    (folder / "zones.json").write_text(json.dumps(arc | {"objects": {"a": shape}}))
    return sorted(p for p in folder.iterdir() if p.suffix.lstrip(".") in ENDINGS)


def _spreadsheets(folder: Path) -> None:
    """An .ods and an .xlsb, which no package here writes."""
    names = "urn:oasis:names:tc:opendocument:xmlns"
    rows = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{v}</text:p></table:table-cell>' for v in row)
        + '<table:table-cell table:number-columns-repeated="9"/></table:table-row>'
        for row in (("date", "lon", "lat"), ("2024-03-05", "-1.55", "53.75"), ("2024-03-06", "-1.56", "53.76"))
    )
    spaces = "".join(f' xmlns:{n}="{names}:{n}:1.0"' for n in ("office", "table", "text"))
    with zipfile.ZipFile(folder / "rows.ods", "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{names}:manifest:1.0"><m:file-entry/></m:manifest>'
        )
        made.writestr(
            "content.xml",
            f"<office:document-content{spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="s">{rows}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )

    def record(kind: int, body: bytes = b"") -> bytes:
        head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
        return head + bytes([len(body)]) + body

    def text(value: str) -> bytes:
        return struct.pack("<I", len(value)) + value.encode("utf-16-le")

    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    links = "".join(
        f'<Relationship Id="{i}" Type="{office}/{kind}" Target="{place}"/>'
        for i, kind, place in (("a", "worksheet", "worksheets/sheet1.bin"), ("b", "sharedStrings", "sharedStrings.bin"))
    )
    cells = b"".join(
        record(0, struct.pack("<I", r) + bytes(21))
        + b"".join(
            record(7, struct.pack("<III", c, 0, c)) if r == 0 else record(5, struct.pack("<IId", c, 0, 50.0 + r + c))
            for c in (0, 1)
        )
        for r in range(4)
    )
    with zipfile.ZipFile(folder / "rows.xlsb", "w") as made:
        made.writestr("[Content_Types].xml", "<Types/>")
        made.writestr(
            "xl/workbook.bin",
            record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + text("a") + text("s")) + record(144)
            + record(132),
        )  # fmt: skip
        made.writestr("xl/_rels/workbook.bin.rels", f"<Relationships>{links}</Relationships>")
        made.writestr("xl/worksheets/sheet1.bin", record(129) + record(145) + cells + record(146) + record(130))
        texts = b"".join(record(19, b"\0" + text(name)) for name in ("lon", "lat"))
        made.writestr("xl/sharedStrings.bin", record(159, struct.pack("<II", 2, 2)) + texts + record(160))


def damaged(data: bytes, others: list[bytes], words: list[bytes], rng: random.Random) -> bytes:
    """One to four changes of a file's bytes."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del out[at:]
        elif kind == 1:
            out[at : at + rng.randint(1, 8)] = rng.randbytes(rng.randint(1, 8))
        elif kind == 2:
            out[at:at] = rng.choice(words)
        elif kind == 3:
            other = rng.choice(others)
            cut = rng.randrange(len(other) + 1)
            out[at:] = other[cut : cut + 20_000]
        elif kind == 4:
            out[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"))
        else:
            word = rng.choice(words)
            out[at : at + len(word)] = word
    return bytes(out)


def worker(folder: str, jobs, results) -> None:
    """Read what is named, with every reader; tell what came of it."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    warnings.simplefilter("ignore")
    import numpy as np

    import gridmap  # noqa: F401
    from gridmap.errors import GridmapError
    from gridmap.maps.basemaps import basemap
    from gridmap.read.boundaries import read_boundaries
    from gridmap.read.features import read_features
    from gridmap.read.gazetteer import Gazetteer
    from gridmap.read.incidents import read_incidents
    from gridmap.read.rasters import read_pixels
    from gridmap.read.roads import read_roads
    from gridmap.runs import read_pipeline

    def read_tiles(path: str):
        return basemap(path).for_page(np.array([[-1.6, 53.7, -1.5, 53.8]]))

    def read_names(path: str):
        return Gazetteer.of(path, datum="wgs84").index

    readers = (read_boundaries, read_incidents, read_features, read_roads, read_pixels, read_pipeline, read_names)
    events: list[str] = []

    def hook(event: str, args) -> None:
        if event == "open" and isinstance(args[0], str | bytes):
            events.append(os.fsdecode(args[0]))
        elif event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess", "os.system", "os.exec")):
            events.append(f"!{event} {str(args)[:100]}")

    sys.addaudithook(hook)
    for name in ("zones.geojson", "rows.csv", "rows.xlsx", "zones.gml", "rows.parquet", "pixels.tif", "p.yaml"):
        for reader in readers:  # modules are imported late
            with contextlib.suppress(GridmapError):
                str(reader(f"{folder}/{name}"))
    site = tuple(p for p in sys.path if p)
    own = (
        folder,
        *site,
        sys.prefix,
        sys.base_prefix,
        str(Path(__file__).parents[1]),
        "/usr/",
        "/proc/",
        "/sys/",
        "/dev/",
    )
    while (path := jobs.get()) is not None:
        for reader in (read_tiles,) if path.endswith(".mbtiles") else readers:
            events.clear()
            began = time.monotonic()
            said, fault = _tried(reader, path)
            if CANARY in said:
                fault = "the canary was read"
            opened = [name for name in events if name.startswith("!") or not _allowed(name, own)]
            if opened:
                fault = f"opened {opened[:3]}"
            if time.monotonic() - began > 20:
                fault = f"took {time.monotonic() - began:.0f} s"
            results.put((path, reader.__name__, fault))
        results.put((path, "done", None))


def _tried(reader, path: str) -> tuple[str, str | None]:
    """What a reader gave or said of a file, and what is wrong with that."""
    from gridmap.errors import GridmapError

    try:
        found = reader(path)
        return str(found.to_frame() if hasattr(found, "to_frame") else found), None
    except GridmapError as error:
        said = str(error)
        return said, f"more than one line: {said!r:.150}" if "\n" in said or "\r" in said else None
    except Exception as error:
        where = [f"{Path(f.filename).name}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
        return "", f"{type(error).__name__}: {str(error)[:150]} {'<'.join(where[-4:])}"


def _allowed(name: str, own: tuple[str, ...]) -> bool:
    temporary = os.path.realpath(tempfile.gettempdir())
    return not name.startswith("/") or name.startswith((*own, temporary + os.sep))


def main() -> None:
    """Fuzz for so many minutes, and print what was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    home = Path(tempfile.mkdtemp(prefix="fuzz-", dir=Path.cwd()))
    (home / "outside.csv").write_text(f"lon,lat,category\n1,2,{CANARY}\n")
    inside = home / "inside"
    inside.mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    port = listener.getsockname()[1]
    words = [
        *(f"{base}{home}/outside.csv".encode() for base in ("", "file://", "/vsizip/", "../outside.csv ")),
        f"http://127.0.0.1:{port}/x".encode(),
        f"/vsicurl/http://127.0.0.1:{port}/x".encode(),
        f'<!DOCTYPE x [<!ENTITY e SYSTEM "{home}/outside.csv">]>'.encode(),
        f"<OGRVRTDataSource><OGRVRTLayer name='o'><SrcDataSource>{home}/outside.csv</SrcDataSource>".encode(),
        f'"crs":{{"type":"link","properties":{{"href":"http://127.0.0.1:{port}/"}}}},'.encode(),
        *(b"\0", b"&e;", b"{{", b"}}", b"*x", b"&x ", b"!!python/object:os.system", b"-9" * 200, b"1e999", b"NaN"),
        *(b"[" * 3000, b"{" * 3000, b"</", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"\r\n", "东\u2028".encode()),
    ]
    corpus = make_corpus(inside)
    whole = {path: path.read_bytes() for path in corpus}
    context = multiprocessing.get_context("spawn")
    jobs, results = context.Queue(), context.Queue()
    process = context.Process(target=worker, args=(str(inside), jobs, results))
    process.start()
    until, tried, calls, faults = time.monotonic() + 60 * given.minutes, 0, 0, {}
    per_format: dict[str, int] = {}
    while time.monotonic() < until:
        source = rng.choice(corpus)
        ending = source.suffix if rng.random() < 0.85 else f".{rng.choice(ENDINGS)}"
        path = inside / f"f{tried}{ending}"
        path.write_bytes(damaged(whole[source], list(whole.values()), words, rng))
        if ending == ".shp":
            for part in (".shx", ".dbf", ".prj"):
                sidecar = whole.get(inside / f"zones{part}", (inside / f"zones{part}").read_bytes())
                path.with_suffix(part).write_bytes(
                    sidecar if rng.random() < 0.5 else damaged(sidecar, [b"x"], words, rng)
                )
        jobs.put(str(path))
        tried += 1
        per_format[ending] = per_format.get(ending, 0) + 1
        bad = False
        while True:
            try:
                _, reader, fault = results.get(timeout=90)
            except Exception:
                fault, reader = f"process ended or hung (exit {process.exitcode})", "?"
                process.kill()
                process.join()
                process = context.Process(target=worker, args=(str(inside), jobs, results))
                process.start()
                faults.setdefault(f"{ending} {fault}", []).append(path.name)
                bad = True
                break
            if reader == "done":
                break
            if fault:
                faults.setdefault(f"{ending} {reader} {fault}", []).append(path.name)
                bad = True
        try:
            listener.accept()
            calls += 1
            faults.setdefault("somebody called the listener", []).append(path.name)
        except BlockingIOError:
            pass
        if not bad:
            for part in inside.glob(f"{path.stem}.*"):
                part.unlink()
    jobs.put(None)
    process.join(30)
    print(json.dumps({"files": tried, "by_format": per_format, "calls": calls, "kept": str(inside)}, indent=1))
    for fault, names in sorted(faults.items()):
        print(len(names), fault, names[:3])


if __name__ == "__main__":
    main()
