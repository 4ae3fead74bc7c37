"""What `import gridmap` offers, and that its documents know it."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import gridmap as gm

ROOT = Path(__file__).parents[1]


def test_all_is_sorted_and_everything_in_it_exists():
    assert gm.__all__ == sorted(gm.__all__)
    assert [name for name in gm.__all__ if not hasattr(gm, name)] == []


def test_every_public_function_teaches():
    """Meaning, parameters, and an example that runs."""
    lacking = []
    for name in gm.__all__:
        thing = getattr(gm, name)
        if inspect.isfunction(thing):
            text = inspect.getdoc(thing) or ""
            lacking += [f"{name}: {part}" for part in ("Parameters", "Returns") if f"{part}\n---" not in text]
    assert lacking == []


def test_every_hotspot_method_has_an_example_and_a_source():
    from gridmap.hotspots.registry import METHODS

    lacking = []
    for name, function in METHODS.items():
        text = inspect.getdoc(function)
        lacking += [f"{name}: {part}" for part in ("Examples", "References") if f"{part}\n---" not in text]
    assert lacking == []


def test_no_module_is_named_after_a_function_that_gridmap_exports():
    modules = {path.stem for path in (ROOT / "gridmap").rglob("*.py")}
    functions = {name for name in gm.__all__ if inspect.isfunction(getattr(gm, name))}
    assert modules & functions == set()


def test_every_command_and_option_is_documented():
    import typer.main

    from gridmap.cli import app

    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    for name, command in typer.main.get_command(app).commands.items():
        section = re.search(rf"^## gridmap {name}\b(.*?)(?=^## |\Z)", text, flags=re.M | re.S)
        assert section, f"docs/commands.md has no section on gridmap {name}"
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert option in section.group(1), f"{option} of gridmap {name} is not documented"


def test_importing_gridmap_imports_none_of_its_parts():
    """`gridmap --help` need not wait for matplotlib; a name comes with its module when it is first used."""
    told = subprocess.run(
        [sys.executable, "-c", "import sys, gridmap; print([m for m in sys.modules if m.startswith('gridmap.')])"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert told.stdout.strip() == "[]"


def test_the_stub_lists_what_it_imports():
    listed = ast.literal_eval(re.search(r"__all__ = (\[.*?\])", (ROOT / "gridmap/__init__.pyi").read_text(), re.S)[1])
    assert sorted(listed) == sorted(gm.__all__)
