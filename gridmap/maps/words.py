# ruff: noqa: E501 - a sentence and its translation stand side by side
"""Every word the page says itself, in English and in Chinese.

`WORDS[key] == (English, Chinese)`. The page carries both, so a reader can switch; the tests find any word that
the page's scripts use and that is not here, and any that is said in one language only. Texts that come from data
(names, categories, notes) are never translated.
"""

from gridmap.errors import SettingError
from gridmap.messages import did_you_mean

__all__ = ["LANGUAGES", "WORDS", "check_language", "say"]

LANGUAGES = ("en", "zh")

WORDS: dict[str, tuple[str, str]] = {
    # header
    "untitled": ("Hotspot map", "热点地图"),
    "incidents": ("incidents", "起"),
    "set_aside": ("set aside", "起未采用"),
    "source": ("Source", "数据来源"),
    "approval": ("Map approval no.", "审图号"),
    "language_other": ("中文", "English"),
    "language_title": ("中文界面", "Switch to English"),
    # panel
    "panel": ("Panel", "侧栏"),
    "tab_hotspots": ("Hotspots", "热点"),
    "tab_areas": ("Areas", "区域"),
    "tab_clock": ("Clock", "时段"),
    "tab_about": ("About", "说明"),
    "hide_panel": ("Hide the panel", "收起侧栏"),
    "show_panel": ("Show the panel", "展开侧栏"),
    "search": ("Search by name", "按名称查找"),
    "sort_by": ("Sort by", "排序"),
    "rank": ("Rank", "名次"),
    "name": ("Name", "名称"),
    "no_hotspots": ("This layer has no hotspots to rank.", "本图层没有可排名的热点。"),
    "none_found": ("Nothing matches.", "没有符合的结果。"),
    "hotspots_of": ("Ranked in", "排名依据"),
    "amounts_ranked": (
        "The highest amounts. This is not a test: whether they are more than chance, a Gi* or a scan layer says.",
        "按数量由高到低排列。这不是检验：是否超出偶然，请看热点（Gi*）或扫描图层。",
    ),
    "copy_table": ("Copy the table", "复制表格"),
    "copied": ("Copied", "已复制"),
    "unnamed": ("unnamed", "未命名"),
    "place": ("Place", "地点"),
    # numbers
    "count": ("count", "数量"),
    "expected": ("expected", "期望"),
    "expected_even": ("if evenly spread", "均匀分布时"),
    "ratio": ("ratio", "倍数"),
    "ratio_expected": ("times expected", "为期望的倍数"),
    "change": ("change", "增减"),
    "count_before": ("before", "前期"),
    "count_after": ("after", "后期"),
    "difference": ("difference", "增减"),
    "z_score": ("z-score", "z 值"),
    "p_value": ("p", "p 值"),
    "q_value": ("q (corrected)", "q 值（已校正）"),
    "intensity": ("per km²", "每平方公里"),
    "rate": ("rate", "发生率"),
    "stability": ("stays hot in", "稳定性"),
    "rank_interval": ("rank between", "名次区间"),
    "stays_hot": ("hot in {0} of other grids and resamples", "更换网格与重抽样后有 {0} 仍为热点"),
    "label": ("class", "类别"),
    "cells": ("cells", "格"),
    "zones": ("zones", "个区域"),
    "area_km2": ("km²", "平方公里"),
    "area_m2": ("area, m²", "面积（平方米）"),
    "persons": ("persons", "人口"),
    "households": ("households", "户数"),
    "cluster_id": ("cluster", "聚集区"),
    "zone_id": ("zone", "区域"),
    "cell_id": ("cell", "网格"),
    "per_km2": ("incidents per km²", "起/平方公里"),
    "per_1000": ("per 1,000 persons", "每千人"),
    "per_1000_households": ("per 1,000 households", "每千户"),
    "significance": ("significance", "显著性"),
    "peak_hours": ("peak hours", "高发时段"),
    "nearest_camera": ("nearest camera", "最近监控"),
    "metres": ("m", "米"),
    "kilometres": ("km", "公里"),
    "square_kilometres": ("km²", "平方公里"),
    # layers and legend
    "layers": ("Layers", "图层"),
    "themes": ("Theme", "专题"),
    "overlays": ("Overlays", "叠加"),
    "legend": ("Legend", "图例"),
    "no_data": ("no data", "无数据"),
    "zero_or_less": ("0 or less", "0 或以下"),
    "others": ("others", "其他"),
    "too_few": ("too few to tell", "数量过少，无法判断"),
    "under_reported": ("possibly under-reported", "可能漏报"),
    "fixed_breaks": ("Classes are the same in every period.", "各时期分级一致。"),
    "hours_breaks": ("Classes are for the chosen hours.", "分级随所选时段而定。"),
    "label hot 99": ("hot 99 %", "热点 99%"),
    "label hot 95": ("hot 95 %", "热点 95%"),
    "label hot 90": ("hot 90 %", "热点 90%"),
    "label none": ("not significant", "不显著"),
    "label cold 90": ("cold 90 %", "冷点 90%"),
    "label cold 95": ("cold 95 %", "冷点 95%"),
    "label cold 99": ("cold 99 %", "冷点 99%"),
    "label high-high": ("high among high", "高值聚集"),
    "label low-low": ("low among low", "低值聚集"),
    "label high-low": ("high among low", "高值被低值包围"),
    "label low-high": ("low among high", "低值被高值包围"),
    "label up 99": ("more, 99 %", "上升 99%"),
    "label up 95": ("more, 95 %", "上升 95%"),
    "label up 90": ("more, 90 %", "上升 90%"),
    "label down 90": ("fewer, 90 %", "下降 90%"),
    "label down 95": ("fewer, 95 %", "下降 95%"),
    "label down 99": ("fewer, 99 %", "下降 99%"),
    "label new hot": ("new hot spot", "新增热点"),
    "label consecutive hot": ("consecutive hot spot", "连续热点"),
    "label intensifying hot": ("intensifying hot spot", "加剧热点"),
    "label persistent hot": ("persistent hot spot", "持续热点"),
    "label diminishing hot": ("diminishing hot spot", "减弱热点"),
    "label sporadic hot": ("sporadic hot spot", "零星热点"),
    "label oscillating hot": ("oscillating hot spot", "振荡热点"),
    "label historical hot": ("historical hot spot", "历史热点"),
    "label new cold": ("new cold spot", "新增冷点"),
    "label consecutive cold": ("consecutive cold spot", "连续冷点"),
    "label intensifying cold": ("intensifying cold spot", "加剧冷点"),
    "label persistent cold": ("persistent cold spot", "持续冷点"),
    "label diminishing cold": ("diminishing cold spot", "减弱冷点"),
    "label sporadic cold": ("sporadic cold spot", "零星冷点"),
    "label oscillating cold": ("oscillating cold spot", "振荡冷点"),
    "label historical cold": ("historical cold spot", "历史冷点"),
    # names of layers
    "layer getis_ord": ("Hotspots (Gi*)", "热点（Gi*）"),
    "layer hotspot_test": ("Hotspots", "热点"),
    "layer local_moran": ("Clusters and outliers", "聚集与异常"),
    "layer compare_periods": ("Change", "变化"),
    "layer kernel_density": ("Density", "密度"),
    "layer dbscan": ("Clusters (DBSCAN)", "聚集区（DBSCAN）"),
    "layer hdbscan": ("Clusters (HDBSCAN)", "聚集区（HDBSCAN）"),
    "layer st_dbscan": ("Space-time clusters", "时空聚集区"),
    "layer spatial_scan": ("Scan clusters", "扫描聚集区"),
    "layer emerging_hotspots": ("Emerging hotspots", "热点演变"),
    "layer incident_rates": ("Rates", "发生率"),
    "layer quiet_cells": ("Possibly under-reported", "可能漏报"),
    "layer counts": ("Counts", "数量"),
    "layer zones": ("Zones", "区划"),
    "layer response_coverage": ("Reached in time", "响应范围"),
    "layer street_hotspots": ("Hot streets (Gi*)", "热点街段（Gi*）"),
    "minutes": ("min", "分钟"),
    "street_km": ("km of street", "道路（公里）"),
    "street_share_percent": ("% of streets", "道路占比（%）"),
    "hotspots_percent": ("% of hotspots", "热点占比（%）"),
    "incidents_percent": ("% of incidents", "案事件占比（%）"),
    "residents_percent": ("% of residents", "居民占比（%）"),
    "hotspots_kept_percent": ("% of hotspots within the standard's distance", "标准距离内热点达标率（%）"),
    "incidents_kept_percent": ("% of incidents within the standard's distance", "标准距离内案事件达标率（%）"),
    "residents_kept_percent": ("% of residents within the standard's distance", "标准距离内居民达标率（%）"),
    "rate_per_km": ("per km", "每公里"),
    "length_m": ("length, m", "长度（米）"),
    # time
    "timeline": ("Time", "时间轴"),
    "play": ("Play", "播放"),
    "pause": ("Pause", "暂停"),
    "step_back": ("Back", "上一个"),
    "step_on": ("Next", "下一个"),
    "speed": ("Speed", "速度"),
    "window": ("Window", "时间窗"),
    "single_period": ("One period", "单期"),
    "cumulated": ("Up to it", "累计"),
    "up_to": ("up to {0}", "截至{0}"),
    "clock_hint": (
        "Drag over hours, or choose a day or an hour by its name; the map shows those hours.",
        "拖选时段，或点星期、钟点名称；地图只显示所选时段。",
    ),
    "clock_now": ("{0} of 168 hours: {1} incidents, {2} of all", "168 小时中的 {0} 小时：{1} 起，占全部的 {2}"),
    "clock_all": ("All hours", "全部"),
    "clock_day": ("08–20 h", "8–20 时"),
    "clock_night": ("20–08 h", "20–8 时"),
    "clock_weekend": ("Weekend", "周末"),
    "hour_of_day": ("hour {0}", "{0} 时"),
    # patrols
    "tab_patrols": ("Patrols", "巡逻"),
    "shift_of": ("Shift {0}", "第 {0} 班"),
    "units_at_stops": ("{0} of {1} units at a stop", "{1} 个单元中 {0} 个在点位"),
    "unit_at": ("at {0}, until {1}", "在点位 {0}，至 {1}"),
    "unit_to": ("on the way to {0}, there at {1}", "前往点位 {0}，{1} 到达"),
    "unit_home": ("on the way back, there at {0}", "返回途中，{0} 到达"),
    "unit_waits": ("stays until {1}, then to {0}", "原地停留至 {1}，然后前往点位 {0}"),
    "unit_pauses": ("pause, until {0}", "休息，至 {0}"),
    "unit_off": ("not on the road", "未在巡逻"),
    "stop_to_come": ("stop to come", "待巡点位"),
    "stop_now": ("somebody is there", "正在驻留"),
    "stop_done": ("visited", "已巡点位"),
    # areas
    "whole_area": ("Whole area", "全域"),
    "hot_cells": ("hot cells", "热点格"),
    "area": ("area", "面积"),
    # tools
    "tools": ("Tools", "工具"),
    "tour": ("Tour", "巡览"),
    "compare": ("Compare", "对比"),
    "compare_with": ("Compare with", "对比对象"),
    "measure": ("Measure", "测距"),
    "share": ("Copy link", "复制链接"),
    "print_a4": ("Print A4", "打印 A4"),
    "print_a3": ("A3", "A3"),
    "fullscreen": ("Full screen", "全屏"),
    "close": ("Close", "关闭"),
    "next": ("Next", "下一个"),
    "nearest": ("nearest of {0}", "最近的{0}"),
    "hours_share": ("{0}–{1} h ({2} of incidents)", "{0}–{1} 时（占 {2}）"),
    "expected_after": ("expected after", "后期期望"),
    # about
    "period": ("Period", "时段"),
    "classification": ("Classification", "密级标识"),
    "made_for": ("Made for", "适用对象"),
    "audience internal": ("Internal: not for a meeting", "仅供内部分析使用"),
    "audience meeting": ("For a meeting: not for the public", "供会议使用，不对外公开"),
    "audience public": ("For the public", "可对外公开"),
    "audience_holds internal": ("It may hold exact places and times.", "可能含有具体地点和时间。"),
    "audience_holds meeting": (
        "Cells and outlines made of cells; no single incident, no exact place or time.",
        "仅含网格及由网格构成的范围，不含单起案事件，不含具体地点和时间。",
    ),
    "audience_holds public": (
        "Cells are merged until every number speaks of enough incidents; where they were within an area is not known.",
        "网格已合并，使每个数字都达到最低起数；区域内的具体位置不可知。",
    ),
    "incidents_used": ("Incidents used", "采用起数"),
    "incidents_aside": ("Set aside", "未采用起数"),
    "notes": ("To know", "须知"),
    "cannot_say": ("What this map cannot say", "本图不能说明什么"),
    "cannot_say_text": (
        "It shows where incidents were recorded, not who is responsible and not why. A quiet cell may be safe or may be "
        "silent: few reports are not the same as few incidents. It speaks of places, never of persons.",
        "本图显示案事件记录在何处，不说明何人所为、为何发生。平静的网格可能安全，也可能无人报告：报告少不等于发生少。只涉及地点，不涉及个人。",
    ),
    "made_with": ("Made with gridmap. This file needs no network.", "由 gridmap 生成。本文件无需联网。"),
    "method hotspot_test": (
        "The incidents in a cell and its neighbours are compared with their exact share of all: of the "
        "residents, or of the land where no residents are known. Hot 99 % means: of the cells marked so, at "
        "most 1 % are expected to hold no more than that share explains. A place may differ for ordinary "
        "reasons; the strict tier allows for these.",
        "将网格及其邻格的案事件数与其应占份额作精确比较：按常住人口，无人口数据时按土地面积。热点 99% 指：如此标出的网格中，预计至多 1% 并未超出该份额所能解释的程度。各处本有寻常差异，严格检验已将其计入。",
    ),
    "method getis_ord": (
        "Gi* compares the count of a cell and its neighbours with the whole territory. Hot 99 % means: so high a "
        "concentration would be rare if incidents fell anywhere alike.",
        "Gi* 将每格及其邻格的数量与全域相比。热点 99% 表示：若案事件随机分布，如此集中极为罕见。",
    ),
    "method local_moran": (
        "Local Moran's I finds cells that are like their neighbours (high among high, low among low) and those that "
        "stand out against them.",
        "局部莫兰指数找出与邻格相似（高值聚集、低值聚集）和与邻格相反的网格。",
    ),
    "method compare_periods": (
        "Each cell's counts of two periods are compared by a test for counts. More and fewer are named only where "
        "chance is an unlikely reason.",
        "用计数检验比较每格前后两期的数量，只有难以用偶然解释时才标为上升或下降。",
    ),
    "method kernel_density": (
        "Each incident is spread over a circle in metres, and the sums are incidents per km². A smooth picture, no test: "
        "it shows where, not whether by chance.",
        "每起案事件按米为单位在圆内平滑，总和为每平方公里起数。这是平滑图，不是检验：只说明在哪里，不说明是否偶然。",
    ),
    "method dbscan": (
        "Points with enough others within a distance in metres form clusters; the outline is drawn around them.",
        "在给定距离（米）内有足够多邻点的点连成聚集区，外廓为其包络线。",
    ),
    "method hdbscan": (
        "Groups of points that stay together over many distances form clusters, dense and less dense ones alike.",
        "在多种距离下都聚在一起的点构成聚集区，密集与较稀疏的都能找到。",
    ),
    "method emerging_hotspots": (
        "Gi* in every period, and the trend of each cell's z-score (Mann–Kendall): which hotspots are new, persistent, "
        "growing or fading.",
        "逐期计算 Gi*，并检验每格 z 值的趋势（曼-肯德尔）：哪些热点是新增、持续、加剧或减弱。",
    ),
    "method quiet_cells": (
        "Cells with far fewer reports than their neighbours and population lead one to expect. Possibly under-reported: "
        "to be asked about, never to be called safe.",
        "报告数远低于按邻格和人口所期望的网格。可能漏报：应去了解，不能当作安全。",
    ),
    "method response_coverage": (
        "Streets that a unit reaches within the time, by the shortest way in the direction it may be driven, and 40 m "
        "around them. Speeds are assumptions: posted limits, or a figure for the class of street.",
        "单元沿可通行方向按最短路在时限内能到达的道路及其两侧 40 米。车速为假设值：限速，或该等级道路的常用值。",
    ),
    "method street_hotspots": (
        "Gi* of incidents a kilometre, over street segments that meet: which streets are hot together with those that "
        "join them.",
        "对每公里案事件数按相接街段计算 Gi*：哪些街段与相邻街段一起成为热点。",
    ),
    "method cells": (
        "The amounts as they were counted, in classes. No test was made.",
        "按统计数量分级显示，未作检验。",
    ),
    "clusters_found": ("cluster", "聚集区"),
}


def check_language(language: str) -> str:
    """`language`, or a SettingError that names those there are."""
    if language not in LANGUAGES:
        raise SettingError(f"There is no language {language!r}. {did_you_mean(language, LANGUAGES)}")
    return language


def say(text, language: str = "en") -> str:
    """A Word in a language; any other text as it is.

    Examples
    --------
    >>> from gridmap.maps.layers import Word
    >>> say(Word("label hot 99"), "zh"), say("Harehills", "zh")
    ('热点 99%', 'Harehills')
    """
    key = getattr(text, "key", None)
    return str(text) if key is None else WORDS[key][LANGUAGES.index(language)]
