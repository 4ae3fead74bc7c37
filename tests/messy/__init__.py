"""Dirty files, each dirt named and seeded."""
