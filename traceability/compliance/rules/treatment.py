"""Who treats a battery, how it is opened, and where residues go: R45, R48, R49, R56."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from traceability.compliance.law import (
    GB_T_33598,
    ORDER_73,
    SOLID_WASTE_LAW,
    Article,
    Basis,
    DatedLimit,
    Grade,
    adjacent,
    none,
    order_73,
    registry_logic,
    voluntary,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import done_by_others, finding, in_force, one_of, with_number
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import Detail, EventType, Level, LinkKind, Role

_OPENS = (EventType.DISMANTLE, EventType.PROCESS)


def _not_discharged(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack opened or crushed by a comprehensive-utilisation enterprise that nobody had discharged by then."""
    e, who, unit, done = view.event, view.actor, view.unit, view.event.alias("discharge")
    discharged = (
        select(done.c.unit, func.min(done.c.event_day).label("since"))
        .where(done.c.event == int(EventType.DISCHARGE), done.c.unit.is_not(None))
        .group_by(done.c.unit)
        .subquery("discharged")
    )
    rows = (
        e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(Role.CU)))
        .join(unit, and_(unit.c.unit == e.c.unit, unit.c.level == int(Level.PACK)))
        .outerjoin(discharged, and_(discharged.c.unit == e.c.unit, discharged.c.since <= e.c.event_day))
    )
    return (
        finding(e)
        .select_from(rows)
        .where(one_of(e.c.event, _OPENS), in_force(limit, e.c.event_day), discharged.c.unit.is_(None))
    )


def _parts_lacking(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit dismantled of which fewer parts are on record than it was said to have.  Measured: how many are."""
    e, link = view.event, view.link
    said = with_number(view, Detail.CHILDREN, "said")
    parts = (
        select(link.c.parent, func.count(link.c.child.distinct()).label("parts"))
        .where(link.c.kind == int(LinkKind.CONTAINS))
        .group_by(link.c.parent)
        .subquery("parts_on_record")
    )
    there = func.coalesce(parts.c.parts, 0)
    rows = e.join(said, said.c.event_id == e.c.event_id).outerjoin(parts, parts.c.parent == e.c.unit)
    return (
        finding(e, there)
        .select_from(rows)
        .where(e.c.event == int(EventType.DISMANTLE), in_force(limit, e.c.event_day), there < said.c.value)
    )


def _residue_to_others(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each transfer of residue to nobody named, or to somebody who is no licensed disposer."""
    e, taker = view.event, view.actor.alias("taker")
    return (
        finding(e)
        .select_from(e.outerjoin(taker, taker.c.actor == e.c.receiver))
        .where(
            e.c.event == int(EventType.TRANSFER_RESIDUE),
            in_force(limit, e.c.event_day),
            or_(taker.c.role.is_(None), taker.c.role != int(Role.HAZ_TSDF)),
        )
    )


TREATED_BY_OTHERS = Rule(
    id="R45",
    name="TREATED_BY_OTHERS",
    title_en="Crushed, smelted or recovered by others than a comprehensive-utilisation enterprise",
    title_zh="非综合利用企业从事破碎、冶炼等综合利用活动",
    says_en="Only comprehensive-utilisation enterprises crush, sort or smelt used batteries.",
    says_zh="破碎、分选、冶炼等综合利用活动仅限综合利用企业开展。",
    binds=(Role.INFORMAL, Role.OUTLET, Role.ELV, Role.REPAIR, Role.SWAP_OP),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=(EventType.PROCESS, EventType.RECOVER),
    limits=(order_73(none(), Article(ORDER_73, "18"), grade=Grade.A, source="S2"),),
    violations=done_by_others(EventType.PROCESS, EventType.RECOVER, allowed=Role.CU),
)

NOT_DISCHARGED = Rule(
    id="R48",
    name="NOT_DISCHARGED",
    title_en="Opened or crushed before it was discharged",
    title_zh="未放电即拆解或破碎",
    says_en="A pack is discharged before it is dismantled or crushed.",
    says_zh="废旧动力电池拆解、破碎前应先放电。",
    binds=(Role.CU,),
    kind=Kind.HISTORY,
    severity=Severity.MAJOR,
    # a log without a single discharge does not keep them
    needs=(EventType.DISCHARGE,),
    # since when the standard applies is general knowledge, not in a source that we read
    limits=(
        voluntary(
            none(), Article(GB_T_33598), grade=Grade.C, source="T3", valid_from=date(2022, 5, 1),
            basis=Basis.STANDARD,
        ),
    ),
    violations=_not_discharged,
    voluntary=True,
)  # fmt: skip

PARTS_NOT_ACCOUNTED = Rule(
    id="R49",
    name="PARTS_NOT_ACCOUNTED",
    title_en="Parts of a dismantled battery not accounted for",
    title_zh="拆解产物数量不符",
    says_en="Every part that a dismantled battery is said to have had is on record.",
    says_zh="拆解后的模组、单体应全部登记。",
    binds=(Role.CU,),
    kind=Kind.STRUCTURE,
    severity=Severity.MAJOR,
    needs=(EventType.DISMANTLE,),
    limits=(registry_logic(none(), assumed=True),),
    violations=_parts_lacking,
    details=(Detail.CHILDREN,),
)

RESIDUE_TO_OTHERS = Rule(
    id="R56",
    name="RESIDUE_TO_OTHERS",
    title_en="Hazardous residue handed to others than a licensed disposer",
    title_zh="危险废物未交有资质单位处置",
    says_en="Hazardous residues go by manifest to a licensed disposer.",
    says_zh="综合利用产生的危险废物应依法交有资质的单位处置。",
    binds=(Role.CU,),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.TRANSFER_RESIDUE,),
    limits=(adjacent(none(), Article(SOLID_WASTE_LAW), grade=Grade.K, source="K"),),
    violations=_residue_to_others,
    columns=(schema.event.c.receiver,),
)
