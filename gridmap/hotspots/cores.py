"""Where exactly: places of a size that a patrol can hold, cut out of the ground that a test found.

A test names cells, and cells that touch run together: in a city a third of the ground becomes one hotspot that nobody
can hold. So the significant ground is cut into *cores*: connected, compact, at most `core_km2` large (or so many metres
of street), each begun where the most incidents lie and grown by the neighbour that brings the most. Cores are ranked by
their incidents. They are places to act in, no second test: what is known about chance stands in the result they were
cut from.

They are also chosen because they are high, so part of what is seen there is luck and will not come again. `shrunken`
says how many incidents to expect of the same ground in a period like this one: each cell's rate is drawn towards the
rate of the territory by the empirical Bayes estimate of Marshall (1991), the more, the fewer incidents it had.

References
----------
Marshall (1991), Applied Statistics 40, 283–294 (the estimate).
Chainey, Tompson & Uhlig (2008), Security Journal 21, 4–28 (why small ground with many incidents is what counts: PAI).
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.zones import touching
from gridmap.hotspots.change import ratio_interval
from gridmap.hotspots.registry import side_of
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, wrong_kind

__all__ = ["at_corner", "default_core_km2", "hotspot_cores", "names_apart", "significant_cells", "street_corners"]

LEAST_KM2, MOST_KM2 = 1.0, 2.0
#: Fields of the compass by eighths of a turn, from the east against the clock.
COMPASS = ("east", "north_east", "north", "north_west", "west", "south_west", "south", "south_east")


def hotspot_cores(
    result: HotspotResult,
    grid: Grid | None = None,
    *,
    core_km2: float | None = None,
    before: pd.DataFrame | pd.Series | None = None,
    street_m: pd.Series | None = None,
    core_street_m: float | None = None,
    names: Mapping[Any, str] | None = None,
    districts: Mapping[Any, str] | None = None,
    streets: gpd.GeoDataFrame | None = None,
    most: int | None = None,
) -> gpd.GeoDataFrame:
    """Cut the significant ground of a result into places that a patrol can hold, the one with the most incidents first.

    Parameters
    ----------
    result : HotspotResult
        Of a test over cells: its `count` and its `significant` (or its hot labels) are read.
    grid : Grid, optional
        The grid of the result; needed where its cells have no shapes, and quicker where they have.
    core_km2 : float, optional
        The largest core in km². Chosen from the data when not given: three cells of median size, but between 1 and 2
        km² and at most a twentieth of the territory. A single cell larger than this is a core by itself.
    before : counts by cell, optional
        Of an earlier period of the same length, for `count_before` and the interval of the change.
    street_m : Series by cell_id, optional
        Metres of street in each cell; then a core is limited by `core_street_m` instead of by area.
    core_street_m : float, optional
        The most metres of street in a core; 5,000 when `street_m` is given.
    names : mapping from zone_id to str, optional
        What zones are called. A core is named after the zone in which most of its incidents lie; where two would be
        called the same, by the part of it in which they lie.
    districts : mapping from zone_id to str, optional
        The district of each zone, for `district` and `rank_in_district`.
    streets : GeoDataFrame of lines, optional
        Of `read_context` or `read_roads`: with `name`, and `rank` where the more important streets are known. A core's
        name then says the corner nearest to the middle of its incidents, or else the nearest street.
    most : int, optional
        Only the first so many.

    Returns
    -------
    GeoDataFrame (EPSG:4326), indexed by `core`, 1 the first
        `name, zone_id, district, rank_in_district, count, share, cells, cell_ids, area_km2, area_share, density_ratio,
        expected, ratio, shrunken, stability, count_before, change_ratio, change_low, change_high, geometry`.
        `share` and `area_share` are of the whole territory, `density_ratio` is the first over the second. `expected` is
        the sum of the result's own expectation where it has one, else the territory's count spread evenly over its
        area. `stability` is there where the result has it, the columns of the change with `before`.
        Every core has incidents, and at least as many as expected. Empty where nothing is significant.

    Raises
    ------
    InputError
        If the result has no count, no labels, or no shapes to be had.
    SettingError
        If a size is not above zero.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    >>> hot = gm.getis_ord(gm.count_by_cell(town.incidents, grid), grid)
    >>> cores = gm.hotspot_cores(hot, grid)
    >>> bool((cores["area_km2"] <= 1.01).all()), bool(cores["count"].is_monotonic_decreasing)
    (True, True)
    """
    if not isinstance(result, HotspotResult):
        raise InputError(wrong_kind("result", "result", result))
    cells = result.cells
    if "count" not in cells:
        raise InputError(Note("hotspots.cores_need_counts", method=result.method, there=[str(c) for c in cells]))
    for name, wanted in (("core_km2", core_km2), ("core_street_m", core_street_m)):
        if wanted is not None and not (np.isfinite(wanted) and wanted > 0):
            raise SettingError(Note("hotspots.size_above_zero", name=name, found=wanted))
    shapes = _shapes(result, grid)
    area = _area_m2(cells, shapes, grid)
    if street_m is None:
        size, limit = area, 1e6 * (default_core_km2(area) if core_km2 is None else core_km2)
    else:
        size = street_m.reindex(cells.index).fillna(0).to_numpy(float)
        limit = 5_000.0 if core_street_m is None else core_street_m
    count = cells["count"].fillna(0).to_numpy(float)
    expected = _expected(cells, count, area)
    found = significant_cells(result).to_numpy()
    groups = _grow(count, expected, size, limit, found, _neighbours(grid, shapes, found))
    groups = sorted(groups, key=lambda g: (-count[g].sum(), -count[g].sum() / area[g].sum(), g[0]))
    table = _describe(groups, cells, shapes, area, count, expected)
    if before is not None:
        table = table.assign(**_change(groups, count, _aligned(before, cells.index)))
    corners = None
    if streets is not None:
        middles = shapely.get_coordinates(shapely.centroid(shapes)) if len(shapes) else np.empty((0, 2))
        at = np.array([np.average(middles[g], axis=0, weights=count[g]) for g in groups]).reshape(-1, 2)
        corners = street_corners(at, np.sqrt(1e6 * table["area_km2"].to_numpy(float) / np.pi), streets)
    table = _named(table, groups, cells, count, names or {}, districts or {}, corners)
    return table if most is None else table.head(most)


def default_core_km2(area_m2: np.ndarray | pd.Series) -> float:
    """The size of a core where none is given: three median cells, between 1 and 2 km², at most a 20th of the whole.

    Examples
    --------
    >>> default_core_km2(np.full(3_000, 650_000.0)), default_core_km2(np.full(400, 62_500.0))
    (1.95, 1.0)
    """
    area = np.asarray(area_m2, float)
    wanted = min(MOST_KM2, max(LEAST_KM2, 3 * float(np.median(area)) / 1e6))
    return min(wanted, max(float(area.sum()) / 20e6, float(np.median(area)) / 1e6))


def significant_cells(result: HotspotResult) -> pd.Series:
    """Which cells a test found high, by the level that the result itself was made with.

    Parameters
    ----------
    result : HotspotResult
        With a column `significant` (taken as it is, with `ratio` or `label` for its direction), or a column `label`.

    Returns
    -------
    Series of bool, indexed as the cells
    """
    cells = result.cells
    if "label" not in cells:
        if "significant" not in cells:
            raise InputError(Note("hotspots.cores_need_labels", method=result.method, there=[str(c) for c in cells]))
        high = cells["ratio"] > 1 if "ratio" in cells else pd.Series(True, cells.index)
        return cells["significant"].fillna(False).astype(bool) & high
    label = cells["label"].astype(str)
    more = label.map(side_of) > 0
    if "significant" in cells:
        return cells["significant"].fillna(False).astype(bool) & more
    strength = pd.to_numeric(label.str.extract(r" (\d+)$")[0], errors="coerce")
    least = round(100 * (1 - float(result.params.get("fdr") or 0.05)), 9)
    return more & ~(strength < least)  # a label without a level is what its method says


def _shapes(result: HotspotResult, grid: Grid | None) -> np.ndarray:
    cells = result.cells
    if isinstance(cells, gpd.GeoDataFrame):
        return cells.geometry.to_numpy()
    if grid is None:
        raise InputError(Note("hotspots.cores_need_grid", method=result.method))
    at = grid.cells.index.get_indexer(cells.index)
    if (at < 0).any():
        raise InputError(Note("hotspots.cells_not_in_grid", n=int((at < 0).sum()), first=str(cells.index[at < 0][0])))
    return grid.cells.geometry.to_numpy()[at]


def _area_m2(cells: pd.DataFrame, shapes: np.ndarray, grid: Grid | None) -> np.ndarray:
    if "area_m2" in cells:
        return cells["area_m2"].to_numpy(float)
    if grid is not None and cells.index.isin(grid.cells.index).all():
        return grid.cells["area_m2"].reindex(cells.index).to_numpy(float)
    return gpd.GeoSeries(shapes, crs=4326).to_crs("ESRI:54034").area.to_numpy()


def _expected(cells: pd.DataFrame, count: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Incidents expected in each cell by itself: the method's own, or the territory's count by area."""
    own = cells["expected"].to_numpy(float) if "expected" in cells else np.full(len(cells), np.nan)
    even = count.sum() * area / area.sum()
    # A method may expect of a cell *and its neighbours*; such sums do not add up to the total.
    if np.isfinite(own).all() and own.sum() > 0 and abs(own.sum() / max(count.sum(), 1e-9) - 1) < 0.05:
        return own
    return even


def _neighbours(grid: Grid | None, shapes: np.ndarray, found: np.ndarray) -> sparse.csr_array:
    """Which cells touch: of cells without their grid those alone that were found, for no core grows beyond them."""
    if grid is not None and len(grid) == len(shapes):
        return sparse.csr_array(grid.adjacency())
    rows = np.flatnonzero(found)
    near = touching(shapes[rows]).tocoo()
    return sparse.csr_array((near.data, (rows[near.row], rows[near.col])), shape=(len(shapes), len(shapes)))


def _grow(count, expected, size, limit, found, adjacency) -> list[list[int]]:
    """The cores as lists of cells, each time the one with the most incidents of all that could be begun.

    Begun is from cells that no free neighbour exceeds; when these are used up, from any that are left.
    """
    near = [adjacency.indices[a:b].tolist() for a, b in zip(adjacency.indptr[:-1], adjacency.indptr[1:], strict=True)]
    free = found & (count > 0) & (count >= expected)
    density = count / np.maximum(size, 1e-9)
    cores: list[list[int]] = []
    while free.any():
        left = np.flatnonzero(free)
        peaks = [int(i) for i in left if all(count[n] <= count[i] for n in near[i] if free[n])]
        waiting = [_candidate(i, count, density, size, limit, free, near) for i in peaks]
        heapq.heapify(waiting)
        while waiting:
            *_, seed, core = heapq.heappop(waiting)
            if free[core].all():
                cores.append(core)
                free[core] = False
            elif free[seed]:  # another core has taken some of it: grown anew from what is left
                heapq.heappush(waiting, _candidate(seed, count, density, size, limit, free, near))
    return cores


def _candidate(seed: int, count, density, size, limit, free, near) -> tuple[float, int, list[int]]:
    """The core that grows from a cell: the densest free neighbour is added, of equals the one with most sides in it."""
    core, inside, held = [seed], {seed}, float(size[seed])
    shared: dict[int, int] = {}
    newest = seed
    while True:
        for n in near[newest]:
            if free[n] and n not in inside:
                shared[n] = shared.get(n, 0) + 1
        fits = [n for n in shared if held + size[n] <= limit * (1 + 1e-9)]
        if not fits:
            return -float(count[core].sum()), seed, core
        newest = max(fits, key=lambda n: (density[n], shared[n], -n))
        del shared[newest]
        core.append(newest)
        inside.add(newest)
        held += float(size[newest])


def _describe(groups, cells, shapes, area, count, expected) -> gpd.GeoDataFrame:
    total, whole = max(float(count.sum()), 1e-9), float(area.sum())
    shrunken = _shrunken(count, expected)
    stability = cells["stability"].to_numpy(float) if "stability" in cells else None
    rows = []
    for group in groups:
        row = {
            "count": count[group].sum(),
            "share": count[group].sum() / total,
            "cells": len(group),
            "cell_ids": [str(i) for i in cells.index[group]],
            "area_km2": area[group].sum() / 1e6,
            "area_share": area[group].sum() / whole,
            "expected": expected[group].sum(),
            "shrunken": shrunken[group].sum(),
            "geometry": shapely.union_all(shapes[group]),
        }
        row["density_ratio"] = row["share"] / row["area_share"]
        row["ratio"] = row["count"] / row["expected"] if row["expected"] else np.nan
        if stability is not None:
            row["stability"] = float(np.nanmean(stability[group])) if np.isfinite(stability[group]).any() else np.nan
        rows.append(row)
    columns = ["count", "share", "cells", "cell_ids", "area_km2", "area_share", "density_ratio", "expected", "ratio"]
    columns += ["shrunken", *(["stability"] if stability is not None else []), "geometry"]
    table = pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(1, len(rows) + 1, name="core"))
    if np.array_equal(count, np.round(count)):
        table["count"] = table["count"].astype("int64")
    return gpd.GeoDataFrame(table, geometry="geometry", crs=4326)


def _shrunken(count: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Marshall's estimate of each cell's count in a like period; the counts themselves where nothing is expected."""
    if expected.sum() <= 0 or count.sum() <= 0:
        return count.copy()
    mean = count.sum() / expected.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(expected > 0, count / expected, mean)
    variance = (expected * (rate - mean) ** 2).sum() / expected.sum()
    between = max(variance - mean / expected.mean(), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(expected > 0, between / (between + mean / expected), 0.0)
    return expected * (mean + weight * (rate - mean))


def _aligned(before, index: pd.Index) -> np.ndarray:
    series = before["count"] if isinstance(before, pd.DataFrame) else before
    if series.index.nlevels != 1 or not index.isin(series.index).all():
        raise InputError(Note("hotspots.before_other_cells"))
    return series.reindex(index).to_numpy(float)


def _change(groups: Sequence[list[int]], count: np.ndarray, before: np.ndarray) -> dict[str, np.ndarray]:
    """Counts before, and the ratio of the rates with its exact 95 % interval."""
    now = np.array([count[g].sum() for g in groups])
    then = np.array([before[g].sum() for g in groups])
    low, high = ratio_interval(now, now + then, 0.5) if len(groups) else (now, now)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(then > 0, now / then, np.inf)
    return {"count_before": then, "change_ratio": ratio, "change_low": low, "change_high": high}


#: A corner is looked for this far from the middle of a place, or as far as the place reaches.
CORNER_M = 300.0
#: A step of importance of a street outweighs this share of the distance.
RANK_WEIGHT = 0.5
#: Metres of a degree of latitude.
DEGREE_M = 111_195.0


def street_corners(
    middles: Sequence[Sequence[float]] | np.ndarray, reach_m: Sequence[float] | np.ndarray, streets: gpd.GeoDataFrame
) -> list[str | None]:
    """The corner of two named streets nearest to each place, as "High Street / Mill Lane"; else the nearest street.

    Parameters
    ----------
    middles : (n, 2) of lon, lat
    reach_m : n lengths
        How far each place reaches; nothing farther than this (or 300 m) from its middle is named.
    streets : GeoDataFrame of lines in EPSG:4326
        With `name`, and `rank` (0 the most important) where it is known: of two corners, a little farther one of
        larger streets is the one that people know.

    Returns
    -------
    list of str, None where no named street is near

    Raises
    ------
    InputError
        If the streets have no names.

    Examples
    --------
    >>> lines = shapely.linestrings([[(0, -0.01), (0, 0.01)], [(-0.01, 0), (0.01, 0)], [(-0.01, 0.005), (0.01, 0.005)]])
    >>> streets = gpd.GeoDataFrame({"name": ["High St", "Mill Lane", "North Rd"]}, geometry=lines, crs=4326)
    >>> street_corners([(0.0005, 0.0005), (0.008, 0.0045), (1, 1)], [300, 300, 300], streets)
    ['High St / Mill Lane', 'North Rd', None]
    """
    if "name" not in streets:
        raise InputError(Note("hotspots.streets_need_names", there=[str(c) for c in streets]))
    named = streets["name"].notna() & (streets["name"].astype(str).str.strip() != "")
    named &= shapely.get_dimensions(streets.geometry.to_numpy()) == 1
    lines = streets.geometry.to_numpy()[named.to_numpy()]
    called = streets.loc[named, "name"].astype(str).str.strip().to_numpy(object)
    rank = streets.loc[named, "rank"].to_numpy(float) if "rank" in streets else np.zeros(len(lines))
    tree = shapely.STRtree(lines)
    out: list[str | None] = []
    for (lon, lat), reach in zip(middles, reach_m, strict=True):
        scale = np.array([DEGREE_M * np.cos(np.radians(lat)), DEGREE_M])
        far = max(float(reach), CORNER_M)
        step = far / scale
        near = tree.query(shapely.box(lon - step[0], lat - step[1], lon + step[0], lat + step[1]))
        flat = shapely.transform(lines[near], lambda xy, at=(lon, lat), by=scale: (xy - at) * by)
        out.append(_corner(shapely.clip_by_rect(flat, -far, -far, far, far), called[near], rank[near], far))
    return out


def _corner(lines: np.ndarray, called: np.ndarray, rank: np.ndarray, far: float) -> str | None:
    """Of lines in metres around a middle: the name of the best corner within reach, or of the nearest line."""
    middle = shapely.Point(0, 0)
    first, second = shapely.STRtree(lines).query(lines, predicate="intersects")
    pairs = called[first] < called[second]
    first, second = first[pairs], second[pairs]
    metres = shapely.distance(shapely.intersection(lines[first], lines[second]), middle)
    known = np.flatnonzero(metres <= far)
    if len(known):
        weight = (metres + 10) * (1 + RANK_WEIGHT * (rank[first] + rank[second]))
        best = known[np.lexsort((called[second[known]], called[first[known]], weight[known]))[0]]
        return " / ".join(sorted((called[first[best]], called[second[best]])))
    alone = shapely.distance(lines, middle)
    return None if not (alone <= far).any() else str(called[np.nanargmin(alone)])


def at_corner(name: str | None, corner: str | None) -> str | Note | None:
    """A place's name with the corner or street it lies at.

    Examples
    --------
    >>> at_corner("Harehills", "High St / Mill Lane"), at_corner(None, "High St"), at_corner("Harehills", None)
    ('Harehills, High St / Mill Lane', 'High St', 'Harehills')
    """
    if name is None or corner is None:
        return name if corner is None else corner
    return Note("compass.at_corner", place=name, corner=corner)


def _named(table, groups, cells, count, names, districts, corners=None) -> gpd.GeoDataFrame:
    """Zone, district and a name that no other core has."""
    zone = cells["zone_id"].to_numpy(object) if "zone_id" in cells else np.full(len(cells), None, object)
    ids, called = [], []
    for group in groups:
        by_zone = pd.Series(count[group], index=pd.Index(zone[group], dtype=object)).groupby(level=0).sum()
        ids.append(by_zone.idxmax() if len(by_zone) else None)
        own = names.get(ids[-1], names.get(str(ids[-1])))
        called.append(own if own else None if ids[-1] is None else str(ids[-1]))
    district = [districts.get(i, districts.get(str(i))) for i in ids]
    of = pd.Series([str(d) for d in district], dtype=object)
    ranks = of.groupby(of).cumcount().to_numpy() + 1
    if corners is not None:
        called = [at_corner(name, corner) for name, corner in zip(called, corners, strict=True)]
    front: dict[str, Any] = {
        "name": names_apart(called, table.geometry.to_numpy()),
        "zone_id": ids,
        "district": district,
        "rank_in_district": ranks,
    }
    out = table.assign(**{k: pd.Series(list(v), index=table.index, dtype="object") for k, v in front.items()})
    out["rank_in_district"] = out["rank_in_district"].astype("int64")
    return out[[*front, *table.columns]]


def names_apart(called: Sequence[str | Note | None], shapes: np.ndarray) -> list[str | Note | None]:
    """Names that distinguish places: the part of the place where one name is had twice, then a number."""
    out: list[str | Note | None] = list(called)
    middle = shapely.get_coordinates(shapely.centroid(shapes)) if len(shapes) else np.empty((0, 2))
    for name in {n for n in called if n is not None and list(called).count(n) > 1}:
        at = [i for i, n in enumerate(called) if n == name]
        offset = (middle[at] - middle[at].mean(axis=0)) * [np.cos(np.radians(middle[at, 1].mean())), 1]
        turn = np.round(np.arctan2(offset[:, 1], offset[:, 0]) / (np.pi / 4)).astype(int) % 8
        seen: dict[int, int] = {}
        for i, eighth in zip(at, turn, strict=True):
            seen[eighth] = seen.get(eighth, 0) + 1
            part = Note(f"compass.{COMPASS[eighth]}")
            code = "compass.part_of" if seen[eighth] == 1 else "compass.part_of_again"
            out[i] = Note(code, place=name, part=part, number=seen[eighth])
    return out
