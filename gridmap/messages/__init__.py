"""Every sentence that anybody reads, once, in every language.

A sentence is a code with values until the last moment: `Note("grids.too_many_cells", cells=…)`. Its words stand in one
file a language beside this module (`en.toml`, `zh.toml`); a further language is a further file. Plural forms and the
signs of numbers follow CLDR, by Babel.
"""

from gridmap.messages.catalogue import (
    COUNTED_STEP,
    LANGUAGES,
    WEEKDAYS,
    Note,
    all_texts,
    check_language,
    chosen_language,
    did_you_mean,
    known,
    language_name,
    note_from,
    register_texts,
    say,
    step_name,
    wrong_kind,
)

__all__ = [
    "COUNTED_STEP",
    "LANGUAGES",
    "WEEKDAYS",
    "Note",
    "all_texts",
    "check_language",
    "chosen_language",
    "did_you_mean",
    "known",
    "language_name",
    "note_from",
    "register_texts",
    "say",
    "step_name",
    "wrong_kind",
]
