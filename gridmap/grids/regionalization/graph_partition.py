"""Dividing a graph of small pieces into connected, compact parts of even load.

The question of a committee: where do the borders of the grids run, so that each leader has about as much to do as the
next and no grid is in two places? (Contiguity-constrained regionalization is the field's term.) The pieces are Voronoi
cells of buildings, census blocks or squares; two are neighbours where they share a border. Three steps, all of them
seeded:

1. a start: power diagrams (Voronoi cells whose weights are moved until the loads are even), for many grids inside
   halves of halves; they are near hexagons, the roundest shape that tiles;
2. a repair: what is cut off from its part goes to the neighbour it shares most border with;
3. annealing: pieces on a border change sides when that lowers the energy, never when it would tear a part.

The energy of a part is (deviation / tolerance)² + what exceeds the tolerance + 1 / Polsby–Popper − 1: even load and
round shape, in one currency. It adds up over the parts, so moving a piece changes two terms only. Few pieces (up to 11)
are not annealed: all connected divisions are tried, so the answer is the best there is.

These are compiled loops (numba); `community_division.py` says how many parts and from where.

References
----------
Cohen-Addad, Klein & Young (2018), Balanced centroidal power diagrams for redistricting, SIGSPATIAL '18.
Polsby & Popper (1991), Yale Law & Policy Review 9, 301–353.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from gridmap._compiled import njit

__all__ = [
    "BALANCE",
    "ROUNDNESS",
    "PieceGraph",
    "anneal",
    "best_division",
    "bisect",
    "can_leave",
    "components",
    "energy",
    "power_diagram",
    "repair",
    "stays_whole",
]


@dataclass
class PieceGraph:
    """A sparse, symmetric table of border lengths, as the three arrays that compiled code takes."""

    indptr: np.ndarray
    indices: np.ndarray
    length: np.ndarray

    @classmethod
    def of(cls, n, i, j, metres):
        """The graph of `n` pieces from pairs and the metres they share."""
        table = sparse.coo_array((np.r_[metres, metres], (np.r_[i, j], np.r_[j, i])), shape=(n, n)).tocsr()
        table.sort_indices()
        return cls(table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data.astype(float))

    def __iter__(self):
        return iter((self.indptr, self.indices, self.length))

    def within(self, rows: np.ndarray) -> "PieceGraph":
        """The graph of some of the pieces among themselves."""
        n = len(self.indptr) - 1
        table = sparse.csr_array((self.length, self.indices, self.indptr), shape=(n, n))[rows][:, rows]
        table.sort_indices()
        return type(self)(table.indptr.astype(np.int64), table.indices.astype(np.int64), table.data)


BALANCE = 1.0  # weight of (deviation / tolerance)²
BEYOND = 8.0  # weight of each tolerance by which a part is too heavy or too light
ROUNDNESS = 0.5  # weight of 1 / Polsby–Popper − 1


@njit(cache=True, nogil=True)
def energy_of_part(load, perimeter, area, target, tolerance, ease=1.0):
    """Energy of one part; `ease` below 1 makes evenness within the tolerance and roundness worth less."""
    deviation = abs(load / target - 1.0)
    beyond = max(0.0, deviation - tolerance) / tolerance
    shape = perimeter * perimeter / (12.566370614359172 * max(area, 1e-9)) - 1.0
    return ease * (BALANCE * (deviation / tolerance) ** 2 + ROUNDNESS * shape) + BEYOND * beyond


@njit(cache=True, nogil=True)
def part_totals(part, k, load, area, rim, indptr, indices, length):
    """Load, area and perimeter of each part; the perimeter counts the outer rim and the cuts."""
    loads, areas, edges = np.zeros(k), np.zeros(k), np.zeros(k)
    for v in range(len(part)):
        p = part[v]
        loads[p] += load[v]
        areas[p] += area[v]
        edges[p] += rim[v]
        for e in range(indptr[v], indptr[v + 1]):
            if part[indices[e]] != p:
                edges[p] += length[e]
    return loads, areas, edges


@njit(cache=True, nogil=True)
def energy(part, k, load, area, rim, indptr, indices, length, target, tolerance):
    """Mean energy of the parts: lower is better; comparable between different `k`."""
    loads, areas, edges = part_totals(part, k, load, area, rim, indptr, indices, length)
    total = 0.0
    for p in range(k):
        total += energy_of_part(loads[p], edges[p], areas[p], target, tolerance)
    return total / k


@njit(cache=True, nogil=True)
def components(part, indptr, indices):
    """Connected pieces of each part get a number of their own, shape (n,), from 0."""
    n = len(part)
    label = np.full(n, -1, np.int64)
    stack = np.empty(n, np.int64)
    found = 0
    for start in range(n):
        if label[start] >= 0:
            continue
        label[start] = found
        stack[0] = start
        top = 1
        while top:
            top -= 1
            v = stack[top]
            for e in range(indptr[v], indptr[v + 1]):
                u = indices[e]
                if label[u] < 0 and part[u] == part[v]:
                    label[u] = found
                    stack[top] = u
                    top += 1
        found += 1
    return label


@njit(cache=True, nogil=True)
def _main_bodies(part, k, load, label):
    """The heaviest connected piece (by label) of each part, the larger of equals; −1 for an empty part."""
    count = label.max() + 1
    weight, size = np.zeros(count), np.zeros(count, np.int64)
    owner = np.zeros(count, np.int64)
    for v in range(len(part)):
        weight[label[v]] += load[v]
        size[label[v]] += 1
        owner[label[v]] = part[v]
    main = np.full(k, -1, np.int64)
    for c in range(count):
        p = owner[c]
        if main[p] < 0 or weight[c] > weight[main[p]] or (weight[c] == weight[main[p]] and size[c] > size[main[p]]):
            main[p] = c
    return main


@njit(cache=True, nogil=True)
def _nearest_body(v, part, label, main, indptr, indices, length):
    """The part whose main body a piece shares most border with, −1 for none."""
    best, own = 0.0, -1
    for e in range(indptr[v], indptr[v + 1]):
        u = indices[e]
        if label[u] == main[part[u]] and part[u] != part[v]:
            shared = 0.0
            for f in range(indptr[v], indptr[v + 1]):
                w = indices[f]
                if part[w] == part[u] and label[w] == main[part[u]]:
                    shared += length[f]
            if shared > best:
                best, own = shared, part[u]
    return own


@njit(cache=True, nogil=True)
def _joined(part, label, main, indptr, indices, length):
    """Let pieces that are cut off join the main body they share most border with; whether any did."""
    moved = False
    for v in range(len(part)):
        if label[v] == main[part[v]]:
            continue
        own = _nearest_body(v, part, label, main, indptr, indices, length)
        if own >= 0:
            part[v] = own
            label[v] = main[own]
            moved = True
    return moved


@njit(cache=True, nogil=True)
def _spare_piece(part, k, load, indptr, indices):
    """A piece of the heaviest part that can spare one, −1 for none."""
    loads, size = np.zeros(k), np.zeros(k, np.int64)
    for v in range(len(part)):
        loads[part[v]] += load[v]
        size[part[v]] += 1
    for _ in range(k):
        heavy, most = -1, -1.0
        for q in range(k):
            if size[q] > 1 and loads[q] > most:
                heavy, most = q, loads[q]
        if heavy < 0:
            return -1
        size[heavy] = 0
        for v in range(len(part)):
            if part[v] == heavy and can_leave(v, part, indptr, indices):
                return v
    return -1


@njit(cache=True, nogil=True)
def repair(part, k, load, indptr, indices, length):
    """Make each of the `k` parts connected and none empty; the graph itself must be connected and have ≥ k pieces."""
    part = part.copy()
    for _ in range(len(part) + 1):  # layer by layer
        label = components(part, indptr, indices)
        main = _main_bodies(part, k, load, label)
        if label.max() + 1 == (main >= 0).sum() or not _joined(part, label, main, indptr, indices, length):
            break
    for p in range(k):  # an empty part takes a piece from the heaviest part that can spare it
        if not (part == p).any():
            v = _spare_piece(part, k, load, indptr, indices)
            if v >= 0:
                part[v] = p
    return part


@njit(cache=True, nogil=True)
def can_leave(v, part, indptr, indices):
    """Whether the part of `v` stays connected (and not empty) without it."""
    n = len(part)
    p = part[v]
    goals = 0
    first = -1
    for e in range(indptr[v], indptr[v + 1]):
        if part[indices[e]] == p:
            goals += 1
            first = indices[e]
    if goals == 0:
        return False
    if goals == 1:
        return True
    seen = np.zeros(n, np.bool_)
    seen[v] = True
    seen[first] = True
    stack = [first]
    while len(stack):
        u = stack.pop()
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            if not seen[w] and part[w] == p:
                seen[w] = True
                stack.append(w)
    for e in range(indptr[v], indptr[v + 1]):
        u = indices[e]
        if part[u] == p and not seen[u]:
            return False
    return True


@njit(cache=True, nogil=True)
def stays_whole(v, part, indptr, indices, seen, stamp, goal, queue):
    """As `can_leave`, with scratch arrays, breadth first, and stopping as soon as all neighbours are met."""
    p = part[v]
    goals = 0
    first = -1
    for e in range(indptr[v], indptr[v + 1]):
        u = indices[e]
        if part[u] == p:
            goals += 1
            goal[u] = stamp
            first = u
    if goals == 0:
        return False
    if goals == 1:
        return True
    seen[v] = stamp
    seen[first] = stamp
    queue[0] = first
    head, tail, met = 0, 1, 1
    while head < tail:
        u = queue[head]
        head += 1
        for e in range(indptr[u], indptr[u + 1]):
            w = indices[e]
            if part[w] == p and seen[w] != stamp:
                seen[w] = stamp
                if goal[w] == stamp:
                    met += 1
                    if met == goals:
                        return True
                queue[tail] = w
                tail += 1
    return False


@njit(cache=True, nogil=True)
def bisect(xy, load, share, directions):
    """Which pieces lie before the cut that leaves `share` of the load on its side, shape (directions, n) bool."""
    n = len(load)
    sides = np.zeros((directions, n), np.bool_)
    total = load.sum()
    for d in range(directions):
        angle = np.pi * d / directions
        order = np.argsort(xy[:, 0] * np.cos(angle) + xy[:, 1] * np.sin(angle), kind="mergesort")
        run = 0.0
        for i in range(n):
            v = order[i]
            if i > 0 and run + load[v] / 2 > total * share:
                break
            if i == n - 1:
                break
            sides[d, v] = True
            run += load[v]
    return sides


@njit(cache=True, nogil=True)
def power_diagram(xy, load, centres, rounds):
    """Pieces to the centres so that the loads are even: weights balance, centres move to the middle of their load."""
    n, k = len(load), len(centres)
    part = np.zeros(n, np.int64)
    best = part.copy()
    best_spread = np.inf
    weight = np.zeros(k)
    centres = centres.copy()
    aim = max(load.sum() / k, 1e-12)
    total = max(load.sum(), 1e-12)
    spread_m2 = 0.0
    for d in range(2):
        middle = (xy[:, d] * load).sum() / total
        spread_m2 += ((xy[:, d] - middle) ** 2 * load).sum() / total
    step = np.full(k, 0.5 * spread_m2 / k + 1e-9)
    side = np.zeros(k)
    for r in range(rounds):
        loads, mass = np.zeros(k), np.zeros(k)
        sx, sy = np.zeros(k), np.zeros(k)
        for v in range(n):
            low, own = np.inf, 0
            for c in range(k):
                away = (xy[v, 0] - centres[c, 0]) ** 2 + (xy[v, 1] - centres[c, 1]) ** 2 - weight[c]
                if away < low:
                    low, own = away, c
            part[v] = own
            loads[own] += load[v]
            m = load[v] + 1e-3 * aim * k / n
            mass[own] += m
            sx[own] += m * xy[v, 0]
            sy[own] += m * xy[v, 1]
        spread = np.abs(loads / aim - 1.0).max()
        if spread < best_spread or r == rounds // 2:
            best_spread = spread
            best[:] = part
        for c in range(k):
            gap = 1.0 - loads[c] / aim
            if gap * side[c] > 0:  # still too light or still too heavy: longer steps; overshot: shorter ones
                step[c] *= 1.2
            elif gap * side[c] < 0:
                step[c] *= 0.5
            side[c] = gap
            weight[c] += step[c] * max(-1.0, min(1.0, gap))
            if mass[c] > 0 and r < rounds * 3 // 4:
                centres[c, 0] = sx[c] / mass[c]
                centres[c, 1] = sy[c] / mass[c]
        if spread < 0.005 and r >= rounds // 2:
            break
    return best


@njit(cache=True, nogil=True, inline="always")
def _next_random(state):
    """The next of a sequence of pseudo-random 64 bits (Marsaglia's xorshift)."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@njit(cache=True, nogil=True, inline="always")
def _border_pieces(part, indptr, indices, border):
    """Write the pieces that have a neighbour in another part into `border`; how many they are."""
    count = 0
    for v in range(len(part)):
        for e in range(indptr[v], indptr[v + 1]):
            if part[indices[e]] != part[v]:
                border[count] = v
                count += 1
                break
    return count


@njit(cache=True, nogil=True, inline="always")
def _shared_lengths(v, part, indptr, indices, length, shared):
    """Write how much border a piece shares with each part around it into `shared`; what it shares with its own."""
    inside = 0.0
    for e in range(indptr[v], indptr[v + 1]):
        shared[part[indices[e]]] = 0.0
    for e in range(indptr[v], indptr[v + 1]):
        p = part[indices[e]]
        shared[p] += length[e]
        if p == part[v]:
            inside += length[e]
    return inside


@njit(cache=True, nogil=True, inline="always")
def _best_move(v, part, indptr, indices, shared, inside, load, area, around, loads, areas, edges, aim, keep):
    """The part beside a piece that it had best move to (−1: none), and by how much the energy rises.

    `aim` is (target, tolerance, ease), `keep` (home, stay), as in `anneal`.
    """
    target, tolerance, ease = aim
    home, stay = keep
    a = part[v]
    gain, to = np.inf, -1
    before = energy_of_part(loads[a], edges[a], areas[a], target, tolerance, ease)
    after = energy_of_part(
        loads[a] - load[v], edges[a] - around[v] + 2 * inside, areas[a] - area[v], target, tolerance, ease
    )
    for e in range(indptr[v], indptr[v + 1]):
        b = part[indices[e]]
        if b == a or shared[b] < 0:
            continue
        delta = after - before
        delta += energy_of_part(
            loads[b] + load[v], edges[b] + around[v] - 2 * shared[b], areas[b] + area[v], target, tolerance, ease
        ) - energy_of_part(loads[b], edges[b], areas[b], target, tolerance, ease)
        if home[v] >= 0:
            if home[v] == a:
                delta += stay * (load[v] / target + 1e-3 + 0.5 * area[v] / areas[home[v]])
            elif home[v] == b:
                delta -= stay * (load[v] / target + 1e-3 + 0.5 * area[v] / areas[home[v]])
        if delta < gain:
            gain, to = delta, b
    return gain, to


@njit(cache=True, nogil=True)
def _is_taken(gain, cooling, state):
    """Whether a move that raises the energy by `gain` is made (Metropolis' rule), and the next random state."""
    if gain <= -1e-12:
        return True, state
    if cooling <= 0.0 or gain < 1e-12:
        return False, state
    state = _next_random(state)
    return (state % np.uint64(1000003)) / 1000003.0 < np.exp(-gain / cooling), state


@njit(cache=True, nogil=True, inline="always")
def _move(v, b, part, indptr, indices, length, inside, load, area, around, loads, areas, edges):
    """Move a piece to part `b`, and keep the totals of both."""
    a = part[v]
    inward = 0.0
    for e in range(indptr[v], indptr[v + 1]):
        if part[indices[e]] == b:
            inward += length[e]
    loads[a] -= load[v]
    loads[b] += load[v]
    areas[a] -= area[v]
    areas[b] += area[v]
    edges[a] += 2 * inside - around[v]
    edges[b] += around[v] - 2 * inward
    part[v] = b


@njit(cache=True, nogil=True)
def anneal(
    part, k, load, area, rim, indptr, indices, length, target, tolerance, home, stay, ease, sweeps, warmth, seed
):
    """Move pieces across borders while that lowers the energy, some that raise it at first; parts stay connected.

    `home` and `stay`: a piece outside its home part (−1: none) costs `stay` × (load / target + half its share of the
    part's area), so that existing grids change no more than they must. `ease` below 1 makes evenness within the
    tolerance and roundness worth less.
    """
    n = len(part)
    part = part.copy()
    best = part.copy()
    loads, areas, edges = part_totals(part, k, load, area, rim, indptr, indices, length)
    around = rim.copy()
    for v in range(n):
        for e in range(indptr[v], indptr[v + 1]):
            around[v] += length[e]
    now = 0.0
    low = 0.0
    seen, goal, queue = np.zeros(n, np.int64), np.zeros(n, np.int64), np.empty(n, np.int64)
    stamp = 0
    state = np.uint64(seed * 2 + 88172645463325252)
    shared = np.zeros(k)
    border = np.empty(n, np.int64)
    for sweep in range(sweeps + 12):
        cooling = warmth * (1.0 - sweep / sweeps) ** 2 if sweep < sweeps else 0.0
        count = _border_pieces(part, indptr, indices, border)
        changed = 0
        for i in range(count):
            state = _next_random(state)
            j = i + np.int64(state % np.uint64(count - i))
            v = border[j]
            border[j] = border[i]
            inside = _shared_lengths(v, part, indptr, indices, length, shared)
            gain, to = _best_move(
                v, part, indptr, indices, shared, inside, load, area, around, loads, areas, edges,
                (target, tolerance, ease), (home, stay),
            )  # fmt: skip
            if to < 0:
                continue
            taken, state = _is_taken(gain, cooling, state)
            if not taken:
                continue
            stamp += 1
            if not stays_whole(v, part, indptr, indices, seen, stamp, goal, queue):
                continue
            _move(v, to, part, indptr, indices, length, inside, load, area, around, loads, areas, edges)
            now += gain
            changed += 1
        if now < low - 1e-12:
            best[:] = part
            low = now
        if sweep >= sweeps and changed == 0:
            break
    return best


@njit(cache=True, nogil=True)
def _is_connected(mask, near):
    """Whether the pieces of a bit mask reach each other; `near` has each piece's neighbours as a mask."""
    reached = mask & -mask
    while True:
        grown = reached
        for v in range(len(near)):
            if reached & (1 << v):
                grown |= near[v] & mask
        if grown == reached:
            return reached == mask
        reached = grown


@njit(cache=True, nogil=True)
def _all_connected(part, k, near):
    """Whether each of the `k` parts is connected."""
    for p in range(k):
        mask = 0
        for v in range(len(part)):
            if part[v] == p:
                mask |= 1 << v
        if not _is_connected(mask, near):
            return False
    return True


@njit(cache=True, nogil=True)
def _next_division(part, top, k):
    """The next division, as a restricted growth string; False after the last."""
    n = len(part)
    v = n - 1
    while v > 0 and (part[v] >= k - 1 or part[v] > top[v - 1]):
        v -= 1
    if v == 0:
        return False
    part[v] += 1
    top[v] = max(top[v - 1], part[v])
    for u in range(v + 1, n):
        part[u] = 0
        top[u] = top[v]
    return True


@njit(cache=True, nogil=True)
def best_division(k, load, area, rim, indptr, indices, length, target, tolerance):
    """The best of all connected divisions into `k` parts, by trying each; for 11 pieces at most."""
    n = len(load)
    near = np.zeros(n, np.int64)
    for v in range(n):
        for e in range(indptr[v], indptr[v + 1]):
            near[v] |= 1 << indices[e]
    part, top = np.zeros(n, np.int64), np.zeros(n, np.int64)
    best = np.full(n, -1, np.int64)
    low = np.inf
    while True:
        if top[n - 1] == k - 1 and _all_connected(part, k, near):
            value = energy(part, k, load, area, rim, indptr, indices, length, target, tolerance)
            if value < low - 1e-12:
                low = value
                best[:] = part
        if not _next_division(part, top, k):
            return best
