"""Codes: in the order of reading, inside the community, kept, and refused where they do not fit."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.errors import GridmapError
from gridmap.grids.codes import check_codes, grid_codes, parse_codes, reading_order
from gridmap.grids.systems import make_grid

UNIT = "{county:6}{street:3}{community:3}{seq:3}"


def zones(shapes, ids, **columns):
    return gpd.GeoDataFrame({"zone_id": ids, **columns}, geometry=list(shapes), crs=4326)


def quarters(zone="990101001001", **columns):
    """A grid of four squares in one community; rows of cells: SW, SE, NW, NE."""
    shapes = [shapely.box(x, y, x + 0.01, y + 0.01) for y in (0, 0.01) for x in (0, 0.01)]
    grid = make_grid(zones(shapes, list("abcd")), system="zones")
    grid.cells["zone_id"] = zone
    for name, values in columns.items():
        grid.cells[name] = values
    return grid


def test_numbers_run_west_to_east_then_north_to_south():
    codes = grid_codes(quarters(), UNIT)
    assert codes.to_dict() == {
        "c": "990101001001001",
        "d": "990101001001002",
        "a": "990101001001003",
        "b": "990101001001004",
    }
    assert codes.name == "code"


def test_reading_order_takes_slightly_tilted_rows_as_rows():
    x, y = np.meshgrid(np.arange(5), np.arange(3))
    tilted = np.column_stack([x.ravel(), y.ravel() + 0.06 * x.ravel()])
    assert reading_order(tilted).tolist() == [10, 11, 12, 13, 14, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4]


def test_the_fields_come_from_columns_constants_or_the_zone():
    named = quarters("X", county="990101", street="7", community_code=["001", "001", "002", "002"])
    assert grid_codes(named, UNIT).tolist() == [f"990101007{c}" for c in ("001001", "001002", "002001", "002002")]
    parts = grid_codes(quarters(), "{class:6}{county:6}{street:3}{community:3}{seq:2}", fields={"class": "011200"})
    assert parts.str.len().tolist() == [20] * 4
    assert grid_codes(quarters("Q"), "{zone_id}-{seq:2}").tolist() == ["Q-03", "Q-04", "Q-01", "Q-02"]


def test_codes_stay_when_a_neighbour_is_divided():
    old = quarters()
    codes = grid_codes(old, UNIT)
    known = old.cells.assign(code=codes)
    shapes = [*old.cells.geometry[:3], shapely.box(0.01, 0.01, 0.016, 0.02), shapely.box(0.016, 0.01, 0.02, 0.02)]
    new = make_grid(zones(shapes, list("pqrst")), system="zones")
    new.cells["zone_id"] = "990101001001"
    again = grid_codes(new, UNIT, keep=known)
    assert again[["p", "q", "r"]].tolist() == codes[["a", "b", "c"]].tolist()
    assert again["s"] == codes["d"]  # it holds more than half
    assert again["t"] == "990101001001005"  # never used before


def test_codes_are_taken_apart_again():
    parsed = parse_codes(pd.Series(["990101001001007", "short", None], index=list("xyz")), UNIT)
    assert parsed.loc["x"].tolist() == ["990101", "001", "001", "007"]
    assert parsed.loc[["y", "z"]].isna().all().all()


def test_what_is_wrong_with_codes_is_named():
    codes = pd.Series(["990101001001001", "990101001001001", "990101001001004", "990101650001001", "99"])
    found = check_codes(codes, UNIT, divisions={"county": ["990101"]})
    assert found.groupby("problem")["code"].count().to_dict() == {
        "does not fit the template": 1,
        "duplicate": 2,
        "gap before it: 002–003": 1,
        "street 650 is in no range": 1,
    }
    elsewhere = check_codes(["110101001001001"], UNIT, divisions={"county": ["990101"]})
    assert elsewhere["problem"].tolist() == ["county 110101 is not among the divisions"]
    assert len(check_codes(grid_codes(quarters(), UNIT), UNIT)) == 0


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{county:6}{street:3}", "no {seq"),
        ("{county:6}{county:3}{seq:3}", "twice"),
        ("{county:x}{seq:3}", "width"),
        ("{county:6}{seq:3", "braces"),
        ("{county:6}{seq:3}", "does not fit the names"),
        ("{zone_id:6}{seq:3}", "does not fit the names"),
        ("{ward}{seq:3}", "does not fit the names"),
        (None, "template"),
    ],
)
def test_a_template_that_does_not_fit_is_one_clear_line(template, words):
    with pytest.raises(GridmapError) as caught:
        grid_codes(quarters(), template)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_more_grids_than_the_sequence_counts_is_refused():
    shapes = [shapely.box(x, 0, x + 1, 1) for x in np.arange(12) * 1.0]
    grid = make_grid(zones(shapes, [str(k) for k in range(12)]), system="zones")
    grid.cells["zone_id"] = "A"
    with pytest.raises(GridmapError, match="counts to 9"):
        grid_codes(grid, "{zone_id}{seq:1}")
