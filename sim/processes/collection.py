"""Collection: outlets take used batteries in and ship a lot when their store is full or the oldest has waited long enough."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.cast import Cast
from sim.ledger import Ledger
from sim.lots import Agenda
from sim.market import Holder
from sim.practices import Collection
from sim.processes.handover import Channel
from sim.tables import Columns
from traceability.events import Ints
from traceability.vocabulary import EventType

_NOTHING = 2**62  # the oldest day of an empty store: it never comes


class Store:
    """What many facilities hold, and which of them have reached a limit: arrays over facilities, one step a day.

    Args:
        limit: float64[f], amount at which a facility sends off all it holds.
        longest_days: stay of the oldest at which it does so too.
    """

    def __init__(self, limit: npt.NDArray[np.float64], longest_days: int) -> None:
        self._limit, self._longest = limit, longest_days
        self._held = np.zeros(limit.size)
        self._oldest = np.full(limit.size, _NOTHING)
        self._units: list[Ints] = []
        self._place: list[Ints] = []

    def put(self, day: int, units: Ints, place: Ints, amount: npt.NDArray[np.float64]) -> None:
        """Take *units* in on *day*, each at its facility (0, 1, …), each of some amount."""
        self._held += np.bincount(place, weights=amount, minlength=self._held.size)
        self._oldest[place] = np.minimum(self._oldest[place], day)
        self._units.append(units)
        self._place.append(place)

    def send(self, day: int) -> tuple[Ints, Ints] | None:
        """Return (units, facility) of all that leave on *day*, sorted by facility, or None where none do."""
        due = self._held >= self._limit
        due |= self._oldest <= day - self._longest
        if not due.any():
            return None
        units, place = np.concatenate(self._units), np.concatenate(self._place)
        leaves = due[place]
        stays = ~leaves
        self._units, self._place = [units[stays]], [place[stays]]
        units, place = units[leaves], place[leaves]
        self._held[due] = 0.0
        self._oldest[due] = _NOTHING
        order = np.argsort(place, kind="stable")
        return units[order], place[order]


def collection(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    cast: Cast,
    units: Columns,
    channel: Channel,
    practice: Collection,
    inbox: Agenda,
    scale: int,
) -> Generator[simpy.Event, Any, None]:
    """Run all outlets, a quarter at a time and day by day within it.

    All that comes to outlets in a quarter was sent off by the time it begins, so its days can be gone through
    at once, and what is decided about each lot is decided for all lots together, each on its day.

    An outlet that stands for m real ones at a scale of s holds m / s times the limit of one, in simulated
    tonnes: it fills as often as each of those that it stands for.
    """
    outlets = cast.outlets
    first = int(outlets[0])
    limit = practice.storage_limit_t * 1e6 * cast.stands_for[outlets] / scale
    store = Store(limit, practice.waiting_limit_days)
    while True:
        now = int(env.now)
        came, sent = _Days(), _Days()
        for today in range(now, now + quarters.until_next(now)):
            arrived = inbox.take(today)
            if arrived is not None:
                packs, outlet = arrived
                came.add(today, packs, outlet)
                store.put(today, packs, outlet - first, units.mass_g[packs].astype(np.float64))
            leaves = store.send(today)
            if leaves is not None:
                sent.add(today, leaves[0], leaves[1] + first)
        packs, outlet, day = came.together()
        if packs.size:
            ledger.write(
                EventType.COLLECT, packs, units.key[packs], actor=outlet, day=day, reporter="outlets"
            )
        packs, outlet, day = sent.together()
        if packs.size:
            _send(packs, outlet, day, cast, channel)
        yield env.timeout(quarters.until_next(now))


class _Days:
    """What happened on the days of a quarter: (units, outlets) of each."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints]] = []
        self._days: list[int] = []

    def add(self, day: int, units: Ints, outlet: Ints) -> None:
        self._parts.append((units, outlet))
        self._days.append(day)

    def together(self) -> tuple[Ints, Ints, Ints]:
        if not self._parts:
            none = np.empty(0, dtype=np.int64)
            return none, none, none
        units, outlet = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        day = np.repeat(np.array(self._days, dtype=np.int32), [part[0].size for part in self._parts])
        return units, outlet, day


def _send(packs: Ints, outlet: Ints, day: Ints, cast: Cast, channel: Channel) -> None:
    province = cast.province[outlet]
    lawful = channel.lawful(Holder.OUTLET, packs, day, province)
    off = ~lawful
    channel.divert(packs[off], actor=outlet[off], province=province[off], day=day[off], reporter="outlets")
    packs, outlet, province, day = packs[lawful], outlet[lawful], province[lawful], day[lawful]
    if packs.size:
        # all that leaves one outlet on one day is one lot, on one truck, to one recycler
        starts = (outlet[1:] != outlet[:-1]) | (day[1:] != day[:-1])
        first = np.flatnonzero(np.concatenate([[True], starts]))
        lot = np.repeat(packs[first], np.diff(np.concatenate([first, [packs.size]])))
        channel.to_recycler(packs, actor=outlet, province=province, day=day, reporter="outlets", lot=lot)
