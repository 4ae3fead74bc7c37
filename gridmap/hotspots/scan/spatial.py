"""Where is the one circle in which cases pile up beyond what the people living there explain?

Kulldorff's scan lays circles of every size around every area, asks of each how much better "more inside" explains
the cases than "equal everywhere", and keeps the best. Because it looks at all circles at once, its p-value has
already paid for the looking. `space_time_scan` (beside this one, `scan_space_time`) makes the circles cylinders: a
place and a span of time.

Source: Kulldorff 1997; Abrams, Kleinman & Kulldorff 2010 for the Gumbel p.
"""

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.cell_vectors import cell_population, cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import counts_only
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.scan.candidates import (
    SCAN_COLUMNS,
    Places,
    check_names,
    column_of,
    likely_clusters,
    places_from,
    share_between,
    simulated_maxima,
)
from gridmap.hotspots.significance import seed_from, whole_number
from gridmap.messages import Note

__all__ = ["check_radius", "finish_clusters", "require_cases", "spatial_scan"]


@hotspot_method(
    draws="clusters",
    amount="count",
    facts="scan",
    null="even",
    columns=SCAN_COLUMNS,
    at_risk="population",
)
def spatial_scan(
    areas,
    *,
    cases: str = "cases",
    population="population",
    expected: str | None = None,
    grid: Grid | None = None,
    x: str = "lon",
    y: str = "lat",
    distance: str = "great_circle",
    max_population_share: float = 0.5,
    max_radius_m: float | None = None,
    max_clusters: int = 20,
    permutations: int = 999,
    random_state=None,
) -> HotspotResult:
    """The most likely clusters of cases by Kulldorff's spatial Poisson scan.

    Windows are circles around every area, of every radius up to the limits; an area belongs to a circle when its
    point does. With C cases in all, c inside and E expected inside, a window with c > E scores::

        LLR = c ln(c / E) + (C − c) ln((C − c) / (C − E))

    Parameters
    ----------
    areas : DataFrame
        One row an area: cases, population and the place. A GeoDataFrame without the columns x and y is placed by the
        middles of its polygons. With `grid`, counts by cell as `count_by_cell` gives them.
    cases : str
        Column of whole numbers. With `grid`: "count" is taken when this column is not there.
    population : str, or Series with `grid`
        Column of persons, households or person-years at risk. With `grid`, a column of its cells or numbers by cell.
    expected : str, optional
        Column of expected cases, already adjusted for age, season or other covariates, on any scale (they are scaled
        to sum to C). Then `population` only measures the size of windows, and may be missing.
    grid : Grid, optional
    x, y : str
        Columns of the place.
    distance : {"great_circle", "planar"}
        "great_circle": x, y are longitude and latitude in degrees. "planar": the numbers are taken as they are, for
        coordinates in metres and for published work.
    max_population_share : float
        No window holds more than this share of the population.
    max_radius_m : float, optional
        No circle is larger: metres, with "planar" the unit of x and y.
    max_clusters : int
        How many clusters are reported at most.
    permutations : int
        Simulated maps for the p-value; 0 for none.
    random_state : int or Generator, optional
        Same seed, same result, on any number of threads.

    Returns
    -------
    HotspotResult
        `clusters`, most likely first, no two with an area in common: `cases, expected, llr, ratio` (cases / expected),
        `p_value` (rank among the simulated maxima), `p_gumbel` (Gumbel distribution fitted to these: finer in the
        tail), `relative_risk` (inside against outside), `n_areas, radius` (metres, or the unit of x and y), `x, y` of
        the centre. `cells`: `count, expected, cluster_id` by area (−1 in none). `members`: area and cluster.

    Raises
    ------
    InputError
        Fewer than 30 cases, all cases in one area, cases where there is no population, missing or negative numbers.
    CRSError
        Metres where degrees are meant.
    SettingError
        A setting out of range.

    Examples
    --------
    Twenty areas in a row, 100 people each; the third to fifth have three times the cases of the others:

    >>> import pandas as pd
    >>> row = pd.DataFrame({"x": range(20), "y": 0, "population": 100, "cases": 4})
    >>> row.loc[2:4, "cases"] = 12
    >>> found = spatial_scan(row, x="x", y="y", distance="planar", random_state=1)
    >>> found.clusters[["cases", "expected", "llr", "relative_risk", "p_value", "n_areas", "radius"]].head(1).round(3)
                cases  expected    llr  relative_risk  p_value  n_areas  radius
    cluster_id
    0              36      15.6  12.264            3.0    0.001        3     1.0

    References
    ----------
    Kulldorff (1997), Communications in Statistics: Theory and Methods 26, 1481–1496. Abrams, Kleinman & Kulldorff
    (2010), International Journal of Health Geographics 9:61.
    """
    check_names(grid, distance, cases=cases, x=x, y=y)
    share = share_between(max_population_share, "max_population_share")
    permutations = whole_number(permutations, "permutations", least=0)
    most = whole_number(max_clusters, "max_clusters", least=1)
    radius = check_radius(max_radius_m, distance)
    count, people, mean, index = _cases_and_people(areas, grid, cases, population, expected)
    total = int(count.sum())
    places = places_from(areas, grid, x, y, distance)
    limits = (share * people.sum() * (1 + 1e-12), places.squared(radius), 1, False)
    rng = np.random.default_rng(seed_from(random_state))
    chance = mean / mean.sum()
    table = count.astype(np.int64)[:, None]
    maxima = simulated_maxima(
        places, people, limits, mean[:, None], total, lambda g: g.multinomial(total, chance)[:, None], permutations, rng
    )
    clusters, home, members = likely_clusters(places, people, limits, table, mean[:, None], maxima, most)
    params = {
        "cases": cases,
        "population": population if isinstance(population, str) else "given",
        "expected": expected,
        "distance": distance,
        "max_population_share": share,
        "max_radius_m": radius,
        "permutations": permutations,
        "random_state": random_state,
    }
    cells = named_cells({"count": count.astype(np.int64), "expected": mean, "cluster_id": home}, index, grid)
    return finish_clusters("spatial_scan", places, cells, clusters.drop(columns=["first", "last"]), members, params)


def _cases_and_people(areas, grid, cases, population, expected):
    """Cases, population and expected cases of each area, checked."""
    if not isinstance(areas, pd.DataFrame) or not len(areas):
        found = "no rows" if isinstance(areas, pd.DataFrame) else type(areas).__name__
        raise InputError(Note("hotspots.table_of_areas", found=found))
    if grid is None:
        counts_only(areas, "spatial_scan", column=cases, of_known_law=True)
        index, count = areas.index, column_of(areas, cases, "cases")
        people = None
        if expected is None or (isinstance(population, str) and population in areas):
            people = column_of(areas, population, "the population")
    else:
        counts_only(areas, "spatial_scan", column=cases if cases in areas else "count")
        count, index = cell_values(areas, grid, column=cases if cases in areas else "count")
        known = not isinstance(population, str) or population in grid.cells
        people = cell_population(population, grid, count, index) if expected is None or known else None
    require_cases(count)
    mean = people if expected is None else column_of(areas, expected, "expected cases")
    if mean.sum() <= 0:
        raise InputError(Note("hotspots.sum_to_zero", value="population" if expected is None else "expected cases"))
    bare = (mean == 0) & (count > 0)
    if bare.any():
        what = "population" if expected is None else "expected number"
        raise InputError(
            Note(
                "hotspots.people_missing_area",
                n=int(bare.sum()),
                value=count[bare].sum(),
                what=what,
                value2=index[np.flatnonzero(bare)[0]],
            )
        )
    mean = mean * (count.sum() / mean.sum())
    return count, np.ascontiguousarray(mean if people is None else people), mean, index


def require_cases(count: np.ndarray) -> None:
    """Whole numbers, 30 or more in all, not all in one place."""
    if (count != np.floor(count)).any():
        raise InputError(Note("hotspots.cases_are_counts"))
    require_incidents(count, variation=False)


def check_radius(radius, distance: str) -> float | None:
    """A largest radius above 0, or None; degrees for metres are refused."""
    if radius is None:
        return None
    if isinstance(radius, bool) or not isinstance(radius, int | float | np.number) or not 0 < radius < np.inf:
        raise SettingError(Note("hotspots.max_radius_length", radius=radius))
    if distance == "great_circle" and radius < 1:
        raise SettingError(Note("hotspots.max_radius_degrees", radius=radius))
    return float(radius)


def finish_clusters(
    method: str, places: Places, cells: pd.DataFrame, clusters: gpd.GeoDataFrame, members: list, params: dict
) -> HotspotResult:
    """The result of a scan: rank, count and area beside each cluster, and which area is in which."""
    area = (
        [float(cells["area_m2"].to_numpy()[m].sum()) for m in members]
        if "area_m2" in cells
        else np.pi * clusters["radius"] ** 2
    )
    clusters = clusters.assign(count=clusters["cases"], rank=np.arange(1, len(clusters) + 1), area_m2=area)
    of = np.repeat(np.arange(len(members)), [len(m) for m in members])
    which = np.concatenate(members) if members else np.empty(0, np.int64)
    table = pd.DataFrame({"area": cells.index[which], "cluster_id": of})
    notes = []
    if not len(clusters):
        notes.append(Note("hotspots.no_window"))
    elif len(clusters) > 1:
        notes.append(Note("hotspots.secondary_conservative"))
    return HotspotResult(cells, method, params, clusters=clusters, members=table, notes=tuple(notes))
