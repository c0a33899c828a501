"""Due: the last day of a period, how it was counted, and both readings where that is a rest day.

Method: Civil Code of the PRC, art. 200 to 204.  Periods run by the calendar (200); the day of the trigger is
not counted (201); a period of months ends on the corresponding day, or on the month's last where there is none
(202); where the last day is a statutory rest day, the day after the rest is the last (203); unless a law says
otherwise (204).  Grade K: general knowledge of a named text.  Whether art. 203 governs reports to an authority
no text we have seen says, so both readings are given.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from functools import cache
from typing import Final

import numpy as np

from traceability.errors import TraceabilityError
from traceability.events import EPOCH, day_number
from traceability.workdays import (
    FIRST_YEAR,
    LAST_YEAR,
    WorkdayTable,
    add_working_days,
    ordinals,
    published_until,
)

_SATURDAY = 5


class Count(Enum):
    """What a period is counted in."""

    DAYS = "days"
    WORKING_DAYS = "working days"
    MONTHS = "months"


class Reading(Enum):
    """How one treats a last day that is a rest day."""

    AS_COUNTED = "as counted"
    MOVES_ON = "rest day moves on"


DEFAULT: Final = Reading.AS_COUNTED
"""The reading of the rules: a day that is in time under it is in time under the other, too."""

WHY_DEFAULT_EN: Final = (
    "the default is the day as counted: it is never the later one, so who keeps it is in time under both "
    "readings, and the rules judge by it; that Civil Code art. 203 governs reports to an authority is not confirmed"
)
WHY_DEFAULT_ZH: Final = (
    "默认按计数日：该日不晚于顺延日，依两种解释均不逾期，规则亦据此判断；"
    "《民法典》第203条是否适用于向主管部门报送信息未经证实"
)


@dataclass(frozen=True, slots=True)
class RestDay:
    """A day that is not worked, with the name of its holiday; a plain weekend day has the name of its weekday."""

    day: date
    name_en: str
    name_zh: str


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a period.

    Attributes:
        trigger: the day that starts the period and is not counted.
        length, count: how many of what.
        as_counted, moved_on: the last day under each reading.
        skipped: statutory holidays that a count of working days stepped over.
        weekend_days: how many plain weekend days it stepped over, too.
        made_up: weekend days that are worked (调休上班) and were counted as working days.
        moved_past: rest days between `as_counted` and `moved_on`, the first of them included.
        shortened: the month of the end has no corresponding day; its last day stands for it.
        published_until: the last day of the published calendar.
        provisional: readings that rest on days beyond it.
    """

    trigger: date
    length: int
    count: Count
    as_counted: date
    moved_on: date
    skipped: tuple[RestDay, ...]
    weekend_days: int
    made_up: tuple[date, ...]
    moved_past: tuple[RestDay, ...]
    shortened: bool
    published_until: date
    provisional: frozenset[Reading]

    def under(self, reading: Reading = DEFAULT) -> date:
        """Return the last day under *reading*."""
        return self.as_counted if reading is Reading.AS_COUNTED else self.moved_on


def due(trigger: date, length: int, count: Count) -> Due:
    """Return the last day of *length* of *count* after *trigger*, under both readings.

    Nothing to wait for (0) is the day of the trigger itself.

    Raises:
        TraceabilityError: *length* is negative, or a day outside 2001 to 2100 would be needed.

    >>> str(due(date(2026, 4, 29), 15, Count.WORKING_DAYS).as_counted)  # Labour Day off, Saturday the 9th worked
    '2026-05-22'
    """
    if length < 0:
        raise TraceabilityError(f"a period cannot be {length} {count.value}; 0 or more were expected")
    first = day_number(trigger)
    shortened = False
    _require(trigger, "the trigger")
    if count is Count.WORKING_DAYS:
        last = add_working_days(first, length)
    elif count is Count.DAYS:
        last = first + length
    else:
        last, shortened = _months_later(trigger, length)
    _require_number(last, f"{length} {count.value} after {trigger}")
    # the longest run of rest days is shorter than a month
    table = ordinals(first, min(last + 40, day_number(date(LAST_YEAR, 12, 31))))
    working = _working(table)
    end = last - first
    onward = np.flatnonzero(working[end:])
    if not onward.size:
        raise TraceabilityError(
            f"{length} {count.value} after {trigger}: no working day follows by {LAST_YEAR}-12-31"
        )
    moved = end + int(onward[0])
    passed = range(1, end + 1) if count is Count.WORKING_DAYS else range(0)
    rests = [_rest_day(first + n) for n in passed if not working[n]]
    holidays = tuple(rest for rest in rests if rest.name_en not in _WEEKEND)
    return Due(
        trigger=trigger,
        length=length,
        count=count,
        as_counted=_date(last),
        moved_on=_date(first + moved),
        skipped=holidays,
        weekend_days=len(rests) - len(holidays),
        made_up=tuple(
            _date(first + n) for n in passed if working[n] and _date(first + n).weekday() >= _SATURDAY
        ),
        moved_past=tuple(_rest_day(first + n) for n in range(end, moved)),
        shortened=shortened,
        published_until=published_until(),
        provisional=_provisional(table, end, moved, count),
    )


def _provisional(table: WorkdayTable, end: int, moved: int, count: Count) -> frozenset[Reading]:
    """Return the readings that look at a day of the calendar that is not published."""
    found = set()
    if count is Count.WORKING_DAYS and not table.published[: end + 1].all():
        found |= {Reading.AS_COUNTED, Reading.MOVES_ON}
    if not table.published[end : moved + 1].all():
        found.add(Reading.MOVES_ON)
    return frozenset(found)


def _working(table: WorkdayTable) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    # the first ordinal of a table is 1 on a working day and 0 on another
    return np.diff(table.ordinal, prepend=0) > 0


def _months_later(day: date, months: int) -> tuple[int, bool]:
    """Return the number of the corresponding day, and whether the month's last day had to stand for it."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > LAST_YEAR:
        raise _outside(f"{months} months after {day}")
    last_of_month = calendar.monthrange(year, month + 1)[1]
    return day_number(date(year, month + 1, min(day.day, last_of_month))), day.day > last_of_month


_WEEKEND: Final = {"Saturday": "星期六", "Sunday": "星期日"}


def _rest_day(number: int) -> RestDay:
    day = _date(number)
    english, chinese = _holidays(day.year)
    if day in english:
        return RestDay(day, english[day], chinese.get(day, english[day]))
    name = "Saturday" if day.weekday() == _SATURDAY else "Sunday"
    return RestDay(day, name, _WEEKEND[name])


@cache
def _holidays(year: int) -> tuple[dict[date, str], dict[date, str]]:
    from holidays import country_holidays  # slow to import; most commands name no holiday

    english, chinese = (
        dict(country_holidays("CN", years=year, language=language).items()) for language in ("en_US", "zh_CN")
    )
    return english, chinese


def _date(number: int) -> date:
    return EPOCH + timedelta(days=number)


def _require(day: date, what: str) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _outside(f"{what} {day}")


def _require_number(number: int, what: str) -> None:
    if not day_number(date(FIRST_YEAR, 1, 1)) <= number <= day_number(date(LAST_YEAR, 12, 31)):
        raise _outside(what)


def _outside(what: str) -> TraceabilityError:
    return TraceabilityError(
        f"{what} is outside the calendar, which runs from {FIRST_YEAR}-01-01 to {LAST_YEAR}-12-31"
    )
