"""Who is answered, and what leaves: each guard of the desk, with what happens when somebody tries."""

import random
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ..command import LONGEST, awaited, finished
from .conftest import TOKEN

ROOT = Path(__file__).parents[2]


def test_health_says_the_version_and_needs_no_token(client):
    found = client.get("/health", token=False)
    assert found.status == 200
    assert '"version"' in found.text


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "evil.example:{port}", "localhost.evil:{port}", ""]
)
def test_another_host_is_refused_even_with_the_token(client, host):
    for path in ("/", "/health"):
        assert client.get(path, Host=host.format(port=client.port)).status == 403


def test_two_hosts_or_none_are_refused(client):
    twice = f"GET / HTTP/1.1\r\nHost: {client.host}\r\nHost: evil\r\nCookie: gridmap_{client.port}={TOKEN}\r\n\r\n"
    assert b" 200 " not in client.raw(twice.encode()).split(b"\r\n")[0]
    assert client.get("/", Host=None).status in (400, 403)


@pytest.mark.parametrize("path", ["/", "/bring", "/ask", "/runs", "/manual", "/static/desk.css", "/nothing"])
def test_without_the_token_nothing_is_answered(client, path):
    assert client.get(path, token=False).status == 403
    assert client.get(f"{path}?token=wrong", token=False).status == 403
    assert client.get(path, Cookie=f"gridmap_{client.port}=wrong").status == 403


def test_the_address_with_the_token_gives_a_strict_cookie_and_loses_the_token(client):
    found = client.get(f"/bring?token={TOKEN}&x=1", token=False)
    assert (found.status, found.headers["location"]) == (303, "/bring?x=1")
    cookie = found.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    elsewhere = client.get(f"//evil.example/?token={TOKEN}", token=False)
    assert not elsewhere.headers.get("location", "/").startswith("//")


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1"]
)
def test_a_form_of_another_site_changes_nothing(client, origin):
    sent = None if origin is None else origin.format(port=client.port)
    assert client.post("/language", {"language": "zh"}, Origin=sent).status == 403
    assert client.upload("a.csv", b"x", Origin=sent).status == 403
    assert not (client.folder / "data" / "a.csv").exists()


def test_what_a_browser_marks_as_another_site_s_is_refused(client):
    assert client.get("/", **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert client.get("/", **{"Sec-Fetch-Site": "same-origin"}).status == 200


def test_every_answer_carries_the_policy(client):
    for path in ("/", "/health", "/nothing", "/static/desk.js"):
        found = client.get(path)
        assert "default-src 'none'" in found.headers["content-security-policy"]
        assert "unsafe" not in found.headers["content-security-policy"]
        assert found.headers["x-content-type-options"] == "nosniff"


def test_pages_name_no_other_machine(client):
    for path in ("/", "/bring", "/runs", "/manual", "/manual/methods", "/static/desk.css", "/static/desk.js"):
        text = client.get(path).text
        assert 'src="http' not in text
        assert "url(http" not in text


HOSTILE_PATHS = [
    "../{secret}", "..%2f{secret}", "%2e%2e/{secret}", "..\\{secret}", "/{secret}", "C:\\{secret}", "c:{secret}",
    "link/{secret}", "linked.csv", ".gridmap-desk/lock", "x/../../{secret}", "a\0b", "con", "NUL.csv", "a/./b", "a//b",
    "name.", " name", "~/{secret}", "file:///{secret}",
]  # fmt: skip


def leads_out(path: str) -> bool:
    """False for two that are names of ordinary files to the system: nothing on the way decodes %2e or opens ~."""
    return not path.startswith(("%2e%2e/", "~/"))


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_no_name_leads_out_of_the_workspace(client, path, tmp_path):
    from gridmap.errors import InputError

    secret = client.folder.parent / "secret.txt"
    secret.write_text("the secret")
    for link, target in (("data/link", client.folder.parent), ("data/linked.csv", secret)):
        if not (client.folder / link).is_symlink():
            (client.folder / link).symlink_to(target)
    with pytest.raises(InputError, match="leads out of the workspace" if leads_out(path) else "There is no file"):
        client.desk.workspace.existing(path.format(secret="secret.txt"), under="data")
    found = client.post("/bring/look", {"name": path.format(secret="secret.txt")})
    assert found.status == 400
    assert "the secret" not in found.text
    assert str(client.folder.parent) not in found.text


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../evil.csv", "evil.csv"), ("C:\\Windows\\evil.csv", "evil.csv"), ("/etc/evil.csv", "evil.csv"),
        ("con.csv", "_con.csv"), ("a\u202ecsv.exe.csv", "acsv.exe.csv"), (".hidden.csv", "hidden.csv"),
        ("…案件 2024.csv", "…案件 2024.csv"), ("x" * 400 + ".csv", None),
    ],
)  # fmt: skip
def test_an_upload_gets_a_plain_name_in_data(client, sent, kept):
    before = set(client.folder.parent.rglob("*"))
    assert client.upload(sent, b"a,b\n1,2\n").status == 303
    made = [p for p in set(client.folder.parent.rglob("*")) - before if p.is_file()]
    assert [p.parent for p in made] == [client.folder / "data"]
    if kept is not None:
        assert made[0].name == kept
    made[0].unlink()


@pytest.mark.parametrize("name", ["evil.exe", "evil.yaml", "evil.html", "evil", ".csv.", "evil.py", "\r\n"])
def test_a_file_that_nobody_reads_is_not_kept(client, name):
    before = sorted((client.folder / "data").iterdir())
    assert client.upload(name, b"x").status == 400
    assert sorted((client.folder / "data").iterdir()) == before


def test_an_upload_never_replaces_a_file(client):
    for content in (b"first", b"second"):
        client.upload("twice.csv", content)
    kept = {path.name: path.read_bytes() for path in (client.folder / "data").glob("twice*")}
    for name in kept:
        (client.folder / "data" / name).unlink()
    assert kept == {"twice.csv": b"first", "twice (2).csv": b"second"}


def test_an_upload_beyond_the_limit_or_the_disk_is_refused_and_leaves_nothing(client, monkeypatch):
    import shutil

    from gridmap.desk import workspace

    monkeypatch.setattr(client.desk, "upload_limit", 1000)
    assert client.upload("large.csv", b"x" * 2000).status == 400
    chunked = b"POST /bring/upload HTTP/1.1\r\nHost: %b\r\nOrigin: http://%b\r\nCookie: gridmap_%d=%b\r\n" % (
        client.host.encode(), client.host.encode(), client.port, TOKEN.encode(),
    )  # fmt: skip
    chunked += (
        b"Content-Type: multipart/form-data; boundary=xx\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    part = (
        b'--xx\r\nContent-Disposition: form-data; name="f"; filename="l.csv"\r\n\r\n' + b"x" * 5000 + b"\r\n--xx--\r\n"
    )
    assert b" 400 " in client.raw(chunked + b"%x\r\n%b\r\n0\r\n\r\n" % (len(part), part)).split(b"\r\n")[0]
    monkeypatch.setattr(client.desk, "upload_limit", 1 << 40)
    monkeypatch.setattr(workspace.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 1000))
    assert client.upload("full.csv", b"x").status == 400
    assert [p.name for p in client.folder.rglob("*") if p.name.startswith(("large", "l.csv", "full", "upload"))] == []


def test_a_form_without_files_has_a_limit(client):
    assert client.post("/ask/check", {"text": "x" * (3 << 20)}).status in (400, 413)


def test_an_upload_that_breaks_off_leaves_nothing(client):
    body = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="half.csv"\r\n\r\n1,2,3'
    with socket.create_connection(("127.0.0.1", client.port)) as connection:
        head = f"POST /bring/upload HTTP/1.1\r\nHost: {client.host}\r\nOrigin: http://{client.host}\r\n"
        head += f"Cookie: gridmap_{client.port}={TOKEN}\r\nContent-Length: 100000\r\n"
        connection.sendall(head.encode() + b"Content-Type: multipart/form-data; boundary=xx\r\n\r\n" + body)
        time.sleep(0.2)
    until = time.monotonic() + LONGEST
    while (left := [*client.folder.rglob("half*"), *client.folder.rglob("*.part")]) and time.monotonic() < until:
        time.sleep(0.05)  # until the server has seen the end
    assert left == []
    assert client.get("/health").status == 200


def test_two_uploads_at_once_are_each_kept_whole(client):
    """Two tabs, or two who share a desk: the parts of the one never get into the other."""
    contents = {f"at once {i}.csv": b"id,lon,lat\n" + f"{i},1,2\n".encode() * 300_000 for i in range(4)}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda item: client.upload(*item), contents.items()))
    assert all(answer.status in (200, 303) for answer in answers)
    for name, content in contents.items():
        assert (client.folder / "data" / name).read_bytes() == content
        (client.folder / "data" / name).unlink()


def test_what_a_stopped_desk_left_on_its_way_is_taken_away(tmp_path):
    from gridmap.desk.workspace import Workspace

    desk = Workspace.open(tmp_path)
    desk.passing(".part").write_bytes(b"half")
    desk.close()
    Workspace.open(tmp_path).close()
    assert [path.name for path in (tmp_path / ".gridmap-desk/passing").iterdir()] == []


def test_one_desk_a_workspace(client):
    from gridmap.desk.workspace import Workspace
    from gridmap.errors import OutputError

    with pytest.raises(OutputError, match="open in another desk"):
        Workspace.open(client.folder)


def through_the_guard(client, method="GET", hosts=1, body=()):
    """The status of a request that reached the guard as it is, whatever a server before it would have refused."""

    from starlette.responses import PlainTextResponse

    from gridmap.desk.server import Guard

    async def app(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await PlainTextResponse("inside")(scope, receive, send)

    desk, parts, sent = client.desk, list(body) or [b""], []
    host = next(iter(desk.hosts))
    headers = [(b"host", host.encode())] * hosts
    headers += [(b"cookie", f"{desk.cookie}={desk.token}".encode()), (b"origin", f"http://{host}".encode())]
    scope = {"type": "http", "method": method, "path": "/ask", "query_string": b"", "headers": headers}

    async def receive():
        return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}

    async def send(message):
        sent.append(message)

    awaited(Guard(app, desk)(scope, receive, send))
    return sent[0]["status"]


def test_two_hosts_other_methods_and_endless_forms_are_refused_by_the_guard_itself(client):
    from starlette.exceptions import HTTPException

    from gridmap.desk.responses import TEXT_LIMIT

    assert (through_the_guard(client), through_the_guard(client, "POST")) == (200, 200)
    assert through_the_guard(client, hosts=2) == 403
    assert {through_the_guard(client, method) for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")} == {405}
    assert through_the_guard(client, "POST", body=[b"x" * (TEXT_LIMIT // 2)] * 2) == 200
    with pytest.raises(HTTPException):
        through_the_guard(client, "POST", body=[b"x" * (TEXT_LIMIT // 2)] * 3)


def test_a_link_within_the_workspace_and_a_very_long_name_are_refused(tmp_path):
    """The link leads nowhere else, so only the look at links refuses it."""
    from gridmap.desk.workspace import Workspace
    from gridmap.errors import InputError

    workspace = Workspace.open(tmp_path / "w")
    (workspace.folder / "data" / "own.csv").write_text("a\n1\n")
    (workspace.folder / "data" / "link.csv").symlink_to(workspace.folder / "data" / "own.csv")
    assert workspace.existing("own.csv", under="data").name == "own.csv"
    for name in ("link.csv", "/".join(["a" * 100] * 6)):
        with pytest.raises(InputError, match="leads out of the workspace"):
            workspace.inside(name, under="data")
    workspace.close()


@pytest.mark.parametrize("part", ["data", "runs", ".gridmap-desk", ".gridmap-desk/lock"])
def test_a_workspace_of_links_is_not_opened(tmp_path, part):
    from gridmap.desk.workspace import STATE, Workspace
    from gridmap.errors import OutputError

    part = part.replace(".gridmap-desk", STATE)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "file" if part.endswith("lock") else elsewhere
    target.touch() if part.endswith("lock") else None
    (tmp_path / "w" / part).parent.mkdir(parents=True)
    (tmp_path / "w" / part).symlink_to(target)
    with pytest.raises(OutputError, match="link"):
        Workspace.open(tmp_path / "w")


def serve(*arguments, wait=True):
    command = [sys.executable, "-m", "gridmap.cli", "serve", "--no-browser", "--language", "en", *map(str, arguments)]
    if wait:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=ROOT, start_new_session=True, **pipes)


def test_a_port_in_use_is_one_clear_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = serve(tmp_path / "w", "--port", taken.getsockname()[1])
    assert done.returncode == 1
    assert done.stderr.startswith("gridmap: Port ")
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "unless both --allow-address and --token"),
        (["--allow-address"], "unless both --allow-address and --token"),
        (["--token", "x" * 30], "unless both --allow-address and --token"),
        (["--allow-address", "--token", "short"], "at least 24 characters"),
    ],
)
def test_another_address_needs_to_be_allowed_and_a_token(given, words):
    from gridmap.desk.server import check_address
    from gridmap.errors import SettingError

    token = given[given.index("--token") + 1] if "--token" in given else None
    with pytest.raises(SettingError, match=words):
        check_address("192.168.1.5", "--allow-address" in given, token)
    assert check_address("192.168.1.5", True, "x" * 30) == "192.168.1.5"
    for everywhere in ("0.0.0.0", "::", "example.org"):
        with pytest.raises(SettingError, match="not an address of one machine"):
            check_address(everywhere, True, "x" * 30)


def test_serve_says_one_line_answers_and_listens_on_loopback_alone(tmp_path):
    import re
    import urllib.request

    process = serve(tmp_path / "w", wait=False)
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{40,})", line)
        port = int(found[1])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=60) as answer:
            assert answer.status == 200
        listening = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        assert {row[1] for row in listening if row[3] == "0A" and row[1].endswith(f":{port:04X}")} == {
            f"0100007F:{port:04X}"
        }
    finally:
        process.terminate()
        finished(process)


# ---------------------------------------------------------------------------------------------- 200 hostile requests


HEADERS = [
    *("X: " + "y" * 2000, "X-Forwarded-Host: evil", "X-Forwarded-For: 1.2.3.4", "Range: bytes=0-99999999999"),
    *("Range: bytes=-1,5-,,", "If-Range: x", "Expect: 100-continue", "Upgrade: websocket", "HX-Request: true"),
    *("Accept-Encoding: gzip", "bad header"),
]


def hostile(rng: random.Random, client) -> bytes:
    """A request that nobody sends by mistake: odd methods, paths, headers, lengths, forms and file names."""
    bits = [
        "..",
        "%2e%2e",
        "%00",
        "\\",
        "/",
        "//",
        "etc/passwd",
        "secret.txt",
        "C:",
        "~",
        "%ff",
        "é",
        "{{7*7}}",
        "'",
        '"',
        "<x>",
    ]
    bits += [
        "runs",
        "look",
        "share",
        "manual",
        "static",
        "bring",
        "data",
        ".gridmap-desk",
        "lock",
        "x" * 3000,
        "for",
        "internal",
    ]
    path = "/" + rng.choice(["", "/"]).join(rng.choice(bits) for _ in range(rng.randint(1, 6)))
    if rng.random() < 0.5:
        path = (
            rng.choice(
                ["/runs/", "/look/", "/share/", "/manual/", "/static/", "/manual/images/", "/runs/x/for/internal/"]
            )
            + path
        )
    path = path.replace(" ", "").encode("utf-8").decode("latin-1")
    method = rng.choice(
        ["GET", "GET", "POST", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "HEAD", "G\tT", ""]
    )
    lines = [f"Host: {rng.choice([client.host] * 6 + ['evil', '', client.host + '@evil', 'x' * 9000])}"]
    lines.append(f"Cookie: gridmap_{client.port}={rng.choice([TOKEN] * 5 + ['x', ''])}")
    lines.append(f"Origin: {rng.choice([f'http://{client.host}'] * 4 + ['null', 'http://evil'])}")
    for _ in range(rng.randint(0, 3)):
        lines.append(rng.choice(HEADERS))
    fields = [
        "name",
        "text",
        "role:x",
        "pipeline",
        "job",
        "datum",
        "audience",
        "question",
        "title",
        "back",
        "language",
        "paper",
    ]
    values = [
        "../x",
        "{{7*7}}",
        "<script>",
        "a: &a [*a]",
        "!!python/object/apply:os.system [id]",
        "x" * 5000,
        "\0",
        "data",
        "//evil",
    ]
    kind = rng.randint(0, 3)
    if kind == 0:
        body = "&".join(f"{rng.choice(fields)}={rng.choice(values)}" for _ in range(rng.randint(0, 30))).encode()
        lines.append("Content-Type: application/x-www-form-urlencoded")
    elif kind == 1:
        name = rng.choice(["../../x.csv", "a\r\nX: y.csv", "con.csv", "x" * 5000 + ".csv", "\0.csv", "x.exe", '".csv'])
        body = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\nx\r\n--b--'.encode()
        lines.append(f"Content-Type: multipart/form-data; boundary={rng.choice(['b', 'c', '', 'b' * 5000])}")
        path = rng.choice(["/bring/upload", path])
    else:
        body = rng.randbytes(rng.randint(0, 2000))
    lines.append(f"Content-Length: {rng.choice([len(body)] * 9 + [-1, 'x'])}")
    return (f"{method} {path} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\nConnection: close\r\n\r\n").encode(
        "latin-1", "replace"
    ) + body


def test_two_hundred_hostile_requests_leak_and_break_nothing(client):
    secret = client.folder.parent / "secret.txt"
    secret.write_text("the secret")
    outside = sorted(p for p in client.folder.parent.rglob("*") if not p.is_relative_to(client.folder))
    rng = random.Random(22)
    seen = set()
    for _ in range(200):
        answer = client.raw(hostile(rng, client), seconds=5, end=rng.random() < 0.3)
        seen.add(answer[9:12])
        for leak in (
            b"the secret",
            b"Traceback",
            str(client.folder.parent).encode(),
            b"root:x:",
            b"49</",
            TOKEN.encode(),
        ):
            assert leak not in answer
    assert b"500" not in seen
    assert len(seen) >= 4  # some were let through to pages, others stopped at the gate
    assert sorted(p for p in client.folder.parent.rglob("*") if not p.is_relative_to(client.folder)) == outside
    assert client.get("/").status == 200
    beside = {p.name for p in client.folder.iterdir()} - {"data.yaml"}  # the pipeline of its form
    assert beside == {".gridmap-desk", "data", "runs"}


def test_a_tab_that_outlived_its_desk_is_told_so_on_a_whole_page(client):
    answer = client.get("/bring", token=False, Accept="text/html,*/*")
    assert answer.status == 403
    assert "<h1>gridmap</h1>" in answer.text
    assert '<html lang="en">' in answer.text
    assert "gridmap serve" in answer.text
    assert client.get("/bring", token=False).text.startswith("gridmap: ")
