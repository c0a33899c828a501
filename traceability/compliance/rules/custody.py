"""Who may hand a used battery to whom, and whether it arrives: R20 to R25."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union_all

from traceability.compliance.law import (
    ELV_RULES_2020,
    ORDER_73,
    Article,
    Basis,
    DatedLimit,
    Grade,
    Regime,
    cn_2018,
    day_of,
    days,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import (
    ALL_PERMITS,
    after,
    before,
    finding,
    handed_over_to,
    in_force,
    one_of,
    permits_held,
)
from traceability.compliance.views import View
from traceability.vocabulary import EventType, Role

_COLLECTORS = (Role.CU, Role.OUTLET)
_LETS_GO = (EventType.SHIP, EventType.DIVERT)
_TAKES_IN = (EventType.COLLECT, EventType.RECEIVE)

_to_processors = handed_over_to(Role.OUTLET, {Regime.ORDER_73: (Role.CU,)})


def _not_to_a_permitted_processor(rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit that an outlet let go to somebody who is no comprehensive-utilisation enterprise, or to one
    that lacked a permit on that day; where the limit has a number, each that stayed longer (measured: days).
    """
    e = view.event
    giver, taker = view.actor.alias("outlet"), view.actor.alias("processor")
    asked = select(e.c.receiver.label("holder"), e.c.event_day.label("day")).where(
        e.c.event == int(EventType.SHIP), e.c.receiver.is_not(None)
    )
    permits = permits_held(view, asked)
    rows = (
        e.join(giver, and_(giver.c.actor == e.c.actor, giver.c.role == int(Role.OUTLET)))
        .join(taker, and_(taker.c.actor == e.c.receiver, taker.c.role == int(Role.CU)))
        .join(permits, and_(permits.c.holder == e.c.receiver, permits.c.day == e.c.event_day))
    )
    unpermitted = (
        finding(e)
        .select_from(rows)
        .where(
            e.c.event == int(EventType.SHIP),
            in_force(limit, e.c.event_day),
            permits.c.held < ALL_PERMITS,
            # a log without a single permit does not keep them
            select(func.count()).select_from(view.permit).scalar_subquery() > 0,
        )
    )
    parts = [_to_processors(rule, limit, view), unpermitted]
    if limit.value is not None:
        parts.append(_stayed_too_long(limit, view))
    found = union_all(*parts).subquery("not_to_processor")
    return select(*found.c)


def _stayed_too_long(limit: DatedLimit, view: View) -> Select[Any]:
    e, outlet = view.event, view.actor
    moves = (
        select(
            *(e.c[name] for name in ("event_id", "event", "unit", "vehicle", "actor", "event_day")),
            (func.coalesce(after(e, e.c.event_day), view.as_of) - e.c.event_day).label("stayed"),
        )
        .where(one_of(e.c.event, (*_LETS_GO, *_TAKES_IN)))
        .subquery("moves")
    )
    rows = moves.join(outlet, and_(outlet.c.actor == moves.c.actor, outlet.c.role == int(Role.OUTLET)))
    return (
        finding(moves, moves.c.stayed)
        .select_from(rows)
        .where(
            moves.c.event == int(EventType.COLLECT),
            in_force(limit, moves.c.event_day),
            moves.c.stayed > limit.value,
        )
    )


def _to_informal_buyer(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit diverted by anybody, shipped or sold to an informal workshop, or collected by one."""
    e, giver, taker = view.event, view.actor.alias("giver"), view.actor.alias("taker")
    informal = int(Role.INFORMAL)
    given = and_(one_of(e.c.event, (EventType.SHIP, EventType.DELIVER)), taker.c.role == informal)
    taken = and_(e.c.event == int(EventType.COLLECT), giver.c.role == informal)
    rows = e.join(giver, giver.c.actor == e.c.actor).outerjoin(taker, taker.c.actor == e.c.receiver)
    return (
        finding(e)
        .select_from(rows)
        .where(
            one_of(e.c.event, _INFORMAL_TRADE),
            in_force(limit, e.c.event_day),
            or_(e.c.event == int(EventType.DIVERT), given, taken),
        )
    )


_INFORMAL_TRADE = (EventType.DIVERT, EventType.SHIP, EventType.DELIVER, EventType.COLLECT)


def _chain_open(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each shipment that was not taken in by its consignee within the limit, and each sent by one who was
    not the last known to have taken the unit in.  Measured: days until the next such event, or until today.
    """
    e = view.event
    chain = (
        select(
            *(
                e.c[name]
                for name in ("event_id", "event", "unit", "vehicle", "actor", "receiver", "event_day")
            ),
            before(e, e.c.event).label("last_event"),
            before(e, e.c.actor).label("last_actor"),
            after(e, e.c.event).label("next_event"),
            after(e, e.c.actor).label("next_actor"),
            (func.coalesce(after(e, e.c.event_day), view.as_of) - e.c.event_day).label("waited"),
        )
        .where(one_of(e.c.event, (EventType.SHIP, *_TAKES_IN)))
        .subquery("chain")
    )
    c = chain.c
    elsewhere = or_(c.next_event == int(EventType.SHIP), c.next_actor != c.receiver)
    sent_by_another = and_(one_of(c.last_event, _TAKES_IN), c.last_actor != c.actor)
    return finding(chain, c.waited).where(
        c.event == int(EventType.SHIP),
        in_force(limit, c.event_day),
        or_(c.waited > limit.value, elsewhere, sent_by_another),
    )


OUTLET_HANDED_TO_OTHERS = Rule(
    id="R20",
    name="OUTLET_HANDED_TO_OTHERS",
    title_en="Outlet handed over to others than a permitted processor",
    title_zh="网点未移交合规综合利用企业",
    says_en="An outlet hands what it collected to permitted comprehensive-utilisation enterprises only.",
    says_zh="回收服务网点应将收集的废旧动力电池交由依法设立的综合利用企业。",
    binds=(Role.OUTLET,),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_LETS_GO,
    limits=(order_73(days(None), Article(ORDER_73, "19"), grade=Grade.A, source="S2"),),
    violations=_not_to_a_permitted_processor,
)

SWAP_OPERATOR_HANDED_TO_OTHERS = Rule(
    id="R21",
    name="SWAP_OPERATOR_HANDED_TO_OTHERS",
    title_en="Swap operator handed over to others than a processor or an outlet",
    title_zh="换电运营企业违规移交",
    says_en="A swap or leasing operator hands used batteries to comprehensive-utilisation enterprises or "
    "outlets only.",
    says_zh="电池租赁、换电运营企业应将废旧动力电池移交综合利用企业或回收服务网点。",
    binds=(Role.SWAP_OP,),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_LETS_GO,
    limits=(order_73(none(), grade=Grade.B, source="S7 S12 S13"),),
    violations=handed_over_to(Role.SWAP_OP, {Regime.ORDER_73: _COLLECTORS}),
)

REPAIRER_HANDED_TO_OTHERS = Rule(
    id="R22",
    name="REPAIRER_HANDED_TO_OTHERS",
    title_en="Repair firm handed over to others than a processor or an outlet",
    title_zh="维修企业违规移交",
    says_en="A repair firm hands used batteries to comprehensive-utilisation enterprises or outlets only.",
    says_zh="机动车维修企业应将废旧动力电池移交综合利用企业或回收服务网点。",
    binds=(Role.REPAIR,),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_LETS_GO,
    limits=(order_73(none(), grade=Grade.B, source="S7 S12 S13"),),
    violations=handed_over_to(Role.REPAIR, {Regime.ORDER_73: _COLLECTORS}),
)

DISMANTLER_HANDED_TO_OTHERS = Rule(
    id="R23",
    name="DISMANTLER_HANDED_TO_OTHERS",
    title_en="Vehicle dismantler handed over to others than a processor or an outlet",
    title_zh="报废机动车回收拆解企业违规移交",
    says_en="A vehicle dismantler hands used batteries to comprehensive-utilisation enterprises or outlets "
    "only (until 2026-03-31 also to cascade-use firms).",
    says_zh="报废机动车回收拆解企业应将废旧动力电池移交综合利用企业或回收服务网点（2026年3月31日前含梯次利用企业）。",
    binds=(Role.ELV,),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_LETS_GO,
    limits=(
        cn_2018(
            none(), Article(ELV_RULES_2020), source="E1", valid_from=day_of(2020, 9, 1), basis=Basis.ADJACENT
        ),
        order_73(none(), grade=Grade.B, source="S7 S12 S13"),
    ),
    violations=handed_over_to(
        Role.ELV, {Regime.CN_2018: (*_COLLECTORS, Role.PRODUCT_MAKER), Regime.ORDER_73: _COLLECTORS}
    ),
)

HANDED_TO_UNPERMITTED_BUYER = Rule(
    id="R24",
    name="HANDED_TO_UNPERMITTED_BUYER",
    title_en="Used battery handed to an unpermitted buyer",
    title_zh="废旧动力电池流入非正规渠道",
    says_en="Nobody hands or sells a used battery to a buyer without permits.",
    says_zh="不得将废旧动力电池交售给不具备资质的单位或者个人。",
    binds=(Role.OWNER, Role.OUTLET, Role.SWAP_OP, Role.REPAIR, Role.ELV, Role.CU, Role.INFORMAL),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_INFORMAL_TRADE,
    limits=(order_73(none(), grade=Grade.B, source="S7 S12 S13"),),
    violations=_to_informal_buyer,
)

CUSTODY_CHAIN_OPEN = Rule(
    id="R25",
    name="CUSTODY_CHAIN_OPEN",
    title_en="Chain of custody open",
    title_zh="交接链条不完整",
    says_en="What one has sent, the consignee takes in within {limit}; what one sends, one had taken in.",
    says_zh="移交的废旧动力电池应由收货方在{limit}内入库，交接双方前后衔接。",
    binds=(Role.OUTLET, Role.SWAP_OP, Role.REPAIR, Role.ELV, Role.CU, Role.CARRIER),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=(EventType.SHIP,),
    limits=(order_73(days(15), grade=Grade.B, source="S6 S10 S14", assumed=True),),
    violations=_chain_open,
)
