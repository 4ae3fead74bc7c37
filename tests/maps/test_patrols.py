"""A plan on the map: one layer a unit, with every way and stop and its time."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import gridmap as gm


@pytest.fixture(scope="module")
def plan():
    x = np.linspace(-1.56, -1.52, 8)
    places = gpd.GeoDataFrame(
        {"place_id": [f"p{i}" for i in range(8)], "prize": 1.0}, geometry=gpd.points_from_xy(x, x * 0 + 53.8), crs=4326
    )
    units = pd.DataFrame({"unit_id": ["car 1", "car 2"], "pause_min": [10, 0]})
    return gm.plan_patrols(places, None, units=units, shift_h=1, shifts=2, random_state=0, rounds=20)


def test_every_unit_has_a_layer_with_its_ways_stops_and_pause(plan, tmp_path):
    layers = gm.patrol_layers(plan, start="20:00")
    assert [layer.name for layer in layers] == plan.routes["unit_id"].drop_duplicates().tolist()
    for layer in layers:
        mine, frame = plan.stops[plan.stops["unit_id"] == layer.name], layer.frame
        stops = frame[frame["row"] == 1]
        assert stops["from_s"].tolist() == mine["arrive_s"].tolist()
        assert stops["name"].iloc[0].startswith("1  p")
        assert "20:00–20:12" in stops["name"].iloc[0]
        assert (frame["row"] == 0).sum() == (plan.legs["unit_id"] == layer.name).sum()
        assert (frame["row"] == 2).sum() == (
            (plan.routes["unit_id"] == layer.name) & plan.routes["pause_start_s"].notna()
        ).sum()
    assert plan.routes["pause_start_s"].notna().any()
    page = tmp_path / "patrols.html"
    gm.build_map(layers).save(page)
    assert page.stat().st_size > 10_000


def test_a_map_can_show_one_shift_alone(plan):
    assert {s["shift"] for s in gm.patrol_layers(plan, shift=2)[0].shifts} == {2}
    assert set(gm.patrol_layers(plan, shift=2)[0].frame["shift"]) == {2}


@pytest.mark.parametrize(
    ("shift", "kind", "words"),
    [(9, gm.errors.InputError, "No unit patrols in shift 9"), ("one", gm.errors.SettingError, "number of one shift")],
)
def test_a_shift_without_routes_is_refused(plan, shift, kind, words):
    with pytest.raises(kind, match=words):
        gm.patrol_layers(plan, shift=shift)


def test_what_the_plan_could_not_do_travels_with_the_map(plan):
    notes = gm.patrol_layers(plan)[0].remarks
    assert sorted(notes) == ["en", "zh"]
    notes = notes["en"]
    assert any("No streets were given" in note for note in notes)
    assert len(notes) == len(plan.notes) + len(plan.unmet)
