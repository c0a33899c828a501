"""Intervals over replications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np

from sim.measures import MEASURES, Value
from sim.measures_groups import GROUP_SHARES, GROUP_SUMS
from sim.measures_policy import POLICY_SHARES, POLICY_SUMS
from sim.report.model import Estimate, Row

CONFIDENCE = 0.95


def mean_interval(values: Sequence[float]) -> Estimate:
    """Return the mean of independent *values* with its two-sided 95 % interval (Student's t).

    With one value there is no interval: low and high are the mean.  Source: Law (2015), eq. 4.12.
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return Estimate(mean, mean, mean)
    from scipy.special import stdtrit  # slow to import, and needed only here

    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * float(np.std(values, ddof=1)) / sqrt(n)
    return Estimate(mean, mean - half, mean + half)


def measure_interval(measure: str, values: Sequence[float]) -> Estimate:
    """Return the mean of *values* of *measure* with its interval, no part of it where the measure cannot be.

    Nothing is below zero but what `MeasureInfo.signed` says may be, and no share above one.
    """
    estimate = mean_interval(values) if measure in SIGNED else amount_interval(values)
    high = min(estimate.high, 1.0) if measure in SHARES else estimate.high
    return Estimate(estimate.mean, estimate.low, high)


def amount_interval(values: Sequence[float]) -> Estimate:
    """Return the mean of *values* that are never negative, with its interval: none of it below zero.

    Student's t of three replications knows no bounds; a count, a mass and a delay do.
    """
    estimate = mean_interval(values)
    return Estimate(estimate.mean, max(estimate.low, 0.0), estimate.high)


def summarise(replications: Iterable[Sequence[Value]]) -> list[Row]:
    """Return one row per measure, year and key, over all replications; what one of them lacks counts as zero there.

    Shares, delays and waits have no zero to stand in: they are averaged over the replications that have them.
    """
    runs = [[*values, *totals(values)] for values in replications]
    found: dict[tuple[str, int | None, str], dict[int, float]] = {}
    for number, values in enumerate(runs):
        for value in values:
            found.setdefault((value.measure, value.year, value.key), {})[number] = value.value
    rows = []
    for (measure, year, key), by_run in found.items():
        here = list(by_run.values())
        if measure not in AVERAGES:
            here += [0.0] * (len(runs) - len(here))
        estimate = measure_interval(measure, here)
        rows.append(Row(measure, year, key, estimate.mean, estimate.low, estimate.high, len(here)))
    return sorted(rows, key=lambda r: (r.measure, r.year or 0, r.key))


def totals(values: Sequence[Value]) -> list[Value]:
    """Return the sums over the keys of each measure that adds up, under the key that is empty."""
    sums: dict[tuple[str, int | None], float] = {}
    for value in values:
        if value.measure in SUMS:
            sums[value.measure, value.year] = sums.get((value.measure, value.year), 0.0) + value.value
    return [Value(measure, year, "", total) for (measure, year), total in sums.items()]


SUMS = frozenset(
    {
        "stock_vehicles", "registrations", "exits", "installed_gwh", "retired_mass", "retired_packs",
        "retired_channel", "processed", "installed_kind", "breaches_happened", "breaches_visible",
    }
    | POLICY_SUMS
    | GROUP_SUMS
)  # fmt: skip
SHARES = frozenset(
    {"formal_share", "complete_chain_share", "reported_share", "firms_reporting_share", "sale_record_share"}
    | {"detected_share"}
    | POLICY_SHARES
    | GROUP_SHARES
)
SIGNED = frozenset(info.id for info in MEASURES if info.signed)
AVERAGES = SHARES | {"report_delay_days", "wait_days"}
