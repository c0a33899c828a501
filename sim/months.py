"""Months and quarters as whole numbers, looked up from days: month 0 is January 2011."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from sim.inputs import FIRST_YEAR
from traceability.events import day_number

Ints = npt.NDArray[np.integer]

_LAST_YEAR = 2100
_STARTS = [date(year, month, 1) for year in range(FIRST_YEAR, _LAST_YEAR) for month in range(1, 13)]
START: npt.NDArray[np.int32] = np.array([day_number(d) for d in _STARTS], dtype=np.int32)
"""int32[m + 1]: first day of each month; the last one closes the table."""

_FIRST_DAY = int(START[0])
_MONTH = np.repeat(np.arange(START.size - 1, dtype=np.int32), np.diff(START))
_QUARTER_END = np.repeat(START[3::3] - 1, np.diff(START[::3])).astype(np.int32)


def month_of(days: Ints) -> Ints:
    """Return int32[n], the month of each day; days before 2011 count as month 0, those after 2099 as the last."""
    return _MONTH.take(days - _FIRST_DAY, mode="clip")


def month_number(day: int) -> int:
    """Return the month of one day."""
    return int(_MONTH[min(max(day - _FIRST_DAY, 0), _MONTH.size - 1)])


def year_offset(month: int) -> int:
    """Return the year of a month as an offset from FIRST_YEAR, for the year axis of the inputs."""
    return month // 12


def quarter_end(days: Ints) -> npt.NDArray[np.int32]:
    """Return int32[n], the last day of the quarter that each day lies in."""
    return _QUARTER_END.take(days - _FIRST_DAY, mode="clip")
