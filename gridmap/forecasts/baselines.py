"""What every forecast must beat: counting. These three learn nothing but numbers of incidents.

The mean count over all that is known is hard to beat. In the 2017 challenge of the United States' National Institute of
Justice, "count all history, take the top of the permitted area" ties the best published entries for vehicle theft.
"""

import numpy as np

from gridmap.errors import SettingError
from gridmap.forecasts.base import Forecaster, History
from gridmap.messages import Note

__all__ = ["LastYear", "MeanCount", "RecentCount"]

YEAR_DAYS = 365.25


class MeanCount(Forecaster):
    """The mean of all periods that are known.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
    >>> expected = MeanCount().fit(town.incidents, grid, until="2024-12-01").predict(("2024-12-01", "2024-12-08"))
    >>> bool(20 < expected["expected"].sum() < 60)
    True
    """

    name = "mean_count"

    def _learn(self, history: History, horizon_days: float) -> None:
        self.rate_ = history.counts() / history.days

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


class RecentCount(Forecaster):
    """An exponentially weighted count: an incident counts half after each half-life.

    Parameters
    ----------
    half_life_days : float
    """

    name = "recent_count"

    def __init__(self, half_life_days: float = 90.0):
        if not half_life_days > 0:
            raise SettingError(Note("forecasts.above_zero", name="half_life_days", found=half_life_days))
        self.half_life_days = half_life_days

    def _learn(self, history: History, horizon_days: float) -> None:
        self.rate_ = history.decayed(history.until, self.half_life_days)

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


class LastYear(Forecaster):
    """What happened in the same days a year ago, and `margin_days` on either side.

    Parameters
    ----------
    margin_days : float
        A week alone holds too few incidents to rank cells by.
    """

    name = "last_year"
    least_days = YEAR_DAYS

    def __init__(self, margin_days: float = 14.0):
        self.margin_days = margin_days

    def _learn(self, history: History, horizon_days: float) -> None:
        self.history_ = history

    def _rate(self, begin: float, end: float) -> np.ndarray:
        known = self.history_
        first = max(begin - YEAR_DAYS - self.margin_days, known.since)
        last = min(end - YEAR_DAYS + self.margin_days, known.until)
        return known.counts(first, last) / max(last - first, 1e-9)
