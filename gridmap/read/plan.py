"""What is decided about a table before its rows are converted: roles, persons, datum, times.

All of it is decided once for the whole file and never row by row, and every decision that the caller did not make
is written down in words.
"""

import re

import numpy as np
import pyarrow as pa

from gridmap.errors import InputError, SettingError
from gridmap.messages import did_you_mean
from gridmap.read.columns import ROLES, match_columns
from gridmap.read.coordinates import could_be_in_china, numbers, split_pairs
from gridmap.read.datum import DATUMS
from gridmap.read.decisions import Plan, place_columns
from gridmap.read.frames import X, Y
from gridmap.read.personal import personal_columns
from gridmap.read.place_plan import decide_places
from gridmap.read.times import TimeRule, read_times

__all__ = ["guess_by_content", "is_chinese", "make_plan"]


def is_chinese(names) -> bool:
    """Whether a file is Chinese: some column is named so."""
    return any("\u4e00" <= c <= "\u9fff" for name in names for c in str(name))


def guess_by_content(sample: pa.Table, roles: dict[str, tuple[str, str]], personal) -> dict[str, tuple[str, str]]:
    """Roles that no name told, by what the columns hold: `(column, reason)` for time, lon, lat and category."""
    used = {c for c, _ in roles.values()} | set(personal)
    free = [c for c in sample.column_names if c not in used]
    found = {}
    if not ({"lon", "lat"} & roles.keys()) and "coordinates" not in roles:
        values = {}
        for column in free:
            number, written = numbers(sample[column])
            n = int(written.sum())
            inside = np.isfinite(number) & (np.abs(number) <= 180)
            fine = inside & (np.abs(number * 1000 % 1) > 1e-9)
            if n and inside.sum() >= 0.8 * n and fine.sum() >= 0.5 * n and np.ptp(number[inside]) < 60:
                values[column] = number[inside]
        if len(values) == 2:
            (a, first), (b, second) = values.items()
            median = np.abs(np.median(first)), np.abs(np.median(second))
            china = [could_be_in_china(np.median(x), np.median(y)) for x, y in ((first, second), (second, first))]
            lon, lat = (b, a) if median[1] > 90 >= median[0] or (china[1] and not china[0]) else (a, b)
            if max(median) > 90 or any(china):
                found["lon"] = (lon, "by content: decimal degrees that fit a longitude")
                found["lat"] = (lat, "by content: decimal degrees that fit a latitude")
        if not values:
            for column in free:
                if not pa.types.is_string(sample[column].type):
                    continue
                first, _, written = split_pairs(sample[column].slice(0, 500))
                if written.any() and np.isfinite(first[written]).mean() > 0.8:
                    texts = [t for t in sample[column].slice(0, 500).to_pylist() if t]
                    if np.mean([bool(re.search(r"\d\.\d{3,}.*\d\.\d{3,}", t)) for t in texts]) > 0.8:
                        found["coordinates"] = (column, "by content: two decimal numbers in each cell")
                        break
    if "occurred_from" not in roles:
        for column in free:
            if column in {c for c, _ in found.values()} or not pa.types.is_string(sample[column].type):
                kind = sample[column].type
                if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
                    continue
            texts = sample[column].drop_null()
            if pa.types.is_string(texts.type):
                texts = pa.array(
                    [t for t in texts.to_pylist()[:500] if not re.fullmatch(r"\d{0,6}(\.\d+)?|\d{9,10}", t.strip())],
                    pa.string(),
                )
            if len(texts) < max(1, 0.5 * min(sample.num_rows - sample[column].null_count, 500)):
                continue
            _, _, status = read_times(texts, TimeRule("dmy"))
            if (status == 1).mean() > 0.8:
                found["occurred_from"] = (column, "by content: its values are dates")
                break
    if "category" not in roles:
        for column in free:
            if column in {c for c, _ in found.values()} or not pa.types.is_string(sample[column].type):
                continue
            texts = [t for t in sample[column].to_pylist() if t]
            distinct = set(texts)
            words = [t for t in distinct if re.search(r"[^\W\d_]{2}", t)]
            if (
                len(texts) > 20
                and 2 <= len(distinct) <= max(40, len(texts) ** 0.5)
                and len(words) > 0.8 * len(distinct)
            ):
                found["category"] = (column, f"by content: {len(distinct)} different texts that repeat")
                break
    return found


def make_plan(
    raw,
    sample: pa.Table,
    *,
    columns=None,
    datum: str | None = None,
    crs=None,
    not_personal=(),
    repair=(),
    need_places: bool = True,
    ask_datum: bool = True,
) -> Plan:
    """All decisions but those about times, from the names and a sample of the rows.

    Raises
    ------
    SettingError
        If an option is not known.
    InputError
        If there are no coordinates, they are exchanged, or a personal column is asked for.
    CRSError
        If the datum or the CRS must be named.
    """
    if datum is not None and datum not in DATUMS:
        raise SettingError(f"datum={datum!r} is not known. {did_you_mean(str(datum), DATUMS)}")
    known = {"swapped", "sign"}
    if isinstance(repair, str):
        repair = (repair,)
    for name in repair:
        if name not in known:
            raise SettingError(f"repair={name!r} is not known. {did_you_mean(str(name), known)}")
    declared = dict(columns or {}) if columns is None or hasattr(columns, "items") else columns
    if raw.crs is not None and X in raw.columns and not ({"lon", "lat"} & set(declared)):
        declared = {**declared, "lon": X, "lat": Y}
    found = match_columns(list(raw.columns), declared)
    placed = {found[r][0] for r in ("lon", "lat", "coordinates") if r in found}
    numbered = {found["incident_id"][0]} if "incident_id" in found else set()
    addresses = {found["address"][0]} if "address" in found else set()
    personal = personal_columns(
        ((c, sample[c].slice(0, 20_000).to_pylist()) for c in raw.columns if c not in placed),
        numbered=numbered,
        addresses=addresses,
    )
    for column in not_personal:
        if column not in raw.columns:
            raise InputError(f"There is no column {column!r} to keep. {did_you_mean(column, raw.columns)}")
        if personal.get(column, "").startswith("identity numbers (by content)"):
            raise InputError(f"Column {column!r} holds identity numbers, which are never kept.")
        personal.pop(column, None)
    for role, (column, reason) in list(found.items()):
        if column in personal:
            if reason == "declared":
                raise InputError(
                    f"Column {column!r}, declared as {role}, is personal: {personal[column]}. gridmap "
                    "maps places, never people; "
                    f"take another column, or vouch for it with not_personal=[{column!r}]."
                )
            found.pop(role)
    if len(found) < len(ROLES):
        # A personal column may have stood before a good one: look at the rest once more.
        rest = [c for c in raw.columns if c not in personal]
        again = match_columns(rest, {r: c for r, (c, why) in found.items() if why == "declared"})
        found = {**again, **found}
        taken = {}
        for role, (column, why) in found.items():
            taken.setdefault(column, (role, why))
        found = {role: (column, why) for column, (role, why) in taken.items()}
    if ("lon" in found) != ("lat" in found):
        half = "lon" if "lon" in found else "lat"
        if declared.get(half) or "coordinates" not in found:
            other = "lat" if half == "lon" else "lon"
            if need_places:
                raise InputError(
                    f"{raw.name} has a column for {half} ({found[half][0]!r}) but none for {other}. Its columns: "
                    f"{_listed(raw.columns)}. Say which with columns={{'{other}': '…'}}."
                )
        found.pop(half)
    found = {**guess_by_content(sample, found, personal), **found}
    plan = Plan({r: c for r, (c, _) in found.items()}, {r: why for r, (_, why) in found.items()}, personal)
    plan.chinese = is_chinese(raw.columns)
    if not place_columns(plan.roles):
        if need_places:
            raise InputError(
                f"{raw.name} has no coordinate columns: its columns are {_listed(raw.columns)}. Incidents "
                "need a longitude and a "
                "latitude; name them with columns={'lon': '…', 'lat': '…'}, or place addresses with gazetteer=…."
            )
        return plan
    decide_places(plan, raw, sample, datum, crs, repair, ask_datum)
    return plan


def _listed(columns) -> str:
    shown = [str(c)[:40] for c in columns[:12]]
    return ", ".join(shown) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")
