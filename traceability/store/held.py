"""A finished Parquet log held in memory, for a reader that asks it a hundred questions in a row."""

from __future__ import annotations

from traceability.store.parquet import ParquetStore
from traceability.store.schema import TABLES, event

MOST_ROWS = 5_000_000
"""Rows of events up to which a log is held: with its units some 450 MB.  A larger one is read from its files."""


def hold(store: ParquetStore, most_rows: int = MOST_ROWS) -> bool:
    """Copy the tables of *store* into memory and return whether that was done; its queries say the same as before.

    A temporary table comes before a view of its name, so every later query of this store's connection reads the
    copy: each rule would otherwise unpack the same columns again.

    Args:
        store: a finished log.
        most_rows: a log of more events is left where it is.
    """
    if store.count(event) > most_rows:
        return False
    for table in TABLES:
        store.connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{table.name}" AS SELECT * FROM memory.main."{table.name}"'
        )
    return True
