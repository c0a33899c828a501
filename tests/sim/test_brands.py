"""Brands on their path of months: AITO from its first delivery to the millionth vehicle, and after."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sim.industry import MOST, Brand, vehicle_maker_shares
from sim.inputs import FIRST_YEAR, Inputs
from sim.inputs import load as load_inputs
from sim.scenario import load
from tests.sim.small import inputs, run, small
from traceability.errors import ScenarioError
from traceability.events import day_number
from traceability.vocabulary import EventType

REGISTERED = inputs().registered(0.8889)
PACKAGED = Path(load_inputs.__code__.co_filename).with_name("data") / "brand_months.csv"


def brand(monthly: object) -> Brand:
    return Brand.model_validate({"monthly_vehicles": monthly, "sources": {"monthly_vehicles": "assumed"}})


def vehicles(name: str, figures: Inputs, **brands: Brand) -> np.ndarray:
    """float64[years, 12], vehicles of a maker by month."""
    shares = vehicle_maker_shares(figures, brands, REGISTERED)
    months = (REGISTERED[:, None] * figures.season).ravel()
    return (shares[:, figures.vehicle_makers.names.index(name)] * months).reshape(-1, 12)


def year(of: int) -> int:
    return of - FIRST_YEAR


# --- the path ---


def test_aito_is_on_its_published_path():
    aito = vehicles("AITO", inputs())
    assert aito[: year(2022)].sum() == 0
    assert aito[year(2022), :2].tolist() == [0, 0]
    assert aito[year(2022), 2:5].sum() == pytest.approx(10_000)
    assert aito[year(2022), 4] > 5_000
    assert aito[year(2022), 8] > 10_000
    assert aito[year(2022), 10] == pytest.approx(8_260)
    assert aito[year(2023)].sum() == pytest.approx(94_380)
    assert aito[year(2024), 0] == pytest.approx(32_900)
    assert aito[year(2025), 1] == pytest.approx(15_023)
    assert aito[year(2025), 11] > 57_000
    assert 420_000 < aito[year(2025)].sum() < 422_920


def test_the_millionth_aito_is_sold_on_13_january_2026():
    """On the thirteenth of 31 days, 46 months after March 2022."""
    aito = vehicles("AITO", inputs())
    before, january = aito[: year(2026)].sum(), aito[year(2026), 0]
    assert before + january * 12 / 31 < 1_000_000 <= before + january * 13 / 31 + 1e-6


def test_the_yearly_shares_of_aito_are_the_sum_of_its_months():
    figures = inputs()
    share = figures.vehicle_maker_share[:, figures.vehicle_makers.names.index("AITO")]
    months = np.nansum(figures.brand_vehicles, axis=1).reshape(-1, 12).sum(axis=1)
    for of in range(2022, 2026):
        assert share[year(of)] == pytest.approx(months[year(of)] / figures.registrations[year(of)], abs=1e-6)


def test_aito_and_the_rest_of_seres_are_what_seres_sold_in_2025():
    both = (
        vehicles("AITO", inputs())[year(2025)].sum()
        + inputs().registrations[year(2025)]
        * (inputs().vehicle_maker_share[year(2025), inputs().vehicle_makers.names.index("Seres")])
    )
    assert both == pytest.approx(422_920, abs=20)


def test_the_baseline_holds_the_share_of_2025():
    shares = vehicle_maker_shares(inputs(), {}, REGISTERED)[:, inputs().vehicle_makers.names.index("AITO")]
    assert np.unique(shares[year(2026) * 12 + 1 :]).size == 1
    assert shares[-1] == pytest.approx(421_460 / 12_930_000, abs=1e-6)


# --- the others ---


def test_the_shares_of_every_month_sum_to_one_and_the_others_keep_their_proportions():
    figures = inputs()
    shares = vehicle_maker_shares(figures, {}, REGISTERED)
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-12)
    assert shares.min() >= 0
    aito = figures.vehicle_makers.names.index("AITO")
    rest, yearly = (
        np.delete(shares, aito, axis=1),
        np.delete(np.repeat(figures.vehicle_maker_share, 12, axis=0), aito, axis=1),
    )
    np.testing.assert_allclose(
        rest / rest.sum(axis=1, keepdims=True), yearly / yearly.sum(axis=1, keepdims=True), atol=1e-12
    )


def test_a_month_without_figures_has_the_yearly_shares_to_the_last_bit():
    shares = vehicle_maker_shares(inputs(), {}, REGISTERED)
    assert np.array_equal(shares[year(2030) * 12], inputs().vehicle_maker_share[year(2030)])


def test_a_brand_of_a_scenario_comes_before_the_file_and_holds():
    own = vehicles("AITO", inputs(), AITO=brand({"2025-06-01": 1000, "2025-08-01": 2000}))
    assert own[year(2025), 4:9] == pytest.approx(
        [vehicles("AITO", inputs())[year(2025), 4], 1000, 1000, 2000, 2000]
    )
    assert own[year(2035), 11] == pytest.approx(2000)


def test_brands_never_take_a_whole_month():
    shares = vehicle_maker_shares(
        inputs(), {"AITO": brand({"2026-01-01": 1e9}), "NIO": brand({"2026-01-01": 1e9})}, REGISTERED
    )
    names = inputs().vehicle_makers.names
    assert shares[-1, names.index("AITO")] == pytest.approx(MOST / 2)
    assert shares[-1].sum() == pytest.approx(1)


def test_a_brand_that_is_no_maker_is_told_with_the_closest():
    with pytest.raises(ScenarioError, match="unknown vehicle maker `AITA` in brand; did you mean `AITO`"):
        vehicle_maker_shares(inputs(), {"AITA": brand({"2026-01-01": 1})}, REGISTERED)


@pytest.mark.parametrize("monthly", [1000, {"2026-01-15": 1000}])
def test_a_brand_begins_on_the_first_day_of_a_month(monthly):
    with pytest.raises(ValidationError, match="needs the first day of a month"):
        brand(monthly)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "AITO,2022-04,",
            "AITO,2022-14,",
            "column `month`: found `2022-14`; expected a month such as 2022-03",
        ),
        ("AITO,2022-04,", "AITO,2022-03,", "expected a month that no other row has for this maker"),
        ("AITO,2022-04,", "AITA,2022-04,", "did you mean `AITO`"),
        (
            ",3000,4900,",
            ",3000,4901,",
            "column `total`: found `4901`; expected 4900, the sum of its months so far",
        ),
    ],
)
def test_a_bad_month_is_told_by_line_and_column(tmp_path, old, new, expected):
    text = PACKAGED.read_text("utf-8")
    assert old in text
    (tmp_path / "brand_months.csv").write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_inputs(tmp_path)
    assert expected in str(caught.value)


# --- in a run ---


def test_a_run_sells_aito_as_it_was_sold():
    """At one to a thousand: 1,000 vehicles until the day of the millionth, give or take four standard errors."""
    world = run(small(scale=1000, first=date(2026, 1, 1), until=date(2026, 3, 31)))
    by_year = dict(
        world.rows(
            f"""
            select year(date '1970-01-01' + event_day), count(*) from event join actor using (actor)
            where happened and event = {EventType.SELL} and name like '%AITO%' and event_day <= {day_number(date(2026, 1, 13))}
            group by all"""
        )
    )
    assert min(by_year) == 2022
    for of, expected in ((2022, 68.6), (2023, 94.4), (2024, 402.6), (2025, 421.5)):
        assert abs(by_year[of] - expected) < 4 * np.sqrt(expected)
    assert abs(sum(by_year.values()) - 1000) < 4 * np.sqrt(1000)


def test_the_scenario_aito_sells_the_second_million_in_two_years():
    aito = vehicles("AITO", inputs(), **load("aito").brand).ravel()
    january = year(2028) * 12
    before = aito[:january].sum()
    assert before + aito[january] * 12.9 / 31 < 2_000_000 <= before + aito[january] * 13.1 / 31
    assert vehicles("AITO", inputs()).ravel()[:january].sum() < before
