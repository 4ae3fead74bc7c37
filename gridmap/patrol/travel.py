"""Travel between the places, by each kind of unit, as the arrays that the search reads."""

from collections.abc import Mapping

import numpy as np

from gridmap.errors import InputError
from gridmap.messages import did_you_mean
from gridmap.patrol.graph import build_network
from gridmap.patrol.network import Network
from gridmap.patrol.points import lonlat

__all__ = ["Travel"]


class Travel:
    """Seconds between places, and between places and depots.

    Attributes
    ----------
    networks : list, one a kind of unit
    kind : int (units,)
    between : float (kinds, places, places)
    out, back : float (units, places)
        From and to the depot; zeros for a unit without one, inf where its kind cannot go.
    stranded : list of int
        Units whose depot is off the network.
    """

    def __init__(self, places, crew, network):
        kinds = list(dict.fromkeys(crew.kind)) or ["car"]
        self.notes: list[str] = []
        self.networks = [self._network(network, kind) for kind in kinds]
        self.kind = np.array([kinds.index(k) for k in crew.kind], dtype=np.int64)
        self.points = lonlat(places, "the hotspots")
        self.between = np.array([net.travel_time_s(self.points) for net in self.networks])
        self.snap_m = np.array(
            [
                net.snap(self.points)["snap_m"].to_numpy() if isinstance(net, Network) else np.zeros(len(places))
                for net in self.networks
            ]
        )
        on = np.isfinite(np.diagonal(self.between, axis1=1, axis2=2))
        self.out, self.back = np.zeros((len(crew.kind), len(places))), np.zeros((len(crew.kind), len(places)))
        self.stranded = []
        for u, depot in enumerate(crew.depot):
            self.out[u, ~on[self.kind[u]]] = np.inf
            if np.isfinite(depot).all():
                net = self.networks[self.kind[u]]
                self.out[u] = net.travel_time_s([depot], self.points)[0]
                self.back[u] = net.travel_time_s(self.points, [depot])[:, 0]
                if not np.isfinite(self.out[u][on[self.kind[u]]]).any():
                    self.stranded.append(u)
        for net in self.networks:
            self.notes += [note for note in net.notes if note not in self.notes]

    def _network(self, network, kind):
        foot = str(kind).lower() in ("foot", "walk", "bike", "步巡", "步行")
        if isinstance(network, Mapping):
            if kind not in network:
                raise InputError(f"There is no network for units of kind {kind!r}. {did_you_mean(kind, network)}")
            network = network[kind]
        elif isinstance(network, Network) and foot and network.mode == "drive":
            self.notes.append("Units on foot walk the same streets at 4.8 km/h, one-way or not.")
            return build_network(network.roads, mode="walk", max_snap_m=network.max_snap_m)
        if network is None:
            return build_network(None, mode="walk" if foot else "drive")
        if not hasattr(network, "travel_time_s"):
            raise InputError(f"network is what build_network gives, or None; found a {type(network).__name__}.")
        return network
