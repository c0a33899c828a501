"""Price against penalty: what moves a holder towards the lawful way, and what away from it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.belief import Belief, Watch
from sim.inputs import FIRST_YEAR
from sim.market import WATCHED, Holder, Prices, Worth
from sim.scenario import Scenario
from tests.sim.small import World, inputs, run, small
from traceability.events import day_number
from traceability.vocabulary import Chemistry, Element, EventType, Role

E = EventType
DAY = day_number(date(2027, 6, 15))
CHEMISTRIES = np.array([Chemistry.LFP, Chemistry.NCM, Chemistry.LMO])
DAYS = np.full(3, DAY)
MASS_T = np.full(3, 0.4)

PROVINCE = np.full(3, 5)

QUIET = {
    "payable_lithium_lfp": 0.0, "payable_lithium_ncm": 0.0, "payable_nickel_cobalt": 0.0, "payable_other": 0.0,
    "treatment_yuan_t": 0, "informal_premium": 0.0, "formal_transport_yuan_t": 0,
    "informal_transport_yuan_t": 0, "noise_yuan_t": 1000, "deposit_yuan_pack": 0, "owner_yuan_t": 0,
    "leaning_yuan_t": 0, "dismantler_yuan_t": 0, "repairer_yuan_t": 0, "operator_yuan_t": 0, "outlet_yuan_t": 0,
}  # fmt: skip
AUTHORITIES = ("miit", "mofcom", "mee", "samr", "mot")
LAWLESS: dict[str, Any] = {
    "learning": {"prior_share": 0.0},
    "enforcement": {"integrated_scrapping": 0},
    "inspection": {who: {"inspected_share": 0.0} for who in AUTHORITIES},
}
"""Nobody inspects, and nobody believes that anybody does."""


def prices(**sections: dict[str, Any]) -> Prices:
    scenario = small(**sections)
    return Prices(
        Worth(inputs(), scenario.market), scenario.market, scenario.enforcement, scenario.inspection,
        scenario.collection, scenario.informal, Belief(scenario.learning, scenario.scale),
    )  # fmt: skip


def lawful(*, holder: Holder = Holder.OWNER, day: int = DAY, **sections: dict[str, Any]) -> np.ndarray:
    return prices(**sections).lawful_share(holder, np.full(3, day), CHEMISTRIES, MASS_T, PROVINCE)


# --- by hand ---


def test_who_gains_and_fears_nothing_either_way_tosses_a_coin():
    assert lawful(market=QUIET, **LAWLESS).tolist() == [0.5, 0.5, 0.5]


def test_a_transport_that_costs_the_noise_more_is_a_logit_of_one():
    """1 / (1 + e) of all go the lawful way where it costs 1,000 yuan/t more and the noise is 1,000 yuan/t."""
    dear, cheap = QUIET | {"formal_transport_yuan_t": 1000}, QUIET | {"informal_transport_yuan_t": 1000}
    assert lawful(market=dear, **LAWLESS) == pytest.approx(1 / (1 + np.e))
    assert lawful(market=cheap, **LAWLESS) == pytest.approx(np.e / (1 + np.e))


def test_a_deposit_counts_by_the_pack_and_so_less_by_the_tonne_the_heavier_it_is():
    """400 yuan on a pack of 0.4 t are 1,000 yuan/t, on one of 4 t a hundred."""
    deposit = prices(market=QUIET | {"deposit_yuan_pack": 400}, **LAWLESS)
    shares = deposit.lawful_share(Holder.OWNER, DAYS[:2], CHEMISTRIES[:2], np.array([0.4, 4.0]), PROVINCE[:2])
    assert shares == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-0.1))])


@pytest.mark.parametrize("holder", list(Holder))
def test_the_fine_that_a_holder_fears_is_what_he_believes_times_the_fine_over_the_packs_of_a_case(holder):
    """0.05 x 80,000 yuan / 10 packs = 400 yuan a pack of 0.4 t; an owner is under nobody's eyes."""
    law = {who: {"fine_yuan": 80_000, "packs_per_case": 10} for who in ("miit", "mofcom")}
    quiet = {who: {"fine_yuan": 0} for who in ("mee", "samr", "mot")}
    share = lawful(
        holder=holder, market=QUIET, learning={"prior_share": 0.05}, inspection=law | quiet,
        enforcement={"integrated_scrapping": 0},
    )  # fmt: skip
    assert share == pytest.approx(1 / (1 + np.exp(-1)) if holder in WATCHED else 0.5)


def test_what_a_workshop_may_lose_it_takes_off_its_offer():
    """It believes that 5 % are found, at work and again under way, and pays 10,000 yuan/t: 1,000 yuan/t less."""
    sections = LAWLESS | {"learning": {"prior_share": 0.05}}
    sections["inspection"] = {who: {"fine_yuan": 0} for who in AUTHORITIES}
    p = prices(**sections)
    assert p.workshop_risk_yuan_t(DAYS, PROVINCE, MASS_T, np.full(3, 10_000.0)) == pytest.approx(1000)
    assert p.workshop_risk_yuan_t(DAYS, PROVINCE, MASS_T, np.full(3, -500.0)).tolist() == [0, 0, 0]
    # with fines: (0.05 x 40,000 / 20 + 0.05 x 20,000 / 5 + 0.05 x 0.3 x 10,000 / 10) yuan / 0.4 t
    sections["inspection"] = {
        "mee": {"fine_yuan": 40_000, "packs_per_case": 20},
        "mot": {"fine_yuan": 20_000, "packs_per_case": 5},
        "samr": {"fine_yuan": 10_000, "packs_per_case": 10},
    }
    sections["informal"] = {"e_bike_share": 0.1, "storage_share": 0.2}
    risk = prices(**sections).workshop_risk_yuan_t(DAYS, PROVINCE, MASS_T, np.zeros(3))
    assert risk == pytest.approx((100 + 200 + 15) / 0.4)


def test_only_an_owner_fears_for_his_certificate():
    """1 x 0.1 x 4,000 yuan = 400 yuan a pack."""
    law = {"integrated_scrapping": 1, "refused_share": 0.1, "certificate_yuan": 4000}
    sections = LAWLESS | {"market": QUIET, "enforcement": law}
    assert lawful(holder=Holder.OWNER, **sections) == pytest.approx(1 / (1 + np.exp(-1)))
    for holder in set(Holder) - {Holder.OWNER}:
        assert lawful(holder=holder, **sections) == pytest.approx(0.5)


@pytest.mark.parametrize("holder", list(Holder))
def test_each_holder_leans_as_his_own_figure_says(holder):
    for other in Holder:
        share = lawful(holder=holder, market=QUIET | {other.value: 1000}, **LAWLESS)
        assert share == pytest.approx(1 / (1 + np.exp(-1)) if other is holder else 0.5)
    everybody = lawful(holder=holder, market=QUIET | {"leaning_yuan_t": 1000}, **LAWLESS)
    assert everybody == pytest.approx(1 / (1 + np.exp(-1)))


def test_the_formal_offer_is_the_payable_part_of_each_metal_less_the_treatment():
    """A tonne of LFP and of NCM pack of eight years before, element by element, in the spring of 2027."""
    paid = {
        "payable_lithium_lfp": 0.6, "payable_lithium_ncm": 0.7, "payable_nickel_cobalt": 0.8, "payable_other": 0.5,
        "treatment_yuan_t": 4000,
    }  # fmt: skip
    chemistries = (Chemistry.LFP, Chemistry.NCM)
    offer = Worth(inputs(), small(market=paid).market).formal_yuan_t(DAYS[:2], np.array(chemistries))
    figures = inputs()
    quarter, made = (2027 - FIRST_YEAR) * 4 + 1, 2019 - FIRST_YEAR
    for chemistry, yuan_t in zip(chemistries, offer.tolist(), strict=True):
        worth = 0.0
        for element in Element:
            kg_per_kwh = figures.composition_kg_per_kwh[made, chemistry, element]
            t_per_t = kg_per_kwh * figures.density_wh_kg[made, chemistry] / 1000
            part = 0.8 if element in (Element.NI, Element.CO) else 0.5
            if element is Element.LI:
                part = 0.6 if chemistry is Chemistry.LFP else 0.7
            worth += part * t_per_t * figures.prices_yuan_t[quarter, element]
        assert yuan_t == pytest.approx(worth - 4000)
    assert offer[1] > offer[0]


def test_the_offers_of_2025_are_those_of_the_market():
    """A lawful bidder paid about 12,000 yuan/t for NCM packs in 2025; cells of LFP, without case, brought 6,050 to 7,620
    yuan/t in September, and are about 0.65 of their pack: 3,900 to 5,000, of which the pack cannot bring more."""
    worth = Worth(inputs(), small().market)
    day = np.full(2, day_number(date(2025, 9, 15)))
    lfp, ncm = worth.formal_yuan_t(day, CHEMISTRIES[:2])
    assert ncm == pytest.approx(12_000, rel=0.15)
    assert 2000 < lfp < 5000


def test_a_premium_is_paid_on_what_a_battery_is_worth_and_not_on_what_it_costs():
    low, high = (
        Worth(
            inputs(),
            small(
                market={"treatment_yuan_t": cost, "informal_premium": 0.5, "premium_most_yuan_t": 1e6}
            ).market,
        )
        for cost in (0, 50_000)
    )
    formal = low.formal_yuan_t(DAYS, CHEMISTRIES)
    assert low.informal_yuan_t(DAYS, CHEMISTRIES) == pytest.approx(1.5 * formal)
    formal = high.formal_yuan_t(DAYS, CHEMISTRIES)
    assert (formal < 0).all()
    assert high.informal_yuan_t(DAYS, CHEMISTRIES) == pytest.approx(formal)


def test_a_premium_grows_with_the_price_up_to_the_most_that_was_seen():
    day = np.array([day_number(date(2022, 3, 1)), day_number(date(2025, 9, 15))])
    ncm = np.full(2, Chemistry.NCM)
    worth = Worth(inputs(), small(market={"informal_premium": 0.15, "premium_most_yuan_t": 2100}).market)
    dear, usual = worth.formal_yuan_t(day, ncm)
    assert dear > 3 * usual
    more = worth.informal_yuan_t(day, ncm) - worth.formal_yuan_t(day, ncm)
    assert more == pytest.approx([2100, 0.15 * usual])


def test_what_refining_leaves_in_2025_is_the_published_margin():
    """SMM, October 2025: -8 to -5 % of the sales of LFP black mass, 1 to 3 % of those of NCM.

    The sales are of lithium, nickel and cobalt; foil and case are left out on both sides.
    """
    market = {"payable_other": 0.0}
    scenario = small(market=market)
    figures, worth = inputs(), Worth(inputs(), scenario.market)
    day, made, quarter = (
        np.array([day_number(date(2025, 10, 15))]),
        2017 - FIRST_YEAR,
        (2025 - FIRST_YEAR) * 4 + 3,
    )
    for chemistry, low, high in ((Chemistry.LFP, -0.08, -0.05), (Chemistry.NCM, 0.01, 0.03)):
        held = figures.composition_kg_per_kwh[made, chemistry] * figures.density_wh_kg[made, chemistry] / 1000
        value = np.nan_to_num(held * figures.prices_yuan_t[quarter] * figures.recovery_share[1])
        black_mass = value[[Element.LI, Element.NI, Element.CO]].sum()
        margin = worth.recycler_margin_yuan_t(day, np.array([chemistry]))[0]
        assert low < (margin - (value.sum() - black_mass)) / black_mass < high


def test_figures_and_prices_hold_for_each_battery_on_its_own_day():
    """Two batteries of one call, the last day before the law and its first; and each as if it were alone."""
    dated = {"2011-01-01": 0, "2026-04-01": 1}
    p = prices(**LAWLESS | {"market": QUIET, "enforcement": {"integrated_scrapping": dated}})
    days = np.array([day_number(date(2026, 3, 31)), day_number(date(2026, 4, 1))])
    before, after = p.lawful_share(Holder.OWNER, days, CHEMISTRIES[:2], MASS_T[:2], PROVINCE[:2])
    assert before == 0.5
    assert after > 0.9
    years = np.array([day_number(date(year, 12, 31)) for year in (2021, 2026, 2035)])
    together = prices().lawful_share(Holder.OWNER, years, CHEMISTRIES, MASS_T, PROVINCE)
    alone = [
        prices().lawful_share(Holder.OWNER, years[[i]], CHEMISTRIES[[i]], MASS_T[[i]], PROVINCE[[i]])[0]
        for i in range(3)
    ]
    assert together.tolist() == alone


# --- which way each figure pulls ---

PULLS: list[tuple[str, dict[str, Any], int]] = [
    ("market.informal_premium", {"reach": 0.5}, -1),
    ("market.formal_transport_yuan_t", {"reach": 20_000.0}, -1),
    ("market.informal_transport_yuan_t", {"reach": 20_000.0}, 1),
    ("market.deposit_yuan_pack", {"reach": 5000.0}, 1),
    ("market.dismantler_yuan_t", {"reach": 20_000.0}, 1),
    ("market.leaning_yuan_t", {"reach": 20_000.0}, 1),
    ("learning.prior_share", {"reach": 1.0}, 1),
    ("inspection.mofcom.fine_yuan", {"reach": 1e6}, 1),
    ("inspection.mofcom.packs_per_case", {"reach": 50.0}, -1),
    ("inspection.mee.fine_yuan", {"reach": 1e6}, 1),
    ("inspection.mot.fine_yuan", {"reach": 1e6}, 1),
    ("inspection.samr.fine_yuan", {"reach": 1e7}, 1),
]
OWNERS: list[tuple[str, dict[str, Any], int]] = [
    ("enforcement.integrated_scrapping", {"reach": 1.0}, 1),
    ("enforcement.refused_share", {"reach": 1.0}, 1),
    ("enforcement.certificate_yuan", {"reach": 100_000.0}, 1),
]
EVERY = [(name, how["reach"], way, Holder.DISMANTLER) for name, how, way in PULLS] + [
    (name, how["reach"], way, Holder.OWNER) for name, how, way in OWNERS
]
each_figure = pytest.mark.parametrize(
    ("figure", "reach", "way", "holder"), EVERY, ids=[name for name, *_ in EVERY]
)


def with_figure(figure: str, value: float, leaning: float = 0.0) -> Prices:
    """The baseline with one figure, named by its path, at a value."""
    *path, name = figure.split(".")
    sections: dict[str, Any] = {"market": {"leaning_yuan_t": leaning}}
    table = sections.setdefault(path[0], {})
    for part in path[1:]:
        table = table.setdefault(part, {})
    table[name] = value
    return prices(**sections)


@each_figure
@given(
    low=st.floats(0, 1), high=st.floats(0, 1), mass_t=st.floats(0.05, 5), leaning=st.floats(-20_000, 20_000)
)
@settings(max_examples=15)
def test_each_figure_pulls_one_way(figure, reach, way, holder, low, high, mass_t, leaning):
    """Never the other way, wherever one stands."""
    low, high = sorted((low, high))
    shares = [
        with_figure(figure, value * reach, leaning).lawful_share(
            holder, DAYS, CHEMISTRIES, np.full(3, mass_t), PROVINCE
        )
        for value in (low, high)
    ]
    assert (((shares[1] - shares[0]) * way) >= -1e-12).all()
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)


def prices_most() -> float:
    """The most that an informal buyer pays more, in the baseline."""
    return small().market.premium_most_yuan_t.on(DAY)


@each_figure
def test_each_figure_pulls(figure, reach, way, holder):
    """From the baseline, a step of a tenth of its reach is felt by each chemistry that is worth something."""
    low, high = (
        with_figure(figure, value * reach).lawful_share(
            holder, DAYS[:2], CHEMISTRIES[:2], MASS_T[:2], PROVINCE[:2]
        )
        for value in (0.1, 0.2)
    )
    formal = prices().worth.formal_yuan_t(DAYS[:2], CHEMISTRIES[:2])
    # a premium is felt where a battery is worth something, and up to the most that is paid
    below = (formal > 0) & (0.1 * reach * formal < prices_most())
    felt = below if figure == "market.informal_premium" else np.ones(2, dtype=bool)
    assert felt.any()
    assert ((high - low)[felt] * way > 1e-6).all()


def test_a_belief_is_of_one_trade_in_one_province():
    """Outlets of province 5 have seen half of their sales found, those of province 6 none; nobody else changes his mind."""
    scenario: Scenario = small(
        market=QUIET, learning={"prior_share": 0.0, "learning_share": 1.0, "memory_packs": 0.0},
        enforcement={"integrated_scrapping": 0}, scale=1,
    )  # fmt: skip
    belief = Belief(scenario.learning, scenario.scale)
    p = Prices(
        Worth(inputs(), scenario.market), scenario.market, scenario.enforcement, scenario.inspection,
        scenario.collection, scenario.informal, belief,
    )  # fmt: skip
    seen = np.array([True, False, False])
    belief.saw(Watch.OUTLET, np.array([5, 5, 6]), seen, np.full(3, 0.1))
    for _ in range(2):
        belief.close_quarter(DAY)
    for holder in Holder:
        share = p.lawful_share(holder, DAYS, CHEMISTRIES, MASS_T, np.array([5, 6, 5]))
        here, there = share[0], share[1]
        assert there == pytest.approx(0.5)
        assert (here > 0.5001) == (holder is Holder.OUTLET)


# --- in a run, twin by twin ---

HORIZON: dict[str, Any] = {"scale": 20_000, "first": date(2026, 4, 1), "until": date(2029, 3, 31)}


def sold_off(world: World, role: Role = Role.OWNER) -> set[tuple[Any, ...]]:
    """The packs that holders of one role sold to workshops, by their marks."""
    return set(
        world.rows(
            f"""
            select u.made_day, u.coder, u.energy_wh, u.mass_g, u.code
            from event e join actor using (actor) join unit u using (unit)
            where happened and event = {E.DIVERT} and role = {role}"""
        )
    )


def share_lawful(world: World) -> float:
    """Of the packs that owners disposed of, the share that came to a dismantler with the vehicle."""
    ((kept,),) = world.rows(
        f"select count(*) from event where event = {E.RECEIVE_VEHICLE} and unit is not null"
    )
    return float(kept / (kept + len(sold_off(world))))


def sent_off(world: World, role: Role) -> float:
    """Of the packs that holders of one role passed on, the share that went to workshops."""
    (share,) = world.rows(
        f"""select avg((event = {E.DIVERT})::int) from event join actor using (actor)
        where happened and role = {role} and event in ({E.DIVERT}, {E.SHIP})"""
    )
    return float(share[0])


@pytest.mark.parametrize(
    "stricter",
    [
        {"enforcement": {"certificate_yuan": 100_000}},
        {"inspection": {"mee": {"fine_yuan": 5_000_000}}},
        {"market": {"deposit_yuan_pack": 1500}},
        {"market": {"informal_premium": -0.5}},
        {"market": {"owner_yuan_t": 3000}},
    ],
    ids=lambda stricter: next(iter(next(iter(stricter.values())))),
)
def test_what_pulls_towards_the_law_leaves_no_new_breach(stricter):
    """The luck of each owner is the same: those who sell off under the stricter figure are among those before."""
    loose, strict = run(small(**HORIZON)), run(small(**HORIZON, **stricter))
    assert sold_off(strict) < sold_off(loose)
    assert share_lawful(strict) > share_lawful(loose)


def test_integrated_scrapping_brings_batteries_to_the_dismantlers():
    off = run(small(**HORIZON, enforcement={"integrated_scrapping": 0}))
    on = run(small(**HORIZON, enforcement={"integrated_scrapping": 1}))
    assert sold_off(on) < sold_off(off)
    assert share_lawful(on) > share_lawful(off) + 0.05


def test_the_law_of_a_day_changes_the_months_from_that_day_on_and_none_before():
    """Integrated scrapping from 2027-07-01: the same breaches before, fewer after."""

    def switched(first_day: str | None) -> World:
        law = {"2011-01-01": 0.0} | ({first_day: 1.0} if first_day else {})
        return run(small(**HORIZON, enforcement={"integrated_scrapping": law}))

    def breaches(world: World, when: str) -> list[tuple[Any, ...]]:
        return world.rows(
            f"select vehicle, event_day, receiver from event join actor using (actor) where happened and role = {Role.OWNER}"
            f" and event = {E.DIVERT} and event_day {when} {day_number(date(2027, 7, 1))} order by all"
        )

    never, later = switched(None), switched("2027-07-01")
    assert breaches(never, "<") == breaches(later, "<")
    assert breaches(never, "<")
    assert set(breaches(later, ">=")) < set(breaches(never, ">="))


def test_a_better_informal_price_takes_packs_from_every_holder():
    """Outlets lean so far to the law that a handful of packs decides at this scale: they are left to the logit."""
    one, other = run(small(**HORIZON)), run(small(**HORIZON, market={"informal_premium": 1.5}))
    assert sold_off(one) < sold_off(other)
    assert share_lawful(other) < share_lawful(one)
    for role in (Role.ELV, Role.REPAIR):
        assert sent_off(other, role) > sent_off(one, role)


def test_the_share_of_a_run_is_the_chance_of_its_batteries():
    """With nothing but a coin to decide, half of the owners' packs are sold off, within four standard errors."""
    world = run(small(**HORIZON, market=QUIET, **LAWLESS))
    ((kept,),) = world.rows(
        f"select count(*) from event where event = {E.RECEIVE_VEHICLE} and unit is not null"
    )
    packs = kept + len(sold_off(world))
    assert packs > 100
    assert abs(share_lawful(world) - 0.5) < 4 * 0.5 / np.sqrt(packs)
