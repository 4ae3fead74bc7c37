"""A small town that does not exist, with hotspots of which everything is known.

No statistic on real crime can be marked right or wrong, because nobody knows where the hotspots really are. In this
town they are planted: each has a place, a shape, a strength and a time, and `truth` tells them. So one can ask of a
method what it found, what it missed and what it made up.

Incidents fall by the population (dense in the middle, thin at the edge), evenly in time, so a method that takes
the middle of the town for a hotspot has found people, not crime. On top come six hotspots, after those that analysts
meet: a market by day, a street in the evening, an estate at night, one address, an outbreak of ten days, and a village.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from pyproj import CRS

from gridmap._notebook_line import ShortForm
from gridmap.errors import SettingError
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import unproject

__all__ = ["Sample", "town"]

METRIC = CRS.from_epsg(32650)
CORNER = (500_000.0, 4_040_000.0)  # south-west of the town, in METRIC: 117° E, 36.5° N
WIDTH_M, HEIGHT_M = 8_000.0, 6_000.0
MIDDLE = (3_800.0, 3_200.0)
START, DAYS = np.datetime64("2024-01-01T00:00", "us"), 366
DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000

#: name, shape in metres from the corner, incidents at strength 1, weekdays, hours from and to, days from and to.
PLANTED = (
    ("market", shapely.Point(3_300, 2_500).buffer(170), 90, range(5), (9, 18), (0, DAYS)),
    ("street", shapely.LineString([(4_600, 3_900), (5_300, 4_300), (5_700, 4_900)]).buffer(45), 80, range(7), (18, 24),
     (0, DAYS)),
    ("estate", shapely.box(1_600, 4_100, 2_000, 4_400), 70, range(7), (0, 6), (0, DAYS)),
    ("address", shapely.Point(5_600, 1_700).buffer(15), 30, range(7), (0, 24), (0, DAYS)),
    ("outbreak", shapely.Point(2_300, 1_300).buffer(220), 30, range(7), (10, 16), (150, 160)),
    ("village", shapely.Point(6_900, 4_900).buffer(320), 40, range(7), (0, 24), (0, DAYS)),
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Sample(ShortForm):
    """Data to try methods on.

    Attributes
    ----------
    boundaries : GeoDataFrame (EPSG:4326)
        As `read_boundaries` gives them: `zone_id, name, level, parent_id, persons, households, geometry`.
    incidents : Incidents
        With `planted` among the attributes: the hotspot an incident was planted for, empty for the others.
    truth : GeoDataFrame (EPSG:4326), indexed by `hotspot`
        `incidents` (planted there), `background` (expected there without it), `strength` (both over background),
        `weekdays`, `hours`, `first`, `last`, `area_m2`, `geometry`.
    """

    boundaries: gpd.GeoDataFrame
    incidents: Incidents
    truth: gpd.GeoDataFrame

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        zones, planted = len(self.boundaries), len(self.truth)
        return f"Sample: {zones} zones, {len(self.incidents):,} incidents, {planted} planted hotspots"


def town(
    *,
    incidents: int = 1_500,
    strength: float = 1.0,
    zones: int = 60,
    exact_share: float = 0.6,
    snap_m: float | None = None,
    random_state=0,
) -> Sample:
    """A simulated town of 8 × 6 km, a year of incidents, and six planted hotspots.

    Parameters
    ----------
    incidents : int
        Those of the background. The hotspots add 340 times `strength`.
    strength : float
        How strong the hotspots are; 0 plants none, and everything a method finds is false.
    zones : int
        Into how many the town is divided.
    exact_share : float
        Share of the incidents with an exact time; the others are known to an interval of one hour to three days that
        holds the true time.
    snap_m : float, optional
        Move each incident to the nearest point of a lattice of this spacing, as police forces do to hide addresses.
    random_state : int or Generator, optional

    Returns
    -------
    Sample
        `.boundaries`, `.incidents`, `.truth`; the same for the same `random_state`.

    Raises
    ------
    SettingError
        For a number out of range.

    Examples
    --------
    >>> sample = town(random_state=1)
    >>> sample
    <Sample: 60 zones, 1,840 incidents, 6 planted hotspots>
    >>> sample.truth.loc["outbreak", ["first", "last"]].tolist()
    [Timestamp('2024-05-30 00:00:00'), Timestamp('2024-06-09 00:00:00')]
    """
    for name, value, low, high in (
        ("incidents", incidents, 0, 10**8), ("strength", strength, 0, 1_000), ("zones", zones, 3, 10_000),
        ("exact_share", exact_share, 0, 1), ("snap_m", snap_m or 0, 0, 2_000),
    ):  # fmt: skip
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
            raise SettingError(Note("samples.between", name=name, low=low, high=high, found=value))
    rng = np.random.default_rng(random_state)
    outline = _outline()
    boundaries = _zones(outline, int(zones), rng)
    xy = _by_population(int(incidents), outline, rng)
    hour = rng.integers(0, 24 * DAYS, len(xy)) * HOUR_US + rng.integers(0, HOUR_US, len(xy))
    parts, times, names = [xy], [hour], [np.full(len(xy), "", dtype=object)]
    rows = []
    for name, shape, count, weekdays, hours, days in PLANTED if strength > 0 else ():
        count = max(round(count * strength), 1)
        parts.append(_within(shape, count, rng))
        times.append(_when(count, weekdays, hours, days, rng))
        names.append(np.full(count, name, dtype=object))
        background = int(incidents) * _population_in(shape, outline)
        first, last = (pd.Timestamp(START) + pd.Timedelta(days=d) for d in days)
        which = "every day" if len(weekdays) == 7 else "Monday to Friday"
        rows.append((name, count, background, 1 + count / background if background > 0 else np.inf, which,
                     f"{hours[0]:02d}:00–{hours[1]:02d}:00", first, last, shape.area, shape))  # fmt: skip
    columns = [
        "hotspot",
        "incidents",
        "background",
        "strength",
        "weekdays",
        "hours",
        "first",
        "last",
        "area_m2",
        "geometry",
    ]
    truth = gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns).set_index("hotspot"), geometry="geometry")
    truth = _placed(truth)
    mixed = rng.permutation(sum(map(len, parts)))
    xy, when, planted = (np.concatenate(v)[mixed] for v in (parts, times, names))
    if snap_m:
        xy = np.round(xy / snap_m) * snap_m
    return Sample(boundaries, _incidents(xy, when, planted, exact_share, rng), truth)


def _outline() -> shapely.Polygon:
    """An oval with a flattened side, in metres from the corner."""
    turn = np.linspace(0, 2 * np.pi, 121)[:-1]
    x = WIDTH_M / 2 * (1 + np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6)
    y = HEIGHT_M / 2 * (1 + np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.6)
    return shapely.Polygon(np.column_stack([x, y]))


def _density(xy: np.ndarray) -> np.ndarray:
    """Population density, 1 in the middle, a tenth in the country."""
    off = (xy - MIDDLE) / [2_000, 1_600]
    return 0.1 + 0.9 * np.exp(-0.5 * (off**2).sum(axis=1))


def _by_population(n: int, outline, rng) -> np.ndarray:
    """n places by the population density, by rejection."""
    shapely.prepare(outline)
    found = np.empty((0, 2))
    while len(found) < n:
        tried = rng.uniform(0, [WIDTH_M, HEIGHT_M], (4 * n + 100, 2))
        kept = (rng.uniform(size=len(tried)) < _density(tried)) & shapely.contains_xy(outline, *tried.T)
        found = np.r_[found, tried[kept]]
    return found[:n]


def _lattice(shape, step: float) -> np.ndarray:
    """Points `step` apart inside a shape."""
    west, south, east, north = shape.bounds
    at = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
    xy = np.column_stack([a.ravel() for a in at])
    return xy[shapely.contains_xy(shape, *xy.T)]


def _population_in(shape, outline) -> float:
    """Share of the population that lives in a shape."""
    whole, part = _lattice(outline, 50), _lattice(shape, np.sqrt(shape.area) / 20)
    return float(_density(part).mean() * shape.area / (_density(whole).mean() * outline.area))


def _within(shape, n: int, rng) -> np.ndarray:
    """n places spread evenly over a shape."""
    west, south, east, north = shape.bounds
    found = np.empty((0, 2))
    while len(found) < n:
        tried = rng.uniform([west, south], [east, north], (8 * n + 100, 2))
        found = np.r_[found, tried[shapely.contains_xy(shape, *tried.T)]]
    return found[:n]


def _when(n: int, weekdays, hours, days, rng) -> np.ndarray:
    """n times, in microseconds from the start: on these weekdays (1 January 2024 is a Monday), hours and days."""
    allowed = np.array([d for d in range(*days) if d % 7 in set(weekdays)])
    return rng.choice(allowed, n) * DAY_US + rng.integers(hours[0] * HOUR_US, hours[1] * HOUR_US, n)


def _zones(outline, n: int, rng) -> gpd.GeoDataFrame:
    """n zones about places drawn by population, with persons by the density and households of about 2.6."""
    seeds = _by_population(n, outline, rng)
    diagram = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=outline.buffer(1_000))
    parts = shapely.intersection(np.array(shapely.get_parts(diagram)), outline)
    middle = shapely.get_coordinates(shapely.centroid(parts))
    parts = parts[np.lexsort((middle[:, 0], -np.floor(middle[:, 1] / 600)))]  # north to south, west to east
    heads = [_density(np.r_[_lattice(p, 40), shapely.get_coordinates(shapely.centroid(p))]).mean() for p in parts]
    weight = np.array(heads) * shapely.area(parts)
    persons = np.round(120_000 * weight / weight.sum()).astype(int)
    ids = [f"{k:03d}" for k in range(1, len(parts) + 1)]
    frame = pd.DataFrame({
        "zone_id": ids, "name": [f"Community {i}" for i in ids], "level": "community", "parent_id": "T",
        "persons": persons, "households": np.round(persons / 2.6).astype(int),
    })  # fmt: skip
    return _placed(gpd.GeoDataFrame(frame, geometry=parts))


def _lonlat(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres from the town's corner as longitude and latitude."""
    x, y = (xy + CORNER).T
    return unproject(x, y, METRIC)


def _placed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Shapes from metres to lon/lat."""
    shapes = frame.geometry.to_numpy()
    moved = shapely.transform(shapes, lambda xy: np.column_stack(_lonlat(xy)))
    return frame.set_geometry(moved, crs=4326)


def _incidents(xy, when, planted, exact_share, rng) -> Incidents:
    """The table: true times, or intervals that hold them."""
    n = len(xy)
    long = np.exp(rng.uniform(np.log(1), np.log(72), n)) * HOUR_US * (rng.uniform(size=n) >= exact_share)
    before = rng.uniform(size=n) * long
    start = START + (when - before).astype("timedelta64[us]")
    end = np.where(long > 0, START + (when - before + long).astype("timedelta64[us]"), start)
    lon, lat = _lonlat(xy)
    kinds = np.array(["burglary", "theft", "assault"], dtype=object)
    table = {
        "incident_id": [f"T{k:06d}" for k in range(n)], "occurred_from": start, "occurred_to": end,
        "category": kinds[rng.choice(3, n, p=[0.3, 0.5, 0.2])].tolist(), "lon": lon, "lat": lat,
        "officer_initiated": pa.array([None] * n, pa.bool_()), "planted": planted.tolist(),
    }  # fmt: skip
    return Incidents(pa.table(table), source={"path": "gridmap.samples.town", "rows": n})
