"""The example pipelines and the small data they run over: what `pip install gridmap` brings, without a clone.

The files beside this one are made by `python .ci/examples.py` from `pipelines/` and `data/`; a test holds them equal.
The data are those of data.police.uk and the Office for National Statistics (Open Government Licence v3.0) and of the
House of Commons Library (Open Parliament Licence v3.0).
"""

import re
from pathlib import Path

from gridmap._io import atomic_file
from gridmap.errors import InputError, OutputError
from gridmap.messages import Note, did_you_mean

__all__ = ["example_folder", "example_names", "example_path", "write_example"]


def example_folder() -> Path:
    """The folder of the examples inside the installed package."""
    return Path(__file__).parent


def example_names() -> list[str]:
    """The names of the example pipelines.

    Examples
    --------
    >>> example_names()
    ['burglary', 'county_meeting', 'demo', 'demo_zh', 'disorder', 'management_grids', 'patrol']
    """
    return sorted(path.stem for path in example_folder().glob("*.yaml"))


def example_path(name: str) -> Path:
    """The file of an example.

    Raises
    ------
    InputError
        For an unknown name.
    """
    names = example_names()
    if name not in names:
        raise InputError(Note("examples.no_such_example", found=name, meant=did_you_mean(name, names)))
    return example_folder() / f"{name}.yaml"


def write_example(name: str, path: str | Path) -> list[Path]:
    """Write an example pipeline as a file of the user's own, and the data that it reads into a folder beside it.

    Parameters
    ----------
    name : str
        One of `example_names()`.
    path : str or Path
        The pipeline file to write (.yaml, .yml); it must not exist.

    Returns
    -------
    list of Path
        The files written: the pipeline first. Data that stand there already, byte for byte, are left as they are.

    Raises
    ------
    InputError
        For an unknown name.
    OutputError
        Where the pipeline file exists, or a data file of another content does, or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for written in write_example("burglary", Path(folder) / "mine.yaml"):
    ...         print(written.name)
    mine.yaml
    2018-07-west-yorkshire-street.csv.gz
    lsoa_2011.geojson.zip
    """
    source, target = example_path(name), Path(path)
    if target.suffix.lower() not in (".yaml", ".yml"):
        raise OutputError(Note("examples.not_yaml", file=str(target)))
    contents = {target: source.read_bytes()}
    text = source.read_text(encoding="utf-8")
    for read in sorted(set(re.findall(r"west_yorkshire/[\w.-]+|\bcounty/[\w-]+\.yaml", text))):
        contents[target.parent / read] = (example_folder() / read).read_bytes()
    kept = {p for p, content in contents.items() if p != target and p.is_file() and p.read_bytes() == content}
    in_the_way = next((p for p in contents if p not in kept and p.exists()), None)
    if in_the_way is not None:
        raise OutputError(Note("examples.exists", file=str(in_the_way)))
    written = [p for p in contents if p not in kept]
    for p in [*written[1:], written[0]]:  # the pipeline last: where it stands, its data do
        with atomic_file(p, make_parents=True) as temporary:
            temporary.write_bytes(contents[p])
    return written
