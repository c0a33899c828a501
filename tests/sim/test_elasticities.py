"""How far money and police move the share of batteries that is handed over lawfully: which way, when, and how much.

All worlds of a figure are twins: the same vehicles, the same luck, one figure apart.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pytest

from sim.market import Worth
from tests.sim.small import World, inputs, run, small
from traceability.events import day_number
from traceability.vocabulary import Chemistry, EventType, Role

E = EventType
HORIZON: dict[str, Any] = {"scale": 20_000, "first": date(2026, 4, 1), "until": date(2030, 3, 31)}
SEVERE = {"detected_share": 1.0, "fine_yuan": 100_000, "packs_per_case": 10}

RANGES: dict[str, tuple[list[float], int]] = {
    "market.informal_premium": ([-0.2, 0.0, 0.15, 0.4, 1.0], -1),
    "market.deposit_yuan_pack": ([0, 500, 1500, 5000], 1),
    "market.formal_transport_yuan_t": ([0, 500, 2000, 8000], -1),
    "market.informal_transport_yuan_t": ([0, 150, 2000, 8000], 1),
    "market.leaning_yuan_t": ([-3000, 0, 3000], 1),
    "enforcement.certificate_yuan": ([0, 12_000, 50_000], 1),
    "enforcement.refused_share": ([0.0, 0.35, 0.9], 1),
    "inspection.mofcom.inspected_share": ([0.0, 0.04, 0.3, 1.0], 1),
    "inspection.mofcom.detected_share": ([0.0, 0.3, 1.0], 1),
    "inspection.mofcom.fine_yuan": ([0, 50_000, 1_000_000], 1),
    "inspection.mee.inspected_share": ([0.0, 0.03, 0.3, 1.0], 1),
    "inspection.mee.fine_yuan": ([0, 100_000, 5_000_000], 1),
    "inspection.mot.inspected_share": ([0.0, 0.01, 0.3, 1.0], 1),
    "collection.refused_share": ([0.0, 0.05, 0.5, 1.0], -1),
}
HARSH = {  # in a world where a figure has something to work on
    "inspection.mofcom.inspected_share": {"inspection": {"mofcom": SEVERE}},
    "inspection.mofcom.detected_share": {
        "inspection": {"mofcom": {"inspected_share": 0.5, "fine_yuan": 100_000}}
    },
    "inspection.mofcom.fine_yuan": {"inspection": {"mofcom": {"inspected_share": 0.3}}},
    "collection.refused_share": {"market": {"treatment_yuan_t": 40_000}},
}


def world(figure: str, value: float, harsh: bool = True) -> World:
    sections: dict[str, Any] = {}
    for name, table in (HARSH.get(figure, {}) if harsh else {}).items():
        sections[name] = {key: dict(of) if isinstance(of, dict) else of for key, of in table.items()}
    *path, key = figure.split(".")
    table = sections.setdefault(path[0], {})
    for part in path[1:]:
        table = table.setdefault(part, {})
    table[key] = value
    return run(small(**HORIZON, **sections))


def formal(of: World, since: date = date(2026, 4, 1)) -> float:
    """Of the packs that were sold off or came to an outlet or recycler, the share that was never sold off, by mass."""
    ((share,),) = of.rows(
        f"""
        with pack as (
            select unit, any_value(mass_g) as mass_g, bool_or(event = {E.DIVERT}) as off
            from event join unit using (unit)
            where happened and level = 1 and event in ({E.DIVERT}, {E.COLLECT}, {E.RECEIVE})
                and event_day >= {day_number(since)} group by unit)
        select sum(mass_g) filter (not off) / sum(mass_g) from pack"""
    )
    return float(share)


@cache
def shares(figure: str) -> tuple[float, ...]:
    return tuple(formal(world(figure, value)) for value in RANGES[figure][0])


@pytest.mark.parametrize("figure", list(RANGES))
def test_the_formal_share_moves_one_way_over_the_whole_range(figure):
    found, way = shares(figure), RANGES[figure][1]
    steps = [(after - before) * way for before, after in zip(found[:-1], found[1:], strict=True)]
    assert min(steps) >= 0, found
    assert sum(steps) > 0.01, found


# --- of plausible size ---

NOISE, DECISIONS = 3000.0, 2.0
"""Scale of the logit in the baseline, yuan/t; a scrapped car's pack is decided on by owner and dismantler."""


def most(yuan_t: float) -> float:
    """The most that so many yuan/t can move the share: no logit is steeper than 1/4 per scale, at each decision."""
    return DECISIONS * 0.25 * yuan_t / NOISE


def moved(figure: str, low: float, high: float) -> float:
    found = dict(zip(RANGES[figure][0], shares(figure), strict=True))
    return abs(found[high] - found[low])


def test_a_premium_moves_no_more_than_the_yuan_that_it_is():
    """From 0 to 15 % of an offer of at most 19,000 yuan/t (NCM, 2027): at most 2,850 yuan/t, and a tenth of it at least,
    since most packs are LFP, which bring a quarter of that."""
    worth = Worth(inputs(), small().market)
    days = np.array([day_number(date(year, 7, 1)) for year in range(2026, 2030)])
    dearest = 0.15 * float(worth.formal_yuan_t(days, np.full(4, Chemistry.NCM)).max())
    assert 0.1 * most(dearest) < moved("market.informal_premium", 0.0, 0.15) < most(dearest)


def test_a_deposit_moves_no_more_than_the_yuan_that_it_is():
    """500 yuan on a pack of 0.2 t at the lightest are 2,500 yuan/t; on one of 0.5 t, 1,000."""
    assert 0.1 * most(1000) < moved("market.deposit_yuan_pack", 0, 500) < most(2500)


def test_transport_moves_no_more_than_the_yuan_that_it_costs():
    assert 0.1 * most(500) < moved("market.formal_transport_yuan_t", 0, 500) < most(500)


def test_todays_inspections_move_little():
    """Four in a hundred hand-overs, of which three in ten are found, at 5,000 yuan a pack: 60 yuan of expected fine.

    Even on a pack of 0.2 t that is 300 yuan/t, for the dismantler alone.
    """
    none, now = (
        formal(world("inspection.mofcom.inspected_share", value, harsh=False)) for value in (0.0, 0.04)
    )
    assert 0 <= now - none < 0.25 * 300 / NOISE


# --- after learning ---


def sold_by_dismantlers(of: World, before: date | None = None) -> list[tuple[Any, ...]]:
    until = "" if before is None else f" and event_day < {day_number(before)}"
    return of.rows(
        f"""select unit, event_day from event join actor using (actor)
        where happened and event = {E.DIVERT} and role = {Role.ELV}{until} order by all"""
    )


def test_more_inspections_are_believed_only_after_they_were_seen():
    """From 2027-01-01 every hand-over is inspected.  Who decides before July has seen no closed quarter of it."""

    def inspected(share: Any) -> World:
        return run(small(**HORIZON, inspection={"mofcom": SEVERE | {"inspected_share": share}}))

    never, later = inspected(0.0), inspected({"2011-01-01": 0.0, "2027-01-01": 1.0})
    always = inspected(1.0)
    assert sold_by_dismantlers(later, date(2027, 7, 1)) == sold_by_dismantlers(never, date(2027, 7, 1))
    assert len(sold_by_dismantlers(later)) < 0.9 * len(sold_by_dismantlers(never))
    assert len(sold_by_dismantlers(always)) < len(sold_by_dismantlers(later))
    late = date(2029, 4, 1)
    assert formal(never, late) < formal(later, late) <= formal(always, late)


def test_who_learns_faster_is_deterred_sooner():
    def sold(pace: float) -> int:
        law = {"mofcom": SEVERE | {"inspected_share": {"2011-01-01": 0.0, "2027-01-01": 1.0}}}
        return len(
            sold_by_dismantlers(run(small(**HORIZON, inspection=law, learning={"learning_share": pace})))
        )

    never, slow, fast = sold(0.0), sold(0.1), sold(1.0)
    assert never > slow > fast


def test_what_is_believed_does_not_depend_on_the_scale():
    """A world of a fifth of the packs deters as many of a hundred, within four standard errors of both."""

    def sold_share(scale: int) -> tuple[float, int]:
        law = {"mofcom": SEVERE | {"inspected_share": 0.3}}
        of = run(small(**HORIZON | {"scale": scale}, inspection=law, learning={"learning_share": 0.5}))
        ((share, packs),) = of.rows(
            f"""select avg((event = {E.DIVERT})::int), count(*) from event join actor using (actor)
            where happened and role = {Role.ELV} and event in ({E.DIVERT}, {E.SHIP})"""
        )
        return share, packs

    (coarse, few), (fine, many) = sold_share(50_000), sold_share(10_000)
    assert many > 4 * few > 200
    error = (fine * (1 - fine) * (1 / few + 1 / many)) ** 0.5
    assert abs(coarse - fine) < 4 * error
