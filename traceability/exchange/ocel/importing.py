"""An object-centric event log -> a store, as a register: what was told, by whomever.

The file is gone through more than once and never held whole; the store is at its place only when all of it was read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote

from traceability.errors import ExchangeError
from traceability.events import day_number
from traceability.exchange.days import CHINA
from traceability.exchange.epcis.entering import Entry
from traceability.exchange.epcis.importing import (
    QUARANTINED_AT_MOST,
    Destination,
    Imported,
    Progress,
    close_register,
)
from traceability.exchange.epcis.understanding import NotOurs, Report
from traceability.exchange.ocel.model import Event, Thing
from traceability.exchange.ocel.sources import Source, open_source
from traceability.exchange.ocel.understanding import Balance, Correction, introduced, understand
from traceability.exchange.ocel.words import ACTOR, LEVEL_OF, VEHICLE, is_plain

__all__ = ["Imported", "import_log"]


def import_log(
    path: Path, out: str, *, quarantine: Path | None = None, progress: Progress | None = None
) -> Imported:
    """Write what the object-centric event log at *path* tells into a new store at *out*; return what became of it.

    Args:
        path: JSON, XML or SQLite, told apart by what is in it.
        out: a directory or a store URL, see `open_store`.
        quarantine: takes the events that were set aside, one JSON object a line, each with its reason.
        progress: called with events done, and 0 since nobody knows how many there are.

    Raises:
        ExchangeError: it is not laid out as OCEL 2.0, or an id stands twice in it; nothing is written.
        StoreError: something is at *out* already, or it cannot be written.
    """
    report, source = Imported(), open_source(path)
    part = None if quarantine is None else quarantine.with_name(f".{quarantine.name}.part")
    try:
        with Destination(out) as store:
            entry = _Entry(store, report.note)
            kinds = _introduce(path, source, entry)
            with _written(part) as aside:
                _enter(path, source, entry, kinds, report, aside, progress)
            entry.finish()
            report.records, report.links, report.balances = entry.records, entry.links, entry.balances
            report.units, report.vehicles, report.actors = entry.names.counts
            close_register(store, entry)
        if part is not None and quarantine is not None:
            os.replace(part, quarantine)
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
    return report


class _Entry(Entry):
    """Takes in balances on their own too, and corrections by the name of what they replace."""

    def replaces(self, correction: Correction) -> None:
        """Let the event *correction* take the place of the one that it names."""
        declared = {"eventID": correction.old, "errorDeclaration": {"correctiveEventIDs": [correction.new]}}
        self.begin(declared)
        if not self._duplicate:
            self._note("an event replaces one that is not in the file: taken as a first report")

    def weigh(self, told: Balance) -> None:
        """Take in one balance; raises NotOurs where it cannot be."""
        report = Report(
            told.event, told.lot, None, told.actor, None, None, told.day, told.told_day, balances=[told.row]
        )
        self._weigh(report, self.names.unit_of(report))


def _introduce(path: Path, source: Source, entry: _Entry) -> dict[str, str]:
    """Let the objects be known to *entry*, companies first; return object -> the address that events call it by."""
    seen: set[bytes] = set()
    addresses: dict[str, str] = {}
    for thing in source.objects():
        _refuse_twice(path, seen, "object", thing.id)
        address = _address(thing)
        if address is not None:
            addresses[thing.id] = address
            if thing.type == ACTOR:
                entry.names.introduce(introduced(thing, address, addresses, _day))
        else:
            addresses[thing.id] = ""
    for thing in source.objects():
        if thing.type != ACTOR and addresses[thing.id]:
            entry.names.introduce(introduced(thing, addresses[thing.id], addresses, _day))
    return addresses


def _enter(
    path: Path,
    source: Source,
    entry: _Entry,
    addresses: dict[str, str],
    report: Imported,
    aside: IO[str] | None,
    progress: Progress | None,
) -> None:
    seen: set[bytes] = set()
    for number, event in enumerate(source.events(), 1):
        report.events = number
        _refuse_twice(path, seen, "event", event.id)
        for name, _ in event.relations:
            if name not in addresses:
                raise ExchangeError(
                    f"{path}, event {number:,}: names the object {name[:60]!r}, which is not in the file. "
                    "Nothing was taken from it."
                )
        try:
            for told in understand(event, addresses, _day):
                if isinstance(told, Correction):
                    entry.replaces(told)
                elif isinstance(told, Balance):
                    entry.weigh(told)
                else:
                    entry.begin({"eventID": event.id})
                    entry.enter(told, {})
        except NotOurs as error:
            _set_aside(report, aside, number, event, str(error))
        if progress is not None and number % 500 == 0:
            progress(number, 0)


def _set_aside(report: Imported, aside: IO[str] | None, number: int, event: Event, why: str) -> None:
    report.aside += 1
    if len(report.reasons) < QUARANTINED_AT_MOST:
        report.reasons.append((number, event.id[:100], why))
    if aside is not None:
        told = {"event": number, "reason": why, "is": event._asdict()}
        aside.write(json.dumps(told, ensure_ascii=False) + "\n")


@contextmanager
def _written(path: Path | None) -> Iterator[IO[str] | None]:
    if path is None:
        yield None
        return
    try:
        file = path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be written: {error.strerror}") from None
    with file:
        yield file


def _address(thing: Thing) -> str | None:
    """Return an address that tells what *thing* is; None where the log has nothing of its type."""
    if thing.type == ACTOR:
        kind = "party"
    elif thing.type == VEHICLE:
        kind = "vehicle"
    elif thing.type in LEVEL_OF:
        # the name of somebody else's battery is taken for its code
        kind = "battery" if is_plain(thing.id) else "unit"
    else:
        return None
    return f"ocel/{kind}/{quote(thing.id, safe='')}"


def _refuse_twice(path: Path, seen: set[bytes], what: str, name: str) -> None:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if digest in seen:
        raise ExchangeError(f"{path}: the {what} {name[:60]!r} stands twice. Nothing was taken from it.")
    seen.add(digest)


def _day(time: object) -> int | None:
    """Return the day in China of a time; one without a zone is of UTC, as other readers take it.  None for no time."""
    if not isinstance(time, str) or len(time) > 40:
        return None
    try:
        moment = datetime.fromisoformat(time)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return day_number(moment.astimezone(CHINA).date())
    except (ValueError, OverflowError):
        return None
