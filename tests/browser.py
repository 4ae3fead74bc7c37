"""A person at a browser, for the tests: Chromium with the network cut off, driven through a pipe.

Chromium runs in a network namespace of its own that has no interface (`unshare -n`): nothing it does can reach
anybody. It is spoken to over two pipes (the DevTools protocol), which need no network either. Where namespaces are
not permitted, every host name is made unresolvable and the protocol's offline emulation is switched on, and
`Browser.isolation` says so. Every request, console message and uncaught error of a page is kept.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .needs import find_chromium

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]
READY = "document.readyState === 'complete' && !!document.body && document.body.dataset.ready === 'true'"
KEYS = {
    "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Escape": 27, "Enter": 13, "Tab": 9, " ": 32,
    "Home": 36, "End": 35,
}  # fmt: skip


def namespace() -> list[str]:
    """The command that cuts the network off, or nothing where it is not permitted."""
    for command in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


class Browser:
    """One Chromium; `open` gives it a page."""

    def __init__(self):
        cut = namespace()
        self.isolation = "network namespace" if cut else "unresolvable hosts + offline emulation"
        self._profile = tempfile.mkdtemp(prefix="gridmap-chromium-")
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()

        def pipes():  # Chromium reads commands on descriptor 3 and writes answers on 4
            r, w = (fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for fd in (to_read, to_write))  # out of the way of 3 and 4
            os.dup2(r, 3)
            os.dup2(w, 4)

        shut = [] if cut else ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"]
        self._process = subprocess.Popen(
            [*cut, find_chromium(), *FLAGS, *shut, f"--user-data-dir={self._profile}", "about:blank"],
            preexec_fn=pipes,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._number, self._events = b"", 0, []

    def send(self, method: str, session: str | None = None, timeout: float = 60, **params) -> dict:
        """A protocol command and its answer."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for answer in self._receive(end - time.monotonic()):
                if answer.get("id") == number:
                    if "error" in answer:
                        raise AssertionError(f"{method}: {answer['error']}")
                    return answer.get("result", {})
                if "method" in answer:
                    self._events.append(answer)
        raise AssertionError(f"The browser did not answer {method} in {timeout} s.")

    def _receive(self, timeout: float) -> list[dict]:
        ready, _, _ = select.select([self._read], [], [], max(timeout, 0))
        if not ready:
            return []
        chunk = os.read(self._read, 1 << 20)
        if not chunk:
            raise AssertionError("The browser has ended.")
        *whole, self._buffer = (self._buffer + chunk).split(b"\0")
        return [json.loads(m) for m in whole]

    def events(self, session: str, timeout: float = 0) -> list[dict]:
        """What has happened on a page since it was opened."""
        self._events += [m for m in self._receive(timeout) if "method" in m]
        return [e for e in self._events if e.get("sessionId") == session]

    def open(self, path, *, width=1366, height=768, mobile=False, fragment="", ready=READY) -> "Page":
        """A file as a page, waited for until it is ready."""
        return Page(self, Path(path), width, height, mobile, fragment, ready)

    def close(self):
        """End this Chromium, and no other."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        shutil.rmtree(self._profile, ignore_errors=True)


class Page:
    """One page, and what a person does on it."""

    def __init__(self, browser: Browser, path: Path, width: int, height: int, mobile: bool, fragment: str, ready: str):
        self.browser, self.size = browser, (width, height)
        target = browser.send("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self.session = browser.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        if browser.isolation != "network namespace":
            self.send(
                "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=0, uploadThroughput=0
            )
        self.resize(width, height, mobile)
        started = time.monotonic()
        self.send("Page.navigate", url=path.resolve().as_uri() + fragment)
        self.wait(ready)
        self.opened_in = time.monotonic() - started

    def send(self, method: str, **params) -> dict:
        return self.browser.send(method, self.session, **params)

    def resize(self, width: int, height: int, mobile: bool = False):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def run(self, code: str):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            detail = answer["exceptionDetails"]
            raise AssertionError(detail.get("exception", {}).get("description", detail["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 60):
        """Until a JavaScript condition holds."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            if time.monotonic() > end:
                raise AssertionError(f"Not so within {seconds} s: {condition}; errors: {self.errors()}")
            time.sleep(0.05)

    def centre(self, selector: str) -> tuple[float, float]:
        """Where an element is; scrolled into view first, as a person would."""
        box = self.run(
            f"(function () {{ const e = document.querySelector({json.dumps(selector)}); if (!e) return null;"
            "e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2, r.width * r.height]; })()"
        )
        assert box, f"There is no {selector} on the page."
        assert box[2] > 0, f"{selector} is hidden."
        return box[0], box[1]

    def point(self, at) -> tuple[float, float]:
        return self.centre(at) if isinstance(at, str) else at

    def hover(self, at):
        x, y = self.point(at)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, at):
        x, y = self.point(at)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def drag(self, start, end, steps: int = 12):
        (x0, y0), (x1, y1) = self.point(start), self.point(end)
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x0, y=y0)
        self.send("Input.dispatchMouseEvent", type="mousePressed", x=x0, y=y0, button="left", buttons=1, clickCount=1)
        for i in range(1, steps + 1):
            x, y = x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.send("Input.dispatchMouseEvent", type="mouseReleased", x=x1, y=y1, button="left", clickCount=1)

    def key(self, key: str):
        code = KEYS.get(key, ord(key.upper()) if len(key) == 1 else 0)
        text = {"text": "\r" if key == "Enter" else key} if len(key) == 1 or key == "Enter" else {}
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str):
        self.send("Input.insertText", text=text)

    def text(self, selector: str = "body") -> str:
        return self.run(f"(document.querySelector({json.dumps(selector)}) || {{innerText: ''}}).innerText")

    def requests(self) -> list[str]:
        """Everything the page asked for, but itself and what it carries."""
        asked = [
            e["params"]["request"]["url"]
            for e in self.browser.events(self.session)
            if e["method"] == "Network.requestWillBeSent"
        ]
        own = ("data:", "blob:", "about:")
        pages = {
            e["params"]["documentURL"].split("#")[0]
            for e in self.browser.events(self.session)
            if e["method"] == "Network.requestWillBeSent"
        }
        return [u for u in asked if not u.startswith(own) and u.split("#")[0] not in pages]

    def errors(self) -> list[str]:
        """Console errors, warnings and uncaught exceptions."""
        out = []
        for e in self.browser.events(self.session):
            p = e["params"]
            if e["method"] == "Runtime.exceptionThrown":
                out.append(p["exceptionDetails"].get("exception", {}).get("description", p["exceptionDetails"]["text"]))
            elif e["method"] == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
                out.append(" ".join(str(a.get("value", a.get("description"))) for a in p["args"]))
            elif e["method"] == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                out.append(p["entry"]["text"])
        return out

    def screenshot(self, path) -> Path:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
        return path

    def pdf(self, path, *, width_in: float = 11.69, height_in: float = 8.27) -> Path:
        """As it prints."""
        data = self.send(
            "Page.printToPDF", paperWidth=width_in, paperHeight=height_in, printBackground=True, preferCSSPageSize=True
        )["data"]
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(base64.b64decode(data))
        return Path(path)

    def close(self):
        self.browser.send("Target.closeTarget", targetId=self._target)
