"""County → street → community → grid, as one table; and numbers that agree at every level.

A meeting at the county asks for streets, the street for communities, the community for grids. What is added up here
is added up once: a street's count is the sum of its grids' counts, its rate comes from its own sums and is not the
mean of rates.

The levels above the zones are found in the zones' own columns: boundary files repeat what lies above on every row,
LSOA, its MSOA, its district; 社区, its 街道, its 区县. A column is a level when each value of a finer level has one
value of it. And "the MSOAs" are the LSOAs joined by `msoa_code` (`join_zones`).
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.boundaries import names_areas, stem
from gridmap.read.persons import is_person_column

__all__ = ["drill_down", "grid_hierarchy", "join_zones", "levels_above", "roll_up", "zone_levels"]


NOT_LEVELS = ("zone_id", "name", "level", "geometry")
CODES = ("code", "_id", "id", "编码", "代码", "编号", "cd")
NAMES = ("name", "名称", "名", "nm")


def zone_levels(zones: pd.DataFrame) -> list[pd.DataFrame]:
    """The levels above the zones, finest first: `code, id, name` of each zone's unit, one row a zone.

    A level that all zones share (one county) comes last, when a name or code says so.

    Examples
    --------
    >>> zones = pd.DataFrame({"zone_id": ["1", "2", "3"], "street_name": ["东街", "东街", "西街"]})
    >>> [level["name"].tolist() for level in zone_levels(zones)]
    [['东街', '东街', '西街']]
    """
    n, columns, shared = len(zones), {}, []
    for column in zones.columns:
        if column in NOT_LEVELS or pd.api.types.is_numeric_dtype(zones[column]) or zones[column].isna().any():
            continue
        if column != "parent_id" and not _is_level(zones, column):
            continue
        code, values = pd.factorize(zones[column].astype(str))
        if 1 < len(values) < n:
            columns[column] = (code, len(values))
        elif len(values) == 1 and n > 1 and _ends_in(column, NAMES):
            shared.append(column)
    levels: list[tuple[np.ndarray, int, list[str]]] = []
    for column, (code, k) in sorted(columns.items(), key=lambda item: -item[1][1]):
        if levels and levels[-1][1] == k and _decides(levels[-1][0], code):
            levels[-1][2].append(column)  # the same units under another name
        elif not levels or _decides(levels[-1][0], code):
            levels.append((code, k, [column]))
    out = [_level(zones, code, same) for code, _, same in levels]
    if shared:
        name = shared[0]
        partners = [c for c in zones.columns if c != name and stem(c) == stem(name)]
        partners = [c for c in partners if (zones[c] == zones[c].iloc[0]).all()]
        out.append(_level(zones, np.zeros(n, np.int64), [name, *partners]))
    return out


def _is_level(zones: pd.DataFrame, column: str) -> bool:
    """Whether a column holds areas by what it says, or names what a code column of the same stem groups."""
    if names_areas(column, zones[column]):
        return True
    partners = [c for c in zones.columns if c != column and stem(c) == stem(column) and _ends_in(c, CODES)]
    return any(names_areas(c, zones[c]) for c in partners) and not is_person_column(column)


def levels_above(zones: pd.DataFrame) -> list[pd.DataFrame]:
    """The levels above the zones as tables of their own, finest first: `zone_id, name, level, parent_id`.

    Examples
    --------
    >>> zones = pd.DataFrame({"zone_id": ["1", "2", "3"], "street_id": ["a", "a", "b"], "county_name": "C"})
    >>> [level[["zone_id", "parent_id"]].values.tolist() for level in levels_above(zones)]
    [[['a', 'C'], ['b', 'C']], [['C', None]]]
    """
    found = zone_levels(zones)
    tables = []
    for k, level in enumerate(found):
        last = pd.Series([None] * len(level), index=level.index, dtype=object)
        above = found[k + 1]["id"] if k + 1 < len(found) else last
        table = pd.DataFrame(
            {"zone_id": level["id"], "name": level["name"], "level": level.attrs["level"], "parent_id": above}
        )
        tables.append(table.drop_duplicates("zone_id", ignore_index=True))
    return tables


def join_zones(zones: gpd.GeoDataFrame, *, by: str) -> gpd.GeoDataFrame:
    """Zones joined to the level above: LSOAs to MSOAs, communities to streets.

    Parameters
    ----------
    zones : GeoDataFrame
        As `read_boundaries` gives it.
    by : str
        The column whose values are the joined zones' ids.

    Returns
    -------
    GeoDataFrame in EPSG:4326, in the order of the ids
        `zone_id` (the values of `by`), `name, level, parent_id` (where columns say them), the columns of the levels
        above, whole numbers summed (rates and averages would be wrong as sums, and are left out), `geometry`.

    Raises
    ------
    InputError
        If there is no such column, or a zone has no value in it.

    Examples
    --------
    >>> boxes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(2, 0, 3, 1)]
    >>> zones = gpd.GeoDataFrame({"zone_id": ["1", "2", "3"], "street_id": ["a", "a", "b"], "persons": [5, 6, 7]},
    ...     geometry=boxes, crs=4326)
    >>> join_zones(zones, by="street_id")[["zone_id", "persons"]].values.tolist()
    [['a', 11], ['b', 7]]
    """
    if not isinstance(zones, gpd.GeoDataFrame):
        raise InputError(Note("grids.join_needs_boundaries", found=type(zones).__name__))
    if by not in zones.columns or by == zones.geometry.name:
        raise InputError(Note("grids.join_no_column", name=by, meant=did_you_mean(by, zones.columns)))
    if (empty := zones[by].isna() | (zones[by].astype(str).str.strip() == "")).any():
        raise InputError(Note("grids.join_empty", n=int(empty.sum()), total=len(zones), name=by))
    code, ids = pd.factorize(zones[by].astype(str), sort=True)
    first = pd.Series(np.arange(len(zones))).groupby(code).first().to_numpy()
    shapes = zones.geometry.to_numpy()
    order = np.argsort(code, kind="stable")
    groups = np.split(shapes[order], np.searchsorted(code[order], np.arange(1, len(ids))))
    joined: dict[str, Any] = {"zone_id": np.asarray(ids, object)}
    own = [c for c in zones.columns if stem(c) == stem(by) and _ends_in(c, NAMES) and c != by]
    joined["name"] = zones[own[0]].astype(str).to_numpy()[first] if own else joined["zone_id"]
    joined["level"] = stem(by) or "zone"
    frame = pd.DataFrame(joined)
    finer = [c for c in zones.columns if c not in (*NOT_LEVELS, "parent_id", zones.geometry.name, by, *own)]
    for column in finer:
        values = zones[column]
        if pd.api.types.is_integer_dtype(values):
            frame[column] = values.groupby(code).sum().to_numpy()
        elif pd.api.types.is_numeric_dtype(values):
            continue
        elif _decides(code, pd.factorize(values)[0]):  # what the level above says is the same for all of its zones
            frame[column] = values.to_numpy()[first]
    above = zone_levels(frame)
    frame.insert(3, "parent_id", above[0]["id"].to_numpy() if above else None)
    whole = np.array([shapely.union_all(g) if len(g) > 1 else g[0] for g in groups], dtype=object)
    return gpd.GeoDataFrame(frame, geometry=whole, crs=zones.crs)


def _level(zones: pd.DataFrame, code: np.ndarray, same: list[str]) -> pd.DataFrame:
    named = next((c for c in same if _ends_in(c, NAMES)), same[-1])
    coded = "parent_id" if "parent_id" in same else next((c for c in same if _ends_in(c, CODES)), None)
    coded = coded or next((c for c in same if c != named), named)
    frame = pd.DataFrame(
        {"code": code, "id": zones[coded].astype(str).to_numpy(), "name": zones[named].astype(str).to_numpy()}
    )
    frame.attrs["level"] = stem(named) or stem(coded) or "level"
    return frame


def _ends_in(column, ends: tuple[str, ...]) -> bool:
    return str(column).strip().lower().endswith(ends)


def _decides(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether each value of `fine` goes with one value of `coarse`."""
    return len(np.unique(np.column_stack([fine, coarse]), axis=0)) == len(np.unique(fine))


def grid_hierarchy(grid: Grid, *levels: pd.DataFrame) -> pd.DataFrame:
    """Every unit and the unit above it.

    Parameters
    ----------
    grid : Grid
        Its cells name their zone.
    *levels : DataFrame
        The levels above, finest first: communities, then streets, then the county, each with `zone_id` and, where
        there is something above, `parent_id` (and `name`, `level`). Where only one is given, the levels above it are
        found in its columns (`street_name`, `county`). A parent that no level lists becomes a unit too.

    Returns
    -------
    DataFrame indexed by `unit_id`: `level, name, parent_id` (None at the top)

    Examples
    --------
    >>> import geopandas as gpd, shapely
    >>> from gridmap.grids.systems import make_grid
    >>> zones = gpd.GeoDataFrame({"zone_id": ["a", "b"], "parent_id": ["S", "S"], "level": "community"},
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> grid_hierarchy(make_grid(zones, system="h3", resolution=3), zones).tail(3)["parent_id"].tolist()
    ['S', 'S', None]
    """
    grid = as_grid(grid)
    if not isinstance(grid, Grid):
        raise InputError(Note("grids.hierarchy_needs_grid", found=type(grid).__name__))
    cells = grid.cells
    own = "zone_id" if grid.system != "zones" else "parent_id"
    bottom = pd.DataFrame(
        {
            "level": cells.get("level", "cell"),
            "name": cells.get("name", cells.index),
            "parent_id": cells.get(own),
        },
        index=cells.index,
    )
    parts = [bottom]
    for depth, frame in enumerate(_with_found(levels)):
        if not isinstance(frame, pd.DataFrame) or "zone_id" not in frame:
            raise InputError(Note("grids.level_zone_id", depth=depth + 1))
        parts.append(
            pd.DataFrame(
                {
                    "level": frame["level"].to_numpy() if "level" in frame else f"level {depth + 1}",
                    "name": frame["name"].to_numpy() if "name" in frame else frame["zone_id"].to_numpy(),
                    "parent_id": frame["parent_id"].to_numpy() if "parent_id" in frame else None,
                },
                index=frame["zone_id"].astype(str).to_numpy(),
            )
        )
    table = pd.concat([p.astype(object) for p in parts])
    if table.index.has_duplicates:
        twice = table.index[table.index.duplicated()][0]
        raise InputError(Note("grids.unit_twice", found=twice))
    table["parent_id"] = table["parent_id"].where(table["parent_id"].notna(), None)
    missing = [p for p in table["parent_id"].dropna().unique() if p not in table.index]
    top = pd.DataFrame({"level": "top", "name": missing, "parent_id": None}, index=missing, dtype=object)
    table = pd.concat([table, top]) if missing else table
    _depths(table)
    return table.rename_axis("unit_id")


def _with_found(levels: tuple) -> list:
    """The levels, with those that the columns of a single one tell."""
    if len(levels) != 1 or not isinstance(levels[0], pd.DataFrame) or "zone_id" not in levels[0]:
        return list(levels)
    zones, known = levels[0], set(levels[0]["zone_id"].astype(str))
    above = levels_above(zones)
    if not above:
        return [zones]
    for table in above:
        if table["zone_id"].isin(known).any():  # an id on two levels cannot say which is meant
            return [zones]
        known |= set(table["zone_id"])
    return [zones.assign(parent_id=zone_levels(zones)[0]["id"].to_numpy()), *above]


def roll_up(values, table: pd.DataFrame, *, rate: dict[str, tuple[str, str, float]] | None = None) -> pd.DataFrame:
    """Totals of every unit at every level.

    Parameters
    ----------
    values : Series, DataFrame or HotspotResult by cell_id
        Numeric columns that are totals (`count`, `expected`, `persons`, `households`, whole numbers) are summed. A
        `label` becomes `hot_cells` and `cold_cells`: how many cells of the unit are labelled so.
    table : DataFrame
        From `grid_hierarchy`.
    rate : mapping of name to (numerator, denominator, per), optional
        As in `{"per_1000": ("count", "persons", 1000)}`, taken from the sums.

    Returns
    -------
    DataFrame indexed by `unit_id`, in the table's order: `level, name, parent_id`, the totals, the rates

    Examples
    --------
    >>> table = pd.DataFrame({"level": ["cell", "cell", "zone"], "name": list("xyz"), "parent_id": ["z", "z", None]},
    ...     index=list("xyz"))
    >>> roll_up(pd.Series({"x": 2, "y": 3}, name="count"), table)["count"].tolist()
    [2, 3, 5]
    """
    frame = values.cells if hasattr(values, "method") and hasattr(values, "cells") else values
    if not isinstance(frame, pd.Series | pd.DataFrame | dict):
        raise InputError(Note("grids.roll_up_frame", found=type(frame).__name__))
    frame = frame.to_frame(frame.name or "value") if isinstance(frame, pd.Series) else pd.DataFrame(frame)
    if not isinstance(table, pd.DataFrame) or "parent_id" not in table:
        raise InputError(wrong_kind("table", "hierarchy", table))
    if frame.index.nlevels > 1:
        raise InputError(Note("grids.roll_up_one"))
    unknown = ~frame.index.isin(table.index)
    if unknown.any():
        raise InputError(Note("grids.no_units", n=int(unknown.sum()), found=frame.index[unknown][0]))
    totals = {"count", "expected", "persons", "households", "population", "area_m2", "load"}
    names = [
        c
        for c in frame
        if pd.api.types.is_numeric_dtype(frame[c])
        and not pd.api.types.is_bool_dtype(frame[c])
        and (c in totals or len(frame.columns) == 1 or pd.api.types.is_integer_dtype(frame[c]))
        and c != "cluster_id"
    ]
    sums = frame[names].copy()
    if "label" in frame:
        for kind in ("hot", "cold"):
            sums[f"{kind}_cells"] = frame["label"].astype(str).str.startswith(kind).astype(int)
    carried = sums.reindex(table.index).fillna(0)
    depth = _depths(table)
    for level in range(depth.max(), 0, -1):  # from the leaves up, so every unit is complete before it is handed on
        members = table.index[depth == level]
        above = carried.loc[members].groupby(table.loc[members, "parent_id"].to_numpy()).sum()
        carried.loc[above.index] += above
    for name in sums:
        if pd.api.types.is_integer_dtype(sums[name]):
            carried[name] = carried[name].round().astype("int64")
    result = table.join(carried)
    for name, (top, bottom, per) in (rate or {}).items():
        for column in (top, bottom):
            if column not in result:
                raise SettingError(
                    Note("grids.rate_column", name=name, column=column, meant=did_you_mean(column, carried.columns))
                )
        result[name] = result[top] / result[bottom].where(result[bottom] > 0) * per
    return result


def drill_down(rolled: pd.DataFrame, unit_id: str) -> pd.DataFrame:
    """The units directly below one, largest first.

    Parameters
    ----------
    rolled : DataFrame
        From `roll_up`.
    unit_id : str

    Returns
    -------
    DataFrame indexed by `unit_id`
        Sorted by the first numeric column, from high to low.
    """
    if not isinstance(rolled, pd.DataFrame) or "parent_id" not in rolled:
        raise InputError(wrong_kind("rolled", "rolled", rolled))
    if unit_id not in rolled.index:
        raise InputError(Note("grids.no_unit", found=unit_id))
    below = rolled[rolled["parent_id"] == unit_id]
    numbers = [c for c in below.columns if pd.api.types.is_numeric_dtype(below[c])]
    return below.sort_values(numbers[0], ascending=False, kind="stable") if numbers else below


def _depths(table: pd.DataFrame) -> pd.Series:
    """Steps from each unit up to the top."""
    parent = table["parent_id"]
    depth = pd.Series(0, index=table.index)
    at = parent
    for _ in range(len(table) + 1):
        there = at.notna()
        if not there.any():
            return depth
        depth += there.astype(int)
        at = at.map(parent).where(there, None)
        if depth.max() > 64:
            break
    raise InputError(Note("grids.circle"))
