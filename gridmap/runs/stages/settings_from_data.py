"""What a pipeline leaves to the data: `period: last week` becomes dates, `each: category` a step for each kind."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from gridmap._periods import relative_period
from gridmap.errors import InputError
from gridmap.hotspots.cell_vectors import LEAST_INCIDENTS
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.runs.config import HotspotStep, Pipeline

__all__ = ["LEAST_OF_A_KIND", "newest_day", "step_for_each", "with_dates"]

#: A kind with fewer incidents has no map of its own under `each: category`: no test would take them.
LEAST_OF_A_KIND = LEAST_INCIDENTS
#: So many kinds have one at most, the most frequent ones.
MOST_KINDS = 12
#: Options of methods that name a period.
PERIODS = ("before", "after", "period")


def newest_day(incidents: Incidents) -> pd.Timestamp | None:
    """The last day on which an incident began; None where none has a time."""
    times = incidents.arrow(["occurred_from"]).to_pandas()["occurred_from"].dropna()
    return times.max().normalize() if len(times) else None


def with_dates(
    pipeline: Pipeline, incidents: Incidents
) -> tuple[dict[str, Any], tuple[HotspotStep, ...], list[dict[str, str]]]:
    """Filters and steps with dates for words such as "last week", and what each word came to.

    Parameters
    ----------
    pipeline : Pipeline
    incidents : Incidents
        All that was read: its newest day is the day that words refer to, unless the pipeline says `as_of`.

    Returns
    -------
    filters : dict
        Those of `incidents:`.
    steps : tuple of HotspotStep
    dates : list of dict
        `period, dates, as_of` for `run.json`.

    Raises
    ------
    InputError
        If a word refers to a day and no incident has a time.
    """
    stated: dict[str, dict[str, str]] = {}
    day: pd.Timestamp | None = None

    def dated(text: Any) -> Any:
        nonlocal day
        if not isinstance(text, str) or relative_period(text, pd.Timestamp("2000-01-01")) is None:
            return text
        if day is None:
            day = pd.Timestamp(pipeline.as_of) if pipeline.as_of is not None else newest_day(incidents)
        if day is None:
            raise InputError(Note("runs.no_day_for_period", period=text))
        dates = relative_period(text, day)
        stated[text] = {"period": text, "dates": str(dates), "as_of": str(day.date())}
        return dates

    filters = {key: dated(value) if key == "period" else value for key, value in pipeline.incidents.filters.items()}
    steps = tuple(_dated_step(step, dated) for step in pipeline.hotspots)
    return filters, steps, list(stated.values())


def _dated_step(step: HotspotStep, dated: Any) -> HotspotStep:
    settings = {name: dated(value) if name in PERIODS else value for name, value in step.settings.items()}
    return step.model_copy(update={"period": dated(step.period), "settings": settings})


def step_for_each(
    steps: Sequence[HotspotStep], incidents: Incidents, *, named_only: bool = False
) -> tuple[tuple[HotspotStep, ...], list[Note]]:
    """The steps, those with `each: category` once for each kind, the most frequent first.

    Parameters
    ----------
    steps : sequence of HotspotStep
    incidents : Incidents
        Whose kinds are counted.
    named_only : bool
        Only those whose kinds the pipeline names; the others are left as they are.

    Returns
    -------
    steps : tuple of HotspotStep
    notes : list of Note
        Kinds that have too few incidents, or are beyond the twelve most frequent.
    """
    made: list[HotspotStep] = []
    notes: list[Note] = []
    for step in steps:
        if step.each is None or (named_only and step.category is None):
            made.append(step)
            continue
        kinds, left = _kinds(step, incidents)
        if left:
            notes.append(Note("runs.kinds_left_out", n=len(left), least=LEAST_OF_A_KIND, kinds=left[:6]))
        for kind in kinds:
            name = kind if step.name is None else f"{step.name}: {kind}"
            made.append(step.model_copy(update={"category": kind, "name": name, "each": None}))
    return tuple(made), notes


def _kinds(step: HotspotStep, incidents: Incidents) -> tuple[list[str], list[str]]:
    if isinstance(step.category, str):
        return [step.category], []
    at = incidents.where(**{k: v for k, v in step.of_whom.items() if k != "category"}, period=step.period)
    counts: Mapping[str, int] = at.arrow(["category"]).to_pandas()["category"].value_counts().to_dict()
    if step.category is not None:
        return list(step.category), []
    frequent = [kind for kind, n in counts.items() if n >= LEAST_OF_A_KIND][:MOST_KINDS]
    if not frequent:
        raise InputError(Note("runs.no_frequent_kind", least=LEAST_OF_A_KIND))
    return frequent, [kind for kind in counts if kind not in frequent]
