"""One YAML file: read, checked against the functions' own signatures, run."""

from gridmap.pipeline.check import Pipeline, read_pipeline
from gridmap.pipeline.run import RunReport, run_pipeline

__all__ = ["Pipeline", "RunReport", "read_pipeline", "run_pipeline"]
