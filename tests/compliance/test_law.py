"""The dated law as data: which limit holds when, what an amendment does, what is said of articles."""

from __future__ import annotations

import re

import pytest

from traceability.compliance.law import (
    ORDER_73_FROM,
    TRACED_FROM,
    UNKNOWN,
    Article,
    Grade,
    Regime,
    Unit,
    day_of,
    days,
    percent,
    working_days,
)
from traceability.compliance.rule import under
from traceability.compliance.rules import RULES
from traceability.compliance.rules.recycling import LITHIUM_RECOVERY_LOW, RECEIPT_REPORTED_LATE
from traceability.compliance.rules.scrapping import CERTIFICATE_WITHOUT_BATTERY
from traceability.errors import RuleBroken

LAST_OF_2018_LAW = ORDER_73_FROM - 1


def test_the_rules_stand_in_the_order_of_their_numbers():
    numbers = [int(rule.id[1:]) for rule in RULES]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_limits_of_a_rule_do_not_overlap(rule):
    for early, late in zip(rule.limits, rule.limits[1:], strict=False):
        assert early.valid_to is not None
        assert late.valid_from == early.valid_to + 1


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_its_number_where_it_has_one(rule):
    for limit in rule.limits:
        for language in ("en", "zh"):
            said = rule.says(limit, language)
            assert not re.search(r"[{}]", said)
            if limit.value is not None:
                assert str(limit.value) in said


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_limit_but_registry_logic_names_a_source(rule):
    for limit in rule.limits:
        assert (limit.source == "") == (limit.regime is Regime.REGISTRY)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_number_of_grade_u_is_marked_as_assumed(rule):
    assert all(limit.assumed for limit in rule.limits if limit.grade is Grade.U)


def test_an_article_of_order_73_is_named_only_where_its_number_was_seen():
    """REGULATION knows the numbers of Arts. 11, 18, 19, 22, 24(7), 42 and 45(3) of those that these rules use."""
    named = {
        (rule.id, str(limit.article))
        for rule in RULES
        for limit in rule.limits
        if limit.article.act == "Order 73" and limit.article.known
    }
    assert named == {
        ("R10", "Order 73 art. 11"),
        ("R20", "Order 73 art. 19"),
        ("R35", "Order 73 art. 45(3)"),
        ("R44", "Order 73 art. 18"),
        ("R45", "Order 73 art. 18"),
        ("R46", "Order 73 art. 24(7)"),
        ("R47", "Order 73 art. 24(7)"),
        ("R57", "Order 73 art. 22"),
        ("R59", "Order 73 art. 42"),
    }


def test_an_article_says_when_its_number_is_unknown():
    assert str(UNKNOWN) == "Order 73, article unknown"
    assert str(Article("Order 73", "24", 7)) == "Order 73 art. 24(7)"


def test_receipts_are_reported_in_thirty_working_days_and_then_in_thirty_days():
    last, first = (
        RECEIPT_REPORTED_LATE.limit_on(LAST_OF_2018_LAW),
        RECEIPT_REPORTED_LATE.limit_on(ORDER_73_FROM),
    )
    assert last is not None
    assert first is not None
    assert (last.value, last.unit, last.grade) == (30, Unit.WORKING_DAYS, Grade.C)
    assert (first.value, first.unit, first.grade) == (30, Unit.DAYS, Grade.A)
    assert RECEIPT_REPORTED_LATE.limit_on(TRACED_FROM - 1) is None


def test_lithium_is_recovered_to_85_and_since_2025_to_90_percent():
    year_ends = {
        year: LITHIUM_RECOVERY_LOW.limit_on(day_of(year, 12, 31)) for year in (2019, 2020, 2024, 2025)
    }
    assert {year: limit.value if limit else None for year, limit in year_ends.items()} == {
        2019: None,
        2020: 85,
        2024: 85,
        2025: 90,
    }


def test_integrated_scrapping_is_law_since_order_73():
    assert CERTIFICATE_WITHOUT_BATTERY.limit_on(LAST_OF_2018_LAW) is None
    assert CERTIFICATE_WITHOUT_BATTERY.limit_on(ORDER_73_FROM) is not None


@pytest.mark.parametrize(
    ("bound", "en", "zh"),
    [
        (days(30), "30 days", "30日"),
        (working_days(15), "15 working days", "15个工作日"),
        (percent(90), "90 %", "90%"),
        (days(None), "-", "-"),
    ],
)
def test_a_bound_reads_well_in_two_languages(bound, en, zh):
    assert (bound.text("en"), bound.text("zh")) == (en, zh)


def test_an_amendment_takes_the_place_of_the_law_from_its_day():
    tighter = RECEIPT_REPORTED_LATE.with_limit(days(20), valid_from=day_of(2027, 1, 1))
    before, after = tighter.limit_on(day_of(2026, 12, 31)), tighter.limit_on(day_of(2027, 1, 1))
    assert before is not None
    assert after is not None
    assert (before.value, before.law) == (30, "order73")
    assert (after.value, after.law, after.imagined) == (20, "imagined", True)
    assert len(tighter.limits) == 3


def test_an_amendment_may_end_and_the_law_comes_back():
    trial = RECEIPT_REPORTED_LATE.with_limit(
        days(20), valid_from=day_of(2027, 1, 1), valid_to=day_of(2027, 12, 31)
    )
    values = [limit.value for limit in trial.limits if limit.valid_from and limit.valid_from >= ORDER_73_FROM]
    assert values == [30, 20, 30]
    back = trial.limit_on(day_of(2028, 1, 1))
    assert back is not None
    assert not back.imagined


def test_a_repealed_duty_has_no_limit():
    repealed = CERTIFICATE_WITHOUT_BATTERY.with_limit(None, valid_from=day_of(2027, 1, 1))
    assert repealed.limit_on(day_of(2026, 12, 31)) is not None
    assert repealed.limit_on(day_of(2027, 1, 1)) is None


def test_under_one_law_its_limits_hold_at_all_times():
    rules = {rule.id: rule for rule in under(RULES, Regime.CN_2018)}
    receipt = rules["R46"].limit_on(day_of(2030, 1, 1))
    assert receipt is not None
    assert receipt.unit is Unit.WORKING_DAYS
    assert rules["R29"].limits == ()
    assert rules["R51"].limits == LITHIUM_RECOVERY_LOW.limits
    forced = {rule.id: rule for rule in under(RULES, Regime.ORDER_73)}["R46"].limit_on(day_of(2016, 1, 1))
    assert forced is not None
    assert (forced.value, forced.unit) == (30, Unit.DAYS)


def test_a_rule_without_limits_cannot_be_amended():
    without = next(rule for rule in under(RULES, Regime.CN_2018) if rule.id == "R29")
    with pytest.raises(RuleBroken, match="R29 CERTIFICATE_WITHOUT_BATTERY has no limit"):
        without.with_limit(days(3), valid_from=0)
