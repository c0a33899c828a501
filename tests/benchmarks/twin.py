"""The reference workload in plain SimPy: a process per vehicle, as a SimPy user would write it.

The oracle of the lot engine, and what it is measured against.  Nothing of the engine is used but the figures
and the luck of the world, drawn for all vehicles beforehand, and the table of what can follow what.  Trucks
leave in the evening (half a day later), so that what comes on a day leaves with it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

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
from traceability.lifecycle import TRANSITIONS
from traceability.vocabulary import EventType, Level, State

Clock = Generator[simpy.Event, Any, None]
EVENING = 0.5


@dataclass(slots=True)
class Event:
    """One row of the log; None where a column says nothing.  Days are whole (SimPy's clock may be a float)."""

    event: EventType
    unit: int
    vehicle: int | None
    actor: int
    receiver: int | None
    event_day: float
    record_day: float


class Log:
    """A list of events, each checked against the table of transitions."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._after = {event: _after(Level.PACK, event) for event in EventType}
        self._vehicle_after = {event: _after(Level.VEHICLE, event) for event in EventType}

    def pack(
        self,
        state: State,
        event: EventType,
        unit: int,
        actor: int,
        day: float,
        receiver: int | None = None,
        vehicle: int | None = None,
    ) -> State:
        """Write what happened to a pack, and return where it stands then; KeyError where it cannot happen."""
        after = self._after[event][state]
        self.events.append(Event(event, unit, vehicle, actor, receiver, day, day))
        return after

    def vehicle(
        self, state: State, event: EventType, unit: int, actor: int, day: float, vehicle: int
    ) -> State:
        """Write what happened to a vehicle, and return where it stands then; KeyError where it cannot happen."""
        after = self._vehicle_after[event][state]
        self.events.append(Event(event, unit, vehicle, actor, None, day, day))
        return after


def _after(level: Level, event: EventType) -> dict[State, State]:
    return {before: after for (before, what), after in TRANSITIONS[level].items() if what is event}


class Lot:
    """Packs that wait together at an outlet, leave together, and arrive together."""

    __slots__ = ("arrived", "full", "left", "recycler", "size")

    def __init__(self, env: simpy.Environment) -> None:
        self.size = 0
        self.recycler = -1
        self.full, self.left, self.arrived = env.event(), env.event(), env.event()


class Twin:
    """A world with a process per vehicle, a process per lot, and a resource per recycler."""

    def __init__(self, world: World) -> None:
        self.world, self.env, self.log, self.outcome = world, simpy.Environment(), Log(), Outcome()
        self._luck = luck = Luck(world)
        keys = np.arange(world.vehicles, dtype=np.uint64)
        self.coded = world.coded_day().tolist()
        self.assembly, self.sale = luck.assembly_days(keys).tolist(), luck.sale_days(keys).tolist()
        self.life, self.transit = luck.life_days(keys).tolist(), luck.transit_days(keys).tolist()
        self.supplied, self.diverted = luck.supplied(keys).tolist(), luck.diverted(keys).tolist()
        self.outlet, self.reused = luck.outlet(keys).tolist(), luck.reused(keys).tolist()
        self.gathering: list[Lot | None] = [None] * world.outlets
        self.recyclers = [simpy.Resource(self.env) for _ in range(world.recyclers)]
        self.service_days = 1.0 / world.capacity

    def run(self) -> Outcome:
        """Return what the world comes to; its events are in `log.events`."""
        self.env.process(self.making())
        self.env.run(until=self.world.last_day + 1)
        self.outcome.events = len(self.log.events)
        return self.outcome

    def making(self) -> Clock:
        """Start a process for every vehicle, on the day on which its pack is made."""
        env = self.env
        for number, day in enumerate(self.coded):
            if day > env.now:
                yield env.timeout(day - env.now)
            env.process(self.vehicle(number))

    def vehicle(self, number: int) -> Clock:
        """Live the life of one vehicle and its pack, which have the same number."""
        env, log, outcome = self.env, self.log, self.outcome
        stands = log.pack(State.UNREGISTERED, EventType.CODE, number, BATTERY_MAKER, env.now)
        yield env.timeout(self.assembly[number])
        if self.supplied[number]:
            stands = log.pack(stands, EventType.DELIVER, number, BATTERY_MAKER, env.now, VEHICLE_MAKER)
        stands = log.pack(stands, EventType.INSTALL, number, VEHICLE_MAKER, env.now, None, number)
        yield env.timeout(self.sale[number])
        car = log.vehicle(State.UNREGISTERED, EventType.CERTIFY, number, VEHICLE_MAKER, env.now, number)
        log.vehicle(car, EventType.SELL, number, VEHICLE_MAKER, env.now, number)

        yield env.timeout(self.life[number])
        stands = log.pack(stands, EventType.DISMOUNT, number, DISMANTLER, env.now, None, number)
        if self.diverted[number]:
            log.pack(stands, EventType.DIVERT, number, DISMANTLER, env.now, WORKSHOP)
            return
        place = self.outlet[number]
        outlet = FIRST_OUTLET + place
        stands = log.pack(stands, EventType.SHIP, number, DISMANTLER, env.now, outlet)
        yield env.timeout(self.transit[number])

        came = int(env.now)
        stands = log.pack(stands, EventType.COLLECT, number, outlet, came)
        lot = self.join(place)
        yield lot.left
        day = int(env.now)
        outcome.sent += 1
        outcome.outlet_days += day - came
        recycler = FIRST_RECYCLER + lot.recycler
        stands = log.pack(stands, EventType.SHIP, number, outlet, day, recycler)
        yield lot.arrived

        received = int(env.now)
        stands = log.pack(stands, EventType.RECEIVE, number, recycler, received)
        with self.recyclers[lot.recycler].request() as turn:
            yield turn
            day = int(env.now + 1e-9)
            outcome.tested += 1
            outcome.recycler_days += day - received
            stands = log.pack(stands, EventType.TEST, number, recycler, day)
            last = EventType.USE_IN_PRODUCT if self.reused[number] else EventType.PROCESS
            log.pack(stands, last, number, recycler, day)
            yield env.timeout(self.service_days)

    def join(self, outlet: int) -> Lot:
        """Return the lot that gathers at *outlet*, one pack larger."""
        lot = self.gathering[outlet]
        if lot is None:
            lot = self.gathering[outlet] = Lot(self.env)
            self.env.process(self.lot(lot, outlet))
        lot.size += 1
        if lot.size == self.world.full_lot:
            lot.full.succeed()
        return lot

    def lot(self, lot: Lot, outlet: int) -> Clock:
        """Wait until *lot* is full or has waited long enough, and carry it to a recycler."""
        env = self.env
        yield lot.full | env.timeout(self.world.longest_days)
        yield env.timeout(EVENING)
        self.gathering[outlet] = None
        self.outcome.lots += 1
        key = lot_key(np.array([outlet]), int(env.now))
        lot.recycler = int(self._luck.recycler(key)[0])
        lot.left.succeed()
        yield env.timeout(int(self._luck.transit_days(key)[0]) - EVENING)
        lot.arrived.succeed()
