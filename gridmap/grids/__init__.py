"""A territory divided into cells: hexagons, squares, zones as they are, management grids of even load."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "balanced": "regionalization.balanced",
        "cell_counts": "counts_table",
        "code_checks": "codes",
        "code_templates": "codes",
        "h3_keys": "index.h3_keys",
        "hexagons": "h3",
        "index.lookup": "index.raster_lookup",
        "index.raster": "index.zone_raster",
        "levels": "hierarchy",
        "locator": "index.locator",
        "lookup": "index.raster_lookup",
        "near_projection": "squares",
        "overlaps": "zones",
        "partition": "regionalization.graph_partition",
        "raster": "index.zone_raster",
        "regionalization.division": "regionalization.community_division",
        "regionalization.partition": "regionalization.graph_partition",
        "regionalization.report": "regionalization.division_report",
        "regionalization.units": "regionalization.basic_units",
        "territory": "territory_overlap",
        "tessellation": "regionalization.mosaic",
        "tiling": "systems",
        "transfer": "crosswalks",
        "workload": "regionalization.basic_units",
    },
)
