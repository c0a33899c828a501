"""Targets: what can stand in their file, what a run says of each, and when one is met."""

from __future__ import annotations

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.measures import Value
from sim.targets import LAST_FIT_YEAR, Target, judged, load, modelled, modelled_all
from tests.sim.small import run, small
from traceability.errors import ScenarioError
from traceability.events import day_number

TEXT = files("sim").joinpath("data", "targets.csv").read_text("utf-8")


def target(name: str, year: int = 2025) -> Target:
    return next(t for t in load() if t.name == name and t.year == year)


def made(
    relation: str, *, low: float | None = None, high: float | None = None, tolerance: float | None = None
) -> Target:
    return Target(
        "formal_share",
        2025,
        0.5,
        "share",
        0.0,
        relation,
        low,
        high,
        "held_out",
        tolerance,
        "why",
        "who",
        "press",
    )


# --- the file ---


def test_nothing_after_2023_is_fitted_to():
    assert LAST_FIT_YEAR == 2023
    assert {t.year > 2023 for t in load() if t.use == "fit"} == {False}


def test_the_official_counts_of_2024_and_2025_are_held_out_within_5_and_20_percent():
    for year in (2024, 2025):
        for name, tolerance in (
            ("nev_stock_year_end", 0.05),
            ("deregistrations", 0.2),
            ("listed_firms_utilisation", 0.2),
        ):
            found = target(name, year)
            assert (found.use, found.relation, found.tolerance) == ("held_out", "near", tolerance)
    assert target("nev_stock_year_end").value == 43_970_000
    assert target("deregistrations").value == 360_000


def test_the_two_counts_of_july_2019_are_the_published_ratios():
    assert target("firms_reporting", 2019).value == pytest.approx(213 / 410, abs=5e-5)
    assert target("sale_record_share", 2019).value == pytest.approx(1.9264 / 2.6217, abs=1e-4)


def test_what_is_an_input_is_never_called_a_test():
    """Registrations, packs and chemistry are read from official counts: meeting these proves nothing."""
    inputs = {
        "new_registrations",
        "battery_installations",
        "lfp_share_of_installations",
        "ncm_share_of_installations",
    }
    assert {t.use for t in load() if t.name in inputs} == {"context"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "nev_stock_year_end,2018",
            "nev_stock_yearend,2018",
            "unknown target `nev_stock_yearend` in targets.csv, line 3",
        ),
        (
            "nev_stock_year_end,2018",
            "nev_stock_year_end,2008",
            "targets.csv, line 3, column `year`: found `2008`",
        ),
        (
            "nev_stock_year_end,2018",
            "nev_stock_year_end,2017",
            "line 3: nev_stock_year_end of 2017 stands in line 2 already",
        ),
        (
            "vehicles,3000,near,,,held_out",
            "vehicles,3000,near,,,fit",
            "column `use`: found `fit`; expected held_out",
        ),
        ("vehicles,3000,near,,,fit", "vehicles,3000,nearly,,,fit", "did you mean `near`?"),
        ("vehicles,3000,near,,,fit,0.05", "vehicles,3000,near,,,fit,", "column `tolerance`: found nothing"),
        (
            "vehicles,3000,near,,,fit",
            "vehicles,3000,near,,7,fit",
            "column `relation`: found `near`; expected `within`",
        ),
        (
            "vehicles,3000,near,,,fit",
            "vehicles,3000,within,8,7,fit",
            "column `low`: found `8`; expected low and high",
        ),
        (",MPS,official", ",,official", "column `source`: found nothing"),
    ],
)
def test_a_row_that_cannot_be_is_named_with_what_was_expected(tmp_path: Path, old, new, message):
    assert old in TEXT
    (tmp_path / "targets.csv").write_text(TEXT.replace(old, new, 1), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path)
    assert message in str(caught.value)


# --- what a run says ---

VALUES = [
    Value("registrations", 2025, "bev_car", 300.0),  # thousand
    Value("registrations", 2025, "phev_car", 100.0),
    Value("stock_vehicles", 2025, "bev_car", 2.0),  # million
    Value("stock_vehicles", 2025, "phev_car", 1.0),
    Value("stock_vehicles", 2025, "bus", 0.5),
    Value("exits", 2025, "bev_car", 12.0),
    Value("exits", 2025, "bus", 3.0),
    Value("installed_gwh", 2025, "LFP", 18.0),
    Value("installed_gwh", 2025, "NCM", 6.0),
    Value("installed_kind", 2025, "bev_car", 21.0),
    Value("installed_kind", 2025, "truck", 3.0),
    Value("processed", 2025, "vehicle_packs", 30.0),  # kt
    Value("processed", 2025, "production_scrap", 70.0),
    Value("processed", 2025, "bought_black_mass", 9.0),
    Value("formal_share", 2025, "", 0.3),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nev_stock_year_end", 3_500_000),
        ("bev_stock_year_end", 2_500_000),
        ("new_registrations", 400_000),
        ("deregistrations", 15_000),
        ("battery_installations", 24.0),
        ("lfp_share_of_installations", 0.75),
        ("ncm_share_of_installations", 0.25),
        ("mean_pack_energy", 60.0),
        ("truck_share_of_installations", 0.125),
        ("listed_firms_utilisation", 100_000),
        ("formal_share", 0.3),
        ("nev_output_and_sales", None),
    ],
)
def test_a_target_reads_its_measures_in_its_own_unit(name, expected):
    assert modelled(target(name), VALUES) == (None if expected is None else pytest.approx(expected))


def test_a_year_without_an_exit_has_none_and_a_year_outside_the_run_says_nothing():
    of_2024 = [Value("registrations", 2024, "bev_car", 1.0)]
    assert modelled(target("deregistrations", 2024), of_2024) == 0.0
    assert modelled(target("deregistrations"), of_2024) is None
    assert modelled(target("formal_share", 2024), of_2024) is None


def test_all_at_once_is_each_by_itself():
    every = load()
    assert modelled_all(every, VALUES) == [modelled(t, VALUES) for t in every]


# --- when it is met ---


@pytest.mark.parametrize(
    ("of", "values"),
    [
        (made("near", tolerance=0.2), {0.39: False, 0.4: True, 0.5: True, 0.6: True, 0.61: False}),
        (made("near"), {0.5: None, 7.0: None}),
        (made("within", low=0.2, high=0.4), {0.19: False, 0.2: True, 0.4: True, 0.41: False}),
        (made("at_least"), {0.49: False, 0.5: True, 9.0: True}),
        (made("at_most"), {0.51: False, 0.5: True, 0.0: True}),
        (made("at_least", tolerance=0.1), {0.44: False, 0.45: True}),
    ],
)
def test_a_target_is_met_at_its_bound_and_not_beyond(of, values):
    assert {value: judged(of, value) for value in values} == values


@given(st.floats(0.0, 2.0), st.floats(0.0, 0.5))
def test_a_wider_tolerance_never_turns_a_pass_into_a_failure(value, tolerance):
    for relation in ("near", "at_least", "at_most"):
        narrow, wide = made(relation, tolerance=tolerance), made(relation, tolerance=tolerance + 0.1)
        assert judged(wide, value) or not judged(narrow, value)


# --- the measures behind two of them, from a log ---


def test_the_counts_of_2019_are_those_that_the_log_holds():
    """By a walk over the rows: who had something to tell since the platform opened, and who had told by 31 July 2019."""
    of = run(small(scale=3_000, first=date(2018, 1, 1), until=date(2019, 12, 31)))
    opened, counted = day_number(date(2018, 8, 1)), day_number(date(2019, 7, 31))
    weight = dict(of.rows("select actor, stands_for from actor where role in (2, 7, 8)"))
    busy, told, sold, recorded = set(), set(), 0, 0
    for event, actor, day, reported in of.rows(
        "select event, actor, event_day, record_day from event where happened"
    ):
        if not opened <= day <= counted:
            continue
        known = reported is not None and reported <= counted
        sold += event == 5
        recorded += event == 5 and known
        if actor in weight:
            busy.add(actor)
            told |= {actor} if known else set()
    assert sold > 200
    assert len(busy) > len(told) > 0
    expected = sum(weight[actor] for actor in told) / sum(weight[actor] for actor in busy)
    assert of.measured("firms_reporting_share") == {2019: pytest.approx(expected)}
    assert of.measured("sale_record_share") == {2019: pytest.approx(recorded / sold)}


def test_energy_by_kind_and_by_chemistry_is_the_same_energy():
    of = run(small(scale=3_000, first=date(2018, 1, 1), until=date(2019, 12, 31)))
    for year in (2018, 2019):
        totals = [
            sum(v.value for v in of.measures if v.measure == name and v.year == year)
            for name in ("installed_gwh", "installed_kind")
        ]
        assert totals[0] == pytest.approx(totals[1])
        assert totals[0] > 10
