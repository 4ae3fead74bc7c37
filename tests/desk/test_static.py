"""What is sent to the browser is what was vendored, and every text of the pages exists."""

import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "gridmap"
STATIC = PACKAGE / "desk" / "static"


def test_the_vendored_script_is_the_one_that_was_pinned():
    manifest = json.loads((STATIC / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == entry["sha256"]
        assert f"## {entry['package']} {entry['version']}" in (STATIC / "THIRD_PARTY_LICENSES.md").read_text()
    assert set(manifest) == {"htmx.min.js"}


def test_every_text_of_a_page_is_in_the_catalogue_and_none_is_left_over():
    texts = tomllib.loads((PACKAGE / "messages" / "en.toml").read_text(encoding="utf-8"))["desk"]
    source = "\n".join(
        p.read_text(encoding="utf-8") for p in (PACKAGE / "desk").rglob("*") if p.suffix in (".py", ".html")
    )
    whole = set(re.findall(r'"desk\.(\w+)"', source)) | set(re.findall(r'_\("(\w+[a-z0-9])"[,)]', source))
    assert whole - set(texts) == {"md"}  # desk.md, a document
    begun = tuple(set(re.findall(r'"desk\.(\w+_)\{', source)) | set(re.findall(r'_\("(\w+_)"', source)))
    assert [code for code in texts if code not in whole and not code.startswith(begun)] == []


def test_the_stylesheet_has_the_colours_of_the_map_page():
    frame = (PACKAGE / "maps" / "web" / "css" / "10_frame.css").read_text(encoding="utf-8")
    own = (STATIC / "desk.css").read_text(encoding="utf-8")
    for name in ("ink", "soft", "line", "paper", "ground", "mark", "mark-soft"):
        assert re.search(rf"--{name}: (#\w+);", frame)[1] == re.search(rf"--{name}: (#\w+);", own)[1]


def test_the_desk_s_own_process_loads_none_of_what_reads_and_reckons():
    """It stays small while idle, and starts at once; files are read in the process beside it."""
    heavy = "('numpy', 'pandas', 'pyarrow', 'scipy', 'geopandas', 'shapely', 'duckdb', 'pydantic')"
    code = f"import sys, gridmap.desk.server; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
