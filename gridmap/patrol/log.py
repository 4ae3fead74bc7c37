"""What was planned and what was done: the dosage that an evaluation needs.

Without a log of planned *and* actual visits no effect can be measured (the Los Angeles inspector general found in 2019
that the records were too vague to tell). The log is the filled-in template, or the tracks that the units' phones
recorded.

Did it help? A place that was patrolled and became quieter proves little where the whole town became quieter. So the
change at the places with visits is held against the change at those without: the weighted displacement difference
without its displacement part (Wheeler & Ratcliffe 2018), which needs counts and nothing else, and has a known error.
With the log, places that were planned but never visited are kept apart from those that were: effect by dose, not by
intention.

References
----------
Wheeler & Ratcliffe (2018), Crime Science 7, 11.
"""

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import scipy

from gridmap._io import unguard_formula
from gridmap._notebook_line import ShortForm
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.messages import Note
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.point_inputs import check_number
from gridmap.read.file_access import check_file

__all__ = ["Dosage", "compare_log", "dosage_effect", "read_log", "visits_from_gpx"]

REJECTED = ["row", "column", "found", "reason"]
#: A unit may be this much early at its first visit; later than that is late.
EARLY_MIN = 120


@dataclass(frozen=True, repr=False)
class Dosage(ShortForm):
    """Planned against actual.

    Attributes
    ----------
    visits : DataFrame
        Every planned visit with `done`, `minutes` (actual), `late_min` (actual less planned arrival); then those that
        nobody planned, with `planned` False.
    places : DataFrame, indexed by place_id
        `planned, done, extra, planned_min, actual_min`: what an evaluation takes in.
    share_done : float
    notes : tuple of str
    rejected : DataFrame
        Rows of the log that could not be used: `row` (as a spreadsheet counts, the heading is row 1), `column, found,
        reason`.
    """

    visits: pd.DataFrame
    places: pd.DataFrame
    share_done: float
    notes: tuple[str, ...] = ()
    rejected: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=REJECTED))

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        unplanned = int((~self.visits["planned"].astype(bool)).sum()) if "planned" in self.visits else 0
        planned = len(self.visits) - unplanned
        return (
            f"Dosage: {self.share_done:.0%} of {planned:,} planned visits done, {unplanned} unplanned, "
            f"{len(self.places):,} places, {len(self.rejected)} rows set aside"
        )


def compare_log(planned, log) -> Dosage:
    """Planned visits against a filled-in log.

    Parameters
    ----------
    planned : DataFrame, as from `log_template`, or path to its CSV
    log : DataFrame or path to a CSV
        `unit_id, place_id, arrived, left` (HH:MM, or date and time; empty: not visited), `shift` (1 where it is not
        there). Visits after midnight count to the shift in whose row they stand. A row with a time that cannot be read
        is rejected, and counts as not done.

    Returns
    -------
    Dosage

    Raises
    ------
    InputError
        If a column is missing.

    Examples
    --------
    >>> plan = pd.DataFrame({"unit_id": ["u"] * 2, "shift": [1, 1], "place_id": ["a", "b"],
    ...                      "planned_arrive": ["08:00", "08:20"], "planned_leave": ["08:12", "08:32"]})
    >>> done = plan.assign(arrived=["08:03", ""], left=["08:13", ""])
    >>> compare_log(plan, done).places["actual_min"].tolist()
    [10.0, 0.0]
    """
    plan = _table(
        planned, ("unit_id", "shift", "place_id", "planned_arrive", "planned_leave"), Note("patrol.what.template")
    )
    found = _table(log, ("unit_id", "place_id", "arrived", "left"), Note("patrol.what.log"))
    if "shift" not in found:
        found["shift"] = "1"
    for frame in (plan, found):
        frame["shift"] = frame["shift"].astype(str).str.removesuffix(".0")
    rejected = _read_times(found, {"arrived": "at", "left": "gone"})
    half = (found["at"].notna() != found["gone"].notna()) & found["readable"]
    done = found[found["at"].notna() & found["gone"].notna()].copy()
    done["minutes"] = (done["gone"] - done["at"]) % 1440
    wrong = _read_times(plan, {"planned_arrive": "at", "planned_leave": "gone"})
    if len(wrong):
        raise InputError(Note("patrol.bad_time", **wrong.iloc[0][["column", "row", "found"]]))
    plan["planned_min"] = (plan["gone"] - plan["at"]) % 1440
    # a clock has no date: minutes count from the unit's shift, which begins with its first planned visit
    begin = plan.groupby(["unit_id", "shift"])["at"].first() - EARLY_MIN
    for frame in (plan, done):
        keyed = pd.MultiIndex.from_frame(frame[["unit_id", "shift"]])
        frame["at"] = (frame["at"] - begin.reindex(keyed).fillna(0.0).to_numpy()) % 1440
    keys = ["unit_id", "shift", "place_id"]
    for frame in (plan, done):  # the first visit done belongs to the first one planned
        frame["nth"] = frame.groupby(keys).cumcount()
    both = plan.merge(
        done[[*keys, "nth", "at", "minutes"]], on=[*keys, "nth"], how="outer", suffixes=("", "_done"), indicator=True
    )
    both["planned"], both["done"] = both["_merge"] != "right_only", both["minutes"].notna()
    both["late_min"] = (both["at_done"] - both["at"]).where(both["planned"])
    both["minutes"] = both["minutes"].fillna(0.0)
    group = both.groupby("place_id", sort=True)
    places = pd.DataFrame(
        {
            "planned": group["planned"].sum().astype(int),
            "done": (both["done"] & both["planned"]).groupby(both["place_id"]).sum().astype(int),
            "extra": (both["done"] & ~both["planned"]).groupby(both["place_id"]).sum().astype(int),
            "planned_min": group["planned_min"].sum(),
            "actual_min": group["minutes"].sum(),
        }
    )
    notes = []
    if half.any():
        notes.append(Note("patrol.half_rows", rows=int(half.sum())))
    if len(rejected):
        first = rejected.iloc[0]
        values = {"rows": rejected["row"].nunique(), "row": int(first["row"]), "column": first["column"]}
        notes.append(Note("patrol.rejected_rows", **values, found=first["found"]))
    share = float((both["done"] & both["planned"]).sum() / max(1, both["planned"].sum()))
    columns = [*keys, "planned", "done", "planned_arrive", "planned_min", "minutes", "late_min"]
    return Dosage(both[columns].reset_index(drop=True), places, share, tuple(notes), rejected)


def visits_from_gpx(
    plan,
    path,
    *,
    unit_id: str,
    shift: int = 1,
    within_m: float = 75,
    least_min: float = 5,
    timezone: str = "UTC",
) -> pd.DataFrame:
    """The visits that a recorded track shows, as rows of a log.

    Parameters
    ----------
    plan : PatrolPlan, or GeoDataFrame with `place_id`
        The places.
    path : str or Path
        GPX with times.
    unit_id : str
    shift : int
    within_m : float
        A unit within this distance of a place is there.
    least_min : float
        Shorter stays are driving past.
    timezone : str
        Of the plan's clock, as in "Asia/Shanghai"; GPX itself counts in UTC.

    Returns
    -------
    DataFrame
        `unit_id, shift, place_id, arrived, left` (ISO date and time, as recorded).

    Raises
    ------
    ReadError
        If the file is no GPX, or its points have no times.
    """
    within_m, least_min = check_number(within_m, "within_m"), check_number(least_min, "least_min", above=False)
    path = check_file(path, Note("patrol.what.track"))
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise ReadError(Note("patrol.entities", file=path.name))
    try:
        root = ET.fromstring(text)
        found = [
            (float(p.attrib["lon"]), float(p.attrib["lat"]), p.findtext("{*}time"))
            for p in root.iter()
            if p.tag.endswith("trkpt")
        ]
    except (ET.ParseError, KeyError, TypeError, ValueError) as problem:
        raise ReadError(Note("patrol.not_gpx", file=path.name, problem=str(problem))) from None
    track = pd.DataFrame(found, columns=["lon", "lat", "time"])
    track["time"] = pd.to_datetime(track["time"], errors="coerce", utc=True, format="ISO8601")
    try:
        track["time"] = track["time"].dt.tz_convert(timezone)
    except (KeyError, ValueError, TypeError):
        raise SettingError(Note("patrol.timezone", found=timezone)) from None
    track = track.dropna().sort_values("time").reset_index(drop=True)
    if not len(track):
        raise ReadError(Note("patrol.no_times", file=path.name))
    places = plan.places if isinstance(plan, PatrolPlan) else plan
    if not isinstance(places, gpd.GeoDataFrame) or "place_id" not in places:
        raise InputError(Note("patrol.visits_need_places", found=type(places).__name__))
    geod, rows = pyproj.Geod(ellps="WGS84"), []
    for place in places.itertuples():
        n = len(track)
        metres = geod.inv(track["lon"], track["lat"], np.full(n, place.geometry.x), np.full(n, place.geometry.y))[2]
        there = np.asarray(metres) <= within_m
        stay = np.cumsum(np.r_[True, there[1:] != there[:-1]])
        for _, piece in track[there].groupby(stay[there]):
            arrived, left = piece["time"].iloc[0], piece["time"].iloc[-1]
            if (left - arrived).total_seconds() >= least_min * 60:
                rows.append((unit_id, shift, place.place_id, arrived.isoformat(), left.isoformat()))
    return pd.DataFrame(rows, columns=["unit_id", "shift", "place_id", "arrived", "left"]).sort_values(
        "arrived", ignore_index=True
    )


def read_log(path) -> pd.DataFrame:
    """A filled-in `visits.csv` as a table of texts; ids that were guarded against formulas get their sign back."""
    table = _table(path, ("unit_id", "place_id", "arrived", "left"), Note("patrol.what.log"))
    return table if "shift" in table else table.assign(shift="1")


def _read(path) -> pd.DataFrame:
    """Texts, as Excel saves them: a workbook, or CSV in UTF-8 or GB 18030."""
    if path.suffix.lower() == ".xlsx":
        return pd.read_excel(path, dtype=str, keep_default_na=False, engine="calamine")
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="gb18030")


def _table(source, wanted, what) -> pd.DataFrame:
    if isinstance(source, str | Path):
        path = check_file(source, what)
        try:
            source = _read(path)
        except Exception as problem:
            raise ReadError(
                Note("patrol.cannot_read_table", file=path.name, what=what, problem=str(problem)[:120])
            ) from None
    if not isinstance(source, pd.DataFrame):
        raise InputError(Note("patrol.table_type", what=what, found=type(source).__name__))
    missing = [c for c in wanted if c not in source]
    if missing:
        raise InputError(Note("patrol.missing_columns", what=what, missing=missing))
    table = source.copy().reset_index(drop=True)
    if "row" not in table:
        table["row"] = np.arange(len(table)) + 2  # as a spreadsheet counts, below the heading
    for name in ("unit_id", "place_id"):
        table[name] = table[name].astype(str).map(unguard_formula)
    return table


def _read_times(frame: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Put minutes since midnight beside columns of HH:MM (or date and time); the cells that are no such time."""
    rejected: list[tuple] = []
    frame["readable"] = True
    for name, target in columns.items():
        text = frame[name].fillna("").astype(str).str.strip()
        parts = text.str.extract(
            r"(?:^|[ T])(\d{1,2})[:：](\d{2})(?:[:：]\d{2})?(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?$"
        ).astype(float)
        wrong = text.ne("") & (parts[0].isna() | (parts[0] > 23) | (parts[1] > 59))
        frame[target] = (parts[0] * 60 + parts[1]).where(~wrong)
        frame["readable"] &= ~wrong
        for row, cell in zip(frame.loc[wrong, "row"].astype(int), text[wrong], strict=True):
            rejected.append((row, name, cell, Note("patrol.bad_time", column=name, row=row, found=cell)))
    return pd.DataFrame(rejected, columns=REJECTED).sort_values(["row", "column"], ignore_index=True)


# -- did it help? ---------------------------------------------------------------------------------------------------


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
        raise InputError(Note("patrol.dosage_type"))
    if not isinstance(counts, pd.DataFrame):
        raise InputError(Note("patrol.counts_type", found=type(counts).__name__))
    counts = counts.set_index("place_id") if "place_id" in counts else counts
    missing = [c for c in ("before", "after") if c not in counts]
    if missing:
        raise InputError(Note("patrol.counts_columns", missing=missing, found=list(map(str, counts.columns))))
    counts = counts.set_axis(counts.index.astype(str))[["before", "after"]].apply(pd.to_numeric, errors="coerce")
    if not counts.index.is_unique or not np.isfinite(counts.to_numpy(float)).all() or (counts < 0).to_numpy().any():
        raise InputError(Note("patrol.counts_values"))
    minutes = table["actual_min"].set_axis(table.index.astype(str)).reindex(counts.index).fillna(0.0)
    middle = minutes[minutes > 0].median()
    groups = {
        "none": minutes == 0,
        "less": (minutes > 0) & (minutes <= middle),
        "more": minutes > middle,
        "any": minutes > 0,
    }
    rows, z = [], scipy.stats.norm.ppf(0.5 + level / 2)
    none = counts[groups["none"]].sum()
    for dose, mine in groups.items():
        before, after = counts.loc[mine, ["before", "after"]].sum()
        prevented, error = np.nan, np.nan
        if dose != "none" and groups["none"].any() and mine.any():
            prevented = (none["after"] - none["before"]) - (after - before)
            error = np.sqrt(before + after + none["before"] + none["after"])  # Poisson counts, independent
        p = 2 * scipy.stats.norm.sf(abs(prevented) / error) if error > 0 else np.nan
        rows.append((dose, int(mine.sum()), float(minutes[mine].sum()), int(before), int(after), int(after - before),
                     prevented, prevented - z * error, prevented + z * error, p))  # fmt: skip
    columns = ["dose", "places", "minutes", "before", "after", "change", "prevented", "low", "high", "p_value"]
    return pd.DataFrame(rows, columns=columns).set_index("dose")
