"""The grid stage: what a pipeline's `grid:` names is read and drawn, and what came of it is written.

For most systems the stage is `make_grid` with the file's settings. Management grids (`system: balanced`) need more:
`basic_units` (`atoms` is its earlier name), `follow`, `barriers`, `exclusive` and `keep` are files here
(`buildings.csv`, or `{path: buildings.csv, datum: gcj02, where: {…}}`); `communities` names the column by which the
zones of the boundary file are joined to the communities that are divided; `codes` is the template of the grids' codes.
Their report is written as a table, and so is the hierarchy from the grid up to the county, with the counts of every
level.
"""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap._io import json_text
from gridmap.errors import SettingError
from gridmap.grids.base import Grid
from gridmap.grids.codes import grid_codes
from gridmap.grids.hierarchy import grid_hierarchy, join_zones, roll_up
from gridmap.grids.population import population_by_cell
from gridmap.grids.regionalization.balanced import BalancedGrid
from gridmap.grids.systems import make_grid
from gridmap.messages import Note, did_you_mean
from gridmap.privacy import DEFAULT_AUDIENCE, Released, release
from gridmap.read.features import read_features
from gridmap.runs.config import BASIC_UNITS, GRID_LAYERS, HotspotStep, Pipeline
from gridmap.runs.input_files import input_of

__all__ = [
    "OwnGrids",
    "check_people",
    "drawn_layer",
    "grid_facts",
    "grid_stage",
    "hierarchy_of",
    "released_grid_tables",
    "with_people",
]

PEOPLE = ("persons", "population", "人口", "households", "户数")


def grid_stage(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> tuple[Grid, gpd.GeoDataFrame, list[dict]]:
    """The grid of a pipeline, the zones it divides, and the files it was drawn from (for `run.json`)."""
    stage = pipeline.grid
    settings = dict(stage.settings)
    if stage.system != "balanced":
        return make_grid(boundaries, system=stage.system, **settings), boundaries, []
    communities = boundaries if stage.communities is None else join_zones(boundaries, by=stage.communities)
    inputs = []
    for name in (name for name in GRID_LAYERS if name in stage.layers):
        file = stage.layers[name]
        options = dict(file.options)
        if name in BASIC_UNITS:
            options = {"within": tuple(boundaries.total_bounds), "column": _load(settings), **options}
        place = input_of(pipeline, file.path)
        frame = (
            _where(place, options.get("where"))
            if isinstance(place, gpd.GeoDataFrame)
            else read_features(place, **options)
        )
        settings[name] = frame.set_index("cell_id") if name == "keep" and "cell_id" in frame else frame
        inputs.append({"path": file.path, "sha256": None, "rows": len(frame), "used": len(frame)})
        inputs[-1] |= {"set_aside": 0, "stage": f"grid.{name}"}
    if (
        stage.communities is not None
        and not any(name in settings for name in BASIC_UNITS)
        and _load(settings) != "area_m2"
    ):
        settings["basic_units"] = boundaries  # the zones themselves, as they were before they were joined
    grid = make_grid(communities, system=stage.system, **settings)
    assert isinstance(grid, BalancedGrid)
    if inputs and any(name in stage.layers for name in BASIC_UNITS):
        inputs[0] |= {"used": inputs[0]["rows"] - grid.report.attrs["outside"]}
        inputs[0] |= {"set_aside": grid.report.attrs["outside"]}
    if stage.codes is not None:
        old = settings.get("keep")
        given = old if old is not None and "code" in old else None  # codes on the signs stay where they are
        grid.cells.insert(0, "code", grid_codes(grid, stage.codes, keep=given))
    return grid, communities, inputs


def _where(frame: gpd.GeoDataFrame, where: Mapping | None) -> gpd.GeoDataFrame:
    """The rows of a part of the simulated county that a file's `where:` keeps."""
    for column, wanted in (where or {}).items():
        frame = frame[frame[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return frame


class OwnGrids:
    """The grids of methods that have one of their own (`grid:` beside the method), each made once.

    Parameters
    ----------
    boundaries : GeoDataFrame
    grid : Grid
        The pipeline's grid, for the methods that have none of their own.
    """

    def __init__(self, boundaries: gpd.GeoDataFrame, grid: Grid):
        self.boundaries, self.grid = boundaries, grid
        self._made: dict[str, Grid] = {}

    def of(self, step: HotspotStep) -> Grid:
        """The grid that a step works on."""
        if step.grid is None:
            return self.grid
        key = json_text({"system": step.grid.system, **step.grid.settings})
        if key not in self._made:
            self._made[key] = make_grid(self.boundaries, system=step.grid.system, **step.grid.settings)
        return self._made[key]


def with_people(
    options: dict[str, Any], grid: Grid, boundaries: gpd.GeoDataFrame
) -> tuple[dict[str, Any], Note | None]:
    """Options whose `population` names a column of the boundaries: their people, shared among the grid's cells by area.

    Returns
    -------
    options : dict
    note : Note or None
        That the people were shared.
    """
    column = options.get("population")
    if not isinstance(column, str) or column in grid.cells or column not in boundaries:
        return options, None
    people = population_by_cell(boundaries, grid, column=column).reindex(grid.cells.index, fill_value=0.0)
    return {**options, "population": people}, Note("runs.people_shared", column=column, people=float(people.sum()))


def check_people(options: Mapping[str, Any], grid: Grid, boundaries: gpd.GeoDataFrame) -> None:
    """Whether `population` names a column there is, before a long file of incidents is read.

    Raises
    ------
    SettingError
        With the columns of numbers that the boundaries and the grid have.
    """
    column = options.get("population")
    if not isinstance(column, str) or column in grid.cells or column in boundaries or column == "area_km2":
        return
    numbers = dict.fromkeys(c for frame in (boundaries, grid.cells) for c in frame.select_dtypes("number").columns)
    raise SettingError(Note("hotspots.cells_no_column", population=column, meant=did_you_mean(column, numbers)))


def _load(settings: Mapping) -> str:
    load = settings.get("load", "households")
    return load if isinstance(load, str) else next(iter(load), "value")


def grid_facts(grid: Grid) -> dict[str, Any]:
    """What `run.json` says of a drawn grid: the totals of its report."""
    return {"report": dict(grid.report.attrs)} if hasattr(grid, "report") else {}


def hierarchy_of(grid: Grid, boundaries: gpd.GeoDataFrame, counts: pd.DataFrame) -> pd.DataFrame | None:
    """Counts, people and rates of every unit from the grid to the top; None where no management grids were drawn."""
    if not hasattr(grid, "report"):
        return None
    by_cell = counts["count"].groupby(level=0, sort=False).sum().reindex(grid.cells.index, fill_value=0)
    people = [c for c in PEOPLE if c in grid.cells]
    values = pd.DataFrame({"count": by_cell}).join(grid.cells[people])
    table = grid_hierarchy(grid, boundaries)
    return roll_up(values, table, rate={f"per_1000_{c}": ("count", c, 1000) for c in people})


def drawn_layer(grid: Grid) -> dict[str, gpd.GeoDataFrame]:
    """The grids that were drawn, with their codes and loads, as a layer of their own; nothing for other systems."""
    return {"grids": grid.cells} if hasattr(grid, "report") else {}


def released_grid_tables(
    grid: Grid, hierarchy: pd.DataFrame | None, audience: str = DEFAULT_AUDIENCE
) -> dict[str, Released]:
    """The report of a drawn grid and the hierarchy, as its audience may have them: name of the output → table."""
    if hierarchy is None:
        return {}
    assert isinstance(grid, BalancedGrid)
    report = grid.report
    if "code" in grid.cells:
        report = report.assign(code=grid.cells["code"])[["code", *report.columns]]
    return {
        "grid_report": release(report, "zones", audience=audience),
        "hierarchy": release(hierarchy, "counts", audience=audience),
    }
