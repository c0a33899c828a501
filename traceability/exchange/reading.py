"""A log, chunk by chunk in the order of its records, joined with what the records name.

What is read at a time is a fixed number of records and what these name, so memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, Table, and_, func, select

from traceability.errors import ExchangeError, UnknownName
from traceability.events import NULL
from traceability.exchange.selecting import Selection, Wanted
from traceability.store import Store, schema
from traceability.store.base import AnyArray
from traceability.vocabulary import Detail, Level, LinkKind
from traceability.vocabulary import EventType as E

ROWS_AT_ONCE = 5_000
_PAGED_BY = {"material": "lot", "link": "parent"}
"""Table -> the column by which it is read, where that is not its first."""

CREATING = (E.CODE, E.FREE, E.REMAKE, E.RECOVER, E.SCRAP)
"""Events that can be the first of a unit, in which what is known of it, and of what it was made from, is told."""


class Record(NamedTuple):
    """A row of table `event`; None for null."""

    event_id: int
    event: E
    unit: int | None
    vehicle: int | None
    actor: int
    receiver: int | None
    carrier: int | None
    event_day: int
    record_day: int | None
    corrects: int | None


class Unit(NamedTuple):
    """A row of table `unit`."""

    unit: int
    code: str | None
    level: Level
    chemistry: int
    coder: int
    made_day: int
    energy_wh: int
    mass_g: int
    purpose: int


class Link(NamedTuple):
    """A row of table `link`."""

    kind: LinkKind
    parent: int
    child: int
    from_day: int
    to_day: int | None
    record_day: int | None


class LogReader:
    """Reads the selected part of a log.

    Args:
        store: an open store.
        selection: what is wanted.
        rows_at_once: records of a chunk.
        views: those that the caller can tell.

    Raises:
        UnknownName: no such view.
        ExchangeError: the truth is asked of a log that does not know it.
    """

    def __init__(
        self,
        store: Store,
        selection: Selection,
        *,
        rows_at_once: int = ROWS_AT_ONCE,
        views: Collection[str] = ("truth", "register"),
    ) -> None:
        if selection.view not in views:
            raise UnknownName("view", selection.view, views)
        self.meta = store.meta()
        if selection.view != "register" and self.meta.get("truth") != "yes":
            raise ExchangeError("this log says what was reported, not what happened; use the view `register`")
        self._store, self.selection, self._at_once = store, selection, rows_at_once
        self.as_of = self._last_day() if selection.as_of is None else selection.as_of
        self._wanted = Wanted(selection, self.as_of)

    def count(self, table: Table) -> int:
        """Return how many rows of `event`, `link` or `material` are wanted."""
        [(rows,)] = self._store.rows(select(func.count()).select_from(table).where(self._wanted.of(table)))
        return int(str(rows))

    def shared_codes(self) -> frozenset[str]:
        """Return the codes that more than one unit bears."""
        u = schema.unit
        query = select(u.c.code).where(u.c.code.is_not(None)).group_by(u.c.code).having(func.count() > 1)
        return frozenset(str(code) for (code,) in self._store.rows(query))

    def records(self) -> Iterator[list[Record]]:
        """Yield the wanted records, a chunk at a time, in the order of the log."""
        e = schema.event
        for rows in self._pages(select(*_columns(e, Record)), e.c.event_id, self._wanted.events()):
            yield [self._record(row) for row in rows]

    def records_by_id(self, event_ids: Iterable[int]) -> dict[int, Record]:
        """Return those of *event_ids* that are wanted."""
        e = schema.event
        return {
            row[0]: self._record(row)
            for row in self._among(
                select(*_columns(e, Record)).where(self._wanted.events()), e.c.event_id, event_ids
            )
        }

    def certificates(self) -> Iterator[list[Record]]:
        """Yield the wanted scrapping certificates of vehicles, a chunk at a time, in the order of the log."""
        e = schema.event
        wanted = and_(self._wanted.events(), e.c.event == int(E.ISSUE_CERTIFICATE), e.c.vehicle.is_not(None))
        for rows in self._pages(select(*_columns(e, Record)), e.c.event_id, wanted):
            yield [self._record(row) for row in rows]

    def replacements(self, event_ids: Iterable[int]) -> dict[int, Record]:
        """Return event_id -> the first wanted record that replaces it."""
        e = schema.event
        query = select(*_columns(e, Record)).where(self._wanted.events())
        found: dict[int, Record] = {}
        for row in sorted(self._among(query, e.c.corrects, event_ids)):
            found.setdefault(row[9], self._record(row))
        return found

    def certified(self, vehicles: Iterable[int]) -> frozenset[int]:
        """Return those of *vehicles* that have a wanted scrapping certificate."""
        e = schema.event
        query = select(e.c.vehicle).where(self._wanted.events(), e.c.event == int(E.ISSUE_CERTIFICATE))
        return frozenset(row[0] for row in self._among(query, e.c.vehicle, vehicles))

    def first_tellings(self, units: Iterable[int]) -> dict[int, Record]:
        """Return unit -> its first wanted record of a kind that makes units."""
        e = schema.event
        query = select(*_columns(e, Record)).where(
            self._wanted.events(), e.c.event.in_([int(kind) for kind in CREATING]), e.c.corrects.is_(None)
        )
        found: dict[int, Record] = {}
        for row in sorted(self._among(query, e.c.unit, units)):
            found.setdefault(row[2], self._record(row))
        return found

    def kinds(self) -> dict[E, set[Detail]]:
        """Return which events are wanted at all, and which numbers are attached to each."""
        e, d = schema.event, schema.detail
        found = {
            E(int(str(kind))): set[Detail]()
            for (kind,) in self._store.rows(select(e.c.event).where(self._wanted.events()).distinct())
        }
        attached = select(e.c.event, d.c.what).join(d, d.c.event_id == e.c.event_id)
        for kind, what in self._store.rows(attached.where(self._wanted.events()).distinct()):
            found[E(int(str(kind)))].add(Detail(int(str(what))))
        return found

    def stories(self, numbers: Iterable[int], *, vehicles: bool = False) -> dict[int, list[Record]]:
        """Return unit (or vehicle) -> its wanted records, in the order of the log."""
        e, found = schema.event, dict[int, list[Record]]()
        query = select(*_columns(e, Record)).where(self._wanted.events())
        for row in sorted(self._among(query, e.c.vehicle if vehicles else e.c.unit, numbers)):
            found.setdefault(row[3 if vehicles else 2], []).append(self._record(row))
        return found

    def numbers_of(self, units: Iterable[int], what: Detail) -> dict[int, list[tuple[int, int]]]:
        """Return unit -> the numbers of one kind that its wanted records carry, (event_day, value) each."""
        e, d, found = schema.event, schema.detail, dict[int, list[tuple[int, int]]]()
        query = (
            select(e.c.event_id, e.c.unit, e.c.event_day, d.c.value)
            .join(d, d.c.event_id == e.c.event_id)
            .where(self._wanted.events(), d.c.what == int(what))
        )
        for _, unit, day, value in sorted(self._among(query, e.c.unit, units)):
            found.setdefault(unit, []).append((day, value))
        return found

    def details(self, event_ids: Iterable[int]) -> dict[int, list[tuple[int, int]]]:
        """Return event_id -> the numbers attached to it, (what, value) each."""
        d = schema.detail
        found: dict[int, list[tuple[int, int]]] = {}
        for event_id, what, value in self._among(
            select(d.c.event_id, d.c.what, d.c.value), d.c.event_id, event_ids
        ):
            found.setdefault(event_id, []).append((what, value))
        return {event_id: sorted(numbers) for event_id, numbers in found.items()}

    def units(self, numbers: Iterable[int]) -> dict[int, Unit]:
        """Return number -> unit."""
        u = schema.unit
        return {row[0]: _unit(row) for row in self._among(select(*_columns(u, Unit)), u.c.unit, numbers)}

    def links_to(self, parents: Iterable[int], kind: LinkKind) -> list[Link]:
        """Return the wanted links whose parent is one of *parents*, in a steady order."""
        return self._links(schema.link.c.parent, parents, kind)

    def links_from(self, children: Iterable[int], kind: LinkKind) -> list[Link]:
        """Return the wanted links whose child is one of *children*, in a steady order."""
        return self._links(schema.link.c.child, children, kind)

    def balances(self, lots: Iterable[int]) -> dict[int, list[tuple[Any, ...]]]:
        """Return lot -> its balances: element, actor, day, year, input_g, recovered_g, residue_g, record_day."""
        m = schema.material
        columns = (m.c.element, m.c.actor, m.c.day, m.c.year, m.c.input_g, m.c.recovered_g, m.c.residue_g)
        query = select(m.c.lot, *columns, m.c.record_day).where(self._wanted.balances())
        found: dict[int, list[tuple[Any, ...]]] = {}
        for lot, *rest, told in self._among(query, m.c.lot, lots):
            found.setdefault(lot, []).append((*rest, self._seen(told)))
        return {lot: sorted(rows, key=str) for lot, rows in found.items()}

    def parents(self) -> Iterator[list[int]]:
        """Yield the units that are parents in a wanted link, a chunk at a time."""
        k = schema.link
        for rows in self._pages(select(k.c.parent).distinct(), k.c.parent, self._wanted.links()):
            yield [row[0] for row in rows]

    def balanced_lots(self) -> Iterator[list[int]]:
        """Yield the lots that a wanted balance is of, a chunk at a time."""
        m = schema.material
        for rows in self._pages(select(m.c.lot).distinct(), m.c.lot, self._wanted.balances()):
            yield [row[0] for row in rows]

    def named_units(self) -> Iterator[list[Unit]]:
        """Yield every unit that a wanted record, link or balance names (all there are, where all is wanted)."""
        u = schema.unit
        for rows in self._pages(select(*_columns(u, Unit)), u.c.unit, self._wanted.units()):
            yield [_unit(row) for row in rows]

    def named_vehicles(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield vehicle, vin, kind, maker, province, prefecture, swap of every vehicle that is named."""
        v = schema.vehicle
        columns = (v.c.vehicle, v.c.vin, v.c.kind, v.c.maker, v.c.province, v.c.prefecture, v.c.swap)
        yield from self._pages(select(*columns), v.c.vehicle, self._wanted.vehicles())

    def actors(self) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of table `actor`, whole: the register of companies is public."""
        yield from self._pages(select(*schema.actor.c), schema.actor.c.actor, None)

    def table(self, table: Table, rows_at_once: int) -> Iterator[dict[str, AnyArray]]:
        """Yield the wanted rows of *table* as columns (see `Store.select`), by its first numbers, a chunk at a time.

        A chunk has about *rows_at_once* rows; more where so many share one number.
        """
        key = next(c for c in table.c if c.name == _PAGED_BY.get(table.name, c.name))
        wanted, order = self._wanted.of(table), list(table.c)
        last: Any = None
        while True:
            ahead = [] if last is None else [key > last]
            place = select(key).where(wanted, *ahead).order_by(key).offset(rows_at_once - 1).limit(1)
            ends: list[tuple[Any, ...]] = self._store.rows(place)
            within = [*ahead, *([key <= ends[0][0]] if ends else [])]
            rows = self._store.select(select(*table.c).where(wanted, *within).order_by(key, *order))
            if rows[key.name].size:
                if "record_day" in rows:  # who looks back from a day does not know what was told later
                    rows["record_day"][rows["record_day"] > self.as_of] = NULL
                yield rows
            if not ends:
                return
            last = ends[0][0]

    def permits(self, actors: Iterable[int]) -> dict[int, list[tuple[int, int, int | None]]]:
        """Return actor -> what is allowed to it: kind, valid_from, valid_to."""
        p = schema.permit
        query = select(p.c.actor, p.c.kind, p.c.valid_from, p.c.valid_to)
        found: dict[int, list[tuple[int, int, int | None]]] = {}
        for actor, *permit in self._among(query, p.c.actor, actors):
            found.setdefault(actor, []).append((permit[0], permit[1], permit[2]))
        return {actor: sorted(rows, key=str) for actor, rows in found.items()}

    def _record(self, row: tuple[Any, ...]) -> Record:
        return Record(row[0], E(row[1]), *row[2:])._replace(record_day=self._seen(row[8]))

    def _seen(self, day: int | None) -> int | None:
        return None if day is None or day > self.as_of else day

    def _links(self, end: ColumnElement[int], numbers: Iterable[int], kind: LinkKind) -> list[Link]:
        k = schema.link
        query = select(*_columns(k, Link)).where(self._wanted.links(), k.c.kind == int(kind))
        found = [
            Link(LinkKind(row[0]), *row[1:])._replace(record_day=self._seen(row[5]))
            for row in self._among(query, end, numbers)
        ]
        return sorted(found, key=lambda link: (link.parent, link.from_day, link.child, str(link[4:])))

    def _pages(
        self, query: Select[Any], key: ColumnElement[int], wanted: ColumnElement[bool] | None
    ) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of *query* by *key*, which is its first column, a chunk at a time."""
        last: int | None = None
        while True:
            page = query.order_by(key).limit(self._at_once)
            page = page if wanted is None else page.where(wanted)
            rows: list[tuple[Any, ...]] = self._store.rows(page if last is None else page.where(key > last))
            if rows:
                yield rows
                last = rows[-1][0]
            if len(rows) < self._at_once:
                return

    def _among(
        self, query: Select[Any], column: ColumnElement[int], numbers: Iterable[int]
    ) -> list[tuple[Any, ...]]:
        """Return the rows of *query* where *column* is one of *numbers*, which are asked for a chunk at a time."""
        wanted, found = sorted(set(numbers)), list[tuple[Any, ...]]()
        for start in range(0, len(wanted), self._at_once):
            found += self._store.rows(query.where(column.in_(wanted[start : start + self._at_once])))
        return found

    def _last_day(self) -> int:
        if "last_day" in self.meta:
            return int(self.meta["last_day"])
        e, k, m = schema.event, schema.link, schema.material
        columns = (e.c.event_day, e.c.record_day, k.c.from_day, k.c.record_day, m.c.day, m.c.record_day)
        days = [self._store.rows(select(func.max(column)))[0][0] for column in columns]
        return max((int(str(day)) for day in days if day is not None), default=0)


def _columns(table: Table, of: type[tuple[Any, ...]]) -> list[ColumnElement[Any]]:
    fields: tuple[str, ...] = getattr(of, "_fields")  # noqa: B009
    return [table.c[name] for name in fields]


def _unit(row: tuple[Any, ...]) -> Unit:
    return Unit(row[0], row[1], Level(row[2]), *row[3:])
