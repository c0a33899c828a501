"""Files of rows -> columns of numbers: every cell read, every row kept, set aside as blank or heading, or faulty."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from traceability.errors import TableError
from traceability.events import EPOCH, NULL
from traceability.imports.cells import Cell, Reading
from traceability.imports.columns import FIELDS
from traceability.imports.files import Page, Row, open_page
from traceability.imports.mapping import ColumnMap, header_key
from traceability.imports.readers import READERS, TEXT_KINDS, WORD_KINDS
from traceability.imports.report import ImportReport
from traceability.imports.words import TOTALS, folded

Int64s: TypeAlias = npt.NDArray[np.int64]
Progress: TypeAlias = Callable[[str, int], None]

NO_TEXT = -1
"""Stands in a column of texts for an empty cell."""

_HEADER_WITHIN = 60
_TOTALS_BEGIN = frozenset(word[0] for word in TOTALS) | frozenset(word[0].upper() for word in TOTALS)
_REMEMBERED = 200_000
_SHOWN_CHARACTERS = 80

_FAMILY = {"code": "code", "codes": "codes", "vin": "vin", "name": "name", "credit": "credit"}


class Texts:
    """Texts and the numbers that stand for them, from 0 in the order of their first mention."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._listed: list[str] = []

    def number(self, text: str) -> int:
        """Return the number of *text*, a new one if it is new."""
        return self._numbers.setdefault(text, len(self._numbers))

    def text(self, number: int) -> str:
        """Return one text."""
        if len(self._listed) != len(self._numbers):
            self._listed = self.all()
        return self._listed[number]

    def all(self) -> list[str]:
        """Return every text, by its number."""
        return list(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


@dataclass(eq=False)
class Rows:
    """What the rows of all files say.

    Attributes:
        file, line: int64[n], the place of the file among those read, the line as the spreadsheet counts.
        columns: field -> int64[n]: a number (NULL: empty), or the number of a text (NO_TEXT: empty).
        texts: family of texts (code, codes, vin, name, credit) -> the texts.
        good: bool[n], false for rows that have been quarantined.
        backwards: for each file whether its days mostly go back.
    """

    file: Int64s
    line: Int64s
    columns: dict[str, Int64s]
    texts: dict[str, Texts]
    good: npt.NDArray[np.bool_]
    backwards: list[bool] = field(default_factory=list)

    def __len__(self) -> int:
        return int(self.line.size)

    def column(self, name: str) -> Int64s:
        """Return the column of a field, empty cells throughout where nothing gives it."""
        if name in self.columns:
            return self.columns[name]
        return np.full(len(self), NO_TEXT if FIELDS[name].kind in TEXT_KINDS else NULL, dtype=np.int64)

    def source_codes(self, number: int) -> list[str]:
        """Return the codes of one text of the column of sources."""
        return self.texts["codes"].text(number).split(";")


def read_files(
    paths: Sequence[Path], mapping: ColumnMap, report: ImportReport, progress: Progress | None = None
) -> Rows:
    """Return the rows of all files; *report* takes what was set aside, changed and refused.

    Raises:
        TableError: a file that cannot be read, or that lacks a column of the mapping.
    """
    texts = {family: Texts() for family in _FAMILY.values()}
    parts: list[_Part] = []
    for number, path in enumerate(paths):
        with open_page(path, mapping.file) as page:
            report.open_file(page.file, page.how, page.other_sheets)
            reader = _PageReader(page, mapping, texts, report, number)
            for first, rows in page.chunks:
                parts.append(reader.read(first, rows))
                if progress is not None:
                    progress(page.file, first + len(rows) - 1)
            reader.require_header()
    names = [*mapping.columns, *mapping.constants]
    empty = np.empty(0, dtype=np.int64)
    rows_read = Rows(
        file=np.concatenate([empty, *(np.full(p.line.size, p.file, dtype=np.int64) for p in parts)]),
        line=np.concatenate([empty, *(p.line for p in parts)]),
        columns={name: np.concatenate([empty, *(p.columns[name] for p in parts)]) for name in names},
        texts=texts,
        good=np.concatenate([empty.astype(np.bool_), *(p.good for p in parts)]),
    )
    days = rows_read.column("event_day")
    for number in range(len(paths)):
        steps = np.diff(days[(rows_read.file == number) & (days != NULL)])
        rows_read.backwards.append(int((steps < 0).sum()) > int((steps > 0).sum()))
    return rows_read


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The rows of one chunk; see `Rows`."""

    file: int
    line: Int64s
    columns: dict[str, Int64s]
    good: npt.NDArray[np.bool_]


class _PageReader:
    """Reads one file: finds the line of its headers, then turns chunks of rows into columns."""

    def __init__(
        self, page: Page, mapping: ColumnMap, texts: dict[str, Texts], report: ImportReport, number: int
    ) -> None:
        self._page, self._mapping, self._texts, self._report = page, mapping, texts, report
        self._number = number
        self._hints = mapping.hints(page.epoch)
        self._header: Row | None = None
        self._places: dict[str, int] = {}
        self._known: dict[str, dict[Cell, Reading]] = {}

    def require_header(self) -> None:
        """Raise TableError if no line of headers has come."""
        if self._header is None:
            raise TableError(f"{self._page.file}: there are no rows")

    def read(self, first: int, rows: list[Row]) -> _Part:
        """Return the columns of a chunk of rows, the first of which stands in line *first*."""
        begin = 0
        if self._header is None:
            begin = self._find_header(first, rows) + 1
        kept, lines, good = self._sorted_out(first + begin, rows[begin:])
        columns = {
            name: self._read_column(name, place, kept, lines, good) for name, place in self._places.items()
        }
        for name, value in self._mapping.constants.items():
            constant = READERS[FIELDS[name].kind](value, self._hints)
            columns[name] = np.full(lines.size, self._number_of(name, constant), dtype=np.int64)
        return _Part(self._number, lines, columns, good)

    def _find_header(self, first: int, rows: list[Row]) -> int:
        """Return the place of the row of headers; what stands before it is heading."""
        wanted = {header_key(theirs): name for name, theirs in self._mapping.columns.items()}
        given = self._mapping.file.header_line
        places = range(min(len(rows), _HEADER_WITHIN)) if given is None else [given - first]
        best, best_found = places[0] if len(places) else 0, -1
        for place in places:
            if not 0 <= place < len(rows):
                raise TableError(f"{self._page.file}: there is no line {given}")
            keys = [header_key(str(cell)) for cell in rows[place] if cell is not None]
            found = sum(key in keys for key in wanted)
            if found > best_found:
                best, best_found = place, found
        self._take_header(first + best, rows[best])
        blank = sum(_first_said(row) is None for row in rows[:best])
        self._report.count("blank", blank)
        self._report.count("heading", best + 1 - blank)
        return best

    def _take_header(self, line: int, header: Row) -> None:
        where = f"{self._page.file}, line {line}"
        keys = [header_key(str(cell)) if cell is not None else "" for cell in header]
        for name, theirs in self._mapping.columns.items():
            found = [place for place, key in enumerate(keys) if key and key == header_key(theirs)]
            if len(found) > 1:
                raise TableError(
                    f"{where}: {len(found)} columns are called `{theirs}` ({name}); rename all but one"
                )
            if not found:
                shown = [str(cell).strip() for cell in header if cell not in (None, "")]
                near = get_close_matches(theirs, shown, n=3, cutoff=0.4)
                hint = f"; did you mean {' or '.join(f'`{c}`' for c in near)}?" if near else ""
                raise TableError(
                    f"{where}: no column is called `{theirs}` ({name}){hint} The line that looks most like headers "
                    f"has: {', '.join(shown)[:300] or 'nothing'}"
                )
            self._places[name] = found[0]
        self._header = header

    def _sorted_out(self, first: int, rows: list[Row]) -> tuple[list[Row], Int64s, npt.NDArray[np.bool_]]:
        """Return the rows that say something, their lines, and whether they have the shape of the header."""
        assert self._header is not None
        header, width = self._header, len(self._header)
        kept: list[Row] = []
        lines, ragged = [], []
        for line, row in enumerate(rows, start=first):
            said = _first_said(row)
            if said is None:
                self._report.count("blank")
            elif row == header:
                self._report.count("heading")
            elif said[:1] in _TOTALS_BEGIN and folded(said).rstrip(":") in TOTALS:
                self._report.count("totals")
            else:
                if len(row) < width:
                    row = [*row, *[None] * (width - len(row))]
                elif len(row) > width and _first_said(row[width:]) is not None:
                    ragged.append(len(kept))
                kept.append(row)
                lines.append(line)
        good = np.ones(len(kept), dtype=np.bool_)
        good[ragged] = False
        for place in ragged:
            self._report.quarantine(
                self._number, lines[place], "", _shown(kept[place][width]),
                f"{len(kept[place])} cells, the header has {width}; is a separator inside a cell?",
            )  # fmt: skip
        return kept, np.array(lines, dtype=np.int64), good

    def _read_column(
        self, name: str, place: int, rows: list[Row], lines: Int64s, good: npt.NDArray[np.bool_]
    ) -> Int64s:
        """Return the column of a field; rows whose cell cannot be read are quarantined and no longer *good*."""
        index: dict[Cell, int] = {}
        cells = np.fromiter(
            (index.setdefault(row[place], len(index)) for row in rows), dtype=np.int64, count=len(rows)
        )
        readings = self._readings(name, index)
        values = np.array([self._number_of(name, read) for read in readings], dtype=np.int64)
        distinct = list(index)
        noted = [number for number, read in enumerate(readings) if read.notes]
        if noted:
            counts = np.bincount(cells, minlength=len(distinct))
            _, firsts = np.unique(cells, return_index=True)
            for number in noted:
                read = readings[number]
                after = self._in_words(name, read)
                for note in read.notes:
                    self._report.note(
                        self._number, self._mapping.columns[name], note, int(counts[number]),
                        int(lines[firsts[number]]), _shown(distinct[number]), after,
                    )  # fmt: skip
        refused = np.array([bool(read.reason) for read in readings], dtype=np.bool_)
        if refused.any():
            for row in np.flatnonzero(refused[cells]).tolist():
                read = readings[cells[row]]
                self._report.quarantine(
                    self._number, int(lines[row]), self._mapping.columns[name], _shown(distinct[cells[row]]),
                    read.reason, read.closest,
                )  # fmt: skip
                good[row] = False
        return values[cells] if len(rows) else np.empty(0, dtype=np.int64)

    def _readings(self, name: str, cells: Iterable[Cell]) -> list[Reading]:
        kind = FIELDS[name].kind
        reader = READERS[kind]
        if kind in ("code", "codes"):  # mostly seen once
            return [reader(cell, self._hints) for cell in cells]
        known = self._known.setdefault(name, {})
        if len(known) > _REMEMBERED:
            known.clear()
        readings = []
        for cell in cells:
            read = known.get(cell)
            if read is None:
                read = known[cell] = reader(cell, self._hints)
            readings.append(read)
        return readings

    def _number_of(self, name: str, read: Reading) -> int:
        kind = FIELDS[name].kind
        if kind in TEXT_KINDS:
            return self._texts[_FAMILY[kind]].number(read.value) if isinstance(read.value, str) else NO_TEXT
        return NULL if read.value is None else int(read.value)

    def _in_words(self, name: str, read: Reading) -> str:
        kind = FIELDS[name].kind
        if read.value is None:
            return ""
        if kind == "day":
            return (EPOCH + timedelta(days=int(read.value))).isoformat()
        return WORD_KINDS[kind](int(read.value)).name if kind in WORD_KINDS else str(read.value)


def _first_said(row: Sequence[Cell]) -> str | None:
    """Return the first cell of *row* that says something, as text; None where none does."""
    for cell in row:
        if isinstance(cell, str):
            if cell and not cell.isspace():
                return cell.lstrip()
        elif cell is not None:
            return str(cell)
    return None


def _shown(cell: Cell) -> str:
    text = "" if cell is None else str(cell)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def column_samples(paths: Sequence[Path], mapping: ColumnMap) -> tuple[list[str], dict[str, list[str]]]:
    """Return the headers of all files, in order, and for each some of the texts below it.

    The line of the headers is the one with most names that are known, among the first.

    Raises:
        TableError: a file that cannot be read, or without rows.
    """
    from traceability.imports.mapping import known_headers

    known = known_headers()
    headers: dict[str, dict[str, None]] = {}
    for path in paths:
        with open_page(path, mapping.file) as page:
            _, rows = next(page.chunks, (1, []))
        if not rows:
            raise TableError(f"{page.file}: there are no rows")
        hits = [sum(header_key(_shown(cell)) in known for cell in row) for row in rows[:_HEADER_WITHIN]]
        place = hits.index(max(hits))
        for column, header in enumerate(rows[place]):
            words = headers.setdefault(_shown(header).strip(), {})
            below = (row[column] for row in rows[place + 1 :] if column < len(row))
            words |= dict.fromkeys(_shown(cell).strip() for cell in below if cell not in (None, ""))
    return [h for h in headers if h], {h: list(words)[:1000] for h, words in headers.items()}
