# ruff: noqa: E501 -- patterns read best unbroken
"""How times are written: one pattern a format, tried in this order, and the cleaning that goes before.

Each pattern's named groups are what `gridmap.read.times` computes with: y, m, d, H, M, S, f (fraction), ap and pm (上午, PM),
z (zone), a, b, c (three numbers whose order the column decides), serial, s, ms, mon.
"""

import re
import unicodedata

__all__ = ["MONTHS", "PATTERNS", "RANGE", "clean"]

_AP = r"(?:凌晨|清晨|早上|早晨|上午|中午|正午|下午|傍晚|晚上|晚间|夜间|午夜|夜里|[aApP]\.?[mM]\.?)"
_CLOCK = (
    rf"(?:[T\s,]*(?P<ap>{_AP})?\s*(?P<H>\d{{1,2}})\s*(?:(?::|时|點|点)\s*(?P<half>半)?(?P<M>\d{{1,2}})?\s*(?:(?::|分)\s*(?P<S>\d{{1,2}})?"
    rf"(?:[.,](?P<f>\d{{1,9}}))?)?\s*秒?)?\s*(?P<pm>[aApP]\.?[mM]\.?)?\s*(?P<z>Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?)?)?\s*$"
)
_MON = r"(?P<mon>[Jj]an|[Ff]eb|[Mm]ar|[Aa]pr|[Mm]ay|[Jj]un|[Jj]ul|[Aa]ug|[Ss]ep|[Oo]ct|[Nn]ov|[Dd]ec|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Za-z]*\.?"
PATTERNS = {
    "year-month-day": r"^(?P<y>\d{4})\s*(?:[-/.]|年)\s*(?P<m>\d{1,2})\s*(?:[-/.]|月)\s*(?P<d>\d{1,2})\s*[日号]?"
    + _CLOCK,
    "numbers": r"^(?P<a>\d{1,2})(?:[-/.]|年)(?P<b>\d{1,2})(?:[-/.]|月)(?P<c>\d{4}|\d{2})日?" + _CLOCK,
    "compact": r"^(?P<y>(?:19|20)\d{2})(?P<m>\d{2})(?P<d>\d{2})(?:[T ]?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?)?(?P<z>Z)?$",
    "year-month": r"^(?P<y>\d{4})\s*(?:[-/.]|年)\s*(?P<m>\d{1,2})\s*(?:月份?)?$",
    "compact month": r"^(?P<y>(?:19|20)\d{2})(?P<m>0[1-9]|1[0-2])$",
    "day month-name year": rf"^(?:[A-Za-z]{{3,9}},?\s+)?(?P<d>\d{{1,2}})(?:st|nd|rd|th)?[-\s/.]+{_MON}[-\s/,.]+(?P<y>\d{{4}}|\d{{2}})"
    + _CLOCK,
    "month-name day year": rf"^(?:[A-Za-z]{{3,9}},?\s+)?{_MON}\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<y>\d{{4}})"
    + _CLOCK,
    "month-name year": rf"^{_MON}[-\s/,.]+(?P<y>\d{{4}})$",
    "Excel serial": r"^(?P<serial>[1-7]\d{4}(?:\.\d+)?)$",
    "epoch seconds": r"^(?P<s>\d{9,10})(?:\.\d+)?$",
    "epoch milliseconds": r"^(?P<ms>\d{12,13})(?:\.0)?$",
    "year": r"^(?P<y>(?:19|20)\d{2})年?$",
}
MONTHS = {
    m: i for i, m in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
RANGE = re.compile(r"\s*(?:至|到|~|～|—+|–|--|\s-\s|\sto\s)\s*")


def clean(text: str) -> str:
    """A time's text with fullwidth forms, weekdays, Chinese numerals and Republic years made plain."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"\(?(?:星期|礼拜|周)[一二三四五六日天]\)?", " ", text).strip()
    if re.match(r"[〇零一二三四五六七八九]{2,4}年", text):
        text = re.sub(r"[〇零一二三四五六七八九十]+", lambda m: _chinese_number(m.group(0)), text)
    if match := re.match(r"民国\s*(\d{1,3})(?=年)", text):
        text = str(int(match.group(1)) + 1911) + text[match.end() :]
    return text


def _chinese_number(text: str) -> str:
    digits = dict(zip("〇零一二三四五六七八九", "00123456789", strict=True))
    if "十" not in text:
        return "".join(digits[c] for c in text)
    tens, ones = text.split("十", 1)
    return str(int(digits.get(tens, "1")) * 10 + int(digits.get(ones, "0") if ones else 0))
