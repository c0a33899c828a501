"""Every rule against its case file, on every kind of store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from traceability.compliance.audit import audit, happened_and_visible
from traceability.compliance.cases import (
    CASE_FILES,
    Case,
    load_cases,
    load_explained,
    run_cases,
    write_cases,
)
from traceability.compliance.findings import Findings
from traceability.compliance.rules import RULES
from traceability.compliance.views import register, truth
from traceability.compliance.worlds import CaseError
from traceability.errors import UnknownName
from traceability.events import day_number
from traceability.store import Store, open_store

KINDS = ("parquet", "sqlite", "postgresql")


def all_cases() -> tuple[Case, ...]:
    cases: tuple[Case, ...] = ()
    for path in sorted(CASE_FILES.glob("*.toml")):
        cases += load_cases(path, first=len(cases))
    return cases


CASES = all_cases()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory, new_postgres_url: Callable[[], str]) -> dict[str, Store]:
    """The three kinds of store, each with all the cases."""
    directory = tmp_path_factory.mktemp("cases")
    urls = (f"parquet:{directory / 'log'}", f"sqlite:///{directory / 'log.sqlite'}", new_postgres_url())
    opened = {kind: open_store(url, create=True) for kind, url in zip(KINDS, urls, strict=True)}
    for store in opened.values():
        write_cases(store, CASES)
    yield opened
    for store in opened.values():
        store.close()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_has_two_cases_of_each_kind(rule):
    expected = [case.expected for case in CASES if case.rule is rule]
    assert sum(n == 0 for n in expected) >= 2
    assert sum(n > 0 for n in expected) >= 2


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_limit_of_a_rule_is_hit(rule, stores):
    """Some case breaches each dated limit: no limit stands in the table untried."""
    hit: set[int] = set()
    for case in (case for case in CASES if case.rule is rule):
        answer = audit(stores["sqlite"], case.seen, (rule,))
        hit |= set(answer.findings.limit.tolist())
    assert hit == set(range(len(rule.limits)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_is_judged_as_it_says(stores, kind):
    wrong = [
        f"{result.case.rule.id} {result.case.name}: {result.found} for {result.case.expected} {result.reason}"
        for result in run_cases(stores[kind], CASES)
        if not result.passed
    ]
    assert wrong == []


def rows(findings: Findings) -> np.ndarray:
    names = (
        "rule",
        "limit",
        "event_id",
        "unit",
        "vehicle",
        "actor",
        "day",
        "measured",
        "happened",
        "visible",
    )
    return np.stack([getattr(findings, name) for name in names])


@pytest.mark.parametrize("view", [truth, register])
@pytest.mark.parametrize("day", ["2024-10-21", "2026-04-17", "2026-07-01", "2029-06-01"])
def test_the_three_stores_give_the_same_findings(stores, view, day):
    """All rules over all cases at once: same rows, same order, same measurements."""
    as_of = int(np.datetime64(day, "D").astype(int))
    parquet, sqlite, postgresql = (audit(stores[kind], view(as_of)) for kind in KINDS)
    assert len(parquet.findings) > 0
    assert parquet.broken == sqlite.broken == postgresql.broken == ()
    np.testing.assert_array_equal(rows(parquet.findings), rows(sqlite.findings))
    np.testing.assert_array_equal(rows(parquet.findings), rows(postgresql.findings))


def test_the_three_stores_give_the_same_scores(stores):
    cards = [
        happened_and_visible(stores[kind], day_number(np.datetime64("2029-06-01").item())) for kind in KINDS
    ]
    assert cards[0].scores == cards[1].scores == cards[2].scores


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "R46.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[complys]]", r"unknown key `complys` in R46.toml; did you mean `complies`"),
        (
            "[[complies]]\nname = 'x'\nevents = []",
            r"unknown key `events` in R46.toml, complies 1; did you mean `event`",
        ),
        (
            "[[complies]]\nname = 'x'\nevent = [{event = 'RECIEVE', happened = 2026-05-06}]",
            r"unknown eventtype `RECIEVE` in R46.toml, complies 1, event 1; did you mean `RECEIVE`",
        ),
        (
            "[[complies]]\nname = 'x'\nevent = [{event = 'RECEIVE', actor = 'cuu', happened = 2026-05-06}]",
            r"unknown actor `cuu` .*did you mean `cu`",
        ),
    ],
)
def test_a_wrong_name_is_answered_with_the_closest(tmp_path, text, message):
    with pytest.raises(UnknownName, match=message):
        load_cases(written(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[complies]]\nname = 3\nas_of = 2026-05-06", r"R46.toml, complies 1: `name` is 3, expected a text"),
        ("[[complies]]\nas_of = 2026-05-06", r"`name` is missing, expected a text"),
        ("[[complies]]\nname = 'x'", r"`as_of` is missing, expected a day, since the case mentions none"),
        (
            "[[complies]]\nname = 'x'\nevent = [{event = 'RECEIVE', happened = '2026-05-06'}]",
            r"event 1: `happened` is '2026-05-06', expected a day, like 2026-05-06",
        ),
        (
            "[[complies]]\nname = 'x'\nas_of = 2026-05-06\nscale = 0",
            r"R46.toml, complies 1: `scale` is 0, expected at least 1",
        ),
        ("complies = 3", r"R46.toml: `complies` is 3, expected a list of tables"),
        ("[[complies", r"R46.toml: Expected"),
    ],
)
def test_a_wrong_value_is_answered_with_where_and_what_was_expected(tmp_path, text, message):
    with pytest.raises(CaseError, match=message):
        load_cases(written(tmp_path, text))


def test_a_file_of_no_rule_is_refused(tmp_path):
    path = tmp_path / "R64.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(UnknownName, match="unknown rule `R64`"):
        load_cases(path)


def test_a_case_that_is_still_to_be_written_fails(tmp_path):
    """Even where the rule says what it expects."""
    path = written(
        tmp_path,
        "[[complies]]\nname = 'x'\ntodo = 'think'\nevent = [{event = 'RECEIVE', happened = 2026-05-06}]",
    )
    (case,) = load_cases(path)
    with open_store(f"sqlite:///{tmp_path / 'log.sqlite'}", create=True) as store:
        write_cases(store, [case])
        (result,) = run_cases(store, [case])
    assert (result.found, case.expected, result.passed) == (0, 0, False)


@pytest.mark.parametrize(("kind", "number"), [("complies", 1), ("breaches", 0), ("breaches", -1)])
def test_a_number_of_findings_belongs_to_its_kind(tmp_path, kind, number):
    text = f"[[{kind}]]\nname = 'x'\nas_of = 2026-05-06\nfindings = {number}"
    with pytest.raises(CaseError, match=rf"{kind} 1: `findings` is {number}, expected"):
        load_cases(written(tmp_path, text))


def test_an_explanation_names_a_mutant_and_gives_a_reason(tmp_path):
    path = written(tmp_path, "[[explained]]\nmutant = 'needs without X'\nreason = 'because'")
    assert load_explained(path) == {"needs without X": "because"}
    with pytest.raises(CaseError, match=r"explained 1: `reason` is missing, expected a text"):
        load_explained(written(tmp_path, "[[explained]]\nmutant = 'needs without X'"))
