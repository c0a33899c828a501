"""What every store does, and what every store checks in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import (
    BigInteger,
    Boolean,
    CompoundSelect,
    Integer,
    Numeric,
    Select,
    SmallInteger,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from traceability.errors import StoreError, UnknownName
from traceability.events import NULL
from traceability.store.schema import SCHEMA_VERSION, TABLES

AnyArray: TypeAlias = npt.NDArray[Any]

Column: TypeAlias = "AnyArray | Sequence[str | None] | int | bool | str | None"
"""A column of rows to append; see `Store.append`."""

Query: TypeAlias = "Select[*tuple[Any, ...]] | CompoundSelect[*tuple[Any, ...]]"
"""What a store runs: a select of SQLAlchemy Core over the tables of `schema`, or a union of such."""

POSTGRESQL: Dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Writes SQL text for PostgreSQL, and for DuckDB, which understands it; other paramstyles write % twice."""
POSTGRESQL._backslash_escapes = False  # type: ignore[attr-defined]  # as both servers take them

OPEN, COMPLETE = "open", "complete"
"""Values of the meta row `state`."""

RESERVED = ("schema_version", "state")
"""Meta rows that the store itself keeps."""


class Store(Protocol):
    """A log: the tables of `schema`, appended to by a run or by a registry, read by rules and measures."""

    url: str

    def append(self, table: Table, rows: int, columns: Mapping[str, Column]) -> None:
        """Take in *rows* rows of *table*; a refused append takes in none of them.

        Args:
            table: one of `schema.TABLES` but `meta`, which `set_meta` fills.
            rows: how many.
            columns: by name, each of
                int or bool[rows], an array of any integer type or of bool; `events.NULL` is null;
                bytes ('S') [rows], ASCII, where an empty one is null;
                a list of str or None [rows];
                one int, bool or str that all rows share.
                A column left out (or None) is null.  What is passed is copied: it may change afterwards.

        Raises:
            StoreError: no such column (with the closest name); another length or type; a number or text that
                does not fit; null where the table allows none; the store is finished, closed, or cannot be
                written.
        """
        ...

    def select(self, query: Query) -> dict[str, AnyArray]:
        """Return the result as columns by name.

        Integers come as int64 with `events.NULL` for null, floats as float64 with nan, text as objects (str
        or None), bool as bool, or as objects (bool or None) where there are nulls.

        Raises:
            StoreError: the query does not run, or the store is a Parquet store that is still being written.
        """
        ...

    def rows(self, query: Query) -> list[tuple[object, ...]]:
        """Return the result as rows of int, float, bool, str, and None for null.  Raises as `select` does."""
        ...

    def sql(self, query: Query) -> str:
        """Return *query* as SQL text that this store's database runs as it stands."""
        ...

    def count(self, table: Table) -> int:
        """Return the number of rows of *table*."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Keep *value* under *key* in table `meta`, in place of any before.

        Raises:
            StoreError: the key is the store's own or too long; the store is finished or closed.
        """
        ...

    def meta(self) -> dict[str, str]:
        """Return the rows of table `meta`; `schema_version` and `state` are always there."""
        ...

    def finish(self) -> None:
        """Make everything durable and mark the store complete; from now on it is read only."""
        ...

    def close(self) -> None:
        """Let go of files and connections.  Without `finish` before, the store says that it is incomplete."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table, as far as writing it needs to know.

    Attributes:
        kind: "int", "bool" or "text".
        dtype: of the NumPy array that holds it (object for text).
        length: at most so many characters; 0 for no bound, and for numbers.
    """

    table: str
    name: str
    kind: str
    dtype: np.dtype[Any]
    nullable: bool
    length: int

    def refuse(self, why: str) -> StoreError:
        """Return the error that says *why* a value cannot stand in this column."""
        return StoreError(f"table {self.table}, column {self.name}: {why}. Nothing of it was appended.")


def kind_of(sql_type: TypeEngine[Any]) -> str | None:
    """Return "int", "bool", "text" or "float" for a type of SQLAlchemy, None where it does not say."""
    for kind, types in (("bool", Boolean), ("int", Integer), ("text", String), ("float", Numeric)):
        if isinstance(sql_type, types):
            return kind
    return None


def _fields(table: Table) -> tuple[Field, ...]:
    fields = []
    for column in table.c:
        kind, length = kind_of(column.type), 0
        dtype: np.dtype[Any]
        if kind == "bool":
            dtype = np.dtype(np.bool_)
        elif kind == "text":
            dtype, length = np.dtype(object), getattr(column.type, "length", None) or 0
        elif isinstance(column.type, BigInteger):
            dtype = np.dtype(np.int64)
        elif isinstance(column.type, SmallInteger) and not column.nullable:
            dtype = np.dtype(np.int16)
        else:  # NULL needs 32 bits
            dtype = np.dtype(np.int32)
        fields.append(Field(table.name, column.name, str(kind), dtype, bool(column.nullable), length))
    return tuple(fields)


FIELDS: dict[str, tuple[Field, ...]] = {table.name: _fields(table) for table in TABLES}
"""Table name -> its columns in order."""

_NAMES = {name: frozenset(field.name for field in fields) for name, fields in FIELDS.items()}


def checked(table: Table, rows: int, columns: Mapping[str, Column]) -> list[tuple[Field, Column]]:
    """Return every column of *table* with its values, None for one that is left out.

    Text comes back as bytes[rows], list[rows] or str; numbers as an array of values that fit, or as int.

    Raises:
        StoreError: as `Store.append` says.
    """
    if table.name not in FIELDS:
        raise StoreError(str(UnknownName("table", table.name, FIELDS)))
    if table.name == "meta":
        raise StoreError("table meta is filled by set_meta(key, value), not by append")
    for name in columns:
        if name not in _NAMES[table.name]:
            raise StoreError(
                str(UnknownName("column", name, _NAMES[table.name], where=f"table {table.name}"))
            )
    return [(field, _checked_column(field, rows, columns.get(field.name))) for field in FIELDS[table.name]]


def _checked_column(field: Field, rows: int, values: Column) -> Column:
    if values is None:
        if not field.nullable:
            raise field.refuse("missing, and the table allows no null here")
        return None
    if type(values) is int or type(values) is bool:
        return _checked_scalar(field, values)
    if isinstance(values, np.ndarray):
        if values.shape != (rows,):
            raise field.refuse(f"shape {values.shape}, expected ({rows},)")
        if field.kind == "text":
            return _checked_text(field, values)
        return _checked_numbers(field, values)
    if isinstance(values, str):
        if field.kind != "text":
            raise field.refuse(f"text {values!r}, expected {field.kind}")
        if field.length and len(values) > field.length:
            raise field.refuse(f"{values!r} is longer than {field.length} characters")
        return values
    if isinstance(values, Sequence):
        if len(values) != rows:
            raise field.refuse(f"{len(values)} rows, expected {rows}")
        if field.kind != "text":
            raise field.refuse(f"a list, expected an array of {field.kind}")
        return _checked_list(field, values)
    return _checked_scalar(field, values)


def _checked_scalar(field: Field, value: object) -> int | bool | None:
    if field.kind == "bool" and isinstance(value, bool | np.bool_):
        return bool(value)
    if field.kind != "int" or isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise field.refuse(f"{value!r}, expected {field.kind}")
    if value == NULL:
        if not field.nullable:
            raise field.refuse("null, and the table allows none here")
        return None
    _refuse_what_does_not_fit(field, int(value))
    return int(value)


def _refuse_what_does_not_fit(field: Field, value: int) -> None:
    bits = 8 * field.dtype.itemsize
    if not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        raise field.refuse(f"{value} does not fit {bits} bits")


def _checked_numbers(field: Field, values: AnyArray) -> AnyArray:
    if field.kind == "bool":
        if values.dtype.kind != "b":
            raise field.refuse(f"an array of {values.dtype}, expected bool")
        return values
    if values.dtype.kind not in "iu":
        raise field.refuse(f"an array of {values.dtype}, expected integers")
    fits = values.dtype == field.dtype or np.can_cast(values.dtype, field.dtype)
    if values.size and not (fits and (field.nullable or values.dtype.itemsize < 4)):
        low = int(np.minimum.reduce(values))
        if low <= NULL and not field.nullable and (values == NULL).any():
            raise field.refuse("null, and the table allows none here")
        if not fits:
            for value in (low, int(values.max())):
                _refuse_what_does_not_fit(field, value)
    return values


def _checked_text(field: Field, values: AnyArray) -> AnyArray | Sequence[str | None]:
    if values.dtype.kind in "OU":
        return _checked_list(field, values.tolist())
    if values.dtype.kind != "S":
        raise field.refuse(f"an array of {values.dtype}, expected text")
    if not field.nullable and (values == b"").any():
        raise field.refuse("null, and the table allows none here")
    letters = np.ascontiguousarray(values).view(np.uint8).reshape(values.size, values.dtype.itemsize)
    if letters.size and letters.max() > 127:
        raise field.refuse("bytes that are not ASCII; pass a list of str")
    if field.length and letters[:, field.length :].any():
        raise field.refuse(f"text longer than {field.length} characters")
    return values


def _checked_list(field: Field, values: Sequence[str | None]) -> Sequence[str | None]:
    for value in values:
        if value is None:
            if not field.nullable:
                raise field.refuse("null, and the table allows none here")
        elif not isinstance(value, str):
            raise field.refuse(f"{value!r}, expected text")
        elif field.length and len(value) > field.length:
            raise field.refuse(f"{value!r} is longer than {field.length} characters")
    return list(values)


def as_list(values: AnyArray | Sequence[str | None]) -> list[str | None]:
    """Return checked text of many rows as Python strings, None where it is null."""
    if isinstance(values, np.ndarray):
        return [text or None for text in values.astype(f"U{max(1, values.dtype.itemsize)}").tolist()]
    return list(values)


def kinds_of(query: Query, width: int) -> list[str | None]:
    """Return what each of *width* result columns is declared to hold, see `kind_of`."""
    kinds = [kind_of(column.type) for column in query.selected_columns]
    return kinds if len(kinds) == width else [None] * width


def plain(value: object, kind: str | None) -> object:
    """Return *value* of a result row as Python has it: PostgreSQL gives sums of integers as Decimal."""
    if isinstance(value, Decimal):
        return int(value) if kind == "int" else float(value)
    return bool(value) if kind == "bool" and value is not None else value


def as_array(values: Sequence[Any], kind: str | None) -> AnyArray:
    """Return one result column of Python values as `Store.select` promises."""
    if kind is None:
        kind = _kind_of_values(values)
    if kind == "int":
        return np.array([NULL if v is None else int(v) for v in values], dtype=np.int64)
    if kind == "float":
        return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)
    if kind == "bool" and None not in values:
        return np.array(values, dtype=np.bool_)
    array = np.empty(len(values), dtype=object)
    array[:] = [None if v is None else bool(v) for v in values] if kind == "bool" else list(values)
    return array


def _kind_of_values(values: Sequence[Any]) -> str:
    first = next((v for v in values if v is not None), None)
    for kind, types in (("bool", bool), ("int", int), ("float", float | Decimal)):
        if isinstance(first, types):
            return kind
    return "text"


def check_version(where: str, version: object) -> None:
    """Check the schema version that a store says it has.

    Raises:
        StoreError: it is another than this program's.
    """
    try:
        found = int(str(version))
    except ValueError:
        raise StoreError(
            f"{where}: schema version {version!r} is not a number; this is no battrace store"
        ) from None
    if found > SCHEMA_VERSION:
        raise StoreError(
            f"{where}: written by a newer battrace (schema {found}, this program knows {SCHEMA_VERSION}). "
            "Update battrace to read it."
        )
    if found < SCHEMA_VERSION:
        raise StoreError(
            f"{where}: written by an older battrace (schema {found}, this program knows {SCHEMA_VERSION}). "
            "Run the scenario again, or read it with the battrace that wrote it."
        )


def check_meta(key: str, value: str) -> None:
    """Check a row of `meta` that a program wants to keep.

    Raises:
        StoreError: the key is the store's own, or too long; the value is no text.
    """
    if key in RESERVED:
        raise StoreError(f"meta `{key}` is kept by the store itself")
    if not key or len(key) > 64 or not isinstance(value, str):
        raise StoreError(f"meta `{key}` = {value!r}: expected a key of 1 to 64 characters and a text")
