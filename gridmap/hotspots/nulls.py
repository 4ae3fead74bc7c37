"""Beyond what? The null that a result's claims name, and whether it may claim at all.

"Hot" is short for "more than …": than the residents explain, than if all land were alike, than last year's pattern,
than if dates were shuffled. A result carries the code of its null (`params["null"]`, or its method's), and every
sentence, legend and paper takes the words from here. Which null a method has, and from how many expected incidents on
its p holds, the registry says, and from which nulls its claim is withdrawn because it left its band in
docs/calibration.md. A test that is known not to hold for the numbers at hand (the
normal p of Gi* where fewer than 100 incidents are expected in a neighbourhood) has no null: it may be drawn and ranked,
and claims nothing.
"""

from typing import Any

from gridmap.hotspots.registry import what_it_draws
from gridmap.messages import Note, known

__all__ = ["TRUSTED_INCIDENTS", "may_claim", "null_of"]

TRUSTED_INCIDENTS = 100  # expected in a cell and its neighbours; measured by benchmarks/gi_star_calibration.py

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
    if "expected_around" not in params and "permutations" not in params:
        return True  # a result made by hand, of which nothing else is known
    return (params.get("expected_around") or 0.0) >= method.trusted_from
