"""The grid stage: what a pipeline's `grid:` names is checked, read and drawn, and what came of it is written.

For most systems the stage is `make_grid` with the file's settings. Management grids (`system: balanced`) need more:
`basic_units` (`atoms` is its earlier name), `follow`, `barriers`, `exclusive` and `keep` are files here
(`buildings.csv`, or `{path: buildings.csv, datum: gcj02, where: {…}}`); `communities` names the column by which the
zones of the boundary file are joined to the communities that are divided; `codes` is the template of the grids' codes.
Their report is written as a table, and so is the hierarchy from the grid up to the county, with the counts of every
level.
"""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridmap._io import sha256_of
from gridmap.errors import SettingError
from gridmap.exports import write_table
from gridmap.grids.base import Grid
from gridmap.grids.codes import Template, grid_codes
from gridmap.grids.hierarchy import grid_hierarchy, join_zones, roll_up
from gridmap.grids.tiling import grid_systems, make_grid
from gridmap.hotspots.methods import check_options
from gridmap.messages import Note, did_you_mean
from gridmap.privacy import DEFAULT_AUDIENCE
from gridmap.read.features import read_features
from gridmap.runs.yamlfile import YamlFile

__all__ = ["check_grid", "drawn_layer", "grid_facts", "grid_files", "grid_stage", "hierarchy_of", "write_grid_tables"]

#: The settings of a balanced grid that are files in a pipeline.
LAYERS = ("basic_units", "atoms", "follow", "barriers", "exclusive", "keep")
#: The basic units, and their earlier name.
UNITS = ("basic_units", "atoms")
#: What the stage knows beside the settings of `BalancedGrid.over`.
OWN = ("communities", "codes")
PEOPLE = ("persons", "population", "人口", "households", "户数")


def check_grid(file: YamlFile) -> None:
    """The grid stage held against the system's signature; a mistake is told with its line."""
    values = file.values["grid"]
    system = values.get("system", "h3")
    systems = grid_systems()
    if system not in systems:
        raise file.error(("grid", "system"), f"there is no grid system {system!r}. {did_you_mean(system, systems)}")
    over = systems[system].over
    known: dict[str, Any] = {n: p for n, p in inspect.signature(over).parameters.items() if n != "boundaries"}
    options = {name: value for name, value in values.items() if name != "system"}
    if system == "balanced":
        if all(name in options for name in UNITS):
            raise file.error(("grid", "atoms"), Note("grids.units_twice"))
        for name in (*LAYERS, *OWN):
            if name in options:
                _check_own(file, name, options.pop(name))
        known |= dict.fromkeys(OWN, inspect.Parameter("own", inspect.Parameter.KEYWORD_ONLY, default=None))
    try:
        check_options(over, options, known)
    except SettingError as error:
        option = getattr(error, "option", None)
        message = str(error).replace(over.__name__, f"the grid system {system!r}", 1)
        raise file.error(("grid", option) if option else ("grid",), message) from None


def _check_own(file: YamlFile, name: str, value: Any) -> None:
    """A setting that is a file, a column or a template."""
    place = ("grid", name)
    if name == "codes":
        try:
            Template.read(value)
        except SettingError as error:
            raise file.error(place, str(error)) from None
        return
    if name == "communities":
        if not isinstance(value, str):
            raise file.error(place, f"communities is a column of the boundaries; found {value!r}.")
        return
    options = dict(value) if isinstance(value, Mapping) else {"path": value}
    path = options.pop("path", None)
    if not isinstance(path, str):
        raise file.error(place, f"{name} is a file, as in `{name}: roads.geojson`; found {value!r}.")
    if not (Path(path) if Path(path).is_absolute() else file.path.parent / path).exists():
        raise file.error(place, f"there is no file {path}. Paths are relative to {file.path.name} itself.")
    given = inspect.signature(read_features).parameters
    try:
        check_options(read_features, options, {n: p for n, p in given.items() if p.kind is p.KEYWORD_ONLY})
    except SettingError as error:
        raise file.error(place, str(error).replace("read_features", name, 1)) from None


def grid_files(pipeline) -> dict[str, str]:
    """The files that the grid stage reads: setting → path, as the pipeline writes it."""
    if pipeline.grid.get("system") != "balanced":
        return {}
    found = {name: pipeline.grid[name] for name in LAYERS if name in pipeline.grid}
    return {name: value["path"] if isinstance(value, Mapping) else value for name, value in found.items()}


def grid_stage(pipeline, boundaries: gpd.GeoDataFrame) -> tuple[Grid, gpd.GeoDataFrame, list[dict]]:
    """The grid of a pipeline, the zones it divides, and the files it was drawn from (for `run.json`)."""
    settings = dict(pipeline.grid)
    if settings.get("system") != "balanced":
        return make_grid(boundaries, **settings), boundaries, []
    codes, by = settings.pop("codes", None), settings.pop("communities", None)
    communities = boundaries if by is None else join_zones(boundaries, by=by)
    inputs = []
    for name, path in grid_files(pipeline).items():
        value = settings[name]
        options = {k: v for k, v in value.items() if k != "path"} if isinstance(value, Mapping) else {}
        if name in UNITS:
            options = {"within": tuple(boundaries.total_bounds), "column": _load(settings), **options}
        place = pipeline.beside(path)
        frame = read_features(place, **options)
        settings[name] = frame.set_index("cell_id") if name == "keep" and "cell_id" in frame else frame
        inputs.append({"path": path, "sha256": sha256_of(place), "rows": len(frame), "used": len(frame)})
        inputs[-1] |= {"set_aside": 0, "stage": f"grid.{name}"}
    if by is not None and not any(name in settings for name in UNITS) and _load(settings) != "area_m2":
        settings["basic_units"] = boundaries  # the zones themselves, as they were before they were joined
    grid = make_grid(communities, **settings)
    if inputs and any(name in grid_files(pipeline) for name in UNITS):
        inputs[0] |= {"used": inputs[0]["rows"] - grid.report.attrs["outside"]}
        inputs[0] |= {"set_aside": grid.report.attrs["outside"]}
    if codes is not None:
        old = settings.get("keep")
        given = old if old is not None and "code" in old else None  # codes on the signs stay where they are
        grid.cells.insert(0, "code", grid_codes(grid, codes, keep=given))
    return grid, communities, inputs


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


def write_grid_tables(
    grid: Grid, hierarchy: pd.DataFrame | None, folder: Path, audience: str = DEFAULT_AUDIENCE
) -> dict[str, Path]:
    """The report of a drawn grid and the hierarchy, as tables in a folder: key → path."""
    if hierarchy is None:
        return {}
    report = grid.report
    if "code" in grid.cells:
        report = report.assign(code=grid.cells["code"])[["code", *report.columns]]
    written = {"grid_report": folder / "grid_report.csv", "hierarchy": folder / "hierarchy.csv"}
    write_table(report, written["grid_report"], content="zones", audience=audience)
    write_table(hierarchy, written["hierarchy"], content="counts", audience=audience)
    return written
