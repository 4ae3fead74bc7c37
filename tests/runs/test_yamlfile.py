import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmap.errors import GridmapError, ReadError
from gridmap.runs.yamlfile import parse_value, read_yaml


def write(tmp_path, text: str):
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_value_knows_its_line(tmp_path):
    file = read_yaml(write(tmp_path, "title: a\ngrid:\n  system: h3\nhotspots:\n  - getis_ord:\n      order: 1\n"))
    assert file.values == {"title": "a", "grid": {"system": "h3"}, "hotspots": [{"getis_ord": {"order": 1}}]}
    assert file.line(("hotspots", 0, "getis_ord", "order")) == 6
    assert file.line(("grid", "no such")) == 2


def test_a_date_stays_what_was_typed(tmp_path):
    assert read_yaml(write(tmp_path, "before: 2018-07-01\nafter: 2018-07\n")).values["before"] == "2018-07-01"
    assert parse_value("2018-07-01") == "2018-07-01"


@pytest.mark.parametrize(
    "text, told",
    [
        ("a: !!python/object/apply:os.system ['true']", "tag"),
        ("a: &x [1]\nb: *x", "line 1: anchors"),
        ("a: [1\nb: 2", "not YAML"),
        ("a: 1\na: 2", "line 2: the key 'a' stands here twice"),
        ("- a\n- b", "does not hold a pipeline"),
        ("", "does not hold a pipeline"),
        ("? [a, b]\n: 1", "key must be a word"),
        ("[" * 1500, "p.yaml"),
        ("a: \x00", "not YAML"),
    ],
)
def test_what_is_not_plain_data_is_refused_in_one_line(tmp_path, text, told):
    with pytest.raises(ReadError, match=r"p\.yaml") as caught:
        read_yaml(write(tmp_path, text))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_of_another_encoding_is_refused(tmp_path):
    path = tmp_path / "gbk.yaml"
    path.write_bytes("title: 热点".encode("gb18030"))
    with pytest.raises(ReadError, match="UTF-8"):
        read_yaml(path)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        read_yaml(path)
    except GridmapError:
        return
