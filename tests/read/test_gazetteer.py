"""Rows without coordinates are placed by the user's gazetteer, marked, and counted."""

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import CRSError, InputError, OutputError, SettingError
from gridmap.read.calendar_days import calendar_features
from gridmap.read.datum import from_wgs84
from gridmap.read.gazetteer import Gazetteer
from gridmap.read.incidents import read_incidents

CASES = pd.DataFrame(
    {
        "发生时间": ["2024-03-05 10:00"] * 5,
        "纠纷类型": ["物业"] * 5,
        "经度": [116.41, None, None, None, 0.0],
        "纬度": [39.91, None, None, None, 0.0],
        "地址": ["某处", "幸福社区3号楼", "", "不知何处", "和平 社区"],
        "所属社区": ["幸福社区", "幸福社区", "和平社区", "远方社区", "和平社区"],
    }
)
PLACES = pd.DataFrame({"名称": ["幸福社区", "和平社区"], "经度": [116.40, 116.42], "纬度": [39.90, 39.90]})


def test_rows_are_placed_marked_and_counted():
    incidents = read_incidents(CASES, datum="wgs84", gazetteer=Gazetteer.of(PLACES, datum="wgs84"))
    frame = incidents.to_frame()
    assert frame["lon"].tolist() == [116.41, 116.40, 116.42, 116.42]
    assert frame["placed_by"].fillna("").tolist() == ["", "地址", "所属社区", "地址"]
    assert frame["uncertainty_m"].isna().tolist() == [True, False, False, False]
    assert frame["uncertainty_m"].iloc[1] == pytest.approx(855, abs=5)
    assert incidents.source["repaired"] == {"placed": 3}
    assert incidents.set_aside[["row", "reason"]].to_numpy().tolist() == [[4, "no_coordinates"]]


def test_the_gazetteer_keeps_its_own_datum():
    lon, lat = from_wgs84(PLACES["经度"], PLACES["纬度"], datum="gcj02")
    shifted = PLACES.assign(经度=lon, 纬度=lat)
    frame = read_incidents(CASES, datum="wgs84", gazetteer=Gazetteer.of(shifted, datum="gcj02")).to_frame()
    assert np.allclose(frame["lon"], [116.41, 116.40, 116.42, 116.42], atol=1e-8)
    with pytest.raises(CRSError, match="datum"):
        read_incidents(CASES, datum="wgs84", gazetteer=shifted)


def test_a_file_without_any_coordinates_is_placed(tmp_path):
    (tmp_path / "g.csv").write_text("name,lon,lat,uncertainty_m\nNorth Ward,1.5,50,300\nSouth Ward,1.5,49,400\n")
    cases = pd.DataFrame({"date": ["2024-01-02"] * 3, "type": ["a"] * 3, "ward": ["north ward", "South Ward", "x"]})
    incidents = read_incidents(cases, gazetteer=tmp_path / "g.csv")
    assert incidents.to_frame()["uncertainty_m"].tolist() == [300, 400]
    assert len(incidents.set_aside) == 1


def test_gazetteer_mistakes_are_named():
    with pytest.raises(InputError, match="two different points"):
        Gazetteer(["a", "A"], [1, 2], [1, 2])
    with pytest.raises(InputError, match="column of names"):
        Gazetteer.of(pd.DataFrame({"q": ["a"], "lon": [1.0], "lat": [1.0]}))
    with pytest.raises(InputError, match="address or zone"):
        read_incidents(pd.DataFrame({"date": ["2024-01-02"], "k": ["x"]}), gazetteer=Gazetteer(["a"], [1], [1]))


def test_set_aside_is_written_whole(tmp_path):
    incidents = read_incidents(CASES, datum="wgs84")
    for name in ("set_aside.csv", "set_aside.parquet"):
        path = incidents.write_set_aside(tmp_path / name)
        back = pd.read_csv(path) if name.endswith("csv") else pd.read_parquet(path)
        assert back[["row", "reason"]].to_numpy().tolist() == incidents.set_aside[["row", "reason"]].to_numpy().tolist()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set_aside.csv", "set_aside.parquet"]
    with pytest.raises(SettingError, match="parquet"):
        incidents.write_set_aside(tmp_path / "a.txt")
    with pytest.raises(OutputError, match="cannot be written"):
        incidents.write_set_aside(tmp_path / "nowhere" / "a.csv")


def test_formulas_do_not_reach_a_spreadsheet(tmp_path):
    frame = pd.DataFrame({"date": ["2024-01-02", "2024-01-03"], "=lon": [1.5, None], "lat": [50.0, None], "type": "a"})
    incidents = read_incidents(frame, columns={"lon": "=lon"})
    assert incidents.set_aside["found"].iloc[0].startswith("=")
    assert "'=lon" in incidents.write_set_aside(tmp_path / "a.csv").read_text("utf-8-sig")


def test_lunar_festivals_and_swapped_workdays():
    days = [
        "2024-02-10",
        "2024-02-17",
        "2024-02-18",
        "2024-04-04",
        "2024-06-10",
        "2024-09-17",
        "2024-10-01",
        "2024-03-06",
    ]
    frame = calendar_features(pd.Series(days, index=list("abcdefgh")))
    assert frame["festival"].tolist() == ["春节", None, None, "清明", "端午", "中秋", None, None]
    assert frame["day_off"].tolist() == [True, True, False, True, True, True, True, False]
    assert frame["swapped_workday"].tolist() == [False, False, True] + [False] * 5
    assert list(frame.index) == list("abcdefgh")
    assert calendar_features(["2024-12-25"], country="GB")["day_off"].tolist() == [True]
    with pytest.raises(SettingError, match="country"):
        calendar_features(["2024-01-01"], country="XX")
    with pytest.raises(InputError, match="dates"):
        calendar_features(["not a day"])


def test_an_unknown_key_of_a_list_of_places_is_named():
    with pytest.raises(SettingError, match="Did you mean 'datum'"):
        Gazetteer.of({"path": PLACES, "datim": "gcj02"})
