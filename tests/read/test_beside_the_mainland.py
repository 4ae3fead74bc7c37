"""Files of Taiwan, Hong Kong and Macao: their own years and grids, and no question about the mainland's datum."""

import numpy as np
import pandas as pd
import pyproj
import pytest

from gridmap.errors import CRSError
from gridmap.read.coordinates import beside_the_mainland
from gridmap.read.incidents import read_incidents
from gridmap.read.quality import inspect_file

N = 40
PLACES = {
    "Taipei": (121.5, 121.6, 25.0, 25.1, "Asia/Taipei"),
    "Kaohsiung": (120.28, 120.35, 22.6, 22.7, "Asia/Taipei"),
    "Penghu": (119.55, 119.62, 23.55, 23.6, "Asia/Taipei"),
    "Kinmen": (118.3, 118.42, 24.42, 24.5, "Asia/Taipei"),
    "Matsu": (119.92, 119.96, 26.14, 26.17, "Asia/Taipei"),
    "Hong Kong": (114.12, 114.24, 22.26, 22.44, "Asia/Hong_Kong"),
    "Sheung Shui": (114.1, 114.14, 22.49, 22.515, "Asia/Hong_Kong"),
    "Macao": (113.54, 113.556, 22.185, 22.208, "Asia/Macau"),
    "Coloane": (113.555, 113.585, 22.115, 22.135, "Asia/Macau"),
}
MAINLAND = {
    "Xiamen": (118.06, 118.18, 24.44, 24.52),
    "Fuzhou": (119.25, 119.35, 26.02, 26.1),
    "Pingtan": (119.7, 119.85, 25.45, 25.6),
    "Futian": (114.02, 114.1, 22.53, 22.58),
    "Yantian": (114.23, 114.3, 22.57, 22.6),
    "Shekou": (113.9, 113.94, 22.48, 22.52),
    "Zhuhai": (113.52, 113.57, 22.23, 22.3),
    "Hengqin": (113.5, 113.54, 22.1, 22.14),
}


def _points(west, east, south, north, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(west, east, N).round(6), rng.uniform(south, north, N).round(6)


def _frame(lon, lat, date="發生日期", when=None, x="經度", y="緯度"):
    days = pd.date_range("2024-05-01", periods=N)
    when = [f"{d.year - 1911}{d:%m%d}" for d in days] if when is None else [when(d) for d in days]
    kinds = np.resize(["住宅竊盜", "汽車竊盜", "強盜"], N)
    return pd.DataFrame({date: when, "案類": kinds, "縣市": "某市", "行政區": "某區", x: lon, y: lat})


@pytest.mark.parametrize("place", PLACES)
def test_no_datum_is_asked_for(place, tmp_path):
    *box, zone = PLACES[place]
    lon, lat = _points(*box)
    file = tmp_path / "export.csv"
    _frame(lon, lat, when=lambda d: f"{d:%Y-%m-%d}").to_csv(file, index=False)
    incidents = read_incidents(file)
    assert len(incidents) == N
    np.testing.assert_allclose(incidents.lonlat()[0], lon, atol=1e-9)
    assert incidents.source["timezone"] == zone
    assert any(getattr(note, "code", "") == "read.datum_beside" for note in incidents.source["notes"])
    assert not any("datum" in getattr(p, "code", "") for p in inspect_file(file).problems)
    assert "datum" not in inspect_file(file).settings


@pytest.mark.parametrize("place", MAINLAND)
def test_across_the_border_it_still_is(place):
    lon, lat = _points(*MAINLAND[place])
    assert beside_the_mainland(lon, lat) is None
    with pytest.raises(CRSError, match="gcj02"):
        read_incidents(_frame(lon, lat, when=lambda d: f"{d:%Y-%m-%d}"))


@pytest.mark.parametrize(
    "when",
    [
        lambda d: f"民國{d.year - 1911}年{d.month}月{d.day}日",
        lambda d: f"{d.year - 1911}/{d:%m/%d}",
        lambda d: f"{d.year - 1911}{d:%m%d}",
        lambda d: f"{d.year - 1911}.{d:%m.%d}",
    ],
)
def test_years_of_the_republic(when):
    incidents = read_incidents(_frame(*_points(*PLACES["Taipei"][:4]), when=when))
    assert incidents.to_frame()["occurred_from"].tolist() == list(pd.date_range("2024-05-01", periods=N))
    assert incidents.source["columns"]["category"] == "案類"


@pytest.mark.parametrize(
    ("code", "place", "x", "y"),
    [
        (3826, "Taipei", "TWD97X", "TWD97Y"),
        (3826, "Kaohsiung", "TWD97_X座標", "TWD97_Y座標"),
        (3828, "Taipei", "TWD67_X", "TWD67_Y"),
        (2326, "Hong Kong", "HK80_X", "HK80_Y"),
        (2326, "Hong Kong", "HK1980 Easting", "HK1980 Northing"),
    ],
)
def test_a_grid_that_the_headings_name_is_taken(code, place, x, y):
    lon, lat = _points(*PLACES[place][:4])
    east, north = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform(lon, lat)
    incidents = read_incidents(_frame(east, north, when=lambda d: f"{d:%Y-%m-%d}", x=x, y=y))
    np.testing.assert_allclose(incidents.lonlat()[1], lat, atol=1e-6)


@pytest.mark.parametrize(("code", "place"), [(3826, "Taipei"), (2326, "Hong Kong"), (8433, "Macao")])
def test_a_grid_that_they_do_not_name_is_asked_for_by_its_number(code, place):
    lon, lat = _points(*PLACES[place][:4])
    east, north = pyproj.Transformer.from_crs(4326, code, always_xy=True).transform(lon, lat)
    with pytest.raises(CRSError, match=f"EPSG:{code}"):
        read_incidents(_frame(east, north, when=lambda d: f"{d:%Y-%m-%d}", x="X坐標", y="Y坐標"))
