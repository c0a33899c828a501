"""A store that keeps what it is given in memory, as columns: the like of the twin's list of event objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Table

from traceability.errors import StoreError
from traceability.store import base
from traceability.store.base import Column, Query
from traceability.store.chunks import Chunk
from traceability.store.parquet import CHUNK_ROWS
from traceability.store.schema import event


class Kept:
    """Checks and gathers rows as the Parquet store does, and writes no file.  It answers no queries."""

    url = "memory:"

    def __init__(self) -> None:
        self._chunks: dict[str, list[Chunk]] = {}
        self._meta: dict[str, str] = {}

    def append(self, table: Table, rows: int, columns: Mapping[str, Column]) -> None:
        """Copy the rows; raises StoreError as `Store.append` says."""
        checked, start = base.checked(table, rows, columns), 0
        chunks = self._chunks.setdefault(table.name, [])
        while start < rows:
            if not chunks or chunks[-1].rows == CHUNK_ROWS:
                chunks.append(Chunk(table.name, CHUNK_ROWS))
            stop = min(rows, start + CHUNK_ROWS - chunks[-1].rows)
            chunks[-1].take(checked, start, stop)
            start = stop

    def events(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return int64[n] for each column of the event table, NULL for null."""
        found = {}
        for column in event.c:
            parts = [np.empty(0, dtype=np.int64)]
            for chunk in self._chunks.get(event.name, []):
                same = chunk.same.get(column.name)
                part = chunk.numbers[column.name][: chunk.rows] if same is None else np.full(chunk.rows, same)
                parts.append(part.astype(np.int64))
            found[column.name] = np.concatenate(parts)
        return found

    def count(self, table: Table) -> int:
        """Return the number of rows of *table*."""
        return sum(chunk.rows for chunk in self._chunks.get(table.name, []))

    def set_meta(self, key: str, value: str) -> None:
        """Keep *value* under *key*."""
        self._meta[key] = value

    def meta(self) -> dict[str, str]:
        """Return what was kept."""
        return dict(self._meta)

    def select(self, query: Query) -> dict[str, npt.NDArray[Any]]:
        """Raise StoreError: these rows are in no database."""
        raise StoreError("rows that are kept in memory cannot be queried")

    def rows(self, query: Query) -> list[tuple[object, ...]]:
        """Raise StoreError: these rows are in no database."""
        raise StoreError("rows that are kept in memory cannot be queried")

    def sql(self, query: Query) -> str:
        """Raise StoreError: these rows are in no database."""
        raise StoreError("rows that are kept in memory cannot be queried")

    def finish(self) -> None:
        """Nothing is left to do."""

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
