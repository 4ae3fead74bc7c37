"""What there is: every method by its name, for the command line and the pipeline file.

What a method works on is given to it by whoever runs it (`GIVEN`); everything else in its signature is an option that
a user may set. So a new method is reachable as soon as it stands in `METHODS`, and is described once.
"""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from gridmap.errors import SettingError
from gridmap.hotspots.association import local_moran
from gridmap.hotspots.autocorrelation import getis_ord
from gridmap.hotspots.change import compare_periods
from gridmap.hotspots.clusters import dbscan, hdbscan, optics
from gridmap.hotspots.concentration import hotspot_test
from gridmap.hotspots.density import kernel_density
from gridmap.hotspots.emerging import emerging_hotspots
from gridmap.hotspots.global_autocorrelation import global_geary, global_getis_ord, global_moran
from gridmap.hotspots.police_clusters import nearest_neighbour_hierarchy, stac
from gridmap.hotspots.rates import incident_rates
from gridmap.hotspots.repeats import cross_near_repeat, near_repeat
from gridmap.hotspots.risk import relative_risk
from gridmap.hotspots.scan import spatial_scan
from gridmap.hotspots.scan_permutation import space_time_permutation_scan
from gridmap.hotspots.scan_space_time import space_time_scan
from gridmap.hotspots.series import st_dbscan
from gridmap.hotspots.silence import quiet_cells
from gridmap.hotspots.times import hour_of_week
from gridmap.messages import did_you_mean

__all__ = ["GIVEN", "METHODS", "OTHER_INCIDENTS", "check_options", "inputs_of", "options_of", "other_incidents"]

METHODS: dict[str, Callable] = {
    function.__name__: function
    for function in (
        compare_periods,
        cross_near_repeat,
        dbscan,
        emerging_hotspots,
        getis_ord,
        global_geary,
        global_getis_ord,
        global_moran,
        hdbscan,
        hotspot_test,
        hour_of_week,
        incident_rates,
        kernel_density,
        local_moran,
        near_repeat,
        nearest_neighbour_hierarchy,
        optics,
        quiet_cells,
        relative_risk,
        space_time_permutation_scan,
        space_time_scan,
        spatial_scan,
        st_dbscan,
        stac,
    )
}

#: A method's parameter → what is handed over: incidents, the grid, or counts on it.
GIVEN = {
    "incidents": "incidents",
    "cases": "incidents",
    "events": "incidents",
    "first": "incidents",
    "grid": "grid",
    "adjacency": "grid",
    "counts": "counts",
    "values": "counts",
    "areas": "counts",
    "counts_by_period": "counts_by_period",
}

#: Where a method means something else by a name, or works on more than its name says.
GIVEN_TO = {"space_time_scan": {"areas": "counts_by_period"}}

#: Parameters that name a category of the incidents in a pipeline and are handed over as the incidents of that category.
OTHER_INCIDENTS = ("at_risk", "second")


def inputs_of(function: Callable) -> dict[str, str]:
    """What a method works on: its parameter, and what is handed over there.

    Examples
    --------
    >>> inputs_of(METHODS["global_moran"])
    {'values': 'counts', 'adjacency': 'grid'}
    """
    given = GIVEN | GIVEN_TO.get(function.__name__, {})
    named = inspect.signature(function).parameters.items()
    return {n: given[n] for n, p in named if n in given and (p.kind is not p.KEYWORD_ONLY or n == "grid")}


def other_incidents(function: Callable) -> list[str]:
    """The parameters by which a method takes incidents of another category: those it takes by position.

    Examples
    --------
    >>> other_incidents(METHODS["relative_risk"]), other_incidents(METHODS["hotspot_test"])
    (['at_risk'], [])
    """
    named = inspect.signature(function).parameters.items()
    return [n for n, p in named if n in OTHER_INCIDENTS and p.kind is not p.KEYWORD_ONLY]


def options_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The options that a user may set, by name."""
    given = inputs_of(function)
    return {n: p for n, p in inspect.signature(function).parameters.items() if n not in given}


def check_options(function: Callable, options: dict[str, Any], known: dict[str, Any] | None = None) -> None:
    """Hold options against a function's signature before any work starts.

    Parameters
    ----------
    function : callable
    options : dict
    known : dict, optional
        The parameters that may be set; its keyword-only ones when not given.

    Raises
    ------
    SettingError
        With `.option` naming the culprit: misspelt, of a wrong type, or missing.
    """
    name = function.__name__
    known = options_of(function) if known is None else known
    for option in options:
        if option not in known:
            has = did_you_mean(option, known) if known else "It has none."
            raise _about(option, f"{name} has no option {option!r}. {has}")
    for option, parameter in known.items():
        if parameter.default is parameter.empty and option not in options:
            raise _about(None, f"{name} needs the option {option!r}.")
    hints = get_type_hints(function)
    for option, value in options.items():
        if option in hints and not _fits(value, hints[option]):
            wanted = inspect.formatannotation(hints[option]).replace("typing.", "")
            raise _about(option, f"{name}'s option {option!r} must be {wanted}; found {value!r}.")


def _about(option: str | None, message: str) -> SettingError:
    error = SettingError(message)
    error.option = option
    return error


def _fits(value: Any, hint: Any) -> bool:
    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError):
        return True  # a type that only the function itself can judge
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return isinstance(value, list) and _fits(tuple(value), hint)
    return True
