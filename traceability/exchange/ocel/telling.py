"""Records, links and balances of a log -> events; units, vehicles and companies -> objects; a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from traceability.exchange.days import as_date, at_noon
from traceability.exchange.ocel.model import INITIAL, Event, Thing, Value
from traceability.exchange.ocel.words import (
    ACTOR,
    AND,
    BALANCE,
    BY,
    CARRIED_BY,
    CERTIFICATE,
    CERTIFIED_BY,
    CERTIFIES,
    CODED_BY,
    DETAILS,
    INSTALLED_IN,
    MADE_BY,
    NOBODY,
    NONE,
    OPEN,
    PERMITS,
    REPEATED,
    TIED,
    TO,
    UNIT_TYPES,
    VEHICLE,
    form_of,
    is_plain,
)
from traceability.exchange.reading import Link, LogReader, Record, Unit
from traceability.lifecycle import TRANSITIONS, began
from traceability.vocabulary import (
    REMARKS,
    Chemistry,
    Detail,
    Element,
    Level,
    LinkKind,
    Permit,
    Role,
    State,
    Use,
)
from traceability.vocabulary import EventType as E

Changes = list[tuple[int, Value]]

MOST_RELATIONS = 10_000
"""Of one event; what was made from more goes out in several."""

_INTO_VEHICLE = frozenset({E.INSTALL, E.SWAP_IN})
_HANDED_OVER = frozenset({E.DELIVER, E.DISPATCH, E.PLACE, E.EXPORT, E.DIVERT})
"""Events after which whom they name as receiver keeps the unit; after any other that moves it, whoever did it."""


class Teller:
    """Tells the selected part of a log.

    Args:
        reader: of the log.
        with_vin: tell the VINs of vehicles.

    Attributes:
        links, balances: rows told so far.
        hidden: VINs that were not told.
        orphans: records told that replace one that is not wanted.
    """

    def __init__(self, reader: LogReader, *, with_vin: bool) -> None:
        self._reader, self._with_vin = reader, with_vin
        self._shared = reader.shared_codes()
        self._marked = {kind: bytearray() for kind in (ACTOR, VEHICLE, "unit")}
        self._certificates = 0
        self.links = self.balances = self.hidden = self.orphans = 0

    @property
    def named(self) -> int:
        """How many different objects the events told so far name."""
        return sum(sum(marks) for marks in self._marked.values()) + self._certificates

    def _mark(self, kind: str, number: int | None) -> None:
        if number is None:
            return
        marks = self._marked[kind]
        if number >= len(marks):
            marks.extend(bytes(number + 1 + len(marks) // 2 - len(marks)))
        marks[number] = 1

    def events(self, records: Sequence[Record]) -> Iterator[Event]:
        """Yield one event a record."""
        details = self._reader.details(record.event_id for record in records)
        names = self._names({record.unit for record in records if record.unit is not None})
        replaced = self._reader.records_by_id(r.corrects for r in records if r.corrects is not None)
        for record in records:
            self._mark("unit", record.unit)
            self._mark(VEHICLE, record.vehicle)
            for number in (record.actor, record.receiver, record.carrier):
                self._mark(ACTOR, number)
            if record.corrects is not None and record.corrects not in replaced:
                self.orphans += 1
                record = record._replace(corrects=None)
            yield _event(record, details.get(record.event_id, ()), names)

    def ties(self, parents: Iterable[int], kind: LinkKind, first: int) -> Iterator[Event]:
        """Yield an event for all that came to each of *parents* on one day and was told on one; *first* numbers them."""
        links = self._reader.links_to(parents, kind)
        names = self._names({link.parent for link in links} | {link.child for link in links})
        alike = sorted(links, key=_period)
        for (parent, *_), rows in groupby(alike, key=_period):
            ahead = list(rows)
            while ahead:
                ahead, now = _once(ahead)
                tied, link = TIED[kind], now[0]
                attributes: dict[str, Value] = _told(link.record_day)
                if link.to_day is not None:
                    attributes["until"] = at_noon(link.to_day)
                relations = [(names[parent], tied.parent), *((names[row.child], tied.child) for row in now)]
                self.links += len(now)
                for number in (parent, *(row.child for row in now)):
                    self._mark("unit", number)
                yield Event(
                    f"link:{first}", tied.name, at_noon(link.from_day), attributes, _joined(relations)
                )
                first += 1

    def balanced(self, lots: Iterable[int]) -> Iterator[Event]:
        """Yield an event for each balance of *lots*."""
        rows = self._reader.balances(lots)
        names = self._names(rows)
        for lot in sorted(rows):
            for place, (element, actor, day, year, taken, recovered, residue, told) in enumerate(rows[lot]):
                self.balances += 1
                self._mark("unit", lot)
                self._mark(ACTOR, actor)
                attributes = _told(told) | {
                    "element": Element(element).name, "year": year, "input_g": taken, "recovered_g": recovered,
                    "residue_g": residue,
                }  # fmt: skip
                yield Event(
                    f"balance:{lot}-{place}", BALANCE, at_noon(day), attributes,
                    [(names[lot], "balanced"), (actor_id(actor), BY)],
                )  # fmt: skip

    def actors(self) -> Iterator[Thing]:
        """Yield the companies, all that there are: their register is public."""
        for rows in self._reader.actors():
            permits = self._reader.permits(row[0] for row in rows)
            for (
                number,
                name,
                credit_code,
                role,
                province,
                prefecture,
                maker_code,
                stands_for,
                capacity,
            ) in rows:
                attributes = _initial(
                    name=name, credit_code=credit_code, role=Role(role).name, province=province,
                    prefecture=prefecture, maker_code=maker_code, stands_for=stands_for, capacity_t_year=capacity,
                )  # fmt: skip
                for kind, held in groupby(permits.get(number, ()), key=lambda permit: permit[0]):
                    attributes.append((PERMITS[Permit(kind)], INITIAL, NONE))
                    attributes += [
                        (
                            PERMITS[Permit(kind)],
                            at_noon(first),
                            OPEN if last is None else f"until {as_date(last)}",
                        )
                        for _, first, last in held
                    ]
                yield Thing(actor_id(number), ACTOR, attributes, [])

    def vehicles(self) -> Iterator[Thing]:
        """Yield the vehicles that are named, each followed by its certificates."""
        for rows in self._reader.named_vehicles():
            records = self._reader.stories((row[0] for row in rows), vehicles=True)
            for number, vin, kind, maker, province, prefecture, swap in rows:
                self.hidden += vin is not None and not self._with_vin
                attributes = _initial(
                    vin=vin if self._with_vin else None, kind=kind, province=province, prefecture=prefecture,
                    swap=bool(swap),
                )  # fmt: skip
                story = [
                    r for r in records.get(number, ()) if (r.event in CERTIFIED_BY or r.event in _OF_VEHICLES)
                ]
                attributes += _through_time("status", State.UNREGISTERED.name, _states(Level.VEHICLE, story))
                yield Thing(vehicle_id(number), VEHICLE, attributes, [(actor_id(maker), MADE_BY)])
                for event in sorted({r.event for r in story if r.event in CERTIFIED_BY}):
                    self._certificates += 1
                    yield Thing(
                        certificate_id(event, number), CERTIFICATE, _initial(kind=CERTIFIED_BY[event]),
                        [(vehicle_id(number), CERTIFIES)],
                    )  # fmt: skip

    def units(self) -> Iterator[Thing]:
        """Yield the units that are named."""
        for units in self._reader.named_units():
            numbers = [unit.unit for unit in units]
            records = self._reader.stories(numbers)
            health = self._reader.numbers_of(numbers, Detail.SOH_PPM)
            links = [
                link for kind in LinkKind for link in self._reader.links_to(numbers, kind)
            ]  # in the order of parents, within a kind
            names = self._names({link.child for link in links})
            ties: dict[int, list[tuple[str, str]]] = {}
            for link in links:
                ties.setdefault(link.parent, []).append((names[link.child], TIED[link.kind].between))
            for unit in units:
                story = records.get(unit.unit, [])
                measured: Changes = [(day, value / 10_000) for day, value in health.get(unit.unit, ())]
                yield Thing(
                    self.unit_id(unit), UNIT_TYPES[Level(unit.level)], _attributes_of(unit, story, measured),
                    _joined([
                        (actor_id(unit.coder), CODED_BY),
                        *_hosts(story),
                        *ties.get(unit.unit, ()),
                    ]),
                )  # fmt: skip

    def unit_id(self, unit: Unit) -> str:
        """Return the name of the object: the code where it is the unit's own, else a number of this log."""
        if (
            unit.code is not None
            and unit.level is not Level.LOT
            and unit.code not in self._shared
            and is_plain(unit.code)
        ):
            return unit.code
        return f"{'lot' if unit.level is Level.LOT else 'unit'}:{unit.unit}"

    def _names(self, numbers: Iterable[int]) -> dict[int, str]:
        return {number: self.unit_id(unit) for number, unit in self._reader.units(numbers).items()}


_OF_VEHICLES = frozenset(event for _, event in TRANSITIONS[Level.VEHICLE])


def actor_id(number: int) -> str:
    """Return the name of a company's object."""
    return f"actor:{number}"


def vehicle_id(number: int) -> str:
    """Return the name of a vehicle's object: a pseudonym, since its VIN is close to personal data."""
    return f"vehicle:{number}"


def certificate_id(event: E, vehicle: int) -> str:
    """Return the name of the object of the certificate that *event* gives to a vehicle."""
    return f"certificate:{CERTIFIED_BY[event]}-{vehicle}"


def _event(record: Record, details: Sequence[tuple[int, int]], names: dict[int, str]) -> Event:
    form = form_of(record.event)
    relations: list[tuple[str, str]] = []
    if record.unit is not None:
        relations.append((names[record.unit], form.unit))
    if record.vehicle is not None:
        relations.append((vehicle_id(record.vehicle), form.vehicle))
        if record.event in CERTIFIED_BY:
            relations.append((certificate_id(record.event, record.vehicle), "issued"))
    for number, qualifier in (
        (record.actor, BY),
        (record.receiver, TO),
        (record.carrier, CARRIED_BY),
    ):
        if number is not None:
            relations.append((actor_id(number), qualifier))
    attributes = _told(record.record_day)
    if record.corrects is not None:
        attributes["corrects"] = f"event:{record.corrects}"
    repeated = []
    for what, value in details:
        name = DETAILS[Detail(what)]
        if name in attributes:
            repeated.append(f"{name}={value}")
        else:
            attributes[name] = value
    if repeated:
        attributes[REPEATED] = "; ".join(repeated)
    return Event(
        f"event:{record.event_id}", form.name, at_noon(record.event_day), attributes, _joined(relations)
    )


def _told(day: int | None) -> dict[str, Value]:
    return {} if day is None else {"recorded": at_noon(day)}


def _joined(relations: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *relations* with one for each object, since readers keep one."""
    found: dict[str, dict[str, None]] = {}
    for name, qualifier in relations:
        found.setdefault(name, {})[qualifier] = None
    return [(name, AND.join(qualifiers)) for name, qualifiers in found.items()]


def _period(link: Link) -> tuple[int, int, int, int]:
    """Return parent and days as they sort, an open end last."""
    never = 1 << 40
    return (
        link.parent,
        link.from_day,
        never if link.to_day is None else link.to_day,
        never if link.record_day is None else link.record_day,
    )


def _once(links: list[Link]) -> tuple[list[Link], list[Link]]:
    """Return what is left, and links of one event: no child of it twice, none that is the parent, and not too many."""
    now, left, seen = list[Link](), list[Link](), set[int]()
    for link in links:
        if link.child in seen or len(now) == MOST_RELATIONS:
            left.append(link)
        else:
            seen.add(link.child)
            now.append(link)
    return left, now


def _initial(**attributes: str | int | bool | None) -> list[tuple[str, str, Value]]:
    # an empty text is nothing to some readers, and says as little as none
    return [(name, INITIAL, value) for name, value in attributes.items() if value is not None and value != ""]


def _through_time(name: str, initial: Value, changes: Changes) -> list[tuple[str, str, Value]]:
    """Return an attribute and its changes; of several on one day the last, of several alike the first."""
    by_day = dict(changes)
    told: list[tuple[str, str, Value]] = [(name, INITIAL, initial)]
    for day in sorted(by_day):
        if by_day[day] != told[-1][2] or len(told) == 1:
            told.append((name, at_noon(day), by_day[day]))
    return told


def _attributes_of(unit: Unit, story: Sequence[Record], measured: Changes) -> list[tuple[str, str, Value]]:
    attributes = _initial(
        code=unit.code, chemistry=Chemistry(unit.chemistry).name, made=at_noon(unit.made_day), energy_wh=unit.energy_wh,
        mass_g=unit.mass_g, purpose=Use(unit.purpose).name,
    )  # fmt: skip
    attributes += _through_time("status", State.UNREGISTERED.name, _states(unit.level, story))
    attributes += _through_time("keeper", NOBODY, _keepers(story))
    if measured:
        # nothing is known of the time before: the first value stands there, and again on its day
        attributes += _through_time("soh_percent", measured[0][1], measured)
    return attributes


def _states(level: Level, story: Sequence[Record]) -> Changes:
    """Return (day, name of the state) after each record; what a register leaves out is taken to have happened."""
    state, found = State.UNREGISTERED, list[tuple[int, Value]]()
    table = TRANSITIONS[Level(level)]
    for record in _moving(story):
        before = state if (state, record.event) in table else began(Level(level), record.event)
        if before is not None:
            state = table[before, record.event]
            found.append((record.event_day, state.name))
    return found


def _keepers(story: Sequence[Record]) -> Changes:
    found: Changes = []
    for record in _moving(story):
        given = record.event in _HANDED_OVER and record.receiver is not None
        found.append((record.event_day, actor_id(int(record.receiver or 0) if given else record.actor)))
    return found


def _hosts(story: Sequence[Record]) -> list[tuple[str, str]]:
    return [
        (vehicle_id(record.vehicle), INSTALLED_IN)
        for record in story
        if record.event in _INTO_VEHICLE and record.vehicle is not None
    ]


def _moving(story: Sequence[Record]) -> Iterator[Record]:
    """Yield what moves the unit; a record that replaces another tells of the same move."""
    return (record for record in story if record.event not in REMARKS and record.corrects is None)
