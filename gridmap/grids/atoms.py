"""What a grid is drawn from: buildings, address points, census blocks, squares, H3 cells, raster cells.

An atom is never divided between two grids of a community. It has a place and one or more loads. Points belong to
the community they lie in; areas that a border cuts are shared by area, unless all but a sliver lies on one side.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmap.errors import CRSError, InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.messages import did_you_mean
from gridmap.read.features import read_features
from gridmap.read.metric import metric_crs

__all__ = ["Atoms", "Holdings", "atom_shapes", "hold", "read_atoms"]

SLIVER = 0.02  # of an atom's area: less than this on the other side of a border is digitising, not land
TILES = 0.6  # areas that cover less of the communities than this are footprints, and their centres are taken
CARRIED = ("households", "persons", "population", "residents", "户数", "人口")


@dataclass
class Atoms:
    """Atoms with their loads.

    Attributes
    ----------
    shapes : array of Point or Polygon, lon/lat, (n,)
    tiles : bool
        Whether they are areas that tile the ground.
    load : array of float, (n,)
        What is to be even, weights applied.
    carried : DataFrame, (n, m)
        Numbers that are summed up to the grids: the loads under their own names, persons, households.
    name : str
        The load's name.
    """

    shapes: np.ndarray
    tiles: bool
    load: np.ndarray
    carried: pd.DataFrame
    name: str


@dataclass
class Holdings:
    """Which atoms a community holds: rows of atoms, the community of each, and the share of its load there."""

    community: np.ndarray
    atom: np.ndarray
    share: np.ndarray
    outside: np.ndarray

    def of(self, community: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and shares of the atoms of one community; `community` is sorted."""
        low, high = np.searchsorted(self.community, [community, community + 1])
        return self.atom[low:high], self.share[low:high]


def read_atoms(atoms, load, communities: gpd.GeoDataFrame) -> Atoms:
    """Atoms of any kind as `Atoms`, checked.

    Parameters
    ----------
    atoms : GeoDataFrame, DataFrame with lon and lat, Grid, or path of a file
        A raster's cells get their value under the load's name.
    load : str or mapping of str to float
        A column, "area_m2", or several columns with their weights.
    communities : GeoDataFrame in EPSG:4326
    """
    weights = _weights(load)
    if isinstance(atoms, str | Path):
        atoms = read_features(atoms, column=next(iter(weights)), within=tuple(communities.total_bounds))
    frame = atoms.cells if isinstance(atoms, Grid) else atoms
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"atoms are a GeoDataFrame, a DataFrame with lon and lat, or a Grid; found {type(atoms).__name__}."
        )
    if not len(frame):
        raise InputError("The atoms are empty, so there is no load to divide. Give buildings, blocks or squares.")
    shapes = atom_shapes(frame)
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bad.any():
        raise InputError(f"{int(bad.sum())} of {len(frame)} atoms have no geometry. Drop them, or give them a place.")
    kinds = np.unique(shapely.get_type_id(shapes))
    if not np.isin(kinds, [0, 3, 6]).all() or (0 in kinds and len(kinds) > 1):
        raise InputError("atoms are either points or polygons; found " + _kinds(shapes) + ".")
    tiles = bool(kinds[0] != 0)
    if tiles:
        bad = ~shapely.is_valid(shapes)
        shapes[bad] = shapely.make_valid(shapes[bad])
        tiles = _area(shapes) >= TILES * min(_area(communities.geometry.to_numpy()), _area(shapely.convex_hull(shapes)))
        if not tiles:
            shapes = shapely.point_on_surface(shapes)
    values = {}
    for name in weights:
        if name == "area_m2" and name not in frame.columns:
            continue
        if name not in frame.columns:
            columns = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
            raise InputError(f"The atoms have no column {name!r} for the load. {did_you_mean(name, columns)}")
        values[name] = _numbers(frame[name], name)
    for name in CARRIED:
        if name in frame.columns and name not in values and pd.api.types.is_numeric_dtype(frame[name]):
            values[name] = frame[name].fillna(0).to_numpy(float)
    carried = pd.DataFrame(values)
    total = np.zeros(len(frame))
    for name, weight in weights.items():
        if name in values:
            total += weight * values[name]
    if "area_m2" not in weights and not total.sum() > 0:
        raise InputError(f"The load {'+'.join(weights)!r} is 0 on every atom, so there is nothing to divide evenly.")
    return Atoms(shapes, tiles, total, carried, next(iter(weights)) if len(weights) == 1 else "load")


def hold(atoms: Atoms, communities: gpd.GeoDataFrame) -> Holdings:
    """Which community holds each atom, and how much of it."""
    zones = communities.geometry.to_numpy()
    tree = shapely.STRtree(zones)
    n = len(atoms.shapes)
    at, zone = tree.query(atoms.shapes, predicate="intersects")
    if atoms.tiles:
        part = shapely.area(shapely.intersection(atoms.shapes[at], zones[zone])) / shapely.area(atoms.shapes[at])
        touched = part > 1e-9
        at, zone, part = at[touched], zone[touched], part[touched]
        # The most of each atom; ties go to the lower row.
        most = np.zeros(n)
        np.maximum.at(most, at, part)
        inside = most > SLIVER
        share = np.where(part >= SLIVER, part, 0.0)
        share = np.where((most[at] > 1 - SLIVER) & (part < most[at]), 0.0, share)
        total = np.bincount(at, share, minlength=n)
        share = share / np.where(total[at] > 0, total[at], 1)
        share[~inside[at]] = 0.0
        outside = np.flatnonzero(~inside)
    else:
        order = np.lexsort((zone, at))
        at, zone = at[order], zone[order]
        first = np.r_[True, np.diff(at) > 0] if len(at) else np.zeros(0, bool)
        at, zone = at[first], zone[first]
        share = np.ones(len(at))
        outside = np.setdiff1d(np.arange(n), at)
    if len(outside) == n:
        raise InputError(
            f"All {n} atoms lie outside every community. Check that both are of the same place and say their right CRS."
        )
    order = np.lexsort((at, zone))
    return Holdings(zone[order], at[order], share[order], outside)


def _weights(load) -> dict[str, float]:
    if isinstance(load, str):
        return {load: 1.0}
    if isinstance(load, Mapping) and len(load):
        try:
            weights = {str(name): float(weight) for name, weight in load.items()}
        except (TypeError, ValueError):
            weights = {"": -1.0}
        if all(np.isfinite(w) and w > 0 for w in weights.values()):
            if "area_m2" in weights and len(weights) > 1:
                raise SettingError("area_m2 is a load of its own; it cannot be mixed with others.")
            return weights
    raise SettingError(
        f"load is a column of the atoms, or several with their weights as in {{'households': 1, 'cases': 10}}; "
        f"found {load!r}."
    )


def atom_shapes(frame: pd.DataFrame) -> np.ndarray:
    """Points or polygons in lon/lat, from a geometry or from the columns lon and lat."""
    if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame.columns:
        if frame.crs is None:
            raise CRSError("The atoms have no CRS. Say it with set_crs(), as in atoms.set_crs(4326).")
        return shapely.force_2d(frame.geometry.to_crs(4326).to_numpy())
    names = {str(c).lower(): c for c in frame.columns}
    for lon, lat in (("lon", "lat"), ("longitude", "latitude"), ("经度", "纬度")):
        if lon in names and lat in names:
            x, y = (pd.to_numeric(frame[names[c]], errors="coerce").to_numpy(float) for c in (lon, lat))
            bad = ~(np.isfinite(x) & np.isfinite(y))
            if bad.any():
                raise InputError(f"{int(bad.sum())} of {len(frame)} atoms have no usable lon and lat. Drop them first.")
            return shapely.points(x, y)
    raise InputError("The atoms have neither a geometry nor the columns lon and lat.")


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(numbers) | (numbers < 0)
    if bad.any():
        found = values[bad].iloc[0]
        raise InputError(
            f"The load {name!r} must be a number of 0 or more on every atom; {int(bad.sum())} are not, as {found!r}."
        )
    return numbers


def _area(shapes: np.ndarray) -> float:
    series = gpd.GeoSeries(shapes, crs=4326)
    return float(series.to_crs(metric_crs(tuple(series.total_bounds))).area.sum())


def _kinds(shapes: np.ndarray) -> str:
    return ", ".join(sorted({shape.geom_type for shape in shapes[:1000]}))
