"""What the rules say of one unit or vehicle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select

from traceability.compliance.audit import audit, happened_and_visible
from traceability.compliance.findings import NOT_ASKED, YES, Findings
from traceability.compliance.law import DatedLimit
from traceability.compliance.rule import Rule
from traceability.compliance.views import View, register
from traceability.events import NULL
from traceability.life.lookup import Subject
from traceability.life.parts import Breach
from traceability.store import Store


def breaches(store: Store, subject: Subject, as_of: int, rules: Sequence[Rule]) -> tuple[Breach, ...]:
    """Return what *rules* find of *subject* by the day *as_of*, in the order of the days.

    A store that knows the truth, as its meta rows say, is asked for both views, another for the register.

    Raises:
        RuleBroken: a rule that does not run.
    """
    if not rules:
        return ()
    own = [concerning(rule, subject) for rule in rules]
    if store.meta().get("truth") == "yes":
        card = happened_and_visible(store, as_of, own)
        audits, found = [card.truth, card.register], card.findings
    else:
        told = audit(store, register(as_of), own)
        audits, found = [told], told.findings
    for one in audits:
        one.stop_if_broken()
    rows = [_breach(found, row) for row in range(len(found))]
    return tuple(sorted(rows, key=lambda breach: (breach.day is None, breach.day or 0, breach.rule)))


def concerning(rule: Rule, subject: Subject) -> Rule:
    """Return *rule* asked of *subject* alone: its own query, of which only some rows are wanted."""
    everything = rule.violations

    def violations(asked: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        found = everything(asked, limit, view).subquery("everybody")
        whom = found.c.vehicle if subject.is_vehicle else found.c.unit
        return select(*found.c).where(whom == subject.number)

    return replace(rule, violations=violations)


def _breach(found: Findings, row: int) -> Breach:
    rule = found.rules[found.rule[row]]
    limit = rule.limits[found.limit[row]]
    event_id, actor, day, measured = (
        None if (value := int(getattr(found, name)[row])) == NULL else value
        for name in ("event_id", "actor", "day", "measured")
    )
    happened, visible = (
        None if (value := int(getattr(found, name)[row])) == NOT_ASKED else value == YES
        for name in ("happened", "visible")
    )
    return Breach(
        rule=rule.id,
        title_en=rule.title_en,
        title_zh=rule.title_zh,
        article=str(limit.article),
        grade=limit.grade.value,
        event_id=event_id,
        actor=actor,
        day=day,
        measured=measured,
        limit=None if limit.value is None else str(limit.bound),
        happened=happened,
        visible=visible,
    )
