"""How a code is built: a template of fields, and codes taken apart by it.

Cities differ, so the code of a grid is a template, as in `{county:6}{street:3}{community:3}{seq:3}`: fields in braces
with their number of digits, whatever stands between them, and `seq`, which is counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gridmap.errors import SettingError

__all__ = ["UNIT_GRID", "Template", "parse_codes"]

UNIT_GRID = "{county:6}{street:3}{community:3}{seq:3}"
FIELD = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")


@dataclass(frozen=True)
class Template:
    """A code template, read.

    Attributes
    ----------
    text : str
    fields : dict of str to (int or None)
        Digits of each field, in order; None for a field of any width.
    """

    text: str
    fields: dict[str, int | None]

    @classmethod
    def read(cls, text) -> "Template":
        """A template from its text, or a SettingError that says what is wrong with it.

        Examples
        --------
        >>> Template.read("{county:6}{street:3}{community:3}{seq:3}").digits
        15
        """
        if isinstance(text, cls):
            return text
        example = f"as in {UNIT_GRID!r}"
        if not isinstance(text, str):
            raise SettingError(f"A code template is text, {example}; found {text!r}.")
        fields: dict[str, int | None] = {}
        for name, width in FIELD.findall(text):
            if not name.isidentifier():
                raise SettingError(f"A field of a code template has a name, {example}; found {name!r} in {text!r}.")
            if name in fields:
                raise SettingError(f"The code template {text!r} has the field {name!r} twice.")
            if width and not (width.isdigit() and 1 <= int(width) <= 20):
                raise SettingError(f"The width of {name!r} must be a number of digits from 1 to 20; found {width!r}.")
            fields[name] = int(width) if width else None
        if re.search(r"[{}]", FIELD.sub("", text)):
            raise SettingError(f"The braces of the code template {text!r} do not match. Write it {example}.")
        if "seq" not in fields:
            raise SettingError(f"The code template {text!r} has no {{seq:…}} to tell the grids of a community apart.")
        return cls(text, fields)

    @property
    def digits(self) -> int | None:
        """Length of a code, or None where a field has no width."""
        if None in self.fields.values():
            return None
        return sum(self.fields.values()) + len(FIELD.sub("", self.text))

    @property
    def pattern(self) -> re.Pattern:
        """What a code must look like."""
        literal = FIELD.split(self.text)[::3]
        parts = [re.escape(literal[0])]
        for (name, width), after in zip(self.fields.items(), literal[1:], strict=True):
            parts += [f"(?P<{name}>[0-9]{{{width}}})" if width else f"(?P<{name}>.+?)", re.escape(after)]
        return re.compile("".join(parts))

    def write(self, values: Mapping[str, str]) -> str:
        """The code of these field values."""
        return FIELD.sub(lambda m: values[m.group(1)], self.text)


def parse_codes(codes, template: str = UNIT_GRID) -> pd.DataFrame:
    """Codes taken apart into the fields of their template.

    Parameters
    ----------
    codes : Series or sequence of str
    template : str

    Returns
    -------
    DataFrame, the caller's index
        One column a field; None where a code does not fit.

    Examples
    --------
    >>> parse_codes(["110101001002003"]).values.tolist()
    [['110101', '001', '002', '003']]
    """
    shape = Template.read(template)
    series = codes if isinstance(codes, pd.Series) else pd.Series(list(codes), dtype=object)
    found = [shape.pattern.fullmatch(c) if isinstance(c, str) else None for c in series]
    rows = [m.groupdict() if m else dict.fromkeys(shape.fields) for m in found]
    return pd.DataFrame(rows, index=series.index, columns=list(shape.fields), dtype=object)
