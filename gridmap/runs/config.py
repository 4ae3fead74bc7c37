"""The pipeline file as one pydantic model, for editors and for the check.

The stages are fixed; the options of a stage are the keywords of the function that does the work, so the models are made
from the functions' signatures and from the registry of methods, and cannot fall behind them. `gridmap schema` prints
the JSON Schema: an editor then completes keys and marks what is misspelt while a person types.
"""

import inspect
import types
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model

from gridmap.audiences import AUDIENCES
from gridmap.counts.query import ENGINES, EVERY
from gridmap.forecasts.offered import forecast
from gridmap.grids.tiling import SYSTEMS
from gridmap.hotspots.methods import METHODS, options_of
from gridmap.messages import LANGUAGES
from gridmap.patrol.folders import plan_to_folder
from gridmap.patrol.routes.planner import plan_patrols
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents

__all__ = ["pipeline_model", "pipeline_schema"]

#: What JSON can hold of an annotation; anything else is left open.
_PLAIN = (int, float, str, bool, type(None))
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _plain_type(annotation: Any) -> Any:
    """An annotation as far as a YAML file can hold it."""
    if annotation in _PLAIN or get_origin(annotation) is Literal:
        return annotation
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [_plain_type(part) for part in get_args(annotation)]
        return Any if Any in parts else Union[tuple(parts)]  # noqa: UP007 - made at run time
    return Any


def _field(parameter: inspect.Parameter) -> tuple[Any, Any]:
    kind = _plain_type(parameter.annotation)
    default = parameter.default
    if default is inspect.Parameter.empty:
        return kind, ...
    plain = default is None or isinstance(default, _PLAIN)
    return (kind if not plain or kind is Any else kind | None), (default if plain else None)


def _options(title: str, parameters: Iterable[inspect.Parameter], /, **more: tuple[Any, Any]) -> type[BaseModel]:
    fields = {p.name: _field(p) for p in parameters} | more
    return create_model(title, __config__=ConfigDict(extra="forbid", protected_namespaces=()), **fields)  # type: ignore[call-overload]


def _keywords(function: Callable) -> list[inspect.Parameter]:
    return [p for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]


@cache
def pipeline_model() -> type[BaseModel]:
    """The model of a whole pipeline file."""
    text, texts = (str | None, None), (str | list[str] | None, None)
    paths = (str | list[str], ...)
    boundaries = _options("Boundaries", _keywords(read_boundaries), path=paths)
    incidents = _options(
        "Incidents",
        _keywords(read_incidents),
        path=paths,
        category=texts,
        period=text,
        patrol_found=(bool | None, None),
        officer_initiated=(bool | None, None),
    )
    grid = {p.name: p for system in SYSTEMS.values() for p in inspect.signature(system.over).parameters.values()}
    grid = {name: p.replace(default=None, annotation=Any) for name, p in grid.items() if name != "boundaries"}
    own = dict.fromkeys(("communities", "codes"), (Any, None))
    grid_model = _options("Grid", grid.values(), system=(Literal[tuple(SYSTEMS)], "h3"), **own)
    methods = {name: (_options(name, options_of(function).values()) | None, None) for name, function in METHODS.items()}
    step = _options(
        "Hotspots",
        [],
        **methods,
        category=texts,
        period=text,
        every=(Literal[tuple(EVERY)] | None, None),
        name=text,
        show=(bool, True),
        stability=(int, 0),
    )
    forecasts = [p.replace(default=None, annotation=Any) for p in _keywords(forecast) if p.name != "progress"]
    patrol = [p for f in (plan_patrols, plan_to_folder) for p in _keywords(f)]
    patrol = [p.replace(default=None, annotation=Any) for p in patrol if p.name not in ("streets", "prize_by_shift")]
    return _options(
        "Pipeline",
        [],
        title=text,
        language=(Literal[tuple(LANGUAGES)], "en"),
        audience=(Literal[tuple(AUDIENCES)], "meeting"),
        engine=(Literal[tuple(ENGINES)], ENGINES[0]),
        limits=(_options("Limits", [], memory=(str | None, None), seconds=(float | None, None)) | None, None),
        source=text,
        classification=text,
        approval=text,
        boundaries=(boundaries, ...),
        grid=(grid_model, ...),
        incidents=(incidents, ...),
        hotspots=(list[Literal[tuple(METHODS)] | step], ...),
        forecasts=(_options("Forecasts", forecasts, category=texts, name=text) | None, None),
        patrol=(_options("Patrol", {p.name: p for p in patrol if p.name != "language"}.values()) | None, None),
        outputs=(dict[str, str] | None, None),
    )


def pipeline_schema() -> dict[str, Any]:
    """The JSON Schema of a pipeline file.

    Examples
    --------
    >>> schema = pipeline_schema()
    >>> sorted(schema["required"])
    ['boundaries', 'grid', 'hotspots', 'incidents']
    """
    return {"$schema": _DIALECT, **pipeline_model().model_json_schema()}
