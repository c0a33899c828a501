"""Trials: each rule against its own cases, in a store that lasts as long as the trial."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Table

from traceability.compliance.cases import Case, CaseResult, load_cases, run_cases, write_cases
from traceability.compliance.due import Count, due
from traceability.compliance.law import Unit
from traceability.compliance.rule import Rule
from traceability.errors import TraceabilityError
from traceability.events import EPOCH, NULL
from traceability.store import Store, open_store, schema
from traceability.vocabulary import EventType, Role

_COUNTS = {Unit.DAYS: Count.DAYS, Unit.WORKING_DAYS: Count.WORKING_DAYS, Unit.MONTHS: Count.MONTHS}


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of one rule's cases.

    Attributes:
        results: one a case.
        fault: why the case file cannot be used, or ''.
    """

    rule: Rule
    results: tuple[CaseResult, ...]
    fault: str = ""

    @property
    def broken(self) -> str:
        """Where and how the rule broke, or ''."""
        return next((result.reason for result in self.results if result.broken), "")

    @property
    def passed(self) -> bool:
        """Whether there are cases, and each was judged as it says."""
        return bool(self.results) and not self.fault and all(result.passed for result in self.results)

    def both_ways(self, at_least: int = 2) -> bool:
        """Return whether *at_least* so many cases comply, and as many breach."""
        comply = sum(result.case.expected == 0 for result in self.results)
        return comply >= at_least and len(self.results) - comply >= at_least


def try_rule(rule: Rule, case_file: Path) -> Trial:
    """Return what *rule* says of each case in *case_file*.

    A case file that is missing or wrong is a fault of the trial, not an error: other rules are tried, too.
    """
    try:
        cases = cases_of(rule, case_file)
    except TraceabilityError as error:
        return Trial(rule, (), str(error))
    with store_of(cases) as store:
        return Trial(rule, run_cases(store, cases))


def cases_of(rule: Rule, case_file: Path) -> tuple[Case, ...]:
    """Return the cases of *rule*.

    Raises:
        TraceabilityError: there is no such file, it cannot be used, or it has no case.
    """
    if not case_file.exists():
        raise TraceabilityError(f"no cases: {case_file} is not there")
    cases = load_cases(case_file, (rule,))
    if not cases:
        raise TraceabilityError(f"no cases: {case_file} has none")
    return cases


@contextmanager
def store_of(cases: Sequence[Case]) -> Iterator[Store]:
    """Give a store with the worlds of *cases*, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="battrace-cases-") as folder:
        store = open_store(f"sqlite:///{Path(folder) / 'cases.sqlite'}", create=True)
        try:
            write_cases(store, cases)
            yield store
        finally:
            store.close()


def told(case: Case) -> list[str]:
    """Return the rows of *case*, a line each, as a person reads them."""
    names = {row["actor"]: row["name"] for row in case.tables[schema.actor]}
    units = {row["unit"]: name for name, row in _by_name(case, schema.unit)}
    vehicles = {row["vehicle"]: f"V{n}" for n, row in enumerate(case.tables[schema.vehicle], 1)}
    lines = []
    for row in case.tables[schema.event]:
        what = [EventType(row["event"]).name]
        what += [units[row["unit"]]] if row["unit"] != NULL else []
        what += [f"vehicle {vehicles[row['vehicle']]}"] if row["vehicle"] != NULL else []
        what += [f"by {names[row['actor']]}"]
        what += [f"to {names[row['receiver']]}"] if row["receiver"] != NULL else []
        parts = [" ".join(what) + f" {_day(row['event_day'])}", *_due(case.rule, row["event_day"])]
        parts.append("never reported" if row["record_day"] == NULL else f"reported {_day(row['record_day'])}")
        parts += [] if row["happened"] else ["invented"]
        lines.append(" · ".join(parts))
    for row in case.tables[schema.material]:
        lines.append(
            f"material of {units[row['lot']]} by {names[row['actor']]} {_day(row['day'])} · in {row['input_g']} g · "
            f"recovered {row['recovered_g']} g · left over {row['residue_g']} g"
        )
    for row in case.tables[schema.link]:
        lines.append(
            f"{units[row['parent']]} is linked to {units[row['child']]} from {_day(row['from_day'])}"
        )
    return [*lines, f"{case.view} as of {_day(case.as_of)}"]


def found(result: CaseResult) -> list[str]:
    """Return what the rule found in a case, a line each."""
    names = {row["actor"]: row["name"] for row in result.case.tables[schema.actor]}
    findings = result.findings
    rows = zip(
        findings.actor.tolist(),
        findings.day.tolist(),
        findings.measured.tolist(),
        findings.limit.tolist(),
        strict=True,
    )
    return [
        f"found: {names[actor]} {_day(day)}"
        + (
            ""
            if measured == NULL
            else f" · measured {measured}, limit {result.case.rule.limits[limit].bound}"
        )
        for actor, day, measured, limit in rows
    ]


def _due(rule: Rule, day: int) -> list[str]:
    limit = rule.limit_on(day)
    if limit is None or limit.value is None or limit.unit not in _COUNTS:
        return []
    last = due(EPOCH + timedelta(days=day), limit.value, _COUNTS[limit.unit])
    return [f"due {last.as_counted}"]


def _by_name(case: Case, table: Table) -> list[tuple[str, dict[str, int]]]:
    """Return the units under the names that people know: letter of the level and a number."""
    letters = {1: "P", 2: "M", 3: "C", 4: "R", 5: "L"}
    count: dict[str, int] = {}
    named = []
    for row in case.tables[table]:
        letter = letters[int(row["level"])]
        count[letter] = count.get(letter, 0) + 1
        named.append((f"{letter}{count[letter]}", dict(row)))
    return named


def _day(number: int) -> str:
    return "no day" if number == NULL else (EPOCH + timedelta(days=number)).isoformat()


def bound_roles(rule: Rule) -> str:
    """Return whom a rule binds, in the words of the actor types."""
    return ", ".join(Role(role).name for role in rule.binds)
