"""Swapping: operators own a pool of packs; vehicles drive with any of them; old ones leave the pool."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, derived_keys, geometric_days, weibull_years
from sim.inputs import Kind
from sim.ledger import Ledger
from sim.lots import Agenda
from sim.market import Holder
from sim.practices import Swap
from sim.processes.fleet import DAYS_A_YEAR, Fleet, Maker
from sim.processes.handover import Channel
from sim.processes.scrapping import Returned
from traceability.events import Ints
from traceability.vocabulary import EventType


def swapping(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    state: Fleet,
    maker: Maker,
    channel: Channel,
    practice: Swap,
    arrivals: Agenda,
    returned: list[Returned],
) -> Generator[simpy.Event, Any, None]:
    """Run the pools quarter by quarter; operators buy what they lack once in each.

    Args:
        arrivals: new swap vehicles by quarter.
        returned: packs that came back from scrapped vehicles, with the kind of each vehicle; emptied here.
    """
    stations = _Stations(ledger, chance, cast, state, maker, channel, practice)
    while True:
        now = int(env.now)
        quarter = quarters.of_day(now)
        due = arrivals.take(quarter)
        stations.run(quarter, now, due[0] if due is not None else np.empty(0, dtype=np.int64), returned)
        returned.clear()
        yield env.timeout(quarters.until_next(now))


class _Stations:
    """The pools, one for each kind of vehicle, and the swap vehicles that use them."""

    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        state: Fleet,
        maker: Maker,
        channel: Channel,
        practice: Swap,
    ) -> None:
        self._ledger, self._chance, self._cast, self._state = ledger, chance, cast, state
        self._maker, self._channel, self._practice = maker, channel, practice
        self._active = np.zeros(len(Kind), dtype=np.int64)
        self._appointments, self._leaving = Agenda(1), Agenda(1)
        self._pool = {kind: np.empty(0, dtype=np.int64) for kind in Kind}
        self._bought = 0

    def run(self, quarter: int, now: int, arrived: Ints, returned: list[Returned]) -> None:
        v = self._state.vehicles
        self._appoint(arrived, quarter - 1, now)
        np.add.at(self._active, v.kind[arrived], 1)
        gone = self._leaving.take(quarter)
        if gone is not None:
            np.subtract.at(self._active, v.kind[gone[0]], 1)
        leaves = v.exit_day[arrived] <= self._ledger.last_day
        out = np.maximum(quarters.of_days(v.exit_day[arrived[leaves]]), quarter + 1)
        self._leaving.add(out, arrived[leaves])
        for packs, kinds in returned:
            for kind in Kind:
                self._pool[kind] = np.concatenate([self._pool[kind], packs[kinds == kind]])
        due = self._appointments.take(quarter)
        if due is not None:
            # whoever leaves the road this quarter exchanges no more
            stays = due[0][v.exit_day[due[0]] >= quarters.START[quarter + 1]]
            for kind in Kind:
                self._exchange(stays[v.kind[stays] == kind], kind, quarter)
            self._appoint(stays, quarter, now)
        for kind in Kind:
            if self._active[kind] or self._pool[kind].size:
                self._retire_old(kind, quarter, now)
                self._buy(kind, int(self._active[kind]), quarter, now)

    def _appoint(self, vehicles: Ints, quarter: int, now: int) -> None:
        """Say when each vehicle exchanges next: after so many whole quarters, geometrically."""
        if not vehicles.size:
            return
        a_quarter = min(self._practice.exchanges_per_year.on(now) / 4, 1.0)
        if a_quarter <= 0:
            return
        luck = self._chance.draw(f"swap.{quarter}", self._state.vehicles.key[vehicles])
        due = quarter + 1 + geometric_days(luck, 1.0 / a_quarter - 1.0)
        within = due <= quarters.of_day(self._ledger.last_day)
        self._appointments.add(due[within], vehicles[within])

    def _operator(self, units: Ints) -> Ints:
        keys = self._state.units.key[units]
        return self._cast.operators[(keys % np.uint64(self._cast.operators.size)).astype(np.int64)]

    def _exchange(self, vehicles: Ints, kind: Kind, quarter: int) -> None:
        v, pool = self._state.vehicles, self._pool[kind]
        start, end = int(quarters.START[quarter]), int(quarters.START[quarter + 1])
        vehicles = vehicles[: pool.size]
        if not vehicles.size:
            return
        keys = v.key[vehicles]
        day = start + (self._chance.draw(f"swap.day.{quarter}", keys) * (end - start)).astype(np.int32)
        out, into = v.unit[vehicles].astype(np.int64), pool[: vehicles.size]
        by = self._operator(into)
        write = self._ledger.write
        write(EventType.SWAP_OUT, out, keys, actor=by, vehicles=vehicles, day=day, reporter="swap_operators")
        write(EventType.SWAP_IN, into, keys, actor=by, vehicles=vehicles, day=day, reporter="swap_operators")
        v.unit[vehicles] = into
        self._pool[kind] = np.concatenate([pool[vehicles.size :], out])

    def _retire_old(self, kind: Kind, quarter: int, now: int) -> None:
        pool, units, rule = self._pool[kind], self._state.units, self._practice
        keys = units.key[pool]
        years = weibull_years(
            self._chance.draw("swap.pack_life", keys), rule.pack_shape, rule.pack_scale_years
        )
        # a pack wears as fast as its cycle life is short
        years /= self._maker.technologies.wear[units.technology[pool]]
        made = quarters.START[units.year[pool].astype(np.int64) * 4 + 2]
        old = made + years * DAYS_A_YEAR < now
        if not old.any():
            return
        packs, keys = pool[old], keys[old]
        self._pool[kind] = pool[~old]
        by = self._operator(packs)
        day = np.full(packs.size, int(quarters.START[quarter + 1]) - 1, dtype=np.int32)
        left = self._ledger.write(EventType.RETIRE, packs, keys, actor=by, day=day, reporter="swap_operators")
        if left is not None:
            packs, keys, by, day = packs[left], keys[left], by[left], day[left]
        province = (self._chance.draw("swap.province", keys) * 31).astype(np.int64) + 1
        leaves = (
            day
            + 1
            + geometric_days(self._chance.draw("swap.storage", keys), self._practice.storage_days.at(day))
        )
        lawful = self._channel.lawful(Holder.OPERATOR, packs, leaves, province)
        for rows, way in ((lawful, self._channel.to_outlet), (~lawful, self._channel.divert)):
            way(
                packs[rows],
                actor=by[rows],
                province=province[rows],
                day=leaves[rows],
                reporter="swap_operators",
            )

    def _buy(self, kind: Kind, vehicles: int, quarter: int, now: int) -> None:
        lacking = int(np.ceil(self._practice.pool_share.on(now) * vehicles)) - self._pool[kind].size
        if lacking <= 0:
            return
        numbers = np.arange(self._bought, self._bought + lacking, dtype=np.uint64)
        self._bought += lacking
        keys = derived_keys(numbers, "swap.bought")
        made = np.full(
            lacking, max(int(quarters.START[quarter]) - 20, int(quarters.START[0])), dtype=np.int32
        )
        packs = self._maker.make(keys, kind=np.full(lacking, int(kind)), quarter=quarter, made_day=made)
        by = self._operator(packs)
        coder = self._maker.coder_of(packs)
        self._ledger.write(
            EventType.DELIVER, packs, keys, actor=coder, receiver=by, day=made + 10, reporter="battery_makers"
        )
        self._ledger.write(EventType.KEEP, packs, keys, actor=by, day=made + 12, reporter="swap_operators")
        self._pool[kind] = np.concatenate([self._pool[kind], packs])
