# ruff: noqa: E501 -- rows as they come
"""What real files broke, kind by kind: each kind with inputs of its own making, in several languages."""

import datetime as dt
import io
import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from gridmap.errors import InputError, ReadError, SettingError
from gridmap.grids.hierarchy import levels_above
from gridmap.read.boundaries import names_areas, read_boundaries
from gridmap.read.columns import match_columns
from gridmap.read.coordinates import numbers
from gridmap.read.incident_table import Incidents
from gridmap.read.incidents import read_incidents
from gridmap.read.metric_projection import metric_crs_of_points
from gridmap.read.persons import personal_columns
from gridmap.read.tables.encodings import code_page
from gridmap.read.times import TimeRule, clean, read_times


def csv(tmp_path, text, encoding="utf-8", name="a.csv"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def start(text, rule=None):
    return str(read_times([text], rule or TimeRule("dmy"))[0][0])[:16]


# ---- 1. times are not lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heading", ["发生日期", "發生日期", "案件发生日期", "発生年月日", "발생년월일", "事件发生日"])
def test_a_heading_that_holds_a_birthday_by_accident_is_a_date(heading):
    frame = pd.DataFrame(
        {heading: [f"2024-05-{d:02d}" for d in range(1, 13)], "lon": -1.5, "lat": np.arange(12) / 100 + 50}
    )
    incidents = read_incidents(frame)
    assert incidents.source["dropped"] == {}
    assert str(incidents.to_frame()["occurred_from"].iloc[3])[:10] == "2024-05-04"


@pytest.mark.parametrize(
    ("columns", "when"),
    [
        ({"DateTime": "2020-05-06 07:08:00", "Time": "07:08"}, "2020-05-06T07:08"),
        ({"occurred_on": "05/16/2020 07:08:00 PM", "HOUR": "19"}, "2020-05-16T19:08"),
        ({"fecha_hecho": "2020-05-06T17:08:00", "hora_hecho": "17:08"}, "2020-05-06T17:08"),
        ({"日期": "2020-05-06", "时刻": "7时8分"}, "2020-05-06T07:08"),
        ({"date": "2020-05-06", "hour": "7"}, "2020-05-06T07:00"),
        ({"案发日期": "2020年5月6日", "案发时刻": "0708"}, "2020-05-06T07:08"),
    ],
)
def test_a_clock_beside_a_time_is_joined_only_to_a_bare_date(columns, when):
    frame = pd.DataFrame({**{k: [v] * 12 for k, v in columns.items()}, "lon": -1.5, "lat": np.arange(12) / 100 + 50})
    incidents = read_incidents(frame)
    assert len(incidents) == 12
    assert str(incidents.to_frame()["occurred_from"].iloc[0].to_datetime64())[:16] == when


@pytest.mark.parametrize(
    ("columns", "first", "last"),
    [
        (
            {"year": "2020", "month": "2", "day": "3", "hour": "4", "minute": "5"},
            "2020-02-03T04:05",
            "2020-02-03T04:05",
        ),
        ({"年": "2020", "月": "2", "日": "3"}, "2020-02-03T00:00", "2020-02-04T00:00"),
        ({"AÑO": "2020", "MES": "febrero", "DIA": "3", "HORA": "14"}, "2020-02-03T14:00", "2020-02-03T14:00"),
        ({"Jahr": "2020", "Monat": "2"}, "2020-02-01T00:00", "2020-03-01T00:00"),
        ({"YEAR": "2020.0", "MONTH": "Feb", "DAY": "3.0"}, "2020-02-03T00:00", "2020-02-04T00:00"),
    ],
)
def test_a_date_in_pieces_is_put_together(columns, first, last):
    frame = pd.DataFrame({**{k: [v] * 3 for k, v in columns.items()}, "lon": [-1.5] * 3, "lat": [50.0, 50.1, 50.2]})
    incidents = read_incidents(frame)
    row = incidents.to_frame().iloc[0]
    assert str(row["occurred_from"].to_datetime64())[:16] == first
    assert str(row["occurred_to"].to_datetime64())[:16] == last
    assert any("put together" in str(n) for n in incidents.source["notes"])


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("16/03/2021 10:00 PM EST", "2021-03-16T22:00"),
        ("2021-03-16 22:00 CET", "2021-03-16T22:00"),
        ("16.03.2021 22:00 MESZ", "2021-03-16T22:00"),
        ("2021/03/16 22:00 JST", "2021-03-16T22:00"),
        ("13 de enero de 2021", "2021-01-13T00:00"),
        ("14-feb-2021", "2021-02-14T00:00"),
        ("lunes, 15 de marzo de 2021 a las 3:05 p. m.", "2021-03-15T15:05"),
        ("5 out 2021", "2021-10-05T00:00"),
        ("5 de dezembro de 2021 22h15", "2021-12-05T22:15"),
        ("1er août 2021", "2021-08-01T00:00"),
        ("vendredi 13 août 2021 à 10h30", "2021-08-13T10:30"),
        ("13. März 2021, 8:15 Uhr", "2021-03-13T08:15"),
        ("Montag, 13. Dezember 2021", "2021-12-13T00:00"),
        ("9 maggio 2021", "2021-05-09T00:00"),
        ("13 января 2021 г. 10:30", "2021-01-13T10:30"),
        ("3 мая 2021", "2021-05-03T00:00"),
        ("2021-01-13 10:30 a. m.", "2021-01-13T10:30"),
        ("1100113", "2021-01-13T00:00"),
        ("110/01/13 10:30", "2021-01-13T10:30"),
        ("110年1月13日", "2021-01-13T00:00"),
        ("中華民國110年1月13日", "2021-01-13T00:00"),
        ("民国99年1月13日", "2010-01-13T00:00"),
        ("令和3年5月13日", "2021-05-13T00:00"),
        ("平成元年5月13日", "1989-05-13T00:00"),
        ("H31.4.1", "2019-04-01T00:00"),
        ("2021年5月13日(木) 10時30分", "2021-05-13T10:30"),
        ("2024년 3월 5일 오후 3시", "2024-03-05T15:00"),
        ("2024. 3. 5.", "2024-03-05T00:00"),
        ("Mar 5, 2021 3:04 PM", "2021-03-05T15:04"),
        ("Tue, 5 Mar 2021", "2021-03-05T00:00"),
        ("01-MAR-24 10.30.00.000000 PM", "2024-03-01T22:30"),
        ("13.03.2021 8.15 Uhr", "2021-03-13T08:15"),
        ("2021-03-13 08.15", "2021-03-13T08:15"),
    ],
)
def test_times_of_other_countries(text, when):
    assert start(text) == when


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_of_six_languages_is_that_month(month):
    """Against babel's own names of the months, wide and abbreviated."""
    from babel.dates import format_date

    day = dt.date(2021, month, 9)
    for locale in ("es", "pt", "fr", "de", "it", "ru"):
        for form in ("d MMMM y", "d MMM y", "d. MMMM y"):
            assert start(format_date(day, form, locale=locale))[:10] == day.isoformat(), (
                locale,
                format_date(day, form, locale=locale),
            )


@pytest.mark.parametrize(
    "word",
    [
        "不明",
        "不詳",
        "desconocido",
        "неизвестно",
        "N/D",
        "sin dato",
        "unbekannt",
        "inconnu",
        "미상",
        "NICHT BEKANNT",
        "0000-00-00",
        "Unknown.",
    ],
)
def test_words_for_unknown_keep_the_place(word):
    frame = pd.DataFrame({"occurred": ["2024-03-01"] * 9 + [word], "lon": -1.5, "lat": np.arange(10) / 100 + 50})
    incidents = read_incidents(frame)
    assert len(incidents) == 10
    assert incidents.to_frame()["occurred_from"].isna().sum() == 1


def test_dates_with_full_stops_are_day_first_without_being_asked():
    frame = pd.DataFrame({"date": ["03.04.2021", "05.06.2021"], "lon": -1.5, "lat": [50.0, 50.1]})
    assert read_incidents(frame).to_frame()["occurred_from"].dt.month.tolist() == [4, 6]


def test_two_digit_years_of_the_republic_are_known_by_their_column():
    frame = pd.DataFrame(
        {"date": ["98/01/13", "99/12/31", "100/01/01", "110/05/06"], "lon": -1.5, "lat": np.arange(4) / 100 + 50}
    )
    assert read_incidents(frame).to_frame()["occurred_from"].dt.year.tolist() == [2009, 2010, 2011, 2021]


def test_an_abbreviated_zone_is_moved_where_a_time_zone_is_asked_for():
    assert start("2021-03-16 22:00 CET", TimeRule("dmy", "UTC")) == "2021-03-16T21:00"
    assert start("2021-03-16 22:00 CST", TimeRule("dmy", "Asia/Shanghai")) == "2021-03-16T22:00"


def test_years_of_two_digits_never_lie_ahead_and_are_said():
    frame = pd.DataFrame(
        {"date": [f"13/03/{y:02d}" for y in (60, 75, 99, 5, 12, 19)], "lon": -1.5, "lat": np.arange(6) / 100 + 50}
    )
    incidents = read_incidents(frame)
    years = incidents.to_frame()["occurred_from"].dt.year.tolist()
    assert years == [1960, 1975, 1999, 2005, 2012, 2019]
    assert any("two digits" in str(n) for n in incidents.source["notes"])


def test_dates_in_the_future_are_questioned():
    ahead = dt.date.today().year + 3
    frame = pd.DataFrame({"date": ["2020-01-01"] * 5 + [f"{ahead}-01-01"], "lon": -1.5, "lat": np.arange(6) / 100 + 50})
    assert any("in the future" in str(n) for n in read_incidents(frame).source["notes"])


def test_a_column_that_is_mostly_unreadable_is_refused_with_an_example():
    frame = pd.DataFrame(
        {"date": ["week 13 of spring"] * 20 + ["2024-01-01"] * 5, "lon": -1.5, "lat": np.arange(25) / 100 + 50}
    )
    with pytest.raises(InputError, match="week 13 of spring"):
        read_incidents(frame)
    assert len(read_incidents(frame, columns={"occurred_from": None})) == 25


def test_a_role_given_as_none_is_left_out():
    frame = pd.DataFrame(
        {
            "date": ["2024-01-01"] * 30,
            "time": ["10:00"] * 30,
            "type": ["a", "b"] * 15,
            "lon": -1.5,
            "lat": np.arange(30) / 100 + 50,
        }
    )
    for role, column in (
        ("time_of_day", "occurred_from"),
        ("category", "category"),
        ("occurred_from", "occurred_from"),
    ):
        frame_out = read_incidents(frame, columns={role: None})
        assert role not in frame_out.source["columns"]
        if role != "time_of_day":
            assert frame_out.to_frame()[column].isna().all()
    assert (
        str(read_incidents(frame, columns={"time_of_day": None}).to_frame()["occurred_to"].iloc[0])[:10] == "2024-01-02"
    )


def test_a_loss_that_is_uneven_over_months_or_kinds_is_said():
    rng = np.random.default_rng(0)
    month = np.repeat(np.arange(1, 7), 200)
    kind = rng.choice(["theft", "noise"], 1200)
    lost = ((month == 3) & (rng.random(1200) < 0.5)) | (rng.random(1200) < 0.02)
    frame = pd.DataFrame(
        {
            "date": [f"2023-{m:02d}-10" for m in month],
            "type": kind,
            "lon": np.where(lost, np.nan, -1.5),
            "lat": 50 + rng.random(1200),
        }
    )
    notes = [str(n) for n in read_incidents(frame).source["notes"]]
    assert any("unevenly" in n and "2023-03" in n for n in notes)
    even = frame.assign(lon=np.where(rng.random(1200) < 0.1, np.nan, -1.5))
    assert not any("unevenly" in str(n) for n in read_incidents(even).source["notes"])


@pytest.mark.parametrize("since_1904", [True, False])
def test_serial_days_count_from_what_the_workbook_says(tmp_path, since_1904):
    openpyxl = pytest.importorskip("openpyxl")
    from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, to_excel

    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904 if since_1904 else CALENDAR_WINDOWS_1900
    sheet = book.active
    sheet.append(["date", "type", "lon", "lat"])
    for d in range(1, 10):
        sheet.append([to_excel(dt.datetime(2020, 5, d, 12), book.epoch), "theft", -1.5, 50 + d / 100])
    book.save(tmp_path / "a.xlsx")
    first = read_incidents(tmp_path / "a.xlsx").to_frame()["occurred_from"].iloc[0]
    assert str(first)[:16] == "2020-05-01 12:00"


# ---- 2. one bad point moves nobody ----------------------------------------------------------------------------------


@pytest.mark.parametrize("stray", [(-180.0, -90.0), (0.0, 0.001), (151.2, -33.9), (-1.5, 89.99)])
def test_a_stray_point_does_not_move_the_others(stray):
    rng = np.random.default_rng(1)
    lon, lat = rng.uniform(-1.6, -1.4, 400), rng.uniform(53.7, 53.9, 400)
    from gridmap.read.metric_projection import project

    usual = np.column_stack(project(lon, lat, metric_crs_of_points(lon, lat)))
    crs = metric_crs_of_points(np.append(lon, stray[0]), np.append(lat, stray[1]))
    with_it = np.column_stack(project(lon, lat, crs))
    length = lambda xy: np.hypot(*(xy[1:] - xy[:-1]).T)  # noqa: E731
    assert np.abs(length(with_it) / length(usual) - 1).max() < 0.002
    assert np.isfinite(project(np.array([stray[0]]), np.array([stray[1]]), crs)).all()


def test_points_astride_the_antimeridian_are_neighbours():
    from gridmap.read.metric_projection import project

    lon = np.array([179.999, -179.999, 179.998, -179.998])
    x, _ = project(lon, np.full(4, -17.0), metric_crs_of_points(lon, np.full(4, -17.0)))
    assert np.ptp(x) < 500


@pytest.mark.parametrize("null", [-1.7976931348623157e308, 1e38, -3.4e38])
def test_a_null_point_is_no_place(null):
    frame = gpd.GeoDataFrame(
        {"date": ["2024-01-01"] * 4},
        geometry=gpd.points_from_xy([-1.5, -1.51, null, -1.52], [50, 50.1, null, 50.2]),
        crs=4326,
    )
    incidents = read_incidents(frame)
    assert len(incidents) == 3
    assert incidents.set_aside["reason"].tolist() == ["no_coordinates"]


# ---- 3. encodings ---------------------------------------------------------------------------------------------------

TEXTS = {
    "cp932": ["種別,緯度\n空き巣,1\nひったくり,2", "罪名\n窃盗\n自転車盗\n車上ねらい", "手口\nオートバイ盗"],
    "cp949": ["범죄유형,일시\n절도,1\n폭행,2", "구분\n교통사고\n음주운전\n강도", "장소\n서울특별시 강남구 역삼동"],
    "cp1251": ["Вид преступления\nКража\nГрабёж", "категория\nугон автомобиля", "Район\nЦентральный район"],
    "cp1252": ["tipo\nlesión\nagresión", "Straße\nKörperverletzung", "natureza\nfurto de veículo\nlesão corporal"],
    "gb18030": ["案由\n盗窃\n诈骗", "地址\n海淀区中关村大街", "类型;社区\n抢劫;幸福社区"],
    "big5": ["案類\n竊盜\n詐欺", "地點\n臺北市中正區忠孝東路", "類別\n強盜\n搶奪"],
}


@pytest.mark.parametrize(("encoding", "text"), [(e, t) for e, texts in TEXTS.items() for t in texts])
def test_a_code_page_is_recognised(encoding, text):
    assert text.encode(encoding).decode(code_page(text.encode(encoding))) == text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "rodzaj\nkradzież\nwłamanie\nśmierć"),
        ("cp1254", "suç\nhırsızlık\nyağma\nşüpheli"),
        ("cp1253", "κατηγορία\nκλοπή\nληστεία"),
        ("cp874", "ประเภท\nลักทรัพย์"),
    ],
)
def test_a_code_page_that_is_not_known_is_asked_for_and_not_guessed(tmp_path, encoding, text):
    rows = text.split("\n")
    table = "\n".join(
        [f"{rows[0]},date,lon,lat", *(f"{r},2024-01-0{i},-1.5,50.{i}" for i, r in enumerate(rows[1:], 1))]
    )
    with pytest.raises(ReadError, match="encoding=…"):
        read_incidents(csv(tmp_path, table, encoding))
    assert (
        read_incidents(tmp_path / "a.csv", encoding={"latin-1": "ISO-8859-1"}.get(encoding, encoding))
        .to_frame()["lon"]
        .notna()
        .all()
    )


@pytest.mark.parametrize(
    ("declared", "encoding", "name"),
    [
        ("ISO-8859-1", "latin-1", "São Paulo"),
        ("1252", "cp1252", "Málaga"),
        ("CP932", "cp932", "東京都"),
        ("GBK", "gbk", "东城区"),
        ("949", "cp949", "강남구"),
        ("1251", "cp1251", "Арбат"),
        (None, "gbk", "西城区"),
        (None, "utf-8", "西城区"),
    ],
)
def test_the_text_of_a_shapefile_is_in_the_encoding_that_it_says(tmp_path, declared, encoding, name):
    gpd.GeoDataFrame(
        {"code": ["1", "2"], "name": [name, name + "2"]},
        geometry=[shapely.box(0, 50, 1, 51), shapely.box(1, 50, 2, 51)],
        crs=4326,
    ).to_file(tmp_path / "z.shp", encoding={"latin-1": "ISO-8859-1"}.get(encoding, encoding))
    (tmp_path / "z.cpg").unlink(missing_ok=True)
    if declared:
        (tmp_path / "z.cpg").write_text(declared)
    assert read_boundaries(tmp_path / "z.shp")["name"].iloc[0] == name


HTML = "<html><head><meta charset='{0}'></head><body><table>{1}</table></body></html>"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_an_xls_that_is_html_is_read(tmp_path, encoding):
    rows = [
        ["案由", "案发时间", "经度", "纬度"],
        *([f"盗窃{i % 2}", f"2024-03-0{i} 10:00", "-1.5", f"53.{i}"] for i in range(1, 9)),
    ]
    body = "".join("<tr>" + "".join(f"<td> {c}&nbsp;</td>" for c in row) + "</tr>" for row in rows)
    path = csv(tmp_path, HTML.format(encoding, body), encoding, "a.xls")
    if encoding == "utf-16":
        path.write_bytes(HTML.format("utf-8", body).encode("utf-8-sig"))
    incidents = read_incidents(path)
    assert len(incidents) == 8
    assert incidents.to_frame()["category"].iloc[0] == "盗窃1"


def test_an_xls_that_is_text_or_xml_is_read(tmp_path):
    text = "type\tdate\tlon\tlat\n" + "".join(f"theft\t2024-03-0{i}\t-1.5\t53.{i}\n" for i in range(1, 9))
    assert len(read_incidents(csv(tmp_path, text, name="tab.xls"))) == 8
    rows = [line.split("\t") for line in text.splitlines()]
    xml = '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table>'
    xml += (
        "".join(
            "<Row>" + "".join(f'<Cell><Data ss:Type="String">{c}</Data></Cell>' for c in row) + "</Row>" for row in rows
        )
        + "</Table></Worksheet></Workbook>"
    )
    assert len(read_incidents(csv(tmp_path, xml, name="xml.xls"))) == 8


@pytest.mark.parametrize("at", [0, 5, 11])
def test_a_nul_byte_costs_one_row_at_most(tmp_path, at):
    rows = [f"2024-03-01,th{chr(0) if i == at else ''}eft,-1.5,53.{i}" for i in range(12)]
    incidents = read_incidents(csv(tmp_path, "date,type,lon,lat\n" + "\n".join(rows)))
    assert len(incidents) + len(incidents.set_aside) == 12
    assert len(incidents) >= 11


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("3.450.123,50", "5.800.456,75"),
        ("3450123,50", "5800456,75"),
        ("3 450 123,50", "5 800 456,75"),
        ("3,450,123.50", "5,800,456.75"),
        ("3'450'123.50", "5'800'456.75"),
    ],
)
def test_thousands_and_decimals_of_every_locale(tmp_path, x, y):
    text = "id;date;category;x;y\n" + "".join(f"{i};2024-03-01;a;{x};{y}\n" for i in range(5))
    incidents = read_incidents(csv(tmp_path, text), crs="EPSG:31467")
    expected = read_incidents(pd.DataFrame({"x": [3450123.5], "y": [5800456.75]}), crs="EPSG:31467")
    assert np.allclose(incidents.lonlat()[0], expected.lonlat()[0])


# ---- 4. roles -------------------------------------------------------------------------------------------------------

HEADINGS = {
    "Japanese": (
        ["番号", "発生日時", "罪種", "緯度", "経度", "警察署"],
        ["incident_id", "occurred_from", "category", "lat", "lon", "zone"],
    ),
    "Korean": (
        ["사건번호", "발생일시", "범죄유형", "위도", "경도"],
        ["incident_id", "occurred_from", "category", "lat", "lon"],
    ),
    "Spanish": (
        ["folio", "fecha_del_hecho", "tipo_delito", "latitud", "longitud", "barrio"],
        ["incident_id", "occurred_from", "category", "lat", "lon", "zone"],
    ),
    "Portuguese": (
        ["num_bo", "data_do_fato", "natureza", "latitude", "longitude", "bairro"],
        ["incident_id", "occurred_from", "category", "lat", "lon", "zone"],
    ),
    "French": (
        ["date_des_faits", "nature_infraction", "latitude", "longitude", "adresse"],
        ["occurred_from", "category", "lat", "lon", "address"],
    ),
    "German": (
        ["Aktenzeichen", "Tatzeit", "Deliktart", "Hochwert", "Rechtswert", "Stadtteil"],
        ["incident_id", "occurred_from", "category", "lat", "lon", "zone"],
    ),
    "Russian": (
        ["Номер", "Дата совершения", "Вид преступления", "Широта", "Долгота", "Район"],
        ["incident_id", "occurred_from", "category", "lat", "lon", "zone"],
    ),
    "surveyors'": (
        ["id", "date", "category", "easting", "northing"],
        ["incident_id", "occurred_from", "category", "lon", "lat"],
    ),
    "cut to ten letters": (
        ["Incident_N", "Occurred_D", "Offense_Ty", "Longitude", "Latitude"],
        ["incident_id", "occurred_from", "category", "lon", "lat"],
    ),
}


@pytest.mark.parametrize("language", HEADINGS)
def test_headings_of_other_languages(language):
    names, roles = HEADINGS[language]
    assert {name: role for role, (name, _) in match_columns(names).items()} == dict(zip(names, roles, strict=True))


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["Date Reported", "Date Occurred"], "Date Occurred"),
        (["REPORTED_DATE", "FIRST_OCCURRENCE_DATE"], "FIRST_OCCURRENCE_DATE"),
        (["报警时间", "案发时间"], "案发时间"),
        (["YEAR", "MONTH", "OCCURRED_ON_DATE"], "OCCURRED_ON_DATE"),
        (["CreatedDate", "ClosedDate"], "CreatedDate"),
        (["접수일시", "사건발생일자"], "사건발생일자"),
        (["time", "closed"], "time"),
    ],
)
def test_when_it_happened_comes_before_when_it_was_reported(names, taken):
    assert match_columns(names)["occurred_from"][0] == taken


def rows_of(n=40, **columns):
    return pd.DataFrame(
        {
            **{k: [v[i % len(v)] for i in range(n)] for k, v in columns.items()},
            "lon": -1.5,
            "lat": np.arange(n) / 100 + 50,
        }
    )


@pytest.mark.parametrize(
    ("columns", "category"),
    [
        ({"MethodReceived": ["Phone", "API", "Mail"], "SRType": ["Alley", "Pothole", "Rat"]}, "SRType"),
        ({"municipio": ["Norte", "Sur"], "modalidad": ["Arma", "Llave"]}, "modalidad"),
        ({"q1": ["TRUE", "FALSE"], "q2": ["robo con fuerza", "hurto"]}, "q2"),
        ({"status": ["Open", "Closed"], "wnt": ["graffiti", "noise", "litter"]}, "wnt"),
        ({"市区町村": ["新宿区", "渋谷区"], "手口": ["空き巣", "忍込み"]}, "手口"),
        ({"街道": ["东街道", "西街道"], "k": ["盗窃", "诈骗", "抢劫"]}, "k"),
    ],
)
def test_a_category_is_chosen_by_what_it_is(columns, category):
    incidents = read_incidents(rows_of(date=["2024-01-01", "2024-01-02"], **columns))
    assert incidents.source["columns"]["category"] == category
    assert any(f"category from '{category}'" in str(n) for n in incidents.source["notes"])


@pytest.mark.parametrize("column", ["event_id", "report number", "编号"])
def test_an_id_that_repeats_elsewhere_is_none(column):
    frame = rows_of(100, **{column: ["S1", "S2", "S3"]}, date=[f"2024-01-{d:02d}" for d in range(1, 29)])
    incidents = read_incidents(frame, duplicates="remove")
    assert len(incidents) == 100
    assert any("was not taken as incident_id" in str(n) for n in incidents.source["notes"])


def test_the_same_file_twice_still_has_an_id():
    frame = rows_of(50, id=[f"C{i}" for i in range(50)], date=["2024-01-01"])
    assert len(read_incidents(pd.concat([frame, frame]), duplicates="remove")) == 50


def test_categories_that_differ_by_case_and_blanks_are_said_and_joined_on_request():
    frame = rows_of(60, type=["Theft", "THEFT ", "theft", "Theft", "Noise", "Ｎoise"], date=["2024-01-01"])
    incidents = read_incidents(frame)
    assert any("several ways" in str(n) for n in incidents.source["notes"])
    assert (
        incidents.to_frame()["category"].nunique() == 5 - 0 if False else incidents.to_frame()["category"].nunique() > 2
    )
    joined = read_incidents(frame, join_categories=True).to_frame()["category"].value_counts().to_dict()
    assert joined == {"Theft": 40, "Noise": 20}


# ---- 5. persons in other languages, and by accident -------------------------------------------------------------------


@pytest.mark.parametrize(
    "heading",
    [
        "婚姻家庭纠纷",
        "宗教场所",
        "手机盗窃",
        "电话亭",
        "户籍派出所",
        "Phone Booth",
        "Officer District",
        "cell_id",
        "Registration date",
        "Owner type",
        "职业技术学校",
        "民族路",
        "网格编号",
        "発生年月日",
        "officer_initiated",
        "Person crime",
        "Reported date",
    ],
)
def test_what_holds_a_personal_word_by_accident_is_kept(heading):
    assert personal_columns([(heading, ["a", "b"])]) == {}


@pytest.mark.parametrize(
    "heading",
    ["sexo", "Edad", "nombre_victima", "apellidos", "teléfono", "idade", "Raça/Cor", "vítima", "CPF", "prénom", "Nom de la victime", "date de naissance", "Geschlecht", "Opferalter", "Tatverdächtiger", "Geburtsdatum", "被害者の性別", "年齢", "生年月日", "電話番号", "피해자 성별", "나이", "주민등록번호", "ФИО", "Пол", "Возраст", "Потерпевший", "聯絡人", "負責人", "當事人姓名", "姓 名", "warden_name", "councillor_name", "站长_name", "lxdh", "sfzh", "xm"],
)  # fmt: skip
def test_columns_about_persons_of_other_languages_are_dropped(heading):
    assert heading in personal_columns([(heading, ["a", "b"])])


@pytest.mark.parametrize(
    ("country", "numbers"),
    [
        ("Spain", ["12345678Z", "87654321X", "11111111H", "X1234567L"]),
        ("Brazil", ["390.533.447-05", "231.002.999-00", "529.982.247-25"]),
        ("Italy", ["RCCMNL83S18D969H", "RSSMRA85T10A562S", "BNCLRA80A41H501X"]),
        ("Poland", ["44051401359", "02070803628", "83010411457"]),
        ("Korea", ["971013-9019902", "900101-1234568", "850505-2345677"]),
        ("Russia", ["112-233-445 95", "087-654-303 00", "001-001-998 05"]),
        ("Japan", ["123456789018", "234567890126", "345678901234"]),
    ],
)
def test_national_numbers_are_found_by_their_check_digits(country, numbers):
    from importlib import import_module

    from gridmap.read import persons

    checks = {
        "Spain": "es.nif",
        "Brazil": "br.cpf",
        "Italy": "it.codicefiscale",
        "Poland": "pl.pesel",
        "Korea": "kr.rrn",
    }
    valid = (
        import_module(f"stdnum.{checks[country]}").is_valid
        if country in checks
        else {"Russia": persons.snils_is_valid, "Japan": persons.my_number_is_valid}[country]
    )
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    ends = [a + b for a in digits for b in digits]
    good = [n if valid(n) else next(n[:-2] + end for end in ends if valid(n[:-2] + end)) for n in numbers]
    assert personal_columns([("k", good)]) == {"k": "identity numbers (by content)"}
    spoilt = [n[:-1] + ("1" if n[-1] != "1" else "2") for n in good]
    found = personal_columns([("k", [n for n in spoilt if not valid(n)])])
    assert "identity" not in str(found)


@pytest.mark.parametrize("heading", ["所属派出所", "District", "警察署", "Station"])
def test_names_of_areas_that_read_as_persons_are_kept(heading):
    assert personal_columns([(heading, ["武侯", "金牛", "龙岗", "江北", "高新", "金水"])]) == {}


# ---- 6. zones -------------------------------------------------------------------------------------------------------


def zones(**columns):
    n = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(i, 50, i + 1, 51) for i in range(n)], crs=4326)


@pytest.mark.parametrize(
    ("columns", "ids", "names"),
    [
        (
            {"OBJECTID": [9, 10], "NAME": ["Park", "Hill"], "GSS_CODE": ["E1", "E2"], "POLY_ID": [5.0, 6.0]},
            ["E1", "E2"],
            ["Park", "Hill"],
        ),
        (
            {"OBJECTID": [9, 10], "COMUNA": ["16", "01"], "NOMBRE": ["BELEN", "POPULAR"]},
            ["16", "01"],
            ["BELEN", "POPULAR"],
        ),
        ({"OBJECTID": [9, 10], "DISTRICT": ["510", "520"], "Shape_Area": [1.5, 2.5]}, ["510", "520"], ["510", "520"]),
        (
            {
                "fid": [1, 2],
                "ADM2_PCODE": ["KE01", "KE02"],
                "ADM2_EN": ["Mombasa", "Kwale"],
                "ADM1_EN": ["Coast", "Coast"],
            },
            ["KE01", "KE02"],
            ["Mombasa", "Kwale"],
        ),
        ({"OBJECTID": [1, 2], "Name": ["North", "South"]}, ["North", "South"], ["North", "South"]),
        (
            {"gid": [1, 2], "SIG_CD": ["11110", "11140"], "SIG_KOR_NM": ["종로구", "중구"]},
            ["11110", "11140"],
            ["종로구", "중구"],
        ),
        (
            {"adcode": [110101, 110102], "name": ["东城区", "西城区"], "centroid": ["[116.4, 39.9]", "[116.3, 39.9]"]},
            ["110101", "110102"],
            ["东城区", "西城区"],
        ),
        (
            {"CD_BAIRRO": ["11", "12"], "NM_BAIRRO": ["Centro", "Sul"], "CD_MUN": ["9", "9"]},
            ["11", "12"],
            ["Centro", "Sul"],
        ),
        (
            {"CODE_IRIS": ["7501", "7502"], "NOM_IRIS": ["Louvre", "Halles"], "INSEE_COM": ["75", "75"]},
            ["7501", "7502"],
            ["Louvre", "Halles"],
        ),
        (
            {"AREA_NUMBE": [35.0, 36.0], "COMMUNITY": ["DOUGLAS", "OAKLAND"], "shape_area": [1.5, 2.5]},
            ["35", "36"],
            ["DOUGLAS", "OAKLAND"],
        ),
        ({"precinct": [1, 5], "shape_leng": [1.1, 2.2], "warden_name": ["Wu Xi", "Ke Mu"]}, ["1", "5"], ["1", "5"]),
    ],
)
def test_codes_and_names_of_zones(columns, ids, names):
    read = read_boundaries(zones(**columns))
    assert read["zone_id"].tolist() == ids
    assert read["name"].tolist() == names


@pytest.mark.parametrize("column", ["姓 名", "warden_name", "councillor_name", "站长_name", "所属", "xm", "gly"])
def test_persons_are_no_level_of_the_zones(column):
    """One warden for each street: the names nest and are neighbours, and are no areas."""
    frame = zones(
        grid_code=["a", "b", "c", "d"], street_code=["1", "1", "2", "2"], **{column: ["乜禾", "乜禾", "佟木", "佟木"]}
    )
    read = read_boundaries(frame)
    printed = " ".join(str(level.to_numpy().tolist()) for level in levels_above(read))
    assert "乜禾" not in printed
    assert "1" in printed


def test_columns_about_persons_are_dropped_from_boundaries_without_a_level_above():
    read = read_boundaries(
        zones(社区编码=["1", "2"], 社区名称=["甲", "乙"], 网格长=["乜禾", "佟木"], 联系电话=["138", "139"])
    )
    assert set(read.attrs["dropped"]) == {"网格长", "联系电话"}
    assert not {"网格长", "联系电话"} & set(read.columns)


def test_names_of_areas_are_levels():
    read = read_boundaries(zones(grid_code=["a", "b", "c", "d"], 所属=["东街道", "东街道", "西街道", "西街道"]))
    assert "东街道" in str([level.to_numpy().tolist() for level in levels_above(read)])
    assert not names_areas("k", pd.Series(["乜禾", "佟木"]))


@pytest.mark.parametrize("overlap", [0.2, 0.5, 0.9])
def test_overlaps_are_said_at_reading(overlap):
    frame = gpd.GeoDataFrame(
        {"code": ["a", "b"]}, geometry=[shapely.box(0, 50, 1, 51), shapely.box(1 - overlap, 50, 2, 51)], crs=4326
    )
    assert any("overlap" in str(n) for n in read_boundaries(frame).attrs["notes"])
    apart = gpd.GeoDataFrame(
        {"code": ["a", "b"]}, geometry=[shapely.box(0, 50, 1, 51), shapely.box(1, 50, 2, 51)], crs=4326
    )
    assert not any("overlap" in str(n) for n in read_boundaries(apart).attrs["notes"])


def test_collections_in_collections_are_read_and_infinite_coordinates_named(tmp_path):
    feature = {
        "type": "Feature",
        "properties": {"code": "a"},
        "geometry": shapely.geometry.mapping(shapely.box(0, 50, 1, 51)),
    }
    inner = {"type": "FeatureCollection", "features": [feature]}
    other = {
        **feature,
        "properties": {"code": "b"},
        "geometry": {"type": "GeometryCollection", "geometries": [shapely.geometry.mapping(shapely.box(1, 50, 2, 51))]},
    }
    (tmp_path / "n.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    inner,
                    {"type": "FeatureCollection", "features": [{"type": "FeatureCollection", "features": [other]}]},
                ],
            }
        )
    )
    assert read_boundaries(tmp_path / "n.geojson")["zone_id"].tolist() == ["a", "b"]
    bad = json.dumps({"type": "FeatureCollection", "features": [feature]}).replace("51.0", "Infinity")
    (tmp_path / "i.geojson").write_text(bad)
    with pytest.raises(InputError, match="not finite"):
        read_boundaries(tmp_path / "i.geojson")


def test_esri_json_and_topojson_are_read(tmp_path):
    ring = [[0, 50], [0, 51], [1, 51], [1, 50], [0, 50]]
    hole = [[0.2, 50.2], [0.4, 50.2], [0.4, 50.4], [0.2, 50.4], [0.2, 50.2]]
    esri = {
        "geometryType": "esriGeometryPolygon",
        "spatialReference": {"wkid": 4326},
        "features": [{"attributes": {"code": "a"}, "geometry": {"rings": [ring, hole]}}],
    }
    (tmp_path / "e.json").write_text(json.dumps(esri))
    assert read_boundaries(tmp_path / "e.json").geometry.iloc[0].area == pytest.approx(0.96)
    topo = {
        "type": "Topology",
        "transform": {"scale": [0.5, 0.5], "translate": [0, 50]},
        "arcs": [[[0, 0], [0, 2], [2, 0], [0, -2], [-2, 0]]],
        "objects": {
            "z": {
                "type": "GeometryCollection",
                "geometries": [{"type": "Polygon", "arcs": [[0]], "properties": {"code": "t"}}],
            }
        },
    }
    (tmp_path / "t.json").write_text(json.dumps(topo))
    assert read_boundaries(tmp_path / "t.json").geometry.iloc[0].equals(shapely.box(0, 50, 1, 51))


# ---- 7. a datum for boundaries too ------------------------------------------------------------------------------------


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_boundaries_on_another_datum_are_moved(datum):
    from gridmap.read.datum import from_wgs84

    right = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(116.40, 39.90, 116.42, 39.92)], crs=4326)
    shifted = right.set_geometry(
        [shapely.transform(right.geometry.iloc[0], lambda xy: np.column_stack(from_wgs84(*xy.T, datum=datum)))],
        crs=4326,
    )
    assert read_boundaries(shifted, datum=datum).geometry.iloc[0].equals_exact(right.geometry.iloc[0], 1e-8)
    assert not read_boundaries(shifted).geometry.iloc[0].equals_exact(right.geometry.iloc[0], 1e-4)


def test_rows_that_name_another_zone_than_their_point_lies_in_are_said():
    frame = gpd.GeoDataFrame(
        {"zone_id": ["1", "2"], "name": ["东社区", "西社区"]},
        geometry=[shapely.box(0, 50, 0.01, 50.01), shapely.box(0.01, 50, 0.02, 50.01)],
        crs=4326,
    )
    boundaries = read_boundaries(frame)
    rng = np.random.default_rng(2)
    lon = rng.uniform(0.0001, 0.0199, 200)
    named = np.where(lon < 0.01, "东社区", "西社区")
    cases = pd.DataFrame({"date": "2024-01-01", "社区": named, "lon": lon + 0.004, "lat": 50.005})
    notes = [
        n
        for n in read_incidents(cases[cases.lon < 0.02], boundaries=boundaries).source["notes"]
        if "name another zone" in str(n)
    ]
    assert len(notes) == 1
    assert notes[0].values["n"] > 20
    assert notes[0].code == "read.zones_contradicted"
    # most at the border, and drawn across it by a simplification: 35 to 70 m beyond it
    edge = cases.assign(lon=np.where(rng.random(200) < 0.8, np.where(lon < 0.01, 0.0105, 0.0095), lon))
    near = [n for n in read_incidents(edge, boundaries=boundaries).source["notes"] if "name another zone" in str(n)]
    assert [n.code for n in near] == ["read.zones_near"]
    assert near[0].values["metres"] == pytest.approx(0.0005 * 111_195 * np.cos(np.radians(50.005)), rel=0.01)
    right = cases.assign(lon=lon)
    assert not any("name another zone" in str(n) for n in read_incidents(right, boundaries=boundaries).source["notes"])


def test_a_gazetteer_takes_the_datum_of_its_rows_or_its_own():
    cases = pd.DataFrame(
        {
            "案发时间": ["2024-03-05 12:00"] * 2,
            "社区": ["甲社区", "乙社区"],
            "经度": [116.401, None],
            "纬度": [39.901, None],
        }
    )
    places = pd.DataFrame({"名称": ["甲社区", "乙社区"], "经度": [116.40, 116.42], "纬度": [39.90, 39.91]})
    assert len(read_incidents(cases, datum="gcj02", gazetteer=places)) == 2
    assert len(read_incidents(cases, datum="wgs84", gazetteer={"path": places, "datum": "gcj02"})) == 2
    with pytest.raises(InputError, match="gazetteer="):
        read_incidents(cases, datum="wgs84", gazetteer=places)


def test_almaty_is_not_asked_for_a_chinese_datum():
    for lon, lat in ((76.9, 43.25), (74.6, 42.87), (71.4, 51.1)):
        assert len(read_incidents(pd.DataFrame({"lon": [lon], "lat": [lat]}))) == 1
    for lon, lat in ((87.6, 43.8), (75.99, 39.47), (81.3, 43.9), (116.4, 39.9)):
        with pytest.raises(InputError, match="datum"):
            read_incidents(pd.DataFrame({"lon": [lon], "lat": [lat]}))


def test_an_address_is_not_a_file():
    with pytest.raises(ReadError, match="address"):
        read_boundaries("https://example.org/zones.geojson")


# ---- whatever is written, nothing breaks and nothing is lost -----------------------------------------------------------


def test_any_text_is_cleaned_without_a_crash():
    rng = np.random.default_rng(3)
    alphabet = list("0123456789/-:. 年月日时分令和民國ene.märявгt'a,mhрU°" + "\u3000\uff11")
    for _ in range(3000):
        text = "".join(rng.choice(alphabet, rng.integers(0, 22)))
        clean(text)
    texts = ["".join(rng.choice(alphabet, rng.integers(0, 22))) for _ in range(2000)]
    first, last, _ = read_times(texts, TimeRule("dmy"))
    known = ~np.isnat(first)
    assert (last[known] >= first[known]).all()


def test_inspect_speaks_chinese():
    from gridmap.read.quality import inspect_file

    frame = rows_of(60, 案由=["盗窃", "诈骗"], 案发时间=["2024-01-01 10:00"], 报警人=["某"])
    report = inspect_file(frame)
    english, chinese = report.text(), report.text("zh")
    assert "Columns" in english
    assert "各列" in chinese
    assert "涉及个人" in chinese
    assert not any(word in chinese for word in ("named as", "Dropped", "rows", "Columns", "filled"))
    assert 'lang="zh"' in report.to_html("zh")
    assert io.StringIO(chinese).read() == chinese


HOURS = {
    "a clock column with colons": ("type,date,time,lon,lat", "{kind},2024-03-{i:02d},22:00-23:30,{x},{y}", 22.0, 23.5),
    "a clock column without": ("type,date,time,lon,lat", "{kind},2024-03-{i:02d},0800-1000,{x},{y}", 8.0, 10.0),
    "past midnight": ("type,date,time,lon,lat", "{kind},2024-03-{i:02d},22:00-02:00,{x},{y}", 22.0, 26.0),
    "in one cell": ("type,when,lon,lat", "{kind},2024-03-{i:02d} 20:15-21:00,{x},{y}", 20.25, 21.0),
    "day first, in one cell": ("type,when,lon,lat", "{kind},{i:02d}/03/2024 20:15-21:00,{x},{y}", 20.25, 21.0),
    "Chinese hours": ("案由,发案日期,发案时段,lon,lat", "{kind},2024年3月{i}日,8时-10时,{x},{y}", 8.0, 10.0),
    "Chinese, in one cell": ("案由,发案时间,lon,lat", "{kind},2024年3月{i}日8时至10时,{x},{y}", 8.0, 10.0),
    "Taiwan's": ("案類,發生日期,發生時段,lon,lat", "{kind},11303{i:02d},22-24時,{x},{y}", 22.0, 24.0),
}


@pytest.mark.parametrize("kind", HOURS)
def test_hours_that_run_to_others_are_intervals(tmp_path, kind):
    heading, row, since, until = HOURS[kind]
    rows = [row.format(kind="盗窃" if i % 2 else "诈骗", i=i, x=-0.1 - i / 1e4, y=51.5 + i / 1e4) for i in range(1, 25)]
    (tmp_path / "a.csv").write_text("\n".join([heading, *rows]), encoding="utf-8")
    frame = read_incidents(tmp_path / "a.csv").to_frame()
    day = pd.to_datetime([f"2024-03-{i:02d}" for i in range(1, 25)])
    assert ((frame["occurred_from"] - day) / pd.Timedelta("1h")).eq(since).all()
    assert ((frame["occurred_to"] - day) / pd.Timedelta("1h")).eq(until).all()


def test_an_offset_is_not_taken_for_a_range(tmp_path):
    rows = [f"theft,2024-03-{i:02d}T22:00-05:00,{-0.1 - i / 1e4},{51.5 + i / 1e4}" for i in range(1, 25)]
    (tmp_path / "a.csv").write_text("\n".join(["type,when,lon,lat", *rows]), encoding="utf-8")
    frame = read_incidents(tmp_path / "a.csv").to_frame()
    assert (frame["occurred_from"] == frame["occurred_to"]).all()
    assert frame["occurred_from"].dt.hour.eq(22).all()


@pytest.mark.parametrize("lon, year", [(121.5, 2010), (114.1, 1999)])
def test_six_digits_are_the_republics_in_taiwan_only(tmp_path, lon, year):
    rows = [f"{'竊盜' if i % 2 else '詐欺'},9905{i:02d},{lon + i / 1e4},{25 + i / 1e4}" for i in range(1, 25)]
    (tmp_path / "a.csv").write_text("\n".join(["案類,發生日期,經度,緯度", *rows]), encoding="utf-8")
    incidents = read_incidents(tmp_path / "a.csv", datum="wgs84")
    assert incidents.to_frame()["occurred_from"].dt.year.eq(year).all()
    assert ("read.republic_years" in [n.code for n in incidents.source["notes"]]) is (year == 2010)


@pytest.mark.parametrize(
    "time, x", [("'2024-03-{i:02d}", "'{x}"), ('="2024-03-{i:02d}"', '="{x}"'), ("/Date({ms})/", "{x}")]
)
def test_what_programs_put_around_a_value_is_taken_off(tmp_path, time, x):
    rows = []
    for i in range(1, 25):
        day = time.format(i=i, ms=1709251200000 + (i - 1) * 86400000)
        rows.append(f"theft,{day},{x.format(x=round(-0.1 - i / 1e4, 4))},{x.format(x=round(51.5 + i / 1e4, 4))}")
    (tmp_path / "a.csv").write_text("\n".join(["type,when,lon,lat", *rows]), encoding="utf-8")
    frame = read_incidents(tmp_path / "a.csv").to_frame()
    assert frame["occurred_from"].dt.day.tolist() == list(range(1, 25))
    assert frame["lon"].round(4).tolist() == [round(-0.1 - i / 1e4, 4) for i in range(1, 25)]


@pytest.mark.parametrize("before", ["", "12 MAIN ST\n", "1600 PENNSYLVANIA AVE, 20500 DC "])
def test_the_pair_in_brackets_is_the_place_whatever_stands_before_it(tmp_path, before):
    rows = [f'theft,2024-03-{i:02d},"{before}({51.5 + i / 1e4:.4f}, {-0.1 - i / 1e4:.4f})"' for i in range(1, 25)]
    (tmp_path / "a.csv").write_text("\n".join(["offense,date,location", *rows]), encoding="utf-8")
    incidents = read_incidents(tmp_path / "a.csv")
    assert len(incidents) == 24
    assert incidents.to_frame()["lat"].round(4).tolist() == [round(51.5 + i / 1e4, 4) for i in range(1, 25)]


def test_the_old_name_of_the_column_still_works(tmp_path):
    (tmp_path / "a.csv").write_text("lon,lat,origin\n-0.1,51.5,patrol\n-0.2,51.6,call\n", encoding="utf-8")
    incidents = read_incidents(tmp_path / "a.csv")
    assert {"officer_initiated", "patrol_found"} & set(incidents.columns) == {"officer_initiated"}
    assert incidents.to_frame(["patrol_found"])["patrol_found"].tolist() == [True, False]
    before = Incidents(
        incidents.arrow().rename_columns(["patrol_found" if c == "officer_initiated" else c for c in incidents.columns])
    )
    assert len(before.where(officer_initiated=True)) == len(incidents.where(patrol_found=True)) == 1


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2021年5月13日21时许", "2021-05-13T21:00"),
        ("2021-05-13 21:30左右", "2021-05-13T21:30"),
        ("2021年5月13日二十一时三十分", "2021-05-13T21:30"),
        ("2021年5月13日晚上12点", "2021-05-14T00:00"),
        ("2021年5月13日夜间2时", "2021-05-13T02:00"),
        ("民國一百一十年一月十三日", "2021-01-13T00:00"),
        ("令和３年５月13日（木） 午後３時15分頃", "2021-05-13T15:15"),
        ("2021-W19-4", "2021-05-13T00:00"),
        ("Wed Jan 13 22:15:00 EST 2021", "2021-01-13T22:15"),
        ("2021-05-13 10:15:00 America/New_York", "2021-05-13T10:15"),
        ("2021-05-13 10:15:00 UTC+8", "2021-05-13T10:15"),
        ("Mo, 13. Okt. 2021, 22:15 Uhr", "2021-10-13T22:15"),
        ("13 gennaio 2021 ore 22:15", "2021-01-13T22:15"),
        ("05/13/2021 2215", "2021-05-13T22:15"),
        ("May 13th, 2021 - 10:15 PM", "2021-05-13T22:15"),
    ],
)
def test_times_with_words_about_them_and_zones_by_name(text, when):
    assert str(read_times([text], TimeRule("mdy"))[0][0])[:16] == when


@pytest.mark.parametrize("text", ["1900-01-01", "9999-12-31 00:00:00", "TBC", "待定", "00/00/0000"])
def test_dates_that_stand_for_none_keep_the_place(text):
    assert read_times([text, "2021-05-13 10:00"], TimeRule("dmy"))[2].tolist() == [0, 1]


@pytest.mark.parametrize(("group", "north"), [(",", 430_111.0), (".", 430_111.0)])
def test_metres_in_groups_of_three_are_no_degrees(group, north):
    texts = pa.array([f"{430 + i}{group}111" for i in range(5)])
    assert numbers(texts)[0][0] == north
    assert numbers(pa.array([f"116{group}397", f"116{group}401"]))[0][0] == 116.397


def test_hours_and_weekdays_are_those_of_the_middle_where_the_interval_tells_them():
    """A Friday's night, two Saturdays, a Friday of twenty hours, and one without a time."""
    start = pd.to_datetime(["2024-03-01 23:10", "2024-03-02 04:00", "2024-03-02 12:00", "2024-03-01 00:00", None])
    end = start + pd.to_timedelta([0, 30, 0, 20 * 60, 0], unit="min")
    times = {"occurred_from": start.astype("datetime64[us]"), "occurred_to": end.astype("datetime64[us]")}
    incidents = Incidents(pa.table({name: pa.array(column) for name, column in times.items()}))
    assert len(incidents.where(hours=(22, 5))) == 2
    assert len(incidents.where(hours=(5, 22))) == 1
    assert len(incidents.where(hours=(0, 23))) == 3
    assert len(incidents.where(weekdays=[4])) == 2
    assert len(incidents.where(weekdays=[5], hours=(4, 4))) == 1
    with pytest.raises(SettingError, match="the first and the last"):
        incidents.where(hours=(3, 24))
    with pytest.raises(SettingError, match="from 0"):
        incidents.where(weekdays=[])


@pytest.mark.parametrize(
    "columns, taken",
    [
        (["案件编号", "发生时间", "截止时间", "经度", "纬度"], None),  # a deadline of the handling
        (["受理时间", "结束时间", "经度", "纬度"], None),  # the handling begins and ends
        (["createddate", "enddate", "lat", "lon"], None),
        (["受理日時", "終了日時", "経度", "緯度"], None),
        (["开始时间", "截止时间", "经度", "纬度"], "截止时间"),
        (["案发时间", "案发截止时间", "经度", "纬度"], "案发截止时间"),
        (["发生时间", "结束时间", "经度", "纬度"], "结束时间"),
        (["startdate", "enddate", "lat", "lon"], "enddate"),
    ],
)
def test_the_end_of_the_handling_and_a_deadline_are_no_end_of_an_incident(columns, taken):
    assert match_columns(columns).get("occurred_to", (None,))[0] == taken


@pytest.mark.parametrize("given", ["https://example.org/a.csv", Path("https://example.org/a.csv"), "s3://bucket/a.csv"])
def test_a_web_address_is_named_whole_and_the_remedy_is_to_save_it(given):
    with pytest.raises(ReadError, match=r"(https|s3)://\S+ is an address, .* Save it as one first"):
        read_incidents(given)


@pytest.mark.parametrize("given", ["postgresql://reader:geheim@host/cases", "https://reader:geheim@host/a.geojson"])
def test_an_address_in_the_place_of_a_file_shows_no_password(given):
    for path in (given, Path(given)):
        with pytest.raises(ReadError, match=r"://reader:\*\*\*@host/") as error:
            read_boundaries(path)
        assert "geheim" not in str(error.value)
