"""A plan as files: GPX and KML for the phone, a workbook for the office, a sheet for the pocket, a log to fill in.

Coordinates are WGS 84, as GPX and KML want them. All text that comes from data is escaped, and in a workbook never read
as a formula.
"""

import datetime as dt
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import shapely

from gridmap import _kml as kml
from gridmap._extras import needs_extras
from gridmap._io import as_output_error, atomic_folder, guard_formula, xml_text
from gridmap.audiences import DEFAULT_AUDIENCE, check_audience
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, say
from gridmap.patrol.plan import PatrolPlan, clock, days_of, say_unmet, starts_of
from gridmap.patrol.point_inputs import shown_id

__all__ = ["gpx_name", "log_template", "plain_text", "to_gpx", "to_kml", "write_plan"]

LOG = [
    "unit_id",
    "shift",
    "place_id",
    "planned_arrive",
    "planned_leave",
    "arrived",
    "left",
    "officer_initiated",
    "remark",
]


def log_template(plan: PatrolPlan, *, start: str = "08:00") -> pd.DataFrame:
    """The visits as they are planned, with empty columns for what was done: without it no effect can be measured.

    Parameters
    ----------
    plan : PatrolPlan
    start : str
        When the first shift starts, as HH:MM.

    Returns
    -------
    DataFrame
        `unit_id, shift, place_id, planned_arrive, planned_leave` (HH:MM), and empty `arrived, left, officer_initiated,
        remark`.
    """
    begin = starts_of(plan, start)
    table = pd.DataFrame(plan.stops.drop(columns="geometry"))
    table["planned_arrive"] = [clock(a, begin[s]) for a, s in zip(table["arrive_s"], table["shift"], strict=True)]
    table["planned_leave"] = [clock(a, begin[s]) for a, s in zip(table["leave_s"], table["shift"], strict=True)]
    return table.assign(arrived="", left="", officer_initiated="", remark="")[LOG]


def to_gpx(plan: PatrolPlan, unit_id: str, shift: int = 1, *, start: str = "08:00", way: bool = True) -> str:
    """One route as GPX 1.1: the stops as a route, the way along the streets as a track.

    Parameters
    ----------
    plan : PatrolPlan
    unit_id : str
    shift : int
    start : str
        When the first shift starts, as HH:MM.
    way : bool
        Whether the track is written too.

    Returns
    -------
    str
    """
    route, stops, begin = _one(plan, unit_id, shift, start)
    root = ET.Element("gpx", {"version": "1.1", "creator": "gridmap", "xmlns": "http://www.topografix.com/GPX/1/1"})
    line = ET.SubElement(root, "rte")
    ET.SubElement(line, "name").text = xml_text(f"{unit_id} / {shift}")
    for stop in stops.itertuples():
        point = ET.SubElement(line, "rtept", {"lat": f"{stop.geometry.y:.6f}", "lon": f"{stop.geometry.x:.6f}"})
        ET.SubElement(point, "name").text = xml_text(f"{stop.stop_order} {stop.place_id}")
        ET.SubElement(point, "desc").text = f"{clock(stop.arrive_s, begin)}-{clock(stop.leave_s, begin)}"
    if way:
        track = ET.SubElement(ET.SubElement(root, "trk"), "trkseg")
        for lon, lat in shapely.get_coordinates(route.geometry):
            ET.SubElement(track, "trkpt", {"lat": f"{lat:.6f}", "lon": f"{lon:.6f}"})
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode")


def to_kml(plan: PatrolPlan, *, start: str = "08:00") -> str:
    """All routes as KML 2.2, a folder a unit and shift."""
    folders: list[str] = []
    for key in plan.routes[["unit_id", "shift"]].itertuples(index=False):
        route, stops, begin = _one(plan, key.unit_id, key.shift, start)
        marks = [kml.placemark(str(key.unit_id), route.geometry)]
        for stop in stops.itertuples():
            when = f"{clock(stop.arrive_s, begin)}-{clock(stop.leave_s, begin)}"
            marks.append(kml.placemark(f"{stop.stop_order} {stop.place_id}", stop.geometry, description=when))
        folders += kml.folder(marks, name=f"{key.unit_id} / {key.shift}")
    return "".join(kml.document(folders))


def write_plan(
    plan: PatrolPlan,
    folder,
    *,
    start: str = "08:00",
    date: str | dt.date | None = None,
    language: str = "en",
    sheets: bool = True,
    audience: str = DEFAULT_AUDIENCE,
) -> list[Path]:
    """Everything that a shift takes along, into one folder.

    Parameters
    ----------
    plan : PatrolPlan
    folder : str or Path
        Is made; files of the same names are replaced.
    start : str
        When the first shift starts, as HH:MM.
    date : str or date, optional
        The day of the first shift, as 2026-11-30; without it the sheets have a blank to write it in.
    language : str
    sheets : bool
        Whether the pocket sheets (`sheets.pdf`) are written too.
    audience : {"internal", "meeting"}
        A plan tells where the police will be and when, so there is none for the public.

    Returns
    -------
    list of Path
        `plan.xlsx` (the rounds in words and clock times; stops, routes, unmet, posts, settings), `plan.kml`,
        `plan.gpkg` (stops, routes, places),
        `visits.csv` (the log to fill in), `gpx/<unit>_<shift>.gpx`, `sheets.pdf`.

    Raises
    ------
    OutputError
        If the folder cannot be written.
    SettingError
        For an unknown audience, or the public.
    """
    if not check_audience(audience).patrols:
        raise SettingError(Note("patrol.not_public", audience=audience))
    if not isinstance(plan, PatrolPlan):
        raise InputError(Note("patrol.plan_needed", function="write_plan", found=type(plan).__name__))
    out, written = Path(folder), []
    failed = lambda why: Note("patrol.cannot_write_plan", folder=str(out), problem=why)  # noqa: E731
    with as_output_error(failed), atomic_folder(out) as folder:
        (folder / "gpx").mkdir(parents=True, exist_ok=True)
        for i, key in enumerate(plan.routes[["unit_id", "shift"]].itertuples(index=False), 1):
            path = folder / "gpx" / gpx_name(i, key.unit_id, key.shift)
            path.write_text(to_gpx(plan, key.unit_id, key.shift, start=start), encoding="utf-8", newline="\n")
            written.append(path)
        (folder / "plan.kml").write_text(to_kml(plan, start=start), encoding="utf-8", newline="\n")
        log_template(plan, start=start).map(plain_text).to_csv(folder / "visits.csv", index=False, encoding="utf-8-sig")
        _workbook(plan, folder / "plan.xlsx", start, date, language)
        package = folder / "plan.gpkg"
        package.unlink(missing_ok=True)
        for layer in ("stops", "routes", "places"):
            frame: gpd.GeoDataFrame = getattr(plan, layer)
            if len(frame):
                frame.to_file(package, layer=layer, engine="pyogrio")
        written += [folder / "plan.kml", folder / "visits.csv", folder / "plan.xlsx", package]
        if sheets and (len(plan.routes) or plan.posts["units"].map(len).any()):
            with needs_extras():
                from gridmap.patrol.sheets import write_sheets

            written.append(write_sheets(plan, folder / "sheets.pdf", start=start, date=date, language=language))
    return [out / path.relative_to(folder) for path in written]


def gpx_name(number: int, unit_id, shift: int) -> str:
    """The file name of the nth route.

    Examples
    --------
    >>> gpx_name(7, "car/1", 2)
    '007_car_1_2.gpx'
    """
    name = re.sub(r"[^\w-]+", "_", str(unit_id)).strip("_")[:60] or "unit"
    return f"{number:03d}_{name}_{shift}.gpx"


#: What a workbook says of its making: the same plan is the same file on another day.
MADE = dt.datetime(2000, 1, 1)


def _workbook(plan, path, start, date, language):
    begin = starts_of(plan, start)
    stops, routes = plan.stops.drop(columns="geometry"), plan.routes.drop(columns="geometry")

    def times(table, column):
        known = zip(table[column], table["shift"], strict=True)
        return [clock(seconds, begin[shift]) if pd.notna(seconds) else "" for seconds, shift in known]

    tables = {
        say("sheet.rounds", language): _rounds(plan, start, date, language),
        "stops": stops.assign(
            lon=plan.stops.geometry.x,
            lat=plan.stops.geometry.y,
            arrive=times(stops, "arrive_s"),
            leave=times(stops, "leave_s"),
        ),
        "routes": routes.assign(**{name: times(routes, f"{name}_s") for name in ("start", "end", "pause_start")}),
        "unmet": say_unmet(plan, language),
        "posts": plan.posts.assign(units=plan.posts["units"].map(lambda names: ", ".join(map(str, names)))),
    }
    facts = [*plan.params.items(), ("prize", plan.objective), ("bound", plan.bound)]
    facts += [("note", say(note, language)) for note in plan.notes]
    tables["settings"] = pd.DataFrame([(str(k), str(v)) for k, v in facts], columns=["setting", "value"])
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with pd.ExcelWriter(path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
        book.book.set_properties({"created": MADE})
        for name, table in tables.items():
            pd.DataFrame(table).map(plain_text).to_excel(book, sheet_name=name, index=False)
            book.sheets[name].freeze_panes(1, 0)
            book.sheets[name].autofit()


def _rounds(plan, start, date, language) -> pd.DataFrame:
    """The plan as people read it: who is where at what time, in words, with columns to write in."""
    begin, day = starts_of(plan, start), days_of(plan, start, date)
    paused = plan.routes[plan.routes["pause_start_s"].notna()]
    pauses = paused.assign(
        stop_order="", place_id=say("sheet.pause", language), corner="", arrive_s=paused["pause_start_s"],
        leave_s=paused["pause_start_s"] + paused["pause_s"],
    )  # fmt: skip
    shown = ["shift", "unit_id", "stop_order", "place_id", "corner", "arrive_s", "leave_s"]
    both = pd.concat([pd.DataFrame(plan.stops)[shown].astype(object), pd.DataFrame(pauses)[shown].astype(object)])
    both = both.sort_values(["shift", "unit_id", "arrive_s"], kind="stable")
    columns = {
        "date": [f"{day[s]:%Y-%m-%d}" if day[s] else "" for s in both["shift"]],
        "shift": both["shift"],
        "unit": [shown_id(unit, language) for unit in both["unit_id"]],
        "number": both["stop_order"],
        "arrive": [clock(t, begin[s]) for t, s in zip(both["arrive_s"], both["shift"], strict=True)],
        "leave": [clock(t, begin[s]) for t, s in zip(both["leave_s"], both["shift"], strict=True)],
        "minutes": [round((b - a) / 60) for a, b in zip(both["arrive_s"], both["leave_s"], strict=True)],
        "place": [shown_id(place, language) for place in both["place_id"]],
        "corner": both["corner"],
        "arrived": "",
        "left": "",
        "remark": "",
    }
    return pd.DataFrame({say(f"sheet.{name}", language): value for name, value in columns.items()}, index=both.index)


def plain_text(value):
    """Text that a spreadsheet does not take for a formula, without signs that no workbook holds."""
    return guard_formula(xml_text(value)) if isinstance(value, str) else value


def _one(plan, unit_id, shift, start):
    mine = plan.routes[(plan.routes["unit_id"] == unit_id) & (plan.routes["shift"] == shift)]
    if not len(mine):
        raise InputError(Note("patrol.no_route", unit=unit_id, shift=shift))
    stops = plan.stops[(plan.stops["unit_id"] == unit_id) & (plan.stops["shift"] == shift)]
    return next(mine.itertuples()), stops, starts_of(plan, start)[shift]
