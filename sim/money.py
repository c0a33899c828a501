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
from sim.market import Worth
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
        "offer_formal", "What lawful buyers offer for a pack", "正规买方报价", "yuan/t", "元/吨", "chemistry"
    ),
    MeasureInfo(
        "offer_informal",
        "What workshops that fear nobody offer for a pack",
        "作坊报价（未计查处风险）",
        "yuan/t",
        "元/吨",
        "chemistry",
    ),
    MeasureInfo(
        "margin_formal",
        "What is left to a typical recycler",
        "综合利用企业毛利",
        "yuan/t",
        "元/吨",
        "chemistry",
    ),
    MeasureInfo(
        "margin_informal",
        "What is left to a workshop that nobody finds",
        "作坊毛利（未被查处）",
        "yuan/t",
        "元/吨",
        "chemistry",
    ),
    MeasureInfo(
        "earned",
        "Earned by packs, less the costs that the model knows and fines",
        "各类主体在退役电池上的净收入",
        "million yuan",
        "百万元",
        "who",
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
    yield from _authorities(store, scenario.scale)
    yield from _earned(store, scenario, worth)


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


def _authorities(store: ParquetStore, scale: int) -> Iterator[Figure]:
    """Inspections, penalties and fines; what is about a firm counts for the firms that it stands for."""
    rows = store.connection.execute(
        f"""
        select year(date '1970-01-01' + e.event_day), e.event, e.actor - f.first,
            count(e.unit) * {scale}, sum(r.stands_for) filter (e.unit is null),
            sum(d.value * case when e.unit is null then r.stands_for else {scale} end)
        from event e join actor r on r.actor = e.receiver
            join (select min(actor) as first from actor where role = {Role.REGULATOR}) f on true
            left join detail d on d.event_id = e.event_id and d.what = {Detail.FINE_YUAN}
        where e.happened and e.event in ({E.INSPECT}, {E.PENALISE}, {E.DELIST})
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
    """Tonnes by quarter and chemistry."""

    day: Ints
    chemistry: Ints
    tonnes: Floats

    def million_yuan(self, yuan_t: Callable[[Ints, Ints], Floats]) -> dict[int, float]:
        """Return year -> what they come to at so many yuan a tonne of a day and a chemistry."""
        total: dict[int, float] = {}
        year = quarters.of_days(self.day) // 4 + FIRST_YEAR
        value = yuan_t(self.day, self.chemistry) * self.tonnes / 1e6
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
    """What each kind of actor earned by the packs that came to it, a year."""
    market, scale = scenario.market, scenario.scale
    received = _lots(store, scale, f"e.event = {E.RECEIVE} and a.role = {Role.CU}")
    shipped = _lots(store, scale, f"e.event = {E.SHIP}")
    sold_off = _lots(store, scale, f"e.event = {E.DIVERT}")
    lost = _lots(store, scale, f"e.event = {E.PENALISE} and r.role = {Role.INFORMAL}")
    carried = shipped.million_yuan(lambda day, _: np.asarray(market.formal_transport_yuan_t.at(day)))
    worked = sold_off.million_yuan(lambda day, c: worth.workshop_margin_yuan_t(day, c, scenario.informal))
    # what is found is confiscated: the workshop has paid for it
    taken = lost.million_yuan(lambda day, c: np.maximum(worth.informal_yuan_t(day, c), 0.0))
    earned = {
        "recyclers": received.million_yuan(worth.recycler_margin_yuan_t),
        "carriers": carried,
        "workshops": _sum((1, worked), (-1, taken)),
        "holders": _sum(
            (1, received.million_yuan(worth.formal_yuan_t)),
            (1, sold_off.million_yuan(worth.informal_yuan_t)),
            (-1, carried),
        ),
    }
    for role, year, million in _fined(store, scale):
        who = _PAYS.get(role, "holders")
        earned[who] = _sum((1, earned[who]), (-1, {year: million}))
    for who, years in earned.items():
        for year in sorted(years):
            yield "earned", year, who, years[year]


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
