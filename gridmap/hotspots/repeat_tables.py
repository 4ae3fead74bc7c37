"""What a near-repeat test answers with: tables of bands, and which event began or followed.

Source: Johnson et al. 2007; Ratcliffe & Rengert 2008.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from gridmap.errors import SettingError
from gridmap.hotspots.repeat_pairs import close_pairs
from gridmap.hotspots.result import HotspotResult
from gridmap.hotspots.significance import adjust_p

__all__ = [
    "NEAR_REPEAT_TABLES",
    "NearRepeatResult",
    "band_tables",
    "breaks_from",
    "check_options",
    "link_used",
    "roles_of",
]

#: The tables of a near-repeat analysis, each of space bands × time bands.
NEAR_REPEAT_TABLES = (
    *("observed", "expected_mean", "expected_median", "ratio_mean", "ratio_median", "p_value", "q_value"),
)


@dataclass(frozen=True)
class NearRepeatResult(HotspotResult):
    """A table of space bands × time bands, and which event began or followed.

    Attributes
    ----------
    observed : DataFrame of int, space bands × time bands
        Pairs of events, each pair once.
    expected_mean, expected_median : DataFrame
        Over the permutations.
    ratio_mean, ratio_median : DataFrame
        observed / expected; nan where both are 0, inf where only the expected is.
    p_value : DataFrame
        (1 + permutations with as many pairs or more) / (1 + permutations).
    q_value : DataFrame
        p adjusted for the number of bands (Benjamini & Hochberg).
    members : DataFrame
        One row an event: its id (or index label) and `role`.
    """

    observed: pd.DataFrame = field(default_factory=pd.DataFrame)
    expected_mean: pd.DataFrame = field(default_factory=pd.DataFrame)
    expected_median: pd.DataFrame = field(default_factory=pd.DataFrame)
    ratio_mean: pd.DataFrame = field(default_factory=pd.DataFrame)
    ratio_median: pd.DataFrame = field(default_factory=pd.DataFrame)
    p_value: pd.DataFrame = field(default_factory=pd.DataFrame)
    q_value: pd.DataFrame = field(default_factory=pd.DataFrame)

    def _repr_html_(self) -> str:
        shown = self.ratio_mean.round(2).astype(str) + " (p " + self.p_value.round(3).astype(str) + ")"
        return shown.to_html()


def breaks_from(values, name: str) -> np.ndarray:
    """Rising finite edges, or a SettingError that names the option."""
    try:
        breaks = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        breaks = np.empty(0)
    if breaks.ndim != 1 or len(breaks) < 2 or not np.isfinite(breaks).all() or (np.diff(breaks) <= 0).any():
        raise SettingError(f"{name} is a rising list of two or more numbers, as in [0, 100, 200]; found {values!r}.")
    return breaks


def check_options(metric: str, closed: str, space: np.ndarray) -> None:
    """Refuse an unknown metric or closure, and distances that look like degrees."""
    if not isinstance(metric, str) or metric not in ("euclidean", "manhattan"):
        raise SettingError(f"metric is 'euclidean' or 'manhattan'; found {metric!r}.")
    if not isinstance(closed, str) or closed not in ("right", "left"):
        raise SettingError(f"closed is 'right' or 'left'; found {closed!r}.")
    if space[0] < 0:
        raise SettingError(f"space_breaks_m are distances of 0 or more; found {space[0]:g}.")
    if space[-1] < 1:
        raise SettingError(f"space_breaks_m ends at {space[-1]:g}, which looks like degrees; distances are in metres.")


def _bands(breaks: np.ndarray, closed: str) -> list[str]:
    """Words for bands, as in "[0, 7]" and "(7, 14]"."""
    pairs = [(f"{a:g}", f"{b:g}") for a, b in pairwise(breaks)]
    if closed == "left":
        return [f"[{a}, {b})" for a, b in pairs]
    return [f"{'(' if k else '['}{a}, {b}]" for k, (a, b) in enumerate(pairs)]


def band_tables(observed, chance, space, when, closed) -> dict[str, pd.DataFrame]:
    """Observed pairs beside those of the permutations, as frames with the bands in words."""
    rows = pd.Index(_bands(space, closed), name="distance_m")
    columns = pd.Index(_bands(when, closed), name="days")
    mean, median = chance.mean(axis=0), np.median(chance, axis=0)
    p = (1 + (chance >= observed).sum(axis=0)) / (1 + len(chance))
    with np.errstate(divide="ignore", invalid="ignore"):
        arrays = {
            "observed": observed,
            "expected_mean": mean,
            "expected_median": median,
            "ratio_mean": observed / mean,
            "ratio_median": observed / median,
            "p_value": p,
            "q_value": adjust_p(p.ravel()).reshape(p.shape),
        }
    return {name: pd.DataFrame(values, rows, columns) for name, values in arrays.items()}


def link_used(link, p: np.ndarray, space: np.ndarray, when: np.ndarray) -> tuple[float, float] | None:
    """The distance and the days within which a later event repeats an earlier one."""
    if link is not None:
        try:
            far, late = (float(v) for v in link)
        except (TypeError, ValueError):
            far = late = np.nan
        if not (far >= 0 and late >= 0 and np.isfinite([far, late]).all()):
            raise SettingError(f"link is (distance_m, days), both 0 or more; found {link!r}.")
        return far, late
    more = p <= 0.05
    sizes = [(i * j, i, j) for i in range(1, len(space)) for j in range(1, len(when)) if more[:i, :j].all()]
    if not sizes:
        return None
    _, i, j = max(sizes)
    return float(space[i]), float(when[j])


def roles_of(xy: np.ndarray, days: np.ndarray, link, metric: str) -> np.ndarray:
    """Which events followed another within the link, at its place or near it, and which only began."""
    roles = np.full(len(xy), "none", dtype=object)
    if link is None:
        return roles
    edges = np.array([np.nextafter(0.0, -1.0), link[0]])
    a, b, _, distance = close_pairs(xy, None, edges, metric)
    close = np.abs(days[a] - days[b]) <= link[1]
    a, b, distance = a[close], b[close], distance[close]
    swap = (days[b] < days[a]) | ((days[b] == days[a]) & (b < a))
    early, late = np.where(swap, b, a), np.where(swap, a, b)
    roles[early] = "originator"
    roles[late] = "near repeat"
    roles[late[distance <= 1]] = "repeat"
    return roles
