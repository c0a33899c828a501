"""The search for the best values: bounded least squares over runs of the simulation.

Source of the optimiser: scipy.optimize.least_squares, method `trf` (Branch, Coleman and Li 1999).  The Jacobian is
ours: what a run says are counts, so the differences are central and as wide as a parameter's stated step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares, lsq_linear

from sim.calibration.evaluations import Evaluations, Point
from sim.calibration.likelihood import residuals
from sim.calibration.problem import Problem

Floats = npt.NDArray[np.float64]

_F_TOLERANCE, _X_TOLERANCE = 2e-3, 2e-4


class Found(NamedTuple):
    """Where a search ended.

    Attributes:
        place: float64[free], the parameters, in steps (see `problem.Free.inner`).
        jacobian: float64[residuals, free], how each residual changes with a step of each parameter.
        objective: the sum of the squared residuals, those of priors included: -2 log posterior, but for a constant.
        iterations: how many points were tried.
        converged: whether it ended by itself; else the number of points was used up.
    """

    place: Floats
    jacobian: Floats
    objective: float
    iterations: int
    converged: bool


class Objective:
    """The residuals of a problem and their Jacobian at a place, from runs."""

    def __init__(self, problem: Problem, evaluations: Evaluations) -> None:
        self.problem, self._evaluations = problem, evaluations
        free = problem.free
        self.low = np.array([each.inner(each.low) for each in free])
        self.high = np.array([each.inner(each.high) for each in free])

    def point(self, place: Floats) -> Point:
        """Return the values of the parameters at *place*."""
        return tuple(each.outer(float(at)) for each, at in zip(self.problem.free, place, strict=True))

    def residuals(self, places: list[Floats]) -> list[Floats]:
        """Return the residuals at each of *places*."""
        problem = self.problem
        said = self._evaluations.mean([self.point(place) for place in places], problem.until)
        count = len(problem.aims)
        return [
            residuals(problem.aims, problem.free, models[:count], place)
            for models, place in zip(said, places, strict=True)
        ]

    def jacobian(self, place: Floats) -> Floats:
        """Return float64[residuals, free], differences over two steps, fewer at a bound."""
        below = np.maximum(place[None, :] - np.eye(place.size), self.low)
        above = np.minimum(place[None, :] + np.eye(place.size), self.high)
        found = self.residuals([*below, *above])
        rows = np.array(found)
        width = np.diag(above) - np.diag(below)
        slopes: Floats = ((rows[place.size :] - rows[: place.size]) / width[:, None]).T
        return slopes


def search(
    problem: Problem,
    evaluations: Evaluations,
    *,
    most: int,
    tried: Callable[[int, float], None] | None = None,
) -> Found:
    """Return the parameters that make the residuals of *problem* least, and how they stand there.

    Args:
        problem: targets and parameters.
        evaluations: where runs come from.
        most: points that may be tried.
        tried: called with the number of points tried and the objective of the latest.
    """
    objective = Objective(problem, evaluations)
    count = 0

    def function(place: Floats) -> Floats:
        nonlocal count
        (found,) = objective.residuals([place])
        count += 1
        if tried is not None:
            tried(count, float(found @ found))
        return found

    start = np.array([each.inner(each.start) for each in problem.free])
    result = least_squares(
        function,
        start,
        jac=objective.jacobian,
        bounds=(objective.low, objective.high),
        method="trf",
        ftol=_F_TOLERANCE,
        xtol=_X_TOLERANCE,
        gtol=1e-6,
        max_nfev=most,
    )
    return Found(
        np.asarray(result.x), np.asarray(result.jac), float(2.0 * result.cost), count, bool(result.status > 0)
    )


def leap(places: Floats, rows: Floats, low: Floats, high: Floats) -> Floats | None:
    """Return where the plane through the residuals of many places has its least sum of squares, within bounds.

    The search goes by differences at one place, and can be held up by the steps of counts; a plane through places
    all around evens them out.  None where there are too few places for one.

    Args:
        places: float64[n, free]; the first is the best so far.
        rows: float64[n, residuals].
        low, high: float64[free].
    """
    count, free = places.shape
    if count < 2 * (free + 1):
        return None
    away = np.column_stack((np.ones(count), places - places[0]))
    plane, *_ = np.linalg.lstsq(away, rows, rcond=None)
    step = lsq_linear(plane[1:].T, -plane[0], bounds=(low - places[0], high - places[0]))
    pointed: Floats = np.clip(places[0] + step.x, low, high)
    return pointed
