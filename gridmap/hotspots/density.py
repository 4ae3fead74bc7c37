"""Where is it concentrated? A smooth surface of incidents per square kilometre.

Each incident is spread as a small hill (the kernel), and the hills are summed. The surface shows *where* incidents are
dense, at the scale of the bandwidth; it does not say whether that is more than chance (`getis_ord` does), nor whether
more people live there (`relative_risk` does).

Sources: Silverman (1986), Density Estimation; Abramson (1982), Annals of Statistics 10, 1217–1223, for the adaptive
bandwidth; Diggle (1985), Applied Statistics 34, 138–147, for the edge; Wand (1994), J. Comp. Graph. Statist. 3,
433–445, for binning and FFT; Chainey & Ratcliffe (2005), GIS and Crime Mapping, for their use by the police.
"""

import numpy as np
import pandas as pd

from gridmap.errors import InputError, SettingError
from gridmap.grids.base import Grid
from gridmap.hotspots.bandwidths import CHOICES, cross_validated, places_of, rule_of_thumb
from gridmap.hotspots.density_result import DensityResult, Raster, raster_over
from gridmap.hotspots.incident_points import Points, a_length_m, one_of, points_of
from gridmap.hotspots.kernels import (
    KERNELS,
    REACH,
    binned,
    binned_error,
    convolve,
    exact,
    kernel_raster,
    most_near,
    pairs_expected,
)
from gridmap.hotspots.registry import hotspot_method
from gridmap.messages import Note
from gridmap.read.incident_table import Incidents

__all__ = ["kernel_density"]

PER_KM2 = 1e6
MOST_PAIRS = 2e8  # pairs of cell and point summed exactly, about a second; beyond, by FFT
MOST_SORTED = 200_000  # incidents among which coinciding ones are looked for: with more it costs more than it saves
TRIM = 5.0  # an adaptive bandwidth is at most so many times the fixed one
FINER = 16_000_000  # pixels up to which squares wider than a quarter of the bandwidth are divided for the raster sum
LEVELS = 24  # an adaptive surface by FFT takes so many bandwidths in place of one a point


@hotspot_method(
    draws="surface",
    unit="incidents_per_km2",
    amount="intensity",
    facts="density",
    resampled=True,
    columns=("intensity",),
)
def kernel_density(
    incidents: Incidents,
    grid: Grid,
    *,
    bandwidth_m: float | str = "rule-of-thumb",
    kernel: str = "quartic",
    adaptive: bool = False,
    weights=None,
    edge_correction: bool = False,
    min_incidents: int = 30,
    random_state=None,
) -> DensityResult:
    """Incidents per square kilometre, by summing a kernel over each incident.

    Parameters
    ----------
    incidents : Incidents
        Those outside the grid count too, where their kernel reaches into it (not with `edge_correction`).
    grid : Grid
        The intensity is taken at the cells' centres.
    bandwidth_m : float, "rule-of-thumb" (the default) or "cross-validated"
        In metres: the radius of the quartic and triangular kernels, the standard deviation of the Gaussian.
        At least as large as a cell. See `gridmap.hotspots.bandwidths` for the automatic ones.
    kernel : {"quartic", "gaussian", "triangular"}
    adaptive : bool
        Abramson's: narrower where incidents are dense, h / √(pilot / its geometric mean), at most 5 h.
    weights : str or array of float (n,), optional
        A numeric column or one number an incident, such as its harm. The intensity is then weight per km².
    edge_correction : bool
        Divide by the part of the kernel that lies inside the territory, so that the border is not made
        cold by what was never recorded beyond it. Leaves out the incidents outside.
    min_incidents : int
        Fewer are refused.
    random_state : int or Generator, optional
        For "cross-validated" on more than 5,000 places, where some are drawn.

    Returns
    -------
    DensityResult
        `cells` with `intensity` (incidents per km²; with weights, their sum per km²); `.surface`, `.transform`, `.crs`,
        `.to_geotiff(path)`. `params["computed"]` says how: "exact" (every pair, to rounding) or "binned" (FFT over a
        raster of `params["pixel_m"]`; at pixels of an eighth of the bandwidth within 1 % of the highest value, 3 %
        where a tenth of the incidents share one place, and worse there if `adaptive`). Then, unless `adaptive`,
        `params["error_at_most"]` is the most by which any value of the sum over all incidents can differ from the exact
        one, in the unit of `intensity`, before `edge_correction` (`kernels.binned_error`). The surface of squares is
        the cells' own values; over other grids it is binned.

    Raises
    ------
    InputError
        For fewer than `min_incidents`, unusable weights, all incidents at one place with an automatic bandwidth.
    SettingError
        For a bandwidth below the size of a cell or in degrees, an unknown kernel.

    Notes
    -----
    λ(s) = Σ wᵢ K(‖s − xᵢ‖; hᵢ), with K as in `gridmap.hotspots.kernels`; each incident adds one (its weight) in all,
    wherever its kernel stays in the territory.

    Examples
    --------
    >>> import geopandas as gpd, pyarrow as pa, shapely
    >>> from gridmap.grids.systems import make_grid
    >>> town = gpd.GeoDataFrame({"zone_id": ["A"]}, geometry=[shapely.box(-1.6, 53.7, -1.5, 53.8)], crs=4326)
    >>> grid = make_grid(town, system="square", cell_size_m=500)
    >>> rng = np.random.default_rng(1)
    >>> points = Incidents(pa.table({"incident_id": [str(i) for i in range(100)],
    ...     "lon": rng.normal(-1.55, 0.01, 100), "lat": rng.normal(53.75, 0.006, 100)}))
    >>> result = kernel_density(points, grid, bandwidth_m=1000)
    >>> round(float(result.cells["intensity"].sum() * 0.25))  # 0.25 km² a cell: the incidents come back
    100

    References
    ----------
    Silverman (1986), Density Estimation for Statistics and Data Analysis.
    Abramson (1982), Annals of Statistics 10, 1217–1223.
    """
    one_of(kernel, "kernel", KERNELS)
    if not isinstance(grid, Grid):
        raise InputError(Note("hotspots.density_needs_grid", name=type(grid).__name__))
    points = points_of(incidents, "kernel_density", crs=grid.metric_crs, weights=weights, fewest=min_incidents)
    notes = []
    if edge_correction:
        inside = grid.locate(*incidents.lonlat()) >= 0
        if not inside.any():
            raise InputError(Note("hotspots.none_in_grid"))
        points = Points(points.ids.filter(inside), points.xy[inside], points.weight[inside], points.crs)
        if outside := int((~inside).sum()):
            notes.append(Note("hotspots.outside_left_out", outside=outside, n=len(inside)))
    h, chosen = bandwidth_of(bandwidth_m, points, grid, kernel, random_state)
    notes += chosen
    raster = raster_over(grid, h / (16 if adaptive else 8))
    places, heap = points.xy, points.weight
    if len(places) <= MOST_SORTED:
        places, heap = places_of(places, heap)  # snapped incidents share places, and a heap is summed once
    computed, values, surface, error = _summed(places, heap, h, kernel, adaptive, grid, raster)
    if edge_correction:
        share = territory_share(raster, h, kernel)
        values = values / raster.at(share, grid.centroids_m)
        surface = surface / share
    if computed == "binned":
        notes.append(Note("hotspots.summed_by_raster", pixel=raster.pixel))
    params = {
        "bandwidth_m": h, "bandwidth": bandwidth_m if isinstance(bandwidth_m, str) else "given", "kernel": kernel,
        "adaptive": bool(adaptive), "weights": weights if weights is None or isinstance(weights, str) else "array",
        "edge_correction": bool(edge_correction), "incidents": len(points), "crs": points.crs.to_string(),
        "computed": computed, "pixel_m": raster.pixel,
    }  # fmt: skip
    if error is not None:
        params["error_at_most"] = error * PER_KM2
    return DensityResult(
        cells=cells_with(grid, intensity=values * PER_KM2), method="kernel_density", params=params, notes=tuple(notes),
        surface=np.where(raster.inside > 0, surface * PER_KM2, np.nan), transform=raster.transform, crs=grid.metric_crs,
    )  # fmt: skip


def bandwidth_of(bandwidth_m, points: Points, grid: Grid, kernel: str, random_state=None):
    """The bandwidth in metres, given or chosen, not below the size of a cell; and what must be stated about it."""
    if isinstance(bandwidth_m, str):
        one_of(bandwidth_m, "bandwidth_m", CHOICES)
        if bandwidth_m == "rule-of-thumb":
            h = rule_of_thumb(points.xy, kernel)
        else:
            h = cross_validated(points.xy, points.weight, kernel, random_state)
        if h < (least := cell_reach_m(grid)):
            return least, [Note("hotspots.bandwidth_raised", how=bandwidth_m, h=h, least=least)]
        return h, [Note("hotspots.bandwidth_chosen", h=h, how=bandwidth_m)]
    h = a_length_m(bandwidth_m, "bandwidth_m")
    if h < (least := cell_reach_m(grid)):
        raise SettingError(Note("hotspots.bandwidth_below_cell", h=h, least=least, value=np.ceil(least)))
    return h, []


def cell_reach_m(grid: Grid) -> float:
    """The size of a cell that a bandwidth must not fall below: a square's side, a hexagon's inner radius,
    the radius of a circle as large as the median zone."""
    area = float(grid.cells["area_m2"].median())
    if grid.system == "square":
        return grid.params["cell_size_m"]
    return float(np.sqrt(area / (2 * np.sqrt(3) if grid.system == "h3" else np.pi)))


def cells_with(grid: Grid, **columns) -> pd.DataFrame:
    """The grid's cells with `zone_id, area_m2` and the method's columns, geometry last."""
    kept = [name for name in ("zone_id", "area_m2") if name in grid.cells]
    return grid.cells[[*kept, "geometry"]].assign(**columns)[[*kept, *columns, "geometry"]]


def territory_share(raster: Raster, h: float, kernel: str) -> np.ndarray:
    """How much of a kernel at each pixel lies inside the territory, at least 0.01."""
    return convolve(raster.inside * raster.pixel**2, kernel_raster(h, raster.pixel, kernel)).clip(0.01, 1.0)


def _summed(places, heap, h, kernel, adaptive, grid, raster) -> tuple[str, np.ndarray, np.ndarray, float | None]:
    """How it was computed, the intensity per m² at the cells' centres, and over the raster; the most it can err."""
    centres = grid.centroids_m
    widest = h * (TRIM if adaptive else 1) * REACH[kernel]
    if pairs_expected(centres, places, widest) <= MOST_PAIRS and (
        not adaptive or pairs_expected(places, places, h * REACH[kernel]) <= MOST_PAIRS
    ):
        each = _abramson(exact(places, places, heap, h, kernel), heap, h) if adaptive else h
        values = exact(centres, places, heap, each, kernel)
        if grid.system == "square":
            surface = np.zeros(raster.shape)
            surface[_pixels(centres, raster)] = values
            return "exact", values, surface, None
        return "exact", values, _on_raster(places, heap, each, kernel, raster)[0], None
    if adaptive:
        pilot = raster.at(_on_raster(places, heap, h, kernel, raster)[0], places)
        h = _abramson(pilot, heap, h)
    surface, error = _on_raster(places, heap, h, kernel, raster, between=grid.system != "square")
    values = surface[_pixels(centres, raster)] if grid.system == "square" else raster.at(surface, centres)
    return "binned", values, surface, error


def _pixels(centres: np.ndarray, raster: Raster) -> tuple[np.ndarray, np.ndarray]:
    """Row and column of the squares whose raster it is."""
    column = np.round((centres[:, 0] - raster.west) / raster.pixel - 0.5).astype(np.int64)
    row = np.round((raster.north - centres[:, 1]) / raster.pixel - 0.5).astype(np.int64)
    return row, column


def _abramson(pilot: np.ndarray, heap: np.ndarray, h: float) -> np.ndarray:
    """Abramson's bandwidth at each place: h / √(pilot / its geometric mean), at most `TRIM` h."""
    pilot = np.maximum(pilot, np.finfo(float).tiny)
    mean = np.exp(np.average(np.log(pilot), weights=heap))
    return np.minimum(h * np.sqrt(mean / pilot), TRIM * h)


def _on_raster(places, heap, h, kernel, raster: Raster, *, between=True) -> tuple[np.ndarray, float | None]:
    """The sum over the raster by FFT, and the most it can err (None for several bandwidths).

    The raster is widened by the kernel's reach, so that what lies beside it counts, and divided where its pixels are
    wide for the bandwidth: the middle one of an odd number has the same centre.
    """
    widest = float(np.max(h)) * min(REACH[kernel], 5)
    finer = 1
    while np.ndim(h) == 0 and raster.pixel / finer > h / 4 and raster.inside.size * (finer + 2) ** 2 <= FINER:
        finer += 2
    pixel = raster.pixel / finer
    margin = int(np.ceil(widest / raster.pixel)) + 1
    rows, columns = raster.shape
    frame = (raster.west - margin * raster.pixel, raster.north + margin * raster.pixel, pixel)
    shape = ((rows + 2 * margin) * finer, (columns + 2 * margin) * finer)
    error = None
    if np.ndim(h) == 0:
        mass = binned(places, heap, *frame, shape)
        error = binned_error(h, pixel, kernel, between=between) * most_near(mass, int(np.ceil(widest / pixel)) + 2)
        smooth = convolve(mass, kernel_raster(h, pixel, kernel))[finer // 2 :: finer, finer // 2 :: finer]
    else:
        # One convolution for each of a few bandwidths, after Davies & Baddeley (2018, Stat. Comput. 28, 937-956);
        # a place between two of them is shared out to both.
        steps = np.geomspace(h.min(), h.max() * (1 + 1e-9), LEVELS)
        at = np.log(h / steps[0]) / np.log(steps[1] / steps[0])
        smooth = np.zeros(shape)
        for k, step in enumerate(steps):
            share = heap * (1 - np.abs(at - k)).clip(0)
            here = share > 0
            if here.any():
                kernel_here = kernel_raster(step, raster.pixel, kernel)
                smooth += convolve(binned(places[here], share[here], *frame, shape), kernel_here)
    return smooth[margin : margin + rows, margin : margin + columns], error
