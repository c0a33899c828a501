"""Texts of fixed fields, and many of them at once as matrices of bytes: what battery codes and VINs share.

A column is uint8[k, width], ASCII: a row for each of k texts, or one row that stands for all.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from traceability.errors import CodeError

Bytes: TypeAlias = npt.NDArray[np.bytes_]
Matrix: TypeAlias = npt.NDArray[np.uint8]
Text: TypeAlias = "str | bytes | Bytes"
Numbers: TypeAlias = "int | npt.NDArray[np.integer]"

NOWHERE = 255
"""What `places_in` has for a character that is not among them."""

_LOOKS_LIKE = {"O": "0", "Q": "0", "I": "1"}


@dataclass(frozen=True, slots=True)
class Field:
    """Characters that belong together: what they say, how many, which are allowed, which never are."""

    name: str
    width: int
    allowed: str
    never: str = ""


# What a message needs


def shown(allowed: str) -> str:
    """Return the characters of *allowed* as a person writes them.

    >>> shown("123456789ABCDEFGHJP")
    '1-9, A-H, J, P'
    """
    runs: list[str] = []
    for character in sorted(allowed):
        if runs and ord(character) == ord(runs[-1][-1]) + 1:
            runs[-1] = runs[-1][0] + character
        else:
            runs.append(character)
    return ", ".join("-".join(run) for run in runs)


def tidied(text: str) -> str:
    """Return *text* as it was probably meant: ASCII, capitals, no spaces."""
    return "".join(unicodedata.normalize("NFKC", text).upper().split())


def quoted(text: str) -> str:
    """Return *text* as a message can hold it: one line, not too long."""
    visible = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return f"`{visible}`" if len(visible) <= 40 else f"`{visible[:39]}…`"


def refuse_characters(text: str, fields: tuple[Field, ...]) -> None:
    """Raise CodeError for the first character of *text*, as long as its *fields*, that is not allowed."""
    by_place = [field for field in fields for _ in range(field.width)]
    for position, (character, field) in enumerate(zip(text, by_place, strict=True), start=1):
        if character not in field.allowed:
            never, meant = field.never, _LOOKS_LIKE.get(character, "-")
            raise CodeError(
                f"{quoted(text)}: position {position} ({field.name}): {quoted(character)} is not allowed; "
                + shown(field.allowed)
                + (f"; {', '.join(never[:-1])} and {never[-1]} are never used" if character in never else "")
                + (f"; did you mean `{meant}`?" if meant in field.allowed else "")
            )


# Many at once


@cache
def places_in(characters: str) -> Matrix:
    """Return uint8[256]: for the byte of each character its place in *characters*, NOWHERE for all others."""
    table = np.full(256, NOWHERE, dtype=np.uint8)
    table[list(characters.encode())] = range(len(characters))
    return table


def text_columns(text: Text, field: Field) -> Matrix:
    """Return uint8[k, width], the bytes of one text (k = 1) or of an array of them (S[k]).

    Raises:
        CodeError: a text of another length, or with a character that the field does not allow.
    """
    given = np.atleast_1d(np.asarray(text))
    # what is not ASCII becomes `?`, which no field allows
    array = np.char.encode(given, "ascii", "replace") if given.dtype.kind == "U" else given
    matrix = array.astype(f"S{field.width}").view(np.uint8).reshape(-1, field.width)
    known = places_in(field.allowed)[matrix] != NOWHERE
    whole = array.dtype.itemsize <= field.width or np.strings.str_len(array) == field.width
    if not (known.all() and np.all(whole)):
        right = known.all(axis=1) & whole
        bad = given[right.argmin()]
        raise CodeError(
            f"{field.name} {quoted(bad.decode('ascii', 'replace') if isinstance(bad, bytes) else str(bad))}: "
            f"expected {field.width} character{'s' * (field.width > 1)} of {shown(field.allowed)}"
        )
    return matrix


def digit_columns(numbers: Numbers, width: int) -> Matrix:
    """Return uint8[k, width], the ASCII digits of numbers from 0 to 10**width - 1, with leading zeros."""
    rest = np.atleast_1d(np.asarray(numbers)).astype(np.uint32)
    matrix = np.empty((rest.size, width), dtype=np.uint8)
    for column in reversed(range(width)):
        rest, digit = np.divmod(rest, np.uint32(10))
        matrix[:, column] = digit + ord("0")
    return matrix


def joined(columns: list[Matrix]) -> Bytes:
    """Return S[n]: the columns side by side, those of one row repeated for all n."""
    n = np.broadcast_shapes(*(part.shape[:1] for part in columns))[0]
    out = np.empty((n, sum(part.shape[1] for part in columns)), dtype=np.uint8)
    start = 0
    for part in columns:
        out[:, start : start + part.shape[1]] = part
        start += part.shape[1]
    return out.view(f"S{start}").reshape(n)


def require_range(numbers: Numbers, lowest: int, highest: int, what: str) -> None:
    """Raise CodeError unless all of *numbers* are from *lowest* to *highest*."""
    array = np.atleast_1d(np.asarray(numbers))
    outside = (array < lowest) | (array > highest)
    if outside.any():
        raise CodeError(f"{what} {array[outside.argmax()]}: expected {lowest} to {highest}")
