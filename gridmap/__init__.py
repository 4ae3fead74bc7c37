"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""

from gridmap.read.boundaries import read_boundaries

__all__ = [
    "read_boundaries",
]
