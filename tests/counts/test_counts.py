"""count_by_cell: exact, with its zeros, and nothing lost."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gridmap.counts.query import count_by_cell
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.grids.systems import make_grid
from gridmap.read.incident_table import Incidents


def zones_of(*boxes):
    return gpd.GeoDataFrame(
        {"zone_id": [f"z{i}" for i in range(len(boxes))]}, geometry=[shapely.box(*b) for b in boxes], crs=4326
    )


def incidents_of(lon, lat, **columns):
    return Incidents(pa.table({"lon": np.asarray(lon, float), "lat": np.asarray(lat, float), **columns}))


@pytest.fixture(scope="module")
def town():
    """Four districts of a square town, a hole in the middle of the last, and a fifth far in the east."""
    zones = zones_of((0, 0, 1, 1), (1, 0, 2, 1), (0, 1, 1, 2), (1, 1, 2, 2), (3, 0, 4, 1))
    zones.loc[3, "geometry"] = zones.geometry[3].difference(shapely.box(1.4, 1.4, 1.6, 1.6))
    return zones


@pytest.fixture(scope="module")
def crowd():
    rng = np.random.default_rng(7)
    n = 5_000
    since = pd.Timestamp("2018-03-01") + pd.to_timedelta(rng.integers(0, 120 * 24 * 60, n), unit="min")
    return Incidents(
        pa.table(
            {
                "lon": rng.uniform(-0.5, 4.5, n).round(1),  # many exactly on edges and corners
                "lat": rng.uniform(-0.5, 2.5, n).round(1),
                "category": pa.array(rng.choice(["theft", "burglary", "fraud"], n)),
                "hour": pa.array(rng.integers(0, 24, n)),
                "occurred_from": pa.array(since),
                "occurred_to": pa.array(since),
                "patrol_found": pa.array(rng.choice([True, False, None], n), pa.bool_()),
            }
        )
    )


def by_sjoin(incidents, grid):
    """Counts by geopandas: a point on a shared edge goes to the zone with the lowest row."""
    points = incidents.to_geodataframe()
    cells = grid.cells.reset_index(names="cell")[["geometry"]]
    joined = gpd.sjoin(points, cells, predicate="intersects")["index_right"]
    first = joined.groupby(level=0).min()
    return np.bincount(first, minlength=len(grid)), len(points) - len(first)


def test_counts_by_zone_equal_sjoin_on_edges_too(town, crowd):
    grid = make_grid(town, system="zones")
    counts = count_by_cell(crowd, grid)
    expected, outside = by_sjoin(crowd, grid)
    np.testing.assert_array_equal(counts["count"], expected)
    assert counts.attrs["outside"] == outside > 0
    assert counts["count"].dtype == np.int64


@pytest.mark.parametrize("settings", [{"system": "h3", "resolution": 4}, {"system": "square", "cell_size_m": 20_000}])
def test_counts_by_cell_equal_sjoin_away_from_edges(town, settings):
    grid = make_grid(town, **settings)
    rng = np.random.default_rng(1)
    points = incidents_of(rng.uniform(-0.5, 4.5, 4_000), rng.uniform(-0.5, 2.5, 4_000))
    expected, _ = by_sjoin(points, grid)
    counts = count_by_cell(points, grid)
    # H3 and UTM edges are not straight in lon/lat: a drawn outline may differ from the cell by a hair.
    assert np.abs(counts["count"].to_numpy() - expected).sum() <= 8
    assert counts["count"].sum() + counts.attrs["outside"] == len(points)


def test_by_hand():
    grid = make_grid(zones_of((0, 0, 1, 1), (1, 0, 2, 1), (2, 0, 3, 1)), system="zones")
    points = incidents_of([0.5, 1.0, 1.5, 9.0], [0.5, 0.5, 0.5, 0.5], category=["a", "a", "b", "a"])
    counts = count_by_cell(points, grid)
    assert counts["count"].to_dict() == {"z0": 2, "z1": 1, "z2": 0}  # the shared edge goes to the first
    assert {k: counts.attrs[k] for k in ("rows", "outside", "untimed")} == {"rows": 4, "outside": 1, "untimed": 0}
    assert count_by_cell(points, grid, category="b")["count"].tolist() == [0, 1, 0]
    assert count_by_cell(points, grid, category=["a", "b"])["count"].tolist() == [2, 1, 0]


def test_every_cell_period_and_category_is_there_in_the_grids_order(town, crowd):
    grid = make_grid(town, system="zones")
    counts = count_by_cell(crowd, grid, every="month", by="category")
    assert counts.index.names == ["cell_id", "period", "category"]
    assert len(counts) == 5 * 4 * 3
    assert counts.index.get_level_values("cell_id").unique().tolist() == grid.cells.index.tolist()
    months = counts.index.get_level_values("period").unique()
    assert list(months) == list(pd.period_range("2018-03", "2018-06", freq="M"))
    assert counts.index.get_level_values("category").unique().tolist() == ["burglary", "fraud", "theft"]
    pd.testing.assert_series_equal(
        counts["count"].groupby("cell_id", sort=False).sum(),
        count_by_cell(crowd, grid)["count"],
        check_index_type=False,
    )


@pytest.mark.parametrize(
    "every, freq", [("year", "Y"), ("quarter", "Q"), ("month", "M"), ("week", "W-SUN"), ("day", "D"), ("hour", "h")]
)
def test_exact_times_fall_in_pandas_periods(town, crowd, every, freq):
    grid = make_grid(town, system="zones")
    counts = count_by_cell(crowd, grid, every=every)
    frame = crowd.to_frame()
    frame["row"] = grid.locate(frame["lon"], frame["lat"])
    frame = frame[frame["row"] >= 0]
    expected = frame.groupby([grid.cells.index[frame["row"]], frame["occurred_from"].dt.to_period(freq)]).size()
    got = counts["count"][counts["count"] > 0]
    assert got.to_dict() == expected.to_dict()
    assert counts["count"].sum() + counts.attrs["outside"] == counts.attrs["rows"] == len(crowd)


def test_hour_of_week_begins_on_monday(town):
    grid = make_grid(town, system="zones")
    when = pd.to_datetime(["2018-07-02 00:30", "2018-07-08 23:59", "2018-07-04 12:00"])  # Monday, Sunday, Wednesday
    points = incidents_of([0.5] * 3, [0.5] * 3, occurred_from=when, occurred_to=when)
    counts = count_by_cell(points, grid, every="hour_of_week")["count"].xs("z0")
    assert len(counts) == 168
    assert counts[counts > 0].index.tolist() == [0, 2 * 24 + 12, 167]


def test_an_interval_counts_in_the_period_of_its_middle_unless_it_is_longer(town):
    grid = make_grid(town, system="zones")
    since = pd.to_datetime(
        ["2018-07-01", "2018-02-01", "2018-07-30 17:00", "2018-06-01", None, "2018-07-05"], format="ISO8601"
    )
    until = pd.to_datetime(["2018-08-01", "2018-03-01", "2018-08-02 05:00", "2018-08-01", None, None], format="ISO8601")
    points = incidents_of([0.5] * 6, [0.5] * 6, occurred_from=since, occurred_to=until)
    counts = count_by_cell(points, grid, every="month")
    july = counts["count"].xs("z0")
    assert july[july > 0].to_dict() == {pd.Period("2018-02"): 1, pd.Period("2018-07"): 3}
    assert counts.attrs["untimed"] == 2  # two months long; no time at all
    days = count_by_cell(points, grid, every="day")
    assert days.attrs["untimed"] == 5
    assert days["count"].sum() == 1


def test_months_only_cannot_be_counted_by_day(town):
    points = incidents_of(
        [0.5], [0.5], occurred_from=pd.to_datetime(["2018-07-01"]), occurred_to=pd.to_datetime(["2018-08-01"])
    )
    with pytest.raises(InputError, match="none of the 1 has a time that lies in one day"):
        count_by_cell(points, make_grid(town, system="zones"), every="day")


def test_what_a_patrol_found_can_be_left_out(town, crowd):
    grid = make_grid(town, system="zones")
    found = crowd.to_frame()["patrol_found"]
    assert count_by_cell(crowd, grid, patrol_found=False).attrs["rows"] == int((found != True).sum())  # noqa: E712
    assert count_by_cell(crowd, grid, patrol_found=True).attrs["rows"] == int((found == True).sum())  # noqa: E712
    frame = count_by_cell(crowd.where(patrol_found=False), grid)
    pd.testing.assert_frame_equal(frame, count_by_cell(crowd, grid, patrol_found=False))


def test_a_quiet_month_of_a_category_is_a_zero(town):
    when = pd.to_datetime(["2018-01-05", "2018-02-05", "2018-03-05"])
    points = incidents_of([0.5] * 3, [0.5] * 3, category=["a", "b", "b"], occurred_from=when, occurred_to=when)
    counts = count_by_cell(points, make_grid(town, system="zones"), category="a", every="month")
    assert counts["count"].xs("z0").tolist() == [1, 0, 0]


def test_any_column_can_be_counted_by_and_nothing_is_lost(town, crowd):
    grid = make_grid(town, system="zones")
    counts = count_by_cell(crowd, grid, by="hour")
    assert counts.index.names == ["cell_id", "hour"]
    assert counts.index.get_level_values("hour").unique().tolist() == list(range(24))
    assert counts["count"].sum() + counts.attrs["outside"] == len(crowd)
    points = incidents_of([0.5, 0.5], [0.5, 0.5], category=["a", None])
    assert count_by_cell(points, grid, by="category")["count"].xs("z0").to_dict() == {"a": 1, "(missing)": 1}


def test_no_incidents_are_zeros(town):
    points = incidents_of([], [], category=pa.array([], pa.string()))
    counts = count_by_cell(points, make_grid(town, system="zones"))
    assert counts["count"].tolist() == [0] * 5
    assert counts.attrs["rows"] == 0


def test_coordinates_that_are_not_finite_are_outside(town, tmp_path):
    table = pa.table({"lon": [0.5, None, np.nan, np.inf, 1e300], "lat": [0.5, 0.5, 0.5, -np.inf, 0.5]})
    pq.write_table(table, tmp_path / "p.parquet")
    for system in ({"system": "zones"}, {"system": "h3", "resolution": 5}, {"system": "square", "cell_size_m": 30_000}):
        counts = count_by_cell(tmp_path / "p.parquet", make_grid(town, **system))
        assert (counts["count"].sum(), counts.attrs["outside"]) == (1, 4)


def test_files_count_like_memory(town, crowd, tmp_path):
    grid = make_grid(town, system="zones")
    settings = {"by": "category", "every": "week", "patrol_found": False}
    expected = count_by_cell(crowd, grid, **settings)
    table = crowd.arrow()
    pq.write_table(table, tmp_path / "one.parquet")
    for part in range(2):
        pq.write_table(table.slice(part * 2_500, 2_500), tmp_path / f"part{part}.parquet")
    pq.write_to_dataset(table, tmp_path / "hive", partition_cols=["category"])
    table.to_pandas().to_csv(tmp_path / "all.csv", index=False)
    one = count_by_cell(str(tmp_path / "one.parquet"), grid, **settings)
    many = count_by_cell(tmp_path / "part*.parquet", grid, **settings)
    listed = count_by_cell([tmp_path / "part0.parquet", tmp_path / "part1.parquet"], grid, **settings)
    hive = count_by_cell(tmp_path / "hive", grid, **settings)
    csv = count_by_cell(tmp_path / "all.csv", grid, **settings)
    for found in (one, many, listed, hive, csv):
        pd.testing.assert_frame_equal(found, expected)


def test_a_bare_file_of_lon_and_lat_will_do(town, crowd, tmp_path):
    pq.write_table(crowd.arrow(["lon", "lat"]), tmp_path / "bare.parquet")
    grid = make_grid(town, system="zones")
    pd.testing.assert_frame_equal(count_by_cell(tmp_path / "bare.parquet", grid), count_by_cell(crowd, grid))
    with pytest.raises(InputError, match=r"every='month' needs a column 'occurred_from', which bare\.parquet does"):
        count_by_cell(tmp_path / "bare.parquet", grid, every="month")
    with pytest.raises(InputError, match="needs a column 'patrol_found'"):
        count_by_cell(tmp_path / "bare.parquet", grid, patrol_found=False)


def test_unknown_names_are_answered_with_the_one_that_was_meant(town, crowd):
    grid = make_grid(town, system="zones")
    with pytest.raises(InputError, match="Did you mean 'burglary'"):
        count_by_cell(crowd, grid, category="burglery")
    with pytest.raises(InputError, match="Did you mean 'category'"):
        count_by_cell(crowd, grid, by="categorie")
    with pytest.raises(SettingError, match="Did you mean 'month'"):
        count_by_cell(crowd, grid, every="months")
    with pytest.raises(InputError, match="a category or a list of them"):
        count_by_cell(crowd, grid, category=[])
    with pytest.raises(SettingError, match="patrol_found"):
        count_by_cell(crowd, grid, patrol_found="no")


def test_wrong_kinds_of_input_end_in_one_clear_line(town, crowd, tmp_path):
    grid = make_grid(town, system="zones")
    with pytest.raises(InputError, match="needs a Grid as make_grid gives it; found DataFrame"):
        count_by_cell(crowd, pd.DataFrame(town.drop(columns="geometry")))
    with pytest.raises(InputError, match="found DataFrame"):
        count_by_cell(crowd.to_frame(), grid)
    with pytest.raises(ReadError, match="There is no file"):
        count_by_cell(tmp_path / "none.parquet", grid)
    (tmp_path / "broken.parquet").write_text("no parquet")
    with pytest.raises(ReadError, match=r"broken\.parquet cannot be read"):
        count_by_cell(tmp_path / "broken.parquet", grid)
    (tmp_path / "words.xlsx").write_text("x")
    with pytest.raises(ReadError, match="neither Parquet nor CSV"):
        count_by_cell(tmp_path / "words.xlsx", grid)
    (tmp_path / "other.csv").write_text("经度,纬度\n1,2\n")
    with pytest.raises(InputError, match=r"has no column 'lon'.*read_incidents"):
        count_by_cell(tmp_path / "other.csv", grid)
    (tmp_path / "text.csv").write_text("lon,lat\nhere,there\n")
    with pytest.raises(InputError, match="should hold degrees as numbers"):
        count_by_cell(tmp_path / "text.csv", grid)
    with pytest.raises(InputError, match="The list of incident files is empty"):
        count_by_cell([], grid)


def test_a_stray_date_is_named_not_held_in_memory(town):
    when = pd.to_datetime(["1800-01-01", "2018-01-01"])
    points = incidents_of([0.5, 0.5], [0.5, 0.5], occurred_from=when, occurred_to=when)
    with pytest.raises(SettingError, match="stray date"):
        count_by_cell(points, make_grid(town, system="square", cell_size_m=10_000), every="hour")


def test_hostile_names_are_values_never_sql(town):
    name = "'); DROP TABLE incidents; --"
    points = incidents_of([0.5], [0.5], category=[name], **{'a"b; select 1': [name]})
    grid = make_grid(town, system="zones")
    assert count_by_cell(points, grid, category=name)["count"].sum() == 1
    assert count_by_cell(points, grid, by='a"b; select 1')["count"].xs(name, level=1).sum() == 1


coordinates = st.floats(-1, 5, allow_nan=False).map(lambda v: round(v, 1)) | st.sampled_from([0.0, 1.0, 2.0, np.nan])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(coordinates, coordinates, st.sampled_from(["a", "b"])), max_size=60))
def test_every_row_is_counted_once_or_told(rows):
    zones = zones_of((0, 0, 1, 1), (1, 0, 2, 1), (0, 1, 1, 2), (3, 0, 4, 1))
    grid = make_grid(zones, system="zones")
    lon, lat, kind = zip(*rows, strict=True) if rows else ((), (), ())
    points = incidents_of(lon, lat, category=pa.array(kind, pa.string()))
    counts = count_by_cell(points, grid)
    assert counts["count"].sum() + counts.attrs["outside"] == counts.attrs["rows"] == len(rows)
    expected = np.zeros(len(zones), int)
    for x, y in zip(lon, lat, strict=True):
        hit = np.flatnonzero(zones.geometry.intersects(shapely.Point(x, y))) if x == x and y == y else []
        if len(hit):
            expected[hit[0]] += 1
    np.testing.assert_array_equal(counts["count"], expected)
    if rows:
        split = count_by_cell(points, grid, by="category")
        np.testing.assert_array_equal(split["count"].groupby("cell_id", sort=False).sum(), expected)


def test_overlapping_zones_count_a_point_in_both_on_request():
    zones = zones_of((0, 0, 1, 1), (0.5, 0, 2, 1))
    points = incidents_of([0.2, 0.7, 1.5, 9], [0.5] * 4, category=["a", "b", "b", "a"])
    grid = make_grid(zones, system="zones", overlaps="all")
    counts = count_by_cell(points, grid)
    assert counts["count"].tolist() == [2, 2]
    assert {k: counts.attrs[k] for k in ("rows", "outside", "repeated")} == {"rows": 4, "outside": 1, "repeated": 1}
    split = count_by_cell(points, grid, by="category")["count"]
    assert split.to_dict() == {("z0", "a"): 1, ("z0", "b"): 1, ("z1", "a"): 0, ("z1", "b"): 2}


def test_progress_tells_rows_and_the_total(town, tmp_path):
    rng = np.random.default_rng(0)
    pq.write_table(
        pa.table({"lon": rng.uniform(0, 4, 300_000), "lat": rng.uniform(0, 2, 300_000)}), tmp_path / "p.parquet"
    )
    told = []
    count_by_cell(tmp_path / "p.parquet", make_grid(town, system="zones"), progress=lambda *a: told.append(a))
    assert [t[0] for t in told] == sorted(t[0] for t in told)
    assert told[-1][:2] == (300_000, 300_000)


def test_threads_and_memory_limit_do_not_change_the_answer(town, crowd):
    grid = make_grid(town, system="zones")
    expected = count_by_cell(crowd, grid, every="day", by="category")
    for machine in ({"threads": 1}, {"threads": 3}, {"memory_limit": "200MB"}):
        pd.testing.assert_frame_equal(count_by_cell(crowd, grid, every="day", by="category", **machine), expected)
    with pytest.raises(SettingError, match="memory_limit is a size"):
        count_by_cell(crowd, grid, memory_limit="much")
    with pytest.raises(SettingError, match="threads is a whole number"):
        count_by_cell(crowd, grid, threads=0)
    with pytest.raises(SettingError, match="Did you mean 'spark'"):
        count_by_cell(crowd, grid, engine="sparc")


@pytest.mark.parametrize("name", ["cases[1]", "p*s", "a?b", "x{1,2}", "[!a]", "[[]"])
@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_a_literal_name_is_a_literal_name(town, tmp_path, name, suffix):
    def write(path, n):
        table = pa.table({"lon": np.full(n, 0.5), "lat": np.full(n, 0.5)})
        pq.write_table(table, path) if suffix == ".parquet" else table.to_pandas().to_csv(path, index=False)

    folder = tmp_path / "in [brackets] {and} more*"
    folder.mkdir()
    for n, beside in enumerate(["cases1", "pas", "ps", "acb", "x1", "x2", "b", "["]):
        write(folder / f"{beside}{suffix}", 10 + n)
    write(folder / f"{name}{suffix}", 3)
    grid = make_grid(town, system="zones")
    assert count_by_cell(folder / f"{name}{suffix}", grid)["count"].sum() == 3
    assert count_by_cell([str(folder / f"{name}{suffix}")] * 2, grid)["count"].sum() == 6


def test_a_pattern_is_one_only_where_no_such_file_is(town, tmp_path):
    for n, name in enumerate(["cases1", "cases2", "cases[3]"]):
        pq.write_table(pa.table({"lon": np.full(n + 1, 0.5), "lat": np.full(n + 1, 0.5)}), tmp_path / f"{name}.parquet")
    grid = make_grid(town, system="zones")
    assert count_by_cell(tmp_path / "cases[12].parquet", grid)["count"].sum() == 3
    assert (
        count_by_cell(tmp_path / "cases*.parquet", grid)["count"].sum() == 6
    )  # the file with brackets once, as itself
    assert count_by_cell(tmp_path, grid)["count"].sum() == 6


def test_a_column_of_yes_and_no_loses_nothing(town):
    points = incidents_of([0.5] * 4, [0.5] * 4, night=pa.array([True, False, True, None]))
    counts = count_by_cell(points, make_grid(town, system="zones"), by="night")["count"].xs("z0")
    assert counts.to_dict() == {"False": 1, "True": 2, "(missing)": 1}


def test_officer_initiated_is_the_name_of_what_a_patrol_came_upon(town, crowd):
    grid = make_grid(town, system="zones")
    for value in (True, False):
        new = count_by_cell(crowd, grid, officer_initiated=value)
        pd.testing.assert_frame_equal(new, count_by_cell(crowd, grid, patrol_found=value))
        assert new.about.officer_initiated is value
    names = [name.replace("patrol_found", "officer_initiated") for name in crowd.arrow().column_names]
    renamed = Incidents(crowd.arrow().rename_columns(names))
    assert count_by_cell(renamed, grid, patrol_found=True).about == count_by_cell(crowd, grid, patrol_found=True).about
