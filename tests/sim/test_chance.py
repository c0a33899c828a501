"""Keyed chance: uniform, without memory, and a matter of the battery alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from sim.chance import Chance, derived_keys, geometric_days, uniform_days, weibull_years

DECISIONS = ("vehicle.life", "vehicle.sold", "channel.transit", "report.1", "report.2", "a", "")
N = 100_000


def in_a_row(start: int = 0) -> np.ndarray:
    return np.arange(start, start + N, dtype=np.uint64)


KEYS = {
    "numbers in a row": in_a_row(),
    "numbers far apart": in_a_row() << np.uint64(32),
    "months and numbers": (in_a_row() % 300 << np.uint64(32)) + in_a_row() // 300,
    "keys of children": derived_keys(in_a_row(), "module"),
}


# --- uniform ---


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("decision", DECISIONS)
def test_draws_are_uniform(keys, decision):
    drawn = Chance(2026).draw(decision, keys)
    assert drawn.dtype == np.float64
    assert 0.0 <= drawn.min() < 0.001
    assert 0.999 < drawn.max() < 1.0
    assert stats.kstest(drawn, "uniform").pvalue > 1e-4
    assert stats.chisquare(np.bincount((drawn * 256).astype(int), minlength=256)).pvalue > 1e-4


def test_pairs_of_neighbours_fill_the_square():
    """Keys that follow each other draw as if they did not: chi-square on a grid of 32 by 32."""
    drawn = Chance(1).draw("life", KEYS["numbers in a row"])
    cells = (drawn[:-1:2] * 32).astype(int) * 32 + (drawn[1::2] * 32).astype(int)
    assert stats.chisquare(np.bincount(cells, minlength=1024)).pvalue > 1e-4


def test_every_bit_of_a_draw_is_fair():
    bits = (Chance(3).draw("life", in_a_row()) * 2.0**53).astype(np.uint64)
    ones = np.array([np.count_nonzero(bits >> np.uint64(k) & np.uint64(1)) for k in range(53)])
    assert np.abs(ones - N / 2).max() < 5 * np.sqrt(N) / 2


# --- uncorrelated ---


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return abs(float(np.corrcoef(a, b)[0, 1]))


FIVE_SIGMA = 5 / np.sqrt(N)


@pytest.mark.parametrize("keys", KEYS.values(), ids=KEYS)
def test_decisions_about_the_same_batteries_are_uncorrelated(keys):
    drawn = [Chance(2026).draw(decision, keys) for decision in DECISIONS]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert correlation(one, other) < FIVE_SIGMA


@pytest.mark.parametrize("other", [Chance(1, 1), Chance(1, 2), Chance(2, 0), Chance(11, 0), Chance(1, 10)])
def test_seeds_and_replications_are_uncorrelated(other):
    keys = in_a_row()
    assert correlation(Chance(1, 0).draw("life", keys), other.draw("life", keys)) < FIVE_SIGMA


@pytest.mark.parametrize("lag", [1, 2, 3, 300, 4096])
def test_a_battery_says_nothing_of_its_neighbours(lag):
    drawn = Chance(5).draw("life", in_a_row())
    assert correlation(drawn[lag:], drawn[:-lag]) < FIVE_SIGMA


# --- keyed ---

keys = arrays(np.uint64, st.integers(0, 40), elements=st.integers(0, 2**64 - 1))
chances = st.builds(Chance, st.integers(0, 2**63), st.integers(0, 10_000))


@given(chances, st.text(max_size=20), keys, st.data())
def test_a_draw_depends_on_its_own_battery_alone(chance, decision, keys, data):
    """Any choice of the batteries, in any order, with repeats: each draws what it would draw by itself."""
    drawn = chance.draw(decision, keys)
    places = data.draw(st.lists(st.integers(0, keys.size - 1), max_size=20)) if keys.size else []
    chosen = np.array(places, dtype=np.intp)
    assert chance.draw(decision, keys[chosen]).tolist() == drawn[chosen].tolist()
    assert [float(chance.draw(decision, keys[i : i + 1])[0]) for i in places] == drawn[chosen].tolist()


@given(st.integers(0, 2**63), st.integers(0, 99), st.text(max_size=20), keys, st.lists(st.text(max_size=5)))
def test_what_else_was_decided_before_is_of_no_consequence(seed, replication, decision, keys, others):
    first = Chance(seed, replication).draw(decision, keys)
    chance = Chance(seed, replication)
    for other in others:
        chance.draw(other, keys)
    assert chance.draw(decision, keys).tolist() == first.tolist()


@given(chances, keys)
def test_the_keys_are_left_as_they_were(chance, keys):
    before = keys.copy()
    chance.draw("life", keys)
    derived_keys(keys, "module")
    assert np.array_equal(keys, before)


def test_no_two_names_of_seed_replication_and_decision_are_one():
    """Seed 1, replication 11 is not seed 11, replication 1, whatever the decision is called."""
    names = [(1, 11, "a"), (11, 1, "a"), (1, 1, "1/a"), (1, 1, "a"), (1, 1, "a "), (1, 1, "A")]
    drawn = {
        float(Chance(seed, replication).draw(name, in_a_row(9)[:1])[0]) for seed, replication, name in names
    }
    assert len(drawn) == len(names)


def test_draws_are_the_same_on_every_machine_and_in_every_release():
    """Written down once; a change here changes every result."""
    drawn = Chance(2026, 3).draw("vehicle.life", np.array([0, 1, 2**63], dtype=np.uint64))
    assert (drawn * 2.0**53).astype(np.int64).tolist() == [
        7780316520488731,
        8291573730344315,
        4356391411226353,
    ]


# --- keys of what comes of others ---


def test_children_of_different_parents_or_names_have_different_keys():
    parents = in_a_row()
    all_keys = np.concatenate(
        [parents, *(derived_keys(parents, name) for name in ("module", "cell", "product", "lot"))]
    )
    assert np.unique(all_keys).size == all_keys.size


def test_a_part_of_a_key_collides_as_rarely_as_birthdays_do():
    """Of n keys cut to b bits, n (n - 1) / 2 pairs each collide with chance 2^-b."""
    parents = np.arange(2**18, dtype=np.uint64)
    for bits in (28, 30):
        for shift in (0, 17, 64 - bits):
            part = derived_keys(parents, "module") >> np.uint64(shift) & np.uint64(2**bits - 1)
            expected = parents.size * (parents.size - 1) / 2 / 2**bits
            found = parents.size - np.unique(part).size
            assert abs(found - expected) < 5 * np.sqrt(expected)


# --- laws ---

GRID = (np.arange(N) + 0.5) / N


def test_choices_come_as_often_as_their_shares():
    shares = np.array([0.5, 0.0, 0.2, 0.3])
    chosen = Chance(4).choose("kind", in_a_row(), np.cumsum(shares))
    counts = np.bincount(chosen, minlength=4)
    assert counts[1] == 0
    assert stats.chisquare(counts[shares > 0], N * shares[shares > 0]).pvalue > 1e-4


@given(st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(any), keys)
def test_what_has_no_share_is_never_chosen(weights, keys):
    shares = np.array(weights) / sum(weights)
    chosen = Chance(1).choose("kind", keys, np.cumsum(shares))
    assert (shares[chosen] > 0).all()


@pytest.mark.parametrize("mean", [0.01, 0.5, 6.0, 90.0])
def test_geometric_days_have_their_mean_and_quantiles(mean):
    days = geometric_days(GRID, mean)
    law = stats.geom(1.0 / (1.0 + mean), loc=-1)
    assert np.array_equal(days, law.ppf(GRID))
    assert days.mean() == pytest.approx(mean, rel=2e-3)
    drawn = geometric_days(Chance(6).draw("delay", in_a_row()), mean)
    assert abs(drawn.mean() - mean) < 5 * np.sqrt(mean * (1 + mean) / N)


def test_geometric_days_of_no_mean_are_none():
    assert geometric_days(GRID, 0.0).max() == 0
    assert geometric_days(np.array([0.5, 0.5, 0.999]), np.array([0.0, 10.0, 0.0])).tolist() == [0, 7, 0]


@given(st.integers(0, 50), st.integers(0, 400))
def test_uniform_days_are_each_as_likely(first, span):
    width = span + 1
    days = uniform_days((np.arange(10 * width) + 0.5) / (10 * width), first, first + span)
    assert np.array_equal(np.unique(days), np.arange(first, first + width))
    assert set(np.bincount(days - first).tolist()) == {10}


def test_the_ends_of_uniform_days_are_kept():
    assert uniform_days(np.array([0.0, 1.0 - 2.0**-53]), 2, 7).tolist() == [2, 7]


@pytest.mark.parametrize(("shape", "scale"), [(3.5, 10.0), (5.79, 10.82), (1.0, 4.0), (0.8, 2.0)])
def test_weibull_years_have_their_mean_and_quantiles(shape, scale):
    law = stats.weibull_min(shape, scale=scale)
    np.testing.assert_allclose(weibull_years(GRID, shape, scale), law.ppf(GRID), rtol=1e-9)
    drawn = weibull_years(Chance(8).draw("life", in_a_row()), shape, scale)
    assert abs(drawn.mean() - law.mean()) < 5 * law.std() / np.sqrt(N)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-4
