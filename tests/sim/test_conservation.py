"""Nothing appears, vanishes, splits or goes back in time: batteries, vehicles, grams and elements."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sim.inputs import FIRST_YEAR
from tests.sim.small import World, inputs, run, small
from traceability.events import EPOCH, NULL
from traceability.lifecycle import TERMINAL, TRANSITIONS
from traceability.registry import Registry
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Element, EventType, Level, LinkKind, Role, State

E = EventType
FITTED = frozenset({E.INSTALL, E.SWAP_IN})
TAKEN_OUT = frozenset({E.REMOVE, E.SWAP_OUT, E.DISMOUNT, E.EXPORT, E.DIVERT, E.LOSE})
GONE = frozenset({State.DISMANTLED, State.PROCESSED, State.IN_PRODUCT})


@cache
def baseline_world() -> World:
    """The whole horizon of the baseline, coarsely."""
    return run(small(scale=20_000, first=date(2016, 1, 1), until=date(2035, 12, 31)))


@cache
def busy_world() -> World:
    """Everything that can happen to a battery happens to many: failures, swaps, reuse, returns, resale."""
    return run(
        small(
            scale=20_000,
            first=date(2023, 1, 1),
            until=date(2029, 12, 31),
            life={"shape": 2.0, "scale_years": 4.0, "accident_share": 0.3, "burnt_share": 0.5},
            replacement={"share_late": 0.6, "refurbished_share": 0.8, "warranty_years": 3.0},
            swap={"exchanges_per_year": 20, "pool_share": 1.0, "pack_scale_years": 2.0},
            collection={"transit_first_days": 0, "transit_last_days": 1, "waiting_limit_days": 3},
            recycling={
                "reuse_share_lfp": 0.7,
                "reuse_share_ncm": 0.7,
                "opened_module_share": 0.3,
                "product_life_years": 0.3,
                "product_return_share": 0.6,
                "modules_per_pack": 7,
                "cells_per_module": 5,
            },
            informal={"e_bike_share": 0.2, "storage_share": 0.2, "resold_share": 0.8, "days": 3},
        )
    )


WORLDS = {"baseline": baseline_world, "busy": busy_world}


@pytest.fixture(scope="module", params=list(WORLDS))
def world(request: pytest.FixtureRequest) -> World:
    return WORLDS[request.param]()


@dataclass(frozen=True, eq=False)
class Happened:
    """What truly moved a unit, in the order of the days (and of the rows within a day)."""

    event: list[int]
    unit: list[int]
    vehicle: list[int]
    day: list[int]


def happened(world: World, order: str = "event_day, event_id") -> Happened:
    found = world.columns(
        f"select event, coalesce(unit, {NULL}) as unit, coalesce(vehicle, {NULL}) as vehicle, event_day as day "
        f"from event where happened and event < {min(REMARKS)} order by {order}"
    )
    return Happened(**{name: column.tolist() for name, column in found.items()})


def levels(world: World) -> list[Level]:
    return [Level(level) for (level,) in world.rows("select level from unit order by unit")]


def replayed(world: World) -> tuple[list[State], list[State]]:
    """Walk every unit and every vehicle through the table of what can follow what; return where they end.

    Fails where something cannot follow, and where something follows an end.
    """
    of = levels(world)
    units = [State.UNREGISTERED] * len(of)
    vehicles = [State.UNREGISTERED] * world.simulated.vehicles
    rows = happened(world)
    for event, unit, vehicle in zip(rows.event, rows.unit, rows.vehicle, strict=True):
        kind = E(event)
        if kind in VEHICLE_EVENTS:
            before, level, number, standing = vehicles[vehicle], Level.VEHICLE, vehicle, vehicles
        else:
            before, level, number, standing = units[unit], of[unit], unit, units
        assert before not in TERMINAL, f"{kind.name} of {level.name} {number} after its end, {before.name}"
        after = TRANSITIONS[level].get((before, kind))
        assert after is not None, f"{kind.name} cannot follow {before.name} ({level.name} {number})"
        standing[number] = after
    return units, vehicles


# --- batteries and vehicles ---


def test_every_unit_and_vehicle_goes_the_way_that_the_law_of_the_table_allows(world):
    replayed(world)


def test_every_unit_and_vehicle_of_the_log_stands_in_exactly_one_state(world):
    """The census of a registry that replays the log agrees with the walk; nobody is left unregistered."""
    units, vehicles = replayed(world)
    census = Registry.resume(world.store).census()
    assert State.UNREGISTERED not in set(units) | set(vehicles)
    assert census.pop(Level.VEHICLE) == Counter(vehicles)
    assert census == {
        level: dict(Counter(state for state, of in zip(units, levels(world), strict=True) if of is level))
        for level in set(levels(world))
    }
    assert sum(sum(states.values()) for states in census.values()) == world.simulated.units


def test_the_log_holds_as_many_rows_as_the_run_says(world):
    assert world.rows("select count(*), min(event_id), max(event_id) from event") == [
        (world.simulated.events, 0, world.simulated.events - 1)
    ]
    assert world.rows("select count(*), min(unit), max(unit) from unit") == [
        (world.simulated.units, 0, world.simulated.units - 1)
    ]
    assert world.rows("select count(*) from vehicle") == [(world.simulated.vehicles,)]


@pytest.mark.parametrize("whose", ["unit", "vehicle"])
def test_days_never_go_back(world, whose):
    """What is written later about a unit or a vehicle happened later, or on the same day."""
    back = world.rows(
        f"""
        with step as (
            select {whose}, event, event_day, lag(event) over w as event_before, lag(event_day) over w as day_before
            from event where happened and event < {min(REMARKS)} and {whose} is not null
            window w as (partition by {whose} order by event_id)
        ) select event_before, event, count(*), max(day_before - event_day)
        from step where event_day < day_before group by all order by all"""
    )
    named = [f"{E(a).name} -> {E(b).name}: {n} times, by up to {days} days" for a, b, n, days in back]
    assert not named


def test_nothing_happens_to_a_battery_before_it_is_made_or_after_the_run(world):
    assert not world.rows("select * from event join unit using (unit) where event_day < made_day limit 3")
    assert world.rows(f"select count(*) from event where event_day > {world.scenario.last_day()}") == [(0,)]


def test_a_battery_is_in_one_vehicle_at_a_time_and_a_vehicle_has_one_battery(world):
    vehicle_of: dict[int, int] = {}
    unit_of: dict[int, int] = {}
    rows = happened(world)
    for event, unit, vehicle in zip(rows.event, rows.unit, rows.vehicle, strict=True):
        if vehicle == NULL or E(event) in VEHICLE_EVENTS:
            continue
        if E(event) in FITTED:
            assert unit not in vehicle_of, (
                f"pack {unit} is in vehicle {vehicle_of[unit]}, and goes into {vehicle}"
            )
            assert vehicle not in unit_of, f"vehicle {vehicle} has pack {unit_of[vehicle]}, and gets {unit}"
            vehicle_of[unit], unit_of[vehicle] = vehicle, unit
        else:
            assert E(event) in TAKEN_OUT
            assert vehicle_of.pop(unit) == vehicle
            assert unit_of.pop(vehicle) == unit
    units, _ = replayed(world)
    assert set(vehicle_of) == {unit for unit, state in enumerate(units) if state is State.IN_VEHICLE}


def test_a_vehicle_is_shown_with_the_battery_that_is_in_it(world):
    """The pack beside a certificate of conformity, a sale or a delivery for scrap is the one installed then."""
    unit_of: dict[int, int] = {}
    rows = happened(world)
    for event, unit, vehicle in zip(rows.event, rows.unit, rows.vehicle, strict=True):
        if vehicle == NULL:
            continue
        if E(event) in FITTED:
            unit_of[vehicle] = unit
        elif E(event) in VEHICLE_EVENTS:
            assert unit_of.get(vehicle, NULL) == unit, f"{E(event).name} of vehicle {vehicle} shows {unit}"
        else:
            del unit_of[vehicle]


def test_a_vehicle_changes_batteries_only_between_sale_and_exit(world):
    """After the sale until it leaves; its first battery is in it before."""
    assert not world.rows(
        f"""
        with sold as (select vehicle, event_day as day from event where event = {E.SELL} and happened),
        gone as (select vehicle, min(event_day) as day from event
                 where happened and event in ({E.RECEIVE_VEHICLE}, {E.EXPORT}) group by vehicle)
        select e.vehicle, e.event, e.event_day, sold.day, gone.day
        from event e join sold using (vehicle) left join gone using (vehicle)
        where e.event in ({E.REMOVE}, {E.SWAP_IN}, {E.SWAP_OUT})
          and (e.event_day < sold.day or e.event_day > gone.day) limit 5"""
    )


def test_all_that_is_under_way_arrives_in_time(world):
    """No transport takes longer than the longest one; what is still under way left in the last days."""
    units, _ = replayed(world)
    longest = world.scenario.collection.transit_last_days
    late = [
        (unit, day)
        for unit, day in world.rows(
            f"select unit, max(event_day) from event where happened and event = {E.SHIP} group by unit"
        )
        if units[unit] is State.IN_TRANSIT and day + longest <= world.scenario.last_day()
    ]
    assert not late, f"{len(late)} units never arrived, such as {late[:3]}"
    assert not world.rows(
        f"""
        with step as (
            select event, event_day, lag(event) over w as before, lag(event_day) over w as since
            from event where happened and event < {min(REMARKS)} and unit is not null window w as (partition by unit order by event_day, event_id)
        ) select * from step where before = {E.SHIP} and event not in ({E.COLLECT}, {E.RECEIVE})
            or before = {E.SHIP} and event_day - since
               not between {world.scenario.collection.transit_first_days} and {longest}"""
    )


def test_what_is_collected_leaves_the_outlet_within_the_waiting_limit(world):
    limit = world.scenario.collection.waiting_limit_days
    units, _ = replayed(world)
    assert world.rows(
        f"""
        with step as (
            select event_day, lag(event) over w as before, lag(event_day) over w as since
            from event where happened and event < {min(REMARKS)} and unit is not null window w as (partition by unit order by event_day, event_id)
        ) select count(*) > 0, max(event_day - since) <= {limit} from step where before = {E.COLLECT}"""
    ) == [(True, True)]
    held = {unit for unit, state in enumerate(units) if state is State.AT_OUTLET}
    came = dict(
        world.rows(
            f"select unit, max(event_day) from event where happened and event = {E.COLLECT} group by unit"
        )
    )
    assert all(came[unit] + limit > world.scenario.last_day() for unit in held)


# --- grams and elements ---


@dataclass(frozen=True, eq=False)
class Books:
    """The materials of a log.  Contents are reckoned here from the composition of the year of manufacture.

    Attributes:
        contents: float64[units, element], grams that are in each battery, part or product; 0 for materials.
        received, recovered, residue: int64[units, element], the true balance of each lot of materials.
        sources: lot -> the units it was made from.
        informal: lots of workshops.
    """

    contents: npt.NDArray[np.float64]
    received: npt.NDArray[np.int64]
    recovered: npt.NDArray[np.int64]
    residue: npt.NDArray[np.int64]
    sources: dict[int, list[int]]
    informal: set[int]

    @property
    def lots(self) -> int:
        return len(self.sources)


def _days_of(world: World, event: EventType) -> dict[int, int]:
    return dict(
        world.rows(
            f"select unit, min(event_day) from event where happened and event = {event} and unit is not null group by unit"
        )
    )


def vintages(world: World) -> list[int]:
    """Year of the composition of each pack and each lot of scrap; -1 for all else.

    A pack is of the year in which its vehicle was registered (a car sold in January has a pack made in
    December), a replacement of the year in which it was fitted; a pool pack is made 20 days before its month.
    """
    sold, fitted = _days_of(world, E.SELL), _days_of(world, E.INSTALL)
    scrapped, kept = _days_of(world, E.SCRAP), _days_of(world, E.KEEP)
    found = []
    for unit, level, made in world.rows("select unit, level, made_day from unit order by unit"):
        day = -1
        if level == Level.PACK:
            bought = unit in kept and unit not in fitted
            day = made + 20 if bought else sold.get(unit, fitted.get(unit, made))
        elif unit in scrapped:
            day = scrapped[unit]
        found.append(-1 if day < 0 else date.fromordinal(EPOCH.toordinal() + day).year)
    return found


@cache
def books(world: World) -> Books:
    size = world.simulated.units
    units = world.columns("select level, chemistry, mass_g, energy_wh from unit order by unit")
    vintage = vintages(world)
    pack_of: dict[int, int] = {}
    links = world.rows("select kind, parent, child from link")
    for wanted in (
        LinkKind.CONTAINS,
        LinkKind.CONTAINS,
        LinkKind.MADE_FROM,
    ):  # twice: a module, then its cells
        for kind, parent, child in links:
            if kind != wanted:
                continue
            whole, part = (child, parent) if kind == LinkKind.MADE_FROM else (parent, child)
            if units["level"][part] != Level.LOT:
                pack_of[part] = pack_of.get(whole, whole)
    per_wh = np.nan_to_num(inputs().composition_kg_per_kwh)
    contents = np.zeros((size, len(Element)))
    for unit in range(size):
        year = vintage[pack_of.get(unit, unit)]
        if year > 0:
            contents[unit] = per_wh[year - FIRST_YEAR, units["chemistry"][unit]] * units["energy_wh"][unit]
            contents[unit, Element.MASS] = units["mass_g"][unit]
    received, recovered, residue = (np.zeros((size, len(Element)), dtype=np.int64) for _ in range(3))
    for lot, element, *grams in world.rows(
        "select lot, element, input_g, recovered_g, residue_g from material where happened"
    ):
        assert not received[lot, element], f"two true balances of lot {lot}"
        received[lot, element], recovered[lot, element], residue[lot, element] = grams
    made = {
        lot: role
        for lot, role in world.rows(
            f"select unit, role from event join actor using (actor) where happened and event = {E.RECOVER}"
        )
    }
    sources: dict[int, list[int]] = defaultdict(list)
    for kind, parent, child in links:
        if kind == LinkKind.MADE_FROM and parent in made:
            sources[parent].append(child)
    assert set(sources) == set(made), "every lot of materials was made from something"
    informal = {lot for lot, role in made.items() if role == Role.INFORMAL}
    return Books(contents, received, recovered, residue, dict(sources), informal)


def test_the_true_balance_of_every_lot_adds_up_to_the_gram(world):
    assert world.rows(
        """select count(*) > 0, bool_and(input_g = recovered_g + residue_g), min(recovered_g) >= 0, min(residue_g) >= 0
        from material where happened"""
    ) == [(True, True, True, True)]


def test_a_lot_takes_in_what_its_batteries_contain(world):
    """Each element of each lot, rounded down to a whole gram once; black mass brings what its own books say."""
    found = books(world)
    for lot, units in found.sources.items():
        content = sum(
            found.recovered[unit] if unit in found.informal else found.contents[unit] for unit in units
        )
        off = content - found.received[lot]
        assert (off > -1e-6 * (content + 1)).all(), f"lot {lot} took in more than there was"
        assert (off < 1 + 1e-9 * content).all(), f"lot {lot} lost {off.max()} g"
        assert off[Element.MASS] == 0


def test_no_battery_is_broken_up_twice(world):
    units, _ = replayed(world)
    broken = [unit for sources in books(world).sources.values() for unit in sources]
    assert len(broken) == len(set(broken))
    assert {units[unit] for unit in broken} <= {State.PROCESSED, State.DISMANTLED}


def test_mass_and_every_element_are_conserved_from_the_first_day_to_the_last(world):
    """All that was ever made = what stands somewhere + what was recovered + what became residue.

    A lot rounds each element down by less than a gram, so the two sides differ by less than a gram a lot; the
    mass, whole grams all the way, by nothing.
    """
    found = books(world)
    states, _ = replayed(world)
    of = levels(world)
    scrap = set(_days_of(world, E.SCRAP))
    roots = [unit for unit, level in enumerate(of) if level is Level.PACK or unit in scrap]
    standing = [unit for unit, state in enumerate(states) if state not in GONE and unit not in found.sources]
    unsold = [lot for lot in found.sources if states[lot] is not State.PROCESSED]
    made = found.contents[roots].sum(axis=0)
    there = (
        found.contents[standing].sum(axis=0) + found.residue.sum(axis=0) + found.recovered[unsold].sum(axis=0)
    )
    assert (made > 0).all()
    assert made[Element.MASS] == there[Element.MASS]
    rounding = 1e-9 * made
    assert (made - there >= -rounding).all()
    assert (made - there <= found.lots + rounding).all()


def test_the_parts_of_an_opened_battery_add_up_to_it_exactly(world):
    assert world.rows(
        f"""
        with opened as (
            select parent, sum(c.mass_g) as mass_g, sum(c.energy_wh) as energy_wh
            from link join unit c on c.unit = child where kind = {LinkKind.CONTAINS} group by parent
        )
        select count(*) > 0, bool_and(opened.mass_g = p.mass_g), bool_and(opened.energy_wh = p.energy_wh)
        from opened join unit p on p.unit = parent"""
    ) == [(True, True, True)]


def test_a_product_weighs_what_went_into_it(world):
    assert world.rows(
        f"""
        with went as (
            select parent, sum(c.mass_g) as mass_g from link join unit c on c.unit = child
            where kind = {LinkKind.MADE_FROM} group by parent
        )
        select count(*) > 0, bool_and(went.mass_g = p.mass_g)
        from unit p left join went on p.unit = parent where p.level = {Level.PRODUCT}"""
    ) == [(True, True)]


def test_what_a_recycler_claims_is_never_more_than_it_took_in(world):
    assert world.rows(
        """select count(*) > 0, bool_and(recovered_g + residue_g <= input_g), min(recovered_g) >= 0, min(residue_g) >= 0
        from material where not happened"""
    ) == [(True, True, True, True)]


# --- and for any figures ---


def shares(*names: str) -> st.SearchStrategy[dict[str, float]]:
    return st.fixed_dictionaries({name: st.sampled_from([0.0, 0.1, 0.5, 1.0]) for name in names})


@given(
    seed=st.integers(0, 2**62),
    replacement=shares("share_late", "refurbished_share"),
    swap=shares("pool_share"),
    exchanges=st.sampled_from([0, 1, 30]),
    waiting=st.sampled_from([1, 10, 300]),
    transit=st.sampled_from([(0, 0), (1, 1), (0, 20)]),
    recycling=shares("reuse_share_lfp", "opened_module_share", "product_return_share"),
    resold=shares("resold_share", "recovery_share"),
)
@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # each a run
def test_batteries_and_grams_are_conserved_whatever_the_figures(
    seed, replacement, swap, exchanges, waiting, transit, recycling, resold
):
    world = run(
        small(
            scale=200_000,
            first=date(2026, 1, 1),
            until=date(2028, 6, 30),
            seed=seed,
            life={"shape": 1.0, "scale_years": 4.0},
            replacement=replacement,
            swap=swap | {"exchanges_per_year": exchanges},
            collection={
                "waiting_limit_days": waiting,
                "transit_first_days": transit[0],
                "transit_last_days": transit[1],
            },
            recycling=recycling | {"product_life_years": 0.2},
            informal=resold,
        )
    )
    test_every_unit_and_vehicle_of_the_log_stands_in_exactly_one_state(world)
    test_days_never_go_back(world, "unit")
    test_days_never_go_back(world, "vehicle")
    test_a_battery_is_in_one_vehicle_at_a_time_and_a_vehicle_has_one_battery(world)
    test_all_that_is_under_way_arrives_in_time(world)
    found = books(world)
    assert (found.received == found.recovered + found.residue).all()
    test_a_lot_takes_in_what_its_batteries_contain(world)
    test_mass_and_every_element_are_conserved_from_the_first_day_to_the_last(world)
