"""Look closer: the incidents of an internal run, filtered; map, list, trend and clock answer together.

What is shown are counts without a test. DuckDB counts over one Parquet file of numbers (cell, kind, month, weekday,
hour) that is made of the run's own inputs, and only while they are the bytes that the run read. All that is not a place
is counted in a small cube; a place's incidents carry the number of their cube row, so a filter is chosen in the cube
and each place adds up the rows that it keeps. A selection that is worth more can be kept as a step of the pipeline;
only what is run becomes a result.
"""

import datetime as dt
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gridmap._io import sha256_of_text, write_text
from gridmap.desk import workers
from gridmap.desk.pages.ask import ORDER, read_settings
from gridmap.desk.pages.run import audience_of, record_of, run_of
from gridmap.desk.questions import FEWEST_INCIDENTS
from gridmap.desk.responses import Desk, desk_of, form_of, language_of, page, part, redirect
from gridmap.desk.svg_pictures import SHADES, bars, cells_picture, frame_paths, shades_of
from gridmap.desk.workspace import STATE
from gridmap.desk.yaml_edits import edited
from gridmap.errors import InputError
from gridmap.messages import WEEKDAYS, Note, say

if TYPE_CHECKING:
    import numpy as np

__all__ = ["ROUTES", "Filter", "Look"]

WIDTH, HEIGHT = 640, 480
SHOWN_PLACES = 15
MOST_OPEN = 3
#: What DuckDB may take for a filter.
MEMORY = "1GB"
#: Incidents that are held in memory (4 bytes each); beyond, the file is read at each change.
MOST_IN_MEMORY = 50_000_000
#: Up to so many cells a loop over them costs less than what it saves.
FEW_CELLS = 10_000


@dataclass(frozen=True)
class Filter:
    """A selection.

    Attributes
    ----------
    kinds : tuple of int
        Numbers of kinds; all where empty.
    first, last : int or None
        Months since 1970-01.
    weekdays : tuple of int
        0 is Monday; all where empty.
    from_hour, to_hour : int
        Both included; from 22 to 5 goes over midnight. 0 to 23 keeps those without an hour too.
    found : int or None
        1: found by a patrol; 0: not, unknown included, as `Incidents.where` takes it.
    """

    kinds: tuple[int, ...] = ()
    first: int | None = None
    last: int | None = None
    weekdays: tuple[int, ...] = ()
    from_hour: int = 0
    to_hour: int = 23
    found: int | None = None

    def where(self) -> str:
        """As SQL; whole numbers only, so nothing of a request's text comes into it."""
        parts = ["true"]
        if self.kinds:
            parts.append(f"kind IN ({', '.join(str(int(k)) for k in self.kinds)})")
        if self.first is not None:
            parts.append(f"month >= {int(self.first)}")
        if self.last is not None:
            parts.append(f"month <= {int(self.last)} AND month > -16384")
        if self.weekdays and len(self.weekdays) < 7:
            parts.append(f"weekday IN ({', '.join(str(int(d)) for d in self.weekdays)})")
        low, high = int(self.from_hour), int(self.to_hour)
        if (low, high) != (0, 23):
            over = f"hour BETWEEN {low} AND {high}" if low <= high else f"(hour >= {low} OR hour BETWEEN 0 AND {high})"
            parts.append(over)
        if self.found is not None:
            parts.append("found = 1" if self.found else "found <> 1")
        return " AND ".join(parts)


@dataclass
class Look:
    """One run's table, open."""

    table: Path
    about: Mapping[str, Any]
    paths: list[str]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connection: Any = None
    _cells: Any = None
    _starts: Any = None
    _codes: Any = None
    _most: int = 0

    @classmethod
    def open(cls, table: Path, about: Mapping[str, Any]) -> "Look":
        """Open a table that `workers.look_table` wrote."""
        look = cls(table, about, frame_paths(about["rings"], about["box"], WIDTH, HEIGHT))
        look._connect()
        return look

    def _connect(self) -> None:
        import duckdb
        import numpy as np

        self._connection = duckdb.connect(":memory:", config={"memory_limit": MEMORY})
        place = str(self.table).replace("'", "''")
        self._connection.execute(f"CREATE VIEW t AS SELECT * FROM read_parquet('{place}') WHERE cell >= 0")
        self._connection.execute(  # all that is not a place: some hundred thousand rows, whatever the incidents
            "CREATE TABLE cube AS SELECT code, any_value(kind) AS kind, any_value(month) AS month, "
            "any_value(weekday) AS weekday, any_value(hour) AS hour, any_value(found) AS found, count(*) AS n "
            "FROM t GROUP BY code"
        )
        by_cell = self._columns("SELECT cell, count(*) AS n FROM t GROUP BY cell ORDER BY cell")
        self._cells, rows = by_cell["cell"], by_cell["n"]
        self._starts = np.concatenate([[0], np.cumsum(rows)[:-1]]) if len(rows) else rows
        if rows.sum() <= MOST_IN_MEMORY:  # the rows of a cell lie together in the file
            self._codes = self._columns("SELECT code FROM t")["code"]
            self._most = int(self._codes.max(initial=0))

    def _columns(self, query: str) -> dict[str, "np.ndarray"]:
        import numpy as np

        return {name: np.asarray(values) for name, values in self._connection.execute(query).fetchnumpy().items()}

    def counts(self, chosen: Filter) -> tuple["np.ndarray", dict[str, dict[int, int]]]:
        """Counts of a selection: of every cell in their order; and by kind, month, weekday and hour."""
        where = chosen.where()
        others = (
            "SELECT grouping_id(kind, month, weekday, hour), kind, month, weekday, hour, sum(n)::BIGINT "
            f"FROM cube WHERE {where} GROUP BY GROUPING SETS ((kind), (month), (weekday), (hour))"
        )
        with self._lock:
            rows = self._connection.execute(others).fetchall()
            cells = self._by_cell(where)
        out: dict[str, dict[int, int]] = {name: {} for name in NAMES}
        for g, *values, n in rows:
            at = OF_GROUP[g]
            out[NAMES[at]][values[at]] = n
        return cells, out

    def _by_cell(self, where: str) -> "np.ndarray":
        """Of ten million rows in the time of one lookup each; of more than are held, by a scan of the file."""
        import numpy as np

        out = np.zeros(len(self.about["ids"]), np.int64)
        if self._codes is None:
            found = self._columns(f"SELECT cell, count(*) AS n FROM t WHERE {where} GROUP BY cell")
            out[found["cell"]] = found["n"]
            return out
        kept = np.zeros(self._most + 1, bool)
        kept[self._columns(f"SELECT code FROM cube WHERE {where}")["code"]] = True
        if len(self._starts) <= FEW_CELLS:  # long stretches: counted one by one, each within the processor's cache
            stretches = zip(self._starts, [*self._starts[1:], len(self._codes)], strict=True)
            out[self._cells] = [np.count_nonzero(kept[self._codes[a:b]]) for a, b in stretches]
        else:
            out[self._cells] = np.add.reduceat(kept[self._codes].view(np.uint8), self._starts, dtype=np.int64)
        return out

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._connection.close()


NAMES = ("kind", "month", "weekday", "hour")
#: `grouping_id` sets a bit for each column that is not grouped by.
OF_GROUP = {0b1111 ^ (1 << (3 - i)): i for i in range(4)}


def month_name(month: int) -> str:
    """Months since 1970-01 as 2018-07."""
    return f"{1970 + month // 12}-{month % 12 + 1:02}"


def month_number(text: str) -> int | None:
    """2018-07 as months since 1970-01."""
    found = re.fullmatch(r"(\d{4})-(\d{2})", text)
    return (int(found[1]) - 1970) * 12 + int(found[2]) - 1 if found and 1 <= int(found[2]) <= 12 else None


# ---------------------------------------------------------------------------------------------- the page


def _place(desk: Desk, run: str) -> tuple[Path, Path]:
    key = sha256_of_text(run)[:24]
    folder = desk.workspace.folder / STATE
    return folder / f"look-{key}.parquet", folder / f"look-{key}.json"


def _internal(desk: Desk, run: str) -> Path:
    folder = run_of(desk.workspace, run)
    if audience_of(folder) != "internal" or record_of(folder).get("audience") != "internal":
        raise InputError(Note("desk.look_internal_only"))
    return folder


async def _open(desk: Desk, run: str) -> Look | None:
    """The table of a run, if it was prepared and is of this run."""
    folder = _internal(desk, run)
    table, note = _place(desk, run)
    known = desk.workspace.note(note.name)
    identity = record_of(folder).get("run_id")
    if not table.is_file() or not isinstance(known, dict) or known.get("run_id") != identity:
        return None
    if known.get("columns") != workers.LOOK_COLUMNS:  # an earlier gridmap made it
        return None
    key = f"{run}:{identity}"
    if key not in desk.looks:
        while len(desk.looks) >= MOST_OPEN:
            desk.looks.pop(next(iter(desk.looks))).close()
        desk.looks[key] = await run_in_threadpool(Look.open, table, known)
    return desk.looks[key]


async def show(request: Request) -> Response:
    """The page, or the wish to prepare it."""
    desk, run = desk_of(request), request.path_params["run"]
    opened = await _open(desk, run)
    if opened is None:
        return page(request, "look_prepare", run=run, title=str(record_of(_internal(desk, run)).get("title") or run))
    values = await run_in_threadpool(_values, request, opened, run)
    return page(request, "look", **values)


async def view(request: Request) -> Response:
    """The answers alone, as a filter changes."""
    desk, run = desk_of(request), request.path_params["run"]
    opened = await _open(desk, run)
    if opened is None:
        return redirect(f"/look/{run}")
    return part(request, "_look.html", **await run_in_threadpool(_values, request, opened, run))


async def prepare(request: Request) -> Response:
    """Make the table of a run."""
    desk, run = desk_of(request), request.path_params["run"]
    folder = _internal(desk, run)
    table, note = _place(desk, run)
    made = await desk.work(workers.look_table, folder.name, str(table))
    desk.workspace.write_note(
        note.name, {"run_id": record_of(folder).get("run_id"), "columns": workers.LOOK_COLUMNS, **made}
    )
    for key in [key for key in desk.looks if key.startswith(f"{run}:")]:
        desk.looks.pop(key).close()
    return redirect(f"/look/{run}")


def filter_of(given: Any, kinds: int) -> Filter:
    """A selection from a query or a form."""

    def numbers(key: str, below: int) -> tuple[int, ...]:
        return tuple(sorted({int(v) for v in given.getlist(key) if re.fullmatch(r"\d{1,4}", v) and int(v) < below}))

    def hour(key: str, default: int) -> int:
        text = given.get(key, "")
        return int(text) if re.fullmatch(r"\d{1,2}", text) and int(text) < 24 else default

    found = {"1": 1, "0": 0}.get(given.get("found", ""))
    return Filter(
        kinds=numbers("kind", kinds),
        first=month_number(given.get("first", "")),
        last=month_number(given.get("last", "")),
        weekdays=numbers("weekday", 7),
        from_hour=hour("from_hour", 0),
        to_hour=hour("to_hour", 23),
        found=found,
    )


def _breaks(most: int) -> list[int]:
    """Where the next shade begins: shares of the highest, on the scale of a square root, whole numbers, each once."""
    return sorted({b for i in range(1, SHADES) if (b := round(most * (i / SHADES) ** 2)) > 1})


def _values(request: Request, opened: Look, run: str) -> dict[str, Any]:
    language, about = language_of(request), opened.about
    chosen = filter_of(request.query_params, len(about["kinds"]))
    cells, counts = opened.counts(chosen)
    breaks = _breaks(int(cells.max(initial=0)))
    shades = shades_of(cells, breaks)
    top = [(i, int(cells[i])) for i in (-cells).argsort(kind="stable")[:SHOWN_PLACES].tolist() if cells[i]]
    months = counts["month"]
    known = sorted(m for m in months if m is not None and m > -16384)
    every = range(known[0], known[-1] + 1) if known else range(0)
    days = [say(f"weekday_short.{day}", language) for day in WEEKDAYS]
    total = int(cells.sum())
    whole = not request.headers.get("hx-request")
    return {
        "run": run,
        "total": total,
        "shades": shades,
        "places": [(about["names"][i], about["ids"][i], n, n / total if total else 0) for i, n in top],
        "trend": bars([(month_name(m), months.get(m, 0)) for m in every], say("desk.look_trend", language)),
        "clock": bars([(f"{h}", counts["hour"].get(h, 0)) for h in range(24)], say("desk.look_hours", language)),
        "week": bars([(days[d], counts["weekday"].get(d, 0)) for d in range(7)], say("desk.look_week", language)),
        "no_hour": counts["hour"].get(-1, 0),
        "kinds": list(enumerate(about["kinds"])),
        "chosen": chosen,
        "first": month_name(chosen.first) if chosen.first is not None else "",
        "last": month_name(chosen.last) if chosen.last is not None else "",
        "days": list(enumerate(days)),
        "picture": cells_picture(opened.paths, shades, WIDTH, HEIGHT, say("desk.look_map", language)) if whole else "",
        "query": urlencode(request.query_params.multi_items()),
        "legend": [
            (i, low, high - 1 if high is not None else None)
            for i, (low, high) in enumerate(pairwise([1, *breaks, None]))
        ],
        "swapped": not whole,
    }


async def keep(request: Request) -> Response:
    """Add the selection to the run's pipeline as a step of its own, and open it there."""
    desk, run, language = desk_of(request), request.path_params["run"], language_of(request)
    folder = _internal(desk, run)
    opened = await _open(desk, run)
    if opened is None:
        return redirect(f"/look/{run}")
    form = await form_of(request)
    chosen = filter_of(_Form(form), len(opened.about["kinds"]))
    shown = int(opened.counts(chosen)[0].sum())
    if shown < FEWEST_INCIDENTS:  # one step that no test can answer would stop the whole run
        raise InputError(Note("desk.keep_few", n=shown, least=FEWEST_INCIDENTS))
    step: dict[str, Any] = {"hotspot_test": {"order": 1, "fdr": 0.05}}
    kinds = [opened.about["kinds"][k] for k in chosen.kinds]
    name = [", ".join(kinds)] if kinds else []
    if kinds:
        step["category"] = kinds[0] if len(kinds) == 1 else kinds
    if chosen.first is not None or chosen.last is not None:
        known = [m for m in opened.counts(Filter())[1]["month"] if m is not None and m > -16384]
        first = min(known) if chosen.first is None else chosen.first
        last = max(known) if chosen.last is None else chosen.last
        if first > last:
            raise InputError(Note("desk.keep_months_backwards"))
        step["period"] = month_name(first) if first == last else _days_of_months(first, last)
        name.append(month_name(first) if first == last else f"{month_name(first)} – {month_name(last)}")
    if chosen.weekdays and len(chosen.weekdays) < 7:
        step["weekdays"] = list(chosen.weekdays)
        name.append(" ".join(say(f"weekday_short.{WEEKDAYS[day]}", language) for day in chosen.weekdays))
    if (chosen.from_hour, chosen.to_hour) != (0, 23):
        step["hours"] = [chosen.from_hour, chosen.to_hour]
        name.append(f"{chosen.from_hour:02}–{chosen.to_hour + 1:02} h")
    if chosen.found is not None:
        step["officer_initiated"] = bool(chosen.found)
        name.append(say("desk.look_found_yes" if chosen.found else "desk.look_found_no", language))
    step["name"] = " ".join(name) or say("desk.all_kinds", language)
    pipeline = str(record_of(folder).get("pipeline", ""))
    path = desk.workspace.existing(pipeline)
    text = path.read_text(encoding="utf-8")
    settings = read_settings(text)
    steps = settings.get("hotspots")
    settings["hotspots"] = [*(steps if isinstance(steps, list) else []), step]
    write_text(path, edited(text, settings, ORDER))
    return redirect(f"/ask?{urlencode({'name': path.stem})}")


def _days_of_months(first: int, last: int) -> str:
    """From the first day of a month to the last of another, as a pipeline writes a period."""
    begin = dt.date.fromisoformat(f"{month_name(first)}-01")
    end = dt.date.fromisoformat(f"{month_name(last + 1)}-01") - dt.timedelta(days=1)
    return f"{begin}/{end}"


class _Form:
    """A form's fields, read as a query's."""

    def __init__(self, fields: Mapping[str, list[str]]):
        self.fields = fields

    def getlist(self, key: str) -> list[str]:
        return self.fields.get(key, [])

    def get(self, key: str, default: str = "") -> str:
        return (self.fields.get(key) or [default])[0]


ROUTES = [
    Route("/look/{run}", show),
    Route("/look/{run}/view", view),
    Route("/look/{run}/prepare", prepare, methods=["POST"]),
    Route("/look/{run}/keep", keep, methods=["POST"]),
]
