"""What the ways pay, who earns, what is fined: against sums over the log made by hand."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim import money, quarters
from sim.market import Worth
from sim.measures import MEASURES
from tests.sim.small import World, inputs, run, small
from traceability.vocabulary import Chemistry, Detail, EventType, Role

E = EventType
HORIZON: dict[str, Any] = {"scale": 20_000, "first": date(2026, 4, 1), "until": date(2028, 12, 31)}
SEEN = {
    "mofcom": {"inspected_share": 0.5, "detected_share": 0.5, "fine_yuan": 20_000, "packs_per_case": 4},
    "mee": {"inspected_share": 0.3, "detected_share": 0.5, "recycler_inspected_share": 0.5, "recycler_detected_share": 0.5},
}  # fmt: skip


@cache
def world() -> World:
    return run(small(**HORIZON, inspection=SEEN))


@cache
def found() -> dict[tuple[str, str], dict[int, float]]:
    figures: dict[tuple[str, str], dict[int, float]] = {}
    for name, year, key, value in money.measure(world().store, world().scenario, inputs()):
        assert year not in figures.setdefault((name, key), {})
        figures[name, key][year] = value
    return figures


def test_every_figure_is_a_measure_with_units_in_both_languages():
    known = {info.id: info for info in MEASURES}
    assert {name for name, _ in found()} <= set(known)
    assert {info.id for info in money.MONEY_MEASURES} == {name for name, _ in found()}
    assert all(np.isfinite(v) for years in found().values() for v in years.values())


def test_the_offer_of_a_year_is_the_mean_of_its_quarters():
    worth = Worth(inputs(), world().scenario.market)
    days = quarters.START[[64, 65, 66, 67]] + 45  # 2027
    lfp = np.full(4, Chemistry.LFP)
    assert found()["offer_formal", "LFP"][2027] == pytest.approx(worth.formal_yuan_t(days, lfp).mean())
    assert found()["offer_informal", "LFP"][2027] > found()["offer_formal", "LFP"][2027] > 0


def test_fines_are_those_of_the_cases_in_the_log():
    """Of packs: a pack's part of the fine for each real pack; of recyclers: the fine of each real firm."""
    scale = world().scenario.scale
    rows = world().rows(
        f"""select a.name, year(date '1970-01-01' + e.event_day), e.unit is null, r.stands_for, d.value
        from event e join actor a using (actor) join actor r on r.actor = e.receiver
        join detail d on d.event_id = e.event_id and d.what = {Detail.FINE_YUAN} where e.event = {E.PENALISE}"""
    )
    assert any(firm for _, _, firm, _, _ in rows)
    expected: dict[tuple[str, int], float] = {}
    for name, year, firm, stands_for, fine in rows:
        at = name.split()[1], year
        expected[at] = expected.get(at, 0.0) + fine * (stands_for if firm else scale) / 1e6
    measured = {
        (key, year): v for (name, key), of in found().items() if name == "fines" for year, v in of.items()
    }
    assert measured == pytest.approx(expected)


def test_inspections_and_penalties_count_real_batteries():
    for name, event in (("inspections", E.INSPECT), ("penalties", E.PENALISE)):
        ((rows,),) = world().rows(f"select count(unit) from event where event = {event}")
        total = sum(sum(years.values()) for (measure, _), years in found().items() if measure == name)
        assert total == pytest.approx(rows * world().scenario.scale / 1e3)
    ((firms,),) = world().rows(
        f"select sum(stands_for) from event e join actor r on r.actor = e.receiver where event = {E.DELIST}"
    )
    assert sum(found()["recyclers_struck_off", ""].values()) == firms


def tonnes(which: str) -> list[tuple[int, int, float]]:
    return world().rows(
        f"""select year(date '1970-01-01' + e.event_day) * 4 + quarter(date '1970-01-01' + e.event_day) - 1, u.chemistry,
            sum(u.mass_g) * {world().scenario.scale} / 1e6
        from event e join unit u using (unit) join actor a using (actor) where e.happened and u.level = 1 and {which}
        group by all"""
    )


def test_recyclers_earn_their_margin_on_what_they_receive_less_their_fines():
    worth = Worth(inputs(), world().scenario.market)
    expected: dict[int, float] = {}
    for quarter, chemistry, mass_t in tonnes(f"e.event = {E.RECEIVE} and a.role = {Role.CU}"):
        day = quarters.START[[quarter - 2011 * 4]] + 45
        margin = worth.recycler_margin_yuan_t(day, np.array([chemistry]))[0]
        expected[quarter // 4] = expected.get(quarter // 4, 0.0) + margin * mass_t / 1e6
    for year, fine in world().rows(
        f"""select year(date '1970-01-01' + event_day), sum(value * stands_for) / 1e6 from event e
        join detail using (event_id) join actor r on r.actor = e.receiver where role = {Role.CU} group by all"""
    ):
        expected[year] -= fine
    assert found()["earned", "recyclers"] == pytest.approx(expected)


def test_carriers_earn_what_lawful_transport_costs():
    expected: dict[int, float] = {}
    for quarter, _, mass_t in tonnes(f"e.event = {E.SHIP}"):
        expected[quarter // 4] = expected.get(quarter // 4, 0.0) + 500 * mass_t / 1e6
    assert found()["earned", "carriers"] == pytest.approx(expected)


def test_what_is_earned_and_spent_is_what_came_in():
    """Recyclers: what they recover and sell, which is margin and costs together; fines are in both, and cancel."""
    worth = Worth(inputs(), world().scenario.market)
    sold: dict[int, float] = {}
    for quarter, chemistry, mass_t in tonnes(f"e.event = {E.RECEIVE} and a.role = {Role.CU}"):
        day, kind = quarters.START[[quarter - 2011 * 4]] + 45, np.array([chemistry])
        yuan_t = worth.recycler_margin_yuan_t(day, kind)[0] + worth.recycler_costs_yuan_t(day, kind)[0]
        sold[quarter // 4] = sold.get(quarter // 4, 0.0) + yuan_t * mass_t / 1e6
    earned, spent = found()["earned", "recyclers"], found()["spent", "recyclers"]
    assert {year: earned[year] + spent[year] for year in earned} == pytest.approx(sold)


def test_holders_spend_what_carriers_earn_and_their_fines():
    carried = found()["earned", "carriers"]
    ((fined,),) = world().rows(
        f"""select coalesce(sum(value * case when e.unit is null then r.stands_for else {world().scenario.scale} end), 0) / 1e6
        from event e join detail using (event_id) join actor r on r.actor = e.receiver
        where e.event = {E.PENALISE} and what = {Detail.FINE_YUAN} and role not in ({Role.CU}, {Role.INFORMAL})"""
    )
    assert sum(found()["spent", "holders"].values()) == pytest.approx(sum(carried.values()) + float(fined))


def test_a_workshop_loses_what_is_found():
    seen = sum(found()["earned", "workshops"].values())
    quiet = run(small(**HORIZON, inspection=SEEN | {"mee": SEEN["mee"] | {"inspected_share": 0.0}}))
    unseen = sum(
        value
        for name, _, key, value in money.measure(quiet.store, quiet.scenario, inputs())
        if (name, key) == ("earned", "workshops")
    )
    assert unseen > seen
