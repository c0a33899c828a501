"""How much of what differs between points is luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.sweep.designs import Floats


@dataclass(frozen=True)
class Noise:
    """The variance of the mean at a point, split.

    Attributes:
        between: variance of the means over the points.
        luck: of it, what luck explains; None with one replication, from which it cannot be told.
    """

    between: float
    luck: float | None

    @property
    def drowned(self) -> bool:
        """Whether luck explains as much as the factors do, or more."""
        return self.luck is not None and self.luck >= self.between - self.luck


def noise(values: Floats) -> Noise:
    """Return how far the means of points differ, and how much of that luck explains.

    All points share their luck, so that a lucky replication is lucky everywhere and moves no difference: what
    remains is the residual of a two-way layout (point, replication), divided by the replications.
    Source: Montgomery (2013), section 4.1.

    Args:
        values: float64[points, replications], no NaN.
    """
    points, replications = values.shape
    means = values.mean(axis=1)
    between = float(means.var(ddof=1)) if points > 1 else 0.0
    if replications < 2 or points < 2:
        return Noise(between, None)
    rest = values - means[:, None] - values.mean(axis=0)[None, :] + values.mean()
    residual = float((rest**2).sum()) / ((points - 1) * (replications - 1))
    return Noise(between, residual / replications)


def varies(values: Floats) -> bool:
    """Return whether the means of points differ by more than rounding."""
    means = values.mean(axis=1)
    return bool(np.ptp(means) > 1e-9 * max(1e-300, float(np.abs(means).max())))
