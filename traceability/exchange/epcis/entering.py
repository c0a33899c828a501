"""Reports by addresses -> units, vehicles, companies, links and events of a registry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from traceability.errors import ImpossibleTransition
from traceability.events import NEVER, NULL, EventBatch
from traceability.exchange.days import day_of_date
from traceability.exchange.epcis.naming import Names, whole
from traceability.exchange.epcis.understanding import Event, NotOurs, Report, Tie
from traceability.exchange.epcis.words import named
from traceability.lifecycle import IMPOSSIBLE, NEXT, TRANSITIONS, began, can_come_to, standing
from traceability.registry import Registry
from traceability.store import Store
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Detail, Element, Level, LinkKind, State
from traceability.vocabulary import EventType as E

ROWS_AT_ONCE = 5_000
DEEPEST_KIN = 10_000
"""Units that are looked at for a cycle, above one that gets a new part."""

_LEADS_ANYWHERE = frozenset(
    (level, event)
    for level, table in TRANSITIONS.items()
    for event in {event for _, event in table}
    if len({after for (_, what), after in table.items() if what is event}) > 1
)
"""Levels and events after which a unit stands here or there, by where it stood before."""


class Entry:
    """Takes reports into the log of a store.

    Args:
        store: a new one.
        note: called with what was assumed.
    """

    def __init__(self, store: Store, note: Callable[[str], None]) -> None:
        self._registry, self._note = Registry(store), note
        self.names = Names(self._registry, note)
        self._seen: dict[bytes, int] = {}
        self._replaces: dict[bytes, int] = {}
        self._parents: dict[int, list[int]] = {}
        self._unsure: set[int] = set()
        self._queue: list[tuple[Report, int, int, tuple[int, int, int], int, bytes]] = []
        self._queued: set[int] = set()
        self._current, self._corrects, self._duplicate = b"", NULL, False
        self.records = self.links = self.balances = 0
        self.first_day: int | None = None
        self.last_day: int | None = None

    def begin(self, event: Event) -> None:
        """Look at whether *event* came before, replaces one, or is declared in error.

        Raises:
            NotOurs: it came before, or is withdrawn and nothing takes its place.
        """
        name = event.get("eventID")
        self._current = b"" if name is None else hashlib.blake2b(name.encode(), digest_size=16).digest()
        self._corrects = self._replaces.pop(self._current, NULL) if name else NULL
        self._duplicate = False
        declared = event.get("errorDeclaration")
        if declared is None:
            if name and self._current in self._seen:
                raise NotOurs("an event of this eventID came before")
            return
        instead = declared.get("correctiveEventIDs", [])
        if len(instead) != 1:
            raise NotOurs(
                f"is declared in error and replaced by {len(instead)} events; the log can replace one by one"
            )
        self._flush()
        if self._current in self._seen:
            self._duplicate = True
            self._replaces[_digest(instead[0])] = self._seen[self._current]

    def enter(self, told: Report | Tie, event: Event) -> None:
        """Take in one report of *event*, which `begin` has looked at.

        Raises:
            NotOurs: it cannot be taken in.
        """
        if self._duplicate:
            return
        if isinstance(told, Tie):
            self._tie(told)
            return
        first_of_event = self._current not in self._seen
        unit = NULL if told.unit is None else self.names.unit_of(told)
        vehicle = NULL if told.vehicle is None else self.names.vehicle_of(told)
        who = tuple(
            NULL if address is None else self.names.actor_at(address, told.event if place == 0 else None)
            for place, address in enumerate((told.actor, told.receiver, told.carrier))
        )
        self._check(told, unit, vehicle)
        if told.loose and told.event is E.TEST and NEXT[E.TEST][self._standing(unit)] == IMPOSSIBLE:
            self._note(
                "inspections of what is not at a recycler: taken for safety checks, which move nothing"
            )
            told.event = E.CHECK_SAFETY
        subject = vehicle if told.event in VEHICLE_EVENTS else unit
        if self._queue and (
            self._queue[-1][0].event is not told.event
            or (self._queue[-1][4] == NULL) != (self._corrects == NULL)
            or subject in self._queued
            or len(self._queue) == ROWS_AT_ONCE
        ):
            self._flush()
        if self._corrects == NULL:
            self._move(told, unit, vehicle)
        name = self._current if first_of_event else b""
        self._queue.append((told, unit, vehicle, (who[0], who[1], who[2]), self._corrects, name))
        self._queued.add(subject)
        if name:
            self._seen[name] = -1  # its number is known once it is recorded
        if "errorDeclaration" in event:
            self._flush()
            self._replaces[_digest(event["errorDeclaration"]["correctiveEventIDs"][0])] = self._seen[
                self._current
            ]
        # the event stands, whatever is wrong with what it says besides
        for address, day in told.sources:
            tie = Tie(LinkKind.MADE_FROM, told.unit or "", [address], told.event_day, None, day)
            self._or_note(partial(self._tie, tie))
        self._or_note(partial(self._weigh, told, unit))

    def _or_note(self, take_in: Callable[[], None]) -> None:
        try:
            take_in()
        except NotOurs as error:
            self._note(f"part of an event left out: {error}")

    def finish(self) -> None:
        """Pass on what is still queued."""
        self._flush()
        self.names.finish()

    def _check(self, told: Report, unit: int, vehicle: int) -> None:
        """Refuse what `EventBatch` or the store would refuse, alone, so that the others of its batch go through."""
        if told.event in VEHICLE_EVENTS and vehicle == NULL:
            raise NotOurs(f"{told.event.name} happens to a vehicle, and names none")
        if told.event not in VEHICLE_EVENTS | REMARKS and unit == NULL:
            raise NotOurs(f"{told.event.name} happens to a unit, and names none")
        if told.told_day is not None and told.told_day < told.event_day:
            raise NotOurs("was told before it happened")

    def _move(self, told: Report, unit: int, vehicle: int) -> None:
        """Let the subject stand where *told* can happen, if what came between was not told."""
        if told.event in REMARKS:
            return
        of_vehicle = told.event in VEHICLE_EVENTS
        number = vehicle if of_vehicle else unit
        level = Level.VEHICLE if of_vehicle else self.names.levels[unit]
        now = (
            standing(level, State(self.names.vehicle_states[vehicle])) if of_vehicle else self._standing(unit)
        )
        state, after = State(now & 31), NEXT[told.event][now]
        if after == IMPOSSIBLE:
            before = began(level, told.event)
            if before is None:
                raise NotOurs(f"{told.event.name} cannot happen to a {level.name.lower()}")
            if not (
                state is State.UNREGISTERED or number in self._unsure or can_come_to(level, state, told.event)
            ):
                raise NotOurs(f"{told.event.name} cannot follow {state.name}")
            self._note("stands as if what came before had been told: the document does not tell it")
            self._registry.take_up(_array(number), np.array([before], dtype=np.uint8), vehicles=of_vehicle)
            after = NEXT[told.event][standing(level, before)]
            self._unsure |= set() if of_vehicle else {number}
        if of_vehicle:
            self.names.vehicle_states[vehicle] = int(after) & 31
        elif number in self._unsure and (level, told.event) not in _LEADS_ANYWHERE:
            self._unsure.discard(number)  # wherever it was assumed to stand, it stands here now

    def _standing(self, unit: int) -> int:
        return standing(self.names.levels[unit], State(int(self._registry.states(_array(unit))[0])))

    def _flush(self) -> None:
        if not self._queue:
            return
        queue, self._queue = self._queue, []
        self._queued.clear()
        told = [row[0] for row in queue]
        corrects = _array(*(row[4] for row in queue))
        batch = EventBatch.of(
            told[0].event,
            _array(*(row[1] for row in queue)),
            vehicles=_array(*(row[2] for row in queue)),
            actor=_array(*(row[3][0] for row in queue)),
            receiver=_array(*(row[3][1] for row in queue)),
            carrier=_array(*(row[3][2] for row in queue)),
            event_day=_array(*(report.event_day for report in told)),
            record_day=_array(*(NEVER if report.told_day is None else report.told_day for report in told)),
            # an event happened once, however often its record was put right
            happened=queue[0][4] == NULL,
            corrects=corrects,
        )
        try:
            first = self._registry.record(batch)
        except ImpossibleTransition as error:  # pragma: no cover - `_move` has seen to it
            raise NotOurs(str(error)) from error
        self.records += len(queue)
        self._detail(first, told)
        for place, row in enumerate(queue):
            if row[5]:
                self._seen[row[5]] = first + place
            days = (row[0].event_day, row[0].event_day if row[0].told_day is None else row[0].told_day)
            self.first_day = min(days) if self.first_day is None else min(self.first_day, *days)
            self.last_day = max(days) if self.last_day is None else max(self.last_day, *days)

    def _detail(self, first: int, told: list[Report]) -> None:
        by_kind: dict[Detail, tuple[list[int], list[int]]] = {}
        for place, report in enumerate(told):
            for what, value in report.details:
                ids, values = by_kind.setdefault(what, ([], []))
                ids.append(first + place)
                values.append(value)
        for what, (ids, values) in by_kind.items():
            self._registry.detail(_array(*ids), what, _array(*values))

    def _tie(self, tie: Tie) -> None:
        if tie.told_day is not None and tie.told_day < tie.from_day:
            raise NotOurs("was told before it happened")
        parent = self.names.unit_at(tie.parent, tie.from_day, Level.PACK)
        children = [self.names.unit_at(child, tie.from_day, Level.MODULE) for child in tie.children]
        for child in children:
            self._refuse_cycle(parent, child)
        for child in children:
            self._parents.setdefault(child, []).append(parent)
        self._registry.link(
            tie.kind, parent=parent, child=_array(*children), from_day=tie.from_day,
            to_day=NULL if tie.to_day is None else tie.to_day,
            record_day=NEVER if tie.told_day is None else tie.told_day,
        )  # fmt: skip
        self.links += len(children)

    def _refuse_cycle(self, parent: int, child: int) -> None:
        """Refuse that *parent* gets a part in which it is itself."""
        ahead, seen = [parent], {parent}
        while ahead:
            here = ahead.pop()
            if here == child:
                raise NotOurs("a unit would be a part of itself")
            if len(seen) > DEEPEST_KIN:
                raise NotOurs(f"a unit would be in more than {DEEPEST_KIN:,} others")
            for above in self._parents.get(here, ()):
                if above not in seen:
                    seen.add(above)
                    ahead.append(above)

    def _weigh(self, told: Report, lot: int) -> None:
        if not isinstance(told.balances, list):
            raise NotOurs("brt:balances is no list")
        for row in told.balances:
            element = named(Element, row.get("element")) if isinstance(row, dict) else None
            if element is None:
                raise NotOurs("brt:balances holds what is no balance")
            day, told_day = day_of_date(row.get("day")), day_of_date(row.get("told"))
            if day is None or not isinstance(row.get("actor"), str):
                raise NotOurs("brt:balances holds one without day or actor")
            self._registry.balance(
                1, lot=lot, element=element, actor=self.names.actor_at(row["actor"], None), day=day,
                year=whole(row, "year", (1 << 31) - 1), input_g=whole(row, "inputG"), recovered_g=whole(row, "recoveredG"),
                residue_g=whole(row, "residueG"), record_day=NEVER if told_day is None else told_day, happened=True,
            )  # fmt: skip
            self.balances += 1


def _array(*numbers: int) -> npt.NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=16).digest()
