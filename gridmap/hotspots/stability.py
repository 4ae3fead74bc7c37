"""Is it the grid or the crime?

A hotspot that disappears when the cells are shifted by half their width was made by the grid. `hotspot_stability` runs
one method over many variants (cell sizes, offsets, rotations, resampled incidents) and tells per place in what share
of them it is hot, and per hotspot between which ranks it moves.

Source: Openshaw 1984 (the modifiable areal unit problem); Efron 1979 (the bootstrap).
"""
