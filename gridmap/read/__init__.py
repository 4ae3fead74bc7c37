"""What comes in: boundaries, incidents, and what their columns mean."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "base": "incident_table",
        "context": "context_features",
        "conversion": "row_conversion",
        "convert": "row_conversion",
        "exports": "several_files",
        "files": "file_access",
        "metric": "metric_projection",
        "quality.coordinates": "quality.coordinate_faults",
        "quality.page": "quality.rendering",
        "quality.places": "quality.coordinate_faults",
        "quality.report": "quality.incident_report",
        "quality.zones": "quality.boundary_report",
        "stored": "store_reading",
        "surroundings": "context_features",
    },
)
