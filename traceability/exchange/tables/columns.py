"""What each column of a log says to people: the word for its numbers, its unit, a sentence.

One list, in the order of the tables; the exported files and the dictionary beside them both come from it.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

import numpy as np
from sqlalchemy import Column, Table

from traceability.events import NULL
from traceability.store import schema
from traceability.store.base import AnyArray
from traceability.vocabulary import (
    Chemistry,
    Detail,
    Element,
    EventType,
    Level,
    LinkKind,
    Permit,
    Role,
    Use,
    VehicleKind,
)


class Holds(Enum):
    """What a column holds once it is told in words."""

    NUMBER = "number"
    TEXT = "text"
    FLAG = "true or false"
    DAY = "day"
    WORD = "word"


class Told(NamedTuple):
    """A column as it is exported.

    Attributes:
        table, column: where it stands.
        holds: of what kind its cells are.
        unit: of a number; "" where it counts nothing.
        says: what it says.
        words: what its numbers stand for, where it holds words.
    """

    table: str
    column: str
    holds: Holds
    unit: str
    says: str
    words: type[IntEnum] | None = None

    def decoded(self, values: AnyArray) -> AnyArray:
        """Return the column of a store as its cells are told.

        Words and texts come as str or None, days as datetime64[s] with NaT, numbers as int64 with `events.NULL`.
        """
        if self.words is not None:
            return _named(self.words, values)
        if self.holds is Holds.DAY:
            days = values.astype("datetime64[D]").astype("datetime64[s]")  # DuckDB knows no [D]
            days[values == NULL] = np.datetime64("NaT")
            return days
        return values


def _named(words: type[IntEnum], values: AnyArray) -> AnyArray:
    """Return object[n]: the names of *values*, None for null; a number that has no name stays a number, as text."""
    known, place = np.unique(values, return_inverse=True)
    names = {int(member): member.name for member in words}
    told = [None if n == NULL else names.get(n, str(n)) for n in known.tolist()]
    return np.array(told, dtype=object)[place] if told else np.empty(0, dtype=object)


def _table(
    table: Table, *columns: tuple[Column[int] | Column[str] | Column[bool], object, str]
) -> list[Told]:
    listed = []
    for column, kind, says in columns:
        if isinstance(kind, Holds):
            listed.append(Told(table.name, column.name, kind, "", says))
        elif isinstance(kind, str):
            listed.append(Told(table.name, column.name, Holds.NUMBER, kind, says))
        else:
            assert isinstance(kind, type)
            listed.append(Told(table.name, column.name, Holds.WORD, "", says, kind))
    return listed


_e, _d, _u, _k, _v = (
    schema.event.c,
    schema.detail.c,
    schema.unit.c,
    schema.link.c,
    schema.vehicle.c,
)
_a, _p, _m, _w, _meta = (
    schema.actor.c,
    schema.permit.c,
    schema.material.c,
    schema.workday.c,
    schema.meta.c,
)
_N, _DAY, _TEXT, _FLAG = "", Holds.DAY, Holds.TEXT, Holds.FLAG

DICTIONARY: tuple[Told, ...] = (
    *_table(
        schema.meta,
        (_meta.key, _TEXT, "name of a property of the log"),
        (_meta.value, _TEXT, "its value"),
    ),
    *_table(
        schema.event,
        (_e.event_id, _N, "number of the record, in the order in which records came"),
        (_e.event, EventType, "what happened"),
        (_e.unit, _N, "unit that it happened to; unit.unit"),
        (_e.vehicle, _N, "vehicle; vehicle.vehicle"),
        (_e.actor, _N, "who did it; actor.actor"),
        (_e.receiver, _N, "who took it, or whom it was done to; actor.actor"),
        (_e.carrier, _N, "who carried it; actor.actor"),
        (_e.event_day, _DAY, "when it happened"),
        (_e.record_day, _DAY, "when the platform was told; empty: never"),
        (_e.happened, _FLAG, "whether it is true; only in the view `both`"),
        (_e.corrects, _N, "record that this one replaces; event.event_id"),
    ),
    *_table(
        schema.detail,
        (_d.event_id, _N, "record to which the number is attached; event.event_id"),
        (_d.what, Detail, "what the number says, its unit in its name"),
        (_d.value, _N, "the number; 1 or 0 for yes or no"),
    ),
    *_table(
        schema.unit,
        (_u.unit, _N, "number of the unit"),
        (_u.code, _TEXT, "code printed on it; empty: none"),
        (_u.code_fault, _N, "what is wrong with the code, added up: 1 syntax, 2 sense, 4 form; 0: nothing"),
        (_u.level, Level, "what kind of thing it is"),
        (_u.chemistry, Chemistry, "chemistry of its cells"),
        (_u.coder, _N, "who gave it its code; actor.actor"),
        (_u.made_day, _DAY, "when it was made"),
        (_u.energy_wh, "Wh", "rated energy"),
        (_u.mass_g, "g", "mass"),
        (_u.purpose, Use, "what a remade product is for"),
    ),
    *_table(
        schema.link,
        (_k.kind, LinkKind, "how the two belong together"),
        (_k.parent, _N, "the whole, or what was made; unit.unit"),
        (_k.child, _N, "the part, or what it was made from; unit.unit"),
        (_k.from_day, _DAY, "since when"),
        (_k.to_day, _DAY, "until when; empty: still"),
        (_k.record_day, _DAY, "when the platform was told; empty: never"),
    ),
    *_table(
        schema.vehicle,
        (_v.vehicle, _N, "number of the vehicle"),
        (_v.vin, _TEXT, "vehicle identification number; close to personal data, told only where asked for"),
        (_v.kind, VehicleKind, "kind of vehicle"),
        (_v.maker, _N, "vehicle maker; actor.actor"),
        (_v.province, _N, "province, 1 to 31 in the order of GB/T 2260; 0: not said"),
        (_v.prefecture, _N, "first four digits of GB/T 2260; empty: not said"),
        (_v.swap, _FLAG, "whether its battery can be swapped"),
    ),
    *_table(
        schema.actor,
        (_a.actor, _N, "number of the company"),
        (_a.name, _TEXT, "its name"),
        (_a.credit_code, _TEXT, "unified social credit code"),
        (_a.role, Role, "what kind of company it is"),
        (_a.province, _N, "province, 1 to 31 in the order of GB/T 2260; 0: not said"),
        (_a.prefecture, _N, "first four digits of GB/T 2260; empty: not said"),
        (_a.maker_code, _TEXT, "maker's part of the codes it gives"),
        (_a.stands_for, _N, "real companies that a simulated one stands for"),
        (_a.capacity_t_year, "t/year", "capacity; empty: none of its own"),
    ),
    *_table(
        schema.permit,
        (_p.actor, _N, "who may; actor.actor"),
        (_p.kind, Permit, "what it may"),
        (_p.valid_from, _DAY, "since when"),
        (_p.valid_to, _DAY, "until when; empty: open"),
    ),
    *_table(
        schema.material,
        (_m.lot, _N, "lot of material; unit.unit"),
        (_m.element, Element, "what is weighed; MASS is the whole of it"),
        (_m.actor, _N, "who weighed; actor.actor"),
        (_m.day, _DAY, "when"),
        (_m.year, _N, "year of the balance"),
        (_m.input_g, "g", "what went in"),
        (_m.recovered_g, "g", "what was recovered"),
        (_m.residue_g, "g", "what was left"),
        (_m.record_day, _DAY, "when the platform was told; empty: never"),
        (_m.happened, _FLAG, "whether it is true; only in the view `both`"),
    ),
    *_table(
        schema.workday,
        (_w.day, _DAY, "day"),
        (_w.ordinal, _N, "working days up to and with it, since the first of the table"),
        (_w.month, _N, "12 times the year, plus the month, minus 1"),
        (_w.day_of_month, _N, "day of the month"),
        (_w.published, _FLAG, "whether the calendar of its year is published"),
    ),
)
"""Every column of every table, in their order."""
