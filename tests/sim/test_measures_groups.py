"""Fates of packs by chemistry, holder, province and year of make: they add up to what is counted without them."""

from __future__ import annotations

from collections import Counter

import pytest

from sim.measures import REPORTERS
from sim.measures_groups import GROUP_MEASURES
from tests.sim.small import run, small
from traceability.vocabulary import REMARKS, Role
from traceability.vocabulary import EventType as E

SCALE = 20_000
FATES = {"recycled", "reused", "waiting", "informal", "exported", "missing"}


def world():
    return run(small(scale=SCALE))


def by_fate(w, measure, year):
    """Fate -> the sum over all groups, in one year or (None) over the horizon."""
    sums: Counter[str] = Counter()
    for v in w.measures:
        if v.measure == measure and v.year == year:
            sums[v.key.split(">")[1]] += v.value
    return sums


@pytest.mark.parametrize("group", ["chemistry", "holder"])
@pytest.mark.parametrize(("what", "whole"), [("packs", "fate_packs"), ("mass", "retired_channel")])
def test_groups_add_up_to_the_fates_of_the_year(group, what, whole):
    w = world()
    for year in range(2024, 2028):
        found = by_fate(w, f"{what}_by_{group}", year)
        for fate in FATES:
            assert found[fate] == pytest.approx(w.measured(whole, fate, [year]).get(year, 0.0))
        assert found["retired"] == pytest.approx(sum(found[fate] for fate in FATES))


@pytest.mark.parametrize("group", ["chemistry", "holder"])
def test_what_is_collected_is_what_was_handed_over_lawfully(group):
    w = world()
    collected: Counter[int] = Counter()
    for v in w.measures:
        if v.measure == "collected_mass":
            collected[v.year] += v.value
    for year, mass in collected.items():
        assert by_fate(w, f"mass_by_{group}", year)["collected"] == pytest.approx(mass)


def test_years_of_make_add_up_to_all_that_retired():
    w = world()
    assert by_fate(w, "packs_by_cohort", None)["retired"] == pytest.approx(
        sum(v.value for v in w.measures if v.measure == "retired_packs")
    )


def test_provinces_hold_the_packs_of_those_who_work_in_one():
    """Counted in a loop over lives: the actor of the step by which a pack leaves says where; an exporter, its vehicle."""
    w = world()
    where: dict[int, int] = {}
    leaves = (E.DISMOUNT, E.RETIRE, E.DIVERT, E.LOSE, E.EXPORT)
    for unit, role, province, of_vehicle in w.rows(
        f"select e.unit, a.role, a.province, coalesce(v.province, 0) from event e join actor a using (actor) "
        f"join unit u using (unit) left join vehicle v on v.vehicle = e.vehicle where e.happened and u.level = 1 "
        f"and e.event in ({', '.join(str(int(e)) for e in leaves)}) order by e.event_day desc, e.event_id desc"
    ):
        where[unit] = of_vehicle if role == Role.EXPORTER else province
    counted = Counter(province for province in where.values() if province)
    found = {
        int(v.key.split(">")[0]): v.value
        for v in w.measures
        if v.measure == "packs_by_province" and v.key.endswith(">retired")
    }
    assert found == {province: pytest.approx(n * SCALE / 1e3) for province, n in counted.items()}


def test_the_share_of_a_kind_of_holder_is_its_mass_handed_over_of_its_mass_traded():
    w = world()
    for year in range(2024, 2028):
        for role in ("ELV", "OWNER", "REPAIR", "SWAP_OP"):
            share = w.measured("holder_formal_share", role, [year]).get(year)
            traded = w.rows(
                f"select sum(mass_g) filter (not diverted and (collected or received)), sum(mass_g) from fate "
                f"where year(date '1970-01-01' + day) = {year} and who = {int(Role[role])} "
                f"and not exported and (diverted or lost or collected or received)"
            )[0]
            assert share == (
                None if not traded[1] else pytest.approx(float(traded[0] or 0) / float(traded[1]))
            )


def test_reports_to_file_are_all_that_reporters_did():
    w = world()
    roles = ", ".join(str(int(role)) for role in REPORTERS)
    ((events,),) = w.rows(
        f"select count(*) from event join actor using (actor) where happened and role in ({roles}) "
        f"and event < {min(REMARKS)} and event_day >= {w.scenario.first_day()}"
    )
    told = sum(v.value for v in w.measures if v.measure == "reports_to_file")
    assert told == pytest.approx(events * SCALE / 1e3)


def test_every_measure_of_groups_is_measured():
    assert {info.id for info in GROUP_MEASURES} <= {v.measure for v in world().measures}
