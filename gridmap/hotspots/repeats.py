"""After a burglary, are the houses near by at a higher risk, and for how many days?

Near repeats: count the pairs of events that are close in space and in time, band by band, and compare with the same
places under shuffled dates (Knox 1964, as the near-repeat calculator of Ratcliffe tabulates it). `cross_near_repeat`
asks the same of two kinds: do disputes precede violence near by more often than chance (民转刑)?

Source: Knox 1964; Johnson et al. 2007; Ratcliffe & Rengert 2008.
"""
