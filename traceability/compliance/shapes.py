"""Queries that duties share.

Whole numbers only, and no division: databases disagree on what 7 / 2 is.  A share is compared crosswise.
Nor is there a correlated sub-query: a database without the right index would run one for each row.
Absence is a left join to an aggregate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    cast,
    distinct,
    func,
    null,
    or_,
    select,
    true,
    type_coerce,
)

from traceability.compliance.law import DatedLimit, Regime, Unit
from traceability.compliance.rule import Rule, Violations
from traceability.compliance.views import View
from traceability.events import EPOCH, day_number
from traceability.vocabulary import PROCESSING_PERMITS, Detail, EventType, Role

COLUMNS = ("event_id", "unit", "vehicle", "actor", "day", "measured")
"""What every violations query yields, in this order."""

NOTHING: ColumnElement[int] = cast(null(), BigInteger)
"""A null that every database takes for a whole number."""

ALL_PERMITS = len(PROCESSING_PERMITS)

INTO_VEHICLE = (EventType.INSTALL, EventType.SWAP_IN)
OUT_OF_VEHICLE = (
    EventType.REMOVE,
    EventType.SWAP_OUT,
    EventType.DISMOUNT,
    EventType.DIVERT,
    EventType.EXPORT,
    EventType.LOSE,
)
"""A pack is in a vehicle from an event that puts it there to its next that puts or takes it."""


def finding(row: FromClause, measured: ColumnElement[Any] = NOTHING) -> Select[Any]:
    """Return the select of the six columns from a row of `view.event` and what was measured."""
    c, counted = row.c, type_coerce(measured, BigInteger)
    return select(c.event_id, c.unit, c.vehicle, c.actor, c.event_day.label("day"), counted.label("measured"))


def in_force(limit: DatedLimit, day: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether *limit* is the law on *day*."""
    parts: list[ColumnElement[bool]] = [true()]
    if limit.valid_from is not None:
        parts.append(day >= limit.valid_from)
    if limit.valid_to is not None:
        parts.append(day <= limit.valid_to)
    return and_(*parts)


def one_of(column: ColumnElement[int], members: Iterable[int]) -> ColumnElement[bool]:
    """Return whether *column* is one of *members* of an enumeration."""
    return column.in_([int(member) for member in members])


def place(event: FromClause) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return what orders a unit's events: day, then log; a correction stands where what it replaces stood."""
    return event.c.event_day, func.coalesce(event.c.corrects, event.c.event_id)


def before(event: FromClause, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return *column* of the unit's last event before this one, of those that the query selects."""
    return func.lag(column, type_=column.type).over(partition_by=event.c.unit, order_by=place(event))


def before_in_vehicle(event: FromClause, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return *column* of the vehicle's last event before this one, of those that the query selects."""
    return func.lag(column, type_=column.type).over(partition_by=event.c.vehicle, order_by=place(event))


def after(event: FromClause, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return *column* of the unit's next event, of those that the query selects."""
    return func.lead(column, type_=column.type).over(partition_by=event.c.unit, order_by=place(event))


def whole_percent(part: ColumnElement[int], whole: ColumnElement[int]) -> ColumnElement[int]:
    """Return how many hundredths of *whole*, which is not negative, are in *part*, rounded down, from 0 to 100.

    A hundred comparisons, from the top down: for the few rows that are breaches, and the same on every database.
    """
    hundredfold = part * 100
    return case(*((hundredfold >= whole * n, n) for n in range(100, 0, -1)), else_=0)


def first_of(view: View, *events: EventType) -> Subquery:
    """Return each unit's first event of *events*, one row a unit, with the columns of `view.event` for `finding`."""
    e = view.event
    nth = func.row_number().over(partition_by=e.c.unit, order_by=place(e))
    kept = (e.c[name] for name in ("event_id", "unit", "vehicle", "actor", "receiver", "event_day"))
    numbered = (
        select(*kept, nth.label("nth"))
        .where(one_of(e.c.event, events), e.c.unit.is_not(None))
        .subquery("numbered")
    )
    return select(*numbered.c).where(numbered.c.nth == 1).subquery("first")


def overdue(
    view: View, limit: DatedLimit, rows: FromClause, since: ColumnElement[int], until: ColumnElement[int]
) -> tuple[FromClause, ColumnElement[int], ColumnElement[bool]]:
    """Return *rows* with the calendar that they need, the time from *since* to *until*, and if it is too long.

    The time is in the unit of *limit*: days, working days, or months of which the last has begun.  Six months
    after the 31st end with the last day of a shorter month, as they do in `due`.
    """
    waited: ColumnElement[int] = until - since
    late = waited > limit.value
    if limit.unit in (Unit.WORKING_DAYS, Unit.MONTHS):
        # Never more working days, or months, than days: the calendar is asked for few rows.
        start, end = view.workday.alias("start"), view.workday.alias("end_of_wait")
        rows = rows.join(start, start.c.day == since).join(end, end.c.day == until)
        if limit.unit is Unit.WORKING_DAYS:
            waited = end.c.ordinal - start.c.ordinal
        else:
            begun = case((end.c.day_of_month > start.c.day_of_month, 1), else_=0)
            waited = end.c.month - start.c.month + begun
        late = and_(late, waited > limit.value)
    return rows, waited, late


def reported_late(*events: EventType, by: Role) -> Violations:
    """Each of *events*, done by *by*, reported later than the limit, or not yet though the limit is past."""

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, who = view.event, view.actor
        told = func.coalesce(e.c.record_day, view.as_of)
        rows = e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(by)))
        timed, waited, late = overdue(view, limit, rows, e.c.event_day, told)
        return (
            finding(e, waited)
            .select_from(timed)
            .where(one_of(e.c.event, events), in_force(limit, e.c.event_day), late)
        )

    return violations


def handed_over_to(giver: Role, allowed: Mapping[Regime, tuple[Role, ...]]) -> Violations:
    """Each unit that a *giver* let go to somebody whose role is not among the *allowed* of the time."""

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e = view.event
        source, sink = view.actor.alias("giver"), view.actor.alias("taker")
        rows = e.join(source, and_(source.c.actor == e.c.actor, source.c.role == int(giver)))
        wrong = func.coalesce(sink.c.role, 0).not_in([int(role) for role in allowed[limit.regime]])
        return (
            finding(e)
            .select_from(rows.outerjoin(sink, sink.c.actor == e.c.receiver))
            .where(
                one_of(e.c.event, (EventType.SHIP, EventType.DIVERT)),
                in_force(limit, e.c.event_day),
                or_(e.c.event == int(EventType.DIVERT), wrong),
            )
        )

    return violations


def done_by_others(*events: EventType, allowed: Role) -> Violations:
    """Each of *events* done by somebody whose role is not *allowed*."""

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, who = view.event, view.actor
        rows = e.join(who, and_(who.c.actor == e.c.actor, who.c.role != int(allowed)))
        return finding(e).select_from(rows).where(one_of(e.c.event, events), in_force(limit, e.c.event_day))

    return violations


def code_faulty(fault: int) -> Violations:
    """Each unit given a code of which the registry says *fault*, at the event that brought it into being."""

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, unit = view.event, view.unit
        rows = e.join(unit, unit.c.unit == e.c.unit)
        return (
            finding(e)
            .select_from(rows)
            .where(
                one_of(e.c.event, (EventType.CODE, EventType.REMAKE)),
                in_force(limit, e.c.event_day),
                unit.c.code_fault.bitwise_and(fault) != 0,
            )
        )

    return violations


def recovered_too_little(*elements: int) -> Violations:
    """Each year of each comprehensive-utilisation enterprise in which it recovered too small a share.

    One row for an enterprise, a year and an element, dated on the year's last day; of years that have ended.
    """

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        m, who = view.material, view.actor
        last_day = {year: day for year, day in year_ends(view.as_of).items() if limit.holds_on(day)}
        sums = (
            select(
                m.c.actor,
                m.c.year,
                m.c.element,
                cast(func.sum(m.c.input_g), BigInteger).label("given"),
                cast(func.sum(m.c.recovered_g), BigInteger).label("won"),
            )
            .select_from(m.join(who, and_(who.c.actor == m.c.actor, who.c.role == int(Role.CU))))
            .where(one_of(m.c.element, elements), m.c.year.in_(list(last_day)))
            .group_by(m.c.actor, m.c.year, m.c.element)
            .having(func.sum(m.c.recovered_g) * 100 < func.sum(m.c.input_g) * limit.value)
            .subquery("shares")
        )
        # A year of which none has ended has no last day, and no row either.
        day = case(last_day, value=sums.c.year) if last_day else NOTHING
        return select(
            NOTHING.label("event_id"),
            NOTHING.label("unit"),
            NOTHING.label("vehicle"),
            sums.c.actor,
            day.label("day"),
            whole_percent(sums.c.won, sums.c.given).label("measured"),
        )

    return violations


def scale_of(view: View) -> ColumnElement[int]:
    """Return how many real units a unit of the log stands for: 1 where the log does not say."""
    told = select(cast(view.meta.c.value, BigInteger)).where(view.meta.c.key == "scale").scalar_subquery()
    return func.coalesce(told, 1)


def with_number(view: View, what: Detail, name: str) -> Subquery:
    """Return event_id and the number *what* attached to it, for a join; one row an event."""
    d = view.detail
    return (
        select(d.c.event_id, func.max(d.c.value).label("value"))
        .where(d.c.what == int(what))
        .group_by(d.c.event_id)
        .subquery(name)
    )


def permits_held(view: View, asked: Select[Any]) -> Subquery:
    """Return holder, day, and how many kinds of permit were valid, for each (holder, day) of *asked*."""
    p, ask = view.permit, asked.distinct().subquery("asked")
    valid = and_(
        p.c.actor == ask.c.holder,
        one_of(p.c.kind, PROCESSING_PERMITS),
        p.c.valid_from <= ask.c.day,
        or_(p.c.valid_to.is_(None), p.c.valid_to >= ask.c.day),
    )
    held = func.count(distinct(p.c.kind)).label("held")
    return (
        select(ask.c.holder, ask.c.day, held)
        .select_from(ask.outerjoin(p, valid))
        .group_by(ask.c.holder, ask.c.day)
        .subquery("permits_held")
    )


def year_ends(as_of: int) -> dict[int, int]:
    """Return year -> its last day, for the years from 1970 that had ended by *as_of*."""
    this_year = date.fromordinal(as_of + EPOCH.toordinal()).year
    ends = {year: day_number(date(year, 12, 31)) for year in range(1970, this_year + 1)}
    return {year: day for year, day in ends.items() if day <= as_of}
