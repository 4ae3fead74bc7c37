"""The gate: what each audience may have of a frame, and how a why_not_allowed reads."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely
from scipy.optimize import minimize

import gridmap as gm
from gridmap.errors import GridmapError, GridmapWarning, InputError, SettingError
from gridmap.privacy import CONTENTS, covered, gate, gate_text, release_result, scattered
from gridmap.read.incident_table import Incidents
from gridmap.read.persons import mask, personal_columns
from gridmap.runs import read_pipeline


@pytest.fixture(scope="module")
def grid():
    zones = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[shapely.box(120, 30, 120.1, 30.1)], crs=4326)
    return gm.make_grid(gm.read_boundaries(zones), system="square", cell_size_m=1000)


def cells(grid, **columns) -> gpd.GeoDataFrame:
    return grid.cells.assign(**columns)


# persons


@pytest.mark.parametrize(
    "values, what",
    [
        (["11010519491231002X"], "identity numbers"),
        ([f"110105{y}1231002" for y in (49, 52, 63, 71, 88)], "identity numbers"),
        (["+86 138 1234 5678"], "telephone numbers"),
        (["0086-13812345678"], "telephone numbers"),
        (["１３８１２３４５６７８"], "telephone numbers"),
        (["0571-87654321"] * 5, "telephone numbers"),
        (["浙A12345"], "vehicles"),
        (["浙BD12345"], "vehicles"),
        (["粤Z·1234港"], "vehicles"),
        (["6222021234567890128"], "bank cards"),
        (["G12345678", "EA1234567"], "identity numbers"),
        (["a.b@example.com"], "e-mail addresses"),
        (["幸福里3栋2单元501室", "5-2-301"], "doors of dwellings"),
        (["王小明", "李雷", "欧阳娜娜", "赵四", "孙二娘"], "names of persons"),
    ],
)
def test_persons_are_recognised_by_content_under_an_odd_header(values, what):
    assert personal_columns([("k7", values)]) == {"k7": f"{what} (by content)"}


@pytest.mark.parametrize(
    "name, values",
    [
        ("grid_code", [f"3402012010010{i:02d}" for i in range(1, 30)]),
        ("lsoa", ["E01010568", "E01010569"] * 3),
        ("户籍人口", ["2480", "1971"]),
        ("流动人口户数", ["13812345678", "2"][1:]),
        ("community", ["王家庄", "李村", "马驹桥", "高新区", "石景山"]),
        ("road", ["S1234", "G5", "G1234567890"]),
        ("when", ["2024-03-05 03:17:42"] * 5),
        ("card", ["6222021234567890129"] * 5),
    ],
)
def test_what_only_looks_personal_is_kept(name, values):
    assert personal_columns([(name, values)]) == {}


def test_texts_are_starred_where_they_quote_somebody():
    assert mask("纠纷（联系13812345678）浙A12345 6222 0212 3456 7890 128") == "纠纷(联系***)*** ***"
    assert mask("34020120100100301") == "34020120100100301"
    assert gate_text("at 120.155070, 30.274085 since 03:17:42") == "at ***, *** since ***"
    assert gate_text("at 120.155070 since 03:17:42", audience="internal") == "at 120.155070 since 03:17:42"


@pytest.mark.parametrize("audience", ["internal", "meeting", "public"])
@pytest.mark.parametrize("content", sorted(set(CONTENTS) - {"points", "clusters", "patrols", "rows"}))
def test_columns_about_persons_are_dropped_and_named_whatever_is_written(audience, content, grid):
    frame = cells(grid, count=9, 网格员="王小明", k7="13812345678", note="浙A12345来电")
    with pytest.warns(GridmapWarning, match="网格员.*k7"):
        kept = gate(frame, content, audience=audience)
    assert {"网格员", "k7"} & set(kept.columns) == set()
    assert len(kept) == len(frame)
    said = kept.drop(columns="geometry").astype(str).to_csv()
    assert not any(word in said for word in ("13812345678", "浙A12345", "王小明"))


def test_boundaries_lose_their_persons_at_reading():
    square = shapely.box(120, 30, 120.1, 30.1)
    zones = gpd.GeoDataFrame({"code": ["330106001"], "网格员": ["王小明"], "人口": [9]}, geometry=[square], crs=4326)
    read = gm.read_boundaries(zones)
    assert "网格员" not in read
    assert read["人口"].tolist() == [9]
    assert read.attrs["dropped"] == {"网格员": "names of persons (by name)"}
    assert any("网格员" in note for note in read.attrs["notes"])


# single incidents


def test_rows_keep_their_order_and_lose_what_tells_incidents_apart(grid):
    n = len(grid)
    when = pd.date_range("2024-03-05 03:17:42", periods=n, freq="min")
    frame = cells(grid, count=range(n), lon=120.1, lat=30.1, first=when, days=np.linspace(0.1, 3, n))
    kept = gate(frame, "cells")
    assert kept["count"].tolist() == list(range(n))
    assert {"lon", "lat"} & set(kept) == set()
    assert set(kept["first"]) <= {"2024-03-05", "2024-03-06"}
    assert (kept["days"] % 1 == 0).all()
    assert gate(frame, "cells", audience="internal").equals(frame)


def test_points_are_refused_whatever_they_are_called(grid):
    points = gpd.GeoDataFrame({"count": [1]}, geometry=gpd.points_from_xy([120.05], [30.05]), crs=4326)
    table = pd.DataFrame({"incident_id": ["a"], "lon": [120.05]})
    for frame, content in ((points, "points"), (points, "cells"), (table, "table"), (table, "places")):
        for audience in ("meeting", "public"):
            with pytest.raises(InputError, match="one by one"):
                gate(frame, content, audience=audience)


def test_the_cover_of_a_cluster_holds_its_hull_and_tells_no_corner():
    rng = np.random.default_rng(0)
    corners = np.array([120.05, 30.05]) + rng.normal(0, 0.004, (40, 2))
    hulls = gpd.GeoDataFrame(
        {"count": [40], "density": [1.0], "lon": [120.05], "axis_long_m": [3.0]},
        geometry=[shapely.MultiPoint(corners).convex_hull],
        crs=4326,
    )
    cover = gate(hulls, "clusters")
    assert cover.geometry.iloc[0].contains(hulls.geometry.iloc[0])
    assert cover["count"].tolist() == [40]
    assert {"lon", "axis_long_m"} & set(cover) == set()
    apart = shapely.distance(shapely.points(shapely.get_coordinates(cover.geometry.iloc[0]))[:, None],
                             shapely.points(corners)[None])  # fmt: skip
    assert apart.min() > 1e-6
    moved = corners + rng.uniform(-2e-5, 2e-5, corners.shape)  # two metres: the same cells, so the same cover
    again = covered(hulls.set_geometry([shapely.MultiPoint(moved).convex_hull], crs=4326))
    assert again.geometry.iloc[0].symmetric_difference(cover.geometry.iloc[0]).area <= cover.geometry.iloc[0].area / 5


def test_scattered_incidents_tell_their_cell_and_nothing_more(grid):
    rng = np.random.default_rng(0)
    here = pa.table({"incident_id": [str(i) for i in range(300)], "lon": rng.uniform(120.01, 120.09, 300),
                     "lat": rng.uniform(30.01, 30.09, 300)})  # fmt: skip
    row = grid.locate(here["lon"], here["lat"])
    once = scattered(Incidents(here), grid)
    assert (grid.locate(*once.lonlat()) == row).all()
    middles = grid.centroids[row]  # the same cells, other places: the same scattered points
    moved = Incidents(here.set_column(1, "lon", pa.array(middles[:, 0])).set_column(2, "lat", pa.array(middles[:, 1])))
    assert np.array_equal(scattered(moved, grid).lonlat(), once.lonlat())


def test_a_lone_incident_cannot_be_read_off_a_density_for_a_meeting(grid):
    """The attack: fit the known kernel to the values of the cells. It finds the place where it is not stopped."""
    lone = np.array([120.0512345, 30.0498765])
    ring = np.column_stack([np.full(39, 120.012), np.full(39, 30.012)])
    xy = np.vstack([lone, ring])
    points = Incidents(pa.table({"incident_id": [str(i) for i in range(40)], "lon": xy[:, 0], "lat": xy[:, 1]}))

    def found(incidents) -> float:
        result = gm.kernel_density(incidents, grid, bandwidth_m=1500, kernel="quartic")
        at, values = grid.centroids_m, result.cells["intensity"].to_numpy() / 1e6
        true = grid.xy_m(lone[:1], lone[1:])[0]
        near = np.hypot(*(at - true).T) < 3000  # the others lie farther away
        model = lambda p: 3 * (1 - ((at[near] - p) ** 2).sum(axis=1) / 1500**2).clip(0) ** 2 / np.pi / 1500**2  # noqa: E731
        fit = minimize(lambda p: ((model(p) - values[near]) ** 2).sum() * 1e20, true + 300, method="Nelder-Mead")
        return float(np.hypot(*(fit.x - true)))

    assert found(points) < 20
    assert np.mean([found(scattered(points, grid, random_state=s)) for s in range(5)]) > 100


def test_members_of_clusters_lose_their_names_and_their_order():
    rng = np.random.default_rng(0)
    lon = np.r_[120.05 + rng.normal(0, 2e-4, 40), rng.uniform(120, 120.1, 20)]
    points = Incidents(
        pa.table({"incident_id": [f"A{i}" for i in range(60)], "lon": lon, "lat": 30 + (lon - 120) * 0.9})
    )
    result = gm.dbscan(points, eps_m=100, min_samples=5)
    shown = release_result(result)
    assert shown.members.columns.tolist() == ["cluster_id"]
    assert shown.members["cluster_id"].is_monotonic_increasing
    assert (shown.clusters["count"] == result.clusters["count"]).all()
    assert release_result(result, audience="public").clusters is None
    internal = release_result(result, audience="internal")
    assert internal.members is result.members
    assert release_result(internal, audience="internal") is internal


# sizes, times and small numbers


def test_cells_as_small_as_addresses_are_refused_in_one_line(tmp_path, grid):
    small = grid.cells.iloc[:9].assign(area_m2=2150.0, count=7)
    for audience in ("meeting", "public"):
        with pytest.raises(InputError, match="as good as addresses") as caught:
            gate(small, "cells", audience=audience)
        assert "\n" not in str(caught.value)
    assert len(gate(small, "cells", audience="internal")) == 9


def test_hours_by_cell_are_for_internal_use_months_are_not():
    for unit, freq in (("hour", "h"), ("month", "M"), ("day", "D")):
        index = pd.MultiIndex.from_product([["a", "b"], pd.period_range("2024-01-01", periods=3, freq=freq)])
        frame = pd.DataFrame({"count": 9}, index=index.set_names(["cell_id", "period"]))
        assert len(gate(frame, "counts", audience="internal")) == 6
        for audience, refused in (("meeting", unit == "hour"), ("public", unit != "month")):
            if refused:
                with pytest.raises(InputError, match="more exactly than by the"):
                    gate(frame, "counts", audience=audience)
            else:
                assert len(gate(frame, "counts", audience=audience)) == 6


def test_small_numbers_are_refused_for_the_public_with_the_way_out(grid):
    with pytest.raises(InputError, match=r"numbers under 5 \(in before\).*public_release"):
        gate(cells(grid, before=4, after=9), "cells", audience="public")
    with pytest.raises(InputError, match="numbers under 20"):
        gate(cells(grid, count=9), "cells", audience="public", k=20)
    with pytest.raises(InputError, match="no count beside them"):
        gate(cells(grid, z_score=2.5), "cells", audience="public")
    assert len(gate(cells(grid, count=5, z_score=2.5), "cells", audience="public")) == len(grid)


def test_rows_set_aside_are_reasons_for_the_public_and_have_no_excerpt_for_a_meeting():
    reasons = ["no_place"] * 8 + ["swapped"]
    rows = pd.DataFrame({"file": "a.csv", "row": range(9), "reason": reasons, "found": "lon=120.1"})
    assert gate(rows, "rows").columns.tolist() == ["file", "row", "reason"]
    assert gate(rows, "rows", audience="public").values.tolist() == [["no_place", 8], ["other", 1]]
    assert "found" in gate(rows, "rows", audience="internal")


# wrong use


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda f: gate(f, "cells", audience="press"), "no audience 'press'"),
        (lambda f: gate(f, "cells", audience=None), "no audience None"),
        (lambda f: gate(f, "cell"), "Did you mean 'cells'"),
        (lambda f: gate(f, "cells", audience="public", k=1), "2 or more"),
        (lambda f: gate(f, "cells", audience="public", k=True), "2 or more"),
        (lambda f: gm.build_map([gm.cells_layer(f, "count")], audience="Meeting"), "Did you mean 'meeting'"),
        (lambda f: gate_text("a", audience="all"), "no audience 'all'"),
    ],
)
def test_a_wrong_setting_is_said_in_one_line(call, said, grid):
    with pytest.raises(SettingError, match=said) as caught:
        call(cells(grid, count=9))
    assert "\n" not in str(caught.value)


def test_a_release_of_what_is_none_is_refused(grid):
    for incidents, where in ((None, grid), (Incidents(pa.table({"lon": [1.0]})), "grid")):
        with pytest.raises(InputError, match="takes Incidents and a Grid"):
            gm.public_release(incidents, where)


PIPELINE = """
boundaries: {{path: zones.geojson}}
grid: {{system: zones}}
incidents: {{path: cases.csv}}
audience: {audience}
hotspots: {hotspots}
"""


@pytest.mark.parametrize(
    "audience, hotspots, said",
    [
        ("press", "[{getis_ord: {}}]", "line 5: audience must be internal, meeting or public; found 'press'"),
        ("[meeting]", "[{getis_ord: {}}]", "line 5: audience must be"),
        ("public", "[{dbscan: {}}]", "line 5: dbscan look at single incidents"),
        ("public", "[{getis_ord: {}, period: 2024-01-05}]", "line 5: The public may know the month"),
        ("public", "[{emerging_hotspots: {}, every: week}]", "line 5: The public may know the month"),
        ("public", "[{getis_ord: {}}]\npatrol: {units: 2, shift_h: 4}", "line 5: a patrol plan tells where"),
    ],
)
def test_a_pipeline_is_held_against_its_audience_before_any_work(tmp_path, audience, hotspots, said):
    square = shapely.box(120, 30, 120.1, 30.1)
    gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[square], crs=4326).to_file(tmp_path / "zones.geojson")
    (tmp_path / "cases.csv").write_text("lon,lat\n", encoding="utf-8")
    path = tmp_path / "p.yaml"
    path.write_text(PIPELINE.format(audience=audience, hotspots=hotspots), encoding="utf-8")
    with pytest.raises(GridmapError, match=said.replace("(", r"\(")):
        read_pipeline(path)


@pytest.mark.parametrize(
    "language, said", [("en", "For a meeting: not for the public"), ("zh", "供会议使用，不对外公开")]
)
def test_the_page_says_for_whom_it_is_made(language, said, grid):
    html = gm.build_map([gm.cells_layer(cells(grid, count=9), "count")], language=language).get_root().render()
    assert '"audience":"meeting"' in html.replace('": "', '":"')
    assert said in html


def test_a_plan_is_not_written_for_the_public(tmp_path):
    places = gpd.GeoDataFrame({"place_id": ["a", "b"], "prize": [2.0, 1.0]},
                              geometry=gpd.points_from_xy([120.05, 120.06], [30.05, 30.05]), crs=4326)  # fmt: skip
    plan = gm.plan_patrols(places, None, units=1, shift_h=1, random_state=0)
    with pytest.raises(SettingError, match="where the police will be"):
        gm.write_plan(plan, tmp_path / "plan", audience="public")
    with pytest.raises(InputError, match="where the police will be"):
        gm.export(plan, tmp_path / "plan.gpkg", audience="public")
    with pytest.raises(InputError, match="where the police will be"):
        gm.build_map(gm.patrol_layers(plan), audience="public")
    assert not (tmp_path / "plan").exists()
