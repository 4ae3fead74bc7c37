"""The former name of `gridmap.counts`: the same names, with a DeprecationWarning."""

from gridmap._moved import old_functions

_HOMES = {
    "count_by_cell": "gridmap.counts.query:count_by_cell",
}
__all__ = list(_HOMES)
__getattr__ = old_functions(__name__, _HOMES)
