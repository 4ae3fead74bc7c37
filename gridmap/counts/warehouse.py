"""Counting where no Python runs: a lookup table and a query for a warehouse of SQL.

A database that holds the incidents and lets nothing in but SQL counts them itself. `warehouse_count` makes what it
needs: tables to be loaded there once a grid, and a query in its dialect (by sqlglot). What the query gives, a few rows
a zone, becomes the same `Counts` as anywhere else.

For zones the lookup is a net of squares of a power of two of a degree. A square that no border crosses lies in one
zone, so its points are counted by a look-up. In the others each point is held against the edges of the few zones there,
by the crossing rule (Shimrat 1962) that gridmap's own locator uses, in plain arithmetic: no geometry type, no
extension, no function but FLOOR. All engines calculate in the same 64-bit numbers, so they decide alike; a place so
near an edge that rounding could decide (some 10⁻¹⁵ of its length) comes back as it is, and gridmap's exact locator
decides on it here.

For hexagons the table must carry H3 cells as 64-bit numbers: a parent is the same number with other bits.

Equality with `count_by_cell` is tested on DuckDB, SQLite and SedonaDB, and promised nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from gridmap._extras import needs_extras
from gridmap._io import atomic_file, write_text
from gridmap._notebook_line import ShortForm
from gridmap.counts.task import MISSING, CountQuery, CountResult, sql
from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.counts_table import Counts
from gridmap.grids.h3 import HexGrid
from gridmap.grids.index.locator import polygons_of
from gridmap.grids.systems import as_grid
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note, did_you_mean, wrong_kind

__all__ = ["WarehouseCount", "warehouse_count"]

#: Squares of the net, for each zone, and in all.
SQUARES_EACH, MOST_SQUARES = 64, 1 << 20
#: Rows of the result that name no zone: how many incidents there are, and places that rounding could put elsewhere.
TOTAL, DOUBTFUL = -1, -2
#: Columns of the result, in whatever capitals the engine writes them.
COLUMNS = ("zone", "kind", "n", "lon", "lat")


@dataclass(frozen=True, repr=False)
class WarehouseCount(ShortForm):
    """What a warehouse needs to count the incidents of a grid.

    Attributes
    ----------
    tables : dict of str to Arrow table
        To be loaded under these names; numbers only.
    query : str
        In the warehouse's dialect. It gives `zone, kind, n, lon, lat`.
    grid : Grid
    by : str, optional
    """

    tables: dict[str, pa.Table]
    query: str
    grid: Grid
    by: str | None = None

    def short_form(self) -> str:
        """See `ShortForm`."""
        rows = ", ".join(f"{name} of {table.num_rows:,} rows" for name, table in self.tables.items())
        return f"WarehouseCount by {len(self.grid):,} cells: {rows}"

    def write(self, folder: str | Path) -> list[Path]:
        """Write each table as Parquet and the query as `query.sql` into a folder.

        Parameters
        ----------
        folder : str or Path
            Made where it is absent.

        Raises
        ------
        OutputError
            For a place that cannot be written.
        """
        folder, written = Path(folder), []
        for name, table in self.tables.items():
            written.append(folder / f"{name}.parquet")
            with atomic_file(written[-1], make_parents=True) as part:
                pq.write_table(table, part)
        written.append(folder / "query.sql")
        write_text(written[-1], self.query + "\n")
        return written

    def counts(self, result: Any) -> Counts:
        """The counts from what the query gave.

        Parameters
        ----------
        result : Arrow table, DataFrame, or sequence of rows
            Columns `zone, kind, n, lon, lat`, in this order where they have no names.

        Returns
        -------
        Counts
            As `count_by_cell` gives them: cells in the grid's order, zeros kept.

        Raises
        ------
        InputError
            If it is not what the query gives.
        """
        rows = _rows(result)
        total, counted = rows[rows["zone"] == TOTAL], rows[rows["zone"] != TOTAL].copy()
        near = counted["zone"] == DOUBTFUL
        if near.any():
            counted.loc[near, "zone"] = self.grid.locate(counted.loc[near, "lon"], counted.loc[near, "lat"])
            counted = counted[counted["zone"] >= 0]
        if counted["zone"].max() >= len(self.grid):
            raise InputError(Note("counts.other_grid"))
        query = CountQuery(by=self.by)
        known = sorted(str(kind) for kind in total["kind"].dropna())
        keys: list[str | None] = [None] if self.by is None else list(known)
        kinds: list[Any] = list(keys)
        if self.by is not None and total["kind"].isna().any():
            keys, kinds = [*known, None], [*known, MISSING]
        text = counted["kind"].astype(object).where(counted["kind"].notna(), None)
        sums = pa.table(
            {
                "row": pa.array(counted["zone"].to_numpy(np.int64)),
                "period": pa.nulls(len(counted), pa.int64()),
                "kind": pa.array([None if kind is None else str(kind) for kind in text], pa.string()),
                "n": pa.array(counted["n"].to_numpy(np.int64)),
            }
        )
        found = CountResult.of(self.grid, query, sums, [None], kinds, keys)
        rows_in = int(total["n"].sum())
        about = {"rows": rows_in, "outside": rows_in - int(counted["n"].sum())}
        return CountResult(**{**found.__dict__, **about}).frame(self.grid, query)


def warehouse_count(
    grid: Grid,
    table: str,
    *,
    dialect: str = "duckdb",
    by: str | None = None,
    lon: str = "lon",
    lat: str = "lat",
    h3_column: str | None = None,
    prefix: str = "gridmap_",
) -> WarehouseCount:
    """Make the lookup tables and the query with which a warehouse counts a table by the cells of a grid.

    Parameters
    ----------
    grid : Grid
        Zones, or hexagons with `h3_column=`.
    table : str
        The table of incidents there, as in "police.crimes".
    dialect : str, default "duckdb"
        One of sqlglot's: "snowflake", "bigquery", "databricks", "postgres", …
    by : str, optional
        Count each value of this column by itself.
    lon, lat : str
        Its columns of degrees (WGS 84).
    h3_column : str, optional
        For hexagons: its column of H3 cells, as 64-bit numbers of the grid's resolution or finer.
    prefix : str
        Goes before the names of the tables that are to be loaded.

    Returns
    -------
    WarehouseCount

    Raises
    ------
    SettingError
        For a grid that has no such lookup, or a dialect that there is not.
    MissingPackageError
        Where sqlglot is missing.

    Examples
    --------
    >>> import duckdb, geopandas as gpd
    >>> from gridmap.grids.systems import make_grid
    >>> zones = gpd.GeoDataFrame({"zone_id": ["west", "east"]}, crs=4326,
    ...     geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    >>> needed = warehouse_count(make_grid(zones, system="zones"), "crimes")
    >>> con = duckdb.connect()
    >>> _ = con.execute("CREATE TABLE crimes AS SELECT 0.5 AS lon, 0.5 AS lat UNION ALL SELECT 1.0, 0.2")
    >>> for name, lookup in needed.tables.items():
    ...     _ = con.register(name, lookup)
    >>> needed.counts(con.sql(needed.query).fetchall())["count"].to_dict()
    {'west': 2, 'east': 0}
    """
    with needs_extras():
        import sqlglot
        from sqlglot import exp
    grid = as_grid(grid)
    if not isinstance(grid, Grid):
        raise InputError(wrong_kind("grid", "grid", grid))
    if dialect not in sqlglot.Dialect.classes:
        known = [name for name in sqlglot.Dialect.classes if name]
        raise SettingError(Note("counts.no_dialect", found=dialect, meant=did_you_mean(str(dialect), known)))
    columns: dict[str, Any] = {"counted_by": exp.column(by, quoted=True) if by is not None else exp.null()}
    if isinstance(grid, HexGrid) and h3_column is not None:
        made = {"lookup": _hexagons(grid)}
        columns |= {"place_h3": exp.column(h3_column, quoted=True)}
        columns |= {name: exp.Literal.number(value) for name, value in _bits(grid.params["resolution"]).items()}
        text = sql("warehouse_keys")
    elif isinstance(grid, ZoneGrid) and grid.overlaps != "all" and h3_column is None:
        power, lookup, edges = _net(grid)
        made = {"lookup": lookup, "edges": edges}
        columns |= {"place_lon": exp.column(lon, quoted=True), "place_lat": exp.column(lat, quoted=True)}
        columns |= {"steps": exp.Literal.number(1 << power)}
        text = sql("warehouse")
    else:
        raise SettingError(Note("counts.no_lookup", system=grid.system))
    tables = {name: exp.to_table(prefix + name) for name in made} | {"incidents": exp.to_table(table, dialect=dialect)}

    def replaced(node: Any) -> Any:
        if isinstance(node, exp.Table) and node.name in tables:
            named = tables[node.name].copy()
            return named if node.name == "incidents" else exp.alias_(named, node.name, table=True)
        if isinstance(node, exp.Column) and not node.table and node.name in columns:
            return columns[node.name].copy()
        return node

    tree = sqlglot.parse_one(text, read="duckdb").transform(replaced)
    query = tree.sql(dialect=dialect, pretty=True, comments=False)
    return WarehouseCount({prefix + name: table for name, table in made.items()}, query, grid, by)


def _rows(result: Any) -> pd.DataFrame:
    """The rows of a result by name, however the engine gave them."""
    if isinstance(result, pa.Table):
        result = result.to_pandas()
    frame = result if isinstance(result, pd.DataFrame) else pd.DataFrame([tuple(row) for row in result])
    if not len(frame.columns) and not len(frame):
        frame = pd.DataFrame(columns=list(COLUMNS))
    if len(frame.columns) != len(COLUMNS):
        raise InputError(Note("counts.not_the_query", wanted=", ".join(COLUMNS), found=", ".join(map(str, frame))))
    lower = [str(name).lower() for name in frame.columns]  # some engines write names in capitals
    frame = frame.set_axis(lower if set(lower) == set(COLUMNS) else list(COLUMNS), axis=1)
    for name in ("zone", "n", "lon", "lat"):
        frame[name] = pd.to_numeric(frame[name])
    return frame


# ------------------------------------------------------------------------------------------ hexagons


def _hexagons(grid: HexGrid) -> pa.Table:
    """The grid's cells as numbers, and the row of each."""
    cells = np.array([int(cell, 16) for cell in grid.cells.index], np.int64)
    return pa.table({"cell": cells, "zone": np.arange(len(grid), dtype=np.int64)})


def _bits(resolution: int) -> dict[str, int]:
    """What makes a parent of a cell: bits that are kept, then set; and the range of cells that are fine enough.

    Cells of one mode are ordered by resolution first, so those of a resolution and finer are a range of numbers.
    """
    below = (1 << (3 * (15 - resolution))) - 1
    kept = (1 << 63) - 1 - (15 << 52) - below
    least = (1 << 59) | (resolution << 52)
    return {
        "bits_kept": kept,
        "bits_set": (resolution << 52) | below,
        "least": least,
        "most": (1 << 59) + (16 << 52) - 1,
    }


# ------------------------------------------------------------------------------------------ zones


def _net(grid: ZoneGrid) -> tuple[int, pa.Table, pa.Table]:
    """Squares of 2^−power degrees over the zones, the zones that each may lie in, and the edges by the net's rows."""
    zones = grid.cells.geometry.to_numpy()
    west, south, east, north = grid.cells.total_bounds
    if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        raise SettingError(Note("counts.lookup_past_180", west=float(west), east=float(east)))
    wanted = min(SQUARES_EACH * len(zones), MOST_SQUARES)
    area = max((east - west) * (north - south), 1e-9)
    power = int(np.clip(np.floor(np.log2(wanted / area) / 2), 0, 30))
    steps = float(1 << power)
    a, b, zone = _edges(zones)
    edge_at, ky = _spread(
        np.floor(np.minimum(a[:, 1], b[:, 1]) * steps), np.floor(np.maximum(a[:, 1], b[:, 1]) * steps)
    )
    edges = {"zone": zone[edge_at], "ky": ky}
    edges |= {"ax": a[edge_at, 0], "ay": a[edge_at, 1], "bx": b[edge_at, 0], "by": b[edge_at, 1]}
    border = _crossed(a * steps, b * steps, zone)
    kx0, ky0, kx1, ky1 = (int(np.floor(v * steps)) for v in (west, south, east, north))
    across, up = np.meshgrid(np.arange(kx0, kx1 + 1), np.arange(ky0, ky1 + 1))
    x, y = across.ravel(), up.ravel()
    lon, lat = (x + 0.5) / steps, (y + 0.5) / steps
    crossed = pd.MultiIndex.from_arrays([x, y]).isin(pd.MultiIndex.from_arrays([border["kx"], border["ky"]]))
    whole = grid.locate(lon, lat)
    plain = ~crossed & (whole >= 0)
    # In a crossed square also the zones that hold it whole, where zones overlap.
    at = np.flatnonzero(crossed)
    point, around = grid.locate_all(lon[at], lat[at])
    held = pd.DataFrame({"kx": x[at][point], "ky": y[at][point], "zone": around})
    doubted = pd.concat([border, held]).drop_duplicates()
    lookup = pd.concat(
        [pd.DataFrame({"kx": x[plain], "ky": y[plain], "zone": whole[plain], "border": 0}), doubted.assign(border=1)]
    )
    kinds = {"kx": np.int64, "ky": np.int64, "zone": np.int64, "border": np.int64}
    return power, pa.Table.from_pandas(lookup.astype(kinds), preserve_index=False), pa.table(edges)


def _edges(zones: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both ends of each edge (n, 2), and the row of its zone."""
    parts, zone = polygons_of(zones)
    _, xy, (rings, of_part) = shapely.to_ragged_array(parts, include_z=False)
    begins = np.ones(len(xy), bool)
    begins[rings[1:] - 1] = False
    at = np.flatnonzero(begins)
    part = np.searchsorted(of_part, np.searchsorted(rings, at, side="right") - 1, side="right") - 1
    xy = xy + 0.0  # −0 is 0
    return xy[at], xy[at + 1], zone[part].astype(np.int64)


def _spread(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For ranges of whole numbers: the range and the number, one by one."""
    n = (last - first).astype(np.int64) + 1
    at = np.repeat(np.arange(len(n)), n)
    return at, (first[at].astype(np.int64) + np.arange(len(at)) - np.repeat(np.cumsum(n) - n, n))


def _crossed(a: np.ndarray, b: np.ndarray, zone: np.ndarray) -> pd.DataFrame:
    """The squares that each zone's edges may cross: of long edges piece by piece, with the squares around a piece."""
    pieces = np.maximum(np.ceil(np.abs(b - a).max(axis=1)), 1).astype(np.int64)
    at, piece = _spread(np.zeros(len(pieces)), pieces - 1)
    share = np.stack([piece, piece + 1]) / pieces[at]
    ends = a[at] + (b - a)[at] * share[..., None]
    pad = 1e-6  # squares; far above the rounding of a piece's ends
    low, high = np.floor(ends.min(axis=0) - pad), np.floor(ends.max(axis=0) + pad)
    of, ky = _spread(low[:, 1], high[:, 1])
    again, kx = _spread(low[of, 0], high[of, 0])
    frame = pd.DataFrame({"kx": kx, "ky": ky[again], "zone": zone[at[of[again]]]})
    return frame.drop_duplicates(ignore_index=True)
