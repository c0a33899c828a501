"""Days that a query counts, or reads from a code, are those that the calendar and the codes say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import pytest

from traceability.codes import Form, format_code, format_codes, place_of
from traceability.compliance.audit import audit
from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.due import Count, due
from traceability.compliance.law import days, months
from traceability.compliance.rule import Rule
from traceability.compliance.rules.code_parts import CODE_DATE_DIFFERS
from traceability.compliance.rules.delivery import DISMANTLING_NOT_PUBLISHED
from traceability.compliance.views import truth
from traceability.events import day_number
from traceability.store import open_store
from traceability.vocabulary import Chemistry, Level

A_YEAR = [date(2027, 3, 1) + timedelta(days=n) for n in range(366)]
"""With a 29th of February in it."""


def measured(tmp_path: Path, rule: Rule, rows: Iterable[str], as_of: date) -> dict[int, int]:
    """Vehicle (or unit) -> what *rule* measures, for its findings in the world that *rows* of a case tell."""
    path = tmp_path / f"{rule.id}.toml"
    path.write_text("\n".join(['[[complies]]\nname = "the world"', *rows]), encoding="utf-8")
    with open_store(f"sqlite:///{tmp_path / 'log.sqlite'}", create=True) as store:
        write_cases(store, load_cases(path, (rule,)))
        answer = audit(store, truth(day_number(as_of)), (rule,))
    answer.stop_if_broken()
    found = answer.findings
    whom = found.vehicle if rule.id == "R11" else found.unit
    return dict(zip(whom.tolist(), found.measured.tolist(), strict=True))


@pytest.mark.parametrize("number", [1, 6, 12, 24])
def test_months_end_on_the_day_that_due_says(tmp_path, number):
    """From every day of a year: published on the last day complies, on the next it is a month too many."""
    rule = DISMANTLING_NOT_PUBLISHED.with_limit(months(number), valid_from=0)
    rows = []
    for n, day in enumerate(A_YEAR):
        last = due(day, number, Count.MONTHS).as_counted
        for vehicle, told in ((f"V{n}", last), (f"W{n}", last + timedelta(days=1))):
            rows += [
                f'[[complies.event]]\nevent = "CERTIFY"\nvehicle = "{vehicle}"\nhappened = {day}',
                f'[[complies.event]]\nevent = "PUBLISH_INFORMATION"\nvehicle = "{vehicle}"\nhappened = {told}',
            ]
    found = measured(tmp_path, rule, rows, date(2031, 1, 1))
    assert found == {2 * n + 1: number + 1 for n in range(len(A_YEAR))}


def every_month() -> list[date]:
    """First and last day of each month that a code can tell, and two days in between."""
    firsts = [date(year, month, 1) for year in range(2011, 2041) for month in range(1, 13)]
    return sorted({day + timedelta(days=n) for day in firsts for n in (-1, 0, 13, 26)} - {date(2010, 12, 31)})


@pytest.mark.parametrize(("trace", "level"), [("A0B1234", "P"), ("", "R")])
def test_the_day_that_a_code_tells_is_the_one_that_was_written_into_it(tmp_path, trace, level):
    """With no day's grace: the codes of all days agree with their days, and differ by one from the next."""
    rule = CODE_DATE_DIFFERS.with_limit(days(0), valid_from=0)
    rows, events = [], []
    for n, day in enumerate(every_month()):
        code = format_code(
            maker="X01",
            level=Level.PACK,
            type_letter="B",
            specification="1A",
            trace=trace,
            made_on=day,
            serial=1,
        )
        for unit, made in ((f"{level}{n}", day), (f"{level}{n}b", day + timedelta(days=1))):
            rows.append(f'[[complies.unit]]\nunit = "{unit}"\ncode = "{code}"\nmade = {made}')
            events.append(f'[[complies.event]]\nevent = "CODE"\nunit = "{unit}"\nhappened = 2026-05-06')
    found = measured(tmp_path, rule, [*rows, *events], date(2026, 5, 6))
    assert found == {2 * n + 1: 1 for n in range(len(every_month()))}


def test_a_field_is_where_the_code_has_it():
    [code] = format_codes(
        maker="X01",
        level=Level.PACK,
        chemistry=Chemistry.LFP,
        specification="1A",
        trace="A0B1234",
        made_day=day_number(date(2026, 4, 1)),
        serial=7,
    )
    text = code.decode()
    assert [text[place_of(name, Form.NEW)] for name in ("maker", "year", "month", "day")] == [
        "X01",
        "G",
        "4",
        "1",
    ]
