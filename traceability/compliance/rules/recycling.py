"""Comprehensive utilisation, which is material recycling: R44, R46, R47, R50, R51, R52."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Select, and_, case, or_, select

from traceability.compliance.law import (
    CONDITIONS_2019,
    CONDITIONS_2024,
    ORDER_73,
    TRACEABILITY_2018,
    Article,
    DatedLimit,
    Grade,
    Regime,
    cn_2018,
    count,
    days,
    eu_2023,
    order_73,
    percent,
    registry_logic,
    voluntary,
    working_days,
)
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.shapes import (
    ALL_PERMITS,
    NOTHING,
    finding,
    in_force,
    one_of,
    permits_held,
    recovered_too_little,
    reported_late,
    whole_percent,
)
from traceability.compliance.views import View
from traceability.store import schema
from traceability.vocabulary import Element, EventType, Role

_TREATS = (EventType.PROCESS, EventType.DISMANTLE)

_nickel_cobalt_manganese = recovered_too_little(Element.NI, Element.CO, Element.MN)
_nickel_cobalt = recovered_too_little(Element.NI, Element.CO)


def _cathode_metals(rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each year with too little nickel, cobalt or manganese recovered; the EU does not ask for manganese."""
    asked = _nickel_cobalt if limit.regime is Regime.EU_2023 else _nickel_cobalt_manganese
    return asked(rule, limit, view)


def _without_permits(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each unit treated by a comprehensive-utilisation enterprise that lacked a permit on that day.

    Measured: how many kinds of permit were valid."""
    e, who = view.event, view.actor
    asked = select(e.c.actor.label("holder"), e.c.event_day.label("day")).where(one_of(e.c.event, _TREATS))
    permits = permits_held(view, asked)
    rows = e.join(who, and_(who.c.actor == e.c.actor, who.c.role == int(Role.CU))).join(
        permits, and_(permits.c.holder == e.c.actor, permits.c.day == e.c.event_day)
    )
    return (
        finding(e, permits.c.held)
        .select_from(rows)
        .where(one_of(e.c.event, _TREATS), in_force(limit, e.c.event_day), permits.c.held < limit.value)
    )


def _mass_differs(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each lot of which the parts are not the whole, beyond the limit.  Measured: percent of the input."""
    m = view.material
    lacking = m.c.input_g - m.c.recovered_g - m.c.residue_g
    off = case((lacking < 0, -lacking), else_=lacking)
    return select(
        NOTHING.label("event_id"),
        m.c.lot.label("unit"),
        NOTHING.label("vehicle"),
        m.c.actor,
        m.c.day,
        whole_percent(off, m.c.input_g).label("measured"),
    ).where(
        m.c.element == int(Element.MASS),
        in_force(limit, m.c.day),
        or_(lacking * 100 > m.c.input_g * limit.value, lacking * 100 < m.c.input_g * -(limit.value or 0)),
    )


TREATED_WITHOUT_PERMITS = Rule(
    id="R44",
    name="TREATED_WITHOUT_PERMITS",
    title_en="Treated without all permits",
    title_zh="综合利用企业手续不全",
    says_en="A comprehensive-utilisation enterprise holds {limit} permits before it treats a battery: "
    "project, environmental assessment, facilities, discharge.",
    says_zh="综合利用企业应具备项目备案、环评、环保安全设施、排污许可共{limit}项手续方可开展综合利用。",
    binds=(Role.CU,),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_TREATS,
    limits=(order_73(count(ALL_PERMITS), Article(ORDER_73, "18"), grade=Grade.A, source="S2"),),
    violations=_without_permits,
    # a log without a single permit does not keep them
    columns=(schema.permit.c.kind,),
)

RECEIPT_REPORTED_LATE = Rule(
    id="R46",
    name="RECEIPT_REPORTED_LATE",
    title_en="Inbound report late",
    title_zh="入库信息报送逾期",
    says_en="A comprehensive-utilisation enterprise reports the receipt of used batteries within {limit}.",
    says_zh="综合利用企业应在废旧动力电池入库后{limit}内报送信息。",
    binds=(Role.CU,),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.RECEIVE,),
    limits=(
        cn_2018(working_days(30), Article(TRACEABILITY_2018, "15"), source="P1"),
        order_73(days(30), Article(ORDER_73, "24", 7), grade=Grade.A, source="S2"),
    ),
    violations=reported_late(EventType.RECEIVE, by=Role.CU),
    columns=(schema.event.c.record_day,),
)

DISPATCH_REPORTED_LATE = Rule(
    id="R47",
    name="DISPATCH_REPORTED_LATE",
    title_en="Outbound report late",
    title_zh="出库信息报送逾期",
    says_en="A comprehensive-utilisation enterprise reports within {limit} that a lot has left.",
    says_zh="综合利用企业应在综合利用产品出库后{limit}内报送信息。",
    binds=(Role.CU,),
    kind=Kind.DEADLINE,
    severity=Severity.MAJOR,
    needs=(EventType.DISPATCH,),
    # No limit before: the duty of 2018 (art. 15) ran from the end of treatment, not from the goods' leaving.
    limits=(order_73(days(30), Article(ORDER_73, "24", 7), grade=Grade.A, source="S2"),),
    violations=reported_late(EventType.DISPATCH, by=Role.CU),
    columns=(schema.event.c.record_day,),
)

MASS_NOT_BALANCED = Rule(
    id="R50",
    name="MASS_NOT_BALANCED",
    title_en="Mass of a lot does not balance",
    title_zh="批次物料不平衡",
    says_en="What went into a lot is what was recovered and what was left over, within {limit}.",
    says_zh="批次投入量与产出量、残余量之差不超过{limit}。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MAJOR,
    needs=(schema.material,),
    limits=(registry_logic(percent(2), assumed=True),),
    violations=_mass_differs,
)

LITHIUM_RECOVERY_LOW = Rule(
    id="R51",
    name="LITHIUM_RECOVERY_LOW",
    title_en="Too little lithium recovered in a year",
    title_zh="锂回收率不达标",
    says_en="A listed enterprise recovers at least {limit} of the lithium of a year.",
    says_zh="列入公告的企业年度锂回收率应不低于{limit}。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MINOR,
    needs=(schema.material,),
    limits=(
        voluntary(
            percent(85),
            Article(CONDITIONS_2019),
            grade=Grade.C,
            source="C2",
            valid_from=date(2020, 1, 1),
            valid_to=date(2024, 12, 31),
        ),
        voluntary(
            percent(90), Article(CONDITIONS_2024), grade=Grade.C, source="C1", valid_from=date(2025, 1, 1)
        ),
    ),
    violations=recovered_too_little(Element.LI),
    voluntary=True,
    overlays=(
        eu_2023(
            percent(50),
            "Annex XII C",
            source="EU1 EU2",
            valid_from=date(2027, 12, 31),
            valid_to=date(2031, 12, 30),
        ),
        eu_2023(percent(80), "Annex XII C", source="EU1 EU2", valid_from=date(2031, 12, 31)),
    ),
    overlay_says=(
        "A recycler recovers at least {limit} of the lithium of a year's batteries.",
        "回收企业年度锂回收率应不低于{limit}。",
    ),
)

NICKEL_COBALT_MANGANESE_RECOVERY_LOW = Rule(
    id="R52",
    name="NICKEL_COBALT_MANGANESE_RECOVERY_LOW",
    title_en="Too little nickel, cobalt or manganese recovered in a year",
    title_zh="镍钴锰回收率不达标",
    says_en="A listed enterprise recovers at least {limit} of a year's nickel, cobalt and manganese each.",
    says_zh="列入公告的企业年度镍、钴、锰回收率应分别不低于{limit}。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MINOR,
    needs=(schema.material,),
    limits=(
        voluntary(
            percent(98), Article(CONDITIONS_2024), grade=Grade.C, source="C1", valid_from=date(2025, 1, 1)
        ),
    ),
    violations=_cathode_metals,
    voluntary=True,
    overlays=(
        eu_2023(
            percent(90),
            "Annex XII C",
            source="EU1 EU2",
            valid_from=date(2027, 12, 31),
            valid_to=date(2031, 12, 30),
        ),
        # 95 % of cobalt was seen, that of nickel is general knowledge: the weaker grade stands for both
        eu_2023(percent(95), "Annex XII C", source="EU1", valid_from=date(2031, 12, 31), grade=Grade.K),
    ),
    overlay_says=(
        "A recycler recovers at least {limit} of the nickel and cobalt each of a year's batteries.",
        "回收企业年度镍、钴回收率应分别不低于{limit}。",
    ),
)
