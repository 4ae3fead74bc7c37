# ruff: noqa: E501 -- tables of words and patterns read best unbroken
"""The words and patterns that tell what is about a person: names of columns, and what numbers of persons look like.

Vocabulary only; `personal.py` decides with it. Identity numbers are those of GB 11643-1999 and, of 15 digits, those before
it; bank cards begin as ISO 7812 gives them to UnionPay, Visa and Mastercard.
"""

import re

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
]

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
