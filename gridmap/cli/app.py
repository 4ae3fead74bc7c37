"""What the commands share: the app, its language, its exit codes, the spinner.

Commands name their help by its code in the catalogue (`help="cli.run.help"`); it is put into words when the language is
known: `gridmap --language zh …`, `GRIDMAP_LANGUAGE`, the system's locale, English.

Exit codes: 0 well; 1 for what the user can put right, named in one line; 2 for an unknown command or option;
130 when interrupted.
"""

import gc
import io
import json
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Event
from typing import Annotated, Any
from unicodedata import east_asian_width

import typer
import typer.main

from gridmap import __version__
from gridmap._extras import missing_package
from gridmap.cli.interrupts import watch_interrupts
from gridmap.errors import GridmapError, OutputError, SettingError, is_want_of_memory
from gridmap.messages import LANGUAGES, Note, check_language, chosen_language, known, say, step_name

__all__ = [
    "add_to_log",
    "app",
    "language",
    "main",
    "opened_key",
    "print_note",
    "print_report",
    "progress_shown",
    "text",
]

app = typer.Typer(
    name="gridmap",
    help="cli.help",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
UsageError: type[Any] = typer.BadParameter.__mro__[1]  # typer brings its own copy of click and does not name this class
#: The language of this command, once it is known.
_spoken = "en"


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gridmap {__version__}")
        raise typer.Exit


@app.callback()
def options(
    language: Annotated[str | None, typer.Option("--language", help="cli.language")] = None,
    version: Annotated[
        bool, typer.Option("--version", help="cli.version", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Options that stand before the command; `main` has read them already."""


def language() -> str:
    """The language that the command line speaks."""
    return _spoken


def text(code: str, **values: Any) -> str:
    """A sentence of the catalogue in the language of the command line."""
    return say(code, _spoken, **values)


#: New objects after which Python looks for circles that nobody holds. After every 700, as it does of itself, up to a
#: sixth of a run's time went into looking at shapes that are all held; the peak of memory is the same.
COLLECT_AFTER = (100_000, 10, 10)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every mistake of the user ends in one clear line on stderr."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a name that the console cannot print must not fail a run
    _place_for_compiled_code()
    gc.set_threshold(*max(gc.get_threshold(), COLLECT_AFTER))
    with watch_interrupts(lambda: text("cli.interrupted")) as interrupted:
        code = _run(list(sys.argv[1:] if arguments is None else arguments), interrupted)
    with suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        sys.stdout.flush()
    sys.exit(code)


def _run(arguments: list[str], interrupted: Event) -> int:
    global _spoken
    try:
        _spoken = chosen_language()
        _spoken = _asked_language(arguments) or _spoken
        command = typer.main.get_command(app)
        _put_into_words(command)
        command.context_class.formatter_class = _help_formatter(command.context_class.formatter_class)
        _check_room(arguments)
        code = command(args=arguments, prog_name="gridmap", standalone_mode=False) or 0
        return _last_line(text("cli.interrupted"), 130) if code == 130 else code  # typer answers Ctrl-C with it alone
    except GridmapError as error:
        return _last_line(text("cli.interrupted"), 130) if interrupted.is_set() else _last_line(error.say(_spoken), 1)
    except UsageError as error:
        unknown = "No such" in error.format_message()  # an option or a command; all else is a wrong value
        wrong = _usage(error)
        wrong += "" if wrong.endswith((".", "?", "。")) else "."
        gap = "" if wrong.endswith("。") else " "
        return _last_line(f"{wrong}{gap}{text('cli.see_help')}", 2 if unknown else 1)
    except (KeyboardInterrupt, typer.Abort):
        return _last_line(text("cli.interrupted"), 130)
    except BrokenPipeError:
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        clear = missing_package(error)
        if clear is None and is_want_of_memory(error):
            return _last_line(text("cli.no_memory"), 1)
        if clear is None:
            raise
        return _last_line(clear.say(_spoken), 1)
    except Exception as error:
        if interrupted.is_set():  # a library that turns the signal into an error of its own
            return _last_line(text("cli.interrupted"), 130)
        if is_want_of_memory(error):
            return _last_line(text("cli.no_memory"), 1)
        raise


#: Address space that the libraries of a run take before they have read a row: below it, some of them (OpenBLAS, Arrow)
#: do not fail, they wait for ever. A run of a small town took 3,100 MB on two cores.
ROOM_TO_BEGIN = 2_500_000_000
#: What works in any room.
_LIGHT = {"--help", "--version", "methods", "schema"}


def _check_room(arguments: Sequence[str]) -> None:
    """Refuse to begin where a limit on the process (`ulimit -v`) is too low for the libraries."""
    try:
        import resource  # not on Windows
    except ImportError:
        return
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY or limit >= ROOM_TO_BEGIN or not arguments or _LIGHT & set(arguments):
        return
    raise SettingError(Note("cli.no_room", limit=limit // 1_000_000, needed=ROOM_TO_BEGIN // 1_000_000))


def _asked_language(arguments: Sequence[str]) -> str | None:
    """The value of --language where it stands before the command."""
    for at, argument in enumerate(arguments):
        if not argument.startswith("-"):
            return None
        name, equals, value = argument.partition("=")
        if name == "--language":
            return check_language(value if equals else arguments[at + 1] if at + 1 < len(arguments) else "")
    return None


def _put_into_words(command: Any) -> None:
    """Help texts from their codes, of a command and of all below it."""
    for holder in (command, *command.params):
        for name in ("help", "short_help"):
            code = getattr(holder, name, None)
            if isinstance(code, str) and known(code.strip()):
                setattr(holder, name, text(code.strip(), languages=list(LANGUAGES)))
    command.options_metavar = f"[{text('cli.heading.options')}]"
    if hasattr(command, "subcommand_metavar"):
        command.subcommand_metavar = text("cli.heading.then")
    for below in getattr(command, "commands", {}).values():
        _put_into_words(below)


#: What click itself says in a help page → the code of the same in the catalogue.
_CLICK = {
    "Show this message and exit.": "cli.show_help",
    "Install completion for the current shell.": "cli.install_completion",
    "Show completion for the current shell, to copy it or customize the installation.": "cli.show_completion",
    "Options": "cli.heading.options",
    "Commands": "cli.heading.commands",
    "Arguments": "cli.heading.arguments",
}


#: What click calls the kind of a value: `<path>`, `<list[str]>`, `<float,float>...`.
_TYPE = re.compile(r"<(?:list\[)?([A-Za-z ]+(?:,[A-Za-z ]+)*)\]?>")


def _type(found: re.Match[str]) -> str:
    """The same in the language: a whole number, a path."""
    kinds = [f"cli.help_type.{kind.lower().replace(' ', '_')}" for kind in found[1].split(",")]
    return f"<{','.join(text(kind) for kind in kinds)}>" if all(map(known, kinds)) else found[0]


#: What a line may be broken before: a word, or a Chinese letter with the punctuation that follows it.
_PIECE = re.compile(
    r"[\u2e80-\uffef][\u3001\u3002\uff01\uff09\uff0c\uff1a\uff1b\uff1f]*|[^\s\u2e80-\uffef]+[\u3001\u3002\uff09\uff0c\uff1a\uff1b]*\s*|\s+"
)


def _columns(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and _columns((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def _help_formatter(base: type) -> type:
    """click's formatter of help pages, with click's own words put into the language that is spoken."""
    if hasattr(base, "of_gridmap"):
        return base

    class Formatter(base):
        of_gridmap = True

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, text("cli.usage") if prefix is None else prefix)

        def write_heading(self, heading: str) -> None:
            super().write_heading(text(_CLICK[heading]) if heading in _CLICK else heading)

        def write_dl(self, rows: Any, *args: Any, **settings: Any) -> None:
            rows = [(_TYPE.sub(_type, first), self._row(second)) for first, second in rows]
            if all(_columns(text) == len(text) for row in rows for text in row):
                return super().write_dl(rows, *args, **settings)
            left = min(max(_columns(first) for first, _ in rows), 30) + 2
            for first, second in rows:  # as click does, but Chinese letters are two columns wide and break anywhere
                gap = left - _columns(first)
                self.write(f"{'':{self.current_indent}}{first}" + (" " * gap if gap >= 2 or not second else "\n"))
                lines = _wrapped(second, max(self.width - left - 2, 10)) if second else [""]
                before = "" if gap >= 2 or not second else " " * (self.current_indent + left)
                self.write(f"{before}{lines[0]}\n")
                for line in lines[1:]:
                    self.write(f"{'':{self.current_indent + left}}{line}\n")

        def _row(self, words: str) -> str:
            words = text(_CLICK[words]) if words in _CLICK else words
            words = words.replace("[required]", f"[{text('cli.required')}]")
            words = words.replace("[env var: ", f"[{text('cli.env_var')}: ")
            return words.replace("[default: ", f"[{text('cli.default')}: ")

    return Formatter


def _usage(error: Any) -> str:
    """A mistake in the command itself, in the language that is spoken."""
    kind = type(error).__name__
    if _spoken == "en":
        return error.format_message()
    if kind == "NoSuchOption":
        return text("cli.no_such_option", found=error.option_name)
    if kind == "MissingParameter":
        return text("cli.missing", name=_parameter(error))
    if kind == "BadParameter":
        return text("cli.bad_value", name=_parameter(error), message=_bad_value(error.message))
    if "unexpected extra argument" in error.message:
        return text("cli.too_many", found=error.message.partition("(s) (")[2].rstrip(")."))
    if "No such command" in error.message:
        return text("cli.no_such_command", found=error.message.split("'")[1] if "'" in error.message else "")
    return error.format_message()


def _parameter(error: Any) -> str:
    """The argument or option that is missing or wrong, as the help names it."""
    return str(error.param_hint or " / ".join(f"'{name}'" for name in getattr(error.param, "opts", ())))


#: The command line's own English for a wrong value → its code; what stands in it is kept.
_BAD_VALUES = (
    (re.compile(r"\w+ '(?P<found>.*)' does not exist\W*"), "cli.not_there"),
    (re.compile(r".*valid integer.*"), "cli.not_whole"),
    (re.compile(r".*valid number.*"), "cli.no_number"),
    (re.compile(r"'?(?P<found>.*?)'? is not a valid (int|integer)\W*"), "cli.not_whole"),
    (re.compile(r"'?(?P<found>.*?)'? is not a valid float\W*"), "cli.no_number"),
    (re.compile(r".*less than or equal to (?P<limit>\S+?)\.?"), "cli.at_most"),
    (re.compile(r".*greater than or equal to (?P<limit>\S+?)\.?"), "cli.at_least"),
    (re.compile(r"\w+ '(?P<found>.*)' is a directory\W*"), "cli.a_folder"),
    (re.compile(r"\w+ '(?P<found>.*)' is a file\W*"), "cli.a_file"),
)


def _bad_value(message: str) -> str:
    for pattern, code in _BAD_VALUES:
        if fits := pattern.fullmatch(message):
            return text(code, **{"found": "", **fits.groupdict()})
    return message


def _last_line(message: str, code: int) -> int:
    with suppress(OSError, ValueError):
        print(f"gridmap: {' '.join(message.split())}", file=sys.stderr)
    return code


@contextmanager
def progress_shown(*, as_lines: bool = False) -> Iterator[Callable[[str], None]]:
    """A function that names the running step: on a terminal as a spinner, elsewhere not at all, or for a program."""
    if as_lines:
        yield lambda step: print(f"gridmap-step: {step}", file=sys.stderr, flush=True)
        return
    _announce_compiling()
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console

    with Console(stderr=True).status("…") as status:
        yield lambda step: status.update(f"{step_name(step, _spoken)} …")


def print_note(note: Any) -> None:
    """What a run warned of, for a program that says it in its own reader's language."""
    if isinstance(note, Note):
        print(f"gridmap-note: {json.dumps(note.to_dict(), ensure_ascii=False)}", file=sys.stderr, flush=True)


@cache
def _announce_compiling() -> None:
    """Say on stderr, once, that the wait is for compiling: when a kernel is needed that no cache holds yet."""
    from numba.core import event

    class Announced(event.Listener):
        def on_start(self, event: Any) -> None:
            kept = type(event.data["dispatcher"]._cache).__name__ != "NullCache"  # else it is compiled every time
            if kept and not done:
                done.append(True)
                with suppress(OSError, ValueError, AttributeError):
                    print(f"gridmap: {text('cli.compiling')}", file=sys.stderr, flush=True)

        def on_end(self, event: Any) -> None:
            pass

    done: list[bool] = []
    event.register("numba:compile", Announced())


def opened_key(key: Path) -> Callable[[bytes], str]:
    """A function that signs with the key of `--sign`; where it has a passphrase, it is typed."""
    from gridmap._ssh_signatures import signer_of

    def passphrase() -> str:
        return typer.prompt(text("cli.passphrase", file=key.name), hide_input=True, err=True)

    return signer_of(key, passphrase=passphrase)


def print_report(report: Any) -> None:
    """Print what a run found, and what it wrote; in the language of the pipeline."""
    for warning in report.warnings:
        words = warning.say(_spoken) if isinstance(warning, Note) else warning
        print(f"gridmap: {words}", file=sys.stderr)
    if report.pipeline.title:
        print(report.pipeline.title)
    for sentence in report.summary:
        print(f"  {sentence}")
    for key, output in report.outputs.items():
        if not key.startswith("results/"):  # a folder for the papers, not a list to read
            print(f"  → {output}")


def add_to_log(report: Any, path: Path, out: Path) -> None:
    """Add a run to a log file: when it ended, its warnings, its sentences, and the seconds of each step.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    when = datetime.now().astimezone().isoformat(timespec="seconds")
    warned = [w.say(_spoken) if isinstance(w, Note) else str(w) for w in report.warnings]
    lines = [f"{when} {report.pipeline.path.name} → {out}"]
    lines += [f"  {line}" for line in (*warned, *report.summary)]
    lines += [f"  {step}: {seconds} s" for step, seconds in report.seconds.items()]
    add_lines(path, lines)


def add_lines(path: Path, lines: list[str]) -> None:
    """Add lines to a file; of none, only see whether it can be written.

    Raises
    ------
    OutputError
        If it cannot.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise OutputError(Note("read.cannot_write", path=path, why=error.strerror or str(error))) from None


def _place_for_compiled_code(package: Path = Path(__file__).parents[1]) -> None:
    """Keep numba's compiled code where only this user can write; nothing to do where a place is named already.

    Whoever can write such a cache decides what runs. Beside the package where that is this user's alone; else in the
    user's cache, a folder a version; without a home (a service, a container) in a folder of this process.
    """
    _pass_over_settings_of_numba()
    if "NUMBA_CACHE_DIR" in os.environ or _is_ours_alone(package):
        return
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    base = Path(home) if home else Path(os.path.expanduser("~")) / ".cache"  # noqa: PTH111 - Path.home() may raise
    folder = base / "gridmap" / f"compiled-{__version__}"
    with suppress(OSError):
        if base.is_absolute():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _is_ours_alone(folder):
        import atexit
        import shutil

        try:
            folder = Path(tempfile.mkdtemp(prefix="gridmap-compiled-"))
        except OSError:
            return  # nowhere to write at all: reported when an output cannot be written
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _pass_over_settings_of_numba() -> None:
    """Have numba's settings read elsewhere than in the current folder, which may be a stranger's.

    A `.numba_config.yaml` names the folder of compiled code, and so what runs; numba reads it when it is imported.
    """
    if not os.path.lexists(".numba_config.yaml"):
        return
    here = Path.cwd()
    try:
        os.chdir(Path(__file__).parent)
        import numba  # noqa: F401
    finally:
        os.chdir(here)


def _is_ours_alone(folder: Path) -> bool:
    """Whether a folder is this user's and nobody else may write to it."""
    try:
        found = folder.lstat()
        own = not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
        return stat.S_ISDIR(found.st_mode) and own and os.access(folder, os.W_OK)
    except OSError:
        return False
