"""The pipeline file: which keys there are, what each may hold, and whether a file is right, before any work starts.

One model a stage, one field a key. `read_pipeline` validates with these models, the stages of a run take them, and
`gridmap schema` prints them for editors. The keywords of the function that does a stage's work are its keys as well
(`@takes`), and a method's options are those of the registry, so neither can fall behind. A mistake is answered with its
line, the name that was meant, and the names there are.

To add a key: one field here, and what it means, as `setting.<stage>.<key>`, in each file of `gridmap/messages`.
"""

import datetime as dt
import inspect
import re
import warnings
from collections.abc import Callable, ItemsView, Iterable, KeysView, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Required, Self, TypeVar, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PrivateAttr,
    PydanticSchemaGenerationError,
    PydanticUserError,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    WrapValidator,
    create_model,
    model_validator,
)
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from typing_extensions import TypedDict

from gridmap.audiences import AUDIENCES, marking_against
from gridmap.counts.query import ENGINES, EVERY
from gridmap.errors import ReadError, SettingError
from gridmap.exports.formats import layer_endings
from gridmap.forecasts.checked_forecast import forecast
from gridmap.governance.cases import INDICATORS, Indicator, case_life
from gridmap.governance.colocation import CROSS_NULLS
from gridmap.governance.denominators import standardised_rates
from gridmap.governance.evaluation import evaluate_intervention
from gridmap.governance.register import match_hotspots
from gridmap.governance.surroundings import site_rings
from gridmap.grids.codes import Template
from gridmap.grids.systems import grid_systems
from gridmap.hotspots.registry import inputs_of, method_named, method_names, methods, options_of
from gridmap.maps.meeting_questions import STEPS
from gridmap.messages import LANGUAGES, Note, did_you_mean, known, say
from gridmap.patrol.plan_from_options import plan_to_folder
from gridmap.patrol.routes.planner import plan_patrols
from gridmap.read.boundaries import read_boundaries
from gridmap.read.context_features import read_context
from gridmap.read.features import read_features
from gridmap.read.incidents import read_incidents
from gridmap.read.several_files import export_files
from gridmap.read.store_reading import is_store
from gridmap.reports.briefing import PAPERS
from gridmap.runs.audience_limits import why_not_allowed
from gridmap.runs.yamlfile import YamlFile, parse_value, read_yaml

__all__ = [
    "BoundariesStage",
    "CaseLifeStage",
    "DenominatorsStage",
    "EvaluationStage",
    "FeatureFile",
    "ForecastsStage",
    "GridStage",
    "HotspotStep",
    "IncidentsStage",
    "LimitsStage",
    "OutputsStage",
    "PatrolStage",
    "Pipeline",
    "RegisterStage",
    "SitesStage",
    "TogetherStage",
    "check_pipeline",
    "pipeline_schema",
    "read_pipeline",
    "takes",
    "to_bytes",
]

# ---------------------------------------------------------------------------------------------------------------------
# what a value may be: each form answers with a sentence of its own


def _or_note(code: str, **more: Any) -> WrapValidator:
    """What is of another type is reported as the note `code`, with the key and what was found."""

    def check(value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise SettingError(Note(code, key=info.field_name, found=value, **more)) from None

    return WrapValidator(check)


def _one_of(names: Iterable[str]) -> BeforeValidator:
    there = list(names)

    def check(value: Any, info: ValidationInfo) -> Any:
        if value not in there:
            raise SettingError(Note("runs.one_of", key=info.field_name, names=_either(there), found=value))
        return value

    return BeforeValidator(check, json_schema_input_type=Literal[tuple(there)])


def _either(names: Sequence[str]) -> Any:
    return Note("runs.either", names=list(names[:-1]), last=names[-1]) if len(names) > 1 else names[0]


def _existing_file(path: Any, info: ValidationInfo) -> str:
    """A path as it is written, once the file is there; an address (`://`) is not looked for."""
    if not isinstance(path, str):
        raise SettingError(Note("runs.not_a_file_name", key=info.field_name or "path", found=path))
    pipeline = _pipeline_path(info)
    if path.startswith("sample:"):
        return _sample(path)
    if "://" not in path and not _is_there(_beside(pipeline, path)):
        raise SettingError(Note("runs.no_file", path=path, file=pipeline.name))
    return path


#: A part of the simulated county in place of a file.
SAMPLE = re.compile(r"sample://county/\d{1,9}/(communities|buildings|roads|river|cameras|incidents|measures)")


def _sample(path: str) -> str:
    """A part of the simulated county, as in sample://county/0/incidents: it is made, not read."""
    if SAMPLE.fullmatch(path) is None:
        raise SettingError(Note("runs.no_sample", found=path))
    return path


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name longer than names may be
        return False


def _existing_exports(written: Any, info: ValidationInfo) -> list[str]:
    """The files of each text: a file, a folder of exports or a pattern such as exports/*.csv."""
    found: list[str] = []
    for text in written if isinstance(written, list) else [written]:
        if not isinstance(text, str):
            raise SettingError(Note("runs.not_a_file_name", key=info.field_name or "path", found=text))
        pipeline = _pipeline_path(info)
        if text.startswith("sample:"):
            found.append(_sample(text))
            continue
        try:
            found += [name for name in export_files(text, pipeline.parent) if name not in found]
        except ReadError as error:
            note = error.args[0]
            raise SettingError(
                note if note.code != "runs.no_file" else Note(note.code, path=text, file=pipeline.name)
            ) from None
    return found


def _pipeline_path(info: ValidationInfo) -> Path:
    """Where the pipeline file is that is being checked: the context of the validation is its `YamlFile`."""
    return info.context.path if isinstance(info.context, YamlFile) else Path("pipeline.yaml")


def _beside(pipeline: Path, path: str) -> Path:
    return Path(path) if Path(path).is_absolute() else pipeline.parent / path


def _file_or_mapping(value: Any) -> Any:
    """`roads: roads.geojson` or `roads: {path: roads.geojson}`."""
    return value.get("path") if isinstance(value, Mapping) else value


def _beside_if_text(value: Any, info: ValidationInfo) -> Any:
    return _pipeline_path(info).parent / _existing_file(value, info) if isinstance(value, str) else value


def _gazetteer(value: Any, info: ValidationInfo) -> Any:
    """`places.csv` or `{path: places.csv, datum: gcj02}`, beside the pipeline like every file."""
    if not isinstance(value, Mapping):
        return _beside_if_text(value, info)
    return {**value, "path": _beside_if_text(value.get("path"), info)}


Text = Annotated[str, _or_note("runs.text")]
Texts = Annotated[str | list[str], _or_note("runs.texts")]
Flag = Annotated[bool, _or_note("runs.flag")]
#: A year, month or day; a year may be written as a number.
Period = Annotated[Text, BeforeValidator(lambda v: str(v) if type(v) is int else v, json_schema_input_type=str | int)]
File = Annotated[str, BeforeValidator(_existing_file)]
Files = Annotated[list[str], BeforeValidator(_existing_exports, json_schema_input_type=str | list[str])]
#: An option that is a file here, and a number or a table for the function that takes it.
FileOption = Annotated[Any, BeforeValidator(_file_or_mapping), AfterValidator(_beside_if_text)]


def to_bytes(text: Any) -> float:
    """A size as it is written.

    Examples
    --------
    >>> to_bytes("800MB"), to_bytes("1.5 GB")
    (800000000.0, 1500000000.0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", str(text), flags=re.I)
    if not found or float(found[1]) <= 0:
        raise SettingError(Note("runs.not_a_size", found=text))
    return float(found[1]) * 1000 ** " kmgt".index(found[2].lower() or " ")


def _steps(value: Any) -> Any:
    if not isinstance(value, list) or not value:
        raise SettingError(Note("runs.hotspots_list"))
    return tuple(value)


def _day(value: Any) -> str:
    """A day as 2024-03-31."""
    found = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", str(value).strip())
    try:
        return dt.date(*map(int, found.groups())).isoformat()  # type: ignore[union-attr]
    except (AttributeError, ValueError):
        raise SettingError(Note("runs.as_of_day", found=value)) from None


def _size(value: Any) -> str:
    to_bytes(value)
    return str(value)


# ---------------------------------------------------------------------------------------------------------------------
# options: the keywords of functions


def _kept_as_written(hint: Any, name: str, owner: Any) -> Any:
    """A type that a value must fit strictly and that leaves it as it was written; a list fits where a tuple does."""
    try:
        TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError):
        return Any  # a type that only the function itself can judge

    def check(value: Any, handler: Callable[[Any], Any]) -> Any:
        for tried in (value, tuple(value)) if isinstance(value, list) else (value,):
            try:
                handler(tried)
            except ValidationError:
                continue
            return value
        wanted = inspect.formatannotation(hint).replace("typing.", "")
        raise SettingError(Note("hotspots.option_type", name=owner, option=name, wanted=wanted, found=repr(value)))

    return Annotated[hint, WrapValidator(check)]


def _default(parameter: inspect.Parameter) -> Any:
    plain = parameter.default is None or isinstance(parameter.default, int | float | str | bool)
    return parameter.default if plain else None


def _hints(function: Callable) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError:  # names that only its own module's type checker knows
        return {}


class Options:
    """The options of a method, a grid system or a reader, as a type made from parameters.

    Parameters
    ----------
    owner : str or Note
        What a message calls them.
    function : callable
        Whose annotations hold.
    parameters : mapping
        The options that may be set.
    **types
        What is something else in a file, and what there is beside the parameters.
    """

    def __init__(self, owner: Any, function: Callable, parameters: Mapping[str, inspect.Parameter], **types: Any):
        hints, fields = _hints(function), {}
        for name, parameter in parameters.items():
            kind = types.pop(name) if name in types else _kept_as_written(hints.get(name, Any), name, owner)
            if parameter.default is parameter.empty:
                fields[name] = Required[kind]
            else:
                about = Field(json_schema_extra={"default": _default(parameter)})
                fields[name] = NotRequired[Annotated[kind, about]]
        fields |= {name: NotRequired[kind] for name, kind in types.items()}
        make: Any = TypedDict
        whole = make(function.__name__, fields)
        whole.__pydantic_config__ = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)
        self.owner, self.names, self.adapter = owner, list(fields), TypeAdapter(whole)

    def check(self, values: Mapping[str, Any], file: Any, *place: Any) -> dict[str, Any]:
        """The options, checked; a mistake is a SettingError with its place."""
        try:
            return self.adapter.validate_python(dict(values), context=file)
        except ValidationError as error:
            at, note = _faults(error, lambda loc: (self.owner, self.names))[0]
            raise _refused(note, *place, *at) from None


def _keyword_only(*functions: Callable, without: Iterable[str] = ()) -> dict[str, tuple[Callable, inspect.Parameter]]:
    named = ((f, n, p) for f in functions for n, p in inspect.signature(f).parameters.items())
    return {n: (f, p) for f, n, p in named if p.kind is p.KEYWORD_ONLY and n not in without}


# ---------------------------------------------------------------------------------------------------------------------
# the stages


class Stage(BaseModel):
    """The keys of one stage; it can be read like the mapping of the file as well.

    Attributes
    ----------
    keywords : set of str
        Keys that are keywords of the function that does the stage's work.
    """

    model_config = ConfigDict(
        defer_build=True,
        extra="forbid",
        strict=True,
        frozen=True,
        protected_namespaces=(),
        arbitrary_types_allowed=True,
    )
    keywords: ClassVar[frozenset[str]] = frozenset()
    _given: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_what_was_given(cls, values: Any, handler: Callable[[Any], Self]) -> Self:
        made = handler(values)
        if isinstance(values, Mapping):
            made._given = dict(values)
        return made

    @classmethod
    def stage(cls) -> str:
        """Its key in the file."""
        return cls.__name__.removesuffix("Stage").lower()

    @property
    def options(self) -> dict[str, Any]:
        """What the file sets of the function's keywords, in its order."""
        return {name: getattr(self, name) for name in self._given if name in self.keywords}

    def keys(self) -> KeysView[str]:
        """The keys that the file has."""
        return self._given.keys()

    def items(self) -> ItemsView[str, Any]:
        """The keys that the file has, with their values as they are written."""
        return self._given.items()

    def __getitem__(self, key: str) -> Any:
        return self._given[key]

    def __contains__(self, key: object) -> bool:
        return key in self._given

    def __eq__(self, other: object) -> bool:
        return self._given == other if isinstance(other, Mapping) else super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]


S = TypeVar("S", bound=Stage)


def takes(*functions: Callable, without: Iterable[str] = ()) -> Callable[[type[S]], type[S]]:
    """A stage whose keys are also the keyword-only parameters of functions, but those in `without`."""

    def add(stage: type[S]) -> type[S]:
        found = _keyword_only(*functions, without=without)
        hints = {function: _hints(function) for function in functions}
        fields: dict[str, Any] = {}
        for name, (function, parameter) in found.items():
            if name not in stage.model_fields:
                kind = _kept_as_written(hints[function].get(name, Any), name, stage.stage())
                needed = parameter.default is parameter.empty
                fields[name] = (kind, ... if needed else _default(parameter))
        whole = create_model(stage.__name__, __base__=stage, __module__=__name__, __doc__=stage.__doc__, **fields)
        whole.keywords = frozenset(found)
        return whole

    return add


@takes(read_boundaries)
class BoundariesStage(Stage):
    """The territory: a file, and the keywords of `read_boundaries`."""

    path: File


@takes(read_incidents, without=("boundaries", "h3_resolution"))
class IncidentsStage(Stage):
    """The incidents: one file or several, the keywords of `read_incidents`, and what is kept of them."""

    path: Files
    store: Text | None = None
    gazetteer: Annotated[Any, BeforeValidator(_gazetteer)] = None
    category: Texts | None = None
    period: Period | None = None
    officer_initiated: Flag | None = None
    patrol_found: Flag | None = None  # the earlier name of officer_initiated

    @model_validator(mode="before")
    @classmethod
    def _path_or_store(cls, values: Any, info: ValidationInfo) -> Any:
        """`store: DIR` is `path: DIR`, where the folder must hold a store."""
        if not isinstance(values, Mapping) or not isinstance(values.get("store"), str):
            return values
        if "path" in values:
            raise _refused(Note("store.and_path"), "store")
        if not is_store(_beside(_pipeline_path(info), values["store"])):
            raise _refused(Note("store.none", folder=values["store"]), "store")
        return {**values, "path": values["store"]}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Either `path` or `store` is needed."""
        found = handler.resolve_ref_schema(handler(core_schema))
        required = [name for name in found.pop("required", []) if name != "path"]
        return {
            **found,
            **({"required": required} if required else {}),
            "oneOf": [{"required": ["path"]}, {"required": ["store"]}],
        }

    @property
    def filters(self) -> dict[str, Any]:
        """What `Incidents.where` is given."""
        named = ("category", "period", "officer_initiated", "patrol_found")
        return {name: getattr(self, name) for name in named if name in self}


@takes(read_features)
class FeatureFile(Stage):
    """A file that the grid is drawn along, as in `roads.geojson` or `{path: buildings.csv, datum: gcj02}`."""

    path: File


@takes(read_context)
class ContextFile(Stage):
    """A file of streets, water, railways or names that the page draws, as in `county.osm.pbf`."""

    path: File


class TimelineStage(Stage):
    """Counts of incidents in time, on the page's slider or clock: of which kinds, in months, weeks or hours."""

    every: Annotated[str, _one_of(EVERY)]
    category: Texts | None = None
    period: Period | None = None
    name: Text | None = None


def _context_files(value: Any) -> Any:
    """`context: county.osm.pbf`, `{path: …}`, or a list of these."""
    files = value if isinstance(value, list) else [] if value is None else [value]
    return tuple({"path": file} if isinstance(file, str) else file for file in files)


def _timeline_steps(value: Any) -> Any:
    """`timeline: month`, `{every: month, category: …}`, a list of these; nothing, as of `--set timeline=null`."""
    steps = value if isinstance(value, list) else [] if value is None else [value]
    return tuple({"every": step} if isinstance(step, str) else step for step in steps)


#: The basic units of a balanced grid, and their earlier name.
BASIC_UNITS = ("basic_units", "atoms")
#: The settings of a balanced grid that are files in a pipeline.
GRID_LAYERS = (*BASIC_UNITS, "follow", "barriers", "exclusive", "keep")


def _feature_file(value: Any, info: ValidationInfo) -> FeatureFile:
    key, given = info.field_name, value if isinstance(value, Mapping) else {"path": value}
    if not isinstance(given.get("path"), str):
        raise SettingError(Note("runs.grid_layer", key=key, found=value))
    try:
        return FeatureFile.model_validate(dict(given), context=info.context)
    except ValidationError as error:
        raise SettingError(_faults(error, lambda loc: (key, list(FeatureFile.model_fields)))[0][1]) from None


def _template(value: Any) -> Any:
    Template.read(value)
    return value


@cache
def _grid_options(system: str) -> Options:
    """The settings of a grid system; a balanced grid's layers are files, and it has two settings more."""
    over = grid_systems()[system].over  # type: ignore[attr-defined]
    named = {n: p for n, p in inspect.signature(over).parameters.items() if n != "boundaries"}
    file = Annotated[Any, BeforeValidator(_feature_file), WithJsonSchema({"type": ["string", "object"]})]
    more = dict.fromkeys(GRID_LAYERS, file) if system == "balanced" else {}
    if system == "balanced":
        more |= {
            "communities": Annotated[str, _or_note("runs.communities")],
            "codes": Annotated[Any, AfterValidator(_template)],
        }
    return Options(Note("runs.grid_system", system=system), over, named, **more)


class GridStage(Stage):
    """The grid: a system, and its own settings.

    Attributes
    ----------
    settings : dict
        Of the system, as `make_grid` takes them; for a balanced grid without its layers.
    layers : dict of str to FeatureFile
        What a balanced grid is drawn along.
    communities : str or None
        The column by which zones are joined to the communities that are divided.
    codes : str or None
        The template of the grids' codes.
    """

    system: str = "h3"
    settings: dict[str, Any] = Field(default_factory=dict)
    layers: dict[str, FeatureFile] = Field(default_factory=dict)
    communities: str | None = None
    codes: Any = None

    @model_validator(mode="before")
    @classmethod
    def _of_its_system(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, Mapping):
            return values
        system = values.get("system", "h3")
        if system not in grid_systems():
            raise _refused(
                Note("runs.no_grid_system", found=system, meant=did_you_mean(system, grid_systems())), "system"
            )
        given = {key: value for key, value in values.items() if key != "system"}
        if system == "balanced" and set(BASIC_UNITS) <= given.keys():
            raise _refused(Note("grids.units_twice"), BASIC_UNITS[1])
        checked = _grid_options(system).check(given, info.context)
        own = {name: checked[name] for name in ("communities", "codes") if system == "balanced" and name in checked}
        layers = {name: value for name, value in checked.items() if isinstance(value, FeatureFile)}
        settings = {name: value for name, value in given.items() if name not in own and name not in layers}
        return {"system": system, "settings": settings, "layers": layers, **own}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Keys by system; where none is named, those of h3."""
        systems = {"type": "string", "enum": list(grid_systems()), "default": "h3"}
        cases = []
        for system in grid_systems():
            of_it = {**handler(_grid_options(system).adapter.core_schema)}
            then = {**of_it, "properties": {"system": True, **of_it.get("properties", {})}}
            named: dict[str, Any] = {"properties": {"system": {"const": system}}}
            cases.append({"if": named if system == "h3" else {**named, "required": ["system"]}, "then": then})
        return {"title": "GridStage", "type": "object", "properties": {"system": systems}, "allOf": cases}


#: Systems of a grid that a method may have for itself.
OWN_GRIDS = ("h3", "square", "zones")


class HotspotStep(Stage):
    """One entry under `hotspots:`, as in `- getis_ord: {order: 1}` with `category: Burglary` beside it.

    Attributes
    ----------
    method : str
        Of the registry.
    settings : dict
        The method's options.
    """

    method: str
    settings: dict[str, Any] = Field(default_factory=dict)
    category: Texts | None = None
    period: Period | None = None
    every: Annotated[str, _one_of(EVERY)] | None = None
    each: Annotated[str, _one_of(("category",))] | None = None
    officer_initiated: Flag | None = None
    hours: (
        Annotated[
            list[Annotated[StrictInt, Field(ge=0, le=23)]],
            Field(min_length=2, max_length=2),
            _or_note("read.hours_form"),
        ]
        | None
    ) = None
    weekdays: (
        Annotated[list[Annotated[StrictInt, Field(ge=0, le=6)]], Field(min_length=1), _or_note("read.weekdays_form")]
        | None
    ) = None
    grid: GridStage | None = None
    name: Text | None = None
    show: Flag = True
    stability: Annotated[int, Field(ge=0, le=1000), _or_note("runs.whole_number", least=0, most=1000)] = 0
    weight: Annotated[str, _or_note("counts.weight_is_a_column")] | None = None

    @classmethod
    def own_keys(cls) -> list[str]:
        """What may stand beside the method."""
        return [name for name in cls.model_fields if name not in ("method", "settings")]

    @property
    def options(self) -> dict[str, Any]:
        """The method's options."""
        return self.settings

    @property
    def of_whom(self) -> dict[str, Any]:
        """What `Incidents.where` keeps for this step, whatever the period."""
        names = ("category", "officer_initiated", "hours", "weekdays")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    @model_validator(mode="before")
    @classmethod
    def _one_method(cls, entry: Any, info: ValidationInfo) -> Any:
        entry = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping):
            raise SettingError(Note("runs.step_is_a_method", found=repr(entry)))
        names = [key for key in entry if key not in cls.own_keys()]
        there = [name for name in names if name in method_names()]
        for name in names:
            if name not in there and there:
                meant = did_you_mean(name, [there[0], *cls.own_keys()])
                raise _refused(Note("hotspots.no_option", name=Note("runs.step"), found=name, meant=meant), name)
            if name not in there:
                raise _refused(Note("hotspots.no_method", found=name, meant=did_you_mean(name, method_names())), name)
        if not names:
            raise SettingError(Note("runs.no_method_named"))
        if len(names) > 1:
            raise SettingError(Note("runs.one_method", found=len(names), names=names))
        options = entry[names[0]] or {}
        if not isinstance(options, Mapping):
            raise _refused(Note("runs.method_needs_options", method=names[0], found=repr(options)), names[0])
        checked = _method_options(names[0]).check(options, info.context, names[0])
        if "random_state" in options_of(method_named(names[0]).function):
            checked.setdefault("random_state", 0)  # so that a run can be replayed
        own = {key: value for key, value in entry.items() if key != names[0]}
        return {"method": names[0], "settings": checked, **own}

    @model_validator(mode="after")
    def _plain_grid(self) -> Self:
        """A grid of its own is one that needs no files: h3, square or zones."""
        if self.grid is not None and self.grid.system not in OWN_GRIDS:
            raise _refused(Note("runs.own_grid_system", found=self.grid.system, names=_either(OWN_GRIDS)), "grid")
        return self

    @model_validator(mode="after")
    def _stability_and_weight(self) -> Self:
        """What is resampled must have labels; what is summed must be counted, and cannot be resampled."""
        method = method_named(self.method)
        if self.stability and not (method.resampled and method.labels):
            able = [name for name, m in methods().items() if m.resampled and m.labels]
            raise _refused(Note("runs.no_stability", able=able, method=self.method), "stability")
        if self.weight is not None:
            if not {"counts", "counts_by_period"} & set(inputs_of(method.function).values()):
                raise _refused(Note("counts.weight_needs_counts", method=self.method), "weight")
            if self.stability:
                raise _refused(Note("counts.weight_and_stability"), "weight")
        return self

    @model_validator(mode="after")
    def _every_where_periods_are_compared(self) -> Self:
        """`every` beside a method that counts no periods would be ignored without a word."""
        if self.every is not None and "counts_by_period" not in inputs_of(method_named(self.method).function).values():
            able = [name for name, m in methods().items() if "counts_by_period" in inputs_of(m.function).values()]
            raise _refused(Note("runs.every_needs_periods", method=self.method, able=able), "every")
        return self

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """A method's name, or one method with its options and the keys beside it."""
        whole = handler.resolve_ref_schema(handler(core_schema))
        beside = {key: value for key, value in whole["properties"].items() if key in cls.own_keys()}
        for name in methods():
            options = handler(_method_options(name).adapter.core_schema)
            beside[name] = {"anyOf": [options, {"type": "null"}], "description": methods()[name].title}
        entry = {"title": "HotspotStep", "type": "object", "properties": beside, "additionalProperties": False}
        return {"anyOf": [{"enum": list(methods())}, entry]}


@cache
def _method_options(name: str) -> Options:
    function = method_named(name).function
    return Options(name, function, options_of(function))


@takes(forecast, without=("progress",))
class ForecastsStage(Stage):
    """A forecast: the options of `gm.forecast`, and of which incidents."""

    category: Texts | None = None
    name: Text | None = None


@takes(plan_patrols, plan_to_folder, without=("prize_by_shift", "language"))
class PatrolStage(Stage):
    """Patrols: the options of `plan_to_folder` and of `plan_patrols`, with files for roads, streets and units."""

    units: FileOption
    roads: FileOption = None
    streets: FileOption = None
    prize: Literal["hotspots", "forecast"] = "hotspots"

    @property
    def options(self) -> dict[str, Any]:
        """What the file sets; random where it says so only, so that a run can be replayed."""
        return {"random_state": 0} | super().options


class IndicatorTable(Stage):
    """One indicator of `case_life:`: which events are counted among which, and where it is prescribed."""

    over: Text
    of: Text
    high_is_good: Flag = True
    formula: Text = ""
    source: Text = ""

    @property
    def indicator(self) -> Indicator:
        """As `case_life` takes it."""
        return Indicator(self.over, self.of, self.high_is_good, self.formula, self.source)


@takes(case_life, without=("columns", "indicators", "now", "thresholds"))
class CaseLifeStage(Stage):
    """How the events are handled: the options of `gm.case_life`, and what else a meeting asks of it."""

    by: Annotated[str, _or_note("runs.text")] = "zone"
    breakdowns: Annotated[list[str], _or_note("runs.texts")] = Field(default_factory=list)
    category: Texts | None = None
    name: Text | None = None
    columns: Annotated[dict[str, str], _or_note("runs.columns_by_role")] | None = None
    now: Annotated[str, BeforeValidator(_day)] | None = None
    indicators: dict[str, IndicatorTable] | None = None
    thresholds: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(default_factory=dict)
    lateness: Flag = False

    @classmethod
    def stage(cls) -> str:
        """Its key in the file."""
        return "case_life"

    @property
    def chosen(self) -> dict[str, Indicator]:
        """The table of indicators: the file's own, else the standards'."""
        return dict(INDICATORS) if self.indicators is None else {k: v.indicator for k, v in self.indicators.items()}


class FollowStep(Stage):
    """One kind whose hotspots are followed over periods."""

    periods: Annotated[list[Period], Field(min_length=2)]
    category: Texts | None = None
    name: Text | None = None


@takes(match_hotspots, without=("former", "exposure"))
class RegisterStage(Stage):
    """The register of named areas beside the hotspots of now, and hotspots that keep their identity over periods."""

    path: File | None = None
    day: Annotated[str, BeforeValidator(_day)] | None = None
    within_days: Annotated[int, Field(ge=0)] = 60
    category: Texts | None = None
    period: Period | None = None
    name: Text | None = None
    follow: list[FollowStep] = Field(default_factory=list)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.path is None and not self.follow:
            raise SettingError(Note("runs.register_needs"))
        return self


@takes(evaluate_intervention, without=("chosen_from",))
class EvaluationStage(Stage):
    """One measure: where, since when, against what; and the options of `gm.evaluate_intervention`."""

    name: Text
    area: Text
    start: Annotated[str, BeforeValidator(_day)]
    category: Texts | None = None
    end: Annotated[str, BeforeValidator(_day)] | None = None
    since: Annotated[str, BeforeValidator(_day)] | None = None
    buffer: list[float] | float | None = None
    chosen_for_its_peak: Flag = False

    @classmethod
    def stage(cls) -> str:
        """Its key in the file."""
        return "evaluations"


class TogetherStage(Stage):
    """Which kinds go together: co-location quotients, and cross-K for pairs."""

    kinds: Annotated[list[str], Field(min_length=2)] | None = None
    period: Period | None = None
    k: Annotated[int, Field(ge=1)] = 1
    permutations: Annotated[int, Field(ge=0, le=9999)] = 199
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    distances_m: list[float] = Field(default_factory=lambda: [50.0, 100.0, 200.0, 400.0, 800.0])
    null: Annotated[str, _one_of(CROSS_NULLS)] = CROSS_NULLS[0]
    name: Text | None = None


@takes(standardised_rates, without=("count", "unit"))
class DenominatorsStage(Stage):
    """Rates with several denominators: the options of `gm.standardised_rates`, over the boundaries."""

    per: list[str]
    unit: Text | None = None
    category: Texts | None = None
    period: Period | None = None
    name: Text | None = None


@takes(site_rings, without=("roads", "territory"))
class SitesStage(Stage):
    """Sites with rings: a file of sites, and the options of `gm.site_rings`."""

    path: File
    roads: File | None = None
    rings_m: list[float] = Field(default_factory=lambda: [200.0, 500.0])
    category: Texts | None = None
    period: Period | None = None
    title: Text | None = None


class LimitsStage(Stage):
    """What a run may take; beyond it, it is refused before it starts."""

    memory: Annotated[str, BeforeValidator(_size)] | None = None
    seconds: Annotated[float, Field(gt=0), _or_note("runs.above_zero")] | None = None


def _ends_in(*endings: str) -> BeforeValidator:
    def check(name: Any, info: ValidationInfo) -> Any:
        if not isinstance(name, str) or not name.endswith(endings):
            raise SettingError(Note("runs.output_ending", key=info.field_name, endings=_either(endings), found=name))
        if Path(name).name != name or name == "run.json":
            raise SettingError(Note("runs.plain_file_name", key=info.field_name, found=name))
        return name

    return BeforeValidator(check)


class OutputsStage(Stage):
    """What a run writes: a file name for each."""

    map: Annotated[str, _ends_in(".html")] | None = None
    layers: Annotated[str, _ends_in(*layer_endings())] | None = None
    counts: Annotated[str, _ends_in(".parquet", ".csv")] | None = None
    set_aside: Annotated[str, _ends_in(".csv", ".parquet")] | None = None
    surface: Annotated[str, _ends_in(".tif")] | None = None
    report: Annotated[str, _ends_in(*PAPERS)] | None = None
    report_pages: Literal[1, 4] = 4

    @model_validator(mode="before")
    @classmethod
    def _only_outputs(cls, values: Any) -> Any:
        for key in values if isinstance(values, Mapping) else ():
            if key not in cls.model_fields:
                raise _refused(Note("runs.no_output", found=key, meant=did_you_mean(key, cls.model_fields)), key)
        return values

    @model_validator(mode="after")
    def _each_its_own(self) -> Self:
        if len(set(self.files.values())) < len(self.files):
            raise SettingError(Note("runs.outputs_twice"))
        return self

    @property
    def files(self) -> dict[str, str]:
        """What is written → its file name, in the order of the file."""
        return {key: name for key, name in self.items() if name is not None and key != "report_pages"}


DEFAULT_OUTPUTS = {"map": "index.html", "layers": "hotspots.gpkg", "counts": "counts.parquet"}


#: Stages that speak of how places are governed: for the analyst and the meeting.
GOVERNANCE = ("case_life", "register", "evaluations", "together", "denominators", "sites")


class _Words:
    """Marks a key whose text is never the name of a file."""


with warnings.catch_warnings():  # an abstract class has a `register` too, which nobody calls on a stage
    warnings.filterwarnings("ignore", message='Field name "register"')

    class Pipeline(Stage):
        """A checked pipeline: nothing in it is misspelt, and every file it names was found."""

        title: Annotated[Text | None, _Words] = None
        language: Annotated[str, _one_of(LANGUAGES), _Words] = "en"
        audience: Annotated[str, _one_of(AUDIENCES), _Words] = "meeting"
        limits: Annotated[
            LimitsStage, BeforeValidator(lambda v: v or {}, json_schema_input_type=LimitsStage | None), _Words
        ] = Field(default_factory=LimitsStage)
        source: Annotated[Text | None, _Words] = None
        classification: Annotated[Text | None, _Words] = None
        approval: Annotated[Text | None, _Words] = None
        story: Annotated[list[Text | None] | None, Field(max_length=len(STEPS)), _Words] = None
        as_of: Annotated[Annotated[str, BeforeValidator(_day)] | None, _Words] = None
        engine: Annotated[str, _one_of(ENGINES), _Words] = ENGINES[0]
        boundaries: BoundariesStage
        grid: GridStage
        incidents: IncidentsStage
        hotspots: Annotated[tuple[HotspotStep, ...], BeforeValidator(_steps)]
        forecasts: ForecastsStage | None = None
        case_life: CaseLifeStage | None = None
        register: RegisterStage | None = None
        evaluations: list[EvaluationStage] = Field(default_factory=list)
        together: TogetherStage | None = None
        denominators: DenominatorsStage | None = None
        sites: SitesStage | None = None
        patrol: PatrolStage | None = None
        context: Annotated[
            tuple[ContextFile, ...],
            BeforeValidator(_context_files, json_schema_input_type=str | ContextFile | list[str | ContextFile]),
        ] = ()
        timeline: Annotated[
            tuple[TimelineStage, ...],
            BeforeValidator(_timeline_steps, json_schema_input_type=str | TimelineStage | list[str | TimelineStage]),
        ] = ()
        outputs: Annotated[
            OutputsStage,
            BeforeValidator(lambda v: v or DEFAULT_OUTPUTS, json_schema_input_type=OutputsStage | None),
            _Words,
        ] = Field(default_factory=lambda: OutputsStage.model_validate(DEFAULT_OUTPUTS))
        _path: Path = PrivateAttr(default=Path())

        @property
        def path(self) -> Path:
            """The file that it was read from."""
            return self._path

        @property
        def settings(self) -> dict[str, Any]:
            """The whole file as it is written, with the audience."""
            return self._given

        @property
        def about(self) -> dict[str, str]:
            """What page and papers print of it: source, marking, approval number."""
            named = {key: getattr(self, key) for key in ("source", "classification", "approval")}
            return {key: text for key, text in named.items() if text is not None}

        def beside(self, path: str) -> Path:
            """A path of the file, which is relative to the file itself."""
            return (self.path.parent / path).resolve() if not Path(path).is_absolute() else Path(path)

        @model_validator(mode="after")
        def _hexagons_for_cells(self) -> Self:
            """Incidents that carry H3 cells are counted by the hexagons of the pipeline's grid, and by no others."""
            if self.incidents.options.get("h3_column") is None:
                return self
            if self.grid.system != "h3":
                raise _refused(Note("counts.h3_needs_hexagons", system=self.grid.system), "incidents", "h3_column")
            for i, step in enumerate(self.hotspots):
                if step.grid is not None:
                    raise _refused(Note("runs.h3_own_grid", method=step.method), "hotspots", i, "grid")
            return self

        @model_validator(mode="after")
        def _for_its_audience(self) -> Self:
            """What an audience may not have, and what an output needs."""
            if (against := marking_against(self.audience, self.classification)) is not None:
                raise _refused(against, "classification")
            if self.audience == "public":
                for stage in GOVERNANCE:
                    if stage in self:
                        raise _refused(Note("runs.not_for_the_public", stage=stage), stage)
                for i, step in enumerate(self.hotspots):
                    if step.each is not None and step.category is None:
                        raise _refused(Note("runs.each_names_kinds"), "hotspots", i, "each")
                    if step.weight is not None:
                        raise _refused(Note("counts.weight_not_public", weight=step.weight), "hotspots", i, "weight")
                    if step.grid is not None:
                        raise _refused(Note("runs.own_grid_not_public"), "hotspots", i, "grid")
            if self.patrol is not None and self.patrol.prize == "forecast" and self.forecasts is None:
                raise _refused(Note("runs.prize_needs_forecast"), "patrol", "prize")
            refused = why_not_allowed(self.audience, self.hotspots, self.patrol)
            if refused is not None:
                raise _refused(refused, "audience")
            if self.outputs.surface and not any(method_named(step.method).surface for step in self.hotspots):
                able = [name for name, method in methods().items() if method.surface]
                raise _refused(Note("runs.surface_needs", able=able), "outputs", "surface")
            return self


#: The stages whose keys are fields.
STAGES: tuple[type[Stage], ...] = (
    *(BoundariesStage, IncidentsStage, ForecastsStage, PatrolStage, LimitsStage),
    *(CaseLifeStage, RegisterStage, EvaluationStage, TogetherStage, DenominatorsStage, SitesStage),
)


def never_files() -> list[str]:
    """The keys whose text is never the name of a file."""
    return [name for name, field in Pipeline.model_fields.items() if _Words in field.metadata]


# ---------------------------------------------------------------------------------------------------------------------
# reading, and what is answered to a mistake


def read_pipeline(path: str | Path, *, overrides: Sequence[str] = (), needs: str | None = None) -> Pipeline:
    """Read one YAML file and check the whole of it.

    Parameters
    ----------
    path : str or Path
    overrides : list of "key=value"
        Settings that replace the file's, by dotted place: `grid.resolution=9`, `hotspots.0.getis_ord.order=2`.
    needs : str, optional
        A stage that the file must have, such as "patrol".

    Returns
    -------
    Pipeline

    Raises
    ------
    ReadError
        If the file cannot be read as YAML.
    SettingError
        For the first mistake: file, line, what was found, what was meant, what there is.
    """
    file = read_yaml(path)
    for override in overrides:
        _override(file, override)
    pipeline = check_pipeline(file)
    if needs is not None and getattr(pipeline, needs) is None:
        raise SettingError(Note("cli.no_stage", path=str(path), stage=needs))
    return pipeline


def check_pipeline(file: YamlFile) -> Pipeline:
    """The same for values that were read already, such as the settings of a `run.json`."""
    file.values.setdefault("audience", "meeting")
    try:
        pipeline = Pipeline.model_validate(file.values, context=file)
    except ValidationError as error:
        faults = sorted(_faults(error, _owner), key=lambda fault: (_rank(fault[1]), file.line(fault[0])))
        raise file.error(*faults[0]) from None
    pipeline._path = file.path
    return pipeline


def _refused(note: Any, *place: Any) -> SettingError:
    """A SettingError that knows which key below the model it speaks of."""
    error = SettingError(note)
    error.place = place  # type: ignore[attr-defined]
    return error


def _owner(place: tuple) -> tuple[Any, list[str]]:
    """Whose key a place names, as a message calls it, and the keys that there are."""
    if len(place) == 1:
        return None, list(Pipeline.model_fields)
    stages = {s.stage(): s for s in STAGES}
    if place[0] == "evaluations" and len(place) == 2:
        return "evaluations", list(EvaluationStage.model_fields)
    return place[0], list(stages[place[0]].model_fields) if place[0] in stages else []


def _faults(error: ValidationError, owner: Callable[[tuple], tuple[Any, list[str]]]) -> list[tuple[tuple, Note]]:
    """What pydantic found, as (place, note); a misspelt key before one that is missing for it."""
    return sorted(
        (_fault(found, owner) for found in error.errors(include_url=False)), key=lambda fault: _rank(fault[1])
    )


def _rank(note: Note) -> int:
    """Which mistake is reported first: the whole file's, then those of values by their line, then what is missing."""
    order = {"runs.no_such_stage": 0, "runs.stage_missing": 1, "hotspots.option_needed": 3, "runs.needs_a_path": 3}
    return order.get(note.code, 2)


def _fault(found: Mapping[str, Any], owner: Callable[[tuple], tuple[Any, list[str]]]) -> tuple[tuple, Note]:
    place, kind = tuple(found["loc"]), found["type"]
    if kind == "value_error" and isinstance(own := found["ctx"]["error"], SettingError):
        return (*place, *getattr(own, "place", ())), own.args[0]
    name, known = owner(place)
    key = str(place[-1]) if place else ""
    if kind == "extra_forbidden" and name is None:
        return place, Note("runs.no_such_stage", found=key, meant=did_you_mean(key, known))
    if kind == "extra_forbidden":
        meant = did_you_mean(key, known) if known else Note("hotspots.no_options")
        return place, Note("hotspots.no_option", name=name, found=key, meant=meant)
    if kind == "missing" and name is None:
        needed = [n for n, field in Pipeline.model_fields.items() if field.is_required()]
        return place[:-1], Note("runs.stage_missing", stage=key, needed=needed)
    if kind == "missing" and key == "path":
        return place[:-1], Note("runs.needs_a_path", stage=name)
    if kind == "missing":
        return place[:-1], Note("hotspots.option_needed", name=name, option=key)
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return place, Note("runs.needs_options", stage=key, found=repr(found["input"]))
    return place, Note("runs.wrong_value", key=key, found=repr(found["input"]), why=found["msg"])


def _override(file: YamlFile, override: str) -> None:
    place, separator, text = override.partition("=")
    if not separator or not place:
        raise SettingError(Note("runs.set_form", found=override))
    *parents, last = place.split(".")
    target: Any = file.values
    for part in parents:
        target = target.setdefault(part, {}) if isinstance(target, dict) else _item(target, part, override)
    if isinstance(target, dict):
        target[last] = parse_value(text)
    else:
        _item(target, last, override)
        target[int(last)] = parse_value(text)


def _item(target: Any, part: str, override: str) -> Any:
    if not isinstance(target, list) or not part.isdigit() or int(part) >= len(target):
        raise SettingError(Note("runs.set_nothing_there", override=override, part=part))
    return target[int(part)]


# ---------------------------------------------------------------------------------------------------------------------
# for editors


class _Schema(GenerateJsonSchema):
    """What JSON cannot hold, such as a table, is left open."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> JsonSchemaValue:
        return {}


#: The parts of a stage that are tables themselves: the key under which each stands → what it is, and in which stage.
PARTS: dict[str, tuple[type[Stage], str]] = {
    "context": (ContextFile, "pipeline"),
    "follow": (FollowStep, "register"),
    "indicators": (IndicatorTable, "case_life"),
}


def described_keys() -> dict[str, list[str]]:
    """Stage → its keys, each of which has a text `setting.<stage>.<key>` in every language."""
    stages: tuple[type[Stage], ...] = (*STAGES, OutputsStage, TimelineStage)
    keys = {stage.stage(): list(stage.model_fields) for stage in stages}
    parts = {key: list(part.model_fields) for key, (part, _) in PARTS.items()}
    step = {"hotspots": HotspotStep.own_keys(), "grid": ["system", "communities", "codes"]}
    return {"pipeline": list(Pipeline.model_fields), **keys, **parts, **step}


def pipeline_schema(language: str = "en") -> dict[str, Any]:
    """The JSON Schema of a pipeline file, with what each key means in a language.

    Examples
    --------
    >>> schema = pipeline_schema()
    >>> sorted(schema["required"])
    ['boundaries', 'grid', 'hotspots', 'incidents']
    >>> schema["properties"]["title"]["description"]
    'What page and papers are headed with.'
    """
    schema = Pipeline.model_json_schema(schema_generator=_Schema)
    _describe(schema, language)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _describe(schema: dict[str, Any], language: str) -> None:
    """Put the meaning of each key beside its type."""
    parts = {"pipeline": schema} | {name.removesuffix("Stage").lower(): part for name, part in schema["$defs"].items()}
    stages = {stage.stage(): stage.__name__ for stage in STAGES}
    stages |= {key: part.__name__ for key, (part, _) in PARTS.items()}
    parts |= {stage: schema["$defs"][name] for stage, name in stages.items() if name in schema["$defs"]}
    for stage, keys in described_keys().items():
        for part in _objects(parts["hotspotstep" if stage == "hotspots" else stage]):
            for key in keys:
                if key in part and isinstance(part[key], dict):
                    part[key]["description"] = say(f"setting.{stage}.{key}", language)
    for settings in _objects(schema["$defs"]["GridStage"]):  # of each system; a plug-in's may have none
        for key in settings:
            code = f"setting.grid.{BASIC_UNITS[0] if key in BASIC_UNITS else key}"
            if isinstance(settings[key], dict) and known(code):
                settings[key]["description"] = say(code, language)
    _describe_methods(schema["$defs"]["HotspotStep"], language)
    schema["description"] = say("setting.pipeline.whole", language)
    schema["$defs"]["HotspotStep"]["description"] = say("setting.pipeline.hotspots", language)
    for key, part in parts.items():
        inside = PARTS[key][1] if key in PARTS else "pipeline"
        if part is not schema and known(f"setting.{inside}.{key}"):
            part["description"] = say(f"setting.{inside}.{key}", language)


def _describe_methods(step: dict[str, Any], language: str) -> None:
    """Put the name of each method beside it, and the meaning of each of its options."""
    for part in _objects(step):
        for name in part.keys() & set(method_names()):
            part[name]["description"] = say(f"method.{name}.name", language)
            for options in _objects(part[name]):
                for option in options:
                    if known(f"option.{option}"):  # a plug-in's may have none
                        options[option]["description"] = say(f"option.{option}", language)


def _objects(part: Any) -> Iterable[dict[str, Any]]:
    """The tables of properties of a schema, wherever they stand in it."""
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            yield part["properties"]
        for name, inner in part.items():
            if name in ("anyOf", "allOf", "then"):
                for each in inner if isinstance(inner, list) else [inner]:
                    yield from _objects(each)
