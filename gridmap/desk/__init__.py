"""The desk: a local site over one folder, for people who do not type (`gridmap serve`)."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "kept": "yaml_edits",
        "pictures": "svg_pictures",
        "recipes": "questions",
        "view": "responses",
    },
)
