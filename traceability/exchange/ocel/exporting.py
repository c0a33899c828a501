"""A log -> one object-centric event log, written chunk by chunk: memory does not grow with the events."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import and_, func, select

from traceability.errors import ExchangeError, UnknownName
from traceability.exchange.ocel import writing
from traceability.exchange.ocel.model import Event, Kind, Thing
from traceability.exchange.ocel.telling import Teller
from traceability.exchange.ocel.words import (
    BALANCE,
    BALANCE_ATTRIBUTES,
    DETAILS,
    LINK_ATTRIBUTES,
    OBJECT_ATTRIBUTES,
    RECORD_ATTRIBUTES,
    TIED,
    form_of,
)
from traceability.exchange.reading import ROWS_AT_ONCE, LogReader
from traceability.exchange.selecting import Selection
from traceability.store import Store, schema
from traceability.vocabulary import LinkKind

Progress = Callable[[int, int], None]

FORMATS = {
    ".json": "json", ".jsonocel": "json", ".sqlite": "sqlite", ".xml": "xml", ".xmlocel": "xml",
}  # fmt: skip
"""Ending of a file -> format."""

ALWAYS_LOST = (
    "the calendar of working days and the meta rows of the log (an object-centric log has no header)",
    "whether a report was true: the view says what happened or what was told, never one beside the other",
    "the hour of a day: 12:00 in China stands for it, and events of one day are in no order but that of the file",
)
"""What no export of ours carries, whatever is in the log."""

_VINS = "VINs of vehicles (they are close to personal data; --with-vin tells them)"
_ORPHANS = "that a record replaces one that is not in this file"
_ALONE = "objects that no event names (they are in the file; some readers drop them without a word)"


@dataclass(slots=True)
class Exported:
    """What an export wrote, and what it could not.

    Attributes:
        records, links, balances: rows of the log that the file carries.
        events, objects: in the file; relations of events with objects, and of objects with objects.
        lost: what the file does not carry, or readers may lose -> how many rows.
    """

    records: int = 0
    links: int = 0
    balances: int = 0
    events: int = 0
    objects: int = 0
    event_object: int = 0
    object_object: int = 0
    lost: dict[str, int] = field(default_factory=dict)


def format_of(path: Path, name: str | None = None) -> str:
    """Return json, sqlite or xml: *name*, or what the ending of *path* says.

    Raises:
        ExchangeError: neither says it.
    """
    if name is not None:
        if name not in FORMATS.values():
            raise UnknownName("format", name, sorted(set(FORMATS.values())))
        return name
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise ExchangeError(
            f"{path}: cannot tell the format from the ending `{path.suffix}`; expected one of "
            f"{', '.join(FORMATS)}, or say --format json, sqlite or xml"
        )
    return found


def export(
    store: Store,
    out: Path,
    selection: Selection | None = None,
    *,
    format: str | None = None,  # noqa: A002
    with_vin: bool = False,
    text_only: bool = False,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Progress | None = None,
) -> Exported:
    """Write the selected part of *store* to *out* as OCEL 2.0 and return what is in it, and what is not.

    The file has a temporary name until it is whole; the same log gives the same JSON and XML byte by byte.

    Args:
        store: an open store.
        out: the file, replaced if it is there.
        selection: which part; the register, whole, where None.
        format: json, sqlite or xml; by the ending of *out* where None.
        with_vin: tell the VINs, which are close to personal data.
        text_only: write numbers as text (JSON only), as the published schema wants them.
        rows_at_once: records that are in memory at a time.
        progress: called with records done and records in all.

    Raises:
        ExchangeError: *out* cannot be written; the log names what it does not describe, or holds a day or a text that
            the format does not have.
        UnknownName: no such view or format.
    """
    chosen = format_of(out, format)
    reader = LogReader(store, selection or Selection(), rows_at_once=rows_at_once)
    _refuse_strangers(store)
    teller, done = Teller(reader, with_vin=with_vin), Exported()
    writers: dict[str, Callable[..., None]] = {
        "json": partial(writing.write_json, text_only=text_only),
        "xml": writing.write_xml,
        "sqlite": writing.write_sqlite,
    }
    part = out.with_name(f".{out.name}.part")
    try:
        try:
            part.unlink(missing_ok=True)
            part.touch()
            writers[chosen](
                part,
                [Kind(name, attributes) for name, attributes in OBJECT_ATTRIBUTES.items()],
                _event_kinds(reader),
                _objects(teller, done),
                _events(reader, teller, done, progress),
            )
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ExchangeError(f"{out}: cannot be written: {error.strerror}") from None
    done.lost = {what: rows for what, rows in done.lost.items() if rows}
    return done


def _event_kinds(reader: LogReader) -> list[Kind]:
    kinds = [
        Kind(
            form_of(event).name,
            RECORD_ATTRIBUTES | {DETAILS[what]: "integer" for what in sorted(details)},
        )
        for event, details in sorted(reader.kinds().items())
    ]
    if reader.count(schema.link):
        kinds += [Kind(tied.name, LINK_ATTRIBUTES) for tied in TIED.values()]
    if reader.count(schema.material):
        kinds.append(Kind(BALANCE, BALANCE_ATTRIBUTES))
    return kinds


def _objects(teller: Teller, done: Exported) -> Iterator[Thing]:
    for things in (teller.actors(), teller.vehicles(), teller.units()):
        for thing in things:
            done.objects += 1
            done.object_object += len(thing.relations)
            yield thing
    done.lost[_VINS] = teller.hidden


def _events(reader: LogReader, teller: Teller, done: Exported, progress: Progress | None) -> Iterator[Event]:
    total = reader.count(schema.event)
    for records in reader.records():
        for event in teller.events(records):
            done.records += 1
            yield _counted(event, done)
        if progress is not None:
            progress(done.records, total)
    numbered = 0
    for kind in LinkKind:
        for parents in reader.parents():
            for event in teller.ties(parents, kind, numbered):
                numbered += 1
                yield _counted(event, done)
    for lots in reader.balanced_lots():
        for event in teller.balanced(lots):
            yield _counted(event, done)
    done.links, done.balances = teller.links, teller.balances
    done.lost |= {_ALONE: done.objects - teller.named, _ORPHANS: teller.orphans}


def _counted(event: Event, done: Exported) -> Event:
    done.events += 1
    done.event_object += len(event.relations)
    return event


def _refuse_strangers(store: Store) -> None:
    """Refuse a log that names a unit, vehicle or company that it does not describe: readers drop such relations."""
    unit, vehicle, actor = schema.unit.c.unit, schema.vehicle.c.vehicle, schema.actor.c.actor
    e = schema.event
    for table, name, described in (
        *((e, column, actor) for column in ("actor", "receiver", "carrier")),
        (e, "unit", unit),
        (e, "vehicle", vehicle),
        (schema.link, "parent", unit),
        (schema.link, "child", unit),
        (schema.material, "lot", unit),
        (schema.material, "actor", actor),
        (schema.unit, "coder", actor),
        (schema.vehicle, "maker", actor),
    ):
        named = table.c[name]
        nowhere = and_(named.is_not(None), named.not_in(select(described)))
        [(first,)] = store.rows(select(func.min(named)).where(nowhere))
        if first is not None:
            raise ExchangeError(
                f"the log names {described.table.name} {first} (table {table.name}, column {name}) and does not "
                "describe it. Nothing was written."
            )
