"""What is there to write? Everything that gridmap answers with, taken apart into named frames that say what they are.

A result has cells and perhaps clusters, contours and a surface; a plan has stops, routes and places. Each becomes a
`Part`. A file is soon alone, so how its numbers were made goes with it (`Stamp`): which run, which method and settings,
in which units, for whom. Names of columns carry their unit (`_m`, `_m2`, `_min`), and a few words of the trade are
known.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from pyproj import CRS

from gridmap import __version__
from gridmap._audit import run_id
from gridmap.errors import CRSError, InputError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.hotspots.density_result import DensityResult
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.patrol.plan import PatrolPlan
from gridmap.read.incident_table import Incidents

__all__ = ["KEY", "Part", "Stamp", "parts_of", "run_id_of", "shapes_of", "unit_of", "units_of", "written_at"]

#: Under this name the facts stand in a file's metadata, as JSON.
KEY = "gridmap"

KNOWN = {
    **dict.fromkeys(("count", "expected", "before", "after", "difference", "stops", "visits"), "incidents"),
    **dict.fromkeys(("z_score", "p_value", "q_value", "ratio", "share_inside", "stability"), "1"),
    **{"persons": "persons", "households": "households", "lon": "degrees", "lat": "degrees"},
    **{"stops": "stops", "visits": "visits"},
}
ENDINGS = {
    "_per_km2": "per square kilometre", "_per_km": "incidents per kilometre", "_m2": "square metres", "_m": "metres",
    "_km": "kilometres", "_min": "minutes", "_h": "hours", "_s": "seconds", "_deg": "degrees", "_share": "1",
}  # fmt: skip


def unit_of(column: str, own: str | None = None) -> str | None:
    """The unit of a column by its name; None where the name does not say.

    `own` is the unit of the result itself, as a surface has it: that of `intensity`.

    Examples
    --------
    >>> unit_of("area_m2"), unit_of("count"), unit_of("zone_id")
    ('square metres', 'incidents', None)
    """
    if column == "intensity":
        return own or "incidents per square kilometre"
    if column in KNOWN:
        return KNOWN[column]
    return next((unit for ending, unit in ENDINGS.items() if column.endswith(ending)), None)


def units_of(columns: Iterable, own: str | None = None) -> dict[str, str]:
    """Column → unit, for those columns that have one."""
    found = {str(column): unit_of(str(column), own) for column in columns}
    return {column: unit for column, unit in found.items() if unit is not None}


@dataclass(frozen=True)
class Part:
    """One layer or table to write.

    Attributes
    ----------
    name : str
        Of the layer; letters that every program takes.
    frame : DataFrame or GeoDataFrame
        Its index is written as a column where it has a name.
    kind : str
        What a row is, one of `gridmap.privacy.CONTENTS`: the gate asks it.
    source : HotspotResult, PatrolPlan, Grid, Incidents or None
        What it was taken from, for its style, its surface and its settings.
    method, params, notes
        How the numbers were made.
    grid : Grid or None
        Whose cells they are, where it was given.
    audience : str or None
        For whom it was released; taken over from what it was taken from.
    """

    name: str
    frame: pd.DataFrame
    kind: str
    source: Any = None
    method: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    grid: Grid | None = None
    audience: str | None = None

    @property
    def is_spatial(self) -> bool:
        """Whether its rows have shapes."""
        return isinstance(self.frame, gpd.GeoDataFrame) and self.frame._geometry_column_name in self.frame

    @property
    def crs(self) -> CRS | None:
        """Of the shapes."""
        return self.frame.crs if isinstance(self.frame, gpd.GeoDataFrame) and self.is_spatial else None

    def about(self) -> dict[str, Any]:
        """How the numbers were made, in plain types: what every file says of itself."""
        unit = getattr(self.source, "unit", None)
        return {
            "method": self.method,
            "settings": {str(k): _plain(v) for k, v in self.params.items()},
            "notes": [str(n) for n in self.notes],
            "units": units_of(self.frame.columns, unit),
            "crs": self.crs.to_string() if self.crs is not None else None,
        }


def parts_of(what: Any, *, grid: Grid | None = None, name: str | None = None, content: str | None = None) -> list[Part]:
    """The parts of anything that can be written.

    Parameters
    ----------
    what : HotspotResult, PatrolPlan, Grid, Incidents, GeoDataFrame, DataFrame, or dict of name → one of these
    grid : Grid, optional
        Gives cells their shapes, where `what` is a table by `cell_id`.
    name : str, optional
        Of the first part; the method's by default.
    content : str, optional
        What the rows of a frame are; found by its columns and shapes, by default.

    Raises
    ------
    InputError
        For anything else, an empty mapping, or cells that are not in the grid.
    """
    grid = None if grid is None else as_grid(grid)
    if grid is not None and not isinstance(grid, Grid):
        raise InputError(Note("exports.not_a_grid", found=type(grid).__name__))
    if isinstance(what, Mapping):
        if not what:
            raise InputError(Note("exports.nothing"))
        return [
            part for key, value in what.items() for part in parts_of(value, grid=grid, name=str(key), content=content)
        ]
    if isinstance(what, Part):
        return [what]
    if isinstance(what, HotspotResult):
        return _of_result(what, grid, name)
    if isinstance(what, PatrolPlan):
        made: dict[str, Any] = {"source": what, "method": what.method, "params": what.params, "notes": what.notes}
        kinds = {"stops": "places", "routes": "lines", "places": "places", "unmet": "table", "posts": "table"}
        before = f"{name}_" if name else ""
        return [Part(f"{before}{part}", getattr(what, part), kind, **made) for part, kind in kinds.items()]
    if isinstance(what, Grid):
        params = {"system": what.system, **what.params, "metric_crs": what.metric_crs.to_string()}
        return [Part(name or "cells", what.cells, "cells", what, "make_grid", params)]
    if isinstance(what, Incidents):
        return [Part(name or "incidents", what.to_geodataframe(), "points", what, "read_incidents")]
    if isinstance(what, pd.DataFrame):
        return [_of_frame(what, grid, name, content)]
    raise InputError(Note("exports.cannot_write", found=type(what).__name__))


def _of_result(result: HotspotResult, grid: Grid | None, name: str | None) -> list[Part]:
    name = name or result.method
    made: dict[str, Any] = {"source": result, "method": result.method, "params": result.params, "notes": result.notes}
    made |= {"grid": grid, "audience": result.audience}
    parts = []
    if len(result.cells) or result.clusters is None:
        cells = result.cells if isinstance(result.cells, gpd.GeoDataFrame) else _with_shapes(result.cells, grid)
        parts.append(Part(name, cells, "cells" if isinstance(cells, gpd.GeoDataFrame) else "table", **made))
    if result.clusters is not None:
        parts.append(Part(f"{name}_clusters", result.clusters, "clusters", **made))
    if isinstance(result, DensityResult) and result.contours is not None:
        parts.append(Part(f"{name}_contours", result.contours, "clusters", **made))
    return parts


def _of_frame(frame: pd.DataFrame, grid: Grid | None, name: str | None, content: str | None) -> Part:
    shaped = frame if isinstance(frame, gpd.GeoDataFrame) else _with_shapes(frame, grid)
    if not isinstance(shaped, gpd.GeoDataFrame) or shaped._geometry_column_name not in shaped:
        bare = content or ("counts" if "cell_id" in shaped.index.names else "table")
        return Part(name or bare, pd.DataFrame(shaped), bare)
    if content is not None:
        return Part(name or content, shaped, content)
    if "cluster_id" in (shaped.index.names or ()) or (name or "").endswith("_clusters"):
        return Part(name or "clusters", shaped, "clusters")
    if "cell_id" in (shaped.index.names or ()) or "cell_id" in shaped:
        return Part(name or "cells", shaped, "cells", grid=grid)
    kinds = set(shaped.geom_type.dropna())
    kind = "points" if kinds & {"Point", "MultiPoint"} else "lines" if any("Line" in k for k in kinds) else "cells"
    return Part(name or kind, shaped, kind)


def _with_shapes(table: pd.DataFrame, grid: Grid | None) -> pd.DataFrame:
    """A table by `cell_id` with the shapes (and zones) of its cells, once per row; as it is without a grid."""
    if grid is None or "cell_id" not in table.index.names:
        return table
    ids = table.index.get_level_values("cell_id")
    row = grid.cells.index.get_indexer(ids)
    if (row < 0).any():
        lost = ids[row < 0].unique()
        raise InputError(Note("exports.cells_not_in_grid", n=len(lost), first=str(lost[0])))
    carried = {c: grid.cells[c].to_numpy()[row] for c in ("zone_id", "area_m2") if c in grid.cells and c not in table}
    shapes = grid.cells.geometry.array[row]
    return gpd.GeoDataFrame(table.assign(**carried), geometry=shapes, crs=grid.cells.crs)


def run_id_of(parts: list[Part]) -> str:
    """A name for a result that no run gave one: the same for the same numbers, method, settings and version."""
    digest = hashlib.sha256()
    for part in parts:
        values = pd.DataFrame(part.frame.drop(columns=part.frame.geometry.name) if part.is_spatial else part.frame)
        odd = [i for i, dtype in enumerate(values.dtypes) if dtype.kind == "O"]
        for i in odd:
            values.isetitem(i, values.iloc[:, i].astype(str).array)
        digest.update(pd.util.hash_pandas_object(values, index=True).to_numpy().tobytes())
        if part.is_spatial:
            digest.update(np.ascontiguousarray(part.frame.geometry.bounds.to_numpy(float)).tobytes())
    abouts = [{**p.about(), "name": p.name, "columns": [str(c) for c in p.frame.columns]} for p in parts]
    return run_id(abouts, [{"sha256": digest.hexdigest()}])


def _plain(value: Any) -> Any:
    """A setting as JSON holds it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | np.ndarray | pd.Index):
        return [_plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)


@dataclass(frozen=True)
class Stamp:
    """The facts of one writing.

    Attributes
    ----------
    run_id : str
    audience : {"internal", "meeting", "public"}
    language : {"en", "zh"}
        Of legends and field titles.
    encoding : str
        Of a shapefile's text.
    title : str
        The file's own title, as phones show it.
    """

    run_id: str
    audience: str = "meeting"
    language: str = "en"
    encoding: str = "utf-8"
    title: str = ""

    def of(self, part: Part) -> dict[str, Any]:
        """The facts of one part: run, method, settings, notes, units, CRS."""
        return {
            "run_id": self.run_id,
            "audience": self.audience,
            "made_by": f"gridmap {__version__}",
            "layer": part.name,
            **part.about(),
        }

    def as_json(self, part: Part) -> str:
        """The same as JSON text."""
        return json.dumps(self.of(part), ensure_ascii=False, default=str)

    def flat(self, part: Part) -> dict[str, str]:
        """The same as names and texts, for formats that hold nothing else."""
        facts = self.of(part)
        return {
            k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in facts.items() if v is not None
        }


def written_at() -> datetime:
    """When a file says that it was written: now, or what GDAL's OGR_CURRENT_DATE says, as in a run that is replayed."""
    reported = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    return datetime.fromisoformat(str(reported)) if reported else datetime.now(UTC)


def shapes_of(parts: list[Part], what: str) -> Part:
    """The first part that has shapes.

    Raises
    ------
    InputError
        If none has.
    CRSError
        If it does not say where on earth they are.
    """
    part = next((p for p in parts if p.is_spatial), None)
    if part is None:
        raise InputError(Note("exports.table_without_shapes", what=what, name=parts[0].name))
    if part.crs is None:
        raise CRSError(Note("exports.no_crs", name=part.name))
    return part
