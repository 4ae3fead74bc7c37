"""What is in a boundary file: `gridmap inspect` given zones instead of incidents."""

import html
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.errors import CRSError
from gridmap.messages import Note, check_language
from gridmap.read.boundaries import overlapping_pairs, read_boundaries
from gridmap.read.coordinates import needs_datum
from gridmap.read.metric_projection import metric_crs
from gridmap.read.quality.rendering import say

__all__ = ["ZoneReport", "inspect_zones"]


@dataclass(repr=False)
class ZoneReport(ShortForm):
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
    #: The zones themselves, for whoever goes on with them: a large file need not be read again.
    frame: Any = field(default=None, repr=False, compare=False)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"ZoneReport of {self.file}: {self.zones:,} zones of level {self.level}, "
            f"{self.overlapping_pairs:,} pairs overlap, {len(self.problems)} problems"
        )

    def to_dict(self) -> dict:
        """Everything as JSON-ready data."""
        plain = asdict(replace(self, frame=None))
        del plain["frame"]
        return {**plain, "pipeline": self.pipeline_yaml()}

    def text(self, language: str = "en") -> str:
        """The page as plain text, in a language."""
        check_language(language)
        head = "zones_page_head_in" if self.parents else "zones_page_head"
        lines = [
            say(head, language, file=self.file, zones=self.zones, level=self.level, parents=self.parents),
            "  "
            + say(
                "zones_page_facts",
                language,
                crs=self.crs,
                area=self.area_km2,
                repaired=self.repaired,
                pairs=self.overlapping_pairs,
            ),
        ]
        if self.problems:
            lines += ["", say("page_problems", language), *(f"  ! {say(p, language)}" for p in self.problems)]
        lines += ["", say("page_columns", language), *(f"  {k}: {say(v, language)}" for k, v in self.columns.items())]
        if self.notes:
            lines += ["", say("page_notes", language), *(f"  {say(n, language)}" for n in self.notes)]
        return "\n".join(lines) + "\n"

    def to_html(self, language: str = "en") -> str:
        """The page as one HTML file that loads nothing, in a language."""
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return (
            f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
            f"<title>{html.escape(self.file)}</title></head>"
            f"<body><pre>{html.escape(self.text(language))}</pre></body></html>"
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
    pairs = overlapping_pairs(metres.geometry, most=200_000)
    problems = []
    if pairs:
        problems.append(Note("read.zones_overlap", pairs=pairs))
    if attrs["repaired"]:
        problems.append(Note("read.zones_repaired", n=attrs["repaired"]))
    middle = zones.geometry.representative_point()
    if needs_datum(middle.x.to_numpy(), middle.y.to_numpy()):
        problems.append(Note("read.zones_in_china"))
    numbers = {
        c: Note("read.zones_numbers", low=zones[c].min(), high=zones[c].max(), total=zones[c].sum())
        if pd.api.types.is_numeric_dtype(zones[c])
        else Note("read.zones_different", n=zones[c].dropna().map(str).nunique())
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
        notes=[n for n in attrs["notes"] if getattr(n, "code", "") != "read.zones_overlap"],
        frame=zones,
    )


def is_zone_file(problem: Exception) -> bool:
    """Whether reading incidents failed because the file holds areas."""
    return not isinstance(problem, CRSError) and "no points but" in str(problem) and "Polygon" in str(problem)
