"""Which streets: counts, rates and hotspots on street segments, and how few of them hold half of the incidents.

Crime sits on streets, and on few of them: in city after city about half of it on about 5 % of the segments
(Weisburd 2015). Cells cut streets apart; here the street segment between two junctions is the unit. Incidents
are snapped to the nearest segment within a stated distance, the rest is counted as off the network.

References
----------
Weisburd (2015), Criminology 53, 133–157. Xie & Yan (2008), Computers, Environment and Urban Systems 32, 396–406.
Okabe, Satoh & Sugihara (2009), International Journal of Geographical Information Science 23, 7–32.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import shapely.ops
from scipy.sparse import coo_array

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError
from gridmap.hotspots.gi_star import getis_ord
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note
from gridmap.patrol.network import Network, dijkstra
from gridmap.patrol.point_inputs import check_number

__all__ = ["Concentration", "street_concentration", "street_counts", "street_density", "street_hotspots"]


def street_counts(incidents, network: Network) -> gpd.GeoDataFrame:
    """Incidents on each street segment, zeros kept.

    Parameters
    ----------
    incidents : GeoDataFrame of points, `Incidents`, or lon, lat
    network : Network

    Returns
    -------
    GeoDataFrame in EPSG:4326, indexed by `cell_id` ("s0", "s1", …)
        `count, length_m, rate_per_km` (incidents a kilometre), `road`, the street's `name` where known, `geometry`.
        `.attrs` has `rows` and `outside` (no street within `network.max_snap_m`); count.sum() + outside == rows.

    Examples
    --------
    >>> from gridmap.patrol.network import build_network
    >>> roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (0.01, 0)])], crs=4326)
    >>> street_counts([(0.002, 0.0001), (0.5, 0.5)], build_network(roads)).attrs
    {'rows': 2, 'outside': 1}
    """
    if not isinstance(network, Network):
        raise InputError(Note("patrol.streets_needed"))
    points = incidents.to_geodataframe() if hasattr(incidents, "to_geodataframe") else incidents
    segment = network.snap(points)["segment"].to_numpy()
    table = network.edges
    count = np.bincount(segment[segment >= 0], minlength=len(table)).astype(np.int64)
    rate = count / (table["length_m"].to_numpy() / 1000)
    kept = [c for c in ("length_m", "road", "road_id", "name", "highway", "geometry") if c in table]
    result = table[kept].assign(count=count, rate_per_km=rate)
    result.index = pd.Index([f"s{i}" for i in range(len(table))], name="cell_id")
    result.attrs = {"rows": len(segment), "outside": int((segment < 0).sum())}
    return result


def street_hotspots(incidents, network: Network, *, order: int = 1, fdr: float | None = 0.05) -> HotspotResult:
    """Hot and cold streets: Gi* of incidents a kilometre over segments that meet.

    Parameters
    ----------
    incidents : GeoDataFrame of points, `Incidents`, or lon, lat
    network : Network
    order : int
        Neighbours are the segments within so many junctions.
    fdr : float or None
        As in `getis_ord`.

    Returns
    -------
    HotspotResult
        With one row a segment: `count, length_m, rate_per_km, z_score, p_value, q_value, label, geometry`.

    Examples
    --------
    >>> import libpysal, gridmap as gm
    >>> network = gm.build_network(gm.read_roads(libpysal.examples.get_path("streets.shp")))
    >>> crimes = gpd.read_file(libpysal.examples.get_path("crimes.shp"))
    >>> street_hotspots(crimes, network).cells["count"].sum()
    np.int64(287)
    """
    counts = street_counts(incidents, network)
    u, v, n = network.segments["u"].to_numpy(), network.segments["v"].to_numpy(), len(counts)
    ends = coo_array((np.ones(2 * n), (np.tile(np.arange(n), 2), np.r_[u, v])), shape=(n, len(network.nodes))).tocsr()
    touch = (ends @ ends.T).tocsr()
    touch.setdiag(0)
    touch.eliminate_zeros()
    touch.data[:] = 1
    found = getis_ord(counts["count"], touch, order=order, fdr=fdr, population=counts["length_m"] / 1000)
    extra = found.cells.drop(columns=[c for c in counts.columns if c in found.cells])
    cells = counts.join(extra.set_axis(counts.index))
    off, rows = counts.attrs["outside"], counts.attrs["rows"]
    note = Note("patrol.far_from_streets", off=off, rows=rows, limit=network.max_snap_m)
    return HotspotResult(
        cells,
        "street_hotspots",
        {"order": order, "fdr": fdr, "null": "length", "max_snap_m": network.max_snap_m},
        notes=(*found.notes, *network.notes, note),
    )


@dataclass(frozen=True, repr=False)
class Concentration(ShortForm):
    """How few streets hold how many incidents.

    Attributes
    ----------
    share : float
        Least share of the street segments that hold `of` of the incidents.
    low, high : float
        Interval of `share`, over samples of the incidents drawn with replacement.
    of : float
    curve : DataFrame
        `streets, incidents`: cumulative shares, busiest streets first.
    expected : float
        The share if incidents fell by chance, in proportion to length: with few incidents even chance is concentrated.
    """

    share: float
    low: float
    high: float
    of: float
    curve: pd.DataFrame
    expected: float

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"Concentration: {self.of:.0%} of the incidents on {self.share:.1%} of {len(self.curve):,} segments "
            f"({self.low:.1%} to {self.high:.1%}); by chance {self.expected:.1%}"
        )

    def __str__(self) -> str:
        return self.say()

    def say(self, language: str = "en") -> str:
        """The finding as a sentence, in a language."""
        values = {"share": self.share, "of": self.of, "low": self.low, "high": self.high, "expected": self.expected}
        return Note("patrol.concentration", **values).say(language)


def street_concentration(
    counts: pd.DataFrame, *, of: float = 0.5, level: float = 0.95, samples: int = 999, random_state=None
) -> Concentration:
    """Which share of the streets holds half of the incidents, with an interval and against chance.

    Parameters
    ----------
    counts : DataFrame, as from `street_counts`
    of : float
        Share of the incidents.
    level : float
        Of the interval.
    samples : int
    random_state : int or Generator, optional

    Returns
    -------
    Concentration

    Examples
    --------
    >>> table = pd.DataFrame({"count": [6, 2, 2, 0, 0, 0, 0, 0, 0, 0], "length_m": 100.0})
    >>> street_concentration(table, random_state=0).share
    0.1
    """
    of, level = check_number(of, "of", most=1), check_number(level, "level", most=0.9999)
    samples = int(check_number(samples, "samples", least=10, most=1_000_000, above=False))
    if not isinstance(counts, pd.DataFrame) or not {"count", "length_m"} <= set(counts.columns):
        raise InputError(Note("patrol.concentration_columns"))
    values = counts["count"].to_numpy(np.int64)
    total = int(values.sum())
    if total == 0:
        raise InputError(Note("patrol.nothing_concentrated"))
    rng = np.random.default_rng(random_state)

    def least(x):
        held = np.cumsum(np.sort(x)[::-1])
        return float((np.searchsorted(held, of * total - 1e-9) + 1) / len(x))

    again = [least(rng.multinomial(total, values / total)) for _ in range(samples)]
    length = counts["length_m"].to_numpy(float)
    chance = [least(rng.multinomial(total, length / length.sum())) for _ in range(samples)]
    tail = (1 - level) / 2
    low, high = np.quantile(again, [tail, 1 - tail])
    share = least(values)
    # drawing again can only lose streets with one incident: the samples lie below what was seen, so turn them round it
    low, high = min(share, 2 * share - high), max(share, 2 * share - low)
    held = np.cumsum(np.sort(values)[::-1]) / total
    curve = pd.DataFrame({"streets": np.arange(1, len(values) + 1) / len(values), "incidents": held})
    return Concentration(
        share, float(max(low, 1 / len(values))), float(min(high, 1.0)), of, curve, float(np.mean(chance))
    )


def street_density(incidents, network: Network, *, bandwidth_m: float = 300, piece_m: float = 50) -> gpd.GeoDataFrame:
    """Kernel density along the streets: incidents a kilometre, at the middle of short pieces of street.

    Distances are the shortest way along the streets, whatever the direction they may be driven in. The kernel is
    quartic; at a junction it goes on into every street with its full height (Xie & Yan 2008), so near junctions the
    density sums to more than the incidents.

    Parameters
    ----------
    incidents : GeoDataFrame of points, `Incidents`, or lon, lat
    network : Network
    bandwidth_m : float
    piece_m : float
        Streets are cut into pieces of about this length.

    Returns
    -------
    GeoDataFrame in EPSG:4326
        `segment, length_m, intensity` (incidents a kilometre), `geometry`; `.attrs` has `rows, outside`.

    Examples
    --------
    >>> from gridmap.patrol.network import build_network
    >>> roads = gpd.GeoDataFrame(geometry=[shapely.LineString([(0, 0), (0.02, 0)])], crs=4326)
    >>> density = street_density([(0.01, 0)], build_network(roads), bandwidth_m=300, piece_m=20)
    >>> round(float((density["intensity"] * density["length_m"] / 1000).sum()), 2)
    1.0
    """
    bandwidth_m, piece_m = check_number(bandwidth_m, "bandwidth_m"), check_number(piece_m, "piece_m", least=1)
    if not isinstance(network, Network):
        raise InputError(Note("patrol.streets_needed"))
    points = incidents.to_geodataframe() if hasattr(incidents, "to_geodataframe") else incidents
    table = network.segments
    u, v, length = table["u"].to_numpy(), table["v"].to_numpy(), table["length_m"].to_numpy()
    n = len(table)
    order = np.argsort(np.r_[u, v], kind="stable")  # both directions, one-way or not: a place is near both ways
    start = np.r_[0, np.cumsum(np.bincount(np.r_[u, v], minlength=len(network.nodes)))].astype(np.int64)
    to, cost = np.r_[v, u][order].astype(np.int64), np.r_[length, length][order]
    parts = np.maximum(1, np.round(length / piece_m)).astype(int)
    owner = np.repeat(np.arange(n), parts)
    nth = np.arange(len(owner)) - np.repeat(np.r_[0, np.cumsum(parts)[:-1]], parts)
    middle = (nth + 0.5) / parts[owner] * length[owner]
    snapped = network.snap(points)
    on = snapped["segment"].to_numpy() >= 0
    everything, value = np.ones(len(network.nodes), bool), np.zeros(len(owner))
    for segment, share in zip(snapped["segment"].to_numpy()[on], snapped["share"].to_numpy()[on], strict=True):
        at = share * length[segment]
        seeds = np.array([u[segment], v[segment]], np.int64)
        far, _ = dijkstra(start, to, cost, seeds, np.array([at, length[segment] - at]), everything, bandwidth_m)
        away = np.minimum(far[u[owner]] + middle, far[v[owner]] + length[owner] - middle)
        own = owner == segment
        away[own] = np.minimum(away[own], np.abs(middle[own] - at))
        near = away < bandwidth_m
        value[near] += 15 / 16 / bandwidth_m * (1 - (away[near] / bandwidth_m) ** 2) ** 2
    shapes = table["shape"].to_numpy()
    lines = [
        shapely.ops.substring(shapes[s], k / parts[s], (k + 1) / parts[s], normalized=True)
        for s, k in zip(owner, nth, strict=True)
    ]
    result = gpd.GeoDataFrame(
        {"segment": owner, "length_m": length[owner] / parts[owner], "intensity": value * 1000},
        geometry=network._degrees(np.array(lines, dtype=object)),
        crs=4326,
    )
    result.attrs = {"rows": len(on), "outside": int((~on).sum()), "bandwidth_m": bandwidth_m}
    return result
