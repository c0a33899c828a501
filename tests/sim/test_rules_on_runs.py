"""What the rules say of a simulated log: none breaks, and none speaks of what is never written."""

from __future__ import annotations

from datetime import date

import pytest

from tests.sim.small import run, small
from traceability.compliance.audit import Fate, audit
from traceability.compliance.views import view_of
from traceability.vocabulary import EventType

WORLD = run(small(until=date(2028, 12, 31)))


@pytest.mark.parametrize("view", ["truth", "register"])
def test_no_rule_breaks_and_each_that_has_nothing_to_look_at_is_skipped(view):
    answer = audit(WORLD.store, view_of(view, int(WORLD.store.meta()["last_day"])))
    written = {EventType(number) for (number,) in WORLD.rows("select distinct event from event")}
    assert answer.broken == ()
    silent = {
        outcome.rule.id
        for outcome in answer.outcomes
        if all(isinstance(need, EventType) and need not in written for need in outcome.rule.needs)
    }
    skipped = {outcome.rule.id for outcome in answer.outcomes if outcome.fate is Fate.SKIPPED}
    assert silent <= skipped
    assert silent >= {"R42", "R48", "R56", "R58"}


def test_those_who_carry_batteries_are_licensed_to():
    outcome = {
        o.rule.id: o
        for o in audit(WORLD.store, view_of("truth", int(WORLD.store.meta()["last_day"]))).outcomes
    }["R43"]
    shipped = WORLD.rows(
        f"select count(*) from event where happened and event = {EventType.SHIP} and carrier is not null"
    )
    assert (outcome.fate, outcome.findings) == (Fate.RAN, 0)
    assert shipped[0][0] > 0
