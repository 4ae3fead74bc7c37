"""Basic units: what a management grid is drawn from, and how much work each is.

Buildings, address points, census blocks, squares, H3 cells, raster cells. A basic unit is never divided between two
grids of a community. It has a place and one or more loads. Points belong to the community they lie in; areas that a
border cuts are shared by area, unless all but a sliver lies on one side.

The load may come from the incidents (`incident_workload`): three hundred households of a quiet estate and three hundred
beside the bus station are not the same work. Each incident goes to the building (or block) it lies at or nearest to;
with weights, a dispute that takes days counts for more than a street light.
`units.assign(incidents=incident_workload(incidents, units))`, and then `load={"households": 1, "incidents": 5}`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

from gridmap._moved import in_former_order
from gridmap.errors import CRSError, InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.regionalization.mosaic import Plane
from gridmap.messages import Note, did_you_mean
from gridmap.read.features import read_features
from gridmap.read.incidents import as_incidents
from gridmap.read.metric_projection import metric_crs

__all__ = ["BasicUnits", "Holdings", "hold", "incident_workload", "read_units", "unit_shapes"]


SLIVER = 0.02  # of a basic unit's area: less than this on the other side of a border is digitising, not land
TILES = 0.6  # areas that cover less of the communities than this are footprints, and their centres are taken
CARRIED = ("households", "persons", "population", "residents", "户数", "人口")


@dataclass
class BasicUnits:
    """Basic units with their loads.

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
    """Which basic units a community holds: rows, the community of each, and the share of its load there."""

    community: np.ndarray
    unit: np.ndarray
    share: np.ndarray
    outside: np.ndarray

    def of(self, community: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows and shares of the basic units of one community; `community` is sorted."""
        low, high = np.searchsorted(self.community, [community, community + 1])
        return self.unit[low:high], self.share[low:high]


def read_units(units, load, communities: gpd.GeoDataFrame) -> BasicUnits:
    """Basic units of any kind as `BasicUnits`, checked.

    Parameters
    ----------
    units : GeoDataFrame, DataFrame with lon and lat, Grid, or path of a file
        A raster's cells get their value under the load's name.
    load : str or mapping of str to float
        A column, "area_m2", or several columns with their weights.
    communities : GeoDataFrame in EPSG:4326
    """
    weights = _weights(load)
    if isinstance(units, str | Path):
        units = read_features(units, column=next(iter(weights)), within=tuple(communities.total_bounds))
    frame = units.cells if isinstance(units, Grid) else units
    if not isinstance(frame, pd.DataFrame):
        raise InputError(Note("grids.units_frame", found=type(units).__name__))
    if not len(frame):
        raise InputError(Note("grids.units_empty"))
    shapes = unit_shapes(frame)
    bad = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    if bad.any():
        raise InputError(Note("grids.units_no_shape", n=int(bad.sum()), total=len(frame)))
    kinds = np.unique(shapely.get_type_id(shapes))
    if not np.isin(kinds, [0, 3, 6]).all() or (0 in kinds and len(kinds) > 1):
        raise InputError(Note("grids.units_kinds", found=_kinds(shapes)))
    tiles = bool(kinds[0] != 0)
    if tiles:
        bad = ~shapely.is_valid(shapes)
        shapes[bad] = shapely.make_valid(shapes[bad])
        tiles = _area(shapes) >= TILES * min(_area(communities.geometry.to_numpy()), _area(shapely.convex_hull(shapes)))
        if not tiles:
            shapes = shapely.point_on_surface(shapes)
    values = _carried_numbers(frame, weights)
    carried = pd.DataFrame(values)
    total = np.zeros(len(frame))
    for name, weight in weights.items():
        if name in values:
            total += weight * values[name]
    if "area_m2" not in weights and not total.sum() > 0:
        raise InputError(Note("grids.load_zero", load="+".join(weights)))
    return BasicUnits(shapes, tiles, total, carried, next(iter(weights)) if len(weights) == 1 else "load")


def _carried_numbers(frame: pd.DataFrame, weights: dict[str, float]) -> dict[str, np.ndarray]:
    """The columns of the load, checked, and what else of people is there."""
    values = {}
    for name in weights:
        if name == "area_m2" and name not in frame.columns:
            continue
        if name not in frame.columns:
            columns = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
            raise InputError(Note("grids.load_column", name=name, meant=did_you_mean(name, columns)))
        values[name] = _numbers(frame[name], name)
    for name in CARRIED:
        if name in frame.columns and name not in values and pd.api.types.is_numeric_dtype(frame[name]):
            values[name] = frame[name].fillna(0).to_numpy(float)
    return values


def hold(units: BasicUnits, communities: gpd.GeoDataFrame) -> Holdings:
    """Which community holds each basic unit, and how much of it."""
    zones = communities.geometry.to_numpy()
    tree = shapely.STRtree(zones)
    n = len(units.shapes)
    at, zone = tree.query(units.shapes, predicate="intersects")
    if units.tiles:
        part = shapely.area(shapely.intersection(units.shapes[at], zones[zone])) / shapely.area(units.shapes[at])
        touched = part > 1e-9
        at, zone, part = at[touched], zone[touched], part[touched]
        # The most of each basic unit; ties go to the lower row.
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
        raise InputError(Note("grids.units_outside", n=n))
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
                raise SettingError(Note("grids.load_area"))
            return weights
    raise SettingError(Note("grids.load", found=load))


def unit_shapes(frame: pd.DataFrame) -> np.ndarray:
    """Points or polygons in lon/lat, from a geometry or from the columns lon and lat."""
    if isinstance(frame, gpd.GeoDataFrame) and frame._geometry_column_name in frame.columns:
        if frame.crs is None:
            raise CRSError(Note("grids.units_crs"))
        return shapely.force_2d(frame.geometry.to_crs(4326).to_numpy())
    names = {str(c).lower(): c for c in frame.columns}
    for lon, lat in (("lon", "lat"), ("longitude", "latitude"), ("经度", "纬度")):
        if lon in names and lat in names:
            x, y = (pd.to_numeric(frame[names[c]], errors="coerce").to_numpy(float) for c in (lon, lat))
            bad = ~(np.isfinite(x) & np.isfinite(y))
            if bad.any():
                raise InputError(Note("grids.units_lonlat", n=int(bad.sum()), total=len(frame)))
            return shapely.points(x, y)
    raise InputError(Note("grids.units_no_place"))


def _numbers(values: pd.Series, name: str) -> np.ndarray:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(numbers) | (numbers < 0)
    if bad.any():
        found = values[bad].iloc[0]
        raise InputError(Note("grids.load_numbers", name=name, n=int(bad.sum()), found=found))
    return numbers


def _area(shapes: np.ndarray) -> float:
    series = gpd.GeoSeries(shapes, crs=4326)
    return float(series.to_crs(metric_crs(tuple(series.total_bounds))).area.sum())


def _kinds(shapes: np.ndarray) -> str:
    return ", ".join(sorted({shape.geom_type for shape in shapes[:1000]}))


@in_former_order("units, incidents", lambda given: hasattr(given[1], "lonlat"))
def incident_workload(incidents, units, *, weights: Mapping[str, float] | None = None) -> pd.Series:
    """The incidents at each basic unit, or their summed weight.

    Parameters
    ----------
    incidents : Incidents
        As `read_incidents` gives them.
    units : GeoDataFrame, DataFrame with lon and lat, or Grid
        As `make_grid(system="balanced", basic_units=…)` takes them.
    weights : mapping of category to number, optional
        What an incident of the category counts for; 1 where none is given.

    Returns
    -------
    Series of float, the basic units' index, named "incidents"
        Its sum is the incidents' summed weight: each is at exactly one basic unit.

    Raises
    ------
    InputError
        If the basic units have no place, or what was given are not incidents.
    SettingError
        If a weight is not a number of 0 or more, or of a category that does not occur.

    Examples
    --------
    >>> from gridmap.read.incidents import read_incidents
    >>> units = pd.DataFrame({"households": [9, 9], "lon": [0.0, 0.01], "lat": [0.0, 0.0]})
    >>> found = pd.DataFrame({"lon": [0.001, 0.009, 0.008], "lat": 0.0, "category": ["a", "a", "b"],
    ...     "date": "2024-05-01"})
    >>> incident_workload(read_incidents(found), units, weights={"b": 3}).tolist()
    [1.0, 4.0]
    """
    incidents = as_incidents(incidents)
    if not hasattr(incidents, "lonlat"):
        raise InputError(Note("grids.workload_incidents", found=type(incidents).__name__))
    frame = units.cells if isinstance(units, Grid) else units
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise InputError(Note("grids.workload_units", found=type(units).__name__))
    weight = _category_weights(incidents, weights)
    shapes = unit_shapes(frame)
    lon, lat = incidents.lonlat()
    plane = Plane(float(np.mean(lon)) if len(lon) else 0.0, float(np.mean(lat)) if len(lat) else 0.0)
    at = plane.to_m(np.column_stack([lon, lat]))
    if (shapely.get_type_id(shapes) == 0).all():
        row = scipy.spatial.cKDTree(plane.to_m(shapely.get_coordinates(shapes))).query(at)[1]
    else:
        row = shapely.STRtree(shapely.transform(shapes, plane.to_m)).nearest(shapely.points(at))
    return pd.Series(np.bincount(row, weight, minlength=len(frame)), index=frame.index, name="incidents")


def _category_weights(incidents, weights) -> np.ndarray:
    if weights is None:
        return np.ones(len(incidents))
    kinds = incidents.to_frame(["category"])["category"].astype(object)
    known = [k for k in pd.unique(kinds) if isinstance(k, str)]
    for kind, value in weights.items():
        if kind not in known:
            raise SettingError(Note("grids.workload_category", name=kind, meant=did_you_mean(str(kind), known)))
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or value < 0:
            raise SettingError(Note("grids.workload_weight", name=kind, found=value))
    return kinds.map(lambda k: float(weights.get(k, 1.0))).to_numpy(float)
