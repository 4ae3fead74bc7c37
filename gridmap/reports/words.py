"""The words of the papers, in English and in Chinese; what the map already says is said by `gridmap.maps.words`."""

from gridmap.maps.words import LANGUAGES, WORDS

__all__ = ["PAPER_WORDS", "words_in"]

PAPER_WORDS: dict[str, tuple[str, str]] = {
    "briefing": ("Briefing", "工作简报"),
    "summary": ("Summary", "摘要"),
    "changes": ("Since last time", "与上期相比"),
    "charts": ("Charts", "图表"),
    "over_time": ("Over time", "时间规律"),
    "method_and_limits": ("Method and limits", "方法与局限"),
    "limits": ("What this paper cannot say", "本简报不能说明什么"),
    "sources": ("Sources and how it was made", "数据来源与制作"),
    "set_aside_rows": ("Rows set aside", "未采用的记录"),
    "file": ("File", "文件"),
    "reason": ("Reason", "原因"),
    "rows": ("Rows", "行数"),
    "used": ("Used", "采用"),
    "aside": ("Set aside", "未采用"),
    "sha256": ("SHA-256", "SHA-256"),
    "run_id": ("Run", "运行编号"),
    "written": ("Made on", "生成时间"),
    "versions": ("Versions", "软件版本"),
    "grid": ("Grid", "网格"),
    "audience": ("Made for", "面向"),
    "audience internal": ("internal use only", "仅限内部"),
    "audience meeting": ("meeting", "会议"),
    "audience public": ("the public", "公众"),
    "page": ("page {0} of {1}", "第 {0} 页，共 {1} 页"),
    "page_mark": ("page", "第"),
    "page_of": ("of", "页，共"),
    "page_end": ("", "页"),
    "place": ("Place", "地点"),
    "class": ("Class", "类别"),
    "status": ("Status", "状态"),
    "status new": ("new", "新增"),
    "status gone": ("gone", "消失"),
    "status up": ("up", "上升"),
    "status down": ("down", "下降"),
    "status same": ("no change beyond chance", "无显著变化"),
    "then": ("then", "上期"),
    "now": ("now", "本期"),
    "first_rows": (
        "The first {0} of {1}; all of them stand in the table on the map and in the workbook.",
        "列出前 {0} 处，共 {1} 处；全部见地图表格与工作簿。",
    ),
    "no_rows": ("No place stands out, so there is nothing to rank.", "没有突出的地点，无可排名。"),
    "amounts": ("Highest amounts; no test was made.", "按数量由高到低，未作检验。"),
    "north": ("N", "北"),
    "map_numbers": ("Numbers on the map are the ranks of the table.", "图中数字为表中名次。"),
    "setting": ("Setting", "参数"),
    "value": ("Value", "取值"),
    "category": ("Kind", "类别"),
    "period_start": ("Begins", "起始日期"),
    "weekday": ("Weekday", "星期"),
    "hour": ("Hour", "钟点"),
    "method": ("Method", "方法"),
    "continued": ("continued", "续"),
    "numbers": ("Numbers", "数据"),
    "p_change": ("p of the change", "变化的 p 值"),
    "left_out": ("Not given to this audience", "不向该对象提供"),
    "peak": ("Peak hours", "高发时段"),
    "reason no_coordinates": ("no coordinates", "坐标为空"),
    "reason bad_coordinates": ("coordinates are no numbers", "坐标不是数字"),
    "reason zero_coordinates": ("coordinates are zero", "坐标为零"),
    "reason swapped": ("longitude and latitude exchanged", "经纬度颠倒"),
    "reason sign_lost": ("a minus sign is missing", "坐标缺少负号"),
    "reason outside_range": ("coordinates that do not exist", "坐标超出范围"),
    "reason impossible_time": ("a time that does not exist", "时间不存在"),
    "reason unreadable_time": ("a time in no known format", "时间格式无法识别"),
    "reason end_before_start": ("ends before it begins", "结束早于开始"),
    "reason wrong_field_count": ("too many or too few fields", "字段数不符"),
    "reason totals_row": ("a sum, no incident", "合计行"),
    "reason repeated_header": ("the header again", "重复的表头"),
    "reason empty_row": ("empty row", "空行"),
    "reason not_a_point": ("no point", "不是点"),
    "reason duplicate": ("the same incident again", "重复记录"),
    "reason not told to the public": ("not told to the public", "不对公众提供"),
}


def words_in(language: str):
    """A function from a key to its word, of the papers or of the map; a key that neither knows is said as it is.

    Examples
    --------
    >>> words_in("zh")("summary"), words_in("en")("ratio")
    ('摘要', 'ratio')
    """
    at = LANGUAGES.index(language)

    def said(key: str, *values) -> str:
        both = PAPER_WORDS.get(key) or WORDS.get(key)
        word = key if both is None else both[at]
        for i, value in enumerate(values):
            word = word.replace(f"{{{i}}}", str(value))
        return word

    return said
