"""Every part of gridmap at three sizes, 1, 4 and 16: time, processor time, memory, and how they grow.

    python benchmarks/three_sizes.py [--only join statistics] [--most 60] [--write]

One process for each part and size. Each piece of work runs once on a small world beforehand, so that nobody pays for
compiling or a first import, and then once, measured: wall seconds, processor seconds of all threads, and the most
memory above what was held before. The exponent is that of the processor time from size 4 to 16: 1 is proportional. What
would take longer than `--most` processor seconds at the next size is left out there (–). Peers run in the same process
where they are installed.

`--write` keeps the numbers in `three_sizes.json`, part by part, and writes the table of all parts into
docs/performance.md and its Chinese twin. `make bench` does that; `make bench ONLY=join` for one part.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE / "points_in_zones"))

import geopandas as gpd  # noqa: E402 - the folder above comes first
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
import shapely  # noqa: E402

import gridmap as gm  # noqa: E402

SIZES = (1, 4, 16)
KEPT = HERE / "three_sizes.json"
PAGES = {"en": HERE.parent / "docs/performance.md", "zh": HERE.parent / "docs/performance.zh-CN.md"}
BEGIN, END = "<!-- three sizes: written by benchmarks/three_sizes.py -->", "<!-- three sizes: end -->"
#: Size of the world before measuring, at which everything is compiled and imported.
SMALL = 0.25
STEEP = 1.2
PAPERS = (".pdf", ".docx", ".pptx", ".xlsx")
ALIASES = (".geoparquet", ".tiff")  # other names of formats that are measured
#: Why something grows faster than n^1.2; whatever is steeper and not here is a finding.
EXPLAINED: dict[str, tuple[str, str]] = {
    "h3 library, keys alone": ("the union of all zones is in it", "含所有区域的合并"),
    "spatial_scan": (
        "windows: each area is the centre of circles up to half of all",
        "窗口：每个区域都是半径至多含一半的圆心",
    ),
    "space_time_scan": ("windows of all centres, radii and spans", "所有圆心、半径与时段的窗口"),
    "space_time_permutation_scan": ("windows of all centres, radii and spans", "所有圆心、半径与时段的窗口"),
    "plan_patrols": ("a round looks at each pair of places in each shift", "每一轮都要看每班次的每一对地点"),
    "dbscan of scikit-learn": ("a list of neighbours for every point", "每个点都有邻居列表"),
}
TOO_SHORT = ("too short to tell", "用时太短，无从判断")


class World:
    """A territory that grows with its size: zones, incidents and cells of even density, so that n is what grows."""

    def __init__(self, size: float, folder: Path):
        self.size, self.folder = size, folder
        rng = np.random.default_rng(7)
        side = max(round(12 * size**0.5), 3)  # zones along a side, of 2 km each
        self.crs = "EPSG:32630"
        x, y = (v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
        metres = shapely.box(600_000 + 2000 * x, 5_950_000 + 2000 * y, 602_000 + 2000 * x, 5_952_000 + 2000 * y)
        zones = gpd.GeoDataFrame(
            {
                "zone_id": [f"Z{k:05d}" for k in range(len(x))],
                "name": [f"Zone {k}" for k in range(len(x))],
                "persons": rng.integers(500, 4000, len(x)),
            },
            geometry=shapely.segmentize(metres, 100),
            crs=self.crs,
        ).to_crs(4326)
        self.zones = gm.read_boundaries(zones)
        n = int(5000 * size)
        heart = rng.uniform(0, 2000 * side, (max(int(20 * size), 2), 2))
        xy = heart[rng.integers(0, len(heart), n)] + rng.normal(0, 400, (n, 2))
        spread = rng.random(n) < 0.4
        xy[spread] = rng.uniform(0, 2000 * side, (spread.sum(), 2))
        xy = xy.clip(1, 2000 * side - 1) + np.array([600_000, 5_950_000])
        lonlat = gpd.GeoSeries(gpd.points_from_xy(*xy.T), crs=self.crs).to_crs(4326)
        self.metres = xy
        self.frame = pd.DataFrame(
            {
                "incident_id": np.arange(n).astype(str),
                "occurred_at": pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 731 * 1440, n), unit="min"),
                "category": rng.choice(["burglary", "theft", "damage"], n),
                "lon": lonlat.x.to_numpy(),
                "lat": lonlat.y.to_numpy(),
            }
        ).sort_values("occurred_at", ignore_index=True)
        self.csv = folder / "incidents.csv"
        self.frame.to_csv(self.csv, index=False)
        self.geojson = folder / "zones.geojson"
        zones.to_file(self.geojson, driver="GeoJSON")

    @property
    def incidents(self) -> Any:
        """The incidents, read once."""
        return self._once("incidents", lambda: gm.read_incidents(self.csv))

    @property
    def grid(self) -> Any:
        """Squares of 500 m, some 2,300 at size 1."""

        def drawn() -> Any:
            grid = gm.make_grid(self.zones, system="square", cell_size_m=500)
            grid.cells["persons"] = np.random.default_rng(1).integers(20, 400, len(grid))
            return grid

        return self._once("grid", drawn)

    @property
    def counts(self) -> pd.DataFrame:
        """Incidents by cell."""
        return self._once("counts", lambda: gm.count_by_cell(self.incidents, self.grid))

    @property
    def months(self) -> pd.DataFrame:
        """Incidents by cell and month."""
        return self._once("months", lambda: gm.count_by_cell(self.incidents, self.grid, every="month"))

    @property
    def areas(self) -> pd.DataFrame:
        """Zones with cases and population, as a scan takes them."""
        return self._once("areas", self._areas)

    def _areas(self) -> pd.DataFrame:
        grid = gm.make_grid(self.zones, system="zones")
        middle = shapely.centroid(grid.cells.geometry.to_numpy())
        found = gm.count_by_cell(self.incidents, grid)
        people = self.zones.set_index("zone_id")["persons"].reindex(found.index).to_numpy()
        return pd.DataFrame(
            {
                "area": found.index,
                "cases": found["count"].to_numpy(),
                "population": people,
                "lon": shapely.get_x(middle),
                "lat": shapely.get_y(middle),
            }
        )

    @property
    def run(self) -> Path:
        """The folder of a finished run over this world."""
        return self._once("run", self._finished)

    def _finished(self) -> Path:
        pipeline = self.folder / "world.yaml"
        pipeline.write_text(
            "title: World\nboundaries: {path: zones.geojson}\ngrid: {system: square, cell_size_m: 500}\n"
            "incidents: {path: incidents.csv}\nhotspots:\n  - getis_ord: {}\noutputs: {map: index.html}\n"
        )
        from gridmap.runs import read_pipeline, run_pipeline

        run_pipeline(read_pipeline(pipeline), self.folder / "run")
        return self.folder / "run"

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self.__dict__:
            self.__dict__[name] = make()
        return self.__dict__[name]

    def __getattribute__(self, name: str) -> Any:
        made = object.__getattribute__(self, "__dict__")
        return made[name] if name in made else object.__getattribute__(self, name)

    def first(self, n: int) -> pd.DataFrame:
        """Points in metres with days, spread over the whole span, as tables of points are given."""
        return pd.DataFrame({"x": self.metres[:n, 0], "y": self.metres[:n, 1], "date": self.frame["occurred_at"][:n]})


@dataclass(frozen=True)
class Work:
    """A piece of work: its name, how many of what it is over at a world's size, and what is run."""

    name: str
    over: Callable[[World], str]
    run: Callable[[World], Any]
    ready: Callable[[World], Any] = lambda world: None
    peer: bool = False


def incidents_of(world: World) -> str:
    return f"{len(world.frame):,} incidents"


def cells_of(world: World) -> str:
    return f"{len(world.grid):,} cells"


def zones_of(world: World) -> str:
    return f"{len(world.zones):,} zones"


def reading(_: World) -> Iterator[Work]:
    """Files into incidents and boundaries."""

    def parquet(world: World) -> Path:
        path = world.folder / "incidents.parquet"
        if not path.exists():
            world.frame.to_parquet(path)
        return path

    yield Work("read_incidents, CSV", incidents_of, lambda w: gm.read_incidents(w.csv))
    yield Work("read_incidents, Parquet", incidents_of, lambda w: gm.read_incidents(parquet(w)), parquet)
    yield Work("read_boundaries, GeoJSON", zones_of, lambda w: gm.read_boundaries(w.geojson))
    yield Work("pandas read_csv", incidents_of, lambda w: pd.read_csv(w.csv), peer=True)
    yield Work("geopandas read_file", zones_of, lambda w: gpd.read_file(w.geojson), peer=True)


def tiling(_: World) -> Iterator[Work]:
    """A territory into cells."""
    import h3

    from gridmap.grids.index.locator import Locator

    hexagons = lambda w: gm.make_grid(w.zones, system="h3", resolution=9)  # noqa: E731
    raster = lambda w: Locator(w.zones.geometry.to_numpy(), raster_cells=100).locate([0.0], [0.0])  # noqa: E731
    yield Work("make_grid h3, resolution 9", zones_of, hexagons, raster)  # many cells want it: compiled beforehand
    yield Work("make_grid square, 250 m", zones_of, lambda w: gm.make_grid(w.zones, system="square", cell_size_m=250))
    yield Work("make_grid zones", zones_of, lambda w: gm.make_grid(w.zones, system="zones"))
    whole = lambda w: h3.geo_to_cells(shapely.union_all(w.zones.geometry.to_numpy()), 9)  # noqa: E731
    yield Work("h3 library, keys alone", zones_of, whole, peer=True)


def joining(_: World) -> Iterator[Work]:
    """Points into cells, from Parquet to counts."""

    def points(world: World) -> Path:
        path = world.folder / "points.parquet"
        if not path.exists():
            rng, n = np.random.default_rng(3), int(250_000 * world.size)
            west, south, east, north = world.zones.total_bounds
            lon, lat = rng.uniform(west, east, n), rng.uniform(south, north, n)
            when = pa.array(
                np.datetime64("2024-01-01", "us") + rng.integers(0, 365 * 86_400, n) * np.timedelta64(1, "s")
            )
            kind = pa.array(rng.choice(["a", "b"], n))
            pq.write_table(pa.table({"lon": lon, "lat": lat, "occurred_from": when, "category": kind}), path)
        return path

    def grids(world: World, system: str, **settings: Any) -> Any:
        return world._once(f"{system} for joining", lambda: gm.make_grid(world.zones, system=system, **settings))

    def ready(world: World, system: str = "zones", **settings: Any) -> None:
        points(world)
        grids(world, system, **settings)

    def sjoin(world: World) -> Any:
        table = pq.read_table(points(world), columns=["lon", "lat"])
        there = gpd.GeoDataFrame(geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
        return gpd.sjoin(there, world.zones[["geometry"]], predicate="intersects")["index_right"].value_counts()

    over = lambda w: f"{int(250_000 * w.size):,} points × {len(w.zones):,} zones"  # noqa: E731
    on = {"zones": {}, "h3": {"resolution": 9}, "square": {"cell_size_m": 250}}
    for system, settings in on.items():
        count = lambda w, s=system, o=settings: gm.count_by_cell(points(w), grids(w, s, **o))  # noqa: E731
        yield Work(f"count_by_cell, {system}", over, count, lambda w, s=system, o=settings: ready(w, s, **o))
    months = lambda w: gm.count_by_cell(points(w), grids(w, "zones"), by="category", every="month")  # noqa: E731
    yield Work("count_by_cell, zones, by category and month", over, months, ready)
    yield Work("geopandas sjoin", over, sjoin, ready, peer=True)


def statistics(_: World) -> Iterator[Work]:
    """Each hotspot method of the registry."""
    from gridmap.hotspots.registry import inputs_of, methods

    takes = {"counts": "counts", "counts_by_period": "months", "incidents": "incidents"}
    special: dict[str, tuple[Callable[[World], str], Callable[[World], Any]]] = {
        "cross_near_repeat": (
            incidents_of,
            lambda w: gm.cross_near_repeat(
                w.first(len(w.metres) // 2), w.first(len(w.metres) // 4), space_breaks_m=[0, 200, 400],
                time_breaks_days=[0, 7, 14], permutations=99, random_state=0,
            ),
        ),
        "near_repeat": (
            incidents_of,
            lambda w: gm.near_repeat(
                w.first(len(w.metres)), space_breaks_m=[0, 200, 400], time_breaks_days=[0, 7, 14], permutations=99,
                random_state=0,
            ),
        ),
        "incident_rates": (cells_of, lambda w: gm.incident_rates(w.counts, w.grid.cells["persons"], grid=w.grid)),
        "kernel_density": (incidents_of, lambda w: gm.kernel_density(w.incidents, w.grid, bandwidth_m=800)),
        "relative_risk": (
            incidents_of,
            lambda w: gm.relative_risk(
                w.incidents, w.grid.cells["persons"], w.grid, bandwidth_m=1500, permutations=39, random_state=0
            ),
        ),
        "compare_periods": (
            cells_of,
            lambda w: gm.compare_periods(w.months, w.grid, before="2023-06", after="2024-06"),
        ),
        "spatial_scan": (zones_of, lambda w: gm.spatial_scan(w.areas, permutations=99, random_state=0)),
        "space_time_scan": (
            zones_of,
            lambda w: gm.space_time_scan(by_month(w), permutations=9, max_duration=3, random_state=0),
        ),
        "space_time_permutation_scan": (
            zones_of,
            lambda w: gm.space_time_permutation_scan(
                by_month(w), cases="cases", every="month", permutations=9, max_duration=3, random_state=0
            ),
        ),
        "st_dbscan": (incidents_of, lambda w: gm.st_dbscan(w.incidents, eps_m=300, eps_days=14, min_samples=5)),
        "stac": (incidents_of, lambda w: gm.stac(w.incidents, radius_m=400)),
    }  # fmt: skip

    def by_month(world: World) -> pd.DataFrame:
        def made() -> pd.DataFrame:
            rng, areas = np.random.default_rng(5), world.areas
            months = pd.period_range("2024-01", periods=6, freq="M").to_timestamp()
            table = areas.loc[areas.index.repeat(len(months))].reset_index(drop=True)
            table["date"] = np.tile(months, len(areas))
            return table.assign(cases=rng.poisson(table["cases"] / len(months)))

        return world._once("by month", made)

    def ready(world: World) -> None:
        world.counts, world.months, world.areas, by_month(world)

    for name, method in methods().items():
        if name in special:
            yield Work(name, *special[name], ready)
            continue
        inputs = inputs_of(method.function)

        def run(world: World, function: Callable = method.function, inputs: dict = inputs) -> Any:
            given = [world.grid if kind == "grid" else getattr(world, takes[kind]) for kind in inputs.values()]
            return function(*given)

        yield Work(name, incidents_of if "incidents" in inputs.values() else cells_of, run, ready)
    if find_spec("esda"):
        import esda
        import libpysal

        def weights(world: World) -> Any:
            side = int(len(world.grid) ** 0.5)
            return world._once("weights", lambda: libpysal.weights.lat2W(side, side, rook=False))

        def values(world: World) -> np.ndarray:
            return np.random.default_rng(0).poisson(3, weights(world).n).astype(float)

        alike = {"permutations": 999, "n_jobs": 1, "keep_simulations": False, "seed": 1}
        local = lambda w: esda.Moran_Local(values(w), weights(w), **alike)  # noqa: E731
        yield Work("local Moran of esda", cells_of, local, weights, peer=True)
    if find_spec("sklearn"):
        from sklearn.cluster import DBSCAN, HDBSCAN

        yield Work("dbscan of scikit-learn", incidents_of, lambda w: DBSCAN(eps=300).fit(w.metres), peer=True)
        yield Work("hdbscan of scikit-learn", incidents_of, lambda w: HDBSCAN(copy=True).fit(w.metres), peer=True)


def maps(_: World) -> Iterator[Work]:
    """A page of each kind of layer, written."""
    from gridmap.maps.layers import boundaries_layer, layers_of

    found: dict[str, Callable[[World], Any]] = {
        "labels": lambda w: layers_of(gm.getis_ord(w.counts, w.grid)),
        "a surface": lambda w: layers_of(gm.kernel_density(w.incidents, w.grid, bandwidth_m=800)),
        "clusters": lambda w: layers_of(gm.dbscan(w.incidents)),
        "zones": lambda w: [boundaries_layer(w.zones)],
        "rates": lambda w: layers_of(gm.incident_rates(w.counts, w.grid.cells["persons"], grid=w.grid)),
    }
    for name, make in found.items():
        kept = lambda w, n=name, m=make: w._once(f"layers of {n}", lambda: list(m(w)))  # noqa: E731
        page = lambda w, k=kept: gm.build_map(k(w)).save(str(w.folder / "page.html"))  # noqa: E731
        yield Work(f"build_map, {name}", cells_of if name not in ("zones",) else zones_of, page, kept)


def papers(_: World) -> Iterator[Work]:
    """The briefing of a finished run."""
    for ending in PAPERS:
        write = lambda w, e=ending: gm.write_briefing(w.run, w.folder / f"briefing{e}")  # noqa: E731
        yield Work(f"write_briefing {ending}", cells_of, write, lambda w: w.run)


def exports(_: World) -> Iterator[Work]:
    """A result in each format."""
    from gridmap.exports.formats import all_formats

    result = lambda w: w._once("result", lambda: gm.getis_ord(w.counts, w.grid))  # noqa: E731
    for ending in all_formats():
        if ending not in ALIASES:
            write = lambda w, e=ending: gm.export(result(w), w.folder / f"result{e}")  # noqa: E731
            yield Work(f"export {ending}", cells_of, write, result)


def drawing(_: World) -> Iterator[Work]:
    """Management grids: communities divided by their load."""

    def parts(world: World) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        def made() -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
            rng = np.random.default_rng(2)
            communities = world.zones[["zone_id", "geometry"]].iloc[: max(len(world.zones) // 4, 1)]
            inner = shapely.buffer(shapely.centroid(communities.geometry.to_numpy()), 0.006)
            west, south, east, north = shapely.bounds(inner).T
            lon, lat = (rng.uniform(a, b, (60, len(inner))) for a, b in ((west, east), (south, north)))
            points = gpd.GeoDataFrame(
                {"persons": rng.integers(5, 60, lon.size)},
                geometry=gpd.points_from_xy(lon.ravel(), lat.ravel()),
                crs=4326,
            )
            return communities, points

        return world._once("communities", made)

    def draw(world: World) -> Any:
        communities, points = parts(world)
        settings = {"basic_units": points, "load": "persons", "target": 400}
        return gm.make_grid(communities, system="balanced", random_state=0, **settings)

    over = lambda w: f"{len(parts(w)[0]):,} communities, {len(parts(w)[1]):,} points"  # noqa: E731
    yield Work("make_grid balanced", over, draw, parts)


def routes(_: World) -> Iterator[Work]:
    """Streets, travel times and patrols."""

    def streets(world: World) -> gpd.GeoDataFrame:
        side = max(int(24 * world.size**0.5), 6)
        x, y = -1.5 + np.arange(side) * 0.0015, 53.8 + np.arange(side) * 0.0009
        lines = [shapely.LineString(np.column_stack([x, np.full(side, b)])) for b in y]
        lines += [shapely.LineString(np.column_stack([np.full(side, a), y])) for a in x]
        return gpd.GeoDataFrame(geometry=lines, crs=4326)

    def network(world: World) -> Any:
        return world._once("network", lambda: gm.build_network(streets(world)))

    def places(world: World) -> Any:
        n, rng = max(int(6 * world.size), 3), np.random.default_rng(4)
        chosen = network(world).junctions.iloc[rng.choice(len(network(world).nodes), n, replace=False)]
        return chosen.assign(place_id=range(n), prize=rng.gamma(1.0, 1.0, n))

    def plan(world: World) -> Any:
        units = max(round(world.size), 1)
        return gm.plan_patrols(places(world), network(world), units=units, shift_h=8, meal_min=0, random_state=0)

    size = lambda w: f"{len(network(w).nodes):,} junctions"  # noqa: E731
    many = lambda w: f"{max(int(6 * w.size), 3):,} places, {max(round(w.size), 1)} units"  # noqa: E731
    yield Work("build_network", size, lambda w: gm.build_network(streets(w)), network)
    yield Work(
        "travel_time_s, 20 × 20", size, lambda w: network(w).travel_time_s(network(w).junctions.iloc[:20]), network
    )
    yield Work("plan_patrols", many, plan, network)


#: The parts by the name that `--only` and `make bench ONLY=` take.
PARTS: dict[str, Callable[[World], Iterator[Work]]] = {
    "read": reading,
    "tile": tiling,
    "join": joining,
    "statistics": statistics,
    "maps": maps,
    "papers": papers,
    "exports": exports,
    "grids": drawing,
    "routes": routes,
}
TITLES = {
    "read": ("Reading", "读取"),
    "tile": ("Tiling", "划分网格"),
    "join": ("Joining", "点入区域"),
    "statistics": ("Statistics", "统计方法"),
    "maps": ("Maps", "地图"),
    "papers": ("Papers", "文书"),
    "exports": ("Exports", "导出"),
    "grids": ("Drawing management grids", "划分管理网格"),
    "routes": ("Routes", "路线"),
}


def memory_mb(what: str) -> float:
    """`VmRSS` or `VmHWM` of this process; nan where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(what)), float("nan"))


def measured(work: Work, world: World) -> dict[str, Any]:
    """One run of a piece of work."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark of memory begins anew
    before = memory_mb("VmRSS")
    wall, spent = time.perf_counter(), time.process_time()
    work.run(world)
    wall, spent = time.perf_counter() - wall, time.process_time() - spent
    added = max(memory_mb("VmHWM") - before, 0.0)
    return {"name": work.name, "over": work.over(world), "wall": wall, "cpu": spent, "mb": added, "peer": work.peer}


def run_part(part: str, size: float, left_out: list[str], small: float = SMALL) -> Iterator[dict[str, Any]]:
    """Every piece of work of a part at a size, in this process."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (Path(folder) / "small").mkdir(), (Path(folder) / "real").mkdir()
        first, world = World(small, Path(folder) / "small"), World(size, Path(folder) / "real")
        for work in PARTS[part](world):
            if work.name in left_out:
                continue
            try:
                for one in (first, world):
                    work.ready(one)
                work.run(first)
                yield measured(work, world)
            except Exception as error:  # the table says it, and the others go on
                yield {"name": work.name, "error": f"{type(error).__name__}: {error}", "peer": work.peer}


def of_all_sizes(part: str, most: float) -> dict[str, Any]:
    """A part at all sizes, each in a process of its own; printed as it comes."""
    found: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for size in SIZES:
        command = [sys.executable, __file__, "--child", part, str(size), json.dumps(left_out)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout or ():
                if not line.startswith("{"):
                    continue
                one = json.loads(line)
                print(part, size, {k: round(v, 2) if isinstance(v, float) else v for k, v in one.items()}, flush=True)
                entry = found.setdefault(one["name"], {"peer": one["peer"], "sizes": {}})
                if "error" in one:
                    entry["error"] = one["error"]
                    left_out.append(one["name"])
                    continue
                entry["sizes"][str(size)] = {k: one[k] for k in ("over", "wall", "cpu", "mb")}
                if one["cpu"] * 4**1.5 > most:
                    left_out.append(one["name"])
    when = datetime.now(UTC).date().isoformat()
    return {"date": when, "load": round(os.getloadavg()[0], 1), "cores": os.cpu_count(), "works": found}


def exponent(sizes: dict[str, dict[str, float]]) -> float | None:
    """Of the processor time, from the last size but one to the last, where both were measured."""
    there = [s for s in SIZES if str(s) in sizes]
    if len(there) < 2:
        return None
    a, b = there[-2:]
    least = 0.005  # seconds that a clock can tell apart
    costs = [max(sizes[str(s)]["cpu"], least) for s in (a, b)]
    return float(np.log(costs[1] / costs[0]) / np.log(b / a))


def table(kept: dict[str, Any], language: str) -> str:
    """The block of the document: a table a part."""
    zh = language == "zh"
    head = (
        ("| 工作 | 规模 16 | 实耗秒 1 / 4 / 16 | 处理器秒 1 / 4 / 16 | 另占 MB | 指数 |")
        if zh
        else "| work | at size 16 | seconds at 1 / 4 / 16 | processor seconds at 1 / 4 / 16 | MB more | exponent |"
    )
    lines = [BEGIN, ""]
    for part, titles in TITLES.items():
        if part not in kept:
            continue
        one = kept[part]
        where = f"{one['date']}, {one['cores']} cores, load {one['load']}"
        if zh:
            where = f"{one['date']}，{one['cores']} 核，负载 {one['load']}"
        lines += [
            f"**{titles[zh]}** ({where})" if not zh else f"**{titles[1]}**（{where}）",
            "",
            head,
            "|---|---|---|---|---|---|",
        ]
        for name, entry in one["works"].items():
            lines.append(_row(name, entry, zh))
        lines.append("")
    return "\n".join([*lines, END])


def _row(name: str, entry: dict[str, Any], zh: bool) -> str:
    sizes = entry["sizes"]
    shown = f"*{name}*" if entry["peer"] else f"`{name}`"
    if not sizes:
        return f"| {shown} | {entry.get('error', '–')} | – | – | – | – |"
    last = sizes[max(sizes, key=int)]
    series = {
        key: " / ".join(_number(sizes[str(s)][key]) if str(s) in sizes else "–" for s in SIZES)
        for key in ("wall", "cpu")
    }
    grows = exponent(sizes)
    steep = "–" if grows is None else f"{grows:.2f}"
    if grows is not None and grows > STEEP:
        reason = TOO_SHORT if last["cpu"] < 0.1 else EXPLAINED.get(name)
        steep += (("：" if zh else ": ") + reason[zh]) if reason else ""
    return f"| {shown} | {last['over']} | {series['wall']} | {series['cpu']} | {last['mb']:,.0f} | {steep} |"


def _number(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.0f}"


def write(kept: dict[str, Any]) -> None:
    """Put the table into the documents."""
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for language, page in PAGES.items():
        text = page.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN)
        page.write_text(before + table(kept, language) + rest.split(END)[1], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--most", type=float, default=60, help="processor seconds that the next size may take")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        part, size, left_out = options.child
        for one in run_part(part, float(size), json.loads(left_out)):
            print(json.dumps(one), flush=True)
        return
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for part in options.only:
        kept[part] = of_all_sizes(part, options.most)
        if options.write:
            write({p: kept[p] for p in PARTS if p in kept})
    print(table({p: kept[p] for p in PARTS if p in kept}, "en"))


if __name__ == "__main__":
    main()
