"""The search for the best routes: ruin a part, rebuild it greedily, keep what is nearly as good or better.

The team orienteering problem (Chao, Golden & Wasil 1996) with repeat visits: which places, by whom, in what
order, so that the prize is as large as the shift allows. Large neighbourhood search after Schrimpf et al.
(2000) and Christiaens & Vanden Berghe (2020): strings of neighbouring stops, stops at random, all visits to a
place or a stretch of the day are taken out and the free time is filled again by prize per second. The search
counts rounds, not seconds, so the same seed gives the same plan on any machine.

References
----------
Chao, Golden & Wasil (1996), European Journal of Operational Research 88, 464–474.
Schrimpf, Schneider, Stamm-Wilbrandt & Dueck (2000), Journal of Computational Physics 159, 139–171.
Christiaens & Vanden Berghe (2020), Transportation Science 54, 417–433.
"""

import numpy as np
from numba import njit

from gridmap.patrol.schedule import load_route, simulate, unload_route

__all__ = ["improve", "shuffle"]


@njit(cache=True)
def _worth(place, had, prize, repeat, bonus, required):
    """What one more visit earns when there were `had`."""
    return prize[place] * repeat**had + (bonus if had < required[place] else 0.0)


@njit(cache=True)
def _try_route(
    unit,
    places,
    cache_at,
    cache_cost,
    seq,
    count,
    end,
    arrive,
    pause_after,
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
    cap,
):
    """The cheapest position of every wanted place in one route."""
    n, k = count[unit], kind[unit]
    stops = seq[unit]
    for p in places:
        cache_cost[p, unit] = np.inf
    if n + 1 >= seq.shape[1]:
        return
    wait = window[unit, 1] - window[unit, 0] if n == 0 else 0.0
    t = window[unit, 0]
    for i in range(n):  # the time spent waiting is what an insertion may use up for nothing
        way = out[unit, stops[0]] if i == 0 else travel[k, stops[i - 1], stops[i]]
        wait += max(0.0, arrive[unit, i] - t - way)
        t = arrive[unit, i] + service[stops[i]]
    slack = window[unit, 1] - end[unit] + wait + 1e-6
    for i in range(n + 1):
        for p in places:
            if visits[p] >= cap[p]:
                continue
            a = out[unit, p] if i == 0 else travel[k, stops[i - 1], p]
            if i < n:
                b = travel[k, p, stops[i]]
                old = out[unit, stops[0]] if i == 0 else travel[k, stops[i - 1], stops[i]]
            else:
                b = back[unit, p]
                old = 0.0 if n == 0 else back[unit, stops[n - 1]]
            least = a + b - old + service[p]
            if least > slack or max(least, 0.0) - wait >= cache_cost[p, unit]:
                continue
            e, _ = simulate(
                unit,
                stops,
                n,
                i,
                p,
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
                False,
            )
            if e - end[unit] < cache_cost[p, unit]:
                cache_cost[p, unit], cache_at[p, unit] = e - end[unit], i
        if i < n:
            last[stops[i]] = arrive[unit, i] + service[stops[i]]
    for i in range(n):
        last[stops[i]] = -np.inf


@njit(cache=True)
def _settle(
    unit,
    seq,
    count,
    end,
    arrive,
    pause_after,
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
):
    """Clock a route anew from its start; its visits are in the places' lists afterwards. False when impossible."""
    unload_route(unit, seq[unit], count[unit], visits, visit_at, visit_of)
    e, paused = simulate(
        unit,
        seq[unit],
        count[unit],
        0,
        -1,
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
        True,
    )
    if not np.isfinite(e):
        load_route(unit, seq[unit], count[unit], arrive[unit], visits, visit_at, visit_of)
        return False
    for i in range(count[unit]):
        arrive[unit, i] = clock[i]
    end[unit], pause_after[unit] = e, paused
    load_route(unit, seq[unit], count[unit], arrive[unit], visits, visit_at, visit_of)
    return True


@njit(cache=True)
def _rebuild(
    rng,
    noise,
    prize,
    repeat,
    bonus,
    required,
    cap,
    seq,
    count,
    end,
    arrive,
    pause_after,
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
    cache_at,
    cache_cost,
):
    """Fill the free time: again and again the visit with the largest prize for its seconds."""
    units, size = len(kind), len(prize)
    everything = np.arange(size)
    luck = 1.0 + noise * (rng.random(size) - 0.5)
    for u in range(units):
        _try_route(
            u,
            everything,
            cache_at,
            cache_cost,
            seq,
            count,
            end,
            arrive,
            pause_after,
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
            cap,
        )
    while True:
        best, who, what = 0.0, -1, -1
        for p in range(size):
            if visits[p] >= cap[p]:
                continue
            worth = _worth(p, visits[p], prize, repeat, bonus, required) * luck[p]
            if worth <= 0:
                continue
            for u in range(units):
                if np.isfinite(cache_cost[p, u]):
                    score = worth / max(cache_cost[p, u], 1.0)
                    if score > best:
                        best, who, what = score, u, p
        if who < 0:
            return
        n, i = count[who], cache_at[what, who]
        for j in range(n, i, -1):
            seq[who, j] = seq[who, j - 1]
            arrive[who, j] = arrive[who, j - 1]
        unload_route(who, seq[who], n + 1, visits, visit_at, visit_of)
        seq[who, i] = what
        count[who] = n + 1
        e, paused = simulate(
            who,
            seq[who],
            n + 1,
            0,
            -1,
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
            True,
        )
        if np.isfinite(e):
            for j in range(n + 1):
                arrive[who, j] = clock[j]
            end[who], pause_after[who] = e, paused
        else:  # other routes moved since it was tried: take it out again
            for j in range(i, n):
                seq[who, j] = seq[who, j + 1]
                arrive[who, j] = arrive[who, j + 1]
            count[who] = n
        load_route(who, seq[who], count[who], arrive[who], visits, visit_at, visit_of)
        _try_route(
            who,
            everything,
            cache_at,
            cache_cost,
            seq,
            count,
            end,
            arrive,
            pause_after,
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
            cap,
        )
        if not np.isfinite(e):
            cache_cost[what, who] = np.inf  # and do not try it again before something has changed
        else:
            one = np.full(1, what)
            for u in range(units):
                if u != who:
                    _try_route(
                        u,
                        one,
                        cache_at,
                        cache_cost,
                        seq,
                        count,
                        end,
                        arrive,
                        pause_after,
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
                        cap,
                    )


@njit(cache=True)
def _ruin(rng, seq, count, arrive, window, drop, most):
    """Mark the stops to take out; returns how many."""
    units = len(count)
    total = count.sum()
    drop[:, :] = False
    if total == 0:
        return 0
    goal = 1 + int(rng.random() * min(most, total))
    way, gone = rng.random(), 0
    if way < 0.55:  # strings of neighbouring stops
        for _ in range(50):
            if gone >= goal:
                break
            u = int(rng.random() * units)
            if count[u] == 0:
                continue
            length = min(1 + int(rng.random() * 8), count[u], goal - gone)
            first = int(rng.random() * (count[u] - length + 1))
            for i in range(first, first + length):
                gone += not drop[u, i]
                drop[u, i] = True
    elif way < 0.75:  # a stretch of the day
        middle = window[:, 0].min() + rng.random() * (window[:, 1].max() - window[:, 0].min())
        half = rng.random() * 0.15 * (window[:, 1].max() - window[:, 0].min())
        for u in range(units):
            for i in range(count[u]):
                if abs(arrive[u, i] - middle) <= half:
                    drop[u, i] = True
                    gone += 1
    else:  # stops at random
        for _ in range(goal):
            u = int(rng.random() * units)
            if count[u] > 0:
                i = int(rng.random() * count[u])
                gone += not drop[u, i]
                drop[u, i] = True
    return gone


@njit(cache=True)
def _total(prize, repeat, bonus, required, visits):
    value = 0.0
    for p in range(len(prize)):
        for had in range(visits[p]):
            value += _worth(p, had, prize, repeat, bonus, required)
    return value


@njit(cache=True)
def improve(
    rng,
    rounds,
    prize,
    repeat,
    bonus,
    required,
    cap,
    travel,
    kind,
    out,
    back,
    service,
    gap,
    release,
    window,
    pause,
    size,
):
    """The best routes found in so many rounds.

    Returns
    -------
    seq : int (units, size); count : int (units,); arrive : float (units, size); end : float (units,); pause_after : int
    """
    units, places = len(kind), len(prize)
    seq, arrive = np.zeros((units, size), np.int64), np.zeros((units, size))
    count, end, pause_after = np.zeros(units, np.int64), window[:, 0].copy(), np.full(units, -2)
    visits = np.zeros(places, np.int64)
    visit_at, visit_of = np.zeros((places, cap.max() + 2)), np.zeros((places, cap.max() + 2), np.int64)
    last, clock = np.full(places, -np.inf), np.zeros(2 * size + 2)
    cache_at, cache_cost = np.zeros((places, units), np.int64), np.full((places, units), np.inf)
    drop = np.zeros((units, size), np.bool_)
    best_value = -1.0
    best_seq, best_count, best_arrive, best_end, best_pause = (
        seq.copy(),
        count.copy(),
        arrive.copy(),
        end.copy(),
        pause_after.copy(),
    )
    best_lateness = np.inf
    now_seq, now_count, now_arrive, now_end, now_pause = (
        seq.copy(),
        count.copy(),
        arrive.copy(),
        end.copy(),
        pause_after.copy(),
    )
    now_value = -1.0
    for step in range(rounds + 1):
        if step > 0:
            seq[:], count[:], arrive[:], end[:], pause_after[:] = now_seq, now_count, now_arrive, now_end, now_pause
            _ruin(rng, seq, count, arrive, window, drop, max(4, min(40, int(0.3 * count.sum()))))
            visits[:] = 0
            for u in range(units):
                m = 0
                for i in range(count[u]):
                    if not drop[u, i]:
                        seq[u, m], arrive[u, m] = seq[u, i], arrive[u, i]
                        m += 1
                count[u] = m
                load_route(u, seq[u], m, arrive[u], visits, visit_at, visit_of)
            for u in range(units):
                good = _settle(
                    u,
                    seq,
                    count,
                    end,
                    arrive,
                    pause_after,
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
                )
                while not good:  # earlier arrivals may meet another unit's visit: give the last stop up
                    unload_route(u, seq[u], count[u], visits, visit_at, visit_of)
                    count[u] -= 1
                    load_route(u, seq[u], count[u], arrive[u], visits, visit_at, visit_of)
                    good = _settle(
                        u,
                        seq,
                        count,
                        end,
                        arrive,
                        pause_after,
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
                    )
        noise = 0.0 if step == 0 else 0.1 + 0.9 * rng.random()
        _rebuild(
            rng,
            noise,
            prize,
            repeat,
            bonus,
            required,
            cap,
            seq,
            count,
            end,
            arrive,
            pause_after,
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
            cache_at,
            cache_cost,
        )
        value = _total(prize, repeat, bonus, required, visits)
        lateness = (end - window[:, 0]).sum()
        room = 0.02 * (1.0 - step / (rounds + 1)) ** 2
        better = value > best_value + 1e-9 or (value > best_value - 1e-9 and lateness < best_lateness - 1e-6)
        if better:
            best_value, best_lateness = value, lateness
            best_seq[:], best_count[:], best_arrive[:], best_end[:], best_pause[:] = (
                seq,
                count,
                arrive,
                end,
                pause_after,
            )
        if better or value >= now_value - 1e-9 or value >= best_value * (1.0 - room * rng.random()):
            now_value = value
            now_seq[:], now_count[:], now_arrive[:], now_end[:], now_pause[:] = seq, count, arrive, end, pause_after
    return best_seq, best_count, best_arrive, best_end, best_pause


@njit(cache=True)
def shuffle(
    rng,
    tries,
    seq,
    count,
    arrive,
    end,
    pause_after,
    cap,
    travel,
    kind,
    out,
    back,
    service,
    gap,
    release,
    window,
    pause,
    places,
):
    """Change the order at random wherever the shift still holds every visit: the prize stays, the habit goes."""
    units = len(kind)
    visits = np.zeros(places, np.int64)
    visit_at, visit_of = np.zeros((places, cap.max() + 2)), np.zeros((places, cap.max() + 2), np.int64)
    last, clock = np.full(places, -np.inf), np.zeros(2 * seq.shape[1] + 2)
    for u in range(units):
        load_route(u, seq[u], count[u], arrive[u], visits, visit_at, visit_of)
    changed = 0
    for _ in range(tries):
        a, b = int(rng.random() * units), int(rng.random() * units)
        if count[a] == 0 or count[b] == 0:
            continue
        i, j = int(rng.random() * count[a]), int(rng.random() * count[b])
        if a == b and i == j:
            continue
        turn = a == b and rng.random() < 0.5
        for done in range(2):  # the change, and if it does not fit, the change undone
            for u in (a, b):
                unload_route(u, seq[u], count[u], visits, visit_at, visit_of)
            if turn:
                low, high = min(i, j), max(i, j)
                while low < high:
                    seq[a, low], seq[a, high] = seq[a, high], seq[a, low]
                    low, high = low + 1, high - 1
            else:
                keep = seq[a, i]
                seq[a, i] = seq[b, j]
                seq[b, j] = keep
            if done == 1:
                load_route(a, seq[a], count[a], arrive[a], visits, visit_at, visit_of)
                if a != b:
                    load_route(b, seq[b], count[b], arrive[b], visits, visit_at, visit_of)
                break
            first, paused = simulate(
                a,
                seq[a],
                count[a],
                0,
                -1,
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
                True,
            )
            if not np.isfinite(first):
                continue
            times = clock[: count[a]].copy()
            second, paused_b = first, paused
            if a != b:
                load_route(a, seq[a], count[a], times, visits, visit_at, visit_of)
                second, paused_b = simulate(
                    b,
                    seq[b],
                    count[b],
                    0,
                    -1,
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
                    True,
                )
                if not np.isfinite(second):
                    continue
                arrive[b, : count[b]] = clock[: count[b]]
                end[b], pause_after[b] = second, paused_b
                load_route(b, seq[b], count[b], arrive[b], visits, visit_at, visit_of)
            else:
                load_route(a, seq[a], count[a], times, visits, visit_at, visit_of)
            arrive[a, : count[a]] = times
            end[a], pause_after[a] = first, paused
            changed += 1
            break
    return changed
