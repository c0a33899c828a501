"""Handing over: a holder of used batteries sends each the lawful or the other way, by price against penalty."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.cast import Cast
from sim.chance import Chance, geometric_days, uniform_days
from sim.ledger import Ledger
from sim.lots import Agenda, Backlog
from sim.market import Holder, Prices
from sim.practices import Collection, Informal
from sim.tables import Columns
from traceability.events import NULL, Column, Ints
from traceability.vocabulary import EventType

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
        units: Columns,
        collection: Collection,
        informal: Informal,
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
        self._to_outlets, self._to_recyclers, self._to_workshops = to_outlets, to_recyclers, to_workshops
        away = distance_km[:, cast.province[cast.recyclers] - 1]
        # only the differences count; the nearest draws, however many times the reach it is away
        pull = np.exp(-(away - away.min(axis=1, keepdims=True)) / collection.reach_km)
        pull = pull * cast.capacity_t[cast.recyclers]
        shares = np.cumsum(pull / pull.sum(axis=1, keepdims=True), axis=1)
        shares[:, -1] = 1.0
        self._recycler_cdf = (shares + np.arange(shares.shape[0])[:, None]).ravel()

    def lawful(self, holder: Holder, units: Ints, day: Ints) -> Mask:
        """Return bool[n], which of *units* their holder hands over lawfully, each on its day."""
        keys = self._units.key[units]
        share = self._prices.lawful_share(
            holder, day, self._units.chemistry[units], self._units.mass_g[units] / 1e6
        )
        return self._chance.draw(f"channel.{holder.name}", keys) < share

    def to_outlet(self, units: Ints, *, actor: Ints, province: Ints, day: Ints, reporter: str) -> None:
        """Ship *units* to an outlet of their province, each on its day."""
        keys = self._units.key[units]
        outlet = self._cast.pick(self._cast.outlets, self._chance.draw("channel.outlet", keys), province)
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
        rule = self._collection
        transit = uniform_days(
            self._chance.draw("channel.transit", together), rule.transit_first_days, rule.transit_last_days
        )
        return day + transit
