"""Sentences say what their facts carry, and every language says the same."""

import json
import re
import string

import numpy as np
import pandas as pd
import pytest

from gridmap.hotspots.nulls import TRUSTED_INCIDENTS
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import LANGUAGES, Note, all_texts
from gridmap.reports.facts import Fact, _few_expected, fact, sentences, time_facts

#: Texts of the section that are parts of a sentence, not facts.
PARTS = ("heading", "p_is", "p_below", "amount_incidents", "amount_weight", "taken_around")
KINDS = [code.removeprefix("fact.") for code in all_texts("en") if code.startswith("fact.")]
KINDS = [kind for kind in KINDS if kind not in PARTS]
#: A value for every field that any text names; distinct numbers, so that a mix-up shows.
VALUES = {
    "name": "Theft", "method": "getis_ord", "place": "West", "correction": "fdr", "level": 0.05, "p": 0.012,
    "weekday": 4, "period": "2018-07", "date": "2018-08-01", "first": "2018-01", "last": "2018-07",
    "reasons": ["grid", "length"], "percent": -0.07, "low": -0.13, "high": -0.02, "confidence": 0.95,
    "null": Note("null.shuffled"), "interval_note": Note("note.counting_error"),
}  # fmt: skip


NULL = Note("null.shuffled")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def filled(kind: str) -> Fact:
    wanted = fields(all_texts("en")[f"fact.{kind}"])
    wanted |= (
        ({"total"} if "amount" in wanted else set()) | {"null"} | {"correction", "level", "p", "weekday", "reasons"}
    )
    made = {"heading", "threshold", "p_text", "weekday_text", "reasons_text", "amount"}  # by the fact itself
    numbers = {name: VALUES.get(name, 11 + 7 * i) for i, name in enumerate(sorted(wanted - made))}
    return Fact(kind, {"method": "getis_ord", "name": "Theft", **numbers})


def numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+(?:[,.]\d+)*", text))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_holds_no_number_of_its_own(kind, language):
    texts = all_texts(language)
    for template in (texts[f"fact.{kind}"], *(t for code, t in texts.items() if code.startswith("threshold."))):
        without = re.sub(r"\{[^}]*\}", "", template)
        assert not re.search(r"\d|[一二三四五六七八九十百]成", without)


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("kind", KINDS)
def test_every_language_says_the_same_numbers(kind, language):
    one = filled(kind)
    assert numbers(one.say("en")) == numbers(one.say(language))


@pytest.mark.parametrize("kind", KINDS)
def test_each_number_of_a_sentence_is_in_its_fact(kind):
    one = filled(kind)
    values = [v for v in one.values.values() if isinstance(v, int | float)]
    texts = " ".join(v for v in one.values.values() if isinstance(v, str))
    for number in numbers(one.say()):
        value = float(number.replace(",", ""))
        digits = len(number.partition(".")[2])
        near = [abs(v) for v in values] + [100 * abs(v) for v in values]
        assert number in texts or any(abs(value - v) <= 0.51 * 10.0**-digits for v in near)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_sentence_is_filled(kind):
    assert "–" not in filled(kind).say()


def test_one_is_said_in_the_singular():
    said = fact("clusters", name="Theft", n=1, share=0.5, total=8, count=4, place="West").say()
    assert "1 cluster holds 50%" in said


def test_a_cell_that_is_hot_for_its_neighbours_is_not_said_to_hold_more_itself():
    values = {"name": "Theft", "n": 1, "cells": 9, "share": 0.0, "total": 40, "area": 0.1, "null": NULL}
    values |= {"level": 0.05, "correction": "fdr"}
    assert fact("hot", **values).say().startswith("Theft: 1 cell of 9 holds more than if")
    assert fact("hot", **values, around=True).say().startswith("Theft: 1 cell of 9, neighbours included, holds more")
    assert "连同邻格的案事件数超出" in fact("hot", **values, around=True).say("zh")


def test_what_is_not_known_is_a_dash_and_never_a_number():
    assert (
        "–" in fact("change", name="Theft", before=3, after=3, percent=0.0, up=0, down=0, level=0.05, null=NULL).say()
    )


def test_a_p_below_a_thousandth_is_never_a_zero():
    values = {"statistic": 0.4, "expected": 0.0, "name": "Moran", "null": NULL}
    assert "p < 0.001" in fact("no_chance", p=0.0, **values).say()
    assert "p = 0.012" in fact("no_chance", p=0.012, **values).say()


def test_an_unknown_kind_says_nothing():
    assert sentences([fact("of a later version", n=3)]) == []


def test_a_fact_survives_json_with_the_notes_in_it():
    part = Note("compass.part_of", place="Gipton", part=Note("compass.north"))
    one = fact("busiest", 2, name=None, method="getis_ord", place=part, count=17, ratio=27.98748917)
    back = Fact.from_dict(json.loads(json.dumps(one.to_dict())))
    assert back == one
    assert back.values["ratio"] == 27.98749
    assert "Gipton（北部）" in back.say("zh")


def test_too_few_expected_is_read_from_the_note_and_not_from_its_words():
    note = Note("note.few_expected", expected=15.2, trusted_from=TRUSTED_INCIDENTS)
    assert _few_expected(HotspotResult(None, "getis_ord", {}, notes=("About 3 incidents", note))) == 15.2
    assert _few_expected(HotspotResult(None, "getis_ord", {}, notes=("About 3 incidents are expected",))) is None


def test_a_change_of_an_earlier_version_is_said_without_its_dates():
    stored = fact("most_up", 1, place="Leeds", before=3, after=9).to_dict()
    assert Fact.from_dict(stored).say() == "It rose most in Leeds: 3 before, 9 after."
    assert "–" not in Fact.from_dict(stored).say("zh")


def week_of(hours, days) -> pd.DataFrame:
    return pd.DataFrame(np.outer(np.asarray(days) / np.sum(days), hours))


@pytest.mark.parametrize(
    ("hours", "days", "kind"),
    [
        ([10] * 24, [1] * 7, "no_peak_hours"),
        ([10] * 21 + [40] * 3, [1] * 7, "peak_hours_alone"),
        ([10] * 24, [1] * 6 + [2], "peak_weekday"),
        ([10] * 21 + [40] * 3, [1] * 6 + [2], "peak_hours"),
    ],
)
def test_hours_are_named_only_where_they_are_more_than_chance(hours, days, kind):
    assert time_facts(week_of(hours, days))[0].kind == kind


def test_a_weekday_that_came_more_often_does_not_stand_out():
    """Thirty-one days have five Fridays, Saturdays and Sundays: a third more of each is what even days give."""
    week = week_of([100] * 24, [4, 4, 4, 4, 5, 5, 5])
    assert time_facts(week)[0].kind == "peak_weekday"
    assert time_facts(week, days=[4, 4, 4, 4, 5, 5, 5])[0].kind == "no_peak_hours"


def test_even_hours_stand_out_in_few_weeks():
    """Of 400 even weeks at most the promised 5 % (99.9 % band: 34) have hours, or a day, that are said to stand out."""
    rng = np.random.default_rng(3)
    kinds = [time_facts(pd.DataFrame(rng.poisson(1.5, (7, 24))))[0].kind for _ in range(400)]
    assert sum(kind in ("peak_hours", "peak_hours_alone") for kind in kinds) <= 34
    assert sum(kind in ("peak_hours", "peak_weekday") for kind in kinds) <= 34


def test_sums_of_a_weight_are_not_called_incidents():
    plain = fact("half", 1, name="Harm", n=2, cells=9, share=2 / 9, total=1234)
    weighed = fact("half", 1, name="Harm", n=2, cells=9, share=2 / 9, total=1234, weight="days lost")
    assert "half of 1,234 incidents" in plain.say()
    assert "half of a total days lost of 1,234" in weighed.say()
    assert "起" not in weighed.say("zh")


def test_a_sentence_on_weights_says_that_their_sum_was_tested():
    given = {
        "name": "Harm",
        "cells": 9,
        "n": 2,
        "area": 0.1,
        "share": 0.5,
        "total": 80.0,
        "correction": "fdr",
        "level": 0.05,
    }
    given |= {"null": Note("null.at_risk", what="homes"), "around": True}
    plain, weighed = fact("none_hot", 1, **given), fact("none_hot", 1, **given, weight="harm")
    assert "连同邻格的案事件数超出" in plain.say("zh")
    assert "案事件数" not in weighed.say("zh")
    assert "连同邻格的harm合计超出" in weighed.say("zh")
    assert "neighbours included" in plain.say("en")
    assert "by harm and neighbours included" in weighed.say("en")
