"""Makers: a brand on its path of months, a new plant that ramps up, and the shares that are left to the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Self

import numpy as np
from pydantic import model_validator

from sim import quarters
from sim.chance import Floats
from sim.dated import ALWAYS, Amount
from sim.figures import Section, figure
from sim.inputs import YEARS, Inputs
from traceability.errors import ScenarioError, UnknownName
from traceability.events import day_number
from traceability.vocabulary import Role

MOST = 0.95
"""Brands with figures of their own hold at most this part of a month: the others never vanish."""

TARGETS = {"repair_firms": Role.REPAIR, "swap_operators": Role.SWAP_OP, "outlets": Role.OUTLET}
"""The kinds of firms among which the industry ministry may choose."""

_DAYS_A_YEAR = 365.25


class Brand(Section):
    """A vehicle maker that sells as many vehicles a month as stated."""

    monthly_vehicles: Amount = figure(
        "vehicles/month",
        "vehicles registered in each month from the stated ones on; before the first, `brand_months.csv` says it",
        "自所列月份起每月注册车辆数；此前以 brand_months.csv 为准",
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for start, _ in self.monthly_vehicles.steps:
            if start == ALWAYS or start.day != 1:
                raise ValueError(
                    "`monthly_vehicles` needs the first day of a month, as in {2026-02-01 = 40000}"
                )
        return self


class Plant(Section):
    """A new battery plant: what it makes, and what it scraps while it learns."""

    maker: str = figure("-", "battery maker that runs it", "所属电池企业")
    province: str = figure("-", "province in which it stands", "所在省份")
    capacity_gwh: float = figure("GWh/year", "capacity when ramped up", "满产产能", ge=0, le=10000)
    first_day: date = figure("day", "first day of production", "投产日期")
    ramp_years: float = figure(
        "years", "from the first day until it is full; a straight line", "爬坡时间（线性）", ge=0.05, le=20
    )
    used_share: float = figure(
        "share of capacity", "capacity that is used when ramped up", "满产后的产能利用率", ge=0, le=1
    )
    won_share: float = figure(
        "share of output",
        "output that is sold in place of other makers' packs; the rest replaces the maker's own",
        "替代其他企业电池的产出比例",
        ge=0,
        le=1,
    )
    largest_share: float = figure(
        "share of new packs",
        "the maker's share never passes this by the plant",
        "该企业装车份额上限",
        ge=0,
        le=1,
    )
    scrap_start: float = figure(
        "share of output", "output that is scrapped on the first day", "投产初期废品率", ge=0, le=0.95
    )
    scrap_ramped: float = figure(
        "share of output", "output that is scrapped when ramped up", "满产后废品率", ge=0, le=0.95
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.scrap_ramped > self.scrap_start:
            raise ValueError("`scrap_ramped` is more than `scrap_start`")
        return self

    def ramped(self, day: float) -> float:
        """Return how far the plant is on *day*: 0 before its first day, 1 when ramped up."""
        age = (day - day_number(self.first_day)) / _DAYS_A_YEAR
        return min(max(age / self.ramp_years, 0.0), 1.0)

    def output_gwh(self, quarter: int) -> float:
        """Return the GWh a year that it makes in the middle of *quarter*."""
        return self.capacity_gwh * self.used_share * self.ramped(_middle(quarter))

    def start_up_scrap_gwh(self, quarter: int) -> float:
        """Return the GWh a year that it scraps in the middle of *quarter* beyond what it scraps when ramped up."""
        learnt = self.ramped(_middle(quarter))
        return self.output_gwh(quarter) * (self.scrap_start - self.scrap_ramped) * (1.0 - learnt)


def _middle(quarter: int) -> float:
    return (int(quarters.START[quarter]) + int(quarters.START[quarter + 1])) / 2


def vehicle_maker_shares(inputs: Inputs, brands: Mapping[str, Brand], registered: Floats) -> Floats:
    """Return float64[months, makers], shares of the vehicles registered in each month from 2011 on; each row sums to 1.

    A maker with a figure for the month has that many vehicles of it; the others share the rest as their yearly
    shares say.

    Args:
        inputs: the yearly series, the season and the months of brands.
        brands: by name of the maker; their figures come before those of the inputs.
        registered: float64[years], vehicles registered a year.

    Raises:
        ScenarioError: a brand that is no maker.
    """
    vehicles = inputs.brand_vehicles.copy()
    names = inputs.vehicle_makers.names
    for name, brand in brands.items():
        at = _place("vehicle maker", name, names, "brand")
        first = day_number(brand.monthly_vehicles.steps[0][0])
        for month, start in enumerate(quarters.MONTH_START[: len(vehicles)].tolist()):
            if start >= first:
                vehicles[month, at] = brand.monthly_vehicles.on(start)
    months = np.maximum((registered[:, None] * inputs.season).ravel(), 1.0)
    given = ~np.isnan(vehicles)
    held = np.where(given, vehicles, 0.0) / months[:, None]
    held /= np.maximum(held.sum(axis=1, keepdims=True) / MOST, 1.0)
    others = np.where(given, 0.0, np.repeat(inputs.vehicle_maker_share, 12, axis=0))
    others *= ((1.0 - held.sum(axis=1)) / others.sum(axis=1))[:, None]
    shares: Floats = np.repeat(inputs.vehicle_maker_share, 12, axis=0)
    some = given.sum(axis=1) > 0  # elsewhere the yearly share stands to the last bit
    shares[some] = held[some] + others[some]
    return shares


def battery_maker_shares(inputs: Inputs, plants: Mapping[str, Plant]) -> Floats:
    """Return float64[quarters, makers], shares of the new packs of each quarter from 2011 on; each row sums to 1.

    What a plant wins goes to its maker, as a part of the GWh of the year's registrations; the others give it
    up in the proportion of what they hold.

    Raises:
        ScenarioError: a plant whose maker or province nobody knows.
    """
    shares = np.repeat(inputs.battery_maker_share, 4, axis=0)
    kwh = (inputs.kind_share * inputs.energy_kwh).sum(axis=1)
    gwh = inputs.registrations * kwh / 1e6
    for name, plant in plants.items():
        at = _place("battery maker", plant.maker, inputs.battery_makers.names, f"plant.{name}")
        _place("province", plant.province, inputs.provinces.names, f"plant.{name}")
        for quarter in range(YEARS * 4):
            won = plant.output_gwh(quarter) * plant.won_share / max(gwh[quarter // 4], 1e-9)
            before = shares[quarter, at]
            after = max(before, min(before + won, plant.largest_share))
            if before < after:
                shares[quarter] *= (1.0 - after) / (1.0 - before)
                shares[quarter, at] = after
    return shares


def province_of(inputs: Inputs, plant: Plant) -> int:
    """Return the number of the province in which *plant* stands, 1 to 31."""
    return _place("province", plant.province, inputs.provinces.names, "plant") + 1


def province_weights(inputs: Inputs, table: Mapping[str, float], where: str) -> Floats:
    """Return float64[31], the number that *table* gives to each province by its name; 1 where it gives none.

    Raises:
        ScenarioError: a province that nobody knows.
    """
    weights = np.ones(len(inputs.provinces.names))
    for name, weight in table.items():
        weights[_place("province", name, inputs.provinces.names, where)] = weight
    return weights


def recycler_shares(inputs: Inputs, factor: Mapping[str, float]) -> tuple[Floats, float]:
    """Return float64[31], the part of all capacity that stands in each province, and the total as a multiple.

    Args:
        factor: province -> its capacity as a multiple of what `recycler_shares.csv` says.

    Raises:
        ScenarioError: a province that nobody knows or that has no recycler to multiply; no capacity at all.
    """
    share = inputs.recycler_share
    if not factor:
        return share, 1.0
    weighed: Floats = share * province_weights(inputs, factor, "recycling.capacity_factor")
    for name in factor:
        if not share[inputs.provinces.names.index(name)]:
            there = [known for known, part in zip(inputs.provinces.names, share, strict=True) if part]
            raise ScenarioError(
                f"recycling.capacity_factor: no recycler stands in {name}, and a multiple of nothing is nothing; "
                f"provinces with recyclers are {', '.join(there)}"
            )
    if not weighed.any():
        raise ScenarioError(
            "recycling.capacity_factor: leaves no capacity at all; give some province more than 0"
        )
    return weighed, float(weighed.sum() / share.sum())


def target_weights(
    inputs: Inputs, authority: str, targeting: Mapping[str, float]
) -> tuple[Floats, dict[Role, float]]:
    """Return float64[31] by province, and role -> number: how many times as often an authority inspects those there.

    Args:
        authority: such as `miit`; the others look at one kind of firms each.
        targeting: by name of a province or a kind of firms.

    Raises:
        ScenarioError: a name that is neither.
    """
    kinds = TARGETS if authority == "miit" else {}
    where = f"inspection.{authority}.targeting"
    places = {name: weight for name, weight in targeting.items() if name not in kinds}
    for name in places:
        if name not in inputs.provinces.names:
            known = (*kinds, *inputs.provinces.names)
            unknown = UnknownName("province or kind of firms" if kinds else "province", name, known, where)
            raise ScenarioError(
                str(unknown) if unknown.closest else f"{unknown}; known are {', '.join(known)}"
            )
    roles = {role: targeting[kind] for kind, role in kinds.items() if kind in targeting}
    return province_weights(inputs, places, where), roles


def _place(what: str, name: str, names: tuple[str, ...], where: str) -> int:
    if name not in names:
        unknown = UnknownName(what, name, names, where)
        raise ScenarioError(str(unknown) if unknown.closest else f"{unknown}; known are {', '.join(names)}")
    return names.index(name)
