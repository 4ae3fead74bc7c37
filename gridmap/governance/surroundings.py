"""Sites and what lies around them: inside a plant, a school, a hospital, a market, and in rings around it.

A site draws people, and people draw events; so a count at a hospital says nothing by itself. Each ring is held against
the same ring of similar sites, per square kilometre or per whatever is at risk, with a test that allows for sites that
vary anyway. Where roads are given, the events along them are split by side: the side on which one drives or walks
towards the site (entry), and the one that leads away from it (exit).

Source: Ratcliffe 2012 (buffer intensity), McCord & Ratcliffe 2009 (location quotients around sites); Clopper & Pearson.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

from gridmap._intervals import ratio_interval
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.significance import adjust_p
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.metric_projection import metric_crs, project
from gridmap.read.numbers import as_numbers

__all__ = ["SiteRings", "site_rings"]

#: Events farther from every road than this lie along none.
FROM_ROAD_M = 40.0
#: A point is given this radius as its inside.
INSIDE_M = 30.0


@dataclass(frozen=True, repr=False)
class SiteRings(ShortForm):
    """Events in and around sites.

    Attributes
    ----------
    table : DataFrame indexed by (site, ring)
        `count, area_km2, density` (events per km²), `quotient` (over the whole territory's density), `similar` (events
        per km², or per `exposure`, in the same ring of the similar sites), `ratio, low, high` (to these), `p_value,
        q_value` (Holm, over all sites and rings), `label`: "more", "less" than similar sites, or "none".
    sides : DataFrame indexed by site, or None
        `entry, exit`: events on either side of the roads around; `share_entry` with its exact 95 % interval.
        A description, not a test: on which side people live or trade is not taken out.
    rings : GeoDataFrame, EPSG:4326
        `site, ring`, geometry.
    notes : tuple of Note
    params : dict
    """

    table: pd.DataFrame
    sides: pd.DataFrame | None
    rings: gpd.GeoDataFrame
    notes: tuple[Note, ...]
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        found = int((self.table["label"] != "none").sum())
        sites = len(self.table.index.get_level_values(0).unique())
        return f"SiteRings: {sites:,} sites, {len(self.table):,} rings, {found} differ from similar sites"


def site_rings(
    sites: gpd.GeoDataFrame,
    events: Any,
    rings_m: Sequence[float] = (200, 500),
    *,
    similar: str | None = None,
    name: str | None = None,
    exposure: str | None = None,
    roads: gpd.GeoDataFrame | None = None,
    territory: Any = None,
    drive_on: str = "right",
    level: float = 0.05,
) -> SiteRings:
    """Inside each site and in rings around it, against similar sites, and by side of the streets.

    Parameters
    ----------
    sites : GeoDataFrame, EPSG:4326
        Points or polygons. Of a point, the inside is what lies within 30 m.
    events : Incidents or frame with lon and lat
    rings_m : list of numbers, rising
        Outer edges: (200, 500) makes inside, 0–200 m and 200–500 m. Ground in the rings of two sites belongs to the
        nearer one, and what lies in another site belongs to that.
    similar : str, optional
        A column: sites are compared with those of the same value (schools with schools); all with all by default.
    name : str, optional
        The column by which sites are called; "name" where there is one, else the index.
    exposure : str, optional
        A column of `sites` with what is at risk (pupils, beds, workers), in place of area.
    roads : GeoDataFrame of lines, optional
    territory : polygon or GeoDataFrame, optional
        The whole; rings are cut at its edge, and `quotient` is over its density. Without it, over all rings.
    drive_on : {"right", "left"}
        Side of the road that leads on.
    level : float
        Of the labels, for all sites and rings together.

    Returns
    -------
    SiteRings

    Raises
    ------
    InputError
        No sites, sites that are neither points nor areas, a column that is not there.
    SettingError
        Distances that do not rise.

    Examples
    --------
    >>> sites = gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=gpd.points_from_xy([113.0, 113.02], [34, 34]), crs=4326)
    >>> events = pd.DataFrame({"lon": [113.001] * 30 + [113.021] * 3, "lat": [34.0] * 33})
    >>> found = site_rings(sites, events, [200])
    >>> found.table["count"].tolist(), found.table["label"].tolist()
    ([0, 30, 0, 3], ['none', 'more', 'none', 'less'])

    References
    ----------
    Ratcliffe (2012), Applied Geography 34, 113–124. McCord & Ratcliffe (2009), Homicide Studies 13, 6–23.
    """
    edges = [float(v) for v in np.atleast_1d(as_numbers(rings_m, "rings_m", missing=False))]
    if edges != sorted(set(edges)) or not edges or not edges[0] > 0:
        raise SettingError(Note("governance.bands", found=str(rings_m)))
    if drive_on not in ("right", "left"):
        meant = did_you_mean(str(drive_on), ("right", "left"))
        raise SettingError(Note("governance.drive_on", found=str(drive_on), meant=meant))
    sites, flat, crs = _flat_sites(sites)
    for column in (similar, exposure, name):
        if column is not None and column not in sites:
            raise InputError(
                Note("governance.no_area_column", found=column, meant=did_you_mean(column, map(str, sites)))
            )
    named = name or ("name" if "name" in sites else None)
    called = _names(sites, named)
    kind = sites[similar].astype(str).to_numpy() if similar else np.full(len(sites), "all")
    at = _flat_events(events, crs)
    whole = None if territory is None else _one_shape(territory, crs)
    shapes, which, ring_names = _ring_shapes(flat, edges, whole)
    ring, event = shapely.STRtree(shapely.points(at)).query(shapes, predicate="intersects")
    first = pd.Series(ring).groupby(event).first()  # on an edge: one of the two
    count = np.bincount(first.to_numpy(), minlength=len(shapes))
    area = shapely.area(shapes) / 1e6
    table = pd.DataFrame({"count": count, "area_km2": area})
    table.index = pd.MultiIndex.from_arrays(
        [called[which // len(ring_names)], np.array(ring_names, dtype=object)[which % len(ring_names)]],
        names=["site", "ring"],
    )
    at_risk = area if exposure is None else sites[exposure].to_numpy(float)[which // len(ring_names)]
    ground = shapely.area(whole) / 1e6 if whole is not None else area.sum()
    total = len(at) if whole is None else int(shapely.contains_xy(whole, at).sum())
    total = total if whole is not None else int(count.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        table["density"] = count / area
        table["quotient"] = table["density"] / (total / ground)
    table = pd.concat([table, _against_similar(table, at_risk, kind, which, len(ring_names), level)], axis=1)
    outlines = gpd.GeoDataFrame(table.index.to_frame(index=False), geometry=list(shapes), crs=crs).to_crs(4326)
    sides = None if roads is None else _sides(flat, called, edges[-1], at, roads, crs, drive_on)
    alone = [str(k) for k in np.unique(kind) if (kind == k).sum() < 2]
    notes = (Note("governance.sites_alone", kinds=alone),) if alone else ()
    params = {"rings_m": edges, "similar": similar, "exposure": exposure, "level": level, "drive_on": drive_on}
    return SiteRings(table, sides, outlines, notes, params)


def _flat_sites(sites: Any) -> tuple[gpd.GeoDataFrame, np.ndarray, Any]:
    """Sites in metres, points with their inside."""
    if not isinstance(sites, gpd.GeoDataFrame) or not len(sites):
        raise InputError(Note("governance.no_shape", what="sites", found=type(sites).__name__))
    sites = sites if sites.crs is None else sites.to_crs(4326)
    west, south, east, north = (float(v) for v in sites.total_bounds)
    crs = metric_crs((west, south, east, north))
    flat = gpd.GeoSeries(sites.geometry.to_numpy(), crs=4326).to_crs(crs).to_numpy()
    dimension = shapely.get_dimensions(flat)
    if not np.isin(dimension, (0, 2)).all() or shapely.is_empty(flat).any():
        raise InputError(Note("governance.no_shape", what="sites", found="lines or nothing"))
    return sites, np.where(dimension == 0, shapely.buffer(flat, INSIDE_M), shapely.make_valid(flat)), crs


def _names(sites: gpd.GeoDataFrame, named: str | None) -> np.ndarray:
    """What each site is called, no two alike."""
    names = (sites[named] if named else sites.index.to_series()).astype(str)
    twice = names.groupby(names.to_numpy()).cumcount().to_numpy()
    return np.array([f"{n} {k + 1}" if k else n for n, k in zip(names, twice, strict=True)], dtype=object)


def _flat_events(events: Any, crs: Any) -> np.ndarray:
    frame = events.to_frame(["lon", "lat"]) if isinstance(events, Incidents) else events
    if not isinstance(frame, pd.DataFrame) or not {"lon", "lat"} <= set(frame):
        raise InputError(Note("governance.no_points"))
    known = frame[["lon", "lat"]].dropna()
    return np.column_stack(project(known["lon"].to_numpy(float), known["lat"].to_numpy(float), crs))


def _one_shape(territory: Any, crs: Any) -> Any:
    shapes = territory.geometry if hasattr(territory, "geometry") else gpd.GeoSeries([territory], crs=4326)
    shapes = shapes if shapes.crs is not None else shapes.set_crs(4326)
    return shapely.union_all(shapely.make_valid(shapes.to_crs(crs).to_numpy()))


def _ring_shapes(flat: np.ndarray, edges: list[float], whole: Any) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Inside and rings of every site, disjoint: ground near two sites belongs to the nearer."""
    every = shapely.union_all(flat)
    reach = np.array([shapely.buffer(g, edges[-1]) for g in flat], dtype=object)
    near = shapely.STRtree(reach).query(reach, predicate="intersects")
    if len(flat) > 1:
        points = shapely.multipoints(shapely.point_on_surface(flat))
        box = shapely.buffer(shapely.envelope(every), 2 * edges[-1])
        cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=box))
        own = shapely.STRtree(cells).query(shapely.point_on_surface(flat), predicate="intersects")
        cell = dict(zip(own[0].tolist(), cells[own[1]], strict=True))
    shapes, names = [], ["inside", *(f"{a:.0f}–{b:.0f} m" for a, b in pairwise([0.0, *edges]))]
    for i, site in enumerate(flat):
        crowded = (near[0] == i).sum() > 1
        grown = [site, *(shapely.buffer(site, edge) for edge in edges)]
        parts = [site, *(shapely.difference(b, a) for a, b in pairwise(grown))]
        for k, part in enumerate(parts):
            made = part
            if crowded and k:
                made = shapely.intersection(shapely.difference(made, every), cell.get(i, made))
            shapes.append(made if whole is None else shapely.intersection(made, whole))
    return np.array(shapes, dtype=object), np.arange(len(shapes)), names


def _against_similar(
    table: pd.DataFrame, at_risk: np.ndarray, kind: np.ndarray, which: np.ndarray, rings: int, level: float
) -> pd.DataFrame:
    """Each ring of each site against the same ring of the other sites of its kind.

    Given the sum of both, a site's count is binomial where both are alike. Sites vary more than counts do; the spread
    is estimated ring by ring over all sites of a kind (Pearson) and widens test and interval.
    """
    count, site, ring = table["count"].to_numpy(float), which // rings, which % rings
    out = {c: np.full(len(table), np.nan) for c in ("similar", "ratio", "low", "high", "p_value")}
    for one in np.unique(kind):
        for r in range(rings):
            rows = np.flatnonzero((kind[site] == one) & (ring == r) & (at_risk > 0))
            if len(rows) < 2 or not count[rows].sum():
                continue
            n, risk = count[rows].sum(), at_risk[rows]
            share = risk / risk.sum()
            free = len(rows) - 1
            spread = 1.0
            if free >= 4:  # a median of squares, so that the one site that stands out does not hide itself
                squares = (count[rows] - n * share) ** 2 / np.maximum(n * share * (1 - share), 1e-9)
                spread = max(1.0, float(np.median(squares) / scipy.stats.chi2.median(1)))
            seen = count[rows] / spread
            left = np.clip(scipy.stats.binom.cdf(np.floor(seen), np.floor(n / spread), share), 0, 1)
            right = np.clip(scipy.stats.binom.sf(np.ceil(seen) - 1, np.floor(n / spread), share), 0, 1)
            out["p_value"][rows] = np.minimum(1, 2 * np.minimum(left, right))
            with np.errstate(divide="ignore", invalid="ignore"):
                out["similar"][rows] = (n - count[rows]) / (risk.sum() - risk)
                out["ratio"][rows] = count[rows] / risk / out["similar"][rows]
                ends = [
                    ratio_interval(np.array([x]), np.array([n / spread]), s) for x, s in zip(seen, share, strict=True)
                ]
            out["low"][rows] = [float(e[0][0]) for e in ends]
            out["high"][rows] = [float(e[1][0]) for e in ends]
    found = pd.DataFrame(out, index=table.index)
    known = found["p_value"].notna().to_numpy()
    q = np.ones(len(found))
    if known.any():
        q[known] = adjust_p(found["p_value"].to_numpy()[known], "holm")
    label = np.where((q <= level) & known, np.where(found["ratio"] > 1, "more", "less"), "none")
    return found.assign(q_value=np.where(known, q, np.nan), label=label)


def _sides(
    flat: np.ndarray, called: np.ndarray, reach: float, at: np.ndarray, roads: gpd.GeoDataFrame, crs: Any, drive_on: str
) -> pd.DataFrame:
    """Events around each site by the side of the nearest road: towards the site, or away from it."""
    lines = gpd.GeoSeries(roads.geometry.to_numpy(), crs=roads.crs or 4326).to_crs(crs).to_numpy()
    lines = shapely.get_parts(lines)
    lines = lines[(shapely.get_dimensions(lines) == 1) & (shapely.length(lines) > 0)]
    if not len(lines):
        raise InputError(Note("governance.no_shape", what="roads", found="no lines"))
    points = shapely.points(at)
    site, event = shapely.STRtree(points).query(flat, predicate="dwithin", distance=reach)
    outside = ~shapely.intersects(flat[site], points[event])
    site, event = site[outside], event[outside]
    used, road = shapely.STRtree(lines).query_nearest(points[event], max_distance=FROM_ROAD_M, all_matches=False)
    side = np.zeros(len(event), int)
    line, place = lines[road], points[event[used]]
    along = shapely.line_locate_point(line, place)
    back = shapely.get_coordinates(shapely.line_interpolate_point(line, np.maximum(along - 3, 0)))
    on = shapely.get_coordinates(shapely.line_interpolate_point(line, np.minimum(along + 3, shapely.length(line))))
    goal = flat[site[used]]
    nearer = shapely.distance(shapely.points(on), goal) < shapely.distance(shapely.points(back), goal)
    forward = np.where(nearer[:, None], on - back, back - on)
    off = shapely.get_coordinates(place) - (on + back) / 2
    turn = forward[:, 0] * off[:, 1] - forward[:, 1] * off[:, 0]  # above 0: left of the way to the site
    right = -1 if drive_on == "right" else 1
    side[used] = np.where(np.abs(turn) < 1e-9, 0, np.sign(turn) * right)  # 1 entry, −1 exit
    entry = np.bincount(site[side == 1], minlength=len(flat))
    leave = np.bincount(site[side == -1], minlength=len(flat))
    n = entry + leave
    exact = [scipy.stats.binomtest(int(x), int(m)) if m else None for x, m in zip(entry, n, strict=True)]
    ends = [e.proportion_ci() if e else None for e in exact]
    with np.errstate(invalid="ignore", divide="ignore"):
        table: dict[str, Any] = {"entry": entry, "exit": leave, "share_entry": entry / n}
    table |= {"low": [e.low if e else np.nan for e in ends], "high": [e.high if e else np.nan for e in ends]}
    return pd.DataFrame(table, index=pd.Index(called, name="site"))
