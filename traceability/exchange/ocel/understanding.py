"""An event of an object-centric log -> what it reports, in our words; or why it is none of our events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from traceability.events import NULL
from traceability.exchange.days import as_date
from traceability.exchange.epcis.understanding import NotOurs, Report, Tie
from traceability.exchange.ocel.model import INITIAL, Event, Thing, Value
from traceability.exchange.ocel.words import (
    ACTOR,
    AND,
    BALANCE,
    BY,
    CARRIED_BY,
    CODED_BY,
    DETAIL_OF,
    EVENT_OF,
    LEVEL_OF,
    LINK_OF,
    MADE_BY,
    NONE,
    OPEN,
    PERMITS,
    RECORD_ATTRIBUTES,
    REPEATED,
    TIED,
    TO,
    VEHICLE,
)
from traceability.vocabulary import Detail
from traceability.vocabulary import EventType as E

Days = Callable[[object], "int | None"]
"""A time -> its day, None for what is no time."""

_WHOLE = re.compile(r"-?[0-9]{1,19}")
_UNTIL = re.compile(r"until ([0-9]{4}-[0-9]{2}-[0-9]{2})")
_INT64 = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Correction:
    """The event *new* takes the place of *old* in the register."""

    new: str
    old: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What became of one element of a lot; *row* as the store's entry has it."""

    event: E
    lot: str
    actor: str
    day: int
    told_day: int | None
    row: dict[str, Any]


def understand(
    event: Event, addresses: Mapping[str, str], day_of: Days
) -> list[Report | Tie | Balance | Correction]:
    """Return what *event* reports, a correction before what takes the place.

    Args:
        addresses: object -> its address, empty where the log has nothing of its type.

    Raises:
        NotOurs: the log has no such event, or the event says too little.
    """
    day = day_of(event.time)
    if day is None:
        raise NotOurs(f"the time {event.time[:40]!r} is none")
    told = day_of(event.attributes["recorded"]) if "recorded" in event.attributes else None
    if "recorded" in event.attributes and told is None:
        raise NotOurs("`recorded` is no time")
    if event.type in LINK_OF:
        return [_tie(event, addresses, day, told, day_of)]
    if event.type == BALANCE:
        return [_balance(event, addresses, day, told)]
    if event.type not in EVENT_OF:
        raise NotOurs(f"{event.type[:60]}: the log has no such event")
    report = _report(event, addresses, day, told)
    replaced = event.attributes.get("corrects")
    if replaced is None:
        return [report]
    if not isinstance(replaced, str):
        raise NotOurs("`corrects` names no event")
    return [Correction(event.id, replaced), report]


def _report(event: Event, addresses: Mapping[str, str], day: int, told: int | None) -> Report:
    units = _of_kind(event, addresses, "unit", "battery")
    vehicles = _of_kind(event, addresses, "vehicle")
    if len(units) > 1 or len(vehicles) > 1:
        raise NotOurs(
            f"is about {len(units)} units and {len(vehicles)} vehicles; an event of ours has one of each"
        )
    actor = _by(event, addresses, BY)
    if actor is None:
        raise NotOurs("says not who did it: no company stands in the relation `by`")
    return Report(
        EVENT_OF[event.type], next(iter(units), None), next(iter(vehicles), None), actor, _by(event, addresses, TO),
        _by(event, addresses, CARRIED_BY), day, told, _numbers(event),
    )  # fmt: skip


def _numbers(event: Event) -> list[tuple[Detail, int]]:
    found = []
    for name, value in event.attributes.items():
        if name in DETAIL_OF:
            found.append((DETAIL_OF[name], _number(value, name)))
        elif name not in RECORD_ATTRIBUTES:
            raise NotOurs(f"the attribute {name[:60]!r}: the log has no such number")
    for one in str(event.attributes.get(REPEATED, "")).split("; "):
        name, equals, text = one.partition("=")
        if equals and name in DETAIL_OF:
            found.append((DETAIL_OF[name], _number(text, name)))
        elif one:
            raise NotOurs(f"{REPEATED} holds {one[:40]!r}, expected a name and a whole number")
    return sorted(found)


def _tie(
    event: Event, addresses: Mapping[str, str], day: int, told: int | None, day_of: Days
) -> Report | Tie | Balance | Correction:
    kind = LINK_OF[event.type]
    form = TIED[kind]
    until = day_of(event.attributes["until"]) if "until" in event.attributes else None
    if "until" in event.attributes and until is None:
        raise NotOurs("`until` is no time")
    parents = _with(event, addresses, form.parent)
    children = _with(event, addresses, form.child)
    if len(parents) != 1 or not children:
        raise NotOurs(
            f"has {len(parents)} objects in the relation `{form.parent}` and {len(children)} in `{form.child}`, "
            "expected one and some"
        )
    return Tie(kind, parents[0], children, day, until, told)


def _balance(event: Event, addresses: Mapping[str, str], day: int, told: int | None) -> Balance:
    lots, actor = _of_kind(event, addresses, "unit", "battery"), _by(event, addresses, BY)
    if len(lots) != 1 or actor is None:
        raise NotOurs(f"is about {len(lots)} lots, or says not whose balance it is")
    said = event.attributes
    row: dict[str, Any] = {
        key: _number(said.get(name), name)
        for key, name in (("year", "year"), ("inputG", "input_g"), ("recoveredG", "recovered_g"), ("residueG", "residue_g"))
    }  # fmt: skip
    row |= {"element": said.get("element"), "actor": actor, "day": as_date(day)}
    row["told"] = None if told is None else as_date(told)
    return Balance(E.RECOVER, lots[0], actor, day, told, row)


def _of_kind(event: Event, addresses: Mapping[str, str], *kinds: str) -> list[str]:
    found = (addresses[name] for name, _ in event.relations)
    return [address for address in found if address.split("/")[1:2] and address.split("/")[1] in kinds]


def _with(event: Event, addresses: Mapping[str, str], qualifier: str) -> list[str]:
    return [
        address
        for name, how in event.relations
        if qualifier in how.split(AND) and (address := addresses[name])
        and address.split("/")[1] in ("unit", "battery")
    ]  # fmt: skip


def _by(event: Event, addresses: Mapping[str, str], qualifier: str) -> str | None:
    found = [
        addresses[name]
        for name, how in event.relations
        if qualifier in how.split(AND) and addresses[name].startswith("ocel/party/")
    ]
    if len(found) > 1:
        raise NotOurs(f"{len(found)} companies stand in the relation `{qualifier}`")
    return found[0] if found else None


def _number(value: Value | None, name: str) -> int:
    found = _whole(value)
    if found is None:
        raise NotOurs(f"{name} is {str(value)[:40]}, expected a whole number of at most 64 bits")
    return found


def _whole(value: Value | None) -> int | None:
    """Return a whole number that a store can hold, also where it stands as text; None for anything else."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1 << 53:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _INT64 or value == NULL:
        return None
    return value


_WHOLES = {
    "energy_wh": "energyWh", "mass_g": "massG", "kind": "kind", "province": "province", "prefecture": "prefecture",
    "stands_for": "standsFor", "capacity_t_year": "capacityTYear",
}  # fmt: skip
_TEXTS = {
    "code": "code", "chemistry": "chemistry", "purpose": "purpose", "vin": "vin", "name": "name",
    "credit_code": "creditCode", "role": "role", "maker_code": "makerCode",
}  # fmt: skip


def introduced(thing: Thing, address: str, addresses: Mapping[str, str], day_of: Days) -> dict[str, Any]:
    """Return a company, a vehicle or a unit as `Names.introduce` takes it; what is no value of ours is left out."""
    first: dict[str, Value] = {}
    for name, _, value in sorted(thing.attributes, key=lambda told: told[1] != INITIAL):
        first.setdefault(name, value)
    told: dict[str, Any] = {}
    for name, value in first.items():
        if name in _WHOLES and _whole(value) is not None:
            told[_WHOLES[name]] = _whole(value)
        elif name in _TEXTS:
            told[_TEXTS[name]] = value
    if thing.type in LEVEL_OF:
        told["level"] = LEVEL_OF[thing.type].name
        made = day_of(first.get("made"))
        told["made"] = None if made is None else as_date(made)
        told["coder"] = _one_with(thing, addresses, CODED_BY)
    elif thing.type == VEHICLE:
        told["swap"] = "yes" if first.get("swap") in (True, 1, "true", "1") else "no"
        told["maker"] = _one_with(thing, addresses, MADE_BY)
    attributes = [
        {"id": f"brt:{name}", "attribute": value} for name, value in told.items() if value is not None
    ]
    if thing.type == ACTOR:
        attributes += [{"id": "brt:permit", "attribute": permit} for permit in _permits(thing, day_of)]
    return {"id": address, "attributes": attributes}


def _one_with(thing: Thing, addresses: Mapping[str, str], qualifier: str) -> str | None:
    found = [name for name, how in thing.relations if qualifier in how.split(AND)]
    address = addresses.get(found[0]) if len(found) == 1 else None
    return address if address is not None and address.startswith("ocel/party/") else None


def _permits(thing: Thing, day_of: Days) -> list[dict[str, Any]]:
    kinds = {name: permit for permit, name in PERMITS.items()}
    found = []
    for name, time, value in thing.attributes:
        if name not in kinds or value == NONE:
            continue
        first, until = day_of(time), _UNTIL.fullmatch(str(value))
        if first is not None and (until or value == OPEN):
            ends = {"until": until[1]} if until else {}
            found.append({"kind": kinds[name].name, "from": as_date(first), **ends})
    return found
