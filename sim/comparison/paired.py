"""Paired differences: twins have the same luck, so the difference is known better than either of the two.

Sources: Law (2015), Simulation Modeling and Analysis, 5th ed., section 10.2.1 (paired-t interval), 11.2 (common
random numbers), 9.4.1 (sequential procedure) and 9.7 (several measures); Holm (1979), Scandinavian Journal of
Statistics 6, 65-70.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.intervals import CONFIDENCE, mean_interval
from sim.report.model import Estimate

Floats = npt.NDArray[np.float64]

LEVEL = 1.0 - CONFIDENCE


class Difference(NamedTuple):
    """What a scenario changes.

    Attributes:
        estimate: mean and 95 % interval of the paired difference; low = high = mean with one replication.
        removed: share of the variance of the difference that the twins removed, 1 - var(B-A) / (var A + var B);
            None where neither varies.  It is negative where twins did harm.
        p: two-sided p of the paired t test; None with one replication.
        n: pairs.
    """

    estimate: Estimate
    removed: float | None
    p: float | None
    n: int


def difference(before: Floats, after: Floats) -> Difference:
    """Return the paired difference of float64[n] *after* less float64[n] *before*, replication by replication.

    A pair of which one is unknown (NaN) is left out.
    """
    known = ~(np.isnan(before) | np.isnan(after))
    a, b = before[known], after[known]
    n = int(known.sum())
    if not n:
        return Difference(Estimate(float("nan"), float("nan"), float("nan")), None, None, 0)
    gap = b - a
    estimate = mean_interval(gap.tolist())
    if n < 2:
        return Difference(estimate, None, None, n)
    apart = float(np.var(a, ddof=1) + np.var(b, ddof=1))
    together = float(np.var(gap, ddof=1))
    return Difference(estimate, 1.0 - together / apart if apart else None, _p(gap), n)


def _p(gap: Floats) -> float:
    from scipy.special import stdtr  # slow to import, and needed only here

    error = float(np.std(gap, ddof=1)) / sqrt(gap.size)
    mean = float(np.mean(gap))
    if not error:  # the same in every replication: nothing is left to chance
        return 0.0 if mean else 1.0
    return float(2.0 * stdtr(gap.size - 1, -abs(mean) / error))


def holm(p: Sequence[float | None]) -> list[float | None]:
    """Return the p values adjusted for how many are looked at (Holm 1979); what has none keeps none.

    >>> holm([0.01, 0.04, None, 0.03])
    [0.03, 0.06, None, 0.06]
    """
    known = sorted((value, place) for place, value in enumerate(p) if value is not None)
    adjusted: list[float | None] = [None] * len(p)
    highest = 0.0
    for rank, (value, place) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[place] = highest
    return adjusted


def half_width(values: Estimate) -> float:
    """Return half the width of an interval."""
    return (values.high - values.low) / 2.0


def replications_needed(gap: Difference, baseline_mean: float, precision: float) -> int | None:
    """Return how many replications would bring half the interval of a difference within the precision asked for.

    The bound is precision / (1 + precision) of the baseline's mean, whose mean is itself an estimate; the number
    extrapolates the present variance.  None where the baseline is zero: no share of nothing is a precision.
    Source: Law (2015), section 9.4.1, with the baseline's mean in place of the difference's own, which may be 0.
    """
    wanted = precision / (1.0 + precision) * abs(baseline_mean)
    half = half_width(gap.estimate)
    if not wanted:
        return None
    if gap.n < 2:
        return gap.n + 1
    return gap.n if half <= wanted else max(gap.n + 1, ceil(gap.n * (half / wanted) ** 2))
