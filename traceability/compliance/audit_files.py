"""What an audit leaves: findings as CSV, JSON, XLSX and HTML, each whole or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from traceability.compliance.audit import Fate, Outcome
from traceability.compliance.audit_page import MOST_SHOWN, Heading, render
from traceability.compliance.findings import Findings
from traceability.compliance.statements import Statement, statements
from traceability.errors import TraceabilityError, UnknownName
from traceability.sheets import Cell, Sheet, write_csv, write_xlsx
from traceability.store import Store

FORMATS = ("csv", "json", "xlsx", "html")

MOST_IN_XLSX = 250_000
"""Findings beyond which no workbook is written: a spreadsheet does not open it in reasonable time."""

_LISTED = tuple(field.name for field in fields(Statement) if field.name != "rows")


class AuditFiles:
    """Writes one audit in several formats.

    Args:
        store: where the findings were found.
        outcomes: of every rule that was asked.
        findings: what they found.
        heading: of the page.
    """

    def __init__(
        self, store: Store, outcomes: Sequence[Outcome], findings: Findings, heading: Heading
    ) -> None:
        self._store, self._outcomes, self._findings, self._heading = store, outcomes, findings, heading

    def write(self, path: Path) -> list[Path]:
        """Return the files written: *path* in the format of its suffix, or all formats in the folder *path*.

        Raises:
            TraceabilityError: a suffix that is none of FORMATS; more findings than the format holds; the place
                cannot be written.
        """
        suffix = path.suffix[1:].lower()
        if suffix:
            if suffix not in FORMATS:
                raise UnknownName("format", suffix, FORMATS, where=str(path))
            return [self._one(path, suffix)]
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TraceabilityError(f"{path}: cannot be written: {error.strerror}") from None
        chosen = [f for f in FORMATS if f != "xlsx" or len(self._findings) <= MOST_IN_XLSX]
        return [self._one(path / f"findings.{kind}", kind) for kind in chosen]

    def _one(self, path: Path, kind: str) -> Path:
        writers: dict[str, Callable[[Path], None]] = {
            "csv": self._csv,
            "json": self._json,
            "xlsx": self._xlsx,
            "html": self._html,
        }
        writers[kind](path)
        return path

    def _told(self) -> Iterator[Statement]:
        return statements(self._store, self._findings)

    def _csv(self, path: Path) -> None:
        write_csv(path, _LISTED, (_cells(told) for told in self._told()))

    def _xlsx(self, path: Path) -> None:
        if len(self._findings) > MOST_IN_XLSX:
            raise TraceabilityError(
                f"{path}: {len(self._findings):,} findings are more than a workbook is written for "
                f"({MOST_IN_XLSX:,}); write CSV or JSON"
            )
        text = frozenset(_LISTED.index(name) for name in ("code", "vin"))
        write_xlsx(
            path,
            [
                Sheet("rules", ("rule", "title_en", "title_zh", "outcome", "reason", "findings"), _summary(self._outcomes)),
                Sheet("findings", _LISTED, (_cells(told) for told in self._told()), text),
                Sheet("rows", ("rule", "finding", *_ROW), self._rows(), frozenset()),
            ],
        )  # fmt: skip

    def _rows(self) -> Iterator[tuple[Cell, ...]]:
        for number, told in enumerate(self._told(), start=1):
            for row in told.rows:
                yield (told.rule, number, *(getattr(row, name) for name in _ROW))

    def _json(self, path: Path) -> None:
        part = path.with_name(f".{path.name}.part")
        head = {**self._heading._asdict(), "rules": [_outcome(outcome) for outcome in self._outcomes]}
        try:
            with part.open("w", encoding="utf-8") as out:
                out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "findings": [')
                for number, told in enumerate(self._told()):
                    out.write((",\n" if number else "\n") + json.dumps(asdict(told), ensure_ascii=False))
                out.write("\n]}\n")
            os.replace(part, path)
        except OSError as error:
            raise TraceabilityError(f"{path}: cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)

    def _html(self, path: Path) -> None:
        page = render(self._heading, self._outcomes, statements(self._store, self._findings, most=MOST_SHOWN))
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_text(page, encoding="utf-8")
            os.replace(part, path)
        except OSError as error:
            raise TraceabilityError(f"{path}: cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)


_ROW = ("event_id", "event", "day", "reported", "actor", "receiver", "corrects")


def _cells(told: Statement) -> tuple[Cell, ...]:
    return tuple(getattr(told, name) for name in _LISTED)


def _summary(outcomes: Sequence[Outcome]) -> Iterator[tuple[Cell, ...]]:
    for outcome in outcomes:
        found = outcome.findings if outcome.fate is Fate.RAN else None
        rule = outcome.rule
        yield rule.id, rule.title_en, rule.title_zh, outcome.fate.value, outcome.reason, found


def _outcome(outcome: Outcome) -> dict[str, object]:
    names = ("rule", "title_en", "title_zh", "outcome", "reason", "findings")
    (row,) = _summary([outcome])
    return dict(zip(names, row, strict=True))
