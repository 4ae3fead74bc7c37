"""What dividing by load is given, checked before anything is drawn.

Communities must partition the ground: slivers that two share go to the first, more than that is an error that names
both. Layers are brought to EPSG:4326 and must be of the right kind; numbers must be in range. Each fault is one line
that says what was found and what to do.
"""

import geopandas as gpd
import numpy as np
import shapely

from gridmap.errors import InputError, SettingError

__all__ = ["above_0", "checked_layer", "checked_limits", "without_overlap"]

OVERLAP = 0.01  # two communities that share more of the smaller one than this do not partition the ground


def without_overlap(boundaries: gpd.GeoDataFrame) -> np.ndarray:
    """The communities' shapes; slivers that two share go to the first, more is an error."""
    shapes = boundaries.geometry.to_numpy().copy()
    i, j = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    i, j = i[i < j], j[i < j]
    shared = shapely.area(shapely.intersection(shapes[i], shapes[j]))
    part = shared / np.minimum(shapely.area(shapes[i]), shapely.area(shapes[j]))
    if (part > OVERLAP).any():
        worst = int(np.argmax(part))
        a, b = boundaries["zone_id"].iloc[i[worst]], boundaries["zone_id"].iloc[j[worst]]
        raise InputError(
            f"Communities {a!r} and {b!r} overlap by {part[worst]:.0%} of the smaller one; every place belongs to one "
            "community. Correct the borders, or drop one of the two."
        )
    for a, b in zip(i[shared > 0], j[shared > 0], strict=True):
        shapes[b] = shapely.difference(shapes[b], shapes[a])
    return shapes


def checked_layer(frame, name: str, kind: str):
    """A layer of lines or areas in EPSG:4326, checked."""
    if frame is None:
        return None
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{name}= is a GeoDataFrame; found {type(frame).__name__}.")
    if frame.crs is None:
        raise InputError(f"{name}= has no CRS. Say it with set_crs().")
    dimension = shapely.get_dimensions(frame.geometry.to_numpy())
    if (dimension < (1 if kind == "line" else 2)).any():
        raise InputError(
            f"{name}= needs {kind}s; {int((dimension < (1 if kind == 'line' else 2)).sum())} rows are none."
        )
    frame = frame.to_crs(4326)
    if kind == "line":
        areas = dimension == 2  # a river drawn as an area is a barrier by its banks
        shapes = frame.geometry.to_numpy().copy()
        shapes[areas] = shapely.boundary(shapes[areas])
        frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=4326))
    return frame


def above_0(value, name: str) -> float:
    """A setting as a number above 0, or an error that names it."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if not (np.isfinite(number) and number > 0) or isinstance(value, bool):
        raise SettingError(f"{name} must be a number above 0; found {value!r}.")
    return number


def checked_limits(limits) -> tuple[int, int | None]:
    """Fewest and most grids of a community; None for no limit above."""
    if limits is None:
        return 1, None
    try:
        fewest, most = limits
        good = fewest == int(fewest) and most == int(most) and 1 <= fewest <= most
    except (TypeError, ValueError):
        good = False
    if not good:
        raise SettingError(f"grids_per_community is (fewest, most), as in (2, 5); found {limits!r}.")
    return int(fewest), int(most)
