"""Areas in which every number speaks of k incidents or more, and which tell nothing else.

Cells are halved again and again, and where the halves lie follows from the map alone: from the places of the cells,
their zones and their residents, never from the incidents. So one tree of areas is fixed before the first incident is
counted. From its root on, an area is halved as long as *both* halves have k incidents in *each* series (burglary in
July 2017, burglary in July 2018, …), and residents and ground enough.

Why not merge by the incidents themselves, which would give smaller areas: whoever knows the algorithm then knows, of
each merger, what made it necessary, and can often compute the number that was to be hidden (the minimality attack,
Wong et al. 2007). Here an area that was not halved says one thing: that one of its halves, nobody knows which, has
fewer than k of something. Every cell in it may still hold any number from none to k − 1, and its other half the rest
(`tests/privacy/test_minimality.py` tries all small worlds). And because all releases over the same cells cut the same
tree, each area of one is a union of areas of the other: their difference is made of numbers that were told anyway.

Source: Wong, Fu, Wang & Pei (2007), Minimality attack in privacy preserving data publishing, VLDB, 543–554; the tree:
Bentley (1975), Communications of the ACM 18, 509–517.
"""

from collections.abc import Mapping, Sequence

import numpy as np

__all__ = ["halves", "merged_areas"]


def halves(cells: np.ndarray, places_m: np.ndarray, weight: np.ndarray, zones: np.ndarray) -> list[np.ndarray]:
    """The two halves of some cells, in residents rather than in ground; zones are kept whole as long as there are two.

    Parameters
    ----------
    cells : array of int
        Which cells: two or more.
    places_m : array (all cells, 2)
    weight : array (all cells,)
        Residents, or what stands for them.
    zones : array of int (all cells,)

    Returns
    -------
    two arrays of int

    Examples
    --------
    >>> row = np.c_[np.arange(4.0), np.zeros(4)]
    >>> [half.tolist() for half in halves(np.arange(4), row, np.array([9.0, 1, 1, 1]), np.zeros(4, int))]
    [[0], [1, 2, 3]]
    """
    group = np.unique(zones[cells], return_inverse=True)[1]
    if group.max() == 0:
        group = np.arange(len(cells))
    held = np.bincount(group, weight[cells])
    n = np.bincount(group)
    middle = np.column_stack([np.bincount(group, places_m[cells, axis]) / n for axis in (0, 1)])
    along = int(np.ptp(middle[:, 1]) > np.ptp(middle[:, 0]))
    order = np.lexsort((np.arange(len(n)), middle[:, 1 - along].round(3), middle[:, along].round(3)))
    sums = np.cumsum(held[order])
    if sums[-1] <= 0:
        sums = np.arange(1.0, len(order) + 1)
    cut = int(np.abs(sums[:-1] - sums[-1] / 2).argmin()) + 1
    first = np.isin(group, order[:cut])
    return [cells[first], cells[~first]]


def merged_areas(
    counts: np.ndarray,
    places_m: np.ndarray,
    *,
    k: int,
    area_m2: np.ndarray | None = None,
    least_m2: float = 0.0,
    residents: np.ndarray | None = None,
    fewest_residents: float = 0.0,
    zones: np.ndarray | None = None,
    earlier: Sequence[Mapping[str, Sequence[float]]] = (),
) -> tuple[np.ndarray, list[str]]:
    """The area of each cell, as a number from 0 on, and each area's way from the root of the tree.

    Parameters
    ----------
    counts : array of int (cells, series)
    places_m : array (cells, 2)
    k : int
    area_m2 : array (cells,), optional
    least_m2 : float
        Areas are at least as large.
    residents : array (cells,), optional
        Where they are known. An area has none, or `fewest_residents` and more.
    zones : array of int (cells,), optional
        Zones are drawn to hold similar numbers of people, so they stand for residents where these are not known.
    earlier : list of mappings, optional
        What was told before over the same cells: way of the area → count of each series, nan where it was not told.
        Halves whose numbers changed are told apart only where both changed by k and more.

    Returns
    -------
    array of int (cells,), list of str
        One area, whose way is "", if need be; it may then have fewer than k.

    Examples
    --------
    Four cells in a row, k = 5. The first half could not be halved without telling that its second cell has few.

    >>> row = np.c_[np.arange(4.0), np.zeros(4)]
    >>> area, ways = merged_areas(np.array([[8], [1], [6], [9]]), row, k=5)
    >>> area.tolist(), ways
    ([0, 0, 1, 2], ['0', '10', '11'])
    """
    counts = np.asarray(counts).reshape(len(counts), -1)
    zones = np.zeros(len(counts), int) if zones is None else zones
    size = np.full(len(counts), np.inf) if area_m2 is None else np.asarray(area_m2, float)
    people = None if residents is None else np.nan_to_num(np.asarray(residents, float))
    weight = people if people is not None else 1 / np.bincount(zones)[zones]
    before = [_sums_above(told) for told in earlier]

    def good(cells: np.ndarray) -> bool:
        sums = counts[cells].sum(axis=0)
        if (sums < k).any() or size[cells].sum() < least_m2:
            return False
        return people is None or not 0 < people[cells].sum() < fewest_residents

    def changes_apart(parts: list[np.ndarray], way: str) -> bool:
        now = [counts[part].sum(axis=0) for part in parts]
        for told in before:
            then = [told.get(way + side) for side in "01"]
            if then[0] is not None and then[1] is not None and not _apart(now[0] - then[0], now[1] - then[1], k):
                return False
        return True

    area, ways = np.empty(len(counts), int), []
    open_ = [(np.arange(len(counts)), "")]
    while open_:
        cells, way = open_.pop()
        parts = halves(cells, places_m, weight, zones) if len(cells) > 1 else []
        if parts and all(map(good, parts)) and changes_apart(parts, way):
            open_ += [(parts[1], way + "1"), (parts[0], way + "0")]
        else:
            area[cells] = len(ways)
            ways.append(way)
    return area, ways


def _sums_above(told: Mapping[str, Sequence[float]]) -> dict[str, np.ndarray]:
    """What was told, summed for each area of the tree that is made of areas that were told."""
    sums: dict[str, np.ndarray] = {}
    for way, counts in told.items():
        for n in range(len(way) + 1):
            sums[way[:n]] = sums.get(way[:n], 0.0) + np.asarray(counts, float)
    return sums


def _apart(one: np.ndarray, other: np.ndarray, k: int) -> bool:
    """Whether two halves may be told by themselves, by how each changed: not at all, or both by k and more.

    One that did not change beside one that did would be told too, if only such pairs were: whatever is *not* told
    apart would then have changed in both halves, by few. So the change is held to the rule of the counts.
    """
    one, other = np.abs(one), np.abs(other)
    same = ((one == 0) & (other == 0)) | np.isnan(one) | np.isnan(other)
    return bool((same | ((one >= k) & (other >= k))).all())
