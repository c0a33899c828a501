"""Coverage: duties, the rules that ask for them, and how well each is tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli
from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.coverage import (
    Colour,
    Coverage,
    Duty,
    cover,
    cover_rule,
    duties_of,
    exercised,
    load_duties,
)
from traceability.compliance.law import Grade, day_of
from traceability.compliance.own_rules import rule_book
from traceability.compliance.rules import RULES
from traceability.compliance.rules.recycling import (
    DISPATCH_REPORTED_LATE,
    MASS_NOT_BALANCED,
    RECEIPT_REPORTED_LATE,
)
from traceability.compliance.views import register, truth
from traceability.errors import TraceabilityError, UnknownName
from traceability.store import open_store

BOOK = rule_book()
R46 = cover_rule(RECEIPT_REPORTED_LATE, BOOK.case_files["R46"])


def duty(rules: tuple[str, ...] = (), silent: str = "", unknown: str = "") -> Duty:
    return Duty(
        "X", "order73", "Order 73", "", "a duty", "义务", ("CU",), Grade.B, "S1", rules, silent, unknown
    )


def test_every_shipped_rule_is_asked_for_by_a_duty():
    asked = {name for row in load_duties() for name in row.rules}
    assert {rule.id for rule in RULES} <= asked


def test_the_thirty_rows_of_order_73_are_there_and_what_is_not_known_stays_so():
    rows = duties_of("order73")
    assert len(rows) == 30
    (unknown,) = (row for row in rows if row.unknown)
    assert unknown.citation == "Order 73 art. 24(1)-(6)"
    assert {row.id for row in rows if row.silent} == {"O01", "O02", "O03", "O07", "O20", "O28", "O30"}
    assert next(row for row in rows if row.id == "O09").citation == "Order 73, article unknown"


def test_a_rule_is_tried_when_two_cases_each_way_pass_and_every_border_is_tried():
    assert (R46.limits, R46.breached, R46.at_boundary, R46.passed) == (2, 2, 2, True)
    assert R46.tried
    assert R46.complies >= 2
    assert R46.breaches >= 2


def test_a_rule_whose_cases_stand_far_from_its_borders_is_not_tried(tmp_path):
    path = tmp_path / "R47.toml"
    path.write_text(
        "".join(
            f"[[{kind}]]\nname = '{n}'\nevent = [{{event = 'DISPATCH', happened = 2026-05-06, reported = {told}}}]\n"
            for kind, told in (("complies", "2026-05-07"), ("breaches", "2026-09-06"))
            for n in (1, 2)
        ),
        encoding="utf-8",
    )
    row = cover_rule(DISPATCH_REPORTED_LATE, path)
    assert (row.complies, row.breaches, row.passed, row.breached, row.at_boundary) == (2, 2, True, 1, 0)
    assert not row.tried
    assert "is not there" in cover_rule(DISPATCH_REPORTED_LATE, tmp_path / "none.toml").fault


def test_the_colours_and_the_share_by_hand():
    """Covered, one rule missing, unknown, silent: one of three that count."""
    rows = [duty(("R46",)), duty(("R46", "R99")), duty(unknown="not found"), duty(silent="no event")]
    covered = cover(rows, [R46])
    assert [row.colour for row in covered.duties] == [
        Colour.COVERED,
        Colour.LACKING,
        Colour.UNKNOWN,
        Colour.SILENT,
    ]
    assert covered.duties[1].missing == ("R99",)
    assert (covered.covered, covered.counted) == (1, 3)
    assert covered.percent == pytest.approx(100 / 3)
    assert Coverage(()).percent == 0.0


def test_a_log_exercises_a_rule_as_often_as_it_is_asked(tmp_path):
    """Three receipts, one before any limit; a row of another table has no such count."""
    path = tmp_path / "R46.toml"
    path.write_text(
        "[[breaches]]\nname = 'x'\nas_of = 2026-12-01\n"
        "event = [{event = 'RECEIVE', unit = 'P1', happened = 2018-07-31},"
        "{event = 'RECEIVE', unit = 'P2', happened = 2018-08-01},"
        "{event = 'RECEIVE', unit = 'P3', happened = 2026-05-06, reported = 'never'}]\n"
        "material = [{day = 2026-05-06, input_g = 10, recovered_g = 1}]\n",
        encoding="utf-8",
    )
    rules = (RECEIPT_REPORTED_LATE, MASS_NOT_BALANCED)
    with open_store(f"sqlite:///{tmp_path / 'log.sqlite'}", create=True) as store:
        write_cases(store, load_cases(path))
        assert exercised(store, truth(day_of(2026, 12, 1)), rules) == {"R46": (2, 1), "R50": (None, 1)}
        assert exercised(store, register(day_of(2026, 12, 1)), rules) == {"R46": (1, 0), "R50": (None, 1)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("grade = 'B'", "grade = 'E'"), "unknown grade `E` in duties.toml, duty 1"),
        (("rules = ['R46']", ""), "has none of rules, silent and unknown; expected one"),
        (("rules = ['R46']", "rules = 'R46'"), "`rules` is 'R46', expected a list of texts"),
        (("rules =", "rule ="), "unknown key `rule` in duties.toml, duty 1; did you mean `rules`"),
        (("en = 'a'", ""), "en is missing"),
        (("[[duty]]", "[[duty]"), "cannot be read as a table of duties"),
    ],
)
def test_a_wrong_table_of_duties_is_refused(tmp_path, change, message):
    text = (
        "[[duty]]\nid = 'X'\nlaw = 'order73'\nact = 'A'\nen = 'a'\nzh = '甲'\nwho = ['CU']\n"
        "grade = 'B'\nrules = ['R46']\n"
    )
    path: Path = tmp_path / "duties.toml"
    path.write_text(text, "utf-8")
    assert [row.id for row in load_duties(path)] == ["X"]
    other = tmp_path / "b" / "duties.toml"
    other.parent.mkdir()
    other.write_text(text.replace(*change), "utf-8")
    with pytest.raises(TraceabilityError, match=message):
        load_duties(other)


def test_a_law_that_nobody_knows_is_answered_with_the_closest():
    with pytest.raises(UnknownName, match="unknown law `order37`; did you mean `order73`"):
        duties_of("order37")


def test_the_command_fails_under_a_share_and_shows_what_stays_red():
    said = CliRunner().invoke(
        cli, ["rules", "coverage", "--law", "voluntary", "--fail-under", "100", "--json"]
    )
    table = json.loads(said.output)
    assert said.exit_code == (0 if table["percent"] == 100 else 1)
    rows = {row["duty"]: row for row in table["duties"]}
    assert rows["V01"]["status"] == "covered"
    assert rows["V01"]["rules"][0]["at_boundary"] == 2
    assert rows["V07"]["status"] == "no log can show it"
