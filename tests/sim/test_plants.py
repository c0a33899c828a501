"""New plants: the ramp, the share that they win, and the scrap of their first years."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim import quarters
from sim.industry import Plant, battery_maker_shares
from sim.inputs import FIRST_YEAR
from sim.scenario import Scenario
from tests.sim.small import World, baseline, digests, inputs, run
from traceability.errors import ScenarioError
from traceability.events import day_number
from traceability.vocabulary import EventType, Level

FIGURES: dict[str, Any] = {
    "maker": "EVE",
    "province": "Sichuan",
    "capacity_gwh": 100.0,
    "first_day": date(2027, 1, 1),
    "ramp_years": 2.0,
    "used_share": 0.5,
    "won_share": 1.0,
    "largest_share": 0.9,
    "scrap_start": 0.3,
    "scrap_ramped": 0.1,
}
Q2027, Q2028, Q2030 = ((of - FIRST_YEAR) * 4 for of in (2027, 2028, 2030))


def said(**changed: Any) -> dict[str, Any]:
    return FIGURES | changed | {"sources": dict.fromkeys(FIGURES, "assumed")}


def plant(**changed: Any) -> Plant:
    return Plant.model_validate(said(**changed))


def scenario(plants: dict[str, dict[str, Any]]) -> Scenario:
    raw = baseline()
    raw |= {
        "name": "small",
        "scale": 5_000,
        "from": date(2027, 1, 1),
        "until": date(2029, 12, 31),
        "plant": plants,
    }
    return Scenario.model_validate(raw)


def scrap(world: World, maker: str = "EVE") -> dict[int, int]:
    """Unit -> grams of the lots that a maker scraps."""
    return dict(
        world.rows(
            f"""
            select unit, mass_g from event join unit using (unit) join actor using (actor)
            where event = {EventType.SCRAP} and happened and name like '%{maker}%'"""
        )
    )


# --- the ramp ---


def test_a_plant_ramps_up_in_a_straight_line():
    ramp = [plant().ramped(day_number(date(2027, 1, 1)) + days) for days in (-10, 0, 365.25, 730.5, 2000)]
    assert ramp == pytest.approx([0, 0, 0.5, 1, 1])


def test_its_output_is_what_of_its_capacity_is_used():
    assert plant().output_gwh(Q2027 - 1) == 0
    assert plant().output_gwh(Q2027) == pytest.approx(100 * 0.5 * (45 / 365.25) / 2)
    assert plant().output_gwh(Q2030) == pytest.approx(50)


def test_start_up_scrap_falls_with_the_ramp_and_ends_with_it():
    """Half way, a tenth of 25 GWh beyond the scrap of a settled line."""
    half_way = plant(first_day=date(2027, 2, 15), ramp_years=2.0)
    assert half_way.start_up_scrap_gwh(Q2028) == pytest.approx(25 * 0.2 * 0.5, rel=0.01)
    assert plant().start_up_scrap_gwh(Q2027 - 1) == 0
    assert plant().start_up_scrap_gwh(Q2030) == 0


def test_a_plant_that_scraps_more_when_ramped_is_refused():
    with pytest.raises(ValidationError, match="`scrap_ramped` is more than `scrap_start`"):
        plant(scrap_start=0.05)


# --- the share ---


def test_what_a_plant_wins_goes_to_its_maker_and_comes_from_the_others_in_proportion():
    figures = inputs()
    eve = figures.battery_makers.names.index("EVE")
    shares, before = battery_maker_shares(figures, {"new": plant()}), figures.battery_maker_share
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    assert np.array_equal(shares[: Q2027 - 1], np.repeat(before, 4, axis=0)[: Q2027 - 1])
    at = 2030 - FIRST_YEAR
    gwh = figures.registrations[at] * (figures.kind_share[at] @ figures.energy_kwh[at]) / 1e6
    assert shares[Q2030, eve] == pytest.approx(before[at, eve] + 50 / gwh)
    rest = np.delete(shares[Q2030], eve) / np.delete(before[at], eve)
    np.testing.assert_allclose(rest, rest[0])


def test_a_maker_never_passes_its_largest_share_by_a_plant_nor_loses_what_it_has():
    figures = inputs()
    eve, catl = (figures.battery_makers.names.index(name) for name in ("EVE", "CATL"))
    assert battery_maker_shares(figures, {"new": plant(capacity_gwh=10_000.0)})[Q2030, eve] == pytest.approx(
        0.9
    )
    small_cap = battery_maker_shares(figures, {"new": plant(maker="CATL", largest_share=0.2)})
    assert small_cap[Q2030, catl] == figures.battery_maker_share[2030 - FIRST_YEAR, catl]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"maker": "CALT"}, "unknown battery maker `CALT` in plant.new; did you mean `CATL`"),
        ({"province": "Sechuan"}, "unknown province `Sechuan` in plant.new; did you mean `Sichuan`"),
    ],
)
def test_a_plant_of_nobody_or_nowhere_is_told_with_the_closest(changed, expected):
    with pytest.raises(ScenarioError, match=expected):
        battery_maker_shares(inputs(), {"new": plant(**changed)})


# --- in a run ---


def test_a_plant_without_capacity_changes_no_byte_of_the_log():
    assert digests(run(scenario({"new": said(capacity_gwh=0.0)}))) == digests(run(scenario({})))


def test_start_up_scrap_arises_at_the_maker_in_the_province_and_adds_up():
    """In tonnes: GWh over the mean density of the year, all of it within the two years of the ramp."""
    ours, without = run(scenario({"new": said()})), run(scenario({}))
    more = sum(scrap(ours).values()) - sum(scrap(without).values())
    figures, expected = inputs(), 0.0
    for quarter in range(Q2027, Q2030):
        mix = figures.chemistry_share[quarter // 4, 0] @ figures.density_wh_kg[quarter // 4, [1, 2, 3]]
        share_of_year = np.diff(quarters.START)[quarter] / 365.25
        expected += plant().start_up_scrap_gwh(quarter) * 1e12 * share_of_year / mix / 5_000
    assert more == pytest.approx(expected, rel=0.01)
    assert sum(scrap(ours, "CATL").values()) == sum(scrap(without, "CATL").values())


def test_its_scrap_goes_to_recyclers_near_it_first():
    """Sichuan's own recyclers get more of a plant in Sichuan than of one in Heilongjiang."""

    def near(province: str) -> float:
        world = run(scenario({"new": said(province=province, capacity_gwh=2000.0)}))
        rows = world.rows(
            f"""
            select r.province, u.mass_g from event e join unit u using (unit) join actor r on r.actor = e.receiver
            join actor m on m.actor = e.actor where e.event = {EventType.SHIP} and m.name like '%EVE%' and u.level = {int(Level.LOT)}"""
        )
        at = inputs().provinces.names.index("Sichuan") + 1
        return sum(m for p, m in rows if p == at) / sum(m for _, m in rows)

    assert near("Sichuan") > near("Heilongjiang")


def test_its_maker_makes_more_of_the_packs():
    def share(world: World) -> float:
        return float(
            world.rows(
                f"""
                select avg((a.name like '%EVE%')::int) from unit u join actor a on a.actor = u.coder
                where u.level = {int(Level.PACK)} and u.made_day >= {day_number(date(2029, 1, 1))}"""
            )[0][0]
        )

    assert share(run(scenario({"new": said(capacity_gwh=400.0)}))) > 2 * share(run(scenario({})))
