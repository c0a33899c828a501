"""Figures that change on stated days, as a scenario writes them: a number, or a table of days and numbers."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from reprlib import repr as brief
from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import BeforeValidator, InstanceOf, PlainSerializer

from traceability.events import day_number

ALWAYS = date(1900, 1, 1)
"""The first day of a figure that never changes."""


class Dated:
    """A figure that changes on stated days: from each day on, its value, until the next.

    Attributes:
        steps: (first day, value), in order; before the first day its value holds too.
    """

    __slots__ = ("_starts", "_values", "steps")

    def __init__(self, steps: tuple[tuple[date, float], ...]) -> None:
        self.steps = steps
        self._starts = [day_number(start) for start, _ in steps]
        self._values = [value for _, value in steps]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dated) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return f"Dated({self.steps!r})"

    def on(self, day: int) -> float:
        """Return the value on *day* (days since 1970-01-01)."""
        return self._values[max(bisect_right(self._starts, day) - 1, 0)]

    def at(self, days: npt.NDArray[np.integer]) -> npt.NDArray[np.float64] | float:
        """Return the value on each of *days*: one number where all fall into one step, else float64[n]."""
        if len(self._values) == 1 or not days.size:
            return self._values[0]
        return self.between(days, int(days.min()), int(days.max()))

    def between(
        self, days: npt.NDArray[np.integer], first_day: int, last_day: int
    ) -> npt.NDArray[np.float64] | float:
        """Return what `at` returns, where the earliest and the latest of *days* are known already."""
        first, last = bisect_right(self._starts, first_day), bisect_right(self._starts, last_day)
        if first == last:
            return self._values[max(first - 1, 0)]
        places = np.searchsorted(self._starts, days, side="right") - 1
        return np.array(self._values)[np.maximum(places, 0)]


def _dated(raw: object) -> Dated:
    if isinstance(raw, Dated):
        return raw
    if isinstance(raw, int | float):  # a switch, true or false, is 1 or 0
        return Dated(((ALWAYS, _number(raw)),))
    if not isinstance(raw, dict) or not raw:
        raise ValueError("expected a number, or a table of days and numbers such as {2016-01-01 = 0.1}")
    steps = []
    for key, value in raw.items():
        try:
            start = date.fromisoformat(str(key))
        except ValueError:
            raise ValueError(f"`{key}` is not a day; write it as 2026-04-01") from None
        if not isinstance(value, int | float):
            raise ValueError(f"the value from {key} on must be a number, not {brief(value)}")
        steps.append((start, _number(value)))
    return Dated(tuple(sorted(steps)))


def _number(raw: float) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise ValueError("a number beyond all bounds") from None


def _within(low: float, high: float) -> BeforeValidator:
    def check(raw: object) -> Dated:
        series = _dated(raw)
        for start, value in series.steps:
            if not low <= value <= high:
                raise ValueError(f"{value:g} (from {start}) is not between {low:g} and {high:g}")
        return series

    return BeforeValidator(check)


_plain = PlainSerializer(
    lambda d: (
        d.steps[0][1]
        if len(d.steps) == 1 and d.steps[0][0] == ALWAYS
        else {start.isoformat(): value for start, value in d.steps}
    )
)
Share = Annotated[InstanceOf[Dated], _within(0.0, 1.0), _plain]
Amount = Annotated[InstanceOf[Dated], _within(0.0, 1e9), _plain]
Few = Annotated[InstanceOf[Dated], _within(0.0, 20.0), _plain]
"""Kilograms for each kWh: a whole battery has some ten."""
Factor = Annotated[InstanceOf[Dated], _within(0.0, 100.0), _plain]
"""A multiple of what would be."""
Signed = Annotated[InstanceOf[Dated], _within(-1e9, 1e9), _plain]
Switch = Annotated[InstanceOf[Dated], _within(0.0, 1.0), _plain]
