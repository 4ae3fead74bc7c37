"""Per whom? Rates with several denominators at once, made comparable, and whether a rank depends on the choice.

A street with many floating workers has few events per head and many per registered household; a town looks bad beside
villages because towns are. So a rate is given per resident, per floating resident, per household, whatever there is, at
the same time, and standardised over strata (town and country, kinds of building, ages):

- *directly*: what the rate would be, had the unit the standard's mix of strata. It needs numbers in every stratum.
- *indirectly*: how many events there are for each one that the standard's rates let one expect. It holds for small
  units too.

Ranks are the first thing a meeting reads and the least certain. Each comes with the span it takes over redraws of the
counts; and where a unit's rank changes with the denominator, and does so in the redraws as well, a note says so.

Source: Fay & Feuer 1997; Ulm 1990; Breslow & Day 1987; Goldstein & Spiegelhalter 1996.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy

from gridmap._intervals import poisson_interval
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, SettingError
from gridmap.hotspots.significance import whole_number
from gridmap.messages import Note, did_you_mean, known
from gridmap.read.numbers import number_columns

__all__ = ["StandardisedRates", "standardised_rates"]


@dataclass(frozen=True, repr=False)
class StandardisedRates(ShortForm):
    """Rates of units with several denominators.

    Attributes
    ----------
    table : DataFrame indexed by (unit, per)
        `count, population`; `rate, low, high` (crude, exact interval); `direct, direct_low, direct_high` (Fay & Feuer;
        nan where the unit has nobody in a stratum of the standard); `expected, ratio, ratio_low, ratio_high`
        (indirect: count over expected, exact); `rank` by `ratio`, 1 the highest, with its span `rank_low, rank_high`.
    moved : DataFrame indexed by unit
        Units whose rank changes with the denominator by two places or more, the same way over redraws of the counts:
        `highest_per, rank_there, lowest_per, rank_here`; the largest change first.
    notes : tuple of Note
        A sentence for each of them.
    params : dict
    """

    table: pd.DataFrame
    moved: pd.DataFrame
    notes: tuple[Note, ...]
    params: dict[str, Any]

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        units, per = (self.table.index.get_level_values(i).nunique() for i in (0, 1))
        return f"StandardisedRates: {units:,} units, {per} denominators, {len(self.moved):,} ranks depend on them"


def standardised_rates(
    areas: pd.DataFrame,
    *,
    per: Sequence[str],
    count: str = "count",
    unit: str | None = None,
    stratum: str | None = None,
    scale: float = 1000,
    confidence: float = 0.95,
    draws: int = 1000,
    random_state: int | None = 0,
) -> StandardisedRates:
    """Rates of units per resident, per floating resident, per household …, standardised over strata.

    Parameters
    ----------
    areas : DataFrame
        One row an area, or an area and stratum; several rows of a unit and stratum are added up.
    per : list of str
        Columns with the denominators: residents, floating residents, households.
    count : str
        The column of events.
    unit : str, optional
        The column that names the units, such as the street; each row is a unit by default.
    stratum : str, optional
        The column over which is standardised, such as urban or rural. The standard is the whole of `areas`.
    scale : float
        Rates are per so many.
    confidence : float
    draws : int
        Redraws of the counts, for the spans of ranks.
    random_state : int

    Returns
    -------
    StandardisedRates

    Raises
    ------
    InputError
        A column that is not there, counts or denominators that are negative or missing, nobody at all.

    Examples
    --------
    >>> areas = pd.DataFrame({"street": ["A", "A", "B", "B"], "kind": ["town", "village"] * 2,
    ...     "count": [80, 10, 60, 40], "residents": [1000, 500, 1000, 2000], "households": [300, 200, 900, 600]})
    >>> found = standardised_rates(areas, per=["residents", "households"], unit="street", stratum="kind")
    >>> found.table.loc[("A", "residents"), ["rate", "direct", "ratio"]].round(2).tolist()
    [60.0, 46.67, 1.12]
    >>> found.table["rank"].tolist()
    [1.0, 1.0, 2.0, 2.0]

    References
    ----------
    Fay & Feuer (1997), Statistics in Medicine 16, 791–801. Ulm (1990), Am. J. Epidemiology 131, 373–375.
    Goldstein & Spiegelhalter (1996), JRSS A 159, 385–443, on ranks.
    """
    if not isinstance(confidence, float) or not 0 < confidence < 1:
        raise SettingError(Note("governance.share", name="confidence", found=str(confidence)))
    draws = whole_number(draws, "draws", least=0)
    per = [per] if isinstance(per, str) else list(per)
    events, people, units, strata = _by_stratum(areas, per, count, unit, stratum)
    rng = np.random.default_rng(random_state)
    redrawn = rng.gamma(events.sum(axis=1) + 0.5, size=(draws, len(units))) if draws else np.zeros((0, len(units)))
    tables, ranks = [], {}
    for name in per:
        own = _rates(events, people[name], scale, confidence)
        columns, ranks[name] = _ranks(own, redrawn, confidence)
        tables.append(own.assign(**columns).set_axis(units))
    table = pd.concat(tables, keys=per, names=["per", units.name]).swaplevel().sort_index(level=0, sort_remaining=False)
    order = pd.MultiIndex.from_product([units, per], names=[units.name, "per"])
    table = table.reindex(order)
    moved = _moved(table, units, ranks, confidence)
    per_of = {"highest_per": denominator_name, "lowest_per": denominator_name}
    notes = [
        Note("governance.rank_moves", unit=str(k), **{n: per_of.get(n, lambda v: v)(row[n]) for n in moved.columns})
        for k, row in moved.iterrows()
    ]
    params = {"per": per, "stratum": stratum, "strata": [str(s) for s in strata], "scale": scale}
    return StandardisedRates(table, moved, tuple(notes), params | {"confidence": confidence, "draws": draws})


def _by_stratum(
    areas: pd.DataFrame, per: list[str], count: str, unit: str | None, stratum: str | None
) -> tuple[np.ndarray, dict[str, np.ndarray], pd.Index, list]:
    """Events and people, units × strata."""
    for column in (count, *per, *(c for c in (unit, stratum) if c is not None)):
        if column not in areas:
            raise InputError(
                Note("governance.no_area_column", found=column, meant=did_you_mean(column, map(str, areas)))
            )
    numbers = number_columns(areas, [count, *per])
    if not len(areas) or not np.isfinite(numbers.to_numpy()).all() or (numbers < 0).to_numpy().any():
        raise InputError(Note("governance.denominators"))
    own = areas[unit] if unit is not None else pd.Series(areas.index, index=areas.index, name=areas.index.name)
    kind = areas[stratum] if stratum is not None else pd.Series("all", index=areas.index)
    if own.isna().any() or kind.isna().any():
        raise InputError(Note("governance.denominators"))
    row, units = pd.factorize(own, sort=True)
    col, strata = pd.factorize(kind, sort=True)
    place, shape = row * len(strata) + col, (len(units), len(strata))

    def summed(values: pd.Series) -> np.ndarray:
        return np.bincount(place, values.to_numpy(), minlength=shape[0] * shape[1]).reshape(shape)

    events, people = summed(numbers[count]), {name: summed(numbers[name]) for name in per}
    nobody = next((name for name, n in people.items() if not n.sum() > 0), None)
    if nobody is not None or not events.sum() > 0:
        raise InputError(Note("governance.denominators"))
    return events, people, pd.Index(units, name=unit or areas.index.name or "unit"), list(strata)


def _rates(events: np.ndarray, people: np.ndarray, scale: float, confidence: float) -> pd.DataFrame:
    """Crude, direct and indirect, with intervals."""
    x, n = events.sum(axis=1), people.sum(axis=1)
    whole, standard = events.sum(axis=0), people.sum(axis=0)
    low, high = poisson_interval(x, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = whole / standard
        expected = np.nansum(np.where(standard > 0, people * rate, 0.0), axis=1)
        weight = standard / standard.sum() / people
        used = standard > 0
        direct = (weight * events)[:, used].sum(axis=1)
        empty = (people[:, used] <= 0).any(axis=1)
        variance = (weight**2 * events)[:, used].sum(axis=1)
        most = np.where(people[:, used] > 0, weight[:, used], 0).max(axis=1)
        tail = (1 - confidence) / 2
        d_low = np.where(direct > 0, scipy.stats.gamma.ppf(tail, direct**2 / variance, scale=variance / direct), 0.0)
        top, spread = direct + most, variance + most**2
        d_high = scipy.stats.gamma.ppf(1 - tail, top**2 / spread, scale=spread / top)
        out = {"count": x, "population": n, "rate": scale * x / n, "low": scale * low / n, "high": scale * high / n}
        for name, values in (("direct", direct), ("direct_low", d_low), ("direct_high", d_high)):
            out[name] = np.where(empty, np.nan, scale * values)
        out |= {"expected": expected, "ratio": x / expected, "ratio_low": low / expected, "ratio_high": high / expected}
    return pd.DataFrame(out).replace([np.inf, -np.inf], np.nan)


def _ranks(table: pd.DataFrame, redrawn: np.ndarray, confidence: float) -> tuple[dict[str, Any], np.ndarray]:
    """Rank by the ratio, 1 the highest, with its span over redraws of the counts; and the ranks of all redraws."""
    ratio = table["ratio"]
    again = pd.DataFrame(redrawn / table["expected"].where(table["expected"] > 0).to_numpy())
    ranks = again.rank(axis=1, ascending=False, method="min").to_numpy().reshape(len(redrawn), len(table))
    ends = np.full((2, len(table)), np.nan)
    known = ratio.notna().to_numpy()
    if len(redrawn):
        tail = (1 - confidence) / 2
        ends[:, known] = np.quantile(ranks[:, known], [tail, 1 - tail], axis=0, method="nearest")
    rank = ratio.rank(ascending=False, method="min")
    return {"rank": rank, "rank_low": ends[0], "rank_high": ends[1]}, ranks


def denominator_name(column: str) -> Note | str:
    """A denominator in the reader's language: the usual columns by their names, others as they are."""
    code = f"governance.per_{column}"
    return Note(code) if known(code) else str(column)


def _moved(table: pd.DataFrame, units: pd.Index, ranks: dict[str, np.ndarray], confidence: float) -> pd.DataFrame:
    """Units whose rank changes with the denominator by two places or more, and the same way over redraws.

    A redraw is of the counts, which stand over each denominator alike; so it is a redraw of all ranks at once.
    """
    rows = []
    for i, unit in enumerate(units):
        own = table.loc[unit, "rank"].dropna()
        if len(own) < 2 or own.max() - own.min() < 2:
            continue
        top, low = own.idxmin(), own.idxmax()
        if not len(ranks[top]):
            continue
        apart = ranks[low][:, i] - ranks[top][:, i]
        if (apart >= 0).mean() >= (1 + confidence) / 2 and (apart > 0).mean() > 0.5:
            rows.append((unit, top, int(own[top]), low, int(own[low])))
    columns = [units.name, "highest_per", "rank_there", "lowest_per", "rank_here"]
    found = pd.DataFrame(rows, columns=columns).set_index(units.name)
    return found.loc[(found["rank_there"] - found["rank_here"]).sort_values(kind="stable").index]
