"""Twins: packs of two runs matched by birth, their fates, and why they differ."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from sim.chance import Chance
from sim.comparison.births import Origin, births, born, vehicle_keys
from sim.comparison.causes import Cause, Causes, Pack
from sim.comparison.lives import FATES, Parting, Step, parting
from sim.comparison.twins import twins_of
from sim.scenario import Scenario
from tests.sim.small import inputs, run, small
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Role

DEPOSIT = {"market": {"deposit_yuan_pack": 5000}}
NO_SCRAPPING = {"enforcement": {"integrated_scrapping": 0}}
EARLIER = {"replacement": {"share_late": 0.3, "share_early": 0.5, "refurbished_share": 0.9}}
MORE_POOL = {"swap": {"pool_share": 0.5}}


def world(**sections):
    return run(small(scale=20_000, **sections))


def told(a, b, known=None):
    return twins_of((a.store, b.store), (a.scenario, b.scenario), known or inputs())


@cache
def against(which):
    levers = {"deposit": DEPOSIT, "scrapping": NO_SCRAPPING, "replacement": EARLIER, "pool": MORE_POOL}
    return world(), world(**levers[which])


def test_a_pack_is_known_by_its_birth_to_the_last_draw():
    """The energy of a pack is the mean of some kind and year times its draw: the key found is the one it was made with."""
    w = world(**EARLIER)
    known = births(w.store, w.scenario, inputs())
    assert set(np.unique(known.origin).tolist()) == {o.value for o in Origin}
    energy = w.columns("select energy_wh from unit order by unit")["energy_wh"][known.unit]
    luck = Chance(w.scenario.seed, 0).draw("pack.energy", known.key)
    spread = 1.0 + w.scenario.manufacture.energy_spread * (2.0 * luck - 1.0)
    possible = np.unique(inputs().energy_kwh)
    possible = possible[np.isfinite(possible)]
    made = (possible[:, None] * spread * 1000.0).astype(np.int64)
    assert (made == energy).any(axis=0).all()
    wrong = (possible[:, None] * np.roll(spread, 1) * 1000.0).astype(np.int64)
    assert (wrong == energy).any(axis=0).mean() < 0.1


def test_births_are_unique_and_every_pack_has_one():
    w = world(**MORE_POOL)
    known = births(w.store, w.scenario, inputs())
    assert np.unique(known.birth).size == known.birth.size
    assert sorted(known.unit.tolist()) == [
        unit for (unit,) in w.rows("select unit from unit where level = 1 order by unit")
    ]


def test_vehicles_are_counted_month_by_month():
    keys = vehicle_keys(small(scale=50_000), inputs(), 400)
    month, place = keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)
    assert (np.diff(month.astype(int)) >= 0).all()
    assert all(place[month == m].tolist() == list(range(int((month == m).sum()))) for m in np.unique(month))


def test_with_no_changed_lever_no_pack_differs():
    """Not in its fate, and not in any event, actor or day."""
    one, other = world(), run(replace_name(small(scale=20_000)))
    same = told(one, other)
    assert same.changes == ()
    assert all(before == after for before, after in same.counts)
    query = "select unit, event, event_day, record_day, actor, receiver, carrier, vehicle, happened from event order by event_id"
    assert one.rows(query) == other.rows(query)


def replace_name(scenario):
    return Scenario.model_validate(scenario.model_dump(by_alias=True, mode="json") | {"name": "other"})


@pytest.mark.parametrize("which", ["deposit", "scrapping", "replacement", "pool"])
def test_counts_add_up_to_the_difference_of_the_measures(which):
    a, b = against(which)
    seen = told(a, b)
    for fate in FATES:
        if fate in ("in service", "absent"):
            continue
        packs, mass = ([world_sum(w, m, fate) for w in (a, b)] for m in ("fate_packs", "retired_channel"))
        assert seen.difference(fate) * seen.scale / 1e3 == pytest.approx(packs[1] - packs[0], abs=1e-9)
        grams = sum(
            (after == fate) * mb - (before == fate) * ma for (before, after), (ma, mb) in seen.mass_g.items()
        )
        assert grams * seen.scale / 1e9 == pytest.approx(mass[1] - mass[0], abs=1e-9)
    assert sum(seen.difference(fate) for fate in FATES) == 0
    assert sum(n for (x, y), n in seen.counts.items() if x != y) == len(seen.changes)


def world_sum(w, measure, key):
    return sum(v.value for v in w.measures if v.measure == measure and v.key == key)


@pytest.mark.parametrize("which", ["deposit", "scrapping", "replacement", "pool"])
def test_every_change_has_a_cause(which):
    seen = told(*against(which))
    assert seen.changes
    assert seen.causes()[Cause.UNKNOWN] == 0
    assert seen.causes()[Cause.RULE] > 0


def test_where_nobody_learns_a_changed_sale_is_a_draw_between_two_chances():
    """With one belief for ever the chances are exact: every changed sale is lawful under one and not under the other."""
    still = {"learning": {"learning_share": 0}}
    seen = told(world(**still), world(**still, **DEPOSIT))
    sales = [c for c in seen.changes if c.why.draw is not None]
    assert sales
    for change in sales:
        why = change.why
        assert (why.draw < why.before) != (why.draw < why.after)
        assert why.cause is Cause.RULE
    assert all(change.why.cause is not Cause.OTHERS for change in seen.changes)


def test_with_unlimited_capacity_nothing_is_crowding():
    """No queue, no outlet on the way, no spares, no pool: what remains is the pack's own."""
    roomy = replace(inputs(), capacity_t=inputs().capacity_t * 1e3, swap_share=inputs().swap_share * 0)
    free = {"scrapping": {"direct_share": 1}, "replacement": {"share_early": 0, "share_late": 0}}
    a, b = (run(small(scale=20_000, **free, **lever), figures=roomy) for lever in ({}, {**NO_SCRAPPING}))
    seen = told(a, b, roomy)
    assert seen.changes
    assert seen.causes()[Cause.CROWDING] == 0
    assert seen.causes()[Cause.UNKNOWN] == 0


def test_packs_that_only_one_run_has_are_absent_in_the_other():
    seen = told(*against("replacement"))
    made = [c for c in seen.changes if "absent" in (c.before, c.after)]
    assert made
    assert all(c.origin is not Origin.SOLD and c.parting is None for c in made)


def step(event, day, *, role=Role.OUTLET, receiver="", vehicle=-1):
    return Step(event, day, "firm", role, 1, receiver, "", vehicle)


def test_lives_part_at_the_first_event_that_differs():
    a = [step(E.SELL, 1), step(E.REMOVE, 5), step(E.KEEP, 9)]
    assert parting(a, a) is None
    assert parting(a, a[:2]) == Parting(a[1], a[2], None)
    assert parting(a, [a[0], step(E.REMOVE, 6)]) == Parting(a[0], a[1], step(E.REMOVE, 6))
    assert parting(a, []) == Parting(None, a[0], None)


def test_a_longer_queue_is_crowding_and_a_changed_capacity_is_a_rule():
    base = small()
    pack = Pack(7, Origin.SOLD, 1, 0.4, 1)
    day = base.last_day() - 100
    waits = Parting(step(E.RECEIVE, day, role=Role.CU), step(E.TEST, day + 1), step(E.TEST, day + 9))
    dearer = small(market={"deposit_yuan_pack": 100})
    assert Causes(base, dearer, inputs(), 0).why(waits, pack).cause is Cause.CROWDING
    fewer = small(recycling={"capacity_share": 0.1})
    assert Causes(base, fewer, inputs(), 0).why(waits, pack).cause is Cause.RULE


def test_a_figure_that_differs_later_explains_nothing_before():
    base = small()
    pack = Pack(7, Origin.SOLD, 1, 0.4, 1)
    first = base.first_day()
    waits = Parting(
        step(E.RECEIVE, first + 1, role=Role.CU), step(E.TEST, first + 2), step(E.TEST, first + 9)
    )
    before = base.recycling.capacity_share.on(first)
    later = small(recycling={"capacity_share": {"2011-01-01": before, "2027-01-01": 0.1}})
    assert Causes(base, later, inputs(), 0).why(waits, pack).cause is Cause.CROWDING


def test_a_birth_in_words():
    assert born((39 << 32) + 4) == "sold 2014-04, no. 5"
    assert born((int(Origin.REPLACEMENT) << 60) + (39 << 32)) == "replaced, sold 2014-04, no. 1"
    assert born((int(Origin.POOL) << 60) + 6) == "swap pool, no. 7"
