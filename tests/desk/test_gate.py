"""What leaves the desk: each guard of downloads, of the archive to carry away, of the editor and of uploads by itself.

The runs here are folders with an audit and no more, so each test breaks one thing and nothing else.
"""

import hashlib
import io
import json
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from gridmap._audit import audit_line
from gridmap.errors import GridmapError, InputError

from .conftest import TOKEN


def leave_run(client, name="r", audience="meeting", files=None, more=(), record=None):
    """A run's folder as `gridmap run` leaves it: the files, `run.json`, and the audit that names them."""
    folder = client.folder / "runs" / name
    folder.mkdir(parents=True)
    given = {"index.html": b"<p>map</p>", "counts.csv": b"a,1\n"} if files is None else files
    outputs = []
    for path, content in given.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        outputs.append({"path": path, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    lines = [audit_line([], {"what": "run", "audience": audience, "outputs": outputs})]
    for contents in more:
        lines.append(audit_line(lines, contents))
    (folder / "audit.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "run.json").write_text(json.dumps(record or {"audience": audience, "title": name}), encoding="utf-8")
    return folder


@pytest.fixture
def run(client, request):
    """A run for a meeting, of a name of its own."""
    return leave_run(client, "run " + hashlib.sha256(request.node.name.encode()).hexdigest()[:8])


def status(client, folder, path, audience="meeting"):
    return client.get(f"/runs/{quote(folder.name)}/for/{audience}/{quote(path)}").status


def archive(client, folder):
    return client.get(f"/share/{quote(folder.name)}/carry.zip")


def archives_left(client):
    return set((client.folder / ".gridmap-desk/passing").glob("*.zip"))


def test_a_run_s_own_files_are_given_out_and_packed(client, run):
    assert status(client, run, "counts.csv") == 200
    packed = zipfile.ZipFile(io.BytesIO(archive(client, run).body))
    names = {f"{run.name}/{path}" for path in ("README.txt", "audit.jsonl", "index.html", "counts.csv")}
    assert set(packed.namelist()) == names
    assert packed.read(f"{run.name}/counts.csv") == b"a,1\n"


def test_several_who_carry_away_at_once_each_get_the_whole_archive(client, run):
    (run / "large.csv").write_bytes(os.urandom(2_000_000))
    large = {
        "path": "large.csv",
        "bytes": 2_000_000,
        "sha256": hashlib.sha256((run / "large.csv").read_bytes()).hexdigest(),
    }
    lines = (run / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    line = audit_line(lines, {"what": "run", "audience": "meeting", "outputs": [large]})
    (run / "audit.jsonl").write_text("".join(f"{one}\n" for one in [*lines, line]), encoding="utf-8")
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: archive(client, run), range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    for answer in answers:
        assert zipfile.ZipFile(io.BytesIO(answer.body)).testzip() is None


@pytest.mark.parametrize("audience", ["internal", "public", "", "meeting "])
def test_the_address_of_another_audience_gives_nothing(client, run, audience):
    assert status(client, run, "counts.csv", quote(audience)) in (400, 404)


def test_what_no_audit_names_is_not_given_out_and_not_packed(client, run):
    (run / "beside.csv").write_bytes(b"not of the run")
    assert status(client, run, "beside.csv") == 400
    assert status(client, run, "run.json") == 400
    assert not [n for n in zipfile.ZipFile(io.BytesIO(archive(client, run).body)).namelist() if "beside" in n]


@pytest.mark.parametrize("content", [b"a,2\n", b""], ids=["other", "empty"])
def test_what_was_changed_since_is_not_given_out_and_nothing_is_packed(client, run, content):
    (run / "counts.csv").write_bytes(content)
    before = archives_left(client)  # what an earlier test was given may not have gone yet
    assert status(client, run, "counts.csv") == 400
    assert archive(client, run).status == 400
    assert not archives_left(client) - before


def test_a_link_in_an_output_s_place_is_not_followed_though_its_bytes_are_the_same(client, run):
    """Neither at the last step of its path nor at an earlier one."""
    folder = leave_run(client, f"{run.name} with folders", files={"inner/counts.csv": b"a,1\n"})
    elsewhere = client.folder.parent / "same"
    elsewhere.mkdir()
    (elsewhere / "counts.csv").write_bytes(b"a,1\n")
    (run / "counts.csv").unlink()
    (run / "counts.csv").symlink_to(elsewhere / "counts.csv")
    (folder / "inner" / "counts.csv").unlink()
    (folder / "inner").rmdir()
    (folder / "inner").symlink_to(elsewhere)
    for place, path in ((run, "counts.csv"), (folder, "inner/counts.csv")):
        assert status(client, place, path) == 400
        assert archive(client, place).status == 400


def test_a_file_that_is_gone_stops_the_archive(client, run):
    (run / "counts.csv").unlink()
    assert archive(client, run).status == 400


def test_an_audit_with_a_fault_lets_nothing_out(client, run):
    """A line that was put in by hand names a file that the run never left."""
    (run / "more.csv").write_bytes(b"more")
    lines = (run / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[0])
    entry["outputs"].append({"path": "more.csv", "bytes": 4, "sha256": hashlib.sha256(b"more").hexdigest()})
    (run / "audit.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    for audience in ("meeting", "internal"):
        for path in ("more.csv", "counts.csv"):
            assert status(client, run, path, audience) == 400
    assert archive(client, run).status == 400
    from gridmap.desk.pages.run import audience_of

    assert audience_of(run) == "internal"  # what cannot be known is taken to be the most


def test_a_chain_that_speaks_of_two_audiences_is_internal(client):
    """An internal run, and a public one after it in the same folder: what the first left is not the public's."""
    second = {"what": "paper", "audience": "public", "outputs": []}
    folder = leave_run(client, "two audiences", audience="internal", more=[second])
    assert status(client, folder, "counts.csv", "public") == 400
    assert status(client, folder, "counts.csv", "internal") == 200


def test_a_folder_without_an_audit_gives_and_packs_nothing(client, run):
    (run / "audit.jsonl").unlink()
    for audience in ("meeting", "internal"):
        assert status(client, run, "counts.csv", audience) == 400
    assert archive(client, run).status == 400


def test_a_folder_whose_record_is_a_link_or_lies_deeper_is_no_run(client, run):
    assert client.get(f"/share/{quote(run.name)}").status == 200
    inner = leave_run(client, f"{run.name}/inner")
    assert client.get(f"/share/{quote(run.name)}%2Finner").status in (400, 404)
    from gridmap.desk.pages.run import run_of

    with pytest.raises(InputError, match="no finished run"):
        run_of(client.desk.workspace, f"{run.name}/{inner.name}")
    kept = client.folder.parent / "kept.json"
    (run / "run.json").rename(kept)
    (run / "run.json").symlink_to(kept)
    assert client.get(f"/share/{quote(run.name)}").status == 400


@pytest.mark.parametrize(("audit", "record"), [("public", "internal"), ("internal", "public")])
def test_only_a_run_that_is_internal_by_audit_and_by_record_is_looked_into(client, audit, record):
    folder = leave_run(client, f"{audit} {record}", audience=audit, record={"audience": record})
    for ask in (client.get(f"/look/{quote(folder.name)}"), client.post(f"/look/{quote(folder.name)}/prepare")):
        assert ask.status == 400
        assert "internal runs only" in ask.text


def test_a_run_is_not_made_internal_by_sharing_it(client):
    folder = leave_run(client, "shared", audience="internal")
    before = sorted(client.folder.glob("*.yaml"))
    answer = client.post(f"/share/{quote(folder.name)}", {"audience": "internal"})
    assert (answer.status, "The request cannot be read" in answer.text) == (400, True)
    assert client.post(f"/share/{quote(folder.name)}", {"audience": "everyone"}).status == 400
    assert sorted(client.folder.glob("*.yaml")) == before


def test_a_page_of_a_run_is_in_a_world_of_its_own(client, run):
    page, table = (
        client.get(f"/runs/{quote(run.name)}/for/meeting/{path}").headers for path in ("index.html", "counts.csv")
    )
    assert page["content-security-policy"].startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in page["content-security-policy"]
    assert table["content-security-policy"] == "sandbox; default-src 'none'"
    assert table["content-disposition"].startswith("attachment")


PIPELINE = """title: x
boundaries: {{path: {boundaries}}}
grid: {{system: h3, resolution: 8}}
incidents: {{path: {incidents}}}
hotspots: [hotspot_test]
outputs: {{map: index.html}}
"""


def test_the_editor_names_a_file_outside_though_it_is_there(tmp_path):
    """`read_pipeline` is content with any file that exists; the workspace is not."""
    from gridmap.desk.workers import check_text

    workspace = tmp_path / "w"
    for path in ("w/data/b.geojson", "w/data/i.csv", "i.csv"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    inside = PIPELINE.format(boundaries="data/b.geojson", incidents="data/i.csv")
    assert check_text(str(workspace), inside, "r")["problem"] is None
    for path in ("../i.csv", str(tmp_path / "i.csv"), "https://example.org/i.csv"):
        problem = check_text(str(workspace), inside.replace("data/i.csv", path), "r")["problem"]
        assert problem is not None, path
        assert set(problem) == {"en", "zh"}
    assert check_text(str(workspace), inside, "../../elsewhere")["problem"] is not None


def test_a_finished_run_s_settings_are_held_to_the_workspace_before_its_files_are_read(tmp_path):
    """A `run.json` that came by mail names boundaries elsewhere: not read, not even to look closer or to share."""
    from gridmap.desk.workers import for_audience, look_table

    (tmp_path / "b.geojson").write_text("{}")
    folder = tmp_path / "w" / "runs" / "r"
    folder.mkdir(parents=True)
    (tmp_path / "w" / "data").mkdir()
    (tmp_path / "w" / "data" / "i.csv").write_text("lon,lat\n")
    settings = {"title": "x", "boundaries": {"path": "../b.geojson"}, "grid": {"system": "h3", "resolution": 8}}
    settings |= {"incidents": {"path": "data/i.csv"}, "hotspots": ["hotspot_test"], "outputs": {"map": "index.html"}}
    (folder / "run.json").write_text(json.dumps({"audience": "internal", "settings": settings, "inputs": []}))
    for call in (
        lambda: look_table(str(tmp_path / "w"), "r", "t"),
        lambda: for_audience(str(tmp_path / "w"), "r", "public"),
    ):
        with pytest.raises(GridmapError, match=r"\.\./b\.geojson"):
            call()


def test_files_that_changed_since_the_run_are_not_looked_into(tmp_path):
    from gridmap.desk.workers import _check_inputs

    (tmp_path / "i.csv").write_bytes(b"a")
    entry = {"path": "i.csv", "sha256": hashlib.sha256(b"a").hexdigest()}
    _check_inputs(tmp_path, {"inputs": [entry]})
    (tmp_path / "i.csv").write_bytes(b"b")
    with pytest.raises(InputError, match="not what this run read"):
        _check_inputs(tmp_path, {"inputs": [entry]})
    (tmp_path / "w").mkdir()
    (tmp_path / "i.csv").write_bytes(b"a")
    with pytest.raises(InputError, match="not what this run read"):
        _check_inputs(tmp_path / "w", {"inputs": [{**entry, "path": "../i.csv"}]})


def test_an_upload_that_announces_too_much_is_refused_before_its_body_is_read(client):
    """Nothing of the body is sent: a desk that waited for it would not answer."""
    head = f"POST /bring/upload HTTP/1.1\r\nHost: {client.host}\r\nOrigin: http://{client.host}\r\n"
    head += f"Cookie: gridmap_{client.port}={TOKEN}\r\nContent-Type: multipart/form-data; boundary=xx\r\n"
    answer = client.raw(f"{head}Content-Length: {10**13}\r\nConnection: close\r\n\r\n".encode(), seconds=5)
    assert b" 400 " in answer.split(b"\r\n")[0]


def test_the_head_of_a_part_and_its_boundary_have_a_limit(client):
    """The parser has a limit of its own, so the desk's is tried where the parser calls it."""
    from gridmap.desk.pages.bring import _Incoming

    calls = _Incoming(client.desk.workspace, 100).callbacks()
    calls["on_part_begin"]()
    calls["on_header_value"](b"x" * 8000, 0, 8000)
    with pytest.raises(InputError, match="cannot be read"):
        calls["on_header_value"](b"x", 0, 1)
    assert client.upload("x" * 9000 + ".csv", b"1").status == 400
    long = "b" * 201
    body = f'--{long}\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n1\r\n--{long}--\r\n'.encode()
    kind = f"multipart/form-data; boundary={long}"
    assert client.ask("POST", "/bring/upload", body=body, **{"Content-Type": kind}).status == 400
    assert not (client.folder / "data" / "a.csv").exists()


@pytest.mark.parametrize("name", ["data", "a/b", "../x", ".hidden", "con"])
def test_the_editor_writes_no_other_file_than_a_pipeline(client, name):
    before = sorted(client.folder.rglob("*"))
    for path in ("/ask/check", "/ask/compose", "/ask/save"):
        assert client.post(path, {"name": name, "text": "title: x\n"}).status == 400
    assert sorted(client.folder.rglob("*")) == before


@pytest.mark.parametrize(
    "text", ["a: &a [1]\nb: *a\n", "a: &a [*a]\n", "a: " + "x" * 200_001, "[1]", "!!python/name:os.system"]
)
def test_a_file_that_refers_to_itself_or_is_too_long_is_not_read(text):
    from gridmap.desk.pages.ask import read_settings

    with pytest.raises(InputError, match=r"larger than a form|cannot be read as YAML"):
        read_settings(text)


@pytest.mark.parametrize(
    "job", [{"audience": "everyone"}, {"kind": "report", "paper": ".exe", "language": "en"}, {"pipeline": "link.yaml"},
            {"kind": "report", "paper": ".pdf", "language": "--help"}, {"out": "../x"}, {"out": ".x"}],
)  # fmt: skip
def test_a_job_that_came_with_a_workspace_is_held_to_what_the_desk_itself_would_write(client, job):
    from gridmap.desk.queue import Job

    (client.folder / "own.yaml").write_text("title: x\n")
    if not (client.folder / "link.yaml").is_symlink():
        (client.folder / "link.yaml").symlink_to(client.folder / "own.yaml")
    given = {"id": "1", "kind": "run", "out": "x", "pipeline": "own.yaml", "paper": ".pdf", "language": "en"}
    assert "--confined" in client.desk.queue.command(Job(**given))
    with pytest.raises(GridmapError, match=r"no such job|leads out|audience"):
        client.desk.queue.command(Job(**{**given, **job}))
    for name in ("own.yaml", "link.yaml"):
        (client.folder / name).unlink()
