"""How a comparison is written: numbers, differences, and what is said of them in both languages."""

from __future__ import annotations

import math

from sim.comparison.bundle import Shown
from sim.comparison.outcome import Compared
from sim.comparison.paired import Difference
from sim.report.model import Estimate
from sim.report.reading import ABSENT, decimals, number
from sim.report.words import Text

NOT_SHOWN = Text("no difference shown", "未显示差异")
ONCE = Text("one replication: no interval", "仅一次模拟，无区间")
SAME = Text("exactly the same", "完全相同")


def mean_of(row: Compared | None, shown: Shown) -> str:
    """Return the mean of a row in the unit of the bundle, without it."""
    if row is None or not math.isfinite(row.estimate.mean):
        return ABSENT
    return number(row.estimate.mean * shown.factor, _places(row.estimate, shown))


def difference_of(row: Compared, shown: Shown) -> tuple[str, str]:
    """Return the difference with its sign, and its interval in brackets ("" with one replication)."""
    gap = row.difference
    if gap is None or not gap.n:
        return ABSENT, ""
    return signed(gap, shown.factor, 1 if shown.unit.en == "%" else None)


def signed(gap: Difference, factor: float = 1.0, digits: int | None = None) -> tuple[str, str]:
    """Return a difference and its interval, signed, with as many decimals as the width of the interval bears."""
    e = gap.estimate
    places = digits if digits is not None else min(3, decimals(_size(e) * factor))
    mean, low, high = (_sign(x * factor, places) for x in (e.mean, e.low, e.high))
    return mean, f"[{low}, {high}]" if gap.n > 1 else ""


def verdict(row: Compared) -> Text | None:
    """Return what must be said plainly of a difference that is not shown; None where it is."""
    gap = row.difference
    if gap is None or row.shown:
        return None
    if gap.n == 1:
        return ONCE if gap.estimate.mean else SAME
    if not gap.estimate.mean and gap.estimate.low == gap.estimate.high:
        return SAME
    return NOT_SHOWN


def unit_of_difference(shown: Shown) -> Text:
    """Return the unit of a difference: percentage points where the measure is a share."""
    return Text("pp", "个百分点") if shown.unit.en == "%" else shown.unit


def _size(e: Estimate) -> float:
    return max(abs(e.mean), (e.high - e.low) / 2)


def _places(e: Estimate, shown: Shown) -> int:
    return 1 if shown.unit.en == "%" else min(3, decimals(e.mean * shown.factor))


def _sign(value: float, digits: int) -> str:
    said = number(value, digits)
    rounded_to_nothing = not float(said.replace(",", "").replace("−", "-"))
    return number(0.0, digits) if rounded_to_nothing else said if value < 0 else f"+{said}"
