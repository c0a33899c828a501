"""What a used battery may not be made into: R57."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

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
