"""The paper that a pipeline asks for, of the results that stand in the staging folder."""

import json
from pathlib import Path
from typing import Any

from gridmap._audit import versions
from gridmap.reports.briefing import paper_bytes
from gridmap.reports.results_folder import findings_of_run
from gridmap.runs.config import Pipeline

__all__ = ["write_report"]


def write_report(pipeline: Pipeline, stage: Path, out: Path, manifest: dict[str, Any]) -> Path:
    """The paper that the pipeline asks for, of the results that stand in the staging folder.

    Parameters
    ----------
    pipeline : Pipeline
    stage : Path
        Holds `results/` already.
    out : Path
        Where the run will stand; earlier runs are looked for beside it, and in it.
    manifest : dict
        What `run.json` will hold.
    """
    stored = json.loads((stage / "results" / "facts.json").read_text(encoding="utf-8"))
    run = findings_of_run(stage, {"versions": versions(), **manifest}, stored, place=out)
    path = stage / str(pipeline.outputs.report)
    pages = pipeline.outputs.report_pages
    path.write_bytes(paper_bytes(run, path.suffix.lower(), language=pipeline.language, pages=pages))
    return path
