# ruff: noqa: E501 -- inputs as files hold them
"""Every kind of trouble that docs/reading.md names, with three inputs at least: one table of kinds, and a check for each.

A kind is a line of KINDS: the words by which docs/reading.md names it, what is checked, and the inputs. The inputs are others than
those of test_kinds.py and test_layouts.py, which look at single kinds more closely.
"""

import datetime as dt
import json
from importlib import import_module
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from gridmap.errors import InputError, ReadError
from gridmap.read.boundaries import read_boundaries
from gridmap.read.columns import match_columns
from gridmap.read.datum import from_wgs84
from gridmap.read.incidents import read_incidents
from gridmap.read.metric_projection import metric_crs_of_points, project
from gridmap.read.persons import personal_columns
from gridmap.read.times import TimeRule, read_times

DOCS = Path(__file__).parents[2] / "docs"
N = 24


# ---- what is checked --------------------------------------------------------------------------------------------------


def rows(n=N, **columns):
    """A table of n rows: lists are repeated to its length, single values stand in every row."""
    filled = {k: [v[i % len(v)] for i in range(n)] if isinstance(v, list) else [v] * n for k, v in columns.items()}
    return pd.DataFrame({"lon": -1.5 + np.arange(n) / 1000, "lat": 53.5 + np.arange(n) / 1000} | filled)


def first(frame, column="occurred_from", **options):
    return str(read_incidents(frame, **options).to_frame()[column].iloc[0])[:16]


def notes(read):
    return " | ".join(
        str(n) for n in (read.attrs["notes"] if isinstance(read, gpd.GeoDataFrame) else read.source["notes"])
    )


def is_time(folder, columns, when):
    assert first(rows(**columns)) == when


def is_moment(folder, text, when):
    assert str(read_times([text], TimeRule("dmy"))[0][0])[:16].replace("T", " ") == when


def is_unknown(folder, word):
    frame = rows(date=["2024-03-01"] * (N - 1) + [word])
    incidents = read_incidents(frame)
    assert (len(incidents), int(incidents.to_frame()["occurred_from"].isna().sum())) == (N, 1)


def is_noted_year(folder, text, year):
    incidents = read_incidents(rows(date=text))
    assert set(incidents.to_frame()["occurred_from"].dt.year) == {year}
    assert "two digits" in notes(incidents)


def is_future(folder, form):
    ahead = dt.date(dt.date.today().year + 4, 3, 25)
    assert "in the future" in notes(
        read_incidents(rows(date=["2020-03-25", "2020-03-26"] * 11 + ["2020-03-25", ahead.strftime(form)]))
    )


def is_1904(folder, moment, cell):
    openpyxl = pytest.importorskip("openpyxl")
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, to_excel

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    sheet.append(["发生时间" if cell == "number" else "date", "kind", "lon", "lat"])
    for i in range(12):
        when = dt.datetime.fromisoformat(moment) + dt.timedelta(days=i)
        sheet.append([when if cell == "date" else to_excel(when, book.epoch), "noise", -1.5, 50 + i / 100])
    book.save(folder / "a.xlsx")
    assert first_of_file(folder / "a.xlsx") == moment.replace("T", " ")[:16]


def first_of_file(path, **options):
    return str(read_incidents(path, **options).to_frame()["occurred_from"].iloc[0])[:16]


def is_refused_time(folder, text):
    with pytest.raises(InputError, match=text[:6]):
        read_incidents(rows(date=[text] * 3 + ["2024-01-01"]))


def is_left_out(folder, role, column):
    incidents = read_incidents(
        rows(date="2024-01-02", time="10:00", type=["a", "b"], district="x", id=[f"{i}" for i in range(N)]),
        columns={role: None},
    )
    assert role not in incidents.source["columns"]
    assert column is None or incidents.to_frame()[column].isna().all()


def is_uneven(folder, heading, lost, said):
    rng = np.random.default_rng(3)
    n = 1200
    frame = pd.DataFrame(
        {
            "date": [
                f"2023-{m:02d}-{d:02d} {h:02d}:10"
                for m, d, h in zip(rng.integers(1, 7, n), rng.integers(1, 28, n), rng.integers(0, 24, n), strict=True)
            ],
            "kind": rng.choice(["theft", "noise", "graffiti"], n),
            "lat": 53 + rng.random(n),
        }
    )
    chosen = (
        frame["date"].str[5:7].eq(lost)
        if heading == "month"
        else frame["date"].str[11:13].eq(lost)
        if heading == "hour"
        else frame["kind"].eq(lost)
    )
    frame["lon"] = np.where((chosen & (rng.random(n) < 0.6)) | (rng.random(n) < 0.01), np.nan, -1.5)
    told = notes(read_incidents(frame))
    assert "unevenly" in told
    assert said in told


def is_null_point(folder, x, y, suffix):
    points = gpd.points_from_xy([-1.5, -1.51, x, -1.52], [50, 50.1, y, 50.2])
    frame = gpd.GeoDataFrame({"date": ["2024-01-01"] * 4}, geometry=points, crs=4326)
    if suffix:
        frame.to_file(folder / f"p{suffix}")
        frame = folder / f"p{suffix}"
    incidents = read_incidents(frame)
    assert (len(incidents), incidents.set_aside["reason"].tolist()) == (3, ["no_coordinates"])


def is_not_moved(folder, lon, lat, stray):
    rng = np.random.default_rng(4)
    x, y = lon + rng.uniform(-0.1, 0.1, 200), lat + rng.uniform(-0.1, 0.1, 200)
    alone, beside = metric_crs_of_points(x, y), metric_crs_of_points(np.append(x, stray[0]), np.append(y, stray[1]))
    step = [np.hypot(*np.diff(np.column_stack(project(x, y, crs)), axis=0).T) for crs in (alone, beside)]
    assert np.abs(step[1] / step[0] - 1).max() < 0.002


def is_neighbour(folder, lat, east, west):
    lon = np.r_[np.linspace(east, 180, 20), np.linspace(-180, west, 20)]
    x, y = project(lon, np.full(40, lat), metric_crs_of_points(lon, np.full(40, lat)))
    across = (180 - east + west + 180) * 111_320 * np.cos(np.radians(lat))
    assert np.hypot(np.ptp(x), np.ptp(y)) == pytest.approx(across, rel=0.02)


def is_cpg(folder, declared, written, name):
    boxes = [shapely.box(i, 50, i + 1, 51) for i in range(2)]
    gpd.GeoDataFrame({"code": ["1", "2"], "name": [name, name + "2"]}, geometry=boxes, crs=4326).to_file(
        folder / "z.shp", encoding=written
    )
    (folder / "z.cpg").write_text(declared)
    assert read_boundaries(folder / "z.shp")["name"].iloc[0] == name


def is_code_page(folder, encoding, heading, kinds):
    text = f"id,date,{heading},lon,lat\n" + "".join(
        f"{i},2024-03-{i + 1:02d},{kinds[i % len(kinds)]},-1.5,53.{i}\n" for i in range(12)
    )
    (folder / "a.csv").write_bytes(text.encode(encoding))
    assert set(read_incidents(folder / "a.csv").to_frame()["category"]) == set(kinds)


def is_asked_encoding(folder, encoding, heading, kinds):
    text = f"{heading},date,lon,lat\n" + "".join(f"{k},2024-03-01,-1.5,53.{i}\n" for i, k in enumerate(kinds))
    (folder / "a.csv").write_bytes(text.encode(encoding))
    with pytest.raises(ReadError, match="encoding=…"):
        read_incidents(folder / "a.csv")


def is_table_of(folder, text, encoding, count):
    (folder / "a.xls").write_bytes(text.encode(encoding))
    assert len(read_incidents(folder / "a.xls")) == count


def is_one_row(folder, byte_in, end):
    lines = ["date,kind,lon,lat"] + [f"2024-03-{i + 1:02d},noise,-1.5,53.{i:02d}" for i in range(N)]
    lines[9] = lines[9].replace(*byte_in)
    (folder / "a.csv").write_bytes((end.join(lines) + end).encode())
    incidents = read_incidents(folder / "a.csv")
    assert len(incidents) + len(incidents.set_aside) == N
    assert len(incidents) >= N - 1


def is_number(folder, x, y, mark):
    text = (
        mark.join(["date", "kind", "x", "y"])
        + "\n"
        + "".join(mark.join(["2024-03-01", "a", x, y]) + "\n" for _ in range(5))
    )
    (folder / "a.csv").write_text(text)
    got = read_incidents(folder / "a.csv", crs="EPSG:25832").lonlat()
    expected = read_incidents(pd.DataFrame({"x": [565432.25], "y": [5934321.75]}), crs="EPSG:25832").lonlat()
    assert np.allclose([got[0][0], got[1][0]], [expected[0][0], expected[1][0]])


def is_category(folder, columns, taken):
    incidents = read_incidents(rows(date=["2024-01-01", "2024-01-02"], **columns))
    assert incidents.source["columns"].get("category") == taken
    assert taken is None or f"category from '{taken}'" in notes(incidents)


def is_no_id(folder, heading, values):
    incidents = read_incidents(
        rows(100, **{heading: values}, date=[f"2024-01-{d:02d}" for d in range(1, 29)]), duplicates="remove"
    )
    assert len(incidents) == 100
    assert "was not taken as incident_id" in notes(incidents)


def is_joined(folder, ways, joined):
    frame = rows(30, kind=ways, date="2024-01-01")
    apart = read_incidents(frame)
    assert "several ways" in notes(apart)
    assert set(apart.to_frame()["category"]) >= {ways[0]}
    assert set(read_incidents(frame, join_categories=True).to_frame()["category"]) == joined


def are_roles(folder, found):
    assert {name: role for role, (name, _) in match_columns(list(found)).items()} == found


def is_person(folder, heading):
    assert heading in personal_columns([(heading, ["a", "b"])])


def is_no_person(folder, heading, values):
    assert personal_columns([(heading, values)]) == {}


def is_number_of_a_person(folder, module, begin):
    """Four numbers whose check digits are right, by python-stdnum; with others in their place they are no numbers of persons."""
    valid = import_module(f"stdnum.{module}").is_valid
    ends = [f"{i:03d}" for i in range(1000)] + [f"{i:02d}{c}" for i in range(100) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    right = [begin + end for end in ends if valid(begin + end)][:4]
    wrong = [begin + end for end in ends if not valid(begin + end)][:4]
    assert len(right) == 4
    assert personal_columns([("k", right)]) == {"k": "identity numbers (by content)"}
    assert "identity" not in str(personal_columns([("k", wrong)]))


def are_zones(folder, columns, ids, names):
    boxes = [shapely.box(10 + i, 50, 11 + i, 51) for i in range(len(ids))]
    read = read_boundaries(gpd.GeoDataFrame(columns, geometry=boxes, crs=4326))
    assert (read["zone_id"].tolist(), read["name"].tolist()) == (ids, names)


def is_kml(folder, names):
    square = "<Polygon><outerBoundaryIs><LinearRing><coordinates>{0},50 {1},50 {1},51 {0},51 {0},50</coordinates></LinearRing></outerBoundaryIs></Polygon>"
    marks = "".join(f"<Placemark><name>{n}</name>{square.format(i, i + 1)}</Placemark>" for i, n in enumerate(names))
    (folder / "a.kml").write_text(
        f'<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>{marks}</Folder></Document></kml>'
    )
    assert read_boundaries(folder / "a.kml")["name"].tolist() == names


def is_overlap(folder, shapes):
    frame = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(shapes))]}, geometry=shapes, crs=4326)
    assert "overlap" in notes(read_boundaries(frame))


def square(i):
    return {"type": "Polygon", "coordinates": [[[i, 50.0], [i + 1, 50.0], [i + 1, 51.0], [i, 51.0], [i, 50.0]]]}


def feature(i, geometry=None):
    return {"type": "Feature", "properties": {"code": f"c{i}"}, "geometry": geometry or square(i)}


def nested(*parts):
    return {"type": "FeatureCollection", "features": list(parts)}


def is_nested(folder, document, codes):
    (folder / "a.geojson").write_text(json.dumps(document))
    assert read_boundaries(folder / "a.geojson")["zone_id"].tolist() == codes


def is_not_finite(folder, word, suffix):
    text = json.dumps(nested(feature(0), feature(1)))
    (folder / f"a{suffix}").write_text(text.replace("51.0", word))
    with pytest.raises(InputError, match="not finite"):
        read_boundaries(folder / f"a{suffix}")


def is_moved(folder, place, datum, suffix):
    ring = np.array(place) + np.array([[0, 0], [0.02, 0], [0.02, 0.02], [0, 0.02]])
    lon, lat = from_wgs84(ring[:, 0], ring[:, 1], datum=datum)
    frame = gpd.GeoDataFrame(
        {"code": ["1"], "name": ["东区"]}, geometry=[shapely.Polygon(np.column_stack([lon, lat]))], crs=4326
    )
    if suffix:
        frame.to_file(folder / f"z{suffix}")
        frame = folder / f"z{suffix}"
    read = read_boundaries(frame, datum=datum)
    assert (
        np.abs(np.sort(shapely.get_coordinates(read.geometry), axis=0) - np.sort(np.vstack([ring, ring[:1]]), axis=0))[
            1:-1
        ].max()
        < 1e-6
    )


def is_contradicted(folder, heading, shift):
    boxes = [shapely.box(i / 10, 53, i / 10 + 0.1, 53.1) for i in range(3)]
    names = ["Northgate", "Eastfield", "Southbank"]
    zones = read_boundaries(gpd.GeoDataFrame({"code": ["1", "2", "3"], "name": names}, geometry=boxes, crs=4326))
    at = np.arange(60) % 3
    frame = pd.DataFrame(
        {"date": "2024-01-01", heading: [names[i] for i in at], "lon": (at + shift) % 3 / 10 + 0.05, "lat": 53.05}
    )
    said = notes(read_incidents(frame, boundaries=zones))
    assert heading in said
    assert "60" in said


# ---- the kinds --------------------------------------------------------------------------------------------------------

HTML = "<html><meta charset='{}'><body><table><tr><th>date</th><th>kind</th><th>lon</th><th>lat</th></tr>{}</table></body></html>"
TR = "".join(f"<tr><td>2024-03-0{i}</td><td>盗窃</td><td>-1.5</td><td>53.{i}</td></tr>" for i in range(1, 7))
TSV = "date\tkind\tlon\tlat\n" + "".join(f"2024-03-0{i}\tnoise\t-1.5\t53.{i}\n" for i in range(1, 7))
UNIT = shapely.box(0, 50, 1, 51)
WORDS = ["theft", "noise", "arson"]

KINDS = {
    "a personal word in a heading by accident": ("发生日期, 案件發生日期時間: a personal word in a heading by accident", is_time, [
        ({"事发生日期": "2024-05-06 07:08"}, "2024-05-06 07:08"), ({"案件發生日期時間": "2024-05-06 07:08"}, "2024-05-06 07:08"), ({"發生日": "2024-05-06"}, "2024-05-06 00:00")]),
    "a full timestamp beside a clock": ("a full timestamp and a clock column beside it", is_time, [
        ({"Incident Datetime": "2021/08/25 10:20:00 PM", "Incident Time": "22:20"}, "2021-08-25 22:20"), ({"案发时间": "2021-08-25 22:20:00", "小时": "22"}, "2021-08-25 22:20"),
        ({"data_ocorrencia": "25/08/2021 22:20", "hora_ocorrencia": "22:20"}, "2021-08-25 22:20"), ({"OCCURRED_AT": "2021-08-25T22:20:00Z", "HOUR_OF_DAY": "22"}, "2021-08-25 22:20")]),
    "a date in pieces": ("year, month, day, hour, minute in columns of their own", is_time, [
        ({"Year": "2019", "Month": "November", "Day": "7", "Hour": "5", "Minute": "9"}, "2019-11-07 05:09"), ({"发生年": "2019", "发生月": "11", "发生日": "7", "发生时": "5"}, "2019-11-07 05:00"),
        ({"ano": "2019", "mês": "novembro", "dia": "7"}, "2019-11-07 00:00"), ({"год": "2019", "месяц": "11", "день": "7"}, "2019-11-07 00:00"), ({"연도": "2019", "월": "11", "일": "7"}, "2019-11-07 00:00"), ({"anno": "2019", "mese": "11", "giorno": "7", "ora": "5"}, "2019-11-07 05:00"), ({"YYYY": "2019", "MM": "11", "DD": "7"}, "2019-11-07 00:00"), ({"发生年份": "2019", "发生月份": "11", "发生日": "7", "发生小时": "5"}, "2019-11-07 05:00"), ({"事故発生年": "2019", "事故発生月": "11", "事故発生日": "7"}, "2019-11-07 00:00")]),
    "abbreviations of zones": ("10:00 PM EST, 22:00 CET", is_moment, [
        ("2022-07-09 21:05 PDT", "2022-07-09 21:05"), ("2022-07-09 21:05 BST", "2022-07-09 21:05"), ("9 Jul 2022 9:05 pm AEST", "2022-07-09 21:05"), ("2022-07-09 21:05 MSK", "2022-07-09 21:05"), ("2022-07-09 21:05:00 KST", "2022-07-09 21:05")]),
    "a. m. and p. m.": ("3:05 p. m., 22h15, 8 Uhr", is_moment, [
        ("25/08/2021 12:05 a. m.", "2021-08-25 00:05"), ("25/08/2021 12:05 p.m.", "2021-08-25 12:05"), ("2021-08-25 9:05 P. M.", "2021-08-25 21:05"), ("25/08/2021 09:05:30 p. m.", "2021-08-25 21:05")]),
    "Spanish months": ("13 de enero de 2021", is_moment, [("25 de septiembre de 2020", "2020-09-25 00:00"), ("25-ago-2020 13:05", "2020-08-25 13:05"), ("viernes 25 de diciembre del 2020", "2020-12-25 00:00"), ("25/set/2020", "2020-09-25 00:00")]),
    "Portuguese months": ("5 out 2021", is_moment, [("25 de março de 2020", "2020-03-25 00:00"), ("25/fev/2020", "2020-02-25 00:00"), ("sexta-feira, 25 de setembro de 2020 às 13h05", "2020-09-25 13:05"), ("4ª-feira, 25 de agosto de 2021", "2021-08-25 00:00"), ("25/ago/2021 21h05min", "2021-08-25 21:05")]),
    "French months": ("1er août 2021", is_moment, [("25 février 2020", "2020-02-25 00:00"), ("le 25 décembre 2020 à 13h05", "2020-12-25 13:05"), ("25 juil. 2020", "2020-07-25 00:00")]),
    "German months": ("13. März 2021", is_moment, [("25. Oktober 2020, 13:05 Uhr", "2020-10-25 13:05"), ("Fr., 25. Dez. 2020", "2020-12-25 00:00"), ("25. Jänner 2020", "2020-01-25 00:00"), ("25. Mai 2020", "2020-05-25 00:00"), ("25.Feb.2021", "2021-02-25 00:00"), ("Mittwoch, den 25. August 2021 um 21:05 Uhr", "2021-08-25 21:05")]),
    "Italian months": ("9 maggio 2021", is_moment, [("25 gennaio 2020", "2020-01-25 00:00"), ("venerdì 25 settembre 2020 13:05", "2020-09-25 13:05"), ("25-dic-2020", "2020-12-25 00:00"), ("25 ago 2021, ore 21.05", "2021-08-25 21:05"), ("1° maggio 2021", "2021-05-01 00:00")]),
    "Russian months": ("13 января 2021 г.", is_moment, [("25 декабря 2020 г., 13:05", "2020-12-25 13:05"), ("25 авг. 2020", "2020-08-25 00:00"), ("25 сентября 2020 года", "2020-09-25 00:00")]),
    "years of the Republic": ("民國110年1月13日, 110/01/13, 1100113", is_moment, [
        ("民國109年12月25日 13時05分", "2020-12-25 13:05"), ("中华民国109年12月25日", "2020-12-25 00:00"), ("1091225 1305", "2020-12-25 13:05"), ("109/12/25", "2020-12-25 00:00"), ("109.12.25", "2020-12-25 00:00"), ("109-12-25 13:05", "2020-12-25 13:05"), ("109年12月", "2020-12-01 00:00"), ("民國109/12/25 下午1:05", "2020-12-25 13:05")]),
    "Japanese eras": ("令和3年5月13日, H31.4.1", is_moment, [
        ("令和元年12月25日", "2019-12-25 00:00"), ("R2/12/25 13:05", "2020-12-25 13:05"), ("昭和63年12月25日", "1988-12-25 00:00"), ("平成31年4月30日 13時05分", "2019-04-30 13:05"), ("令和２年１２月２５日", "2020-12-25 00:00")]),
    "words for unknown": ("desconocido, 不明, неизвестно, N/D", is_unknown, [("未知",), ("não informado",), ("non renseigné",), ("se desconoce",), ("не указано",), ("keine Angabe",), ("알 수 없음",), ("sconosciuto",), ("不清楚",), ("não sabe",), ("sin especificar",), ("non disponible",), ("時刻不明",), ("未提供",), ("불상",), ("확인불가",), ("(blank)",), ("To be confirmed",)]),
    "years of two digits": ("two-digit years; dates in the future", is_noted_year, [("25/12/99", 1999), ("25.12.08", 2008), ("12/25/14", 2014), ("25-Dec-14", 2014)]),
    "dates in the future": ("two-digit years; dates in the future", is_future, [("%Y-%m-%d",), ("%Y/%m/%d",), ("%Y%m%d",)]),
    "a workbook from 1904": ("a workbook that counts from 1904", is_1904, [("2019-11-07T05:30", "number"), ("2019-11-07T05:30", "date"), ("1999-12-31T23:45", "number")]),
    "most of a column unreadable": ("most of a column of times unreadable", is_refused_time, [("spring term",), ("上周某天夜里",), ("Q3 of the year",)]),
    "a role that is None": ("a role given as None", is_left_out, [("category", "category"), ("incident_id", None), ("zone", None), ("occurred_from", "occurred_from")]),
    "an uneven loss": ("an uneven loss", is_uneven, [("month", "05", "2023-05"), ("hour", "03", "3"), ("kind", "graffiti", "graffiti")]),
    "null points": ("a null point (−1.8e308)", is_null_point, [(-1.7976931348623157e308, -1.7976931348623157e308, ".shp"), (1.7976931348623157e308, 0.0, ""), (-1e100, -1e100, ".gpkg"), (np.nan, np.nan, "")]),
    "poles and stray points": ("a stray point, a pole", is_not_moved, [(116.4, 39.9, (0.0, 90.0)), (-70.6, -33.4, (0.0, -90.0)), (151.2, -33.9, (-151.2, 33.9)), (37.6, 55.7, (0.0, 0.0))]),
    "points astride 180°": ("points astride 180°", is_neighbour, [(-16.8, 179.9, -179.9), (52.0, 179.7, -179.6), (68.9, 179.2, -179.5)]),
    "a .cpg": ("a .cpg that says ISO-8859-1 over UTF-8 or GBK", is_cpg, [("ISO-8859-1", "ISO-8859-1", "Ñuñoa"), ("UTF-8", "utf-8", "Łódź"), ("GB18030", "gb18030", "朝阳区"), ("ISO-8859-1", "utf-8", "Curaçá"), ("ANSI 936", "gbk", "朝阳区")]),
    "cp932": ("cp932, cp949, cp1251, KOI8-R, cp1252", is_code_page, [("cp932", "罪種", ["自動車盗", "部品ねらい"]), ("cp932", "手口", ["空き巣", "忍込み", "居空き"]), ("cp932", "種別", ["オートバイ盗", "ひったくり"])]),
    "cp949": ("cp932, cp949, cp1251, KOI8-R, cp1252", is_code_page, [("cp949", "범죄유형", ["절도", "사기"]), ("cp949", "죄종", ["강도", "폭력", "방화"]), ("cp949", "유형", ["소음 신고", "무단 투기"])]),
    "cp1251": ("cp932, cp949, cp1251, KOI8-R, cp1252", is_code_page, [("cp1251", "Вид преступления", ["Кража", "Разбой"]), ("cp1251", "Категория", ["угон", "мошенничество"]), ("cp1251", "тип", ["шум ночью", "порча имущества"])]),
    "KOI8-R and cp866": ("cp932, cp949, cp1251, KOI8-R, cp1252", is_code_page, [("koi8-r", "Вид происшествия", ["драка", "пожар"]), ("cp866", "Вид происшествия", ["драка", "пожар"]), ("koi8-r", "Категория", ["кража", "угон автомобиля"])]),
    "a code page that is not known": ("a code page that is not known (cp1250, cp1254 …)", is_asked_encoding, [("cp1250", "druh činu", ["krádež", "loupež", "žhářství"]), ("cp1254", "olay türü", ["gasp", "dolandırıcılık", "şiddet"]), ("cp1253", "είδος", ["διάρρηξη", "εμπρησμός"])]),
    "an .xls that is HTML or text": ("an .xls that is HTML, XML or text", is_table_of, [(HTML.format("gbk", TR), "gbk", 6), (HTML.format("utf-8", TR), "utf-8-sig", 6), (TSV, "utf-16", 6), (TSV.replace("\t", ","), "utf-8", 6)]),
    "a NUL byte": ("a NUL byte", is_one_row, [(("noise", "no\0ise"), "\n"), (("2024", "\x002024"), "\r\n"), (("noise", "\0"), "\n"), (("-1.5", "-1.\x005"), "\r\n")]),
    "points of thousands": ("3.450.123,50 and 3 450 123,50", is_number, [("565.432,25", "5.934.321,75", ";"), ("565 432,25", "5 934 321,75", "\t"), ("565’432.25", "5’934’321.75", ";"), ("565\u00a0432,25", "5\u00a0934\u00a0321,75", ";")]),
    "channels, areas and answers are no categories": ("a channel, a municipality, TRUE and FALSE beside the kinds", is_category, [
        ({"Origin": ["Phone", "Web", "App"], "Complaint": ["Pothole", "Rat", "Noise"]}, "Complaint"), ({"来源渠道": ["电话", "微信", "网站"], "问题描述类别": ["占道", "噪音", "垃圾"]}, "问题描述类别"),
        ({"alcaldia": ["Norte", "Centro"], "delito": ["robo", "fraude"]}, "delito"), ({"Kommune": ["Nord", "Ost"], "Delikt": ["Raub", "Betrug"]}, "Delikt"),
        ({"arrest": ["TRUE", "FALSE"], "primary_type": WORDS}, "primary_type"), ({"domestic": ["Y", "N"], "crime": WORDS}, "crime"), ({"是否破案": ["是", "否"], "案别": ["盗窃", "诈骗"]}, "案别"), ({"County": ["Kent", "Essex"], "Offence Group": WORDS}, "Offence Group")]),
    "an id that repeats": ("an id that repeats elsewhere", is_no_id, [("incident_id", ["7", "8", "9"]), ("案件编号", ["A1", "A2", "A3", "A4"]), ("case_number", ["HX1", "HX2"])]),
    "kinds that differ by case": ("categories written in several ways", is_joined, [(["Robbery", "ROBBERY", "Robbery"], {"Robbery"}), (["入室　盗窃", "入室 盗窃", "入室　盗窃"], {"入室　盗窃"}), (["Vol  simple", "vol simple", "Vol  simple"], {"Vol  simple"}), (["ＡＴＭ 诈骗", "ATM诈骗", "ＡＴＭ 诈骗"], {"ＡＴＭ 诈骗"})]),
    "Japanese headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"発生日": "occurred_from", "手口": "category", "経度": "lon", "緯度": "lat"},), ({"受理番号": "incident_id", "認知日時": "occurred_from", "罪名": "category"},), ({"発生年月日": "occurred_from", "種別": "category", "住所": "address"},)]),
    "Korean headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"접수번호": "incident_id", "발생일자": "occurred_from", "죄종": "category"},), ({"사고일시": "occurred_from", "경도": "lon", "위도": "lat"},), ({"발생일시": "occurred_from", "주소": "address"},)]),
    "Spanish headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"fecha_hecho": "occurred_from", "delito": "category", "longitud": "lon", "latitud": "lat"},), ({"Fecha de ocurrencia": "occurred_from", "dirección": "address"},), ({"expediente": "incident_id", "fecha_incidente": "occurred_from", "tipo_incidente": "category"},)]),
    "Portuguese headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"data_ocorrencia": "occurred_from", "tipo_crime": "category"},), ({"DATA_FATO": "occurred_from", "endereço": "address"},), ({"Data da ocorrência": "occurred_from", "natureza": "category", "longitude": "lon", "latitude": "lat"},), ({"Data do Registro": "occurred_from", "Tipo de ocorrência": "category", "Município": "zone"},)]),
    "French headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"date_fait": "occurred_from", "type_infraction": "category"},), ({"Date de l'incident": "occurred_from", "catégorie": "category", "adresse": "address"},), ({"date": "occurred_from", "heure": "time_of_day", "latitude": "lat", "longitude": "lon"},), ({"Numéro de dossier": "incident_id", "Date du fait": "occurred_from"},)]),
    "German headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"Tatdatum": "occurred_from", "Delikt": "category"},), ({"Vorgangsnummer": "incident_id", "Ereigniszeit": "occurred_from", "Adresse": "address"},), ({"Datum": "occurred_from", "Uhrzeit": "time_of_day", "Längengrad": "lon", "Breitengrad": "lat"},), ({"Einsatznummer": "incident_id", "Einsatzzeit": "occurred_from", "Einsatzart": "category"},)]),
    "Russian headings": ("headings in Japanese, Korean, Spanish, Portuguese, French, German, Russian", are_roles, [({"дата происшествия": "occurred_from", "категория": "category"},), ({"долгота": "lon", "широта": "lat", "адрес": "address"},), ({"Дата": "occurred_from", "Время": "time_of_day", "Тип происшествия": "category"},), ({"Номер заявления": "incident_id", "Дата и время": "occurred_from", "Категория происшествия": "category"},)]),
    "columns of ten letters": ("headings cut to ten letters (FIRST_OCCU, CRIME_TYPE)", are_roles, [({"FIRST_OCCU": "occurred_from", "OFFENSE_CA": "category"},), ({"INCIDENT_D": "occurred_from", "CRIME_TYPE": "category", "LONGITUDE": "lon", "LATITUDE": "lat"},), ({"case_numbe": "incident_id", "date_occur": "occurred_from", "primary_ty": "category"},)]),
    "persons in Spanish": ("headings about persons in those languages; national numbers", is_person, [("nombre del denunciante",), ("fecha_nacimiento",), ("género",), ("domicilio particular",), ("nombre_agraviado",)]),
    "persons in Portuguese": ("headings about persons in those languages; national numbers", is_person, [("nome_vitima",), ("data_nascimento",), ("escolaridade",), ("telefone",), ("nome do autor",)]),
    "persons in French": ("headings about persons in those languages; national numbers", is_person, [("nom du plaignant",), ("sexe",), ("téléphone",), ("âge victime",), ("nom_auteur",)]),
    "persons in German": ("headings about persons in those languages; national numbers", is_person, [("Vorname",), ("Telefonnummer",), ("Alter des Opfers",), ("Staatsangehörigkeit",), ("Geburtsort",), ("Anzeigenerstatter",), ("Familienstand",)]),
    "persons in Japanese": ("headings about persons in those languages; national numbers", is_person, [("氏名",), ("被害者年齢",), ("被疑者",), ("届出人",)]),
    "persons in Korean": ("headings about persons in those languages; national numbers", is_person, [("성명",), ("전화번호",), ("피의자 나이",), ("생년월일",)]),
    "persons in Russian": ("headings about persons in those languages; national numbers", is_person, [("Фамилия",), ("дата рождения",), ("телефон заявителя",), ("СНИЛС",)]),
    "national numbers": ("headings about persons in those languages; national numbers", is_number_of_a_person, [("es.nif", "543627"), ("br.cpf", "41726893"), ("fr.nir", "185057800608"), ("nl.bsn", "111222"), ("pl.pesel", "44051401")]),
    "what is no person": ("婚姻纠纷, 宗教场所名称, 公用电话亭, Telephone Box, Officer Beat; names of wards and stations", is_no_person, [("婚恋纠纷类型", ["a"]), ("宗教活动场所", ["a"]), ("手机抢夺", ["1", "2"]), ("公用电话亭", ["a"]), ("Telephone Box", ["a"]), ("Officer Beat", ["3", "4"]), ("户籍室", ["a"]), ("Station Name", ["Central", "Hill"]), ("宗教场所名称", ["a"]), ("民族乡", ["a"]), ("手机号码归属地", ["北京"]), ("Owner Occupied", ["Y"]), ("Race Course", ["a"]), ("Teléfono público", ["a"]), ("公衆電話", ["a"]), ("공중전화", ["a"])]),
    "names of areas are no persons": ("婚姻纠纷, 宗教场所名称, 公用电话亭, Telephone Box, Officer Beat; names of wards and stations", is_no_person, [("Ward", ["Stanley", "Gordon", "Victoria", "Albert"]), ("Police Station", ["Charing Cross", "St Johns", "Kings Cross"]), ("辖区派出所", ["安宁", "和平", "康乐", "方庄"]), ("区县", ["常宁", "金华", "武昌", "江宁"])]),
    "adcode": ("adcode and name, with a centre beside them", are_zones, [
        ({"adcode": [330102, 330105], "name": ["上城区", "拱墅区"], "center": ["[120.1,30.2]", "[120.2,30.3]"], "childrenNum": [0, 0]}, ["330102", "330105"], ["上城区", "拱墅区"]),
        ({"name": ["上城区", "拱墅区"], "adcode": ["330102", "330105"], "parent": ['{"adcode": 330100}'] * 2}, ["330102", "330105"], ["上城区", "拱墅区"]),
        ({"id": [1, 2], "ADCODE99": [330102, 330105], "NAME99": ["上城区", "拱墅区"]}, ["330102", "330105"], ["上城区", "拱墅区"])]),
    "real names of zones": ("NOMBRE, ADM1_FR, STADTTEIL, a KML's Name", are_zones, [
        ({"FID": [0, 1], "ADM1_PCODE": ["ML01", "ML02"], "ADM1_FR": ["Kayes", "Sikasso"]}, ["ML01", "ML02"], ["Kayes", "Sikasso"]),
        ({"OBJECTID": [4, 5], "NOMBRE": ["Centro", "Norte"]}, ["Centro", "Norte"], ["Centro", "Norte"]), ({"gid": [4, 5], "nom": ["Bercy", "Opéra"]}, ["Bercy", "Opéra"], ["Bercy", "Opéra"]),
        ({"fid": [1, 2], "STADTTEIL": ["Altona", "Eppendorf"]}, ["Altona", "Eppendorf"], ["Altona", "Eppendorf"])]),
    "names of KML": ("NOMBRE, ADM1_FR, STADTTEIL, a KML's Name", is_kml, [(["Riverside", "Hilltop"],), (["东社区", "西社区"],), (["1st Precinct", "2nd Precinct"],)]),
    "a district's number beats OBJECTID": ("a district's number beside OBJECTID", are_zones, [
        ({"OBJECTID": [1, 2], "PRECINCT": [67, 69]}, ["67", "69"], ["67", "69"]), ({"OBJECTID_1": [1, 2], "dist_num": ["012", "018"]}, ["012", "018"], ["012", "018"]),
        ({"FID": [0, 1], "BEAT_NUM": ["0111", "0112"], "Shape_Leng": [1.5, 2.5]}, ["0111", "0112"], ["0111", "0112"]), ({"gid": [1, 2], "WARD": [22, 31]}, ["22", "31"], ["22", "31"])]),
    "zones that overlap": ("zones that overlap", is_overlap, [([UNIT, shapely.box(0.2, 50.2, 0.6, 50.6)],), ([UNIT, UNIT],), ([UNIT, shapely.box(5, 50, 6, 51), shapely.box(5.9, 50, 7, 51)],)]),
    "collections in collections": ("collections in collections", is_nested, [
        (nested(nested(feature(0), feature(1))), ["c0", "c1"]), (nested(feature(0), nested(nested(feature(1)), feature(2))), ["c0", "c1", "c2"]),
        (nested(feature(0), feature(1, {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": [square(1), square(3)]}]})), ["c0", "c1"])]),
    "coordinates that are not finite": ("coordinates that are not finite", is_not_finite, [("Infinity", ".geojson"), ("-Infinity", ".json"), ("1e999", ".geojson")]),
    "a datum for boundaries": ("boundaries on GCJ-02 or BD-09, with `datum=`", is_moved, [((116.4, 39.9), "gcj02", ".shp"), ((121.4, 31.2), "bd09", ".geojson"), ((104.0, 30.6), "gcj02", "")]),
    "rows that name another zone": ("rows that name another zone than their point lies in", is_contradicted, [("district", 1), ("ward", 2), ("社区", 1)]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "given"),
    [pytest.param(k, given, id=f"{k} {i}") for k, (_, _, inputs) in KINDS.items() for i, given in enumerate(inputs, 1)],
)
def test_every_kind(tmp_path, kind, given):
    _, check, _ = KINDS[kind]
    check(tmp_path, *given)


def test_each_kind_has_three_inputs_and_its_words_in_the_document():
    lines = (DOCS / "reading.md").read_text("utf-8").splitlines()
    table = [line.strip("| ").split(" | ")[0] for line in lines if line.startswith("| ")]
    for kind, (words, _, inputs) in KINDS.items():
        assert len({repr(given) for given in inputs}) >= 3, kind
        assert any(words in named for named in table), f"{kind}: no table of docs/reading.md has {words!r}"
