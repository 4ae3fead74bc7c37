"""The files that a pipeline reads: which they are, whether they stay the same, and whether they lie in its folder.

A file is any text of the settings that names one beside the pipeline, wherever it stands: boundaries, incidents,
roads, units, the layers of balanced grids. Each is hashed before anything is read and again when all is read, so a
file that changes under a run is found, and `run.json` names the bytes that the numbers came from.
"""

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyogrio

from gridmap._io import as_output_error, sha256_of
from gridmap.errors import InputError, ReadError, SettingError
from gridmap.messages import Note
from gridmap.read.store_reading import MANIFEST, is_store, read_manifest
from gridmap.runs.config import Pipeline, never_files

__all__ = [
    "InputFiles",
    "check_confined",
    "exports_of",
    "files_named",
    "fixed_gdal_date",
    "input_of",
    "outputs_as_errors",
    "portable_relative_path",
]

#: What a shapefile or a raster is made of beside the file that is named.
PARTS = (".shx", ".dbf", ".prj", ".cpg", ".sbn", ".sbx", ".qix", ".shp.xml", ".aux.xml", ".tfw")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def files_named(settings: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Path as it is written → the file, for each text of the settings that names a file that is there."""
    found = {}
    for text in _texts({stage: value for stage, value in settings.items() if stage not in never_files()}):
        if "://" in text or len(text) > 1000 or "\0" in text:
            continue
        place = folder / text
        try:
            if place.is_file():
                found[text] = place
        except OSError:  # a text that cannot be a path here: too long, perhaps
            continue
    return found


def exports_of(pipeline: Pipeline) -> list[str]:
    """The incident files of a pipeline as it writes them; of a store the file that says what it holds, with hashes."""
    return [f"{path}/{MANIFEST}" if is_store(pipeline.beside(path)) else path for path in pipeline.incidents.path]


@lru_cache(maxsize=1)
def _county(seed: int) -> Any:
    from gridmap.samples.county import simulated_county  # a run of real files needs none of it

    return simulated_county(seed)


def input_of(pipeline: Pipeline, path: str) -> Any:
    """What stands where a path is written: the file, an address as it is, or a part of the simulated county.

    Returns
    -------
    Path, str, GeoDataFrame or Incidents
    """
    if path.startswith("sample://"):
        seed, part = path.split("/")[-2:]
        county = _county(int(seed))
        named = {"communities": "boundaries"}
        return county.truth.measures if part == "measures" else getattr(county, named.get(part, part))
    return path if "://" in path else pipeline.beside(path)


def _parts(path: Path) -> list[Path]:
    if path.suffix.lower() not in (".shp", ".tif", ".tiff"):
        return []
    near = {p.name.lower(): p for p in path.parent.iterdir()}
    wanted = [*(path.stem.lower() + ending for ending in PARTS), path.name.lower() + ".aux.xml"]
    return sorted({near[name] for name in wanted if name in near})


class InputFiles:
    """The files of a pipeline and their SHA-256, taken before they are read.

    Attributes
    ----------
    sha256 : dict
        From the path, as the pipeline writes it, to the hash; the parts of a shapefile are there too.
    """

    def __init__(self, settings: Mapping[str, Any], folder: Path):
        self.places = {}
        for text, place in files_named(settings, folder).items():
            self.places[text] = place
            for part in _parts(place):
                self.places[(Path(text).parent / part.name).as_posix()] = part
        self.sha256 = {text: _hash(place) for text, place in self.places.items()}

    def check_unchanged(self) -> None:
        """Whether all files are still what they were.

        Raises
        ------
        ReadError
            Naming the first that changed.
        """
        for text, place in self.places.items():
            if not place.is_file() or _hash(place) != self.sha256[text]:
                raise ReadError(Note("runs.changed_while_read", file=Path(text).name))

    def also_read(self, named: set[str]) -> list[dict[str, str]]:
        """The files beside those that `inputs` of `run.json` already names."""
        return [{"path": text, "sha256": digest} for text, digest in self.sha256.items() if text not in named]


def _hash(place: Path) -> str:
    try:
        return sha256_of(place)
    except OSError as error:
        raise ReadError(Note("runs.file_unreadable", file=place.name, why=error.strerror)) from None


def outputs_as_errors() -> AbstractContextManager[None]:
    """A library's own word for a file that it could not write, as an OutputError."""
    return as_output_error(lambda why: Note("io.outputs_failed", why=why), of_libraries=True)


@contextmanager
def fixed_gdal_date():
    """GDAL writes no time of day, so that the same layers are the same bytes on another day."""
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def portable_relative_path(out: Path, folder: Path) -> str | None:
    """From the run folder to the pipeline's, for `gridmap replay`; None where it would tell the machine's folders.

    What the two have in common is left out; so when they share no more than the root or the folder of all homes,
    nothing is.
    """
    out, folder = Path(os.path.realpath(out)), Path(os.path.realpath(folder))
    try:
        common = Path(os.path.commonpath([out, folder]))
    except ValueError:  # two drives
        return None
    if common in (Path(common.anchor), Path.home().parent):
        return None
    return Path(os.path.relpath(folder, out)).as_posix()


def check_confined(pipeline: Pipeline, out: str | Path) -> None:
    """Refuse a pipeline that would read or write anything outside its own folder, before any work.

    Every text of the settings that could be a path is looked at: addresses (`://`), absolute paths, `..`, links that
    lead outside, archives with members that do, the parts of shapefiles. `out` must lie in the folder too. It is a
    check of what the pipeline file says at that moment, not a jail around the process: whoever can exchange a file
    for a link while the run is on is not stopped by it, and temporary files go where the system keeps them.

    Raises
    ------
    SettingError
        Naming the first thing that is outside.
    """
    path = Path(pipeline.path)
    folder = path.parent.resolve()
    if path.is_symlink():
        raise SettingError(Note("runs.confined_link", file=path.name))
    if not _inside(Path(out), folder):
        raise SettingError(Note("runs.confined_out", found=str(out)))
    looked = {stage: value for stage, value in pipeline.settings.items() if stage not in never_files()}
    looked["exports"] = exports_of(pipeline)  # what patterns and folders came to
    for text in _texts(looked):
        if text.startswith("sample://"):
            continue
        if "://" in text or text.startswith("/vsi"):
            raise SettingError(Note("runs.confined_address", address=text.split("://")[0]))
        absolute = text.startswith(("/", "\\", "~")) or re.match(r"[A-Za-z]:[\\/]", text)
        climbs = ".." in re.split(r"[\\/]", text)
        if absolute or climbs or not _inside(folder / text, folder):
            raise SettingError(Note("runs.confined_outside", path=text))
    for store in filter(is_store, map(pipeline.beside, pipeline.incidents.path)):
        for part in read_manifest(store).parts:
            if not _inside(store / part.path, folder):
                raise SettingError(Note("runs.confined_part", part=part.path, path=store.name))
    for text, place in files_named(looked, folder).items():
        for file in _parts(place):
            if not _inside(file, folder):
                raise SettingError(Note("runs.confined_part", part=file.name, path=text))
        if zipfile.is_zipfile(place):
            from gridmap.read.file_access import zip_members

            try:
                zip_members(place)  # refuses members that lie outside
            except InputError as error:
                raise SettingError(Note("runs.confined_archive", why=error.args[0])) from None


def _inside(place: Path, folder: Path) -> bool:
    try:
        return Path(os.path.realpath(place)).is_relative_to(folder)
    except (OSError, ValueError):
        return False
