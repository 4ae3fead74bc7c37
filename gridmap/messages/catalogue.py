"""The catalogue: from a code and values to a sentence in a language; and `Note`, which is one as data.

Each language is one TOML file in this folder, named after its language tag. Its tables nest, and a code is the path
through them: `[label]` with `hot_99 = "hot 99 %"` is the code `label.hot_99`. A text may hold fields:

=========================== ==================================================================================
`{name}`                    the value: text as it is, another `Note` in the same language, a list joined
`{found!r}`                 the value in quotation marks, as data are shown in an error
`{n:,}` `{x:.1f}`           a number, with the separators of the language (CLDR)
`{share:.0%}` `{d:+.0%}`    a percentage; a sign where it is wanted
`{n:#cell|cells}`           a number and the word that goes with it, one form for each plural category of the language,
                            in CLDR's order (zero, one, two, few, many, other), only those that the language has
`{n:?cell|cells}`           the word alone
=========================== ==================================================================================

A value that is not known (None, nan) is printed as "–".
"""

import errno
import locale
import math
import os
import re
import string
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from gridmap.errors import SettingError

__all__ = [
    "COUNTED_STEP",
    "LANGUAGES",
    "WEEKDAYS",
    "Note",
    "all_texts",
    "check_language",
    "chosen_language",
    "did_you_mean",
    "known",
    "language_name",
    "note_from",
    "register_texts",
    "say",
    "step_name",
    "wrong_kind",
]

_FOLDER = files("gridmap.messages")
#: As the catalogues name them (`weekday.mon`); 0 is Monday.
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: English first, then the others in alphabetical order: every `.toml` file of this folder.
LANGUAGES: tuple[str, ...] = (
    "en",
    *sorted(f.name[:-5] for f in _FOLDER.iterdir() if f.name.endswith(".toml") and f.name != "en.toml"),
)
#: Texts of plug-ins: language → code → text.
_registered: dict[str, dict[str, str]] = {}
_PLURALS = ("zero", "one", "two", "few", "many", "other")


def check_language(language: Any) -> str:
    """`language`, or a SettingError that names those there are.

    Examples
    --------
    >>> check_language("zh")
    'zh'
    """
    if language not in LANGUAGES:
        raise SettingError(Note("messages.no_language", found=language, meant=did_you_mean(str(language), LANGUAGES)))
    return language


def chosen_language(given: str | None = None) -> str:
    """The language to speak on the command line: as given, `GRIDMAP_LANGUAGE`, the system's locale, English.

    Parameters
    ----------
    given : str, optional
        As given with `--language`; one that there is not is an error. From the environment it is passed over.
    """
    if given is not None:
        return check_language(given)
    named = [os.environ.get(name, "") for name in ("GRIDMAP_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    for name in [*named, locale.getlocale()[0] or ""]:
        tag = name.replace("-", "_").split(".")[0]
        found = next((have for have in LANGUAGES if tag.lower().startswith(have.lower().replace("-", "_"))), None)
        if tag:
            return found or "en"
    return "en"


@cache
def _texts(language: str) -> dict[str, str]:
    """Code → text, of the language's own file."""
    flat: dict[str, str] = {}

    def walk(table: Mapping[str, Any], before: str) -> None:
        for key, value in table.items():
            if isinstance(value, Mapping):
                walk(value, f"{before}{key}.")
            else:
                flat[f"{before}{key}"] = str(value)

    walk(tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8")), "")
    return flat


def all_texts(language: str) -> dict[str, str]:
    """Code → text of everything that is read in a language, plug-ins included; English where one has no translation."""
    return {
        **_texts("en"),
        **_registered.get("en", {}),
        **_texts(check_language(language)),
        **_registered.get(language, {}),
    }


def register_texts(texts: Mapping[str, Mapping[str, str]]) -> None:
    """Add the texts of a plug-in: language → code → text. What gridmap says itself cannot be replaced.

    Raises
    ------
    SettingError
        If a code is gridmap's own.
    """
    for language, table in texts.items():
        for code in table:
            if code in _texts("en"):
                raise SettingError(Note("messages.code_taken", code=code))
        _registered.setdefault(language, {}).update(table)


def known(code: str, language: str = "en") -> bool:
    """Whether there is a text of that code, in a language's own words.

    Examples
    --------
    >>> known("label.hot_99"), known("label.lukewarm")
    (True, False)
    """
    return code in _texts(language) or code in _registered.get(language, {})


#: A step that is counted: its name, how many are done of how many, and the seconds left where they are known.
COUNTED_STEP = re.compile(r"(.+) (\d+)/(\d+)(?: (\d+)s)?")


def step_name(name: str, language: str = "en") -> str:
    """What a step of a run is called, and how far it is where it is counted.

    Examples
    --------
    >>> step_name("make grid"), step_name("forecast 3/26 40s")
    ('make grid', 'forecast, 3 of 26 past periods, some 40 s left')
    """
    if counted := COUNTED_STEP.fullmatch(name):
        what, done, of, left = counted.groups()
        numbers = {"name": step_name(what, language), "done": int(done), "of": int(of)}
        if left is None:
            return say("cli.step_counted", language, **numbers)
        return say("cli.step_left", language, **numbers, left=int(left))
    codes = (f"cli.step.{name.replace(' ', '_')}", f"method.{name}.name")
    return next((say(code, language) for code in codes if known(code, language)), name)


def language_name(language: str) -> str:
    """What a language calls itself.

    Examples
    --------
    >>> language_name("zh")
    '中文'
    """
    return _texts(check_language(language))["language.name"]


def say(code: Any, language: str = "en", /, **values: Any) -> str:
    """A sentence in a language.

    Parameters
    ----------
    code : str or Note
        A code of the catalogue; or a Note, which brings its values. Any other text is stated as it is.
    language : str
    **values
        What the text's fields hold.

    Examples
    --------
    >>> say("label.hot_99", "zh"), say("Harehills", "zh")
    ('热点 99%', 'Harehills')
    """
    if isinstance(code, Note):
        code, values = code.code, {**code.values, **values}
    text = _text(code, language)
    if text is None:
        return str(code)
    return _Formatter(language).vformat(text, (), values) if "{" in text else text


def _text(code: str, language: str) -> str | None:
    for tag in dict.fromkeys((language, "en")):
        if tag in LANGUAGES and (text := _texts(tag).get(code)) is not None:
            return text
        if (text := _registered.get(tag, {}).get(code)) is not None:
            return text
    return None


@cache
def _cldr(language: str):
    from babel import Locale

    return Locale.parse(_texts(language)["language.locale"])


@cache
def _signs(language: str) -> tuple[str, str, str]:
    """Separator of thousands, decimal sign, and the pattern of a percentage."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    of = _cldr(language)
    return get_group_symbol(of), get_decimal_symbol(of), of.percent_formats[None].pattern


@cache
def _system_errors() -> dict[str, str]:
    """What the operating system says when a file cannot be had → the code of the same in the catalogue."""
    numbers = {name: getattr(errno, name, None) for name in errno.errorcode.values()}
    return {os.strerror(n): f"os_error.{name}" for name, n in numbers.items() if n and known(f"os_error.{name}")}


def _system_words(value: str, language: str) -> str:
    """What the operating system gave as a reason, in the language; what stands in brackets behind it is kept."""
    if language == "en":
        return value
    english, gap, rest = value.partition(" (")
    code = _system_errors().get(english)
    return value if code is None else f"{say(code, language)}{gap}{rest}"


class _Formatter(string.Formatter):
    def __init__(self, language: str):
        self.language = language

    def get_value(self, key, args, kwargs):
        return kwargs.get(key) if isinstance(key, str) else args[key]

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion == "r":
            return repr(str(value) if isinstance(value, str) else value)
        return super().convert_field(value, conversion)

    def format_field(self, value: Any, spec: str) -> str:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return "–"
        if spec[:1] in ("#", "?"):
            word = self._plural(value, spec[1:].split("|"))
            return word if spec[0] == "?" else f"{self.format_field(value, ',')} {word}"
        if isinstance(value, str):
            named = hasattr(value, "code")
            return say(value, self.language) if named else format(_system_words(value, self.language), spec)
        if isinstance(value, list | tuple | set | frozenset):
            return say("messages.list_separator", self.language).join(self.format_field(v, spec) for v in value)
        if isinstance(value, bool) or not spec:
            return str(value)
        written = format(value, spec)
        if spec.endswith("%") and spec[0] != "+" and value and not set(written) & set("123456789"):
            below = format(10.0 ** -(2 + len(written.partition(".")[2].rstrip("%"))), spec)
            return "<" + self._number(below, spec)  # a share that is there is not 0%
        return self._number(written, spec)

    def _plural(self, value: Any, forms: list[str]) -> str:
        rule = _cldr(self.language).plural_form
        here = [name for name in _PLURALS if name in (*rule.tags, "other")]
        at = here.index(rule(abs(value)))
        return forms[min(at, len(forms) - 1)]

    def _number(self, written: str, spec: str) -> str:
        group, decimal, percent = _signs(self.language)
        if spec.startswith("+"):
            written = written.replace("-", "−")  # a hyphen may end a line, a minus not
        if (group, decimal) != (",", "."):
            written = written.translate({ord(","): group, ord("."): decimal})
        if written.endswith("%") and percent != "#,##0%":
            written = percent.replace("#,##0", written[:-1])
        return written


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


def wrong_kind(argument: str, wanted: str, found: Any) -> Note:
    """The words for an argument of a kind that a function cannot take.

    Parameters
    ----------
    argument : str
        Its name.
    wanted : str
        What it should be: a code below `errors.wanted`.
    found : object

    Examples
    --------
    >>> print(wrong_kind("grid", "grid", "squares"))
    grid is a Grid as make_grid gives it, or a GeoDataFrame of polygons; found str.
    """
    meant = Note(f"errors.wanted.{wanted}")
    return Note("errors.wrong_kind", argument=argument, wanted=meant, found=type(found).__name__)


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
