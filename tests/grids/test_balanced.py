"""Management grids: contiguous, nested, even, deterministic; and said where that cannot be."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from gridmap.errors import GridmapError, InputError
from gridmap.grids.systems import make_grid

METRE = 1 / 111_320  # degrees, at the equator


def frame(shapes, **columns) -> gpd.GeoDataFrame:
    """Boundaries from shapes in metres around 0° N 0° E."""
    shapes = shapely.transform(np.array(shapes, dtype=object), lambda xy: xy * METRE)
    columns = {"zone_id": [f"C{k}" for k in range(len(shapes))], **columns}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=4326)


def points(xy, households=1, **columns) -> gpd.GeoDataFrame:
    xy = np.asarray(xy, float).reshape(-1, 2) * METRE
    return gpd.GeoDataFrame(
        {"households": households, **columns}, index=range(len(xy)), geometry=shapely.points(xy), crs=4326
    )


def lattice(side: int, step: float, at=(0.0, 0.0)) -> np.ndarray:
    x, y = np.meshgrid(np.arange(side) * step + step / 2, np.arange(side) * step + step / 2)
    return np.column_stack([x.ravel() + at[0], y.ravel() + at[1]])


def balanced(boundaries, atoms, **options):
    return make_grid(boundaries, system="balanced", atoms=atoms, load="households", **options)


def assert_tiles(grid, boundaries):
    """Every grid in one piece, inside its community; together they are the communities."""
    cells = grid.cells
    assert (cells.geometry.geom_type == "Polygon").all()
    assert cells.geometry.is_valid.all()
    home = boundaries.set_index("zone_id").geometry.loc[cells["zone_id"]].to_numpy()
    assert np.all(shapely.area(shapely.difference(cells.geometry.to_numpy(), home)) <= 1e-9 * shapely.area(home))
    covered = pd.Series(shapely.area(cells.geometry.to_numpy())).groupby(cells["zone_id"].to_numpy()).sum()
    assert np.allclose(covered.loc[boundaries["zone_id"]], shapely.area(boundaries.geometry.to_numpy()), rtol=1e-6)


def test_a_square_of_even_houses_makes_four_even_squares():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    grid = balanced(town, points(lattice(20, 50)), target=100)
    assert grid.cells["households"].tolist() == [100] * 4
    assert (grid.report["compactness"] > 0.6).all()
    assert grid.report["within"].all()
    assert grid.report["contiguous"].all()
    assert_tiles(grid, town)


def test_the_same_seed_gives_the_same_grids():
    town = frame([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)])
    rng = np.random.default_rng(1)
    atoms = points(rng.uniform(0, [2000, 1000], (900, 2)))
    one, two = (balanced(town, atoms, target=100, random_state=4) for _ in range(2))
    assert one.cells.equals(two.cells)
    assert one.report.equals(two.report)


def test_no_grid_crosses_the_border_of_its_community():
    rng = np.random.default_rng(2)
    cut = shapely.LineString([(0, 400), (300, 700), (600, 200), (1000, 500)])
    halves = shapely.get_parts(shapely.polygonize([cut.union(shapely.box(0, 0, 1000, 1000).boundary)]))
    town = frame(halves)
    atoms = points(rng.uniform(0, 1000, (1200, 2)))
    grid = balanced(town, atoms, target=100)
    assert_tiles(grid, town)
    assert grid.cells["households"].sum() == 1200
    assert (grid.report["deviation"].abs() < 0.15).all()


@st.composite
def places(draw):
    """Communities side by side, some with an island, a hole or nobody; atoms of which some are too heavy."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shapes, xy, load = [], [], []
    for k in range(draw(st.integers(1, 4))):
        shape = shapely.box(k * 1000, 0, k * 1000 + 1000, 1000)
        kind = draw(st.sampled_from(["plain", "hole", "island", "thin", "nobody"]))
        if kind == "hole":
            shape = shape.difference(shapely.box(k * 1000 + 300, 300, k * 1000 + 700, 650))
        elif kind == "island":
            shape = shape.union(shapely.box(k * 1000 + 300, 1300, k * 1000 + 600, 1700))
        elif kind == "thin":
            shape = shape.difference(shapely.box(k * 1000 + 30, 100, k * 1000 + 1000, 900))
        shapes.append(shape)
        if kind != "nobody" or k == 0:
            many = draw(st.integers(1, 120))
            at = rng.uniform([k * 1000, 0], [k * 1000 + 1000, 1700], (many * 8, 2))
            at = at[shapely.contains_xy(shape, *at.T)][:many]
            xy.append(at)
            load.append(np.where(rng.random(len(at)) < 0.03, 400, rng.integers(1, 12, len(at))))
    return frame(shapes), points(np.vstack(xy), np.concatenate(load))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(places(), st.booleans())
def test_always_contiguous_nested_and_nobody_lost(place, as_squares):
    town, atoms = place
    if as_squares:
        squares = make_grid(town, system="square", cell_size_m=150)
        row = squares.locate(atoms.geometry.x, atoms.geometry.y)
        squares.cells["households"] = np.bincount(row[row >= 0], atoms["households"][row >= 0], minlength=len(squares))
        total, atoms = squares.cells["households"].sum(), squares
    else:
        total = atoms["households"].sum()
    assume(total > 0)
    grid = balanced(town, atoms, target=min(100, total / len(town)))  # no larger than the largest community
    assert_tiles(grid, town)
    assert grid.report["contiguous"].all()
    # A square that shares no more than a rounding's width of ground with any community is told as outside.
    assert np.isclose(grid.cells["households"].sum() + grid.report.attrs["load_outside"], total, rtol=1e-9)
    assert (grid.report.loc[~grid.report["within"], "reason"] != "").all()
    assert (grid.report.loc[grid.report["within"], "reason"] == "").all()


def test_a_community_with_one_heavy_house_says_so():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    xy = lattice(10, 100)
    grid = balanced(town, points(xy, np.where(np.arange(100) == 55, 500, 5)), target=100)
    heavy = grid.report.loc[grid.report["load"].idxmax()]
    assert heavy["load"] >= 500
    assert "one basic unit alone carries 500" in heavy["reason"]
    assert grid.report["contiguous"].all()


def test_a_village_below_the_stated_size_stays_one_grid():
    town = frame([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)])
    xy = np.vstack([lattice(20, 50), lattice(15, 66, (1000, 0))])
    grid = balanced(town, points(xy), target=100, whole_below=250)
    assert grid.cells["zone_id"].value_counts().to_dict() == {"C0": 4, "C1": 1}


def test_two_to_five_grids_a_community_are_kept():
    town = frame([shapely.box(0, 0, 1000, 1000), shapely.box(1000, 0, 2000, 1000)])
    xy = np.vstack([lattice(30, 33), lattice(10, 100, (1000, 0))])
    grid = balanced(town, points(xy), target=100, grids_per_community=(2, 5))
    assert grid.cells["zone_id"].value_counts().to_dict() == {"C0": 5, "C1": 2}


def test_borders_follow_a_street_and_stop_at_a_river():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    rng = np.random.default_rng(3)
    atoms = points(rng.uniform(0, 1000, (400, 2)))
    river = frame([shapely.LineString([(470, -10), (470, 1010)])])
    grid = balanced(town, atoms, target=100, barriers=river)
    west, east = river.geometry.iloc[0].bounds[0], 1000 * METRE
    for shape in grid.cells.geometry:
        x0, _, x1, _ = shape.bounds
        assert x1 <= west + 1e-9 or x0 >= west - 1e-9
    assert east > west
    street = frame([shapely.LineString([(-10, 480), (1010, 480)]), shapely.LineString([(510, -10), (510, 1010)])])
    plain = balanced(town, atoms, target=100)
    along = balanced(town, atoms, target=100, follow=street)
    near = shapely.buffer(shapely.union_all(street.geometry.to_numpy()), 2 * METRE)

    def on_streets(grid):
        edges = shapely.union_all(shapely.boundary(grid.cells.geometry.to_numpy()))
        inner = shapely.difference(edges, shapely.buffer(town.geometry.iloc[0].boundary, METRE))
        return shapely.length(shapely.intersection(inner, near)) / shapely.length(inner)

    assert on_streets(along) > 0.6 > 3 * on_streets(plain)
    assert_tiles(along, town)


def test_an_exclusive_grid_is_cut_out_as_itself():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    plant = frame([shapely.box(200, 200, 500, 400)], name=["plant"])
    grid = balanced(town, points(lattice(20, 50)), target=100, exclusive=plant)
    own = grid.cells[grid.cells["kind"] == "exclusive"]
    assert own["name"].tolist() == ["plant"]
    assert own.geometry.iloc[0].symmetric_difference(plant.geometry.iloc[0]).area < 1e-6 * plant.geometry.iloc[0].area
    assert own["households"].tolist() == [24]
    assert grid.cells["households"].sum() == 400
    assert_tiles(grid, town)


def test_existing_grids_that_are_even_are_not_moved():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    atoms = points(lattice(20, 50))
    old = frame([shapely.box(0, 0, 1000, 250), shapely.box(0, 250, 1000, 500), shapely.box(0, 500, 1000, 1000)])
    kept = balanced(town, atoms, target=130, tolerance=0.6, keep=old)
    assert kept.report["moved"].sum() == 0
    assert sorted(kept.cells["households"]) == [100, 100, 200]


def test_existing_grids_are_changed_as_little_as_the_tolerance_allows():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    atoms = points(lattice(20, 50))
    old = frame([shapely.box(0, 0, 1000, 350), shapely.box(0, 350, 1000, 1000)])  # 140 and 260
    kept = balanced(town, atoms, target=200, tolerance=0.15, keep=old)
    assert kept.report["within"].all()
    assert 30 <= kept.report["moved"].sum() <= 40
    assert set(kept.cells["kept_id"]) == {"0", "1"}
    fresh = balanced(town, atoms, target=200, tolerance=0.15)
    assert fresh.report["moved"].sum() == 0


def test_households_of_one_building_stay_together():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    xy = np.repeat(lattice(10, 100), 5, axis=0)
    grid = balanced(town, points(xy), target=100)
    assert grid.report["atoms"].sum() == 100
    assert grid.cells["households"].sum() == 500
    assert (grid.cells["households"] % 5 == 0).all()


def test_unit_grids_of_10000_m2_need_no_atoms():
    town = frame([shapely.box(0, 0, 500, 400)])
    grid = make_grid(town, system="balanced", load="area_m2", target=10_000)
    assert len(grid) == 20
    assert (grid.report["deviation"].abs() < 0.15).all()
    assert_tiles(grid, town)


def test_several_loads_with_weights():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    xy = lattice(20, 50)
    atoms = points(xy, cases=np.where(xy[:, 0] < 250, 4, 0))
    grid = make_grid(town, system="balanced", atoms=atoms, load={"households": 1, "cases": 0.5}, target=150)
    assert {"households", "cases", "load"} <= set(grid.cells)
    assert np.allclose(grid.cells["load"], grid.cells["households"] + 0.5 * grid.cells["cases"])
    assert grid.cells["cases"].sum() == atoms["cases"].sum()
    assert (grid.report["deviation"].abs() <= 0.15).all()


def test_few_atoms_are_divided_in_the_best_way_there_is():
    """Five squares in a row with 3, 1, 1, 1, 4: only 4 | 2 … is wrong; 3+1+1 | 1+4 is even."""
    town = frame([shapely.box(0, 0, 500, 100)])
    atoms = frame([shapely.box(k * 100, 0, k * 100 + 100, 100) for k in range(5)], households=[3, 1, 1, 1, 4])
    grid = balanced(town, atoms, target=5)
    assert grid.cells["households"].tolist() == [5, 5]


def test_a_block_that_a_border_cuts_is_shared_by_area():
    town = frame([shapely.box(0, 0, 250, 100), shapely.box(250, 0, 500, 100)])
    atoms = frame([shapely.box(k * 100, 0, k * 100 + 100, 100) for k in range(5)], households=[10, 10, 10, 10, 10])
    grid = balanced(town, atoms, target=25)
    assert grid.cells["households"].round(6).tolist() == [25, 25]


def test_points_are_found_in_their_grid():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    atoms = points(lattice(20, 50))
    grid = balanced(town, atoms, target=100)
    row = grid.locate(atoms.geometry.x, atoms.geometry.y)
    assert np.bincount(row, minlength=len(grid)).tolist() == grid.cells["households"].tolist()
    assert grid.adjacency().sum() >= 2 * (len(grid) - 1)


TOWN = frame([shapely.box(0, 0, 1000, 1000)])
HOUSES = points(lattice(20, 50))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"boundaries": frame([shapely.box(0, 0, 600, 600), shapely.box(300, 0, 900, 600)])}, "overlap"),
        ({"atoms": points(lattice(5, 50, (90_000, 0)))}, "outside every community"),
        ({"target": 5_000}, "more than any community holds"),
        ({"target": 0}, "target must be a number above 0"),
        ({"target": "many"}, "target must be a number above 0"),
        ({"tolerance": -1}, "tolerance must be a number above 0"),
        ({"tolerance": float("nan")}, "tolerance must be a number above 0"),
        ({"load": "househods"}, "'households'"),
        ({"load": {}}, "load is a column"),
        ({"load": {"households": -1}}, "load is a column"),
        ({"atoms": None}, "basic_units="),
        ({"atoms": HOUSES.iloc[:0]}, "empty"),
        ({"atoms": HOUSES.assign(households=0)}, "0 on every basic unit"),
        ({"atoms": HOUSES.assign(households=-1)}, "0 or more"),
        ({"atoms": HOUSES.assign(households=np.nan)}, "0 or more"),
        ({"atoms": HOUSES.assign(households="x")}, "0 or more"),
        ({"atoms": HOUSES.set_crs(None, allow_override=True)}, "no CRS"),
        ({"atoms": pd.DataFrame({"households": [1, 2]})}, "neither a geometry"),
        ({"atoms": pd.DataFrame({"households": [1], "lon": [np.nan], "lat": [0.0]})}, "no usable lon and lat"),
        ({"atoms": [1, 2]}, "list"),
        ({"grids_per_community": (5, 2)}, "fewest, most"),
        ({"grids_per_community": 3}, "fewest, most"),
        ({"random_state": "x"}, "random_state"),
        ({"follow": "roads.shp"}, "GeoDataFrame"),
        ({"follow": HOUSES}, "lines"),
        ({"keep": HOUSES}, "areas"),
        ({"toleranse": 0.1}, "tolerance"),
        ({"whole_below": "x"}, "whole_below"),
    ],
)
def test_wrong_use_ends_in_one_clear_line(options, words):
    settings = {"boundaries": TOWN, "atoms": HOUSES, "load": "households", "target": 100, **options}
    with pytest.raises(GridmapError) as caught:
        make_grid(settings.pop("boundaries"), system="balanced", **settings)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_atoms_outside_are_counted_not_lost_in_silence():
    atoms = pd.concat([HOUSES, points(lattice(2, 50, (5_000, 0)))], ignore_index=True)
    grid = balanced(TOWN, atoms, target=100)
    assert grid.report.attrs["outside"] == 4
    assert grid.report.attrs["load_outside"] == 4
    assert grid.cells["households"].sum() + 4 == atoms["households"].sum()


def test_west_yorkshire_in_grids_of_1300_households(root):
    lsoa = gpd.read_file(root / "data/west_yorkshire/lsoa_2011.geojson")
    some = lsoa[lsoa["msoa_code"].isin(sorted(lsoa["msoa_code"].unique())[:40])]
    msoa = some.dissolve("msoa_code").reset_index().rename(columns={"msoa_code": "zone_id"})[["zone_id", "geometry"]]
    grid = balanced(msoa, some, target=1300)
    assert grid.report["contiguous"].all()
    assert grid.cells["households"].sum() == some["households"].sum()
    assert grid.report["deviation"].abs().mean() < 0.15
    assert isinstance(grid.report.attrs["mean_deviation"], float)
    with pytest.raises(InputError, match="no column 'households' for the load"):
        balanced(msoa, some.drop(columns="households"), target=1300)


def test_existing_grids_that_became_too_light_are_merged():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    atoms = points(lattice(20, 50))
    old = frame([shapely.box(0, k * 250, 1000, k * 250 + 250) for k in range(4)], zone_id=list("abcd"))
    kept = balanced(town, atoms, target=200, tolerance=0.15, keep=old.set_index("zone_id"))
    assert kept.cells["households"].tolist() == [200, 200]
    assert kept.report["moved"].tolist() == [100, 100]
    assert kept.cells["kept_id"].nunique() == 2
    assert set(kept.cells["kept_id"]) <= set("abcd")
    assert_tiles(kept, town)
    as_they_were = balanced(town, atoms, target=200, tolerance=0.15, keep=old, grids_per_community=(4, 5))
    assert as_they_were.report["moved"].sum() == 0


def test_a_grid_that_grew_is_divided_and_its_neighbour_left_alone():
    town = frame([shapely.box(0, 0, 1000, 1000)])
    atoms = points(lattice(20, 50), households=np.where(lattice(20, 50)[:, 1] > 500, 2, 1))
    old = frame([shapely.box(0, 0, 1000, 500), shapely.box(0, 500, 1000, 1000)], zone_id=["south", "north"])
    kept = balanced(town, atoms, target=200, tolerance=0.15, keep=old.set_index("zone_id"))
    assert sorted(kept.cells["households"]) == [200, 200, 200]
    south = kept.cells[kept.cells["kept_id"] == "south"]
    assert south["households"].tolist() == [200]
    assert kept.report.loc[south.index, "moved"].tolist() == [0]
    assert kept.report["moved"].sum() == 0 or kept.report["moved"].sum() == 100  # the new half of the north


def test_the_cells_of_a_raster_are_atoms(tmp_path):
    import rasterio
    from rasterio.transform import from_origin

    path = tmp_path / "households.tif"
    values = np.random.default_rng(5).integers(0, 9, (20, 20)).astype("float32")
    values[0, 0] = np.nan
    settings = {"height": 20, "width": 20, "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=from_origin(0, 1000 * METRE, 50 * METRE, 50 * METRE), **settings) as out:
        out.write(values, 1)
    town = frame([shapely.box(0, 0, 1000, 1000)])
    grid = balanced(town, path, target=200)
    assert grid.cells["households"].sum() == np.nansum(values)
    assert grid.report["within"].all()
    assert_tiles(grid, town)
    half = frame([shapely.box(0, 0, 1000, 500)])
    part = balanced(half, str(path), target=200)
    assert part.cells["households"].sum() == pytest.approx(np.nansum(values[10:]), abs=1e-6)
    with pytest.raises(GridmapError, match="lies elsewhere"):
        balanced(frame([shapely.box(90_000, 0, 91_000, 1000)]), path, target=200)
    with pytest.raises(GridmapError, match="There is no file"):
        balanced(town, tmp_path / "none.tif", target=200)


def test_incidents_are_a_load_of_their_own_and_beside_households():
    from gridmap.grids.regionalization.basic_units import incident_workload
    from gridmap.read.incidents import read_incidents

    town = frame([shapely.box(0, 0, 1000, 1000)])
    houses = points(lattice(20, 50))
    at = np.random.default_rng(6).uniform([0, 0], [300, 300], (200, 2)) * METRE
    table = pd.DataFrame({"lon": at[:, 0], "lat": at[:, 1], "category": ["a", "b"] * 100, "date": "2024-05-01"})
    incidents = read_incidents(table)
    work = incident_workload(incidents, houses)
    assert work.sum() == 200
    assert work[houses.geometry.x > 350 * METRE].sum() == 0
    assert incident_workload(incidents, houses, weights={"a": 4, "b": 0}).sum() == 400
    squares = make_grid(town, system="square", cell_size_m=100)
    by_square = incident_workload(incidents, squares)
    row = squares.locate(*incidents.lonlat())
    assert by_square.tolist() == np.bincount(row, minlength=len(squares)).tolist()
    atoms = houses.assign(incidents=work)
    grid = make_grid(town, system="balanced", atoms=atoms, load={"households": 1, "incidents": 2}, target=200)
    assert len(grid) == 4
    assert grid.report["deviation"].abs().max() <= 0.15
    busy = grid.cells.loc[grid.cells["incidents"].idxmax()]
    assert busy["households"] < 100  # where there is more to do, the grid is smaller
    with pytest.raises(GridmapError, match="'c'"):
        incident_workload(incidents, houses, weights={"c": 1})
    with pytest.raises(GridmapError, match="0 or more"):
        incident_workload(incidents, houses, weights={"a": -1})
    with pytest.raises(GridmapError, match="list"):
        incident_workload([1], houses)
