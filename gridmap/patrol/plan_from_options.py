"""The pipeline's patrol stage and the two commands, as functions that take plain options.

::

    patrol:
      roads: {path: ../data/roads.geojson}
      mode: drive
      units: 4
      shift_h: 8
      shifts: 3
      posts: {railway station: 20, bus station: 10}

`plan_to_folder` is what `gridmap patrol plan` and the pipeline call, `log_to_folder` what `gridmap patrol log` calls.
"""

from pathlib import Path

import pandas as pd

from gridmap._io import as_output_error, atomic_folder
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.hotspots.result import HotspotResult
from gridmap.messages import Note, did_you_mean
from gridmap.patrol.log import Dosage, compare_log, dosage_effect, read_log, visits_from_gpx
from gridmap.patrol.network import build_network
from gridmap.patrol.places import patrol_places
from gridmap.patrol.plan import PatrolPlan
from gridmap.patrol.plan_files import gpx_name, plain_text, write_plan
from gridmap.patrol.routes.planner import plan_patrols
from gridmap.read.file_access import check_file
from gridmap.read.roads import read_roads
from gridmap.read.tables.vector import read_vector

__all__ = ["log_to_folder", "plan_to_folder"]


def plan_to_folder(
    hotspots,
    folder,
    *,
    units,
    shift_h: float,
    roads=None,
    streets=None,
    mode: str = "drive",
    speed_kmh=None,
    hour: int | None = None,
    max_snap_m: float = 250.0,
    days: float | None = None,
    most: int = 60,
    effect: float = 1.0,
    start: str = "08:00",
    date=None,
    language: str = "en",
    sheets: bool = True,
    **options,
) -> tuple[PatrolPlan, list[Path]]:
    """Hotspots in, a folder that a shift can take along out.

    Parameters
    ----------
    hotspots : HotspotResult, GeoDataFrame with `place_id` and `prize`, or path to such a file
    folder : str or Path
    units : int, frame, or path to a CSV with a row a unit
    shift_h : float
    roads : path or GeoDataFrame, optional
        Without streets travel is straight lines times a detour factor, and every output says so.
    streets : path or GeoDataFrame, optional
        Compulsory streets, as in `plan_patrols`.
    mode, speed_kmh, hour, max_snap_m
        As in `build_network`.
    days, most, effect
        As in `patrol_places`, for a HotspotResult.
    start, date, language, sheets
        As in `write_plan`.
    **options
        As in `plan_patrols`: `visit_min, revisit_h, posts, shifts, random_state`, …

    Returns
    -------
    plan : PatrolPlan
    written : list of Path

    Examples
    --------
    >>> import tempfile
    >>> import geopandas as gpd
    >>> places = gpd.GeoDataFrame({"place_id": ["a", "b"], "prize": [2.0, 1.0]},
    ...                           geometry=gpd.points_from_xy([-1.55, -1.54], [53.80, 53.80]), crs=4326)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plan, written = plan_to_folder(places, folder, units=1, shift_h=1, random_state=0, sheets=False)
    >>> sorted(path.name for path in written)
    ['001_unit_1_1.gpx', 'plan.gpkg', 'plan.kml', 'plan.xlsx', 'visits.csv']
    """
    if isinstance(hotspots, HotspotResult):
        hotspots = patrol_places(hotspots, days=days, most=most, effect=effect)
    elif isinstance(hotspots, str | Path):
        path = check_file(hotspots, Note("patrol.what.hotspots"))
        try:
            hotspots = read_vector(path)
        except Exception as problem:
            raise ReadError(Note("patrol.cannot_read_points", file=path.name, problem=str(problem)[:120])) from None
    if isinstance(units, str | Path):
        try:
            units = pd.read_csv(check_file(units, Note("patrol.what.units")), encoding="utf-8-sig")
        except (ValueError, UnicodeDecodeError) as problem:
            raise ReadError(Note("patrol.cannot_read_units", problem=str(problem)[:120])) from None
    if isinstance(streets, str | Path):
        path = check_file(streets, Note("patrol.what.streets"))
        try:
            streets = read_vector(path)
        except Exception as problem:
            found = str(problem)[:120]
            raise ReadError(Note("patrol.cannot_read_streets", file=path.name, problem=found)) from None
    network = build_network(
        None if roads is None else read_roads(roads), mode=mode, speed_kmh=speed_kmh, hour=hour, max_snap_m=max_snap_m
    )
    plan = plan_patrols(hotspots, network, units=units, shift_h=shift_h, streets=streets, **options)
    return plan, write_plan(plan, folder, start=start, date=date, language=language, sheets=sheets)


def log_to_folder(
    plan_folder,
    log,
    folder,
    *,
    timezone: str | None = None,
    within_m: float = 75,
    least_min: float = 5,
    counts=None,
) -> tuple[Dosage, list[Path]]:
    """Planned against actual visits, as tables for the evaluation.

    Parameters
    ----------
    plan_folder : str or Path
        Folder that `plan_to_folder` wrote, or its `visits.csv`.
    log : str, Path or list of them
        The filled-in `visits.csv` (or saved as .xlsx); recorded tracks (`.gpx`, named as the plan's own files in
        `gpx/`); or a folder of these.
    folder : str or Path
    timezone : str, optional
        Of the plan's clock, as in "Asia/Shanghai"; needed for tracks, which count in UTC.
    within_m, least_min : float
        As in `visits_from_gpx`.
    counts : path, optional
        CSV with `place_id, before, after`: incidents in two periods, for `dosage_effect`.

    Returns
    -------
    dosage : Dosage
    written : list of Path
        `dosage_places.csv`, `dosage_visits.csv`; `dosage_rejected.csv` where rows of the log could not be used, and
        `dosage_effect.csv` where counts were given.
    """
    source = Path(plan_folder)
    planned = source / "visits.csv" if source.is_dir() else source
    files = []
    for one in [log] if isinstance(log, str | Path) else list(log):
        path = Path(one)
        files += (
            sorted(p for p in path.iterdir() if p.suffix.lower() in (".csv", ".xlsx", ".gpx"))
            if path.is_dir()
            else [path]
        )
    tracks = [path for path in files if path.suffix.lower() == ".gpx"]
    tables = [read_log(path) for path in files if path not in tracks]
    if tracks:
        tables += _from_tracks(source, tracks, timezone, within_m=within_m, least_min=least_min)
    if not tables:
        raise InputError(Note("patrol.no_log", found=str(log)))
    dosage = compare_log(planned, pd.concat(tables, ignore_index=True))
    if not len(dosage.places):
        raise InputError(Note("patrol.nothing_to_compare"))
    results = {"dosage_places.csv": (dosage.places, True), "dosage_visits.csv": (dosage.visits, False)}
    if len(dosage.rejected):
        results["dosage_rejected.csv"] = (dosage.rejected, False)
    if counts is not None:
        try:
            table = pd.read_csv(
                check_file(counts, Note("patrol.what.counts")), encoding="utf-8-sig", dtype={"place_id": str}
            )
        except (ValueError, UnicodeDecodeError) as problem:
            raise ReadError(Note("patrol.cannot_read_counts", problem=str(problem)[:120])) from None
        results["dosage_effect.csv"] = (dosage_effect(dosage, table), True)
    folder = Path(folder)
    failed = lambda why: Note("patrol.cannot_write_comparison", folder=str(folder), problem=why)  # noqa: E731
    with as_output_error(failed), atomic_folder(folder) as part:
        for name, (table, index) in results.items():
            table.reset_index(drop=not index).map(plain_text).to_csv(part / name, index=False, encoding="utf-8-sig")
    return dosage, [folder / name for name in results]


def _from_tracks(source, tracks, timezone, **limits) -> list[pd.DataFrame]:
    """The visits of recorded tracks; whose they are, their file names say."""
    if timezone is None:
        raise SettingError(Note("patrol.needs_timezone"))
    package = check_file((source if source.is_dir() else source.parent) / "plan.gpkg", Note("patrol.what.places"))
    try:
        places, routes = (read_vector(package, layer=name) for name in ("places", "routes"))
    except Exception as problem:
        raise ReadError(Note("patrol.no_plan_inside", file=package.name, problem=str(problem)[:120])) from None
    known = {}
    for i, route in enumerate(routes.itertuples(), 1):
        known[gpx_name(i, route.unit_id, route.shift)] = (route.unit_id, int(route.shift))
    found = []
    for path in tracks:
        if path.name not in known:
            raise InputError(Note("patrol.not_a_track", file=path.name, meant=did_you_mean(path.name, known)))
        unit, shift = known[path.name]
        found.append(visits_from_gpx(places, path, unit_id=unit, shift=shift, timezone=timezone, **limits))
    return found
