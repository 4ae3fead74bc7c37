# ruff: noqa: E501 - what the page is asked stands in one line of JavaScript
"""A third language is one new file: the page offers it, speaks it, and leaves no word in another."""

import re

import pytest

import gridmap as gm
from gridmap.messages import LANGUAGES, Note, all_texts, catalogue

#: Vowels with marks: every text of the pseudo-language shows that it came from its catalogue.
MARKS = str.maketrans("aeiouAEIOU", "àéîõüÀÉÎÕÜ")
FIELD = re.compile(r"(\{[^}]*\})")


def marked(text: str) -> str:
    """The text with marked vowels, its fields as they are but for the words of plural forms."""

    def field(part: str) -> str:
        if not FIELD.fullmatch(part):
            return part.translate(MARKS)
        head, sep, forms = part.partition(":#")
        return head + sep + forms.translate(MARKS) if sep else part

    return "".join(map(field, FIELD.split(text)))


@pytest.fixture
def pseudo(monkeypatch, tmp_path):
    """The languages with one more, as one more file would bring it."""
    texts = {code: marked(text) for code, text in all_texts("en").items()}
    texts |= {"language.name": "Psèudo", "language.locale": "fr"}
    real = catalogue._texts
    monkeypatch.setattr(catalogue, "_texts", lambda language: texts if language == "xx" else real(language))
    for module in ("gridmap.messages.catalogue", "gridmap.maps.page"):
        monkeypatch.setattr(f"{module}.LANGUAGES", (*LANGUAGES, "xx"))
    monkeypatch.setattr("gridmap.maps.page.check_language", lambda language: language)
    return "xx"


def test_the_page_carries_the_new_language_and_names_it(pseudo, hot, tmp_path):
    html = gm.build_map([gm.hotspot_layer(hot)]).save(tmp_path / "m.html").read_text(encoding="utf-8")
    assert "Psèudo" in html
    assert marked("What this map cannot say") in html


@pytest.mark.browser
def test_no_word_of_page_or_legend_stays_in_another_language(pseudo, browser, placed, clustered, town, tmp_path):
    layers = [gm.hotspot_layer(placed), gm.cells_layer(placed.cells, "count"), gm.clusters_layer(clustered)]
    built = gm.build_map(layers, language="xx", boundaries=town, notes=[Note("messages.there_are_none")], incidents=5)
    page = browser.open(built.save(tmp_path / "m.html"))
    english = {text for code, text in all_texts("en").items() if code.startswith(("page.", "label.", "method."))}
    english = {t for t in english if len(t) > 5 and "{" not in t and t != marked(t)}
    said = []
    shown = ("story(true)", "story(false)", "showTheme('l1')", "tour(true)", "tour(false)", "compare()", "compare('')")
    for step in ("0", *(f"gridmap.{act}" for act in shown)):
        page.run(f"{step}, 0")
        said.append(page.run("document.body.innerText"))
    for tab in ("areas", "about", "hotspots"):
        page.run(f"gridmap.openTab('{tab}')")
        said.append(page.run("document.body.innerText"))
    said += page.run(
        "[...document.querySelectorAll('[title], [aria-label], [placeholder]')].map((e) => [e.title, e.getAttribute('aria-label'), e.placeholder].join(' '))"
    )
    whole = "\n".join(said)
    assert [
        t for t in english if re.search(rf"(?<!\w){re.escape(t)}(?!\w)", whole)
    ] == []  # names of settings are no words
    assert marked("There are none.") in whole
    assert page.run("document.documentElement.lang") == "fr"
    for tag in ("zh", "en", "xx"):  # all of them can be chosen, from a list now that there are three
        page.run(
            f"(function (s) {{ s.value = '{tag}'; s.dispatchEvent(new Event('change')); }})(document.getElementById('gm-language'))"
        )
        assert page.text("#gm-tabbutton-about") == all_texts(tag)["page.tab_about"]
    assert page.errors() == []
    page.close()
