"""The reference workload on the lot engine: five SimPy processes, each for all facilities of its kind.

Built from the parts of the product (Agenda, Store, Workload, Chance, EventBatch, Registry), so that what it
measures is theirs.  As in the product, what happens day by day is noted and written by the month.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim.lots import Agenda, Workload
from sim.processes.collection import Store as Stock
from tests.benchmarks.world import (
    BATTERY_MAKER,
    DISMANTLER,
    FIRST_OUTLET,
    FIRST_RECYCLER,
    VEHICLE_MAKER,
    WORKSHOP,
    Luck,
    Outcome,
    World,
    lot_key,
)
from traceability.events import NULL, Column, EventBatch, Ints
from traceability.registry import Registry
from traceability.store import Store
from traceability.vocabulary import Chemistry, EventType, Level

MONTH = 30
Clock = Generator[simpy.Event, Any, None]
Pieces = Callable[[tuple[Ints, ...]], Iterable[tuple[Ints, ...]]]


def together(columns: tuple[Ints, ...]) -> Iterable[tuple[Ints, ...]]:
    """Yield a lot as it is."""
    yield columns


def one_by_one(columns: tuple[Ints, ...]) -> Iterable[tuple[Ints, ...]]:
    """Yield each row of a lot as a lot of its own."""
    for row in range(columns[0].size):
        yield tuple(column[row : row + 1] for column in columns)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the processes share: the world, its luck, the door to the log, what is due when."""

    env: simpy.Environment
    world: World
    luck: Luck
    registry: Registry
    pieces: Pieces
    outcome: Outcome
    exits: Agenda
    to_outlets: Agenda
    to_recyclers: Agenda
    served: Agenda
    notes: dict[EventType, list[tuple[Ints, ...]]] = field(default_factory=dict)

    def note(self, event: EventType, units: Ints, *, actor: Ints, receiver: Column = NULL) -> None:
        """Note what happens today, to be written with the rest of the month."""
        today = np.int32(self.env.now)
        one = np.ones(units.size, dtype=np.int32)
        self.notes.setdefault(event, []).append((units, actor, receiver * one, today * one))

    def write(
        self,
        event: EventType,
        units: Ints,
        *,
        actor: Column,
        day: Column,
        receiver: Column = NULL,
        vehicles: Column = NULL,
    ) -> None:
        """Record what happened and was told on the same day."""
        if units.size:
            self.registry.record(
                EventBatch.of(
                    event,
                    units,
                    actor=actor,
                    event_day=day,
                    record_day=day,
                    receiver=receiver,
                    vehicles=vehicles,
                )
            )


def run(world: World, store: Store, *, pieces: Pieces = together) -> Outcome:
    """Return what *world* comes to, its log in *store*, which is finished then.

    Args:
        world: the figures.
        store: empty and open for writing.
        pieces: how lots are handled; `one_by_one` splits every lot wherever it moves.
    """
    env = simpy.Environment()
    scene = Scene(
        env,
        world,
        Luck(world),
        Registry(store),
        pieces,
        Outcome(),
        Agenda(2),
        Agenda(2),
        Agenda(2),
        Agenda(3),
    )
    for process in (making, dismantling, collecting, recycling, writing):
        env.process(process(scene))
    env.run(until=world.last_day + 1)
    _write(scene, world.last_day // MONTH)
    scene.registry.finish()
    scene.outcome.events = scene.registry.events
    return scene.outcome


def making(scene: Scene) -> Clock:
    """Make each month's packs, install and sell them, and foresee when they come back."""
    coded = scene.world.coded_day()
    edges = np.searchsorted(coded, np.arange(0, scene.world.making_days + MONTH, MONTH))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        for part in scene.pieces((np.arange(first, end), coded[first:end])):
            _make(scene, *part)
        yield scene.env.timeout(MONTH)


def _make(scene: Scene, numbers: Ints, coded: Ints) -> None:
    if not numbers.size:
        return
    luck, write, rows = scene.luck, scene.write, numbers.size
    keys = numbers.astype(np.uint64)
    cars = scene.registry.enrol_vehicles(
        vin=np.zeros(rows, dtype="S17"), kind=0, maker=VEHICLE_MAKER, province=1, swap=False, rows=rows
    )
    packs = scene.registry.commission(
        Level.PACK, coder=BATTERY_MAKER, chemistry=Chemistry.LFP, made_day=coded, energy_wh=50_000, mass_g=400_000,
        printed=None, code_fault=0, rows=rows,
    )  # fmt: skip
    installed = coded + luck.assembly_days(keys)
    sold = installed + luck.sale_days(keys)
    supplied = luck.supplied(keys)
    write(EventType.CODE, packs, actor=BATTERY_MAKER, day=coded)
    write(
        EventType.DELIVER,
        packs[supplied],
        actor=BATTERY_MAKER,
        receiver=VEHICLE_MAKER,
        day=installed[supplied],
    )
    write(EventType.INSTALL, packs, actor=VEHICLE_MAKER, vehicles=cars, day=installed)
    write(EventType.CERTIFY, packs, actor=VEHICLE_MAKER, vehicles=cars, day=sold)
    write(EventType.SELL, packs, actor=VEHICLE_MAKER, vehicles=cars, day=sold)
    ends = sold + luck.life_days(keys)
    seen = ends <= scene.world.last_day
    # small numbers: what lies in an agenda for years should be small, and sorts fast
    scene.exits.add(ends[seen] // MONTH, packs[seen].astype(np.int32), ends[seen])


def dismantling(scene: Scene) -> Clock:
    """Take each month's packs out of their vehicles, each on its day, and send them to outlets, or off."""
    while True:
        due = scene.exits.take(int(scene.env.now) // MONTH)
        if due is not None:
            for part in scene.pieces(due):
                _dismount(scene, *part)
        yield scene.env.timeout(MONTH)


def _dismount(scene: Scene, packs: Ints, day: Ints) -> None:
    write, luck = scene.write, scene.luck
    keys = packs.astype(np.uint64)
    write(EventType.DISMOUNT, packs, actor=DISMANTLER, vehicles=packs, day=day)
    off = luck.diverted(keys)
    write(EventType.DIVERT, packs[off], actor=DISMANTLER, receiver=WORKSHOP, day=day[off])
    packs, day, keys = packs[~off], day[~off], keys[~off]
    outlet = luck.outlet(keys)
    write(EventType.SHIP, packs, actor=DISMANTLER, receiver=FIRST_OUTLET + outlet, day=day)
    scene.to_outlets.add(day + luck.transit_days(keys), packs, outlet)


def collecting(scene: Scene) -> Clock:
    """Take packs in at all outlets, day by day, and send off the lots that are due in the evening."""
    world, luck, outcome = scene.world, scene.luck, scene.outcome
    stock = Stock(np.full(world.outlets, float(world.full_lot)), world.longest_days)
    came = np.zeros(world.vehicles, dtype=np.int32)
    one = np.ones(world.vehicles)
    while True:
        today = int(scene.env.now)
        arrived = scene.to_outlets.take(today)
        if arrived is not None:
            for packs, outlet in scene.pieces(arrived):
                scene.note(EventType.COLLECT, packs, actor=outlet + FIRST_OUTLET)
                stock.put(today, packs, outlet, one[: packs.size])
                came[packs] = today
        sent = stock.send(today)
        if sent is not None:
            outcome.lots += np.unique(sent[1]).size
            for packs, outlet in scene.pieces(sent):
                outcome.sent += packs.size
                outcome.outlet_days += today * packs.size - int(came[packs].sum())
                lot = lot_key(outlet, today)
                recycler = luck.recycler(lot)
                scene.note(
                    EventType.SHIP, packs, actor=outlet + FIRST_OUTLET, receiver=recycler + FIRST_RECYCLER
                )
                scene.to_recyclers.add(today + luck.transit_days(lot), packs, recycler)
        yield scene.env.timeout(1)


def recycling(scene: Scene) -> Clock:
    """Receive packs at all recyclers, day by day, and give each its turn."""
    world = scene.world
    work = Workload(np.full(world.recyclers, world.capacity))
    one = np.ones(world.vehicles)
    while True:
        today = int(scene.env.now)
        arrived = scene.to_recyclers.take(today)
        if arrived is not None:
            for packs, recycler in scene.pieces(arrived):
                scene.note(EventType.RECEIVE, packs, actor=recycler + FIRST_RECYCLER)
                waits = work.accept(today, recycler, one[: packs.size])
                seen = waits <= world.last_day - today
                scene.outcome.tested += int(np.count_nonzero(seen))
                scene.outcome.recycler_days += int(waits[seen].sum())
                turn = today + waits[seen]
                scene.served.add(turn // MONTH, packs[seen], recycler[seen], turn)
        yield scene.env.timeout(1)


def writing(scene: Scene) -> Clock:
    """Write each month when it is over, before anything of the next is noted."""
    while True:
        yield scene.env.timeout(MONTH)
        _write(scene, int(scene.env.now) // MONTH - 1)


def _write(scene: Scene, month: int) -> None:
    """Write what was noted, in the order in which a pack meets it, and treat the packs whose turn came in *month*."""
    for event in (EventType.COLLECT, EventType.SHIP, EventType.RECEIVE):
        notes = scene.notes.pop(event, None)
        if notes is not None:
            for packs, actor, receiver, day in scene.pieces(
                tuple(map(np.concatenate, zip(*notes, strict=True)))
            ):
                scene.write(event, packs, actor=actor, receiver=receiver, day=day)
    due = scene.served.take(month)
    if due is not None:
        for part in scene.pieces(due):
            _treat(scene, *part)


def _treat(scene: Scene, packs: Ints, recycler: Ints, turn: Ints) -> None:
    by = recycler + FIRST_RECYCLER
    again = scene.luck.reused(packs.astype(np.uint64))
    scene.write(EventType.TEST, packs, actor=by, day=turn)
    scene.write(EventType.USE_IN_PRODUCT, packs[again], actor=by[again], day=turn[again])
    scene.write(EventType.PROCESS, packs[~again], actor=by[~again], day=turn[~again])


def rows(events: dict[str, npt.NDArray[np.int64]], *names: str) -> npt.NDArray[np.int64]:
    """Return int64[n, k], the named columns of *events*, sorted: two logs of the same rows give the same."""
    table = np.stack([events[name] for name in names], axis=1)
    return table[np.lexsort(table.T[::-1])]
