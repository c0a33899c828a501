"""Due days, counted by hand from China's published calendar."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sim.cli import cli
from traceability.compliance.due import DEFAULT, Count, Reading, due
from traceability.errors import TraceabilityError
from traceability.events import day_number
from traceability.workdays import add_working_days, ordinals


def days(*texts: str) -> tuple[date, ...]:
    return tuple(date.fromisoformat(text) for text in texts)


def test_fifteen_working_days_over_labour_day_2026():
    """30 April; 6 to 9 May, a Saturday that is worked; 11 to 15, 18 to 22 May."""
    answer = due(date(2026, 4, 29), 15, Count.WORKING_DAYS)
    assert answer.as_counted == answer.moved_on == date(2026, 5, 22)
    assert [rest.day for rest in answer.skipped] == list(
        days("2026-05-01", "2026-05-02", "2026-05-04", "2026-05-05")
    )
    assert {rest.name_zh for rest in answer.skipped[:2]} == {"劳动节"}
    assert answer.weekend_days == 4  # 3, 10, 16 and 17 May
    assert answer.made_up == days("2026-05-09")
    assert answer.moved_past == ()
    assert not answer.provisional


def test_a_last_day_in_the_national_holiday_moves_on_to_the_first_working_day():
    """1 September and thirty days: 1 October; work begins again on the 8th."""
    answer = due(date(2026, 9, 1), 30, Count.DAYS)
    assert (answer.as_counted, answer.moved_on) == days("2026-10-01", "2026-10-08")
    assert [rest.day for rest in answer.moved_past] == [date(2026, 10, n) for n in range(1, 8)]
    assert answer.under() == answer.under(DEFAULT) == date(2026, 10, 1)
    assert answer.under(Reading.MOVES_ON) == date(2026, 10, 8)
    assert answer.skipped == answer.made_up == ()


def test_a_worked_saturday_is_no_rest_day():
    """Saturday, 9 May 2026, is worked for Labour Day; the next Saturday is not."""
    assert due(date(2026, 5, 8), 1, Count.DAYS).moved_on == date(2026, 5, 9)
    assert due(date(2026, 5, 15), 1, Count.DAYS).moved_on == date(2026, 5, 18)


@pytest.mark.parametrize(
    ("trigger", "months", "last", "shortened"),
    [
        ("2026-04-29", 6, "2026-10-29", False),
        ("2026-08-31", 6, "2027-02-28", True),
        ("2023-08-31", 6, "2024-02-29", True),
        ("2026-11-30", 3, "2027-02-28", True),
        ("2026-12-31", 1, "2027-01-31", False),
        ("2026-02-28", 1, "2026-03-28", False),
    ],
)
def test_months_end_on_the_corresponding_day_or_the_last_of_the_month(trigger, months, last, shortened):
    answer = due(date.fromisoformat(trigger), months, Count.MONTHS)
    assert (answer.as_counted, answer.shortened) == (date.fromisoformat(last), shortened)


def test_what_rests_on_an_unpublished_calendar_is_provisional():
    """Beyond the last published year: days as counted need no calendar, the reading that moves on does."""
    until = due(date(2026, 1, 1), 0, Count.DAYS).published_until
    late = until + timedelta(days=400)
    assert due(late, 30, Count.WORKING_DAYS).provisional == set(Reading)
    assert due(late, 30, Count.DAYS).provisional == {Reading.MOVES_ON}
    assert due(until - timedelta(days=5), 60, Count.WORKING_DAYS).provisional == set(Reading)
    assert due(date(2026, 3, 2), 30, Count.DAYS).provisional == frozenset()


@given(
    trigger=st.dates(date(2005, 1, 1), date(2090, 12, 31)),
    n=st.integers(0, 90),
    count=st.sampled_from(list(Count)),
)
def test_both_readings_are_ordered_and_the_later_is_worked(trigger, n, count):
    answer = due(trigger, n, count)
    assert trigger <= answer.as_counted <= answer.moved_on
    number = day_number(answer.moved_on)
    assert ordinals(number, number).ordinal[0] == 1
    assert len(answer.moved_past) == (answer.moved_on - answer.as_counted).days
    if count is Count.WORKING_DAYS:
        assert day_number(answer.as_counted) == add_working_days(day_number(trigger), n)
        passed = (answer.as_counted - trigger).days
        assert passed == n + len(answer.skipped) + answer.weekend_days


@pytest.mark.parametrize(
    ("trigger", "n", "message"),
    [
        (date(1999, 1, 1), 3, "the trigger 1999-01-01 is outside the calendar, which runs from 2001-01-01"),
        (date(2026, 1, 1), -1, "a period cannot be -1 days"),
        (date(2026, 1, 1), 100_000, "100000 days after 2026-01-01 is outside the calendar"),
        (date(2100, 12, 30), 2, "2 days after 2100-12-30 is outside the calendar"),
    ],
)
def test_a_period_outside_the_calendar_is_refused(trigger, n, message):
    with pytest.raises(TraceabilityError, match=message):
        due(trigger, n, Count.DAYS)


def test_the_command_gives_both_readings_and_the_reason():
    said = CliRunner().invoke(cli, ["due", "2026-09-01", "--days", "30", "--json"])
    answer = json.loads(said.output)
    assert said.exit_code == 0
    assert (answer["due"], answer["default"]) == ("2026-10-01", "as counted")
    assert [row["due"] for row in answer["readings"]] == ["2026-10-01", "2026-10-08"]
    assert len(answer["moved_past"]) == 7
    text = CliRunner().invoke(cli, ["due", "2026-04-29", "--working-days", "15"]).output
    assert "due 2026-05-22 Friday  as counted  (default)" in text
    assert "weekend days that are worked, counted: 2026-05-09 Saturday" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_command_wants_one_period():
    for arguments in (["due", "2026-04-29"], ["due", "2026-04-29", "--days", "3", "--months", "1"]):
        said = CliRunner().invoke(cli, arguments)
        assert said.exit_code == 2
        assert "give one of --days, --working-days and --months" in said.output
