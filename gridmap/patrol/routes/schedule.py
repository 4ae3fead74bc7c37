"""The clock of a patrol: when each stop is reached, how far it may slip, and whether the shift can hold it.

Travel, a visit's length, the pause, and for a place that any unit visited before the wait until it may be visited
again: one pass over a route settles them. From that pass comes, for every stop, the largest delay that all later
stops can bear (Savelsbergh 1992), so that a further visit is judged without clocking the route again. Compiled,
because the search asks millions of times.

A unit without a depot begins at its first stop and ends at its last. The pause is taken where the unit stands, on
leaving the first stop after its first moment, or earlier if the next visit would end after its last one.

References
----------
Savelsbergh (1992), ORSA Journal on Computing 4, 146–154.
"""

from collections import namedtuple

import numpy as np

from gridmap._compiled import njit

__all__ = ["Case", "Routes", "clock_route", "empty_routes", "insertion", "load_route", "slot_of", "unload_route"]

#: What is given. prize, service, release (places,); repeat, bonus, gap: numbers; required, cap (places,): compulsory
#: and largest number of visits; travel (kinds, places, places); kind (units,); out, back (units, places): from and to
#: the depot; window (units, 2): duty; pause (units, 3): length, first and last moment to begin. Seconds.
#: habit (places + 1, places): how often the second followed the first in earlier shifts (last row: began a route);
#: busy (places, slots): how often a place was visited in a slot of `slot_s`; both as shares. fear: seconds that a
#: certain habit weighs when a visit is put in; habit_weight: share of the prize that all of them weigh.
Case = namedtuple(
    "Case",
    "prize repeat bonus required cap travel kind out back service gap release window pause "
    "habit busy slot_s fear habit_weight",
)

#: What is decided. seq, arrive, slack, idle (units, size): places in order, arrival, largest delay that the rest can
#: bear, waiting from here on; count, end, pause_after (units,): the stop after which the pause is taken (−1: before
#: the first, −2: none); visits (places,), visit_at, visit_of (places, most): every place's visits in order of time.
Routes = namedtuple("Routes", "seq arrive slack idle count end pause_after visits visit_at visit_of")


@njit(cache=True, nogil=True)
def empty_routes(case, size):
    """Routes without a stop, with room for `size` stops each."""
    units, places, most = len(case.kind), len(case.prize), case.cap.max() + 2
    return Routes(
        np.zeros((units, size), np.int64),
        np.zeros((units, size)),
        np.zeros((units, size)),
        np.zeros((units, size)),
        np.zeros(units, np.int64),
        case.window[:, 0].copy(),
        np.full(units, -2),
        np.zeros(places, np.int64),
        np.zeros((places, most)),
        np.zeros((places, most), np.int64),
    )


@njit(cache=True, nogil=True)
def _earliest(case, routes, place, t):
    """The first moment at or after t when the place may be visited, given all its visits."""
    t = max(t, case.release[place])
    apart = case.service[place] + case.gap
    for j in range(routes.visits[place]):
        other = routes.visit_at[place, j]
        if t + apart > other and t < other + apart:
            t = other + apart
    return t


@njit(cache=True, nogil=True)
def clock_route(case, routes, unit):
    """Clock a route anew and enter its visits; False, with the old visits entered again, where it does not fit."""
    seq, arrive, n, k = routes.seq[unit], routes.arrive[unit], routes.count[unit], case.kind[unit]
    unload_route(routes, unit)
    old = arrive[:n].copy()
    t, taken, paused, here, good = case.window[unit, 0], case.pause[unit, 0] <= 0, -2, -1, True
    for i in range(n):
        there = seq[i]
        way = case.out[unit, there] if here < 0 else case.travel[k, here, there]
        at = _earliest(case, routes, there, t + way)
        if not taken and (t >= case.pause[unit, 1] or at + case.service[there] > case.pause[unit, 2]):
            t = max(t, case.pause[unit, 1])
            good = t <= case.pause[unit, 2]
            t += case.pause[unit, 0]
            taken, paused = True, i - 1
            at = _earliest(case, routes, there, t + way)
        t = at + case.service[there]
        if not good or t + case.back[unit, there] > case.window[unit, 1]:
            good = False
            break
        arrive[i] = at
        _enter(routes, unit, there, at)
        here = there
    if good and n > 0 and not taken:
        t = max(t, case.pause[unit, 1])
        good = t <= case.pause[unit, 2]
        t += case.pause[unit, 0]
        paused = n - 1
    end = t + (case.back[unit, here] if here >= 0 else 0.0)
    if not good or end > case.window[unit, 1]:
        unload_route(routes, unit)
        for i in range(n):  # to write an array into another takes numba seconds to compile
            arrive[i] = old[i]
        load_route(routes, unit)
        return False
    routes.end[unit], routes.pause_after[unit] = end, paused
    _slacken(case, routes, unit)
    return True


@njit(cache=True, nogil=True)
def _slacken(case, routes, unit):
    """For every stop the largest delay that it and all later ones can bear, and the waiting that takes delay up."""
    seq, arrive, n, k = routes.seq[unit], routes.arrive[unit], routes.count[unit], case.kind[unit]
    bear, idle = case.window[unit, 1] - routes.end[unit], 0.0
    for i in range(n - 1, -1, -1):
        p = seq[i]
        leave = arrive[i] + case.service[p]
        begin = leave
        if routes.pause_after[unit] == i:  # the pause may begin later, and waiting for it takes up delay
            begin = max(leave, case.pause[unit, 1])
            bear = min(bear, case.pause[unit, 2] - begin) + begin - leave
            idle += begin - leave
            begin += case.pause[unit, 0]
        if i < n - 1:
            wait = arrive[i + 1] - begin - case.travel[k, p, seq[i + 1]]
            if wait > 0:
                bear += wait
                idle += wait
        for j in range(routes.visits[p]):  # the next visit to this place must stay far enough away
            other = routes.visit_at[p, j]
            if other > arrive[i]:
                bear = min(bear, other - leave - case.gap)
                break
        routes.slack[unit, i], routes.idle[unit, i] = max(bear, 0.0), idle


@njit(cache=True, nogil=True)
def slot_of(case, t):
    """Which slot of the day's table a moment falls into."""
    return max(0, min(case.busy.shape[1] - 1, int(t / case.slot_s)))


@njit(cache=True, nogil=True)
def insertion(case, routes, unit, place):
    """Where in a route one more visit costs least, and how much later the unit is done: (position, seconds or inf)."""
    n, k, service = routes.count[unit], case.kind[unit], case.service[place]
    seq, arrive = routes.seq[unit], routes.arrive[unit]
    best, position = np.inf, -1
    room = case.window[unit, 1] - routes.end[unit]
    for i in range(n + 1):
        if i == 0:
            t, way = case.window[unit, 0], case.out[unit, place]
        else:
            t, way = arrive[i - 1] + case.service[seq[i - 1]], case.travel[k, seq[i - 1], place]
        if routes.pause_after[unit] == i - 1:
            t = max(t, case.pause[unit, 1]) + case.pause[unit, 0]
        leave = _earliest(case, routes, place, t + way) + service
        seen_before = 0.0
        if case.fear > 0:
            before = len(case.prize) if i == 0 else seq[i - 1]
            seen_before = case.habit[before, place] + case.busy[place, slot_of(case, leave - service)]
            if i < n:
                seen_before += case.habit[place, seq[i]] - case.habit[before, seq[i]]
            seen_before *= case.fear
        if i < n:
            late = leave + case.travel[k, place, seq[i]] - arrive[i]
            if late <= routes.slack[unit, i]:
                late = max(0.0, late - routes.idle[unit, i]) + seen_before
                if late < best:
                    best, position = late, i
        else:
            if n == 0 and case.pause[unit, 0] > 0:
                leave += case.pause[unit, 0]
            late = leave + case.back[unit, place] - routes.end[unit]
            if late <= room and late + seen_before < best:
                best, position = late + seen_before, i
    return position, best


@njit(cache=True, nogil=True)
def unload_route(routes, unit):
    """Take a unit's visits out of the places' lists."""
    for i in range(routes.count[unit]):
        p, m = routes.seq[unit, i], 0
        for j in range(routes.visits[p]):
            if routes.visit_of[p, j] != unit:
                routes.visit_at[p, m], routes.visit_of[p, m] = routes.visit_at[p, j], routes.visit_of[p, j]
                m += 1
        routes.visits[p] = m


@njit(cache=True, nogil=True)
def load_route(routes, unit):
    """Put a unit's visits into the places' lists."""
    for i in range(routes.count[unit]):
        _enter(routes, unit, routes.seq[unit, i], routes.arrive[unit, i])


@njit(cache=True, nogil=True)
def _enter(routes, unit, place, t):
    j = routes.visits[place]
    while j > 0 and routes.visit_at[place, j - 1] > t:
        routes.visit_at[place, j] = routes.visit_at[place, j - 1]
        routes.visit_of[place, j] = routes.visit_of[place, j - 1]
        j -= 1
    routes.visit_at[place, j], routes.visit_of[place, j] = t, unit
    routes.visits[place] += 1
