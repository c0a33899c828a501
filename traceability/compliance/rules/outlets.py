"""Recycling service outlets: whether they are there, published, and open to those who bring: R14, R15, R16, R18."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, distinct, func, select

from traceability.compliance.law import DatedLimit, Grade, count, none, order_73
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import finding, in_force, one_of
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import EventType, Role


def _no_outlet_in_prefecture(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each prefecture in which a vehicle maker sells and has too few outlets."""
    e, maker, vehicle = view.event, view.actor.alias("maker"), view.vehicle
    sales = (
        select(
            e.c.event_id, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day, vehicle.c.prefecture.label("area")
        )
        .select_from(
            e.join(maker, and_(maker.c.actor == e.c.actor, maker.c.role == int(Role.OEM))).join(
                vehicle, vehicle.c.vehicle == e.c.vehicle
            )
        )
        .where(
            e.c.event == int(EventType.SELL),
            vehicle.c.prefecture.is_not(None),
            in_force(limit, e.c.event_day),
        )
    )
    return _too_few_outlets(limit, view, sales, "prefecture")


def _no_outlet_in_province(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each province in which a battery enterprise sells to others than vehicle makers and has too few outlets."""
    e, maker, buyer = view.event, view.actor.alias("maker"), view.actor.alias("buyer")
    sales = (
        select(e.c.event_id, e.c.unit, e.c.vehicle, e.c.actor, e.c.event_day, buyer.c.province.label("area"))
        .select_from(
            e.join(maker, and_(maker.c.actor == e.c.actor, maker.c.role == int(Role.BATTERY_ENT))).join(
                buyer, buyer.c.actor == e.c.receiver
            )
        )
        .where(
            e.c.event == int(EventType.DELIVER),
            buyer.c.role != int(Role.OEM),
            # province 0 is all of them, or none that is known
            buyer.c.province != 0,
            in_force(limit, e.c.event_day),
        )
    )
    return _too_few_outlets(limit, view, sales, "province")


def _too_few_outlets(limit: DatedLimit, view: View, sales: Select[Any], area: str) -> Select[Any]:
    """Return the first of each firm's *sales* in each area where it has opened too few outlets by today.

    By which day after the first sale an outlet must be there, no text says.  Measured: outlets.
    """
    sale = sales.subquery("sale")
    nth = func.row_number().over(
        partition_by=(sale.c.actor, sale.c.area), order_by=(sale.c.event_day, sale.c.event_id)
    )
    numbered = select(*sale.c, nth.label("nth")).subquery("numbered")
    opening, outlet = view.event.alias("opening"), view.actor.alias("outlet")
    outlets = func.count(distinct(opening.c.receiver))
    opened = (
        select(opening.c.actor, outlet.c[area].label("area"), outlets.label("outlets"))
        .select_from(opening.join(outlet, outlet.c.actor == opening.c.receiver))
        .where(opening.c.event == int(EventType.OPEN_OUTLET))
        .group_by(opening.c.actor, outlet.c[area])
        .subquery("opened")
    )
    kept = func.coalesce(opened.c.outlets, 0)
    rows = numbered.outerjoin(
        opened, and_(opened.c.actor == numbered.c.actor, opened.c.area == numbered.c.area)
    )
    return finding(numbered, kept).select_from(rows).where(numbered.c.nth == 1, kept < limit.value)


def _not_published(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each outlet that was opened and of which its firm has published nothing by today."""
    e, publication = view.event, view.event.alias("publication")
    published = (
        select(publication.c.actor, publication.c.receiver)
        .where(publication.c.event == int(EventType.PUBLISH_OUTLET))
        .distinct()
        .subquery("published")
    )
    rows = e.outerjoin(published, and_(published.c.actor == e.c.actor, published.c.receiver == e.c.receiver))
    return (
        finding(e)
        .select_from(rows)
        .where(
            e.c.event == int(EventType.OPEN_OUTLET),
            in_force(limit, e.c.event_day),
            published.c.actor.is_(None),
        )
    )


def _refused(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each refusal by a battery enterprise or an outlet of what a swap operator or a repair firm offers."""
    e, who, giver = view.event, view.actor.alias("refuser"), view.actor.alias("giver")
    rows = e.join(who, who.c.actor == e.c.actor).join(giver, giver.c.actor == e.c.receiver)
    return (
        finding(e)
        .select_from(rows)
        .where(
            e.c.event == int(EventType.REFUSE),
            in_force(limit, e.c.event_day),
            one_of(who.c.role, (Role.BATTERY_ENT, Role.OUTLET)),
            one_of(giver.c.role, (Role.SWAP_OP, Role.REPAIR)),
        )
    )


NO_OUTLET_IN_PREFECTURE = Rule(
    id="R14",
    name="NO_OUTLET_IN_PREFECTURE",
    title_en="Vehicle maker without an outlet where it sells",
    title_zh="汽车生产企业在销售地市未设回收服务网点",
    says_en="A vehicle maker has at least {limit} outlet in each prefecture-level region where it sells.",
    says_zh="汽车生产企业应在其销售的每个地级行政区域设立至少{limit}个回收服务网点。",
    binds=(Role.OEM,),
    kind=Kind.AGGREGATE,
    severity=Severity.MAJOR,
    needs=(EventType.OPEN_OUTLET,),
    limits=(order_73(count(1), grade=Grade.B, source="S7"),),
    violations=_no_outlet_in_prefecture,
    columns=(schema.vehicle.c.prefecture, schema.actor.c.prefecture),
)

NO_OUTLET_IN_PROVINCE = Rule(
    id="R15",
    name="NO_OUTLET_IN_PROVINCE",
    title_en="Battery enterprise without an outlet where it sells to others than vehicle makers",
    title_zh="电池企业在销售省份未设回收服务网点",
    says_en="A battery enterprise has at least {limit} outlet in each provincial-level region where it sells to "
    "others than vehicle makers.",
    says_zh="电池企业应在其向汽车生产企业以外销售的每个省级行政区域设立至少{limit}个回收服务网点。",
    binds=(Role.BATTERY_ENT,),
    kind=Kind.AGGREGATE,
    severity=Severity.MAJOR,
    needs=(EventType.OPEN_OUTLET,),
    limits=(order_73(count(1), grade=Grade.B, source="S7"),),
    violations=_no_outlet_in_province,
)

OUTLET_NOT_PUBLISHED = Rule(
    id="R16",
    name="OUTLET_NOT_PUBLISHED",
    title_en="Outlet opened and not published",
    title_zh="回收服务网点信息未公开",
    says_en="Who sets up an outlet publishes where it is.",
    says_zh="设立回收服务网点的企业应公开网点信息。",
    binds=(Role.OEM, Role.BATTERY_ENT),
    kind=Kind.EVENT,
    severity=Severity.MINOR,
    needs=(EventType.PUBLISH_OUTLET,),
    limits=(order_73(none(), grade=Grade.B, source="S7"),),
    violations=_not_published,
)

HANDOVER_REFUSED = Rule(
    id="R18",
    name="HANDOVER_REFUSED",
    title_en="Used battery refused",
    title_zh="拒收废旧动力电池",
    says_en="A battery enterprise and its outlets refuse no used battery that a leasing or swap operator or a "
    "repair firm hands over.",
    says_zh="电池企业及其回收服务网点不得拒收电池租赁、换电运营企业和机动车维修企业移交的废旧动力电池。",
    binds=(Role.BATTERY_ENT, Role.OUTLET),
    kind=Kind.EVENT,
    severity=Severity.MAJOR,
    needs=(EventType.REFUSE,),
    limits=(order_73(none(), grade=Grade.B, source="S11"),),
    violations=_refused,
)
