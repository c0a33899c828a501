"""The figures of the founding documents: where each of them stands in the product, and whether it says the same.

`sim/data/founding.csv` has a row for each.  Its `where` is one or more, divided by `; `, of

    target:NAME:YEAR      a row of targets.csv
    scenario:NAME:KEY     a figure of a shipped scenario; KEY by dots: `swap.operators`, `market.price.2026-01-01`
    input:FILE:KEY        a row of an input file: its first cells by `/`, then `@COLUMN` where not the first figure;
                          `AITO/2025-*` is the sum of the rows that begin so
    rule:ID               a rule of the audit
    context               nowhere; the note says why

and its `check` is `equals`, `at_least`, `at_most` or `within X %`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from io import StringIO
from math import isclose, isfinite, log
from pathlib import Path
from typing import Any, NamedTuple

from sim import targets
from sim.input_tables import Row, Table
from sim.inputs import GRADES
from sim.record import scenario_table
from sim.scenario import load as load_scenario
from traceability.compliance.rules import RULES
from traceability.errors import ScenarioError, TraceabilityError, UnknownName

FILE = "founding.csv"
_COLUMNS = ("item", "date", "value", "unit", "use", "where", "check", "note")
_KINDS = ("target", "scenario", "input", "rule", "context")
_WITHIN = re.compile(r"within (\d+(?:\.\d+)?) ?%")
_FACTORS = {"pct": 0.01, "M": 1e6, "Mt": 1e6, "kt": 1e3, "bn": 1e9, "thousand": 1e3}
"""First word of a figure's unit -> what it is in shares, vehicles, tonnes or yuan."""


class Figure(NamedTuple):
    """A figure of a founding document: where it should stand, what stands there, and the verdict.

    `verdict`: `stands`, `context`, `differs` or `unresolved`; `found` is what stands there, or why nothing does.
    """

    item: str
    date: str
    value: str
    unit: str
    use: str
    where: str
    check: str
    source: str
    grade: str
    note: str
    found: str
    verdict: str

    @property
    def failed(self) -> bool:
        """Whether the figure is not where the table says that it is."""
        return self.verdict in ("differs", "unresolved")


def load(directory: Path | None = None) -> list[Figure]:
    """Return every figure of the founding documents with where it stands; none where the table is not there.

    Raises:
        ScenarioError: a row that cannot be: file, line, column, what was expected.
    """
    place = directory or files("sim").joinpath("data")
    if not place.joinpath(FILE).is_file():
        return []
    table = Table(place, FILE, _COLUMNS, GRADES)
    return [_figure(table, row) for row in table.rows]


def _figure(table: Table, row: Row) -> Figure:
    cells = row.cells
    where, check = table.text(row, "where"), cells["check"]
    pointers = [part.strip() for part in where.split(";")]
    for pointer in pointers:
        if pointer.split(":")[0] not in _KINDS:
            raise ScenarioError(
                str(
                    UnknownName(
                        "place", pointer.split(":")[0], _KINDS, f"{FILE}, line {row.line}, column `where`"
                    )
                )
            )
    needs_check = bool(cells["value"]) and any(
        p.split(":")[0] in ("target", "scenario", "input") for p in pointers
    )
    if needs_check and check not in ("equals", "at_least", "at_most") and not _WITHIN.fullmatch(check):
        raise table.fail(row, "check", "equals, at_least, at_most or within X %")
    if "context" in pointers and not cells["note"]:
        raise table.fail(row, "note", "why the figure stands nowhere: `where` is context")
    found, verdict = _verdict(pointers, cells["value"], cells["unit"], check)
    return Figure(
        table.text(row, "item"), cells["date"], cells["value"], cells["unit"], cells["use"], where, check,
        cells["source"], cells["grade"], cells["note"], found, verdict,
    )  # fmt: skip


def _verdict(pointers: Sequence[str], value: str, unit: str, check: str) -> tuple[str, str]:
    """Return what stands at *pointers* and the worst of their verdicts."""
    if pointers == ["context"]:
        return "", "context"
    said, verdicts = [], []
    for pointer in pointers:
        try:
            there = _resolve(pointer)
        except TraceabilityError as error:
            said.append(str(error))
            verdicts.append("unresolved")
            continue
        said.append(", ".join(_shown(v) for v in there[:4]) + (", …" if len(there) > 4 else ""))
        held = pointer.startswith("rule") or not value or any(_holds(value, unit, check, v) for v in there)
        verdicts.append("stands" if held else "differs")
    worst = next(v for v in ("unresolved", "differs", "stands") if v in verdicts)
    return "; ".join(said), worst


def _shown(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _holds(value: str, unit: str, check: str, there: object) -> bool:
    """Whether what stands *there* has the relation *check* to the figure, in the figure's unit or in plain ones."""
    figure, found = _number(value), _number(there)
    if figure is None or found is None:
        return check == "equals" and str(there).startswith(value)
    factor = _FACTORS.get(unit.split(" ")[0], 1.0)
    figure = _nearer(figure, figure * factor, found)
    if check == "at_least":
        return found >= figure or isclose(found, figure, rel_tol=1e-9)
    if check == "at_most":
        return found <= figure or isclose(found, figure, rel_tol=1e-9)
    within = _WITHIN.fullmatch(check)
    return isclose(found, figure, rel_tol=1e-9) or (
        within is not None and abs(found - figure) <= float(within[1]) / 100 * abs(figure)
    )


def _nearer(plain: float, scaled: float, found: float) -> float:
    """Return which of two readings of a figure is of the size of *found*: 16 M is held against 16,490,000."""
    if min(plain, scaled, found) <= 0:
        return scaled
    return min(plain, scaled, key=lambda reading: abs(log(reading / found)))


def _number(value: object) -> float | None:
    try:
        number = float(str(value)) if not isinstance(value, bool) else float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


# --- where a pointer leads ---


def _resolve(pointer: str) -> list[Any]:
    """Return what stands at *pointer*; more than one value where a figure changes on stated days.

    Raises:
        TraceabilityError: nothing stands there.
    """
    kind, _, rest = pointer.partition(":")
    name, _, key = rest.partition(":")
    if kind == "target":
        return [_target(name, key)]
    if kind == "rule":
        known = {rule.id for rule in RULES}
        if rest not in known:
            raise ScenarioError(str(UnknownName("rule", rest, known, FILE)))
        return [rest]
    if kind == "input":
        return [_input(name, key)]
    return _scenario(name, key)


def _target(name: str, year: str) -> float:
    known = {f"{t.name}:{t.year}": t.value for t in targets.load()}
    if f"{name}:{year}" not in known:
        raise ScenarioError(str(UnknownName("target", f"{name}:{year}", known, FILE)))
    return known[f"{name}:{year}"]


@cache
def _table_of(name: str) -> Mapping[str, Any]:
    return scenario_table(load_scenario(name))


def _scenario(name: str, key: str) -> list[Any]:
    at: Any = _table_of(name)
    for part in key.split("."):
        known = _parts(at)
        if part not in known:
            raise ScenarioError(str(UnknownName("key", part, known, f"{FILE}: scenario {name}, {key}")))
        at = known[part]
    if isinstance(at, Mapping) and at and all(_is_day(part) for part in at):
        return list(at.values())
    return [at]


def _parts(at: object) -> Mapping[str, Any]:
    """Return what is inside *at* by name: of a table its keys, of a list its places and the names of its items."""
    if isinstance(at, Mapping):
        return at
    if isinstance(at, list):
        named = {str(item["name"]): item for item in at if isinstance(item, Mapping) and "name" in item}
        return {str(place): item for place, item in enumerate(at)} | named
    return {}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _input(file: str, key: str) -> str | float:
    place = files("sim").joinpath("data")
    known = sorted(item.name for item in place.iterdir() if item.name.endswith(".csv"))
    if file not in known:
        raise ScenarioError(str(UnknownName("input file", file, known, FILE)))
    rows = list(csv.DictReader(StringIO(place.joinpath(file).read_text("utf-8-sig"))))
    cells, _, column = key.partition("@")
    wanted = cells.split("/")
    header = [name for name in rows[0] if name not in ("source", "grade")]
    column = column or header[min(len(wanted), len(header) - 1)]
    if column not in header:
        raise ScenarioError(str(UnknownName("column", column, header, f"{FILE}: input {file}")))
    met = [
        row for row in rows if all(_fits(row[name], part) for name, part in zip(header, wanted, strict=False))
    ]
    if not met:
        lines = {"/".join(row[name] for name in header[: len(wanted)]) for row in rows}
        raise ScenarioError(str(UnknownName("row", cells, lines, f"{FILE}: input {file}")))
    if len(met) == 1:
        return met[0][column]
    numbers = [_number(row[column]) for row in met]
    if None in numbers:
        raise ScenarioError(
            f"{FILE}: input {file}, {key}: {len(met)} rows begin so, and hold no figures to sum"
        )
    return sum(number for number in numbers if number is not None)


def _fits(cell: str, part: str) -> bool:
    return cell.startswith(part[:-1]) if part.endswith("*") else cell == part
