"""The former name of `gridmap.runs`: the same names, with a DeprecationWarning."""

from gridmap._moved import old_functions

_HOMES = {
    "Pipeline": "gridmap.runs:Pipeline",
    "RunReport": "gridmap.runs:RunReport",
    "read_pipeline": "gridmap.runs:read_pipeline",
    "run_pipeline": "gridmap.runs:run_pipeline",
}
__all__ = list(_HOMES)
__getattr__ = old_functions(__name__, _HOMES)
