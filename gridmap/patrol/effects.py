"""Did it help? Incidents before and after, by the minutes that were really spent there.

A place that was patrolled and became quieter proves little where the whole town became quieter. So the change at the
places with visits is held against the change at those without: the weighted displacement difference without its
displacement part (Wheeler & Ratcliffe 2018), which asks for counts and nothing else, and has a known error. With the
log, places that were planned but never visited are told apart from those that were: effect by dose, not by intention.

References
----------
Wheeler & Ratcliffe (2018), Crime Science 7, 11.
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from gridmap.errors import InputError
from gridmap.patrol.logs import Dosage
from gridmap.patrol.points import check_number

__all__ = ["dosage_effect"]


def dosage_effect(dosage, counts: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Change of the incidents at places by the minutes that were spent there.

    Parameters
    ----------
    dosage : Dosage, or DataFrame indexed by place_id with `actual_min`
        As `compare_log` gives it.
    counts : DataFrame with `before, after`, indexed by place_id or with that column
        Incidents in two periods of equal length, the second with the patrols. Places without a planned visit belong
        in it too: they are what the others are held against.
    level : float
        Of the interval.

    Returns
    -------
    DataFrame, indexed by `dose`
        `none`, `less` and `more` minutes (parted at the median of those with any), and `any`: `places, minutes, before,
        after, change` (after − before), and against the places with none: `prevented` (incidents fewer than if they
        had changed by as many; negative: more), `low, high` (its interval), `p_value` (two-sided).
        With no place of dose `none` these are nan.

    Raises
    ------
    InputError
        If a place stands twice, or a count is missing or negative.

    Examples
    --------
    >>> done = pd.DataFrame({"actual_min": [60.0, 120.0]}, index=pd.Index(["a", "b"], name="place_id"))
    >>> counts = pd.DataFrame({"before": [20, 30, 25], "after": [12, 15, 26]}, index=["a", "b", "c"])
    >>> dosage_effect(done, counts)["prevented"].tolist()
    [nan, 9.0, 16.0, 24.0]
    """
    level = check_number(level, "level", most=0.9999)
    table = dosage.places if isinstance(dosage, Dosage) else dosage
    if not isinstance(table, pd.DataFrame) or "actual_min" not in table:
        raise InputError("dosage is what compare_log gives, or a frame by place_id with actual_min.")
    if not isinstance(counts, pd.DataFrame):
        raise InputError(f"counts is a frame with before and after, a row a place; found a {type(counts).__name__}.")
    counts = counts.set_index("place_id") if "place_id" in counts else counts
    missing = [c for c in ("before", "after") if c not in counts]
    if missing:
        raise InputError(
            f"counts lacks the columns {', '.join(missing)}; it has {', '.join(map(str, counts.columns))}."
        )
    counts = counts.set_axis(counts.index.astype(str))[["before", "after"]].apply(pd.to_numeric, errors="coerce")
    if not counts.index.is_unique or not np.isfinite(counts.to_numpy(float)).all() or (counts < 0).to_numpy().any():
        raise InputError("counts needs one row a place, with before and after of 0 or more in each.")
    minutes = table["actual_min"].set_axis(table.index.astype(str)).reindex(counts.index).fillna(0.0)
    middle = minutes[minutes > 0].median()
    groups = {
        "none": minutes == 0,
        "less": (minutes > 0) & (minutes <= middle),
        "more": minutes > middle,
        "any": minutes > 0,
    }
    rows, z = [], norm.ppf(0.5 + level / 2)
    none = counts[groups["none"]].sum()
    for dose, mine in groups.items():
        before, after = counts.loc[mine, ["before", "after"]].sum()
        prevented, error = np.nan, np.nan
        if dose != "none" and groups["none"].any() and mine.any():
            prevented = (none["after"] - none["before"]) - (after - before)
            error = np.sqrt(before + after + none["before"] + none["after"])  # Poisson counts, independent
        p = 2 * norm.sf(abs(prevented) / error) if error > 0 else np.nan
        rows.append((dose, int(mine.sum()), float(minutes[mine].sum()), int(before), int(after), int(after - before),
                     prevented, prevented - z * error, prevented + z * error, p))  # fmt: skip
    columns = ["dose", "places", "minutes", "before", "after", "change", "prevented", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=columns).set_index("dose")
