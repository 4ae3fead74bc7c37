"""Where and when did cases pile up: a place *and* a span of days, found together?

The circles of the spatial scan become cylinders: a circle and an unbroken span of periods. `space_time_scan` knows
the population and asks for more cases than it explains; where only the cases are known, `scan_permutation` asks
whether place and time hang together.

"retrospective" looks at any span; `prospective=True` only at spans that reach the last period: what is going on now.

Source: Kulldorff et al. 1998; Kulldorff 2001 (prospective).
"""

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.cell_vectors import named_cells
from gridmap.hotspots.count_checks import counts_only
from gridmap.hotspots.dated_events import steps_of
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.scan.area_periods import area_rows, dated_clusters, long_table, longest_span, over_time
from gridmap.hotspots.scan.candidates import (
    SCAN_COLUMNS,
    check_names,
    column_of,
    likely_clusters,
    places_from,
    share_between,
    simulated_maxima,
)
from gridmap.hotspots.scan.spatial import check_radius, finish_clusters, require_cases
from gridmap.hotspots.significance import seed_from, whole_number
from gridmap.messages import Note

__all__ = ["space_time_scan"]


@hotspot_method(
    draws="clusters",
    amount="count",
    facts="scan",
    null="even",
    columns=(*SCAN_COLUMNS, "start", "end"),
    at_risk="population",
    given={"areas": "counts_by_period"},
)
def space_time_scan(
    areas,
    *,
    area: str = "area",
    time: str = "date",
    every: str | None = None,
    cases: str = "cases",
    population="population",
    expected: str | None = None,
    grid: Grid | None = None,
    x: str = "lon",
    y: str = "lat",
    distance: str = "great_circle",
    prospective: bool = False,
    max_population_share: float = 0.5,
    max_radius_m: float | None = None,
    max_duration_share: float = 0.5,
    max_duration: int | None = None,
    max_clusters: int = 20,
    permutations: int = 999,
    random_state=None,
) -> HotspotResult:
    """The most likely clusters in space and time by Kulldorff's Poisson scan.

    Parameters
    ----------
    areas : DataFrame
        One row an area and period: area, time, cases, population and the place. An area without a row in some period
        has 0 cases there, and the mean population of its other rows. With `grid`, counts by cell and period as
        `count_by_cell(…, every=…)` gives them.
    area : str
        Column of the area's name.
    time : str
        Column of dates, pandas Periods, or whole numbers (years, weeks …). Periods run unbroken from first to last.
    every : {"day", "week", "month", "quarter", "year"}, optional
        The length of a period where `time` holds dates; "day" when not given.
    cases, population, expected, grid, x, y, distance, max_population_share, max_radius_m, max_clusters
        As in `spatial_scan`; `population` and `expected` are per row. With `grid`, the population is the same in
        all periods.
    prospective : bool
        Only spans that reach the last period.
    max_duration_share : float
        No span is longer than this share of all periods (but one period is always allowed).
    max_duration : int, optional
        No span is longer than so many periods.
    permutations, random_state
        As in `spatial_scan`.

    Returns
    -------
    HotspotResult
        As of `spatial_scan`; `clusters` has `start` and `end` (the last period, inclusive) too. Clusters share no
        area, whatever their spans.

    Raises
    ------
    InputError, CRSError, SettingError
        As `spatial_scan`; also where dates are missing or there is only one period.

    Examples
    --------
    Nine areas over ten years; areas 0 and 1 get three times as many cases in the last three:

    >>> import numpy as np, pandas as pd
    >>> frame = pd.DataFrame({"area": np.repeat(range(9), 10), "year": list(range(2010, 2020)) * 9, "people": 500})
    >>> frame = frame.assign(x=frame.area, y=0, cases=2)
    >>> frame.loc[(frame.area < 2) & (frame.year > 2016), "cases"] = 6
    >>> found = space_time_scan(frame, time="year", population="people", x="x", y="y", distance="planar",
    ...                         random_state=1)
    >>> found.clusters[["cases", "expected", "start", "end", "n_areas", "p_value"]].head(1).round(2)
                cases  expected  start   end  n_areas  p_value
    cluster_id
    0              36      13.6   2017  2019        2      0.0

    References
    ----------
    Kulldorff, Athas, Feuer, Miller & Key (1998), American Journal of Public Health 88, 1377–1380. Kulldorff (2001),
    Journal of the Royal Statistical Society A 164, 61–72.
    """
    check_names(grid, distance, area=area, time=time, cases=cases, x=x, y=y)
    if grid is None:
        check_names(grid, distance, population=population)
    share = share_between(max_population_share, "max_population_share")
    permutations = whole_number(permutations, "permutations", least=0)
    if not isinstance(prospective, bool | np.bool_):
        raise SettingError(Note("hotspots.prospective_bool", prospective=prospective))
    most = whole_number(max_clusters, "max_clusters", least=1)
    radius = check_radius(max_radius_m, distance)
    counts_only(areas, "space_time_scan", column="count" if grid is not None else cases, of_known_law=grid is None)
    frame = long_table(areas, grid, {area: "the area (area=)", time: "the time (time=)", cases: "cases"}, population)
    if grid is not None:
        area, time, cases, population = "cell_id", "period", "count", "population"
    where, first_row = area_rows(frame, area, grid, () if grid is not None or x not in frame else (x, y))
    when, steps = steps_of(frame[time], every, time)
    n, spans = len(first_row), len(steps)
    count = column_of(frame, cases, "cases")
    table = np.zeros((n, spans))
    np.add.at(table, (where, when), count)
    require_cases(table.sum(axis=1))
    size = over_time(frame, population, "the population", where, when, n, spans) if population in frame else None
    risk = size if expected is None else over_time(frame, expected, "expected cases", where, when, n, spans)
    if risk is None:
        column_of(frame, population, "the population")
        raise AssertionError("a column that is missing was named before")
    if risk.sum() <= 0:
        raise InputError(Note("hotspots.sum_to_zero", value="population" if expected is None else "expected cases"))
    if ((risk == 0) & (table > 0)).any():
        bare = np.argwhere((risk == 0) & (table > 0))
        raise InputError(
            Note(
                "hotspots.people_missing_period",
                n=len(bare),
                value=frame[area].iloc[first_row[bare[0, 0]]],
                value2=steps[bare[0, 1]],
            )
        )
    total = int(table.sum())
    mean = risk * (total / risk.sum())
    sizes = np.ascontiguousarray((mean if size is None else size).sum(axis=1))
    longest = longest_span(spans, max_duration_share, max_duration)
    places = places_from(frame if grid is not None else frame.iloc[first_row], grid, x, y, distance)
    limits = (share * sizes.sum() * (1 + 1e-12), places.squared(radius), longest, bool(prospective))
    chances = np.cumsum(mean.ravel())
    chances /= chances[-1]

    def draw(rng):
        cells = np.searchsorted(chances, rng.random(total), side="right").clip(max=n * spans - 1)
        return np.bincount(cells, minlength=n * spans).reshape(n, spans)

    rng = np.random.default_rng(seed_from(random_state))
    maxima = simulated_maxima(places, sizes, limits, mean, total, draw, permutations, rng)
    clusters, home, members = likely_clusters(places, sizes, limits, table.astype(np.int64), mean, maxima, most)
    index = grid.cells.index if grid is not None else pd.Index(frame[area].to_numpy()[first_row])
    params = {
        "every": every,
        "periods": spans,
        "prospective": bool(prospective),
        "distance": distance,
        "max_population_share": share,
        "max_radius_m": radius,
        "max_duration": longest,
        "permutations": permutations,
        "random_state": random_state,
    }
    columns = {"count": table.sum(axis=1).astype(np.int64), "expected": mean.sum(axis=1), "cluster_id": home}
    cells = named_cells(columns, index, grid)
    return finish_clusters("space_time_scan", places, cells, dated_clusters(clusters, steps), members, params)
