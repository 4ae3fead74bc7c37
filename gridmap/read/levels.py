"""Which column is the zone's code, and which the level above it.

A boundary file of a hierarchy (district ⊃ MSOA ⊃ LSOA, 区县 ⊃ 街道 ⊃ 社区 ⊃ 网格) repeats the codes of
the upper levels on every row. The finest level is the column that never repeats; the level above is
the one with the most values among those that the zone's code decides.
"""

import pandas as pd

from gridmap.errors import InputError
from gridmap.messages import did_you_mean

__all__ = ["find_levels", "stem"]

CODE_WORDS = (
    "zone_id",
    "code",
    "_id",
    "id",
    "geoid",
    "fips",
    "编码",
    "代码",
    "编号",
    "编",
    "码",
    "cd",
    "gss",
    "adcode",
)
NAME_WORDS = ("name", "名称", "名", "nm", "label", "title", "precinct", "community", "beat", "ward", "district")
NUMBER_WORDS = ("number", "numbe", "nbr", "no")


def _words(column: str) -> str:
    return str(column).strip().lower()


def _is_code(column: str) -> bool:
    word = _words(column)
    return word in {"id", "zone_id"} or any(word.endswith(end) for end in CODE_WORDS)


def _is_name(column: str) -> bool:
    word = _words(column)
    return any(part in word for part in NAME_WORDS)


def stem(column: str) -> str:
    """What a column is about: `msoa` of `msoa_code` and of `msoa_name`, 街道 of 街道名称."""
    word = _words(column)
    for end in sorted((*CODE_WORDS, *NUMBER_WORDS, "name", "名称", "nm"), key=len, reverse=True):
        if word.endswith(end):
            return word[: -len(end)].strip("_ -")
    return word


def _filled(values: pd.Series) -> bool:
    return bool(values.notna().all() and (values.astype(str).str.strip() != "").all())


def _text(values: pd.Series) -> pd.Series:
    """Codes as text; 44030.0, which is how a code with a gap in its column arrives, becomes 44030."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("string").str.strip().astype(object)


def find_levels(
    table: pd.DataFrame, *, zone_id: str | None = None, name: str | None = None, parent_id: str | None = None
) -> tuple[pd.DataFrame, str, list[str]]:
    """Zone code, name, level and parent of each row of a boundary table.

    Parameters
    ----------
    table : DataFrame
        The attributes, without the geometry.
    zone_id, name, parent_id : str, optional
        Columns that are declared rather than found.

    Returns
    -------
    frame : DataFrame, same index
        `zone_id, name, level, parent_id`; the last is None where there is no level above.
    level : str
    notes : list of str
        What was found rather than declared, in words.

    Raises
    ------
    InputError
        If a declared column is absent, or the codes are missing or not unique.

    Examples
    --------
    >>> frame = pd.DataFrame({"town_code": ["A", "A", "B"], "grid_code": ["A1", "A2", "B1"]})
    >>> levels, level, notes = find_levels(frame)
    >>> levels[["zone_id", "parent_id"]].values.tolist()
    [['A1', 'A'], ['A2', 'A'], ['B1', 'B']]
    """
    notes = []
    columns = [c for c in table.columns if not pd.api.types.is_float_dtype(table[c]) or _is_code(c)]
    for role, column in (("zone_id", zone_id), ("name", name), ("parent_id", parent_id)):
        if column is not None and column not in table.columns:
            raise InputError(
                f"The boundaries have no column {column!r} to take {role} from. {did_you_mean(column, table.columns)}"
            )

    if zone_id is None:
        whole = [c for c in columns if _filled(table[c])]
        unique = [c for c in whole if table[c].is_unique and not pd.api.types.is_bool_dtype(table[c])]
        codes = [c for c in unique if _is_code(c)]
        if "zone_id" in whole and not table["zone_id"].is_unique:
            codes = ["zone_id"]  # it says what it is: its repeats are a mistake to name, not to step around
        codes = codes or [c for c in unique if any(w in _words(c) for w in NUMBER_WORDS)]
        texts = [c for c in unique if _is_name(c) or not pd.api.types.is_numeric_dtype(table[c])]
        if codes:
            zone_id = "zone_id" if "zone_id" in codes else codes[-1]  # files go from the coarse level to the fine one
            named = [c for c in codes if _words(c) not in {"id", "fid", "objectid", "gid"}]
            if zone_id != "zone_id" and named:
                zone_id = named[-1]
        elif texts:
            zone_id = texts[0]
        elif (repeated := [c for c in whole if _is_code(c)]) and len(table) > 1:
            column = max(repeated, key=lambda c: table[c].nunique())
            raise InputError(
                f"No column tells the {len(table)} zones apart: the finest code, {column!r}, has "
                f"{table[column].nunique()} different values. Merge the parts, or name the column with zone_id=…"
            )
        if zone_id is not None:
            others = f" ({', '.join(c for c in codes if c != zone_id)} would do as well)" if len(codes) > 1 else ""
            notes.append(
                f"zone_id was not declared; {zone_id!r} is the finest unique code column and was taken{others}."
            )
        else:
            notes.append("No column tells the zones apart, so they were numbered from 1 in the order of the file.")

    if zone_id is None:
        ids = pd.Series([str(i) for i in range(1, len(table) + 1)], index=table.index, dtype=object)
    else:
        if not _filled(table[zone_id]):
            empty = int((table[zone_id].isna() | (table[zone_id].astype(str).str.strip() == "")).sum())
            raise InputError(f"{empty} of {len(table)} zones have no {zone_id!r}. Fill it, or name another zone_id=….")
        ids = _text(table[zone_id])
        twice = ids[ids.duplicated(keep=False)]
        if len(twice):
            raise InputError(
                f"{zone_id!r} must be different in every zone, but {twice.nunique()} values repeat "
                f"({', '.join(map(repr, twice.unique()[:3]))}…). Merge the parts of a zone, or name another zone_id=…."
            )

    if parent_id is None and zone_id != "parent_id" and "parent_id" in table.columns:
        parent_id = "parent_id"
    if parent_id is None and len(table) > 1:
        above = [
            c
            for c in columns
            if c != zone_id and _is_code(c) and _filled(table[c]) and 1 <= table[c].nunique() < len(table)
        ]
        above = [c for c in above if stem(c) not in {"", "object", "f", "g"}]
        # The codes that every coarser one nests in, finest first: each value of it has one value of the next.
        above.sort(key=lambda c: -table[c].nunique())
        for column in above:
            coarser = [c for c in above if table[c].nunique() < table[column].nunique()]
            if all(table.groupby(column)[c].nunique().max() == 1 for c in coarser):
                parent_id = column
                notes.append(
                    f"parent_id was not declared; the zones nest in {column!r} ({table[column].nunique()} of them)."
                )
                break
    parents = _text(table[parent_id]) if parent_id is not None else pd.Series(None, index=table.index, dtype=object)

    if name is None:
        names = [c for c in columns if _is_name(c) and c not in (zone_id, parent_id)]
        same = [c for c in names if zone_id is not None and stem(c) == stem(zone_id)]
        unique_names = [c for c in names if table[c].is_unique and not _is_code(c)]
        name = (same or unique_names or ([zone_id] if zone_id is not None else []) or [None])[0]
    titles = table[name].astype("string").str.strip().astype(object) if name is not None else ids
    titles = titles.where(titles.notna(), ids)

    if "level" in table.columns:
        level = table["level"].astype("string").astype(object)
    else:
        level = pd.Series((stem(zone_id) or "zone") if zone_id not in (None, "zone_id") else "zone", index=table.index)
    frame = pd.DataFrame({"zone_id": ids, "name": titles, "level": level.astype(object), "parent_id": parents})
    return frame, str(level.iloc[0]) if len(level) else "zone", notes
