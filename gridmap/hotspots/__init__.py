"""Families of methods, each a function that answers with a `HotspotResult`."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "association": "moran_local",
        "autocorrelation": "gi_star",
        "concentration": "default_method",
        "dated": "dated_events",
        "default_test": "default_method",
        "lattice": "cell_vectors",
        "methods": "registry",
        "points": "incident_points",
        "police_clusters": "crimestat_clusters",
        "reach": "dbscan_kernel",
        "repeats": "near_repeats",
        "risk": "risk_surface",
        "scan.places": "scan.candidates",
        "scan.tables": "scan.area_periods",
        "series": "space_time_clusters",
        "spanning": "hdbscan_tree",
        "surfaces": "density_result",
        "testable": "count_checks",
        "times": "hours_of_week",
    },
)
