"""Numbers of a report: which rows a figure takes, what a total is, how a number is written."""

from __future__ import annotations

import math
from collections.abc import Iterable

from sim.report.model import Estimate, MeasureInfo, ReportInput, Row

ABSENT = "–"
THIN_SPACE = "\u2009"


def rows_of(data: ReportInput, measure: str) -> list[Row]:
    """Return the rows of *measure* that hold a number, by year and key; no interval is one of no width."""
    found = []
    for row in data.rows:
        if row.measure != measure or not math.isfinite(row.mean):
            continue
        low = row.low if math.isfinite(row.low) else row.mean
        high = row.high if math.isfinite(row.high) else row.mean
        found.append(Row(row.measure, row.year, row.key, row.mean, low, high, row.n))
    return sorted(found, key=lambda row: (row.year is None, row.year or 0, row.key))


def info_of(data: ReportInput, measure: str) -> MeasureInfo:
    """Return what is known of *measure*; a measure the run does not have has no unit."""
    return data.measures.get(measure) or MeasureInfo(measure, measure, measure, "", "", "")


def parts_of(rows: Iterable[Row]) -> list[Row]:
    """Return the rows without totals."""
    return [row for row in rows if row.key]


def totals_of(rows: Iterable[Row]) -> dict[int | None, Estimate]:
    """Return the total of each year.

    A row with an empty key is the total.  Where there is none, means are added, and so are the ends of the
    intervals: the widest interval that the parts allow, whatever their correlation.
    """
    given: dict[int | None, Estimate] = {}
    added: dict[int | None, Estimate] = {}
    for row in rows:
        if not row.key:
            given[row.year] = Estimate(row.mean, row.low, row.high)
            continue
        sofar = added.get(row.year, Estimate(0.0, 0.0, 0.0))
        added[row.year] = Estimate(sofar.mean + row.mean, sofar.low + row.low, sofar.high + row.high)
    merged = added | given
    return {year: merged[year] for year in sorted(merged, key=lambda year: (year is None, year or 0))}


def shown_year(rows: Iterable[Row], wanted: int) -> int | None:
    """Return the year that a figure of one year shows: *wanted*, else the whole horizon, else the last."""
    years = {row.year for row in rows}
    if wanted in years or not years:
        return wanted
    return None if None in years else max(year for year in years if year is not None)


def number(value: float, digits: int | None = None) -> str:
    """Return *value* with about three significant digits, or with *digits* decimals.

    >>> number(1234.5), number(12.34), number(0.01234), number(0.0)
    ('1,234', '12.3', '0.0123', '0')
    """
    if not math.isfinite(value):
        return ABSENT
    written = f"{value:,.{decimals(value) if digits is None else digits}f}"
    rounds_to_nothing = digits is None and not float(written.replace(",", ""))
    return "0" if rounds_to_nothing else written.replace("-", "−")


def decimals(value: float) -> int:
    """Return how many decimals give *value* about three significant digits."""
    size = abs(value)
    if size == 0 or size >= 100:
        return 0
    return min(6, 2 - math.floor(math.log10(size)))


def estimate(value: Estimate | Row, *, share: bool = False) -> str:
    """Return the mean and, where there is one, its interval: `12.3 [11.9 – 12.7]`; shares in percent."""
    mean, interval = mean_and_interval(value, share=share)
    return f"{mean} {interval}" if interval else mean


def mean_and_interval(value: Estimate | Row, *, share: bool = False) -> tuple[str, str]:
    """Return the mean and its interval in brackets as texts; the interval is empty where it has no width."""
    if not math.isfinite(value.mean):
        return ABSENT, ""
    factor, digits = (100.0, 1) if share else (1.0, decimals(value.mean))
    mean = number(value.mean * factor, digits) + (f"{THIN_SPACE}%" if share else "")
    if value.low == value.high or not (math.isfinite(value.low) and math.isfinite(value.high)):
        return mean, ""
    # A dash, because a comma stands between thousands.
    return mean, f"[{number(value.low * factor, digits)} – {number(value.high * factor, digits)}]"
