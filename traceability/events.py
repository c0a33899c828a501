"""EventBatch: one thing that happened to n units, as columns.

Where a column is the same for all n it is a plain number, and stays one until the store writes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from traceability.errors import BatchError
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, EventType

Ints: TypeAlias = npt.NDArray[np.integer]
Column: TypeAlias = "Ints | int"

EPOCH = date(1970, 1, 1)

NULL = -(2**31)
"""Stands for null in integer NumPy columns, which have none.  No day, unit or actor has this number."""

NEVER = NULL
"""The record day of what the platform was never told; also any other absent number of a column."""


def day_number(day: date) -> int:
    """Return *day* as the log writes it: whole days since 1970-01-01.

    >>> day_number(date(2026, 4, 1))
    20544
    """
    return (day - EPOCH).days


@dataclass(frozen=True, slots=True, eq=False)
class EventBatch:
    """One event of n units (or of n vehicles, for the four events whose subject is the vehicle).

    An event that moves nothing (REMARKS) may be about a unit, a vehicle, both or neither.

    Attributes:
        event: what happened.
        units: int[n] unit numbers; NULL where a vehicle came without its battery, or a remark is about none.
        vehicles: int[n], or NULL where no vehicle took part.
        actor, receiver, carrier: who did it, to whom it went, who carried it; receiver and carrier may be NULL.
        event_day: when it happened, days since 1970-01-01.
        record_day: when the platform was told, or NEVER.
        happened: false for a report of what did not happen.
        corrects: the event_id of the record that this one replaces in the register, or NULL.
    """

    event: EventType
    units: Ints
    vehicles: Column
    actor: Column
    receiver: Column
    carrier: Column
    event_day: Column
    record_day: Column
    happened: bool
    corrects: Column

    @classmethod
    def of(
        cls,
        event: EventType,
        units: Ints | int,
        *,
        actor: Column,
        event_day: Column,
        record_day: Column = NEVER,
        vehicles: Column = NULL,
        receiver: Column = NULL,
        carrier: Column = NULL,
        happened: bool = True,
        corrects: Column = NULL,
    ) -> EventBatch:
        """Return the batch, after a look at its columns.

        Raises:
            BatchError: columns of unequal length; something recorded before it happened;
                a vehicle event without vehicles, another without units.
        """
        lot = np.atleast_1d(np.asarray(units))
        batch = cls(event, lot, vehicles, actor, receiver, carrier, event_day, record_day, happened, corrects)
        for name in ("vehicles", "actor", "receiver", "carrier", "event_day", "record_day", "corrects"):
            column = getattr(batch, name)
            if isinstance(column, np.ndarray) and column.shape != lot.shape:
                raise BatchError(f"{event.name}: column {name} has {column.size} rows, units has {lot.size}")
        if event in VEHICLE_EVENTS:
            if _any(np.asarray(vehicles) == NULL):
                raise BatchError(f"{event.name}: happens to a vehicle, but the batch names none")
        elif event not in REMARKS and lot.size and lot.min() < 0:
            raise BatchError(f"{event.name}: happens to a unit, but the batch names none")
        told = np.asarray(record_day)
        if lot.size and _any((told < np.asarray(event_day)) & (told != NEVER)):
            raise BatchError(f"{event.name}: recorded before it happened")
        return batch

    def __len__(self) -> int:
        return int(self.units.size)


def _any(mask: npt.NDArray[np.bool_]) -> bool:
    return bool(mask.any())
