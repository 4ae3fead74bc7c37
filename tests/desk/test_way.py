"""The whole way, as pages are clicked: files in, questions, a run, looking closer, sharing; and the bytes."""

import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlencode

import geopandas as gpd
import pytest
import yaml

from gridmap.runs import read_pipeline

from .conftest import TOKEN, serving
from .exports import write_boundaries, write_export

ROOT = Path(__file__).parents[2]


def file_of(answer) -> str:
    return html.unescape(re.search(r"<textarea[^>]*>(.*?)</textarea>", answer.text, re.S)[1])


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """A desk with a messy export and its communities."""
    folder = tmp_path_factory.mktemp("way")
    for client in serving(folder / "工作 台"):
        client.bring(write_export(folder / "案件导出.csv"), write_boundaries(folder / "社区.geojson"))
        yield client


@pytest.fixture(scope="module")
def finished(brought):
    """The same with one finished run, internal."""
    text = file_of(brought.get("/ask"))
    given = {"text": text, "question": ["where", "changed", "when"], "title": "电动车", "kind": "盗窃电动车"}
    text = file_of(brought.post("/ask/compose", {**given, "resolution": "8", "audience": "internal", "paper": ".docx"}))
    assert brought.post("/ask/save", {"text": text, "then": "run"}).headers["location"] == "/runs"
    job = brought.wait()
    assert (job.state, job.error) == ("done", "")
    return brought


def test_a_messy_export_is_read_and_what_is_not_known_is_put_to_the_person(brought):
    data = yaml.safe_load((brought.folder / "data.yaml").read_text(encoding="utf-8"))
    assert data["incidents"] == {"path": "data/案件导出.csv", "datum": "gcj02"}
    assert data["boundaries"] == {"path": "data/社区.geojson"}
    page = brought.get("/bring").text
    assert re.search(r'name="datum" value="gcj02" checked', page)
    assert "100.0% of the points lie inside" in page
    assert "<i>proposed</i>" in page
    assert "a sum, no incident (1)" in page
    assert "header in row 3" in page
    for text in ("lie outside the boundaries", "No datum is given", "datum=", "not declared: incident_id"):
        assert text not in page  # the question with its pictures says it, and the table of columns
    assert "报警人电话" in page.split("About persons")[1][:200]
    assert page.count("<svg") >= 4  # one picture for each datum, and the boundary


def test_a_wrong_guess_is_one_click(brought):
    assert brought.post("/bring/decide", {"datum": "bd09", "go": "again"}).status == 303
    assert "datum: bd09" in (brought.folder / "data.yaml").read_text(encoding="utf-8")
    brought.post("/bring/decide", {"datum": "gcj02"})
    brought.bring()
    assert "datum: gcj02" in (brought.folder / "data.yaml").read_text(encoding="utf-8")


def test_boundaries_without_a_prj_are_asked_for_with_the_incidents_over_each_crs_that_fits(tmp_path):
    zones = gpd.read_file(write_boundaries(tmp_path / "z.geojson")).to_crs(4548)  # the meridian of 117°
    zones.rename(columns={"社区编码": "SQDM", "社区名称": "SQMC"}).to_file(tmp_path / "z.shp", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "社区.zip", "w") as packed:
        for ending in ("shp", "shx", "dbf"):
            packed.write(tmp_path / f"z.{ending}")
    for client in serving(tmp_path / "w"):
        client.bring(tmp_path / "社区.zip")
        page = client.get("/bring").text
        assert "its numbers alone do not tell" in page
        assert "Boundaries are still missing" in page
        client.bring(write_export(tmp_path / "案件.csv", rows=120))
        data = yaml.safe_load((client.folder / "data.yaml").read_text(encoding="utf-8"))
        assert data["boundaries"] == {"path": "data/社区.zip", "crs": "EPSG:4548"}
        assert data["incidents"]["datum"] == "gcj02"
        page = client.get("/bring").text
        assert "central meridian 117° (EPSG:4548)</b> <i>proposed</i>" in page
        assert re.search(r'name="crs" value="4548" checked', page)
        client.post("/bring/decide", {"crs": "4548", "crs_other": "999999"})
        client.bring()
        assert "There is no coordinate system EPSG:999999." in client.get("/bring").text
        client.post("/bring/decide", {"crs": "4548"})
        client.bring()
        page = client.get("/bring").text
        assert page.count("(EPSG:4548)</b> <i>proposed</i>") == 1
        assert "There is no coordinate system" not in page


def test_a_proposed_title_follows_the_kind_and_a_written_one_stays(brought):
    text = file_of(brought.get("/ask"))
    title = yaml.safe_load(text)["title"]
    given = {"text": text, "question": ["where"], "title": title, "kind": "打架斗殴"}
    changed = yaml.safe_load(file_of(brought.post("/ask/compose", given)))
    assert changed["title"] == title.replace("盗窃电动车", "打架斗殴") != title
    kept = yaml.safe_load(file_of(brought.post("/ask/compose", {**given, "title": "周例会"})))
    assert kept["title"] == "周例会"


def test_what_another_tab_saved_is_not_replaced_unseen(brought):
    text = file_of(brought.get("/ask"))
    first = brought.post("/ask/save", {"text": text.replace("title:", "title: tabs ", 1), "then": "save"})
    seen = re.search(r'name="seen" value="(\w+)"', brought.get(first.headers["location"]).text)[1]
    path = next(p for p in brought.desk.workspace.pipelines() if "title: tabs" in p.read_text(encoding="utf-8"))
    given = {"name": path.stem, "seen": seen, "then": "save"}
    try:
        assert brought.post("/ask/save", {**given, "text": text + "# one\n"}).status == 303
        late = brought.post("/ask/save", {**given, "text": text + "# two\n"})
        assert late.status == 409
        assert "changed elsewhere" in late.text
        assert path.read_text(encoding="utf-8").endswith("# one\n")
        again = re.search(r'name="seen" value="(\w+)"', late.text)[1]
        assert brought.post("/ask/save", {**given, "seen": again, "text": text + "# two\n"}).status == 303
        assert path.read_text(encoding="utf-8").endswith("# two\n")
    finally:
        path.unlink()


def test_a_stray_file_without_a_usable_row_is_not_taken_for_incidents(tmp_path):
    stray = tmp_path / "说明.csv"
    stray.write_text("请勿改动表头\n", encoding="utf-8")
    for client in serving(tmp_path / "w"):
        client.bring(stray)
        assert (client.folder / "data.yaml").read_text(encoding="utf-8") == "{}\n"


def test_form_and_file_stay_in_step(brought):
    text = file_of(brought.get("/ask"))
    typed = text.replace(
        "- hotspot_test: {order: 1, fdr: 0.05}", "- hotspot_test: {order: 2, fdr: 0.01}\n- hour_of_week: {}"
    )
    shown = brought.post("/ask/check", {"text": typed}).text
    assert re.search(r'value="when" checked', shown)
    typed = typed.replace("grid:", "# as the office agreed\ngrid:")
    composed = file_of(brought.post("/ask/compose", {"text": typed, "question": ["where"], "title": "x"}))
    assert "# as the office agreed\ngrid:" in composed
    settings = yaml.safe_load(composed)
    assert settings["title"] == "x"
    assert [next(iter(step)) for step in settings["hotspots"]] == ["hotspot_test"]
    assert settings["hotspots"][0]["hotspot_test"] == {"order": 2, "fdr": 0.01}  # edited by hand, and kept


@pytest.mark.parametrize(
    ("mistake", "named"),
    [
        ("order: 1", "ordre: 1"),
        ("system: h3", "system: h33"),
        ("path: data/案件导出.csv", "path: ../x.csv"),
        ("hotspots:", "hotspots: ["),
    ],
)
def test_a_mistake_is_named_while_it_is_typed_and_is_never_run(brought, mistake, named):
    text = file_of(brought.get("/ask")).replace(mistake, named)
    assert 'class="problem"' in brought.post("/ask/check", {"text": text}).text
    before = brought.desk.workspace.pipelines()
    assert brought.post("/ask/save", {"text": text, "then": "run"}).status == 400
    assert brought.desk.workspace.pipelines() == before
    assert [p.name for p in brought.folder.glob(".gridmap-check*")] == []


def test_an_unanswerable_question_is_grey_and_says_why(brought):
    shown = brought.get("/ask").text
    assert re.search(r'value="cases"[^>]*disabled', shown)
    assert "do not tell when each was closed" in shown
    assert not re.search(r'value="named"[^>]*disabled', shown)


def test_every_question_is_a_pipeline_that_passes_the_check(brought):
    text = file_of(brought.get("/ask"))
    for code in ("where", "changed", "history", "when", "quiet", "kinds", "named", "next", "patrols"):
        composed = brought.post("/ask/compose", {"text": text, "question": ["where", code]})
        assert "The file is right." in composed.text, code
        assert re.search(rf'value="{code}" checked', composed.text), code


@pytest.mark.parametrize("code", ["next", "patrols", "named"])
def test_where_all_questions_are_stages_the_page_opens_on_their_answer(brought, code):
    """The step that a pipeline must have is hidden, counts as no question, and is shown once it is chosen."""
    composed = brought.post("/ask/compose", {"text": file_of(brought.get("/ask")), "question": [code]})
    assert "The file is right." in composed.text
    settings = yaml.safe_load(file_of(composed))
    assert settings["hotspots"]
    assert [step["show"] for step in settings["hotspots"]] == [False] * len(settings["hotspots"])
    assert re.search(rf'value="{code}" checked', composed.text)
    assert not re.search(r'value="where" checked', composed.text)
    both = brought.post("/ask/compose", {"text": file_of(composed), "question": ["where", code]})
    assert all("show" not in step for step in yaml.safe_load(file_of(both))["hotspots"])


REGISTER = """gridmap_register: 1
revision: 1
areas:
- {id: a-1, name: 东街口, named_by: 区平安办, named_on: 2024-03-01, category: 盗窃电动车, measures: [巡防],
   area: "POLYGON ((116.412 39.909, 116.418 39.909, 116.418 39.915, 116.412 39.915, 116.412 39.909))"}
"""


@pytest.mark.slow
def test_named_areas_and_the_handling_of_cases_run_to_their_end(tmp_path):
    for client in serving(tmp_path / "w"):
        assert client.upload("挂牌register.yaml", REGISTER.encode()).status == 303
        boundaries = write_boundaries(tmp_path / "b.geojson")
        client.bring(write_export(tmp_path / "e.csv", closed=True), boundaries)
        text = file_of(client.get("/ask"))
        composed = client.post(
            "/ask/compose", {"text": text, "question": ["where", "named", "cases"], "paper": ".docx"}
        )
        settings = yaml.safe_load(file_of(composed))
        assert settings["register"] == {"path": "data/挂牌register.yaml"}
        assert settings["case_life"]["columns"] == {"found": "occurred_from"}
        assert client.post("/ask/save", {"text": file_of(composed), "then": "run"}).status == 303
        job = client.wait()
        assert (job.state, job.error) == ("done", "")
        shown = client.get(f"/runs/{quoted(job.out)}").text
        assert "1 area is named" in shown
        assert "900 events in 12 units" in shown
        assert "results/3_register_areas.parquet" in shown
        assert "dated to no better than a span of days" not in shown  # the closing is not the end of the incident
        shared = client.post(f"/share/{quoted(job.out)}", {"audience": "public"})  # what the public may not have goes
        assert shared.status == 303
        made = client.folder / f"{job.out}-public.yaml"
        assert {"register", "case_life"} & set(yaml.safe_load(made.read_text(encoding="utf-8"))) == set()
        assert read_pipeline(made).audience == "public"
        client.desk.queue.cancel(client.desk.queue.jobs()[0].id)
        client.wait()
        assert client.post("/bring/decide", {"role:挂牌register.yaml": "unused"}).status == 303
        kind = {"kind": "盗窃电动车"}
        follow = yaml.safe_load(
            file_of(client.post("/ask/compose", {**kind, "text": text, "question": ["where", "named"]}))
        )
        assert follow["register"] == {"follow": [{"periods": ["2024-11", "2024-12"], "category": "盗窃电动车"}]}


@pytest.mark.slow
def test_the_file_run_by_hand_gives_the_same_bytes(finished, tmp_path):
    run = finished.desk.workspace.runs()[0]
    pipeline = json.loads((run / "run.json").read_text())["pipeline"]
    again = finished.folder / "runs" / "by-hand"
    command = [sys.executable, "-c", "from gridmap.cli import main; main()", "run", pipeline, "--confined"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*command, "--out", "runs/by-hand"], cwd=finished.folder, check=True, capture_output=True, env=environment
    )
    mine = {p.relative_to(run).as_posix(): p.read_bytes() for p in run.rglob("*") if p.is_file()}
    other = {p.relative_to(again).as_posix(): p.read_bytes() for p in again.rglob("*") if p.is_file()}
    assert set(mine) == set(other)
    assert [name for name in mine if mine[name] != other[name] and name not in ("run.json", "audit.jsonl")] == []
    assert len(mine) > 8


def test_a_finished_run_shows_its_map_its_files_and_verifies(finished):
    run = finished.desk.workspace.runs()[-1].name
    shown = finished.get(f"/runs/{quoted(run)}").text
    found = finished.get(re.search(r'href="(/runs/[^"]*index\.html)"', shown)[1])
    assert found.status == 200
    assert found.headers["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in found.headers["content-security-policy"]
    assert 'class="well"' in finished.post(f"/runs/{quoted(run)}/verify").text


def quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def test_a_download_passes_the_gate(finished):
    """Named in the audit, with the bytes that the run left, for the audience of the run; nothing else leaves."""
    folder = finished.desk.workspace.runs()[-1]
    name = quoted(folder.name)
    assert finished.get(f"/runs/{name}/for/internal/counts.parquet").status == 200
    for audience in ("public", "meeting", "x"):
        assert finished.get(f"/runs/{name}/for/{audience}/counts.parquet").status == 400
    (folder / "beside.csv").write_text("not of the run")
    (folder / "link.csv").symlink_to(finished.folder / "data" / "案件导出.csv")
    for path in ("beside.csv", "link.csv", "audit.jsonl", "../../data.yaml", "results/../beside.csv"):
        assert finished.get(f"/runs/{name}/for/internal/{path}").status in (400, 404), path
    file = folder / "set_aside.csv"
    kept = file.read_bytes()
    file.write_bytes(kept + b"x")
    assert finished.get(f"/runs/{name}/for/internal/set_aside.csv").status == 400
    assert finished.get(f"/share/{name}/carry.zip").status == 400
    file.write_bytes(kept)
    for path in ("beside.csv", "link.csv"):
        (folder / path).unlink()


def test_looking_closer_counts_what_is_there(finished):
    run = quoted(finished.desk.workspace.runs()[-1].name)
    assert finished.post(f"/look/{run}/prepare").status == 303
    shown = finished.get(f"/look/{run}").text
    assert "Counts, no test." in shown
    whole = int(re.search(r"<b>([\d,]+) incidents", shown)[1].replace(",", ""))
    assert 890 <= whole <= 900
    nights = finished.get(f"/look/{run}/view?from_hour=22&to_hour=5").text
    days = finished.get(f"/look/{run}/view?from_hour=6&to_hour=21").text
    both = [int(re.search(r"<b>([\d,]+) incident", text)[1].replace(",", "")) for text in (nights, days)]
    assert sum(both) == whole
    kinds = [finished.get(f"/look/{run}/view?kind={k}").text for k in range(3)]
    assert sum(int(re.search(r"<b>([\d,]+) incident", text)[1].replace(",", "")) for text in kinds) == whole
    assert finished.get(f"/look/{run}/view?kind=0);DROP&first=x&from_hour=99").status == 200


def test_a_selection_becomes_a_step(finished):
    run = finished.desk.workspace.runs()[-1]
    finished.post(f"/look/{quoted(run.name)}/prepare")
    answer = finished.post(f"/look/{quoted(run.name)}/keep", {"first": "2024-07", "last": "2024-07"})
    assert answer.headers["location"].startswith("/ask?name=")
    name = json.loads((run / "run.json").read_text())["pipeline"]
    kept = yaml.safe_load((finished.folder / name).read_text(encoding="utf-8"))["hotspots"][-1]
    assert kept["period"] == "2024-07"
    assert "hotspot_test" in kept
    whole = {
        "weekday": ["4", "5", "6"],
        "from_hour": "20",
        "to_hour": "7",
        "first": "2024-03",
        "last": "2024-07",
        "found": "0",
    }
    finished.post(f"/look/{quoted(run.name)}/keep", whole)
    kept = yaml.safe_load((finished.folder / name).read_text(encoding="utf-8"))["hotspots"][-1]
    assert kept["period"] == "2024-03-01/2024-07-31"
    assert (kept["weekdays"], kept["hours"], kept["officer_initiated"]) == ([4, 5, 6], [20, 7], False)
    checked = read_pipeline(finished.folder / name).hotspots[-1]
    assert checked.of_whom == {"officer_initiated": False, "hours": [20, 7], "weekdays": [4, 5, 6]}
    before = (finished.folder / name).read_bytes()
    for refused in ({"first": "2024-07", "last": "2024-05"}, {"kind": "2", "from_hour": "3", "to_hour": "3"}):
        assert finished.post(f"/look/{quoted(run.name)}/keep", refused).status == 400
    assert (finished.folder / name).read_bytes() == before


@pytest.mark.slow
def test_a_kept_step_tests_as_many_incidents_as_its_filter_showed(finished):
    """Kinds, months, nights over midnight, weekdays and who found it: looked at, kept, run, and counted again."""
    import pandas as pd

    run = finished.desk.workspace.runs()[-1]
    finished.post(f"/look/{quoted(run.name)}/prepare")
    name = json.loads((run / "run.json").read_text())["pipeline"]
    path = finished.folder / name
    before, steps = path.read_text(encoding="utf-8"), len(read_pipeline(path).hotspots)
    chosen = [
        {"kind": ["0", "2"], "first": "2024-02", "last": "2024-11"},
        {"weekday": ["4", "5", "6"], "from_hour": "22", "to_hour": "5"},
        {"kind": "1", "found": "0", "from_hour": "6", "to_hour": "17", "last": "2024-09"},
    ]
    shown = []
    for one in chosen:
        text = finished.get(f"/look/{quoted(run.name)}/view?{urlencode(one, doseq=True)}").text
        shown.append(int(re.search(r"<b>([\d,]+) incident", text)[1].replace(",", "")))
        assert finished.post(f"/look/{quoted(run.name)}/keep", one).status == 303
    try:
        finished.post("/runs/start", {"pipeline": path.stem})
        job = finished.wait()
    finally:
        path.write_text(before, encoding="utf-8")
    assert (job.state, job.error) == ("done", "")
    tables = (finished.folder / "runs" / job.out / "results").glob("*_hotspot_test*.parquet")
    counted = {int(t.name.split("_")[0]): int(pd.read_parquet(t)["count"].sum()) for t in tables}
    assert [counted[steps + i] for i in (1, 2, 3)] == shown
    assert len(set(shown)) == 3
    assert min(shown) > 20


@pytest.mark.slow
def test_the_public_s_run_says_what_was_merged_and_is_never_looked_into(finished):
    run = quoted(finished.desk.workspace.runs()[-1].name)
    assert finished.post(f"/share/{run}", {"audience": "public"}).status == 303
    job = finished.wait()
    assert (job.state, job.error) == ("done", "")
    shown = finished.get(f"/share/{quoted(job.out)}").text
    assert re.search(r"[\d,]+ cells were merged into [\d,]+ areas", shown)
    assert finished.get(f"/look/{quoted(job.out)}").status == 400
    packed = zipfile.ZipFile(io.BytesIO(finished.get(f"/share/{quoted(job.out)}/carry.zip").body))
    names = packed.namelist()
    assert f"{job.out}/README.txt" in names
    assert f"{job.out}/index.html" in names
    assert "gridmap verify" in packed.read(f"{job.out}/README.txt").decode()
    packed.extractall(finished.folder.parent / "carried")
    from gridmap.runs.verify import verify_run

    assert verify_run(finished.folder.parent / "carried" / job.out).faults == []


@pytest.mark.slow
def test_a_cancelled_run_leaves_nothing(finished):
    name = finished.desk.workspace.pipelines()[-1].name
    job = finished.desk.queue.add_run(name, out="cancelled")
    while job.state == "waiting" or not job.steps:
        time.sleep(0.05)
    finished.desk.queue.cancel(job.id)
    assert finished.wait().state == "cancelled"
    assert not (finished.folder / "runs" / "cancelled").exists()


def test_the_job_of_a_stranger_s_workspace_runs_nothing_outside(finished, tmp_path):
    """A workspace may come by mail: what its queue names is held to the workspace, and nothing starts by itself."""
    from gridmap.desk.queue import Job, Queue
    from gridmap.desk.workspace import STATE, Workspace
    from gridmap.errors import InputError

    workspace = Workspace.open(tmp_path / "w")
    evil = tmp_path / "evil.yaml"
    evil.write_text("title: x\n")
    for number, (pipeline, out) in enumerate([("../evil.yaml", "x"), (str(evil), "x"), ("data.yaml", "../../x")]):
        job = Job(f"2026010100000{number}-abcdef", "run", out, pipeline)
        (workspace.folder / STATE / "jobs" / f"{job.id}.json").write_text(json.dumps(vars(job)))
    (workspace.folder / "own.yaml").write_text("title: x\n")
    queue = Queue(workspace)
    assert "--confined" in queue.command(Job("20260101000009-abcdef", "run", "x", "own.yaml"))
    assert {job.state for job in queue.jobs()} == {"interrupted"}
    for job in queue.jobs():
        with pytest.raises(InputError, match="leads out of the workspace"):
            queue.command(job)
    queue.close()
    workspace.close()


def test_no_text_of_the_data_becomes_markup(brought, tmp_path):
    evil = tmp_path / "evil.csv"
    evil.write_text(
        '"<script>alert(1)</script>",lon,lat,date\n"<img src=x>",116.41,39.91,2024-01-05\n', encoding="utf-8"
    )
    data = (brought.folder / "data.yaml").read_text(encoding="utf-8")
    brought.bring(evil)
    shown = brought.get("/bring").text
    (brought.folder / "data" / "evil.csv").unlink()
    (brought.folder / "data.yaml").write_text(data, encoding="utf-8")  # as it was: other tests share the desk
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown


@pytest.mark.slow
def test_killed_at_random_moments_the_workspace_opens_with_every_run_whole_or_marked(tmp_path):
    import random

    from gridmap.desk.queue import ENDED
    from gridmap.runs.verify import verify_run

    folder = tmp_path / "w"
    for client in serving(folder):
        client.bring(write_export(tmp_path / "e.csv"), write_boundaries(tmp_path / "b.geojson"))
        text = file_of(client.get("/ask"))
        client.post("/ask/save", {"text": text, "then": "save"})
        name = client.desk.workspace.pipelines()[0].name
    code = (
        "import sys,time\nfrom gridmap.desk.server import open_desk\n"
        "d=open_desk(sys.argv[1],port=1)\nd.queue.add_run(sys.argv[2],out=d.queue.free_name('r'))\n"
        "print('on',flush=True)\ntime.sleep(60)"
    )
    rng = random.Random(22)
    for _ in range(int(os.environ.get("GRIDMAP_KILLS", "4"))):
        process = subprocess.Popen(
            [sys.executable, "-c", code, folder, name], cwd=ROOT, stdout=subprocess.PIPE, start_new_session=True
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 4))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        for client in serving(folder):
            assert all(job.state in ENDED for job in client.desk.queue.jobs())
            for run in client.desk.workspace.runs():
                assert verify_run(run).faults == []


def test_findings_and_warnings_are_in_the_reader_s_language(finished):
    """The run speaks English, its page Chinese: sentences come from facts and notes, not from what was printed."""
    run = quoted(finished.desk.workspace.runs()[-1].name)
    chinese = {"Cookie": f"gridmap_{finished.port}={TOKEN}; gridmap_language=zh"}
    english, translated = finished.get(f"/runs/{run}").text, finished.get(f"/runs/{run}", **chinese).text
    for text in ("rows were read", "were dropped at reading"):
        assert text in english
        assert text not in translated
    for text in ("900", "报警人电话"):
        assert text in translated


@pytest.mark.slow
def test_the_list_says_what_changed_since_the_last_run(finished):
    """A pipeline of its own, so that no run of another test is the one before."""
    folder = finished.desk.workspace.pipelines()[-1].parent
    text = finished.desk.workspace.pipelines()[-1].read_text(encoding="utf-8")
    path = folder / "twice.yaml"
    try:
        for resolution in (8, 7):
            path.write_text(text.replace("resolution: 8", f"resolution: {resolution}"), encoding="utf-8")
            finished.post("/runs/start", {"pipeline": path.stem})
            job = finished.wait()
            assert (job.state, job.error) == ("done", "")
            if resolution == 8:
                assert "This is the first run of its pipeline." in finished.get(f"/runs/{quoted(job.out)}/since").text
    finally:
        path.unlink()
    assert "grid.resolution" in finished.get(f"/runs/{quoted(job.out)}/since").text
    assert "grid.resolution" in finished.get("/runs").text  # kept, so the list needs no second look
    assert "grid.resolution" in finished.get(f"/runs/{quoted(job.out)}").text
