"""Price against penalty: what moves a holder towards the lawful way, and what away from it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.inputs import FIRST_YEAR
from sim.market import Holder, Prices
from tests.sim.small import World, inputs, run, small
from traceability.events import day_number
from traceability.vocabulary import Chemistry, Element, EventType, Role

E = EventType
DAY = day_number(date(2027, 6, 15))
CHEMISTRIES = np.array([Chemistry.LFP, Chemistry.NCM, Chemistry.LMO])
DAYS = np.full(3, DAY)
MASS_T = np.full(3, 0.4)

QUIET = {
    "payable_share": 0.0, "treatment_yuan_t": 0, "informal_premium": 0.0, "formal_transport_yuan_t": 0,
    "informal_transport_yuan_t": 0, "noise_yuan_t": 1000, "deposit_yuan_pack": 0, "owner_yuan_t": 0,
    "dismantler_yuan_t": 0, "repairer_yuan_t": 0, "operator_yuan_t": 0, "outlet_yuan_t": 0,
}  # fmt: skip
LAWLESS = {"inspected_share": 0.0, "integrated_scrapping": 0}


def prices(market: dict[str, Any] | None = None, enforcement: dict[str, Any] | None = None) -> Prices:
    scenario = small(market=market or {}, enforcement=enforcement or {})
    return Prices(inputs(), scenario.market, scenario.enforcement)


def lawful(
    market: dict[str, Any] | None = None,
    enforcement: dict[str, Any] | None = None,
    *,
    holder: Holder = Holder.OWNER,
    day: int = DAY,
) -> np.ndarray:
    return prices(market, enforcement).lawful_share(holder, np.full(3, day), CHEMISTRIES, MASS_T)


# --- by hand ---


def test_who_gains_and_fears_nothing_either_way_tosses_a_coin():
    assert lawful(QUIET, LAWLESS).tolist() == [0.5, 0.5, 0.5]


def test_a_transport_that_costs_the_noise_more_is_a_logit_of_one():
    """1 / (1 + e) of all go the lawful way where it costs 1,000 yuan/t more and the noise is 1,000 yuan/t."""
    assert lawful(QUIET | {"formal_transport_yuan_t": 1000}, LAWLESS) == pytest.approx(1 / (1 + np.e))
    assert lawful(QUIET | {"informal_transport_yuan_t": 1000}, LAWLESS) == pytest.approx(np.e / (1 + np.e))


def test_a_deposit_counts_by_the_pack_and_so_less_by_the_tonne_the_heavier_it_is():
    """400 yuan on a pack of 0.4 t are 1,000 yuan/t, on one of 4 t a hundred."""
    deposit = prices(QUIET | {"deposit_yuan_pack": 400}, LAWLESS)
    shares = deposit.lawful_share(Holder.OWNER, DAYS[:2], CHEMISTRIES[:2], np.array([0.4, 4.0]))
    assert shares == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-0.1))])


def test_the_expected_fine_is_chance_times_fine_over_the_packs_of_a_case():
    """0.1 x 0.5 x 80,000 yuan / 10 packs = 400 yuan a pack."""
    law = {
        "inspected_share": 0.1, "detected_share": 0.5, "fine_yuan": 80_000, "packs_per_case": 10,
        "integrated_scrapping": 0,
    }  # fmt: skip
    for holder in Holder:
        assert lawful(QUIET, law, holder=holder) == pytest.approx(1 / (1 + np.exp(-1)))


def test_only_an_owner_fears_for_his_certificate():
    """1 x 0.1 x 4,000 yuan = 400 yuan a pack."""
    law = {"inspected_share": 0.0, "integrated_scrapping": 1, "refused_share": 0.1, "certificate_yuan": 4000}
    assert lawful(QUIET, law, holder=Holder.OWNER) == pytest.approx(1 / (1 + np.exp(-1)))
    for holder in set(Holder) - {Holder.OWNER}:
        assert lawful(QUIET, law, holder=holder) == pytest.approx(0.5)


@pytest.mark.parametrize("holder", list(Holder))
def test_each_holder_leans_as_his_own_figure_says(holder):
    for other in Holder:
        share = lawful(QUIET | {other.value: 1000}, LAWLESS, holder=holder)
        assert share == pytest.approx(1 / (1 + np.exp(-1)) if other is holder else 0.5)


def test_the_formal_offer_is_the_payable_part_of_the_metals_less_the_treatment():
    """A tonne of LFP and of NCM pack of eight years before, element by element."""
    chemistries = (Chemistry.LFP, Chemistry.NCM)
    offer = prices({"payable_share": 0.7, "treatment_yuan_t": 4000}).formal_yuan_t(
        DAYS[:2], np.array(chemistries)
    )
    figures = inputs()
    year, made = 2027 - FIRST_YEAR, 2019 - FIRST_YEAR
    for chemistry, yuan_t in zip(chemistries, offer.tolist(), strict=True):
        worth = 0.0
        for element in Element:
            kg_per_kwh = figures.composition_kg_per_kwh[made, chemistry, element]
            t_per_t = kg_per_kwh * figures.density_wh_kg[made, chemistry] / 1000
            worth += t_per_t * figures.prices_yuan_t[year, element]
        assert yuan_t == pytest.approx(0.7 * worth - 4000)
    assert offer[1] > offer[0]


def test_figures_and_prices_hold_for_each_battery_on_its_own_day():
    """Two batteries of one call, the last day before the law and its first; and each as if it were alone."""
    dated = {"2011-01-01": 0.0, "2026-04-01": 0.8}
    p = prices(QUIET, LAWLESS | {"inspected_share": dated, "detected_share": 1.0})
    days = np.array([day_number(date(2026, 3, 31)), day_number(date(2026, 4, 1))])
    before, after = p.lawful_share(Holder.OUTLET, days, CHEMISTRIES[:2], MASS_T[:2])
    assert before == 0.5
    assert after > 0.9
    years = np.array([day_number(date(year, 12, 31)) for year in (2021, 2026, 2035)])
    together = prices().lawful_share(Holder.OWNER, years, CHEMISTRIES, MASS_T)
    alone = [
        prices().lawful_share(Holder.OWNER, years[[i]], CHEMISTRIES[[i]], MASS_T[[i]])[0] for i in range(3)
    ]
    assert together.tolist() == alone


# --- which way each figure pulls ---

PULLS = [
    ("market", "informal_premium", -1),
    ("market", "formal_transport_yuan_t", -1),
    ("market", "informal_transport_yuan_t", 1),
    ("market", "deposit_yuan_pack", 1),
    ("market", "owner_yuan_t", 1),
    ("enforcement", "inspected_share", 1),
    ("enforcement", "detected_share", 1),
    ("enforcement", "fine_yuan", 1),
    ("enforcement", "packs_per_case", -1),
    ("enforcement", "integrated_scrapping", 1),
    ("enforcement", "refused_share", 1),
    ("enforcement", "certificate_yuan", 1),
]
REACH = {
    "share": 1.0,
    "yuan_t": 20_000.0,
    "yuan": 100_000.0,
    "case": 50.0,
    "premium": 2.0,
    "scrapping": 1.0,
    "pack": 5000.0,
}


@pytest.mark.parametrize(("section", "figure", "direction"), PULLS, ids=[figure for _, figure, _ in PULLS])
@given(
    low=st.floats(0, 1), high=st.floats(0, 1), mass_t=st.floats(0.05, 5), leaning=st.floats(-20_000, 20_000)
)
@settings(max_examples=25)
def test_each_figure_pulls_one_way(section, figure, direction, low, high, mass_t, leaning):
    """Never the other way, wherever one stands."""
    low, high = sorted((low, high))
    reach = next(size for ending, size in REACH.items() if figure.endswith(ending))
    shares = []
    for value in (low * reach, high * reach):
        sections = {"market": {"owner_yuan_t": leaning}, "enforcement": {}}
        sections[section] = sections[section] | {figure: value}
        p = prices(sections["market"], sections["enforcement"])
        shares.append(p.lawful_share(Holder.OWNER, DAYS, CHEMISTRIES, np.full(3, mass_t)))
    assert (((shares[1] - shares[0]) * direction) >= -1e-12).all()
    assert all(((share >= 0) & (share <= 1)).all() for share in shares)


@pytest.mark.parametrize(("section", "figure", "direction"), PULLS, ids=[figure for _, figure, _ in PULLS])
def test_each_figure_pulls(section, figure, direction):
    """From the baseline, a step of a tenth of its reach is felt by each chemistry that is worth something."""
    reach = next(size for ending, size in REACH.items() if figure.endswith(ending))
    low, high = (
        prices(**{section: {figure: value}}).lawful_share(Holder.OWNER, DAYS[:2], CHEMISTRIES[:2], MASS_T[:2])
        for value in (0.1 * reach, 0.2 * reach)
    )
    formal = prices().formal_yuan_t(DAYS[:2], CHEMISTRIES[:2])
    felt = formal > 0 if figure == "informal_premium" else np.ones(2, dtype=bool)
    assert felt.any()
    assert ((high - low)[felt] * direction > 1e-6).all()


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
        {"enforcement": {"inspected_share": 0.5}},
        {"enforcement": {"fine_yuan": 500_000}},
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
    one, other = run(small(**HORIZON)), run(small(**HORIZON, market={"informal_premium": 1.5}))
    assert sold_off(one) < sold_off(other)
    assert share_lawful(other) < share_lawful(one)
    for role in (Role.ELV, Role.REPAIR, Role.OUTLET):
        assert sent_off(other, role) > sent_off(one, role)


def test_the_share_of_a_run_is_the_chance_of_its_batteries():
    """With nothing but a coin to decide, half of the owners' packs are sold off, within four standard errors."""
    world = run(small(**HORIZON, market=QUIET, enforcement=LAWLESS))
    ((kept,),) = world.rows(
        f"select count(*) from event where event = {E.RECEIVE_VEHICLE} and unit is not null"
    )
    packs = kept + len(sold_off(world))
    assert packs > 100
    assert abs(share_lawful(world) - 0.5) < 4 * 0.5 / np.sqrt(packs)
