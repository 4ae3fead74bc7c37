"""What a plan could not do, why, and the smallest change that would allow it.

Wishes can contradict each other: posts that need more officers than there are, a place far from every street, a drive
longer than the shift. None of them is an error; each is answered with what is missing and with the least that would
have to change, so that whoever decides can decide. The least is counted from the plan as it stands: the minutes that
one named unit would have to stay longer, with every other visit where it is.
"""

import numpy as np
import pandas as pd

from gridmap._compiled import njit
from gridmap.messages import Note
from gridmap.patrol.routes.schedule import clock_route, load_route, unload_route

__all__ = ["UNMET", "unmet_table"]

#: Columns of `plan.unmet`: text for people, then the change as it would be set.
UNMET = ["what", "id", "reason", "remedy", "setting", "value", "unit_id", "shift"]


def unmet_table(places, crew, travel, visits, shifted, staffed, owed, params) -> pd.DataFrame:
    """What could not be done.

    Parameters
    ----------
    visits, owed : int (places,)
        Visits made, and compulsory visits that could not be.
    shifted : list, one a shift
        `(case, routes)` or None.
    """
    rows = []

    def add(what, name, code, *, setting="", value=None, unit_id="", shift=0, before=None, **more):
        values = {"value": value, "unit_id": unit_id, "shift": int(shift), **more}
        reason, remedy = (Note(f"patrol.{part}.{code}", **values) for part in ("reason", "remedy"))
        if before is not None:  # compulsory visits that fail for a reason of their own
            reason = Note("patrol.before_reason", made=before[0], wanted=before[1], reason=reason)
        number = np.nan if value is None else float(value)
        rows.append((what, name, reason, remedy, setting, number, unit_id, int(shift)))

    for post in staffed[~staffed["met"].astype(bool)].itertuples(index=False):
        lack = int(post.staff - post.assigned)
        add("post", post.post_id, "post", setting="officers", value=lack, staff=post.staff, assigned=post.assigned)
    for u in travel.stranded:
        add("unit", crew.unit_id[u], "depot", setting="max_snap_m", value=_how_far(travel, crew.depot[u]))
    if not len(crew.unit_id):
        add("unit", "all", "nobody", setting="units", value=1)
    duty = crew.window[:, 1] - crew.window[:, 0] - crew.pause[:, 0]
    ids, service = places["place_id"].to_numpy(), places["visit_s"].to_numpy()
    wanted, prize = places["must_visits"].to_numpy(), places["prize"].to_numpy()
    on = np.isfinite(np.diagonal(travel.between, axis1=1, axis2=2)).any(axis=0)
    for p in np.flatnonzero((visits == 0) | (owed > 0)):
        what = "street" if places["street"].iloc[p] else "place"
        alone = (travel.out[:, p] + service[p] + travel.back[:, p]) if len(crew.unit_id) else np.array([np.inf])
        made = int(wanted[p] - owed[p])
        before = (made, int(wanted[p])) if owed[p] > 0 else None
        if not on[p]:
            limit = max(getattr(n, "max_snap_m", 0.0) for n in travel.networks)
            value = _how_far(travel, travel.points[p])
            add(what, ids[p], "off", setting="max_snap_m", value=value, limit=f"{limit:g}", before=before)
        elif not len(crew.unit_id):
            add(what, ids[p], "no_unit", setting="units", value=1, before=before)
        elif not np.isfinite(alone).any():
            add(what, ids[p], "kind", before=before)
        elif (alone > duty + 1e-6).all():
            u = int(np.argmin(alone - duty))
            whole = (crew.window[u, 1] + alone[u] - duty[u]) / 3600  # the hour at which the best-placed unit is done
            hours = np.ceil(round(whole * 100, 6)) / 100
            minutes = f"{alone[u] / 60:.0f}"
            add(
                what,
                ids[p],
                "far",
                setting="shift_h",
                value=hours,
                unit_id=crew.unit_id[u],
                minutes=minutes,
                before=before,
            )
        elif prize[p] == 0 and owed[p] == 0:
            add(what, ids[p], "worthless", setting="must_visits", value=1)
        elif owed[p] > 0 and (shifts := _shifts_for(wanted[p], service[p], crew, params)) > params["shifts"]:
            add(what, ids[p], "often", setting="shifts", value=shifts, made=made, wanted=int(wanted[p]))
        else:
            more, u, s = _least_more(p, shifted)
            needed = max(1, int(np.ceil(more / 60 - 1e-9)))
            who = crew.unit_id[u]
            if owed[p] > 0:
                add(
                    what,
                    ids[p],
                    "owed",
                    setting="end_h",
                    value=needed,
                    unit_id=who,
                    shift=s + 1,
                    made=made,
                    wanted=int(wanted[p]),
                )
            else:
                add(what, ids[p], "time", setting="must_visits", value=1, unit_id=who, shift=s + 1, minutes=needed)
    table = pd.DataFrame(rows, columns=UNMET)
    for column, at in (("reason", 2), ("remedy", 3)):  # Notes, which a column of plain text would flatten
        table[column] = pd.Series([row[at] for row in rows], dtype=object)
    return table


def _how_far(travel, point) -> int:
    """How large max_snap_m would have to be, metres."""
    far = [net.distance_m([tuple(point)])[0] for net in travel.networks if hasattr(net, "distance_m")]
    return int(np.floor(min(far))) + 1 if far else 0


def _shifts_for(wanted, service, crew, params) -> int:
    """The least number of shifts in which the time between visits allows so many, whoever makes them."""
    begin, end = crew.window[:, 0].min(), crew.window[:, 1].max()
    gap = np.inf if params["revisit_h"] is None else params["revisit_h"] * 3600
    done, free = 0, -np.inf
    for shift in range(1, 10_000):
        t = max(begin, free)
        while t + service <= end + 1e-6:
            done += 1
            t += service + gap
            free = t
        if done >= wanted:
            return shift
        free = -np.inf if params["revisit_h"] is None else free - params["shift_every_h"] * 3600
    return 10_000


def _least_more(p, shifted) -> tuple[float, int, int]:
    """Seconds that the best-placed unit would have to stay longer for one more visit; which unit, in which shift."""
    best = (np.inf, 0, 0)
    for s, found in enumerate(shifted):
        if found is not None:
            more, u = _longer(*found, p)
            best = min(best, (more, int(u), s))
    return best


@njit(cache=True, nogil=True)
def _longer(case, routes, place):
    """The least delay of a unit's end that lets one more visit in, by the clock of the plan itself; and the unit."""
    best, who = np.inf, 0
    for u in range(len(case.kind)):
        if routes.count[u] >= routes.seq.shape[1]:
            continue
        limit = case.window[u, 1]
        case.window[u, 1] = limit + 1e6
        seq, arrive, n = routes.seq[u].copy(), routes.arrive[u].copy(), routes.count[u]
        end, pause = routes.end[u], routes.pause_after[u]
        for i in range(n + 1):
            routes.visits[:] = 0
            for v in range(len(case.kind)):
                load_route(routes, v)
            unload_route(routes, u)
            for j in range(n, i, -1):
                routes.seq[u, j] = seq[j - 1]
            routes.seq[u, i] = place
            routes.count[u] = n + 1
            if clock_route(case, routes, u) and routes.end[u] - limit < best:
                best, who = routes.end[u] - limit, u
            routes.seq[u], routes.arrive[u], routes.count[u] = seq, arrive, n
            routes.end[u], routes.pause_after[u] = end, pause
        case.window[u, 1] = limit
    return best, who
