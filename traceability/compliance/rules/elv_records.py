"""What arrives at a vehicle dismantler, and what is written of it: R30, R31, R33, R34."""

from __future__ import annotations

from typing import Any

from sqlalchemy import FromClause, Select, and_, case, select

from traceability.compliance.law import (
    ELV_RULES_2020,
    ORDER_73_FROM,
    TRACEABILITY_2018,
    Article,
    Basis,
    DatedLimit,
    Grade,
    Regime,
    cn_2018,
    count,
    day_of,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import INTO_VEHICLE, before_in_vehicle, finding, in_force, one_of
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import EventType, Role

_RULES_2020_FROM = day_of(2020, 9, 1)


def _arrivals(view: View, *events: EventType) -> FromClause:
    """Return the receptions of vehicles and *events* of them, each with event and unit of the one before it."""
    e = view.event
    return (
        select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day)
        .add_columns(
            before_in_vehicle(e, e.c.event).label("last_event"),
            before_in_vehicle(e, e.c.unit).label("last_unit"),
        )
        .where(one_of(e.c.event, (EventType.RECEIVE_VEHICLE, *events)))
        .subquery("arrivals")
    )


def _another_battery(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each vehicle received with another pack than the last that was put into it; replacements are recorded."""
    arrivals = _arrivals(view, *INTO_VEHICLE)
    a = arrivals.c
    return finding(arrivals).where(
        a.event == int(EventType.RECEIVE_VEHICLE),
        in_force(limit, a.event_day),
        one_of(a.last_event, INTO_VEHICLE),
        a.last_unit != a.unit,
    )


def _exemption_claimed(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each vehicle not registered for swapping that was received without a pack, a swap having taken the last."""
    arrivals, vehicle = _arrivals(view, *INTO_VEHICLE, EventType.SWAP_OUT), view.vehicle
    a = arrivals.c
    return (
        finding(arrivals)
        .select_from(arrivals.join(vehicle, vehicle.c.vehicle == a.vehicle))
        .where(
            a.event == int(EventType.RECEIVE_VEHICLE),
            in_force(limit, a.event_day),
            a.unit.is_(None),
            a.last_event == int(EventType.SWAP_OUT),
            vehicle.c.swap.is_(False),
        )
    )


def _fields_missing(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each reported reception of a vehicle, or shipment of a pack, by a dismantler that leaves fields empty.

    Measured: how many of VIN and code, or of code, receiver and the receiver's credit code.
    """
    e, elv, taker = view.event, view.actor.alias("dismantler"), view.actor.alias("taker")
    unit, vehicle = view.unit, view.vehicle
    sent = e.c.event == int(EventType.SHIP)
    # a vehicle may come without a pack; what comes without a code is a field left empty
    no_code = case((and_(e.c.unit.is_not(None), unit.c.code.is_(None)), 1), else_=0)
    no_vin = case((and_(e.c.event == int(EventType.RECEIVE_VEHICLE), vehicle.c.vin.is_(None)), 1), else_=0)
    no_receiver = case((and_(sent, e.c.receiver.is_(None)), 1), else_=0)
    no_credit_code = case((and_(sent, taker.c.credit_code.is_(None)), 1), else_=0)
    empty = no_code + no_vin + no_receiver + no_credit_code
    rows = (
        e.join(elv, and_(elv.c.actor == e.c.actor, elv.c.role == int(Role.ELV)))
        .outerjoin(unit, unit.c.unit == e.c.unit)
        .outerjoin(vehicle, vehicle.c.vehicle == e.c.vehicle)
        .outerjoin(taker, taker.c.actor == e.c.receiver)
    )
    return (
        finding(e, empty)
        .select_from(rows)
        .where(
            one_of(e.c.event, (EventType.RECEIVE_VEHICLE, EventType.SHIP)),
            in_force(limit, e.c.event_day),
            e.c.record_day.is_not(None),
            empty > limit.value,
        )
    )


def _not_explained(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each vehicle received without a battery whose owner has signed no explanation by today."""
    e, reason = view.event, view.event.alias("reason")
    explained = (
        select(reason.c.vehicle)
        .where(reason.c.event == int(EventType.EXPLAIN))
        .distinct()
        .subquery("explained")
    )
    return (
        finding(e)
        .select_from(e.outerjoin(explained, explained.c.vehicle == e.c.vehicle))
        .where(
            e.c.event == int(EventType.RECEIVE_VEHICLE),
            in_force(limit, e.c.event_day),
            e.c.unit.is_(None),
            explained.c.vehicle.is_(None),
        )
    )


SCRAPPED_WITH_ANOTHER_BATTERY = Rule(
    id="R30",
    name="SCRAPPED_WITH_ANOTHER_BATTERY",
    title_en="Vehicle scrapped with another battery than its own",
    title_zh="报废车辆所带电池与登记不符",
    says_en="The battery that comes with a scrapped vehicle is the last that was recorded for it.",
    says_zh="报废车辆所带电池应为该车最后登记的电池。",
    binds=(Role.ELV, Role.OWNER),
    kind=Kind.HISTORY,
    severity=Severity.MAJOR,
    needs=(EventType.RECEIVE_VEHICLE,),
    limits=(order_73(none(), grade=Grade.B, source="S6 S10 S14 S20"),),
    violations=_another_battery,
)

SWAP_EXEMPTION_CLAIMED = Rule(
    id="R31",
    name="SWAP_EXEMPTION_CLAIMED",
    title_en="Swap exemption claimed for a vehicle not registered for swapping",
    title_zh="非换电车辆适用换电豁免",
    says_en="Only a vehicle registered for swapping may come to be scrapped with its battery swapped out.",
    says_zh="仅登记为换电模式的车辆可在电池换出后单独交付报废。",
    binds=(Role.ELV, Role.SWAP_OP, Role.OWNER),
    kind=Kind.STRUCTURE,
    severity=Severity.MAJOR,
    needs=(EventType.RECEIVE_VEHICLE,),
    limits=(order_73(none(), grade=Grade.B, source="S10 S11 S16 S17"),),
    violations=_exemption_claimed,
)

DISMANTLER_FIELDS_MISSING = Rule(
    id="R33",
    name="DISMANTLER_FIELDS_MISSING",
    title_en="Dismantler's record is incomplete",
    title_zh="拆解企业记录不完整",
    says_en="A dismantler's report leaves {limit} fields empty: VIN and code on intake; code, receiver and its "
    "credit code on shipment.",
    says_zh="拆解企业报送信息的空缺项应为{limit}：入库含车架号和电池编码，出库含电池编码、去向单位及其统一社会信用代码。",
    binds=(Role.ELV,),
    kind=Kind.STRUCTURE,
    severity=Severity.MINOR,
    needs=(EventType.RECEIVE_VEHICLE, EventType.SHIP),
    limits=(
        cn_2018(count(0), Article(TRACEABILITY_2018), source="P2"),
        order_73(count(0), Article(ELV_RULES_2020), grade=Grade.C, source="E1", basis=Basis.ADJACENT),
    ),
    violations=_fields_missing,
    columns=(schema.event.c.record_day,),
)

MISSING_BATTERY_NOT_EXPLAINED = Rule(
    id="R34",
    name="MISSING_BATTERY_NOT_EXPLAINED",
    title_en="No signed explanation for a vehicle that came without its battery",
    title_zh="电池缺失未签署说明",
    says_en="The owner of a scrapped vehicle that comes without its battery signs why.",
    says_zh="报废车辆电池缺失的，车主应签署说明。",
    binds=(Role.OWNER, Role.ELV),
    kind=Kind.EVENT,
    severity=Severity.MINOR,
    needs=(EventType.EXPLAIN,),
    limits=(
        DatedLimit(
            none(),
            _RULES_2020_FROM,
            ORDER_73_FROM - 1,
            Article(ELV_RULES_2020),
            Basis.ADJACENT,
            Grade.K,
            Regime.CN_2018,
            "K",
            assumed=True,
        ),
        order_73(
            none(), Article(ELV_RULES_2020), grade=Grade.K, source="K", basis=Basis.ADJACENT, assumed=True
        ),
    ),
    violations=_not_explained,
)
