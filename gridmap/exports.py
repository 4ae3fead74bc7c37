"""Files for everyone else: GeoPackage, GeoParquet, GeoJSON, CSV.

The format is the file's ending. Layers that a GeoPackage holds have names; the other formats hold one.
"""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import pandas as pd

from gridmap.audiences import DEFAULT_AUDIENCE
from gridmap.errors import OutputError
from gridmap.privacy import gate

__all__ = ["write_layers", "write_table"]


def write_table(
    frame: pd.DataFrame, path: str | Path, *, content: str = "table", audience: str = DEFAULT_AUDIENCE
) -> None:
    """Write what an audience may have of a table, as .parquet or .csv.

    CSV is UTF-8 with a byte-order mark, so that Excel reads Chinese.
    Text that a spreadsheet would run as a formula gets an apostrophe in front of it in CSV.
    """
    path = Path(path)
    frame = gate(frame, content, audience=audience)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".csv":
        named = isinstance(frame.index, pd.MultiIndex) or frame.index.name is not None
        safe = (frame.reset_index() if named else frame).copy()
        for column in safe.columns:
            if safe[column].dtype.kind not in "biufMm":
                safe[column] = safe[column].map(_no_formula)
        safe.to_csv(path, index=False, encoding="utf-8-sig")
    else:
        raise OutputError(f"A table is written as .parquet or .csv; found {path.name}.")


def _no_formula(value):
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def write_layers(layers: Mapping[str, gpd.GeoDataFrame], path: str | Path, *, audience: str = DEFAULT_AUDIENCE) -> None:
    """Write named layers into one GeoPackage, each with its index as a column."""
    path = Path(path)
    if path.suffix != ".gpkg":
        raise OutputError(f"Layers are written as .gpkg; found {path.name}.")
    for name, frame in layers.items():
        frame = gate(frame, "clusters" if name.endswith("_clusters") else "cells", audience=audience, what=name)
        _plain(frame.reset_index()).to_file(path, layer=name, driver="GPKG", engine="pyogrio")


def _plain(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The frame with periods and lists as text: what other programs cannot hold."""
    odd = [c for c in frame.columns if isinstance(frame[c].dtype, pd.PeriodDtype | pd.IntervalDtype)]
    odd += [c for c in frame.columns if frame[c].dtype == object and frame[c].map(lambda v: isinstance(v, list)).any()]
    return frame.astype(dict.fromkeys(odd, str)) if odd else frame
