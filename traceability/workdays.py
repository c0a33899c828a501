"""China's working days: day -> ordinal, and until when the calendar is published.

The State Council announces each year's holidays, with the weekend days worked in return (调休上班), late in
the year before; the `holidays` package carries these notices from 2001 on.  Past the last one it carries on
without a word, so here a day is marked as published or provisional.  Provisional means Monday to Friday less
the statutory holidays (State Council Order 795), with no weekend worked in return.

A deadline of n working days counts from the day after the event: a record is late when
`ordinal(record) - ordinal(event) > n`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from traceability.errors import TraceabilityError
from traceability.events import EPOCH, day_number

FIRST_YEAR = 2001
"""The first year whose notice `holidays` carries."""

LAST_YEAR = 2100
"""The last year for which `holidays` reckons the lunar festivals."""

_DECEMBER = 12


@dataclass(frozen=True, slots=True, eq=False)
class WorkdayTable:
    """Every day of a span with its count of working days, one row a day.

    Attributes:
        day: int32[n], days since 1970-01-01.
        ordinal: int32[n], working days from the first day of the table up to and including this one.
        month: int32[n], year * 12 + month - 1, so that months can be counted.
        day_of_month: int8[n], from 1.
        published: bool[n], false where the State Council's calendar is not known: a provisional count.
    """

    day: npt.NDArray[np.int32]
    ordinal: npt.NDArray[np.int32]
    month: npt.NDArray[np.int32]
    day_of_month: npt.NDArray[np.int8]
    published: npt.NDArray[np.bool_]

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return the columns by name, as a store takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, eq=False)
class _Year:
    working: npt.NDArray[np.bool_]
    published: bool


@cache
def _year(year: int) -> _Year:
    from holidays import country_holidays  # takes as long to import as NumPy; most commands count no days

    calendar = country_holidays("CN", years=year)
    # The set also holds days of other years: those that a New Year notice moved across the turn of the year.
    made_up = [day for day in calendar.weekend_workdays if day.year == year]
    first = date(year, 1, 1)
    length = (date(year + 1, 1, 1) - first).days
    working: npt.NDArray[np.bool_] = (first.weekday() + np.arange(length)) % 7 < 5
    working[[(day - first).days for day in calendar if day.year == year]] = False
    working[[(day - first).days for day in made_up]] = True
    # Every notice since 2001 has weekend days worked before December; one in December may be of the next.
    return _Year(working, published=any(day.month < _DECEMBER for day in made_up))


@cache
def published_until() -> date:
    """Return the last day of the last year whose State Council notice the installed `holidays` carries."""
    year = FIRST_YEAR
    while year < LAST_YEAR and _year(year + 1).published:
        year += 1
    return date(year, 12, 31)


def _years(first_day: int, last_day: int) -> tuple[int, list[_Year]]:
    """Return the number of the first day of the first year touched, and the years."""
    bounds = day_number(date(FIRST_YEAR, 1, 1)), day_number(date(LAST_YEAR, 12, 31))
    for day in (first_day, last_day):
        if not bounds[0] <= day <= bounds[1]:
            raise TraceabilityError(
                f"no calendar of working days for day {day} "
                f"({np.datetime64(day, 'D')}): it runs from {FIRST_YEAR}-01-01 to {LAST_YEAR}-12-31"
            )
    first, last = (date.fromordinal(day + EPOCH.toordinal()).year for day in (first_day, last_day))
    return day_number(date(first, 1, 1)), [_year(year) for year in range(first, last + 1)]


def _working(first_day: int, last_day: int) -> npt.NDArray[np.bool_]:
    start, years = _years(first_day, last_day)
    return np.concatenate([year.working for year in years])[first_day - start : last_day + 1 - start]


def ordinals(first_day: int, last_day: int) -> WorkdayTable:
    """Return the table of working days from *first_day* to *last_day*, both included.

    Args:
        first_day, last_day: days since 1970-01-01.

    Raises:
        TraceabilityError: a day outside 2001-2100, or the last before the first.

    >>> friday = day_number(date(2024, 2, 2))  # the Sunday after it was worked, for the Spring Festival
    >>> ordinals(friday, friday + 3).ordinal
    array([1, 1, 2, 3], dtype=int32)
    """
    if last_day < first_day:
        raise TraceabilityError(
            f"a table of working days cannot end on day {last_day}, before it starts: {first_day}"
        )
    start, years = _years(first_day, last_day)
    published = np.concatenate([np.full(year.working.size, year.published) for year in years])
    days = np.arange(first_day, last_day + 1)
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    return WorkdayTable(
        day=days.astype(np.int32),
        month=(months.astype(np.int64) + 1970 * 12).astype(np.int32),
        day_of_month=((days - months.astype("datetime64[D]").astype(np.int64)) + 1).astype(np.int8),
        ordinal=np.cumsum(_working(first_day, last_day), dtype=np.int32),
        published=published[first_day - start : last_day + 1 - start],
    )


def working_days_between(a: int, b: int) -> int:
    """Return how many working days come after day *a* up to and including *b*; below 0 if *b* is earlier.

    Args:
        a, b: days since 1970-01-01.

    Raises:
        TraceabilityError: a day outside 2001-2100.
    """
    if b < a:
        return -working_days_between(b, a)
    return int(_working(a, b)[1:].sum())


def add_working_days(day: int, n: int) -> int:
    """Return the day of the *n*-th working day after *day*: the last day of a deadline of n working days.

    No working day to wait for (n = 0) is *day* itself, worked or not.

    Args:
        day: days since 1970-01-01.
        n: at least 0.

    Raises:
        TraceabilityError: n is negative, or the answer is outside 2001-2100.
    """
    if n < 0:
        raise TraceabilityError(f"a deadline cannot be {n} working days; 0 or more were expected")
    # Two days for each working day cover the weekends, thirty more the longest run of holidays.
    last = day + 2 * n + 30
    known = day_number(date(LAST_YEAR, 12, 31))
    reached = np.cumsum(_working(day, max(day, min(last, known)))[1:])
    if n and (not reached.size or reached[-1] < n):
        raise TraceabilityError(
            f"{n} working days after day {day} end after {LAST_YEAR}, where no calendar is"
        )
    return day if n == 0 else day + 1 + int(np.searchsorted(reached, n))
