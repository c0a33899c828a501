"""The reference workload: its figures, and the luck that every engine draws from.

N vehicles are made over ten years on a growth curve, one pack each.  After a Weibull life the pack is
dismounted; some are diverted, the others go to an outlet that waits for a full lot or for thirty days; the lot
goes to a recycler with a daily capacity, where each pack is tested and used again or processed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sim.chance import Chance, Keys, uniform_days, weibull_years

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

BATTERY_MAKER, VEHICLE_MAKER, DISMANTLER, WORKSHOP = range(4)
FIRST_OUTLET = 100
FIRST_RECYCLER = 1_000_000


@dataclass(frozen=True)
class World:
    """The figures of one run.

    Attributes:
        vehicles: N, all made in the first `making_days`.
        growth: how many times as many are made on the last of these days as on the first.
        last_day: the horizon, late enough that all are sold by then; days count from 0.
        life_shape, life_years: Weibull.
        full_lot, longest_days: an outlet sends off all it holds in the evening of the day on which it holds a
            full lot or its oldest pack has been there so long.
        first_transit, last_transit: days of any transport, each as likely.
        supplied, diverted, reused: shares of packs.
        load: capacity of all recyclers as a share of what comes to them at the peak.
    """

    vehicles: int
    seed: int = 2026
    replication: int = 0
    making_days: int = 3653
    growth: float = 20.0
    last_day: int = 7304
    life_shape: float = 3.5
    life_years: float = 10.0
    outlets: int = 20
    recyclers: int = 10
    full_lot: int = 40
    longest_days: int = 30
    first_transit: int = 2
    last_transit: int = 7
    supplied: float = 0.5
    diverted: float = 0.08
    reused: float = 0.3
    load: float = 0.9

    @cached_property
    def capacity(self) -> float:
        """Packs a day of one recycler."""
        made = np.diff(self._made_by(np.arange(self.making_days + 1)))
        age = np.arange(self.last_day + 2) / 365.25
        dies = np.diff(-np.exp(-((age / self.life_years) ** self.life_shape)))
        peak = float(np.convolve(made, dies)[: self.last_day + 1].max())
        return self.load * peak * (1.0 - self.diverted) / self.recyclers

    def _made_by(self, day: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        made: npt.NDArray[np.float64] = np.expm1(np.log(self.growth) * day / self.making_days)
        return self.vehicles * made / (self.growth - 1.0)

    def coded_day(self) -> Int32s:
        """Return int32[N], the day on which each pack is made, ascending."""
        share = (np.arange(self.vehicles) + 0.5) / self.vehicles
        when: npt.NDArray[np.float64] = np.log1p(share * (self.growth - 1.0)) / np.log(self.growth)
        return (when * self.making_days).astype(np.int32)


class Luck:
    """What chance decides about packs and lots of a world; a pack has the same luck in every engine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._chance = Chance(world.seed, world.replication)

    def supplied(self, packs: Keys) -> Bools:
        """Return bool[n], which packs a supplier delivers; the others are made by the vehicle's maker."""
        return self._chance.draw("supplied", packs) < self._world.supplied

    def assembly_days(self, packs: Keys) -> Int32s:
        """Return int32[n], days from the code to the vehicle."""
        return uniform_days(self._chance.draw("assembly", packs), 3, 14)

    def sale_days(self, packs: Keys) -> Int32s:
        """Return int32[n], days from the vehicle to its sale."""
        return uniform_days(self._chance.draw("sale", packs), 7, 60)

    def life_days(self, packs: Keys) -> Int32s:
        """Return int32[n], days from the sale to the end, at least one."""
        years = weibull_years(
            self._chance.draw("life", packs), self._world.life_shape, self._world.life_years
        )
        return (1.0 + years * 365.25).astype(np.int32)

    def diverted(self, packs: Keys) -> Bools:
        """Return bool[n], which packs never come to an outlet."""
        return self._chance.draw("diverted", packs) < self._world.diverted

    def outlet(self, packs: Keys) -> Int64s:
        """Return int64[n], the outlet (0, 1, …) that each pack goes to."""
        return (self._chance.draw("outlet", packs) * self._world.outlets).astype(np.int64)

    def reused(self, packs: Keys) -> Bools:
        """Return bool[n], which packs are used again."""
        return self._chance.draw("reused", packs) < self._world.reused

    def transit_days(self, packs_or_lots: Keys) -> Int32s:
        """Return int32[n], days of transport of a pack to its outlet, or of a lot to its recycler."""
        luck = self._chance.draw("transit", packs_or_lots)
        return uniform_days(luck, self._world.first_transit, self._world.last_transit)

    def recycler(self, lots: Keys) -> Int64s:
        """Return int64[n], the recycler (0, 1, …) that each lot goes to."""
        return (self._chance.draw("recycler", lots) * self._world.recyclers).astype(np.int64)


def lot_key(outlet: npt.NDArray[np.integer], day: int) -> Keys:
    """Return uint64[n], the key of the lot that leaves each outlet on *day*: no pack has it."""
    return (outlet.astype(np.uint64) + np.uint64(1)) << np.uint64(40) | np.uint64(day)


@dataclass(slots=True)
class Outcome:
    """What a run comes to.

    Attributes:
        events, lots: how many.
        sent, outlet_days: packs that left outlets, and the days they had been there, in all.
        tested, recycler_days: packs that had their turn, and the days they had waited for it, in all.
    """

    events: int = 0
    lots: int = 0
    sent: int = 0
    outlet_days: int = 0
    tested: int = 0
    recycler_days: int = 0

    @property
    def outlet_wait(self) -> float:
        """Mean days at an outlet."""
        return self.outlet_days / max(self.sent, 1)

    @property
    def recycler_wait(self) -> float:
        """Mean days from receipt to test."""
        return self.recycler_days / max(self.tested, 1)
