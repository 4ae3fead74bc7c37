"""The JSON Schema of a pipeline file takes what the project runs, and marks what is misspelt."""

import copy

import pytest
import yaml
from pydantic import ValidationError

from gridmap.runs.check import STAGES
from gridmap.runs.config import pipeline_model, pipeline_schema


@pytest.fixture(scope="module")
def files(root):
    return {p.name: yaml.safe_load(p.read_text(encoding="utf-8")) for p in sorted((root / "pipelines").glob("*.yaml"))}


def test_every_pipeline_of_the_project_is_valid(files):
    assert len(files) >= 5
    for values in files.values():
        pipeline_model().model_validate(values)


@pytest.mark.parametrize(
    "stage, change", [("grid", "resolutoin"), ("incidents", "pathh"), (None, "hotspot"), ("boundaries", "zone")]
)
def test_a_misspelt_key_is_marked(files, stage, change):
    values = copy.deepcopy(files["demo.yaml"])
    (values if stage is None else values[stage])[change] = 1
    with pytest.raises(ValidationError, match=change):
        pipeline_model().model_validate(values)


def test_the_schema_knows_the_stages_that_the_check_knows():
    assert set(pipeline_schema()["properties"]) == set(STAGES)
