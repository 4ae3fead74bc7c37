"""The fonts that gridmap draws and prints with: its own, given by their path.

What a paper looks like must not depend on what is installed, nor on a cache of fonts made before. So the package brings
Noto Sans SC (SIL Open Font License, `gridmap/fonts`), and matplotlib its DejaVu Sans; both are handed over as files.
A font of the system is used only where one asks for it: `GRIDMAP_FONT` holds the path of a font file, or the name of an
installed family, which then comes first.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from gridmap.errors import SettingError
from gridmap.messages import Note, all_texts

__all__ = ["CHINESE", "FOLDER", "LATIN", "FontFace", "drawing_style", "families", "font_faces", "office_fonts"]

FOLDER = Path(__file__).parent / "fonts"
CHINESE, LATIN = "Gridmap Sans SC", "DejaVu Sans"
#: The regular font under a second name: bold has 6,500 of the 8,105 characters, the rare ones are then not bold.
_RARE = "Gridmap Sans SC Rare"


@contextmanager
def drawing_style(settings: Mapping[str, Any]) -> Iterator[None]:
    """matplotlib with its own defaults and these settings, whatever `matplotlibrc` lies in the current folder.

    A folder that came by mail may hold one, which could have the text of a chart set by TeX, a language of programs.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"text.parse_math": False, **settings})
        yield


class FontFace(NamedTuple):
    """One font file: the family and the weight that it stands for."""

    family: str
    bold: bool
    path: Path


def families(language: str = "en") -> list[str]:
    """Families for matplotlib's `font.family`, known to it from now on; the first that has a sign draws it.

    Parameters
    ----------
    language : str
        Chinese text comes with Chinese digits and Latin letters, other text with DejaVu's.

    Examples
    --------
    >>> families()
    ['DejaVu Sans', 'Gridmap Sans SC', 'Gridmap Sans SC Rare']
    """
    asked = os.environ.get("GRIDMAP_FONT", "")
    _tell_matplotlib(asked)
    return _ordered(language, asked)


def font_faces(language: str = "en") -> tuple[list[str], list[FontFace]]:
    """Families in order, and the files that they are in."""
    import matplotlib

    asked = os.environ.get("GRIDMAP_FONT", "")
    _tell_matplotlib(asked)
    latin = Path(matplotlib.get_data_path(), "fonts", "ttf")
    faces = [
        FontFace(LATIN, False, latin / "DejaVuSans.ttf"),
        FontFace(LATIN, True, latin / "DejaVuSans-Bold.ttf"),
        FontFace(CHINESE, False, FOLDER / "GridmapSansSC-Regular.ttf"),
        FontFace(CHINESE, True, FOLDER / "GridmapSansSC-Bold.ttf"),
        FontFace(_RARE, False, FOLDER / "GridmapSansSC-Regular.ttf"),
    ]
    if asked:
        from matplotlib.font_manager import findfont

        file = Path(asked) if Path(asked).is_file() else Path(findfont(_family_of(asked), fallback_to_default=False))
        faces.append(FontFace(_family_of(asked), False, file))
    return _ordered(language, asked), faces


def office_fonts(language: str = "en") -> tuple[str, str]:
    """What a Word document, slides or a workbook name for Latin and for East Asian text: Office brings both itself."""
    return ("Microsoft YaHei" if _east_asian(language) else "Calibri"), "Microsoft YaHei"


def _east_asian(language: str) -> bool:
    return all_texts(language)["language.locale"].split("_")[0] in ("zh", "ja", "ko")


def _ordered(language: str, asked: str) -> list[str]:
    own = [CHINESE, _RARE, LATIN] if _east_asian(language) else [LATIN, CHINESE, _RARE]
    return [_family_of(asked), *own] if asked else own


@cache
def _family_of(asked: str) -> str:
    from matplotlib.font_manager import FontProperties, get_font_names

    if Path(asked).is_file():
        try:
            return FontProperties(fname=asked).get_name()
        except (OSError, RuntimeError):
            raise SettingError(Note("fonts.not_a_font", found=asked)) from None
    if asked not in get_font_names():
        raise SettingError(Note("fonts.not_installed", found=asked))
    return asked


@cache
def _tell_matplotlib(asked: str) -> None:
    """Add the files to this process's list of fonts; matplotlib's cache on disk is neither asked nor changed."""
    from dataclasses import replace

    from matplotlib.font_manager import fontManager

    fontManager.addfont(FOLDER / "GridmapSansSC-Regular.ttf")
    regular = next(f for f in reversed(fontManager.ttflist) if f.name == CHINESE)
    fontManager.ttflist += [replace(regular, name=_RARE, weight=weight) for weight in (400, 700)]
    if asked and Path(asked).is_file():
        _family_of(asked)
        fontManager.addfont(asked)
    fontManager.addfont(FOLDER / "GridmapSansSC-Bold.ttf")
