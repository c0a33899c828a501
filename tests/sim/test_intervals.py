"""Intervals over replications, against the textbook and against what can be."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from sim.intervals import SIGNED, amount_interval, mean_interval, measure_interval, summarise
from sim.measures import Value


def test_an_interval_is_students():
    values = [4.1, 5.0, 6.3, 4.8]
    found = mean_interval(values)
    low, high = stats.t.interval(0.95, 3, loc=found.mean, scale=stats.sem(values))
    assert (found.mean, found.low, found.high) == pytest.approx((5.05, low, high))


def test_one_replication_has_no_interval():
    assert mean_interval([3.0]) == amount_interval([3.0])
    assert (mean_interval([3.0]).low, mean_interval([3.0]).high) == (3.0, 3.0)


def test_an_amount_is_never_below_nothing_and_a_share_never_above_all():
    assert mean_interval([0.0, 9.0, 0.0]).low < 0
    assert amount_interval([0.0, 9.0, 0.0]).low == 0.0
    rows = summarise([[Value("formal_share", 2020, "", share)] for share in (0.2, 1.0, 1.0)])
    assert [(row.low, row.high) for row in rows] == [(0.0, 1.0)]


@pytest.mark.parametrize("measure", sorted(SIGNED))
def test_money_may_be_lost_and_its_interval_says_how_much(measure):
    """Values -3, 1, 5: mean 1, standard error 4/sqrt(3), t(2) = 4.303."""
    rows = summarise([[Value(measure, 2030, "LFP", value)] for value in (-3.0, 1.0, 5.0)])
    half = 4.302653 * 4 / math.sqrt(3)
    assert [(row.mean, row.low, row.high) for row in rows] == [pytest.approx((1.0, 1.0 - half, 1.0 + half))]


def test_whether_a_measure_may_be_negative_is_said_of_each():
    """What is offered, left over and earned may be; fines, counts, masses and delays may not."""
    assert {"earned", "margin_formal", "margin_informal", "offer_formal", "offer_informal"} <= SIGNED
    for measure in ("fines", "retired_mass", "breaches_happened", "report_delay_days"):
        assert measure_interval(measure, [0.0, 9.0, 0.0]).low == 0.0


def test_what_a_replication_lacks_counts_as_nothing_but_a_mean_of_nothing_is_no_mean():
    mass = summarise([[Value("retired_mass", 2020, "LFP", 4.0)], []])
    assert {(row.key, row.mean, row.n) for row in mass} == {("LFP", 2.0, 2), ("", 2.0, 2)}
    delay = summarise([[Value("report_delay_days", 2020, "ELV", 4.0)], []])
    assert [(row.mean, row.n) for row in delay] == [(4.0, 1)]
