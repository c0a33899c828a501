"""Inspection: authorities look at hand-overs, workshops, products and recyclers; find, fine and strike off the list.

Everything is drawn for a battery, by its own luck: an inspection that covers a sale under one scenario covers it under
every other with as many inspections.  Only books are looked at by the firm and the quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.belief import Belief, Watch
from sim.cast import Cast
from sim.chance import Chance, Keys, geometric_days
from sim.dated import Dated
from sim.incentives import Inspection, Inspections
from sim.industry import target_weights
from sim.inputs import Inputs
from sim.ledger import Ledger
from sim.market import HOLDER_OF_ROLE, WATCHED, per_pack
from traceability.events import NEVER, NULL, Column, EventBatch, Ints
from traceability.vocabulary import Detail, EventType, Role

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

REGULATORS = ("miit", "mee", "samr", "mofcom", "mot")
"""In the order in which the cast names them."""

_QUARTERS_A_FIRM = np.uint64(1 << 12)


class Inspectors:
    """The authorities: what they cover, what they find, and what they write into the log.

    Args:
        inspections: of each authority.
        inputs: the names of provinces, which some are directed at.
        listed_share: recyclers that are on the announced list, beside those that are struck off.
        belief: of those who are watched; it is told what became of every sale.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        inspections: Inspections,
        inputs: Inputs,
        listed_share: Dated,
        belief: Belief,
    ) -> None:
        self._ledger, self._chance, self._cast = ledger, chance, cast
        self._inspections, self._belief = inspections, belief
        first = int(np.flatnonzero(cast.role == Role.REGULATOR)[0])
        self._regulator = {name: first + place for place, name in enumerate(REGULATORS)}
        self._back_on_list = np.full(cast.role.size, NULL, dtype=np.int64)
        self._listed_share = listed_share
        self._list_luck = chance.draw("recycling.listed", cast.recyclers.astype(np.uint64))
        self._unannounced = np.zeros(cast.role.size, dtype=bool)
        self._weights = {name: _weights(cast, inputs, inspections, name) for name in REGULATORS}

    def see_handed_over(self, units: Ints, keys: Keys, *, actor: Ints, day: Ints) -> None:
        """Look at some of the *units* that firms hand over lawfully: nothing is found."""
        role = self._cast.role[actor]
        for name, watched in _WATCHED_BY.items():
            rows = np.flatnonzero(watched[role])
            seen = rows[self._covered(name, name, keys[rows], actor[rows], day[rows])]
            self._write(EventType.INSPECT, name, units[seen], actor[seen], day[seen])

    def see_sold_off(
        self, units: Ints, keys: Keys, *, actor: Ints, workshop: Ints, province: Ints, day: Ints
    ) -> None:
        """Look at *units* that *actor* sells to *workshop*: the seller, the transport and the workshop."""
        role = self._cast.role[actor]
        for name, roles in _HOLDERS_WATCHED.items():
            for of in roles:
                rows = np.flatnonzero(role == of)
                watch = WATCHED[HOLDER_OF_ROLE[Role(of)]]
                self._judge(name, watch, units[rows], keys[rows], actor[rows], province[rows], day[rows])
        self._judge("mot", Watch.TRANSPORT, units, keys, workshop, province, day)
        self._judge("mee", Watch.WORKSHOP, units, keys, workshop, province, day)

    def see_product(self, products: Ints, keys: Keys, *, maker: Ints, day: Ints) -> None:
        """Look at *products* that workshops sell."""
        self._judge("samr", Watch.PRODUCT, products, keys, maker, self._cast.province[maker], day)

    def see_books(self, recycler: Ints, guilty: Mask, day: int) -> None:
        """Look at recyclers' permits and books of a quarter; punish the guilty that are found, and strike them off.

        Args:
            recycler: int[n], those that processed anything in it, each once.
            guilty: bool[n], whether its permit had lapsed or its balances are false.
            day: the last day of the quarter.
        """
        self.relist(day)
        law = self._inspections.mee
        keys = recycler.astype(np.uint64) * _QUARTERS_A_FIRM + np.uint64(quarters.of_day(day))
        days = np.full(recycler.size, day, dtype=np.int64)
        covered = self._chance.draw("inspection.books", keys) < law.recycler_inspected_share.on(day)
        self._write(EventType.INSPECT, "mee", NULL, recycler[covered], days[covered])
        found = covered & guilty
        found &= self._chance.draw("inspection.books found", keys) < law.recycler_detected_share.on(day)
        firms, keys = recycler[found], keys[found]
        decided = days[found] + self._days(law, keys, days[found])
        self._write(EventType.PENALISE, "mee", NULL, firms, decided, law.recycler_fine_yuan.at(decided))
        years = np.broadcast_to(np.asarray(law.list_ban_years.at(decided)), decided.shape)
        banned = (years > 0) & (decided <= self._ledger.last_day)
        firms, decided, years = firms[banned], decided[banned], years[banned]
        listed = (self._back_on_list[firms] == NULL) & ~self._unannounced[firms]
        self._write(EventType.DELIST, "miit", NULL, firms[listed], decided[listed])
        until = decided + np.round(years * 365.25).astype(np.int64) + 1
        self._back_on_list[firms] = np.maximum(self._back_on_list[firms], until)

    def relist(self, day: int) -> None:
        """Put those back on the list whose time off it ends by *day*."""
        back = np.flatnonzero((self._back_on_list != NULL) & (self._back_on_list <= day))
        again = back[~self._unannounced[back]]
        self._write(EventType.LIST, "miit", NULL, again, self._back_on_list[again])
        self._back_on_list[back] = NULL

    def announce(self, day: int) -> None:
        """Put recyclers on the list, or take them off it, until as many are on it as are announced on *day*.

        Who is struck off waits for the end of his time.  A run begins with all on the list: those that are not
        leave it on its first day.
        """
        firms = self._cast.recyclers
        absent = self._list_luck >= self._listed_share.on(day)
        changes = (absent != self._unannounced[firms]) & (self._back_on_list[firms] == NULL)
        self._unannounced[firms] = absent
        for event, which in ((EventType.DELIST, absent), (EventType.LIST, ~absent)):
            some = firms[changes & which]
            self._write(event, "miit", NULL, some, np.full(some.size, day, dtype=np.int64))

    def off_list(self) -> Mask:
        """Return bool[recyclers], which are off the list."""
        firms = self._cast.recyclers
        off: Mask = (self._back_on_list[firms] != NULL) | self._unannounced[firms]
        return off

    def _judge(
        self, name: str, watch: Watch, units: Ints, keys: Keys, accused: Ints, province: Ints, day: Ints
    ) -> None:
        """Find some of the breaches of *accused*, write what is found, and let their trade know."""
        if not units.size:
            return
        law: Inspection = getattr(self._inspections, name)
        chance = np.broadcast_to(
            np.asarray(self._share(name, accused, day)) * law.detected_share.at(day), units.shape
        )
        covered = self._covered(f"{name}.{watch.name}", name, keys, accused, day)
        seen = np.flatnonzero(covered)
        self._write(EventType.INSPECT, name, units[seen], accused[seen], day[seen])
        luck = self._chance.draw(f"inspection.found.{name}.{watch.name}", keys[seen])
        caught = seen[luck < law.detected_share.at(day[seen])]
        found = np.zeros(units.size, dtype=bool)
        found[caught] = True
        decided = day[caught] + self._days(law, keys[caught], day[caught])
        self._write(EventType.PENALISE, name, units[caught], accused[caught], decided, per_pack(law, decided))
        self._belief.saw(watch, province, found, chance)

    def _covered(self, what: str, name: str, keys: Keys, firms: Ints, day: Ints) -> Mask:
        luck = self._chance.draw(f"inspection.covered.{what}", keys)
        covered: Mask = luck < self._share(name, firms, day)
        return covered

    def _share(self, name: str, firms: Ints, day: Ints) -> Floats | float:
        """Return float64[n] (or one for all), the share of what *firms* do on each day that an authority looks at."""
        law: Inspection = getattr(self._inspections, name)
        share, weights = law.inspected_share.at(day), self._weights[name]
        return share if weights is None else np.minimum(share * weights[firms], 1.0)

    def _days(self, law: Inspection, keys: Keys, day: Ints) -> Ints:
        return geometric_days(self._chance.draw("inspection.days", keys), law.decision_days.at(day))

    def _write(
        self,
        event: EventType,
        regulator: str,
        units: Column,
        firms: Ints,
        day: Ints,
        fine_yuan: Floats | float | None = None,
    ) -> None:
        events, rows = remark(
            self._ledger, event, units, actor=self._regulator[regulator], receiver=firms, day=day
        )
        if fine_yuan is not None and events.size:
            fine = np.broadcast_to(np.asarray(fine_yuan), rows.shape)[rows]
            self._ledger.registry.detail(events, Detail.FINE_YUAN, np.round(fine).astype(np.int64))


_HOLDERS_WATCHED = {
    "miit": [Role.REPAIR, Role.SWAP_OP, Role.OUTLET],
    "mofcom": [Role.ELV],
}

_WATCHED_BY = {name: np.isin(np.arange(max(Role) + 1), watches) for name, watches in _HOLDERS_WATCHED.items()}
"""Authority -> bool[roles]: whether it inspects who has the role."""


def _weights(cast: Cast, inputs: Inputs, inspections: Inspections, name: str) -> Floats | None:
    """Return float64[actors], how many times as often an authority inspects each; None where all alike.

    Those who work nationwide are in no province.
    """
    targeting = getattr(inspections, name).targeting
    if not targeting:
        return None
    by_province, by_role = target_weights(inputs, name, targeting)
    weights: Floats = np.concatenate([[1.0], by_province])[cast.province]
    for role, weight in by_role.items():
        weights[cast.role == role] *= weight
    return weights


def remark(
    ledger: Ledger,
    event: EventType,
    units: Column,
    *,
    actor: Column,
    receiver: Ints,
    day: Ints,
    told: bool = True,
) -> tuple[npt.NDArray[np.int64], Mask]:
    """Write what an authority or a firm does to another, as far as the horizon goes.

    Args:
        units: int[n], or NULL where it is about none.
        receiver: int[n], to whom it is done.
        day: int[n].
        told: whether it is on record the same day, or never.

    Returns:
        int64[m], the numbers of the records; bool[n], what was written.
    """
    written: Mask = day <= ledger.last_day
    rows = int(written.sum())
    if not rows:
        return np.empty(0, dtype=np.int64), written
    lot = np.broadcast_to(np.asarray(units), day.shape)[written]
    who = actor[written] if isinstance(actor, np.ndarray) else actor
    on = day[written]
    first = ledger.registry.record(
        EventBatch.of(
            event,
            lot,
            actor=who,
            receiver=receiver[written],
            event_day=on,
            record_day=on if told else NEVER,
        )
    )
    return np.arange(first, first + rows, dtype=np.int64), written


def inspection(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    inspectors: Inspectors,
    belief: Belief,
    list_changed: Callable[[Mask], None],
) -> Generator[simpy.Event, Any, None]:
    """Let everybody learn at the end of each quarter what it showed, and bring the list up to date.

    Args:
        list_changed: told bool[recyclers], which are off the list.
    """
    inspectors.announce(int(env.now))
    list_changed(inspectors.off_list())
    while True:
        now = int(env.now)
        yield env.timeout(quarters.until_last_minute(now, ledger.last_day))
        today = min(int(quarters.START[quarters.of_day(now) + 1]) - 1, ledger.last_day)
        belief.close_quarter(today)
        inspectors.relist(today)
        inspectors.announce(today)
        list_changed(inspectors.off_list())
        yield env.timeout(quarters.MINUTE)
