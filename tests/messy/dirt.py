# ruff: noqa: E501 -- a table of dirt
"""A generator of dirty case exports: one clean table, and one function for each kind of dirt.

`write(folder, "title rows", seed=1)` writes a file that has that dirt and returns what reading it must give: which rows are
used, which are set aside and why, or the error. The table in docs/reading.md is written from `KINDS` by a test.
"""

import csv
import gzip
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

HEADER = ["案件编号", "案发时间", "案由", "经度", "纬度", "报警人", "联系电话"]
ROWS = 40


@dataclass
class Expected:
    """What reading must give."""

    path: Path
    aside: dict = field(default_factory=dict)  # row → reason
    options: dict = field(default_factory=lambda: {"datum": "wgs84"})
    error: str | None = None  # part of its message
    rows: int = ROWS
    truth: list = field(default_factory=list)  # the clean rows, in the order of the file
    check: Callable | None = None
    note: str | None = None  # part of a note that must be there


KINDS: dict[str, tuple[str, Callable]] = {}


def kind(name: str, happens: str):
    """Register a kind of dirt with what happens to it."""

    def register(function):
        KINDS[name] = (happens, function)
        return function

    return register


def write(folder: Path, name: str, *, seed: int = 0) -> Expected:
    """A file with this dirt in `folder`."""
    return KINDS[name][1](Path(folder), np.random.default_rng(seed))


def clean(rng: np.random.Generator, n: int = ROWS) -> list[list[str]]:
    """Rows of a small Chinese town, all fields in order."""
    names = ["张伟", "李娜", "王芳", "刘洋"]
    kinds = ["盗窃", "诈骗", "故意伤害", "邻里纠纷"]
    out = []
    for i in range(n):
        day, hour, minute = rng.integers(1, 29), rng.integers(0, 24), rng.integers(0, 60)
        out.append(
            [
                f"A{i:04d}",
                f"2024-03-{day:02d} {hour:02d}:{minute:02d}:07",
                str(rng.choice(kinds)),
                f"{rng.uniform(116.3, 116.5):.6f}",
                f"{rng.uniform(39.8, 40.0):.6f}",
                str(rng.choice(names)),
                f"138{rng.integers(10**7, 10**8)}",
            ]
        )
    return out


def text_of(rows, header=HEADER, delimiter=",", before="", after="", end="\r\n") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return before + out.getvalue() + after


def put(folder: Path, text: str | bytes, name="案件.csv", encoding="utf-8") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def _plain(folder, rng, encoding="utf-8", **layout) -> Expected:
    rows = clean(rng)
    return Expected(put(folder, text_of(rows, **layout), encoding=encoding), truth=rows)


for _name, _encoding in {
    "UTF-8 with a byte order mark": "utf-8-sig",
    "GBK": "gbk",
    "GB18030 with four-byte characters": "gb18030",
    "UTF-16 with a byte order mark": "utf-16",
    "UTF-16 without one": "utf-16-le",
}.items():

    @kind(_name, "read; the encoding is found and reported")
    def _encodings(folder, rng, encoding=_encoding):
        rows = clean(rng)
        rows[3][2] = "盗窃𠮷" if "18030" in encoding else rows[3][2]
        return Expected(put(folder, text_of(rows), encoding=encoding), truth=rows)


@kind("Big5", "read; the encoding is found and reported")
def _big5(folder, rng):
    rows = clean(rng)
    for row in rows:
        row[2] = {"盗窃": "竊盜案件", "诈骗": "詐欺案件", "故意伤害": "傷害案件"}.get(row[2], "鄰里糾紛")
        row[5] = "陳先生"
    header = ["案件編號", "案發時間", "案由", "經度", "緯度", "報案人", "聯絡電話"]
    path = put(folder, text_of(rows, header), encoding="big5")
    return Expected(path, truth=rows, options={"datum": "wgs84"})


@kind("a damaged character", "read; the rest of the row is kept, the character becomes �")
def _damaged(folder, rng):
    rows = clean(rng)
    raw = text_of(rows).encode("gbk").replace("盗窃".encode("gbk"), b"\xb5\xc1\xff\xff", 1)
    expected = Expected(put(folder, raw), truth=rows)
    hit = next((i for i, row in enumerate(rows) if row[2] == "盗窃"))
    rows[hit][2] = None  # not compared
    return expected


for _name, _delimiter in {"tab": "\t", "semicolon": ";", "fullwidth comma": "，", "vertical bar": "|"}.items():

    @kind(f"delimited by {_name}", "read; the delimiter is found and reported")
    def _delimited(folder, rng, delimiter=_delimiter):
        return _plain(folder, rng, delimiter=delimiter)


@kind("decimal commas", "read: 116,397 between semicolons is 116.397")
def _decimal_commas(folder, rng):
    rows = clean(rng)
    shown = [[*r[:3], r[3].replace(".", ","), r[4].replace(".", ","), *r[5:]] for r in rows]
    return Expected(put(folder, text_of(shown, delimiter=";")), truth=rows)


@kind("title rows above the header", "left out and noted")
def _titles(folder, rng):
    return _with_note(
        _plain(folder, rng, before="某某分局案件统计表,,,,,,\r\n\r\n填报日期：2024年4月1日\r\n"), "title row"
    )


def _with_note(expected, note):
    expected.note = note
    return expected


@kind("no header row", "columns are numbered; time, place and category are found by content")
def _headless(folder, rng):
    rows = clean(rng)
    return Expected(put(folder, text_of(rows, header=None)), truth=rows, note="no header", check=_no_id)


def _no_id(frame):
    assert frame["incident_id"].isna().all()


@kind("header names that say nothing", "time, place and category are found by content")
def _nameless(folder, rng):
    rows = clean(rng)
    return Expected(
        put(folder, text_of(rows, header=["f1", "f2", "f3", "f4", "f5", "f6", "f7"])), truth=rows, check=_no_id
    )


@kind("line breaks inside quotes", "read as one row")
def _line_breaks(folder, rng):
    rows = clean(rng)
    for i in rng.choice(ROWS, 5, replace=False):
        rows[i][0] = f"{rows[i][0]}\n续"
    return Expected(put(folder, text_of(rows)), truth=rows)


@kind("blank lines", "skipped; they are not rows")
def _blank_lines(folder, rng):
    rows = clean(rng)
    return Expected(put(folder, text_of(rows).replace("\r\nA0007", "\r\n\r\n\r\nA0007")), truth=rows)


@kind("rows of empty fields", "set aside: empty_row")
def _empty_rows(folder, rng):
    return _insert(folder, rng, ["", "", "", "", "", "", ""], "empty_row")


@kind("a totals row of full width", "set aside: totals_row")
def _totals(folder, rng):
    return _insert(folder, rng, ["合计", "", f"{ROWS}件", "", "", "", ""], "totals_row", last=True)


@kind("a short totals row", "set aside: totals_row")
def _short_totals(folder, rng):
    return _insert(folder, rng, ["合计：", f"{ROWS}件"], "totals_row", last=True)


@kind("the header again at a page break", "set aside: repeated_header")
def _header_again(folder, rng):
    return _insert(folder, rng, HEADER, "repeated_header")


@kind("a row with a field too few", "set aside: wrong_field_count")
def _short(folder, rng):
    return _insert(folder, rng, ["A9", "2024-03-05 10:00:00", "盗窃", "116.4"], "wrong_field_count")


@kind("a row with an unquoted comma", "set aside: wrong_field_count")
def _long(folder, rng):
    return _insert(
        folder,
        rng,
        ["A9", "2024-03-05 10:00:00", "盗窃,入室", "116.4", "39.9", "王", "1"],
        "wrong_field_count",
        raw=True,
    )


def _insert(folder, rng, row, reason, *, last=False, raw=False):
    rows = clean(rng)
    at = ROWS if last else int(rng.integers(2, ROWS - 2))
    shown = [*rows[:at], row, *rows[at:]]
    text = text_of(shown)
    if raw:
        text = text.replace('"盗窃,入室"', "盗窃,入室")
    return Expected(put(folder, text), {at + 1: reason}, rows=ROWS + 1, truth=rows)


@kind("every row ends in a comma", "read; the empty column is ignored")
def _trailing(folder, rng):
    rows = clean(rng)
    text = text_of(rows).replace("\r\n", ",\r\n").replace("联系电话,", "联系电话", 1)
    return Expected(put(folder, text), truth=rows)


@kind("columns of one name", "the second is numbered")
def _twins(folder, rng):
    rows = clean(rng)
    shown = [[*r, "甲"] for r in rows]
    return Expected(put(folder, text_of(shown, header=[*HEADER, "案由"])), truth=rows)


@kind("a zip archive with a GBK member name", "read")
def _zip(folder, rng):
    rows = clean(rng)
    path = folder / "导出.zip"
    entry = zipfile.ZipInfo("placeholder.csv")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(entry, text_of(rows).encode("gbk"))
    name = "案件三月份.csv".encode("gbk")
    raw = path.read_bytes()
    assert len(name) <= len(b"placeholder.csv") + 10
    padded = (
        name[: len(b"placeholder.csv")].ljust(len(b"placeholder.csv"), b"v")
        if len(name) >= 15
        else b"v" * (15 - len(name)) + name
    )
    path.write_bytes(raw.replace(b"placeholder.csv", padded))
    return Expected(path, truth=rows)


@kind("gzip", "read")
def _gzip(folder, rng):
    rows = clean(rng)
    return Expected(put(folder, gzip.compress(text_of(rows).encode("gbk")), "案件.csv.gz"), truth=rows)


@kind("a gzip that breaks off", "refused: unpacked or damaged")
def _broken_gzip(folder, rng):
    raw = gzip.compress(text_of(clean(rng)).encode())
    return Expected(put(folder, raw[: len(raw) // 2], "案件.csv.gz"), error="unpacked|damaged|breaks off")


def _time_kind(name, happens, show, **expected):
    @kind(name, happens)
    def _times(folder, rng):
        rows = clean(rng)
        shown = [[r[0], show(r[1], rng), *r[2:]] for r in rows]
        return Expected(put(folder, text_of(shown)), truth=rows, **expected)


def _split(text):
    y, m, d = text[:10].split("-")
    return y, int(m), int(d), int(text[11:13]), text[14:16], text[17:19]


def _chinese_time(text, rng):
    y, m, d, h, mi, s = _split(text)
    part = "上午" if h < 12 else "下午"
    return f"{y}年{m}月{d}日{part}{h if h <= 12 else h - 12}时{mi}分{s}秒"


def _fullwidth(text, rng):
    return "".join(chr(ord(c) + 0xFEE0) if c in "0123456789:/" else c for c in text.replace("-", "/"))


def _mixed(text, rng):
    y, m, d, h, mi, s = _split(text)
    forms = [text, f"{y}/{m}/{d} {h}:{mi}:{s}", f"{y}年{m}月{d}日 {h}时{mi}分{s}秒", f"{y}{m:02d}{d:02d}{h:02d}{mi}{s}"]
    return forms[int(rng.integers(4))]


def _serial(text, rng):
    days = np.datetime64(text.replace(" ", "T")) - np.datetime64("1899-12-30T00:00:00")
    return repr(float(days / np.timedelta64(1, "D")))


_time_kind("2024年3月5日下午3时20分7秒", "read", _chinese_time)
_time_kind("fullwidth digits in times", "read", _fullwidth)
_time_kind("several time formats in one column", "read", _mixed)
_time_kind("Excel serial days", "read", _serial)
_time_kind(
    "epoch seconds", "read in the time zone of the data",
    lambda t, rng: str(int((np.datetime64(t.replace(" ", "T")) - np.timedelta64(8, "h")).astype("datetime64[s]").astype(int))),
)  # fmt: skip
_time_kind(
    "epoch milliseconds", "read in the time zone of the data",
    lambda t, rng: str(int((np.datetime64(t.replace(" ", "T")) - np.timedelta64(8, "h")).astype("datetime64[ms]").astype(int))),
)  # fmt: skip
_time_kind(
    "times with a zone", "moved to the time zone of the data",
    lambda t, rng: str(np.datetime64(t.replace(" ", "T")) - np.timedelta64(8, "h")) + "Z",
)  # fmt: skip
_time_kind(
    "weekdays in times", "read", lambda t, rng: f"{t[:10]} 星期{'一二三四五六日'[np.datetime64(t[:10]).astype(int) % 7 - 4]} {t[11:]}"
)  # fmt: skip
_time_kind(
    "day first, decided by the column", "read, and the order noted",
    lambda t, rng: f"{t[8:10]}/{t[5:7]}/{t[:4]} {t[11:]}", note="dmy",
)  # fmt: skip
_time_kind(
    "day or month first, undecidable", "refused: date_order= must be given",
    lambda t, rng: f"0{int(rng.integers(1, 10))}/0{int(rng.integers(1, 10))}/2024", error="Day and month are ambiguous",
)  # fmt: skip


def _some_kind(name, happens, reason, change, **more):
    @kind(name, happens)
    def _some(folder, rng):
        rows = clean(rng)
        at = sorted(int(i) for i in rng.choice(ROWS, 5, replace=False))
        shown = [list(r) for r in rows]
        for i in at:
            change(shown[i], rng)
        aside = {i + 1: reason for i in at} if reason else {}
        truth = [r for i, r in enumerate(rows) if not reason or i not in at]
        return Expected(put(folder, text_of(shown)), aside, truth=truth, **more)


def _set(index, value):
    def change(row, rng):
        row[index] = value

    return change


def _swap(row, rng):
    row[3], row[4] = row[4], row[3]


def _midnight(row, rng):
    row[1] = row[1][:10] + " 24:00:00"


def _coordinate(form):
    def change(row, rng):
        for i in (3, 4):
            row[i] = form(float(row[i]), "EN"[i - 3])

    return change


def _dms(value, side):
    d, rest = int(value), (value - int(value)) * 60
    return f"{d}°{int(rest)}′{(rest - int(rest)) * 60:.6f}″{side}"


def _dms_zh(value, side):
    d, rest = int(value), (value - int(value)) * 60
    return f"{'东经' if side == 'E' else '北纬'}{d}度{int(rest)}分{(rest - int(rest)) * 60:.6f}秒"


_some_kind("30 February", "set aside: impossible_time", "impossible_time", _set(1, "2024-02-30 10:00:00"))
_some_kind("25 o'clock", "set aside: impossible_time", "impossible_time", _set(1, "2024-03-05 25:00:00"))
_some_kind("times that are none (昨天)", "set aside: unreadable_time", "unreadable_time", _set(1, "昨天"))
_some_kind("missing times (空, 不详)", "kept, without a time", None, _set(1, "不详"), check=lambda f: None)
_some_kind(
    "empty coordinates",
    "set aside: no_coordinates",
    "no_coordinates",
    lambda r, g: (_set(3, "")(r, g), _set(4, "")(r, g)),
)
_some_kind(
    "NULL for a coordinate",
    "set aside: no_coordinates",
    "no_coordinates",
    lambda r, g: (_set(3, "NULL")(r, g), _set(4, "NULL")(r, g)),
)
_some_kind("words for coordinates", "set aside: bad_coordinates", "bad_coordinates", _set(3, "详见笔录"))
_some_kind(
    "zero coordinates",
    "set aside: zero_coordinates",
    "zero_coordinates",
    lambda r, g: (_set(3, "0")(r, g), _set(4, "0.0")(r, g)),
)
_some_kind("coordinates beyond the globe", "set aside: outside_range", "outside_range", _set(3, "416.4"))
_some_kind("exchanged coordinates in some rows", "set aside: swapped", "swapped", _swap)
_some_kind(
    "the same, with repair=['swapped']", "exchanged back and counted", None, _swap,
    options={"datum": "wgs84", "repair": ["swapped"]},
)  # fmt: skip
_some_kind("degrees, minutes, seconds", "read", None, _coordinate(_dms))
_some_kind("东经116度23分50秒", "read", None, _coordinate(_dms_zh))
_some_kind(
    "fullwidth digits in coordinates", "read", None,
    _coordinate(lambda v, s: "".join(chr(ord(c) + 0xFEE0) for c in f"{v:.6f}")),
)  # fmt: skip
_some_kind("spaces around coordinates", "read", None, _coordinate(lambda v, s: f"  {v:.6f}\u3000"))


@kind("coordinates exchanged throughout", "refused, with the columns= that puts it right")
def _all_swapped(folder, rng):
    rows = clean(rng)
    for row in rows:
        _swap(row, rng)
    return Expected(put(folder, text_of(rows)), error=r"exchanged.*columns=")


@kind("GCJ-02", "moved to WGS 84 within a millimetre")
def _gcj(folder, rng):
    return _shifted(folder, rng, "gcj02")


@kind("BD-09", "moved to WGS 84 within a millimetre")
def _bd(folder, rng):
    return _shifted(folder, rng, "bd09")


def _shifted(folder, rng, datum):
    from gridmap import from_wgs84

    rows = clean(rng)
    shown = [list(r) for r in rows]
    for row in shown:
        lon, lat = from_wgs84(float(row[3]), float(row[4]), datum=datum)
        row[3], row[4] = f"{lon:.10f}", f"{lat:.10f}"
    return Expected(put(folder, text_of(shown)), truth=rows, options={"datum": datum})


@kind("no datum named, in China", "refused: datum= must be given")
def _no_datum(folder, rng):
    return Expected(put(folder, text_of(clean(rng))), options={}, error="datum=")


@kind("CGCS2000, 3° zone, northing under X", "read; the zone number tells the CRS")
def _cgcs(folder, rng):
    from pyproj import Transformer

    rows = clean(rng)
    to = Transformer.from_crs(4326, 4527, always_xy=True)
    shown = [list(r) for r in rows]
    for row in shown:
        east, north = to.transform(float(row[3]), float(row[4]))
        row[3], row[4] = f"{north:.4f}", f"{east:.4f}"
    header = [*HEADER[:3], "X坐标", "Y坐标", *HEADER[5:]]
    return Expected(put(folder, text_of(shown, header)), truth=rows, options={"datum": "cgcs2000"}, note="EPSG:4527")


@kind("longitude and latitude in one cell", "read")
def _one_cell(folder, rng):
    rows = clean(rng)
    shown = [[*r[:3], f"{r[3]},{r[4]}", *r[5:]] for r in rows]
    return Expected(put(folder, text_of(shown, [*HEADER[:3], "经纬度", *HEADER[5:]])), truth=rows)


@kind("an interval in two columns", "read as the interval")
def _two_columns(folder, rng):
    rows = clean(rng)
    shown = [[r[0], r[1], r[1][:10] + " 23:59:59", *r[2:]] for r in rows]
    header = ["案件编号", "案发时间起", "案发时间止", *HEADER[2:]]

    def check(frame):
        assert (frame["occurred_to"].dt.hour == 23).all()

    return Expected(put(folder, text_of(shown, header)), truth=rows, check=check)


@kind("an interval in one cell", "read as the interval")
def _one_cell_interval(folder, rng):
    rows = clean(rng)
    shown = [[r[0], f"{r[1]}至{r[1][:10]} 23:59:59", *r[2:]] for r in rows]

    def check(frame):
        assert (frame["occurred_to"].dt.hour == 23).all()

    return Expected(put(folder, text_of(shown)), truth=rows, check=check)


@kind("an interval that ends before it begins", "set aside: end_before_start")
def _backwards(folder, rng):
    rows = clean(rng)
    shown = [[r[0], r[1], r[1][:10] + " 23:59:59", *r[2:]] for r in rows]
    shown[4][2] = "2023-01-01 00:00:00"
    header = ["案件编号", "案发时间起", "案发时间止", *HEADER[2:]]
    return Expected(
        put(folder, text_of(shown, header)), {5: "end_before_start"}, truth=[r for i, r in enumerate(rows) if i != 4]
    )


@kind("date and clock in two columns", "put together and noted")
def _date_and_clock(folder, rng):
    rows = clean(rng)
    shown = [[r[0], r[1][:10], r[1][11:], *r[2:]] for r in rows]
    header = ["案件编号", "案发日期", "案发时刻", *HEADER[2:]]
    return Expected(put(folder, text_of(shown, header)), truth=rows, note="案发时刻")


@kind("names and telephone numbers", "dropped and named in source['dropped']")
def _personal(folder, rng):
    return _plain(folder, rng)


@kind("identity numbers in a column without a telling name", "dropped by the check digit")
def _hidden_ids(folder, rng):
    rows = clean(rng)
    shown = [[*r, "11010519491231002X" if i % 7 == 0 else "无"] for i, r in enumerate(rows)]

    def check(frame):
        assert "附注" not in frame

    return Expected(put(folder, text_of(shown, [*HEADER, "附注"])), truth=rows, check=check)


@kind("telephone numbers inside free text", "the whole column is dropped")
def _phones_in_text(folder, rng):
    rows = clean(rng)
    shown = [[*r, f"请联系{r[6]}" if i % 5 == 0 else "无"] for i, r in enumerate(rows)]

    def check(frame):
        assert "情况" not in frame

    return Expected(put(folder, text_of(shown, [*HEADER, "情况"])), truth=rows, check=check)


@kind("the same incident twice", "kept and counted; with duplicates='remove' set aside: duplicate")
def _twice(folder, rng):
    rows = clean(rng)
    shown = [*rows, rows[0], rows[5]]
    path = put(folder, text_of(shown))
    options = {"datum": "wgs84", "duplicates": "remove"}
    return Expected(path, {ROWS + 1: "duplicate", ROWS + 2: "duplicate"}, options=options, rows=ROWS + 2, truth=rows)


@kind("no coordinate columns", "refused, with the columns that are there")
def _no_places(folder, rng):
    rows = [r[:3] for r in clean(rng)]
    return Expected(put(folder, text_of(rows, HEADER[:3])), error="no coordinate columns")


@kind("a header and no rows", "refused")
def _no_rows(folder, rng):
    return Expected(put(folder, text_of([])), error="no rows")


@kind("a file of zero bytes", "refused")
def _zero(folder, rng):
    return Expected(put(folder, b""), error="empty")


@kind("a picture named .csv", "refused")
def _picture(folder, rng):
    return Expected(
        put(folder, b"\x89PNG\r\n\x1a\n" + rng.bytes(4000)), error="not a table|no coordinate|no rows|not in"
    )
