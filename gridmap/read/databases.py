"""Tables of a database by a SQLAlchemy address, a chunk of rows at a time.

`postgresql+pg8000://reader@host/cases`, `mysql+pymysql://…`, `sqlite:///cases.db`: gridmap only reads. A PostGIS
geometry column becomes two columns of coordinates in its own CRS. The password never appears in a message or a record.
"""

import contextlib
import datetime as dt
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyproj import CRS

from gridmap._extras import needs_extras
from gridmap.errors import InputError, ReadError
from gridmap.messages import Note, did_you_mean
from gridmap.read.file_access import brief
from gridmap.read.tables.base import Batch, RawTable
from gridmap.read.tables.vector import X, Y

__all__ = ["DatabaseTable", "open_database"]

CHUNK = 50_000
#: Servers, and SQLite, whose files gridmap opens without extensions.
BACKENDS = ("postgresql", "mysql", "mariadb", "oracle", "mssql", "sqlite")
ROW_BYTES = 200
POSTGIS = ("spatial_ref_sys", "geometry_columns", "geography_columns", "raster_columns", "raster_overviews")


@dataclass
class DatabaseTable(RawTable):
    """The answer to one query; run again for each pass."""

    engine: Any = None
    statement: Any = None

    def batches(self, columns=None):
        """The rows in the order in which the database gives them."""
        import sqlalchemy as sa

        wanted = self.columns if columns is None else columns
        at = [self.columns.index(c) for c in wanted]
        start = 1
        try:
            with _reading(self.engine) as connection:
                result = connection.execution_options(stream_results=True, max_row_buffer=CHUNK).execute(self.statement)
                for rows in result.partitions(CHUNK):
                    cells = list(zip(*rows, strict=True))
                    arrays = [pa.array([_text(v) for v in cells[i]], pa.string()) for i in at]
                    yield Batch(pa.Table.from_arrays(arrays, names=list(wanted)), np.arange(start, start + len(rows)))
                    start += len(rows)
        except sa.exc.SQLAlchemyError as problem:
            raise ReadError(Note("read.cannot_be_read", file=self.name, why=brief(problem))) from None


def open_database(address: str, *, table: str | None = None) -> DatabaseTable:
    """A table or a query of a database.

    Parameters
    ----------
    address : str
        SQLAlchemy's: `dialect+driver://user:password@host/database`.
    table : str
        Name of a table or view (also `schema.name`), or a SELECT.

    Raises
    ------
    ReadError
        If the database cannot be reached or its driver is not installed.
    InputError
        If there is no such table, or several and none is named.
    MissingPackageError
        If SQLAlchemy is not installed.
    """
    with needs_extras():
        import sqlalchemy as sa

    try:
        url = sa.make_url(address)
        shown = url.render_as_string(hide_password=True)
        kind = url.get_backend_name()
        if kind not in BACKENDS:  # an engine in this process would read any file for a query
            raise ReadError(Note("read.no_backend", kind=kind, meant=did_you_mean(kind, BACKENDS)))
        if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
            from gridmap.read.file_access import check_file

            check_file(url.database, Note("read.database_file"))
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    except sa.exc.NoSuchModuleError as problem:
        raise ReadError(Note("read.no_database_kind", why=brief(problem))) from None
    except sa.exc.ArgumentError:
        raise ReadError(Note("read.no_database_address")) from None
    except ModuleNotFoundError as problem:
        raise ReadError(Note("read.no_database_driver", shown=shown, package=problem.name)) from None
    try:
        with _reading(engine) as connection:
            return _open(engine, connection, shown, table)
    except (sa.exc.SQLAlchemyError, OSError) as problem:
        raise ReadError(Note("read.cannot_be_read", file=shown, why=brief(problem))) from None


def _open(engine, connection, shown: str, table: str | None) -> DatabaseTable:
    import sqlalchemy as sa

    crs = None
    statement: Any
    counted: Any
    if table is not None and table.lstrip().lower().startswith(("select", "with")):
        statement = sa.text(table.strip().rstrip(";"))
        counted = sa.text(f"SELECT count(*) FROM ({table.strip().rstrip(';')}) AS counted")
        name = f"{shown} (query)"
        columns = list(connection.execute(statement).keys())
    else:
        inspector = sa.inspect(connection)
        there = [*inspector.get_table_names(), *inspector.get_view_names()]
        there = [
            t
            for t in there
            if t
            not in ("spatial_ref_sys", "geometry_columns", "geography_columns", "raster_columns", "raster_overviews")
        ]
        if table is None:
            if len(there) != 1:
                found = Note("read.tables_there", tables=there[:20]) if there else Note("read.no_tables_there")
                raise InputError(Note("read.name_the_table", shown=shown, found=found))
            table = there[0]
        schema, _, plain = table.rpartition(".")
        if not inspector.has_table(plain, schema=schema or None) and plain not in inspector.get_view_names(
            schema or None
        ):
            raise InputError(Note("read.no_table", file=shown, table=table, meant=did_you_mean(table, there)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sa.exc.SAWarning)  # of types such as geometry, which it need not know
            found = inspector.get_columns(plain, schema=schema or None)
        shape = _geometry(connection, plain, schema or None)
        columns = [c["name"] for c in found if shape is None or c["name"] != shape[0]]
        picked: list[Any] = [sa.column(c) for c in columns]
        if shape is not None:
            point = sa.cast(sa.column(shape[0]), _Geometry())
            picked += [sa.func.ST_X(point).label(X), sa.func.ST_Y(point).label(Y)]
            columns += [X, Y]
            crs = CRS.from_epsg(shape[1]) if shape[1] else None
        source = sa.table(plain, schema=schema or None)
        statement = sa.select(*picked).select_from(source)
        counted = sa.select(sa.func.count()).select_from(source)
        name = f"{shown}/{table}"
    rows = int(connection.execute(counted).scalar())
    return DatabaseTable(
        name=name,
        columns=columns,
        crs=crs,
        size=rows * ROW_BYTES,
        layout={"rows": rows},
        engine=engine,
        statement=statement,
    )


def _geometry(connection, table: str, schema: str | None):
    """(column, srid) of a PostGIS table's geometry or geography, if it has one."""
    import sqlalchemy as sa

    if connection.dialect.name != "postgresql":
        return None
    for view, column in (("geometry_columns", "f_geometry_column"), ("geography_columns", "f_geography_column")):
        if not connection.execute(sa.text("SELECT to_regclass(:v)"), {"v": view}).scalar():
            continue
        ask = (
            f"SELECT {column}, srid FROM {view} "
            "WHERE f_table_name = :t AND f_table_schema = coalesce(:s, current_schema())"
        )
        if row := connection.execute(sa.text(ask), {"t": table, "s": schema}).first():
            return row[0], int(row[1])
    return None


def _Geometry():
    import sqlalchemy as sa

    class Geometry(sa.types.UserDefinedType):
        """PostGIS's type, only to be cast to."""

        cache_ok = True

        def get_col_spec(self, **_):
            return "geometry"

    return Geometry()


@contextlib.contextmanager
def _reading(engine):
    """A connection that cannot write, closed with its engine's others."""
    import sqlalchemy as sa

    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(sa.text("PRAGMA query_only = ON"))
        elif engine.dialect.name in ("postgresql", "mysql", "mariadb"):
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            else:
                connection.execute(sa.text("START TRANSACTION READ ONLY"))
        yield connection
        connection.rollback()
    engine.dispose()


def _text(value) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes | memoryview):
        return None
    return str(value)
