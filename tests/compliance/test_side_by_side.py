"""One log under several laws: what each says, and why they differ."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openpyxl import load_workbook

from traceability.compliance.audit import audit
from traceability.compliance.cases import CASE_FILES, load_cases, write_cases
from traceability.compliance.law import day_of
from traceability.compliance.rules import RULES
from traceability.compliance.rules.eu import LAWS, rules_under
from traceability.compliance.side_by_side import SideBySide, compare_laws, write_side_by_side
from traceability.compliance.views import register, truth
from traceability.errors import TraceabilityError, UnknownName
from traceability.store import Store, open_store

AS_OF = day_of(2027, 3, 1)
SOME = tuple(rule for rule in RULES if rule.id in ("R23", "R29", "R46", "R51", "R58"))

# R46: P1 waits 40 days (27 working days), P2 60 days (42), P3 31 days, received under the law of 2018.
# R29: a certificate without a battery.  R51: 86 % of lithium in 2026.  R23: a pack to a cascade firm, 2025.
WORLD = """
[[complies]]
name = "the world"
as_of = 2027-03-01
event = [
    {event = "RECEIVE", unit = "P1", actor = "cu", happened = 2026-05-06, reported = 2026-06-15},
    {event = "RECEIVE", unit = "P2", actor = "cu", happened = 2026-05-06, reported = 2026-07-05},
    {event = "RECEIVE", unit = "P3", actor = "cu", happened = 2025-05-06, reported = 2025-06-06},
    {event = "RECEIVE_VEHICLE", vehicle = "V1", actor = "elv", happened = 2026-05-06},
    {event = "ISSUE_CERTIFICATE", vehicle = "V1", actor = "elv", happened = 2026-05-07},
    {event = "SHIP", unit = "P4", actor = "elv", receiver = "product_maker", happened = 2025-05-06},
]
material = [{element = "LI", actor = "cu", day = 2026-05-06, input_g = 1000, recovered_g = 860}]
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[str], Store]]:
    opened: list[Store] = []

    def make(world: str) -> Store:
        path = tmp_path / "R46.toml"
        path.write_text(world, encoding="utf-8")
        store = open_store(f"sqlite:///{tmp_path / f'{len(opened)}.sqlite'}", create=True)
        write_cases(store, load_cases(path))
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def told(side: SideBySide) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(row.rule, row.day, row.verdicts) for row in side.rows()]


def test_what_each_law_says_of_a_small_log(log):
    side = compare_laws(log(WORLD), truth(AS_OF), ("cn_2018", "order73", "eu_2023"), SOME)
    none, both, new = "no_such_duty", ("found", "found"), ("not_found", "found")
    assert told(side) == [
        ("R23", "2025-05-06", (*new, none)),
        ("R29", "2026-05-07", (none, "found", none)),
        ("R46", "2025-05-06", (*new, none)),
        ("R46", "2026-05-06", (*new, none)),
        ("R46", "2026-05-06", (*both, none)),
        ("R51", "2026-12-31", (*both, "not_found")),
    ]
    assert (side.found, side.broken) == (6, False)


def test_the_reason_names_the_limit_or_the_duty_that_is_not_there(log):
    side = compare_laws(log(WORLD), truth(AS_OF), ("cn_2018", "order73"), SOME)
    assert [(row.rule, row.why_en) for row in side.rows() if row.differs] == [
        ("R23", "cn_2018 allows what order73 does not"),
        ("R29", "the duty does not exist under cn_2018"),
        ("R46", "limit differs: 30 days under order73, 30 working days under cn_2018"),
        ("R46", "limit differs: 30 days under order73, 30 working days under cn_2018"),
    ]
    assert [row.why_zh for row in side.rows() if row.differs][1:3] == [
        "cn_2018无此义务",
        "限值不同：order73为30日，cn_2018为30个工作日",
    ]
    agree = [row for row in side.rows() if not row.differs]
    assert [(row.rule, row.why_en, row.limits, row.measured) for row in agree] == [
        ("R46", "", ("30 working days", "30 days"), (42, 60)),
        ("R51", "", ("90 %", "90 %"), (86, 86)),
    ]


def test_each_in_its_time_differs_from_one_law_at_all_times(log):
    """What was received in 2025 has thirty working days; the certificate of 2026 is under Order 73 either way."""
    side = compare_laws(log(WORLD), truth(AS_OF), ("dated", "order73"), SOME)
    assert [(row.rule, row.day, row.why_en) for row in side.rows() if row.differs] == [
        ("R23", "2025-05-06", "dated allows what order73 does not"),
        ("R46", "2025-05-06", "limit differs: 30 days under order73, 30 working days under dated"),
    ]


def test_a_law_that_was_not_in_force_that_day_says_so(log):
    world = '[[complies]]\nname = "x"\nas_of = 2027-03-01\nevent = [{event = "DISPATCH", happened = 2025-05-06, reported = 2025-07-06}]'
    rule = tuple(rule for rule in RULES if rule.id == "R47")
    side = compare_laws(log(world), truth(AS_OF), ("dated", "order73"), rule)
    assert [(row.verdicts, row.why_en) for row in side.rows()] == [
        (("no_such_duty", "found"), "not in force on that day under dated")
    ]


def test_a_rule_that_lacks_data_is_skipped_under_every_law(log):
    side = compare_laws(log(WORLD), truth(AS_OF), ("cn_2018", "order73"), SOME)
    counts = {row.rule.id: row.counts for row in side.by_rule()}
    assert counts == {"R23": (0, 1), "R29": (None, 1), "R46": (1, 3), "R51": (1, 1), "R58": (None, None)}


def test_each_rule_says_for_how_many_findings_it_differs_and_why(log):
    side = compare_laws(log(WORLD), truth(AS_OF), ("cn_2018", "order73", "eu_2023"), SOME)
    why = {row.rule.id: row.why_en for row in side.by_rule()}
    missing, differs = (
        "the duty does not exist under",
        "limit differs: 30 days under order73, 30 working days under",
    )
    assert why["R29"] == f"{missing} cn_2018; {missing} eu_2023 (1)"
    assert why["R46"] == f"{differs} cn_2018; {missing} eu_2023 (2); {missing} eu_2023 (1)"
    assert why["R51"] == "limit differs: 90 % under cn_2018, 50 % under eu_2023 (1)"
    assert [row.rule.id for row in side.by_rule()][-2:] == ["E01", "E02"]


@pytest.fixture(scope="module")
def all_cases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A log with all the cases of all the rules."""
    cases: tuple = ()
    for path in sorted(CASE_FILES.glob("*.toml")):
        cases += load_cases(path, first=len(cases))
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('all') / 'log.sqlite'}", create=True) as store:
        write_cases(store, cases)
        yield store


@pytest.mark.parametrize("view", [truth, register])
@pytest.mark.parametrize("law", list(LAWS))
def test_a_law_beside_itself_never_differs(all_cases, law, view):
    side = compare_laws(all_cases, view(day_of(2032, 6, 1)), (law, law))
    assert len(side) > 0
    assert not side.differs.any()
    assert [row.why_en for row in side.by_rule()] == [""] * len(rules_under(law))


def test_no_finding_of_any_law_is_lost(all_cases):
    """What a law finds alone it finds beside the others; each thing found is found by some law."""
    view = truth(day_of(2032, 6, 1))
    side = compare_laws(all_cases, view, tuple(LAWS))
    rows = list(side.rows())
    for place, law in enumerate(LAWS):
        alone = audit(all_cases, view, rules_under(law)).findings
        assert len({tuple(key) for key in alone.keys().T.tolist()}) == sum(
            row.verdicts[place] == "found" for row in rows
        )
    assert all("found" in row.verdicts for row in rows)
    assert all(bool(row.why_en) == bool(row.why_zh) == row.differs for row in rows)


def test_files_say_what_the_rows_say(log, tmp_path):
    store = log(WORLD)
    side = compare_laws(store, truth(AS_OF), ("cn_2018", "order73"), SOME)
    written = write_side_by_side(tmp_path / "out", store, side)
    assert sorted(path.name for path in written) == [
        f"side_by_side.{kind}" for kind in ("csv", "json", "xlsx")
    ]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(path.name for path in written)
    with (tmp_path / "out" / "side_by_side.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["rule"], line["cn_2018"], line["order73"]) for line in lines] == [
        (row.rule, *row.verdicts) for row in side.rows()
    ]
    late = next(line for line in lines if line["code"] == "P2/0")
    assert (late["actor"], late["cn_2018 limit"], late["cn_2018 measured"]) == ("cu", "30 working days", "42")
    page = json.loads((tmp_path / "out" / "side_by_side.json").read_text(encoding="utf-8"))
    assert (page["laws"], page["view"], page["as_of"]) == (["cn_2018", "order73"], "truth", "2027-03-01")
    assert page["findings"][1]["verdicts"] == {"cn_2018": "no_such_duty", "order73": "found"}
    book = load_workbook(tmp_path / "out" / "side_by_side.xlsx", read_only=True)
    assert [(sheet.title, sheet.max_row) for sheet in book] == [("rules", 6), ("findings", 7)]
    book.close()


def test_a_format_that_nobody_writes_is_refused(log, tmp_path):
    store = log(WORLD)
    side = compare_laws(store, truth(AS_OF), ("cn_2018",), SOME)
    with pytest.raises(UnknownName, match="unknown format `html`"):
        write_side_by_side(tmp_path / "out.html", store, side)


def test_a_law_that_nobody_knows_is_refused(log):
    store = log(WORLD)
    with pytest.raises(UnknownName, match=r"unknown law `eu`"):
        compare_laws(store, truth(AS_OF), ("eu",), SOME)
    with pytest.raises(TraceabilityError, match="no law to compare"):
        compare_laws(store, truth(AS_OF), (), SOME)


def test_a_log_without_findings_has_no_rows(log):
    world = '[[complies]]\nname = "x"\nas_of = 2027-03-01'
    side = compare_laws(log(world), truth(AS_OF), ("cn_2018", "order73"))
    assert (len(side), list(side.rows()), side.differs.tolist()) == (0, [], [])
    assert {row.counts for row in side.by_rule()} == {(None, None)}
