"""A YAML file as plain values that know their line.

Only plain data is read: mappings, lists, text, numbers, true/false, null and dates (as text). Tags are
refused, so nothing is ever constructed from a file; so are anchors and aliases, so nothing can multiply.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gridmap.errors import ReadError, SettingError
from gridmap.messages import Note

__all__ = ["YamlFile", "parse_value", "read_yaml"]

LARGEST_FILE = 1_000_000  # bytes; a pipeline is a page of text
DEEPEST = 60  # mappings and lists within each other


class _PlainLoader(yaml.SafeLoader):
    """SafeLoader without dates: 2018-07 stays what was typed."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass
class YamlFile:
    """The values of a file and where each of them stands.

    Attributes
    ----------
    path : Path
    values : dict
    lines : dict
        From a value's place, as in ("grid", "resolution") or ("hotspots", 0), to its line, counted from 1.
    """

    path: Path
    values: dict
    lines: dict[tuple, int]

    def line(self, place: tuple) -> int:
        """Line of a value, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, place: tuple, what: Note) -> SettingError:
        """A SettingError that names the file and the line."""
        return SettingError(Note("runs.at_line", file=str(self.path), line=self.line(place), what=what))


def read_yaml(path: str | Path) -> YamlFile:
    """Read a pipeline file into plain values with line numbers.

    Raises
    ------
    ReadError
        If the file is absent, too large, not UTF-8, not YAML, or uses tags, anchors or a key twice.
    """
    path = Path(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ReadError(Note("runs.yaml_too_large", path=str(path), most=LARGEST_FILE))
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ReadError(Note("runs.yaml_absent", path=str(path))) from None
    except UnicodeDecodeError:
        raise ReadError(Note("runs.yaml_not_utf8", path=str(path))) from None
    except OSError as error:
        raise ReadError(Note("runs.yaml_unreadable", path=str(path), why=error.strerror)) from None
    depth = 0
    try:
        for event in yaml.parse(text, Loader=_PlainLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:  # before the parser has come far: it takes the square of the depth
                raise RecursionError
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _at_line(path, event.start_mark, Note("runs.yaml_anchors"))
            if getattr(event, "tag", None) is not None:
                raise _at_line(path, event.start_mark, Note("runs.yaml_tag", tag=event.tag))
        node = yaml.compose(text, Loader=_PlainLoader)
    except yaml.YAMLError as error:
        problem = getattr(error, "problem", None) or Note("runs.yaml_characters")
        raise _at_line(path, getattr(error, "problem_mark", None), Note("runs.yaml_syntax", problem=problem)) from None
    except RecursionError:
        raise ReadError(Note("runs.yaml_too_deep", path=str(path))) from None
    if not isinstance(node, yaml.MappingNode):
        raise ReadError(Note("runs.yaml_no_pipeline", path=str(path)))
    lines: dict[tuple, int] = {}
    return YamlFile(path, _value(node, (), lines, path), lines)


def _at_line(path: Path, mark: yaml.Mark | None, what: Note) -> ReadError:
    """A ReadError that names the file, and the line where it is known."""
    if mark is None:
        return ReadError(Note("runs.yaml_file", file=str(path), what=what))
    return ReadError(Note("runs.at_line", file=str(path), line=mark.line + 1, what=what))


def _value(node: yaml.Node, place: tuple, lines: dict, path: Path) -> Any:
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        values = {}
        for key_node, child in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise _at_line(path, key_node.start_mark, Note("runs.yaml_key"))
            if key in values:
                raise _at_line(path, key_node.start_mark, Note("runs.yaml_key_twice", key=key))
            lines[(*place, key)] = line
            values[key] = _value(child, (*place, key), lines, path)
        return values
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*place, i), lines, path) for i, child in enumerate(node.value)]
    return _scalar(node, path)


def _scalar(node: yaml.ScalarNode, path: Path) -> Any:
    loader = _PlainLoader("")
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError, OverflowError):
        raise _at_line(path, node.start_mark, Note("runs.yaml_value", value=node.value)) from None
    finally:
        loader.dispose()


def parse_value(text: str) -> Any:
    """One value as it would be read from a file: `9` is a number, `true` a truth value, `2018-07` text.

    Examples
    --------
    >>> parse_value("9"), parse_value("2018-07"), parse_value("Burglary")
    (9, '2018-07', 'Burglary')
    """
    try:
        return yaml.load(text, Loader=_PlainLoader)
    except yaml.YAMLError:
        return text
