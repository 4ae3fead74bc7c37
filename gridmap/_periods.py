"""Lengths of a period: what gridmap, pandas and a reader call them.

One table: the word of a setting (`every: month`), pandas' code, about how many days it has. Weeks run from Monday to
Sunday.
"""

from typing import Any

__all__ = ["DAYS", "FREQUENCIES", "days_of", "every_of", "frequency_of"]

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
