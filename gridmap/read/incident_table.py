"""`Incidents`: the points, as a table that stays in Parquet or Arrow.

Points do not fit in a GeoDataFrame at 10⁸ rows, so they stay columnar: an Arrow table in memory, or
Parquet files that DuckDB scans. Both answer the same questions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyproj import CRS

from gridmap._io import atomic_file, guard_formula
from gridmap._notebook_line import ShortForm
from gridmap._periods import period_of_text
from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean
from gridmap.read.metric_projection import metric_crs_of_points, project

__all__ = ["ASIDE", "COLUMNS", "PARQUET", "Incidents", "aside_rows"]

#: How files of incidents are read: a row group at a time. Arrow's own default fetches whole columns ahead, which at 50
#: million rows holds a gigabyte.
PARQUET = ds.ParquetFileFormat(default_fragment_scan_options=ds.ParquetFragmentScanOptions(pre_buffer=False))

#: The columns every incident table has, with their Arrow types. `officer_initiated` is null where unknown.
COLUMNS = {
    "incident_id": pa.string(),
    "occurred_from": pa.timestamp("us"),
    "occurred_to": pa.timestamp("us"),
    "category": pa.string(),
    "lon": pa.float64(),
    "lat": pa.float64(),
    "officer_initiated": pa.bool_(),
}


#: The columns of the rows set aside.
ASIDE = ["file", "sheet", "spreadsheet_row", "row", "reason", "found"]


def aside_rows(file: Any, row: Any, reason: Any, found: Any = "", shown: Any = None) -> pd.DataFrame:
    """Rows set aside, as a table in the columns of `ASIDE`.

    Parameters
    ----------
    file, reason, found : str or array of str
    row : array of int
        Numbers of rows of data, from 1.
    shown : callable, optional
        Gives sheet and row number as Excel shows them, of such an array (`RawTable.spreadsheet_rows`); without it, or
        where it gives None, both are left blank.
    """
    row = np.asarray(row, np.int64)
    places = shown(row) if shown is not None and len(row) else None
    sheet, number = ("", pd.NA) if places is None else places
    values = {"file": file, "sheet": sheet, "spreadsheet_row": number, "row": row, "reason": reason, "found": found}
    return pd.DataFrame(values, index=pd.RangeIndex(len(row))).astype({"spreadsheet_row": "Int64"})[ASIDE]


@dataclass(frozen=True, repr=False)
class Incidents(ShortForm):
    """Incident points in WGS 84, with what was set aside on the way.

    Attributes
    ----------
    data : pyarrow.Table or pyarrow.dataset.Dataset
        `incident_id, occurred_from, occurred_to, category, lon, lat, officer_initiated` + attributes.
        `occurred_from == occurred_to` for an exact time; a month-only date is the whole month, its end
        exclusive. Times are local and naive; null where none was given.
        Every row has usable coordinates.
    set_aside : DataFrame
        `file, sheet, spreadsheet_row, row, reason, found`: the rows that could not be used. `spreadsheet_row` is the
        number that Excel shows beside the row (titles, heading and blank lines counted; blank for what no spreadsheet
        opens), on the named `sheet` of a workbook. `row` counts data rows from 1, `found` shows the offending fields,
        never a personal one.
    source : mapping
        Where it came from: `path, sha256, rows, encoding, columns` (role → column), `notes`, …
    """

    data: pa.Table | ds.Dataset
    set_aside: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=ASIDE))
    source: Mapping = field(default_factory=dict)

    @property
    def rejected(self) -> pd.DataFrame:
        """The rows that could not be used, with the reason: `set_aside`, as the table is called in files."""
        return self.set_aside

    def __len__(self) -> int:
        return self._length

    @cached_property
    def _length(self) -> int:
        return self.data.num_rows if isinstance(self.data, pa.Table) else self.data.count_rows()

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        several = self.source.get("parts")
        path = f"{len(several)} files" if several else self.source.get("path", "memory")
        return f"Incidents: {len(self):,} used, {len(self.set_aside):,} set aside, from {path}"

    def head(self, n: int = 5) -> pd.DataFrame:
        """The first rows as a DataFrame, to look at."""
        return (self.data if isinstance(self.data, pa.Table) else self.data.head(n)).slice(0, n).to_pandas()

    def __getitem__(self, chosen: Any) -> "Incidents":
        """Some of the rows, by a mask of yes and no or a slice, as new Incidents with the same source.

        Raises
        ------
        InputError
            If a mask is not as long as there are rows, or is something else.

        Examples
        --------
        >>> points = pa.table({"lon": [0.1, 0.2, 0.3], "lat": [51.5, 51.5, 51.6], "category": ["a", "b", "a"]})
        >>> town = Incidents(points)
        >>> len(town[town.to_frame()["category"] == "a"]), len(town[:1])
        (2, 1)
        """
        table = self.arrow()
        if isinstance(chosen, slice):
            return Incidents(table.take(pa.array(np.arange(len(self))[chosen])), self.set_aside, self.source)
        mask = np.asarray(pd.array(chosen, dtype="boolean").fillna(False) if _is_mask(chosen) else np.zeros(0), bool)
        if mask.shape != (len(self),):
            raise InputError(Note("read.not_a_mask", n=len(self), found=type(chosen).__name__, length=len(mask)))
        return Incidents(table.filter(pa.array(mask)), self.set_aside, self.source)

    def select(self, chosen: Any = None, /, **filters: Any) -> "Incidents":
        """Some of the incidents: by a mask, by a function of the frame, or by the filters of `where`.

        Examples
        --------
        >>> town = Incidents(pa.table({"lon": [0.1, 0.2, 0.3], "lat": [51.5, 51.5, 51.6]}))
        >>> len(town.select(lambda frame: frame["lon"] < 0.25))
        2
        """
        found = self.where(**filters) if filters else self
        if chosen is None:
            return found
        return found[chosen(found.to_frame()) if callable(chosen) else chosen]

    def write_set_aside(self, path: str | Path) -> Path:
        """The rows set aside as a file, `.csv` (with a byte order mark, for Excel) or `.parquet`, whole or not at all.

        Raises
        ------
        SettingError
            If the name ends in neither.
        OutputError
            If it cannot be written there.
        """
        path = Path(path)
        if path.suffix.lower() not in (".csv", ".parquet"):
            raise SettingError(Note("read.aside_format", found=path.suffix or path.name))
        with atomic_file(path, message=lambda why: Note("read.cannot_write", path=path, why=why)) as part:
            if path.suffix.lower() == ".csv":
                texts = [c for c in ("file", "sheet", "found") if c in self.set_aside]
                safe = self.set_aside.astype(dict.fromkeys(texts, object))
                for column in texts:
                    safe[column] = safe[column].fillna("").astype(str).map(guard_formula)
                safe.to_csv(part, index=False, encoding="utf-8-sig")
            else:
                self.set_aside.to_parquet(part, index=False)
        return path

    @property
    def columns(self) -> list[str]:
        """Names of all columns, attributes included."""
        return list(self.data.schema.names)

    def arrow(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows as an Arrow table, all columns or those named."""
        if columns is None:
            return self.data if isinstance(self.data, pa.Table) else self.data.to_table()
        stored = [self._under(name) for name in columns]
        for name in stored:
            if name not in self.columns:
                raise InputError(Note("read.no_incident_column", name=name, meant=did_you_mean(name, self.columns)))
        table = self.data.select(stored) if isinstance(self.data, pa.Table) else self.data.to_table(columns=stored)
        return table.rename_columns(list(columns))

    def _under(self, name: str) -> str:
        """The name that a column has here: `officer_initiated` was `patrol_found` in tables made before."""
        other = {"patrol_found": "officer_initiated", "officer_initiated": "patrol_found"}.get(name, name)
        return name if name in self.columns or other not in self.columns else other

    def to_frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows as a pandas DataFrame."""
        return self.arrow(columns).to_pandas()

    def to_geodataframe(self) -> gpd.GeoDataFrame:
        """The rows as points in EPSG:4326; for what fits in memory."""
        frame = self.to_frame()
        return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(frame["lon"], frame["lat"]), crs=4326)

    def lonlat(self) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude as two float arrays."""
        table = self.arrow(["lon", "lat"])
        return table["lon"].to_numpy(), table["lat"].to_numpy()

    @cached_property
    def metric_crs(self) -> CRS:
        """The CRS in metres that gridmap takes for these points."""
        lon, lat = self.lonlat()
        if not len(lon):
            raise InputError(Note("read.no_incidents_no_crs"))
        return metric_crs_of_points(lon, lat)

    def xy_m(self, crs: CRS | None = None) -> np.ndarray:
        """Coordinates in metres, shape (n, 2), in `crs` or in `metric_crs`."""
        return np.column_stack(project(*self.lonlat(), self.metric_crs if crs is None else crs))

    @classmethod
    def concat(cls, parts: Sequence["Incidents"]) -> "Incidents":
        """Several sets as one: rows one after another, columns by name, sources listed under `source["parts"]`."""
        if len(parts) == 1:
            return parts[0]
        table = pa.concat_tables([part.arrow() for part in parts], promote_options="permissive")
        aside = [part.set_aside for part in parts if len(part.set_aside)]
        source = {
            "path": ", ".join(str(p.source.get("path", "memory")) for p in parts),
            "parts": [p.source for p in parts],
        }
        return cls(table, pd.concat(aside, ignore_index=True) if aside else parts[0].set_aside, source)

    def where(
        self,
        *,
        category: str | Sequence[str] | None = None,
        officer_initiated: bool | None = None,
        period: str | pd.Period | None = None,
        hours: Sequence[int] | None = None,
        weekdays: Sequence[int] | None = None,
        patrol_found: bool | None = None,
    ) -> "Incidents":
        """Only some of the incidents, as new Incidents with the same source and set-aside rows.

        Parameters
        ----------
        category : str or list of str, optional
            Keep these categories. A name that does not occur is an InputError that lists those that do.
        officer_initiated : bool, optional
            False leaves out what a patrol came upon (unknown stays in); True keeps only that.
        period : str or pandas.Period, optional
            As in "2018", "2018-07" or "2018-07-14": keep what lies in it by the middle of its interval, if the interval
            is no longer than the period.
        hours : (first, last), optional
            Hours 0 to 23, both included; (22, 5) goes over midnight. An hour is known where the incident's interval is
            no longer than an hour; incidents whose hour is unknown are left out.
        weekdays : list of int, optional
            0 is Monday. Known where the interval is no longer than a day; the others are left out.
        patrol_found : bool, optional
            The old name of `officer_initiated`.

        Raises
        ------
        InputError
            If a category does not occur.
        SettingError
            For a period, hours or weekdays that are none.
        """
        if officer_initiated is None:
            officer_initiated = patrol_found
        table = self.arrow()
        if category is not None:
            wanted = [category] if isinstance(category, str) else list(category)
            there = pc.unique(table["category"]).drop_null().to_pylist()
            for name in wanted:
                if name not in there:
                    raise InputError(Note("read.no_such_category", name=name, meant=did_you_mean(name, there)))
            table = table.filter(pc.is_in(table["category"], pa.array(wanted, pa.string())))
        if officer_initiated is not None:
            found = pc.fill_null(table[self._under("officer_initiated")], False)
            table = table.filter(found if officer_initiated else pc.invert(found))
        if period is not None:
            table = table.filter(_within(table, period))
        if hours is not None:
            table = table.filter(_at_hours(table, hours))
        if weekdays is not None:
            table = table.filter(_on_weekdays(table, weekdays))
        return Incidents(table, self.set_aside, self.source)


def _is_mask(chosen: Any) -> bool:
    """Whether it is a row of yes and no, unknown allowed."""
    try:
        return pd.api.types.is_bool_dtype(pd.array(chosen)) if not isinstance(chosen, str) else False
    except (TypeError, ValueError):
        return False


def _at_hours(table: pa.Table, hours: Sequence[int]) -> pa.Array:
    given = tuple(hours)
    if len(given) != 2 or not all(type(h) is int and 0 <= h <= 23 for h in given):
        raise SettingError(Note("read.hours_form", found=str(list(given))))
    low, high = given
    middle, long = _middles(table)
    hour = middle.astype("datetime64[h]").astype(np.int64) % 24  # some number for no date too, left out by its length
    inside = (hour >= low) & (hour <= high) if low <= high else (hour >= low) | (hour <= high)
    return pa.array(inside & (long <= np.timedelta64(1, "h")))


def _on_weekdays(table: pa.Table, weekdays: Sequence[int]) -> pa.Array:
    given = tuple(weekdays)
    if not given or not all(type(d) is int and 0 <= d <= 6 for d in given):
        raise SettingError(Note("read.weekdays_form", found=str(list(given))))
    middle, long = _middles(table)
    weekday = (middle.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return pa.array(np.isin(weekday, given) & (long <= np.timedelta64(1, "D")))


def _middles(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The middle and the length of each incident's interval; NaT where it has no date."""
    first = table["occurred_from"].to_numpy(zero_copy_only=False)
    last = table["occurred_to"].to_numpy(zero_copy_only=False)
    return first + (last - first) / 2, last - first


def _within(table: pa.Table, period: str | pd.Period) -> pa.Array:
    try:
        span = period_of_text(period)
        start, end = span.start_time.to_datetime64(), (span + 1).start_time.to_datetime64()
    except (ValueError, TypeError):
        raise SettingError(Note("read.period_form", period=period)) from None
    middle, long = _middles(table)
    return pa.array((middle >= start) & (middle < end) & (long <= end - start))
