"""One YAML file: read, checked against the functions' own signatures, run."""

from typing import TYPE_CHECKING

import lazy_loader

from gridmap._moved import keep_old_names

if TYPE_CHECKING:
    from gridmap.runs.config import Pipeline, read_pipeline
    from gridmap.runs.run import RunReport, run_pipeline

# Imported when first used: `gridmap verify` need not wait for what a run needs.
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__, submod_attrs={"config": ["Pipeline", "read_pipeline"], "run": ["RunReport", "run_pipeline"]}
)
__all__ = ["Pipeline", "RunReport", "read_pipeline", "run_pipeline"]

keep_old_names(
    __name__,
    {
        "audience": "audience_limits",
        "files": "input_files",
        "folder": "run_folder",
        "grids": "stages.gridding",
        "stages.dates_and_kinds": "stages.settings_from_data",
        "stages.page": "stages.drawing",
        "stages.report": "stages.reporting",
        "stages.tables": "stages.result_tables",
    },
)
