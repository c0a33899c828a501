"""Files of anybody's -> objects and events, one at a time; each can be gone through more than once.

Whatever is not laid out as OCEL 2.0 says is refused with its place, before anything is taken in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol

from traceability.errors import ExchangeError
from traceability.exchange.json_stream import pieces
from traceability.exchange.ocel.model import INITIAL, Event, Thing, Value

LONGEST_NAME = 1_000
MOST_ATTRIBUTES = 500_000
"""Of one object or event, its relations likewise."""

_ARRAYS = ("objectTypes", "eventTypes", "objects", "events")
_MAGIC = b"SQLite format 3\x00"


class Source(Protocol):
    """A file that can be read."""

    def objects(self) -> Iterator[Thing]:
        """Yield the objects; raises ExchangeError where the file is not laid out as the format has it."""
        ...

    def events(self) -> Iterator[Event]:
        """Yield the events, in the order of the file; raises likewise."""
        ...


def open_source(path: Path) -> Source:
    """Return what reads the file at *path*, by its first bytes and not by its name.

    Raises:
        ExchangeError: it cannot be read, or is no JSON, XML or SQLite.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be read: {error.strerror}") from None
    if head.startswith(_MAGIC):
        from traceability.exchange.ocel.sqlite_source import SqliteSource

        return SqliteSource(path)
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        from traceability.exchange.ocel.xml_source import XmlSource

        return XmlSource(path)
    if text.startswith(b"{"):
        return JsonSource(path)
    raise ExchangeError(
        f"{path}: begins with {head[:12]!r}, expected an object-centric event log in JSON, XML or SQLite. "
        "Nothing was taken from it."
    )


class Shapes:
    """Looks at one piece after another of a file, and refuses what is not as the format has it.

    Args:
        path: of the file, for the message.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def refuse(self, where: str, why: str) -> NoReturn:
        """Raise the error that says *why* the piece at *where* cannot be."""
        raise ExchangeError(f"{self._path}, {where[:200]}: {why}. Nothing was taken from it.")

    def name(self, value: object, where: str, what: str) -> str:
        """Return *value* as a name."""
        if not isinstance(value, str) or not value:
            self.refuse(where, f"{what} is {shown(value)}, expected a text")
        if len(value) > LONGEST_NAME:
            self.refuse(where, f"{what} has {len(value):,} characters, at most {LONGEST_NAME:,} can be")
        return value

    def value(self, value: object, where: str, name: str) -> Value:
        """Return *value* as that of an attribute."""
        if not isinstance(value, str | int | float):
            self.refuse(
                where, f"the value of {name[:60]} is {shown(value)}, expected text, a number or a truth value"
            )
        return value

    def thing(
        self, where: str, id_: object, type_: object, attributes: list[tuple[Any, Any, Any]], relations: list[tuple[Any, Any]]
    ) -> Thing:  # fmt: skip
        """Return the object."""
        told = [
            (
                self.name(name, where, "the name of an attribute"),
                INITIAL if time in (None, "0") else self.name(time, where, "the time of an attribute"),
                self.value(value, where, str(name)),
            )
            for name, time, value in self._few(where, attributes)
        ]
        return Thing(
            self.name(id_, where, "id"), self.name(type_, where, "type"), told, self._related(where, relations)
        )  # fmt: skip

    def event(
        self, where: str, id_: object, type_: object, time: object, attributes: list[tuple[Any, Any]],
        relations: list[tuple[Any, Any]],
    ) -> Event:  # fmt: skip
        """Return the event."""
        told: dict[str, Value] = {}
        for name, value in self._few(where, attributes):
            key = self.name(name, where, "the name of an attribute")
            if key in told:
                self.refuse(where, f"the attribute {key[:60]} stands twice")
            told[key] = self.value(value, where, key)
        return Event(
            self.name(id_, where, "id"), self.name(type_, where, "type"), self.name(time, where, "time"), told,
            self._related(where, relations),
        )  # fmt: skip

    def _related(self, where: str, relations: list[tuple[Any, Any]]) -> list[tuple[str, str]]:
        found = []
        for name, qualifier in self._few(where, relations):
            if not isinstance(qualifier, str) or len(qualifier) > LONGEST_NAME:
                self.refuse(
                    where, f"a qualifier is {shown(qualifier)}, expected a text of at most {LONGEST_NAME:,}"
                )
            found.append((self.name(name, where, "the object of a relation"), qualifier))
        return found

    def _few(self, where: str, rows: list[Any]) -> list[Any]:
        if len(rows) > MOST_ATTRIBUTES:
            self.refuse(where, f"{len(rows):,} attributes or relations, at most {MOST_ATTRIBUTES:,} can be")
        return rows


def shown(value: object) -> str:
    """Return a few characters that tell what *value* is."""
    if value is None:
        return "missing"
    return re.sub(r"\s+", " ", f"{type(value).__name__} {str(value)[:40]!r}")


class JsonSource:
    """OCEL 2.0 in JSON.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._shapes = path, Shapes(path)

    def objects(self) -> Iterator[Thing]:
        """Yield the objects."""
        for place, piece in self._pieces("objects"):
            told = self._rows(piece, "attributes", ("name", "time", "value"), place)
            yield self._shapes.thing(
                place, piece.get("id"), piece.get("type"), told, self._relations(piece, place)
            )

    def events(self) -> Iterator[Event]:
        """Yield the events."""
        for place, piece in self._pieces("events"):
            told = self._rows(piece, "attributes", ("name", "value"), place)
            yield self._shapes.event(
                place, piece.get("id"), piece.get("type"), piece.get("time"), told, self._relations(piece, place)
            )  # fmt: skip

    def _relations(self, piece: dict[str, Any], place: str) -> list[tuple[Any, ...]]:
        return self._rows(piece, "relationships", ("objectId", "qualifier"), place)

    def _pieces(self, wanted: str) -> Iterator[tuple[str, dict[str, Any]]]:
        reading = pieces(self._path, [(key,) for key in _ARRAYS])
        while True:
            try:
                (key, number), piece = next(reading)
            except StopIteration as end:
                self._check_frame(end.value)
                return
            if key == wanted:
                place = f"{wanted[:-1]} {int(number) + 1:,}"
                if not isinstance(piece, dict):
                    self._shapes.refuse(place, f"is {shown(piece)}, expected an object")
                yield place, piece

    def _check_frame(self, frame: object) -> None:
        for key in _ARRAYS:
            if not isinstance(frame, dict) or frame.get(key) != []:
                found = frame.get(key) if isinstance(frame, dict) else frame
                self._shapes.refuse(key, f"is {shown(found)}, expected a list: the file is no OCEL 2.0")

    def _rows(
        self, piece: dict[str, Any], key: str, fields: tuple[str, ...], place: str
    ) -> list[tuple[Any, ...]]:
        rows = piece.get(key, [])
        if not isinstance(rows, list):
            self._shapes.refuse(place, f"{key} is {shown(rows)}, expected a list")
        found = []
        for row in rows:
            if not isinstance(row, dict):
                self._shapes.refuse(place, f"{key} holds {shown(row)}, expected an object")
            found.append(tuple(row.get(field) for field in fields))
        return found
