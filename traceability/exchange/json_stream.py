"""JSON of any size and from anybody, a piece at a time: what is long is yielded element by element.

What a file may not do is make the reader take much time or memory: depth, size of a piece, digits of a number are
bounded, the same key twice in one object is refused, and so is what JSON does not have (NaN, lone surrogates).
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn, TypeAlias

from traceability.errors import ExchangeError

Json: TypeAlias = "dict[str, Any] | list[Any] | str | int | float | bool | None"
Path_: TypeAlias = tuple[str, ...]
ANY = "*"
"""Stands for every element of an array in a path."""

DEEPEST = 64
LONGEST_PIECE = 16 << 20
"""Characters of one element that is read whole."""

LONGEST_NUMBER = 40
MOST_KEYS = 1000
_READ = 1 << 16
# possessive, and matched from where the last one ended: a string that does not end must not be tried in many ways,
# from many places, nor remembered character by character
_TOKEN = re.compile(r'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"|([{}\[\]]))', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r"[^,\]}\s]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


def pieces(path: Path, long: Sequence[Path_]) -> Generator[tuple[Path_, Json], None, Json]:
    """Yield (place, element) of every array at one of the paths *long*; return the document without these elements.

    Args:
        path: a file of one JSON document in UTF-8.
        long: paths of arrays from the top; ANY stands for each element of an array on the way.

    Raises:
        ExchangeError: not JSON, or more than this reader takes on: line, what was expected.
    """
    try:
        with path.open("rb") as file:
            source = _Source(file, str(path))
            document = yield from _value(source, (), long)
            source.end()
            return document
    except OSError as error:
        raise ExchangeError(f"{path}: cannot be read: {error.strerror}") from None


class _Source:
    """Text of a file through a window that moves on."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._line = "", 0, 1
        self._over = False
        self._kept = self._last = 0
        self._json = json.JSONDecoder(
            object_pairs_hook=self._object, parse_constant=self._constant, parse_int=self._integer,
            parse_float=self._float,
        )  # fmt: skip
        self._more()
        if self._text.startswith("\ufeff"):
            self._at = 1

    def refuse(self, why: str) -> NoReturn:
        line = self._line + self._text.count("\n", 0, self._at)
        raise ExchangeError(f"{self._name}, line {line}: {why}. Nothing was taken from it.")

    def peek(self) -> str:
        """Return the next character that is no space; '' at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, wanted: str) -> str:
        """Return the next character, which must be one of *wanted*."""
        found = self.peek()
        if not found or found not in wanted:
            told = f"`{found}`" if found else "the end of the file"
            self.refuse(f"found {told}, expected {' or '.join(f'`{c}`' for c in wanted)}")
        self._at += 1
        return found

    def whole(self) -> Json:
        """Return the next value, read whole."""
        first = self.peek()
        end = self._end_of_string_or_tree() if first in ('"', "{", "[") else self._end_of_scalar()
        if not first or end == self._at:
            self.refuse(f"found {f'`{first}`' if first else 'the end of the file'}, expected a value")
        piece = self._text[self._at : end]
        try:
            value: Json = self._json.decode(piece)
        except json.JSONDecodeError as error:
            self._at += error.pos
            self.refuse(f"not JSON: {error.msg}")
        except RecursionError:
            self.refuse(f"nested deeper than {DEEPEST} levels")
        if "\\u" in piece and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
            self.refuse("holds half a character (a lone surrogate)")
        self._last, self._at = end - self._at, end
        return value

    def kept_whole(self) -> Json:
        """Return the next value, which the document keeps; all of these together have a largest size."""
        value = self.whole()
        self._kept += self._last
        if self._kept > LONGEST_PIECE:
            self.refuse(f"more than {LONGEST_PIECE:,} characters outside the lists of events and master data")
        return value

    def end(self) -> None:
        """Refuse anything but space before the end."""
        if self.peek():
            self.refuse("text after the end of the document")

    def _more(self) -> bool:
        """Let the window reach further; what was read already falls out of it."""
        if self._over:
            return False
        # what is still unread grows geometrically, so that a long piece is looked at a few times only
        read = self._file.read(max(_READ, len(self._text) - self._at))
        self._over = not read
        try:
            new = self._decoder.decode(read, final=self._over)
        except UnicodeDecodeError as error:
            self.refuse(f"not UTF-8 ({error.reason})")
        self._line += self._text.count("\n", 0, self._at)
        self._text, self._at = self._text[self._at :] + new, 0
        return True

    def _reach(self, offset: int) -> bool:
        """Read on; *offset* characters of a piece were looked at."""
        if offset > LONGEST_PIECE:
            self.refuse(f"one element of more than {LONGEST_PIECE:,} characters")
        return self._more()

    def _end_of_scalar(self) -> int:
        while True:
            found = _SCALAR.match(self._text, self._at)
            end = found.end() if found else self._at
            if end - self._at > LONGEST_NUMBER:
                self.refuse(f"a number of more than {LONGEST_NUMBER} characters")
            if end < len(self._text) or not self._more():
                return end

    def _end_of_string_or_tree(self) -> int:
        depth, place = 0, 0  # place: up to where the piece was looked at, counted from its start
        while True:
            while token := _TOKEN.match(self._text, self._at + place):
                bracket = token[1]
                place = token.end() - self._at
                if bracket is not None:
                    depth += 1 if bracket in "{[" else -1
                    if depth > DEEPEST:
                        self.refuse(f"nested deeper than {DEEPEST} levels")
                if depth <= 0:
                    if place > LONGEST_PIECE:
                        self.refuse(f"one element of more than {LONGEST_PIECE:,} characters")
                    return token.end()
            seen = len(self._text)
            if not self._reach(len(self._text) - self._at):
                self._at = seen
                self.refuse("the file ends within a value")

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    self.refuse(f"the key `{key[:60]}` stands twice in one object")
                seen.add(key)
        return found

    def _constant(self, text: str) -> NoReturn:
        self.refuse(f"{text} is no number in JSON")

    def _integer(self, text: str) -> int:
        if len(text) > LONGEST_NUMBER:
            self.refuse(f"a number of more than {LONGEST_NUMBER} characters")
        return int(text)

    def _float(self, text: str) -> float:
        value = float(text)
        if len(text) > LONGEST_NUMBER or value in (float("inf"), float("-inf")):
            self.refuse(f"the number {text[:LONGEST_NUMBER]} is too large or too long")
        return value


def _value(source: _Source, here: Path_, long: Sequence[Path_]) -> Generator[tuple[Path_, Json], None, Json]:
    first = source.peek()
    ahead = first in ("{", "[") and _leads_on(here, long, first)
    if first == "{" and ahead:
        return (yield from _descend(source, here, long))
    if ahead:
        source.take("[")
        for place in _elements(source):
            inside = (*here, str(place))
            if any(_fits(here, path) for path in long):
                yield inside, source.whole()
            else:
                # an object on the way: what is in it, less its long part, is told where it ends
                told = yield from _value(source, inside, long)
                yield inside, told
        return []
    return source.kept_whole()


def _descend(
    source: _Source, here: Path_, long: Sequence[Path_]
) -> Generator[tuple[Path_, Json], None, Json]:
    found: dict[str, Any] = {}
    source.take("{")
    closed = source.peek() == "}"
    if closed:
        source.take("}")
    while not closed:
        if source.peek() != '"':
            source.take('"')
        key = str(source.whole())
        if key in found:
            source.refuse(f"the key `{key[:60]}` stands twice in one object")
        if len(found) == MOST_KEYS:
            source.refuse(f"an object of more than {MOST_KEYS:,} keys")
        source.take(":")
        found[key] = yield from _value(source, (*here, key), long)
        closed = source.take(",}") == "}"
    return found


def _elements(source: _Source) -> Iterator[int]:
    """Yield 0, 1, … with the source standing at each element of an array that has been opened."""
    if source.peek() == "]":
        source.take("]")
        return
    place = 0
    while True:
        yield place
        place += 1
        if source.take(",]") == "]":
            return


def _leads_on(here: Path_, long: Sequence[Path_], opening: str) -> bool:
    """Return whether what is long stands below *here*, where an object or an array opens."""
    for path in long:
        if (
            len(here) < len(path)
            and _fits(here, path[: len(here)])
            and (path[len(here)] == ANY) == (opening == "[")
        ):
            return True
    return opening == "[" and any(_fits(here, path) for path in long)


def _fits(here: Path_, path: Path_) -> bool:
    return len(here) == len(path) and all(want in (ANY, part) for part, want in zip(here, path, strict=True))
