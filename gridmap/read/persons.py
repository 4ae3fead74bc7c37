# ruff: noqa: E501 -- tables of words and patterns read best unbroken
"""Which columns are about persons: they are dropped when a file is read.

gridmap maps places, never people. No name, identity number, telephone, household or vehicle passes the
reader, whatever the map is for. A column is personal by its name (报警人, 身份证号, victim_age, phone) or by
what it holds: mainland identity numbers (18 digits with the right check digit by GB 11643-1999, ISO 7064
MOD 11-2; the older ones of 15), telephone numbers, number plates, passports, bank cards (ISO 7812's check
digit), e-mail addresses, doors of dwellings, or values that read as Chinese names. Free text that tells the
case is personal too, because it names people.
"""

import hashlib
import importlib
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np

from gridmap.messages import Note
from gridmap.read.columns import simplified

__all__ = [
    "AREA_PHONE",
    "BY_NAME_ZH",
    "CARD",
    "DOOR",
    "EMAIL",
    "ID_NUMBER",
    "LANDLINE",
    "MOBILE",
    "NAME_PHRASES",
    "NOT_PERSONS",
    "NOT_PERSONS_ZH",
    "NO_NAME_ENDS",
    "OLD_ID_NUMBER",
    "OTHER_WORDS",
    "PASSPORT",
    "PERSON_WORDS",
    "PLATE",
    "SURNAMES",
    "SURNAMES_OF_TWO",
    "card_number_is_valid",
    "id_number_is_valid",
    "is_person_column",
    "mask",
    "names_in_titles",
    "personal_columns",
    "reads_as_name",
]

#: What a column can tell of persons → its code in the catalogue.
ABOUT = {
    "names of persons": "names",
    "identity numbers": "identity",
    "telephone numbers": "phones",
    "vehicles": "vehicles",
    "households": "households",
    "traits of persons": "traits",
    "free text that may name persons": "text",
    "columns about persons": "persons",
    "bank cards": "cards",
    "e-mail addresses": "email",
    "doors of dwellings": "doors",
}

BY_NAME_ZH = {
    "names of persons": r"姓名|当事人|当事双方|双方当事|(?<!行)(?<!器)(?<!无)(?<!老)(?<!年)人$|嫌疑人|违法人|受害人|被害人|事主|联系人|联络|报警人|报案人|申请人|被申请人|投诉人|来电人|反映人|信访人|上访人|户主|业主|家长"
    r"|负责人|站长|所长|队长|书记|主任|局长|科长|组长|承办人|经办人|处警人|处警民警|民警|调解员|网格员|网格长|楼长|登记人|录入人|证人|对方|甲方|乙方|法人|姓$|名字|承租人|出租人|房东|房主|驾驶员|驾驶人|司机|死者|伤者|监护人|曾用名|氏名|名前|被害者|被疑者|加害者|通报者|届出人|目击者|申告者|성명|(?<![동구시읍면로역])(?<!지역)(?<!도로)이름|피해자|피의자|가해자|신고자|목격자|담당자",
    "identity numbers": r"身份证|证件号|证件类|公民身份|护照|警号|社保号|学号|マイナンバー|个人番号|免许证番号|주민등록번호|주민번호|여권번호|면허번호",
    "telephone numbers": r"电话|手机|联系方式|(?<!案件)(?<!案)(?<!网格)(?<!工单)(?<!警情)(?<!事件)(?<!流水)(?<!区域)(?<!街道)号码$|携带番号|전화|휴대폰|핸드폰|연락처|传真|微信|qq|邮箱|电子邮件",
    "vehicles": r"车牌|号牌|车架|发动机号|车辆号|车主|车辆番号|차량번호|번호판",
    "households": r"户号|户口|户籍|门牌号|房号|住址|家庭|家属|居住地|银行卡|账号|帐号|卡号|거주지|자택|주소지|계좌",
    "traits of persons": r"性别|年龄|年齢|民族|(?<!发)(?<!発)出生|(?<!发)(?<!発)生日|(?<!发)(?<!発)生年月日|籍贯|文化程度|职业|婚姻|政治面貌|国籍|宗教|성별|나이|연령|(?<!발)생년월일|직업|국적",
    "free text that may name persons": r"案情|经过|备注|备考|비고|특이사항|诉求内容|反映内容|主要内容|详细内容|事件描述|问题描述|纠纷描述|情况说明",
}
#: Words of other languages that stand for a person's role, by how they begin, accents taken off.
PERSON_STEMS = re.compile(
    r"^(victim|denunciant|agresor|imputad|testig|detenid|aprehendid|sospechos|indiciad|querellant|afectad|ofendid|vitim|testemunh"
    r"|solicitant|comunicant|agraviad|damnificad|suspeit|acusad|indiciad|plaignant|temoin|mis en cause|suspect|opfer|geschadigt|geschaedigt|tatverdacht"
    r"|tatverdaecht|beschuldigt|zeuge|anzeigend|anzeigeerstatt|anzeigenerstatt|melder|потерпевш|подозреваем|обвиняем|заявител|свидетел|пострадавш"
    r"|(autor|autora|autores|auteur|auteurs|autore|mae|pai|madre|padre|mere|pere|mutter|vater|mother|father|conjuge|conyuge|esposa|esposo|filho|filha|hijo|hija)$"
    r"|councill?or|warden|constable|sergeant|inspector|mayor|alderman|caretaker|landlord|leader|supervisor|deputy)"
)
#: What describes a person in other languages, as whole words, accents taken off.
PERSON_TERMS: dict[str, set[str]] = {
    "names of persons": {
        "nombres",
        "apellido",
        "apellidos",
        "sobrenome",
        "nome_completo",
        "prenom",
        "prenoms",
        "nom_complet",
        "nachname",
        "vorname",
        "familienname",
        "nachnahme",
        "фамилия",
        "имя",
        "отчество",
        "фио",
        "nombrecompleto",
        "nomecompleto",
        "nombreyapellido",
        "nom_prenom",
        "xingming",
        "xm",
        "xming",
        "lxr",
        "lianxiren",
        "fzr",
        "fuzeren",
        "wgy",
        "wgyxm",
        "wgyuan",
        "wanggeyuan",
        "wgz",
        "wgzxm",
        "mj",
        "mjxm",
        "minjing",
        "bjr",
        "bjrxm",
        "sqmj",
        "zrr",
        "zrmj",
        "hz",
        "hzxm",
    },
    "identity numbers": {
        "dni",
        "nie",
        "nif",
        "curp",
        "cedula",
        "rut",
        "cuil",
        "cuit",
        "pasaporte",
        "documento_identidad",
        "numero_documento",
        "nro_documento",
        "cpf",
        "rg",
        "cnh",
        "passaporte",
        "codicefiscale",
        "codice_fiscale",
        "ausweisnummer",
        "personalausweis",
        "passport",
        "reisepass",
        "паспорт",
        "снилс",
        "инн",
        "nir",
        "nss",
        "pesel",
        "personnummer",
        "sfz",
        "sfzh",
        "sfzhm",
        "shenfenzheng",
        "zjhm",
    },
    "telephone numbers": {
        "telefono",
        "celular",
        "movil",
        "correo",
        "email",
        "telefone",
        "telephone",
        "portable",
        "courriel",
        "telefon",
        "handy",
        "handynummer",
        "mobilnummer",
        "rufnummer",
        "telefonnummer",
        "telefonnr",
        "cellulare",
        "телефон",
        "тел",
        "почта",
        "lxdh",
        "lxfs",
        "sjh",
        "sjhm",
        "dhhm",
        "dianhua",
        "shouji",
    },
    "vehicles": {
        "matricula",
        "patente",
        "placas",
        "placa",
        "immatriculation",
        "plaque",
        "kennzeichen",
        "fahrgestellnummer",
        "targa",
        "госномер",
        "vin",
        "cph",
        "cphm",
        "chepai",
    },
    "households": {
        "domicilio",
        "domicile",
        "wohnort",
        "wohnanschrift",
        "wohnadresse",
        "anschrift_opfer",
        "residencia",
        "endereco_residencial",
        "проживание",
        "проживания",
        "регистрация",
        "регистрации",
        "hjdz",
        "hujidizhi",
        "jtzz",
        "jtdz",
        "zz",
        "sbh",
    },
    "traits of persons": {
        "sexo",
        "genero",
        "edad",
        "edades",
        "sexe",
        "genre",
        "age",
        "idade",
        "raca_cor",
        "raca",
        "etnia",
        "religion",
        "religiao",
        "nacionalidad",
        "nacionalidade",
        "nationalite",
        "nacimiento",
        "nascimento",
        "naissance",
        "fechanacimiento",
        "datanascimento",
        "geschlecht",
        "alter",
        "altersgruppe",
        "staatsangehorigkeit",
        "staatsangehoerigkeit",
        "nationalitat",
        "nationalitaet",
        "geburtsdatum",
        "geburtstag",
        "beruf",
        "geburtsort",
        "familienstand",
        "empleado",
        "empregado",
        "ocupacion",
        "profesion",
        "profissao",
        "profession",
        "escolaridad",
        "escolaridade",
        "estado_civil",
        "estadocivil",
        "etat_civil",
        "sesso",
        "eta",
        "пол",
        "возраст",
        "гражданство",
        "национальность",
        "рождения",
        "профессия",
        "xb",
        "xingbie",
        "csrq",
        "nl",
        "nianling",
    },
    "free text that may name persons": {
        "relato",
        "narracion",
        "narrativa",
        "observaciones",
        "observacoes",
        "historico",
        "recit",
        "commentaires",
        "bemerkung",
        "bemerkungen",
        "sachverhalt",
        "фабула",
        "примечание",
        "anmerkung",
        "note_libre",
    },
}
PERSON_WORDS = {
    "victim",
    "vic",
    "victims",
    "vict",
    "suspect",
    "suspects",
    "susp",
    "offender",
    "offenders",
    "perpetrator",
    "complainant",
    "caller",
    "callers",
    "petitioner",
    "witness",
    "arrestee",
    "plaintiff",
    "defendant",
    "occupant",
    "tenant",
    "owner",
    "resident",
    "householder",
    "guardian",
    "officer",
    "officers",
    "informant",
    "contact",
    "passenger",
    "driver",
    "reporter",
    "person",
    "people",
    "spouse",
}
NAME_WORDS = {"name", "names", "nombre", "nome", "nom", "имя"}
#: A name that says that its column holds areas, whose names may read as those of persons.
AREA_WORDS = re.compile(
    r"district|ward|station|beat|precinct|zone|area|borough|county|city|town|village|municip|barrio|bairro|comuna|commune|quartier|bezirk"
    r"|stadtteil|район|округ|участок|neighb|community|region|place|street|road|location"
    r"|区|县|市|镇|乡|村|街道|社区|小区|派出所|分局|辖区|网格|所属|单位|地址|地点|道路|路名|町|駅|警察署|시군구|읍면동|동$|구$|지역"
)
NAME_PHRASES = re.compile(
    r"^(full|first|last|middle|given|family|maiden|nick)?\s?names?$|^(nombre|nome|nom|имя)$|^surname$|^forename$|^alias$|person name|contact name"
)
OTHER_WORDS = {
    "identity numbers": {
        "ssn",
        "passport",
        "nationalid",
        "idcard",
        "idnumber",
        "idno",
        "nino",
        "badge",
        "citizenid",
        "personid",
    },
    "telephone numbers": {
        "phone",
        "telephone",
        "tel",
        "mobile",
        "cellphone",
        "fax",
        "email",
        "mail",
        "wechat",
        "qq",
    },
    "vehicles": {"plate", "plates", "licenseplate", "licenceplate", "vin", "vrm", "registration", "numberplate"},
    "households": {
        "household",
        "householdid",
        "houseno",
        "housenumber",
        "apartment",
        "apt",
        "flat",
        "homeaddress",
        "account",
        "iban",
    },
    "traits of persons": {
        "dob",
        "birthdate",
        "birthday",
        "birth",
        "age",
        "sex",
        "gender",
        "race",
        "ethnicity",
        "descent",
        "nationality",
        "religion",
    },
    "free text that may name persons": {"narrative", "synopsis", "remarks", "notes", "comments"},
}
#: 户籍人口 is how many live somewhere, not who.
#: A Chinese name says at its end what it is: a dispute about a marriage, a place of worship, a telephone box are none.
NOT_PERSONS_ZH = re.compile(
    r"(人口|人数|家庭暴力|家暴|主题公园|委员会|识别点|等级|户数|数量|总数|次数|起数|件数|占比|比例|率|密度|面积|数|纠纷|矛盾|案|案件|警情|案由|场所|盗窃|被盗|抢夺|抢劫|诈骗|扒窃|亭|店|厅"
    r"|派出所|分局|警署|警务室|警务站|责任区|辖区|管区|社区|街道|乡镇|网格|网格编号|网格编码|网格名称|亭编号|区域|路段|路口|(?<!住)处|(?<!住)(?<!居)所(?<!场所)|点|点位|室|站|公园|中心|馆|ボックス|부스|(?:店|亭|厅|站|点|处|馆|校|中心|公园|(?<!住所)(?<!居住)场所)(?:名称|编号|编码|名)|公[众衆用]电话|공중전화|民族[乡镇村]|归属地|学校|医院|市场|广场|单位|机构|部门"
    r"|类别|类型(?<!证件类型)|种类|发生地|发生地点|案发地|案发地点|路|街|巷|桥|村)$"
)
#: In English too: an officer's district, a phone booth, a registration date do not describe persons.
NOT_PERSONS = re.compile(
    r"\b(count|counts|total|number of|num|rate|share|per|population|density|households|ratio)\b"
    r"|\b(district|beat|sector|zone|precinct|station|ward|division|area|booth|box|kiosk|store|shop|theft|robbery|burglary|fraud"
    r"|initiated|type|category|assault|injury|offen[cs]e|crime|incident|shelter|centre|center|school|route|stop|region|borough|park|course|office|public|publico|publica|publique)s?$"
    r"|\bowner occupied\b|^sex offen[cs]e|^race track|^mobile unit|^driver related|^age of vehicle|^(phone|mobile) type"
    r"|\bregistration (date|time|office|district|year)\b|\breport(er|ed)? (date|time)\b|^race (street|road|avenue|st)$|\bplate reader|\bhousehold (waste|refuse|goods)|\bperson (crime|offen[cs]e)"
)

ID_NUMBER = re.compile(r"(?<!\d)\d{6}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])")
#: Until 1999: no century, no check digit. A grid's code has 15 digits too, so years of birth before 1920 are none.
OLD_ID_NUMBER = re.compile(r"(?<!\d)[1-8]\d{5}[2-9]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)")
MOBILE = re.compile(r"(?<![\d.])(?:\(?(?:\+|00)?86\)?[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")
AREA_PHONE = re.compile(r"(?<![\d.])\(?0\d{2,3}\)?[- ]\d{7,8}(?!\d)")
PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•\s-]?[A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳]"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)
#: E + 8 digits, the commonest, is left out: census areas are called so.
PASSPORT = re.compile(r"(?<![A-Z0-9])(?:E[A-Z]\d{7}|[GDSPH]\d{8}|[GP]\d{7})(?![A-Z0-9])")
CARD = re.compile(r"(?<!\d)(?:62|4\d|5[1-5])\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}(?:[ -]?\d{1,3})?(?!\d)")
DOOR = re.compile(
    r"(?:栋|幢|号楼|单元)\s*-?\d*.{0,4}\d{2,4}\s*(?:室|房|户|号)|单元\s*\d{3,4}|\d{1,2}-\d{1,2}-\d{3,4}(?!\d)"
)
#: 64 characters at most before the @, as RFC 5321 has it: without an end, a long text took the square of its length.
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+\.[\w.]+")
LANDLINE = re.compile(
    r"^\(?0\d{2,3}\)?[- ]?\d{7,8}$|^\+?\d{1,3}[- (]+\d{3}[- )]+\d{3}[- ]?\d{4}$|^\(\d{3}\) ?\d{3}-\d{4}$|^\d{3}-\d{3}-\d{4}$"
)
SURNAMES_OF_TWO = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "皇甫",
    "尉迟",
    "司徒",
    "夏侯",
    "令狐",
    "慕容",
    "端木",
    "东方",
    "南宫",
    "轩辕",
    "长孙",
)
SURNAMES = set(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊"
    "金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂焦向柳邢岳齐梅莫庄辛管祝左涂谷祁"
)
NO_NAME_ENDS = tuple("村庄镇街道路巷区县市乡里弄屯营堡店桥园院场厂局所队站城门口河湖山岭沟湾坝类案件纠斗盗抢骗")


def id_number_is_valid(text: str) -> bool:
    """Whether 18 characters are a mainland identity number: a date of birth and the right check character.

    Examples
    --------
    >>> id_number_is_valid("11010519491231002X"), id_number_is_valid("110105194912310021")
    (True, False)

    References
    ----------
    GB 11643-1999; the first number is the standard's own example.
    """
    text = str(text).strip().upper()
    if not ID_NUMBER.fullmatch(text):
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(c) * w for c, w in zip(text[:17], weights, strict=True)) % 11] == text[17]


def card_number_is_valid(text: str) -> bool:
    """Whether digits end in the right check digit of a bank card.

    Examples
    --------
    >>> card_number_is_valid("4111 1111 1111 1111"), card_number_is_valid("4111 1111 1111 1112")
    (True, False)

    References
    ----------
    ISO/IEC 7812-1, annex B (Luhn).
    """
    digits = [int(c) for c in str(text) if c.isdigit()][::-1]
    doubled = sum(sum(divmod(2 * d, 10)) for d in digits[1::2])
    return 16 <= len(digits) <= 19 and (sum(digits[::2]) + doubled) % 10 == 0


def mask(text: str) -> str:
    """`text` with identity, telephone and card numbers, plates and e-mail addresses starred out.

    Examples
    --------
    >>> mask("李某 13812345678 京A12345")
    '李某 *** ***'
    """
    plain = unicodedata.normalize("NFKC", text)
    masked = plain
    for pattern in (ID_NUMBER, AREA_PHONE, MOBILE, PLATE, EMAIL):
        masked = pattern.sub("***", masked)
    masked = CARD.sub(lambda m: "***" if card_number_is_valid(m.group(0)) else m.group(0), masked)
    if not masked.isdigit():  # digits alone may be the code of a grid
        masked = OLD_ID_NUMBER.sub("***", masked)
    return text if masked == plain else masked


def _by_name(column: str) -> str | None:
    text = simplified("".join(unicodedata.normalize("NFKC", str(column)).split()))
    if re.search(r"[\u3041-\u9fff\uac00-\ud7a3]", text):
        if NOT_PERSONS_ZH.search(text):
            return None
        for what, pattern in BY_NAME_ZH.items():
            if re.search(pattern, text, re.IGNORECASE):
                return what
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", unicodedata.normalize("NFKC", str(column)))
    words = re.sub(r"[\s_\-./#:]+", " ", words).strip().lower()
    words = "".join(c for c in unicodedata.normalize("NFD", words) if not unicodedata.combining(c) or c == "\u0306")
    words = unicodedata.normalize("NFC", words)
    return None if NOT_PERSONS.search(words) else _by_words(words)


def _by_words(words: str) -> str | None:
    """What whole words of any language say; what begins with a person's role is about that person."""
    tokens = words.split()
    joined = {*tokens, words.replace(" ", ""), words.replace(" ", "_")}
    if NAME_PHRASES.search(words):
        return "names of persons"
    if PERSON_WORDS & set(tokens):
        return "columns about persons"
    if any(PERSON_STEMS.match(token) for token in tokens):
        return "names of persons" if NAME_WORDS & set(tokens) else "columns about persons"
    for listed in (OTHER_WORDS, PERSON_TERMS):
        for what, terms in listed.items():
            if terms & joined:
                return what
    return None


def is_person_column(column: str) -> bool:
    """Whether a column's name says that it is about a person.

    Examples
    --------
    >>> [is_person_column(c) for c in ("姓 名", "warden_name", "站长_name", "发生日期", "ward_name", "Phone Booth")]
    [True, True, True, False, False, False]
    """
    return _by_name(column) is not None


def reads_as_name(text: str) -> bool:
    """Whether a text has the form of a Chinese person's name: a surname and one to three characters."""
    text = simplified(text)
    return (
        2 <= len(text) <= 4
        and (text[0] in SURNAMES or text[:2] in SURNAMES_OF_TWO)
        and all("\u4e00" <= c <= "\u9fff" or c in "某*×X" for c in text)
        and not text.endswith(NO_NAME_ENDS)
    )


#: What stands behind a person's name in the title of a case: 王小明被盗窃案, 李红与张伟邻里纠纷, 陈强诉赵敏.
_IN_TITLE = re.compile(r"^([\u4e00-\u9fff]{2,3})(?:被|与|和|诉|等|跟|同|家|涉嫌|、)")
#: Characters that end the name of a shop or a road, not of a person.
_OF_PLACES = set("店厂路街村社区所站院校馆库房车楼市县镇乡广超公")


def names_in_titles(values: Iterable[str]) -> bool:
    """Whether a column's values are titles or lists that name persons: 王小明被盗窃案, 王小明、李红.

    Examples
    --------
    >>> names_in_titles(["王小明被盗窃案", "李红梅被诈骗案", "张伟与刘芳邻里纠纷"])
    True
    >>> names_in_titles(["城东超市被盗案", "人民路抢夺案", "万达广场被盗案"])
    False
    """
    some = list(dict.fromkeys(values))[:200]
    named = set()
    hits = 0
    for text in some:
        parts = [p for p in re.split(r"[、,，;；/]", text) if p]
        title = _IN_TITLE.match(text)
        if len(parts) > 1 and all(reads_as_name(p) for p in parts):
            named.add(parts[0])
            hits += 1
        elif title and reads_as_name(title[1]) and not _OF_PLACES & set(title[1][1:]):
            named.add(title[1])
            hits += 1
    return len(named) >= 2 and hits >= 0.3 * len(some)


#: Modules of python-stdnum for numbers of persons → the form that a value must have before the check digit is computed.
NATIONAL = {
    "es.nif": r"[0-9XYZKLM]\d{7}[A-Z]",
    "br.cpf": r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}",
    "fr.nir": r"[12]\d{12}(\d{2})?",
    "de.idnr": r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
    "kr.rrn": r"\d{6}-?[1-8]\d{6}",
    "ru.inn": r"\d{12}",
    "mx.curp": r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d",
    "cl.rut": r"\d{1,2}\.?\d{3}\.?\d{3}-?[\dK]",
    "ar.cuit": r"(20|23|24|25|26|27)-?\d{8}-?\d",
    "it.codicefiscale": r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]",
    "pl.pesel": r"\d{11}",
    "se.personnummer": r"(\d{2})?\d{6}[-+]?\d{4}",
    "nl.bsn": r"\d{9}",
    "no.fodselsnummer": r"\d{6} ?\d{5}",
    "fi.hetu": r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y]",
    "dk.cpr": r"\d{6}-\d{4}",
    "gb.nhs": r"\d{3} ?\d{3} ?\d{4}",
    "ca.sin": r"\d{3}[ -]\d{3}[ -]\d{3}",
    "us.ssn": r"\d{3}-\d{2}-\d{4}",
    "ec.ci": r"[0-2]\d{9}",
    "pt.cc": r"\d{8} ?\d[A-Z0-9]{2}\d",
}


def my_number_is_valid(text: str) -> bool:
    """Whether 12 digits end in the right check digit of a Japanese individual number.

    Examples
    --------
    >>> my_number_is_valid("123456789018"), my_number_is_valid("123456789012")
    (True, False)

    References
    ----------
    Ordinance 85 (2014) of the Ministry of Internal Affairs and Communications, article 5.
    """
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) != 12:
        return False
    total = sum(d * (n + 1 if n <= 6 else n - 5) for n, d in enumerate(digits[-2::-1], 1))
    return digits[-1] == (0 if total % 11 <= 1 else 11 - total % 11)


def snils_is_valid(text: str) -> bool:
    """Whether 11 digits are a Russian insurance number.

    Examples
    --------
    >>> snils_is_valid("112-233-445 95"), snils_is_valid("112-233-445 94")
    (True, False)
    """
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) != 11:
        return False
    total = sum(d * (9 - i) for i, d in enumerate(digits[:9])) % 101
    return (total if total < 100 else 0) == digits[9] * 10 + digits[10]


def _national_numbers(values: list[str]) -> bool:
    """Whether most of a column's values are numbers of persons of some country, by their check digits."""
    some = list(dict.fromkeys(v.strip().upper() for v in values))[:60]
    if len(some) < 3:
        return False
    for name, form in NATIONAL.items():
        shaped = [v for v in some if re.fullmatch(form, v)]
        if len(shaped) >= 0.6 * len(some):
            check = importlib.import_module(f"stdnum.{name}").is_valid
            if sum(map(check, shaped)) >= 0.6 * len(some):
                return True
    for check, form in ((my_number_is_valid, r"\d{4} ?\d{4} ?\d{4}"), (snils_is_valid, r"\d{3}-\d{3}-\d{3}[ -]\d{2}")):
        shaped = [v for v in some if re.fullmatch(form, v)]
        if len(shaped) >= 0.6 * len(some) and sum(map(check, shaped)) >= 0.6 * len(some):
            return True
    return False


def _is_card(value: str) -> bool:
    match = CARD.search(value)
    return match is not None and card_number_is_valid(match.group(0))


def _is_mobile(value: str) -> bool:
    return bool(MOBILE.search(value)) and not re.fullmatch(r"\d{12,}|[\d.]+\.\d+", value)


#: What `_by_content` answered, by a hash of the values: the values themselves are not kept.
_ANSWERS: dict[tuple, str | None] = {}
MOST_ANSWERS = 4096

#: What a column holds, the share of its values that must look so, and how it looks; in this order.
CONTENT_TESTS: tuple[tuple[str, float, Callable[[str], Any]], ...] = (
    ("bank cards", 0.5, _is_card),
    ("identity numbers", 0.5, PASSPORT.fullmatch),
    ("telephone numbers", 0.02, _is_mobile),
    ("telephone numbers", 0.3, LANDLINE.search),
    ("telephone numbers", 0.3, AREA_PHONE.search),
    ("vehicles", 0.02, PLATE.search),
    ("e-mail addresses", 0.02, EMAIL.search),
    ("doors of dwellings", 0.3, DOOR.search),
)


def _by_content(
    values: list[str], plain_numbers: bool = False, places: bool = False, areas: bool = False
) -> str | None:
    """What values say of persons; the same values were often looked at before, by one gate or another."""
    seen = (hashlib.blake2b("\0".join(values).encode("utf-8", "surrogatepass")).digest(), plain_numbers, places, areas)
    if seen not in _ANSWERS:
        if len(_ANSWERS) >= MOST_ANSWERS:
            _ANSWERS.clear()
        _ANSWERS[seen] = _as_seen(values, plain_numbers, places, areas)
    return _ANSWERS[seen]


def _as_seen(values: list[str], plain_numbers: bool, places: bool, areas: bool) -> str | None:
    values = [unicodedata.normalize("NFKC", v) for v in values]
    n = len(values)
    if not n:
        return None

    def share(test) -> float:
        return sum(bool(test(v)) for v in values) / n

    # One real identity number in a column is one too many; the check digit makes a chance hit 1 in 11 at most.
    found = [m.group(0) for v in values for m in ID_NUMBER.finditer(v)]
    valid = sum(map(id_number_is_valid, found))
    if valid and valid >= max(1, 0.3 * len(found)):
        return "identity numbers"
    old = [m.group(0) for v in values for m in OLD_ID_NUMBER.finditer(v)]
    # 15 digits that all read as a date of birth, of people born in different years
    if len(old) >= 0.8 * n and n >= 3 and len({v[6:8] for v in old}) > 2:
        return "identity numbers"
    if _national_numbers(values):
        return "identity numbers"
    if plain_numbers:
        return None
    for what, least, test in CONTENT_TESTS:
        if not (places and what == "doors of dwellings") and share(test) >= least:
            return what
    if n >= 5 and names_in_titles(values):
        return "names of persons"
    distinct = set(values)
    if (
        not areas
        and n >= 5
        and share(reads_as_name) >= 0.8
        and sum(map(reads_as_name, distinct)) >= 0.8 * len(distinct) > 1
    ):
        return "names of persons"
    long = n >= 5 and np.mean([len(v) for v in values]) > 30 and len(set(values)) > 0.9 * n
    if long and np.mean([sum("\u4e00" <= c <= "\u9fff" for c in v) / len(v) for v in values]) > 0.5:
        return "free text that may name persons"
    return None


def personal_columns(
    columns: Iterable[tuple[str, Iterable]],
    *,
    numbered: Collection[str] = (),
    addresses: Collection[str] = (),
    areas: Collection[str] = (),
    sample: int = 2000,
) -> dict[str, Note]:
    """Column → what makes it personal, for those that are.

    Parameters
    ----------
    columns : iterable of (name, values)
        Values are looked at as text, `sample` of them spread over the column.
    numbered : collection of str
        Columns of case numbers, which may look like telephone numbers.
    addresses : collection of str
        Columns that say where a case happened; doors may stand in them.
    areas : collection of str
        Columns of areas or kinds of incidents, whose names may read as those of persons. What a name says to be an area
        (station, ward, 派出所, 街道 …) is one as well.
    sample : int, default 2000

    Examples
    --------
    >>> table = [("报警人", ["某"]), ("k", ["11010519491231002X"]), ("Crime ID", ["170c"]), ("LSOA name", ["Leeds"])]
    >>> personal_columns(table)
    {'报警人': 'names of persons (by name)', 'k': 'identity numbers (by content)'}
    >>> personal_columns([("pai", ["João"])]), personal_columns([("pai", [9.4, 7.1])])
    ({'pai': 'columns about persons (by name)'}, {})
    """
    found = {}
    for name, values in columns:
        a_score = False
        if name in ("pai", "pai_low", "pai_high"):  # a father in Portuguese, and the score of a forecast: a number
            values = list(values)
            a_score = all(re.fullmatch(r"[\d.]+|nan|None", str(v)) for v in values)
        if not a_score and (what := _by_name(name)):
            found[name] = Note("read.by_name", what=Note(f"read.about_{ABOUT[what]}"))
            continue
        texts = [str(v).strip() for v in values if v is not None and v == v and str(v).strip()]
        if len(texts) > sample:
            texts = [texts[i] for i in np.linspace(0, len(texts) - 1, sample).astype(int)]
        if what := _by_content(
            texts,
            name in numbered,
            name in addresses,
            name in areas or bool(AREA_WORDS.search(simplified(str(name)).lower())),
        ):
            found[name] = Note("read.by_content", what=Note(f"read.about_{ABOUT[what]}"))
    return found
