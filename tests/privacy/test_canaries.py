"""What is planted in the input is in no output: persons for nobody, exact places and times only for `internal`."""

import warnings

import numpy as np
import pandas as pd
import pytest
import shapely

import gridmap as gm
from gridmap.audiences import AUDIENCES
from gridmap.errors import GridmapWarning, InputError, SettingError
from gridmap.exports import export
from gridmap.exports.formats import all_formats
from gridmap.reports.briefing import PAPERS, write_briefing
from gridmap.runs import read_pipeline, run_pipeline
from tests.made_once import made_once
from tests.privacy.canaries import PERSONAL, N, Search, plant

METHODS = """
  - getis_ord: {order: 1, fdr: 0.05}
    stability: 2
  - local_moran: {order: 1, permutations: 0}
  - kernel_density: {bandwidth_m: 900}
  - relative_risk: {at_risk: 电动车盗窃, bandwidth_m: 900}
    category: 入室盗窃
  - dbscan: {eps_m: 300, min_samples: 8}
  - hdbscan: {min_cluster_size: 12}
  - optics: {min_samples: 8}
  - st_dbscan: {eps_m: 400, eps_days: 20, min_samples: 5}
  - stac: {radius_m: 400}
  - nearest_neighbour_hierarchy: {}
  - compare_periods: {before: 2024-01, after: 2024-03}
    category: 入室盗窃
  - emerging_hotspots: {}
    every: month
  - incident_rates: {population: area_m2}
  - quiet_cells: {}
  - spatial_scan: {permutations: 19, random_state: 1, population: area_m2}
  - space_time_permutation_scan: {permutations: 19, random_state: 1, every: month}
  - near_repeat: {space_breaks_m: [0, 200, 400], time_breaks_days: [0, 7, 14], permutations: 19, random_state: 1}
  - hour_of_week: {}
  - global_moran: {}
"""
FEW = """
  - getis_ord: {order: 1, fdr: 0.05}
  - kernel_density: {bandwidth_m: 900}
  - dbscan: {eps_m: 300, min_samples: 8}
"""
PIPELINE = """
title: 热点 浙A12345
language: {language}
audience: {audience}
source: 报警人王某 13812345678
boundaries: {{path: zones.geojson}}
grid: {{system: {grid}}}
incidents: {{path: cases.csv, datum: wgs84}}
hotspots:{methods}
{patrol}
outputs: {{map: index.html, layers: layers.gpkg, counts: counts.csv, set_aside: set_aside.csv, surface: surface.tif}}
"""
PATROL = "patrol: {units: 2, shift_h: 4, visit_min: 12, most: 5, random_state: 0}"


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input")
    incidents = plant(folder)
    return folder, incidents, Search(incidents)


def run(folder, out, **settings):
    given = {"language": "zh", "grid": "h3, resolution: 9", "methods": METHODS, "patrol": "", **settings}
    path = folder / f"p_{settings['audience']}.yaml"
    path.write_text(PIPELINE.format(**given), encoding="utf-8")
    return run_pipeline(read_pipeline(path), out)


def test_the_search_finds_what_is_there(planted, tmp_path):
    """The positive control: without it, finding nothing would mean nothing."""
    folder, incidents, search = planted
    assert search.file(folder / "cases.csv") == {"person", "place", "time"}
    assert search.file(folder / "zones.geojson") == {"person"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        points = gm.read_incidents(folder / "cases.csv", datum="wgs84")
        for ending in sorted(e for e in all_formats() if not e.startswith(".tif")):
            path = export(points, tmp_path / f"points{ending}", audience="internal")
            assert "place" in search.file(path), ending
    assert len(points) == len(incidents) == N - 2


def test_the_clock_of_a_run_is_not_taken_for_an_incident(planted):
    """One second in a hundred of a day is some incident's: what a run writes of itself must not be found by chance."""
    _, incidents, search = planted
    when = incidents["when"].iloc[0]
    for found in (
        f"{when:%H:%M:%S}",
        f"at {when:%Y-%m-%dT%H:%M:%S}Z",
        f"{when:%Y%m%dT%H%M%S}Z",
        f"{when:%Y-%m-%d %H:%M:%S}",
    ):
        assert search.text(found) == {"time"}, found
    for own in (f"2031-05-06T{when:%H:%M:%S}Z", f"20310506T{when:%H%M%S}Z", f'"started": "2031-05-06 {when:%H:%M:%S}"'):
        assert search.text(own) == set(), own


@pytest.fixture(scope="module")
def finished(planted, tmp_path_factory):
    """Audience → the folder of a run with every method and output, and what it warned of; only to be read."""

    def of(audience):
        def make(folder):
            methods = FEW if audience == "internal" else METHODS
            patrol = "" if audience == "public" else PATROL
            report = run(planted[0], folder / "out", audience=audience, methods=methods, patrol=patrol)
            (folder / "warnings").write_text("\n".join(report.warnings), encoding="utf-8")
            assert len(report.outputs) > 10

        folder = made_once(tmp_path_factory, f"canaries_{audience}", make)
        return folder / "out", (folder / "warnings").read_text(encoding="utf-8")

    return of


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_method_and_output_of_a_pipeline(planted, finished, audience):
    _, _, search = planted
    found = search.folder(finished(audience)[0])
    if audience == "internal":
        assert {kind for kinds in found.values() for kind in kinds} <= {"place", "time"}
    else:
        assert found == {}


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("grid", ["square, cell_size_m: 500", "zones"])
def test_other_grids_in_english(planted, tmp_path, audience, grid):
    folder, _, search = planted
    methods = FEW.replace("  - kernel_density: {bandwidth_m: 900}\n", "  - kernel_density: {bandwidth_m: 1500}\n")
    run(folder, tmp_path / "out", audience=audience, grid=grid, language="en", methods=methods)
    found = search.folder(tmp_path / "out")
    assert not any("person" in kinds for kinds in found.values())
    if audience != "internal":
        assert found == {}


@pytest.fixture(scope="module")
def answers(planted):
    """Three results of the planted incidents, as methods give them: not released yet."""
    folder, _, _ = planted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        points = gm.read_incidents(folder / "cases.csv", datum="wgs84")
        grid = gm.make_grid(gm.read_boundaries(folder / "zones.geojson"), system="square", cell_size_m=500)
        return {
            "hot": gm.getis_ord(gm.count_by_cell(points, grid), grid),
            "density": gm.kernel_density(points, grid, bandwidth_m=900),
            "clusters": gm.st_dbscan(points, eps_m=400, eps_days=20, min_samples=5),
        }


@pytest.mark.parametrize("audience", ["meeting", "internal"])
@pytest.mark.parametrize("ending", sorted(all_formats()))
def test_every_format_of_an_export(planted, answers, tmp_path, audience, ending):
    _, _, search = planted
    results = dict(answers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        chosen = results["density"] if ending == ".tif" else results["clusters"]
        for name, what in (("all", results), ("one", chosen)):
            try:
                path = export(what, tmp_path / f"{name}{ending}", audience=audience)
            except InputError:
                assert (name, ending) == ("all", ".tif")
                continue
            found = search.file(path)
            assert "person" not in found
            if audience != "internal":
                assert found == set(), (name, found)


def test_incidents_are_exported_for_internal_use_alone(planted, tmp_path):
    folder, _, _ = planted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        points = gm.read_incidents(folder / "cases.csv", datum="wgs84")
        for audience in ("meeting", "public"):
            with pytest.raises(InputError, match="one by one"):
                export(points, tmp_path / "points.parquet", audience=audience)
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_incidents_as_context_is_refused(planted):
    folder, _, _ = planted
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GridmapWarning)
        points = gm.read_incidents(folder / "cases.csv", datum="wgs84").to_geodataframe()
        zones = gm.read_boundaries(folder / "zones.geojson")
    with pytest.raises(InputError, match="one by one"):
        gm.build_map([gm.context_layer(points, name="cameras")], boundaries=zones)


def test_what_is_personal_is_reported(finished):
    _, said = finished("meeting")
    for column in ("报警人", "身份证号", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "户号", "简要案情", "网格员", "k7"):
        assert column in said, column
    assert not any(word in said for word in PERSONAL)


def test_the_search_knows_a_place_in_bytes_and_not_one_of_its_numbers(planted):
    _, incidents, search = planted
    lon, lat, other = incidents["经度"][0], incidents["纬度"][0], incidents["纬度"][1]
    for pair in ((lon, lat), (lat, lon)):
        assert search.bytes(b"\0" * 9 + np.float64(pair).tobytes() + b"\0" * 9) == {"place"}
    assert search.bytes(b"\0" * 9 + np.float64([lon, other, lon]).tobytes() + b"\0" * 9) == set()


OFFICE = tuple(ending for ending in PAPERS if ending != ".pdf")


@pytest.mark.parametrize("endings", [OFFICE, (".pdf",)], ids=["office", "pdf"])
@pytest.mark.parametrize("audience, language", [("meeting", "zh"), ("public", "en")])
def test_the_papers_made_of_a_run(planted, finished, tmp_path, audience, language, endings):
    _, _, search = planted
    out, _ = finished(audience)
    for ending in endings:
        path = write_briefing(out, tmp_path / f"papers/briefing{ending}", language=language)
        assert search.file(path) == set(), ending


GOVERNED = """
case_life: {by: zone, alike: category}
together: {kinds: [入室盗窃, 电动车盗窃], pairs: [[入室盗窃, 电动车盗窃]], permutations: 19, distances_m: [50, 100]}
denominators: {per: [persons]}
timeline: [month, hour_of_week]
"""


@pytest.mark.slow
def test_how_the_grids_work_tells_a_meeting_of_nobody_and_the_public_nothing(planted, tmp_path):
    """Cases with the times of their handling and the names of who handled them."""
    _, _, search = planted
    plant(tmp_path)
    cases = pd.read_csv(tmp_path / "cases.csv", dtype=str)
    rng, at = np.random.default_rng(3), pd.to_datetime(cases["发案时间"])
    for column, hours in (("上报时间", 5), ("受理时间", 20), ("办结时间", 200), ("结案时间", 260)):
        later = at + pd.to_timedelta(rng.integers(1, hours * 3600, len(cases)), unit="s")
        cases[column] = later.dt.strftime("%Y-%m-%d %H:%M:%S")
    cases["期限"], cases["承办人"] = "7", [PERSONAL[i % 8] for i in range(len(cases))]
    cases.to_csv(tmp_path / "cases.csv", index=False, encoding="utf-8-sig")
    run(tmp_path, tmp_path / "out", audience="meeting", methods=FEW, patrol=GOVERNED)
    assert search.folder(tmp_path / "out") == {}
    with pytest.raises(SettingError, match="Leave it out for the public"):
        run(tmp_path, tmp_path / "public", audience="public", methods=FEW, patrol=GOVERNED)
    who = GOVERNED.replace("by: zone", "by: 承办人")
    with pytest.raises(InputError, match="no column '承办人'"):
        run(tmp_path, tmp_path / "who", audience="meeting", methods=FEW, patrol=who)


NAMED = """
register: {path: register.yaml, day: "2024-04-20", within_days: 60, period: "2024-04"}
evaluations:
  - {name: 夜间巡防, area: 北市场, start: "2024-03-01", buffer: [300, 600]}
  - {name: 一楼一议, area: 小区门口, start: "2024-03-01", buffer: [100, 200]}
"""


@pytest.mark.slow
def test_named_areas_and_what_was_tried_there_tell_a_meeting_of_nobody(planted, tmp_path):
    """Areas drawn around a single incident's house, measures that name people and telephones."""
    _, incidents, search = planted
    plant(tmp_path)
    lon, lat = incidents["经度"].iloc[0], incidents["纬度"].iloc[0]
    wide, narrow = shapely.box(120.12, 30.22, 120.14, 30.24), shapely.box(lon, lat, lon + 1e-5, lat + 1e-5)
    register = gm.Register()
    for name, area, measures in (
        ("北市场", wide, f"亮灯、巡防，联系{PERSONAL[0]} {PERSONAL[8]}"),
        ("小区门口", narrow, f"约谈{PERSONAL[1]}，身份证{PERSONAL[15]}"),
    ):
        register = register.add(name, named_by="县平安办", named_on="2024-02-01", area=area, measures=measures)
    register.write(tmp_path / "register.yaml")
    run(tmp_path, tmp_path / "out", audience="meeting", methods=FEW, patrol=NAMED)
    assert search.folder(tmp_path / "out") == {}
