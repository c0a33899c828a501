"""A log -> a folder of tables in words, CSV or Parquet, with a dictionary of their columns beside them.

The folder has a temporary name until it is whole.  Memory holds a fixed number of rows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from traceability.errors import ExchangeError, UnknownName
from traceability.events import NULL
from traceability.exchange.folders import whole_folder
from traceability.exchange.reading import LogReader
from traceability.exchange.selecting import Selection
from traceability.exchange.tables.columns import DICTIONARY, Holds, Told
from traceability.sheets import Cell, write_csv
from traceability.store import Store, schema
from traceability.store.base import AnyArray

Progress = Callable[[int, int], None]
Chunks = Iterator[tuple[int, dict[str, AnyArray]]]

FORMS = ("csv", "parquet")
VIEWS = ("both", "truth", "register")
ROWS_AT_ONCE = 100_000

_SQL = {
    Holds.NUMBER: "BIGINT",
    Holds.TEXT: "VARCHAR",
    Holds.WORD: "VARCHAR",
    Holds.FLAG: "BOOLEAN",
    Holds.DAY: "DATE",
}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        rows: file -> rows in it, the header not counted.
        hidden_vins: VINs that were left out.
    """

    rows: dict[str, int]
    hidden_vins: int


def export(
    store: Store,
    folder: Path,
    selection: Selection | None = None,
    *,
    form: str = "parquet",
    with_vin: bool = False,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Progress | None = None,
) -> Exported:
    """Write the selected part of *store* as one file a table below *folder*, and `columns.csv` that explains them.

    Args:
        store: an open store.
        folder: made here; refused if it is there and not empty.
        selection: which part, in the view `both` (every row, with `happened`), `truth` or `register`; everything
            where None.
        form: `csv` (UTF-8 with a byte order mark, nothing in it that a spreadsheet would run) or `parquet`.
        with_vin: tell the VINs, which are close to personal data.
        rows_at_once: rows that are in memory at a time, about.
        progress: called with rows done and rows in all.

    Raises:
        ExchangeError: *folder* holds files or cannot be written.
        UnknownName: no such view, no such form.
    """
    if form not in FORMS:
        raise UnknownName("form", form, FORMS)
    chosen = selection or Selection(view="both")
    reader = LogReader(store, chosen, views=VIEWS)
    try:
        with whole_folder(folder) as part:
            return _write(
                store, reader, part, form, with_vin=with_vin, at_once=rows_at_once, progress=progress
            )
    except duckdb.Error as error:
        raise ExchangeError(f"{folder}: cannot be written: {error}") from None


def _write(
    store: Store,
    reader: LogReader,
    part: Path,
    form: str,
    *,
    with_vin: bool,
    at_once: int,
    progress: Progress | None,
) -> Exported:
    total = sum(store.count(table) for table in schema.TABLES)
    rows: dict[str, int] = {}
    hidden = seen = 0
    kept = [told for told in DICTIONARY if told.column != "happened" or reader.selection.view == "both"]
    for table in schema.TABLES:
        columns = [told for told in kept if told.table == table.name]

        def chunks(table: Any = table, columns: list[Told] = columns) -> Chunks:  # noqa: ANN401
            nonlocal hidden, seen
            for raw in reader.table(table, at_once):
                if "vin" in raw and not with_vin:
                    hidden += int(sum(vin is not None for vin in raw["vin"]))
                    raw["vin"] = np.full(raw["vin"].size, None, dtype=object)
                count = next(iter(raw.values())).size
                yield count, {told.column: told.decoded(raw[told.column]) for told in columns}
                seen += count
                if progress is not None:
                    progress(seen, total)

        name = f"{table.name}.{form}"
        if form == "csv":
            rows[name] = write_csv(part / name, [told.column for told in columns], _cells(chunks(), columns))
        else:
            rows[name] = _parquet(part / name, columns, chunks())
    header = ("table", "column", "holds", "unit", "meaning", "words")
    write_csv(part / "columns.csv", header, [_explained(told) for told in kept])
    return Exported(rows, hidden)


def _cells(chunks: Chunks, columns: Sequence[Told]) -> Iterator[Sequence[Cell]]:
    for _, decoded in chunks:
        yield from zip(*(_as_text(told, decoded[told.column]) for told in columns), strict=True)


def _as_text(told: Told, values: AnyArray) -> list[Any]:
    """Return the cells of one column for a CSV file; null is empty."""
    if told.holds is Holds.DAY:
        days = np.datetime_as_string(values, unit="D")
        days[np.isnat(values)] = ""
        return list(days.tolist())
    if told.holds is Holds.NUMBER:
        return [None if value == NULL else value for value in values.tolist()]
    if told.holds is Holds.FLAG:
        return ["true" if value else "false" for value in values.tolist()]
    return list(values.tolist())


def _parquet(path: Path, columns: Sequence[Told], chunks: Chunks) -> int:
    """Write one file through a database beside it: chunks that arrive one by one become one file, in their order."""
    gathered = path.with_name(f".{path.name}.duckdb")
    names = ", ".join(f'"{told.column}" {_SQL[told.holds]}' for told in columns)
    count = 0
    with duckdb.connect(str(gathered)) as base:
        base.execute("SET threads = 1")
        base.execute(f"CREATE TABLE gathered ({names})")
        for rows, decoded in chunks:
            base.register("chunk", decoded)
            base.execute(f"INSERT INTO gathered SELECT {', '.join(map(_expression, columns))} FROM chunk")
            base.unregister("chunk")
            count += rows
        target = "'" + str(path).replace("'", "''") + "'"
        base.execute(f"COPY gathered TO {target} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd)")
    gathered.unlink()
    gathered.with_name(f"{gathered.name}.wal").unlink(missing_ok=True)
    return count


def _expression(told: Told) -> str:
    name = f'"{told.column}"'
    return f"nullif({name}, {NULL})" if told.holds is Holds.NUMBER else f"CAST({name} AS {_SQL[told.holds]})"


def _explained(told: Told) -> tuple[Cell, ...]:
    words = "" if told.words is None else " ".join(member.name for member in told.words)
    return told.table, told.column, told.holds.value, told.unit, told.says, words
