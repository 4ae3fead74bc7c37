# ruff: noqa: E501 -- tables of words and patterns read best unbroken
"""Which columns are about persons: they are dropped at the door.

gridmap maps places, never people. No name, identity number, telephone, household or vehicle passes the
reader, whatever the map is for. A column is personal by its name (报警人, 身份证号, victim_age, phone) or by
what it holds: mainland identity numbers (18 digits with the right check digit by GB 11643-1999, ISO 7064
MOD 11-2; the older ones of 15), telephone numbers, number plates, passports, bank cards (ISO 7812's check
digit), e-mail addresses, doors of dwellings, or values that read as Chinese names. Free text that tells the
case is personal too, because it names people.
"""

import re
import unicodedata
from collections.abc import Iterable

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
    "mask",
    "personal_columns",
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
    "names of persons": r"姓名|当事人|嫌疑人|违法人|受害人|被害人|事主|联系人|报警人|报案人|申请人|被申请人|投诉人|来电人|反映人|信访人|上访人|户主|业主|家长"
    r"|负责人|承办人|经办人|处警人|处警民警|民警|调解员|网格员|网格长|楼长|登记人|录入人|证人|对方|甲方|乙方|法人|姓$|名字|曾用名",
    "identity numbers": r"身份证|证件号|证件类|公民身份|护照|警号|社保号|学号",
    "telephone numbers": r"电话|手机|联系方式|号码$(?<!案件号码)|传真|微信|qq|邮箱|电子邮件",
    "vehicles": r"车牌|号牌|车架|发动机号|车辆号|车主",
    "households": r"户号|户口|户籍|门牌号|房号|住址|家庭|家属|居住地|银行卡|账号|帐号|卡号",
    "traits of persons": r"性别|年龄|民族|出生|生日|籍贯|文化程度|职业|婚姻|政治面貌|国籍|宗教",
    "free text that may name persons": r"案情|经过|备注|诉求内容|反映内容|主要内容|详细内容|事件描述|问题描述|纠纷描述|情况说明",
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
NAME_PHRASES = re.compile(
    r"^(full|first|last|middle|given|family|maiden|nick)?\s?names?$|^surname$|^forename$|^alias$|person name|contact name"
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
        "cell",
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
NOT_PERSONS_ZH = re.compile(r"(人口|人数|户数|数量|总数|次数|起数|件数|占比|比例|率|密度|面积)$")
NOT_PERSONS = re.compile(r"\b(count|counts|total|number of|num|rate|share|per|population|density|households|ratio)\b")

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
EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
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
    text = simplified(unicodedata.normalize("NFKC", str(column)).strip())
    if NOT_PERSONS_ZH.search(text):
        return None
    for what, pattern in BY_NAME_ZH.items():
        if re.search(pattern, text, re.IGNORECASE):
            return what
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    words = re.sub(r"[\s_\-./#:]+", " ", words).strip().lower()
    if NOT_PERSONS.search(words):
        return None
    tokens = words.split()
    if NAME_PHRASES.search(words):
        return "names of persons"
    if PERSON_WORDS & set(tokens):
        return "columns about persons"
    for what, listed in OTHER_WORDS.items():
        if listed & {*tokens, words.replace(" ", "")}:
            return what
    return None


def _reads_as_name(text: str) -> bool:
    text = simplified(text)
    return (
        2 <= len(text) <= 4
        and (text[0] in SURNAMES or text[:2] in SURNAMES_OF_TWO)
        and all("\u4e00" <= c <= "\u9fff" or c in "某*×X" for c in text)
        and not text.endswith(NO_NAME_ENDS)
    )


def _by_content(values: list[str], plain_numbers: bool = False, places: bool = False) -> str | None:
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
    if plain_numbers:
        return None
    if share(lambda v: (m := CARD.search(v)) and card_number_is_valid(m.group(0))) >= 0.5:
        return "bank cards"
    if share(PASSPORT.fullmatch) >= 0.5:
        return "identity numbers"
    if share(lambda v: MOBILE.search(v) and not re.fullmatch(r"\d{12,}|[\d.]+\.\d+", v)) >= 0.02:
        return "telephone numbers"
    if share(LANDLINE.search) >= 0.3 or share(AREA_PHONE.search) >= 0.3:
        return "telephone numbers"
    if share(PLATE.search) >= 0.02:
        return "vehicles"
    if share(EMAIL.search) >= 0.02:
        return "e-mail addresses"
    if not places and share(DOOR.search) >= 0.3:
        return "doors of dwellings"
    distinct = set(values)
    if n >= 5 and share(_reads_as_name) >= 0.8 and sum(map(_reads_as_name, distinct)) >= 0.8 * len(distinct) > 1:
        return "names of persons"
    long = n >= 5 and np.mean([len(v) for v in values]) > 30 and len(set(values)) > 0.9 * n
    if long and np.mean([sum("\u4e00" <= c <= "\u9fff" for c in v) / len(v) for v in values]) > 0.5:
        return "free text that may name persons"
    return None


def personal_columns(
    columns: Iterable[tuple[str, Iterable]], *, numbered=(), addresses=(), sample: int = 2000
) -> dict[str, str]:
    """Column → what makes it personal, for those that are.

    Parameters
    ----------
    columns : iterable of (name, values)
        Values are looked at as text, `sample` of them spread over the column.
    numbered : collection of str
        Columns of case numbers, which may look like telephone numbers.
    addresses : collection of str
        Columns that say where a case happened; doors may stand in them.
    sample : int, default 2000

    Examples
    --------
    >>> table = [("报警人", ["某"]), ("k", ["11010519491231002X"]), ("Crime ID", ["170c"]), ("LSOA name", ["Leeds"])]
    >>> personal_columns(table)
    {'报警人': 'names of persons (by name)', 'k': 'identity numbers (by content)'}
    """
    found = {}
    for name, values in columns:
        if what := _by_name(name):
            found[name] = Note("read.by_name", what=Note(f"read.about_{ABOUT[what]}"))
            continue
        texts = [str(v).strip() for v in values if v is not None and v == v and str(v).strip()]
        if len(texts) > sample:
            texts = [texts[i] for i in np.linspace(0, len(texts) - 1, sample).astype(int)]
        if what := _by_content(texts, name in numbered, name in addresses):
            found[name] = Note("read.by_content", what=Note(f"read.about_{ABOUT[what]}"))
    return found
