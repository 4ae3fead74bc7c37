"""What is in a boundary file: `gridmap inspect` given zones instead of incidents."""

import html
from dataclasses import asdict, dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap.errors import CRSError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.coordinates import could_be_in_china
from gridmap.read.metric import metric_crs

__all__ = ["ZoneReport", "inspect_zones"]


@dataclass
class ZoneReport:
    """Zones, their codes and their geometry; the same four ways out as `QualityReport`."""

    file: str
    sha256: str | None
    rows: int
    zones: int
    level: str
    parents: int
    crs: str
    repaired: int
    area_km2: float
    overlapping_pairs: int
    columns: dict
    problems: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def to_dict(self) -> dict:
        """Everything as JSON-ready data."""
        return {**asdict(self), "pipeline": self.pipeline_yaml()}

    def text(self) -> str:
        """The page as plain text."""
        lines = [
            f"{self.file}: {self.zones:,} zones of level {self.level!r}"
            + (f" in {self.parents:,} zones above" if self.parents else ""),
            f"  {self.crs}; {self.area_km2:,.1f} km2; {self.repaired} zones with rings to repair; "
            f"{self.overlapping_pairs} pairs overlap",
        ]
        lines += ["", "What to look at", *(f"  ! {p}" for p in self.problems)] if self.problems else []
        lines += ["", "Columns", *(f"  {k}: {v}" for k, v in self.columns.items())]
        lines += ["", "Notes", *(f"  {n}" for n in self.notes)] if self.notes else []
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """The page as one HTML file that loads nothing."""
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
            f'content="{policy}"><title>{html.escape(self.file)}</title></head>'
            f"<body><pre>{html.escape(self.text())}</pre></body></html>"
        )

    def pipeline_yaml(self) -> str:
        """The line of a pipeline file that reads these zones."""
        return f"boundaries: {{path: {self.file}}}\n"

    def __rich__(self):
        from rich.text import Text

        return Text(self.text())


def inspect_zones(path, **options) -> ZoneReport:
    """A report of a boundary file, read as `read_boundaries` reads it."""
    zones = read_boundaries(path, **options)
    attrs = zones.attrs
    metres = zones.to_crs(metric_crs(tuple(zones.total_bounds)))
    area = metres.area
    pairs = _overlaps(metres)
    problems = []
    if pairs:
        problems.append(
            f"{pairs} pairs of zones overlap by more than 1 % of the smaller; a point there counts in one of them."
        )
    if attrs["repaired"]:
        problems.append(f"{attrs['repaired']} zones have rings that cross themselves; they are repaired when read.")
    middle = zones.geometry.representative_point()
    if could_be_in_china(middle.x.to_numpy(), middle.y.to_numpy()).mean() > 0.5:
        problems.append(
            "The zones lie in China: make sure that they are in WGS 84 or CGCS2000 and not drawn over a GCJ-02 map."
        )
    numbers = {
        c: f"numbers, {zones[c].min():g} to {zones[c].max():g}, total {zones[c].sum():g}"
        if pd.api.types.is_numeric_dtype(zones[c])
        else f"{zones[c].dropna().map(str).nunique()} different"
        for c in zones.columns
        if c != "geometry" and zones[c].notna().any()
    }
    return ZoneReport(
        file=str(attrs["path"]),
        sha256=attrs["sha256"],
        rows=attrs["rows"],
        zones=len(zones),
        level=attrs["level"],
        parents=int(zones["parent_id"].nunique()),
        crs=attrs["crs"],
        repaired=attrs["repaired"],
        area_km2=float(area.sum() / 1e6),
        overlapping_pairs=pairs,
        columns=numbers,
        problems=problems,
        notes=list(attrs["notes"]),
    )


def _overlaps(metres: gpd.GeoDataFrame) -> int:
    """Pairs of zones whose common area is more than a hundredth of the smaller."""
    shapes, area = metres.geometry.to_numpy(), metres.area.to_numpy()
    first, second = metres.sindex.query(shapes, predicate="overlaps")
    once = first < second
    first, second = first[once], second[once]
    common = gpd.GeoSeries(shapes[first]).intersection(gpd.GeoSeries(shapes[second])).area.to_numpy()
    return int((common > 0.01 * np.minimum(area[first], area[second])).sum())


def is_zone_file(problem: Exception) -> bool:
    """Whether reading incidents failed because the file holds areas."""
    return not isinstance(problem, CRSError) and "no points but" in str(problem) and "Polygon" in str(problem)
