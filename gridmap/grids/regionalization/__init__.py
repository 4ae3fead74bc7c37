"""How is a community divided? Contiguous, compact management grids of even load.

`BalancedGrid.over` (`balanced.py`) goes through these files in their order: what a grid is made of and how much work
each is (`basic_units`), a community as a mosaic of such pieces (`mosaic`), how many grids it gets and which pieces each
(`community_division`), which asks `graph_partition` to cut a graph of pieces into k connected parts of even load; and
what came of it, with a reason where the load is not even (`division_report`).
"""
