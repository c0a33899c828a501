"""Collection: outlets take used batteries in and ship a lot when their store is full or the oldest has waited long enough."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim.cast import Cast
from sim.ledger import Ledger
from sim.lots import Agenda
from sim.market import Holder
from sim.processes.handover import Channel
from sim.scenario import Collection
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
    """Run all outlets, day by day.

    An outlet that stands for m real ones at a scale of s holds m / s times the limit of one, in simulated
    tonnes: it fills as often as each of those that it stands for.
    """
    outlets = cast.outlets
    first = int(outlets[0])
    limit = practice.storage_limit_t * 1e6 * cast.stands_for[outlets] / scale
    store = Store(limit, practice.waiting_limit_days)
    while True:
        today = int(env.now)
        arrived = inbox.take(today)
        if arrived is not None:
            packs, outlet = arrived
            ledger.note(EventType.COLLECT, packs, actor=outlet, day=today, reporter="outlets")
            store.put(today, packs, outlet - first, units.mass_g[packs].astype(np.float64))
        sent = store.send(today)
        if sent is not None:
            _send(sent[0], sent[1] + first, today, cast, channel)
        yield env.timeout(1)


def _send(packs: Ints, outlet: Ints, today: int, cast: Cast, channel: Channel) -> None:
    province = cast.province[outlet]
    lawful = channel.lawful(Holder.OUTLET, packs, np.full(packs.size, today))
    if not lawful.all():
        off = ~lawful
        channel.divert(packs[off], actor=outlet[off], province=province[off], day=today, reporter="outlets")
        packs, outlet, province = packs[lawful], outlet[lawful], province[lawful]
    if packs.size:
        # all that leaves one outlet on one day is one lot, on one truck, to one recycler
        first = np.flatnonzero(np.concatenate([[True], outlet[1:] != outlet[:-1]]))
        lot = np.repeat(packs[first], np.diff(np.concatenate([first, [packs.size]])))
        channel.to_recycler(packs, actor=outlet, province=province, day=today, reporter="outlets", lot=lot)
