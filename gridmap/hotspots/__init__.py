"""Families of methods, each a function that answers with a `HotspotResult`."""

from gridmap._moved import keep_old_names

keep_old_names(__name__, {"series": "space_time_clusters"})
