"""Paired differences, by hand and by property."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.comparison.bundle import BUNDLE
from sim.comparison.outcome import compared, still_wanted
from sim.comparison.paired import difference, holm, replications_needed
from sim.comparison.series import Side, series
from sim.measures import MEASURES, Value

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def side(label, values):
    return Side(label, None, None, values, 0)  # type: ignore[arg-type]


def test_a_paired_difference_by_hand():
    """Differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t(2) = 4.303."""
    gap = difference(np.array([10.0, 20.0, 30.0]), np.array([11.0, 22.0, 33.0]))
    assert gap.n == 3
    assert gap.estimate.mean == pytest.approx(2.0)
    half = 4.302653 / math.sqrt(3)
    assert (gap.estimate.low, gap.estimate.high) == pytest.approx((2 - half, 2 + half))
    # var of the differences 1; of the sides 100 and 121
    assert gap.removed == pytest.approx(1 - 1 / 221)
    # P(|t(2)| > 2 sqrt(3)) = 1 - t / sqrt(2 + t^2)
    t = 2 * math.sqrt(3)
    assert gap.p == pytest.approx(1 - t / math.sqrt(2 + t * t))


def test_one_replication_has_a_difference_and_nothing_else():
    gap = difference(np.array([1.0]), np.array([3.0]))
    assert (gap.estimate.mean, gap.estimate.low, gap.estimate.high) == (2.0, 2.0, 2.0)
    assert (gap.removed, gap.p, gap.n) == (None, None, 1)


def test_what_never_varies_is_either_the_same_or_surely_different():
    assert difference(np.array([5.0, 5.0]), np.array([5.0, 5.0])).p == 1.0
    assert difference(np.array([5.0, 5.0]), np.array([6.0, 6.0])).p == 0.0


def test_a_pair_of_which_one_is_unknown_is_left_out():
    gap = difference(np.array([1.0, np.nan, 3.0]), np.array([2.0, 5.0, 4.0]))
    assert gap.n == 2
    assert gap.estimate.mean == 1.0


def test_opposite_luck_does_harm_and_is_said_so():
    assert difference(np.array([1.0, 2.0, 3.0]), np.array([3.0, 2.0, 1.0])).removed == pytest.approx(-1.0)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=12))
def test_turning_a_comparison_round_turns_its_sign_and_nothing_else(pairs):
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    there, back = difference(a, b), difference(b, a)
    assert there.estimate.mean == pytest.approx(-back.estimate.mean, abs=1e-6)
    assert there.estimate.low == pytest.approx(-back.estimate.high, abs=1e-6)
    assert there.p == pytest.approx(back.p)


def test_holm_by_hand():
    """0.01 x 3, then 0.03 x 2, then 0.04 x 1, which must not fall below the one before."""
    assert holm([0.01, 0.04, None, 0.03]) == pytest.approx([0.03, 0.06, None, 0.06])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_lies_between_the_plain_value_and_bonferronis_and_keeps_the_order(p):
    adjusted = holm(p)
    for plain, after in zip(p, adjusted, strict=True):
        assert plain <= after <= min(1.0, plain * len(p)) + 1e-12
    order = sorted(range(len(p)), key=lambda n: p[n])
    assert all(adjusted[a] <= adjusted[b] for a, b in zip(order, order[1:], strict=False))


def test_the_number_of_replications_grows_with_the_square_of_what_is_missing():
    gap = difference(np.zeros(4), np.array([0.0, 2.0, 0.0, 2.0]))
    half = (gap.estimate.high - gap.estimate.low) / 2
    exactly = 100.0 * half / 0.02 * 1.02 / 100.0
    assert replications_needed(gap, exactly * 1.0001, 0.02) == 4
    assert replications_needed(gap, exactly / 2, 0.02) == pytest.approx(16, abs=1)
    assert replications_needed(gap, 0.0, 0.02) is None


def test_a_missing_count_is_zero_and_a_missing_share_is_unknown():
    found = series([[Value("fate_packs", 2030, "reused", 2.0), Value("formal_share", 2030, "", 0.5)], []])
    assert found["fate_packs", 2030, "reused"].tolist() == [2.0, 0.0]
    assert found["fate_packs", 2030, ""].tolist() == [2.0, 0.0]
    assert np.isnan(found["formal_share", 2030, ""][1])


def of(formal, fines):
    return [
        [Value("formal_share", 2030, "", f), Value("fines", 2030, "MEE", g)]
        for f, g in zip(formal, fines, strict=True)
    ]


def test_no_difference_is_said_plainly_and_a_difference_is_shown():
    told = compared(
        [
            side("a", of([0.30, 0.31, 0.29, 0.30], [1.0, 2.0, 3.0, 4.0])),
            side("b", of([0.40, 0.41, 0.39, 0.401], [2.0, 1.0, 4.0, 3.0])),
        ],
        2030,
    )
    rows = {(row.measure, row.key): row for row in told.rows if row.scenario == "b"}
    assert rows["formal_share", ""].shown
    assert not rows["fines", ""].shown
    # three are looked at only where the bundle shows them: fines by authority is not adjusted
    assert rows["fines", "MEE"].p_holm is None
    assert rows["formal_share", ""].p_holm == pytest.approx(2 * rows["formal_share", ""].difference.p)


def test_a_scenario_against_itself_differs_in_nothing():
    values = of([0.30, 0.35, 0.29], [1.0, 2.0, 3.0])
    told = compared([side("a", values), side("b", values)], 2030)
    assert all(row.difference.estimate.mean == 0 and not row.shown for row in told.rows if row.difference)


def test_an_automatic_comparison_asks_for_more_until_the_headlines_are_known():
    coarse = [side("a", of([0.2, 0.4, 0.3], [1, 1, 1])), side("b", of([0.5, 0.3, 0.4], [1, 1, 1]))]
    wanted, which = still_wanted(coarse, 2030, 0.02)
    assert wanted > 3
    assert which == "formal-channel share"
    fine = [side("a", of([0.2, 0.4, 0.3], [1, 9, 5])), side("b", of([0.3, 0.5, 0.4], [7, 1, 2]))]
    assert still_wanted(fine, 2030, 0.02) == (3, "")


def test_every_line_of_the_bundle_is_a_measure():
    known = {info.id for info in MEASURES}
    assert {shown.measure for shown in BUNDLE} <= known
    assert len({shown.id for shown in BUNDLE}) == len(BUNDLE)
