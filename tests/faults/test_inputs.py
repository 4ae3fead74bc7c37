"""Inputs that are broken or mean harm: nothing is written, nothing is executed, one clear line."""

import gzip
import resource
import stat
import zipfile

import pandas as pd
import pytest

from gridmap.errors import GridmapError, ReadError, SettingError
from gridmap.read import file_access
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents
from gridmap.runs import run as run_module
from gridmap.runs import run_pipeline
from gridmap.runs.input_files import check_confined

from .conftest import Town, contents, refused

HEAD, ROW = b"date,category,lon,lat\n", b"2024-03-05,theft,-1.53,53.77\n"


def test_an_input_that_changes_while_it_is_read_ends_the_run(town, tmp_path, monkeypatch):
    read = run_module.read_incident_files

    def changing(paths, **options):
        found = read(paths, **options)
        with paths[0].open("a", encoding="utf-8") as file:
            file.write("2024-03-05,theft,-1.53,53.77\n")
        return found

    monkeypatch.setattr(run_module, "read_incident_files", changing)
    with pytest.raises(ReadError, match=r"points\.csv was changed while it was read"):
        run_pipeline(town.pipeline(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("packed", ["csv", "csv.gz", "zip"])
@pytest.mark.parametrize("first", [True, False])
def test_a_line_without_an_end_is_refused(tmp_path, monkeypatch, packed, first):
    monkeypatch.setattr(file_access, "LONGEST_LINE", 2 << 20)
    text = (b"" if first else HEAD + ROW) + b"x" * (3 << 20)
    path = tmp_path / f"points.{packed}"
    if packed == "csv":
        path.write_bytes(text)
    elif packed == "csv.gz":
        path.write_bytes(gzip.compress(text))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("points.csv", text)
    with pytest.raises(ReadError, match="a line of more than 2 MB"):
        read_incidents(path)


@pytest.mark.slow
def test_two_gigabytes_in_one_line_are_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "points.csv"
    with path.open("wb") as file:
        file.write(HEAD + ROW)
        file.truncate(2 << 30)  # a sparse file: zero bytes, and no line end
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ReadError, match="a line of more than 16 MB"):
        read_incidents(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KB


@pytest.mark.parametrize("kind", ["csv.gz", "zip", "xlsx", "zipped shapefile"])
def test_a_zip_bomb_is_not_unpacked(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(file_access, "SMALL", 1 << 20)
    text = HEAD + ROW + b"\n" * (8 << 20)
    path = tmp_path / f"points.{'zip' if 'zip' in kind else kind}"
    if kind == "csv.gz":
        path.write_bytes(gzip.compress(text))
    else:
        member = {"zip": "points.csv", "xlsx": "xl/worksheets/sheet1.xml"}.get(kind, "zones.shp")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, text)
    read = read_boundaries if "shape" in kind else read_incidents
    with pytest.raises(ReadError, match="as no table does"):
        read(path)


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path):
    path = tmp_path / "points.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.csv", HEAD + ROW * 100_000)
    raw = path.read_bytes()
    size = len(HEAD + ROW * 100_000).to_bytes(4, "little")
    path.write_bytes(raw.replace(size, (1000).to_bytes(4, "little")))
    with pytest.raises(ReadError, match="Export it again"):
        read_incidents(path)


@pytest.mark.parametrize("name", ["../out.csv", "/etc/out.csv", "a/../../out.csv", "..\\out.csv", "C:\\out.csv"])
@pytest.mark.parametrize("read", [read_incidents, read_boundaries])
def test_a_zip_with_names_that_lead_out_is_refused(tmp_path, name, read):
    with zipfile.ZipFile(tmp_path / "points.zip", "w") as archive:
        archive.writestr("points.csv", HEAD + ROW)
        archive.writestr(name, b"harm")
    with pytest.raises(ReadError, match="leads out of the archive"):
        read(tmp_path / "points.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["points.zip"]


def test_a_zip_with_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("points.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "points.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ReadError, match="holds a link"):
        read_incidents(tmp_path / "points.zip")


@pytest.mark.parametrize(
    "text, words",
    [
        ('title: !!python/object/apply:os.system ["touch harm"]\n', "the tag"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors and aliases"),
        ("title: " + "[" * 1500 + "\n", ""),
    ],
)
def test_a_yaml_that_means_harm_is_refused(gridmap, tmp_path, text, words):
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    refused(gridmap("run", "p.yaml", cwd=tmp_path), "p.yaml", words)
    assert [p.name for p in tmp_path.iterdir()] == ["p.yaml"]


def test_quotes_and_semicolons_in_column_names_stay_names(town, tmp_path):
    hostile = ['x"; DROP TABLE incidents; --', "x'); SELECT 1; --", "=cmd|' /C calc'!A0", "<script>alert(1)</script>"]
    points = pd.read_csv(town.folder / "points.csv")
    for i, name in enumerate(hostile):
        points[name] = [hostile[i]] * len(points)
    points["category"] = hostile[0]
    points.to_csv(town.folder / "points.csv", index=False)
    step = {"getis_ord": {"order": 1}, "category": hostile[0]}
    report = run_pipeline(town.pipeline(hotspots=[step]), tmp_path / "out")
    assert len(report.incidents) == 260
    page = (tmp_path / "out" / "map.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in page
    aside = (tmp_path / "out" / "set_aside.csv").read_text(encoding="utf-8-sig")
    assert "\n=" not in aside
    assert ",=" not in aside


@pytest.mark.parametrize("name", ["with space", "网格 地图", "🗺️ map", "quote's; & $(touch harm)"])
def test_paths_with_spaces_chinese_and_emoji(gridmap, tmp_path, name):
    town = Town(tmp_path / name)
    done = gridmap("run", town.file(), "--out", town.folder / f"out {name}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {"map.html", "l.gpkg", "c.parquet"} <= {p.name for p in (town.folder / f"out {name}").iterdir()}
    assert [p.name for p in tmp_path.iterdir()] == [name]


OUTSIDE = {
    "a parent": {"incidents": {"path": "../points.csv"}},
    "an absolute path": {"incidents": {"path": "{here}/points.csv"}},
    "a link": {"incidents": {"path": "link.csv"}},
    "a link to a folder": {"incidents": {"path": "folder/points.csv"}},
    "an address": {"incidents": {"path": "postgresql://user@host/db", "table": "cases"}},
    "a virtual file": {"boundaries": {"path": "{here}/zones.geojson"}},
    "roads": {"patrol": {"units": 1, "shift_h": 1, "roads": "../zones.geojson"}},
    "units": {"patrol": {"units": "{here}/points.csv", "shift_h": 1}},
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_a_confined_pipeline_reads_nothing_outside_its_folder(gridmap, tmp_path, what):
    town, elsewhere = Town(tmp_path / "town"), Town(tmp_path)
    (town.folder / "link.csv").symlink_to(tmp_path / "points.csv")
    (town.folder / "folder").symlink_to(tmp_path)
    changes = {
        stage: {k: v.replace("{here}", str(tmp_path)) if isinstance(v, str) else v for k, v in options.items()}
        for stage, options in OUTSIDE[what].items()
    }
    before = contents(elsewhere.folder)
    path = town.file(**changes)
    refused(gridmap("run", path, "--out", town.folder / "out", "--confined"), "--confined")
    assert contents(elsewhere.folder) == before | {"town/p.yaml": path.read_bytes()}


def test_a_confined_pipeline_writes_nothing_outside_its_folder(town, gridmap, tmp_path):
    refused(gridmap("run", town.file(), "--out", tmp_path / "out", "--confined"), "--out")
    (town.folder / "link").symlink_to(tmp_path)
    refused(gridmap("run", town.file(), "--out", town.folder / "link" / "out", "--confined"), "--out")
    assert {p.name for p in tmp_path.iterdir()} == {"town"}
    done = gridmap("run", town.file(), "--out", town.folder / "out", "--confined")
    assert done.returncode == 0, done.stderr


def copied_at(pipeline, path):
    """The pipeline as if it had been read from another place."""
    moved = pipeline.model_copy()
    moved._path = path
    return moved


def test_a_confined_pipeline_is_the_file_itself_and_its_archives_are_closed(town, tmp_path):
    (tmp_path / "p.yaml").symlink_to(town.file())
    pipeline = town.pipeline()
    check_confined(pipeline, town.folder / "out")
    with pytest.raises(SettingError, match="is a link"):
        check_confined(copied_at(pipeline, tmp_path / "p.yaml"), tmp_path / "out")
    with zipfile.ZipFile(town.folder / "points.zip", "w") as archive:
        archive.writestr("../points.csv", HEAD + ROW)
    with pytest.raises(GridmapError, match="leads out"):
        check_confined(town.pipeline(incidents={"path": "points.zip"}), town.folder / "out")
