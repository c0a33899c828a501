"""Findings: the breaches of an audit as columns, and as a table that a person can read."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Table, select

from traceability.compliance.law import DatedLimit
from traceability.compliance.rule import Rule
from traceability.compliance.shapes import COLUMNS
from traceability.events import EPOCH, NULL
from traceability.sheets import Cell, neutral
from traceability.store import Store, schema

Int64s: TypeAlias = npt.NDArray[np.int64]

NO, YES, NOT_ASKED = 0, 1, -1
"""Whether a breach is found in a view."""

CSV_COLUMNS = (
    "rule",
    "title_en",
    "title_zh",
    "article",
    "grade",
    "law",
    "imagined",
    "assumed",
    "unit",
    "code",
    "vehicle",
    "vin",
    "actor",
    "day",
    "measured",
    "limit",
    "event_id",
    "happened",
    "visible",
)
"""Columns of the file that `write_findings` writes."""

_ASKED_BY_NUMBER = 10_000
_READ_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """Breaches, one a row, sorted by rule, day, event, unit and vehicle.

    Attributes:
        rules: those that were asked; `rule` counts into them.
        rule: int64[n]; limit: int64[n], which of the rule's limits was the law.
        event_id, unit, vehicle, actor, day, measured: int64[n] as the rule's query gave them, NULL for null.
        happened, visible: int64[n]: found in the truth, found in the register: NO, YES or NOT_ASKED.
    """

    rules: tuple[Rule, ...]
    rule: Int64s
    limit: Int64s
    event_id: Int64s
    unit: Int64s
    vehicle: Int64s
    actor: Int64s
    day: Int64s
    measured: Int64s
    happened: Int64s
    visible: Int64s

    @classmethod
    def of(
        cls, rules: Sequence[Rule], parts: Sequence[tuple[int, int, dict[str, Int64s]]], view: str
    ) -> Findings:
        """Return the findings of *view*, from (rule, limit, columns) of each query, in their one order."""
        sizes = [part["event_id"].size for _, _, part in parts]
        columns = {name: _joined([part[name] for _, _, part in parts]) for name in COLUMNS}
        columns["rule"] = np.repeat(np.array([rule for rule, _, _ in parts], dtype=np.int64), sizes)
        columns["limit"] = np.repeat(np.array([limit for _, limit, _ in parts], dtype=np.int64), sizes)
        columns["happened"] = np.full(sum(sizes), YES if view == "truth" else NOT_ASKED, dtype=np.int64)
        columns["visible"] = np.full(sum(sizes), YES if view == "register" else NOT_ASKED, dtype=np.int64)
        return cls(tuple(rules), **columns)._sorted()

    def __len__(self) -> int:
        return int(self.rule.size)

    def __getitem__(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.integer]) -> Findings:
        """Return the findings that *chosen* (bool[n], or int[k] row numbers) picks."""
        return Findings(self.rules, *(getattr(self, name)[chosen] for name in _ROWS))

    def by_rule(self) -> dict[str, int]:
        """Return rule id -> number of findings, with the rules that have none."""
        counts = np.bincount(self.rule, minlength=len(self.rules))
        return {rule.id: int(n) for rule, n in zip(self.rules, counts, strict=True)}

    def keys(self) -> Int64s:
        """Return int64[3, n], equal for equal findings: rule, unit and vehicle, so duty and whom it concerns.

        Where there is neither unit nor vehicle (a share of a year), the actor and the day stand for them.
        """
        of_actor = (self.unit == NULL) & (self.vehicle == NULL)
        whom = np.where(of_actor, self.actor, self.unit), np.where(of_actor, self.day, self.vehicle)
        return np.stack([2 * self.rule + of_actor, *whom])

    def and_those(self, others: Findings) -> Findings:
        """Return both together, in their one order.  The rules must be the same."""
        both = (np.concatenate([getattr(self, name), getattr(others, name)]) for name in _ROWS)
        return Findings(self.rules, *both)._sorted()

    def _sorted(self) -> Findings:
        last_first = (self.measured, self.actor, self.limit, self.vehicle, self.unit, self.event_id, self.day)
        return self[np.lexsort((*last_first, self.rule))]


_ROWS = ("rule", "limit", *COLUMNS, "happened", "visible")


def write_findings(path: Path, store: Store, findings: Findings) -> None:
    """Write *findings* as CSV (UTF-8, columns as in `CSV_COLUMNS`), with codes, VINs and names from *store*.

    An empty cell is unknown or not asked; `happened` and `visible` are 1 or 0.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(CSV_COLUMNS)
            writer.writerows(_lines(store, findings))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _lines(store: Store, findings: Findings) -> Iterator[tuple[object, ...]]:
    u, v, a = schema.unit, schema.vehicle, schema.actor
    # what a log says may come from anywhere, and a spreadsheet runs what looks like a formula
    codes = _neutral(names_of(store, u, u.c.unit, u.c.code, findings.unit))
    vins = _neutral(names_of(store, v, v.c.vehicle, v.c.vin, findings.vehicle))
    actors = _neutral(names_of(store, a, a.c.actor, a.c.name, findings.actor))
    laws = {
        (number, which): _law(rule, limit)
        for number, rule in enumerate(findings.rules)
        for which, limit in enumerate(rule.limits)
    }
    columns = {name: getattr(findings, name).tolist() for name in _ROWS}
    days = {day: (EPOCH + timedelta(days=day)).isoformat() for day in set(columns["day"]) - {NULL}}
    # a hundred thousand rows share a few laws, days and names: each is written once, then looked up
    lawful = [laws[pair] for pair in zip(columns["rule"], columns["limit"], strict=True)]
    asked = {NO: NO, YES: YES, NOT_ASKED: ""}
    for (head, bound), *cells in zip(
        lawful,
        _plain(columns["unit"]),
        [codes.get(unit, "") for unit in columns["unit"]],
        _plain(columns["vehicle"]),
        [vins.get(vehicle, "") for vehicle in columns["vehicle"]],
        [actors.get(actor, "") for actor in columns["actor"]],
        [days.get(day, "") for day in columns["day"]],
        _plain(columns["measured"]),
        _plain(columns["event_id"]),
        [asked[happened] for happened in columns["happened"]],
        [asked[visible] for visible in columns["visible"]],
        strict=True,
    ):
        yield (*head, *cells[:7], bound, *cells[7:])


def _plain(numbers: list[int]) -> list[Cell]:
    return ["" if number == NULL else number for number in numbers]


def _neutral(names: dict[int, str]) -> dict[int, Cell]:
    return {number: neutral(name) for number, name in names.items()}


def _law(rule: Rule, limit: DatedLimit) -> tuple[tuple[object, ...], str]:
    """Return what a line says of the law: the columns 'rule' to 'assumed', and 'limit'."""
    head = (
        rule.id,
        rule.title_en,
        rule.title_zh,
        str(limit.article),
        limit.grade.value,
        limit.law,
        int(limit.imagined),
        int(limit.assumed),
    )
    return head, "" if limit.value is None else str(limit.bound)


def names_of(
    store: Store, table: Table, number: ColumnElement[Any], name: ColumnElement[Any], wanted: Int64s
) -> dict[int, str]:
    """Return number -> name of those rows of *table* that are *wanted*."""
    numbers = np.unique(wanted[wanted != NULL])
    if numbers.size <= _ASKED_BY_NUMBER:
        picked = [number.in_(numbers.tolist())]
    else:  # a list of so many would take longer to read than the table
        starts = range(int(numbers[0]), int(numbers[-1]) + 1, _READ_AT_ONCE)
        picked = [number.between(start, start + _READ_AT_ONCE - 1) for start in starts]
    found: dict[int, str] = {}
    for rows in picked:
        named = select(number.label("number"), name.label("name")).where(rows, name.is_not(None))
        part = store.select(named.select_from(table))
        known = np.isin(part["number"], numbers)
        found.update(zip(part["number"][known].tolist(), part["name"][known].tolist(), strict=True))
    return found


def _joined(columns: Sequence[Int64s]) -> Int64s:
    return np.concatenate(columns) if columns else np.empty(0, dtype=np.int64)
