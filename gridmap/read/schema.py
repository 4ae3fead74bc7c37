"""What is decided about a table before its rows are converted: roles, persons, datum, order of dates.

All of it is decided once for the whole file and never row by row, and every decision that the caller did not make is
written down in the plan's notes; what must not be guessed is asked back with an error.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import ROLES, match_columns
from gridmap.read.coordinates import could_be_in_china, numbers, split_pairs, swapped_rows
from gridmap.read.datum import DATUMS, cgcs2000_zone
from gridmap.read.metric import as_crs
from gridmap.read.persons import personal_columns
from gridmap.read.tables.base import RawTable, ReadAgain
from gridmap.read.tables.vector import X, Y
from gridmap.read.times import TimeEvidence, TimeRule, read_times

__all__ = [
    "Plan",
    "decide_clock",
    "decide_places",
    "decide_times",
    "guess_by_content",
    "is_chinese",
    "make_plan",
    "place_columns",
    "raw_places",
    "time_texts",
]


@dataclass
class Plan:
    """The decisions: see `make_plan`."""

    roles: dict[str, str]
    reasons: dict[str, str]
    personal: dict[str, str]
    datum: str = "wgs84"
    crs: CRS | None = None
    pair_order: str = "lonlat"
    exchange: bool = False
    chinese: bool = False
    clock: str | None = None
    rules: dict[str, TimeRule] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def attributes(self) -> set[str]:
        """Columns with a role, which get its name."""
        return set(self.roles.values())


def place_columns(roles) -> list[str]:
    """The roles that hold the coordinates, in order."""
    if "lon" in roles and "lat" in roles:
        return ["lon", "lat"]
    return ["coordinates"] if "coordinates" in roles else []


def raw_places(plan: Plan, table: pa.Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First and second coordinate as written, lon before lat, and whether anything was written."""
    if place_columns(plan.roles) == ["lon", "lat"]:
        x, x_there = numbers(table[plan.roles["lon"]])
        y, y_there = numbers(table[plan.roles["lat"]])
        written = x_there | y_there
    else:
        x, y, written = split_pairs(table[plan.roles["coordinates"]])
        if plan.pair_order == "latlon":
            x, y = y, x
    return (y, x, written) if plan.exchange else (x, y, written)


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
                found["lon"] = (lon, Note("read.reason_content_lon"))
                found["lat"] = (lat, Note("read.reason_content_lat"))
        if not values:
            for column in free:
                if not pa.types.is_string(sample[column].type):
                    continue
                first, _, written = split_pairs(sample[column].slice(0, 500))
                if written.any() and np.isfinite(first[written]).mean() > 0.8:
                    texts = [t for t in sample[column].slice(0, 500).to_pylist() if t]
                    if np.mean([bool(re.search(r"\d\.\d{3,}.*\d\.\d{3,}", t)) for t in texts]) > 0.8:
                        found["coordinates"] = (column, Note("read.reason_content_pair"))
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
                found["occurred_from"] = (column, Note("read.reason_content_time"))
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
                found["category"] = (column, Note("read.reason_content_category", n=len(distinct)))
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
        raise SettingError(Note("read.no_datum", datum=datum, meant=did_you_mean(str(datum), DATUMS)))
    known = {"swapped", "sign"}
    if isinstance(repair, str):
        repair = (repair,)
    for name in repair:
        if name not in known:
            raise SettingError(Note("read.no_repair", name=name, meant=did_you_mean(str(name), known)))
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
            raise InputError(Note("read.no_column_to_keep", column=column, meant=did_you_mean(column, raw.columns)))
        if personal.get(column, "").startswith("identity numbers (by content)"):
            raise InputError(Note("read.holds_id_numbers", column=column))
        personal.pop(column, None)
    for role, (column, reason) in list(found.items()):
        if column in personal:
            if reason == "declared":
                raise InputError(Note("read.declared_personal", column=column, role=role, why=personal[column]))
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
                    Note(
                        "read.half_a_place",
                        file=raw.name,
                        half=half,
                        column=found[half][0],
                        other=other,
                        columns=_listed(raw.columns),
                    )
                )
        found.pop(half)
    found = {**guess_by_content(sample, found, personal), **found}
    plan = Plan({r: c for r, (c, _) in found.items()}, {r: why for r, (_, why) in found.items()}, personal)
    plan.chinese = is_chinese(raw.columns)
    if not place_columns(plan.roles):
        if need_places:
            raise InputError(Note("read.no_coordinates", file=raw.name, columns=_listed(raw.columns)))
        return plan
    decide_places(plan, raw, sample, datum, crs, repair, ask_datum)
    return plan


def _listed(columns) -> str:
    shown = [str(c)[:40] for c in columns[:12]]
    return ", ".join(shown) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")


SAID_BY_NAME = {
    "gcj02": r"gcj|火星|高德|amap|腾讯",
    "bd09": r"bd-?_?09|百度|baidu",
    "cgcs2000": r"cgcs|国家2000|2000坐标|大地2000",
    "wgs84": r"wgs|84坐标|gps",
}


def decide_places(plan: Plan, raw, sample, datum, crs, repair, ask_datum) -> None:
    """Set the plan's `pair_order, exchange, crs, datum, chinese` by a sample of the rows.

    Raises
    ------
    InputError
        If longitude and latitude are exchanged.
    CRSError
        If the datum or the CRS must be said and was not.
    SettingError
        If what was said contradicts itself.
    """
    x, y, _ = raw_places(plan, sample)
    fine = np.isfinite(x) & np.isfinite(y) & ~((x == 0) & (y == 0))
    if "coordinates" in plan.roles and place_columns(plan.roles) == ["coordinates"]:
        name = plan.roles["coordinates"].lower()
        texts = [t for t in sample[plan.roles["coordinates"]].slice(0, 200).to_pylist() if t]
        wkt = any(str(t).upper().lstrip().startswith(("POINT", "SRID")) for t in texts)
        says = (
            "lonlat"
            if wkt or re.search(r"lon.*lat|lng.*lat|经.*纬", name)
            else "latlon"
            if re.search(r"lat.*(lon|lng)|纬.*经", name)
            else None
        )
        if says is None:
            bracketed = np.mean([str(t).lstrip().startswith("(") for t in texts]) > 0.5 if texts else False
            exchanged = swapped_rows(x[fine], y[fine]).mean() > 0.5 if fine.any() else False
            says = "latlon" if exchanged or bracketed else "lonlat"
            plan.notes.append(Note(f"read.pair_{says}", column=plan.roles["coordinates"]))
        if says == "latlon":
            plan.pair_order = "latlon"
            x, y = y, x
    plan.crs = _crs_of(plan, raw, x[fine], y[fine], datum, crs)
    if plan.crs is not None:
        if datum in ("gcj02", "bd09"):
            raise SettingError(Note("read.datum_for_degrees", datum=datum, crs=plan.crs.name))
        plan.datum = "wgs84"
        return
    swapped = swapped_rows(x[fine], y[fine])
    if fine.sum() and swapped.mean() > 0.5 and "swapped" not in repair:
        lon, lat = plan.roles.get("lon"), plan.roles.get("lat")
        remedy = f"columns={{'lon': {lat!r}, 'lat': {lon!r}}}" if lon else "repair=['swapped']"
        raise InputError(
            Note(
                "read.exchanged",
                file=raw.name,
                n=int(swapped.sum()),
                pairs=int(fine.sum()),
                lon=x[fine][swapped][0],
                lat=y[fine][swapped][0],
                remedy=remedy,
            )
        )
    if "swapped" in repair:
        at = np.flatnonzero(fine)[swapped]
        x[at], y[at] = y[at].copy(), x[at].copy()
    inside = could_be_in_china(x[fine], y[fine])
    plan.datum = datum or "wgs84"
    if datum is None and raw.crs is None and fine.any() and inside.mean() > 0.5:
        told = _datum_said(plan, raw)
        if told:
            plan.datum = told
            plan.notes.append(Note("read.datum_by_name", datum=told))
        elif ask_datum:
            raise CRSError(Note("read.datum_needed", file=raw.name))
        plan.chinese = True
    elif fine.any() and inside.mean() > 0.5:
        plan.chinese = True


def _datum_said(plan: Plan, raw) -> str | None:
    names = " ".join([*(plan.roles[r] for r in place_columns(plan.roles)), *raw.notes, raw.name]).lower()
    told = [d for d, pattern in SAID_BY_NAME.items() if re.search(pattern, names)]
    return told[0] if len(told) == 1 else None


def _crs_of(plan: Plan, raw, x, y, datum, crs) -> CRS | None:
    """The CRS the numbers are in, None for degrees on `datum`."""
    if crs is not None:
        crs = as_crs(crs)
    elif raw.crs is not None and plan.roles.get("lon") == X:
        crs = as_crs(raw.crs)
    if crs is not None:
        return None if crs.is_geographic and crs.to_epsg() in (4326, 4490) else crs
    far = (np.abs(x) > 360) | (np.abs(y) > 360)
    if not len(x) or far.mean() <= 0.5:
        return None
    if datum in (None, "cgcs2000"):
        for exchange in (False, True):
            east, north = (y, x) if exchange else (x, y)
            zone = cgcs2000_zone(east[far])
            if zone is not None and np.median(np.abs(north[far])) < 6e6 and (datum or plan.chinese):
                plan.exchange = exchange
                plan.notes.append(Note("read.cgcs_zone_xy" if exchange else "read.cgcs_zone", zone=zone))
                return CRS.from_epsg(zone)
    raise CRSError(Note("read.crs_needed", file=raw.name, x=x[far][0], y=y[far][0]))


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
        plan.notes.append(Note("read.clock_joined", clock=clock, date=plan.roles["occurred_from"]))


def decide_times(plan: Plan, raw: RawTable, batches, timezone, date_order) -> None:
    """Set the plan's rule for each column of times, by all its rows.

    Raises
    ------
    InputError
        If the order of day and month cannot be told.
    """
    if timezone is None and plan.chinese:
        timezone = "Asia/Shanghai"
        plan.notes.append(Note("read.timezone_assumed"))
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
            raise InputError(
                Note("read.column_problem_in", column=plan.roles[role], file=raw.name, problem=problem)
            ) from None
        plan.rules[role] = rule
        if rule.midnight_is_day:
            plan.notes.append(Note("read.midnight_everywhere", column=plan.roles[role]))
        if rule.date_order and evidence.numbers:
            plan.notes.append(Note("read.date_order_found", column=plan.roles[role], order=rule.date_order))
        if len(evidence.formats) > 1:
            formats = [f"{k} {v}" for k, v in evidence.formats.items()]
            plan.notes.append(Note("read.time_formats", column=plan.roles[role], formats=formats))


def time_texts(table, plan: Plan):
    """The time column, with the clock of a second column behind the date where there is one."""
    values = table[plan.roles["occurred_from"]]
    if plan.clock is None:
        return values
    day = values.cast(pa.string()) if not pa.types.is_string(values.type) else values
    clock = pc.utf8_trim_whitespace(table[plan.clock].cast(pa.string()))
    digits = pc.fill_null(pc.match_substring_regex(clock, r"^\d{1,4}$"), False)
    padded = pc.utf8_lpad(clock, 4, "0")
    colon = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(padded, 0, 2), pc.utf8_slice_codeunits(padded, 2, 4), ":"
    )
    hours = pc.fill_null(pc.match_substring_regex(clock, r"^\d{1,2}$"), False)
    clock = pc.if_else(hours, pc.binary_join_element_wise(clock, "00", ":"), pc.if_else(digits, colon, clock))
    day = pc.replace_substring_regex(day, r"[ T](00:00(:00(\.0+)?)?|12:00(:00)? ?[Aa][Mm])$", "")
    joined = pc.binary_join_element_wise(day, clock, " ")
    return pc.if_else(pc.fill_null(pc.equal(clock, ""), True), day, joined)
