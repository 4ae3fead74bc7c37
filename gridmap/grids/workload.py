"""How much work the incidents are, atom by atom: a load to divide by, alone or beside the households.

Three hundred households of a quiet estate and three hundred beside the bus station are not the same work. Each incident
goes to the building (or block) it lies at or nearest to; with weights, a dispute that takes days counts for more than
a street light. `atoms.assign(incidents=incident_workload(atoms, incidents))`, and then
`load={"households": 1, "incidents": 5}` or `load="incidents"`.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridmap.errors import InputError, SettingError
from gridmap.grids.atoms import atom_shapes
from gridmap.grids.base import Grid
from gridmap.grids.tessellation import Plane
from gridmap.messages import did_you_mean

__all__ = ["incident_workload"]


def incident_workload(atoms, incidents, *, weights: Mapping[str, float] | None = None) -> pd.Series:
    """The incidents at each atom, or their summed weight.

    Parameters
    ----------
    atoms : GeoDataFrame, DataFrame with lon and lat, or Grid
        As `make_grid(system="balanced", atoms=…)` takes them.
    incidents : Incidents
        As `read_incidents` gives them.
    weights : mapping of category to number, optional
        What an incident of the category counts for; 1 where nothing is said.

    Returns
    -------
    Series of float, the atoms' index, named "incidents"
        Its sum is the incidents' summed weight: each is at exactly one atom.

    Raises
    ------
    InputError
        If the atoms have no place, or what was given are no incidents.
    SettingError
        If a weight is not a number of 0 or more, or of a category that does not occur.

    Examples
    --------
    >>> from gridmap.read.incidents import read_incidents
    >>> atoms = pd.DataFrame({"households": [9, 9], "lon": [0.0, 0.01], "lat": [0.0, 0.0]})
    >>> found = pd.DataFrame({"lon": [0.001, 0.009, 0.008], "lat": 0.0, "category": ["a", "a", "b"],
    ...     "date": "2024-05-01"})
    >>> incident_workload(atoms, read_incidents(found), weights={"b": 3}).tolist()
    [1.0, 4.0]
    """
    if not hasattr(incidents, "lonlat"):
        raise InputError(f"A workload needs Incidents, as read_incidents gives them; found {type(incidents).__name__}.")
    frame = atoms.cells if isinstance(atoms, Grid) else atoms
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        raise InputError(f"A workload is laid on atoms with a place; found {type(atoms).__name__} without rows.")
    weight = _weights(incidents, weights)
    shapes = atom_shapes(frame)
    lon, lat = incidents.lonlat()
    plane = Plane(float(np.mean(lon)) if len(lon) else 0.0, float(np.mean(lat)) if len(lat) else 0.0)
    at = plane.to_m(np.column_stack([lon, lat]))
    if (shapely.get_type_id(shapes) == 0).all():
        row = cKDTree(plane.to_m(shapely.get_coordinates(shapes))).query(at)[1]
    else:
        row = shapely.STRtree(shapely.transform(shapes, plane.to_m)).nearest(shapely.points(at))
    return pd.Series(np.bincount(row, weight, minlength=len(frame)), index=frame.index, name="incidents")


def _weights(incidents, weights) -> np.ndarray:
    if weights is None:
        return np.ones(len(incidents))
    kinds = incidents.to_frame(["category"])["category"].astype(object)
    known = [k for k in pd.unique(kinds) if isinstance(k, str)]
    for kind, value in weights.items():
        if kind not in known:
            raise SettingError(f"No incident is of the category {kind!r}. {did_you_mean(str(kind), known)}")
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value) or value < 0:
            raise SettingError(f"The weight of {kind!r} is a number of 0 or more; found {value!r}.")
    return kinds.map(lambda k: float(weights.get(k, 1.0))).to_numpy(float)
