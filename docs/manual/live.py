"""The gallery's live pages, made of the bundled data: `build.py` calls this."""

import shutil
import sys
import tempfile
from importlib import util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(folder: Path) -> None:
    """Two pages: burglary with its themes, and dates and hours."""
    spec = util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
    gallery = util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    folder.mkdir(parents=True, exist_ok=True)
    gallery.page("en")[1].save(folder / "burglary.html")
    hours(folder / "hours.html")


def hours(path: Path) -> None:
    """What `gridmap demo --hours` draws."""
    from gridmap.runs.demos import county_demo

    with tempfile.TemporaryDirectory() as out:
        county_demo(Path(out), pipeline="hours_en")
        shutil.copyfile(Path(out) / "index.html", path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
