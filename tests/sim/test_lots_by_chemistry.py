"""A lot of material is of one firm and one chemistry, whatever number the chemistry has."""

from __future__ import annotations

from functools import cache

from sim.processes.recycling import CODES
from sim.scenario import load
from tests.sim.small import World, run
from traceability.vocabulary import Chemistry, Level


@cache
def world() -> World:
    """Solid-state packs have the highest number of all; at this scale some are recycled before 2036."""
    return run(load("solid_state", scale=10_000))


def test_a_firm_and_a_chemistry_make_a_number_that_no_other_pair_makes():
    numbers = {firm * CODES + chemistry for firm in range(5) for chemistry in Chemistry}
    assert len(numbers) == 5 * len(Chemistry)


def test_lots_of_solid_state_packs_are_of_that_chemistry():
    kinds = {
        kind for (kind,) in world().rows(f"select distinct chemistry from unit where level = {Level.LOT}")
    }
    assert Chemistry.SOLID_STATE in kinds
    assert kinds <= set(Chemistry) | {None}, "a lot of no chemistry"
