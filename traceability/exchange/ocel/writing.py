"""Events and objects -> a file, written through: JSON, XML or SQLite, as OCEL 2.0 lays them out."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO, TypeVar
from xml.sax.saxutils import escape, quoteattr

from traceability.errors import ExchangeError
from traceability.exchange.ocel.model import INITIAL, Event, Kind, Thing, Value

_Any = TypeVar("_Any")

ROWS_AT_ONCE = 2_000
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SQL_TYPES = {
    "string": "TEXT",
    "time": "TIMESTAMP",
    "integer": "INTEGER",
    "float": "REAL",
    "boolean": "BOOLEAN",
}


def write_json(
    path: Path,
    object_kinds: Sequence[Kind],
    event_kinds: Sequence[Kind],
    objects: Iterable[Thing],
    events: Iterable[Event],
    *,
    text_only: bool = False,
) -> None:
    """Write one JSON document; with *text_only* every value as text, as the published schema wants it."""

    def said(value: Value) -> Value:
        return plain_text(value) if text_only else value

    with path.open("w", encoding="utf-8", newline="\n") as file:
        for place, (key, kinds) in enumerate((("objectTypes", object_kinds), ("eventTypes", event_kinds))):
            file.write(f'{"{" if place == 0 else ","}"{key}":[')
            _list(file, (_declared(kind) for kind in kinds))
            file.write("]")
        file.write(',\n"objects":[')
        _list(
            file,
            (
                {
                    "id": thing.id,
                    "type": thing.type,
                    "attributes": [{"name": n, "time": t, "value": said(v)} for n, t, v in thing.attributes],
                    "relationships": [{"objectId": o, "qualifier": q} for o, q in thing.relations],
                }
                for thing in objects
            ),
        )
        file.write('],\n"events":[')
        _list(
            file,
            (
                {
                    "id": event.id,
                    "type": event.type,
                    "time": event.time,
                    "attributes": [{"name": n, "value": said(v)} for n, v in event.attributes.items()],
                    "relationships": [{"objectId": o, "qualifier": q} for o, q in event.relations],
                }
                for event in events
            ),
        )
        file.write("]}\n")


def plain_text(value: Value) -> str:
    """Return *value* as text: true and false in lower case, numbers so that they are read back the same."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def write_xml(
    path: Path,
    object_kinds: Sequence[Kind],
    event_kinds: Sequence[Kind],
    objects: Iterable[Thing],
    events: Iterable[Event],
) -> None:
    """Write one XML document; relations stand as the specification's example has them, not as its XSD.

    Raises:
        ExchangeError: a text with a character that XML does not have.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<log>\n')
        for tag, kinds in (("object-type", object_kinds), ("event-type", event_kinds)):
            file.write(f"<{tag}s>\n")
            for kind in kinds:
                inner = "".join(
                    f"<attribute name={_quoted(name)} type={_quoted(of)}/>"
                    for name, of in kind.attributes.items()
                )
                file.write(f"<{tag} name={_quoted(kind.name)}><attributes>{inner}</attributes></{tag}>\n")
            file.write(f"</{tag}s>\n")
        file.write("<objects>\n")
        for thing in objects:
            told = "".join(
                f"<attribute name={_quoted(n)} time={_quoted(t)}>{xml_text(v)}</attribute>"
                for n, t, v in thing.attributes
            )
            file.write(
                f"<object id={_quoted(thing.id)} type={_quoted(thing.type)}><attributes>{told}</attributes>"
                f"<objects>{_related(thing.relations)}</objects></object>\n"
            )
        file.write("</objects>\n<events>\n")
        for event in events:
            told = "".join(
                f"<attribute name={_quoted(n)}>{xml_text(v)}</attribute>" for n, v in event.attributes.items()
            )
            file.write(
                f"<event id={_quoted(event.id)} type={_quoted(event.type)} time={_quoted(event.time)}>"
                f"<attributes>{told}</attributes><objects>{_related(event.relations)}</objects></event>\n"
            )
        file.write("</events>\n</log>\n")


def xml_text(value: Value) -> str:
    """Return *value* as the text of an XML element; raises ExchangeError for what XML does not have."""
    text = plain_text(value)
    _refuse_no_xml(text)
    return escape(text, {"\r": "&#13;"})


def xml_attribute(text: str) -> str:
    """Return *text* as the quoted value of an XML attribute; raises as `xml_text` does."""
    _refuse_no_xml(text)
    return quoteattr(text)


_quoted = xml_attribute


def _refuse_no_xml(text: str) -> None:
    if found := _NO_XML.search(text):
        raise ExchangeError(
            f"the log has the text {text[:40]!r}, with the character U+{ord(found[0]):04X}, which XML does not have; "
            "write JSON or SQLite"
        )


def _related(relations: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<relationship object-id={_quoted(o)} qualifier={_quoted(q)}/>" for o, q in relations)


def _declared(kind: Kind) -> dict[str, object]:
    return {"name": kind.name, "attributes": [{"name": n, "type": t} for n, t in kind.attributes.items()]}


def _list(file: IO[str], things: Iterable[object]) -> None:
    for place, thing in enumerate(things):
        file.write(",\n" if place else "\n")
        file.write(json.dumps(thing, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


_FIXED = """
CREATE TABLE event_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE object_map_type (ocel_type TEXT PRIMARY KEY, ocel_type_map TEXT);
CREATE TABLE event (ocel_id TEXT PRIMARY KEY, ocel_type TEXT,
    FOREIGN KEY (ocel_type) REFERENCES event_map_type(ocel_type));
CREATE TABLE object (ocel_id TEXT PRIMARY KEY, ocel_type TEXT,
    FOREIGN KEY (ocel_type) REFERENCES object_map_type(ocel_type));
CREATE TABLE event_object (ocel_event_id TEXT, ocel_object_id TEXT, ocel_qualifier TEXT,
    PRIMARY KEY (ocel_event_id, ocel_object_id, ocel_qualifier),
    FOREIGN KEY (ocel_event_id) REFERENCES event(ocel_id), FOREIGN KEY (ocel_object_id) REFERENCES object(ocel_id));
CREATE TABLE object_object (ocel_source_id TEXT, ocel_target_id TEXT, ocel_qualifier TEXT,
    PRIMARY KEY (ocel_source_id, ocel_target_id, ocel_qualifier),
    FOREIGN KEY (ocel_source_id) REFERENCES object(ocel_id), FOREIGN KEY (ocel_target_id) REFERENCES object(ocel_id));
"""


def write_sqlite(
    path: Path,
    object_kinds: Sequence[Kind],
    event_kinds: Sequence[Kind],
    objects: Iterable[Thing],
    events: Iterable[Event],
) -> None:
    """Write one SQLite database, in batches, with the keys that the format asks for.

    Raises:
        ExchangeError: it cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as base:
            # a file that is moved into place when it is whole needs no journal
            base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
            base.execute("BEGIN")
            for statement in _FIXED.split(";"):
                base.execute(statement)
            for kind in object_kinds:
                _table(base, "object", kind, "ocel_id TEXT, ocel_time TIMESTAMP, ocel_changed_field TEXT")
            for kind in event_kinds:
                _table(base, "event", kind, "ocel_id TEXT PRIMARY KEY, ocel_time TIMESTAMP")
            _put_objects(base, {kind.name: kind for kind in object_kinds}, objects)
            _put_events(base, {kind.name: kind for kind in event_kinds}, events)
            base.execute("COMMIT")
    except sqlite3.Error as error:
        raise ExchangeError(f"the database cannot be written: {error}") from None


def short_name(name: str) -> str:
    """Return what stands in table names for a type: letters only, each word's first upper case.

    >>> short_name("Measure Health")
    'MeasureHealth'
    """
    return "".join(word[:1].upper() + word[1:] for word in re.findall("[A-Za-z]+", name))


def _table(base: sqlite3.Connection, what: str, kind: Kind, fixed: str) -> None:
    short = short_name(kind.name)
    base.execute(f"INSERT INTO {what}_map_type VALUES (?, ?)", (kind.name, short))
    own = "".join(f', "{name}" {_SQL_TYPES[of]}' for name, of in kind.attributes.items())
    base.execute(
        f'CREATE TABLE "{what}_{short}" ({fixed}{own}, FOREIGN KEY (ocel_id) REFERENCES {what}(ocel_id))'
    )


def _put_objects(base: sqlite3.Connection, kinds: dict[str, Kind], objects: Iterable[Thing]) -> None:
    for some in _batches(objects):
        base.executemany("INSERT INTO object VALUES (?, ?)", ((thing.id, thing.type) for thing in some))
        rows: dict[str, list[tuple[Value | None, ...]]] = {}
        for thing in some:
            names = list(kinds[thing.type].attributes)
            first = {name: value for name, time, value in thing.attributes if time == INITIAL}
            told = rows.setdefault(thing.type, [])
            told.append((thing.id, INITIAL, None, *(first.get(name) for name in names)))
            told += [
                (thing.id, time, name, *(value if column == name else None for column in names))
                for name, time, value in thing.attributes
                if time != INITIAL
            ]
        # a relation may name an object that comes later: SQLite checks keys only where it is asked to
        base.executemany(
            "INSERT INTO object_object VALUES (?, ?, ?)",
            ((thing.id, name, qualifier) for thing in some for name, qualifier in thing.relations),
        )
        _insert(base, "object", rows)


def _put_events(base: sqlite3.Connection, kinds: dict[str, Kind], events: Iterable[Event]) -> None:
    for some in _batches(events):
        base.executemany("INSERT INTO event VALUES (?, ?)", ((event.id, event.type) for event in some))
        base.executemany(
            "INSERT INTO event_object VALUES (?, ?, ?)",
            ((event.id, name, qualifier) for event in some for name, qualifier in event.relations),
        )
        rows: dict[str, list[tuple[Value | None, ...]]] = {}
        for event in some:
            values = (event.attributes.get(name) for name in kinds[event.type].attributes)
            rows.setdefault(event.type, []).append((event.id, event.time, *values))
        _insert(base, "event", rows)


def _insert(base: sqlite3.Connection, what: str, rows: dict[str, list[tuple[Value | None, ...]]]) -> None:
    for name, told in rows.items():
        marks = ", ".join("?" * len(told[0]))
        base.executemany(f'INSERT INTO "{what}_{short_name(name)}" VALUES ({marks})', told)


def _batches(things: Iterable[_Any]) -> Iterator[list[_Any]]:
    ahead = iter(things)
    while some := list(islice(ahead, ROWS_AT_ONCE)):
        yield some
