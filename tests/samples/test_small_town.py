"""The town is the same for the same seed, and its truth is true."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from gridmap.errors import SettingError
from gridmap.grids.systems import make_grid
from gridmap.samples import town


@pytest.fixture(scope="module")
def sample():
    return town(random_state=3)


def test_the_same_seed_gives_the_same_town(sample):
    again = town(random_state=3)
    assert again.incidents.data.equals(sample.incidents.data)
    assert again.boundaries.equals(sample.boundaries)
    assert not town(random_state=4).incidents.data.equals(sample.incidents.data)


def test_planted_incidents_lie_in_their_hotspot_at_their_time(sample):
    points = sample.incidents.to_geodataframe()
    for name, spot in sample.truth.iterrows():
        mine = points[points["planted"] == name]
        assert len(mine) == spot["incidents"]
        assert mine.within(spot.geometry.buffer(1e-9)).all()
        assert (mine["occurred_from"] < spot["last"]).all()
        assert (mine["occurred_to"] >= spot["first"]).all()
    market = points[(points["planted"] == "market") & (points["occurred_from"] == points["occurred_to"])]
    assert market["occurred_from"].dt.day_of_week.max() <= 4
    assert market["occurred_from"].dt.hour.between(9, 17).all()


def test_the_background_follows_the_people(sample):
    many = town(incidents=20_000, strength=0, random_state=1)
    assert many.truth.empty
    inside = gpd.sjoin(many.incidents.to_geodataframe(), many.boundaries, predicate="within")
    count = inside.groupby("zone_id").size().reindex(many.boundaries["zone_id"], fill_value=0)
    expected = many.boundaries.set_index("zone_id")["persons"] / many.boundaries["persons"].sum() * 20_000
    assert ((count - expected) ** 2 / expected).mean() < 2  # 1 where counts are Poisson
    assert len(inside) == 20_000


def test_strength_tells_how_much_denser_a_hotspot_is(sample):
    density = sample.truth["incidents"] / sample.truth["area_m2"]
    assert (sample.truth["strength"] > 3).all()
    many = town(incidents=200_000, strength=0, random_state=1).incidents.to_geodataframe()
    for name in ("market", "village", "street"):
        counted = many.within(sample.truth.loc[name].geometry).sum() / 200_000 * 1_500
        assert sample.truth.loc[name, "background"] == pytest.approx(counted, rel=0.15)
    assert density["address"] > density["village"]


def test_zones_cover_the_town_and_hold_its_people(sample):
    assert len(sample.boundaries) == 60
    assert sample.boundaries["persons"].sum() == pytest.approx(120_000, abs=60)
    areas = sample.boundaries.to_crs(32650)
    assert areas.area.sum() == pytest.approx(areas.union_all().area, rel=1e-6)
    grid = make_grid(sample.boundaries, system="zones")
    assert (grid.locate(*sample.incidents.lonlat()) >= 0).all()


def test_snapped_incidents_coincide():
    snapped = town(snap_m=100, random_state=3).incidents
    lon, lat = snapped.lonlat()
    assert len(pd.DataFrame({"lon": lon, "lat": lat}).drop_duplicates()) < 0.8 * len(snapped)


def test_uncertain_times_are_as_many_as_asked():
    frame = town(exact_share=0.25, random_state=0).incidents.to_frame()
    assert np.mean(frame["occurred_from"] == frame["occurred_to"]) == pytest.approx(0.25, abs=0.03)
    assert ((frame["occurred_to"] - frame["occurred_from"]) <= pd.Timedelta(days=3)).all()


@pytest.mark.parametrize("options", [{"strength": -1}, {"zones": 1}, {"exact_share": 2}, {"incidents": "many"}])
def test_wrong_settings_are_named(options):
    with pytest.raises(SettingError, match=next(iter(options))):
        town(**options)
