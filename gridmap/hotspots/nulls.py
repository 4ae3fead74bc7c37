"""Beyond what? The null that a result's claims name, and whether it may claim at all.

"Hot" is short for "more than …": than the residents explain, than if all land were alike, than last year's pattern,
than if dates were shuffled. A result carries the code of its null (`params["null"]`, or its method's), and every
sentence, legend and paper takes the words from here. Which null a method has, and from how many expected incidents on
its p holds, the registry says, and from which nulls its claim is withdrawn because it left its band in
docs/calibration.md. A test that is known not to hold for the numbers at hand (the normal p of Gi* where fewer than 100
incidents are expected in a neighbourhood, or counts are skewed) has no null: it may be drawn and ranked, and claims
nothing.
"""

from typing import Any

import numpy as np

from gridmap.hotspots.registry import what_it_draws
from gridmap.messages import Note, known

__all__ = ["TRUSTED_INCIDENTS", "may_claim", "normal_fits", "null_of"]

TRUSTED_INCIDENTS = 100  # expected in a cell and its neighbours; measured by benchmarks/gi_star_calibration.py

SKEWNESS_BY_CHANCE = 0.1  # of some thousand cells, two standard errors

#: Results of no method of the registry → their null.
OF_OTHERS = {"street_hotspots": "length"}


def null_of(result: Any) -> Note | None:
    """What a result's findings are more than, as words; None where it may claim nothing.

    Parameters
    ----------
    result
        With `method` and `params`: a HotspotResult, GlobalResult or NearRepeatResult.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> from gridmap.hotspots.gi_star import getis_ord
    >>> line = sparse.diags_array([np.ones(9), np.ones(9)], offsets=[-1, 1])
    >>> counts = np.array([20, 25, 20, 3, 2, 1, 2, 3, 2, 1])
    >>> null_of(getis_ord(counts, line)) is None  # the normal p, with 22 expected
    True
    >>> null_of(getis_ord(counts, line, inference="exact"))
    'if the counts were shuffled among the cells'
    """
    if not _holds(result):
        return None
    params = result.params
    method = what_it_draws(result.method)
    code = params.get("null") or (method.null if method else OF_OTHERS.get(result.method))
    if method is not None and code in method.withdrawn:  # measured not to hold: docs/calibration.md
        return None
    if code == "no_change" and params.get("against") == "territory":
        code = "territory_change"
    code = str(code or "").removesuffix("_strict") if params.get("strict") is not True else "ordinary"
    if not known(f"null.{code}"):
        return None
    what = str(params.get("at_risk") or params.get("population") or "")
    named = f"governance.per_{what}"  # the usual columns have names in each language
    return Note(f"null.{code}", what=Note(named) if code == "at_risk" and known(named) else what)


def may_claim(result: Any) -> bool:
    """Whether what a result found may stand in a sentence, a legend or a paper as found."""
    return null_of(result) is not None


def normal_fits(values: np.ndarray, around: float) -> bool:
    """Whether sums of so many shuffled values are as symmetric as Poisson counts of `TRUSTED_INCIDENTS` are.

    That many expected incidents are enough only where counts differ as Poisson counts do. Where a few cells hold most
    of them, sums of neighbours stay skewed however large they are, and the normal p calls too many cells hot
    (docs/calibration.md). The skewness of a sum of n values is theirs over √n; a Poisson count's is 1 over the root of
    what is expected.

    Parameters
    ----------
    values : ndarray of float
        One a cell.
    around : float
        How many cells are summed.

    Examples
    --------
    >>> even = np.random.default_rng(0).poisson(200, 1000)
    >>> normal_fits(even, 7), normal_fits(np.where(np.arange(1000) % 50, even, 4000), 7)
    (True, False)
    """
    away = values - values.mean()
    spread = float(np.sqrt((away**2).mean()))
    skewness = float((away**3).mean()) / spread**3 if spread > 0 else 0.0
    return bool(abs(skewness) <= np.sqrt(around / TRUSTED_INCIDENTS) + SKEWNESS_BY_CHANCE)


def _holds(result: Any) -> bool:
    """Whether the p-values are known to hold for these numbers, by what the registry says of the method."""
    method, params = what_it_draws(result.method), result.params
    if params.get("kind") == "crosswalked":  # shares of one coarse cell are alike, whatever happened there
        return False
    strict_up_to = method.strict_up_to if method is not None and params.get("strict") is True else None
    if strict_up_to is not None and (params.get("rate_spread") or 0.0) > strict_up_to:  # nan where nothing was hot
        return False
    if method is None or method.trusted_from is None:
        return True
    if params.get("inference", "normal") != "normal" or params.get("permutations"):
        return True
    if params.get("normal_fits") is False:
        return False
    if "expected_around" not in params and "permutations" not in params:
        return True  # a result made by hand, of which nothing else is known
    return (params.get("expected_around") or 0.0) >= method.trusted_from
