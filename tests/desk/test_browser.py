"""The desk in a real browser: by keyboard, at the widths of a telephone and of a desk, asking nobody but itself."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

import gridmap as gm
from tests.needs import find_chromium, require

from .conftest import TOKEN, serving
from .exports import write_boundaries, write_export

#: The page's own tests bring it: `npm ci` in gridmap/maps/web.
AXE = Path(gm.__file__).parent / "maps" / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium():
    require("browser")
    pytest.importorskip("playwright.sync_api")
    from tests.browser import driver

    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with driver() as running:
        browser = running.chromium.launch(executable_path=find_chromium(), args=flags)
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1366, 1920])
def test_pages_fit_ask_nobody_else_and_break_no_policy_of_their_own(chromium, client, width):
    context = chromium.new_context(viewport={"width": width, "height": 800})
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    base = f"http://{client.host}/"
    page.goto(f"{base}?token={TOKEN}")
    assert page.url == base
    protocol = context.new_cdp_session(page)
    for path in ("", "bring", "runs", "manual", "manual/privacy", "manual/commands"):
        page.goto(base + path)
        found = protocol.send(
            "Runtime.evaluate", {"expression": "document.documentElement.scrollWidth", "returnByValue": True}
        )
        assert found["result"]["value"] <= width, path
    assert [url for url in asked if not url.startswith((base, "data:"))] == []
    assert errors == []
    context.close()


@pytest.mark.browser
def test_the_keyboard_alone_goes_from_the_first_page_to_the_files_and_changes_the_language(chromium, client):
    context = chromium.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto(f"http://{client.host}/?token={TOKEN}")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(page.locator(":focus").inner_text().strip())
    assert seen == [
        "Skip to the content",
        "gridmap",
        "1 Bring",
        "2 Ask",
        "3 Run",
        "Manual",
        "中文",
        "More in the manual",
    ]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("html[lang=zh]")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#files")
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("id") == "files":
            break
    assert page.locator(":focus").get_attribute("id") == "files"
    context.close()


@pytest.fixture(scope="module")
def walked(chromium, tmp_path_factory):
    """The whole way by keyboard alone, in Chinese: a messy export, its boundaries, a run; and the decisions it took."""
    folder = tmp_path_factory.mktemp("walk")
    files = [str(write_export(folder / "案件.csv")), str(write_boundaries(folder / "社区.geojson"))]
    for client in serving(folder / "w"):
        context = chromium.new_context(viewport={"width": 1366, "height": 768})
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"http://{client.host}/?token={TOKEN}")

        def to(page, selector: str, key: str = "Enter") -> None:
            """Press Tab until that is where one is, then a key: nothing else of the page is touched."""
            for _ in range(200):
                page.keyboard.press("Tab")
                if page.locator(":focus").count() and page.evaluate(f"document.activeElement.matches({selector!r})"):
                    page.keyboard.press(key)
                    return
            raise AssertionError(f"{selector} is not reached by Tab")

        to(page, "header button[name=language]")
        page.wait_for_selector("html[lang=zh]")
        decided = 1
        to(page, "a.button.main[href='/bring']")
        page.wait_for_selector("#files")
        with page.expect_file_chooser() as chosen:
            to(page, "#files")
        chosen.value.set_files(files)
        decided += 1
        page.wait_for_selector("button[value=ask]")
        to(page, "button[value=ask]")
        decided += 1
        page.wait_for_selector("#text")
        to(page, "button[value=run]")
        decided += 1
        page.wait_for_selector("a.button.main[href^='/runs/']")
        to(page, "a.button.main[href^='/runs/']")
        page.wait_for_selector("a[target=_blank]")
        with context.expect_page() as opened:
            to(page, "a[target=_blank]")
        decided += 1
        opened.value.wait_for_function("document.body.dataset.ready === 'true'")
        opened.value.close()
        yield client, context, page, decided
        context.close()


@pytest.mark.browser
@pytest.mark.slow
def test_by_keyboard_alone_from_the_first_page_to_the_map_in_five_decisions(walked):
    client, _, page, decided = walked
    assert decided <= 5
    assert page.locator("a.button[href$='.docx']").count() == 1  # the briefing is one click
    run = client.desk.workspace.runs()[0]
    assert json.loads((run / "run.json").read_text(encoding="utf-8"))["audience"] == "internal"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [390, 1366, 1920])
@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: npm ci in gridmap/maps/web")
def test_axe_finds_no_violation_and_nothing_scrolls_sideways_on_any_page(walked, width, language):
    client, context, _, _ = walked
    base, run = f"http://{client.host}/", client.desk.workspace.runs()[0].name
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    context.add_cookies([{"name": "gridmap_language", "value": language, "url": base}])
    page.goto(f"{base}look/{quote(run)}")
    unprepared = page.locator("form[action$='/prepare'] button")
    if unprepared.count():
        assert violations(page) == []
        unprepared.click()
        page.wait_for_selector("#look-map")
    pages = ["", "bring", "ask", f"ask?name={client.desk.workspace.pipelines()[0].stem}", "runs", "manual", "nothing"]
    pages += ["manual/desk", "manual/methods", *(f"{at}/{quote(run)}" for at in ("runs", "share", "look"))]
    found = {}
    for path in (*pages, f"beside?left={quote(run)}&right={quote(run)}", "runs/nothing-of-that-name"):
        page.goto(base + path)
        assert page.locator("html").get_attribute("lang") == language
        page.wait_for_timeout(150)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found[path] = [*violations(page), *([f"{wide} pixels wide"] if wide > width else [])]
    page.goto(f"{base}runs/{quote(run)}")
    page.click("form[action$='/verify'] button")
    page.wait_for_selector("#verdict .well")
    found["verified"] = violations(page)
    page.close()
    assert {path: faults for path, faults in found.items() if faults} == {}


def violations(page) -> list[str]:
    """What axe-core has against a page, by its protocol: the page's own policy lets no script in by a tag."""
    protocol = page.context.new_cdp_session(page)
    asking = "axe.run(document, {iframes: false}).then((r) => r.violations.map((v) => v.id + v.nodes[0].html))"
    protocol.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    given = {"expression": asking, "awaitPromise": True, "returnByValue": True}
    found = protocol.send("Runtime.evaluate", given)["result"]["value"]
    protocol.detach()
    return found
