"""The former name of `gridmap.runs`: the same names, with a DeprecationWarning."""

from gridmap._moved import old_functions

_HOMES = {
    "Verdict": "gridmap.runs.verify:Verdict",
    "append_audit": "gridmap._audit:append_audit",
    "sha256_of": "gridmap._io:sha256_of",
    "staging": "gridmap.runs.run_folder:staging",
    "verify_run": "gridmap.runs.verify:verify_run",
    "versions": "gridmap._audit:versions",
}
__all__ = list(_HOMES)
__getattr__ = old_functions(__name__, _HOMES)
