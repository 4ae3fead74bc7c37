"""The spatial scan against published numbers, a plain one in Python, and its own promise under the null."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

from gridmap.errors import CRSError, GridmapWarning, InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.scan import candidates
from gridmap.hotspots.scan.spatial import spatial_scan
from gridmap.hotspots.scan.windows import replica_maxima


def town(seed=0, n=40, planted=(), risk=4.0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.random(n) * 1000, "y": rng.random(n) * 1000, "population": rng.integers(50, 400, n)})
    weight = frame.population.to_numpy(float)
    weight[list(planted)] *= risk
    return frame.assign(cases=rng.multinomial(200, weight / weight.sum()))


def log_likelihood_ratio(c, e, total):
    if c <= e:
        return 0.0
    return c * np.log(c / e) + ((total - c) * np.log((total - c) / (total - e)) if c < total else 0)


def all_windows(frame, share=0.5, radius=np.inf):
    """(llr, centre, set of areas) of every circle, as the definition says it."""
    xy, pop, cases = frame[["x", "y"]].to_numpy(float), frame.population.to_numpy(float), frame.cases.to_numpy()
    total = cases.sum()
    for i in range(len(frame)):
        far = np.hypot(*(xy - xy[i]).T)
        for d in np.unique(far[far <= radius]):
            inside = far <= d
            if pop[inside].sum() <= share * pop.sum():
                e = pop[inside].sum() / pop.sum() * total
                yield log_likelihood_ratio(cases[inside].sum(), e, total), i, frozenset(np.flatnonzero(inside))


def greedy(frame, **limits):
    """Most likely, then most likely among those that touch none before."""
    taken, found = set(), []
    for llr, _, areas in sorted(all_windows(frame, **limits), key=lambda w: -w[0]):
        if llr > 0 and not areas & taken:
            found.append((llr, areas))
            taken |= areas
    return found


def scan(frame, **options):
    return spatial_scan(frame, **({"x": "x", "y": "y", "distance": "planar", "random_state": 1} | options))


def test_published_clusters_of_ny_leukemia_come_out_to_the_digit(shared_data):
    published = json.loads((shared_data / "reference.json").read_text())["kulldorff_poisson_ny_leukemia"]["clusters"]
    areas = pd.read_csv(shared_data / "ny_leukemia" / "ny_leukemia.csv")
    found = spatial_scan(areas, x="lat", y="lon", distance="planar", random_state=0).clusters
    for row, known in zip(found.to_dict("records"), published, strict=False):
        assert round(row["llr"], 6) == known["llr"]
        assert row["cases"] == known["cases"]
        assert round(row["expected"], 2) == known["expected"]
        assert row["n_areas"] == known["areas"]
        if "relative_risk" in known:
            assert round(row["relative_risk"], 2) == known["relative_risk"]
        assert row["p_value"] == pytest.approx(known["p"], abs=0.045)
        assert row["p_gumbel"] == pytest.approx(known["p"], abs=0.045)
    assert found["p_gumbel"].iloc[0] == pytest.approx(
        published[0]["p"], rel=1.0
    )  # the tail that 999 replicas cannot reach


@pytest.mark.parametrize("seed", range(4))
def test_every_cluster_is_the_one_the_definition_names(seed):
    frame = town(seed, planted=(1, 2))
    found, known = scan(frame, permutations=0), greedy(frame)
    assert found.clusters["llr"].to_numpy() == pytest.approx([llr for llr, _ in known[:20]])
    members = found.members.groupby("cluster_id")["area"].agg(frozenset)
    assert list(members) == [areas for _, areas in known[:20]]


def test_limits_of_population_and_radius_hold():
    frame = town(3)
    found = scan(frame, max_population_share=0.2, max_radius_m=150, permutations=0)
    known = greedy(frame, share=0.2, radius=150)
    assert found.clusters["llr"].to_numpy() == pytest.approx([llr for llr, _ in known[:20]])
    assert (found.clusters["radius"] <= 150).all()


def test_areas_at_one_distance_enter_together():
    """On a lattice a circle of radius 1 holds the four neighbours, never some of them."""
    x, y = np.meshgrid(np.arange(7), np.arange(7))
    frame = pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "population": 100, "cases": 1})
    frame.loc[[24, 25], "cases"] = 9  # the middle and one neighbour
    found = scan(frame, permutations=0).clusters.iloc[0]
    assert (found["llr"], found["n_areas"]) == (
        pytest.approx(max(w[0] for w in all_windows(frame))),
        len(max(all_windows(frame), key=lambda w: (w[0], -w[1]))[2]),
    )


def test_replicas_side_by_side_equal_replicas_one_by_one():
    frame = town(5)
    points, sizes = frame[["x", "y"]].to_numpy(float), frame.population.to_numpy(float)
    mean = sizes / sizes.sum() * 200
    drawn = np.random.default_rng(2).multinomial(200, sizes / sizes.sum(), size=70)
    limits = (0.5 * sizes.sum(), np.inf, 1, False)
    fast = replica_maxima(points, sizes, limits, drawn[:, :, None].astype(np.int32), mean[:, None], 200)
    slow = [max(w[0] for w in all_windows(frame.assign(cases=c))) for c in drawn]
    assert fast == pytest.approx(slow)


def test_same_seed_same_answer_on_any_number_of_threads(monkeypatch):
    from gridmap.hotspots.scan import windows as scan_windows

    frame = town(7, n=90, planted=(4, 5))
    tables = []
    for threads in (1, 3):
        monkeypatch.setattr(scan_windows, "cores", lambda threads=threads: threads)
        tables.append(scan(frame).clusters.drop(columns="geometry"))
    pd.testing.assert_frame_equal(*tables)


def test_planted_cluster_is_found():
    frame = town(11, n=80)
    xy = frame[["x", "y"]].to_numpy()
    planted = np.argsort(((xy - xy[0]) ** 2).sum(axis=1))[:6]
    weight = frame.population.to_numpy(float)
    weight[planted] *= 5
    frame["cases"] = np.random.default_rng(0).multinomial(300, weight / weight.sum())
    found = scan(frame)
    first = set(found.members.loc[found.members["cluster_id"] == 0, "area"])
    assert found.clusters["p_value"].iloc[0] == 0.001
    assert len(first & set(planted)) >= 5
    assert len(first - set(planted)) <= 1


def test_adjusted_expectations_explain_away_what_covariates_explain():
    frame = town(13, n=60, planted=(0, 1, 2), risk=6)
    expected = frame.population * np.where(frame.index < 3, 6.0, 1.0)
    assert scan(frame).clusters["p_value"].iloc[0] < 0.01
    assert scan(frame.assign(e=expected), expected="e").clusters["p_value"].iloc[0] > 0.05
    without = frame.assign(e=expected).drop(columns="population")
    assert scan(without, expected="e").clusters["llr"].iloc[0] > 0


def test_great_circle_radius_is_in_metres_and_the_shape_lies_around_the_centre():
    lon, lat = np.meshgrid(116.3 + 0.01 * np.arange(6), 39.9 + 0.01 * np.arange(6))
    frame = pd.DataFrame({"lon": lon.ravel(), "lat": lat.ravel(), "population": 100, "cases": 2})
    frame.loc[[14, 15, 20, 21], "cases"] = 15
    found = spatial_scan(frame, random_state=1).clusters
    assert found.crs == "EPSG:4326"
    top = found.iloc[0]
    assert 800 < top["radius"] < 2500
    metric = found.to_crs(32650).geometry.iloc[0]
    assert metric.area == pytest.approx(np.pi * top["radius"] ** 2, rel=0.02)


def test_over_a_grid_the_cells_carry_the_cluster_and_its_shape():
    zone = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.60, 53.70, -1.50, 53.76)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=1000)
    counts = pd.DataFrame({"count": 1}, index=grid.cells.index)
    counts.iloc[[10, 11], 0] = 20
    found = spatial_scan(counts, grid=grid, population=pd.Series(100, grid.cells.index), random_state=0)
    assert isinstance(found.cells, gpd.GeoDataFrame)
    assert (found.cells["cluster_id"] == 0).sum() == found.clusters["n_areas"].iloc[0]
    assert found.clusters.geometry.iloc[0].contains(grid.cells.geometry.iloc[10].centroid)
    assert (found.cells["count"] == counts["count"]).all()
    assert found.cells["expected"].sum() == pytest.approx(counts["count"].sum())


def test_polygons_need_no_coordinates():
    cells = [shapely.box(-1.6 + 0.01 * k, 53.7, -1.59 + 0.01 * k, 53.71) for k in range(8)]
    zones = gpd.GeoDataFrame({"population": 100, "cases": [20, 20, 2, 2, 2, 2, 2, 2]}, geometry=cells, crs=4326)
    found = spatial_scan(zones, random_state=0)
    assert set(found.members.loc[found.members.cluster_id == 0, "area"]) == {0, 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.assign(cases=0).assign(cases=lambda g: g.cases.where(g.index > 0, 29)), "fewer than 30"),
        (lambda f: f.assign(cases=[90] + [0] * 39), "one cell"),
        (lambda f: f.assign(population=f.population.where(f.index != f.cases.idxmax(), 0)), "population of 0"),
        (lambda f: f.assign(cases=f.cases * 0.5), "whole numbers"),
        (lambda f: f.assign(cases=-f.cases), "below 0"),
        (lambda f: f.assign(x=np.nan), "no number in 'x'"),
        (lambda f: f.assign(cases="many"), "must hold numbers"),
        (lambda f: f.drop(columns="cases"), "no column 'cases'"),
        (lambda f: f.iloc[:0], "no rows"),
        (lambda f: f.to_numpy(), "ndarray"),
    ],
)
def test_bad_tables_are_refused_by_name(change, message):
    with pytest.raises(InputError, match=message):
        scan(change(town()))


def test_degrees_and_metres_are_not_confused():
    with pytest.raises(CRSError, match="planar"):
        spatial_scan(town(), x="x", y="y")
    with pytest.raises(SettingError, match="looks like degrees"):
        spatial_scan(town().assign(x=1.0, y=2.0), x="x", y="y", max_radius_m=0.01)


@pytest.mark.parametrize(
    "setting",
    [
        {"max_population_share": 0},
        {"max_population_share": "half"},
        {"permutations": -1},
        {"permutations": 9.5},
        {"distance": "manhattan"},
        {"max_radius_m": -3},
        {"max_clusters": 0},
        {"random_state": "yes"},
    ],
)
def test_bad_settings_are_refused(setting):
    with pytest.raises(SettingError, match=f"^{next(iter(setting))} is "):
        scan(town(), **setting)


@pytest.mark.slow
def test_false_alarms_are_as_many_as_promised():
    frame = town(21, n=60)
    chance = frame.population / frame.population.sum()
    rng = np.random.default_rng(8)
    p = [
        scan(frame.assign(cases=rng.multinomial(300, chance)), permutations=99, random_state=k)
        .clusters["p_value"]
        .iloc[0]
        for k in range(400)
    ]
    low, high = stats.binom.ppf([0.005, 0.995], 400, 0.05)
    assert low <= (np.array(p) <= 0.05).sum() <= high


def test_a_scan_of_many_hours_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(candidates, "MOST_STEPS", 3e6)
    rng = np.random.default_rng(0)
    areas = pd.DataFrame({"x": rng.random(300), "y": rng.random(300), "population": 100, "cases": 2})
    plane = {"x": "x", "y": "y", "distance": "planar", "random_state": 1, "permutations": 99}
    with pytest.raises(SettingError, match=r"300 areas that hold 150 .* hours .* holds 61 areas or fewer") as refused:
        spatial_scan(areas, **plane)
    assert "\n" not in str(refused.value)
    assert len(spatial_scan(areas, max_population_share=0.2, **plane).cells) == 300


def test_a_scan_of_many_minutes_is_announced(monkeypatch):
    monkeypatch.setattr(candidates, "LONG_STEPS", 1e4)
    rng = np.random.default_rng(0)
    areas = pd.DataFrame({"x": rng.random(60), "y": rng.random(60), "population": 100, "cases": 2})
    with pytest.warns(GridmapWarning, match=r"60 areas that hold 30 .* 99 times: about 1 min .* max_radius_m="):
        spatial_scan(areas, x="x", y="y", distance="planar", random_state=1, permutations=99)


@pytest.mark.parametrize("limit", [{"max_population_share": 0.03}, {"max_radius_m": 0.2}])
def test_small_circles_are_found_without_sorting_all_areas(limit):
    """The best of all circles, written out, also where many areas share a place or a distance."""
    rng = np.random.default_rng(4)
    xy = np.concatenate([rng.integers(0, 6, (60, 2)) / 6, rng.random((60, 2))])
    areas = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "population": rng.integers(1, 300, 120)})
    areas["cases"] = rng.poisson(areas["population"] / 50)
    found = spatial_scan(areas, x="x", y="y", distance="planar", permutations=0, **limit)
    people, cases = areas["population"].to_numpy(), areas["cases"].to_numpy()
    mean, total, best = people * cases.sum() / people.sum(), cases.sum(), 0.0
    for place in xy:
        far = np.hypot(*(xy - place).T).round(9)
        for radius in np.unique(far[far <= limit.get("max_radius_m", np.inf)]):
            inside = far <= radius
            if people[inside].sum() > limit.get("max_population_share", 0.5) * people.sum():
                break
            c, e = cases[inside].sum(), mean[inside].sum()
            if c > e:
                best = max(best, c * np.log(c / e) + (total - c) * np.log((total - c) / (total - e)))
    assert found.clusters["llr"].iloc[0] == pytest.approx(best)
