"""A polynomial that stands in for the simulation within what was sampled, with its error, or a refusal.

Legendre polynomials of the factors, each scaled to -1 … 1, fitted by ridge regression; degree and ridge are
chosen by cross validation, and the error is that of a second cross validation around the choice, so that it
pays for having chosen.  Source: Sudret (2008); Varma and Simon (2006).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import numpy.typing as npt

from sim.intervals import mean_interval
from sim.report.words import Text
from sim.sweep.answers import Asked
from sim.sweep.designs import Design, Floats
from sim.sweep.factors import Factor
from sim.sweep.noise import noise, varies
from sim.sweep.study import Sweep

FOLDS = 10
DEGREES = (0, 1, 2, 3, 4)
RIDGES = (1e-10, 1e-3, 1e-1)
LEAST = 8
"""The fewest points from which a polynomial is fitted."""
_POINTS_A_TERM = 1.5

Terms = tuple[tuple[int, ...], ...]
"""A degree in each factor, for each term."""

NO_VALUE = Text("some points have no value", "部分样本点无数值")
CONSTANT = Text("nothing that is varied here changes it", "所变动的因素对其没有影响")
TOO_FEW = Text(f"fewer than {LEAST} points", f"样本点少于 {LEAST} 个")


@dataclass(frozen=True)
class Surrogate:
    """A polynomial for one measure, in the unit that is shown.

    Attributes:
        terms, coefficients: none where it is refused for want of points or of variation.
        error: root mean squared error of cross validation.
        effect: standard deviation of the measure over the points.
        explained: 1 - error² / effect²; at most 1, below 0 where the mean alone does better.
        clear: whether the error is smaller than that of the mean alone, beyond chance (95 %).
        half: half the interval over replications of the mean at a point (median); None with one replication.
        drowned: whether luck explains as much as the factors do: the polynomial has then learnt luck.
        lacking: why there is none at all; None where there is one.
    """

    asked: Asked
    terms: Terms
    coefficients: tuple[float, ...]
    degree: int
    ridge: float
    error: float
    effect: float
    explained: float
    clear: bool
    half: float | None
    drowned: bool = False
    lacking: Text | None = None

    @property
    def refused(self) -> bool:
        """Whether it must not be used: there is none, or its error or luck exceeds the effect."""
        return self.lacking is not None or self.drowned or self.error >= self.effect or not self.clear

    def at(self, scaled: Floats) -> Floats:
        """Return float64[n], the measure at points that are scaled to -1 … 1, float64[n, factors]."""
        found: Floats = _basis(scaled, self.terms) @ np.array(self.coefficients)
        return found


def scaled(points: Floats, factors: Sequence[Factor]) -> Floats:
    """Return *points* with each factor from -1 (its lowest) to 1 (its highest)."""
    low, high = (np.array([getattr(f, end) for f in factors]) for end in ("low", "high"))
    found: Floats = (2 * points - low - high) / (high - low)
    return found


def surrogates(sweep: Sweep) -> list[Surrogate]:
    """Return a polynomial for every measure, or why there is none."""
    return [fitted(each, sweep.answers(each), sweep.design, sweep.factors) for each in sweep.asked]


def fitted(asked: Asked, values: Floats, design: Design, factors: Sequence[Factor]) -> Surrogate:
    """Return the polynomial for one measure.

    Args:
        asked: the measure.
        values: float64[points, replications].
        design: the points.
        factors: of the design.
    """
    _, rows = np.unique(design.points, axis=0, return_index=True)
    rows = np.sort(rows)
    if not np.isfinite(values).all():
        return _none(asked, NO_VALUE)
    if not varies(values):
        return _none(asked, CONSTANT)
    if len(rows) < LEAST:
        return _none(asked, TOO_FEW)
    x, y, groups = scaled(design.points[rows], factors), values[rows].mean(axis=1), design.groups[rows]
    most = tuple(len(np.unique(column)) - 1 for column in x.T)
    outer = _folds(groups)
    predicted, plain = np.empty(len(y)), np.empty(len(y))
    for fold in np.unique(outer):
        out, rest = outer == fold, outer != fold
        degree, ridge = _chosen(x[rest], y[rest], groups[rest], most)
        terms = _terms(degree, most)
        predicted[out] = _basis(x[out], terms) @ _solved(_basis(x[rest], terms), y[rest], ridge)
        plain[out] = y[rest].mean()
    error, effect = float(np.sqrt(np.mean((y - predicted) ** 2))), float(y.std(ddof=1))
    degree, ridge = _chosen(x, y, groups, most)
    terms = _terms(degree, most)
    return Surrogate(
        asked,
        terms,
        tuple(float(c) for c in _solved(_basis(x, terms), y, ridge)),
        degree,
        ridge,
        error,
        effect,
        1 - error**2 / effect**2,
        _better(y, predicted, plain, groups),
        _half(values[rows]),
        noise(values[rows]).drowned,
    )


def _none(asked: Asked, why: Text) -> Surrogate:
    return Surrogate(asked, (), (), 0, 0.0, 0.0, 0.0, 0.0, False, None, lacking=why)


def _better(y: Floats, predicted: Floats, plain: Floats, groups: npt.NDArray[np.int64]) -> bool:
    """Return whether the squared error is clearly less than that of the mean, group by group."""
    gain = (y - plain) ** 2 - (y - predicted) ** 2
    each = [float(gain[groups == group].mean()) for group in np.unique(groups)]
    around = mean_interval(each)
    return around.low > 0


def _half(values: Floats) -> float | None:
    if values.shape[1] < 2:
        return None
    found = [mean_interval(list(row)) for row in values]
    return float(np.median([(each.high - each.low) / 2 for each in found]))


def _folds(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the fold of each point: a group is never divided, and its place says nothing of its values."""
    known = np.unique(groups)
    shuffled = np.random.default_rng(0).permutation(len(known))
    fold_of = dict(zip(known.tolist(), (shuffled % min(FOLDS, len(known))).tolist(), strict=True))
    return np.array([fold_of[int(group)] for group in groups])


def _chosen(x: Floats, y: Floats, groups: npt.NDArray[np.int64], most: tuple[int, ...]) -> tuple[int, float]:
    """Return degree and ridge with the least cross-validated error; the simpler one where they are equal."""
    folds = _folds(groups)
    best, found = np.inf, (0, RIDGES[0])
    smallest = min(int((folds != fold).sum()) for fold in np.unique(folds))
    for degree in DEGREES:
        terms = _terms(degree, most)
        if degree and (len(terms) * _POINTS_A_TERM > smallest or terms == _terms(degree - 1, most)):
            break
        basis = _basis(x, terms)
        for ridge in RIDGES if degree else RIDGES[:1]:
            missed = 0.0
            for fold in np.unique(folds):
                out = folds == fold
                missed += float(((y[out] - basis[out] @ _solved(basis[~out], y[~out], ridge)) ** 2).sum())
            if missed < best * (1 - 1e-6):
                best, found = missed, (degree, ridge)
    return found


@cache
def _terms(degree: int, most: tuple[int, ...]) -> Terms:
    """Return all terms of at most *degree* together, and in each factor of at most its levels less one."""
    each = [range(min(degree, top) + 1) for top in most]
    return tuple(sorted((t for t in product(*each) if sum(t) <= degree), key=lambda t: (sum(t), t)))


def _basis(x: Floats, terms: Terms) -> Floats:
    """Return float64[n, terms], each a product of Legendre polynomials."""
    top = max((max(term) for term in terms), default=0)
    ones = np.ones_like(x)
    legendre = [ones, x]
    for n in range(1, top):
        legendre.append(((2 * n + 1) * x * legendre[n] - n * legendre[n - 1]) / (n + 1))
    columns = []
    for term in terms:
        column = ones[:, 0].copy()
        for k, degree in enumerate(term):
            if degree:
                column = column * legendre[degree][:, k]
        columns.append(column)
    return np.stack(columns, axis=1)


def _solved(basis: Floats, y: Floats, ridge: float) -> Floats:
    """Return the coefficients of ridge regression; the constant term is not shrunk."""
    weights = np.full(basis.shape[1], ridge * len(y))
    weights[0] = 0.0
    found: Floats = np.linalg.lstsq(
        np.vstack([basis, np.diag(np.sqrt(weights))]), np.concatenate([y, np.zeros(len(weights))]), rcond=None
    )[0]
    return found
