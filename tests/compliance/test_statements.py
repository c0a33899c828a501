"""A finding as people read it: the duty, the count of days, the rows behind, in four formats."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from traceability.compliance.audit import Audit, audit
from traceability.compliance.audit_files import FORMATS, AuditFiles
from traceability.compliance.audit_page import MOST_SHOWN, Heading
from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.law import day_of, days
from traceability.compliance.rules import RULES
from traceability.compliance.rules.recycling import RECEIPT_REPORTED_LATE
from traceability.compliance.statements import Statement, statements
from traceability.compliance.views import truth
from traceability.errors import UnknownName
from traceability.store import Store, open_store

AS_OF = day_of(2026, 12, 1)
HEADING = Heading(log="export.xlsx", law="dated", as_of="2026-12-01", view="truth", events=3)

LATE = """
[[complies]]
name = "the world"
as_of = 2026-12-01
actor = [{actor = "cu", role = "CU", credit_code = "91350100MA00000001"}]
event = [
    {event = "RECEIVE", unit = "P1", happened = 2026-05-01, reported = 2026-06-03},
    {event = "RECEIVE", unit = "P2", happened = 2024-09-02, reported = 2024-10-21},
    {event = "RECEIVE", unit = "P3", happened = 2026-05-06, reported = 2026-05-07},
]
"""


def store_with(world: str, tmp_path: Path) -> Store:
    path = tmp_path / "R46.toml"
    path.write_text(world, encoding="utf-8")
    store = open_store(f"sqlite:///{tmp_path / 'log.sqlite'}", create=True)
    write_cases(store, load_cases(path))
    return store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with store_with(LATE, tmp_path) as opened:
        yield opened


@pytest.fixture
def late(store: Store) -> Audit:
    return audit(store, truth(AS_OF), (RECEIPT_REPORTED_LATE,))


@pytest.fixture
def told(store: Store, late: Audit) -> list[Statement]:
    return list(statements(store, late.findings))


def test_a_deadline_of_days_says_when_it_ended_and_what_the_other_reading_says(told):
    of_2026 = told[1]
    assert (of_2026.day, of_2026.measured, of_2026.limit) == ("2026-05-01", 33, "30 days")
    # thirty days after 1 May 2026 is a Sunday: the Civil Code's reading moves it to Monday
    assert (of_2026.due_day, of_2026.due_day_if_moved) == ("2026-05-31", "2026-06-01")
    assert of_2026.counted_en == "30 days from the day after 2026-05-01"
    assert of_2026.counted_zh == "自2026-05-01次日起算30日"
    assert not of_2026.provisional


def test_a_deadline_of_working_days_says_what_was_skipped_and_what_was_counted(told):
    of_2018 = told[0]
    assert (of_2018.law, of_2018.measured, of_2018.limit) == ("cn_2018", 31, "30 working days")
    assert of_2018.due_day == "2024-10-18"
    assert "worked weekend days counted" in of_2018.counted_en
    assert "holidays skipped" in of_2018.counted_en


def test_a_finding_is_a_sentence_in_both_languages(told):
    assert told[1].found_en == (
        f"Inbound report late: {told[1].code} by cu on 2026-05-01; 33 days against 30 days; due 2026-05-31."
    )
    assert told[1].found_zh == (
        f"入库信息报送逾期：{told[1].code}，cu，2026-05-01；实际33日，限值30日；应于2026-05-31前完成。"
    )
    assert "30 days" in told[1].says_en
    assert "30日" in told[1].says_zh


def test_a_finding_shows_the_row_that_it_stands_on(told):
    (row,) = told[1].rows
    assert (row.event, row.day, row.reported, row.actor) == ("RECEIVE", "2026-05-01", "2026-06-03", "cu")
    assert row.event_id == told[1].event_id


def test_a_deadline_past_the_published_calendar_is_marked_provisional(tmp_path):
    world = LATE.replace("2024-09-02, reported = 2024-10-21", "2031-09-02, reported = 2031-12-21")
    with store_with(world.replace("as_of = 2026-12-01", "as_of = 2032-01-01"), tmp_path) as opened:
        found = audit(opened, truth(day_of(2032, 1, 1)), (RECEIPT_REPORTED_LATE,)).findings
        of_2031 = list(statements(opened, found))[-1]
    # thirty days end on Thursday 2 October 2031, in the National Day holiday; until when it lasts is not published
    assert of_2031.due_day == "2031-10-02"
    assert of_2031.provisional
    assert of_2031.counted_en.endswith("provisional: past the published calendar")


def test_imagined_law_is_said_to_be_so(store):
    rule = RECEIPT_REPORTED_LATE.with_limit(days(10), valid_from=day_of(2026, 4, 1))
    found = audit(store, truth(AS_OF), (rule,)).findings
    assert {told.law for told in statements(store, found) if told.imagined} == {"imagined"}


def test_no_more_than_asked_are_told_of_each_rule(store):
    other = replace(RECEIPT_REPORTED_LATE, id="R99")
    found = audit(store, truth(AS_OF), (RECEIPT_REPORTED_LATE, other)).findings
    assert [told.rule for told in statements(store, found, most=1)] == ["R46", "R99"]


class TestFiles:
    """One audit in four formats that say the same."""

    @pytest.fixture
    def files(self, store: Store) -> AuditFiles:
        whole = audit(store, truth(AS_OF), RULES)
        return AuditFiles(store, whole.outcomes, whole.findings, HEADING)

    def test_a_folder_gets_all_formats(self, files, tmp_path):
        written = files.write(tmp_path / "audit")
        assert [path.name for path in written] == [f"findings.{kind}" for kind in FORMATS]
        assert not list((tmp_path / "audit").glob(".*"))

    def test_csv_json_and_workbook_hold_the_same_findings(self, files, tmp_path):
        files.write(tmp_path / "audit")
        with (tmp_path / "audit" / "findings.csv").open(encoding="utf-8-sig", newline="") as lines:
            of_csv = [(row["rule"], row["code"], row["due_day"]) for row in csv.DictReader(lines)]
        of_json = json.loads((tmp_path / "audit" / "findings.json").read_text("utf-8"))
        book = openpyxl.load_workbook(tmp_path / "audit" / "findings.xlsx")
        header, *rows = book["findings"].iter_rows(values_only=True)
        places = [header.index(name) for name in ("rule", "code", "due_day")]
        of_book = [tuple(row[place] or "" for place in places) for row in rows]
        assert of_csv == of_book
        assert of_csv == [(told["rule"], told["code"], told["due_day"]) for told in of_json["findings"]]
        assert len(of_csv) >= 2
        outcomes = {row[0]: row[3] for row in book["rules"].iter_rows(min_row=2, values_only=True)}
        assert outcomes["R46"] == "ran"
        assert outcomes["R29"] == "skipped"

    def test_the_page_escapes_what_the_log_says_and_names_every_rule(self, store, late, tmp_path):
        heading = HEADING._replace(log="<script>alert(1)</script>")
        (path,) = AuditFiles(store, late.outcomes, late.findings, heading).write(tmp_path / "page.html")
        page = path.read_text("utf-8")
        assert "<script>alert" not in page
        assert "入库信息报送逾期" in page
        assert "2026-06-01" in page
        assert 'src="http' not in page

    def test_an_unknown_format_is_answered_with_the_closest(self, files, tmp_path):
        with pytest.raises(UnknownName, match="xlsx"):
            files.write(tmp_path / "findings.xlx")

    def test_the_page_says_how_many_of_a_rule_it_shows(self, tmp_path):
        rows = "\n".join(
            f'{{event = "RECEIVE", unit = "P{n}", happened = 2026-05-01, reported = 2026-06-03}},'
            for n in range(MOST_SHOWN + 5)
        )
        world = f'[[complies]]\nname = "many"\nas_of = 2026-12-01\nevent = [\n{rows}\n]\n'
        with store_with(world, tmp_path) as opened:
            found = audit(opened, truth(AS_OF), (RECEIPT_REPORTED_LATE,))
            (path,) = AuditFiles(opened, found.outcomes, found.findings, HEADING).write(tmp_path / "a.html")
        page = path.read_text("utf-8")
        assert f"{MOST_SHOWN} of {MOST_SHOWN + 5} are shown." in page
        assert page.count("<details>") == MOST_SHOWN
