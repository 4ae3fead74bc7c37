"""Did it work, did it only move, or would it have fallen anyway?

A measure is judged by what happened where it was taken against what happened where it was not. Four questions follow
each other, and each has its own number:

- *Did it fall by more than elsewhere?* The weighted displacement difference (counts) and the ratio of ratios of a
  Poisson difference in differences, with the variation of periods and areas beyond counting error and with serial
  correlation; a synthetic control where the history is long enough.
- *Did it only move?* The same for the bands around the treated area, the displacement quotient, and the net effect.
- *Would it have fallen anyway?* An area named because of its peak falls back whatever is done. How far, is estimated
  from all areas that could have been named (empirical Bayes), and the expected fall stands beside the seen one.
- *Could it have been seen at all?* The smallest fall that counts such as these would show.

Source: Wheeler & Ratcliffe 2018; Bowers & Johnson 2003; Guerette 2009; Abadie, Diamond & Hainmueller 2010; Hauer 1997.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note

__all__ = ["WeightedDisplacementDifference", "displacement_quotient", "weighted_displacement_difference"]

Pair = Sequence[float]


# --------------------------------------------------------------------------------------------------
# the weighted displacement difference, and the quotient


@dataclass(frozen=True)
class WeightedDisplacementDifference:
    """How many fewer (negative) or more events than the control areas let one expect, displacement counted in.

    Attributes
    ----------
    estimate : float
        Events, or harm where the kinds were weighted.
    variance : float
        Of `estimate`, every count taken as Poisson.
    local, displaced : float
        The two parts of `estimate`: of the treated area, and of the area around it.
    confidence : float
        Of `interval`.
    kinds : DataFrame or None
        With harm weights, one row a kind: `estimate, variance, weight`.
    """

    estimate: float
    variance: float
    local: float
    displaced: float
    confidence: float = 0.9
    kinds: pd.DataFrame | None = field(default=None, compare=False)

    @property
    def standard_error(self) -> float:
        """Square root of the variance."""
        return float(np.sqrt(self.variance))

    @property
    def z_score(self) -> float:
        """Estimate in standard errors; nan where all counts are 0."""
        return self.estimate / self.standard_error if self.variance else float("nan")

    @property
    def p_value(self) -> float:
        """Two-sided, by the normal distribution."""
        return float(2 * stats.norm.sf(abs(self.z_score)))

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end at `confidence`."""
        return self.interval_at(self.confidence)

    def interval_at(self, confidence: float) -> tuple[float, float]:
        """Lower and upper end at another confidence, such as 0.95."""
        half = float(stats.norm.ppf((1 + _share(confidence, "confidence")) / 2)) * self.standard_error
        return self.estimate - half, self.estimate + half

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"<WeightedDisplacementDifference {self.estimate:,.1f}, standard error {self.standard_error:,.1f}, "
            f"{self.confidence:.0%} interval {low:,.1f} to {high:,.1f}>"
        )


def _share(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < float(value) < 1:
        raise SettingError(Note("governance.share", name=name, found=str(value)))
    return float(value)


def _pair(value: Any, name: str) -> np.ndarray:
    try:
        pair = np.asarray(value, float)
    except (TypeError, ValueError):
        pair = np.array([])
    if pair.shape != (2,) or not np.isfinite(pair).all() or (pair < 0).any():
        raise InputError(Note("governance.pair", name=name, found=str(value)))
    return pair


def weighted_displacement_difference(
    treated: Any,
    control: Any,
    displacement_treated: Any = None,
    displacement_control: Any = None,
    *,
    exposure: Pair = (1, 1),
    harm: Mapping[str, float] | None = None,
    confidence: float = 0.9,
) -> WeightedDisplacementDifference:
    """Change in the treated area less change in the control area, with the areas around both.

    (treated after − before) − (control after − before) + (around treated after − before) − (around control after −
    before). Counts are taken as Poisson, so the variance is the sum of them all.

    Parameters
    ----------
    treated, control : (before, after)
        Events in the treated and in a comparable area; with `harm`, a mapping kind → (before, after).
    displacement_treated, displacement_control : (before, after), optional
        Events in the areas to which they may have moved, around the treated and around the control area.
    exposure : (before, after)
        Lengths of the two times, where they differ: (2, 1) for two years before and one after. Counts are divided by
        them, so the estimate is per unit of time.
    harm : mapping, optional
        Kind → weight (sentence days, costs); the answer is then in that unit.
    confidence : float
        Of `interval`; 0.9 as in the authors' own tool. `interval_at(0.95)` gives another.

    Returns
    -------
    WeightedDisplacementDifference
        `.estimate`, `.standard_error`, `.interval`, `.variance`, `.z_score`, `.p_value`.

    Raises
    ------
    InputError
        A pair that is not two numbers of 0 or more; a kind that one of the areas lacks.

    Examples
    --------
    >>> weighted_displacement_difference(treated=(207, 110), control=(308, 318),
    ...     displacement_treated=(178, 157), displacement_control=(150, 140))
    <WeightedDisplacementDifference -118.0, standard error 39.6, 90% interval -183.1 to -52.9>
    >>> weighted_displacement_difference(treated=(20, 10), control=(20, 20))
    <WeightedDisplacementDifference -10.0, standard error 8.4, 90% interval -23.8 to 3.8>

    References
    ----------
    Wheeler & Ratcliffe (2018), Crime Science 7:11. Wheeler (2021), on harm weights and unequal times.
    """
    given = {
        "treated": treated,
        "control": control,
        "displacement_treated": displacement_treated,
        "displacement_control": displacement_control,
    }
    given = {name: value for name, value in given.items() if value is not None}
    _share(confidence, "confidence")
    if harm is None:
        local, displaced, variance = _wdd_parts(given, exposure)
        return WeightedDisplacementDifference(local + displaced, variance, local, displaced, confidence)
    rows = []
    for kind, weight in harm.items():
        own = {}
        for name, value in given.items():
            if not isinstance(value, Mapping) or kind not in value:
                raise InputError(Note("governance.harm_kind", kind=str(kind), name=name))
            own[name] = value[kind]
        rows.append((kind, *_wdd_parts(own, exposure), float(weight)))
    kinds = pd.DataFrame(rows, columns=["kind", "local", "displaced", "variance", "weight"]).set_index("kind")
    kinds.insert(0, "estimate", kinds["local"] + kinds["displaced"])
    weights = kinds["weight"]
    local, displaced = (float((kinds[c] * weights).sum()) for c in ("local", "displaced"))
    return WeightedDisplacementDifference(
        local + displaced, float((kinds["variance"] * weights**2).sum()), local, displaced, confidence, kinds
    )


def _wdd_parts(given: Mapping[str, Any], exposure: Pair) -> tuple[float, float, float]:
    """Local and displaced difference, and their variance."""
    length = _pair(exposure, "exposure")
    if (length == 0).any():
        raise InputError(Note("governance.pair", name="exposure", found=str(exposure)))
    pairs = {name: _pair(value, name) for name, value in given.items()}
    change = {name: float(np.diff(pair / length)[0]) for name, pair in pairs.items()}
    local = change["treated"] - change["control"]
    displaced = change.get("displacement_treated", 0.0) - change.get("displacement_control", 0.0)
    return local, displaced, float(sum((pair / length**2).sum() for pair in pairs.values()))


def displacement_quotient(target: Pair, buffer: Pair, control: Pair) -> pd.Series:
    """The weighted displacement quotient: what happened around the target in proportion to what happened in it.

    Parameters
    ----------
    target, buffer, control : (before, after)
        Events.

    Returns
    -------
    Series
        `quotient` (above 0 benefits spread, above 1 by more than the effect itself; 0 to −1 some moved; below −1 more
        moved than was gained), `success` (target / control after − before; below 0 the target did better), `buffer`
        (the same around it), `gross` (fewer in the target), `net` (−success), `total_net` (fewer in target and buffer
        than the control lets one expect). `quotient` is nan where the target did not do better: it then has no
        meaning.

    Raises
    ------
    InputError
        A control without events before or after.

    Examples
    --------
    >>> displacement_quotient((207, 110), (178, 157), (308, 318)).round(3).to_dict()
    {'quotient': 0.258, 'success': -0.326, 'buffer': -0.084, 'gross': 97.0, 'net': 0.326, 'total_net': 130.5}

    References
    ----------
    Bowers & Johnson (2003), J. Quantitative Criminology 19, 275–301. Guerette (2009), POP Center tool guide 10.
    """
    a, b, c = _pair(target, "target"), _pair(buffer, "buffer"), _pair(control, "control")
    if (c == 0).any():
        raise InputError(Note("governance.quotient_control", found=str(tuple(c.tolist()))))
    success, around = float(a[1] / c[1] - a[0] / c[0]), float(b[1] / c[1] - b[0] / c[0])
    trend = c[1] / c[0]
    return pd.Series(
        {
            "quotient": around / success if success < 0 else float("nan"),
            "success": success,
            "buffer": around,
            "gross": float(a[0] - a[1]),
            "net": -success,
            "total_net": float(a[0] * trend - a[1] + b[0] * trend - b[1]),
        }
    )
