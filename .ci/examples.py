"""Make gridmap/examples/: the pipelines of pipelines/ over a small part of data/, to stand inside the package.

    python .ci/examples.py           # write them
    python .ci/examples.py --check   # say what is not as it would be written; exit code 1 where anything is

The small data: burglaries and anti-social behaviour of July 2017 and 2018, without the columns that no example reads;
the outlines as they are, zipped. Their results are those of the whole files, but for how many rows were read.
"""

import csv
import gzip
import io
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "gridmap" / "examples"
DATA = ROOT / "data" / "west_yorkshire"
MONTHS = ("2017-07", "2018-07")
KINDS = ("Burglary", "Anti-social behaviour")
COLUMNS = ("Month", "Longitude", "Latitude", "Location", "LSOA code", "Crime type")
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever they are made


def pipelines() -> dict[str, bytes]:
    """Each pipeline, with the paths of the data as they are beside it in the package."""
    moved = {"../data/west_yorkshire/lsoa_2011.geojson": "west_yorkshire/lsoa_2011.geojson.zip", "../data/": ""}
    made = {}
    for path in sorted((ROOT / "pipelines").glob("*.yaml")):
        text = path.read_text("utf-8")
        for old, new in moved.items():
            text = text.replace(old, new)
        if all(month in MONTHS for month in _months(text)):
            made[path.name] = text.encode()
    return made


def _months(text: str) -> list[str]:
    return [part[-7:] for part in text.split("-west-yorkshire-street")[:-1]]


def incidents(month: str) -> bytes:
    """The rows of the kinds above, in the columns above, as CSV in gzip."""
    with gzip.open(DATA / f"{month}-west-yorkshire-street.csv.gz", "rt", encoding="utf-8", newline="") as opened:
        rows = [row for row in csv.DictReader(opened) if row["Crime type"] in KINDS]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), 9, mtime=0)


def outlines() -> bytes:
    """The outlines in a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(
            zipfile.ZipInfo("lsoa_2011.geojson", LONG_AGO),
            (DATA / "lsoa_2011.geojson").read_bytes(),
            zipfile.ZIP_DEFLATED,
            9,
        )
    return packed.getvalue()


def files() -> dict[str, bytes]:
    """Every file by its name below gridmap/examples."""
    small = {f"west_yorkshire/{month}-west-yorkshire-street.csv.gz": incidents(month) for month in MONTHS}
    named = {"county/register.yaml": (ROOT / "pipelines" / "county" / "register.yaml").read_bytes()}
    return pipelines() | small | named | {"west_yorkshire/lsoa_2011.geojson.zip": outlines()}


def unpacked(name: str, content: bytes) -> bytes:
    """What a file holds: two versions of zlib pack the same text differently."""
    if name.endswith(".gz"):
        return gzip.decompress(content)
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"".join(archive.read(member) for member in archive.namelist())
    return content


def differing() -> list[str]:
    """The names whose file is missing, another one, or made by nothing."""
    wanted = files()
    there = [p for p in TARGET.rglob("*") if p.is_file() and p.suffix not in (".py", ".pyc")]
    found = {p.relative_to(TARGET).as_posix() for p in there}
    wrong = [
        name
        for name, content in wanted.items()
        if name not in found or unpacked(name, (TARGET / name).read_bytes()) != unpacked(name, content)
    ]
    return sorted({*wrong, *(found - set(wanted))})


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        wrong = differing()
        print("\n".join(f"gridmap/examples/{name} is not as .ci/examples.py makes it" for name in wrong))
        sys.exit(bool(wrong))
    for name, content in files().items():
        path = TARGET / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(f"{len(content):9,}  {path.relative_to(ROOT)}")
