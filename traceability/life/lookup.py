"""What somebody typed -> the unit or vehicle of a store that it means, or the closest that there are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Table, case, func, literal, or_, select

from traceability import vin
from traceability.errors import UnknownName
from traceability.lettering import tidied
from traceability.store import Store, schema

_NUMBER = re.compile(r"(unit|vehicle):(.*)", re.DOTALL)
_CANDIDATES = 50
_SHORTEST = 6
"""Characters from which on a text can be told from chance."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A unit or a vehicle of a store.

    Attributes:
        is_vehicle: a vehicle; otherwise a unit of any level.
        number: its dense number.
        namesakes: the others that bear the same code or VIN, which should be none.
    """

    is_vehicle: bool
    number: int
    namesakes: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{'vehicle' if self.is_vehicle else 'unit'}:{self.number}"


def find(store: Store, text: str) -> Subject:
    """Return the unit or vehicle that *text* names.

    Args:
        store: to look in; a finished one.
        text: a battery code, a VIN, `unit:123` or `vehicle:123`.  Spaces and small letters are forgiven.
            Where several bear the code, the first is returned and tells of the others.

    Raises:
        UnknownName: nothing bears it; the message has the closest codes or VINs that exist.
    """
    if match := _NUMBER.fullmatch(text.strip().lower()):
        return _numbered(store, match[1] == "vehicle", match[2])
    meant = tidied(text)
    vehicles_first = len(meant) == vin.LENGTH
    for wanted in dict.fromkeys((text, meant)):
        for is_vehicle in (vehicles_first, not vehicles_first):
            table, number, name = _place(is_vehicle)
            rows: list[tuple[Any, ...]] = store.rows(
                select(number).select_from(table).where(name == wanted).order_by(number)
            )
            if rows:
                return Subject(is_vehicle, rows[0][0], tuple(other for (other,) in rows[1:]))
    known = [name for is_vehicle in (False, True) for name in _closest(store, meant, *_place(is_vehicle))]
    raise UnknownName("code or VIN", meant, known, where=f"this log of {_size(store)}")


def _numbered(store: Store, is_vehicle: bool, wanted: str) -> Subject:
    table, number, _ = _place(is_vehicle)
    there = re.fullmatch(r"[0-9]{1,18}", wanted) and store.rows(
        select(number).select_from(table).where(number == int(wanted))
    )
    if not there:
        raise UnknownName(
            f"{table.name} number", wanted, (), where=f"this log of {_size(store)}, each from 0"
        )
    return Subject(is_vehicle, int(wanted))


def _size(store: Store) -> str:
    return f"{store.count(schema.unit)} units and {store.count(schema.vehicle)} vehicles"


def _place(is_vehicle: bool) -> tuple[Table, ColumnElement[int], ColumnElement[str]]:
    if is_vehicle:
        return schema.vehicle, schema.vehicle.c.vehicle, schema.vehicle.c.vin
    return schema.unit, schema.unit.c.unit, schema.unit.c.code


def _closest(
    store: Store, text: str, table: Table, number: ColumnElement[int], name: ColumnElement[str]
) -> list[str]:
    """Return names of *table* that differ from *text* in little, the likeliest first.

    Whoever makes two slips leaves one third of a text as it was: the database looks for names with such a
    third, and counts the characters that stand where they should, from the front and from the back (where
    one was left out or added, either count is right on its side).  Every database can do that.
    """
    letters = "".join(c for c in text if c.isalnum())
    if len(letters) < _SHORTEST:
        return []
    cut = len(letters) // 3
    thirds = (letters[:cut], letters[cut : 2 * cut], letters[2 * cut :])
    in_place = [
        case((func.substr(name, where, 1) == letter, 1), else_=0)
        for n, letter in enumerate(letters)
        for where in (literal(n + 1), func.length(name) - (len(letters) - 1 - n))
    ]
    rows: list[tuple[Any, ...]] = store.rows(
        select(name)
        .select_from(table)
        .where(or_(*(name.like(f"%{third}%") for third in thirds)))
        .order_by(reduce(add, in_place).desc(), number)
        .limit(_CANDIDATES)
    )
    return [found for (found,) in rows]
