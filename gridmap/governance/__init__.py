"""How the territory is governed: what became of events and of named areas, and whether a measure did any good."""
