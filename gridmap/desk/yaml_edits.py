"""A pipeline file with other settings, in which everything that did not change stands as it was written.

The form changes a few settings of a file that a person may have commented, ordered and spaced in their own way. Each
key is a stretch of lines, with the comments above it; a stretch whose value stays is copied, one whose value changed is
written anew with its comments, and within a mapping or a list that is written in lines the same is done again. What
comes out is read back: unless it says exactly the wanted settings, the whole file is written anew instead.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["edited", "yaml_text"]


def yaml_text(contents: Any) -> str:
    """Settings as a pipeline file shows them."""
    return yaml.safe_dump(contents, allow_unicode=True, sort_keys=False, width=110, default_flow_style=None)


def edited(text: str, settings: Mapping[str, Any], order: Sequence[str] = ()) -> str:
    """The text of a YAML mapping, changed as little as the settings ask for.

    Parameters
    ----------
    text : str
        What stands there; a mapping.
    settings : mapping
        What it shall say.
    order : sequence of str
        Keys in the order of a pipeline file: a new one comes after those that stand before it there.

    Examples
    --------
    >>> print(edited("# for Monday\\ntitle: Old  # to be changed\\nhotspots:\\n- kde: {}\\n", {"title": "New"}), end="")
    # for Monday
    title: New  # to be changed
    """
    wanted = dict(settings)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not _in_lines(node, yaml.MappingNode):
            return yaml_text(wanted)
        lines = text.splitlines(keepends=True)
        found = "".join(_mapping(_Lines(lines, 0, len(lines)), node, yaml.safe_load(text), wanted, order))
        return found if yaml.safe_load(found) == wanted else yaml_text(wanted)
    except (yaml.YAMLError, ValueError, RecursionError, IndexError, TypeError):
        return yaml_text(wanted)


@dataclass
class _Lines:
    """Lines of a file, those from `first` up to `end`."""

    of: list[str]
    first: int
    end: int

    def __getitem__(self, part: slice) -> list[str]:
        return [line if line.endswith("\n") else f"{line}\n" for line in self.of[part]]

    def stretches(self, starts: Sequence[Any]) -> list[tuple[int, int, int]]:
        """For each start (a mark of YAML's): where the comments above it begin, where it begins, where it ends."""
        above: list[tuple[int, int]] = []
        for mark in starts:
            at, least = mark.line, above[-1][1] + 1 if above else self.first
            while at > least and _is_beside(self.of[at - 1], mark.column):
                at -= 1
            above.append((at, mark.line))
        ends = [*(at for at, _ in above[1:]), self.end]
        return [(at, begins, end) for (at, begins), end in zip(above, ends, strict=True)]


def _is_beside(line: str, column: int) -> bool:
    """An empty line, or a comment that is not further in than what follows it."""
    bare = line.strip()
    return not bare or (bare.startswith("#") and len(line) - len(line.lstrip(" ")) <= column)


def _in_lines(node: Any, kind: type[yaml.CollectionNode]) -> bool:
    return isinstance(node, kind) and not node.flow_style and bool(node.value)


def _ends_where_it_says(node: Any) -> bool:
    """Whether the mark of its end is right behind it; else it is at whatever comes next."""
    return node.style not in ("|", ">") if isinstance(node, yaml.ScalarNode) else bool(node.flow_style)


def _mapping(lines: _Lines, node: Any, old: Mapping, new: Mapping, order: Sequence[str]) -> list[str]:
    """A mapping that is written in lines."""
    column = node.value[0][0].start_mark.column
    parts: list[tuple[Any, list[str]]] = []
    for (key, value), (above, at, end) in zip(
        node.value, lines.stretches([key.start_mark for key, _ in node.value]), strict=True
    ):
        name = yaml.safe_load(key.value) if key.tag != "tag:yaml.org,2002:str" else key.value
        if name in new and name in old:
            parts.append((name, _part(lines, (above, at, end), value, (name, old[name], new[name]), column)))
        elif above == lines.first and column == 0:  # what heads the file is about the file
            parts.append((None, lines[above:at]))
    there = [name for name, _ in parts]
    for name in new:
        if name not in there:
            before = [n for n in there if n in order[: order.index(name)]] if name in order else there
            place = max((there.index(n) for n in before), default=len(there) - 1 if name not in order else -1) + 1
            place = max(place, 1) if there[:1] == [None] else place
            there.insert(place, name)
            parts.insert(place, (name, _shifted({name: new[name]}, column)))
    return [line for _, part in parts for line in part]


def _part(
    lines: _Lines, span: tuple[int, int, int], value: Any, change: tuple[Any, Any, Any], column: int
) -> list[str]:
    """One key of a mapping: as it stands, or with its new value."""
    above, at, end = span
    name, old, new = change
    if old == new and type(old) is type(new):
        return lines[above:end]
    inner = _Lines(lines.of, at + 1, end)
    if _in_lines(value, yaml.MappingNode) and isinstance(new, Mapping) and new:
        return [*lines[above : at + 1], *_mapping(inner, value, old, new, ())]
    if _in_lines(value, yaml.SequenceNode) and isinstance(new, list) and new:
        return [*lines[above : at + 1], *_sequence(inner, value, old, new)]
    return [*lines[above:at], *_anew(lines, (at, end), value, {name: new}, column)]


def _anew(lines: _Lines, span: tuple[int, int], node: Any, new: Any, column: int) -> list[str]:
    """A value that is written anew: with the comment behind it, and with those that stood within it."""
    at, end = span
    last = node.end_mark
    rest = lines.of[last.line][last.column :] if last.line < end and _ends_where_it_says(node) else ""
    behind = re.match(r"\s+#.*", rest)
    within = [line for line in lines[at + 1 : end] if line.lstrip().startswith("#")]
    body = _shifted(new, column)
    if behind:
        body[0] = f"{body[0].rstrip()}{behind[0].rstrip()}\n"
        within = [line for line in within if behind[0].strip() not in line]
    return [*within, *body]


def _sequence(lines: _Lines, node: Any, old: list, new: list) -> list[str]:
    """A list that is written in lines: entries that are equal stay, one with the same name is written anew."""
    column = node.start_mark.column
    spans = lines.stretches([_dash(entry, column) for entry in node.value])
    free, out = list(range(len(old))), []
    for entry in new:
        same = next((i for i in free if old[i] == entry), None)
        like = next((i for i in free if same is None and old[i] not in new and _names(old[i]) & _names(entry)), None)
        if same is not None:
            free.remove(same)
            out += lines[spans[same][0] : spans[same][2]]
        elif like is not None:
            free.remove(like)
            above, at, end = spans[like]
            out += [*lines[above:at], *_entry(lines, (at, end), node.value[like], (old[like], entry), column)]
        else:
            out += _shifted([entry], column)
    return out


def _entry(lines: _Lines, span: tuple[int, int], node: Any, change: tuple[Any, Any], column: int) -> list[str]:
    """An entry of a list with its new value; one that is a mapping in lines is changed line by line."""
    (at, end), (old, new) = span, change
    first = lines.of[at]
    if _in_lines(node, yaml.MappingNode) and node.start_mark.line == at and isinstance(new, Mapping) and new:
        bare = [*lines.of[:at], f"{first[:column]} {first[column + 1 :]}", *lines.of[at + 1 :]]
        body = _mapping(_Lines(bare, at, end), node, old, new, ())
        if body[0].strip() and not body[0].lstrip().startswith("#"):
            return [f"{body[0][:column]}-{body[0][column + 1 :]}", *body[1:]]
    return _anew(lines, span, node, [new], column)


def _dash(entry: Any, column: int) -> Any:
    return yaml.Mark("", 0, entry.start_mark.line, column, None, None)


def _names(entry: Any) -> set[str]:
    return (
        {str(entry)} if not isinstance(entry, Mapping) else {str(key) for key in entry} - {"category", "name", "period"}
    )


def _shifted(contents: Any, column: int) -> list[str]:
    """A mapping or a list in lines, with what is inside them as `yaml_text` puts it."""
    longer = {**contents, "z" * 40: {}} if isinstance(contents, Mapping) else [*contents, {}]
    return [f"{' ' * column}{line}\n" for line in yaml_text(longer).rstrip("\n").split("\n")[:-1]]
