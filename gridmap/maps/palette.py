"""Colours that a committee can tell apart: red-green-blind people and grey printers included.

Hot and cold run from blue over near-white to red, change from violet over near-white to brown, so that nobody
takes a map of change for a map of hotspots. Amounts run from pale yellow to dark red, which stays in order
when printed in grey. Sources: Esri's Gi* ramp; ColorBrewer (Harrower & Brewer 2003) YlOrRd and PuOr; Okabe & Ito
(2008) for kinds without an order.
"""

import colorsys

__all__ = [
    "CHANGE",
    "CONCENTRATED",
    "EMERGING",
    "HIGH_LOW",
    "HOT_COLD",
    "KINDS",
    "MORAN",
    "NO_DATA",
    "OF_SCALE",
    "QUIET",
    "SCALES",
    "ZERO",
    "amounts",
    "luminance",
    "stepping_back",
]

#: The quiet middle of every scale, and a true zero.
ZERO = "#F7F7F2"
NO_DATA = "#D9DCE0"
#: Land with more than if all land were alike, under what a stronger test finds: a claim, but the weaker one.
CONCENTRATED = "#F1D9A6"

HOT_COLD = {
    "hot 99": "#D62F27",
    "hot 95": "#ED7551",
    "hot 90": "#FAB984",
    "none": ZERO,
    "cold 90": "#C0CCBE",
    "cold 95": "#849EBA",
    "cold 99": "#4575B5",
}
#: Rates above and below what is expected: ordered and diverging like hot and cold, and read the same way.
HIGH_LOW = {label.replace("hot", "high").replace("cold", "low"): colour for label, colour in HOT_COLD.items()}
MORAN = {
    "high-high": "#D62F27",
    "high-low": "#FAB984",
    "none": ZERO,
    "low-high": "#A9C3DD",
    "low-low": "#4575B5",
}
CHANGE = {
    "up 99": "#B35806",
    "up 95": "#F1A340",
    "up 90": "#FEE0B6",
    "none": ZERO,
    "down 90": "#D8DAEB",
    "down 95": "#998EC3",
    "down 99": "#542788",
}
#: Emerging hotspots, from the one to act on first: what is new and growing is dark, what fades is pale.
EMERGING = {
    "new hot": "#7A0177",
    "consecutive hot": "#AE017E",
    "intensifying hot": "#B10026",
    "persistent hot": "#E31A1C",
    "diminishing hot": "#FC8D59",
    "sporadic hot": "#FDBB84",
    "oscillating hot": "#FDD49E",
    "historical hot": "#D9C3A5",
    "none": ZERO,
    "historical cold": "#C9D3DC",
    "oscillating cold": "#C6DBEF",
    "sporadic cold": "#9ECAE1",
    "diminishing cold": "#74B3D8",
    "persistent cold": "#4292C6",
    "intensifying cold": "#2171B5",
    "consecutive cold": "#08519C",
    "new cold": "#08306B",
}
#: Every scale of labels, in the order in which they are tried.
SCALES = (HOT_COLD, HIGH_LOW, MORAN, CHANGE, EMERGING)
#: Cells that report less than is to be expected: hatched, never drawn as safe.
QUIET = {"possibly under-reported": "#8C96A3", "none": ZERO}
#: The palette of each scale of labels that a method can declare (`gridmap.hotspots.registry.SCALES`).
OF_SCALE = {
    "hot_cold": HOT_COLD,
    "rates": HIGH_LOW,
    "moran": MORAN,
    "change": CHANGE,
    "emerging": EMERGING,
    "quiet": QUIET,
}
_AMOUNTS = {
    1: ["#FD8D3C"],
    2: ["#FECC5C", "#F03B20"],
    3: ["#FFEDA0", "#FEB24C", "#F03B20"],
    4: ["#FFEDA0", "#FECC5C", "#FD8D3C", "#E31A1C"],
    5: ["#FFEDA0", "#FECC5C", "#FD8D3C", "#F03B20", "#BD0026"],
    6: ["#FFEDA0", "#FED976", "#FEB24C", "#FD8D3C", "#F03B20", "#BD0026"],
    7: ["#FFEDA0", "#FED976", "#FEB24C", "#FD8D3C", "#FC4E2A", "#E31A1C", "#B10026"],
}
#: How much of a colour's depth is left where it steps back: by side (more, less) and whether it is the strongest class.
DEPTH_KEPT = {(1, True): 0.7, (1, False): 0.6, (-1, True): 0.3, (-1, False): 0.17}
KINDS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#7F7F7F"]


def amounts(k: int) -> list[str]:
    """Colours for `k` classes of an amount, 1 to 7, from pale to dark."""
    return _AMOUNTS[k]


def stepping_back(colour: str, side: int, *, strong: bool = True) -> str:
    """The colour of tested ground behind the places that were cut out of it: paler, so that the places stand out.

    Cold ground may be most of a territory, so it steps back the farthest; dots tell it from the rest. Of the weaker
    classes less is left, so that strong and weak stay apart for red-green-blind people and in grey too.

    Examples
    --------
    >>> stepping_back("#D62F27", 1), stepping_back("#ED7551", 1, strong=False), stepping_back("#4575B5", -1)
    ('#E26D68', '#F4AC97', '#C7D6E9')
    """
    kept = DEPTH_KEPT[side, strong]
    return "#" + "".join(f"{round(255 - kept * (255 - int(colour[i : i + 2], 16))):02X}" for i in (1, 3, 5))


def kind(i: int) -> str:
    """A colour for the i-th of any number of unordered kinds; the first eight are Okabe and Ito's."""
    if i < len(KINDS):
        return KINDS[i]
    r, g, b = colorsys.hls_to_rgb((i * 0.381966) % 1, 0.35 + 0.3 * (i % 2), 0.55)
    return f"#{round(r * 255):02X}{round(g * 255):02X}{round(b * 255):02X}"


def luminance(colour: str) -> float:
    """Relative luminance of `#RRGGBB`, 0 (black) to 1 (white), as WCAG defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
