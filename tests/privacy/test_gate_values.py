"""Values go through the gate, not the sentences that they make: a small rate is a number, a latitude is a place."""

import pytest

from gridmap.messages import LANGUAGES, Note
from gridmap.privacy import gate_text
from gridmap.reports.facts import fact
from gridmap.reports.results_folder import Findings

RATES = fact(
    "rates",
    1,
    name="Burglary 13812345678",
    null=Note("null.residents", what="persons"),
    overall=0.0052317,
    per=1000,
    high=2,
    low=0,
    correction="fdr",
    level=0.05,
)


@pytest.mark.parametrize("audience", ["internal", "meeting", "public"])
def test_a_small_rate_stays_a_number_and_a_telephone_does_not(audience):
    (note,) = Findings({}, [RATES], [], {}).notes(audience)
    for language in LANGUAGES:
        text = note.say(language)
        assert "0.00523" in text
        assert "13812345678" not in text
        assert "***" in text


def test_what_a_fact_says_is_what_its_note_says():
    assert [RATES.note().say(language) for language in LANGUAGES] == [RATES.say(language) for language in LANGUAGES]


def test_a_place_in_a_note_is_rounded_except_for_internal():
    piled = Note("read.piled", n=40, share=0.2, lon=-1.5432109, lat=53.8012345)
    assert "53.801," not in gate_text(piled, audience="internal")
    assert "53.8012" in gate_text(piled, audience="internal")
    for audience in ("meeting", "public"):
        assert "(-1.543, 53.801)" in gate_text(piled, audience=audience)
