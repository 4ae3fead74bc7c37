"""Families of methods, each a function that answers with a `HotspotResult`."""
