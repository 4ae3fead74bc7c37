"""Results in words, in sentences and on paper."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "charts.handling": "charts.case_handling",
        "charts.places": "charts.ranked_places",
        "paper.governed": "paper.governance_pages",
        "run_folder": "results_folder",
    },
)
