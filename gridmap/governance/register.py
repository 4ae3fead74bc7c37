"""What became of the areas we named? Hotspots that keep their identity, and the register in which they are named.

A committee names areas, sets measures and a target, and strikes them off when the work is done. Two things are needed
so that the next meeting can judge the last one. `match_hotspots` says which hotspot of now is which of then: by overlap
first, by distance where nothing overlaps; so one can be new, persistent, worsening, fading, split, merged, gone or
back. And a `Register` holds who named an area, when, with what measures and target, until when it is to be
reviewed, and by what evidence it was struck off.

The register is a plain file (YAML) beside the data. It carries a revision, so that nobody writes over another's work
unseen, and two copies that were edited apart are merged without loss: with the copy that both came from (three-way),
what one of them changed is taken; where both changed the same, one value stands and the other is kept beside it.
Who named an area is a unit or a body, never a person.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import yaml

from gridmap._io import json_text, sha256_of, sha256_of_text, write_text
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, OutputError, ReadError, SettingError
from gridmap.hotspots.registry import side_of
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import binomial_p
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.metric_projection import metric_crs
from gridmap.read.persons import personal_columns, reads_as_name

__all__ = [
    "STANDINGS",
    "STATUSES",
    "FollowedHotspots",
    "NamedArea",
    "Register",
    "WatchedAreas",
    "follow_hotspots",
    "hotspot_areas",
    "match_hotspots",
    "watch_areas",
]

#: What can become of a hotspot.
STATUSES = ("new", "persistent", "worsening", "fading", "split", "merged", "back", "gone")
#: How a named area stands at a day.
STANDINGS = ("active", "overdue", "back", "struck off", "ended")
#: How a unit's short name ends, where it would read as that of a person (安委会).
UNIT_ENDS = tuple("办会委部科组室处院队所局站厅")
#: The register's form; a file of a later one is refused.
FORM = 1


# --------------------------------------------------------------------------------------------------
# which hotspot of now is which of then


def hotspot_areas(result: Any) -> gpd.GeoDataFrame:
    """Hotspots as areas: outlines of clusters, or hot cells that touch taken together.

    Parameters
    ----------
    result : HotspotResult or GeoDataFrame of polygons
        A GeoDataFrame is taken as it is.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        `count` where it is known, and geometry; indexed by the cluster or from 0, the largest count first.

    Raises
    ------
    InputError
        If there is neither an outline nor a labelled cell with a shape.
    """
    if isinstance(result, gpd.GeoDataFrame):
        if result.crs is None and len(result):
            raise InputError(Note("governance.hotspots_crs"))
        return result if result.crs is None else result.to_crs(4326)
    if not isinstance(result, HotspotResult):
        raise InputError(Note("governance.no_hotspots", found=type(result).__name__))
    if result.clusters is not None:
        kept = [c for c in ("count", "geometry") if c in result.clusters]
        return result.clusters[kept].to_crs(4326)
    cells = result.cells
    if not isinstance(cells, gpd.GeoDataFrame) or "label" not in cells:
        raise InputError(Note("governance.no_hotspots", found=result.method))
    hot = cells[[side_of(label) > 0 for label in cells["label"]]]
    parts = shapely.get_parts(shapely.union_all(hot.geometry.to_numpy())) if len(hot) else np.array([], dtype=object)
    within = shapely.STRtree(hot.geometry.representative_point().to_numpy())
    part, inside = within.query(parts, predicate="intersects")
    value = hot["count"].to_numpy(float) if "count" in hot else np.ones(len(hot))
    count = np.bincount(part, value[inside], minlength=len(parts)) if len(parts) else np.zeros(0)
    order = np.argsort(-count, kind="stable")
    return gpd.GeoDataFrame({"count": count[order]}, geometry=list(parts[order]), crs=4326)


def match_hotspots(
    earlier: Any,
    later: Any,
    *,
    former: Any = None,
    distance_m: float = 250,
    least_overlap: float = 0.1,
    exposure: Sequence[float] = (1, 1),
    level: float = 0.05,
) -> gpd.GeoDataFrame:
    """What became of each hotspot: new, persistent, worsening, fading, split, merged, back or gone.

    Two areas are the same place where they share at least `least_overlap` of the smaller one. One that overlaps nothing
    is matched with the nearest unmatched within `distance_m`, edge to edge, if each is the other's nearest.

    Parameters
    ----------
    earlier, later : HotspotResult or GeoDataFrame of polygons (EPSG:4326)
        With `count` where rising and falling is to be judged. The index of `earlier` is kept as identity.
    former : GeoDataFrame, optional
        Areas of before: gone, or struck off. A new hotspot there is called "back".
    distance_m : float
    least_overlap : float
        Between 0 and 1.
    exposure : (float, float)
        Lengths of the two times, or the territory's totals, where "no change" means the same share of these.
    level : float
        An area is worsening or fading where its count differs so much that less than `level` of unchanged ones would.

    Returns
    -------
    GeoDataFrame, EPSG:4326
        One row a hotspot of `later` (its index in `later`), then those that are gone (`later` empty): `identity`,
        `status`, `earlier` (labels, a tuple), `overlap` (share of the smaller), `distance_m`, `count_before,
        count_after, ratio, p_value`, geometry (of now, or of then where gone).

    Raises
    ------
    InputError
        Neither outlines nor labelled cells with shapes.
    SettingError
        A share or a distance out of range.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> then = gpd.GeoDataFrame({"count": [40, 30]}, index=["A", "B"], crs=4326,
    ...     geometry=[box(0, 0, 0.01, 0.01), box(0.05, 0, 0.06, 0.01)])
    >>> now = gpd.GeoDataFrame({"count": [80, 25]}, crs=4326,
    ...     geometry=[box(0.001, 0, 0.011, 0.01), box(0.2, 0, 0.21, 0.01)])
    >>> match_hotspots(then, now)[["identity", "status"]].values.tolist()
    [['A', 'worsening'], ['new 1', 'new'], ['B', 'gone']]

    References
    ----------
    Identity by overlap is the matching of tracked objects; the count's test is Przyborowski & Wilenski (1940).
    """
    if isinstance(distance_m, bool) or not distance_m >= 0:
        raise SettingError(Note("governance.distance", found=str(distance_m)))
    if not 0 < least_overlap <= 1:
        raise SettingError(Note("governance.share", name="least_overlap", found=str(least_overlap)))
    a, b = hotspot_areas(earlier), hotspot_areas(later)
    overlap, apart = _closeness(a, b)
    linked: np.ndarray = np.asarray(overlap >= least_overlap, bool)
    lone_a, lone_b = np.asarray(~linked.any(axis=1)), np.asarray(~linked.any(axis=0))
    near = np.where(lone_a[:, None] & lone_b[None], apart, np.inf)
    for i in np.flatnonzero(lone_a):
        j = int(near[i].argmin()) if len(b) else 0
        if len(b) and near[i, j] <= distance_m and near[:, j].argmin() == i:
            linked[i, j] = True
    owner = _owners(linked, overlap, apart)
    old = None if former is None or not len(former) else hotspot_areas(former)
    there, gap = _closeness(old, b) if old is not None else (np.zeros((0, len(b))), np.full((0, len(b)), np.inf))
    rows, fresh = [], 0
    for j in range(len(b)):
        mine = np.flatnonzero(linked[:, j])
        row = _counts(a, b, mine, j, exposure)
        if len(mine):
            identity = a.index[owner[j]] if j in owner else None
            split = any(linked[i].sum() > 1 for i in mine)
            status = "merged" if len(mine) > 1 else "split" if split else _trend(row, level)
        else:
            near_old = [k for k in range(len(there)) if there[k, j] >= least_overlap or gap[k, j] <= distance_m]
            status, identity = ("new", None)
            if old is not None and near_old:
                status, identity = "back", old.index[max(near_old, key=lambda k: (there[k, j], -gap[k, j]))]
        if identity is None:
            fresh += 1
            identity = f"new {fresh}"
        best = max(mine, key=lambda i: overlap[i, j], default=None)
        rows.append(
            {
                "identity": identity,
                "status": status,
                "earlier": tuple(a.index[mine]),
                "later": b.index[j],
                "overlap": float(overlap[best, j]) if best is not None else 0.0,
                "distance_m": float(apart[best, j]) if best is not None else float("nan"),
                **row,
                "geometry": b.geometry.iloc[j],
            }
        )
    for gone in np.flatnonzero(~linked.any(axis=1)):
        row = {
            "count_before": _count(a, [int(gone)]),
            "count_after": float("nan"),
            "ratio": float("nan"),
            "p_value": float("nan"),
        }
        label = a.index[gone]
        where = {"earlier": (label,), "later": None, "overlap": 0.0, "distance_m": float("nan")}
        rows.append({"identity": label, "status": "gone", **where, **row, "geometry": a.geometry.iloc[gone]})
    columns = ["identity", "status", "earlier", "later", "overlap", "distance_m"]
    columns += ["count_before", "count_after", "ratio", "p_value", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=4326)


def _closeness(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Overlap (share of the smaller) and distance in metres, edge to edge, of every pair."""
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b))), np.full((len(a), len(b)), np.inf)
    bounds = np.vstack([a.total_bounds, b.total_bounds])
    crs = metric_crs((*bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)))
    x, y = (shapely.make_valid(v.to_crs(crs).geometry.to_numpy()) for v in (a, b))
    common = shapely.area(shapely.intersection(x[:, None], y[None]))
    smaller = np.minimum(shapely.area(x)[:, None], shapely.area(y)[None])
    return common / np.maximum(smaller, 1e-9), shapely.distance(x[:, None], y[None])


def _owners(linked: np.ndarray, overlap: np.ndarray, apart: np.ndarray) -> dict[int, int]:
    """Later → the earlier one whose identity it keeps; each identity goes to one, where they overlap most."""
    pairs = sorted(zip(*np.nonzero(linked), strict=True), key=lambda p: (-overlap[p], apart[p], p))
    owner: dict[int, int] = {}
    for i, j in pairs:
        if j not in owner and i not in owner.values():
            owner[int(j)] = int(i)
    return owner


def _count(areas: gpd.GeoDataFrame, rows: Iterable[int]) -> float:
    return float(areas["count"].iloc[list(rows)].sum()) if "count" in areas else float("nan")


def _counts(a: gpd.GeoDataFrame, b: gpd.GeoDataFrame, mine: np.ndarray, j: int, exposure: Sequence[float]) -> dict:
    before = _count(a, mine) if len(mine) else float("nan")
    after = _count(b, [j])
    row = {"count_before": before, "count_after": after, "ratio": float("nan"), "p_value": float("nan")}
    if len(mine) and before + after > 0:
        share = exposure[1] / (exposure[0] + exposure[1])
        row["p_value"] = float(binomial_p(np.array([after]), np.array([before + after]), share)[0])
        row["ratio"] = (after / before) * exposure[0] / exposure[1] if before else float("inf")
    return row


def _trend(row: Mapping[str, float], level: float) -> str:
    if not row["p_value"] <= level:
        return "persistent"
    return "worsening" if row["ratio"] > 1 else "fading"


# --------------------------------------------------------------------------------------------------
# hotspots over several times


@dataclass(frozen=True, repr=False)
class FollowedHotspots(ShortForm):
    """Hotspots that keep their identity over several times.

    Attributes
    ----------
    history : GeoDataFrame, EPSG:4326
        One row an identity and time in which it was there or ended: `identity, period, status, count, ratio, p_value`,
        geometry.
    now : GeoDataFrame indexed by identity
        As they stand at the last time: `status, first, last, times` (in how many it was a hotspot), `periods` since it
        was first there, `count` (of the last time it was a hotspot), geometry.
    params : dict
    """

    history: gpd.GeoDataFrame
    now: gpd.GeoDataFrame
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        found = ", ".join(f"{n} {status}" for status, n in self.now["status"].value_counts().items())
        return f"FollowedHotspots: {len(self.now)} over {len(self.params['periods'])} times; now {found}"


def follow_hotspots(
    hotspots: Mapping[str, Any], *, totals: Mapping[str, float] | None = None, **settings: Any
) -> FollowedHotspots:
    """Hotspots of several times, each with one identity: when it was first there, and what became of it.

    Parameters
    ----------
    hotspots : mapping from time to HotspotResult or GeoDataFrame of polygons
        In the order of time: {"2016-07": …, "2017-07": …, "2018-07": …}.
    totals : mapping from time to number, optional
        The territory's events, or the length of each time: "no change" then means the same share of them.
    settings
        Of `match_hotspots`: `distance_m, least_overlap, level`.

    Returns
    -------
    FollowedHotspots

    Raises
    ------
    InputError
        Fewer than two times.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from shapely import box
    >>> def areas(*west): return gpd.GeoDataFrame({"count": [30] * len(west)}, crs=4326,
    ...     geometry=[box(x, 0, x + 0.01, 0.01) for x in west])
    >>> found = follow_hotspots({"2016": areas(0, 0.1), "2017": areas(0), "2018": areas(0, 0.1)})
    >>> found.now[["status", "first", "times"]].values.tolist()
    [['persistent', '2016', 3], ['back', '2016', 2]]
    """
    if not isinstance(hotspots, Mapping):
        raise InputError(wrong_kind("hotspots", "by_period", hotspots))
    periods = [str(p) for p in hotspots]
    if len(periods) < 2:
        raise InputError(Note("governance.two_times", n=len(periods)))
    sizes = dict.fromkeys(periods, 1.0) if totals is None else {str(p): float(n) for p, n in totals.items()}
    current, former, fresh = None, None, 0
    rows: list[dict[str, Any]] = []
    for k, (period, found) in enumerate(zip(periods, hotspots.values(), strict=True)):
        areas = hotspot_areas(found)
        if current is None:
            table = areas.assign(identity=None, status="new", ratio=np.nan, p_value=np.nan)
            table["count"] = areas["count"].astype(float) if "count" in areas else np.nan
        else:
            exposure = (sizes[periods[k - 1]], sizes[period])
            table = match_hotspots(current, areas, former=former, exposure=exposure, **settings)
            table["count"] = table["count_after"]
            table.loc[[str(i).startswith("new ") for i in table["identity"]], "identity"] = None
        identities = []
        for identity in table["identity"]:
            fresh += bool(pd.isna(identity))
            identities.append(str(fresh) if pd.isna(identity) else str(identity))
        table = table.assign(identity=identities, period=period)
        kept = ["identity", "period", "status", "count", "ratio", "p_value", "geometry"]
        rows += table[kept].to_dict("records")
        there = table[table["status"] != "gone"].set_index("identity")
        ended = table[table["status"] == "gone"].set_index("identity")
        if former is not None:
            ended = pd.concat([former[~former.index.isin([*there.index, *ended.index])], ended[["geometry"]]])
        former = gpd.GeoDataFrame(ended[["geometry"]], geometry="geometry", crs=4326)
        current = gpd.GeoDataFrame(there[["count", "geometry"]], geometry="geometry", crs=4326)
    history = gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=4326)
    history = history.drop_duplicates(["identity", "period"], ignore_index=True)
    return FollowedHotspots(history, _standing(history, periods), {"periods": periods, **settings})


def _standing(history: gpd.GeoDataFrame, periods: list[str]) -> gpd.GeoDataFrame:
    """The last that is known of each identity."""
    rows = []
    for identity, own in history.groupby("identity", sort=False):
        seen = own[own["status"] != "gone"]
        last = own.iloc[-1]
        status = last["status"] if last["period"] == periods[-1] else "gone"
        since = len(periods) - 1 - periods.index(str(seen["period"].iloc[0]))
        rows.append(
            {
                "identity": identity,
                "status": status,
                "first": seen["period"].iloc[0],
                "last": seen["period"].iloc[-1],
                "times": len(seen),
                "periods": since,
                "count": float(seen["count"].iloc[-1]),
                "geometry": seen.geometry.iloc[-1],
            }
        )
    return gpd.GeoDataFrame(pd.DataFrame(rows).set_index("identity"), geometry="geometry", crs=4326)


# --------------------------------------------------------------------------------------------------
# the register


@dataclass(frozen=True, repr=False)
class NamedArea(ShortForm):
    """One area that was named for remediation.

    Attributes
    ----------
    id : str
    name : str
        Of the place.
    named_by : str
        The unit or body; never a person.
    named_on : date
    category : str
        What it was named for.
    measures : tuple of str
    target : str
    review_on, sunset_on : date or None
        When it is to be looked at again; when the naming ends by itself.
    struck_off_on : date or None
    struck_off_by, evidence : str
        The body that struck it off, and by what.
    area : str
        WKT in EPSG:4326, empty where it is not drawn.
    alternatives : mapping
        Field → other values, kept when two copies were merged that differed.
    """

    id: str
    name: str
    named_by: str
    named_on: dt.date
    category: str = ""
    measures: tuple[str, ...] = ()
    target: str = ""
    review_on: dt.date | None = None
    sunset_on: dt.date | None = None
    struck_off_on: dt.date | None = None
    struck_off_by: str = ""
    evidence: str = ""
    area: str = ""
    alternatives: Mapping[str, tuple] = field(default_factory=dict)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        until = f"struck off on {self.struck_off_on}" if self.struck_off_on else f"{len(self.measures)} measures"
        return f"NamedArea {self.id} {self.name!r}: {self.category or 'all kinds'}, named on {self.named_on}, {until}"

    def __post_init__(self):
        object.__setattr__(self, "measures", tuple(self.measures))
        kept = {k: tuple(v) for k, v in sorted(self.alternatives.items()) if v}
        object.__setattr__(self, "alternatives", kept)

    def status(self, on: dt.date) -> str:
        """At a day: "struck off", "ended" (past its sunset), "overdue" (past its review), else "active"."""
        if self.struck_off_on is not None and self.struck_off_on <= on:
            return "struck off"
        if self.sunset_on is not None and self.sunset_on <= on:
            return "ended"
        return "overdue" if self.review_on is not None and self.review_on < on else "active"


_DATES = ("named_on", "review_on", "sunset_on", "struck_off_on")
_FIELDS = tuple(f.name for f in fields(NamedArea))
_OWN = tuple(name for name in _FIELDS if name not in ("id", "alternatives"))


def _as_date(value: Any, where: str) -> dt.date | None:
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise InputError(Note("governance.register_date", where=where, found=str(value))) from None


def _refuse_persons(value: str, where: str) -> None:
    if personal_columns([("by", [value])]) or (reads_as_name(value) and not value.endswith(UNIT_ENDS)):
        raise InputError(Note("governance.register_person", where=where, found="…"))


def _area_from(row: Any, number: int) -> NamedArea:
    """One entry of the file, checked."""
    if not isinstance(row, Mapping):
        raise InputError(Note("governance.register_entry", number=number, found=type(row).__name__))
    unknown = next((str(k) for k in row if k not in _FIELDS), None)
    if unknown is not None:
        raise InputError(
            Note("governance.register_field", number=number, found=unknown, meant=did_you_mean(unknown, _FIELDS))
        )
    for name in ("id", "name", "named_by", "named_on"):
        if row.get(name) in (None, ""):
            raise InputError(Note("governance.register_lacks", number=number, name=name))
    values: dict[str, Any] = {}
    for name in _FIELDS:
        value = row.get(name)
        if name in _DATES:
            values[name] = _as_date(value, f"{row['id']}.{name}")
        elif name == "measures":
            values[name] = tuple(str(v) for v in ([value] if isinstance(value, str) else value or ()))
        elif name == "alternatives":
            other = value or {}
            values[name] = {k: tuple(_alternative(k, v) for v in vs) for k, vs in other.items() if k in _OWN}
        else:
            values[name] = "" if value is None else str(value)
    one = NamedArea(**values)
    _check_area(one)
    return one


def _alternative(name: str, value: Any) -> Any:
    if name in _DATES:
        return _as_date(value, name)
    return tuple(str(v) for v in value or ()) if name == "measures" else "" if value is None else str(value)


def _check_area(one: NamedArea) -> None:
    for name in ("named_by", "struck_off_by"):
        if getattr(one, name):
            _refuse_persons(getattr(one, name), f"{one.id}.{name}")
    for name in ("review_on", "sunset_on", "struck_off_on"):
        day = getattr(one, name)
        if day is not None and day < one.named_on:
            raise InputError(Note("governance.register_order", id=one.id, name=name, day=day.isoformat()))
    if one.struck_off_on is not None and not one.evidence:
        raise InputError(Note("governance.register_evidence", id=one.id))
    if one.area:
        try:
            shape = shapely.from_wkt(one.area)
        except shapely.errors.ShapelyError:
            shape = None
        if shape is None or shape.is_empty or not shape.area > 0:
            raise InputError(Note("governance.register_area", id=one.id, found=one.area[:40]))
        west, south, east, north = shape.bounds
        if not (west >= -180 and east <= 180 and south >= -90 and north <= 90):
            raise InputError(Note("governance.register_degrees", id=one.id, found=f"{west:g}, {south:g}"))


@dataclass(frozen=True, repr=False)
class Register(ShortForm):
    """The areas that were named, in a file of its own.

    Attributes
    ----------
    areas : tuple of NamedArea
        In the order of their ids; no two of one id.
    revision : int
        One more with each writing.
    digest : str
        Of what the file held when it was read; writing over a file that another has changed since is refused.
    """

    areas: tuple[NamedArea, ...] = ()
    revision: int = 0
    digest: str = ""

    def __post_init__(self):
        areas = tuple(sorted(self.areas, key=lambda one: one.id))
        twice = next((a.id for a, b in pairwise(areas) if a.id == b.id), None)
        if twice is not None:
            raise InputError(Note("governance.register_twice", id=twice))
        object.__setattr__(self, "areas", areas)

    def __len__(self) -> int:
        return len(self.areas)

    def __getitem__(self, key: str) -> NamedArea:
        for one in self.areas:
            if one.id == key:
                return one
        raise InputError(Note("governance.register_no_id", found=str(key), meant=did_you_mean(str(key), self.ids)))

    @property
    def ids(self) -> list[str]:
        """Of all areas."""
        return [one.id for one in self.areas]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        gone = sum(one.struck_off_on is not None for one in self.areas)
        return f"Register: {len(self.areas)} areas, {gone} struck off, revision {self.revision}"

    @classmethod
    def read(cls, path: str | Path) -> "Register":
        """The register of a file; a file that is not there yet is an empty register.

        Parameters
        ----------
        path : str or Path
            YAML: `gridmap_register: 1`, `revision`, and `areas`, each with `id, name, named_by, named_on` and what else
            `NamedArea` has.

        Returns
        -------
        Register

        Raises
        ------
        ReadError
            If it is not such a file, or of a later form.
        InputError
            If an entry cannot be: a field or a date that is not known, an id twice, struck off without evidence or
            before it was named, a person in the place of a unit.
        """
        path = Path(path)
        if not path.exists():
            return cls()
        try:
            text = path.read_text(encoding="utf-8")
            data = yaml.safe_load(text)
        except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: not UTF-8, or a day such as 2024-13-01
            why = str(error).splitlines()[0]
            raise ReadError(Note("governance.register_unreadable", path=str(path), why=why)) from None
        if not isinstance(data, Mapping) or data.get("gridmap_register") != FORM:
            found = data.get("gridmap_register") if isinstance(data, Mapping) else None
            raise ReadError(Note("governance.register_form", path=str(path), form=FORM, found=str(found)))
        rows, revision = data.get("areas") or [], data.get("revision", 0)
        if not isinstance(rows, list) or not isinstance(revision, int):
            raise ReadError(Note("governance.register_form", path=str(path), form=FORM, found=str(data)[:40]))
        areas = tuple(_area_from(row, k + 1) for k, row in enumerate(rows))
        return cls(areas, revision, sha256_of_text(text))

    def write(self, path: str | Path) -> "Register":
        """Write it, whole or not at all, as the next revision; what was read is what is written over.

        Returns
        -------
        Register
            As it stands in the file now.

        Raises
        ------
        OutputError
            If the file has changed since it was read: read it again and `merge`.
        """
        path = Path(path)
        there = sha256_of(path) if path.exists() else ""
        if there != self.digest:
            raise OutputError(Note("governance.register_changed", path=str(path)))
        rows = [_plain(one) for one in self.areas]
        data = {"gridmap_register": FORM, "revision": self.revision + 1, "areas": rows}
        text = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=10_000)
        write_text(path, text, message=lambda why: Note("read.cannot_write", path=path, why=why))
        return replace(self, revision=self.revision + 1, digest=sha256_of_text(text))

    def add(self, name: str, *, named_by: str, named_on: Any, area: Any = None, **more: Any) -> "Register":
        """The register with one area more; its id is made of what it is, so that two people never make one for two.

        Parameters
        ----------
        name, named_by, named_on
            As in `NamedArea`.
        area : polygon or WKT, optional
        more
            Other fields of `NamedArea`.
        """
        wkt = area if isinstance(area, str) else "" if area is None else shapely.to_wkt(area, rounding_precision=6)
        day = _as_date(named_on, "named_on")
        key = sha256_of_text(json_text([name, named_by, str(day), more.get("category", ""), wkt]))
        row = {"id": f"{day}-{key[:6]}", "name": name, "named_by": named_by, "named_on": day, "area": wkt, **more}
        return replace(self, areas=(*self.areas, _area_from(row, len(self.areas) + 1)))

    def change(self, key: str, **values: Any) -> "Register":
        """The register with some fields of one area changed; a field that is set has no alternatives any more."""
        one = self[key]
        kept = {k: v for k, v in one.alternatives.items() if k not in values}
        row = {name: getattr(one, name) for name in _FIELDS} | {"alternatives": kept} | values
        new = _area_from(row, self.ids.index(key) + 1)
        return replace(self, areas=tuple(new if other.id == key else other for other in self.areas))

    def strike_off(self, key: str, *, on: Any, by: str, evidence: str) -> "Register":
        """The register with one area struck off, by which body and by what evidence."""
        one = self[key]
        if one.struck_off_on is not None:
            raise InputError(Note("governance.struck_off_already", id=key, day=one.struck_off_on.isoformat()))
        return self.change(key, struck_off_on=on, struck_off_by=by, evidence=evidence)

    def to_frame(self, on: Any = None) -> gpd.GeoDataFrame:
        """One row an area, by id: its fields, `status` and `days` since it was named, at a day (today by default)."""
        day = _as_date(on, "on") or dt.date.today()
        rows = [
            {name: getattr(one, name) for name in _FIELDS if name not in ("area", "alternatives")}
            | {"status": one.status(day), "days": (day - one.named_on).days}
            for one in self.areas
        ]
        shapes = [shapely.from_wkt(one.area) if one.area else None for one in self.areas]
        columns = [n for n in _FIELDS if n not in ("area", "alternatives")] + ["status", "days"]
        frame = pd.DataFrame(rows, columns=columns)
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, crs=4326), crs=4326).set_index("id")

    def due(self, on: Any = None, *, within_days: int = 30) -> pd.DataFrame:
        """Reviews and sunsets that come, before they pass, and reviews that have passed; the earliest first.

        Returns
        -------
        DataFrame
            `id, name, what` (review, sunset), `day, days_left` (negative: passed).
        """
        today = _as_date(on, "on") or dt.date.today()
        rows = []
        for one in self.areas:
            if one.status(today) in ("struck off", "ended"):
                continue
            for what, day in (("review", one.review_on), ("sunset", one.sunset_on)):
                if day is not None and (day - today).days <= within_days:
                    rows.append((one.id, one.name, what, day, (day - today).days))
        found = pd.DataFrame(rows, columns=["id", "name", "what", "day", "days_left"])
        return found.sort_values(["day", "id", "what"], ignore_index=True)

    def compare(self, hotspots: Any, *, on: Any = None, **settings: Any) -> tuple[gpd.GeoDataFrame, list[Note]]:
        """What became of the named areas in the hotspots of now, and what the meeting must hear of it.

        Parameters
        ----------
        hotspots : HotspotResult or GeoDataFrame
        on : date
            Of now; today by default.
        settings
            Of `match_hotspots`.

        Returns
        -------
        (GeoDataFrame, list of Note)
            `match_hotspots` of the areas that are not struck off, with the struck off as `former`; a sentence for each
            struck-off area that came back.
        """
        frame = self.to_frame(on)
        drawn = frame[frame.geometry.notna()]
        closed = drawn["status"].isin(["struck off", "ended"])
        found = match_hotspots(drawn[~closed], hotspots, former=drawn[closed], **settings)
        notes = []
        for key in found.loc[found["status"] == "back", "identity"]:
            one = self[key]
            day = one.struck_off_on or one.sunset_on
            values = {"name": one.name, "day": day.isoformat() if day else "", "evidence": one.evidence}
            notes.append(Note("governance.came_back", **values))
        return found, notes

    def merge(self, other: "Register", base: "Register | None" = None) -> tuple["Register", list[Note]]:
        """Two copies that were edited apart, as one, without loss.

        With `base`, the copy that both came from, what only one of them changed is taken. Where both changed the same
        field, or without `base` both differ, one value stands (an empty one never against another), the other is kept
        in `alternatives`, and a note says so. An area is never taken out by merging: it is struck off, or it stays. Two
        areas that were given one id apart from each other are both kept.

        Returns
        -------
        (Register, list of Note)
            The same whichever of the two is merged into the other.
        """
        for copy in (other,) if base is None else (other, base):
            if not isinstance(copy, Register):
                raise InputError(Note("governance.no_register", found=type(copy).__name__))
        mine, theirs = ({one.id: one for one in r.areas} for r in (self, other))
        was = {one.id: one for one in base.areas} if base is not None else {}
        areas: list[NamedArea] = []
        notes: list[Note] = []
        for key in sorted({*mine, *theirs, *was}):
            a, b, old = mine.get(key), theirs.get(key), was.get(key)
            if a is None or b is None:
                areas.append(next(one for one in (a, b, old) if one is not None))
            elif old is None and a.name != b.name and a.named_on != b.named_on:
                first, second = sorted((a, b), key=lambda one: _key(_plain(one)))
                areas += [first, replace(second, id=f"{key}~{_key(_plain(second))[:4]}")]
                notes.append(Note("governance.merged_same_id", id=key))
            else:
                one, differing = _merged(a, b, old)
                areas.append(one)
                notes += [Note("governance.merged_both", id=key, field=name) for name in differing]
        # A digest of the file that is on the disk: of the copy that was read last.
        newer = max((self, other), key=lambda r: (r.revision, r.digest))
        return Register(tuple(areas), newer.revision, newer.digest), notes


def _plain(one: NamedArea) -> dict[str, Any]:
    """As it stands in the file: empty fields left out."""
    row = {name: getattr(one, name) for name in _FIELDS}
    row["measures"] = list(one.measures)
    listed = {k: [list(v) if isinstance(v, tuple) else v for v in vs] for k, vs in one.alternatives.items()}
    row["alternatives"] = listed
    return {k: v for k, v in row.items() if v not in (None, "", [], {})}


def _key(value: Any) -> str:
    return sha256_of_text(json_text(value, indent=None))


def _empty(value: Any) -> bool:
    return value in (None, "", ())


def _merged(a: NamedArea, b: NamedArea, old: NamedArea | None) -> tuple[NamedArea, list[str]]:
    """One area of two copies, and the fields in which both differ."""
    values, others, differing = {}, {}, []
    for name in _OWN:
        x, y = getattr(a, name), getattr(b, name)
        kept = {*a.alternatives.get(name, ()), *b.alternatives.get(name, ())}
        before = getattr(old, name) if old is not None else None
        if x == y or (old is not None and y == before):
            value = x
        elif old is not None and x == before:
            value = y
        elif _empty(x) or _empty(y):
            value = y if _empty(x) else x
        else:
            value = max((x, y), key=str)
            kept |= {x, y}
            differing.append(name)
        values[name] = value
        kept -= {value}
        if kept:
            others[name] = tuple(sorted(kept, key=str))
    return NamedArea(id=a.id, **values, alternatives=others), differing


# --------------------------------------------------------------------------------------------------
# what the meeting hears of it


@dataclass(frozen=True, repr=False)
class WatchedAreas(ShortForm):
    """The named areas as they stand at a day.

    Attributes
    ----------
    areas : GeoDataFrame indexed by id, EPSG:4326
        `name, category, named_by, named_on, measures, target, review_on, sunset_on, struck_off_on, evidence`,
        `standing` (one of `STANDINGS`), `days` since it was named, `became` (what its hotspot is now, one of
        `STATUSES`; empty where that was not looked at), geometry.
    due : DataFrame
        As `Register.due`: reviews and sunsets before they pass, and reviews that have passed.
    unnamed : int or None
        Hotspots of now that lie in no named area; None where there were none to compare with.
    notes : tuple of Note
        What the meeting must hear: what came back, what is due.
    params : dict
    """

    areas: gpd.GeoDataFrame
    due: pd.DataFrame
    unnamed: int | None
    notes: tuple[Note, ...]
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        found = ", ".join(f"{n} {one}" for one, n in self.areas["standing"].value_counts().items())
        return f"WatchedAreas: {len(self.areas)} named areas, {found or 'none'}; {len(self.due)} dates due"


def watch_areas(
    register: Register, hotspots: Any = None, *, on: Any = None, within_days: int = 60, **settings: Any
) -> WatchedAreas:
    """How the named areas stand: their age, what is due, what became of each, and which struck-off area is back.

    Parameters
    ----------
    register : Register
    hotspots : HotspotResult, GeoDataFrame, or mapping from category to these, optional
        Of now. With a mapping, the areas of each category are held against the hotspots of their own.
    on : date, optional
        Today by default.
    within_days : int
        Reviews and sunsets that come within so many days are listed.
    settings
        Of `match_hotspots`.

    Returns
    -------
    WatchedAreas

    Examples
    --------
    >>> from shapely import box
    >>> one = Register().add("Old town", named_by="County office", named_on="2026-01-10", area=box(0, 0, 0.01, 0.01),
    ...     review_on="2026-07-01")
    >>> found = watch_areas(one, on="2026-06-15")
    >>> found, found.notes[0].say()
    (<WatchedAreas: 1 named areas, 1 active; 1 dates due>, 'Old town: review on 2026-07-01, in 16 days.')
    """
    if not isinstance(register, Register):
        raise InputError(wrong_kind("register", "register", register))
    day = _as_date(on, "on") or dt.date.today()
    frame = register.to_frame(day)
    due = register.due(day, within_days=within_days)
    frame = frame.rename(columns={"status": "standing"})
    frame["became"] = ""
    notes: list[Note] = []
    unnamed = None
    kinds = hotspots if isinstance(hotspots, Mapping) else {} if hotspots is None else {None: hotspots}
    for kind, hot in kinds.items():
        own = replace(register, areas=tuple(a for a in register.areas if kind is None or a.category == kind))
        found, back = own.compare(hot, on=day, **settings)
        notes += back
        became = found[found["identity"].isin(frame.index)].drop_duplicates("identity").set_index("identity")["status"]
        frame.loc[became.index, "became"] = became
        for later in found["earlier"]:  # of several areas that became one hotspot, each was merged
            if len(later) > 1:
                frame.loc[[key for key in later if not frame.loc[key, "became"]], "became"] = "merged"
        frame.loc[frame["became"] == "back", "standing"] = "back"
        unnamed = (unnamed or 0) + int((found["status"] == "new").sum())
    for name, what, when, left in zip(*(due[c].tolist() for c in ("name", "what", "day", "days_left")), strict=True):
        code = "governance.due_review" if what == "review" else "governance.due_sunset"
        code = "governance.review_passed" if left < 0 else code
        notes.append(Note(code, name=name, day=when.isoformat(), days=abs(int(left))))
    params = {"on": day.isoformat(), "within_days": within_days, **settings}
    return WatchedAreas(frame, due, unnamed, tuple(notes), params)
