"""Vehicles leave the fleet as cohort arithmetic says that they must."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from sim.inputs import FIRST_YEAR, LAST_YEAR, Inputs, Kind
from tests.sim.small import World, inputs, run, small
from traceability.events import day_number
from traceability.vocabulary import EventType

E = EventType
SCALE = 10_000
DAYS_A_YEAR = 365.25
REGISTERED_SHARE = small().manufacture.registered_share
EXITS = f"({E.RECEIVE_VEHICLE}, {E.EXPORT}, {E.DIVERT}, {E.LOSE})"
LIMITED = {Kind.BUS: 13.0, Kind.TRUCK: 15.0}


@cache
def world() -> World:
    return run(small(scale=SCALE, first=date(2016, 1, 1), until=date(2035, 12, 31)))


def exits_by_year(of: World, kind: Kind | None = None) -> Counter[int]:
    """Year -> vehicles that left the road: the first of the events that take a vehicle off it."""
    days = of.rows(
        f"""select min(event_day) from event join vehicle using (vehicle)
        where happened and event in {EXITS} and {"true" if kind is None else f"kind = {int(kind)}"} group by vehicle"""
    )
    return Counter(date.fromordinal(date(1970, 1, 1).toordinal() + day).year for (day,) in days)


def left_by(
    years: npt.NDArray[np.float64], kind: Kind, shape: float, scale_years: float
) -> npt.NDArray[np.float64]:
    """Chance that a vehicle has left by an age: the Weibull life, cut off at the limit of its kind."""
    by_then = stats.weibull_min.cdf(years, shape, scale=scale_years)
    return np.where(years > LIMITED.get(kind, np.inf), 1.0, by_then)


def expected_exits(
    figures: Inputs, *, scale: int, shape: float, scale_years: float, first: date, kind: Kind | None = None
) -> npt.NDArray[np.float64]:
    """Vehicles that leave in each year, FIRST_YEAR to LAST_YEAR: the survival integral, day of sale by day of sale.

    A month's vehicles are sold evenly over its days; nobody leaves in the first 30; who should have left before
    the run began leaves with its first day.
    """
    ends = np.array([day_number(date(year, 1, 1)) for year in range(FIRST_YEAR, LAST_YEAR + 2)])
    days = np.arange(ends[0], ends[-1])
    months = (days + np.datetime64("1970-01-01")).astype("datetime64[M]")
    _, month, length = np.unique(months, return_inverse=True, return_counts=True)
    year, place = month // 12, month % 12
    sold = figures.registered(REGISTERED_SHARE)[year] * figures.season[place] / length[month] / scale
    found = np.zeros(ends.size)
    for each in Kind if kind is None else (kind,):
        age = ends[None, :] - days[:, None]
        gone = left_by(age / DAYS_A_YEAR, each, shape, scale_years)
        gone[(age <= 30) | np.broadcast_to(ends <= day_number(first), age.shape)] = 0.0
        found += (sold * figures.kind_share[year, each]) @ gone
    return np.diff(found)


@cache
def expected(kind: Kind | None = None) -> npt.NDArray[np.float64]:
    life = world().scenario.life
    return expected_exits(
        inputs(),
        scale=SCALE,
        shape=life.shape,
        scale_years=life.scale_years,
        first=date(2016, 1, 1),
        kind=kind,
    )


# --- by hand ---


def test_a_fleet_that_lives_exactly_long_enough_leaves_when_it_must():
    """Shape 20 and 100 years: no car wears out, and each bus leaves on the day it is 13 years old."""
    of = run(
        small(
            scale=2_000,
            first=date(2027, 1, 1),
            until=date(2028, 12, 31),
            life={"shape": 20.0, "scale_years": 100.0},
        )
    )
    ages = of.rows(
        f"""
        with sold as (select vehicle, event_day as day from event where happened and event = {E.SELL}),
        gone as (select vehicle, min(event_day) as day from event where happened and event in {EXITS} group by vehicle)
        select kind, sold.day, gone.day from gone join sold using (vehicle) join vehicle using (vehicle)"""
    )
    begin = day_number(date(2027, 1, 1))
    assert {kind for kind, _, _ in ages} == {Kind.BUS}
    assert len(ages) > 20
    for _, sold, gone in ages:
        assert gone == max(sold + int(13 * DAYS_A_YEAR), begin)
    assert any(gone > begin for _, _, gone in ages)


def test_the_first_vehicles_that_leave_a_young_fleet_are_few_and_can_be_counted_by_hand():
    """Registered in 2027 alone, half a year old at its end on average: F(a) = (a/2)^1 for a shape of 1 and 2 years.

    With a constant hazard of 1/2 a year and the months' seasons, the share that has left by the year's end is
    the mean of 1 - exp(-a/2) over the days of sale, less those younger than 30 days.
    """
    registrations = np.zeros_like(inputs().registrations)
    registrations[2027 - FIRST_YEAR] = 12_000_000
    figures = replace(inputs(), registrations=registrations, season=np.full(12, 1 / 12))
    of = run(
        small(
            scale=2_000,
            first=date(2027, 1, 1),
            until=date(2027, 12, 31),
            life={"shape": 1.0, "scale_years": 2.0},
        ),
        figures=figures,
    )
    assert of.simulated.vehicles == 6_000
    gone = exits_by_year(of)[2027]
    days = np.arange(30, 365)  # ages of those that may have left, as evenly spread as days are
    share = (1 - np.exp(-(days / DAYS_A_YEAR) / 2)).sum() / 365
    assert abs(gone - 6_000 * share) < 4 * np.sqrt(6_000 * share * (1 - share))


# --- against the integral ---


@pytest.mark.parametrize("year", range(2017, 2036))
def test_exits_of_a_year_meet_the_survival_integral(year):
    """A sum of independent vehicles: within four standard errors (of a Poisson count, which is never narrower)."""
    counted, due = exits_by_year(world())[year], expected()[year - FIRST_YEAR]
    assert abs(counted - due) < 4 * np.sqrt(due) + 2


def test_exits_of_all_years_meet_the_survival_integral():
    """Chi-squared over the years that expect five exits and more."""
    counted = exits_by_year(world())
    due = expected()
    years = [y for y in range(2016, 2036) if due[y - FIRST_YEAR] >= 5]
    assert len(years) > 12
    chi2 = sum((counted[y] - due[y - FIRST_YEAR]) ** 2 / due[y - FIRST_YEAR] for y in years)
    assert stats.chi2.sf(chi2, len(years)) > 0.001


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_leaves_as_its_own_limit_has_it(kind):
    counted, due = sum(exits_by_year(world(), kind).values()), expected(kind).sum()
    # the kind of a vehicle is drawn too
    assert abs(counted - due) < 4 * np.sqrt(due) + 2


def test_no_bus_and_no_truck_is_older_than_its_limit():
    last = world().scenario.last_day()
    rows = world().rows(
        f"""
        with sold as (select vehicle, event_day as day from event where happened and event = {E.SELL}),
        gone as (select vehicle, min(event_day) as day from event where happened and event in {EXITS} group by vehicle)
        select kind, coalesce(gone.day, {last}) - sold.day
        from sold join vehicle using (vehicle) left join gone using (vehicle)"""
    )
    for kind, limit in LIMITED.items():
        oldest = max(days for of, days in rows if of == kind)
        # who was overdue when the run began leaves then: nobody was, in 2016
        assert oldest <= limit * DAYS_A_YEAR


def test_nobody_leaves_in_the_first_thirty_days():
    assert world().rows(
        f"""
        with sold as (select vehicle, event_day as day from event where happened and event = {E.SELL}),
        gone as (select vehicle, min(event_day) as day from event where happened and event in {EXITS} group by vehicle)
        select min(gone.day - sold.day) >= 30 from gone join sold using (vehicle)"""
    ) == [(True,)]


def test_the_stock_is_what_was_sold_less_what_left():
    """The measure of the stock against the integral, at the end of every fifth year."""
    sold = np.cumsum(inputs().registered(REGISTERED_SHARE))
    gone = np.cumsum(expected()) * SCALE
    for year in (2020, 2025, 2030, 2035):
        measured = (
            sum(world().measured("stock_vehicles", kind.name.lower()).get(year, 0.0) for kind in Kind) * 1e6
        )
        due = sold[year - FIRST_YEAR] - gone[year - FIRST_YEAR]
        assert abs(measured - due) < 4 * SCALE * np.sqrt(gone[year - FIRST_YEAR] / SCALE) + 2 * SCALE


# --- the causes ---


def test_exports_and_wrecks_have_their_shares_of_the_exits():
    life = {"export_share": 0.2, "accident_share": 0.5, "burnt_share": 0.4}
    of = run(small(scale=10_000, first=date(2027, 1, 1), until=date(2030, 12, 31), life=life))
    ((exits,),) = of.rows(f"select count(distinct vehicle) from event where happened and event in {EXITS}")
    ((exported,),) = of.rows(f"select count(*) from event where happened and event = {E.EXPORT}")
    ((private,),) = of.rows(
        f"select count(distinct vehicle) from event join vehicle using (vehicle) where happened and event in {EXITS} and not swap"
    )
    ((burnt,),) = of.rows(
        f"select count(*) from event where happened and event = {E.LOSE} and vehicle is not null"
    )
    assert abs(exported - 0.2 * exits) < 4 * np.sqrt(exits * 0.2 * 0.8)
    share = 0.5 * 0.4
    assert abs(burnt - share * private) < 4 * np.sqrt(private * share * (1 - share))


def test_packs_fail_as_often_as_the_scenario_says():
    """Half the cars sold in one January lose their pack within a year, evenly over its days."""
    of = run(
        small(
            scale=5_000,
            first=date(2026, 1, 1),
            until=date(2027, 12, 31),
            life={"shape": 20.0, "scale_years": 100.0},
            replacement={"share_late": 0.5, "warranty_years": 1.0, "commercial_factor": 1.0},
        )
    )
    rows = of.rows(
        f"""
        with sold as (select vehicle, event_day as day from event where happened and event = {E.SELL}),
        failed as (select vehicle, event_day as day from event where happened and event = {E.REMOVE})
        select failed.day - sold.day from sold join vehicle using (vehicle) left join failed using (vehicle)
        where not swap and sold.day between {day_number(date(2026, 1, 1))} and {day_number(date(2026, 11, 30))}
          and kind in ({int(Kind.BEV_CAR)}, {int(Kind.PHEV_CAR)})"""
    )
    ages = np.array([day for (day,) in rows if day is not None])
    assert abs(ages.size - 0.5 * len(rows)) < 4 * np.sqrt(0.25 * len(rows))
    assert ages.min() >= 30
    assert ages.max() <= 30 + 366
    assert stats.kstest(ages, stats.uniform(30, DAYS_A_YEAR).cdf).pvalue > 0.001
