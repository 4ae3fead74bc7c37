"""What the charts say themselves, in English and in Chinese: `WORDS[key] == (English, Chinese)`."""

__all__ = ["MONTHS", "WEEKDAYS", "WORDS", "word"]

WEEKDAYS = (
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
)
MONTHS = (
    ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    tuple(f"{m}月" for m in range(1, 13)),
)
WORDS = {
    "trend": ("Incidents by {0}", "各{0}事件数"),
    "month": ("month", "月"),
    "day": ("day", "日"),
    "year": ("year", "年"),
    "quarter": ("quarter", "季度"),
    "week": ("week", "周"),
    "period": ("period", "时段"),
    "incidents": ("incidents", "事件数（起）"),
    "this_year": ("latest", "本期"),
    "last_year": ("a year before", "上年同期"),
    "band": ("no change beyond chance (95 %)", "与上年无显著差异的范围（95%）"),
    "no_last_year": ("No counts of the year before: no band can be drawn.", "无上年同期数据，无法绘制波动范围。"),
    "part_last_year": (
        "Of the year before, {0} of {1} are known.",
        "上年同期仅有 {0}/{1} 个时段的数据。",
    ),
    "week_title": ("When: weekday and hour", "时段分布：星期与小时"),
    "hour": ("hour of the day", "时刻（时）"),
    "per_cell": ("incidents in the hour", "每小时事件数"),
    "expected_per_cell": ("incidents expected in the hour", "每小时期望事件数"),
    "times_unknown": (
        "The time of day of these incidents is not known:\nthere is no matrix to draw.",
        "这些事件没有具体时刻，\n无法绘制时段分布。",
    ),
    "untimed": ("{0} of {1} incidents without a usable time are not shown.", "{1} 起中有 {0} 起无可用时刻，未计入。"),
    "uncertain": (
        "{0} are known to an interval only, and spread evenly over it (aoristic).",
        "{0} 的事件只知时间区间，已在区间内均匀分摊（aoristic）。",
    ),
    "concentration": ("Concentration: how few places hold how many", "集中程度：多少地点占多少事件"),
    "share_places": ("share of the {0}, busiest first", "{0}占比（由多到少）"),
    "share_incidents": ("share of the incidents", "事件占比"),
    "places": ("places", "地点"),
    "observed": ("observed", "实际"),
    "chance": ("by chance alone", "仅由偶然"),
    "equal": ("all alike", "完全均匀"),
    "half": (
        "{0} of the {1} hold {2}\n({3} to {4}; by chance {5})",
        "{0}的{1}占{2}的事件\n（{3}–{4}；偶然时 {5}）",
    ),
    "half_of": ("half of the incidents", "一半"),
    "part_of": ("{0} of the incidents", "{0}"),
    "ranked": ("Ranked places", "地点排名"),
    "interval": ("95 % interval", "95% 区间"),
    "poisson": ("95 % interval (Poisson)", "95% 区间（泊松）"),
    "expected": ("expected", "期望值"),
    "multiples": ("{0}, period by period", "{0}：各时段"),
    "same_classes": ("Classes are the same in every map.", "各图分级一致。"),
    "n": ("n = {0}", "{0} 起"),
    "alt_trend": (
        "Line of incidents by {0} from {1} to {2}: lowest {3}, highest {4} ({5}), last {6}.",
        "折线图：{1} 至 {2} 各{0}事件数，最低 {3}，最高 {4}（{5}），最近 {6}。",
    ),
    "alt_week": (
        "Matrix of weekday and hour: busiest is {0} from {1}:00 to {2}:00; busiest day {3}.",
        "星期与小时矩阵：{0} {1}–{2} 时最多；{3}全天最多。",
    ),
    "alt_bars": (
        "Bars of {0} places; first {1} with {2}, last {3} with {4}.",
        "条形图，共 {0} 处；首位 {1}（{2}），末位 {3}（{4}）。",
    ),
    "alt_multiples": ("{0} maps with one legend: {1}.", "{0} 幅地图，共用图例：{1}。"),
}


def word(key: str, language: str, *values) -> str:
    """A text in a language, with its values put in.

    Examples
    --------
    >>> word("n", "en", "1,200"), word("n", "zh", "1,200")
    ('n = 1,200', '1,200 起')
    """
    text = WORDS[key][1 if language == "zh" else 0]
    return text.format(*values) if values else text
