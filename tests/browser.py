"""A person at a browser, for the tests: Debian's Chromium with the network cut off, driven by playwright.

Chromium runs in a network namespace of its own that has no interface (`unshare -n`): nothing it does can reach
anybody. Playwright speaks to it over two pipes, which need no network either, and brings no browser of its own: it is
given the path of the one that is installed. Where namespaces are not permitted, every host name is made unresolvable
and the page is put offline, and `Browser.isolation` says so. Every request, console message and uncaught error of a
page is kept.
"""

import json
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

from .needs import find_chromium

FLAGS = ["--no-sandbox", "--disable-quic", "--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage"]
READY = "document.readyState === 'complete' && !!document.body && document.body.dataset.ready === 'true'"


def namespace() -> list[str]:
    """The command that cuts the network off, or nothing where it is not permitted."""
    for command in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


_drivers: list = []  # who uses the one driver of this process now: it once for each


@contextmanager
def driver():
    """Playwright, once a process however many use it at a time: it refuses a second one beside the first."""
    _drivers.append(_drivers[0] if _drivers else sync_playwright().start())
    try:
        yield _drivers[0]
    finally:
        last = _drivers.pop()
        if not _drivers:
            last.stop()


class Browser:
    """One Chromium; `open` gives it a page."""

    def __init__(self):
        cut = namespace()
        self.isolation = "network namespace" if cut else "unresolvable hosts + offline pages"
        self._folder = Path(tempfile.mkdtemp(prefix="gridmap-chromium-"))
        launcher = self._folder / "chromium"
        launcher.write_text(f'#!/bin/sh\nexec {" ".join([*cut, find_chromium()])} "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)
        shut = [] if cut else ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=127.0.0.1:9"]
        self._ends = ExitStack()
        playwright = self._ends.enter_context(driver())
        self._chromium = playwright.chromium.launch(executable_path=launcher, args=[*FLAGS, *shut])

    def open(self, path, *, width=1366, height=768, mobile=False, fragment="", ready=READY) -> "Page":
        """A file as a page, waited for until it is ready."""
        context = self._chromium.new_context(
            viewport={"width": width, "height": height}, is_mobile=mobile, offline=self.isolation != "network namespace"
        )
        return Page(context, Path(path), (width, height), fragment, ready)

    def close(self):
        """End this Chromium, and no other."""
        self._chromium.close()
        self._ends.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Page:
    """One page, and what a person does on it."""

    def __init__(self, context, path: Path, size: tuple[int, int], fragment: str, ready: str):
        self.size, self._context = size, context
        self._page = context.new_page()
        self._own, self._requests, self._errors = path.resolve().as_uri(), [], []
        self._page.on("request", lambda request: self._requests.append(request.url))
        self._page.on("pageerror", lambda error: self._errors.append(str(error)))
        self._page.on("console", self._heard)
        self._protocol = context.new_cdp_session(self._page)  # a page's policy forbids what `evaluate` does
        started = time.monotonic()
        self._page.goto(self._own + fragment, wait_until="commit")
        self.wait(ready)
        self.opened_in = time.monotonic() - started

    def _heard(self, message):
        if message.type in ("error", "warning", "assert"):
            self._errors.append(message.text)

    def run(self, code: str):
        """The value of a JavaScript expression; a promise is awaited."""
        answer = self._protocol.send(
            "Runtime.evaluate", {"expression": code, "returnByValue": True, "awaitPromise": True}
        )
        if "exceptionDetails" in answer:
            detail = answer["exceptionDetails"]
            raise AssertionError(detail.get("exception", {}).get("description", detail["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 180):
        """Until a JavaScript condition holds."""
        end = time.monotonic() + seconds
        while not self.run(condition):
            if time.monotonic() > end:
                raise AssertionError(f"Not so within {seconds} s: {condition}; errors: {self.errors()}")
            self._page.wait_for_timeout(50)

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
        """Of a selector, its middle; a point is one already."""
        return self.centre(at) if isinstance(at, str) else at

    def hover(self, at):
        self._page.mouse.move(*self.point(at))

    def click(self, at):
        self._page.mouse.click(*self.point(at))

    def drag(self, start, end, steps: int = 12):
        (x0, y0), (x1, y1) = self.point(start), self.point(end)
        self._page.mouse.move(x0, y0)
        self._page.mouse.down()
        self._page.mouse.move(x1, y1, steps=steps)
        self._page.mouse.up()

    def key(self, key: str):
        self._page.keyboard.press("Space" if key == " " else key)

    def type(self, text: str):
        self._page.keyboard.insert_text(text)

    def text(self, selector: str = "body") -> str:
        return self.run(f"(document.querySelector({json.dumps(selector)}) || {{innerText: ''}}).innerText")

    def sight(self, kind: str):
        """As somebody sees it: deuteranopia, protanopia, achromatopsia (grey)."""
        self._protocol.send("Emulation.setEmulatedVisionDeficiency", {"type": kind})

    def reduce_motion(self):
        """As a person who has asked the system for less motion."""
        self._page.emulate_media(reduced_motion="reduce")

    def requests(self) -> list[str]:
        """Everything the page asked for, but itself and what it carries."""
        self.run("0")  # what has happened until now has arrived before this answer
        own = ("data:", "blob:", "about:")
        return [url for url in self._requests if not url.startswith(own) and url.split("#")[0] != self._own]

    def errors(self) -> list[str]:
        """Console errors, warnings and uncaught exceptions."""
        self.run("0")
        return list(self._errors)

    def screenshot(self, path) -> Path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._page.screenshot(path=path)
        return Path(path)

    def pdf(self, path, *, width_in: float = 11.69, height_in: float = 8.27) -> Path:
        """As it prints."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        size = {"width": f"{width_in}in", "height": f"{height_in}in"}
        self._page.pdf(path=path, **size, print_background=True, prefer_css_page_size=True)
        return Path(path)

    def close(self):
        self._context.close()
