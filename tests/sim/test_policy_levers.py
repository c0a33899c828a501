"""What the levers of a policy do: automatic reports, prices and payments, capacity and list, inspections that are directed."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import fines, money, quarters
from sim.industry import recycler_shares, target_weights
from sim.levers import check_makers
from sim.market import Worth, lawful_way
from sim.scenario import Scenario
from tests.sim.small import World, inputs, run, small
from traceability.errors import ScenarioError
from traceability.events import day_number
from traceability.vocabulary import Chemistry, Detail, EventType, Role

E = EventType
HORIZON: dict[str, Any] = {"scale": 20_000, "first": date(2026, 1, 1), "until": date(2028, 12, 31)}
FROM_2027 = {"2011-01-01": 0, "2027-01-01": 1}
DAY_2027 = day_number(date(2027, 1, 1))
DAYS = np.array([day_number(date(2027, 5, 1)), day_number(date(2030, 5, 1))])
KINDS = np.array([Chemistry.LFP, Chemistry.NCM])


def told_late(world: World, role: Role, condition: str) -> int:
    """Reports of a kind of actor that were not told on the day after."""
    ((late,),) = world.rows(
        f"""select count(*) from event join actor using (actor)
        where role = {role} and event < 50 and happened and event <> {E.DIVERT} and record_day is distinct from event_day + 1
          and {condition}"""
    )
    return int(late)


# --- automatic reports ---


def test_a_machine_tells_on_the_day_after_and_leaves_nothing_out():
    world = run(small(**HORIZON, reporting={"automatic_share": FROM_2027}))
    for role in (Role.OEM, Role.ELV, Role.OUTLET, Role.CU):
        assert told_late(world, role, f"event_day >= {DAY_2027}") == 0
        assert told_late(world, role, f"event_day < {DAY_2027}") > 0


def test_half_of_the_firms_report_as_before():
    before, half = (run(small(**HORIZON, reporting={"automatic_share": share})) for share in (0, 0.5))
    firms = f"""select actor, bool_and(record_day is not distinct from event_day + 1) from event join actor using (actor)
        where role = {Role.ELV} and happened and event <> {E.DIVERT} and event < 50 group by actor order by actor"""
    at_once = np.array([same for _, same in half.rows(firms)])
    assert 0.35 < at_once.mean() < 0.65
    machines = ", ".join(str(actor) for (actor, same) in half.rows(firms) if same)
    others = f"""select unit, event_day, record_day from event join actor using (actor)
        where role = {Role.ELV} and actor not in ({machines}) order by all"""
    assert half.rows(others) == before.rows(others)


def test_nothing_is_told_before_there_is_a_platform():
    world = run(small(**HORIZON, reporting={"automatic_share": 1.0, "omitted_share": 1.0}))
    ((told,),) = world.rows("select count(*) from event where record_day is not null and event < 50")
    assert told == 0


def test_a_machine_tells_a_lie_that_it_is_told():
    lies = {"falsehood": {"hidden_sale_share": 1.0, "corrected_share": 0.0}}
    world = run(small(**HORIZON, **lies, reporting={"automatic_share": 1.0}))
    ((false, at_once),) = world.rows(
        f"select count(*), count(*) filter (record_day = event_day + 1) from event where event = {E.SHIP} and not happened"
    )
    assert false == at_once > 0


# --- prices and payments ---


def worth(**market: Any) -> Worth:
    return Worth(inputs(), small(market=market).market)


def test_a_formal_price_that_rises_is_not_followed_by_workshops():
    plain, dear = worth(), worth(formal_price_factor=1.5)
    gain = dear.formal_yuan_t(DAYS, KINDS) - plain.formal_yuan_t(DAYS, KINDS)
    assert gain == pytest.approx(0.5 * plain.coefficients_yuan_t(DAYS, KINDS))
    assert (dear.informal_yuan_t(DAYS, KINDS) == plain.informal_yuan_t(DAYS, KINDS)).all()
    lost = plain.recycler_margin_yuan_t(DAYS, KINDS) - dear.recycler_margin_yuan_t(DAYS, KINDS)
    assert lost == pytest.approx(gain)


def test_an_informal_price_moves_only_offers_that_are_worth_something():
    for treatment in (0, 100_000):
        plain = worth(treatment_yuan_t=treatment).informal_yuan_t(DAYS, KINDS)
        dear = worth(treatment_yuan_t=treatment, informal_price_factor=2).informal_yuan_t(DAYS, KINDS)
        assert dear == pytest.approx(plain * 2 if treatment == 0 else plain)


def test_a_factor_may_change_on_a_day():
    later = worth(formal_price_factor={"2011-01-01": 1, "2029-01-01": 2}).payable_yuan_t(DAYS, KINDS)
    assert later / worth().payable_yuan_t(DAYS, KINDS) == pytest.approx([1, 2])


def formal(world: World) -> float:
    ((share,),) = world.rows(
        f"""with pack as (select unit, bool_or(event = {E.DIVERT}) as off from event join unit using (unit)
            where happened and level = 1 and event in ({E.DIVERT}, {E.COLLECT}, {E.RECEIVE}) group by unit)
        select avg((not off)::int) from pack"""
    )
    return float(share)


@pytest.mark.parametrize("paid", [{"subsidy_yuan_t": 2000}, {"formal_price_factor": 1.5}])
def test_who_is_paid_more_hands_over_more(paid):
    assert formal(run(small(**HORIZON, market=paid))) > formal(run(small(**HORIZON))) + 0.02


def test_a_dearer_workshop_gets_more():
    assert formal(run(small(**HORIZON, market={"informal_price_factor": 2}))) < formal(run(small(**HORIZON)))


def paid(world: World) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, _, key, value in money.measure(world.store, world.scenario, inputs()):
        if name in ("public_cost", "earned"):
            found[key] = found.get(key, 0.0) + value
    return found


def test_the_state_pays_once_for_each_pack_and_each_tonne_that_recyclers_receive():
    market = {"deposit_yuan_pack": FROM_2027 | {"2027-01-01": 300}, "subsidy_yuan_t": 700}
    world = run(small(**HORIZON, market=market))
    rows = world.rows(
        f"""select e.event_day, u.mass_g from event e join unit u using (unit) join actor a using (actor)
        where e.happened and u.level = 1 and e.event = {E.RECEIVE} and a.role = {Role.CU}"""
    )
    found = paid(world)
    scale = world.scenario.scale
    assert found["deposit"] == pytest.approx(sum(day >= DAY_2027 for day, _ in rows) * scale * 300 / 1e6)
    assert found["subsidy"] == pytest.approx(sum(mass for _, mass in rows) * scale / 1e6 * 700 / 1e6)
    assert found["outlets"] == 0


def test_what_the_state_pays_holders_earn():
    """With a payment too small to change a mind, the log is the same."""
    plain, some = (run(small(**HORIZON, market={"subsidy_yuan_t": yuan})) for yuan in (0, 1e-6))
    ours, theirs = paid(some), paid(plain)
    assert ours["holders"] - theirs["holders"] == pytest.approx(ours["subsidy"], rel=1e-3)
    assert ours["recyclers"] == theirs["recyclers"]


def test_outlets_beyond_those_of_2023_are_paid_for():
    support = {"2011-01-01": 0, "2027-01-01": 100_000}
    found = paid(run(small(**HORIZON, collection={"density": 1.5, "support_yuan_year": support})))
    assert found["outlets"] == pytest.approx(2 * 0.5 * inputs().outlets.sum() * 0.1)


@pytest.mark.parametrize(
    ("density", "way", "cost"), [(1, 0.5, 1), (4, 0.5, 0.75), (4, 1, 0.5), (0.25, 0.5, 1.5), (9, 0, 1)]
)
def test_the_way_to_an_outlet_is_half_as_long_where_there_are_four_times_as_many(density, way, cost):
    assert lawful_way(small(collection={"density": density, "way_share": way}).collection) == pytest.approx(
        cost
    )


# --- capacity and list ---


def capacity(world: World) -> dict[str, float]:
    """Tonnes a year by province."""
    names = inputs().provinces.names
    rows = world.rows(
        f"select province, sum(capacity_t_year) from actor where role = {Role.CU} group by province order by province"
    )
    return {names[province - 1]: float(t) for province, t in rows}


def test_capacity_moves_to_where_it_is_multiplied_and_the_total_follows():
    share, names = inputs().recycler_share, inputs().provinces.names
    plain, moved = (
        capacity(run(small(**HORIZON, recycling={"capacity_factor": factor})))
        for factor in ({}, {"Guangdong": 10})
    )
    part = share[names.index("Guangdong")] / share.sum()
    assert sum(moved.values()) / sum(plain.values()) == pytest.approx(1 + 9 * part, rel=1e-3)
    assert moved["Guangdong"] / sum(moved.values()) > 3 * plain["Guangdong"] / sum(plain.values())


def test_a_province_without_capacity_receives_nothing():
    world = run(small(**HORIZON, recycling={"capacity_factor": {"Hunan": 0}}))
    assert "Hunan" in capacity(run(small(**HORIZON)))
    assert "Hunan" not in capacity(world)


@given(st.dictionaries(st.sampled_from(["Hunan", "Guangdong", "Hubei"]), st.floats(0, 100), max_size=3))
def test_shares_times_factors_are_the_capacity_of_each_province(factor):
    share, names = inputs().recycler_share, inputs().provinces.names
    found, total = recycler_shares(inputs(), factor)
    for name, part, whole in zip(names, found, share, strict=True):
        assert part == pytest.approx(whole * factor.get(name, 1))
    assert total == pytest.approx(found.sum() / share.sum())


@pytest.mark.parametrize(
    ("section", "table", "said"),
    [
        ("recycling", {"capacity_factor": {"Hunnan": 2}}, "unknown province `Hunnan`.*did you mean `Hunan`"),
        ("recycling", {"capacity_factor": {"Beijing": 2}}, "no recycler stands in Beijing"),
        (
            "inspection",
            {"miit": {"targeting": {"outlet": 2}}},
            "unknown .* `outlet` in inspection.miit.*`outlets`",
        ),
        (
            "inspection",
            {"mofcom": {"targeting": {"outlets": 2}}},
            "unknown province `outlets` in inspection.mofcom",
        ),
    ],
)
def test_a_name_that_nobody_has_is_told_with_the_closest(section, table, said):
    with pytest.raises(ScenarioError, match=said):
        check_makers(small(**{section: table}), inputs())


def test_no_capacity_at_all_is_refused():
    there = [n for n, part in zip(inputs().provinces.names, inputs().recycler_share, strict=True) if part]
    with pytest.raises(ScenarioError, match="leaves no capacity at all"):
        recycler_shares(inputs(), dict.fromkeys(there, 0.0))


@pytest.mark.parametrize(
    ("section", "table"),
    [
        ("recycling", {"capacity_factor": {"Hunan": -1}}),
        ("recycling", {"capacity_factor": {"Hunan": float("nan")}}),
        ("recycling", {"capacity_factor": {"Hunan": 101}}),
        ("inspection", {"mot": {"targeting": {"Hunan": 1001}}}),
    ],
    ids=str,
)
def test_a_weight_beyond_its_range_is_refused(section, table):
    with pytest.raises(ValueError, match="Hunan = .* is not between 0 and"):
        small(**{section: table})


def listings(world: World) -> list[tuple[int, int, int]]:
    return [
        (int(e), int(day), int(firm))
        for e, day, firm in world.rows(
            f"select event, event_day, receiver from event where event in ({E.LIST}, {E.DELIST}) order by event_id"
        )
    ]


NO_BANS = {"mee": {"list_ban_years": 0}}


def test_recyclers_that_are_not_announced_leave_the_list_on_the_first_day_and_draw_less():
    half = run(small(**HORIZON, inspection=NO_BANS, recycling={"listed_share": 0.5}))
    found = listings(half)
    firms = half.rows(f"select count(*) from actor where role = {Role.CU}")[0][0]
    assert {(e, day) for e, day, _ in found} == {(int(E.DELIST), day_number(HORIZON["first"]))}
    assert 0 < len(found) < firms
    off = ", ".join(str(firm) for _, _, firm in found)
    received = f"select count(*) from event where event = {E.RECEIVE} and actor in ({off})"
    everybody = run(small(**HORIZON, inspection=NO_BANS))
    assert half.rows(received)[0][0] < 0.7 * everybody.rows(received)[0][0]
    struck = [
        v
        for name, _, _, v in money.measure(half.store, half.scenario, inputs())
        if name == "recyclers_struck_off"
    ]
    assert struck == []


def test_recyclers_are_put_on_the_list_when_more_are_announced():
    share = {"2011-01-01": 0.0, "2027-01-01": 1.0}
    found = listings(run(small(**HORIZON, inspection=NO_BANS, recycling={"listed_share": share})))
    left = {firm for e, _, firm in found if e == E.DELIST}
    back = [(day, firm) for e, day, firm in found if e == E.LIST]
    assert {firm for _, firm in back} == left
    assert {day for day, _ in back} == {
        int(quarters.START[65]) - 1
    }  # the last day of the first quarter of 2027


def test_whoever_is_struck_off_is_not_announced_before_his_time_ends():
    law = {"mee": {"recycler_inspected_share": 1.0, "recycler_detected_share": 1.0, "list_ban_years": 2}}
    recycling = {"listed_share": {"2011-01-01": 0.5, "2027-01-01": 1.0}, "unbalanced_share": 0.5}
    world = run(small(**HORIZON, inspection=law, recycling=recycling))
    ((soon,),) = world.rows(
        f"""select count(*) from event l join event p on p.receiver = l.receiver and p.event = {E.PENALISE}
        join actor a on a.actor = l.receiver and a.role = {Role.CU}
        where l.event = {E.LIST} and l.event_day between p.event_day and p.event_day + 729"""
    )
    assert soon == 0
    on = {}
    for event, _, firm in listings(world):
        assert on.get(firm, True) == (event == E.DELIST)  # off and on by turns
        on[firm] = event == E.LIST


def test_where_no_recycler_is_listed_and_nobody_goes_to_others_all_go_to_all():
    nobody = small(**HORIZON, recycling={"listed_share": 0.0}, inspection={"mee": {"unlisted_pull": 0.0}})
    everybody = small(**HORIZON, inspection={"mee": {"unlisted_pull": 0.0, "list_ban_years": 0}})
    received = f"select unit, actor from event where event = {E.RECEIVE} order by all"
    assert run(nobody).rows(received) == run(everybody).rows(received)


# --- inspections that are directed ---

ALL_SEEN = {"inspected_share": 0.5, "detected_share": 1.0}


def inspected(world: World, column: str) -> dict[int, int]:
    """How many inspections of MIIT there were by role or province of whom it looked at."""
    rows = world.rows(
        f"""select r.{column}, count(*) from event e join actor r on r.actor = e.receiver
        where e.event = {E.INSPECT} and r.role in ({Role.REPAIR}, {Role.SWAP_OP}, {Role.OUTLET}) group by 1"""
    )
    return {int(key): int(n) for key, n in rows}


def directed(targeting: dict[str, float]) -> World:
    return run(small(**HORIZON, inspection={"miit": ALL_SEEN | {"targeting": targeting}}))


def test_inspections_may_be_directed_at_a_kind_of_firms():
    plain = inspected(directed({}), "role")
    outlets = inspected(directed({"outlets": 2, "repair_firms": 0, "swap_operators": 0}), "role")
    assert set(outlets) == {Role.OUTLET}
    assert outlets[Role.OUTLET] == pytest.approx(2 * plain[Role.OUTLET], rel=0.15)


def test_inspections_may_be_directed_at_a_province_and_cover_no_more_than_all():
    hunan = inputs().provinces.names.index("Hunan") + 1
    none, twice, often = (inspected(directed({"Hunan": weight}), "province") for weight in (0, 2, 1000))
    assert hunan not in none
    assert twice[hunan] == often[hunan]
    assert {p: n for p, n in none.items() if p != hunan} == {p: n for p, n in often.items() if p != hunan}


def test_weights_of_place_and_kind_multiply():
    by_province, by_role = target_weights(inputs(), "miit", {"Hunan": 3, "outlets": 0.5})
    assert by_province[inputs().provinces.names.index("Hunan")] == 3
    assert by_province.sum() == 30 + 3
    assert by_role == {Role.OUTLET: 0.5}


def test_more_is_found_where_inspections_are_directed():
    law = {"mofcom": {"inspected_share": 0.1, "detected_share": 1.0}}
    found = []
    for targeting in ({}, {"Guangdong": 10}):
        world = run(small(**HORIZON, inspection={"mofcom": law["mofcom"] | {"targeting": targeting}}))
        guangdong = inputs().provinces.names.index("Guangdong") + 1
        found.append(
            world.rows(
                f"""select count(*) from event e join actor r on r.actor = e.receiver
                where e.event = {E.PENALISE} and r.role = {Role.ELV} and r.province = {guangdong}"""
            )[0][0]
        )
    assert found[1] > found[0]


# --- fines ---


def law(**inspection: Any) -> Scenario:
    return small(inspection=inspection)


def test_no_fine_of_the_baseline_is_outside_of_a_stated_band():
    assert fines.remarks(small().inspection) == []


def test_a_fine_beyond_its_band_is_said_to_be_imagined_with_the_law_and_the_day():
    (said,) = fines.remarks(law(miit={"fine_yuan": {"2011-01-01": 0, "2028-01-01": 100_001}}).inspection)
    assert "`inspection.miit.fine_yuan`: 100001 yuan from 2028-01-01" in said
    assert "Guofa [2021] 26, grade K" in said
    assert "imagined, not law" in said


@pytest.mark.parametrize(
    ("fine", "remarked"),
    [
        ({"2011-01-01": 20_000, "2026-04-01": 100_000}, 0),
        ({"2011-01-01": 30_001, "2026-04-01": 100_000}, 1),
        ({"2011-01-01": 9_999, "2020-09-01": 10_000, "2026-04-01": 0}, 0),
        (9_999, 1),
        (200_000, 2),
    ],
    ids=str,
)
def test_the_dismantlers_rules_hold_until_order_73(fine, remarked):
    assert len(fines.remarks(law(mofcom={"fine_yuan": fine}).inspection)) == remarked


def test_a_fine_beyond_every_band_is_fined_all_the_same():
    severe = {"mofcom": ALL_SEEN | {"fine_yuan": 5_000_000, "packs_per_case": 1}}
    nobody_learns = {"prior_share": 0, "learning_share": 0}
    world = run(small(**HORIZON, inspection=severe, learning=nobody_learns))
    ((most,),) = world.rows(f"select max(value) from detail where what = {Detail.FINE_YUAN}")
    assert most == 5_000_000
