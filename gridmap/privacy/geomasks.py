"""geomask(): points moved so far that each could be one of k households, and no farther.

When single points must be passed on (to a university, to another office), they are moved. The donut: each point goes
in a random direction by a random distance between a least and a most, so that none stays where it was. How far is
enough depends on who lives there: with a population given, the most is the radius of a circle that holds the wanted
number of people, far in the country and near in town. What was reached is measured, not assumed: `k_anonymity` counts
how many people (or cells' worth of them) live nearer to the masked point than the true place does.

It does not protect against everything: the same points masked twice can be averaged, a masked point still tells
roughly where, and a reader who knows something about one incident may recognise it. So masked points are still points:
they are for `internal` use, and the gate stops them like any other.

Source: the donut and its measured k: Hampton, Fitch, Allshouse, Doherty, Gesink, Leone, Serre & Miller (2010), American
Journal of Epidemiology 172, 1062–1069; within borders and with households: Allshouse, Fitch, Hampton, Gesink, Doherty,
Leone, Serre & Miller (2010), Journal of the American Medical Informatics Association 17, 551–558; a review: Zandbergen
(2014), Advances in Medicine 2014, 567049.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.messages import Note
from gridmap.privacy.audience_gate import check_k
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents
from gridmap.read.metric_projection import unproject

__all__ = ["MaskedIncidents", "geomask"]

TRIES = 200


@dataclass(frozen=True, repr=False)
class MaskedIncidents(Incidents):
    """Incidents whose points were moved, and what that achieved.

    Attributes
    ----------
    k_anonymity : Series of float, a row an incident
        People (or households) who live nearer to the masked place than the true place does: among so many the true
        one is hidden. nan without a population.
    moved_m : Series of float, a row an incident
        How far each was moved.
    left_out : int
        Incidents for which no place could be found (outside the grid, or a zone too small for the least distance).
    params : mapping
        Every setting as used.
    """

    k_anonymity: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    moved_m: pd.Series = field(default_factory=lambda: pd.Series(dtype=float))
    left_out: int = 0
    params: Mapping = field(default_factory=dict)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        median = f", median k {self.k_anonymity.median():,.0f}" if self.k_anonymity.notna().any() else ""
        return f"MaskedIncidents: {len(self):,} moved by {self.moved_m.median():,.0f} m in the median{median}"


def geomask(
    incidents: Incidents,
    *,
    k: int = 20,
    min_m: float | None = None,
    max_m: float | None = None,
    grid: Grid | None = None,
    population: str = "persons",
    within_zone: bool = False,
    random_state: int | None = None,
) -> MaskedIncidents:
    """Move each point by a random distance in a random direction: the donut method.

    Parameters
    ----------
    incidents : Incidents
    k : int
        Spatial k-anonymity that is aimed at: the circle of the largest displacement holds about 4 k people, that of the
        least displacement k. 2 or more.
    min_m, max_m : float, optional
        Least and largest displacement in metres, the same for all. Needed without a population.
    grid : Grid, optional
        Cells with a population; distances then depend on how densely people live around each point.
    population : str
        The column of `grid.cells` that counts people or households.
    within_zone : bool
        A point stays in its `zone_id` of the grid (its cell, where cells have no zones).
    random_state : int, optional

    Returns
    -------
    MaskedIncidents
        Incidents with the same columns and new places.

    Raises
    ------
    SettingError
        Without both distances and without a population; for distances in degrees, a k below 2, a least distance that
        is not smaller than the largest.
    InputError
        For what is no Incidents, an empty one, or a population that the grid does not have.

    Notes
    -----
    Directions are uniform, and places uniform over the ring between the two radii. With people ρ per m² in a point's
    cell the radii are √(k / πρ) and √(4k / πρ). The measured k is the number of people within the distance moved,
    ρ π d², with ρ taken at the masked place, as the reader knows only that.

    Examples
    --------
    >>> import pyarrow as pa
    >>> points = Incidents(pa.table({"incident_id": ["a", "b"], "lon": [120.1, 120.2], "lat": [30.1, 30.2]}))
    >>> masked = geomask(points, min_m=100, max_m=300, random_state=1)
    >>> bool(masked.moved_m.between(99, 301).all())
    True

    References
    ----------
    Hampton et al. (2010), American Journal of Epidemiology 172, 1062–1069. Allshouse et al. (2010), JAMIA 17, 551–558.
    Zandbergen (2014), Advances in Medicine 2014, 567049.
    """
    k = check_k(k)
    incidents, grid = as_incidents(incidents), None if grid is None else as_grid(grid)
    if not isinstance(incidents, Incidents) or not len(incidents):
        raise InputError(Note("privacy.geomask.no_incidents"))
    if grid is not None and not isinstance(grid, Grid):
        raise InputError(Note("privacy.geomask.not_a_grid", found=type(grid).__name__))
    if within_zone and grid is None:
        raise SettingError(Note("privacy.geomask.within_zone_needs_grid"))
    lon, lat = incidents.lonlat()
    crs = incidents.metric_crs if grid is None else grid.metric_crs
    xy = incidents.xy_m(crs)
    row = None if grid is None else grid.locate(lon, lat)
    density = None if grid is None else _density(grid, population, needed=min_m is None or max_m is None)
    low, high, usable = _radii(len(xy), k, min_m, max_m, density, row)
    zone = _zones(grid) if within_zone and grid is not None else None
    if row is not None and within_zone:
        usable &= row >= 0
    rng = np.random.default_rng(random_state)
    moved, todo = xy.copy(), np.flatnonzero(usable)
    for _ in range(TRIES):
        angle = rng.uniform(0, 2 * np.pi, len(todo))
        far = np.sqrt(rng.uniform(low[todo] ** 2, high[todo] ** 2))
        moved[todo] = xy[todo] + far[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        if grid is None or row is None or zone is None:
            todo = todo[:0]
            break
        there = grid.locate(*unproject(moved[todo, 0], moved[todo, 1], crs))
        todo = todo[(there < 0) | (zone[there] != zone[row[todo]])]
        if not len(todo):
            break
    usable[todo] = False
    table = incidents.arrow().filter(pa.array(usable))
    new = np.column_stack(unproject(moved[usable, 0], moved[usable, 1], crs)) if usable.any() else np.empty((0, 2))
    for name, values in (("lon", new[:, 0]), ("lat", new[:, 1])):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values))
    distance = np.hypot(*(moved[usable] - xy[usable]).T)
    reached = np.full(len(distance), np.nan)
    if grid is not None and density is not None:
        there = grid.locate(*new.T)
        reached = np.where(there >= 0, density[there], np.nan) * np.pi * distance**2
    params = {"k": k, "min_m": min_m, "max_m": max_m, "population": population if density is not None else None}
    return MaskedIncidents(
        table,
        incidents.set_aside,
        {**incidents.source, "geomask": params},
        pd.Series(reached, name="k_anonymity"),
        pd.Series(distance, name="moved_m"),
        int((~usable).sum()),
        {**params, "within_zone": within_zone, "random_state": random_state, "crs": crs.to_string()},
    )


def _density(grid: Grid, population: str, *, needed: bool) -> np.ndarray | None:
    """People per m² in each cell; at least the thousandth part of the mean, so that a radius is never without end."""
    if population not in grid.cells or not pd.api.types.is_numeric_dtype(grid.cells[population]):
        if not needed:
            return None
        raise InputError(Note("privacy.geomask.no_population", column=population))
    people = grid.cells[population].fillna(0).to_numpy(float)
    area_m2 = grid.cells["area_m2"].to_numpy(float)
    if people.sum() <= 0:
        raise InputError(Note("privacy.geomask.nobody_lives_there", column=population, total=float(people.sum())))
    return np.maximum(people / area_m2, 1e-3 * people.sum() / area_m2.sum())


def _radii(n: int, k: int, min_m, max_m, density, row) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Least and largest displacement of each point, and which points have one."""
    for name, value in (("min_m", min_m), ("max_m", max_m)):
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool) and np.isfinite(value)
        if value is not None and (not number or value < 0):
            raise SettingError(Note("privacy.geomask.not_a_length", name=name, found=value))
    if max_m is not None and max_m < 1:
        raise SettingError(Note("privacy.geomask.degrees", found=float(max_m)))
    if density is None and (min_m is None or max_m is None):
        raise SettingError(Note("privacy.geomask.needs_distances"))
    usable = np.ones(n, bool)
    low, high = (np.full(n, np.nan if value is None else float(value)) for value in (min_m, max_m))
    if density is not None and (min_m is None or max_m is None):
        usable = row >= 0
        here = np.where(usable, density[row], np.nan)
        low = np.sqrt(k / (np.pi * here)) if min_m is None else low
        high = np.sqrt(4 * k / (np.pi * here)) if max_m is None else high
    wrong = usable & ~(low < high)
    if wrong.any():
        found = {"low": float(low[wrong][0]), "high": float(high[wrong][0])}
        raise SettingError(Note("privacy.geomask.least_not_smaller", **found))
    return low, high, usable


def _zones(grid: Grid) -> np.ndarray:
    if "zone_id" in grid.cells:
        return pd.factorize(grid.cells["zone_id"].astype(str))[0]
    return np.arange(len(grid))
