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

import numpy as np
import pandas as pd

from gridmap.errors import CRSError, InputError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.convert import REASONS, time_texts
from gridmap.read.coordinates import could_be_in_china
from gridmap.read.facts import again, read_facts
from gridmap.read.incidents import _decide_clock, _raw, _sample
from gridmap.read.likely_datum import estimate_datum
from gridmap.read.plan import Plan, make_plan, place_columns
from gridmap.read.quality_zones import ZoneReport, inspect_zones, is_zone_file
from gridmap.read.times import TimeEvidence, TimeRule

__all__ = ["LOCATED_SHARE", "QualityReport", "inspect_file"]

#: The share of incidents with a place below which a map misleads (Ratcliffe 2004).
LOCATED_SHARE = 0.85


@dataclass
class QualityReport:
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
    charts: dict = field(default_factory=dict)

    def to_dict(self) -> dict:
        """Everything as JSON-ready data, the proposed pipeline among it."""
        out = asdict(self)
        out.pop("charts")
        return {**out, "pipeline": self.pipeline_yaml()}

    def text(self) -> str:
        """The page as plain text."""
        from gridmap.read.quality_page import as_text

        return as_text(self)

    def to_html(self) -> str:
        """The page with small charts, as one HTML file that loads nothing."""
        from gridmap.read.quality_page import as_html

        return as_html(self)

    def pipeline_yaml(self) -> str:
        """A pipeline file that fits this data, ready to be edited."""
        from gridmap.read.quality_page import as_pipeline

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
        raw, origin = _raw(path, table, encoding)
    except InputError as problem:
        if not is_zone_file(problem):
            raise
        return inspect_zones(
            path, **({"layer": table} if table is not None and not isinstance(path, pd.DataFrame) else {})
        )
    sample, whole = _sample(raw)
    problems, settings = [], {}
    if boundaries is not None and not isinstance(boundaries, pd.DataFrame):
        settings["boundaries"] = str(boundaries)
        boundaries = read_boundaries(boundaries)
    plan = _plan(raw, sample, {"columns": columns, "datum": datum, "crs": crs}, problems, settings)
    _decide_clock(plan, sample)
    batches = whole if whole is not None else raw.batches
    times = _times(plan, batches, timezone, date_order, problems, settings)
    facts = read_facts(plan, batches, boundaries)
    coordinates = _coordinates(plan, facts, boundaries, roads, datum, problems, settings)
    rows, used = facts["rows"], facts["used"]
    placeless = sum(facts["reasons"].get(r, 0) for r in ("empty_row", "totals_row", "repeated_header"))
    located = sum(n for r, n in facts["reasons"].items() if r.endswith("_time") or r == "end_before_start") + used
    share = located / (rows - placeless) if rows > placeless else 0.0
    if rows == 0:
        problems.append("The file has a header but no rows.")
    elif place_columns(plan.roles) and share < LOCATED_SHARE:
        problems.append(f"Only {share:.0%} of the rows have a usable place; a map needs about 85 % (Ratcliffe 2004).")
    for reason, n in facts["reasons"].items():
        if reason in ("swapped", "sign_lost"):
            settings.setdefault("repair", []).append({"swapped": "swapped", "sign_lost": "sign"}[reason])
        if n > 0.01 * max(rows, 1) and reason != "no_coordinates":
            problems.append(f"{n} of {rows} rows ({n / rows:.1%}): {REASONS[reason]}.")
    if facts["duplicates"]["same_id"] > 0.01 * max(rows, 1):
        problems.append(
            f"{facts['duplicates']['same_id']} rows repeat an incident id; duplicates='remove' sets them aside."
        )
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
        charts=facts["charts"],
    )


def _plan(raw, sample, options: dict, problems: list, settings: dict) -> Plan:
    ask = {"need_places": False, "ask_datum": False}
    try:
        plan = make_plan(raw, sample, **options, **ask)
    except CRSError as problem:
        problems.append(str(problem))
        plan = make_plan(
            raw, sample, **{**options, "columns": {**(options["columns"] or {}), "lon": None, "lat": None}}, **ask
        )
        plan.roles = {r: c for r, c in plan.roles.items() if r != "coordinates"}
    except InputError as problem:
        if "exchanged" not in str(problem):
            raise
        problems.append(str(problem))
        plan = make_plan(raw, sample, **options, repair=("swapped",), **ask)
        plan.roles["lon"], plan.roles["lat"] = plan.roles["lat"], plan.roles["lon"]
        settings["columns"] = {"lon": plan.roles["lon"], "lat": plan.roles["lat"]}
    if not place_columns(plan.roles) and not problems:
        problems.append(
            "There are no coordinate columns; name them with columns=…, or place addresses with gazetteer=…."
        )
    if "occurred_from" not in plan.roles:
        problems.append("There is no column of times, so nothing can be said about when.")
    if "category" not in plan.roles:
        problems.append("There is no column of categories, so all rows count alike.")
    for key in ("datum", "crs"):
        if options[key] is not None:
            settings[key] = options[key]
    return plan


def _times(plan: Plan, batches, timezone, date_order, problems, settings) -> dict:
    out = {}
    if timezone is None and plan.chinese:
        timezone = "Asia/Shanghai"
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
            problems.append(f"Column {plan.roles[role]!r}: {problem}")
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
                "clock": "none, midnight everywhere"
                if rule.midnight_is_day
                else f"{evidence.clocks} rows or values with a clock",
            }
    return out


def _coordinates(plan: Plan, facts, boundaries, roads, datum, problems, settings) -> dict:
    if not place_columns(plan.roles):
        return {}
    lon, lat, reasons = facts["lon"], facts["lat"], facts["reasons"]
    pairs, n = facts["pairs"]
    out = {
        "columns": [plan.roles[r] for r in place_columns(plan.roles)],
        "missing": reasons.get("no_coordinates", 0),
        "not_numbers": reasons.get("bad_coordinates", 0),
        "zero": reasons.get("zero_coordinates", 0),
        "swapped": reasons.get("swapped", 0),
        "sign_lost": reasons.get("sign_lost", 0),
        "outside_range": reasons.get("outside_range", 0),
        "datum": plan.datum if plan.crs is None else plan.crs.name,
    }
    if not len(lon):
        return out
    rounded = (np.abs(lon * 1000 - np.round(lon * 1000)) < 1e-6) & (np.abs(lat * 1000 - np.round(lat * 1000)) < 1e-6)
    top = int(np.argmax(n))
    out |= {
        "extent": [float(v) for v in (lon.min(), lat.min(), lon.max(), lat.max())],
        "rounded_to_3_decimals": int(rounded.sum()) if plan.datum == "wgs84" and plan.crs is None else None,
        "different_places": len(pairs),
        "most_on_one_place": {
            "lon": float(pairs[top, 0]),
            "lat": float(pairs[top, 1]),
            "rows": int(n[top]),
            "share": float(n[top] / len(lon)),
        },
    }
    if out["rounded_to_3_decimals"] and out["rounded_to_3_decimals"] > 0.5 * len(lon):
        problems.append(
            f"{rounded.mean():.0%} of the coordinates have three decimals or fewer: places are rounded to about 100 m."
        )
    if n[top] > max(10, 0.05 * len(lon)):
        problems.append(
            f"{n[top]} rows ({n[top] / len(lon):.1%}) lie on one point "
            f"({pairs[top, 0]:.6g}, {pairs[top, 1]:.6g}): a station, a default?"
        )
    if boundaries is not None:
        import shapely

        tree = shapely.STRtree(boundaries.geometry.to_numpy())
        inside = np.zeros(len(pairs), bool)
        inside[tree.query(shapely.points(pairs), predicate="intersects")[0]] = True
        out["outside_boundaries"] = int(n[~inside].sum())
        if out["outside_boundaries"] > 0.05 * len(lon):
            problems.append(f"{out['outside_boundaries']} of {len(lon)} points lie outside the boundaries.")
    if plan.crs is None and could_be_in_china(lon, lat).mean() > 0.5:
        _china(plan, facts, boundaries, roads, datum, problems, settings, out)
    return out


def _china(plan, facts, boundaries, roads, datum, problems, settings, out) -> None:
    told = datum or (plan.datum if any("datum was not declared" in note for note in plan.notes) else None)
    settings["datum"] = told or "gcj02"
    if boundaries is None and roads is None:
        if told is None:
            problems.append(
                "The points lie in China and the datum is not said: name it with datum=…, "
                "or give boundaries to estimate it."
            )
        return
    if plan.datum != "wgs84":  # the estimate is about the coordinates as they stand in the file
        from gridmap.read.datum import from_wgs84

        lon, lat = from_wgs84(facts["lon"], facts["lat"], datum=plan.datum)
    else:
        lon, lat = facts["lon"], facts["lat"]
    estimate = estimate_datum(lon, lat, boundaries=boundaries, roads=roads, zone=facts["zone"])
    out["datum_estimate"] = {"likely": estimate.likely, "z_score": estimate.z_score, "evidence": estimate.evidence}
    if told is None:
        settings["datum"] = estimate.likely or "gcj02"
        problems.append(f"The datum is not said: {estimate.sentence()}.")
    elif estimate.likely not in (None, told, {"cgcs2000": "wgs84"}.get(told, told)):
        problems.append(f"datum={told!r} is said, but {estimate.sentence()}.")


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
