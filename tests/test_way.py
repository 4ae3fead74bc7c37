"""The way of an incident file to the page, as docs/architecture.md draws it, is that of a traced run."""

import collections
import hashlib
from pathlib import Path

import pytest

from gridmap import _io
from gridmap.maps import released_layers
from gridmap.runs import read_pipeline, run_pipeline

from .scripts import script

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def way():
    return script("way")


def test_the_drawing_is_that_of_a_trace_and_has_at_most_15_hops(way):
    traced = way.drawing()
    assert 5 < len(traced) <= way.MOST_HOPS
    assert way.in_document() == traced, "python .ci/way.py --record draws it again"


def test_each_file_is_hashed_once_and_each_place_ranked_once(way, tmp_path, monkeypatch):
    pipeline = read_pipeline(way.make_town(tmp_path))
    hashed, ranked = collections.Counter(), []
    digest, rank = hashlib.file_digest, released_layers.rank_places

    def counted(file, *more):
        hashed[Path(f"/proc/self/fd/{file.fileno()}").resolve().name] += 1
        return digest(file, *more)

    monkeypatch.setattr(_io, "SETTLED_S", -60.0)  # a file of this moment counts as one that nobody is writing any more
    monkeypatch.setattr(hashlib, "file_digest", counted)
    monkeypatch.setattr(released_layers, "rank_places", lambda *given, **more: ranked.append(1) or rank(*given, **more))
    run_pipeline(pipeline, tmp_path / "out")
    assert {"points.csv", "zones.geojson", "map.html", "facts.json", "run.json"} <= set(hashed)
    assert {name: n for name, n in hashed.items() if n > 1} == {}
    assert len(ranked) == 1
