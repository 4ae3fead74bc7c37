"""How many incidents fell in each cell: where points meet cells."""

from gridmap._moved import keep_old_names

keep_old_names(
    __name__,
    {
        "asked": "task",
        "connection": "duckdb",
        "duck": "duckdb",
        "source": "duckdb",
        "store": "store_adding",
    },
)
