"""Changes of districts: counted by hand, with intervals that hold what was planted."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.errors import InputError, SettingError


def _zones(**columns):
    boxes = [shapely.box(i % 10 / 10, i // 10 / 10, (i % 10 + 1) / 10, (i // 10 + 1) / 10) for i in range(50)]
    return gpd.GeoDataFrame({"zone_id": [f"Z{i}" for i in range(50)], **columns}, geometry=boxes, crs=4326)


def _incidents(rng, monthly, months):
    """So many incidents a month in the west (lon < 0.5) and in the east."""
    parts = []
    for k, month in enumerate(months):
        for west, n in zip((0.0, 0.5), monthly(k), strict=True):
            lon = west + 0.01 + 0.48 * rng.random(n)
            day = pd.Timestamp(month) + pd.to_timedelta(rng.integers(0, 28, n), unit="D")
            kind = np.where(np.arange(n) % 3 == 0, "fraud", "theft")
            parts.append(pd.DataFrame({"time": day, "type": kind, "lon": lon, "lat": 0.01 + 0.48 * rng.random(n)}))
    return gm.read_incidents(pd.concat(parts))


DISTRICTS = {"district": np.where(np.arange(50) % 10 < 5, "West", "East")}


def test_the_level_above_is_found_and_counted():
    rng = np.random.default_rng(1)
    incidents = _incidents(rng, lambda k: (30, 60) if k == 0 else (60, 45), ["2024-02", "2024-03"])
    found = gm.changes_by_area(incidents, _zones(**DISTRICTS), before="2024-02", after="2024-03")
    assert found[["count_before", "count_after"]].to_dict("index") == {
        "East": {"count_before": 60, "count_after": 45},
        "West": {"count_before": 30, "count_after": 60},
    }
    assert set(found["level"]) == {"district"}
    assert found.loc["West", "change"] == pytest.approx(60 / 31 / (30 / 29) - 1)  # by the day: February has 29
    assert found.loc["West", "change_low"] < found.loc["West", "change"] < found.loc["West", "change_high"]
    assert found["extra_variation"].isna().all()  # two months cannot say how much months vary


def test_by_kind_the_rows_add_up_to_the_areas():
    rng = np.random.default_rng(2)
    incidents = _incidents(rng, lambda k: (31, 44), ["2024-02", "2024-03"])
    of = {"before": "2024-02", "after": "2024-03"}
    whole = gm.changes_by_area(incidents, _zones(**DISTRICTS), **of)
    parts = gm.changes_by_area(incidents, _zones(**DISTRICTS), **of, by_kind=True)
    assert set(parts["category"]) == {"theft", "fraud"}
    sums = parts.groupby(level=0)[["count_before", "count_after"]].sum()
    pd.testing.assert_frame_equal(sums.sort_index(), whole[["count_before", "count_after"]].sort_index())


def test_an_area_that_varies_from_month_to_month_gets_a_wider_interval():
    rng = np.random.default_rng(3)
    months = pd.period_range("2023-01", "2024-03", freq="M").astype(str)
    incidents = _incidents(rng, lambda k: (40, (15, 90)[k % 2]), list(months))
    found = gm.changes_by_area(incidents, _zones(**DISTRICTS), before="2024-02", after="2024-03")
    assert found.loc["East", "extra_variation"] > 5 > 2 > found.loc["West", "extra_variation"]
    days = gm.changes_by_area(
        incidents, _zones(**DISTRICTS), before="2024-02-01/2024-02-14", after="2024-03-01/2024-03-14"
    )
    assert days["extra_variation"].notna().all()


def test_without_a_level_above_few_zones_are_the_areas_and_many_are_asked_for_one():
    rng = np.random.default_rng(4)
    incidents = _incidents(rng, lambda k: (40, 40), ["2024-02", "2024-03"])
    of = {"before": "2024-02", "after": "2024-03"}
    few = gm.changes_by_area(incidents, _zones().iloc[:30], **of)
    assert set(few["level"]) == {"zone"}
    with pytest.raises(InputError, match="level above the 50 zones"):
        gm.changes_by_area(incidents, _zones(), **of)
    assert len(gm.changes_by_area(incidents, _zones(), **of, level="zone")) > 10
    with pytest.raises(SettingError, match="district"):
        gm.changes_by_area(incidents, _zones(**DISTRICTS), **of, level="distrct")
    with pytest.raises(SettingError, match="must each be a period"):
        gm.changes_by_area(incidents, _zones(**DISTRICTS), before="spring", after="2024-03")
    with pytest.raises(InputError, match="2019"):
        gm.changes_by_area(incidents, _zones(**DISTRICTS), before="2019", after="2024-03")
