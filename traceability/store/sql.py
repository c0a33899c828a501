"""A store in a SQL database: SQLite for one program, PostgreSQL for many.

Rows are loaded past SQLAlchemy, by executemany (SQLite) or COPY (PostgreSQL): one transaction per append.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import psycopg
from sqlalchemy import (
    Table,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from traceability.errors import StoreError
from traceability.events import NULL
from traceability.store import base
from traceability.store.base import AnyArray, Column, Field, Query
from traceability.store.schema import SCHEMA_VERSION, TABLES, meta, metadata

_INDEXES = {
    "battrace_event_unit": "event (unit, event_day)",
    "battrace_event_vehicle": "event (vehicle)",
    "battrace_event_event": "event (event, event_day)",
    "battrace_unit_code": "unit (code)",
    "battrace_vehicle_vin": "vehicle (vin)",
    "battrace_link_parent": "link (parent)",
    "battrace_link_child": "link (child)",
    "battrace_material_lot": "material (lot)",
}
"""What rules and lookups by one go by.  Made after a bulk load, or when a store is opened to go on with."""

_LOCK = 0x62617474
"""Number of the PostgreSQL lock under which tables and indexes are made ("batt")."""

_POSTGRES_TYPE = {("int", 2): "int2", ("int", 4): "int4", ("int", 8): "int8", ("bool", 1): "bool"}
_OUTSIDE = (SQLAlchemyError, sqlite3.Error, psycopg.Error)


class SqlStore:
    """A store in the database at *url*.  See `base.Store`.

    Args:
        url: `sqlite:///FILE` or `postgresql+psycopg://...`, as SQLAlchemy parses it.
        create: make the tables; otherwise open a store that is there.
        incomplete_ok: open one that is not finished too, to read it and go on appending: a registry in use.

    Raises:
        StoreError: a store is there already (create); none is there, something else, a newer one, or one that
            was never finished (open); the database cannot be reached.
    """

    def __init__(self, url: URL, *, create: bool = False, incomplete_ok: bool = False) -> None:
        self.url = url.render_as_string(hide_password=False)
        self._where = url.render_as_string()
        self._sqlite = url.get_backend_name() == "sqlite"
        self._complete = False
        self._engine: Engine | None = None
        if self._sqlite:
            _check_file(url.database, self._where, create=create)
        engine = self._engine = _engine(url)
        try:
            with self._asking():
                self._make(engine) if create else self._open(engine, incomplete_ok=incomplete_ok)
        except StoreError:
            self.close()
            raise

    @property
    def engine(self) -> Engine:
        """The engine of SQLAlchemy; StoreError after close."""
        if self._engine is None:
            raise StoreError(f"{self._where}: the store is closed")
        return self._engine

    def append(self, table: Table, rows: int, columns: Mapping[str, Column]) -> None:
        """See `Store.append`.  All rows are committed when it returns, or none."""
        engine = self._writable()
        fields = base.checked(table, rows, columns)
        if not rows:
            return
        lists = [_values(values, rows) for _, values in fields]
        with self._asking(f"table {table.name}: nothing was appended"), engine.begin() as connection:
            load = self._executemany if self._sqlite else self._copy
            load(connection, [field for field, _ in fields], zip(*lists, strict=True))

    def set_meta(self, key: str, value: str) -> None:
        """See `Store.set_meta`."""
        base.check_meta(key, value)
        with self._asking(), self._writable().begin() as connection:
            connection.execute(delete(meta).where(meta.c.key == key))
            connection.execute(insert(meta).values(key=key, value=value))

    def meta(self) -> dict[str, str]:
        """See `Store.meta`."""
        return {
            str(key): str(value)
            for key, value in self.rows(select(meta.c.key, meta.c.value).order_by(meta.c.key))
        }

    def count(self, table: Table) -> int:
        """See `Store.count`."""
        [(rows,)] = self.rows(select(func.count()).select_from(table))
        return int(str(rows))

    def finish(self) -> None:
        """See `Store.finish`."""
        engine = self._writable()
        with self._asking():
            with engine.begin() as connection:
                _make_indexes(connection)
                connection.execute(update(meta).where(meta.c.key == "state").values(value=base.COMPLETE))
                connection.execute(text("ANALYZE"))
            if self._sqlite:
                with engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._complete = True

    def sql(self, query: Query) -> str:
        """See `Store.sql`."""
        dialect = self.engine.dialect if self._sqlite else base.POSTGRESQL
        return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))

    def rows(self, query: Query) -> list[tuple[object, ...]]:
        """See `Store.rows`."""
        return self._fetch(query)[2]

    def select(self, query: Query) -> dict[str, AnyArray]:
        """See `Store.select`."""
        names, kinds, rows = self._fetch(query)
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        return {name: base.as_array(c, kind) for name, c, kind in zip(names, columns, kinds, strict=True)}

    def close(self) -> None:
        """See `Store.close`."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fetch(self, query: Query) -> tuple[list[str], list[str | None], list[tuple[object, ...]]]:
        with self._asking("the query does not run"), self.engine.connect() as connection:
            result = connection.execute(query)
            names = [str(name) for name in result.keys()]  # noqa: SIM118  (a result is no dict)
            kinds = base.kinds_of(query, len(names))
            return names, kinds, [tuple(map(base.plain, row, kinds)) for row in result]

    def _writable(self) -> Engine:
        if self._complete:
            raise StoreError(f"{self._where}: the store is finished, and read only; nothing was written")
        return self.engine

    def _make(self, engine: Engine) -> None:
        with engine.begin() as connection:
            _alone(connection)
            there = set(inspect(connection).get_table_names()) & set(metadata.tables)
            if there:
                what = "a store is" if meta.name in there else f"a table {sorted(there)[0]} is"
                raise StoreError(
                    f"{self._where}: {what} there already. Choose another database, or empty this one first."
                )
            metadata.create_all(connection)
            kept = {"schema_version": str(SCHEMA_VERSION), "state": base.OPEN}
            connection.execute(insert(meta), [{"key": key, "value": value} for key, value in kept.items()])

    def _open(self, engine: Engine, *, incomplete_ok: bool) -> None:
        with engine.begin() as connection:
            there = set(inspect(connection).get_table_names())
            if not there:
                raise StoreError(f"{self._where}: there is no store: the database is empty. Make one first.")
            foreign = f"{self._where}: not a battrace store, but a database with other tables. Check the URL."
            if meta.name not in there:
                raise StoreError(foreign)
            try:
                with connection.begin_nested():
                    kept = {
                        row.key: row.value for row in connection.execute(select(meta.c.key, meta.c.value))
                    }
            except SQLAlchemyError:
                raise StoreError(foreign) from None
            if not set(base.RESERVED) <= set(kept):
                raise StoreError(foreign)
            base.check_version(self._where, kept["schema_version"])
            if lost := sorted({table.name for table in TABLES} - there):
                raise StoreError(f"{self._where}: table {lost[0]} is gone. Restore the database.")
            self._complete = kept["state"] == base.COMPLETE
            if not self._complete and not incomplete_ok:
                raise StoreError(
                    f"{self._where}: half written: the run that wrote it was interrupted, or still goes on. "
                    "Remove it and run again; or, if it is a registry in use, open it as one (incomplete_ok)."
                )
            if not self._complete:
                _make_indexes(connection)

    @contextmanager
    def _asking(self, what: str = "the database refuses") -> Iterator[None]:
        """Turn what the database objects to into one message, without statement and parameters."""
        try:
            yield
        except _OUTSIDE as error:
            reason = str(getattr(error, "orig", None) or error).strip()
            if "file is not a database" in reason:
                raise StoreError(f"{self._where}: not a SQLite database, and no battrace store") from error
            raise StoreError(f"{self._where}: {what}: {reason}") from error

    @staticmethod
    def _executemany(connection: Connection, fields: list[Field], rows: Iterable[tuple[object, ...]]) -> None:
        driver: Any = connection.connection.driver_connection
        places = ", ".join("?" * len(fields))
        driver.executemany(f'INSERT INTO "{fields[0].table}" ({_names(fields)}) VALUES ({places})', rows)

    @staticmethod
    def _copy(connection: Connection, fields: list[Field], rows: Iterable[tuple[object, ...]]) -> None:
        driver: Any = connection.connection.driver_connection
        statement = f'COPY "{fields[0].table}" ({_names(fields)}) FROM STDIN (FORMAT BINARY)'
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_POSTGRES_TYPE.get((f.kind, f.dtype.itemsize), "text") for f in fields])
            for row in rows:
                copy.write_row(row)


def _names(fields: list[Field]) -> str:
    return ", ".join(f'"{field.name}"' for field in fields)


def _values(values: Column, rows: int) -> Iterable[object]:
    """Return checked *values* as Python objects, None for null."""
    if values is None or isinstance(values, str | int):
        return repeat(values, rows)
    if not isinstance(values, np.ndarray) or values.dtype.kind == "S":
        return base.as_list(values)
    plain: list[object] = values.tolist()
    if values.dtype.itemsize >= 4 and values.min() == NULL:
        return [None if value == NULL else value for value in plain]
    return plain


def _engine(url: URL) -> Engine:
    engine = create_engine(url)
    if url.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def settle(connection: sqlite3.Connection, _record: object) -> None:
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {pragma}").close()

    return engine


def _check_file(database: str | None, where: str, *, create: bool) -> None:
    """Check that a SQLite file is where it should be: SQLite itself would make an empty one."""
    if not database or database == ":memory:":
        raise StoreError(f"{where}: names no file; write sqlite:///FILE")
    path = Path(database)
    if create and path.exists():
        raise StoreError(f"{where}: a file is there already. Choose another name, or remove it first.")
    if create and not path.absolute().parent.is_dir():
        raise StoreError(f"{where}: there is no directory {path.absolute().parent}")
    if not create and not path.is_file():
        raise StoreError(f"{where}: there is no store: no such file. Check the URL.")


def _make_indexes(connection: Connection) -> None:
    """Make the indexes that are not there; looking first spares a lock on tables that others write to."""
    _alone(connection)
    there = {index["name"] for found in inspect(connection).get_multi_indexes().values() for index in found}
    for name, columns in _INDEXES.items():
        if name not in there:
            connection.execute(text(f"CREATE INDEX {name} ON {columns}"))


def _alone(connection: Connection) -> None:
    """Keep others from making tables or indexes until the transaction ends; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
