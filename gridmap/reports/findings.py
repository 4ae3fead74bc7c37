"""What did a run find? Facts, ranked rows and small tables, gathered from its results while the incidents are at hand.

Everything is counted as the page counts it: incidents inside the grid, of the kind and period of each result. So a
number of a paper is the number of the map.
"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap._intervals import variation_of_periods
from gridmap._periods import period_of_text
from gridmap.counts.query import count_by_cell
from gridmap.errors import GridmapError
from gridmap.forecasts.checked_forecast import ForecastCells
from gridmap.governance.pipeline_results import AGENDA
from gridmap.grids.base import Grid
from gridmap.hotspots.change import change_with_interval, changes_by_area
from gridmap.hotspots.hours_of_week import hour_of_week
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.released_layers import ReleasedLayers
from gridmap.privacy import hours_beside_days
from gridmap.read.incident_table import Incidents
from gridmap.reports.facts import LEAST_TIMED, all_facts, time_facts
from gridmap.reports.results_folder import Findings, Table, layer_entry, result_tables, rows_of, zones_table

__all__ = ["areas_table", "gather_findings", "kinds_table", "period_of", "trend_table"]

#: So many kinds of incident are compared, the most frequent ones.
MOST_KINDS = 12


def gather_findings(
    pipeline: Any,
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    grid: Grid,
    results: Sequence[tuple[Any, Any]],
    layers: ReleasedLayers,
    *,
    rows: int,
    outside: int,
    plan=None,
) -> Findings:
    """What a run found: facts, ranked tables, small tables.

    Parameters
    ----------
    pipeline, boundaries, incidents, grid, results, plan
        Of the run: its settings, what it worked on, what it found.
    layers : ReleasedLayers
        Those of the page, as they were released and ranked, with the numbers of the results.
    rows : int
        Rows that were read.
    outside : int
        Incidents that fell in no cell.
    """
    tables: dict[str, Table] = {"zones.parquet": (zones_table(boundaries), "zones")}
    entries, ranked = [], []
    for number, (step, result) in enumerate(results, start=1):
        entered, mine = [], layers.of(number)
        own = result_tables(number, result, [layer for layer, _ in mine if layer.role != "overlay"])
        for layer, places in mine:
            what = "clusters" if layer.role == "overlay" else "cells"
            file = f"{number}_{step.method}{'_clusters' if what == 'clusters' else ''}.parquet"
            entered.append(layer_entry(layer, places, layers.layers, what, file))
        tables |= own
        if isinstance(result, AGENDA):
            tables |= {f"{number}_{step.method}_{name}.parquet": (t, _holds(t)) for name, t in result.tables.items()}
        if isinstance(result, ForecastCells):
            beside = {"exposure": result.exposure, "hours": None if result.hours is None else _long(result.hours)}
            tables |= {f"{number}_forecast_{k}.parquet": (t, "table") for k, t in beside.items() if t is not None}
        ranked.append(entered[0]["ranked"] if entered else [])
        entries.append(_entry(number, step, result, incidents) | {"layers": entered})
    inside = _inside(incidents, grid)
    kinds = _by_category(inside, results)
    kept = [_beside(part, pipeline.audience, results) for _, part in kinds]
    no_hours, no_days = "days" in kept, "hours" in kept
    times = {category: None if no_hours else _hours(part) for category, part in kinds}
    by_time = _time_tables(inside, times, daily=not (no_days and any(week is not None for week in times.values())))
    tables |= by_time
    trend = by_time["trend.parquet"][0]
    tables["kinds.parquet"] = (kinds_table(incidents, grid, results, trend), "table")
    if pipeline.audience != "public":  # areas of few zones, of which the numbers of each may be hidden
        tables["areas.parquet"] = (areas_table(incidents, boundaries, results), "counts")
    tables["concentration.parquet"] = (_concentration(results), "table")
    tables["set_aside.parquet"] = (_set_aside(incidents), "table")
    spanned = _weekdays(incidents)
    facts = all_facts(results, boundaries, incidents, grid, rows=rows, outside=outside, ranked=ranked, plan=plan) + [
        found for category, week in times.items() for found in time_facts(week, category, days=spanned)
    ]
    head = {
        "pipeline": pipeline.path.name,
        "title": pipeline.title,
        "language": pipeline.language,
        "period": period_of(incidents),
        "incidents": len(incidents),
        "set_aside": len(incidents.set_aside),
        "rows": rows,
        "outside": outside,
        "cells": len(grid),
        "zones": len(boundaries),
        "grid": {"system": grid.system, **grid.params, "metric_crs": grid.metric_crs.to_string()},
        "bounds": [float(v) for v in boundaries.total_bounds],
        **pipeline.about,
    }
    return Findings(head, facts, entries, {name: table for name, table in tables.items() if rows_of(table)})


def _holds(table: pd.DataFrame) -> str:
    """What a table of governance holds, for the gate: areas of a committee, or numbers by unit."""
    return "zones" if isinstance(table, gpd.GeoDataFrame) else "table"


def period_of(incidents: Incidents) -> str | None:
    """The months or days that the incidents lie in, as in "2018-07" or "2017-07 – 2018-07"."""
    times = incidents.to_frame(["occurred_from", "occurred_to"]).dropna()
    if not len(times):
        return None
    first, last = times["occurred_from"].min(), times["occurred_to"].max()
    vague = pd.Timedelta((times["occurred_to"] - times["occurred_from"]).median()) > pd.Timedelta(days=1)
    if vague:  # ends are exclusive
        last -= pd.Timedelta(microseconds=1)
    unit = "%Y-%m" if vague else "%Y-%m-%d"
    first, last = first.strftime(unit), last.strftime(unit)
    return first if first == last else f"{first} – {last}"


def _weekdays(incidents: Incidents) -> list[int] | None:
    """How many Mondays, Tuesdays … lie between the first and the last incident; None where nothing has a time."""
    start = incidents.to_frame(["occurred_from"])["occurred_from"].dropna()
    if not len(start):
        return None
    first = start.min().normalize()
    total = (start.max().normalize() - first).days + 1
    return [total // 7 + ((day - first.weekday()) % 7 < total % 7) for day in range(7)]


def _text_of(period: pd.Period) -> str:
    """A period as `period_of_text` reads it."""
    whole = period.freqstr[:1].isdigit()
    return f"{period.start_time.date()}/{period.end_time.date()}" if whole else str(period)


def _year_before(period: pd.Period) -> pd.Period:
    """The same a year before; of weeks, 52 weeks before, so that it has the same weekdays."""
    if period.freqstr.startswith("W"):
        return period - 52
    days = (period.end_time - period.start_time).days + 1
    back = pd.DateOffset(weeks=52) if period.freqstr[:1].isdigit() and days % 7 == 0 else pd.DateOffset(years=1)
    return pd.Period(period.start_time - back, freq=period.freqstr)


def _inside(incidents: Incidents, grid: Grid) -> Incidents:
    """Those that lie in a cell, which are all that the map counts."""
    here = grid.locate(*incidents.lonlat()) >= 0
    if here.all():
        return incidents
    return Incidents(incidents.arrow().filter(pa.array(here)), incidents.set_aside, incidents.source)


def kinds_table(
    incidents: Incidents, grid: Grid, results: Sequence[tuple[Any, Any]], trend: pd.DataFrame
) -> pd.DataFrame:
    """Every kind of incident, this period against the one before and the same a year before, where the data have them.

    Parameters
    ----------
    incidents : Incidents
        Of all periods that the run read.
    grid : Grid
        Only what lies in it is counted.
    results : list of (step, result)
        The first that names a period, or compares two, says which period is now; else there is nothing to compare.
    trend : DataFrame
        As `trend_table` makes it: how much each kind varies from period to period.

    Returns
    -------
    DataFrame
        `category, period, against, count_before, count_after, change, change_low, change_high, extra_variation`: the
        change as a share of what was (nan from nothing) and its 95 % interval, which allows for the variation of the
        periods at hand where there are eight (else nan: counting error only). Periods of unequal length are compared
        by the day. No rows where there is no earlier period.
    """
    rows = []
    times = incidents.arrow(["occurred_from", "occurred_to", "category"]).to_pandas().dropna()
    for now, against in _pairs(incidents, results):
        period, before = period_of_text(now), period_of_text(against)
        here, there = (one.end_time - one.start_time for one in (period, before))
        share = here / (here + there)
        for kind, (then, lately) in _counted(incidents, grid, results, against, now).items():
            about = {"category": kind, "period": now, "against": against}
            extra = _variation(trend, kind, period) or _variation_in_days(times, kind, period)
            rows.append(about | change_with_interval(then, lately, share, extra))
    return pd.DataFrame(rows)


def areas_table(incidents: Incidents, boundaries: gpd.GeoDataFrame, results: Sequence[tuple[Any, Any]]) -> pd.DataFrame:
    """Every district or station (the level above the zones), this period against earlier ones, as `kinds_table` does.

    Returns
    -------
    DataFrame
        `level, area_id, name, category, period, against` and the numbers of `changes_by_area`. Without a category: the
        kinds that the results name together, or all. No rows where nothing is to compare, or no level is above.
    """
    kinds = list(dict.fromkeys(kind for kind, _ in _by_category(incidents, results) if kind is not None))
    of_run = incidents.where(category=kinds) if kinds else incidents
    parts = []
    for now, against in _pairs(incidents, results):
        for by_kind in (False, True):
            try:
                found = changes_by_area(of_run, boundaries, before=against, after=now, by_kind=by_kind)
            except GridmapError:  # no level above, or a period without incidents
                continue
            about = {"period": now, "against": against} | ({} if by_kind else {"category": None})
            parts.append(found.reset_index().assign(**about))
    if not parts:
        return pd.DataFrame()
    columns = ["level", "area_id", "name", "category", "period", "against"]
    table = pd.concat([part.astype({"category": object}) for part in parts], ignore_index=True)
    return table[[*columns, *(c for c in table if c not in columns)]]


def _pairs(incidents: Incidents, results: Sequence[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """This period with each earlier one that it is held against, as texts, where the data reach over both."""
    now, before_it = _now(results)
    first, last = _months(incidents)
    if now is None or first is None or last is None:
        return []
    try:
        period = period_of_text(now)
        earlier = {_text_of(period - 1), _text_of(_year_before(period))}
        earlier |= {before_it} if before_it is not None else set()
        spans = {against: period_of_text(against) for against in sorted(earlier, reverse=True)}
    except (ValueError, TypeError):
        return []
    return [(str(now), a) for a, span in spans.items() if span.start_time >= first and span.end_time <= last]


def _now(results: Sequence[tuple[Any, Any]]) -> tuple[str | None, str | None]:
    """The period that a paper speaks of, and the one that it is compared with, as the results name them."""
    dated = [step.period for step, _ in results if step.period is not None]
    pairs = [(step.options.get("after"), step.options.get("before")) for step, _ in results]
    pairs = [(str(after), str(before)) for after, before in pairs if after is not None and before is not None]
    now = str(dated[0]) if dated else pairs[0][0] if pairs else None
    return now, next((before for after, before in pairs if after == now), None)


def _months(incidents: Incidents) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """When the data begin and end, to whole months."""
    times = incidents.arrow(["occurred_from"]).to_pandas()["occurred_from"].dropna()
    if not len(times):
        return None, None
    return times.min().to_period("M").start_time, times.max().to_period("M").end_time


def _counted(
    incidents: Incidents, grid: Grid, results: Sequence[tuple[Any, Any]], before: str, after: str
) -> dict[str, tuple[int, int]]:
    """Counts of both periods by kind, the most frequent first; none where one of the periods has no incident at all."""
    found = []
    for period in (before, after):
        counts = count_by_cell(incidents.where(period=period), grid, by="category")["count"]
        found.append(counts.groupby(level="category").sum())
    both = pd.concat(found, axis=1).fillna(0).astype(int)
    if not both.sum().all():
        return {}
    both = both.loc[both.sum(axis=1).sort_values(ascending=False, kind="stable").index].head(MOST_KINDS)
    return {str(kind): (int(row.iloc[0]), int(row.iloc[1])) for kind, row in both.iterrows()}


def _variation(trend: pd.DataFrame, kind: str, like: pd.Period) -> float | None:
    """How much more a kind varies from period to period than counting error, of periods as long as `like`."""
    if not len(trend):
        return None
    part = trend[(trend["category"] == kind) & (trend["count"] > 0)]
    periods = [pd.Period(p) for p in part["period"]]
    if not periods or periods[0].freqstr != like.freqstr:
        return None
    days = [(p.end_time - p.start_time).round("s") / pd.Timedelta("1D") for p in periods]
    return variation_of_periods(part["count"], days)


def _variation_in_days(times: pd.DataFrame, kind: str, like: pd.Period) -> float | None:
    """The same from periods of so many days, one behind the other back from `like`, as far as the data reach."""
    if like.freqstr[0] in "MQY":
        return None
    days = (like.end_time - like.start_time).round("D")
    exact = times[(times["occurred_to"] - times["occurred_from"]) <= pd.Timedelta(days=1)]
    back = (exact["occurred_from"] - like.start_time) // days
    whole = -((like.start_time - exact["occurred_from"].min()) // days) if len(exact) else 0
    counts = back[(exact["category"] == kind) & back.between(whole, 0)].value_counts()
    return variation_of_periods(counts.sort_index())


def _entry(number: int, step: Any, result: Any, incidents: Incidents) -> dict[str, Any]:
    at = incidents.where(**step.of_whom, period=step.period)
    return {
        "step": number,
        "method": step.method,
        "name": step.name,
        "category": step.category,
        "period": step.period or period_of(at),
        "incidents": _in_cells(step, result, len(at)),
        "params": dict(getattr(result, "params", step.options)),
        "notes": list(getattr(result, "notes", ())),
        "columns": [str(c) for c in result.cells.columns] if isinstance(result, HotspotResult) else [],
    }


def _in_cells(step: Any, result: Any, n: int) -> int:
    """How many incidents the result's cells hold, as page and GeoPackage sum them: those outside the grid are in none.

    Of what is not a plain count of every cell (a weight, a release that hides small numbers), all that were wanted.
    """
    if (
        not isinstance(result, HotspotResult)
        or "count" not in result.cells
        or getattr(step, "weight", None) is not None
    ):
        return n
    total = pd.to_numeric(result.cells["count"], errors="coerce")
    whole = len(total) > 0 and bool(total.notna().all()) and 0 < n - total.sum() < 0.05 * n
    return int(total.sum()) if whole and float(total.sum()).is_integer() else n


def _by_category(incidents: Incidents, results) -> list[tuple[str | None, Incidents]]:
    """The kinds that the results speak of, each once; all incidents where they name none."""
    named: dict[str, None] = {}
    for step, _ in results:
        wanted = [step.category] if isinstance(step.category, str) else list(step.category or [])
        named |= dict.fromkeys(wanted)
    if not named:
        return [(None, incidents)]
    return [(name, incidents.where(category=name)) for name in named]


def _hours(incidents: Incidents) -> pd.DataFrame | None:
    """Weekday × hour of the incidents whose interval is not longer than a day; None where there are too few."""
    table = incidents.arrow(["occurred_from", "occurred_to"]).to_pandas()
    length = (table["occurred_to"] - table["occurred_from"]).to_numpy()
    if (~np.isnat(length) & (length <= np.timedelta64(1, "D"))).sum() < LEAST_TIMED:
        return None
    if not _tell_hours(table):
        return None
    try:
        return hour_of_week(incidents, longest_h=24)
    except GridmapError:
        return None


def _tell_hours(table: pd.DataFrame) -> bool:
    """Whether the times have an hour at all: a file of bare dates says midnight for everything."""
    start = table["occurred_from"].dropna()
    return bool((start != start.dt.normalize()).any())


def _beside(incidents: Incidents, audience: str, results: Sequence[tuple[Any, Any]]) -> str:
    """What of hours and days may be reported beside each other (`gridmap.privacy.hours_beside_days`)."""
    days = any(step.every in ("week", "day", "hour") for step, _ in results)
    return hours_beside_days(incidents, audience=audience, days_written=days)


def _long(week: pd.DataFrame) -> pd.DataFrame:
    """A matrix of weekday × hour as rows."""
    rows = week.rename_axis(index="weekday", columns="hour").reset_index()
    return rows.melt(id_vars="weekday", var_name="hour", value_name="count").astype({"hour": "int64"})


def _time_tables(incidents: Incidents, times: dict, *, daily: bool = True) -> dict[str, tuple[pd.DataFrame, str]]:
    weeks = [_long(week).assign(category=category) for category, week in times.items() if week is not None]
    hours = pd.concat(weeks, ignore_index=True) if weeks else pd.DataFrame()
    return {"hours.parquet": (hours, "table"), "trend.parquet": (trend_table(incidents, days=daily), "table")}


def trend_table(incidents: Incidents, *, days: bool = True) -> pd.DataFrame:
    """Incidents by category and month; by day where all of it lies within three months and the days are known.

    A month or a day without any is a row with 0, if it lies between the first and the last that has some and is not
    a gap in the data: two Julys a year apart are two rows, not thirteen.
    """
    table = incidents.arrow(["occurred_from", "occurred_to", "category"]).to_pandas().dropna(subset=["occurred_from"])
    if not len(table):
        return pd.DataFrame()
    length = table["occurred_to"] - table["occurred_from"]
    middle = table["occurred_from"] + length / 2
    span = middle.max() - middle.min()
    daily = days and span <= pd.Timedelta(days=92) and (length <= pd.Timedelta(days=1)).mean() > 0.5
    table, middle = (table[length <= pd.Timedelta(days=1 if daily else 31)], middle)
    period = middle.loc[table.index].dt.to_period("D" if daily else "M")
    if not len(period):
        return pd.DataFrame()
    found = pd.PeriodIndex(period.unique()).sort_values()
    whole = pd.period_range(found[0], found[-1])
    periods = whole if len(found) >= 0.8 * len(whole) else found
    kinds = sorted(table["category"].dropna().astype(str).unique())
    rows = pd.MultiIndex.from_product([kinds, periods], names=["category", "period"])
    counts = table.assign(period=period, category=table["category"].astype(str)).groupby(["category", "period"]).size()
    out = counts.reindex(rows, fill_value=0).rename("count").reset_index()
    return out.assign(period=out["period"].astype(str))


def _concentration(results) -> pd.DataFrame:
    """The counts of each result's cells, highest first, without saying which cell."""
    parts = []
    for number, (_, result) in enumerate(results, start=1):
        if isinstance(result, HotspotResult) and "count" in result.cells:
            count = np.sort(result.cells["count"].to_numpy())[::-1]
            parts.append(pd.DataFrame({"step": number, "rank": np.arange(1, len(count) + 1), "count": count}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _set_aside(incidents: Incidents) -> pd.DataFrame:
    """Rows that were not used, by file and reason: never what stood in them."""
    aside = incidents.set_aside
    if not len(aside):
        return pd.DataFrame()
    counted = aside.assign(file=aside["file"].astype(str).str.split(r"[/\\]", regex=True).str[-1])
    return counted.groupby(["file", "reason"]).size().rename("rows").reset_index().astype({"reason": str})
