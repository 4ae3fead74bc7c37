from pathlib import Path

import pytest
import yaml

from gridmap.errors import SettingError
from gridmap.runs import read_pipeline

GOOD = {
    "title": "A title",
    "boundaries": {"path": "zones.geojson"},
    "grid": {"system": "h3", "resolution": 8},
    "incidents": {"path": "points.csv", "category": "Burglary"},
    "hotspots": [{"getis_ord": {"order": 1, "fdr": 0.05}}, {"hdbscan": {"min_cluster_size": 15}, "period": "2018-07"}],
    "outputs": {"map": "map.html", "layers": "layers.gpkg"},
}


@pytest.fixture
def pipeline_with(tmp_path):
    (tmp_path / "zones.geojson").touch()
    (tmp_path / "points.csv").touch()

    def write(changes=None, overrides=()):
        values = yaml.safe_load(yaml.safe_dump(GOOD)) | (changes or {})
        values = {key: value for key, value in values.items() if value is not None}
        path = tmp_path / "p.yaml"
        path.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return read_pipeline(path, overrides=overrides)

    return write


def test_a_good_file_is_read_whole(pipeline_with):
    pipeline = pipeline_with()
    assert [step.method for step in pipeline.hotspots] == ["getis_ord", "hdbscan"]
    assert pipeline.hotspots[1].period == "2018-07"
    assert pipeline.outputs == GOOD["outputs"]


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"hotspot": []}, ["no stage 'hotspot'", "Did you mean 'hotspots'"]),
        ({"grid": None}, ["'grid' is missing"]),
        ({"grid": {"system": "h4"}}, ["no grid system 'h4'", "Did you mean 'h3'", "square"]),
        ({"grid": {"system": "h3", "resolutoin": 8}}, ["'resolutoin'", "Did you mean 'resolution'"]),
        ({"grid": {"system": "h3"}}, ["needs the option 'resolution'"]),
        ({"grid": {"system": "h3", "resolution": "eight"}}, ["'resolution' must be int", "'eight'"]),
        ({"grid": {"system": "square", "resolution": 8}}, ["'resolution'", "cell_size_m"]),
        ({"boundaries": {"path": "nowhere.geojson"}}, ["no file nowhere.geojson", "relative to p.yaml"]),
        ({"boundaries": {"path": "zones.geojson", "zoneid": "a"}}, ["'zoneid'", "Did you mean 'zone_id'"]),
        ({"incidents": {"path": "points.csv", "categry": "a"}}, ["'categry'", "Did you mean 'category'"]),
        ({"incidents": {}}, ["incidents needs a path"]),
        ({"incidents": "points.csv"}, ["incidents needs options"]),
        ({"hotspots": [{"getis_ord": {"oder": 1}}]}, ["no option 'oder'", "Did you mean 'order'"]),
        ({"hotspots": [{"getis_ord": {"order": "one"}}]}, ["'order' must be int", "'one'"]),
        ({"hotspots": [{"getis": {}}]}, ["no method 'getis'", "getis_ord"]),
        ({"hotspots": [{"getis_ord": {}, "dbscan": {}}]}, ["names one method; found 2"]),
        ({"hotspots": [{"category": "Burglary"}]}, ["found none"]),
        ({"hotspots": []}, ["hotspots needs a list"]),
        ({"hotspots": [7]}, ["found 7"]),
        ({"outputs": {"report": "a.odt"}}, ["report needs a file name that ends in .docx, .pdf, .pptx or .xlsx"]),
        ({"forecasts": [{}]}, ["forecasts needs options"]),
        ({"forecasts": {"horizont": "7D"}}, ["'horizont'", "Did you mean 'horizon'"]),
        ({"outputs": {"map": "map.pdf"}}, ["ends in .html"]),
        ({"outputs": {"map": "../map.html"}}, ["plain file name"]),
        ({"outputs": {"surface": "a.tif"}}, ["a surface needs", "kernel_density"]),
        ({"patrol": {"units": 2}}, ["patrol needs the option 'shift_h'"]),
        ({"patrol": {"units": 2, "shift_h": 8, "unts": 2}}, ["'unts'", "Did you mean 'units'"]),
        ({"patrol": {"units": 2, "shift_h": 8, "roads": {"path": "no.geojson"}}}, ["no file no.geojson"]),
        ({"outputs": {"maps": "map.html"}}, ["no output 'maps'", "Did you mean 'map'"]),
        ({"language": "fr"}, ["language must be en", "'fr'"]),
        ({"title": ["a"]}, ["title must be text"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_was_meant(pipeline_with, changes, told):
    with pytest.raises(SettingError, match=r"p\.yaml, line \d+: ") as caught:
        pipeline_with(changes)
    for words in told:
        assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_is_the_options_own(tmp_path, pipeline_with):
    pipeline_with()
    text = (tmp_path / "p.yaml").read_text(encoding="utf-8").replace("fdr:", "frd:")
    (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
    line = [i for i, words in enumerate(text.splitlines(), start=1) if "frd:" in words]
    with pytest.raises(SettingError, match=f"line {line[0]}: "):
        read_pipeline(tmp_path / "p.yaml")


def test_set_replaces_a_value_by_its_place(pipeline_with):
    pipeline = pipeline_with(overrides=["grid.resolution=9", "hotspots.0.getis_ord.order=2", "title=2018-07"])
    assert (pipeline.grid["resolution"], pipeline.hotspots[0].options["order"], pipeline.title) == (9, 2, "2018-07")


@pytest.mark.parametrize("override", ["grid.resolution", "=3", "hotspots.9.getis_ord.order=2", "hotspots.x=1"])
def test_set_that_names_nothing_is_refused(pipeline_with, override):
    with pytest.raises(SettingError, match="--set"):
        pipeline_with(overrides=[override])


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "pipelines").glob("*.yaml")), ids=lambda p: p.name)
def test_each_pipeline_of_the_project_is_right(path):
    written = yaml.safe_load(path.read_text(encoding="utf-8"))["hotspots"]
    read = read_pipeline(path).hotspots
    assert len(read) == len(written) > 0
    assert [step.method for step in read if step.method not in str(written)] == []
