"""At which points to run: a grid, a Latin hypercube, or Saltelli's extension of a Sobol sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from sim.sweep.factors import Factor, Point
from traceability.errors import ScenarioError

Floats = npt.NDArray[np.float64]

DESIGNS = ("grid", "lhs", "sobol")
LEAST_BASE = 4
"""The fewest base points of a Sobol design."""
_FEWEST = 2


@dataclass(frozen=True)
class Design:
    """The points of a sweep.

    Attributes:
        kind: one of DESIGNS.
        points: float64[n, factors]; the order is that of the method.
        groups: int64[n]; points of one group share values and are kept together when a fit is cross-validated.
        independent: int64[m]; the rows that were drawn independently of each other.
        base: base points of a Sobol design; n of the others.
    """

    kind: str
    points: Floats
    groups: npt.NDArray[np.int64]
    independent: npt.NDArray[np.int64]
    base: int

    def distinct(self) -> list[Point]:
        """Return each point once, in the order in which they first appear."""
        return list(dict.fromkeys(tuple(float(x) for x in row) for row in self.points))


def design(kind: str, factors: Sequence[Factor], n: int, seed: int) -> Design:
    """Return a design of at most *n* points (a grid of given levels has as many as it has).

    Args:
        kind: one of DESIGNS.
        factors: what is varied.
        n: points at most; a Latin hypercube has just so many.
        seed: of the draws; a grid has none.

    Raises:
        ScenarioError: *n* is too few for the design, or it needs SALib and that is not installed.
    """
    if kind == "grid":
        return _grid(factors, n)
    require_salib(kind)
    return _lhs(factors, n, seed) if kind == "lhs" else _sobol(factors, n, seed)


def require_salib(kind: str) -> None:
    """Do nothing if SALib is there.

    Raises:
        ScenarioError: it is not; the message has the command that installs it.
    """
    if find_spec("SALib") is None:
        raise ScenarioError(
            f"--design {kind} needs SALib, which is not installed: pip install 'battrace[sweep]'; "
            "--design grid works without"
        )


def _grid(factors: Sequence[Factor], n: int) -> Design:
    """Return all combinations: given levels as they are, ranges in as many equal steps as *n* allows."""
    given = [f for f in factors if f.listed or 0 < len(f.levels) <= _FEWEST]
    fixed = math.prod(len(f.levels) for f in given)
    ranges = len(factors) - len(given)
    steps = math.floor((n / fixed) ** (1 / ranges) + 1e-9) if ranges else 0
    if ranges and steps < _FEWEST:
        raise ScenarioError(
            f"a grid of these factors has at least {fixed * _FEWEST**ranges} points; give -n {fixed * _FEWEST**ranges} or more"
        )
    axes = [np.array(f.levels) if f in given else _steps(f, steps) for f in factors]
    mesh = np.meshgrid(*axes, indexing="ij")
    points = np.stack([each.ravel() for each in mesh], axis=1)
    rows = np.arange(len(points))
    return Design("grid", points, rows, rows, len(points))


def _steps(factor: Factor, steps: int) -> Floats:
    even = np.linspace(factor.low, factor.high, steps)
    return np.unique(np.round(even)) if factor.whole else even


def _lhs(factors: Sequence[Factor], n: int, seed: int) -> Design:
    """Source: McKay, Beckman and Conover (1979); scipy.stats.qmc.LatinHypercube."""
    from scipy.stats import qmc

    if n < _FEWEST:
        raise ScenarioError(f"a Latin hypercube has at least {_FEWEST} points; give -n {_FEWEST} or more")
    shares = qmc.LatinHypercube(len(factors), rng=np.random.default_rng(seed)).random(n)
    rows = np.arange(n)
    return Design("lhs", _values(factors, shares), rows, rows, n)


def _sobol(factors: Sequence[Factor], n: int, seed: int) -> Design:
    """Source: Saltelli (2002), without second order: base points times (factors + 2); SALib."""
    from SALib.sample import sobol

    blocks = len(factors) + 2
    if n < LEAST_BASE * blocks:
        raise ScenarioError(
            f"a Sobol design of {len(factors)} factors has at least {LEAST_BASE * blocks} points; "
            f"give -n {LEAST_BASE * blocks} or more"
        )
    base = 2 ** int(math.log2(n / blocks))
    shares = sobol.sample(problem(factors), base, calc_second_order=False, scramble=True, seed=seed)
    made = Design("sobol", _values(factors, shares), np.arange(len(shares)) // blocks, np.arange(0), base)
    # of each block, the first row is of matrix A and the last of matrix B; between them they share values
    first = np.arange(base) * blocks
    return replace(made, independent=np.sort(np.concatenate([first, first + blocks - 1])))


def problem(factors: Sequence[Factor]) -> dict[str, object]:
    """Return the factors as SALib has them, each from 0 to 1."""
    return {
        "num_vars": len(factors),
        "names": [factor.name for factor in factors],
        "bounds": [[0.0, 1.0]] * len(factors),
    }


def _values(factors: Sequence[Factor], shares: Floats) -> Floats:
    columns = [[factor.at(float(u)) for u in shares[:, k]] for k, factor in enumerate(factors)]
    return np.array(columns, dtype=np.float64).T
