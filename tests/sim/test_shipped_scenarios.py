"""Scenarios that ship: each says where its figures come from, differs from the baseline, and does what its title says."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from sim.industry import battery_maker_shares
from sim.inputs import FIRST_YEAR, Kind
from sim.scenario import load, shipped
from sim.technology import Technologies
from tests.sim.small import World, inputs, run
from traceability.events import day_number
from traceability.vocabulary import Chemistry, EventType

OTHERS = [name for name in shipped() if name != "baseline"]


def text(name: str) -> dict[str, Any]:
    """What the file itself says."""
    return tomllib.loads(files("sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8"))


@cache
def world(
    name: str, scale: int = 10_000, first: date = date(2026, 1, 1), until: date = date(2029, 12, 31)
) -> World:
    return run(load(name, **{"scale": scale, "from": first, "until": until}))


def figures(name: str) -> dict[tuple[str, int | None, str], float]:
    return {(v.measure, v.year, v.key): v.value for v in world(name).measures}


def count(name: str, where: str) -> int:
    return int(
        world(name).rows(
            f"select count(*) from event left join unit using (unit) where happened and {where}"
        )[0][0]
    )


# --- all of them ---


def test_the_scenarios_of_the_founding_documents_ship():
    assert set(OTHERS) >= {
        "aito", "large_phev", "changan_plant", "solid_state", "no_swap_exemption", "no_integrated_scrapping",
        "cascade_allowed", "e_bike_ban_lax", "fallback_liability", "no_fallback_liability", "one_regulator",
        "deadline_15_working_days", "deadline_20", "deadline_30", "law_of_2018",
    }  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_a_scenario_extends_the_baseline_and_gives_a_source_for_all_that_it_changes(name):
    raw = text(name)
    assert raw["name"] == name
    parent = raw["extends"]
    assert parent == "baseline" or text(parent)["extends"] == "baseline"
    assert raw["title_en"] != load("baseline").title_en
    unsourced = []

    def walk(path: str, part: dict[str, Any]) -> None:
        inner = {key: value for key, value in part.items() if isinstance(value, dict) and key != "sources"}
        sections = {
            k: v
            for k, v in inner.items()
            if "sources" in v or any(isinstance(x, dict) and "sources" in x for x in v.values())
        }
        if path and not sections:
            unsourced.extend(
                f"{path}.{key}" for key in set(part) - {"sources"} - set(part.get("sources", {}))
            )
        for key, value in sections.items():
            walk(f"{path}.{key}", value)

    walk("", raw)
    assert not unsourced


@pytest.mark.parametrize("name", OTHERS)
def test_a_scenario_changes_some_measure(name):
    ours, base = figures(name), figures("baseline")
    assert any(ours.get(key) != base.get(key) for key in ours.keys() | base.keys())


# --- new technologies ---


def gwh(name: str, technology: str, year: int) -> float:
    """GWh of a technology in the new cars of a year, at one to one."""
    scenario, given = load(name), inputs()
    ours = Technologies(scenario.technology, scenario.shipments, given)
    place = ours.names.index(technology)
    vehicles = given.registrations[year - FIRST_YEAR] * given.kind_share[year - FIRST_YEAR]
    return float(vehicles @ ours.shares[year - FIRST_YEAR, :, place]) * ours.energy_kwh[place + 1] / 1e6


@pytest.mark.parametrize(
    ("technology", "year", "world_gwh"),
    [
        ("all_solid", 2028, 13.5),
        ("semi_solid", 2028, 160.0),
        ("all_solid", 2030, 0.04 * 2800),
        ("all_solid", 2035, 0.10 * 3927),
    ],
)
def test_six_tenths_of_the_shipments_of_solid_state_batteries_drive_in_china(technology, year, world_gwh):
    assert gwh("solid_state", technology, year) == pytest.approx(0.6 * world_gwh, rel=1e-9)


def test_a_run_installs_the_all_solid_batteries_of_2028():
    """8.1 GWh are 101,250 packs of 80 kWh: at one to 500 some 200 packs, give or take four standard errors."""
    ours = world("solid_state", 500, date(2028, 10, 1), date(2028, 12, 31))
    packs = ours.rows(
        f"""
        select count(*), avg(energy_wh), avg(energy_wh / mass_g) from event join unit using (unit)
        where happened and event = {EventType.SELL} and chemistry = {Chemistry.SOLID_STATE}
          and event_day between {day_number(date(2028, 1, 1))} and {day_number(date(2028, 12, 31))}"""
    )[0]
    assert abs(packs[0] - 202.5) < 4 * np.sqrt(202.5)
    assert packs[1] == pytest.approx(80_000, rel=0.05)
    assert packs[2] == pytest.approx(0.4 * 0.58, rel=1e-3)


def test_the_all_solid_batteries_of_2030_are_a_high_case():
    assert gwh("solid_state", "all_solid", 2030) / gwh("solid_state", "all_solid", 2028) > 8


def test_solid_state_cells_cost_three_times_as_much_and_hold_no_graphite():
    solid = load("solid_state").technology["all_solid"]
    assert solid.dearness == pytest.approx(2 / 0.6)
    assert "graphite" not in solid.composition_kg_kwh


def test_the_lithium_of_a_sulphide_cell_follows_from_its_formulas():
    """Molar masses of LiNi0.8Co0.1Mn0.1O2 and Li6PS5Cl; kg per kWh of each as the source says."""
    li, ni, co, mn, p, o, s, cl = 6.94, 58.693, 58.933, 54.938, 30.974, 15.999, 32.06, 35.45
    cathode, electrolyte = li + 0.8 * ni + 0.1 * co + 0.1 * mn + 2 * o, 6 * li + p + 5 * s + cl
    held = load("solid_state").technology["all_solid"].composition_kg_kwh
    assert held["li"] == pytest.approx(1.333 * li / cathode + 0.818 * 6 * li / electrolyte + 0.0345, rel=2e-3)
    assert held["ni"] == pytest.approx(1.333 * 0.8 * ni / cathode, rel=2e-3)
    assert held["co"] == pytest.approx(1.333 * 0.1 * co / cathode, rel=2e-3)
    assert held["mn"] == pytest.approx(1.333 * 0.1 * mn / cathode, rel=2e-3)
    assert held["p"] == pytest.approx(0.818 * p / electrolyte, rel=2e-3)


def test_large_packs_grow_from_march_2026_on_and_wear_less():
    large = load("large_phev").technology["large_phev"]
    assert (large.first_day, large.energy_kwh, large.cycles) == (date(2026, 3, 1), 80.0, 5000)
    assert large.wear == pytest.approx(0.38)
    sold = f"event = {EventType.SELL} and energy_wh between 60000 and 100000"
    hybrid = f"vehicle in (select vehicle from vehicle where kind = {int(Kind.PHEV_CAR)})"
    before = f"made_day < {day_number(date(2026, 3, 1))}"
    assert count("large_phev", f"{sold} and {hybrid} and {before}") == 0
    years = [
        count(
            "large_phev",
            f"{sold} and {hybrid} and event_day between {day_number(date(y, 1, 1))} and {day_number(date(y, 12, 31))}",
        )
        for y in (2026, 2027, 2028)
    ]
    assert years[0] < years[1] < years[2]
    assert gwh("large_phev", "large_phev", 2028) > 4 * gwh("large_phev", "large_phev", 2026)


# --- industry ---


def test_the_new_plant_makes_its_maker_larger_from_the_second_half_of_2027_on():
    plant = load("changan_plant").plant["changan"]
    assert (plant.capacity_gwh, plant.ramp_years) == (25.0, 3.0)
    place = inputs().battery_makers.names.index(plant.maker)
    more = (
        battery_maker_shares(inputs(), {"changan": plant})[:, place]
        - battery_maker_shares(inputs(), {})[:, place]
    )
    start = (2027 - FIRST_YEAR) * 4 + 2
    assert not more[:start].any()
    assert (np.diff(more[start - 1 : start + 4]) > 0).all()
    assert plant.ramped(day_number(date(2030, 7, 2))) == 1.0
    assert count("changan_plant", f"event = {EventType.SCRAP}") > count(
        "baseline", f"event = {EventType.SCRAP}"
    )


def test_aito_sells_evenly_where_it_aims_at_its_second_million():
    """As many in the weak months of spring as in December; before February 2026 nothing changes.

    The share of 2025, which the baseline holds, brings the second million in about the same time.
    """
    sold = f"event = {EventType.SELL} and actor in (select actor from actor where name like '%AITO%')"
    later = f"{sold} and event_day >= {day_number(date(2026, 2, 1))}"
    spring = f"{later} and month(date '1970-01-01' + event_day) between 2 and 5"
    assert count("aito", spring) > count("baseline", spring)
    assert count("aito", f"{sold} and not ({later})") == count("baseline", f"{sold} and not ({later})")


# --- the law ---


def formal(name: str) -> float:
    """Lawful share of what retired in the years after the Order."""
    return float(np.mean([figures(name)["formal_share", year, ""] for year in (2027, 2028, 2029)]))


def remade(name: str, purpose: str) -> int:
    return count(name, f"event = {EventType.REMAKE} and level = 4 and purpose {purpose}")


def test_integrated_scrapping_brings_batteries_to_the_formal_channel():
    assert formal("no_integrated_scrapping") < formal("baseline")


def test_without_the_exemption_fewer_swap_vehicles_are_scrapped_without_a_battery():
    for name, held in (("baseline", 1), ("no_swap_exemption", 0)):
        assert load(name).enforcement.swap_exempt.on(day_number(date(2027, 1, 1))) == held
    ours, base = figures("no_swap_exemption"), figures("baseline")
    assert sum(
        v for (m, y, _), v in ours.items() if m == "exits" and y in (2026, 2027, 2028, 2029)
    ) != pytest.approx(
        sum(v for (m, y, _), v in base.items() if m == "exits" and y in (2026, 2027, 2028, 2029)), rel=1e-12
    )


def test_more_packs_are_reused_where_cascade_use_is_allowed():
    reused = [
        sum(v for (m, _, k), v in figures(n).items() if (m, k) == ("retired_channel", "reused"))
        for n in ("cascade_allowed", "baseline")
    ]
    assert reused[0] > 1.5 * reused[1]


def test_more_used_batteries_end_in_e_bikes_where_the_ban_is_lax():
    assert load("e_bike_ban_lax").informal.e_bike_share.on(day_number(date(2027, 1, 1))) == 0.15
    assert count("e_bike_ban_lax", f"event = {EventType.REMAKE}") > count(
        "baseline", f"event = {EventType.REMAKE}"
    )


def test_outlets_refuse_more_without_fallback_liability():
    refused = f"event = {EventType.REFUSE} and event_day >= {day_number(date(2026, 4, 1))}"
    assert count("no_fallback_liability", refused) > 2 * count("fallback_liability", refused) > 0
    assert formal("no_fallback_liability") < formal("fallback_liability")


def test_with_one_regulator_less_is_handed_over_lawfully():
    assert formal("one_regulator") < formal("baseline")
