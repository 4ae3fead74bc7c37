"""Where is the one circle in which cases pile up beyond what the people living there explain?

Kulldorff's scan lays circles of every size around every area, asks of each how much better "more inside" explains
the cases than "equal everywhere", and keeps the best. Because it looks at all circles at once, its p-value has
already paid for the looking. `space_time_scan` makes the circles cylinders (a place and a span of days), and
`space_time_permutation_scan` needs no population at all: only where and when the cases were.

Source: Kulldorff 1997; Kulldorff et al. 1998, 2001, 2005; Abrams, Kleinman & Kulldorff 2010 for the Gumbel p.
"""
