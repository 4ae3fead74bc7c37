"""Every error and warning that gridmap raises is a Note, so that it can be said in any language.

Read from the source, without running it: no text, f-string or joined text stands where a message should, nor in a
variable that is then raised. tests/conftest.py holds the same at run time, for whatever the tests raise.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gridmap
from gridmap import errors
from gridmap.errors import InputError

PACKAGE = Path(gridmap.__file__).parent
ERRORS = {name for name in errors.__all__ if issubclass(getattr(errors, name), errors.GridmapError)}
#: Methods of str that make a text without the catalogue.
MAKERS = ("format", "join", "replace", "removesuffix", "strip")


def name_of(call: ast.AST) -> str:
    target = call.func if isinstance(call, ast.Call) else call
    return target.id if isinstance(target, ast.Name) else target.attr if isinstance(target, ast.Attribute) else ""


def is_bare(node: ast.AST, within: ast.AST) -> bool:
    """Whether an expression is a text without a code: written out, joined, or a variable that holds one."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        return True
    if isinstance(node, ast.BinOp):
        return is_bare(node.left, within) or is_bare(node.right, within)
    if isinstance(node, ast.IfExp | ast.BoolOp):
        branches = [node.body, node.orelse] if isinstance(node, ast.IfExp) else node.values
        return any(is_bare(branch, within) for branch in branches)
    if isinstance(node, ast.Call):
        return name_of(node) == "str" or (isinstance(node.func, ast.Attribute) and node.func.attr in MAKERS)
    if isinstance(node, ast.Name):
        given = [a.value for a in ast.walk(within) if isinstance(a, ast.Assign) and names(a.targets, node.id)]
        return any(is_bare(value, ast.Module([], [])) for value in given)
    return False


def names(targets: list[ast.expr], wanted: str) -> bool:
    return any(isinstance(t, ast.Name) and t.id == wanted for t in targets)


def bare_messages(source: str) -> Iterator[int]:
    """Lines on which an error or a warning is given a text that is not a Note."""
    tree = ast.parse(source)
    own = {c.name for c in ast.walk(tree) if isinstance(c, ast.ClassDef) and any(name_of(b) in ERRORS for b in c.bases)}
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for scope in [*scopes, tree]:
        for call in ast.walk(scope):
            if not isinstance(call, ast.Call) or name_of(call) not in {*ERRORS, *own, "warn"}:
                continue
            if not call.args or is_bare(call.args[0], scope):
                yield call.lineno


@pytest.mark.parametrize("room", sorted({p.relative_to(PACKAGE).parts[0] for p in PACKAGE.rglob("*.py")}))
def test_no_error_and_no_warning_is_a_bare_text(room):
    files = [PACKAGE / room] if room.endswith(".py") else sorted((PACKAGE / room).rglob("*.py"))
    found = {f"{path.relative_to(PACKAGE)}:{line}" for path in files for line in bare_messages(path.read_text("utf-8"))}
    assert not found, "give a gridmap.messages.Note; its text belongs in en.toml and zh.toml"


@pytest.mark.parametrize(
    "line",
    [
        'raise InputError("No file.")',
        'raise InputError(f"No file {path}.")',
        'raise InputError("No " + path)',
        'raise InputError(" ".join(parts))',
        "raise InputError(str(error))",
        'why = f"No {path}"; raise InputError(why)',
        'raise InputError(Note("a.b") if path else "No file.")',
        "raise InputError()",
        'warnings.warn("Many cells.", GridmapWarning, stacklevel=2)',
    ],
)
def test_a_bare_text_is_found(line):
    assert list(bare_messages(line))


@pytest.mark.parametrize(
    "line", ['raise InputError(Note("a.b"))', 'raise ValueError("a bug")', "raise InputError(note)"]
)
def test_a_note_is_not(line):
    assert not list(bare_messages(line))


def test_a_text_raised_inside_gridmap_is_found_at_run_time(monkeypatch):
    """The guard of tests/conftest.py sees what no reading of the source can."""
    namespace = {"InputError": InputError, "__name__": "gridmap.somewhere"}
    code = compile("def fail(text):\n    raise InputError(text)", str(PACKAGE / "somewhere.py"), "exec")
    exec(code, namespace)
    with pytest.raises(AssertionError, match="not a Note"):
        namespace["fail"]("Nothing.")
