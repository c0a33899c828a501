"""Ledger: what happens is passed to the registry, with the day on which its reporter tells the platform.

Reporting is a habit of firms (one that never reports never does) and luck of events (one that is left out is
left out in every scenario).  A firm that reports automatically has no habits: the platform is told on the day after,
of what the firm has written down, be it true or false.  A process says what happened; whether and when it is told is
decided here alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, Floats, Keys, geometric_days
from sim.dated import Dated
from sim.habits import Falsehood, Reporting
from traceability.events import NEVER, NULL, Column, EventBatch, Ints
from traceability.registry import Registry
from traceability.vocabulary import Detail, EventType

Mask = npt.NDArray[np.bool_]


class Ledger:
    """Writes a simulated world into a registry.

    Args:
        registry: the one door.
        chance: the luck of this replication.
        habits: reporter -> how it reports.
        falsehood: how a hidden sale is reported.
        cast: the actors; each firm's habits are its own luck.
        last_day: what happens later is not written.
        paces: (reporter, event) -> by what a deadline that is not the enacted one multiplies the mean delay.
    """

    def __init__(
        self,
        registry: Registry,
        chance: Chance,
        habits: Mapping[str, Reporting],
        falsehood: Falsehood,
        cast: Cast,
        last_day: int,
        paces: Mapping[tuple[str, EventType], Dated] | None = None,
    ) -> None:
        self.registry = registry
        self.last_day = last_day
        self._chance, self._habits, self._falsehood = chance, habits, falsehood
        self._paces = dict(paces or {})
        self._omitted: dict[str, tuple[Keys, Floats]] = {}
        self._notes: dict[tuple[EventType, str], list[tuple[Ints, Ints, Ints]]] = {}
        firms = np.arange(cast.role.size, dtype=np.uint64)
        self._silence = chance.draw("reporting.never", firms)
        self._bulk = chance.draw("reporting.bulk", firms)
        self._automation = chance.draw("reporting.automatic", firms)

    def write(
        self,
        event: EventType,
        units: Ints,
        keys: Keys,
        *,
        actor: Column,
        day: Ints,
        reporter: str | None,
        vehicles: Column = NULL,
        receiver: Column = NULL,
        carrier: Column = NULL,
        passed: Mask | None = None,
    ) -> Mask | None:
        """Write what happened to *units*, each on its day, as far as the horizon goes.

        Args:
            units: int[n]; NULL for a vehicle without its battery.
            keys: uint64[n], of the units (or vehicles), for the luck of the report.
            day: int[n].
            reporter: whose habits decide when the platform is told; None: nobody tells it.
            passed: bool[n], of a test or a check: its result, which goes with the record; None: it has none.

        Returns:
            None where all were written, else bool[n]: which were; the others lie beyond the horizon.
        """
        written = None
        if day.size and int(day.max()) > self.last_day:
            written = day <= self.last_day
            units, keys, day = units[written], keys[written], day[written]
            actor, vehicles, receiver, carrier = (
                _of(c, written) for c in (actor, vehicles, receiver, carrier)
            )
            passed = None if passed is None else passed[written]
        if units.size:
            told = self._told(event, keys, actor, day, reporter)
            first = self.registry.record(
                EventBatch.of(
                    event,
                    units,
                    actor=actor,
                    event_day=day,
                    record_day=told,
                    vehicles=vehicles,
                    receiver=receiver,
                    carrier=carrier,
                )
            )
            if passed is not None:
                self.registry.detail(
                    np.arange(first, first + units.size), Detail.PASSED, passed.astype(np.int64)
                )
        return written

    def note(self, event: EventType, units: Ints, *, actor: Ints, day: int, reporter: str) -> None:
        """Note what happened to *units* on *day*; it is written with the rest of the quarter.

        A process that works day by day notes: one batch a quarter costs what one a day would.
        """
        self._notes.setdefault((event, reporter), []).append(
            (units, actor, np.full(units.size, day, dtype=np.int32))
        )

    def write_notes(self, keys_of: Keys) -> None:
        """Write all that was noted, one batch an event.

        Args:
            keys_of: uint64, the luck key of every unit by its number.
        """
        for (event, reporter), notes in self._notes.items():
            units, actor, day = (np.concatenate(column) for column in zip(*notes, strict=True))
            self.write(event, units, keys_of[units], actor=actor, day=day, reporter=reporter)
        self._notes.clear()

    def write_hidden_sale(
        self,
        units: Ints,
        keys: Keys,
        *,
        actor: Ints,
        buyer: Ints,
        claimed: Ints,
        day: Ints,
        reporter: str | None,
        vehicles: Column = NULL,
    ) -> Mask | None:
        """Write that *units* were sold off; some of the sellers report a lawful shipment to *claimed* instead.

        A false report is a row that did not happen beside the true one, which nobody was told of.  Where it
        is corrected later, the true row carries the day of the correction and names the record it replaces.

        Returns:
            As `write`.
        """
        written = None
        if day.size and int(day.max()) > self.last_day:
            written = day <= self.last_day
            units, keys, day = units[written], keys[written], day[written]
            actor, buyer, claimed = actor[written], buyer[written], claimed[written]
            vehicles = _of(vehicles, written)
        if not units.size:
            return written
        told = np.broadcast_to(
            np.asarray(self._told(EventType.SHIP, keys, actor, day, reporter)), units.shape
        )
        habit = self._falsehood
        lying = (self._chance.draw("falsehood.sale", keys) < habit.hidden_sale_share.at(day)) & (
            told != NEVER
        )
        corrects = np.full(units.size, NULL, dtype=np.int64)
        true_told = np.full(units.size, NEVER, dtype=np.int64)
        if lying.any():
            first = self.registry.record(
                EventBatch.of(
                    EventType.SHIP,
                    units[lying],
                    actor=actor[lying],
                    receiver=claimed[lying],
                    event_day=day[lying],
                    record_day=told[lying],
                    vehicles=NULL,
                    happened=False,
                )
            )
            owns_up = lying & (self._chance.draw("falsehood.corrected", keys) < habit.corrected_share.at(day))
            ids = np.full(units.size, NULL, dtype=np.int64)
            ids[lying] = np.arange(first, first + int(lying.sum()))
            corrects[owns_up] = ids[owns_up]
            wait = geometric_days(self._chance.draw("falsehood.days", keys), habit.correction_days.at(day))
            true_told[owns_up] = (told + 1 + wait)[owns_up]
        self.registry.record(
            EventBatch.of(
                EventType.DIVERT,
                units,
                actor=actor,
                receiver=buyer,
                event_day=day,
                record_day=true_told,
                vehicles=vehicles,
                corrects=corrects,
            )
        )
        return written

    def told(self, what: str, keys: Keys, actor: Column, day: Ints, reporter: str) -> Column:
        """Return int[n] (or NEVER for all): when the platform is told of something that is not an event."""
        return self._told(what, keys, actor, day, reporter)

    def _told(
        self, event: EventType | str, keys: Keys, actor: Column, day: Ints, reporter: str | None
    ) -> Column:
        if reporter is None:
            return NEVER
        habit = self._habits[reporter]
        first, last = int(day.min()), int(day.max())
        omitted = habit.omitted_share.between(day, first, last)
        if isinstance(omitted, float) and omitted >= 1.0:
            return NEVER
        luck = self._chance.draw(f"report.{event}", keys)
        mean = habit.delay_days.between(day, first, last)
        if isinstance(event, EventType) and (pace := self._paces.get((reporter, event))) is not None:
            mean = mean * pace.between(day, first, last)
        told = geometric_days(luck, mean)
        told += day
        bulk = _below(self._bulk, actor, habit.bulk_share.between(day, first, last))
        if isinstance(bulk, np.ndarray):
            rows = np.flatnonzero(bulk)
            told[rows] = quarters.last_days(told[rows])
        elif bulk:
            told = quarters.last_days(told)
        # who leaves a battery out leaves out all that he has to say of it
        silent = self._omission(reporter, keys) < omitted
        silent |= _below(self._silence, actor, habit.never_share.between(day, first, last))
        told[silent] = NEVER
        share = habit.automatic_share.between(day, first, last)
        if isinstance(share, np.ndarray) or share > 0.0:
            # a machine reports overnight and leaves nothing out; where all is left out there is no platform yet
            automatic = (self._automation[actor] < share) & (np.asarray(omitted) < 1.0)
            np.copyto(told, day + 1, where=automatic)
        return told

    def _omission(self, reporter: str, keys: Keys) -> Floats:
        """Return the draws of `omitted`, which one batch after another asks for with the same keys."""
        known, luck = self._omitted.get(reporter, (None, None))
        if known is not keys or luck is None:
            luck = self._chance.draw(f"omitted.{reporter}", keys)
            self._omitted[reporter] = (keys, luck)
        return luck


def _below(luck: Floats, actor: Column, share: Floats | float) -> Mask:
    """Return bool[n] (or one), whether the luck of each actor is less than the share of its row, or of all."""
    # a share of all is compared once a firm: bytes are gathered faster than floats are, and compared
    below: Mask = luck[actor] < share if isinstance(share, np.ndarray) else (luck < share)[actor]
    return below


def _of(column: Column, rows: Mask) -> Column:
    return column[rows] if isinstance(column, np.ndarray) else column
