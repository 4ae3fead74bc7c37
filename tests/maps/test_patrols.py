"""A plan on the map: one layer a unit, with the way and every stop."""

import geopandas as gpd
import numpy as np
import pytest

import gridmap as gm


@pytest.fixture(scope="module")
def plan():
    x = np.linspace(-1.56, -1.52, 8)
    places = gpd.GeoDataFrame(
        {"place_id": [f"p{i}" for i in range(8)], "prize": 1.0}, geometry=gpd.points_from_xy(x, x * 0 + 53.8), crs=4326
    )
    return gm.plan_patrols(places, None, units=2, shift_h=1, random_state=0, rounds=20)


def test_every_unit_has_a_layer_and_every_stop_a_mark_with_its_times(plan, tmp_path):
    layers = gm.patrol_layers(plan, start="20:00")
    assert [layer.name for layer in layers] == plan.routes["unit_id"].tolist()
    for layer, route in zip(layers, plan.routes.itertuples(), strict=True):
        names = layer.frame["name"].tolist()
        assert len(names) == route.stops + 1
        assert names[1].startswith("1  p")
        assert "20:00–20:12" in names[1]
    page = tmp_path / "patrols.html"
    gm.build_map(layers).save(page)
    assert page.stat().st_size > 10_000


def test_a_shift_without_routes_is_refused(plan):
    with pytest.raises(gm.errors.InputError, match="shift 9"):
        gm.patrol_layers(plan, shift=9)
