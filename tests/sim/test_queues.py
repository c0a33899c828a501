"""A facility under Poisson arrivals waits as queueing theory says.

Two sources, neither of which knows the program: the stationary distribution of the work left at the end of a
day, from its transition matrix, exact for daily bulk service; and the formula of Pollaczek and Khinchine for a
server that needs a fixed time (M/D/1), which daily service becomes as the day shrinks.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import gcd

import numpy as np
import pytest
from scipy import stats

from sim.lots import Workload


@dataclass(frozen=True)
class Exact:
    """Stationary means of one facility in steps: Poisson arrivals at the start of each, then work.

    Attributes:
        wait: steps from arrival to turn, whole ones, of an arrival.
        queue: pieces that have not had their turn by the end of a step.
        idle: share of steps that begin without work and bring none.
    """

    wait: float
    queue: float
    idle: float


def exact(rate: float, piece: int, drain: int) -> Exact:
    """Solve the chain of the work V left at the end of a step: V' = max(V + piece x A - drain, 0), A Poisson.

    Work is counted in units of which a piece has *piece* and a step does *drain*; V is cut off where 50 pieces wait, or more.
    The j-th arrival of a step has its turn after floor((V + j x piece) / drain) steps.
    """
    most = int(stats.poisson.isf(1e-13, rate)) + 1
    chance = stats.poisson.pmf(np.arange(most + 1), rate)
    room = max(50 * piece, 250)
    move = np.zeros((room, room))
    for arrivals, p in enumerate(chance):
        after = np.clip(np.arange(room) + arrivals * piece - drain, 0, room - 1)
        np.add.at(move, (np.arange(room), after), p)
    move /= move.sum(axis=1, keepdims=True)
    for _ in range(15):  # 32,768 steps
        move = move @ move
    left = move[0]
    assert left[-1] < 1e-7  # the cut is of no consequence
    later = 1.0 - np.cumsum(chance)  # P(A > j): that there is a j-th arrival
    waits = (np.arange(room)[:, None] + np.arange(most + 1)[None, :] * piece) // drain
    wait = float(left @ waits @ later) / rate
    return Exact(wait, wait * rate, float(left[0] * chance[0]))


def pollaczek_khinchine(rate: float, service: float) -> float:
    """Mean wait of M/D/1: rho x service / (2 (1 - rho))."""
    rho = rate * service
    return rho * service / (2.0 * (1.0 - rho))


@dataclass(frozen=True)
class Simulated:
    """Means of each of many facilities, float64[f]; each facility is a sample of its own.

    Attributes:
        wait: steps from arrival to turn (its mean is the mean over all arrivals).
        queue: pieces at the end of a step.
        busy: share of the capacity that was used.
    """

    wait: np.ndarray
    queue: np.ndarray
    busy: np.ndarray


def simulate(
    rate: float, capacity: float, steps: int, *, facilities: int = 400, warm: int, seed: int = 7
) -> Simulated:
    """Let pieces of 1 come to *facilities* like ones, Poisson(rate) a step; the first *warm* steps do not count."""
    draw = np.random.default_rng(seed)
    work = Workload(np.full(facilities, capacity))
    waits, count, queue, done = (np.zeros(facilities) for _ in range(4))
    before = np.zeros(facilities)
    for step in range(warm + steps):
        arrivals = draw.poisson(rate, facilities)
        place = draw.permutation(np.repeat(np.arange(facilities), arrivals))
        days = work.accept(step, place, np.ones(place.size))
        after = np.maximum(work.waiting() - capacity, 0.0)
        if step >= warm:
            waits += np.bincount(place, weights=days, minlength=facilities)
            count += arrivals
            queue += np.ceil(after - 1e-9)
            done += before + arrivals - after
        before = after
    # a ratio of sums, whose spread is that of the residues: a mean of ratios would lean to the lucky facilities
    mean = waits.sum() / count.sum()
    return Simulated(mean + (waits - mean * count) / count.mean(), queue / steps, done / (steps * capacity))


def agrees(sample: np.ndarray, expected: float) -> bool:
    """Whether the 95 % interval of the mean of independent samples holds *expected*."""
    mean, error = sample.mean(), sample.std(ddof=1) / np.sqrt(sample.size)
    return bool(abs(mean - expected) <= stats.t.isf(0.025, sample.size - 1) * error)


def width(sample: np.ndarray) -> float:
    """Half the 95 % interval, as a share of the mean."""
    return float(1.96 * sample.std(ddof=1) / np.sqrt(sample.size) / sample.mean())


@pytest.mark.parametrize(("rate", "capacity"), [(0.5, 1), (3.2, 4), (9.0, 10)])
def test_daily_bulk_service_waits_as_its_markov_chain_says(rate, capacity):
    """Integer capacity, pieces of one: loads of 50, 80 and 90 %."""
    found, expected = simulate(rate, capacity, 1200, warm=400), exact(rate, 1, capacity)
    assert agrees(found.wait, expected.wait)
    assert width(found.wait) < 0.03  # narrow enough to tell


def test_the_interval_would_tell_a_capacity_that_is_three_percent_off():
    found = simulate(3.2, 4 * 1.03, 1200, warm=400)
    assert not agrees(found.wait, exact(3.2, 1, 4).wait)


def test_the_work_done_is_what_comes():
    """Utilisation: the share of all capacity that is used is the load."""
    found = simulate(3.2, 4, 1200, warm=400)
    assert agrees(found.busy, 0.8)
    assert width(found.busy) < 0.003


def test_the_queue_is_as_long_as_arrivals_times_wait():
    """Little's law; the queue is read off the facility at the end of each day, not off the waits."""
    rate = 3.2
    found, expected = simulate(rate, 4, 1200, warm=400), exact(rate, 1, 4)
    assert agrees(found.queue, expected.queue)
    assert found.queue.mean() == pytest.approx(rate * found.wait.mean(), rel=0.01)


def cut_exactly(rate: float, capacity: int, cut: int) -> float:
    """Return the mean wait in days where a day is cut into *cut* steps."""
    common = gcd(cut, capacity)
    return exact(rate / cut, cut // common, capacity // common).wait / cut


def test_the_exact_wait_comes_to_that_of_a_steady_server_as_the_day_shrinks():
    """A day of four pieces, cut into more and more steps; what is lost is the begun part of a step."""
    steady = pollaczek_khinchine(3.2, 1 / 4)
    short = [steady - cut_exactly(3.2, 4, cut) for cut in (1, 3, 5, 7, 11)]
    assert short[0] > 0.2 * steady  # a whole day is not the same
    assert all(fine < coarse for coarse, fine in pairwise(short))
    assert 0.0 < short[-1] < 0.06 * steady
    for cut in (4, 8, 16):  # a piece takes whole steps, and nothing is lost
        assert cut_exactly(3.2, 4, cut) == pytest.approx(steady, rel=1e-6)


@pytest.mark.parametrize("cut", [1, 3, 7, 11])
def test_a_facility_comes_to_it_too(cut):
    """The same days in the simulation, each held against its own chain."""
    found = simulate(3.2 / cut, 4 / cut, 600 * cut, facilities=250, warm=200 * cut)
    assert agrees(found.wait / cut, cut_exactly(3.2, 4, cut))
    assert width(found.wait) < 0.04


@pytest.mark.parametrize("load", [0.3, 0.5, 0.8])
def test_a_facility_in_small_steps_waits_as_a_steady_server(load):
    """M/D/1: a service takes 16 steps, so the formula holds to the step."""
    found = simulate(load / 16, 1 / 16, 20_000, facilities=200, warm=8_000)
    assert agrees(found.wait, pollaczek_khinchine(load / 16, 16))
    assert agrees(found.busy, load)
    assert width(found.wait) < 0.04
