"""The charts of a briefing: from plain tables to matplotlib figures, in Chinese and English.

==========================  ===========================================================
`trend_chart`               counts by month or day, with the band of the year before
`weekday_hour_chart`        weekday × hour
`concentration_chart`       which share of the places holds half, against chance
`ranked_bars`               places in order, with intervals
`funnel_chart`              shares of units over their number, within the limits of chance
`step_time_chart`           how long each step of an event takes, the open ones counted
`small_multiples`           one map a period, one legend, one scale bar
`save_chart`, `alt_text`    to PNG, SVG or PDF; the chart in one sentence
==========================  ===========================================================

All take `language="en"|"zh"`, `size="page"|"half"|"slide"` and `title=` ("" for none).
"""

from gridmap.reports.charts.case_handling import funnel_chart, step_time_chart
from gridmap.reports.charts.frame import SIZES, alt_text, save_chart
from gridmap.reports.charts.maps import small_multiples
from gridmap.reports.charts.ranked_places import concentration_chart, ranked_bars
from gridmap.reports.charts.time import trend_chart, weekday_hour_chart

__all__ = [
    "SIZES",
    "alt_text",
    "concentration_chart",
    "funnel_chart",
    "ranked_bars",
    "save_chart",
    "small_multiples",
    "step_time_chart",
    "trend_chart",
    "weekday_hour_chart",
]
