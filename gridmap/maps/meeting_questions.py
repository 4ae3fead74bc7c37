"""The answer strip: where, how sure, what changed, what next; and the same as a story of five steps with a view each.

A meeting reads these four before it reads the map. Every one is a Note made from the rows that the cards show; where
the data cannot answer, the sentence says why instead of guessing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridmap.errors import SettingError
from gridmap.hotspots.change import ratio_interval
from gridmap.hotspots.result import weight_of
from gridmap.hotspots.stability import FIRM
from gridmap.maps.layers import CellsLayer, ClustersLayer, Layer
from gridmap.maps.legend_classes import packed_text
from gridmap.maps.ranking import UNDER_REPORTED, Place
from gridmap.messages import Note
from gridmap.read.persons import mask

__all__ = [
    "STEPS",
    "Answer",
    "answers",
    "change_of",
    "checked_titles",
    "compared_periods",
    "found",
    "span_share",
    "story",
    "total_interval",
]

#: So many places are named on the first screen; the sentences speak of these.
SHOWN = 10

#: Headline and detail.
Answer = tuple[Note, Note]

#: The verdict of a back-test, a sentence of its own → the same in few words.
VERDICTS = {
    "fact.forecast_offered": "page.forecast_beats",
    "fact.forecast_refused": "page.forecast_no_better",
    "fact.forecast_nothing_changes": "page.forecast_no_change",
    "fact.forecast_untested": "page.forecast_too_short",
}


def answers(layer: Layer, places: Sequence[Place], layers: Sequence[Layer]) -> dict[str, Answer]:
    """Headline and detail of each question, for one theme.

    Parameters
    ----------
    layer : Layer
        The theme.
    places : list of Place
        As ranked.
    layers : list of Layer
        All of the page: one of them may hold the change of the same incidents.

    Returns
    -------
    dict
        `where, sure, changed, next`: (headline, detail); empty for other kinds of layers.
    """
    if isinstance(layer, ClustersLayer):
        return _of_clusters(places)
    if not isinstance(layer, CellsLayer) or not len(layer.frame) or (layer.labels is not None and not layer.tested):
        return {}
    first = list(places)[:SHOWN]
    change = change_of(layer, layers)
    verdict = next((note for note in layer.notes if getattr(note, "code", "") in VERDICTS), None)
    if isinstance(verdict, Note) and first:
        of_forecast = {"where": _where_expected(layer, first), "sure": _back_tested(verdict)}
        of_forecast |= {"changed": _changed(change, first, list(places)[SHOWN:])}
        return of_forecast | {"next": _next_expected(layer, first, verdict)}
    return {
        "where": _where(layer, first),
        "sure": _sure(layer, first),
        "changed": _changed(change, first, list(places)[SHOWN:]),
        "next": _next(layer, first),
    }


def _of_clusters(places: Sequence[Place]) -> dict[str, Answer]:
    """Of outlines around incidents that lie close together; those of a scan have been tested, and say so themselves."""
    if not places or "count" not in places[0].values or "p_value" in places[0].values:
        return {}
    detail = Note("page.where_clusters", clusters=len(places), n=round(_sum(places, "count")),
                  first=round(places[0].values["count"]))  # fmt: skip
    return {
        "where": (Note("page.where_first", place=_named(places[0])), detail),
        "sure": (Note("page.sure_no_test"), Note("page.sure_clusters")),
        "changed": _changed(None, (), ()),
        "next": (Note("page.next_test"), Note("page.next_clusters")),
    }


def found(layer: Layer) -> Note | None:
    """What a theme found, in few words, for the list of themes."""
    if not isinstance(layer, CellsLayer) or not layer.tested:
        return None
    side = layer.side()
    up, down = int((side > 0).sum()), int((side < 0).sum())
    if layer.labels is not None and any(getattr(c.label, "code", "") == "page.under_reported" for c in layer.classes):
        return Note("page.found_quiet", n=int(layer.frame[layer.labels].isin(UNDER_REPORTED).sum()))
    if "count_before" in layer.frame:
        return Note("page.found_changes", up=up, down=down)
    rates = any(getattr(c.label, "code", "").startswith("label.high") for c in layer.classes)
    kind = "page.found_high" if rates else "page.found_hot"
    if not down:
        return Note(kind, hot=up)
    return Note("page.found_high_low" if rates else "page.found_hot_cold", hot=up, cold=down)


def _sum(places: Sequence[Place], key: str) -> float:
    return float(sum(p.values.get(key, 0.0) for p in places))


def _back_tested(verdict: Note) -> Answer:
    """The verdict of the back-test: in few words, and as the run has it."""
    difference = verdict.values.get("difference")
    return Note(VERDICTS[verdict.code], **({} if difference is None else {"difference": difference})), verdict


def _where_expected(layer: CellsLayer, first: Sequence[Place]) -> Answer:
    """The first place, and how much of all that is expected the places hold that are listed."""
    if "from" not in layer.params or "expected" not in layer.frame:
        return _where(layer, first)
    numbers = {"here": _sum(first, "expected"), "total": float(layer.frame["expected"].sum()), "n": len(first)}
    about = {"begin": str(layer.params["from"]), "end": str(layer.params["until"])}
    head = Note("page.where_first", place=_named(first[0]))
    return head, Note("page.where_expected", **numbers, **about)


def _next_expected(layer: CellsLayer, first: Sequence[Place], verdict: Note) -> Answer:
    """Only a forecast that beat counting names places to visit, and only by what is expected there."""
    if verdict.code != "fact.forecast_offered":
        return Note("page.next_no_forecast"), Note("page.next_no_forecast_detail")
    if "from" not in layer.params or "expected" not in layer.frame:
        return Note("page.next_ask"), Note("page.next_ask_detail")
    two = first[:2]
    head = Note("page.next_two" if len(two) > 1 else "page.next_one")
    return head, Note("page.next_expected", here=_sum(two, "expected"))


def _where(layer: CellsLayer, first: Sequence[Place]) -> Answer:
    cells = len(layer.frame)
    if not first:
        if layer.labels is None:
            return Note("page.where_none"), Note("page.where_no_test", cells=cells, units=layer.units())
        return Note("page.where_none"), Note("page.where_nothing", cells=cells, units=layer.units(), null=_null(layer))
    if "count_before" in layer.frame and layer.labels is not None:
        side = layer.side()
        up, down = int((side > 0).sum()), int((side < 0).sum())
        return Note("page.where_changes", up=up, down=down), Note(
            "page.where_changes_detail", cells=cells, units=layer.units()
        )
    if "share" in first[0].values:
        share, area, km2 = _sum(first, "share"), _sum(first, "area_share"), _sum(first, "area_km2")
        total = layer.total() or 0.0
        numbers = {"n": round(_sum(first, "count")), "total": round(total), "places": len(first), "km2": km2}
        detail = _summed(layer, "page.where_detail", **numbers, first=_named(first[0]))
        return Note("page.where_share", share=share, area=area), detail
    return Note("page.where_first", place=_named(first[0])), Note(
        "page.where_untested" if layer.labels is None else "page.where_tested", n=len(first)
    )


def _sure(layer: CellsLayer, first: Sequence[Place]) -> Answer:
    if layer.labels is None:
        return Note("page.sure_no_test"), Note("page.sure_no_test_detail")
    if not first:
        return Note("page.sure_none"), Note("page.sure_none_detail")
    level = layer.params.get("fdr")
    alarm = (
        Note("page.sure_alarm", one_in=round(1 / float(level)), unit=layer.units(one=True))
        if level
        else Note("page.sure_uncorrected")
    )
    known = [p.values["stability"] for p in first if "stability" in p.values]
    if not known:
        head = Note("page.sure_level", one_in=round(1 / float(level))) if level else Note("page.sure_unknown")
        return head, _beyond_what(layer, Note("page.sure_not_resampled"))
    firm = sum(s >= FIRM for s in known)
    detail = Note("page.sure_detail", least=FIRM, alarm=alarm)
    return Note("page.sure_firm", firm=firm, places=len(known)), _beyond_what(layer, detail)


def _named(place: Place) -> str | Note:
    """The first place, by its name or its number."""
    return Note("page.place_numbered", rank=1) if place.name is None else place.name


def _null(layer: Layer) -> Note:
    """What a theme's findings are more than; for a method of others, which names none, the test's own null."""
    return Note("page.null_of_test") if layer.null is None else layer.null


def _beyond_what(layer: Layer, more: Note) -> Note:
    """A sentence on how sure, after what the test compares with."""
    return more if layer.null is None else Note("page.sure_null", null=layer.null, more=more)


def change_of(layer: CellsLayer, layers: Sequence[Layer]) -> CellsLayer | None:
    """The layer that compares the same incidents with an earlier period."""
    if "count_before" in layer.frame:
        return layer
    here = layer.frame.get("count")
    for other in layers:
        if here is None or not isinstance(other, CellsLayer) or "count_after" not in other.frame:
            continue
        same = other.frame.index.equals(layer.frame.index)
        if same and np.array_equal(other.frame["count_after"].to_numpy(float), here.to_numpy(float)):
            return other
    return None


def _changed(change: CellsLayer | None, first: Sequence[Place], further: Sequence[Place]) -> Answer:
    """The change of the whole; then which test found what: of the places, as their cards say, and of single cells.

    The places are those of which every sentence speaks; of those further down the list only what moved is named.
    """
    if change is None:
        return Note("page.changed_unknown"), Note("page.changed_unknown_detail")
    before = float(pd.to_numeric(change.frame["count_before"], errors="coerce").sum())
    after = float(pd.to_numeric(change.frame["count_after"], errors="coerce").sum())
    if before <= 0:
        return Note("page.changed_from_nothing", after=round(after)), Note("page.changed_unknown_detail")
    share = span_share(change)
    low, high = total_interval(change, before, after)
    values = {"change": after / before * (1 - share) / share - 1, "low": low - 1, "high": high - 1}
    head = Note("page.changed", **values)
    side = change.side()
    up, down = int((side > 0).sum()), int((side < 0).sum())
    numbers = {"before": round(before), "after": round(after), **_dates(change)}
    tested, rest = ([p.changed_side() for p in of if "change_p" in p.values] for of in (first, further))
    if tested:
        cells = {"cells": len(change.frame), "units": change.units(), "cells_up": up, "cells_down": down}
        rose, fell = sum(s > 0 for s in tested), sum(s < 0 for s in tested)
        moved = {"places": len(tested), "up": rose, "down": fell}
        if any(rest):
            down_the_list = {"further": len(rest), "further_up": rest.count(1), "further_down": rest.count(-1)}
            return head, Note("page.changed_places_further", **numbers, **moved, **down_the_list, **cells)
        detail = Note("page.changed_places", **numbers, **moved, **cells)
    else:
        moved_cells = {"cells": len(change.frame), "units": change.units(), "up": up, "down": down}
        unmoved = Note("page.changed_no_cell", **numbers, unit=change.units(one=True))
        detail = Note("page.changed_detail", **numbers, **moved_cells) if up or down else unmoved
    return head, detail


def total_interval(change: CellsLayer, before: float, after: float) -> tuple[float, float]:
    """The interval of the whole: the comparison's own, which knows how the periods vary; else counting error."""
    own = [change.params.get(f"total_ratio_{end}") for end in ("low", "high")]
    known = [float(bound) for bound in own if isinstance(bound, int | float) and np.isfinite(bound)]
    if len(known) == 2:
        return known[0], known[1]
    low, high = ratio_interval(np.array([after]), np.array([after + before]), span_share(change))
    return float(low[0]), float(high[0])


def compared_periods(change: Layer) -> dict[str, str]:
    """The periods of a comparison, `before` and `after`, as in "2023-06"; empty where it does not name them."""
    found: dict[str, str] = {}
    for end in ("before", "after"):
        periods = change.params.get(end)
        periods = [periods] if isinstance(periods, str) else list(periods or [])
        found[end] = " – ".join(dict.fromkeys(str(p) for p in (periods[:1] + periods[-1:])))
    return found


def _dates(change: Layer) -> dict[str, Any]:
    """`in_before` and `in_after`: the periods of a comparison in brackets; empty where it does not name them."""
    each = compared_periods(change).items()
    return {f"in_{end}": Note("page.dates", dates=dates) if dates else "" for end, dates in each}


def span_share(change: CellsLayer) -> float:
    """The share of the time that the later period takes: one half where both are of one length."""
    share = change.params.get("share_after", 0.5)
    return float(share) if isinstance(share, int | float) and 0 < share < 1 else 0.5


def _next(layer: CellsLayer, first: Sequence[Place]) -> Answer:
    if not first:
        return Note("page.next_nothing"), Note("page.next_nothing_detail", null=_null(layer))
    if layer.labels is None:
        return Note("page.next_test"), Note("page.next_test_detail")
    if "count_before" in layer.frame:
        return Note("page.next_look"), Note("page.next_look_detail", place=_named(first[0]))
    two = first[:2]
    hours: Any = Note("page.next_no_hours")
    if two[0].peak_hours is not None:
        start, end, share = two[0].peak_hours
        hours = Note("page.next_hours", start=start, end=end, share=share)
    elif two[0].hours_alike:
        hours = Note("page.next_hours_alike")
    head = Note("page.next_two" if len(two) > 1 else "page.next_one")
    numbers = {"n": round(_sum(two, "count")), "km2": _sum(two, "area_km2"), "hours": hours}
    return head, _summed(layer, "page.next_detail", **numbers)


def _summed(layer: Layer, code: str, **values: Any) -> Note:
    """A sentence on numbers of incidents; on sums of their weights where the layer is of these."""
    weight = weight_of(layer.params)
    return Note(code, **values) if weight is None else Note(f"{code}_weight", **values, weight=weight)


#: What the five steps answer, in their order.
STEPS = ("where", "first", "sure", "changed", "next")


def checked_titles(titles: Sequence[str | None] | None) -> list[str | None]:
    """Titles for the steps, as many as there are; None keeps the computed one.

    Raises
    ------
    SettingError
        If they are not a list of at most five texts.
    """
    if titles is None:
        return []
    known = isinstance(titles, list | tuple) and all(t is None or isinstance(t, str) for t in titles)
    if not known or len(titles) > len(STEPS):
        raise SettingError(Note("maps.story_titles", most=len(STEPS), found=str(titles)[:60]))
    return [mask(t) if t else None for t in titles]


def story(
    layer: Layer,
    places: Sequence[Place],
    answered: Mapping[str, Answer],
    *,
    ids: Mapping[int, str],
    change: Layer | None,
    titles: Sequence[str | None] = (),
) -> list[dict[str, Any]]:
    """The five steps of a theme, packed; empty for a theme that answers nothing.

    Parameters
    ----------
    layer, places
        The theme, and its places as ranked.
    answered : dict
        Of `answers`.
    ids : mapping from id() of a layer to its key on the page
    change : Layer, optional
        The theme that compares the same incidents with an earlier period; shown at the fourth step where it found
        something.
    titles : list of str, optional
        Of `checked_titles`.

    Returns
    -------
    list of dict
        `answer` (which question), `title`, `text`, `theme` (what is shown), `ranks` (how many of the first places the
        view holds; 0 is the whole area).
    """
    if not answered:
        return []
    own = ids[id(layer)]
    moved = change is not None and isinstance(change, CellsLayer) and bool(change.side().any())
    views = {
        "where": (own, 0),
        "first": (own, 1),
        "sure": (own, 10),
        "changed": (ids[id(change)] if moved else own, 0),
        "next": (own, 2),
    }
    steps = []
    for number, step in enumerate(STEPS):
        theme, ranks = views[step]
        title, text = _first(places, layer) if step == "first" else answered[step]
        written = titles[number] if number < len(titles) else None
        steps.append(
            {
                "answer": step,
                "title": written or packed_text(title),
                "text": packed_text(text),
                "theme": theme,
                "ranks": min(ranks, len(places)),
            }
        )
    return steps


def _first(places: Sequence[Place], layer: Layer) -> Answer:
    """The first place in one sentence: what is known of it, and no more."""
    if not places:
        return Note("page.where_none"), Note("page.tell_no_first")
    values = places[0].values
    name = _named(places[0])
    facts: list[Note] = []
    if "count" in values:
        facts.append(_summed(layer, "page.incidents_n", n=round(values["count"])))
    if "count_before" in values and "count" not in values:
        numbers = {end: round(values[f"count_{end}"]) for end in ("before", "after")}
        facts.append(Note("page.tell_change", **numbers, **_dates(layer)))
    if "area_km2" in values:
        facts.append(Note("page.tell_area", area=values["area_km2"]))
    if "density_ratio" in values:
        facts.append(Note("page.tell_density", times=values["density_ratio"]))
    if "stability" in values:
        facts.append(Note("page.stays_hot", share=values["stability"]))
    about = Note("page.tell_facts", facts=facts) if facts else Note("page.tell_named")
    return Note("page.tell_first", place=name), about
