"""What the EU asks beside China's duties, and the rules of one law: E01 and E02.

An overlay: these rules, and the EU's limits on R51 to R53, are asked only where `eu_2023` is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_

from traceability.compliance.law import DatedLimit, Regime, eu_2023, none, percent
from traceability.compliance.rule import Kind, Rule, Severity, under
from traceability.compliance.rules import RULES
from traceability.compliance.shapes import finding, first_of, in_force, recovered_too_little
from traceability.compliance.views import View
from traceability.errors import UnknownName
from traceability.store import schema
from traceability.vocabulary import Element, EventType, Level, Role

DATED = "dated"
"""Each law in its time."""

LAWS: Mapping[str, Regime | None] = {
    DATED: None,
    **{regime.value: regime for regime in (Regime.CN_2018, Regime.ORDER_73, Regime.EU_2023)},
}
"""Name -> the regime that is asked as if it had been the law at all times; None: each in its time."""

_PLACED = (EventType.DELIVER, EventType.SELL)


def _placed_without_identity(_rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each pack without a code, at the first delivery or sale of it on record."""
    first, unit = first_of(view, *_PLACED), view.unit
    uncoded = and_(unit.c.unit == first.c.unit, unit.c.level == int(Level.PACK), unit.c.code.is_(None))
    return finding(first).select_from(first.join(unit, uncoded)).where(in_force(limit, first.c.event_day))


RECYCLING_EFFICIENCY_LOW = Rule(
    id="E01",
    name="RECYCLING_EFFICIENCY_LOW",
    title_en="Too little of the batteries' mass recovered in a year (EU)",
    title_zh="电池回收效率不达标（欧盟）",
    says_en="A recycler of lithium batteries recovers at least {limit} of the mass of a year's batteries.",
    says_zh="锂电池回收企业年度回收效率（按质量计）应不低于{limit}。",
    binds=(Role.CU,),
    kind=Kind.AGGREGATE,
    severity=Severity.MAJOR,
    needs=(schema.material,),
    limits=(
        eu_2023(
            percent(65),
            "Annex XII B",
            source="EU1 EU2",
            valid_from=date(2025, 12, 31),
            valid_to=date(2030, 12, 30),
        ),
        eu_2023(percent(70), "Annex XII B", source="EU1 EU2", valid_from=date(2030, 12, 31)),
    ),
    violations=recovered_too_little(Element.MASS),
)

PLACED_WITHOUT_IDENTITY = Rule(
    id="E02",
    name="PLACED_WITHOUT_IDENTITY",
    title_en="Placed on the market without an identity (EU)",
    title_zh="电池无唯一标识即投放市场（欧盟）",
    says_en="Each electric-vehicle battery placed on the market has a battery passport, and so an identity.",
    says_zh="投放市场的电动汽车电池均应具有电池护照（唯一标识）。",
    binds=(Role.BATTERY_ENT, Role.OEM),
    kind=Kind.STRUCTURE,
    severity=Severity.MAJOR,
    needs=_PLACED,
    limits=(eu_2023(none(), "77(1)", source="EU4", valid_from=date(2027, 2, 18)),),
    violations=_placed_without_identity,
)

EU_RULES: tuple[Rule, ...] = (RECYCLING_EFFICIENCY_LOW, PLACED_WITHOUT_IDENTITY)
"""Duties that no law of China has."""


def rules_under(law: str, rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Return *rules* as *law* has them: 'dated', 'cn_2018', 'order73' or 'eu_2023'.

    A rule that the law does not have keeps no limit.  Under 'eu_2023' the EU's own rules come after the others.

    Raises:
        UnknownName: no such law.
    """
    if law not in LAWS:
        raise UnknownName("law", law, LAWS)
    regime = LAWS[law]
    if regime is None:
        return tuple(rules)
    beside = [rule for rule in EU_RULES if regime is Regime.EU_2023 and rule not in rules]
    return under((*rules, *beside), regime)
