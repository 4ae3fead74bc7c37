"""One home for a pipeline's keys: what is checked is what editors are given, and every key says what it means."""

import copy
import re

import jsonschema
import pytest
import yaml

from gridmap.audiences import marking_against
from gridmap.errors import GridmapError, SettingError
from gridmap.hotspots.registry import methods, options_of
from gridmap.messages import LANGUAGES, known
from gridmap.runs import read_pipeline
from gridmap.runs.config import Pipeline, check_pipeline, described_keys, never_files, pipeline_schema
from gridmap.runs.input_files import files_named
from gridmap.runs.yamlfile import YamlFile


@pytest.fixture(scope="module")
def files(root):
    return {p: yaml.safe_load(p.read_text(encoding="utf-8")) for p in sorted((root / "pipelines").glob("*.yaml"))}


@pytest.fixture(scope="module")
def schema():
    return pipeline_schema()


def is_valid(schema, values) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(values)


def test_every_pipeline_of_the_project_is_valid_for_check_and_editors(files, schema):
    assert len(files) >= 5
    for path, values in files.items():
        jsonschema.validate(values, schema, cls=jsonschema.Draft202012Validator)
        checked = check_pipeline(YamlFile(path, copy.deepcopy(values), {}))
        assert checked.title == values["title"]


@pytest.mark.parametrize(
    "stage, key, value",
    [
        ("grid", "resolutoin", 8),
        ("grid", "resolution", "eight"),
        ("incidents", "pathh", "a.csv"),
        ("incidents", "category", 7),
        (None, "hotspot", []),
        (None, "language", "fr"),
        ("boundaries", "zone", "a"),
        ("outputs", "maps", "a.html"),
        ("limits", "seconds", 0),
    ],
)
def test_what_the_check_refuses_an_editor_marks(files, schema, stage, key, value):
    path, values = next((p, copy.deepcopy(v)) for p, v in files.items() if p.name == "demo.yaml")
    (values if stage is None else values.setdefault(stage, {}))[key] = value
    with pytest.raises(SettingError, match=key):
        check_pipeline(YamlFile(path, copy.deepcopy(values), {}))
    assert not is_valid(schema, values)


@pytest.mark.parametrize("system", ["h3", "square"])
def test_an_editor_is_offered_the_settings_of_the_system_alone(files, schema, system):
    values = next(copy.deepcopy(v) for p, v in files.items() if p.name == "demo.yaml")
    for setting in ({"resolution": 8}, {"cell_size_m": 500}):
        values["grid"] = {"system": system, **setting}
        assert is_valid(schema, values) == (("resolution" in setting) == (system == "h3"))


def test_every_method_and_each_of_its_options_stands_in_the_schema(schema):
    entry = schema["$defs"]["HotspotStep"]["anyOf"][1]["properties"]
    for name, method in methods().items():
        options = entry[name]["anyOf"][0]
        options = schema["$defs"][options["$ref"].rpartition("/")[2]] if "$ref" in options else options
        assert set(options.get("properties", {})) == set(options_of(method.function)), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_says_what_it_means(language):
    keys = described_keys()
    assert {
        "pipeline",
        "boundaries",
        "grid",
        "incidents",
        "hotspots",
        "forecasts",
        "patrol",
        "timeline",
        "limits",
        "outputs",
        *("case_life", "register", "evaluations", "together", "denominators", "sites"),
        *("context", "follow", "indicators"),
    } == set(keys)
    missing = [
        f"setting.{s}.{k}" for s, names in keys.items() for k in names if not known(f"setting.{s}.{k}", language)
    ]
    assert missing == []


def test_the_schema_speaks_the_language_of_the_reader():
    assert pipeline_schema("zh")["properties"]["title"]["description"] == "页面和文件的标题。"
    described = pipeline_schema("zh")["$defs"]["IncidentsStage"]["properties"]
    assert described["officer_initiated"]["description"].startswith("只保留")


def described(part, path=()):
    """Each key of a schema, wherever it stands, and what it is said to mean."""
    if isinstance(part, dict):
        for name, about in part.get("properties", {}).items() if isinstance(part.get("properties"), dict) else ():
            if isinstance(about, dict) and "const" not in about:
                yield (*path, name), about.get("description")
        for name, inner in part.items():
            yield from described(inner, (*path, name))
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from described(inner, (*path, str(number)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_stage_and_no_key_of_the_schema_is_without_its_meaning(language):
    whole = pipeline_schema(language)
    found = dict(described(whole))
    assert len(found) > 250
    inside = {k: v for k, v in found.items() if not (k[-1] == "system" and v is None and "if" in k)}
    assert [k for k, v in inside.items() if not v] == []
    stages = {name: part.get("description") for name, part in whole["$defs"].items()}
    assert [name for name, text in {"pipeline": whole["description"], **stages}.items() if not text] == []
    if language == "zh":
        texts = [*inside.values(), *stages.values(), whole["description"]]
        assert [text for text in texts if not re.search("[\u4e00-\u9fff]", text)] == []


def test_words_of_a_pipeline_are_not_taken_for_files(tmp_path):
    (tmp_path / "points.csv").touch()
    settings = dict.fromkeys(Pipeline.model_fields, "points.csv")
    found = files_named({k: settings[k] for k in never_files()}, tmp_path)
    assert found == {}
    assert set(files_named(settings, tmp_path)) == {"points.csv"}
    assert {"title", "source", "outputs"} <= set(never_files())
    assert not {"boundaries", "grid", "incidents", "patrol"} & set(never_files())


def test_options_are_kept_as_they_are_written(files):
    path = next(p for p in files if p.name == "patrol.yaml")
    pipeline = check_pipeline(YamlFile(path, copy.deepcopy(files[path]), {}))
    assert pipeline.patrol.options == files[path]["patrol"]
    assert [type(v) for v in pipeline.patrol.options.values()] == [type(v) for v in files[path]["patrol"].values()]
    assert pipeline.hotspots[0].options == {"order": 1, "fdr": 0.05}


def test_a_story_is_at_most_five_titles(tmp_path):
    from gridmap.examples import example_path
    from gridmap.runs.config import read_pipeline

    kept = read_pipeline(example_path("burglary"), overrides=['story=["Where it is", null]'])
    assert kept.story == ["Where it is", None]
    for wrong in ('story="x"', 'story=["a","b","c","d","e","f"]', "story=[3]"):
        with pytest.raises(SettingError, match="story"):
            read_pipeline(example_path("burglary"), overrides=[wrong])


@pytest.mark.parametrize("marking", ["内部资料", "Confidential", "机密★三年", "For official use only"])
def test_a_marking_that_contradicts_the_audience_is_refused(tmp_path, marking):
    text = "boundaries: {path: z.geojson}\nincidents: {path: a.csv}\ngrid: {system: zones}\n"
    text += "hotspots: [getis_ord]\noutputs: {map: m.html}\n"
    for name in ("z.geojson", "a.csv"):
        (tmp_path / name).touch()
    (tmp_path / "p.yaml").write_text(f"{text}audience: public\nclassification: {marking}\n", encoding="utf-8")
    with pytest.raises(GridmapError, match="contradict each other"):
        read_pipeline(tmp_path / "p.yaml")
    (tmp_path / "p.yaml").write_text(f"{text}audience: meeting\nclassification: {marking}\n", encoding="utf-8")
    assert read_pipeline(tmp_path / "p.yaml").classification == marking


@pytest.mark.parametrize("said", ["Unrestricted", "Not confidential", "非机密", "无需保密", "Secretaría de Seguridad"])
def test_a_marking_that_hides_nothing_is_not_refused(said):
    assert marking_against("public", said) is None
    assert marking_against("public", "Todos los derechos reservados") is None
    assert marking_against("public", "Reservado").code == "privacy.marked_not_public"


def test_null_takes_a_list_of_a_pipeline_away():
    from gridmap.examples import example_path

    assert len(read_pipeline(example_path("burglary"), overrides=["timeline=month"]).timeline) == 1
    taken = read_pipeline(example_path("burglary"), overrides=["timeline=month", "timeline=null", "context=null"])
    assert taken.timeline == ()
    assert taken.context == ()
