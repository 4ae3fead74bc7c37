"""The way itself, not only its length: which streets a unit takes from stop to stop."""

import numpy as np
import shapely
import shapely.ops

from gridmap.patrol.shortest import search

__all__ = ["trace"]


def trace(network, snapped, legs: list) -> list:
    """The fastest way of each leg as a LineString in EPSG:4326, None where there is none.

    Parameters
    ----------
    network : Network
    snapped : DataFrame, as from `Network.snap`
    legs : list of (int, int)
        Rows of `snapped`: from, to.
    """
    rows = list(snapped.itertuples(index=False))
    start, to, cost, segment, forward = network._graph("time")
    arc_from = np.repeat(np.arange(len(start) - 1), np.diff(start))
    along, back = network._costs("time")
    u, v = network.segments["u"].to_numpy(), network.segments["v"].to_numpy()
    shapes = network.segments["shape"].to_numpy()
    found: list = [None] * len(legs)
    for origin in sorted({a for a, _ in legs}):
        a = rows[origin]
        if a.segment < 0:
            continue
        mine = [i for i, leg in enumerate(legs) if leg[0] == origin and rows[leg[1]].segment >= 0]
        wanted = np.zeros(len(network.nodes), bool)
        for i in mine:
            wanted[[u[rows[legs[i][1]].segment], v[rows[legs[i][1]].segment]]] = True
        nodes, costs = network._seeds(a, "time")
        reached, by_arc = search(start, to, cost, nodes, costs, wanted, np.inf)
        for i in mine:
            b = rows[legs[i][1]]
            s = b.segment
            enter = [
                reached[u[s]] + (along[s] * b.share if b.share > 0 else 0.0),
                reached[v[s]] + (back[s] * (1 - b.share) if b.share < 1 else 0.0),
            ]
            direct = np.inf
            if a.segment == s:
                way = along[s] if b.share > a.share else back[s]
                direct = 0.0 if a.share == b.share else way * abs(b.share - a.share)
            if direct <= min(enter):
                pieces = [_part(shapes[s], a.share, b.share)]
            elif not np.isfinite(min(enter)):
                continue
            else:
                node = u[s] if enter[0] <= enter[1] else v[s]
                pieces = [_part(shapes[s], 0.0 if enter[0] <= enter[1] else 1.0, b.share)]
                while by_arc[node] >= 0:
                    arc = by_arc[node]
                    line = shapes[segment[arc]]
                    pieces.append(line if forward[arc] else shapely.reverse(line))
                    node = arc_from[arc]
                at_u = node == u[a.segment] and (node != v[a.segment] or costs[0] <= costs[1])
                pieces.append(_part(shapes[a.segment], a.share, 0.0 if at_u else 1.0))
            found[i] = _joined(pieces[::-1], network)
    return found


def _part(line, a: float, b: float):
    """The piece of a line from share a to share b, in that direction."""
    piece = shapely.ops.substring(line, min(a, b), max(a, b), normalized=True)
    return shapely.reverse(piece) if a > b else piece


def _joined(pieces, network):
    xy = np.vstack([shapely.get_coordinates(p) for p in pieces])
    keep = np.r_[True, np.abs(np.diff(xy, axis=0)).max(axis=1) > 1e-6]
    xy = xy[keep] if keep.sum() > 1 else np.vstack([xy[:1], xy[:1]])
    return network._degrees(np.array([shapely.LineString(xy)]))[0]
