"""Before and on the road: R42 and R43."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union_all

from traceability.compliance.law import (
    GB_T_38698,
    JT_T_617,
    Article,
    Basis,
    DatedLimit,
    Grade,
    adjacent,
    count,
    none,
    voluntary,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import before, finding, in_force, one_of, with_number
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import Detail, EventType, Level, Permit, Role

_BATTERIES = (Level.PACK, Level.MODULE, Level.CELL)


def _packed_unchecked(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit packed without a safety check before, or after one that it failed and no pre-treatment since."""
    e, passed = view.event, with_number(view, Detail.PASSED, "passed")
    rows = e.outerjoin(passed, passed.c.event_id == e.c.event_id)
    steps = (
        select(
            *(e.c[name] for name in ("event_id", "event", "unit", "vehicle", "actor", "event_day")),
            before(e, e.c.event).label("last"),
            before(e, func.coalesce(passed.c.value, 0)).label("last_passed"),
        )
        .select_from(rows)
        .where(
            one_of(e.c.event, (EventType.CHECK_SAFETY, EventType.PRETREAT, EventType.PACK_UP)),
            e.c.unit.is_not(None),
        )
        .subquery("steps_to_packing")
    )
    checked = and_(steps.c.last == int(EventType.CHECK_SAFETY), steps.c.last_passed == 1)
    ready = or_(checked, steps.c.last == int(EventType.PRETREAT))
    return finding(steps).where(
        steps.c.event == int(EventType.PACK_UP),
        in_force(limit, steps.c.event_day),
        or_(steps.c.last.is_(None), ~ready),
    )


def _carried_unlawfully(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each battery sent by a carrier without a dangerous-goods permit that day, or declared as another UN class.

    Measured: the class declared.
    """
    e, unit, p = view.event, view.unit, view.permit
    held = and_(
        p.c.actor == e.c.carrier,
        p.c.kind == int(Permit.DANGEROUS_GOODS),
        p.c.valid_from <= e.c.event_day,
        or_(p.c.valid_to.is_(None), p.c.valid_to >= e.c.event_day),
    )
    sent = and_(
        e.c.event == int(EventType.SHIP),
        in_force(limit, e.c.event_day),
        one_of(unit.c.level, _BATTERIES),
    )
    of_units = e.join(unit, unit.c.unit == e.c.unit)
    unlicensed = (
        finding(e)
        .select_from(of_units.outerjoin(p, held))
        .where(sent, e.c.carrier.is_not(None), p.c.actor.is_(None))
    )
    told = with_number(view, Detail.UN_CLASS, "un_class")
    misdeclared = (
        finding(e, told.c.value)
        .select_from(of_units.join(told, told.c.event_id == e.c.event_id))
        .where(sent, told.c.value != limit.value)
    )
    found = union_all(unlicensed, misdeclared).subquery("carried_unlawfully")
    return select(*found.c)


PACKED_WITHOUT_SAFETY_CHECK = Rule(
    id="R42",
    name="PACKED_WITHOUT_SAFETY_CHECK",
    title_en="Packed without a passed safety check",
    title_zh="未经安全检查合格即包装",
    says_en="A used battery is packed only after a safety check that it passed, or after pre-treatment.",
    says_zh="废旧动力电池应经安全检查合格后方可包装；不合格的应先预处理并记录。",
    binds=(Role.OUTLET, Role.ELV, Role.SWAP_OP, Role.CU),
    kind=Kind.HISTORY,
    severity=Severity.MAJOR,
    needs=(EventType.PACK_UP,),
    # since when the standard applies is general knowledge, not in a source that we read
    limits=(
        voluntary(
            none(), Article(GB_T_38698), grade=Grade.C, source="T1", valid_from=date(2020, 10, 1),
            basis=Basis.STANDARD,
        ),
    ),
    violations=_packed_unchecked,
    voluntary=True,
)  # fmt: skip

CARRIED_WITHOUT_LICENCE = Rule(
    id="R43",
    name="CARRIED_WITHOUT_LICENCE",
    title_en="Carried without a dangerous-goods licence, or under a wrong class",
    title_zh="未按危险货物运输",
    says_en="Used batteries travel as dangerous goods of class {limit}, with a licensed carrier.",
    says_zh="废旧动力电池应按第{limit}类危险货物，由具备资质的承运人运输。",
    binds=(Role.CARRIER, Role.OUTLET, Role.ELV, Role.SWAP_OP, Role.REPAIR),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.SHIP,),
    limits=(adjacent(count(9), Article(JT_T_617), grade=Grade.C, source="T4", basis=Basis.STANDARD),),
    violations=_carried_unlawfully,
    columns=(schema.event.c.carrier, schema.permit.c.kind),
)
