"""`Note`: a sentence as data, a code with values, that reads as English until somebody says it in another language."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from gridmap.messages.catalogue import known, say

__all__ = ["Note", "did_you_mean", "note_from"]


class Note(str):
    """A sentence as data: which one it is, and its numbers.

    A Note is a `str`, its English, so it can be printed, joined and written like any text. What it says is decided by
    its code, and nobody needs to read it back from the words.

    Parameters
    ----------
    code : str
        Of the catalogue (`gridmap/messages/en.toml`), as in "grids.too_many_cells".
    **values
        Numbers, names, other Notes, lists of these.

    Attributes
    ----------
    code : str
    values : mapping

    Raises
    ------
    KeyError
        For a code that the catalogue does not have: a bug, found by the first test that comes by.

    Examples
    --------
    >>> note = Note("note.few_expected", expected=15, trusted_from=100)
    >>> note.code, note.values["expected"]
    ('note.few_expected', 15)
    >>> note.say("zh")[:10]
    '每个网格及其邻格的期'
    """

    code: str
    values: Mapping[str, Any]

    def __new__(cls, code: str, /, **values: Any) -> "Note":
        """A note of that code, filled in English."""
        if not known(code):
            raise KeyError(f"The catalogue has no text {code!r}. Add it to every file of gridmap/messages.")
        self = super().__new__(cls, say(code, "en", **values))
        self.code = code
        self.values = MappingProxyType(values)
        return self

    def say(self, language: str = "en") -> str:
        """The sentence in a language."""
        return say(self, language)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: `{"code": …, "values": …}`, Notes among the values likewise."""
        return {"code": self.code, "values": {name: _as_plain(value) for name, value in self.values.items()}}

    def __reduce__(self):
        return note_from, (self.to_dict(),)


def _as_plain(value: Any) -> Any:
    if isinstance(value, Note):
        return value.to_dict()
    if isinstance(value, list | tuple):
        return [_as_plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def note_from(entry: Any) -> Any:
    """The way back from `Note.to_dict`; a text stays a text.

    Examples
    --------
    >>> note_from(Note("messages.code_taken", code="a").to_dict()).code
    'messages.code_taken'
    """
    if isinstance(entry, list | tuple):
        return [note_from(v) for v in entry]
    if not isinstance(entry, Mapping) or set(entry) != {"code", "values"}:
        return entry
    if not known(entry["code"]):
        return str(entry["code"])
    return Note(entry["code"], **{name: note_from(value) for name, value in entry["values"].items()})


def did_you_mean(found: Any, names: Iterable[Any]) -> Note:
    """The tail of an error message: the name that was meant, and the names there are.

    Examples
    --------
    >>> str(did_you_mean("resolutoin", ["resolution", "system"]))
    "Did you mean 'resolution'? There are: resolution, system."
    >>> str(did_you_mean("a", []))
    'There are none.'
    """
    there = sorted(map(str, names))
    near = get_close_matches(str(found), there, n=1, cutoff=0.5)
    if not there:
        return Note("messages.there_are_none")
    if near:
        return Note("messages.did_you_mean", meant=near[0], names=there)
    return Note("messages.there_are", names=there)
