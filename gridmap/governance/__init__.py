"""How the territory is governed: what became of events and of named areas, and whether a measure did any good."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "agenda": "pipeline_results",
        "stage_results": "pipeline_results",
        "togetherness": "colocation",
    },
)
