"""Which cells? Their shape, size, rotation and place are a choice too, and it must not see what it is judged by.

The same incidents score differently on other squares: the NIJ challenge allowed cells of 5,806 to 33,445 m² and areas
of 0.647 to 1.942 km², and over 200 grids one model's PAI went from 1.7 to 6.7. `choose_area` tries shapes, sizes,
rotations and offsets on past periods and takes what was best over them by the measure that was named. All of it lies
before `until`. The score of the best of many is too good, since luck is chosen with it: so the last third of the
periods takes no part in the choice and scores it, beside the plain grid that nobody chose.

References
----------
Hunt (2016), NIJ Real-Time Crime Forecasting Challenge.
Varma & Simon (2006), BMC Bioinformatics 7, 91 (the score of the best of several, and nesting).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.forecasts.backtesting import BASELINE, FLOOR
from gridmap.forecasts.base import History, Space, model_named, moment, span_days
from gridmap.forecasts.scores import hits_in_area, pai, pei
from gridmap.grids.base import Grid
from gridmap.grids.systems import make_grid
from gridmap.messages import Note, did_you_mean, wrong_kind
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents

__all__ = ["AreaChoice", "choose_area"]

#: The mean area of an H3 cell by resolution, in square metres.
H3_AREAS_M2 = {7: 5_161_293.0, 8: 737_328.0, 9: 105_333.0, 10: 15_047.0, 11: 2_150.0}
MEASURES = ("pai", "pei", "hit_rate")
#: The share of the periods that judges the choice.
JUDGING = 1 / 3


@dataclass(frozen=True, repr=False)
class AreaChoice(ShortForm):
    """The cells and the area that were best on past periods.

    Attributes
    ----------
    grid : Grid
    area_m2 : float
        How much of it to choose.
    tried : DataFrame, the best first
        `shape, cell_area_m2, rotation_deg, east_m, north_m, area_m2, cells, choosing, judging`: the measure over the
        periods that chose, and over those that judge. The grid that nobody chose has `plain` True.
    measure : str
    score, plain_score : float
        The measure of the chosen and of the plain grid over the judging periods, which took no part in the choice.
    params : mapping
    """

    grid: Grid
    area_m2: float
    tried: pd.DataFrame
    measure: str
    score: float
    plain_score: float
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        best: Any = self.tried.iloc[0]
        return (
            f"AreaChoice {best['shape']} of {best['cell_area_m2']:,.0f} m² turned by {best['rotation_deg']:g}°, "
            f"{self.area_m2 / 1e6:,.3f} km²: {self.measure} {self.score:,.2f} (plain {self.plain_score:,.2f})"
        )


def choose_area(
    incidents: Incidents,
    boundaries: gpd.GeoDataFrame,
    *,
    until: Any = None,
    horizon: Any = "7D",
    periods: int = 24,
    measure: str = "pai",
    model: str = BASELINE,
    area_share: float | None = None,
    area_m2: float | tuple[float, float] | None = None,
    cell_area_m2: float | tuple[float, float] = (5_806.0, 33_445.0),
    shapes: Sequence[str] = ("square", "h3"),
    sizes: int = 3,
    rotations_deg: Sequence[float] = (0.0, 30.0, 60.0),
    offsets: int = 2,
    officer_initiated: bool | None = False,
    progress: Callable[[int, int], None] | None = None,
) -> AreaChoice:
    """The shape, size, rotation and offset of cells, and the area, that were best on past periods.

    Parameters
    ----------
    incidents : Incidents
    boundaries : GeoDataFrame
    until : date, optional
        Nothing from then on is seen; the day after the last incident when not given.
    horizon : span
        Length of a period.
    periods : int
        Past periods; the last third of them judges and does not choose. At least 6.
    measure : {"pai", "pei", "hit_rate"}
        What is to be high.
    model : str
        Ranks the cells.
    area_share, area_m2
        As in `gm.backtest`; of a pair of areas the ends and the middle are tried.
    cell_area_m2 : float or (low, high)
        The sizes that are allowed; those of the NIJ challenge when not given.
    shapes : list of {"square", "h3"}
        Hexagons have the sizes of H3's resolutions, and cannot be turned or moved.
    sizes, offsets : int
        How many sizes of squares, evenly spaced in the side, and how many offsets in each direction.
    rotations_deg : list of float
        Of the squares; 90 is the same as 0.

    Returns
    -------
    AreaChoice

    Raises
    ------
    SettingError
        For a measure or shape that there is not, too few periods, or sizes that no shape has.
    InputError
        If too little is known before `until`.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> found = gm.choose_area(town.incidents, town.boundaries, periods=6, horizon="28D", area_share=0.05,
    ...                        cell_area_m2=(40_000, 90_000), rotations_deg=(0, 45), sizes=2, offsets=1)
    >>> len(found.tried), bool(40_000 <= found.tried["cell_area_m2"].iloc[0] <= 90_000)
    (4, True)
    """
    if measure not in MEASURES:
        raise SettingError(Note("forecasts.no_measure", found=measure, meant=did_you_mean(measure, MEASURES)))
    if periods < 6:
        raise SettingError(Note("forecasts.periods_at_least", least=6, found=periods))
    areas = isinstance(boundaries, gpd.GeoDataFrame) and set(boundaries.geom_type) <= {"Polygon", "MultiPolygon"}
    if not areas:
        raise InputError(wrong_kind("boundaries", "areas", boundaries))
    incidents = as_incidents(incidents)
    if not isinstance(incidents, Incidents):
        raise InputError(Note("forecasts.need_incidents", found=type(incidents).__name__))
    shapes_tried = list(_candidates(boundaries, cell_area_m2, shapes, sizes, rotations_deg, offsets))
    horizon_days = span_days(horizon)
    rows: list[dict[str, Any]] = []
    grids: list[Grid] = []
    for done, candidate in enumerate(shapes_tried):
        grid = make_grid(boundaries, **candidate.pop("settings"))
        whole = History.of(incidents, Space(grid), officer_initiated=officer_initiated)
        at = whole.until if until is None else moment(until)
        known = whole.before(at)
        total = float(known.space.area_m2.sum())
        for limit in _limits(area_share, area_m2, total):
            scored = _measured(known, horizon_days, periods, model, measure, limit)
            rows.append({**candidate, "area_m2": limit, "cells": len(grid), **scored, "at": len(grids)})
        grids.append(grid)
        if progress is not None:
            progress(done + 1, len(shapes_tried))
    table = pd.DataFrame(rows)
    if not table["choosing"].notna().any():
        raise InputError(
            Note("forecasts.area_holds_no_cell", limit=float(table["area_m2"].max()), cell=_smallest(grids))
        )
    plain: Any = table.iloc[int(np.nanargmax(table["plain"].to_numpy(float)))]
    table = table.sort_values("choosing", ascending=False, kind="stable", ignore_index=True)
    best: Any = table.iloc[0]
    settings = {"horizon_days": horizon_days, "periods": periods, "model": model, "tried": len(table)}
    return AreaChoice(
        grids[int(best["at"])],
        float(best["area_m2"]),
        table.drop(columns="at"),
        measure,
        float(best["judging"]),
        float(plain["judging"]),
        settings,
    )


def _smallest(grids: Sequence[Grid]) -> float:
    return min(float(grid.cells["area_m2"].min()) for grid in grids)


def _candidates(boundaries, cell_area_m2, shapes, sizes, rotations_deg, offsets):
    """Shape, size, rotation and offset of each grid that is tried, the plain one first."""
    for shape in shapes:
        if shape not in ("square", "h3"):
            raise SettingError(Note("forecasts.no_shape", found=shape, meant=did_you_mean(shape, ["square", "h3"])))
    low, high = float(np.min(cell_area_m2)), float(np.max(cell_area_m2))
    if not low > 0:
        raise SettingError(Note("forecasts.above_zero", name="cell_area_m2", found=low))
    west, south, east, north = boundaries.to_crs(4326).total_bounds
    middle = ((west + east) / 2, (south + north) / 2)
    any_plain = True
    if "square" in shapes:
        sides = np.unique(np.linspace(np.sqrt(low), np.sqrt(high), sizes if high > low else 1))
        steps = range(offsets)
        for side, turned, i, j in product(sides, dict.fromkeys(r % 90 for r in rotations_deg), steps, steps):
            moved = (i * side / offsets, j * side / offsets)
            settings = {"system": "square", "cell_size_m": side, "crs": _turned(middle, turned, moved)}
            where = {"rotation_deg": turned, "east_m": moved[0], "north_m": moved[1]}
            yield {"shape": "square", "cell_area_m2": side**2, **where, "plain": any_plain, "settings": settings}
            any_plain = False
    fitting = [r for r, area in H3_AREAS_M2.items() if low <= area <= high] if "h3" in shapes else []
    for resolution in fitting:
        settings = {"system": "h3", "resolution": resolution}
        where = {"rotation_deg": 0.0, "east_m": 0.0, "north_m": 0.0}
        area = H3_AREAS_M2[resolution]
        yield {"shape": "h3", "cell_area_m2": area, **where, "plain": any_plain, "settings": settings}
        any_plain = False
    if any_plain:
        raise SettingError(Note("forecasts.no_size_fits", low=low, high=high))


def _turned(middle: tuple[float, float], degrees: float, moved: tuple[float, float]) -> str:
    """A metric projection around a middle whose axes are turned and moved; squares in it are turned and moved too."""
    lon, lat = middle
    shift = f"+x_0={moved[0]:.3f} +y_0={moved[1]:.3f} +ellps=WGS84 +units=m +no_defs"
    if degrees == 0:
        return f"+proj=tmerc +lat_0={lat:.6f} +lon_0={lon:.6f} +k=1 {shift}"
    return f"+proj=omerc +lat_0={lat:.6f} +lonc={lon:.6f} +alpha={degrees:.6f} +gamma=0 +k=1 {shift}"


def _limits(area_share: float | None, area_m2: Any, total: float) -> list[float]:
    if area_share is not None and area_m2 is not None:
        raise SettingError(Note("forecasts.share_or_area"))
    if area_m2 is not None:
        low, high = float(np.min(area_m2)), float(np.max(area_m2))
        return [low, (low + high) / 2, high] if high > low else [low]
    share = 0.01 if area_share is None else float(area_share)
    if not 0 < share <= 1:
        raise SettingError(Note("forecasts.share_between", found=share))
    return [share * total]


def _measured(
    known: History, horizon_days: float, periods: int, model: str, measure: str, limit: float
) -> dict[str, float]:
    """The measure over the periods that choose and over those that judge, all before the end of the history."""
    origins = known.until - horizon_days * np.arange(periods, 0, -1)
    area = known.space.area_m2
    values = []
    for origin in origins:
        if origin - known.since < max(4 * horizon_days, 28.0):
            raise InputError(Note("forecasts.nothing_before", model=model, days=max(origin - known.since, 0.0)))
        seen = known.counts(origin, origin + horizon_days)
        expected = model_named(model)().rate(known.before(float(origin)), horizon_days)
        found = hits_in_area(np.maximum(expected, FLOOR), seen, area, limit)
        values.append((found.hits, found.best_hits, seen.sum(), found.area))
    table = np.array(values)
    cut = round(periods * (1 - JUDGING))
    return {"choosing": _of(measure, table[:cut], area.sum()), "judging": _of(measure, table[cut:], area.sum())}


def _of(measure: str, table: np.ndarray, total: float) -> float:
    """The measure of all periods together."""
    hits, best, incidents, area = table.sum(axis=0)
    if not (incidents and area):
        return float("nan")
    if measure == "pai":
        return float(pai(hits, incidents, area / len(table), total))
    return float(pei(hits, best) if measure == "pei" else hits / incidents)
