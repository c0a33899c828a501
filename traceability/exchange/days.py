"""Days of a log as other formats write them, and back.

A day is put at noon in China: the log knows no hours, and noon is on the same day for most readers.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from traceability.errors import ExchangeError
from traceability.events import EPOCH, day_number

OFFSET = "+08:00"
CHINA = timezone(timedelta(hours=8))
_LAST = date.max.toordinal() - EPOCH.toordinal()
_FIRST = date.min.toordinal() - EPOCH.toordinal()


def at_noon(day: int) -> str:
    """Return a day of the log as a time.

    Raises:
        ExchangeError: the day is in no year from 1 to 9999.

    >>> at_noon(20544)
    '2026-04-01T12:00:00+08:00'
    """
    return f"{as_date(day)}T12:00:00{OFFSET}"


def as_date(day: int) -> str:
    """Return a day of the log as YYYY-MM-DD; raises as `at_noon` does."""
    if not _FIRST <= day <= _LAST:
        raise ExchangeError(
            f"the log has the day {day:,} after 1970-01-01, which is in no year from 1 to 9999"
        )
    return date.fromordinal(day + EPOCH.toordinal()).isoformat()


def day_of_date(text: object) -> int | None:
    """Return a day of the log for YYYY-MM-DD, None for anything else."""
    try:
        return day_number(date.fromisoformat(text)) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def day_of_time(time: str, offset: str) -> int:
    """Return the day on which *time* was where its clock stood *offset* from UTC; both passed the schema.

    >>> as_date(day_of_time("2026-03-31T23:30:00.000Z", "+01:00"))
    '2026-04-01'
    """
    try:
        moment = datetime.fromisoformat(time)
        hours, minutes = int(offset[1:3]), int(offset[4:6])
        ahead = timedelta(hours=hours, minutes=minutes)
        return day_number(moment.astimezone(timezone(-ahead if offset[0] == "-" else ahead)).date())
    except (ValueError, OverflowError):
        raise ExchangeError(f"the time `{time[:40]}` is in no year from 1 to 9999") from None
