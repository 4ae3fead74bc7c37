"""The desk: a local site over one folder, for people who do not type (`gridmap serve`)."""
