"""Who may be on the list, and what cannot have been: R59 and R60."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select, union_all

from traceability.compliance.law import (
    ORDER_73,
    Article,
    DatedLimit,
    Grade,
    day_of,
    months,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import NOTHING, finding, in_force, one_of, with_number
from traceability.compliance.views import View
from traceability.vocabulary import REMARKS, Detail, EventType, Role

_NO_CASCADE_FROM = day_of(2026, 7, 30)
"""From this day there are no cascade announcements (Announcement 2026/20, grade A)."""

_ENDS = (
    EventType.EXPORT,
    EventType.DISMANTLE,
    EventType.PROCESS,
    EventType.USE_IN_PRODUCT,
    EventType.CONSUME,
)
"""After these nothing follows in `lifecycle.TRANSITIONS`; the parts of what was dismantled are other units."""


def _listed_too_soon(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each listing of a firm punished less than the limit before, and each as a cascade firm since 2026-07-30.

    Measured: months since the punishment that have begun.
    """
    e, fine = view.event, view.event.alias("punishment")
    last = (
        select(e.c.event_id, func.max(fine.c.event_day).label("since"))
        .select_from(e.join(fine, and_(fine.c.receiver == e.c.receiver, fine.c.event_day <= e.c.event_day)))
        .where(e.c.event == int(EventType.LIST), fine.c.event == int(EventType.PENALISE))
        .group_by(e.c.event_id)
        .subquery("last_punished")
    )
    start, end = view.workday.alias("start"), view.workday.alias("end_of_wait")
    timed = (
        e.join(last, last.c.event_id == e.c.event_id)
        .join(start, start.c.day == last.c.since)
        .join(end, end.c.day == e.c.event_day)
    )
    # n months have passed on the day of the same number, n months on
    passed = end.c.month - start.c.month - case((end.c.day_of_month < start.c.day_of_month, 1), else_=0)
    columns = [
        e.c.event_id, e.c.unit, e.c.vehicle, e.c.receiver.label("actor"), e.c.event_day.label("day"),
    ]  # fmt: skip
    listed = and_(e.c.event == int(EventType.LIST), in_force(limit, e.c.event_day))
    too_soon = (
        select(*columns, passed.label("measured")).select_from(timed).where(listed, passed < limit.value)
    )
    cascade = with_number(view, Detail.CASCADE, "cascade")
    as_cascade = (
        select(*columns, NOTHING.label("measured"))
        .select_from(e.join(cascade, cascade.c.event_id == e.c.event_id))
        .where(listed, cascade.c.value == 1, e.c.event_day >= _NO_CASCADE_FROM)
    )
    found = union_all(too_soon, as_cascade).subquery("listed_too_soon")
    return select(*found.c)


def _impossible(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each event of a unit on a day after its end, or before the day on which it was made."""
    e, unit, last = view.event, view.unit, view.event.alias("end")
    ends = (
        select(last.c.unit, func.min(last.c.event_day).label("day"))
        .where(one_of(last.c.event, _ENDS), last.c.unit.is_not(None))
        .group_by(last.c.unit)
        .subquery("ends")
    )
    # remarks are those from the first one on, and move nothing
    moves = and_(e.c.event < int(min(REMARKS)), in_force(limit, e.c.event_day))
    rows = e.join(unit, unit.c.unit == e.c.unit).outerjoin(ends, ends.c.unit == e.c.unit)
    return (
        finding(e)
        .select_from(rows)
        .where(moves, or_(ends.c.day < e.c.event_day, unit.c.made_day > e.c.event_day))
    )


LISTED_TOO_SOON = Rule(
    id="R59",
    name="LISTED_TOO_SOON",
    title_en="Listed too soon after a penalty, or as a cascade firm",
    title_zh="受处罚后未满期限列入公告，或以梯次利用列入",
    says_en="A firm that was punished is not listed for {limit}; no firm is listed for cascade use since 2026-07-30.",
    says_zh="受到行政处罚的企业{limit}内不得申请列入公告；自2026年7月30日起不再公告梯次利用企业。",
    binds=(Role.CU,),
    kind=Kind.HISTORY,
    severity=Severity.MAJOR,
    needs=(EventType.LIST,),
    limits=(order_73(months(24), Article(ORDER_73, "42"), grade=Grade.A, source="S2"),),
    violations=_listed_too_soon,
)

REPORT_IMPOSSIBLE = Rule(
    id="R60",
    name="REPORT_IMPOSSIBLE",
    title_en="Reported to have happened after the end, or before the beginning",
    title_zh="报送信息时序不可能",
    says_en="What is reported can have happened: nothing after a battery's end, nothing before it was made.",
    says_zh="报送信息应真实准确：电池终结后或生产前不应有其他事件。",
    binds=(Role.BATTERY_ENT, Role.OEM, Role.OUTLET, Role.SWAP_OP, Role.REPAIR, Role.ELV, Role.CU),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=tuple(event for event in EventType if event not in REMARKS),
    limits=(order_73(none(), grade=Grade.B, source="S6 S10 S14"),),
    violations=_impossible,
)
