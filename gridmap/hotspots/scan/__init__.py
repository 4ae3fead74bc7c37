"""Scan statistics: is there a circle, or a circle over some time, that holds more than chance would bring?

`spatial` compares circles with what is at risk, `space_time` circles over growing spans of time, `permutation` needs
cases alone. `candidates` lays the circles, `windows` counts what is in them, `area_periods` gives the clusters their
dates.
"""
