"""The fleet: packs are made, installed and sold with their vehicles, quarter by quarter, as China registers them."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, Floats, Keys, geometric_days, uniform_days, weibull_years
from sim.industry import Brand, Plant, battery_maker_shares, vehicle_maker_shares
from sim.inputs import CHEMISTRIES, FIRST_YEAR, Inputs, Kind
from sim.ledger import Ledger
from sim.lots import Agenda
from sim.practices import Life, Manufacture, Replacement
from sim.printing import Printer
from sim.tables import Columns
from sim.technology import ORDINARY, Technologies
from traceability.events import Ints
from traceability.vocabulary import EventType, Level

DAYS_A_YEAR = 365.25
_CHEMISTRY = np.array([int(c) for c in CHEMISTRIES], dtype=np.int8)

_LONG = 60_000  # rows beyond which arrays leave the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class Fleet:
    """Vehicles and packs, and what the future holds for them.

    Attributes:
        vehicles, units: see `tables`.
        exits: vehicles by the quarter in which they leave the fleet.
        failures: vehicles and days by the quarter in which their pack fails.
    """

    vehicles: Columns
    units: Columns
    exits: Agenda
    failures: Agenda


class Maker:
    """Makes packs: gives them their attributes, their number and their code, and writes that they exist."""

    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        inputs: Inputs,
        cast: Cast,
        printer: Printer,
        units: Columns,
        practice: Manufacture,
        technologies: Technologies,
        plants: Mapping[str, Plant],
    ) -> None:
        self.practice, self.technologies = practice, technologies
        self._ledger, self._chance, self._inputs, self._cast = ledger, chance, inputs, cast
        self._printer, self._units = printer, units
        self._maker_cdf = np.cumsum(battery_maker_shares(inputs, plants), axis=1)
        self._chemistry_cdf = np.cumsum(inputs.chemistry_share, axis=2)
        self._density = np.nan_to_num(inputs.density_wh_kg, nan=100.0)

    def make(self, keys: Keys, *, kind: Ints, quarter: int, made_day: Ints) -> Ints:
        """Return int64[n], the numbers of new packs for vehicles of these kinds."""
        year = quarters.year_offset(quarter)
        chance, inputs = self._chance, self._inputs
        luck, cdf = chance.draw("pack.chemistry", keys), self._chemistry_cdf[year]
        place = (luck >= cdf[kind, 0]).astype(np.int8) + (luck >= cdf[kind, 1])
        chemistry = _CHEMISTRY[np.minimum(place, len(CHEMISTRIES) - 1)]
        maker = chance.choose("pack.maker", keys, self._maker_cdf[quarter])
        spread = 1.0 + self.practice.energy_spread * (2.0 * chance.draw("pack.energy", keys) - 1.0)
        technology = self.technologies.drawn(chance, keys, kind=kind, year=year, made_day=made_day)
        energy_kwh, density = inputs.energy_kwh[year][kind], self._density[year][chemistry]
        if self.technologies:
            new, own = technology != ORDINARY, technology[technology != ORDINARY]
            chemistry[new] = self.technologies.chemistry[own]
            energy_kwh[new], density[new] = (
                self.technologies.energy_kwh[own],
                self.technologies.pack_wh_kg[own],
            )
        energy_wh = (energy_kwh * spread * 1000.0).astype(np.int64)
        mass_g = (energy_wh / density * 1000.0).astype(np.int64)
        coder = self._cast.battery_makers[maker]
        printed, faults = self._printer.packs(
            keys, coder=coder, chemistry=chemistry, kind=kind, made_day=made_day
        )
        numbers = self._ledger.registry.commission(
            Level.PACK,
            coder=coder,
            chemistry=chemistry,
            made_day=made_day,
            energy_wh=energy_wh,
            mass_g=mass_g,
            printed=printed,
            code_fault=faults,
            rows=keys.size,
        )
        self._units.add(
            keys.size, key=keys, chemistry=chemistry, mass_g=mass_g, energy_wh=energy_wh, year=year,
            maker=maker, is_pack=True, made_day=made_day, technology=technology,
        )  # fmt: skip
        self._ledger.write(
            EventType.CODE, numbers, keys, actor=coder, day=made_day, reporter="battery_makers"
        )
        return numbers

    def coder_of(self, packs: Ints) -> Ints:
        """Return int64[n], the actor that made each pack."""
        return self._cast.battery_makers[self._units.maker[packs]]


def fleet(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    inputs: Inputs,
    cast: Cast,
    printer: Printer,
    maker: Maker,
    state: Fleet,
    life: Life,
    replacement: Replacement,
    swapping: Agenda,
    brands: Mapping[str, Brand],
    scale: int,
) -> Generator[simpy.Event, Any, None]:
    """Register each quarter's vehicles, each on a day of its month.

    Those of the quarters before the run begins are there from its first day.
    """
    per_month = vehicles_by_month(inputs, scale, maker.practice.registered_share)
    birth = _Birth(ledger, chance, inputs, cast, printer, maker, state, life, replacement, brands)
    first = quarters.of_day(int(env.now))
    for quarter in range(quarters.of_day(ledger.last_day) + 1):
        if quarter > first:
            yield env.timeout(int(quarters.START[quarter]) - env.now)
        for months in _batches(quarter, per_month):
            born = birth.of_months(months, per_month[months], int(env.now))
            pooled = born[state.vehicles.swap[born]]
            if pooled.size:
                # exchanges begin with the quarter after the sale
                swapping.add(np.full(pooled.size, max(quarter + 1, first)), pooled)


def _batches(quarter: int, per_month: npt.NDArray[np.int64]) -> list[Ints]:
    """Return the months of *quarter*: all in one batch where it is small, one by one where arrays grow long."""
    months = np.arange(3 * quarter, 3 * quarter + 3)
    if per_month[months].sum() <= _LONG:
        return [months]
    return [months[place : place + 1] for place in range(3)]


def vehicles_by_month(inputs: Inputs, scale: int, registered_share: float) -> npt.NDArray[np.int64]:
    """Return int64[months], how many simulated vehicles are registered in each month from 2011 on."""
    real = (inputs.registered(registered_share)[:, None] * inputs.season[None, :]).ravel()
    running = np.floor(np.cumsum(real) / scale + 0.5)
    return np.diff(np.concatenate([[0.0], running])).astype(np.int64)


class _Birth:
    def __init__(
        self,
        ledger: Ledger,
        chance: Chance,
        inputs: Inputs,
        cast: Cast,
        printer: Printer,
        maker: Maker,
        state: Fleet,
        life: Life,
        replacement: Replacement,
        brands: Mapping[str, Brand],
    ) -> None:
        self._ledger, self._chance, self._inputs, self._cast = ledger, chance, inputs, cast
        self._printer, self._maker, self._state = printer, maker, state
        self._life, self._replacement = life, replacement
        self._kind_cdf = np.cumsum(inputs.kind_share, axis=1)
        self._province_cdf = np.cumsum(inputs.province_share, axis=1)
        registered = inputs.registered(maker.practice.registered_share)
        self._maker_cdf = np.cumsum(vehicle_maker_shares(inputs, brands, registered), axis=1)

    def of_months(self, months: Ints, rows: Ints, now: int) -> Ints:
        """Register *rows* vehicles in each of *months*, all of one quarter, and return their numbers."""
        total = int(rows.sum())
        if not total:
            return np.empty(0, dtype=np.int64)
        quarter = int(months[0]) // 3
        year = quarters.year_offset(quarter)
        place = np.arange(total, dtype=np.uint64) - np.repeat(np.cumsum(rows) - rows, rows).astype(np.uint64)
        month = np.repeat(months, rows)
        keys = (month.astype(np.uint64) << np.uint64(32)) + place
        chance = self._chance
        kind = chance.choose("vehicle.kind", keys, self._kind_cdf[year]).astype(np.int8)
        province = (chance.choose("vehicle.province", keys, self._province_cdf[year]) + 1).astype(np.int8)
        maker = self._makers(keys, months, rows)
        swap = chance.draw("vehicle.swap", keys) < self._inputs.swap_share[year][kind]
        span = quarters.MONTH_START[month + 1] - quarters.MONTH_START[month]
        sold = quarters.MONTH_START[month] + (chance.draw("vehicle.sold", keys) * span).astype(np.int32)
        # nothing is older than the calendar of the codes, which begins in 2011
        began = quarters.START[0]
        certified = (
            sold
            - 1
            - geometric_days(chance.draw("vehicle.certified", keys), self._maker.practice.sale_days.at(sold))
        )
        certified = np.maximum(certified, began)
        installed = np.maximum(
            certified
            - uniform_days(chance.draw("vehicle.assembled", keys), 0, self._maker.practice.assembly_days),
            began,
        )
        delivered = np.maximum(
            installed
            - geometric_days(
                chance.draw("pack.delivered", keys), self._maker.practice.supply_days.at(installed)
            ),
            began,
        )
        made = np.maximum(delivered - uniform_days(chance.draw("pack.made", keys), 1, 5), began)
        exit_day = self._exit_day(keys, kind, sold, now)
        numbers = self._ledger.registry.enrol_vehicles(
            vin=self._printer.vins(maker=maker, kind=kind, year=year + FIRST_YEAR),
            kind=kind,
            maker=self._cast.vehicle_makers[maker],
            province=province,
            swap=swap,
            rows=total,
        )
        packs = self._maker.make(keys, kind=kind, quarter=quarter, made_day=made)
        vehicle_maker = self._cast.vehicle_makers[maker]
        self._state.vehicles.add(
            total,
            key=keys,
            unit=packs,
            province=province,
            kind=kind,
            maker=vehicle_maker,
            swap=swap,
            exit_day=exit_day,
        )
        self._write(
            keys, packs, numbers, vehicle_maker, swap, province, (delivered, installed, certified, sold)
        )
        wear = self._maker.technologies.wear[self._state.units.technology[packs]]
        self._foresee(keys, numbers, kind, sold, exit_day, swap, wear, now)
        return numbers

    def _makers(self, keys: Keys, months: Ints, rows: Ints) -> Ints:
        """Return int64[n], the maker of each vehicle, a place in the inputs; months come one after another."""
        luck = self._chance.draw("vehicle.maker", keys)
        chosen = [
            np.searchsorted(self._maker_cdf[month, :-1], part, side="right")
            for month, part in zip(months.tolist(), np.split(luck, np.cumsum(rows)[:-1]), strict=True)
        ]
        return np.concatenate(chosen)

    def _write(
        self,
        keys: Keys,
        packs: Ints,
        numbers: Ints,
        vehicle_maker: Ints,
        swap: npt.NDArray[np.bool_],
        province: Ints,
        days: tuple[Ints, Ints, Ints, Ints],
    ) -> None:
        write, cast = self._ledger.write, self._cast
        delivered, installed, certified, sold = days
        coder = self._maker.coder_of(packs)
        operator = cast.operators[(keys % np.uint64(cast.operators.size)).astype(np.int64)]
        buyer = np.where(swap, operator, vehicle_maker)
        write(
            EventType.DELIVER,
            packs,
            keys,
            actor=coder,
            receiver=buyer,
            day=delivered,
            reporter="battery_makers",
        )
        write(
            EventType.INSTALL,
            packs,
            keys,
            actor=vehicle_maker,
            vehicles=numbers,
            day=installed,
            reporter="vehicle_makers",
        )
        write(
            EventType.CERTIFY,
            packs,
            keys,
            actor=vehicle_maker,
            vehicles=numbers,
            day=certified,
            reporter="vehicle_makers",
        )
        owner = cast.owners[province.astype(np.int64) - 1]
        write(
            EventType.SELL, packs, keys, actor=vehicle_maker, vehicles=numbers, receiver=owner, day=sold,
            reporter="vehicle_makers",
        )  # fmt: skip

    def _exit_day(self, keys: Keys, kind: Ints, sold: Ints, now: int) -> npt.NDArray[np.int32]:
        life = self._life
        years: Floats = weibull_years(self._chance.draw("vehicle.life", keys), life.shape, life.scale_years)
        limit = np.full(len(Kind), np.inf)
        limit[Kind.BUS], limit[Kind.TRUCK] = life.bus_limit_years, life.truck_limit_years
        age = np.minimum(years, limit[kind]) * DAYS_A_YEAR
        # who should have left before the run began leaves on its first days
        leaves: npt.NDArray[np.int32] = np.maximum(sold + np.clip(age, 30, 1e6), now).astype(np.int32)
        return leaves

    def _foresee(
        self,
        keys: Keys,
        numbers: Ints,
        kind: Ints,
        sold: Ints,
        exit_day: Ints,
        swap: npt.NDArray[np.bool_],
        wear: Floats,
        now: int,
    ) -> None:
        horizon = self._ledger.last_day
        leaves = exit_day <= horizon
        self._state.exits.add(quarters.of_days(exit_day[leaves]), numbers[leaves])
        rule = self._replacement
        early = sold < quarters.year_start(rule.improved_from)
        share = np.where(early, rule.share_early, rule.share_late)
        share = np.where((kind == Kind.BUS) | (kind == Kind.TRUCK), share * rule.commercial_factor, share)
        share = share * wear
        luck = self._chance.draw("pack.fails", keys)
        age = self._chance.draw("pack.failure_age", keys) * rule.warranty_years * DAYS_A_YEAR
        fails_on = np.maximum(sold + 30 + age, now).astype(np.int32)
        fails = (luck < share) & ~swap & (fails_on < exit_day) & (fails_on <= horizon)
        self._state.failures.add(quarters.of_days(fails_on[fails]), numbers[fails], fails_on[fails])
