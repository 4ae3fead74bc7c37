"""A plan as files, and what was planned against what was done."""

from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pypdf
import pytest
import segno
from shapely import LineString

import gridmap as gm
from gridmap.patrol.log import compare_log, visits_from_gpx
from gridmap.patrol.plan import clock
from gridmap.patrol.plan_files import log_template, to_gpx, to_kml, write_plan
from gridmap.patrol.sheets import ROWS, route_code, write_sheets

HOSTILE = ["=cmd()", '"><script>', "a&b\x07", "$x_1$"]


@pytest.fixture(scope="module")
def plan(tempe, tempe_crimes):
    places = gpd.GeoDataFrame(
        {"place_id": HOSTILE, "prize": [1.0, 2.0, 3.0, 4.0]},
        geometry=tempe_crimes.geometry.to_numpy()[[0, 40, 90, 200]],
        crs=4326,
    )
    units = pd.DataFrame({"unit_id": ["car/1", "=2"], "pause_min": [20, 0]})
    return gm.plan_patrols(places, tempe, units=units, shift_h=3, random_state=0, shifts=2, rounds=30)


def test_every_file_is_written_and_reads_back_as_it_was(plan, tmp_path):
    written = write_plan(plan, tmp_path / "out", start="22:00")
    assert {p.name for p in written} >= {"plan.xlsx", "plan.kml", "plan.gpkg", "visits.csv", "sheets.pdf"}
    assert len(list((tmp_path / "out" / "gpx").iterdir())) == len(plan.routes)
    assert all(p.stat().st_size > 0 for p in written)
    back = gpd.read_file(tmp_path / "out" / "plan.gpkg", layer="stops")
    assert back["place_id"].tolist() == plan.stops["place_id"].tolist()
    assert (tmp_path / "out" / "sheets.pdf").read_bytes().startswith(b"%PDF")


@pytest.fixture(scope="module")
def named(tempe_roads):
    """Two named streets that cross, a place 60 m from the crossing and one far from it, a post."""
    lines = [LineString([(0, 0), (0.005, 0), (0.02, 0)]), LineString([(0.005, -0.01), (0.005, 0), (0.005, 0.01)])]
    roads = gpd.GeoDataFrame({"name": ["High Street", "Mill Lane"]}, geometry=lines, crs=4326)
    network = gm.build_network(roads)
    at = gpd.points_from_xy([0.0055, 0.018], [0.0001, 0])
    places = gpd.GeoDataFrame({"place_id": ["inn", "mall"], "prize": [2.0, 1.0]}, geometry=at, crs=4326)
    options = {"shifts": 2, "shift_every_h": 24, "posts": {"station": 3}, "random_state": 0, "rounds": 5}
    return gm.plan_patrols(places, network, units=3, shift_h=6, **options)


def test_a_stop_is_named_after_its_nearest_corner(named):
    corners = named.places.set_index("place_id")["corner"]
    assert corners.to_dict() == {"inn": "High Street / Mill Lane", "mall": "High Street"}
    assert set(named.stops["corner"]) == set(corners)


def test_the_workbook_begins_with_the_rounds_in_words_and_clock_times(named, tmp_path):
    import openpyxl

    write_plan(named, tmp_path, start="22:00", date="2026-11-30", language="zh", sheets=False)
    sheet = openpyxl.load_workbook(tmp_path / "plan.xlsx").worksheets[0]
    head, *rows = sheet.iter_rows(values_only=True)
    assert sheet.title == "勤务表"
    assert head[:9] == ("日期", "班次", "巡组", "序号", "到达", "离开", "分钟", "地点", "邻近路口")
    first = named.stops.sort_values(["shift", "unit_id", "arrive_s"]).iloc[0]
    assert rows[0][0] == "2026-11-30"
    assert {row[2] for row in rows} == {"第1组"}
    assert rows[0][4:8] == ("22:00", clock(first["leave_s"], "22:00"), 12, first["place_id"])
    assert {row[0] for row in rows} == {"2026-11-30", "2026-12-01"}
    assert [row[7] for row in rows if row[3] is None] == ["休息"] * len(named.routes)  # a meal break each
    with pytest.raises(gm.errors.SettingError, match="2026-11-30"):
        write_plan(named, tmp_path / "x", date="tomorrow")


def test_a_sheet_has_the_day_the_corner_and_its_blanks_and_a_post_its_own(named, tmp_path):
    path = write_sheets(named, tmp_path / "s.pdf", start="22:00", date="2026-11-30")
    pages = [page.extract_text() for page in pypdf.PdfReader(path).pages]
    assert len(pages) == len(named.routes) + 2  # the post in each shift
    rounds = pages[: len(named.routes)]
    assert all("near High Street / Mill Lane" in page for page in rounds)
    assert all("came" in page and "left" in page for page in rounds)
    assert "2026-11-30 Mon" in rounds[0]
    assert "2026-12-01 Tue" in rounds[-1]
    assert all("Post: station" in page and "Officers: 4 / 3" in page for page in pages[len(named.routes) :])
    undated = pypdf.PdfReader(write_sheets(named, tmp_path / "u.pdf")).pages[0].extract_text()
    assert "Date: ________" in undated


def test_no_text_becomes_a_formula(plan, tmp_path):
    import openpyxl

    write_plan(plan, tmp_path, sheets=False)
    for sheet in openpyxl.load_workbook(tmp_path / "plan.xlsx"):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
    log = pd.read_csv(tmp_path / "visits.csv", dtype=str, keep_default_na=False)
    assert not log["place_id"].str.startswith("=").any()


def test_gpx_holds_the_stops_in_order_and_the_way(plan):
    unit = plan.routes["unit_id"].iloc[0]
    root = ET.fromstring(to_gpx(plan, unit, 1).encode())
    points = root.findall(".//{*}rtept")
    stops = plan.stops[(plan.stops["unit_id"] == unit) & (plan.stops["shift"] == 1)]
    np.testing.assert_allclose([float(p.get("lat")) for p in points], stops.geometry.y, atol=1e-6)
    assert len(root.findall(".//{*}trkpt")) > len(points)


def test_gdal_opens_the_gpx_and_the_kml(plan, tmp_path):
    """GDAL reads what phones read: the route's stops in order, the track's way, every folder of the KML."""
    write_plan(plan, tmp_path, sheets=False)
    for route, file in zip(plan.routes.itertuples(), sorted((tmp_path / "gpx").iterdir()), strict=True):
        stops = plan.stops[(plan.stops["unit_id"] == route.unit_id) & (plan.stops["shift"] == route.shift)]
        points = gpd.read_file(file, layer="route_points", engine="pyogrio").sort_values("route_point_id")
        np.testing.assert_allclose(points.geometry.x, stops.geometry.x, atol=1e-6)
        assert points["name"].str.split().str[0].astype(int).tolist() == stops["stop_order"].tolist()
        track = gpd.read_file(file, layer="tracks", engine="pyogrio")
        assert track.crs == "EPSG:4326"
        assert track.geometry.iloc[0].hausdorff_distance(route.geometry) < 2e-6
    layers = pyogrio.list_layers(tmp_path / "plan.kml")[:, 0]
    assert len(layers) == len(plan.routes)
    marks = pd.concat([gpd.read_file(tmp_path / "plan.kml", layer=name, engine="pyogrio") for name in layers])
    assert (marks.geom_type == "Point").sum() == len(plan.stops)
    assert (marks.geom_type == "LineString").sum() == len(plan.routes)


def test_kml_escapes_hostile_names(plan):
    names = [e.text for e in ET.fromstring(to_kml(plan).encode()).iter() if e.tag.endswith("}name")]
    assert any('"><script>' in n for n in names)


def test_the_code_is_a_gpx_that_a_phone_can_read(plan):
    unit = plan.routes["unit_id"].iloc[0]
    text = route_code(plan, unit, 1)
    assert (
        len(ET.fromstring(text).findall(".//{*}rtept"))
        == ((plan.stops["unit_id"] == unit) & (plan.stops["shift"] == 1)).sum()
    )
    assert segno.make(text, error="l").version <= 30


def test_every_page_of_a_long_shift_has_a_code_with_its_own_stops_and_their_times(tempe, hotspots_at_junctions):
    plan = gm.plan_patrols(hotspots_at_junctions(60), tempe, units=1, shift_h=12, random_state=0, rounds=20)
    count = len(plan.stops)
    assert count > 2 * ROWS
    found = []
    for first in range(1, count + 1, ROWS):
        text = route_code(plan, "unit 1", 1, orders=set(range(first, min(first + ROWS, count + 1))))
        found += [e.text for e in ET.fromstring(text).iter() if e.tag.endswith("}name")]
    assert [int(name.split()[0]) for name in found] == list(range(1, count + 1))


def test_chinese_sheets_are_written_with_the_font_that_is_brought(plan, tmp_path):
    assert write_sheets(plan, tmp_path / "zh.pdf", language="zh").stat().st_size > 10_000


def test_a_log_that_was_kept_as_planned_is_all_done(plan):
    template = log_template(plan, start="21:30")
    done = compare_log(template, template.assign(arrived=template["planned_arrive"], left=template["planned_leave"]))
    assert done.share_done == 1.0
    assert (done.visits["late_min"] == 0).all()
    assert done.places["done"].sum() == len(plan.stops)


def test_one_bad_cell_costs_one_row_of_the_log(plan, tmp_path):
    template = log_template(plan)
    log = template.assign(arrived=template["planned_arrive"], left=template["planned_leave"])
    log.loc[1, "arrived"] = "about nine"
    log.loc[2, "left"] = "25:10"
    log.to_csv(tmp_path / "visits.csv", index=False)
    done = compare_log(template, tmp_path / "visits.csv")
    assert done.visits["done"].sum() == len(template) - 2
    assert done.rejected[["row", "column", "found"]].values.tolist() == [
        [3, "arrived", "about nine"],
        [4, "left", "25:10"],
    ]
    assert "2 rows of the log were rejected" in done.notes[-1]
    assert "row 3: arrived has 'about nine'" in done.notes[-1]
    assert "2 行未采用" in done.notes[-1].say("zh")


@pytest.mark.parametrize(
    ("arrived", "late"), [("08:05", 5), ("07:50", -10), ("21:30", 810), ("00:15", 975), ("06:00", -120)]
)
def test_late_is_late_by_however_much(arrived, late):
    plan = pd.DataFrame({"unit_id": ["u"], "shift": [1], "place_id": ["a"], "planned_arrive": ["08:00"],
                         "planned_leave": ["08:12"]})  # fmt: skip
    done = compare_log(plan, plan.assign(arrived=arrived, left=arrived))
    assert done.visits["late_min"].tolist() == [late]


def test_a_shift_over_midnight_counts_on(tmp_path):
    plan = pd.DataFrame({"unit_id": ["u"] * 2, "shift": [1, 1], "place_id": ["a", "b"],
                         "planned_arrive": ["22:00", "01:00"], "planned_leave": ["22:12", "01:12"]})  # fmt: skip
    done = compare_log(plan, plan.assign(arrived=["23:30", "00:50"], left=["23:40", "01:05"]))
    assert done.visits["late_min"].tolist() == [90, -10]
    assert done.visits["minutes"].tolist() == [10, 15]


def test_missed_late_and_unplanned_visits_are_told_apart():
    plan = pd.DataFrame({"unit_id": "u", "shift": 1, "place_id": ["a", "b", "a"]})
    plan["planned_arrive"], plan["planned_leave"] = ["23:50", "00:10", "02:10"], ["00:02", "00:22", "02:22"]
    log = pd.DataFrame({"unit_id": "u", "shift": 1, "place_id": ["a", "b", "c"], "arrived": ["00:05", "", "01:00"],
                        "left": ["00:15", "", "01:12"]})  # fmt: skip
    done = compare_log(plan, log)
    assert done.places.loc["a"].tolist() == [2, 1, 0, 24, 10]
    assert done.places.loc["b", "done"] == 0
    assert done.places.loc["c", ["planned", "done", "extra"]].tolist() == [0, 0, 1]
    assert done.visits.loc[done.visits["place_id"] == "a", "late_min"].dropna().tolist() == [15]
    assert done.share_done == pytest.approx(1 / 3)


def test_a_recorded_track_gives_back_the_visits(plan, tmp_path):
    unit = plan.routes["unit_id"].iloc[0]
    stops = plan.stops[(plan.stops["unit_id"] == unit) & (plan.stops["shift"] == 1)]
    begin, points = pd.Timestamp("2026-11-02T08:00Z"), []
    for s in stops.itertuples():
        for t in np.arange(s.arrive_s, s.leave_s + 1, 30):
            when = (begin + pd.Timedelta(seconds=t)).isoformat()
            points.append(f'<trkpt lat="{s.geometry.y}" lon="{s.geometry.x}"><time>{when}</time></trkpt>')
    file = tmp_path / "track.gpx"
    file.write_text(f"<gpx><trk><trkseg>{''.join(points)}</trkseg></trk></gpx>", encoding="utf-8")
    log = visits_from_gpx(plan, file, unit_id=unit)
    assert log["place_id"].tolist() == stops["place_id"].tolist()
    template = log_template(plan)
    mine = template[(template["unit_id"] == unit) & (template["shift"] == 1)]
    assert compare_log(mine, log).share_done == 1.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("<gpx>", "not a readable GPX"),
        ("<gpx/>", "no track point with a time"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><gpx/>", "declares entities"),
    ],
)
def test_what_is_no_track_is_refused(plan, tmp_path, text, words):
    file = tmp_path / "track.gpx"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(gm.errors.ReadError, match=words):
        visits_from_gpx(plan, file, unit_id="u")


def test_wrong_times_are_refused(plan):
    with pytest.raises(gm.errors.SettingError, match="found '25:00'"):
        clock(0, "25:00")
    template = log_template(plan)
    with pytest.raises(gm.errors.InputError, match=r"08:15; row 2 has 'soon'"):
        compare_log(template.assign(planned_arrive="soon"), template)
