"""One cell of somebody's table -> what it says here, what was changed to read it, or why it cannot be read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import NamedTuple, TypeAlias

from traceability.imports.words import NOTHING

Cell: TypeAlias = "str | int | float | bool | date | datetime | time | None"
"""What a file has in one place; CSV has texts alone."""

FULL_WIDTH = "full-width or compatibility characters"
SPACES = "spaces or invisible characters"
LOWER = "small letters"
APOSTROPHE = "apostrophe before a text"
TEXT_FORMULA = 'text written as ="…"'
SERIAL = "day as a serial number of the spreadsheet"
TIME_OF_DAY = "time of day left out"
ZONE = "time of another zone, told as a day of China"
THOUSANDS = "thousands separators"
UNIT = "unit beside a number"
NOTHING_SAID = "word or sign for an empty cell"
CHECK_DIGIT = "VIN whose check digit does not fit (taken as it stands)"
DAY_FIRST = "day before month, or month before day"

EXACT_DIGITS = 15
"""Of a number, that a spreadsheet keeps."""

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!"))


class Reading(NamedTuple):
    """What a cell came to.

    Attributes:
        value: a number or a text; None for an empty cell, and for one that cannot be read.
        notes: what was changed to read it.
        reason: why it cannot be read; empty where it can.
        closest: the nearest that could have stood there; may be empty.
    """

    value: int | str | None
    notes: tuple[str, ...] = ()
    reason: str = ""
    closest: str = ""


BLANK = Reading(None)


@dataclass(frozen=True)
class Hints:
    """What a mapping says of the cells of a file.

    Attributes:
        order: "dmy" or "mdy" for days like 05/06/2026; None refuses those that can be read both ways.
        epoch: 1900 or 1904, the first year of the spreadsheet's serial days.
        words: kind -> their word, folded -> our number.
    """

    order: str | None = None
    epoch: int = 1900
    words: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def refused(reason: str, nearest: str = "") -> Reading:
    """Return that a cell cannot be read, why, and the nearest that could have stood there."""
    return Reading(None, reason=reason, closest=nearest)


# Texts


def text_of(cell: Cell) -> Reading:
    """Return the text of *cell*, half width, without spaces around it; numbers as their digits.

    >>> text_of("ＡＢ１ ")[:2]
    ('AB1', ('full-width or compatibility characters', 'spaces or invisible characters'))
    """
    if cell is None:
        return BLANK
    if not isinstance(cell, str):
        return _text_of_value(cell)
    if not cell:
        return BLANK
    if cell.isascii() and cell.isprintable() and cell[0] not in " ='#-/\\" and cell[-1] != " ":
        return Reading(None, (NOTHING_SAID,)) if len(cell) < 5 and cell.lower() in NOTHING else Reading(cell)
    return _text_of_odd(cell)


def _text_of_value(cell: int | float | bool | date | time) -> Reading:
    if isinstance(cell, bool):
        return Reading("TRUE" if cell else "FALSE")
    if isinstance(cell, float):
        if cell != cell or cell in (float("inf"), float("-inf")):
            return refused("not a number")
        cell = int(cell) if cell.is_integer() else cell
    if isinstance(cell, int) and abs(cell) >= 10**EXACT_DIGITS:
        return refused(
            f"a number of more than {EXACT_DIGITS} digits, of which a spreadsheet keeps no more; "
            "the digits cannot be restored: export the column as text"
        )
    return Reading(str(cell))


def _text_of_odd(cell: str) -> Reading:
    notes = []
    text = cell
    if text.startswith('="') and text.endswith('"') and len(text) > 2 and '"' not in text[2:-1]:
        text = text[2:-1]
        notes.append(TEXT_FORMULA)
    elif text.lstrip()[:1] == "=":
        return refused("a formula; formulas are not run", "the value that it shows, saved as a value")
    if text.startswith("'"):
        text = text[1:]
        notes.append(APOSTROPHE)
    wide = unicodedata.normalize("NFKC", text)
    if "".join(wide.split()) != "".join(text.split()):
        notes.append(FULL_WIDTH)
    bare = _INVISIBLE.sub("", wide).strip()
    if not bare:
        return BLANK
    if bare != wide:
        notes.append(SPACES)
    if bare.upper() in _ERRORS:
        return refused(f"an error value of the spreadsheet, {bare}")
    if bare.casefold() in NOTHING:
        return Reading(None, (NOTHING_SAID,))
    if any(unicodedata.category(letter) == "Cc" and letter not in "\n\r\t" for letter in bare):
        return refused("holds a control character")
    return Reading(bare, tuple(notes))
