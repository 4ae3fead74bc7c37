"""Which cell is a point in? Exact answers at tens of millions of points a second.

Zones: `locator.py` is what others call, and has the idea; `zone_raster.py` lays a raster over them, `raster_lookup.py`
reads it. H3 cells: `h3_keys.py` computes them.
"""
