"""The clusters of a method over points, as numbered outlines over the map."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from gridmap.errors import InputError
from gridmap.hotspots.result import HotspotResult
from gridmap.maps.layers.base import Layer
from gridmap.maps.layers.result_captions import checked_result, layer_name, made_by
from gridmap.maps.legend_classes import Class
from gridmap.messages import Note

__all__ = ["ClustersLayer", "clusters_layer"]

#: The outline of clusters: dark, so that it reads over hot, cold and amounts alike.
CLUSTER_COLOUR = "#1F2A44"


@dataclass(frozen=True, repr=False)
class ClustersLayer(Layer):
    """Clusters as outlines, numbered in the order that their method gave them."""

    kind: ClassVar[str] = "clusters"
    content: ClassVar[str] = "clusters"


def clusters_layer(result: HotspotResult, *, name: str | Note | None = None, show: bool = True) -> ClustersLayer:
    """The clusters of a result as numbered outlines over the map.

    Parameters
    ----------
    result : HotspotResult
        Of a method that makes clusters: `dbscan`, `hdbscan`, `st_dbscan`, a scan.
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
        If the result has no clusters to it (none wanted; none *found* is an empty layer).
    """
    result = checked_result(result)
    if result.clusters is None:
        raise InputError(Note("maps.no_clusters", method=result.method))
    clusters = result.clusters
    if clusters.crs is not None and clusters.crs != "EPSG:4326":
        clusters = clusters.to_crs(4326)
    clusters = clusters[~(clusters.geometry.isna() | clusters.geometry.is_empty)]
    columns = [c for c in clusters.columns if c != clusters.geometry.name and c not in ("rank", "cluster_id")]
    plain = tuple(c for c in columns if pd.api.types.is_numeric_dtype(clusters[c]) or c in ("name", "label"))
    return ClustersLayer(
        layer_name(result, name),
        clusters,
        (Class(CLUSTER_COLOUR, Note("page.clusters_found")),),
        np.zeros(len(clusters), np.uint8),
        columns=plain,
        show=show,
        rank_by="count",
        **made_by(result),
    )
