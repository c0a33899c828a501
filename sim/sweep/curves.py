"""Response curves: the mean of a measure against each factor, the others averaged as the design has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.intervals import mean_interval
from sim.report.model import Estimate
from sim.sweep.answers import Asked
from sim.sweep.designs import Floats
from sim.sweep.factors import Factor
from sim.sweep.study import Sweep

BINS = 10
"""Parts of equal count into which a sampled range is cut, if there are points enough."""
_IN_A_BIN = 5
_FEW_LEVELS = 12


class CurvePoint(NamedTuple):
    """One place on a curve.

    Attributes:
        value: of the factor: its level, or the mean of a part of the range.
        mean, low, high: of the measure, in the unit that is shown; low and high are None where there is no band.
        points: of the design that it averages.
    """

    asked: Asked
    factor: Factor
    value: float
    mean: float
    low: float | None
    high: float | None
    points: int


def curves(sweep: Sweep) -> Iterator[CurvePoint]:
    """Yield the curve of every measure against every factor.

    In a grid (and where one figure alone is varied) a place is a level, the band that of the mean over
    replications: it is the band of luck.  In a sampled design a place is a part of the range, the band that of
    the mean over its points: the other factors differ from point to point, and the band says so.
    """
    for asked in sweep.asked:
        values = sweep.answers(asked)
        for k, factor in enumerate(sweep.factors):
            yield from _curve(sweep, asked, factor, sweep.design.points[:, k], values)


def _curve(sweep: Sweep, asked: Asked, factor: Factor, at: Floats, values: Floats) -> Iterator[CurvePoint]:
    levels = sweep.design.kind == "grid" or len(sweep.factors) == 1
    rows = np.arange(len(at)) if levels else sweep.design.independent
    rows = rows[np.isfinite(values[rows]).all(axis=1)]
    if not len(rows):
        return
    for part in _parts(at[rows], by_level=levels or len(np.unique(at[rows])) <= _FEW_LEVELS):
        here = rows[part]
        found = _over_replications(values[here]) if levels else mean_interval(list(values[here].mean(axis=1)))
        if values[rows].min() >= 0:  # a count, a mass and a delay are never less, whatever Student's t says
            found = replace(found, low=max(found.low, 0.0))
        one = (sweep.replications if levels else len(here)) < 2
        yield CurvePoint(
            asked, factor, float(at[here].mean()), found.mean, None if one else found.low, None if one else found.high,
            len(here),
        )  # fmt: skip


def _over_replications(values: Floats) -> Estimate:
    return mean_interval(list(values.mean(axis=0)))


def _parts(at: Floats, *, by_level: bool) -> Sequence[npt.NDArray[np.intp]]:
    """Return the places of *at* that belong together, from low to high."""
    if by_level:
        return [np.flatnonzero(at == level) for level in np.unique(at)]
    count = max(1, min(BINS, len(at) // _IN_A_BIN))
    return np.array_split(np.argsort(at, kind="stable"), count)
