"""How is a community divided? Contiguous, compact management grids of even load."""
