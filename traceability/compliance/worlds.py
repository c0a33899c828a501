"""The world of one case: named things, and the rows that they come to in the tables of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import Table

from traceability.compliance.rule import Rule
from traceability.errors import TraceabilityError, UnknownName
from traceability.events import EPOCH, NULL, day_number
from traceability.store import schema
from traceability.vocabulary import (
    REMARKS,
    VEHICLE_EVENTS,
    Chemistry,
    Detail,
    Element,
    EventType,
    Level,
    LinkKind,
    Permit,
    Role,
    Use,
)

Member = TypeVar("Member", bound=IntEnum)

_LEVELS = {"P": Level.PACK, "M": Level.MODULE, "C": Level.CELL, "R": Level.PRODUCT, "L": Level.LOT}
_USUAL_UNIT = {
    **dict.fromkeys((EventType.RECOVER, EventType.DISPATCH, EventType.CONSUME), "L1"),
    **dict.fromkeys((EventType.REMAKE, EventType.PLACE, EventType.RETURN), "R1"),
}
_IN_A_VEHICLE = VEHICLE_EVENTS | {
    EventType.INSTALL,
    EventType.SWAP_IN,
    EventType.SWAP_OUT,
    EventType.REMOVE,
    EventType.DISMOUNT,
}


class CaseError(TraceabilityError):
    """A case file that cannot be used."""


class Row:
    """One table of a case file: it knows where it stands and which keys it may have."""

    def __init__(self, values: object, where: str, keys: Iterable[str]) -> None:
        self.where = where
        if not isinstance(values, dict):
            raise CaseError(f"{where}: {values!r}, expected a table")
        self._values: dict[str, object] = values
        for key in values:
            if key not in keys:
                raise UnknownName("key", key, keys, where=where)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def error(self, key: str, expected: str) -> CaseError:
        """Return the error that *key* is not what was *expected*."""
        found = f"is {self._values[key]!r}" if key in self else "is missing"
        return CaseError(f"{self.where}: `{key}` {found}, expected {expected}")

    def rows(self, key: str, keys: Iterable[str]) -> list[Row]:
        """Return the tables listed under *key*, none where it is absent."""
        values = self._values.get(key, [])
        if not isinstance(values, list):
            raise self.error(key, "a list of tables")
        return [Row(value, f"{self.where}, {key} {n}", keys) for n, value in enumerate(values, 1)]

    def text(self, key: str, usual: str | None = None) -> str:
        """Return a text."""
        value = self._values.get(key, usual)
        if not isinstance(value, str):
            raise self.error(key, "a text")
        return value

    def number(self, key: str, usual: int | None = None) -> int:
        """Return a whole number."""
        value = self._values.get(key, usual)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error(key, "a whole number")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false, false where it is absent."""
        value = self._values.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "true or false")
        return value

    def day(self, key: str, usual: int | None = None) -> int:
        """Return the number of a day; NULL for "never"."""
        value = self._values.get(key, usual)
        if value == "never":
            return NULL
        if isinstance(value, date):
            return day_number(value)
        if not isinstance(value, int) or key in self._values:
            raise self.error(key, "a day, like 2026-05-06")
        return value

    def member(self, key: str, kind: type[Member], usual: Member | None = None) -> Member:
        """Return the member of *kind* that is named."""
        return self._named(self.text(key, None if usual is None else usual.name), kind)

    def members(self, key: str, kind: type[Member]) -> list[Member]:
        """Return the members of *kind* that a list names."""
        values = self._values.get(key)
        if not isinstance(values, list):
            raise self.error(key, "a list of texts")
        return [self._named(value, kind) for value in values]

    def numbers(self, key: str, kind: type[Member]) -> list[tuple[Member, int]]:
        """Return the members of *kind* that a table names, each with its whole number; none where it is absent."""
        values = self._values.get(key, {})
        if not isinstance(values, dict) or not all(type(value) is int for value in values.values()):
            raise self.error(key, "a table of whole numbers")
        return [(self._named(name, kind), value) for name, value in values.items()]

    def _named(self, name: object, kind: type[Member]) -> Member:
        if name not in kind.__members__:
            raise UnknownName(kind.__name__.lower(), str(name), kind.__members__, where=self.where)
        return kind[str(name)]


class World:
    """The rows of one case; what an event mentions comes into being with usual properties."""

    def __init__(self, rule: Rule, first: int) -> None:
        self.rule, self.first = rule, first
        self.days: list[int] = []
        self._actors: dict[str, dict[str, Any]] = {}
        self._units: dict[str, dict[str, Any]] = {}
        self._vehicles: dict[str, dict[str, Any]] = {}
        self._permits: list[dict[str, Any]] = []
        self._rows: dict[Table, list[dict[str, Any]]] = {
            t: [] for t in (schema.event, schema.detail, schema.link, schema.material)
        }

    def tables(self) -> dict[Table, list[dict[str, Any]]]:
        """Return the rows of each table."""
        limited = {row["actor"] for row in self._permits}
        free = [row["actor"] for row in self._actors.values() if row["actor"] not in limited]
        everything = [
            {"actor": actor, "kind": kind, "valid_from": 0, "valid_to": NULL}
            for actor in free
            for kind in Permit
        ]
        return {
            schema.actor: list(self._actors.values()),
            schema.unit: list(self._units.values()),
            schema.vehicle: list(self._vehicles.values()),
            schema.permit: everything + self._permits,
            **self._rows,
        }

    def actor(self, name: str, where: str, role: Role | None = None) -> int:
        """Return the number of the actor called *name*."""
        if name not in self._actors:
            kind = name.rstrip("0123456789").upper()
            if role is None and kind not in Role.__members__:
                raise UnknownName("actor", name, [known.name.lower() for known in Role], where=where)
            self._actors[name] = {
                "actor": self.first + len(self._actors),
                "name": name,
                "credit_code": None,
                "role": Role[kind] if role is None else role,
                "province": 0,
                "prefecture": NULL,
                "maker_code": None,
                "stands_for": 1,
                "capacity_t_year": NULL,
            }
        return int(self._actors[name]["actor"])

    def unit(self, name: str, where: str, **known: object) -> int:
        """Return the number of the unit called *name*, of which *known* is known."""
        if name not in self._units:
            if name[:1] not in _LEVELS:
                raise UnknownName("level of a unit", name[:1], _LEVELS, where=where)
            self._units[name] = {
                "unit": self.first + len(self._units),
                "code": f"{name}/{self.first}",
                "code_fault": 0,
                "level": _LEVELS[name[0]],
                "chemistry": Chemistry.LFP,
                "coder": self.actor("battery_ent", where),
                "made_day": 0,
                "energy_wh": 50_000,
                "mass_g": 400_000,
                "purpose": Use.NONE,
            }
        self._units[name] |= known
        return int(self._units[name]["unit"])

    def vehicle(self, name: str, *, swap: bool | None = None) -> int:
        """Return the number of the vehicle called *name*."""
        row = self._vehicles.setdefault(
            name,
            {
                "vehicle": self.first + len(self._vehicles),
                "vin": None,
                "kind": 0,
                "maker": 0,
                "province": 0,
                "prefecture": NULL,
                "swap": False,
            },
        )
        if swap is not None:
            row["swap"] = swap
        return int(row["vehicle"])

    def declare_actor(self, row: Row) -> None:
        """Take in a row of `actor`."""
        name = row.text("actor")
        self.actor(name, row.where, row.member("role", Role) if "role" in row else None)
        for key in ("province", "prefecture", "capacity_t_year", "stands_for"):
            if key in row:
                self._actors[name][key] = row.number(key)
        for key in ("maker_code", "credit_code"):
            if key in row:
                self._actors[name][key] = row.text(key) or None

    def declare_vehicle(self, row: Row) -> None:
        """Take in a row of `vehicle`."""
        name = row.text("vehicle")
        self.vehicle(name, swap=row.flag("swap"))
        for key in ("province", "prefecture"):
            if key in row:
                self._vehicles[name][key] = row.number(key)
        if "vin" in row:
            self._vehicles[name]["vin"] = row.text("vin") or None
        if "maker" in row:
            self._vehicles[name]["maker"] = self.actor(row.text("maker"), row.where)

    def declare_unit(self, row: Row) -> None:
        """Take in a row of `unit`."""
        known: dict[str, object] = {}
        if "code" in row:
            # A code may be the same within a case; between cases it is another.
            known["code"] = f"{row.text('code')}/{self.first}" if row.text("code") else None
        if "code_fault" in row:
            known["code_fault"] = row.number("code_fault")
        if "purpose" in row:
            known["purpose"] = row.member("purpose", Use)
        if "coder" in row:
            known["coder"] = self.actor(row.text("coder"), row.where)
        if "mass_g" in row:
            known["mass_g"] = row.number("mass_g")
        if "chemistry" in row:
            known["chemistry"] = row.member("chemistry", Chemistry) if row.text("chemistry") else 0
        if "made" in row:
            known["made_day"] = row.day("made")
        self.unit(row.text("unit"), row.where, **known)

    def grant(self, row: Row) -> None:
        """Take in a row of `permit`."""
        kinds = row.members("kinds", Permit)
        span = {"valid_from": row.day("from", 0), "valid_to": row.day("to", NULL)}
        actor = self.actor(row.text("actor"), row.where)
        self._permits += [{"actor": actor, "kind": kind, **span} for kind in kinds]

    def happen(self, row: Row) -> None:
        """Take in a row of `event`."""
        event = row.member("event", EventType)
        happened = row.day("happened")
        usual_unit = None if event in VEHICLE_EVENTS | REMARKS else _USUAL_UNIT.get(event, "P1")
        unit = row.text("unit") if "unit" in row else usual_unit
        vehicle = row.text("vehicle") if "vehicle" in row else "V1" if event in _IN_A_VEHICLE else None
        actor = row.text("actor", self.rule.binds[0].name.lower())
        rows = self._rows[schema.event]
        rows.append(
            {
                "event_id": self.first + len(rows),
                "event": event,
                "unit": NULL if unit is None else self.unit(unit, row.where),
                "vehicle": NULL if vehicle is None else self.vehicle(vehicle),
                "actor": self.actor(actor, row.where),
                "receiver": self.actor(row.text("receiver"), row.where) if "receiver" in row else NULL,
                "carrier": self.actor(row.text("carrier"), row.where) if "carrier" in row else NULL,
                "event_day": happened,
                "record_day": self._told(row, happened),
                "happened": not row.flag("invented"),
                "corrects": self.first + row.number("corrects") - 1 if "corrects" in row else NULL,
            }
        )
        for what, value in row.numbers("details", Detail):
            self._rows[schema.detail].append({"event_id": rows[-1]["event_id"], "what": what, "value": value})

    def belong(self, row: Row) -> None:
        """Take in a row of `link`."""
        begun = row.day("from")
        self._rows[schema.link].append(
            {
                "kind": row.member("kind", LinkKind),
                "parent": self.unit(row.text("parent"), row.where),
                "child": self.unit(row.text("child"), row.where),
                "from_day": begun,
                "to_day": row.day("to", NULL),
                "record_day": self._told(row, begun),
            }
        )

    def weigh(self, row: Row) -> None:
        """Take in a row of `material`."""
        day = row.day("day")
        self._rows[schema.material].append(
            {
                "lot": self.unit(row.text("lot", "L1"), row.where),
                "element": row.member("element", Element, Element.MASS),
                "actor": self.actor(row.text("actor", "cu"), row.where),
                "day": day,
                "year": (EPOCH + timedelta(days=day)).year,
                "input_g": row.number("input_g"),
                "recovered_g": row.number("recovered_g"),
                "residue_g": row.number("residue_g", 0),
                "record_day": self._told(row, day),
                "happened": not row.flag("invented"),
            }
        )

    def _told(self, row: Row, happened: int) -> int:
        told = row.day("reported", happened)
        self.days += [happened] if told == NULL else [happened, told]
        return told


TABLES: dict[str, tuple[tuple[str, ...], Callable[[World, Row], None]]] = {
    "actor": (
        (
            "actor",
            "role",
            "province",
            "prefecture",
            "maker_code",
            "credit_code",
            "capacity_t_year",
            "stands_for",
        ),
        World.declare_actor,
    ),
    "unit": (
        ("unit", "code", "code_fault", "purpose", "coder", "mass_g", "chemistry", "made"),
        World.declare_unit,
    ),
    "vehicle": (("vehicle", "swap", "vin", "maker", "province", "prefecture"), World.declare_vehicle),
    "permit": (("actor", "kinds", "from", "to"), World.grant),
    "event": (
        (
            "event",
            "unit",
            "vehicle",
            "actor",
            "receiver",
            "carrier",
            "happened",
            "reported",
            "invented",
            "corrects",
            "details",
        ),
        World.happen,
    ),
    "link": (("kind", "parent", "child", "from", "to", "reported"), World.belong),
    "material": (
        ("lot", "element", "actor", "day", "input_g", "recovered_g", "residue_g", "reported", "invented"),
        World.weigh,
    ),
}
"""Table of a case -> its keys, and what takes a row of it in; in this order."""
