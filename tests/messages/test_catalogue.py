"""The catalogue: the same codes and the same fields in every language, and numbers by the rules of each."""

import pickle
import re
import string

import pytest

from gridmap.errors import InputError, SettingError
from gridmap.messages import LANGUAGES, Note, all_texts, check_language, chosen_language, known, note_from, say
from gridmap.messages.catalogue import _texts


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_says_everything_that_english_says(language):
    assert set(_texts(language)) == set(_texts("en"))


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_translation_has_a_field_that_english_lacks(language):
    """Then English and the translation are filled from the same values."""
    english = _texts("en")
    extra = {code: fields(text) - fields(english[code]) for code, text in _texts(language).items()}
    assert {code: names for code, names in extra.items() if names} == {}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_text_is_left_in_english(language):
    """A text of several English words is never the same in another language."""
    same = [c for c, t in _texts(language).items() if t == _texts("en")[c] and len(t.split()) > 2]
    assert same == []


def test_a_space_stands_between_chinese_and_a_number_that_is_filled_in():
    """`共 {n:,} 起`, as everywhere on the pages; a plural's own words bring the space behind the number themselves."""
    chinese, number = "[\u4e00-\u9fff]", r"\{\w+:(?!#)[^{}]*\}"
    close = re.compile(rf"{chinese}{number}|{number}{chinese}|{chinese}\{{\w+:#")
    assert [code for code, text in _texts("zh").items() if close.search(text)] == []
    assert say("inbox.line", "zh", when="", files="", n=255, found="", since="", folder="").startswith(" ：共 255 起。")


def test_a_note_reads_as_english_and_is_said_in_other_languages():
    note = Note("messages.no_language", found="xx", meant=Note("messages.there_are", names=["en", "zh"]))
    assert note == "There is no language 'xx'. There are: en, zh."
    assert note.say("zh") == "没有语言 'xx'。可选：en、zh。"


def test_a_note_survives_pickling_and_json():
    note = Note("messages.no_language", found="xx", meant=Note("messages.there_are", names=["en"]))
    assert pickle.loads(pickle.dumps(note)) == note
    assert note_from(note.to_dict()).values["meant"].code == "messages.there_are"


def test_a_code_that_is_not_there_is_a_bug():
    with pytest.raises(KeyError, match=r"no text 'no\.such'"):
        Note("no.such")


def test_an_error_is_said_in_the_readers_language():
    assert InputError(Note("messages.there_are_none")).say("zh") == "没有可选项。"
    assert InputError("plain").say("zh") == "plain"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, "1 cell"), (2, "2 cells"), (0, "0 cells"), (1234, "1,234 cells")],
)
def test_plural_forms_follow_the_number(value, expected):
    from gridmap.messages.catalogue import _Formatter

    assert _Formatter("en").vformat("{n:#cell|cells}", (), {"n": value}) == expected
    assert _Formatter("zh").vformat("{n:#个}", (), {"n": value}) == f"{value:,} 个"


def test_what_is_not_known_is_a_dash():
    assert say("fact.cold", name="Burglary", n=None).startswith("Burglary: –")


def test_the_language_is_found_in_the_environment(monkeypatch):
    for name in ("GRIDMAP_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert chosen_language() == "zh"
    monkeypatch.setenv("GRIDMAP_LANGUAGE", "en")
    assert chosen_language() == "en"
    assert chosen_language("zh") == "zh"
    with pytest.raises(SettingError, match="no language 'xx'"):
        chosen_language("xx")


def test_check_language_and_all_texts():
    assert check_language("zh") == "zh"
    assert all_texts("zh")["label.hot_99"] == "热点 99%"


def test_every_reason_to_set_a_row_aside_has_its_word_for_papers():
    from gridmap.read.row_conversion import REASONS

    assert [reason for reason in REASONS if not known(f"set_aside_reason.{reason}")] == []


def test_a_share_that_is_there_is_not_0_percent():
    share = {
        share: say("fact.half", "en", name="", n=1, cells=2, share=share, amount="x") for share in (0.0, 2e-4, 0.5)
    }
    assert ["(0.0%)" in share[0.0], "(<0.1%)" in share[2e-4], "(50.0%)" in share[0.5]] == [True] * 3
    assert "（<0.1%）" in say("fact.half", "zh", name="", n=1, cells=2, share=2e-4, amount="x")
