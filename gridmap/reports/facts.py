"""What may be stated about a run, as data: a kind and its numbers; and the sentence that each kind makes.

A fact is a code with values until the last moment: `fact("cold", 1, name="Burglary", n=3)` is the text `fact.cold` of
the catalogue (`gridmap/messages`), filled when somebody reads it. So nothing is stated that the numbers do not carry,
and every language says the same because it is filled from the same fact. A kind that claims (`CLAIMS`) carries its
null, beyond what: a fact without it cannot be made, and where a test is not known to hold none is made. What the
numbers cannot carry is a fact too: dates known to the month only, too few incidents for a test, rows that were
rejected.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._intervals import fullest_window, ratio_interval
from gridmap.errors import InputError
from gridmap.governance.pipeline_results import AGENDA, Sentence
from gridmap.grids.base import Grid
from gridmap.hotspots.nulls import TRUSTED_INCIDENTS, null_of
from gridmap.hotspots.registry import what_it_draws
from gridmap.hotspots.result import GlobalResult, HotspotResult, NearRepeatResult, weight_of
from gridmap.hotspots.silence import QUIET
from gridmap.hotspots.stability import FIRM
from gridmap.messages import WEEKDAYS, Note, known, note_from, say
from gridmap.read.incident_table import Incidents

__all__ = [
    "CLAIMS",
    "LEAST_TIMED",
    "SMALLEST_P",
    "TIMES",
    "Fact",
    "all_facts",
    "fact",
    "method_name",
    "place_name",
    "ranking_facts",
    "result_facts",
    "run_facts",
    "sentences",
    "summary",
    "time_facts",
]

#: Fewer incidents with a known hour say nothing about hours.
LEAST_TIMED = 30
#: A smaller p is not printed as a number: permutations and approximations do not carry it.
SMALLEST_P = 0.001
#: Kinds that say that something is more, or is not more, than a null explains; each carries the null.
CLAIMS = frozenset(
    (
        *("hot", "none_hot", "concentrated", "concentrated_land", "strict", "none_strict", "cold", "moran", "change"),
        *(
            "scan",
            "no_scan",
            "chance",
            "no_chance",
            "repeats",
            "no_repeats",
            "emerging",
            "quiet",
            "none_quiet",
            "rates",
        ),
        *("risk", "since", "finding"),
    )
)


@dataclass(frozen=True)
class Fact:
    """One thing that may be stated.

    Attributes
    ----------
    kind : str
        Names the text, as in "hot" for `fact.hot`.
    values : mapping
        Numbers, and the names that stand beside them: places, the result's own name. Plain values, ready for JSON, or
        Notes, which are stated in the reader's language too.
    step : int or None
        Which entry under `hotspots:` it speaks of, from 1; None: the run as a whole.

    Raises
    ------
    InputError
        For a kind that claims without a value `null`, a Note of the catalogue's section `null`.
    """

    kind: str
    values: Mapping[str, Any] = field(default_factory=dict)
    step: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType({k: _plain(v) for k, v in self.values.items()}))
        if self.kind in CLAIMS and not _is_null(self.values.get("null")):
            raise InputError(Note("reports.claim_without_null", kind=self.kind))

    def say(self, language: str = "en") -> str:
        """The fact as a sentence; empty for a kind that this version does not know.

        Examples
        --------
        >>> cold = fact("cold", name="Burglary", n=1, null=Note("null.residents"))
        >>> cold.say()
        'Burglary: 1 cell holds less than the residents explain.'
        >>> cold.say("zh")
        'Burglary：1 个网格为显著冷点，案事件数低于常住人口所能解释的程度。'
        """
        note = self.note()
        return "" if note is None else note.say(language)

    def note(self) -> Note | None:
        """The fact as a note, to be stated in any language; None for a kind that this version does not know."""
        code = f"fact.{self.kind}"
        return Note(code, **_spoken(self.values)) if known(code) else None

    def to_dict(self) -> dict[str, Any]:
        """As `results/facts.json` holds it."""
        return {"kind": self.kind, "step": self.step, "values": {k: _json(v) for k, v in self.values.items()}}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Fact":
        """The way back from `to_dict`."""
        what_it_draws((entry.get("values") or {}).get("method"))  # a plug-in brings its words when it is loaded
        values = {k: note_from(v) for k, v in (entry.get("values") or {}).items()}
        kind = str(entry["kind"])
        if kind in CLAIMS and not _is_null(values.get("null")):  # of a version whose claims named no null: left out
            return cls(f"{kind}_without_null", values, entry.get("step"))
        return cls(kind, values, entry.get("step"))


def fact(kind: str, step: int | None = None, **values: Any) -> Fact:
    """A fact, written as it is read.

    Examples
    --------
    >>> fact("no_clusters", 1, name="Burglary", total=3).to_dict()
    {'kind': 'no_clusters', 'step': 1, 'values': {'name': 'Burglary', 'total': 3}}
    """
    return Fact(kind, values, step)


def _is_null(value: Any) -> bool:
    return isinstance(value, Note) and value.code.startswith("null.")


def _plain(value: Any) -> Any:
    """A value as JSON says it; numbers keep seven figures, more than any sentence shows."""
    if isinstance(value, str | bool | np.bool_) or value is None:
        return bool(value) if isinstance(value, np.bool_) else value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.7g}") if np.isfinite(value) else None
    if isinstance(value, Sequence | np.ndarray):
        return [_plain(v) for v in value]
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, list):
        return [_json(v) for v in value]
    return value.to_dict() if isinstance(value, Note) else value


def _spoken(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a fact with what a sentence makes of them: names, thresholds, weekdays, reasons."""
    spoken = dict(values)
    if "method" in values or "name" in values:
        name = values.get("name") or _title(values.get("method"))
        # no heading where all incidents are meant
        spoken |= {"name": name, "heading": Note("fact.heading", name=name) if name else ""}
    if "correction" in values:
        code = f"threshold.{values['correction']}"
        spoken["threshold"] = Note(code if known(code) else "threshold.fdr", level=values.get("level"))
    if (amount := values.get("total", values.get("count"))) is not None:
        weighed = "weight" in values
        code = "fact.amount_weight" if weighed else "fact.amount_incidents"
        spoken["amount"] = Note(code, n=amount, **({"weight": values["weight"]} if weighed else {}))
    taken = "beside" if values.get("beside") else "around" if values.get("around") else "alone"
    weight = {"weight": values["weight"]} if "weight" in values else {}
    spoken["taken"] = Note(f"fact.taken_{taken}{'_weight' if weight else ''}", **weight)
    if values.get("p") is not None:
        tiny = values["p"] < SMALLEST_P
        spoken["p_text"] = Note("fact.p_below" if tiny else "fact.p_is", p=SMALLEST_P if tiny else values["p"])
    if "percent" in values:
        spoken.setdefault("interval_note", Note("note.counting_error"))
    if {"before", "after"} & set(values):
        spoken = {"in_before": "", "in_after": "", **spoken}  # facts of an earlier version name no periods
    if "weekday" in values:
        spoken["weekday_text"] = Note(f"weekday.{WEEKDAYS[values['weekday']]}")
    if "reasons" in values:
        codes = [f"incomparable.{reason}" for reason in values["reasons"]]
        spoken["reasons_text"] = [Note(c) if known(c) else c.partition(".")[2] for c in codes]
    return spoken


def _title(method: str | None) -> str:
    code = f"method.{method}.name"
    return Note(code) if known(code) else str(method or "").replace("_", " ")


def sentences(facts: Iterable[Fact], language: str = "en") -> list[str]:
    """All facts as sentences, in their order."""
    return [statements for one in facts if (statements := one.say(language))]


def method_name(method: str | None, language: str) -> str:
    """What the map calls a method's layer."""
    return say(_title(method), language)


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
    gathered = run_facts(boundaries, incidents, grid, rows=rows, outside=outside)
    for number, (step, result) in enumerate(results, start=1):
        gathered += result_facts(step, result, number, boundaries)
        if number <= len(ranked):
            runs = getattr(result, "params", {}).get("stability_runs")
            gathered += ranking_facts(number, {"name": step.name, "method": step.method}, ranked[number - 1], runs)
    return gathered + plan_facts(plan)


def summary(results, boundaries, incidents, grid, *, rows: int, language: str = "en", **more) -> list[str]:
    """Plain sentences about what was found: `all_facts`, as sentences of a language."""
    return sentences(all_facts(results, boundaries, incidents, grid, rows=rows, **more), language)


#: Reasons to set a row aside that stands for no incident, so that its place is not missing.
NO_INCIDENT = ("totals_row", "repeated_header", "empty_row")


def run_facts(
    boundaries: gpd.GeoDataFrame, incidents: Incidents, grid: Grid, *, rows: int, outside: int | None = None
) -> list[Fact]:
    """The size of the sample, and what the sample cannot tell.

    Parameters
    ----------
    boundaries, incidents, grid
        What the run worked on.
    rows : int
        Rows that were read, those set aside included; the incidents may be only some of them.
    outside : int, optional
        Incidents that fell in no cell.
    """
    if incidents.source.get("audience") == "public":  # drawn anew: these are not the rows of the file
        return [fact("sample_public", used=len(incidents), cells=len(grid))]
    twice = int((incidents.set_aside["reason"] == "counted_before").sum()) if len(incidents.set_aside) else 0
    aside, rows = len(incidents.set_aside) - twice, rows - twice
    sums = int(incidents.set_aside["reason"].isin(NO_INCIDENT).sum()) if len(incidents.set_aside) else 0
    statements = [
        fact(
            "sample",
            rows=rows,
            aside=aside,
            located=1 - (aside - sums) / max(rows - sums, 1),
            used=len(incidents),
            zones=len(boundaries),
            cells=len(grid),
        )
    ]
    if twice:
        statements.append(fact("counted_once", n=twice))
    if sums:
        statements.append(fact("no_incident", n=sums))
    if outside:
        statements.append(fact("outside", n=outside, used=len(incidents)))
    vague = int(_longer_than_a_day(incidents).sum())
    if vague:
        statements.append(fact("vague_times", n=vague, used=len(incidents)))
    return statements


def _longer_than_a_day(incidents: Incidents) -> np.ndarray:
    """Which incidents are dated no better than to some days: a month, or a holiday between two visits."""
    table = incidents.arrow(["occurred_from", "occurred_to"]).to_pandas()
    length = (table["occurred_to"] - table["occurred_from"]).to_numpy()
    return np.isnat(length) | (length > np.timedelta64(1, "D"))


#: The fact about hours and weekdays: by whether the hours, and whether the weekday, are more than chance.
TIMES = {
    (True, True): "peak_hours",
    (True, False): "peak_hours_alone",
    (False, True): "peak_weekday",
    (False, False): "no_peak_hours",
}

#: Up to this p the busiest hours or weekday are more than if all were alike.
TIME_LEVEL = 0.05


def concentration_facts(count: pd.Series, about: Mapping[str, Any], step: int) -> list[Fact]:
    """The fewest cells that hold half of the incidents; nothing where there are none."""
    total = float(count.sum())
    if total <= 0:
        return []
    held = np.sort(count.to_numpy(float))[::-1].cumsum()
    n = int(np.searchsorted(held, total / 2)) + 1
    return [fact("half", step, **about, n=n, cells=len(count), share=n / len(count), total=int(total))]


def time_facts(
    week: pd.DataFrame | None, name: str | None = None, step: int | None = None, *, days: Sequence[int] | None = None
) -> list[Fact]:
    """The three busiest hours of the day and the busiest weekday, where enough incidents have an hour; which of them
    hold more than if all hours and all days were alike is part of the fact.

    Parameters
    ----------
    week : DataFrame (7 × 24) or None
        As `hour_of_week` gives it.
    days : seven numbers, optional
        How many Mondays, Tuesdays … the time spans; as many of each where it is left out.
    """
    if week is None or week.to_numpy().sum() < LEAST_TIMED:
        return []
    table = week.to_numpy(float)
    start, share, by_hour = fullest_window(table.sum(axis=0), 3)
    by_day = table.sum(axis=1)
    _, _, by_weekday = fullest_window(by_day, exposure=days)
    weekday, timed = int(by_day.argmax()), float(by_day.sum())
    kind = TIMES[by_hour <= TIME_LEVEL, by_weekday <= TIME_LEVEL]
    values = {"timed": round(timed), "start": start, "end": (start + 3) % 24, "share": share}
    values |= {"weekday": weekday, "weekday_share": by_day[weekday] / timed}
    values |= {"p_hours": by_hour, "p_weekday": by_weekday}
    return [fact(kind, step, name=name, **values)]


def result_facts(step: Any, result: Any, number: int, boundaries: gpd.GeoDataFrame) -> list[Fact]:
    """What may be stated of one result.

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
    null = null_of(result) if hasattr(result, "params") and hasattr(result, "method") else None
    about |= {} if null is None else {"null": null}
    weight = weight_of(result.params) if isinstance(result, HotspotResult) else None
    about |= {} if weight is None else {"weight": weight}
    if isinstance(result, GlobalResult):
        if null is None:
            return [fact("no_claim", number, **about)]
        kind = "chance" if result.p_value > 0.05 else "no_chance"
        numbers = {"statistic": result.statistic, "expected": result.expected, "p": result.p_value}
        return [fact(kind, number, **about, **numbers)]
    if isinstance(result, NearRepeatResult):
        return [_near_repeat(result, about, number)]
    if isinstance(result, pd.DataFrame):
        return time_facts(result, step.name, number) if result.shape == (7, 24) else []
    if isinstance(result, AGENDA):
        return [_governed(sentence, number) for sentence in result.sentences()]
    if not isinstance(result, HotspotResult):
        return []
    statements: list[Fact] = []
    cells, method = result.cells, what_it_draws(result.method)
    family = method.facts if method is not None else ""
    if callable(family):  # a plug-in with facts of its own
        return [fact(kind, number, **{**about, **values}) for kind, values in family(result)]
    if result.method == "forecast":
        return [
            fact(note.code.removeprefix("fact."), number, **about, **note.values)
            for note in result.notes
            if isinstance(note, Note)
        ]
    if null is None and "label" in cells:
        return _no_claim(result, about, number)
    if {"before", "after"} <= set(cells):
        statements += _change(result, about, number, boundaries)
    elif "label" in cells and family in _OF_LABELS:
        statements += _OF_LABELS[family](result, about, number, boundaries)
    elif "label" in cells and "count" in cells:
        statements += _hot(result, about, number, boundaries)
    elif "intensity" in cells and len(cells):
        statements += _density(result, about, number, boundaries)
    if result.clusters is not None:
        statements += _clusters(result, about, number, boundaries)
    return statements


def _governed(sentence: Sentence, number: int) -> Fact:
    """A sentence of `gridmap.governance`: a finding with what it is beyond, or a plain statement."""
    if sentence.null is None:
        return fact("statement", number, note=sentence.note)
    return fact("finding", number, note=sentence.note, null=sentence.null)


def _threshold(result: HotspotResult) -> dict:
    level = result.params.get("fdr")
    corrected = "q_value" in result.cells and level is not None
    how = str(result.params.get("correction") or "fdr") if corrected else "none"
    return {"level": 0.05 if level is None else level, "correction": how}


def _significant(cells: pd.DataFrame, sign: str, level: float | None) -> pd.Series:
    """Cells labelled with `sign` ("hot", "up", …) at the run's level."""
    least = 100 - round(100 * (0.05 if level is None else level))
    strength = cells["label"].astype(str).str.extract(rf"^{sign} (\d+)$")[0].astype(float)
    return strength >= least


def _no_claim(result, about, number) -> list[Fact]:
    """What may be stated of a map whose test is not known to hold: how uneven it is, and that it claims nothing."""
    few = _few_expected(result)
    statements = [
        fact("no_claim", number, **about)
        if few is None
        else fact("few_expected", number, **about, expected=few, limit=TRUSTED_INCIDENTS)
    ]
    return statements + (concentration_facts(result.cells["count"], about, number) if "count" in result.cells else [])


def _concentrated(result, about, number) -> list[Fact]:
    """Where incidents lie, before any cause is looked for: more than if all land were alike."""
    cells = result.cells
    found = cells["concentrated"].to_numpy(bool)
    if not found.any():
        return []
    about = {**about, "null": Note("null.land"), **_threshold(result)}
    area = cells["area_m2"] * cells["share_inside"] if "share_inside" in cells else cells["area_m2"]
    total = int(cells["count"].sum())
    numbers = {"n": int(found.sum()), "total": total, "share": cells.loc[found, "count"].sum() / max(total, 1)}
    numbers["area"] = area[found].sum() / area.sum()
    if result.params["null"] != "residents":
        return [fact("concentrated_land", number, **about, **numbers)]
    residents = cells.loc[found, "expected"].sum() / cells["expected"].sum()
    return [fact("concentrated", number, **about, **numbers, residents=residents)]


def _strict(result, about, number) -> list[Fact]:
    """How many of the hot cells can be distinguished from ordinary differences between cells."""
    if any(getattr(note, "code", None) == "hotspots.strict_silent" for note in result.notes):
        return [fact("strict_silent", number, **about)]
    n = int(result.cells["strict"].sum())
    about = {**about, "null": Note("null.ordinary"), **_threshold(result)}
    return [fact("strict", number, **about, n=n) if n else fact("none_strict", number, **about)]


def _hot(result, about, number, boundaries) -> list[Fact]:
    cells, level = result.cells, result.params.get("fdr")
    if "order" in result.params:  # what is tested is the sum of a cell and its neighbours, or theirs alone (Gi)
        about = {**about, "around" if result.params.get("star", True) else "beside": True}
    hot, cold = (_significant(cells, sign, level) for sign in ("hot", "cold"))
    total, threshold = int(cells["count"].sum()), _threshold(result)
    statements = (
        _concentrated(result, about, number) if about["null"].code != "null.land" and "concentrated" in cells else []
    )
    if hot.any():
        area = cells.loc[hot, "area_m2"].sum() / cells["area_m2"].sum() if "area_m2" in cells else hot.mean()
        share = cells.loc[hot, "count"].sum() / max(total, 1)
        facts = {"n": int(hot.sum()), "cells": len(cells), "share": share, "total": total, "area": area}
        statements.append(fact("hot", number, **about, **facts, **threshold))
        top = cells.loc[cells.loc[hot, "count"].idxmax()]
        place = place_name(top.get("zone_id"), boundaries)
        ratio = top["count"] / cells["count"].mean()
        statements.append(fact("busiest", number, **about, place=place, count=int(top["count"]), ratio=ratio))
        statements += (
            _strict(result, about, number) if "strict" in cells and about["null"].code != "null.ordinary" else []
        )
    else:
        statements.append(fact("none_hot", number, **about, cells=len(cells), total=total, **threshold))
    if cold.any():
        statements.append(fact("cold", number, **about, n=int(cold.sum())))
    return statements + concentration_facts(cells["count"], about, number)


def _few_expected(result: HotspotResult) -> float | None:
    """Incidents expected in a cell and its neighbours, where the method itself noted that they are too few."""
    notes = (note for note in result.notes if isinstance(note, Note) and note.code == "note.few_expected")
    return next((note.values["expected"] for note in notes), None)


def _moran(result, about, number, boundaries) -> list[Fact]:
    label = result.cells["label"].astype(str)
    kinds = {"high_high": "high-high", "low_low": "low-low", "high_low": "high-low", "low_high": "low-high"}
    numbers = {key: int((label == value).sum()) for key, value in kinds.items()}
    statements = [fact("moran", number, **about, **numbers, cells=len(label), **_threshold(result))]
    if "count" in result.cells:
        statements += concentration_facts(result.cells["count"], about, number)
    return statements


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
    statements = [fact("rates", number, **about, **numbers, **_threshold(result))]
    judged = cells[~cells["small_number"].astype(bool)] if "small_number" in cells else cells
    if judged["rate"].notna().any():
        top = judged.loc[judged["rate"].idxmax()]
        interval = {"rate": top["rate"], "low": top["rate_low"], "high": top["rate_high"]}
        place = place_name(top.get("zone_id"), boundaries)
        confidence = {"confidence": result.params["confidence"], "per": result.params["per"]}
        statements.append(
            fact("highest_rate", number, **about, place=place, count=int(top["count"]), **interval, **confidence)
        )
    return statements


def _risk(result, about, number, boundaries) -> list[Fact]:
    label = result.cells["label"].astype(str)
    high, low = (int(label.str.startswith(sign).sum()) for sign in ("hot", "cold"))
    return [fact("risk", number, **about, high=high, low=low, cells=len(label))]


#: Families of facts (`gridmap.hotspots.registry`) of labels that mean something of their own.
_OF_LABELS = {
    "moran": _moran,
    "emerging": _emerging,
    "quiet": _quiet,
    "rates": _rates,
    "risk": _risk,
}


def _dates_of(result, side: str) -> Note | str:
    """The periods before or after, in brackets; nothing where the result does not name them."""
    periods = result.params.get(side)
    if isinstance(periods, str):
        periods = [periods]
    if not periods:
        return ""
    return Note("note.dates", dates=str(periods[0]) if len(periods) == 1 else f"{periods[0]} – {periods[-1]}")


def _change(result, about, number, boundaries) -> list[Fact]:
    cells, level = result.cells, result.params.get("fdr")
    before, after = int(cells["before"].sum()), int(cells["after"].sum())
    dated = {f"in_{side}": _dates_of(result, side) for side in ("before", "after")}
    if not before:
        return [fact("change_from_nothing", number, **about, after=after, **dated)]
    up, down = (_significant(cells, sign, level) for sign in ("up", "down"))
    low, high = (result.params.get(f"total_ratio_{end}") for end in ("low", "high"))
    if low is None or high is None:
        both = ratio_interval(np.array([after]), np.array([before + after]), np.array([0.5]))
        low, high = (float(bound[0]) for bound in both)
    low, high = low - 1, high - 1
    factor = result.params.get("extra_variation")
    note = Note("note.counting_error") if factor is None else Note("note.with_extra_variation", factor=factor)
    numbers = {"before": before, "after": after, "percent": after / before - 1, "interval_note": note}
    numbers |= {"low": low, "high": high, "confidence": 0.95}
    numbers |= {"up": int(up.sum()), "down": int(down.sum()), **dated}
    statements = [fact("change", number, **about, **numbers, **_threshold(result))]
    for sign, found in (("most_up", up), ("most_down", down)):
        if found.any():
            moved = cells.loc[found, "difference"]
            top = cells.loc[moved.idxmax() if sign == "most_up" else moved.idxmin()]
            place = place_name(top.get("zone_id"), boundaries)
            statements.append(
                fact(sign, number, **about, place=place, before=int(top["before"]), after=int(top["after"]), **dated)
            )
    exposure = result.params.get("exposure")
    if isinstance(exposure, tuple | list) and exposure[0] != exposure[1]:
        statements.append(fact("unequal_periods", number, **about, before=exposure[0], after=exposure[1]))
    return statements


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
    at = np.unravel_index(np.where(beyond, ratio, -1).argmax(), q.shape) if beyond.any() else (0, 0)
    i, j = map(int, at)
    edges = {"from_m": space[i], "to_m": space[i + 1], "from_days": when[j], "to_days": when[j + 1]}
    pairs = {"observed": int(result.observed.to_numpy()[i, j]), "expected": result.expected_mean.iloc[i, j]}
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
    gathered = [row for row in ranked if row["values"].get("stability") is not None]
    if not gathered or not runs:
        return []
    firm = sum(row["values"]["stability"] >= FIRM for row in gathered)
    first = gathered[0]
    numbers = {"n": len(gathered), "firm": firm, "least": FIRM, "runs": runs, "share": first["values"]["stability"]}
    return [fact("stable", number, **about, place=first["name"] or "–", **numbers)]


def plan_facts(plan) -> list[Fact]:
    """What a patrol plan does and leaves undone."""
    if plan is None:
        return []
    there = int((plan.places["visits"] > 0).sum())
    numbers = {"routes": len(plan.routes), "visits": len(plan.stops), "there": there, "places": len(plan.places)}
    numbers |= {"unmet": len(plan.unmet), "share": plan.visited}
    return [fact("plan", **numbers)]


def place_name(zone_id: Any, boundaries: gpd.GeoDataFrame) -> str:
    """A zone's name, or its id where it has none."""
    match = boundaries.loc[boundaries["zone_id"] == zone_id]
    if not len(match):
        return str(zone_id) if zone_id is not None and not pd.isna(zone_id) else "–"
    name = match["name"].iloc[0] if "name" in match else None
    return str(name) if isinstance(name, str) and name else str(zone_id)


def zone_at(point, boundaries: gpd.GeoDataFrame) -> str:
    """The name of the zone that a point lies in; "–" outside of all."""
    inside = boundaries.index[boundaries.contains(point)]
    return place_name(boundaries.loc[inside[0], "zone_id"] if len(inside) else None, boundaries)
