"""`results/`: what a run leaves for the papers, so that they need the incidents no more.

The layers are those of the page, so a table on paper holds the page's own numbers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import GridmapError
from gridmap.grids.base import Grid
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.times import hour_of_week
from gridmap.manifest import versions
from gridmap.maps.layers import Layer
from gridmap.read.base import Incidents
from gridmap.reports.briefing import paper_bytes
from gridmap.reports.facts import LEAST_TIMED, all_facts, time_facts
from gridmap.reports.run_folder import Findings, layer_entry, result_tables, run_folder, zones_table
from gridmap.runs.check import Pipeline
from gridmap.runs.page import period_of

__all__ = ["findings", "write_report"]


def findings(
    pipeline: Pipeline,
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    grid: Grid,
    results: Sequence[tuple[Any, Any]],
    layers: Sequence[tuple[int | None, Layer]],
    *,
    rows: int,
    outside: int,
    plan=None,
) -> Findings:
    """What a run found: facts, ranked tables, small tables.

    Parameters
    ----------
    pipeline, boundaries, incidents, grid, results, plan
        Of the run.
    layers : list of (number of the result or None, Layer)
        Those of the page, as `map_layers` makes them.
    rows : int
        Rows that were read.
    outside : int
        Incidents that fell in no cell.
    """
    drawn = [layer for _, layer in layers]
    entries, tables, ranked = [], {"zones.parquet": (zones_table(boundaries), "zones")}, []
    for number, (step, result) in enumerate(results, start=1):
        told, mine = [], [layer for n, layer in layers if n == number]
        own = result_tables(number, result, [layer for layer in mine if layer.role != "overlay"])
        for layer in mine:
            what = "clusters" if layer.role == "overlay" else "cells"
            file = f"{number}_{step.method}{'_clusters' if what == 'clusters' else ''}.parquet"
            told.append(layer_entry(layer, drawn, boundaries, what, file))
        tables |= own
        ranked.append(told[0]["ranked"] if told else [])
        entries.append(_entry(number, step, result, incidents) | {"layers": told})
    times = {category: _hours(part) for category, part in _by_category(incidents, results)}
    tables |= _time_tables(incidents, times)
    tables["concentration.parquet"] = (_concentration(results), "table")
    tables["set_aside.parquet"] = (_set_aside(incidents), "table")
    facts = all_facts(results, boundaries, incidents, grid, rows=rows, outside=outside, ranked=ranked, plan=plan) + [
        told for category, week in times.items() for told in time_facts(week, category)
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
    return Findings(head, facts, entries, {k: v for k, v in tables.items() if len(v[0])})


def write_report(pipeline: Pipeline, stage: Path, out: Path, manifest: dict[str, Any]) -> Path:
    """The paper that the pipeline asks for, of the results that stand in the staging folder.

    Parameters
    ----------
    pipeline : Pipeline
    stage : Path
        Holds `results/` already.
    out : Path
        Where the run will stand; earlier runs are looked for beside it, and in it.
    manifest : dict
        What `run.json` will hold.
    """
    told = json.loads((stage / "results" / "facts.json").read_text(encoding="utf-8"))
    run = run_folder(stage, {"versions": versions(), **manifest}, told, place=out)
    path = stage / pipeline.outputs["report"]
    path.write_bytes(paper_bytes(run, path.suffix.lower(), language=pipeline.language))
    return path


def _entry(number: int, step: Any, result: Any, incidents: Incidents) -> dict[str, Any]:
    at = incidents.where(category=step.category, period=step.period)
    return {
        "step": number,
        "method": step.method,
        "name": step.name,
        "category": step.category,
        "period": step.period or period_of(at),
        "incidents": len(at),
        "params": dict(getattr(result, "params", step.options)),
        "notes": list(getattr(result, "notes", ())),
        "columns": [str(c) for c in result.cells.columns] if isinstance(result, HotspotResult) else [],
    }


def _by_category(incidents: Incidents, results) -> list[tuple[str | None, Incidents]]:
    """The kinds that the results speak of, each once; all incidents where they name none."""
    named = {}
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


def _time_tables(incidents: Incidents, times: dict) -> dict[str, tuple[pd.DataFrame, str]]:
    weeks = [
        week.rename_axis(columns="hour")
        .reset_index()
        .melt(id_vars="weekday", var_name="hour", value_name="count")
        .astype({"hour": "int64"})
        .assign(category=category)
        for category, week in times.items()
        if week is not None
    ]
    hours = pd.concat(weeks, ignore_index=True) if weeks else pd.DataFrame()
    return {"hours.parquet": (hours, "table"), "trend.parquet": (_trend(incidents), "table")}


def _trend(incidents: Incidents) -> pd.DataFrame:
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
    daily = span <= pd.Timedelta(days=92) and (length <= pd.Timedelta(days=1)).mean() > 0.5
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
