"""Files of rows as people have them: text in any of the usual encodings, XLSX, Parquet -> rows of cells.

What a file is, its content says.  Nothing of it is run, and no file can make the reader take much memory: the
sizes that a workbook will unpack to are looked at before it is opened, lines and cells have a longest length.
"""

from __future__ import annotations

import codecs
import csv
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO
from xml.parsers import expat

from traceability.errors import TableError
from traceability.imports.cells import Cell
from traceability.imports.mapping import FileHints

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = list[Cell]

ROWS_AT_ONCE = 20_000
LONGEST_LINE = 1 << 20
"""Characters of a line of text."""

MOST_COLUMNS = 16_384
"""Cells of a row, as many as XLSX has."""

UNPACKED = 2 << 30
"""Bytes that a workbook may unpack to."""

UNPACKED_STRINGS = 256 << 20
"""Bytes of the texts of a workbook, which are kept in memory."""

_RATIO, _SUSPECT = 200, 16 << 20
_PARTS = 2_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 4096

_BY_NAME = {
    ".csv": "text", ".tsv": "text", ".txt": "text", ".tab": "text", ".xlsx": "workbook", ".xlsm": "workbook",
    ".parquet": "Parquet", ".pq": "Parquet",
}  # fmt: skip
_USUAL = {"text": ".csv", "workbook": ".xlsx", "Parquet": ".parquet"}

_WHAT_ELSE = (
    (b"\xd0\xcf\x11\xe0", "an old workbook (.xls) or one with a password; save it as .xlsx without one"),
    (b"%PDF", "a PDF; export the table as CSV or XLSX"),
    (b"\x1f\x8b", "packed (gzip); unpack it first"),
    (b"7z\xbc\xaf", "packed (7z); unpack it first"),
    (b"Rar!", "packed (RAR); unpack it first"),
    (b"SQLite format 3", "a SQLite database; name a store by its URL"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """One table of rows, opened.

    Attributes:
        file: its name, as a message says it.
        kind: "text", "workbook" or "Parquet".
        how: encoding and delimiter, or the name of the sheet, for a person.
        other_sheets: of the workbook, which are not read.
        epoch: the first year of the workbook's serial days; None where the file has none.
        chunks: line of the first row, and rows that follow one another.
    """

    file: str
    kind: str
    how: str
    other_sheets: tuple[str, ...]
    epoch: int | None
    chunks: Iterator[tuple[int, list[Row]]]


@contextmanager
def open_page(path: Path, hints: FileHints) -> Iterator[Page]:
    """Open the table in *path*; its rows come as they are asked for.

    Raises:
        TableError: no such file, an empty one, one that is something else than its name says, one that would
            unpack to too much or that defines entities, one in no encoding that is known; also while the rows
            are read, if they cannot be.
    """
    kind = _kind(path)
    opened = {"text": _open_text, "workbook": _open_workbook, "Parquet": _open_parquet}[kind]
    with opened(path, hints) as page:
        yield page


def _kind(path: Path) -> str:
    """Return what the file is, by its content."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
    if not head:
        raise TableError(f"{path}: the file is empty (0 bytes)")
    for mark, what in _WHAT_ELSE:
        if head.startswith(mark):
            raise TableError(f"{path}: this is {what}")
    if (
        head.lstrip(b"\xef\xbb\xbf \r\n\t")[:9]
        .lower()
        .startswith((b"<html", b"<table", b"<!doctype", b"<?xml"))
    ):
        raise TableError(f"{path}: this is a web page or XML; open it and save the table as .xlsx or .csv")
    kind = "workbook" if head.startswith(b"PK") else "Parquet" if head.startswith(b"PAR1") else "text"
    named = _BY_NAME.get(path.suffix.lower())
    if named is not None and named != kind:
        raise TableError(
            f"{path}: the name says {named}, the content is {kind}; if it is right, name it {path.stem}{_USUAL[kind]}"
        )
    return kind


# Text


@contextmanager
def _open_text(path: Path, hints: FileHints) -> Iterator[Page]:
    encoding = hints.encoding or _encoding(path)
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise TableError(f"{path}: there is no encoding `{encoding}`; gb18030 and utf-8 are usual") from None
    delimiter = hints.delimiter or _delimiter(path, encoding)
    names = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
    with path.open(encoding=encoding, newline="") as file:
        how = f"{encoding}, {names.get(delimiter, delimiter)}"
        yield Page(path.name, "text", how, (), None, _text_chunks(path, file, delimiter))


def _encoding(path: Path) -> str:
    """Return the encoding in which all of the file can be read."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, name in _MARKS:
        if head.startswith(mark):
            if (at := _misfit(path, name)) is not None:
                raise TableError(
                    f"{path}: begins like {name}, but byte {at:,} does not fit; save the file anew"
                )
            return name
    if b"\0" in head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        name = "utf-16-le" if odd > 4 * even else "utf-16-be" if even > 4 * odd else ""
        if not name or _misfit(path, name) is not None:
            raise TableError(f"{path}: a binary file; expected CSV, TSV, XLSX or Parquet")
        return name
    for name in ("utf-8", "gb18030"):
        if (at := _misfit(path, name)) is None:
            return name
    raise TableError(
        f"{path}: neither in UTF-8 nor in GB18030 (byte {at:,} does not fit); save it as UTF-8, or give "
        "`encoding` in [file] of the mapping"
    )


def _misfit(path: Path, encoding: str) -> int | None:
    """Return where the first byte stands that does not fit *encoding*, None where all do."""
    decoder = codecs.getincrementaldecoder(encoding)()
    done = 0
    with path.open("rb") as file:
        while True:
            part = file.read(1 << 20)
            try:
                decoder.decode(part, final=not part)
            except UnicodeDecodeError as error:
                return done + error.start
            if not part:
                return None
            done += len(part)


def _delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        lines = [line for _, line in zip(range(50), _lines(path, file), strict=False)]
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    found = {mark: sum(line.count(mark) for line in lines) for mark in ",\t;|"}
    best = max(found, key=lambda mark: found[mark])
    return best if found[best] else ","


def _lines(path: Path, file: TextIO) -> Iterator[str]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            raise TableError(
                f"{path}, line {number}: longer than {LONGEST_LINE:,} characters; is this a table?"
            )
        yield line


def _text_chunks(path: Path, file: TextIO, delimiter: str) -> Iterator[tuple[int, list[Row]]]:
    rows: list[Row] = []
    first = 1
    reader = csv.reader(_lines(path, file), delimiter=delimiter)
    try:
        for row in reader:
            if len(row) > MOST_COLUMNS:
                raise TableError(f"{path}, line {first + len(rows)}: {len(row):,} cells; is this a table?")
            rows.append(row)  # type: ignore[arg-type]
            if len(rows) == ROWS_AT_ONCE:
                yield first, rows
                first, rows = first + len(rows), []
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path}, about line {reader.line_num}: not in {error.encoding}: {error.reason}"
        ) from None
    except csv.Error as error:
        raise TableError(
            f"{path}, line {reader.line_num}: {error}; is a quotation mark left open before it?"
        ) from None
    if rows:
        yield first, rows


# XLSX


class _Sheet(Protocol):
    def reset_dimensions(self) -> None: ...

    def iter_rows(self, *, values_only: bool) -> Iterator[tuple[object, ...]]: ...


@contextmanager
def _open_workbook(path: Path, hints: FileHints) -> Iterator[Page]:
    from openpyxl import load_workbook
    from openpyxl.utils.datetime import CALENDAR_MAC_1904

    _check_package(path)
    with _reading(path):
        book = load_workbook(path, read_only=True, data_only=hints.formulas == "cached", keep_links=False)
    try:
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        if not sheets:
            raise TableError(f"{path}: the workbook has no sheet of cells")
        if hints.sheet is not None and hints.sheet not in sheets:
            raise TableError(f"{path}: there is no sheet `{hints.sheet}`; there are: {', '.join(sheets)}")
        name = hints.sheet or next(iter(sheets))
        epoch = 1904 if book.epoch == CALENDAR_MAC_1904 else 1900
        others = tuple(other for other in sheets if other != name)
        yield Page(path.name, "workbook", f"sheet {name}", others, epoch, _sheet_chunks(path, sheets[name]))
    finally:
        book.close()


def _check_package(path: Path) -> None:
    """Refuse what would unpack to too much, and what defines entities."""
    with _reading(path), zipfile.ZipFile(path) as package:
        parts = package.infolist()
        if not any(part.filename == "xl/workbook.xml" for part in parts):
            raise TableError(f"{path}: a ZIP file, but no XLSX workbook")
        size = sum(part.file_size for part in parts)
        strings = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
        if size > UNPACKED or strings > UNPACKED_STRINGS or len(parts) > _PARTS:
            raise TableError(
                f"{path}: would unpack to {size:,} bytes in {len(parts):,} parts; more than a table needs. "
                "Nothing was read. Save it as CSV"
            )
        for part in parts:
            if part.file_size > _SUSPECT and part.file_size > _RATIO * max(part.compress_size, 1):
                raise TableError(
                    f"{path}: {part.filename} would unpack to {part.file_size // max(part.compress_size, 1)} times "
                    "its size, as a ZIP bomb does. Nothing was read. Save it as CSV"
                )
            if part.filename.endswith((".xml", ".rels", ".vml")):
                _refuse_entities(path, package, part)


def _refuse_entities(path: Path, package: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Read *part* up to its first element; a document type before it is refused."""
    begun: list[bool] = []
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise TableError(
            f"{path}: {part.filename} defines entities, which no workbook needs. Nothing was read"
        )

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda *_: begun.append(True)
    with package.open(part) as file:
        for _ in range(256):
            head = file.read(_HEAD)
            parser.Parse(head, not head)
            if begun or not head:
                return
    raise TableError(f"{path}: {part.filename} does not begin. Nothing was read")


def _sheet_chunks(path: Path, sheet: _Sheet) -> Iterator[tuple[int, list[Row]]]:
    sheet.reset_dimensions()  # what a program has written there is often wrong
    rows = sheet.iter_rows(values_only=True)
    first = 1
    while True:
        with _reading(path):
            part: list[Row] = [[_plain(cell) for cell in row] for row in islice(rows, ROWS_AT_ONCE)]
        if not part:
            return
        yield first, part
        first += len(part)


def _plain(cell: object) -> Cell:
    """Return *cell* as one of the kinds that `cells` reads; what is none of them is a formula or a text."""
    if cell is None or isinstance(cell, str | date | time):
        return cell
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, int | float):
        return cell
    if isinstance(cell, timedelta):
        return str(cell)
    return f"={getattr(cell, 'text', cell)}"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever a broken workbook makes its reader raise into one message; keep its warnings quiet."""
    from openpyxl.utils.exceptions import InvalidFileException

    outside = (
        zipfile.BadZipFile, zlib.error, InvalidFileException, expat.ExpatError, SyntaxError, LookupError,
        ValueError, TypeError, AttributeError, EOFError, OSError, OverflowError, NotImplementedError, RuntimeError,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except outside as error:
            raise TableError(
                f"{path}: no workbook that can be read: {error or type(error).__name__}"
            ) from None


# Parquet


@contextmanager
def _open_parquet(path: Path, _hints: FileHints) -> Iterator[Page]:
    import duckdb

    escaped = "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path.absolute()))
    with duckdb.connect(config={"memory_limit": "512MB", "threads": 1}) as connection:
        try:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [escaped]).fetchall()
            names, kinds = [str(row[0]) for row in described], [str(row[1]) for row in described]
            chosen = ", ".join(_selected(name, kind) for name, kind in zip(names, kinds, strict=True))
            connection.execute(f"SELECT {chosen} FROM read_parquet(?)", [escaped])
        except duckdb.Error as error:
            raise TableError(f"{path}: no Parquet that can be read: {str(error).splitlines()[0]}") from None
        yield Page(path.name, "Parquet", "", (), None, _parquet_chunks(path, connection, names, kinds))


_AS_THEY_ARE = frozenset(
    ("VARCHAR", "DATE", "TIMESTAMP", "TIME", "BOOLEAN", "DOUBLE", "FLOAT", "TINYINT", "SMALLINT", "INTEGER", "BIGINT",
     "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")
)  # fmt: skip


def _selected(name: str, kind: str) -> str:
    column = '"' + name.replace('"', '""') + '"'
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"epoch_us({column})"
    if kind in _AS_THEY_ARE:
        return column
    return f"CAST({column} AS TIMESTAMP)" if kind.startswith("TIMESTAMP") else f"CAST({column} AS VARCHAR)"


def _parquet_chunks(
    path: Path, connection: DuckDBPyConnection, names: list[str], kinds: list[str]
) -> Iterator[tuple[int, list[Row]]]:
    import duckdb

    yield 1, [list(names)]
    first = 2
    zoned = [place for place, kind in enumerate(kinds) if kind == "TIMESTAMP WITH TIME ZONE"]
    while True:
        try:
            rows: list[Row] = [[_plain(cell) for cell in row] for row in connection.fetchmany(ROWS_AT_ONCE)]
        except duckdb.Error as error:
            raise TableError(f"{path}: broken from row {first} on: {str(error).splitlines()[0]}") from None
        if not rows:
            return
        for place in zoned:
            for row in rows:
                if isinstance(since := row[place], int):
                    row[place] = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=since)
        yield first, rows
        first += len(rows)
