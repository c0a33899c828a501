"""What a life consists of: records, holders, stays, ties, and who answers; all of it frozen."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from enum import Enum

from traceability.codes import BatteryCode
from traceability.codes import describe as describe_code
from traceability.events import EPOCH
from traceability.life.lookup import Subject
from traceability.vin import Vin
from traceability.vocabulary import Chemistry, EventType, Level, LinkKind, Role, State, Use


@dataclass(frozen=True, slots=True)
class Party:
    """A company of the log, by number, with the name and role that the log gives it, if any."""

    actor: int
    name: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class LifeEvent:
    """One record of the log.

    Attributes:
        day, record_day: when it happened and when the platform was told (None: never); days since 1970-01-01.
        happened: false for a report of what did not happen.
        corrects, corrected_by: event_id of the record that it replaces, or that replaces it.
    """

    event_id: int
    event: EventType
    day: int
    record_day: int | None
    happened: bool
    actor: Party
    receiver: Party | None
    carrier: Party | None
    unit: int | None
    code: str | None
    vehicle: int | None
    vin: str | None
    corrects: int | None
    corrected_by: int | None

    @property
    def days_until_told(self) -> int | None:
        """Days from what happened to its report; None: never told."""
        return None if self.record_day is None else self.record_day - self.day


@dataclass(frozen=True, slots=True)
class Holding:
    """A time in somebody's hands, begun *by* an event; *holder* None: in nobody's that the log names."""

    holder: Party | None
    by: EventType
    from_day: int
    to_day: int | None


@dataclass(frozen=True, slots=True)
class Stay:
    """A time of a unit in a vehicle, and the events that began and ended it; None: it is there still."""

    unit: int
    code: str | None
    vehicle: int | None
    vin: str | None
    from_day: int
    to_day: int | None
    put_in_by: EventType
    taken_out_by: EventType | None


@dataclass(frozen=True, slots=True)
class Tie:
    """A unit that another one contains or contained, or was made from."""

    kind: LinkKind
    unit: int
    code: str | None
    level: Level
    from_day: int
    to_day: int | None
    record_day: int | None


@dataclass(frozen=True, slots=True)
class Responsible:
    """Who answers for the recovery of a battery, why, under which article, and how well its text is known."""

    party: Party
    reason: str
    article: str
    grade: str


@dataclass(frozen=True, slots=True)
class Breach:
    """A finding of the audit that concerns one unit or vehicle.

    Attributes:
        measured, limit: what was found and what is allowed, in the unit of the limit; None: no number.
        happened, visible: found in the truth, found in the register; None where that was not asked.
    """

    rule: str
    title_en: str
    title_zh: str
    article: str
    grade: str
    event_id: int | None
    actor: int | None
    day: int | None
    measured: int | None
    limit: str | None
    happened: bool | None
    visible: bool | None


@dataclass(frozen=True, slots=True)
class Life:
    """All that a store knows of one unit or vehicle.

    Attributes:
        name: code or VIN as printed; None where it bears none.
        decoded: its parts; None where it is not one of the standard, and *undecoded* says why.
        maker: who coded the unit, or made the vehicle.
        made_day: None for a vehicle.
        energy_wh, mass_g: None for a vehicle.
        state: where it stands now, replayed from what happened; None where that cannot be replayed.
        holders: one after the other; the last is the present one.
        stays: which vehicle it was in, or which units were in it.
        parents: what contains it, or was made from it; children: what it contains, or was made from.
        responsible: None for what is no battery under the Measures' recovery duty (lots, products, vehicles).
        as_of: the day from which one looks back.
    """

    subject: Subject
    name: str | None
    decoded: BatteryCode | Vin | None
    undecoded: str
    level: Level
    chemistry: Chemistry | None
    energy_wh: int | None
    mass_g: int | None
    purpose: Use
    maker: Party
    made_day: int | None
    as_of: int
    events: tuple[LifeEvent, ...]
    state: State | None
    holders: tuple[Holding, ...]
    stays: tuple[Stay, ...]
    parents: tuple[Tie, ...]
    children: tuple[Tie, ...]
    responsible: Responsible | None
    findings: tuple[Breach, ...]


def describe(life: Life) -> dict[str, object]:
    """Return *life* in words that JSON can hold: names for numbers of the vocabulary, days as YYYY-MM-DD."""
    told = _plain("", life)
    assert isinstance(told, dict)
    return told


def iso(day: int) -> str:
    """Return a day of the log as YYYY-MM-DD.

    >>> iso(20544)
    '2026-04-01'
    """
    return (EPOCH + timedelta(days=day)).isoformat()


def _plain(name: str, value: object) -> object:
    if isinstance(value, Subject):
        return str(value)
    if isinstance(value, BatteryCode):
        return describe_code(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [_plain("", item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(field.name, getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, int) and (name == "as_of" or name.split("_")[-1] == "day"):
        return iso(value)
    return value
