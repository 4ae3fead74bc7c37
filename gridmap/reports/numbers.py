"""Numbers on paper, written as the map page writes them, digit for digit."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np

__all__ = ["number", "percent", "shown"]


def number(value: Any, digits: int = 2) -> str:
    """A number with at most so many decimals, halves rounded away from zero, as browsers do.

    Examples
    --------
    >>> number(1234.125), number(3.0), number(float("nan"))
    ('1,234.13', '3', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    said = f"{Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"
    said = said.rstrip("0").rstrip(".") if "." in said else said
    return "0" if said == "-0" else said


def percent(share: Any, language: str = "en") -> str:
    """A share as the page says it: with a space before the sign in English."""
    return "–" if share is None else number(100 * share, 0) + ("%" if language == "zh" else " %")


def shown(key: str, value: Any, language: str = "en") -> str:
    """A number the way its column is read.

    Examples
    --------
    >>> shown("ratio", 3.14), shown("q_value", 0.0004), shown("difference", -12), shown("stability", 0.884)
    ('×3.1', '< 0.001', '−12', '88 %')
    """
    if value is None or not np.isfinite(value):
        return "–"
    if key in ("p_value", "q_value"):
        return "< 0.001" if value < 0.001 else number(value, 3)
    if key == "ratio":
        return "×" + number(value, 1 if value < 10 else 0)
    if key == "difference":
        return ("+" if value > 0 else "−" if value < 0 else "±") + number(abs(value), 1)
    if key == "stability":
        return percent(value, language)
    if key == "z_score":
        return number(value, 1)
    return number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)
