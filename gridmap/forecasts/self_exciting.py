"""Incidents that bring others: a background that stays, and triggers that fade in time and over distance.

The rate at a place and a moment is a background plus, for every earlier incident, θ · ω exp(−ω Δt) times a Gaussian of
standard deviation σ around it. θ is the branching ratio: how many incidents one brings on average. The parts are
separated by EM: each incident belongs with some probability to the background or to one of those before it; what
belongs to the background makes the background (a Gaussian density over the cells, each incident left out of its own),
and what belongs to triggers makes θ, ω and σ.

The trap is the background: with an even one, places that are always busy look like contagion, and a branching ratio of
0.73 is found where the truth is none. So the background is as fine as the grid, and `theta_interval_` says how far θ
can be distinguished from none: its lower end is what the same data give when the times are shuffled, which keeps every
place as busy as it is and takes all contagion away.

Edges: offspring after the end of the data are allowed for in θ and ω; offspring beyond the border by the share of the
Gaussian that lies within (half-plane, by the distance to the border).

References
----------
Mohler et al. (2011), Journal of the American Statistical Association 106, 100–108.
Zhuang, Ogata & Vere-Jones (2002), Journal of the American Statistical Association 97, 369–380 (declustering).
Veen & Schoenberg (2008), Journal of the American Statistical Association 103, 614–624 (EM).
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy import special
from scipy.spatial import cKDTree

from gridmap.forecasts.base import Forecaster, History

__all__ = ["SelfExciting", "Triggers"]

#: Widths of the background that are tried, in cells; 0 is the cell's own incidents.
WIDTHS = (0.0, 0.5, 1.0, 2.0)
#: The share of the background that is spread evenly, so that an incident alone in its cell has one.
EVEN = 0.02


@dataclass(frozen=True)
class Triggers:
    """What one incident brings.

    Attributes
    ----------
    theta : float
        The branching ratio: incidents brought by one, on average.
    omega : float
        One over the mean delay, per day.
    sigma_m : float
        Standard deviation of the distance in each direction, in metres.
    """

    theta: float
    omega: float
    sigma_m: float


class SelfExciting(Forecaster):
    """A background and triggers, distinguished by EM.

    Parameters
    ----------
    background_m : float, optional
        Standard deviation of the background's Gaussian; the likeliest of 0, ½, 1 and 2 cells when not given, each
        incident being left out of the background that it is held against.
    reach_m, reach_days : float
        Triggers farther or older than this are not looked for.
    rounds : int
        Of EM, at most.
    shuffles : int
        Of the times, for `theta_interval_`; 0 leaves it out. Each costs as much as the fit.
    random_state : int

    Attributes
    ----------
    triggers_ : Triggers
    background_ : ndarray
        Incidents a day by cell.
    theta_interval_ : (float, float) or None
        θ less what shuffled times give, from the 2.5th to the 97.5th per cent; it includes 0 where contagion cannot be
        separated from busy places.
    """

    name = "self_exciting"
    least_days = 28.0

    def __init__(
        self,
        background_m: float | None = None,
        reach_m: float = 400.0,
        reach_days: float = 60.0,
        rounds: int = 60,
        shuffles: int = 0,
        random_state: int = 0,
    ):
        self.background_m, self.reach_m, self.reach_days = background_m, reach_m, reach_days
        self.rounds, self.shuffles, self.random_state = rounds, shuffles, random_state

    def _learn(self, history: History, horizon_days: float) -> None:
        self.history_ = history
        if self.background_m is None:
            tried = [w * history.space.cell_m for w in WIDTHS]
            fits = [self._separate(history, history.time, width) for width in tried]
            best = int(np.argmax([fit[2] for fit in fits]))
            self.width_m_, (self.triggers_, self.background_, _) = tried[best], fits[best]
        else:
            self.width_m_ = self.background_m
            self.triggers_, self.background_, _ = self._separate(history, history.time, self.width_m_)
        self.theta_interval_ = self._interval(history) if self.shuffles else None

    def _separate(self, history: History, time: np.ndarray, width: float) -> tuple[Triggers, np.ndarray, float]:
        """EM: triggers, background and log likelihood. `time` need not be in order."""
        space, row, n = history.space, history.row, len(history)
        smoother = space.smoother(width)
        own = smoother.diagonal()[row] / space.area_m2[row]
        child, delay, far = self._pairs(history.xy_m, time)
        to_end = history.until - time
        border = _border_m(history)
        theta, omega, sigma = 0.2, 0.1, min(100.0, self.reach_m / 4)
        is_background = np.full(n, 0.8)
        for _ in range(self.rounds):
            density = smoother @ np.bincount(row, weights=is_background, minlength=len(space)) / space.area_m2
            others = np.maximum(density[row] - own * is_background, 0.0)
            even = is_background.sum() / space.area_m2.sum()
            background = ((1 - EVEN) * others + EVEN * even) / history.days
            kernel = theta * omega * np.exp(-omega * delay - 0.5 * (far / sigma) ** 2) / (2 * np.pi * sigma**2)
            rate = background + np.bincount(child, weights=kernel, minlength=n)
            share = kernel / rate[child]
            is_background = background / rate
            brought = share.sum()
            likelihood = float(np.log(rate).sum() - n)  # at the maximum, the rate's integral is the number of events
            if brought < 1e-6:
                theta = 0.0
                break
            inside = special.ndtr(border / sigma)
            seen = inside * -np.expm1(-omega * to_end)
            before = (theta, omega, sigma)
            theta = brought / max(seen.sum(), 1e-9)
            waiting = (share * delay).sum() + theta * (inside * to_end * np.exp(-omega * to_end)).sum()
            omega = float(np.clip(brought / max(waiting, 1e-9), 1 / self.reach_days, 10.0))
            sigma = float(np.clip(np.sqrt((share * far**2).sum() / (2 * brought)), 1.0, self.reach_m / 3))
            if max(abs(theta - before[0]), abs(omega - before[1]) / omega, abs(sigma - before[2]) / sigma) < 1e-4:
                break
        by_cell = smoother @ np.bincount(row, weights=is_background, minlength=len(space)) / history.days
        return Triggers(float(theta), float(omega), float(sigma)), by_cell, likelihood

    def _pairs(self, xy: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of every pair within reach: the later one, the delay in days and the distance in metres."""
        pairs = cKDTree(xy).query_pairs(self.reach_m, output_type="ndarray")
        first, second = pairs.T
        late = time[first] > time[second]
        child, parent = np.where(late, first, second), np.where(late, second, first)
        delay = time[child] - time[parent]
        near = (delay > 0) & (delay <= self.reach_days)
        child, parent, delay = child[near], parent[near], delay[near]
        return child, delay, np.hypot(*(xy[child] - xy[parent]).T)

    def _interval(self, history: History) -> tuple[float, float]:
        rng = np.random.default_rng(self.random_state)
        # At the maximum the integral of the rate is the number of incidents.
        found = [
            self._separate(history, rng.permutation(history.time), self.width_m_)[0].theta for _ in range(self.shuffles)
        ]
        spread = np.std(found, ddof=1) if len(found) > 1 else 0.0
        centre = self.triggers_.theta - float(np.mean(found))
        sampling = np.sqrt(spread**2 + self.triggers_.theta / max(len(history), 1))
        return centre - 1.96 * float(sampling), centre + 1.96 * float(sampling)

    def _rate(self, begin: float, end: float) -> np.ndarray:
        known, to = self.history_, self.triggers_
        recent = known.time > begin - 5 / to.omega if to.omega > 0 else np.zeros(len(known), bool)
        age = begin - known.time[recent]
        brought = to.theta * (np.exp(-to.omega * age) - np.exp(-to.omega * (age + end - begin))) / (end - begin)
        by_cell = np.bincount(known.row[recent], weights=brought, minlength=len(known.space))
        return self.background_ + known.space.smoother(to.sigma_m) @ by_cell


def _border_m(history: History) -> np.ndarray:
    """Metres from each incident to the border of the territory."""
    cells = history.space.grid.cells.geometry.to_crs(history.space.grid.metric_crs).to_numpy()
    edges = shapely.boundary(shapely.union_all(cells))
    parts = shapely.get_parts(shapely.segmentize(edges, 20 * history.space.cell_m))
    lines = np.concatenate([_segments(part) for part in parts])
    points = shapely.points(history.xy_m)
    (_, _), distance = shapely.STRtree(lines).query_nearest(points, return_distance=True, all_matches=False)
    return distance


def _segments(line) -> np.ndarray:
    xy = shapely.get_coordinates(line)
    return shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
