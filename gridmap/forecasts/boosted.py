"""Boosted trees for counts: what past periods of a cell and of its surroundings say about the next one.

Each past period is a lesson: what was known of every cell before it, and what then happened. Poisson boosting
(scikit-learn's `HistGradientBoostingRegressor`) learns from the last `periods` lessons: the cell's own counts over
growing windows, those of its neighbours, densities of several widths and half-lives, the season, and covariates that
the user gives by cell. Every number of a lesson is computed from what lies before its period.

References
----------
Friedman (2001), Annals of Statistics 29, 1189–1232.
"""

from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gridmap.errors import InputError
from gridmap.forecasts.base import Forecaster, History
from gridmap.messages import Note

__all__ = ["Boosted"]

MOST_LESSONS = 200_000
#: Cells × periods below which one thread learns as fast as many.
FEW_ROWS = 60_000


class Boosted(Forecaster):
    """Poisson boosting over cells and past periods.

    Parameters
    ----------
    periods : int
        How many past periods are learnt from; fewer where cells × periods would pass 200,000.
    windows : tuple of int
        Lengths of the windows of past counts, in periods.
    covariates : DataFrame by cell_id, optional
        Numbers that do not change: distance to a station, residents. Do not give what was computed from the incidents
        to be forecast.
    random_state : int
    """

    name = "boosted"
    least_days = 56.0

    def __init__(
        self,
        periods: int = 26,
        windows: tuple[int, ...] = (1, 2, 4, 8, 26, 52),
        covariates: pd.DataFrame | None = None,
        random_state: int = 0,
    ):
        self.periods, self.windows, self.covariates, self.random_state = periods, windows, covariates, random_state

    def _features(self, history: History, at: float, horizon_days: float) -> np.ndarray:
        """One row a cell: what is known at a moment."""
        space = history.space
        columns = []
        edges = [0, *self.windows]
        for near, far in pairwise(edges):
            begin = max(at - far * horizon_days, history.since)
            own = history.counts(begin, at - near * horizon_days)
            columns += [own, space.neighbours @ own]
        cell = space.cell_m
        columns += [
            history.smoothed(at, half_life, width * cell)
            for half_life, width in (
                (np.inf, 0.0),
                (np.inf, 1.0),
                (np.inf, 3.0),
                (120.0, 1.0),
                (40.0, 1.0),
                (14.0, 2.0),
            )
        ]
        turn = 2 * np.pi * ((at + horizon_days / 2) % 365.25) / 365.25
        columns += [np.full(len(space), np.sin(turn)), np.full(len(space), np.cos(turn))]
        columns += [np.full(len(space), history.decayed(at, 60.0).sum()), space.area_m2]
        if self.covariates is not None:
            columns += list(self._given(space.cells).T)
        return np.column_stack(columns).astype(np.float32)

    def _given(self, cells: pd.Index) -> np.ndarray:
        if not cells.isin(self.covariates.index).all():
            raise InputError(Note("forecasts.covariates_of_other_cells"))
        return self.covariates.reindex(cells).select_dtypes("number").to_numpy(float)

    def _learn(self, history: History, horizon_days: float) -> None:
        at = history.last_lesson(horizon_days)
        settings = (self.periods, self.windows, self.random_state, id(self.covariates))
        self.model_ = history.kept(
            ("trees", at, horizon_days, history.since, settings),
            lambda: self._trees(history.before(at), horizon_days),
        )
        if self.model_ is None:
            self.rate_ = np.zeros(len(history.space))
        else:
            lesson = self._lesson(history, history.until, horizon_days)
            with _threads_for(len(lesson)):
                self.rate_ = self.model_.predict(lesson) / horizon_days

    def _trees(self, history: History, horizon_days: float) -> Any:
        """The model, learned from the periods before the history's end; None where nothing happened in them."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        n = min(self.periods, max(MOST_LESSONS // max(len(history.space), 1), 2))
        origins = history.until - horizon_days * np.arange(1, n + 1)
        origins = origins[origins - history.since >= max(4 * horizon_days, 28.0)]
        if not len(origins):
            raise InputError(Note("forecasts.nothing_before", model=self.name, days=history.days))
        lessons = np.vstack([self._lesson(history, origin, horizon_days) for origin in origins])
        answers = np.concatenate([history.counts(origin, origin + horizon_days) for origin in origins])
        if not answers.sum() > 0:
            return None
        model = HistGradientBoostingRegressor(
            loss="poisson",
            learning_rate=0.06,
            max_iter=80,
            max_leaf_nodes=12,
            min_samples_leaf=max(20, len(answers) // 500),
            l2_regularization=1.0,
            early_stopping=False,
            random_state=self.random_state,
        )
        with _threads_for(len(lessons)):
            return model.fit(lessons, answers)

    def _lesson(self, history: History, at: float, horizon_days: float) -> np.ndarray:
        return history.kept(
            ("lesson", at, horizon_days, self.windows, history.since, id(self.covariates)),
            lambda: self._features(history, at, horizon_days),
        )

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


def _threads_for(rows: int) -> Any:
    """One thread for small tables: on a busy machine, waiting for others costs more than they save."""
    return threadpool_limits(1, user_api="openmp") if rows < FEW_ROWS else nullcontext()
