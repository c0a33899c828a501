"""The order in which the rows of each unit can have happened: sorted by day, each where it can follow.

A code that is given again (CODE or REMAKE a second time) is another unit with the same code, for rule R03 to
find.  A history that begins in the middle is taken up where it must have stood.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from heapq import heapify, heappop, heappush
from operator import itemgetter
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from traceability.events import NULL
from traceability.imports.checks import day_text, is_one_of
from traceability.imports.mapping import ColumnMap
from traceability.imports.reading import NO_TEXT, Int64s, Rows
from traceability.imports.report import ImportReport
from traceability.lifecycle import IMPOSSIBLE, NEXT, TRANSITIONS, began, can_come_to, followers, standing
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, EventType, Level, State

BIRTHS = frozenset({EventType.CODE, EventType.REMAKE})
"""Events that give a code."""

_OF_A_PRODUCT = frozenset({EventType.REMAKE, EventType.PLACE, EventType.RETURN})

_AFTER = np.full((max(EventType) + 1, 256), IMPOSSIBLE, dtype=np.uint8)
for _event, _table in NEXT.items():
    _AFTER[_event] = _table

_TRIED = 7
"""Rows of one unit and day of which all orders are tried."""

_began = cache(began)
_can_come_to = cache(can_come_to)


@dataclass(eq=False)
class Histories:
    """What of the rows goes into the log, and in which order.

    Attributes:
        accepted: bool[n].
        twin: int64[n], which of the units with this code a row is of: 0 for the first.
        rank: int64[n]: rows of one unit (of one vehicle, for its events) stand in this order.
        taken_up: uint8[n], the State in which a unit is taken up before the row; UNREGISTERED where it is not.
        levels: int64, the level of each code by its number.
        twin_levels: (number of a code, twin) -> level, where it can be another.
        begun: units and vehicles that were taken up in the middle.
        bridged: rows before which events are missing.
    """

    accepted: npt.NDArray[np.bool_]
    twin: Int64s
    rank: Int64s
    taken_up: npt.NDArray[np.uint8]
    levels: Int64s
    twin_levels: dict[tuple[int, int], Level] = field(default_factory=dict)
    begun: int = 0
    bridged: int = 0


def find_histories(rows: Rows, levels: Int64s, mapping: ColumnMap, report: ImportReport) -> Histories:
    """Return the order of all good rows; rows that cannot follow are quarantined.

    Args:
        levels: int64, the level of each code by its number, as far as codes and columns tell; NULL elsewhere.
    """
    event, day = rows.column("event"), rows.column("event_day")
    remark = is_one_of(event, REMARKS)
    of_vehicle = is_one_of(event, VEHICLE_EVENTS)
    units = levels.size
    vehicle = rows.column("vehicle")
    unit = rows.column("unit")
    mover = np.where(of_vehicle, units + vehicle, unit)
    moving = np.flatnonzero(rows.good & ~remark)
    order = moving[np.lexsort((_tie(rows)[moving], day[moving], mover[moving]))]
    levels = _completed(levels, unit, event, order[~of_vehicle[order]])
    plan = Histories(
        accepted=rows.good & remark,
        twin=np.zeros(len(rows), dtype=np.int64),
        rank=np.zeros(len(rows), dtype=np.int64),
        taken_up=np.zeros(len(rows), dtype=np.uint8),
        levels=levels,
    )
    if order.size:
        _Sorter(rows, mapping, report, plan, order, mover[order], units).run()
    _rank_remarks(rows, plan, np.flatnonzero(rows.good & remark))
    rows.good &= plan.accepted
    return plan


def _tie(rows: Rows) -> Int64s:
    """Return int64[n], what orders rows of one day: file and line, from below where a file's days go back."""
    sign = np.where(np.array(rows.backwards, dtype=np.bool_), -1, 1)[rows.file] if len(rows) else 1
    tie: Int64s = rows.file * (1 << 40) + rows.line * sign
    return tie


def _completed(levels: Int64s, unit: Int64s, event: Int64s, order: Int64s) -> Int64s:
    """Return *levels* with those that the events of a unit tell; a product by its first event whatever its code."""
    levels = levels.copy()
    first_of, places = np.unique(unit[order], return_index=True)
    unknown = levels[unit[order]] == NULL
    for level, events in (
        (Level.MODULE, {EventType.FREE}),
        (Level.LOT, {EventType.RECOVER, EventType.DISPATCH, EventType.CONSUME}),
    ):
        levels[unit[order[unknown & is_one_of(event[order], frozenset(events))]]] = level
    levels[first_of[is_one_of(event[order[places]], _OF_A_PRODUCT)]] = Level.PRODUCT
    levels[levels == NULL] = Level.PACK
    return levels


def _rank_remarks(rows: Rows, plan: Histories, remarks: Int64s) -> None:
    """Give each remark the rank of the move of its unit (or else vehicle) that comes next."""
    if not remarks.size:
        return
    unit, vehicle = rows.column("unit"), rows.column("vehicle")
    of_vehicle = is_one_of(rows.column("event"), VEHICLE_EVENTS)
    subject = np.where((unit != NO_TEXT) & ~of_vehicle, unit, -2 - vehicle)
    chosen = np.flatnonzero(plan.accepted)
    order = chosen[np.lexsort((_tie(rows)[chosen], rows.column("event_day")[chosen], subject[chosen]))]
    moves = np.ones(len(rows), dtype=np.int64)
    moves[remarks] = 0
    done = np.cumsum(moves[order]) - moves[order]
    starts = np.concatenate([[True], subject[order][1:] != subject[order][:-1]])
    before = done - np.maximum.accumulate(np.where(starts, done, 0))
    is_remark = moves[order] == 0
    plan.rank[order[is_remark]] = before[is_remark]


class _Sorter:
    """Walks through the rows of all units at once, a row of each at a time; those that get stuck, one by one."""

    def __init__(
        self, rows: Rows, mapping: ColumnMap, report: ImportReport, plan: Histories, order: Int64s, mover: Int64s,
        units: int,
    ) -> None:  # fmt: skip
        self._rows, self._mapping, self._report, self._plan, self._order = rows, mapping, report, plan, order
        self._event, self._day = rows.column("event")[order], rows.column("event_day")[order]
        self._movers, self._starts, self._counts = np.unique(mover, return_index=True, return_counts=True)
        is_unit = self._movers < units
        self._units = units
        self._levels = np.where(
            is_unit, plan.levels[np.where(is_unit, self._movers, 0)] if units else 0, Level.VEHICLE
        )

    def run(self) -> None:
        """Fill in the plan."""
        alive, first = self._simple()
        now = np.where(first == NULL, 0, self._levels * 32 + first).astype(np.uint8)
        by_count = np.argsort(-self._counts, kind="stable")
        falling = -self._counts[by_count]
        for step in range(int(self._counts.max())):
            here = by_count[: int(np.searchsorted(falling, -step, side="left"))]
            here = here[alive[here]]
            after = _AFTER[self._event[self._starts[here] + step], now[here]]
            now[here] = after
            alive[here[after == IMPOSSIBLE]] = False
        row_alive = np.repeat(alive, self._counts)
        chosen = self._order[row_alive]
        self._plan.accepted[chosen] = True
        self._plan.rank[chosen] = (np.arange(self._order.size) - np.repeat(self._starts, self._counts))[
            row_alive
        ]
        begun = alive & (first > 0)
        self._plan.taken_up[self._order[self._starts[begun]]] = first[begun]
        self._plan.begun += int(begun.sum())
        for place in np.flatnonzero(~alive).tolist():
            self._walk(place)

    def _simple(self) -> tuple[npt.NDArray[np.bool_], Int64s]:
        """Return for each mover whether it may be walked with all others, and the State in which it begins."""
        birth = np.isin(self._event, [int(event) for event in BIRTHS])
        births = np.add.reduceat(birth, self._starts)
        remade = self._event == EventType.REMAKE
        remade[self._starts] = False
        simple = (births < 2) & ~np.logical_or.reduceat(remade, self._starts)
        one = self._event[self._starts]
        two = np.where(self._counts > 1, self._event[np.minimum(self._starts + 1, self._event.size - 1)], 0)
        combinations, which = np.unique((self._levels * 256 + one) * 256 + two, return_inverse=True)
        states = []
        for combination in combinations.tolist():
            level, first, second = combination >> 16, combination >> 8 & 255, combination & 255
            if _AFTER[first, standing(Level(level), State.UNREGISTERED)] != IMPOSSIBLE:
                states.append(int(State.UNREGISTERED))
            else:
                state = _began(Level(level), EventType(first), EventType(second) if second else None)
                states.append(NULL if state is None else int(state))
        begins = np.array(states, dtype=np.int64)[which]
        return simple & (begins != NULL), begins

    def _walk(self, place: int) -> None:
        start = int(self._starts[place])
        span = slice(start, start + int(self._counts[place]))
        rows = self._order[span].tolist()
        walk = _Walk(Level(int(self._levels[place])), self._mapping.gaps == "accept")
        events = [EventType(event) for event in self._event[span].tolist()]
        walk.go(list(zip(rows, events, self._day[span].tolist(), strict=True)))
        plan, code = self._plan, int(self._movers[place])
        for taken in walk.taken:
            plan.accepted[taken.row] = True
            plan.twin[taken.row], plan.rank[taken.row] = taken.twin, taken.rank
            plan.taken_up[taken.row] = taken.state
        if code < self._units:
            plan.twin_levels |= {(code, number): thing.level for number, thing in enumerate(walk.things)}
        plan.begun += walk.begun
        plan.bridged += walk.bridged
        self._report.twins += max(0, sum(thing.born for thing in walk.things) - 1)
        self._report.bridgeable += walk.bridgeable
        for row, reason, nearest in walk.refused:
            self._quarantine(row, reason, nearest)

    def _quarantine(self, row: int, reason: str, nearest: str) -> None:
        value = EventType(int(self._rows.column("event")[row])).name
        column = self._mapping.columns.get("event", "")
        file, line = int(self._rows.file[row]), int(self._rows.line[row])
        self._report.quarantine(file, line, column, value, reason, nearest)


@lru_cache(maxsize=100_000)
def _order(level: Level, state: State, events: tuple[EventType, ...]) -> tuple[int, ...] | None:
    """Return an order, as places, in which all of *events* can follow *state*; the first that there is, or None."""
    if not events:
        return ()
    for place, event in enumerate(events):
        after = TRANSITIONS[level].get((state, event))
        if after is not None:
            rest = _order(level, after, events[:place] + events[place + 1 :])
            if rest is not None:
                return (place, *(other + (other >= place) for other in rest))
    return None


@lru_cache(maxsize=100_000)
def _order_from_nowhere(level: Level, events: tuple[EventType, ...]) -> tuple[int, ...] | None:
    """Return an order in which *events* can begin a history: from its birth, or else in the middle."""
    states = [
        State.UNREGISTERED,
        *dict.fromkeys(state for state, event in TRANSITIONS[level] if event in events),
    ]
    return next((found for state in states if (found := _order(level, state, events)) is not None), None)


@dataclass
class _Thing:
    """One of the units that carry a code."""

    level: Level
    state: State
    born: bool
    since: int
    rank: int = 0


@dataclass(frozen=True, slots=True)
class _Taken:
    row: int
    twin: int
    rank: int
    state: int


_Step: TypeAlias = "tuple[int, EventType, int]"
"""Row, event, day."""


class _Walk:
    """Takes the rows of one code in the order of their days, within a day in the order in which they can follow.

    Things are kept by where they stand, rows of a day by their event: a million rows of one code, which is what
    a placeholder makes, are walked through as fast as those of a million codes.
    """

    def __init__(self, level: Level, bridge: bool) -> None:
        self._level, self._bridge = level, bridge
        self.things: list[_Thing] = []
        self._at: dict[tuple[Level, State], list[int]] = {}
        self._born = False
        self.taken: list[_Taken] = []
        self.refused: list[tuple[int, str, str]] = []
        self.begun = self.bridged = self.bridgeable = 0

    def go(self, steps: list[_Step]) -> None:
        """Walk through all steps, which are sorted by day."""
        start = 0
        while start < len(steps):
            end = start
            while end < len(steps) and steps[end][2] == steps[start][2]:
                end += 1
            following = steps[end][1] if end < len(steps) else None
            self._day(steps[start:end], following)
            start = end

    def _day(self, steps: list[_Step], following: EventType | None) -> None:
        """Take the steps of one day: in an order in which all can follow, or else each as soon as it can."""
        if 1 < len(steps) <= _TRIED and len(self.things) < 2:
            events = tuple(step[1] for step in steps)
            if self.things:
                orders = _order(self.things[0].level, self.things[0].state, events)
            else:
                orders = _order_from_nowhere(self._level, events)
            if orders is not None:
                steps = [steps[place] for place in orders]
        waiting: dict[EventType, deque[tuple[int, _Step]]] = {}
        for place, step in enumerate(steps):
            waiting.setdefault(step[1], deque()).append((place, step))
        while waiting:
            heads = sorted((queue[0] for queue in waiting.values()), key=itemgetter(0))
            placed = next((step for _, step in heads if self._follow(step)), None)
            if placed is None:
                placed = heads[0][1]
                others = [step[1] for _, step in heads[1:]]
                upcoming = others[0] if others else following
                if not self._begin(placed, upcoming) and not self._bridged(placed, upcoming):
                    self._refuse(placed)
            queue = waiting[placed[1]]
            queue.popleft()
            if not queue:
                del waiting[placed[1]]

    def _follow(self, step: _Step) -> bool:
        """Take *step* if it can follow where some thing stands, or if it brings a thing into being."""
        _, event, day = step
        remade = event is EventType.REMAKE and not any(level is Level.PRODUCT for level, _ in self._at)
        if event in BIRTHS and (not self.things or self._born or remade):
            level = Level.PRODUCT if event is EventType.REMAKE else self._level
            if (State.UNREGISTERED, event) in TRANSITIONS[level]:
                self._born = True
                self._move(self._new(level, State.UNREGISTERED, day, born=True), step)
                return True
        elif not self.things and (State.UNREGISTERED, event) in TRANSITIONS[self._level]:
            self._new(self._level, State.UNREGISTERED, day)
        number = self._oldest(lambda level, state: (state, event) in TRANSITIONS[level])
        if number is None:
            return False
        self._move(number, step)
        return True

    def _begin(self, step: _Step, upcoming: EventType | None) -> bool:
        """Take the first of all steps by letting the thing stand where it must have stood."""
        before = None if self.things else _began(self._level, step[1], upcoming)
        if before is None:
            return False
        self._move(self._new(self._level, before, step[2]), step, before)
        self.begun += 1
        return True

    def _bridged(self, step: _Step, upcoming: EventType | None) -> bool:
        """Take *step* although events before it are missing, if the mapping says so and they can be."""
        number = self._reachable(step[1]) if self._bridge else None
        if number is None:
            return False
        thing = self.things[number]
        before = _began(thing.level, step[1], upcoming)
        assert before is not None  # what can be come to has a state before it
        self._put(number, before)
        self._move(number, step, before)
        self.bridged += 1
        return True

    def _refuse(self, step: _Step) -> None:
        event, day = step[1], step[2]
        if not self.things:
            ways = sorted({e.name for _, e in TRANSITIONS[self._level]})
            reason = f"{event.name} does not happen to a {self._level.name.lower()}"
            self.refused.append((step[0], reason, ", ".join(ways)))
            return
        number = self._reachable(event)
        thing = self.things[-1 if number is None else number]
        noun = "vehicle" if thing.level is Level.VEHICLE else thing.level.name.lower()
        reason = f"{event.name} cannot follow {thing.state.name}, where the {noun} stands since {day_text(thing.since)}"
        if number is not None:
            self.bridgeable += 1
            reason += '; events before it may be missing (gaps = "accept" takes such rows)'
        elif day == thing.since:
            reason += ", the same day"
        nearest = ", ".join(e.name for e in followers(thing.level, thing.state))
        self.refused.append((step[0], reason, nearest))

    def _reachable(self, event: EventType) -> int | None:
        return self._oldest(lambda level, state: _can_come_to(level, state, event))

    def _oldest(self, fits: Callable[[Level, State], bool]) -> int | None:
        return min((queue[0] for at, queue in self._at.items() if fits(*at)), default=None)

    def _new(self, level: Level, state: State, day: int, *, born: bool = False) -> int:
        self.things.append(_Thing(level, state, born=born, since=day))
        heappush(self._at.setdefault((level, state), []), len(self.things) - 1)
        return len(self.things) - 1

    def _put(self, number: int, state: State) -> None:
        thing = self.things[number]
        queue = self._at[thing.level, thing.state]
        if queue[0] == number:
            heappop(queue)
        else:
            queue.remove(number)
            heapify(queue)
        if not queue:
            del self._at[thing.level, thing.state]
        thing.state = state
        heappush(self._at.setdefault((thing.level, state), []), number)

    def _move(self, number: int, step: _Step, up: State = State.UNREGISTERED) -> None:
        thing = self.things[number]
        self._put(number, TRANSITIONS[thing.level][thing.state, step[1]])
        thing.since = step[2]
        self.taken.append(_Taken(step[0], number, thing.rank, up))
        thing.rank += 1
