"""The plugin for QGIS: a Processing provider that calls this gridmap, written into a folder by `gridmap qgis`.

QGIS has a Python of its own, so the plugin imports nothing of gridmap (`gridmap/qgis_plugin`); what it offers, the
methods with their options, is written beside it from the schema of pipeline files, in every language.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gridmap import __version__
from gridmap._io import atomic_folder, json_text
from gridmap.errors import OutputError
from gridmap.messages import LANGUAGES, Note, all_texts, say

__all__ = ["plugin_folder", "write_plugin"]

SOURCE = Path(__file__).parent / "qgis_plugin" / "gridmap_processing"
WORDS = (
    *("incidents_file", "incidents", "boundaries", "grid", "resolution", "cell_size_m", "category", "audience"),
    *("output", "layers", "map", "no_incidents", "no_command", "cancelled"),
)


def plugin_folder() -> Path:
    """Where QGIS 3 looks for the plugins of this user's default profile."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA", "~")).expanduser()
    elif sys.platform == "darwin":
        base = Path("~/Library/Application Support").expanduser()
    else:
        base = Path(os.environ.get("XDG_DATA_HOME", "~/.local/share")).expanduser()
    return base / "QGIS" / "QGIS3" / "profiles" / "default" / "python" / "plugins"


def write_plugin(folder: str | Path | None = None) -> Path:
    """Write the plugin `gridmap_processing` into a folder of plugins; an earlier one is replaced.

    Parameters
    ----------
    folder : str or Path, optional
        Where QGIS looks for plugins; `plugin_folder()` when not given.

    Returns
    -------
    Path
        The plugin's folder.

    Raises
    ------
    OutputError
        If it cannot be written, or something else stands there.
    """
    place = (plugin_folder() if folder is None else Path(folder)) / "gridmap_processing"
    if place.exists() and not (place / "metadata.txt").is_file():
        raise OutputError(Note("qgis.taken", folder=str(place)))
    words: dict[str, dict[str, Any]]
    words = {language: {word: say(f"qgis.{word}", language) for word in WORDS} for language in LANGUAGES}
    for language in LANGUAGES:
        steps = {code: text for code, text in all_texts(language).items() if code.startswith("cli.step.")}
        words[language]["steps"] = {code.removeprefix("cli.step."): text for code, text in steps.items()}
    schema = {language: method_options(language) for language in LANGUAGES}
    command = [sys.executable, "-m", "gridmap"]
    with atomic_folder(place) as hidden:
        for source in SOURCE.iterdir():
            if source.suffix in (".py", ".txt"):
                text = source.read_text(encoding="utf-8").replace("@VERSION@", __version__)
                (hidden / source.name).write_text(text, encoding="utf-8", newline="\n")
        for name, content in (("words", words), ("schema", schema), ("command", command)):
            (hidden / f"{name}.json").write_text(json_text(content, indent=1), encoding="utf-8", newline="\n")
    return place


def method_options(language: str) -> dict[str, dict[str, Any]]:
    """Each method of the schema with its title, what it does, and its options: title, type, default."""
    from gridmap.hotspots.registry import method_named
    from gridmap.runs.config import pipeline_schema

    definitions = pipeline_schema(language)["$defs"]
    steps = definitions["HotspotStep"]["anyOf"]
    names = next(entry["enum"] for entry in steps if "enum" in entry)
    properties = next(entry["properties"] for entry in steps if "properties" in entry)
    texts = all_texts(language)
    found = {}
    for name in names:
        method = method_named(name)
        options = _options(properties[name])
        explained = texts.get(f"method.{name}.explains") or (method.function.__doc__ or "").strip().split("\n")[0]
        found[name] = {"title": texts.get(f"method.{name}.name", name), "help": explained, "options": options}
    return found


def _options(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    forms = entry.get("anyOf", [entry])
    described: Mapping[str, Any] = next((form["properties"] for form in forms if "properties" in form), {})
    return {
        option: {"title": about.get("title", option), "type": _type(about), "default": about.get("default")}
        for option, about in described.items()
        if isinstance(about.get("default"), str | int | float | bool | type(None))
    }


def _type(about: Mapping[str, Any]) -> str:
    kinds = [form.get("type") for form in about.get("anyOf", [about])]
    kinds = [kind for kind in kinds if kind != "null"]
    return kinds[0] if len(kinds) == 1 and kinds[0] in ("boolean", "integer", "number") else "string"
