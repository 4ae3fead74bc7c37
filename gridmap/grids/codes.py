"""Codes of grids: what is written on the sign.

A code says where a grid belongs: 15 digits = 6 county + 3 street or town + 3 community + 3 sequence. Cities differ,
so the code is a template, as in `{county:6}{street:3}{community:3}{seq:3}`: fields in braces with their number of
digits. Grids are numbered inside their community as one reads a page: west to east, and the rows from north to south.
A code that was given stays (`keep=`): a new grid takes a number that was never used.

`check_codes` says what is wrong with codes that are in use: misfits, duplicates, gaps, unknown divisions.

References
----------
GB/T 2260 (county, 6 digits), GB/T 10114-2003 (street level, 3 digits), DB11/T 2157-2023 (unit grids, 15 digits),
CJ/T 349-2010 (objects, 20 digits).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import Note, did_you_mean

__all__ = ["UNIT_GRID", "Template", "check_codes", "grid_codes", "parse_codes", "reading_order", "street_kind"]


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
        example = Note("grids.template_example", template=UNIT_GRID)
        if not isinstance(text, str):
            raise SettingError(Note("grids.template_text", example=example, found=text))
        fields: dict[str, int | None] = {}
        for name, width in FIELD.findall(text):
            if not name.isidentifier():
                raise SettingError(Note("grids.field_name", example=example, found=name, template=text))
            if name in fields:
                raise SettingError(Note("grids.field_twice", template=text, name=name))
            if width and not (width.isdigit() and 1 <= int(width) <= 20):
                raise SettingError(Note("grids.field_width", name=name, found=width))
            fields[name] = int(width) if width else None
        if re.search(r"[{}]", FIELD.sub("", text)):
            raise SettingError(Note("grids.template_braces", template=text, example=example))
        if "seq" not in fields:
            raise SettingError(Note("grids.template_seq", template=text))
        return cls(text, fields)

    @property
    def digits(self) -> int | None:
        """Length of a code, or None where a field has no width."""
        widths = [width for width in self.fields.values() if width is not None]
        if len(widths) < len(self.fields):
            return None
        return sum(widths) + len(FIELD.sub("", self.text))

    @property
    def pattern(self) -> re.Pattern:
        """What a code must look like."""
        literal = FIELD.split(self.text)[::3]
        parts = [re.escape(literal[0])]
        for (name, width), after in zip(self.fields.items(), literal[1:], strict=True):
            parts += [f"(?P<{name}>[0-9]{{{width}}})" if width else f"(?P<{name}>.+?)", re.escape(after)]
        return re.compile("".join(parts))

    def write(self, values: Mapping[Any, Any]) -> str:
        """The code of these field values."""
        return FIELD.sub(lambda m: values[m.group(1)], self.text)


def _as_series(codes) -> pd.Series:
    if isinstance(codes, str | bytes | Mapping | pd.DataFrame) or not np.iterable(codes):
        raise InputError(Note("grids.codes_wanted", found=type(codes).__name__))
    return codes if isinstance(codes, pd.Series) else pd.Series(list(codes), dtype=object)


def parse_codes(codes, template: "str | Template" = UNIT_GRID) -> pd.DataFrame:
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
    series = _as_series(codes)
    found = [shape.pattern.fullmatch(c) if isinstance(c, str) else None for c in series]
    rows = [m.groupdict() if m else dict.fromkeys(shape.fields) for m in found]
    return pd.DataFrame(rows, index=series.index, columns=list(shape.fields), dtype=object)


def grid_codes(grid: Grid, template: str = UNIT_GRID, *, fields: Mapping | None = None, keep=None) -> pd.Series:
    """A code for every grid.

    Parameters
    ----------
    grid : Grid
        Its cells know their community (`zone_id`).
    template : str
        Fields in braces with their number of digits. `seq` is counted; the others are taken from `fields`, from the
        columns of the cells (`street`, `street_code` or `street_id`), or out of the `zone_id`, if that has as many
        digits as all of them together. A field without a width, as in `{zone_id}-{seq:2}`, is taken as it is.
    fields : mapping of str to str, optional
        Values that are the same for all, as in `{"class": "011200"}`.
    keep : Series or GeoDataFrame, optional
        Codes already given: a Series by cell_id, or the old grids with a column `code` (or the codes as their index),
        of which a grid takes the code when it holds more than half of the old one's area. Other grids get numbers
        that were not used before.

    Returns
    -------
    Series of str, indexed by cell_id, named "code"

    Raises
    ------
    SettingError
        If the template is not one.
    InputError
        If it does not fit the names: a field has no source, or a value too many digits; or a community has more
        grids than `seq` can count.

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from gridmap.grids.systems import make_grid
    >>> box = shapely.box(116.4, 39.9, 116.42, 39.91)
    >>> town = gpd.GeoDataFrame({"zone_id": ["110101001001"]}, geometry=[box], crs=4326)
    >>> grid = make_grid(town, system="balanced", load="area_m2", target=1_000_000)
    >>> grid_codes(grid, "{county:6}{street:3}{community:3}{seq:3}").tolist()
    ['110101001001001', '110101001001002']
    """
    shape = Template.read(template)
    if not isinstance(grid, Grid):
        raise InputError(Note("grids.codes_need_grid", found=type(grid).__name__))
    cells = grid.cells
    values = _field_values(cells, shape, dict(fields or {}))
    prefix = pd.Series(["\x1f".join(v) for v in values.itertuples(index=False)], index=cells.index)
    seq = pd.Series(0, index=cells.index)
    width = shape.fields["seq"]
    old = _kept_numbers(cells, shape, keep, values) if keep is not None else pd.Series(dtype=object)
    used: dict[str, int] = dict(old.attrs.get("highest", {}))
    seq.loc[old.index] = old.astype(int)
    xy, outlines = grid.centroids_m, cells.geometry.to_crs(grid.metric_crs).to_numpy()
    rows = pd.Series(np.arange(len(cells)), index=cells.index)
    for community, members in rows.groupby(prefix, sort=False):
        at = members.to_numpy()
        at = at[reading_order(xy[at], outlines[at])]
        number = used.get(community, 0)
        for row in at:
            if seq.iloc[row] == 0:
                number += 1
                seq.iloc[row] = number
        if width is not None and max(number, int(seq.iloc[at].max())) >= 10**width:
            raise InputError(
                Note(
                    "grids.seq_too_short",
                    community=cells["zone_id"].iloc[at[0]],
                    number=max(number, int(seq.iloc[at].max())),
                    width=width,
                    most=10**width - 1,
                )
            )
    values = values.assign(seq=[str(s).zfill(width or 1) for s in seq])
    codes = [shape.write(v) for v in values.to_dict("records")]
    return pd.Series(codes, index=cells.index, name="code")


def reading_order(xy: np.ndarray, shapes=None) -> np.ndarray:
    """Rows in the order of reading: west to east in a row, rows from north to south.

    Places stand in the same row when they lie within half the usual side of a grid of the row's first.

    Parameters
    ----------
    xy : array of float, (n, 2)
        x to the east, y to the north, in one unit.
    shapes : array of Polygon, (n,), optional
        Their areas give the usual side; without them the extent does.

    Examples
    --------
    >>> reading_order(np.array([[0, 0], [1, 0.1], [1, 1.0], [0, 1.1]])).tolist()
    [3, 2, 0, 1]
    """
    n = len(xy)
    if shapes is not None:
        side = float(np.sqrt(np.median(shapely.area(shapes))))
    else:
        side = float(np.sqrt(max(np.ptp(xy, axis=0).prod(), 1e-12) / n)) if n else 0.0
    row, line, first = np.zeros(n, np.int64), 0, None
    for i in np.lexsort((xy[:, 0], -xy[:, 1])):
        if first is None or first - xy[i, 1] > 0.5 * side:
            line += first is not None
            first = xy[i, 1]
        row[i] = line
    return np.lexsort((xy[:, 0], row))


def _field_values(cells: gpd.GeoDataFrame, shape: Template, given: dict) -> pd.DataFrame:
    """The value of every field but `seq`, one row a cell."""
    wanted = {name: width for name, width in shape.fields.items() if name != "seq"}
    for name in given:
        if name not in wanted:
            raise SettingError(Note("grids.no_field", template=shape.text, name=name, meant=did_you_mean(name, wanted)))
    columns: dict[str, pd.Series] = {}
    for name in wanted:
        if name in given:
            columns[name] = pd.Series(str(given[name]), index=cells.index)
            continue
        for column in (name, f"{name}_code", f"{name}_id"):
            if column in cells:
                columns[name] = cells[column].astype("string").fillna("").astype(object)
                break
    rest = {name: width for name, width in wanted.items() if name not in columns}
    if rest:
        zone = cells["zone_id"].astype(str)
        total = sum(width or 0 for width in rest.values())
        fits = None not in rest.values() and (zone.str.len() == total) & zone.str.fullmatch("[0-9]+")
        if not np.all(fits):
            example = zone[~fits].iloc[0] if isinstance(fits, pd.Series) else zone.iloc[0]
            names = ", ".join(rest)
            raise InputError(
                Note(
                    "grids.template_misfit",
                    template=shape.text,
                    names=names,
                    total=total,
                    example=example,
                    length=len(example),
                )
            )
        start = 0
        for name, width in rest.items():
            columns[name] = zone.str[start : start + (width or 0)]
            start += width or 0
    for name, width in wanted.items():
        if width is None:
            continue
        values = columns[name]
        bad = ~values.str.fullmatch(f"[0-9]{{1,{width}}}")
        if bad.any():
            raise InputError(
                Note("grids.field_misfit", template=shape.text, name=name, width=width, found=values[bad].iloc[0])
            )
        columns[name] = values.str.zfill(width)
    return pd.DataFrame({name: columns[name] for name in wanted}, index=cells.index)


def _kept_numbers(cells, shape: Template, keep, values: pd.DataFrame) -> pd.Series:
    """The number that each cell keeps; `.attrs["highest"]` has the highest ever used, by community."""
    if isinstance(keep, pd.Series):
        codes = keep.astype(str)
        owner = codes[codes.index.isin(cells.index)]
    elif isinstance(keep, gpd.GeoDataFrame):
        if keep.crs is None:
            raise InputError(Note("grids.keep_no_crs"))
        codes = keep["code"].astype(str) if "code" in keep else pd.Series(keep.index.astype(str), index=keep.index)
        owner = _heirs(cells, keep, codes)
    else:
        raise InputError(Note("grids.codes_keep", found=type(keep).__name__))
    parsed = parse_codes(codes, shape)
    if parsed["seq"].isna().any():
        raise InputError(Note("grids.kept_code", found=codes[parsed["seq"].isna()].iloc[0], template=shape.text))
    names = list(values.columns)
    community = pd.Series(["\x1f".join(v) for v in parsed[names].itertuples(index=False)], index=codes.index)
    highest = parsed["seq"].astype(int).groupby(community).max().to_dict()
    own = parse_codes(owner, shape)
    same = (own[names] == values.loc[own.index]).all(axis=1)
    numbers = own["seq"][same].astype(int)
    numbers.attrs["highest"] = highest
    return numbers


def _heirs(cells, old: gpd.GeoDataFrame, codes: pd.Series) -> pd.Series:
    """The code of the old grid that each cell holds more than half of; the largest share decides."""
    was, now = old.geometry.to_crs(4326).to_numpy(), cells.geometry.to_numpy()
    i, j = shapely.STRtree(now).query(was, predicate="intersects")
    share = shapely.area(shapely.intersection(was[i], now[j])) / shapely.area(was[i])
    best = pd.DataFrame({"old": i, "new": j, "share": share}).query("share > 0.5")
    best = best.sort_values(["share", "old"], ascending=[False, True]).drop_duplicates("new")
    return pd.Series(codes.to_numpy()[best["old"]], index=cells.index[best["new"]], dtype=object)


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
    series = _as_series(codes)
    parsed = parse_codes(series, shape)
    for name in divisions or {}:
        if name not in parsed:
            raise SettingError(
                Note("grids.divisions", name=name, template=shape.text, meant=did_you_mean(name, parsed))
            )
    found = []
    for at, code in series[parsed["seq"].isna()].items():
        found.append((at, code, Note("grids.code_misfit")))
    good = parsed["seq"].notna()
    for at, code in series[good & series.duplicated(keep=False)].items():
        found.append((at, code, Note("grids.code_twice")))
    for name, allowed in (divisions or {}).items():
        known = set(map(str, allowed))
        for at in parsed.index[good & ~parsed[name].isin(known)]:
            found.append((at, series[at], Note("grids.code_division", name=name, found=parsed.loc[at, name])))
    if shape.fields.get("street") == 3:
        for at in parsed.index[good & ~parsed["street"].map(lambda s: s is not None and street_kind(s) is not None)]:
            found.append((at, series[at], Note("grids.code_street", found=parsed.loc[at, "street"])))
    others = [name for name in shape.fields if name != "seq"]
    width = shape.fields["seq"] or 1
    named: Any = series
    numbers = parsed[good].assign(number=parsed["seq"][good].astype(int))
    for _, group in numbers.groupby(others) if others else [("", numbers)]:
        before = 0
        for at, number in group["number"].sort_values().items():
            if number > before + 1:
                last = f"–{number - 1:0{width}d}" if number > before + 2 else ""
                gap = Note("grids.code_gap", missing=f"{before + 1:0{width}d}{last}")
                found.append((at, named[at], gap))
            before = max(before, number)
    frame = pd.DataFrame(found, columns=["at", "code", "problem"])
    answer = frame.set_index("at")
    answer.index.name = series.index.name
    return answer


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
