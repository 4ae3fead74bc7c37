"""Is this pipeline file right? Answered before any work starts.

The stages are fixed and stand in the order of the data. A stage's options are the keywords of the function
that does the work, so the file is held against the functions' signatures, and a mistake is answered with its
line, the name that was meant, and the options there are.
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gridmap.audiences import AUDIENCES
from gridmap.counts.query import ENGINES, EVERY
from gridmap.errors import SettingError
from gridmap.exports.formats import layer_endings
from gridmap.forecasts.offered import forecast
from gridmap.hotspots.methods import METHODS
from gridmap.hotspots.registry import check_options, inputs_of, method_named, options_of
from gridmap.hotspots.registry import methods as all_methods
from gridmap.messages import LANGUAGES, Note, did_you_mean
from gridmap.patrol.folders import plan_to_folder
from gridmap.patrol.routes.planner import plan_patrols
from gridmap.read.boundaries import read_boundaries
from gridmap.read.incidents import read_incidents
from gridmap.reports.briefing import PAPERS
from gridmap.runs.audience import why_not_allowed
from gridmap.runs.grids import check_grid
from gridmap.runs.limits import check_limits
from gridmap.runs.yamlfile import YamlFile, parse_value, read_yaml

__all__ = ["OUTPUTS", "HotspotStep", "Pipeline", "check_pipeline", "read_pipeline"]

STAGES = ("title", "language", "audience", "limits", "source", "classification", "approval")
STAGES += ("engine", "boundaries", "grid", "incidents", "hotspots", "forecasts", "patrol", "outputs")
NEEDED = ("boundaries", "grid", "incidents", "hotspots")
#: What a pipeline can write: the key, and the endings its file may have.
OUTPUTS = {
    "map": (".html",),
    "layers": layer_endings(),
    "counts": (".parquet", ".csv"),
    "set_aside": (".csv", ".parquet"),
    "surface": (".tif",),
    "report": PAPERS,
}
DEFAULT_OUTPUTS = {"map": "index.html", "layers": "hotspots.gpkg", "counts": "counts.parquet"}
INCIDENT_FILTERS = ("category", "patrol_found", "period")
STEP_KEYS = ("category", "period", "every", "name", "show", "stability", "weight")


@dataclass(frozen=True)
class HotspotStep:
    """One entry under `hotspots:`, as in `- getis_ord: {order: 1}` with `category: Burglary` beside it."""

    method: str
    options: dict[str, Any]
    category: Any = None
    period: str | None = None
    every: str | None = None
    name: str | None = None
    show: bool = True
    stability: int = 0
    weight: str | None = None


@dataclass(frozen=True)
class Pipeline:
    """A checked pipeline: nothing in it is misspelt, and every file it names was found."""

    path: Path
    title: str | None
    language: str
    boundaries: dict[str, Any]
    grid: dict[str, Any]
    incidents: dict[str, Any]
    hotspots: tuple[HotspotStep, ...]
    outputs: dict[str, str]
    patrol: dict[str, Any] | None = None
    forecasts: dict[str, Any] | None = None
    audience: str = "meeting"
    engine: str = ENGINES[0]
    limits: dict[str, Any] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def beside(self, path: str) -> Path:
        """A path of the file, which is relative to the file itself."""
        return (self.path.parent / path).resolve() if not Path(path).is_absolute() else Path(path)


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
    values = file.values
    for stage in values:
        if stage not in STAGES:
            raise file.error((stage,), f"there is no stage {stage!r}. {did_you_mean(stage, STAGES)}")
    for stage in NEEDED:
        if stage not in values:
            raise file.error((), f"the stage {stage!r} is missing. A pipeline needs: {', '.join(NEEDED)}.")
    for stage in ("boundaries", "grid", "incidents", "forecasts", "patrol", "outputs"):
        if not isinstance(values.get(stage, {}), Mapping):
            raise file.error((stage,), f"{stage} needs options, as in `{stage}: {{…}}`; found {values[stage]!r}.")
    language = values.get("language", "en")
    if language not in LANGUAGES:
        raise file.error(("language",), f"language is {', '.join(LANGUAGES)}; found {language!r}.")
    audience = values.setdefault("audience", "meeting")
    if audience not in tuple(AUDIENCES):
        raise file.error(("audience",), f"audience is {', '.join(AUDIENCES)}; found {audience!r}.")
    engine = values.get("engine", ENGINES[0])
    if engine not in ENGINES:
        raise file.error(("engine",), f"there is no engine {engine!r}. {did_you_mean(engine, ENGINES)}")
    for word in ("title", "source", "classification", "approval"):
        if not isinstance(values.get(word, ""), str):
            raise file.error((word,), f"{word} must be text; found {values[word]!r}. Put it in quotes.")
    _check_source(file, "boundaries", read_boundaries, ())
    check_grid(file)
    _check_source(file, "incidents", read_incidents, INCIDENT_FILTERS)
    steps = _checked_steps(file)
    patrol = _checked_patrol(file)
    forecasts = _checked_forecasts(file)
    if forecasts is not None and audience == "public":
        raise file.error(("forecasts",), Note("runs.no_forecast_for_the_public"))
    if refused := why_not_allowed(audience, steps, patrol):
        raise file.error(("audience",), refused)
    return Pipeline(
        path=file.path,
        title=values.get("title"),
        language=language,
        boundaries=values["boundaries"],
        grid=values["grid"],
        incidents=values["incidents"],
        hotspots=steps,
        outputs=_checked_outputs(file, steps),
        patrol=patrol,
        forecasts=forecasts,
        audience=audience,
        limits=check_limits(file),
        engine=engine,
        about={key: values[key] for key in ("source", "classification", "approval") if key in values},
        settings=values,
    )


def _override(file: YamlFile, override: str) -> None:
    place, separator, text = override.partition("=")
    if not separator or not place:
        raise SettingError(f"--set takes key=value, as in --set grid.resolution=9; found {override!r}.")
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
        raise SettingError(
            f"--set {override}: there is nothing at {part!r}. Use the keys of the file, lists by 0, 1, …."
        )
    return target[int(part)]


def _check_source(file: YamlFile, stage: str, reader, filters: tuple[str, ...]) -> None:
    values = file.values[stage]
    if "path" not in values:
        raise file.error((stage,), f"{stage} needs a path.")
    paths = values["path"] if isinstance(values["path"], list) else [values["path"]]
    for path in paths:
        if not isinstance(path, str):
            raise file.error((stage, "path"), f"path must be a file's name; found {path!r}.")
        found = path if Path(path).is_absolute() else file.path.parent / path
        if "://" not in path and not Path(found).exists():
            raise file.error(
                (stage, "path"), f"there is no file {path}. Paths are relative to {file.path.name} itself."
            )
    keywords = [n for n, p in inspect.signature(reader).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for option in values:
        known = ["path", *filters, *keywords]
        if option not in known:
            raise file.error((stage, option), f"{stage} has no option {option!r}. {did_you_mean(option, known)}")


def _checked(file: YamlFile, place: tuple, function, options: dict, known=None, shown: str | None = None) -> None:
    try:
        check_options(function, options, known)
    except SettingError as error:
        option = getattr(error, "option", None)
        message = str(error).replace(function.__name__, shown, 1) if shown else str(error)
        raise file.error((*place, option) if option else place, message) from None


def _checked_steps(file: YamlFile) -> tuple[HotspotStep, ...]:
    entries = file.values["hotspots"]
    if not isinstance(entries, list) or not entries:
        raise file.error(("hotspots",), "hotspots needs a list of methods, as in `- getis_ord: {order: 1}`.")
    steps = []
    for i, entry in enumerate(entries):
        place = ("hotspots", i)
        entry = {entry: {}} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping):
            raise file.error(place, f"each entry under hotspots is a method, as in `- getis_ord:`; found {entry!r}.")
        methods = [key for key in entry if key not in STEP_KEYS]
        for method in methods:
            if method not in METHODS:
                raise file.error((*place, method), f"there is no method {method!r}. {did_you_mean(method, METHODS)}")
        if len(methods) != 1:
            found = f"found {len(methods)}: {', '.join(methods)}" if methods else "found none"
            raise file.error(place, f"an entry under hotspots names one method; {found}. Begin each with its own dash.")
        method = methods[0]
        options = entry[method] or {}
        if not isinstance(options, Mapping):
            raise file.error((*place, method), f"{method} needs options, as in {{order: 1}}; found {options!r}.")
        _checked(file, (*place, method), METHODS[method], options)
        extras = {key: entry[key] for key in STEP_KEYS if key in entry}
        if not isinstance(extras.get("show", True), bool):
            raise file.error((*place, "show"), f"show is true or false; found {extras['show']!r}.")
        if extras.get("every") not in (None, *EVERY):
            raise file.error((*place, "every"), f"there is no every: {extras['every']}. {did_you_mean('', EVERY)}")
        runs = extras.get("stability", 0)
        if not isinstance(runs, int) or isinstance(runs, bool) or not 0 <= runs <= 1000:
            raise file.error((*place, "stability"), f"stability is a number of runs, 0 to 1000; found {runs!r}.")
        declared = method_named(method)
        if runs and not (declared.resampled and declared.labels):
            able = ", ".join(name for name, m in all_methods().items() if m.resampled and m.labels)
            raise file.error((*place, "stability"), f"stability is told for {able}, not for {method}.")
        _check_weight(file, (*place, "weight"), method, extras)
        options = dict(options)
        if "random_state" in options_of(METHODS[method]):
            options.setdefault("random_state", 0)  # so that a run can be replayed
        steps.append(HotspotStep(method, options, **extras))
    return tuple(steps)


def _check_weight(file: YamlFile, place: tuple, method: str, extras: Mapping) -> None:
    """`weight:` names a column; what is summed must be counted, and cannot be resampled or given to the public."""
    weight = extras.get("weight")
    if weight is None:
        return
    if not isinstance(weight, str):
        raise file.error(place, Note("counts.weight_is_a_column", found=weight))
    if not {"counts", "counts_by_period"} & set(inputs_of(METHODS[method]).values()):
        raise file.error(place, Note("counts.weight_needs_counts", method=method))
    if extras.get("stability"):
        raise file.error(place, Note("counts.weight_and_stability"))
    if file.values.get("audience") == "public":
        raise file.error(place, Note("counts.weight_not_public", weight=weight))


def _checked_patrol(file: YamlFile) -> dict[str, Any] | None:
    """The options of the patrol stage: those of `plan_to_folder` and of `plan_patrols`."""
    if "patrol" not in file.values:
        return None
    options = {"random_state": 0} | dict(file.values["patrol"])
    known = {
        n: p
        for function in (plan_patrols, plan_to_folder)
        for n, p in inspect.signature(function).parameters.items()
        if p.kind is p.KEYWORD_ONLY and n not in ("prize_by_shift", "language")
    }
    _checked(file, ("patrol",), plan_to_folder, options, known, shown="patrol")
    for option in ("roads", "units", "streets"):
        if isinstance(options.get(option), Mapping):
            options[option] = options[option].get("path")
        path = options.get(option)
        if isinstance(path, str):
            if not (file.path.parent / path).exists():
                raise file.error(
                    ("patrol", option), f"there is no file {path}. Paths are relative to {file.path.name}."
                )
            options[option] = file.path.parent / path
    return options


def _checked_forecasts(file: YamlFile) -> dict[str, Any] | None:
    """The options of the stage `forecasts`: those of `gm.forecast`, and whose forecast it is."""
    if "forecasts" not in file.values:
        return None
    options = dict(file.values["forecasts"])
    of_function = inspect.signature(forecast).parameters
    known = {n: p for n, p in of_function.items() if p.kind is p.KEYWORD_ONLY and n != "progress"}
    known |= {n: inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=None) for n in ("category", "name")}
    _checked(file, ("forecasts",), forecast, options, known, shown="forecasts")
    return options


def _checked_outputs(file: YamlFile, steps: tuple[HotspotStep, ...]) -> dict[str, str]:
    outputs = file.values.get("outputs") or DEFAULT_OUTPUTS
    for key, name in outputs.items():
        place = ("outputs", key)
        if key not in OUTPUTS:
            raise file.error(place, f"there is no output {key!r}. {did_you_mean(key, OUTPUTS)}")
        if not isinstance(name, str) or not name.endswith(OUTPUTS[key]):
            raise file.error(
                place, f"{key} needs a file name that ends in {' or '.join(OUTPUTS[key])}; found {name!r}."
            )
        if Path(name).name != name or name == "run.json":
            raise file.error(place, f"{key} needs a plain file name; found {name!r}. The folder is given by --out.")
    if "surface" in outputs and not any(method_named(step.method).surface for step in steps):
        able = ", ".join(name for name, method in all_methods().items() if method.surface)
        raise file.error(("outputs", "surface"), f"a surface needs one of these methods: {able}.")
    if len(set(outputs.values())) < len(outputs):
        raise file.error(("outputs",), "two outputs have the same file name.")
    return dict(outputs)
