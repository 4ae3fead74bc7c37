"""Patrol districts: a territory in n contiguous beats of even work.

A beat is what one unit knows and answers for. Its work is the calls that come from it and the travel to them. Beats
are grown from seeds spread over the work (Lloyd's idea, along neighbours), then evened out by moving cells over the
borders, never cutting a beat in two. It is a heuristic: it comes near even, and says how near.

References
----------
Curtin, Hayslett-McCall & Qiu (2010), Networks and Spatial Economics 10, 125–145 (police districting as covering).
Bodin (1973) and Duque, Anselin & Rey (2012), Journal of Regional Science 52, 397–419, for contiguous partitions.
"""

import heapq

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components

from gridmap._moved import in_former_order
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.messages import Note
from gridmap.patrol.point_inputs import check_number

__all__ = ["patrol_districts"]


@in_former_order("grid, calls", lambda given: isinstance(given[0], Grid))
def patrol_districts(
    calls, grid: Grid, *, n: int, today=None, travel_weight: float = 0.25, rounds: int = 400, random_state=None
) -> gpd.GeoDataFrame:
    """n contiguous patrol districts of even work.

    Parameters
    ----------
    calls : DataFrame indexed by cell_id with `count`, or Series
        Calls for service in each cell, in the grid's order.
    grid : Grid
        The territory's cells.
    n : int
        How many districts.
    today : Series or array, optional
        Today's district of each cell, for comparison.
    travel_weight : float
        Work that each cell is by its mere extent (travel), as a share of an average cell's calls; 0: calls alone.
    rounds : int
        Rounds of evening out.
    random_state : int or Generator, optional

    Returns
    -------
    GeoDataFrame in EPSG:4326, indexed by `district`
        `cells, calls, work, share` (of all work), `parts` (1: contiguous), `geometry`. `.attrs` has `district`
        (Series by cell_id), `inequality` (busiest over average work, less 1), `today` (the same
        of today's districts) and `moved` (share of the calls whose district would change, at the best naming).

    Raises
    ------
    InputError, SettingError

    Examples
    --------
    >>> import gridmap as gm
    >>> from shapely import box
    >>> land = gpd.GeoDataFrame({"zone_id": ["a"]}, geometry=[box(0, 0, 0.04, 0.04)], crs=4326)
    >>> grid = gm.make_grid(land, system="square", cell_size_m=500)
    >>> calls = pd.Series(1, grid.cells.index)
    >>> beats = patrol_districts(calls, grid, n=4, random_state=0)
    >>> len(beats), int(beats["parts"].max()), beats.attrs["inequality"] < 0.1
    (4, 1, True)
    """
    grid = as_grid(grid)
    if not isinstance(grid, Grid):
        raise InputError(Note("patrol.districts_grid", found=type(grid).__name__))
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or not 1 <= n <= len(grid):
        raise SettingError(Note("patrol.districts_number", cells=len(grid), found=n))
    travel_weight = check_number(travel_weight, "travel_weight", above=False)
    values = calls["count"] if isinstance(calls, pd.DataFrame) and "count" in calls else calls
    if not isinstance(values, pd.Series) or not values.index.equals(grid.cells.index):
        raise InputError(Note("patrol.calls_index"))
    count = values.to_numpy(float)
    if not np.isfinite(count).all() or (count < 0).any() or count.sum() == 0:
        raise InputError(Note("patrol.calls_values"))
    work = count + travel_weight * count.mean()
    links = grid.adjacency()
    neighbours = [links.indices[links.indptr[i] : links.indptr[i + 1]] for i in range(len(grid))]
    pieces, part = connected_components(links, directed=False)
    if pieces > n:
        raise InputError(Note("patrol.parts_apart", parts=pieces, n=n))
    rng = np.random.default_rng(random_state)
    best, score = None, np.inf
    for _ in range(4):
        district = _grow(_seeds(grid.centroids_m, work, part, n, rng), work, neighbours, part, n)
        _even_out(district, work, neighbours, n, rounds, rng)
        spread = np.bincount(district, work, n).max()
        if spread < score:
            best, score = district, spread
    _, best = np.unique(_west_to_east(best, grid.centroids_m, n)[best], return_inverse=True)
    result = _table(grid, best, count, work, links)
    result.attrs = {
        "district": pd.Series(best + 1, grid.cells.index, name="district"),
        "inequality": _inequality(best, work),
    }
    if today is not None:
        codes, names = pd.factorize(pd.Series(np.asarray(today, dtype=object)))
        if len(codes) != len(grid) or (codes < 0).any():
            raise InputError(Note("patrol.today_cells"))
        old = _table(grid, codes, count, work, links)
        result.attrs["today"] = {
            "districts": len(names),
            "inequality": _inequality(codes, work),
            "parts": int(old["parts"].max()),
        }
        both = pd.crosstab(best, codes, values=count, aggfunc="sum").fillna(0)
        result.attrs["moved"] = float(1 - both.max(axis=1).sum() / count.sum())
    return result


def _seeds(xy, work, part, n, rng):
    """n cells spread over the work: one in every separate part, then far from those chosen (k-means++)."""
    chosen = [int(np.flatnonzero(part == p)[np.argmax(work[part == p])]) for p in range(part.max() + 1)]
    while len(chosen) < n:
        near = np.min([((xy - xy[c]) ** 2).sum(axis=1) for c in chosen], axis=0)
        weight = near * work
        weight[chosen] = 0
        if weight.sum() <= 0:
            weight = np.ones(len(xy))
            weight[chosen] = 0
        chosen.append(int(rng.choice(len(xy), p=weight / weight.sum())))
    return chosen


def _grow(seeds, work, neighbours, part, n):
    """Let the district with least work take its next cell, breadth first, until none is left."""
    district = np.full(len(work), -1)
    border: list = [[] for _ in range(n)]
    load, tick = np.zeros(n), 0
    for k, seed in enumerate(seeds):
        district[seed], load[k] = k, work[seed]
        for j in neighbours[seed]:
            heapq.heappush(border[k], (tick := tick + 1, int(j)))
    alive = set(range(n))
    while alive:
        k = min(alive, key=lambda d: (load[d], d))
        while border[k] and district[border[k][0][1]] >= 0:
            heapq.heappop(border[k])
        if not border[k]:
            alive.discard(k)
            continue
        _, cell = heapq.heappop(border[k])
        district[cell] = k
        load[k] += work[cell]
        for j in neighbours[cell]:
            if district[j] < 0:
                heapq.heappush(border[k], (tick := tick + 1, int(j)))
    return district


def _even_out(district, work, neighbours, n, rounds, rng):
    """Move border cells from busier to quieter districts while that evens the work and cuts nothing in two."""
    load = np.bincount(district, work, n)
    for _ in range(rounds):
        moved = False
        edge = [i for i in range(len(work)) if any(district[j] != district[i] for j in neighbours[i])]
        for i in rng.permutation(edge):
            here = district[i]
            other = {district[j] for j in neighbours[i]} - {here}
            if not other:
                continue
            there = min(other, key=lambda d: (load[d], d))
            if load[there] + work[i] < load[here] and not _cuts(i, district, neighbours):
                load[here] -= work[i]
                load[there] += work[i]
                district[i] = there
                moved = True
        if not moved:
            return


def _cuts(cell, district, neighbours) -> bool:
    """Whether the cell's district falls apart (or vanishes) without it."""
    own = [int(j) for j in neighbours[cell] if district[j] == district[cell]]
    if not own:
        return True
    seen, stack, wanted = {own[0], cell}, [own[0]], set(own[1:])
    while stack and wanted:
        for j in neighbours[stack.pop()]:
            if district[j] == district[cell] and j not in seen:
                seen.add(int(j))
                wanted.discard(int(j))
                stack.append(int(j))
    return bool(wanted)


def _west_to_east(district, xy, n):
    """Numbers from west to east, so that the same districts have the same names again."""
    middle = np.array([xy[district == k, 0].mean() for k in range(n)])
    rank = np.empty(n, int)
    rank[np.argsort(middle, kind="stable")] = np.arange(n)
    return rank


def _inequality(district, work) -> float:
    load = np.bincount(district, work)
    return float(load.max() / load.mean() - 1)


def _table(grid, district, count, work, links):
    rows = []
    for k in range(district.max() + 1):
        mine = np.flatnonzero(district == k)
        pieces, _ = connected_components(links[mine][:, mine], directed=False)
        shape = grid.cells.geometry.iloc[mine].union_all()
        rows.append(
            (k + 1, len(mine), count[mine].sum(), work[mine].sum(), work[mine].sum() / work.sum(), pieces, shape)
        )
    columns = ["district", "cells", "calls", "work", "share", "parts", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns).set_index("district"), geometry="geometry", crs=4326)
