"""What is new, gone, up or down since the last run, against a town whose change is known."""

import json
import shutil

import pytest

from gridmap.errors import ReadError
from gridmap.reports.compare_runs import changes_since, previous_run
from gridmap.reports.facts import sentences
from gridmap.reports.results_folder import read_run


def test_the_earlier_run_is_found_beside_this_one(archive, april):
    assert previous_run(read_run(april)).path == archive / "march"
    assert previous_run(read_run(archive / "march")) is None


def test_the_planted_changes_are_found(april):
    changes = changes_since(read_run(april))
    rows = changes.rows.set_index("name", drop=False)
    by_status = changes.rows.groupby("status")["name"].apply(list).to_dict()
    names = read_run(april).table("zones.parquet")["name"].tolist()
    south, north, east = names[0], names[2], names[3]
    for name, status in ((east, "new"), (north, "gone"), (south, "up")):
        assert any(str(place).startswith(name[:100]) for place in by_status[status]), status
    top = changes.rows[(changes.rows["status"] == "up")].iloc[0]
    assert top["after"] > 2 * top["before"]
    assert top["p_value"] < 1e-6
    assert len(rows)


def test_the_sentence_counts_the_rows_of_the_table(april):
    changes = changes_since(read_run(april))
    (told,) = [f for f in changes.facts if f.kind == "since"]
    for status in ("new", "gone", "up", "down", "same"):
        assert told.values[status] == (changes.rows["status"] == status).sum()
    assert all(len(sentences(changes.facts, language)) == len(changes.facts) for language in ("en", "zh"))


def test_counts_then_and_now_are_those_of_the_cells(archive, april):
    run, march = read_run(april), read_run(archive / "march")
    row = changes_since(run).rows.iloc[0]
    ids = run.results[0]["layers"][0]["ranked"][0]["ids"]
    assert row["after"] == run.table("1_hotspot_test.parquet")["count"].loc[ids].sum()
    assert row["before"] == march.table("1_hotspot_test.parquet")["count"].loc[ids].sum()


def changed(archive, tmp_path, edit):
    """The two runs, with march's papers edited."""
    for name in ("march", "april"):
        shutil.copytree(archive / name, tmp_path / name)
    manifest = json.loads((tmp_path / "march" / "run.json").read_text(encoding="utf-8"))
    facts = json.loads((tmp_path / "march" / "results" / "facts.json").read_text(encoding="utf-8"))
    edit(manifest, facts)
    manifest["outputs"] = []
    (tmp_path / "march" / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    (tmp_path / "march" / "results" / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
    return changes_since(read_run(tmp_path / "april"), tmp_path / "march")


@pytest.mark.parametrize(
    ("reason", "edit"),
    [
        ("grid", lambda m, f: f["head"]["grid"].update(cell_size_m=250)),
        ("boundaries", lambda m, f: f["head"].update(zones=5)),
        ("settings", lambda m, f: m["settings"]["hotspots"][0]["hotspot_test"].update(order=2)),
        ("incidents", lambda m, f: f["results"][0].update(category="robbery")),
        ("length", lambda m, f: f["results"][0].update(period="2023")),
        ("same_period", lambda m, f: f["results"][0].update(period="2024-04-01 – 2024-04-28")),
        ("overlap", lambda m, f: f["results"][0].update(period="2024-03-20 – 2024-04-16")),
        ("no_period", lambda m, f: f["results"][0].update(period=None)),
        ("audience", lambda m, f: f.update(audience="internal")),
    ],
)
def test_what_cannot_be_compared_is_not_compared_and_says_why(archive, tmp_path, reason, edit):
    changes = changed(archive, tmp_path, edit)
    assert len(changes.rows) == 0
    (told,) = changes.facts
    assert told.kind == "incomparable"
    assert reason in told.values["reasons"]
    assert all("{" not in said and reason not in said for said in sentences(changes.facts, "zh"))


def test_a_run_is_not_compared_with_itself(april):
    with pytest.raises(ReadError, match="this run itself"):
        changes_since(read_run(april), april)


def test_without_an_earlier_run_nothing_is_said_to_be_new(archive, tmp_path):
    shutil.copytree(archive / "april", tmp_path / "alone" / "april")
    (told,) = changes_since(read_run(tmp_path / "alone" / "april")).facts
    assert told.kind == "since_none"
