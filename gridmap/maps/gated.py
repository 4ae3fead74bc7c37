"""Layers as their readers may have them: every frame that a page carries passes the privacy gate here."""

import dataclasses
from collections.abc import Sequence

from gridmap.errors import InputError
from gridmap.maps.layers import Layer, Word
from gridmap.privacy import AUDIENCES, check_periods, gate, gate_text, two_figures
from gridmap.privacy.results import SCATTERED
from gridmap.read.persons import mask

__all__ = ["gated_layers"]


def gated_layers(layers: Sequence[Layer], audience: str) -> list[Layer]:
    """The layers with what `audience` may have of them.

    Raises
    ------
    InputError
        If a layer is nothing for this audience; or, for the public, if layers are over different cells: what is hidden
        in one could be computed from another.
    """
    gated = [_gated(layer, audience) for layer in layers]
    if AUDIENCES[audience].smallest_count:
        themes = [layer for layer in gated if layer.content == "cells"]
        for other in themes[1:]:
            if not other.frame.index.equals(themes[0].frame.index):
                raise InputError(
                    "The layers are over different cells, so small numbers could be computed from their differences. "
                    "For the public, make all of them over one grid (gm.public_release), or take audience='meeting'."
                )
    return gated


def _gated(layer: Layer, audience: str) -> Layer:
    called = layer.name.key if isinstance(layer.name, Word) else str(layer.name)
    frame = gate(layer.frame, layer.content, audience=audience, what=f"The layer {mask(called)!r}")
    frames = layer.frames
    if frames is not None and audience != "internal":
        check_periods(frames.columns, audience=audience, what=f"The layer {mask(called)!r}")
        least = AUDIENCES[audience].smallest_count
        if least and (frames.to_numpy(float) < least).any():
            raise InputError(
                f"The layer {mask(called)!r} has periods with fewer than {least} incidents in a cell, which the public "
                "may not have. Take longer periods, or the incidents and the grid of gm.public_release."
            )
    facts = dict(layer.facts)
    if "surface" in facts and audience != "internal" and layer.params.get("places") != SCATTERED:
        surface, transform, crs = facts["surface"]
        facts["surface"] = (two_figures(surface), transform, crs)
        frame = frame.assign(intensity=two_figures(frame["intensity"])) if "intensity" in frame else frame
    return dataclasses.replace(
        layer,
        name=layer.name if isinstance(layer.name, Word) else mask(layer.name),
        frame=frame,
        columns=tuple(c for c in layer.columns if c in frame.columns),
        notes=tuple(gate_text(str(n), audience=audience) for n in layer.notes),
        facts=facts,
    )
