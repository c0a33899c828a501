"""The ratio of two paired differences, such as what a gain costs, with its interval.

Source: Fieller (1954), Some problems in interval estimation, Journal of the Royal Statistical Society B 16, 175-185.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.intervals import CONFIDENCE

Floats = npt.NDArray[np.float64]


class Ratio(NamedTuple):
    """Ratio of two means with its 95 % interval; None where the denominator may be nought: then there is no such interval."""

    value: float
    low: float
    high: float


def ratio(above: Floats, below: Floats) -> Ratio | None:
    """Return mean(above) / mean(below) of float64[n] pairs with its two-sided 95 % interval.

    The interval holds every R for which the mean of above - R below is not shown to differ from 0: Fieller's theorem.
    None where the mean of *below* is not shown to differ from 0, or there are fewer than two pairs.
    """
    n = above.size
    if n < 2:
        return None
    from scipy.special import stdtrit  # slow to import, and needed only here

    t2 = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) ** 2 / n
    x, y = float(np.mean(above)), float(np.mean(below))
    xx, yy = float(np.var(above, ddof=1)) * t2, float(np.var(below, ddof=1)) * t2
    xy = float(np.sum((above - x) * (below - y))) / (n - 1) * t2
    a, b, c = y * y - yy, x * y - xy, x * x - xx
    if a <= 0.0:
        return None
    root = sqrt(max(b * b - a * c, 0.0))
    value = x / y
    # rounding may put an end of an interval of no width beyond its middle
    return Ratio(value, min(value, (b - root) / a), max(value, (b + root) / a))
