"""What is it about these places? Risk factors of the ground, chosen and weighed so that they hold on unseen cells.

A factor is a kind of place (bars, stations, vacant houses) or a number by cell (residents, a raster). Each kind of
place is offered to the model in several forms: within 1, 2, 3 or 4 cells of one, and among the fifth of the cells with
the highest density of them. Forms are chosen one after the other, one a factor, by how much they improve a Poisson
model of the counts over **one half of the ground**, as long as the improvement pays for itself (BIC); the **other
half**, in blocks so that neighbours stay together, then gives the relative risks and their intervals. A choice and an
estimate from the same cells would promise too much.

References
----------
Caplan, Kennedy & Miller (2011), Justice Quarterly 28, 360–381 (risk terrain modelling).
McCullagh & Nelder (1989), Generalized Linear Models (iterated least squares, dispersion).
Cox (1975), Biometrika 62, 441–444 (one half chooses, the other tells).
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import scipy
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.forecasts.base import Forecaster, History, Space
from gridmap.grids.base import Grid
from gridmap.grids.population import residents_column, total_by_cell
from gridmap.messages import Note

__all__ = ["RiskTerrain", "fit_poisson", "risk_factors"]

STEPS = (1, 2, 3, 4)
DENSE_SHARE = 0.2


class RiskTerrain(Forecaster):
    """A risk terrain: relative risks of factors of the ground.

    Parameters
    ----------
    factors : mapping from name to GeoDataFrame of places, or Series by cell_id
        Where a kind of place is, or a number of each cell. Without any, the residents of the grid's cells where it
        has them; else every square metre is expected to have the same.
    blocks : int
        The ground is cut into so many blocks along its longer side, dealt to the two halves in turn.
    random_state : int

    Attributes
    ----------
    risks_ : DataFrame by factor
        `form, relative_risk, low, high, p_value`, from the half that did not choose. The intervals allow for
        counts that vary more than Poisson, and hold all chosen factors together in 95 % (Bonferroni).
    """

    name = "risk_terrain"

    def __init__(
        self,
        factors: Mapping[str, gpd.GeoDataFrame | pd.Series] | None = None,
        blocks: int = 16,
        random_state: int = 0,
    ):
        self.factors, self.blocks, self.random_state = dict(factors or {}), blocks, random_state

    def _learn(self, history: History, horizon_days: float) -> None:
        space = history.space
        forms = risk_factors(self.factors or _residents(space), space)
        count = history.counts()
        exposure = space.area_m2 * history.days
        choosing = _half(space, self.blocks, self.random_state)
        chosen = _choose(forms, count, exposure, choosing)
        names = list(chosen)
        design = np.column_stack([np.ones(len(space)), *(forms[n][chosen[n]] for n in names)])
        estimating = ~choosing
        beta, errors, spread = fit_poisson(design[estimating], count[estimating], exposure[estimating])
        z = np.divide(beta, errors, out=np.zeros_like(beta), where=errors > 0)
        reach = float(scipy.stats.norm.isf(0.025 / max(len(names), 1)))
        table = pd.DataFrame(
            {
                "form": [chosen[n] for n in names],
                "relative_risk": np.exp(beta[1:]),
                "low": np.exp(beta[1:] - reach * errors[1:]),
                "high": np.exp(beta[1:] + reach * errors[1:]),
                "p_value": 2 * scipy.stats.norm.sf(np.abs(z[1:])),
            },
            index=pd.Index(names, name="factor"),
        )
        self.risks_ = table.sort_values("relative_risk", ascending=False)
        self.dispersion_ = max(spread, 1.0)
        whole = fit_poisson(design, count, exposure)[0]
        self.rate_ = np.exp(design @ whole) * space.area_m2

    def _rate(self, begin: float, end: float) -> np.ndarray:
        return self.rate_


def _residents(space: Space) -> dict[str, pd.Series]:
    """The residents of the cells as a factor, where the grid has them."""
    column = residents_column(space.grid)
    if column is None:
        return {}
    people = np.asarray(total_by_cell(space.grid, column), float)
    return {column: pd.Series(np.log1p(np.nan_to_num(people)), index=space.cells)}


def risk_factors(factors: Mapping[str, Any], space: Space | Grid) -> dict[str, dict[str, np.ndarray]]:
    """The forms in which each factor is offered: factor → form → one number a cell.

    Parameters
    ----------
    factors : mapping from name to GeoDataFrame of places, or Series by cell_id
    space : Space or Grid

    Returns
    -------
    dict of dict of ndarray
        For places "within 250 m", … (0 or 1) and "densest fifth" (0 or 1); for a Series "each standard deviation".

    Raises
    ------
    InputError
        If a factor is neither, has no place, or is of other cells.
    """
    space = space if isinstance(space, Space) else Space(space)
    out: dict[str, dict[str, np.ndarray]] = {}
    for name, given in factors.items():
        if isinstance(given, gpd.GeoDataFrame):
            out[name] = _forms_of_places(name, given, space)
        elif isinstance(given, pd.Series):
            if not space.cells.isin(given.index).all():
                raise InputError(Note("forecasts.covariates_of_other_cells"))
            value = given.reindex(space.cells).to_numpy(float)
            spread = value.std()
            out[name] = {"each standard deviation": (value - value.mean()) / spread} if spread > 0 else {}
        else:
            raise InputError(Note("forecasts.factor_kind", name=str(name), found=type(given).__name__))
    return out


def _forms_of_places(name: str, places: gpd.GeoDataFrame, space: Space) -> dict[str, np.ndarray]:
    shapes = places.geometry[~(places.geometry.isna() | places.geometry.is_empty)]
    if not len(shapes):
        raise InputError(Note("forecasts.factor_empty", name=str(name)))
    shapes = shapes.to_crs(space.grid.metric_crs) if shapes.crs is not None else shapes
    xy = shapely.get_coordinates(shapely.centroid(shapes.to_numpy()))
    tree = scipy.spatial.cKDTree(xy)
    near = tree.query(space.centre_m)[0]
    forms = {f"within {step * space.cell_m:,.0f} m": (near <= step * space.cell_m).astype(float) for step in STEPS}
    around = np.array([len(i) for i in tree.query_ball_point(space.centre_m, 4 * space.cell_m)], float)
    if (around > 0).any():
        least = np.quantile(around, 1 - DENSE_SHARE)
        forms["densest fifth"] = ((around >= least) & (around > 0)).astype(float)
    return {form: value for form, value in forms.items() if 0 < value.mean() < 1}


def _half(space: Space, blocks: int, random_state: int) -> np.ndarray:
    """Which cells choose: every other block of a chequerboard that is laid at random."""
    if blocks < 2:
        raise SettingError(Note("forecasts.above_zero", name="blocks", found=blocks))
    low, high = space.centre_m.min(axis=0), space.centre_m.max(axis=0)
    side = max((high - low).max() / blocks, 1e-9)
    rng = np.random.default_rng(random_state)
    at = np.floor((space.centre_m - low) / side + rng.random(2)).astype(int)
    return (at.sum(axis=1) % 2) == 0


def _choose(forms, count, exposure, choosing) -> dict[str, str]:
    """The best form of each factor that pays for itself, chosen forward by BIC over the choosing cells."""
    y, offset, n = count[choosing], exposure[choosing], int(choosing.sum())
    chosen: dict[str, str] = {}
    design = np.ones((n, 1))
    beta, _, spread = fit_poisson(design, y, offset)
    price = np.log(max(n, 2))
    while len(chosen) < len(forms):
        mean = np.exp(design @ beta) * offset
        best = ("", "", 0.0)
        for name, own in forms.items():
            if name in chosen:
                continue
            for form, value in own.items():
                gain = _score_test(value[choosing], design, y, mean) / max(spread, 1.0)
                if gain > best[2]:
                    best = (name, form, gain)
        # Of each factor the best of several forms is looked at: the price of one parameter is raised accordingly.
        looked_at = sum(len(own) for own in forms.values())
        if best[2] <= price + 2 * np.log(max(looked_at, 1)):
            return chosen
        chosen[best[0]] = best[1]
        design = np.column_stack([design, forms[best[0]][best[1]][choosing]])
        beta, _, spread = fit_poisson(design, y, offset)
    return chosen


def _score_test(value: np.ndarray, design: np.ndarray, y: np.ndarray, mean: np.ndarray) -> float:
    """Rao's score statistic (chi-squared, one degree of freedom) of adding a column to a Poisson model."""
    information = design.T @ (design * mean[:, None])
    cross = design.T @ (value * mean)
    variance = (value**2 * mean).sum() - cross @ np.linalg.solve(information, cross)
    return float((value @ (y - mean)) ** 2 / variance) if variance > 1e-9 else 0.0


def fit_poisson(
    design: np.ndarray, count: np.ndarray, exposure: np.ndarray, *, ridge: float = 1e-6, rounds: int = 50
) -> tuple[np.ndarray, np.ndarray, float]:
    """A Poisson regression with exposure, by iterated least squares.

    Parameters
    ----------
    design : ndarray, shape (n, k)
        The first column is 1.
    count, exposure : ndarray, shape (n,)
    ridge : float
        A small penalty, so that a factor without incidents does not run away.

    Returns
    -------
    beta, errors : ndarray, shape (k,)
        Coefficients of the log rate and their standard errors, by the sandwich (White 1980; HC3), which holds whatever
        the variance of the counts is, and never below those of Poisson.
    dispersion : float
        Pearson's statistic over its degrees of freedom.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> beta, _, _ = fit_poisson(x, np.array([2.0, 4.0, 9.0, 9.0]), np.ones(4))
    >>> np.exp(beta).round(3).tolist()
    [3.0, 3.0]
    """
    k = design.shape[1]
    beta = np.zeros(k)
    beta[0] = np.log(max(count.sum(), 0.5) / exposure.sum())
    penalty = ridge * np.eye(k)
    penalty[0, 0] = 0.0
    for _ in range(rounds):
        mean = np.exp(np.clip(design @ beta, -60, 60)) * exposure
        information = design.T @ (design * mean[:, None]) + penalty
        step = np.linalg.solve(information + 1e-12 * np.eye(k), design.T @ (count - mean) - penalty @ beta)
        beta = beta + np.clip(step, -3, 3)
        if np.abs(step).max() < 1e-9:
            break
    mean = np.exp(np.clip(design @ beta, -60, 60)) * exposure
    dispersion = float(((count - mean) ** 2 / np.maximum(mean, 1e-12)).sum() / max(len(count) - k, 1))
    bread = np.linalg.inv(design.T @ (design * mean[:, None]) + penalty + 1e-12 * np.eye(k))
    pull = np.einsum("ij,jk,ik->i", design, bread, design) * mean  # how far each cell draws its own mean to its count
    meat = design.T @ (design * (((count - mean) / (1 - np.minimum(pull, 0.9))) ** 2)[:, None])
    plain = np.diag(bread)
    return beta, np.sqrt(np.maximum(np.diag(bread @ meat @ bread), plain)), dispersion
