"""Every method is declared whole: its words in every language, its labels on a scale, its columns as they come out."""

import ast
import inspect
import re
from dataclasses import replace
from pathlib import Path

import pytest

import gridmap as gm
from gridmap.errors import SettingError
from gridmap.hotspots import registry
from gridmap.hotspots.registry import (
    DRAWS,
    OWN,
    SCALES,
    described_methods,
    hotspot_method,
    inputs_of,
    label_code,
    method_named,
    methods,
    missing_fields,
    missing_words,
    options_of,
)
from gridmap.messages import LANGUAGES, all_texts

from ..scripts import script

ALL = methods()
#: Families of facts that gridmap.reports.facts knows.
FACTS = (
    *("hot", "moran", "change", "emerging", "quiet", "rates", "risk", "density", "clusters", "scan"),
    *("repeats", "chance", "hours"),
)


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_method_registered_incompletely_fails_here(name, language):
    method, texts = ALL[name], all_texts(language)
    assert missing_words(method) == []
    assert missing_fields(method) == []
    assert method.draws in DRAWS
    assert method.facts in FACTS
    assert method.title.say(language) == texts[f"method.{name}.name"]
    if language != "en":
        english = all_texts("en")
        assert texts[f"method.{name}.explains"] != english[f"method.{name}.explains"]


@pytest.mark.parametrize(
    ("name", "field", "left_out"),
    [
        *(("getis_ord", field, ()) for field in ("columns", "labels", "finds")),
        *(("getis_ord", field, None) for field in ("amount", "null", "facts")),
        *(("kernel_density", "unit", "incidents"), ("kernel_density", "amount", None), ("global_moran", "null", None)),
        *(("dbscan", "of_points", False), ("dbscan", "columns", ()), ("hour_of_week", "facts", "")),
    ],
)
def test_each_field_that_is_left_out_is_named(name, field, left_out):
    assert field in missing_fields(replace(ALL[name], **{field: left_out}))


@pytest.mark.parametrize("code", ["method.dbscan.name", "method.dbscan.explains", "unit.incidents", "column.rank"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_word_that_is_left_out_is_named(monkeypatch, code, language):
    monkeypatch.setattr(registry, "known", lambda word, tag: (word, tag) != (code, language))
    assert missing_words(ALL["dbscan"]) == [f"{code} ({language})"]


@pytest.mark.parametrize("name", sorted(OWN))
def test_the_source_describes_what_the_function_has(name):
    (told,) = described_methods(name)
    function = method_named(name).function
    assert told.works_on == tuple(inputs_of(function).values())
    assert [o.split(":")[0].split(" =")[0] for o in told.options] == list(options_of(function))
    assert told.question == inspect.getdoc(function).split("\n")[0]


def test_labels_and_findings_follow_from_the_scale():
    assert ALL["getis_ord"].finds == ("hot 99", "hot 95", "hot 90")
    assert ALL["incident_rates"].labels == SCALES["rates"]
    assert ALL["quiet_cells"].finds == ("possibly under-reported",)
    assert not any(label.startswith(("hot", "cold")) for label in ALL["quiet_cells"].labels)
    assert all(label_code(label) in all_texts("zh") for scale in SCALES.values() for label in scale)


@pytest.fixture(scope="module")
def results():
    town = gm.samples.town(random_state=0)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=500)
    grid.cells["persons"] = 1000.0
    counts = gm.count_by_cell(town.incidents, grid)
    months = gm.count_by_cell(town.incidents, grid, every="month")
    return [
        gm.getis_ord(counts, grid),
        gm.hotspot_test(counts, grid),
        gm.local_moran(counts, grid, permutations=99, random_state=0),
        gm.compare_periods(months, grid, before="2024-02", after="2024-03"),
        gm.emerging_hotspots(months, grid),
        gm.quiet_cells(counts, grid),
        gm.incident_rates(counts, population=grid.cells["persons"]),
        gm.kernel_density(town.incidents, grid, bandwidth_m=500),
        *(method.function(counts, grid) for method in ALL.values() if _runs_as_it_is(method)),
    ]


def _runs_as_it_is(method) -> bool:
    """Whether counts and a grid are all that it needs: then its columns are looked at without being named above."""
    own = ("getis_ord", "hotspot_test", "local_moran", "quiet_cells", "spatial_scan")  # above, or a simulation
    needed = [name for name, option in options_of(method.function).items() if option.default is option.empty]
    return list(method.inputs) == ["counts", "grid"] and not needed and method.name not in own


def test_columns_and_labels_come_out_as_declared(results):
    for result in results:
        method = method_named(result.method)
        assert [c for c in method.columns if c not in result.cells] == [], result.method
        if method.labels:
            assert set(result.cells["label"].dropna()) <= set(method.labels), result.method
        if method.amount is not None:
            assert method.amount in result.cells, result.method


def test_what_does_not_go_together_is_refused():
    with pytest.raises(SettingError, match="Did you mean 'labels'"):
        hotspot_method(draws="label")
    with pytest.raises(SettingError, match="no scale"):
        hotspot_method(draws="labels", scale="warm_cool")
    with pytest.raises(SettingError, match="Did you mean 'getis_ord'"):
        method_named("getis_or")


def test_the_lists_are_those_that_the_registry_makes():
    """The table of docs/methods.md and the methods in `__init__.pyi`, as `python .ci/lists.py` writes them."""
    lists = script("lists")
    assert [lists.in_document(tag) for tag in ("en", "zh")] == [lists.table(tag) for tag in ("en", "zh")]
    written = lists.STUB.read_text(encoding="utf-8")
    assert lists.stub(written, dict(OWN)) == written
    for module, there in (("rates", r"rates import (\w+, )*busiest, "), ("calm", "calm import busiest")):
        new = lists.stub(written, {"busiest": module})
        assert re.search(there, new)
        assert '    "build_network",\n    "busiest",\n    "case_life",\n' in new


def test_every_at_risk_option_is_one_of_the_function():
    assert [n for n, m in ALL.items() if m.at_risk and m.at_risk not in inspect.signature(m.function).parameters] == []
    people = {n for n, m in ALL.items() if {"population", "at_risk"} & set(inspect.signature(m.function).parameters)}
    assert people - {n for n, m in ALL.items() if m.at_risk} == set(), "declare at_risk="


def test_errors_of_this_room_are_notes_with_a_code():
    """Then `gridmap --language zh` says them in Chinese; a sentence put together in the code could not be."""
    room, plain = Path(__file__).parents[2] / "gridmap" / "hotspots", []
    for file in room.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                name = getattr(node.exc.func, "id", "")
                if name in ("InputError", "SettingError", "CRSError") and isinstance(
                    node.exc.args[0], ast.JoinedStr | ast.Constant
                ):
                    plain.append(f"{file.name}:{node.lineno}")
    assert plain == []
