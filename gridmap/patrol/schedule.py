"""The clock of a patrol: when each stop of a route is reached, and whether the shift can hold it.

One forward pass decides everything: travel, a visit's length, the pause, and for a place that was visited
before (by any unit) the wait until it may be visited again. Compiled, because the search asks it millions of
times.

A route is a row of places. A unit without a depot begins at its first stop and ends at its last. The pause is
taken where the unit stands, on leaving the first stop after `pause_from`, or earlier if the next visit would
end after the last moment to begin it.
"""

import numpy as np
from numba import njit

__all__ = ["load_route", "simulate", "unload_route"]


@njit(cache=True)
def simulate(
    unit,
    stops,
    count,
    fixed,
    inserted,
    last,
    clock,
    travel,
    kind,
    out,
    back,
    service,
    gap,
    release,
    window,
    pause,
    visits,
    visit_at,
    visit_of,
    arrive,
    pause_after,
    keep,
):
    """End of the route when `inserted` (or −1) comes at position `fixed`; inf when it cannot be done.

    Parameters
    ----------
    stops, count : the unit's places in order, and how many
    fixed : int
        Stops before it keep the times in `arrive[unit]`.
    last : float (places,)
        When this route last left a place before `fixed`, −inf where it did not; restored before returning.
    clock : float (m,)
        Receives the arrival times from `fixed` on, when `keep`.
    travel : float (kinds, places, places); kind : int (units,)
    out, back : float (units, places)
        From the depot, to the depot; zeros without one.
    service : float (places,); gap : float; release : float (places,)
        Length of a visit; least time between leaving and the next arrival; not before.
    window : float (units, 2); pause : float (units, 3)
        Begin and end of duty; length, first and last moment to begin.
    visits, visit_at, visit_of
        Per place: how many visits by all routes, their arrivals in order, the unit.
    arrive : float (units, m); pause_after : int (units,)
        Times as they stand; the stop after which the pause is taken (−1: before the first; −2: none yet).

    Returns
    -------
    end, paused : float, int
        When the unit is back (or done); the stop after which it pauses, in the new order.
    """
    k = kind[unit]
    if fixed == 0:
        t, here, taken = window[unit, 0], -1, pause[unit, 0] <= 0
        paused = -2
    else:
        here = stops[fixed - 1]
        t = arrive[unit, fixed - 1] + service[here]
        taken = pause[unit, 0] <= 0 or -2 < pause_after[unit] < fixed - 1
        paused = pause_after[unit] if taken else -2
    total = count + (1 if inserted >= 0 else 0)
    end = t
    done = fixed
    feasible = True
    for i in range(fixed, total):
        there = (inserted if i == fixed else stops[i - 1]) if inserted >= 0 else stops[i]
        way = out[unit, there] if here < 0 else travel[k, here, there]
        at = _earliest(there, t + way, unit, service, gap, release, visits, visit_at, visit_of, last)
        if not taken and (t >= pause[unit, 1] or at + service[there] > pause[unit, 2]):
            t = max(t, pause[unit, 1])
            if t > pause[unit, 2]:
                feasible = False
                break
            t += pause[unit, 0]
            taken, paused = True, i - 1
            at = _earliest(there, t + way, unit, service, gap, release, visits, visit_at, visit_of, last)
        t = at + service[there]
        if t + back[unit, there] > window[unit, 1]:
            feasible = False
            break
        clock[i] = at
        # the previous value is kept in the second half of the clock and put back below
        clock[len(clock) // 2 + i] = last[there]
        last[there] = t
        here = there
        done = i + 1
    for i in range(done - 1, fixed - 1, -1):
        there = (inserted if i == fixed else stops[i - 1]) if inserted >= 0 else stops[i]
        last[there] = clock[len(clock) // 2 + i]
    if not feasible:
        return np.inf, -2
    if total > 0 and not taken:
        t = max(t, pause[unit, 1])
        if t > pause[unit, 2]:
            return np.inf, -2
        t += pause[unit, 0]
        paused = total - 1
    end = t + (back[unit, here] if here >= 0 else 0.0)
    if end > window[unit, 1] + 1e-9:
        return np.inf, -2
    return end, paused


@njit(cache=True)
def _earliest(place, t, unit, service, gap, release, visits, visit_at, visit_of, last):
    """The first moment at or after t when the place may be visited."""
    t = max(t, release[place], last[place] + gap)
    for j in range(visits[place]):
        if visit_of[place, j] != unit:
            other = visit_at[place, j]
            if t + service[place] + gap > other and t < other + service[place] + gap:
                t = other + service[place] + gap
    return t


@njit(cache=True)
def unload_route(unit, stops, count, visits, visit_at, visit_of):
    """Take a unit's visits out of the places' lists."""
    for i in range(count):
        p = stops[i]
        m = 0
        for j in range(visits[p]):
            if visit_of[p, j] != unit:
                visit_at[p, m], visit_of[p, m] = visit_at[p, j], visit_of[p, j]
                m += 1
        visits[p] = m


@njit(cache=True)
def load_route(unit, stops, count, times, visits, visit_at, visit_of):
    """Put a unit's visits into the places' lists, in order of time."""
    for i in range(count):
        p, t = stops[i], times[i]
        j = visits[p]
        while j > 0 and visit_at[p, j - 1] > t:
            visit_at[p, j], visit_of[p, j] = visit_at[p, j - 1], visit_of[p, j - 1]
            j -= 1
        visit_at[p, j], visit_of[p, j] = t, unit
        visits[p] += 1
