"""Small pictures as SVG text: points over the boundary, tiles over the territory, counts as colours and bars.

Presentation attributes only, because the pages' policy allows no style of an element's own.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SHADES", "bars", "cells_picture", "frame_paths", "places_picture", "shades_of", "tiles_picture"]

INK, LINE, MARK, GROUND = "#1b2433", "#8894a6", "#14366b", "#eef1f4"
#: Classes of counts, light to dark: `.s0` to `.s5` of the style sheet.
SHADES = 6

Ring = Sequence[Sequence[float]]


class _Frame:
    """From degrees to the picture's units, north up, the same scale both ways."""

    def __init__(self, box: Sequence[float], width: float, height: float, pad: float = 6):
        west, south, east, north = box
        self.squeeze = math.cos(math.radians((south + north) / 2))
        wide, high = max((east - west) * self.squeeze, 1e-9), max(north - south, 1e-9)
        self.scale = min((width - 2 * pad) / wide, (height - 2 * pad) / high)
        self.west, self.north = west, north
        self.left, self.top = (width - wide * self.scale) / 2, (height - high * self.scale) / 2

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        return (
            self.left + (lon - self.west) * self.squeeze * self.scale,
            self.top + (self.north - lat) * self.scale,
        )

    def path(self, rings: Sequence[Ring]) -> str:
        """The `d` of a path through rings of lon/lat."""
        return "".join(
            "M" + "L".join("{:.1f} {:.1f}".format(*self.at(x, y)) for x, y in ring) + "Z" for ring in rings if ring
        )


def _svg(width: float, height: float, label: str, body: str) -> Markup:
    return Markup(
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}" '
        f'xmlns="http://www.w3.org/2000/svg">{body}</svg>'
    )


def places_picture(
    outline: Sequence[Ring], points: Sequence[Sequence[float]], box: Sequence[float], label: str
) -> Markup:
    """Points over the outline of the territory."""
    frame = _Frame(box, 320, 240)
    dots = "".join(
        '<circle cx="{:.1f}" cy="{:.1f}" r="1.3"/>'.format(*frame.at(x, y))
        for x, y in points
        if box[0] - 1 < x < box[2] + 1 and box[1] - 1 < y < box[3] + 1
    )
    body = (
        f'<rect width="320" height="240" fill="{GROUND}"/>'
        f'<path d="{frame.path(outline)}" fill="#fff" stroke="{LINE}" stroke-width="0.7"/>'
        f'<g fill="#b3261e" fill-opacity="0.55">{dots}</g>'
    )
    return _svg(320, 240, label, body)


def tiles_picture(outline: Sequence[Ring], tiles: Sequence[Ring], box: Sequence[float], label: str) -> Markup:
    """Tiles over the territory."""
    frame = _Frame(box, 240, 180)
    body = (
        f'<rect width="240" height="180" fill="{GROUND}"/>'
        f'<path d="{frame.path(outline)}" fill="#fff" stroke="{LINE}" stroke-width="0.7"/>'
        f'<path d="{frame.path(tiles)}" fill="none" stroke="{MARK}" stroke-width="0.5"/>'
    )
    return _svg(240, 180, label, body)


def cells_picture(paths: Sequence[str], shades: str, width: float, height: float, label: str) -> Markup:
    """Cells in the classes of the style sheet, one sign of `shades` a cell: a digit, or a point for none."""
    body = "".join(
        f'<path d="{path}" data-cell="{i}" class="{"none" if s == "." else f"s{s}"}"/>'
        for i, (path, s) in enumerate(zip(paths, shades, strict=True))
    )
    ground = f'<rect width="{width:.0f}" height="{height:.0f}" fill="{GROUND}"/>'
    return _svg(width, height, label, f'{ground}<g stroke="#c9d1db" stroke-width="0.3">{body}</g>')


def shades_of(counts: "np.ndarray", breaks: Sequence[int]) -> str:
    """The class of each count as one sign: a point for none, else how many breaks it reaches.

    Examples
    --------
    >>> import numpy as np
    >>> shades_of(np.array([0, 1, 4, 5, 90]), [5, 20])
    '.0012'
    """
    import numpy as np

    reached = np.minimum(np.searchsorted(np.asarray(breaks), counts, side="right"), SHADES - 1)
    return np.where(counts > 0, reached + ord("0"), ord(".")).astype(np.uint8).tobytes().decode("ascii")


def frame_paths(rings: Sequence[Sequence[Ring]], box: Sequence[float], width: float, height: float) -> list[str]:
    """The paths of many shapes in one picture, so that they are made once."""
    frame = _Frame(box, width, height)
    return [frame.path(one) for one in rings]


def bars(values: Sequence[tuple[str, float]], label: str, *, width: int = 560, height: int = 120) -> Markup:
    """Bars with their labels below, and each with its number for who hovers or reads by ear."""
    most: Any = max((value for _, value in values), default=0) or 1
    step = width / max(len(values), 1)
    every = max(1, math.ceil(len(values) / 14))
    body = []
    for i, (name, value) in enumerate(values):
        tall = (height - 22) * value / most
        body.append(
            f'<rect x="{i * step + step * 0.1:.1f}" y="{height - 18 - tall:.1f}" width="{step * 0.8:.1f}" '
            f'height="{tall:.1f}" fill="{MARK}"><title>{escape(name)}: {value:,.0f}</title></rect>'
        )
        if i % every == 0:
            body.append(
                f'<text x="{(i + 0.5) * step:.1f}" y="{height - 4}" font-size="10" fill="{INK}" '
                f'text-anchor="middle">{escape(name)}</text>'
            )
    return _svg(width, height, label, "".join(body))
