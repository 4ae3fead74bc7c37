"""What is in this file, and what is wrong with it: one page before any map is made.

`inspect_file` reads the whole file as `read_incidents` would, but where that would stop and ask, it goes on and says
so. It answers: which encoding and layout; which column is what and why; which date formats; how many coordinates
are missing, zero, exchanged, outside, rounded or piled on one point; how many rows come twice; whether the share
located passes the 85 % that Ratcliffe found a map needs; which columns are about persons. It proposes a pipeline file.

References
----------
Ratcliffe (2004), Geocoding crime and a first estimate of a minimum acceptable hit rate, IJGIS 18, 61–72.
"""

from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from gridmap._notebook_line import ShortForm
from gridmap.errors import CRSError, InputError
from gridmap.messages import Note, check_language
from gridmap.read.boundaries import read_boundaries
from gridmap.read.quality.boundary_report import ZoneReport, inspect_zones, is_zone_file
from gridmap.read.quality.coordinate_faults import inspect_places
from gridmap.read.quality.profile import read_facts
from gridmap.read.quality.rendering import as_html, as_pipeline, as_text
from gridmap.read.row_conversion import REASONS, time_texts
from gridmap.read.schema import Plan, decide_clock, make_plan, place_columns
from gridmap.read.sources import again, open_source, sample_of
from gridmap.read.times import TimeEvidence, TimeRule

__all__ = ["LOCATED_SHARE", "QualityReport", "inspect_file"]

#: The share of incidents with a place below which a map misleads (Ratcliffe 2004).
LOCATED_SHARE = 0.85


@dataclass(repr=False)
class QualityReport(ShortForm):
    """The answers, as plain data; `text()`, `to_html()` and `pipeline_yaml()` print them."""

    file: str
    sha256: str | None
    rows: int
    used: int
    set_aside: dict
    located_share: float
    layout: dict
    columns: list
    times: dict
    coordinates: dict
    duplicates: dict
    personal: dict
    categories: dict
    problems: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    settings: dict = field(default_factory=dict)
    first_rows: dict = field(default_factory=dict)
    as_spreadsheet: bool = False
    charts: dict = field(default_factory=dict)

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        return (
            f"QualityReport of {self.file}: {self.used:,} of {self.rows:,} rows used, "
            f"{self.located_share:.1%} located, {len(self.problems)} problems"
        )

    def to_dict(self) -> dict:
        """Everything as JSON-ready data, the proposed pipeline among it."""
        out = asdict(self)
        out.pop("charts")
        return {**out, "pipeline": self.pipeline_yaml()}

    def text(self, language: str = "en") -> str:
        """The page as plain text, in a language."""
        return as_text(self, check_language(language))

    def to_html(self, language: str = "en") -> str:
        """The page with small charts, as one HTML file that loads nothing, in a language."""
        return as_html(self, check_language(language))

    def pipeline_yaml(self) -> str:
        """A pipeline file that fits this data, ready to be edited."""
        return as_pipeline(self)

    def _repr_html_(self) -> str:
        import html

        return f"<pre>{html.escape(self.text())}</pre>"

    def __rich__(self):
        from rich.text import Text

        return Text(self.text())


def inspect_file(
    path,
    *,
    boundaries=None,
    roads=None,
    columns=None,
    datum: str | None = None,
    crs=None,
    timezone: str | None = None,
    date_order: str | None = None,
    encoding: str | None = None,
    table: str | None = None,
) -> QualityReport | ZoneReport:
    """A data-quality report of an incident file.

    Parameters
    ----------
    path : str, Path or DataFrame
    boundaries : GeoDataFrame or path, optional
        To tell what lies outside, and to estimate the datum.
    roads : GeoDataFrame, optional
        To estimate the datum.
    columns, datum, crs, timezone, date_order, encoding, table
        As for `read_incidents`.

    Returns
    -------
    QualityReport, or ZoneReport for a file of areas

    Raises
    ------
    ReadError, InputError
        If there is no table in the file at all.

    Examples
    --------
    >>> report = inspect_file("data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz")
    >>> report.rows, report.used, report.set_aside, round(report.located_share, 3)
    (31635, 30752, {'no_coordinates': 883}, 0.972)
    """
    try:
        raw, origin = open_source(path, table, encoding)
    except InputError as problem:
        if not is_zone_file(problem):
            raise
        return inspect_zones(
            path, **({"layer": table} if table is not None and not isinstance(path, pd.DataFrame) else {})
        )
    sample, whole = sample_of(raw)
    problems: list[Note] = []
    settings: dict[str, Any] = {}
    if boundaries is not None and not isinstance(boundaries, pd.DataFrame):
        settings["boundaries"] = str(boundaries)
        boundaries = read_boundaries(boundaries)
    plan = _plan(raw, sample, {"columns": columns, "datum": datum, "crs": crs}, problems, settings)
    decide_clock(plan, sample)
    batches = whole if whole is not None else raw.batches
    times = _times(plan, batches, timezone, date_order, problems, settings)
    facts = read_facts(plan, batches, boundaries)
    coordinates = inspect_places(plan, facts, boundaries, roads, datum, problems, settings)
    rows, used = facts["rows"], facts["used"]
    placeless = sum(facts["reasons"].get(r, 0) for r in ("empty_row", "totals_row", "repeated_header"))
    located = sum(n for r, n in facts["reasons"].items() if r.endswith("_time") or r == "end_before_start") + used
    share = located / (rows - placeless) if rows > placeless else 0.0
    if rows == 0:
        problems.append(Note("read.only_header"))
    elif place_columns(plan.roles) and share < LOCATED_SHARE:
        problems.append(Note("read.located_too_few", share=share))
    for reason, n in facts["reasons"].items():
        if reason in ("swapped", "sign_lost"):
            settings.setdefault("repair", []).append({"swapped": "swapped", "sign_lost": "sign"}[reason])
        if n > 0.01 * max(rows, 1) and reason != "no_coordinates":
            problems.append(Note("read.rows_at_fault", n=n, rows=rows, share=n / rows, reason=REASONS[reason]))
    if facts["duplicates"]["same_id"] > 0.01 * max(rows, 1):
        problems.append(Note("read.ids_repeat", n=facts["duplicates"]["same_id"]))
    for role, (column, reason) in {r: (c, plan.reasons[r]) for r, c in plan.roles.items()}.items():
        if reason.startswith("by content"):
            settings.setdefault("columns", {})[role] = column
    return QualityReport(
        file=raw.name,
        sha256=origin["sha256"],
        rows=rows,
        used=used,
        set_aside=dict(facts["reasons"]),
        located_share=float(share),
        layout={"encoding": raw.encoding, **raw.layout},
        columns=_columns(raw, sample, plan),
        times={**times, **facts["times"]} if times else {},
        coordinates=coordinates,
        duplicates=facts["duplicates"],
        personal=plan.personal,
        categories=dict(facts["categories"].most_common(12)),
        problems=problems,
        notes=[*raw.notes, *plan.notes],
        settings={"path": origin["path"], **settings},
        as_spreadsheet=raw.spreadsheet_rows(np.ones(1, np.int64)) is not None,
        first_rows={reason: _shown_rows(raw, rows) for reason, rows in facts["first_rows"].items()},
        charts=facts["charts"],
    )


def _shown_rows(raw, rows: list[int]) -> list[str]:
    """Rows as a spreadsheet numbers them, with their sheet where a workbook has several; as data rows otherwise."""
    places = raw.spreadsheet_rows(np.array(rows, np.int64))
    if places is None:
        return [str(row) for row in rows]
    several = ", " in str(raw.layout.get("sheet", ""))
    return [f"{sheet}!{number}" if several else str(number) for sheet, number in zip(*places, strict=True)]


def _plan(raw, sample, options: dict, problems: list, settings: dict) -> Plan:
    decide = partial(make_plan, raw, sample, need_places=False, ask_datum=False)
    try:
        plan = decide(**options)
    except CRSError as problem:
        problems.append(problem.args[0])
        plan = decide(**{**options, "columns": {**(options["columns"] or {}), "lon": None, "lat": None}})
        plan.roles = {r: c for r, c in plan.roles.items() if r != "coordinates"}
    except InputError as problem:
        if "exchanged" not in str(problem):
            raise
        problems.append(problem.args[0])
        plan = decide(**options, repair=("swapped",))
        plan.roles["lon"], plan.roles["lat"] = plan.roles["lat"], plan.roles["lon"]
        settings["columns"] = {"lon": plan.roles["lon"], "lat": plan.roles["lat"]}
    if not place_columns(plan.roles) and not problems:
        problems.append(Note("read.no_coordinate_columns"))
    if "occurred_from" not in plan.roles:
        problems.append(Note("read.no_time_column"))
    if "category" not in plan.roles:
        problems.append(Note("read.no_category_column"))
    for key in ("datum", "crs"):
        if options[key] is not None:
            settings[key] = options[key]
    return plan


def _times(plan: Plan, batches, timezone, date_order, problems, settings) -> dict:
    out = {}
    if timezone is None and plan.chinese:
        timezone = plan.beside or "Asia/Shanghai"
    for role in ("occurred_from", "occurred_to"):
        if role not in plan.roles:
            continue
        evidence = TimeEvidence()
        for batch in again(batches):
            texts = time_texts(batch.table, plan) if role == "occurred_from" else batch.table[plan.roles[role]]
            evidence.add(texts)
        try:
            rule = evidence.rule(date_order=date_order, timezone=timezone, chinese=plan.chinese)
        except InputError as problem:
            problems.append(Note("read.column_problem", column=plan.roles[role], problem=problem))
            rule = TimeRule("dmy", timezone)
            settings["date_order"] = "dmy"
        else:
            if date_order:
                settings["date_order"] = date_order
        plan.rules[role] = rule
        if role == "occurred_from":
            out = {
                "column": plan.roles[role],
                "formats": evidence.formats,
                "date_order": rule.date_order,
                "timezone": rule.timezone,
                "clock": Note("read.clock_none")
                if rule.midnight_is_day
                else Note("read.clock_some", n=evidence.clocks),
            }
    return out


def _columns(raw, sample, plan: Plan) -> list:
    role_of = {c: r for r, c in plan.roles.items()}
    out = []
    for name in raw.columns:
        if name in ("geometry.x", "geometry.y") and name not in role_of:
            continue
        values = sample[name]
        filled = sum(v is not None and str(v).strip() != "" for v in values.to_pylist())
        role = role_of.get(name)
        out.append(
            {
                "name": name,
                "role": role,
                "reason": plan.reasons.get(role) if role else plan.personal.get(name),
                "personal": name in plan.personal,
                "filled": filled / len(values) if len(values) else 0.0,
            }
        )
    return out
