"""The back-test of a pipeline: its boundaries, grid and incidents are read as a run reads them; nothing is written."""

from collections.abc import Callable
from pathlib import Path

from gridmap.forecasts.backtesting import Backtest, backtest
from gridmap.read.boundaries import read_boundaries
from gridmap.runs.config import read_pipeline
from gridmap.runs.grids import grid_stage
from gridmap.runs.run import read_all_incidents

__all__ = ["backtest_pipeline"]


def backtest_pipeline(
    path: str | Path,
    *,
    start: str,
    end: str,
    models: list[str] | None = None,
    horizon: str = "7D",
    area_share: float | None = None,
    area_m2: float | tuple[float, float] | None = None,
    cell_area_m2: float | tuple[float, float] | None = None,
    category: str | None = None,
    overrides: list[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Back-test forecasts on the incidents and the grid of a pipeline file.

    Parameters
    ----------
    path : str or Path
        The pipeline file; its boundaries, grid and incidents are read, nothing is written.
    start, end, models, horizon, area_share, area_m2
        As in `gm.backtest`.
    cell_area_m2 : float or (low, high), optional
        Squares of this size over the boundaries, in place of the pipeline's grid.
    category : str, optional
        Of the incidents.
    overrides : list of "key=value"
        As in `read_pipeline`.
    """
    pipeline = read_pipeline(path, overrides=overrides or [])
    boundaries = read_boundaries(pipeline.beside(pipeline.boundaries.path), **pipeline.boundaries.options)
    grid, boundaries, _ = grid_stage(pipeline, boundaries)
    incidents, _ = read_all_incidents(pipeline, boundaries)
    if category is not None:
        incidents = incidents.where(category=category)
    given = {} if models is None else {"models": models}
    return backtest(
        incidents,
        grid if cell_area_m2 is None else boundaries,
        start=start,
        end=end,
        horizon=horizon,
        area_share=area_share,
        area_m2=area_m2,
        cell_area_m2=cell_area_m2,
        progress=progress,
        **given,
    )
