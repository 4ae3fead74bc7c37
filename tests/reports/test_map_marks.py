"""The marks on a paper's map: ranks that lie together stay readable, each by a line to its place."""

import numpy as np
import pytest
import shapely
from matplotlib.figure import Figure

from gridmap.reports.paper.pictures import NAME, _name_box, _part_names, badge_spots

WINDOW = (0.0, 0.0, 1000.0, 800.0)


def overlapping(spots, half) -> int:
    spots = np.array(spots)
    near = np.abs(spots[:, None] - spots[None]).max(axis=2) < 2 * half - 1e-9
    return int(near.sum() - len(spots)) // 2


@pytest.mark.parametrize("spread", [0.0, 5.0, 40.0, 400.0])
@pytest.mark.parametrize("middle", [(500.0, 400.0), (990.0, 10.0)])
def test_badges_of_ten_places_never_lie_over_one_another(spread, middle):
    anchors = np.clip(np.random.default_rng(3).normal(middle, spread, (10, 2)), [0, 0], [1000, 800])
    half = 15.0
    spots = np.array(badge_spots(anchors, half, WINDOW))
    assert overlapping(spots, half) == 0
    assert ((spots >= half - 1e-9) & (spots <= np.array([1000, 800]) - half + 1e-9)).all()
    assert np.hypot(*(spots - anchors).T).max() < 14 * half  # a short line


def test_a_badge_alone_stands_on_its_place_and_one_on_a_name_beside_it():
    far = np.array([[100.0, 100.0], [900.0, 700.0]])
    assert np.array(badge_spots(far, 15, WINDOW)).tolist() == far.tolist()
    (spot,) = badge_spots(far[:1], 15, WINDOW, names=[(60, 90, 140, 110)])
    assert 0 < np.hypot(*(spot - far[0])) < 60
    assert shapely.box(*(spot - 15), *(spot + 15)).intersection(shapely.box(60, 90, 140, 110)).area == 0


def test_names_that_lie_over_one_another_are_parted():
    ax = Figure(figsize=(5, 4)).add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 500), ylim=(0, 400))
    for x, y, name in ((200, 200, "新华街道"), (215, 203, "工业园街道"), (400, 300, "城关街道")):
        ax.text(x, y, name, fontsize=9, gid=NAME)
    _part_names(ax)
    one, other, alone = ax.texts
    first, second = (_name_box(t, 500 / 360) for t in (one, other))
    assert shapely.box(*first).intersection(shapely.box(*second)).area == 0
    assert (one.get_position(), alone.get_position()) == ((200, 200), (400, 300))
