"""What there is: every method by its name, for the command line and the pipeline file.

A method's positional parameters say what it works on and are given to it; its keyword-only parameters are the
options a user may set. So a new method is reachable as soon as it stands in `METHODS`.
"""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

from gridmap.errors import SettingError, did_you_mean
from gridmap.hotspots.autocorrelation import getis_ord
from gridmap.hotspots.change import compare_periods
from gridmap.hotspots.clusters import dbscan, hdbscan
from gridmap.hotspots.density import kernel_density

__all__ = ["METHODS", "check_options", "inputs_of", "options_of"]

METHODS: dict[str, Callable] = {
    function.__name__: function for function in (compare_periods, dbscan, getis_ord, hdbscan, kernel_density)
}


def inputs_of(function: Callable) -> list[str]:
    """Names of what a method works on, as in ["counts", "grid"].

    Examples
    --------
    >>> inputs_of(METHODS["getis_ord"])
    ['counts', 'grid']
    """
    return [n for n, p in inspect.signature(function).parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]


def options_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The options that a user may set, by name."""
    return {n: p for n, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY}


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
