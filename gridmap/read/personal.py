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

from gridmap.read.columns import simplified
from gridmap.read.personal_words import (
    AREA_PHONE,
    BY_NAME_ZH,
    CARD,
    DOOR,
    EMAIL,
    ID_NUMBER,
    LANDLINE,
    MOBILE,
    NAME_PHRASES,
    NO_NAME_ENDS,
    NOT_PERSONS,
    NOT_PERSONS_ZH,
    OLD_ID_NUMBER,
    OTHER_WORDS,
    PASSPORT,
    PERSON_WORDS,
    PLATE,
    SURNAMES,
    SURNAMES_OF_TWO,
)

__all__ = ["card_number_is_valid", "id_number_is_valid", "mask", "personal_columns"]


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
            found[name] = f"{what} (by name)"
            continue
        texts = [str(v).strip() for v in values if v is not None and v == v and str(v).strip()]
        if len(texts) > sample:
            texts = [texts[i] for i in np.linspace(0, len(texts) - 1, sample).astype(int)]
        if what := _by_content(texts, name in numbered, name in addresses):
            found[name] = f"{what} (by content)"
    return found
