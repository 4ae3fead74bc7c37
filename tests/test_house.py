"""The house is in order: imports without circles, no cut-offs, one home for each thing, complexity and types held."""

import ast
import importlib
import re
import sys
import tomllib
from functools import cache
from pathlib import Path

import grimp
import networkx as nx
import pytest

from gridmap.errors import GridmapError

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gridmap"
SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def imports() -> nx.DiGraph:
    """Every module, with an arrow to each that it imports, at whatever depth of a function."""
    graph, arrows = grimp.build_graph("gridmap", cache_dir=None), nx.DiGraph()
    arrows.add_nodes_from(graph.modules)
    arrows.add_edges_from((a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
    return arrows


def layers() -> list[str]:
    """Rooms of the tree, the highest first, as pyproject has them for import-linter."""
    held = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"][0]
    return [re.findall(r"gridmap\.\w+", layer) for layer in held["layers"]]


def families() -> list[str]:
    """The folders and files of CONTRIBUTING's list: one method, format or step a file."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([\w/]+(?:/|\.py))` \|", text, flags=re.M)


def test_imports_have_no_circles():
    assert [sorted(circle) for circle in nx.strongly_connected_components(imports()) if len(circle) > 1] == []


def test_a_module_that_one_neighbour_uses_is_part_of_it_or_of_a_family():
    """A file that only one file of its own folder imports is a cut-off, unless the family is named in CONTRIBUTING."""
    stub = (PACKAGE / "__init__.pyi").read_text(encoding="utf-8")
    public = {f"gridmap.{name}" for name in re.findall(r"^from \.([\w.]+) import", stub, flags=re.M)}
    cut_off = []
    for module in sorted(set(imports()) - public):
        file = module.replace(".", "/")
        users = [user for user in imports().predecessors(module) if user != module.rpartition(".")[0]]
        facade = len(users) < imports().in_degree(module)  # its own package hands it on
        if (ROOT / file).is_dir() or facade or len(users) != 1 or (ROOT / users[0].replace(".", "/")).is_dir():
            continue
        together = users[0].rpartition(".")[0] == module.rpartition(".")[0]
        named = any(f"{file}.py".startswith(f"gridmap/{family}") for family in families())
        if together and not named:
            cut_off.append(module)
    assert cut_off == [], "merge it into the one file that uses it, or name its family in CONTRIBUTING"


def test_every_family_of_contributing_is_there():
    assert families()
    assert [family for family in families() if not (PACKAGE / family).exists()] == []


def test_no_import_leads_upward_not_even_one_in_a_string():
    """import-linter sees statements; this sees "gridmap.maps" handed to import_module, or in a table of names."""
    order = {room: i for i, layer in enumerate(layers()) for room in layer}

    def height(module: str) -> int | None:
        return order.get(".".join(module.split(".")[:2]))

    upward = []
    for path in SOURCES:
        own = height(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            named = re.fullmatch(r"gridmap(\.\w+)+\.?", node.value.partition(":")[0])
            there = height(node.value.partition(":")[0]) if named else None
            if own is not None and there is not None and there < own:
                upward.append(f"{path.relative_to(ROOT)} names {node.value}")
    assert upward == []


def test_no_module_is_named_after_a_function_it_exports():
    named = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.stem in {n.name for n in ast.parse(path.read_text(encoding="utf-8")).body if hasattr(n, "name")}
    ]
    assert named == []


#: Names that stand for the same kind of file in every folder.
KINDS = {"__init__", "__main__", "base", "vendor"}
#: Folders whose files are named for what they call, draw or hold: `cli/inbox.py` has the command of `runs/inbox.py`.
NAMED_FOR_ANOTHER = (
    "cli",
    "desk/pages",
    "maps/layers",
    "reports/charts",
    "reports/paper",
    "exports/formats",
    "read/tables",
)


def test_no_file_name_means_two_things():
    of_name: dict[str, list[str]] = {}
    for path in SOURCES:
        folder = path.parent.relative_to(PACKAGE).as_posix()
        if (
            path.stem not in KINDS
            and folder not in NAMED_FOR_ANOTHER
            and "_moved" not in path.read_text(encoding="utf-8")
        ):
            of_name.setdefault(path.stem, []).append(folder)
    assert {name: folders for name, folders in of_name.items() if len(folders) > 1} == {}


def test_a_module_with_a_better_name_is_found_under_its_earlier_one():
    rooms = [path.parent.name for path in PACKAGE.glob("*/__init__.py") if "_moved" in path.read_text(encoding="utf-8")]
    for room in rooms:  # each brings its list of earlier names
        importlib.import_module(f"gridmap.{room}")
    moved = {old: new for finder in sys.meta_path for old, new in getattr(finder, "moved", {}).items()}
    assert len(moved) > 50
    for old, new in moved.items():
        assert not (ROOT / f"{old.replace('.', '/')}.py").exists(), old
        sys.modules.pop(old, None)
        with pytest.warns(DeprecationWarning, match=re.escape(new)):
            assert importlib.import_module(old) is importlib.import_module(new)
    from gridmap import privacy

    with pytest.warns(DeprecationWarning, match="release_result"):
        assert privacy.shown_result is privacy.release_result


#: What has one home: how it looks in the source → the only files in which it may stand.
HOMES = {
    "SHA-256 of a file": (
        r"hashlib\.file_digest|sha256\([\w.]*read_bytes\(\)\)|def _?(?:sha256|file_hash|hash_of)\w*\(path",
        {"_io.py"},
    ),
    "SHA-256 of a text": (r"sha256\(\w+\.encode\([^)]*\)\)\.hexdigest|def _?(?:sha256|text_hash)\w*\(text", {"_io.py"}),
    "a file that is whole or not there": (r"os\.replace\(|\.replace\((?:path|target)\)", {"_io.py"}),
    "what is flushed to the disk": (r"os\.fsync", {"_io.py"}),
    "characters that XML forbids": (r"x0b\\x0c|\\x0e-\\x1f", {"_io.py"}),
    "text that a spreadsheet takes for a formula": (r"""\(["']=["'], ["']\+["'], ["']-["']""", {"_io.py"}),
    "names of Chinese fonts": (r"SimHei|PingFang|Noto Sans CJK|WenQuanYi|Source Han", {"_fonts.py"}),
    "intervals of Poisson counts": (r"chi2\.ppf|gammaincinv|chdtri", {"_intervals.py"}),
    "intervals of shares": (r"beta\.ppf|z\*\*2 / \(?[24]", {"_intervals.py"}),
    "KML": (r"opengis\.net/kml", {"_kml.py"}),
    "names of the days of the week": (r"""["']Mon(?:day)?["'],\s*["']Tue""", {"_periods.py"}),
    "the id of a run": (r"def run_id\(settings|def identity\(|hexdigest\(\)\[:1[0-9]\]", {"_audit.py"}),
}


def test_style_sheets_name_the_same_fonts():
    """CSS cannot import: the page, the desk and the quality page give their stacks, which are one."""
    stacks = {
        re.sub(r"\s+", " ", stack)
        for name in ("maps/web/css/10_frame.css", "desk/static/desk.css")
        for stack in re.findall(r'--font: ("[^;]+);', (PACKAGE / name).read_text(encoding="utf-8"))
    }
    assert len(stacks) == 1
    quality = (PACKAGE / "read" / "quality" / "templates" / "quality.html").read_text(encoding="utf-8")
    assert set(re.findall(r'"(Noto[^"]+|Microsoft[^"]+)"', quality)) <= set(re.findall(r'"([^"]+)"', *stacks))


@pytest.mark.parametrize("thing", HOMES)
def test_each_thing_has_one_home(thing):
    looks, homes = HOMES[thing]
    found = {p.relative_to(PACKAGE).as_posix() for p in SOURCES if re.search(looks, p.read_text(encoding="utf-8"))}
    assert found <= homes, f"{thing} belongs into {', '.join(sorted(homes))}"


#: The errors of the package: a test of one says which mistake it means.
ERRORS = {"GridmapError", *(error.__name__ for error in GridmapError.__subclasses__()), "Exception", "OSError"}


@cache
def methods() -> set[str]:
    """Names of the methods of the package's classes, and some of its libraries'; not of properties."""
    found = {"save", "to_csv", "to_file", "plot", "explore", "items", "keys", "values", "copy", "head"}
    for path in SOURCES:
        for made in (n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ClassDef)):
            found |= {n.name for n in made.body if isinstance(n, ast.FunctionDef) and not n.decorator_list}
    return found


def vague(function: ast.FunctionDef) -> list[int]:
    """Lines of a test where any error would do, nothing is compared, or a file need only be there."""
    lines = []
    for block in (node for node in ast.walk(function) if isinstance(node, ast.With)):
        for item in block.items:
            call = item.context_expr
            if not (isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "raises" and call.args):
                continue
            kinds = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(call.args[0])}
            caught = getattr(item.optional_vars, "id", None)
            looked_at = any(
                isinstance(op, ast.In | ast.Eq) and caught in {getattr(n, "id", None) for n in ast.walk(compared)}
                for compared in ast.walk(function)
                if isinstance(compared, ast.Compare)
                for op in compared.ops
            )
            if kinds & ERRORS and not any(k.arg == "match" for k in call.keywords) and not (caught and looked_at):
                lines.append(call.lineno)
    asserts = [node for node in ast.walk(function) if isinstance(node, ast.Assert)]
    for node in asserts:
        either = isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or) and len(node.test.values) > 2
        whole = isinstance(node.test, ast.Attribute) and node.test.attr in methods()  # `assert page.save` always holds
        lines += [node.lineno] * (either or whole)
    only_there = [n for n in asserts if isinstance(n.test, ast.Call) and getattr(n.test.func, "attr", "") == "exists"]
    raises = any(getattr(node, "attr", "") in ("raises", "warns") for node in ast.walk(function))
    return lines + [n.lineno for n in only_there] * (len(only_there) == len(asserts) > 0 and not raises)


def test_every_test_says_what_it_means():
    """No `pytest.raises` of the package's errors that takes any of them, no assert that holds whatever happens."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found += [f"{path.relative_to(ROOT)}:{line}" for line in vague(node)]
    assert found == []
