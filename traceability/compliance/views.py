"""The two views of one log: what happened, and what the platform had been told by a day.

A view is a set of sub-queries with the columns of the tables they stand for; nothing is materialised, and a
rule that reads three columns of `view.event` makes a columnar store read three columns (and the few that the
view itself looks at).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, Table, and_, case, select

from traceability.errors import UnknownName
from traceability.store import schema


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What a rule reads.

    Attributes:
        name: 'truth' or 'register'.
        as_of: the day from which one looks back.
        event, link, material: columns as in the schema; nothing in them is later than `as_of`.
        detail: the numbers attached to events; join them to `event`.
        meta, unit, vehicle, actor, permit, workday: the tables themselves.
    """

    name: str
    as_of: int
    event: FromClause
    link: FromClause
    material: FromClause
    detail: Table = schema.detail
    meta: FromClause = schema.meta
    unit: Table = schema.unit
    vehicle: Table = schema.vehicle
    actor: Table = schema.actor
    permit: Table = schema.permit
    workday: Table = schema.workday


def truth(as_of: int) -> View:
    """Return what had happened by the day *as_of*, told or not; a report that came later is not seen."""
    e, k, m = schema.event, schema.link, schema.material
    return View(
        "truth",
        as_of,
        _seen(e, and_(e.c.happened, e.c.event_day <= as_of), as_of, "happened_event"),
        _seen(k, k.c.from_day <= as_of, as_of, "happened_link"),
        _seen(m, and_(m.c.happened, m.c.day <= as_of), as_of, "happened_material"),
    )


def register(as_of: int) -> View:
    """Return what the platform had been told by the day *as_of*, true or not, less what was replaced."""
    e, k, m = schema.event, schema.link, schema.material
    later = schema.event.alias("correction")
    replaced = select(later.c.corrects).where(later.c.corrects.is_not(None), later.c.record_day <= as_of)
    return View(
        "register",
        as_of,
        _seen(e, and_(e.c.record_day <= as_of, e.c.event_id.not_in(replaced)), as_of, "told_event"),
        _seen(k, k.c.record_day <= as_of, as_of, "told_link"),
        _seen(m, m.c.record_day <= as_of, as_of, "told_material"),
    )


VIEWS = {"truth": truth, "register": register}


def view_of(name: str, as_of: int) -> View:
    """Return the view called *name*.

    Raises:
        UnknownName: neither 'truth' nor 'register'.
    """
    if name not in VIEWS:
        raise UnknownName("view", name, VIEWS)
    return VIEWS[name](as_of)


def _seen(table: Table, rows: ColumnElement[bool], as_of: int, name: str) -> FromClause:
    """Return *rows* of *table*, days that were still to come (a report, the end of a link) shown as null."""
    still_open = {"record_day", "to_day"}
    columns = [
        case((column <= as_of, column)).label(column.name) if column.name in still_open else column
        for column in table.c
    ]
    return select(*columns).where(rows).subquery(name)
