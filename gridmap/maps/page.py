"""build_map(): the page that a meeting sees, as one HTML file.

Python decides, the page prints: layers are classed, ranked and packed here, and what the browser gets is JSON and the
page's own scripts (`web/`). Nothing from data is ever markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from html import escape
from operator import is_
from pathlib import Path
from typing import Any

import folium
import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from branca.element import Element

from gridmap._intervals import ratio_interval
from gridmap._io import write_text
from gridmap._notebook_line import ShortForm
from gridmap.audiences import DEFAULT_AUDIENCE, check_audience, marking_against
from gridmap.errors import InputError, SettingError
from gridmap.grids.hierarchy import zone_levels
from gridmap.grids.zones import land_of
from gridmap.hotspots.registry import side_of
from gridmap.hotspots.stability import FIRM
from gridmap.maps import basemaps, palette
from gridmap.maps.basemaps import Basemap, shifted
from gridmap.maps.layers import BoundariesLayer, CellsLayer, ClustersLayer, Layer, RoutesLayer
from gridmap.maps.layers.boundaries import districts
from gridmap.maps.legend_classes import packed_text
from gridmap.maps.meeting_questions import (
    answers,
    change_of,
    checked_titles,
    compared_periods,
    found,
    span_share,
    total_interval,
)
from gridmap.maps.meeting_questions import story as told_in_steps
from gridmap.maps.offline import BUILT, OfflineFigure, asset, script_json
from gridmap.maps.packing import around, h3_outlines, lonlat_bounds, pack, pack_column, pack_h3, pack_outlines
from gridmap.maps.ranking import Place, place_names, zone_names
from gridmap.maps.released_layers import ReleasedLayers, release_layers
from gridmap.messages import LANGUAGES, Note, all_texts, check_language, language_name, note_from, say, wrong_kind
from gridmap.privacy import gate_text
from gridmap.read.persons import mask

__all__ = ["MapPage", "build_map", "page_data"]

#: Sections of the catalogue that the page speaks from.
SECTIONS = ("page.", "label.", "method.", "audience.", "compass.", "language.", "messages.list_separator")
#: Above this many rows the page carries each row's class and first column only.
MOST_DETAILED = 30_000
DIGITS = {"z_score": 2, "p_value": 4, "q_value": 4, "ratio": 2, "stability": 2}


def build_map(
    layers: Layer | Iterable[Layer],
    *,
    title: str | None = None,
    language: str = "en",
    period: str | None = None,
    source: str | None = None,
    incidents: int | None = None,
    set_aside: int | None = None,
    notes: Sequence[str | Mapping[str, str]] = (),
    classification: str | None = None,
    approval: str | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    hierarchy: pd.DataFrame | None = None,
    handled: pd.DataFrame | None = None,
    basemap: Basemap | str | Path | None = None,
    story: Sequence[str | None] | None = None,
    audience: str = DEFAULT_AUDIENCE,
) -> "MapPage":
    """One page with these layers, that opens with no network at all.

    Parameters
    ----------
    layers : Layer, list of Layer, or layers released for this audience before
        Of `hotspot_layer`, `cells_layer`, `clusters_layer`, `density_layer`, `boundaries_layer`. One theme is shown at
        a time, in the order given; overlays lie over it.
    title, period, source : str, optional
        What, when and from where, as the header says it.
    language : str
        One of the catalogue's, such as "en" or "zh". The page opens in it; the reader can switch to any other.
    incidents, set_aside : int, optional
        How many incidents were used, and how many could not be.
    notes : list of str, Note, or mapping from language to str
        What the reader must know; stands in About and in print.
    classification, approval : str, optional
        Such as 内部资料, and the map approval number (审图号).
    boundaries : GeoDataFrame, optional
        As `read_boundaries` gives it: its outlines are drawn, its names name the hotspots, its hierarchy is the
        page's drill-down.
    hierarchy : DataFrame, optional
        Of `grid_hierarchy` (or `roll_up`, whose persons or households then give the rates): the drill-down goes on to
        the management grids, where a layer shows them.
    handled : DataFrame, optional
        By cell or zone, `handled_due, handled_on_time, handled_open, handled_overdue`: the drill-down then shows at
        every level how many are open, overdue, and the share on time of those that are due.
    basemap : Basemap or str, optional
        Of `gm.basemap`, or its first argument: a folder of tiles beside the file, an MBTiles file, an intranet's
        address. None by default: own boundaries and roads need no network.
    story : list of str, optional
        Titles for the five steps of "Tell it" (key P) of the first theme: where, the first place, how sure, what
        changed, what next. None, or a None among them, keeps the computed title; the sentences are always computed.
    audience : {"internal", "meeting", "public"}
        For whom the page is made, which it says: a meeting sees cells and outlines made of cells, the public no number
        under k (see docs/privacy.md).

    Returns
    -------
    MapPage
        `.save(path)`; shows itself in Jupyter.

    Raises
    ------
    InputError
        If there is no layer, or something else; or if this audience may not have a layer.
    SettingError
        For an unknown language, a negative count, or a story other than a list of titles.

    Examples
    --------
    >>> import pandas as pd, gridmap as gm
    >>> counts = pd.DataFrame({"count": [0, 2, 7]}, index=["8819424409fffff", "881942440bfffff", "881942440dfffff"])
    >>> build_map([gm.cells_layer(counts, "count")], title="Burglary", language="zh")
    <MapPage 'Burglary': 1 layer, zh>
    """
    layers = [layers] if isinstance(layers, Layer) else _listed(layers)
    check_language(language)
    check_audience(audience)
    if (against := marking_against(audience, classification)) is not None:
        raise SettingError(against)
    for name, number in (("incidents", incidents), ("set_aside", set_aside)):
        if number is not None and (not hasattr(number, "__index__") or number < 0):
            raise SettingError(Note("maps.number_of_incidents", name=name, found=str(number)))
    if hierarchy is not None and not (isinstance(hierarchy, pd.DataFrame) and {"name", "parent_id"} <= set(hierarchy)):
        raise InputError(Note("maps.hierarchy_is_a_table"))
    notes = [notes] if isinstance(notes, str) else list(notes)
    texts = {"title": title, "period": period, "source": source, "classification": classification}
    head: dict[str, Any] = {name: _masked(text) for name, text in texts.items()}
    head |= {
        "approval": _without_label(_masked(approval), "page.approval"),
        "incidents": None if incidents is None else int(incidents),
        "set_aside": None if set_aside is None else int(set_aside),
        "notes": [_said(note, audience) for note in notes],
        "audience": audience,
    }
    base = basemap if basemap is None or isinstance(basemap, Basemap) else basemaps.basemap(basemap)
    shown = release_layers(layers, audience, boundaries=boundaries)
    titles = checked_titles(story)
    data = page_data(
        shown, head=head, language=language, hierarchy=hierarchy, handled=handled, base=base, titles=titles
    )
    return MapPage(data, layers=len(layers), hosts=() if base is None else base.hosts)


def _masked(text: str | None) -> str | dict | None:
    return None if text is None else packed_text(text) if isinstance(text, Note) else mask(str(text))


def _without_label(text: Any, code: str) -> Any:
    """A text without the label that the page writes before it, should it bring its own."""
    if not isinstance(text, str):
        return text
    for language in LANGUAGES:
        label = say(code, language)
        if text.startswith(label):
            return text[len(label) :].lstrip(" :：")
    return text


def _said(note: Any, audience: str) -> str | dict[str, str]:
    """A note as the page carries it: in every language, or as it is."""
    if isinstance(note, Note):
        note = gate_text(note, audience=audience)
        return {language: note.say(language) for language in LANGUAGES}
    if isinstance(note, Mapping):
        return {str(language): gate_text(str(text), audience=audience) for language, text in note.items()}
    return gate_text(str(note), audience=audience)


def _listed(layers: Any) -> Sequence[Layer]:
    if isinstance(layers, ReleasedLayers):
        return layers
    try:
        layers = list(layers)
    except TypeError:
        raise InputError(Note("maps.a_list_of_layers", found=type(layers).__name__)) from None
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(Note("maps.takes_layers", found=type(layer).__name__))
    if not layers:
        raise InputError(Note("maps.at_least_one_layer"))
    return layers


def page_data(
    layers: Sequence[Layer],
    *,
    head: dict[str, Any],
    language: str,
    boundaries: gpd.GeoDataFrame | None = None,
    hierarchy: pd.DataFrame | None = None,
    handled: pd.DataFrame | None = None,
    base: Basemap | None = None,
    audience: str = DEFAULT_AUDIENCE,
    titles: Sequence[str | None] = (),
) -> dict[str, Any]:
    """Everything the page's scripts read, keyed as they read it.

    Parameters
    ----------
    layers : ReleasedLayers, or list of Layer that is released first
    head : dict
        What the header says.
    language, boundaries, hierarchy, handled, base, audience
        As in `build_map`.
    titles : list of str, optional
        Of the story's steps.
    """
    released = layers if isinstance(layers, ReleasedLayers) else release_layers(layers, audience, boundaries=boundaries)
    drawn = list(released)
    if base is not None and base.datum != "wgs84":
        drawn = [shifted(layer, base.datum) for layer in drawn]
    zones = next((layer.frame for layer in drawn if isinstance(layer, BoundariesLayer)), None)
    names = zone_names(zones).names
    outlines: list[tuple[np.ndarray, dict[str, Any]]] = []
    packed = [
        _pack_layer(layer, places, names, f"l{i}", released.audience, outlines)
        for i, (layer, places) in enumerate(zip(drawn, released.ranked, strict=True))
    ]
    ids = {id(layer): f"l{i}" for i, layer in enumerate(drawn)}
    themes = [layer for layer in drawn if layer.role == "theme"]
    opens = next((layer for layer in themes if layer.show), themes[0] if themes else None)
    for data, layer, places in zip(packed, drawn, released.ranked, strict=True):
        if isinstance(layer, ClustersLayer) and not themes:
            data["answers"] = {k: [packed_text(v) for v in both] for k, both in answers(layer, places, drawn).items()}
        if layer.role == "theme":
            answered = answers(layer, places, drawn)
            data["answers"] = {k: [packed_text(line) for line in both] for k, both in answered.items()}
            change = change_of(layer, drawn) if isinstance(layer, CellsLayer) else None
            data["compared"] = None if change is None else compared_periods(change)
            if change is not None and change is layer:  # its header names both periods, and has a number of each
                data["total_before"] = float(pd.to_numeric(layer.frame["count_before"], errors="coerce").sum())
            own = titles if layer is opens else ()
            data["story"] = told_in_steps(layer, places, answered, ids=ids, change=change, titles=own)
            data["found"] = None if (short := found(layer)) is None else packed_text(short)
    levels = districts(zones)
    first = next((places for layer, places in zip(drawn, released.ranked, strict=True) if layer is opens), [])
    still = _still_picture(opens, first, zones, () if not levels else levels[0]["outlines"])
    boxes = [box for layer in drawn if (box := lonlat_bounds(layer.frame))]
    if not boxes:
        raise InputError(Note("maps.nothing_to_draw"))
    return {
        "language": language,
        "languages": [
            {"tag": tag, "name": language_name(tag), "locale": say("language.locale", tag).replace("_", "-")}
            for tag in LANGUAGES
        ],
        "words": {tag: _words(tag, _codes_in([head, packed])) for tag in LANGUAGES},
        "head": head,
        "bounds": around(boxes),
        "firm": FIRM,
        "h3": any(layer["draw"]["type"] == "h3" for layer in packed),
        "layers": packed,
        "areas": area_tree(zones, drawn, hierarchy, handled),
        "districts": [{k: v for k, v in level.items() if k != "outlines"} for level in levels],
        "opens": _opening_tab(drawn, opens),
        "still": still,
        "basemap": None if base is None else base.for_page(np.array(boxes)),
    }


def _opening_tab(drawn: Sequence[Layer], opens: Layer | None) -> str:
    """The tab that the page opens with: where no theme is meant to be shown, the patrols that lie over it."""
    if opens is not None and opens.show:
        return "areas" if "handled_share" in opens.frame else "hotspots"
    return "patrols" if any(isinstance(layer, RoutesLayer) for layer in drawn) else "hotspots"


def _words(language: str, used: set[str]) -> dict[str, str]:
    """Code → text of all that the page itself may say, and of the Notes that it carries."""
    return {code: text for code, text in all_texts(language).items() if code in used or code.startswith(SECTIONS)}


def _codes_in(value: Any) -> set[str]:
    """The codes of all Notes in packed values, those inside other Notes included."""
    if isinstance(value, Mapping):
        own = {value["code"]} if isinstance(value.get("code"), str) else set()
        return own.union(*(_codes_in(v) for v in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(_codes_in(v) for v in value))
    return set()


def _pack_layer(
    layer: Layer,
    places: Sequence[Place],
    names: dict[str, str],
    key: str,
    audience: str,
    outlines: list[tuple[np.ndarray, dict[str, Any]]],
) -> dict[str, Any]:
    """One layer, packed; `order` has been applied to every row it speaks of; `outlines` as for `_pack_shapes`."""
    draw, order = _pack_shapes(layer, outlines)
    frame = layer.frame
    place_of = np.empty(len(order), np.int64)
    place_of[order] = np.arange(len(order))
    rows = frame.iloc[order]
    columns = layer.columns if len(frame) <= MOST_DETAILED else layer.columns[:1]
    data = {
        "id": key,
        "kind": layer.kind,
        "name": packed_text(layer.name),
        "role": layer.role,
        "show": bool(layer.show),
        "drawing": layer.drawing,
        "draw": draw,
        "classes": [c.packed() for c in layer.classes],
        "codes": pack(layer.codes[order].tobytes()),
        "unit": packed_text(layer.unit),
        "method": layer.method,
        "params": {str(k): _plain(v) for k, v in layer.params.items()},
        "notes": [_said(n, audience) for n in layer.notes],
        "null": None if layer.null is None else packed_text(layer.null),
        "period": layer.period,
        "total": layer.total(),
        "columns": [
            {"key": c, **pack_column(rows[c], digits=DIGITS.get(c))}
            for c in columns
            if c not in ("label", "name", "zone_id")
        ],
        "ranked": [p.packed() | {"rows": place_of[p.rows].tolist()} for p in places],
        **layer.pack(order),
    }
    called = place_names(frame, names)
    if called.notna().any():
        data["places"] = pack_column(called.iloc[order])
    if isinstance(layer, CellsLayer) and len(frame) <= MOST_DETAILED and draw["type"] != "h3":
        data["ids"] = [str(i)[:60] for i in rows.index]
    return data


def _pack_shapes(layer: Layer, outlines: list[tuple[np.ndarray, dict[str, Any]]]) -> tuple[dict[str, Any], np.ndarray]:
    """The shapes as H3 ids where they can be, else as outlines; and the order in which the rows travel.

    `outlines` are those packed so far, with their shapes: cells are often the zones themselves, simplified once.
    """
    frame = layer.frame
    if (found := _as_h3(layer)) is not None:
        return found
    if not layer.has_geometry:
        raise InputError(Note("maps.mixed_resolutions"))
    shapes = frame.geometry.to_numpy()
    if layer.zooms:
        return pack_outlines(shapes, simplify=False, zooms=layer.zooms), np.arange(len(frame))
    for others, draw in outlines:
        if len(others) == len(shapes) and all(map(is_, others, shapes)):
            return dict(draw), np.arange(len(frame))
    draw = pack_outlines(shapes)
    outlines.append((shapes, draw))
    return dict(draw), np.arange(len(frame))


def _as_h3(layer: Layer) -> tuple[dict[str, Any], np.ndarray] | None:
    as_ids = layer.drawing != "lines" and not layer.shifted and _is_h3(layer.frame)
    return pack_h3(layer.frame.index) if as_ids or not layer.has_geometry else None


def _is_h3(frame: pd.DataFrame) -> bool:
    return len(frame) > 0 and all(isinstance(c, str) and h3.is_valid_cell(c) for c in frame.index)


def _plain(value: Any) -> Any:
    """A setting as JSON can say it."""
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | float | np.number):
        number = float(value)
        return (int(number) if number.is_integer() else round(number, 6)) if np.isfinite(number) else str(number)
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value[:20]]
    return str(value)[:200]


@cache
def _own(name: str) -> str:
    """The page's own script or style, as `gridmap/maps/web` built it."""
    return (BUILT / name).read_text(encoding="utf-8").replace("</script", "<\\/script")


# ---------------------------------------------------------------------------------------------------------------------
# where no script runs or no canvas can be painted

#: The still picture of a page without script: its size, and its colours.
WIDTH, MOST_HEIGHT = 760, 900
#: More outlines than this are not drawn: the file of the page must stay small.
MOST_SHAPES = 4000
#: So many places are numbered, as on the page.
NUMBERED = 10
LAND, LINE, INK, CORE = "#FCFBF7", "#4B5668", "#1B2433", "#B10D1E"


def _still_picture(
    layer: Layer | None, places: Sequence[Place], zones: pd.DataFrame | None, districts: Sequence[shapely.Geometry] = ()
) -> str:
    """An SVG of a theme; empty where there is nothing to draw.

    Parameters
    ----------
    layer : Layer or None
        The theme that the page opens with.
    places : list of Place
        As ranked.
    zones : GeoDataFrame or None
        The boundaries, drawn as one land where there are no districts.
    districts : list of shapely geometries
        Drawn as outlines.
    """
    if not isinstance(layer, CellsLayer) or not len(layer.frame):
        return ""
    box = around([lonlat_bounds(frame) for frame in (layer.frame, zones) if frame is not None and len(frame)])
    plane = _StillPlane(box)
    shapes = layer.frame.geometry.to_numpy() if layer.has_geometry else h3_outlines(layer.frame.index)
    land = list(districts) or ([] if zones is None else [land_of(zones.geometry.to_numpy())])
    parts = [plane.path(land, f'fill="{LAND}" stroke="{LINE}" stroke-width="1"')] if land else []
    ground = layer.ground()
    parts.append(plane.path(shapes[ground], f'fill="{palette.CONCENTRATED}" stroke="{palette.CONCENTRATED}"'))
    claims = layer.side() != 0 if layer.tested else layer.codes >= 2  # amounts: the first two are none and zero
    if claims.sum() <= MOST_SHAPES:
        for code in np.unique(layer.codes[claims]):
            entry = layer.classes[int(code)]
            below = side_of(getattr(entry.label, "code", "").removeprefix("label.").replace("_", " ")) < 0
            opacity = 0.35 if below else 1
            style = f'fill="{entry.colour}" fill-opacity="{opacity}" stroke="{entry.colour}" stroke-width="0.4"'
            parts.append(plane.path(shapes[(layer.codes == code) & claims], style))
    parts += _numbers(plane, shapes, places[:NUMBERED], core=layer.tested)
    size = f'viewBox="0 0 {WIDTH} {plane.height:.0f}" width="{WIDTH}" height="{plane.height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(parts)}</svg>'


def _numbers(plane: "_StillPlane", shapes: np.ndarray, places: Sequence[Place], *, core: bool) -> list[str]:
    marks = []
    for rank, place in reversed(list(enumerate(places, start=1))):  # the first lies on top
        whole = shapely.union_all(shapes[place.rows])
        x, y = plane.at(np.array(whole.centroid.coords))[0]
        if core:
            marks.append(plane.path([whole], f'fill="{CORE}"'))
        marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="{INK}" stroke="#fff" stroke-width="2"/>'
            f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle" font-family="sans-serif" font-weight="700" '
            f'font-size="14" fill="#fff">{escape(str(rank))}</text>'
        )
    return marks


class _StillPlane:
    """Longitude and latitude on the picture, true to scale in the middle of it."""

    def __init__(self, box: Sequence[float]):
        self.west, south, east, self.north = box
        self.narrow = float(np.cos(np.radians((south + self.north) / 2)))
        across, down = max((east - self.west) * self.narrow, 1e-9), max(self.north - south, 1e-9)
        self.scale = min((WIDTH - 16) / across, MOST_HEIGHT / down)
        self.height = down * self.scale + 16

    def at(self, lonlat: np.ndarray) -> np.ndarray:
        """Pixels from the upper left corner."""
        lon = np.where(lonlat[:, 0] < self.west - 1e-6, lonlat[:, 0] + 360, lonlat[:, 0])  # across the antimeridian
        x = 8 + (lon - self.west) * self.narrow * self.scale
        return np.column_stack([x, 8 + (self.north - lonlat[:, 1]) * self.scale])

    def path(self, shapes, style: str) -> str:
        """Areas as one path; what no eye sees at this size is left out."""
        shapes = np.asarray(list(shapes), dtype=object)
        if not len(shapes):
            return ""
        rings = shapely.get_rings(shapely.get_parts(shapely.simplify(shapes, 0.5 / self.scale)))
        drawn = []
        for ring in rings:
            points = np.round(self.at(shapely.get_coordinates(ring)), 1)
            drawn.append("M" + "L".join(f"{x:g} {y:g}" for x, y in points[:-1]) + "Z")
        return f'<path fill-rule="evenodd" {style} d="{"".join(drawn)}"/>' if drawn else ""


def _without_script(data: dict[str, Any]) -> str:
    """What a reader sees whose browser runs no script: title, why there is no map, and the first places in words."""
    language = data["language"]

    def text_of(value: Any) -> str:
        note = note_from(value)
        return escape(note.say(language) if isinstance(note, Note) else str(note or ""))

    parts = [f"<h1>{text_of(data['head']['title']) or escape(say('page.untitled', language))}</h1>"]
    parts.append(f"<p>{escape(say('page.no_script', language))}</p>")
    parts.append(data.get("still", ""))
    for layer in data["layers"]:
        answered = [
            f"<li>{text_of(head)}. {text_of(detail)}</li>" for head, detail in layer.get("answers", {}).values()
        ]
        rows = [
            f"<tr><td>{rank}</td><td>{text_of(row['name'])}</td><td>{_amount(row['values'])}</td></tr>"
            for rank, row in enumerate(layer["ranked"][:10], start=1)
        ]
        if answered or rows:
            parts.append(f"<h2>{text_of(layer['name'])}</h2><ul>{''.join(answered)}</ul><table>{''.join(rows)}</table>")
    return f"<noscript>{''.join(parts)}</noscript>"


def _amount(values: dict[str, float]) -> str:
    return f"{values['count']:,.10g}" if "count" in values else ""


class Verbatim(Element):
    """Text that stands in the page as it is: no template language looks at it."""

    def __init__(self, text: str):
        super().__init__()
        self._name, self._text = "Verbatim", text

    def render(self, **kwargs) -> str:
        """The text."""
        return self._text


class MapPage(folium.Map, ShortForm):
    """A folium Map that renders as one offline file; further folium elements can be added to it.

    Only elements that link nothing work: a marker, a circle, a GeoJson. One that links a script from elsewhere is
    refused by name when the page is rendered.
    """

    default_js = [("leaflet", "leaflet.js")]  # noqa: RUF012 - folium's own way
    default_css = [("leaflet_css", "leaflet.css")]  # noqa: RUF012

    def __init__(self, data: dict, *, layers: int, hosts: tuple[str, ...] = ()):
        if not isinstance(data, dict) or "bounds" not in data:
            raise InputError(wrong_kind("data", "page", data))
        west, south, east, north = data["bounds"]
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            zoom_start=11,
            tiles=None,
            attributionControl=False,
            zoom_control=False,
            zoom_snap=0,
            max_zoom=19,
            min_zoom=2,
        )
        self._data, self._count = data, layers
        title = note_from(data["head"]["title"])
        figure = OfflineFigure(ratio="66%", title=None if title is None else say(title, data["language"]))
        figure.hosts, figure.language = hosts, data["language"]
        figure.add_child(self)
        for name in ("fflate.js", "h3-js.js") if data["h3"] else ("fflate.js",):
            figure.header.add_child(Verbatim(f"<script>{asset(name)}</script>"), name=name)
        figure.header.add_child(Verbatim(f"<style>{_own('page.css')}</style>"), name="gridmap_css")
        content = script_json({key: value for key, value in data.items() if key != "still"})
        self._id = blake2b(content.encode(), digest_size=16).hexdigest()  # the same page is the same file
        figure.html.add_child(
            Verbatim(f'<script type="application/json" id="gridmap-data">{content}</script>'), name="gridmap_data"
        )
        figure.html.add_child(Verbatim(_without_script(data)), name="gridmap_noscript")
        figure.script.add_child(Verbatim(_own("page.js")), name="gridmap_js")

    def render(self, **kwargs):
        """See folium; the page's own start comes last."""
        super().render(**kwargs)
        root = self.get_root()
        root.script.add_child(Verbatim(f"gridmap.start({self.get_name()});"), name="gridmap_start")

    def save(self, path, **_ignored) -> Path:  # type: ignore[override]  # folium's is `outfile`
        """Write the page to one file, whole or not at all.

        Parameters
        ----------
        path : str or Path
            Its folder is made when it is not there.

        Returns
        -------
        Path

        Raises
        ------
        OutputError
            If it cannot be written there.
        """
        return write_text(path, self.get_root().render(), make_parents=True)

    def _repr_html_(self, **kwargs) -> str:
        """One iframe that holds the whole page: for Jupyter, VS Code and Colab.

        Where a notebook shows no frames, as JupyterLab shows none that another machine made, one line stands instead.
        """
        page = escape(self.get_root().render(**kwargs), quote=True)
        style = "width:100%;height:640px;border:0"
        instead = escape(say("maps.in_a_notebook", self._data["language"]))
        return f'<div><iframe srcdoc="{page}" style="{style}" allowfullscreen>{instead}</iframe></div>'

    def short_form(self) -> str:
        """What it is and how much, in one line."""
        s = "" if self._count == 1 else "s"
        return f"MapPage {self._data['head']['title'] or ''!r}: {self._count} layer{s}, {self._data['language']}"


MOST = 20_000  # units at the lowest level
PEOPLE = ("persons", "population", "人口", "households", "户数")


def area_tree(
    zones: pd.DataFrame | None,
    layers: Sequence[Layer],
    hierarchy: pd.DataFrame | None = None,
    handled: pd.DataFrame | None = None,
) -> dict | None:
    """Nodes from the top level down, and the counts of every theme by leaf; None without zones.

    `names` and `parents` of all nodes, the leaves last, from `zones` on; `layers`: counts by leaf; `top`: what the
    whole is called; `people` by leaf, and `per`, who they are. With grids: `leaf`, the layer whose rows the leaves
    are, and `zone`, each leaf's row in the layer of zones. With `handled`: what became of the events, by leaf.
    """
    if hierarchy is not None and (tree := _tree_of_units(hierarchy, zones, layers)) is not None:
        return _with_handled(tree, handled, [str(i) for i in layers[int(tree["leaf"][1:])].frame.index])
    if zones is None or "zone_id" not in zones or len(zones) > MOST:
        return None
    levels = zone_levels(zones)[::-1]
    top = None
    if levels and levels[0]["code"].max() == 0:  # one county: the whole is called by its name
        top = str(levels.pop(0)["name"].iloc[0])[:200]
    names: list[str] = []
    parents: list[int] = []
    node_of = np.full(len(zones), -1)
    for level in levels:
        first = level.assign(parent=node_of).groupby("code", sort=True).first()
        base = len(names)
        names += [str(n)[:200] for n in first["name"]]
        parents += [int(p) for p in first["parent"]]
        node_of = base + level["code"].to_numpy()
    base = len(names)
    shown = zones["name"] if "name" in zones else zones["zone_id"]
    names += [str(z if n is None or n != n else n)[:200] for n, z in zip(shown, zones["zone_id"], strict=True)]
    parents += [int(p) for p in node_of]
    ids = pd.Index(zones["zone_id"].astype(str))
    tree = _with_numbers({"names": names, "parents": parents, "zones": base, "top": top}, ids, layers, zones)
    if tree is None or handled is None:
        return tree
    by_zone = _by_zone(handled, layers)
    return _with_handled(tree, by_zone, list(ids))


def _by_zone(handled: pd.DataFrame, layers: Sequence[Layer]) -> pd.DataFrame:
    """Added up from cells to the zones that they belong to; as it is where its index holds zones already."""
    theme = next((layer.frame for layer in layers if layer.role == "theme" and "zone_id" in layer.frame), None)
    if theme is None or not handled.index.isin(theme.index).all():
        return handled
    zone = theme["zone_id"].astype("string").reindex(handled.index)
    return handled.groupby(zone.to_numpy()).sum()


def _with_handled(tree: dict | None, handled: pd.DataFrame | None, leaves: Sequence[str]) -> dict | None:
    """The tree with open, overdue, due and on-time events by leaf; it adds them up itself."""
    if tree is None or handled is None:
        return tree
    own = handled.set_axis(handled.index.astype(str)).reindex(list(leaves), fill_value=0)
    if own.to_numpy().sum() > 0:
        tree["handled"] = {str(c).removeprefix("handled_"): own[c].astype(int).tolist() for c in own}
    return tree


def _tree_of_units(table: pd.DataFrame, zones: pd.DataFrame | None, layers: Sequence[Layer]) -> dict | None:
    """The tree of a table of units; None where no layer shows its lowest level."""
    parent = table["parent_id"].where(table["parent_id"].notna(), None)
    leaf = ~table.index.isin(parent.dropna())
    drawn = next(
        (
            i
            for i, layer in enumerate(layers)
            if layer.role == "theme" and layer.has_geometry and set(layer.frame.index) == set(table.index[leaf])
        ),
        None,
    )
    if drawn is None or leaf.sum() > MOST or (table.loc[leaf, "level"] == "cell").any():
        return None
    ids = pd.Index(layers[drawn].frame.index)
    depth, at = pd.Series(0, index=table.index), parent
    while at.notna().any() and depth.max() < 64:
        depth += at.notna().astype(int)
        at = at.map(parent).where(at.notna(), None)
    inner = table.index[~leaf][np.argsort(depth[~leaf].to_numpy(), kind="stable")]
    top = None
    if len(inner) and (depth[inner] == 0).sum() == 1 and not leaf[depth.to_numpy() == 0].any():
        top, inner = str(table.loc[inner[0], "name"])[:200], inner[1:]
    order = inner.append(ids)
    place = pd.Series(np.arange(len(order)), index=order)
    names = [str(u if n is None or n != n else n)[:200] for u, n in table.loc[order, "name"].items()]
    parents = [int(place.get(p, -1)) if p is not None else -1 for p in parent.loc[order]]
    tree = {"names": names, "parents": parents, "zones": len(inner), "top": top, "leaf": f"l{drawn}"}
    if zones is not None and "zone_id" in zones:
        rows = pd.Index(zones["zone_id"].astype(str))
        if rows.is_unique:
            tree["zone"] = rows.get_indexer(parent.loc[ids].astype(str)).tolist()
    return _with_numbers(tree, ids, layers, table.loc[ids])


def _with_numbers(tree: dict, ids: pd.Index, layers: Sequence[Layer], people: pd.DataFrame) -> dict | None:
    """The tree with what every layer counts by leaf; None where none counts anything."""
    column = next((c for c in PEOPLE if c in people and pd.api.types.is_numeric_dtype(people[c])), None)
    if column is not None:
        tree["people"] = [None if v != v else float(v) for v in people[column].astype(float)]
        tree["per"] = "per_1000_households" if column in ("households", "户数") else "per_1000"
    own = "leaf" in tree
    known = [o.frame["zone_id"] for o in layers if o.role == "theme" and "zone_id" in o.frame and not own]
    sums = {f"l{i}": _sums(layer, ids, own, known) for i, layer in enumerate(layers)}
    tree["layers"] = {key: value for key, value in sums.items() if value is not None}
    for layer, key in zip(layers, sums, strict=True):
        if isinstance(layer, CellsLayer) and "count_before" in tree["layers"].get(key, {}):
            tree["layers"][key] |= _with_intervals(tree, tree["layers"][key], layer)
    return tree if tree["layers"] else None


def _with_intervals(tree: dict, sums: dict, layer: CellsLayer) -> dict:
    """Of the change of each node: the exact 95 % interval of its ratio; and that of the whole, as the strip says it.

    An end is None where nothing was there before, or in either period.
    """
    parents, first = tree["parents"], tree["zones"]
    nodes = np.zeros((2, len(parents)))
    nodes[:, first:] = [sums["count_before"], sums["count_after"]]
    for i in range(len(parents) - 1, -1, -1):  # the leaves are last: every node adds itself to the one above
        if parents[i] >= 0:
            nodes[:, parents[i]] += nodes[:, i]
    before, after = nodes
    ends = ratio_interval(after, before + after, span_share(layer))
    named = zip(("change_low", "change_high"), ends, strict=True)
    out: dict[str, Any] = {end: [_hundredth(v) for v in values.tolist()] for end, values in named}
    low, high = total_interval(layer, sum(sums["count_before"]), sum(sums["count_after"]))
    return out | {"whole": [_hundredth(low), _hundredth(high)]}


def _hundredth(ratio: float) -> float | None:
    return round(ratio - 1, 4) if np.isfinite(ratio) else None


def _sums(layer: Layer, ids: pd.Index, own: bool, known: Sequence[pd.Series] = ()) -> dict | None:
    """Counts and hot cells by leaf: the layer's rows are the leaves (`own`), or lie in them by their `zone_id`.

    A layer that does not know the zones of its cells has them from one of the same cells that does.
    """
    frame = layer.frame
    if layer.role != "theme" or ids.has_duplicates:
        return None
    zone = next((z for z in known if z.index.equals(frame.index)), None)
    zone = frame["zone_id"] if "zone_id" in frame and not own else zone
    unit = frame.index.astype(str) if zone is None else zone.astype(str).to_numpy()
    at = ids.get_indexer(pd.Index(unit))
    if (at < 0).all():
        return None
    out = {}
    for column in ("count", "count_before", "count_after"):
        if column in frame:
            values = np.nan_to_num(frame[column].to_numpy(float)[at >= 0])
            out[column] = np.bincount(at[at >= 0], values, minlength=len(ids)).round(2).tolist()
    if isinstance(layer, CellsLayer) and layer.frames is not None and "count" in out:
        packed = _as_h3(layer)  # the page adds up the period that it shows, in the order in which the rows travel
        out["leaf_of"] = pack_column(pd.Series(at if packed is None else at[packed[1]]))
    quiet = any(getattr(c.label, "code", "") == "page.under_reported" for c in getattr(layer, "classes", ()))
    if isinstance(layer, CellsLayer) and layer.labels is not None and "count" in out and not quiet:
        hot = (layer.side() > 0) & (at >= 0)  # the cells that the map draws hot, and no others
        out["hot"] = np.bincount(at[hot], minlength=len(ids)).tolist()
    return out or None
