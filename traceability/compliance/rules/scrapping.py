"""Scrapped vehicles and their batteries: R29, R32, R35."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from traceability.compliance.law import (
    ORDER_73,
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
from traceability.compliance.rule import Kind, Rule, Severity, Violations
from traceability.compliance.shapes import done_by_others, finding, in_force, reported_late
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import EventType, Role


def certified_without_battery(*, swap_exempt: bool) -> Violations:
    """Each certificate for a vehicle that had been received without its battery.

    The certificate is the trigger.  A vehicle of whose reception the view knows nothing is no breach.

    Args:
        swap_exempt: whether vehicles made for swapping are spared; an imagined law may end that.
    """

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, vehicle, received = view.event, view.vehicle, view.event.alias("received")
        without = (
            select(received.c.vehicle)
            .where(received.c.event == int(EventType.RECEIVE_VEHICLE))
            .group_by(received.c.vehicle)
            .having(func.max(received.c.unit).is_(None))
            .subquery("without_battery")
        )
        rows = e.join(without, without.c.vehicle == e.c.vehicle).join(
            vehicle, vehicle.c.vehicle == e.c.vehicle
        )
        query = (
            finding(e)
            .select_from(rows)
            .where(e.c.event == int(EventType.ISSUE_CERTIFICATE), in_force(limit, e.c.event_day))
        )
        return query.where(vehicle.c.swap.is_(False)) if swap_exempt else query

    return violations


CERTIFICATE_WITHOUT_BATTERY = Rule(
    id="R29",
    name="CERTIFICATE_WITHOUT_BATTERY",
    title_en="Scrapping certificate for a vehicle without its battery",
    title_zh="车电未一体报废",
    says_en="A scrapped vehicle is delivered with its battery, or gets no certificate; vehicles made for "
    "swapping are exempt.",
    says_zh="新能源汽车报废应车电一体交付，缺少动力电池的不予出具回收证明；换电车辆除外。",
    binds=(Role.ELV, Role.OWNER),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=(EventType.ISSUE_CERTIFICATE,),
    limits=(order_73(none(), grade=Grade.B, source="S10 S11 S16 S17"),),
    violations=certified_without_battery(swap_exempt=True),
    # whether a vehicle is one for swapping must be known
    columns=(schema.vehicle.c.swap,),
)

DISMANTLER_REPORTED_LATE = Rule(
    id="R32",
    name="DISMANTLER_REPORTED_LATE",
    title_en="Vehicle dismantler reported late",
    title_zh="拆解企业信息报送逾期",
    says_en="A dismantler reports within {limit} of issuing the certificate, again of shipping the battery.",
    says_zh="报废机动车回收拆解企业应在出具回收证明后、电池出库后{limit}内报送信息。",
    binds=(Role.ELV,),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.ISSUE_CERTIFICATE, EventType.SHIP),
    limits=(
        cn_2018(working_days(15), Article(TRACEABILITY_2018, "13"), source="P1"),
        order_73(days(30), grade=Grade.U, source="S10 S14", assumed=True),
    ),
    violations=reported_late(EventType.ISSUE_CERTIFICATE, EventType.SHIP, by=Role.ELV),
    columns=(schema.event.c.record_day,),
)

OPENED_BY_OTHERS = Rule(
    id="R35",
    name="OPENED_BY_OTHERS",
    title_en="Pack dismantled by somebody else than a processor",
    title_zh="非综合利用企业拆解电池",
    says_en="Only a comprehensive-utilisation enterprise dismantles: opening a pack is utilisation already.",
    says_zh="仅综合利用企业可拆解废旧动力电池。",
    binds=(Role.OUTLET, Role.REPAIR, Role.ELV, Role.SWAP_OP, Role.PRODUCT_MAKER, Role.INFORMAL),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=(EventType.DISMANTLE,),
    limits=(order_73(none(), Article(ORDER_73, "45", 3), grade=Grade.A, source="S4 G1"),),
    violations=done_by_others(EventType.DISMANTLE, allowed=Role.CU),
)
