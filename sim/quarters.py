"""Quarters as whole numbers, looked up from days: quarter 0 is the first of 2011.

Processes that plan ahead act once a quarter, each battery on its own day within it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from sim.inputs import FIRST_YEAR
from traceability.events import day_number

Ints = npt.NDArray[np.integer]
Int32s = npt.NDArray[np.int32]

_LAST_YEAR = 2100
MONTH_START: Int32s = np.array(
    [day_number(date(year, month, 1)) for year in range(FIRST_YEAR, _LAST_YEAR) for month in range(1, 13)],
    dtype=np.int32,
)
"""int32[m]: first day of each month from January 2011 on."""

START: Int32s = MONTH_START[::3].copy()
"""int32[q]: first day of each quarter; the last one closes the table."""

_FIRST_DAY = int(START[0])
_QUARTER: Int32s = np.repeat(np.arange(START.size - 1, dtype=np.int32), np.diff(START))
DAYS = _QUARTER.size
"""How many days the table has."""

_LAST_DAY: Int32s = np.repeat(START[1:] - 1, np.diff(START)).astype(np.int32)


def of_days(days: Ints) -> Int32s:
    """Return int32[n], the quarter of each day; days before 2011 count as quarter 0, those after 2099 as the last."""
    return _QUARTER.take(days - _FIRST_DAY, mode="clip")


def of_day(day: int) -> int:
    """Return the quarter of one day."""
    return int(_QUARTER[min(max(day - _FIRST_DAY, 0), _QUARTER.size - 1)])


def last_days(days: Ints) -> Int32s:
    """Return int32[n], the last day of the quarter that each day lies in."""
    return _LAST_DAY.take(days - _FIRST_DAY, mode="clip")


def year_offset(quarter: int) -> int:
    """Return the year of a quarter as an offset from FIRST_YEAR, for the year axis of the inputs."""
    return quarter // 4


def year_start(year: int) -> int:
    """Return the first day of a calendar year."""
    return int(START[(year - FIRST_YEAR) * 4])


MINUTE = 1 / 1024  # of a day; a power of two, so that the clock comes back to whole days


def until_next(now: int) -> int:
    """Return the days from *now* to the first day of the next quarter."""
    return int(START[of_day(now) + 1]) - now


def until_last_minute(now: int, last_day: int) -> float:
    """Return the days from *now* to the last minute of its quarter, or of *last_day* if that comes earlier.

    What sums a quarter up acts then: after all that the days of it bring.
    """
    return min(int(START[of_day(now) + 1]), last_day + 1) - MINUTE - now
