"""What is wrong with codes that are in use: misfits, duplicates, gaps, unknown divisions.

References
----------
GB/T 10114-2003: the street level's three digits by kind of unit.
"""

from collections.abc import Mapping

import pandas as pd

from gridmap.errors import SettingError
from gridmap.grids.code_templates import UNIT_GRID, Template, parse_codes
from gridmap.messages import did_you_mean

__all__ = ["check_codes", "street_kind"]


def check_codes(codes, template: str = UNIT_GRID, *, divisions: Mapping | None = None) -> pd.DataFrame:
    """What is wrong with codes: misfits, duplicates, gaps, unknown divisions.

    Parameters
    ----------
    codes : Series or sequence of str
    template : str
    divisions : mapping of field to allowed values, optional
        As in `{"county": ["990101"]}`, from a table of divisions. A `street` of three digits is checked against the
        standard's ranges in any case: 001–099 streets, 100–199 towns, 200–399 townships, 400–599 enterprises.

    Returns
    -------
    DataFrame
        `code, problem`, one row a finding, with the index of the code; empty when all is well.

    Examples
    --------
    >>> check_codes(["110101001002001", "110101001002003"])["problem"].tolist()
    ['gap before it: 002']
    """
    shape = Template.read(template)
    series = codes if isinstance(codes, pd.Series) else pd.Series(list(codes), dtype=object)
    parsed = parse_codes(series, shape)
    for name in divisions or {}:
        if name not in parsed:
            raise SettingError(f"divisions= names {name!r}, which {shape.text!r} lacks. {did_you_mean(name, parsed)}")
    found = []
    for at, code in series[parsed["seq"].isna()].items():
        found.append((at, code, "does not fit the template"))
    good = parsed["seq"].notna()
    for at, code in series[good & series.duplicated(keep=False)].items():
        found.append((at, code, "duplicate"))
    for name, allowed in (divisions or {}).items():
        known = set(map(str, allowed))
        for at in parsed.index[good & ~parsed[name].isin(known)]:
            found.append((at, series[at], f"{name} {parsed.loc[at, name]} is not among the divisions"))
    if shape.fields.get("street") == 3:
        for at in parsed.index[good & ~parsed["street"].map(lambda s: s is not None and street_kind(s) is not None)]:
            found.append((at, series[at], f"street {parsed.loc[at, 'street']} is in no range"))
    others = [name for name in shape.fields if name != "seq"]
    width = shape.fields["seq"] or 1
    numbers = parsed[good].assign(number=parsed["seq"][good].astype(int))
    for _, group in numbers.groupby(others) if others else [("", numbers)]:
        before = 0
        for at, number in group["number"].sort_values().items():
            if number > before + 1:
                last = f"–{number - 1:0{width}d}" if number > before + 2 else ""
                found.append((at, series[at], f"gap before it: {before + 1:0{width}d}{last}"))
            before = max(before, number)
    frame = pd.DataFrame(found, columns=["at", "code", "problem"])
    return frame.set_index("at").rename_axis(series.index.name)


def street_kind(code: str) -> str | None:
    """What a street-level code of three digits stands for (GB/T 10114): street, town, township, enterprise, or None.

    Examples
    --------
    >>> street_kind("004"), street_kind("103"), street_kind("700")
    ('street', 'town', None)
    """
    number = int(code)
    for kind, low, high in (("street", 1, 99), ("town", 100, 199), ("township", 200, 399), ("enterprise", 400, 599)):
        if low <= number <= high:
            return kind
    return None
