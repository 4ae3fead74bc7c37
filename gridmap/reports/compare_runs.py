"""What is new, gone, up or down since the last run of the same pipeline?

The earlier run is the newest one beside this one: a folder next to it (or one below, as in an archive) whose `run.json`
names the same pipeline file, was written before, and is of an earlier period. It may be named instead (`--since`).

A place is a set of hot cells. One that shares a cell with the hot ground of the earlier run *stays*; one that shares
none is *new*; an earlier one none of whose cells is hot any more is *gone*. Whether a place that stays went up or down
is tested on the counts in its own cells, then and now, by the exact binomial test that `compare_periods` makes,
corrected for the number of places (Benjamini & Hochberg, 5 %). Where grids, settings or the lengths of the periods
differ, nothing is compared, and the paper says why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridmap._intervals import ratio_interval
from gridmap._periods import period_of_text
from gridmap.errors import ReadError
from gridmap.hotspots.cores import significant_cells
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p, binomial_p
from gridmap.messages import Note, note_from
from gridmap.reports.facts import Fact, fact
from gridmap.reports.results_folder import RunFolder, read_run, runs_beside

__all__ = ["Since", "changes_since", "previous_run"]

LEVEL = 0.05
#: Settings that do not change what a result means.
FREE = ("random_state",)


@dataclass(frozen=True)
class Since:
    """What changed since an earlier run.

    Attributes
    ----------
    facts : list of Fact
    rows : DataFrame
        One row a hotspot: `step, status` (new, gone, up, down, same), `name, rank, before, after, p_value`.
    run_id : str or None
        Of the earlier run.
    """

    facts: list[Fact]
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    run_id: str | None = None


def previous_run(run: RunFolder) -> RunFolder | None:
    """The newest earlier run of the same pipeline beside this one; None where there is none that can be read."""
    folder = (run.place or run.path).resolve()
    for earlier in runs_beside(folder, str(run.manifest.get("pipeline")), before=run.written):
        itself = run.place is None and folder in (earlier.path, *earlier.path.parents)
        if not itself and not _same_period(run, earlier):  # a run that is being written replaces one
            return earlier
    return None


def changes_since(run: RunFolder, since: str | Path | None = None) -> Since:
    """What changed since the earlier run, as facts and as a table.

    Parameters
    ----------
    run : RunFolder
    since : str or Path, optional
        The earlier run's folder; looked for beside this one when not given.

    Raises
    ------
    ReadError
        If `since` is not a run that can be read, or is this run itself.
    """
    if since is None:
        earlier = previous_run(run)
        if earlier is None:
            return Since([fact("since_none")])
    else:
        earlier = read_run(since)
        if earlier.path.resolve() == run.path.resolve():
            raise ReadError(Note("reports.same_run", folder=str(since)))
    reasons = _differences(run, earlier)
    period = earlier.head.get("period")
    if reasons:
        reported = fact("incomparable", name=run.head.get("title"), method=None, period=period, reasons=reasons)
        return Since([reported], run_id=earlier.run_id)
    facts, rows = [], []
    then = {entry["step"]: entry for entry in earlier.results}
    for entry in run.results:
        other = then.get(entry["step"])
        why = _entry_differences(entry, other, run, earlier)
        if why is None:
            continue
        if why:
            name = entry.get("name")
            then_period = other.get("period") if other else period
            about = {"name": name, "method": entry["method"], "period": then_period, "reasons": why}
            facts.append(fact("incomparable", entry["step"], **about))
            continue
        found, table = _compared(run, earlier, entry, other)
        facts += found
        rows += table
    if not facts:
        facts = [fact("incomparable", name=run.head.get("title"), method=None, period=period, reasons=["settings"])]
    return Since(facts, pd.DataFrame(rows), earlier.run_id)


def _same_period(run: RunFolder, other: RunFolder) -> bool:
    periods = [[entry.get("period") for entry in folder.results] for folder in (run, other)]
    return periods[0] == periods[1] and run.head.get("period") == other.head.get("period")


def _differences(run: RunFolder, earlier: RunFolder) -> list[str]:
    """Why no result of the two runs can be compared; empty where nothing stands against it."""
    reasons = []
    if earlier.audience != run.audience or run.audience == "public":  # the public's cells differ from month to month
        reasons.append("audience" if earlier.audience != run.audience else "grid")
    keys = ("grid", "cells")
    if any(earlier.head.get(k) != run.head.get(k) for k in keys):
        reasons.append("grid")
    if earlier.head.get("zones") != run.head.get("zones") or not np.allclose(
        earlier.head.get("bounds") or 0, run.head.get("bounds") or 0
    ):
        reasons.append("boundaries")
    return list(dict.fromkeys(reasons))


def _entry_differences(entry: Mapping[str, Any], other, run: RunFolder, earlier: RunFolder) -> list[str] | None:
    """Why a result cannot be compared with the earlier one; None where there is nothing to compare."""
    cells = next((layer for layer in entry["layers"] if layer["what"] == "cells" and layer["tested"]), None)
    if cells is None or "count" not in entry.get("columns", ()):
        return None
    if other is None:
        return ["settings"]
    reasons = []
    if entry["method"] != other["method"] or _options(run, entry) != _options(earlier, other):
        reasons.append("settings")
    if entry.get("category") != other.get("category"):
        reasons.append("incidents")
    now, then = _span(entry.get("period")), _span(other.get("period"))
    if now is None or then is None:
        reasons.append("no_period")
    elif now == then:
        reasons.append("same_period")
    elif now[0] < then[1] and then[0] < now[1]:
        reasons.append("overlap")
    elif not 0.89 <= (now[1] - now[0]) / (then[1] - then[0]) <= 1.13:  # February against March is compared, by days
        reasons.append("length")
    return reasons


def _options(run: RunFolder, entry: Mapping[str, Any]) -> Any:
    """A result's options as the pipeline file gave them; what the method chose by itself may differ between periods."""
    steps = (run.manifest.get("settings") or {}).get("hotspots") or []
    reported = steps[entry["step"] - 1] if len(steps) == len(run.results) else None
    options = reported.get(entry["method"]) if isinstance(reported, Mapping) else None
    return {k: v for k, v in (options or {}).items() if k not in FREE}


def _span(period: Any) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """First day and the day after the last of "2018-07", or of "2018-07-02 – 2018-07-30"."""
    try:
        if "/" in str(period):
            whole = period_of_text(period)
            return whole.start_time, (whole + 1).start_time
        first, _, last = str(period).partition(" – ")
        return pd.Period(first).start_time, (pd.Period(last or first) + 1).start_time
    except (ValueError, TypeError):
        return None


def _compared(run: RunFolder, earlier: RunFolder, entry, other) -> tuple[list[Fact], list[dict]]:
    about = {"name": entry.get("name"), "method": entry["method"]}
    now_layer, then_layer = (next(la for la in e["layers"] if la["what"] == "cells") for e in (entry, other))
    tables = run.table(now_layer["file"]), earlier.table(then_layer["file"])
    now, then = (table["count"].set_axis(table.index.astype(str)) for table in tables)
    hot_now, hot_then = (_hot_ground(e, table) for e, table in zip((entry, other), tables, strict=True))
    spans = [_span(other["period"]), _span(entry["period"])]
    days = [float((s[1] - s[0]) / pd.Timedelta(days=1)) for s in spans if s is not None]
    share = days[1] / (days[0] + days[1])
    rows = []
    for row in now_layer["ranked"]:
        stays = bool(hot_then.intersection(row["ids"]))
        rows.append(_row(entry, row, "same" if stays else "new", then, now))
    rows += [
        _row(entry, row, "gone", then, now) for row in then_layer["ranked"] if not hot_now.intersection(row["ids"])
    ]
    after, before = (np.array([row[k] for row in rows], float) for k in ("after", "before"))
    p = binomial_p(after, after + before, share) if rows else np.array([])
    stay = np.array([row["status"] == "same" for row in rows], bool)
    q = np.ones(len(rows))
    if stay.any():
        q[stay] = adjust_p(p[stay], "fdr")
    for i, row in enumerate(rows):
        row["p_value"] = float(p[i])
        if stay[i] and q[i] <= LEVEL:
            row["status"] = "up" if after[i] * days[0] > before[i] * days[1] else "down"
    tally = {s: sum(row["status"] == s for row in rows) for s in ("new", "gone", "up", "down", "same")}
    when = {"period": other["period"], "date": earlier.written[:10]}
    null = Note("null.no_change")
    facts = [fact("since", entry["step"], **about, **when, **tally, level=LEVEL, correction="fdr", null=null)]
    a, b = int(then.sum()), int(now.sum())
    if a:
        low, high = (float(v[0]) - 1 for v in ratio_interval(np.array([b]), np.array([a + b]), np.array([0.5])))
        interval = {"low": low, "high": high, "confidence": 0.95}
        facts.append(fact("since_total", entry["step"], **about, before=a, after=b, percent=b / a - 1, **interval))
        if days[0] != days[1]:
            facts.append(fact("unequal_periods", entry["step"], **about, before=days[0], after=days[1]))
    return facts, rows


def _hot_ground(entry: Mapping[str, Any], table: pd.DataFrame) -> set[str]:
    """The cells that the test of a result found, whichever places they were cut into."""
    found = significant_cells(HotspotResult(table, entry["method"], dict(entry["params"])))
    return set(table.index[found.to_numpy(bool)].astype(str))


def _row(entry, row: Mapping[str, Any], status: str, then: pd.Series, now: pd.Series) -> dict[str, Any]:
    ids = list(row["ids"])
    return {
        "step": entry["step"],
        "status": status,
        "name": note_from(row["name"]),
        "rank": row["rank"] if status != "gone" else None,
        "before": int(then.reindex(ids).fillna(0).sum()),
        "after": int(now.reindex(ids).fillna(0).sum()),
    }
