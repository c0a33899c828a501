"""Every exception of the package.

    TraceabilityError
    ├── CodeError               a battery code or a VIN that is not one: position, character, what is allowed
    ├── ImpossibleTransition    an event that cannot follow the state of some unit
    ├── BatchError              columns of an event batch that do not fit together
    ├── StoreError              a store that is missing, foreign, newer than this program, or half written
    ├── UnknownName             a name that nothing has, with the closest that something has
    ├── TableError              a table that cannot be read or written: which file, which line, what was expected
    ├── ExchangeError           a document of an outside format that cannot be read or written: where, what was expected
    ├── ScenarioError           a scenario file that cannot be used: what, where, what was expected
    └── RuleBroken              a rule whose query does not run: which rule, which place

A breach of the law is never an exception: it is a row of an audit.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from traceability.vocabulary import EventType, Level, State

if TYPE_CHECKING:  # the command line answers --help without NumPy
    import numpy as np
    import numpy.typing as npt


class TraceabilityError(Exception):
    """Base of all: the message is one that a user can act upon."""


class CodeError(TraceabilityError):
    """A battery code or a VIN that breaks its standard."""


class ImpossibleTransition(TraceabilityError):
    """An event that cannot follow the state of some unit.  Nothing of the batch was recorded.

    Attributes:
        level, event: of the batch.
        states, units: uint8[k], int[k]: the units that could not move, and where they stood.
    """

    def __init__(
        self,
        level: Level,
        event: EventType,
        states: npt.NDArray[np.uint8],
        units: npt.NDArray[np.integer],
        lot_size: int,
    ) -> None:
        # what an exception was made of is kept as its args: SimPy and pickle make it again from them
        super().__init__(level, event, states, units, lot_size)
        self.level, self.event, self.states, self.units, self.lot_size = level, event, states, units, lot_size

    def __str__(self) -> str:
        noun = "vehicle" if self.level is Level.VEHICLE else self.level.name.lower()
        more = f" and {self.units.size - 1} more" if self.units.size > 1 else ""
        return (
            f"{self.event.name} cannot follow {State(int(self.states[0])).name} "
            f"({noun} {int(self.units[0])}{more} in a lot of {self.lot_size}). "
            "Nothing was recorded. lifecycle.TRANSITIONS lists what can follow."
        )


class BatchError(TraceabilityError):
    """An event batch whose columns do not fit together.  Nothing of it was recorded."""


class StoreError(TraceabilityError):
    """A store that cannot be opened or written."""


class TableError(TraceabilityError):
    """A file of rows (CSV, XLSX, Parquet), or a mapping of its columns, that cannot be read or written."""


class ExchangeError(TraceabilityError):
    """A document of an outside format (EPCIS, OCEL, passports) that cannot be read or written."""


class ScenarioError(TraceabilityError):
    """A scenario that cannot be used."""


class RuleBroken(TraceabilityError):
    """A rule whose query does not run."""


class UnknownName(TraceabilityError):
    """A name that nothing has; the message offers the closest that something has."""

    def __init__(self, kind: str, name: str, known: Iterable[str], where: str = "") -> None:
        names = tuple(str(k) for k in known)
        super().__init__(kind, name, names, where)
        self.kind, self.name, self.where = kind, name, where
        self.closest = get_close_matches(name, names, n=3, cutoff=0.5)

    def __str__(self) -> str:
        hint = f"; did you mean {' or '.join(f'`{c}`' for c in self.closest)}?" if self.closest else ""
        return f"unknown {self.kind} `{self.name}`{f' in {self.where}' if self.where else ''}{hint}"
