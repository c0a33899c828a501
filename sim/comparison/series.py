"""What each replication of each scenario says, as arrays that can be paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from sim.intervals import AVERAGES, totals
from sim.measures import Value
from sim.scenario import Scenario

Floats = npt.NDArray[np.float64]
Name: TypeAlias = tuple[str, int | None, str]
"""Measure, year (None: the whole horizon) and key ("" the total)."""

ALSO_SUMMED = frozenset({"fines", "inspections", "penalties", "public_cost"})
"""Added up over their keys here, beside those of which every run has totals."""


@dataclass(frozen=True)
class Side:
    """One scenario of a comparison and what its replications say.

    Attributes:
        label: the name it has here; no two are the same.
        values: the measures of each replication, as `study` has them.
        events: rows of all logs together.
        fingerprint: of its run; "" as long as that is not complete.
    """

    label: str
    folder: Path
    scenario: Scenario
    values: list[list[Value]]
    events: int
    fingerprint: str = ""

    @property
    def replications(self) -> int:
        """How many there are."""
        return len(self.values)


def series(values: Sequence[Sequence[Value]]) -> dict[Name, Floats]:
    """Return float64[replications] of each measure, year and key; what a replication lacks is zero there.

    Shares, delays and waits have no zero to stand in: they are NaN where a replication has none.
    """
    found: dict[Name, Floats] = {}
    for number, said in enumerate(values):
        for value in (*said, *totals(said), *_sums(said)):
            name = (value.measure, value.year, value.key)
            if name not in found:
                empty = np.nan if value.measure in AVERAGES else 0.0
                found[name] = np.full(len(values), empty)
            found[name][number] = value.value
    return found


def _sums(values: Sequence[Value]) -> list[Value]:
    sums: dict[tuple[str, int | None], float] = {}
    for value in values:
        if value.measure in ALSO_SUMMED and value.key:
            sums[value.measure, value.year] = sums.get((value.measure, value.year), 0.0) + value.value
    return [Value(measure, year, "", total) for (measure, year), total in sums.items()]


def absent(measure: str, replications: int) -> Floats:
    """Return float64[n] of a measure that a whole scenario lacks: nothing, or unknown where it is an average."""
    return np.full(replications, np.nan if measure in AVERAGES else 0.0)
