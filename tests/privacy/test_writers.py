"""No writer can forget the gate: every place in the code that writes a file is known here, with its gate."""

import ast
from functools import cache
from pathlib import Path

import pytest

from gridmap.audiences import AUDIENCES, audience_table

PACKAGE = Path(__file__).parents[2] / "gridmap"
#: Calls that put something into a file.
WRITES = {
    *("to_file", "to_parquet", "to_csv", "to_excel", "to_json", "to_feather", "to_pickle", "to_gpkg", "to_html_file"),
    *("write_text", "write_bytes", "savefig", "save", "write_dataframe", "write_parquet", "write_feather", "write_csv"),
    *("ExcelWriter", "Workbook", "PdfPages", "write_pdf", "write_dataset", "ParquetWriter", "imsave", "dump", "tofile"),
}
#: A file that writes → the file whose gate its frames and texts have passed.
THROUGH_THE_GATE = {
    "exports/*": "exports/writing.py",
    "exports/formats/*": "exports/writing.py",
    "maps/page.py": "maps/released_layers.py",
    "runs/*": "runs/audience_limits.py",
    "runs/stages/*": "runs/audience_limits.py",
    "reports/*": "reports/results_folder.py",
    "reports/charts/*": "reports/results_folder.py",
    "reports/paper/*": "reports/results_folder.py",
}
#: Files that write what nobody's gate need see, and why.
NEED_NO_GATE = {
    "_io.py": "the one mechanism of writing: it moves bytes that a writer of this list has made, and makes none",
    "_audit.py": "the chain of a run folder: its facts are those of run.json, which passed record_for",
    "cli/app.py": "the log of the command (--log): the lines that the terminal shows",
    "cli/single_steps.py": "the quality page of `gridmap inspect`: the analyst looks at the input; persons are starred",
    "desk/pages/ask.py": "pipeline files: settings, no data",
    "desk/pages/bring.py": "the user's own uploads, as they came, and the settings of their reading",
    "desk/pages/look.py": "a filter kept as a step of the pipeline: settings, no data",
    "desk/pages/share.py": "an archive of what a run of `gridmap run` for that audience wrote, and how to verify it",
    "desk/server.py": "the lock of the workspace",
    "desk/workers.py": "what an internal run read, as the desk's own copy for its filters; only internal runs have one",
    "desk/workspace.py": "the desk's settings and queue: names of files and runs",
    "examples/__init__.py": "the bundled police data, as they were published",
    "governance/register.py": "areas that a committee named: its own words and dates; columns of persons are refused",
    "grids/saved.py": "a grid: shapes and numbers of the boundaries, whose personal columns were dropped at reading",
    "hotspots/density_result.py": "a surface that release_result has rounded, or that was made of scattered incidents",
    "maps/__init__.py": "a picture in memory for a notebook; a figure that the researcher saves by their own call",
    "maps/vendor.py": "the page's own scripts, at build time",
    "patrol/plan_files.py": "a plan: its places come from results that were released; write_plan asks for the audience",
    "patrol/sheets.py": "as patrol/plan_files.py, which calls it",
    "patrol/plan_from_options.py": "as patrol/plan_files.py; planned against actual visits of patrols",
    "qgis.py": "the plugin for QGIS: programs and words, no data",
    "qgis_plugin/gridmap_processing/provider.py": "a pipeline file that names layers: gridmap itself runs it, gated",
    "read/incident_table.py": "rows set aside, for the analyst who mends the input; never a personal field",
    "read/incidents.py": "the reader's own working copy",
    "samples/county_files.py": "a simulated county",
    "read/tables/vector.py": "the reader's own working copy",
    "counts/spark.py": "the engine's own working copy",
    "counts/warehouse.py": "edges of zones and a query: no incident is in them; its counts pass write_table's gate",
    "counts/store_adding.py": "the office's own incidents, no persons' columns; a run reads them through its gate",
}


@cache
def writers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            mode = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            opened = name in ("open", "NamedTemporaryFile", "fdopen", "ZipFile") and {*"wax", "wb", "ab", "xb"} & set(
                mode
            )
            table = name == "write_table" and getattr(getattr(node.func, "value", None), "id", "") in ("pq", "writer")
            if name in WRITES or opened or table:
                found.setdefault(path.relative_to(PACKAGE).as_posix(), set()).add(name)
    return found


def door_of(name: str) -> str | None:
    return next((door for rule, door in THROUGH_THE_GATE.items() if Path(name).match(rule)), None)


def test_every_place_that_writes_a_file_passes_a_gate_or_says_why_not():
    unknown = {name: calls for name, calls in writers().items() if name not in NEED_NO_GATE and door_of(name) is None}
    assert unknown == {}, "let what they write pass gridmap.privacy.gate, then name the file here"


def test_the_search_for_writers_finds_them():
    """The positive control."""
    found = writers()
    for name in (
        "exports/formats/csv.py",
        "maps/page.py",
        "patrol/plan_files.py",
        "hotspots/density_result.py",
        "grids/saved.py",
    ):
        assert name in found


@pytest.mark.parametrize("door", sorted(set(THROUGH_THE_GATE.values())))
def test_a_door_calls_the_gate(door):
    tree = ast.parse((PACKAGE / door).read_text(encoding="utf-8"))
    called = {getattr(n.func, "attr", getattr(n.func, "id", "")) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert called & {"gate", "gate_text"}


def test_every_writer_of_the_public_interface_asks_for_whom():
    import inspect

    import gridmap as gm

    for function in (gm.export, gm.build_map, gm.write_plan):
        assert inspect.signature(function).parameters["audience"].default == "meeting", function.__name__


def test_the_table_in_the_document_is_the_table_in_the_code(root):
    text = (root / "docs" / "privacy.md").read_text(encoding="utf-8")
    assert audience_table() in text
    for name in AUDIENCES:
        assert f"`{name}`" in text
