"""The questions of a meeting, and the steps of a pipeline that answer each.

A question says which steps answer it, and why these data cannot where they cannot. A step of a pipeline belongs to a
question by its method, so a pipeline that was edited by hand is still read back as the questions it answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gridmap.messages import Note

__all__ = [
    "FEWEST_INCIDENTS",
    "QUESTIONS",
    "Facts",
    "Question",
    "facts_of",
    "kind_of",
    "of_kind",
    "questions_in",
    "with_questions",
]

#: Below this no map says more than a list would.
FEWEST_INCIDENTS = 30
#: Past periods that a forecast is tried on, and that a cell's history takes.
FORECAST_WEEKS, HISTORY_PERIODS = 24, 10


@dataclass(frozen=True)
class Facts:
    """What the inspections say of the data, as far as a question depends on it.

    Attributes
    ----------
    months : tuple of str
        Those with incidents, first to last, as 2018-07.
    kinds : tuple of str
        The most frequent first.
    hours : bool
        Whether times of day are known.
    people : str or None
        The column of residents in the boundaries.
    methods : frozenset of str
        Those of this gridmap.
    register : str or None
        The file of named areas, as a pipeline names it.
    handling : mapping or None
        The `columns:` of `case_life:`, where the incidents tell when each was closed.
    """

    incidents: int
    months: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    hours: bool = False
    people: str | None = None
    methods: frozenset[str] = frozenset()
    register: str | None = None
    handling: Mapping[str, str] | None = None

    def compared(self) -> tuple[str, str] | None:
        """The last month, and the same month of the year before it, else the month before it."""
        if len(self.months) < 2:
            return None
        last = self.months[-1]
        year_before = f"{int(last[:4]) - 1}{last[4:]}"
        if year_before in self.months:
            return year_before, last
        return (self.months[-2], last) if _months_between(self.months[-2], last) == 1 else None

    def gaps(self) -> int:
        """Months without an incident between the first and the last."""
        if not self.months:
            return 0
        return _months_between(self.months[0], self.months[-1]) + 1 - len(self.months)


def _months_between(first: str, last: str) -> int:
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])


def facts_of(
    incidents: Sequence[Mapping[str, Any]],
    zones: Mapping[str, Any] | None,
    methods: Sequence[str],
    register: str | None = None,
) -> Facts:
    """From what inspections found to what questions depend on."""
    months: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for found in incidents:
        for month, n in found.get("months", {}).items():
            months[month] = months.get(month, 0) + n
        for kind, n in found.get("categories", {}).items():
            kinds[kind] = kinds.get(kind, 0) + n
    return Facts(
        incidents=sum(found.get("used", 0) for found in incidents),
        months=tuple(sorted(months)),
        kinds=tuple(sorted(kinds, key=lambda kind: -kinds[kind])),
        hours=any(found.get("hours") for found in incidents),
        people=(zones or {}).get("people"),
        methods=frozenset(methods),
        register=register,
        handling=next((found["handling"] for found in incidents if found.get("handling") is not None), None),
    )


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes
    ----------
    code : str
        `desk.q_<code>` is the question, `desk.q_<code>_how` what is done.
    methods : tuple of str
        The methods whose steps answer it.
    steps : callable
        Facts → entries of `hotspots:`.
    why_not : callable
        Facts → a note where these data cannot answer it, else None.
    stage : str or None
        A stage of its own instead, as in "forecasts"; its settings are those of `STAGES`.
    """

    code: str
    methods: tuple[str, ...]
    steps: Callable[[Facts], list[dict[str, Any]]]
    why_not: Callable[[Facts], Note | None]
    stage: str | None = None

    def refused(self, facts: Facts) -> Note | None:
        """Why it cannot be answered; None where it can."""
        if facts.incidents < FEWEST_INCIDENTS:
            return Note("desk.why_few", n=facts.incidents, least=FEWEST_INCIDENTS)
        lacking = [method for method in self.methods if method not in facts.methods]
        return Note("desk.why_no_method") if lacking else self.why_not(facts)


def _always(facts: Facts) -> Note | None:
    return None


def _two_months(facts: Facts) -> Note | None:
    return None if facts.compared() else Note("desk.why_one_period")


def _history(facts: Facts) -> Note | None:
    if facts.gaps():
        return Note("desk.why_gaps", n=facts.gaps())
    n = len(facts.months)
    return None if n >= HISTORY_PERIODS else Note("desk.why_short", n=n, least=HISTORY_PERIODS)


def _forecast(facts: Facts) -> Note | None:
    if facts.gaps():
        return Note("desk.why_gaps", n=facts.gaps())
    weeks = int(len(facts.months) * 4.35)
    return None if weeks >= FORECAST_WEEKS else Note("desk.why_short_weeks", n=weeks, least=FORECAST_WEEKS)


def _hours(facts: Facts) -> Note | None:
    return None if facts.hours else Note("desk.why_no_hours")


def _two_kinds(facts: Facts) -> Note | None:
    return None if len(facts.kinds) >= 2 else Note("desk.why_one_kind")


def _people(facts: Facts) -> Note | None:
    return None if facts.people else Note("desk.why_no_people")


def _named(facts: Facts) -> Note | None:
    return None if facts.register or facts.compared() else Note("desk.why_no_register")


def _cases(facts: Facts) -> Note | None:
    return None if facts.handling is not None else Note("desk.why_no_closing")


def _changed(facts: Facts) -> list[dict[str, Any]]:
    before, after = facts.compared() or ("", "")
    return [{"compare_periods": {"before": before, "after": after}}]


def _together(facts: Facts) -> list[dict[str, Any]]:
    return [{"relative_risk": {"at_risk": facts.kinds[1], "bandwidth_m": "rule-of-thumb"}, "category": facts.kinds[0]}]


def _nothing(facts: Facts) -> list[dict[str, Any]]:
    return []


QUESTIONS: tuple[Question, ...] = (
    Question("where", ("hotspot_test",), lambda f: [{"hotspot_test": {"order": 1, "fdr": 0.05}}], _always),
    Question("changed", ("compare_periods",), _changed, _two_months),
    Question(
        "history", ("emerging_hotspots",), lambda f: [{"emerging_hotspots": {"order": 1}, "every": "month"}], _history
    ),
    Question("when", ("hour_of_week",), lambda f: [{"hour_of_week": {}}], _hours),
    Question("quiet", ("quiet_cells",), lambda f: [{"quiet_cells": {}}], _people),
    Question("kinds", ("relative_risk",), _together, _two_kinds),
    Question("named", (), _nothing, _named, stage="register"),
    Question("next", (), _nothing, _forecast, stage="forecasts"),
    Question("patrols", (), _nothing, _always, stage="patrol"),
    Question("cases", (), _nothing, _cases, stage="case_life"),
)


def _register(facts: Facts) -> dict[str, Any]:
    """The areas of the register against the hotspots of now; without one, hotspots of an earlier period until now."""
    if facts.register:
        return {"path": facts.register}
    return {"follow": [{"periods": list(facts.compared() or ())}]}


#: What a question's stage is given at first.
STAGES: dict[str, Callable[[Facts], dict[str, Any]]] = {
    "forecasts": lambda facts: {"horizon": "7D", "periods": 26},
    "patrol": lambda facts: {"units": 4, "shift_h": 8, "days": 30},
    "register": _register,
    "case_life": lambda facts: {
        **{"by": "zone", "alike": "category"},
        **({"columns": dict(facts.handling)} if facts.handling else {}),
    },
}
#: Stages that are about one kind of incident where a `category` stands in them.
OF_A_KIND = ("forecasts", "case_life")


def _method(entry: Any) -> str | None:
    """The method of an entry under `hotspots:`."""
    if isinstance(entry, str):
        return entry
    beside = ("category", "period", "every", "name", "show", "stability", "weight")
    return next((str(key) for key in entry if key not in beside), None) if isinstance(entry, Mapping) else None


def _is_filler(entry: Any, settings: Mapping[str, Any]) -> bool:
    """Whether an entry of the first question is hidden beside a stage, where no question has steps of its own."""
    hidden = isinstance(entry, Mapping) and entry.get("show") is False
    return hidden and any(q.stage in settings for q in QUESTIONS) and _method(entry) in QUESTIONS[0].methods


def questions_in(settings: Mapping[str, Any]) -> list[str]:
    """The questions that a pipeline answers, by their codes."""
    entries = settings.get("hotspots")
    methods = {_method(e) for e in entries if not _is_filler(e, settings)} if isinstance(entries, list) else set()
    return [
        q.code
        for q in QUESTIONS
        if (q.stage is not None and q.stage in settings) or (q.methods and set(q.methods) <= methods)
    ]


def kind_of(settings: Mapping[str, Any]) -> str:
    """The kind of incident that the questions of a pipeline are about; empty for all kinds."""
    entries = settings.get("hotspots")
    of_questions = {method for q in QUESTIONS for method in q.methods}
    for entry in entries if isinstance(entries, list) else []:
        if _method(entry) in of_questions and isinstance(entry, Mapping) and isinstance(entry.get("category"), str):
            return entry["category"]
    found = [settings[stage].get("category") for stage in OF_A_KIND if isinstance(settings.get(stage), Mapping)]
    return next((kind for kind in found if isinstance(kind, str)), "")


def of_kind(settings: Mapping[str, Any], kind: str, facts: Facts) -> dict[str, Any]:
    """Settings whose questions are about one kind of incident, or about all (an empty text)."""
    of_questions = {method for q in QUESTIONS for method in q.methods}
    out, entries = dict(settings), []
    for entry in settings.get("hotspots") or []:
        method = _method(entry)
        if method in of_questions:
            entry = {method: {}} if isinstance(entry, str) else dict(entry)
            entry = {key: value for key, value in entry.items() if key != "category"}
            if method == "relative_risk":
                entry["category"] = kind or facts.kinds[0]
                options = entry[method]
                if isinstance(options, Mapping) and options.get("at_risk") == entry["category"]:
                    other = next(k for k in facts.kinds if k != entry["category"])
                    entry[method] = {**options, "at_risk": other}
            elif kind:
                entry["category"] = kind
        entries.append(entry)
    out["hotspots"] = entries
    of = {"category": kind} if kind else {}
    for stage in OF_A_KIND:
        if isinstance(out.get(stage), Mapping):
            out[stage] = {**{key: value for key, value in out[stage].items() if key != "category"}, **of}
    register = out.get("register")
    if isinstance(register, Mapping) and isinstance(register.get("follow"), list):
        steps = [{k: v for k, v in step.items() if k != "category"} for step in register["follow"]]
        out["register"] = {**register, "follow": [{**step, **of} for step in steps]}
    return out


def with_questions(settings: Mapping[str, Any], codes: Sequence[str], facts: Facts) -> dict[str, Any]:
    """Settings that answer these questions: steps of others go, those that are there stay as they were edited.

    Steps that belong to no question are a person's own, and stay.
    """
    entries = settings.get("hotspots")
    entries = [e for e in entries if not _is_filler(e, settings)] if isinstance(entries, list) else []
    wanted = [q for q in QUESTIONS if q.code in codes and q.refused(facts) is None]
    of_questions = {method for q in QUESTIONS for method in q.methods}
    chosen = {method for q in wanted for method in q.methods}
    kept = [e for e in entries if _method(e) not in of_questions or _method(e) in chosen]
    there = {_method(entry) for entry in kept}
    for question in wanted:
        kept += [step for step in question.steps(facts) if _method(step) not in there]
    out = {key: value for key, value in settings.items() if key != "hotspots"}
    for question in QUESTIONS:
        if question.stage is not None and question not in wanted:
            out.pop(question.stage, None)
        elif question.stage is not None:
            out[question.stage] = out.get(question.stage) or STAGES[question.stage](facts)
    if not kept:  # a pipeline has at least one step; where all questions are stages, the page opens on their answer
        hidden = {"show": False} if any(q.stage in out for q in QUESTIONS) else {}
        kept = [{**step, **hidden} for step in QUESTIONS[0].steps(facts)]
    out["hotspots"] = kept
    return out
