"""Waiting in `sim.lots.Workload`, the queue of every facility, beside formulas that do not know the program.

A load of Poisson arrivals is simulated at many facilities at once; each is an independent sample, so the
mean wait comes with an error.  What arrives in fixed lots waits without luck, to the day.
"""

from __future__ import annotations

from cmath import exp as cexp
from cmath import pi
from math import sqrt
from typing import NamedTuple

import numpy as np

from sim.lots import Workload
from sim.validation.judging import Line, exact_line

PART = "closed-form queues"
ERRORS = 3.5
"""A wait passes within so many of its standard errors: by luck alone one in two thousand does not."""

KHINCHINE = "Pollaczek and Khinchine: mean wait of M/D/1 = rho s / (2 (1 - rho)); Law (2015), appendix 1B"
BAILEY = "Bailey (1954), J. R. Stat. Soc. B 16:80; roots as in Janssen and van Leeuwaarden (2005), Queueing Syst. 50:141"


class Waited(NamedTuple):
    """Mean wait and its standard error over facilities, in steps."""

    mean: float
    error: float


def lines() -> list[Line]:
    """Return a line for each formula: M/D/1 at three loads, daily bulk service at three, fixed lots at three."""
    return [*_steady(), *_bulk(), *_fixed()]


def _steady() -> list[Line]:
    found = []
    for load in (0.3, 0.5, 0.8):
        # a service takes 16 steps, so that the begun part of a step is of no consequence
        waited = poisson_wait(load / 16, 1 / 16, steps=6_000, warm=3_000, facilities=300)
        found.append(
            _against(
                f"M/D/1, load {load:g}",
                "service times",
                pollaczek_khinchine(load, 1.0),
                waited,
                16,
                KHINCHINE,
            )
        )
    return found


def _bulk() -> list[Line]:
    found = []
    for rate, capacity in ((0.5, 1), (3.2, 4), (9.0, 10)):
        waited = poisson_wait(rate, float(capacity), steps=1_200, warm=400, facilities=400)
        name = f"daily bulk service of {capacity}, load {rate / capacity:g}"
        found.append(_against(name, "days", bulk_wait(rate, capacity), waited, 1, BAILEY))
    return found


def _fixed() -> list[Line]:
    found = []
    for lot, capacity in ((7, 3), (12, 4), (25, 1)):
        expected, got = fixed_wait(lot, capacity), _fixed_wait_of_workload(lot, capacity)
        found.append(
            exact_line(
                PART, f"D/D, lots of {lot}, {capacity} a day", "days", expected, model=got, slack=1e-9,
                bound="equal", why="no luck is in it: piece j of a lot waits j // capacity days",
                source="arithmetic: (c q (q-1)/2 + q (B - q c)) / B with q = B // c",
            )
        )  # fmt: skip
    return found


def _against(name: str, unit: str, expected: float, waited: Waited, steps: int, source: str) -> Line:
    return exact_line(
        PART, name, unit, expected, model=waited.mean / steps, half=1.96 * waited.error / steps,
        slack=ERRORS * waited.error / steps, bound=f"within {ERRORS:g} standard errors",
        why="sim.lots.Workload under Poisson arrivals, a fixed seed", source=source, grade="paper",
    )  # fmt: skip


def pollaczek_khinchine(load: float, service: float) -> float:
    """Return the mean wait of M/D/1, in the unit of *service*.  Source: Pollaczek (1930), Khinchine (1932)."""
    return load * service / (2.0 * (1.0 - load))


def bulk_wait(rate: float, capacity: int) -> float:
    """Return the mean whole days from arrival to turn: Poisson(*rate*) a day, the first *capacity* served each day.

    The mean of what is left at a day's end follows from the roots of z^c = exp(-rate (1 - z)) inside the unit
    circle, and the wait from Little's law.  Source: Bailey (1954); Janssen and van Leeuwaarden (2005).
    """
    roots = []
    for k in range(1, capacity):
        turn, z = cexp(2j * pi * k / capacity), 0j
        for _ in range(2_000):
            z = turn * cexp(-rate * (1 - z) / capacity)
        roots.append(z)
    at_start = rate / (2 * (capacity - rate)) + rate / 2 - (capacity - 1) / 2
    at_start += sum((1 / (1 - z)).real for z in roots)
    return (at_start - rate) / rate


def fixed_wait(lot: int, capacity: int) -> float:
    """Return the mean whole days that a lot of *lot* waits at an idle facility that does *capacity* a day."""
    full = lot // capacity
    return (capacity * full * (full - 1) / 2 + full * (lot - full * capacity)) / lot


def _fixed_wait_of_workload(lot: int, capacity: int) -> float:
    """Mean wait over five lots, each of which comes when the one before is done."""
    work, waits = Workload(np.array([float(capacity)])), []
    apart = -(-lot // capacity)
    for number in range(5):
        waits.append(work.accept(number * apart, np.zeros(lot, dtype=np.int64), np.ones(lot)).mean())
    return float(np.mean(waits))


def poisson_wait(
    rate: float, capacity: float, *, steps: int, warm: int, facilities: int, seed: int = 7
) -> Waited:
    """Let pieces of 1 come to *facilities* like ones, Poisson(*rate*) a step; the first *warm* steps do not count.

    The mean is over all arrivals; its error that of a ratio of sums over independent facilities.
    """
    draw = np.random.default_rng(seed)
    work = Workload(np.full(facilities, capacity))
    waits, count = np.zeros(facilities), np.zeros(facilities)
    for step in range(warm + steps):
        arrivals = draw.poisson(rate, facilities)
        # the capacity is the same everywhere and pieces are alike: the order of facilities is of no consequence
        place = np.repeat(np.arange(facilities), arrivals)
        days = work.accept(step, place, np.ones(place.size))
        if step >= warm:
            waits += np.bincount(place, weights=days, minlength=facilities)
            count += arrivals
    mean = float(waits.sum() / count.sum())
    residue = (waits - mean * count) / count.mean()
    return Waited(mean, float(residue.std(ddof=1)) / sqrt(facilities))
