"""Incident files: what happened where and when, as one clean table.

A case export as it is (title rows, GBK, 经度/纬度 in any order of columns, a month for a date, rows without a place)
becomes `Incidents`. Nothing is lost in silence: every row is used or set aside with its number and the reason, and
the sum is checked each time a file is read. Columns about persons are dropped at the door and named in
`source["dropped"]`.
"""

import re
import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from gridmap.errors import InputError, SettingError
from gridmap.read.base import Incidents
from gridmap.read.convert import convert, time_texts
from gridmap.read.files import check_file, sha256_of
from gridmap.read.frames import frame_table
from gridmap.read.plan import Plan, make_plan
from gridmap.read.tables import RawTable, _Again, open_table
from gridmap.read.times import TimeEvidence, TimeRule, check_timezone, read_times

__all__ = ["read_incidents"]

IN_MEMORY = 1 << 29  # bytes of text; what is larger is streamed to Parquet
ROW_GROUP = 122_880
SAMPLE = 20_000


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
) -> Incidents:
    """The incidents of a file or a frame.

    Parameters
    ----------
    path : str, Path, DataFrame or GeoDataFrame
        CSV (also .gz, .zip), Excel, Parquet, GeoPackage, GeoJSON, Shapefile, or a frame.
    columns : mapping, optional
        Role → column, for `incident_id, occurred_from, occurred_to, time_of_day, category, lon, lat, coordinates,
        address, zone, patrol_found`. Roles that are not given are found by name, then by content; a role given as None
        is left out.
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
    gazetteer : DataFrame or path, optional
        Places the rows without coordinates: see `gridmap.read.gazetteer`.
    repair : list of {"swapped", "sign"}
        What to put right instead of setting it aside; counted in `source["repaired"]`.
    duplicates : {"keep", "remove"}
        The same incident id again (or, without ids, the same row with an exact time): counted, and removed only on
        request.
    not_personal : list of str
        Columns that look personal and, you vouch, are not.

    Returns
    -------
    Incidents
        `len(incidents) + len(incidents.set_aside)` is the number of rows in the file.

    Raises
    ------
    ReadError
        If the file is absent, unreadable, blank or of an unknown format.
    InputError
        If it has no rows or no coordinates, or these are exchanged throughout, or day and month cannot be told apart.
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
    if duplicates not in ("keep", "remove"):
        raise SettingError(f"duplicates={duplicates!r} is not one of keep, remove.")
    check_timezone(timezone)
    raw, origin = _raw(path, table, encoding)
    repair = (repair,) if isinstance(repair, str) else tuple(repair)
    not_personal = (not_personal,) if isinstance(not_personal, str) else tuple(not_personal)
    source, whole = _sample(raw)
    if source.num_rows == 0 and not any(b.faults for b in whole or ()):
        raise InputError(f"{raw.name} has a header ({', '.join(raw.columns[:6])}) but no rows. Export it again.")
    need = gazetteer is None
    plan = make_plan(
        raw, source, columns=columns, datum=datum, crs=crs, not_personal=not_personal, repair=repair, need_places=need
    )
    _decide_clock(plan, source)
    batches = whole if whole is not None else raw.batches
    _decide_times(plan, raw, batches, timezone, date_order)
    placer = None
    if gazetteer is not None:
        from gridmap.read.gazetteer import Gazetteer

        placer = Gazetteer.of(gazetteer)
    box = None if boundaries is None else tuple(boundaries.total_bounds)
    data, aside, stats, owner = _convert_all(raw, plan, batches, repair, placer, box, duplicates)
    set_aside = pd.concat(aside, ignore_index=True) if aside else pd.DataFrame(columns=["row", "reason", "found"])
    set_aside = set_aside.sort_values("row", kind="stable", ignore_index=True)
    set_aside.insert(0, "file", raw.name)
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
        "notes": [*raw.notes, *plan.notes],
    }
    incidents = Incidents(data, set_aside, source)
    if owner is not None:
        weakref.finalize(data, shutil.rmtree, owner, ignore_errors=True)
    lost = int((set_aside["reason"] == "sign_lost").sum())
    if lost > used:
        raise InputError(
            f"{lost} of {lost + used} points of {raw.name} lie in the boundaries' extent only with a "
            "minus sign before a "
            "coordinate. Read them with repair=['sign']."
        )
    if box is not None and used:
        from gridmap.read.overlap import require_overlap

        require_overlap(incidents, boundaries)
    return incidents


def _raw(path, table, encoding) -> tuple[RawTable, dict]:
    if isinstance(path, pd.DataFrame):
        return frame_table(path, "memory"), {"path": "memory", "sha256": None}
    if isinstance(path, str) and "://" in path:
        from gridmap.read.databases import open_database

        raw = open_database(path, table=table)
        return raw, {"path": raw.name, "sha256": None}
    if not isinstance(path, str | Path):
        raise InputError(f"Incidents are read from a path or a frame, not from a {type(path).__name__}.")
    file = check_file(path, "incidents")
    return open_table(file, table=table, encoding=encoding), {"path": str(path), "sha256": sha256_of(file)}


def _sample(raw: RawTable) -> tuple[pa.Table, list | None]:
    """Rows to decide by, and all the batches when they fit in memory."""
    for _ in range(2):
        try:
            if raw.size <= IN_MEMORY:
                whole = list(raw.batches())
                tables = [b.table for b in whole]
                table = (
                    pa.concat_tables(tables)
                    if tables
                    else pa.table({c: pa.array([], pa.string()) for c in raw.columns})
                )
                return _spread(table), whole
            parts, seen = [], 0
            for batch in raw.batches():
                parts.append(batch.table)
                seen += batch.table.num_rows
                if seen >= 5 * SAMPLE:
                    break
            return _spread(pa.concat_tables(parts)), None
        except _Again:
            continue
    raise AssertionError("the careful reader failed as the quick one did")


def _spread(table: pa.Table) -> pa.Table:
    if table.num_rows <= SAMPLE:
        return table
    return table.take(pa.array(np.linspace(0, table.num_rows - 1, SAMPLE).astype(np.int64)))


def _decide_clock(plan: Plan, sample: pa.Table) -> None:
    """The column of clock times goes behind the date only if the dates have no clock of their own."""
    clock = plan.roles.pop("time_of_day", None)
    plan.reasons.pop("time_of_day", None)
    if clock is None or "occurred_from" not in plan.roles or clock in plan.personal:
        return
    texts = [t for t in sample[clock].cast(pa.string()).slice(0, 500).to_pylist() if t and t.strip()]
    looks = (
        np.mean([bool(re.fullmatch(r"\D{0,4}\d{1,2}([:：时点].*|\d{2})?(\s*[APap][Mm])?", t.strip())) for t in texts])
        if texts
        else 0
    )
    days = sample[plan.roles["occurred_from"]].slice(0, 500)
    readings = [read_times(days, TimeRule(order, None, True)) for order in ("dmy", "mdy", "ymd")]
    start, end, _ = max(readings, key=lambda reading: int((~np.isnat(reading[0])).sum()))
    known = ~np.isnat(start)
    if looks > 0.8 and known.any() and (start != end)[known].mean() > 0.9:
        plan.clock = clock
        plan.notes.append(f"The clock times of {clock!r} were put behind the dates of {plan.roles['occurred_from']!r}.")


def _decide_times(plan: Plan, raw: RawTable, batches, timezone, date_order) -> None:
    if timezone is None and plan.chinese:
        timezone = "Asia/Shanghai"
        plan.notes.append("timezone was not declared; the data are Chinese, so their times are taken as Asia/Shanghai.")
    for role in ("occurred_from", "occurred_to"):
        if role not in plan.roles:
            continue
        wanted = [plan.roles[role]] + ([plan.clock] if role == "occurred_from" and plan.clock else [])
        for _ in range(2):
            evidence = TimeEvidence()
            try:
                for batch in batches if isinstance(batches, list) else batches(wanted):
                    values = time_texts(batch.table, plan) if role == "occurred_from" else batch.table[plan.roles[role]]
                    evidence.add(values)
                break
            except _Again:
                continue
        try:
            rule = evidence.rule(date_order=date_order, timezone=timezone, chinese=plan.chinese)
        except InputError as problem:
            raise InputError(f"Column {plan.roles[role]!r} of {raw.name}: {problem}") from None
        plan.rules[role] = rule
        if rule.midnight_is_day:
            plan.notes.append(
                f"Every clock in {plan.roles[role]!r} says 00:00, so it was read as dates without a time."
            )
        if rule.date_order and evidence.numbers:
            plan.notes.append(
                f"Dates of {plan.roles[role]!r} in numbers were read as {rule.date_order}, by the whole column."
            )
        plan.notes.extend(
            [f"times in {plan.roles[role]!r}: " + ", ".join(f"{k} {v}" for k, v in evidence.formats.items())]
            if len(evidence.formats) > 1
            else []
        )


def _convert_all(raw: RawTable, plan: Plan, batches, repair, placer, box, duplicates):
    counts, aside, tables = {}, [], []
    stats = {"rows": 0}
    owner, writer = None, None
    seen = _Seen(plan, find=duplicates == "remove")
    try:
        for batch in batches if isinstance(batches, list) else batches():
            stats["rows"] += batch.table.num_rows + len(batch.faults)
            table, rows, out = convert(batch, plan, repair=repair, gazetteer=placer, boxes=box, counts=counts)
            again = seen.again(table)
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
        data = ds.dataset(Path(owner) / "incidents.parquet")
    else:
        data = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    stats["repaired"], stats["duplicates"] = counts, seen.total()
    return data, aside, stats, owner


class _Seen:
    """Which rows were there before: by id, or, where there is none, by everything, the time being exact."""

    def __init__(self, plan: Plan, *, find: bool = False):
        self.by_id = "incident_id" in plan.roles
        self.find = find  # which rows, and not only how many
        self.keys: list[np.ndarray] = []

    def again(self, table: pa.Table) -> np.ndarray:
        """Which rows repeat an earlier one; all False unless `find`."""
        n = table.num_rows
        again = np.zeros(n, bool)
        if not n:
            return again
        if self.by_id:
            counted = np.asarray(table["incident_id"].is_valid())
            key = pd.util.hash_array(table["incident_id"].filter(pa.array(counted)).to_numpy(), categorize=False)
        else:
            frame = table.select(["occurred_from", "occurred_to", "category", "lon", "lat"]).to_pandas()
            counted = (frame["occurred_from"] == frame["occurred_to"]).to_numpy()
            key = pd.util.hash_pandas_object(frame[counted], index=False, categorize=False).to_numpy()
        if self.find:
            before = sum(map(len, self.keys))
            again[counted] = pd.Series(np.concatenate([*self.keys, key])).duplicated().to_numpy()[before:]
        self.keys.append(key)
        return again

    def total(self) -> int:
        """How many rows repeat an earlier one."""
        return int(pd.Series(np.concatenate(self.keys)).duplicated().sum()) if self.keys else 0
