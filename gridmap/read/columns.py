# ruff: noqa: E501 -- tables of words and patterns read best unbroken
"""Which column is what: by name in English and Chinese, by content where the name says nothing.

A case system calls the same thing 案发时间, 发案时间, occurred_on or DATE OCC. Each role has its names in
order of preference (the time an incident happened is better than the time it was reported); a name that
is not listed may still contain a telling word; after that the values speak. The guess is always given
with its reason, and the caller's own choice always wins.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean

__all__ = ["ROLES", "match_columns", "normal", "roles_in", "simplified"]

_TRADITIONAL = str.maketrans(
    "時發間類別經緯號編報聯絡電話單網區鎮鄉級點東縱橫標軸質處結終開歸屬來現場況說記錄證執駕車動態機關辦員調戶產權訴請題陳張黃劉趙吳孫馬羅鄭謝韓馮蕭葉閻鍾譚鄒陸萬錢湯賴龔龐蘭盧蔣賈鄧許呂蘇顧龍",
    "时发间类别经纬号编报联络电话单网区镇乡级点东纵横标轴质处结终开归属来现场况说记录证执驾车动态机关办员调户产权诉请题陈张黄刘赵吴孙马罗郑谢韩冯萧叶阎钟谭邹陆万钱汤赖龚庞兰卢蒋贾邓许吕苏顾龙",
)

# The names of each role, best first, in the form that `normal` gives them.
NAMES: dict[str, str] = {
    "incident_id": """incidentid crimeid caseid casenumber caseno casenum eventid eventnumber eventno uniquekey
        incidentnumber cmplntnum objectnumber incidentno incidentnum reportnumber reportno complaintnumber srnumber ccn drno uid id
        案件编号 案号 警情编号 接警编号 接警单编号 接处警编号 报警编号 事件编号 工单编号 工单号 受理编号 受案编号 立案编号
        纠纷编号 案件号 编号 流水号 序号""",
    "occurred_from": """occurredfrom occurred occurredon occurredat occurreddate occurredtime occurreddatetime occurrencedate
        occurrencedatetime datetimeocc dateocc dateoccurred occdate occurdate incidentdatetime incidentdate cmplntfrdt fechahecho fechahechos dataocorrencia datefait offensedate
        offencedate crimedate crimedatetime eventdate eventdatetime eventtime startdatetime startdate fromdate fromdatetime
        datefrom begindate 案发时间 发案时间 发生时间 事发时间 案件发生时间 案发开始时间 发案开始时间 发生开始时间
        案发时间起 发案时间起 发案时间上限 案发时间上限 发生日期 案发日期 发案日期 事发日期 开始时间 起始时间 datetime date datesingle timestamp
        starttime 报警时间 接警时间 报案时间 reporteddate reportdate reportdatetime datereported reportedon callreceived calltime calldate
        calldatetime dispatchdate 受理时间 受理日期 上报时间 登记时间 登记日期 立案时间 立案日期 createddate createdat
        opendate openeddate requesteddatetime fecha data datum month yearmonth 日期 时间 月份 年月 time""",
    "occurred_to": """occurredto occurredend enddatetime enddate todate todatetime dateto cmplnttodt endtime 案发结束时间 发案结束时间
        发生结束时间 案发时间止 发案时间止 发案时间下限 案发时间下限 结束时间 终止时间 截止时间""",
    "time_of_day": """timeofday timeocc occurredclock incidenttime crimetime occtime cmplntfrtm horahecho horaocorrencia hora uhrzeit 案发时刻 发案时刻 发生时刻 时刻 时间点
        time 时间 hour 小时""",
    "category": """category crimetype primarytype crimecategory offensetype offencetype offense offence offensecategory
        crimecategoryname incidenttype ofnsdesc offensecodegroup offensedescription textgeneralcode delito naturezaapurada natureza rubrica deliktart incidentcategory complainttype eventtype calltype ucrliteral primarydescription crmcddesc
        案由 案件类别 案件类型 案别 案件性质 案类 警情类别 警情类型 报警类别 报警类型 纠纷类型 纠纷类别 矛盾类型 矛盾纠纷类型 事件类型 事件类别
        问题类型 问题类别 诉求类型 诉求类别 隐患类型 类别名称 类型名称 类别 类型 小类 大类 crime type problem description""",
    "lon": """lon lng longitude long longitud längengrad laengengrad longitudex gpslon gpslng gpsx xlon 经度 东经 百度经度 高德经度 案发地经度 案发经度 经度坐标
        x xcoord xcoordinate xcoordinates pointx coordx x坐标 坐标x 横坐标""",
    "lat": """lat latitude latitud breitengrad latitudey gpslat gpsy ylat 纬度 北纬 百度纬度 高德纬度 案发地纬度 案发纬度 纬度坐标
        y ycoord ycoordinate ycoordinates pointy coordy y坐标 坐标y 纵坐标""",
    "coordinates": """coordinates coordinate latlng latlon lonlat lnglat longlat point wkt geom geometry thegeom geolocation
        georeference location1 坐标 经纬度 坐标点 位置坐标 经纬度坐标 gps坐标 gps""",
    "address": """address incidentaddress streetaddress blockaddress locationaddress location locationdescription street block
        案发地址 案发地点 发案地址 发案地点 发生地点 发生地址 事发地点 事发地址 事件地点 报警地址 详细地址 地址 地点 位置""",
    "zone": """zoneid lsoacode 所属网格 网格编码 网格编号 网格名称 网格 所属社区 社区名称 社区 村社区 村居 所属街道 街道 乡镇街道 乡镇
        beat precinct ward neighborhood neighbourhood communityarea district lsoaname""",
    "patrol_found": """patrolfound foundbypatrol 发现方式 发现来源 案件来源 事件来源 警情来源 报警来源 报警方式 信息来源 线索来源
        问题来源 来源 callsource reportsource initiatedby origin""",
}

#: Role → its names, normalised and in order of preference.
ROLES = {role: names.split() for role, names in NAMES.items()}

#: Other words for a role that a caller may write.
ALIASES = {
    **dict.fromkeys(("occurred", "time", "date", "datetime", "start"), "occurred_from"),
    **dict.fromkeys(("end", "until"), "occurred_to"),
    **dict.fromkeys(("longitude", "lng", "x"), "lon"),
    **dict.fromkeys(("latitude", "y"), "lat"),
    **dict.fromkeys(("type", "kind"), "category"),
    "id": "incident_id",
}

# Words that tell the role inside a longer name, tried when no whole name fits.
TELLING = {
    "lon": r"经度|longitude|(^|[^a-z])(lon|lng)([^a-z]|$)",
    "lat": r"纬度|latitude|(^|[^a-z])lat([^a-z]|$)",
    "occurred_to": r"(案发|发案|发生).*(结束|截止|止$|下限)|(offen[cs]e|incident|occurr?\w*)[ _]?end",
    "occurred_from": r"(案发|发案|发生|事发).*(时间|日期)|occur.*(date|time)|(incident|crime|offen[cs]e).*(date|time)"
    r"|(报警|报案|接警|受理|立案|上报|登记).*(时间|日期)|(report|call|receiv|creat).*(date|time)|时间$|日期$",
    "category": r"案由|(案件|警情|纠纷|事件|矛盾|问题|诉求|案).*(类别|类型|性质|分类|种类)|(crime|offen[cs]e|incident|call|complaint).*(type|category)",
    "address": r"地址$|地点$|address",
    "incident_id": r"(案件|警情|事件|工单|纠纷|案).*(编号|号码|编码)$|(case|incident|crime|report|event).*(id|number|no|num)$",
}

# A column about another thing that happens to carry a telling word.
NOT_THIS = {
    "occurred_from": r"(更新|修改|导出|打印|出生|结案|破案|办结|处置|到达|出警|updated|modified|closed|birth|arriv)",
    "lon": r"(户籍|居住|报警人)",
    "lat": r"(户籍|居住|报警人)",
    "address": r"(户籍|居住|家庭|住址|户口|工作|e-?mail)",
}


def simplified(text: str) -> str:
    """The traditional characters that column names and family names use, in their simplified form.

    Examples
    --------
    >>> simplified("案發時間"), simplified("經度")
    ('案发时间', '经度')
    """
    return text.translate(_TRADITIONAL)


def normal(name: object) -> str:
    """A column's name without case, spaces, punctuation, bracketed remarks and fullwidth forms.

    Examples
    --------
    >>> normal("Crime_Type "), normal("经度（WGS84）"), normal("ＤＡＴＥ OCC")
    ('crimetype', '经度', 'dateocc')
    """
    text = simplified(unicodedata.normalize("NFKC", str(name)).lower())
    text = re.sub(r"[(\[【].*?[)\]】]", "", text) or text
    text = re.sub(r"(wgs-?_?84|gcj-?_?02|bd-?_?09(ll)?|cgcs-?_?2000)$", "", text.strip()) or text
    return re.sub(r"[\s_\-./:,;'\"#*?!]+", "", text)


def roles_in(names: Sequence[object]) -> int:
    """How many roles a row of names would fill; the header is the row that fills the most."""
    found = {normal(n) for n in names if n is not None}
    return sum(any(n in found for n in listed) for listed in ROLES.values())


def match_columns(names: Sequence[str], declared: Mapping[str, str] | None = None) -> dict[str, tuple[str, str]]:
    """Role → (column, reason), by the caller's choice and by name.

    Parameters
    ----------
    names : list of str
        The columns of the file.
    declared : mapping, optional
        Role → column. Roles: those of `ROLES`, or another word for one (`ALIASES`).

    Raises
    ------
    SettingError
        If a role is not known.
    InputError
        If a declared column is not in the file, or is declared for two roles.

    Examples
    --------
    >>> match_columns(["案发时间", "案由", "经度", "纬度"])["occurred_from"]
    ('案发时间', 'named as time usually is')
    >>> match_columns(["x", "when"], {"occurred_from": "when"})["occurred_from"][1]
    'declared'
    """
    if declared is not None and not isinstance(declared, Mapping):
        raise SettingError(Note("read.columns_mapping", kind=type(declared).__name__))
    roles: dict[str, tuple[str, str]] = {}
    for role, column in (declared or {}).items():
        role = ALIASES.get(role, role)
        if role not in ROLES:
            raise SettingError(Note("read.no_role", role=role, meant=did_you_mean(role, [*ROLES, *ALIASES])))
        if column is None:
            roles[role] = (None, Note("read.reason_declared"))
            continue
        if column not in names:
            raise InputError(
                Note("read.no_column_for_role", column=column, role=role, meant=did_you_mean(column, names))
            )
        taken = [r for r, (c, _) in roles.items() if c == column]
        if taken:
            raise InputError(Note("read.column_declared_twice", column=column, taken=taken[0], role=role))
        roles[role] = (column, Note("read.reason_declared"))

    short = {}
    for column in names:
        short.setdefault(normal(column), column)
    used = {c for c, _ in roles.values()}
    for role in ROLES:
        if role in roles:
            continue
        for listed in ROLES[role]:
            column = short.get(listed)
            if column is not None and column not in used:
                roles[role] = (column, Note("read.reason_named", what=_PLAIN.get(role, role)))
                used.add(column)
                break
    for role, pattern in TELLING.items():
        if role in roles:
            continue
        for column in names:
            text = simplified(unicodedata.normalize("NFKC", str(column)).lower())
            if column in used or (role in NOT_THIS and re.search(NOT_THIS[role], text)):
                continue
            if match := re.search(pattern, text):
                roles[role] = (column, Note("read.reason_contains", word=match.group(0).strip("_ ")))
                used.add(column)
                break
    roles = {role: found for role, found in roles.items() if found[0] is not None}
    if "lon" in roles and "lat" in roles and roles.get("coordinates", ("", ""))[1] != "declared":
        roles.pop("coordinates", None)
    return roles


_PLAIN = {
    "occurred_from": Note("read.role_time"),
    "occurred_to": Note("read.role_end_time"),
    "incident_id": Note("read.role_id"),
    "patrol_found": Note("read.role_source"),
    **{
        role: Note(f"read.role_{role}")
        for role in ("lon", "lat", "category", "address", "zone", "coordinates", "time_of_day")
    },
}
