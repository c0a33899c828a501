"""OCEL 2.0 in SQLite, from anybody: opened to be read only, and only where it is made of plain tables."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from traceability.errors import ExchangeError
from traceability.exchange.ocel.model import INITIAL, Event, Thing
from traceability.exchange.ocel.sources import Shapes

LONGEST_VALUE = 16 << 20
MOST_TYPES = 500
MOST_COLUMNS = 500
_COLUMNS = {
    "event": ("ocel_id", "ocel_type"), "object": ("ocel_id", "ocel_type"),
    "event_object": ("ocel_event_id", "ocel_object_id", "ocel_qualifier"),
    "object_object": ("ocel_source_id", "ocel_target_id", "ocel_qualifier"),
    "event_map_type": ("ocel_type", "ocel_type_map"), "object_map_type": ("ocel_type", "ocel_type_map"),
}  # fmt: skip

Row = tuple[Any, ...]


class SqliteSource:
    """OCEL 2.0 in SQLite.

    Args:
        path: of the file.

    Raises:
        ExchangeError: it holds triggers, views or virtual tables, or has not the tables of the format.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._shapes = path, Shapes(path)
        with closing(self._opened()) as base:
            self._check(base)

    def objects(self) -> Iterator[Thing]:
        """Yield the objects."""
        relations = "object_object", "ocel_source_id", "ocel_target_id"
        for place, name, kind, rows, related in self._joined("object", relations):
            told = []
            for columns, row in rows:
                time = INITIAL if row[0] in (None, "1970-01-01 00:00:00", "1970-01-01T00:00:00") else row[0]
                changed = (
                    row[columns.index("ocel_changed_field")] if "ocel_changed_field" in columns else None
                )
                told += [
                    (column, time, value)
                    for column, value in zip(columns, row, strict=True)
                    if value is not None
                    and not column.startswith("ocel_")
                    and (changed is None or column == changed)
                ]
            yield self._shapes.thing(place, name, kind, told, related)

    def events(self) -> Iterator[Event]:
        """Yield the events."""
        relations = "event_object", "ocel_event_id", "ocel_object_id"
        for place, name, kind, rows, related in self._joined("event", relations):
            if len(rows) != 1:
                self._shapes.refuse(place, f"{len(rows)} rows in the table of its type, expected one")
            [(columns, row)] = rows
            told = [
                (column, value)
                for column, value in zip(columns, row, strict=True)
                if value is not None and not column.startswith("ocel_")
            ]
            yield self._shapes.event(place, name, kind, row[0], told, related)

    def _opened(self) -> sqlite3.Connection:
        try:
            address = f"file:{quote(str(self._path.resolve()))}?mode=ro&immutable=1"
            base = sqlite3.connect(address, uri=True, isolation_level=None)
            base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
            base.execute("PRAGMA trusted_schema=OFF")
            base.execute("PRAGMA cell_size_check=ON")
            base.execute("PRAGMA mmap_size=0")
            base.execute("PRAGMA cache_size=-65536")
            return base
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> ExchangeError:
        return ExchangeError(
            f"{self._path}: a database that cannot be read: {str(error)[:200]}. Nothing was taken from it."
        )

    def _rows(self, base: sqlite3.Connection, query: str, *values: str) -> Iterator[Row]:
        try:
            for row in base.execute(query, values):  # noqa: UP028  # `yield from` would close a cursor of a closed base
                yield row
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise self._broken(error) from None

    def _check(self, base: sqlite3.Connection) -> None:
        tables = set()
        for kind, name, text in self._rows(base, "SELECT type, name, sql FROM sqlite_master"):
            statement = str(text or "").upper()
            if kind in ("trigger", "view") or " VIRTUAL " in statement[:40]:
                what = "virtual table" if kind == "table" else kind
                self._shapes.refuse(f"{what} {name!r}", "an event log is made of plain tables")
            if kind == "table":
                tables.add(str(name))
        for table, wanted in _COLUMNS.items():
            there = self._columns(base, table)
            for column in wanted:
                if column not in there:
                    self._shapes.refuse(
                        f"table {table}", f"has no column {column}: the file is no OCEL 2.0" if there
                        else "is not there: the file is no OCEL 2.0",
                    )  # fmt: skip
        for what in ("event", "object"):
            for kind, table, columns in self._kinds(base, what):
                if table not in tables or not {"ocel_id", "ocel_time"} <= set(columns):
                    self._shapes.refuse(
                        f"type {kind!r}", f"the table {table!r} is not there, or has no ocel_id and ocel_time"
                    )
            self._check_types(base, what)

    def _check_types(self, base: sqlite3.Connection, what: str) -> None:
        """Refuse what stands in `event` or `object` and nowhere else, and a name that stands there twice."""
        query = f"SELECT ocel_type FROM {what} WHERE ocel_type IS NULL OR ocel_type NOT IN (SELECT ocel_type FROM {what}_map_type WHERE ocel_type IS NOT NULL) LIMIT 1"  # noqa: E501
        for (kind,) in self._rows(base, query):
            self._shapes.refuse(f"table {what}", f"the type {str(kind)[:60]!r} is not in {what}_map_type")

    def _columns(self, base: sqlite3.Connection, table: str) -> list[str]:
        # table_xinfo tells of generated columns too, which a log has no need of
        rows = list(self._rows(base, "SELECT name, hidden FROM pragma_table_xinfo(?)", table))
        if len(rows) > MOST_COLUMNS or any(hidden for _, hidden in rows):
            self._shapes.refuse(f"table {table!r}", f"has computed columns, or more than {MOST_COLUMNS}")
        return [str(name) for name, _ in rows]

    def _kinds(self, base: sqlite3.Connection, what: str) -> list[tuple[str, str, list[str]]]:
        rows = list(
            self._rows(base, f"SELECT ocel_type, ocel_type_map FROM {what}_map_type LIMIT {MOST_TYPES + 1}")
        )
        if len(rows) > MOST_TYPES:
            self._shapes.refuse(f"table {what}_map_type", f"more than {MOST_TYPES} types")
        found = []
        for kind, short in rows:
            self._shapes.name(kind, f"table {what}_map_type", "a type")
            table = f"{what}_{self._shapes.name(short, f'table {what}_map_type', 'the short name of a type')}"
            found.append((str(kind), table, self._columns(base, table)))
        return found

    def _joined(
        self, what: str, relations: tuple[str, str, str]
    ) -> Iterator[tuple[str, Any, Any, list[tuple[list[str], Row]], list[Row]]]:
        """Yield place, id, type, rows of the table of its type, and relations, of each event or object."""
        with closing(self._opened()) as base:
            table, near, far = relations
            queries = [
                self._told(base, what, kind, own, columns) for kind, own, columns in self._kinds(base, what)
            ]
            told = _Ahead(heapq.merge(*queries, key=itemgetter(0)))
            ties = _Ahead(
                self._rows(
                    base,
                    f"SELECT t.rowid, r.{far}, r.ocel_qualifier FROM {what} t CROSS JOIN {table} r "
                    f"ON r.{near} = t.ocel_id ORDER BY t.rowid",
                )
            )
            everything = self._rows(base, f"SELECT rowid, ocel_id, ocel_type FROM {what} ORDER BY rowid")
            for number, (place, name, kind) in enumerate(everything, 1):
                rows = [(columns, row) for _, columns, row in told.at(place)]
                related = [(other, "" if how is None else how) for _, other, how in ties.at(place)]
                yield f"{what} {number:,}", name, kind, rows, related

    def _told(
        self, base: sqlite3.Connection, what: str, kind: str, table: str, columns: list[str]
    ) -> Iterator[tuple[int, list[str], Row]]:
        ordered = ["ocel_time", *(column for column in columns if column != "ocel_time")]
        named = ", ".join(f"o.{_quoted(column)}" for column in ordered)
        query = (
            f"SELECT t.rowid, {named} FROM {what} t CROSS JOIN {_quoted(table)} o ON o.ocel_id = t.ocel_id "
            "WHERE t.ocel_type = ? ORDER BY t.rowid"
        )
        for row in self._rows(base, query, kind):
            yield row[0], ordered, row[1:]


class _Ahead:
    """Rows by the number that they begin with, handed out as the numbers come."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._groups = groupby(rows, key=itemgetter(0))
        self._next: tuple[int, list[Row]] | None = None

    def at(self, place: int) -> list[Row]:
        """Return the rows of *place*; places are asked for in order."""
        while self._next is None or self._next[0] < place:
            group = next(self._groups, None)
            if group is None:
                return []
            self._next = group[0], list(group[1])
        return self._next[1] if self._next[0] == place else []


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
