"""Incident files: what happened where and when, as one clean table.

A case export as it is (title rows, GBK, 经度/纬度 in any order of columns, a month for a date, rows without a place)
becomes `Incidents`. Nothing is lost in silence: every row is used or set aside with its number and the reason, and
the sum is checked each time a file is read. Columns about persons are dropped at reading and named in
`source["dropped"]`.
"""

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import shapely

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note
from gridmap.read.coordinates import needs_datum
from gridmap.read.datum import estimate_datum, from_wgs84
from gridmap.read.incident_table import PARQUET, Incidents, aside_rows
from gridmap.read.row_conversion import Losses, SeenRows, convert
from gridmap.read.schema import Plan, category_key, decide_clock, decide_times, make_plan
from gridmap.read.several_files import CountedBefore
from gridmap.read.sources import again, open_source, sample_of
from gridmap.read.store_reading import is_store, stored_incidents
from gridmap.read.tables.text import RawTable
from gridmap.read.times import check_timezone

__all__ = [
    "as_incidents",
    "read_incident_files",
    "read_incidents",
    "read_with_rows",
    "require_overlap",
    "zones_contradicted",
]


def require_overlap(incidents: Incidents, boundaries: gpd.GeoDataFrame, *, least: float = 0.01) -> float:
    """Share of the points in the extent of the boundaries, or an error that says what went wrong.

    Parameters
    ----------
    incidents : Incidents
    boundaries : GeoDataFrame in EPSG:4326
    least : float, default 0.01
        The smallest share that passes.

    Raises
    ------
    InputError
        If fewer lie there: exchanged, without their sign, or of another place.
    """
    lon, lat = _thinned(incidents, max(1, len(incidents) // _MOST_LOOKED_AT))
    if not len(lon):
        return 0.0
    west, south, east, north = boundaries.total_bounds
    pad = 0.1 * max(east - west, north - south)

    def share(x, y) -> float:
        return float(np.mean((x >= west - pad) & (x <= east + pad) & (y >= south - pad) & (y <= north + pad)))

    here = share(lon, lat)
    if here >= least:
        return here
    roles = incidents.source.get("columns", {})
    path = incidents.source.get("path", "the incidents")
    of = Note("read.overlap_share", share=here, n=len(incidents), path=str(path))
    if share(lat, lon) > 0.5:
        columns = f"columns={{'lon': {roles.get('lat', '…')!r}, 'lat': {roles.get('lon', '…')!r}}}"
        raise InputError(Note("read.overlap_swapped", of=of, share=share(lat, lon), columns=columns))
    signs = {s: share(s[0] * lon, s[1] * lat) for s in ((-1, 1), (1, -1), (-1, -1))}
    sign = max(signs, key=lambda s: signs[s])
    if signs[sign] > 0.5:
        which = Note({(-1, 1): "read.longitude", (1, -1): "read.latitude"}.get(sign, "read.longitude_and_latitude"))
        raise InputError(Note("read.overlap_sign", of=of, share=signs[sign], which=which))
    raise InputError(
        Note(
            "read.overlap_elsewhere",
            of=of,
            west=west,
            east=east,
            south=south,
            north=north,
            lon1=lon.min(),
            lon2=lon.max(),
            lat1=lat.min(),
            lat2=lat.max(),
        )
    )


ROW_GROUP = 122_880
#: Points this near to the zone they name are off by the drawing of the border, not by a datum.
NEAR_ITS_ZONE_M = 100.0
#: How a file of many rows is looked through once: not far ahead, so that little of it is held.
ONE_BY_ONE: dict[str, Any] = {"batch_readahead": 2, "fragment_readahead": 1, "use_threads": False}


def zones_contradicted(incidents: Incidents, boundaries: gpd.GeoDataFrame, *, least: float = 0.15) -> Note | None:
    """A note where rows name a zone of the boundaries and many of their points lie in another, with the numbers.

    One of both is shifted (a datum not declared), or the names are those of another time. Where half of these points
    lie close to the zone they name, as with simplified borders and points moved to a street, that is the note.
    """
    role = incidents.source.get("columns", {}).get("zone")
    if role is None or role not in incidents.columns:
        return None
    table = incidents.arrow([role, "lon", "lat"]).slice(0, 20_000)
    named = np.array([None if v is None else str(v).strip() for v in table[role].to_pylist()], object)
    names = boundaries[[c for c in ("zone_id", "name") if c in boundaries]].astype(str).to_numpy()
    known = pd.Index(named.astype(str)).isin(names.ravel())  # by hash: numpy sorts texts, for seconds
    if known.sum() < 20 or known.mean() < 0.2:
        return None
    at = np.flatnonzero(known)
    points = shapely.points(table["lon"].to_numpy()[at], table["lat"].to_numpy()[at])
    zone, point = shapely.STRtree(points).query(boundaries.geometry.to_numpy(), predicate="intersects")
    same = np.zeros(len(at), bool)
    same[point[(names[zone] == named[at][point][:, None]).any(axis=1)]] = True
    if 1 - same.mean() < least:
        return None
    numbers = {"n": int((~same).sum()), "rows": len(at), "share": float(1 - same.mean()), "column": role}
    row_of = {name: row for row, of_zone in enumerate(names) for name in of_zone}
    zones = boundaries.geometry.to_numpy()[[row_of[name] for name in named[at][~same]]]
    metres = 111_195 * np.array([np.cos(np.radians(table["lat"].to_numpy()[at].mean())), 1.0])
    off = shapely.distance(shapely.transform(zones, lambda xy: xy * metres), shapely.points(
        shapely.get_coordinates(points[~same]) * metres))  # fmt: skip
    if (half := float(np.median(off))) <= NEAR_ITS_ZONE_M:
        return Note("read.zones_near", **numbers, metres=half)
    return Note("read.zones_contradicted", **numbers)


def read_incidents(
    path,
    *,
    columns=None,
    datum: str | None = None,
    crs=None,
    timezone: str | None = None,
    date_order: str | None = None,
    encoding: str | None = None,
    table: str | None = None,
    boundaries=None,
    gazetteer=None,
    repair=(),
    duplicates: str = "keep",
    not_personal=(),
    join_categories: bool = False,
    h3_column: str | None = None,
    h3_resolution: int | None = None,
) -> Incidents:
    """The incidents of a file or a frame.

    Parameters
    ----------
    path : str, Path, DataFrame or GeoDataFrame
        CSV (also .gz, .zip), Excel, Parquet, GeoPackage, GeoJSON, Shapefile, or a frame; or the folder of a store
        (`IncidentStore`), whose files were read when they were added, so that no setting of reading goes with it.
    columns : mapping, optional
        Role → column, for `incident_id, occurred_from, occurred_to, time_of_day, category, lon, lat, coordinates,
        address, zone, officer_initiated` and, for a date in pieces, `year, month, day, hour, minute`.
        Roles that are not given are found by name, then by content; a role given as None is left out.
    datum : {"wgs84", "gcj02", "bd09", "cgcs2000"}, optional
        Required for degrees in China unless the file says it.
    crs : anything pyproj understands, optional
        For coordinates in metres, such as "EPSG:4527".
    timezone : str, optional
        IANA name of the local time of the incidents; by default Asia/Shanghai for Chinese data, otherwise the clock
        as written.
    date_order : {"dmy", "mdy", "ymd"}, optional
        Of dates in numbers, where the column does not decide it.
    encoding : str, optional
    table : str, optional
        Sheet, layer, or file in an archive, where there are several.
    boundaries : GeoDataFrame, optional
        As `read_boundaries` returns them: exchanged and sign-lost coordinates are then recognised anywhere on Earth.
    gazetteer : DataFrame, path or mapping, optional
        Places the rows without coordinates: see `gridmap.read.gazetteer`. `{path: …, datum: …}` for a list on a
        datum of its own; without one, that of the rows where it is GCJ-02 or BD-09.
    repair : list of {"swapped", "sign"}
        What to put right instead of setting it aside; counted in `source["repaired"]`.
    duplicates : {"keep", "remove"}
        The same incident id again (or, without ids, the same row with an exact time): counted, and removed only on
        request.
    not_personal : list of str
        Columns that look personal and, you vouch, are not.
    join_categories : bool, default False
        Categories that differ by case, width and blanks only become one, in their commonest spelling.

    h3_column : str, optional
        A column of H3 cells (hexadecimal text or 64-bit numbers) that says where the rows lie, in place of coordinates:
        each in the middle of its cell. The column stays as an attribute.
    h3_resolution : int, optional
        The resolution that rows will be counted at: each is put into its cell's parent there, and a coarser cell is set
        aside. A pipeline takes it from its grid.

    Returns
    -------
    Incidents
        `len(incidents) + len(incidents.set_aside)` is the number of rows in the file.

    Raises
    ------
    ReadError
        If the file is absent, unreadable, blank or of an unknown format.
    InputError
        If it has no rows or no coordinates, or these are exchanged throughout, or day and month are ambiguous.
    CRSError
        If the datum or the CRS must be named.
    SettingError
        If an option is not known.

    Examples
    --------
    >>> incidents = read_incidents("data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz")
    >>> incidents
    <Incidents: 30,752 used, 883 set aside, from data/west_yorkshire/2018-07-west-yorkshire-street.csv.gz>
    >>> incidents.source["rows"], incidents.source["dropped"]
    (31635, {})
    """
    if is_store(path):
        settings = {"columns": columns, "datum": datum, "crs": crs, "timezone": timezone, "date_order": date_order}
        settings |= {"encoding": encoding, "table": table, "gazetteer": gazetteer, "h3_column": h3_column}
        given = [name for name, value in settings.items() if value is not None]
        if given:
            raise SettingError(Note("store.read_already", settings=given))
        stored = stored_incidents(path)
        if boundaries is not None and len(stored):
            require_overlap(stored, boundaries)
        return stored
    return read_with_rows(
        path,
        columns=columns,
        datum=datum,
        crs=crs,
        timezone=timezone,
        date_order=date_order,
        encoding=encoding,
        table=table,
        boundaries=boundaries,
        gazetteer=gazetteer,
        repair=repair,
        duplicates=duplicates,
        not_personal=not_personal,
        join_categories=join_categories,
        h3_column=h3_column,
        h3_resolution=h3_resolution,
        numbered=False,
    )[0]


def read_incident_files(paths: Iterable[str | Path], **options: Any) -> list[Incidents]:
    """Several exports, each incident counted once: what stands in an earlier file is set aside in a later one.

    Parameters
    ----------
    paths : list of str or Path
    **options
        As `read_incidents` takes them.

    Returns
    -------
    list of Incidents
        One a file, in order; `Incidents.concat` makes them one.
    """
    paths = list(paths)
    if len(paths) == 1:
        return [read_with_rows(paths[0], **options, numbered=False)[0]]
    before, parts = CountedBefore(), []
    for path in paths:
        incidents, rows, shown = read_with_rows(path, **options)
        parts.append(before.take(incidents, rows, path, shown))
    return parts


def read_with_rows(
    path,
    *,
    columns=None,
    datum=None,
    crs=None,
    timezone=None,
    date_order=None,
    encoding=None,
    table=None,
    boundaries=None,
    gazetteer=None,
    repair=(),
    duplicates="keep",
    not_personal=(),
    join_categories=False,
    h3_column=None,
    h3_resolution=None,
    numbered: bool = True,
) -> tuple[Incidents, np.ndarray, Callable[[np.ndarray], tuple[list[str], np.ndarray] | None]]:
    """The incidents of one file, the number of the row that each stood in, and what gives the row that Excel shows.

    Settings are those of `read_incidents`. Without `numbered` the numbers are not kept, and none are answered.
    """
    if duplicates not in ("keep", "remove"):
        raise SettingError(Note("read.duplicates_option", duplicates=duplicates))
    check_timezone(timezone)
    if h3_column is not None and gazetteer is not None:
        raise SettingError(Note("read.h3_and_gazetteer", column=h3_column))
    raw, origin = open_source(path, table, encoding)
    repair = (repair,) if isinstance(repair, str) else tuple(repair)
    not_personal = (not_personal,) if isinstance(not_personal, str) else tuple(not_personal)
    source, whole = sample_of(raw)
    if source.num_rows == 0 and not any(b.faults for b in whole or ()):
        raise InputError(Note("read.header_only", file=raw.name, columns=list(raw.columns[:6])))
    need = gazetteer is None
    plan = make_plan(
        raw,
        source,
        columns=columns,
        datum=datum,
        crs=crs,
        not_personal=not_personal,
        repair=repair,
        need_places=need,
        h3_column=h3_column,
        h3_resolution=h3_resolution,
    )
    decide_clock(plan, source)
    batches = whole if whole is not None else raw.batches
    decide_times(plan, raw, source, batches, timezone, date_order)
    placer = None
    if gazetteer is not None:
        from gridmap.read.gazetteer import Gazetteer

        placer = Gazetteer.of(gazetteer, datum=datum if datum in ("gcj02", "bd09") else None)
    box = None if boundaries is None else tuple(boundaries.total_bounds)
    spelling = _common_spelling(plan, batches) if join_categories else {}
    data, aside, stats, owner = _convert_all(
        raw, plan, batches, repair, placer, box, duplicates, spelling, numbered=numbered
    )
    set_aside = pd.concat(aside, ignore_index=True) if aside else pd.DataFrame(columns=["row", "reason", "found"])
    set_aside = set_aside.sort_values("row", kind="stable", ignore_index=True)
    row, reason, found = (set_aside[c].to_numpy() for c in ("row", "reason", "found"))
    set_aside = aside_rows(raw.name, row, reason, found, shown=raw.spreadsheet_rows)
    used = data.num_rows if isinstance(data, pa.Table) else data.count_rows()
    if used + len(set_aside) != stats["rows"]:  # a law of the project, so it is checked and not assumed
        raise AssertionError(f"{used} used + {len(set_aside)} set aside are not the {stats['rows']} rows of {raw.name}")
    source = {
        **origin,
        "rows": stats["rows"],
        "used": used,
        "set_aside": len(set_aside),
        "encoding": raw.encoding,
        "columns": plan.roles,
        "reasons": plan.reasons,
        "dropped": plan.personal,
        "datum": plan.datum if plan.crs is None else plan.crs.name,
        "timezone": plan.rules["occurred_from"].timezone if "occurred_from" in plan.rules else timezone,
        "repaired": stats["repaired"],
        "duplicates": stats["duplicates"],
        "notes": [*raw.notes, *plan.notes, *stats["losses"]],
    }
    incidents = Incidents(data, set_aside, source)
    if owner is not None:
        weakref.finalize(data, shutil.rmtree, owner, ignore_errors=True)
    if plan.h3 is not None and not used and set_aside["reason"].isin(["not_h3", "h3_coarser"]).any():
        found = set_aside.loc[set_aside["reason"].isin(["not_h3", "h3_coarser"]), "found"].iloc[0]
        least = 0 if h3_resolution is None else h3_resolution
        raise InputError(Note("read.no_h3_cells", file=raw.name, column=plan.h3, found=found, resolution=least))
    lost = int((set_aside["reason"] == "sign_lost").sum())
    if lost > used:
        raise InputError(Note("read.most_signs_lost", lost=lost, points=lost + used, file=raw.name))
    if plan.h3 is None and (piled := _piled(incidents)) is not None:  # many incidents may share a cell
        incidents.source["notes"].append(piled)
    if box is not None and used:
        require_overlap(incidents, boundaries)
        if (
            plan.crs is None
            and plan.h3 is None
            and (doubted := _datum_against(incidents, boundaries, plan.datum)) is not None
        ):
            incidents.source["notes"].append(doubted)
        if (contradicted := zones_contradicted(incidents, boundaries)) is not None:
            incidents.source["notes"].append(contradicted)
    numbers = np.concatenate(stats["numbers"]) if stats["numbers"] else np.zeros(0, np.int64)
    return incidents, numbers, raw.spreadsheet_rows


def _thinned(incidents: Incidents, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude of every `step`-th row, without holding all the others."""
    kept, before = [(np.empty(0), np.empty(0))], 0
    for batch in (
        incidents.data.select(["lon", "lat"]).to_batches()
        if isinstance(incidents.data, pa.Table)
        else (incidents.data.to_batches(columns=["lon", "lat"], **ONE_BY_ONE))
    ):
        here = slice(-before % step, None, step)
        kept.append((batch["lon"].to_numpy()[here].copy(), batch["lat"].to_numpy()[here].copy()))  # not whole batches
        before += batch.num_rows
    lon, lat = (np.concatenate(v) for v in zip(*kept, strict=True))
    return lon, lat


def _datum_against(incidents: Incidents, boundaries, datum: str) -> Note | None:
    """A note where points in China fit the boundaries better on another datum than the one that was declared."""
    lon, lat = _thinned(incidents, max(1, len(incidents) // 5000))
    if len(lon) < 50 or not needs_datum(lon, lat):
        return None
    lon, lat = from_wgs84(lon, lat, datum=datum)
    estimate = estimate_datum(lon, lat, boundaries=boundaries)
    if estimate.likely in (None, "wgs84" if datum == "cgcs2000" else datum):
        return None
    if estimate.likely == "wgs84":
        return Note("read.boundaries_alike", datum=datum, z=estimate.z_score)
    return Note("read.datum_doubted", datum=datum, estimate=estimate.sentence())


#: Of more rows than this every n-th is looked at: for a pile, and whether they lie in the boundaries.
_MOST_LOOKED_AT = 1_000_000


def _piled(incidents: Incidents) -> Note | None:
    """A note where more than a twentieth of the rows lie on one point: a default of the system, a station."""
    step = max(1, len(incidents) // _MOST_LOOKED_AT)
    lon, lat = _thinned(incidents, step)
    if len(lon) <= 20:
        return None
    places = np.round(lon * 1e6).astype(np.int64) * 200_000_000 + np.round(lat * 1e6).astype(np.int64)
    _, n = np.unique(places, return_counts=True)
    most = int(n.max())
    if most <= max(10, 0.05 * len(lon)):
        return None
    return Note("read.piled_rows", n=most * step, share=most / len(lon))


def _common_spelling(plan: Plan, batches) -> dict[str, str]:
    """Category → its commonest spelling, where several differ by case, width and blanks only."""
    column = plan.roles.get("category")
    if column is None:
        return {}
    counts: Counter[str] = Counter()
    for batch in again(batches, [column]):
        values = batch.table[column].cast(pa.string()).value_counts()
        counts.update({str(v["values"]).strip(): v["counts"] for v in values.to_pylist() if v["values"]})
    best: dict[str, str] = {}
    for text, _ in counts.most_common():
        best.setdefault(category_key(text), text)
    return {text: best[category_key(text)] for text in counts if best[category_key(text)] != text}


def _joined_categories(table: pa.Table, spelling: dict[str, str]) -> pa.Table:
    coded = table["category"].combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    words = pa.array([spelling.get(w, w) for w in coded.dictionary.to_pylist()], pa.string())
    values = words.take(coded.indices)
    return table.set_column(table.column_names.index("category"), "category", values)


def _convert_all(raw: RawTable, plan: Plan, batches, repair, placer, box, duplicates, spelling=None, *, numbered=True):
    counts: dict[str, int] = {}
    aside, tables = [], []
    stats: dict[str, Any] = {"rows": 0, "numbers": []}
    owner, writer = None, None
    seen, losses = SeenRows(plan, find=duplicates == "remove"), Losses()
    try:
        for batch in batches if isinstance(batches, list) else batches():
            stats["rows"] += batch.table.num_rows + len(batch.faults)
            table, rows, out = convert(
                batch, plan, repair=repair, gazetteer=placer, boxes=box, counts=counts, losses=losses
            )
            if spelling:
                table = _joined_categories(table, spelling)
            again = seen.again(table)
            if numbered:
                stats["numbers"].append(rows[~again] if duplicates == "remove" else rows)
            if duplicates == "remove" and again.any():
                twice = pd.DataFrame({"row": rows[again], "reason": "duplicate", "found": ""})
                out = pd.concat([out, twice], ignore_index=True)
                table = table.filter(pa.array(~again))
            if len(out):
                aside.append(out)
            if isinstance(batches, list):
                tables.append(table)
                continue
            if writer is None:
                owner = tempfile.mkdtemp(prefix="gridmap-")
                writer = pq.ParquetWriter(
                    Path(owner) / "incidents.parquet", table.schema, compression="zstd", compression_level=1
                )
            writer.write_table(table.cast(writer.schema), row_group_size=ROW_GROUP)
        if writer is not None:
            writer.close()
    except BaseException:
        if owner is not None:
            if writer is not None:
                writer.close()
            shutil.rmtree(owner, ignore_errors=True)
        raise
    if owner is not None:
        data = ds.dataset(Path(owner) / "incidents.parquet", format=PARQUET)
    else:
        data = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    stats["repaired"], stats["duplicates"], stats["losses"] = counts, seen.total(), losses.notes()
    return data, aside, stats, owner


def as_incidents(given: Any) -> Any:
    """A GeoDataFrame of points, or the folder of a store, as incidents by `read_incidents`; all else as it is.

    Examples
    --------
    >>> import geopandas as gpd
    >>> len(as_incidents(gpd.GeoDataFrame(geometry=gpd.points_from_xy([-1.5, -1.6], [53.7, 53.8]), crs=4326)))
    2
    """
    return read_incidents(given) if isinstance(given, gpd.GeoDataFrame) or is_store(given) else given
