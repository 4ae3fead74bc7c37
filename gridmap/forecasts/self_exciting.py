"""Incidents that bring others: a background that stays, and triggers that fade in time and over distance.

The rate at a place and a moment is a background plus, for every earlier incident, θ · ω exp(−ω Δt) times a Gaussian of
standard deviation σ around it. θ is the branching ratio: how many incidents one brings on average. The parts are
separated by EM: each incident belongs with some probability to the background or to one of those before it; what
belongs to the background makes the background (a Gaussian density over the cells, each incident left out of its own),
and what belongs to triggers makes θ, ω and σ.

The trap is the background: with an even one, places that are always busy look like contagion, and a branching ratio of
0.73 is found where the truth is none. So the background is as fine as the grid, and what is left of the bias is
measured and taken away: incidents are drawn from what was found (the background's own places at any time, and triggers
from them), the same EM is run on them, and θ is moved until the drawn incidents give what the real ones gave (indirect
inference). The spread of the draws is the interval of θ; it includes 0 where busy places are as likely as contagion.

Edges: offspring after the end of the data are allowed for in θ and ω; offspring beyond the border by the share of the
Gaussian that lies within (half-plane, by the distance to the border).

References
----------
Mohler et al. (2011), Journal of the American Statistical Association 106, 100–108.
Zhuang, Ogata & Vere-Jones (2002), Journal of the American Statistical Association 97, 369–380 (declustering).
Veen & Schoenberg (2008), Journal of the American Statistical Association 103, 614–624 (EM).
Gourieroux, Monfort & Renault (1993), Journal of Applied Econometrics 8, S85–S118 (indirect inference).
Clements, Schoenberg & Veen (2012), Environmetrics 23, 606–616 (super-thinned residuals).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy
import shapely
from scipy import special

from gridmap._compiled import njit
from gridmap.errors import InputError
from gridmap.forecasts.base import Forecaster, History, Space, windows_of_time
from gridmap.messages import Note
from gridmap.read.metric_projection import unproject

__all__ = ["SelfExciting", "Triggers"]

#: Widths of the background that are tried, in cells; 0 is the cell's own incidents.
WIDTHS = (0.0, 0.5, 1.0, 2.0)
#: The share of the background that is spread evenly, so that an incident alone in its cell has one: at most the first,
#: and no more incidents a cell than the second. Of 50,000 incidents, 2 % in any case took what triggers had brought to
#: cells with no background of their own, and θ was found 5 to 12 % too small over squares of very different weight.
EVEN, EVEN_A_CELL = 0.02, 0.05


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

    The triggers are learned once in eight weeks, as the trees and weights of other models are; the background and the
    incidents that trigger are as new as the history.

    Parameters
    ----------
    background_m : float, optional
        Standard deviation of the background's Gaussian; the likeliest of 0, ½, 1 and 2 cells when not given, each
        incident being left out of the background that it is held against.
    reach_m, reach_days : float
        Triggers farther or older than this are not looked for.
    rounds : int
        Of EM, at most.
    draws : int
        How often incidents are drawn from what was found, to correct θ and to give its interval; 0 leaves both out.
    random_state : int

    Attributes
    ----------
    triggers_ : Triggers
        θ is corrected by the draws.
    theta_uncorrected_ : float
        What EM gave.
    background_ : ndarray
        Incidents a day by cell.
    theta_interval_ : (float, float) or None
        95 %, from the draws; it includes 0 where contagion cannot be distinguished from busy places.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    >>> model = SelfExciting().fit(town.incidents, grid)
    >>> low, high = model.theta_interval_
    >>> bool(low < model.triggers_.theta < high)
    True
    """

    name = "self_exciting"
    least_days = 28.0

    def __init__(
        self,
        background_m: float | None = None,
        reach_m: float = 400.0,
        reach_days: float = 60.0,
        rounds: int = 60,
        draws: int = 24,
        random_state: int = 0,
    ):
        self.background_m, self.reach_m, self.reach_days = background_m, reach_m, reach_days
        self.rounds, self.draws, self.random_state = rounds, draws, random_state

    def _learn(self, history: History, horizon_days: float) -> None:
        at = history.last_lesson(horizon_days)
        settings = (self.background_m, self.reach_m, self.reach_days, self.rounds, self.draws, self.random_state)
        learned = history.kept(
            ("triggers", at, horizon_days, history.since, settings), lambda: self._triggers(history.before(at))
        )
        self.width_m_, self.triggers_, self.theta_uncorrected_, self.theta_interval_ = learned
        self.history_ = history
        self.background_ = self._separate(history, self.width_m_, self.triggers_).by_cell

    def _triggers(self, history: History) -> tuple[float, Triggers, float, tuple[float, float] | None]:
        """The background's width, the triggers with θ corrected, θ as EM gave it, and the interval of θ."""
        tried = [w * history.space.cell_m for w in WIDTHS] if self.background_m is None else [self.background_m]
        pairs = _pairs(history, self.reach_m, self.reach_days)
        fits = [self._separate(history, width, pairs=pairs) for width in tried]
        best = int(np.argmax([fit.log_likelihood for fit in fits]))
        found, width = fits[best], tried[best]
        if self.draws < 12:
            return width, found.triggers, found.triggers.theta, None
        theta, interval = self._corrected(history, width, found, pairs)
        return width, replace(found.triggers, theta=max(theta, 0.0)), found.triggers.theta, interval

    def _corrected(
        self, history: History, width: float, found: "Separated", pairs: tuple
    ) -> tuple[float, tuple[float, float]]:
        """θ such that incidents drawn with it give the θ that EM found, and its 95 % interval."""
        rng, theta = np.random.default_rng(self.random_state), found.triggers.theta

        def drawn_with(theta: float, n: int) -> np.ndarray:
            true = replace(found.triggers, theta=float(np.clip(theta, 0.0, 0.95)))
            # With a smaller θ, more of the incidents are of the background; with none, all of them.
            of_background = self._separate(history, width, true, pairs).of_background

            def once(rng: np.random.Generator) -> float:
                drawn = _drawn(history, true, of_background, rng)
                return self._separate(drawn, width).triggers.theta if len(drawn) > 1 else 0.0

            with ThreadPoolExecutor(2) as pool:
                return np.fromiter(pool.map(once, rng.spawn(n)), float)

        few, found_theta = self.draws // 6, theta
        without, with_it = drawn_with(0.0, 2 * few), drawn_with(theta, few).mean()
        slope = float(np.clip((with_it - without.mean()) / max(theta, 1e-3), 0.5, 1.5))
        near = max((theta - without.mean()) / slope, 0.0)
        last = drawn_with(near, self.draws - 3 * few)
        theta = near + (theta - float(last.mean())) / slope
        reach, reach_of_none = _reach(last) / slope, _reach(without)
        low = theta - reach
        if found_theta <= without.mean() + reach_of_none:  # no contagion gives as much: then 0 is in the interval
            low = min(low, 0.0)
        return theta, (low, max(theta + reach, 0.0))  # θ cannot be below 0

    def _separate(
        self, history: History, width: float, given: Triggers | None = None, pairs: tuple | None = None
    ) -> "Separated":
        """EM: the triggers, unless they are given, and which part of each incident belongs to the background."""
        space, row, n = history.space, history.row, len(history)
        smoother = space.smoother(width)
        own = smoother.own(row) / space.area_m2[row]
        first, delay, far_2 = _pairs(history, self.reach_m, self.reach_days) if pairs is None else pairs
        to_end = history.until - history.time
        border = _border_m(history, 2 * self.reach_m) if given is None else np.full(n, np.inf)
        now = given or Triggers(0.2, 0.1, min(100.0, self.reach_m / 4))
        of_background, rate = np.full(n, 0.8), np.ones(n)
        spread = min(EVEN, EVEN_A_CELL * len(space) / max(n, 1))
        for _ in range(self.rounds):
            density = smoother(np.bincount(row, weights=of_background, minlength=len(space))) / space.area_m2
            others = np.maximum(density[row] - own * of_background, 0.0)
            even = of_background.sum() / space.area_m2.sum()
            background = ((1 - spread) * others + spread * even) / history.days
            triggers = (now.theta, now.omega, now.sigma_m)
            rate, brought, delays, apart_2 = _shared_out(first, delay, far_2, background, *triggers)
            before, last = now, of_background
            of_background = background / rate
            if given is not None:
                if np.abs(of_background - last).max() < 1e-3:
                    break
                continue
            if brought < 1e-6:
                now = replace(now, theta=0.0)
                break
            inside = special.ndtr(border / now.sigma_m)
            now = self._improved(now, brought, delays, apart_2, inside, to_end)
            if _step(now, before) < 1e-4:
                break
        by_cell = smoother(np.bincount(row, weights=of_background, minlength=len(space))) / history.days
        # At the maximum, the rate's integral is the number of incidents.
        return Separated(now, by_cell, of_background, float(np.log(rate).sum() - n))

    def _improved(self, now: Triggers, brought: float, delays: float, far_2: float, inside, to_end) -> Triggers:
        """The M step: triggers from the pairs' probabilities, with what lies beyond the edges allowed for."""
        seen = inside * -np.expm1(-now.omega * to_end)
        theta = brought / max(seen.sum(), 1e-9)
        waiting = delays + theta * (inside * to_end * np.exp(-now.omega * to_end)).sum()
        omega = np.clip(brought / max(waiting, 1e-9), 1 / self.reach_days, 10.0)
        sigma = np.clip(np.sqrt(far_2 / (2 * brought)), 1.0, self.reach_m / 3)
        return Triggers(float(theta), float(omega), float(sigma))

    def rate(self, history: History, horizon_days: float, begin: float | None = None) -> np.ndarray:
        """As for every model; a map needs neither the correction of θ nor its interval, so nothing is drawn for it."""
        if self.draws:
            quick = SelfExciting(self.background_m, self.reach_m, self.reach_days, self.rounds, 0, self.random_state)
            return quick.rate(history, horizon_days, begin)
        return super().rate(history, horizon_days, begin)

    def residuals(self, *, random_state: Any = 0) -> pd.DataFrame:
        """Super-thinned residuals: a Poisson process of one even rate in place and time, where the model is right.

        Where the model's rate is above its middle (the median over the incidents), incidents are left out by chance,
        as many as it is too high; where it is below, points are added.

        Parameters
        ----------
        random_state : int or Generator

        Returns
        -------
        DataFrame
            `x_m, y_m` (in the grid's metric CRS), `day` since 1970, `cell_id`, `added` (True for added points), in
            the order of time.

        Raises
        ------
        InputError
            If the model was not fitted.
        """
        if not hasattr(self, "history_"):
            raise InputError(Note("forecasts.not_fitted", model=self.name))
        rng, known, space = np.random.default_rng(random_state), self.history_, self.space_
        here = self._rate_at(known.row, known.xy_m, known.time)
        level = float(np.median(here))
        kept = rng.random(len(known)) < level / np.maximum(here, level)
        n = rng.poisson(level * space.area_m2.sum() * known.days)
        row = rng.choice(len(space), n, p=space.area_m2 / space.area_m2.sum())
        xy, time = _within(space, row, rng), rng.uniform(known.since, known.until, n)
        there = self._rate_at(row, xy, time)
        added = rng.random(n) < np.maximum(level - there, 0.0) / level
        place = np.vstack([known.xy_m[kept], xy[added]])
        table = pd.DataFrame({"x_m": place[:, 0], "y_m": place[:, 1], "day": np.r_[known.time[kept], time[added]]})
        table["cell_id"] = space.cells[np.r_[known.row[kept], row[added]]]
        table["added"] = np.r_[np.zeros(kept.sum(), bool), np.ones(added.sum(), bool)]
        return table.sort_values("day", kind="stable", ignore_index=True)

    def residual_test(self, *, blocks: int = 8, spans: int = 6, draws: int = 199, random_state: Any = 0) -> pd.Series:
        """Are the residuals a Poisson process of one rate? Counts over blocks and spans of time, and pairs.

        The territory is cut into about `blocks` × `blocks` blocks of whole cells, each expected to have as many
        residuals as its own land says: blocks at the border are larger or smaller than others, and a test that takes
        them for equal rejects a model that is right. What is left of clusters would show as pairs of residuals near
        each other (2 σ, 2 / ω), which are held against the same residuals with their times exchanged.

        Parameters
        ----------
        blocks, spans : int
        draws : int
            How often times are exchanged.
        random_state : int or Generator

        Returns
        -------
        Series
            `points`, `statistic` and `p_even` (chi-squared over blocks × spans), `pairs`, `expected_pairs` and
            `p_pairs` (one-sided: more pairs than expected).

        Raises
        ------
        InputError
            If the model was not fitted.
        """
        rng = np.random.default_rng(random_state)
        left, space, known = self.residuals(random_state=rng), self.space_, self.history_
        low, high = space.centre_m.min(axis=0), space.centre_m.max(axis=0)
        at = np.minimum((space.centre_m - low) / np.maximum(high - low, 1e-9) * blocks, blocks - 1).astype(int)
        block = at[:, 0] * blocks + at[:, 1]
        land = np.bincount(block, weights=space.area_m2, minlength=blocks**2)
        day = left["day"].to_numpy()
        when = np.minimum(((day - known.since) / known.days * spans).astype(int), spans - 1)
        counts = np.bincount(
            block[space.cells.get_indexer(left["cell_id"])] * spans + when, minlength=blocks**2 * spans
        )
        expected = np.repeat(land / land.sum(), spans) / spans * len(left)
        there = expected > 0
        statistic = float(((counts - expected)[there] ** 2 / expected[there]).sum())
        near = scipy.spatial.cKDTree(left[["x_m", "y_m"]].to_numpy()).query_pairs(
            2 * self.triggers_.sigma_m, output_type="ndarray"
        )
        reach = 2 / self.triggers_.omega

        def close(day: np.ndarray) -> int:
            return int((np.abs(day[near[:, 0]] - day[near[:, 1]]) <= reach).sum())

        pairs, drawn = close(day), np.array([close(rng.permutation(day)) for _ in range(draws)])
        return pd.Series(
            {
                "points": len(left),
                "statistic": statistic,
                "p_even": float(scipy.stats.chi2.sf(statistic, there.sum() - 1)),
                "pairs": pairs,
                "expected_pairs": float(drawn.mean()),
                "p_pairs": float((1 + (drawn >= pairs).sum()) / (1 + draws)),
            }
        )

    def _rate_at(self, row: np.ndarray, xy: np.ndarray, time: np.ndarray) -> np.ndarray:
        """The rate a square metre and day at places and moments, of what happened before each."""
        known, to = self.history_, self.triggers_
        rate = self.background_[row] / self.space_.area_m2[row]
        reach_m, reach_days = min(5 * to.sigma_m, self.reach_m), self.reach_days
        for later, earlier in windows_of_time(time, known.time, reach_days):
            near = scipy.spatial.cKDTree(xy[later]).sparse_distance_matrix(
                scipy.spatial.cKDTree(known.xy_m[earlier]), reach_m, output_type="ndarray"
            )
            at, delay = later[near["i"]], time[later[near["i"]]] - known.time[earlier[near["j"]]]
            before = (delay > 0) & (delay <= reach_days)
            brought = _kernel(to, delay[before], near["v"][before])
            rate += np.bincount(at[before], weights=brought, minlength=len(rate))
        return rate

    def _rate(self, begin: float, end: float) -> np.ndarray:
        known, to = self.history_, self.triggers_
        recent = known.time > begin - 5 / to.omega if to.omega > 0 else np.zeros(len(known), bool)
        age = begin - known.time[recent]
        brought = to.theta * (np.exp(-to.omega * age) - np.exp(-to.omega * (age + end - begin))) / (end - begin)
        by_cell = np.bincount(known.row[recent], weights=brought, minlength=len(known.space))
        return self.background_ + known.space.smoother(to.sigma_m)(by_cell)


@dataclass(frozen=True)
class Separated:
    """What EM gave: triggers, the background by cell, each incident's part of it, and the log likelihood."""

    triggers: Triggers
    by_cell: np.ndarray
    of_background: np.ndarray
    log_likelihood: float


def _reach(drawn: np.ndarray) -> float:
    """How far from the mean of such draws the next one lies in 95 %."""
    n = len(drawn)
    return float(scipy.stats.t.ppf(0.975, n - 1) * drawn.std(ddof=1) * np.sqrt(1 + 1 / n))


def _kernel(triggers: Triggers, delay: np.ndarray, far: np.ndarray) -> np.ndarray:
    """What one incident adds to the rate, a square metre and day."""
    theta, omega, sigma = triggers.theta, triggers.omega, triggers.sigma_m
    return theta * omega / (2 * np.pi * sigma**2) * np.exp(-omega * delay - 0.5 * (far / sigma) ** 2)


def _step(now: Triggers, before: Triggers) -> float:
    """How far a round of EM moved."""
    return max(
        abs(now.theta - before.theta),
        abs(now.omega / before.omega - 1),
        abs(now.sigma_m / before.sigma_m - 1),
    )


def _pairs(history: History, reach_m: float, reach_days: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the pairs of each incident with those before it begin, shape (n + 1,); and of every pair within reach, in
    the order of the later ones, the delay in days and the distance in square metres."""
    xy, time = history.xy_m, history.time
    if not len(time):
        return np.zeros(1, np.int64), np.empty(0), np.empty(0)
    # Squares as wide as the reach, an empty row around them: whoever is near lies in one of nine.
    at = np.floor((xy - xy.min(axis=0)) / reach_m).astype(np.int64) + 1
    across = int(at[:, 1].max()) + 2
    square = at[:, 0] * across + at[:, 1]
    order = np.argsort(square, kind="stable")  # within a square in the order of time
    squares, begin = np.unique(square[order], return_index=True)
    wanted = squares[:, None] + np.add.outer(np.array([-across, 0, across]), np.array([-1, 0, 1])).ravel()
    found = np.minimum(np.searchsorted(squares, wanted), len(squares) - 1)
    found[squares[found] != wanted] = -1
    bounds = np.append(begin, len(time))
    mine = np.searchsorted(squares, square)
    place = (order, bounds, found, mine, np.ascontiguousarray(xy), time, reach_m, reach_days)
    first = np.append(0, _near_before(*place, np.zeros(0, np.int64), np.zeros(0), np.zeros(0)).cumsum())
    delay, far_2 = np.empty(first[-1]), np.empty(first[-1])
    _near_before(*place, first, delay, far_2)
    return first, delay, far_2


@njit(nogil=True, cache=True)
def _near_before(order, bounds, around, mine, xy, time, reach_m, reach_days, first, delay, far_2):  # pragma: no cover
    """How many incidents lie within reach before each; their delays and distances too, where there is room for them.

    In every square an incident keeps where the last one within reach of time began: time only goes on.
    """
    n, write, reach_2 = len(time), len(first) > 0, reach_m * reach_m
    count, oldest = np.zeros(n, np.int64), bounds[:-1].copy()
    for i in range(n):
        k = first[i] if write else 0
        for near in around[mine[i]]:
            if near < 0:
                continue
            # Windows of several squares move at their own pace: each drops what is too old for now, and for ever.
            while oldest[near] < bounds[near + 1] and time[i] - time[order[oldest[near]]] > reach_days:
                oldest[near] += 1
            for at in range(oldest[near], bounds[near + 1]):
                j = order[at]
                apart = time[i] - time[j]
                if apart <= 0:
                    break
                square = (xy[i, 0] - xy[j, 0]) ** 2 + (xy[i, 1] - xy[j, 1]) ** 2
                if square <= reach_2:
                    if write:
                        delay[k], far_2[k] = apart, square
                        k += 1
                    count[i] += 1
    return count


@njit(nogil=True, fastmath=True, cache=True)
def _shared_out(first, delay, far_2, background, theta, omega, sigma):  # pragma: no cover - compiled
    """The E step: the rate at each incident, and over all pairs the sums of the probabilities that one brought the
    other, of these times the delay, and of these times the squared distance.

    The exponential is a series of eight terms at a 64th of its argument, squared six times: to 13 digits what exp
    gives, without a call, so that several pairs are computed at once (twice as fast). Below exp(-40) it stays there.
    """
    rate = background.copy()
    brought = delays = far = 0.0
    scale, narrow = theta * omega / (2 * np.pi * sigma**2), 0.5 / sigma**2
    for i in range(len(background)):
        total = pair_delays = pair_far_2 = 0.0
        for k in range(first[i], first[i + 1]):
            x = max(-omega * delay[k] - narrow * far_2[k], -40.0) / 64
            tail = 1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040 + x / 40320)))
            kernel = 1 + x * (1 + x * (0.5 + x * (1 / 6 + x * tail)))
            kernel *= kernel
            kernel *= kernel
            kernel *= kernel
            kernel *= kernel
            kernel *= kernel
            kernel *= kernel
            total += kernel
            pair_delays += kernel * delay[k]
            pair_far_2 += kernel * far_2[k]
        rate[i] += scale * total
        share = scale / rate[i]
        brought += share * total
        delays += share * pair_delays
        far += share * pair_far_2
    return rate, brought, delays, far


def _drawn(history: History, triggers: Triggers, of_background: np.ndarray, rng: np.random.Generator) -> History:
    """Incidents as the model has them: the background's places at any time of the span, and what they bring."""
    kept = np.flatnonzero(rng.random(len(history)) < of_background)
    lead = min(5 / triggers.omega, 120.0)  # what began before the span brings some of what lies in it
    led = rng.choice(kept, rng.poisson(len(kept) * lead / history.days)) if len(kept) else kept
    xy = history.xy_m[np.r_[kept, led]]
    time = np.r_[
        rng.uniform(history.since, history.until, len(kept)), rng.uniform(-lead, 0.0, len(led)) + history.since
    ]
    parts = [(xy, time)]
    while len(time):
        brought = rng.poisson(triggers.theta, len(time))
        xy = np.repeat(xy, brought, axis=0) + rng.normal(0, triggers.sigma_m, (brought.sum(), 2))
        time = np.repeat(time, brought) + rng.exponential(1 / triggers.omega, brought.sum())
        parts.append((xy, time))
    xy, time = np.vstack([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
    within = (time >= history.since) & (time < history.until)
    xy, time = xy[within], time[within]
    row = history.space.grid.locate(*unproject(xy[:, 0], xy[:, 1], history.space.grid.metric_crs))
    order = np.argsort(time, kind="stable")
    order = order[row[order] >= 0]
    return History(history.space, row[order].astype(np.int32), time[order], xy[order], history.since, history.until)


def _within(space: Space, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A point anywhere within each of the cells."""
    cells = space.grid.cells.geometry.to_crs(space.grid.metric_crs).to_numpy()
    low, high = shapely.bounds(cells).reshape(-1, 2, 2).swapaxes(0, 1)
    xy, open_ = np.empty((len(row), 2)), np.arange(len(row))
    for _ in range(100):
        of = row[open_]
        xy[open_] = rng.uniform(low[of], high[of])
        open_ = open_[~shapely.contains_xy(cells[of], *xy[open_].T)]
        if not len(open_):
            return xy
    xy[open_] = space.centre_m[row[open_]]
    return xy


def _border_m(history: History, reach_m: float) -> np.ndarray:
    """Metres from each incident to the border of the territory, infinite where its cell is farther than the reach."""
    lines, of_cell = _border_lines(history.space)
    near = np.flatnonzero(of_cell[history.row] <= reach_m)
    far = np.full(len(history), np.inf)
    far[near] = lines.query_nearest(shapely.points(history.xy_m[near]), return_distance=True, all_matches=False)[1]
    return far


def _border_lines(space: Space) -> tuple[shapely.STRtree, np.ndarray]:
    """The border in short pieces, and how far each cell is from it, made once."""
    kept = space.__dict__.setdefault("_border", None)
    if kept is None:
        cells = space.grid.cells.geometry.to_crs(space.grid.metric_crs).to_numpy()
        edges = shapely.boundary(shapely.union_all(cells))
        parts = shapely.get_parts(shapely.segmentize(edges, 20 * space.cell_m))
        lines = shapely.STRtree(np.concatenate([_segments(part) for part in parts]))
        kept = space.__dict__["_border"] = (
            lines,
            lines.query_nearest(cells, return_distance=True, all_matches=False)[1],
        )
    return kept


def _segments(line) -> np.ndarray:
    xy = shapely.get_coordinates(line)
    return shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1))
