"""Which part of a log is wanted: what somebody asked for, as conditions on the rows of its tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, and_, false, func, or_, select, true

from traceability.store import Store, schema
from traceability.vocabulary import Level, LinkKind

_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which part of a log is wanted.

    Attributes:
        view: `truth`, what happened; `register`, what the platform was told, replaced records and all;
            `both`, every row that there is, which only readers that keep the two apart may ask for.
        as_of: the day from which one looks back; None: the last of the log.
        first, until: bounds of the day of the event, both included; None: open.
        units: numbers of units; None: everything.
    """

    view: str = "register"
    as_of: int | None = None
    first: int | None = None
    until: int | None = None
    units: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A selection as conditions on the rows of each table, looked at from one day.

    Attributes:
        selection: what is wanted.
        as_of: the day from which one looks back.
    """

    selection: Selection
    as_of: int

    @property
    def whole(self) -> bool:
        """Whether everything that happened is wanted, and so everything that there is."""
        s = self.selection
        return s.view != "register" and s.units is None and s.first is None and s.until is None

    def of(self, table: Table) -> ColumnElement[bool]:
        """Return which rows of any table are wanted; those about companies, permits and the calendar all are."""
        d = schema.detail
        if table is d:
            return d.c.event_id.in_(select(schema.event.c.event_id).where(self.events()))
        known = {
            "event": self.events, "link": self.links, "material": self.balances, "unit": self.units,
            "vehicle": self.vehicles,
        }  # fmt: skip
        return known[table.name]() if table.name in known else true()

    def events(self) -> ColumnElement[bool]:
        """Return which records are wanted."""
        e, s = schema.event, self.selection
        seen = self._seen(e.c.event_day, e.c.record_day, e.c.happened)
        return and_(
            seen, *self._bounds(e.c.event_day), *([] if s.units is None else [_one_of(e.c.unit, s.units)])
        )

    def links(self) -> ColumnElement[bool]:
        """Return which links are wanted: both ends count."""
        k, s = schema.link, self.selection
        seen = self._seen(k.c.from_day, k.c.record_day, true())
        ends = [] if s.units is None else [or_(_one_of(k.c.parent, s.units), _one_of(k.c.child, s.units))]
        return and_(seen, *self._bounds(k.c.from_day), *ends)

    def balances(self) -> ColumnElement[bool]:
        """Return which material balances are wanted."""
        m, s = schema.material, self.selection
        seen = self._seen(m.c.day, m.c.record_day, m.c.happened)
        return and_(seen, *self._bounds(m.c.day), *([] if s.units is None else [_one_of(m.c.lot, s.units)]))

    def units(self) -> ColumnElement[bool]:
        """Return which units a wanted record, link or balance names; all there are, where all is wanted."""
        if self.whole:
            return true()
        u, e, k, m = schema.unit, schema.event, schema.link, schema.material
        return or_(
            u.c.unit.in_(select(e.c.unit).where(self.events(), e.c.unit.is_not(None))),
            u.c.unit.in_(select(k.c.parent).where(self.links())),
            u.c.unit.in_(select(k.c.child).where(self.links())),
            u.c.unit.in_(select(m.c.lot).where(self.balances())),
        )

    def vehicles(self) -> ColumnElement[bool]:
        """Return which vehicles a wanted record names; all there are, where all is wanted."""
        if self.whole:
            return true()
        v, e = schema.vehicle, schema.event
        return v.c.vehicle.in_(select(e.c.vehicle).where(self.events(), e.c.vehicle.is_not(None)))

    def _seen(
        self, day: ColumnElement[int], record_day: ColumnElement[int], happened: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        true_by_then, told_by_then = and_(happened, day <= self.as_of), record_day <= self.as_of
        if self.selection.view == "both":
            return or_(day <= self.as_of, told_by_then)
        return true_by_then if self.selection.view == "truth" else told_by_then

    def _bounds(self, day: ColumnElement[int]) -> list[ColumnElement[bool]]:
        s = self.selection
        return [
            *([] if s.first is None else [day >= s.first]),
            *([] if s.until is None else [day <= s.until]),
        ]


def kin(store: Store, units: Iterable[int]) -> frozenset[int]:
    """Return *units*, what they contained, and what was made from any of these, and from that, and so on."""
    k, found, ahead = schema.link, set(units), sorted(set(units))
    while ahead:
        some, ahead = ahead[:_AT_ONCE], ahead[_AT_ONCE:]
        inside = and_(k.c.kind == int(LinkKind.CONTAINS), k.c.parent.in_(some))
        outside = and_(k.c.kind == int(LinkKind.MADE_FROM), k.c.child.in_(some))
        for near, far in ((k.c.child, inside), (k.c.parent, outside)):
            new = {int(str(number)) for (number,) in store.rows(select(near).distinct().where(far))} - found
            found |= new
            ahead += sorted(new)
    return frozenset(found)


def sample(store: Store, size: int) -> frozenset[int]:
    """Return *size* packs spread evenly over the numbers of the log, the same each time."""
    u = schema.unit
    packs = u.c.level == int(Level.PACK)
    [(there,)] = store.rows(select(func.count()).select_from(u).where(packs))
    step = max(1, int(str(there)) // max(1, size))
    place = (func.row_number().over(order_by=u.c.unit) - 1).label("place")
    ranked = select(u.c.unit, place).where(packs).subquery()
    query = select(ranked.c.unit).where(ranked.c.place % step == 0).order_by(ranked.c.unit).limit(size)
    return frozenset(int(str(number)) for (number,) in store.rows(query))


def _one_of(column: ColumnElement[int], numbers: Collection[int]) -> ColumnElement[bool]:
    return column.in_(sorted(numbers)) if numbers else false()
