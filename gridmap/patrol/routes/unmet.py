# ruff: noqa: E501 - a sentence and its translation stand side by side
"""What a plan could not do, why, and the smallest change that would allow it.

Wishes can contradict each other: posts that need more officers than there are, a place far from every street, a drive
longer than the shift. None of them is an error; each is answered with what is missing and with the least that would
have to change, so that whoever decides can decide. The least is counted from the plan as it stands: the minutes that
one named unit would have to stay longer, with every other visit where it is.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numba import njit

from gridmap.errors import SettingError
from gridmap.messages import did_you_mean
from gridmap.patrol.routes.schedule import clock_route, load_route, unload_route

__all__ = ["UNMET", "say_unmet", "unmet_table"]

#: Columns of `plan.unmet`: text for people, then the change as it would be set.
UNMET = ["what", "id", "reason", "remedy", "setting", "value", "unit_id", "shift"]

#: Code → (reason, remedy) in English, then in Chinese.
SENTENCES: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "post": (("needs {staff} officers; {assigned} are left for it", "{value} more {officers}, or a minimum of {assigned}"),
             ("需要 {staff} 名警力，只剩 {assigned} 名", "增加 {value} 名警力，或将最低警力定为 {assigned}")),
    "depot": (("its depot reaches no place on the network", "max_snap_m={value}, or move the depot to a street"),
              ("驻地不在路网上，到不了任何点位", "max_snap_m={value}，或将驻地移到道路旁")),
    "nobody": (("every unit stands at a compulsory post; nobody is left to patrol", "1 more unit"),
               ("所有单元都在必守岗位，无人巡逻", "增加 1 个单元")),
    "no unit": (("nobody is left to patrol", "1 more unit"), ("无人可派", "增加 1 个单元")),
    "off": (("off the network: no street within {limit} m", "max_snap_m={value}, or move the point to a street"),
            ("不在路网上：{limit} 米内没有道路", "max_snap_m={value}，或将该点移到道路旁")),
    "kind": (("no unit's kind or depot reaches it", "a unit that can get there"), ("现有单元类型或驻地都到不了", "派能到达的单元")),
    "far": (("the drive and the visit take {minutes} min, more than the shift", "a shift of at least {value} h"),
            ("路程加驻留需 {minutes} 分钟，超过班次", "班次至少 {value} 小时")),
    "worthless": (("its prize is 0 in every shift, so a visit earns nothing", "a prize above 0, or must_visits"),
                  ("各班次得分均为 0，去也无益", "得分大于 0，或设 must_visits")),
    "time": (("no time left for it", "must_visits=1 in place of other visits, or {minutes} more min of {unit_id} in shift {shift}, or 1 more unit"),
             ("没有剩余时间", "设 must_visits=1 以取代其他访问，或 {unit_id} 第 {shift} 班延长 {minutes} 分钟，或增加 1 个单元")),
    "owed": (("{made} of {asked} compulsory visits made; no time left for it", "{value} more min of {unit_id} in shift {shift} for the next visit, or 1 more unit"),
             ("必访 {asked} 次，只安排 {made} 次；没有剩余时间", "{unit_id} 第 {shift} 班延长 {value} 分钟可再访一次，或增加 1 个单元")),
    "often": (("{made} of {asked} compulsory visits made; the time between visits allows no more", "shifts={value}, or {made} visits"),
              ("必访 {asked} 次，只安排 {made} 次；回访间隔不允许更多", "shifts={value}，或改为 {made} 次")),
}  # fmt: skip


def say_unmet(plan, language: str = "en") -> pd.DataFrame:
    """`plan.unmet` with reason and remedy in a language.

    Parameters
    ----------
    plan : PatrolPlan
    language : "en" or "zh"

    Returns
    -------
    DataFrame
        The same rows and columns.
    """
    if language not in ("en", "zh"):
        raise SettingError(f"language={language!r} is not known. {did_you_mean(language, ('en', 'zh'))}")
    table, facts = plan.unmet.copy(), plan.unmet.attrs.get("facts", [])
    if len(facts) == len(table) and len(table):
        said = [_say(code, values, language) for code, values in facts]
        table["reason"], table["remedy"] = [a for a, _ in said], [b for _, b in said]
    return table


def _say(code, values, language):
    values = {**values, "officers": "officer" if values.get("value") == 1 else "officers"}
    reason, remedy = (text.format(**values) for text in SENTENCES[code][language == "zh"])
    before = values.get("before")
    if before is not None:  # compulsory visits that fail for a reason of their own
        said = "必访 {1} 次，只安排 {0} 次；" if language == "zh" else "{0} of {1} compulsory visits made; "
        reason = said.format(*before) + reason
    return reason, remedy


def unmet_table(places, crew, travel, visits, shifted, staffed, owed, params) -> pd.DataFrame:
    """What could not be done.

    Parameters
    ----------
    visits, owed : int (places,)
        Visits made, and compulsory visits that could not be.
    shifted : list, one a shift
        `(case, routes)` or None.
    """
    rows, facts = [], []

    def tell(what, name, code, *, setting="", value=None, unit_id="", shift=0, **more):
        values = {"value": value, "unit_id": unit_id, "shift": shift, **more}
        number = np.nan if value is None else float(value)
        rows.append((what, name, *_say(code, values, "en"), setting, number, unit_id, int(shift)))
        facts.append((code, values))

    for post in staffed[~staffed["met"].astype(bool)].itertuples(index=False):
        lack = int(post.staff - post.assigned)
        tell("post", post.post_id, "post", setting="officers", value=lack, staff=post.staff, assigned=post.assigned)
    for u in travel.stranded:
        tell("unit", crew.unit_id[u], "depot", setting="max_snap_m", value=_how_far(travel, crew.depot[u]))
    if not len(crew.unit_id):
        tell("unit", "all", "nobody", setting="units", value=1)
    duty = crew.window[:, 1] - crew.window[:, 0] - crew.pause[:, 0]
    ids, service = places["place_id"].to_numpy(), places["visit_s"].to_numpy()
    asked, prize = places["must_visits"].to_numpy(), places["prize"].to_numpy()
    on = np.isfinite(np.diagonal(travel.between, axis1=1, axis2=2)).any(axis=0)
    for p in np.flatnonzero((visits == 0) | (owed > 0)):
        what = "street" if places["street"].iloc[p] else "place"
        alone = (travel.out[:, p] + service[p] + travel.back[:, p]) if len(crew.unit_id) else np.array([np.inf])
        made = int(asked[p] - owed[p])
        before = (made, int(asked[p])) if owed[p] > 0 else None
        if not on[p]:
            limit = max(getattr(n, "max_snap_m", 0.0) for n in travel.networks)
            value = _how_far(travel, travel.points[p])
            tell(what, ids[p], "off", setting="max_snap_m", value=value, limit=f"{limit:g}", before=before)
        elif not len(crew.unit_id):
            tell(what, ids[p], "no unit", setting="units", value=1, before=before)
        elif not np.isfinite(alone).any():
            tell(what, ids[p], "kind", before=before)
        elif (alone > duty + 1e-6).all():
            u = int(np.argmin(alone - duty))
            whole = (crew.window[u, 1] + alone[u] - duty[u]) / 3600  # the hour at which the best-placed unit is done
            hours = np.ceil(round(whole * 100, 6)) / 100
            minutes = f"{alone[u] / 60:.0f}"
            tell(
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
            tell(what, ids[p], "worthless", setting="must_visits", value=1)
        elif owed[p] > 0 and (shifts := _shifts_for(asked[p], service[p], crew, params)) > params["shifts"]:
            tell(what, ids[p], "often", setting="shifts", value=shifts, made=made, asked=int(asked[p]))
        else:
            more, u, s = _least_more(p, shifted)
            minutes = max(1, int(np.ceil(more / 60 - 1e-9)))
            who = crew.unit_id[u]
            if owed[p] > 0:
                tell(
                    what,
                    ids[p],
                    "owed",
                    setting="end_h",
                    value=minutes,
                    unit_id=who,
                    shift=s + 1,
                    made=made,
                    asked=int(asked[p]),
                )
            else:
                tell(what, ids[p], "time", setting="must_visits", value=1, unit_id=who, shift=s + 1, minutes=minutes)
    table = pd.DataFrame(rows, columns=UNMET)
    table.attrs["facts"] = facts
    return table


def _how_far(travel, point) -> int:
    """How large max_snap_m would have to be, metres."""
    far = [net.distance_m([tuple(point)])[0] for net in travel.networks if hasattr(net, "distance_m")]
    return int(np.floor(min(far))) + 1 if far else 0


def _shifts_for(asked, service, crew, params) -> int:
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
        if done >= asked:
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
