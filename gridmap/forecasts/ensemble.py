"""Several models together: where they differ, none of them has to be right alone.

The members' maps are averaged as shares of the total. The weights begin equal and move to the members that placed the
incidents of past periods better, each period forecast from what was known before it: the weights of a mixture by
likelihood (EM), drawn to equal ones by `drawn_to_equal` incidents a member, so that few incidents leave the plain
average as it is. The score is the likelihood of all incidents and not the hits of the few best cells: weights chosen by
past hits were tried and lose in the next year. A member that is bad everywhere loses its weight, which is what keeps
the whole from being much worse than the best.

References
----------
Clemen (1989), International Journal of Forecasting 5, 559–583 (why plain averages are hard to beat).
Hall & Mitchell (2007), International Journal of Forecasting 23, 1–13 (density forecasts weighed by past log score).
"""

from copy import copy
from typing import Any

import numpy as np

from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import Forecaster, History, model_named
from gridmap.forecasts.density_models import mixture_weights
from gridmap.messages import Note
from gridmap.read.numbers import as_numbers

__all__ = ["Ensemble"]


class Ensemble(Forecaster):
    """The average of several models' maps, weighed by how well each placed past incidents.

    Parameters
    ----------
    members : tuple of str or Forecaster
    weights : tuple of float, optional
        Fixed weights; learned from past periods when not given.
    periods : int
        How many past periods the weights are learned from.
    drawn_to_equal : float
        The strength of the equal weights, in incidents for each member.

    Attributes
    ----------
    weights_ : ndarray, shape (members,)
        Summing to 1.
    """

    name = "ensemble"
    least_days = 56.0

    def __init__(
        self,
        members: tuple = ("mean_count", "density_mixture", "boosted", "near_repeat"),
        weights: tuple[float, ...] | None = None,
        periods: int = 26,
        drawn_to_equal: float = 100.0,
    ):
        if not members or (weights is not None and (len(weights) != len(members) or min(weights) < 0)):
            raise SettingError(Note("forecasts.members_and_weights", members=len(members)))
        if not drawn_to_equal > 0:
            raise SettingError(Note("forecasts.above_zero", name="drawn_to_equal", found=drawn_to_equal))
        self.members, self.weights = tuple(members), weights
        self.periods, self.drawn_to_equal = periods, drawn_to_equal

    def _learn(self, history: History, horizon_days: float) -> None:
        self.fitted_ = [copy(m) if isinstance(m, Forecaster) else model_named(m)() for m in self.members]
        if self.weights is None:
            at = history.last_lesson(horizon_days)
            settings = (repr(self.members), self.periods, self.drawn_to_equal)
            self.weights_ = history.kept(
                ("ensemble", at, horizon_days, history.since, settings),
                lambda: self._weights(history.before(at), horizon_days),
            )
        else:
            given = as_numbers(self.weights, "weights", missing=False)
            self.weights_ = given / given.sum()
        rates = np.array([member.rate(history, horizon_days) for member in self.fitted_])
        self.rate_ = self.weights_ @ _shares(rates) * float(self.weights_ @ rates.sum(axis=1))

    def _weights(self, history: History, horizon_days: float) -> np.ndarray:
        """By the likelihood of the incidents of past periods under each member's forecast of them."""
        origins = history.until - horizon_days * np.arange(1, self.periods + 1)
        placed = []
        for origin in origins[origins - history.since >= self.least_days]:
            a, b = np.searchsorted(history.time, [origin, origin + horizon_days])
            known = history.before(float(origin))
            if b > a and len(known):
                rates = self._past_rates(known, horizon_days)
                placed += [] if rates is None else [_shares(rates)[:, history.row[a:b]]]
        likelihood = np.hstack(placed) if placed else np.empty((len(self.members), 0))
        return mixture_weights(likelihood, prior=self.drawn_to_equal)

    def _past_rates(self, known: History, horizon_days: float) -> np.ndarray | None:
        """What each member forecast of an earlier moment; None where one of them could not learn yet."""
        made: list[Any] = [copy(m) if isinstance(m, Forecaster) else model_named(m)() for m in self.members]
        try:
            return np.array([member.rate(known, horizon_days) for member in made])
        except InputError:
            return None

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


def _shares(rates: np.ndarray) -> np.ndarray:
    total = rates.sum(axis=1, keepdims=True)
    return np.where(total > 0, rates / np.maximum(total, 1e-300), 1 / rates.shape[1])
