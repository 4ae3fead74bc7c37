"""The results in sentences that a meeting could read out.

Sentences come from templates over facts; nothing is said that the numbers do not carry. A sentence about chance
is written only where a test was run, and it names the test's threshold.
"""

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap.grids.base import Grid
from gridmap.hotspots.result import GlobalResult, HotspotResult
from gridmap.maps.words import LANGUAGES, WORDS
from gridmap.read.base import Incidents

__all__ = ["summary"]

SENTENCES = {
    "en": {
        "sample": "{rows:,} rows were read and {aside:,} set aside ({located:.1%} located); "
        "{used:,} incidents of the kind and time asked for were used, over {zones:,} zones in {cells:,} cells.",
        "hot": "{name}: {n:,} of {cells:,} cells are hot beyond chance ({threshold}); "
        "they hold {share:.0%} of {total:,} incidents on {area:.1%} of the area.",
        "none_hot": "{name}: no cell of {cells:,} is hot beyond chance ({threshold}).",
        "cold": "{name}: {n:,} cells are cold beyond chance.",
        "busiest": "The busiest of them is in {place}: {count:,} incidents, {ratio:.1f} times the average cell.",
        "change": "{name}: {before:,} incidents before, {after:,} after ({percent:+.0%}); "
        "{up:,} cells rose and {down:,} fell beyond chance ({threshold}).",
        "change_from_nothing": "{name}: none before, {after:,} after.",
        "clusters": "{name}: {n:,} clusters hold {share:.0%} of {total:,} incidents; "
        "the largest, in {place}, has {count:,}.",
        "no_clusters": "{name}: no cluster among {total:,} incidents.",
        "chance": "{name}: {statistic:.3f} where {expected:.3f} is expected ({p}): "
        "no pattern over the whole territory that chance could not make.",
        "no_chance": "{name}: {statistic:.3f} where {expected:.3f} is expected ({p}): "
        "the whole territory shows a pattern beyond chance.",
        "q": "false discovery rate {level:.0%}",
        "p": "p ≤ {level:.0%}, not corrected for the number of cells",
    },
    "zh": {
        "sample": "共读取 {rows:,} 行，其中 {aside:,} 行未采用（定位率 {located:.1%}）；"
        "符合所选类别与时段的 {used:,} 起事件用于分析，{zones:,} 个区域划为 {cells:,} 个单元。",
        "hot": "{name}：{cells:,} 个单元中有 {n:,} 个为显著热点（{threshold}）；"
        "占面积 {area:.1%}，集中了 {total:,} 起事件的 {share:.0%}。",
        "none_hot": "{name}：{cells:,} 个单元中未发现显著热点（{threshold}）。",
        "cold": "{name}：{n:,} 个单元为显著冷点。",
        "busiest": "其中事件最多的单元位于 {place}：{count:,} 起，为单元平均值的 {ratio:.1f} 倍。",
        "change": "{name}：前期 {before:,} 起，本期 {after:,} 起（{percent:+.0%}）；"
        "{up:,} 个单元显著上升，{down:,} 个显著下降（{threshold}）。",
        "change_from_nothing": "{name}：前期无，本期 {after:,} 起。",
        "clusters": "{name}：{n:,} 个聚集区包含 {total:,} 起事件的 {share:.0%}；最大的位于 {place}，有 {count:,} 起。",
        "no_clusters": "{name}：{total:,} 起事件未形成聚集区。",
        "chance": "{name}：{statistic:.3f}，期望值 {expected:.3f}（{p}）：全域格局未超出偶然。",
        "no_chance": "{name}：{statistic:.3f}，期望值 {expected:.3f}（{p}）：全域格局超出偶然。",
        "q": "错误发现率 {level:.0%}",
        "p": "p ≤ {level:.0%}，未作多重检验校正",
    },
}


def summary(
    results: Sequence[tuple[Any, HotspotResult]],
    boundaries: gpd.GeoDataFrame,
    incidents: Incidents,
    grid: Grid,
    *,
    rows: int,
    language: str = "en",
) -> list[str]:
    """Plain sentences about what was found.

    Parameters
    ----------
    results : list of (step, HotspotResult)
        `step` has `.name`, the heading of the result, and `.method`.
    boundaries : GeoDataFrame
        For the names of places.
    incidents, grid
        For the size of the sample.
    rows : int
        Rows that were read, those set aside included; the incidents may be only some of them.
    language : {"en", "zh"}

    Returns
    -------
    list of str
    """
    words = SENTENCES[language]
    aside = len(incidents.set_aside)
    sizes = {"rows": rows, "aside": aside, "used": len(incidents), "cells": len(grid), "zones": len(boundaries)}
    said = [words["sample"].format(**sizes, located=1 - aside / max(rows, 1))]
    for step, result in results:
        name = step.name or _method_name(step.method, language)
        if isinstance(result, GlobalResult):
            said.append(_global(words, name, result))
        if not isinstance(result, HotspotResult):
            continue
        if {"before", "after"} <= set(result.cells):
            said.append(_change(words, name, result))
        elif "label" in result.cells and "count" in result.cells:
            said.extend(_hot(words, name, result, boundaries))
        if result.members is not None:
            said.append(_clusters(words, name, result, boundaries))
    return said


def _method_name(method: str, language: str) -> str:
    """What the map calls the method's layer."""
    names = WORDS.get(f"layer {method}")
    return method.replace("_", " ") if names is None else names[LANGUAGES.index(language)]


def _global(words: dict, name: str, result: GlobalResult) -> str:
    key = "chance" if result.p_value > 0.05 else "no_chance"
    p = "p < 0.001" if result.p_value < 0.001 else f"p = {result.p_value:.3f}"
    return words[key].format(name=name, statistic=result.statistic, expected=result.expected, p=p)


def _threshold(words: dict, result: HotspotResult) -> str:
    level = result.params.get("fdr")
    corrected = "q_value" in result.cells and level is not None
    return words["q" if corrected else "p"].format(level=level if level is not None else 0.05)


def _significant(cells: pd.DataFrame, sign: str, level: float | None) -> pd.Series:
    """Cells labelled with `sign` ("hot", "up", …) at the level that was asked for."""
    least = 100 - round(100 * (0.05 if level is None else level))
    strength = cells["label"].str.extract(rf"^{sign} (\d+)$")[0].astype(float)
    return strength >= least


def _hot(words: dict, name: str, result: HotspotResult, boundaries: gpd.GeoDataFrame) -> list[str]:
    cells, level = result.cells, result.params.get("fdr")
    hot, cold = (_significant(cells, sign, level) for sign in ("hot", "cold"))
    threshold = _threshold(words, result)
    if not hot.any():
        return [words["none_hot"].format(name=name, cells=len(cells), threshold=threshold)]
    total = int(cells["count"].sum())
    area = cells.loc[hot, "area_m2"].sum() / cells["area_m2"].sum() if "area_m2" in cells else hot.mean()
    share = cells.loc[hot, "count"].sum() / total
    facts = {"name": name, "n": int(hot.sum()), "cells": len(cells), "threshold": threshold}
    said = [words["hot"].format(**facts, share=share, total=total, area=area)]
    top = cells.loc[cells.loc[hot, "count"].idxmax()]
    place = place_name(top.get("zone_id"), boundaries)
    said.append(
        words["busiest"].format(place=place, count=int(top["count"]), ratio=top["count"] / cells["count"].mean())
    )
    if cold.any():
        said.append(words["cold"].format(name=name, n=int(cold.sum())))
    return said


def _change(words: dict, name: str, result: HotspotResult) -> str:
    cells, level = result.cells, result.params.get("fdr")
    before, after = int(cells["before"].sum()), int(cells["after"].sum())
    if not before:
        return words["change_from_nothing"].format(name=name, after=after)
    up, down = (int(_significant(cells, sign, level).sum()) for sign in ("up", "down"))
    facts = {"before": before, "after": after, "percent": after / before - 1, "up": up, "down": down}
    return words["change"].format(name=name, threshold=_threshold(words, result), **facts)


def _clusters(words: dict, name: str, result: HotspotResult, boundaries: gpd.GeoDataFrame) -> str:
    total = len(result.members)
    if result.clusters is None or not len(result.clusters):
        return words["no_clusters"].format(name=name, total=total)
    largest = result.clusters.sort_values("count", ascending=False).iloc[0]
    centre = largest.geometry.representative_point()
    inside = boundaries.index[boundaries.contains(centre)]
    zone = boundaries.loc[inside[0], "zone_id"] if len(inside) else None
    share = (result.members["cluster_id"] >= 0).mean()
    facts = {"n": len(result.clusters), "share": share, "total": total, "count": int(largest["count"])}
    return words["clusters"].format(name=name, place=place_name(zone, boundaries), **facts)


def place_name(zone_id: Any, boundaries: gpd.GeoDataFrame) -> str:
    """A zone's name, or its id where it has none."""
    match = boundaries.loc[boundaries["zone_id"] == zone_id]
    if not len(match):
        return str(zone_id) if zone_id is not None else "–"
    name = match["name"].iloc[0] if "name" in match else None
    return str(name) if isinstance(name, str) and name else str(zone_id)
