"""Lengths of a period: what gridmap, pandas and a reader call them.

One table: the word of a setting (`every: month`), pandas' code, about how many days it has. Weeks run from Monday to
Sunday.
"""

import re
from typing import Any

import pandas as pd

__all__ = [
    "DAYS",
    "FREQUENCIES",
    "days_of",
    "every_of",
    "frequency_of",
    "period_of_text",
    "relative_period",
]

#: From the word to pandas' frequency, longest first.
FREQUENCIES = {"year": "Y", "quarter": "Q", "month": "M", "week": "W-SUN", "day": "D", "hour": "h"}
#: From the word to about how many days it has; an hour has less than one.
DAYS = {"year": 365, "quarter": 90, "month": 28, "week": 7, "day": 1, "hour": 0}
_BY_LETTER = {code[0].upper(): word for word, code in FREQUENCIES.items()} | {"A": "year", "B": "day"}


def frequency_of(every: str) -> str:
    """Pandas' frequency of a word.

    Examples
    --------
    >>> frequency_of("week")
    'W-SUN'
    """
    return FREQUENCIES[every]


def every_of(freq: Any) -> str | None:
    """The word for a frequency of pandas, a period, or an index of periods; None for what has none, such as minutes.

    Examples
    --------
    >>> import pandas as pd
    >>> every_of(pd.Period("2018-07")), every_of("W-SUN"), every_of(pd.PeriodIndex(["2018-07-01"], freq="h"))
    ('month', 'week', 'hour')
    >>> every_of("min") is None
    True
    """
    code = str(getattr(freq, "freqstr", freq)).lstrip("0123456789")
    if code.lower().startswith(("min", "ms", "us", "ns")) or code[:1].lower() == "s":
        return None
    return _BY_LETTER.get(code[:1].upper())


def days_of(freq: Any) -> int:
    """About how many days a period of that frequency has; 0 for hours and less.

    Examples
    --------
    >>> days_of("M"), days_of("h"), days_of("min")
    (28, 0, 0)
    """
    every = every_of(freq)
    return DAYS[every] if every else 0


def period_of_text(text: Any) -> pd.Period:
    """A period as it is written: a year, a month, a day, or its first and last day with a stroke between.

    Raises
    ------
    ValueError
        If it is written otherwise.

    Examples
    --------
    >>> period_of_text("2018-07").freqstr, period_of_text("2024-03-04/2024-03-10").freqstr
    ('M', 'W-SUN')
    >>> month = period_of_text("2024-03-04/2024-03-31")
    >>> month.start_time.date().isoformat(), month.end_time.date().isoformat()
    ('2024-03-04', '2024-03-31')
    """
    if isinstance(text, pd.Period):
        return text
    span = re.fullmatch(r"(\d{4}-\d{2}-\d{2})\s*/\s*(\d{4}-\d{2}-\d{2})", str(text))
    if span is None:
        return pd.Period(text)
    first, last = pd.Timestamp(span[1]), pd.Timestamp(span[2])
    days = (last - first).days + 1
    if days < 1:
        raise ValueError(f"{text} ends before it begins")
    return pd.Period(first, freq="W-SUN" if days == 7 and first.weekday() == 0 else f"{days}D")


_UNITS = {unit: FREQUENCIES[unit] for unit in ("day", "week", "month", "quarter", "year")}
_CHINESE = {
    "天": "day",
    "日": "day",
    "周": "week",
    "星期": "week",
    "月": "month",
    "季度": "quarter",
    "季": "quarter",
    "年": "year",
}
_LAST = re.compile(r"(?:the )?(last|past|previous|this|current)(?: (\d{1,3}))? (day|week|month|quarter|year)s?")
_LAST_CHINESE = re.compile(r"(上|本|这|最近|近|过去)(\d{1,3})?个?(天|日|周|星期|月|季度|季|年)")
_WORDS = {"yesterday": "last day", "昨天": "last day", "昨日": "last day", "去年": "last year", "今年": "this year"}


def relative_period(text: str, as_of: pd.Timestamp) -> str | None:
    """The dates of "last week", "last 4 weeks", "this month", 上周, 最近4周, as a text for `period_of_text`; else None.

    Last means the last that was over by the end of the day `as_of`, so that a week is always seven days and a month
    a month; weeks run from Monday to Sunday.

    Examples
    --------
    >>> day = pd.Timestamp("2024-03-13")
    >>> relative_period("last week", day), relative_period("last 4 weeks", day), relative_period("上月", day)
    ('2024-03-04/2024-03-10', '2024-02-12/2024-03-10', '2024-02')
    >>> relative_period("last 30 days", day), relative_period("this year", day), relative_period("2024-03", day)
    ('2024-02-13/2024-03-13', '2024', None)
    """
    text = " ".join(str(text).lower().split())
    text = _WORDS.get(text, text)
    if found := _LAST.fullmatch(text):
        last, number, unit = found[1] not in ("this", "current"), found[2], found[3]
    elif found := _LAST_CHINESE.fullmatch(text.replace(" ", "")):
        last, number, unit = found[1] not in ("本", "这"), found[2], _CHINESE[found[3]]
    else:
        return None
    n = int(number or 1)
    if n < 1:
        return None
    current = pd.Period(as_of, freq=_UNITS[unit])
    if not last:
        return str(current)
    over = current if current.end_time.normalize() == as_of.normalize() else current - 1
    if n == 1:
        return str(over)
    return f"{(over - n + 1).start_time.date()}/{over.end_time.date()}"
