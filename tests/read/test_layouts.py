# ruff: noqa: E501 -- headings as the exports have them
"""Layouts of open data and of offices' exports, with rows made up in their form: which column is taken for what."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from gridmap.read.boundaries import read_boundaries
from gridmap.read.coordinates import numbers
from gridmap.read.incidents import read_incidents
from gridmap.read.persons import personal_columns
from gridmap.read.times import TimeRule, read_times

N = 30
KINDS = ["theft", "robbery", "burglary"] * 10
DAYS = [f"2021-03-{i % 27 + 1:02d}" for i in range(N)]
LON = np.round(-1.5 + np.arange(N) / 1000, 4)
LAT = np.round(53.8 + np.arange(N) / 1000, 4)
EAST = (np.round(-75.2 + np.arange(N) / 1000, 4), np.round(39.9 + np.arange(N) / 1000, 4))


def numbered(form, first=100000):
    return [form.format(first + i) for i in range(N)]


def read(columns, **options):
    frame = pd.DataFrame({c: v if isinstance(v, list | np.ndarray) else [v] * N for c, v in columns.items()})
    return read_incidents(frame.astype(str), **options)


def first_time(incidents):
    return str(incidents.to_frame()["occurred_from"].iloc[0].to_datetime64())[:16]


PLACE = {"longitude": LON, "latitude": LAT}


@pytest.mark.parametrize(
    ("columns", "id_column", "when"),
    [
        # the same day in one column alone and in another with its clock
        ({"dc_key": numbered("2022{}"), "dispatch_date_time": [f"{d} 14:05:00" for d in DAYS], "dispatch_date": DAYS}, "dc_key", "2021-03-01T14:05"),
        ({"Incident Number": numbered("{}"), "Occurred Date": DAYS, "Occurred Date Time": [f"{d} 23:30" for d in DAYS]}, "Incident Number", "2021-03-01T23:30"),
        ({"工单编号": numbered("G{}"), "发生日期": DAYS, "发生日期时间": [f"{d} 23:30:00" for d in DAYS]}, "工单编号", "2021-03-01T23:30"),
        # a clock whose heading is that of the day, with another word
        ({"INCIDENT_KEY": numbered("{}"), "OCCUR_DATE": DAYS, "OCCUR_TIME": "00:10:00"}, "INCIDENT_KEY", "2021-03-01T00:10"),
        ({"report_number": numbered("{}"), "occur_date": DAYS, "occur_time": "2215"}, "report_number", "2021-03-01T22:15"),
        ({"Expediente": numbered("E{}"), "fecha suceso": DAYS, "hora suceso": "22:15"}, "Expediente", "2021-03-01T22:15"),
        ({"受理番号": numbered("R{}"), "発生日": DAYS, "発生時刻": "22時15分"}, "受理番号", "2021-03-01T22:15"),
        # clocks of six digits under the better heading
        ({"發生年度": "2021", "發生月份": "3", "發生日期": [d.replace("-", "") for d in DAYS], "發生時間": "221500"}, None, "2021-03-01T22:15"),
        # 22-15 is a clock where some minutes are past 24
        ({"№ КУСП": numbered("{}"), "Дата": DAYS, "Время": ["22-15", "08-40", "9-59"] * 10}, None, "2021-03-01T22:15"),
        # pieces of a date in France, Germany and Barcelona
        ({"Num_Acc": numbered("2021{}"), "jour": "1", "mois": "3", "an": "2021", "hrmn": "13:25"}, "Num_Acc", "2021-03-01T13:25"),
        ({"Num_Acc": numbered("2021{}"), "jour": "1", "mois": "3", "an": "2021", "hrmn": ["925", "5", "1325"] * 10}, "Num_Acc", "2021-03-01T09:25"),
        ({"UIDENTSTLAE": numbered("01{}"), "UJAHR": "2021", "UMONAT": "03", "USTUNDE": "14"}, "UIDENTSTLAE", "2021-03-01T00:00"),
        ({"Numero_expedient": numbered("S{}"), "NK_Any": "2021", "Mes_any": "3", "Dia_mes": "1", "Hora_dia": "22"}, None, "2021-03-01T22:00"),
        ({"本票番号": numbered("{}"), "発生日時　　年": "2021", "発生日時　　月": "3", "発生日時　　日": "1", "発生日時　　時": "22", "発生日時　　分": "15", "曜日(発生年月日)": "3"}, None, "2021-03-01T22:15"),
        ({"사고번호": numbered("{}"), "발생년월일시": [d.replace("-", "") + "22" for d in DAYS]}, None, "2021-03-01T22:00"),
        # long numbers are no times
        ({"case_enquiry_id": numbered("101000{}"), "open_dt": [f"{d} 09:00:12" for d in DAYS], "sla_target_dt": [f"{d} 19:00:12" for d in DAYS], "closed_dt": [f"{d} 12:00:12" for d in DAYS]}, "case_enquiry_id", "2021-03-01T09:00"),
        ({"accident_index": numbered("2021{}"), "date": [f"{i % 15 + 13}/03/2021" for i in range(N)], "time": "22:15", "day_of_week": "2"}, "accident_index", "2021-03-13T22:15"),
        # the initials of Chinese headings
        ({"JJDBH": numbered("3301{}"), "BJSJ": [f"{d} 22:15:00" for d in DAYS], "AFSJ": [f"{d} 21:15:00" for d in DAYS]}, "JJDBH", "2021-03-01T21:15"),
        ({"AJBH": numbered("A{}"), "FASJCZ": [d.replace("-", "") + "211500" for d in DAYS], "FASJZZ": [d.replace("-", "") + "221500" for d in DAYS]}, "AJBH", "2021-03-01T21:15"),
        ({"任务号": numbered("R{}"), "上报时间": [f"{d} 09:05:33" for d in DAYS], "结案时间": [f"{d} 19:05:33" for d in DAYS]}, "任务号", "2021-03-01T09:05"),
        ({"Ref": numbered("CR/{}"), "Committed From": [f"{d} 22:00" for d in DAYS], "Committed To": [f"{d} 23:00" for d in DAYS], "Recorded Date": DAYS}, None, "2021-03-01T22:00"),
    ],
)  # fmt: skip
def test_when_and_which_in_layouts_of_others(columns, id_column, when):
    incidents = read({**columns, "crime type": KINDS, **PLACE}, datum="wgs84")
    assert len(incidents) == N
    assert first_time(incidents) == when
    if id_column is not None:
        assert incidents.source["columns"]["incident_id"] == id_column


def test_a_start_and_an_end_of_a_case_systems_initials():
    incidents = read(
        {"FASJCZ": [f"{d} 21:00" for d in DAYS], "FASJZZ": [f"{d} 22:00" for d in DAYS], "XZB": LON, "YZB": LAT}
    )
    assert str(incidents.to_frame()["occurred_to"].iloc[0])[:16] == "2021-03-01 22:00"


@pytest.mark.parametrize(
    ("columns", "category"),
    [
        ({"crime_type": "", "crime_category": KINDS}, "crime_category"),
        ({"案件类型": "", "案由": KINDS}, "案由"),
        ({"delito": "", "modalidad": KINDS}, "modalidad"),
        ({"问题类型": ["事件", "部件"] * 15, "小类名称": KINDS}, "小类名称"),
        ({"AJLBMC": KINDS, "GXDWMC": ["城东派出所", "城西派出所"] * 15}, "AJLBMC"),
        ({"Stichwort": KINDS, "Revier": ["PR 1", "PR 2"] * 15}, "Stichwort"),
        ({"事故類別名稱": KINDS, "天候名稱": ["晴", "雨"] * 15}, "事故類別名稱"),
        ({"UC2_Literal": KINDS, "npu": ["M", "N"] * 15}, "UC2_Literal"),
    ],
)
def test_kinds_are_taken_from_the_column_that_holds_them(columns, category):
    incidents = read({"date": DAYS, **columns, **PLACE})
    assert incidents.source["columns"]["category"] == category


@pytest.mark.parametrize(
    ("columns", "lon", "lat", "options"),
    [
        ({"GEO_X": "3115181", "GEO_Y": "1684215", "GEO_LON": LON, "GEO_LAT": LAT}, "GEO_LON", "GEO_LAT", {}),
        ({"X": "-8838000.5", "Y": "5417000.5", "LONG_WGS84": LON, "LAT_WGS84": LAT}, "LONG_WGS84", "LAT_WGS84", {}),
        ({"XGCSWGS84": LON, "YGCSWGS84": LAT, "LINREFX": "573456.1", "LINREFY": "6023456.1"}, "XGCSWGS84", "YGCSWGS84", {}),
        ({"JD": LON, "WD": LAT}, "JD", "WD", {}),
        ({"X좌표": "200000.5", "Y좌표": "450000.5"}, "X좌표", "Y좌표", {"crs": "EPSG:5186"}),
        ({"coordenada_x_utm": "440068,497", "coordenada_y_utm": "4475679,17"}, "coordenada_x_utm", "coordenada_y_utm", {"crs": "EPSG:25830"}),
        ({"Grid Ref E": "430000", "Grid Ref N": "433000"}, "Grid Ref E", "Grid Ref N", {"crs": "EPSG:27700"}),
        ({"TM X (m)": "200000.5", "TM Y (m)": "450000.5"}, "TM X (m)", "TM Y (m)", {"crs": "EPSG:5186"}),
    ],
)  # fmt: skip
def test_where_in_layouts_of_others(columns, lon, lat, options):
    incidents = read({"date": DAYS, "crime type": KINDS, **columns}, **options)
    assert (incidents.source["columns"]["lon"], incidents.source["columns"]["lat"]) == (lon, lat)
    assert len(incidents) == N


def test_degrees_minutes_and_seconds_without_marks_between_them():
    lat, _ = numbers(pa.array(["354012345", "0", "355959999", None]))
    lon, _ = numbers(pa.array([1394512345, 1390000000, 1395959999]))
    assert lat[0] == pytest.approx(35 + 40 / 60 + 12.345 / 3600)
    assert np.isnan(lat[[1, 3]]).all()
    assert lon.tolist() == pytest.approx([139 + 45 / 60 + 12.345 / 3600, 139, 139 + 59 / 60 + 59.999 / 3600])
    seventies, _ = numbers(pa.array(["357012345", "354012345"]))  # 70 minutes: these are no degrees
    assert seventies.tolist() == [357012345.0, 354012345.0]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("2021030122", "2021-03-01T22:00"),
        ("1999123123", "1999-12-31T23:00"),
        ("1615000000", "2021-03-06T03:06"),  # seconds since 1970
        ("2021013122", "2021-01-31T22:00"),
    ],
)
def test_ten_digits_are_an_hour_or_an_epoch(text, when):
    assert str(read_times([text], TimeRule("dmy"))[0][0])[:16] == when


NAMES = ["Aba", "Beko", "Cita", "Duru", "Ebi", "Fola"]


def zones(properties):
    boxes = [shapely.box(36 + i * 0.01, -1, 36.01 + i * 0.01, -0.99) for i in range(6)]
    columns = {
        c: v if isinstance(v, list) else [v.replace("#", str(i)) for i in range(6)] for c, v in properties.items()
    }
    read_zones = read_boundaries(gpd.GeoDataFrame(columns, geometry=boxes, crs=4326))
    return read_zones["zone_id"].iloc[0], read_zones["name"].iloc[0]


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"shapeName": NAMES, "shapeISO": "", "shapeID": "4566#B123", "shapeGroup": "KEN"}, ("45660B123", "Aba")),
        ({"SA2_CODE21": "10102100#", "SA2_NAME21": NAMES, "CHG_FLAG21": "0", "SA3_CODE21": "10102"}, ("101021000", "Aba")),
        ({"BoroCode": "1", "BoroName": "Manhattan", "NTA2020": "MN010#", "NTAName": NAMES, "CDTA2020": "MN01"}, ("MN0100", "Aba")),
        ({"id": "#", "statcode": "GM000#", "jrstatcode": "2021GM000#", "statnaam": NAMES}, ("GM0000", "Aba")),
        ({"DAUID": "3520000#", "DGUID": "2021S05123520000#", "PRUID": "35"}, ("35200000", "35200000")),
        ({"EMD_CD": "1111010#", "EMD_ENG_NM": NAMES, "EMD_KOR_NM": ["청운동", "신교동", "궁정동", "효자동", "창성동", "통의동"]}, ("11110100", "청운동")),
        ({"IDDIST": "15010#", "DISTRITO": NAMES, "PROVINCIA": "LIMA", "DEPARTAMEN": "LIMA"}, ("150100", "Aba")),
        ({"UBIGEO": "15010#", "NOMBDIST": NAMES, "CAPITAL": NAMES}, ("150100", "Aba")),
        ({"DPTO_CCDGO": "05", "MPIO_CDPMP": "0500#", "MPIO_CNMBR": NAMES, "DPTO_CNMBR": "ANTIOQUIA"}, ("05000", "Aba")),
        ({"COD_REG": "1", "PRO_COM": "100#", "PRO_COM_T": "00100#", "COMUNE": NAMES}, ("001000", "Aba")),
        ({"PCSBH": "1101#0", "PCSMC": ["城东派出所", "城西派出所", "城南派出所", "城北派出所", "河东派出所", "河西派出所"], "SSFJ": "东城分局"}, ("110100", "城东派出所")),
        ({"OBJECTID": "#", "DIST_NUMC": "0#", "LOCATION": "#831-49 S 55th", "PHONE": "68630#0"}, ("00", "00")),
    ],
)  # fmt: skip
def test_codes_and_names_of_zones_in_layouts_of_others(properties, found):
    assert zones(properties) == found


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("纠纷名称", ["王小明与李红梅邻里纠纷", "张伟和刘芳物业纠纷", "陈强诉赵敏借款纠纷"]),
        ("事件名称", ["王小明被盗窃案", "李红梅被诈骗案", "张伟家中被盗案"]),
        ("双方", ["王小明、李红", "张伟、刘芳", "陈强；赵敏"]),
        ("申诉人", ["某"]),
        ("Nome da mãe", ["x"]),
        ("CLASE DE EMPLEADO", ["x"]),
    ],
)
def test_titles_that_name_persons_and_relatives_are_dropped(heading, values):
    assert heading in personal_columns([(heading, values * 10)])


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("案件名称", ["城东超市被盗案", "人民路抢夺案", "东街电动车被盗案"]),
        ("案件名称", ["金店被盗案", "万达广场被盗案", "方庄路被抢案"]),
        *[
            (h, ["东街", "西街"])
            for h in ("手机店名称", "身份证换领点", "婚姻登记处", "车牌识别点位", "電話ボックス", "전화부스")
        ],
        *[(h, ["a", "b"]) for h in ("Race Street", "License Plate Reader ID", "Household Waste")],
        ("동이름", ["청운동", "효자동"]),
    ],
)
def test_places_and_things_with_a_personal_word_stay(heading, values):
    assert personal_columns([(heading, values * 10)]) == {}


@pytest.mark.parametrize(
    ("declared", "written", "name"),
    [
        ("GBK", "utf-8", "地名一城东社区"),
        ("Big5", "utf-8", "臺北市中正區"),
        ("936", "gbk", "地名一"),
        ("949", "cp949", "종로구"),
    ],
)
def test_a_cpg_that_names_another_double_byte_page(tmp_path, declared, written, name):
    boxes = [shapely.box(116 + i, 39, 117 + i, 40) for i in range(2)]
    frame = gpd.GeoDataFrame({"CODE": ["A1", "A2"], "NAME": [name, name[:-1]]}, geometry=boxes, crs=4326)
    frame.to_file(tmp_path / "z.shp", encoding=written)
    (tmp_path / "z.cpg").write_text(declared)
    assert read_boundaries(tmp_path / "z.shp")["name"].iloc[0] == name


@pytest.mark.parametrize(
    ("hour", "minute", "texts"),
    [("时", "分", ("08", "05")), ("发案小时", "发案分钟", ("8.0", "5.0")), ("HOUR", "MINUTE", ("8", "5")), ("時", "分", ("8時", "5分"))],
)  # fmt: skip
def test_hour_and_minute_beside_a_date_are_its_clock(hour, minute, texts):
    rows = pd.DataFrame(
        {"date" if hour == "HOUR" else "发生日期": ["2024-03-07"] * 12, hour: texts[0], minute: texts[1]}
    )
    incidents = read_incidents(rows.assign(lon=[-1.5 - i / 100 for i in range(12)], lat=53.7))
    assert set(incidents.to_frame()["occurred_from"]) == {pd.Timestamp("2024-03-07 08:05")}


@pytest.mark.parametrize(("same", "telling"), [("罪名", "手口"), ("大类名称", "小类名称"), ("Offense", "Crime Type")])
def test_of_two_columns_of_kinds_the_one_that_tells_rows_apart_is_taken(same, telling):
    rows = pd.DataFrame({same: ["theft"] * 30, telling: ["bicycle", "shop", "car"] * 10})
    incidents = read_incidents(rows.assign(lon=[-1.5 - i / 100 for i in range(30)], lat=53.7))
    assert sorted(set(incidents.to_frame()["category"])) == ["bicycle", "car", "shop"]


@pytest.mark.parametrize("unit", ["派出所", "警务区", "行政村", "居委会", "街道办事处", "小区", "Village", "村里"])
def test_a_unit_s_word_heads_the_names_of_zones(unit):
    squares = [shapely.box(i, 50, i + 1, 51) for i in range(4)]
    columns = {"编码": [f"3701{i}" for i in range(4)], unit: [f"{where}门{unit}" for where in "东西南北"]}
    zones = read_boundaries(gpd.GeoDataFrame(columns, geometry=squares, crs=4326))
    assert list(zones["name"]) == columns[unit]
    assert list(zones["zone_id"]) == columns["编码"]
