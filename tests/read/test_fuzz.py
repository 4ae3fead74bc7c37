"""The readers meet anything: they give rows that add up, or one clear error."""

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridmap.errors import GridmapError
from gridmap.read.datum import from_wgs84, to_wgs84
from gridmap.read.incidents import read_incidents
from gridmap.read.times import OK, TimeRule, read_times

ROOT = Path(__file__).parents[2]
QUIET = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _one_line(problem: Exception) -> None:
    assert "\n" not in str(problem)


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NUMBER = st.one_of(st.floats(allow_nan=True).map(repr), st.integers(-200, 200).map(str), CELL)


@QUIET
@given(
    rows=st.lists(st.tuples(NUMBER, NUMBER, CELL, CELL), max_size=12),
    mark=st.sampled_from(",;\t|"),
    code=st.sampled_from(["utf-8", "gb18030", "utf-16"]),
)
def test_any_table_adds_up_or_is_refused(tmp_path, rows, mark, code):
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(["lon", "lat", "date", "type"])
    writer.writerows(rows)
    path = tmp_path / "a.csv"
    path.write_bytes(out.getvalue().encode(code, "replace"))
    try:
        incidents = read_incidents(path, datum="wgs84", date_order="dmy")
    except GridmapError as problem:
        return _one_line(problem)
    assert len(incidents) + len(incidents.set_aside) == incidents.source["rows"]
    lon, lat = incidents.lonlat()
    assert np.all((np.abs(lon) <= 180) & (np.abs(lat) <= 90))


@QUIET
@given(
    data=st.binary(max_size=400),
    suffix=st.sampled_from([".csv", ".csv.gz", ".zip", ".xlsx", ".xls", ".parquet", ".geojson"]),
)
def test_any_bytes_are_refused_in_one_line_or_add_up(tmp_path, data, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    try:
        incidents = read_incidents(path, datum="wgs84")
    except GridmapError as problem:
        _one_line(problem)
    else:
        assert len(incidents) + len(incidents.set_aside) == incidents.source["rows"]


def _zh(t):
    part = "上午" if t.hour < 12 else "下午"
    return f"{t.year}年{t.month}月{t.day}日{part}{t.hour if t.hour <= 12 else t.hour - 12}时{t.minute}分{t.second}秒"


FORMS = {
    "iso": lambda t: t.isoformat(sep=" "),
    "T": lambda t: t.isoformat(),
    "slash": lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute}:{t.second}",
    "zh": _zh,
    "compact": lambda t: t.strftime("%Y%m%d%H%M%S"),
    "dmy": lambda t: t.strftime("%d/%m/%Y %H:%M:%S"),
    "us": lambda t: t.strftime("%b %d, %Y %I:%M:%S %p"),
    "dots": lambda t: t.strftime("%Y.%m.%d %H:%M:%S"),
    "epoch": lambda t: str(int(t.replace(tzinfo=dt.UTC).timestamp())),
}


@QUIET
@given(moment=st.datetimes(dt.datetime(1975, 1, 1), dt.datetime(2099, 12, 31)), form=st.sampled_from(sorted(FORMS)))
def test_every_way_of_writing_a_time_gives_it_back(moment, form):
    moment = moment.replace(microsecond=0)
    start, end, status = read_times([FORMS[form](moment)], TimeRule("dmy"))
    assert status[0] == OK
    assert start[0].astype(dt.datetime) == moment
    assert end[0] == start[0]


@QUIET
@given(text=st.text(max_size=30))
def test_any_text_is_a_time_or_none(text):
    start, end, status = read_times([text], TimeRule("dmy", "Asia/Shanghai"))
    assert (status[0] == OK) == (not np.isnat(start[0]))
    assert np.isnat(start[0]) or start[0] <= end[0]


@QUIET
@given(lon=st.floats(72.1, 137.7), lat=st.floats(0.9, 55.7), datum=st.sampled_from(["gcj02", "bd09"]))
def test_there_and_back_is_within_a_millimetre(lon, lat, datum):
    x, y = to_wgs84(*from_wgs84(lon, lat, datum=datum), datum=datum)
    assert abs(x - lon) * 111_320 < 1e-3
    assert abs(y - lat) * 111_320 < 1e-3


@pytest.mark.slow
def test_five_minutes_of_mutants_find_nothing():
    seconds = os.environ.get("GRIDMAP_FUZZ_SECONDS", "300")
    done = subprocess.run(
        [sys.executable, "-m", "tests.messy.fuzz", "--seconds", seconds, "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr[-4000:]
