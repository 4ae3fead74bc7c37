"""`gridmap demo --county`: a simulated Chinese county from its files to its map."""

from pathlib import Path

from gridmap.cli.app import print_report, progress_shown
from gridmap.messages import check_language

__all__ = ["run_county"]


def run_county(out: Path, language: str | None) -> None:
    """Write the county's files and its pipeline, run it, and print what was found and written."""
    from gridmap.runs.county import county_demo

    if language is not None:
        check_language(language)
    with progress_shown() as watch:
        report = county_demo(out, overrides=[f"language={language}"] if language else [], on_step=watch)
    print_report(report)
    print(f"  {out / 'county.yaml'}, {out / 'data'}")
