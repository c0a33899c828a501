"""Every key of a scenario is documented and moves the world: one twin for each, of the same luck, with that key alone moved.

A world is one replication at a coarse scale over two years.  A key has an effect where the log differs in what happens
or in what is told, or, for what is only reckoned with afterwards, where some measure of money or of breaches does.
"""

from __future__ import annotations

import hashlib
from datetime import date
from functools import cache
from typing import Any

import pytest

from sim import money
from sim.amendments import rules_of
from sim.breaches import count
from sim.levers import NAME, Lever, levers
from sim.scenario import Scenario, load
from tests.sim.small import World, anew, inputs, run
from traceability.compliance.audit import happened_and_visible
from traceability.compliance.rules import RULES

HORIZON: dict[str, Any] = {"from": date(2026, 1, 1), "until": date(2027, 12, 31), "scale": 20_000}

NAMED = {
    "technology": "large_phev",
    "shipments": "solid_state",
    "brand": "aito",
    "plant": "changan_plant",
    "amendment": "deadline_20",
}
"""Section whose names a scenario chooses -> the shipped scenario that has one; its first is moved."""

UNBOUNDED = {"day", "text", "list of names", "table of numbers", "table of days"}
"""What a key holds that has no range of numbers; its sentence says what is known."""

HAPPENS = ("event", "detail", "link", "material", "unit", "vehicle")
"""The tables of a log that say what happens; the others say who there is, and when he may."""

RECKONED = {
    "market.refining_lfp_yuan_t",
    "market.refining_ncm_yuan_t",
    "market.remade_yuan_kwh",
    "market.workshop_yuan_t",
    "collection.support_yuan_year",
}
"""Nobody in the model decides by these: they move money alone."""

AUDITED = {"law.forced_regime", "amendment.NAME.limit", "amendment.NAME.unit"}
"""These move what is found in a log."""

MOVED: dict[str, Any] = {
    "life.bus_limit_years": 5.0,
    "life.truck_limit_years": 5.0,
    "replacement.improved_from": 2030,
    "coding.began": 2030,
    "market.deposit_yuan_pack": 2000,
    "market.subsidy_yuan_t": 2000,
    "market.operator_yuan_t": -9000,
    "market.outlet_yuan_t": -3000,
    "inspection.miit.targeting": {"outlets": 25, "Guangdong": 5},
    "inspection.mofcom.targeting": {"Guangdong": 25, "Shandong": 0},
    "inspection.mee.targeting": {"Guangdong": 25, "Shandong": 0},
    "inspection.samr.targeting": {"Guangdong": 0},
    "inspection.mot.targeting": {"Guangdong": 50, "Shandong": 0},
    "inspection.mee.list_ban_years": 0.25,
    "learning.memory_packs": 1_000_000,
    "collection.support_yuan_year": 50_000,
    "collection.way_share": 1.0,
    "recycling.capacity_factor": {"Guangdong": 5, "Hunan": 0.2},
    "recycling.product_life_years": 0.2,
    "production_scrap.lot_t": 0.2,
    "technology.NAME.kinds": ["bev_car"],
    "technology.NAME.first_day": date(2027, 1, 1),
    "technology.NAME.share": {"2025-01-01": 0.5},
    "technology.NAME.chemistry": "NCM",
    "technology.NAME.cell_wh_kg": 150.0,
    "technology.NAME.composition_kg_kwh": {"li": 0.2, "cu": 0.5},
    "shipments.NAME.volume_gwh": {"2028-01-01": 135.0},
    "shipments.NAME.penetration": {"2025-01-01": 0.1},
    "shipments.NAME.demand_gwh": {"2025-01-01": 9999},
    "brand.NAME.monthly_vehicles": {"2026-02-01": 90_000},
    "plant.NAME.maker": "BYD",
    "plant.NAME.province": "Guangdong",
    "plant.NAME.first_day": date(2026, 1, 1),
    "law.forced_regime": "cn_2018",
    "law.banned_uses": {"2026-04-01": ["e_bike", "storage"]},
    "amendment.NAME.limit": {"2026-04-01": 2},
    "amendment.NAME.unit": "months",
}
"""Where doubling says nothing: names, days, payments that the baseline lacks, limits that nobody reaches."""

_SOLD_OFF = {"market.operator_yuan_t": -9000, "market.outlet_yuan_t": -9000}
_BOOKS_SEEN = {"inspection.mee.recycler_inspected_share": 1.0, "recycling.unbalanced_share": 0.5}
_BOOKS_FOUND = _BOOKS_SEEN | {"inspection.mee.recycler_detected_share": 1.0}
_REUSED = {
    "recycling.reuse_share_lfp": 0.8,
    "recycling.opened_module_share": 1.0,
    "recycling.product_return_share": 1.0,
}
_FAILING = {
    "technology.large_phev.share": 1.0,
    "replacement.share_late": 1.0,
    "replacement.warranty_years": 0.5,
}

_STRICT = {"limit": {"2026-04-01": 1}, "unit": "days", "sources": {"limit": "assumed", "unit": "assumed"}}

BESIDE: dict[str, dict[str, Any]] = {
    "inspection.miit.": _SOLD_OFF | {"inspection.miit.inspected_share": 0.9},
    "inspection.mofcom.": {"inspection.mofcom.inspected_share": 0.9},
    "inspection.mee.": {"inspection.mee.inspected_share": 0.9},
    "inspection.mee.recycler_detected_share": _BOOKS_SEEN,
    "inspection.mee.recycler_fine_yuan": _BOOKS_FOUND,
    "inspection.mee.list_ban_years": _BOOKS_FOUND,
    "inspection.mee.unlisted_pull": _BOOKS_FOUND,
    "inspection.samr.": {"inspection.samr.inspected_share": 0.9, "informal.e_bike_share": 0.7},
    "inspection.mot.": {"inspection.mot.inspected_share": 0.9},
    "learning.": {"inspection.mee.inspected_share": 0.9, "inspection.mofcom.inspected_share": 0.9},
    "collection.refused_share": {"market.treatment_yuan_t": 40_000},
    "collection.support_yuan_year": {"collection.density": 2.0},
    "collection.way_share": {"collection.density": 100.0},
    "recycling.lapsed_share": _BOOKS_FOUND | {"recycling.unbalanced_share": 0.0},
    "recycling.opened_module_share": _REUSED,
    "recycling.cells_per_module": _REUSED,
    "recycling.product_life_years": _REUSED,
    "production_scrap.lot_t": {"production_scrap.rate_kg_kwh": 10.0},
    "technology.": _FAILING,
    "law.deadline_pull": {"amendment": {"R46": _STRICT}},
}
"""What both worlds have too, where the baseline has nothing, or too little at this scale, for a key to work on."""


def put(table: dict[str, Any], key: str, value: object) -> None:
    *path, field = key.split(".")
    for name in path:
        table = table[name]
    table[field] = value


def got(table: dict[str, Any], key: str) -> Any:
    for name in key.split("."):
        table = table[name]
    return table


def beside(key: str) -> str:
    """The entry of BESIDE for a key, its own or that of its section; the section of the scenario where it has none."""
    section = key.rpartition(".")[0] + "."
    return next((known for known in (key, section, section.replace(f".{NAME}", "")) if known in BESIDE), "")


@cache
def base(section: str, besides: str) -> Scenario:
    """The world that is left as it is: one for all keys that need no other."""
    table = load(NAMED.get(section, "baseline"), **HORIZON).model_dump(by_alias=True)
    for other, value in BESIDE.get(besides, {}).items():
        put(table, other, value)
    return Scenario.model_validate(table)


@cache
def left(section: str, besides: str) -> World:
    return run(base(section, besides))


def section_of(key: str) -> str:
    """The section whose names a scenario chooses, or nothing: all others share worlds."""
    section = key.partition(".")[0]
    return section if section in NAMED else ""


def moved(lever: Lever, value: Any) -> Any:
    """Another value within the range: shares to a half or to nothing, all else to the double, or the half at the end."""
    if lever.key in MOVED:
        return MOVED[lever.key]
    if isinstance(value, dict):  # dated: the last, which holds at the end of all horizons
        value = list(value.values())[-1]
    assert lever.low is not None
    assert lever.high is not None
    if (lever.low, lever.high) == (0, 1):
        return 0.5 if value < 0.25 else 0.0
    double = 2 * value if value else 1
    other = double if lever.low <= double <= lever.high else value / 2
    return int(other) if lever.form == "whole number" else other


def key_in(scenario: Scenario, lever: Lever) -> str:
    """The key as the scenario has it: with the first of its names for NAME."""
    section, _, rest = lever.key.partition(f".{NAME}.")
    return f"{section}.{next(iter(getattr(scenario, section)))}.{rest}" if rest else lever.key


def digest(world: World) -> str:
    """SHA-256 of all that happens in a log."""
    hashed = hashlib.sha256()
    for path in sorted(world.store.directory.rglob("*.parquet")):
        if path.stem.split("-")[0] in HAPPENS:
            hashed.update(path.name.encode() + path.read_bytes())
    return hashed.hexdigest()


def reckoned(world: World) -> list[Any]:
    """Every measure of money."""
    return list(money.measure(world.store, world.scenario, inputs()))


def found(world: World) -> list[Any]:
    """How many reports were late, in truth and on record, by the law of the scenario."""
    rules = rules_of(world.scenario, [rule for rule in RULES if rule.id in {"R12", "R32", "R46"}])
    return count(happened_and_visible(world.store, world.scenario.last_day(), rules), world.store)


LEVERS = list(levers())


@pytest.mark.parametrize("lever", LEVERS, ids=[lever.key for lever in LEVERS])
def test_a_key_is_documented_and_its_move_changes_the_world(lever: Lever) -> None:
    assert lever.unit
    assert lever.en
    assert lever.zh
    assert lever.low is not None or lever.form in UNBOUNDED
    section, besides = section_of(lever.key), beside(lever.key)
    before, world = base(section, besides), left(section, besides)
    key = key_in(before, lever)
    table = before.model_dump(by_alias=True)
    put(table, key, moved(lever, got(table, key)))
    twin = anew(Scenario.model_validate(table))
    assert twin.scenario != before
    if lever.key in AUDITED:
        assert found(twin) != found(world)
    elif lever.key in RECKONED:
        assert digest(twin) == digest(world)
        assert reckoned(twin) != reckoned(world)
    else:
        assert digest(twin) != digest(world)


def test_the_tables_of_this_file_name_keys_that_there_are() -> None:
    known = {lever.key for lever in levers()}
    assert known >= set(MOVED) | RECKONED | AUDITED
    for entry, others in BESIDE.items():
        assert any(key == entry or key.startswith(entry) for key in known)
        assert others.keys() - known <= {"technology.large_phev.share", "amendment"}


def test_the_same_world_twice_is_the_same() -> None:
    """Or every key would have an effect."""
    assert digest(anew(base("", ""))) == digest(left("", ""))
    assert reckoned(anew(base("", ""))) == reckoned(left("", ""))
