"""build_map(): the page that a meeting sees, as one HTML file.

Python decides, the page prints: layers are classed, ranked and packed here, and what the browser gets is JSON and the
page's own scripts (`templates/`). Nothing from data is ever markup.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import folium
import geopandas as gpd
import pandas as pd
from branca.element import Element

from gridmap._io import write_text
from gridmap.audiences import DEFAULT_AUDIENCE, check_audience
from gridmap.errors import InputError, SettingError
from gridmap.maps import basemaps
from gridmap.maps.basemaps import Basemap
from gridmap.maps.content import page_data
from gridmap.maps.layers import Layer
from gridmap.maps.offline import OfflineFigure, asset, script_json
from gridmap.maps.words import check_language
from gridmap.privacy import gate_text
from gridmap.read.persons import mask

__all__ = ["MapPage", "build_map"]

TEMPLATES = Path(__file__).parent / "templates"


def build_map(
    layers: Layer | Iterable[Layer],
    *,
    title: str | None = None,
    language: str = "en",
    period: str | None = None,
    source: str | None = None,
    incidents: int | None = None,
    set_aside: int | None = None,
    notes: Sequence[str] = (),
    classification: str | None = None,
    approval: str | None = None,
    boundaries: gpd.GeoDataFrame | None = None,
    hierarchy: pd.DataFrame | None = None,
    basemap: Basemap | str | Path | None = None,
    audience: str = DEFAULT_AUDIENCE,
) -> "MapPage":
    """One page with these layers, that opens with no network at all.

    Parameters
    ----------
    layers : Layer or list of Layer
        Of `hotspot_layer`, `cells_layer`, `clusters_layer`, `density_layer`, `boundaries_layer`. One theme is shown at
        a time, in the order given; overlays lie over it.
    title, period, source : str, optional
        What, when and from where, as the header says it.
    language : {"en", "zh"}
        The page opens in it; the reader can switch.
    incidents, set_aside : int, optional
        How many incidents were used, and how many could not be.
    notes : list of str
        What the reader must know; stands in About and in print.
    classification, approval : str, optional
        Such as 内部资料, and the map approval number (审图号).
    boundaries : GeoDataFrame, optional
        As `read_boundaries` gives it: its outlines are drawn, its names name the hotspots, its hierarchy is the
        page's drill-down.
    hierarchy : DataFrame, optional
        Of `grid_hierarchy` (or `roll_up`, whose persons or households then give the rates): the drill-down goes on to
        the management grids, where a layer shows them.
    basemap : Basemap or str, optional
        Of `gm.basemap`, or its first argument: a folder of tiles beside the file, an MBTiles file, an intranet's
        address. None by default: own boundaries and roads need no network.
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
        If there is no layer, or something that is none; or if a layer is nothing for this audience.
    SettingError
        For an unknown language, or a negative count.

    Examples
    --------
    >>> import pandas as pd, gridmap as gm
    >>> counts = pd.DataFrame({"count": [0, 2, 7]}, index=["8819424409fffff", "881942440bfffff", "881942440dfffff"])
    >>> build_map([gm.cells_layer(counts, "count")], title="Burglary", language="zh")
    <MapPage 'Burglary': 1 layer, zh>
    """
    layers = [layers] if isinstance(layers, Layer) else _listed(layers)
    for layer in layers:
        if not isinstance(layer, Layer):
            raise InputError(
                f"build_map takes layers; found {type(layer).__name__}. Make one with hotspot_layer(result), "
                "cells_layer(frame, column), clusters_layer(result) or boundaries_layer(boundaries)."
            )
    if not layers:
        raise InputError("build_map needs at least one layer; found none.")
    check_language(language)
    check_audience(audience)
    for name, number in (("incidents", incidents), ("set_aside", set_aside)):
        if number is not None and (not hasattr(number, "__index__") or number < 0):
            raise SettingError(f"{name}= is a number of incidents, 0 or more; found {number!r}.")
    notes = [notes] if isinstance(notes, str) else [str(n) for n in notes]
    head = {
        "title": title,
        "period": period,
        "source": source,
        "incidents": incidents,
        "set_aside": set_aside,
        "classification": classification,
        "approval": approval,
        "notes": [gate_text(note, audience=audience) for note in notes],
        "audience": audience,
    }
    for name in ("title", "period", "source", "classification", "approval"):
        head[name] = None if head[name] is None else mask(str(head[name]))
    for name in ("incidents", "set_aside"):
        head[name] = None if head[name] is None else int(head[name])
    base = basemap if basemap is None or isinstance(basemap, Basemap) else basemaps.basemap(basemap)
    if hierarchy is not None and not (isinstance(hierarchy, pd.DataFrame) and {"name", "parent_id"} <= set(hierarchy)):
        raise InputError("hierarchy= is the table of grid_hierarchy or roll_up: units with name and parent_id.")
    about = {"head": head, "language": language, "boundaries": boundaries, "hierarchy": hierarchy}
    data = page_data(layers, **about, base=base, audience=audience)
    return MapPage(data, layers=len(layers), hosts=() if base is None else base.hosts)


def _listed(layers) -> list:
    try:
        return list(layers)
    except TypeError:
        raise InputError(f"build_map takes a list of layers; found {type(layers).__name__}.") from None


@cache
def _own(kind: str) -> str:
    """The page's own scripts or styles, joined in the order of their file names."""
    files = sorted((TEMPLATES / kind).glob(f"*.{kind}"))
    return "\n".join(f.read_text(encoding="utf-8") for f in files).replace("</script", "<\\/script")


class Verbatim(Element):
    """Text that stands in the page as it is: no template language looks at it."""

    def __init__(self, text: str):
        super().__init__()
        self._name, self._text = "Verbatim", text

    def render(self, **kwargs) -> str:
        """The text."""
        return self._text


class MapPage(folium.Map):
    """A folium Map that renders as one offline file; further folium elements can be added to it.

    Only elements that link nothing work: a marker, a circle, a GeoJson. One that links a script from elsewhere is
    refused by name when the page is rendered.
    """

    default_js = [("leaflet", "leaflet.js")]  # noqa: RUF012 - folium's own way
    default_css = [("leaflet_css", "leaflet.css")]  # noqa: RUF012

    def __init__(self, data: dict, *, layers: int, hosts: tuple[str, ...] = ()):
        west, south, east, north = data["bounds"]
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            zoom_start=11,
            tiles=None,
            attributionControl=False,
            zoom_control=False,
            zoom_snap=0.25,
            max_zoom=19,
            min_zoom=2,
        )
        self._data, self._count = data, layers
        self._parent = None
        figure = OfflineFigure(ratio="66%", title=data["head"]["title"])
        figure.hosts, figure.language = hosts, data["language"]
        figure.add_child(self)
        for name in ("fflate.js", "h3-js.js") if data["h3"] else ("fflate.js",):
            figure.header.add_child(Verbatim(f"<script>{asset(name)}</script>"), name=name)
        figure.header.add_child(Verbatim(f"<style>{_own('css')}</style>"), name="gridmap_css")
        content = script_json(data)
        self._id = sha256(content.encode()).hexdigest()[:32]  # the same page is the same file
        figure.html.add_child(
            Verbatim(f'<script type="application/json" id="gridmap-data">{content}</script>'), name="gridmap_data"
        )
        figure.script.add_child(Verbatim(_own("js")), name="gridmap_js")

    def render(self, **kwargs):
        """See folium; the page's own start comes last."""
        super().render(**kwargs)
        root = self.get_root()
        root.script.add_child(Verbatim(f"gridmap.start({self.get_name()});"), name="gridmap_start")

    def save(self, path, **_ignored) -> Path:
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
        return self.get_root()._repr_html_(**kwargs)

    def __repr__(self) -> str:
        s = "" if self._count == 1 else "s"
        return f"<MapPage {self._data['head']['title'] or ''!r}: {self._count} layer{s}, {self._data['language']}>"
