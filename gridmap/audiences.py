"""Who may see what: three audiences, one table.

A map, a file or a paper is made for somebody. `internal` is the analyst's own desk, `meeting` (the default) a committee
with a projector and a printed briefing, `public` everyone. What each of them may be given stands here once: the gate
(`gridmap.privacy`) keeps to it, every writer goes through the gate, and docs/privacy.md is this table printed.

Places, never people: no audience, not even `internal`, is given a name, an identity number, a telephone number, a
vehicle or a household. That is not a setting.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from gridmap.errors import SettingError
from gridmap.messages import Note, did_you_mean

__all__ = [
    "AUDIENCES",
    "DEFAULT_AUDIENCE",
    "SMALLEST_COUNT",
    "Audience",
    "audience_table",
    "check_audience",
    "marking_against",
]

DEFAULT_AUDIENCE = "meeting"
#: The fewest incidents that a number for the public may speak of.
SMALLEST_COUNT = 5


@dataclass(frozen=True)
class Audience:
    """What one audience may be given.

    Attributes
    ----------
    name : str
    who : str
        In a few words.
    persons : str
        Names, identity numbers, telephone numbers, plates, households, free text about them.
    points : bool
        Incidents one by one: places, members of clusters, pairs, rows set aside with what stood in them.
    clusters : {"hulls", "covers", "none"}
        Hulls as the method drew them (their corners are incidents), the same covered by H3 cells, or none.
    surfaces : {"points", "cells"}
        Densities from the points themselves, or from each incident moved at random within its own cell.
    time_unit : {"exact", "day", "month"}
        The finest time of anything.
    finest_cell_m2 : float
        No cell that holds incidents may be smaller; 0 for no limit.
    fewest_persons : int
        No cell that holds incidents may have fewer residents, where these are known and it has any; 0 for no limit.
    smallest_count : int
        The fewest incidents a number may speak of; 0 for no limit.
    patrols : bool
        Where the police will be, and when.
    """

    name: str
    who: str
    persons: str
    points: bool
    clusters: str
    surfaces: str
    time_unit: str
    finest_cell_m2: float
    fewest_persons: int
    smallest_count: int
    patrols: bool


AUDIENCES: dict[str, Audience] = {
    "internal": Audience(
        name="internal",
        who="the analyst's own desk",
        persons="never",
        points=True,
        clusters="hulls",
        surfaces="points",
        time_unit="exact",
        finest_cell_m2=0.0,
        fewest_persons=0,
        smallest_count=0,
        patrols=True,
    ),
    "meeting": Audience(
        name="meeting",
        who="a committee, with a projector and a printed briefing",
        persons="never",
        points=False,
        clusters="covers",
        surfaces="cells",
        time_unit="day",
        finest_cell_m2=5_000.0,
        fewest_persons=10,
        smallest_count=0,
        patrols=True,
    ),
    "public": Audience(
        name="public",
        who="everyone",
        persons="never",
        points=False,
        clusters="none",
        surfaces="cells",
        time_unit="month",
        finest_cell_m2=5_000.0,
        fewest_persons=10,
        smallest_count=SMALLEST_COUNT,
        patrols=False,
    ),
}

_ROWS: dict[str, tuple[str, Callable[[Any], str | None]]] = {
    "who": ("made for", str),
    "persons": ("names, ID numbers, telephones, plates, households", str),
    "points": ("incidents one by one: points, members, pairs, rows set aside", lambda v: "yes" if v else "no"),
    "clusters": ("outlines of clusters", {
        "hulls": "as the method drew them", "covers": "covered by H3 cells of 15,000 m²", "none": "no",
    }.get),
    "surfaces": ("density surfaces", {
        "points": "from the points", "cells": "each incident moved at random within its own cell first",
    }.get),
    "time_unit": ("finest time", {"exact": "as recorded", "day": "the day", "month": "the month"}.get),
    "finest_cell_m2": ("smallest cell that holds incidents", lambda v: f"{v:,.0f} m²" if v else "any"),
    "fewest_persons": ("fewest residents of such a cell, where known", lambda v: f"{v}" if v else "any"),
    "smallest_count": ("fewest incidents of a number", lambda v: f"{v} (or the k that is given)" if v else "any"),
    "patrols": ("patrol plans", lambda v: "yes" if v else "no"),
}  # fmt: skip


def check_audience(audience: Any) -> Audience:
    """The audience of that name.

    Raises
    ------
    SettingError
        If there is none.

    Examples
    --------
    >>> check_audience("meeting").points
    False
    """
    if not isinstance(audience, str) or audience not in AUDIENCES:
        meant = did_you_mean(str(audience), AUDIENCES)
        raise SettingError(Note("privacy.no_audience", found=audience, meant=meant))
    return AUDIENCES[audience]


#: Markings of what is not for everyone, in offices' words; not where they are denied, or part of another word.
_NOT_FOR_ALL = re.compile(
    r"(?<![非不无])(?<!无需)(?<!不需)(?<!不须)(?:内部|內部|机密|機密|秘密|绝密|絕密|保密)|不得外传|不予公开|不公开"
    r"|(?<!not )(?<!non-)\b(?:confidential|internal|restricted|secret|official[- ]sensitive)\b"
    r"|for official use|not for (publication|release)"
    r"|(?<!no )(?<!não )\b(?:reservad[oa]|confidencial)\b|(?<!nicht )vertraulich|(?<!non )\bconfidentiel"
    r"|\bсекретно|служебного",
    re.IGNORECASE,
)


def marking_against(audience: str, marking: Any) -> Note | None:
    """Why a marking contradicts the audience, as 内部资料 on a map for the public does; None where it does not.

    Examples
    --------
    >>> marking_against("public", "内部资料").code, marking_against("meeting", "内部资料")
    ('privacy.marked_not_public', None)
    >>> marking_against("public", "Unrestricted") or marking_against("public", "非机密")
    """
    if audience != "public" or not isinstance(marking, str) or not _NOT_FOR_ALL.search(marking):
        return None
    return Note("privacy.marked_not_public", marking=marking[:40])


def audience_table() -> str:
    """The table as Markdown, as docs/privacy.md shows it."""
    lines = ["| | " + " | ".join(f"`{name}`" for name in AUDIENCES) + " |", "|---" * (len(AUDIENCES) + 1) + "|"]
    for field in fields(Audience):
        if field.name in _ROWS:
            title, stated = _ROWS[field.name]
            lines.append(
                f"| {title} | " + " | ".join(str(stated(getattr(a, field.name))) for a in AUDIENCES.values()) + " |"
            )
    return "\n".join(lines)
