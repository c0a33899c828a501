"""Recycling: used batteries arrive, wait their turn, and become products or materials."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, Floats, derived_keys, geometric_days
from sim.contents import Contents, totals
from sim.habits import Falsehood
from sim.inputs import FIRST_YEAR, Inputs, Practice
from sim.ledger import Ledger
from sim.lots import Agenda, Backlog, Workload
from sim.practices import Recycling
from sim.processes.inspection import Inspectors
from sim.processes.remaking import Remaking
from sim.tables import Columns
from traceability.events import NEVER, Ints
from traceability.vocabulary import Chemistry, Element, EventType, Level, LinkKind

Mask = npt.NDArray[np.bool_]

DAYS_A_YEAR = 365
CODES = max(Chemistry) + 1
"""Numbers that a chemistry may have, from 0 on: a firm and a chemistry make one number by it."""


def intake(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    inputs: Inputs,
    cast: Cast,
    units: Columns,
    practice: Recycling,
    inbox: Agenda,
    served: Backlog,
    scale: int,
) -> Generator[simpy.Event, Any, None]:
    """Receive what carriers bring, day by day, and give each battery its turn.

    Args:
        inbox: (unit, recycler) by day.
        served: (unit, recycler, day of treatment); filled here.
    """
    first = int(cast.recyclers[0])
    share = cast.capacity_t[cast.recyclers] / cast.capacity_t[cast.recyclers].sum()
    work = Workload(np.ones(share.size))
    quarter = -1
    while True:
        today = int(env.now)
        if quarters.of_day(today) != quarter:
            quarter = quarters.of_day(today)
            nominal_t = inputs.capacity_t[quarters.year_offset(quarter)] * cast.recycler_factor
            yearly_t = nominal_t * practice.capacity_share.on(today) * share
            work.capacity = np.maximum(yearly_t / DAYS_A_YEAR / scale * 1e6, 1.0)
        arrived = inbox.take(today)
        if arrived is not None:
            lot, recycler = arrived
            ledger.note(EventType.RECEIVE, lot, actor=recycler, day=today, reporter="recyclers")
            waits = work.accept(today, recycler - first, units.mass_g[lot].astype(np.float64))
            served.put(lot, recycler, today + 1 + waits)
        yield env.timeout(1)


def recycling(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    inputs: Inputs,
    cast: Cast,
    units: Columns,
    contents: Contents,
    practice: Recycling,
    falsehood: Falsehood,
    served: Backlog,
    remaking: Remaking,
    inspectors: Inspectors,
    lapse_year: Ints,
) -> Generator[simpy.Event, Any, None]:
    """Treat what had its turn, each quarter at its end, each battery on its day: remake the good, recover the rest.

    Args:
        lapse_year: int[recyclers], the year in which each lacks a permit; 0: it never does.
    """
    books = Books(ledger, chance, inputs, cast, contents, units, practice, falsehood)
    while True:
        now = int(env.now)
        yield env.timeout(quarters.until_last_minute(now, ledger.last_day))
        quarter = quarters.of_day(now)
        lot, recycler, day = served.until(int(quarters.START[quarter + 1]) - 1)
        if lot.size:
            rest = remaking.take(lot, recycler, day)
            firms, false = books.treat(lot[rest], recycler[rest], day[rest], quarter)
            lapsed = lapse_year[firms - int(cast.recyclers[0])] == FIRST_YEAR + quarters.year_offset(quarter)
            closed = min(int(quarters.START[quarter + 1]) - 1, ledger.last_day)
            inspectors.see_books(firms, false | lapsed, closed)
        yield env.timeout(quarters.MINUTE)


class Books:
    """Turns batteries into material lots, and keeps the true and the reported balance of each."""

    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        inputs: Inputs,
        cast: Cast,
        contents: Contents,
        units: Columns,
        practice: Recycling,
        falsehood: Falsehood,
    ) -> None:
        self._ledger, self._chance, self._cast = ledger, chance, cast
        self._contents, self._units, self._practice = contents, units, practice
        self._falsehood, self._shares = falsehood, inputs.recovery_share
        firms = np.arange(cast.role.size, dtype=np.uint64)
        self._skill = chance.draw("recycling.practice", firms)
        self._vanity = chance.draw("recycling.flatters", firms)

    def _recovery(self, by: Ints, day: Ints) -> Floats:
        """Return float64[n, element], what each firm recovers of what it treats, as it works on that day."""
        skill, practice = self._skill[by], self._practice
        how = np.where(skill < practice.poor_share.at(day), Practice.POOR, Practice.TYPICAL)
        how = np.where(skill > 1 - np.asarray(practice.good_share.at(day)), Practice.GOOD, how)
        return self._shares[how]

    def treat(self, units: Ints, recycler: Ints, day: Ints, quarter: int) -> tuple[Ints, Mask]:
        """Process *units*, each on its day, and make one material lot per recycler, chemistry and quarter.

        Returns:
            int64[f], the firms that made any, each once; bool[f], whether a balance in its books is false.
        """
        if not units.size:
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
        u, ledger = self._units, self._ledger
        keys = u.key[units]
        ledger.write(EventType.PROCESS, units, keys, actor=recycler, day=day, reporter="recyclers")
        group_of = recycler.astype(np.int64) * CODES + u.chemistry[units]
        groups, group = np.unique(group_of, return_inverse=True)
        by = groups // CODES
        held = totals(self._contents.of(units), group, groups.size)
        last = np.zeros(groups.size, dtype=np.int32)
        np.maximum.at(last, group, day)
        false = self._lots(units, group, by, (groups % CODES).astype(np.int8), held, last, quarter)
        firms = np.unique(by)
        return firms, np.isin(firms, by[false])

    def _lots(
        self,
        units: Ints,
        group: npt.NDArray[np.intp],
        by: Ints,
        chemistry: Ints,
        held: npt.NDArray[np.int64],
        day: Ints,
        quarter: int,
    ) -> Mask:
        ledger = self._ledger
        recovered = (held * self._recovery(by, day)).astype(np.int64)
        recovered[:, Element.MASS] = recovered[:, 1:].sum(axis=1)
        keys = derived_keys(
            np.uint64(quarter) * np.uint64(1 << 24)
            + by.astype(np.uint64) * np.uint64(16)
            + chemistry.astype(np.uint64),
            "lot",
        )
        lots = ledger.registry.commission(
            Level.LOT, coder=by, chemistry=chemistry, made_day=day, energy_wh=0,
            mass_g=recovered[:, Element.MASS], printed=None, code_fault=0, rows=by.size,
        )  # fmt: skip
        self._units.add(
            by.size,
            key=keys,
            chemistry=chemistry,
            mass_g=recovered[:, Element.MASS],
            year=quarters.year_offset(quarter),
        )
        told = np.broadcast_to(np.asarray(ledger.told("balance", keys, by, day, "recyclers")), by.shape)
        ledger.registry.link(
            LinkKind.MADE_FROM, parent=lots[group], child=units, from_day=day[group], record_day=told[group]
        )
        ledger.write(EventType.RECOVER, lots, keys, actor=by, day=day, reporter="recyclers")
        leaves = (
            day
            + 1
            + geometric_days(
                self._chance.draw("recycling.dispatch", keys), self._practice.dispatch_days.at(day)
            )
        )
        ledger.write(EventType.DISPATCH, lots, keys, actor=by, day=leaves, reporter="recyclers")
        return self._report(lots, by, day, keys, held, recovered, told)

    def _report(
        self,
        lots: Ints,
        by: Ints,
        day: Ints,
        keys: npt.NDArray[np.uint64],
        held: npt.NDArray[np.int64],
        recovered: npt.NDArray[np.int64],
        told: Ints,
    ) -> Mask:
        """Write the true balances, and beside them those that a firm reports instead.

        Returns:
            bool[n], whose books are false, whether the platform is told or not.
        """
        residue = held - recovered
        odd = self._chance.draw("recycling.unbalanced", keys) < self._practice.unbalanced_share.at(day)
        flatters = self._vanity[by] < self._falsehood.flattered_share.at(day)
        claimed = np.where(
            flatters[:, None],
            np.maximum(recovered, (held * self._shares[Practice.TYPICAL]).astype(np.int64)),
            recovered,
        )
        claimed[:, Element.MASS] = claimed[:, 1:].sum(axis=1)
        claimed_residue = np.where(odd[:, None], (held - claimed) * 9 // 10, held - claimed)
        cooked = odd | (claimed != recovered).any(axis=1)
        false = (told != NEVER) & cooked
        untold = np.where(false, NEVER, told)
        write_balances(self._ledger, lots, by, day, held, recovered, residue, untold, happened=True)
        write_balances(
            self._ledger, lots[false], by[false], day[false], held[false], claimed[false], claimed_residue[false],
            told[false], happened=False,
        )  # fmt: skip
        return np.asarray(cooked)


def write_balances(
    ledger: Ledger,
    lots: Ints,
    by: Ints,
    day: Ints,
    held: npt.NDArray[np.int64],
    recovered: npt.NDArray[np.int64],
    residue: npt.NDArray[np.int64],
    told: Ints,
    *,
    happened: bool,
) -> None:
    """Write the balance of each lot: one row per element that went in."""
    row, element = np.nonzero(held)
    if row.size:
        year = quarters.of_days(day[row]) // 4 + FIRST_YEAR
        ledger.registry.balance(
            row.size, lot=lots[row], element=element, actor=by[row], day=day[row], year=year,
            input_g=held[row, element], recovered_g=recovered[row, element], residue_g=residue[row, element],
            record_day=told[row], happened=happened,
        )  # fmt: skip
