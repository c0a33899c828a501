"""What reads the cells of each kind of field: codes, names, words, numbers, days."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from enum import IntEnum
from functools import partial
from typing import TypeAlias

from traceability import vin
from traceability.errors import CodeError
from traceability.imports.cells import (
    CHECK_DIGIT,
    EXACT_DIGITS,
    LOWER,
    SPACES,
    THOUSANDS,
    UNIT,
    Cell,
    Hints,
    Reading,
    refused,
    text_of,
)
from traceability.imports.days import read_day
from traceability.imports.words import AMBIGUOUS, FLAG_WORDS, closest, folded, meanings
from traceability.lettering import tidied
from traceability.vocabulary import Chemistry, EventType, Level, Role, Use

_SCIENTIFIC = re.compile(r"\d(\.\d+)?E\+?\d{1,3}", re.IGNORECASE)
_CODE_LENGTH = 32
_NAME_LENGTH = 128
_CREDIT = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_LARGEST = 10**15


def read_name(cell: Cell, _hints: Hints) -> Reading:
    """Read a company's name."""
    read = text_of(cell)
    if not isinstance(read.value, str):
        return read
    if len(read.value) > _NAME_LENGTH:
        return refused(f"{len(read.value)} characters; a name has at most {_NAME_LENGTH}")
    line = " ".join(read.value.split())
    return read if line == read.value else Reading(line, tuple(dict.fromkeys((*read.notes, SPACES))))


def _letters(cell: Cell) -> Reading:
    """Return the text of a code of whatever kind: capitals, no spaces inside; a mangled number is refused."""
    read = text_of(cell)
    text = read.value
    if not isinstance(text, str):
        if isinstance(cell, int | float) and read.reason:
            return refused(f"{cell:.3G}: {read.reason}")
        return read
    if isinstance(cell, float) or (text[0].isdigit() and _SCIENTIFIC.fullmatch(text)):
        return refused(
            f"a code that a spreadsheet made a number: it keeps {EXACT_DIGITS} digits, "
            "the rest cannot be restored: export the column as text"
        )
    if text.isalnum() and text.isascii() and text.upper() == text:
        return read
    right = tidied(text)
    notes = list(read.notes)
    if "".join(text.split()) != text:
        notes.append(SPACES)
    if text.upper() != text:
        notes.append(LOWER)
    return Reading(right, tuple(dict.fromkeys(notes)))


def read_code(cell: Cell, _hints: Hints) -> Reading:
    """Read a battery code.  One that breaks the standard is taken as it stands: the rules are to see it."""
    read = _letters(cell)
    if isinstance(read.value, str) and len(read.value) > _CODE_LENGTH:
        return refused(f"{len(read.value)} characters; the register holds codes of at most {_CODE_LENGTH}")
    return read


def read_codes(cell: Cell, hints: Hints) -> Reading:
    """Read several codes, apart by semicolons, commas, line ends or 、; they come back apart by semicolons."""
    if not isinstance(cell, str):
        return read_code(cell, hints)
    parts = [read_code(part, hints) for part in re.split(r"[;；,，、\n|]+", cell)]
    for part in parts:
        if part.reason:
            return part
    found = [part.value for part in parts if isinstance(part.value, str)]
    notes = tuple(dict.fromkeys(note for part in parts for note in part.notes))
    return Reading(";".join(dict.fromkeys(found)) or None, notes)


def read_vin(cell: Cell, _hints: Hints) -> Reading:
    """Read a vehicle identification number.  A wrong check digit is noted; any other fault is refused."""
    read = _letters(cell)
    text = read.value
    if not isinstance(text, str) or vin.is_valid(text):
        return read
    try:
        right = vin.check_digit(text)
    except CodeError as error:
        nearest = text.replace("O", "0").replace("Q", "0").replace("I", "1")
        return refused(str(error), nearest if vin.is_valid(nearest) else "")
    meant = text[:8] + right + text[9:]
    if not vin.is_valid(meant):
        try:
            vin.parse(meant)
        except CodeError as error:
            return refused(str(error))
    return Reading(text, (*read.notes, CHECK_DIGIT))


def read_credit(cell: Cell, _hints: Hints) -> Reading:
    """Read a unified social credit code (GB 32100): 18 characters without I, O, S, V and Z."""
    read = _letters(cell)
    if not isinstance(read.value, str) or _CREDIT.fullmatch(read.value):
        return read
    if len(read.value) != 18:
        return refused(f"{len(read.value)} characters; a unified social credit code has 18")
    nearest = read.value.translate(str.maketrans("OIZSV", "01255"))
    return refused("I, O, S, V and Z stand in no unified social credit code; nor do signs", nearest)


# Words


def _read_word(kind: type[IntEnum], cell: Cell, hints: Hints) -> Reading:
    read = text_of(cell)
    if not isinstance(read.value, str):
        return read
    word = folded(read.value)
    own = hints.words.get(kind.__name__, {})
    if word in own:
        return Reading(own[word])
    known = meanings(kind)
    if word in known:
        return Reading(known[word])
    if kind is EventType and word in AMBIGUOUS:
        ways = AMBIGUOUS[word]
        return refused(f"can mean {', '.join(ways)}; [words.event] of the mapping must say which", ways[0])
    nearest = closest(word, {**own, **known})
    names = dict.fromkeys(kind(own.get(near, known.get(near, 0))).name for near in nearest)
    return refused(f"no word for {_ARTICLES[kind]} that is known", " or ".join(names))


_ARTICLES: dict[type[IntEnum], str] = {
    EventType: "an event",
    Role: "a kind of company",
    Level: "a level",
    Chemistry: "a chemistry",
    Use: "a use",
}


def read_flag(cell: Cell, _hints: Hints) -> Reading:
    """Read yes or no as 1 or 0."""
    if isinstance(cell, bool):
        return Reading(int(cell))
    read = text_of(cell)
    if not isinstance(read.value, str):
        return Reading(0) if isinstance(cell, str) and folded(cell) == "无" else read
    word = folded(read.value)
    return Reading(FLAG_WORDS[word]) if word in FLAG_WORDS else refused("neither yes nor no", "是 or 否")


# Numbers


def _read_number(scale: int, cell: Cell, _hints: Hints) -> Reading:
    """Read a number that is not negative, times *scale*, as a whole one."""
    read = text_of(cell)
    if not isinstance(read.value, str):
        return read
    text, notes = read.value, list(read.notes)
    if unit := re.search(
        r"\s*(kwh|kg|千瓦时|千克|公斤|度)$" if scale > 1 else r"\s*(g|克|元|个)$", text, re.I
    ):
        text = text[: unit.start()]
        notes.append(UNIT)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
        notes.append(THOUSANDS)
    try:
        number = Decimal(text) * scale
    except InvalidOperation:
        return refused("no number", text.replace(",", ".") if re.fullmatch(r"\d+,\d+", text) else "")
    if not number.is_finite() or not 0 <= number < _LARGEST:
        return refused(f"{text}: expected a number from 0 to {_LARGEST // scale:,}")
    return Reading(int(number.to_integral_value()), tuple(notes))


Reader: TypeAlias = Callable[[Cell, Hints], Reading]

READERS: dict[str, Reader] = {
    "day": read_day,
    "code": read_code,
    "codes": read_codes,
    "vin": read_vin,
    "name": read_name,
    "credit": read_credit,
    "flag": read_flag,
    "number": partial(_read_number, 1),
    "thousandths": partial(_read_number, 1000),
    "event": partial(_read_word, EventType),
    "role": partial(_read_word, Role),
    "level": partial(_read_word, Level),
    "chemistry": partial(_read_word, Chemistry),
    "use": partial(_read_word, Use),
}
"""Kind of a field -> what reads its cells."""

TEXT_KINDS = frozenset(("code", "codes", "vin", "name", "credit"))
"""Kinds whose values are texts; those of the others are whole numbers."""

WORD_KINDS: dict[str, type[IntEnum]] = {
    "event": EventType,
    "role": Role,
    "level": Level,
    "chemistry": Chemistry,
    "use": Use,
}
"""Kinds that are words -> what they are members of."""
