"""The figures of the founding documents: each stands where the table says, and says the same there."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from sim import studies
from sim.scenario import shipped
from sim.validation.founding import load

FIGURES = load()
SCENARIOS = sorted(
    {part.split(":")[1] for f in FIGURES for part in f.where.split("; ") if part.startswith("scenario:")}
)


def named(beginning: str) -> str:
    """Where the figure stands whose name begins so."""
    (found,) = [f for f in FIGURES if f.item.startswith(beginning)]
    return found.where


def test_every_figure_stands_where_the_table_says():
    assert [(f.item, f.where, f.found) for f in FIGURES if f.verdict not in ("stands", "context")] == []


def test_no_two_rows_are_of_one_figure():
    rows = [(f.item, f.date) for f in FIGURES]
    assert len(rows) == len(set(rows))


def test_what_stands_nowhere_says_why():
    context = [f for f in FIGURES if f.verdict == "context"]
    assert all(len(f.note) > 15 for f in context)
    assert len(context) < len(FIGURES) / 3


@pytest.mark.parametrize(
    ("beginning", "where"),
    [
        ("NEV production and sales", "target:nev_output_and_sales:2025"),
        ("NEV share of new car sales", "target:nev_share_of_new_car_sales:2025"),
        ("retired batteries", "target:used_batteries_generated:2030"),
        ("Interim Measures press conference", "rule:R29"),
        ("Interim Measures: digital identity", "rule:R01"),
        ("Interim Measures: fallback liability", "no_fallback_liability"),
        ("Interim Measures: division of labour", "one_regulator"),
        ("Interim Measures: no used battery in e-bikes", "rule:R57"),
        ("AITO millionth vehicle", "input:brand_months.csv"),
        ("SVOLT Fortress 2.0 cycle life", "technology.large_phev.cycles"),
        ("CATL Chang'an base, capacity", "plant.changan.capacity_gwh"),
        ("ASSB shipments", "shipments.all_solid.volume_gwh.2028-01-01"),
        ("semi-solid shipments", "shipments.semi_solid.volume_gwh.2028-01-01"),
        ("ASSB penetration", "shipments.all_solid.penetration.2030-01-01"),
        ("cost sulphide", "technology.all_solid.cost_yuan_wh"),
    ],
)
def test_the_figures_that_matter_most_have_a_place_in_the_product(beginning, where):
    assert where in named(beginning)


def test_a_scenario_ships_for_a_founding_document_or_for_a_study():
    of_studies = {name for study in studies.names() for name in studies.scenarios(studies.read(study))}
    # the law of 2018, had it stayed, is there to be compared with whatever else
    assert set(shipped()) == set(SCENARIOS) | (of_studies & set(shipped())) | {"law_of_2018"}


def test_a_figure_that_is_changed_no_longer_stands(tmp_path):
    text = files("sim").joinpath("data", "founding.csv").read_text("utf-8")
    assert ",13.5,GWh" in text
    (tmp_path / "founding.csv").write_text(text.replace(",13.5,GWh", ",13.6,GWh"), "utf-8")
    assert [f.item for f in load(tmp_path) if f.failed] == ["ASSB shipments"]


def test_every_row_names_its_source_and_grade():
    rows = list(csv.DictReader(files("sim").joinpath("data", "founding.csv").read_text("utf-8").splitlines()))
    assert len(rows) == len(FIGURES)
    assert all(row["source"] and row["grade"] for row in rows)
