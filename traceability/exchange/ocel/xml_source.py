"""OCEL 2.0 in XML, from anybody: an element at a time, and no document type, so that no entity can be defined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

from traceability.errors import ExchangeError
from traceability.exchange.ocel.model import Event, Thing
from traceability.exchange.ocel.sources import Shapes

DEEPEST = 12
LONGEST_PIECE = 16 << 20
"""Bytes of one object or event."""

LONGEST_TAG = 1 << 20
"""Bytes of one tag: until it ends the parser looks at all of it again and again."""

MOST_ELEMENTS = 500_000
"""In one object or event."""

_READ = 1 << 16


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: dict[str, str]
    inside: list[_Element] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


class XmlSource:
    """OCEL 2.0 in XML.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._shapes = path, Shapes(path)

    def objects(self) -> Iterator[Thing]:
        """Yield the objects."""
        for place, element in self._elements("objects", "object"):
            told = [
                (one.attributes.get("name"), one.attributes.get("time"), "".join(one.text))
                for one in _under(element, "attributes", ("attribute",))
            ]
            yield self._shapes.thing(
                place, element.attributes.get("id"), element.attributes.get("type"), told, _relations(element)
            )

    def events(self) -> Iterator[Event]:
        """Yield the events."""
        for place, element in self._elements("events", "event"):
            said = element.attributes
            told = [
                (one.attributes.get("name"), "".join(one.text))
                for one in _under(element, "attributes", ("attribute",))
            ]
            yield self._shapes.event(
                place, said.get("id"), said.get("type"), said.get("time"), told, _relations(element)
            )

    def _elements(self, listed: str, wanted: str) -> Iterator[tuple[str, _Element]]:
        reading = _Reading(str(self._path), listed, wanted)
        number = 0
        try:
            with self._path.open("rb") as file:
                while True:
                    read = file.read(_READ)
                    for element in reading.feed(read):
                        number += 1
                        yield f"{wanted} {number:,}", element
                    if not read:
                        break
        except OSError as error:
            raise ExchangeError(f"{self._path}: cannot be read: {error.strerror}") from None
        reading.check_frame()


class _Reading:
    """One way through a file: elements *wanted* of the list *listed* are handed out, others passed over."""

    def __init__(self, name: str, listed: str, wanted: str) -> None:
        self._name, self._listed, self._wanted = name, listed, wanted
        # one encoding, whatever the file says: Python would look up any codec by the name that stands there
        self._parser = expat.ParserCreate("utf-8")
        self._parser.XmlDeclHandler = self._declaration
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.SkippedEntityHandler = self._entity
        self._path: list[str] = []
        self._open: list[_Element] = []
        self._found: list[_Element] = []
        self._seen: set[str] = set()
        self._fed = self._first = self._inside = 0

    def feed(self, read: bytes) -> list[_Element]:
        """Return the elements that end in the next bytes; none left ends the file."""
        try:
            self._parser.Parse(read, not read)
        except expat.ExpatError as error:
            self._refuse(f"not XML: {expat.ErrorString(error.code)}", error.lineno)
        self._fed += len(read)
        if read and self._fed - max(0, self._parser.CurrentByteIndex) > LONGEST_TAG:
            self._refuse(f"one tag of more than {LONGEST_TAG:,} bytes")
        if self._open and self._fed - self._first > LONGEST_PIECE:
            self._refuse(f"one {self._wanted} of more than {LONGEST_PIECE:,} bytes")
        found, self._found = self._found, []
        return found

    def check_frame(self) -> None:
        """Refuse a document without the list, once all is read."""
        if self._listed not in self._seen:
            self._refuse(f"no `{self._listed}` in `log`: the file is no OCEL 2.0")

    def _refuse(self, why: str, line: int | None = None) -> NoReturn:
        at = self._parser.CurrentLineNumber if line is None else line
        raise ExchangeError(f"{self._name}, line {at}: {why}. Nothing was taken from it.")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._path and tag != "log":
            self._refuse(f"begins with `{tag[:40]}`, expected `log`")
        self._path.append(tag)
        if len(self._path) > DEEPEST:
            self._refuse(f"nested deeper than {DEEPEST} levels")
        if len(self._path) == 2:
            self._seen |= {tag} & {self._listed}
        if self._open or self._path == ["log", self._listed, self._wanted]:
            element = _Element(tag, attributes)
            if self._open:
                self._open[-1].inside.append(element)
            else:
                self._first, self._inside = self._parser.CurrentByteIndex, 0
            self._open.append(element)
            self._inside += 1
            if self._inside > MOST_ELEMENTS:
                self._refuse(f"one {self._wanted} of more than {MOST_ELEMENTS:,} elements")

    def _end(self, _: str) -> None:
        self._path.pop()
        if self._open:
            element = self._open.pop()
            if not self._open:
                self._found.append(element)

    def _characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text.append(text)

    def _declaration(self, _: str, encoding: str | None, __: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            self._refuse(f"is written in {encoding[:40]}, expected UTF-8")

    def _doctype(self, *_: object) -> None:
        self._refuse("has a document type (DOCTYPE), which an event log does not need and which is not read")

    def _entity(self, name: str, *_: object) -> None:
        self._refuse(f"names the entity `{name[:40]}`, which nothing defines")


def _under(element: _Element, listed: str, tags: tuple[str, ...]) -> list[_Element]:
    return [one for inner in element.inside if inner.tag == listed for one in inner.inside if one.tag in tags]


def _relations(element: _Element) -> list[tuple[str | None, str | None]]:
    # the specification's example says `relationship`, the published XSD `object`
    return [
        (one.attributes.get("object-id"), one.attributes.get("qualifier"))
        for one in _under(element, "objects", ("relationship", "relobj", "object"))
    ]
