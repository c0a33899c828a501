"""A store that keeps what it is given in memory, as columns: the like of the twin's list of event objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Table

from traceability.errors import StoreError
from traceability.store.base import Column, Query
from traceability.store.schema import event


class Kept:
    """Write only through `append`; `events` gives the rows back.  It answers no queries."""

    url = "memory:"

    def __init__(self) -> None:
        self._parts: dict[str, list[tuple[int, dict[str, Column]]]] = {}
        self._meta: dict[str, str] = {}

    def append(self, table: Table, rows: int, columns: Mapping[str, Column]) -> None:
        """Keep the rows; the registry gives up the arrays that it passes, so nothing is copied."""
        self._parts.setdefault(table.name, []).append((rows, dict(columns)))

    def events(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return int64[n] for each column of the event table."""
        parts = self._parts.get(event.name, [])
        return {
            column.name: np.concatenate(
                [np.broadcast_to(np.asarray(part[column.name], dtype=np.int64), rows) for rows, part in parts]
            )
            for column in event.c
        }

    def count(self, table: Table) -> int:
        """Return the number of rows of *table*."""
        return sum(rows for rows, _ in self._parts.get(table.name, []))

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
