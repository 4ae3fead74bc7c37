"""Every notebook runs from top to bottom, and is committed without outputs."""

import ast
from pathlib import Path

import matplotlib.pyplot
import nbformat
import pytest
from nbclient import NotebookClient

from .command import LONGEST

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
#: Twelve seconds each, of the 41 of all: two runs with three papers, and a county of 100,000 households.
LONG = ("05_the_briefing", "07_drawing_management_grids")


def test_there_are_notebooks():
    assert set(LONG) < {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] if path.stem in LONG else [])
        for path in NOTEBOOKS[1:]  # the first one runs in Jupyter
    ],
)
@pytest.mark.filterwarnings("default")  # as a notebook has them
def test_the_notebook_runs(path, monkeypatch):
    """Cell by cell in this process, the last line of each shown as a notebook shows it."""
    monkeypatch.chdir(FOLDER)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells, 1):
        if cell.cell_type != "code":
            continue
        body = ast.parse(cell.source).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        where = f"{path.name}, cell {number}"
        exec(compile(ast.Module(body, []), where, "exec"), names)
        if last is not None and (value := eval(compile(ast.Expression(last.value), where, "eval"), names)) is not None:
            assert getattr(value, "_repr_html_", str)() or repr(value)
    matplotlib.pyplot.close("all")


@pytest.mark.filterwarnings("default")  # jupyter's own start-up warns of its parts
def test_a_notebook_runs_in_jupyter():
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    client = NotebookClient(
        notebook, timeout=LONGEST, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_the_notebook_is_committed_without_outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
