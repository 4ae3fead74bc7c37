"""From hotspots to patrols: streets, routes, coverage, districts."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "files": "plan_files",
        "folders": "plan_from_options",
        "plan_folders": "plan_from_options",
        "points": "point_inputs",
        "sites": "camera_sites",
    },
)
