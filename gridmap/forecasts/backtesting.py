"""Would it have worked? A forecast is made for each past period from what was known before it, and held against it.

The origin rolls: each period is forecast from all that was known when it began, by every model, on the same cells and
for the same share of the area. What is reported is the mean over the periods with an interval that knows that periods
are few and alike (block bootstrap), and the *paired* difference to the mean count, period by period. Nothing is tuned
here: a model that has something to learn learns it inside the past of each origin.

References
----------
Wheeler & Steenbeek (2021), Journal of Quantitative Criminology 37, 445–480.
Politis & Romano (1992), A circular block-resampling procedure.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from gridmap import __version__
from gridmap._intervals import share_interval
from gridmap._io import as_output_error
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import DOUBLED_M, Forecaster, History, Space, model_named, moment, span_days
from gridmap.forecasts.scores import (
    block_bootstrap,
    brier,
    caught_at,
    crps_poisson,
    hit_rate,
    hits_in_area,
    log_score,
    pai,
    pei,
    pit_counts,
    placing_gain,
    rri,
)
from gridmap.grids.base import Grid
from gridmap.grids.population import residents_column, total_by_cell
from gridmap.messages import Note, did_you_mean, note_from
from gridmap.read.incident_table import Incidents

__all__ = ["Backtest", "backtest"]

BASELINE = "mean_count"
#: A forecast is raised to this many incidents a cell and period before its log is taken.
FLOOR = 1e-4
#: Below so many hits a bootstrap over periods knows too little of them.
FEW_HITS = 30
#: The shares of the area at which a curve of hits is kept.
CURVE = np.linspace(0, 1, 101)
#: What is given an interval, beside the PAI.
SCORES = ["hit_rate", "pai", "pei", "rri", "area_under_curve", "log_score", "crps", "brier", "gain"]


@dataclass(frozen=True, repr=False)
class Backtest(ShortForm):
    """How each model would have done.

    Attributes
    ----------
    scores : DataFrame
        A row per model and origin: `model, origin, until, hits, least_hits, most_hits, incidents, cells, area_share,
        hit_rate, pai, pei, rri, area_under_curve, log_score, crps, brier, gain, tied`; `gain` is the mean log of how
        many times likelier than evenly each incident was placed.
    params : mapping
        Settings as used.
    grid : Grid
    chosen : dict from model to Series by cell_id
        In how many of the periods each model chose each cell.
    zones_chosen : dict from model to Series by zone_id
        In how many of the periods it chose any cell of each neighbourhood.
    seen : Series by cell_id
        Incidents of all periods.
    curves : DataFrame, index the share of the area, a column a model
        The mean share of incidents caught (the area-to-hit curve).
    calibration : DataFrame, ten rows, a column a model
        The histogram of the probability integral transform, by tenths; each is 0.1 where counts are as forecast.
    notes : tuple of Note
    """

    scores: pd.DataFrame
    params: dict[str, Any]
    grid: Grid
    chosen: dict[str, pd.Series] = field(default_factory=dict, repr=False)
    zones_chosen: dict[str, pd.Series] = field(default_factory=dict, repr=False)
    seen: pd.Series = field(default_factory=lambda: pd.Series(dtype=float), repr=False)
    curves: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame, repr=False)
    notes: tuple[Note, ...] = ()

    def same_periods(self) -> "Backtest":
        """The same back-test over the periods that every model with any score could forecast; itself if there is none.

        A model that needs a year of history begins later than one that needs a month; over different periods their
        scores cannot be compared. `chosen`, `seen`, `curves` and `calibration` stay those of each model's own periods.
        """
        wide = self.scores.pivot_table(index="origin", columns="model", values="cells", sort=False)
        common = wide.index[wide.notna().all(axis=1)]
        if not len(common) or len(common) == len(wide):
            return self
        return replace(self, scores=self.scores[self.scores["origin"].isin(common)].reset_index(drop=True))

    def summary(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Per model: the mean scores, the PAI's interval, and its paired difference to the mean count.

        Each model over its own periods (`periods` has how many, and `notes` says so where they differ); over the
        periods of all of them with `same_periods().summary()`.

        Returns
        -------
        DataFrame by model
            `periods, hits, incidents, hit_rate, pai, pai_low, pai_high, pei, log_score, crps, difference,
            difference_low, difference_high, better`. Intervals are by block bootstrap over the periods; `better` says
            that the lower bound of the difference lies above 0. Hit rate, PAI and PEI are of all periods together
            (hits over incidents), intervals of the periods' own values. With fewer than 30 hits in all, the interval
            of hit rate and PAI reaches at least as far as the exact one of so many hits: no hit in eight weeks is not
            a PAI of 0 to 0, and a single one may be a PAI of 28.

        Raises
        ------
        InputError
            If no period has an incident.
        """
        table = self.scores[self.scores["incidents"] > 0]
        if not len(table):
            raise InputError(Note("forecasts.nothing_to_score", start=self.params["start"], end=self.params["end"]))
        wide = table.pivot_table(index="origin", columns="model", values="pai", sort=False)
        rows = []
        for model, part in table.groupby("model", sort=False):
            _, low, high = _interval(part, "pai", confidence)
            row = {
                "model": model,
                "periods": len(part),
                "hits": part["hits"].sum(),
                "incidents": part["incidents"].sum(),
                "hit_rate": part["hits"].sum() / part["incidents"].sum(),
                "pai": part["pai"].mean(),
                "pai_low": low,
                "pai_high": high,
                "pei": part["hits"].sum() / max(part["best_hits"].sum(), 1e-300),
                "log_score": part["log_score"].mean(),
                "crps": part["crps"].mean(),
            }
            if BASELINE in wide and model != BASELINE:
                mean, low, high = block_bootstrap(wide[model] - wide[BASELINE], confidence=confidence)
                row |= {"difference": mean, "difference_low": low, "difference_high": high, "better": bool(low > 0)}
            rows.append(row)
        return pd.DataFrame(rows).set_index("model")

    def intervals(self, *, confidence: float = 0.95) -> pd.DataFrame:
        """Every score of every model with its interval, by block bootstrap over the periods.

        Returns
        -------
        DataFrame by model and score
            `mean, low, high, periods`; the interval is nan where fewer than four periods have the score (hit rate and
            PAI of fewer than 30 hits have one, as in `summary`).
        """
        rows = []
        for model, part in self.scores[self.scores["incidents"] > 0].groupby("model", sort=False):
            for score in SCORES:
                mean, low, high = _interval(part, score, confidence)
                rows.append((model, score, mean, low, high, int(part[score].notna().sum())))
        columns = ["model", "score", "mean", "low", "high", "periods"]
        return pd.DataFrame(rows, columns=columns).set_index(["model", "score"])

    def difference(
        self, model: str, other: str = BASELINE, score: str = "pai", *, confidence: float = 0.95
    ) -> tuple[float, float, float]:
        """One model's score less another's, paired period by period: mean, low, high.

        Raises
        ------
        SettingError
            If one of them was not tested.
        """
        table = self.scores[self.scores["incidents"] > 0]
        wide = table.pivot_table(index="origin", columns="model", values=score, sort=False)
        for name in (model, other):
            if name not in wide:
                raise SettingError(Note("forecasts.not_tested", found=name, meant=did_you_mean(name, list(wide))))
        return block_bootstrap(wide[model] - wide[other], confidence=confidence)

    def exposure(self, model: str) -> pd.DataFrame:
        """How often each neighbourhood would have been chosen, beside its share of the people and of the incidents.

        Who lives where a forecast keeps sending patrols is stopped more often, whatever they do; a neighbourhood that
        is chosen far more often than its share of the incidents says is a question for the committee.

        Parameters
        ----------
        model : str
            One of those that were tested.

        Returns
        -------
        DataFrame by zone_id, the most chosen first
            `chosen` (mean share of its area that was chosen, over the periods), `periods` (share of the periods in
            which any of it was), `of_chosen, of_incidents, of_residents, of_area`: its shares of what was chosen, of
            the incidents of the periods, of the residents (nan where nobody counted them) and of the land.

        Raises
        ------
        SettingError
            If the model was not tested.

        Examples
        --------
        >>> import gridmap as gm
        >>> town = gm.samples.town(random_state=0)
        >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
        >>> found = gm.backtest(town.incidents, grid, models=["mean_count"], start="2024-10-01",
        ...                     end="2024-11-26", horizon="14D", area_share=0.05)
        >>> table = found.exposure("mean_count")
        >>> float(table["of_chosen"].sum().round(6)), float(table["of_area"].sum().round(6))
        (1.0, 1.0)
        """
        if model not in self.chosen:
            raise SettingError(Note("forecasts.not_tested", found=model, meant=did_you_mean(model, self.chosen)))
        cells, zone = self.grid.cells, _zone_of(self.grid)
        periods = max(self.scores["origin"].nunique(), 1)
        area = cells["area_m2"].astype(float)
        column = residents_column(self.grid)
        people = None if column is None else total_by_cell(self.grid, column)
        table = pd.DataFrame(
            {
                "chosen": area * self.chosen[model] / periods,
                "of_chosen": area * self.chosen[model],
                "of_incidents": self.seen,
                "of_residents": np.nan if people is None else people,
                "of_area": area,
            }
        )
        sums = table.groupby(zone.to_numpy()).sum(min_count=1).rename_axis("zone_id")
        sums.insert(1, "periods", self.zones_chosen[model] / periods)
        sums["chosen"] /= sums["of_area"]
        for name in ("of_chosen", "of_incidents", "of_residents", "of_area"):
            sums[name] /= sums[name].sum() or np.nan
        return sums.sort_values(["of_chosen", "of_incidents"], ascending=False, kind="stable")

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        models = self.scores["model"].unique()
        return f"Backtest: {', '.join(models)} over {self.scores['origin'].nunique()} periods, {len(self.grid):,} cells"


def backtest(
    incidents: Incidents,
    boundaries_or_grid: Grid | Space | gpd.GeoDataFrame,
    *,
    models: Sequence[str | Forecaster] = (
        "mean_count",
        "prospective",
        "self_exciting",
        "boosted",
        "risk_terrain",
        "ensemble",
    ),
    start: Any,
    end: Any,
    horizon: Any = "7D",
    step: Any = None,
    area_share: float | None = None,
    area_m2: float | tuple[float, float] | None = None,
    cell_area_m2: float | tuple[float, float] | None = None,
    delay: Any = None,
    officer_initiated: bool | None = False,
    workers: int = 1,
    resume: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    random_state: Any = None,
) -> Backtest:
    """Forecast each past period from what was known before it, and score the forecasts.

    Parameters
    ----------
    incidents : Incidents
    boundaries_or_grid : Grid, or boundaries to make one of squares over
    models : list of names or Forecasters
        As in `gridmap.forecasts.base.MODELS`; `mean_count` is added if it is missing, since the others are held
        against it.
    start, end : date
        The first period begins at `start`; the last ends by `end`.
    horizon : span
        Length of a period, as in "7D" or "28D".
    step : span, optional
        From one origin to the next; the horizon when not given, so that periods do not overlap.
    area_share : float, optional
        The share of the area that may be chosen; 0.01 when no area is given.
    area_m2 : float or (low, high), optional
        The area that may be chosen, instead; of a pair the upper is taken, with whole cells kept at or above the lower.
    cell_area_m2 : float or (low, high), optional
        For boundaries: the size of the squares; of a pair the smallest is taken, since smaller cells score higher.
        Squares of 250 m when not given.
    delay : span, optional
        How late incidents are reported.
    officer_initiated : bool or None
        False leaves out what a patrol itself came upon.
    workers : int
        How many periods are forecast at once, each in a thread of its own. The numbers do not depend on it.
    resume : path, optional
        A file in which each period is noted when it is done (JSON, a line a period). Started again with the same file
        after it was stopped, a back-test goes on where it was, and gives the same numbers to the last digit. Periods
        of other settings, models or incidents in the file are passed over.
    progress : callable, optional
        Called with the periods done and in all.
    random_state : int, optional
        Kept in `params`; the models of gridmap are deterministic.

    Returns
    -------
    Backtest

    Raises
    ------
    InputError
        If nothing is known before `start`, or times are vaguer than the horizon.
    SettingError
        For an unknown model, an empty span, an area that holds no cell, or fewer workers than one.
    OutputError
        If the file of `resume` cannot be written.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    >>> found = gm.backtest(town.incidents, grid, models=["mean_count", "prospective"], start="2024-10-01",
    ...                     end="2024-11-26", horizon="14D", area_share=0.05)
    >>> found.scores["origin"].nunique(), found.summary().index.tolist()
    (4, ['mean_count', 'prospective'])
    """
    if isinstance(workers, bool) or not isinstance(workers, int) or workers < 1:
        raise SettingError(Note("forecasts.workers_at_least", found=str(workers)))
    space = boundaries_or_grid if isinstance(boundaries_or_grid, Space) else None
    grid = space.grid if space is not None else _grid_of(boundaries_or_grid, cell_area_m2)
    horizon_days = span_days(horizon)
    step_days = horizon_days if step is None else span_days(step)
    first, last = moment(start), moment(end)
    origins = np.arange(first, last - horizon_days + 1e-6, step_days)
    if not len(origins):
        raise SettingError(Note("forecasts.no_period_fits", start=str(start), end=str(end), horizon=str(horizon)))
    space = Space(grid) if space is None else space
    total = float(space.area_m2.sum())
    limit = _limit(area_share, area_m2, total)
    if space.area_m2.min() > limit:
        raise SettingError(Note("forecasts.area_holds_no_cell", limit=limit, cell=float(space.area_m2.min())))
    models = (models,) if isinstance(models, str | Forecaster) else models
    made = [m if isinstance(m, Forecaster) else model_named(m)() for m in models]
    if not any(m.name == BASELINE for m in made):
        made = [model_named(BASELINE)(), *made]
    whole = History.of(incidents, space, officer_initiated=officer_initiated)
    if whole.since >= first:
        raise InputError(Note("forecasts.nothing_before_start", start=str(start), first=_date(whole.since)))
    setting = _Setting(whole, limit, horizon_days, 0.0 if delay is None else span_days(delay))
    journal = None if resume is None else _Journal(Path(resume), _fingerprint(setting, made))
    found = _every_period(setting, made, origins, journal, workers, progress)
    rows: list[dict[str, Any]] = []
    notes = [Note("forecasts.cells_of_events", cells=len(space))] if len(space) > 1 and whole.counts().all() else []
    if gap := whole.longest_gap(last):
        notes.append(gap)
    if twice := whole.doubled():
        notes.append(Note("fact.forecast_doubled", n=twice, incidents=len(whole), reach=DOUBLED_M))
    times_chosen = {m.name: np.zeros(len(space)) for m in made}
    zone, zones = pd.factorize(_zone_of(grid), sort=True)
    zones_chosen = {m.name: np.zeros(len(zones)) for m in made}
    everything = np.zeros(len(space))
    refused: dict[tuple[str, str], tuple[Note, int]] = {}
    curves = {m.name: np.zeros(len(CURVE)) for m in made}
    spread = {m.name: np.zeros(10) for m in made}
    for origin, one in zip(origins, found, strict=True):
        everything += whole.counts(origin, origin + horizon_days)
        about = {"origin": pd.Timestamp(_date(origin)), "until": pd.Timestamp(_date(origin + horizon_days))}
        for name, of_model in one.items():
            if "refused" in of_model:
                why = note_from(of_model["refused"])
                kind = (name, getattr(why, "code", why))
                earlier, times = refused.get(kind, (why, 0))
                refused[kind] = (earlier, times + 1)
                continue
            rows.append({"model": name, **about, **of_model["scores"]})
            curves[name] += of_model["curve"]
            spread[name] += of_model["spread"]
            times_chosen[name][of_model["chosen"]] += 1
            of_zones = np.unique(zone[of_model["chosen"]])
            zones_chosen[name][of_zones[of_zones >= 0]] += 1
    if not rows:
        raise InputError(next(iter(refused.values()))[0])
    notes += [Note("forecasts.refused_in", n=n, of=len(origins), why=why) for why, n in refused.values()]
    done = pd.DataFrame(rows).groupby("model", sort=False)["origin"].nunique()
    if done.min() < done.max():
        fewer = [f"{name} ({n})" for name, n in done.items() if n < done.max()]
        notes.append(Note("forecasts.periods_differ", models=fewer, most=int(done.max())))
    params = {
        "models": [m.name for m in made],
        "start": _date(first),
        "end": _date(last),
        "horizon_days": horizon_days,
        "area_m2": limit,
        "area_share": limit / total,
        "cells": len(space),
        "delay": None if delay is None else span_days(delay),
        "log_score_floor": FLOOR,
        "random_state": random_state,
    }
    chosen = {name: pd.Series(times, index=space.cells) for name, times in times_chosen.items()}
    return Backtest(
        pd.DataFrame(rows),
        params,
        grid,
        chosen,
        {name: pd.Series(times, index=pd.Index(zones, name="zone_id")) for name, times in zones_chosen.items()},
        pd.Series(everything, index=space.cells),
        pd.DataFrame({name: part / max(part[-1], 1e-300) for name, part in curves.items()}, pd.Index(CURVE)),
        pd.DataFrame({name: part / max(part.sum(), 1e-300) for name, part in spread.items()}),
        tuple(dict.fromkeys(notes)),
    )


@dataclass(frozen=True)
class _Setting:
    """What every period of a back-test has in common."""

    whole: History
    limit: float
    horizon_days: float
    delay_days: float


def _interval(part: pd.DataFrame, score: str, confidence: float) -> tuple[float, float, float]:
    """Mean and interval of one model's score; of few hits at least as wide as so few allow."""
    mean, low, high = block_bootstrap(part[score], confidence=confidence)
    hits = float(part["hits"].sum())
    if score in ("hit_rate", "pai") and hits < FEW_HITS:
        scale = 1.0 if score == "hit_rate" else 1 / max(float(part["area_share"].mean()), 1e-300)
        least, most = share_interval(hits, float(part["incidents"].sum()), confidence)
        low, high = np.fmin(low, least * scale), np.fmax(high, most * scale)
    return mean, float(low), float(high)


#: What is kept of a period: by model its scores, curve, spread and chosen cells, or why it could not be forecast.
Period = dict[str, dict[str, Any]]


def _every_period(
    setting: _Setting,
    models: Sequence[Forecaster],
    origins: np.ndarray,
    journal: "_Journal | None",
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> list[Period]:
    """Every period forecast and scored, in the order of the origins; those in the journal are not done again."""
    known = {} if journal is None else journal.read()
    out: dict[float, Period] = {float(origin): known[float(origin)] for origin in origins if float(origin) in known}
    missing = [float(origin) for origin in origins if float(origin) not in out]

    def keep(origin: float, one: Period) -> None:
        out[origin] = one
        if journal is not None:
            journal.add(origin, one)
        if progress is not None:
            progress(len(out), len(origins))

    if workers == 1 or len(missing) < 2:
        for origin in missing:
            keep(origin, _one_period(setting, models, origin))
    else:  # each period with one thread of its own: what a model computes with does not depend on how many there are
        with threadpool_limits(1, user_api="openmp"), ThreadPoolExecutor(workers) as pool:
            begun = {pool.submit(_one_period, setting, models, origin): origin for origin in missing}
            try:
                for task in as_completed(begun):
                    keep(begun[task], task.result())
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return [out[float(origin)] for origin in origins]


def _one_period(setting: _Setting, models: Sequence[Forecaster], origin: float) -> Period:
    """The period from `origin`, forecast by each model from what was known then, and scored; in plain values."""
    whole, horizon_days, limit = setting.whole, setting.horizon_days, setting.limit
    seen, area, out = whole.counts(origin, origin + horizon_days), whole.space.area_m2, {}
    for model in models:
        known = whole.before(origin, setting.delay_days)
        try:  # a copy learns: others may learn of another period meanwhile
            expected = copy(model).rate(known, horizon_days, origin) * horizon_days
        except InputError as error:
            why = error.args[0]
            out[model.name] = {"refused": why.to_dict() if isinstance(why, Note) else str(why)}
            continue
        curve = caught_at(expected, seen, area, CURVE)
        out[model.name] = {
            "scores": {name: np.asarray(v).item() for name, v in _scored(expected, seen, area, limit, curve).items()},
            "curve": curve.tolist(),
            "spread": pit_counts(np.maximum(expected, FLOOR), seen).tolist(),
            "chosen": _chosen(expected, area, limit).tolist(),
        }
    return out


class _Journal:
    """What was done already, a line a period, so that a back-test that was stopped goes on where it was.

    A line belongs to the back-test whose fingerprint it has; others are passed over, and so is a line that was cut
    when the program was killed. Numbers are written as they are to the last bit.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint

    def read(self) -> dict[float, Period]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(Note("forecasts.journal_unread", path=self.path.name, why=_reason(error))) from None
        out = {}
        for line in lines:
            try:
                entry = json.loads(line)
                if entry["back_test"] == self.fingerprint:
                    out[float(entry["origin"])] = entry["models"]
            except (ValueError, KeyError, TypeError):
                continue
        return out

    def add(self, origin: float, one: Period) -> None:
        line = json.dumps({"back_test": self.fingerprint, "origin": origin, "models": one})
        with as_output_error(lambda why: Note("forecasts.journal_unwritten", path=self.path.name, why=why)):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a+b") as file:
                if file.tell():
                    file.seek(-1, 2)
                    cut = file.read(1) != b"\n"
                else:
                    cut = False
                file.write((b"\n" if cut else b"") + line.encode() + b"\n")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or "UTF-8")


def _fingerprint(setting: _Setting, models: Sequence[Forecaster]) -> str:
    """The same for the same incidents, cells, models and settings, and for nothing else."""
    whole, digest = setting.whole, hashlib.sha256(__version__.encode())
    for array in (whole.row, whole.time, whole.xy_m, whole.end, whole.space.area_m2, whole.space.centre_m):
        digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    numbers = (whole.since, whole.until, whole.precision, setting.limit, setting.horizon_days, setting.delay_days)
    digest.update(repr([*map(float, numbers), list(whole.space.cells), *map(_text_of, models)]).encode())
    return digest.hexdigest()


def _text_of(value: Any) -> str:
    """A setting of a model in words that are equal where it is."""
    if isinstance(value, Forecaster):
        return type(value).__qualname__ + _text_of({k: v for k, v in vars(value).items() if not k.endswith("_")})
    if isinstance(value, Mapping):
        return repr({str(k): _text_of(v) for k, v in sorted(value.items(), key=lambda item: str(item[0]))})
    if isinstance(value, list | tuple):
        return repr([_text_of(v) for v in value])
    if isinstance(value, pd.DataFrame | pd.Series):
        rows = pd.util.hash_pandas_object(pd.DataFrame(value).astype(str))
        return hashlib.sha256(rows.to_numpy().tobytes()).hexdigest()
    return repr(value)


def _scored(
    expected: np.ndarray, seen: np.ndarray, cell_area: np.ndarray, limit: float, curve: np.ndarray
) -> dict[str, Any]:
    found = hits_in_area(expected, seen, cell_area, limit)
    whole, area = float(seen.sum()), float(cell_area.sum())
    return {
        "hits": found.hits,
        "least_hits": found.least,
        "most_hits": found.most,
        "best_hits": found.best_hits,
        "incidents": whole,
        "cells": found.cells,
        "tied": found.tied,
        "area_share": found.area / area,
        "hit_rate": float(hit_rate(found.hits, whole)),
        "pai": float(pai(found.hits, whole, found.area, area)) if found.area else np.nan,
        "pei": float(pei(found.hits, found.best_hits)),
        "rri": float(rri(found.hits, found.predicted)),
        "log_score": float(log_score(expected, seen, floor=FLOOR).mean()),
        "crps": float(crps_poisson(np.maximum(expected, FLOOR), seen).mean()),
        "brier": float(brier(expected, seen).mean()),
        "gain": placing_gain(expected, seen, cell_area),
        "area_under_curve": float(np.trapezoid(curve, CURVE)) if whole else np.nan,
    }


def _chosen(expected: np.ndarray, area: np.ndarray, limit: float) -> np.ndarray:
    order = np.lexsort((area, -expected))
    return order[: int(np.searchsorted(area[order].cumsum(), limit * (1 + 1e-9), side="right"))]


def _grid_of(given: Any, cell_area_m2: Any) -> Grid:
    if isinstance(given, Grid):
        return given
    from gridmap.grids.systems import make_grid

    if not isinstance(given, gpd.GeoDataFrame):
        raise InputError(Note("forecasts.need_grid"))
    size = 62_500.0 if cell_area_m2 is None else float(np.min(cell_area_m2))
    if not size > 0:
        raise SettingError(Note("forecasts.above_zero", name="cell_area_m2", found=size))
    return make_grid(given, system="square", cell_size_m=float(np.sqrt(size)))


def _limit(area_share: float | None, area_m2: Any, total: float) -> float:
    if area_share is not None and area_m2 is not None:
        raise SettingError(Note("forecasts.share_or_area"))
    if area_m2 is not None:
        return float(np.max(area_m2))
    share = 0.01 if area_share is None else float(area_share)
    if not 0 < share <= 1:
        raise SettingError(Note("forecasts.share_between", found=share))
    return share * total


def _zone_of(grid: Grid) -> pd.Series:
    """The neighbourhood of each cell; all of one, where the grid knows none."""
    return grid.cells["zone_id"] if "zone_id" in grid.cells else pd.Series("", index=grid.cells.index)


def _date(days: float) -> str:
    return str(np.datetime64("1970-01-01T00:00", "m") + np.timedelta64(round(days * 1440), "m")).replace("T00:00", "")
