"""What is varied and at which points: ranges, levels, days, grids, Latin hypercubes and Saltelli's points."""

from __future__ import annotations

import sys
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.levers import figures
from sim.record import scenario_table
from sim.scenario import load
from sim.sweep import Factor, design, factor, scenario_at
from sim.sweep.designs import Design
from sim.sweep.factors import check
from traceability.errors import ScenarioError, UnknownName

BASE = load("baseline")
NOISE, OPERATORS = "market.noise_yuan_t", "swap.operators"
DEPOSIT = "market.deposit_yuan_pack"
E_BIKES = "informal.e_bike_share"


def factors(*texts: str) -> list[Factor]:
    return [factor(text, BASE) for text in texts]


def value(scenario, key: str):
    return next(each.value for each in figures(scenario) if each.key == key)


def test_a_range_and_a_list_are_read_and_written_back():
    for text in (f"{NOISE}=1000..5000", f"{NOISE}=1000,2500.5", f"{OPERATORS}=1..4", f"{OPERATORS}=1,2,4"):
        assert factor(text, BASE).said == text
    assert factor(f"{OPERATORS}=1.2..4.2", BASE).levels == (2, 3, 4)


def test_a_switch_is_off_or_on():
    found = factor("enforcement.swap_exempt@2026-04-01=0..1", BASE)
    assert found.levels == (0, 1)
    assert factor("enforcement.swap_exempt@2026-04-01=false,true", BASE).levels == (0, 1)


def test_a_dated_value_replaces_the_figure_from_its_day_and_keeps_what_held_before():
    """The share of e-bikes has a step in November 2024 and one in April 2026."""
    before = value(BASE, E_BIKES)
    assert list(before) == ["2011-01-01", "2024-11-01", "2026-04-01"]
    (one,) = factors(f"{E_BIKES}@2025-06-01=0.2..0.4")
    after = value(scenario_at(BASE, [one], (0.3,)), E_BIKES)
    assert after == {
        "2011-01-01": before["2011-01-01"],
        "2024-11-01": before["2024-11-01"],
        "2025-06-01": 0.3,
    }
    assert one.now == before["2024-11-01"]


def test_a_figure_that_never_changed_gets_a_step_and_one_without_a_day_is_replaced():
    held = value(BASE, NOISE)
    assert isinstance(held, float)
    (always,) = factors(f"{NOISE}=1000..5000")
    assert value(scenario_at(BASE, [always], (1234.5,)), NOISE) == 1234.5
    (deposit,) = factors("market.deposit_yuan_pack@2027-01-01=0..900")
    after = value(scenario_at(BASE, [deposit], (500.0,)), "market.deposit_yuan_pack")
    assert after["2027-01-01"] == 500
    assert value(BASE, "market.deposit_yuan_pack") in after.values()


def test_a_point_changes_its_figures_and_their_sources_and_nothing_else():
    both = factors(f"{NOISE}=1000..5000", f"{OPERATORS}=1..4")
    before, after = scenario_table(BASE), scenario_table(scenario_at(BASE, both, (2000.0, 3.0)))
    for section, name, held in (("market", "noise_yuan_t", 2000.0), ("swap", "operators", 3)):
        assert after[section].pop(name) == held
        assert after[section]["sources"].pop(name) == "assumed: varied in a sweep"
        before[section].pop(name)
        before[section]["sources"].pop(name)
    assert after == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("market.noise_yuan=1..2", "did you mean `market.noise_yuan_t`"),
        (
            f"{E_BIKES}=0.1..0.2",
            r"changes on 2011-01-01, 2024-11-01, 2026-04-01; .*`informal.e_bike_share@2026-04-01=",
        ),
        (f"{E_BIKES}@2026-04-01=0.1..1.2", r"1.2 is not what `informal.e_bike_share` can be: 0 to 1 \("),
        (f"{OPERATORS}=0..3", "0 is not what `swap.operators` can be: 1 to 1000"),
        (f"{OPERATORS}=1,2.5", "2.5 is not a whole number"),
        (f"{OPERATORS}=1.2..1.8", "fewer than two"),
        (f"{OPERATORS}@2026-01-01=1..3", "does not change on stated days; leave out @2026-01-01"),
        (f"{DEPOSIT}@2044-01-01=1..3", "choose a day of it"),
        (f"{NOISE}@spring=1..3", "`spring` is not a day; write it as @2027-01-01"),
        (f"{NOISE}=5..1", r"must go up, as in 1\.\.5"),
        (f"{NOISE}=5", "one value varies nothing"),
        (f"{NOISE}=few..many", "`few` is not a number"),
        (f"{NOISE}=0..inf", "not a number that a run can use"),
        (NOISE, "write key=a..b"),
        ("inspection.mee.regions=1..2", "unknown figure|a sweep varies numbers"),
    ],
)
def test_a_slip_is_answered_with_what_would_be_right(text, said):
    with pytest.raises((ScenarioError, UnknownName), match=said) as caught:
        factor(text, BASE)
    assert "\n" not in str(caught.value)


def test_a_table_of_numbers_is_not_varied():
    from sim.levers import levers

    key = next(each.key for each in levers() if each.form == "table of numbers" and "NAME" not in each.key)
    with pytest.raises(ScenarioError, match="is a table of numbers; a sweep varies numbers"):
        factor(f"{key}=1..2", BASE)


def test_a_figure_is_varied_once():
    with pytest.raises(ScenarioError, match="varied twice"):
        check(factors(f"{DEPOSIT}@2026-06-01=1..2", f"{DEPOSIT}@2027-01-01=1..2"))
    with pytest.raises(ScenarioError, match="nothing is varied"):
        check([])


def test_a_grid_is_all_combinations_and_ranges_get_as_many_steps_as_n_allows():
    made = design("grid", factors(f"{NOISE}=1000..3000", f"{OPERATORS}=1,4"), 7, 1)
    assert made.points.tolist() == [[n, o] for n in (1000, 2000, 3000) for o in (1, 4)]
    whole = design("grid", factors(f"{OPERATORS}=1..10"), 4, 1)
    assert whole.points.ravel().tolist() == [1, 4, 7, 10]


def test_given_levels_alone_make_a_grid_however_many_n_says():
    assert len(design("grid", factors(f"{NOISE}=1,2,3", f"{OPERATORS}=1,2,3"), 2, 1).points) == 9


def test_a_grid_that_n_cannot_hold_says_how_many_it_needs():
    with pytest.raises(ScenarioError, match="at least 12 points; give -n 12"):
        design(
            "grid",
            factors(f"{NOISE}=1..3", f"{OPERATORS}=1,2,3", "market.deposit_yuan_pack@2026-01-01=0..9"),
            11,
            1,
        )


@given(n=st.integers(2, 60), seed=st.integers(0, 2**62))
def test_a_latin_hypercube_has_one_point_in_each_of_n_parts_of_every_range(n, seed):
    both = factors(f"{NOISE}=1000..3000", f"{E_BIKES}@2026-04-01=0.2..0.6")
    made = design("lhs", both, n, seed)
    for column, one in zip(made.points.T, both, strict=True):
        parts = np.floor((column - one.low) / (one.high - one.low) * n)
        assert sorted(np.clip(parts, 0, n - 1)) == list(range(n))
    assert np.array_equal(made.points, design("lhs", both, n, seed).points)


def test_levels_are_drawn_equally_often_in_a_latin_hypercube():
    made = design("lhs", factors(f"{OPERATORS}=1,2,4"), 30, 1)
    assert np.unique(made.points, return_counts=True)[1].tolist() == [10, 10, 10]


def test_the_points_of_saltelli_exchange_one_factor_at_a_time():
    """A block is a row of A, that row with one factor from B for each factor, and the row of B."""
    made = design("sobol", factors(f"{NOISE}=1000..3000", f"{E_BIKES}@2026-04-01=0.2..0.6"), 40, 3)
    assert (made.base, len(made.points)) == (8, 32)  # the largest power of 2 with 4 points each
    for block in range(8):
        a, first, second, b = made.points[4 * block : 4 * block + 4]
        assert first.tolist() == [b[0], a[1]]
        assert second.tolist() == [a[0], b[1]]
        assert set(made.groups[4 * block : 4 * block + 4]) == {block}
    assert made.independent.tolist() == [n for block in range(8) for n in (4 * block, 4 * block + 3)]
    with pytest.raises(ScenarioError, match="at least 16 points"):
        design("sobol", factors(f"{NOISE}=1000..3000", f"{E_BIKES}@2026-04-01=0.2..0.6"), 15, 3)


def test_equal_points_are_run_once():
    made = design("sobol", factors(f"{OPERATORS}=1,2", "enforcement.swap_exempt@2026-04-01=0..1"), 64, 3)
    assert len(made.points) == 64
    assert sorted(made.distinct()) == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_without_salib_the_message_has_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "SALib", None)
    with pytest.raises(ScenarioError, match=r"pip install 'battrace\[sweep\]'.*grid"):
        design("sobol", factors(f"{NOISE}=1000..3000"), 40, 3)
    assert isinstance(design("grid", factors(f"{NOISE}=1000..3000"), 3, 3), Design)


def test_the_days_of_a_factor_are_days():
    (one,) = factors(f"{DEPOSIT}@2027-01-01=1000..5000")
    assert one.day == date(2027, 1, 1)
    assert one.name == f"{DEPOSIT}@2027-01-01"
