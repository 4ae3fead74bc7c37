"""The space-time scans against cylinders written out in plain Python, and what each of them must not see."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import stats

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.hotspots.scan.permutation import space_time_permutation_scan
from gridmap.hotspots.scan.space_time import space_time_scan


def cylinders(xy, sizes, table, expected, longest, to_end=False):
    """(llr, areas, first, last) of every window with more than expected."""
    total, spans = table.sum(), table.shape[1]
    for i in range(len(xy)):
        far = np.hypot(*(xy - xy[i]).T)
        for d in np.unique(far):
            inside = far <= d
            if sizes[inside].sum() > 0.5 * sizes.sum():
                continue
            for last in range(spans - 1 if to_end else 0, spans):
                for first in range(max(0, last + 1 - longest), last + 1):
                    c = table[inside, first : last + 1].sum()
                    e = expected[inside, first : last + 1].sum()
                    if c > e > 0:
                        rest = (total - c) * np.log((total - c) / (total - e)) if c < total else 0.0
                        yield c * np.log(c / e) + rest, frozenset(np.flatnonzero(inside)), first, last


def region(seed=0, n=15, spans=8, extra=0):
    """Areas × years, with `extra` cases in areas 0–1 in the last two years."""
    rng = np.random.default_rng(seed)
    xy, people = rng.random((n, 2)) * 100, rng.integers(50, 300, (n, spans))
    table = rng.poisson(people * 0.01)
    table[:2, -2:] += extra
    area, year = np.divmod(np.arange(n * spans), spans)
    frame = pd.DataFrame({"area": area, "date": 2010 + year, "cases": table.ravel(), "population": people.ravel()})
    return frame.assign(x=xy[area, 0], y=xy[area, 1]), xy, people, table


PLANE = {"x": "x", "y": "y", "distance": "planar", "random_state": 1}


@pytest.mark.parametrize("prospective", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_space_time_cluster_is_the_one_the_definition_names(seed, prospective):
    frame, xy, people, table = region(seed, extra=3)
    mean = people / people.sum() * table.sum()
    known = max(cylinders(xy, people.sum(axis=1), table, mean, 4, prospective), key=lambda w: w[0])
    found = space_time_scan(frame, permutations=0, prospective=prospective, **PLANE)
    top = found.clusters.iloc[0]
    assert top["llr"] == pytest.approx(known[0])
    assert (top["start"] - 2010, top["end"] - 2010) == known[2:]
    assert set(found.members.loc[found.members.cluster_id == 0, "area"]) == known[1]
    assert found.cells["count"].sum() == table.sum()
    assert found.cells["expected"].sum() == pytest.approx(table.sum())


@pytest.mark.parametrize("seed", range(3))
def test_permutation_cluster_is_the_one_the_definition_names(seed):
    rng = np.random.default_rng(seed)
    spots = rng.random((12, 2)) * 100
    where, when = rng.integers(0, 12, 120), rng.integers(0, 10, 120)
    events = pd.DataFrame({"x": spots[where, 0], "y": spots[where, 1], "date": when})
    table = np.zeros((12, 10), int)
    np.add.at(table, (where, when), 1)
    by_place = table.sum(axis=1)
    mean = np.outer(by_place, table.sum(axis=0)) / 120
    known = max(cylinders(spots, by_place, table, mean, 5), key=lambda w: w[0])
    top = space_time_permutation_scan(events, permutations=0, **PLANE).clusters.iloc[0]
    assert top["llr"] == pytest.approx(known[0])
    assert (top["start"], top["end"]) == known[2:]
    assert top["expected"] == pytest.approx(mean[list(known[1]), known[2] : known[3] + 1].sum())


def test_planted_outbreak_is_found_with_its_dates():
    frame, *_ = region(1, n=40, spans=10, extra=12)
    found = space_time_scan(frame, **PLANE)
    top = found.clusters.iloc[0]
    assert (top["start"], top["end"], top["p_value"]) == (2018, 2019, 0.001)
    assert {0, 1} & set(found.members.loc[found.members.cluster_id == 0, "area"])


def test_place_always_busy_and_week_busy_everywhere_are_no_permutation_clusters():
    rng = np.random.default_rng(3)
    where = rng.choice(20, 400, p=np.r_[0.4, np.full(19, 0.6 / 19)])
    when = rng.choice(20, 400, p=np.r_[np.full(19, 0.6 / 19), 0.4])
    events = pd.DataFrame({"x": where * 10.0, "y": 0.0, "date": when})
    assert space_time_permutation_scan(events, **PLANE).clusters["p_value"].iloc[0] > 0.05
    again = pd.concat([events, pd.DataFrame({"x": 50.0, "y": 0.0, "date": [4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6]})])
    top = space_time_permutation_scan(again, **PLANE).clusters.iloc[0]
    assert top["p_value"] <= 0.01
    assert (top["x"], top["n_areas"]) == (50, 1)


def test_rows_that_are_missing_count_as_zero_cases_with_the_usual_population():
    frame, *_ = region(2)
    frame["population"] = frame.groupby("area")["population"].transform("mean")
    short = frame[frame["cases"] > 0]
    assert set(short["area"]) == set(frame["area"])
    full = space_time_scan(frame, permutations=0, **PLANE).clusters
    assert full["llr"].iloc[0] == pytest.approx(space_time_scan(short, permutations=0, **PLANE).clusters["llr"].iloc[0])


def test_a_row_may_stand_for_several_cases():
    frame, *_ = region(4, extra=5)
    rows = frame.loc[np.repeat(frame.index, frame["cases"])]
    one = space_time_permutation_scan(rows, permutations=19, **PLANE).clusters
    other = space_time_permutation_scan(frame, cases="cases", permutations=19, **PLANE).clusters
    pd.testing.assert_frame_equal(one.drop(columns="geometry"), other.drop(columns="geometry"))


def test_dates_are_gathered_into_months_and_told_back_as_such():
    rng = np.random.default_rng(0)
    dates = pd.Timestamp("2018-01-10") + pd.to_timedelta(rng.integers(0, 300, 90), unit="D")
    events = pd.DataFrame({"lon": rng.normal(116, 0.02, 90), "lat": rng.normal(39.9, 0.02, 90), "date": dates})
    found = space_time_permutation_scan(events, every="month", permutations=9, random_state=0)
    assert isinstance(found.clusters["start"].iloc[0], pd.Period)
    assert found.params["periods"] == len(pd.period_range(dates.min(), dates.max(), freq="M"))


def test_counts_over_a_grid_are_scanned_as_they_come():
    zone = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.60, 53.70, -1.53, 53.74)], crs=4326)
    grid = make_grid(zone, system="square", cell_size_m=1000)
    months = pd.period_range("2018-01", periods=6, freq="M")
    index = pd.MultiIndex.from_product([grid.cells.index, months], names=["cell_id", "period"])
    counts = pd.DataFrame({"count": 1}, index=index)
    counts.loc[(grid.cells.index[7], months[4]), "count"] = 30
    people = pd.Series(100, grid.cells.index)
    found = space_time_scan(counts, grid=grid, population=people, random_state=0)
    assert (found.clusters["start"].iloc[0], found.clusters["end"].iloc[0]) == (months[4], months[4])
    assert found.cells["cluster_id"].iloc[7] == 0
    assert isinstance(found.cells, gpd.GeoDataFrame)


def test_same_seed_same_answer_whatever_the_memory(monkeypatch):
    from gridmap.hotspots.scan import candidates as scan_candidates

    frame, *_ = region(6, extra=2)
    one = space_time_scan(frame, **PLANE).clusters["p_value"]
    monkeypatch.setattr(scan_candidates, "MOST_AT_ONCE", 15 * 8 * 64)  # one block at a time
    assert one.equals(space_time_scan(frame, **PLANE).clusters["p_value"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda f: f.assign(date=pd.NaT), InputError, "no 'date'"),
        (lambda f: f.assign(date=2010), InputError, "one period"),
        (lambda f: f.assign(date="3/4/18"), InputError, "pd.to_datetime"),
        (lambda f: f.assign(x=np.arange(len(f))), InputError, "more than one place"),
        (lambda f: f.assign(population=0), InputError, "sum to 0"),
        (lambda f: f.drop(columns="population"), InputError, "no column 'population'"),
        (lambda f: f.drop(columns="area"), InputError, "no column 'area'"),
        (lambda f: f.assign(date=f.date * 10_000), InputError, "periods"),
    ],
)
def test_bad_tables_are_refused_by_name(change, error, message):
    frame, *_ = region()
    with pytest.raises(error, match=message):
        space_time_scan(change(frame), **PLANE)


def test_events_without_dates_or_in_metres_for_degrees_are_refused():
    events = pd.DataFrame({"x": np.arange(40.0) * 500, "y": 1.0, "date": range(40)})
    with pytest.raises(InputError, match="needs dates"):
        space_time_permutation_scan(events.assign(date=pd.NaT), **PLANE)
    with pytest.raises(InputError, match="no column 'when'"):
        space_time_permutation_scan(events, time="when", **PLANE)
    with pytest.raises(CRSError, match="planar"):
        space_time_permutation_scan(events, x="x", y="y")
    with pytest.raises(InputError, match="fewer than 30"):
        space_time_permutation_scan(events.iloc[:20], **PLANE)
    with pytest.raises(SettingError, match="max_duration"):
        space_time_permutation_scan(events, max_duration=0, **PLANE)
    assert "2 of 40 events were set aside" in " ".join(
        space_time_permutation_scan(events.assign(x=events.x.where(events.index > 1)), permutations=0, **PLANE).notes
    )


@pytest.mark.parametrize(
    "setting",
    [
        {"time": ["date"]},
        {"every": ["week"]},
        {"every": "fortnight"},
        {"distance": ["planar"]},
        {"prospective": "yes"},
        {"max_duration_share": 2},
        {"grid": "h3"},
    ],
)
@pytest.mark.parametrize("scan", [space_time_scan, space_time_permutation_scan])
def test_bad_settings_are_refused(scan, setting):
    frame, *_ = region()
    with pytest.raises((SettingError, InputError), match=f"^{next(iter(setting))}\\b"):
        scan(frame, **(PLANE | setting))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["poisson", "permutation"])
def test_false_alarms_are_as_many_as_promised(kind):
    rng = np.random.default_rng(17)
    frame, _, people, _ = region(3, n=20)
    chance = (people / people.sum()).ravel()
    p = []
    for k in range(400):
        options = PLANE | {"permutations": 99, "random_state": k}
        if kind == "poisson":
            found = space_time_scan(frame.assign(cases=rng.multinomial(150, chance)), **options)
        else:
            no_interaction = np.outer(people.sum(axis=1), people.sum(axis=0)).ravel()
            cases = frame.assign(cases=rng.multinomial(150, no_interaction / no_interaction.sum()))
            found = space_time_permutation_scan(cases, cases="cases", **options)
        p.append(found.clusters["p_value"].iloc[0])
    low, high = stats.binom.ppf([0.005, 0.995], 400, 0.05)
    assert low <= (np.array(p) <= 0.05).sum() <= high
