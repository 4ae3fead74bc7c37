"""County → street → community → grid, as one table; and numbers that agree at every level.

A meeting at the county asks for streets, the street for communities, the community for grids. What is added up here
is added up once: a street's count is the sum of its grids' counts, its rate comes from its own sums and is not the
mean of rates.
"""

import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.levels import levels_above, zone_levels
from gridmap.messages import did_you_mean

__all__ = ["drill_down", "grid_hierarchy", "roll_up"]


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
    >>> from gridmap.grids.tiling import make_grid
    >>> zones = gpd.GeoDataFrame({"zone_id": ["a", "b"], "parent_id": ["S", "S"], "level": "community"},
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> grid_hierarchy(make_grid(zones, system="h3", resolution=3), zones).tail(3)["parent_id"].tolist()
    ['S', 'S', None]
    """
    if not isinstance(grid, Grid):
        raise InputError(f"A hierarchy starts from a Grid; found {type(grid).__name__}.")
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
            raise InputError(f"Level {depth + 1} above the grid needs a column zone_id, as read_boundaries gives it.")
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
        raise InputError(f"Two units have the id {twice!r}. Ids differ on all levels; put the level before them.")
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
    frame = frame.to_frame(frame.name or "value") if isinstance(frame, pd.Series) else pd.DataFrame(frame)
    if frame.index.nlevels > 1:
        raise InputError("Values by period or category are rolled up one at a time: take one with .xs(…, level=…).")
    unknown = ~frame.index.isin(table.index)
    if unknown.any():
        raise InputError(
            f"{int(unknown.sum())} values are of no unit of the hierarchy, as {frame.index[unknown][0]!r}."
        )
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
                raise SettingError(f"The rate {name!r} needs {column!r}. {did_you_mean(column, carried.columns)}")
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
    if unit_id not in rolled.index:
        raise InputError(f"There is no unit {unit_id!r} in the hierarchy.")
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
    raise InputError("The hierarchy goes in a circle: some unit is above itself.")
