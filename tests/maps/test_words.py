import re

import pytest

from gridmap.errors import SettingError
from gridmap.maps import palette
from gridmap.maps.classes import HATCHED
from gridmap.maps.page import TEMPLATES
from gridmap.maps.words import WORDS, check_language

SCRIPTS = {f.name: f.read_text(encoding="utf-8") for f in sorted((TEMPLATES / "js").glob("*.js"))}


def test_every_word_is_said_in_both_languages():
    for key, (en, zh) in WORDS.items():
        assert en.strip(), key
        assert zh.strip(), key
        assert not re.search("[\u4e00-\u9fff]", en) or key.startswith("language_"), key
        holes = [sorted(re.findall(r"\{\d\}", t)) for t in (en, zh)]
        assert holes[0] == holes[1], key


def test_every_word_that_the_scripts_use_is_there():
    used = {k for code in SCRIPTS.values() for k in re.findall(r'gm\.t\(\s*"([^"]+)"', code)}
    used |= {k for code in SCRIPTS.values() for k in re.findall(r'addTab\("\w+", "(\w+)"', code)}
    used |= {"pause", "play", "tour", "compare", "measure", "share", "print_a4", "print_a3", "fullscreen"}
    assert {k for k in used if k not in WORDS} - {"method "} == set()


def test_every_label_of_every_scale_has_words():
    for scale in (palette.HOT_COLD, palette.MORAN, palette.CHANGE, palette.EMERGING):
        for label in scale:
            assert f"label {label}" in WORDS
    assert all(word in WORDS for _, word in HATCHED.values())


def test_the_scripts_say_nothing_themselves():
    """No sentence stands in a script: a text node is a word of WORDS, a number, a sign or data."""
    for name, code in SCRIPTS.items():
        code = re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)
        for text in re.findall(r'text: "([^"]*)"', code):
            assert not re.search(r"[A-Za-z]{2,}|[\u4e00-\u9fff]", text), f"{name} says {text!r}"


def test_an_unknown_language_is_named():
    with pytest.raises(SettingError, match="zh"):
        check_language("zn")
