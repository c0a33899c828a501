"""An EPCIS event -> what it reports, in our words; or why it is none of our events.

Our own documents say it themselves (`brt:event`).  Of others, type, action, step and disposition tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from traceability.errors import ExchangeError
from traceability.exchange.days import day_of_date, day_of_time
from traceability.exchange.epcis.words import DETAIL_OF, READINGS, named
from traceability.exchange.identifiers import kind_of
from traceability.vocabulary import VEHICLE_EVENTS, Detail, LinkKind
from traceability.vocabulary import EventType as E

Event = dict[str, Any]

_STEPS: dict[tuple[str, str], E] = {
    ("ADD", "commissioning"): E.CODE,
    ("OBSERVE", "shipping"): E.SHIP,
    ("DELETE", "shipping"): E.EXPORT,
    ("OBSERVE", "receiving"): E.RECEIVE,
    ("OBSERVE", "collecting"): E.COLLECT,
    ("OBSERVE", "inspecting"): E.TEST,
    ("OBSERVE", "installing"): E.INSTALL,
    ("OBSERVE", "removing"): E.REMOVE,
    ("OBSERVE", "storing"): E.KEEP,
    ("OBSERVE", "packing"): E.PACK_UP,
    ("OBSERVE", "arriving"): E.IMPORT,
    ("OBSERVE", "encoding"): E.LABEL,
}
"""Action and step of somebody else's ObjectEvent -> our event."""

_HEALTH = ("StateOfHealth", "hasStateOfHealth")
_INT64 = 1 << 62


class NotOurs(ExchangeError):
    """An event that the log has no word for, or that says too little: it is set aside."""


@dataclass(slots=True)
class Report:
    """One event of one subject, by the addresses that the document names.

    Attributes:
        unit, vehicle: None where none took part.
        told_day: None where the platform was never told.
        details: (what, value) each.
        sources: addresses of what the unit was made from, and on which day that was told.
        balances: as the document has them.
        loose: which of our events it is was read from words that are wider than ours.
    """

    event: E
    unit: str | None
    vehicle: str | None
    actor: str
    receiver: str | None
    carrier: str | None
    event_day: int
    told_day: int | None
    details: list[tuple[Detail, int]] = field(default_factory=list)
    sources: list[tuple[str, int | None]] = field(default_factory=list)
    balances: list[Any] = field(default_factory=list)
    ilmd: dict[str, Any] = field(default_factory=dict)
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Tie:
    """Units that belong together, by their addresses."""

    kind: LinkKind
    parent: str
    children: Sequence[str]
    from_day: int
    to_day: int | None
    told_day: int | None


def understand(event: Event, *, ours: bool, received: int, dropped: list[str]) -> list[Report | Tie]:
    """Return what *event* reports.

    Args:
        event: one that the schema accepts.
        ours: the document declares our prefix, so that `brt:` means what we mean.
        received: day of the document, on which somebody else's event without a recordTime was told.
        dropped: takes the types of readings that the log has no place for.

    Raises:
        NotOurs: the log has no such event, or the event says too little.
        ExchangeError: a time in no year.
    """
    day = day_of_time(event["eventTime"], event["eventTimeZoneOffset"])
    told = day_of_time(event["recordTime"], "+08:00") if "recordTime" in event else None
    if ours and "brt:link" in event:
        return _own_tie(event, day, told)
    if ours and "brt:event" in event:
        return [_own(event, day, told, dropped)]
    return _foreign(event, day, max(day, received) if told is None else told, dropped)


def _own_tie(event: Event, day: int, told: int | None) -> list[Report | Tie]:
    kind, until = named(LinkKind, event["brt:link"]), event.get("brt:until")
    if kind is None or (until is not None and day_of_date(until) is None):
        raise NotOurs("brt:link is no kind of link, or brt:until no day")
    if event.get("action") == "DELETE":
        return []  # the event that put them together says until when
    if event["type"] == "AssociationEvent":
        parent, children = event["parentID"], event.get("childEPCs", [])
    elif event["type"] == "TransformationEvent" and len(event.get("outputEPCList", ())) == 1:
        parent, children = event["outputEPCList"][0], event.get("inputEPCList", [])
    else:
        raise NotOurs("brt:link on an event that ties nothing")
    return [Tie(kind, parent, children, day, day_of_date(until), told)]


def _own(event: Event, day: int, told: int | None, dropped: list[str]) -> Report:
    kind = named(E, event["brt:event"])
    if kind is None:
        raise NotOurs(f"brt:event {str(event['brt:event'])[:40]!r} is no event of this log")
    details = _details(event, dropped)
    unit, vehicle = _text(event, "brt:unit"), _text(event, "brt:vehicle")
    report = Report(
        kind, unit, vehicle, _text(event, "brt:actor") or "", _text(event, "brt:receiver"), _text(event, "brt:carrier"),
        day, told, details, ilmd=event.get("ilmd", {}),
    )  # fmt: skip
    if not report.actor:
        raise NotOurs("brt:actor is missing")
    if event["type"] == "AssociationEvent":
        report.vehicle, report.unit = event["parentID"], _one(event, "childEPCs")
    elif event["type"] == "TransformationEvent":
        if "outputEPCList" in event:
            report.unit, report.sources = _one(event, "outputEPCList"), _sources(event, told)
        else:
            report.unit = _one(event, "inputEPCList")
        report.balances = event.get("brt:balances", [])
    elif event.get("epcList"):
        address = _one(event, "epcList")
        is_vehicle = kind in VEHICLE_EVENTS or (kind_of(address) or ("",))[0] == "vehicle"
        report.unit, report.vehicle = (unit, address) if is_vehicle else (address, vehicle)
    return report


def _sources(event: Event, told: int | None) -> list[tuple[str, int | None]]:
    inputs, days = event.get("inputEPCList", []), event.get("brt:inputsTold")
    if days is None:
        return [(address, told) for address in inputs]
    if not isinstance(days, list) or len(days) != len(inputs):
        raise NotOurs("brt:inputsTold is not as long as inputEPCList")
    return [(address, day_of_date(day)) for address, day in zip(inputs, days, strict=True)]


def _foreign(event: Event, day: int, told: int, dropped: list[str]) -> list[Report | Tie]:
    step, action = event.get("bizStep"), event.get("action", "")
    actor, receiver, owned = _hands(event)
    details = _details(event, dropped)

    def report(kind: E, unit: str | None, vehicle: str | None = None) -> Report:
        if actor is None:
            raise NotOurs("says neither who did it nor where it was")
        return Report(
            kind,
            unit,
            vehicle,
            actor,
            receiver,
            None,
            day,
            told,
            details,
            ilmd=event.get("ilmd", {}),
            loose=True,
        )

    if event["type"] == "ObjectEvent":
        kind = _STEPS.get((action, str(step)))
        if kind is E.SHIP and owned:
            kind = E.DELIVER
        if step == "accepting" and event.get("disposition") == "non_conformant":
            kind = E.REFUSE
        if kind is not None and event.get("epcList"):
            return [report(kind, unit) for unit in event["epcList"]]
    elif event["type"] == "AssociationEvent" and event.get("childEPCs"):
        if (action, step) == ("ADD", "installing"):
            return [report(E.INSTALL, child, event["parentID"]) for child in event["childEPCs"]]
        if (action, step) == ("DELETE", "removing"):
            return [report(E.REMOVE, child, event["parentID"]) for child in event["childEPCs"]]
        if (action, step) == ("ADD", "assembling"):
            return [Tie(LinkKind.CONTAINS, event["parentID"], event["childEPCs"], day, None, told)]
    elif (
        event["type"] == "AggregationEvent"
        and (action, step) == ("ADD", "packing")
        and event.get("childEPCs")
    ):
        return [report(E.PACK_UP, child) for child in event["childEPCs"]]
    elif event["type"] == "TransformationEvent":
        inputs, outputs = event.get("inputEPCList", []), event.get("outputEPCList", [])
        if step == "assembling" and inputs and outputs:
            return [Tie(LinkKind.MADE_FROM, output, inputs, day, None, told) for output in outputs]
        if step == "disassembling" and inputs:
            return [report(E.DISMANTLE, unit) for unit in inputs]
    said = " ".join(str(part)[:60] for part in (event["type"], action, step) if part)
    raise NotOurs(f"{said}: the log has no such event")


def _hands(event: Event) -> tuple[str | None, str | None, bool]:
    """Return who did it, to whom it went, and whether it was owned by the one and then by the other."""
    given = {one["type"]: one["source"] for one in event.get("sourceList", ())}
    taken = {one["type"]: one["destination"] for one in event.get("destinationList", ())}
    owned = "owning_party" in given and "owning_party" in taken
    place = (event.get("readPoint") or event.get("bizLocation") or {}).get("id")
    order = ("owning_party", "possessing_party") if owned else ("possessing_party", "owning_party")
    giver = next((given[kind] for kind in order if kind in given), place)
    taker = next((taken[kind] for kind in order if kind in taken), None)
    return giver, taker, owned


def _details(event: Event, dropped: list[str]) -> list[tuple[Detail, int]]:
    found: list[tuple[Detail, int]] = []
    for element in event.get("sensorElementList", ()):
        for reading in element["sensorReport"]:
            kind, value = reading["type"], reading.get("value")
            what = DETAIL_OF.get((kind, reading.get("uom", "")))
            if kind.rpartition(":")[2].rpartition("/")[2] in _HEALTH and reading.get("uom") == "P1":
                what = Detail.SOH_PPM
            if what is None or value is None or abs(value) * READINGS[what].per > _INT64:
                dropped.append(kind[:80])
            else:
                found.append((what, round(value * READINGS[what].per)))
    others = event.get("brt:details", [])
    if not isinstance(others, list):
        raise NotOurs("brt:details is no list")
    for other in others:
        what, number = (
            (named(Detail, other.get("what")), other.get("value")) if isinstance(other, dict) else (None, 0)
        )
        if what is None or type(number) is not int or abs(number) > _INT64 * 2 - 1:
            raise NotOurs(f"brt:details holds {str(other)[:60]}: expected what and a whole number")
        found.append((what, number))
    return sorted(found)


def _text(event: Event, key: str) -> str | None:
    value = event.get(key)
    if value is not None and not isinstance(value, str):
        raise NotOurs(f"{key} is no address")
    return value


def _one(event: Event, key: str) -> str:
    things = event.get(key, [])
    if len(things) != 1:
        raise NotOurs(f"{key} names {len(things)} things; an event of ours has one")
    return str(things[0])
