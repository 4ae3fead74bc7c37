"""read_incidents: rows in = used + set aside; roles in two languages; mistakes named in one line."""

import gzip
import zipfile
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from shapely.geometry import Point, box

from gridmap.errors import CRSError, InputError, ReadError, SettingError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents

DATA = Path(__file__).parents[2] / "data" / "west_yorkshire"
JULY = DATA / "2018-07-west-yorkshire-street.csv.gz"
HEADER = "案件编号,案发时间,案由,经度,纬度,报警人,联系电话\n"
ROWS = [
    "A1,2024年3月5日下午3时,盗窃,116.397,39.913,张伟,13812345678",
    "A2,2024-03-06 24:00,诈骗,116.398,39.914,李娜,13912345678",
    "A3,2024/3/7,盗窃,,,王芳,13712345678",
]


@pytest.fixture
def small(tmp_path):
    def write(text, name="案件.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def test_west_yorkshire_counts_every_row():
    incidents = read_incidents(JULY)
    raw = pd.read_csv(JULY)
    missing = raw["Longitude"].isna() | raw["Latitude"].isna()
    assert len(raw) == 31_635
    assert len(incidents) + len(incidents.set_aside) == len(raw)
    assert list(incidents.set_aside["row"]) == list(np.flatnonzero(missing) + 1)
    assert set(incidents.set_aside["reason"]) == {"no_coordinates"}
    frame = incidents.to_frame()
    assert np.array_equal(frame["lon"], raw.loc[~missing, "Longitude"])
    assert list(frame["category"]) == list(raw.loc[~missing, "Crime type"])
    assert (frame["occurred_from"] == pd.Timestamp("2018-07-01")).all()
    assert (frame["occurred_to"] == pd.Timestamp("2018-08-01")).all()
    assert incidents.source["columns"]["incident_id"] == "Crime ID"


def test_path_frame_and_zip_give_the_same(tmp_path):
    raw = pd.read_csv(JULY, dtype=str)
    from_path = read_incidents(JULY)
    from_frame = read_incidents(raw)
    with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("七月/案件.csv", gzip.decompress(JULY.read_bytes()))
    raw.to_parquet(tmp_path / "z.parquet")
    for other in (from_frame, read_incidents(tmp_path / "z.zip"), read_incidents(tmp_path / "z.parquet")):
        pd.testing.assert_frame_equal(other.to_frame(), from_path.to_frame())
        assert list(other.set_aside["row"]) == list(from_path.set_aside["row"])


def test_chinese_export(small):
    incidents = read_incidents(
        small("2024年案件表,,,,,,\n" + HEADER + "\n".join(ROWS) + "\n", encoding="gbk"), datum="wgs84"
    )
    frame = incidents.to_frame()
    assert list(frame["incident_id"]) == ["A1", "A2"]
    assert list(frame["occurred_from"]) == [pd.Timestamp("2024-03-05 15:00"), pd.Timestamp("2024-03-07 00:00")]
    assert not {"报警人", "联系电话"} & set(frame.columns)
    assert set(incidents.source["dropped"]) == {"报警人", "联系电话"}
    assert incidents.source["timezone"] == "Asia/Shanghai"
    assert incidents.set_aside[["row", "reason"]].to_numpy().tolist() == [[3, "no_coordinates"]]
    text = incidents.set_aside.to_csv() + frame.to_csv() + repr(incidents)
    assert not any(secret in text for secret in ("张伟", "李娜", "王芳", "13812345678"))


def test_datum_must_be_said_for_china(small):
    path = small(HEADER + "\n".join(ROWS))
    with pytest.raises(CRSError, match="gcj02"):
        read_incidents(path)
    moved = read_incidents(path, datum="gcj02").to_frame()
    assert np.hypot((116.397 - moved["lon"][0]) * 85_000, (39.913 - moved["lat"][0]) * 111_000) == pytest.approx(
        550, abs=150
    )
    said = read_incidents(
        small((HEADER + "\n".join(ROWS)).replace("经度", "经度(GCJ-02)").replace("纬度", "纬度(GCJ-02)"))
    )
    assert said.source["datum"] == "gcj02"
    assert said.to_frame()["lon"][0] == moved["lon"][0]


def test_exchanged_columns_are_one_clear_error(small):
    swapped = small(HEADER.replace("经度,纬度", "纬度,经度") + "\n".join(ROWS))
    with pytest.raises(InputError, match=r"exchanged.*columns=\{'lon': '纬度', 'lat': '经度'\}"):
        read_incidents(swapped, datum="wgs84")
    good = read_incidents(swapped, datum="wgs84", columns={"lon": "纬度", "lat": "经度"})
    assert good.to_frame()["lon"][0] == 116.397
    repaired = read_incidents(swapped, datum="wgs84", repair=["swapped"])
    assert repaired.to_frame()["lon"][0] == 116.397
    assert repaired.source["repaired"] == {"swapped": 2}


def test_exchanged_columns_in_england_are_told_by_the_boundaries():
    zones = read_boundaries(DATA / "lsoa_2011.geojson")
    raw = pd.read_csv(JULY, nrows=500).rename(columns={"Longitude": "Latitude", "Latitude": "Longitude"})
    with pytest.raises(InputError, match="exchanged"):
        read_incidents(raw, boundaries=zones)
    raw = pd.read_csv(JULY, nrows=500)
    with pytest.raises(InputError, match=r"minus.*repair=\['sign'\]"):
        read_incidents(raw.assign(Longitude=-raw["Longitude"]), boundaries=zones)
    assert (
        len(read_incidents(raw.assign(Longitude=-raw["Longitude"]), boundaries=zones, repair="sign"))
        == 500 - raw["Longitude"].isna().sum()
    )
    with pytest.raises(InputError, match="same place"):
        read_incidents(raw.assign(Longitude=raw["Longitude"] + 30), boundaries=zones)


def test_a_territory_on_the_meridian_loses_no_signs():
    london = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[box(-0.5, 51.3, 0.3, 51.7)], crs=4326)
    frame = pd.DataFrame({"lon": [-0.2, 0.1, 0.45], "lat": [51.5, 51.5, 51.5], "type": "a", "date": "2024-01-02"})
    assert len(read_incidents(frame, boundaries=london)) == 3


def test_some_exchanged_rows_are_set_aside_and_repaired_on_request(small):
    rows = [f"B{i},2024-03-0{i + 1},盗窃,116.4{i},39.9{i},x,1" for i in range(5)] + [
        "B9,2024-03-09,盗窃,39.91,116.41,x,1"
    ]
    path = small(HEADER + "\n".join(rows))
    incidents = read_incidents(path, datum="wgs84")
    assert incidents.set_aside[["row", "reason", "found"]].to_numpy().tolist() == [
        [6, "swapped", "经度=39.91; 纬度=116.41"]
    ]
    repaired = read_incidents(path, datum="wgs84", repair=["swapped"])
    assert len(repaired) == 6
    assert repaired.to_frame()["lon"].iloc[-1] == 116.41


def test_wrong_files_are_one_clear_line(small, tmp_path):
    cases = [
        (tmp_path / "none.csv", ReadError, "no file"),
        (tmp_path, ReadError, "folder"),
        (small("", "zero.csv"), ReadError, "empty"),
        (small(" \n\n", "blank.csv"), ReadError, "blank"),
        (small("lon,lat,type\n", "header.csv"), InputError, "no rows"),
        (small("a,b\n1,x\n2,y\n", "shape.csv"), InputError, "no coordinate columns.*a, b"),
        (small("lon,b\n1,x\n2,y\n", "half.csv"), InputError, "none for lat"),
        (small("x", "a.docx"), ReadError, "format"),
        (small("PK rubbish", "a.zip"), ReadError, "zip"),
        (small("rubbish", "a.csv.gz"), ReadError, "unpacked"),
        (small("rubbish", "a.parquet"), ReadError, "Parquet"),
    ]
    for path, error, match in cases:
        with pytest.raises(error, match=match) as caught:
            read_incidents(path)
        assert "\n" not in str(caught.value)
    (tmp_path / "noise.csv").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(ReadError, match="not a table of text"):
        read_incidents(tmp_path / "noise.csv")
    with pytest.raises(InputError, match="int"):
        read_incidents(3)


def test_wrong_settings_are_named(small):
    path = small(HEADER + "\n".join(ROWS))
    for kwargs, match in [
        ({"datum": "gcj"}, "Did you mean 'gcj02'"),
        ({"timezone": "Asia/Peking2"}, "timezone"),
        ({"duplicates": "drop"}, "keep, remove"),
        ({"repair": ["swaped"]}, "Did you mean 'swapped'"),
        ({"columns": {"longitud": "经度"}}, "Did you mean"),
        ({"columns": {"lon": "经"}}, "no column '经'"),
        ({"columns": ["经度"]}, "maps a role"),
        ({"encoding": "utf-88"}, "encoding"),
        ({"date_order": "ydm"}, "ymd, dmy, mdy"),
        ({"columns": {"category": "报警人"}}, "personal"),
        ({"crs": "nonsense"}, "coordinate reference system"),
    ]:
        with pytest.raises((SettingError, InputError), match=match):
            read_incidents(path, **{"datum": "wgs84", **kwargs})


def test_geodataframe_says_its_crs():
    frame = gpd.GeoDataFrame(
        {"type": ["a", "b", "c"]}, geometry=[Point(500_000, 4_400_000), None, box(0, 0, 1, 1)], crs="EPSG:32650"
    )
    incidents = read_incidents(frame)
    assert len(incidents) == 1
    assert incidents.to_frame()["lon"][0] == pytest.approx(117)
    assert dict(zip(incidents.set_aside["row"], incidents.set_aside["reason"], strict=True)) == {
        2: "no_coordinates",
        3: "not_a_point",
    }
    with pytest.raises(CRSError, match="without a CRS"):
        read_incidents(gpd.GeoDataFrame({"a": [1]}, geometry=[Point(1, 1)]))
    with pytest.raises(InputError, match="no points but Polygon"):
        read_incidents(gpd.GeoDataFrame({"a": [1]}, geometry=[box(0, 0, 1, 1)], crs=4326))


def test_duplicates_are_counted_and_removed_only_on_request(small):
    path = small(
        "id,date,lon,lat,type\n1,2024-01-02 10:00,1.5,50,a\n1,2024-01-02 10:00,1.5,50,a\n2,2024-01-03 10:00,1.5,50,a\n"
    )
    assert read_incidents(path).source["duplicates"] == 1
    assert len(read_incidents(path)) == 3
    removed = read_incidents(path, duplicates="remove")
    assert removed.set_aside[["row", "reason"]].to_numpy().tolist() == [[2, "duplicate"]]
    month = small("date,lon,lat,type\n2024-01,1.5,50,a\n2024-01,1.5,50,a\n", "month.csv")
    assert len(read_incidents(month, duplicates="remove")) == 2  # two thefts of one month are two thefts


def test_rows_seen_before_are_found_in_any_batch_and_each_key_is_kept_once():
    from gridmap.read.row_conversion import SeenRows

    rng, seen = np.random.default_rng(0), SeenRows(SimpleNamespace(roles={"incident_id": "id"}), find=True)
    batches = [pa.table({"incident_id": rng.integers(0, 400, 50).astype(str)}) for _ in range(20)]
    found = np.concatenate([seen.again(batch) for batch in batches])
    ids = pd.concat([batch.to_pandas() for batch in batches])["incident_id"]
    assert found.tolist() == ids.duplicated().tolist()
    assert seen.total() == ids.duplicated().sum()
    assert sum(map(len, seen.runs)) == ids.nunique()
    assert len(seen.runs) < 8  # a batch is put to few runs, not to every batch before it


def test_patrol_found_from_the_source_column(small):
    rows = "\n".join(f"2024-01-02,1.5,50,{s}" for s in ("巡逻发现", "110报警", "其他", ""))
    incidents = read_incidents(small("案发时间,经度,纬度,发现方式\n" + rows + "\n"))
    assert incidents.to_frame()["officer_initiated"].tolist() == [True, False, None, None]


def test_every_nth_place_is_looked_at_without_holding_the_others():
    from gridmap.read.incidents import _thinned

    table = pa.table({"lon": np.arange(1000.0), "lat": np.arange(1000.0)})
    lon, lat = _thinned(SimpleNamespace(data=table), 10)
    assert lon.tolist() == lat.tolist() == np.arange(0.0, 1000, 10).tolist()
    assert not np.shares_memory(lon, table["lon"].chunk(0).to_numpy())


def test_a_streamed_file_equals_one_in_memory(monkeypatch):
    import gridmap.read.sources as module

    whole = read_incidents(JULY)
    monkeypatch.setattr(module, "IN_MEMORY", 0)
    streamed = read_incidents(JULY)
    assert not hasattr(streamed.data, "num_rows")
    pd.testing.assert_frame_equal(streamed.to_frame(), whole.to_frame())
    pd.testing.assert_frame_equal(streamed.set_aside, whole.set_aside)
    folder = Path(streamed.data.files[0]).parent
    assert folder.exists()
    del streamed
    assert not folder.exists()
