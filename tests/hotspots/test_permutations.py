"""Conditional permutations against all arrangements counted one by one."""

from itertools import permutations as orders

import numpy as np
import pytest
from scipy import sparse
from scipy.special import comb

from gridmap.hotspots.permutations import permutation_p, tally_permutations, two_sided_p


def exact_tails(values, weights):
    """Share of all deals of the other values to the neighbours that are as large, and as small."""
    n, tails = len(values), []
    for i in range(n):
        near = np.flatnonzero(weights[i])
        w, others = weights[i, near], np.delete(values, i)
        drawn = np.array([w @ np.array(deal) for deal in orders(others, len(near))])
        observed = w @ values[near]
        tails.append([(drawn >= observed - 1e-9).mean(), (drawn <= observed + 1e-9).mean()])
    return np.array(tails).T


@pytest.mark.parametrize("kind", ["equal weights", "row-standardised", "unequal weights", "one-sided"])
def test_tails_are_those_of_all_arrangements(kind):
    rng = np.random.default_rng(7)
    weights = np.triu((rng.uniform(size=(7, 7)) < 0.45).astype(float), 1)
    weights = weights if kind == "one-sided" else weights + weights.T
    if kind == "unequal weights":
        weights *= rng.uniform(0.2, 1, (7, 7))
    if kind == "row-standardised":
        weights /= weights.sum(axis=1, keepdims=True)
    values = rng.poisson(3, 7).astype(float)
    draws = 40_000
    found = np.array(tally_permutations(values, sparse.csr_array(weights), draws, 5)) / draws
    lonely = ~weights.any(axis=1)
    np.testing.assert_allclose(found[:, ~lonely], exact_tails(values, weights)[:, ~lonely], atol=0.012)


def test_draws_are_fair_in_a_large_grid_too():
    """Each of many cells of one block sees the distribution of a sum of three of the others."""
    n = 1_000
    values = np.random.default_rng(0).gamma(1, 1, n)
    ring = sparse.csr_array(sum(np.roll(np.eye(n), k, axis=1) for k in (1, 2, 3)))
    at_least, at_most = tally_permutations(values, ring, 4_000, 1)
    drawn = np.sort(np.random.default_rng(2).choice(values, (200_000, 3)).sum(axis=1))
    share = 1 - np.searchsorted(drawn, ring @ values) / len(drawn)
    np.testing.assert_allclose(at_least / 4_000, share, atol=0.035)
    assert ((at_least + at_most) == 4_000).all()


def test_neighbours_of_all_numbers_may_be_mixed():
    """Cells of one block with 0, 1, … n − 1 neighbours."""
    n = 12
    weights = sparse.csr_array(np.tril(np.ones((n, n)), -1))
    values = np.random.default_rng(3).normal(size=n)
    at_least, at_most = tally_permutations(values, weights, 999, 0)
    assert at_least[0] == at_most[0] == 0
    assert at_least[-1] == at_most[-1] == 999  # all the others are its neighbours: always the same sum
    # A tie is the draw of the neighbours themselves, one of C(11, k) sets.
    ties = at_least + at_most - 999
    np.testing.assert_allclose(ties[1:-1], 999 / comb(11, np.arange(1, 11)), atol=30)


def test_p_is_twice_the_smaller_tail_and_at_most_one():
    p = two_sided_p(np.array([0, 49, 999, 500]), np.array([999, 950, 999, 499]), 999)
    assert p.tolist() == [0.002, 0.1, 1, 1]


def test_cells_near_the_edge_are_refined_and_the_others_left():
    n = 400
    ring = sparse.csr_array(sum(np.roll(np.eye(n), k, axis=1) for k in (-2, -1, 1, 2)))
    values = np.random.default_rng(1).poisson(5, n).astype(float)
    values[50:55] = 30
    coarse = permutation_p(values, ring, 199, 3)
    fine = permutation_p(values, ring, 199, 3, refine=100)
    near = coarse < 2 * 5 / 200 + 1e-12
    np.testing.assert_array_equal(coarse[~near], fine[~near])
    assert coarse.min() == 2 / 200
    assert fine[52] == 2 / 19_901
    assert near.sum() < 40
    exact = permutation_p(values, ring, 19_900, 8)
    np.testing.assert_allclose(fine[near], exact[near], atol=0.006)


def test_rounds_add_up_and_only_chosen_cells_are_tested():
    n = 300
    ring = sparse.csr_array(np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1))
    values = np.random.default_rng(1).gamma(2, 2, n)
    chosen = np.array([3, 70, 299])
    one = tally_permutations(values, ring, 500, 9, cells=chosen, rounds=8, threads=1)
    two = tally_permutations(values, ring, 500, 9, cells=chosen, rounds=8, threads=2)
    np.testing.assert_array_equal(one, two)
    assert set(np.flatnonzero(one[0] + one[1])) == set(chosen)
    whole = tally_permutations(values, ring, 4_000, 1)
    np.testing.assert_allclose(one[0][chosen] / 4_000, whole[0][chosen] / 4_000, atol=0.04)


def mixed(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def dealt(values, weights, permutations, seed, block, blocks):
    """The tallies of one block with every shuffle carried out: cells swapped in a list as long as the map."""
    n, step = len(values), 0x9E3779B97F4A7C15
    near = [np.flatnonzero(row) for row in weights]
    cells = range(block, n, blocks)
    width = max(len(near[i]) for i in cells) + 1
    state = mixed(int(np.random.default_rng(seed).integers(2**63 - 1, size=1)[0]) ^ mixed((block + step) % 2**64))
    found = {i: [0, 0] for i in cells}
    for _ in range(permutations):
        ids = list(range(n))
        for t in range(width):
            state = (state + step) % 2**64
            j = t + ((mixed(state) >> 32) * (n - t) >> 32)
            ids[t], ids[j] = ids[j], ids[t]
        for i in cells:
            many = len(near[i])
            given = [ids[many] if k == i else k for k in ids[:many]]  # one more draw for the cell's own value
            total, observed = values[given] @ weights[i, near[i]], values[near[i]] @ weights[i, near[i]]
            found[i][0] += total >= observed - 1e-9
            found[i][1] += total <= observed + 1e-9
    return found


@pytest.mark.parametrize("n, chance", [(40, 0.4), (150, 0.03)])
def test_a_shuffle_that_is_only_remembered_deals_what_one_carried_out_does(n, chance):
    rng = np.random.default_rng(n)
    weights = (rng.uniform(size=(n, n)) < chance).astype(float) * (1 - np.eye(n))
    weights[: n // 3] *= rng.uniform(0.2, 1, (n // 3, n))
    values = rng.poisson(2, n).astype(float)
    at_least, at_most = tally_permutations(values, sparse.csr_array(weights), 60, 3)
    blocks = max(1, n // 64)
    for block in range(blocks):
        for i, tails in dealt(values, weights, 60, 3, block, blocks).items():
            if weights[i].any():
                assert [at_least[i], at_most[i]] == tails
