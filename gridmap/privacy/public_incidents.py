"""public_release(): what everyone may know of the incidents, and nothing more.

The idea: decide once what is released, and make everything from that. What is released is one table: areas (cells
merged until each has k incidents in every series) × series (kind of incident and period). From that table new incidents
are drawn: as many in each area, at random places in it, of that kind and period, with no other attribute. Whatever is
computed from those (maps, hotspots, rates, files, papers, sums, differences) is a function of the table, so no output
can tell more than the table does, whichever writer makes it, and however many of them are laid over each other. In the
words of the privacy literature: the protection comes first, all else is post-processing.

The price is paid in detail: where incidents are rare, areas are large; methods that look at single points (clusters of
points, near repeats, hours) have nothing to look at. Which areas there can be follows from the map and not from the
incidents, so that the areas themselves tell nothing. A release can be held against earlier ones over the same cells: a
number then changes by nothing, or by k and more. What the table does not protect against is a second table over other
cells, which can be subtracted from it.

How areas are made. Cells are halved again and again, and where the halves lie follows from the map alone: from the
places of the cells, their zones and their residents, never from the incidents. So one tree of areas is fixed before
the first incident is counted. From its root on, an area is halved as long as *both* halves have k incidents in *each*
series (burglary in July 2017, burglary in July 2018, …), and residents and ground enough.

Why not merge by the incidents themselves, which would give smaller areas: whoever knows the algorithm then knows, of
each merger, what made it necessary, and can often compute the number that was to be hidden (the minimality attack,
Wong et al. 2007). Here an area that was not halved says one thing: that one of its halves, nobody knows which, has
fewer than k of something. Every cell in it may still hold any number from none to k − 1, and its other half the rest
(`tests/privacy/test_minimality.py` tries all small worlds). And because all releases over the same cells cut the same
tree, each area of one is a union of areas of the other: their difference is made of numbers that were released anyway.

Source: k-anonymity, Sweeney (2002), International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10,
557–570; threshold rules, secondary suppression and why it fails, Hundepool et al. (2012), Statistical Disclosure
Control, chapter 4; Wong, Fu, Wang & Pei (2007), Minimality attack in privacy preserving data publishing, VLDB, 543–554;
the tree: Bentley (1975), Communications of the ACM 18, 509–517.
"""

import hashlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from gridmap._notebook_line import ShortForm
from gridmap.audiences import AUDIENCES, SMALLEST_COUNT
from gridmap.errors import InputError
from gridmap.grids.base import Grid
from gridmap.grids.systems import as_grid
from gridmap.grids.zones import ZoneGrid
from gridmap.messages import Note
from gridmap.privacy.audience_gate import PERSONS, check_k
from gridmap.privacy.release_series import OTHER, Series, series_of
from gridmap.privacy.safe_shapes import places_in_cells
from gridmap.read.incident_table import COLUMNS, Incidents
from gridmap.read.incidents import as_incidents

__all__ = ["PublicRelease", "public_release"]


#: A centimetre: the corners of neighbouring cells are that near to each other, and are one.
SNAP_DEG = 1e-7


@dataclass(frozen=True, repr=False)
class PublicRelease(ShortForm):
    """What everyone may know.

    Attributes
    ----------
    incidents : Incidents
        As many as in `table`, at random places of their areas; kind and period only.
    grid : Grid
        The areas.
    boundaries : GeoDataFrame
        The same areas as zones with names, for a map and its table.
    table : DataFrame, areas × series
        All that is released: incidents, each number k or more.
    area_of : Series
        Cell of the grid that was given → area.
    k : int
    left_out : int
        Incidents that are in no series, or outside the grid.
    notes : tuple of str
    record : dict
        The same as plain data, for the next release to be held against: `k`, `cells` (a hash of the map), `series`,
        `areas` (each area's place in the tree of areas → its counts).
    """

    incidents: Incidents
    grid: Grid
    boundaries: gpd.GeoDataFrame
    table: pd.DataFrame
    area_of: pd.Series
    k: int
    left_out: int
    notes: tuple[str, ...]
    record: dict[str, Any] = field(default_factory=dict)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"PublicRelease: {int(self.table.to_numpy().sum()):,} incidents in {len(self.table):,} areas, "
            f"{self.table.shape[1]} series, each number {self.k} or more, {self.left_out:,} left out; audience public"
        )

    @property
    def told(self) -> dict[str, Any]:
        """The former name of `record`."""
        old, new = "PublicRelease.told", "PublicRelease.record"
        warnings.warn(Note("errors.moved", old=old, new=new), DeprecationWarning, stacklevel=2)
        return self.record


def public_release(
    incidents: Incidents,
    grid: Grid,
    *,
    series: Iterable[Mapping[str, Any]] = ({},),
    k: int = SMALLEST_COUNT,
    names: Mapping[str, str] | None = None,
    random_state: int | None = 0,
    earlier: Sequence[Mapping[str, Any]] = (),
) -> PublicRelease:
    """Incidents and areas for the public: no number that can be made of them speaks of fewer than k incidents.

    Parameters
    ----------
    incidents : Incidents
    grid : Grid
        The finest cells; neighbours are merged.
    series : list of mappings
        What will be distinguished: each with `category` (one or a list) and `period` (a year, quarter or month), or
        `every` ("month", "quarter", "year") for each period there is. All incidents together, by default.
    k : int
        The fewest incidents that a number may speak of, 2 or more.
    names : mapping, optional
        The name of each `zone_id` of the grid's cells, to call the areas by.
    random_state : int, optional
        Of the random places. They tell nothing: the same places could be drawn by anyone who has the table.
    earlier : list of mappings
        What was released of the same incidents before (their `record`): no number then differs from theirs by fewer
        than k. Those over other cells cannot be compared, which a note says.

    Returns
    -------
    PublicRelease

    Raises
    ------
    InputError
        If a series has fewer than k incidents, or so few that only one area would be left.
    SettingError
        For a k below 2, or a period finer than a month.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.read_boundaries("data/west_yorkshire/lsoa_2011.geojson")
    >>> grid = gm.make_grid(town, system="h3", resolution=7)
    >>> points = gm.read_incidents("data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz")
    >>> public = public_release(points, grid, series=[{"category": "Burglary"}])
    >>> bool(public.table.min().min() >= 5), int(public.table.sum().sum()) == len(public.incidents)
    (True, True)

    References
    ----------
    Sweeney (2002), International Journal of Uncertainty, Fuzziness and Knowledge-Based Systems 10, 557–570.
    """
    k = check_k(k)
    incidents, grid = as_incidents(incidents), as_grid(grid)
    if not isinstance(incidents, Incidents) or not isinstance(grid, Grid):
        found = {"incidents": type(incidents).__name__, "grid": type(grid).__name__}
        raise InputError(Note("privacy.release.wrong_types", **found))
    published = series_of(incidents, series)
    row = grid.locate(*incidents.lonlat())
    used = (row >= 0) & (published.code >= 0)
    counts = np.zeros((len(grid), len(published.names)), np.int64)
    np.add.at(counts, (row[used], published.code[used]), 1)
    too_few = np.array([name[0] == OTHER for name in published.names]) & (counts.sum(axis=0) < k)
    if too_few.any():  # nobody named them
        published, used = published.without(too_few), used & ~too_few[published.code]
        counts = counts[:, ~too_few]
    _check_series(counts, published, k)
    zones = pd.factorize(grid.cells["zone_id"].astype(str))[0] if "zone_id" in grid.cells else None
    people = next((grid.cells[c].to_numpy(float) for c in PERSONS if _is_number(grid.cells, c)), None)
    who = AUDIENCES["public"]
    map_hash = _hash_of(grid, zones, people)
    same = [record for record in earlier if record.get("cells") == map_hash]
    area, ways = merged_areas(
        counts,
        grid.centroids_m,
        k=k,
        area_m2=grid.cells["area_m2"].to_numpy(float),
        least_m2=who.finest_cell_m2,
        residents=people,
        fewest_residents=who.fewest_persons,
        zones=zones,
        earlier=[_counts_recorded(record, published.columns()) for record in same],
    )
    sums = np.zeros((area.max() + 1, counts.shape[1]), np.int64)
    np.add.at(sums, area, counts)
    record = {
        "k": k,
        "cells": map_hash,
        "series": list(map(str, published.columns())),
        "areas": {way: row.tolist() for way, row in zip(ways, sums, strict=True)},
    }
    _check_earlier(record, same)
    if area.max() == 0 and len(grid) > 1:
        shown = [*published.columns()[:4], *(["…"] if len(published.names) > 4 else [])]
        raise InputError(Note("privacy.release.one_area", k=k, cells=len(grid), series=shown))
    if (sums < k).any():  # the promise of this module, so it is checked and not assumed
        raise AssertionError("an area has fewer incidents than k")
    ids = pd.Index([f"area {i + 1}" for i in range(len(sums))], name="cell_id")
    boundaries = _areas(grid, area, ids, dict(names or {}))
    areas = ZoneGrid.over(
        boundaries, overlaps="all"
    )  # edges that were snapped overlap by millimetres: not worth a word
    cells = areas.cells.assign(area_km2=areas.cells["area_m2"] / 1e6)
    areas = ZoneGrid(cells, {"audience": "public", "k": k, "merged_from": grid.system, "merged_cells": len(grid)})
    drawn = _drawn(sums, published, areas, random_state)
    return PublicRelease(
        incidents=Incidents(drawn, source={"path": "public release", "audience": "public", "k": k}),
        grid=areas,
        boundaries=boundaries,
        table=pd.DataFrame(sums, index=ids, columns=published.columns()),
        area_of=pd.Series(ids[area], index=grid.cells.index, name="area"),
        k=k,
        left_out=int((~used).sum()),
        notes=(
            Note("privacy.release.merged", cells=len(grid), areas=len(sums), k=k),
            _note_of_earlier(len(earlier), len(same), k),
        ),
        record=record,
    )


def _is_number(frame: pd.DataFrame, column: str) -> bool:
    return column in frame and pd.api.types.is_numeric_dtype(frame[column])


def _hash_of(grid: Grid, zones: np.ndarray | None, people: np.ndarray | None) -> str:
    """Whatever the tree of areas follows from: the same hash, the same tree."""
    digest = hashlib.sha256("\n".join(map(str, grid.cells.index)).encode())
    for part in (grid.centroids_m.round(3), grid.cells["area_m2"].round(1).to_numpy(float), zones, people):
        digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def _counts_recorded(record: Mapping[str, Any], series: pd.Index) -> dict[str, list[float]]:
    """What an earlier release held, in the order of today's series; nan for one that it did not hold."""
    place = {name: i for i, name in enumerate(record["series"])}
    return {
        way: [float(counts[place[name]]) if name in place else float("nan") for name in series]
        for way, counts in record["areas"].items()
    }


def _check_earlier(record: Mapping[str, Any], same: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a release whose sums differ from those released before by fewer than k; areas below were seen to."""
    total = pd.DataFrame(record["areas"].values(), columns=record["series"]).sum()
    for one in same:
        change = (total - pd.DataFrame(one["areas"].values(), columns=one["series"]).sum()).abs()
        few = change[(change > 0) & (change < record["k"])]
        if len(few):
            raise InputError(Note("privacy.release.too_near", k=record["k"], series=list(few.index[:3])))


def _note_of_earlier(given: int, same: int, k: int) -> Note:
    if not given:
        return Note("privacy.release.no_earlier", k=k)
    if same < given:
        return Note("privacy.release.other_areas", n=given - same)
    return Note("privacy.release.held_against", n=same, k=k)


def _check_series(counts: np.ndarray, published: Series, k: int) -> None:
    few = [name for name, total in zip(published.columns(), counts.sum(axis=0), strict=True) if total < k]
    if few:
        raise InputError(Note("privacy.release.few", k=k, series=few[:3]))


def _areas(grid: Grid, area: np.ndarray, ids: pd.Index, names: dict[str, str]) -> gpd.GeoDataFrame:
    """The areas as zones, called after the zone that most of their ground is in; what can be added is added."""
    cells = grid.cells
    order = np.argsort(area, kind="stable")
    groups = np.split(cells.geometry.to_numpy()[order], np.cumsum(np.bincount(area))[:-1])
    shapes = [
        shapely.union_all(group, grid_size=SNAP_DEG) for group in groups
    ]  # neighbours' corners differ by rounding
    frame = gpd.GeoDataFrame(
        {"zone_id": ids.to_numpy(), "name": ids.to_numpy(), "level": "area", "parent_id": None},
        geometry=shapes,
        crs=cells.crs,
    )
    if "zone_id" in cells:
        ground = cells["area_m2"].groupby([area, cells["zone_id"].astype(str).to_numpy()]).sum()
        most = ground.groupby(level=0).idxmax().map(lambda key: key[1])
        zones = ground.groupby(level=0).size()
        called = [names.get(z, z) + (f" +{n - 1}" if n > 1 else "") for z, n in zip(most, zones, strict=True)]
        again = pd.Series(called).groupby(called).cumcount().to_numpy()
        frame["name"] = [name if not i else f"{name} / {i + 1}" for name, i in zip(called, again, strict=True)]
    for column in ("persons", "households", "population"):
        if column in cells and pd.api.types.is_numeric_dtype(cells[column]):
            frame[column] = cells[column].groupby(area).sum().to_numpy()
    return frame


def _drawn(sums: np.ndarray, published: Series, areas: Grid, random_state) -> pa.Table:
    """One new incident for each that is released, in the order of the table."""
    where, what = (index.ravel() for index in np.indices(sums.shape))
    times = sums.ravel()
    area, code = np.repeat(where, times), np.repeat(what, times)
    lon, lat = places_in_cells(areas, area, np.random.default_rng(random_state))
    category = np.array([name[0] or OTHER for name in published.names], object)[code]
    start, end = (np.array(t, "datetime64[us]")[code] for t in (published.starts, published.ends))
    n = len(area)
    return pa.table(
        {
            "incident_id": pa.array([str(i + 1) for i in range(n)], pa.string()),
            "occurred_from": pa.array(start, pa.timestamp("us")),
            "occurred_to": pa.array(end, pa.timestamp("us")),
            "category": pa.array(category, pa.string()),
            "lon": pa.array(lon),
            "lat": pa.array(lat),
            "officer_initiated": pa.nulls(n, pa.bool_()),
        },
        schema=pa.schema(COLUMNS),
    )


def halves(cells: np.ndarray, places_m: np.ndarray, weight: np.ndarray, zones: np.ndarray) -> list[np.ndarray]:
    """The two halves of some cells, in residents rather than in ground; zones are kept whole as long as there are two.

    Parameters
    ----------
    cells : array of int
        Which cells: two or more.
    places_m : array (all cells, 2)
    weight : array (all cells,)
        Residents, or what stands for them.
    zones : array of int (all cells,)

    Returns
    -------
    two arrays of int

    Examples
    --------
    >>> row = np.c_[np.arange(4.0), np.zeros(4)]
    >>> [half.tolist() for half in halves(np.arange(4), row, np.array([9.0, 1, 1, 1]), np.zeros(4, int))]
    [[0], [1, 2, 3]]
    """
    group = np.unique(zones[cells], return_inverse=True)[1]
    if group.max() == 0:
        group = np.arange(len(cells))
    held = np.bincount(group, weight[cells]).astype(float)
    n = np.bincount(group)
    middle = np.column_stack([np.bincount(group, places_m[cells, axis]) / n for axis in (0, 1)])
    along = int(np.ptp(middle[:, 1]) > np.ptp(middle[:, 0]))
    order = np.lexsort((np.arange(len(n)), middle[:, 1 - along].round(3), middle[:, along].round(3)))
    sums = np.cumsum(held[order])
    if sums[-1] <= 0:
        sums = np.arange(1.0, len(order) + 1)
    cut = int(np.abs(sums[:-1] - sums[-1] / 2).argmin()) + 1
    first = np.isin(group, order[:cut])
    return [cells[first], cells[~first]]


def merged_areas(
    counts: np.ndarray,
    places_m: np.ndarray,
    *,
    k: int,
    area_m2: np.ndarray | None = None,
    least_m2: float = 0.0,
    residents: np.ndarray | None = None,
    fewest_residents: float = 0.0,
    zones: np.ndarray | None = None,
    earlier: Sequence[Mapping[str, Sequence[float]]] = (),
) -> tuple[np.ndarray, list[str]]:
    """The area of each cell, as a number from 0 on, and each area's way from the root of the tree.

    Parameters
    ----------
    counts : array of int (cells, series)
    places_m : array (cells, 2)
    k : int
    area_m2 : array (cells,), optional
    least_m2 : float
        Areas are at least as large.
    residents : array (cells,), optional
        Where they are known. An area has none, or `fewest_residents` and more.
    zones : array of int (cells,), optional
        Zones are drawn to hold similar numbers of people, so they stand for residents where these are not known.
    earlier : list of mappings, optional
        What was released before over the same cells: way of the area → count of each series, nan where it was not
        released. Halves whose numbers changed are distinguished only where both changed by k and more.

    Returns
    -------
    array of int (cells,), list of str
        One area, whose way is "", if need be; it may then have fewer than k.

    Examples
    --------
    Four cells in a row, k = 5. The first half could not be halved without telling that its second cell has few.

    >>> row = np.c_[np.arange(4.0), np.zeros(4)]
    >>> area, ways = merged_areas(np.array([[8], [1], [6], [9]]), row, k=5)
    >>> area.tolist(), ways
    ([0, 0, 1, 2], ['0', '10', '11'])
    """
    counts = np.asarray(counts).reshape(len(counts), -1)
    zones = np.zeros(len(counts), int) if zones is None else zones
    size = np.full(len(counts), np.inf) if area_m2 is None else np.asarray(area_m2, float)
    people = None if residents is None else np.nan_to_num(np.asarray(residents, float))
    weight = people if people is not None else 1 / np.bincount(zones)[zones]
    before = [_sums_above(record) for record in earlier]

    def good(cells: np.ndarray) -> bool:
        sums = counts[cells].sum(axis=0)
        if (sums < k).any() or size[cells].sum() < least_m2:
            return False
        return people is None or not 0 < people[cells].sum() < fewest_residents

    def changes_apart(parts: list[np.ndarray], way: str) -> bool:
        now = [counts[part].sum(axis=0) for part in parts]
        for record in before:
            then = [record.get(way + side) for side in "01"]
            if then[0] is not None and then[1] is not None and not _apart(now[0] - then[0], now[1] - then[1], k):
                return False
        return True

    area = np.empty(len(counts), int)
    ways: list[str] = []
    open_ = [(np.arange(len(counts)), "")]
    while open_:
        cells, way = open_.pop()
        parts = halves(cells, places_m, weight, zones) if len(cells) > 1 else []
        if parts and all(map(good, parts)) and changes_apart(parts, way):
            open_ += [(parts[1], way + "1"), (parts[0], way + "0")]
        else:
            area[cells] = len(ways)
            ways.append(way)
    return area, ways


def _sums_above(record: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """What was released, summed for each area of the tree that is made of areas that were released."""
    sums: dict[str, np.ndarray] = {}
    for way, counts in record.items():
        for n in range(len(way) + 1):
            sums[way[:n]] = sums.get(way[:n], 0.0) + np.asarray(counts, float)
    return sums


def _apart(one: np.ndarray, other: np.ndarray, k: int) -> bool:
    """Whether two halves may be released by themselves, by how each changed: not at all, or both by k and more.

    One that did not change beside one that did would be distinguished too, if only such pairs were: whatever is *not*
    distinguished would then have changed in both halves, by few. So the change is held to the rule of the counts.
    """
    one, other = np.abs(one), np.abs(other)
    same = ((one == 0) & (other == 0)) | np.isnan(one) | np.isnan(other)
    return bool((same | ((one >= k) & (other >= k))).all())
