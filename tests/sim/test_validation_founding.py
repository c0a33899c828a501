"""Figures of the founding documents: a pointer leads somewhere, and what stands there says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.validation.founding import Figure, load
from traceability.compliance.rules import RULES
from traceability.errors import ScenarioError

HEADER = "item,date,value,unit,use,where,check,source,grade,note\n"


def one(directory: Path, value: str, unit: str, where: str, check: str, note: str = "") -> Figure:
    (directory / "founding.csv").write_text(
        f'{HEADER}a figure,2026-01,{value},{unit},input,"{where}",{check},Gasgoo,press,{note}\n', "utf-8"
    )
    (figure,) = load(directory)
    return figure


@pytest.mark.parametrize(
    ("value", "unit", "where", "check", "verdict"),
    [
        ("43.97", "M vehicles", "target:nev_stock_year_end:2025", "equals", "stands"),
        ("43.97", "M vehicles", "target:nev_stock_year_end:2024", "equals", "differs"),
        ("16", "M vehicles", "target:nev_output_and_sales:2025", "at_least", "stands"),
        ("17", "M vehicles", "target:nev_output_and_sales:2025", "at_least", "differs"),
        ("15", "M vehicles", "target:nev_output_and_sales:2025", "at_most", "differs"),
        ("47.9", "pct", "target:nev_share_of_new_car_sales:2025", "equals", "stands"),
        ("46.0", "pct", "target:nev_share_of_new_car_sales:2025", "within 5 %", "stands"),
        ("46.0", "pct", "target:nev_share_of_new_car_sales:2025", "within 4 %", "differs"),
        ("1", "Mt per year", "target:retired_mass:2030", "equals", "stands"),
        ("1", "Mt per year", "target:retired_mass:2050", "equals", "unresolved"),
        ("2016", "", "scenario:baseline:replacement.improved_from", "equals", "stands"),
        ("5", "t", "scenario:baseline:collection.storage_limit_t", "equals", "stands"),
        ("2016-01-01", "date", "scenario:baseline:from", "equals", "stands"),
        ("1", "", "scenario:baseline:enforcement.integrated_scrapping.2026-04-01", "equals", "stands"),
        ("0", "", "scenario:baseline:enforcement.integrated_scrapping.2026-04-01", "equals", "differs"),
        ("0", "", "scenario:baseline:enforcement.integrated_scrapping", "equals", "stands"),  # on some day
        ("5", "t", "scenario:baseline:collection.storage_limit", "equals", "unresolved"),
        ("5", "t", "scenario:no such:collection.storage_limit_t", "equals", "unresolved"),
        ("12.93", "M vehicles", "input:registrations.csv:2025", "equals", "stands"),
        ("12.93", "M vehicles", "input:registrations.csv:2025@registrations_vehicles", "equals", "stands"),
        ("12.93", "M vehicles", "input:registrations.csv:2025@vehicles", "equals", "unresolved"),
        ("12.93", "M vehicles", "input:registration.csv:2025", "equals", "unresolved"),
        ("12.93", "M vehicles", "input:registrations.csv:2055", "equals", "unresolved"),
        ("1", "share", "input:season.csv:*@share", "within 0.1 %", "stands"),  # the sum of the months
    ],
)
def test_a_figure_stands_where_it_says_or_is_told(tmp_path, value, unit, where, check, verdict):
    figure = one(tmp_path, value, unit, where, check)
    assert figure.verdict == verdict, figure.found
    assert figure.failed == (verdict != "stands")
    assert figure.found


def test_a_rule_is_found_by_its_id(tmp_path):
    assert one(tmp_path, "", "", f"rule:{RULES[0].id}", "").verdict == "stands"
    assert one(tmp_path, "", "", "rule:R99999", "").verdict == "unresolved"


def test_of_several_places_the_worst_counts(tmp_path):
    both = one(
        tmp_path,
        "43.97",
        "M vehicles",
        "target:nev_stock_year_end:2025; target:nev_stock_year_end:2024",
        "equals",
    )
    assert both.verdict == "differs"
    assert "4.397e+07" in both.found
    assert (
        one(
            tmp_path, "16", "M vehicles", f"target:nev_output_and_sales:2025; rule:{RULES[0].id}", "equals"
        ).verdict
        == "stands"
    )


def test_an_unknown_name_is_told_with_the_closest(tmp_path):
    assert (
        "did you mean `nev_stock_year_end:2025`"
        in one(tmp_path, "1", "", "target:nev_stock_yearend:2025", "equals").found
    )


def test_context_says_why(tmp_path):
    assert one(tmp_path, "2500", "jobs", "context", "", "jobs are not modelled").verdict == "context"
    with pytest.raises(
        ScenarioError, match="column `note`: found nothing; expected why the figure stands nowhere"
    ):
        one(tmp_path, "2500", "jobs", "context", "")


@pytest.mark.parametrize(
    ("where", "check", "message"),
    [
        ("targets:nev_stock_year_end:2025", "equals", "unknown place `targets`"),
        (
            "target:nev_stock_year_end:2025",
            "about",
            "column `check`: found `about`; expected equals, at_least",
        ),
        ("", "equals", "column `where`: found nothing"),
    ],
)
def test_a_row_that_cannot_be_is_named(tmp_path, where, check, message):
    with pytest.raises(ScenarioError) as caught:
        one(tmp_path, "1", "", where, check)
    assert message in str(caught.value)


def test_no_table_no_figures(tmp_path):
    assert load(tmp_path) == []


def test_every_figure_of_the_shipped_table_stands_or_says_why_not():
    assert [f"{f.item}: {f.where}: {f.found}" for f in load() if f.failed] == []
