"""One replication: a scenario becomes one log store.

Wires stocks to processes, starts them on a SimPy clock whose unit is the day, and flushes the log.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from sim import quarters, tables
from sim.amendments import banned_products, paces
from sim.belief import Belief
from sim.cast import Cast, Ints, assemble, permit_spans
from sim.chance import Chance
from sim.contents import Contents
from sim.inputs import Inputs
from sim.ledger import Ledger
from sim.lots import Agenda, Backlog
from sim.market import Prices, Worth
from sim.printing import Printer
from sim.processes.collection import collection
from sim.processes.factory import production_scrap
from sim.processes.fleet import Fleet, Maker, fleet, vehicles_by_month
from sim.processes.handover import Channel
from sim.processes.informal import informal
from sim.processes.inspection import Inspectors, inspection
from sim.processes.plants import start_up_scrap
from sim.processes.recycling import intake, recycling
from sim.processes.remaking import Remaking, returns
from sim.processes.scrapping import Returned, scrapping
from sim.processes.service import service
from sim.processes.swapping import swapping
from sim.scenario import Scenario
from sim.technology import Technologies
from traceability.events import NULL
from traceability.registry import Registry
from traceability.store import schema
from traceability.store.base import Store
from traceability.vocabulary import PROCESSING_PERMITS, Permit
from traceability.workdays import ordinals

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a replication leaves beside its log.

    Attributes:
        events, units, vehicles: how many there are.
    """

    events: int
    units: int
    vehicles: int


def simulate(
    scenario: Scenario,
    inputs: Inputs,
    store: Store,
    *,
    replication: int = 0,
    progress: Progress | None = None,
) -> Simulated:
    """Run *scenario* once and write its log into *store*, which is finished then.

    Args:
        scenario: all figures.
        inputs: the yearly series.
        store: empty and open for writing.
        replication: whose luck.
        progress: called with (days done, days in all) about once a month.
    """
    chance = Chance(scenario.seed, replication)
    cast = assemble(scenario, inputs)
    registry = Registry(store)
    _enrol(registry, store, scenario, inputs, cast, chance)
    env = simpy.Environment(initial_time=scenario.first_day())
    ledger = Ledger(
        registry, chance, scenario.reporting, scenario.falsehood, cast, scenario.last_day(), paces(scenario)
    )
    state = _start(env, scenario, inputs, cast, chance, ledger)
    if progress is not None:
        env.process(_report(env, scenario, progress))
    env.run(until=scenario.last_day() + 1)
    registry.finish()
    return Simulated(registry.events, state.units.size, state.vehicles.size)


def _start(
    env: simpy.Environment, scenario: Scenario, inputs: Inputs, cast: Cast, chance: Chance, ledger: Ledger
) -> Fleet:
    """Make the stocks and agendas and start every process.

    Processes that act on one day act in the order in which they are started: what a quarter's scrapping sends
    off was serviced and swapped before.
    """
    expected = int(
        vehicles_by_month(inputs, scenario.scale, scenario.manufacture.registered_share)[
            : (quarters.of_day(scenario.last_day()) + 1) * 3
        ].sum()
    )
    # a tenth more packs than vehicles, and the lots; both tables grow where that is not enough
    units = tables.units(expected + expected // 8 + 50_000)
    state = Fleet(tables.vehicles(expected), units, exits=Agenda(1), failures=Agenda(2))
    to_outlets, to_recyclers, to_workshops = Agenda(2), Agenda(2), Backlog()
    served, product_ends, new_swap_vehicles = Backlog(), Agenda(3), Agenda(1)
    returned: list[Returned] = []
    printer = Printer(chance, inputs, cast, scenario.coding)
    technologies = Technologies(scenario.technology, scenario.shipments, inputs)
    maker = Maker(
        ledger, chance, inputs, cast, printer, units, scenario.manufacture, technologies, scenario.plant
    )
    contents = Contents(inputs, units, technologies)
    belief = Belief(scenario.learning, scenario.scale)
    inspectors = Inspectors(
        ledger=ledger,
        chance=chance,
        cast=cast,
        inspections=scenario.inspection,
        inputs=inputs,
        listed_share=scenario.recycling.listed_share,
        belief=belief,
    )
    channel = Channel(
        ledger=ledger,
        chance=chance,
        cast=cast,
        prices=Prices(
            Worth(inputs, scenario.market),
            scenario.market,
            scenario.enforcement,
            scenario.inspection,
            scenario.collection,
            scenario.informal,
            belief,
        ),
        inspectors=inspectors,
        units=units,
        collection=scenario.collection,
        informal=scenario.informal,
        unlisted_pull=scenario.inspection.mee.unlisted_pull,
        distance_km=inputs.distance_km,
        to_outlets=to_outlets,
        to_recyclers=to_recyclers,
        to_workshops=to_workshops,
    )
    remaking = Remaking(
        ledger=ledger,
        chance=chance,
        cast=cast,
        units=units,
        printer=printer,
        practice=scenario.recycling,
        barred=banned_products(scenario),
        ends=product_ends,
    )
    for process in (
        fleet(
            env, ledger=ledger, chance=chance, inputs=inputs, cast=cast, printer=printer, maker=maker, state=state,
            life=scenario.life, replacement=scenario.replacement, swapping=new_swap_vehicles,
            brands=scenario.brand, scale=scenario.scale,
        ),
        service(
            env, ledger=ledger, chance=chance, cast=cast, state=state, maker=maker, channel=channel,
            practice=scenario.replacement,
        ),
        swapping(
            env, ledger=ledger, chance=chance, cast=cast, state=state, maker=maker, channel=channel,
            practice=scenario.swap, arrivals=new_swap_vehicles, returned=returned,
        ),
        scrapping(
            env, ledger=ledger, chance=chance, cast=cast, state=state, channel=channel, life=scenario.life,
            practice=scenario.scrapping, enforcement=scenario.enforcement, pool=returned,
        ),
        production_scrap(
            env, ledger=ledger, chance=chance, inputs=inputs, cast=cast, units=units, channel=channel,
            practice=scenario.production_scrap, scale=scenario.scale,
        ),
        start_up_scrap(
            env, ledger=ledger, chance=chance, inputs=inputs, cast=cast, units=units, channel=channel,
            practice=scenario.production_scrap, plants=scenario.plant, scale=scenario.scale,
        ),
        returns(
            env, ledger=ledger, chance=chance, cast=cast, units=units, channel=channel,
            practice=scenario.recycling, ends=product_ends,
        ),
        collection(
            env, ledger=ledger, cast=cast, units=units, channel=channel, practice=scenario.collection,
            inbox=to_outlets, scale=scenario.scale,
        ),
        intake(
            env, ledger=ledger, inputs=inputs, cast=cast, units=units, practice=scenario.recycling,
            inbox=to_recyclers, served=served, scale=scenario.scale,
        ),
        _bookkeeping(env, ledger, state.units),
        recycling(
            env, ledger=ledger, chance=chance, inputs=inputs, cast=cast, units=units, contents=contents,
            practice=scenario.recycling, falsehood=scenario.falsehood, served=served, remaking=remaking,
            inspectors=inspectors, lapse_year=_lapse_years(scenario, cast, chance),
        ),
        informal(
            env, ledger=ledger, chance=chance, cast=cast, units=units, contents=contents, channel=channel,
            practice=scenario.informal, inspectors=inspectors, inbox=to_workshops,
        ),
        inspection(env, ledger=ledger, inspectors=inspectors, belief=belief, list_changed=channel.list_changed),
    ):  # fmt: skip
        env.process(process)
    return state


def _bookkeeping(
    env: simpy.Environment, ledger: Ledger, units: tables.Columns
) -> Generator[simpy.Event, Any, None]:
    """Write what was noted day by day, at the end of each quarter: before what sums the quarter up."""
    while True:
        yield env.timeout(quarters.until_last_minute(int(env.now), ledger.last_day))
        ledger.write_notes(units.key)
        yield env.timeout(quarters.MINUTE)


def _enrol(
    registry: Registry, store: Store, scenario: Scenario, inputs: Inputs, cast: Cast, chance: Chance
) -> None:
    store.set_meta("truth", "yes")
    store.set_meta("scenario", scenario.name)
    store.set_meta("scale", str(scenario.scale))
    store.set_meta("first_day", str(scenario.first_day()))
    store.set_meta("last_day", str(scenario.last_day()))
    rows = cast.role.size
    registry.enrol_actors(
        {
            "actor": np.arange(rows),
            "name": cast.names,
            "credit_code": cast.credit_codes,
            "role": cast.role,
            "province": cast.province,
            "maker_code": cast.maker_codes,
            "stands_for": cast.stands_for,
            "capacity_t_year": cast.capacity_t,
        },
        rows,
    )
    lapse_year = _lapse_years(scenario, cast, chance)
    for actor, valid_from, valid_to in permit_spans(cast, lapse_year > 0, lapse_year):
        for kind in PROCESSING_PERMITS:
            # it is the discharge permit that runs out; the others stand
            open_end = kind is not Permit.DISCHARGE
            whole = valid_from <= quarters.START[0] if open_end else np.ones(actor.size, dtype=bool)
            registry.grant_permits(
                actor=actor[whole],
                kind=int(kind),
                valid_from=valid_from[whole],
                valid_to=NULL if open_end else valid_to[whole],
            )
    registry.grant_permits(
        actor=cast.carriers,
        kind=int(Permit.DANGEROUS_GOODS),
        valid_from=np.full(cast.carriers.size, quarters.START[0]),
        valid_to=NULL,
    )
    calendar = ordinals(int(quarters.START[0]), scenario.last_day() + 400)
    store.append(schema.workday, calendar.day.size, calendar.columns())


def _lapse_years(scenario: Scenario, cast: Cast, chance: Chance) -> Ints:
    """Return int64[recyclers], the year in which each lacks a permit; 0: it never does."""
    firms = cast.recyclers.astype(np.uint64)
    years = np.arange(scenario.first.year, scenario.last.year + 1)
    year = years[(chance.draw("recycling.lapse_year", firms) * years.size).astype(np.int64)]
    lapsed = chance.draw("recycling.lapsed", firms) < scenario.recycling.lapsed_share
    return np.where(lapsed, year, 0)


def _report(
    env: simpy.Environment, scenario: Scenario, progress: Progress
) -> Generator[simpy.Event, Any, None]:
    """Tell *progress* once in a while how many days are done."""
    first, last = scenario.first_day(), scenario.last_day()
    while True:
        progress(int(env.now) - first, last - first + 1)
        yield env.timeout(30)
