"""The desk in a real browser: by keyboard, at the widths of a telephone and of a desk, asking nobody but itself."""

import pytest

from tests.needs import find_chromium, require

from .conftest import TOKEN


@pytest.fixture(scope="module")
def chromium():
    require("browser")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    flags = ["--no-sandbox", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    with sync_playwright() as running:
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
