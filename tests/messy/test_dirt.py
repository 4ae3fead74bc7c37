"""Every kind of dirt, read: what the table in docs/reading.md says is what happens."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridmap.errors import GridmapError
from gridmap.read.incidents import read_incidents
from gridmap.read.quality import inspect_file
from tests.messy.dirt import KINDS, write

DOCS = Path(__file__).parents[2] / "docs" / "reading.md"


SLOW = [pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3)]


@pytest.mark.parametrize("seed", [0, *SLOW])
@pytest.mark.parametrize("name", KINDS)
def test_dirt(tmp_path, name, seed):
    expected = write(tmp_path, name, seed=seed)
    if expected.error:
        with pytest.raises(GridmapError, match=expected.error) as caught:
            read_incidents(expected.path, **expected.options)
        assert "\n" not in str(caught.value)
        return
    incidents = read_incidents(expected.path, **expected.options)
    aside = dict(zip(incidents.set_aside["row"], incidents.set_aside["reason"], strict=True))
    assert aside == expected.aside
    assert len(incidents) + len(incidents.set_aside) == expected.rows
    frame = incidents.to_frame()
    truth = expected.truth
    assert len(frame) == len(truth)
    assert np.allclose(frame["lon"], [float(r[3]) for r in truth], atol=1e-8)
    assert np.allclose(frame["lat"], [float(r[4]) for r in truth], atol=1e-8)
    if expected.check is None:
        assert list(frame["occurred_from"].dt.round("1ms")) == [pd.Timestamp(r[1]) for r in truth]
        assert [i.split("\n")[0] for i in frame["incident_id"]] == [r[0].split("\n")[0] for r in truth]
    else:
        expected.check(frame)
    known = [(a, r[2]) for a, r in zip(frame["category"], truth, strict=True) if r[2] is not None]
    assert [a for a, _ in known] == [b for _, b in known]
    if expected.note:
        assert any(expected.note in note for note in incidents.source["notes"]), incidents.source["notes"]
    everything = frame.astype(str).to_csv() + incidents.set_aside.astype(str).to_csv()
    for row in truth:
        assert row[6] not in everything
        assert row[5] not in everything


REFUSED = ("a gzip that breaks off", "a file of zero bytes", "a picture named .csv")


@pytest.mark.parametrize("name", KINDS)
def test_dirt_is_inspected_without_a_crash(tmp_path, name):
    expected = write(tmp_path, name)
    if name in REFUSED:
        with pytest.raises(GridmapError, match=expected.error):
            inspect_file(expected.path)
        return
    report = inspect_file(expected.path)
    if not expected.error:
        assert report.rows == expected.rows
    assert report.used + sum(report.set_aside.values()) == report.rows
    assert "138" not in "".join(c["name"] for c in report.columns)
    assert report.text()
    assert report.to_html()
    assert report.pipeline_yaml()


def test_the_table_in_the_docs_says_what_is_tested():
    text = DOCS.read_text("utf-8")
    for name, (happens, _) in KINDS.items():
        assert f"| {name} | {happens} |" in text
