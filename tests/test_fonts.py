"""The package's own fonts: whole, small, and enough on a machine that has none."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from gridmap import _fonts
from gridmap.errors import SettingError
from gridmap.messages import LANGUAGES, all_texts

REGULAR, BOLD = (_fonts.FOLDER / f"GridmapSansSC-{style}.ttf" for style in ("Regular", "Bold"))
#: Of each level of the 通用规范汉字表, the first and the last characters.
LEVELS = ("一乙二十丁厂囊镶瓤罐矗", "乂乜兀弋孑囔馕戆爨齉", "亍尢彳卬殳")

#: Run where fontconfig knows no font and matplotlib has made no list of fonts yet.
ALONE = """
import io, sys, warnings
warnings.simplefilter("error")
import matplotlib
matplotlib.use("Agg")
from matplotlib.font_manager import findfont, FontProperties
from gridmap._fonts import families
from gridmap.reports.charts import ranked_bars, save_chart
import pandas as pd
table = pd.DataFrame({"name": ["城关街道火车站", "亍彳路 Łódź"], "count": [9, 5]})
save_chart(ranked_bars(table, language="zh", title="案事件最多的网格"), sys.argv[1])
print(findfont(FontProperties(family=families("zh"), weight="bold")))
"""


def letters(path: Path) -> set[int]:
    return set(TTFont(path).getBestCmap())


def test_the_fonts_are_small_and_their_licence_lies_beside_them():
    assert sum(f.stat().st_size for f in (REGULAR, BOLD)) <= 5_000_000
    assert "SIL OPEN FONT LICENSE" in (_fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")


def test_the_fonts_draw_the_table_of_general_standard_characters():
    ideographs = {code for code in letters(REGULAR) if 0x3400 <= code <= 0x9FFF or code >= 0x20000}
    assert len(ideographs) >= 8_105
    assert set(map(ord, "".join(LEVELS))) <= letters(REGULAR)
    assert set(map(ord, "".join(LEVELS[:2]))) <= letters(BOLD)
    pairs = [bytes((row, cell)) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF)]
    gb2312 = "".join(pair.decode("gb2312", errors="ignore") for pair in pairs)
    assert len(gb2312) == 6_763
    lacking = set(gb2312) - set(map(chr, letters(REGULAR)))
    assert len(lacking) == 0, "".join(sorted(lacking))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_fonts_draw_everything_that_gridmap_says(language):
    said = set("".join(all_texts(language).values())) - {"\n"}
    assert said - set(map(chr, letters(REGULAR))) == set()


def test_a_chart_in_chinese_needs_no_font_of_the_machine(tmp_path):
    (tmp_path / "fonts.conf").write_text("<fontconfig></fontconfig>", encoding="utf-8")
    nothing = {"FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "MPLCONFIGDIR": str(tmp_path / "mpl")}
    run = subprocess.run(
        [sys.executable, "-c", ALONE, str(tmp_path / "bars.png")],
        env=os.environ | nothing, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()) == BOLD
    assert (tmp_path / "bars.png").stat().st_size > 5_000


def test_a_font_of_the_system_comes_first_where_it_is_asked_for(tmp_path, monkeypatch):
    font = TTFont(REGULAR)
    font["name"].setName("Office Song", 1, 3, 1, 0x409)
    out = io.BytesIO()
    font.save(out)
    (tmp_path / "song.ttf").write_bytes(out.getvalue())
    monkeypatch.setenv("GRIDMAP_FONT", str(tmp_path / "song.ttf"))
    assert _fonts.families("zh")[0] == "Office Song"
    names, faces = _fonts.font_faces("zh")
    assert names[0] == "Office Song"
    assert tmp_path / "song.ttf" in [face.path for face in faces]
    monkeypatch.setenv("GRIDMAP_FONT", "No Such Font")
    with pytest.raises(SettingError, match="neither a font file nor an installed family"):
        _fonts.families()
    (tmp_path / "torn.ttf").write_bytes(b"no font")
    monkeypatch.setenv("GRIDMAP_FONT", str(tmp_path / "torn.ttf"))
    with pytest.raises(SettingError, match="not a font file"):
        _fonts.families()
