"""What is decided about a table before its rows are converted: roles, persons, datum, order of dates.

All of it is decided once for the whole file and never row by row, and every decision that the caller did not make is
written down in the plan's notes; what must not be guessed is wanted back with an error.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyproj import CRS, Transformer

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.columns import ALIASES, NO_CATEGORY, PARTS, ROLES, match_columns, normal, simplified
from gridmap.read.coordinates import beside_the_mainland, could_be_in_china, numbers, split_pairs, swapped_rows
from gridmap.read.datum import DATUMS, cgcs2000_zone
from gridmap.read.h3_places import no_h3_column
from gridmap.read.metric_projection import as_crs
from gridmap.read.persons import personal_columns
from gridmap.read.tables.base import RawTable, ReadAgain
from gridmap.read.tables.vector import X, Y
from gridmap.read.times import (
    IMPOSSIBLE,
    MISSING,
    MONTHS,
    UNREADABLE,
    TimeEvidence,
    TimeRule,
    clean,
    read_times,
)

__all__ = [
    "Plan",
    "category_key",
    "category_variants",
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
    reasons: dict[str, Note]
    personal: dict[str, Note]
    datum: str = "wgs84"
    crs: CRS | None = None
    pair_order: str = "lonlat"
    exchange: bool = False
    chinese: bool = False
    #: Time zone of Taiwan, Hong Kong or Macao, where the points lie there.
    beside: str | None = None
    clock: str | None = None
    clock_minute: str | None = None
    clock_digits: int = 0
    clock_dashed: bool = False
    parts: dict[str, str] = field(default_factory=dict)
    rules: dict[str, TimeRule] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    h3: str | None = None
    h3_resolution: int | None = None

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
    """Whether a file is Chinese: some column is named in Chinese characters and none in kana or hangul."""
    text = "".join(map(str, names))
    other = re.search(r"[\u3041-\u30ff\uac00-\ud7a3]", text) or re.search(r"[発経緯県]|緯度.*経度|年月日", text)
    return bool(re.search(r"[\u4e00-\u9fff]", text)) and not other


def guess_by_content(
    sample: pa.Table, roles: Mapping[str, Any], personal: Collection[str], absent: Collection[str] = ()
) -> dict[str, tuple[str, Note]]:
    """Roles that no name gives, by what the columns hold: `(column, reason)` for time, lon, lat and category.

    Parameters
    ----------
    sample : pyarrow.Table
    roles : mapping
        What is known already.
    personal : collection of str
        Columns about persons, which are not looked at.
    absent : collection of str
        Roles that the caller left out.
    """
    found: dict[str, tuple[str, Note]] = {}

    def free() -> list[str]:
        used = {c for c, _ in roles.values()} | set(personal) | {c for c, _ in found.values()}
        return [c for c in sample.column_names if c not in used]

    if not ({"lon", "lat", "coordinates"} & (roles.keys() | set(absent))):
        found |= _places_by_content(sample, free())
        address = roles.get("address")
        if not found and address is not None and address[1].code != "read.reason_declared":
            found |= _places_by_content(sample, [address[0]])  # a column "location" that holds (41.88, -87.63)
    dated = "occurred_from" in roles or {"year", "month"} <= roles.keys()
    if not dated and "occurred_from" not in absent and (time := _time_by_content(sample, free())):
        found["occurred_from"] = time
    if "category" not in roles and "category" not in absent and (kind := _category_by_content(sample, free())):
        found["category"] = kind
    return found


def _places_by_content(sample: pa.Table, free: list[str]) -> dict[str, tuple[str, Note]]:
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
            return {"lon": (lon, Note("read.reason_content_lon")), "lat": (lat, Note("read.reason_content_lat"))}
    if not values:
        for column in free:
            if pa.types.is_string(sample[column].type) and _holds_pairs(sample[column].slice(0, 500)):
                return {"coordinates": (column, Note("read.reason_content_pair"))}
    return {}


def _holds_pairs(values: pa.ChunkedArray) -> bool:
    first, _, written = split_pairs(values)
    if not written.any() or np.isfinite(first[written]).mean() <= 0.8:
        return False
    texts = [t for t in values.to_pylist() if t]
    return bool(np.mean([bool(re.search(r"\d\.\d{3,}.*\d\.\d{3,}", t)) for t in texts]) > 0.8)


#: Milliseconds since 1970 look like any long number: they are times only under such a heading.
_TIME_IN_NAME = re.compile(r"time|date|stamp|_ts$|_dt$|epoch|时间|日期|時間|fecha|data|zeit|datum|дата|время|일시|시간")


def _time_by_content(sample: pa.Table, free: list[str]) -> tuple[str, Note] | None:
    for column in free:
        kind = sample[column].type
        digits = (
            r"\d{0,7}(\.\d+)?|\d{9,10}" if _TIME_IN_NAME.search(str(column).lower()) else r"\d{0,7}(\.\d+)?|\d{9,13}"
        )
        if not (pa.types.is_string(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            continue
        texts = sample[column].drop_null()
        if pa.types.is_string(texts.type):
            texts = pa.array(
                [t for t in texts.to_pylist()[:500] if not re.fullmatch(digits, t.strip())],
                pa.string(),
            )
        if len(texts) < max(1, 0.5 * min(sample.num_rows - sample[column].null_count, 500)):
            continue
        _, _, status = read_times(texts, TimeRule("dmy"))
        if (status == 1).mean() > 0.8:
            return column, Note("read.reason_content_time")
    return None


def _category_by_content(sample: pa.Table, free: list[str]) -> tuple[str, Note] | None:
    """The column of texts that repeat and are kinds of something: no channel, place, state or answer."""
    best: tuple[float, str, int] | None = None
    for column in free:
        if not pa.types.is_string(sample[column].type) or NO_CATEGORY.search(simplified(str(column)).lower()):
            continue
        texts = [t.strip() for t in sample[column].to_pylist() if t and t.strip()]
        distinct = set(texts)
        words = [t for t in distinct if re.search(r"[^\W\d_]{2}", t)]
        if not (
            len(texts) > 20 and 2 <= len(distinct) <= max(40, len(texts) ** 0.5) and len(words) > 0.8 * len(distinct)
        ):
            continue
        if {t.casefold() for t in distinct} <= NO_KINDS or _are_dates(texts):
            continue
        score = len(texts) / sample.num_rows
        if best is None or score > best[0] + 0.2:
            best = (score, column, len(distinct))
    return None if best is None else (best[1], Note("read.reason_content_category", n=best[2]))


#: Values that answer a question or name a channel, a weekday or a sex: no kinds of incident.
NO_KINDS = {
    *(
        "true",
        "false",
        "yes",
        "no",
        "y",
        "n",
        "t",
        "f",
        "si",
        "sí",
        "sim",
        "não",
        "nao",
        "oui",
        "non",
        "ja",
        "nein",
        "да",
        "нет",
    ),
    *(
        "是",
        "否",
        "有",
        "无",
        "はい",
        "いいえ",
        "無",
        "예",
        "아니오",
        "open",
        "closed",
        "pending",
        "new",
        "in progress",
        "resolved",
    ),
    *(
        "phone",
        "web",
        "app",
        "api",
        "mail",
        "email",
        "e-mail",
        "walk-in",
        "mobile",
        "online",
        "internet",
        "fax",
        "letter",
        "sms",
    ),
    *(
        "电话",
        "网络",
        "微信",
        "现场",
        "来访",
        "信件",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ),
    *(
        "male",
        "female",
        "unknown",
        "m",
        "w",
        "hombre",
        "mujer",
        "masculino",
        "femenino",
        "feminino",
        "男",
        "女",
        "am",
        "pm",
    ),
    *("已结案", "未结案", "处理中", "已办结", "待处理"),
}


def _are_dates(texts: list[str]) -> bool:
    _, _, status = read_times(pa.array(texts[:100]), TimeRule("dmy"))
    return bool((status == 1).mean() > 0.5)


@dataclass(frozen=True)
class _Wanted:
    """What the caller wants of the columns."""

    columns: Mapping[str, str | None]
    not_personal: Collection[str]
    h3: str | None = None

    @property
    def absent(self) -> set[str]:
        """Roles that are left out."""
        return {ALIASES.get(role, role) for role, column in self.columns.items() if column is None}


def make_plan(
    raw: RawTable,
    sample: pa.Table,
    *,
    columns: Mapping[str, str | None] | None = None,
    datum: str | None = None,
    crs: Any = None,
    not_personal: Collection[str] = (),
    repair: Collection[str] | str = (),
    need_places: bool = True,
    ask_datum: bool = True,
    h3_column: str | None = None,
    h3_resolution: int | None = None,
) -> Plan:
    """All decisions but those about times, from the names and a sample of the rows.

    Raises
    ------
    SettingError
        If an option is not known.
    InputError
        If there are no coordinates, they are exchanged, or a personal column is declared.
    CRSError
        If the datum or the CRS must be named.
    """
    repair = _check_options(datum, repair)
    declared = dict(columns or {}) if columns is None or hasattr(columns, "items") else columns
    if raw.crs is not None and X in raw.columns and not ({"lon", "lat"} & set(declared)):
        declared = {**declared, "lon": X, "lat": Y}
    if h3_column is not None:  # coordinates beside the cells are attributes
        _check_h3(h3_column, raw, datum, crs)
        declared, need_places = {**declared, "lon": None, "lat": None, "coordinates": None}, False
    wanted = _Wanted(declared, not_personal, h3_column)
    found, personal = _roles_and_persons(raw, sample, wanted)
    found = {role: taken for role, taken in found.items() if taken[0] != h3_column}
    _require_whole_place(found, declared, raw, need_places)
    found = _without_bare_clock(found, raw, sample, wanted, personal)
    guessed_roles = guess_by_content(sample, found, {*personal, h3_column or ""}, wanted.absent)
    if guessed_roles.get("coordinates", ("",))[0] == found.get("address", (None,))[0]:
        found.pop("address")
    found = {**guessed_roles, **found}
    plan = Plan({r: c for r, (c, _) in found.items()}, {r: why for r, (_, why) in found.items()}, personal)
    plan.h3, plan.h3_resolution = h3_column, h3_resolution
    plan.chinese = is_chinese(raw.columns)
    _drop_repeating_id(plan, sample)
    _decide_parts(plan, sample)
    guessed = [r for r, why in plan.reasons.items() if why.code != "read.reason_declared"]
    if guessed:
        taken = [Note("read.role_taken", role=r, column=plan.roles[r], why=plan.reasons[r]) for r in guessed]
        plan.notes.append(Note("read.roles_taken", roles=taken))
    _note_variants(plan, sample)
    if not place_columns(plan.roles):
        if need_places:
            raise InputError(Note("read.no_coordinates", file=raw.name, columns=_listed(raw.columns)))
        return plan
    decide_places(plan, raw, sample, datum, crs, repair, ask_datum)
    return plan


def _check_h3(column: str, raw: RawTable, datum: Any, crs: Any) -> None:
    if column not in raw.columns:
        raise no_h3_column(column, raw.name, raw.columns)
    if datum not in (None, "wgs84") or crs is not None:
        raise SettingError(Note("read.h3_has_its_datum", column=column, given=datum if crs is None else crs))


def _check_options(datum: Any, repair: Any) -> tuple[str, ...]:
    if datum is not None and datum not in DATUMS:
        raise SettingError(Note("read.no_datum", datum=datum, meant=did_you_mean(str(datum), DATUMS)))
    known = {"swapped", "sign"}
    repair = (repair,) if isinstance(repair, str) else tuple(repair)
    for name in repair:
        if name not in known:
            raise SettingError(Note("read.no_repair", name=name, meant=did_you_mean(str(name), known)))
    return repair


def _category_that_differs(
    raw: RawTable, sample: pa.Table, found: Mapping[str, tuple[str, Note]]
) -> dict[str, tuple[str, Note]]:
    """Of two columns named as kinds usually are the one that tells rows apart, as 手口 beside 罪名 of thefts only."""
    column, why = found.get("category", (None, None))
    if column is None or why is None or why.code != "read.reason_named" or len(pc.unique(sample[column])) != 1:
        return {}
    taken = {c for c, _ in found.values()}
    others = [c for c in raw.columns if c not in taken and normal(c) in ROLES["category"]]
    telling = (c for c in others if 2 <= len(pc.unique(sample[c])) <= max(2, len(sample) / 3))
    other = next(telling, None)
    return {} if other is None else {"category": (other, why)}


def _roles_and_persons(raw: RawTable, sample: pa.Table, wanted: _Wanted) -> tuple[dict[str, tuple[str, Note]], dict]:
    """The roles by name, without columns about persons; and those columns, each with what tells it."""
    found = match_columns(list(raw.columns), wanted.columns)
    bare = _without_values(found, sample)
    if bare:  # a role's usual name over nothing: another column may hold it
        declared = {r: c for r, (c, why) in found.items() if why.code == "read.reason_declared"}
        again = match_columns([c for c in raw.columns if c not in bare], {**dict.fromkeys(wanted.absent), **declared})
        found = {
            **again,
            **{r: c for r, c in found.items() if r not in again and c[0] not in {a for a, _ in again.values()}},
        }
    found |= _category_that_differs(raw, sample, found)
    placed = {found[r][0] for r in ("lon", "lat", "coordinates") if r in found} | {wanted.h3}
    areas = {found[r][0] for r in ("zone", "category") if r in found}
    personal = personal_columns(
        ((c, sample[c].slice(0, 20_000).to_pylist()) for c in raw.columns if c not in placed),
        numbered={found["incident_id"][0]} if "incident_id" in found else set(),
        addresses={found["address"][0]} if "address" in found else set(),
        areas=areas,
    )
    for column in wanted.not_personal:
        if column not in raw.columns:
            raise InputError(Note("read.no_column_to_keep", column=column, meant=did_you_mean(column, raw.columns)))
        if personal.get(column, "").startswith("identity numbers (by content)"):
            raise InputError(Note("read.holds_id_numbers", column=column))
        personal.pop(column, None)
    for role, (column, reason) in list(found.items()):
        if column in personal:
            if reason.code == "read.reason_declared":
                raise InputError(Note("read.declared_personal", column=column, role=role, why=personal[column]))
            found.pop(role)
    if len(found) < len(ROLES):
        # A personal column may have stood before a good one: look at the rest once more.
        rest = [c for c in raw.columns if c not in personal]
        kept = {r: c for r, (c, why) in found.items() if why.code == "read.reason_declared"}
        found = {**match_columns(rest, {**dict.fromkeys(wanted.absent), **kept}), **found}
        taken: dict[str, tuple[str, Note]] = {}
        for role, (column, why) in found.items():
            taken.setdefault(column, (role, why))
        found = {role: (column, why) for column, (role, why) in taken.items()}
    return found, personal


def _without_values(found: dict[str, tuple[str, Note]], sample: pa.Table) -> set[str]:
    """Columns taken by name for a kind, a time, a number or an area that hold nothing in the sample."""
    if not sample.num_rows:
        return set()
    taken = [c for r, (c, why) in found.items() if r not in _PLACE_ROLES and why.code != "read.reason_declared"]
    return {c for c in taken if not _holds_anything(sample[c])}


_PLACE_ROLES = ("lon", "lat", "coordinates", "address")


def _holds_anything(values: pa.ChunkedArray) -> bool:
    if values.null_count == len(values):
        return False
    if not pa.types.is_string(values.type):
        return True
    return bool(pc.any(pc.not_equal(pc.utf8_trim_whitespace(values), "")).as_py())


_CLOCK = re.compile(
    r"(\d{1,2}([:：]\d{2}){1,2}(\s*[APap]\.?[Mm]\.?)?|\d{1,2}[时時点點]\d{0,2}分?|([01]?\d|2[0-3])[0-5]\d([0-5]\d)?|[0-5]?\d)"
)


def _without_bare_clock(
    found: dict, raw: RawTable, sample: pa.Table, wanted: _Wanted, personal: Collection[str]
) -> dict:
    """A column taken for the time that holds clocks only (發生時間 beside 發生日期): it goes behind the date."""
    column, why = found.get("occurred_from", (None, None))
    if column is None or why.code == "read.reason_declared" or not pa.types.is_string(sample[column].type):
        return found
    texts = [t.strip() for t in sample[column].slice(0, 500).to_pylist() if t and t.strip()]
    if not texts or np.mean([bool(_CLOCK.fullmatch(t)) for t in texts]) < 0.9:
        return found
    rest = [c for c in raw.columns if c not in personal]
    kept = {role: c for role, (c, note) in found.items() if note.code == "read.reason_declared"}
    clocked = {**dict.fromkeys(wanted.absent), **kept, "time_of_day": column}
    again = match_columns(rest, clocked)
    clock = {"time_of_day": (column, Note("read.reason_clock"))}
    if all(t.isdigit() for t in texts) and "occurred_from" not in again:
        return found  # 210313 alone may be a day
    return (
        {**found, **{r: again[r] for r in ("occurred_from",) if r in again}, **clock}
        if "occurred_from" in again
        else {**{r: c for r, c in found.items() if r != "occurred_from"}, **clock}
    )


def _require_whole_place(found: dict, declared: Mapping, raw: RawTable, need_places: bool) -> None:
    """A longitude needs a latitude."""
    if ("lon" in found) == ("lat" in found):
        return
    half, other = ("lon", "lat") if "lon" in found else ("lat", "lon")
    if need_places and (declared.get(half) or "coordinates" not in found):
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


def _drop_repeating_id(plan: Plan, sample: pa.Table) -> None:
    """An id that most rows share with others of another time or place names a station, a day, a batch."""
    column = plan.roles.get("incident_id")
    if column is None or plan.reasons["incident_id"].code == "read.reason_declared":
        return
    where = [plan.roles[r] for r in ("incident_id", "occurred_from", "lon", "lat", "coordinates") if r in plan.roles]
    filled = sample.select(list(dict.fromkeys(where))).filter(sample[column].is_valid())
    distinct = len(filled[column].unique())
    # The same incident exported twice has the same time and place; an id does not repeat elsewhere.
    places = len(filled.group_by(filled.column_names).aggregate([])) if len(where) > 1 else distinct
    if len(filled) >= 10 and distinct < 0.6 * len(filled) and places > 1.3 * distinct:
        plan.roles.pop("incident_id")
        plan.reasons.pop("incident_id")
        plan.notes.append(Note("read.id_repeats", column=column, n=len(filled), distinct=distinct))


def _decide_parts(plan: Plan, sample: pa.Table) -> None:
    """Year, month, day, hour and minute in columns of their own, where no column holds the whole date."""
    parts = {role: plan.roles.pop(role) for role in PARTS if role in plan.roles}
    reasons = {role: plan.reasons.pop(role) for role in PARTS if role in plan.reasons}
    if "occurred_from" not in plan.roles and {"year", "month"} <= parts.keys():
        if "hour" not in parts and "time_of_day" in plan.roles:
            parts["hour"] = plan.roles.pop("time_of_day")
            plan.reasons.pop("time_of_day")
        plan.parts = parts
        plan.roles["occurred_from"] = parts["year"]
        plan.reasons["occurred_from"] = reasons["year"]
        plan.notes.append(Note("read.parts_joined", columns=list(parts.values())))
    elif "time_of_day" not in plan.roles and "hour" in parts:
        plan.roles["time_of_day"] = parts["hour"]
        plan.reasons["time_of_day"] = reasons["hour"]
    if not plan.parts and "time_of_day" in plan.roles:
        plan.clock_minute = parts.get("minute")


def _note_variants(plan: Plan, sample: pa.Table) -> None:
    """Categories that differ by case and blanks only are one kind written in several ways: noted, joined on request."""
    column = plan.roles.get("category")
    if column is None or not pa.types.is_string(sample[column].type):
        return
    variants = category_variants(t for t in sample[column].unique().to_pylist() if t)
    if variants:
        plan.notes.append(Note("read.category_variants", column=column, n=len(variants), examples=variants[0][:3]))


def category_variants(texts: Iterable[str]) -> list[list[str]]:
    """Groups of texts that differ by case, width and blanks only.

    Examples
    --------
    >>> category_variants(["Theft", "THEFT ", "theft", "Robbery"])
    [['THEFT', 'Theft', 'theft']]
    """
    groups: dict[str, set[str]] = {}
    for text in texts:
        groups.setdefault(category_key(text), set()).add(text.strip())
    return [sorted(group) for group in groups.values() if len(group) > 1]


def category_key(text: str) -> str:
    """A category without case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _listed(columns) -> str:
    shown = [str(c)[:40] for c in columns[:12]]
    return ", ".join(shown) + (f" and {len(columns) - 12} more" if len(columns) > 12 else "")


SAID_BY_NAME = {
    "gcj02": r"gcj|火星|高德|amap|腾讯",
    "bd09": r"bd-?_?09|百度|baidu",
    "cgcs2000": r"cgcs|国家2000|2000坐标|大地2000",
    "wgs84": r"wgs|84坐标|gps",
}


HONG_KONG = 2326
#: Grids of Taiwan (TWD97 and TWD67, of the main island and of those in its west), Hong Kong and Macao: EPSG code, time
#: zone of the place, and what headings say where they name it.
GRIDS_BESIDE = (
    (3826, "Asia/Taipei", r"twd.?97"),
    (3828, "Asia/Taipei", r"twd.?67"),
    (3825, "Asia/Taipei", r"twd.?97"),
    (3827, "Asia/Taipei", r"twd.?67"),
    (HONG_KONG, "Asia/Hong_Kong", r"hk.?(19)?80|hong.?kong|香港"),
    (8433, "Asia/Macau", r"maca[uo]|澳門|澳门"),
)


def decide_places(plan: Plan, raw, sample, datum, crs, repair, ask_datum) -> None:
    """Set the plan's `pair_order, exchange, crs, datum, chinese` by a sample of the rows.

    Raises
    ------
    InputError
        If longitude and latitude are exchanged.
    CRSError
        If the datum or the CRS must be declared and was not.
    SettingError
        If the declarations contradict each other.
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
            bracketed = (
                np.mean(["(" in str(t) and str(t).rstrip().endswith(")") for t in texts]) > 0.5 if texts else False
            )
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
    plan.beside = beside_the_mainland(x[fine], y[fine])
    plan.datum = datum or "wgs84"
    if datum is None and raw.crs is None and fine.any() and inside.mean() > 0.5:
        found = _declared_datum(plan, raw)
        if found:
            plan.datum = found
            plan.notes.append(Note("read.datum_by_name", datum=found))
        elif plan.beside is not None:
            plan.notes.append(Note("read.datum_beside", place=Note(f"read.place_{plan.beside[5:].lower()}")))
        elif ask_datum:
            raise CRSError(Note("read.datum_needed", file=raw.name))
        plan.chinese = True
    elif fine.any() and inside.mean() > 0.5:
        plan.chinese = True


def _declared_datum(plan: Plan, raw) -> str | None:
    names = " ".join([*(plan.roles[r] for r in place_columns(plan.roles)), *raw.notes, raw.name]).lower()
    found = [d for d, pattern in SAID_BY_NAME.items() if re.search(pattern, names)]
    return found[0] if len(found) == 1 else None


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
    return _crs_beside(plan, raw, x[far], y[far])


def _crs_beside(plan: Plan, raw, x, y) -> CRS:
    """The grid of Taiwan, Hong Kong or Macao that the headings name and the numbers fit.

    Raises
    ------
    CRSError
        If they name none: with those that the numbers fit, where there are some.
    """
    names = " ".join([*map(str, raw.columns), *map(str, raw.notes), raw.name])
    fits = []
    for code, zone, words in GRIDS_BESIDE:
        lon, lat = Transformer.from_crs(code, 4326, always_xy=True).transform(x, y)
        if beside_the_mainland(lon, lat) == zone:
            fits.append((code, zone, re.search(words, names, re.IGNORECASE)))
    named = [(code, zone, found[0]) for code, zone, found in fits if found]
    if named:
        code, plan.beside, word = named[0]
        crs = CRS.from_epsg(code)
        plan.notes.append(Note("read.crs_by_name", crs=crs.name, code=code, word=word))
        return crs
    if fits and (is_chinese(raw.columns) or HONG_KONG in [code for code, _, _ in fits]):  # numbers few others have
        codes = [f"EPSG:{code} ({CRS.from_epsg(code).name})" for code, _, _ in fits]
        raise CRSError(Note("read.crs_of", file=raw.name, x=x[0], y=y[0], crs=codes, first=f"EPSG:{fits[0][0]}"))
    raise CRSError(Note("read.crs_needed", file=raw.name, x=x[0], y=y[0]))


#: 22:15, 2215, 221500, 22时15分, 晚上10点, 0.75 of a day, and from one to another.
_LOOKS_LIKE_A_CLOCK = re.compile(
    r"\D{0,4}\d{1,2}([:：时点時h.–~～至到-].*|\d{2}(\d{2})?([-–~～至到].*)?)?(\s*[APap]\.?[Mm]\.?)?|\d{5}|0?\.\d+"
)


def decide_clock(plan: Plan, sample: pa.Table) -> None:
    """The column of clock times goes behind the date only if the dates have no clock of their own."""
    clock = plan.roles.pop("time_of_day", None)
    plan.reasons.pop("time_of_day", None)
    if clock is None or "occurred_from" not in plan.roles or clock in plan.personal or plan.parts:
        return
    texts = [t for t in sample[clock].cast(pa.string()).slice(0, 500).to_pylist() if t and t.strip()]
    looks = np.mean([bool(_LOOKS_LIKE_A_CLOCK.fullmatch(t.strip())) for t in texts]) if texts else 0
    days = sample[plan.roles["occurred_from"]].slice(0, 500)
    readings = [read_times(days, TimeRule(order)) for order in ("dmy", "mdy", "ymd")]
    start, end, _ = max(readings, key=lambda reading: int((~np.isnat(reading[0])).sum()))
    known = ~np.isnat(start)
    at_midnight = (start == start.astype("datetime64[D]")) if known.any() else known
    if looks > 0.8 and known.any() and ((start != end) | at_midnight)[known].mean() > 0.9:
        plan.clock = clock
        plan.clock_digits = max((len(t.strip()) for t in texts if t.strip().isdigit()), default=0)
        dashed = [m for t in texts if (m := re.fullmatch(r"\d{1,2}[-–](\d{2})", t.strip()))]
        plan.clock_dashed = any(int(m[1]) > 24 for m in dashed)  # 22-15 is a clock, 22-24 runs from one to another
        plan.notes.append(Note("read.clock_joined", clock=clock, date=plan.roles["occurred_from"]))


def decide_times(plan: Plan, raw: RawTable, sample: pa.Table, batches, timezone, date_order) -> None:
    """Set the plan's rule for each column of times, by all its rows.

    Raises
    ------
    InputError
        If the order of day and month cannot be reported.
    """
    if timezone is None and plan.chinese:
        timezone = plan.beside or "Asia/Shanghai"
        plan.notes.append(Note("read.timezone_assumed", timezone=timezone))
    for role in ("occurred_from", "occurred_to"):
        if role not in plan.roles:
            continue
        wanted = [plan.roles[role]]
        if role == "occurred_from":
            wanted = list(plan.parts.values()) or wanted + ([plan.clock] if plan.clock else [])
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
        rule = replace(rule, from_1904=bool(raw.layout.get("counts_from_1904")))
        if not rule.republic and evidence.formats.get("six digits") and _of_taiwan(plan, raw, sample):
            rule = replace(rule, republic=True)
            plan.notes.append(Note("read.republic_years", column=plan.roles[role]))
        plan.rules[role] = rule
        _require_readable(plan, role, sample, evidence)
        if rule.midnight_is_day:
            plan.notes.append(Note("read.midnight_everywhere", column=plan.roles[role]))
        if rule.date_order and evidence.numbers:
            plan.notes.append(Note("read.date_order_found", column=plan.roles[role], order=rule.date_order))
        if len(evidence.formats) > 1:
            formats = [f"{k} {v}" for k, v in evidence.formats.items()]
            plan.notes.append(Note("read.time_formats", column=plan.roles[role], formats=formats))


def _of_taiwan(plan: Plan, raw: RawTable, sample: pa.Table) -> bool:
    """Whether headings are in traditional characters and the points lie in Taiwan, whose years they then are."""
    if all(simplified(str(c)) == str(c) for c in raw.columns) or not place_columns(plan.roles):
        return False
    x, y, _ = raw_places(plan, sample)
    fine = np.isfinite(x) & np.isfinite(y)
    inside = (x > 119) & (x < 122.5) & (y > 21.5) & (y < 26.5)
    return bool(fine.any() and inside[fine].mean() > 0.5)


def _require_readable(plan: Plan, role: str, sample: pa.Table, evidence: TimeEvidence) -> None:
    """Refuse a column of times most of which cannot be read, with an example; question years that lie ahead.

    Raises
    ------
    InputError
        If more than half of what is written in it is in no known format.
    """
    values = time_texts(sample, plan) if role == "occurred_from" else sample[plan.roles[role]]
    start, _, status = read_times(values, plan.rules[role])
    written = int((status != MISSING).sum())
    unread = np.flatnonzero((status == UNREADABLE) | (status == IMPOSSIBLE))
    if written >= 5 and len(unread) > 0.5 * written:
        example = str(values[int(unread[0])])[:60]
        raise InputError(
            Note("read.times_unreadable", column=plan.roles[role], n=len(unread), rows=written, example=example)
        )
    tomorrow = np.datetime64(dt.date.today()) + np.timedelta64(2, "D")
    ahead = int((start > tomorrow).sum())
    if ahead:
        plan.notes.append(Note("read.times_ahead", column=plan.roles[role], n=ahead, last=str(np.nanmax(start))[:10]))
    if evidence.short_years:
        first, last = (str(f(start[~np.isnat(start)]))[:4] for f in (np.min, np.max))
        plan.notes.append(Note("read.short_years", column=plan.roles[role], first=first, last=last))


def time_texts(table: pa.Table, plan: Plan) -> pa.ChunkedArray:
    """The time column, with the clock of a second column behind the date, or put together of its pieces."""
    if plan.parts:
        return _from_parts(table, plan.parts)
    values = table[plan.roles["occurred_from"]]
    if plan.clock is None:
        return values
    day = values.cast(pa.string()) if not pa.types.is_string(values.type) else values
    clock = pc.utf8_trim_whitespace(table[plan.clock].cast(pa.string()))
    if plan.clock_minute is not None:
        clock = _with_minutes(clock, pc.utf8_trim_whitespace(table[plan.clock_minute].cast(pa.string())))
    clock = pc.replace_substring_regex(
        clock, r"^(\d{1,2}):?(\d{2})\s*[-–—~～至到]\s*(\d{1,2}):?(\d{2})$", r"\1:\2~\3:\4"
    )
    if plan.clock_dashed:
        clock = pc.replace_substring_regex(clock, r"^(\d{1,2})[-–](\d{2})$", r"\1:\2")
    clock = pc.replace_substring_regex(
        clock, r"^(\d{1,2})\s*[时時點点]?\s*[-–—~～至到]\s*(\d{1,2})\s*[时時點点]?$", r"\1:00~\2:00"
    )
    clock = _with_digits(clock, plan.clock_digits)
    day = pc.replace_substring_regex(day, r"[ T](00:00(:00(\.0+)?)?|12:00(:00)? ?[Aa][Mm])$", "")
    joined = pc.binary_join_element_wise(day, clock, " ")
    return pc.if_else(pc.fill_null(pc.equal(clock, ""), True), day, joined)


def _with_minutes(hour: Any, minute: Any) -> Any:
    """Hours with the minutes of a column of their own; what is not a bare hour and a minute stays as it is."""
    hours = pc.replace_substring_regex(hour, r"(\.0+|[时時点])$", "")
    minutes = pc.replace_substring_regex(minute, r"(\.0+|分)$", "")
    both = pc.and_(pc.match_substring_regex(hours, r"^\d{1,2}$"), pc.match_substring_regex(minutes, r"^[0-5]?\d$"))
    return pc.if_else(
        pc.fill_null(both, False), pc.binary_join_element_wise(hours, pc.utf8_lpad(minutes, 2, "0"), ":"), hour
    )


def _with_digits(clock: Any, longest: int) -> Any:
    """Clocks of digits only with colons: 22 and 9 are hours, 2215 and (beside those) 5 are 22:15 and 0:05."""
    width = 6 if longest > 4 else 4
    digits = pc.fill_null(pc.match_substring_regex(clock, r"^\d{1,6}$"), False)
    padded = pc.utf8_lpad(clock, width, "0")
    pieces = [pc.utf8_slice_codeunits(padded, i, i + 2) for i in range(0, width, 2)]
    colon = pc.binary_join_element_wise(*pieces, ":")
    if longest <= 2:
        colon = pc.binary_join_element_wise(clock, "00", ":")
    out = pc.if_else(digits, colon, clock)
    fraction = pc.fill_null(pc.match_substring_regex(clock, r"^0?\.\d+$"), False)
    if not pc.any(fraction).as_py():
        return out
    seconds = pc.round(pc.multiply(pc.if_else(fraction, clock, None).cast(pa.float64()), 86_400.0)).cast(pa.int64())
    of_day = pa.array(
        [None if n is None else f"{n // 3600}:{n // 60 % 60:02d}:{n % 60:02d}" for n in seconds.to_pylist()]
    )
    return pc.if_else(fraction, of_day, out)


def _from_parts(table: pa.Table, parts: Mapping[str, str]) -> pa.Array:
    """Dates as text of year, month, day, hour and minute; null where year or month is missing."""
    columns = {
        role: [clean(str(v)) if v is not None else "" for v in table[c].to_pylist()] for role, c in parts.items()
    }
    hours = columns.get("hour", [])
    if any(re.fullmatch(r"\d{3,4}", h) for h in hours):  # 1325 and 5 are 13:25 and 0:05
        columns["hour"] = [f"{h.zfill(4)[:2]}:{h.zfill(4)[2:]}" if re.fullmatch(r"\d{1,4}", h) else h for h in hours]
    out: list[str | None] = []
    for i in range(table.num_rows):
        year, month, day, hour, minute = (_whole(columns[r][i]) if r in columns else "" for r in PARTS)
        month = str(MONTHS[month[:3].lower()]) if month[:3].lower() in MONTHS else month
        if not year and not month:
            out.append(None)
            continue
        text = f"{year}-{month.zfill(2)}" + (f"-{day.zfill(2)}" if day else "")
        out.append(
            text
            + (
                f" {hour}:{(minute or '0').zfill(2)}"
                if day and hour and ":" not in hour
                else f" {hour}"
                if day and hour
                else ""
            )
        )
    return pa.array(out, pa.string())


def _whole(text: str) -> str:
    """A number without the ".0" that a column with gaps gives it."""
    return re.sub(r"\.0+$", "", text.strip().rstrip("年月日时分"))
