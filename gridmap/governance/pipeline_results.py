"""What a meeting is given of how the grids work: one result for each stage of a pipeline.

Each holds what one function of this room found for several units, measures or pairs at once, as tables that papers and
files write, and as sentences. What is a finding beyond chance carries what it is beyond.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.governance.cases import AVERAGE, LABELS, WITHHELD, CaseLife
from gridmap.governance.colocation import Colocation, CrossK
from gridmap.governance.denominators import StandardisedRates, denominator_name
from gridmap.governance.evaluation import Evaluation
from gridmap.governance.register import STANDINGS, FollowedHotspots, WatchedAreas
from gridmap.governance.surroundings import SiteRings
from gridmap.messages import Note

__all__ = [
    "AGENDA",
    "AreasWeNamed",
    "CaseHandling",
    "KindsTogether",
    "Measures",
    "RatesPerWhom",
    "Sentence",
    "SitesAndRings",
]

#: More units, ranks or pairs than this are counted and not named one by one.
MOST_NAMED = 5


@dataclass(frozen=True)
class Sentence:
    """One sentence about a result.

    Attributes
    ----------
    note : Note
    null : Note or None
        Beyond what, where it is a finding.
    """

    note: Note
    null: Note | None = None


@dataclass(frozen=True, repr=False)
class CaseHandling(ShortForm):
    """How events are handled: by the unit that is judged, and in more breakdowns.

    Attributes
    ----------
    life : CaseLife
        Released for its audience.
    names : Series
        What each unit is called.
    breakdowns : mapping from column to CaseLife
    by_cell : DataFrame indexed by cell
        `handled_due, handled_on_time, handled_open, handled_overdue`, for the page's way from the county to the grid.
    shapes : GeoDataFrame or None
        Of the units, where they are places.
    params : mapping
    notes : tuple of Note
    """

    life: CaseLife
    names: pd.Series
    breakdowns: Mapping[str, CaseLife]
    by_cell: pd.DataFrame
    shapes: gpd.GeoDataFrame | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"CaseHandling: {self.life!r}, {len(self.breakdowns)} more breakdowns"

    def name_of(self, unit: Any) -> str:
        """What a unit is called."""
        return str(self.names.get(unit, unit))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table."""
        life = self.life
        units = _plain(life.table[[c for c in life.table if not str(c).startswith("_")]])
        units.insert(0, "unit", [self.name_of(u) for u in units.index])
        gaming = life.gaming.assign(unit=[self.name_of(u) for u in life.gaming.index])
        out = {
            "units": units,
            "steps": life.steps.reset_index(),
            "whole_steps": life.whole_steps,
            "indicators": life.standards,
            "gaming": _plain(gaming),
            "thresholds": life.thresholds,
            "funnel": _plain(self._funnel()),
        }
        for column, other in self.breakdowns.items():
            out[f"by_{column}"] = _plain(other.table[[c for c in other.table if not str(c).startswith("_")]])
        return {name: table for name, table in out.items() if len(table)}

    def _funnel(self) -> pd.DataFrame:
        if self.life.judged_by is None:
            return pd.DataFrame()
        points = self.life.funnel
        points = points[points["n"].fillna(0) > 0]
        share = self.life.overall[f"{self.life.judged_by}_share"]
        spread = self.life.spread[self.life.judged_by]
        return points.assign(unit=[self.name_of(u) for u in points.index], of_all=share, spread=spread)

    def sentences(self) -> list[Sentence]:
        """What stands of it in a summary."""
        life, out = self.life, []
        whole = life.overall
        handled = {k: int(whole[k]) for k in ("events", "open", "overdue", "withdrawn", "reopened")}
        out.append(Sentence(Note("governance.handled", **handled, units=len(life.table))))
        if np.isfinite(whole["median_days"]):
            code = "handled_days" if np.isfinite(whole["p90_days"]) else "handled_half"
            days = {"median": float(whole["median_days"]), "late": float(whole["p90_days"])}
            out.append(Sentence(Note(f"governance.{code}", **days)))
        judged = life.judged_by
        if judged is not None:
            out += self._judged(judged)
        out += self._gaming()
        for column, row in life.thresholds.iterrows():
            numbers: dict[str, Any] = {
                "column": str(column),
                "threshold": float(row["threshold"]),
                "below": int(row["below"]),
            }
            numbers |= {"above": int(row["above"])}
            if row["p_value"] <= life.params["level"]:
                out.append(Sentence(Note("governance.piles_up", **numbers), Note("null.even_sides")))
            else:
                out.append(Sentence(Note("governance.no_pile", **numbers)))
        return out

    def _judged(self, judged: str) -> list[Sentence]:
        life = self.life
        name, null = Note(f"governance.indicator.{judged}") if judged in _NAMED else judged, Note("null.alike_units")
        whole = {"indicator": name, "share": float(life.overall[f"{judged}_share"])}
        labels = life.table[f"{judged}_label"]
        worse, better = (int((labels == LABELS[side]).sum()) for side in (-1, 1))
        alike = int((labels == AVERAGE).sum())
        counted = {"worse": worse, "better": better, "alike": alike, "withheld": int((labels == WITHHELD).sum())}
        out = [Sentence(Note("governance.units_differ", **whole, **counted), null if worse + better else None)]
        if life.worst is not None:
            row = life.table.loc[life.worst]
            unit = {"unit": self.name_of(life.worst), "share": float(row[f"{judged}_share"])}
            of_all = {
                "of_all": whole["share"],
                "low": float(row[f"{judged}_low"]),
                "high": float(row[f"{judged}_high"]),
            }
            out.append(Sentence(Note("governance.worst_unit", indicator=name, **unit, **of_all), null))
        else:
            out.append(Sentence(Note("governance.no_worst_unit", indicator=name)))
        return out

    def _gaming(self) -> list[Sentence]:
        out, gaming = [], self.life.gaming
        null = Note("null.alike_units")
        if "label" in gaming:
            for unit, row in gaming[gaming["label"] != "none"].head(MOST_NAMED).iterrows():
                n = {"n": int(row["last_minutes"]), "closed": int(row["closed"]), "share": float(row["share"])}
                minutes = float(self.life.params["last_minutes"])
                note = Note("governance.closes_on_paper", unit=self.name_of(unit), minutes=minutes, **n)
                out.append(Sentence(note, null))
        if "silent" in gaming:
            quiet = [self.name_of(u) for u in gaming.index[gaming["silent"].fillna(False).astype(bool)]]
            if quiet:
                note = Note("governance.silent_units", n=len(quiet), names=quiet[:MOST_NAMED])
                out.append(Sentence(note, Note("null.neighbours_expect", what="")))
        return out


#: Indicators whose names the catalogue has.
_NAMED = ("filing", "handling", "closing", "on_time", "rework", "mediated", "cleared", "satisfied")


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """With an index that every file takes."""
    if isinstance(table.index, pd.PeriodIndex) or not all(isinstance(k, str | int | np.integer) for k in table.index):
        names = [" · ".join(map(str, k)) if isinstance(k, tuple) else str(k) for k in table.index]
        return table.set_axis(pd.Index(names, name=table.index.name))
    return table.copy()


@dataclass(frozen=True, repr=False)
class AreasWeNamed(ShortForm):
    """The register beside the hotspots of now, and hotspots followed over several times.

    Attributes
    ----------
    watched : WatchedAreas or None
    followed : mapping from name to FollowedHotspots
    params : mapping
    notes : tuple of Note
    """

    watched: WatchedAreas | None
    followed: Mapping[str, FollowedHotspots]
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"AreasWeNamed: {self.watched!r}, {len(self.followed)} kinds followed"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table; areas with their outlines."""
        out: dict[str, pd.DataFrame] = {}
        if self.watched is not None:
            areas = self.watched.areas.copy()
            for column in areas.columns:
                if column.endswith("_on"):
                    areas[column] = [None if pd.isna(day) else str(day) for day in areas[column]]
            areas["measures"] = ["；".join(m) for m in areas["measures"]]
            out["areas"] = areas
            due = self.watched.due.rename(columns={"name": "area"})
            out["due"] = due.assign(day=due["day"].astype(str))
        parts = [f.now.reset_index().assign(kind=name) for name, f in self.followed.items() if len(f.now)]
        if parts:
            out["followed"] = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), geometry="geometry", crs=4326)
            past = [f.history.drop(columns="geometry").assign(kind=name) for name, f in self.followed.items()]
            out["history"] = pd.concat([pd.DataFrame(p) for p in past], ignore_index=True)
        return {name: table for name, table in out.items() if len(table)}

    def sentences(self) -> list[Sentence]:
        """What stands of it in a summary."""
        out = []
        if self.watched is not None:
            standing = self.watched.areas["standing"].value_counts()
            n = {one.replace(" ", "_"): int(standing.get(one, 0)) for one in STANDINGS}
            areas = {"n": len(self.watched.areas), "day": self.watched.params["on"]}
            out.append(Sentence(Note("governance.named_areas", **areas, **n)))
            out += [Sentence(note) for note in self.watched.notes]
            if self.watched.unnamed is not None:
                out.append(Sentence(Note("governance.unnamed_hotspots", n=self.watched.unnamed)))
        for name, found in self.followed.items():
            now = found.now["status"].value_counts()
            n = {status: int(now.get(status, 0)) for status in FOLLOWED}
            periods = found.params["periods"]
            whole = {"first": periods[0], "last": periods[-1], **n}
            out.append(Sentence(Note("governance.followed", kind=name or Note("governance.every_kind"), **whole)))
        return out


#: What can have become of a followed hotspot, in the order of its sentence.
FOLLOWED = ("new", "persistent", "worsening", "fading", "split", "merged", "back", "gone")


@dataclass(frozen=True, repr=False)
class Measures(ShortForm):
    """Whether each measure worked.

    Attributes
    ----------
    found : mapping from name to Evaluation
    areas : GeoDataFrame indexed by name
        Where they were taken.
    params : mapping
    notes : tuple of Note
        Of measures that could not be judged.
    """

    found: Mapping[str, Evaluation]
    areas: gpd.GeoDataFrame
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"Measures: {', '.join(f'{name}: {e.verdict}' for name, e in self.found.items())}"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table."""
        rows, bands, parts = [], [], []
        for name, e in self.found.items():
            d, anyway, near = e.difference, e.regression_to_mean, e.buffer_difference
            rows.append(
                {
                    "measure": name,
                    "verdict": e.verdict,
                    "count_before": int(d.before),
                    "count_after": int(d.after),
                    "expected": d.expected,
                    "change": d.ratio - 1,
                    "change_low": d.low - 1,
                    "change_high": d.high - 1,
                    "around": np.nan if near is None else near.ratio - 1,
                    "around_low": np.nan if near is None else near.low - 1,
                    "around_high": np.nan if near is None else near.high - 1,
                    "falls_anyway": np.nan if anyway is None else anyway.expected_fall,
                    "seen_fall": 1 - d.after / d.before if d.before else np.nan,
                    "smallest_fall": np.nan if e.smallest_fall is None else e.smallest_fall,
                    "displacement_difference": e.wdd.estimate,
                    "displacement_error": e.wdd.standard_error,
                    "quotient": np.nan if e.quotient is None else e.quotient["quotient"],
                    "synthetic_effect": np.nan if e.synthetic is None else e.synthetic["effect"],
                    "synthetic_p": np.nan if e.synthetic is None else e.synthetic["p_value"],
                }
            )
            bands.append(e.bands.reset_index().assign(measure=name))
            for what, table in (("kind", e.kinds), ("hour", e.hours)):
                parts.append(table.rename_axis("part").reset_index().assign(measure=name, what=what))
        out = {"measures": pd.DataFrame(rows)}
        for name, listed in (("bands", bands), ("parts", parts)):
            listed = [t for t in listed if len(t)]
            out[name] = pd.concat(listed, ignore_index=True) if listed else pd.DataFrame()
        return {name: table for name, table in out.items() if len(table)}

    def sentences(self) -> list[Sentence]:
        """Each measure's verdict."""
        out = []
        for name, e in self.found.items():
            null = None if e.verdict in ("cannot_tell", "fell_back") else Note("null.control_areas")
            out.append(Sentence(Note("governance.measure", name=name, verdict=e.sentence), null))
        return out + [Sentence(note) for note in self.notes]


@dataclass(frozen=True, repr=False)
class KindsTogether(ShortForm):
    """Which kinds go together.

    Attributes
    ----------
    colocation : Colocation or None
    curves : mapping from (first, second) to CrossK
    params : mapping
    notes : tuple of Note
    """

    colocation: Colocation | None
    curves: Mapping[tuple[str, str], CrossK]
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"KindsTogether: {self.colocation!r}, {len(self.curves)} cross-K"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table."""
        out = {}
        if self.colocation is not None:
            parts = {"quotient": self.colocation.quotient, "p_value": self.colocation.p_value}
            parts |= {"q_value": self.colocation.q_value}
            out["quotients"] = pd.concat({k: t.stack() for k, t in parts.items()}, axis=1).reset_index()  # noqa: PD013
        if self.curves:
            tables = [c.table.reset_index().assign(first=a, second=b) for (a, b), c in self.curves.items()]
            out["cross_k"] = pd.concat(tables, ignore_index=True)
        return out

    def sentences(self) -> list[Sentence]:
        """The strongest ties of different kinds, and what each curve shows."""
        out: list[Sentence] = []
        if self.colocation is not None:
            q, ratio = self.colocation.q_value, self.colocation.quotient
            pairs = [
                (a, b) for a in q.index for b in q.columns if a != b and q.loc[a, b] <= 0.05 and ratio.loc[a, b] > 1
            ]
            pairs.sort(key=lambda pair: -ratio.loc[pair])
            for a, b in pairs[:MOST_NAMED]:
                note = Note("governance.beside", first=a, second=b, ratio=float(ratio.loc[a, b]))
                out.append(Sentence(note, Note("null.shuffled_kinds")))
            if not pairs:
                out.append(Sentence(Note("governance.none_beside", kinds=len(q))))
        for (a, b), curve in self.curves.items():
            null = Note(f"null.cross_{curve.null}")
            if curve.together:
                note = Note("governance.gathers", first=a, second=b, metres=max(curve.together), p=curve.p_value)
                out.append(Sentence(note, null))
            else:
                out.append(Sentence(Note("governance.no_gathering", first=a, second=b, null=null)))
        return out


@dataclass(frozen=True, repr=False)
class RatesPerWhom(ShortForm):
    """Rates with several denominators, for paper and files.

    Attributes
    ----------
    rates : StandardisedRates
    params : mapping
    notes : tuple of Note
    """

    rates: StandardisedRates
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"RatesPerWhom: {self.rates!r}"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table."""
        table = self.rates.table.rename_axis(["unit", "per"]).reset_index()
        moved = self.rates.moved.rename_axis("unit").reset_index()
        return {name: t for name, t in (("rates", table), ("ranks_moved", moved)) if len(t)}

    def sentences(self) -> list[Sentence]:
        """Ranks that depend on the denominator, or that none does."""
        per = [denominator_name(column) for column in self.rates.params["per"]]
        if not self.rates.notes:
            return [Sentence(Note("governance.no_rank_moves", per=per))]
        rest = len(self.rates.notes) - MOST_NAMED
        more = [Sentence(Note("governance.more_ranks_move", n=rest))] if rest > 0 else []
        return [Sentence(note) for note in self.rates.notes[:MOST_NAMED]] + more


@dataclass(frozen=True, repr=False)
class SitesAndRings(ShortForm):
    """Sites with their rings, for paper and files.

    Attributes
    ----------
    sites : SiteRings
    params : mapping
    notes : tuple of Note
    """

    sites: SiteRings
    params: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return f"SitesAndRings: {self.sites!r}"

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Ending of a file's name → table."""
        out = {"rings": self.sites.table.reset_index()}
        if self.sites.sides is not None:
            out["sides"] = self.sites.sides.reset_index()
        return out

    def sentences(self) -> list[Sentence]:
        """The sites that have more than similar ones, ring by ring."""
        table = self.sites.table
        more = table[table["label"] == "more"].sort_values("ratio", ascending=False)
        out = []
        most = more.head(MOST_NAMED)
        for (site, band), (_, row) in zip(most.index.to_list(), most.iterrows(), strict=True):
            numbers = {"count": int(row["count"]), "ratio": float(row["ratio"])}
            numbers |= {"low": float(row["low"]), "high": float(row["high"])}
            ring = Note("governance.ring_inside") if band == "inside" else band
            out.append(
                Sentence(Note("governance.site_more", site=site, ring=ring, **numbers), Note("null.similar_sites"))
            )
        if not len(more):
            sites = len(table.index.get_level_values(0).unique())
            out.append(Sentence(Note("governance.no_site_more", n=sites)))
        return out + [Sentence(note) for note in self.sites.notes]


#: What the stages of a pipeline give: each has `tables` and `sentences()`.
AGENDA = (CaseHandling, AreasWeNamed, Measures, KindsTogether, RatesPerWhom, SitesAndRings)
