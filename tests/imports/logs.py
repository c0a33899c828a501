"""Small foreign logs: rows as text, written as files, imported into stores of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import select

from traceability.imports import ColumnMap, ImportReport, checked_mapping, import_files
from traceability.store import Store, open_store, schema
from traceability.vocabulary import EventType

GOOD = "ZZ9PB1AA0B1234G410000042"
OTHER = "ZZ9PB1AA0B1234G410000043"
VIN = "LZZTEST19SA000042"

COLUMNS = {
    "unit": "电池编码",
    "event": "业务类型",
    "event_day": "发生日期",
    "record_day": "上报时间",
    "actor": "企业名称",
    "actor_role": "企业类型",
    "vehicle": "车架号",
}
HEADER = ",".join(COLUMNS.values())


def mapping(**sections: Any) -> ColumnMap:
    """The mapping of COLUMNS, with other sections."""
    return checked_mapping({"columns": COLUMNS} | sections, "columns.toml")


def row(
    event: str,
    day: str,
    *,
    unit: str = GOOD,
    told: str = "",
    actor: str = "甲公司",
    role: str = "CU",
    vin: str = "",
) -> str:
    """One line of CSV."""
    return f"{unit},{event},{day},{told},{actor},{role},{vin}"


def table(folder: Path, *rows: str, name: str = "log.csv", encoding: str = "utf-8") -> Path:
    """A CSV file of HEADER and *rows*."""
    path = folder / name
    path.write_bytes("\r\n".join([HEADER, *rows, ""]).encode(encoding))
    return path


class Imported:
    """What an import came to."""

    def __init__(self, report: ImportReport, store: Store) -> None:
        self.report, self.store = report, store

    def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        """The rows of a select."""
        return self.store.rows(select(*columns))

    @property
    def events(self) -> list[str]:
        """The names of the events in the order of the log."""
        e = schema.event
        return [
            EventType(int(str(r[0]))).name for r in self.store.rows(select(e.c.event).order_by(e.c.event_id))
        ]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """Line, column and reason of each fault."""
        return sorted((f.line, f.column, f.reason) for f in self.report.faults)


def imported(folder: Path, *paths: Path, by: ColumnMap | None = None, as_of: int | None = None) -> Imported:
    """Import *paths* into a new store in *folder*."""
    number = len(list(folder.glob("*.db")))
    store = open_store(f"sqlite:///{folder / f'{number}.db'}", create=True)
    return Imported(import_files(paths, by or mapping(), store, as_of=as_of), store)
