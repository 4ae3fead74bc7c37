"""hotspot_layer(), clusters_layer(), density_layer(): what a method answered, as layers of a page."""

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.hotspots.nulls import may_claim
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.amounts import SHOWN, cells_layer, shaped
from gridmap.maps.classes import amount_classes, label_classes
from gridmap.maps.layers import Class, Layer, Word
from gridmap.maps.words import WORDS

__all__ = ["clusters_layer", "density_layer", "hotspot_layer", "result_layers"]

#: The outline of clusters: dark, so that it reads over hot, cold and amounts alike.
CLUSTER_COLOUR = "#1F2A44"


def hotspot_layer(result: HotspotResult, *, name: str | Word | None = None, show: bool = True) -> Layer:
    """The cells of a result by their label, or by their amount where the method gives none.

    A test that is not known to hold for the numbers at hand (`gridmap.hotspots.nulls`) is drawn by its z-score, without
    the labels it would give.

    Parameters
    ----------
    result : HotspotResult
        Of `getis_ord`, `local_moran`, `compare_periods`, `emerging_hotspots`, … A method over points, which has
        clusters and no cells, gives the layer of its clusters.
    name : str, optional
        As the layer control shows it; the method's name in the page's language, by default.
    show : bool
        Drawn when the page opens.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        If it is no HotspotResult, or its cells have neither shapes nor H3 ids.
    """
    result = _checked(result)
    name = _name(result, name)
    if not len(result.cells):
        return clusters_layer(result, name=name, show=show)
    cells = shaped(result.cells)
    if {"before", "after"} <= set(cells):
        cells = cells.rename(columns={"before": "count_before", "after": "count_after", "expected": "expected_after"})
    if "label" not in cells and result.method == "kernel_density":
        return density_layer(result, name=name, show=show)
    if "label" in cells and not may_claim(result) and "z_score" in cells:
        return _of(
            cells_layer(cells.drop(columns="label"), "z_score", name=name, show=show), result
        )  # drawn, not found
    if "label" not in cells:
        column = next((c for c in ("intensity", "rate", "expected", "count", "z_score") if c in cells), None)
        if column is None:
            numeric = cells.select_dtypes("number").columns.difference(["area_m2"])
            if not len(numeric):
                raise InputError(f"The result of {result.method} has no column to draw: {list(cells.columns)}.")
            column = str(numeric[0])
        layer = cells_layer(cells, column, name=name, show=show)
        return _of(layer, result)
    classes, codes = label_classes(cells["label"], change="count_before" in cells)
    columns = tuple(c for c in SHOWN if c in cells)
    extra = [c for c in cells.columns if str(c).startswith(("stability", "rank_", "share_hot"))]
    columns += tuple(c for c in extra if c not in columns)
    facts = {"labels": "label"}
    return _of(Layer(name, cells, classes, codes, columns=columns, show=show, facts=facts), result)


def clusters_layer(result: HotspotResult, *, name: str | Word | None = None, show: bool = True) -> Layer:
    """The clusters of a result as numbered outlines over the map.

    Parameters
    ----------
    result : HotspotResult
        Of a method that makes clusters: `dbscan`, `hdbscan`, `st_dbscan`, a scan.
    name, show
        As in `hotspot_layer`.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        If the result has no clusters to it (none asked for; none *found* is an empty layer).
    """
    result = _checked(result)
    if result.clusters is None:
        raise InputError(f"The result of {result.method} has no clusters. hotspot_layer draws its cells.")
    clusters = result.clusters
    if clusters.crs is not None and clusters.crs != "EPSG:4326":
        clusters = clusters.to_crs(4326)
    clusters = clusters[~(clusters.geometry.isna() | clusters.geometry.is_empty)]
    columns = [c for c in clusters.columns if c != clusters.geometry.name and c not in ("rank", "cluster_id")]
    plain = tuple(c for c in columns if pd.api.types.is_numeric_dtype(clusters[c]) or c in ("name", "label"))
    layer = Layer(
        _name(result, name),
        clusters,
        (Class(CLUSTER_COLOUR, Word("clusters_found")),),
        np.zeros(len(clusters), np.uint8),
        columns=plain,
        role="overlay",
        drawing="lines",
        show=show,
        facts={"rank_by": "count", "numbered": True},
        content="clusters",
    )
    return _of(layer, result)


def density_layer(
    result: HotspotResult, *, name: str | Word | None = None, scheme="fisher_jenks", k: int = 6, show: bool = True
) -> Layer:
    """A density surface in incidents per km², drawn as an image that stays put when one zooms.

    Parameters
    ----------
    result : HotspotResult
        Of `kernel_density`: its `intensity` in incidents per km² at each cell.
    scheme, k
        As in `cells_layer`.

    Returns
    -------
    Layer
    """
    result = _checked(result)
    if "intensity" not in result.cells:
        raise InputError(
            f"A density layer needs the column 'intensity'; {result.method} gave {list(result.cells.columns)}."
        )
    cells = shaped(result.cells)
    facts = _surface(result)
    surface = facts["surface"][0] if facts else cells["intensity"]
    bounds = amount_classes(surface, scheme=scheme, k=k)[2]
    classes, codes, bounds = amount_classes(cells["intensity"], scheme=bounds or scheme, k=k)
    columns = tuple(c for c in ("intensity", "count") if c in cells)
    layer = Layer(
        _name(result, name),
        cells,
        classes,
        codes,
        columns=columns,
        unit=Word("per_km2"),
        show=show,
        drawing="image",
        facts={"rank_by": "intensity", "bounds": bounds, **facts},
    )
    return _of(layer, result)


def _surface(result: HotspotResult) -> dict:
    """The surface that the method made, where it kept it."""
    if getattr(result, "surface", None) is None:
        return {}
    surface = np.nan_to_num(np.asarray(result.surface, float))
    dust = 1e-6 * surface.max(initial=0)  # what a fast Fourier transform leaves where nothing is
    return {"surface": (np.where(surface > dust, surface, 0.0), result.transform, result.crs)}


def result_layers(result: HotspotResult, *, show: bool = True) -> list[Layer]:
    """All that a result has to show: its cells, and its clusters over them."""
    layers = [hotspot_layer(result, show=show)] if len(result.cells) else []
    if result.clusters is not None:
        layers.append(clusters_layer(result, show=show))
    if not layers:
        raise InputError(f"The result of {result.method} is empty: it has neither cells nor clusters to draw.")
    return layers


def _checked(result) -> HotspotResult:
    if not isinstance(result, HotspotResult):
        raise InputError(f"This layer draws a HotspotResult; found {type(result).__name__}. For a frame: cells_layer.")
    return result


def _name(result: HotspotResult, name: str | Word | None) -> str | Word:
    if name is not None and name != result.method:  # a method's own name is said in the page's language
        return name
    return Word(f"layer {result.method}") if f"layer {result.method}" in WORDS else result.method.replace("_", " ")


def _of(layer: Layer, result: HotspotResult) -> Layer:
    """The layer with how its numbers were made."""
    from dataclasses import replace

    return replace(layer, method=result.method, params=dict(result.params), notes=tuple(result.notes))
