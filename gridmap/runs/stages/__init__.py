"""The stages of a run, one a file, in the order of the data."""
