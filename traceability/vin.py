"""Vehicle identification numbers (ISO 3779, GB 16735) <-> their parts; nobody else takes one apart.

    maker (WMI) 3 · descriptor 5 · check digit · model year · plant · serial 6

The descriptor is positions 4-8.  ISO 3779 leaves the check digit at position 9 free; GB 16735 asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase, digits

import numpy as np

from traceability.errors import CodeError
from traceability.lettering import (
    Bytes,
    Field,
    Matrix,
    Numbers,
    Text,
    digit_columns,
    joined,
    quoted,
    refuse_characters,
    require_range,
    text_columns,
    tidied,
)

_NEVER = "IOQ"
CHARACTERS = digits + "".join(letter for letter in ascii_uppercase if letter not in _NEVER)
"""The 33 characters of a VIN."""

YEAR = "ABCDEFGHJKLMNPRSTVWXY123456789"
"""Model years 2010 … 2039, and so every thirty years: the letter does not tell which thirty."""

FIRST_YEAR = 2010
LENGTH = 17

CHECK = digits + "X"
WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
VALUES = dict(zip(digits, range(10), strict=True)) | dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True)
)
"""Character -> its value in the check sum (position 9 has weight 0)."""

_MILLION = 1_000_000
SERIALS = _MILLION * len(CHARACTERS) ** 2
"""How many VINs one maker, descriptor and model year have: six digits, plant, the descriptor's last."""

FIELDS = (
    Field("WMI", 3, CHARACTERS, _NEVER),
    Field("descriptor", 5, CHARACTERS, _NEVER),
    Field("check digit", 1, CHECK),
    Field("model year", 1, YEAR, "IOQUZ0"),
    Field("plant", 1, CHARACTERS, _NEVER),
    Field("serial", 6, CHARACTERS, _NEVER),
)
_WMI, _DESCRIPTOR, _, _, _PLANT, _ = FIELDS


@dataclass(frozen=True, slots=True)
class Vin:
    """A vehicle identification number, taken apart.

    Attributes:
        text: all 17 characters.
        wmi: world manufacturer identifier, positions 1-3.
        descriptor: positions 4-8.
        check_digit: position 9, as printed and as it must be.
        model_year: of position 10, read in the cycle that `parse` was told to read it in.
        plant: position 11.
        serial: positions 12-17; digits as this program writes them, letters among them with some makers.
    """

    text: str
    wmi: str
    descriptor: str
    check_digit: str
    model_year: int
    plant: str
    serial: str


def check_digit(text: str) -> str:
    """Return the character that belongs at position 9 of *text*, whatever stands there now.

    Source: 49 CFR 565.15(c); GB 16735 has the same values and weights.

    >>> check_digit("1M8GDM9A_KP042788")
    'X'

    Raises:
        CodeError: another length, or a character that no VIN has.
    """
    _refuse_length(text)
    blank = f"{text[:8]}0{text[9:]}"
    refuse_characters(blank, (Field("VIN", LENGTH, CHARACTERS, _NEVER),))
    return CHECK[sum(VALUES[c] * weight for c, weight in zip(blank, WEIGHTS, strict=True)) % 11]


def parse(text: str, *, first_year: int = FIRST_YEAR) -> Vin:
    """Return the parts of a VIN.

    Args:
        text: 17 characters.
        first_year: first of the thirty years in which the model year is looked for.

    Raises:
        CodeError: *text* is no VIN: which position, which character, what is allowed, the right check digit.

    >>> parse("LZZTEST19SA000042").model_year
    2025
    """
    try:
        return _parse(text, first_year)
    except CodeError:
        if tidied(text) != text and is_valid(tidied(text)):
            raise CodeError(
                f"{quoted(text)}: a VIN is written in capital letters and digits of ASCII, without spaces; "
                f"did you mean `{tidied(text)}`?"
            ) from None
        raise


def is_valid(text: str) -> bool:
    """Return whether *text* is a VIN with the right check digit."""
    try:
        _parse(text, FIRST_YEAR)
    except CodeError:
        return False
    return True


def _parse(text: str, first_year: int) -> Vin:
    _refuse_length(text)
    refuse_characters(text, FIELDS)
    right = check_digit(text)
    if text[8] != right:
        raise CodeError(
            f"{quoted(text)}: position 9 (check digit): `{text[8]}` does not fit the other characters, "
            f"`{right}` does; one of them is wrong, or did you mean `{text[:8]}{right}{text[9:]}`?"
        )
    cycle = len(YEAR)
    return Vin(
        text=text,
        wmi=text[:3],
        descriptor=text[3:8],
        check_digit=right,
        model_year=first_year + (FIRST_YEAR + YEAR.index(text[9]) - first_year) % cycle,
        plant=text[10],
        serial=text[11:],
    )


def _refuse_length(text: str) -> None:
    if len(text) != LENGTH:
        raise CodeError(f"{quoted(text)} has {len(text)} characters; a VIN has {LENGTH}")


def _bytes(characters: str) -> Matrix:
    return np.frombuffer(characters.encode(), dtype=np.uint8)


def _places(column: Matrix) -> Matrix:
    """Return uint8[k], the place in CHARACTERS of each byte."""
    table = np.zeros(256, dtype=np.uint8)
    table[_bytes(CHARACTERS)] = range(len(CHARACTERS))
    return table[column]


def format_vins(*, wmi: Text, descriptor: Text, model_year: Numbers, plant: Text, serial: Numbers) -> Bytes:
    """Return S17[n], VINs with their check digits.  Each argument is one value for all, or n of them.

    A serial number has six digits.  From 1,000,000 on, each further million takes the next plant character
    (after Z comes 0), and when all 33 have been through, the next last character of the descriptor.  So all
    serial numbers of one WMI, descriptor, model year and plant give different VINs.  Two plants stay apart as
    long as neither passes 999,999, two descriptors that differ in the last character alone as long as neither
    passes 32,999,999: a maker of more gives one plant and one descriptor to all of a year.

    Args:
        wmi, descriptor, plant: 3, 5 and 1 digits or capital letters, without I, O and Q.
        model_year: int[n]; the letters are the same every thirty years.
        serial: int[n], 0 to 1,088,999,999.

    Raises:
        CodeError: a value that cannot be written.

    >>> format_vins(wmi="LZZ", descriptor="TEST1", model_year=2025, plant="A", serial=1_000_042)
    array([b'LZZTEST16SB000042'], dtype='|S17')
    """
    require_range(serial, 0, SERIALS - 1, "serial number")
    require_range(model_year, 1980, 9999, "model year")
    millions, number = np.divmod(np.atleast_1d(np.asarray(serial)).astype(np.int64), _MILLION)
    rounds, plants = np.divmod(millions, len(CHARACTERS))
    described = text_columns(descriptor, _DESCRIPTOR)
    columns = [
        text_columns(wmi, _WMI),
        described[:, :4],
        _advanced(described[:, 4], rounds),
        _bytes("0").reshape(1, 1),
        _bytes(YEAR)[(np.atleast_1d(np.asarray(model_year)) - FIRST_YEAR) % len(YEAR)].reshape(-1, 1),
        _advanced(text_columns(plant, _PLANT)[:, 0], plants),
        digit_columns(number, 6),
    ]
    vins = joined(columns)
    matrix = vins.view(np.uint8).reshape(-1, LENGTH)
    matrix[:, 8] = _check_bytes(matrix)
    return vins


def _advanced(column: Matrix, by: Numbers) -> Matrix:
    """Return uint8[n, 1], the characters so many places after those of *column*, round and round."""
    if not np.any(by):
        return column.reshape(-1, 1)
    advanced: Matrix = _bytes(CHARACTERS)[(_places(column) + np.asarray(by)) % len(CHARACTERS)]
    return advanced.reshape(-1, 1)


def _check_bytes(matrix: Matrix) -> Matrix:
    """Return uint8[n], the check digits of uint8[n, 17]."""
    value = np.zeros(256, dtype=np.uint16)
    value[_bytes("".join(VALUES))] = list(VALUES.values())
    total = np.zeros(len(matrix), dtype=np.uint16)
    for column, weight in enumerate(WEIGHTS):
        total += value[matrix[:, column]] * np.uint16(weight)
    digit: Matrix = _bytes(CHECK)[total % 11]
    return digit
