"""Scan statistics: is there a circle, or a circle over some time, that holds more than chance would bring?

`spatial` compares circles with what is at risk, `space_time` circles over growing spans of time, `permutation` needs
cases alone. `places` lays the circles, `windows` counts what is in them, `tables` gives the clusters their dates.
"""
