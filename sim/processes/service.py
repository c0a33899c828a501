"""Service: packs that fail are replaced by repair firms; some are repaired and serve again as spares."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, derived_keys, geometric_days
from sim.ledger import Ledger
from sim.market import Holder
from sim.practices import Replacement
from sim.processes.fleet import Fleet, Maker
from sim.processes.handover import Channel
from traceability.events import Ints
from traceability.vocabulary import EventType


def service(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    state: Fleet,
    maker: Maker,
    channel: Channel,
    practice: Replacement,
) -> Generator[simpy.Event, Any, None]:
    """Replace each quarter's failed packs."""
    spares: dict[int, Ints] = {}
    while True:
        now = int(env.now)
        quarter = quarters.of_day(now)
        due = state.failures.take(quarter)
        if due is not None:
            _replace(due[0], due[1], quarter, spares, ledger, chance, cast, state, maker, channel, practice)
        yield env.timeout(quarters.until_next(now))


def _replace(
    vehicles: Ints,
    day: Ints,
    quarter: int,
    spares: dict[int, Ints],
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    state: Fleet,
    maker: Maker,
    channel: Channel,
    practice: Replacement,
) -> None:
    v = state.vehicles
    keys, kind, province = v.key[vehicles], v.kind[vehicles], v.province[vehicles].astype(np.int64)
    old = v.unit[vehicles].astype(np.int64)
    firm = cast.pick(cast.repairers, chance.draw("service.firm", keys), province)
    ledger.write(EventType.REMOVE, old, keys, actor=firm, vehicles=vehicles, day=day, reporter="repair_firms")

    fitted = _from_spares(kind, spares)
    needed = np.flatnonzero(fitted < 0)
    if needed.size:
        fresh = maker.make(
            derived_keys(keys[needed], "replacement"),
            kind=kind[needed],
            quarter=quarter,
            made_day=day[needed] - 15,
        )
        coder = maker.coder_of(fresh)
        fitted[needed] = fresh
        ledger.write(
            EventType.DELIVER, fresh, keys[needed], actor=coder, receiver=firm[needed], day=day[needed] - 1,
            reporter="battery_makers",
        )  # fmt: skip
    ledger.write(
        EventType.INSTALL, fitted, keys, actor=firm, vehicles=vehicles, day=day, reporter="repair_firms"
    )
    v.unit[vehicles] = fitted

    repaired = np.asarray(practice.refurbished_share.at(day))
    dearness = maker.technologies.dearness[state.units.technology[old]]
    # who pays three times as much for a new pack has three tries at a repair (assumed)
    repaired = np.where(dearness != 1.0, 1.0 - (1.0 - repaired) ** dearness, repaired)
    kept = chance.draw("service.refurbished", keys) < repaired
    # repaired within the quarter: a spare of an earlier quarter can be fitted on any day of this one
    back = np.minimum(day + practice.repair_days, int(quarters.START[quarter + 1]) - 1)
    ledger.write(
        EventType.KEEP, old[kept], keys[kept], actor=firm[kept], day=back[kept], reporter="repair_firms"
    )
    for each in np.unique(kind[kept]).tolist():
        more = old[kept & (kind == each)]
        spares[each] = np.concatenate([spares.get(each, np.empty(0, dtype=np.int64)), more])

    gone = ~kept
    units, firm, province, day = old[gone], firm[gone], province[gone], day[gone]
    luck = state.units.key[units]
    ledger.write(EventType.RETIRE, units, luck, actor=firm, day=day, reporter="repair_firms")
    leaves = day + 1 + geometric_days(chance.draw("service.storage", luck), practice.storage_days.at(day))
    lawful = channel.lawful(Holder.REPAIRER, units, leaves, province)
    for rows, way in ((lawful, channel.to_outlet), (~lawful, channel.divert)):
        way(units[rows], actor=firm[rows], province=province[rows], day=leaves[rows], reporter="repair_firms")


def _from_spares(kind: Ints, spares: dict[int, Ints]) -> Ints:
    """Return int64[n], a spare pack of the right kind for each vehicle as long as there are any, else -1."""
    fitted = np.full(kind.size, -1, dtype=np.int64)
    for each, stock in spares.items():
        wanted = np.flatnonzero(kind == each)[: stock.size]
        fitted[wanted] = stock[: wanted.size]
        spares[each] = stock[wanted.size :]
    return fitted
