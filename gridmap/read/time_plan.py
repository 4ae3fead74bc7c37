"""How are the times written? One rule a column, decided by the whole of it.

Whether 03/04 is March or April, whether midnight means "no clock", whether a second column holds the clock: a row alone
cannot tell, a column mostly can.
"""

import re

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError
from gridmap.read.convert import time_texts
from gridmap.read.decisions import Plan
from gridmap.read.tables import RawTable, ReadAgain
from gridmap.read.times import TimeEvidence, TimeRule, read_times

__all__ = ["decide_clock", "decide_times"]


def decide_clock(plan: Plan, sample: pa.Table) -> None:
    """The column of clock times goes behind the date only if the dates have no clock of their own."""
    clock = plan.roles.pop("time_of_day", None)
    plan.reasons.pop("time_of_day", None)
    if clock is None or "occurred_from" not in plan.roles or clock in plan.personal:
        return
    texts = [t for t in sample[clock].cast(pa.string()).slice(0, 500).to_pylist() if t and t.strip()]
    looks = (
        np.mean([bool(re.fullmatch(r"\D{0,4}\d{1,2}([:：时点].*|\d{2})?(\s*[APap][Mm])?", t.strip())) for t in texts])
        if texts
        else 0
    )
    days = sample[plan.roles["occurred_from"]].slice(0, 500)
    readings = [read_times(days, TimeRule(order, None, True)) for order in ("dmy", "mdy", "ymd")]
    start, end, _ = max(readings, key=lambda reading: int((~np.isnat(reading[0])).sum()))
    known = ~np.isnat(start)
    if looks > 0.8 and known.any() and (start != end)[known].mean() > 0.9:
        plan.clock = clock
        plan.notes.append(f"The clock times of {clock!r} were put behind the dates of {plan.roles['occurred_from']!r}.")


def decide_times(plan: Plan, raw: RawTable, batches, timezone, date_order) -> None:
    """Set the plan's rule for each column of times, by all its rows.

    Raises
    ------
    InputError
        If the order of day and month cannot be told.
    """
    if timezone is None and plan.chinese:
        timezone = "Asia/Shanghai"
        plan.notes.append("timezone was not declared; the data are Chinese, so their times are taken as Asia/Shanghai.")
    for role in ("occurred_from", "occurred_to"):
        if role not in plan.roles:
            continue
        wanted = [plan.roles[role]] + ([plan.clock] if role == "occurred_from" and plan.clock else [])
        for _ in range(2):
            evidence = TimeEvidence()
            try:
                for batch in batches if isinstance(batches, list) else batches(wanted):
                    values = time_texts(batch.table, plan) if role == "occurred_from" else batch.table[plan.roles[role]]
                    evidence.add(values)
                break
            except ReadAgain:
                continue
        try:
            rule = evidence.rule(date_order=date_order, timezone=timezone, chinese=plan.chinese)
        except InputError as problem:
            raise InputError(f"Column {plan.roles[role]!r} of {raw.name}: {problem}") from None
        plan.rules[role] = rule
        if rule.midnight_is_day:
            plan.notes.append(
                f"Every clock in {plan.roles[role]!r} says 00:00, so it was read as dates without a time."
            )
        if rule.date_order and evidence.numbers:
            plan.notes.append(
                f"Dates of {plan.roles[role]!r} in numbers were read as {rule.date_order}, by the whole column."
            )
        plan.notes.extend(
            [f"times in {plan.roles[role]!r}: " + ", ".join(f"{k} {v}" for k, v in evidence.formats.items())]
            if len(evidence.formats) > 1
            else []
        )
