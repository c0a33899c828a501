"""Before and with delivery, and what a maker tells: R06, R07, R10, R11, R17."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, or_, select, union

from traceability.compliance.law import (
    ORDER_73,
    Article,
    DatedLimit,
    Grade,
    days,
    months,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import finding, first_of, in_force, overdue
from traceability.compliance.views import View
from traceability.vocabulary import EventType, Role

_SALES = (EventType.DELIVER, EventType.SELL)


def _imported_without_code(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each imported unit first sold (or delivered) before it bore a code that the platform had been told of."""
    e, sale, unit = view.event, first_of(view, *_SALES), view.unit
    imported = select(e.c.unit).where(e.c.event == int(EventType.IMPORT)).distinct().subquery("imported")
    coded = (
        select(e.c.unit, func.min(e.c.record_day).label("day"))
        .where(e.c.event == int(EventType.CODE))
        .group_by(e.c.unit)
        .subquery("coded")
    )
    rows = (
        sale.join(imported, imported.c.unit == sale.c.unit)
        .join(unit, unit.c.unit == sale.c.unit)
        .outerjoin(coded, coded.c.unit == sale.c.unit)
    )
    return (
        finding(sale)
        .select_from(rows)
        .where(
            in_force(limit, sale.c.event_day),
            or_(unit.c.code.is_(None), func.coalesce(coded.c.day, view.as_of + 1) > sale.c.event_day),
        )
    )


def _sold_without_label(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit on which no label had been put by the day of its first sale or delivery."""
    e, sale = view.event, first_of(view, *_SALES)
    labelled = (
        select(e.c.unit, func.min(e.c.event_day).label("day"))
        .where(e.c.event == int(EventType.LABEL))
        .group_by(e.c.unit)
        .subquery("labelled")
    )
    return (
        finding(sale)
        .select_from(sale.outerjoin(labelled, labelled.c.unit == sale.c.unit))
        .where(
            in_force(limit, sale.c.event_day),
            func.coalesce(labelled.c.day, view.as_of + 1) > sale.c.event_day,
        )
    )


def _receiver_not_informed(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit delivered to a vehicle maker who was not told its code and how to dismantle it in time.

    Measured: days from the delivery until that was done, or until today.
    """
    e, giver, taker = view.event, view.actor.alias("giver"), view.actor.alias("taker")
    told = (
        select(e.c.unit, e.c.receiver, func.min(e.c.event_day).label("day"))
        .where(e.c.event == int(EventType.INFORM))
        .group_by(e.c.unit, e.c.receiver)
        .subquery("informed")
    )
    rows = (
        e.join(giver, and_(giver.c.actor == e.c.actor, giver.c.role == int(Role.BATTERY_ENT)))
        .join(taker, and_(taker.c.actor == e.c.receiver, taker.c.role == int(Role.OEM)))
        .outerjoin(told, and_(told.c.unit == e.c.unit, told.c.receiver == e.c.receiver))
    )
    informed = func.coalesce(told.c.day, view.as_of)
    timed, waited, late = overdue(view, limit, rows, e.c.event_day, informed)
    return (
        finding(e, waited)
        .select_from(timed)
        .where(e.c.event == int(EventType.DELIVER), in_force(limit, e.c.event_day), late)
    )


def _dismantling_not_published(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each certificate whose maker told the platform too late how the battery is dismantled, or not yet.

    What a maker publishes without naming a vehicle is for all of its vehicles.  Measured: months begun.
    """
    e, told = view.event, view.event.alias("publication")
    publishes = told.c.event == int(EventType.PUBLISH_INFORMATION)
    of_one = select(told.c.vehicle, told.c.event_day).where(publishes, told.c.vehicle.is_not(None))
    of_all = (
        select(e.c.vehicle, told.c.event_day)
        .select_from(e.join(told, told.c.actor == e.c.actor))
        .where(publishes, told.c.vehicle.is_(None), e.c.event == int(EventType.CERTIFY))
    )
    either = union(of_one, of_all).subquery("either")
    published = (
        select(either.c.vehicle, func.min(either.c.event_day).label("day"))
        .group_by(either.c.vehicle)
        .subquery("published")
    )
    rows = e.outerjoin(published, published.c.vehicle == e.c.vehicle)
    day = func.coalesce(published.c.day, view.as_of)
    timed, waited, late = overdue(view, limit, rows, e.c.event_day, day)
    return (
        finding(e, waited)
        .select_from(timed)
        .where(e.c.event == int(EventType.CERTIFY), in_force(limit, e.c.event_day), late)
    )


def _user_not_told(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit that reached its recommended life, and whose user was told too late, or not yet.

    Measured: days from that day until the notice, or until today.
    """
    e = view.event
    told = (
        select(e.c.unit, func.min(e.c.event_day).label("day"))
        .where(e.c.event == int(EventType.NOTIFY_USER))
        .group_by(e.c.unit)
        .subquery("told")
    )
    rows = e.outerjoin(told, told.c.unit == e.c.unit)
    noticed = func.coalesce(told.c.day, view.as_of)
    timed, waited, late = overdue(view, limit, rows, e.c.event_day, noticed)
    return (
        finding(e, waited)
        .select_from(timed)
        .where(e.c.event == int(EventType.REACH_LIFE), in_force(limit, e.c.event_day), late)
    )


IMPORTED_WITHOUT_CODE = Rule(
    id="R06",
    name="IMPORTED_WITHOUT_CODE",
    title_en="Imported battery sold before it was coded and registered",
    title_zh="进口电池销售前未编码登记",
    says_en="An importer codes a battery and registers it on the platform before its first sale.",
    says_zh="进口动力电池应在首次销售前完成编码并在平台登记。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.IMPORT,),
    limits=(order_73(none(), grade=Grade.B, source="S6 S7 S8 S12"),),
    violations=_imported_without_code,
)

SOLD_WITHOUT_LABEL = Rule(
    id="R07",
    name="SOLD_WITHOUT_LABEL",
    title_en="Battery sold without a label",
    title_zh="电池销售前未加贴标识",
    says_en="A battery enterprise puts a label with the code on a battery before it sells it.",
    says_zh="电池企业应在动力电池销售前标示编码。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.LABEL,),
    limits=(order_73(none(), grade=Grade.B, source="S6 S7 S8 S12"),),
    violations=_sold_without_label,
)

RECEIVER_NOT_INFORMED = Rule(
    id="R10",
    name="RECEIVER_NOT_INFORMED",
    title_en="Codes and dismantling information not passed with delivery",
    title_zh="未随电池交付编码和拆解技术信息",
    says_en="A battery enterprise passes codes and dismantling information to the vehicle maker within {limit} "
    "of delivery.",
    says_zh="电池企业应在交付后{limit}内向汽车生产企业提供电池编码和拆解技术信息。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.DEADLINE,
    severity=Severity.MINOR,
    needs=(EventType.INFORM,),
    limits=(order_73(days(0), Article(ORDER_73, "11"), grade=Grade.B, source="S5 S7", assumed=True),),
    violations=_receiver_not_informed,
)

DISMANTLING_NOT_PUBLISHED = Rule(
    id="R11",
    name="DISMANTLING_NOT_PUBLISHED",
    title_en="Dismantling information not sent to the platform in time",
    title_zh="动力电池拆解技术信息报送逾期",
    says_en="A vehicle maker sends dismantling information to the platform within {limit} of certification.",
    says_zh="汽车生产企业应在产品取得认证后{limit}内向平台报送动力电池拆解技术信息。",
    binds=(Role.OEM,),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.PUBLISH_INFORMATION,),
    limits=(order_73(months(6), grade=Grade.B, source="S12 S13"),),
    violations=_dismantling_not_published,
)

USER_NOT_TOLD = Rule(
    id="R17",
    name="USER_NOT_TOLD",
    title_en="User not told that the battery has reached its service life",
    title_zh="未提示用户电池已达推荐使用年限",
    says_en="A vehicle maker tells the user how to return the battery within {limit} of its recommended life.",
    says_zh="动力电池达到推荐使用年限后{limit}内，汽车生产企业应提示用户交回方式。",
    binds=(Role.OEM,),
    kind=Kind.DEADLINE,
    severity=Severity.MINOR,
    needs=(EventType.REACH_LIFE,),
    limits=(order_73(days(0), grade=Grade.B, source="S8", assumed=True),),
    violations=_user_not_told,
)
