"""Which cells are too quiet to be true?

A cell in which next to nothing is reported, though its neighbours and its population would let one expect a good
deal, is either safe or silent. `quiet_cells` finds those improbably quiet and calls them *possibly under-reported*,
never safe.

Source: Clayton & Kaldor 1987; Marshall 1991 (empirical Bayes); Benjamini & Hochberg 1995.
"""
