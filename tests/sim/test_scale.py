"""The same world drawn with a coarser and a finer pen: shares and rates stay, within what replications vary."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache

import numpy as np
import pytest
from scipy.stats import ttest_ind

from sim.cast import assemble
from sim.scenario import load
from tests.sim.small import World, inputs, run, small
from traceability.vocabulary import Role

COARSE, FINE = 20_000, 5_000
REPLICATIONS = {COARSE: 6, FINE: 3}
YEARS = (2029, 2030)


@cache
def worlds(scale: int) -> list[World]:
    scenario = small(scale=scale, first=date(2028, 1, 1), until=date(2030, 12, 31))
    return [run(scenario, replication=number) for number in range(REPLICATIONS[scale])]


def total(name: str, key: str = "") -> Callable[[World], float]:
    """A measure summed over the years (the first, in which what is overdue leaves at once, left out)."""
    return lambda world: sum(world.measured(name, key, YEARS).values())


def mean(name: str, key: str = "") -> Callable[[World], float]:
    return lambda world: float(np.mean(list(world.measured(name, key, YEARS).values())))


def over(part: Callable[[World], float], *whole: Callable[[World], float]) -> Callable[[World], float]:
    return lambda world: part(world) / sum(each(world) for each in whole)


retired = [total("retired_mass", chemistry) for chemistry in ("LFP", "NCM", "LMO")]
processed = [
    total("processed", source) for source in ("vehicle_packs", "production_scrap", "bought_black_mass")
]

RATES: dict[str, Callable[[World], float]] = {
    "formal share": mean("formal_share"),
    "LFP in retired mass": over(retired[0], *retired),
    "NCM in retired mass": over(retired[1], *retired),
    "retired mass": lambda world: sum(each(world) for each in retired),
    "retired LFP packs": total("retired_packs", "LFP"),
    "exported": over(total("retired_channel", "exported"), *retired),
    "reused": over(total("retired_channel", "reused"), *retired),
    "processed packs": processed[0],
    "lithium per tonne processed": over(total("recovered", "LI"), *processed),
    "nickel per tonne processed": over(total("recovered", "NI"), *processed),
    "copper per tonne processed": over(total("recovered", "CU"), *processed),
    "reported by dismantlers": mean("reported_share", "ELV"),
    "delay of dismantlers": mean("report_delay_days", "ELV"),
    "wait at dismantlers": mean("wait_days", "dismantler"),
    "transit": mean("wait_days", "transit"),
}


@pytest.mark.parametrize("rate", list(RATES))
def test_a_share_or_a_rate_does_not_depend_on_the_scale(rate):
    """Welch's t over the replications of either scale: no difference that has a chance under 1 in 1,000."""
    coarse, fine = ([RATES[rate](world) for world in worlds(scale)] for scale in (COARSE, FINE))
    assert np.std(coarse) > 0
    assert ttest_ind(coarse, fine, equal_var=False).pvalue > 0.001, f"{np.mean(coarse)} and {np.mean(fine)}"


def test_the_finer_pen_shakes_less():
    """Four times the vehicles, half the spread: clearly less over all rates together."""
    ratio = [
        np.std([measure(w) for w in worlds(FINE)], ddof=1)
        / np.std([measure(w) for w in worlds(COARSE)], ddof=1)
        for measure in RATES.values()
    ]
    assert np.exp(np.mean(np.log(ratio))) < 0.8


@pytest.mark.parametrize("kind", ["bev_car", "phev_car", "bus", "truck"])
def test_registrations_are_those_of_the_inputs_at_any_scale(kind):
    """In all, to a vehicle; of each kind, within four standard errors."""
    for scale in (COARSE, FINE):
        world = worlds(scale)[0]
        for year in YEARS:
            real = inputs().registrations[year - 2011]
            counted = sum(
                world.measured("registrations", each).get(year, 0.0)
                for each in ("bev_car", "phev_car", "bus", "truck")
            )
            assert abs(counted * 1000 - real) <= scale
            share = inputs().kind_share[year - 2011, ("bev_car", "phev_car", "bus", "truck").index(kind)]
            drawn = world.measured("registrations", kind).get(year, 0.0) * 1000 / scale
            expected = real / scale * share
            assert abs(drawn - expected) < 4 * np.sqrt(expected * (1 - share)) + 1


def test_waits_are_roughly_those_of_a_scale_five_times_as_fine():
    """Queues are made of whole packs: outlets and recyclers wait within a third of what they do at 1,000."""
    span = {"first": date(2030, 1, 1), "until": date(2031, 12, 31)}
    coarse, fine = run(small(scale=FINE, **span)), run(small(scale=1_000, **span))
    for stage in ("outlet", "recycler", "dismantler", "transit"):
        one, other = (world.measured("wait_days", stage)[2031] for world in (coarse, fine))
        assert one == pytest.approx(other, rel=1 / 3), stage


# --- the cast at every scale ---


@pytest.mark.parametrize("scale", [1, 10, 250, 1_000, 7_777, 1_000_000])
def test_whatever_is_shown_stands_for_all_there_is(scale):
    """Outlets and recyclers that are shown stand for all; the capacity is the nominal one."""
    cast = assemble(load("baseline", scale=scale), inputs())
    assert cast.stands_for[cast.outlets].sum() == inputs().outlets.sum() == 10_165
    assert cast.stands_for[cast.recyclers].sum() == inputs().recyclers.max()
    total_t = inputs().capacity_t[2035 - 2011]
    assert total_t - cast.recyclers.size < cast.capacity_t[cast.recyclers].sum() <= total_t
    for provinces in (cast.outlets, cast.dismantlers, cast.repairers, cast.workshops, cast.product_makers):
        assert set(cast.province[provinces].tolist()) == set(range(1, 32))
    assert (cast.stands_for >= 1).all()


@pytest.mark.parametrize("density", [0.05, 0.5, 3.0])
def test_the_density_multiplies_the_outlets(density):
    cast = assemble(small(collection={"density": density}), inputs())
    assert abs(cast.stands_for[cast.outlets].sum() - 10_165 * density) <= 31


def test_every_actor_has_one_role_and_a_code_of_its_own():
    cast = assemble(load("baseline"), inputs())
    groups = [
        cast.battery_makers, cast.vehicle_makers, cast.owners, cast.operators, cast.repairers, cast.dismantlers,
        cast.outlets, cast.recyclers, cast.product_makers, cast.carriers, cast.workshops,
    ]  # fmt: skip
    members = np.concatenate(groups)
    assert np.unique(members).size == members.size
    assert len(set(cast.credit_codes)) == len(cast.credit_codes) == cast.role.size == len(cast.names)
    assert {len(code) for code in cast.credit_codes} == {18}
    assert {Role(role) for role in cast.role.tolist()} == set(Role)
