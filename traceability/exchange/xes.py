"""A log -> XES (IEEE 1849-2016): one trace a pack or a vehicle, written a chunk at a time.

Flattening loses: an event is told in the trace of its one case, or in none; what that leaves out is counted.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from traceability.errors import ExchangeError, UnknownName
from traceability.exchange.days import OFFSET, as_date
from traceability.exchange.ocel.telling import Teller, actor_id, vehicle_id
from traceability.exchange.ocel.words import DETAILS, form_of
from traceability.exchange.ocel.writing import xml_attribute
from traceability.exchange.reading import ROWS_AT_ONCE, LogReader, Record
from traceability.exchange.selecting import Selection
from traceability.store import Store, schema
from traceability.vocabulary import Chemistry, Detail, Level, Role

Progress = Callable[[int, int], None]

CASES = ("pack", "vehicle")

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849-2016" xes.features="nested-attributes" xmlns="http://www.xes-standard.org/">
<extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
<extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
<extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
<extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
<global scope="trace"><string key="concept:name" value="unknown"/></global>
<global scope="event"><string key="concept:name" value="unknown"/><date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/><string key="lifecycle:transition" value="complete"/><string key="org:resource" value="unknown"/></global>
<classifier name="Activity" keys="concept:name"/>
"""  # noqa: E501


@dataclass(slots=True)
class Flattened:
    """What an export wrote, and what became of the rest.

    Attributes:
        traces, events: in the file.
        lost: what is in no trace -> how many rows of the log.
    """

    traces: int = 0
    events: int = 0
    lost: dict[str, int] = field(default_factory=dict)


def export(
    store: Store,
    out: Path,
    selection: Selection | None = None,
    *,
    case: str = "pack",
    rows_at_once: int = ROWS_AT_ONCE,
    progress: Progress | None = None,
) -> Flattened:
    """Write the selected part of *store* to *out* as XES, and return what is in it, and what is not.

    A trace has the events of its case by day, those of one day as the log has them.

    Args:
        store: an open store.
        out: the file, replaced if it is there; packed where it ends in `.gz`.
        selection: which part; the register, whole, where None.
        case: pack or vehicle: what a trace is the life of.
        rows_at_once: packs (or vehicles) that are in memory at a time.
        progress: called with events done and records in all.

    Raises:
        ExchangeError: *out* cannot be written; a day or a text of the log that XML does not have.
        UnknownName: no such view or case.
    """
    if case not in CASES:
        raise UnknownName("case", case, CASES)
    reader = LogReader(store, selection or Selection(), rows_at_once=rows_at_once)
    teller, done, total = Teller(reader, with_vin=False), Flattened(), reader.count(schema.event)
    companies = {row[0]: (str(row[1]), Role(row[3]).name) for rows in reader.actors() for row in rows}
    repeated = 0
    chunks = _packs(reader, teller) if case == "pack" else _vehicles(reader)
    try:
        with _written(out) as file:
            file.write(_HEAD)
            for traces in chunks:
                for name, attributes, story in traces:
                    _trace(file, name, attributes, story, companies)
                    done.traces, done.events = done.traces + 1, done.events + len(story)
                    repeated += sum(len(details) - len(dict(details)) for _, details in story)
                if progress is not None:
                    progress(done.events, total)
            file.write("</log>\n")
    except OSError as error:
        raise ExchangeError(f"{out}: cannot be written: {error.strerror}") from None
    lost = {
        f"records that are about no {case}": total - done.events,
        "links (what was in what, what was made from what)": reader.count(schema.link),
        "material balances": reader.count(schema.material),
        "numbers whose name stands on their record already": repeated,
    }
    done.lost = {what: rows for what, rows in lost.items() if rows}
    return done


_Told = tuple[Record, list[tuple[int, int]]]
_Trace = tuple[str, str, list[_Told]]


def _packs(reader: LogReader, teller: Teller) -> Iterator[list[_Trace]]:
    for units in reader.named_units():
        packs = [unit for unit in units if unit.level is Level.PACK]
        stories = _stories(reader, [unit.unit for unit in packs], vehicles=False)
        yield [
            (
                teller.unit_id(unit),
                _text("chemistry", Chemistry(unit.chemistry).name)
                + _whole("energy_wh", unit.energy_wh)
                + _whole("mass_g", unit.mass_g),
                stories[unit.unit],
            )
            for unit in packs
            if unit.unit in stories
        ]


def _vehicles(reader: LogReader) -> Iterator[list[_Trace]]:
    for rows in reader.named_vehicles():
        stories = _stories(reader, [row[0] for row in rows], vehicles=True)
        yield [
            (vehicle_id(row[0]), _whole("province", row[4]), stories[row[0]])
            for row in rows
            if row[0] in stories
        ]


def _stories(reader: LogReader, numbers: list[int], *, vehicles: bool) -> dict[int, list[_Told]]:
    found = reader.stories(numbers, vehicles=vehicles)
    details = reader.details(record.event_id for story in found.values() for record in story)
    return {
        number: [
            (record, details.get(record.event_id, []))
            for record in sorted(story, key=lambda r: (r.event_day, r.event_id))
        ]
        for number, story in found.items()
    }


def _trace(
    file: IO[str],
    name: str,
    attributes: str,
    story: list[_Told],
    companies: dict[int, tuple[str, str]],
) -> None:
    file.write(f"<trace>{_text('concept:name', name)}{attributes}\n")
    for record, details in story:
        who, role = companies.get(record.actor, (actor_id(record.actor), ""))
        file.write(
            "<event>"
            + _text("concept:name", form_of(record.event).name)
            + f'<date key="time:timestamp" value="{_moment(record.event_day)}"/>'
            + _text("lifecycle:transition", "complete")
            + _text("org:resource", who)
            + (_text("org:role", role) if role else "")
            + ("" if record.unit is None else _text("unit", str(record.unit)))
            + ("" if record.vehicle is None else _text("vehicle", vehicle_id(record.vehicle)))
            + ("" if record.receiver is None else _text("receiver", _company(companies, record.receiver)))
            + ("" if record.carrier is None else _text("carrier", _company(companies, record.carrier)))
            + (
                ""
                if record.record_day is None
                else f'<date key="recorded" value="{_moment(record.record_day)}"/>'
            )
            + _whole("record", record.event_id)
            + ("" if record.corrects is None else _whole("corrects", record.corrects))
            + "".join(_whole(DETAILS[Detail(what)], value) for what, value in dict(details).items())
            + "</event>\n"
        )
    file.write("</trace>\n")


def _company(companies: dict[int, tuple[str, str]], number: int) -> str:
    return companies.get(number, (actor_id(number), ""))[0]


def _moment(day: int) -> str:
    return f"{as_date(day)}T12:00:00.000{OFFSET}"


def _text(key: str, value: str) -> str:
    return f'<string key="{key}" value={xml_attribute(value)}/>'


def _whole(key: str, value: int) -> str:
    return f'<int key="{key}" value="{value}"/>'


@contextmanager
def _written(out: Path) -> Iterator[IO[str]]:
    """Open a file of another name, packed where *out* ends in .gz, and move it to *out* when all went well."""
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as raw:
            if out.suffix.lower() == ".gz":
                # no time and no name inside, so that the same log gives the same bytes
                with (
                    gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
                    io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
                ):
                    yield file
            else:
                with io.TextIOWrapper(raw, encoding="utf-8", newline="\n") as file:
                    yield file
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
