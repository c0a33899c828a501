"""Technologies: which packs are of one, what these are like, and that nobody else's luck changes."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.chance import Chance
from sim.contents import Contents
from sim.inputs import FIRST_YEAR, Kind
from sim.scenario import Scenario, parameters
from sim.tables import units as units_table
from sim.technology import Shipments, Technologies, Technology, check
from tests.sim.small import World, baseline, digests, inputs, run
from traceability.events import day_number
from traceability.vocabulary import Chemistry, Element, EventType

FIGURES: dict[str, Any] = {
    "kinds": ["phev_car"],
    "first_day": date(2026, 1, 1),
    "share": 1.0,
    "chemistry": "LFP",
    "energy_kwh": 80.0,
    "cell_wh_kg": 200.0,
    "cell_share": 0.8,
    "composition_kg_kwh": {"li": 0.1, "ni": 1.0, "steel": 2.0},
    "cycles": 1000,
    "ordinary_cycles": 1000,
    "cost_yuan_wh": 0.6,
    "ordinary_yuan_wh": 0.6,
}
SHIPPED: dict[str, Any] = {
    "volume_gwh": {"2028-01-01": 10.0},
    "penetration": {"2024-01-01": 0.0, "2030-01-01": 0.1},
    "demand_gwh": {"2024-01-01": 1000, "2030-01-01": 1300},
    "domestic_share": 0.5,
}
LATE, EARLY = np.full(1, day_number(date(2030, 6, 1))), np.full(1, day_number(date(2025, 12, 31)))


def said(figures: dict[str, Any]) -> dict[str, Any]:
    return figures | {"sources": dict.fromkeys(figures, "assumed")}


def technology(**changed: Any) -> Technology:
    return Technology.model_validate(said(FIGURES | changed))


def shipments(**changed: Any) -> Shipments:
    return Shipments.model_validate(said(SHIPPED | changed))


def scenario(**technologies: dict[str, Any]) -> Scenario:
    raw = baseline()
    raw |= {"name": "small", "scale": 20_000, "from": date(2026, 1, 1), "until": date(2029, 12, 31)}
    raw["technology"] = {name: said(FIGURES | figures) for name, figures in technologies.items()}
    return Scenario.model_validate(raw)


def packs(world: World, where: str) -> list[tuple[Any, ...]]:
    """The first pack of each vehicle, by VIN."""
    return world.rows(
        f"""
        select v.vin, u.made_day, u.chemistry, u.energy_wh, u.mass_g, u.coder
        from event e join unit u using (unit) join vehicle v using (vehicle)
        where e.happened and e.event = {EventType.SELL} and {where} order by all"""
    )


def count(world: World, event: EventType) -> int:
    return int(world.rows(f"select count(*) from event where happened and event = {event}")[0][0])


# --- what a section may say ---


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"kinds": ["phev_cars"]}, "did you mean `phev_car`"),
        ({"kinds": []}, "`kinds` names none; known are bev_car"),
        ({"chemistry": "LPF"}, "did you mean `LFP`"),
        ({"composition_kg_kwh": {"lithium": 0.1}}, "unknown element `lithium`"),
        ({"composition_kg_kwh": {"li": -0.1}}, "li must be between 0 and 100"),
        (
            {"composition_kg_kwh": {"ni": 6.3}},
            "adds up to 6.300 kg/kWh, more than a pack of 160 Wh/kg weighs (6.250)",
        ),
        ({"share": {"2026-03-01": 0.1}}, "`share` is a path of years: write 2026-01-01, not 2026-03-01"),
        ({"share": {"2040-01-01": 0.1}}, "2040 is not between 2011 and 2035"),
        ({"share": 1.1}, "is not between 0 and 1"),
    ],
)
def test_a_technology_that_cannot_be_is_told_why(changed, expected):
    with pytest.raises(ValidationError) as caught:
        technology(**changed)
    assert expected in str(caught.value)


def test_a_volume_names_its_years():
    with pytest.raises(ValidationError, match="`volume_gwh` must name its years"):
        shipments(volume_gwh=13.5)


def test_shipments_are_of_a_technology_and_shares_add_up_to_one_at_most():
    with pytest.raises(ValueError, match="unknown technology `large` in shipments; did you mean `larger`"):
        check({"larger": technology()}, {"large": shipments()})
    half = technology(share={"2028-01-01": 0.4, "2030-01-01": 0.6})
    check({"one": half, "other": technology(kinds=["bus"])}, {})
    with pytest.raises(ValueError, match="the shares of phev_car add up to more than 1 in 2030"):
        check({"one": half, "other": half}, {})


def test_a_scenario_with_technologies_can_be_written_down_and_read_again():
    ours = scenario(large={"share": {"2027-01-01": 0.25}})
    table = ours.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert Scenario.model_validate(table) == ours


def test_the_list_of_assumptions_shows_its_figures():
    listed = {p.key: p for p in parameters(scenario(large={}))}
    assert {f"technology.large.{figure}" for figure in FIGURES} <= set(listed)
    assert listed["technology.large.kinds"].value == "phev_car"
    assert listed["technology.large.composition_kg_kwh"].value == "li 0.1, ni 1, steel 2"
    assert all(p.unit and p.en and p.zh for p in listed.values())


# --- which packs ---


def test_a_share_is_a_straight_line_between_the_years_that_it_names():
    path = technology(share={"2026-01-01": 0.0, "2028-01-01": 0.2, "2029-01-01": 0.1})
    shares = Technologies({"large": path}, {}, inputs()).shares[:, Kind.PHEV_CAR, 0]
    assert shares[2025 - FIRST_YEAR : 2031 - FIRST_YEAR] == pytest.approx([0, 0, 0.1, 0.2, 0.1, 0.1])


def test_shipments_take_a_volume_before_a_share_of_demand():
    """2028 is named, 2024 and 2030 are 0 and a tenth of 1,300 GWh; between them straight lines."""
    world = shipments().world_gwh()
    assert world[2024 - FIRST_YEAR : 2031 - FIRST_YEAR] == pytest.approx([0, 2.5, 5, 7.5, 10, 70, 130])


def test_domestic_shipments_are_installed_in_full_unless_the_share_is_less():
    own = technology(kinds=["bev_car", "phev_car"], energy_kwh=50.0)
    figures = inputs()
    shares = Technologies({"solid": own}, {"solid": shipments()}, figures).shares
    year = 2028 - FIRST_YEAR
    vehicles = figures.registrations[year] * figures.kind_share[year, [Kind.BEV_CAR, Kind.PHEV_CAR]]
    gwh = vehicles @ shares[year, [Kind.BEV_CAR, Kind.PHEV_CAR], 0] * 50.0 / 1e6
    assert gwh == pytest.approx(10.0 * 0.5)
    assert not shares[:, [Kind.BUS, Kind.TRUCK]].any()
    capped = Technologies({"solid": technology(share=1e-4)}, {"solid": shipments()}, figures).shares
    assert capped[year, Kind.PHEV_CAR, 0] == 1e-4


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_as_many_packs_are_of_each_technology_as_its_share_says(one, other, seed):
    one, other = min(one, 1 - other), other
    drawn = Technologies(
        {"one": technology(share=one), "other": technology(share=other, kinds=["phev_car", "bus"])}, {}, inputs()
    ).drawn(
        Chance(seed), np.arange(4000, dtype=np.uint64), kind=np.full(4000, Kind.PHEV_CAR), year=19, made_day=np.repeat(LATE, 4000)
    )  # fmt: skip
    for number, share in ((1, one), (2, other)):
        spread = np.sqrt(share * (1 - share) / 4000)
        assert abs((drawn == number).mean() - share) <= 6 * spread + 1e-9


def test_no_pack_is_of_a_technology_before_its_first_day_or_for_another_kind():
    ours = Technologies({"large": technology()}, {}, inputs())
    key = np.arange(1, dtype=np.uint64)
    assert ours.drawn(Chance(1), key, kind=np.array([Kind.PHEV_CAR]), year=19, made_day=LATE) == [1]
    assert ours.drawn(Chance(1), key, kind=np.array([Kind.PHEV_CAR]), year=19, made_day=EARLY) == [0]
    assert ours.drawn(Chance(1), key, kind=np.array([Kind.BUS]), year=19, made_day=LATE) == [0]


# --- what they are like ---


def test_a_technology_with_share_0_changes_no_byte_of_the_log():
    assert digests(run(scenario(large={"share": 0.0}))) == digests(run(scenario()))


def test_packs_of_a_technology_have_its_energy_and_density_and_the_others_are_as_before():
    one, other = run(scenario(large={})), run(scenario())
    new = f"v.kind = {int(Kind.PHEV_CAR)} and u.made_day >= {day_number(date(2026, 1, 1))}"
    ours = packs(one, new)
    assert len(ours) > 500
    for _, _, chemistry, energy, mass, _ in ours:
        assert chemistry == Chemistry.LFP
        assert 60_000 <= energy <= 100_000
        assert energy / mass == pytest.approx(0.160, rel=1e-4)
    assert np.mean([pack[3] for pack in ours]) == pytest.approx(80_000, rel=0.02)
    assert packs(one, f"not ({new})") == packs(other, f"not ({new})")
    assert [(p[0], p[1], p[5]) for p in ours] == [(p[0], p[1], p[5]) for p in packs(other, new)]


def test_a_share_added_behind_leaves_the_packs_of_the_technology_before_it():
    alone, two = (
        run(scenario(large={"share": 0.4})),
        run(scenario(large={"share": 0.4}, more={"share": 0.3, "energy_kwh": 300.0})),
    )
    large = f"v.kind = {int(Kind.PHEV_CAR)} and u.energy_wh between 60000 and 100000"
    assert packs(alone, large)
    assert packs(alone, large) == packs(two, large)


def test_a_pack_holds_what_its_technology_says_and_so_do_its_parts():
    table = units_table(8)
    contents = Contents(inputs(), table, Technologies({"large": technology()}, {}, inputs()))
    for of, energy in ((1, 80_000), (1, 8_000), (0, 80_000)):
        table.add(1, chemistry=Chemistry.LFP, energy_wh=energy, mass_g=energy * 6, year=15, technology=of)
    grams = contents.of(np.arange(3))
    assert grams[0, [Element.LI, Element.NI, Element.STEEL, Element.FE]].tolist() == [
        8_000,
        80_000,
        160_000,
        0,
    ]
    assert grams[1].tolist() == (grams[0] / 10).tolist()
    assert grams[2, Element.NI] == 0
    assert grams[2, Element.FE] > 0


def test_recyclers_recover_what_a_technology_brings():
    """Four kilograms of nickel for each kWh of every plug-in hybrid ever made."""
    rich = run(scenario(large={"first_day": date(2011, 1, 1), "composition_kg_kwh": {"ni": 4.0}}))
    nickel = sum(rich.measured("recovered", "NI").values())
    assert nickel > 2 * sum(run(scenario()).measured("recovered", "NI").values())


def test_a_pack_of_a_tenth_of_the_cycles_fails_more_often_and_one_of_more_cycles_less():
    kinds = ["bev_car", "phev_car", "bus", "truck"]
    failed = [
        count(
            run(scenario(large={"kinds": kinds, "first_day": date(2011, 1, 1), "cycles": cycles})),
            EventType.REMOVE,
        )
        for cycles in (100, 1000, 10_000)
    ]
    assert failed[0] > 2 * failed[1] > 4 * failed[2]


def test_a_dear_pack_is_repaired_more_often():
    """One failed pack in four is repaired where a new one costs what it always did; seven in ten at 4.2 times that."""
    kinds = ["bev_car", "phev_car", "bus", "truck"]
    every = {"kinds": kinds, "first_day": date(2011, 1, 1), "cycles": 100}
    cheap, dear = run(scenario(large=every)), run(scenario(large=every | {"cost_yuan_wh": 2.52}))
    kept = [count(w, EventType.KEEP) / count(w, EventType.REMOVE) for w in (cheap, dear)]
    assert technology(cost_yuan_wh=2.52).dearness == pytest.approx(4.2)
    # packs kept for swap pools are counted in both, and dilute the ratio
    assert kept[1] > 1.6 * kept[0]
