"""Fetch the desk's third-party script again: `python -m gridmap.desk.vendor`."""

from pathlib import Path

from gridmap.maps.vendor import write_vendored

__all__ = ["PACKAGES", "STATIC"]

STATIC = Path(__file__).parent / "static"

#: As in `gridmap.maps.vendor`.
PACKAGES = {
    "htmx.org": ("2.0.11", "0BSD", "replacing a part of a page", {"dist/htmx.min.js": "htmx.min.js"}),
}

if __name__ == "__main__":
    write_vendored(STATIC, PACKAGES, "gridmap.desk.vendor")
