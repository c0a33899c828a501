"""Mutants: what the cases of a rule notice, and what they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from traceability.compliance.law import day_of
from traceability.compliance.mutants import (
    Part,
    limit_mutants,
    needs_mutants,
    query_mutants,
    validity_mutants,
)
from traceability.compliance.own_rules import rule_book
from traceability.compliance.proving import prove
from traceability.compliance.rules import RULES
from traceability.compliance.rules.custody import CUSTODY_CHAIN_OPEN, DISMANTLER_HANDED_TO_OTHERS
from traceability.compliance.rules.recycling import DISPATCH_REPORTED_LATE, LITHIUM_RECOVERY_LOW
from traceability.compliance.views import truth

BOOK = rule_book()

SLACK = """
[[complies]]
name = "soon"
event = [{event = "DISPATCH", happened = 2026-05-06, reported = 2026-05-07}]

[[complies]]
name = "long before"
event = [{event = "DISPATCH", happened = 2020-05-06, reported = 2020-12-31}]

[[breaches]]
name = "after months"
event = [{event = "DISPATCH", happened = 2026-05-06, reported = 2026-12-31}]

[[breaches]]
name = "never"
as_of = 2027-01-01
event = [{event = "DISPATCH", happened = 2026-05-06, reported = "never"}]
"""


def written(folder: Path, text: str, rule: str = "R47") -> Path:
    path = folder / f"{rule}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_mutant_of_a_shipped_rule_is_killed_or_explained(rule):
    """So there are cases on both sides of every border: day 30 and 31, the first day in force and the day before."""
    proof = prove(rule, BOOK.case_files[rule.id])
    assert proof.fault == ""
    assert [(mutant.name, mutant.missing) for mutant in proof.survivors] == []
    assert proof.stale == ()
    assert all(proof.at_boundary(number) for number in range(len(rule.limits)))
    assert proof.mutants == proof.killed + len(proof.explained) > 0


def test_cases_far_from_the_borders_let_mutants_live(tmp_path):
    proof = prove(DISPATCH_REPORTED_LATE, written(tmp_path, SLACK), (Part.LIMIT, Part.VALIDITY))
    assert [(mutant.name, mutant.missing) for mutant in proof.survivors] == [
        ("limit 30 -> 29 (order73)", "one that complies with exactly 30 days"),
        ("limit 30 -> 31 (order73)", "one that breaches by the least there is beyond 30 days"),
        (
            "valid_from 2026-04-01 -> 2026-03-31 (order73)",
            "what would be a breach, on 2026-03-31: the day before the first in force",
        ),
        ("valid_from 2026-04-01 -> 2026-04-02 (order73)", "a breach on 2026-04-01, the first day in force"),
    ]
    assert (proof.mutants, proof.killed, proof.complete) == (4, 0, False)
    assert not proof.at_boundary(0)


def test_a_survivor_can_be_explained_and_an_idle_explanation_is_named(tmp_path):
    why = "\n[[explained]]\nmutant = 'limit 30 -> 29 (order73)'\nreason = 'so it is'\n"
    idle = "\n[[explained]]\nmutant = 'limit 40 -> 41 (order73)'\nreason = 'gone'\n"
    proof = prove(DISPATCH_REPORTED_LATE, written(tmp_path, SLACK + why + idle))
    assert [(mutant.name, reason) for mutant, reason in proof.explained] == [
        ("limit 30 -> 29 (order73)", "so it is")
    ]
    assert proof.stale == ("limit 40 -> 41 (order73)",)
    assert "limit 30 -> 29 (order73)" not in {mutant.name for mutant in proof.survivors}


def test_a_rule_whose_cases_fail_is_not_mutated(tmp_path):
    wrong = SLACK.replace("reported = 2026-12-31", "reported = 2026-05-08")
    proof = prove(DISPATCH_REPORTED_LATE, written(tmp_path, wrong))
    assert (proof.mutants, proof.complete) == (0, False)
    assert proof.fault == "1 of 4 cases fail as it is"
    assert "is not there" in prove(DISPATCH_REPORTED_LATE, tmp_path / "none" / "R47.toml").fault


def test_every_border_of_every_limit_is_moved():
    names = [m.name for m in (*limit_mutants(LITHIUM_RECOVERY_LOW), *validity_mutants(LITHIUM_RECOVERY_LOW))]
    assert names == [
        "limit 85 -> 84 (voluntary from 2020-01-01)",
        "limit 85 -> 86 (voluntary from 2020-01-01)",
        "limit 90 -> 89 (voluntary from 2025-01-01)",
        "limit 90 -> 91 (voluntary from 2025-01-01)",
        "valid_from 2020-01-01 -> 2019-12-31 (voluntary from 2020-01-01)",
        "valid_from 2020-01-01 -> 2020-01-02 (voluntary from 2020-01-01)",
        "valid_to 2024-12-31 -> 2024-12-30 (voluntary from 2020-01-01)",
        "valid_to 2024-12-31 -> 2025-01-01 (voluntary from 2020-01-01)",
        "valid_from 2025-01-01 -> 2024-12-31 (voluntary from 2025-01-01)",
        "valid_from 2025-01-01 -> 2025-01-02 (voluntary from 2025-01-01)",
    ]


def test_each_need_is_left_out():
    assert [
        (m.name, [need.name for need in m.rule.needs]) for m in needs_mutants(DISMANTLER_HANDED_TO_OTHERS)
    ] == [
        ("needs without SHIP", ["DIVERT"]),
        ("needs without DIVERT", ["SHIP"]),
    ]


def test_operators_and_sets_of_a_query_are_changed_under_unique_names():
    names = [m.name for m in query_mutants(CUSTODY_CHAIN_OPEN, day_of(2026, 12, 1))]
    assert len(set(names)) == len(names)
    assert "comparison >= for >: chain.waited > 15 (order73)" in names
    assert "set without COLLECT: event IN (SHIP, COLLECT, RECEIVE) (order73)" in names
    assert "comparison <> for =: chain.event = 14 (order73)" in names or any(
        name.startswith("comparison <> for =: chain.event = SHIP") for name in names
    )
    assert any(name.startswith("branch AND for OR: ") for name in names)


def test_a_changed_query_is_what_it_was_afterwards():
    """A condition that a rule file keeps in a constant is shared by all queries of the rule."""
    view = truth(day_of(2026, 12, 1))
    rule, limit = CUSTODY_CHAIN_OPEN, CUSTODY_CHAIN_OPEN.limits[0]
    kept = rule.violations(rule, limit, view)
    before = str(kept)
    for mutant in query_mutants(rule, view.as_of):
        changed = mutant.rule.violations
        object.__setattr__(changed, "query", lambda *_: kept)
        with changed.applied(rule, limit, view) as query:
            assert query is kept
        assert str(kept) == before
