"""Layers as their readers may have them: the frames of a page pass the privacy gate here, once.

`release_layers` gives back the layers with the audience they were made for and the places that were ranked after the
gate. Whoever draws or writes them asserts that audience, and neither gates nor ranks again.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import geopandas as gpd
import pandas as pd

from gridmap.errors import InputError
from gridmap.maps.layers import BoundariesLayer, CellsLayer, Layer, SurfaceLayer, boundaries_layer
from gridmap.maps.ranking import Place, rank_places
from gridmap.messages import Note
from gridmap.privacy import AUDIENCES, check_audience, check_periods, gate, gate_text, is_released, two_figures
from gridmap.privacy.released import SCATTERED
from gridmap.read.persons import mask

__all__ = ["ReleasedLayers", "release_layers"]


@dataclasses.dataclass(frozen=True)
class ReleasedLayers(Sequence):
    """Layers that have passed the gate.

    Attributes
    ----------
    audience : str
        For whom.
    layers : tuple of Layer
    ranked : tuple of lists of Place, one list a layer
    numbers : tuple of int or None
        The number of the result that each layer shows, from 1, where they are layers of a run.
    """

    audience: str
    layers: tuple[Layer, ...]
    ranked: tuple[list[Place], ...]
    numbers: tuple[int | None, ...] = ()

    def __len__(self) -> int:
        return len(self.layers)

    def __getitem__(self, at):
        return self.layers[at]

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    @property
    def zones(self) -> pd.DataFrame | None:
        """The boundaries among them."""
        return next((layer.frame for layer in self.layers if isinstance(layer, BoundariesLayer)), None)

    def of(self, number: int) -> list[tuple[Layer, list[Place]]]:
        """The layers of one result of a run, with their places."""
        every = zip(self.numbers, self.layers, self.ranked, strict=True)
        return [(layer, places) for n, layer, places in every if n == number]

    def made_for(self, audience: str) -> "ReleasedLayers":
        """These layers, when they were released for that audience.

        Raises
        ------
        InputError
            If they were released for another one.
        """
        if self.audience != audience:
            raise InputError(Note("maps.released_for_another", found=self.audience, wanted=audience))
        return self


def release_layers(
    layers: Sequence[Layer],
    audience: str,
    *,
    boundaries: pd.DataFrame | None = None,
    numbers: Sequence[int | None] = (),
    streets: gpd.GeoDataFrame | None = None,
) -> ReleasedLayers:
    """The layers with what `audience` may have of them, and their places ranked.

    Parameters
    ----------
    layers : list of Layer, or ReleasedLayers
        What was released for this audience before is given back as it is.
    audience : {"internal", "meeting", "public"}
    boundaries : GeoDataFrame, optional
        Drawn as outlines and used to name places, when no layer holds them yet.
    numbers : list of int or None, one a layer, optional
        The number of the result that each shows.
    streets : GeoDataFrame, optional
        As `rank_places` takes them, where no layer draws them.

    Raises
    ------
    InputError
        If a layer is nothing for this audience; or, for the public, if layers are over different cells: what is hidden
        in one could be computed from another.
    """
    check_audience(audience)
    if isinstance(layers, ReleasedLayers):
        return layers.made_for(audience)
    layers = list(layers)
    if boundaries is not None and not any(isinstance(layer, BoundariesLayer) for layer in layers):
        layers.append(boundaries_layer(boundaries))
    gated = [_gated(layer, audience) for layer in layers]
    if AUDIENCES[audience].smallest_count:
        themes = [layer for layer in gated if layer.content == "cells"]
        for other in themes[1:]:
            if not other.frame.index.equals(themes[0].frame.index):
                raise InputError(Note("maps.different_cells"))
    return ReleasedLayers(audience, tuple(gated), tuple(rank_places(gated, streets=streets)), tuple(numbers))


def _gated(layer: Layer, audience: str) -> Layer:
    what = Note("maps.the_layer", name=mask(layer.name))
    if is_released(layer, audience):  # it is a selection of what was decided when its result was released
        return dataclasses.replace(layer, name=layer.name if isinstance(layer.name, Note) else mask(layer.name))
    frame = gate(layer.frame, layer.content, audience=audience, what=what)
    changed: dict = {}
    if isinstance(layer, CellsLayer) and layer.frames is not None and audience != "internal":
        check_periods(layer.frames.columns, audience=audience, what=what)
        least = AUDIENCES[audience].smallest_count
        if least and (layer.frames.to_numpy(float) < least).any():
            raise InputError(Note("maps.small_periods", what=what, least=least))
    made = layer.surface if isinstance(layer, SurfaceLayer) and layer.params.get("places") != SCATTERED else None
    if made is not None and audience != "internal":
        surface, transform, crs = made
        changed["surface"] = (two_figures(surface), transform, crs)
        frame = frame.assign(intensity=two_figures(frame["intensity"])) if "intensity" in frame else frame
    return dataclasses.replace(
        layer,
        name=layer.name if isinstance(layer.name, Note) else mask(layer.name),
        frame=frame,
        columns=tuple(c for c in layer.columns if c in frame.columns),
        notes=tuple(gate_text(n, audience=audience) for n in layer.notes),
        **changed,
    )
