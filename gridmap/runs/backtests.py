"""The back-test of a pipeline: its boundaries, grid and incidents are read as a run reads them; a folder if wanted."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from gridmap._extras import needs_extras
from gridmap.exports import write_layers, write_table
from gridmap.forecasts.backtesting import Backtest, backtest
from gridmap.read.boundaries import read_boundaries
from gridmap.runs.config import read_pipeline
from gridmap.runs.run import read_all_incidents
from gridmap.runs.stages.gridding import grid_stage

__all__ = ["backtest_pipeline", "write_backtest"]

#: Where `gridmap backtest -o FOLDER` notes each period as it is done; away when all is written.
JOURNAL = "backtest.partial.jsonl"


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
    workers: int = 1,
    resume: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Backtest:
    """Back-test forecasts on the incidents and the grid of a pipeline file.

    Parameters
    ----------
    path : str or Path
        The pipeline file; its boundaries, grid and incidents are read, nothing is written.
    start, end, models, horizon, area_share, area_m2, workers, resume
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
    given: dict[str, Any] = {} if models is None else {"models": models}
    return backtest(
        incidents,
        grid if cell_area_m2 is None else boundaries,
        start=start,
        end=end,
        horizon=horizon,
        area_share=area_share,
        area_m2=area_m2,
        cell_area_m2=cell_area_m2,
        workers=workers,
        resume=resume,
        progress=progress,
        **given,
    )


@needs_extras()
def write_backtest(found: Backtest, folder: str | Path, *, language: str = "en") -> list[Path]:
    """Write a back-test into a folder: tables, the curves, and where each model looked.

    Parameters
    ----------
    found : Backtest
    folder : str or Path
        Made if absent.
    language : str
        Of the pictures.

    Returns
    -------
    list of Path
        `scores.csv, summary.csv, intervals.csv, curves.csv, calibration.csv`; `chosen.gpkg` (cells: incidents of all
        periods, and for each model the share of the periods in which it chose the cell); `curves.png` (share of the
        incidents by share of the area) and `chosen.png` (the maps).

    Raises
    ------
    MissingPackageError
        If what draws the pictures is not installed; the tables and the GeoPackage are written by then.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "scores.csv": found.scores,
        "summary.csv": found.summary().reset_index(),
        "intervals.csv": found.intervals().reset_index(),
        "curves.csv": found.curves.rename_axis("area_share").reset_index(),
        "calibration.csv": found.calibration,
    }
    for name, table in tables.items():
        write_table(table, folder / name)
    periods = max(found.scores["origin"].nunique(), 1)
    chosen = {f"chosen_{model}": times / periods for model, times in found.chosen.items()}
    cells = found.grid.cells[["geometry"]].assign(count=found.seen.astype(int), **chosen)
    layers = write_layers({"chosen": cells}, folder / "chosen.gpkg", language=language)
    pictures = [_draw_curves(found, folder / "curves.png", language)]
    pictures.append(_draw_chosen(cells, list(found.chosen), folder / "chosen.png", language))
    return [*(folder / name for name in tables), *layers, *pictures]


def _draw_curves(found: Backtest, path: Path, language: str) -> Path:
    """The share of the incidents that the best cells of each model caught, by their share of the area."""
    from gridmap.reports.charts.frame import chart, save_chart, word  # with matplotlib: when a picture is wanted

    with chart("page", language) as figure:
        ax = figure.add_subplot()
        for k, model in enumerate(found.curves):
            style = ("-", (0, (5, 2)), (0, (1, 1)), "-.")[k % 4]  # distinct in grey too
            ax.plot(found.curves.index, found.curves[model], linestyle=style, label=model)
        ax.axvline(found.params["area_share"], color="#9CA3AF", linewidth=0.8)
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel=word("area_taken", language), ylabel=word("caught", language))
        ax.legend(loc="lower right")
        return save_chart(figure, path)


def _draw_chosen(cells: gpd.GeoDataFrame, models: list[str], path: Path, language: str) -> Path:
    """A map a model: the share of the periods in which it chose each cell."""
    from gridmap.reports.charts.frame import chart, save_chart, word  # with matplotlib: when a picture is wanted

    wide = min(len(models), 3)
    flat = cells.to_crs(cells.estimate_utm_crs())
    with chart("page", language, height=1.1 * np.ceil(len(models) / wide)) as figure:
        axes = figure.subplots(-(-len(models) // wide), wide, squeeze=False).ravel()
        for ax in axes:
            ax.set_axis_off()
        for ax, model in zip(axes, models, strict=False):
            flat.plot(f"chosen_{model}", ax=ax, cmap="Greys", vmin=0, vmax=1, edgecolor="#D1D5DB", linewidth=0.1)
            ax.set_title(model)
        shades = axes[0].collections[0]
        figure.colorbar(shades, ax=list(axes), label=word("periods_chosen", language), shrink=0.6)
        return save_chart(figure, path)
