"""Batteries and the vehicles they are in: R12, R13, R19."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Subquery, and_, case, func, literal, or_, select, union_all

from traceability.compliance.law import (
    TRACEABILITY_2018,
    Article,
    DatedLimit,
    Grade,
    cn_2018,
    count,
    days,
    order_73,
    working_days,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import (
    INTO_VEHICLE,
    OUT_OF_VEHICLE,
    after,
    before,
    finding,
    in_force,
    one_of,
    place,
    reported_late,
)
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import EventType, Role


def _not_one_to_one(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack put into a vehicle while it was in another, or another was in that vehicle; each vehicle
    certified with no pack in it.  Vehicles made for swapping may hold several packs, or none.

    A pack is in a vehicle from the event that put it there to the next of its events that put or took it.
    Measured: packs in the vehicle, or vehicles of the pack.
    """
    stays = _stays(view)
    vehicle = view.vehicle
    earlier_end = func.max(stays.c.end_day).over(
        partition_by=stays.c.vehicle, order_by=(stays.c.event_day, stays.c.place), rows=(None, -1)
    )
    seen = select(*stays.c, earlier_end.label("earlier_end")).where(stays.c.puts).subquery("seen")
    crowded = and_(vehicle.c.swap.is_(False), seen.c.earlier_end > seen.c.event_day)
    doubled = (
        finding(seen, literal(2))
        .select_from(seen.outerjoin(vehicle, vehicle.c.vehicle == seen.c.vehicle))
        .where(in_force(limit, seen.c.event_day), or_(seen.c.still_in, crowded))
    )
    both = union_all(doubled, _certified_empty(limit, view)).subquery("not_one_to_one")
    return select(*both.c)


def _stays(view: View) -> Subquery:
    """Return the events that put a pack into a vehicle or take one out, in the order of each pack's life.

    puts: whether it puts; still_in: the pack's last such event put it into a vehicle, too;
    end_day: when the stay that begins here ends, the day after `as_of` where it has not.
    """
    e = view.event
    puts = one_of(e.c.event, INTO_VEHICLE)
    return (
        select(
            e.c.event_id,
            e.c.unit,
            e.c.vehicle,
            e.c.actor,
            e.c.event_day,
            place(e)[1].label("place"),
            puts.label("puts"),
            one_of(before(e, e.c.event), INTO_VEHICLE).label("still_in"),
            func.coalesce(after(e, e.c.event_day), view.as_of + 1).label("end_day"),
        )
        .where(one_of(e.c.event, (*INTO_VEHICLE, *OUT_OF_VEHICLE)))
        .subquery("stays")
    )


def _certified_empty(limit: DatedLimit, view: View) -> Select[Any]:
    e, vehicle, fitted = view.event, view.vehicle, view.event.alias("fitting")
    first_pack = (
        select(fitted.c.vehicle, func.min(fitted.c.event_day).label("day"))
        .where(fitted.c.event == int(EventType.INSTALL))
        .group_by(fitted.c.vehicle)
        .subquery("first_pack")
    )
    rows = e.join(vehicle, vehicle.c.vehicle == e.c.vehicle).outerjoin(
        first_pack, and_(first_pack.c.vehicle == e.c.vehicle, first_pack.c.day <= e.c.event_day)
    )
    return (
        finding(e, literal(0))
        .select_from(rows)
        .where(
            e.c.event == int(EventType.CERTIFY),
            in_force(limit, e.c.event_day),
            vehicle.c.swap.is_(False),
            e.c.unit.is_(None),
            first_pack.c.vehicle.is_(None),
        )
    )


def _responsible_parties(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack for which the log names none, or two, that answer for it.

    The party is the vehicle maker to whom a battery enterprise delivered the pack, and otherwise the one who
    coded it.  Two: battery enterprises delivered one pack to two vehicle makers (the last delivery triggers).
    None: it was put into a vehicle though the log has neither its coding nor a delivery.  Whether the one who
    is named did sell it, a log cannot show.
    """
    e, giver, taker = view.event, view.actor.alias("giver"), view.actor.alias("taker")
    row = view.event.alias("trigger")
    to_maker = and_(
        e.c.event == int(EventType.DELIVER),
        giver.c.role == int(Role.BATTERY_ENT),
        taker.c.role == int(Role.OEM),
    )
    makers = case((to_maker, e.c.receiver))
    sold = case((to_maker, e.c.event_id))
    fitted = case((e.c.event == int(EventType.INSTALL), e.c.event_id))
    named = func.max(case((e.c.event != int(EventType.INSTALL), 1), else_=0))
    two = func.min(makers) != func.max(makers)
    chains = (
        select(
            case((two, func.max(sold)), else_=func.min(fitted)).label("event_id"),
            case((two, 2), else_=0).label("parties"),
        )
        .select_from(
            e.outerjoin(giver, giver.c.actor == e.c.actor).outerjoin(taker, taker.c.actor == e.c.receiver)
        )
        .where(one_of(e.c.event, (EventType.CODE, EventType.DELIVER, EventType.INSTALL)))
        .group_by(e.c.unit)
        .having(or_(two, named == 0))
        .subquery("chains")
    )
    return (
        finding(row, chains.c.parties)
        .select_from(row.join(chains, chains.c.event_id == row.c.event_id))
        .where(in_force(limit, row.c.event_day))
    )


VEHICLE_BATTERY_REPORTED_LATE = Rule(
    id="R12",
    name="VEHICLE_BATTERY_REPORTED_LATE",
    title_en="Vehicle and battery reported late",
    title_zh="车辆与电池信息报送逾期",
    says_en="A vehicle maker reports vehicle and codes within {limit} of the certificate of conformity.",
    says_zh="汽车生产企业应在合格证出具后{limit}内报送车辆及电池编码信息。",
    binds=(Role.OEM,),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.CERTIFY,),
    limits=(
        cn_2018(working_days(15), Article(TRACEABILITY_2018, "8"), source="P3 P4"),
        order_73(days(20), grade=Grade.B, source="S12 S13"),
    ),
    violations=reported_late(EventType.CERTIFY, by=Role.OEM),
    columns=(schema.event.c.record_day,),
)

BINDING_NOT_ONE_TO_ONE = Rule(
    id="R13",
    name="BINDING_NOT_ONE_TO_ONE",
    title_en="Vehicle and pack not bound one to one",
    title_zh="车电绑定不唯一",
    says_en="A vehicle not made for swapping has {limit} pack at a time and is certified with it; a pack is "
    "in {limit} vehicle at a time.",
    says_zh="非换电车辆同一时间只绑定{limit}个电池包，电池包同一时间只绑定{limit}辆车。",
    binds=(Role.OEM, Role.REPAIR, Role.SWAP_OP),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=(*INTO_VEHICLE, EventType.CERTIFY),
    limits=(order_73(count(1), grade=Grade.B, source="S6 S10 S14 S20"),),
    violations=_not_one_to_one,
)

RESPONSIBLE_PARTY_NOT_ONE = Rule(
    id="R19",
    name="RESPONSIBLE_PARTY_NOT_ONE",
    title_en="No responsible party, or more than one",
    title_zh="回收责任主体不唯一",
    says_en="A battery has {limit} responsible party: the vehicle maker it was sold to, otherwise its coder.",
    says_zh="每个电池有且只有{limit}个回收责任主体。",
    binds=(Role.BATTERY_ENT, Role.OEM),
    kind=Kind.HISTORY,
    severity=Severity.CRITICAL,
    needs=(EventType.DELIVER, EventType.INSTALL),
    limits=(order_73(count(1), grade=Grade.B, source="S7 S11"),),
    violations=_responsible_parties,
)
