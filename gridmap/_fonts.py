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
        keys: dict[Any, Any] = {"text.parse_math": False, **settings}  # matplotlib names its 300 keys in the type
        matplotlib.rcParams.update(keys)
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
    chosen = os.environ.get("GRIDMAP_FONT", "")
    _add_to_matplotlib(chosen)
    return _ordered(language, chosen)


def font_faces(language: str = "en") -> tuple[list[str], list[FontFace]]:
    """Families in order, and the files that they are in."""
    import matplotlib

    chosen = os.environ.get("GRIDMAP_FONT", "")
    _add_to_matplotlib(chosen)
    latin = Path(matplotlib.get_data_path(), "fonts", "ttf")
    faces = [
        FontFace(LATIN, False, latin / "DejaVuSans.ttf"),
        FontFace(LATIN, True, latin / "DejaVuSans-Bold.ttf"),
        FontFace(CHINESE, False, FOLDER / "GridmapSansSC-Regular.ttf"),
        FontFace(CHINESE, True, FOLDER / "GridmapSansSC-Bold.ttf"),
        FontFace(_RARE, False, FOLDER / "GridmapSansSC-Regular.ttf"),
    ]
    if chosen:
        from matplotlib.font_manager import findfont

        file = Path(chosen) if Path(chosen).is_file() else Path(findfont(_family_of(chosen), fallback_to_default=False))
        faces.append(FontFace(_family_of(chosen), False, file))
    return _ordered(language, chosen), faces


def office_fonts(language: str = "en") -> tuple[str, str]:
    """What a Word document, slides or a workbook name for Latin and for East Asian text: Office brings both itself."""
    return ("Microsoft YaHei" if _east_asian(language) else "Calibri"), "Microsoft YaHei"


def _east_asian(language: str) -> bool:
    return all_texts(language)["language.locale"].split("_")[0] in ("zh", "ja", "ko")


def _ordered(language: str, chosen: str) -> list[str]:
    own = [CHINESE, _RARE, LATIN] if _east_asian(language) else [LATIN, CHINESE, _RARE]
    return [_family_of(chosen), *own] if chosen else own


@cache
def _family_of(chosen: str) -> str:
    from matplotlib.font_manager import FontProperties, get_font_names

    if Path(chosen).is_file():
        try:
            return FontProperties(fname=chosen).get_name()
        except (OSError, RuntimeError):
            raise SettingError(Note("fonts.not_a_font", found=chosen)) from None
    if chosen not in get_font_names():
        raise SettingError(Note("fonts.not_installed", found=chosen))
    return chosen


@cache
def _add_to_matplotlib(chosen: str) -> None:
    """Add the files to this process's list of fonts; matplotlib's cache on disk is neither read nor changed."""
    from dataclasses import replace

    from matplotlib.font_manager import fontManager

    fontManager.addfont(FOLDER / "GridmapSansSC-Regular.ttf")
    regular = next(f for f in reversed(fontManager.ttflist) if f.name == CHINESE)
    fontManager.ttflist += [replace(regular, name=_RARE, weight=weight) for weight in (400, 700)]
    if chosen and Path(chosen).is_file():
        _family_of(chosen)
        fontManager.addfont(chosen)
    fontManager.addfont(FOLDER / "GridmapSansSC-Bold.ttf")
