"""What became of every row that was read: counts that add up, what was changed, what was quarantined and why."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from traceability.sheets import write_csv

QUARANTINE_COLUMNS = ("file", "line", "column", "value", "reason", "closest")
"""Columns of the file of quarantined rows: one line for each fault."""

SET_ASIDE = {"blank": "blank lines", "heading": "titles and headers", "totals": "totals"}
"""Why a row that says nothing of a battery was set aside."""


_NUMBERS = re.compile(r"\d[\d,.-]*")


class Fault(NamedTuple):
    """One reason why a row was not taken.

    Attributes:
        file: place of the file among those read.
        line: as the spreadsheet counts, from 1.
        column: their header; empty where the row as a whole is at fault.
        value: what stands there.
        closest: the nearest that could have stood there; may be empty.
    """

    file: int
    line: int
    column: str
    value: str
    reason: str
    closest: str


@dataclass
class Normalisation:
    """One kind of change that was needed to read the cells of a column.

    Attributes:
        count: of cells.
        line, before, after: the first of them.
    """

    file: int
    column: str
    what: str
    count: int
    line: int
    before: str
    after: str


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        files, how: the names, and how each was read (encoding, sheet).
        other_sheets: file -> sheets of it that were not read.
        set_aside: blank, heading, totals -> rows.
        accepted: rows that are in the log now.
        faults: why rows were quarantined; a row may have several.
        fields: of ours that the rows could say, in order; the store keeps them as meta `columns`.
        unreported: accepted rows without a report day, in files that have the column.
        begun: units and vehicles whose history begins in the middle.
        bridged: accepted rows before which events are missing (`gaps = "accept"`).
        bridgeable: quarantined rows that `gaps = "accept"` would take.
        twins: codes that were given again, to another unit.
        units, vehicles, actors, events: how many came into being.
        first_day, last_day: of the log, days since 1970-01-01; None without rows.
    """

    files: list[str] = field(default_factory=list)
    how: list[str] = field(default_factory=list)
    other_sheets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    set_aside: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    faults: list[Fault] = field(default_factory=list)
    fields: tuple[str, ...] = ()
    unreported: int = 0
    begun: int = 0
    bridged: int = 0
    bridgeable: int = 0
    twins: int = 0
    units: int = 0
    vehicles: int = 0
    actors: int = 0
    events: int = 0
    first_day: int | None = None
    last_day: int | None = None
    _notes: dict[tuple[int, str, str], Normalisation] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """How many rows were quarantined."""
        return len({(fault.file, fault.line) for fault in self.faults})

    @property
    def read(self) -> int:
        """How many rows were read: accepted, quarantined and set aside."""
        return self.accepted + self.quarantined + self.set_aside.total()

    @property
    def normalisations(self) -> list[Normalisation]:
        """What was changed to read the cells, by file and column."""
        return sorted(self._notes.values(), key=attrgetter("file", "column", "what"))

    def open_file(self, name: str, how: str, other_sheets: tuple[str, ...]) -> None:
        """Begin another file."""
        self.files.append(name)
        self.how.append(how)
        if other_sheets:
            self.other_sheets[name] = other_sheets

    def count(self, what: str, rows: int = 1) -> None:
        """Count rows that were set aside; *what* is a key of SET_ASIDE."""
        if rows:
            self.set_aside[what] += rows

    def quarantine(
        self, file: int, line: int, column: str, value: str, reason: str, closest: str = ""
    ) -> None:
        """Keep why a row was not taken."""
        self.faults.append(Fault(file, line, column, value, reason, closest))

    def note(self, file: int, column: str, what: str, count: int, line: int, before: str, after: str) -> None:
        """Keep that *count* cells of a column were changed, the first of them in *line*."""
        key = (file, column, what)
        if key in self._notes:
            self._notes[key].count += count
        else:
            self._notes[key] = Normalisation(file, column, what, count, line, before, after)

    def reasons(self) -> list[tuple[str, str, int]]:
        """Return column, reason without its numbers, and number of faults, the most frequent first."""
        counts = Counter((fault.column, _NUMBERS.sub("…", fault.reason)) for fault in self.faults)
        return [(column, reason, count) for (column, reason), count in counts.most_common()]

    def write_quarantine(self, path: Path) -> None:
        """Write one line for each fault, by file and line.

        Raises:
            TableError: the file cannot be written.
        """
        rows = sorted(self.faults, key=attrgetter("file", "line"))
        write_csv(path, QUARANTINE_COLUMNS, ((self.files[fault.file], *fault[1:]) for fault in rows))

    def table(self) -> dict[str, object]:
        """Return the report as JSON can hold it."""
        return {
            "files": [{"file": name, "read_as": how} for name, how in zip(self.files, self.how, strict=True)],
            "sheets_not_read": {name: list(sheets) for name, sheets in self.other_sheets.items()},
            "read": self.read,
            "accepted": self.accepted,
            "quarantined": self.quarantined,
            "set_aside": {what: self.set_aside[what] for what in SET_ASIDE},
            "faults": [
                {"column": column, "reason": reason, "count": count} for column, reason, count in self.reasons()
            ],
            "normalisations": [
                {
                    "file": self.files[n.file], "column": n.column, "what": n.what, "count": n.count,
                    "first_line": n.line, "before": n.before, "after": n.after,
                }
                for n in self.normalisations
            ],
            "fields": list(self.fields),
            "without_report_day": self.unreported,
            "histories_begun_in_the_middle": self.begun,
            "rows_after_a_gap": self.bridged,
            "quarantined_for_a_gap": self.bridgeable,
            "codes_given_again": self.twins,
            "events": self.events,
            "units": self.units,
            "vehicles": self.vehicles,
            "actors": self.actors,
            "first_day": self.first_day,
            "last_day": self.last_day,
        }  # fmt: skip
