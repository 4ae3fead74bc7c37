"""Can a plan be guessed? What an onlooker who has watched all earlier shifts knows about the next one.

Visits work because nobody can tell when the next one comes (Koper 1995; Sherman & Weisburd 1995 had them at random).
A plan with habits can be waited out. So three guesses are made as an onlooker would make them, from the shifts before
alone, and held against guessing without having looked: where a unit begins, where a unit goes from here, and in which
half hour a place is safe from the police.

References
----------
Koper (1995), Justice Quarterly 12, 649–672. Sherman & Weisburd (1995), Justice Quarterly 12, 625–648.
Shannon (1948), Bell System Technical Journal 27, 379–423, for the entropy.
"""

import itertools
from collections import Counter

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.messages import Note
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.point_inputs import check_number

__all__ = ["FEAR_S", "SLOT_S", "Past", "plan_habits"]

#: Length of the slots in which the planner remembers visits.
SLOT_S = 1800.0
#: Seconds of detour that the search takes for an order that was not seen before.
FEAR_S = 600.0


class Past:
    """What an onlooker has seen so far: what followed what, and which place was visited when."""

    def __init__(self, places: int, seconds: float):
        self.follows = np.zeros((places + 1, places))
        self.when = np.zeros((places, max(1, int(np.ceil(seconds / SLOT_S)))))
        self.shifts = 0

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Share of the times that each place followed each other one, and share of the shifts that a slot was busy."""
        total = self.follows.sum(axis=1, keepdims=True)
        return self.follows / np.maximum(total, 1), self.when / max(1, self.shifts)

    def see(self, routes):
        """Another shift."""
        self.shifts += 1
        for u in range(len(routes.count)):
            before = len(self.when)
            for p, t in zip(routes.seq[u, : routes.count[u]], routes.arrive[u, : routes.count[u]], strict=True):
                self.follows[before, p] += 1
                self.when[p, min(self.when.shape[1] - 1, int(t / SLOT_S))] += 1
                before = p


def plan_habits(plan: PatrolPlan, *, slot_min: float = 30) -> pd.DataFrame:
    """How well the next shift can be guessed from those before.

    Parameters
    ----------
    plan : PatrolPlan
        Of two shifts or more; a week says more.
    slot_min : float
        Length of the slots in which a place is visited or not, minutes.

    Returns
    -------
    DataFrame, indexed by `guess`
        `first place` (of a unit), `next place` (after the one where a unit is), `quiet slot` (a slot of the shift in
        which a place is not visited): `tries`; `right`, the share of right guesses by who has watched all shifts
        before; `blind`, that of a guess that uses none of it: any visited place, any slot; `bits`, the entropy of what
        was guessed (of the next place: given the place before it), and `most`, the entropy if all were alike. A plan
        that cannot be guessed has `right` near `blind`, and `bits` near `most`.

    Raises
    ------
    InputError
        If the plan has fewer than two shifts with visits.

    Examples
    --------
    >>> import geopandas as gpd
    >>> from gridmap.patrol.routes.planner import plan_patrols
    >>> places = gpd.GeoDataFrame({"place_id": list("abcd"), "prize": 1.0}, crs=4326,
    ...     geometry=gpd.points_from_xy([-1.55, -1.54, -1.53, -1.52], [53.80] * 4))
    >>> plan = plan_patrols(places, None, units=1, shift_h=1, shifts=6, revisit_h=None, random_state=0, rounds=20)
    >>> plan_habits(plan).index.tolist()
    ['first place', 'next place', 'quiet slot']
    """
    if not isinstance(plan, PatrolPlan):
        raise InputError(Note("patrol.plan_needed", function="plan_habits", found=type(plan).__name__))
    slot_s = 60 * check_number(slot_min, "slot_min", least=1, most=24 * 60)
    shifts = [shift for _, shift in plan.stops.groupby("shift", sort=True)]
    if len(shifts) < 2:
        raise InputError(Note("patrol.few_shifts"))
    places = sorted(plan.stops["place_id"].unique())
    routes = [[r.sort_values("stop_order")["place_id"].tolist() for _, r in s.groupby("unit_id")] for s in shifts]
    first = [[("", route[0]) for route in day] for day in routes]
    later = [[pair for route in day for pair in itertools.pairwise(route)] for day in routes]
    table = pd.DataFrame(
        [_followed(first, len(places)), _followed(later, len(places)), _quiet(shifts, places, plan, slot_s)],
        index=pd.Index(["first place", "next place", "quiet slot"], name="guess"),
        columns=["tries", "right", "blind", "bits", "most"],
    )
    return table.astype({"tries": int})


def _followed(days, places):
    """Guess what follows what, by what followed it most often until yesterday."""
    seen: dict = {}
    tries = right = 0
    for n, day in enumerate(days):
        if n:
            for before, after in day:
                guess = seen[before].most_common(1)[0][0] if seen.get(before) else None
                tries += 1
                right += guess == after
        for before, after in day:
            seen.setdefault(before, Counter())[after] += 1
    total = sum(sum(c.values()) for c in seen.values())
    bits = (
        sum(sum(c.values()) * _entropy(np.array(list(c.values()))) for c in seen.values()) / total if total else np.nan
    )
    # with few sightings even pure chance shows little entropy: the most that so many sightings could show
    most = (
        sum(sum(c.values()) * np.log2(min(sum(c.values()), places)) for c in seen.values()) / total if total else np.nan
    )
    return tries, right / tries if tries else np.nan, 1 / max(1, places - 1), bits, most


def _quiet(shifts, places, plan, slot_s):
    """Guess a slot without a visit for each place: that with the fewest visits until yesterday."""
    slots = max(1, int(np.ceil(plan.params["shift_h"] * 3600 / slot_s)))
    at = {name: i for i, name in enumerate(places)}
    busy = np.zeros((len(shifts), len(places), slots), bool)
    for n, shift in enumerate(shifts):
        for stop in shift.itertuples():
            low, high = int(stop.arrive_s // slot_s), int((stop.leave_s - 1e-6) // slot_s)
            busy[n, at[stop.place_id], low : high + 1] = True
    tries = right = blind = 0.0
    for n in range(1, len(shifts)):
        visited = busy[n].any(axis=1)
        before = busy[:n].sum(axis=0)
        least = before == before.min(axis=1, keepdims=True)
        tries += visited.sum()
        right += ((~busy[n] & least).sum(axis=1) / least.sum(axis=1))[visited].sum()  # any of the slots that tie
        blind += (~busy[n]).mean(axis=1)[visited].sum()
    begins = np.zeros((len(places), slots))
    for shift in shifts:
        for stop in shift.itertuples():
            begins[at[stop.place_id], min(slots - 1, int(stop.arrive_s // slot_s))] += 1
    weight = begins.sum(axis=1)
    bits = float((weight * [_entropy(row) for row in begins]).sum() / weight.sum())
    most = float((weight * np.log2(np.minimum(weight, slots))).sum() / weight.sum())
    return tries, right / tries, blind / tries, bits, most


def _entropy(counts) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())
