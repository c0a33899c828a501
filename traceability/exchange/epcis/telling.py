"""Records of a log -> EPCIS events, as dicts that JSON can hold; one chunk of a log at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from traceability.errors import ExchangeError
from traceability.events import NULL
from traceability.exchange.days import OFFSET, as_date, at_noon
from traceability.exchange.epcis.words import FORMS, JUDGED, READINGS, SIMULATED, Form, Shape
from traceability.exchange.identifiers import Addresses, steady_uuid
from traceability.exchange.reading import CREATING, Link, LogReader, Record, Unit
from traceability.vocabulary import VEHICLE_EVENTS, Chemistry, Detail, Element, Level, LinkKind
from traceability.vocabulary import EventType as E

Event = dict[str, Any]

MOST_INPUTS = 10_000
"""Of one event; what was made from more goes out in several."""

_EXACT = 1 << 50
"""Numbers from here on do not survive a division in floating point, and go out as they are."""

_USED_UP = frozenset({E.PROCESS, E.USE_IN_PRODUCT, E.CONSUME})


class Chunk:
    """Some records of a log and all that is needed to tell them.

    Args:
        reader: of the log.
        records: in the order of the log.
        addresses: of the log.
        simulated: say at every reading that it is one of a simulation.
    """

    def __init__(
        self, reader: LogReader, records: Sequence[Record], addresses: Addresses, *, simulated: bool
    ) -> None:
        self._addresses, self._simulated = addresses, simulated
        self.records = records
        self.corrected = reader.records_by_id(r.corrects for r in records if r.corrects is not None)
        everything = [*records, *self.corrected.values()]
        self._details = reader.details(r.event_id for r in everything)
        told = {r.unit for r in everything if r.event in CREATING and r.unit is not None}
        self._tellings = reader.first_tellings(told)
        lots = {unit for unit, r in self._tellings.items() if FORMS[r.event].shape is Shape.OUTPUT}
        links = reader.links_to(lots, LinkKind.MADE_FROM)
        self._sources = {parent: merged for parent, merged, _ in by_parent(links, self._tellings) if merged}
        self._balances = reader.balances(lots)
        self._opened = _first_parents(
            reader.links_from(
                {r.unit for r in everything if r.event is E.FREE and r.unit is not None}, LinkKind.CONTAINS
            )
        )
        self._made = _first_parents(
            reader.links_from(
                {r.unit for r in everything if r.event in _USED_UP and r.unit is not None}, LinkKind.MADE_FROM
            )
        )
        sources = {link.child for merged in self._sources.values() for link in merged}
        self._units = reader.units({r.unit for r in everything if r.unit is not None} | sources)

    def tell(self, record: Record) -> Event:
        """Return *record* as an EPCIS event."""
        form = FORMS[record.event]
        event: Event = {
            "type": form.shape.value.partition(",")[0],
            "eventID": event_id(self._addresses.log, record, self._code(record.unit)),
            "eventTime": at_noon(record.event_day),
            "eventTimeZoneOffset": OFFSET,
        }
        if record.record_day is not None:
            event["recordTime"] = at_noon(record.record_day)
        numbers = self._details.get(record.event_id, [])
        self._subject(event, record, form)
        event["bizStep"] = form.step
        disposition = form.disposition
        if record.event in JUDGED and (passed := dict(numbers).get(Detail.PASSED)) is not None:
            disposition = "conformant" if passed else "non_conformant"
        if disposition is not None:
            event["disposition"] = disposition
        event["readPoint"] = {"id": self._addresses.site(record.actor)}
        self._parties(event, record, form)
        if readings := self._readings(event, numbers):
            event["sensorElementList"] = readings
        if record.unit is not None and self._tells_first(record):
            self._born(event, record, self._units[record.unit])
        return event

    def tell_replaced(self, correction: Record) -> Event | None:
        """Return once more the event that *correction* replaces, declared to be in error; None if it is not wanted."""
        first = self.corrected.get(correction.corrects or 0) if correction.corrects is not None else None
        if first is None or first.event not in FORMS:
            return None
        event = self.tell(first)
        when = first.record_day if correction.record_day is None else correction.record_day
        event["errorDeclaration"] = {
            "declarationTime": at_noon(first.event_day if when is None else when),
            "reason": "incorrect_data",
            "correctiveEventIDs": [event_id(self._addresses.log, correction, self._code(correction.unit))],
        }
        return event

    def carried_balances(self) -> int:
        """Return how many rows of material balances the events of this chunk carry."""
        return sum(
            len(self._balances.get(r.unit, ()))
            for r in self.records
            if r.unit is not None and self._tells_first(r)
        )

    def carried_links(self) -> int:
        """Return how many links the events of this chunk carry as their inputs."""
        return sum(
            len(self._sources.get(r.unit, ()))
            for r in self.records
            if r.unit is not None and self._tells_first(r)
        )

    def _code(self, unit: int | None) -> str | None:
        return None if unit is None else self._units[unit].code

    def _tells_first(self, record: Record) -> bool:
        telling = None if record.unit is None else self._tellings.get(record.unit)
        return telling is not None and telling.event_id == record.event_id

    def _unit(self, number: int) -> str:
        if number not in self._units:
            raise ExchangeError(f"the log names unit {number}, which is not in its table of units")
        unit = self._units[number]
        return self._addresses.unit(number, unit.level, unit.code)

    def _subject(self, event: Event, record: Record, form: Form) -> None:
        unit = None if record.unit is None else self._unit(record.unit)
        vehicle = None if record.vehicle is None else self._addresses.vehicle(record.vehicle)
        event["brt:event"] = record.event.name
        if form.shape is Shape.INPUT:
            event |= {"inputEPCList": [unit], "transformationID": self._process(record)}
        elif form.shape is Shape.OUTPUT:
            event |= {"outputEPCList": [unit], "transformationID": self._process(record)}
        elif form.shape is Shape.ASSOCIATION and vehicle is not None:
            event |= {"action": form.action, "parentID": vehicle, "childEPCs": [unit]}
            return
        elif record.event in VEHICLE_EVENTS or unit is None:
            event |= {"action": form.action, "epcList": [] if vehicle is None else [vehicle]}
            if unit is not None:
                event["brt:unit"] = unit
            if record.event is E.RECEIVE_VEHICLE:
                event["brt:batteryPresent"] = unit is not None
        else:
            event |= {
                "action": "OBSERVE" if form.shape is Shape.ASSOCIATION else form.action,
                "epcList": [unit],
            }
        if form.shape is Shape.ASSOCIATION:
            event["type"] = "ObjectEvent"  # nobody says from or into which vehicle
        if vehicle is not None and vehicle not in event.get("epcList", ()):
            event["brt:vehicle"] = vehicle
        if form.paper is not None:
            paper = steady_uuid(self._addresses.log, form.paper, record.event_id)
            event["bizTransactionList"] = [{"type": form.paper, "bizTransaction": paper}]

    def _process(self, record: Record) -> str:
        """Return what ties the events of one opening of a pack, or of one making of a lot or product, together."""
        unit = record.unit if record.unit is not None else NULL
        if record.event is E.DISMANTLE:
            return steady_uuid(self._addresses.log, "opening", unit)
        if record.event is E.FREE and unit in self._opened:
            return steady_uuid(self._addresses.log, "opening", self._opened[unit])
        if record.event in _USED_UP:
            whole = self._made.get(unit)
            return steady_uuid(self._addresses.log, *(("use", unit) if whole is None else ("making", whole)))
        return steady_uuid(self._addresses.log, "making", unit)

    def _parties(self, event: Event, record: Record, form: Form) -> None:
        actor = event["brt:actor"] = self._addresses.party(record.actor)
        if record.receiver is not None:
            receiver = event["brt:receiver"] = self._addresses.party(record.receiver)
            if form.hands is not None and record.receiver != record.actor:
                event["sourceList"] = [{"type": form.hands.value, "source": actor}]
                event["destinationList"] = [{"type": form.hands.value, "destination": receiver}]
        if record.carrier is not None:
            event["brt:carrier"] = self._addresses.party(record.carrier)

    def _readings(self, event: Event, numbers: Iterable[tuple[int, int]]) -> list[Event]:
        reports, others = [], []
        for what, value in numbers:
            reading = READINGS.get(Detail(what))
            if reading is None or abs(value) >= _EXACT:
                others.append({"what": Detail(what).name, "value": value})
            else:
                number = value if reading.per == 1 else value / reading.per
                reports.append({"type": reading.type, "value": number, "uom": reading.uom})
        if others:
            event["brt:details"] = others
        if not reports:
            return []
        told: Event = {"sensorMetadata": {"time": event["eventTime"]}, "sensorReport": reports}
        if self._simulated:
            told["sensorMetadata"]["dataProcessingMethod"] = SIMULATED
        return [told]

    def _born(self, event: Event, record: Record, unit: Unit) -> None:
        shape = FORMS[record.event].shape
        if unit.level is Level.LOT and shape is Shape.OBJECT:
            event["action"] = "ADD"  # scrap of production: a lot that nothing was coded into
        if shape is Shape.OUTPUT or event.get("action") == "ADD":
            event["ilmd"] = {
                "brt:chemistry": Chemistry(unit.chemistry).name,
                "brt:ratedEnergyWh": unit.energy_wh,
                "brt:massG": unit.mass_g,
            }
        if sources := self._sources.get(unit.unit):
            event["inputEPCList"] = [self._unit(link.child) for link in sources]
            told = [None if link.record_day is None else as_date(link.record_day) for link in sources]
            own = None if record.record_day is None else as_date(record.record_day)
            if any(day != own for day in told):
                event["brt:inputsTold"] = told
        if rows := self._balances.get(unit.unit):
            self._weighed(event, rows)

    def _weighed(self, event: Event, rows: Sequence[tuple[Any, ...]]) -> None:
        event["brt:balances"] = [
            {
                "element": Element(element).name, "actor": self._addresses.party(actor), "day": as_date(day),
                "year": year, "inputG": taken, "recoveredG": recovered, "residueG": residue,
                "told": None if told is None else as_date(told),
            }
            for element, actor, day, year, taken, recovered, residue, told in rows
        ]  # fmt: skip
        if (
            len({row[0] for row in rows}) < len(rows)
            or FORMS[E[event["brt:event"]]].shape is not Shape.OUTPUT
        ):
            return  # several balances of one lot: which is the right one is not for us to say
        quantities = [
            (self._addresses.residue(), row[6]) if row[0] == Element.MASS else
            (self._addresses.material(Element(row[0])), row[5])
            for row in rows
        ]  # fmt: skip
        event["outputQuantityList"] = [
            {"epcClass": address, "quantity": grams / 1000, "uom": "KGM"}
            for address, grams in quantities
            if grams > 0
        ]


def event_id(log: str, record: Record, code: str | None) -> str:
    """Return the name of an event: the same record has the same one in every export of its log."""
    return steady_uuid(log, "event", record.event_id, record.event.name, code, record.actor, record.event_day)


def by_parent(
    links: Iterable[Link], tellings: Mapping[int, Record]
) -> Iterator[tuple[int, list[Link], list[Link]]]:
    """Yield each parent with the links that go out as inputs of its first event, and with those that do not.

    Args:
        links: sorted by parent.
        tellings: parent -> the first event of a kind that makes units.
    """
    for parent, group in groupby(links, key=lambda link: link.parent):
        telling, merged, rest = tellings.get(parent), list[Link](), list[Link]()
        seen: set[int] = set()
        for link in group:
            fits = (
                telling is not None
                and FORMS[telling.event].shape is Shape.OUTPUT
                and link.kind is LinkKind.MADE_FROM
                and link.to_day is None
                and link.from_day == telling.event_day
                and link.child not in seen
                and len(merged) < MOST_INPUTS
            )
            (merged if fits else rest).append(link)
            seen.add(link.child)
        yield parent, merged, rest


def tell_links(
    reader: LogReader, parents: Sequence[int], kind: LinkKind, addresses: Addresses
) -> Iterator[tuple[Event, int]]:
    """Yield the links of *parents* that are no inputs of an event, as events of their own, each with its links."""
    tellings = reader.first_tellings(parents)
    rest = [link for _, _, left in by_parent(reader.links_to(parents, kind), tellings) for link in left]
    names = reader.units({link.parent for link in rest} | {link.child for link in rest})
    freed = reader.first_tellings(link.child for link in rest if link.to_day is not None)

    def address(number: int) -> str:
        if number not in names:
            raise ExchangeError(f"the log links unit {number}, which is not in its table of units")
        return addresses.unit(number, names[number].level, names[number].code)

    for group in _alike(rest):
        one, children = group[0], [address(link.child) for link in group]
        event = _linked(one, address(one.parent), children, addresses.log)
        yield event, len(group)
        # a pack that was opened ends there: EPCIS wants no further event of it
        parted = [
            child
            for link, child in zip(group, children, strict=True)
            if link.child not in freed or freed[link.child].event is not E.FREE
        ]
        if kind is LinkKind.CONTAINS and one.to_day is not None and parted:
            yield _parted(event, one.to_day, parted, addresses.log), 0


def _alike(links: Iterable[Link]) -> Iterator[list[Link]]:
    """Yield the links of one parent and of the same days, each child once in each list."""
    alike: dict[tuple[object, ...], list[Link]] = {}
    times: dict[Link, int] = {}
    for link in links:
        times[link] = times.get(link, 0) + 1
        alike.setdefault((link.parent, *link[3:], times[link]), []).append(link)
    for group in alike.values():
        for start in range(0, len(group), MOST_INPUTS):
            yield group[start : start + MOST_INPUTS]


def _linked(link: Link, parent: str, children: list[str], log: str) -> Event:
    event: Event = {
        "type": "AssociationEvent" if link.kind is LinkKind.CONTAINS else "TransformationEvent",
        "eventID": steady_uuid(log, "link", *link, children[0], len(children)),
        "eventTime": at_noon(link.from_day),
        "eventTimeZoneOffset": OFFSET,
    }
    if link.record_day is not None:
        event["recordTime"] = at_noon(link.record_day)
    event["brt:link"] = link.kind.name
    if link.kind is LinkKind.CONTAINS:
        event |= {"action": "ADD", "parentID": parent, "childEPCs": children}
    else:
        event |= {"inputEPCList": children, "outputEPCList": [parent]}
    if link.to_day is not None:
        event["brt:until"] = as_date(link.to_day)
    return event | {"bizStep": "assembling", "disposition": "in_progress"}


def _parted(event: Event, day: int, children: list[str], log: str) -> Event:
    return {key: value for key, value in event.items() if key != "recordTime"} | {
        "eventID": steady_uuid(log, "parting", event["eventID"]),
        "eventTime": at_noon(day),
        "action": "DELETE",
        "childEPCs": children,
        "bizStep": "disassembling",
    }


def _first_parents(links: Iterable[Link]) -> dict[int, int]:
    found: dict[int, int] = {}
    for link in links:
        found.setdefault(link.child, link.parent)
    return found
