"""Boosted trees for counts: what past periods of a cell and of its surroundings say about the next one.

Each past period is a lesson: what was known of every cell before it, and what then happened. Poisson boosting
(scikit-learn's `HistGradientBoostingRegressor`) learns from the last `periods` lessons: the cell's own counts over
growing windows, those of its neighbours, densities of several widths and half-lives, the season, the weekdays and
hours of a period that is not of whole weeks, holidays where they are wanted, and covariates that the user gives by
cell. Every number of a lesson is computed from what lies before its period; calendars are known in advance.

Holidays come once a year, and the lunar ones move: with them, the weeks around the same time of earlier years are
lessons too.

References
----------
Friedman (2001), Annals of Statistics 29, 1189–1232.
"""

from contextlib import nullcontext
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gridmap.errors import InputError
from gridmap.forecasts.base import Forecaster, History
from gridmap.messages import Note
from gridmap.read.calendar_days import LUNAR, calendar_features

__all__ = ["Boosted"]

#: So many rows (cells × periods) are learned from.
MOST_LESSONS = 200_000
#: Where they hold fewer whole periods than this, cells in which nothing happened are sampled.
LEAST_WHOLE_PERIODS = 8
#: Cells × periods below which one thread learns as fast as many.
FEW_ROWS = 60_000


class Boosted(Forecaster):
    """Poisson boosting over cells and past periods.

    Parameters
    ----------
    periods : int
        How many past periods are learnt from; fewer where cells × periods would pass 200,000, and where that would be
        fewer than eight, all cells with an incident and a sample of the others, which count for all of them.
    windows : tuple of int
        Lengths of the windows of past counts, in periods.
    covariates : DataFrame by cell_id, optional
        Numbers that do not change: distance to a station, residents. Do not give what was computed from the incidents
        to be forecast.
    random_state : int
    holidays : str, optional
        The country whose holidays are known to the model, as in "CN": days off, weekends that are worked, and each of
        Spring Festival, Qingming, Dragon Boat and Mid-Autumn (`gridmap.read.calendar_days`).
    """

    name = "boosted"
    least_days = 56.0

    def __init__(
        self,
        periods: int = 26,
        windows: tuple[int, ...] = (1, 2, 4, 8, 26, 52),
        covariates: pd.DataFrame | None = None,
        random_state: int = 0,
        holidays: str | None = None,
    ):
        self.periods, self.windows, self.covariates, self.random_state = periods, windows, covariates, random_state
        self.holidays = holidays
        if holidays is not None:
            _calendar(holidays, 19_723, 1)  # an unknown country is refused at once

    def _features(
        self,
        history: History,
        at: float,
        horizon_days: float,
        due: float | None = None,
        row: np.ndarray | slice = slice(None),
    ) -> np.ndarray:
        """One row a cell: what is known at a moment, and of the calendar of the period that begins then or is due."""
        space = history.space
        n = len(space.area_m2[row])
        columns: list[np.ndarray] = []
        edges = [0, *self.windows]
        for near, far in pairwise(edges):
            begin = max(at - far * horizon_days, history.since)
            own = history.counts(begin, at - near * horizon_days)
            columns += [own[row], (space.neighbours @ own)[row]]
        cell = space.cell_m
        columns += [
            history.smoothed(at, half_life, width * cell, row)
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
        columns += [np.full(n, np.sin(turn)), np.full(n, np.cos(turn))]
        columns += [np.full(n, history.decayed(at, 60.0).sum()), space.area_m2[row]]
        calendar = self._of_calendar(at if due is None else due, horizon_days)
        columns += [np.full(n, value) for value in calendar]
        if self.covariates is not None:
            columns += list(self._given(space.cells)[row].T)
        return np.column_stack(columns).astype(np.float32)

    def _of_calendar(self, at: float, horizon_days: float) -> list[float]:
        """What is known of a period in advance: its weekdays and hours, and its holidays."""
        out: list[float] = []
        if horizon_days % 7:
            weekday = (np.floor(np.arange(at, at + horizon_days - 1e-9, 1 / 24)) + 3) % 7  # 1970 began on a Thursday
            out += list(np.bincount(weekday.astype(int), minlength=7) / len(weekday))
        if horizon_days % 1:
            turn = 2 * np.pi * ((at + horizon_days / 2) % 1)
            out += [float(np.sin(turn)), float(np.cos(turn))]
        if self.holidays is not None:
            first, last = int(np.floor(at)), int(np.ceil(at + horizon_days - 1e-9))
            out += list(_calendar(self.holidays, first, last - first))
        return out

    def _given(self, cells: pd.Index) -> np.ndarray:
        assert self.covariates is not None
        if not cells.isin(self.covariates.index).all():
            raise InputError(Note("forecasts.covariates_of_other_cells"))
        return self.covariates.reindex(cells).select_dtypes("number").to_numpy(float)

    def _learn(self, history: History, horizon_days: float) -> None:
        at = history.last_lesson(horizon_days)
        settings = (self.periods, self.windows, self.random_state, id(self.covariates), self.holidays)
        self.model_ = history.kept(
            ("trees", at, horizon_days, history.since, settings),
            lambda: self._trees(history.before(at), horizon_days),
        )
        self.rate_ = self._predicted(self._lesson(history, history.until, horizon_days))

    def _predicted(self, lesson: np.ndarray) -> np.ndarray:
        if self.model_ is None:
            return np.zeros(len(lesson))
        with _threads_for(len(lesson)):
            return self.model_.predict(lesson) / self.known_[1]

    def _trees(self, history: History, horizon_days: float) -> Any:
        """The model, learned from the periods before the history's end; None where nothing happened in them."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        whole = MOST_LESSONS // max(len(history.space), 1)
        sampled = whole < LEAST_WHOLE_PERIODS
        origins = history.until - horizon_days * np.arange(1, self.periods + 1)
        if self.holidays is not None:
            earlier = self._same_time_of_earlier_years(history, horizon_days)
            origins = np.r_[origins[:whole] if not sampled else origins, earlier]
        if not sampled:
            origins = origins[:whole]
        origins = origins[origins - history.since >= max(4 * horizon_days, 28.0)]
        if not len(origins):
            raise InputError(Note("forecasts.nothing_before", model=self.name, days=history.days))
        seen = [history.counts(origin, origin + horizon_days) for origin in origins]
        if sampled:
            picked = [self._sample(origin, answer) for origin, answer in zip(origins, seen, strict=True)]
            given = [
                self._features(history, origin, horizon_days, row=row)
                for origin, (row, _) in zip(origins, picked, strict=True)
            ]
            answers = np.concatenate([answer[row] for answer, (row, _) in zip(seen, picked, strict=True)])
            weight = np.concatenate([counts_for for _, counts_for in picked])
        else:
            given = [self._lesson(history, origin, horizon_days) for origin in origins]
            answers, weight = np.concatenate(seen), None
        lessons = np.vstack(given)
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
            return model.fit(lessons, answers, sample_weight=weight)

    def _sample(self, origin: float, answer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Every cell with an incident in a period and some of the others, and what each row counts for."""
        hit, rest = np.flatnonzero(answer > 0), np.flatnonzero(answer == 0)
        n = min(max(MOST_LESSONS // self.periods - len(hit), len(hit)), len(rest))
        rng = np.random.default_rng([self.random_state, abs(round(origin * 1440))])
        taken = np.sort(rng.choice(rest, n, replace=False))
        return np.r_[hit, taken], np.r_[np.ones(len(hit)), np.full(n, len(rest) / max(n, 1))]

    def _same_time_of_earlier_years(self, history: History, horizon_days: float) -> np.ndarray:
        """Origins from four weeks before to twelve weeks after the same day of earlier years, the last year first."""
        early = history.until - (history.until - history.since) // horizon_days * horizon_days
        every = np.arange(history.until - horizon_days * self.periods - horizon_days, early - 1e-6, -horizon_days)
        back = history.until - every
        year = np.round((back + 28) / 365.25)
        return every[(year >= 1) & (back <= 365.25 * year + 28) & (back >= 365.25 * year - 84)]

    def _lesson(self, history: History, at: float, horizon_days: float) -> np.ndarray:
        return history.kept(
            ("lesson", at, horizon_days, self.windows, history.since, id(self.covariates), self.holidays),
            lambda: self._features(history, at, horizon_days),
        )

    def _rate(self, begin: float, end: float) -> np.ndarray:
        history, horizon_days = self.known_
        if begin == history.until or not self._of_calendar(begin, horizon_days):
            return self.rate_
        return self._predicted(self._features(history, history.until, horizon_days, begin))


@cache
def _calendar(country: str, first: int, days: int) -> tuple[float, ...]:
    """Of some days from `first` (since 1970): the shares that are off, that are weekends worked, and of each lunar
    festival."""
    dates = pd.Timestamp("1970-01-01") + pd.to_timedelta(np.arange(first, first + days), unit="D")
    known = calendar_features(dates, country=country)
    return (
        float((known["day_off"] & known["holiday"].notna()).mean()),
        float(known["swapped_workday"].mean()),
        *(float((known["festival"] == festival).mean()) for festival in LUNAR),
    )


def _threads_for(rows: int) -> Any:
    """One thread for small tables: on a busy machine, waiting for others costs more than they save."""
    return threadpool_limits(1, user_api="openmp") if rows < FEW_ROWS else nullcontext()
