# ruff: noqa: E501 -- tables of words and patterns read best unbroken
"""Which column is what: by name in ten languages, by content where the name says nothing.

A case system calls the same thing 案发时间, 发案时间, occurred_on or DATE OCC. Each role has its names in
order of preference (the time an incident happened is better than the time it was reported); a name that
is not listed may still contain a telling word; after that the values speak. The guess is always given
with its reason, and the caller's own choice always wins.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from gridmap.errors import InputError, SettingError
from gridmap.messages import Note, did_you_mean

__all__ = ["ALIASES", "NO_CATEGORY", "PARTS", "ROLES", "match_columns", "normal", "roles_in", "simplified"]

_TRADITIONAL = str.maketrans(
    "経発歳転図関単権処車時發間類別經緯號編報聯絡電話單網區鎮鄉級點東縱橫標軸質處結終開歸屬來現場況說記錄證執駕車動態機關辦員調戶產權訴請題陳張黃劉趙吳孫馬羅鄭謝韓馮蕭葉閻鍾譚鄒陸萬錢湯賴龔龐蘭盧蔣賈鄧許呂蘇顧龍負責當備註齡職國護學債務師種營業廠樓層門據偵傷殺竊盜搶詐騙賭鬥毆擾違規醫療環衛災損壞財銀帳貸僱緊簡繳納賬隊組織領導連繫對應構問農漁參觀視聽無線傳頁碼鍵書臺灣廣濟寧揚鹽興紹麗",
    "经发岁转图关单权处车时发间类别经纬号编报联络电话单网区镇乡级点东纵横标轴质处结终开归属来现场况说记录证执驾车动态机关办员调户产权诉请题陈张黄刘赵吴孙马罗郑谢韩冯萧叶阎钟谭邹陆万钱汤赖龚庞兰卢蒋贾邓许吕苏顾龙负责当备注龄职国护学债务师种营业厂楼层门据侦伤杀窃盗抢诈骗赌斗殴扰违规医疗环卫灾损坏财银帐贷雇紧简缴纳账队组织领导连系对应构问农渔参观视听无线传页码键书台湾广济宁扬盐兴绍丽",
)

# The names of each role, best first, in the form that `normal` gives them.
NAMES: dict[str, str] = {
    "incident_id": """incidentid crimeid caseid casenumber caseno casenum eventid eventnumber eventno uniquekey
        incidentnumber incidentkey eventuniqueid cmplntnum objectnumber incidentno incidentnum reportnumber reportno complaintnumber srnumber ccn drno accidentindex accidentid numacc caseenquiryid instanceid dckey crimeid uidentstlae eventidcnty uid id
        案件编号 案号 警情编号 接警编号 接警单编号 接处警编号 报警编号 事件编号 工单编号 工单号 受理编号 受案编号 立案编号
        纠纷编号 案件号 任务号 任务编号 任务编码 jjdbh jjdh jjbh bjbh ajbh jqbh sjbh gdbh 编号 流水号 lsh 序号 recordid srrecordid servicerequestid requestid caseidentifier referencenumber folio expediente
        numexpediente nroexpediente ndossier numerodossier numdossier aktenzeichen vorgangsnummer fallnummer nboletim numbo numerobo
        boletim protocolo номер номердела номеркусп кусп 番号 事件番号 受理番号 管理番号 整理番号 사건번호 접수번호 일련번호 번호""",
    "occurred_from": """occurredfrom occurred occurredon occurredat occurreddate occurredtime occurreddatetime occurrencedate
        occurrencedatetime datetimeocc dateocc dateoccurred occdate occurdate incidentdatetime incidentdate incidenttimestamp occurrencedatetime firstoccurrencedate cmplntfrdt committedfrom committeddatefrom datecommittedfrom earliestdate fechahecho fechahechos dataocorrencia datefait offensedate
        offencedate crimedate crimedatetime eventdate eventdatetime eventtime startdatetime startdate fromdate fromdatetime
        datefrom begindate 案发时间 发案时间 发生时间 事发时间 案件发生时间 案发开始时间 发案开始时间 发生开始时间
        案发时间起 发案时间起 发案时间上限 案发时间上限 发生日期 案发日期 发案日期 事发日期 afsj fasj fasjcz afsjcz fasjsx afsjsx fasjks afkssj fssj 开始时间 起始时间 datetime date datesingle timestamp
        starttime 报警时间 接警时间 报案时间 reporteddate reportdate reportdatetime datereported reportedon callreceived calltime calldate
        created opened logged recorded reported calldatetime dispatchdate bjsj jjsj basj sbsj slsj 受理时间 受理日期 上报时间 登记时间 djsj 登记日期 立案时间 立案日期 lasj createddate createdat
        opendate openeddate requesteddatetime fecha data datum month yearmonth 日期 时间 月份 年月 time
        fechadelhecho fechadehecho fechaocurrencia fechaevento fechaincidente fechadelito fechahorahecho fechahora datahora
        dataocorrencia dataehora datadofato datafato datadelito datadelfatto dataevento dateinfraction datedesfaits dateheure
        tatzeit tatzeitvon tatdatum tattag ereignisdatum ereigniszeit tatzeitanfang датавремя датапроисшествия датапреступления
        датасовершения времясовершения датаивремя дата время 発生日時 発生年月日 発生日 発生時 発生日付 事件発生日時 認知日時 認知年月日
        受理日時 受理日 日時 日付 年月日 발생일시 발생일자 발생일 발생년월일 발생시간 사건발생일시 접수일시 접수일자 신고일시 일시 날짜""",
    "occurred_to": """occurredto occurredend enddatetime enddate todate todatetime dateto lastoccurrencedate committedto committeddateto datecommittedto latestdate cmplnttodt endtime 案发结束时间 发案结束时间
        发生结束时间 案发时间止 发案时间止 发案时间下限 案发时间下限 fasjzz afsjzz fasjxx afsjxx fasjjs afjssj 结束时间 终止时间 截止时间 fechafin
        fechahasta datafim datefin tatzeitende tatzeitbis датаокончания 終了日時 終期 종료일시""",
    "time_of_day": """timeofday timeocc occurtime occurredtime occurrencetime occurredclock incidenttime crimetime occtime cmplntfrtm horahecho horaocorrencia hora uhrzeit 案发时刻 发案时刻 发生时刻 时刻 时间点
        发生时段 案发时段 发案时段 时段 发生时间段 案发时间段 发案时间段 时间段 timeslot timerange hourrange
        clock heure heurefait horadelhecho horadelito ora oradelfatto tatuhrzeit время времяпроисшествия 発生時刻 発生時間 時刻 時間
        발생시각 시각 시간 time 时间""",
    "year": "year yr yyyy an anno ujahr nkany anohecho aniohecho occuryear occurrenceyear offenseyear incidentyear reportyear eventyear 年 年份 年度 发生年 发生年份 案发年份 发生年度 ano anio año annee année jahr год 発生年 연도 년도 발생년도 발생연도",
    "month": "month mon mm mese umonat mesany meshecho mo occurmonth occurrencemonth offensemonth incidentmonth reportmonth eventmonth 月 月份 发生月 发生月份 案发月份 mes mês mois monat месяц 発生月 월 발생월",
    "day": "day dd giorno diames occurday occurrenceday dayofmonth offenseday incidentday reportday eventday 日 日期日 发生日 案发日 dia día jour tag день 発生日 일 발생일",
    "hour": "hour hr hrmn ustunde horadia franja franjahoraria hh occurhour occurrencehour offensehour incidenthour hourofday 时 小时 时点 发生时 案发小时 hora heure stunde час 時 発生時 発生時間帯 시 발생시",
    "minute": "minute mi minutes occurminute 分 分钟 发生分 minuto minuta minutos minute минута 発生分 분 발생분",
    "category": """category crimetype primarytype crimecategory offensetype offencetype offense offence offensecategory
        crimecategoryname incidenttype ofnsdesc offensecodegroup offensedescription ucrdesc ucrdescription nibrsdesc nibrsdescription offensename textgeneralcode delito naturezaapurada natureza rubrica deliktart incidentcategory complainttype eventtype calltype ucrliteral primarydescription crmcddesc
        案由 案件类别 案件类型 案别 案件性质 案类 警情类别 警情类型 报警类别 报警类型 ajlb ajlbmc ajlx ajlxmc ajxz bjlb bjlbmc bjlx jqlb jqlbmc jqlx jqlxmc jqxz ay aymc jflx sjlx sjlb 纠纷类型 纠纷类别 矛盾类型 矛盾纠纷类型 事件类型 事件类别 事故类型 事故类别 事故类别名称 事故类型名称
        小类名称 大类名称 问题类型 问题类别 诉求类型 诉求类别 隐患类型 类别名称 类型名称 事件名称 类别 类型 小类 大类 crime type problem description
        tipodelito tipodedelito tipohecho tipodehecho modalidad modalidaddelito conducta conductapunible clasedelito subtipo tipo
        categoria tipocrime tipodecrime tipoocorrencia crime naturezadaocorrencia especie conduta catégorie categorie infraction
        natureinfraction typeinfraction indexlibelle libelle classe reato tipologia tiporeato deliktgruppe delikt straftat tatbestand
        straftatbestand tatart stichwort einsatzstichwort einsatzart ereignisart kategorie видпреступления категория вид тип статья квалификация типпроисшествия 罪名 罪種 手口 罪種手口
        犯罪種別 사건종별 사고유형 種別 種類 事件種別 分類 案類 案类 범죄유형 범죄종류 죄종 죄명 범죄명 사건유형 사건종류 유형 종류 구분 srtype requesttype
        servicerequesttype""",
    "lon": """lon lng longitude long longitud längengrad laengengrad longitudex gpslon gpslng gpsx xlon 经度 东经 百度经度 高德经度 案发地经度 案发经度 经度坐标 xgcswgs84 jd jdzb dljd zbjd
        経度 경도 долгота longitudine lengte rechtswert easting eastings east este utmeasting utmx ostwert 東距 橫座標
        xwgs84 geox locationx locx coordinatex x xcoord xcoordinate xcoordinates pointx coordx x坐标 坐标x 横坐标 xzb zbx hzb x좌표 좌표x x座標""",
    "lat": """lat latitude latitud breitengrad latitudey gpslat gpsy ylat 纬度 北纬 百度纬度 高德纬度 案发地纬度 案发纬度 纬度坐标 ygcswgs84 wd wdzb dlwd zbwd
        緯度 위도 широта latitudine breedte hochwert northing northings north norte utmnorthing utmy nordwert 北距 縱座標
        ywgs84 geoy locationy locy coordinatey y ycoord ycoordinate ycoordinates pointy coordy y坐标 坐标y 纵坐标 yzb zby zzb y좌표 좌표y y座標""",
    "coordinates": """coordinates coordinate latlng latlon latlong lonlat lnglat longlat latitudelongitude longitudelatitude point wkt geom geometry thegeom geolocation
        georeference location1 坐标 经纬度 坐标点 位置坐标 经纬度坐标 gps坐标 gps coordenadas coordonnees koordinaten координаты 座標 좌표 geopoint geopoint2d""",
    "address": """address incidentaddress streetaddress blockaddress locationaddress location locationdescription street block
        案发地址 案发地点 发案地址 发案地点 发生地点 发生地址 事发地点 事发地址 事件地点 afdd fadd afdz fadz sfdd sfdz jqdd 报警地址 详细地址 地址 地点 位置
        direccion dirección direccionhecho lugar lugarhecho endereco endereço logradouro local adresse lieu tatort strasse ort indirizzo luogo
        адрес место местопроисшествия 住所 주소 発生場所 発生地 住所地 場所 所在地 발생장소 장소 위치 place""",
    "zone": """zoneid lsoacode 所属网格 网格编码 网格编号 网格名称 网格 所属社区 社区名称 社区 村社区 村居 所属街道 街道 乡镇街道 乡镇
        beat precinct ward neighborhood neighbourhood communityarea district lsoaname distrito barrio comuna municipio município municipality bairro delegacia arrondissement commune quartier
        stadtteil bezirk ortsteil район участок округ 市区町村 市区町村名 町丁目 警察署 管轄署 行政区 시군구 읍면동 행정동 관할서""",
    "officer_initiated": """patrolfound foundbypatrol 发现方式 发现来源 案件来源 事件来源 警情来源 报警来源 报警方式 信息来源 线索来源
        问题来源 来源 callsource reportsource initiatedby origin officerinitiated officerinitiatedflag selfinitiated methodreceived
        callreceivedby opendatachanneltype channel reportedvia howreported medio medioderecepcion canal canalatencion canaldeentrada mododenuncia
        meldeweg источник способобращения 認知端緒 認知の端緒 通報区分 신고경로 접수경로""",
}

#: Role → its names, normalised and in order of preference.
ROLES: dict[str, list[str]] = {}  # filled below, when `normal` is there

#: Other words for a role that a caller may write.
ALIASES = {
    **dict.fromkeys(("occurred", "time", "date", "datetime", "start"), "occurred_from"),
    **dict.fromkeys(("end", "until"), "occurred_to"),
    **dict.fromkeys(("longitude", "lng", "x"), "lon"),
    **dict.fromkeys(("latitude", "y"), "lat"),
    **dict.fromkeys(("type", "kind"), "category"),
    "id": "incident_id",
    "patrol_found": "officer_initiated",
}

#: Names of a time that mean one only where no better column is there.
WEAK = ("month", "yearmonth", "月份", "年月", "time", "时间", "время")
#: An end that says by itself that it is the incident's; a start that an end belongs to; an end that is a deadline.
OF_THE_INCIDENT = re.compile(
    r"案发|发案|发生|事发|occur|offen[cs]e|incident|cmplnt|crime|hecho|fato|fait|tatzeit|発生|발생"
)
BEGINS = re.compile(r"开始|起始|上限|起$|start|from|begin|inicio|desde|debut|anfang|von$|начал|開始|始期|시작")
DEADLINE = re.compile(r"截止|期限|时限|deadline|due|limite|prazo|frist|срок|期日|마감|기한")
#: The roles that a date in pieces has.
PARTS = ("year", "month", "day", "hour", "minute")

# Words that tell the role inside a longer name, tried when no whole name fits.
TELLING = {
    "lon": r"经度|longitud|долгот|경도|(^|[^a-z])(lon|lng)([^a-z]|$)|easting|rechtswert",
    "lat": r"纬度|latitud|широт|위도|(^|[^a-z])lat([^a-z]|$)|northing|hochwert",
    "occurred_to": r"(案发|发案|发生).*(结束|截止|止$|下限)|(offen[cs]e|incident|occurr?\w*)[ _]?end",
    "occurred_from": r"(案发|发案|发生|事发).*(时间|日期|日时|年月日)|occur.*(date|time)|(incident|crime|offen[cs]e).*(date|time)"
    r"|fecha.*(hecho|delito|ocurr|suceso|evento|incid)|data.*(ocorr|fato|crime|fatto)|date.*(fait|infraction|incident|evenement|delit|crime)|(tat|einsatz|ereignis|vorfall)s?(zeit|datum|tag)"
    r"|дата.*(соверш|происш|преступ)|发生.*日|발생.*(일|시간)|사건.*일시",
    "category": r"案由|(案件|警情|纠纷|事件|事故|矛盾|问题|诉求|案|犯罪).*(类别|类型|性质|分类|种类|种别)"
    r"|(crime|offen[cs]e|incident|call|complaint|request|\bsr|service|ticket|event|problem|issue)s?[ _]*(type|category|class|group|desc|code[ _]?desc)"
    r"|(tipo|clase|categor|modalidad).*(delito|hecho|crimen|crime|ocorr|incid|falta)|(type|nature|categorie).*(fait|infraction|delit)"
    r"|(вид|тип|категория).*(прест|происш|правонар)|(범죄|사건|사고|죄).*(유형|종류|명|구분)|罪[种名]|straftat|delikt",
    "time_of_day": r"时刻$|시각$|uhrzeit|(occur|incident|offen[cs]e|crime|tatzeit|发生|案发).*(hour|stunde|小时|时刻)|(incident|crime|offen[cs]e)[ _]time$"
    r"|hora.*(hecho|ocorr|delito|fato)|heure.*(fait|infraction)|время.*(соверш|происш)",
    "address": r"地址$|地点$|address|direccion|endereco|adresse|адрес|场所$|장소$",
    "incident_id": r"(案件|警情|事件|工单|纠纷|案).*(编号|号码|编码|番号)$|(case|incident|crime|report|event|record|request|ticket|complaint)[ _]*(id|number|no|num|nbr)$"
    r"|(expediente|folio|denuncia|boletim|processo)[ _]*(id|num\w*|nro|no)?$|(사건|접수).*번호$|num\w* (de |do |du |da )?(dossier|expediente|processo|ocorrencia|boletim|denuncia|pratica)$"
    r"|(einsatz|vorgangs|fall)(nummer|nr)$|^номер.*(дела|заявлен|обращен|происшеств)",
}

#: The pieces of a date in longer names, as OCC_YEAR or 案发年份: role → how such a name ends.
_PIECES = {
    "year": r"(?:year|yr|年份?|年度|anno|ano|año|annee|jahr|год)",
    "month": r"(?:month|mon|月份?|mes|mois|monat|месяц)",
    "day": r"(?:day|日|dia|jour|tag|день)",
    "hour": r"(?:hour|hr|hh|时|小时|hora|heure|stunde|час)",
    "minute": r"(?:minute|min|分|分钟|minuto)",
}
_OF_WHAT = r"(?:[发発]生日时|occ\w*|offen[cs]e|incident|crime|event|(?:事故|事件|案件)发生|发生|案发|发案|事发|hecho|fato|ocorr\w*|fait|tat|report(?:ed)?)"
TELLING_PART = {role: rf"^{_OF_WHAT}[ _]*(?:of[ _]*)?{end}$" for role, end in _PIECES.items()}

#: The times at which an incident was reported, called in or entered: taken where none says when it happened.
REPORTED = re.compile(
    r"report|call|dispatch|receiv|creat|open|request|entered|报警|报案|接警|受理|立案|上报|登记|认知|접수|신고|denuncia|registr|anzeige"
)
#: Words that tell such a time, and any other.
LATER_TIME = (
    r"(报警|报案|接警|受理|立案|上报|登记|认知|来电).*(时间|日期|日时)|(report|call|receiv|creat|open|request).*(date|time)|(신고|접수).*(일|시)"
    r"|(data|fecha).*(registro|denuncia|comunica|recepcion)|date.*(plainte|declaration|depot)|(anzeige|melde)\w*(datum|zeit)$|дата.*(регистрац|обращен|заявлен)"
    r"|时间$|日期$|日时$|일시$|일자$|^fecha|^дата|^datum|^data$|date$|datetime$|[ _](dt|dttm|ts|tstamp|timestamp)$"
)

# A column about another thing that happens to carry a telling word.
NOT_THIS = {
    "occurred_from": r"(更新|修改|导出|打印|(?<!发)出生|结案|破案|办结|处置|到达|出警|updated|modified|closed|resolved|birth|arriv|nacimiento"
    r"|nascimento|naissance|geburt|рожд|due|target|sla|曜日|요일|weekday|星期|day of week|zone$|type$|日时[ _]+[年月日时分]$)",
    "lon": r"(户籍|居住|报警人|along|belong|\blat\b.*\b(lon|lng|long)|经.*纬)",
    "lat": r"(户籍|居住|报警人|plat|\blat\b.*\b(lon|lng|long)|\b(lon|lng|long)\b.*\blat)",
    "address": r"(户籍|居住|家庭|住址|户口|工作|e-?mail|ip)",
    "category": r"(location|premise|place|vehicle|victim|suspect|weapon|arma|road|street|address|method|status|channel|property|closure|service[ _]?area)",
    "incident_id": r"(victim|suspect|officer|person|station|district|zone|address|location|parent|phone)",
}

#: What a column of kinds of incidents is not, by its name: states, channels, places, persons, answers.
NO_CATEGORY = re.compile(
    r"status|severity|urgency|state$|^risk|estado|situac|method|channel|canal|medio|source|origin|received|via$|priority|agency|dept|department|team|group$"
    r"|city|town|munic|county|provinc|region|country|distr|ward|beat|area|zone|borough|precinct|sector|barrio|comuna|bairro|commune"
    r"|quartier|ort|stadt|bezirk|район|город|neighb|community|street|road|block|premis|locat|place|address|lugar|local|day|week|month|season"
    r"|weekday|shift|outcome|result|disposition|closed|resolved|flag|domestic|arrest|gender|weapon|arma|vehicle|unit|zip|postal"
    r"|状态|进度|方式|来源|渠道|单位|部门|派出所|分局|街道|社区|乡镇|区县|城市|区$|市$|县$|镇$|村$|路|星期|周|结果|是否|等级|级别|級|区域|片区|상태|처리"
    r"|都道府県|市区町村|警察署|曜日|有無|시도|시군구|읍면동|관할|요일|여부|день|статус"
)


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


def _bare(name: object) -> str:
    """A name as TELLING looks at it: small, simplified, words of CamelCase and accents apart."""
    text = simplified(unicodedata.normalize("NFKC", str(name)).strip())
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text).lower()
    latin = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", latin)


for _role, _names in NAMES.items():
    ROLES[_role] = list(dict.fromkeys(normal(name) for name in _names.split()))

#: The first word of TELLING, and of the names above, that may head metres.
_OF_METRES = {"lon": "easting", "lat": "northing"}
#: Names of coordinates that may be metres: taken where no others are there.
_MAYBE_METRES = {
    role: ROLES[role][ROLES[role].index(first) :] for role, first in (("lon", "rechtswert"), ("lat", "hochwert"))
}


def match_columns(
    names: Sequence[str], declared: Mapping[str, str | None] | None = None
) -> dict[str, tuple[str, Note]]:
    """Role → (column, reason), by the caller's choice and by name.

    Parameters
    ----------
    names : list of str
        The columns of the file.
    declared : mapping, optional
        Role → column. Roles: those of `ROLES`, or another word for one (`ALIASES`). A role given as None is left out.

    Raises
    ------
    SettingError
        If a role is not known.
    InputError
        If a declared column is not in the file, or is declared for two roles.

    Examples
    --------
    >>> str(match_columns(["案发时间", "案由", "经度", "纬度"])["occurred_from"][1])
    'named as time usually is'
    >>> str(match_columns(["x", "when"], {"occurred_from": "when"})["occurred_from"][1])
    'declared'
    """
    roles = _declared_roles(names, declared)
    used = {c for c, _ in roles.values()}
    short: dict[str, str] = {}
    for column in names:
        short.setdefault(normal(column), column)

    def take(role: str, column: str | None, why: str) -> None:
        if column is not None:
            roles[role] = (column, Note(why, what=_PLAIN.get(role, role)))
            used.add(column)

    def named(role: str, listed: Sequence[str]) -> str | None:
        return next((short[n] for n in listed if n in short and short[n] not in used), None)

    whole = [r for r in ROLES if r not in PARTS]
    later = [n for n in ROLES["occurred_from"] if n in WEAK or REPORTED.search(n)]
    last = {"occurred_from": later, **_MAYBE_METRES}
    for role in (r for r in whole if r not in roles):
        take(role, named(role, [n for n in ROLES[role] if n not in last.get(role, ())]), "read.reason_named")
    _take_degrees(names, roles, used)
    for role in (r for r in _MAYBE_METRES if r not in roles):
        take(role, named(role, _MAYBE_METRES[role]), "read.reason_named")
    cut = {c: [r for r in whole if _is_cut(c, ROLES[r])] for c in names}  # INCIDENT_T is a type or a time: neither
    for role in (r for r in whole if r not in roles):
        take(role, next((c for c in names if c not in used and cut[c] == [role]), None), "read.reason_cut")
    for role, pattern in TELLING.items():
        found = None if role in roles else _telling(role, pattern, [c for c in names if c not in used])
        if found is not None:
            roles[role] = found
            used.add(found[0])
    _take_later_time(names, roles, used, named, take, [n for n in later if n not in WEAK])
    _take_siblings(short, roles, used, take)
    _take_x_and_y(names, roles, used)
    _give_pieces_back(short, roles, used)
    for role in (r for r in PARTS if r not in roles):
        take(role, named(role, ROLES[role]), "read.reason_named")
    _take_pieces(names, roles, used)
    if "occurred_from" not in roles and not {"year", "month"} <= roles.keys():
        _take_weak_time(roles, used, named, take)
    found_roles = {role: (column, why) for role, (column, why) in roles.items() if column is not None}
    if _ends_the_handling(found_roles):
        del found_roles["occurred_to"]
    if {"lon", "lat"} <= found_roles.keys() and getattr(
        found_roles.get("coordinates", ("", None))[1], "code", None
    ) != "read.reason_declared":
        found_roles.pop("coordinates", None)
    return found_roles


def _ends_the_handling(roles: Mapping[str, tuple[str, Note]]) -> bool:
    """Whether the end that was found is that of the handling, or a deadline, and not the incident's own."""
    end, why = roles.get("occurred_to", ("", None))
    start = normal(roles.get("occurred_from", ("",))[0])
    if why is None or why.code == "read.reason_declared":
        return False
    end = normal(end)
    if OF_THE_INCIDENT.search(end) or BEGINS.search(start):
        return False
    return bool(DEADLINE.search(end) or REPORTED.search(start))


def _take_degrees(names: Sequence[str], roles: dict[str, Any], used: set[Any]) -> None:
    """GEO_LON and GEO_LAT before GEO_X and GEO_Y, which may be metres."""
    if {"lon", "lat"} & roles.keys():
        return
    free = [c for c in names if c not in used]
    found = {role: _telling(role, TELLING[role].split("|" + _OF_METRES[role])[0], free) for role in ("lon", "lat")}
    lon, lat = found["lon"], found["lat"]
    if lon is not None and lat is not None and lon[0] != lat[0]:
        roles |= {"lon": lon, "lat": lat}
        used |= {lon[0], lat[0]}


#: How the heading of a day differs from that of the same day with its clock, and from that of the clock alone.
_DAY_AND_CLOCK = (
    ("date", "datetime"), ("date", "timestamp"), ("日期", "日期时间"), ("日", "日时"), ("fecha", "fechahora"), ("data", "datahora"),
)  # fmt: skip
_DAY_OR_CLOCK = (
    ("date", "time"), ("date", "hour"), ("dt", "tm"), ("日期", "时间"), ("日期", "时刻"), ("日期", "时段"), ("日", "时刻"),
    ("fecha", "hora"), ("data", "hora"), ("data", "ora"), ("date", "heure"), ("datum", "zeit"), ("datum", "uhrzeit"), ("tag", "zeit"),
    ("дата", "время"), ("일자", "시각"), ("일자", "시간"), ("일", "시각"),
)  # fmt: skip


def _take_siblings(short: Mapping[str, str], roles: dict[str, Any], used: set[Any], take) -> None:
    """Columns named like the day that was found: the one with day and clock in its place, or the clock's to go behind it."""
    day, why = roles.get("occurred_from", (None, None))
    if day is None or why.code == "read.reason_declared":
        return
    plain = normal(day)
    for one, other in _DAY_AND_CLOCK:
        found = short.get(plain.replace(one, other)) if one in plain and other not in plain else None
        if found is not None and found not in used:
            used.discard(day)
            take("occurred_from", found, "read.reason_named")
            return
    for one, other in _DAY_OR_CLOCK:
        found = short.get(plain.replace(one, other)) if one in plain and "time_of_day" not in roles else None
        if found is not None and found not in used:
            take("time_of_day", found, "read.reason_named")


#: An x or an e that stands alone in a heading, as in coordenada_x_utm or Grid Ref E, and what its twin has there.
_TWINS = (("x", "y"), ("e", "n"), ("este", "norte"), ("ost", "nord"), ("est", "nord"), ("东", "北"), ("横", "纵"))


def _take_x_and_y(names: Sequence[str], roles: dict[str, Any], used: set[Any]) -> None:
    """Two columns whose headings differ by x and y only, where no heading says which the coordinates are."""
    if {"lon", "lat", "coordinates"} & roles.keys():
        return
    free = {_bare(c): c for c in reversed(names) if c not in used}
    for first, second in _TWINS:
        for plain in list(free)[::-1]:
            twin = re.sub(rf"(?<![a-z]){first}(?![a-z])", second, plain)
            if twin != plain and twin in free:
                for role, column in (("lon", free[plain]), ("lat", free[twin])):
                    roles[role] = (column, Note("read.reason_pair", other=free[twin] if role == "lon" else free[plain]))
                    used.add(column)
                return


def _give_pieces_back(short: Mapping[str, str], roles: dict[str, Any], used: set[Any]) -> None:
    """发生时 beside 发生年 and 发生月 is the hour of that date, and 发生日 its day: no time of their own."""
    column, why = roles.get("occurred_from", (None, None))
    if column is None or why.code == "read.reason_declared":
        return
    plain = normal(column)
    if plain[-1:] in ("日", "时", "일", "시") and any(
        {plain[:-1] + year, plain[:-1] + month} <= short.keys()
        for year, month in (("年", "月"), ("年份", "月份"), ("年度", "月份"), ("년", "월"))
    ):
        used.discard(roles.pop("occurred_from")[0])


def _take_pieces(names: Sequence[str], roles: dict[str, Any], used: set[Any]) -> None:
    """Pieces of a date by what their names say: those of when it happened before those of the report."""
    date = roles.get("occurred_from", (None,))[0]
    for role, pattern in TELLING_PART.items():
        free = [c for c in names if c not in used]
        if date is None:
            free.sort(key=lambda c: _bare(c).startswith("report"))
        else:  # no hour of the report behind the day on which it happened
            free = [c for c in free if bool(REPORTED.search(normal(c))) == bool(REPORTED.search(normal(date)))]
        found = None if role in roles else _telling(role, pattern, free)
        if found is not None:
            roles[role] = found
            used.add(found[0])


def _take_weak_time(roles: dict[str, Any], used: set[Any], named, take) -> None:
    """A column named time or month that stands alone is the time."""
    if "month" in roles and roles["month"][0] is not None and roles["month"][1].code != "read.reason_declared":
        used.discard(roles.pop("month")[0])
    clock = roles.get("time_of_day", (None, None))
    if clock[0] is not None and clock[1].code != "read.reason_declared" and normal(clock[0]) in WEAK:
        used.discard(roles.pop("time_of_day")[0])  # a column "time" without a date beside it
    take("occurred_from", named("occurred_from", WEAK), "read.reason_named")


def _take_later_time(names, roles, used, named, take, later: Sequence[str]) -> None:
    """The time of the report, where no column says when it happened."""
    if "occurred_from" in roles:
        return
    take("occurred_from", named("occurred_from", later), "read.reason_named")
    if "occurred_from" not in roles:
        found = _telling("occurred_from", LATER_TIME, [c for c in names if c not in used])
        if found is not None:
            roles["occurred_from"] = found
            used.add(found[0])


def _declared_roles(names: Sequence[str], declared: Any) -> dict[str, tuple[Any, Note]]:
    if declared is not None and not isinstance(declared, Mapping):
        raise SettingError(Note("read.columns_mapping", kind=type(declared).__name__))
    roles: dict[str, tuple[Any, Note]] = {}
    for name, column in (declared or {}).items():
        role = ALIASES.get(name, name)
        if role not in ROLES:
            raise SettingError(Note("read.no_role", role=role, meant=did_you_mean(role, [*ROLES, *ALIASES])))
        if column is not None and column not in names:
            raise InputError(
                Note("read.no_column_for_role", column=column, role=role, meant=did_you_mean(column, names))
            )
        taken = [r for r, (c, _) in roles.items() if column is not None and c == column]
        if taken:
            raise InputError(Note("read.column_declared_twice", column=column, taken=taken[0], role=role))
        roles[role] = (column, Note("read.reason_declared"))
    return roles


def _is_cut(column: str, listed: Sequence[str]) -> bool:
    """Whether a name of ten letters (or five characters of two bytes), as a shapefile cuts it, begins a listed one."""
    text = str(column)
    if len(text.encode("gb18030", "replace")) not in (9, 10) or len(normal(text)) < 5:
        return False
    return any(name.startswith(normal(text)) and len(name) > len(normal(text)) for name in listed)


def _telling(role: str, pattern: str, names: Sequence[str]) -> tuple[str, Note] | None:
    for column in names:
        text = _bare(column)
        if role in NOT_THIS and re.search(NOT_THIS[role], text):
            continue
        if match := re.search(pattern, text):
            return column, Note("read.reason_contains", word=match.group(0).strip("_ "))
    return None


_PLAIN = {
    "occurred_from": Note("read.role_time"),
    "occurred_to": Note("read.role_end_time"),
    "incident_id": Note("read.role_id"),
    "officer_initiated": Note("read.role_source"),
    **{
        role: Note(f"read.role_{role}")
        for role in (*PARTS, "lon", "lat", "category", "address", "zone", "coordinates", "time_of_day")
    },
}
