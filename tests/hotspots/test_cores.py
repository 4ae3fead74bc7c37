"""Cores: places of a size that can be held, cut out of what a test found."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy.sparse.csgraph import connected_components

import gridmap as gm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.cores import default_core_km2, significant_cells, street_corners


@pytest.fixture(scope="module")
def town():
    sample = gm.samples.town(random_state=1)
    grid = gm.make_grid(sample.boundaries, system="square", cell_size_m=250)
    counts = gm.count_by_cell(sample.incidents, grid)
    return sample, grid, counts, gm.getis_ord(counts, grid)


def by_hand(counts, labels, **columns) -> tuple[gm.HotspotResult, pd.Index]:
    """A strip of cells of one km² each, side by side on the equator."""
    n = len(counts)
    side = 1000 / 111_195
    cells = pd.DataFrame(
        {"count": counts, "label": labels, **columns}, index=pd.Index(list("abcdefgh"[:n]), name="cell_id")
    )
    shapes = [shapely.box(i * side, 0, (i + 1) * side, side) for i in range(n)]
    return gm.HotspotResult(gpd.GeoDataFrame(cells, geometry=shapes, crs=4326), "getis_ord", {"fdr": 0.05})


def test_cores_by_hand():
    """9 is the seed, 6 its densest neighbour; 5 stands alone at the other end; 1 lies below what an even spread has."""
    labels = ["hot 99", "none", "hot 99", "hot 95", "hot 99", "hot 90", "none", "none"]
    found = gm.hotspot_cores(by_hand([5, 0, 6, 9, 4, 7, 1, 0], labels), core_km2=2.05)
    assert found["cell_ids"].tolist() == [["d", "c"], ["a"], ["e"]]
    assert found["count"].tolist() == [15, 5, 4]
    assert found["share"].tolist() == pytest.approx([15 / 32, 5 / 32, 4 / 32])
    assert found["area_share"].tolist() == pytest.approx([2 / 8, 1 / 8, 1 / 8], rel=1e-3)
    assert found["density_ratio"].iloc[0] == pytest.approx((15 / 32) / (2 / 8), rel=1e-3)


def test_every_core_is_connected_small_and_busy(town):
    _, grid, counts, hot = town
    cores = gm.hotspot_cores(hot, grid, core_km2=0.5)
    adjacency, at = grid.adjacency(), {c: i for i, c in enumerate(grid.cells.index)}
    assert len(cores) > 5
    for core in cores.itertuples():
        rows = [at[c] for c in core.cell_ids]
        assert connected_components(adjacency[rows][:, rows])[0] == 1
        assert core.count == counts["count"].iloc[rows].sum() > 0
    assert (cores["area_km2"] <= 0.5 + 1e-6).all()
    assert (cores["count"] >= cores["expected"]).all()
    ids = [c for ids in cores["cell_ids"] for c in ids]
    assert len(ids) == len(set(ids))
    assert significant_cells(hot)[ids].all()


def test_planted_places_are_the_first_cores(town):
    sample, grid, _, hot = town
    cores = gm.hotspot_cores(hot, grid)
    planted = sample.truth.to_crs(4326)
    first = shapely.union_all(cores.geometry.head(len(planted)).to_numpy())
    strongest = planted.geometry.iloc[:3]
    assert all(first.intersects(place) for place in strongest)


def test_a_core_is_named_after_the_zone_that_holds_most_of_it_and_no_two_alike(town):
    sample, grid, _, hot = town
    names = dict.fromkeys(sample.boundaries["zone_id"], "Old Town")
    districts = {zone: "east" if int(zone) % 2 else "west" for zone in sample.boundaries["zone_id"]}
    cores = gm.hotspot_cores(hot, grid, names=names, districts=districts)
    assert cores["name"].is_unique
    assert all(name.startswith("Old Town, ") for name in cores["name"])
    assert cores["name"].iloc[0].say("zh").startswith("Old Town")
    first = cores[cores["rank_in_district"] == 1]
    assert sorted(first["district"]) == sorted(cores["district"].unique())
    largest = cores.groupby("district")["count"].max()
    assert (first.set_index("district")["count"] == largest.reindex(first["district"])).all()


def test_cores_of_one_zone_differ_by_the_corners_they_lie_at():
    """Two cores of one zone, each at its own corner; the third has a street and no corner, the fourth neither."""
    side = 1000 / 111_195
    labels = ["hot 99", "none", "hot 99", "none", "hot 99", "none", "hot 99", "none"]
    result = by_hand([9, 0, 8, 0, 7, 0, 6, 0], labels, zone_id=["z"] * 8)
    across = [(i * side, (i + 1) * side) for i in (0, 2, 4)]
    middle = side / 2
    drawn = {
        "High St": ((-side, middle), (3 * side, middle)),
        "Long Rd": ((across[2][0], middle), (across[2][1], middle)),
    }
    for name, i in (("Mill Lane", 0), ("North Rd", 2)):
        drawn[name] = (((i + 0.5) * side, 0), ((i + 0.5) * side, side))
    streets = gpd.GeoDataFrame(
        {"name": [*drawn, None]},
        geometry=[*map(shapely.LineString, drawn.values()), shapely.LineString([(0, 0), (1, 1)])],
        crs=4326,
    )
    cores = gm.hotspot_cores(result, core_km2=1.1, names={"z": "Old Town"}, streets=streets)
    assert cores["name"].tolist() == [
        "Old Town, High St / Mill Lane",
        "Old Town, High St / North Rd",
        "Old Town, Long Rd",
        "Old Town",
    ]
    assert cores["name"].iloc[0].say("zh") == "Old Town（High St / Mill Lane）"
    assert gm.hotspot_cores(result, core_km2=1.1, streets=streets.assign(name="Only St"))["name"].is_unique
    with pytest.raises(InputError, match="name"):
        gm.hotspot_cores(result, streets=streets.drop(columns="name"))


def test_of_two_corners_a_little_farther_one_of_larger_streets_is_named():
    lines = shapely.linestrings(
        [[(0, -0.01), (0, 0.01)], [(-0.01, 0.0004), (0.01, 0.0004)], [(-0.01, -0.0006), (0.01, -0.0006)]]
    )
    streets = gpd.GeoDataFrame({"name": ["Main", "Path", "Ring"], "rank": [0, 3, 0]}, geometry=lines, crs=4326)
    assert street_corners([(0, 0)], [300], streets) == ["Main / Ring"]
    assert street_corners([(0, 0)], [300], streets.drop(columns="rank")) == ["Main / Path"]


def test_the_change_has_the_exact_interval_of_a_ratio():
    labels = ["hot 99", "none"]
    before = pd.DataFrame({"count": [10, 4]}, index=pd.Index(["a", "b"], name="cell_id"))
    found = gm.hotspot_cores(by_hand([31, 0], labels), before=before)
    assert found["count_before"].tolist() == [10]
    assert found["change_ratio"].iloc[0] == pytest.approx(3.1)
    # Clopper–Pearson of 31 of 41, by scipy.stats.binomtest(31, 41).proportion_ci(), as odds
    from scipy.stats import binomtest

    low, high = binomtest(31, 41).proportion_ci(0.95)
    assert found["change_low"].iloc[0] == pytest.approx(low / (1 - low))
    assert found["change_high"].iloc[0] == pytest.approx(high / (1 - high))


@pytest.mark.slow
def test_what_was_chosen_because_it_is_high_is_expected_to_fall():
    """Cells of one rate, chosen by their counts: the next period is predicted by `shrunken`, not by `count`."""
    rng = np.random.default_rng(5)
    labels = ["hot 99"] * 8
    over, under = [], []
    for _ in range(200):
        rate = rng.gamma(4, 1, 8)
        now, later = rng.poisson(rate), rng.poisson(rate)
        cores = gm.hotspot_cores(by_hand(now, labels), core_km2=1.01, most=1)
        if len(cores):
            at = list("abcdefgh").index(cores["cell_ids"].iloc[0][0])
            over.append(cores["count"].iloc[0] - later[at])
            under.append(cores["shrunken"].iloc[0] - later[at])
    assert np.mean(over) > 1.5
    assert abs(np.mean(under)) < 0.5 * np.mean(over)


def test_streets_limit_a_core_where_they_are_given():
    labels = ["hot 99"] * 4
    street = pd.Series([400.0, 900.0, 900.0, 300.0], index=pd.Index(list("abcd"), name="cell_id"))
    found = gm.hotspot_cores(by_hand([5, 6, 9, 8], labels), street_m=street, core_street_m=1_300)
    assert found["cell_ids"].map(sorted).tolist() == [["c", "d"]]  # 1,200 m; b would bring it to 2,100 m
    assert all(street[ids].sum() <= 1_300 for ids in found["cell_ids"])


def test_nothing_significant_gives_no_core():
    found = gm.hotspot_cores(by_hand([5, 6], ["none", "hot 90"]))
    assert len(found) == 0
    assert {"name", "count", "change_low"} - set(found) == {"change_low"}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["hot 99", "hot 95", "hot 90", "cold 99"], [True, True, False, False]),
        (["high-high", "low-low", "high-low", "none"], [True, False, False, False]),
        (["up 99", "up 90", "down 99", "none"], [True, False, False, False]),
        (["persistent hot", "new hot", "historical hot", "new cold"], [True, True, False, False]),
    ],
)
def test_the_ground_is_what_the_test_found_at_its_own_level(labels, expected):
    assert significant_cells(by_hand([1, 1, 1, 1], labels)).tolist() == expected


def test_a_column_significant_decides_where_there_is_one():
    result = by_hand([3, 4], ["hot 99", "hot 99"], significant=[False, True])
    assert significant_cells(result).tolist() == [False, True]


def test_the_default_size_keeps_between_one_and_two_km2():
    assert default_core_km2(np.full(10_000, 100.0)) == pytest.approx(0.05)  # one km² in all: a twentieth of it
    assert default_core_km2(np.full(100, 5e6)) == 2.0


def test_bad_input_is_refused_with_the_remedy(town):
    _, grid, counts, hot = town
    with pytest.raises(SettingError, match="core_km2 must be above 0"):
        gm.hotspot_cores(hot, grid, core_km2=0)
    with pytest.raises(InputError, match="no column 'count'"):
        gm.hotspot_cores(gm.HotspotResult(hot.cells[["label", "geometry"]], "x", {}), grid)
    bare = gm.HotspotResult(pd.DataFrame(hot.cells.drop(columns="geometry")), "getis_ord", {})
    with pytest.raises(InputError, match="Give the grid"):
        gm.hotspot_cores(bare)
    with pytest.raises(InputError, match="other cells"):
        gm.hotspot_cores(hot, grid, before=counts["count"].head(3))
