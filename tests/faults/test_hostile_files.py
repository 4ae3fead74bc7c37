"""A file is only what its name says: whatever it names besides itself is neither opened nor asked for.

The attacks run in a process of their own under an audit hook that records each file opened, each program started and
each socket made by Python; `strace`, where there is one, records those of GDAL, SQLite and PROJ as well.
"""

import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

from gridmap.errors import CRSError, GridmapError, InputError, ReadError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.features import read_features
from gridmap.read.incidents import read_incidents
from gridmap.read.metric_projection import as_crs
from gridmap.read.rasters import read_pixels

from ..command import LONGEST

SQUARE = shapely.box(-1.6, 53.7, -1.5, 53.8)
SECRET = "secret-canary-4711"
ROOT = pathlib.Path(__file__).parents[2]

WATCHED = """
import json, os, sys
events = []
def hook(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        events.append(["open", os.fsdecode(args[0])])
    elif event.startswith(("socket.", "subprocess.", "os.exec", "os.system", "os.posix_spawn")):
        events.append([event, str(args)[:200]])
import gridmap, pyogrio, rasterio, sqlite3, geopandas, pyproj, pyarrow.parquet, pyarrow.csv, python_calamine
from gridmap.errors import GridmapError
from gridmap.read.features import read_features
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents
from gridmap.read.roads import read_roads
sys.addaudithook(hook)
open("BEGIN-MARK", "w").close()
for name in NAMES:
    for reader in (read_boundaries, read_incidents, read_features, read_roads):
        try:
            print(reader(name).to_json() if reader is not read_incidents else reader(name).to_frame().to_json())
        except GridmapError as problem:
            print(name, reader.__name__, type(problem).__name__, problem)
open("END-MARK", "w").close()
print("EVENTS", json.dumps(events))
"""


def watched(folder, names):
    """Read files with every reader: what was printed, and every file and socket touched, as the kernel saw it."""
    command = [sys.executable, "-c", WATCHED.replace("NAMES", repr(list(names)))]
    trace = folder.parent / f"{folder.name}.trace"
    strace = shutil.which("strace")
    if strace:
        command = [strace, "-f", "-e", "trace=open,openat,connect,socket,execve", "-o", str(trace), *command]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False)
    assert "EVENTS" in done.stdout, done.stderr[-2000:]
    events = json.loads(done.stdout.split("EVENTS ", 1)[1])
    touched = [name for kind, name in events if kind == "open"]
    sockets = [event for event in events if event[0] != "open"]
    if strace:
        lines = trace.read_text(errors="replace").split("BEGIN-MARK", 1)[1].split("END-MARK", 1)[0].splitlines()
        touched += [m[1] for line in lines if (m := re.search(r'open(?:at)?\([^"]*"([^"]+)"', line))]
        sockets += [line for line in lines if re.search(r"connect\(|socket\(AF_INET", line)]
    return done.stdout, touched, sockets


@pytest.fixture
def folder(tmp_path):
    """A folder to read in, and beside it what must not be read."""
    outside = tmp_path / "outside"
    outside.mkdir()
    frame = gpd.GeoDataFrame({"zone_id": [SECRET], "lon": [1.0], "lat": [2.0]}, geometry=[SQUARE], crs=4326)
    frame.to_file(outside / "secret.geojson")
    frame.to_file(outside / "secret.gpkg")
    pd.DataFrame({"id": [SECRET], "lon": [-1.55], "lat": [53.75]}).to_csv(outside / "secret.csv", index=False)
    inside = tmp_path / "inside"
    inside.mkdir()
    return inside


def vrt(folder, source="secret.geojson"):
    path = folder.parent / "outside" / source
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource relativeToVRT="0">{path}</SrcDataSource>'
        "</OGRVRTLayer></OGRVRTDataSource>"
    )


def pipeline_algorithm(folder):
    path = folder.parent / "outside" / "secret.geojson"
    return json.dumps(
        {"type": "gdal_streamed_alg", "command_line": f"gdal vector pipeline ! read {path} ! write stream"}
    )


def polyglot(folder):
    feature = {"type": "Feature", "properties": json.loads(pipeline_algorithm(folder)), "geometry": None}
    return json.dumps({**json.loads(pipeline_algorithm(folder)), "features": [feature]})


KML = '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
GML = '<gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml">{}</gml:FeatureCollection>'
WFS = "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>"


def hostile_texts(folder):
    """Name of the file → its content, each of which made GDAL open another file or an address."""
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{folder.parent}/outside/secret.csv">]>'
    texts = {}
    for end in ("geojson", "json", "gpkg", "kml", "gml", "shp", "fgb"):
        texts[f"vrt.{end}"] = vrt(folder)
        texts[f"wfs.{end}"] = WFS
        texts[f"alg.{end}"] = pipeline_algorithm(folder)
    return {
        **texts,
        "both.geojson": polyglot(folder),
        "comment.kml": f"<!-- {vrt(folder)} -->" + KML.format(""),
        "inside.kml": KML.format(vrt(folder)),
        "inside.gml": GML.format(vrt(folder)),
        "entity.kml": entity + KML.format("<Placemark><name>&e;</name></Placemark>"),
        "entity.gml": entity + GML.format("&e;"),
        "stac.json": json.dumps(
            {"type": "FeatureCollection", "stac_version": "1.0.0", "links": [{"href": "http://127.0.0.1:9/"}]}
        ),
        "esri.json": json.dumps({"error": 1, "features": [], "geometryType": "x", "href": "http://127.0.0.1:9/"}),
    }


def names_of_hostile_texts():
    return sorted(hostile_texts(pathlib.Path("/x/y")))


@pytest.mark.parametrize("name", names_of_hostile_texts())
def test_a_file_that_names_another_is_refused_or_read_as_what_it_says(folder, name):
    (folder / name).write_text(hostile_texts(folder)[name])
    for read in (read_boundaries, read_incidents, read_features):
        try:
            found = str(read(folder / name))
        except GridmapError as problem:
            found = str(problem)
        assert SECRET not in found


def test_nothing_is_opened_but_the_file_itself_and_no_socket_is_made(folder):
    """All attacks in one process, watched by Python's audit hook and, where it is installed, by strace."""
    texts = hostile_texts(folder)
    for name, text in texts.items():
        (folder / name).write_text(text)
    good = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326)
    link = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}}
    (folder / "link.geojson").write_text(json.dumps({**json.loads(good.to_json()), "crs": link}))
    good.to_file(folder / "good.gpkg")
    good.to_file(folder / "good.shp")
    good.to_parquet(folder / "good.parquet")
    pd.DataFrame({"lon": [-1.55], "lat": [53.75]}).to_excel(folder / "good.xlsx", index=False)
    names = [*texts, "link.geojson", "good.gpkg", "good.shp", "good.parquet", "good.xlsx"]
    output, touched, sockets = watched(folder, names)
    assert SECRET not in output
    assert not [name for name in touched if "outside" in name]
    assert sockets == []
    system = (
        "/usr/",
        "/lib",
        "/etc/ld",
        "/etc/localtime",
        "/proc/",
        "/sys/",
        "/dev/",
        "/opt/",
        sys.prefix,
        sys.base_prefix,
    )
    packages = [str(p) for p in map(pathlib.Path, sys.path) if str(p)]
    beside = {"good.shx", "good.dbf", "good.prj", "good.cpg", "BEGIN-MARK", "END-MARK"}
    strange = [
        name
        for name in touched
        if pathlib.Path(name).name not in {*names, *beside} and not name.startswith((*system, *packages, str(ROOT)))
    ]
    assert [name for name in strange if pathlib.Path(folder / name).is_file()] == []


def test_a_crs_by_link_is_refused_and_not_asked_for(folder):
    good = json.loads(gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326).to_json())
    link = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs", "type": "proj4"}}
    (folder / "link.geojson").write_text(json.dumps({**good, "crs": link}))
    with pytest.raises(CRSError, match="link"):
        read_boundaries(folder / "link.geojson")


@pytest.mark.parametrize(
    "said",
    [
        "+proj=longlat +nadgrids=/etc/passwd +type=crs",
        "+proj=longlat +geoidgrids=/etc/passwd +type=crs",
        "+init=/etc/passwd:1",
        "http://127.0.0.1:9/crs.wkt",
        "@/etc/passwd",
        "/etc/passwd",
    ],
)
def test_a_crs_that_names_a_file_is_refused(said):
    with pytest.raises(CRSError, match="names a file or an address"):
        as_crs(said)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("EPSG:4490", "China Geodetic Coordinate System 2000"),
        (4527, "CGCS2000 / 3-degree Gauss-Kruger zone 39"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "WGS 84 (CRS84)"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "WGS 84"),
    ],
)
@pytest.mark.filterwarnings("ignore:'\\\\+init")
def test_a_crs_by_its_code_is_taken(said, name):
    assert as_crs(said).name == name


def test_a_projection_file_with_a_grid_is_refused(folder):
    gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326).to_file(folder / "z.shp")
    wkt = (folder / "z.prj").read_text()
    proj4 = 'EXTENSION["PROJ4","+proj=longlat +ellps=WGS84 +nadgrids=/etc/passwd +no_defs"]'
    (folder / "z.prj").write_text(wkt.replace('UNIT["Degree"', f'{proj4},UNIT["Degree"'))
    assert "nadgrids" in (folder / "z.prj").read_text()
    with pytest.raises(CRSError, match="names a file"):
        read_boundaries(folder / "z.shp")


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIRTUAL TABLE stolen USING VirtualOGR('{path}')",
        "CREATE VIRTUAL TABLE stolen USING VirtualShape('{path}', 'UTF-8', 4326)",
    ],
)
def test_a_geopackage_with_a_table_of_another_file_is_refused(folder, sql):
    path = folder / "z.gpkg"
    gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326).to_file(path)
    statement = sql.format(path=folder.parent / "outside" / "secret.geojson")
    con = sqlite3.connect(path)
    con.execute("PRAGMA writable_schema = ON")
    con.execute("INSERT INTO sqlite_master VALUES ('table', 'stolen', 'stolen', 0, ?)", [statement])
    con.commit()
    con.close()
    with pytest.raises(ReadError, match="refers to other files"):
        read_boundaries(path)


def test_a_view_that_opens_a_file_is_refused(folder):
    path = folder / "z.gpkg"
    gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326).to_file(path)
    con = sqlite3.connect(path)
    con.execute("CREATE VIEW v AS SELECT gdal_get_pixel_value('/etc/x.tif', 1, 'georef', 1, 1) AS p, * FROM z")
    con.commit()
    con.close()
    with pytest.raises(ReadError, match="refers to other files"):
        read_boundaries(path, layer="z")


def test_a_database_that_is_no_geopackage_is_refused(folder):
    con = sqlite3.connect(folder / "z.gpkg")
    con.execute("CREATE TABLE t (a)")
    con.commit()
    con.close()
    with pytest.raises(ReadError, match="not what its name says"):
        read_boundaries(folder / "z.gpkg")


def test_what_lies_in_an_archive_is_held_to_the_same(folder):
    for name, text, words in (
        ("z.geojson", vrt(folder), "not what its name says"),
        ("z.kml", KML.format(vrt(folder)), "refers to other files"),
        ("z.shp", vrt(folder), "not what its name says"),
    ):
        with zipfile.ZipFile(folder / "z.zip", "w") as archive:
            archive.writestr(name, text)
        with pytest.raises(ReadError, match=words):
            read_boundaries(folder / "z.zip")
    with zipfile.ZipFile(folder / "z.kmz", "w") as archive:
        archive.writestr("doc.kml", KML.format(vrt(folder)))
    with pytest.raises(ReadError, match="refers to other files"):
        read_boundaries(folder / "z.kmz")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("z.tif", "cannot be read as a raster"),
        ("z.asc", "cannot be read as a raster"),
        ("z.vrt", "refer to other files"),
        ("z.img", "refer to other files"),
    ],
)
def test_a_raster_that_names_another_is_refused(folder, name, words):
    text = (
        '<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:4326</SRS><GeoTransform>0,1,0,0,0,-1</GeoTransform>'
        f'<VRTRasterBand dataType="Byte" band="1"><SimpleSource><SourceFilename>{folder.parent}/outside/secret.tif'
        "</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    (folder / name).write_text(text)
    with pytest.raises(ReadError, match=words):
        read_features(folder / name)


def test_a_pipe_is_no_file(folder):
    os.mkfifo(folder / "z.geojson")
    with pytest.raises(ReadError, match="not a regular file"):
        read_boundaries(folder / "z.geojson")


def test_a_parquet_file_of_few_bytes_and_many_rows_is_refused(folder):
    rows = 6_000_000
    table = pa.table({name: pa.array(np.zeros(rows)) for name in ("lon", "lat", "a", "b", "c", "d", "e", "f")})
    pq.write_table(table, folder / "bomb.parquet", compression="zstd")
    assert (folder / "bomb.parquet").stat().st_size < 1_000_000
    with pytest.raises(ReadError, match="would unpack"):
        read_incidents(folder / "bomb.parquet")


def test_a_parquet_file_of_one_long_text_many_times_is_refused_before_it_is_unpacked(folder):
    long = pa.DictionaryArray.from_arrays(pa.array(np.zeros(20_000, np.int32)), pa.array(["x" * 100_000]))
    place = pa.array(np.linspace(0, 1, 20_000))
    table = pa.table({"lon": place, "lat": place, "text": long.cast(pa.dictionary(pa.int32(), pa.string()))})
    pq.write_table(table, folder / "bomb.parquet", store_schema=False)
    with pytest.raises(ReadError, match="of text"):
        read_incidents(folder / "bomb.parquet")


def test_an_honest_parquet_file_of_many_equal_values_is_read(folder):
    frame = pd.DataFrame(
        {"lon": np.linspace(-1.6, -1.5, 50_000), "lat": 53.7, "category": "Burglary", "id": range(50_000)}
    )
    frame.to_parquet(folder / "p.parquet")
    assert len(read_incidents(folder / "p.parquet")) == 50_000


@pytest.mark.parametrize(
    "name", ["a[1].geojson", "a*b.gpkg", "w?.csv", "x{1}.parquet", "z!z.shp", "k#1.csv", "100%.geojson"]
)
def test_a_literal_name_is_a_literal_name(folder, name):
    frame = gpd.GeoDataFrame({"zone_id": ["right"]}, geometry=[SQUARE], crs=4326)
    points = pd.DataFrame({"lon": [-1.55], "lat": [53.75], "id": ["right"]})
    for other in ("a1.geojson", "aXb.gpkg", "w1.csv", "x1.parquet"):
        (folder / other).write_bytes(b"")
    path = folder / name
    if path.suffix == ".csv":
        points.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        points.to_parquet(path)
    else:
        frame.to_file(folder / f"plain{path.suffix}")
        for part in folder.glob("plain.*"):
            part.rename(path.with_suffix(part.suffix))
    if path.suffix in (".csv", ".parquet"):
        assert read_incidents(path).to_frame()["incident_id"].tolist() == ["right"]
        assert len(read_features(path)) == 1
    else:
        assert read_boundaries(path)["zone_id"].tolist() == ["right"]


def test_a_database_of_an_unknown_kind_is_not_opened():
    with pytest.raises(ReadError, match="No such kind of database is read: 'duckdb'"):
        read_incidents("duckdb:////etc/passwd", table="select 1")


@pytest.mark.parametrize("damage", ["header", "content"])
def test_a_damaged_workbook_is_said_in_one_line(folder, damage):
    """Found by benchmarks/fuzz_readers.py, as are the next four."""
    pd.DataFrame({"lon": [-1.5], "lat": [53.7]}).to_excel(folder / "a.xlsx", index=False)
    data = bytearray((folder / "a.xlsx").read_bytes())
    at = data.index(b"xl/worksheets/sheet1.xml")
    if damage == "header":
        data[at - 30 : at - 26] = b"XXXX"
    else:
        data[at + 24 : at + 60] = b"\xff" * 36
    (folder / "a.xlsx").write_bytes(data)
    for reader in (read_incidents, read_features):
        with pytest.raises(ReadError, match=r"a\.xlsx is not a readable workbook"):
            reader(folder / "a.xlsx")


def test_a_layer_without_geometry_is_no_layer_of_places(folder):
    text = (
        '<ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml">'
        "<gml:featureMember><ogr:zones><ogr:code>a</ogr:code></ogr:zones></gml:featureMember></ogr:FeatureCollection>"
    )
    (folder / "zones.gml").write_text(text)
    with pytest.raises(GridmapError, match=r"zones\.gml"):
        read_features(folder / "zones.gml")


def test_a_corner_at_no_number_is_refused():
    from shapely import set_coordinates

    bent = set_coordinates(shapely.box(0, 0, 1, 1), [[0, 0], [0, 1], [np.nan, 1], [1, 0], [0, 0]])
    with pytest.raises(InputError, match="not finite"):
        read_boundaries(gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[bent], crs=4326))


def test_a_raster_at_no_place_is_refused(folder):
    import rasterio
    from rasterio.transform import Affine

    from gridmap.read.rasters import read_pixels

    profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "float32", "crs": 4326}
    with rasterio.open(folder / "a.tif", "w", transform=Affine(np.inf, 0, 0, 0, -1, 1), **profile) as made:
        made.write(np.ones((1, 2, 2), "float32"))
    with pytest.raises(GridmapError, match=r"a\.tif"):
        read_pixels(folder / "a.tif")


def test_a_pipeline_of_thousands_of_brackets_is_refused_at_once(folder):
    from gridmap.runs import read_pipeline

    (folder / "p.yaml").write_text("outputs: {map:" + "{" * 40_000)
    began = time.process_time()
    with pytest.raises(ReadError, match="nested too deeply"):
        read_pipeline(folder / "p.yaml")
    assert time.process_time() - began < 10


COMPUTED = {
    "without end": "CREATE VIEW v AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
    "SELECT x AS fid, geom FROM c, z",
    "by itself": "CREATE VIEW v AS SELECT a.* FROM z a, z b, z c, z d, z e, z f, z g, z h",
    "to a gigabyte": "CREATE VIEW v AS SELECT fid, geom, zeroblob(3000000) AS b FROM z",
    "with a function of GDAL": "CREATE VIEW v AS SELECT a.fid, ST_MinX(a.geom) x, zeroblob(3000000) b FROM z a",
    "in a column": "CREATE TABLE v (fid INTEGER, geom BLOB, b AS (zeroblob(fid * 300000)))",
}


@pytest.mark.parametrize("name", COMPUTED)
def test_a_geopackage_that_computes_without_end_is_refused(folder, monkeypatch, name):
    monkeypatch.setattr("gridmap.read.tables.vector.MOST_STEPS", 100)
    monkeypatch.setattr("gridmap.read.tables.vector.MOST_COMPUTED", 20_000_000)
    path = folder / "z.gpkg"
    gpd.GeoDataFrame({"zone_id": list(map(str, range(30)))}, geometry=[SQUARE] * 30, crs=4326).to_file(path)
    con = sqlite3.connect(path)
    con.execute(COMPUTED[name])
    if name == "in a column":
        con.execute("INSERT INTO v (fid, geom) SELECT fid, geom FROM z")
    con.commit()
    con.close()
    with pytest.raises(ReadError, match="computed without end"):
        read_boundaries(path)


def test_an_honest_view_of_a_geopackage_is_read(folder):
    path = folder / "z.gpkg"
    gpd.GeoDataFrame({"zone_id": ["a", "b"]}, geometry=[SQUARE, SQUARE], crs=4326).to_file(path)
    con = sqlite3.connect(path)
    con.execute("CREATE VIEW v AS SELECT * FROM z WHERE zone_id = 'a'")
    con.commit()
    con.close()
    assert len(read_boundaries(path, layer="z")) == 2


def test_a_table_whose_column_calls_another_file_is_refused(folder):
    path = folder / "z.gpkg"
    gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[SQUARE], crs=4326).to_file(path)
    con = sqlite3.connect(path)
    con.execute("PRAGMA writable_schema = ON")
    sql = "CREATE TABLE t (a, p AS (gdal_get_pixel_value('/etc/x.tif', 1, 'georef', 1, 1)))"
    con.execute("INSERT INTO sqlite_master VALUES ('table', 't', 't', 0, ?)", [sql])
    con.commit()
    con.close()
    with pytest.raises(ReadError, match="refers to other files"):
        read_boundaries(path)


@pytest.mark.parametrize("stage", ["boundaries", "incidents"])
def test_a_name_longer_than_names_may_be_is_told_in_one_line(folder, stage):
    """Found by benchmarks/fuzz_readers.py."""
    from gridmap.errors import SettingError
    from gridmap.runs import read_pipeline

    from .conftest import Town

    with pytest.raises(SettingError, match=r"no file|There is no"):
        read_pipeline(Town(folder).file(**{stage: {"path": f"{'9' * 400}.csv"}}))


def test_a_crs_without_a_code_is_not_searched_for(folder):
    """PROJ searches its whole database for a text, some seconds each; a file may hold thousands."""
    gpd.GeoDataFrame({"code": ["a"]}, geometry=[SQUARE], crs=4326).to_file(folder / "a.gml", driver="GML")
    text = (folder / "a.gml").read_text()
    assert len(read_features(folder / "a.gml")) == 1
    (folder / "a.gml").write_text(text.replace("urn:ogc:def:crs:EPSG::4326", "urn:ogc:def:crs:E\rG::4326"))
    with pytest.raises(ReadError, match="is not a code"):
        read_features(folder / "a.gml")


def test_text_of_parquet_that_is_not_utf8_is_told_in_one_line(folder):
    """Found by benchmarks/fuzz_readers.py."""
    wrong = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff\xfe"]).buffers())
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "note": wrong}), folder / "a.parquet")
    with pytest.raises(ReadError, match=r"a\.parquet"):
        read_incidents(folder / "a.parquet")


def test_a_name_of_a_column_of_parquet_that_is_not_utf8_is_told_in_one_line(folder):
    """Found by benchmarks/fuzz_readers.py."""
    pq.write_table(pa.table({"lon": [1.0], "lat": [2.0], "remarks": ["x"]}), folder / "a.parquet")
    (folder / "a.parquet").write_bytes((folder / "a.parquet").read_bytes().replace(b"remarks", b"\xff\xfemarks"))
    for read in (read_incidents, read_features):
        with pytest.raises(ReadError, match=r"a\.parquet"):
            read(folder / "a.parquet")


def test_a_name_in_an_archive_that_is_not_utf8_is_told_in_one_line(folder):
    """Found by benchmarks/fuzz_readers.py."""
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("\u6848\u4ef6.csv", "lon,lat\n1,2\n")
    wrong = (folder / "a.zip").read_bytes().replace("\u6848".encode(), b"\xfe\xfe\xfe")
    (folder / "a.zip").write_bytes(wrong)
    with pytest.raises(ReadError, match=r"a\.zip"):
        read_incidents(folder / "a.zip")


@pytest.mark.parametrize(
    "crs",
    ["+proj=longlat +R=1737400", "IAU_2015:30100", 'LOCAL_CS["site",UNIT["metre",1]]'],
    ids=["moon", "iau", "site"],
)
def test_a_crs_of_no_place_on_the_earth_is_told_in_one_line(folder, crs):
    """Found by benchmarks/fuzz_readers.py: a Moon's raster, and so a Moon's boundaries."""
    with pytest.raises(CRSError, match="longitude and latitude"):
        as_crs(crs)
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[SQUARE], crs=crs).to_file(folder / "a.gpkg")
    with pytest.raises(CRSError, match="longitude and latitude"):
        read_features(folder / "a.gpkg")
    shape = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": "uint8"}
    with rasterio.open(folder / "a.tif", "w", **shape, crs=crs, transform=rasterio.Affine(1, 0, 0, 0, -1, 2)) as raster:
        raster.write(np.ones((1, 2, 2), np.uint8))
    with pytest.raises(CRSError, match="longitude and latitude"):
        read_pixels(folder / "a.tif")


def test_half_a_character_of_json_is_replaced(folder):
    good = json.loads(gpd.GeoDataFrame({"name": ["x?y"]}, geometry=[SQUARE], crs=4326).to_json())
    (folder / "a.geojson").write_text(json.dumps(good).replace("x?y", "x\\ud800y\\ud83d\\ude00"))
    assert read_features(folder / "a.geojson")["name"].tolist() == ["x\ufffdy\U0001f600"]
