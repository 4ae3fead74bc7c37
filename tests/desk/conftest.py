"""A desk that listens, for the tests: a real server on a port of this machine, and requests as bytes over a socket."""

import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette", reason='pip install "gridmap[desk]"')
uvicorn = pytest.importorskip("uvicorn", reason='pip install "gridmap[desk]"')

TOKEN = "t" * 32


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass
class Client:
    """Asks a desk; as the person's own browser would, unless something else is given."""

    port: int
    desk: object

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def folder(self) -> Path:
        return self.desk.workspace.folder

    def raw(self, sent: bytes, seconds: float = 60, end: bool = False) -> bytes:
        """Any bytes at all, and what comes back until the connection ends; `end`: nothing more will be sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            try:
                connection.sendall(sent)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            found = b""
            try:
                while more := connection.recv(65536):
                    found += more
            except OSError:
                pass
        return found

    def ask(self, method: str, path: str, *, body: bytes = b"", token: bool = True, **headers) -> Answer:
        """One request; a header given as None is left out."""
        given = {"Host": self.host, "Connection": "close", "Cookie": f"gridmap_{self.port}={TOKEN}" if token else None}
        if method == "POST":
            given |= {"Origin": f"http://{self.host}", "Content-Length": str(len(body))}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{name}: {value}" for name, value in given.items() if value is not None]
        sent = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{line}\r\n" for line in lines) + "\r\n"
        return parsed(self.raw(sent.encode("latin-1", "replace") + body))

    def get(self, path: str, **headers) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, fields=(), **headers) -> Answer:
        body = urlencode(fields, doseq=True).encode()
        return self.ask("POST", path, body=body, **{"Content-Type": "application/x-www-form-urlencoded", **headers})

    def upload(self, name: str, content: bytes, **headers) -> Answer:
        quoted = name.encode("utf-8").replace(b'"', b"%22").replace(b"\r", b"%0D").replace(b"\n", b"%0A")
        body = b'--xx\r\nContent-Disposition: form-data; name="files"; filename="' + quoted + b'"\r\n\r\n'
        body += content + b"\r\n--xx--\r\n"
        return self.ask(
            "POST", "/bring/upload", body=body, **{"Content-Type": "multipart/form-data; boundary=xx", **headers}
        )

    def bring(self, *files: Path) -> None:
        """Put files into `data/` and have each inspected, as the page does."""
        for file in files:
            (self.folder / "data" / file.name).write_bytes(file.read_bytes())
        for _ in range(2):
            for path in self.desk.workspace.data_files():
                assert self.post("/bring/look", {"name": path.name}).status == 303

    def wait(self, seconds: float = 600):
        """Until no job waits or runs; the newest job."""
        for _ in range(int(seconds * 10)):
            if all(job.is_over for job in self.desk.queue.jobs()):
                break
            time.sleep(0.1)
        return self.desk.queue.jobs()[0]


def parsed(answer: bytes) -> Answer:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        whole, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size or b"0", 16)
            whole, rest = whole + rest[:n], rest[n + 2 :]
            if not n:
                break
        body = whole
    return Answer(int(first.split()[1]) if first else 0, headers, body)


def serving(folder: Path):
    """A desk over a folder, in a thread; yields a client."""
    from gridmap.desk.server import application, open_desk

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    port = listening.getsockname()[1]
    desk = open_desk(folder, port=port, token=TOKEN)
    config = uvicorn.Config(application(desk), log_level="critical", proxy_headers=False, ws="none", http="h11")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Client(port, desk)
    server.should_exit = True
    thread.join(timeout=300)
    listening.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """One desk a module; tests leave it as usable as they found it."""
    yield from serving(tmp_path_factory.mktemp("desk"))
