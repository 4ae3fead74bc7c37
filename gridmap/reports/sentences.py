# ruff: noqa: E501 - a sentence and its translation stand side by side
"""Facts → sentences, in English and in Chinese: templates that print, and decide nothing.

`SENTENCES[kind] == (English, Chinese)`. A template holds no digit of its own: each number in a sentence is a number
of its fact, and both languages are filled from the same fact (the tests hold this). `{n:#cell|cells}` prints a number
with the word that goes with it.
"""

import string
from collections.abc import Iterable
from typing import Any

from gridmap.maps.words import LANGUAGES, WORDS, check_language
from gridmap.reports.facts import Fact

__all__ = ["LIMITS", "SENTENCES", "sentence", "sentences"]

SENTENCES: dict[str, tuple[str, str]] = {
    "sample": (
        "{rows:,} rows were read and {aside:,} set aside ({located:.1%} located); {used:,} incidents of the kind and time asked for were used, over {zones:,} zones in {cells:,} cells.",
        "共读取 {rows:,} 行，其中 {aside:,} 行未采用（定位率 {located:.1%}）；符合所选类别与时段的 {used:,} 起事件用于分析，{zones:,} 个区域划为 {cells:,} 个单元。",
    ),
    "outside": (
        "{n:,} of the {used:,} incidents lie outside the territory and are in no cell.",
        "{used:,} 起事件中有 {n:,} 起位于辖区之外，不在任何单元内。",
    ),
    "vague_times": (
        "{n:,} of {used:,} incidents are dated to no better than a span of days, such as a month: of their hours and weekdays nothing can be said.",
        "{used:,} 起事件中有 {n:,} 起只记录到若干天或月份，无法说明其发生的星期与钟点。",
    ),
    "hot": (
        "{name}: {n:,} of {cells:,} cells are hot beyond chance ({threshold}); they hold {share:.0%} of {total:,} incidents on {area:.1%} of the area.",
        "{name}：{cells:,} 个单元中有 {n:,} 个为显著热点（{threshold}）；占面积 {area:.1%}，集中了 {total:,} 起事件的 {share:.0%}。",
    ),
    "none_hot": (
        "{name}: no cell of {cells:,} is hot beyond chance ({threshold}).",
        "{name}：{cells:,} 个单元中未发现显著热点（{threshold}）。",
    ),
    "busiest": (
        "The busiest of them is in {place}: {count:#incident|incidents}, {ratio:.1f} times the average cell.",
        "其中事件最多的单元位于 {place}：{count:,} 起，为单元平均值的 {ratio:.1f} 倍。",
    ),
    "cold": ("{name}: {n:#cell is|cells are} cold beyond chance.", "{name}：{n:,} 个单元为显著冷点。"),
    "half": (
        "{name}: half of the {total:,} incidents lie in {n:,} of {cells:,} cells ({share:.1%}).",
        "{name}：{total:,} 起事件的一半集中在 {cells:,} 个单元中的 {n:,} 个（{share:.1%}）。",
    ),
    "few_expected": (
        "{name}: about {expected:.3g} incidents are expected in a cell and its neighbours; below {limit:,} this test calls too many cells hot, so weak hotspots are to be read with care.",
        "{name}：每个单元及其邻格的期望约为 {expected:.3g} 起；低于 {limit:,} 起时，该检验会把过多单元判为热点，较弱的热点须谨慎看待。",
    ),
    "stable": (
        "{name}: {firm:,} of the {n:#ranked hotspot stays|ranked hotspots stay} hot in {least:.0%} or more of {runs:,} other grids and resamples; the first, {place}, in {share:.0%}.",
        "{name}：列出的 {n:,} 处热点中，有 {firm:,} 处在 {runs:,} 次更换网格与重抽样中不少于 {least:.0%} 仍为热点；居首的 {place} 为 {share:.0%}。",
    ),
    "moran": (
        "{name}: beyond chance ({threshold}), {high_high:#cell is|cells are} high among high and {low_low:,} low among low; {high_low:,} high and {low_high:,} low stand out against their neighbours.",
        "{name}：在 {threshold} 下，{high_high:,} 个单元为高值聚集，{low_low:,} 个为低值聚集；{high_low:,} 个高值被低值包围，{low_high:,} 个低值被高值包围。",
    ),
    "change": (
        "{name}: {before:#incident|incidents} before, {after:,} after ({percent:+.0%}), {confidence:.0%} interval {low:+.0%} to {high:+.0%}; {up:#cell|cells} rose and {down:,} fell beyond chance ({threshold}).",
        "{name}：前期 {before:,} 起，本期 {after:,} 起（{percent:+.0%}），{confidence:.0%} 区间 {low:+.0%} 至 {high:+.0%}；{up:,} 个单元显著上升，{down:,} 个显著下降（{threshold}）。",
    ),
    "change_from_nothing": ("{name}: none before, {after:,} after.", "{name}：前期无，本期 {after:,} 起。"),
    "most_up": (
        "It rose most in {place}: {before:,} before, {after:,} after.",
        "上升最多的是 {place}：前期 {before:,} 起，本期 {after:,} 起。",
    ),
    "most_down": (
        "It fell most in {place}: {before:,} before, {after:,} after.",
        "下降最多的是 {place}：前期 {before:,} 起，本期 {after:,} 起。",
    ),
    "unequal_periods": (
        "{name}: the periods are {before:,.4g} and {after:,.4g} days long; the test allows for it, the percentage does not.",
        "{name}：前后两期分别为 {before:,.4g} 天和 {after:,.4g} 天；检验已作折算，百分比未折算。",
    ),
    "clusters": (
        "{name}: {n:#cluster holds|clusters hold} {share:.0%} of {total:,} incidents; the largest, in {place}, has {count:,}.",
        "{name}：{n:,} 个聚集区包含 {total:,} 起事件的 {share:.0%}；最大的位于 {place}，有 {count:,} 起。",
    ),
    "no_clusters": ("{name}: no cluster among {total:,} incidents.", "{name}：{total:,} 起事件未形成聚集区。"),
    "scan": (
        "{name}: {n:#cluster|clusters} beyond chance (p ≤ {level:.0%}, {permutations:,} permutations); the most likely, around {place}, has {count:,} where {expected:,.1f} are expected ({p_text}).",
        "{name}：{n:,} 个聚集区超出偶然（p ≤ {level:.0%}，{permutations:,} 次置换）；最可能的位于 {place} 一带，有 {count:,} 起，期望 {expected:,.1f} 起（{p_text}）。",
    ),
    "no_scan": (
        "{name}: no cluster beyond chance (p ≤ {level:.0%}, {permutations:,} permutations).",
        "{name}：未发现超出偶然的聚集区（p ≤ {level:.0%}，{permutations:,} 次置换）。",
    ),
    "chance": (
        "{name}: {statistic:.3f} where {expected:.3f} is expected ({p_text}): no pattern over the whole territory that chance could not make.",
        "{name}：{statistic:.3f}，期望值 {expected:.3f}（{p_text}）：全域格局未超出偶然。",
    ),
    "no_chance": (
        "{name}: {statistic:.3f} where {expected:.3f} is expected ({p_text}): the whole territory shows a pattern beyond chance.",
        "{name}：{statistic:.3f}，期望值 {expected:.3f}（{p_text}）：全域格局超出偶然。",
    ),
    "repeats": (
        "{name}: within {from_m:,.4g} to {to_m:,.4g} metres and {from_days:,.4g} to {to_days:,.4g} days of an incident there are {ratio:.1f} times as many others as chance would bring ({observed:,} pairs, {expected:,.1f} expected; {p_text}, {permutations:,} permutations).",
        "{name}：一起事件之后 {from_days:,.4g} 至 {to_days:,.4g} 天、{from_m:,.4g} 至 {to_m:,.4g} 米之内，再发为偶然水平的 {ratio:.1f} 倍（{observed:,} 对，期望 {expected:,.1f} 对；{p_text}，{permutations:,} 次置换）。",
    ),
    "no_repeats": (
        "{name}: no repetition beyond chance; nearest and soonest {observed:,} pairs, {expected:,.1f} expected ({p_text}, {permutations:,} permutations).",
        "{name}：未发现超出偶然的近重复；最近且最短间隔有 {observed:,} 对，期望 {expected:,.1f} 对（{p_text}，{permutations:,} 次置换）。",
    ),
    "emerging": (
        "{name}, {first} to {last} ({periods:#period|periods}): hot beyond chance ({threshold}) are {new:#new cell|new cells}, {growing:,} growing, {lasting:,} lasting, {fading:,} fading and {unsteady:,} unsteady ones.",
        "{name}，{first} 至 {last}（{periods:,} 期）：在 {threshold} 下，新增热点 {new:,} 个、加剧 {growing:,} 个、持续 {lasting:,} 个、减弱或已消退 {fading:,} 个、时有时无 {unsteady:,} 个。",
    ),
    "quiet": (
        "{name}: {n:,} of {cells:,} cells report improbably little ({threshold}) given their neighbours: possibly under-reported, to be asked about, not to be called safe.",
        "{name}：{cells:,} 个单元中有 {n:,} 个的报告数与邻格相比少得不合常理（{threshold}）：可能漏报，应去了解，不能当作安全。",
    ),
    "none_quiet": (
        "{name}: no cell of {cells:,} is improbably quiet ({threshold}).",
        "{name}：{cells:,} 个单元中未发现少得不合常理的（{threshold}）。",
    ),
    "rates": (
        "{name}: {overall:,.3g} per {per:,.6g} over all; {high:#cell is|cells are} above and {low:,} below that beyond chance ({threshold}).",
        "{name}：全域每 {per:,.6g} 人（户）{overall:,.3g} 起；{high:,} 个单元显著偏高，{low:,} 个显著偏低（{threshold}）。",
    ),
    "highest_rate": (
        "The highest rate is in {place}: {rate:,.3g} per {per:,.6g} from {count:#incident|incidents} ({confidence:.0%} interval {low:,.3g} to {high:,.3g}).",
        "发生率最高的是 {place}：每 {per:,.6g} 人（户）{rate:,.3g} 起，共 {count:,} 起（{confidence:.0%} 区间 {low:,.3g} 至 {high:,.3g}）。",
    ),
    "risk": (
        "{name}: of {cells:,} cells {high:#has|have} a risk above and {low:,} below the rest, beyond chance.",
        "{name}：{cells:,} 个单元中 {high:,} 个风险显著偏高，{low:,} 个显著偏低。",
    ),
    "density": (
        "{name}: densest in {place}, {intensity:,.3g} incidents per km². This is a picture, not a test.",
        "{name}：密度最高处位于 {place}，每平方公里 {intensity:,.3g} 起。这是平滑图，不是检验。",
    ),
    "peak_hours": (
        "{heading}{share:.0%} of {timed:,} incidents with a known hour fall between {start} and {end} o'clock; the busiest day of the week is {weekday_text} with {weekday_share:.0%}.",
        "{heading}{timed:,} 起已知钟点的事件中，{share:.0%} 发生在 {start} 至 {end} 时；{weekday_text}最多，占 {weekday_share:.0%}。",
    ),
    "plan": (
        "Patrols: {routes:#route|routes} with {visits:#visit|visits} to {there:,} of {places:,} places, {share:.0%} of what there is to reach; {unmet:#demand|demands} could not be met.",
        "巡逻：{routes:,} 条路线，{visits:,} 次到访，覆盖 {places:,} 处中的 {there:,} 处，占应达权重的 {share:.0%}；{unmet:,} 项要求无法满足。",
    ),
    # since the last run
    "since": (
        "{name}, since {period}: {new:,} new, {gone:,} gone, {up:,} up, {down:,} down, {same:,} without a change beyond chance ({threshold}); the earlier run was made on {date}.",
        "{name}，与 {period} 相比：新增 {new:,} 处，消失 {gone:,} 处，上升 {up:,} 处，下降 {down:,} 处，{same:,} 处无显著变化（{threshold}）；上期结果生成于 {date}。",
    ),
    "since_none": (
        "No earlier run of this pipeline was found, so nothing is said about what is new or gone.",
        "未找到同一流程的上期结果，因此不说明新增与消失。",
    ),
    "since_total": (
        "{name}, all cells: {before:#incident|incidents} then, {after:,} now ({percent:+.0%}), {confidence:.0%} interval {low:+.0%} to {high:+.0%}.",
        "{name}，全部单元：上期 {before:,} 起，本期 {after:,} 起（{percent:+.0%}），{confidence:.0%} 区间 {low:+.0%} 至 {high:+.0%}。",
    ),
    "incomparable": (
        "{name}: the earlier run, of {period}, cannot be compared with this one: {reasons_text}.",
        "{name}：上期（{period}）与本期不可比：{reasons_text}。",
    ),
}

#: How a p-value is corrected, in words; the level is the fact's.
_THRESHOLDS = {
    "fdr": ("false discovery rate {level:.0%}", "错误发现率 {level:.0%}"),
    "fdr_by": ("false discovery rate {level:.0%}, any dependence", "错误发现率 {level:.0%}（任意相关）"),
    "holm": ("family-wise error {level:.0%}, Holm", "总体错误率 {level:.0%}（Holm）"),
    "bonferroni": ("family-wise error {level:.0%}, Bonferroni", "总体错误率 {level:.0%}（Bonferroni）"),
    "none": ("p ≤ {level:.0%}, not corrected for the number of cells", "p ≤ {level:.0%}，未作多重检验校正"),
}
#: Why two runs cannot be compared.
_REASONS = {
    "grid": ("the grids differ", "网格不同"),
    "boundaries": ("the boundary files differ", "边界文件不同"),
    "settings": ("the method or its settings differ", "方法或参数不同"),
    "incidents": ("other kinds of incident were chosen", "所选事件类别不同"),
    "length": ("the periods are not equally long", "时段长度不同"),
    "same_period": ("both are of the same period", "两次为同一时段"),
    "overlap": ("the periods overlap", "时段重叠"),
    "no_period": ("their periods are not known", "时段不明"),
    "audience": ("they were made for different audiences", "面向的对象不同"),
}
_WEEKDAYS = (
    ("Monday", "星期一"), ("Tuesday", "星期二"), ("Wednesday", "星期三"), ("Thursday", "星期四"),
    ("Friday", "星期五"), ("Saturday", "星期六"), ("Sunday", "星期日"),
)  # fmt: skip

#: What no paper can say, whatever its numbers: stands in every box of limits.
LIMITS = (
    WORDS["cannot_say_text"],
    (
        "Intervals and tests take incidents as independent of each other; where they come in series, the intervals are too narrow.",
        "区间与检验假定各事件相互独立；若事件成串发生，区间偏窄。",
    ),
    (
        "A place is named because it is high now. Some of what is highest is luck, and the next period will tend to be lower there even if nothing is done.",
        "一处地点因本期偏高而被列名；最高者总带有几分偶然，即使不采取措施，下期也往往回落。",
    ),
)


class _Words(string.Formatter):
    """`str.format`, with `{n:#cell|cells}` for a number and its word, and "–" for what is not known."""

    def get_value(self, key, args, kwargs):
        return kwargs.get(key)

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return "–"
        if format_spec.startswith("#"):
            one, _, many = format_spec[1:].partition("|")
            return f"{value:,} {one if value == 1 else many}"
        said = super().format_field(value, format_spec)
        return said.replace("-", "−") if format_spec.startswith("+") else said  # a hyphen may end a line, a minus not


_WORDS = _Words()


def sentence(told: Fact, language: str = "en") -> str:
    """One fact as a sentence.

    Parameters
    ----------
    told : Fact
    language : {"en", "zh"}

    Returns
    -------
    str
        Empty for a kind that this version does not know.

    Examples
    --------
    >>> from gridmap.reports.facts import fact
    >>> sentence(fact("cold", name="Burglary", n=1)), sentence(fact("cold", name="入室盗窃", n=1), "zh")
    ('Burglary: 1 cell is cold beyond chance.', '入室盗窃：1 个单元为显著冷点。')
    """
    at = LANGUAGES.index(check_language(language))
    if told.kind not in SENTENCES:
        return ""
    values = dict(told.values)
    if "method" in values or "name" in values:
        values["name"] = values.get("name") or method_name(values.get("method"), language)
        values["heading"] = values["name"] and values["name"] + (": ", "：")[at]  # none where all incidents are meant
    if "correction" in values:
        template = _THRESHOLDS.get(values["correction"], _THRESHOLDS["fdr"])[at]
        values["threshold"] = _WORDS.format(template, **values)
    if "p" in values:
        values["p_text"] = (
            "–" if values["p"] is None else "p < 0.001" if values["p"] < 0.001 else f"p = {values['p']:.3f}"
        )
    if "weekday" in values:
        values["weekday_text"] = _WEEKDAYS[values["weekday"]][at]
    if "reasons" in values:
        values["reasons_text"] = ("; ", "；")[at].join(_REASONS.get(r, (r, r))[at] for r in values["reasons"])
    return _WORDS.format(SENTENCES[told.kind][at], **values)


def sentences(facts: Iterable[Fact], language: str = "en") -> list[str]:
    """All facts as sentences, in their order."""
    return [said for told in facts if (said := sentence(told, language))]


def method_name(method: str | None, language: str) -> str:
    """What the map calls a method's layer."""
    names = WORDS.get(f"layer {method}")
    return str(method or "").replace("_", " ") if names is None else names[LANGUAGES.index(language)]
