"""One YAML file: read, checked against the functions' own signatures, run."""

from gridmap.runs.config import Pipeline, read_pipeline
from gridmap.runs.run import RunReport, run_pipeline

__all__ = ["Pipeline", "RunReport", "read_pipeline", "run_pipeline"]
