"""What a used battery may not be made into, and what a product must be: R57 and R58."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from traceability.compliance.law import (
    ORDER_73,
    ORDER_73_FROM,
    Article,
    DatedLimit,
    Grade,
    none,
    order_73,
)
from traceability.compliance.rule import Kind, Rule, Severity, Violations
from traceability.compliance.shapes import finding, in_force, one_of
from traceability.compliance.views import View
from traceability.vocabulary import EventType, Role, Use

_PUT_TO_USE = (EventType.REMAKE, EventType.PLACE)


Barred = tuple[tuple[int | None, frozenset[Use]], ...]
"""(first day, or None for always; uses barred from then on), in order."""

ENACTED_BANS: Barred = ((None, frozenset()), (ORDER_73_FROM, frozenset({Use.E_BIKE})))
"""What the law has barred: art. 22 of Order 73 names electric bicycles; the other fields are not named in what we have."""

_NAMES = {
    Use.STORAGE: ("energy storage", "储能"),
    Use.BACKUP: ("backup power", "备用电源"),
    Use.LOW_SPEED: ("low-speed vehicles", "低速车"),
    Use.E_BIKE: ("electric bicycles", "电动自行车"),
}


def put_to(*uses: Use) -> Violations:
    """Each product for one of *uses*, at the first event in force that makes it or places it."""
    barred = frozenset(uses)
    return _put_to_barred(lambda _limit: barred)


def _put_to_barred(barred: Callable[[DatedLimit], frozenset[Use]]) -> Violations:
    """Each product for a use that a limit bars, at the first event that makes it or places it while one is barred."""

    def violations(rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        e, unit, row = view.event, view.unit, view.event.alias("trigger")
        wrong = [
            and_(in_force(each, e.c.event_day), one_of(unit.c.purpose, barred(each))) for each in rule.limits
        ]
        first = (
            select(func.min(e.c.event_id).label("event_id"))
            .select_from(e.join(unit, unit.c.unit == e.c.unit))
            .where(one_of(e.c.event, _PUT_TO_USE), or_(*wrong))
            .group_by(e.c.unit)
            .subquery("first_use")
        )
        triggers = row.join(first, first.c.event_id == row.c.event_id)
        return finding(row).select_from(triggers).where(in_force(limit, row.c.event_day))

    return violations


def with_bans(rule: Rule, bans: Sequence[tuple[int, int | None, frozenset[Use]]]) -> Rule:
    """Return R57 as if other uses had been barred; what holds before and after stays, new limits are imagined.

    Args:
        rule: R57, under whatever law.
        bans: (first day, last day or None, uses), in order, without overlap.
    """
    model = USED_IN_BARRED_PRODUCT
    imagined: dict[DatedLimit, frozenset[Use]] = {}
    kept = rule
    for first, last, uses in bans:
        if kept.limits:
            kept = kept.with_limit(None, valid_from=first, valid_to=last)
        if uses:
            limit = replace(model.limits[0], valid_from=first, valid_to=last, imagined=True)
            imagined[limit] = uses
    own = frozenset({Use.E_BIKE})
    named = frozenset().union(*(imagined.values() or ()), *([own] if kept.limits else ()))
    if named <= own:
        titles = (rule.title_en, rule.title_zh, rule.says_en, rule.says_zh)
    else:
        english, chinese = (
            sep.join(_NAMES[use][at] for use in sorted(named)) for at, sep in enumerate((", ", "、"))
        )
        titles = (
            "Used battery in a barred product",
            "废旧动力电池用于禁止用途",
            f"Nobody uses a used power battery, as it is or remade, for what is barred at the time, of: {english}.",
            f"不得将废旧动力电池直接或者加工后用于当时禁止的用途（所涉用途：{chinese}）。",
        )
    return replace(
        rule,
        title_en=titles[0],
        title_zh=titles[1],
        says_en=titles[2],
        says_zh=titles[3],
        limits=tuple(sorted((*kept.limits, *imagined), key=lambda limit: limit.valid_from or 0)),
        violations=_put_to_barred(lambda limit: imagined.get(limit, own)),
    )


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
