"""The mapping of somebody's columns to our fields: a TOML file, checked; and one proposed from the headers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from traceability.errors import TableError, UnknownName
from traceability.imports.cells import Hints
from traceability.imports.columns import FIELDS
from traceability.imports.readers import READERS, WORD_KINDS
from traceability.imports.words import closest, folded, meanings
from traceability.vocabulary import Role


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dates(_Section):
    """How days are to be read.

    Attributes:
        order: of days like 05/06/2026: "dmy" or "mdy"; without it those that can be read both ways are refused.
        epoch: the first year of the spreadsheet's serial days, where the file is no XLSX and does not say.
        blank_report: what an empty report day means: not told yet ("never"), or told on the day ("event_day").
    """

    order: Literal["dmy", "mdy"] | None = None
    epoch: Literal[1900, 1904] = 1900
    blank_report: Literal["never", "event_day"] = "never"


class FileHints(_Section):
    """What a file does not say itself.

    Attributes:
        encoding: of a text file; found out where it is not given.
        delimiter: of a text file; found out where it is not given.
        sheet: of a workbook; the first where it is not given.
        header_line: the line of the column names, as the spreadsheet counts; found out where it is not given.
        formulas: "refuse" quarantines a formula, "cached" takes the value that was saved with it.
    """

    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    sheet: str | None = None
    header_line: int | None = Field(None, ge=1)
    formulas: Literal["refuse", "cached"] = "refuse"


class ColumnMap(_Section):
    """Their columns as our fields.

    Attributes:
        columns: our field -> their column.
        constants: our field -> what all rows say.
        words: kind of word (event, role, level, chemistry, use) -> their word -> ours.
        roles: company, by name or credit code -> its role, where no column tells it.
        gaps: what to do with a row that could follow only if events before it are missing from the log:
            "quarantine" it, or "accept" it and let the unit stand where it must have stood.
    """

    columns: dict[str, str]
    constants: dict[str, str | int | float | bool | date] = {}
    words: dict[str, dict[str, str]] = {}
    roles: dict[str, str] = {}
    dates: Dates = Dates()
    file: FileHints = FileHints()
    gaps: Literal["quarantine", "accept"] = "quarantine"

    def has(self, field: str) -> bool:
        """Return whether rows can say *field*."""
        return field in self.columns or field in self.constants

    def hints(self, epoch: int | None = None) -> Hints:
        """Return what the reader of a cell is to know; *epoch* is what the file itself says."""
        words = {
            WORD_KINDS[kind].__name__: {
                folded(theirs): meanings(WORD_KINDS[kind])[folded(ours)] for theirs, ours in table.items()
            }
            for kind, table in self.words.items()
        }
        return Hints(order=self.dates.order, epoch=epoch or self.dates.epoch, words=words)

    def role_of(self, company: str) -> Role | None:
        """Return the role that [roles] gives to *company*, a folded name or credit code."""
        ours = {folded(name): role for name, role in self.roles.items()}.get(company)
        return None if ours is None else Role(meanings(Role)[folded(ours)])


def load_mapping(path: Path) -> ColumnMap:
    """Return the mapping in *path*.

    Raises:
        TableError: no such file, no TOML, a key or a value that is not expected; a field that every row needs is
            missing.
        UnknownName: a field, a kind of word or a word of ours that there is not.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: no TOML that can be read: {error}") from None
    return checked_mapping(raw, str(path))


def checked_mapping(raw: Mapping[str, object], where: str) -> ColumnMap:
    """Return *raw*, the values of a mapping file, checked.  Raises as `load_mapping` does."""
    try:
        mapping = ColumnMap.model_validate(raw)
    except ValidationError as error:
        raise _said(error, where) from None
    for table, fields in (("columns", mapping.columns), ("constants", mapping.constants)):
        for name in fields:
            if name not in FIELDS:
                raise UnknownName("field", name, FIELDS, where=f"[{table}] of {where}")
    for name in mapping.columns:
        if name in mapping.constants:
            raise TableError(f"{where}: `{name}` is a column and a constant; keep one")
    _check_words(mapping, where)
    _check_constants(mapping, where)
    _require(mapping, where)
    return mapping


def _said(error: ValidationError, where: str) -> TableError:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][:3])
    if first["type"] == "extra_forbidden":
        sections: dict[str, type[BaseModel]] = {"dates": Dates, "file": FileHints}
        model = sections.get(str(first["loc"][0]), ColumnMap) if len(first["loc"]) > 1 else ColumnMap
        return TableError(str(UnknownName("key", str(first["loc"][-1]), model.model_fields, where=where)))
    return TableError(f"{where}: `{place}` is {first['input']!r}: {first['msg']}")


def _check_words(mapping: ColumnMap, where: str) -> None:
    for kind, table in mapping.words.items():
        if kind not in WORD_KINDS:
            raise UnknownName("kind of word", kind, WORD_KINDS, where=f"[words] of {where}")
        for ours in table.values():
            _require_word(kind, ours, f"[words.{kind}] of {where}")
    for ours in mapping.roles.values():
        _require_word("role", ours, f"[roles] of {where}")


def _require_word(kind: str, ours: str, where: str) -> None:
    if folded(ours) not in meanings(WORD_KINDS[kind]):
        raise UnknownName(kind, ours, [member.name for member in WORD_KINDS[kind]], where=where)


def _check_constants(mapping: ColumnMap, where: str) -> None:
    for name, value in mapping.constants.items():
        read = READERS[FIELDS[name].kind](value, mapping.hints())
        if read.reason or read.value is None:
            nearest = f"; closest: {read.closest}" if read.closest else ""
            raise TableError(
                f"{where}: constant `{name}` is {value!r}: {read.reason or 'says nothing'}{nearest}"
            )


def _require(mapping: ColumnMap, where: str) -> None:
    needed = (
        (("event",), "what happened"),
        (("event_day",), "when it happened"),
        (("unit", "vehicle"), "to which battery or vehicle"),
        (("actor", "actor_code"), "who did it"),
    )
    for fields, what in needed:
        if not any(mapping.has(field) for field in fields):
            names = " or ".join(f"`{field}`" for field in fields)
            raise TableError(
                f"{where}: nothing says {what}: {names} is missing from [columns] and [constants]"
            )
    if not mapping.has("actor_role") and not mapping.roles:
        raise TableError(
            f"{where}: nothing says what kind of company acts: `actor_role` is missing from [columns] and "
            "[constants], and there are no [roles] either. One company's own log has "
            'e.g. actor_role = "CU" in [constants].'
        )


# Proposing one


@dataclass(frozen=True)
class Suggestion:
    """A mapping proposed for the columns of a file.

    Attributes:
        placed: our field -> their column.
        guessed: those of `placed` whose header is only like one that is known.
        unplaced: their columns that fit nothing -> the fields that come nearest.
        missing: fields that every row needs and no column gives, in words.
        words: kind of word -> words in the file that are not known -> the nearest of ours.
    """

    placed: dict[str, str]
    guessed: frozenset[str]
    unplaced: dict[str, tuple[str, ...]]
    missing: tuple[str, ...]
    words: dict[str, dict[str, str]]

    def toml(self) -> str:
        """Return the mapping as a TOML file, with comments where a person must look."""
        lines = ["# our field = your column; check each line, above all the guessed ones", "[columns]"]
        for name, theirs in self.placed.items():
            guess = "   # guessed" if name in self.guessed else ""
            lines.append(f"{name} = {_quoted(theirs)}{guess}")
        if self.unplaced:
            lines += ["", "# not placed (what comes nearest):"]
            lines += [
                f"# {_quoted(theirs)}{'  -> ' + ', '.join(near) if near else ''}"
                for theirs, near in self.unplaced.items()
            ]
        lines += ["", "[constants]   # what all rows say, where no column does"]
        lines += [f"# {said}" for said in self.missing]
        if "record_day" not in self.placed:
            lines += [
                "# no column tells when the platform was told (record_day): deadlines cannot be audited"
            ]
        for kind, table in self.words.items():
            lines += ["", f"[words.{kind}]   # words of this file that are not known: say what they mean"]
            lines += [
                f"# {_quoted(theirs)} = {_quoted(near or kind.upper())}" for theirs, near in table.items()
            ]
        return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'


def header_key(header: str) -> str:
    """Return *header* as headers are compared: folded, without marks of required columns.

    >>> header_key(" 电池编码（必填）* ")
    '电池编码'
    """
    return re.sub(r"[*:：#]|\((必填|选填|required|optional)\)", "", folded(header))


@cache
def known_headers() -> dict[str, str]:
    """Return header key -> field, for every header in either language."""
    known: dict[str, str] = {}
    for field in FIELDS.values():
        for header in (field.name, field.zh, field.en, *field.headers):
            known.setdefault(header_key(header), field.name)
    return known


def suggest(headers: Sequence[str], samples: Mapping[str, Iterable[str]]) -> Suggestion:
    """Return the mapping that *headers* suggest.

    Args:
        headers: their columns.
        samples: column -> some of the texts that stand in it, to find words that are not known.
    """
    known = known_headers()
    placed: dict[str, str] = {}
    for header in headers:
        name = known.get(header_key(header))
        if header.strip() and name is not None:
            placed.setdefault(name, header)
    guessed = set()
    for header in headers:
        if not header.strip() or header in placed.values():
            continue
        near = get_close_matches(header_key(header), list(known), n=1, cutoff=0.75)
        if near and known[near[0]] not in placed:
            placed[known[near[0]]] = header
            guessed.add(known[near[0]])
    unplaced = {
        header: tuple(dict.fromkeys(known[near] for near in closest(header_key(header), known)))
        for header in headers
        if header.strip() and header not in placed.values()
    }
    ordered = {name: placed[name] for name in FIELDS if name in placed}
    return Suggestion(ordered, frozenset(guessed), unplaced, _missing(ordered), _strange(ordered, samples))


def _missing(placed: Mapping[str, str]) -> tuple[str, ...]:
    needed = {
        "event": 'event = "RECEIVE"',
        "event_day": "event_day: when it happened; no column was found",
        "unit": "unit: the battery code; no column was found",
        "actor": 'actor = "…有限公司"',
        "actor_role": 'actor_role = "CU"',
    }
    instead = {"unit": "vehicle", "actor": "actor_code"}
    return tuple(
        said for name, said in needed.items() if name not in placed and instead.get(name) not in placed
    )


def _strange(placed: Mapping[str, str], samples: Mapping[str, Iterable[str]]) -> dict[str, dict[str, str]]:
    strange: dict[str, dict[str, str]] = {}
    for name, theirs in placed.items():
        kind = FIELDS[name].kind
        if kind in WORD_KINDS:
            for word in samples.get(theirs, ()):
                read = READERS[kind](word, Hints())
                if read.reason:
                    strange.setdefault(kind, {})[word] = read.closest.split(" or ")[0]
    return strange
