"""Points → cells: exact answers at tens of millions of points a second."""
