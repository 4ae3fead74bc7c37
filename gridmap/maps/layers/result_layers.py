"""From what a method answered to layers: `layers_of`, the one way that the page, papers and exports take."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.hotspots.density_result import DensityResult
from gridmap.hotspots.nulls import may_claim
from gridmap.hotspots.registry import what_it_draws
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.layers.base import Layer
from gridmap.maps.layers.cells import SHOWN, CellsLayer, cells_layer, shaped
from gridmap.maps.layers.clusters import ClustersLayer, clusters_layer
from gridmap.maps.layers.result_captions import checked_result, layer_name, made_by
from gridmap.maps.layers.surface import SurfaceLayer
from gridmap.maps.legend_classes import amount_classes, label_classes
from gridmap.messages import Note

__all__ = ["density_layer", "hotspot_layer", "layers_of"]

#: The amounts that a result without labels is drawn by, the first that it has, and their units.
AMOUNTS = {"intensity": "page.per_km2", "rate": "page.rate", "expected": "page.expected", "count": "page.incidents"}
#: What a cell of a forecast says when one points at it.
FORECAST_COLUMNS = ("expected", "low", "high", "why", "lately", "usual", "a_year")
#: The verdict of a back-test → the legend's line.
TESTED_VERDICTS = {
    "fact.forecast_offered": "page.expected_offered",
    "fact.forecast_refused": "page.expected_refused",
    "fact.forecast_nothing_changes": "page.expected_unchanging",
}
AMOUNTS |= {"z_score": "page.z_score"}


def layers_of(result: HotspotResult, *, name: str | Note | None = None, show: bool = True) -> list[Layer]:
    """All that a result has to show: its cells, and its clusters over them.

    Parameters
    ----------
    result : HotspotResult
    name : str, optional
        Of the layers; the method's name in the reader's language, by default.
    show : bool
        Whether the cells are drawn when the page opens.

    Returns
    -------
    list of Layer
        A surface or cells first, then clusters.

    Raises
    ------
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> import gridmap as gm
    >>> town = gm.samples.town(random_state=0)
    >>> [layer.kind for layer in layers_of(gm.dbscan(town.incidents, eps_m=200))]
    ['clusters']
    """
    result = checked_result(result)
    layers: list[Layer] = [_cells(result, name, show)] if len(result.cells) else []
    if result.clusters is not None and (len(result.clusters) or not layers):
        layers.append(clusters_layer(result, name=name, show=show or bool(layers)))
    if not layers:
        raise InputError(Note("maps.empty_result", method=result.method))
    return layers


def hotspot_layer(
    result: HotspotResult, *, name: str | Note | None = None, show: bool = True
) -> CellsLayer | ClustersLayer:
    """The cells of a result by their label, or by their amount where the method gives none.

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
        A test that is not known to hold for the numbers at hand (`gridmap.hotspots.nulls`) is drawn by its z-score,
        without the labels it would give. A cell is drawn hot, cold, up or down only where the test itself calls it
        `significant`.

    Raises
    ------
    InputError
        If it is not a HotspotResult, or its cells have neither shapes nor H3 ids.
    """
    result = checked_result(result)
    if not len(result.cells):
        return clusters_layer(result, name=name, show=show)
    return _cells(result, name, show)


def _cells(result: HotspotResult, name: str | Note | None, show: bool) -> CellsLayer:
    if "label" in result.cells and (may_claim(result) or "z_score" not in result.cells):
        return _labelled(result, name, show)
    method = what_it_draws(result.method)
    if "intensity" in result.cells and (method is None or method.draws == "surface"):
        return density_layer(result, name=name, show=show)
    cells = _named_columns(shaped(result.cells.drop(columns="label", errors="ignore")))
    if "label" in result.cells:
        return _made(
            cells_layer(cells, "z_score", name=layer_name(result, name), show=show), result
        )  # drawn, not found
    column, unit = _amount(result, cells)
    if result.method == "forecast":
        shown = [c for c in FORECAST_COLUMNS if c in cells]
        name, unit = layer_name(result, name), _scored_unit(result, unit)
        # A few cells expect most: equal numbers of cells a class would draw them as they draw a tenth of it.
        drawn = cells_layer(cells, "expected", name=name, unit=unit, columns=shown, show=show, scheme="fisher_jenks")
        return _made(drawn, result)
    if column is None:
        numeric = cells.select_dtypes("number").columns.difference(["area_m2"])
        if not len(numeric):
            raise InputError(Note("maps.no_column_to_draw", method=result.method, there=[str(c) for c in cells]))
        column = str(numeric[0])
    drawn = cells_layer(cells, column, name=layer_name(result, name), unit=unit, show=show)
    return _made(drawn, result)


def _scored_unit(result: HotspotResult, unit: str | Note) -> str | Note:
    """The unit with the score of the back-test beside it, where there was one: in the legend, not in a footnote."""
    for note in result.notes:
        if isinstance(note, Note) and note.code in TESTED_VERDICTS:
            named = ("share", "hit_rate", "count_hit_rate", "periods")
            return Note(TESTED_VERDICTS[note.code], **{key: note.values[key] for key in named if key in note.values})
    return Note("page.expected_untested") if result.params.get("model") else unit


def _amount(result: HotspotResult, cells: pd.DataFrame) -> tuple[str | None, str | Note]:
    """The column that is drawn and its unit: as the method declares it, else the first amount that is known."""
    method = what_it_draws(result.method)
    if method is not None and method.amount in cells:
        return method.amount, Note(f"unit.{method.unit}")
    column = next((c for c in AMOUNTS if c in cells), None)
    return column, "" if column is None else Note(AMOUNTS[column])


def _labelled(result: HotspotResult, name: str | Note | None, show: bool) -> CellsLayer:
    cells = _named_columns(shaped(result.cells))
    classes, codes = label_classes(cells["label"], scale=_scale(result), beyond=significant_rows(result))
    columns = tuple(c for c in SHOWN if c in cells)
    extra = [c for c in cells.columns if str(c).startswith(("stability", "rank_", "share_hot"))]
    columns += tuple(c for c in extra if c not in columns)
    style = {"columns": columns, "show": show, "labels": "label", **made_by(result)}
    return CellsLayer(layer_name(result, name), cells, classes, codes, **style)


def _scale(result: HotspotResult) -> str | None:
    """The scale that the method declares, where its labels are of it."""
    method = what_it_draws(result.method)
    if method is None or method.scale is None:
        return "change" if {"before", "after"} <= set(result.cells) else None
    return method.scale if set(result.cells["label"].dropna().astype(str)) <= set(method.labels) else None


def significant_rows(result: HotspotResult) -> np.ndarray:
    """Which cells the test itself calls significant, in either direction, at the level it was made with."""
    cells = result.cells
    if "significant" in cells:
        return cells["significant"].fillna(False).to_numpy(bool)
    strength = pd.to_numeric(cells["label"].astype(str).str.extract(r" (\d+)$")[0], errors="coerce").to_numpy(float)
    least = round(100 * (1 - float(result.params.get("fdr") or 0.05)), 9)
    return ~(strength < least)  # a label without a level is what its method says


def _named_columns(cells: pd.DataFrame) -> pd.DataFrame:
    """Counts of two periods under the names that they have everywhere."""
    if {"before", "after"} <= set(cells):
        return cells.rename(columns={"before": "count_before", "after": "count_after", "expected": "expected_after"})
    return cells


def density_layer(
    result: HotspotResult,
    *,
    name: str | Note | None = None,
    scheme: str | Sequence[float] = "fisher_jenks",
    k: int = 6,
    show: bool = True,
) -> SurfaceLayer:
    """A density surface in incidents per km², drawn as an image that stays put when one zooms.

    Parameters
    ----------
    result : HotspotResult
        Of `kernel_density`: its `intensity` in incidents per km² at each cell.
    scheme, k
        As in `cells_layer`.
    name, show
        As in `hotspot_layer`.

    Returns
    -------
    Layer

    Raises
    ------
    InputError
        If the result has no intensity, or its cells no shapes.
    """
    result = checked_result(result)
    if "intensity" not in result.cells:
        there = [str(c) for c in result.cells.columns]
        raise InputError(Note("maps.density_needs_intensity", method=result.method, there=there))
    cells = shaped(result.cells)
    kept = _surface(result)
    values = cells["intensity"] if kept is None else kept[0]
    bounds = amount_classes(values, scheme=scheme, k=k)[2]
    classes, codes, bounds = amount_classes(cells["intensity"], scheme=bounds or scheme, k=k)
    return SurfaceLayer(
        layer_name(result, name),
        cells,
        classes,
        codes,
        columns=tuple(c for c in ("intensity", "count") if c in cells),
        unit=Note("page.per_km2"),
        show=show,
        rank_by="intensity",
        bounds=bounds,
        surface=kept,
        **made_by(result),
    )


def _surface(result: HotspotResult) -> tuple[np.ndarray, Any, Any] | None:
    """The surface that the method made, where it kept it."""
    if not isinstance(result, DensityResult) or result.surface is None:
        return None
    surface = np.nan_to_num(np.asarray(result.surface, np.float64))
    dust = 1e-6 * surface.max(initial=0)  # what a fast Fourier transform leaves where nothing is
    return np.where(surface > dust, surface, 0.0), result.transform, result.crs


def _made(layer: CellsLayer, result: HotspotResult) -> CellsLayer:
    from dataclasses import replace

    return replace(layer, **made_by(result))
