"""One home for a method: what it works on, what it draws, what it may claim, in one declaration beside its function.

::

    @hotspot_method(draws="labels", scale="hot_cold", unit="incidents", columns=(…), facts="hot", resampled=True)
    def getis_ord(counts, grid, *, order=1, fdr=0.05, …): …

The pipeline file and its checks, the audiences, stability runs, the ranking, legends, layers, papers, `gridmap methods`
and the documents read it here. What a reader sees of it (a name, and what the method says about itself) stands in the
catalogue as `method.<name>.name` and `method.<name>.explains`, in every language; each label as `label.<label>`.

The meaning of a column is `column.<column>`. `missing_words` says what a declaration lacks, and a test asks it of each.

gridmap's own methods are found in the sources of this folder, so that they can be listed without importing any. Others
come by entry points of the group `gridmap.methods`: the function, decorated alike, with its words in `texts=`.
"""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, get_type_hints

from gridmap.errors import SettingError
from gridmap.messages import LANGUAGES, Note, did_you_mean, known, register_texts

__all__ = [
    "DRAWS",
    "GIVEN",
    "GROUP",
    "LESS",
    "METHODS",
    "MORE",
    "OTHER_INCIDENTS",
    "OWN",
    "SCALES",
    "Described",
    "Method",
    "check_options",
    "described_methods",
    "hotspot_method",
    "inputs_of",
    "method_named",
    "method_names",
    "methods",
    "options_of",
    "other_incidents",
    "side_of",
    "what_it_draws",
]

#: The entry points by which other packages add methods.
GROUP = "gridmap.methods"

_DECLARED = re.compile(r"^@hotspot_method\(.*?^def (\w+)\(", re.DOTALL | re.MULTILINE)
#: A declaration, its function's signature and its documentation: all that a list of methods needs to read.
_HEAD = re.compile(r'^@hotspot_method\(.*?^def \w+\(.*?""".*?"""$', re.DOTALL | re.MULTILINE)


def _own_methods() -> dict[str, str]:
    here = Path(__file__).parent
    found: dict[str, str] = {}
    for file in sorted(here.glob("*.py")) + sorted(here.glob("*/*.py")):
        if file.name != Path(__file__).name:
            module = ".".join(p for p in file.relative_to(here).with_suffix("").parts if p != "__init__")
            found |= dict.fromkeys(_DECLARED.findall(file.read_text(encoding="utf-8")), module)
    return dict(sorted(found.items()))


#: gridmap's own methods → the module of `gridmap.hotspots` that declares each.
OWN = _own_methods()

#: What a method can draw: labels of cells, amounts of cells, a surface, clusters (outlines), a table, or one statistic.
DRAWS = ("labels", "amounts", "surface", "clusters", "table", "statistic")

#: Labels by kind, in the order of the legend. What a method may find comes first, strongest first.
SCALES: dict[str, tuple[str, ...]] = {
    "hot_cold": ("hot 99", "hot 95", "hot 90", "none", "cold 90", "cold 95", "cold 99"),
    "moran": ("high-high", "high-low", "none", "low-high", "low-low"),
    "change": ("up 99", "up 95", "up 90", "none", "down 90", "down 95", "down 99"),
    "rates": ("high 99", "high 95", "high 90", "none", "low 90", "low 95", "low 99"),
    "quiet": ("possibly under-reported", "none"),
    "emerging": (
        *("new hot", "consecutive hot", "intensifying hot", "persistent hot"),
        *("diminishing hot", "sporadic hot", "oscillating hot", "historical hot", "none"),
        *("historical cold", "oscillating cold", "sporadic cold", "diminishing cold"),
        *("persistent cold", "intensifying cold", "consecutive cold", "new cold"),
    ),
}

#: Which labels of a scale say that there is more than is to be expected, and which less; strongest first. What is left
#: (an outlier among its neighbours, a hotspot of the past, a cell that may be under-reported) is of neither side.
MORE: dict[str, tuple[str, ...]] = {
    "hot_cold": ("hot 99", "hot 95", "hot 90"),
    "moran": ("high-high",),
    "change": ("up 99", "up 95", "up 90"),
    "rates": ("high 99", "high 95", "high 90"),
    "quiet": (),
    "emerging": tuple(label for label in SCALES["emerging"] if label.endswith(" hot") and label != "historical hot"),
}
LESS: dict[str, tuple[str, ...]] = {
    "hot_cold": ("cold 99", "cold 95", "cold 90"),
    "moran": ("low-low",),
    "change": ("down 99", "down 95", "down 90"),
    "rates": ("low 99", "low 95", "low 90"),
    "quiet": (),
    "emerging": tuple(
        label for label in reversed(SCALES["emerging"]) if label.endswith(" cold") and label != "historical cold"
    ),
}


def side_of(label: Any) -> int:
    """1 for a label of more than is to be expected (hot, high, up), −1 for one of less, 0 for any other.

    The one definition of hot: ranking, cores, layers, patrols and stability runs take it from here.

    Examples
    --------
    >>> [side_of(label) for label in ("hot 90", "high-high", "high-low", "down 95", "historical hot", "none")]
    [1, 1, 0, -1, 0, 0]
    """
    return _SIDES.get(str(label), 0)


_SIDES = {label: 1 for labels in MORE.values() for label in labels} | {
    label: -1 for labels in LESS.values() for label in labels
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

#: Amounts that are numbers of incidents; any other has a unit of its own.
COUNTED = ("count", "expected", "difference")

#: Parameters that name a category of the incidents in a pipeline and are handed over as the incidents of that category.
OTHER_INCIDENTS = ("at_risk", "second")


@dataclass(frozen=True)
class Method:
    """Everything that the rest of gridmap needs to know of a method.

    Attributes
    ----------
    name : str
        The function's own.
    function : callable
    draws : str
        One of `DRAWS`: what stands first on a map or in a paper.
    scale : str or None
        Which of `SCALES` its labels are of; None where it has none, or labels of its own.
    labels : tuple of str
        In the legend's order; of its scale where it has one.
    finds : tuple of str
        Those of its labels that are findings, to be ranked, strongest first.
    unit : str
        Of what it draws: the code `unit.<unit>` of the catalogue.
    columns : tuple of str
        Of what it draws (cells, else clusters, else the table), in their order.
    optional : tuple of str
        Columns that are there with some settings only.
    surface : bool
        It makes a surface too, which can be written as a GeoTIFF.
    amount : str or None
        The column that it is drawn or ranked by.
    of_points : bool
        It looks at single incidents or at hours, which the public may not have.
    per_area : bool
        It compares cells as if these were alike; of merged areas it takes incidents per km².
    resampled : bool
        Its hotspots can be tried on other grids and resamples.
    facts : str or callable
        What may be stated of it: the family of facts of `gridmap.reports.facts`; or (result) → list of (kind, values),
        where a plug-in has facts of its own, with the texts `fact.<kind>`.
    null : str or None
        Beyond what its findings are, as the code `null.<null>`; None where it makes no test. A result may name another
        in `params["null"]`.
    trusted_from : float or None
        Where its p is from the normal distribution: the incidents that must be expected in a neighbourhood for it to
        hold (`params["expected_around"]`). Below it, or where the counts are too skewed for it (`normal_fits` is
        False in `params`), a result is drawn and claims nothing. `inf`: it never holds.
    withdrawn : tuple of str
        Nulls under which it was measured to raise more alarms than it promises (docs/calibration.md): a result that
        names one of them is drawn and claims nothing. tests/hotspots/test_calibration.py holds it to the measurements.
    strict_up_to : float or None
        Of a strict tier: the largest spread of neighbourhoods' rates (`params["rate_spread"]`) at which it was measured
        to hold (docs/calibration.md). On a map beyond it the tier finds nothing and says that it does not know.
    at_risk : str or None
        The option that names what is at risk: residents, addresses, another kind of incident.
    given : mapping
        Where a parameter is handed something else than `GIVEN` says.
    """

    name: str
    function: Callable
    draws: str
    scale: str | None = None
    labels: tuple[str, ...] = ()
    finds: tuple[str, ...] = ()
    unit: str = "incidents"
    columns: tuple[str, ...] = ()
    amount: str | None = None
    of_points: bool = False
    per_area: bool = False
    resampled: bool = False
    facts: str | Callable[[Any], list] = ""
    null: str | None = None
    trusted_from: float | None = None
    withdrawn: tuple[str, ...] = ()
    strict_up_to: float | None = None
    optional: tuple[str, ...] = ()
    surface: bool = False
    at_risk: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> Note:
        """Its name, for people."""
        return Note(f"method.{self.name}.name")

    @property
    def explains(self) -> Note:
        """What it says about itself, in a sentence or two."""
        return Note(f"method.{self.name}.explains")

    @property
    def tests(self) -> bool:
        """Whether a test stands behind what it finds."""
        return self.null is not None

    @property
    def inputs(self) -> dict[str, str]:
        """What it works on: parameter → what is handed over there."""
        return inputs_of(self.function)

    @property
    def options(self) -> dict[str, inspect.Parameter]:
        """What a user may set."""
        return options_of(self.function)


def hotspot_method(
    *,
    draws: str,
    scale: str | None = None,
    labels: tuple[str, ...] = (),
    finds: tuple[str, ...] | None = None,
    unit: str = "incidents",
    columns: tuple[str, ...] = (),
    amount: str | None = None,
    of_points: bool = False,
    per_area: bool = False,
    resampled: bool = False,
    facts: str | Callable[[Any], list] = "",
    null: str | None = None,
    trusted_from: float | None = None,
    withdrawn: tuple[str, ...] = (),
    strict_up_to: float | None = None,
    optional: tuple[str, ...] = (),
    surface: bool | None = None,
    at_risk: str | None = None,
    given: Mapping[str, str] | None = None,
    texts: Mapping[str, Mapping[str, str]] | None = None,
) -> Callable[[Callable], Callable]:
    """Declare a hotspot method; the function itself stays as it is.

    Parameters
    ----------
    draws, scale, labels, finds, unit, columns, amount, of_points, per_area, resampled, facts, null
    trusted_from, withdrawn, strict_up_to, optional, surface, at_risk, given
        As in `Method`. `labels` and `finds` follow from `scale` where it is given, `surface` from draws="surface".
    texts : mapping, optional
        For a plug-in: language → code → text, with at least `method.<name>.name` and `method.<name>.explains`, and
        `label.<label>`, `unit.<unit>` and `null.<null>` where these are its own.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    SettingError
        If what is declared does not go together.

    Examples
    --------
    >>> @hotspot_method(draws="labels", scale="hot_cold", columns=("count", "label"), facts="hot")
    ... def loudest(counts, grid, *, least: int = 3): ...
    >>> declared(loudest).finds
    ('hot 99', 'hot 95', 'hot 90')
    """
    if draws not in DRAWS:
        raise SettingError(Note("hotspots.method_draws", found=draws, meant=did_you_mean(draws, DRAWS)))
    if scale is not None:
        if scale not in SCALES:
            raise SettingError(Note("hotspots.method_scale", found=scale, meant=did_you_mean(scale, SCALES)))
        labels = labels or SCALES[scale]
        middle = labels.index("none") if "none" in labels else len(labels)
        finds = labels[:middle] if finds is None else finds
    if texts is not None:
        register_texts(texts)

    if scale is None:  # labels of its own
        _SIDES.update({label: 1 for label in finds or () if label not in _SIDES})

    def declare(function: Callable) -> Callable:
        function = _taking_frames(function)
        function.gridmap_method = Method(  # type: ignore[attr-defined]
            name=function.__name__,
            function=function,
            draws=draws,
            scale=scale,
            labels=tuple(labels),
            finds=tuple(finds or ()),
            unit=unit,
            columns=tuple(columns),
            amount=amount,
            of_points=of_points,
            per_area=per_area,
            resampled=resampled,
            facts=facts,
            null=null,
            trusted_from=trusted_from,
            withdrawn=tuple(withdrawn),
            strict_up_to=strict_up_to,
            optional=tuple(optional),
            surface=draws == "surface" if surface is None else surface,
            at_risk=at_risk,
            given=dict(given or {}),
        )
        return function

    return declare


#: Parameters that take what `gridmap` reads or makes → the function that makes it of a plain GeoDataFrame.
OF_FRAMES = {
    **dict.fromkeys(("grid", "adjacency"), ("gridmap.grids.systems", "as_grid")),
    **dict.fromkeys(("incidents", "cases", "events", "first", "second"), ("gridmap.read.incidents", "as_incidents")),
}


def _taking_frames(function: Callable) -> Callable:
    """The function, whose grid and incidents may be plain GeoDataFrames too."""
    names = list(inspect.signature(function).parameters)
    if not set(names) & set(OF_FRAMES):
        return function

    def as_wanted(name: str, value: Any) -> Any:
        if name not in OF_FRAMES or type(value).__name__ != "GeoDataFrame":
            return value
        module, maker = OF_FRAMES[name]  # imported where it is needed: methods are listed without it
        return getattr(import_module(module), maker)(value)

    @wraps(function)
    def given_frames(*args: Any, **kwargs: Any) -> Any:
        placed = [as_wanted(name, value) for name, value in zip(names, args, strict=False)]
        return function(*placed, *args[len(placed) :], **{k: as_wanted(k, v) for k, v in kwargs.items()})

    return given_frames


def declared(function: Callable) -> Method:
    """The declaration of a function.

    Raises
    ------
    SettingError
        If it has none, or lacks its words.
    """
    method = getattr(function, "gridmap_method", None)
    if not isinstance(method, Method):
        raise SettingError(Note("hotspots.method_not_declared", name=getattr(function, "__name__", str(function))))
    return method


@cache
def _others() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


@cache
def method_named(name: str) -> Method:
    """A method by its name, of gridmap or of a plug-in.

    Raises
    ------
    SettingError
        If there is none, or a plug-in's is not declared or lacks its words.

    Examples
    --------
    >>> method_named("getis_ord").scale, method_named("dbscan").draws
    ('hot_cold', 'clusters')
    """
    if name in OWN:
        return declared(getattr(import_module(f"gridmap.hotspots.{OWN[name]}"), name))
    others = _others()
    if name not in others:
        raise SettingError(Note("hotspots.no_method", found=name, meant=did_you_mean(name, [*OWN, *others])))
    method = declared(others[name].load())
    if method.name != name:
        raise SettingError(Note("hotspots.method_other_name", entry=name, name=method.name))
    missing = missing_words(method)
    if missing:
        raise SettingError(Note("hotspots.method_lacks_words", name=name, codes=missing))
    return method


def method_names() -> list[str]:
    """The names of all methods, plug-ins included; none is imported.

    Examples
    --------
    >>> "getis_ord" in method_names()
    True
    """
    return sorted({*OWN, *_others()})


def methods() -> dict[str, Method]:
    """All methods by name, plug-ins included; each is imported."""
    return {name: method_named(name) for name in method_names()}


class _Functions(Mapping[str, Callable[..., Any]]):
    """Name → function of every method; each is imported when it is looked up."""

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in method_names():
            raise KeyError(name)
        return method_named(name).function

    def __iter__(self) -> Iterator[str]:
        return iter(method_names())

    def __len__(self) -> int:
        return len(method_names())


METHODS: Mapping[str, Callable[..., Any]] = _Functions()


def missing_words(method: Method) -> list[str]:
    """The codes that a method needs and some language does not have, as "code (language)"."""
    codes = [f"method.{method.name}.name", f"method.{method.name}.explains", f"unit.{method.unit}"]
    codes += [label_code(label) for label in method.labels]
    codes += [f"column.{column}" for column in (*method.columns, *method.optional)]
    codes += [f"null.{method.null}"] if method.null else []
    return [f"{code} ({tag})" for code in codes for tag in LANGUAGES if not known(code, tag)]


def missing_fields(method: Method) -> list[str]:
    """What a declaration leaves open that a map, a legend or a paper needs, as names of its fields.

    Examples
    --------
    >>> missing_fields(method_named("getis_ord"))
    []
    """
    columns = (*method.columns, *method.optional)
    needs = {
        "columns": bool(method.columns) and (method.draws != "labels" or "label" in columns),
        "labels": method.draws != "labels" or bool(method.labels),
        "finds": method.draws != "labels" or bool(method.finds),
        "amount": method.draws in ("table", "statistic") or method.amount in columns,
        "unit": method.unit != "incidents" or method.amount in (None, *COUNTED),
        "null": method.draws not in ("labels", "statistic") or method.null is not None,
        "facts": bool(method.facts),
        "of_points": method.of_points or set(method.inputs.values()) != {"incidents"},
    }
    return [name for name, there in needs.items() if not there]


def label_code(label: str) -> str:
    """The code of a label's words.

    Examples
    --------
    >>> label_code("high-high"), label_code("hot 99")
    ('label.high_high', 'label.hot_99')
    """
    return "label." + label.replace(" ", "_").replace("-", "_").lower()


def what_it_draws(name: Any) -> Method | None:
    """The declaration of a result's method; None for results that no method of the registry made."""
    if name not in OWN and name not in _others():
        return None
    try:
        return method_named(str(name))
    except SettingError:
        return None


def inputs_of(function: Callable) -> dict[str, str]:
    """What a method works on: its parameter, and what is handed over there.

    Examples
    --------
    >>> inputs_of(method_named("global_moran").function)
    {'values': 'counts', 'adjacency': 'grid'}
    """
    method = getattr(function, "gridmap_method", None)
    given = GIVEN | dict(method.given if isinstance(method, Method) else {})
    named = inspect.signature(function).parameters.items()
    return {n: given[n] for n, p in named if n in given and (p.kind is not p.KEYWORD_ONLY or n == "grid")}


def other_incidents(function: Callable) -> list[str]:
    """The parameters by which a method takes incidents of another category: those it takes by position.

    Examples
    --------
    >>> other_incidents(method_named("relative_risk").function), other_incidents(method_named("hotspot_test").function)
    (['at_risk'], [])
    """
    named = inspect.signature(function).parameters.items()
    return [n for n, p in named if n in OTHER_INCIDENTS and p.kind is not p.KEYWORD_ONLY]


def options_of(function: Callable) -> dict[str, inspect.Parameter]:
    """The options that a user may set, by name."""
    given = inputs_of(function)
    return {n: p for n, p in inspect.signature(function).parameters.items() if n not in given}


@dataclass(frozen=True)
class Described:
    """A method as its source tells it, without importing it.

    Attributes
    ----------
    name : str
    works_on : tuple of str
        "counts", "grid", "incidents", …
    question : str
        The first line of its documentation.
    options : tuple of str
        As they are written, with annotation and default.
    """

    name: str
    works_on: tuple[str, ...]
    question: str
    options: tuple[str, ...] = field(default=())


def described_methods(name: str | None = None) -> list[Described]:
    """gridmap's methods read from their sources, and plug-ins by their functions: nothing heavy is imported.

    Examples
    --------
    >>> described_methods("getis_ord")[0].works_on
    ('counts', 'grid')
    """
    wanted = {n: m for n, m in OWN.items() if name is None or n == name}
    out = []
    for module in sorted(set(wanted.values())):
        source = _source_of(module).read_text(encoding="utf-8")
        for node in (ast.parse(head).body[0] for head in _HEAD.findall(source)):
            if isinstance(node, ast.FunctionDef) and wanted.get(node.name) == module:
                out.append(_from_source(node))
    own = {d.name for d in out}
    for other in _others():
        if other not in own and (name is None or other == name):
            out.append(_from_function(method_named(other)))
    return sorted(out, key=lambda d: d.name)


def _source_of(module: str) -> Path:
    place = Path(__file__).parent.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _from_source(node: ast.FunctionDef) -> Described:
    given = GIVEN | _given_in(node)
    positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    keyword = [a.arg for a in node.args.kwonlyargs]
    works_on = tuple(given[a] for a in [*positional, *(k for k in keyword if k == "grid")] if a in given)
    options = []
    defaults = [None] * (len(positional) - len(node.args.defaults)) + list(node.args.defaults)
    pairs = [
        *zip(node.args.args, defaults, strict=True),
        *zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if argument.arg in given and (argument.arg in positional or argument.arg == "grid"):
            continue
        text = argument.arg + (f": {ast.unparse(argument.annotation)}" if argument.annotation else "")
        options.append(text + (f" = {ast.unparse(default)}" if default is not None else ""))
    return Described(node.name, works_on, (ast.get_docstring(node) or "").split("\n")[0], tuple(options))


def _given_in(node: ast.FunctionDef) -> dict[str, str]:
    """What the declaration over a function says of `given`."""
    words = [word for call in node.decorator_list if isinstance(call, ast.Call) for word in call.keywords]
    return next((ast.literal_eval(word.value) for word in words if word.arg == "given"), {})


def _from_function(method: Method) -> Described:
    question = (inspect.getdoc(method.function) or "").split("\n")[0]
    options = tuple(str(p) for p in method.options.values())
    return Described(method.name, tuple(method.inputs.values()), question, options)


def check_options(function: Callable, options: dict[str, Any], known_options: dict[str, Any] | None = None) -> None:
    """Hold options against a function's signature before any work starts.

    Parameters
    ----------
    function : callable
    options : dict
    known_options : dict, optional
        The parameters that may be set; its keyword-only ones when not given.

    Raises
    ------
    SettingError
        With `.option` naming the culprit: misspelt, of a wrong type, or missing.
    """
    name = function.__name__
    there = options_of(function) if known_options is None else known_options
    for option in options:
        if option not in there:
            meant = did_you_mean(option, there) if there else Note("hotspots.no_options")
            raise _about(option, Note("hotspots.no_option", name=name, found=option, meant=meant))
    for option, parameter in there.items():
        if parameter.default is parameter.empty and option not in options:
            raise _about(None, Note("hotspots.option_needed", name=name, option=option))
    hints = get_type_hints(function)
    for option, value in options.items():
        if option in hints and not _fits(value, hints[option]):
            wanted = inspect.formatannotation(hints[option]).replace("typing.", "")
            raise _about(
                option, Note("hotspots.option_type", name=name, option=option, wanted=wanted, found=repr(value))
            )


def _about(option: str | None, message: Note) -> SettingError:
    error = SettingError(message)
    error.option = option
    return error


def _fits(value: Any, hint: Any) -> bool:
    from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError

    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError):
        return True  # a type that only the function itself can judge
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return isinstance(value, list) and _fits(tuple(value), hint)
    return True
