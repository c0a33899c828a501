"""Tables that people open in a spreadsheet: CSV and XLSX, written so that no cell is taken for a formula.

A text that begins with one of `LIVE` gets an apostrophe in front; numbers stay numbers.
Source: OWASP, CSV Injection; the full-width forms are taken for formulas by spreadsheets in East Asian locales.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

from traceability.errors import TableError

Cell: TypeAlias = "str | int | float | bool | date | None"

LIVE = frozenset("=+-@\t\r\n＝＋－＠")
"""First characters for which a spreadsheet may run what follows."""

MOST_ROWS = 1_048_576
"""Rows of an XLSX sheet, the header among them."""

_MADE_ON = datetime(2000, 1, 1)
"""In the properties of a workbook: the same table is the same file on every day."""

_WIDEST = 60


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook.

    Attributes:
        name: at most 31 characters, none of []:*?/\\ .
        header: the first row, bold and frozen.
        rows: the others, each as long as the header or shorter.
        text_columns: places of columns formatted as text, so that a code typed there stays a code.
    """

    name: str
    header: Sequence[str]
    rows: Iterable[Sequence[Cell]]
    text_columns: frozenset[int] = frozenset()


def neutral(cell: Cell) -> Cell:
    """Return *cell* as it can be written: a text that a spreadsheet could run gets an apostrophe in front.

    >>> neutral("=1+1"), neutral(-5), neutral("04QPE")
    ("'=1+1", -5, '04QPE')
    """
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in LIVE and cell else cell


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Cell]], *, mark: bool = True) -> int:
    """Write a table in UTF-8, beside its place first, and return how many rows it has.

    Args:
        path: of the file; one that is there is replaced.
        header: the first row.
        rows: the others.
        mark: begin with a byte order mark, without which Excel takes Chinese for something else.

    Raises:
        TableError: the file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with part.open("w", encoding="utf-8-sig" if mark else "utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([neutral(cell) for cell in header])
            for row in rows:
                writer.writerow([neutral(cell) for cell in row])
                count += 1
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise TableError(f"{path}: cannot be written: {error.strerror or error}") from None
    return count


def write_xlsx(path: Path, sheets: Sequence[Sheet]) -> None:
    """Write a workbook, beside its place first.

    Raises:
        TableError: more rows than a sheet holds, or the file cannot be written.
    """
    from xlsxwriter import Workbook  # takes longer to import than most commands run
    from xlsxwriter.exceptions import FileCreateError

    part = path.with_name(f".{path.name}.part")
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        with Workbook(str(part), {**plain, "nan_inf_to_errors": True}) as book:
            book.set_properties({"created": _MADE_ON})
            for sheet in sheets:
                _fill(book, sheet, path)
        os.replace(part, path)
    except (OSError, FileCreateError) as error:
        raise TableError(f"{path}: cannot be written: {error}") from None
    finally:
        part.unlink(missing_ok=True)


def _fill(book: object, sheet: Sheet, path: Path) -> None:
    from xlsxwriter import Workbook

    assert isinstance(book, Workbook)
    page = book.add_worksheet(sheet.name)
    bold = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    text, day = book.add_format({"num_format": "@"}), book.add_format({"num_format": "yyyy-mm-dd"})
    page.freeze_panes(1, 0)
    widths = [_width(name) for name in sheet.header]
    for place, name in enumerate(sheet.header):
        page.write_string(0, place, str(neutral(name)), bold)
    for line, row in enumerate(sheet.rows, start=1):
        if line >= MOST_ROWS:
            raise TableError(
                f"{path}: sheet {sheet.name} has more rows than XLSX holds ({MOST_ROWS:,}); write CSV instead"
            )
        for place, cell in enumerate(row):
            if isinstance(cell, bool):
                page.write_boolean(line, place, cell)
            elif isinstance(cell, int | float):
                page.write_number(line, place, cell)
            elif isinstance(cell, date):
                page.write_datetime(line, place, cell, day)
            elif cell:
                widths[place] = max(widths[place], _width(cell))
                if page.write_string(line, place, str(neutral(cell)), text):
                    raise TableError(
                        f"{path}: sheet {sheet.name}, line {line + 1}: a text of {len(cell):,} characters; a cell "
                        "of XLSX holds 32,767; write CSV instead"
                    )
    for place, width in enumerate(widths):
        page.set_column(place, place, min(width + 2, _WIDEST), text if place in sheet.text_columns else None)


def _width(words: str) -> int:
    """Return how wide *words* stand, a Chinese character as two."""
    return sum(1 + (ord(letter) > 0x2E7F) for letter in words)
