"""What a fit knows of each parameter: intervals, which the data identify, and sets of values that are nearly as good.

Near the best values the posterior is taken to be normal on the scale that is searched (Laplace); the near-best sets
are drawn from it and each is run, so that they answer for themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from sim.calibration.problem import Free

Floats = npt.NDArray[np.float64]

LEVEL = 0.95
_Z = float(stats.norm.ppf(0.5 + LEVEL / 2))
_TOGETHER = 0.9  # correlation beyond which two parameters are known only together
_WELL, _HARDLY = 0.35, 0.8  # what is left of the uncertainty without data


NOT_IDENTIFIED = "not identified"
"""The verdict on a figure of which the data say nothing."""


class Known(NamedTuple):
    """What is known of one parameter.

    Attributes:
        name: of the parameter.
        best, low, high: its value and the interval of LEVEL, within the bounds.
        left: its standard deviation over that without data: 1 = the data say nothing of it.
        verdict: `identified`, `weak`, `not identified`, or `only together with NAME`.
        correlations: with each parameter, in their order.
    """

    name: str
    best: float
    low: float
    high: float
    left: float
    verdict: str
    correlations: tuple[float, ...]


class Direction(NamedTuple):
    """An eigenvector of what the data say, over the uncertainty without data.

    Attributes:
        information: eigenvalue; beyond 1 the data say more than was known before.
        parts: (parameter, weight), those beyond 0.3, the largest first.
    """

    information: float
    parts: tuple[tuple[str, float], ...]


def covariance(free: Sequence[Free], jacobian: Floats) -> Floats:
    """Return float64[free, free], in steps: the inverse of the information of targets and priors.

    A parameter without a prior is held by the even odds within its bounds, so that one of which the targets say
    nothing has their width, not an infinite one.

    Args:
        free: the parameters.
        jacobian: float64[residuals, free], rows of targets, then of priors.
    """
    bounds = np.diag([0.0 if each.prior else each.reference_sd() ** -2 for each in free])
    inverse = np.linalg.inv(jacobian.T @ jacobian + bounds)
    symmetric: Floats = (inverse + inverse.T) / 2.0
    return symmetric


def known(free: Sequence[Free], place: Floats, jacobian: Floats) -> list[Known]:
    """Return what is known of each parameter at the best *place*; see `covariance` for the arguments."""
    spread = covariance(free, jacobian)
    sd = np.sqrt(np.diag(spread))
    correlation = spread / np.outer(sd, sd)
    found = []
    for at, each in enumerate(free):
        left = float(sd[at] / each.reference_sd())
        others = np.abs(np.delete(correlation[at], at))
        names = [other.name for other in free if other is not each]
        low, high = (each.outer(float(place[at] + sign * _Z * sd[at])) for sign in (-1.0, 1.0))
        verdict = _verdict(left, float(others.max(initial=0.0)), names[int(others.argmax())] if names else "")
        found.append(
            Known(
                each.name,
                each.outer(float(place[at])),
                low,
                high,
                left,
                verdict,
                tuple(float(c) for c in correlation[at]),
            )
        )
    return found


def _verdict(left: float, strongest: float, other: str) -> str:
    if left > _HARDLY:
        return NOT_IDENTIFIED
    if strongest > _TOGETHER:
        return f"only together with {other}"
    return "identified" if left <= _WELL else "weak"


def directions(free: Sequence[Free], jacobian: Floats, aims: int) -> list[Direction]:
    """Return in which directions the targets alone say most, down to those in which they say nothing.

    Args:
        free: the parameters.
        jacobian: float64[residuals, free], rows of targets, then of priors.
        aims: how many rows are of targets.
    """
    scaled = jacobian[:aims] * np.array([each.reference_sd() for each in free])
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    found = []
    for value, vector in sorted(zip(values, vectors.T, strict=True), key=lambda pair: -pair[0]):
        turned = vector * (1.0 if vector[np.argmax(np.abs(vector))] > 0 else -1.0)
        parts = sorted(
            ((each.name, float(w)) for each, w in zip(free, turned, strict=True) if abs(w) > 0.3),
            key=lambda part: -abs(part[1]),
        )
        found.append(Direction(max(float(value), 0.0), tuple(parts)))
    return found


def drawn(free: Sequence[Free], place: Floats, jacobian: Floats, *, sets: int, seed: int) -> list[Floats]:
    """Return places drawn from the normal law around the best one, all within the bounds.

    Args:
        free, place, jacobian: as in `known`.
        sets: how many.
        seed: of the draws.
    """
    chance = np.random.default_rng([seed, sets])
    low = np.array([each.inner(each.low) for each in free])
    high = np.array([each.inner(each.high) for each in free])
    root = np.linalg.cholesky(covariance(free, jacobian))
    steps = chance.standard_normal((sets, len(free))) @ root.T
    # a step over a bound is shortened in that parameter, not thrown away: at a corner few would be left
    return [np.clip(place + step, low, high) for step in steps]


def near(objectives: Floats, parameters: int) -> npt.NDArray[np.bool_]:
    """Return bool[n], which sets are as good as the best but for chance: -2 log posterior within chi2 of the least."""
    kept: npt.NDArray[np.bool_] = objectives - objectives.min() <= float(stats.chi2.ppf(LEVEL, parameters))
    return kept


def rounded(value: float, low: float, high: float) -> float:
    """Return *value* with the digits that its interval warrants: two more than its width has."""
    width = abs(high - low)
    if width == 0 or not math.isfinite(width):
        return value
    return round(value, 2 - math.floor(math.log10(width)))
