"""Lots: arrays of unit numbers that move together, kept by the day on which something is due."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer]


class Agenda:
    """Rows of columns, each due at a tick (a day, a month): put in early, taken out when the tick has come.

    Rows that are due at one tick come out in the order in which they were put in.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._taken = -(2**62)
        self._due: dict[int, list[tuple[Ints, ...]]] = {}

    def add(self, ticks: Ints, *columns: Ints) -> None:
        """Put in one row per tick.

        Args:
            ticks: int[n], when each row is due.
            columns: as many int[n] as the agenda was made for.

        Raises:
            ValueError: another number of columns; a tick that has been taken, so that the rows would be lost.
        """
        if len(columns) != self._columns:
            raise ValueError(f"an agenda of {self._columns} columns was given {len(columns)}")
        if ticks.size and int(ticks.min()) <= self._taken:
            raise ValueError(f"due at tick {int(ticks.min())}, but tick {self._taken} has been taken already")
        for tick, rows in by_tick(ticks, *columns):
            self._due.setdefault(tick, []).append(rows)

    def take(self, tick: int) -> tuple[Ints, ...] | None:
        """Return the columns of all rows due at *tick*, or None where there are none."""
        self._taken = tick
        parts = self._due.pop(tick, None)
        if parts is None:
            return None
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))

    def rest(self) -> Iterator[tuple[int, tuple[Ints, ...]]]:
        """Yield what was never taken: (tick, columns)."""
        for tick in sorted(self._due):
            for part in self._due[tick]:
                yield tick, part


def by_tick(ticks: Ints, *columns: Ints) -> Iterator[tuple[int, tuple[Ints, ...]]]:
    """Yield each tick with the rows of *columns* that have it: ticks ascending, rows in their order.

    The rows of all ticks are views of one array a column, sorted once.
    """
    if not ticks.size:
        return
    order = in_order(ticks)
    ordered = ticks[order]
    first = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    edges = [0, *first.tolist(), ticks.size]
    sorted_columns = [column[order] for column in columns]
    for tick, start, end in zip(ordered[edges[:-1]].tolist(), edges[:-1], edges[1:], strict=True):
        yield tick, tuple([column[start:end] for column in sorted_columns])


def in_order(numbers: Ints) -> npt.NDArray[np.intp]:
    """Return intp[n], the order that sorts *numbers*, equal ones as they stand."""
    # numbers of 16 bits are sorted by radix: six times as fast where there are many
    if numbers.size > 1000 and numbers.min() >= 0 and numbers.max() < 1 << 16:
        numbers = numbers.astype(np.uint16)
    return numbers.argsort(kind="stable")


class Backlog:
    """Units that have been given a facility and a day, until the day has come."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Ints, Ints]] = []

    def put(self, units: Ints, facility: Ints, day: Ints) -> None:
        """Put in int[n] units, each with its facility and its day."""
        self._parts.append((units, facility, day))

    def until(self, day: int) -> tuple[Ints, Ints, Ints]:
        """Return units, facilities and days of all whose day is *day* or earlier, sorted by day."""
        if not self._parts:
            none = np.empty(0, dtype=np.int64)
            return none, none, none
        units, facility, days = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        later = days > day
        self._parts = [(units[later], facility[later], days[later])] if later.any() else []
        units, facility, days = units[~later], facility[~later], days[~later]
        order = in_order(days)
        return units[order].astype(np.int64), facility[order], days[order]


class Workload:
    """First come, first served at many facilities, each with a daily capacity: who is served on which day.

    Each facility works off at most its capacity a day; what does not fit waits, in order.  Since the order
    is fixed on arrival, so is the day of service: no queue has to be walked.

    Args:
        capacity: float64[f], work a day.
    """

    def __init__(self, capacity: npt.NDArray[np.float64]) -> None:
        self.capacity = capacity
        self._backlog = np.zeros(capacity.size)
        self._day = 0

    def accept(self, day: int, facility: Ints, work: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Return int32[n], after how many days the turn of each arrival of *day* comes (0: the same day).

        The turn of a piece of work comes on the day on which all work before it is done.  With pieces of 1 and
        a whole capacity c this is daily bulk service: the first c in the queue are served each day.

        Args:
            day: today; never earlier than at the last call.
            facility: int[n], where each arrives, in the order of arrival.
            work: float64[n], in the unit of the capacity.
        """
        if day > self._day:
            self._backlog -= (day - self._day) * self.capacity
            np.maximum(self._backlog, 0.0, out=self._backlog)
            self._day = day
        order = in_order(facility)
        where, ordered = facility[order], work[order]
        load = np.bincount(facility, weights=work, minlength=self._backlog.size)
        # what comes before each piece: all sorted before it, less the other facilities', and the backlog
        before = np.cumsum(ordered) - ordered
        before += (self._backlog - (np.cumsum(load) - load))[where]
        days = np.empty(work.size, dtype=np.int32)
        days[order] = before / self.capacity[where] + 1e-9
        self._backlog += load
        return days

    def waiting(self) -> npt.NDArray[np.float64]:
        """Return float64[f], the work not yet done at each facility."""
        return self._backlog.copy()
