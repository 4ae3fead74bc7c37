"""gridmap: boundary files and incident points in, hotspot maps that open without a network out."""
