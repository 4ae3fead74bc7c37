"""What is in a file, and what is wrong with it: one page before any map is made."""

from gridmap.read.quality.boundary_report import ZoneReport
from gridmap.read.quality.incident_report import LOCATED_SHARE, QualityReport, inspect_file

__all__ = ["LOCATED_SHARE", "QualityReport", "ZoneReport", "inspect_file"]
