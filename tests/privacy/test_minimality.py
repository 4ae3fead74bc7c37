"""Whoever knows the algorithm, and what was told, can compute no number below k: all small worlds are tried.

Source of the attack: Wong, Fu, Wang & Pei (2007), Minimality attack in privacy preserving data publishing.
"""

import json
from collections import defaultdict
from itertools import product

import geopandas as gpd
import numpy as np
import pytest
import shapely

import gridmap as gm
from gridmap.errors import InputError
from gridmap.privacy.public_incidents import merged_areas, public_release
from tests.privacy.test_reconstruction import incidents_of, town


def row_of(n):
    return np.c_[np.arange(float(n)), np.zeros(n)]


def told(counts, k, zones=None, earlier=()):
    """All that is published of a world: the areas and their sums. None when nothing is."""
    counts = np.asarray(counts).reshape(len(counts), -1)
    area, ways = merged_areas(counts, row_of(len(counts)), k=k, zones=zones, earlier=earlier)
    sums = np.zeros((len(ways), counts.shape[1]), int)
    np.add.at(sums, area, counts)
    if (sums < k).any():
        return None
    return tuple(area), tuple(ways), tuple(map(tuple, sums))


def merged_by_counts(counts, k, **_):
    """The positive control: the poorest cell joins its poorer neighbour, as the counts will have it."""
    groups = [[i] for i in range(len(counts))]
    while len(groups) > 1 and (poor := min(groups, key=lambda g: sum(counts[i] for i in g))):
        if sum(counts[i] for i in poor) >= k:
            break
        at = groups.index(poor)
        near = [groups[i] for i in (at - 1, at + 1) if 0 <= i < len(groups)]
        mate = min(near, key=lambda g: sum(counts[i] for i in g))
        groups = [sorted(g + poor) if g is mate else g for g in groups if g is not poor]
    sums = tuple(sum(counts[i] for i in g) for g in groups)
    return None if min(sums) < k else (tuple(map(tuple, groups)), sums)


def possible(worlds, published):
    """For each thing that can be published: for each cell (and series), the numbers it may hold."""
    found = defaultdict(list)
    for world in worlds:
        out = published(world)
        if out is not None:
            found[out].append(np.ravel(world))
    return {out: [set(column) for column in np.array(group).T] for out, group in found.items()}


def open_below(found, k):
    """Whether each cell that is not told by itself may hold any number from none to k − 1."""
    return all(min(held) >= k or held >= set(range(k)) for cells in found.values() for held in cells)


def worlds_of(cells, most):
    """All worlds of so many incidents and fewer: what is published tells how many, so none that fits is missing."""
    return [w for w in product(range(most + 1), repeat=cells) if sum(w) <= most]


WORLDS = worlds_of(4, 10)
PAIRS = [np.reshape(w, (3, 2)) for w in worlds_of(6, 9)]


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("zones", [None, np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])], ids=["none", "two", "uneven"])
def test_no_partition_tells_a_number_below_k(k, zones):
    found = possible(WORLDS, lambda world: told(world, k, zones))
    assert len(found) > 25
    assert open_below(found, k)


def test_the_attack_works_where_the_counts_decide_what_is_merged():
    assert not open_below(possible(WORLDS, lambda world: merged_by_counts(world, 3)), 3)


def test_two_kinds_or_two_months_in_one_release():
    assert open_below(possible(PAIRS, lambda world: told(world, 2)), 2)


def test_two_months_in_two_releases():
    """Each month has areas of its own, of one tree; of neither month is more known than from its own release."""

    def both(world):
        january, february = told(world[:, 0], 2), told(world[:, 1], 2)
        return None if january is None or february is None else (january, february)

    assert open_below(possible(PAIRS, both), 2)


def test_two_releases_of_the_same_incidents_with_another_k():
    def both(world):
        fine, coarse = told(world, 2), told(world, 3)
        return None if fine is None or coarse is None else (fine, coarse)

    found = possible(WORLDS, both)
    assert open_below(found, 2)
    for (fine, _, _), (coarse, _, _) in found:  # one tree: each area of the coarser is made of areas of the finer
        assert all(len({coarse[i] for i in range(4) if fine[i] == area}) == 1 for area in set(fine))


def earlier_of(one):
    return [dict(zip(one[1], one[2], strict=True))]


def test_a_week_later_no_single_added_incident_is_told():
    """Every area's change is none or k and more, and no cell's few are pinned down by both releases together."""
    k, seen = 2, defaultdict(list)
    for before, added in product(worlds_of(3, 7), worlds_of(3, 5)):
        first = told(before, k)
        if first is None:
            continue
        after = np.add(before, added)
        second = told(after, k, earlier=earlier_of(first))
        change = sum(added)
        if second is None or 0 < change < k:  # the latter is refused: test below
            continue
        for area in set(first[0]) | set(second[0]):
            for partition in (first[0], second[0]):
                cells = [i for i in range(3) if partition[i] == area]
                both = [{p[i] for i in cells} for p in (first[0], second[0])]
                whole = all(
                    {i for i in range(3) if p[i] in groups} == set(cells)
                    for p, groups in zip((first[0], second[0]), both, strict=True)
                )
                if cells and whole:
                    assert sum(added[i] for i in cells) not in range(1, k)
        seen[first, second].append((*after, *added))
    assert len(seen) > 20
    for group in seen.values():
        for held in (set(column) for column in np.array(group).T[3:]):
            assert len(held) > 1 or max(held) not in range(1, k)


def test_a_meeting_s_page_beside_the_public_s_tells_nothing_that_the_meeting_did_not_have():
    """A meeting sees the counts by cell, and the public's release is a function of these."""
    rng = np.random.default_rng(2)
    counts = rng.poisson(3.0, (25, 1, 1)).repeat(2, axis=1).repeat(2, axis=2)
    grid = gm.make_grid(gm.read_boundaries(town()), system="zones")
    one, other = (public_release(incidents_of(counts, seed), grid) for seed in (1, 2))  # other places, same counts
    assert one.record == other.record
    assert one.incidents.arrow().equals(other.incidents.arrow())


def test_two_zonings_can_be_subtracted_as_the_document_says():
    """What is not protected, and docs/privacy.md says so: other cells are another tree."""

    def both(world):
        first, second = told(world, 3), told(world, 3, zones=np.array([0, 1, 1, 1]))
        return None if first is None or second is None else (first, second)

    assert not open_below(possible(WORLDS, both), 3)
    text = (gm_root() / "docs" / "privacy.md").read_text(encoding="utf-8")
    assert "over other cells" in text


def gm_root():
    import pathlib

    return pathlib.Path(__file__).parents[2]


def grid_of(persons=None):
    zones = town()
    if persons is not None:
        zones["persons"] = persons
    return gm.make_grid(gm.read_boundaries(zones), system="zones")


def test_the_areas_do_not_depend_on_where_few_incidents_are():
    """Of a tree that the map fixes: each area is a node of the same tree, whatever the counts."""
    grid, ways = grid_of(), set()
    for seed in range(6):
        counts = np.random.default_rng(seed).poisson(4.0, (25, 2, 2))
        release = public_release(incidents_of(counts, seed), grid)
        nodes = release.record["areas"]
        for one, cells in zip(nodes, release.area_of.groupby(release.area_of).groups.values(), strict=False):
            ways.add((one, len(cells)))
        assert sum(0.5 ** len(way) for way in nodes) == 1  # a cut through a binary tree, without gaps
    assert ways


def test_areas_of_a_household_are_merged_and_not_refused():
    persons = np.full(25, 4)
    persons[::5] = 400
    counts = np.full((25, 2, 2), 9)
    release = public_release(incidents_of(counts), grid_of(persons))
    held = release.grid.cells["persons"]
    assert len(held) > 3
    assert held.min() >= 10


def test_a_later_release_is_held_against_the_earlier(tmp_path):
    counts = np.random.default_rng(5).poisson(4.0, (25, 2, 2))
    grid = grid_of()
    first = public_release(incidents_of(counts), grid)
    assert first.notes[1].code == "privacy.release.no_earlier"
    one_more = counts.copy()
    one_more[3, 0, 0] += 1
    with pytest.raises(InputError, match="changed by fewer than 5"):
        public_release(incidents_of(one_more), grid, earlier=[first.record])
    more = counts.copy()
    more[[0, 4, 12, 20, 24], 0, 0] += 6
    more[3, 0, 0] += 1
    later = public_release(incidents_of(more), grid, earlier=[json.loads(json.dumps(first.record))])
    assert later.notes[1].code == "privacy.release.held_against"
    assert len(later.record["areas"]) > 1
    sums = {way: sum(n) for way, n in first.record["areas"].items()}
    for way, now in later.record["areas"].items():
        inside = [n for other, n in sums.items() if other.startswith(way)]
        if inside and sum(0.5 ** len(o) for o in sums if o.startswith(way)) == 0.5 ** len(way):
            assert abs(sum(now) - sum(inside)) not in range(1, 5)
    shifted = gpd.GeoDataFrame(
        {"zone_id": ["a", "b"]}, geometry=[shapely.box(120, 30, 120.02, 30.05), shapely.box(120.02, 30, 120.05, 30.05)],
        crs=4326,
    )  # fmt: skip
    other = gm.make_grid(gm.read_boundaries(shifted), system="zones")
    assert public_release(incidents_of(more), other, earlier=[first.record]).notes[1].code.endswith("other_areas")
