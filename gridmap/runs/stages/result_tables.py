"""Results without a map: tables of their own, and the facts of each result for `run.json`."""

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from gridmap.forecasts.checked_forecast import ForecastCells
from gridmap.governance.pipeline_results import AGENDA
from gridmap.hotspots.result import HotspotResult

__all__ = ["facts_of", "tables_of"]


def tables_of(result: Any) -> dict[str, pd.DataFrame]:
    """The tables to write for a result that is not cells or clusters: ending of the name → table."""
    if isinstance(result, ForecastCells):
        beside = {"_exposure": result.exposure, "_hours": result.hours}
        return {ending: table for ending, table in beside.items() if table is not None}
    if isinstance(result, HotspotResult) and (len(result.cells) or result.clusters is not None):
        return {}
    if isinstance(result, pd.DataFrame):
        return {"": result}
    if isinstance(result, AGENDA):
        return {f"_{name}": _without_outlines(table) for name, table in result.tables.items()}
    return {f"_{name}": value for name, value in _fields(result) if isinstance(value, pd.DataFrame) and len(value)}


def _without_outlines(table: pd.DataFrame) -> pd.DataFrame:
    """Areas as rows; without its outline a `name` would read as a person's, and is left out of a table."""
    if "geometry" not in table:
        return table
    return pd.DataFrame(table.drop(columns="geometry")).rename(columns={"name": "area"})


def facts_of(step: Any, result: Any) -> dict[str, Any]:
    """How a result was made, and its single numbers: what stands in `run.json`."""
    facts = {"method": step.method, "name": step.name, "category": step.category, "period": step.period}
    facts |= {"params": dict(getattr(result, "params", step.options)), "notes": list(getattr(result, "notes", ()))}
    if isinstance(result, HotspotResult) and "label" in result.cells:
        facts["labels"] = {str(k): int(n) for k, n in result.cells["label"].value_counts().items()}
    if not isinstance(result, (HotspotResult, pd.DataFrame, *AGENDA)):
        single = int | float | str | np.number
        numbers = {n: v for n, v in _fields(result) if isinstance(v, single) and n != "method"}
        # JSON knows no nan: what was not computed is null.
        facts["numbers"] = {n: None if isinstance(v, float) and np.isnan(v) else v for n, v in numbers.items()}
    return facts


def _fields(result: Any) -> list[tuple[str, Any]]:
    return [(f.name, getattr(result, f.name)) for f in dataclasses.fields(result)]
