"""Sensitivity indices: which share of the variance of a measure a factor explains, alone and with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sim.intervals import mean_interval
from sim.report.words import Text
from sim.sweep.answers import Asked
from sim.sweep.designs import Design, Floats, problem
from sim.sweep.factors import Factor
from sim.sweep.noise import noise, varies
from sim.sweep.study import Sweep

RESAMPLES = {"lhs": 200, "sobol": 1000}
"""Of the bootstrap; given data are resampled, sorted and transformed anew for each factor, which takes its time."""
LEAST_LHS = 40
"""The fewest points from which a first-order index is estimated: four harmonics, ten points each."""
_HARMONICS = 10

METHODS = {
    "grid": Text(
        "variance decomposition of the full factorial, exact over its levels; intervals: jackknife over replications",
        "全因子试验的方差分解（在各水平上精确）；区间：对重复次数作刀切法",
    ),
    "lhs": Text(
        f"EASI / RBD-FAST from given data (Plischke 2010; Tissot and Prieur 2012), SALib; intervals: {RESAMPLES['lhs']} "
        "bootstrap resamples; it gives no total index",
        f"基于给定数据的 EASI / RBD-FAST（Plischke 2010；Tissot 与 Prieur 2012），SALib；区间：{RESAMPLES['lhs']} 次自助抽样；"
        "该方法不给出总效应指数",
    ),
    "sobol": Text(
        f"Saltelli et al. (2010), SALib; intervals: {RESAMPLES['sobol']} bootstrap resamples",
        f"Saltelli 等（2010），SALib；区间：{RESAMPLES['sobol']} 次自助抽样",
    ),
}  # fmt: skip

NO_VALUE = Text("some points have no value", "部分样本点无数值")
CONSTANT = Text("does not vary", "没有变化")
DROWNED = Text("not shown: luck explains as much as the factors", "未显示：随机波动不小于因素影响")
COVERS_ZERO = Text("not shown: the interval covers 0", "未显示：区间包含 0")
NO_INTERVAL = Text("one replication: no interval", "仅一次模拟，无区间")
TOO_FEW = Text(f"fewer than {LEAST_LHS} points", f"样本点少于 {LEAST_LHS} 个")


@dataclass(frozen=True, slots=True)
class Share:
    """An index and its 95 % interval; None where the method has none."""

    value: float
    low: float | None
    high: float | None

    @property
    def shown(self) -> bool:
        """Whether its interval lies above zero."""
        return self.low is not None and self.low > 0


@dataclass(frozen=True)
class Index:
    """What a factor explains of a measure.

    Attributes:
        first: alone; None where it could not be estimated.
        total: with all that it does together with others; None where the method does not give it.
        why: why the first index is not shown; None where it is.
    """

    asked: Asked
    factor: Factor
    first: Share | None
    total: Share | None
    why: Text | None

    @property
    def why_no_total(self) -> Text | None:
        """Why the total index is not shown; None where it is, and where the method gives none."""
        if self.total is None:
            return None
        return DROWNED if self.why is DROWNED else _unclear(self.total)

    @property
    def idle(self) -> bool:
        """Whether nothing of it is shown."""
        return self.why is not None and (self.total is None or self.why_no_total is not None)


def indices(sweep: Sweep) -> Iterator[Index]:
    """Yield the index of every factor for every measure."""
    for asked in sweep.asked:
        values = sweep.answers(asked)
        if (why := _impossible(sweep.design, values)) is not None:
            yield from (Index(asked, factor, None, None, why) for factor in sweep.factors)
            continue
        drowned = noise(values[_distinct(sweep.design)]).drowned
        for factor, (first, total) in zip(
            sweep.factors, estimated(sweep.design, sweep.factors, values, sweep.scenario.seed), strict=True
        ):
            yield Index(asked, factor, first, total, DROWNED if drowned else _unclear(first))


def _impossible(design: Design, values: Floats) -> Text | None:
    if not np.isfinite(values).all():
        return NO_VALUE
    if not varies(values):
        return CONSTANT
    return TOO_FEW if design.kind == "lhs" and len(values) < LEAST_LHS else None


def _unclear(first: Share) -> Text | None:
    if first.low is None:
        return NO_INTERVAL
    return None if first.shown else COVERS_ZERO


def _distinct(design: Design) -> list[int]:
    first: dict[tuple[float, ...], int] = {}
    for place, row in enumerate(design.points):
        first.setdefault(tuple(row), place)
    return list(first.values())


def estimated(
    design: Design, factors: Sequence[Factor], values: Floats, seed: int
) -> list[tuple[Share, Share | None]]:
    """Return first-order and total index of each factor.

    Args:
        design: at whose points *values* were found.
        factors: of the design.
        values: float64[points, replications], no NaN, and not all the same.
        seed: of the bootstrap.
    """
    if design.kind == "grid":
        return _factorial(design.points, values)
    means = values.mean(axis=1)
    seed = 1 + seed % (2**32 - 1)  # SALib takes 0 for none
    if design.kind == "lhs":
        return _given_data(design.points, factors, means, seed)
    return _saltelli(factors, means, seed)


def _saltelli(factors: Sequence[Factor], means: Floats, seed: int) -> list[tuple[Share, Share | None]]:
    from SALib.analyze import sobol

    said = sobol.analyze(
        problem(factors), means, calc_second_order=False, num_resamples=RESAMPLES["sobol"], seed=seed
    )
    return [
        (_around(said["S1"][k], said["S1_conf"][k]), _around(said["ST"][k], said["ST_conf"][k]))
        for k in range(len(factors))
    ]


def _given_data(
    points: Floats, factors: Sequence[Factor], means: Floats, seed: int
) -> list[tuple[Share, Share | None]]:
    from SALib.analyze import rbd_fast

    harmonics = min(_HARMONICS, len(means) // 10)
    said = rbd_fast.analyze(
        problem(factors), points, means, M=harmonics, num_resamples=RESAMPLES["lhs"], seed=seed
    )
    return [(_around(said["S1"][k], said["S1_conf"][k]), None) for k in range(len(factors))]


def _around(value: float, half: float) -> Share:
    return Share(float(value), float(value - half), float(value + half))


def _factorial(points: Floats, values: Floats) -> list[tuple[Share, Share | None]]:
    """Return what each factor explains of a full factorial; delete-one jackknife over the replications.

    Source: Saltelli et al. (2008), section 1.2; Efron and Tibshirani (1993), chapter 11.
    """
    levels = [np.unique(column, return_inverse=True) for column in points.T]
    shape = tuple(len(values_of) for values_of, _ in levels)
    order = np.ravel_multi_index([place for _, place in levels], shape)
    table = np.empty((*shape, values.shape[1]))
    table.reshape(-1, values.shape[1])[order] = values
    whole = _shares(table.mean(axis=-1))
    n = values.shape[1]
    if n < 2:
        return [(Share(first, None, None), Share(total, None, None)) for first, total in whole]
    without = [_shares(np.delete(table, r, axis=-1).mean(axis=-1)) for r in range(n)]
    found = []
    for k, pair in enumerate(whole):
        first, total = (_jackknifed(pair[which], [one[k][which] for one in without], n) for which in (0, 1))
        found.append((first, total))
    return [(first, total) for first, total in found]


def _jackknifed(whole: float, without: list[float], n: int) -> Share:
    around = mean_interval([n * whole - (n - 1) * one for one in without])
    half = (around.high - around.low) / 2
    return Share(whole, whole - half, whole + half)


def _shares(table: Floats) -> list[tuple[float, float]]:
    """Return first-order and total index of each axis of a table of means."""
    variance = float(table.var())
    if variance == 0:
        return [(0.0, 0.0)] * table.ndim
    found = []
    for axis in range(table.ndim):
        others = tuple(other for other in range(table.ndim) if other != axis)
        first = float(np.asarray(table.mean(axis=others)).var()) / variance
        found.append((first, float(table.var(axis=axis).mean()) / variance))
    return found
