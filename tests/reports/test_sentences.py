"""Sentences say what their facts carry, and both languages say the same."""

import re
import string

import pytest

from gridmap.reports.facts import Fact, fact
from gridmap.reports.sentences import _THRESHOLDS, LIMITS, SENTENCES, sentence, sentences

#: A value for every field that any template names; distinct numbers, so that a mix-up shows.
VALUES = {
    "name": "Theft", "method": "getis_ord", "place": "West", "correction": "fdr", "level": 0.05, "p": 0.012,
    "weekday": 4, "period": "2018-07", "date": "2018-08-01", "first": "2018-01", "last": "2018-07",
    "reasons": ["grid", "length"], "percent": -0.07, "low": -0.13, "high": -0.02, "confidence": 0.95,
}  # fmt: skip


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def filled(kind: str) -> Fact:
    asked = fields(SENTENCES[kind][0]) | fields(SENTENCES[kind][1]) | {"correction", "level", "p", "weekday", "reasons"}
    numbers = {name: VALUES.get(name, 11 + 7 * i) for i, name in enumerate(sorted(asked))}
    return Fact(kind, {"method": "getis_ord", **numbers})


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:[,.]\d+)*", text))


@pytest.mark.parametrize("kind", SENTENCES)
def test_both_languages_are_filled_from_the_same_values(kind):
    english, chinese = SENTENCES[kind]
    assert fields(english) == fields(chinese)


@pytest.mark.parametrize("kind", SENTENCES)
def test_a_template_holds_no_number_of_its_own(kind):
    for template in (*SENTENCES[kind], *(t for pair in _THRESHOLDS.values() for t in pair)):
        without = re.sub(r"\{[^}]*\}", "", template)
        assert not re.search(r"\d|[一二三四五六七八九十百]成", without)


@pytest.mark.parametrize("kind", SENTENCES)
def test_english_and_chinese_say_the_same_numbers(kind):
    told = filled(kind)
    assert numbers(sentence(told, "en")) == numbers(sentence(told, "zh"))


@pytest.mark.parametrize("kind", SENTENCES)
def test_each_number_of_a_sentence_is_in_its_fact(kind):
    told = filled(kind)
    values = [v for v in told.values.values() if isinstance(v, int | float)]
    texts = " ".join(v for v in told.values.values() if isinstance(v, str))
    for number in numbers(sentence(told, "en")):
        value = float(number.replace(",", ""))
        digits = len(number.partition(".")[2])
        near = [abs(v) for v in values] + [100 * abs(v) for v in values]
        assert number in texts or any(abs(value - v) <= 0.51 * 10.0**-digits for v in near)


def test_one_is_said_in_the_singular():
    said = sentence(fact("clusters", name="Theft", n=1, share=0.5, total=8, count=4, place="West"))
    assert "1 cluster holds 50%" in said


def test_what_is_not_known_is_a_dash_and_never_a_number():
    assert "–" in sentence(fact("change", name="Theft", before=3, after=3, percent=0.0, up=0, down=0, level=0.05))


def test_an_unknown_kind_says_nothing():
    assert sentences([fact("of a later version", n=3)]) == []


def test_a_fact_survives_json():
    told = fact("busiest", 2, name=None, method="getis_ord", place="=1+1", count=17, ratio=27.98748917)
    assert Fact.from_dict(told.to_dict()) == told
    assert told.values["ratio"] == 27.98749


def test_limits_are_said_in_both_languages():
    assert all(len(pair) == 2 and all(pair) for pair in LIMITS)
