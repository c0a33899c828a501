"""Days in every form in which people write them -> whole days since 1970-01-01."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from traceability.imports.cells import (
    DAY_FIRST,
    SERIAL,
    TIME_OF_DAY,
    ZONE,
    Cell,
    Hints,
    Reading,
    refused,
    text_of,
)

CHINA = timezone(timedelta(hours=8))
"""The zone of a time that names none, and of the day that is kept of one that does."""

_DAY = re.compile(
    r"(?P<y>\d{4})\s*[-/.年]\s*(?P<m>\d{1,2})\s*[-/.月]\s*(?P<d>\d{1,2})\s*[日号]?(?P<rest>(?:[T\s]\s*|(?<=[日号])).*)?",
    re.DOTALL,
)
_PLAIN = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<rest>\d{6}|[T\s].*)?")
_BACKWARDS = re.compile(r"(?P<a>\d{1,2})[-/.](?P<b>\d{1,2})[-/.](?P<y>\d{4})(?P<rest>[T\s].*)?")
_NAMED = re.compile(
    r"(?:(?P<d1>\d{1,2})[-\s](?P<m1>[a-z]{3})[a-z]*[-\s,]+|(?P<m2>[a-z]{3})[a-z]*\.?\s(?P<d2>\d{1,2}),?\s)(?P<y>\d{4})",
    re.IGNORECASE,
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(
    r"(?P<half>上午|下午)?\s*(?P<h>\d{1,2})[:时点](?P<n>\d{1,2})(?:[:分](?P<s>\d{1,2})秒?(?:[.,]\d+)?)?分?"
    r"\s*(?P<pm>am|pm)?\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?",
    re.IGNORECASE,
)
_SIX = re.compile(r"(?P<h>\d{2})(?P<n>\d{2})(?P<s>\d{2})")
_SERIALS = range(20_000, 80_000)
_EARLIEST, _LATEST = date(1990, 1, 1), date(2100, 12, 31)
_EPOCH = date(1970, 1, 1)


def read_day(cell: Cell, hints: Hints) -> Reading:
    """Read a day as whole days since 1970-01-01.

    >>> read_day("2026年5月6日", Hints()).value, read_day("05/06/2026", Hints()).closest
    (20579, '2026-05-06 or 2026-06-05')
    """
    if isinstance(cell, datetime):
        return _of_moment(cell)
    if isinstance(cell, date):
        return _on(cell, ())
    if isinstance(cell, time):
        return refused("a time without a day")
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return _of_number(cell, hints, ())
    read = text_of(cell)
    if not isinstance(read.value, str):
        return read
    text, notes = read.value, read.notes
    if found := _DAY.fullmatch(text) or _PLAIN.fullmatch(text):
        return _of_parts(int(found["y"]), int(found["m"]), int(found["d"]), found["rest"], notes)
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return _of_number(float(text), hints, notes)
    if found := _BACKWARDS.fullmatch(text):
        return _of_backwards(found, hints, notes)
    if found := _NAMED.fullmatch(text):
        month = (found["m1"] or found["m2"]).lower()
        if month in _MONTHS:
            day = int(found["d1"] or found["d2"])
            return _of_parts(int(found["y"]), _MONTHS.index(month) + 1, day, None, notes)
    return refused("no day that can be read; write it like 2026-05-06")


def _on(day: date, notes: tuple[str, ...]) -> Reading:
    if not _EARLIEST <= day <= _LATEST:
        return refused(f"{day}: expected a day from {_EARLIEST} to {_LATEST}")
    return Reading((day - _EPOCH).days, notes)


def _of_moment(moment: datetime, notes: tuple[str, ...] = ()) -> Reading:
    told = notes
    if moment.time() != time(0):
        told = (*told, TIME_OF_DAY)
    if moment.tzinfo is not None:
        here = moment.astimezone(CHINA)
        if here.utcoffset() != moment.utcoffset():
            told = (*told, ZONE)
        moment = here
    return _on(moment.date(), told)


def _of_number(number: float, hints: Hints, notes: tuple[str, ...]) -> Reading:
    whole = int(number)
    if whole in _SERIALS:
        first = date(1904, 1, 1) if hints.epoch == 1904 else date(1899, 12, 30)
        told = (*notes, SERIAL) if number == whole else (*notes, SERIAL, TIME_OF_DAY)
        return _on(first + timedelta(days=whole), told)
    if number == whole and 1_990_01_01 <= whole <= 2_100_12_31:
        return _of_parts(whole // 10_000, whole // 100 % 100, whole % 100, None, notes)
    return refused(f"{number:g}: neither a day like 20260506 nor a serial day of a spreadsheet")


def _of_parts(year: int, month: int, day: int, rest: str | None, notes: tuple[str, ...]) -> Reading:
    try:
        on = date(year, month, day)
    except ValueError:
        if not 1 <= month <= 12 or not 1 <= day <= 31:
            return refused(f"there is no day {day} of month {month}")
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return refused(f"{year}-{month:02} has no day {day}", last.isoformat())
    if not rest or not rest.strip():
        return _on(on, notes)
    clock = _SIX.fullmatch(rest) or _CLOCK.fullmatch(rest.strip().removeprefix("T").strip())
    if clock is None:
        return refused(f"a time of day that cannot be read: {rest.strip()[:20]}", on.isoformat())
    return _at(on, clock.groupdict(), notes)


def _at(on: date, clock: dict[str, str | None], notes: tuple[str, ...]) -> Reading:
    hour, half = int(clock["h"] or 0), (clock.get("half") or clock.get("pm") or "").lower()
    if half in ("下午", "pm") and hour < 12:
        hour += 12
    try:
        at = time(hour % 24 if hour == 24 else hour, int(clock["n"] or 0), int(clock["s"] or 0))
    except ValueError:
        return refused("a time of day that there is not", on.isoformat())
    if hour == 24:
        return refused("24 o'clock: of this day or the next?", on.isoformat())
    zone = (clock.get("zone") or "").upper()
    if not zone:
        return _on(on, (*notes, TIME_OF_DAY) if at != time(0) else notes)
    hours, minutes = (0, 0) if zone in ("Z", "UTC") else (int(zone[1:3]), int(zone[3:].lstrip(":") or 0))
    if hours > 14 or minutes > 59:
        return refused(f"a time zone that there is not: {zone}", on.isoformat())
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return _of_moment(datetime.combine(on, at, timezone(offset)), notes)


def _of_backwards(found: re.Match[str], hints: Hints, notes: tuple[str, ...]) -> Reading:
    a, b, year = int(found["a"]), int(found["b"]), int(found["y"])
    order = hints.order
    if order is None:
        if a != b and a <= 12 and b <= 12:
            both = f"{year}-{a:02}-{b:02} or {year}-{b:02}-{a:02}"
            return refused(f"can be read as {both}; `order` in [dates] of the mapping must say which", both)
        order = "dmy" if a > 12 else "mdy"
    day, month = (a, b) if order == "dmy" else (b, a)
    return _of_parts(year, month, day, found["rest"], (*notes, DAY_FIRST))
