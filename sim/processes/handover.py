"""Handing over: a holder of used batteries sends each the lawful or the other way, by price against penalty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.cast import Cast
from sim.chance import Chance, geometric_days, uniform_days
from sim.ledger import Ledger
from sim.lots import Agenda, Backlog
from sim.market import HOLDER_OF_ROLE, Holder, Prices
from sim.practices import Collection, Informal
from sim.processes.inspection import Inspectors, remark
from sim.tables import Columns
from traceability.events import NULL, Column, Ints
from traceability.vocabulary import EventType, Role

Mask = npt.NDArray[np.bool_]


class Channel:
    """Where used batteries go from whoever holds them: to outlets, to recyclers, or off to workshops.

    Args:
        to_outlets: (unit, outlet) by day.
        to_recyclers: (unit, recycler) by day.
        to_workshops: (unit, workshop, day on which it is broken or remade).
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        prices: Prices,
        inspectors: Inspectors,
        units: Columns,
        collection: Collection,
        informal: Informal,
        unlisted_pull: float,
        distance_km: npt.NDArray[np.float64],
        to_outlets: Agenda,
        to_recyclers: Agenda,
        to_workshops: Backlog,
    ) -> None:
        self._ledger, self._chance, self._cast, self._prices, self._units = (
            ledger,
            chance,
            cast,
            prices,
            units,
        )
        self._collection, self._informal = collection, informal
        self._inspectors, self._unlisted_pull = inspectors, unlisted_pull
        self._to_outlets, self._to_recyclers, self._to_workshops = to_outlets, to_recyclers, to_workshops
        away = distance_km[:, cast.province[cast.recyclers] - 1]
        # only the differences count; the nearest draws, however many times the reach it is away
        pull = np.exp(-(away - away.min(axis=1, keepdims=True)) / collection.reach_km)
        self._pull = pull * cast.capacity_t[cast.recyclers]
        self._off_list = np.zeros(cast.recyclers.size, dtype=bool)
        self._recycler_cdf = _running_shares(self._pull)

    def list_changed(self, off_list: Mask) -> None:
        """Take note of which recyclers are off the announced list, bool[recyclers]: they draw less.

        Where none is left that draws at all, all do as if they were on it: what is handed over lawfully must go somewhere.
        """
        if not np.array_equal(off_list, self._off_list):
            self._off_list = off_list
            pull = self._pull * np.where(off_list, self._unlisted_pull, 1.0)
            nobody = pull.sum(axis=1) <= 0.0
            pull[nobody] = self._pull[nobody]
            self._recycler_cdf = _running_shares(pull)

    def lawful(self, holder: Holder, units: Ints, day: Ints, province: Ints) -> Mask:
        """Return bool[n], which of *units* their holder, in a province, hands over lawfully, each on its day."""
        return self._chance.draw(f"channel.{holder.name}", self._units.key[units]) < self._lawful_share(
            holder, units, day, province
        )

    def _lawful_share(
        self, holder: Holder, units: Ints, day: Ints, province: Ints
    ) -> npt.NDArray[np.float64]:
        u = self._units
        return self._prices.lawful_share(holder, day, u.chemistry[units], u.mass_g[units] / 1e6, province)

    def to_outlet(self, units: Ints, *, actor: Ints, province: Ints, day: Ints, reporter: str) -> None:
        """Offer *units* to an outlet of their province, each on its day; what it does not refuse is shipped there.

        An outlet may refuse what is worth less than nothing.  The holder then decides again: the lawful way is
        another outlet of the province, which takes it.
        """
        if not units.size:
            return
        keys = self._units.key[units]
        outlet = self._cast.pick(self._cast.outlets, self._chance.draw("channel.outlet", keys), province)
        refused = self._chance.draw("channel.refused", keys) < self._collection.refused_share.at(day)
        refused &= self._prices.worth.formal_yuan_t(day, self._units.chemistry[units]) < 0
        if refused.any():
            rows = np.flatnonzero(refused)
            remark(
                self._ledger,
                EventType.REFUSE,
                units[rows],
                actor=outlet[rows],
                receiver=actor[rows],
                day=day[rows],
                told=False,
            )
            outlet[rows] = self._cast.pick(
                self._cast.outlets, self._chance.draw("channel.other outlet", keys[rows]), province[rows]
            )
            # one holder after another gives up; those of one call are of one role
            holder = HOLDER_OF_ROLE[Role(int(self._cast.role[actor[0]]))]
            share = self._lawful_share(holder, units[rows], day[rows], province[rows])
            off = rows[self._chance.draw("channel.after refusal", keys[rows]) >= share]
            self.divert(units[off], actor=actor[off], province=province[off], day=day[off], reporter=reporter)
            stays = np.ones(units.size, dtype=bool)
            stays[off] = False
            units, actor, outlet, day = units[stays], actor[stays], outlet[stays], day[stays]
        arrives = self._ship(units, actor=actor, receiver=outlet, day=day, reporter=reporter)
        self._to_outlets.add(arrives, units, outlet)

    def to_recycler(
        self,
        units: Ints,
        *,
        actor: Ints,
        province: Ints,
        day: Ints,
        reporter: str | None,
        lot: Ints | None = None,
    ) -> None:
        """Ship *units* to a recycler, a near one more likely, a large one more likely; one for each *lot*."""
        keys = self._units.key[units if lot is None else lot]
        luck = self._chance.draw("channel.recycler", keys)
        # one sorted table for all provinces: the running sums of province p lie between p - 1 and p
        place = np.searchsorted(self._recycler_cdf, luck + (province - 1), side="right")
        recycler = self._cast.recyclers[place - (province - 1) * self._cast.recyclers.size]
        arrives = self._ship(units, actor=actor, receiver=recycler, day=day, reporter=reporter, lot=lot)
        self._to_recyclers.add(arrives, units, recycler)

    def divert(
        self,
        units: Ints,
        *,
        actor: Ints,
        province: Ints,
        day: Ints,
        reporter: str | None,
        vehicles: Column = NULL,
    ) -> None:
        """Sell *units* off to workshops of their province; some sellers report a lawful shipment instead."""
        if not units.size:
            return
        keys = self._units.key[units]
        workshop = self._cast.pick(
            self._cast.workshops, self._chance.draw("channel.workshop", keys), province
        )
        claimed = self._cast.pick(self._cast.outlets, self._chance.draw("channel.outlet", keys), province)
        written = self._ledger.write_hidden_sale(
            units,
            keys,
            actor=actor,
            buyer=workshop,
            claimed=claimed,
            day=day,
            reporter=reporter,
            vehicles=vehicles,
        )
        if written is not None:
            units, workshop, day, keys = units[written], workshop[written], day[written], keys[written]
            actor, province = actor[written], province[written]
        self._inspectors.see_sold_off(units, keys, actor=actor, workshop=workshop, province=province, day=day)
        takes = geometric_days(self._chance.draw("informal.days", keys), self._informal.days.at(day))
        ready = day + 1 + takes
        self._to_workshops.put(units, workshop, ready)

    def _ship(
        self,
        units: Ints,
        *,
        actor: Ints,
        receiver: Ints,
        day: Ints,
        reporter: str | None,
        lot: Ints | None = None,
    ) -> Ints:
        """Write the shipment and return int[n], the days of arrival."""
        keys = self._units.key[units]
        together = keys if lot is None else self._units.key[lot]
        luck = self._chance.draw("channel.carrier", together)
        carrier = self._cast.carriers[(luck * self._cast.carriers.size).astype(np.int64)]
        self._ledger.write(
            EventType.SHIP,
            units,
            keys,
            actor=actor,
            receiver=receiver,
            carrier=carrier,
            day=day,
            reporter=reporter,
        )
        self._inspectors.see_handed_over(units, keys, actor=actor, day=day)
        rule = self._collection
        transit = uniform_days(
            self._chance.draw("channel.transit", together), rule.transit_first_days, rule.transit_last_days
        )
        return day + transit


def _running_shares(pull: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return float64[provinces * recyclers]: running shares of each province, p - 1 to p for province p."""
    shares = np.cumsum(pull / pull.sum(axis=1, keepdims=True), axis=1)
    shares[:, -1] = 1.0
    table: npt.NDArray[np.float64] = shares + np.arange(shares.shape[0], dtype=np.float64)[:, None]
    return table.ravel()
