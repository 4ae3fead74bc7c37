"""Smoothing over space and fading over time: incidents make more likely what is near them, and soon.

Three models, all over cells: a density with one bandwidth and one half-life; the prospective map of Bowers, Johnson &
Pease (2004), which weighs by one over distance and one over time; and a mixture of densities of several widths and
half-lives whose weights are learnt by likelihood (EM) from how well each would have placed the incidents of past
periods. A mixture with learnt weights cannot be tuned to a score, which is why it holds where a tuned width does not.

References
----------
Bowers, Johnson & Pease (2004), British Journal of Criminology 44, 641–658 (ProMap).
Dempster, Laird & Rubin (1977), JRSS B 39, 1–38 (EM).
"""

import numpy as np

from gridmap.forecasts.base import Forecaster, History

__all__ = ["DecayedDensity", "DensityMixture", "LastingDensity", "Prospective"]


class DecayedDensity(Forecaster):
    """A Gaussian density of incidents that count half after each half-life.

    Parameters
    ----------
    bandwidth_m : float, optional
        Standard deviation of the Gaussian; the side of a median cell when not given.
    half_life_days : float
    """

    name = "density"

    def __init__(self, bandwidth_m: float | None = None, half_life_days: float = 180.0):
        self.bandwidth_m, self.half_life_days = bandwidth_m, half_life_days

    def _learn(self, history: History, horizon_days: float) -> None:
        width = history.space.cell_m if self.bandwidth_m is None else self.bandwidth_m
        self.rate_ = history.smoothed(history.until, self.half_life_days, width)

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


class Prospective(Forecaster):
    """The prospective map: each incident of the last two months weighs 1 / (1 + distance) · 1 / (1 + weeks).

    Parameters
    ----------
    reach_m : float
        Incidents farther away do not count.
    reach_days : float
        Older ones do not count.
    unit_m : float
        The width of one step of distance: half a cell of 100 m in the authors' study.
    """

    name = "prospective"

    def __init__(self, reach_m: float = 400.0, reach_days: float = 60.0, unit_m: float = 50.0):
        self.reach_m, self.reach_days, self.unit_m = reach_m, reach_days, unit_m

    def _learn(self, history: History, horizon_days: float) -> None:
        first = np.searchsorted(history.time, history.until - self.reach_days)
        xy, time = history.xy_m[first:], history.time[first:]
        space = history.space
        reach = max(self.reach_m, space.cell_m)  # a cell reaches its own incidents, however large it is
        score = np.zeros(len(space))
        for i, near in enumerate(space.tree.query_ball_point(xy, reach)):
            if near:
                far = np.hypot(*(space.centre_m[near] - xy[i]).T)
                weeks = np.floor((history.until - time[i]) / 7)
                score[near] += 1 / (1 + np.floor(far / self.unit_m)) / (1 + weeks)
        total = len(history) / history.days
        self.rate_ = score * total / score.sum() if score.sum() > 0 else history.counts() / history.days

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


class DensityMixture(Forecaster):
    """Densities of several widths and half-lives, weighed by how well each would have placed past incidents.

    Parameters
    ----------
    widths : tuple of float
        Bandwidths in cells (the side of a median cell); 0 is the cell alone.
    half_lives_days : tuple of float
        inf counts all history alike.
    periods : int
        How many past periods the weights are learnt from; each is placed from what was known before it.
    """

    name = "density_mixture"
    least_days = 28.0

    def __init__(
        self,
        widths: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0),
        half_lives_days: tuple[float, ...] = (np.inf, 365.0, 120.0, 40.0, 14.0),
        periods: int = 26,
    ):
        self.widths, self.half_lives_days, self.periods = widths, half_lives_days, periods

    def _unsmoothed(self, history: History, at: float) -> np.ndarray:
        """Cells × half-lives: where each would place the next incident before it is smoothed; columns sum to 1."""
        even = history.space.area_m2 / history.space.area_m2.sum()
        maps = (history.decayed(at, half_life) for half_life in self.half_lives_days)
        return np.column_stack([m / m.sum() if m.sum() > 0 else even for m in maps])

    def _placed(self, history: History, at: float, row: np.ndarray) -> np.ndarray:
        """Components × incidents: the share that each component, and an even map, gave the cell of each incident."""
        space, maps = history.space, self._unsmoothed(history, at)
        of_widths = [space.smoother(w * space.cell_m).at(row, maps).T for w in self.widths]
        return np.vstack([*of_widths, space.area_m2[row] / space.area_m2.sum()])

    def _share(self, history: History) -> np.ndarray:
        """The mixture's map, summing to 1; smoothing a sum once is the same as summing smoothed maps."""
        space, maps = history.space, self._unsmoothed(history, history.until)
        share = self.weights_[-1] * space.area_m2 / space.area_m2.sum()
        for width, weights in zip(self.widths, self.weights_[:-1].reshape(len(self.widths), -1), strict=True):
            if weights.any():
                share = share + space.smoother(width * space.cell_m)(maps @ weights)
        return share

    def _learn(self, history: History, horizon_days: float) -> None:
        at = history.last_lesson(horizon_days)
        settings = (self.widths, self.half_lives_days, self.periods)
        self.weights_ = history.kept(
            ("mixture", at, horizon_days, history.since, settings),
            lambda: self._weights(history.before(at), horizon_days),
        )
        self.share_ = self._share(history)
        self.total_ = float(history.decayed(history.until, 180.0).sum())

    def _weights(self, history: History, horizon_days: float) -> np.ndarray:
        origins = history.until - horizon_days * np.arange(1, self.periods + 1)
        origins = origins[origins - history.since >= max(4 * horizon_days, 28.0)]
        placed = []
        for origin in origins:
            a, b = np.searchsorted(history.time, [origin, origin + horizon_days])
            if b > a:
                placed.append(self._placed(history, origin, history.row[a:b]))
        n = len(self.widths) * len(self.half_lives_days) + 1
        return mixture_weights(np.hstack(placed)) if placed else np.full(n, 1 / n)

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.share_ * self.total_


class LastingDensity(DensityMixture):
    """The same without time: densities of several widths of all that is known, old and new alike.

    What a forecast must beat to be one: a smooth map of what always was so can be better than raw counts, and says
    nothing about next week in particular.
    """

    name = "lasting_density"

    def __init__(self, widths: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0), periods: int = 26):
        super().__init__(widths, (np.inf,), periods)


def mixture_weights(
    likelihood: np.ndarray, *, prior: float = 0.0, rounds: int = 500, tolerance: float = 1e-5
) -> np.ndarray:
    """The weights of a mixture by maximum likelihood.

    Parameters
    ----------
    likelihood : ndarray, shape (components, incidents)
        The density that each component gave each incident.
    prior : float
        So many incidents are added to each component: with few real ones the weights stay near equal.

    Returns
    -------
    ndarray, shape (components,)
        Summing to 1.

    Examples
    --------
    >>> weights = mixture_weights(np.array([[0.9, 0.9, 0.1], [0.1, 0.1, 0.9]]))
    >>> bool(weights[0] > 0.6)
    True
    >>> mixture_weights(np.empty((2, 0)), prior=1.0).tolist()
    [0.5, 0.5]
    """
    weights = np.full(len(likelihood), 1 / len(likelihood))
    likelihood = likelihood[:, likelihood.any(axis=0)]
    if not likelihood.size:
        return weights
    every = likelihood.shape[1] + prior * len(likelihood)
    for _ in range(rounds):
        total = weights @ likelihood
        new = (weights * (likelihood @ (1 / total)) + prior) / every
        if np.abs(new - weights).max() < tolerance:
            return new
        weights = new
    return weights
