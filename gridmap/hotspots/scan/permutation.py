"""Do place and time hang together, when only the cases are known?

The space-time permutation scan looks through the cylinders of `scan_space_time`, but needs no population: it expects
in each (cases of the place × cases of the span) / all cases, and asks whether there are more. A place that is always
busy and a week that is busy everywhere are not clusters to it.

Source: Kulldorff et al. 2005.
"""

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.cell_vectors import LEAST_INCIDENTS, named_cells
from gridmap.hotspots.dated_events import events_frame, steps_of
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.scan.area_periods import dated_clusters, longest_span
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

__all__ = ["space_time_permutation_scan"]


@hotspot_method(
    draws="clusters",
    of_points=True,
    amount="count",
    facts="scan",
    null="dates_shuffled",
    columns=(*SCAN_COLUMNS, "start", "end"),
)
def space_time_permutation_scan(
    events,
    *,
    x: str = "lon",
    y: str = "lat",
    time: str = "date",
    every: str | None = None,
    cases: str | None = None,
    grid: Grid | None = None,
    distance: str = "great_circle",
    prospective: bool = False,
    max_case_share: float = 0.5,
    max_radius_m: float | None = None,
    max_duration_share: float = 0.5,
    max_duration: int | None = None,
    max_clusters: int = 20,
    permutations: int = 999,
    random_state=None,
) -> HotspotResult:
    """Clusters in space and time from cases alone: no population is needed.

    A cylinder of places A and periods B is expected to hold (cases in A) × (cases in B) / (all cases), and is scored
    by the same likelihood as in `spatial_scan`. The null deals the times anew among the cases, places kept.

    Parameters
    ----------
    events : DataFrame or Incidents
        One row a case: place and time. Cases at exactly the same coordinates are one place. With `grid`, Incidents
        are gathered by cell first, which is quicker where every address is its own place.
    x, y, time : str
        Columns of a frame; Incidents bring their own.
    every : {"day", "week", "month", "quarter", "year"}, optional
        The length of a period; "day" when not given.
    cases : str, optional
        Column of how many cases a row stands for.
    grid : Grid, optional
    distance, max_radius_m, max_clusters, permutations, random_state
        As in `spatial_scan`. "planar" for metric x, y.
    prospective, max_duration_share, max_duration
        As in `space_time_scan`.
    max_case_share : float
        No circle holds more than this share of all cases.

    Returns
    -------
    HotspotResult
        As of `space_time_scan`. `cells` has one row a place (or cell). `expected` of a cluster is under independence
        of place and time; `ratio` is cases / expected.

    Raises
    ------
    InputError
        Fewer than 30 cases, all at one place, at one time, dates missing.
    CRSError, SettingError
        As `spatial_scan`.

    Examples
    --------
    Forty cases scattered over ten places and forty days, and twelve on one spot in days 10 to 12:

    >>> import numpy as np, pandas as pd
    >>> days = np.r_[np.arange(40), [10, 11, 12] * 4]
    >>> events = pd.DataFrame({"x": np.r_[np.arange(40) * 7 % 10, [3] * 12], "y": 0, "day": days})
    >>> found = space_time_permutation_scan(events, x="x", y="y", time="day", distance="planar", random_state=1)
    >>> found.clusters[["cases", "expected", "start", "end", "n_areas", "p_value"]].head(1).round(2)
                cases  expected  start  end  n_areas  p_value
    cluster_id
    0              13      4.92      9   12        1     0.01

    References
    ----------
    Kulldorff, Heffernan, Hartman, Assunção & Mostashari (2005), PLoS Medicine 2:e59.
    """
    check_names(grid, distance, x=x, y=y, time=time)
    share = share_between(max_case_share, "max_case_share")
    permutations = whole_number(permutations, "permutations", least=0)
    if not isinstance(prospective, bool | np.bool_):
        raise SettingError(Note("hotspots.prospective_bool", prospective=prospective))
    most = whole_number(max_clusters, "max_clusters", least=1)
    radius = check_radius(max_radius_m, distance)
    frame, notes = events_frame(events, x=x, y=y, time=time, lonlat=True)
    x, y, time = ("lon", "lat", "date") if not isinstance(events, pd.DataFrame) else (x, y, time)
    if cases is not None:
        many = column_of(frame, cases, "cases")
        if (many != np.floor(many)).any():
            raise InputError(Note("hotspots.cases_whole", cases=cases))
        frame = frame.iloc[np.repeat(np.arange(len(frame)), many.astype(np.int64))]
    if grid is not None:
        where = grid.locate(frame[x], frame[y]).astype(np.int64)
        if (where < 0).any():
            notes.append(Note("hotspots.cases_outside_grid", n=int((where < 0).sum()), n2=len(frame)))
        frame, where = frame[where >= 0], where[where >= 0]
        places = places_from(grid.cells, grid, x, y, distance)
        index = grid.cells.index
    else:
        spots, where = np.unique(frame[[x, y]].to_numpy(float), axis=0, return_inverse=True)
        where = where.ravel()
        places = places_from(pd.DataFrame(spots, columns=[x, y]), None, x, y, distance)
        index = pd.RangeIndex(len(spots))
    n, total = len(index), len(frame)
    if total < LEAST_INCIDENTS:
        raise InputError(Note("hotspots.few_cases", total=total, least_incidents=LEAST_INCIDENTS))
    when, steps = steps_of(frame[time], every, time)
    spans = len(steps)
    by_place = np.bincount(where, minlength=n).astype(float)
    require_cases(by_place)
    mean = np.outer(by_place, np.bincount(when, minlength=spans)) / total
    table = np.bincount(where * spans + when, minlength=n * spans).reshape(n, spans)
    longest = longest_span(spans, max_duration_share, max_duration)
    limits = (share * total * (1 + 1e-12), places.squared(radius), longest, bool(prospective))

    def draw(rng):
        return np.bincount(where * spans + rng.permutation(when), minlength=n * spans).reshape(n, spans)

    rng = np.random.default_rng(seed_from(random_state))
    maxima = simulated_maxima(places, by_place, limits, mean, total, draw, permutations, rng)
    clusters, home, members = likely_clusters(places, by_place, limits, table, mean, maxima, most)
    params = {
        "every": every,
        "periods": spans,
        "places": n,
        "prospective": bool(prospective),
        "distance": distance,
        "max_case_share": share,
        "max_radius_m": radius,
        "max_duration": longest,
        "permutations": permutations,
        "random_state": random_state,
    }
    columns = {"count": by_place.astype(np.int64), "cluster_id": home}
    if grid is None:
        columns |= {x: places.xy[:, 0], y: places.xy[:, 1]}
    cells = named_cells(columns, index, grid)
    result = finish_clusters(
        "space_time_permutation_scan", places, cells, dated_clusters(clusters, steps), members, params
    )
    object.__setattr__(result, "notes", (*notes, *result.notes))
    return result
