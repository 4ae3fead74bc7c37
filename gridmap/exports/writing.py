"""Writing files for other programs: what is there to write, what may the audience see, in which format, whole or not.

`export`, `write_layers` and `write_table` do the same four things: take apart what they are given (`parts.parts_of`),
let the gate take out what the audience may not see unless it was released before (`passed`), write into a hidden folder
beside the place, and move the whole file there. `write_released` takes what was released, and asserts it. A file that
stands is a file that is whole. Nothing else in gridmap writes for other programs.
"""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gridmap._io import atomic_file
from gridmap.audiences import DEFAULT_AUDIENCE, check_audience
from gridmap.errors import InputError, OutputError, SettingError
from gridmap.exports.formats import Format, all_formats
from gridmap.exports.formats.csv import csv_table
from gridmap.exports.result_parts import Part, Stamp, parts_of, run_id_of
from gridmap.grids.base import Grid
from gridmap.messages import Note, check_language, did_you_mean
from gridmap.patrol.plan import PatrolPlan
from gridmap.privacy import Released, gate, is_released, release, release_result, value_for

__all__ = ["ENCODINGS", "export", "passed", "write_layers", "write_released", "write_table"]

ENCODINGS = ("utf-8", "gbk", "gb18030")
#: How `write_table` writes: ending → function(frame, path).
TABLES = {".parquet": lambda frame, path: frame.to_parquet(path), ".csv": csv_table}


def export(
    what: Any,
    path: str | Path,
    *,
    grid: Grid | None = None,
    content: str | None = None,
    audience: str = DEFAULT_AUDIENCE,
    run_id: str | None = None,
    language: str = "en",
    encoding: str = "utf-8",
) -> Path:
    """Write a result for other programs; the format is the file's ending.

    Parameters
    ----------
    what : HotspotResult, DensityResult, PatrolPlan, Grid, Incidents, GeoDataFrame, DataFrame, or dict
        A dict names its layers, as in `{"burglary": hot, "change": change}`. Incidents are for internal use alone.
    path : str or Path
        Ends in one of: .gpkg (QGIS; the map's colours are in it), .parquet or .geoparquet, .fgb (FlatGeobuf), .geojson,
        .kml or .kmz (phones, Google Earth), .tif (surfaces, and cells as pixels), .shp or .shp.zip, .csv, .xlsx.
        .gpkg, .kml, .kmz, .shp.zip and .xlsx hold all layers of a result; the others hold the first.
        A file of that name is replaced.
    grid : Grid, optional
        Gives a table by `cell_id`, such as counts, the shapes of its cells.
    content : str, optional
        What the rows of a frame are, where gridmap cannot tell: one of `gridmap.privacy.CONTENTS`, as "places" for
        cameras.
    audience : {"internal", "meeting", "public"}
        For whom: what each may see, the privacy gate decides.
    run_id : str, optional
        The run's id, as in `run.json`; one made from the contents, by default.
    language : str
        Of legends and titles; names of columns stay as they are.
    encoding : {"utf-8", "gbk", "gb18030"}
        Of a shapefile's text.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    SettingError
        For an unknown ending, audience, language or encoding.
    InputError
        For what cannot be written, or not in this format, or not for this audience.
    OutputError
        If the place cannot be written. Nothing is left there.

    Examples
    --------
    >>> import tempfile, pandas as pd, pyogrio, gridmap as gm
    >>> counts = pd.DataFrame({"count": [2, 7]}, index=pd.Index(["a", "b"], name="cell_id"))
    >>> path = gm.export(counts, Path(tempfile.mkdtemp()) / "counts.csv")
    >>> path.read_text(encoding="utf-8-sig").split()
    ['cell_id,count', 'a,2', 'b,7']
    """
    path = Path(path)
    form = _format_of(path)
    check_language(language)
    if encoding not in ENCODINGS:
        raise SettingError(Note("exports.no_encoding", found=encoding, meant=did_you_mean(encoding, ENCODINGS)))
    parts = passed(parts_of(shown(what, audience), grid=grid, content=content), audience)
    stamp = Stamp(run_id or run_id_of(parts), audience, language, encoding, path.name.split(".")[0])
    with atomic_file(path, message=_failed(path)) as part:
        form.write(parts, part, stamp)
    return path


def write_layers(
    layers: Mapping[str, Any],
    path: str | Path,
    *,
    audience: str = DEFAULT_AUDIENCE,
    run_id: str | None = None,
    language: str = "en",
    encoding: str = "utf-8",
) -> list[Path]:
    """Write named layers: into one file where the format holds several, else into one file each.

    Parameters
    ----------
    layers : mapping of name → GeoDataFrame or anything else that `export` takes
    path : str or Path
        As in `export`. In a format that holds one layer, each layer's name is added to the file's name.
    audience, run_id, language, encoding
        As in `export`.

    Returns
    -------
    list of Path
    """
    path = Path(path)
    settings: dict[str, Any] = {"audience": audience, "run_id": run_id, "language": language, "encoding": encoding}
    parts = parts_of({name: shown(what, audience) for name, what in layers.items()})
    if _format_of(path).many or len(parts) == 1:
        return [export(layers, path, **settings)]
    stem, ending = path.name.split(".", 1)
    return [export({part.name: part}, path.with_name(f"{stem}_{part.name}.{ending}"), **settings) for part in parts]


def write_table(
    frame: pd.DataFrame, path: str | Path, *, content: str = "table", audience: str = DEFAULT_AUDIENCE
) -> None:
    """Release a table for an audience, and write it as .parquet (as pandas keeps it) or .csv.

    The CSV is UTF-8 with a byte order mark, so that Excel reads Chinese; text that a spreadsheet would run as a formula
    gets an apostrophe in front of it. `content` is one of `gridmap.privacy.CONTENTS`.
    """
    what = Note("privacy.the_layer", name=content)
    write_released(release(frame, content, audience=audience, what=what), path, audience=audience)


def write_released(table: Released, path: str | Path, *, audience: str) -> None:
    """Write a table that was released for this audience, as `write_table` does.

    Raises
    ------
    AssertionError
        If it was not released for this audience.
    """
    path = Path(path)
    frame = value_for(table, audience=audience)
    if path.suffix not in TABLES:
        raise OutputError(Note("exports.table_ending", name=path.name))
    with atomic_file(path, message=_failed(path)) as hidden:
        TABLES[path.suffix](frame, hidden)


def shown(what: Any, audience: str) -> Any:
    """What is given, without what the audience may not be shown of a method's answer; a dict value by value."""
    if isinstance(what, Mapping):
        return {name: shown(value, audience) for name, value in what.items()}
    if isinstance(what, PatrolPlan) and not check_audience(audience).patrols:
        raise InputError(Note("exports.no_plan_for_the_public"))
    return what if isinstance(what, pd.DataFrame | Part) else release_result(what, audience=audience)


def passed(parts: list[Part], audience: str) -> list[Part]:
    """What of these parts the audience may see: those that were released for it are as they are."""
    return [part if is_released(part, audience) else _released(part, audience) for part in parts]


def _released(part: Part, audience: str) -> Part:
    frame = gate(part.frame, part.kind, audience=audience, what=Note("privacy.the_layer", name=part.name))
    return dataclasses.replace(part, frame=frame, audience=audience)


def _format_of(path: Path) -> Format:
    name, formats = path.name.lower(), all_formats()
    found = next((ending for ending in sorted(formats, key=len, reverse=True) if name.endswith(ending)), None)
    if found is None or name == found:
        raise SettingError(Note("exports.no_format", name=path.name, meant=did_you_mean(path.suffix, formats)))
    return formats[found]


def _failed(path: Path) -> Callable[[str], str]:
    return lambda why: Note("exports.not_written", path=str(path), why=why)
