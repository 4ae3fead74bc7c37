"""A DuckDB connection that sees only what was handed to it.

SQL lives in `sql/*.sql`, named after the operation, with `$named` parameters. No extension is needed,
none is downloaded, and Python's variables are out of its sight.
"""

from importlib.resources import files
from pathlib import Path
from tempfile import gettempdir

import duckdb

from gridmap.errors import SettingError
from gridmap.messages import Note

__all__ = ["connect", "quoted", "sql"]


def connect(*, memory_limit: str | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A new in-memory DuckDB.

    Parameters
    ----------
    memory_limit : str, optional
        As in "800MB"; DuckDB's own default is 80 % of the machine.
    threads : int, optional
        All cores when not given.
    """
    con = duckdb.connect(":memory:")
    con.execute("SET python_enable_replacements = false")
    con.execute("SET autoinstall_known_extensions = false")
    con.execute("SET temp_directory = $folder", {"folder": str(Path(gettempdir()) / "gridmap-spill")})
    if memory_limit is not None:
        try:
            con.execute("SET memory_limit = $limit", {"limit": str(memory_limit)})
        except duckdb.Error:
            raise SettingError(Note("counts.memory_limit", found=memory_limit)) from None
    if threads is not None:
        con.execute("SET threads = $threads", {"threads": threads})
    return con


def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return files("gridmap.counts").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def quoted(identifier: str) -> str:
    """An identifier that comes from outside, safe to stand in SQL.

    Examples
    --------
    >>> quoted('say "hi"; drop table x')
    '"say ""hi""; drop table x"'
    """
    return '"' + str(identifier).replace('"', '""') + '"'
