"""Whether the parts of a graph hang together, and how to make them.

A grid in two places is none. Pieces that are cut off from their part go to the neighbour they share most border with;
a part that is empty takes a piece from the heaviest that can spare one. A piece may leave its part if its neighbours
there still reach each other without it.
"""

import numba as nb
import numpy as np

__all__ = ["can_leave", "components", "repair", "stays_whole"]


@nb.njit(cache=True, nogil=True)
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


@nb.njit(cache=True, nogil=True)
def repair(part, k, load, indptr, indices, length):
    """Make each of the `k` parts connected and none empty; the graph itself must be connected and have ≥ k pieces."""
    n = len(part)
    part = part.copy()
    for _ in range(n + 1):
        label = components(part, indptr, indices)
        count = label.max() + 1
        weight, size = np.zeros(count), np.zeros(count, np.int64)
        owner = np.zeros(count, np.int64)
        for v in range(n):
            weight[label[v]] += load[v]
            size[label[v]] += 1
            owner[label[v]] = part[v]
        main = np.full(k, -1, np.int64)
        for c in range(count):
            p = owner[c]
            if main[p] < 0 or weight[c] > weight[main[p]] or (weight[c] == weight[main[p]] and size[c] > size[main[p]]):
                main[p] = c
        if count == (main >= 0).sum():
            break
        # Pieces that are cut off join the main body they share most border with, layer by layer.
        moved = False
        for v in range(n):
            if label[v] == main[part[v]]:
                continue
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
            if own >= 0:
                part[v] = own
                label[v] = main[own]
                moved = True
        if not moved:
            break
    for p in range(k):  # an empty part takes a piece from the heaviest part that can spare it
        if (part == p).any():
            continue
        loads, size = np.zeros(k), np.zeros(k, np.int64)
        for v in range(n):
            loads[part[v]] += load[v]
            size[part[v]] += 1
        for _ in range(k):
            heavy, most = -1, -1.0
            for q in range(k):
                if size[q] > 1 and loads[q] > most:
                    heavy, most = q, loads[q]
            if heavy < 0:
                break
            size[heavy] = 0
            done = False
            for v in range(n):
                if part[v] == heavy and can_leave(v, part, indptr, indices):
                    part[v] = p
                    done = True
                    break
            if done:
                break
    return part


@nb.njit(cache=True, nogil=True)
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


@nb.njit(cache=True, nogil=True)
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
