"""Files of somebody's rows -> a store with what they report: the one way in, from the first cell to the last event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from traceability import codes
from traceability.events import NULL
from traceability.imports.checks import check_rows
from traceability.imports.columns import FIELDS
from traceability.imports.companies import Companies, find_companies
from traceability.imports.histories import Histories, find_histories
from traceability.imports.mapping import ColumnMap
from traceability.imports.reading import NO_TEXT, Int64s, Progress, Rows, read_files
from traceability.imports.report import ImportReport
from traceability.imports.writing import code_bytes, write_log
from traceability.store import Store
from traceability.vocabulary import Level


@dataclass(frozen=True, eq=False)
class Reports:
    """What the files report, read and judged, before anything of it is written.

    Attributes:
        report: what became of every row.
    """

    rows: Rows
    companies: Companies
    histories: Histories
    report: ImportReport


def read_reports(files: Sequence[Path], mapping: ColumnMap, *, progress: Progress | None = None) -> Reports:
    """Return what *files* report; nothing is written.

    Args:
        files: CSV, TSV, XLSX or Parquet, each with the columns of *mapping*.
        mapping: their columns as our fields.
        progress: called with the name of the file and its last line that has been read.

    Raises:
        TableError: a file that cannot be read, or that lacks a column of the mapping.
    """
    report = ImportReport()
    rows = read_files(files, mapping, report, progress)
    check_rows(rows, mapping, report)
    companies = find_companies(rows, mapping, report)
    levels = _levels(rows, mapping, report)
    histories = find_histories(rows, levels, mapping, report)
    report.accepted = int(rows.good.sum())
    report.begun, report.bridged = histories.begun, histories.bridged
    report.fields = tuple(name for name in FIELDS if mapping.has(name))
    if mapping.has("record_day"):
        report.unreported = int((rows.good & (rows.column("record_day") == NULL)).sum())
    return Reports(rows, companies, histories, report)


def import_files(
    files: Sequence[Path],
    mapping: ColumnMap,
    store: Store | Callable[[], Store],
    *,
    as_of: int | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Write what *files* report into *store*, which is finished then, and return what became of every row.

    The log says what was reported, not what happened: its meta `truth` is "no", its meta `columns` lists the
    fields that the rows could say, as JSON.  Where `record_day` is not among them, each row counts as told on the
    day on which it happened, and no rule may judge whether it was told in time.

    Args:
        files, mapping, progress: as `read_reports`.
        store: empty and open for writing, or what makes it once all files have been read.
        as_of: the day up to which the log is complete; the last day that it names where None.

    Raises:
        TableError: a file that cannot be read, or that lacks a column of the mapping; nothing is written.
        StoreError: the store cannot be written.
    """
    reports = read_reports(files, mapping, progress=progress)
    if callable(store):
        with store() as opened:
            write_log(reports.rows, reports.companies, reports.histories, opened, reports.report, as_of=as_of)
    else:
        write_log(reports.rows, reports.companies, reports.histories, store, reports.report, as_of=as_of)
    return reports.report


def _levels(rows: Rows, mapping: ColumnMap, report: ImportReport) -> Int64s:
    """Return the level of each code by its number, as the level column or else the code tells; NULL elsewhere.

    Rows that tell another level than the first row of their unit are quarantined.
    """
    _gather_sources(rows)
    told, _, made = codes.told(code_bytes(rows.texts["code"].all()))
    levels = np.where(made == NULL, NULL, told.astype(np.int64))
    unit, level = rows.column("unit"), rows.column("level")
    said = np.flatnonzero(rows.good & (level != NULL) & (unit != NO_TEXT))
    if said.size:
        first, places = np.unique(unit[said], return_index=True)
        levels[first] = level[said[places]]
        by_number = np.full(levels.size, NULL, dtype=np.int64)
        by_number[first] = said[places]
        for row in said[level[said] != levels[unit[said]]].tolist():
            earlier = int(by_number[unit[row]])
            report.quarantine(
                int(rows.file[row]), int(rows.line[row]), mapping.columns.get("level", ""), Level(int(level[row])).name,
                f"another level than line {rows.line[earlier]} gives this unit", Level(int(level[earlier])).name,
            )  # fmt: skip
            rows.good[row] = False
    return levels


def _gather_sources(rows: Rows) -> None:
    """Number the codes of the column of sources among all others."""
    lists = rows.column("sources")
    for number in np.unique(lists[rows.good & (lists != NO_TEXT)]).tolist():
        for code in rows.source_codes(number):
            rows.texts["code"].number(code)
