"""A grid as a GeoParquet file, and back: what `gridmap tile` writes and `gridmap count` reads."""

import json
from pathlib import Path

import geopandas as gpd
import pyarrow as pa
import pyarrow.parquet as pq

from gridmap._io import atomic_file
from gridmap.errors import OutputError, ReadError
from gridmap.grids.base import Grid
from gridmap.grids.systems import grid_systems
from gridmap.messages import Note
from gridmap.read.metric_projection import require_metric

__all__ = ["read_grid", "write_grid"]

KEY = b"gridmap"


def write_grid(grid: Grid, path: str | Path) -> None:
    """Write the cells as GeoParquet; how the grid was made travels in the file's metadata."""
    path = Path(path)
    if path.suffix != ".parquet":
        raise OutputError(Note("grids.file_suffix", found=path.name))
    with atomic_file(path, message=lambda why: Note("grids.unwritable", path=path, why=why)) as part:
        grid.cells.to_parquet(part)
        table = pq.read_table(part)
        about = json.dumps({"system": grid.system, "params": dict(grid.params)}).encode()
        pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: about}), part)


def read_grid(path: str | Path) -> Grid:
    """A grid from a file that `write_grid` or `gridmap tile` wrote.

    Raises
    ------
    ReadError
        If there is no such file, or it does not hold a grid.
    """
    path = Path(path)
    if not path.is_file():
        raise ReadError(Note("grids.no_file", path=path))
    try:
        metadata = pq.read_schema(path).metadata or {}
        about = json.loads(metadata[KEY])
        cells = gpd.read_parquet(path)
    except (pa.ArrowInvalid, OSError, ValueError):
        raise ReadError(Note("grids.not_geoparquet", path=path)) from None
    except KeyError:
        raise ReadError(Note("grids.no_metadata", path=path)) from None
    grid = grid_systems()[about["system"]](cells, about["params"])
    if "crs" in about["params"]:
        grid.metric_crs = require_metric(about["params"]["crs"], Note("read.the_cells"))
    return grid
