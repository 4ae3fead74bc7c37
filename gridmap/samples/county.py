"""A simulated Chinese county with planted truth: the territory, the people, the roads and the events as one.

For whom: tests that must know the right answer, demonstrations that may show nobody's real data, and lessons in
Chinese. The county does not exist; its code 990101 is not assigned. It has four streets in the county seat, five
towns and one township, some eighty communities and villages, and houses that stand along their roads.
The land is made in `county_territory`, the roads and cameras in `county_roads`, the houses in `county_buildings`
and the events in `county_events`; here they are put together and set on the globe.
"""

from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap._notebook_line import ShortForm
from gridmap.errors import SettingError
from gridmap.grids.regionalization.mosaic import Plane
from gridmap.messages import Note
from gridmap.read.datum import from_wgs84
from gridmap.read.incident_table import COLUMNS, Incidents
from gridmap.samples.county_buildings import make_buildings
from gridmap.samples.county_events import Truth, make_events
from gridmap.samples.county_roads import make_cameras, make_roads
from gridmap.samples.county_territory import COUNTY, COUNTY_NAME, make_territory

__all__ = ["County", "simulated_county"]

MIDDLE = (113.62, 34.21)  # lon, lat of the county seat


@dataclass(frozen=True, repr=False)
class County(ShortForm):
    """A simulated county.

    Attributes
    ----------
    boundaries : GeoDataFrame, EPSG:4326
        Communities and villages: `zone_id` (12 digits), `name, level, parent_id` (the street), `street, street_name,
        county, county_name, urban_rural` (111 town centre, 121 town, 220 village), `households, persons`; of the
        persons those `registered` there and the `floating` ones, who came for work.
    streets : GeoDataFrame
        The streets and towns, dissolved: `zone_id` (9 digits), `name, level, parent_id`.
    buildings : GeoDataFrame of points
        `building_id, zone_id, kind, households, persons`, and `lon_gcj02, lat_gcj02`.
    roads : GeoDataFrame of lines
        `road_id, name, kind` (国道, 主干路, 街道, 村道), `level` 1 to 4.
    river : GeoDataFrame of lines
    cameras : GeoDataFrame of points
    incidents : Incidents
        WGS 84, with `lon_gcj02, lat_gcj02`, `group` (案件, 纠纷, 事项), `zone_id`, the six step times
        `found_at, filed_at, dispatched_at, handled_at, checked_at, closed_at`, `deadline_at`.
    truth : Truth
        What was planted.
    """

    boundaries: gpd.GeoDataFrame
    streets: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    river: gpd.GeoDataFrame
    cameras: gpd.GeoDataFrame
    incidents: Incidents
    truth: Truth = field(repr=False)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"County {COUNTY_NAME}: {len(self.streets)} streets and towns, {len(self.boundaries)} communities, "
            f"{int(self.buildings['households'].sum()):,} households, {len(self.incidents):,} incidents"
        )

    @cached_property
    def households(self) -> int:
        """Number of households."""
        return int(self.buildings["households"].sum())


def simulated_county(random_state: int | None = 0, *, households: int = 100_000, events: int = 50_000) -> County:
    """One county with its people, roads and two years of events, and what was planted in them.

    Parameters
    ----------
    random_state : int
        Same seed, same county.
    households : int
    events : int
        About as many; the counts by place and kind are Poisson.

    Returns
    -------
    County

    Examples
    --------
    >>> county = simulated_county(random_state=0, households=5_000, events=2_000)
    >>> sorted(county.boundaries["parent_id"].unique())[:2], int(county.buildings["households"].sum())
    (['990101001', '990101002'], 5000)
    """
    for name, value, least in (("households", households, 2_000), ("events", events, 200)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise SettingError(Note("samples.whole_number", name=name, least=least, found=value))
    if random_state is not None and (isinstance(random_state, bool) or not isinstance(random_state, int | np.integer)):
        raise SettingError(Note("samples.random_state", found=random_state))
    rng = np.random.default_rng(random_state)
    plane = Plane(*MIDDLE)
    zones, seats, river = make_territory(rng)
    roads = make_roads(zones, seats, rng)
    buildings = make_buildings(zones, roads, households, rng)
    zones["households"] = np.bincount(buildings["zone"], buildings["households"], minlength=len(zones)).astype(int)
    zones["persons"] = np.bincount(buildings["zone"], buildings["persons"], minlength=len(zones)).astype(int)
    table, truth = make_events(zones, buildings, roads, seats, events, rng)
    zones["floating"] = _floating(zones)
    zones["registered"] = zones["persons"] - zones["floating"]

    xy = table[["x", "y"]].to_numpy()
    lon, lat = np.round(plane.to_degrees(xy), 6).T
    gcj_lon, gcj_lat = from_wgs84(lon, lat, datum="gcj02")
    table = table.drop(columns=["x", "y", "zone"]).assign(lon=lon, lat=lat, lon_gcj02=gcj_lon, lat_gcj02=gcj_lat)
    boundaries = _to_degrees(zones.drop(columns=["x", "y", "urban"]), plane)
    truth = truth.located(plane.to_degrees)
    streets = boundaries.dissolve("street", aggfunc={"street_name": "first", "households": "sum", "persons": "sum"})
    streets = streets.reset_index().rename(columns={"street_name": "name"})
    streets.insert(0, "zone_id", COUNTY + streets["street"])
    streets["level"], streets["parent_id"] = "street", COUNTY
    places = buildings.copy()
    lonlat = plane.to_degrees(places[["x", "y"]].to_numpy())
    gcj_lon, gcj_lat = from_wgs84(*lonlat.T, datum="gcj02")
    places = gpd.GeoDataFrame(
        places.drop(columns=["x", "y", "zone"]).assign(
            zone_id=zones["zone_id"].to_numpy()[places["zone"]], lon_gcj02=gcj_lon, lat_gcj02=gcj_lat
        ),
        geometry=shapely.points(lonlat),
        crs=4326,
    )
    table = table.sort_values(["occurred_from", "incident_id"], ignore_index=True)
    return County(
        boundaries=boundaries,
        streets=streets,
        buildings=places,
        roads=_to_degrees(roads, plane),
        river=_to_degrees(river, plane),
        cameras=make_cameras(roads, seats, plane, rng),
        incidents=_incidents(table),
        truth=truth,
    )


#: Share of the persons who came for work, by `urban_rural`.
FLOATING = {"111": 0.32, "121": 0.16, "220": 0.05}


def _floating(zones: pd.DataFrame) -> np.ndarray:
    """Floating residents of each zone; drawn by themselves, so that all other numbers of a seed stay."""
    persons = zones["persons"].to_numpy()
    rng = np.random.default_rng([int(persons.sum()), len(zones)])
    share = zones["urban_rural"].astype(str).map(FLOATING).to_numpy(float) * rng.lognormal(0, 0.4, len(zones))
    return rng.binomial(persons, np.minimum(share, 0.8))


def _to_degrees(frame: pd.DataFrame, plane: Plane) -> gpd.GeoDataFrame:
    shapes = shapely.transform(frame["geometry"].to_numpy(), plane.to_degrees)
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs=4326)


def _incidents(table: pd.DataFrame) -> Incidents:
    schema = [pa.field(name, kind) for name, kind in COLUMNS.items()]
    for name in table.columns.difference(list(COLUMNS), sort=False):
        kind = table[name].dtype
        kind = pa.timestamp("us") if kind.kind == "M" else pa.float64() if kind.kind == "f" else pa.string()
        schema.append(pa.field(name, kind))
    schema = pa.schema(schema)
    data = pa.Table.from_pandas(table[schema.names], schema=schema, preserve_index=False)
    source = {
        "path": f"{COUNTY_NAME} (simulated)",
        "rows": data.num_rows,
        "notes": ["Simulated: no real place or person."],
    }
    return Incidents(data, source=source)
