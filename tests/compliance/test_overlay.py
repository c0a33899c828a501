"""The EU's law over the log: asked for by name, and never beside China's unless it is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from traceability.compliance.audit import Fate, audit
from traceability.compliance.cases import CASE_FILES, load_cases, write_cases
from traceability.compliance.law import Grade, Regime, day_of
from traceability.compliance.proving import prove
from traceability.compliance.rule import Rule, under
from traceability.compliance.rules import RULES
from traceability.compliance.rules.eu import EU_RULES, LAWS, rules_under
from traceability.compliance.trials import try_rule
from traceability.compliance.views import truth
from traceability.errors import UnknownName
from traceability.store import open_store

OVERLAID = tuple(replace(rule, limits=rule.overlays, overlays=()) for rule in RULES if rule.overlays)
EU = (*EU_RULES, *OVERLAID)
FILES = CASE_FILES / "eu"
PAGE = (Path(__file__).parents[2] / "docs" / "regulation.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")
]


def by_id(rules: tuple[Rule, ...]) -> dict[str, Rule]:
    return {rule.id: rule for rule in rules}


def test_the_eu_asks_more_of_r51_to_r53_and_has_two_rules_of_its_own():
    assert [rule.id for rule in EU] == ["E01", "E02", "R51", "R52", "R53"]
    assert {path.stem for path in FILES.glob("*.toml")} == {rule.id for rule in EU}


@pytest.mark.parametrize("rule", EU, ids=lambda rule: rule.id)
def test_each_has_two_cases_both_ways_and_no_mutant_survives(rule):
    trial, proof = try_rule(rule, FILES / f"{rule.id}.toml"), prove(rule, FILES / f"{rule.id}.toml")
    assert [result.case.name for result in trial.results if not result.passed] == []
    assert trial.both_ways()
    assert ([mutant.name for mutant in proof.survivors], proof.stale, proof.fault) == ([], (), "")


def test_the_eu_limits_are_those_of_the_annex():
    """REGULATION 4c: (share in percent, first day) of each."""
    first = {
        rule.id: [(limit.value, limit.valid_from) for limit in rule.limits] for rule in EU if rule.id != "E02"
    }
    ends = day_of(2027, 12, 31), day_of(2031, 12, 31)
    assert first == {
        "E01": [(65, day_of(2025, 12, 31)), (70, day_of(2030, 12, 31))],
        "R51": list(zip((50, 80), ends, strict=True)),
        "R52": list(zip((90, 95), ends, strict=True)),
        "R53": list(zip((90, 95), ends, strict=True)),
    }


def test_only_the_share_of_nickel_in_2031_is_general_knowledge():
    grades = {(rule.id, limit.value): limit.grade for rule in EU for limit in rule.limits}
    assert {key for key, grade in grades.items() if grade is Grade.K} == {("R52", 95)}
    assert set(grades.values()) == {Grade.C, Grade.K}


@pytest.mark.parametrize("rule", EU, ids=lambda rule: rule.id)
def test_the_eu_says_its_number_and_speaks_of_no_list(rule):
    for limit in rule.limits:
        for language in ("en", "zh"):
            said = rule.says(limit, language)
            assert not re.search(r"[{}]|[Ll]isted|列入", said)
            assert limit.value is None or str(limit.value) in said


@pytest.mark.parametrize("rule", EU, ids=lambda rule: rule.id)
def test_each_eu_limit_stands_in_the_table_of_articles_with_its_grade(rule):
    table = [
        (row[2], row[3]) for row in ROWS if len(row) == 5 and rule.id in row[4] and "2023/1542" in row[0]
    ]
    for limit in rule.limits:
        assert any(grade == limit.grade.value and limit.source.split()[0] in given for given, grade in table)
    assert any(rule.id in row[0].split() for row in ROWS if len(row) == 3)


def test_china_asks_nothing_of_the_eu():
    for law in ("dated", "cn_2018", "order73"):
        rules = rules_under(law)
        assert [rule.id for rule in rules] == [rule.id for rule in RULES]
        assert all(limit.regime is not Regime.EU_2023 for rule in rules for limit in rule.limits)
    assert rules_under("dated") == RULES


def test_under_the_eu_only_the_eu_asks():
    rules = by_id(rules_under("eu_2023"))
    assert {name for name, rule in rules.items() if rule.limits} == {"E01", "E02", "R51", "R52", "R53"}
    assert {limit.regime for rule in rules.values() for limit in rule.limits} == {Regime.EU_2023}
    lithium = rules["R51"].limit_on(day_of(2020, 1, 1))
    assert lithium is not None
    assert lithium.value == 50


def test_the_laws_are_those_of_the_regimes():
    assert rules_under("order73") == under(RULES, Regime.ORDER_73)
    assert list(LAWS) == ["dated", "cn_2018", "order73", "eu_2023"]


def test_a_wrong_law_is_answered_with_the_closest():
    with pytest.raises(UnknownName, match=r"unknown law `order_73`; did you mean `order73`"):
        rules_under("order_73")


WORLD = """
[[complies]]
name = "one year"
as_of = 2028-01-01
unit = [{unit = "P1", code = ""}]
event = [{event = "DELIVER", actor = "battery_ent", receiver = "oem", happened = 2027-05-06}]
material = [
    {element = "MASS", day = 2027-05-06, input_g = 1000, recovered_g = 640, residue_g = 360},
    {element = "LI", day = 2027-05-06, input_g = 1000, recovered_g = 600},
    {element = "NI", day = 2027-05-06, input_g = 1000, recovered_g = 890},
    {element = "CO", day = 2027-05-06, input_g = 1000, recovered_g = 950},
    {element = "MN", day = 2027-05-06, input_g = 1000, recovered_g = 100},
    {element = "CU", day = 2027-05-06, input_g = 1000, recovered_g = 950},
    {element = "AL", day = 2027-05-06, input_g = 1000, recovered_g = 100},
]
"""


def test_one_year_of_one_recycler_under_both_laws(tmp_path):
    """60 % of lithium suffices the EU, not China's list; manganese and aluminium concern China alone."""
    path = tmp_path / "R51.toml"
    path.write_text(WORLD, encoding="utf-8")
    asked = ("E01", "E02", "R51", "R52", "R53")
    with open_store(f"sqlite:///{tmp_path / 'log.sqlite'}", create=True) as store:
        write_cases(store, load_cases(path))
        answers = {law: audit(store, truth(day_of(2028, 1, 1)), rules_under(law)) for law in LAWS}
    found = {
        law: {name: answer.findings.by_rule().get(name, 0) for name in asked}
        for law, answer in answers.items()
    }
    assert found["eu_2023"] == {"E01": 1, "E02": 1, "R51": 0, "R52": 1, "R53": 0}
    assert found["order73"] == {"E01": 0, "E02": 0, "R51": 1, "R52": 3, "R53": 2}
    assert found["dated"] == found["order73"]
    skipped = {o.rule.id: o.reason for o in answers["eu_2023"].outcomes if o.fate is Fate.SKIPPED}
    assert skipped["R46"] == "the law asked for has no such duty"
    assert np.unique(answers["eu_2023"].findings.limit).tolist() == [0]
