"""The facts of one result: each method has its own, and a method without a test has none about chance."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._intervals import ratio_interval
from gridmap.hotspots.autocorrelation import TRUSTED_INCIDENTS
from gridmap.hotspots.repeat_tables import NearRepeatResult
from gridmap.hotspots.result import GlobalResult, HotspotResult
from gridmap.hotspots.silence import QUIET
from gridmap.hotspots.stability_runs import FIRM
from gridmap.reports.facts import Fact, concentration_facts, fact, time_facts
from gridmap.reports.place_names import place_name, zone_at

__all__ = ["plan_facts", "ranking_facts", "result_facts"]


def result_facts(step: Any, result: Any, number: int, boundaries: gpd.GeoDataFrame) -> list[Fact]:
    """What may be said of one result.

    Parameters
    ----------
    step
        Has `.name`, the heading of the result or None, and `.method`.
    result : HotspotResult, GlobalResult, DataFrame, …
    number : int
        The step's place in the list, from 1.
    boundaries : GeoDataFrame
        For the names of places.
    """
    about = {"name": step.name, "method": step.method}
    if isinstance(result, GlobalResult):
        kind = "chance" if result.p_value > 0.05 else "no_chance"
        numbers = {"statistic": result.statistic, "expected": result.expected, "p": result.p_value}
        return [fact(kind, number, **about, **numbers)]
    if isinstance(result, NearRepeatResult):
        return [_near_repeat(result, about, number)]
    if isinstance(result, pd.DataFrame):
        return time_facts(result, step.name, number) if result.shape == (7, 24) else []
    if not isinstance(result, HotspotResult):
        return []
    said: list[Fact] = []
    cells = result.cells
    if {"before", "after"} <= set(cells):
        said += _change(result, about, number, boundaries)
    elif "label" in cells and result.method in _OF_LABELS:
        said += _OF_LABELS[result.method](result, about, number, boundaries)
    elif "label" in cells and "count" in cells:
        said += _hot(result, about, number, boundaries)
    elif "intensity" in cells and len(cells):
        said += _density(result, about, number, boundaries)
    if result.clusters is not None:
        said += _clusters(result, about, number, boundaries)
    return said


def _threshold(result: HotspotResult) -> dict:
    level = result.params.get("fdr")
    corrected = "q_value" in result.cells and level is not None
    how = str(result.params.get("correction") or "fdr") if corrected else "none"
    return {"level": 0.05 if level is None else level, "correction": how}


def _significant(cells: pd.DataFrame, sign: str, level: float | None) -> pd.Series:
    """Cells labelled with `sign` ("hot", "up", …) at the level that was asked for."""
    least = 100 - round(100 * (0.05 if level is None else level))
    strength = cells["label"].astype(str).str.extract(rf"^{sign} (\d+)$")[0].astype(float)
    return strength >= least


def _hot(result, about, number, boundaries) -> list[Fact]:
    cells, level = result.cells, result.params.get("fdr")
    hot, cold = (_significant(cells, sign, level) for sign in ("hot", "cold"))
    total, threshold = int(cells["count"].sum()), _threshold(result)
    said = []
    if hot.any():
        area = cells.loc[hot, "area_m2"].sum() / cells["area_m2"].sum() if "area_m2" in cells else hot.mean()
        share = cells.loc[hot, "count"].sum() / max(total, 1)
        facts = {"n": int(hot.sum()), "cells": len(cells), "share": share, "total": total, "area": area}
        said.append(fact("hot", number, **about, **facts, **threshold))
        top = cells.loc[cells.loc[hot, "count"].idxmax()]
        place = place_name(top.get("zone_id"), boundaries)
        ratio = top["count"] / cells["count"].mean()
        said.append(fact("busiest", number, **about, place=place, count=int(top["count"]), ratio=ratio))
    else:
        said.append(fact("none_hot", number, **about, cells=len(cells), total=total, **threshold))
    if cold.any():
        said.append(fact("cold", number, **about, n=int(cold.sum())))
    said += concentration_facts(cells["count"], about, number)
    if result.method == "getis_ord" and (few := _few_expected(result)) is not None:
        said.append(fact("few_expected", number, **about, expected=few, limit=TRUSTED_INCIDENTS))
    return said


def _few_expected(result: HotspotResult) -> float | None:
    """Incidents expected in a cell and its neighbours, where the method itself noted that they are too few."""
    for note in result.notes:
        if note.startswith("About ") and " expected in a cell and its neighbours" in note:
            return float(note.split()[1].replace(",", ""))
    return None


def _moran(result, about, number, boundaries) -> list[Fact]:
    label = result.cells["label"].astype(str)
    kinds = {"high_high": "high-high", "low_low": "low-low", "high_low": "high-low", "low_high": "low-high"}
    numbers = {key: int((label == value).sum()) for key, value in kinds.items()}
    said = [fact("moran", number, **about, **numbers, cells=len(label), **_threshold(result))]
    if "count" in result.cells:
        said += concentration_facts(result.cells["count"], about, number)
    return said


def _emerging(result, about, number, boundaries) -> list[Fact]:
    label = result.cells["label"].astype(str)
    groups = {
        "new": ("new hot", "consecutive hot"),
        "growing": ("intensifying hot",),
        "lasting": ("persistent hot",),
        "fading": ("diminishing hot", "historical hot"),
        "unsteady": ("sporadic hot", "oscillating hot"),
    }
    numbers = {key: int(label.isin(values).sum()) for key, values in groups.items()}
    when = {key: result.params.get(key) for key in ("periods", "first", "last")}
    return [fact("emerging", number, **about, **numbers, **when, cells=len(label), **_threshold(result))]


def _quiet(result, about, number, boundaries) -> list[Fact]:
    quiet = result.cells["label"].astype(str) == QUIET
    kind = "quiet" if quiet.any() else "none_quiet"
    return [fact(kind, number, **about, n=int(quiet.sum()), cells=len(quiet), **_threshold(result))]


def _rates(result, about, number, boundaries) -> list[Fact]:
    cells, level = result.cells, result.params.get("fdr")
    high, low = (_significant(cells, sign, level) for sign in ("high", "low"))
    numbers = {"high": int(high.sum()), "low": int(low.sum()), "cells": len(cells)}
    numbers |= {"overall": result.params["overall_rate"], "per": result.params["per"]}
    said = [fact("rates", number, **about, **numbers, **_threshold(result))]
    judged = cells[~cells["small_number"].astype(bool)] if "small_number" in cells else cells
    if judged["rate"].notna().any():
        top = judged.loc[judged["rate"].idxmax()]
        interval = {"rate": top["rate"], "low": top["rate_low"], "high": top["rate_high"]}
        place = place_name(top.get("zone_id"), boundaries)
        confidence = {"confidence": result.params["confidence"], "per": result.params["per"]}
        said.append(
            fact("highest_rate", number, **about, place=place, count=int(top["count"]), **interval, **confidence)
        )
    return said


def _risk(result, about, number, boundaries) -> list[Fact]:
    label = result.cells["label"].astype(str)
    high, low = (int(label.str.startswith(sign).sum()) for sign in ("hot", "cold"))
    return [fact("risk", number, **about, high=high, low=low, cells=len(label))]


#: Methods whose labels mean something of their own.
_OF_LABELS = {
    "local_moran": _moran,
    "emerging_hotspots": _emerging,
    "quiet_cells": _quiet,
    "incident_rates": _rates,
    "relative_risk": _risk,
}


def _change(result, about, number, boundaries) -> list[Fact]:
    cells, level = result.cells, result.params.get("fdr")
    before, after = int(cells["before"].sum()), int(cells["after"].sum())
    if not before:
        return [fact("change_from_nothing", number, **about, after=after)]
    up, down = (_significant(cells, sign, level) for sign in ("up", "down"))
    both = ratio_interval(np.array([after]), np.array([before + after]), np.array([0.5]))
    low, high = (float(bound[0]) - 1 for bound in both)
    numbers = {"before": before, "after": after, "percent": after / before - 1}
    numbers |= {"low": low, "high": high, "confidence": 0.95}
    numbers |= {"up": int(up.sum()), "down": int(down.sum())}
    said = [fact("change", number, **about, **numbers, **_threshold(result))]
    for sign, found in (("most_up", up), ("most_down", down)):
        if found.any():
            moved = cells.loc[found, "difference"]
            top = cells.loc[moved.idxmax() if sign == "most_up" else moved.idxmin()]
            place = place_name(top.get("zone_id"), boundaries)
            said.append(fact(sign, number, **about, place=place, before=int(top["before"]), after=int(top["after"])))
    exposure = result.params.get("exposure")
    if isinstance(exposure, tuple | list) and exposure[0] != exposure[1]:
        said.append(fact("unequal_periods", number, **about, before=exposure[0], after=exposure[1]))
    return said


def _density(result, about, number, boundaries) -> list[Fact]:
    cells = result.cells
    top = cells.loc[cells["intensity"].idxmax()]
    place = place_name(top.get("zone_id"), boundaries)
    return [fact("density", number, **about, place=place, intensity=top["intensity"])]


def _clusters(result, about, number, boundaries) -> list[Fact]:
    clusters = result.clusters
    if "p_value" in clusters and "expected" in clusters:
        return [_scan(result, about, number, boundaries)]
    total = len(result.members) if result.members is not None else int(clusters["count"].sum())
    if not len(clusters):
        return [fact("no_clusters", number, **about, total=total)]
    largest = clusters.sort_values("count", ascending=False).iloc[0]
    place = zone_at(largest.geometry.representative_point(), boundaries)
    held = int(clusters["count"].sum())
    numbers = {"n": len(clusters), "share": held / max(total, 1), "total": total, "count": int(largest["count"])}
    return [fact("clusters", number, **about, place=place, **numbers)]


def _scan(result, about, number, boundaries) -> Fact:
    found = result.clusters[result.clusters["p_value"] <= 0.05]
    tried = {"permutations": result.params.get("permutations")}
    if not len(found):
        return fact("no_scan", number, **about, level=0.05, **tried)
    top = found.sort_values("p_value", kind="stable").iloc[0]
    place = zone_at(top.geometry.representative_point(), boundaries)
    numbers = {"count": int(top["count"]), "expected": top["expected"], "p": top["p_value"]}
    return fact("scan", number, **about, n=len(found), place=place, level=0.05, **numbers, **tried)


def _near_repeat(result: NearRepeatResult, about, number) -> Fact:
    """The band with the highest ratio among those beyond chance; of the nearest band where there is none."""
    space, when = (list(map(float, result.params[k])) for k in ("space_breaks_m", "time_breaks_days"))
    q, ratio = result.q_value.to_numpy(float), result.ratio_mean.to_numpy(float)
    beyond = (q <= 0.05) & np.isfinite(ratio) & (ratio > 1)
    i, j = np.unravel_index(np.where(beyond, ratio, -1).argmax(), q.shape) if beyond.any() else (0, 0)
    edges = {"from_m": space[i], "to_m": space[i + 1], "from_days": when[j], "to_days": when[j + 1]}
    pairs = {"observed": int(result.observed.iloc[i, j]), "expected": result.expected_mean.iloc[i, j]}
    numbers = pairs | {"ratio": ratio[i, j], "p": result.p_value.iloc[i, j], "bands": int(beyond.sum())}
    kind = "repeats" if beyond.any() else "no_repeats"
    return fact(kind, number, **about, **edges, **numbers, permutations=result.params["permutations"], level=0.05)


def ranking_facts(number: int, about: dict, ranked: list[dict], runs: int | None) -> list[Fact]:
    """How firm the ranks are, where it was tried on other grids and other draws.

    Parameters
    ----------
    number : int
        The step's place in the list.
    about : dict
        `name, method`.
    ranked : list of dict
        The rows of the map's table.
    runs : int or None
        On how many grids and draws it was tried.
    """
    told = [row for row in ranked if row["values"].get("stability") is not None]
    if not told or not runs:
        return []
    firm = sum(row["values"]["stability"] >= FIRM for row in told)
    first = told[0]
    numbers = {"n": len(told), "firm": firm, "least": FIRM, "runs": runs, "share": first["values"]["stability"]}
    return [fact("stable", number, **about, place=first["name"] or "–", **numbers)]


def plan_facts(plan) -> list[Fact]:
    """What a patrol plan does and leaves undone."""
    if plan is None:
        return []
    there = int((plan.places["visits"] > 0).sum())
    numbers = {"routes": len(plan.routes), "visits": len(plan.stops), "there": there, "places": len(plan.places)}
    numbers |= {"unmet": len(plan.unmet), "share": plan.visited}
    return [fact("plan", **numbers)]
