"""Frames and layers of points as tables: geometry becomes two columns of coordinates."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap.errors import CRSError, InputError
from gridmap.read.raw_tables import MemoryTable
from gridmap.read.sniff import unique_names

__all__ = ["X", "Y", "frame_table"]

#: The names that the coordinates of a geometry column are given.
X, Y = "geometry.x", "geometry.y"


def frame_table(frame: pd.DataFrame, name: str) -> MemoryTable:
    """A DataFrame, or a GeoDataFrame of points, as a table.

    Raises
    ------
    InputError
        If there is a geometry column but no points in it.
    CRSError
        If there is a geometry column without a CRS.
    """
    if len(frame.columns) == 0:
        raise InputError(f"{name} has no columns, so there are no incidents in it.")
    crs, faults, rows, table = None, [], None, pd.DataFrame(frame)
    if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame.columns:
        points = frame.geometry
        if frame.crs is None:
            raise CRSError(f"{name} has geometry without a CRS. Say it first: frame.set_crs(…).")
        kinds = points.geom_type
        odd = kinds.notna() & ~kinds.isin(["Point", "MultiPoint"])
        if odd.any() and odd.sum() == points.notna().sum():
            raise InputError(
                f"{name} has no points but {kinds[odd].iloc[0]}s. Incidents are points: take another layer."
            )
        shapes = points.to_numpy()
        single = np.array([s is not None and s.geom_type == "MultiPoint" and len(s.geoms) == 1 for s in shapes], bool)
        shapes = shapes.copy()
        shapes[single] = [s.geoms[0] for s in shapes[single]]
        point = shapely.get_type_id(shapes) == 0
        table = table.drop(columns=frame._geometry_column_name)
        table = table.assign(
            **{X: shapely.get_x(np.where(point, shapes, None)), Y: shapely.get_y(np.where(point, shapes, None))}
        )
        crs = frame.crs
        bad = (odd | (kinds == "MultiPoint")).to_numpy() & ~point
        faults = [(int(i) + 1, "not_a_point", str(kinds.iloc[i])) for i in np.flatnonzero(bad)]
        rows = np.flatnonzero(~bad) + 1
        table = table.loc[~bad]
    table = table.copy(deep=False)
    table.columns = unique_names([str(c) for c in table.columns])
    columns = {}
    for column in table.columns:
        values = table[column]
        try:
            columns[column] = pa.array(values, from_pandas=True)
            if pa.types.is_dictionary(columns[column].type):
                columns[column] = columns[column].dictionary_decode()
            if not _simple(columns[column].type):
                raise pa.ArrowTypeError("nested")
        except (pa.ArrowException, TypeError, ValueError):
            columns[column] = pa.array([None if v is None or v != v else str(v) for v in values], pa.string())
    return MemoryTable(
        name=name,
        columns=list(columns),
        crs=crs,
        data=pa.table(columns),
        faults=faults,
        rows=rows,
        size=int(table.memory_usage().sum()),
    )


def _simple(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
