"""Numbers that a person gives: text, dates and infinite ones end in a line that names the argument."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gridmap as gm
from gridmap.errors import InputError
from gridmap.read.numbers import as_numbers, number_columns, one_column

NEIGHBOURS = np.eye(4, k=1) + np.eye(4, k=-1)
POINT = gpd.GeoDataFrame({"count": [1.0]}, geometry=gpd.points_from_xy([117.0], [36.5]), crs=4326)


@pytest.mark.parametrize(
    "given",
    [
        [1, None, 2.5],
        pd.Series([1, pd.NA, 2.5], dtype="Float64"),
        pd.Series([1, None, 2.5], dtype=object),
        (1, np.nan, 2.5),
    ],
)
def test_what_is_missing_is_nan(given):
    assert as_numbers(given, "x").tolist() == pytest.approx([1.0, np.nan, 2.5], nan_ok=True)
    with pytest.raises(InputError, match="x must be finite numbers; 1 of 3 are not"):
        as_numbers(given, "x", missing=False)


@pytest.mark.parametrize(
    "given",
    [
        *("many", ["1", "2"], None, {"a": 1}, {1, 2}, [1j], [[1], [1, 2]], [1, "2"], b"1"),
        *(pd.date_range("2024", periods=2), pd.Series(["a"], dtype="category"), pd.DataFrame({"a": [1]})),
    ],
)
def test_what_is_no_number_is_named(given):
    with pytest.raises(InputError, match=r"^hits must be numbers; found "):
        as_numbers(given, "hits")


def test_infinite_numbers_never_pass():
    with pytest.raises(InputError, match="the first inf"):
        as_numbers([1, np.inf], "x")


def test_a_column_stands_there_once():
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(InputError, match="'a' stands 2 times"):
        one_column(frame, "a")
    with pytest.raises(InputError, match="no column 'b'"):
        number_columns(frame, ["b"])


@pytest.mark.parametrize(
    ("name", "given", "settings"),
    [
        ("pai", (["many"], [9], [1], [2]), {}),
        ("pei", (3, "many"), {}),
        ("rri", ([3], ["many"]), {}),
        ("kaplan_meier", (["many", 2], [1, 0]), {}),
        ("kaplan_meier", ([1, 2], ["closed", "open"]), {}),
        ("cumulative_incidence", ([1, 2], ["a", "b"]), {}),
        ("bivariate_moran", (["a", "b", "c", "d"], [1, 2, 3, 4], NEIGHBOURS), {}),
        ("local_bivariate_moran", ([1, 2, 3, 5], ["a", "b", "c", "d"], NEIGHBOURS), {}),
        ("similarity_of_patterns", (["a", "b"], [1, 2]), {}),
        ("threshold_pile", (["many", 2], 4.0, 1.0), {}),
        ("regression_to_mean", (30,), {"pool": ["many"] * 12}),
        ("difference_in_differences", (["a", 2], [1, 2], [False, True]), {}),
        ("standardised_rates", (pd.DataFrame({"count": ["many"], "persons": [9]}),), {"per": ["persons"]}),
        ("comparable_controls", (pd.DataFrame({"a": ["x", "y", "z"]}), [0]), {"columns": ["a"], "n": 1}),
        ("randomised_pairs", (pd.DataFrame({"a": ["x", "y"]}),), {"columns": ["a"]}),
        ("best_sites", (POINT, POINT.assign(count="many")), {"n": 1, "reach_m": 50, "weight": "count"}),
        ("best_sites", (POINT, POINT.assign(count=np.inf)), {"n": 1, "reach_m": 50, "weight": "count"}),
        ("cross_k", (POINT, POINT, ["near"]), {}),
        ("cross_k", (POINT, POINT), {"window": ["a", 1, 2, 3]}),
    ],
)
def test_text_in_the_place_of_numbers_is_one_line_in_both_languages(name, given, settings):
    with pytest.raises(InputError) as raised:
        getattr(gm, name)(*given, **settings)
    assert "must be" in raised.value.say("en") or "at least" in raised.value.say("en")
    assert "应为" in raised.value.say("zh") or "至少" in raised.value.say("zh")


@pytest.mark.parametrize("given", [None, 5, "110101001001001", {"a": 1}, pd.DataFrame({"a": ["x"]})])
def test_codes_are_a_list_of_texts(given):
    for function in (gm.check_codes, gm.parse_codes):
        with pytest.raises(InputError, match="Codes are a Series or a list"):
            function(given)


def test_a_point_without_a_place_is_set_aside():
    import shapely

    frame = gpd.GeoDataFrame({"a": [1, 2]}, geometry=[shapely.Point(), shapely.Point(117, 36.5)], crs=4326)
    found = gm.read_incidents(frame)
    assert (len(found), len(found.set_aside)) == (1, 1)


def test_a_frame_that_lost_its_shapes_and_metres_called_degrees_are_said():
    import shapely

    zones = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(117, 36, 117.1, 36.1)], crs=4326)
    lost = gpd.GeoDataFrame(pd.DataFrame(zones.drop(columns="geometry")))
    for draw in (gm.boundaries_layer, lambda frame: gm.make_grid(frame, system="square", cell_size_m=500)):
        with pytest.raises(InputError, match="no active column of shapes"):
            draw(lost)
    metres = zones.to_crs(3857).set_crs(4326, allow_override=True)
    with pytest.raises(InputError, match="which are not degrees"):
        gm.make_grid(metres, system="square", cell_size_m=500)


def test_a_column_that_stands_twice_is_named_where_frames_are_grids_and_layers():
    import shapely

    zones = gpd.GeoDataFrame({"zone_id": ["a", "b"], "cases": [40, 2]})
    zones = zones.set_geometry([shapely.box(117, 36, 117.1, 36.1), shapely.box(117.1, 36, 117.2, 36.1)], crs=4326)
    twice = pd.concat([zones, zones[["cases"]]], axis=1)
    for use in (
        gm.boundaries_layer,
        lambda frame: gm.cells_layer(frame, "zone_id"),
        lambda frame: gm.getis_ord(pd.Series([40, 2]), frame),
        lambda frame: gm.make_grid(frame, system="zones"),
    ):
        with pytest.raises(InputError, match="'cases' stands 2 times"):
            use(twice)
    index = pd.MultiIndex.from_product([["a"], pd.period_range("2024-01", periods=2, freq="M")])
    empty = pd.DataFrame({"count": [1, 2]}, index=index).iloc[:0]
    with pytest.raises(InputError, match="cell"):
        gm.emerging_hotspots(empty, zones)


def test_a_text_in_the_place_of_an_area_does_not_stop_a_map():
    import shapely

    zones = gpd.GeoDataFrame({"v": [1, 2], "area_m2": ["large", "small"]})
    zones = zones.set_geometry([shapely.box(117, 36, 117.1, 36.1), shapely.box(117.1, 36, 117.2, 36.1)], crs=4326)
    from gridmap.maps import explore

    assert "<iframe" in explore(zones, column="v")._repr_html_()
