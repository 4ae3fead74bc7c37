"""The levels above the zones, found in the zones' own columns; and zones joined to a level above.

Boundary files repeat what lies above on every row: LSOA, its MSOA, its district; 社区, its 街道, its 区县. A column
is a level when each value of a finer level has one value of it. `county → street → community` is then a matter of
reading the columns, and "the MSOAs" are the LSOAs joined by `msoa_code`.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import InputError
from gridmap.messages import did_you_mean
from gridmap.read.boundaries import stem

__all__ = ["join_zones", "levels_above", "zone_levels"]

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
        code, values = pd.factorize(zones[column].astype(str))
        if 1 < len(values) < n:
            columns[column] = (code, len(values))
        elif len(values) == 1 and n > 1 and _is(column, NAMES):
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
        raise InputError(f"join_zones needs boundaries as read_boundaries gives them; found {type(zones).__name__}.")
    if by not in zones.columns or by == zones.geometry.name:
        raise InputError(f"The boundaries have no column {by!r} to be joined by. {did_you_mean(by, zones.columns)}")
    if (empty := zones[by].isna() | (zones[by].astype(str).str.strip() == "")).any():
        raise InputError(f"{int(empty.sum())} of {len(zones)} zones have no {by!r}, so it cannot join them. Fill it.")
    code, ids = pd.factorize(zones[by].astype(str), sort=True)
    first = pd.Series(np.arange(len(zones))).groupby(code).first().to_numpy()
    shapes = zones.geometry.to_numpy()
    order = np.argsort(code, kind="stable")
    groups = np.split(shapes[order], np.searchsorted(code[order], np.arange(1, len(ids))))
    joined = {"zone_id": np.asarray(ids, object)}
    own = [c for c in zones.columns if stem(c) == stem(by) and _is(c, NAMES) and c != by]
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
    named = next((c for c in same if _is(c, NAMES)), same[-1])
    coded = "parent_id" if "parent_id" in same else next((c for c in same if _is(c, CODES)), None)
    coded = coded or next((c for c in same if c != named), named)
    frame = pd.DataFrame(
        {"code": code, "id": zones[coded].astype(str).to_numpy(), "name": zones[named].astype(str).to_numpy()}
    )
    frame.attrs["level"] = stem(named) or stem(coded) or "level"
    return frame


def _is(column, ends: tuple[str, ...]) -> bool:
    return str(column).strip().lower().endswith(ends)


def _decides(fine: np.ndarray, coarse: np.ndarray) -> bool:
    """Whether each value of `fine` goes with one value of `coarse`."""
    return len(np.unique(np.column_stack([fine, coarse]), axis=0)) == len(np.unique(fine))
