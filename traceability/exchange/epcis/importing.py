"""An EPCIS document -> a store, as a register: what was told, by whomever.

The document is read to its end and held against the schema before anything is written; what can only be meant in
one way is put right, and said.  What the schema accepts but the log has no word for is set aside with its reason.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from traceability.errors import ExchangeError, StoreError
from traceability.events import day_number
from traceability.exchange.days import day_of_time
from traceability.exchange.epcis.checking import LONG, Fault, faults_of_piece, faults_of_shell
from traceability.exchange.epcis.entering import Entry
from traceability.exchange.epcis.repairing import repaired
from traceability.exchange.epcis.understanding import understand
from traceability.exchange.identifiers import VOCABULARY
from traceability.exchange.json_stream import Json, pieces
from traceability.store import Store, open_store, schema
from traceability.workdays import FIRST_YEAR, LAST_YEAR, ordinals

Progress = Callable[[int, int], None]

QUARANTINED_AT_MOST = 1000
"""Reasons kept in the report; the file of those set aside has all."""


@dataclass(slots=True)
class Imported:
    """What an import took in, put right and set aside.

    Attributes:
        events: EPCIS events of the document.
        records, units, vehicles, actors, links, balances: rows written.
        repairs: what was put right -> how often.
        notes: what was read as what it does not say, or left out -> how often.
        aside: how many events were set aside; `reasons` says of the first ones (number, eventID, why).
    """

    events: int = 0
    records: int = 0
    units: int = 0
    vehicles: int = 0
    actors: int = 0
    links: int = 0
    balances: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    aside: int = 0
    reasons: list[tuple[int, str, str]] = field(default_factory=list)

    def repair(self, what: str) -> None:
        """Count a repair."""
        self.repairs[what] = self.repairs.get(what, 0) + 1

    def note(self, what: str) -> None:
        """Count a note."""
        if what in self.notes or len(self.notes) < QUARANTINED_AT_MOST:
            self.notes[what] = self.notes.get(what, 0) + 1


def import_document(
    path: Path, out: str, *, quarantine: Path | None = None, progress: Progress | None = None
) -> Imported:
    """Write what the EPCIS document at *path* reports into a new store at *out*; return what became of it.

    Args:
        path: a file of one JSON document, of any size.
        out: a directory or a store URL, see `open_store`.
        quarantine: takes the events that were set aside, one JSON object a line, each with its reason.
        progress: called with events done and events in all.

    Raises:
        ExchangeError: it is no JSON, or the schema refuses it even after repair; nothing is written.
        StoreError: something is at *out* already, or it cannot be written.
    """
    report = Imported()
    frame = _look_through(path, report)
    with Destination(out) as store:
        part = None if quarantine is None else quarantine.with_name(f".{quarantine.name}.part")
        _take_in(path, frame, store, report, part, progress)
    if part is not None and quarantine is not None and part.exists():
        os.replace(part, quarantine)
    return report


def _look_through(path: Path, report: Imported) -> dict[str, Any]:
    """Return the document without its events, after a look at all of it."""
    faults: list[Fault] = []
    reading = pieces(path, LONG)
    while True:
        try:
            place, piece = next(reading)
        except StopIteration as end:
            frame = repaired(end.value, report.repair, shell=True)
            break
        report.events += place[-2] == "eventList"
        if len(faults) < 5:
            faults += faults_of_piece(place, repaired(piece, report.repair))
    if not isinstance(frame, dict) or frame.get("type") not in ("EPCISDocument", "EPCISQueryDocument"):
        kind = frame.get("type") if isinstance(frame, dict) else type(frame).__name__
        raise ExchangeError(
            f"{path}: is {str(kind)[:40]!r}, expected an EPCISDocument. Nothing was taken from it."
        )
    faults += faults_of_shell(frame)
    if faults:
        first = "; ".join(
            f"{f'event {fault.event}, ' if fault.event else ''}{fault.pointer or 'the document'}: {fault.reason}"
            for fault in faults[:3]
        )
        raise ExchangeError(
            f"{path}: the EPCIS schema refuses it: {first}. Nothing was taken from it; "
            "`battrace validate-epcis` lists every fault."
        )
    return frame


def _take_in(
    path: Path,
    frame: dict[str, Any],
    store: Store,
    report: Imported,
    quarantine: Path | None,
    progress: Progress | None,
) -> None:
    context = frame.get("@context")
    ours = any(isinstance(part, dict) and part.get("brt") == VOCABULARY for part in _parts(context))
    created = frame.get("creationDate")
    received = day_of_time(created, "+08:00") if isinstance(created, str) else day_number(date.today())
    entry = Entry(store, report.note)
    for piece in _pieces_at(path, "vocabularyElementList"):
        if ours and isinstance(piece, dict):
            entry.names.introduce(piece)
    aside = None if quarantine is None else quarantine.open("w", encoding="utf-8", newline="\n")
    try:

        def set_aside(number: int, event: dict[str, Any], why: str) -> None:
            report.aside += 1
            name = str(event.get("eventID", ""))[:100]
            if len(report.reasons) < QUARANTINED_AT_MOST:
                report.reasons.append((number, name, why))
            if aside is not None:
                aside.write(
                    json.dumps({"event": number, "reason": why, "is": event}, ensure_ascii=False) + "\n"
                )

        for place, piece in enumerate(_pieces_at(path, "eventList"), 1):
            event = repaired(piece, lambda _: None)
            assert isinstance(event, dict)  # the schema said so
            dropped: list[str] = []
            try:
                entry.begin(event)
                for told in understand(event, ours=ours, received=received, dropped=dropped):
                    entry.enter(told, event)
            except ExchangeError as error:
                set_aside(place, event, str(error))
            for kind in dropped:
                report.note(f"readings of the type {kind}, for which the log has no place")
            if progress is not None and place % 500 == 0:
                progress(place, report.events)
        entry.finish()
    finally:
        if aside is not None:
            aside.close()
    report.records, report.links, report.balances = entry.records, entry.links, entry.balances
    report.units, report.vehicles, report.actors = entry.names.counts
    close_register(store, entry)


def close_register(store: Store, entry: Entry) -> None:
    """Write what the rules need besides: the calendar of working days, and from when until when the log goes."""
    store.set_meta("truth", "no")
    if entry.first_day is not None and entry.last_day is not None:
        store.set_meta("first_day", str(entry.first_day))
        store.set_meta("last_day", str(entry.last_day))
        known = day_number(date(FIRST_YEAR, 1, 1)), day_number(date(LAST_YEAR, 12, 31))
        days = np.clip([entry.first_day, entry.last_day + 366], *known)
        calendar = ordinals(int(days[0]), int(days[1]))
        store.append(schema.workday, calendar.day.size, calendar.columns())
    store.finish()


def _pieces_at(path: Path, key: str) -> Iterator[Json]:
    for place, piece in pieces(path, LONG):
        if place[-2] == key:
            yield piece


def _parts(context: object) -> list[object]:
    return context if isinstance(context, list) else [context]


class Destination:
    """A new store that is at its place only when it is whole: written beside it, and moved."""

    def __init__(self, out: str) -> None:
        scheme, _, rest = out.partition(":")
        self._final: Path | None = None
        self._url = out
        if scheme == "sqlite" and rest.startswith("///"):
            self._final = Path(rest[3:])
            self._part = self._final.with_name(f".{self._final.name}.part")
            self._url = f"sqlite:///{self._part}"
        elif scheme == "parquet" or "://" not in out:
            self._final = Path(rest.removeprefix("//") if scheme == "parquet" and rest else out)
            self._part = self._final.with_name(f".{self._final.name}.part")
            self._url = f"parquet:{self._part}"

    def __enter__(self) -> Store:
        if self._final is not None:
            if self._final.exists() and not (self._final.is_dir() and not any(self._final.iterdir())):
                raise StoreError(f"{self._final}: something is there already; choose another --out")
            self._clear()
        self._store = open_store(self._url, create=True)
        return self._store

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._store.close()
        if self._final is None:
            return
        if kind is None:
            try:
                os.replace(self._part, self._final)
            except OSError as error:
                raise StoreError(f"{self._final}: cannot be written: {error.strerror}") from None
        self._clear()

    def _clear(self) -> None:
        for left in (
            self._part,
            *(self._part.with_name(f"{self._part.name}{end}") for end in ("-wal", "-shm")),
        ):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink(missing_ok=True)
