"""A log -> one EPCIS document, written chunk by chunk: memory does not grow with the log."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from traceability.errors import ExchangeError
from traceability.exchange.days import OFFSET, as_date
from traceability.exchange.epcis.telling import Chunk, tell_links
from traceability.exchange.epcis.words import CONTEXT, FORMS
from traceability.exchange.identifiers import BASE, VOCABULARY, Addresses, key_of_log, steady_uuid
from traceability.exchange.reading import ROWS_AT_ONCE, LogReader, Unit
from traceability.exchange.selecting import Selection
from traceability.store import Store, schema
from traceability.vocabulary import Chemistry, Level, LinkKind, Permit, Role, Use

Progress = Callable[[int, int], None]

ALWAYS_LOST = (
    "the calendar of working days and the meta rows of the log (the document has its own frame)",
    "whether a report was true: the view says what happened or what was told, never one beside the other",
)
"""What no document of ours carries, whatever is in the log."""

_COMPANIES = "statements about companies (inspections, penalties, lists, outlets)"
_ORPHANS = "that a record replaces one that is not in this document"


@dataclass(slots=True)
class Exported:
    """What an export wrote, and what it could not.

    Attributes:
        records, links, balances: rows of the log that the document carries.
        events: EPCIS events in it: records, those declared in error once more, and links of their own.
        lost: what the document does not carry -> how many rows.
    """

    records: int = 0
    events: int = 0
    links: int = 0
    balances: int = 0
    lost: dict[str, int] = field(default_factory=dict)


def export(
    store: Store,
    out: Path,
    selection: Selection | None = None,
    *,
    base: str = BASE,
    with_vin: bool = False,
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Progress | None = None,
) -> Exported:
    """Write the selected part of *store* to *out* and return what is in it, and what is not.

    The file has a temporary name until it is whole.  Its creationDate is the midnight after the last day that
    is looked back from, so that the same log gives the same bytes and no event is later than its document.

    Args:
        store: an open store.
        out: the file, replaced if it is there.
        selection: which part; the register, whole, where None.
        base: of the addresses, see `identifiers`.
        with_vin: tell the VINs, which are close to personal data.
        rows_at_once: records that are in memory at a time.
        progress: called with records done and records in all.

    Raises:
        ExchangeError: *out* cannot be written; a day or a number of the log that no document can hold.
        UnknownName: no such view.
    """
    reader = LogReader(store, selection or Selection(), rows_at_once=rows_at_once)
    addresses = Addresses(key_of_log(reader.meta), reader.shared_codes(), base)
    done = Exported()
    part = out.with_name(f".{out.name}.part")
    try:
        try:
            with part.open("w", encoding="utf-8", newline="\n") as file:
                _write(file, reader, addresses, done, with_vin=with_vin, progress=progress)
            os.replace(part, out)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise ExchangeError(f"{out}: cannot be written: {error.strerror}") from None
    return done


def _write(
    file: IO[str],
    reader: LogReader,
    addresses: Addresses,
    done: Exported,
    *,
    with_vin: bool,
    progress: Progress | None,
) -> None:
    s = reader.selection
    units = None if s.units is None else sorted(s.units)
    name = steady_uuid(
        addresses.log, "export", s.view, reader.as_of, s.first, s.until, units, addresses.base, with_vin
    )
    frame = {
        "@context": [CONTEXT, {"brt": VOCABULARY}],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "id": name,
        "creationDate": f"{as_date(reader.as_of + 1)}T00:00:00{OFFSET}",
    }
    file.write(_json(frame)[:-1] + ',"epcisHeader":{"epcisMasterData":{"vocabularyList":[')
    hidden = _vocabularies(file, reader, addresses, with_vin=with_vin)
    file.write(']}},"epcisBody":{"eventList":[')
    _list(file, _events(reader, addresses, done, progress))
    file.write("]}}\n")
    balances = reader.count(schema.material)
    done.lost |= {
        "VINs of vehicles (they are close to personal data; --with-vin tells them)": hidden,
        "material balances of lots whose recovery is not in this document": balances - done.balances,
    }
    done.lost = {what: rows for what, rows in done.lost.items() if rows}


def _events(
    reader: LogReader, addresses: Addresses, done: Exported, progress: Progress | None
) -> Iterator[dict[str, Any]]:
    simulated, seen = reader.meta.get("truth") == "yes", 0
    total = reader.count(schema.event)
    done.lost |= {_COMPANIES: 0, _ORPHANS: 0}
    for records in reader.records():
        chunk = Chunk(reader, [r for r in records if r.event in FORMS], addresses, simulated=simulated)
        done.lost[_COMPANIES] += len(records) - len(chunk.records)
        for record in chunk.records:
            if record.corrects is not None:
                replaced = chunk.tell_replaced(record)
                if replaced is not None:
                    done.events += 1
                    yield replaced
                else:
                    done.lost[_ORPHANS] += 1
            done.records, done.events = done.records + 1, done.events + 1
            yield chunk.tell(record)
        done.links += chunk.carried_links()
        done.balances += chunk.carried_balances()
        seen += len(records)
        if progress is not None:
            progress(seen, total)
    for kind in LinkKind:
        for parents in reader.parents():
            for event, links in tell_links(reader, parents, kind, addresses):
                done.links, done.events = done.links + links, done.events + 1
                yield event


def _vocabularies(file: IO[str], reader: LogReader, addresses: Addresses, *, with_vin: bool) -> int:
    """Write companies, vehicles and units; return how many VINs were left out."""
    hidden = 0

    def vehicles() -> Iterator[dict[str, Any]]:
        nonlocal hidden
        for rows in reader.named_vehicles():
            for row in rows:
                hidden += row[1] is not None and not with_vin
                yield _vehicle(row, addresses, with_vin=with_vin)

    for place, (kind, elements) in enumerate(
        (("Party", _parties(reader, addresses)), ("Vehicle", vehicles()), ("Item", _items(reader, addresses)))
    ):
        file.write(f'{"," * (place > 0)}\n{{"type":"brt:{kind}","vocabularyElementList":[')
        _list(file, elements)
        file.write("]}")
    return hidden


def _parties(reader: LogReader, addresses: Addresses) -> Iterator[dict[str, Any]]:
    for rows in reader.actors():
        permits = reader.permits(row[0] for row in rows)
        for actor, name, credit_code, role, province, prefecture, maker_code, stands_for, capacity in rows:
            element = _element(
                addresses.party(actor), name=name, creditCode=credit_code, role=Role(role).name,
                province=province, prefecture=prefecture, makerCode=maker_code, standsFor=stands_for,
                capacityTYear=capacity,
            )  # fmt: skip
            for kind, first, last in permits.get(actor, ()):
                open_or_closed = {} if last is None else {"until": as_date(last)}
                permit = {"kind": Permit(kind).name, "from": as_date(first), **open_or_closed}
                element["attributes"].append({"id": "brt:permit", "attribute": permit})
            yield element


def _vehicle(row: tuple[Any, ...], addresses: Addresses, *, with_vin: bool) -> dict[str, Any]:
    number, vin, kind, maker, province, prefecture, swap = row
    return _element(
        addresses.vehicle(number), vin=vin if with_vin else None, kind=kind, maker=addresses.party(maker),
        province=province, prefecture=prefecture, swap="yes" if swap else "no",
    )  # fmt: skip


def _items(reader: LogReader, addresses: Addresses) -> Iterator[dict[str, Any]]:
    for units in reader.named_units():
        for unit in units:
            yield _item(unit, addresses)


def _item(unit: Unit, addresses: Addresses) -> dict[str, Any]:
    return _element(
        addresses.unit(unit.unit, unit.level, unit.code), code=unit.code, level=Level(unit.level).name,
        chemistry=Chemistry(unit.chemistry).name, coder=addresses.party(unit.coder), made=as_date(unit.made_day),
        energyWh=unit.energy_wh, massG=unit.mass_g, purpose=Use(unit.purpose).name,
    )  # fmt: skip


def _element(address: str, **attributes: str | int | None) -> dict[str, Any]:
    told = [
        {"id": f"brt:{name}", "attribute": value} for name, value in attributes.items() if value is not None
    ]
    return {"id": address, "attributes": told}


def _list(file: IO[str], things: Iterable[object]) -> None:
    for place, thing in enumerate(things):
        file.write(",\n" if place else "\n")
        file.write(_json(thing))


def _json(thing: object) -> str:
    return json.dumps(thing, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
