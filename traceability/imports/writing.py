"""What was reported, judged and ordered -> actors, vehicles, units, links and events of a store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date

import numpy as np

from traceability import codes
from traceability.events import NULL, EventBatch, day_number
from traceability.imports.checks import is_one_of
from traceability.imports.columns import DETAILS
from traceability.imports.companies import Companies, Party
from traceability.imports.histories import BIRTHS, Histories
from traceability.imports.reading import NO_TEXT, Int64s, Rows
from traceability.imports.report import ImportReport
from traceability.lettering import Bytes
from traceability.registry import Registry
from traceability.store import Store, schema
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Chemistry, EventType, Level, LinkKind, Role, Use
from traceability.workdays import FIRST_YEAR, LAST_YEAR, ordinals

OTHER_KEPT = "differs from what the first row says of it (the first is kept)"
OWN_PARENT = "a unit that belongs to itself (no link is made)"

_MAKING = frozenset({*BIRTHS, EventType.RECOVER, EventType.SCRAP})
_UNNAMED_MAKER = "(battery maker not named)"
_AHEAD = 366
_CODE_BYTES = 32


def code_bytes(texts: Sequence[str]) -> Bytes:
    """Return S32[n], codes as bytes; what is not ASCII is `?`, which no code has."""
    spelt = np.array([text.encode("ascii", "replace") for text in texts] or [b""], dtype=f"S{_CODE_BYTES}")
    return spelt[: len(texts)]


def write_log(
    rows: Rows,
    companies: Companies,
    histories: Histories,
    store: Store,
    report: ImportReport,
    *,
    as_of: int | None,
) -> None:
    """Write all good *rows* into *store* and finish it; *report* takes how many things came into being.

    Raises:
        StoreError: the store cannot be written.
    """
    registry = Registry(store)
    writer = _Writer(rows, companies, histories, registry, report)
    writer.enrol()
    writer.record()
    writer.link()
    day, told = rows.column("event_day")[rows.good], rows.column("record_day")[rows.good]
    report.events = registry.events
    if day.size:
        report.first_day, report.last_day = int(day.min()), int(max(day.max(), told.max()))
    last = as_of if as_of is not None else report.last_day
    store.set_meta("truth", "no")
    store.set_meta("columns", json.dumps(list(report.fields)))
    if last is not None:
        first = report.first_day if report.first_day is not None else last
        store.set_meta("first_day", str(min(first, last)))
        store.set_meta("last_day", str(last))
        days = np.clip(
            [min(first, last), max(last, report.last_day or last) + _AHEAD],
            day_number(date(FIRST_YEAR, 1, 1)),
            day_number(date(LAST_YEAR, 12, 31)),
        )
        calendar = ordinals(int(days[0]), int(days[1]))
        store.append(schema.workday, calendar.day.size, calendar.columns())
    registry.finish()


class _Writer:
    """Brings into being what good rows name, then passes them to the registry in the order of the histories."""

    def __init__(
        self, rows: Rows, companies: Companies, histories: Histories, registry: Registry, report: ImportReport
    ) -> None:
        self._rows, self._companies, self._histories = rows, companies, histories
        self._registry, self._report = registry, report
        self._good = np.flatnonzero(rows.good)
        self._event = rows.column("event")[self._good]
        self._day = rows.column("event_day")[self._good]
        self._codes = rows.texts["code"].all()
        self._twin = histories.twin[self._good]
        self._unit = np.full(self._good.size, NULL, dtype=np.int64)
        self._first_unit = np.full(len(self._codes), NULL, dtype=np.int64)
        self._vehicle = np.full(self._good.size, NULL, dtype=np.int64)
        self._made = np.empty(0, dtype=np.int64)

    def _column(self, field: str) -> Int64s:
        return self._rows.column(field)[self._good]

    def enrol(self) -> None:
        """Write actors, units and vehicles."""
        unit = self._units()
        coder = self._coders(unit)
        vehicles, vehicle_maker = self._vehicles()
        self._enrol_actors(np.concatenate([coder, vehicle_maker]))
        self._commission(unit, self._number[coder])
        self._enrol_vehicles(vehicles, self._number[vehicle_maker])

    def _units(self) -> Int64s:
        """Number the units from 0, as (code, twin) pairs int64[2, k], and let each row know its own."""
        code = self._column("unit")
        named = code != NO_TEXT
        of_row = np.stack([code[named], self._twin[named]])
        parents = self._column("parent")
        others = [parents[parents != NO_TEXT], np.array(self._sources()[1], dtype=np.int64)]
        also = np.concatenate(others)
        pairs = np.concatenate([of_row, np.stack([also, np.zeros_like(also)])], axis=1)
        span = int(pairs[1].max()) + 1 if pairs.size else 1
        packed, which = np.unique(pairs[0] * span + pairs[1], return_inverse=True)
        units = np.stack([packed // span, packed % span])
        self._unit[named] = which[: of_row.shape[1]]
        first = units[1] == 0
        self._first_unit[units[0, first]] = np.flatnonzero(first)
        self._report.units = units.shape[1]
        return units

    def _sources(self) -> tuple[list[int], list[int]]:
        """Return for each source of a row the place of the row among the good, and the number of the source's code."""
        lists = self._column("sources")
        of_row: list[int] = []
        source: list[int] = []
        for place in np.flatnonzero(lists != NO_TEXT).tolist():
            for code in self._rows.source_codes(int(lists[place])):
                of_row.append(place)
                source.append(self._rows.texts["code"].number(code))
        return of_row, source

    def _coders(self, units: Int64s) -> Int64s:
        """Return for each unit the place of the party that made it."""
        maker = self._companies.slots["maker"][self._good]
        coder = self._first("maker", maker, self._unit, units.shape[1], quiet=True)
        making = is_one_of(self._event, _MAKING)
        actor = np.where(making, self._companies.slots["actor"][self._good], NULL)
        coder = np.where(
            coder == NULL, self._first("actor", actor, self._unit, units.shape[1], quiet=True), coder
        )
        unknown = np.flatnonzero(coder == NULL)
        printed = code_bytes([self._codes[code] for code in units[0, unknown].tolist()])
        regular = codes.told(printed)[2] != NULL
        for place, code, good in zip(unknown.tolist(), printed.tolist(), regular.tolist(), strict=True):
            prefix = code[:3].decode() if good else None
            name = f"(battery maker {prefix}, not named)" if prefix else _UNNAMED_MAKER
            coder[place] = self._companies.place(Party(name, None, Role.BATTERY_ENT, prefix))
        return coder

    def _vehicles(self) -> tuple[Int64s, Int64s]:
        """Number the vehicles, and return the text number and the party of the maker of each."""
        vin = self._column("vehicle")
        named = vin != NO_TEXT
        vehicles, which = np.unique(vin[named], return_inverse=True)
        self._vehicle[named] = which
        self._report.vehicles = vehicles.size
        by_maker = is_one_of(self._event, frozenset({EventType.CERTIFY, EventType.SELL, EventType.INSTALL}))
        roles = np.array([party.role == Role.OEM for party in self._companies.parties], dtype=np.bool_)
        actor = self._companies.slots["actor"][self._good]
        maker = np.where(by_maker & roles[actor], actor, NULL) if actor.size else actor
        found = self._first("actor", maker, self._vehicle, vehicles.size, quiet=True)
        if (found == NULL).any():
            unnamed = self._companies.place(Party("(vehicle maker not named)", None, Role.OEM))
            found = np.where(found == NULL, unnamed, found)
        return vehicles, found

    def _enrol_actors(self, makers: Int64s) -> None:
        """Write the parties that good rows name, and the *makers*, in the order in which they were found."""
        used = [makers, *(column[self._good] for column in self._companies.slots.values())]
        places = np.unique(np.concatenate(used))
        places = places[places != NULL]
        self._number = np.full(len(self._companies.parties) + 1, NULL, dtype=np.int64)
        self._number[places] = np.arange(places.size)
        parties = [self._companies.parties[place] for place in places.tolist()]
        self._report.actors = len(parties)
        if parties:
            self._registry.enrol_actors(
                {
                    "actor": np.arange(len(parties)),
                    "name": [party.name for party in parties],
                    "credit_code": [party.credit_code for party in parties],
                    "role": np.array([int(party.role) for party in parties]),
                    "province": 0,
                    "maker_code": [party.maker_code for party in parties],
                    "stands_for": 1,
                },
                len(parties),
            )

    def _commission(self, units: Int64s, coder: Int64s) -> None:
        """Write the units level by level, and keep the number that the registry gives to each."""
        count = units.shape[1]
        level = self._histories.levels[units[0]]
        if self._histories.twin_levels:
            place_of = {pair: place for place, pair in enumerate(zip(*units.tolist(), strict=True))}
            for pair, other in self._histories.twin_levels.items():
                if pair in place_of:
                    level[place_of[pair]] = other
        printed = code_bytes([self._codes[code] for code in units[0].tolist()])
        told = codes.told(printed)
        chemistry = self._first("chemistry", self._column("chemistry"), self._unit, count)
        chemistry = np.where(
            chemistry != NULL, chemistry, np.where(told[2] != NULL, told[1], Chemistry.OTHER)
        )
        made = self._first("made_day", self._column("made_day"), self._unit, count)
        made = np.where(made != NULL, made, told[2])
        born = np.where(is_one_of(self._event, _MAKING), self._day, NULL)
        made = np.where(made != NULL, made, self._first("event_day", born, self._unit, count, quiet=True))
        seen = self._first("event_day", self._day, self._unit, count, quiet=True)
        made = np.where(made != NULL, made, seen)
        made = np.where(made != NULL, made, int(self._day.min()) if self._day.size else 0)
        self._made = made
        amounts = {
            name: self._first(name, self._column(name), self._unit, count)
            for name in ("energy_kwh", "mass_kg")
        }
        purpose = self._first("purpose", self._column("purpose"), self._unit, count)
        numbers = np.full(count, NULL, dtype=np.int64)
        for kind in np.unique(level).tolist():
            chosen = np.flatnonzero(level == kind)
            coded = Level(kind) is not Level.LOT
            texts: list[str | None] = [self._codes[code] for code in units[0, chosen].tolist()]
            numbers[chosen] = self._registry.commission(
                Level(kind),
                coder=coder[chosen],
                chemistry=chemistry[chosen],
                made_day=made[chosen],
                energy_wh=_or(amounts["energy_kwh"][chosen], 0),
                mass_g=_or(amounts["mass_kg"][chosen], 0),
                printed=texts,
                rows=chosen.size,
                purpose=_or(purpose[chosen], Use.NONE),
                code_fault=codes.faults(printed[chosen], kind).astype(np.int64) if coded else 0,
            )
        self._unit_number = numbers

    def _enrol_vehicles(self, vehicles: Int64s, maker: Int64s) -> None:
        swap = self._first("swap", self._column("swap"), self._vehicle, vehicles.size)
        vins = self._rows.texts["vin"].all()
        if vehicles.size:
            self._registry.enrol_vehicles(
                vin=[vins[number] for number in vehicles.tolist()],
                kind=0,
                maker=maker,
                province=0,
                swap=swap == 1,
                rows=vehicles.size,
            )

    def _first(
        self, field: str, values: Int64s, subject: Int64s, count: int, *, quiet: bool = False
    ) -> Int64s:
        """Return int64[count], the first value that a row gives to each subject; NULL where none does."""
        found = np.full(count, NULL, dtype=np.int64)
        said = np.flatnonzero((values != NULL) & (subject != NULL))
        subjects, places = np.unique(subject[said], return_index=True)
        found[subjects] = values[said[places]]
        if not quiet:
            others = said[values[said] != found[subject[said]]]
            if others.size:
                row = self._good[others[0]]
                self._report.note(
                    int(self._rows.file[row]), field, OTHER_KEPT, int(others.size), int(self._rows.line[row]),
                    str(values[others[0]]), str(found[subject[others[0]]]),
                )  # fmt: skip
        return found

    def record(self) -> None:
        """Pass the rows to the registry: rank by rank, remarks first, a batch for each event."""
        rank, remark = self._histories.rank[self._good], is_one_of(self._event, REMARKS)
        phase = rank * 2 + ~remark
        order = np.lexsort(
            (self._rows.line[self._good], self._rows.file[self._good], self._day, self._event, phase)
        )
        if not order.size:
            return
        group = np.stack([phase[order], self._event[order]])
        cuts = np.flatnonzero((group[:, 1:] != group[:, :-1]).any(axis=0)) + 1
        actor, receiver, carrier = (
            self._number[np.maximum(self._companies.slots[name][self._good], -1)]
            for name in ("actor", "receiver", "carrier")
        )
        details = {name: what for name, what in DETAILS.items() if name in self._rows.columns}
        taken_up = self._histories.taken_up[self._good]
        unit = np.append(self._unit_number, NULL)[np.maximum(self._unit, -1)]
        told = self._column("record_day")
        for chosen in np.split(order, cuts):
            event = EventType(int(self._event[chosen[0]]))
            of_vehicles = event in VEHICLE_EVENTS
            up = taken_up[chosen] != 0
            if up.any():
                numbers = (self._vehicle if of_vehicles else unit)[chosen]
                self._registry.take_up(numbers[up], taken_up[chosen][up], vehicles=of_vehicles)
            first = self._registry.record(
                EventBatch.of(
                    event,
                    unit[chosen],
                    vehicles=self._vehicle[chosen],
                    event_day=self._day[chosen],
                    record_day=told[chosen],
                    actor=actor[chosen],
                    receiver=receiver[chosen],
                    carrier=carrier[chosen],
                )
            )
            for name, what in details.items():
                values = self._column(name)[chosen]
                has = np.flatnonzero(values != NULL)
                self._registry.detail(first + has, what, values[has])

    def link(self) -> None:
        """Write what belongs to what, as the rows tell it."""
        told = self._column("record_day")
        parent = self._column("parent")
        unit = self._unit
        inside = np.flatnonzero((parent != NO_TEXT) & (unit != NULL))
        own = self._first_unit[parent[inside]] == unit[inside]
        if own.any():
            row = self._good[inside[own][0]]
            self._report.note(
                int(self._rows.file[row]), "parent", OWN_PARENT, int(own.sum()), int(self._rows.line[row]),
                self._codes[parent[inside[own][0]]], "",
            )  # fmt: skip
        inside = inside[~own]
        freed = self._event[inside] == EventType.FREE
        day = self._day[inside]
        made = np.minimum(self._made[unit[inside]], day)
        self._registry.link(
            LinkKind.CONTAINS,
            parent=self._unit_number[self._first_unit[parent[inside]]],
            child=self._unit_number[unit[inside]],
            from_day=np.where(freed, made, day),
            to_day=np.where(freed, day, NULL),
            record_day=told[inside],
        )
        of_row, source = (np.array(part, dtype=np.int64) for part in self._sources())
        whole = unit[of_row] != NULL
        of_row, source = of_row[whole], source[whole]
        self._registry.link(
            LinkKind.MADE_FROM,
            parent=self._unit_number[unit[of_row]],
            child=self._unit_number[self._first_unit[source]],
            from_day=self._day[of_row],
            record_day=told[of_row],
        )


def _or(values: Int64s, instead: int) -> Int64s:
    return np.where(values == NULL, instead, values)
