"""Measures of a policy, each counted a second way."""

from __future__ import annotations

from datetime import date

import pytest

from tests.sim.small import run, small
from traceability.events import day_number
from traceability.vocabulary import REMARKS, Role, Use
from traceability.vocabulary import EventType as E

SCALE = 20_000


def world():
    return run(small(scale=SCALE))


def total(w, measure, year=None):
    return sum(v.value for v in w.measures if v.measure == measure and year in (None, v.year))


def test_packs_by_fate_are_the_packs_that_retired():
    w = world()
    for year in range(2024, 2028):
        assert total(w, "fate_packs", year) == pytest.approx(total(w, "retired_packs", year))


def test_what_is_handed_over_lawfully_is_the_formal_share_of_what_is_traded():
    """Mass collected over mass collected, diverted or missing: the formal share, year by year."""
    w = world()
    share = w.measured("formal_share")
    traded = {
        year: mass
        for year, mass in w.rows(
            "select year(date '1970-01-01' + day), sum(mass_g) from fate "
            "where not exported and (diverted or lost or collected or received) group by 1"
        )
    }
    for year, value in share.items():
        assert total(w, "collected_mass", year) == pytest.approx(value * traded[year] * SCALE / 1e9)


def test_queues_at_year_end_are_those_that_a_walk_through_every_life_finds():
    w = world()
    lives: dict[int, list[tuple[int, int]]] = {}
    for unit, event, day in w.rows(
        f"select e.unit, e.event, e.event_day from event e join unit u using (unit) where e.happened and u.level = 1 "
        f"and e.event < {min(REMARKS)} order by e.unit, e.event_day, e.event_id"
    ):
        lives.setdefault(unit, []).append((event, day))
    stages = {
        E.RECEIVE_VEHICLE: "dismantler", E.ISSUE_CERTIFICATE: "dismantler", E.COLLECT: "outlet",
        E.SHIP: "transit", E.RECEIVE: "recycler",
    }  # fmt: skip
    for year in (2025, 2026, 2027):
        end = day_number(date(year, 12, 31))
        found = dict.fromkeys(stages.values(), 0)
        for life in lives.values():
            so_far = [event for event, day in life if day <= end]
            if so_far and so_far[-1] in stages:
                found[stages[E(so_far[-1])]] += 1
        for stage, packs in found.items():
            assert w.measured("queue_packs", stage, [year])[year] == pytest.approx(packs * SCALE / 1e3)


def test_every_report_is_counted_once():
    w = world()
    ((records,),) = w.rows(
        f"select count(*) from event e join actor a using (actor) where record_day <= {w.scenario.last_day()} "
        f"and event < {min(REMARKS)} and a.role in (1, 2, 3, 4, 5, 7, 8, 9)"
    )
    assert total(w, "reports_filed") == pytest.approx(records * SCALE / 1e3)


def test_e_bike_batteries_are_the_products_of_workshops_for_that_use():
    w = run(small(scale=SCALE, informal={"e_bike_share": 0.5, "storage_share": 0.1}))
    ((made,),) = w.rows(f"select count(*) from unit where purpose = {Use.E_BIKE}")
    assert made > 0
    assert total(w, "e_bike_packs") == pytest.approx(made * SCALE / 1e3)


def test_provinces_add_up_to_what_was_diverted_by_those_who_work_in_one():
    w = world()
    for year in range(2024, 2028):
        told = total(w, "province_diverted", year)
        ((grams,),) = w.rows(
            f"select coalesce(sum(mass_g), 0) from fate where diverted and who <> {Role.SWAP_OP} "
            f"and year(date '1970-01-01' + day) = {year}"
        )
        assert told == pytest.approx(float(grams) * SCALE / 1e9)
        assert told > 0
