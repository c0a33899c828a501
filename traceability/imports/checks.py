"""What a row must say as a whole, after its cells have been read; and rows that say the same twice."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import numpy.typing as npt

from traceability.events import EPOCH, NEVER, NULL
from traceability.imports.mapping import ColumnMap
from traceability.imports.reading import NO_TEXT, Int64s, Rows
from traceability.imports.report import ImportReport
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, EventType

Mask = npt.NDArray[np.bool_]


def is_one_of(events: Int64s, members: frozenset[EventType]) -> Mask:
    """Return bool[n]: is the event one of *members*?"""
    return np.isin(events, [int(member) for member in members])


def day_text(day: int) -> str:
    """Return a day as a person writes it."""
    return (EPOCH + timedelta(days=day)).isoformat()


def check_rows(rows: Rows, mapping: ColumnMap, report: ImportReport) -> None:
    """Quarantine rows that lack what every row needs, that were told before they happened, that say nothing new.

    The report day of *rows* is filled in on the way: where no column tells it, a row counts as told on its day.
    """
    event, day = rows.column("event"), rows.column("event_day")
    _refuse(rows, rows.good & (event == NULL), mapping, report, "event", "nothing says what happened")
    _refuse(rows, rows.good & (day == NULL), mapping, report, "event_day", "nothing says when it happened")
    nobody = (rows.column("actor") == NO_TEXT) & (rows.column("actor_code") == NO_TEXT)
    who = "actor" if "actor" in mapping.columns else "actor_code"
    _refuse(rows, rows.good & nobody, mapping, report, who, "nothing says who did it")
    of_vehicle = is_one_of(event, VEHICLE_EVENTS)
    no_vehicle = of_vehicle & (rows.column("vehicle") == NO_TEXT)
    _refuse(
        rows, rows.good & no_vehicle, mapping, report, "vehicle", "the event is of a vehicle, none is named"
    )
    no_unit = ~of_vehicle & ~is_one_of(event, REMARKS) & (rows.column("unit") == NO_TEXT)
    _refuse(rows, rows.good & no_unit, mapping, report, "unit", "the event is of a battery, none is named")
    _check_report_day(rows, mapping, report)
    _refuse_repeats(rows, report)


def _refuse(rows: Rows, bad: Mask, mapping: ColumnMap, report: ImportReport, field: str, reason: str) -> None:
    for row in np.flatnonzero(bad).tolist():
        report.quarantine(
            int(rows.file[row]), int(rows.line[row]), mapping.columns.get(field, ""), "", reason
        )
    rows.good &= ~bad


def _check_report_day(rows: Rows, mapping: ColumnMap, report: ImportReport) -> None:
    day = rows.column("event_day")
    if not mapping.has("record_day"):
        rows.columns["record_day"] = day.copy()
        return
    told = rows.columns["record_day"]
    if mapping.dates.blank_report == "event_day":
        told = rows.columns["record_day"] = np.where(told == NULL, day, told)
    early = rows.good & (told != NEVER) & (told < day)
    for row in np.flatnonzero(early).tolist():
        happened = day_text(int(day[row]))
        report.quarantine(
            int(rows.file[row]), int(rows.line[row]), mapping.columns.get("record_day", ""), day_text(int(told[row])),
            f"reported before it happened ({happened})", happened,
        )  # fmt: skip
    rows.good &= ~early


def _refuse_repeats(rows: Rows, report: ImportReport) -> None:
    """Quarantine rows of which every cell that is read says what an earlier row says."""
    good = np.flatnonzero(rows.good)
    columns = [column[good] for column in rows.columns.values()]
    mixed = np.zeros(good.size, dtype=np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    order = np.argsort(mixed, kind="stable")
    same = mixed[order][1:] == mixed[order][:-1]
    for column in columns:
        same &= column[order][1:] == column[order][:-1]
    first = np.arange(order.size)
    first[1:][same] = 0
    first = np.maximum.accumulate(first)
    for place in (np.flatnonzero(same) + 1).tolist():
        row, earlier = good[order[place]], good[order[first[place]]]
        where = "" if rows.file[row] == rows.file[earlier] else f" of {report.files[rows.file[earlier]]}"
        report.quarantine(
            int(rows.file[row]),
            int(rows.line[row]),
            "",
            "",
            f"says the same as line {rows.line[earlier]}{where}",
        )
        rows.good[row] = False
