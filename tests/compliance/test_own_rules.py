"""Rules of one's own: taken in, refused, broken, and drafted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.cli import cli
from traceability.compliance.drafting import KINDS, draft, write_draft
from traceability.compliance.law import Grade
from traceability.compliance.mutants import Part
from traceability.compliance.own_rules import rule_book
from traceability.compliance.proving import prove
from traceability.compliance.rules import RULES
from traceability.compliance.trials import try_rule
from traceability.errors import TraceabilityError, UnknownName


def battrace(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["rules", *map(str, arguments)])


def drafted(folder: Path, name: str = "R901", kind: str = "deadline", article: str = "24(7)") -> Path:
    texts = draft(name, article, kind, Grade.U)
    return write_draft(folder, name, "my_rules.py", texts)[0]


def finished(folder: Path, **kwargs: str) -> Path:
    """A draft whose cases are called written."""
    file = drafted(folder, **kwargs)
    for cases in (folder / "cases").glob("*.toml"):
        lines = cases.read_text("utf-8").splitlines(keepends=True)
        cases.write_text("".join(line for line in lines if not line.startswith("todo")), "utf-8")
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_a_draft_runs_and_fails_until_it_is_written(tmp_path, kind):
    book = rule_book([drafted(tmp_path, kind=kind)])
    (rule,) = book.chosen(("R901",))
    assert book.broken == ()
    assert book.own == {"R901"}
    trial = try_rule(rule, book.case_files["R901"])
    assert not trial.passed
    assert not trial.broken
    assert [result.passed for result in trial.results] == [False] * 4
    assert trial.both_ways()


@pytest.mark.parametrize("kind", KINDS)
def test_a_finished_draft_stands_at_its_borders(tmp_path, kind):
    book = rule_book([finished(tmp_path, kind=kind)])
    (rule,) = book.chosen(("R901",))
    assert try_rule(rule, book.case_files["R901"]).passed
    assert prove(rule, book.case_files["R901"], (Part.LIMIT, Part.VALIDITY)).complete


@pytest.mark.parametrize(
    ("article", "said"),
    [("24(7)", "Order 73 art. 24(7)"), ("19", "Order 73 art. 19"), ("", "Order 73, article unknown")],
)
def test_a_draft_cites_its_article(tmp_path, article, said):
    book = rule_book([drafted(tmp_path, article=article)])
    assert str(book.chosen(("R901",))[0].limits[0].article) == said


def test_a_draft_is_refused_where_it_cannot_be(tmp_path):
    with pytest.raises(TraceabilityError, match="cannot be a rule's id"):
        draft("r 61", "", "event", Grade.U)
    with pytest.raises(TraceabilityError, match="`xx` is no article"):
        draft("R901", "xx", "event", Grade.U)
    with pytest.raises(UnknownName, match="did you mean `deadline`"):
        draft("R901", "", "deadlin", Grade.U)
    drafted(tmp_path)
    with pytest.raises(TraceabilityError, match="is there already"):
        drafted(tmp_path)
    assert battrace("new", RULES[0].id, "--out", tmp_path).exit_code != 0


def test_an_id_is_taken_once(tmp_path):
    file = drafted(tmp_path)
    file.write_text(file.read_text("utf-8").replace('id="R901"', 'id="R46"'), "utf-8")
    with pytest.raises(
        TraceabilityError, match="the id R46 is taken by the shipped rules; choose another, R"
    ):
        rule_book([file])


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TraceabilityError, match="nothing.py: cannot be read as a rule file"):
        rule_book([tmp_path / "nothing.py"])


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("x = 1\nfrom traceability.nope import y\n", 2, "ModuleNotFoundError: No module named"),
        ("x = 1\n\ny = (\n", 3, "SyntaxError: "),
        ("def f():\n    return 1 / 0\n\nf()\n", 2, "ZeroDivisionError: division by zero"),
        ("x = 1\n", 0, "makes no Rule"),
    ],
)
def test_a_file_that_does_not_run_is_broken_and_the_others_go_on(tmp_path, text, line, reason):
    good, bad = drafted(tmp_path), tmp_path / "bad.py"
    bad.write_text(text, "utf-8")
    book = rule_book([bad, good])
    (fault,) = book.broken
    assert (fault.file, fault.line) == (bad, line)
    assert fault.reason.startswith(reason)
    assert book.own == {"R901"}


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("binds=(Role.CU,)", "binds=Role.CU", "R901: binds is .*expected a tuple of Role"),
        ("needs=(EventType.RECEIVE,)", "needs=()", "R901: needs is .*expected a tuple of EventType or Table"),
        ("kind=Kind.DEADLINE", "kind='D'", "R901: kind and severity are 'D' and"),
        ("violations=reported_late(EventType.RECEIVE, by=Role.CU)", "violations=3", "R901: violations is 3"),
    ],
)
def test_a_declaration_that_is_none_is_broken_at_its_line(tmp_path, right, wrong, reason):
    file = drafted(tmp_path)
    text = file.read_text("utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), "utf-8")
    book = rule_book([file])
    (fault,) = book.broken
    assert text.splitlines()[fault.line - 1].strip() == 'id="R901",'
    assert re.search(reason, fault.reason)
    assert book.own == frozenset()


def test_a_query_that_raises_is_broken_with_file_and_line(tmp_path):
    file = finished(tmp_path, kind="event")
    text = file.read_text("utf-8").replace(
        "e, who = view.event, view.actor", "e, who = view.evnt, view.actor"
    )
    file.write_text(text, "utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "view.evnt" in row)
    said = battrace("test", "R901", "R35", "--rules", file)
    assert said.exit_code == 3
    assert (
        f"BROKEN AttributeError: 'View' object has no attribute 'evnt' (my_rules.py:{line} in " in said.output
    )
    assert "✓ breach: by an outlet, on the first day of Order 73" in said.output  # the other rule ran


def test_a_query_of_wrong_columns_is_broken_at_the_query(tmp_path):
    file = finished(tmp_path, kind="event")
    text = file.read_text("utf-8").replace(
        "        finding(e)", "        finding(e).with_only_columns(e.c.unit)"
    )
    file.write_text(text, "utf-8")
    said = battrace("test", "R901", "--rules", file)
    assert said.exit_code == 3
    assert "yields the columns unit; expected event_id" in said.output
    assert "(my_rules.py:" in said.output


def test_the_commands_take_own_rules(tmp_path):
    file = finished(tmp_path)
    assert "R901" in battrace("list", "--rules", file).output
    shown = json.loads(battrace("show", "R901", "--rules", file, "--json").output)
    assert (shown["limits"][0]["value"], len(shown["cases"])) == (30, 4)
    assert battrace("test", "R901", "--rules", file).exit_code == 0
    proof = json.loads(battrace("mutate", "R901", "--rules", file, "--json").output)
    assert [row["survivors"] for row in proof] == [[]]


def test_a_wrong_name_of_a_rule_is_answered_with_the_closest():
    said = battrace("show", "R466")
    assert isinstance(said.exception, UnknownName)
    assert "did you mean `R46`" in str(said.exception)


def test_a_failed_case_shows_expected_actual_and_the_rows(tmp_path):
    file = finished(tmp_path)
    cases = tmp_path / "cases" / "R901.toml"
    text = cases.read_text("utf-8")
    cases.write_text(
        text.replace(
            "happened = 2026-05-06, reported = 2026-06-06", "happened = 2026-05-06, reported = 2026-06-05"
        ),
        "utf-8",
    )
    said = battrace("test", "R901", "--rules", file)
    assert said.exit_code == 1
    assert "✗ breach: on the thirty-first day" in said.output
    assert "expected 1 findings, got 0" in said.output
    assert "RECEIVE P1 by cu 2026-05-06 · due 2026-06-05 · reported 2026-06-05" in said.output
