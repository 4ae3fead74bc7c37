"""Where are cases denser than the people, or than another kind of case, would let one expect?

A density map of burglary is first of all a map of where homes are. The relative risk surface divides the density of
cases by the density of what is at risk: the population of the cells, or the incidents of another category. It is 1
where both go together, 2 where cases are twice as dense as they should be.

Where little is at risk the ratio jumps about. So each place is tested: the cases are dealt out anew, over the
population or among all the points of both kinds, and the tolerance contour surrounds where the observed cases are
denser (or thinner) than all but a few of these deals. (The ratio itself is left as it is; it is the contour that says
where to believe it.)

Sources: Bithell (1990), Statistics in Medicine 9, 691–701; Kelsall & Diggle (1995), Statistics in Medicine 14,
2335–2342; Hazelton & Davies (2009), Biometrical Journal 51, 98–109.
"""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.features import shapes
from scipy import sparse

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.density import PER_KM2, bandwidth_of, cells_with
from gridmap.hotspots.density_result import DensityResult, Raster, burnt, raster_over
from gridmap.hotspots.incident_points import a_count, a_number, one_of, points_of
from gridmap.hotspots.kernels import KERNELS, binned, convolve, kernel_raster
from gridmap.hotspots.permutations import two_sided_p
from gridmap.hotspots.registry import hotspot_method, side_of
from gridmap.hotspots.significance import adjust_p, direction_labels
from gridmap.messages import Note, did_you_mean
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import as_incidents

__all__ = ["relative_risk"]

RISK_PIXELS = 65_536  # each permutation smooths them all


@hotspot_method(
    draws="labels",
    scale="hot_cold",
    unit="relative_risk",
    surface=True,
    at_risk="at_risk",
    amount="relative_risk",
    facts="risk",
    null="others",
    columns=("intensity", "expected", "relative_risk", "p_value", "q_value", "label"),
)
def relative_risk(
    cases: Incidents,
    at_risk,
    grid: Grid,
    *,
    bandwidth_m: float | str = "rule-of-thumb",
    kernel: str = "quartic",
    permutations: int = 199,
    tolerance: float = 0.05,
    min_incidents: int = 30,
    random_state=None,
) -> DensityResult:
    """Density of cases over the density of what is at risk, with a tolerance contour by permutation.

    Parameters
    ----------
    cases : Incidents
        Only those inside the grid are used.
    at_risk : str, Series or Incidents
        A column of `grid.cells`, such as "persons"; a Series of numbers by `cell_id`; or the incidents of another
        category.
    grid : Grid
    bandwidth_m : float, "rule-of-thumb" (the default) or "cross-validated"
        The same for both densities, in metres; the automatic ones look at the cases. Not below the size of a cell.
    kernel : {"quartic", "gaussian", "triangular"}
    permutations : int
        How often the cases are dealt out anew.
    tolerance : float
        The two-sided p, for each place alone, that the contours surround.
    min_incidents : int
        Fewer cases (or other incidents) inside the grid are refused.
    random_state : int or Generator, optional

    Returns
    -------
    DensityResult
        `cells`: `intensity` (cases per km²), `expected` (per km², were the risk equal everywhere), `relative_risk`
        (intensity / expected; nan where nothing is at risk), `p_value` (two-sided, each cell alone), `q_value`
        (Benjamini–Hochberg) and `label` from q (hot 99 … cold 99).
        `.surface`: the relative risk over a raster; `.contours`: where p ≤ `tolerance`, `label` hot or cold; only
        contours that hold part of a labelled cell.

    Raises
    ------
    InputError
        For too few cases, cases where nobody lives and the like; a column that is not there.
    SettingError
        As `kernel_density`; also where `tolerance` is below the least p that so many permutations can give.

    Notes
    -----
    r(s) = [Σ K(s − xᵢ) / n] / [Σ wⱼ K(s − zⱼ) / Σ wⱼ], on a raster of at most 65,536 pixels by FFT; both are cut at the
    territory's edge alike, so the edge cancels. Under the null the n cases fall by the population (multinomially), or
    are any n of the points of both kinds (random labelling); p is twice the smaller tail, at most 1.

    Examples
    --------
    >>> import geopandas as gpd, pyarrow as pa, shapely
    >>> from gridmap.grids.systems import make_grid
    >>> town = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    >>> grid = make_grid(town, system="square", cell_size_m=500)
    >>> rng = np.random.default_rng(1)
    >>> lon = np.r_[rng.uniform(-1.6, -1.5, 200), rng.normal(-1.55, 0.004, 100)]
    >>> lat = np.r_[rng.uniform(53.7, 53.8, 200), rng.normal(53.75, 0.003, 100)]
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(300)], "lon": lon, "lat": lat}))
    >>> even = pd.Series(1000, index=grid.cells.index)
    >>> risk = relative_risk(points, even, grid, bandwidth_m=1500, permutations=999, random_state=0)
    >>> int((risk.contours["label"] == "hot").sum())
    1

    References
    ----------
    Kelsall & Diggle (1995), Statistics in Medicine 14, 2335–2342.
    """
    one_of(kernel, "kernel", KERNELS)
    at_risk = as_incidents(at_risk) if _of_points(at_risk) else at_risk
    if not isinstance(grid, Grid):
        raise InputError(Note("hotspots.risk_needs_grid", name=type(grid).__name__))
    deals = a_count(permutations, "permutations", least=19)
    level = a_number(tolerance, "tolerance", above=0)
    if level >= 1 or level < 2 / (deals + 1):
        raise SettingError(Note("hotspots.tolerance_range", deals=deals, value=2 / (deals + 1), tolerance=tolerance))
    points = points_of(cases, "relative_risk", crs=grid.metric_crs, fewest=min_incidents)
    h, notes = bandwidth_of(bandwidth_m, points, grid, kernel, random_state)
    raster = raster_over(grid, h / 8, most=RISK_PIXELS, aligned=False)
    k = kernel_raster(h, raster.pixel, kernel)
    xy, left_out = _inside(cases, points.xy, grid, min_incidents, "cases")
    if left_out:
        notes.append(Note("hotspots.cases_outside", left_out=left_out, n=len(points)))
    rng = np.random.default_rng(random_state)
    observed_mass = binned(xy, np.ones(len(xy)), raster.west, raster.north, raster.pixel, raster.shape)
    if isinstance(at_risk, Incidents):
        others = points_of(at_risk, "relative_risk", crs=grid.metric_crs, fewest=min_incidents)
        z, _ = _inside(at_risk, others.xy, grid, min_incidents, "incidents at risk")
        risk_mass = binned(z, np.ones(len(z)), raster.west, raster.north, raster.pixel, raster.shape)
        deal = _relabelled(np.concatenate([xy, z]), len(xy), raster, rng)
    else:
        risk_mass = _population_mass(at_risk, grid, raster)
        deal = _dealt(risk_mass, len(xy), rng)
    observed = convolve(observed_mass, k)
    expected = convolve(risk_mass, k) * (len(xy) / risk_mass.sum())
    centres = grid.centroids_m
    tally = [np.zeros((2, *raster.shape), np.int64), np.zeros((2, len(grid)), np.int64)]
    at_cells, hair = raster.at(observed, centres), observed.max() * 1e-9
    for _ in range(deals):
        drawn = convolve(deal(), k)
        for count, seen, found in zip(tally, (drawn, raster.at(drawn, centres)), (observed, at_cells), strict=True):
            count += np.stack([seen >= found - hair, seen <= found + hair])
    p = two_sided_p(tally[1][0], tally[1][1], deals)
    q = adjust_p(p, "fdr")
    least = 2 / (deals + 1)
    needed = int(np.ceil(least * len(grid) / 0.05))
    if (p <= least).any() and not (q <= 0.05).any():
        notes.append(
            Note(
                "hotspots.permutations_too_few",
                deals=deals,
                least=least,
                n=len(grid),
                needed=needed,
                n2=int((p <= least).sum()),
            )
        )
    expected_at = raster.at(expected, centres)
    risk = np.divide(at_cells, expected_at, out=np.full(len(grid), np.nan), where=expected_at > hair)
    surface = np.divide(observed, expected, out=np.full(raster.shape, np.nan), where=expected > hair)
    surface[raster.inside == 0] = np.nan
    by_name = at_risk if isinstance(at_risk, str) else "population"
    against = "incidents" if isinstance(at_risk, Incidents) else by_name
    params = {
        "bandwidth_m": h, "bandwidth": bandwidth_m if isinstance(bandwidth_m, str) else "given", "kernel": kernel,
        "against": against, "permutations": deals, "tolerance": level, "incidents": len(xy), "pixel_m": raster.pixel,
        "crs": points.crs.to_string(), "computed": "binned",
    }  # fmt: skip
    cells = cells_with(
        grid, intensity=at_cells * PER_KM2, expected=expected_at * PER_KM2, relative_risk=risk, p_value=p, q_value=q,
        label=direction_labels(at_cells - expected_at, q),
    )  # fmt: skip
    p_there = np.where(raster.inside > 0, two_sided_p(tally[0][0], tally[0][1], deals), 1.0)
    return DensityResult(
        cells, "relative_risk", params, notes=tuple(notes), surface=surface, transform=raster.transform,
        crs=grid.metric_crs, unit="ratio",
        contours=_labelled(_contours(p_there, observed > expected, raster, level, grid.metric_crs), cells),
    )  # fmt: skip


def _inside(incidents: Incidents, xy: np.ndarray, grid: Grid, fewest: int, what: str) -> tuple[np.ndarray, int]:
    """The points inside the grid, and how many are not."""
    inside = grid.locate(*incidents.lonlat()) >= 0
    if inside.sum() < fewest:
        raise InputError(Note("hotspots.few_inside", n=int(inside.sum()), n2=len(xy), what=what, fewest=fewest))
    return xy[inside], int((~inside).sum())


def _of_points(given: Any) -> bool:
    """Whether it is a frame of points, as whoever could have been hit."""
    if not isinstance(given, gpd.GeoDataFrame) or not len(given):
        return False
    return bool(given.geom_type.dropna().isin(["Point", "MultiPoint"]).all())


def _population_mass(at_risk, grid: Grid, raster: Raster) -> np.ndarray:
    """The population of each cell, spread evenly over its pixels (at its centre where it has none)."""
    if isinstance(at_risk, str):
        if at_risk not in grid.cells:
            raise InputError(
                Note("hotspots.risk_no_column", at_risk=at_risk, meant=did_you_mean(at_risk, grid.cells.columns))
            )
        at_risk = grid.cells[at_risk]
    if not isinstance(at_risk, pd.Series):
        raise InputError(Note("hotspots.risk_type", name=type(at_risk).__name__))
    if not at_risk.index.equals(grid.cells.index):
        missing = grid.cells.index.difference(at_risk.index)
        if len(missing) or at_risk.index.has_duplicates:
            raise InputError(Note("hotspots.risk_each_cell_once", n=len(missing), n2=len(grid)))
        at_risk = at_risk.reindex(grid.cells.index)
    try:
        number = at_risk.to_numpy(float)
    except (TypeError, ValueError):
        raise InputError(Note("hotspots.risk_numbers")) from None
    if not np.isfinite(number).all() or (number < 0).any() or not number.sum() > 0:
        raise InputError(Note("hotspots.risk_finite"))
    outlines = grid.cells.geometry.to_crs(grid.metric_crs)
    cell = burnt(outlines, np.arange(1, len(grid) + 1), raster.transform, raster.shape, 0).astype(np.int64) - 1
    pixels = np.bincount(cell[cell >= 0], minlength=len(grid))
    mass = np.where(cell >= 0, (number / np.maximum(pixels, 1))[cell], 0.0)
    lost = pixels == 0
    return mass + binned(grid.centroids_m[lost], number[lost], raster.west, raster.north, raster.pixel, raster.shape)


def _dealt(mass: np.ndarray, n: int, rng):
    """Each call: n cases over the raster, as likely here or there as the population is."""
    chance = (mass / mass.sum()).ravel()
    return lambda: rng.multinomial(n, chance).reshape(mass.shape).astype(float)


def _relabelled(xy: np.ndarray, n: int, raster: Raster, rng):
    """Each call: any n of all points are the cases."""
    rows, columns = raster.shape
    column = ((xy[:, 0] - raster.west) / raster.pixel - 0.5).clip(0, columns - 1)
    row = ((raster.north - xy[:, 1]) / raster.pixel - 0.5).clip(0, rows - 1)
    c, r = np.floor(column).astype(np.int64).clip(0, columns - 2), np.floor(row).astype(np.int64).clip(0, rows - 2)
    u, v = column - c, row - r
    at = np.concatenate([(r + i) * columns + c + j for i in (0, 1) for j in (0, 1)])
    share = np.concatenate([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v])
    spread = sparse.csr_array((share, (at, np.tile(np.arange(len(xy)), 4))), shape=(rows * columns, len(xy)))

    def deal() -> np.ndarray:
        chosen = np.zeros(len(xy))
        chosen[rng.permutation(len(xy))[:n]] = 1.0
        return (spread @ chosen).reshape(rows, columns)

    return deal


def _labelled(contours: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The contours that hold part of a cell of their own label; the others are not corrected for how many there are."""
    held = np.zeros(len(contours), bool)
    for side in ("hot", "cold"):
        found = cells.geometry.to_numpy()[(cells["label"].map(side_of) == (1 if side == "hot" else -1)).to_numpy()]
        # few long contours are looked up in a tree of cells: what is looked up is prepared, the others are not
        at, _ = shapely.STRtree(found).query(contours.geometry.to_numpy(), predicate="intersects")
        held[at] |= (contours["label"] == side).to_numpy()[at]
    return contours[held].reset_index(drop=True)


def _contours(p: np.ndarray, above: np.ndarray, raster: Raster, level: float, crs) -> gpd.GeoDataFrame:
    """Where p ≤ level, as one row a patch: hot first, the largest first."""
    side = np.where(p <= level, np.where(above, 1, 2), 0).astype(np.uint8)
    found = [(value, shapely.geometry.shape(s)) for s, value in shapes(side, mask=side > 0, transform=raster.transform)]
    frame = pd.DataFrame({"label": ["hot" if v == 1 else "cold" for v, _ in found], "p": level}, columns=["label", "p"])
    frame["area_m2"] = np.array([s.area for _, s in found], float)
    contours = gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([s for _, s in found], crs=crs))
    contours = contours.sort_values(["label", "area_m2"], ascending=False, ignore_index=True)
    return contours.to_crs(4326)
