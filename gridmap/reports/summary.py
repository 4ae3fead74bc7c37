"""The results in sentences that a meeting could read out: facts first, then a template over each.

Nothing is said that the numbers do not carry. A sentence about chance is written only where a test was run, and it
names the test's threshold.
"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd

from gridmap.grids.base import Grid
from gridmap.read.base import Incidents
from gridmap.reports.facts import Fact, run_facts
from gridmap.reports.result_facts import plan_facts, ranking_facts, result_facts
from gridmap.reports.sentences import sentences

__all__ = ["all_facts", "summary"]


def all_facts(
    results: Sequence[tuple[Any, Any]],
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    grid: Grid,
    *,
    rows: int,
    outside: int | None = None,
    ranked: Sequence[list[dict]] = (),
    plan=None,
) -> list[Fact]:
    """Every fact of a run, in the order of the data.

    Parameters
    ----------
    results : list of (step, result)
        `step` has `.name`, the heading of the result, and `.method`.
    boundaries : GeoDataFrame
        For the names of places.
    incidents, grid
        For the size of the sample.
    rows : int
        Rows that were read, those set aside included; the incidents may be only some of them.
    outside : int, optional
        Incidents that fell in no cell.
    ranked : list of the map's table rows, one a result, optional
        For how firm the ranks are.
    plan : PatrolPlan, optional

    Returns
    -------
    list of Fact
    """
    told = run_facts(boundaries, incidents, grid, rows=rows, outside=outside)
    for number, (step, result) in enumerate(results, start=1):
        told += result_facts(step, result, number, boundaries)
        if number <= len(ranked):
            runs = getattr(result, "params", {}).get("stability_runs")
            told += ranking_facts(number, {"name": step.name, "method": step.method}, ranked[number - 1], runs)
    return told + plan_facts(plan)


def summary(results, boundaries, incidents, grid, *, rows: int, language: str = "en", **more) -> list[str]:
    """Plain sentences about what was found: `all_facts`, said in a language."""
    return sentences(all_facts(results, boundaries, incidents, grid, rows=rows, **more), language)
