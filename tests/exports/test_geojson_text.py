"""Text that looks like JSON stays text in GeoJSON."""

import json

import gridmap as gm


def test_text_that_looks_like_json_stays_text(answers, tmp_path):
    cells = answers.grid.cells.iloc[:2][["geometry"]].assign(note=["[1]", '{"a": 1}'])
    path = gm.export(cells, tmp_path / "a.geojson", audience="internal")
    found = json.loads(path.read_text(encoding="utf-8"))
    assert [f["properties"]["note"] for f in found["features"]] == ["[1]", '{"a": 1}']
    assert found["type"] == "FeatureCollection"
    assert all(len(p) == 2 for p in found["features"][0]["geometry"]["coordinates"][0])
