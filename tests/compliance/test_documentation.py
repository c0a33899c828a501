"""docs/regulation.md says of the law what the rules say."""

from __future__ import annotations

from pathlib import Path

import pytest

from traceability.compliance.law import Regime
from traceability.compliance.rules import RULES

PAGE = (Path(__file__).parents[2] / "docs" / "regulation.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_limit_stands_in_the_table_of_articles_with_its_grade(rule):
    """A row of five cells: article, words, source, grade, rules."""
    table = [(row[2], row[3]) for row in ROWS if len(row) == 5 and rule.id in row[4]]
    for limit in rule.limits:
        sources = limit.source.split() or ["assumed"]
        assert any(grade == limit.grade.value and all(s in given for s in sources) for given, grade in table)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_is_explained(rule):
    assert any(rule.id in row[0].split() for row in ROWS if len(row) == 3)


def test_each_regime_is_explained():
    assert {row[0].strip("`") for row in ROWS if row[0].startswith("`")} >= {
        regime.value for regime in Regime
    }
