"""What is in a file, and what is wrong with it: one page before any map is made."""

from gridmap.read.quality.report import LOCATED_SHARE, QualityReport, inspect_file
from gridmap.read.quality.zones import ZoneReport

__all__ = ["LOCATED_SHARE", "QualityReport", "ZoneReport", "inspect_file"]
