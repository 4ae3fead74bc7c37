"""Several models together: where they differ, none of them has to be right alone.

The members' maps are averaged as shares of the total, with equal weights fixed before any data were seen. The mean
count is one of them and holds the ensemble to the past; the density mixture brings what is near and recent; boosting
brings what the others have no form for. Weights chosen by past hits were tried and lose in the next year.

References
----------
Clemen (1989), International Journal of Forecasting 5, 559–583 (why plain averages are hard to beat).
"""

import numpy as np

from gridmap.errors import SettingError
from gridmap.forecasts.base import Forecaster, History, model_named
from gridmap.messages import Note

__all__ = ["Ensemble"]


class Ensemble(Forecaster):
    """The average of several models' maps.

    Parameters
    ----------
    members : tuple of str or Forecaster
    weights : tuple of float, optional
        Equal when not given.
    """

    name = "ensemble"
    least_days = 56.0

    def __init__(
        self,
        members: tuple = ("mean_count", "density_mixture", "boosted"),
        weights: tuple[float, ...] | None = None,
    ):
        if not members or (weights is not None and (len(weights) != len(members) or min(weights) < 0)):
            raise SettingError(Note("forecasts.members_and_weights", members=len(members)))
        self.members, self.weights = tuple(members), weights

    def _learn(self, history: History, horizon_days: float) -> None:
        weights = np.ones(len(self.members)) if self.weights is None else np.asarray(self.weights, float)
        weights = weights / weights.sum()
        self.fitted_ = [m if isinstance(m, Forecaster) else model_named(m)() for m in self.members]
        share = np.zeros(len(history.space))
        totals = []
        for weight, member in zip(weights, self.fitted_, strict=True):
            rate = member.rate(history, horizon_days)
            total = rate.sum()
            share += weight * (rate / total if total > 0 else 1 / len(rate))
            totals.append(total)
        self.rate_ = share * float(weights @ totals)

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_
