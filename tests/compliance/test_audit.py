"""What an audit says of a log: outcomes, findings, and the truth beside the register."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from traceability.compliance.audit import Fate, audit, happened_and_visible
from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.findings import CSV_COLUMNS, NO, NOT_ASKED, YES, write_findings
from traceability.compliance.law import Regime, day_of, days
from traceability.compliance.rule import Rule, under
from traceability.compliance.rules import RULES
from traceability.compliance.rules.custody import HANDED_TO_UNPERMITTED_BUYER, OUTLET_HANDED_TO_OTHERS
from traceability.compliance.rules.recycling import RECEIPT_REPORTED_LATE
from traceability.compliance.views import View, register, truth, view_of
from traceability.errors import RuleBroken, UnknownName
from traceability.store import Store, open_store

BY_ID = {rule.id: rule for rule in RULES}
AS_OF = day_of(2026, 12, 1)

Log = Callable[[str], Store]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A function that makes a store of the one world that a text tells, in the words of a case file."""
    opened: list[Store] = []

    def make(world: str) -> Store:
        path = tmp_path / "R46.toml"
        path.write_text(f'[[complies]]\nname = "the world"\nas_of = 2026-12-01\n{world}', encoding="utf-8")
        store = open_store(f"sqlite:///{tmp_path / f'{len(opened)}.sqlite'}", create=True)
        write_cases(store, load_cases(path))
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


TWO_RECEIPTS = """
event = [
    {event = "RECEIVE", unit = "P1", happened = 2026-05-06, reported = 2026-06-06},
    {event = "RECEIVE", unit = "P2", happened = 2026-05-06, reported = "never"},
]
"""


def broken(_rule: Rule, _limit: object, _view: View) -> object:
    raise ZeroDivisionError("of the rule")


def test_a_finding_says_who_when_and_by_how_much(log):
    found = audit(log(TWO_RECEIPTS), truth(day_of(2026, 6, 10)), (RECEIPT_REPORTED_LATE,)).findings
    assert found.event_id.tolist() == [0, 1]
    assert found.unit.tolist() == [0, 1]
    assert found.day.tolist() == [day_of(2026, 5, 6)] * 2
    assert found.measured.tolist() == [31, 35]
    assert found.limit.tolist() == [1, 1]
    assert found.by_rule() == {"R46": 2}
    assert set(found.happened.tolist()) == {YES}
    assert set(found.visible.tolist()) == {NOT_ASKED}


def test_a_rule_whose_trigger_is_not_in_the_log_is_skipped_with_the_reason(log):
    outcome = audit(log(TWO_RECEIPTS), truth(AS_OF), (BY_ID["R29"],)).outcomes[0]
    assert (outcome.fate, outcome.reason) == (Fate.SKIPPED, "the truth has no ISSUE_CERTIFICATE")


def test_a_rule_that_can_do_with_one_of_several_numbers_is_skipped_where_there_is_none(log):
    lot = 'event = [{event = "RECOVER", actor = "cu", happened = 2026-05-06, details = {%s = 2200}}]'
    without, one = (
        audit(log(lot % what), truth(AS_OF), (BY_ID["R54"],)) for what in ("MASS_G", "ENERGY_KGCE_T")
    )
    assert (without.outcomes[0].fate, without.outcomes[0].reason) == (
        Fate.SKIPPED,
        "no event of the truth has a number RARE_EARTH_OUT_G or TARGET_OUT_G or WATER_REUSED_KG or ENERGY_KGCE_T",
    )
    assert (one.outcomes[0].fate, one.outcomes[0].findings) == (Fate.RAN, 1)


def test_a_rule_that_is_not_yet_law_is_skipped(log):
    outcome = audit(log(TWO_RECEIPTS), truth(day_of(2026, 3, 31)), (BY_ID["R44"],)).outcomes[0]
    assert (outcome.fate, outcome.reason) == (Fate.SKIPPED, "not in force on any day that the view shows")


def test_a_rule_that_raises_does_not_stop_the_others(log):
    wrong = replace(RECEIPT_REPORTED_LATE, id="R99", violations=broken)
    answer = audit(log(TWO_RECEIPTS), truth(AS_OF), (wrong, RECEIPT_REPORTED_LATE))
    assert [outcome.fate for outcome in answer.outcomes] == [Fate.BROKEN, Fate.RAN]
    assert answer.outcomes[0].reason.startswith("ZeroDivisionError: of the rule (test_audit.py:")
    assert len(answer.findings) == 2
    with pytest.raises(RuleBroken, match="R99 RECEIPT_REPORTED_LATE: ZeroDivisionError"):
        answer.stop_if_broken()


def test_a_rule_that_yields_other_columns_is_broken(log):
    wrong = replace(RECEIPT_REPORTED_LATE, violations=lambda _r, _l, view: select(view.event.c.unit))
    outcome = audit(log(TWO_RECEIPTS), truth(AS_OF), (wrong,)).outcomes[0]
    assert outcome.fate is Fate.BROKEN
    assert "yields the columns unit; expected event_id, unit, vehicle, actor, day, measured" in outcome.reason


def test_a_rule_that_the_database_refuses_is_broken(log):
    def refused(rule, limit, view):
        return BY_ID["R46"].violations(rule, limit, view).where(view.event.c.unit.op("NOSUCH")(1))

    outcome = audit(
        log(TWO_RECEIPTS), truth(AS_OF), (replace(RECEIPT_REPORTED_LATE, violations=refused),)
    ).outcomes[0]
    assert outcome.fate is Fate.BROKEN
    assert "the query does not run" in outcome.reason


def test_the_register_shows_what_was_reported_late_but_not_what_never_was(log):
    card = happened_and_visible(log(TWO_RECEIPTS), AS_OF, (RECEIPT_REPORTED_LATE,))
    score = card.scores[0]
    assert (score.happened, score.visible, score.both) == (2, 1, 1)
    assert (score.precision, score.recall) == (1.0, 0.5)
    assert card.findings.visible.tolist() == [YES, NO]


def test_an_invented_report_hides_one_breach_and_makes_another(log):
    """A private sale is reported as a shipment, which never arrives: R25 instead of R24."""
    store = log("""event = [
        {event = "DIVERT", actor = "repair", happened = 2026-05-06, reported = "never"},
        {event = "SHIP", actor = "repair", receiver = "cu", happened = 2026-05-06, invented = true},
    ]""")
    card = happened_and_visible(store, AS_OF, (BY_ID["R24"], BY_ID["R25"]))
    sale, chain = card.scores
    assert (sale.happened, sale.visible, sale.both, sale.precision, sale.recall) == (1, 0, 0, None, 0.0)
    assert (chain.happened, chain.visible, chain.both, chain.precision, chain.recall) == (0, 1, 0, 0.0, None)
    assert [
        (int(r), int(h), int(v))
        for r, h, v in zip(card.findings.rule, card.findings.happened, card.findings.visible, strict=True)
    ] == [(0, YES, NO), (1, NO, YES)]


def test_with_every_report_prompt_and_true_the_register_shows_all_but_lateness(log):
    store = log("""
    permit = [{actor = "cu", kinds = ["PROJECT"]}]
    event = [
        {event = "SHIP", actor = "outlet", receiver = "cu", happened = 2026-05-06},
        {event = "RECEIVE", actor = "cu2", happened = 2026-05-30},
        {event = "PROCESS", actor = "cu", happened = 2026-06-30},
        {event = "DISMANTLE", unit = "P2", actor = "elv", happened = 2026-06-30},
        {event = "RECEIVE_VEHICLE", actor = "elv", happened = 2026-06-30},
        {event = "ISSUE_CERTIFICATE", actor = "elv", happened = 2026-06-30},
    ]""")
    card = happened_and_visible(store, AS_OF)
    assert {score.rule.id for score in card.scores if score.happened} == {
        "R20",
        "R25",
        "R29",
        "R33",
        "R35",
        "R44",
    }
    assert all(score.happened == score.visible == score.both for score in card.scores)


def test_a_yearly_share_is_matched_by_enterprise_and_year(log):
    store = log("""material = [
        {lot = "L1", element = "LI", day = 2025-05-06, input_g = 10, recovered_g = 8},
        {actor = "cu2", element = "LI", day = 2025-05-06, input_g = 10, recovered_g = 8, reported = "never"},
    ]""")
    score = happened_and_visible(store, AS_OF, (BY_ID["R51"],)).scores[0]
    assert (score.happened, score.visible, score.both) == (2, 1, 1)


def test_storage_at_an_outlet_is_limited_only_where_somebody_imagines_it(log):
    """No text limits it; ninety days imagined: a breach on the ninety-first."""
    store = log("""event = [
        {event = "COLLECT", unit = "P1", actor = "outlet", happened = 2026-05-01},
        {event = "SHIP", unit = "P1", actor = "outlet", receiver = "cu", happened = 2026-07-30},
        {event = "COLLECT", unit = "P2", actor = "outlet", happened = 2026-05-01},
        {event = "SHIP", unit = "P2", actor = "outlet", receiver = "cu", happened = 2026-07-31},
        {event = "COLLECT", unit = "P3", actor = "outlet", happened = 2026-09-02},
    ]""")
    imagined = OUTLET_HANDED_TO_OTHERS.with_limit(days(90), valid_from=day_of(2026, 4, 1))
    assert len(audit(store, truth(day_of(2026, 12, 1)), (OUTLET_HANDED_TO_OTHERS,)).findings) == 0
    found = audit(store, truth(day_of(2026, 12, 1)), (imagined,)).findings
    assert list(zip(found.unit.tolist(), found.measured.tolist(), strict=True)) == [(1, 91)]
    later = audit(store, truth(day_of(2026, 12, 2)), (imagined,)).findings
    assert later.unit.tolist() == [1, 2]


def test_a_stricter_law_is_asked_of_the_same_log_and_marked_imagined(log, tmp_path):
    store = log('event = [{event = "RECEIVE", unit = "P1", happened = 2026-05-06, reported = 2026-06-05}]')
    stricter = RECEIPT_REPORTED_LATE.with_limit(days(20), valid_from=day_of(2026, 5, 1))
    write_findings(tmp_path / "f.csv", store, audit(store, truth(AS_OF), (stricter,)).findings)
    [line] = read(tmp_path / "f.csv")
    assert (line["law"], line["imagined"], line["measured"], line["limit"]) == (
        "imagined",
        "1",
        "30",
        "20 days",
    )


def test_one_log_under_two_laws(log):
    """Forty days that hold 27 working days break Order 73 and not the law of 2018."""
    store = log('event = [{event = "RECEIVE", happened = 2026-05-06, reported = 2026-06-15}]')
    counts = {
        law: audit(store, truth(AS_OF), under((RECEIPT_REPORTED_LATE,), law)).findings.by_rule()["R46"]
        for law in (Regime.CN_2018, Regime.ORDER_73)
    }
    assert counts == {Regime.CN_2018: 0, Regime.ORDER_73: 1}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_findings_are_written_with_names_and_nothing_else_is_left(log, tmp_path):
    store = log(TWO_RECEIPTS)
    folder = tmp_path / "out"
    write_findings(folder / "findings.csv", store, happened_and_visible(store, AS_OF).findings)
    lines = read(folder / "findings.csv")
    assert tuple(lines[0]) == CSV_COLUMNS
    assert [
        (line["rule"], line["code"], line["actor"], line["happened"], line["visible"]) for line in lines
    ] == [
        ("R46", "P1/0", "cu", "1", "1"),
        ("R46", "P2/0", "cu", "1", "0"),
    ]
    assert lines[0] | {} == {
        "rule": "R46",
        "title_en": "Inbound report late",
        "title_zh": "入库信息报送逾期",
        "article": "Order 73 art. 24(7)",
        "grade": "A",
        "law": "order73",
        "imagined": "0",
        "assumed": "0",
        "unit": "0",
        "code": "P1/0",
        "vehicle": "",
        "vin": "",
        "actor": "cu",
        "day": "2026-05-06",
        "measured": "31",
        "limit": "30 days",
        "event_id": "0",
        "happened": "1",
        "visible": "1",
    }
    assert [path.name for path in folder.iterdir()] == ["findings.csv"]


def test_a_log_without_breaches_gives_a_file_with_a_head(log, tmp_path):
    store = log('event = [{event = "RECEIVE", happened = 2026-05-06}]')
    write_findings(tmp_path / "f.csv", store, happened_and_visible(store, AS_OF).findings)
    assert (tmp_path / "f.csv").read_text(encoding="utf-8") == ",".join(CSV_COLUMNS) + "\n"


def test_findings_stand_in_one_order(log):
    found = audit(
        log(TWO_RECEIPTS), truth(AS_OF), (HANDED_TO_UNPERMITTED_BUYER, RECEIPT_REPORTED_LATE)
    ).findings
    mixed = found[np.array([1, 0])].and_those(found[np.array([], dtype=np.int64)])
    assert mixed.event_id.tolist() == found.event_id.tolist() == [0, 1]


def test_a_view_is_called_by_name():
    assert view_of("register", 5).as_of == register(5).as_of == 5
    with pytest.raises(UnknownName, match="unknown view `registry`; did you mean `register`"):
        view_of("registry", 5)


def test_a_rule_is_skipped_where_no_row_has_a_column_that_it_cannot_do_without(log):
    outlet = 'event = [{event = "OPEN_OUTLET", actor = "oem", receiver = "outlet", happened = 2026-05-06}]'
    outcome = audit(log(outlet), truth(AS_OF), (BY_ID["R14"],)).outcomes[0]
    assert (outcome.fate, outcome.reason) == (Fate.SKIPPED, "no row of vehicle has a prefecture")


def test_one_row_with_that_column_is_enough(log):
    world = """
    actor = [{actor = "outlet", prefecture = 4401}]
    vehicle = [{vehicle = "V1", prefecture = 4403}, {vehicle = "V2"}]
    event = [{event = "OPEN_OUTLET", actor = "oem", receiver = "outlet", happened = 2026-05-06}]
    """
    assert audit(log(world), truth(AS_OF), (BY_ID["R14"],)).outcomes[0].fate is Fate.RAN


def test_a_rule_is_skipped_where_no_event_has_a_number_that_it_cannot_do_without(log):
    world = """
    event = [
        {event = "RECEIVE", unit = "P1", happened = 2026-05-06, details = {DAMAGED = 1}},
        {event = "SHIP", unit = "P1", happened = 2026-12-06, details = {MASS_G = 1}},
    ]
    """
    outcome = audit(log(world), truth(AS_OF), (BY_ID["R27"],)).outcomes[0]
    assert (outcome.fate, outcome.reason) == (Fate.SKIPPED, "no event of the truth has a number MASS_G")


def imported(path: Path, *columns: str) -> Store:
    """A log that says with which columns it was imported."""
    world = path / "R46.toml"
    world.write_text(
        f'[[complies]]\nname = "the world"\nas_of = 2026-12-01\n{TWO_RECEIPTS}', encoding="utf-8"
    )
    store = open_store(f"sqlite:///{path / 'imported.sqlite'}", create=True)
    store.set_meta("columns", json.dumps(columns))
    write_cases(store, load_cases(world))
    return store


def test_a_deadline_is_not_asked_of_a_log_that_was_imported_without_report_days(tmp_path):
    with imported(tmp_path, "event_day", "unit") as store:
        outcome = audit(store, truth(AS_OF), (RECEIPT_REPORTED_LATE,)).outcomes[0]
    assert (outcome.fate, outcome.reason) == (Fate.SKIPPED, "column missing: record_day")


def test_a_deadline_is_asked_of_a_log_that_was_imported_with_them(tmp_path):
    with imported(tmp_path, "event_day", "record_day") as store:
        outcome = audit(store, truth(AS_OF), (RECEIPT_REPORTED_LATE,)).outcomes[0]
    assert (outcome.fate, outcome.findings) == (Fate.RAN, 2)


def test_a_log_of_which_nothing_was_ever_reported_has_breaches_all_the_same(log):
    never = 'event = [{event = "RECEIVE", happened = 2026-05-06, reported = "never"}]'
    outcome = audit(log(never), truth(AS_OF), (RECEIPT_REPORTED_LATE,)).outcomes[0]
    assert (outcome.fate, outcome.findings) == (Fate.RAN, 1)


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text(log, tmp_path):
    world = """
actor = [{actor = "=1+1", role = "CU"}]
event = [{event = "RECEIVE", actor = "=1+1", happened = 2026-05-06, reported = 2026-06-06}]
"""
    store = log(world)
    write_findings(tmp_path / "f.csv", store, audit(store, truth(AS_OF), (RECEIPT_REPORTED_LATE,)).findings)
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as lines:
        assert [row["actor"] for row in csv.DictReader(lines)] == ["'=1+1"]
