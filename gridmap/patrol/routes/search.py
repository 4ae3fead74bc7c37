"""The search for the best routes: ruin a part, rebuild it greedily, keep what is nearly as good or better.

The team orienteering problem (Chao, Golden & Wasil 1996) with repeat visits: which places, by whom, in what
order, so that the prize is as large as the shift allows. Large neighbourhood search after Schrimpf et al.
(2000) and Christiaens & Vanden Berghe (2020): strings of neighbouring stops, stops at random, a stretch of the day or
all visits to a place are taken out, and the free time is filled again by prize per second. The search counts
rounds, not seconds, so the same seed gives the same plan on any machine.

References
----------
Chao, Golden & Wasil (1996), European Journal of Operational Research 88, 464–474.
Schrimpf, Schneider, Stamm-Wilbrandt & Dueck (2000), Journal of Computational Physics 159, 139–171.
Christiaens & Vanden Berghe (2020), Transportation Science 54, 417–433.
"""

import numpy as np

from gridmap._compiled import njit
from gridmap.patrol.routes.schedule import clock_route, empty_routes, insertion, load_route, slot_of, unload_route

__all__ = ["fill", "improve", "shuffle"]


@njit(cache=True, nogil=True)
def _worth(case, place, had):
    """What one more visit earns when there were `had`."""
    return case.prize[place] * case.repeat**had + (case.bonus if had < case.required[place] else 0.0)


@njit(cache=True, nogil=True)
def _total(case, routes):
    value = 0.0
    for p in range(len(case.prize)):
        for had in range(routes.visits[p]):
            value += _worth(case, p, had)
    return value


@njit(cache=True, nogil=True)
def _habits(case, routes):
    """How much of the plan an onlooker has seen before: what follows what, and who is visited when."""
    value = 0.0
    for u in range(len(case.kind)):
        before = len(case.prize)
        for i in range(routes.count[u]):
            p = routes.seq[u, i]
            value += case.habit[before, p] + case.busy[p, slot_of(case, routes.arrive[u, i])]
            before = p
    return value


@njit(cache=True, nogil=True)
def _remove(routes, unit, i):
    """Take one stop out of the order; the visits must be out of the places' lists."""
    for j in range(i, routes.count[unit] - 1):
        routes.seq[unit, j], routes.arrive[unit, j] = routes.seq[unit, j + 1], routes.arrive[unit, j + 1]
    routes.count[unit] -= 1


@njit(cache=True, nogil=True)
def _insert(case, routes, unit, i, place):
    """Put a visit in and clock the route; False, and nothing changed, when it does not fit after all."""
    unload_route(routes, unit)
    for j in range(routes.count[unit], i, -1):
        routes.seq[unit, j], routes.arrive[unit, j] = routes.seq[unit, j - 1], routes.arrive[unit, j - 1]
    routes.seq[unit, i] = place
    routes.count[unit] += 1
    if clock_route(case, routes, unit):
        return True
    unload_route(routes, unit)
    _remove(routes, unit, i)
    load_route(routes, unit)
    return False


@njit(cache=True, nogil=True)
def _cost_of_each(case, routes, unit, cost, where):
    """What one more visit to each place would cost a unit, and where in its route it would stand."""
    for p in range(len(case.prize)):
        if routes.visits[p] < case.cap[p]:
            where[p, unit], cost[p, unit] = insertion(case, routes, unit, p)


@njit(cache=True, nogil=True)
def _best_insertion(case, routes, noise, greediness, cost):
    """The unit and the place with the largest prize for the seconds, (−1, −1) where nothing fits."""
    best, who, what = 0.0, -1, -1
    for p in range(len(case.prize)):
        if routes.visits[p] >= case.cap[p]:
            continue
        worth = _worth(case, p, routes.visits[p]) * noise[p]
        if worth <= 0:
            continue
        worth = worth**greediness
        for u in range(len(case.kind)):
            if cost[p, u] < np.inf:
                score = worth / max(cost[p, u], 1.0)
                if score > best:
                    best, who, what = score, u, p
    return who, what


@njit(cache=True, nogil=True)
def _rebuild(case, routes, noise, greediness, cost, where):
    """Fill the free time: again and again the visit with the largest prize for its seconds."""
    units = len(case.kind)
    for u in range(units):
        _cost_of_each(case, routes, u, cost, where)
    while True:
        who, what = _best_insertion(case, routes, noise, greediness, cost)
        if who < 0:
            return
        if _insert(case, routes, who, where[what, who], what):
            _cost_of_each(case, routes, who, cost, where)
            for u in range(units):  # the other routes have less slack where they visit the same places
                if u != who and routes.visits[what] < case.cap[what]:
                    where[what, u], cost[what, u] = insertion(case, routes, u, what)
        else:
            cost[what, who] = np.inf  # not again before this route has changed


@njit(cache=True, nogil=True)
def _ruin(rng, case, routes, drop, most):
    """Mark the stops to take out, in one of four ways."""
    total = routes.count.sum()
    drop[:, :] = False
    if total == 0:
        return
    goal = 1 + int(rng.random() * min(most, total))
    way = rng.random()
    if way < 0.5:
        _ruin_strings(rng, routes, drop, goal)
    elif way < 0.7:
        _ruin_hours(rng, case, routes, drop, goal, total)
    elif way < 0.8:
        _ruin_places(rng, routes, drop)
    else:
        _ruin_anywhere(rng, routes, drop, goal)


@njit(cache=True, nogil=True)
def _ruin_strings(rng, routes, drop, goal):
    """Strings of neighbouring stops."""
    units, gone = len(routes.count), 0
    for _ in range(50):
        u = int(rng.random() * units)
        if gone >= goal or routes.count[u] == 0:
            continue
        length = min(1 + int(rng.random() * 8), routes.count[u], goal - gone)
        first = int(rng.random() * (routes.count[u] - length + 1))
        for i in range(first, first + length):
            gone += not drop[u, i]
            drop[u, i] = True


@njit(cache=True, nogil=True)
def _ruin_hours(rng, case, routes, drop, goal, total):
    """A stretch of the day, as long as the goal is of all stops."""
    begin, finish = case.window[:, 0].min(), case.window[:, 1].max()
    middle = begin + rng.random() * (finish - begin)
    half = 0.5 * (finish - begin) * goal / total
    for u in range(len(routes.count)):
        for i in range(routes.count[u]):
            drop[u, i] = abs(routes.arrive[u, i] - middle) <= half


@njit(cache=True, nogil=True)
def _ruin_places(rng, routes, drop):
    """All visits to a place, and to another one."""
    units = len(routes.count)
    for _ in range(2):
        u = int(rng.random() * units)
        if routes.count[u] > 0:
            place = routes.seq[u, int(rng.random() * routes.count[u])]
            for v in range(units):
                for i in range(routes.count[v]):
                    drop[v, i] |= routes.seq[v, i] == place


@njit(cache=True, nogil=True)
def _ruin_anywhere(rng, routes, drop, goal):
    """Stops at random."""
    units = len(routes.count)
    for _ in range(goal):
        u = int(rng.random() * units)
        if routes.count[u] > 0:
            drop[u, int(rng.random() * routes.count[u])] = True


@njit(cache=True, nogil=True)
def _take_out(case, routes, drop):
    """Take the marked stops out and clock what remains."""
    units = len(routes.count)
    routes.visits[:] = 0
    for u in range(units):
        m = 0
        for i in range(routes.count[u]):
            if not drop[u, i]:
                routes.seq[u, m], routes.arrive[u, m] = routes.seq[u, i], routes.arrive[u, i]
                m += 1
        routes.count[u] = m
        load_route(routes, u)
    for u in range(units):
        while not clock_route(case, routes, u):  # cannot be with shortest paths; with a table of the user's own it can
            unload_route(routes, u)
            routes.count[u] -= 1
            load_route(routes, u)


@njit(cache=True, nogil=True)
def _copy(source, target):
    """Number by number: to copy arrays whole takes numba seconds more to compile."""
    for u in range(len(source.count)):
        target.count[u], target.end[u], target.pause_after[u] = source.count[u], source.end[u], source.pause_after[u]
        for i in range(source.seq.shape[1]):
            target.seq[u, i] = source.seq[u, i]
        for i in range(source.arrive.shape[1]):
            target.arrive[u, i] = source.arrive[u, i]


@njit(cache=True, nogil=True)
def improve(rng, case, rounds, size):
    """The best routes found in so many rounds."""
    units, places = len(case.kind), len(case.prize)
    routes, now, best = empty_routes(case, size), empty_routes(case, size), empty_routes(case, size)
    cost, where = np.full((places, units), np.inf), np.zeros((places, units), np.int64)
    drop, noise = np.zeros((units, size), np.bool_), np.ones(places)
    now_value, best_value, best_late, habit_price = -1e300, -1e300, np.inf, 0.0
    for step in range(rounds + 1):
        greediness = 1.0
        if step > 0:
            _copy(now, routes)
            _ruin(rng, case, routes, drop, max(3, min(30, int(0.25 * routes.count.sum()))))
            _take_out(case, routes, drop)
            amplitude = rng.random()
            greediness = 0.7 + 0.8 * rng.random()
            for p in range(places):
                noise[p] = 1.0 + amplitude * (rng.random() - 0.5)
        cost[:] = np.inf
        _rebuild(case, routes, noise, greediness, cost, where)
        value = _total(case, routes)
        if case.habit_weight > 0:
            if step == 0:
                required = 0
                for p in range(places):
                    required += min(routes.visits[p], case.required[p])
                prize = value - case.bonus * required
                habit_price = case.habit_weight * prize / max(1, 2 * routes.count.sum())
            value -= habit_price * _habits(case, routes)
        late = 0.0
        for u in range(units):
            late += routes.end[u] - case.window[u, 0]
        if value > best_value + 1e-9 or (value > best_value - 1e-9 and late < best_late - 1e-6):
            best_value, best_late = value, late
            _copy(routes, best)
        room = 0.01 * (1.0 - step / (rounds + 1)) * rng.random()
        if value >= now_value - 1e-9 or value >= best_value * (1.0 - room):
            now_value = value
            _copy(routes, now)
    return best


@njit(cache=True, nogil=True)
def shuffle(rng, case, routes, tries):
    """Change the order at random wherever the shift still holds every visit: the prize stays, the habit goes."""
    seen = _habits(case, routes)
    units = len(case.kind)
    routes.visits[:] = 0
    for u in range(units):
        load_route(routes, u)
    for _ in range(tries):
        a, b = int(rng.random() * units), int(rng.random() * units)
        if routes.count[a] == 0 or routes.count[b] == 0:
            continue
        i, j = int(rng.random() * routes.count[a]), int(rng.random() * routes.count[b])
        if a == b and i == j:
            continue
        turn = a == b and rng.random() < 0.5
        old_a, old_b = routes.arrive[a].copy(), routes.arrive[b].copy()
        ends = routes.end[a], routes.end[b], routes.pause_after[a], routes.pause_after[b]
        unload_route(routes, a)
        unload_route(routes, b)
        _exchange(routes, a, i, b, j, turn)
        n = routes.count[b]
        if a != b:
            routes.count[b] = 0  # the other route stands aside while this one is clocked
        good = clock_route(case, routes, a)
        routes.count[b] = n
        if good and a != b:
            good = clock_route(case, routes, b)
        if good:
            more = _habits(case, routes)
            if more > seen + 1e-9 and rng.random() < 0.9:
                good = False  # that order has been seen more often
            else:
                seen = more
        if not good:
            unload_route(routes, a)
            unload_route(routes, b)
            _exchange(routes, a, i, b, j, turn)
            for k in range(len(old_a)):
                routes.arrive[a, k], routes.arrive[b, k] = old_a[k], old_b[k]
            routes.end[a], routes.end[b], routes.pause_after[a], routes.pause_after[b] = ends
            load_route(routes, a)
            if a != b:
                load_route(routes, b)


@njit(cache=True, nogil=True)
def fill(case, routes):
    """Put in what still fits, the largest prize for its seconds first."""
    units, places = len(case.kind), len(case.prize)
    routes.visits[:] = 0
    for u in range(units):
        load_route(routes, u)
    _rebuild(case, routes, np.ones(places), 1.0, np.full((places, units), np.inf), np.zeros((places, units), np.int64))


@njit(cache=True, nogil=True)
def _exchange(routes, a, i, b, j, turn):
    """Swap two stops, or turn the stretch between them round; done twice, nothing has changed."""
    if turn:
        low, high = min(i, j), max(i, j)
        while low < high:
            keep = routes.seq[a, low]
            routes.seq[a, low], routes.seq[a, high] = routes.seq[a, high], keep
            low, high = low + 1, high - 1
    else:
        keep = routes.seq[a, i]
        routes.seq[a, i] = routes.seq[b, j]
        routes.seq[b, j] = keep
