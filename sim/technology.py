"""New technologies: packs that differ from what is ordinary for their kind of vehicle and year.

A technology has its own energy, mass, materials and cycle life.  Which new packs are of it is one draw for each
pack, under a name that no other decision has: a technology that takes no pack changes none.  What a used pack of
it is worth goes by its chemistry.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Self

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from sim.chance import Chance, Floats, Keys
from sim.dated import ALWAYS, Amount, Dated, Share
from sim.figures import Section, figure
from sim.inputs import FIRST_YEAR, LAST_YEAR, YEARS, Inputs, Kind
from traceability.errors import UnknownName
from traceability.events import Ints, day_number
from traceability.vocabulary import Chemistry, Element

KINDS = {kind.name.lower(): kind for kind in Kind}
ELEMENTS = {e.name.lower(): e for e in Element if e is not Element.MASS}
ORDINARY = 0
"""The technology of a pack that is of none."""

_LEAST_WEAR, _MOST_WEAR = 0.1, 10.0


class Technology(Section):
    """Packs of one technology.  A path of years is a straight line between the years that it names."""

    kinds: tuple[str, ...] = figure("kinds", "kinds of vehicle that it is for", "适用车型")
    first_day: date = figure("day", "first day on which such a pack is made", "首批电池包生产日期")
    share: Share = figure(
        "share of new packs",
        "packs of these kinds made in a year that are of it (straight line between years); at most, where "
        "`shipments` says how many GWh",
        "当年同类新电池包中的占比（年份间线性内插）；给出出货量时为上限",
    )
    chemistry: str = figure("-", "chemistry of its cells", "电芯化学体系")
    energy_kwh: float = figure("kWh", "mean energy of a pack", "电池包平均容量", ge=0.5, le=2000)
    cell_wh_kg: float = figure("Wh/kg", "energy density of a cell", "电芯能量密度", ge=20, le=2000)
    cell_share: float = figure(
        "share of mass", "mass of the cells in the mass of the pack", "电芯占电池包质量比例", ge=0.2, le=1
    )
    composition_kg_kwh: dict[str, float] = figure(
        "kg/kWh", "what a pack is made of, element by element", "电池包材料组成（按元素）"
    )
    cycles: float = figure("cycles", "cycle life of a pack", "循环寿命", ge=10, le=1e6)
    ordinary_cycles: float = figure(
        "cycles", "cycle life of the pack that it stands in for", "被替代电池包的循环寿命", ge=10, le=1e6
    )
    cost_yuan_wh: float = figure("yuan/Wh", "cost of a cell", "电芯成本", ge=0.01, le=1000)
    ordinary_yuan_wh: float = figure(
        "yuan/Wh", "cost of the cell that it stands in for", "被替代电芯的成本", ge=0.01, le=1000
    )

    @property
    def pack_wh_kg(self) -> float:
        """Energy density of a pack, Wh/kg."""
        return self.cell_wh_kg * self.cell_share

    @property
    def wear(self) -> float:
        """How many times as often as an ordinary pack it fails within its warranty: the ratio of the cycle lives."""
        return float(np.clip(self.ordinary_cycles / self.cycles, _LEAST_WEAR, _MOST_WEAR))

    @property
    def dearness(self) -> float:
        """How many times as dear as an ordinary pack a new one is."""
        return self.cost_yuan_wh / self.ordinary_yuan_wh

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.kinds:
            raise ValueError(f"`kinds` names none; known are {', '.join(KINDS)}")
        for name, known, what in (
            *((kind, KINDS, "kind of vehicle") for kind in self.kinds),
            (self.chemistry, Chemistry.__members__, "chemistry"),
            *((element, ELEMENTS, "element") for element in self.composition_kg_kwh),
        ):
            if name not in known:
                raise ValueError(str(UnknownName(what, name, known, "technology")))
        if bad := [e for e, kg in self.composition_kg_kwh.items() if not 0 <= kg <= 100]:
            raise ValueError(f"`composition_kg_kwh`: {bad[0]} must be between 0 and 100 kg/kWh")
        held, whole = sum(self.composition_kg_kwh.values()), 1000.0 / self.pack_wh_kg
        if held > whole:
            raise ValueError(
                f"`composition_kg_kwh` adds up to {held:.3f} kg/kWh, more than a pack of {self.pack_wh_kg:g} "
                f"Wh/kg weighs ({whole:.3f})"
            )
        _only_years("share", self.share)
        return self


class Shipments(Section):
    """How many GWh of a technology are made in the world, and which part of them drives in China.

    A year's figure is `volume_gwh` where that names the year, else `penetration` of `demand_gwh` where the
    former names it; between such years it is a straight line, before the first and after the last it holds.
    """

    volume_gwh: Amount = figure("GWh/year", "world shipments in the years that it names", "全球出货量")
    penetration: Share = figure(
        "share of demand", "part of the world's demand, in the years that it names", "占全球需求的比例"
    )
    demand_gwh: Amount = figure(
        "GWh/year", "the world's demand for lithium-ion batteries", "全球锂离子电池需求"
    )
    domestic_share: float = figure(
        "share of energy",
        "shipments that are installed in China's new vehicles of these kinds",
        "装入中国同类新车的比例",
        ge=0,
        le=1,
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for name in ("volume_gwh", "penetration", "demand_gwh"):
            _only_years(name, getattr(self, name))
            if getattr(self, name).steps[0][0] == ALWAYS:
                raise ValueError(f"`{name}` must name its years, as in {{2028-01-01 = 13.5}}")
        return self

    def world_gwh(self) -> Floats:
        """Return float64[years], GWh a year in the world, from FIRST_YEAR on."""
        demand = by_year(self.demand_gwh)
        known = {y: share * demand[y - FIRST_YEAR] for y, share in _points(self.penetration).items()}
        known |= _points(self.volume_gwh)
        years = sorted(known)
        path: Floats = np.interp(_YEARS, years, [known[y] for y in years])
        return path


_YEARS = np.arange(FIRST_YEAR, LAST_YEAR + 1)


def by_year(path: Dated) -> Floats:
    """Return float64[years], the straight line through the years that *path* names."""
    points = _points(path)
    return np.interp(_YEARS, list(points), list(points.values()))


def _points(path: Dated) -> dict[int, float]:
    return {max(start.year, FIRST_YEAR): value for start, value in path.steps}


def _only_years(name: str, path: Dated) -> None:
    for start, _ in path.steps:
        if start != ALWAYS and (start.month, start.day) != (1, 1):
            raise ValueError(f"`{name}` is a path of years: write {start.year}-01-01, not {start}")
        if start != ALWAYS and not FIRST_YEAR <= start.year <= LAST_YEAR:
            raise ValueError(f"`{name}`: {start.year} is not between {FIRST_YEAR} and {LAST_YEAR}")


def check(technologies: Mapping[str, Technology], shipments: Mapping[str, Shipments]) -> None:
    """Check what no section can see alone.

    Raises:
        ValueError: shipments of no technology; shares of one kind of vehicle that add up to more than 1.
    """
    for name in shipments:
        if name not in technologies:
            raise ValueError(str(UnknownName("technology", name, technologies, "shipments")))
    if len(technologies) > np.iinfo(np.int8).max:
        raise ValueError(f"technology: {len(technologies)} sections, more than {np.iinfo(np.int8).max}")
    for kind in KINDS:
        total = np.zeros(YEARS)
        for technology in technologies.values():
            if kind in technology.kinds:
                total += by_year(technology.share)
        for year in _YEARS[total > 1 + 1e-9][:1]:
            raise ValueError(f"technology: the shares of {kind} add up to more than 1 in {year}")


class Technologies:
    """The technologies of a run, by number; ORDINARY is none of them.

    Attributes:
        chemistry: int8[t]; energy_kwh, pack_wh_kg: float64[t]; 0 of what is ordinary.
        wear, dearness: float64[t], see `Technology`; 1 of what is ordinary.
        kg_per_kwh: float64[t, element].
        shares: float64[years, kinds, t - 1], part of the new packs of a kind that is of each.
    """

    def __init__(
        self, technologies: Mapping[str, Technology], shipments: Mapping[str, Shipments], inputs: Inputs
    ) -> None:
        all_of = list(technologies.values())
        self.names = tuple(technologies)
        self.chemistry = np.array([0, *(Chemistry[t.chemistry] for t in all_of)], dtype=np.int8)
        self.energy_kwh = np.array([0.0, *(t.energy_kwh for t in all_of)])
        self.pack_wh_kg = np.array([0.0, *(t.pack_wh_kg for t in all_of)])
        self.wear = np.array([1.0, *(t.wear for t in all_of)])
        self.dearness = np.array([1.0, *(t.dearness for t in all_of)])
        self.kg_per_kwh = np.zeros((len(all_of) + 1, len(Element)))
        for row, technology in enumerate(all_of, start=1):
            for name, kg in technology.composition_kg_kwh.items():
                self.kg_per_kwh[row, ELEMENTS[name]] = kg
        self.shares = np.zeros((YEARS, len(Kind), len(all_of)))
        for place, (name, technology) in enumerate(technologies.items()):
            kinds = [KINDS[kind] for kind in dict.fromkeys(technology.kinds)]
            share = by_year(technology.share)
            if name in shipments:
                share = np.minimum(share, _share_of_packs(technology, shipments[name], inputs))
            self.shares[:, kinds, place] = share[:, None]
        self._cdf = np.cumsum(self.shares, axis=2)
        self._first_day = np.array([0, *(day_number(t.first_day) for t in all_of)])

    def __bool__(self) -> bool:
        return bool(self.names)

    def drawn(
        self, chance: Chance, keys: Keys, *, kind: Ints, year: int, made_day: Ints
    ) -> npt.NDArray[np.int8]:
        """Return int8[n], the technology of each new pack.

        Args:
            chance: the luck of the replication.
            keys: uint64[n], of the packs.
            kind: int[n], a Kind each.
            year: of all, as an offset from FIRST_YEAR.
            made_day: int[n], days since 1970-01-01.
        """
        if not self:
            return np.zeros(keys.size, dtype=np.int8)
        luck = chance.draw("pack.technology", keys)
        place = (luck[:, None] >= self._cdf[year][kind]).sum(axis=1)
        drawn = np.where(place < len(self.names), place + 1, ORDINARY)
        return np.where(made_day >= self._first_day[drawn], drawn, ORDINARY).astype(np.int8)


def _share_of_packs(technology: Technology, shipments: Shipments, inputs: Inputs) -> Floats:
    """Return float64[years], the share of the packs of its kinds that the domestic shipments make up."""
    kinds = [KINDS[kind] for kind in dict.fromkeys(technology.kinds)]
    vehicles = inputs.registrations * inputs.kind_share[:, kinds].sum(axis=1)
    packs = shipments.world_gwh() * shipments.domestic_share * 1e6 / technology.energy_kwh
    share: Floats = packs / np.maximum(vehicles, 1.0)
    return share
