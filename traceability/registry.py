"""The registry: units, vehicles, actors, and the one door through which events come in.

A registry keeps one byte a unit (what it is and where it stands) and passes every row on to its store.
What cannot happen is refused whole; what may not happen is recorded like anything else, for the rules to find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Table, func, select

from traceability import codes
from traceability.errors import BatchError, TraceabilityError
from traceability.events import NEVER, NULL, Column, EventBatch
from traceability.lifecycle import IMPOSSIBLE, NEXT, advance, began, level_of, standing, state_of
from traceability.store import schema
from traceability.store.base import Column as StoreColumn
from traceability.store.base import Store
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Detail, EventType, Level, LinkKind, State, Use

Int64s = npt.NDArray[np.int64]


class Registry:
    """Takes in what happened, remembers where every unit stands, passes it on to the log.

    Args:
        store: an open store that can be written.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._units = _Standings()
        self._vehicles = _Standings()
        self._next_event = 0

    @classmethod
    def resume(cls, store: Store) -> Registry:
        """Return a registry that goes on where the log of *store* stopped, its standings replayed from it."""
        registry = cls(store)
        kinds = store.select(select(schema.unit.c.unit, schema.unit.c.level).order_by(schema.unit.c.unit))
        for level in kinds["level"].tolist():
            registry._units.add(1, Level(level))
        registry._vehicles.add(store.count(schema.vehicle), Level.VEHICLE)
        e = schema.event
        rows = store.select(
            select(e.c.event_id, e.c.event, e.c.unit, e.c.vehicle).where(e.c.happened).order_by(e.c.event_id)
        )
        gaps = store.meta().get("truth") == "no"
        following = _following(rows) if gaps else []
        for place, (event, unit, vehicle) in enumerate(
            zip(rows["event"], rows["unit"], rows["vehicle"], strict=True)
        ):
            batch = EventBatch.of(
                EventType(int(event)), int(unit), vehicles=int(vehicle), actor=0, event_day=0
            )
            if gaps:
                registry._bridge(batch, following[place])
            registry._move(batch)
        last = store.rows(select(func.max(e.c.event_id)))[0][0]
        registry._next_event = 0 if last is None else int(str(last)) + 1
        return registry

    def enrol_actors(self, columns: Mapping[str, Column | Sequence[str | None]], rows: int) -> None:
        """Write *rows* actors: columns as in schema.actor."""
        self.store.append(schema.actor, rows, columns)

    def grant_permits(
        self, *, actor: Int64s, kind: Column, valid_from: Column, valid_to: Column = NULL
    ) -> None:
        """Write one permit a row: who holds it, which, from and until when (days; NULL: open)."""
        self._append(
            schema.permit, len(actor), actor=actor, kind=kind, valid_from=valid_from, valid_to=valid_to
        )

    def commission(
        self,
        level: Level,
        *,
        coder: Column,
        chemistry: Column,
        made_day: Column,
        energy_wh: Column,
        mass_g: Column,
        printed: npt.NDArray[np.bytes_] | Sequence[str | None] | None,
        rows: int,
        purpose: Column = Use.NONE,
        code_fault: Column | None = None,
    ) -> Int64s:
        """Return int64[rows], the dense numbers of new units; they still stand UNREGISTERED.

        Args:
            printed: the codes as printed, 'S'[rows] or strings; None for units that carry none.
            code_fault: what is wrong with each code (codes.Fault), where the caller has made the codes
                with `codes.format_codes` and so knows; they are looked at otherwise.
        """
        if code_fault is None:
            code_fault = 0 if printed is None else _faults(printed, level)
        numbers = self._units.add(rows, level)
        self._append(
            schema.unit,
            rows,
            unit=numbers,
            code=printed,
            code_fault=code_fault,
            level=int(level),
            chemistry=chemistry,
            coder=coder,
            made_day=made_day,
            energy_wh=energy_wh,
            mass_g=mass_g,
            purpose=purpose,
        )
        return numbers

    def enrol_vehicles(
        self,
        *,
        vin: npt.NDArray[np.bytes_] | Sequence[str],
        kind: Column,
        maker: Column,
        province: Column,
        swap: npt.NDArray[np.bool_] | bool,
        rows: int,
        prefecture: Column = NULL,
    ) -> Int64s:
        """Return int64[rows], the dense numbers of new vehicles; they still stand UNREGISTERED."""
        numbers = self._vehicles.add(rows, Level.VEHICLE)
        self._append(
            schema.vehicle,
            rows,
            vehicle=numbers,
            vin=vin,
            kind=kind,
            maker=maker,
            province=province,
            prefecture=prefecture,
            swap=swap,
        )
        return numbers

    def link(
        self,
        kind: LinkKind,
        *,
        parent: Column,
        child: npt.NDArray[np.integer],
        from_day: Column,
        to_day: Column = NULL,
        record_day: Column = NEVER,
    ) -> None:
        """Write that each child belongs to its parent: contained in it, or a source it was made from."""
        self._append(
            schema.link,
            len(child),
            kind=int(kind),
            parent=parent,
            child=child,
            from_day=from_day,
            to_day=to_day,
            record_day=record_day,
        )

    def balance(self, rows: int, **columns: Column | bool) -> None:
        """Write *rows* of material balances: columns as in schema.material, masses in grams."""
        self._append(schema.material, rows, **columns)

    def detail(self, event_ids: Int64s, what: Detail, value: Column) -> None:
        """Attach one number to each of *event_ids*.

        Raises:
            BatchError: there is no such event.
        """
        if event_ids.size and not 0 <= int(event_ids.min()) <= int(event_ids.max()) < self._next_event:
            raise BatchError(f"{what.name}: is attached to an event that is not in the log")
        self._append(schema.detail, event_ids.size, event_id=event_ids, what=int(what), value=value)

    def record(self, batch: EventBatch) -> int:
        """Take in what happened: check that it can have, remember it, pass it on to the log.

        Returns:
            The event_id of the first row; the others follow it in the order of the batch.

        Raises:
            ImpossibleTransition: it cannot follow where some unit stands; nothing is recorded, none has moved.
            BatchError: a unit twice in the batch, or one that was never commissioned; likewise.
        """
        first, rows = self._next_event, len(batch)
        moved = self._move(batch)
        try:
            self._append(
                schema.event,
                rows,
                event_id=np.arange(first, first + rows, dtype=np.int64),
                event=int(batch.event),
                unit=batch.units,
                vehicle=batch.vehicles,
                actor=batch.actor,
                receiver=batch.receiver,
                carrier=batch.carrier,
                event_day=batch.event_day,
                record_day=batch.record_day,
                happened=batch.happened,
                corrects=batch.corrects,
            )
        except TraceabilityError:
            moved.undo()
            raise
        self._next_event += rows
        return first

    def record_one(
        self, event: EventType, unit: int, *, actor: int, event_day: int, **columns: int | bool
    ) -> int:
        """Take in one event of one unit: a lot of one, through the same door.

        Args:
            columns: the other columns of `EventBatch.of`.
        """
        batch = EventBatch.of(event, unit, actor=actor, event_day=event_day, **columns)  # type: ignore[arg-type]
        return self.record(batch)

    def correct(self, batch: EventBatch, event_ids: Int64s) -> int:
        """Record *batch* in the place of earlier records.  Both stay in the log; the register shows the new ones.

        Args:
            batch: as it should have been recorded.  Where the earlier record told of what did happen (a slip in it is
                put right), `happened` is false here: it happened once.  Where it told of what did not, true.
            event_ids: int64[n], the records that the rows of *batch* replace.

        Raises:
            ImpossibleTransition, BatchError: as `record`; also if there is no such record.
        """
        correction = EventBatch.of(
            batch.event,
            batch.units,
            vehicles=batch.vehicles,
            actor=batch.actor,
            receiver=batch.receiver,
            carrier=batch.carrier,
            event_day=batch.event_day,
            record_day=batch.record_day,
            happened=batch.happened,
            corrects=event_ids,
        )
        if event_ids.size and not 0 <= int(event_ids.min()) <= int(event_ids.max()) < self._next_event:
            raise BatchError(
                f"{batch.event.name}: corrects a record that is not in the log ({self._next_event} are)"
            )
        return self.record(correction)

    def take_up(self, numbers: Int64s, states: npt.NDArray[np.uint8], *, vehicles: bool = False) -> None:
        """Let units stand where a log that was not kept from the beginning implies; nothing is recorded.

        Args:
            numbers: int64[n], of units, or of vehicles (*vehicles*), each commissioned.
            states: uint8[n], the State that each stands in from now on.
        """
        standings = self._vehicles if vehicles else self._units
        before = standings.at(numbers)
        standings.put(numbers, before - state_of(before) + states.astype(np.uint8))

    def states(self, units: Int64s) -> npt.NDArray[np.uint8]:
        """Return uint8[n], the State of each unit."""
        return state_of(self._units.at(units))

    def census(self) -> dict[Level, dict[State, int]]:
        """Return how many units of each level stand in each state."""
        found: dict[Level, dict[State, int]] = {}
        for now in (self._units.all(), self._vehicles.all()):
            kinds, counts = np.unique(now, return_counts=True)
            for kind, count in zip(kinds, counts, strict=True):
                level, state = Level(int(level_of(kind))), State(int(state_of(kind)))
                found.setdefault(level, {})[state] = int(count)
        return found

    @property
    def events(self) -> int:
        """How many events have been recorded."""
        return self._next_event

    def finish(self) -> None:
        """Mark the store complete."""
        self.store.finish()

    def _bridge(self, batch: EventBatch, following: EventType | None) -> None:
        """Let the one subject of *batch* stand where its event can happen, if it stands elsewhere."""
        if batch.event in REMARKS:
            return
        of_vehicles = batch.event in VEHICLE_EVENTS
        numbers = np.atleast_1d(np.asarray(batch.vehicles)) if of_vehicles else batch.units
        now = (self._vehicles if of_vehicles else self._units).at(numbers)
        if NEXT[batch.event][now][0] != IMPOSSIBLE:
            return
        before = began(Level(int(level_of(now)[0])), batch.event, following)
        if before is not None:
            self.take_up(numbers.astype(np.int64), np.array([before], dtype=np.uint8), vehicles=of_vehicles)

    def _move(self, batch: EventBatch) -> _Move:
        if batch.event in REMARKS:
            self._units.refuse_strangers(_named(batch.units), batch.event)
            self._vehicles.refuse_strangers(_named(np.atleast_1d(np.asarray(batch.vehicles))), batch.event)
            return _Move(self._units, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint8))
        of_vehicles = batch.event in VEHICLE_EVENTS
        standings = self._vehicles if of_vehicles else self._units
        units = batch.units
        numbers = np.broadcast_to(np.asarray(batch.vehicles), units.shape) if of_vehicles else units
        standings.refuse_strangers_and_repeats(numbers, batch.event)
        before = standings.at(numbers)
        if batch.happened:
            standings.put(numbers, advance(before, batch.event, numbers))
        return _Move(standings, numbers, before)

    def _append(self, table: Table, rows: int, **columns: StoreColumn) -> None:
        if rows:
            self.store.append(table, rows, columns)


class _Move(NamedTuple):
    """What a batch has moved, until the store has taken it in."""

    standings: _Standings
    numbers: npt.NDArray[np.integer]
    before: npt.NDArray[np.uint8]

    def undo(self) -> None:
        self.standings.put(self.numbers, self.before)


class _Standings:
    """One byte for each of a growing number of things, and a scratch column that finds repeats."""

    def __init__(self) -> None:
        self._now = np.zeros(1024, dtype=np.uint8)
        self._seen = np.zeros(1024, dtype=np.int32)
        self._size = 0

    def add(self, rows: int, level: Level) -> Int64s:
        first, self._size = self._size, self._size + rows
        if self._size > self._now.size:
            room = max(self._size, int(self._now.size * 1.6))
            self._now = np.concatenate([self._now, np.zeros(room - self._now.size, dtype=np.uint8)])
            self._seen = np.zeros(room, dtype=np.int32)
        self._now[first : self._size] = standing(level, State.UNREGISTERED)
        return np.arange(first, self._size, dtype=np.int64)

    def all(self) -> npt.NDArray[np.uint8]:
        return self._now[: self._size]

    def at(self, numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        standings: npt.NDArray[np.uint8] = self._now[numbers]
        return standings

    def put(self, numbers: npt.NDArray[np.integer], after: npt.NDArray[np.uint8]) -> None:
        self._now[numbers] = after

    def refuse_strangers(self, numbers: npt.NDArray[np.integer], event: EventType) -> None:
        if not numbers.size:
            return
        lowest, highest = int(numbers.min()), int(numbers.max())
        if lowest < 0 or highest >= self._size:
            stranger = lowest if lowest < 0 else highest
            raise BatchError(
                f"{event.name}: number {stranger} was never commissioned (0 to {self._size - 1} were)"
            )

    def refuse_strangers_and_repeats(self, numbers: npt.NDArray[np.integer], event: EventType) -> None:
        self.refuse_strangers(numbers, event)
        if numbers.size <= 1 or bool((numbers[1:] > numbers[:-1]).all()):
            return
        places = np.arange(numbers.size, dtype=np.int32)
        self._seen[numbers] = places
        if not np.array_equal(self._seen[numbers], places):
            twice = numbers[self._seen[numbers] != places]
            raise BatchError(
                f"{event.name}: number {int(twice[0])} stands twice in a batch of {numbers.size}"
            )


def _following(rows: Mapping[str, npt.NDArray[np.integer]]) -> list[EventType | None]:
    """Return for each row the next event that moves the same unit or vehicle, None for the last."""
    following: list[EventType | None] = [None] * len(rows["event"])
    ahead: dict[tuple[bool, int], EventType] = {}
    for place in reversed(range(len(following))):
        event = EventType(int(rows["event"][place]))
        of_vehicles = event in VEHICLE_EVENTS
        subject = of_vehicles, int(rows["vehicle" if of_vehicles else "unit"][place])
        following[place] = ahead.get(subject)
        if event not in REMARKS:
            ahead[subject] = event
    return following


def _named(numbers: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    named: npt.NDArray[np.integer] = numbers[numbers != NULL]
    return named


def _faults(printed: npt.NDArray[np.bytes_] | Sequence[str | None], level: Level) -> npt.NDArray[np.integer]:
    if isinstance(printed, np.ndarray):
        return np.where(printed == b"", 0, codes.faults(printed, level))
    return np.array([0 if code is None else codes.fault(code, level) for code in printed])
