"""Does a document pass the EPCIS 2.0 schema, with its formats, as ECMA-262 and RFC 3986 read them?

The schema is checked piece by piece, so that a document may be larger than memory.  Three things that a plain
validator lets pass are refused here: formats (`uri`, `date-time`), which most do not look at; `$` and `\\d` in
patterns, which Python reads more widely than the schema's language does; and keys that stand twice, of which
most readers see one only.
"""

from __future__ import annotations

import json
import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from traceability.exchange.json_stream import ANY, Json, pieces

if TYPE_CHECKING:
    from jsonschema import Draft7Validator, ValidationError

EVENTS = (
    ("epcisBody", "eventList"),
    ("epcisBody", "queryResults", "resultsBody", "eventList"),
)
ELEMENTS = ("epcisHeader", "epcisMasterData", "vocabularyList", ANY, "vocabularyElementList")
LONG = (*EVENTS, ELEMENTS)
"""What is read element by element."""

MOST_FAULTS = 100
"""Kept of one document; more are only counted."""

_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"(?://(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[[0-9A-Fa-fv:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::[0-9]*)?(?:/PCHAR*)*"
    r"|/?(?:PCHAR+(?:/PCHAR*)*)?)"
    r"(?:\?(?:PCHAR|[/?])*)?(?:#(?:PCHAR|[/?])*)?".replace("PCHAR", _PCHAR)
)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)


class Fault(NamedTuple):
    """Something that the schema refuses.

    Attributes:
        pointer: JSON pointer (RFC 6901) to it.
        event: number of the event in its list, counted from 1; None outside of events.
        reason: what is wrong with it, and what was expected.
    """

    pointer: str
    event: int | None
    reason: str


@dataclass(slots=True)
class Verdict:
    """What a check of a document has found.

    Attributes:
        events: how many the document has.
        count: how many faults there are; `faults` holds the first MOST_FAULTS of them.
        warnings: what the schema allows, but readers will trip over: reason -> how often.
    """

    events: int = 0
    count: int = 0
    faults: list[Fault] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)

    @property
    def valid(self) -> bool:
        """Whether the schema accepts the document."""
        return not self.count

    def add(self, faults: list[Fault]) -> None:
        """Count *faults* and keep them as far as there is room."""
        self.count += len(faults)
        self.faults += faults[: MOST_FAULTS - len(self.faults)]

    def warn(self, reason: str) -> None:
        """Count a warning."""
        self.warnings[reason] = self.warnings.get(reason, 0) + 1


def check_file(path: Path, progress: Callable[[int], None] | None = None) -> Verdict:
    """Return the verdict on the document at *path*.

    Args:
        path: a file of one JSON document.
        progress: called with the number of events checked so far.

    Raises:
        ExchangeError: it is no JSON, or more than the reader takes on: there is no document to speak of.
    """
    verdict, prefixes = Verdict(), set[str]()
    reading = pieces(path, LONG)
    while True:
        try:
            place, piece = next(reading)
        except StopIteration as end:
            shell: Json = end.value
            break
        verdict.add(faults_of_piece(place, piece))
        if place[-2] == "eventList":
            verdict.events += 1
            _look_closer(piece, verdict, prefixes)
            if progress is not None and verdict.events % 500 == 0:
                progress(verdict.events)
    verdict.add(faults_of_shell(shell))
    if isinstance(shell, dict):
        declared = _declared(shell.get("@context"))
        for prefix in sorted(prefixes - declared):
            verdict.warn(f"the prefix `{prefix}:` is not declared in @context of the document")
    return verdict


def faults_of_piece(place: tuple[str, ...], piece: Json) -> list[Fault]:
    """Return what the schema refuses in an event or in an element of master data."""
    if place[-2] == "eventList":
        return _faults("EPCIS-Document-Event", piece, place, int(place[-1]) + 1)
    return _faults(
        "vocabularyElement" if len(place) == len(ELEMENTS) + 1 else "vocabulary", piece, place, None
    )


def faults_of_shell(shell: Json) -> list[Fault]:
    """Return what the schema refuses in a document whose long parts were checked before."""
    return _faults(None, shell, (), None)


def _faults(definition: str | None, thing: Json, place: tuple[str, ...], event: int | None) -> list[Fault]:
    shape = hash((definition, _shape(thing)))
    if shape in _accepted:
        return []
    faults = [
        Fault(_pointer((*place, *error.absolute_path)), event, _reason(error))
        for error in _deepest(_validator(definition).iter_errors(thing))
    ]
    if not faults and len(_accepted) < _MOST_SHAPES:
        _accepted.add(shape)
    return faults


_accepted: set[int] = set()
"""Hashes of shapes that the schema was seen to accept: what it says depends on nothing else."""

_MOST_SHAPES = 10_000

DEPENDS_ON = frozenset(
    {
        "type", "properties", "required", "enum", "pattern", "format", "anyOf", "allOf", "oneOf", "not", "if", "then",
        "items", "minItems", "uniqueItems", "propertyNames", "additionalProperties", "$ref",
    }
)  # fmt: skip
"""Keywords of the schema by which a shape is enough to know what it says: a test holds the schema against them."""


def _shape(thing: Json) -> object:
    """Return all that the schema can tell *thing* by: texts by the words, formats and patterns it knows, numbers by
    their type, arrays by what kinds of elements they have and whether one comes twice.
    """
    if isinstance(thing, str):
        return _shape_of_text(thing)
    if isinstance(thing, dict):
        return tuple((key, _shape(value)) for key, value in thing.items())
    if isinstance(thing, list):
        inner = frozenset(_shape(value) for value in thing)
        if all(isinstance(value, str) for value in thing):
            return ("[", min(len(thing), 2), len(set(thing)) == len(thing), inner)
        return ("[", min(len(thing), 2), _twice(thing), inner)
    return type(thing).__name__


def _shape_of_text(text: str) -> object:
    if text in _words():
        return ("word", text)
    known = tuple(pattern.search(text) is not None for pattern in _patterns())
    return ("text", is_uri(text), is_time(text), *known)


def _twice(things: list[Any]) -> bool:
    seen: set[str] = set()
    for thing in things:
        # numbers that are equal in JSON may be written in two ways: then the text of the whole list tells
        text = json.dumps(thing, sort_keys=True)
        if text in seen:
            return True
        seen.add(text)
    return False


@cache
def _words() -> frozenset[str]:
    return frozenset(word for key, value in keywords(_schema()) if key == "enum" for word in value)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    found = {value for key, value in keywords(_schema()) if key == "pattern"}
    return tuple(re.compile(pattern) for pattern in sorted(found))


def keywords(schema: object) -> Iterator[tuple[str, Any]]:
    """Yield every keyword of a JSON schema with its value, wherever it stands in it."""
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        yield key, value
        if key in ("properties", "definitions"):
            inner = list(value.values())
        else:
            inner = value if isinstance(value, list) else [value]
        for part in inner if key not in ("enum", "required") else ():
            yield from keywords(part)


def _deepest(errors: Iterator[Any]) -> Iterator[Any]:
    """Yield each error, or what is behind it where the schema says no more than that no way fits."""
    for error in errors:
        if error.validator in ("anyOf", "oneOf") and error.context and not _tells_enough(error):
            ways: dict[Any, list[Any]] = {}
            for inner in error.context:
                ways.setdefault(inner.schema_path[0], []).append(inner)
            best = min(ways.values(), key=lambda way: (-max(len(e.absolute_path) for e in way), len(way)))
            if max(len(e.absolute_path) for e in best) > len(error.absolute_path):
                yield from _deepest(iter(best))
                continue
        yield error


def _tells_enough(error: ValidationError) -> bool:
    return "propertyNames" in error.absolute_schema_path or any(e.validator == "not" for e in error.context)


def _reason(error: ValidationError) -> str:
    value = json.dumps(error.instance, ensure_ascii=False, default=str)
    shown = value if len(value) <= 60 else f"{value[:57]}…"
    if "propertyNames" in error.absolute_schema_path:
        return f"the property {shown} is none of EPCIS here, and no address with a declared prefix"
    if error.validator == "format":
        wanted = (
            "an absolute address (RFC 3986)"
            if error.validator_value == "uri"
            else "a time with its zone (RFC 3339)"
        )
        return f"{shown} is not {wanted}"
    if error.validator in ("anyOf", "oneOf"):
        return _no_way(error, shown)
    if error.validator == "pattern":
        return f"{shown} does not match {error.validator_value}"
    if error.validator == "type":
        return f"{shown} is not of type {error.validator_value}"
    if error.validator == "enum":
        return f"{shown} is not one of {', '.join(map(str, error.validator_value))}"
    return str(error.message)[:300]


def _no_way(error: ValidationError, shown: str) -> str:
    words = [
        str(word) for inner in error.context if inner.validator == "enum" for word in inner.validator_value
    ]
    if words:
        return f"{shown} is no word of the standard and no address of one's own"
    missing = sorted({str(inner.message) for inner in error.context if inner.validator == "required"})
    if missing:
        return f"none of these is met: {'; '.join(missing)}"
    if isinstance(error.instance, dict) and "ilmd" in error.instance:
        return "ilmd stands beside an action other than ADD"
    return f"{shown} fits none of the ways that the schema allows"


def _pointer(parts: tuple[Any, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in parts)


@cache
def _validator(definition: str | None) -> Draft7Validator:
    """Return the validator of the whole schema, or of one of its definitions."""
    from jsonschema import Draft7Validator, FormatChecker

    formats = FormatChecker(formats=())
    formats.checks("uri")(is_uri)
    formats.checks("date-time")(is_time)
    schema = _schema()
    if definition is not None:
        schema = {"definitions": schema["definitions"], "$ref": f"#/definitions/{definition}"}
    return Draft7Validator(schema, format_checker=formats)


@cache
def _schema() -> dict[str, Any]:
    text = files("traceability.exchange.epcis").joinpath("epcis-json-schema.json").read_text("utf-8")
    schema = _strict(json.loads(text))
    assert isinstance(schema, dict)
    schema.pop("$id", None)  # a reference within the file must not be looked for in the network
    return schema


def _strict(part: object) -> object:
    """Return a part of the schema with its patterns as ECMA-262 reads them: `$` is the end, a digit is ASCII."""
    if isinstance(part, list):
        return [_strict(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    strict = {key: _strict(inner) for key, inner in part.items()}
    if isinstance(pattern := strict.get("pattern"), str):
        pattern = pattern.replace(r"\d", "[0-9]")
        strict["pattern"] = pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern
    return strict


def is_uri(value: object) -> bool:
    """Return whether *value* is an absolute address; what is no text is another check's business.

    >>> is_uri("brt:event"), is_uri("shipping"), is_uri("https://a.example/b c"), is_uri("urn:x:y\\n")
    (True, False, False, False)
    """
    return not isinstance(value, str) or _URI.fullmatch(value) is not None


def is_time(value: object) -> bool:
    """Return whether *value* is a time with a zone, on a day that there is.

    >>> is_time("2026-02-28T12:00:00+08:00"), is_time("2026-02-30T12:00:00Z"), is_time("2026-02-28T12:00:00")
    (True, False, False)
    """
    if not isinstance(value, str):
        return True
    match = _TIME.fullmatch(value)
    if match is None:
        return False
    year, month, day, hour, minute, second = map(int, match.groups())
    return bool(
        year
        and 1 <= month <= 12
        and 1 <= day <= monthrange(year, month)[1]
        and hour < 24
        and minute < 60
        and second < 61
    )


def _look_closer(event: Json, verdict: Verdict, prefixes: set[str]) -> None:
    """Note what the schema allows but the standard or its readers do not."""
    if not isinstance(event, dict):
        return
    own = _declared(event.get("@context"))
    prefixes |= {key.partition(":")[0] for key in event if ":" in key and "//" not in key} - own
    time, offset = event.get("eventTime"), event.get("eventTimeZoneOffset")
    if isinstance(time, str) and isinstance(offset, str) and not time.endswith(("Z", "z", "+00:00", offset)):
        verdict.warn("eventTime has another zone than eventTimeZoneOffset")
    transactions = event.get("bizTransactionList")
    for transaction in transactions if isinstance(transactions, list) else ():
        if isinstance(transaction, dict) and "type" not in transaction:
            verdict.warn("a bizTransaction without type: some readers stop at it")


def _declared(context: object) -> set[str]:
    parts = context if isinstance(context, list) else [context]
    return {key for part in parts if isinstance(part, dict) for key in part}
