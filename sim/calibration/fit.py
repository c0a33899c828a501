"""A fit from its targets to its files: search, what is known, near-best sets, and the test on what was held out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.evaluations import Evaluations, Point, Said
from sim.calibration.posterior import Direction, Known, directions, drawn, known, near
from sim.calibration.problem import Problem
from sim.calibration.search import Found, Objective, leap, search
from sim.scenario import Scenario
from sim.targets import Target

Floats = npt.NDArray[np.float64]
_ROUNDS = 3  # of drawn sets: another where one of them shows a clearly better place
_CLEARLY = 0.5  # in the sum of squared residuals

Progress = Callable[[str, int, float | None], None]
"""Called with what is done, the runs made, and the objective of the latest point if there is one."""


@dataclass(frozen=True, slots=True)
class Set:
    """One set of values that was run.

    Attributes:
        point: the parameters.
        objective: sum of squared residuals, priors included.
        kept: whether it is among the near-best.
        said: what runs to the end of the test say of each target; None for a set that is not kept.
    """

    point: Point
    objective: float
    kept: bool
    said: Said | None


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit that is done.

    Attributes:
        problem, base: what was asked.
        found: where the search ended.
        sets: the best set first, then those drawn around it.
        known: what is known of each parameter.
        directions: in which directions the targets say how much.
        targets: the fitted ones, then the others.
        said: what the best set says of each target, in runs to `problem.until`.
        noise: standard error of `said` by the luck of the runs; None with one replication.
        runs: runs made, those that were remembered from before not counted.
    """

    problem: Problem
    base: Scenario
    found: Found
    sets: tuple[Set, ...]
    known: tuple[Known, ...]
    directions: tuple[Direction, ...]
    targets: tuple[Target, ...]
    said: Said
    noise: Said
    runs: int

    @property
    def best(self) -> Set:
        """The set at which the search ended."""
        return self.sets[0]


def fit(
    problem: Problem,
    base: Scenario,
    folder: Path,
    *,
    workers: int = 1,
    most: int = 12,
    sets: int = 30,
    progress: Progress | None = None,
) -> Fit:
    """Return *base* fitted to the targets of *problem*; runs are remembered in *folder*.

    The same problem, scenario and seed give the same numbers, whatever the workers and however often stopped.

    Args:
        problem: targets and parameters.
        base: the scenario; its first day, scale, seed and replications are those of the runs.
        folder: empty, or that of the same fit, stopped.
        workers: processes.
        most: points that the search may try.
        sets: sets that are drawn around the best one.
        progress: called as runs are made.

    Raises:
        ScenarioError: the scenario lacks a figure, or refuses a value.
        StoreError: the folder holds something else.
    """
    stage, objective = "search", None

    def tell(runs: int) -> None:
        if progress is not None:
            progress(stage, runs, objective)

    def tried(_: int, value: float) -> None:
        nonlocal objective
        objective = value

    with Evaluations(problem, base, folder, workers, tell) as evaluations:
        found = search(problem, evaluations, most=most, tried=tried)
        stage = "near-best sets"
        objective_of = Objective(problem, evaluations)
        for number in range(_ROUNDS):
            around = _around(objective_of, found, sets=sets, seed=base.seed + number)
            better = _better(objective_of, around)
            if better is None or number == _ROUNDS - 1:
                break
            found = found._replace(
                place=better.place, objective=better.objective, jacobian=objective_of.jacobian(better.place)
            )
        stage = "test on what was held out"
        ensemble = _tested(problem, evaluations, objective_of, around)
        (said,) = evaluations.at([ensemble[0].point], problem.until)
        return Fit(
            problem,
            base,
            found,
            ensemble,
            tuple(known(problem.free, found.place, found.jacobian)),
            tuple(directions(problem.free, found.jacobian, len(problem.aims))),
            evaluations.targets,
            evaluations.mean([ensemble[0].point], problem.until)[0],
            [_noise(column) for column in zip(*said, strict=True)],
            evaluations.runs,
        )


class _Place(NamedTuple):
    """A place that was run, in steps, with its residuals."""

    place: Floats
    rows: Floats

    @property
    def objective(self) -> float:
        return float(self.rows @ self.rows)


def _around(objective: Objective, found: Found, *, sets: int, seed: int) -> list[_Place]:
    """Return the place where the search ended and those drawn around it."""
    free = objective.problem.free
    places = [found.place, *drawn(free, found.place, found.jacobian, sets=sets, seed=seed)]
    return [_Place(*pair) for pair in zip(places, objective.residuals(places), strict=True)]


def _better(objective: Objective, around: list[_Place]) -> _Place | None:
    """Return a place that is clearly better than the first of *around*: one of them, or one that they point to."""
    places, rows = np.array([one.place for one in around]), np.array([one.rows for one in around])
    pointed = leap(places, rows, objective.low, objective.high)
    tried = [] if pointed is None else [_Place(pointed, objective.residuals([pointed])[0])]
    best = min((*around, *tried), key=lambda one: one.objective)
    return best if best.objective < around[0].objective - _CLEARLY else None


def _tested(
    problem: Problem, evaluations: Evaluations, objective: Objective, around: list[_Place]
) -> tuple[Set, ...]:
    """Run the near-best sets, and the best one, to the end of the test."""
    kept = near(np.array([one.objective for one in around]), len(problem.free))
    points = [objective.point(one.place) for one in around]
    chosen = [point for place, point in enumerate(points) if kept[place] or place == 0]
    said = dict(zip(chosen, evaluations.mean(chosen, problem.test_until), strict=True))
    return tuple(
        Set(point, one.objective, bool(keep), said.get(point))
        for point, one, keep in zip(points, around, kept, strict=True)
    )


def _noise(said: tuple[float | None, ...]) -> float | None:
    values = [value for value in said if value is not None]
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))
