"""Where a unit is, where it came from and what it weighs: R26, R27, R28, R37."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, literal, select, union_all

from traceability.compliance.law import (
    CONDITIONS_2024,
    Article,
    DatedLimit,
    Grade,
    count,
    days,
    none,
    percent,
    registry_logic,
    voluntary,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import (
    INTO_VEHICLE,
    NOTHING,
    OUT_OF_VEHICLE,
    after,
    before,
    finding,
    in_force,
    one_of,
    whole_percent,
)
from traceability.compliance.views import View
from traceability.vocabulary import Detail, EventType, LinkKind, Role

_TAKES_IN = (EventType.COLLECT, EventType.RECEIVE)

_TELLS_ORIGIN = (
    EventType.CODE,
    EventType.SCRAP,
    EventType.FREE,
    EventType.RECOVER,
    EventType.REMAKE,
    EventType.SHIP,
)
"""How a unit comes into being, or comes from somebody."""

_AFTER_REMOVAL = (
    EventType.KEEP,
    EventType.INSTALL,
    EventType.RETIRE,
    EventType.SHIP,
    EventType.COLLECT,
    EventType.DIVERT,
    EventType.LOSE,
)


def _in_two_places(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack put into a vehicle while it is in another; each part put into a whole while it is in another.

    Measured: vehicles, or wholes, at that time.  The parts' findings have no event: a link is a row of its own.
    """
    e = view.event
    moves = (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day)
        .add_columns(before(e, e.c.event).label("last_event"), before(e, e.c.vehicle).label("last_vehicle"))
        .where(one_of(e.c.event, (*INTO_VEHICLE, *OUT_OF_VEHICLE)))
        .subquery("moves")
    )
    m = moves.c
    doubled = finding(moves, literal(2)).where(
        in_force(limit, m.event_day),
        one_of(m.event, INTO_VEHICLE),
        one_of(m.last_event, INTO_VEHICLE),
        m.last_vehicle != m.vehicle,
    )
    both = union_all(doubled, _of_two_wholes(limit, view)).subquery("in_two_places")
    return select(*both.c)


def _of_two_wholes(limit: DatedLimit, view: View) -> Select[Any]:
    link, whole = view.link, view.unit
    order = (link.c.from_day, link.c.parent)
    end = func.coalesce(link.c.to_day, view.as_of + 1)
    earlier_end = func.max(end).over(partition_by=link.c.child, order_by=order, rows=(None, -1))
    last_parent = func.lag(link.c.parent).over(partition_by=link.c.child, order_by=order)
    parts = (
        select(link.c.child, link.c.parent, link.c.from_day)
        .add_columns(earlier_end.label("earlier_end"), last_parent.label("last_parent"))
        .where(link.c.kind == int(LinkKind.CONTAINS))
        .subquery("parts")
    )
    p = parts.c
    return (
        select(
            NOTHING.label("event_id"),
            p.child.label("unit"),
            NOTHING.label("vehicle"),
            whole.c.coder.label("actor"),
            p.from_day.label("day"),
            literal(2).label("measured"),
        )
        .select_from(parts.join(whole, whole.c.unit == p.parent))
        .where(in_force(limit, p.from_day), p.last_parent != p.parent, p.earlier_end > p.from_day)
    )


def _weight_differs(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each arrival that weighs something else than what was sent, beyond the limit; measured: percent of that."""
    e, d = view.event, view.detail
    weighed = e.outerjoin(d, and_(d.c.event_id == e.c.event_id, d.c.what == int(Detail.MASS_G)))
    chain = (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day)
        .add_columns(
            d.c.value.label("arrived"),
            before(e, d.c.value).label("sent"),
            before(e, e.c.event).label("last_event"),
        )
        .select_from(weighed)
        .where(one_of(e.c.event, (EventType.SHIP, *_TAKES_IN)))
        .subquery("chain")
    )
    c = chain.c
    off = func.abs(c.sent - c.arrived)
    return finding(chain, whole_percent(off, c.sent)).where(
        one_of(c.event, _TAKES_IN),
        c.last_event == int(EventType.SHIP),
        in_force(limit, c.event_day),
        off * 100 > c.sent * limit.value,
    )


def _origin_unknown(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each intake of a comprehensive-utilisation enterprise that has no code, and of which nobody but informal
    workshops has told where it comes from.
    """
    e, who, unit = view.event, view.actor.alias("processor"), view.unit
    earlier, teller, uncoded = (
        view.event.alias("earlier"),
        view.actor.alias("teller"),
        view.unit.alias("uncoded"),
    )
    told = (
        select(earlier.c.unit, func.min(earlier.c.event_day).label("since"))
        .select_from(
            earlier.join(uncoded, and_(uncoded.c.unit == earlier.c.unit, uncoded.c.code.is_(None))).join(
                teller, and_(teller.c.actor == earlier.c.actor, teller.c.role != int(Role.INFORMAL))
            )
        )
        .where(one_of(earlier.c.event, _TELLS_ORIGIN))
        .group_by(earlier.c.unit)
        .subquery("told")
    )
    rows = (
        e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(Role.CU)))
        .join(unit, unit.c.unit == e.c.unit)
        .outerjoin(told, told.c.unit == e.c.unit)
    )
    return (
        finding(e)
        .select_from(rows)
        .where(
            e.c.event == int(EventType.RECEIVE),
            in_force(limit, e.c.event_day),
            unit.c.code.is_(None),
            func.coalesce(told.c.since, view.as_of + 1) > e.c.event_day,
        )
    )


def _left_removed(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each removed pack of which the log says too late, or not yet, what became of it; measured: days."""
    e = view.event
    chain = (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day)
        .add_columns((func.coalesce(after(e, e.c.event_day), view.as_of) - e.c.event_day).label("waited"))
        .where(one_of(e.c.event, (EventType.REMOVE, *_AFTER_REMOVAL)))
        .subquery("chain")
    )
    c = chain.c
    return finding(chain, c.waited).where(
        c.event == int(EventType.REMOVE), in_force(limit, c.event_day), c.waited > limit.value
    )


IN_TWO_PLACES = Rule(
    id="R26",
    name="IN_TWO_PLACES",
    title_en="Unit in two vehicles, or part of two wholes, at one time",
    title_zh="同一单元同时处于两处",
    says_en="A unit is in {limit} vehicle, and part of {limit} whole, at a time.",
    says_zh="同一单元同一时间只在{limit}辆车、只属于{limit}个上级单元。",
    binds=(Role.BATTERY_ENT, Role.OEM, Role.REPAIR, Role.SWAP_OP, Role.CU),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=INTO_VEHICLE,
    limits=(registry_logic(count(1), assumed=True),),
    violations=_in_two_places,
)

WEIGHT_DIFFERS = Rule(
    id="R27",
    name="WEIGHT_DIFFERS",
    title_en="What arrives weighs something else than what was sent",
    title_zh="收发重量不符",
    says_en="What is received weighs what was sent, within {limit}.",
    says_zh="收货重量与发货重量相差不超过{limit}。",
    binds=(Role.CU, Role.OUTLET),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=_TAKES_IN,
    limits=(registry_logic(percent(2), assumed=True),),
    violations=_weight_differs,
    details=(Detail.MASS_G,),
)

ORIGIN_UNKNOWN = Rule(
    id="R28",
    name="ORIGIN_UNKNOWN",
    title_en="Processor took in what has no known origin",
    title_zh="接收来源不明的废旧动力电池",
    says_en="A listed enterprise takes in nothing of unknown origin.",
    says_zh="列入公告的企业不得接收来源不明的废旧动力电池。",
    binds=(Role.CU,),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.RECEIVE,),
    limits=(
        voluntary(none(), Article(CONDITIONS_2024), grade=Grade.C, source="S2", valid_from=date(2025, 1, 1)),
    ),
    violations=_origin_unknown,
    voluntary=True,
)

LEFT_REMOVED = Rule(
    id="R37",
    name="LEFT_REMOVED",
    title_en="Removed battery without a further use or retirement",
    title_zh="拆下电池去向未定",
    says_en="A battery taken out of a vehicle is used again, kept as a spare or retired within {limit}.",
    says_zh="从车上拆下的电池应在{limit}内再次装用、转为备用或退役。",
    binds=(Role.REPAIR, Role.OEM, Role.SWAP_OP),
    kind=Kind.HISTORY,
    severity=Severity.MINOR,
    needs=(EventType.REMOVE,),
    limits=(registry_logic(days(30), assumed=True),),
    violations=_left_removed,
)
