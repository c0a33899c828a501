"""What a used battery may not be made into, and what a product must be: R57 and R58."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, select

from traceability.compliance.law import ORDER_73, Article, DatedLimit, Grade, none, order_73
from traceability.compliance.rule import Kind, Rule, Severity, Violations
from traceability.compliance.shapes import finding, in_force, one_of
from traceability.compliance.views import View
from traceability.vocabulary import EventType, Role, Use

_PUT_TO_USE = (EventType.REMAKE, EventType.PLACE)


def put_to(*uses: Use) -> Violations:
    """Each product for one of *uses*, at the first event in force that makes it or places it."""

    def violations(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, unit, row = view.event, view.unit, view.event.alias("trigger")
        first = (
            select(func.min(e.c.event_id).label("event_id"))
            .select_from(e.join(unit, unit.c.unit == e.c.unit))
            .where(
                one_of(e.c.event, _PUT_TO_USE), in_force(limit, e.c.event_day), one_of(unit.c.purpose, uses)
            )
            .group_by(e.c.unit)
            .subquery("first_use")
        )
        return finding(row).select_from(row.join(first, first.c.event_id == row.c.event_id))

    return violations


def _sold_unproven(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each product placed on the market of which nothing on record by that day shows that it conforms."""
    e, report = view.event, view.event.alias("report")
    shown = (
        select(report.c.unit, func.min(report.c.event_day).label("since"))
        .where(report.c.event == int(EventType.CONFORM), report.c.unit.is_not(None))
        .group_by(report.c.unit)
        .subquery("shown")
    )
    in_time = and_(shown.c.unit == e.c.unit, shown.c.since <= e.c.event_day)
    return (
        finding(e)
        .select_from(e.outerjoin(shown, in_time))
        .where(e.c.event == int(EventType.PLACE), in_force(limit, e.c.event_day), shown.c.unit.is_(None))
    )


USED_IN_BARRED_PRODUCT = Rule(
    id="R57",
    name="USED_IN_BARRED_PRODUCT",
    title_en="Used battery in an electric bicycle",
    title_zh="废旧动力电池用于电动自行车",
    says_en="Nobody uses a used power battery, as it is or remade, in electric bicycles.",
    says_zh="不得将废旧动力电池直接或者加工后用于电动自行车。",
    binds=(Role.PRODUCT_MAKER, Role.CU, Role.INFORMAL),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    needs=_PUT_TO_USE,
    limits=(order_73(none(), Article(ORDER_73, "22"), grade=Grade.A, source="S2 S15"),),
    violations=put_to(Use.E_BIKE),
)

SOLD_WITHOUT_CONFORMITY = Rule(
    id="R58",
    name="SOLD_WITHOUT_CONFORMITY",
    title_en="Remade product sold without proof that it conforms",
    title_zh="再制造产品未经符合性验证即销售",
    says_en="A product remade of used batteries meets the standard of its use before it is sold.",
    says_zh="利用废旧动力电池生产的产品应符合其应用领域的质量标准方可销售。",
    binds=(Role.PRODUCT_MAKER, Role.CU),
    kind=Kind.EVENT,
    severity=Severity.CRITICAL,
    # a log without a single proof says nothing of who lacks one
    needs=(EventType.CONFORM,),
    limits=(order_73(none(), grade=Grade.B, source="S16 S15"),),
    violations=_sold_unproven,
)
