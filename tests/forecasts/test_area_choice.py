"""The cells are chosen on the past alone, and judged on periods that took no part in the choice."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import gridmap as gm
from gridmap.errors import SettingError
from gridmap.read.incident_table import Incidents

GIVEN = {"horizon": "14D", "periods": 6, "area_share": 0.05, "cell_area_m2": (90_000, 160_000), "sizes": 1}


@pytest.fixture(scope="module")
def town():
    return gm.samples.town(random_state=0)


def test_nothing_after_until_changes_the_choice(town):
    """What comes later is deleted, and is moved to one place ten times over: the same cells with the same scores."""
    table = town.incidents.arrow()
    late = np.asarray(table["occurred_from"]) >= np.datetime64("2024-09-02")
    assert 0 < late.sum() < len(late)
    first = table.slice(0, 1)
    many = pa.concat_tables([table.filter(pa.array(~late)), *[table.filter(pa.array(late))] * 10])
    moved = many.set_column(
        many.schema.get_field_index("lon"),
        "lon",
        pa.array(np.where(np.arange(len(many)) < (~late).sum(), many["lon"], first["lon"][0].as_py())),
    )
    found = [
        gm.choose_area(Incidents(rows), town.boundaries, until="2024-09-02", rotations_deg=(0, 45), offsets=1, **GIVEN)
        for rows in (table, table.filter(pa.array(~late)), moved)
    ]
    pd.testing.assert_frame_equal(found[0].tried, found[1].tried)
    pd.testing.assert_frame_equal(found[0].tried, found[2].tried)
    assert found[0].grid.cells.index.equals(found[2].grid.cells.index)


def test_turned_squares_cover_the_town_and_hold_its_incidents(town):
    plain, turned = (
        gm.choose_area(town.incidents, town.boundaries, shapes=("square",), rotations_deg=(r,), offsets=1, **GIVEN)
        for r in (0, 30)
    )
    frame = town.incidents.to_frame(["lon", "lat"]).dropna()
    for found in (plain, turned):
        assert (found.grid.locate(frame["lon"].to_numpy(), frame["lat"].to_numpy()) >= 0).mean() > 0.99
    corners = np.asarray(turned.grid.cells.geometry.to_crs(turned.grid.metric_crs).iloc[0].exterior.coords)
    straight = np.asarray(turned.grid.cells.geometry.to_crs(plain.grid.metric_crs).iloc[0].exterior.coords)
    sides = np.diff(corners, axis=0)
    assert np.allclose(np.hypot(*sides.T), turned.grid.params["cell_size_m"], rtol=0.01)
    bearing = np.degrees(np.arctan2(*np.diff(straight, axis=0)[0])) % 90
    assert min(abs(bearing - 30), abs(bearing - 60)) < 1.5


def test_a_pair_of_areas_is_searched_and_kept_to(town):
    found = gm.choose_area(
        town.incidents,
        town.boundaries,
        shapes=("square",),
        rotations_deg=(0,),
        offsets=2,
        measure="hit_rate",
        **(GIVEN | {"sizes": 2, "area_share": None, "area_m2": (400_000, 900_000)}),
    )
    assert set(found.tried["area_m2"]) == {400_000, 650_000, 900_000}
    assert len(found.tried) == 2 * 4 * 3
    assert found.tried["choosing"].is_monotonic_decreasing
    assert found.tried["plain"].sum() == 3
    assert 0 <= found.score <= 1


def test_it_says_what_it_cannot_choose(town):
    with pytest.raises(SettingError, match="pai"):
        gm.choose_area(town.incidents, town.boundaries, measure="pay")
    with pytest.raises(SettingError, match="square"):
        gm.choose_area(town.incidents, town.boundaries, shapes=("squares",))
    with pytest.raises(SettingError, match="No cell"):
        gm.choose_area(town.incidents, town.boundaries, shapes=("h3",), cell_area_m2=(20_000, 30_000))
