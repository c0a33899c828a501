"""Battery codes of GB/T 34014-2017 <-> their parts; nobody else takes one apart.

    new      24   maker 3 · level · type · specification 2 · trace 7 · year · month · day · serial 7
    reused   19   maker 3 · level · type · specification 2 · year · month · day · serial 7 · R · level
    long     26   a new code and two characters more: seen, not confirmed; read with a warning, never written

Sources: docs/regulation.md, section 3.  The 19-character form is as Catena-X publishes it; that the two last
characters of the 26-character form are R and level as well is `assumed`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum, IntFlag
from functools import cache
from string import ascii_uppercase, digits

import numpy as np
import numpy.typing as npt

from traceability.errors import CodeError
from traceability.events import NULL, day_number
from traceability.lettering import (
    NOWHERE,
    Bytes,
    Field,
    Matrix,
    Numbers,
    Text,
    digit_columns,
    joined,
    places_in,
    quoted,
    refuse_characters,
    require_range,
    shown,
    text_columns,
    tidied,
)
from traceability.vocabulary import Chemistry, Level

# The letters.  Each table is written down here and nowhere else.

YEAR = "123456789ABCDEFGHJKLMNPRSTVWXY"
"""2011 … 2040.  Verified to 2028; contested after 2036; that they begin again in 2041 is grade K."""

MONTH = "123456789ABC"

DAY = YEAR + "0"
"""1 … 31.  Contested for 27 and 28: a table in circulation has U and V where this one has V and W."""

FIRST_YEAR = 2011
LAST_YEAR = FIRST_YEAR + len(YEAR) - 1

LEVEL_LETTER = {Level.PACK: "P", Level.MODULE: "M", Level.CELL: "C"}
LEVEL_OF = {letter: level for level, letter in LEVEL_LETTER.items()}

CHEMISTRY_OF = {
    "A": Chemistry.NIMH,
    "B": Chemistry.LFP,
    "C": Chemistry.LMO,
    "D": Chemistry.LCO,
    "E": Chemistry.NCM,
    "F": Chemistry.OTHER,  # supercapacitor
    "G": Chemistry.LTO,
    "Z": Chemistry.OTHER,
}
"""Battery type letter -> chemistry.  B and E are verified, the others grade K."""

TYPE_LETTER = {of: letter for letter, of in CHEMISTRY_OF.items()} | {Chemistry.SOLID_STATE: "Z"}
"""Chemistry -> battery type letter.  Z, other, stands for solid state too, and is read as OTHER."""

_VERIFIED_TYPES = "BE"
_CONTESTED_DAYS = "VW"
_CONTESTED_YEARS = "VWXY"
_NEVER = "".join(sorted(set(ascii_uppercase) - set(YEAR)))
_IN_FORCE = date(2018, 2, 1)
_ANY = digits + ascii_uppercase


class Form(IntEnum):
    """The forms a code has; the number is its length."""

    NEW = 24
    REUSED = 19
    REUSED_LONG = 26


class Fault(IntFlag):
    """What is wrong with a code, as the registry writes it beside the code; 0 is nothing."""

    SYNTAX = 1
    SENSE = 2
    FORM = 4


_HEAD = (
    Field("maker", 3, _ANY),
    Field("level", 1, "".join(LEVEL_OF)),
    Field("battery type", 1, ascii_uppercase),  # whether the letter is one that is known is a matter of sense
    Field("specification", 2, _ANY),
)
_TRACE = Field("trace", 7, _ANY)
_MADE = (
    Field("year", 1, YEAR, _NEVER),
    Field("month", 1, MONTH, _NEVER),
    Field("day", 1, DAY, _NEVER),
    Field("serial", 7, digits),
)
_AGAIN = (Field("reuse mark", 1, "R"), Field("level again", 1, "".join(LEVEL_OF)))

FIELDS: dict[Form, tuple[Field, ...]] = {
    Form.NEW: (*_HEAD, _TRACE, *_MADE),
    Form.REUSED: (*_HEAD, *_MADE, *_AGAIN),
    Form.REUSED_LONG: (*_HEAD, _TRACE, *_MADE, *_AGAIN),
}
"""Form -> its fields in order."""


@dataclass(frozen=True, slots=True)
class BatteryCode:
    """A battery code, taken apart.

    Attributes:
        text: the code as printed.
        form: new or reused.
        maker: code of the manufacturer.
        level: PACK, MODULE or CELL.
        chemistry, type_letter: kind of battery, and the letter that says so.
        specification: the maker's, filed.
        trace: seven characters of the maker's, filed; empty in the 19-character form.
        made_on: day of production (of a reused product, the day it was remade), in 2011-2040.
        serial: of that day, from 1.
        warnings: what was accepted although it is doubtful that the standard says so.
    """

    text: str
    form: Form
    maker: str
    level: Level
    chemistry: Chemistry
    type_letter: str
    specification: str
    trace: str
    made_on: date
    serial: int
    warnings: tuple[str, ...]


@cache
def _places(form: Form) -> dict[str, slice]:
    """Return where each field of *form* stands."""
    places, start = {}, 0
    for field in FIELDS[form]:
        places[field.name] = slice(start, start + field.width)
        start += field.width
    return places


def place_of(name: str, form: Form) -> slice:
    """Return where the field called *name* stands in a code of *form*."""
    return _places(form)[name]


# Reading one


def parse(text: str) -> BatteryCode:
    """Return the parts of a printed code.

    Raises:
        CodeError: *text* is no code of the standard: which position, which character, what is allowed.

    >>> code = parse("ZZ9PB1AA0B1234G410000042")
    >>> code.level.name, code.chemistry.name, code.made_on.isoformat(), code.serial
    ('PACK', 'LFP', '2026-04-01', 42)
    """
    try:
        return _parse(text)
    except CodeError:
        if tidied(text) != text and not fault(tidied(text)) & (Fault.SYNTAX | Fault.SENSE):
            raise CodeError(
                f"{quoted(text)}: a code is written in capital letters and digits of ASCII, without spaces; "
                f"did you mean `{tidied(text)}`?"
            ) from None
        raise


def _parse(text: str) -> BatteryCode:
    form = _form(text)
    refuse_characters(text, FIELDS[form])
    place = _places(form)
    part = {name: text[at] for name, at in place.items()}

    def wrong(name: str, reason: str) -> CodeError:
        return CodeError(
            f"{quoted(text)}: position {place[name].start + 1} ({name}): `{part[name]}` {reason}"
        )

    if part["battery type"] not in CHEMISTRY_OF:
        raise wrong("battery type", f"is no known battery type; {shown(''.join(CHEMISTRY_OF))}")
    year, month = FIRST_YEAR + YEAR.index(part["year"]), 1 + MONTH.index(part["month"])
    try:
        made_on = date(year, month, 1 + DAY.index(part["day"]))
    except ValueError:
        raise wrong(
            "day", f"is day {1 + DAY.index(part['day'])}, which {year}-{month:02} does not have"
        ) from None
    if not int(part["serial"]):
        raise wrong("serial", "is not allowed; the serial number of a day begins with 0000001")
    if part.get("level again", part["level"]) != part["level"]:
        raise wrong("level again", f"does not agree with `{part['level']}` at position 4 (level)")
    return BatteryCode(
        text=text,
        form=form,
        maker=part["maker"],
        level=LEVEL_OF[part["level"]],
        chemistry=CHEMISTRY_OF[part["battery type"]],
        type_letter=part["battery type"],
        specification=part["specification"],
        trace=part.get("trace", ""),
        made_on=made_on,
        serial=int(part["serial"]),
        warnings=_warnings(form, part, made_on),
    )


def _form(text: str) -> Form:
    if "-" in text:
        raise CodeError(
            f"{quoted(text)}: `-` at position {text.index('-') + 1} looks like a code of GB/T 45565-2025 "
            "(other lithium-ion batteries, storage equipment), which is not one of GB/T 34014-2017"
        )
    if len(text) not in list(Form):
        raise CodeError(
            f"{quoted(text)} has {len(text)} characters; a code of GB/T 34014-2017 has 24 (new product) or "
            "19 (reused product); 26 (24 and two more, reused) are accepted with a warning"
        )
    return Form(len(text))


def _warnings(form: Form, part: dict[str, str], made_on: date) -> tuple[str, ...]:
    warnings = []
    if form is Form.REUSED_LONG:
        warnings.append(
            "26 characters: the standard's text on this form was not seen; 19 are what is published"
        )
    if (letter := part["battery type"]) not in _VERIFIED_TYPES:
        warnings.append(f"battery type `{letter}`: only B and E are verified; the other letters are grade K")
    if part["year"] in _CONTESTED_YEARS:
        warnings.append(f"year `{part['year']}`: the letters of years after 2036 are contested")
    if part["day"] in _CONTESTED_DAYS:
        warnings.append(f"day `{part['day']}`: the letters of days 27 and 28 are contested")
    if form is Form.NEW and made_on < _IN_FORCE:
        warnings.append(f"made on {made_on}, before the standard was in force ({_IN_FORCE})")
    return tuple(warnings)


def describe(code: BatteryCode) -> dict[str, object]:
    """Return *code* in words that JSON can hold."""
    return {
        "code": code.text,
        "form": "new" if code.form is Form.NEW else "reused",
        "maker": code.maker,
        "level": code.level.name,
        "type_letter": code.type_letter,
        "chemistry": code.chemistry.name,
        "specification": code.specification,
        "trace": code.trace or None,
        "made_on": code.made_on.isoformat(),
        "serial": code.serial,
        "warnings": list(code.warnings),
    }


# Judging many


@cache
def _real_days() -> npt.NDArray[np.bool_]:
    """Return bool[year, month, day]: is there such a day?"""
    real = np.zeros((len(YEAR), len(MONTH), len(DAY)), dtype=np.bool_)
    for day in _every_day():
        real[day.year - FIRST_YEAR, day.month - 1, day.day - 1] = True
    return real


def _every_day() -> list[date]:
    first = date(FIRST_YEAR, 1, 1)
    return [first + timedelta(days=n) for n in range((date(LAST_YEAR + 1, 1, 1) - first).days)]


def fault(text: str, level: Level | None = None) -> int:
    """Return what is wrong with *text*: a sum of `Fault`, 0 for a good code (of this *level*, if given).

    A level that has no letter in the standard (a product, a lot) is not compared.
    """
    if not text.isascii() or "\0" in text:
        return int(Fault.SYNTAX)
    return int(faults(np.array([text], dtype=np.bytes_), level)[0])


def faults(codes: Bytes, level: Numbers | None = None) -> Matrix:
    """Return uint8[n], what is wrong with each of *codes* as `fault` tells it.

    Args:
        codes: S[n], of any length.
        level: a Level, of all or of each (int[n]), with which the level letter must agree.
    """
    result = np.full(codes.shape, Fault.SYNTAX, dtype=np.uint8)
    length = np.char.str_len(codes)
    for form in Form:
        rows = np.flatnonzero(length == form)
        if not rows.size:
            continue
        characters = codes[rows].astype(f"S{form}").view(np.uint8).reshape(-1, form)
        written = np.ones(rows.size, dtype=np.bool_)
        for field, place in zip(FIELDS[form], _places(form).values(), strict=True):
            allowed = places_in(field.allowed) != NOWHERE
            for column in range(place.start, place.stop):
                written &= allowed[characters[:, column]]
        rows, characters = rows[written], characters[written]
        wanted = level if level is None or np.ndim(level) == 0 else np.asarray(level)[rows]
        senseless = ~_makes_sense(characters, form, wanted)
        result[rows] = senseless * np.uint8(Fault.SENSE) + np.uint8(
            Fault.FORM if form is Form.REUSED_LONG else 0
        )
    return result


def told(codes: Bytes) -> tuple[Matrix, Matrix, npt.NDArray[np.int32]]:
    """Return uint8[n] Level, uint8[n] Chemistry and int32[n] day of production that each good code tells.

    A reused product is a PRODUCT, whatever its letter.  A code with a fault tells 0, 0 and NULL.

    >>> [int(column[0]) for column in told(np.array([b"ZZ9PB1AA0B1234G410000042"]))]
    [1, 1, 20544]
    """
    level, chemistry = np.zeros(codes.shape, dtype=np.uint8), np.zeros(codes.shape, dtype=np.uint8)
    made = np.full(codes.shape, NULL, dtype=np.int32)
    length, good = np.char.str_len(codes), faults(codes) & (Fault.SYNTAX | Fault.SENSE) == 0
    kinds = np.array(list(CHEMISTRY_OF.values()), dtype=np.uint8)
    levels = np.array(list(LEVEL_OF.values()), dtype=np.uint8)
    for form in Form:
        rows = np.flatnonzero(good & (length == form))
        characters = codes[rows].astype(f"S{form}").view(np.uint8).reshape(-1, form)
        column = {name: characters[:, place.start] for name, place in _places(form).items()}
        printed = levels[places_in("".join(LEVEL_OF))[column["level"]]]
        level[rows] = printed if form is Form.NEW else Level.PRODUCT
        chemistry[rows] = kinds[places_in("".join(CHEMISTRY_OF))[column["battery type"]]]
        year, month, day = (
            places_in(letters)[column[name]].astype(np.int64)
            for name, letters in (("year", YEAR), ("month", MONTH), ("day", DAY))
        )
        months = (FIRST_YEAR + year - 1970) * len(MONTH) + month
        made[rows] = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + day
    return level, chemistry, made


def _makes_sense(characters: Matrix, form: Form, level: Numbers | None) -> npt.NDArray[np.bool_]:
    """Return bool[n] for codes of good syntax, uint8[n, length]."""
    column = {name: characters[:, place.start] for name, place in _places(form).items()}
    made = (
        places_in(letters)[column[name]] for name, letters in (("year", YEAR), ("month", MONTH), ("day", DAY))
    )
    sense = _real_days()[tuple(made)]
    sense &= places_in("".join(CHEMISTRY_OF))[column["battery type"]] != NOWHERE
    sense &= (characters[:, _places(form)["serial"]] != ord("0")).any(axis=1)
    if form is not Form.NEW:
        sense &= column["level"] == column["level again"]
    if level is not None:
        printed = np.array(list(LEVEL_OF.values()), dtype=np.uint8)[
            places_in("".join(LEVEL_OF))[column["level"]]
        ]
        sense &= (printed == level) | ~np.isin(level, list(LEVEL_LETTER))
    return sense


# Writing


@cache
def _date_letters() -> Matrix:
    """Return uint8[days, 3], the letters of every day that can be written."""
    return np.array(
        [
            list(f"{YEAR[day.year - FIRST_YEAR]}{MONTH[day.month - 1]}{DAY[day.day - 1]}".encode())
            for day in _every_day()
        ],
        dtype=np.uint8,
    )


def _date_columns(made_day: Numbers) -> Matrix:
    first, last = day_number(date(FIRST_YEAR, 1, 1)), day_number(date(LAST_YEAR, 12, 31))
    days = np.atleast_1d(np.asarray(made_day)).astype(np.int64)
    outside = (days < first) | (days > last)
    if outside.any():
        raise CodeError(
            f"made on {days[outside.argmax()].astype('M8[D]')}: the year letters are those of "
            f"{FIRST_YEAR} to {LAST_YEAR}; a later year would read as one thirty years before"
        )
    letters: Matrix = _date_letters()[days - first]
    return letters


def _letter_column(
    numbers: Numbers, letters: Mapping[Level, str] | Mapping[Chemistry, str], what: str
) -> Matrix:
    require_range(numbers, 0, 255, what)
    array = np.atleast_1d(np.asarray(numbers))
    table = np.zeros(256, dtype=np.uint8)
    table[[int(number) for number in letters]] = [ord(letter) for letter in letters.values()]
    column: Matrix = table[array]
    if not column.all():
        known = ", ".join(f"{number.name} {int(number)}" for number in letters)
        raise CodeError(
            f"{what} {array[column.argmin()]} has no letter in GB/T 34014-2017; these have: {known}"
        )
    return column.reshape(-1, 1)


def _written(
    maker: Text,
    level: Numbers,
    kind: Matrix,
    specification: Text,
    trace: Text | None,
    made_day: Numbers,
    serial: Numbers,
) -> Bytes:
    """Return S24[n], or S19[n] where there is no *trace*; *kind* is the column of battery type letters."""
    require_range(serial, 1, 9_999_999, "serial number of a day")
    level_column = _letter_column(level, LEVEL_LETTER, "level")
    head = [text_columns(maker, _HEAD[0]), level_column, kind, text_columns(specification, _HEAD[3])]
    made = [_date_columns(made_day), digit_columns(serial, 7)]
    if trace is not None:
        return joined([*head, text_columns(trace, _TRACE), *made])
    return joined([*head, *made, text_columns("R", _AGAIN[0]), level_column])


def format_codes(
    *,
    maker: Text,
    level: Numbers,
    chemistry: Numbers,
    specification: Text,
    trace: Text,
    made_day: Numbers,
    serial: Numbers,
) -> Bytes:
    """Return S24[n], codes of new products.  Each argument is one value for all, or n of them.

    Args:
        maker, specification, trace: 3, 2 and 7 digits or capital letters.
        level: PACK, MODULE or CELL.
        chemistry: a Chemistry; read back, SOLID_STATE is OTHER.
        made_day: days since 1970-01-01, in 2011-2040.
        serial: of that day, 1 to 9,999,999.

    Raises:
        CodeError: a value that cannot be written.

    >>> format_codes(maker="ZZ9", level=Level.PACK, chemistry=Chemistry.LFP, specification="1A",
    ...              trace="A0B1234", made_day=20544, serial=np.array([42, 43]))
    array([b'ZZ9PB1AA0B1234G410000042', b'ZZ9PB1AA0B1234G410000043'],
          dtype='|S24')
    """
    kind = _letter_column(chemistry, TYPE_LETTER, "chemistry")
    return _written(maker, level, kind, specification, trace, made_day, serial)


def format_reused_codes(
    *,
    maker: Text,
    level: Numbers,
    chemistry: Numbers,
    specification: Text,
    made_day: Numbers,
    serial: Numbers,
) -> Bytes:
    """Return S19[n], codes of reused products; arguments and errors are those of `format_codes`."""
    kind = _letter_column(chemistry, TYPE_LETTER, "chemistry")
    return _written(maker, level, kind, specification, None, made_day, serial)


def format_code(
    *, maker: str, level: Level, type_letter: str, specification: str, trace: str, made_on: date, serial: int
) -> str:
    """Return one code, of a reused product where *trace* is empty; `parse` gives these parts back.

    Raises:
        CodeError: a part that cannot be written.
    """
    kind = text_columns(type_letter, Field("battery type", 1, "".join(CHEMISTRY_OF)))
    code = _written(maker, level, kind, specification, trace or None, day_number(made_on), serial)
    return bytes(code[0]).decode()
