"""Any file of places, on any datum; and what is no such file, in one line."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.errors import GridmapError

AT = np.array([[113.62, 34.21], [113.63, 34.22], [113.64, 34.20]])


def table(**columns) -> pd.DataFrame:
    lon, lat = gm.from_wgs84(*AT.T, datum="gcj02")
    return pd.DataFrame({"编号": ["007", "008", "009"], "户数": ["12", "6", "30"], "经度": lon, "纬度": lat, **columns})


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
def test_a_table_on_gcj02_comes_to_wgs84_with_its_numbers(tmp_path, ending):
    path = tmp_path / f"houses.{ending}"
    if ending == "csv":
        table().to_csv(path, index=False, encoding="gb18030")
    elif ending == "xlsx":
        table().to_excel(path, index=False)
    else:
        table().to_parquet(path)
    found = gm.read_features(path, datum="gcj02")
    assert found["户数"].tolist() == [12, 6, 30]
    assert found["编号"].astype(str).tolist() == ["007", "008", "009"]  # a code, no number
    assert np.abs(shapely.get_coordinates(found.geometry) - AT).max() < 1e-6


def test_lines_are_chosen_by_their_columns_and_moved_by_their_datum(tmp_path):
    lines = gpd.GeoDataFrame({"level": [1, 2, 4]}, geometry=[shapely.LineString([p, p + 0.01]) for p in AT], crs=4326)
    lines.to_file(tmp_path / "roads.gpkg")
    found = gm.read_features(tmp_path / "roads.gpkg", where={"level": [1, 2]}, datum="gcj02")
    assert found["level"].tolist() == [1, 2]
    back = gm.from_wgs84(*shapely.get_coordinates(found.geometry).T, datum="gcj02")
    assert np.abs(np.column_stack(back) - shapely.get_coordinates(lines.geometry[:2])).max() < 1e-8


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (table().drop(columns="经度"), {}, "no longitude and latitude"),
        (table(经度=["113.6", "x", "113.6"]), {}, "1 of 3 rows"),
        (table(纬度=[91, 34, 34]), {}, "row 1"),
        (table().iloc[:0], {}, "row"),
        (table(), {"where": {"level": 1}}, "level"),
        (table(), {"where": {"编号": "001"}}, "no place left"),
        (table(), {"where": "编号"}, "where is a mapping"),
        (table(), {"datum": "mars"}, "mars"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(tmp_path, frame, options, words):
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(GridmapError, match=words) as caught:
        gm.read_features(tmp_path / "t.csv", **options)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "x.tif").write_bytes(b"no raster")
    (tmp_path / "x.geojson").write_text("{}")
    for name in ("x.tif", "x.geojson", "absent.csv"):
        with pytest.raises(GridmapError, match=name):
            gm.read_features(tmp_path / name)
