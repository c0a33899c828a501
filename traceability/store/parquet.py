"""A store that is a directory of Parquet files, written and read by DuckDB.

    DIR/store.json          what the directory is, and whether it is complete; its final form is written last
    DIR/actor.parquet       a table of less than one chunk
    DIR/event/00000.parquet a larger table, in chunks of equal size

Rows gather in NumPy columns of one chunk; one thread writes full chunks while the program goes on.  A chunk
ends after a fixed number of rows, however they came, so the same rows give the same bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import numpy as np
from sqlalchemy import Table

from traceability.errors import StoreError
from traceability.events import NULL
from traceability.store import base
from traceability.store.base import AnyArray, Column, Field, Query
from traceability.store.chunks import SQL_TYPE, Chunk, File, Writer, quoted, sha256_of
from traceability.store.schema import SCHEMA_VERSION, TABLES, meta

CHUNK_ROWS = 8 * 122_880
"""Rows of a chunk: whole row groups of DuckDB (122,880 rows each), about a million."""

_MARKER = "store.json"
_KIND = "battrace log"


class ParquetStore:
    """The store of a run: appended to once, finished, then read by DuckDB.  See `base.Store`.

    Args:
        directory: where it is, or shall be.
        create: make a new one; otherwise open one that is finished.
        threads: of the reader; all cores where None.
        chunk_rows: rows of a file of a large table.

    Raises:
        StoreError: something is there already (create); nothing is there, something else, a newer store, or
            one that was never finished (open).
    """

    def __init__(
        self,
        directory: Path,
        *,
        create: bool = False,
        threads: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        self.url, self.directory = f"parquet:{directory}", directory
        self._threads, self._chunk_rows = threads, chunk_rows
        self._filling: dict[str, Chunk] = {}
        self._parts: dict[str, int] = {}
        self._rows: dict[str, int] = {table.name: 0 for table in TABLES}
        self._meta = {"schema_version": str(SCHEMA_VERSION)}
        self._writer: Writer | None = None
        self._reader: duckdb.DuckDBPyConnection | None = None
        self._closed = False
        self.files: list[File] = []
        if create:
            _make(directory)
            self._writer = Writer(directory)
        else:
            self.files = _listed(directory)
            for file in self.files:
                self._rows[file.table] += file.rows

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection that reads the store, with a view for every table.

        Raises:
            StoreError: the store is closed, or still being written.
        """
        if self._closed or self._writer is not None:
            state = "closed" if self._closed else "still being written; finish() it before reading"
            raise StoreError(f"{self.directory}: the store is {state}")
        if self._reader is None:
            self._reader = self._views()
        return self._reader

    def append(self, table: Table, rows: int, columns: Mapping[str, Column]) -> None:
        """See `Store.append`.  A file that cannot be written is reported by a later append, or by finish."""
        writer = self._writable()
        writer.collect()
        self._append(writer, table.name, rows, base.checked(table, rows, columns))

    def _append(self, writer: Writer, name: str, rows: int, columns: list[tuple[Field, Column]]) -> None:
        start = 0
        while start < rows:
            chunk = self._filling.get(name)
            if chunk is None:
                chunk = self._filling[name] = writer.fresh(name, self._chunk_rows)
            stop = min(rows, start + self._chunk_rows - chunk.rows)
            chunk.take(columns, start, stop)
            start = stop
            if chunk.rows == self._chunk_rows:
                part = self._parts.get(name, 0)
                self._parts[name] = part + 1
                del self._filling[name]
                writer.write(chunk, f"{name}/{part:05d}.parquet")
        self._rows[name] += rows

    def set_meta(self, key: str, value: str) -> None:
        """See `Store.set_meta`."""
        base.check_meta(key, value)
        self._writable()
        self._meta[key] = value

    def meta(self) -> dict[str, str]:
        """See `Store.meta`."""
        if self._writer is not None:
            return self._meta | {"state": base.OPEN}
        return dict(self.connection.execute("SELECT key, value FROM meta ORDER BY key").fetchall())

    def count(self, table: Table) -> int:
        """See `Store.count`."""
        return self._rows[table.name]

    def finish(self) -> None:
        """See `Store.finish`.  The store can be read afterwards."""
        writer = self._writable()
        kept = sorted((self._meta | {"state": base.COMPLETE}).items())
        columns: list[Column] = [[key for key, _ in kept], [value for _, value in kept]]
        self._append(writer, meta.name, len(kept), list(zip(base.FIELDS[meta.name], columns, strict=True)))
        for table in TABLES:
            if chunk := self._filling.pop(table.name, None):
                part = self._parts.get(table.name)
                name = f"{table.name}.parquet" if part is None else f"{table.name}/{part:05d}.parquet"
                writer.write(chunk, name)
        writer.collect(at_most=0)
        self.files = sorted(writer.files, key=lambda file: file.name)
        for file in self.files:
            with (self.directory / file.name).open("rb") as written:
                os.fsync(written.fileno())
        _mark(self.directory, complete=True, rows=self._rows, files=[asdict(file) for file in self.files])
        writer.close()
        self._writer = None

    def verify(self) -> None:
        """Read every file again and compare it with the sum in `store.json`.

        Raises:
            StoreError: a file has changed since the store was finished.
        """
        for file in self.files:
            if sha256_of(self.directory / file.name) != file.sha256:
                raise StoreError(f"{self.directory / file.name}: changed since the store was finished")

    def sql(self, query: Query) -> str:
        """See `Store.sql`."""
        return query.compile(dialect=base.POSTGRESQL, compile_kwargs={"literal_binds": True}).string

    def rows(self, query: Query) -> list[tuple[object, ...]]:
        """See `Store.rows`."""
        result = self._run(query)
        kinds = base.kinds_of(query, len(result.description or ()))
        return [tuple(map(base.plain, row, kinds)) for row in result.fetchall()]

    def select(self, query: Query) -> dict[str, AnyArray]:
        """See `Store.select`."""
        result = self._run(query)
        described: Sequence[tuple[Any, ...]] = result.description or ()
        names = [str(column[0]) for column in described]
        kinds = base.kinds_of(query, len(names))
        if any(str(column[1]) in ("HUGEINT", "UHUGEINT") for column in described):
            # sums of 64-bit numbers, of which NumPy would get a rounded float
            values = list(zip(*result.fetchall(), strict=True)) or [()] * len(names)
            return {name: base.as_array(v, kind) for name, v, kind in zip(names, values, kinds, strict=True)}
        arrays = result.fetchnumpy()
        return {name: _unmasked(arrays[name], kind) for name, kind in zip(names, kinds, strict=True)}

    def close(self) -> None:
        """See `Store.close`."""
        if self._writer is not None:
            self._writer.close()
        if self._reader is not None:
            self._reader.close()
        self._writer = self._reader = None
        self._closed = True
        self._filling.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _writable(self) -> Writer:
        if self._writer is None:
            state = "closed" if self._closed else "finished, and read only"
            raise StoreError(f"{self.directory}: the store is {state}; nothing was written")
        return self._writer

    def _run(self, query: Query) -> duckdb.DuckDBPyConnection:
        connection = self.connection
        try:
            return connection.execute(self.sql(query))
        except duckdb.Error as error:
            raise StoreError(f"{self.directory}: the query does not run: {error}") from error

    def _views(self) -> duckdb.DuckDBPyConnection:
        reader = duckdb.connect()
        reader.execute("SET preserve_insertion_order = false")
        # what does not fit into memory must not go into the directory one happens to be in
        reader.execute(
            f"SET temp_directory = {quoted(Path(tempfile.gettempdir(), f'battrace-duckdb-{os.getpid()}'))}"
        )
        if self._threads is not None:
            reader.execute(f"SET threads = {self._threads}")
        for table in TABLES:
            names = [quoted(self.directory / file.name) for file in self.files if file.table == table.name]
            if names:
                source = f"SELECT * FROM read_parquet([{', '.join(names)}])"
            else:
                columns = (f'CAST(NULL AS {SQL_TYPE[table.name, c.name]}) AS "{c.name}"' for c in table.c)
                source = f"SELECT {', '.join(columns)} WHERE false"
            reader.execute(f'CREATE VIEW "{table.name}" AS {source}')
        return reader


def _unmasked(values: AnyArray, kind: str | None) -> AnyArray:
    """Return a column that DuckDB gives NumPy as `Store.select` promises."""
    nulls = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    array = np.ma.getdata(values)
    if kind in ("int", "float") and array.dtype == object:  # nothing but nulls
        return base.as_array(values.tolist(), kind)
    if kind not in ("int", "bool", "float"):
        kind = {"b": "bool", "i": "int", "u": "int", "f": "float"}.get(array.dtype.kind, "text")
    if kind == "int":
        array = array.astype(np.int64)
    elif kind == "float":
        array = array.astype(np.float64)
    elif kind == "text" or (nulls is not None and nulls.any()):
        array = array.astype(object)
    if nulls is not None and nulls.any():
        array[nulls] = {"int": NULL, "float": np.nan}.get(kind)
    return array


def _make(directory: Path) -> None:
    if directory.is_file() or (directory.is_dir() and any(directory.iterdir())):
        what = "a store is" if (directory / _MARKER).is_file() else "something is"
        raise StoreError(
            f"{directory}: {what} there already. Choose another directory, or remove this one first."
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _mark(directory, complete=False, rows={}, files=[])
    except OSError as error:
        raise StoreError(f"{directory}: cannot be made: {error.strerror}") from error


def _listed(directory: Path) -> list[File]:
    """Return the files of a finished store, after a look at whether it is one and they are there."""
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        raise StoreError(f"{directory}: there is no store. `battrace run` makes one.")
    try:
        marker = json.loads((directory / _MARKER).read_text(encoding="utf-8"))
        kind = marker["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        kind = None
    if kind != _KIND:
        raise StoreError(f"{directory}: not a battrace store (no {_MARKER} that says so). Check the path.")
    base.check_version(str(directory), marker.get("schema_version"))
    if marker.get("complete") is not True:
        raise StoreError(
            f"{directory}: half written: the run that wrote it was interrupted, or still goes on. "
            "If none goes on, remove the directory and run again."
        )
    files = [File(**file) for file in marker["files"]]
    for file in files:
        path = directory / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
            what = "has another size than when it was written" if path.is_file() else "is missing"
            raise StoreError(f"{directory}: {file.name} {what}. Restore the directory, or run again.")
    return files


def _mark(directory: Path, *, complete: bool, rows: dict[str, int], files: list[dict[str, Any]]) -> None:
    marker = {
        "kind": _KIND,
        "schema_version": SCHEMA_VERSION,
        "complete": complete,
        "rows": rows,
        "files": files,
    }
    part = directory / f".{_MARKER}.part"
    with part.open("w", encoding="utf-8") as out:
        json.dump(marker, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, directory / _MARKER)
