"""`gridmap demo --county`: a simulated Chinese county from its files to its map."""

from pathlib import Path

from gridmap.cli.app import tell, watching
from gridmap.errors import SettingError

__all__ = ["run_county"]


def run_county(out: Path, language: str | None) -> None:
    """Write the county's files and its pipeline, run it, and print what was found and written."""
    from gridmap.runs.county import county_demo

    if language not in (None, "en", "zh"):
        raise SettingError(f"language is en or zh; found {language!r}.")
    with watching() as watch:
        report = county_demo(out, overrides=[f"language={language}"] if language else [], on_step=watch)
    tell(report)
    print(f"  {out / 'county.yaml'}, {out / 'data'}")
