"""Scrapping: vehicles leave the fleet, with their battery or without, and dismantlers take the packs out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, geometric_days
from sim.incentives import Enforcement
from sim.ledger import Ledger
from sim.market import Holder
from sim.practices import Life, Scrapping
from sim.processes.fleet import Fleet
from sim.processes.handover import Channel
from traceability.events import NULL, Ints
from traceability.vocabulary import EventType

Mask = npt.NDArray[np.bool_]
Returned: TypeAlias = tuple[Ints, Ints]
"""Packs that go back to a swap pool, and the kind of the vehicle that each was in."""

NO_PACK = -1


def scrapping(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    state: Fleet,
    channel: Channel,
    life: Life,
    practice: Scrapping,
    enforcement: Enforcement,
    pool: list[Returned],
) -> Generator[simpy.Event, Any, None]:
    """Take each quarter's vehicles off the road and send their packs on their way.

    Args:
        pool: where the packs of scrapped swap vehicles go back to.
    """
    yard = _Yard(ledger, chance, cast, state, channel, practice, enforcement)
    while True:
        now = int(env.now)
        due = state.exits.take(quarters.of_day(now))
        if due is not None:
            (vehicles,) = due
            yard.take_in(vehicles, life, pool)
        yield env.timeout(quarters.until_next(now))


class _Yard:
    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        state: Fleet,
        channel: Channel,
        practice: Scrapping,
        enforcement: Enforcement,
    ) -> None:
        self._ledger, self._chance, self._cast, self._state = ledger, chance, cast, state
        self._channel, self._practice, self._enforcement = channel, practice, enforcement

    def take_in(self, vehicles: Ints, life: Life, pool: list[Returned]) -> None:
        v, ledger = self._state.vehicles, self._ledger
        keys, packs, day = v.key[vehicles], v.unit[vehicles].astype(np.int64), v.exit_day[vehicles]
        swapped = v.swap[vehicles]
        luck = self._chance.draw("vehicle.cause", keys)
        exported = luck < life.export_share.at(day)
        crashed = ~exported & (luck > 1.0 - life.accident_share.at(day))
        burnt = crashed & (self._chance.draw("vehicle.burnt", keys) < life.burnt_share.at(day)) & ~swapped
        owner = self._cast.owners[v.province[vehicles].astype(np.int64) - 1]
        ledger.write(
            EventType.EXPORT, packs[exported], keys[exported], actor=self._cast.exporter,
            vehicles=vehicles[exported], day=day[exported], reporter=None,
        )  # fmt: skip
        ledger.write(
            EventType.LOSE, packs[burnt], keys[burnt], actor=owner[burnt], vehicles=vehicles[burnt],
            day=day[burnt], reporter=None,
        )  # fmt: skip
        back = swapped & ~exported
        operator = self._cast.operators[(keys[back] % np.uint64(self._cast.operators.size)).astype(np.int64)]
        ledger.write(
            EventType.SWAP_OUT, packs[back], keys[back], actor=operator, vehicles=vehicles[back],
            day=day[back], reporter="swap_operators",
        )  # fmt: skip
        pool.append((packs[back], v.kind[vehicles[back]]))
        theirs = np.flatnonzero(~exported & ~burnt & ~swapped)
        lawful = np.zeros(vehicles.size, dtype=bool)
        lawful[theirs] = self._channel.lawful(
            Holder.OWNER, packs[theirs], day[theirs], v.province[vehicles[theirs]].astype(np.int64)
        )
        sold_off = ~exported & ~burnt & ~swapped & ~lawful
        self._channel.divert(
            packs[sold_off], actor=owner[sold_off], province=v.province[vehicles[sold_off]].astype(np.int64),
            day=day[sold_off], reporter=None, vehicles=vehicles[sold_off],
        )  # fmt: skip
        v.unit[vehicles[exported | burnt | back | sold_off]] = NO_PACK
        # a swap vehicle comes without its battery, which is the operator's
        without = sold_off | burnt | (back & (np.asarray(self._enforcement.swap_exempt.at(day)) < 1))
        turned_away = without & self._turned_away(keys, day)
        self._deliver(vehicles[~exported & ~turned_away])

    def _turned_away(self, keys: npt.NDArray[np.uint64], day: Ints) -> Mask:
        rule = self._enforcement
        share = np.asarray(rule.integrated_scrapping.at(day)) * rule.refused_share.at(day)
        return self._chance.draw("scrapping.refused", keys) < share

    def _deliver(self, vehicles: Ints) -> None:
        """Receive vehicles, give their certificates, take the packs out and send them on."""
        v, write, chance, practice = self._state.vehicles, self._ledger.write, self._chance, self._practice
        keys, packs, arrived = v.key[vehicles], v.unit[vehicles].astype(np.int64), v.exit_day[vehicles]
        province = v.province[vehicles].astype(np.int64)
        firm = self._cast.pick(self._cast.dismantlers, chance.draw("scrapping.firm", keys), province)
        shown = np.where(packs == NO_PACK, NULL, packs)
        write(
            EventType.RECEIVE_VEHICLE,
            shown,
            keys,
            actor=firm,
            vehicles=vehicles,
            day=arrived,
            reporter="dismantlers",
        )
        certified = arrived + geometric_days(
            chance.draw("scrapping.certificate", keys), practice.certificate_days.at(arrived)
        )
        write(
            EventType.ISSUE_CERTIFICATE,
            shown,
            keys,
            actor=firm,
            vehicles=vehicles,
            day=certified,
            reporter="dismantlers",
        )
        full = np.flatnonzero(packs != NO_PACK)
        packs, keys, firm, province = (
            packs[full],
            self._state.units.key[packs[full]],
            firm[full],
            province[full],
        )
        out = certified[full] + geometric_days(
            chance.draw("scrapping.dismount", keys), practice.dismount_days.at(certified[full])
        )
        left = write(
            EventType.DISMOUNT,
            packs,
            keys,
            actor=firm,
            vehicles=vehicles[full],
            day=out,
            reporter="dismantlers",
        )
        v.unit[vehicles[full]] = NO_PACK
        if left is not None:
            packs, keys, firm, province, out = packs[left], keys[left], firm[left], province[left], out[left]
        leaves = out + geometric_days(chance.draw("scrapping.storage", keys), practice.storage_days.at(out))
        lawful = self._channel.lawful(Holder.DISMANTLER, packs, leaves, province)
        direct = lawful & (chance.draw("scrapping.direct", keys) < practice.direct_share.at(leaves))
        for rows, way in (
            (~lawful, self._channel.divert),
            (direct, self._channel.to_recycler),
            (lawful & ~direct, self._channel.to_outlet),
        ):
            way(
                packs[rows],
                actor=firm[rows],
                province=province[rows],
                day=leaves[rows],
                reporter="dismantlers",
            )
