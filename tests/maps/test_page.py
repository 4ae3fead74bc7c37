import dataclasses
import json
import re
import warnings

import geopandas as gpd
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.errors import GridmapError, InputError, OutputError, SettingError


def test_a_page_is_written_whole_and_leaves_nothing_beside_it(hot, tmp_path):
    path = gm.build_map([gm.hotspot_layer(hot)], title="盗窃", language="zh").save(tmp_path / "new" / "m.html")
    assert [p.name for p in path.parent.iterdir()] == ["m.html"]
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_the_same_layers_give_the_same_file(hot, tmp_path):
    first = gm.build_map([gm.hotspot_layer(hot)]).save(tmp_path / "a.html").read_bytes()
    page = gm.build_map([gm.hotspot_layer(hot)])
    page.save(tmp_path / "b.html")
    assert page.save(tmp_path / "b.html").read_bytes() == first


@pytest.mark.parametrize("bad", ["folder", "file/below.html"])
def test_a_place_that_cannot_be_written_is_named(hot, tmp_path, bad):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match=bad.split("/")[0]):
        gm.build_map([gm.hotspot_layer(hot)]).save(tmp_path / bad)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_wrong_arguments_are_told_apart(hot):
    layer = gm.hotspot_layer(hot)
    with pytest.raises(InputError, match="at least one layer"):
        gm.build_map([])
    with pytest.raises(InputError, match="HotspotResult"):
        gm.build_map([hot])
    with pytest.raises(SettingError, match="zh"):
        gm.build_map([layer], language="cn")
    with pytest.raises(SettingError, match="set_aside"):
        gm.build_map([layer], set_aside=-1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gm.cells_layer(pd.DataFrame({"count": []}), "count"), "the frame is empty"),
        (lambda: gm.cells_layer(pd.DataFrame({"count": [1]}, index=["x"]), "count"), "does not hold H3 ids"),
        (lambda: gm.cells_layer(pd.DataFrame({"count": [1]}, index=["891942c5d0fffff"]), "cuont"), "no column 'cuont'"),
        (lambda: gm.cells_layer([1, 2], "count"), "found list"),
        (
            lambda: gm.cells_layer(pd.DataFrame({"count": [1]}, index=["891942c5d0fffff"]), "count", k=12),
            "whole number from 1 to 7",
        ),
        (
            lambda: gm.cells_layer(pd.DataFrame({"count": [1]}, index=["891942c5d0fffff"]), "count", scheme="jenks"),
            "scheme 'jenks'",
        ),
        (lambda: gm.hotspot_layer("hot"), "draws a HotspotResult"),
        (lambda: gm.boundaries_layer(pd.DataFrame({"a": [1]})), "needs a GeoDataFrame"),
    ],
)
def test_bad_input_is_one_clear_error(call, words):
    with pytest.raises(GridmapError, match=words) as error:
        call()
    assert "\n" not in str(error.value)


def test_all_zero_and_all_missing_amounts_make_a_page(tmp_path):
    cells = pd.Index(["891942c5d0fffff", "891942c5d03ffff"])
    for values in ([0, 0], [float("nan")] * 2, [float("inf"), 1], [-1, -2]):
        layer = gm.cells_layer(pd.DataFrame({"count": values}, index=cells), "count")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gm.build_map(layer).save(tmp_path / "m.html")


def test_a_result_shows_itself_in_jupyter(hot, tmp_path):
    assert hot._repr_html_().startswith("<div")
    shown = hot._repr_html_()
    assert shown.count("<iframe srcdoc=") == 1
    assert "Trust" not in shown.partition("srcdoc=")[0]  # folium's own prompt
    assert "allowfullscreen>Run this cell here" in shown  # where a notebook of another machine has its frames taken out
    assert not re.search(r'(?:src|href)=(?:"|&quot;)https?:', shown)
    page = hot.explore(title="Burglary", language="zh").save(tmp_path / "m.html").read_text(encoding="utf-8")
    assert "<title>Burglary" in page
    assert 'lang="zh' in page


def test_explore_takes_a_result_a_frame_or_layers(hot):
    square = shapely.box(0, 0, 0.1, 0.1)
    areas = gpd.GeoDataFrame({"zone_id": ["a"], "cases": [3]}, geometry=[square], crs=4326)
    for shown, options in [(hot, {}), (areas, {"column": "cases"}), (areas, {}), (gm.hotspot_layer(hot), {})]:
        page = gm.explore(shown, **options)
        assert page.short_form().endswith("1 layer, en")
    with pytest.raises(InputError, match="needs at least one layer"):
        gm.explore([])


def layers_on(page) -> list[dict]:
    return json.loads(re.search(r'id="gridmap-data">(.*?)</script>', page.get_root().render(), re.S)[1])["layers"]


def test_a_page_of_clusters_alone_names_them_and_answers_what_it_can():
    town = gm.samples.town(random_state=0)
    layer = gm.clusters_layer(gm.dbscan(town.incidents, eps_m=150, min_samples=8))
    (clusters, _) = layers_on(gm.build_map([layer], boundaries=town.boundaries))
    names = [str(place["name"]) for place in clusters["ranked"]]
    zones = set(town.boundaries["name"])
    assert len(set(names)) == len(names) > 1
    assert all(any(zone in name for zone in zones) for name in names)
    said = clusters["answers"]
    assert said["where"][0]["values"]["place"] in (clusters["ranked"][0]["name"], names[0])
    assert said["sure"][0]["code"] == "page.sure_no_test"
    assert said["where"][1]["values"]["first"] == clusters["ranked"][0]["values"]["count"]
    beside = layers_on(gm.build_map([layer, gm.boundaries_layer(town.boundaries)]))
    assert beside[0]["ranked"][0]["zones"] == 1


def test_the_strip_says_which_test_found_what_places_as_their_cards_or_single_cells():
    """A place of 13 cells rose by more than chance, none of its cells did by itself: the sentence holds both."""
    town = gm.samples.town(random_state=0)
    grid = gm.make_grid(town.boundaries, system="square", cell_size_m=250)
    after = gm.count_by_cell(town.incidents, grid)
    hot = gm.getis_ord(after, grid, inference="exact")
    first = gm.hotspot_cores(hot, grid).loc[1, "cell_ids"]
    before = after["count"].mask(after.index.isin(first), (after["count"] * 0.7).round()).astype(int)
    times = pd.concat({"2024-01": before, "2024-02": after["count"]}, names=["period"]).rename("count").reset_index()
    change = gm.compare_periods(times.set_index(["cell_id", "period"]), before="2024-01", after="2024-02", grid=grid)
    assert not change.cells["significant"].any()
    page = layers_on(gm.build_map([gm.hotspot_layer(hot), gm.hotspot_layer(change)]))
    of_hot, of_change = (layer["answers"]["changed"][1] for layer in page)
    cards = [place["values"] for place in page[0]["ranked"]]
    assert [card["change_p"] <= 0.05 for card in cards] == [True, *[False] * (len(cards) - 1)]
    assert of_hot["code"] == "page.changed_places"
    said = {"places": len(cards), "up": 1, "down": 0, "cells": len(after), "cells_up": 0, "cells_down": 0}
    assert {k: of_hot["values"][k] for k in said} == said
    assert of_change["code"] == "page.changed_no_cell"  # its own cards are of cells


def test_a_committee_reads_no_name_of_a_setting(hot):
    sure = layers_on(gm.build_map(gm.hotspot_layer(hot)))[0]["answers"]["sure"][1]
    assert sure["code"] == "page.sure_null"
    assert sure["values"]["null"]["code"] == "null.shuffled"  # how sure, and beyond what
    assert sure["values"]["more"]["code"] == "page.sure_not_resampled"
    for language in gm.messages.LANGUAGES:
        assert "stability:" not in gm.messages.say(sure["values"]["more"]["code"], language)


def test_where_nothing_is_found_the_page_says_beyond_what(hot):
    """ "The null of this test" is no answer to a reader."""
    cells = hot.cells.assign(label="none", significant=False)
    none = dataclasses.replace(hot, cells=cells)
    answers = layers_on(gm.build_map(gm.hotspot_layer(none)))[0]["answers"]
    for answer in ("where", "next"):
        assert answers[answer][1]["values"]["null"]["code"] == "null.shuffled"
    assert answers["sure"][0]["code"] == "page.sure_none"  # and not how many of none may be false
