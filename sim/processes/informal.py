"""Informal workshops: what is sold off becomes e-bike batteries, cheap storage or black mass."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, derived_keys
from sim.contents import Contents, totals
from sim.ledger import Ledger
from sim.lots import Backlog
from sim.practices import Informal
from sim.processes.handover import Channel
from sim.processes.inspection import Inspectors
from sim.processes.recycling import CODES, write_balances
from sim.tables import Columns
from traceability.events import NEVER, Ints
from traceability.vocabulary import Element, EventType, Level, LinkKind, Use


def informal(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    units: Columns,
    contents: Contents,
    channel: Channel,
    practice: Informal,
    inspectors: Inspectors,
    inbox: Backlog,
) -> Generator[simpy.Event, Any, None]:
    """Work off what came in, each quarter at its end, each battery on its day.  Nothing of it is ever reported."""
    workshop = _Workshop(ledger, chance, cast, units, contents, channel, practice, inspectors)
    while True:
        now = int(env.now)
        yield env.timeout(quarters.until_last_minute(now, ledger.last_day))
        lot, by, day = inbox.until(int(quarters.START[quarters.of_day(now) + 1]) - 1)
        if lot.size:
            workshop.work_off(lot, by, day, quarters.of_day(now))
        yield env.timeout(quarters.MINUTE)


class _Workshop:
    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        units: Columns,
        contents: Contents,
        channel: Channel,
        practice: Informal,
        inspectors: Inspectors,
    ) -> None:
        self._ledger, self._chance, self._cast, self._units = ledger, chance, cast, units
        self._contents, self._channel, self._practice = contents, channel, practice
        self._inspectors = inspectors

    def work_off(self, units: Ints, by: Ints, day: Ints, quarter: int) -> None:
        keys = self._units.key[units]
        luck = self._chance.draw("informal.fate", keys)
        e_bike = self._practice.e_bike_share.at(day)
        purpose = np.where(luck < e_bike, int(Use.E_BIKE), int(Use.LOW_SPEED))
        remade = luck < e_bike + np.asarray(self._practice.storage_share.at(day))
        self._remake(units[remade], by[remade], day[remade], purpose[remade])
        self._break(units[~remade], by[~remade], day[~remade], quarter)

    def _remake(self, units: Ints, by: Ints, day: Ints, purpose: Ints) -> None:
        u, write = self._units, self._ledger.write
        keys = u.key[units]
        written = write(EventType.USE_IN_PRODUCT, units, keys, actor=by, day=day, reporter=None)
        if written is not None:
            units, keys, by, day, purpose = (
                units[written],
                keys[written],
                by[written],
                day[written],
                purpose[written],
            )
        if not units.size:
            return
        product = self._ledger.registry.commission(
            Level.PRODUCT,
            coder=by,
            chemistry=u.chemistry[units],
            made_day=day,
            energy_wh=u.energy_wh[units],
            mass_g=u.mass_g[units],
            printed=None,
            code_fault=0,
            rows=units.size,
            purpose=purpose,
        )
        made = derived_keys(keys, "informal.product")
        u.add(
            units.size, key=made, chemistry=u.chemistry[units], mass_g=u.mass_g[units],
            energy_wh=u.energy_wh[units], year=u.year[units], maker=u.maker[units],
            technology=u.technology[units],
        )  # fmt: skip
        self._ledger.registry.link(LinkKind.MADE_FROM, parent=product, child=units, from_day=day)
        write(EventType.REMAKE, product, made, actor=by, day=day, reporter=None)
        sold = day + self._practice.sale_days
        write(EventType.PLACE, product, made, actor=by, day=sold, reporter=None)
        self._inspectors.see_product(product, made, maker=by, day=sold)

    def _break(self, units: Ints, by: Ints, day: Ints, quarter: int) -> None:
        u, ledger, chance = self._units, self._ledger, self._chance
        written = ledger.write(EventType.DISMANTLE, units, u.key[units], actor=by, day=day, reporter=None)
        if written is not None:
            units, by, day = units[written], by[written], day[written]
        if not units.size:
            return
        groups, group = np.unique(by.astype(np.int64) * CODES + u.chemistry[units], return_inverse=True)
        firm, chemistry = groups // CODES, (groups % CODES).astype(np.int8)
        held = totals(self._contents.of(units), group, groups.size)
        # what was broken in a quarter is one lot, closed on its last day
        closed = min(int(quarters.START[quarter + 1]) - 1, ledger.last_day)
        last = np.full(groups.size, closed, dtype=np.int32)
        kept = (held * np.asarray(self._practice.recovery_share.at(last)).reshape(-1, 1)).astype(np.int64)
        # black mass is the powder of the electrodes: foil, case and electrolyte stay behind
        kept[:, [Element.CU, Element.AL, Element.STEEL]] = 0
        kept[:, Element.MASS] = kept[:, 1:].sum(axis=1)
        keys = derived_keys(
            np.uint64(quarter) * np.uint64(1 << 24)
            + firm.astype(np.uint64) * np.uint64(16)
            + chemistry.astype(np.uint64),
            "black mass",
        )
        lots = ledger.registry.commission(
            Level.LOT, coder=firm, chemistry=chemistry, made_day=last, energy_wh=0,
            mass_g=kept[:, Element.MASS], printed=None, code_fault=0, rows=firm.size,
        )  # fmt: skip
        u.add(
            firm.size,
            key=keys,
            chemistry=chemistry,
            mass_g=kept[:, Element.MASS],
            year=quarters.year_offset(quarter),
        )
        for lot, grams in zip(lots.tolist(), kept, strict=True):
            self._contents.book(lot, grams.astype(np.float64))
        ledger.registry.link(LinkKind.MADE_FROM, parent=lots[group], child=units, from_day=last[group])
        ledger.write(EventType.RECOVER, lots, keys, actor=firm, day=last, reporter=None)
        none = np.full(firm.size, NEVER, dtype=np.int64)
        write_balances(ledger, lots, firm, last, held, kept, held - kept, none, happened=True)
        resold = chance.draw("informal.resold", keys) < self._practice.resold_share.at(last)
        self._channel.to_recycler(
            lots[resold], actor=firm[resold], province=self._cast.province[firm[resold]],
            day=last[resold] + self._practice.sale_days, reporter=None,
        )  # fmt: skip
        ledger.write(
            EventType.DISPATCH,
            lots[~resold],
            keys[~resold],
            actor=firm[~resold],
            day=last[~resold] + self._practice.sale_days,
            reporter=None,
        )
