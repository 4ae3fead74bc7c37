"""Rows as they are → rows that can be used, and rows set aside with the reason.

Every row goes one of the two ways. A row without usable coordinates, or with a date that cannot be, is set aside
with its number, a reason code and the fields at fault; a personal field is never shown.
"""

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import scipy
from pyproj import Transformer

from gridmap.messages import Note
from gridmap.read.coordinates import swapped_rows
from gridmap.read.datum import to_wgs84
from gridmap.read.h3_places import COARSER, NONE, NOT_H3, places_of_cells
from gridmap.read.incident_table import COLUMNS
from gridmap.read.persons import mask
from gridmap.read.schema import Plan, place_columns, raw_places, time_texts
from gridmap.read.tables.base import Batch, is_total
from gridmap.read.times import IMPOSSIBLE, MISSING, UNREADABLE, read_times

__all__ = ["CODE", "REASONS", "Losses", "SeenRows", "convert"]


PARTS = 64  # by the first bits of a row's hash


class SeenRows:
    """Which rows were there before: by id, or, where there is none, by everything, the time being exact."""

    def __init__(self, plan: Plan, *, find: bool = False):
        self.by_id = "incident_id" in plan.roles
        self.find = find  # which rows, and not only how many
        self.repeated = 0  # where they are found
        self.runs: list[np.ndarray] = []  # keys in order, each run at most half as long as the one before
        self.parts: list[list[np.ndarray]] = [[] for _ in range(PARTS)]

    def again(self, table: pa.Table) -> np.ndarray:
        """Which rows repeat an earlier one; all False unless `find`."""
        n = table.num_rows
        again = np.zeros(n, bool)
        if not n:
            return again
        key: np.ndarray
        if self.by_id:
            counted = np.asarray(table["incident_id"].is_valid())
            key = pd.util.hash_array(table["incident_id"].filter(pa.array(counted)).to_numpy(), categorize=False)
        else:
            frame = table.select(["occurred_from", "occurred_to", "category", "lon", "lat"]).to_pandas()
            counted = (frame["occurred_from"] == frame["occurred_to"]).to_numpy()
            key = pd.util.hash_pandas_object(frame[counted], index=False, categorize=False).to_numpy()
        if self.find:
            again[counted] = twice = self._found(key)
            self.repeated += int(twice.sum())
            return again
        key = np.sort(key)
        cuts = np.searchsorted(key, np.arange(1, PARTS, dtype=np.uint64) << np.uint64(64 - PARTS.bit_length() + 1))
        for part, some in zip(self.parts, np.split(key, cuts), strict=True):
            part.append(some.copy())
        return again

    def _found(self, key: np.ndarray) -> np.ndarray:
        """Which keys are repeated. A batch is put to a few long runs of earlier keys, which grow by being merged."""
        twice = pd.Series(key).duplicated().to_numpy()
        for run in self.runs:
            at = np.searchsorted(run, key)
            twice = twice | (run[np.minimum(at, len(run) - 1)] == key)
        new = np.sort(key[~twice])
        while self.runs and len(self.runs[-1]) <= 2 * len(new):
            new = np.sort(np.concatenate([self.runs.pop(), new]))
        if len(new):
            self.runs.append(new)
        return twice

    def total(self) -> int:
        """How many rows repeat an earlier one: part by part, so that nothing as long as all rows is made again."""
        repeated = self.repeated
        for part in self.parts:
            if part:
                keys = np.sort(np.concatenate(part))
                repeated += int((keys[1:] == keys[:-1]).sum())
        return repeated


#: Why a row is set aside.
REASONS: dict[str, Note] = {
    name: Note(f"read.reason_{name}")
    for name in (
        "no_coordinates",
        "bad_coordinates",
        "zero_coordinates",
        "swapped",
        "sign_lost",
        "outside_range",
        "impossible_time",
        "unreadable_time",
        "end_before_start",
        "wrong_field_count",
        "totals_row",
        "repeated_header",
        "empty_row",
        "not_a_point",
        "duplicate",
        "counted_before",
        "not_h3",
        "h3_coarser",
    )
}

#: Reason → the number it has while rows are converted; 0 is a row that can be used.
CODE = {name: i for i, name in enumerate(REASONS, 1)}

PATROL_WORDS = (
    r"(?i)巡逻|巡查|巡防|自行发现|主动发现|日常检查|工作发现|patrol|on.?view|officer.?init|self.?init|proactive"
)
PUBLIC_WORDS = (
    r"(?i)报警|报案|110|12345|群众|举报|投诉|来电|热线|扭送|求助"
    r"|public|citizen|call|911|999|101|resident|victim|phone|reported"
)


class Losses:
    """Whether rows are set aside evenly over months, hours and kinds: an uneven loss looks like a season."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[Any, list[int]]] = {"month": {}, "hour": {}, "category": {}}

    def add(self, table: pa.Table, plan: Plan, start: np.ndarray, good: np.ndarray) -> None:
        """Count the rows of a batch."""
        known = ~np.isnat(start)
        self._count("month", start[known].astype("datetime64[M]"), good[known])
        day = start.astype("datetime64[D]")
        clocked = known & (start != day)
        hours = (start[clocked] - day[clocked]) // np.timedelta64(1, "h")
        self._count("hour", hours.astype(int), good[clocked])
        column = plan.roles.get("category")
        if column is not None and table.num_rows:
            kinds = pa.chunked_array(table[column].cast(pa.string())).combine_chunks().dictionary_encode()
            named = np.asarray(kinds.is_valid())
            codes = np.asarray(kinds.indices.drop_null()).astype(np.int64)
            self._add("category", kinds.dictionary.to_pylist(), codes, good[named])

    def _count(self, what: str, values: np.ndarray, good: np.ndarray) -> None:
        if not len(values):
            return
        names, code = np.unique(values, return_inverse=True)
        self._add(what, names.tolist(), code, good)

    def _add(self, what: str, names: list, code: np.ndarray, good: np.ndarray) -> None:
        if len(self.counts[what]) + len(names) > 2_000:
            return
        rows = np.bincount(code, minlength=len(names))
        used = np.bincount(code, weights=good, minlength=len(names)).astype(int)
        for name, n, kept in zip(names, rows.tolist(), used.tolist(), strict=True):
            both = self.counts[what].setdefault(name, [0, 0])
            both[0] += n
            both[1] += n - kept

    def notes(self) -> list[Note]:
        """An uneven loss: a share that is twice the usual one, beyond chance (chi-square, p < 0.001)."""
        out = []
        for what, table in self.counts.items():
            n, lost = (np.array([both[i] for both in table.values()], float) for i in (0, 1))
            if len(n) < 2 or lost.sum() < 20 or lost.sum() == n.sum():
                continue
            overall = lost.sum() / n.sum()
            chi2 = float(((lost - overall * n) ** 2 / (overall * (1 - overall) * n)).sum())
            share = np.where(n >= 20, lost / n, 0.0)
            worst = int(np.argmax(share))
            if scipy.special.chdtrc(len(n) - 1, chi2) < 0.001 and share[worst] > max(2 * overall, overall + 0.05):
                name = list(table)[worst]
                value = f"{name:%Y-%m}" if isinstance(name, dt.date) else str(name)
                words = Note(f"read.what_{what}")
                out.append(
                    Note("read.uneven_loss", what=words, value=value, share=float(share[worst]), overall=float(overall))
                )
        return out


def convert(batch: Batch, plan: Plan, *, repair=(), gazetteer=None, boxes=None, counts=None, losses=None):
    """One batch → `(table, rows, aside)`.

    Parameters
    ----------
    batch : Batch
    plan : Plan
    repair : names of the repairs to make
    gazetteer : Gazetteer, optional
    boxes : (west, south, east, north), optional
        Extent of the boundaries, for lost signs.
    counts : dict, optional
        Gets the number of repairs and of placed rows added.
    losses : Losses, optional
        Gets the rows used and set aside, by month, hour and category, added.

    Returns
    -------
    table : pyarrow.Table
        In the columns of `Incidents.data`.
    rows : int64 array
        Number of each of its rows in the file.
    aside : DataFrame with `row, reason, found`
    """
    counts = {} if counts is None else counts
    table, n = batch.table, batch.table.num_rows
    reason = np.zeros(n, np.uint8)  # a code of CODE; 0 is a row that can be used
    lon, lat, uncertainty = _places(table, plan, reason, repair, boxes, counts)
    if gazetteer is not None:
        lon, lat, uncertainty = gazetteer.place(table, plan, lon, lat, reason, counts)
    start, end = _times(table, plan, reason)
    doubtful = np.isin(reason, [CODE[r] for r in ("no_coordinates", "bad_coordinates", "unreadable_time")]) & np.isnat(
        start
    )
    if "occurred_from" not in plan.roles and "category" in plan.roles:
        doubtful &= np.asarray(table[plan.roles["category"]].is_null())
    for i in np.flatnonzero(doubtful):
        row = {c: table[c][i].as_py() for c in table.column_names}
        if all(v is None or not str(v).strip() for v in row.values()):
            reason[i] = CODE["empty_row"]
        elif is_total(row.values()):
            reason[i] = CODE["totals_row"]
        elif sum(str(v).strip() == c for c, v in row.items() if v is not None) >= max(2, 0.5 * len(row)):
            reason[i] = CODE["repeated_header"]
    good = reason == 0
    if losses is not None:
        losses.add(table, plan, start, good)
    out = _columns(table, plan, lon, lat, start, end, uncertainty)
    keep = pa.array(good)
    rows = np.asarray(batch.rows)
    aside = _aside(table, plan, rows, reason)
    if batch.faults:
        aside = pd.concat([aside, pd.DataFrame(batch.faults, columns=["row", "reason", "found"])], ignore_index=True)
    return (out if good.all() else out.filter(keep)), rows[good], aside


def _places(table, plan: Plan, reason, repair, box, counts):
    n = table.num_rows
    if plan.h3 is not None:
        lon, lat, fault = places_of_cells(table[plan.h3], plan.h3_resolution)
        for kind, name in ((NONE, "no_coordinates"), (NOT_H3, "not_h3"), (COARSER, "h3_coarser")):
            reason[fault == kind] = CODE[name]
        return lon, lat, None
    if not place_columns(plan.roles):
        reason[:] = CODE["no_coordinates"]
        return np.full(n, np.nan), np.full(n, np.nan), None
    x, y, written = raw_places(plan, table)
    absent = np.isnan(x) | np.isnan(y)
    reason[absent & ~written] = CODE["no_coordinates"]
    reason[absent & written] = CODE["bad_coordinates"]
    if place_columns(plan.roles) == ["lon", "lat"]:  # one of the two is missing, not misspelt
        one = absent & written
        if one.any():
            names = [plan.roles["lon"], plan.roles["lat"]]
            blank = [
                np.asarray(pc.fill_null(pc.equal(pc.utf8_trim_whitespace(table[c].cast(pa.string())), ""), True))
                for c in names
            ]
            reason[
                one
                & (
                    (blank[0] & ~np.isnan(y if not plan.exchange else x))
                    | (blank[1] & ~np.isnan(x if not plan.exchange else y))
                )
            ] = CODE["no_coordinates"]
    zero = ((np.abs(x) < 1e-9) & (np.abs(y) < 1e-9)) | ((x == -1) & (y == -1))
    if plan.chinese:
        zero |= (np.abs(x) < 1e-9) | (np.abs(y) < 1e-9)
    reason[zero & ~absent] = CODE["zero_coordinates"]
    fine = reason == 0
    if plan.crs is not None:
        transformer = Transformer.from_crs(plan.crs, 4326, always_xy=True)
        x[fine], y[fine] = transformer.transform(x[fine], y[fine])
        reason[fine & ~(np.isfinite(x) & np.isfinite(y))] = CODE["outside_range"]
        fine = reason == 0
    else:
        swapped = np.zeros(n, bool)
        swapped[fine] = swapped_rows(x[fine], y[fine])
        if "swapped" in repair:
            x[swapped], y[swapped] = y[swapped].copy(), x[swapped].copy()
            counts["swapped"] = counts.get("swapped", 0) + int(swapped.sum())
        else:
            reason[swapped] = CODE["swapped"]
            fine = reason == 0
    with np.errstate(invalid="ignore"):
        reason[fine & ((np.abs(x) > 180) | (np.abs(y) > 90))] = CODE["outside_range"]
    if box is not None:
        _signs(x, y, reason, repair, box, counts)
    if plan.datum in ("gcj02", "bd09"):
        x, y = to_wgs84(x, y, datum=plan.datum)
    return x, y, None


def _signs(x, y, reason, repair, box, counts) -> None:
    """Points that fall into the boundaries' extent only with a minus sign."""
    west, south, east, north = box
    pad = 0.1 * max(east - west, north - south)

    def inside(a, b):
        return (a >= west - pad) & (a <= east + pad) & (b >= south - pad) & (b <= north + pad)

    fine = reason == 0
    for sx, sy in ((-1, 1), (1, -1), (-1, -1)):
        if (sx < 0 and west - pad <= 0 <= east + pad) or (sy < 0 and south - pad <= 0 <= north + pad):
            continue  # the territory lies on both sides: a point beyond it has lost nothing
        lost = fine & ~inside(x, y) & inside(sx * x, sy * y)
        if "sign" in repair:
            x[lost] *= sx
            y[lost] *= sy
            counts["sign"] = counts.get("sign", 0) + int(lost.sum())
        else:
            reason[lost] = CODE["sign_lost"]


def _times(table, plan: Plan, reason):
    n = table.num_rows
    nat = np.full(n, "NaT", "datetime64[us]")
    if "occurred_from" not in plan.roles:
        return nat, nat.copy()
    start, end, status = read_times(time_texts(table, plan), plan.rules.get("occurred_from"))
    free = reason == 0
    reason[free & (status == UNREADABLE)] = CODE["unreadable_time"]
    reason[free & (status == IMPOSSIBLE)] = CODE["impossible_time"]
    if "occurred_to" in plan.roles:
        first, last, state = read_times(table[plan.roles["occurred_to"]], plan.rules.get("occurred_to"))
        known = state != MISSING
        reason[free & (state == UNREADABLE)] = CODE["unreadable_time"]
        reason[free & (state == IMPOSSIBLE)] = CODE["impossible_time"]
        both = known & (status != MISSING) & ~np.isnat(last)
        early = both & (last < start)
        reason[(reason == 0) & early] = CODE["end_before_start"]
        end = np.where(both & ~early, last, end)
        only = known & (status == MISSING)
        start, end = np.where(only, first, start), np.where(only, last, end)
    return start, end


def _columns(table, plan: Plan, lon, lat, start, end, uncertainty) -> pa.Table:
    n = table.num_rows
    roles = plan.roles

    def text(role):
        if role not in roles:
            return pa.nulls(n, pa.string())
        values = table[roles[role]]
        values = values if pa.types.is_string(values.type) else values.cast(pa.string())
        trimmed = pc.utf8_trim_whitespace(values)
        return pc.if_else(pc.equal(trimmed, ""), None, trimmed)

    columns = {
        "incident_id": text("incident_id"),
        "occurred_from": pa.array(start, pa.timestamp("us")),
        "occurred_to": pa.array(end, pa.timestamp("us")),
        "category": text("category"),
        "lon": pa.array(lon, pa.float64()),
        "lat": pa.array(lat, pa.float64()),
        "officer_initiated": _patrol(text("officer_initiated"), n),
    }
    if uncertainty is not None:
        columns["placed_by"] = uncertainty[0]
        columns["uncertainty_m"] = uncertainty[1]
    renamed = {
        roles[r]
        for r in ("incident_id", "occurred_from", "occurred_to", "category", "lon", "lat", "coordinates")
        if r in roles
    }
    for column in table.column_names:
        if column in renamed or column in plan.personal:
            continue
        columns[column if column not in columns else f"{column} (file)"] = table[column]
    out = pa.table(columns)
    assert list(out.schema.names[: len(COLUMNS)]) == list(COLUMNS)
    return out


def _patrol(source, n: int) -> pa.Array:
    if source.null_count == n:
        return pa.nulls(n, pa.bool_())
    lower = pc.utf8_lower(source)
    truth = pc.is_in(lower, pa.array(["true", "yes", "y", "1", "是"]))
    lies = pc.is_in(lower, pa.array(["false", "no", "n", "0", "否"]))
    patrol = pc.or_(pc.match_substring_regex(source, PATROL_WORDS), truth)
    public = pc.or_(pc.match_substring_regex(source, PUBLIC_WORDS), lies)
    known = pc.if_else(patrol, True, pc.if_else(public, False, None))
    return pc.if_else(pc.is_null(source), pa.scalar(None, pa.bool_()), known)


def _aside(table, plan: Plan, rows, reason) -> pd.DataFrame:
    at = np.flatnonzero(reason != 0)
    if not len(at):
        return pd.DataFrame(
            {"row": pd.Series(dtype="int64"), "reason": pd.Series(dtype=object), "found": pd.Series(dtype=object)}
        )
    few = table.take(pa.array(at))
    place = [plan.h3] if plan.h3 is not None else [plan.roles[r] for r in place_columns(plan.roles)]
    time = [plan.roles[r] for r in ("occurred_from", "occurred_to") if r in plan.roles] + (
        [plan.clock] if plan.clock else []
    )
    shown = {c: few[c].to_pylist() for c in dict.fromkeys(place + time)}

    def found(i, why):
        if why in ("empty_row", "repeated_header"):
            return ""
        fields = time if "time" in why or why == "end_before_start" else place
        parts = (f"{c}={mask(str(shown[c][i]))[:60] if shown[c][i] is not None else ''}" for c in fields)
        return "; ".join(parts)

    names = np.array(["", *REASONS], dtype=object)
    why = names[reason[at]]
    return pd.DataFrame(
        {"row": rows[at].astype("int64"), "reason": why, "found": [found(i, w) for i, w in enumerate(why)]}
    )
