"""Authorities that look, find, fine and strike off; traders who learn from what they see; outlets that refuse."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.belief import Belief, Watch
from tests.sim.small import World, run, small
from traceability.events import day_number
from traceability.vocabulary import Detail, EventType, Role

E = EventType
HORIZON: dict[str, Any] = {"scale": 20_000, "first": date(2026, 4, 1), "until": date(2029, 3, 31)}
AUTHORITIES = ("miit", "mofcom", "mee", "samr", "mot")
BLIND: dict[str, Any] = {who: {"inspected_share": 0.0} for who in AUTHORITIES} | {
    "mee": {"inspected_share": 0.0, "recycler_inspected_share": 0.0}
}
FREE = {"fine_yuan": 0, "detected_share": 1.0, "decision_days": 0}
"""An authority that finds all that it looks at, the same day, and fines nothing: nobody minds it."""

HERE = np.array([5])
YES, NO = np.array([True]), np.array([False])


def belief(prior: float, pace: float, memory: float = 0.0, scale: int = 1) -> Belief:
    learning = {"prior_share": prior, "learning_share": pace, "memory_packs": memory}
    return Belief(small(learning=learning).learning, scale)


def held(of: Belief, watch: Watch = Watch.OUTLET, province: int = 5) -> float:
    return float(of.found_share(watch, np.array([province]))[0])


# --- belief, by hand ---


def test_a_belief_begins_at_the_prior_and_closes_its_share_of_the_gap_a_quarter_later():
    """Prior 0.1; of two sales one is found; half of the gap to 0.5 is 0.2."""
    b = belief(0.1, 0.5)
    assert held(b) == pytest.approx(0.1)
    b.saw(Watch.OUTLET, np.array([5, 5]), np.array([True, False]), np.array([0.3, 0.3]))
    b.close_quarter(0)  # the cases of the quarter are not yet closed
    assert held(b) == pytest.approx(0.1)
    b.close_quarter(0)
    assert held(b) == pytest.approx(0.3)
    assert held(b, Watch.DISMANTLER) == pytest.approx(0.1)
    b.close_quarter(0)  # a quarter without sales teaches nothing
    assert held(b) == pytest.approx(0.3)


def test_what_is_heard_counts_as_so_many_sales_seen():
    """Here one of one is found, in province 6 none of two: a third in all, which counts as three sales."""
    b = belief(0.0, 1.0, memory=3.0)
    b.saw(Watch.OUTLET, np.array([5, 6, 6]), np.array([True, False, False]), np.full(3, 0.5))
    b.close_quarter(0)
    b.close_quarter(0)
    step = 3 / (3 + 3)
    assert held(b, province=5) == pytest.approx(step * (1 + 3 / 3) / (1 + 3))
    assert held(b, province=6) == pytest.approx(step * (0 + 3 / 3) / (2 + 3))
    assert held(b, province=7) == pytest.approx(step / 3)


def test_as_many_sales_as_memory_move_a_belief_half_as_far():
    b = belief(0.0, 1.0, memory=3.0)
    for found in (YES, NO, YES):
        b.saw(Watch.OUTLET, HERE, found, np.array([0.5]))
    b.close_quarter(0)
    b.close_quarter(0)
    assert held(b) == pytest.approx(0.5 * 2 / 3)


def test_one_pack_that_stands_for_a_thousand_makes_nobody_panic():
    """Itself, found, and 999 of which a hundredth is found."""
    b = belief(0.0, 1.0, scale=1000)
    b.saw(Watch.OUTLET, HERE, YES, np.array([0.01]))
    b.close_quarter(0)
    b.close_quarter(0)
    assert held(b) == pytest.approx((1 + 999 * 0.01) / 1000)


@given(
    prior=st.floats(0, 1), pace=st.floats(0, 1), memory=st.floats(0, 1e4), chance=st.floats(0, 1),
    scale=st.sampled_from([1, 50, 100_000]), seed=st.integers(0, 1000),
)  # fmt: skip
def test_a_belief_moves_towards_what_is_seen_and_never_beyond(prior, pace, memory, chance, scale, seed):
    b = belief(prior, pace, memory, scale)
    found = np.random.default_rng(seed).random(50) < chance
    b.saw(Watch.WORKSHOP, np.full(50, 5), found, np.full(50, chance))
    b.close_quarter(0)
    b.close_quarter(0)
    seen = float((found.sum() + (scale - 1) * 50 * chance) / (50 * scale))
    assert min(prior, seen) - 1e-12 <= held(b, Watch.WORKSHOP) <= max(prior, seen) + 1e-12


@given(chance=st.floats(0, 1), scale=st.sampled_from([1, 100_000]))
def test_a_belief_ends_at_the_share_that_is_found(chance, scale):
    """4,000 sales a quarter for twenty years: within four standard errors of a mean over some seven quarters."""
    b, luck = belief(0.5, 0.25, 100.0, scale), np.random.default_rng(1)
    for _ in range(80):
        b.saw(Watch.TRANSPORT, np.full(4000, 5), luck.random(4000) < chance, np.full(4000, chance))
        b.close_quarter(0)
    assert held(b, Watch.TRANSPORT) == pytest.approx(chance, abs=4 * 0.5 / np.sqrt(7 * 4000))


# --- what stands in the log ---


def remarks(world: World, event: EventType, regulator: str = "") -> list[tuple[Any, ...]]:
    """(unit, receiver, event day, record day, role of the receiver) of what authorities did."""
    return world.rows(
        f"""select e.unit, e.receiver, e.event_day, e.record_day, r.role from event e join actor a using (actor)
        join actor r on r.actor = e.receiver where e.event = {event} and a.name like '%{regulator}' order by e.event_id"""
    )


def sales(world: World, role: Role) -> dict[int, tuple[int, int]]:
    """Pack sold off by holders of a role -> (seller, day)."""
    return {
        unit: (actor, day)
        for unit, actor, day in world.rows(
            f"""select unit, actor, event_day from event join actor using (actor)
            where happened and event = {E.DIVERT} and role = {role}"""
        )
    }


def test_whoever_looks_at_everything_and_sees_everything_finds_every_sale_of_those_it_watches():
    world = run(small(**HORIZON, inspection=BLIND | {"mofcom": FREE | {"inspected_share": 1.0}}))
    sold = sales(world, Role.ELV)
    found = remarks(world, E.PENALISE)
    assert len(sold) > 20
    assert {unit: (firm, day) for unit, firm, day, _, _ in found} == sold
    assert all(record == day and role == Role.ELV for _, _, day, record, role in found)
    assert remarks(world, E.PENALISE, "MOFCOM") == found


@pytest.mark.parametrize(
    ("who", "watched"),
    [
        ("miit", {Role.REPAIR, Role.SWAP_OP, Role.OUTLET}),
        ("mee", {Role.INFORMAL}),
        ("mot", {Role.INFORMAL}),
        ("samr", {Role.INFORMAL}),
    ],
)
def test_each_authority_finds_those_that_it_watches(who, watched):
    law = BLIND | {
        who: FREE | {"inspected_share": 1.0, "recycler_inspected_share": 0.0}
        if who == "mee"
        else FREE | {"inspected_share": 1.0}
    }
    world = run(small(**HORIZON, inspection=law))
    found = remarks(world, E.PENALISE)
    assert found
    assert {role for *_, role in found} <= watched
    assert remarks(world, E.PENALISE, who.upper()) == found
    if who in ("mee", "mot"):
        ((sold,),) = world.rows(f"select count(*) from event where happened and event = {E.DIVERT}")
        assert len(found) == sold


def test_nobody_finds_what_nobody_looks_at():
    world = run(small(**HORIZON, inspection=BLIND))
    assert not world.rows(
        f"select 1 from event where event in ({E.INSPECT}, {E.PENALISE}, {E.DELIST}, {E.LIST})"
    )


def test_more_inspections_find_all_that_fewer_find():
    few, many = (
        run(small(**HORIZON, inspection=BLIND | {"mofcom": FREE | {"inspected_share": share}}))
        for share in (0.2, 0.6)
    )
    assert sales(few, Role.ELV) == sales(many, Role.ELV)  # it costs nothing to be found
    one, other = ({row[0] for row in remarks(world, E.PENALISE)} for world in (few, many))
    assert one < other
    sold = len(sales(few, Role.ELV))
    for found, share in ((len(one), 0.2), (len(other), 0.6)):
        assert abs(found / sold - share) < 4 * np.sqrt(share * (1 - share) / sold)


def test_a_battery_that_is_found_costs_its_part_of_the_fine_of_a_case():
    law = BLIND | {
        "mot": {"inspected_share": 1.0, "detected_share": 0.5, "fine_yuan": 30_000, "packs_per_case": 4}
    }
    world = run(small(**HORIZON, inspection=law))
    fines = world.rows(
        f"select event, value from detail join event using (event_id) where what = {Detail.FINE_YUAN}"
    )
    assert len(fines) == len(remarks(world, E.PENALISE)) > 10
    assert set(fines) == {(int(E.PENALISE), 7500)}
    assert len(remarks(world, E.INSPECT)) > 1.5 * len(fines)


def test_what_is_found_is_punished_later_and_within_the_horizon():
    law = BLIND | {
        "mee": {
            "inspected_share": 1.0,
            "detected_share": 1.0,
            "fine_yuan": 0,
            "decision_days": 200,
            "recycler_inspected_share": 0.0,
        }
    }
    world = run(small(**HORIZON, inspection=law))
    sold = {
        unit: day
        for unit, day in world.rows(
            f"select unit, event_day from event where happened and event = {E.DIVERT}"
        )
    }
    waits = [day - sold[unit] for unit, _, day, _, _ in remarks(world, E.PENALISE)]
    assert min(waits) >= 0
    assert 60 < np.mean(waits) < 200  # those that wait beyond the horizon are not written
    assert len(waits) < len(sold)


# --- the list ---

STRICT = BLIND | {
    "mee": {
        "inspected_share": 0.0,
        "recycler_inspected_share": 0.06,
        "recycler_detected_share": 1.0,
        "recycler_fine_yuan": 1000,
    }
}
LONG: dict[str, Any] = {
    "scale": 20_000,
    "first": date(2025, 1, 1),
    "until": date(2031, 12, 31),
    "falsehood": {"flattered_share": 1.0},
}


def test_a_recycler_that_is_punished_is_off_the_list_for_two_years_from_the_day_of_the_law():
    world = run(small(**LONG, inspection=STRICT))
    spans: dict[int, list[tuple[EventType, int]]] = {}
    for event in (E.DELIST, E.LIST):
        for unit, firm, day, _, role in remarks(world, event, "MIIT"):
            assert unit is None
            assert role == Role.CU
            spans.setdefault(firm, []).append((event, day))
    assert spans
    punished = {(firm, day) for _, firm, day, _, _ in remarks(world, E.PENALISE, "MEE")}
    returned = 0
    for firm, changes in spans.items():
        changes.sort(key=lambda change: change[1])
        assert [event for event, _ in changes] == [E.DELIST, E.LIST] * (len(changes) // 2) + [E.DELIST] * (
            len(changes) % 2
        )
        for (_, off), (_, back) in zip(changes[::2], changes[1::2], strict=False):
            last = max(day for who, day in punished if who == firm and day < back)
            assert back - last == round(2 * 365.25) + 1
            assert (firm, off) in punished
            returned += 1
        assert all(day >= day_number(date(2026, 4, 1)) for _, day in changes)
    assert returned
    assert any(day < day_number(date(2026, 4, 1)) for _, day in punished)  # fined, but nobody lost his place


def test_what_is_processed_off_the_list_is_not_counted_as_processed_by_listed_recyclers():
    world = run(small(**LONG, inspection=STRICT))
    free = run(small(**LONG, inspection=BLIND))

    def total(of: World, name: str) -> float:
        return sum(v.value for v in of.measures if v.measure == name)

    by_all = world.rows(
        f"""select sum(mass_g) * {world.scenario.scale} / 1e9 from event join unit using (unit) join actor using (actor)
        where happened and role = {Role.CU} and (event = {E.PROCESS} or (event = {E.DISMANTLE} and level = 1))"""
    )[0][0]
    assert total(world, "processed_unlisted") > 0
    assert total(world, "processed") + total(world, "processed_unlisted") == pytest.approx(by_all)
    assert total(free, "processed_unlisted") == 0


def test_a_recycler_off_the_list_draws_less():
    def received_off_list(pull: float) -> float:
        law = STRICT | {"mee": STRICT["mee"] | {"unlisted_pull": pull}}
        world = run(small(**LONG, inspection=law))
        return sum(v.value for v in world.measures if v.measure == "processed_unlisted")

    none, some, all_ = (received_off_list(pull) for pull in (0.0, 0.3, 1.0))
    assert none < some < all_


def test_an_honest_recycler_with_its_permits_has_nothing_to_fear():
    honest = {
        "falsehood": {"flattered_share": 0.0},
        "recycling": {"unbalanced_share": 0.0, "lapsed_share": 0.0},
    }
    world = run(small(**LONG | honest, inspection=STRICT))
    assert remarks(world, E.INSPECT, "MEE")
    assert not remarks(world, E.PENALISE)


def test_processing_while_a_permit_has_lapsed_is_found():
    lapsed = {
        "falsehood": {"flattered_share": 0.0},
        "recycling": {"unbalanced_share": 0.0, "lapsed_share": 1.0},
    }
    world = run(small(**LONG | lapsed, inspection=STRICT))
    found = remarks(world, E.PENALISE, "MEE")
    assert found
    gaps = {
        actor: (end, start)
        for actor, end, start in world.rows(
            "select actor, min(valid_to), max(valid_from) from permit where kind = 4 group by actor"
        )
    }
    # found at the end of a quarter, decided within some weeks
    assert all(gaps[firm][0] < day < gaps[firm][1] + 1000 for _, firm, day, _, _ in found)


# --- outlets that refuse ---

WORTHLESS = {"treatment_yuan_t": 60_000}


def shipped_to(world: World, units: set[int]) -> dict[int, set[int]]:
    rows = world.rows(f"select unit, receiver from event where happened and event = {E.SHIP}")
    return {unit: {r for u, r in rows if u == unit} for unit in units}


def test_what_an_outlet_refuses_is_sold_off_or_taken_by_another():
    refusing = run(small(**HORIZON, market=WORTHLESS, collection={"refused_share": 1.0}))
    taking = run(small(**HORIZON, market=WORTHLESS, collection={"refused_share": 0.0}))
    refused = refusing.rows(
        f"select unit, actor, receiver, event_day, record_day from event where event = {E.REFUSE}"
    )
    assert len(refused) > 20
    assert all(record is None for *_, record in refused)
    where = shipped_to(refusing, {row[0] for row in refused})
    sold = {row[0] for row in refusing.rows(f"select unit from event where happened and event = {E.DIVERT}")}
    gone = {row[0] for row in refused if row[0] in sold}
    assert 0 < len(gone) < len(refused)
    for unit, _, _, _, _ in refused:
        assert unit in sold or where[unit]
    ((few,),) = taking.rows(f"select count(*) from event where happened and event = {E.DIVERT}")
    assert len(sold) > few
    assert not taking.rows(f"select 1 from event where event = {E.REFUSE}")


def test_nobody_refuses_what_is_worth_something():
    world = run(small(**HORIZON, market={"treatment_yuan_t": 0}, collection={"refused_share": 1.0}))
    assert not world.rows(f"select 1 from event where event = {E.REFUSE}")
