"""In which code page a text was written that is not UTF-8.

Double-byte code pages accept nearly everything that others write, so being decodable decides nothing. What decides is
what comes out: simplified Chinese stays among the 3,755 commonest characters of GB 2312, Korean among the 2,350
syllables of KS X 1001, Japanese has kana and the first level of JIS, Russian words are lower case after their first
letter, a Western letter stands alone between ASCII ones. Headings that name a role in the language count as evidence
too. Where two readings are as good as each other the answer is None, and the caller asks.
"""

import re
from collections.abc import Callable

from gridmap.read.columns import roles_in

__all__ = ["CANDIDATES", "code_page"]

#: Enough of a text to judge by.
SAMPLE = 1 << 16
_PUNCTUATION = set("，。、：；！？（）《》〈〉【】「」『』“”‘’…—－～·　％＋／＝＃＆＊．：℃°０１２３４５６７８９")
#: Letters of western Europe → how usual they are; ý, ð and þ stand where Turkish has ı, ğ and ş.
_WESTERN = {
    **dict.fromkeys("áàâäãåæçéèêëíìîïñóòôöõøœúùûüßÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜ", 1.0),
    **dict.fromkeys("ýÿÝŸ", 0.3),
}
_TYPOGRAPHIC = set("’‘“”–—…°º€£§«»ª·´¿¡²³½®©\u00a0")
#: Letters of Russian → how usual they are, from the frequency of letters in running text.
_RUSSIAN = {
    **dict.fromkeys("оеаинтсрвлкмдпуяыьгзбч", 1.0),
    **dict.fromkeys("йхжшюцщэфъёіїєґ", 0.5),
}


def _lead(char: str, encoding: str) -> int:
    try:
        coded = char.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return coded[0] if len(coded) == 2 else 0


def _simplified(text: list[str], _whole: str) -> float:
    return sum(c in _PUNCTUATION or 0xB0 <= _lead(c, "gb2312") <= 0xD7 for c in text)


def _traditional(text: list[str], _whole: str) -> float:
    return sum(c in _PUNCTUATION or 0xA4 <= _lead(c, "big5") <= 0xC6 for c in text)


def _japanese(text: list[str], _whole: str) -> float:
    kana = sum("\u3041" <= c <= "\u30ff" for c in text)
    half = sum("\uff61" <= c <= "\uff9f" for c in text)
    kanji = sum(c in _PUNCTUATION or 0xB0 <= _lead(c, "euc_jp") <= 0xCF for c in text)
    return kana + (1.0 if kana else 0.9) * kanji + 0.2 * half


def _korean(text: list[str], _whole: str) -> float:
    return sum(c in _PUNCTUATION or 0xB0 <= _lead(c, "euc_kr") <= 0xC8 for c in text)


def _russian(text: list[str], whole: str) -> float:
    """Cyrillic words of usual letters that are lower case, all capitals, or lower case after a capital."""
    good = 0.0
    for word in re.findall(r"[A-Za-z\u0400-\u04ff]+", whole):
        if word.isascii() or (not word.isascii() and re.search("[A-Za-z]", word)):
            continue  # no word mixes both alphabets
        regular = 1.0 if word[1:].islower() or len(word) == 1 else 0.85 if word.isupper() else 0.2
        good += sum(_RUSSIAN.get(c, 0.0) for c in word.lower()) * regular
    return good + sum(c in "№«»—–" for c in text)


def _western(text: list[str], whole: str) -> float:
    """Western letters, most of them alone between ASCII letters; a sign between two letters counts against them."""
    alone = sum(len(run) == 1 for run in re.findall(r"[^\x00-\x7f]+", whole))
    letters = sum(_WESTERN.get(c, 0.0) for c in text)
    signs = sum(c in _TYPOGRAPHIC for c in text)
    odd = len(re.findall(r"[A-Za-z][^\x00-\x7f’‘·´A-Za-zÀ-ÿŒœŸ][a-z]", whole))
    return (letters + signs - 2 * odd) * min(1.0, 0.15 + alone / max(len(text), 1))


def _arabic(text: list[str], whole: str) -> float:
    """Arabic words without a sign or a Western letter between their letters: Chinese read so has many.

    Nor does ة, which ends a word, stand within words, as it does where KOI8-R is read so.
    """
    within = len(re.findall(r"ة[\u0621-\u064a]|[÷×][\u0621-\u064a]|[\u0621-\u064a][÷×]", whole))
    if within > 0.01 * len(text):
        return 0.0
    letters = sum("\u0621" <= c <= "\u064a" for c in text)
    return letters if letters >= 0.97 * len(text) and not re.search(r"[\u0621-\u064a][A-Za-z]", whole) else 0.0


#: Encoding → how many of its characters are usual in the language it was made for. The first wins a tie.
CANDIDATES: dict[str, Callable[[list[str], str], float]] = {
    "gb18030": _simplified,
    "big5": _traditional,
    "cp932": _japanese,
    "euc_jp": _japanese,
    "cp949": _korean,
    "cp1251": _russian,
    "koi8_r": _russian,
    "cp866": _russian,
    "mac_cyrillic": _russian,
    "cp1256": _arabic,
    "cp1252": _western,
}


def _fit(raw: bytes, encoding: str, header: bytes) -> float:
    """From 0 to about 1: how much a text reads as what this encoding is for; more where its headings name roles."""
    whole = raw.decode(encoding, "replace")
    text = [c for c in whole if c >= "\x80"]
    broken = whole.count("\ufffd") + sum("\x80" <= c <= "\x9f" for c in text)
    usual = CANDIDATES[encoding]([c for c in text if c != "\ufffd"], whole) / max(len(text), 1)
    if CANDIDATES[encoding] in (_simplified, _traditional, _japanese, _korean):  # ve団ulo is vehículo of another page
        lone, runs = (len(re.findall(p, whole)) for p in (r"[a-z][^\x00-\x7f](?![^\x00-\x7f])", r"[^\x00-\x7f]+"))
        usual -= float(lone > 0.5 * runs)
    headings = [h for h in re.split(r"[,;\t|，；\n\r\"]+", header.decode(encoding, "replace")) if not h.isascii()]
    return usual - 3 * broken / max(len(text), 1) + 0.25 * min(3, roles_in(headings))


def code_page(sample: bytes) -> str | None:
    """The encoding of bytes that are not UTF-8; None where it cannot be decided.

    Parameters
    ----------
    sample : bytes
        Some of a text, its header among them.

    Examples
    --------
    >>> code_page("案由,经度\\n盗窃,116.4".encode("gbk")), code_page("type\\ncafé".encode("latin-1"))
    ('gb18030', 'cp1252')
    >>> code_page("Категория\\nКража\\nУгон".encode("cp1251")), code_page("죄종\\n절도\\n폭행".encode("cp949"))
    ('cp1251', 'cp949')
    """
    lines = [line for line in sample.splitlines() if not line.isascii()]
    raw = b"\n".join(lines)[:SAMPLE]
    header = b"\n".join(lines[:3])
    fits = {encoding: _fit(raw, encoding, header) for encoding in CANDIDATES}
    double = {*_pairs(raw)}
    if len(double) >= 6 and fits["cp949"] >= 0.97 and all(0xB0 <= lead <= 0xC8 for lead, _ in double):
        fits["gb18030"] -= 0.2  # Chinese would have left the first 25 rows of the code by now
        fits["big5"] -= 0.2 if all(trail >= 0xA1 for _, trail in double) else 0.0  # and used low second bytes
    capitals = any(0x80 <= b < 0xA0 for b in raw) and not any(0xA1 < b < 0xDD for b in raw)
    if not capitals or fits["mac_cyrillic"] < fits["cp1251"] + 0.05:  # they share the small letters
        fits.pop("mac_cyrillic")
    order = sorted(fits, key=lambda e: -fits[e])
    best, second = order[0], order[1]
    if fits[best] < (0.84 if CANDIDATES[best] is _russian else 0.6):
        return None
    if fits[best] - fits[second] < 0.02 and best != "gb18030" and second != "gb18030":
        return None
    return "gb18030" if best != "cp1256" and fits["gb18030"] >= fits[best] - 0.02 else best


def _pairs(raw: bytes) -> list[tuple[int, int]]:
    """The double bytes of a text, each once."""
    found, i = set(), 0
    while i < len(raw) - 1:
        if raw[i] < 0x80:
            i += 1
            continue
        found.add((raw[i], raw[i + 1]))
        i += 2
    return [p for p in found if p[0] >= 0xA4]
