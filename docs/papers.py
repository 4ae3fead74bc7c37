# ruff: noqa: T201
"""Every picture of docs/papers.md, made anew: `python docs/papers.py` from the root; needs pdftoppm and LibreOffice."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from PIL import Image

import gridmap as gm
from gridmap.runs import read_pipeline, run_pipeline

IMAGES = Path("docs/images")
RUNS = {"en": "pipelines/demo.yaml", "zh": "pipelines/demo_zh.yaml"}
COLUMNS = {"pdf": 4, "docx": 6, "pptx": 4, "xlsx": 5}


def main() -> None:
    """Run the demo in both languages, write every paper, and keep its pages as one sheet."""
    folder = Path(tempfile.mkdtemp())
    total = 0
    for language, pipeline in RUNS.items():
        run_pipeline(read_pipeline(pipeline), folder / language / "demo")
        for kind, columns in COLUMNS.items():
            paper = gm.write_briefing(folder / language / "demo", folder / language / f"briefing.{kind}")
            pages = as_pages(paper, folder / language / kind)
            sheet = IMAGES / f"briefing_{kind}_{language}.png"
            together(pages, columns, sheet)
            total += sheet.stat().st_size
            print(sheet, len(pages), "pages", sheet.stat().st_size, "bytes")
    shutil.rmtree(folder)
    print("bytes of the pictures:", total)


def as_pages(paper: Path, folder: Path) -> list[Path]:
    """The pages of a paper as pictures, in their order."""
    folder.mkdir()
    if paper.suffix != ".pdf":
        own = f"-env:UserInstallation=file://{folder}/office"
        command = ["soffice", own, "--headless", "--convert-to", "pdf", "--outdir", str(folder), str(paper)]
        subprocess.run(command, check=True, capture_output=True)
        paper = folder / f"{paper.stem}.pdf"
    subprocess.run(["pdftoppm", "-r", "32", "-png", str(paper), str(folder / "page")], check=True)
    return sorted(folder.glob("page*.png"))


def together(pages: list[Path], columns: int, path: Path) -> None:
    """Pages side by side, in few colours: under 150 KB a sheet."""
    images = [Image.open(page).convert("RGB") for page in pages]
    wide, tall = (max(image.size[i] for image in images) + 6 for i in (0, 1))
    sheet = Image.new("RGB", (wide * min(columns, len(images)), tall * -(-len(images) // columns)), "#9CA3AF")
    for i, image in enumerate(images):
        sheet.paste(image, (i % columns * wide + 3, i // columns * tall + 3))
    sheet.quantize(96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    main()
