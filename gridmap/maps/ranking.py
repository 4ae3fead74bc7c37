"""Which places to name first: the cards beside the map, the tables of the papers, the stops of the tour.

A committee names places, not cells, and a patrol holds a place, not a district. So the ground that a test found is cut
into cores (`hotspot_cores`), ranked by their incidents. A change has no cores: its rises and falls are the cells that
touch and that the test calls significant. Clusters keep the rank their method gave them; plain amounts have no test
behind them, so their highest cells are listed as just that.

Places are ranked once, after the privacy gate: the page, the papers and `facts.json` read the same rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from scipy import sparse

from gridmap._intervals import fullest_window
from gridmap.grids.hierarchy import zone_levels
from gridmap.grids.zones import touching
from gridmap.hotspots.cores import DEGREE_M, at_corner, hotspot_cores, names_apart, street_corners
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import binomial_p
from gridmap.maps.layers import BoundariesLayer, CellsLayer, ClustersLayer, ContextLayer, Layer
from gridmap.maps.legend_classes import HATCHED
from gridmap.maps.packing import h3_outlines
from gridmap.messages import Note

__all__ = ["Place", "ZoneNames", "place_names", "rank_places", "zone_names"]

MOST_ROWS = 100
#: How many of the highest amounts are listed.
MOST_AMOUNTS = 30
#: Labels of cells that tell less than is to be expected.
UNDER_REPORTED = tuple(label for label in HATCHED if label != "too few")
#: Numbers that a row adds up over its cells.
SUMMED = ("count", "expected", "count_before", "count_after", "difference")
#: From so many incidents with an hour on, a place's hours are looked at.
LEAST_TIMED = 10
#: A place's change is called up or down, and its hours stand out, at this level, on its card and in the answer strip.
CHANGE_LEVEL = 0.05
#: A place that reaches farther than this from its middle is not at a corner.
CORNER_REACH_M = 1_200.0


@dataclass(frozen=True)
class Place:
    """One ranked place.

    Attributes
    ----------
    name : str, Note or None
    rows : list of int
        The rows of the layer's frame that it is made of.
    code : int
        Its class in the layer's legend.
    values : dict
        `count, share, ratio, …`: numbers by the name of their column.
    district : str or None
    zones : int
        In how many zones it lies.
    peak_hours : (from, to, share) or None
        Where three hours hold more than if all hours were alike.
    hours_alike : bool
        Its hours are known, and none stand out.
    nearest : list of (what, metres)
    """

    name: str | Note | None
    rows: list[int]
    code: int
    values: dict[str, float]
    district: str | None = None
    zones: int = 0
    peak_hours: tuple[int, int, float] | None = None
    hours_alike: bool = False
    nearest: tuple[tuple[str, int], ...] = ()

    def changed_side(self) -> int:
        """1 for a rise and −1 for a fall that the corrected test calls more than chance, as the card says; else 0."""
        if self.values.get("change_p", 1.0) > CHANGE_LEVEL:
            return 0
        return 1 if self.values.get("change_ratio", np.inf) > 1 else -1  # no ratio: from none

    def packed(self) -> dict[str, Any]:
        """What JSON holds of it, but for its rows."""
        name = self.name.to_dict() if isinstance(self.name, Note) else self.name
        out: dict[str, Any] = {"name": name, "code": self.code, "values": self.values, "zones": self.zones}
        if self.district is not None:
            out["district"] = self.district
        if self.peak_hours is not None:
            out["peak_hours"] = list(self.peak_hours)
        if self.nearest:
            out["nearest"] = [list(n) for n in self.nearest]
        return out


@dataclass(frozen=True)
class ZoneNames:
    """What zones are called, and in which district each lies, by `zone_id`; and the streets, where they are known."""

    names: dict[str, str] = field(default_factory=dict)
    districts: dict[str, str] = field(default_factory=dict)
    streets: gpd.GeoDataFrame | None = None
    zones: gpd.GeoDataFrame | None = None

    def zone_at(self, shapes: np.ndarray) -> list[str | None]:
        """The zone in which the middle of each shape lies, None outside all or where zones have no outlines."""
        if self.zones is None or not len(shapes):
            return [None] * len(shapes)
        ids = self.zones["zone_id"].astype(str).to_numpy()
        which, zone = shapely.STRtree(self.zones.geometry.to_numpy()).query(shapely.centroid(shapes), "intersects")
        first = dict(zip(which[::-1].tolist(), zone[::-1].tolist(), strict=True))
        return [ids[first[i]] if i in first else None for i in range(len(shapes))]


def zone_names(zones: pd.DataFrame | None) -> ZoneNames:
    """Names and districts of zones; none where there are none.

    A district is the highest level above the zones that still tells some of them apart.
    """
    if zones is None or "zone_id" not in zones:
        return ZoneNames()
    ids = zones["zone_id"].astype(str)
    names: dict[str, str] = {}
    if "name" in zones:
        known = zones["name"].notna()
        names = dict(zip(ids[known], zones.loc[known, "name"].astype(str), strict=True))
    levels = [level for level in zone_levels(zones) if len(level["name"].unique()) > 1]
    districts = dict(zip(ids, levels[-1]["name"].astype(str), strict=True)) if levels else {}
    outlined = zones if isinstance(zones, gpd.GeoDataFrame) and zones.crs == "EPSG:4326" else None
    return ZoneNames(names, districts, zones=outlined)


def place_names(frame: pd.DataFrame, names: dict[str, str]) -> pd.Series:
    """What each row is called: its own name, that of its zone, or nothing."""
    if "name" in frame:
        return frame["name"].astype(object).where(frame["name"].notna(), None)
    if "zone_id" in frame:
        return frame["zone_id"].map(lambda z: None if pd.isna(z) else names.get(str(z), str(z)))
    if len(names):
        return pd.Series([names.get(str(i)) for i in frame.index], index=frame.index, dtype=object)
    return pd.Series(None, index=frame.index, dtype=object)


def rank_places(
    layers: Sequence[Layer], zones: pd.DataFrame | None = None, streets: gpd.GeoDataFrame | None = None
) -> list[list[Place]]:
    """The places of every layer, the first first.

    Parameters
    ----------
    layers : list of Layer
        After the gate. What one knows about the cells of another (change, peak hours, the nearest camera) is added.
    zones : GeoDataFrame, optional
        Boundaries that name the places; those of a boundaries layer, when not given.
    streets : GeoDataFrame of lines with `name`, optional
        Their corners tell places of one zone apart; those of the surroundings, when not given.

    Returns
    -------
    list of list of Place, one list a layer
    """
    if zones is None:
        zones = next((layer.frame for layer in layers if isinstance(layer, BoundariesLayer)), None)
    if streets is None:
        streets = next((o.frame for o in layers if isinstance(o, ContextLayer) and o.surround == "streets"), None)
    named = replace(zone_names(zones), streets=streets)
    ranked = [_named_apart(_ranked(layer, named, layers)[:MOST_ROWS], layer) for layer in layers]
    return [_enriched(places, layer, layers) for layer, places in zip(layers, ranked, strict=True)]


def _named_apart(places: list[Place], layer: Layer) -> list[Place]:
    """The places with names of which no two are alike."""
    called = [place.name for place in places]
    if all(name is None for name in called) or len(set(called)) == len(called):
        return places
    frame = layer.frame.iloc[[row for place in places for row in place.rows]]
    each = iter(_with_shapes(frame).geometry.to_numpy())
    shapes = np.array([shapely.union_all([next(each) for _ in place.rows]) for place in places], dtype=object)
    return [replace(p, name=_short(name)) for p, name in zip(places, names_apart(called, shapes), strict=True)]


def _ranked(layer: Layer, named: ZoneNames, layers: Sequence[Layer]) -> list[Place]:
    frame = layer.frame
    if not len(frame):
        return []
    if isinstance(layer, ClustersLayer):
        if not {"name", "zone_id"} & set(frame):  # outlines know of no zones: they are named by where their middle lies
            frame = frame.assign(zone_id=pd.Series(named.zone_at(frame.geometry.to_numpy()), frame.index, dtype=object))
            layer = replace(layer, frame=frame)
        places = place_names(frame, named.names)
        return _at_corners([_place(layer, [i], places, named) for i in range(len(frame))], layer, named)
    if not isinstance(layer, CellsLayer):
        return []
    if layer.labels is None:
        return _at_corners(_highest(layer, named), layer, named)
    if not layer.tested:
        return []
    side = layer.side()
    if not side.any():
        return _at_corners(_under_reported(layer, named), layer, named)
    if "count_before" in frame or "count" not in frame or not _has_areas(frame):
        return _at_corners(_changes(layer, named, side), layer, named)
    return _cores(layer, named, layers) if (side > 0).any() else []


def _at_corners(places: list[Place], layer: Layer, named: ZoneNames) -> list[Place]:
    """The places that are small enough to lie at a corner, with its name."""
    if named.streets is None or not places:
        return places
    shapes = _with_shapes(layer.frame).geometry.to_numpy()
    middles, reach = [], []
    for place in places:
        part = shapes[place.rows]
        west, south, east, north = shapely.total_bounds(part)
        narrow = np.cos(np.radians((south + north) / 2))
        reach.append(DEGREE_M / 2 * max((east - west) * narrow, north - south))
        middles.append(shapely.get_coordinates(shapely.centroid(shapely.multipoints(shapely.centroid(part))))[0])
    corners = street_corners(middles, reach, named.streets)
    return [
        replace(place, name=_short(at_corner(place.name, corner))) if far <= CORNER_REACH_M else place
        for place, corner, far in zip(places, corners, reach, strict=True)
    ]


def _highest(layer: CellsLayer, named: ZoneNames) -> list[Place]:
    """The cells with the highest amounts; where the layer has periods, those of any period, by the last of them.

    The page ranks them again by the period that it shows.
    """
    column = layer.rank_by or "count"
    places = place_names(layer.frame, named.names)
    if layer.frames is None or layer.every == "hour_of_week":
        amounts = _numbers(layer.frame[column])
        order = amounts.argsort(kind="stable")[::-1][:MOST_AMOUNTS]
        return [_place(layer, [int(i)], places, named) for i in order if amounts[i] > 0]
    wide = np.nan_to_num(layer.drawn_frames().to_numpy(float))
    last = np.nan_to_num(layer.frames.to_numpy(float)[:, -1])
    high = {int(i) for period in wide.T for i in period.argsort(kind="stable")[::-1][:10] if period[i] > 0}
    first = sorted(high, key=lambda i: (-wide[i, -1], -wide[i].sum(), i))
    return [
        replace(place, values=place.values | {"count": float(last[i])} | {column: round(float(wide[i, -1]), 4)})
        if layer.frame_km2 is not None
        else replace(place, values=place.values | {column: round(float(wide[i, -1]), 4)})
        for i in first
        for place in [_place(layer, [i], places, named)]
    ]


def _numbers(values: pd.Series) -> np.ndarray:
    return pd.to_numeric(values, errors="coerce").fillna(-np.inf).to_numpy(float)


def _cores(layer: CellsLayer, named: ZoneNames, layers: Sequence[Layer]) -> list[Place]:
    """The ground that the test found, cut into places that a patrol can hold."""
    cells = _with_shapes(layer.frame)
    before = next((o.frame["count_before"] for o in layers if o is not layer and _same_counts(layer, o)), None)
    result = HotspotResult(cells, layer.method, layer.params)
    cores = hotspot_cores(result, before=before, names=named.names, districts=named.districts, streets=named.streets)
    at = pd.Series(np.arange(len(cells)), index=cells.index.astype(str))
    kept = ("count", "share", "area_km2", "area_share", "density_ratio", "expected", "ratio", "shrunken", "stability")
    change = ("count_before", "change_ratio", "change_low", "change_high")
    out = []
    for _, core in cores.iterrows():
        rows = at.loc[core["cell_ids"]].to_numpy().tolist()
        values = {k: core[k] for k in (*kept, *change) if k in cores}
        if "count_before" in values:
            values |= {"count_after": core["count"], "difference": core["count"] - core["count_before"]}
        best = cells.iloc[rows]
        for column, of in (("z_score", "max"), ("p_value", "min"), ("q_value", "min")):
            if column in best:
                values[column] = getattr(best[column], of)()
        if len(rows) > 1:
            values["cells"] = len(rows)
        zones = int(best["zone_id"].nunique()) if "zone_id" in best else 0
        district = core["district"] if isinstance(core["district"], str) else None
        code = int(min(layer.codes[rows]))
        out.append(Place(_short(core["name"]), rows, code, _rounded(values), district, zones))
    return _tested_changes(out)


def _tested_changes(places: list[Place]) -> list[Place]:
    """With `change_p`: how likely so great a change is by chance, corrected for the number of places (Holm 1979)."""
    known = [p for p in places if "count_before" in p.values and "count" in p.values]
    if not known:
        return places
    together = [p.values["count"] + p.values["count_before"] for p in known]
    raw = binomial_p([round(p.values["count"]) for p in known], [round(n) if n >= 1 else 0 for n in together], 0.5)
    order = np.argsort(raw)
    judged = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)).clip(max=1)
    corrected = dict(zip((id(known[i]) for i in order), judged.tolist(), strict=True))
    return [
        replace(p, values=p.values | {"change_p": round(corrected[id(p)], 4)}) if id(p) in corrected else p
        for p in places
    ]


def _has_areas(frame: pd.DataFrame) -> bool:
    """Whether its shapes are areas; streets are lines, which cannot be cut into places of a size."""
    return not isinstance(frame, gpd.GeoDataFrame) or bool((shapely.area(frame.geometry.to_numpy()) > 0).any())


def _short(name: Any) -> str | Note | None:
    return name if isinstance(name, Note) or name is None else str(name)[:200]


def _with_shapes(frame: pd.DataFrame) -> gpd.GeoDataFrame:
    """Cells with their shapes and areas, also where they travel as H3 ids."""
    if isinstance(frame, gpd.GeoDataFrame):
        return frame
    shaped = gpd.GeoDataFrame(frame, geometry=h3_outlines(frame.index), crs=4326)
    return shaped if "area_m2" in frame else shaped.assign(area_m2=[h3.cell_area(c, unit="m^2") for c in frame.index])


def _changes(layer: CellsLayer, named: ZoneNames, side: np.ndarray) -> list[Place]:
    """Cells that touch and that the test found alike, the greatest difference first: rises and falls."""
    found = np.flatnonzero(side)
    group = _touching(layer.frame, found, side[found])
    places = place_names(layer.frame, named.names)
    ranked = [_place(layer, found[group == g].tolist(), places, named) for g in range(group.max() + 1)]
    by = next((c for c in ("difference", "count", "z_score") if c in layer.frame), None)
    size = [abs(p.values.get(by, 0.0)) if by else len(p.rows) for p in ranked]
    return [ranked[i] for i in np.argsort(size, kind="stable")[::-1]]


def _under_reported(layer: CellsLayer, named: ZoneNames) -> list[Place]:
    """Cells from which more was to be expected, the one that lacks most first."""
    label = layer.frame[layer.labels or ""].astype(str)
    found = np.flatnonzero(label.isin(UNDER_REPORTED))
    places = place_names(layer.frame, named.names)
    ranked = [_place(layer, [int(i)], places, named) for i in found]
    return sorted(ranked, key=lambda p: p.values.get("count", 0.0) - p.values.get("expected", 0.0))


def _touching(frame: pd.DataFrame, at: np.ndarray, side: np.ndarray) -> np.ndarray:
    """A number for each of the rows `at`: the same where cells of one side touch."""
    if isinstance(frame, gpd.GeoDataFrame):
        source, target = touching(frame.geometry.to_numpy()[at]).nonzero()
    else:
        ids = {c: i for i, c in enumerate(frame.index[at])}
        pairs = [(i, ids[near]) for c, i in ids.items() for near in h3.grid_disk(c, 1) if near in ids]
        source, target = np.array(pairs).T
    alike = side[source] == side[target]
    graph = sparse.csr_array((np.ones(int(alike.sum())), (source[alike], target[alike])), shape=(len(at),) * 2)
    return sparse.csgraph.connected_components(graph, directed=False)[1]


def _place(layer: Layer, rows: list[int], places: pd.Series, named: ZoneNames) -> Place:
    """A place with the numbers of its rows, named after the zone in which most of its incidents lie."""
    part = layer.frame.iloc[rows]
    values: dict[str, Any] = {c: part[c].sum() for c in SUMMED if c in part}
    if values.get("count") and values.get("expected"):
        values["ratio"] = values["count"] / values["expected"]
    elif values.get("count_before"):
        values["ratio"] = values["count_after"] / values["count_before"]
    for column, best in (("z_score", "max"), ("p_value", "min"), ("q_value", "min"), ("stability", "mean")):
        if column in part and pd.api.types.is_numeric_dtype(part[column]):
            values[column] = getattr(part[column], best)()
    main = layer.rank_by
    if main and main in part and main not in values and pd.api.types.is_numeric_dtype(part[main]):
        values[main] = part[main].max()
    if "area_m2" in part and pd.api.types.is_numeric_dtype(part["area_m2"]):
        values["area_km2"] = part["area_m2"].sum() / 1e6
    if len(rows) > 1:
        values["cells"] = len(rows)
    by = next((c for c in ("count", "difference") if c in part), None)
    weight = np.ones(len(part)) if by is None else np.abs(part[by].to_numpy(float))
    called = pd.Series(weight, index=pd.Index(places.iloc[rows].to_numpy(), dtype=object)).groupby(level=0).sum()
    zone = part["zone_id"].astype(str).iloc[int(weight.argmax())] if "zone_id" in part else None
    zones = int(part["zone_id"].nunique()) if "zone_id" in part else 0
    name = str(called.idxmax())[:200] if len(called) else None
    return Place(name, rows, int(min(layer.codes[rows])), _rounded(values), named.districts.get(str(zone)), zones)


def _rounded(values: dict[str, Any]) -> dict[str, float]:
    """Numbers as JSON has them; what is not finite is left out."""
    numbers = {k: float(v) for k, v in values.items() if v is not None}
    return {k: round(v, 4) for k, v in numbers.items() if np.isfinite(v)}


def _enriched(places: list[Place], layer: Layer, layers: Sequence[Layer]) -> list[Place]:
    """What other layers know about the same cells: stability, peak hours, the nearest camera."""
    for other in layers:
        if other is layer or not places:
            continue
        if isinstance(other, CellsLayer) and other.frame.index.equals(layer.frame.index):
            places = [_borrowing(place, layer, other) for place in places]
        if isinstance(other, ContextLayer) and other.nearest:
            places = _with_nearest(places, layer, other)
    return places


def _borrowing(place: Place, layer: Layer, other: CellsLayer) -> Place:
    values = dict(place.values)
    part = other.frame.iloc[place.rows]
    if "stability" in part and "stability" not in values and _same_counts(layer, other, "count"):
        values["stability"] = round(float(part["stability"].mean()), 4)
    peak, alike = place.peak_hours, place.hours_alike
    if other.frames is not None and other.every == "hour_of_week" and _same_total(layer, other):
        day = other.frames.iloc[place.rows].to_numpy(float).sum(axis=0).reshape(7, 24).sum(axis=0)
        if day.sum() >= LEAST_TIMED:  # fewer tell nothing about hours
            start, share, p_value = fullest_window(day, 3)
            alike = p_value > CHANGE_LEVEL
            peak = None if alike else (start, (start + 3) % 24, round(share, 3))
    return replace(place, values=values, peak_hours=peak, hours_alike=alike)


def _same_counts(layer: Layer, other: Layer, column: str = "count_after") -> bool:
    """Whether two layers speak of the same incidents: burglary's change is not to stand beside robbery's hotspots."""
    here, there = layer.frame.get("count"), other.frame.get(column)
    if here is None or there is None or not other.frame.index.equals(layer.frame.index):
        return False
    return np.array_equal(here.to_numpy(float), there.to_numpy(float))


def _same_total(layer: Layer, other: CellsLayer) -> bool:
    """The same for hours of the week, where incidents without an hour are missing from the cells' sums."""
    if "count" not in layer.frame or other.frames is None:
        return False
    here, there = layer.frame["count"].to_numpy(float), other.frames.to_numpy(float).sum(axis=1)
    return bool((there <= here + 1e-6).all() and there.sum() > 0.5 * here.sum())


def _with_nearest(places: list[Place], layer: Layer, other: ContextLayer) -> list[Place]:
    """Metres from each place's middle to the nearest point of another layer, on a sphere."""
    points = shapely.get_coordinates(shapely.centroid(other.frame.geometry.to_numpy()))
    shapes = _with_shapes(layer.frame).geometry.to_numpy()
    out = []
    for place in places:
        at = np.array(shapely.union_all(shapes[place.rows]).centroid.coords[0])
        step = np.radians(points - at) * [np.cos(np.radians(at[1])), 1]
        metres = round(float(np.hypot(*step.T).min() * 6371008.8))
        out.append(replace(place, nearest=(*place.nearest, (str(other.nearest), metres))))
    return out
