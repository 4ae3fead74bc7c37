"""How much memory and time a run would take, estimated before it starts.

Cells follow from the territory's area, points from the size of their files, work from cells × permutations. What a
cell and a permutation cost was measured (benchmarks/limits_model.py: 3,291 to 153,749 hexagons) and rounded up; it is
an order of magnitude, good enough to tell a run of minutes from one of years. A run beyond its limits is refused with
the numbers; `limits: {memory: 8GB, seconds: 7200}` in the pipeline file sets them.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import h3
import shapely

from gridmap.errors import SettingError
from gridmap.messages import Note
from gridmap.read.store_reading import is_store, read_manifest, stored_period
from gridmap.runs.config import Pipeline, to_bytes

__all__ = ["Estimate", "estimate", "refuse_beyond"]

SECONDS = 6 * 3600  # where nothing is stated
SHARE = 0.8  # of the memory that is free, where nothing is stated
FALLBACK_MEMORY = 8 << 30  # where the system does not tell
# Measured, see above; each rounded up.
BASE_S, BASE_B = 5.0, 600e6
CELL_S, CELL_B = 2e-4, 3e3  # grid, one method, tables, layers and the page
STEP_S, STEP_B = 5e-5, 500.0  # each further method
POINT_S, POINT_B, ROW_B = 2e-5, 500.0, 60  # ROW_B: bytes of a row in a file of text
CORNER_S, CORNER_B = 5e-6, 70.0  # of zones as cells: 125,570 of 31.5 M corners took 123 s and 1.65 GB; 40 a raster
DRAW_S, DRAW_B = 3e-8, 40.0  # one permutation of one cell; the draws that are held for all cells
TOGETHER = 2_000  # zones projected at a time
RUN_S = 1e-4  # one cell of one stability run


@dataclass(frozen=True)
class Estimate:
    """What a run would take."""

    cells: float
    points: float
    permutations: float
    bytes: float
    seconds: float


def estimate(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> Estimate:
    """What a run over these boundaries would take: an order of magnitude."""
    system, grid = pipeline.grid.system, pipeline.grid.settings
    some = (boundaries.geometry.iloc[k : k + TOGETHER] for k in range(0, len(boundaries), TOGETHER))
    area_m2 = sum(float(shapes.to_crs("ESRI:54034").area.sum()) for shapes in some)
    cells = float(len(boundaries))
    if system == "h3" and isinstance(grid.get("resolution"), int) and 0 <= grid["resolution"] <= 15:
        cells += area_m2 / h3.average_hexagon_area(grid["resolution"], unit="m^2")
    elif system == "square" and isinstance(grid.get("cell_size_m"), int | float) and grid["cell_size_m"] > 0:
        cells += area_m2 / grid["cell_size_m"] / grid["cell_size_m"]
    points = sum(_size(pipeline, path) for path in pipeline.incidents.path) / ROW_B
    seconds = BASE_S + CELL_S * cells + POINT_S * points
    drawn = 0.0
    for step in pipeline.hotspots:
        permutations = step.options.get("permutations") or 0
        permutations = float(permutations) if isinstance(permutations, int | float) else 0.0
        drawn = max(drawn, permutations)
        seconds += STEP_S * cells + DRAW_S * permutations * cells + RUN_S * step.stability * cells
    memory = BASE_B + CELL_B * cells + POINT_B * points + STEP_B * cells * len(pipeline.hotspots) + DRAW_B * drawn
    if system == "zones":
        corners = float(shapely.get_num_coordinates(boundaries.geometry.to_numpy()).sum())
        seconds, memory = seconds + CORNER_S * corners, memory + CORNER_B * corners
    return Estimate(cells, points, drawn, memory, seconds)


def _size(pipeline: Pipeline, path: str) -> float:
    place = pipeline.beside(path)
    if is_store(place):
        manifest = read_manifest(place)
        span = stored_period(manifest, pipeline.incidents.period, pipeline.as_of)
        return ROW_B * sum(part.rows for part in manifest.of_period(span))
    try:
        size = place.stat().st_size if "://" not in path else 0
    except OSError:
        return 0.0
    return size * (8.0 if Path(path).suffix.lower() in (".gz", ".zip", ".parquet", ".xlsx") else 1.0)


def refuse_beyond(pipeline: Pipeline, boundaries: gpd.GeoDataFrame) -> Estimate:
    """Refuse a run that would not keep to its limits.

    Raises
    ------
    SettingError
        With the cells, points, permutations, memory and time that were estimated, and the limits.
    """
    found = estimate(pipeline, boundaries)
    limits = pipeline.limits
    memory = SHARE * _free_bytes() if limits.memory is None else to_bytes(limits.memory)
    seconds = SECONDS if limits.seconds is None else float(limits.seconds)
    if found.bytes <= memory and found.seconds <= seconds:
        return found
    drawn = Note("runs.permutations", n=found.permutations) if found.permutations else ""
    raise SettingError(
        Note(
            "runs.beyond_limits",
            memory=_size_note(found.bytes),
            time=_time_note(found.seconds),
            cells=found.cells,
            drawn=Note("runs.times", what=drawn) if drawn else "",
            points=found.points,
            most_memory=_size_note(memory),
            most_time=_time_note(seconds),
        )
    )


def _free_bytes() -> float:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return float(FALLBACK_MEMORY)


def _size_note(size: float) -> Note:
    return Note("runs.gigabytes", n=size / 1e9)


def _time_note(seconds: float) -> Note:
    for unit, length in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return Note(f"runs.{unit}", n=seconds / length)
    return Note("runs.seconds", n=seconds)
