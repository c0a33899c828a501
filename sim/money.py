"""Money: what each way pays, who earns by it, and what the authorities look at, find and fine, by year.

What is offered follows from prices and coefficients alone; what is earned, from what the log says was handed over.
Only what the model knows is counted: no wages of outlets, no rent, no tax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sim import quarters
from sim.inputs import FIRST_YEAR, Inputs
from sim.market import Worth, lawful_way
from sim.processes.inspection import REGULATORS
from sim.report.model import MeasureInfo
from sim.scenario import Scenario
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import Chemistry, Detail, Level, Role
from traceability.vocabulary import EventType as E

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
Figure: TypeAlias = tuple[str, int, str, float]
"""Measure, year, key and value, as in `measures.Value`."""

CHEMISTRIES = (Chemistry.LFP, Chemistry.NCM)

MONEY_MEASURES: tuple[MeasureInfo, ...] = (
    MeasureInfo(
        "offer_formal",
        "What lawful buyers offer for a pack",
        "正规买方报价",
        "yuan/t",
        "元/吨",
        "chemistry",
        signed=True,
    ),
    MeasureInfo(
        "offer_informal",
        "What workshops that fear nobody offer for a pack",
        "作坊报价（未计查处风险）",
        "yuan/t",
        "元/吨",
        "chemistry",
        signed=True,
    ),
    MeasureInfo(
        "margin_formal",
        "What is left to a typical recycler",
        "综合利用企业毛利",
        "yuan/t",
        "元/吨",
        "chemistry",
        signed=True,
    ),
    MeasureInfo(
        "margin_informal",
        "What is left to a workshop that nobody finds",
        "作坊毛利（未被查处）",
        "yuan/t",
        "元/吨",
        "chemistry",
        signed=True,
    ),
    MeasureInfo(
        "earned",
        "Earned by packs, less the costs that the model knows and fines",
        "各类主体在退役电池上的净收入",
        "million yuan",
        "百万元",
        "who",
        signed=True,
    ),
    MeasureInfo(
        "spent",
        "Costs that the model knows: packs bought, their transport and work on them, and fines",
        "各类主体的成本（收购、运输、处理与罚款）",
        "million yuan",
        "百万元",
        "who",
        signed=True,
    ),
    MeasureInfo(
        "public_cost",
        "Paid by the state on packs that recyclers receive lawfully, and for outlets beyond those of 2023",
        "财政支出：依法移交的押金与补贴，以及新增网点补助",
        "million yuan",
        "百万元",
        "payment",
    ),
    MeasureInfo("fines", "Fines", "罚款", "million yuan", "百万元", "regulator"),
    MeasureInfo("inspections", "Batteries looked at", "受检电池", "thousand batteries", "千个", "regulator"),
    MeasureInfo(
        "penalties", "Batteries found in a breach", "查获违规电池", "thousand batteries", "千个", "regulator"
    ),
    MeasureInfo(
        "recyclers_struck_off",
        "Recyclers struck off the announced list",
        "被移出公告名单的综合利用企业",
        "firms",
        "家",
        "",
    ),
)


def measure(store: ParquetStore, scenario: Scenario, inputs: Inputs) -> Iterator[Figure]:
    """Yield every measure of money of the log in *store*.

    Args:
        store: a finished log.
        scenario: that it was run with.
        inputs: that it was run with.
    """
    worth = Worth(inputs, scenario.market)
    years = range(scenario.first.year, scenario.last.year + 1)
    yield from _offers(worth, scenario, years)
    yield from _authorities(store, scenario.scale, scenario.first_day())
    yield from _earned(store, scenario, worth)
    for kind, paid in _public(store, scenario, inputs).items():
        for year in years:
            yield "public_cost", year, kind, paid.get(year, 0.0)


def _offers(worth: Worth, scenario: Scenario, years: range) -> Iterator[Figure]:
    """Offers and margins: the mean over the quarters of a year, each in its middle."""
    for year in years:
        middles = quarters.START[(year - FIRST_YEAR) * 4 :][:4] + 45
        for kind in CHEMISTRIES:
            chemistry = np.full(4, kind)
            for name, yuan_t in (
                ("offer_formal", worth.formal_yuan_t(middles, chemistry)),
                ("offer_informal", worth.informal_yuan_t(middles, chemistry)),
                ("margin_formal", worth.recycler_margin_yuan_t(middles, chemistry)),
                ("margin_informal", worth.workshop_margin_yuan_t(middles, chemistry, scenario.informal)),
            ):
                yield name, year, kind.name, float(yuan_t.mean())


def _authorities(store: ParquetStore, scale: int, first_day: int) -> Iterator[Figure]:
    """Inspections, penalties and fines; what is about a firm counts for the firms that it stands for.

    Who leaves the list on the first day was never on it: see `Inspectors.announce`.
    """
    rows = store.connection.execute(
        f"""
        select year(date '1970-01-01' + e.event_day), e.event, e.actor - f.first,
            count(e.unit) * {scale}, sum(r.stands_for) filter (e.unit is null),
            sum(d.value * case when e.unit is null then r.stands_for else {scale} end)
        from event e join actor r on r.actor = e.receiver
            join (select min(actor) as first from actor where role = {Role.REGULATOR}) f on true
            left join detail d on d.event_id = e.event_id and d.what = {Detail.FINE_YUAN}
        where e.happened and e.event in ({E.INSPECT}, {E.PENALISE}, {E.DELIST})
            and not (e.event = {E.DELIST} and e.event_day = {first_day})
        group by all order by all"""
    ).fetchall()
    for year, event, place, units, firms, fined in rows:
        name = REGULATORS[place].upper()
        if event == E.DELIST:
            yield "recyclers_struck_off", year, "", float(firms)
        elif units:
            yield "inspections" if event == E.INSPECT else "penalties", year, name, units / 1e3
        if event == E.PENALISE:
            yield "fines", year, name, float(fined or 0) / 1e6


class _Lots(NamedTuple):
    """Tonnes (or packs) by day and chemistry."""

    day: Ints
    chemistry: Ints
    amount: Floats

    def million_yuan(self, yuan: Callable[[Ints, Ints], Floats]) -> dict[int, float]:
        """Return year -> what they come to at so many yuan each, by day and chemistry."""
        total: dict[int, float] = {}
        year = quarters.of_days(self.day) // 4 + FIRST_YEAR
        value = yuan(self.day, self.chemistry) * self.amount / 1e6
        for at, million in zip(year.tolist(), value.tolist(), strict=True):
            total[at] = total.get(at, 0.0) + million
        return total


def _lots(store: ParquetStore, scale: int, which: str) -> _Lots:
    """Return the packs of some events, in the middle of each quarter.

    Args:
        which: condition on event e, its unit u, its actor a, its receiver r.
    """
    found = store.connection.execute(
        f"""
        select date_diff('day', date '1970-01-01', date_trunc('quarter', date '1970-01-01' + e.event_day)::date) + 45 as day,
            u.chemistry, sum(u.mass_g) * {scale} / 1e6 as tonnes
        from event e join unit u using (unit) join actor a using (actor) left join actor r on r.actor = e.receiver
        where e.happened and u.level = {Level.PACK} and {which}
        group by all order by all"""
    ).fetchnumpy()
    return _Lots(
        np.asarray(found["day"], dtype=np.int64),
        np.asarray(found["chemistry"], dtype=np.int64),
        np.asarray(found["tonnes"], dtype=np.float64),
    )


def _earned(store: ParquetStore, scenario: Scenario, worth: Worth) -> Iterator[Figure]:
    """What each kind of actor spent on the packs that came to it, and what it earned by them, a year."""
    market, scale, way = scenario.market, scenario.scale, lawful_way(scenario.collection)
    received = _lots(store, scale, f"e.event = {E.RECEIVE} and a.role = {Role.CU}")
    shipped = _lots(store, scale, f"e.event = {E.SHIP}")
    sold_off = _lots(store, scale, f"e.event = {E.DIVERT}")
    lost = _lots(store, scale, f"e.event = {E.PENALISE} and r.role = {Role.INFORMAL}")
    carried = shipped.million_yuan(lambda day, _: np.asarray(market.formal_transport_yuan_t.at(day)) * way)
    worked = sold_off.million_yuan(lambda day, c: worth.workshop_margin_yuan_t(day, c, scenario.informal))
    # what is found is confiscated: the workshop has paid for it
    taken = lost.million_yuan(lambda day, c: np.maximum(worth.informal_yuan_t(day, c), 0.0))
    earned = {
        "recyclers": received.million_yuan(worth.recycler_margin_yuan_t),
        "carriers": carried,
        "workshops": _sum((1, worked), (-1, taken)),
        "holders": _sum(
            (1, received.million_yuan(worth.formal_yuan_t)),
            (1, _subsidies(received, scenario)),
            (1, _deposits(store, scenario)),
            (1, sold_off.million_yuan(worth.informal_yuan_t)),
            (-1, carried),
        ),
    }
    spent = {
        "recyclers": received.million_yuan(worth.recycler_costs_yuan_t),
        "workshops": sold_off.million_yuan(worth.workshop_costs_yuan_t),
        "holders": carried,
    }
    for role, year, million in _fined(store, scale):
        who = _PAYS.get(role, "holders")
        earned[who] = _sum((1, earned[who]), (-1, {year: million}))
        spent[who] = _sum((1, spent[who]), (1, {year: million}))
    for name, by_who in (("earned", earned), ("spent", spent)):
        for who, years in by_who.items():
            for year in sorted(years):
                yield name, year, who, years[year]


def _subsidies(received: _Lots, scenario: Scenario) -> dict[int, float]:
    """Return year -> million yuan of subsidies on the tonnes that recyclers received."""
    return received.million_yuan(lambda day, _: np.asarray(scenario.market.subsidy_yuan_t.at(day)))


def _deposits(store: ParquetStore, scenario: Scenario) -> dict[int, float]:
    """Return year -> million yuan of deposits on the packs that recyclers received.

    It is paid once, at the end of the lawful way; who holds the pack before gets it with the price.
    """
    rows = store.connection.execute(
        f"""
        select e.event_day, count(*) as packs from event e join unit u using (unit) join actor a using (actor)
        where e.happened and u.level = {Level.PACK} and e.event = {E.RECEIVE} and a.role = {Role.CU}
        group by all order by all"""
    ).fetchnumpy()
    days = np.asarray(rows["event_day"], dtype=np.int64)
    packs = np.asarray(rows["packs"], dtype=np.float64) * scenario.scale
    lots = _Lots(days, np.zeros_like(days), packs)
    return lots.million_yuan(lambda day, _: np.asarray(scenario.market.deposit_yuan_pack.at(day)))


def _public(store: ParquetStore, scenario: Scenario, inputs: Inputs) -> dict[str, dict[int, float]]:
    """Return kind of payment -> year -> million yuan that the state pays."""
    received = _lots(store, scenario.scale, f"e.event = {E.RECEIVE} and a.role = {Role.CU}")
    support, more = scenario.collection.support_yuan_year, max(scenario.collection.density - 1.0, 0.0)
    outlets = {
        year: float(inputs.outlets.sum()) * more * support.on(int(quarters.year_start(year))) / 1e6
        for year in range(scenario.first.year, scenario.last.year + 1)
    }
    return {
        "deposit": _deposits(store, scenario),
        "subsidy": _subsidies(received, scenario),
        "outlets": outlets,
    }


_PAYS = {int(Role.INFORMAL): "workshops", int(Role.CU): "recyclers"}


def _sum(*parts: tuple[int, dict[int, float]]) -> dict[int, float]:
    """Return year -> the sum of all parts, each with its sign."""
    total: dict[int, float] = {}
    for sign, years in parts:
        for year, million in years.items():
            total[year] = total.get(year, 0.0) + sign * million
    return total


def _fined(store: ParquetStore, scale: int) -> list[tuple[int, int, float]]:
    """Return (role, year, million yuan) of all fines."""
    return store.connection.execute(
        f"""
        select r.role, year(date '1970-01-01' + e.event_day),
            sum(d.value * case when e.unit is null then r.stands_for else {scale} end) / 1e6
        from event e join actor r on r.actor = e.receiver join detail d using (event_id)
        where e.happened and e.event = {E.PENALISE} and d.what = {Detail.FINE_YUAN}
        group by all order by all"""
    ).fetchall()
