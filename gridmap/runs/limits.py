"""How much memory and time a run would take, said before it starts.

Cells follow from the territory's area, points from the size of their files, work from cells × permutations. What a
cell and a permutation cost was measured (benchmarks/limits_model.py: 3,291 to 153,749 hexagons) and rounded up; it is
an order of magnitude, good enough to tell a run of minutes from one of years. A run beyond its limits is refused with
the numbers; `limits: {memory: 8GB, seconds: 7200}` in the pipeline file sets them.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3

from gridmap.errors import SettingError
from gridmap.messages import did_you_mean
from gridmap.runs.yamlfile import YamlFile

__all__ = ["Estimate", "check_limits", "estimate", "refuse_beyond", "to_bytes"]

KEYS = ("memory", "seconds")
SECONDS = 6 * 3600  # where nothing is said
SHARE = 0.8  # of the memory that is free, where nothing is said
FALLBACK_MEMORY = 8 << 30  # where the system does not tell
# Measured, see above; each rounded up.
BASE_S, BASE_B = 5.0, 600e6
CELL_S, CELL_B = 2e-4, 3e3  # grid, one method, tables, layers and the page
STEP_S, STEP_B = 5e-5, 500.0  # each further method
POINT_S, POINT_B, ROW_B = 2e-5, 500.0, 60  # ROW_B: bytes of a row in a file of text
DRAW_S, DRAW_B = 3e-8, 40.0  # one permutation of one cell; the draws that are held for all cells
RUN_S = 1e-4  # one cell of one stability run


@dataclass(frozen=True)
class Estimate:
    """What a run would take."""

    cells: float
    points: float
    permutations: float
    bytes: float
    seconds: float


def to_bytes(text: Any) -> float:
    """A size as it is written.

    Examples
    --------
    >>> to_bytes("800MB"), to_bytes("1.5 GB")
    (800000000.0, 1500000000.0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", str(text), flags=re.I)
    if not found or float(found[1]) <= 0:
        raise SettingError(f'memory is a size such as "800MB" or "8GB"; found {text!r}.')
    return float(found[1]) * 1000 ** " kmgt".index(found[2].lower() or " ")


def check_limits(file: YamlFile) -> dict[str, Any]:
    """The stage `limits`, held against what there is."""
    limits = file.values.get("limits") or {}
    if not isinstance(limits, Mapping):
        raise file.error(("limits",), f"limits needs options, as in `limits: {{memory: 8GB}}`; found {limits!r}.")
    for key, value in limits.items():
        if key not in KEYS:
            raise file.error(("limits", key), f"limits has no option {key!r}. {did_you_mean(key, KEYS)}")
        if key == "memory":
            try:
                to_bytes(value)
            except SettingError as error:
                raise file.error(("limits", key), str(error)) from None
        elif not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            raise file.error(("limits", key), f"seconds is a number above 0; found {value!r}.")
    return dict(limits)


def estimate(pipeline, boundaries: gpd.GeoDataFrame) -> Estimate:
    """What a run over these boundaries would take: an order of magnitude."""
    grid = pipeline.grid
    system = grid.get("system", "h3")
    area_m2 = float(boundaries.to_crs("ESRI:54034").area.sum())
    cells = float(len(boundaries))
    if system == "h3" and isinstance(grid.get("resolution"), int) and 0 <= grid["resolution"] <= 15:
        cells += area_m2 / h3.average_hexagon_area(grid["resolution"], unit="m^2")
    elif system == "square" and isinstance(grid.get("cell_size_m"), int | float) and grid["cell_size_m"] > 0:
        cells += area_m2 / grid["cell_size_m"] ** 2
    paths = pipeline.incidents["path"]
    sizes = [_size(pipeline, path) for path in ([paths] if isinstance(paths, str) else paths)]
    points = sum(sizes) / ROW_B
    seconds = BASE_S + CELL_S * cells + POINT_S * points
    drawn = 0.0
    for step in pipeline.hotspots:
        permutations = step.options.get("permutations") or 0
        permutations = float(permutations) if isinstance(permutations, int | float) else 0.0
        drawn = max(drawn, permutations)
        seconds += STEP_S * cells + DRAW_S * permutations * cells + RUN_S * step.stability * cells
    memory = BASE_B + CELL_B * cells + POINT_B * points + STEP_B * cells * len(pipeline.hotspots) + DRAW_B * drawn
    return Estimate(cells, points, drawn, memory, seconds)


def _size(pipeline, path: str) -> float:
    place = pipeline.beside(path)
    try:
        size = place.stat().st_size if "://" not in path else 0
    except OSError:
        return 0.0
    return size * (8.0 if Path(path).suffix.lower() in (".gz", ".zip", ".parquet", ".xlsx") else 1.0)


def refuse_beyond(pipeline, boundaries: gpd.GeoDataFrame) -> Estimate:
    """Refuse a run that would not keep to its limits.

    Raises
    ------
    SettingError
        With the cells, points, permutations, memory and time that were estimated, and the limits.
    """
    found = estimate(pipeline, boundaries)
    limits = pipeline.limits
    memory = to_bytes(limits["memory"]) if "memory" in limits else SHARE * _free_bytes()
    seconds = float(limits.get("seconds", SECONDS))
    if found.bytes <= memory and found.seconds <= seconds:
        return found
    drawn = f" × {found.permutations:,.0f} permutations" if found.permutations else ""
    raise SettingError(
        f"This run would take about {_size_text(found.bytes)} of memory and {_time_text(found.seconds)}: "
        f"{found.cells:,.0f} cells{drawn}, {found.points:,.0f} points. Its limits are {_size_text(memory)} and "
        f"{_time_text(seconds)}. Take larger cells or fewer permutations, or set limits: {{memory: …, seconds: …}}."
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


def _size_text(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def _time_text(seconds: float) -> str:
    for unit, length in (("years", 31_557_600), ("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:,.0f} seconds"
