# ruff: noqa: E501 -- patterns read best unbroken
"""When it happened: every way a date is written, as an interval of naive local time.

An exact time is an interval of length zero; a date alone is that day, a month alone that month, their ends
exclusive. Patterns are applied to whole columns (the distinct values at once), never row by row through a
guessing parser: `3/4/2024` is the third of April in every row or the fourth of March in every row, by
the evidence of the column, or the caller decides.

Read: ISO 8601, 2024/3/5, 24/3/5, 2024年3月5日下午3时20分, 二〇二四年三月五日, 民国113年3月5日, 113/03/05, 1130305, 令和6年3月5日,
5 Mar 2024, 5 de marzo de 2024, 5. März 2024, 5 марта 2024 г., 3:20 p. m., 10:00 PM EST, 20240305153000, Excel serial days, epoch seconds and milliseconds, fullwidth digits, 上午/下午/24时, zone
offsets, and two of them with 至, ~ or to between.
"""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note

__all__ = [
    "DAY",
    "HOUR",
    "IMPOSSIBLE",
    "MISSING",
    "MONTHS",
    "OK",
    "PATTERNS",
    "RANGE",
    "UNREADABLE",
    "TimeEvidence",
    "TimeRule",
    "clean",
    "days_since_1970",
    "distinct_texts",
    "format_parts",
    "in_order",
    "is_date",
    "plain_iso",
    "read_times",
    "shift_zones",
    "time_of_day",
    "to_local",
]

_AP = r"(?:凌晨|清晨|早上|早晨|上午|中午|正午|下午|傍晚|晚上|晚间|夜间|深夜|半夜|午夜|夜里|[aApP][mM])"
#: Abbreviations of time zones → hours from UTC. CST is China's where the data are.
ZONES = {
    **{"AKST": -9, "AKDT": -8, "PST": -8, "PDT": -7, "MST": -7, "MDT": -6, "CST": -6, "CDT": -5, "EST": -5, "EDT": -4},
    **{"HST": -10, "AST": -4, "ADT": -3, "BRT": -3, "ART": -3, "CLT": -4, "COT": -5, "WET": 0, "WEST": 1, "BST": 1},
    **{"CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "IST": 5.5, "ICT": 7, "HKT": 8},
    **{"SGT": 8, "PHT": 8, "JST": 9, "KST": 9, "AWST": 8, "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13},
}
_ABBREVIATION = "|".join(sorted(ZONES, key=len, reverse=True))
_CLOCK = (
    rf"(?:[T\s,]*(?P<ap>{_AP})?\s*(?P<H>\d{{1,2}})\s*(?:(?::|时|時|點|点)\s*(?P<half>半)?(?P<M>\d{{1,2}})?\s*(?:(?::|分)\s*(?P<S>\d{{1,2}})?"
    rf"(?:[.,](?P<f>\d{{1,9}}))?)?\s*秒?)?\s*(?P<pm>[aApP][mM])?"
    rf"\s*(?P<z>Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?|{_ABBREVIATION}|[A-Z][a-z]+/[A-Z][A-Za-z_]+)?)?\s*$"
)
_MON = r"(?P<mon>[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov|[Dd]ec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Za-z]*\.?"
PATTERNS = {
    "year-month-day": r"^(?P<y>\d{4})\s*(?:[-/.]|年)\s*(?P<m>\d{1,2})\s*(?:[-/.]|月)\s*(?P<d>\d{1,2})\s*[日号]?"
    + _CLOCK,
    "numbers": r"^(?P<a>\d{1,2})(?:[-/.]|年)(?P<b>\d{1,2})(?:[-/.]|月)(?P<c>\d{4}|\d{2})日?" + _CLOCK,
    "Republic": r"^(?P<r>[01]\d{2})\s*(?:[-/.]|年)\s*(?P<m>\d{1,2})\s*(?:[-/.]|月)\s*(?P<d>\d{1,2})\s*[日号]?" + _CLOCK,
    "Republic compact": r"^(?P<r>[01]\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])"
    r"(?:[T ](?P<H>\d{2}):?(?P<M>\d{2})(?::?(?P<S>\d{2}))?)?$",
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?:[T ]?(?P<H>\d{2}):?(?P<M>\d{2})(?::?(?P<S>\d{2}))?)?(?P<z>Z)?$",
    "compact hour": r"^(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])(?P<d>0[1-9]|[12]\d|3[01])(?P<H>[01]\d|2[0-4])$",
    "year-month": r"^(?P<y>\d{4})\s*(?:[-/.]|年)\s*(?P<m>\d{1,2})\s*(?:月份?)?$",
    "compact month": r"^(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])$",
    "six digits": r"^(?P<a>\d{2})(?P<b>0[1-9]|1[0-2])(?P<c>0[1-9]|[12]\d|3[01])$",
    "day month-name year": rf"^(?:[A-Za-z]{{3,9}},?\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-\s/.]+{_MON}[-\s/,.]+(?P<y>\d{{4}}|\d{{2}})"
    + _CLOCK,
    "month-name day year": rf"^(?:[A-Za-z]{{3,9}},?\s+)?{_MON}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})"
    + _CLOCK,
    "month-name year": rf"^{_MON}[-\s/,.']+(?P<y>\d{{4}}|\d{{2}})$",
    "Excel serial": r"^(?P<serial>[1-7]\d{4}(?:\.\d+)?)$",
    "epoch seconds": r"^(?P<s>\d{9,10})(?:\.\d+)?$",
    "epoch milliseconds": r"^(?P<ms>\d{12,13})(?:\.0)?$",
    "year": r"^(?P<y>(?:19|20)\d{2})年?$",
}
MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
#: Bytes that no time has, however many words it is written in.
LONGEST = 1000
RANGE = re.compile(r"\s*(?:至|到|~|～|—+|–|--|\s-\s|\sto\s)\s*")


#: Months in other languages, by the letters that tell them from each other, accents taken off → their number.
_FOREIGN_MONTHS = {
    **dict.fromkeys(("ene", "jan", "gen", "янв"), 1),
    **dict.fromkeys(("feb", "fev", "фев"), 2),
    **dict.fromkeys(("mar", "mae", "mrz", "мар"), 3),
    **dict.fromkeys(("abr", "apr", "avr", "апр"), 4),
    **dict.fromkeys(("may", "mai", "mag", "май", "мая"), 5),
    **dict.fromkeys(("jun", "juin", "giu", "июн"), 6),
    **dict.fromkeys(("jul", "juil", "lug", "июл"), 7),
    **dict.fromkeys(("ago", "aug", "aou", "авг"), 8),
    **dict.fromkeys(("sep", "set", "сен"), 9),
    **dict.fromkeys(("oct", "out", "okt", "ott", "окт"), 10),
    **dict.fromkeys(("nov", "ноя"), 11),
    **dict.fromkeys(("dic", "dez", "dec", "дек"), 12),
}
_ENGLISH = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
#: A weekday in two letters, before a day's number.
_SHORT_DAY = re.compile(
    r"^(mo|tu|we|th|fr|sa|su|di|mi|do|so|lu|ma|me|je|ju|ve|vi|se|пн|вт|ср|чт|пт|сб|вс)[.,]*\s+(?=\d)", re.IGNORECASE
)
_WEEKDAY = re.compile(
    r"^(lun|mar|mer|mie|jue|jeu|gio|vie|ven|sab|sam|dom|dim|seg|ter|qua|qui|sex|mon|die|mit|don|fre|son|tue|wed|thu|fri|sat|sun"
    r"|пон|вто|сре|чет|пят|суб|вос|пн|вт|ср|чт|пт|сб|вс)[^\W\d]*(-feira)?\.?,?\s+(?=\d|de|den|le|el)",
    re.IGNORECASE,
)
#: Japanese eras → the year before their first.
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "大正": 1911, "明治": 1867, "R": 2018, "H": 1988, "S": 1925}
_ERA = re.compile(r"^(令和|平成|昭和|大正|明治|[RHS])\s*(元|\d{1,2})\s*(?=[年./-])")
_PLAIN = re.compile(r"[\d\s:/.,+TZ-]*([AaPp][Mm])?$")
#: Digits that are more than a plain date and clock: full stops for colons, 2215 behind a date, a dash before a clock.
_NOT_SO_PLAIN = re.compile(r"\. |\s\d{1,2}\.\d{2}|[-/.]\d+\s+\d{4}$|\s[-–]\s\d{1,2}:")
#: About when: words that make a time no less exact than it is written.
_ABOUT = re.compile(
    r"(?<=[\d时時点點分半])\s*(左右|前后|前後|许|許|頃|ごろ|ころ|경|쯤)$|^(大约|大約|约|約|approx\.?|about|circa|ca\.)\s*"
)
#: Words between a date and its clock in seven languages.
_AT = re.compile(r"(?<=\d)\s*,?\s+(?:a las|a la|alle ore|alle|ore|às|as|um|at|à|a|v|в|kl\.?)\s+(?=\d)", re.IGNORECASE)
#: What a program writes behind a clock: UTC+8, GMT+0800 (China Standard Time), +08:00[Asia/Shanghai].
_FROM_UTC = re.compile(r"(?:UTC|GMT)\s?([+-])(\d{1,2})(?::?(\d{2}))?$")
_ZONE_REMARK = re.compile(r"(?<=[\dZ])\s*(\[[A-Za-z_/]+\]|\([^\d()]+\))$")
#: Wed Jan 13 22:15:00 EST 2021, as C's ctime writes it.
_CTIME = re.compile(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}:\d{2}:\d{2})( [A-Z]{3,4})? (\d{4})$")
_ISO_WEEK = re.compile(r"^(\d{4})-?W(\d{2})(?:-?([1-7]))?$")
#: A clock that runs to another: 22:00-23:30 behind a blank and without seconds, 08-10时, 8时至10时. After a T or after
#: seconds, -05:00 is an offset from UTC.
_CLOCK_RANGE = re.compile(r"(?<=\s)(\d{1,2}:\d{2})\s*[-–]\s*(\d{1,2}:\d{2})$")
_HOUR_RANGE = re.compile(r"(?<![\d:-])(\d{1,2})\s*[时時點点]?\s*[-–—~～至到]\s*(\d{1,2})\s*[时時點点]$")
#: What a spreadsheet or a program puts around a value: an apostrophe before it, ="…", /Date(…)/.
_WRAPPED = re.compile(r"""^(?:'|="(?=.*"$)|/Date\((?=-?\d+))|(?:(?<=.)"|(?:[+-]\d{4})?\)/)$""")


@lru_cache(maxsize=1 << 17)  # the same times are read again by each look at a file: some 20 MB
def clean(text: str) -> str:
    """A time's text with fullwidth forms, weekdays, months of other languages, numerals, eras and a. m. made plain.

    Examples
    --------
    >>> clean("13 de enero de 2021 10:30 p. m."), clean("13. März 2021, 8 Uhr"), clean("令和3年5月13日")
    ('13 Jan 2021 10:30 pm', '13 Mar 2021 8', '2021年5月13日')
    """
    if text[:1] in ("'", "=", "/"):
        text = _WRAPPED.sub("", text).strip()
    if _PLAIN.match(text) and not _NOT_SO_PLAIN.search(text):
        return _CLOCK_RANGE.sub(r"\1~\2", text)
    text = _HOUR_RANGE.sub(r"\1时~\2时", _CLOCK_RANGE.sub(r"\1~\2", unicodedata.normalize("NFKC", text).strip()))
    if "\uac00" <= max(text) <= "\ud7a3":
        text = _clean_korean(text)
    text = re.sub(r"^(\d{4})\.\s+(\d{1,2})\.\s+(\d{1,2})\.?", r"\1-\2-\3", text)
    if "\u3041" <= max(text, default="") <= "\u9fff":
        text = _clean_chinese(text)
    if match := _ERA.match(text):
        year = 1 if match[2] == "元" else int(match[2])
        text = str(_ERAS[match[1]] + year) + text[match.end() :]
    text = _clean_programs(_ABOUT.sub("", text))
    text = re.sub(r"\b([aApP])\s?\.\s?[mM]\b\.?|\b([aApP]) [mM]\b\.?", lambda m: (m[1] or m[2]) + "m", text)
    text = re.sub(r"(?<=\d)\s*(?:Uhr|uhr|hrs?\.?|hours|horas?|heures?|ore|ч\.?)$", "", text)
    text = re.sub(r"(?<=\d)\s?h\s?(\d{2})(?:\s?(?:m|min|mn)?)?$", r":\1", text)
    text = re.sub(r"(?<=\d)\s?h$", ":00", text)
    text = _AT.sub(" ", text)
    text = re.sub(r"(?<=[\d年月日]) (\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?=\.\d|\D|$)", _with_colons, text)
    text = re.sub(r"^(\d+[-/.]\d+[-/.]\d+)\s+([01]\d|2[0-3])([0-5]\d)$", r"\1 \2:\3", text)
    if re.search(r"[^\W\d_]{3}", text):
        text = _english_months(text)
    return text


def _clean_programs(text: str) -> str:
    """What only programs write: ctime, weeks of ISO 8601, zones in words, a dash between a date and its clock."""
    text = _SHORT_DAY.sub("", text)
    if match := _CTIME.match(text):
        text = f"{match[2]} {match[1]} {match[5]} {match[3]}{match[4] or ''}"
    if (match := _ISO_WEEK.match(text)) and 1 <= int(match[2]) <= 53:
        first, last = (_day_of_week(match, day) for day in (match[3] or 1, match[3] or 7))
        text = first if first == last else f"{first}~{last}"
    text = _ZONE_REMARK.sub("", text)
    text = _FROM_UTC.sub(lambda m: f"{m[1]}{int(m[2]):02d}:{m[3] or '00'}", text)
    day, dash, clock = text.partition(" - ")
    return f"{day} {clock}" if dash and ":" not in day and re.match(r"\d{1,2}:\d{2}(?!.*[-–~])", clock) else text


def _day_of_week(match: re.Match[str], day: Any) -> str:
    try:
        return dt.date.fromisocalendar(int(match[1]), int(match[2]), int(day)).isoformat()
    except ValueError:
        return match[0]


def _with_colons(match: re.Match[str]) -> str:
    """A clock written with full stops, 10.30 or 10.30.05, with colons."""
    return " " + ":".join(part for part in match.groups() if part)


def _clean_chinese(text: str) -> str:
    text = re.sub(
        r"\(?(?:星期|礼拜|禮拜|周|週)[一二三四五六日天]\)?|\([月火水木金土日](?:曜日?)?\)|[月火水木金土日]曜日?",
        " ",
        text,
    ).strip()
    text = re.sub(
        r"[〇零一二三四五六七八九十百]+(?=[年月日号时時点點分秒])", lambda m: _chinese_number(m.group(0)), text
    )
    for word, plain in {"午前": "上午", "午後": "下午", "早朝": "清晨", "夕方": "傍晚", "未明": "凌晨"}.items():
        text = text.replace(word, plain)
    if match := re.match(r"(?:中华|中華)?(?:民国|民國)\s*(\d{1,3}|元)\s*(?=[年./-])", text):
        year = 1 if match[1] == "元" else int(match[1])
        text = str(year + 1911) + text[match.end() :]
    return re.sub(r"^([01]\d{2})年(?=\d{1,2}月份?$)", lambda m: f"{int(m[1]) + 1911}年", text)


def _clean_korean(text: str) -> str:
    for word, plain in {
        "오전": "上午",
        "오후": "下午",
        "년": "年",
        "월": "月",
        "일": "日",
        "시": "时",
        "분": "分",
        "초": "秒",
    }.items():
        text = re.sub(rf"(?<=\d)\s*{word}" if len(word) == 1 else word, plain, text)
    return re.sub(r"[월화수목금토일]요일|\([월화수목금토일]\)", " ", text)


def _english_months(text: str) -> str:
    """Month names of Spanish, Portuguese, French, German, Italian and Russian as the English ones; particles left out."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c) or c == "\u0306")
    plain = unicodedata.normalize("NFKC", plain)
    plain = re.sub(r"^[2-6]a?-feira,?\s+", "", plain)  # Monday is the second day in Portuguese: 2ª-feira
    if (day := _WEEKDAY.match(plain)) and (
        re.search(r"[^\W\d_]{3}", plain[day.end() :]) or day[1].lower()[:3] not in _FOREIGN_MONTHS
    ):  # "mar" is Tuesday before a month and March before a day
        plain = plain[day.end() :]
    plain = re.sub(r"(?<=\d)(?=[^\W\d_]{3})|(?<=[^\W\d_]{3})(?=\d{4})", " ", plain)

    def month(match: re.Match[str]) -> str:
        word = match[0].lower().rstrip(".")
        number = _FOREIGN_MONTHS.get(word[:4]) or _FOREIGN_MONTHS.get(word[:3])
        return _ENGLISH[number - 1] + " " * match[0].endswith(".") if number else match[0]

    plain = re.sub(r"(?<![^\W\d_])[^\W\d_]{3,}\.?", month, plain)
    plain = re.sub(
        r"\b(de[ln]?|le|el|den|do)\b\.?|(?<=\d)(er|[ºª°]|o(?=\s))|\bг(ода|\.)?(?=\s|,|$)",
        " ",
        plain,
        flags=re.IGNORECASE,
    )
    plain = re.sub(r"^(\d{1,2})\.\s+", r"\1 ", plain.strip())
    plain = re.sub(r"(\d{4})\s*,\s+(?=\d)", r"\1 ", _AT.sub(" ", plain))
    return re.sub(r"\s+", " ", plain).strip()


def _chinese_number(text: str) -> str:
    digits = dict(zip("〇零一二三四五六七八九", "00123456789", strict=True))
    if "百" in text:  # 一百一十年, as the Republic counts
        hundreds, rest = text.split("百", 1)
        return str(int(digits.get(hundreds, "1")) * 100 + int(_chinese_number(rest.lstrip("〇零")) or 0))
    if "十" not in text:
        return "".join(digits[c] for c in text)
    tens, ones = text.split("十", 1)
    return str(int(digits.get(tens, "1")) * 10 + int(digits.get(ones, "0") if ones else 0))


DAY = 86_400_000_000
HOUR = DAY // 24
#: 1 January 1900 and what lies before it stand for no date.
_LEAST_DAY = -25566 * DAY


def distinct_texts(values) -> tuple[pa.Array, np.ndarray]:
    """Distinct texts, trimmed, and for each row which of them; their number stands for missing."""
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        values = pa.array([None if v is None or v != v else str(v) for v in values], pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        if pa.types.is_floating(values.type):
            values = pa.array(
                [None if v is None or v != v else f"{v:.10f}".rstrip("0").rstrip(".") for v in values.to_pylist()],
                pa.string(),
            )
        else:
            values = values.cast(pa.string())
    values = pc.utf8_trim_whitespace(values)
    long = pc.greater(pc.binary_length(values), LONGEST)
    if pc.any(long).as_py():  # patterns take the square of a text's length
        cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, 60), "… not a time", "")
        values = pc.if_else(pc.fill_null(long, False), cut, values)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    coded = values.dictionary_encode()
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return coded.dictionary, codes


def plain_iso(texts: pa.Array) -> np.ndarray | None:
    """Microseconds of plain ISO texts of one length, the common and fast case; None if any is not."""
    if not len(texts) or texts[0].as_py()[4:5] != "-":
        return None
    lengths = pc.min_max(pc.binary_length(texts)).as_py()
    if lengths["min"] != lengths["max"] or lengths["min"] not in (10, 19):
        return None
    try:
        return texts.cast(pa.timestamp("us")).cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None


def format_parts(texts: list[str]):
    """(format, which texts, their numbers) for each format that some text has."""
    left = np.arange(len(texts))
    cleaned = [clean(t) for t in texts]
    for name, pattern in PATTERNS.items():
        if not len(left):
            return
        values = pa.array([cleaned[i] for i in left], pa.string())
        found = pc.extract_regex(values, pattern=pattern)
        hit = np.asarray(found.is_valid())
        if not hit.any():
            continue
        fields = found.filter(pa.array(hit))
        raw = {f.name: fields.field(f.name) for f in fields.type}
        parts = {k: _number(k, v) for k, v in raw.items()}
        if "r" in parts:  # a year of the Republic of China
            parts["y"] = parts.pop("r") + 1911
        yield name, left[hit], parts
        left = left[~hit]


def _number(name: str, values: pa.Array) -> np.ndarray:
    if name in ("ap", "pm", "z", "half"):
        return np.asarray(values.fill_null("").to_pylist(), object)
    if name == "mon":
        return np.asarray([MONTHS[v[:3].lower()] for v in values.to_pylist()], np.int64)
    if name == "f":
        return np.asarray([int((v or "0").ljust(6, "0")[:6]) for v in values.to_pylist()], np.int64)
    if name == "serial":
        return np.asarray(values.cast(pa.float64()))
    filled = pc.if_else(pc.equal(values.fill_null(""), ""), "-1", values)
    return np.asarray(filled.cast(pa.int64()))


def in_order(parts: dict, order: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Year, month and day of dates written with numbers only, read in an order such as `dmy`; −1 for no year."""
    a, b, c = parts["a"], parts["b"], parts["c"]
    long_year = c > 99
    y, m, d = {"ymd": (a, b, c), "dmy": (c, b, a), "mdy": (c, a, b)}[order]
    if order == "ymd":
        y = np.where(long_year, -1, y)
    return full_year(y), m, d


def full_year(y: np.ndarray) -> np.ndarray:
    """Years of two digits in the hundred years that end with this one: no incident lies in the future."""
    last = dt.date.today().year
    this_century = last // 100 * 100
    return np.where(
        (y >= 0) & (y < 100), np.where(y + this_century <= last, y + this_century, y + this_century - 100), y
    )


def is_date(y, m, d) -> np.ndarray:
    """Whether there is such a day, from 1900 to 2100."""
    leap = (y % 4 == 0) & ((y % 100 != 0) | (y % 400 == 0))
    days = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])[np.clip(m, 0, 12)]
    days = np.where(leap & (m == 2), 29, days)
    return (y >= 1900) & (y <= 2100) & (m >= 1) & (m <= 12) & (d >= 1) & (d <= days)


def days_since_1970(y, m, d) -> np.ndarray:
    """Days from 1 January 1970 to a date."""
    months = ((np.clip(y, 1, 9999) - 1970) * 12 + np.clip(m, 1, 12) - 1).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64) + d - 1


def time_of_day(parts: dict, size: int):
    """Microseconds after midnight, whether a clock was written, whether it can be."""
    if "H" not in parts:
        return np.zeros(size, np.int64), np.zeros(size, bool), np.ones(size, bool)
    hour, minute, second = (np.maximum(parts.get(k, np.zeros(size, np.int64)), 0) for k in "HMS")
    clocked = parts["H"] >= 0
    word = parts["ap"] if "ap" in parts else np.full(size, "", object)
    word = np.where(word == "", parts.get("pm", ""), word)
    word = np.array([str(w).lower().replace(".", "") for w in word], object)
    late = np.isin(word, ["下午", "傍晚", "pm"])
    night = np.isin(word, ["晚上", "晚间", "夜间", "夜里", "深夜", "半夜"])
    noon = np.isin(word, ["中午", "正午"])
    early = np.isin(word, ["凌晨", "上午", "am", "午夜"])
    hour = np.where((late & (hour < 12)) | (noon & (hour < 3)), hour + 12, hour)
    # 夜间2时 is after midnight of the date as written, 晚上12时 the midnight that ends it; 12 of the morning is midnight.
    hour = np.where(night & (hour > 4) & (hour <= 12), hour + 12, hour)
    hour = np.where(early & (hour == 12) & (word != "上午"), 0, hour)
    if "half" in parts:
        minute = np.where(parts["half"] == "半", 30, minute)
    whole_day = (hour == 24) & (((minute == 0) & (second == 0)) | night)
    right = ((hour <= 23) | whole_day) & (minute <= 59) & (second <= 60)
    micro = hour * HOUR + minute * 60_000_000 + second * 1_000_000 + parts.get("f", 0)
    return micro, clocked, right | ~clocked


def shift_zones(moment: np.ndarray, zones: np.ndarray, timezone: str | None) -> np.ndarray:
    """Times with an offset or a zone's abbreviation, in `timezone`; without one they keep the clock as written."""
    if timezone is None or not (zones != "").any():
        return moment
    out = moment.copy()
    for zone in set(zones[zones != ""]):
        at = zones == zone
        if "/" in zone:
            out[at] = to_local(_utc(moment[at], zone), timezone)
            continue
        out[at] = to_local(moment[at] - int(_offset_min(zone, timezone)) * 60_000_000, timezone)
    return out


def _utc(moment: np.ndarray, zone: str) -> np.ndarray:
    """Microseconds on the clock of a named zone as microseconds of UTC; as they are where the name is not known."""
    stamps = pa.array(moment, pa.int64()).cast(pa.timestamp("us"))
    try:
        there = pc.assume_timezone(stamps, zone, ambiguous="earliest", nonexistent="earliest")
    except pa.ArrowInvalid:
        return moment
    return np.asarray(there.cast(pa.int64()))


def _offset_min(zone: str, timezone: str) -> float:
    """Minutes from UTC of +08:00, Z or EST."""
    if zone in ("Z", "UTC", "GMT"):
        return 0
    if zone == "CST" and timezone.startswith("Asia/"):
        return 480
    if zone in ZONES:
        return ZONES[zone] * 60
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 60 + int(zone[3:].lstrip(":") or 0))


def to_local(micro: np.ndarray, timezone: str) -> np.ndarray:
    """Microseconds of UTC as microseconds on the clock of a time zone."""
    stamps = pa.array(micro, pa.int64()).cast(pa.timestamp("us", tz=timezone))
    return np.asarray(pc.local_timestamp(stamps).cast(pa.int64()))


MISSING, OK, UNREADABLE, IMPOSSIBLE = 0, 1, 2, 3
ORDERS = ("ymd", "dmy", "mdy")
#: Words that say that a time is not known, in small letters: the place is kept, without a time.
NOTHING = {
    *("", "-", "--", "---", "/", "\\n", "?", "??", ".", "*", "x", "0", "00/00/0000", "0000-00-00", "0000/00/00"),
    *(
        "0000-00-00 00:00:00",
        "na",
        "n/a",
        "n.a",
        "n/d",
        "n.d",
        "nd",
        "s/d",
        "s/i",
        "s.d",
        "k.a",
        "k. a",
        "nan",
        "nat",
        "null",
    ),
    *(
        "nil",
        "none",
        "missing",
        "blank",
        "empty",
        "unk",
        "unknown",
        "unkn",
        "tbd",
        "tba",
        "tbc",
        "pending",
        "not known",
        "not available",
    ),
    *(
        "not recorded",
        "not stated",
        "not specified",
        "undefined",
        "no data",
        "other",
        "#n/a",
        "(null)",
        "<null>",
        "[null]",
    ),
    *(
        "无",
        "無",
        "不详",
        "不詳",
        "未知",
        "空",
        "不明",
        "不清",
        "不清楚",
        "未填",
        "未填写",
        "未登记",
        "未明",
        "不確定",
        "不确定",
    ),
    *(
        "记不清",
        "待查",
        "待定",
        "待核实",
        "待确认",
        "无法确定",
        "无法确认",
        "暂无",
        "时间不详",
        "時間不詳",
        "日时不明",
        "日時不明",
        "未記載",
        "なし",
        "불명",
        "미상",
        "알수없음",
        "모름",
    ),
    *("알 수 없음", "없음", "desconocido", "desconocida", "se desconoce", "sin dato", "sin datos", "sin informacion"),
    *(
        "sin información",
        "no disponible",
        "no consta",
        "no aplica",
        "no especificado",
        "no registra",
        "ignorado",
        "ignorada",
    ),
    *(
        "desconhecido",
        "desconhecida",
        "não informado",
        "nao informado",
        "não consta",
        "sem informação",
        "sem informacao",
    ),
    *("sem dados", "inconnu", "inconnue", "non renseigné", "non renseigne", "non précisé", "indéterminé", "unbekannt"),
    *(
        "keine angabe",
        "keine angaben",
        "nicht bekannt",
        "sconosciuto",
        "non noto",
        "ignoto",
        "неизвестно",
        "неизв",
        "нет",
    ),
    *(
        "undetermined",
        "to be confirmed",
        "(blank)",
        "blank",
        "não sabe",
        "nao sabe",
        "sin especificar",
        "sin hora",
        "sin fecha",
        "non disponible",
    ),
    *(
        "non connu",
        "keine",
        "unbek.",
        "unbek",
        "nicht angegeben",
        "non disponibile",
        "不祥",
        "時刻不明",
        "时刻不明",
        "未提供",
        "未提及",
        "无记录",
    ),
    *("無紀錄", "無資料", "무", "불상", "확인불가", "기재없음", "неизвестна", "не определено", "не установлена"),
    *("нет данных", "не установлено", "не известно", "не указано", "н/д"),
}


#: Dates that stand for none: the first and the last that a database or a spreadsheet knows.
_NO_DATE = re.compile(
    r"(0001|1753|1900)[-/.]0?1[-/.]0?1|1900[-/.]0?1[-/.]0?0|1899[-/.]12[-/.]3[01]|9999[-/.]12[-/.]31|0?1[-/.]0?1[-/.](0001|1753|1900)"
    r"|(31[-/.]12|12[-/.]31)[-/.]9999"
)


def _stands_for_none(text: str) -> bool:
    """Whether a text says that a time is not known."""
    plain = unicodedata.normalize("NFKC", text).lower().strip().rstrip(".。")
    return plain in NOTHING or bool(
        _NO_DATE.match(plain)
        and re.fullmatch(r"\S+([t ](0?0:00(:00(\.0+)?)?|12:00(:00)? am|23:59(:59(\.9+)?)?)z?)?", plain)
    )


@dataclass(frozen=True)
class TimeRule:
    """How a column of times is read: decided once, for all rows.

    Attributes
    ----------
    date_order : {"ymd", "dmy", "mdy"} or None
        Of dates written with numbers only and the year last or in two digits.
    timezone : str or None
        IANA name of the local time that comes out; None keeps the clock as it is written (and epochs in UTC).
    midnight_is_day : bool
        Every clock in the column says 00:00:00, so it means no more than the date.
    from_1904 : bool
        Serial days of a workbook that counts from 1 January 1904.
    republic : bool
        Years of two digits are those of the Republic of China.
    """

    date_order: str | None = None
    timezone: str | None = None
    midnight_is_day: bool = False
    from_1904: bool = False
    republic: bool = False


@dataclass
class TimeEvidence:
    """What a column of times shows, gathered over all of it before any row is decided."""

    formats: dict[str, int] = field(default_factory=dict)
    fits: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ORDERS, 0))
    numbers: int = 0
    clocks: int = 0
    midnights: int = 0
    short_years: int = 0
    dotted: int = 0

    def add(self, values) -> "TimeEvidence":
        """Look at some more of the column."""
        texts = distinct_texts(values)[0]
        plain = plain_iso(texts)
        if plain is not None:
            clocked = len(texts) if len(texts[0].as_py()) == 19 else 0
            self.formats["year-month-day"] = self.formats.get("year-month-day", 0) + len(texts)
            self.clocks += clocked
            self.midnights += int((plain % DAY == 0).sum()) if clocked else 0
            return self
        texts = texts.filter(pa.array([not _stands_for_none(t) for t in texts.to_pylist()], pa.bool_()))
        listed = texts.to_pylist()
        firsts = [_first_of_two(text) for text in listed]  # the order of day and month shows in a range too
        for name, at, parts in format_parts(firsts):
            self.formats[name] = self.formats.get(name, 0) + len(at)
            if "H" in parts:
                clocked = parts["H"] >= 0
                self.clocks += int(clocked.sum())
                zero = (parts["H"] == 0) & (parts.get("M", -1) <= 0) & (parts.get("S", -1) <= 0)
                self.midnights += int((clocked & zero).sum())
            if name == "six digits":  # always the year first, in two digits
                self.short_years += len(at)
            if name in ("day month-name year", "month-name year"):
                self.short_years += int((parts["y"] < 100).sum())
            if name == "numbers":
                self.numbers += len(at)
                self.short_years += int((parts["c"] < 100).sum())
                written = texts.take(pa.array(at))
                self.dotted += int(pc.sum(pc.match_substring_regex(written, r"^\s*\d{1,2}\.\d{1,2}\.\d")).as_py() or 0)
                for order in ORDERS:
                    y, m, d = in_order(parts, order)
                    self.fits[order] += int(is_date(y, m, d).sum())
        return self

    def rule(self, *, date_order: str | None = None, timezone: str | None = None, chinese: bool = False) -> TimeRule:
        """The rule that the whole column supports, or an error that asks.

        Parameters
        ----------
        date_order, timezone : the caller's own, which wins
        chinese : bool
            The file is Chinese, so a two-digit date that can be year-month-day is.

        Raises
        ------
        InputError
            If no value of the column distinguishes day and month.
        """
        if date_order is not None and date_order not in ORDERS:
            raise SettingError(Note("read.date_order_option", date_order=date_order, orders=list(ORDERS)))
        check_timezone(timezone)
        if date_order is None and self.numbers:
            best = max(self.fits.values())
            fit = [o for o in ORDERS if self.fits[o] == best and best > 0]
            if "Republic" in self.formats:  # 99/01/13 in a column that also has 110/01/13
                fit = ["ymd"]
            elif len(fit) > 1 and self.dotted == self.numbers and "dmy" in fit:
                fit = ["dmy"]  # nobody writes 03.04.2024 month first
            if len(fit) > 1 and chinese and "ymd" in fit:
                fit = ["ymd"]
            if len(fit) > 1:
                raise InputError(
                    Note("read.day_or_month", n=self.numbers, orders=" and ".join(fit), first=fit[0], second=fit[1])
                )
            if best < 0.9 * self.numbers and "Republic" not in self.formats:
                raise InputError(
                    Note("read.mixed_orders", n=self.numbers, best=best, fits=[f"{o} {self.fits[o]}" for o in ORDERS])
                )
            date_order = fit[0]
        midnight = self.clocks >= 20 and self.clocks == self.midnights
        republic = bool({"Republic", "Republic compact"} & self.formats.keys())
        return TimeRule(date_order, timezone, midnight, republic=republic)


def check_timezone(timezone: str | None) -> None:
    """Refuse a time zone that is none."""
    if timezone is not None:
        from zoneinfo import ZoneInfo

        try:
            ZoneInfo(timezone)
        except Exception:
            raise SettingError(Note("read.no_timezone", timezone=timezone)) from None


def read_times(values, rule: TimeRule | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A column of times as intervals.

    Parameters
    ----------
    values : Arrow array, Series or list of str, (n,)
        Text, or Arrow timestamps and dates, which are taken as they are.
    rule : TimeRule, optional
        By default decided from these values.

    Returns
    -------
    start, end : datetime64[us] arrays, (n,)
        Equal for an exact time; the end of a day or a month is exclusive. NaT where there is none.
    status : uint8 array, (n,)
        MISSING, OK, UNREADABLE or IMPOSSIBLE (such as 30 February).

    Examples
    --------
    >>> start, end, status = read_times(["2018-07", "2024年3月5日下午3时", "2024-02-30", ""])
    >>> start.astype("datetime64[m]").astype(str).tolist()
    ['2018-07-01T00:00', '2024-03-05T15:00', 'NaT', 'NaT']
    >>> end.astype("datetime64[D]").astype(str).tolist(), status.tolist()
    (['2018-08-01', '2024-03-05', 'NaT', 'NaT'], [1, 1, 3, 0])
    """
    typed = _typed(values, rule or TimeRule())
    if typed is not None:
        return typed
    if rule is None:
        rule = TimeEvidence().add(values).rule()
    texts, codes = distinct_texts(values)
    fast = plain_iso(texts)
    if fast is not None:
        low, status = fast, np.where(fast < _LEAST_DAY, MISSING, OK).astype(np.uint8)
        high = low + DAY if len(texts[0].as_py()) == 10 else low.copy()
        if rule.midnight_is_day:
            high = np.where(low == high, low + DAY, high)
    else:
        low, high, status = _read(texts.to_pylist(), rule)
    nat = np.iinfo(np.int64).min
    low, high = np.where(status == OK, low, nat), np.where(status == OK, high, nat)
    low, high, status = np.append(low, nat), np.append(high, nat), np.append(status, MISSING).astype(np.uint8)
    return low[codes].view("datetime64[us]"), high[codes].view("datetime64[us]"), status[codes]


def _typed(values, rule: TimeRule):
    """Times that are times already: Arrow timestamps and dates."""
    if not isinstance(values, pa.Array | pa.ChunkedArray):
        return None
    kind = values.type
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        return None
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        stamps = pc.local_timestamp(values.cast(pa.timestamp("us", tz=rule.timezone or kind.tz)))
    else:
        stamps = values
    stamps = stamps.cast(pa.timestamp("us"), safe=False)
    start = np.asarray(stamps.to_numpy(zero_copy_only=False) if isinstance(stamps, pa.Array) else stamps.to_numpy())
    start = start.astype("datetime64[us]")
    whole_days = pa.types.is_date(kind) or rule.midnight_is_day
    end = start + np.timedelta64(DAY, "us") if whole_days else start.copy()
    return start, end, np.where(np.isnat(start), MISSING, OK).astype(np.uint8)


def _read(texts: list[str], rule: TimeRule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n = len(texts)
    low, high = np.zeros(n, np.int64), np.zeros(n, np.int64)
    status = np.full(n, UNREADABLE, np.uint8)
    for name, at, parts in format_parts(texts):
        start, end, state = _interval(name, parts, rule)
        low[at], high[at], status[at] = start, end, state
    status[(status == OK) & (low < _LEAST_DAY)] = MISSING
    for i in np.flatnonzero(status != OK):
        if status[i] == MISSING or _stands_for_none(texts[i]):
            status[i] = MISSING
        elif status[i] == UNREADABLE and (pair := _range(clean(texts[i]), rule)) is not None:
            low[i], high[i], status[i] = pair
    return low, high, status


def _interval(name: str, parts: dict, rule: TimeRule):
    size = len(next(iter(parts.values())))
    if name in ("epoch seconds", "epoch milliseconds"):
        micro = parts["s"] * 1_000_000 if "s" in parts else parts["ms"] * 1000
        local = to_local(micro, rule.timezone or "UTC")
        return local, local, np.full(size, OK, np.uint8)
    if name == "Excel serial":
        serial = parts["serial"] + (1462 if rule.from_1904 else 0)
        micro = (np.round((serial - 25569) * 86_400) * 1_000_000).astype(np.int64)
        whole = serial % 1 == 0
        return micro, np.where(whole, micro + DAY, micro), np.full(size, OK, np.uint8)
    if name in ("numbers", "six digits"):
        order = "ymd" if name == "six digits" else rule.date_order
        y, m, d = in_order(parts, order) if order else (np.full(size, -1),) * 3
        if rule.republic:
            y, m, d = parts["a"] + 1911, parts["b"], parts["c"]
    else:
        y = full_year(parts["y"])
        m = parts.get("m", parts.get("mon", np.ones(size, np.int64)))
        d = parts.get("d", np.ones(size, np.int64))
    good = is_date(y, m, d)
    start = days_since_1970(y, m, d) * DAY
    if "d" not in parts and name not in ("numbers", "six digits"):
        after = days_since_1970(y + 1, m, d) if name == "year" else days_since_1970(y + m // 12, m % 12 + 1, d)
        return start, after * DAY, np.where(good, OK, IMPOSSIBLE).astype(np.uint8)
    clock, clocked, right = time_of_day(parts, size)
    moment = start + clock
    if "z" in parts:
        moment = shift_zones(moment, parts["z"], rule.timezone)
    dateless = ~clocked | (rule.midnight_is_day & (clock == 0))
    return moment, np.where(dateless, start + DAY, moment), np.where(good & right, OK, IMPOSSIBLE).astype(np.uint8)


def _first_of_two(text: str) -> str:
    """The first of two times in one cell; a text that is one time as it stands."""
    cleaned = clean(text)
    halves = [half for half in RANGE.split(cleaned) if half] if not _PLAIN.match(cleaned) else []
    return halves[0] if len(halves) == 2 else text


def _range(text: str, rule: TimeRule):
    """Two times in one cell: (low, high, status), or None where it is no such thing."""
    halves = [h for h in RANGE.split(text) if h]
    if len(halves) != 2:
        return None
    first, second = halves
    next_day = second.startswith(("次日", "翌日", "第二天"))
    second = re.sub(r"^(次日|翌日|第二天)", "", second).strip()
    alone = replace(rule, midnight_is_day=False)
    low, _high, state = _read_one(first, alone)
    if state != OK:
        return (0, 0, state) if state == IMPOSSIBLE else None
    low2, high2, state2 = _read_one(second, alone)
    if state2 not in (OK, IMPOSSIBLE):
        day = str(np.datetime64(low, "us").astype("datetime64[D]"))
        if re.match(r"^\d{1,2}[-/月.]\d{1,2}", second):  # 3月5日至6月7日: the year is the first one's
            low2, high2, state2 = _read_one(f"{day[:4]}-{re.sub('[月/.]', '-', second, count=1)}", alone)
        else:
            low2, high2, state2 = _read_one(f"{day} {second}", alone)
            if state2 == OK and (next_day or low2 < low):
                low2, high2 = low2 + DAY, high2 + DAY
    if state2 != OK:
        return (0, 0, state2) if state2 == IMPOSSIBLE else None
    return (low, high2, OK) if high2 >= low else (0, 0, IMPOSSIBLE)


def _read_one(text: str, rule: TimeRule) -> tuple[int, int, int]:
    for name, _, parts in format_parts([text]):
        start, end, state = _interval(name, parts, rule)
        return int(start[0]), int(end[0]), int(state[0])
    return 0, 0, UNREADABLE
