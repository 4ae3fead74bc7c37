"""What every file says of itself, whatever its format: which run, how made, in which units, for whom."""

import importlib.metadata
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyogrio

from gridmap.exports.contents import Part

__all__ = ["KEY", "Stamp", "written_at"]

#: Under this name the facts stand in a file's metadata, as JSON.
KEY = "gridmap"


@dataclass(frozen=True)
class Stamp:
    """The facts of one writing.

    Attributes
    ----------
    run_id : str
    audience : {"internal", "meeting", "public"}
    language : {"en", "zh"}
        Of legends and field titles.
    encoding : str
        Of a shapefile's text.
    title : str
        The file's own title, as phones show it.
    """

    run_id: str
    audience: str = "meeting"
    language: str = "en"
    encoding: str = "utf-8"
    title: str = ""

    def of(self, part: Part) -> dict[str, Any]:
        """The facts of one part: run, method, settings, notes, units, CRS."""
        return {
            "run_id": self.run_id,
            "audience": self.audience,
            "made_by": f"gridmap {importlib.metadata.version('gridmap')}",
            "layer": part.name,
            **part.about(),
        }

    def as_json(self, part: Part) -> str:
        """The same as JSON text."""
        return json.dumps(self.of(part), ensure_ascii=False, default=str)

    def flat(self, part: Part) -> dict[str, str]:
        """The same as names and texts, for formats that hold nothing else."""
        facts = self.of(part)
        return {
            k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in facts.items() if v is not None
        }


def written_at() -> datetime:
    """When a file says that it was written: now, or what GDAL's OGR_CURRENT_DATE says, as in a run that is replayed."""
    told = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    return datetime.fromisoformat(str(told)) if told else datetime.now(UTC)
