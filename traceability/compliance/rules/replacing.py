"""Packs replaced in repair and exchanged in swapping: R36, R38."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, case, func, or_, select

from traceability.compliance.law import (
    TRACEABILITY_2018,
    Article,
    DatedLimit,
    Grade,
    cn_2018,
    days,
    none,
    order_73,
    working_days,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import before, before_in_vehicle, finding, in_force, one_of, overdue
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import EventType, Role

_IN_POOL = (EventType.SWAP_OUT, EventType.KEEP)


def _replacement_reported_late(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack that a repair firm put in another's place, not reported in time together with the old one.

    Told is told of both, the old pack's removal and the new one's fitting: before that they are not linked.
    """
    e, firm = view.event, view.actor
    removed = e.c.event == int(EventType.REMOVE)
    pairs = (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day, e.c.record_day)
        .add_columns(
            before_in_vehicle(e, e.c.event).label("last_event"),
            before_in_vehicle(e, case((removed, e.c.record_day))).label("removal_told"),
        )
        .where(one_of(e.c.event, (EventType.REMOVE, EventType.INSTALL)))
        .subquery("pairs")
    )
    p = pairs.c
    both = case(
        (p.removal_told > p.record_day, p.removal_told), (p.removal_told <= p.record_day, p.record_day)
    )
    told = func.coalesce(both, view.as_of)
    rows = pairs.join(firm, and_(firm.c.actor == p.actor, firm.c.role == int(Role.REPAIR)))
    timed, waited, late = overdue(view, limit, rows, p.event_day, told)
    return (
        finding(pairs, waited)
        .select_from(timed)
        .where(
            p.event == int(EventType.INSTALL),
            p.last_event.is_not(None),
            in_force(limit, p.event_day),
            late,
        )
    )


def _pool_out_of_step(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack swapped into a vehicle that nobody had taken into a pool before, or out of one while it was in a pool.

    Operators may share a pool: that another than the last keeper swaps it in is no breach.
    """
    e = view.event
    chain = (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day)
        .add_columns(before(e, e.c.event).label("last_event"))
        .where(one_of(e.c.event, (EventType.INSTALL, EventType.SWAP_IN, *_IN_POOL)))
        .subquery("chain")
    )
    c = chain.c
    in_pool = case((one_of(c.last_event, _IN_POOL), 1), else_=0)
    wrongly_in = and_(c.event == int(EventType.SWAP_IN), in_pool == 0)
    wrongly_out = and_(c.event == int(EventType.SWAP_OUT), in_pool == 1)
    return finding(chain).where(in_force(limit, c.event_day), or_(wrongly_in, wrongly_out))


REPLACEMENT_REPORTED_LATE = Rule(
    id="R36",
    name="REPLACEMENT_REPORTED_LATE",
    title_en="Replacement reported late, or without the old battery",
    title_zh="电池更换信息报送逾期或未关联原电池",
    says_en="A replacement is reported within {limit}, with the old battery and the new one.",
    says_zh="更换电池应在{limit}内报送信息，并关联新旧电池编码。",
    binds=(Role.REPAIR, Role.OEM),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.INSTALL,),
    limits=(
        cn_2018(working_days(30), Article(TRACEABILITY_2018, "10"), source="P1"),
        order_73(days(30), grade=Grade.U, source="S10 S14", assumed=True),
    ),
    violations=_replacement_reported_late,
    columns=(schema.event.c.record_day,),
)

SWAP_POOL_OUT_OF_STEP = Rule(
    id="R38",
    name="SWAP_POOL_OUT_OF_STEP",
    title_en="Swaps that do not follow one another",
    title_zh="换电记录前后不衔接",
    says_en="A pack is swapped in from a pool that it was taken into, and out of a vehicle that it was in.",
    says_zh="换入的电池应来自电池池，换出的电池应在车上，换入换出交替进行。",
    binds=(Role.SWAP_OP,),
    kind=Kind.HISTORY,
    severity=Severity.MAJOR,
    needs=(EventType.SWAP_IN, EventType.SWAP_OUT),
    limits=(order_73(none(), grade=Grade.B, source="S10 S14"),),
    violations=_pool_out_of_step,
)
