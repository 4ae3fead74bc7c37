"""What changed between two periods, cell by cell, and is it more than small numbers do by chance?

Two burglaries last July and five this July is "up 150 %" and means nothing. With counts a and b before and
after, and equal rates in both periods, b is binomial among the a + b with share e_b / (e_a + e_b), where e are
the exposures (days, or persons × days). The test is exact whatever the counts (Przyborowski & Wilenski 1940).

Source: Przyborowski & Wilenski 1940; Clopper & Pearson 1934 for the interval.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy

from gridmap._intervals import LEAST_PERIODS, ratio_interval, variation_of_periods
from gridmap._periods import period_of_text
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import about_counts
from gridmap.grids.hierarchy import zone_levels
from gridmap.grids.systems import make_grid
from gridmap.hotspots.cell_vectors import cell_values, named_cells, require_incidents
from gridmap.hotspots.count_checks import OF_UNKNOWN_LAW, counts_only
from gridmap.hotspots.registry import hotspot_method
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p, binomial_p, correction_in_use, direction_labels
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents
from gridmap.read.numbers import as_numbers, one_column

__all__ = ["area_level", "change_with_interval", "changes_by_area", "compare_periods", "e_test_p"]


@hotspot_method(
    draws="labels",
    scale="change",
    unit="incidents",
    amount="difference",
    facts="change",
    null="no_change",
    columns=(
        "before",
        "after",
        "difference",
        "expected",
        "ratio",
        "ratio_low",
        "ratio_high",
        "p_value",
        "q_value",
        "label",
        "significant",
    ),
)
def compare_periods(
    counts_by_period,
    grid=None,
    *,
    before=None,
    after=None,
    exposure=None,
    against: str = "exposure",
    test: str = "exact",
    fdr: float | None = 0.05,
    correction: str | None = "fdr",
) -> HotspotResult:
    """Difference, ratio and an exact test of change between two periods, per cell.

    Parameters
    ----------
    counts_by_period : DataFrame with index (cell_id, period) and a column `count`, or mapping {period: counts}
        As `count_by_cell(…, every=…)` gives it. Periods may be pandas Periods or any other labels.
    grid : Grid, optional
        Its cells and their order are checked, and their geometry goes into the result. Neighbours play no part.
    before, after : period, text such as "2018-07" or "2018", or list of these
        One period or several; "2018" takes all the months of 2018 that are there. `after` is the last period by
        default, and `before` the same period or periods one year earlier: year on year.
    exposure : (float, float) or (Series, Series), optional
        Of the periods before and after: one number each, or one a cell (population at either time). By default their
        lengths in days; the number of periods where these are not dates.
    against : {"exposure", "territory"}
        What "no change" means: the same rate as before, or the same change as the whole territory had. "territory"
        asks where it rose more than elsewhere.
    test : {"exact", "mid-p", "e-test"}
        How `p_value` is made. The exact binomial test keeps its promise always, and with few incidents by a margin, so
        it misses changes. Mid-p counts the observed outcome half, the E-test compares the rates by their difference in
        standard errors over all outcomes; both come nearer to the promised rate from below and above, and see more.
    fdr, correction
        As in `getis_ord`: `q_value` and the labels are made in the same way.

    Returns
    -------
    HotspotResult
        `cells`: `before, after` (counts), `difference` (after − before, as they are), `expected` (after, had nothing
        changed), `ratio` (of rates: after / expected; inf from none to some, nan from none to none), `ratio_low,
        ratio_high` (exact 95 % interval), `p_value` (two-sided), `q_value`, `label` (up 99, up 95, up 90, none,
        down 90, down 95, down 99), `significant`. The intervals of cells are of counting error.

        `params`: `total_ratio` (after / before of all cells) with its 95 % interval `total_ratio_low,
        total_ratio_high`, which allows for `extra_variation`: how many times more than counting error the periods at
        hand vary, where there are eight or more (None: fewer, counting error only).

    Raises
    ------
    InputError
        Fewer than 30 incidents in both periods together, all in one cell, a period that is not there.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> counts = {"2017-07": pd.Series([20, 9, 30]), "2018-07": pd.Series([52, 11, 28])}
    >>> change = compare_periods(counts, before="2017-07", after="2018-07")
    >>> change.cells[["before", "after", "difference", "ratio", "p_value", "label"]].round(4)
             before  after  difference   ratio  p_value  label
    cell_id
    0            20     52          32  2.6000   0.0002  up 99
    1             9     11           2  1.2222   0.8238   none
    2            30     28          -2  0.9333   0.8957   none

    References
    ----------
    Przyborowski & Wilenski (1940), Biometrika 31, 313–323. Clopper & Pearson (1934), Biometrika 26, 404–413.
    Lancaster (1961), JASA 56, 223–234 (mid-p). Krishnamoorthy & Thomson (2004), J. Stat. Plan. Inference 119, 23–35.
    """
    level, how = correction_in_use(fdr, correction)
    if against not in ("exposure", "territory"):
        raise SettingError(Note("hotspots.against_unknown", meant=did_you_mean(against, ["exposure", "territory"])))
    if test not in TESTS:
        raise SettingError(Note("hotspots.change_test", found=str(test), meant=did_you_mean(str(test), TESTS)))
    _refuse_estimates(counts_by_period)
    table, index = _cells_by_period(counts_by_period, grid)
    last, first = _chosen_periods(table.columns, before, after)
    a, b = table[first].sum(axis=1).to_numpy(float), table[last].sum(axis=1).to_numpy(float)
    if (a != np.floor(a)).any() or (b != np.floor(b)).any():
        raise InputError(Note("hotspots.change_whole_numbers"))
    for side, name in ((a, "before"), (b, "after")):
        if (side < 0).any():
            raise InputError(Note("hotspots.negative_counts_of", n=int((side < 0).sum()), name=name))
    together = a + b
    require_incidents(together, variation=False)
    e_a, e_b = _exposures(exposure, first, last, len(a), grid)
    odds = e_b / e_a
    if against == "territory":
        if not a.sum() or not b.sum():
            raise InputError(Note("hotspots.both_periods_need"))
        odds = odds * b.sum() / np.sum(a * odds)
    share = odds / (1 + odds)
    expected = a * odds
    p = TESTS[test](a, b, odds)
    q = adjust_p(p, "fdr" if how == "none" else how)
    judged = p if how == "none" else q
    low, high = ratio_interval(b, together, share)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = b / expected
    columns = {
        "before": a.astype(np.int64),
        "after": b.astype(np.int64),
        "difference": (b - a).astype(np.int64),
        "expected": expected,
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "p_value": p,
        "q_value": q,
        "label": direction_labels(b - together * share, judged, ("up", "down")),
    }
    columns["significant"] = judged <= (0.05 if level is None else level)
    params = {
        "before": [str(k) for k in first],
        "after": [str(k) for k in last],
        "exposure": "per cell" if np.ndim(e_a) or np.ndim(e_b) else (float(e_a), float(e_b)),
        "against": against,
        "test": test,
        "fdr": level,
        "correction": how,
    }
    params |= _of_totals(table, a.sum(), b.sum())
    cells_index: Any = index
    return HotspotResult(named_cells(columns, cells_index, grid), "compare_periods", params)


def _refuse_estimates(counts) -> None:
    """Weighted sums and estimates are refused by what they say of themselves; made by hand they are looked at later."""
    tables = counts.values() if isinstance(counts, Mapping) else [counts]
    for one in tables:
        if about_counts(one).kind in OF_UNKNOWN_LAW:
            counts_only(one, "compare_periods")


def _of_totals(table: pd.DataFrame, before: float, after: float) -> dict:
    """The ratio of the totals with its 95 % interval, wider where the periods at hand vary more than counts do."""
    dated = all(isinstance(p, pd.Period) for p in table.columns)
    ordered = table[sorted(table.columns)] if dated else table
    spans: Any = ordered.columns
    days = [(p.end_time - p.start_time).round("s") / pd.Timedelta("1D") for p in spans] if dated else None
    factor = variation_of_periods(ordered.sum(axis=0), days) if len(ordered.columns) >= LEAST_PERIODS else None
    scale = factor or 1.0
    low, high = ratio_interval(np.array([after / scale]), np.array([(before + after) / scale]), np.array([0.5]))
    return {
        "extra_variation": factor,
        "total_ratio": float(after / before) if before else None,
        "total_ratio_low": float(low[0]),
        "total_ratio_high": float(high[0]),
    }


def _exact_p(before: np.ndarray, after: np.ndarray, odds: np.ndarray) -> np.ndarray:
    return binomial_p(after, before + after, odds / (1 + odds))


def _mid_p(before: np.ndarray, after: np.ndarray, odds: np.ndarray) -> np.ndarray:
    """The exact p with the outcomes that are as likely as the observed one counted half (Lancaster 1961)."""
    share, together = np.broadcast_to(odds / (1 + odds), after.shape), before + after
    equal = np.zeros(len(after))
    for i, (k, n, s) in enumerate(zip(after, together, share, strict=True)):
        chance = scipy.stats.binom.pmf(np.arange(n + 1), n, s)
        equal[i] = chance[np.isclose(chance, chance[int(k)], rtol=1e-7)].sum()
    return np.minimum(binomial_p(after, together, share) - equal / 2, 1.0)


def e_test_p(before: np.ndarray, after: np.ndarray, odds: np.ndarray | float = 1.0) -> np.ndarray:
    """Krishnamoorthy and Thomson's E-test of two Poisson rates, two-sided.

    Parameters
    ----------
    before, after : array of whole numbers, shape (n,)
    odds : float or array, shape (n,)
        Exposure after over exposure before.

    Returns
    -------
    ndarray, shape (n,)
        1 where nothing happened.

    Examples
    --------
    >>> e_test_p(np.array([3, 6]), np.array([0, 2])).round(4).tolist()
    [0.0884, 0.1749]

    References
    ----------
    Krishnamoorthy & Thomson (2004), Journal of Statistical Planning and Inference 119, 23–35.
    """
    before, after = np.asarray(before, float), np.asarray(after, float)
    rows = np.column_stack([before, after, np.broadcast_to(np.asarray(odds, float), before.shape)])
    kinds, which = np.unique(rows, axis=0, return_inverse=True)
    return np.array([_e_test(*kind) for kind in kinds])[which.ravel()]


def _e_test(before: float, after: float, odds: float) -> float:
    if before + after == 0:
        return 1.0

    def distance(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        error = np.sqrt(x + y / odds**2)
        return np.abs(np.divide(y / odds - x, error, out=np.zeros(np.broadcast(x, y).shape), where=error > 0))

    rate = (before + after) / (1 + odds)
    x, y = (np.arange(scipy.stats.poisson.isf(1e-13, mean) + 2) for mean in (rate, rate * odds))
    chance = np.outer(scipy.stats.poisson.pmf(x, rate), scipy.stats.poisson.pmf(y, rate * odds))
    seen = distance(np.array(before), np.array(after))
    return float(min(chance[distance(x[:, None], y[None, :]) >= seen * (1 - 1e-12)].sum(), 1.0))


def _cells_by_period(counts, grid) -> tuple[pd.DataFrame, pd.Index | None]:
    """One column a period, one row a cell in the grid's order."""
    if isinstance(counts, Mapping):
        if not counts:
            raise InputError(Note("hotspots.no_periods_mapping"))
        columns, index = {}, None
        for period, one in counts.items():
            columns[period], found = cell_values(one, grid)
            if index is not None and not found.equals(index):
                raise InputError(Note("hotspots.counts_other_cells", period=period))
            index = found
        return pd.DataFrame(columns, index=index), index
    if isinstance(counts, pd.DataFrame):
        if "count" not in counts:
            raise InputError(Note("hotspots.no_count_column", meant=did_you_mean("count", counts.columns)))
        counts = one_column(counts, "count")
    if not isinstance(counts, pd.Series) or counts.index.nlevels != 2 or "period" not in counts.index.names:
        raise InputError(Note("hotspots.cell_period_index"))
    if counts.index.has_duplicates:
        raise InputError(Note("hotspots.twice_in_counts", value=counts.index[counts.index.duplicated()][0]))
    cell_level = next(i for i, name in enumerate(counts.index.names) if name != "period")
    cells = grid.cells.index if isinstance(grid, Grid) else counts.index.get_level_values(cell_level).unique()
    counts = pd.Series(as_numbers(counts, "count", missing=False), index=counts.index)
    wide = counts.unstack("period")  # noqa: PD010 - pivot_table would sum what occurs twice
    if wide.isna().any(axis=None):
        raise InputError(Note("hotspots.cells_without_period", n=int(wide.isna().sum().sum())))
    in_order = pd.Series(0, index=counts.index.get_level_values(cell_level).unique())
    cell_values(in_order, grid)  # the grid's cells, all, in their order
    return wide.loc[cells], wide.loc[cells].index


def _chosen_periods(there: pd.Index, before, after) -> tuple[list, list]:
    """The periods after and before, as they stand in the table."""
    last = [max(there)] if after is None else _named(there, after, "after")
    if before is not None:
        first = _named(there, before, "before")
    elif all(isinstance(p, pd.Period) for p in there):
        first = _named(there, [_year_earlier(p) for p in last], "before")
    else:
        raise SettingError(Note("hotspots.before_needed", value=_listed(there)))
    if set(first) & set(last):
        raise SettingError(Note("hotspots.period_before_and_after", value=_listed(sorted(set(first) & set(last)))))
    return last, first


def _year_earlier(period: pd.Period) -> pd.Period:
    if period.freqstr.startswith("W"):
        return period - 52
    return pd.Period(period.start_time - pd.DateOffset(years=1), freq=period.freqstr)


def _named(there: pd.Index, wanted, option: str) -> list:
    found = []
    several = isinstance(wanted, list | tuple | pd.Index)
    if several and not len(wanted):
        raise SettingError(Note("hotspots.option_no_period", option=option, value=_listed(there)))
    for one in wanted if several else [wanted]:
        hits = [p for p in there if p == one or str(p) == str(one)]
        if not hits and any(isinstance(p, pd.Period) for p in there):
            try:
                span = period_of_text(one)
                hits = [p for p in there if span.start_time <= p.start_time and p.end_time <= span.end_time]
            except (ValueError, TypeError):
                hits = []
        if not hits:
            raise InputError(Note("hotspots.no_such_period", found=str(one), option=option, value=_listed(there)))
        found += [p for p in hits if p not in found]
    return found


def _listed(periods) -> str:
    names = [str(p) for p in periods]
    return ", ".join(names if len(names) <= 8 else [*names[:4], "…", *names[-3:]])


def _exposures(exposure, first: list, last: list, n: int, grid):
    if exposure is None:
        if all(isinstance(p, pd.Period) for p in first + last):
            return tuple(
                np.float64(sum((p.end_time - p.start_time).round("s") / pd.Timedelta("1D") for p in side))
                for side in (first, last)
            )
        return np.float64(len(first)), np.float64(len(last))
    if isinstance(exposure, str | Mapping) or not hasattr(exposure, "__len__") or len(exposure) != 2:
        raise SettingError(Note("hotspots.exposure_pair"))
    sides = []
    for side in exposure:
        amount: Any = (
            np.float64(side)
            if isinstance(side, int | float | np.number)
            else cell_values(side, grid, column="population", what="exposures")[0]
        )
        if np.ndim(amount) and len(amount) != n:
            raise InputError(Note("hotspots.exposure_length", n=len(amount), n2=n))
        if not (np.all(np.isfinite(amount)) and np.all(amount > 0)):
            raise InputError(Note("hotspots.exposure_above_zero"))
        sides.append(amount)
    return tuple(sides)


#: How the p of a change is made: name → (before, after, odds of the exposures) → p.
TESTS = {"exact": _exact_p, "mid-p": _mid_p, "e-test": e_test_p}


#: With more areas than this nobody looks through a table of them: a coarser level is taken where there is one.
MOST_AREAS = 40


def changes_by_area(
    incidents: Incidents,
    boundaries: gpd.GeoDataFrame,
    *,
    before: str | pd.Period,
    after: str | pd.Period,
    level: str | None = None,
    by_kind: bool = False,
) -> pd.DataFrame:
    """What changed in each district, station or street: the level above the zones, with 95 % intervals.

    Parameters
    ----------
    incidents : Incidents
        Of both periods, and better of all that are at hand: from eight periods as long as `after` it is known how much
        an area varies from one to the next, which the interval then allows for.
    boundaries : GeoDataFrame
        As `read_boundaries` gives it, with columns that say the level above (`district`, `station_name`, `parent_id`).
    before, after : str or pandas.Period
        As in "2024-03", "2024", "2024-03-04/2024-03-10". Periods of unequal length are compared by the day.
    level : str, optional
        Name of a level, as in "district", or "zone" for the zones themselves. By default the finest level above the
        zones with at most 40 areas; the zones where there is none and they are no more.
    by_kind : bool, default False
        A row for each area and kind of incident, instead of all kinds together.

    Returns
    -------
    DataFrame indexed by `area_id`, most incidents first
        `level, name` (`category`), `count_before, count_after, change, change_low, change_high, extra_variation`: the
        change as a share of what was (0.2 is up by a fifth; nan from nothing) and its interval; how many times the
        area varies as much as counting error alone, nan where there are too few periods to say.

    Raises
    ------
    SettingError
        For a period that is none, or a level that there is not.
    InputError
        If there is no level above the zones and too many zones, or no incident in one of the periods.

    Examples
    --------
    >>> import shapely
    >>> boxes = [shapely.box(i, 0, i + 1, 1) for i in range(3)]
    >>> zones = gpd.GeoDataFrame({"zone_id": ["1", "2", "3"], "district": ["East", "East", "West"]},
    ...     geometry=boxes, crs=4326)
    >>> when = pd.to_datetime(["2024-02-03"] * 6 + ["2024-03-04"] * 9)
    >>> points = pd.DataFrame({"time": when, "type": "theft", "lon": [0.5, 2.5, 1.5] * 5, "lat": 0.5})
    >>> from gridmap.read.incidents import read_incidents
    >>> found = changes_by_area(read_incidents(points), zones, before="2024-02", after="2024-03")
    >>> found[["count_before", "count_after"]].to_dict("index")
    {'East': {'count_before': 4, 'count_after': 6}, 'West': {'count_before': 2, 'count_after': 3}}

    References
    ----------
    Clopper, C. J., & Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika, 26(4). Both counts are divided by `extra_variation`, as in quasi-Poisson models.
    """
    incidents = as_incidents(incidents)
    if not isinstance(incidents, Incidents):
        found = type(incidents).__name__
        raise InputError(Note("hotspots.needs_incidents", method="changes_by_area", name=found))
    if not isinstance(boundaries, gpd.GeoDataFrame) or "zone_id" not in boundaries:
        raise InputError(Note("hotspots.needs_zones", found=type(boundaries).__name__))
    try:
        first, last = period_of_text(before), period_of_text(after)
    except (ValueError, TypeError):
        raise SettingError(Note("hotspots.period_form", before=str(before), after=str(after))) from None
    areas = area_level(boundaries, level)
    table = incidents.arrow(["occurred_from", "occurred_to", "category"]).to_pandas()
    zone = make_grid(boundaries, system="zones").locate(*incidents.lonlat())
    known = (zone >= 0) & table["occurred_from"].notna().to_numpy()
    table = table[known].assign(area=areas["code"].to_numpy()[zone[known]])
    keys = ["area", "category"] if by_kind else ["area"]
    table = table.dropna(subset=keys)
    length = table["occurred_to"] - table["occurred_from"]
    middle = table["occurred_from"] + length / 2
    held = {}
    for name, period in (("count_before", first), ("count_after", last)):
        inside = (middle >= period.start_time) & (middle <= period.end_time) & (length <= _length(period))
        if not inside.any():
            raise InputError(Note("hotspots.period_empty", period=str(period)))
        held[name] = table[inside].groupby(keys).size()
    both = pd.DataFrame(held).fillna(0).astype(int)
    both = both.loc[both.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    varies = _extra_variation(table.assign(middle=middle)[length <= _length(last)], keys, last)
    share = _length(last) / (_length(first) + _length(last))
    pairs = zip(both.index, both["count_before"].tolist(), both["count_after"].tolist(), strict=True)
    numbers = [change_with_interval(then, lately, share, varies.get(key)) for key, then, lately in pairs]
    named = areas.drop_duplicates("code").set_index("code")
    code = both.index.get_level_values("area")
    columns: dict[str, Any] = {"level": areas.attrs["level"], "name": named.loc[code, "name"].to_numpy()}
    if by_kind:
        columns["category"] = both.index.get_level_values("category").astype(str)
    index = pd.Index(named.loc[code, "id"].to_numpy(), name="area_id")
    return pd.concat([pd.DataFrame(columns, index=index), pd.DataFrame(numbers, index=index)], axis=1)


def area_level(boundaries: gpd.GeoDataFrame, level: str | None = None) -> pd.DataFrame:
    """The areas whose changes are counted: `code, id, name` of each zone's area, the level's name in `.attrs["level"]`.

    Raises
    ------
    SettingError
        For a level that there is not.
    InputError
        If no level is above the zones and there are too many of them.
    """
    name = boundaries["name"] if "name" in boundaries else boundaries["zone_id"]
    own = pd.DataFrame({"code": np.arange(len(boundaries)), "id": boundaries["zone_id"].astype(str), "name": name})
    own.attrs["level"] = "zone"
    levels = [found for found in zone_levels(boundaries) if found["code"].max() > 0]
    if level is not None:
        names = ["zone", *(found.attrs["level"] for found in levels)]
        if level not in names:
            raise SettingError(Note("hotspots.no_level", found=level, meant=did_you_mean(level, names)))
        return [own, *levels][names.index(level)]
    few = [found for found in [*levels, own] if found["code"].nunique() <= MOST_AREAS]
    if not few and not levels:
        raise InputError(Note("hotspots.no_level_above", n=len(boundaries), columns=list(map(str, boundaries.columns))))
    return few[0] if few else levels[-1]


def change_with_interval(before: int, after: int, share: float, extra: float | None = None) -> dict[str, float]:
    """The change from one count to another as a share of what was, with its 95 % interval.

    Parameters
    ----------
    before, after : int
    share : float
        What share of both periods' time the later one is.
    extra : float, optional
        How many times as much the counts vary as counting error alone.

    Examples
    --------
    >>> found = change_with_interval(100, 120, 0.5)
    >>> round(found["change"], 2), round(found["change_low"], 2), round(found["change_high"], 2)
    (0.2, -0.09, 0.58)
    """
    scale = extra or 1.0
    ends = ratio_interval(np.array([after / scale]), np.array([(before + after) / scale]), share)
    low, high = (float(v[0]) - 1 if before else np.nan for v in ends)
    change = after / before * (1 - share) / share - 1 if before else np.nan
    numbers = {"count_before": before, "count_after": after, "change": change, "change_low": low, "change_high": high}
    return numbers | {"extra_variation": np.nan if extra is None else extra}


def _length(period: pd.Period) -> pd.Timedelta:
    return (period.end_time - period.start_time).round("s")


def _extra_variation(table: pd.DataFrame, keys: list[str], like: pd.Period) -> dict[Any, float | None]:
    """How much more each group varies over periods as long as `like` than counting error, as far as the data reach."""
    if like.freqstr[0] in "MQY" and not like.freqstr[:1].isdigit():
        period = table["middle"].dt.to_period(like.freqstr)
        numbers = pd.Series([p.ordinal for p in period], index=table.index)
    else:
        numbers = (table["middle"] - like.start_time) // _length(like)
        whole = -((like.start_time - table["middle"].min()) // _length(like)) if len(table) else 0
        numbers = numbers[numbers.between(whole, 0)]
    if not len(numbers):
        return {}
    every = pd.RangeIndex(int(numbers.min()), int(numbers.max()) + 1)
    numbered = table.loc[numbers.index].assign(number=numbers.astype(int))
    wide = numbered.pivot_table(index=keys, columns="number", aggfunc="size").reindex(columns=every).fillna(0)
    return {key: variation_of_periods(row.to_numpy()) for key, row in wide.iterrows()}
