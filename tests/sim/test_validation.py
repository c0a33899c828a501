"""Validation: every check passes where the model is right, and fails where one thing is wrong."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.cli import main
from sim.measures import Value
from sim.targets import Target
from sim.validation import cohorts, conservation, page, queues
from sim.validation.judging import Verdict, bound_of, exact_line, number, target_lines
from tests.sim.small import World, run, small
from tests.sim.test_queues import exact
from traceability.errors import StoreError
from traceability.store.parquet import ParquetStore


@cache
def world() -> World:
    return run(small(scale=5_000, first=date(2016, 1, 1), until=date(2028, 12, 31)))


def copied(of: World, directory: Path) -> ParquetStore:
    """The log of *of* behind views that a test may replace."""
    shutil.copytree(of.store.directory, directory / "log")
    return ParquetStore(directory / "log", threads=1)


def failed(lines: list) -> set[str]:
    return {line.name for line in lines if line.failed}


# --- targets ---


def target(value: float, relation: str = "near", *, use: str = "held_out", year: int = 2025) -> Target:
    bounds = (value * 0.9, value * 1.1) if relation == "within" else (None, None)
    return Target(
        "formal_share", year, value, "share", 0.01, relation, *bounds, use, 0.1, "why", "who", "press"
    )


def shares(*values: float, year: int = 2025) -> list[list[Value]]:
    return [
        [Value("registrations", year, "bus", 1.0), Value("formal_share", year, "", value)] for value in values
    ]


YEAR = (date(2025, 1, 1), date(2025, 12, 31))


def test_a_line_holds_the_mean_and_the_interval_of_the_replications():
    (line,) = target_lines([target(0.4)], shares(0.30, 0.40, 0.50), *YEAR)
    assert line.model == pytest.approx(0.4)
    # Student's t with two degrees of freedom: 4.303 x 0.1 / sqrt(3)
    assert (line.low, line.high) == (pytest.approx(0.4 - 0.2484, abs=1e-3), pytest.approx(0.6484, abs=1e-3))
    assert (line.verdict, line.use, line.bound) == (Verdict.PASS, "held_out", "within 10 %")


def test_a_failed_target_stays_in_the_table_as_failed_and_context_never_counts():
    lines = target_lines(
        [target(0.8), target(0.8, use="context"), target(0.8, use="fit")], shares(0.4, 0.41), *YEAR
    )
    assert [line.verdict for line in lines] == [Verdict.FAIL] * 3
    assert [line.failed for line in lines] == [True, False, True]


def test_a_share_has_no_interval_outside_0_and_1():
    (line,) = target_lines([target(0.5)], shares(0.02, 0.98), *YEAR)
    assert (line.low, line.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2025, 1, 2), date(2026, 12, 31)),
        (date(2020, 1, 1), date(2025, 12, 30)),
        (date(2026, 1, 1), date(2030, 1, 1)),
    ],
)
def test_a_year_that_the_run_does_not_hold_whole_is_not_covered(first, last):
    (line,) = target_lines([target(0.4)], shares(0.4), first, last)
    assert (line.model, line.verdict, line.failed) == (None, Verdict.NOT_COVERED, False)


@pytest.mark.parametrize("relation", ["near", "within", "at_least"])
def test_a_coarse_run_fails_a_target_only_where_luck_cannot_explain_the_miss(relation):
    missed, lucky = shares(0.30, 0.301, 0.302), shares(0.20, 0.30, 0.40)
    for values, strict, loose in ((missed, True, True), (lucky, True, False)):
        for luck_counts, expected in ((False, strict), (True, loose)):
            (line,) = target_lines([target(0.4, relation)], values, *YEAR, luck_counts=luck_counts)
            assert line.failed is expected
            assert line.bound.endswith(", or the interval") is (
                luck_counts and (values is not missed or loose)
            )


def test_bounds_are_told_in_words():
    assert bound_of(target(0.4)) == "within 10 %"
    assert bound_of(target(1.0, "within")) == "0.9 to 1.1"
    assert bound_of(target(0.4, "at_least")._replace(tolerance=None)) == "at least"
    assert bound_of(target(0.4)._replace(tolerance=None)) == "for comparison"


# --- queues ---


@pytest.mark.parametrize(("rate", "capacity"), [(0.5, 1), (3.2, 4), (9.0, 10), (1.9, 2)])
def test_the_formula_of_bulk_service_is_the_stationary_distribution(rate, capacity):
    """Roots of the generating function here, the transition matrix there."""
    assert queues.bulk_wait(rate, capacity) == pytest.approx(exact(rate, 1, capacity).wait, rel=1e-5)


def test_a_lot_of_seven_at_three_a_day_waits_by_hand():
    """Days 0 0 0 1 1 1 2: five sevenths of a day."""
    assert queues.fixed_wait(7, 3) == pytest.approx(5 / 7)


def test_the_queues_of_the_model_wait_as_theory_says():
    lines = queues.lines()
    assert len(lines) == 9
    assert not failed(lines)
    for line in lines:
        assert line.high - line.low < 0.12 * line.expected  # narrow enough to tell


def test_a_capacity_that_is_five_percent_off_would_be_told():
    waited = queues.poisson_wait(3.2, 4 * 1.05, steps=1_200, warm=400, facilities=400)
    assert abs(waited.mean - queues.bulk_wait(3.2, 4)) > queues.ERRORS * waited.error


# --- cohorts ---


def test_cohorts_leave_as_their_weibull_says():
    lines = cohorts.lines(world().store, world().scenario.life)
    assert not failed(lines)
    assert len(lines) > 8
    assert lines[-1].expected > 300


@pytest.mark.parametrize("change", [{"scale_years": 11.5}, {"shape": 4.5}, {"bus_limit_years": 9.0}])
def test_another_life_than_that_of_the_run_would_be_told(change):
    life = world().scenario.life.model_copy(update=change)
    assert failed(cohorts.lines(world().store, life))


def test_nobody_has_left_before_thirty_days_and_every_bus_after_its_limit():
    life = world().scenario.life
    days, kind = np.array([0, 30, 5_000, 5_000]), np.array([0, 2, 0, 2])
    found = cohorts.left_by(days, kind, life)
    assert found[:2].tolist() == [0.0, 0.0]
    years = 5_000 / 365.25
    assert found[2] == pytest.approx(1 - np.exp(-((years / life.scale_years) ** life.shape)))
    assert found[3] == 1.0


# --- conservation ---


def test_grams_and_units_of_a_log_are_conserved():
    lines = conservation.lines(world().store)
    assert not failed(lines)
    assert len(lines) == 17
    by_name = {line.name: line for line in lines}
    assert by_name["LI: taken in = recovered + residue"].model > 0
    assert by_name["packs fitted less taken out = packs in vehicles"].model > 1_000


@pytest.mark.parametrize(
    ("table", "change", "told"),
    [
        (
            "material",
            "replace (recovered_g + (lot = (select max(lot) from {t} where element = 1) and element = 1)::int as recovered_g)",
            {"LI: taken in = recovered + residue", "lots and elements whose balance does not close"},
        ),
        (
            "unit",
            "replace (mass_g + (unit = (select min(child) from link where kind = 2))::int as mass_g)",
            {"packs, parts, scrap and black mass processed = mass taken in"},
        ),
    ],
)
def test_a_single_gram_too_much_is_told(tmp_path, table, change, told):
    from traceability.vocabulary import Element, LinkKind

    store = copied(world(), tmp_path)
    change = change.replace("element = 1", f"element = {int(Element.LI)}").replace(
        "kind = 2", f"kind = {int(LinkKind.MADE_FROM)}"
    )
    altered(store, table, f"select * {change} from {{t}}")
    assert failed(conservation.lines(store)) == told


def test_a_lost_event_is_told(tmp_path):
    """The first removal of a pack from a vehicle is left out of the log: it stays in, and goes into another hand."""
    from traceability.vocabulary import EventType as E

    store = copied(world(), tmp_path)
    altered(
        store,
        "event",
        f"select * from {{t}} where event_id <> (select min(event_id) from {{t}} where event = {int(E.SWAP_OUT)})",
    )
    assert "times that a pack was in two vehicles, or in less than none" in failed(conservation.lines(store))


def altered(store: ParquetStore, table: str, query: str) -> None:
    """Put a changed copy of *table* in the place of the view."""
    db = store.connection
    db.execute(f"create table changed as {query.format(t=table)}")
    db.execute(f"create or replace temp view {table} as select * from changed")


# --- files and command ---


def test_the_tables_are_written_whole_and_read_back(tmp_path):
    lines = target_lines([target(0.4), target(0.9)], shares(0.4, 0.41), *YEAR)
    lines.append(
        exact_line(
            "part", "a <b>", "g", 5.0, model=5.0, slack=0.0, bound="equal", why="w", source="arithmetic"
        )
    )
    page.write(tmp_path / "new", "a run & more", lines, [])
    with (tmp_path / "new" / page.CSV).open(newline="") as rows:
        found = list(csv.DictReader(rows))
    assert [row["verdict"] for row in found] == ["pass", "fail", "pass"]
    assert float(found[0]["model"]) == pytest.approx(0.405)
    html = (tmp_path / "new" / page.HTML).read_text("utf-8")
    assert "a &lt;b&gt;" in html
    assert "a run &amp; more" in html
    assert "2 passed, 1 failed, 0 not covered by the run, 0 for context" in html
    assert "http" not in html.replace("http-equiv", "")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {page.CSV, page.HTML}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.25, "0.25"),
        (9_999.0, "9999"),
        (12_340.0, "12.34 k"),
        (43_970_000.0, "43.97 M"),
        (2.5e9, "2.5 G"),
    ],
)
def test_numbers_are_short(value, shown):
    assert number(value) == shown


def test_a_run_that_is_there_is_validated_and_a_failed_target_ends_with_1(tmp_path, capsys):
    """The stock of 2025 is struck out of its measures: the line fails, and all are in the JSON."""
    folder = tmp_path / "run"
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "run",
                "baseline",
                "--scale",
                "50000",
                "--replications",
                "1",
                "--workers",
                "1",
                "--out",
                str(folder),
            ]
        )
    assert ended.value.code == 0
    rows = (folder / "measures.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "measures.csv").write_text(
        "".join(row for row in rows if not row.startswith("stock_vehicles,2025,")), "utf-8"
    )
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(folder), "--json", "--out", str(tmp_path / "tables")])
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert told["failed"] > 0
    verdicts = {(line["name"], line["year"]): line["verdict"] for line in told["lines"]}
    assert verdicts["nev_stock_year_end", 2025] == "fail"
    assert verdicts["nev_stock_year_end", 2024] == "pass"
    assert verdicts["MASS: taken in = recovered + residue", None] == "pass"
    assert (tmp_path / "tables" / page.HTML).exists()
    assert not (folder / page.HTML).exists()


def test_what_is_no_run_is_told_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(tmp_path / "nothing")])
    assert ended.value.code == 2
    assert "no run here" in capsys.readouterr().err


def test_quick_has_no_meaning_for_a_run_that_is_there(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(tmp_path), "--quick"])
    assert ended.value.code == 2
    assert "--quick" in capsys.readouterr().err


def test_measures_that_cannot_be_read_are_told(tmp_path):
    from sim.record import scenario_table, write_record
    from sim.validation.runs import of_run

    write_record(tmp_path, {"complete": True, "scenario": scenario_table(small())})
    (tmp_path / "measures.csv").write_text("measure,year\nx,2025\n")
    with pytest.raises(StoreError, match=r"measures\.csv: cannot be read as measures"):
        of_run(tmp_path)
