"""Near repeat: what has just happened draws more, nearby and soon, as far as the past of these data shows it.

In rings of distance and of days, the pairs of past incidents are counted and held against those that would be expected
if places and dates had nothing to do with each other (every place with every date, the expectation of Knox's test, in
closed form). What is in excess is what an incident adds to a place, by ring; without an excess nothing is added.
Where events were entered twice (`History.doubled`), pairs of one minute are left out.
The rest is the mean count. Different seasons in different quarters look like repetition here as they do in Knox's test.

References
----------
Knox (1964), Applied Statistics 13, 25–29. Townsley, Homel & Chaseling (2003), British Journal of Criminology 43,
615–633. Johnson et al. (2007), Journal of Quantitative Criminology 23, 201–219.
"""

import numpy as np
import scipy

from gridmap.errors import SettingError
from gridmap.forecasts.base import Forecaster, History, windows_of_time
from gridmap.messages import Note

__all__ = ["NearRepeat"]


class NearRepeat(Forecaster):
    """The mean count, and what recent incidents add in their surroundings.

    Parameters
    ----------
    rings_m : tuple of float
        Outer edges of the rings of distance, in metres.
    ages_days : tuple of float
        Outer edges of the rings of time, in days.

    Attributes
    ----------
    added_ : ndarray, shape (rings, ages)
        Once fitted: incidents that one incident adds, in all of a ring, within an age.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    >>> model = NearRepeat().fit(town.incidents, grid, until="2024-12-01")
    >>> model.added_.shape, bool((model.added_ >= 0).all())
    ((4, 4), True)
    """

    name = "near_repeat"
    least_days = 56.0

    def __init__(
        self,
        rings_m: tuple[float, ...] = (100.0, 200.0, 400.0, 800.0),
        ages_days: tuple[float, ...] = (7.0, 14.0, 28.0, 56.0),
    ):
        for name, edges in (("rings_m", rings_m), ("ages_days", ages_days)):
            if not edges or not (np.diff([0.0, *edges]) > 0).all():
                raise SettingError(Note("forecasts.ascending", name=name, found=str(edges)))
        self.rings_m, self.ages_days = tuple(rings_m), tuple(ages_days)

    def _learn(self, history: History, horizon_days: float) -> None:
        self.history_ = history
        at = history.last_lesson(horizon_days)
        self.added_ = history.kept(
            ("near repeat", at, history.since, self.rings_m, self.ages_days), lambda: self._excess(history.before(at))
        )
        self.base_ = history.counts() / history.days

    def _excess(self, history: History) -> np.ndarray:
        """Pairs by ring and age, less those of independent places and dates, for each incident that others follow."""
        n, time, xy = len(history), history.time, history.xy_m
        # Of all pairs in a ring, whatever lies between them, only the number is needed, and the tree counts without
        # listing; the pairs near in time are a small part of them.
        tree = scipy.spatial.cKDTree(xy)
        in_all = np.diff((tree.count_neighbors(tree, self.rings_m) - n) / 2, prepend=0)
        shape = (len(self.rings_m), len(self.ages_days))
        if n < 2 or not in_all.any():
            return np.zeros(shape)
        seen = np.zeros(shape)
        least = 1 / 1440 if history.doubled() else -1.0  # one event, entered twice
        for now, before in windows_of_time(time, time, self.ages_days[-1]):
            trees = (scipy.spatial.cKDTree(xy[rows]) for rows in (now, before))
            near = next(trees).sparse_distance_matrix(next(trees), self.rings_m[-1], output_type="ndarray")
            first, second = now[near["i"]], before[near["j"]]
            apart = time[first] - time[second]
            kept = (second < first) & (apart > least) & (apart <= self.ages_days[-1])
            ring = np.searchsorted(self.rings_m, near["v"][kept])
            both = np.minimum(ring, shape[0] - 1) * shape[1] + np.searchsorted(self.ages_days, apart[kept])
            seen += np.bincount(both, minlength=seen.size).reshape(shape)
        later = np.searchsorted(time, time[:, None] + np.asarray(self.ages_days), side="right")
        within = np.diff((later - np.arange(n)[:, None] - 1).sum(axis=0), prepend=0)
        share = within / (n * (n - 1) / 2)  # of all pairs of dates, in each age
        by_chance = in_all[:, None] * share
        surplus, noise = seen - by_chance, 2 * np.sqrt(np.maximum(by_chance, 1.0))
        followed = np.maximum((time[:, None] <= history.until - np.asarray(self.ages_days)).sum(axis=0), 1)
        return np.where(surplus > noise, surplus, 0.0) / followed

    def _rate(self, begin: float, end: float) -> np.ndarray:
        history, space = self.history_, self.space_
        recent = np.flatnonzero(history.time > begin - self.ages_days[-1])
        added = np.zeros(len(space))
        if len(recent) and self.added_.any():
            from_centre = scipy.spatial.cKDTree(history.xy_m[recent])
            reach = self.rings_m[-1] + space.cell_m
            near = space.tree.sparse_distance_matrix(from_centre, reach, output_type="coo_matrix")
            edges = np.concatenate([[0.0], self.ages_days])
            age = begin - history.time[recent]
            length = np.minimum(edges[1:], (age + end - begin)[:, None]) - np.maximum(edges[:-1], age[:, None])
            overlap = np.maximum(length, 0) / np.diff(edges)  # the part of each age that falls into the period
            for number, outer in enumerate(self.rings_m):
                inner = self.rings_m[number - 1] if number else 0.0
                share = _in_ring(near, inner, outer, space.cell_m, space.area_m2)
                added += share @ (overlap @ self.added_[number])
        total = self.base_.sum() * (end - begin)
        if added.sum() > total:  # pairs of a dense cluster grow with its square; what comes does not
            added *= total / added.sum()
        kept = max(total - added.sum(), 0.0) / total if total > 0 else 0.0
        return self.base_ * kept + added / (end - begin)


def _in_ring(near, inner: float, outer: float, cell_m: float, area: np.ndarray):
    """Cells × incidents: which share of a ring around an incident lies in a cell; columns of a ring sum to 1 or 0.

    A cell counts as far as its centre is from the edges of the ring, softened by half a cell, so that rings narrower
    than a cell still reach the cell that they lie in.
    """
    from scipy import sparse

    half = cell_m / 2
    beyond, within = (near.data - inner + half) / cell_m, (outer + half - near.data) / cell_m
    depth = np.minimum(np.clip(beyond, 0, 1), np.clip(within, 0, 1))
    weight = sparse.csc_array((depth * area[near.row], (near.row, near.col)), shape=near.shape)
    total = weight.sum(axis=0)
    return weight @ sparse.diags_array(np.divide(1.0, total, out=np.zeros_like(total), where=total > 0))
