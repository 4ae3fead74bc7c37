"""Is it the grid or the crime?

A hotspot that disappears when the cells are shifted by half their width was made by the grid; one that disappears
when a few incidents are drawn twice and others not at all was made by luck. `hotspot_stability` runs one method many
times, over

- *variants*: the same kind of cells, wider and narrower, shifted and turned;
- *resamples*: the same cells, with as many incidents drawn anew from those there were (the bootstrap);

and tells for each place in what share of the runs it was hot, and for each hotspot between which ranks it moved.

What is drawn again is not thereby true: hot cells of maps with nothing on them are often drawn again too, because other
grids and other draws see the same incidents. So the same is done with maps that hold nothing (`null_maps`), and the
share that these reach stands beside it.

A place here is the middle of a cell of the grid that one began with. Resampling adds the luck of a second draw to that
of the first, so a share of 80 % among resamples is a stricter judgement than it sounds.

Source: Openshaw 1984 (the modifiable areal unit problem); Efron 1979 (the bootstrap).
"""

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap._moved import in_former_order
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.population import residents_column, total_by_point
from gridmap.grids.systems import make_grid
from gridmap.hotspots.cell_vectors import named_cells
from gridmap.hotspots.default_method import at_risk_by_cell
from gridmap.hotspots.registry import methods as all_methods
from gridmap.hotspots.registry import side_of, what_it_draws
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import seed_from, whole_number
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents
from gridmap.read.metric_projection import unproject

__all__ = ["LatticeGrid", "hotspot_stability", "joined_cells", "places_of", "ranked_hotspots", "verdicts"]

# --------------------------------------------------------------------------------------------------
# The same territory, cut another way: hexagons or squares of any size, shifted and turned.
#
# H3 cells and the usual squares lie where they lie. To ask what a result owes to that, one needs the same kind of cells
# elsewhere: `LatticeGrid` lays them with any width, offset and angle, finds a point's cell by arithmetic, and is a
# `Grid` like the others.

AT_A_TIME = 8192  # points: few enough to stay in the processor's cache
_SIDES = {"square": [(1, 0), (1, 1), (0, 1), (-1, 1)], "hexagon": [(1, 0), (0, 1), (-1, 1)]}  # the others by symmetry


class LatticeGrid(Grid):
    """Squares (eight neighbours) or hexagons (six) that overlap a territory, shifted and turned.

    Attributes
    ----------
    params : mapping
        `shape, cell_area_m2, offset_m, turn_deg, crs`.
    """

    system = "lattice"
    _ab: np.ndarray

    @classmethod
    def over(
        cls, territory, crs, *, shape: str, cell_area_m2: float, offset_m=(0.0, 0.0), turn_deg: float = 0.0
    ) -> "LatticeGrid":
        """All cells of a lattice that overlap `territory`, a shapely geometry in the metric `crs`."""
        params = {
            "shape": shape,
            "cell_area_m2": float(cell_area_m2),
            "offset_m": tuple(float(v) for v in offset_m),
            "turn_deg": float(turn_deg),
            "crs": crs.to_string(),
        }
        corners = shapely.get_coordinates(shapely.envelope(territory))
        # One lattice step is at least 0.86 cell widths, so two more on each side leave nothing out.
        ranges = [np.arange(np.floor(v.min()) - 2, np.ceil(v.max()) + 3) for v in _lattice_axes(corners, params)]
        a, b = (v.ravel().astype(np.int64) for v in np.meshgrid(*ranges))
        centre = _centres(a, b, params)
        shapely.prepare(territory)
        hit = shapely.contains_xy(territory, *centre.T)
        near = hit.copy()
        reach = _step(params) * np.sqrt(0.5) * (1 + 1e-9)
        near[~hit] = shapely.dwithin(territory, shapely.points(centre[~hit]), reach)
        a, b, centre, hit = a[near], b[near], centre[near], hit[near]
        rings = centre[:, None, :] + _corners(params)
        hit[~hit] = shapely.intersects(territory, shapely.polygons(rings[~hit]))
        a, b, rings = a[hit], b[hit], rings[hit]
        lonlat = np.stack(unproject(rings[..., 0], rings[..., 1], crs), axis=-1)
        ids = pd.Index(np.char.add(np.char.add(a.astype(str), "_"), b.astype(str)).astype(object), name="cell_id")
        cells = gpd.GeoDataFrame(
            {"area_m2": np.full(len(a), float(cell_area_m2))}, geometry=shapely.polygons(lonlat), index=ids, crs=4326
        )
        grid = cls(cells, params)
        grid.metric_crs = crs
        grid._ab = np.column_stack([a, b])
        return grid

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """A dense table from lattice numbers to row, −1 where there is no cell, and its lowest corner."""
        low = self._ab.min(axis=0) - 1
        table = np.full(self._ab.max(axis=0) - low + 2, -1, np.int32)
        table[tuple((self._ab - low).T)] = np.arange(len(self), dtype=np.int32)
        return table, low

    def _row(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        table, low = self._table
        a, b = (np.clip(v - first, 0, n - 1) for v, first, n in zip((a, b), low, table.shape, strict=True))
        return table.ravel()[(a * table.shape[1] + b).astype(np.intp)]

    def rows_at(self, xy_m: np.ndarray) -> np.ndarray:
        """The row of each point in this grid's metric CRS; −1 outside and where it is not finite."""
        rows = np.full(len(xy_m), -1, np.int32)
        if not np.isfinite(xy_m).all():
            good = np.isfinite(xy_m[:, 0]) & np.isfinite(xy_m[:, 1])
            rows[good] = self.rows_at(xy_m[good])
            return rows
        for k in range(0, len(xy_m), AT_A_TIME):
            axes = _lattice_axes(xy_m[k : k + AT_A_TIME], self.params)
            rows[k : k + AT_A_TIME] = self._row(*_nearest_cell(*axes, self.params["shape"]))
        return rows

    def locate(self, lon, lat) -> np.ndarray:
        """See `Grid.locate`."""
        return self.rows_at(self.xy_m(np.atleast_1d(lon), np.atleast_1d(lat)))

    @cached_property
    def _first_order(self) -> sparse.csr_array:
        sources, targets = [], []
        for step in _SIDES[self.params["shape"]]:
            row = self._row(*(self._ab + step).T)
            sources.append(np.flatnonzero(row >= 0))
            targets.append(row[row >= 0])
        source, target = np.concatenate(sources), np.concatenate(targets)
        entries = np.ones(2 * len(source), np.int8)
        both = np.r_[source, target], np.r_[target, source]
        return sparse.csr_array(sparse.coo_array((entries, both), shape=(len(self), len(self))))


def _step(params) -> float:
    """Side of the square, or distance between centres of neighbouring hexagons."""
    area = params["cell_area_m2"]
    return float(np.sqrt(area) if params["shape"] == "square" else np.sqrt(area * 2 / np.sqrt(3)))


def _lattice_axes(xy: np.ndarray, params) -> tuple[np.ndarray, np.ndarray]:
    """Metres → lattice numbers with fractions: columns and rows, or a hexagon lattice's two axes at 60°."""
    x, y = xy.T
    east, north = params["offset_m"]
    u, v = _turned(x - east, y - north, -np.radians(params["turn_deg"]))
    step = _step(params)
    if params["shape"] == "square":
        return u / step, v / step
    return (u - v / np.sqrt(3)) / step, 2 * v / np.sqrt(3) / step


def _turned(x: np.ndarray, y: np.ndarray, turn: float) -> tuple[np.ndarray, np.ndarray]:
    """Points turned counter-clockwise about the origin."""
    return x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)


def _nearest_cell(q: np.ndarray, r: np.ndarray, shape: str) -> tuple[np.ndarray, np.ndarray]:
    """The whole lattice numbers of each point's cell: the square it lies in, or the hexagon whose centre is nearest."""
    if shape == "square":
        return np.floor(q), np.floor(r)
    s = -q - r
    at_q, at_r, at_s = np.rint(q), np.rint(r), np.rint(s)
    off_q, off_r, off_s = np.abs(at_q - q), np.abs(at_r - r), np.abs(at_s - s)
    # The coordinate that was rounded most is made to fit the two others.
    at_q = np.where((off_q >= off_r) & (off_q >= off_s), -at_r - at_s, at_q)
    return at_q, np.where((off_r >= off_s) & (off_r >= off_q), -at_s - at_q, at_r)


def _centres(a: np.ndarray, b: np.ndarray, params) -> np.ndarray:
    """The middles of the cells in metres."""
    if params["shape"] == "square":
        centre = np.column_stack([a + 0.5, b + 0.5])
    else:
        centre = np.column_stack([a + b / 2, b * np.sqrt(3) / 2])
    x, y = (centre * _step(params)).T
    return np.column_stack(_turned(x, y, np.radians(params["turn_deg"]))) + np.asarray(params["offset_m"])


def _corners(params) -> np.ndarray:
    """A cell's closed ring about its middle, in metres; no corner is farther than 0.71 steps."""
    sides = 4 if params["shape"] == "square" else 6
    angle = np.radians(np.r_[np.arange(sides), 0] * 360 / sides + 180 / sides + params["turn_deg"])
    return np.column_stack([np.cos(angle), np.sin(angle)]) * _step(params) / (np.sqrt(2) if sides == 4 else np.sqrt(3))


# --------------------------------------------------------------------------------------------------
# From many runs to words and ranks: what a place's being hot depends on, and how far a hotspot's rank moves.

FIRM = 0.9  # hot in at least this share of runs


def places_of(grid: Grid, territory) -> np.ndarray:
    """The middle of each cell, or of what of it lies inside the territory."""
    middle = grid.centroids_m.copy()
    shapely.prepare(territory)
    out = ~shapely.contains_xy(territory, *middle.T)
    if out.any():
        cells = grid.cells.geometry[out].to_crs(grid.metric_crs).to_numpy()
        inside = shapely.point_on_surface(shapely.intersection(cells, territory))
        there = ~shapely.is_empty(inside)
        middle[np.flatnonzero(out)[there]] = shapely.get_coordinates(inside[there])
    return middle


def joined_cells(hot: np.ndarray, grid: Grid) -> np.ndarray:
    """The hotspot each cell belongs to: hot cells that touch are one; −1 elsewhere."""
    label = np.full(len(hot), -1)
    if hot.any():
        label[hot] = sparse.csgraph.connected_components(grid.adjacency()[hot][:, hot], directed=False)[1]
    return label


def verdicts(hot: np.ndarray, runs_hot: np.ndarray, variants: int) -> np.ndarray:
    """A word for each place: what its being hot depends on. The first `variants` rows are of other cells."""
    of_grid = runs_hot[:variants].mean(axis=0) >= FIRM if variants else np.ones(len(hot), bool)
    of_draw = runs_hot[variants:].mean(axis=0) >= FIRM if len(runs_hot) > variants else np.ones(len(hot), bool)
    words = np.select(
        [hot & of_grid & of_draw, hot & of_draw, hot & of_grid, hot, runs_hot.mean(axis=0) >= 0.5],
        ["drawn again", "depends on the grid", "depends on few incidents", "depends on both", "missed by this grid"],
        default="none",
    )
    return words.astype(object)


def ranked_hotspots(hotspots: np.ndarray, score: np.ndarray, runs_score: np.ndarray, cells) -> gpd.GeoDataFrame:
    """Hotspots by rank, with the ranks between which 90 % of the runs lie."""
    names = ["rank", "rank_low", "rank_high", "hot_share", "n_cells", "count", "area_m2", "geometry"]
    number = int(hotspots.max()) + 1 if len(hotspots) else 0
    if number == 0:
        return gpd.GeoDataFrame({n: [] for n in names}, geometry="geometry", crs=4326).rename_axis("cluster_id")
    members = [np.flatnonzero(hotspots == k) for k in range(number)]
    means = np.array([score[m].mean() for m in members])
    order = np.argsort(-means, kind="stable")
    runs = np.array([np.nanmean(runs_score[:, members[k]], axis=1) for k in order])
    ranks = (-runs).argsort(axis=0, kind="stable").argsort(axis=0) + 1
    low, high = np.quantile(ranks, [0.05, 0.95], axis=1, method="nearest")
    rows = [
        {
            "rank": i + 1,
            "rank_low": int(low[i]),
            "rank_high": int(high[i]),
            "hot_share": float(cells["hot_share"].to_numpy()[members[k]].mean()),
            "n_cells": len(members[k]),
            "count": int(cells["count"].to_numpy()[members[k]].sum()),
            "area_m2": float(cells["area_m2"].to_numpy()[members[k]].sum()),
            "geometry": shapely.union_all(cells.geometry.to_numpy()[members[k]]),
        }
        for i, k in enumerate(order)
    ]
    return gpd.GeoDataFrame(rows, columns=names, geometry="geometry", crs=4326).rename_axis("cluster_id")


#: Points that stand for what is at risk, along the width of a cell.
PER_WIDTH = 8


@in_former_order("method, incidents, boundaries", lambda given: isinstance(given[0], str) or callable(given[0]))
def hotspot_stability(
    incidents: Incidents,
    boundaries: gpd.GeoDataFrame,
    method,
    *,
    grid: Grid | None = None,
    system: str = "h3",
    resolution: int | None = None,
    cell_size_m: float | None = None,
    category=None,
    options: dict | None = None,
    variants: int = 50,
    resamples: int = 50,
    null_maps: int = 20,
    widths=(0.75, 1.0, 1.25),
    top_share: float = 0.05,
    random_state=None,
) -> HotspotResult:
    """In what share of other ways to cut the map, and of other draws of the incidents, is each place still hot?

    Parameters
    ----------
    incidents : Incidents
    boundaries : GeoDataFrame
        The territory, as `read_boundaries` gives it.
    method : {"getis_ord", "local_moran", "kernel_density"} or function
        A function takes `(counts, grid, **options)`, or `(incidents, grid, **options)` if its first argument is called
        `incidents`, and answers with a HotspotResult whose cells have a `label` or an `intensity`.
    grid : Grid, optional
        The grid to begin with; else `make_grid(boundaries, system=…)` with `resolution` or `cell_size_m`.
    category : str or list of str, optional
        Use only these incidents.
    options : dict, optional
        Settings of the method, as in {"order": 2}. A population cannot be carried over to other cells and is refused.
    variants : int
        Other cells: hexagons where the grid is of H3, else squares. Zones are replaced by squares of their median
        area.
    resamples : int
        Bootstrap draws of the incidents over the first grid.
    null_maps : int
        Maps with nothing on them that are tried in the same way, on fewer grids and draws: the incidents dealt anew by
        what is at risk where the method knows it, else the cells' counts shuffled. 0 for methods over single incidents.
    widths : list of float
        Cell widths of the variants, as multiples of the grid's; taken in turn. Offset and angle are drawn anew for
        each variant.
    top_share : float
        For a method without labels (kernel_density): the cells of highest intensity that together make this share of
        all cells are the hot ones.
    random_state : int or Generator, optional

    Returns
    -------
    HotspotResult
        `cells`, of the first grid: `count, label` (the method's own, or "hot" and "none"), `hot_share` (of all runs),
        `hot_share_variants, hot_share_resamples`, and `verdict`: "drawn again" (hot in 90 % or more of both), "depends
        on the grid", "depends on few incidents", "depends on both", "missed by this grid" (not hot here, but in half
        of the runs or more), "none". `params`: of `null_maps` maps that hold nothing `null_maps_hot` had hot cells;
        `null_hot_share` is the share in which these were drawn again.
        `clusters`: hot cells that touch, joined: `rank` (1 is the strongest, by mean z-score or intensity),
        `rank_low, rank_high` (between which 90 % of runs lie), `hot_share`, `n_cells, count, area_m2, geometry`.
        `params["widths_m"]` are the widths used.

    Raises
    ------
    InputError
        Fewer than 30 incidents inside the territory, or what the method refuses.
    SettingError
        An unknown method or option.

    Examples
    --------
    >>> import gridmap as gm
    >>> zones = gm.read_boundaries("data/west_yorkshire/lsoa_2011.geojson")                          # doctest: +SKIP
    >>> crime = gm.read_incidents("data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz")        # doctest: +SKIP
    >>> firm = gm.hotspot_stability(crime, zones, "getis_ord", resolution=8, category="Burglary")    # doctest: +SKIP
    >>> firm.clusters[["rank", "rank_low", "rank_high", "hot_share"]].head(3)                        # doctest: +SKIP

    References
    ----------
    Openshaw (1984), The Modifiable Areal Unit Problem. Efron (1979), Annals of Statistics 7, 1–26.
    """
    run = _method(method)
    options = _options(run, options)
    variants = whole_number(variants, "variants", least=0)
    resamples = whole_number(resamples, "resamples", least=0)
    if variants + resamples == 0:
        raise SettingError(Note("hotspots.nothing_to_compare"))
    widths = _widths(widths)
    incidents = as_incidents(incidents)
    if not isinstance(incidents, Incidents):
        raise InputError(Note("hotspots.incidents_wanted", name=type(incidents).__name__))
    if not isinstance(boundaries, gpd.GeoDataFrame) or boundaries.crs is None or not len(boundaries):
        raise InputError(Note("hotspots.boundaries_wanted"))
    if grid is None:
        given = {"resolution": resolution, "cell_size_m": cell_size_m}
        grid = make_grid(boundaries, system=system, **{k: v for k, v in given.items() if v is not None})
    if category is not None:
        incidents = incidents.where(category=category)
    crs = grid.metric_crs
    territory = shapely.union_all(boundaries.geometry.to_crs(crs).to_numpy())
    points = incidents.xy_m(crs) if len(incidents) else np.empty((0, 2))
    rows = grid.locate(*incidents.lonlat())
    places = places_of(grid, territory)
    options, carried = _carried_over(run, options, boundaries, grid, crs)
    first = _run(run, options, grid, rows, incidents, None, top_share)
    hot, score = first.hot, first.score

    hotspots = joined_cells(hot, grid)
    shape = "hexagon" if grid.system == "h3" else "square"
    area = float(grid.cells["area_m2"].median())
    streams = np.random.SeedSequence(seed_from(random_state)).spawn(variants + resamples)
    runs_hot: Any = []
    runs_score: Any = []
    for k, stream in enumerate(streams):
        rng = np.random.default_rng(stream)
        if k < variants:
            other = _other_cells(territory, crs, shape, area, [widths[k % len(widths)]], rng)
            found = _run(run, carried(other), other, other.rows_at(points), incidents, None, top_share)
            at = other.rows_at(places)
            runs_hot.append(np.where(at >= 0, found.hot[at], False))
            runs_score.append(np.where(at >= 0, found.score[at], np.nan))
        else:
            drawn = rng.integers(0, len(points), len(points))
            found = _run(run, options, grid, rows[drawn], incidents, drawn, top_share)
            runs_hot.append(found.hot)
            runs_score.append(found.score)
    runs_hot, runs_score = np.array(runs_hot), np.array(runs_score)
    columns = {
        "count": first.count,
        "label": first.labels,
        "hot_share": runs_hot.mean(axis=0),
        "hot_share_variants": runs_hot[:variants].mean(axis=0) if variants else np.nan,
        "hot_share_resamples": runs_hot[variants:].mean(axis=0) if resamples else np.nan,
    }
    columns["verdict"] = verdicts(hot, runs_hot, variants)
    cells = named_cells(columns, grid.cells.index, grid)
    params = {
        "method": method if isinstance(method, str) else run.__name__,
        "options": options,
        "grid": {"system": grid.system, **grid.params},
        "category": category,
        "variants": variants,
        "resamples": resamples,
        "widths_m": [round(float(np.sqrt(area) * w), 1) for w in widths],
        "shape": shape,
        "crs": crs.to_string(),
        "random_state": random_state,
    }
    null = _NullMaps(run, options, grid, rows, points, carried, top_share)
    params |= null.compare(null_maps, lambda rng: _other_cells(territory, crs, shape, area, widths, rng), random_state)
    notes = [] if hotspots.size and hotspots.max() >= 0 else [Note("hotspots.none_hot_at_first")]
    outside = int((rows < 0).sum())
    if outside:
        notes.append(Note("hotspots.outside_territory", outside=outside, n=len(rows)))
    if params["null_maps"]:
        code = "stability_null" if params["null_maps_hot"] else "stability_null_none"
        reported = {"maps": params["null_maps"], "hot": params["null_maps_hot"], "share": params["null_hot_share"]}
        notes.append(Note(f"hotspots.{code}", **reported))
    clusters = ranked_hotspots(hotspots, score, runs_score, cells)
    return HotspotResult(cells, "hotspot_stability", params, clusters=clusters, notes=tuple(notes))


def _other_cells(territory, crs, shape: str, area: float, widths, rng) -> LatticeGrid:
    width = widths[0] if len(widths) == 1 else rng.choice(widths)
    return LatticeGrid.over(
        territory,
        crs,
        shape=shape,
        cell_area_m2=area * width**2,
        offset_m=rng.random(2) * 2 * np.sqrt(area),
        turn_deg=rng.random() * (60 if shape == "hexagon" else 90),
    )


class _NullMaps:
    """Maps with nothing on them, and in what share of other grids and draws their hot cells are drawn again."""

    AGAIN = 3  # other grids, and other draws, for each map that has a hot cell

    def __init__(self, run, options: dict, grid: Grid, rows: np.ndarray, points: np.ndarray, carried, top_share: float):
        self.run, self.options, self.grid, self.carried, self.top_share = run, options, grid, carried, top_share
        inside = rows >= 0
        self.rows, self.points = rows[inside], points[inside]
        self.at_risk = self._at_risk()

    def _at_risk(self) -> np.ndarray | None:
        at_risk = self.options.get("at_risk")
        if at_risk is None:
            return None
        return at_risk_by_cell(at_risk, self.grid, self.grid.cells.index).weight

    def _drawn(self, rng) -> np.ndarray:
        """The cell of each incident on a map with nothing on it."""
        if self.at_risk is None:
            return rng.permutation(len(self.grid))[self.rows]
        return rng.choice(len(self.grid), len(self.rows), p=self.at_risk / self.at_risk.sum())

    def compare(self, maps: int, other_cells: Callable, random_state) -> dict[str, Any]:
        """`null_maps` (tried), `null_maps_hot` (of them with a hot cell), `null_hot_share` (of their hot cells)."""
        maps = whole_number(maps, "null_maps", least=0)
        of_incidents = next(iter(inspect.signature(self.run).parameters)) == "incidents"
        if not maps or of_incidents or not len(self.rows):
            return {"null_maps": 0, "null_maps_hot": 0, "null_hot_share": None}
        shares = []
        for stream in np.random.SeedSequence([seed_from(random_state), maps]).spawn(maps):
            rng = np.random.default_rng(stream)
            rows = self._drawn(rng)
            hot = _run(self.run, self.options, self.grid, rows, None, None, self.top_share).hot
            if hot.any():
                shares.append(self._again(hot, rows, other_cells, rng))
        share = float(np.mean(shares)) if shares else None
        return {"null_maps": maps, "null_maps_hot": len(shares), "null_hot_share": share}

    def _again(self, hot: np.ndarray, rows: np.ndarray, other_cells: Callable, rng) -> float:
        middle = self.grid.centroids_m
        xy = self.points - middle[self.rows] + middle[rows]
        found = []
        for _ in range(self.AGAIN):
            other = other_cells(rng)
            at = other.rows_at(middle[hot])
            there = _run(self.run, self.carried(other), other, other.rows_at(xy), None, None, self.top_share).hot
            found.append(np.where(at >= 0, there[at], False).mean())
            drawn = rows[rng.integers(0, len(rows), len(rows))]
            found.append(_run(self.run, self.options, self.grid, drawn, None, None, self.top_share).hot[hot].mean())
        return float(np.mean(found))


class _Run:
    """One run: which cells were hot, their score, and the counts it was made from."""

    def __init__(self, count, labels, hot, score):
        self.count, self.labels, self.hot, self.score = count, labels, hot, score


def _run(run: Callable, options: dict, grid: Grid, rows, incidents, drawn, top_share: float) -> _Run:
    count = np.bincount(rows[rows >= 0], minlength=len(grid))
    if next(iter(inspect.signature(run).parameters)) == "incidents":
        if drawn is not None:
            incidents = Incidents(incidents.arrow().take(drawn), incidents.set_aside, incidents.source)
        cells = run(incidents, grid, **options).cells
    else:
        cells = run(pd.DataFrame({"count": count}, index=grid.cells.index), grid, **options).cells
    score = next((cells[c].to_numpy(float) for c in ("z_score", "intensity") if c in cells), None)
    if "label" in cells:
        labels = cells["label"].to_numpy(object)
        code, kinds = pd.factorize(cells["label"])
        hot = np.array([side_of(kind) > 0 for kind in kinds] + [False])[code]  # the last is of a missing label
    elif score is not None:
        many = max(1, round(top_share * len(score)))
        hot = (score >= np.sort(score)[-many]) & (score > 0)
        labels = np.where(hot, "hot", "none").astype(object)
    else:
        raise SettingError(Note("hotspots.nothing_to_call_hot", name=run.__name__))
    return _Run(count, labels, hot, np.nan_to_num(count / grid.cells["area_m2"] if score is None else score))


def _method(method: Any) -> Callable[..., HotspotResult]:
    if callable(method):
        return method
    declared = what_it_draws(method) if isinstance(method, str) else None
    if declared is None or not declared.resampled:
        able = [name for name, one in all_methods().items() if one.resampled]
        raise SettingError(Note("hotspots.stability_no_method", method=method, meant=did_you_mean(str(method), able)))
    return declared.function


def _options(run: Callable, options) -> dict:
    if options is not None and not isinstance(options, dict):
        raise SettingError(Note("hotspots.options_mapping", options=options))
    options = dict(options or {})
    known = inspect.signature(run).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        for name in options:
            if name not in list(known)[2:]:
                raise SettingError(
                    Note(
                        "hotspots.no_such_option",
                        name=run.__name__,
                        name2=name,
                        meant=did_you_mean(name, list(known)[2:]),
                    )
                )
    if options.get("population") is not None:
        raise SettingError(Note("hotspots.population_other_cells"))
    return options


def _carried_over(run: Callable, options: dict, boundaries, grid: Grid, crs) -> tuple[dict, Callable]:
    """The options of the first run, and those of a run on other cells: what is at risk is shared among these anew."""
    if "at_risk" not in inspect.signature(run).parameters or options.get("at_risk") == "land":
        return options, lambda other: options
    at_risk = options.get("at_risk")
    if at_risk is not None and not isinstance(at_risk, str):
        raise SettingError(Note("hotspots.at_risk_by_cell"))
    column = at_risk or residents_column(grid)
    if column is None:
        return options | {"at_risk": "land"}, lambda other: options | {"at_risk": "land"}
    if column not in boundaries:
        raise SettingError(Note("hotspots.at_risk_by_cell"))
    xy, amount = total_by_point(boundaries, column, crs, float(np.sqrt(grid.cells["area_m2"].median())) / PER_WIDTH)

    def carried(other) -> dict:
        held = np.bincount(other.rows_at(xy) + 1, amount, minlength=len(other) + 1)[1:]  # the first of none
        return options | {"at_risk": pd.Series(held, other.cells.index, name=column)}

    return options | {"at_risk": column}, carried


def _widths(widths) -> list[float]:
    try:
        found = [float(w) for w in widths]
    except (TypeError, ValueError):
        found = []
    if not found or not all(0.2 <= w <= 5 for w in found):
        raise SettingError(Note("hotspots.widths_range", widths=widths))
    return found
