"""A simulated Chinese county with planted truth: the territory, the people and the roads.

For whom: tests that must know the right answer, demonstrations that may show nobody's real data, and lessons in
Chinese. The county does not exist; its code 990101 is not assigned. It has four streets in the county seat, five
towns and one township, some eighty communities and villages, and houses that stand along their roads.
The events are made in `county_events`.
"""

from dataclasses import dataclass, field
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
from scipy.spatial import cKDTree, distance_matrix

from gridmap.errors import SettingError
from gridmap.grids.tessellation import Plane
from gridmap.read.base import COLUMNS, Incidents
from gridmap.read.datum import from_wgs84
from gridmap.samples.county_events import Truth, make_events

__all__ = ["County", "simulated_county"]

COUNTY, COUNTY_NAME = "990101", "望川县"
MIDDLE = (113.62, 34.21)  # lon, lat of the county seat
RADIUS_M = 16_000
SEAT_M = 3_200  # the built-up seat
STREETS = (("001", "城关街道"), ("002", "东湖街道"), ("003", "新华街道"), ("004", "工业园街道"))
TOWNS = (
    ("100", "柳林镇"),
    ("101", "石桥镇"),
    ("102", "双河镇"),
    ("103", "马营镇"),
    ("104", "白塔镇"),
    ("200", "青山乡"),
)
ESTATES = [
    "朝阳",
    "和平",
    "建设",
    "光明",
    "胜利",
    "解放",
    "文化",
    "人民",
    "幸福",
    "红旗",
    "迎宾",
    "滨河",
    "学府",
    "书香",
    "金桂",
    "翠湖",
    "锦绣",
    "康乐",
    "长安",
    "民主",
]
SURNAMES = [
    "张",
    "王",
    "李",
    "赵",
    "刘",
    "陈",
    "杨",
    "黄",
    "周",
    "吴",
    "徐",
    "孙",
    "马",
    "朱",
    "胡",
    "郭",
    "何",
    "林",
    "高",
    "罗",
    "郑",
    "梁",
    "谢",
    "宋",
    "唐",
    "许",
    "韩",
    "冯",
    "邓",
    "曹",
    "彭",
    "曾",
]
VILLAGES = ("家庄", "家湾", "家沟", "楼", "庙", "寨", "营", "家岗")


@dataclass(frozen=True, repr=False)
class County:
    """A simulated county.

    Attributes
    ----------
    boundaries : GeoDataFrame, EPSG:4326
        Communities and villages: `zone_id` (12 digits), `name, level, parent_id` (the street), `street, street_name,
        county, county_name, urban_rural` (111 town centre, 121 town, 220 village), `households, persons`.
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

    def __repr__(self) -> str:
        return (
            f"<County {COUNTY_NAME}: {len(self.streets)} streets and towns, {len(self.boundaries)} communities, "
            f"{int(self.buildings['households'].sum()):,} households, {len(self.incidents):,} incidents>"
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
            raise SettingError(f"{name} is a whole number of at least {least:,}; found {value!r}.")
    if random_state is not None and (isinstance(random_state, bool) or not isinstance(random_state, int | np.integer)):
        raise SettingError(f"random_state is a whole number; found {random_state!r}.")
    rng = np.random.default_rng(random_state)
    plane = Plane(*MIDDLE)
    zones, seats, river = _territory(rng)
    roads = _roads(zones, seats, rng)
    buildings = _buildings(zones, roads, households, rng)
    zones["households"] = np.bincount(buildings["zone"], buildings["households"], minlength=len(zones)).astype(int)
    zones["persons"] = np.bincount(buildings["zone"], buildings["persons"], minlength=len(zones)).astype(int)
    table, truth = make_events(zones, buildings, roads, seats, events, rng)

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
        cameras=_cameras(roads, seats, plane, rng),
        incidents=_incidents(table),
        truth=truth,
    )


def _to_degrees(frame: pd.DataFrame, plane: Plane) -> gpd.GeoDataFrame:
    shapes = shapely.transform(frame["geometry"].to_numpy(), plane.to_degrees)
    return gpd.GeoDataFrame(frame.drop(columns="geometry"), geometry=shapes, crs=4326)


def _territory(rng) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Communities in metres around the seat, the seats of streets and towns, and a river."""
    turn = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    wave = sum(rng.normal(0, 0.09 / k) * np.cos(k * turn + rng.uniform(0, 6.28)) for k in range(2, 9))
    outline = shapely.polygons(np.column_stack([np.cos(turn), np.sin(turn)]) * (RADIUS_M * (1 + wave))[:, None])
    # Borders run along the cells of a fine mosaic, so they are as ragged as those of real villages.
    grain = np.vstack([rng.normal(0, 3_500, (2_600, 2)), rng.uniform(-1.4, 1.4, (4_200, 2)) * RADIUS_M])
    grain = grain[shapely.contains_xy(outline, *grain.T)]
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(grain), extend_to=outline, ordered=True))
    cells = shapely.intersection(cells, outline)
    middle = shapely.get_coordinates(shapely.centroid(cells))

    angle = np.arange(4) * np.pi / 2 + rng.uniform(0, 1.5)
    seats = [np.array([1_500 * np.cos(a), 1_500 * np.sin(a)]) for a in angle]
    seats += [
        np.array([np.cos(a), np.sin(a)]) * rng.uniform(8_500, 10_500)
        for a in np.arange(6) * np.pi / 3 + rng.uniform(0, 1.0)
    ]
    seats = np.array(seats)
    urban = np.arange(10) < 4
    far = np.hypot(*middle.T)
    away = distance_matrix(middle, seats)
    away[:, ~urban] += np.where(far < SEAT_M, 1e6, 0)[:, None]
    away[:, urban] += np.where(far >= SEAT_M, 1e6, 0)[:, None]
    street = away.argmin(axis=1)
    names = list(STREETS + TOWNS)
    estates, villages = list(rng.permutation(ESTATES)), [s + v for s in SURNAMES for v in VILLAGES]
    villages = list(rng.permutation(villages))
    rows = []
    for s, (code, title) in enumerate(names):
        own = np.flatnonzero(street == s)
        many = int(rng.integers(7, 10))
        start = middle[rng.choice(own, many - 1, replace=False)]
        start = np.vstack([seats[s], start])
        for _ in range(12):  # Lloyd: communities of like size, the first at the seat
            near = cKDTree(start).query(middle[own])[1]
            start[1:] = [middle[own[near == k]].mean(0) if (near == k).any() else start[k] for k in range(1, many)]
        near = _one_piece(cells[own], near, many)
        for k in range(many):
            shape = shapely.union_all(cells[own[near == k]], grid_size=0.001)
            town = urban[s] or k == 0
            name = (estates.pop() if len(estates) else villages.pop()) + "社区" if urban[s] else ""
            name = name or (f"{title[:-1]}街社区" if k == 0 else villages.pop() + "村")
            rows.append(
                {
                    "zone_id": f"{COUNTY}{code}{k + 1 if town else 200 + k:03d}",
                    "name": name,
                    "level": "community",
                    "parent_id": COUNTY + code,
                    "street": code,
                    "street_name": title,
                    "county": COUNTY,
                    "county_name": COUNTY_NAME,
                    "urban_rural": "111" if urban[s] else "121" if k == 0 else "220",
                    "urban": 2 if urban[s] else int(k == 0),
                    "x": start[k, 0],
                    "y": start[k, 1],
                    "geometry": shape,
                }
            )
    zones = pd.DataFrame(rows)
    bend = np.linspace(-1.3, 1.3, 200)
    course = np.column_stack([bend * RADIUS_M, -2_300 + 900 * np.sin(bend * 5) + 350 * np.sin(bend * 13)])
    river = pd.DataFrame(
        {"name": ["望川河"], "kind": ["河流"], "geometry": [shapely.intersection(shapely.linestrings(course), outline)]}
    )
    return (
        zones,
        pd.DataFrame({"x": seats[:, 0], "y": seats[:, 1], "urban": urban, "name": [n for _, n in names]}),
        river,
    )


def _one_piece(cells: np.ndarray, near: np.ndarray, many: int) -> np.ndarray:
    """Cells that are cut off from the rest of their community go to the community around them."""
    i, j = shapely.STRtree(cells).query(cells, predicate="touches")
    line = shapely.length(shapely.intersection(cells[i], cells[j])) > 1
    i, j = i[line], j[line]
    for _ in range(20):
        same = near[i] == near[j]
        part = connected_components(coo_array((np.ones(same.sum()), (i[same], j[same])), shape=(len(cells),) * 2))[1]
        size = np.bincount(part)
        main = {k: max(np.unique(part[near == k]), key=lambda p: size[p]) for k in range(many) if (near == k).any()}
        loose = np.array([part[c] != main[near[c]] for c in range(len(cells))])
        if not loose.any():
            break
        for c in np.flatnonzero(loose):
            around = near[j[(i == c) & ~loose[j]]]
            if len(around):
                near[c] = np.bincount(around).argmax()
    return near


def _roads(zones: pd.DataFrame, seats: pd.DataFrame, rng) -> pd.DataFrame:
    """A trunk road through the seat, roads to the towns, a street net in the seat, lanes to the villages."""
    rows = []

    def add(name, kind, level, xy):
        rows.append({"road_id": f"R{len(rows) + 1:04d}", "name": name, "kind": kind, "level": level})
        rows[-1]["geometry"] = shapely.linestrings(xy)

    def bent(a, b, sway):
        at = np.linspace(0, 1, 12)[:, None]
        side = np.array([a[1] - b[1], b[0] - a[0]])
        return a + (b - a) * at + side * (np.sin(at * np.pi) * rng.normal(0, sway) + np.sin(at * 6.28) * sway / 3)

    seat = np.array([0.0, 0.0])
    towns = seats.loc[~seats["urban"], ["x", "y"]].to_numpy()
    for k, town in enumerate(towns):
        name = seats["name"].to_numpy()[~seats["urban"]][k]
        add(f"望{name[0]}路", "国道" if k in (0, 3) else "主干路", 1 if k in (0, 3) else 2, bent(seat, town, 0.06))
    ring = np.argsort(np.arctan2(towns[:, 1], towns[:, 0]))
    for a, b in zip(ring, np.roll(ring, -1), strict=True):
        add("环县路", "主干路", 2, bent(towns[a], towns[b], 0.05))
    for k, at in enumerate(np.arange(-2_800, 2_801, 400)):
        half = np.sqrt(max(SEAT_M**2 - at**2, 0)) * 0.97
        kind, level = ("主干路", 2) if k % 3 == 1 else ("街道", 3)
        add(f"{ESTATES[k % 20]}路", kind, level, np.array([[at, -half], [at, half]]))
        add(f"{ESTATES[(k + 7) % 20]}街", kind, level, np.array([[-half, at], [half, at]]))
    for k, town in enumerate(towns):
        for at in (-450, -150, 150, 450):
            name = seats["name"].to_numpy()[~seats["urban"]][k][:-1]
            add(f"{name}街", "街道", 3, town + np.array([[at, -700], [at, 700]]))
            add(f"{name}巷", "街道", 3, town + np.array([[-700, at], [700, at]]))
    villages = zones.loc[zones["urban"] == 0, ["x", "y"]].to_numpy()
    stops = np.vstack([towns, villages])
    tree = minimum_spanning_tree(distance_matrix(stops, stops)).tocoo()
    for a, b in zip(tree.row, tree.col, strict=True):
        add("村道", "村道", 4, bent(stops[a], stops[b], 0.08))
    for at in villages:
        for _ in range(3):
            turn = rng.uniform(0, np.pi)
            arm = np.array([np.cos(turn), np.sin(turn)]) * rng.uniform(220, 450)
            add("村道", "村道", 4, np.vstack([at - arm, at + arm]))
    whole = shapely.buffer(shapely.union_all(zones["geometry"].to_numpy()), 5)
    frame = pd.DataFrame(rows)
    frame["geometry"] = shapely.intersection(frame["geometry"].to_numpy(), whole)
    return frame[~shapely.is_empty(frame["geometry"].to_numpy())].reset_index(drop=True)


def _buildings(zones: pd.DataFrame, roads: pd.DataFrame, households: int, rng) -> pd.DataFrame:
    """Blocks of flats and houses along the roads, with exactly so many households."""
    near_seat = np.exp(-np.hypot(zones["x"], zones["y"]) / 9_000)
    pull = np.select([zones["urban"] == 2, zones["urban"] == 1], [2.3, 1.8], 0.75) * rng.lognormal(0, 0.2, len(zones))
    share = pull * (0.6 + near_seat)
    of_zone = rng.multinomial(households, share / share.sum())
    lines, line_of = shapely.get_parts(roads["geometry"].to_numpy(), return_index=True)
    level = roads["level"].to_numpy()[line_of]
    parts = []
    for z, (shape, urban) in enumerate(zip(zones["geometry"], zones["urban"], strict=True)):
        size = rng.choice([12, 24, 36, 48], 4_000, p=[0.25, 0.4, 0.25, 0.1]) if urban else rng.integers(1, 4, 4_000)
        if urban == 1:
            size = np.where(rng.random(4_000) < 0.6, rng.integers(1, 4, 4_000), size)
        until = np.searchsorted(np.cumsum(size), of_zone[z]) + 1
        size = size[:until].astype(int)
        size[-1] -= size.sum() - of_zone[z]
        own = lines[(level >= 3) & shapely.intersects(lines, shape)]
        own = shapely.get_parts(shapely.intersection(own, shape))
        own = own[shapely.length(own) > 20]
        xy = _along(own, shape, len(size), 90 if urban else 55, rng)
        kind = np.where(size > 8, "住宅楼", "平房" if urban else "村宅")
        parts.append(pd.DataFrame({"zone": z, "x": xy[:, 0], "y": xy[:, 1], "kind": kind, "households": size}))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame[frame["households"] > 0].reset_index(drop=True)
    per = np.where(frame["kind"] == "住宅楼", 2.6, 3.1)
    frame["persons"] = (frame["households"] + rng.poisson(frame["households"] * (per - 1))).astype(int)
    frame.insert(0, "building_id", [f"B{k + 1:06d}" for k in range(len(frame))])
    return frame


def _along(lines, shape, n: int, offset_m: float, rng) -> np.ndarray:
    """`n` places beside lines inside a polygon; some stand apart."""
    found = np.zeros((0, 2))
    west, south, east, north = shapely.bounds(shape)
    while len(found) < n:
        m = 2 * (n - len(found)) + 20
        if len(lines):
            length = shapely.length(lines)
            pick = rng.choice(len(lines), m, p=length / length.sum())
            xy = shapely.get_coordinates(shapely.line_interpolate_point(lines[pick], rng.random(m) * length[pick]))
            xy = xy + rng.normal(0, offset_m, (m, 2))
        else:
            xy = np.zeros((m, 2)) + np.inf
        apart = (rng.random(m) < 0.08) | ~np.isfinite(xy[:, 0])
        xy[apart] = np.column_stack([rng.uniform(west, east, apart.sum()), rng.uniform(south, north, apart.sum())])
        found = np.vstack([found, np.round(xy[shapely.contains_xy(shape, *xy.T)], 1)])
    return found[:n]


def _cameras(roads: pd.DataFrame, seats: pd.DataFrame, plane: Plane, rng) -> gpd.GeoDataFrame:
    """Cameras along the main roads and in the seats."""
    lines = shapely.get_parts(roads.loc[roads["level"] <= 3, "geometry"].to_numpy())
    length = shapely.length(lines)
    pick = rng.choice(len(lines), 260, p=length / length.sum())
    at = shapely.get_coordinates(shapely.line_interpolate_point(lines[pick], rng.random(260) * length[pick]))
    return gpd.GeoDataFrame(
        {"camera_id": [f"C{k + 1:04d}" for k in range(len(at))]},
        geometry=shapely.points(plane.to_degrees(at)),
        crs=4326,
    )


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
