"""How much prize no plan can exceed: a proof to hold the plan against.

The question "is there a better plan?" has no quick answer, but "how much better could it be at most?" has one: a
linear programme that keeps the clock, the flow of units between places and the least time between visits, but
lets a unit be in two halves. Its optimum is never below the best real plan's prize. Where the programme would be too
large, a knapsack of seconds is taken, which is a bound as well, though a looser one.

References
----------
Chao, Golden & Wasil (1996), EJOR 88, 464–474; the relaxation is that of the vehicle-flow model, with two-stop
circles cut off where each place is visited once.
"""

import numpy as np
import scipy
from scipy.sparse import coo_array

__all__ = ["prize_bound"]

#: Arcs up to which the linear programme is solved (120 places: a few seconds).
MOST_ARCS = 15_000


def prize_bound(prize, repeat, cap, service, gap, travel, kind, out, back, window, pause_s) -> float:
    """An upper bound on the prize of one shift.

    Parameters
    ----------
    prize, service : float (places,)
    repeat : float
        A place's next visit earns this share of the one before.
    cap : int (places,)
        Most visits that the least time between visits allows.
    gap : float
        Seconds between leaving a place and the next arrival.
    travel : float (kinds, places, places)
    kind : int (units,)
    out, back : float (units, places)
    window : float (units, 2)
    pause_s : float (units,)

    Returns
    -------
    float

    Examples
    --------
    >>> one = np.ones(3)
    >>> travel = np.full((1, 3, 3), 300.0)
    >>> float(round(prize_bound(one, 1.0, np.ones(3, int), 600 * one, 0.0, travel, np.zeros(1, int), np.zeros((1, 3)),
    ...                   np.zeros((1, 3)), np.array([[0.0, 1500.0]]), np.zeros(1)), 6))
    2.0
    """
    duty = np.maximum(window[:, 1] - window[:, 0] - pause_s, 0.0)
    alone = out + service + back  # the shortest duty in which each unit can visit each place
    if not len(kind):
        return 0.0
    open_ = np.flatnonzero((alone <= duty[:, None] + 1e-6).any(axis=0) & (prize > 0) & (cap > 0))
    if not len(open_):
        return 0.0
    prize, cap, service = prize[open_], cap[open_], service[open_]
    travel, out, back, alone = travel[:, open_][:, :, open_], out[:, open_], back[:, open_], alone[:, open_]
    n = len(open_)
    enter = travel.copy()
    enter[:, np.arange(n), np.arange(n)] = gap  # to come back to the same place costs the wait
    enter = np.minimum(enter, 1e7)  # what cannot be reached costs more than any shift
    step = service.min() + enter.min(axis=(1, 2))[kind]  # no further visit takes less
    left = duty - np.minimum(alone.min(axis=1), 1e7)
    visits = int(np.where(left >= -1e-6, np.floor((left + 1e-6) / step) + 1, 0).sum())

    times = cap if repeat < 1 else np.ones_like(cap)
    owner = np.repeat(np.arange(n), times)
    nth = np.concatenate([np.arange(t) for t in times])
    levels = prize[owner] * repeat**nth  # decreasing, so a maximum takes a place's visits in order
    most = np.ones(len(owner)) if repeat < 1 else cap.astype(float)

    cheapest = enter.min(axis=(0, 1))
    seconds = duty.sum() + len(kind) * cheapest.max()  # the first stop of each unit needs no way
    knapsack = scipy.optimize.linprog(
        -levels,
        A_ub=np.vstack([(service + cheapest)[owner], np.ones(len(owner))]),
        b_ub=[seconds, visits],
        bounds=np.column_stack([np.zeros(len(owner)), most]),
    )
    best = float(-knapsack.fun) if knapsack.status == 0 else float(levels @ most)
    kinds = np.unique(kind)
    if len(kinds) * n * n <= MOST_ARCS:
        best = min(best, _flow(levels, most, owner, cap, service, enter, kind, kinds, out, back, duty, visits))
    return best


def _flow(levels, most, owner, cap, service, enter, kind, kinds, out, back, duty, visits) -> float:
    """The vehicle-flow programme: visits of each level, ways between places, first and last stops, by kind of unit."""
    n, k, m = len(service), len(kinds), len(levels)
    way = m + np.arange(k * n * n).reshape(k, n, n)
    first = m + k * n * n + np.arange(k * n).reshape(k, n)
    final = first + k * n
    size = m + k * n * n + 2 * k * n
    rows: list = []
    columns: list = []
    values: list = []
    lower: list = []
    upper: list = []

    def constrain(column, value, low, high):
        rows.append(np.full(len(column), len(lower)))
        columns.append(np.asarray(column))
        values.append(np.broadcast_to(value, len(column)))
        lower.append(low)
        upper.append(high)

    for p in range(n):
        into = np.concatenate([np.r_[first[j, p], way[j, :, p]] for j in range(k)])
        own = np.flatnonzero(owner == p)
        constrain(np.r_[into, own], np.r_[np.ones(len(into)), -np.ones(len(own))], 0, 0)
        for j in range(k):
            inward, outward = np.delete(way[j, :, p], p), np.delete(way[j, p], p)
            column = np.r_[first[j, p], inward, final[j, p], outward]
            constrain(column, np.r_[np.ones(n), -np.ones(n)], 0, 0)
    for j, value in enumerate(kinds):
        mine = kind == value
        seconds = np.r_[
            (enter[value] + service[None, :]).ravel(),
            np.minimum(out[mine].min(axis=0), 1e7) + service,
            np.minimum(back[mine].min(axis=0), 1e7),
        ]
        constrain(np.r_[way[j].ravel(), first[j], final[j]], seconds, -np.inf, duty[mine].sum())
        constrain(first[j], 1.0, -np.inf, int(mine.sum()))
    constrain(np.arange(m), 1.0, -np.inf, visits)
    once = np.flatnonzero(cap == 1).tolist()
    for a, p in enumerate(once):
        own = np.flatnonzero(owner == p)
        for q in once[a + 1 :]:
            constrain(np.r_[way[:, p, q], way[:, q, p], own], np.r_[np.ones(2 * k), -np.ones(len(own))], -np.inf, 0)
    table = coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(len(lower), size)
    )
    cost = np.zeros(size)
    cost[:m] = -levels
    high = np.full(size, np.inf)
    high[:m] = most
    high[way[:, np.arange(n), np.arange(n)]] = np.maximum(cap - 1, 0)
    found = scipy.optimize.milp(
        cost,
        constraints=scipy.optimize.LinearConstraint(table.tocsr(), lower, upper),
        bounds=scipy.optimize.Bounds(0, high),
    )
    return float(-found.fun) * (1 + 1e-9) if found.status == 0 else np.inf
