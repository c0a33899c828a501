"""Working days agree with what the State Council announced, and say where it has announced nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.errors import TraceabilityError
from traceability.events import day_number
from traceability.workdays import (
    FIRST_YEAR,
    LAST_YEAR,
    add_working_days,
    ordinals,
    published_until,
    working_days_between,
)

# 国办发明电 of each year: weekend days that were worked in return for a longer holiday
WORKED_WEEKENDS = {
    2018: ["02-11", "02-24", "04-08", "04-28", "09-29", "09-30", "12-29"],
    2019: ["02-02", "02-03", "04-28", "05-05", "09-29", "10-12"],
    2020: ["01-19", "04-26", "05-09", "06-28", "09-27", "10-10"],
    2021: ["02-07", "02-20", "04-25", "05-08", "09-18", "09-26", "10-09"],
    2022: ["01-29", "01-30", "04-02", "04-24", "05-07", "10-08", "10-09"],
    2023: ["01-28", "01-29", "04-23", "05-06", "06-25", "10-07", "10-08"],
    2024: ["02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"],
    2025: ["01-26", "02-08", "04-27", "09-28", "10-11"],
    2026: ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
}

days = st.dates(date(2001, 1, 1), date(2060, 12, 31)).map(day_number)


def is_working(day: date) -> bool:
    return working_days_between(day_number(day) - 1, day_number(day)) == 1


@pytest.mark.parametrize(("year", "expected"), WORKED_WEEKENDS.items())
def test_exactly_the_announced_weekend_days_are_worked(year, expected):
    every_day = [date(year, 1, 1) + timedelta(days=n) for n in range(366)]
    worked = [f"{d:%m-%d}" for d in every_day if d.year == year and d.weekday() >= 5 and is_working(d)]
    assert worked == expected


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (
            date(2020, 1, 24),
            date(2020, 2, 2),
        ),  # prolonged: the worked Saturday fell away
        (date(2024, 2, 10), date(2024, 2, 17)),
        (date(2025, 10, 1), date(2025, 10, 8)),
        (date(2026, 2, 15), date(2026, 2, 23)),
    ],
)
def test_no_day_of_an_announced_holiday_is_worked(first, last):
    assert working_days_between(day_number(first) - 1, day_number(last)) == 0
    assert is_working(first - timedelta(days=1))
    assert is_working(last + timedelta(days=1))


def test_a_year_has_as_many_working_days_as_the_calendar_of_2024_says():
    """366 days less 104 on weekends less 11 statutory holidays: worked weekends cancel out."""
    year = ordinals(day_number(date(2024, 1, 1)), day_number(date(2024, 12, 31)))
    assert year.ordinal[-1] == 251


def test_a_table_has_one_row_a_day_in_the_types_of_the_store():
    table = ordinals(day_number(date(2026, 12, 30)), day_number(date(2027, 1, 4)))
    assert table.day.tolist() == list(range(table.day[0], table.day[0] + 6))
    assert table.ordinal.tolist() == [1, 2, 2, 2, 2, 3]
    assert (table.day.dtype, table.ordinal.dtype, table.published.dtype) == (np.int32, np.int32, np.bool_)


def test_the_calendar_is_published_up_to_the_last_year_with_made_up_weekends_and_provisional_after_it():
    until = published_until()
    assert until >= date(2026, 12, 31)
    last = day_number(until)
    assert ordinals(day_number(date(FIRST_YEAR, 1, 1)), last).published.all()
    after = ordinals(last + 1, day_number(date(until.year + 3, 12, 31)))
    assert not after.published.any()
    weekends = (after.day + 3) % 7 >= 5
    assert not np.diff(after.ordinal, prepend=0)[weekends].any()


def test_a_provisional_year_still_leaves_out_the_statutory_holidays():
    """2027 has 261 days from Monday to Friday and, by Order 795, 13 holidays of which none coincide."""
    year = ordinals(day_number(date(2027, 1, 1)), day_number(date(2027, 12, 31)))
    assert year.ordinal[-1] == 261 - 13


def test_fifteen_working_days_over_the_spring_festival_of_2026_end_on_the_sixth_of_march():
    """By hand from Monday 9 February: 10-14 (5, a worked Saturday), 24-28 (5), 2-6 March (5)."""
    event = day_number(date(2026, 2, 9))
    assert add_working_days(event, 15) == day_number(date(2026, 3, 6))
    assert working_days_between(event, day_number(date(2026, 3, 6))) == 15
    assert working_days_between(event, day_number(date(2026, 3, 9))) == 16


@given(days, st.integers(0, 300))
def test_a_deadline_is_the_first_day_by_which_its_working_days_have_passed(day, n):
    due = add_working_days(day, n)
    assert working_days_between(day, due) == n
    assert n == 0 or working_days_between(day, due - 1) == n - 1


@given(days, st.integers(0, 400), st.integers(0, 400))
def test_the_difference_of_two_ordinals_is_the_working_days_between(first, to_a, to_b):
    table = ordinals(first, first + max(to_a, to_b))
    counted = working_days_between(first + to_a, first + to_b)
    assert table.ordinal[to_b] - table.ordinal[to_a] == counted
    assert working_days_between(first + to_b, first + to_a) == -counted


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ordinals(0, 10), r"1970-01-01\): it runs from 2001-01-01 to 2100-12-31"),
        (lambda: ordinals(20000, 19999), "cannot end on day 19999, before it starts: 20000"),
        (lambda: add_working_days(20000, -1), "cannot be -1 working days; 0 or more"),
        (
            lambda: add_working_days(day_number(date(LAST_YEAR, 12, 20)), 40),
            "40 working days after .* end after 2100",
        ),
        (lambda: add_working_days(10**9, 1), "no calendar of working days"),
    ],
)
def test_what_no_calendar_covers_is_refused_in_words(call, message):
    with pytest.raises(TraceabilityError, match=message):
        call()


def test_importing_the_module_does_not_import_holidays():
    program = "import sys, traceability.workdays; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
