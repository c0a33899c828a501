"""One CSV file of figures -> its rows, checked cell by cell -> an array with an axis per key column.

What is wrong is told by file, line and column, with what was expected there.  `inputs.py` says which files
there are and what they hold.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from importlib.resources.abc import Traversable
from io import StringIO
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from traceability.errors import ScenarioError, UnknownName

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TOLERANCE = 1e-6
_NOTES = ("source", "grade")


class Spec(NamedTuple):
    """What a file holds: the columns that place a row, those of figures, and what must hold for them.

    `sums`: the axis of the figures over which they sum to 1.  `holds`: years, the first key, may be left out
    (see `grid`).  `optional`: names of the last key that may be left out.
    """

    keys: tuple[str, ...]
    values: tuple[str, ...]
    sums: int | None = None
    holds: bool = False
    positive: bool = False
    whole: bool = False
    optional: frozenset[str] = frozenset()


class Row(NamedTuple):
    """One row: the line of the file on which it ends, and its cells by column."""

    line: int
    cells: dict[str, str]


class Table:
    """One file, read and checked for its columns, sources and grades.

    Attributes:
        file: its name.
        rows: in the order of the file, without the header.

    Raises:
        ScenarioError: a file, a column, a source or a grade that is missing or unknown.
    """

    def __init__(self, place: Traversable, file: str, columns: Sequence[str], grades: Sequence[str]) -> None:
        self.file = file
        try:
            reader = csv.reader(StringIO(place.joinpath(file).read_text(encoding="utf-8-sig")), strict=True)
            lines = [(reader.line_num, fields) for fields in reader if fields]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ScenarioError(f"{file}: cannot be read as CSV in UTF-8 ({error})") from error
        header = lines[0][1] if lines else []
        wanted = (*columns, *_NOTES)
        for name in wanted:
            if name not in header:
                raise ScenarioError(
                    f"{file}, line 1: column `{name}` is missing; expected {', '.join(wanted)}"
                )
        for name in header:
            if name not in wanted:
                raise ScenarioError(str(UnknownName("column", name, wanted, f"{file}, line 1")))
        self.rows: list[Row] = []
        for number, fields in lines[1:]:
            if len(fields) != len(header):
                raise ScenarioError(
                    f"{file}, line {number}: {len(fields)} fields; expected {len(header)}, as in line 1"
                )
            self.rows.append(Row(number, dict(zip(header, (f.strip() for f in fields), strict=True))))
        for row in self.rows:
            self.text(row, "source")
            self.place(row, "grade", {grade: i for i, grade in enumerate(grades)})

    def fail(self, row: Row, column: str, expected: str) -> ScenarioError:
        """Return the error that says what stands in a cell and what was *expected* there."""
        got = row.cells[column]
        found = f"`{got}`" if got else "nothing"
        return ScenarioError(
            f"{self.file}, line {row.line}, column `{column}`: found {found}; expected {expected}"
        )

    def text(self, row: Row, column: str) -> str:
        """Return what stands in a cell that must not be empty."""
        if not row.cells[column]:
            raise self.fail(row, column, "who or what says so" if column == "source" else "a text")
        return row.cells[column]

    def place(self, row: Row, column: str, axis: Mapping[str, int]) -> int:
        """Return where the row stands on *axis*, which maps the names that can stand in *column*."""
        text = self.text(row, column)
        if text in axis:
            return axis[text]
        if column in ("year", "month"):
            raise self.fail(row, column, f"a whole number from {next(iter(axis))} to {list(axis)[-1]}")
        where = f"{self.file}, line {row.line}, column `{column}`"
        unknown = UnknownName(column, text, axis, where)
        raise ScenarioError(
            str(unknown) if unknown.closest else f"{unknown}; expected one of {', '.join(axis)}"
        )

    def number(self, row: Row, column: str, *, positive: bool = False, whole: bool = False) -> float:
        """Return a figure, 0 or more; one of a column whose name ends in `share` is 1 at most."""
        share = column.endswith("share")
        expected = "a share from 0 to 1" if share else "a whole number" if whole else "a number"
        expected += " above 0" if positive else "" if share else ", 0 or more"
        try:
            value = float(row.cells[column])
        except ValueError:
            raise self.fail(row, column, expected) from None
        low = value <= 0 if positive else value < 0
        if not math.isfinite(value) or low or (share and value > 1) or (whole and not value.is_integer()):
            raise self.fail(row, column, expected)
        return value


def grid(table: Table, spec: Spec, axes: Mapping[str, Mapping[str, int]]) -> Floats:
    """Return the figures of *table*: float64, one axis per key column, a last one for the columns of figures.

    Where optional rows are left out the figures are NaN.  A year without a row, where `spec.holds`, takes the
    last year before it, or the first that has one.  Shares are rescaled to sum to 1 exactly.

    Args:
        table: read with the columns of *spec*.
        axes: of each key column, the names that can stand in it -> place on its axis.

    Raises:
        ScenarioError: a cell that cannot be, a row too many or too few, shares that do not sum to 1.
    """
    shape = tuple(max(axes[key].values()) + 1 for key in spec.keys)
    figures = np.full((*shape, len(spec.values)), np.nan)
    lines = np.zeros(shape, dtype=np.int64)
    for row in table.rows:
        at = tuple(table.place(row, key, axes[key]) for key in spec.keys)
        if lines[at]:
            raise ScenarioError(
                f"{table.file}, line {row.line}: {_named(row, spec)} stands in line {lines[at]} already"
            )
        lines[at] = row.line
        figures[at] = [table.number(row, v, positive=spec.positive, whole=spec.whole) for v in spec.values]
    if spec.holds:
        _hold(figures, lines)
    _check_complete(table.file, spec, lines, axes)
    if spec.sums is not None:
        _check_sums(table.file, spec, figures, lines)
        figures /= figures.sum(axis=spec.sums, keepdims=True)
    return figures


def _named(row: Row, spec: Spec) -> str:
    return ", ".join(f"{key} {row.cells[key]}" for key in spec.keys)


def _hold(figures: Floats, lines: Ints) -> None:
    """Fill years without a row from the last year before them, or from the first year that has one."""
    for year in range(1, len(lines)):
        empty = (lines[year] == 0) & (lines[year - 1] > 0)
        figures[year][empty], lines[year][empty] = figures[year - 1][empty], lines[year - 1][empty]
    for year in range(len(lines) - 2, -1, -1):
        empty = (lines[year] == 0) & (lines[year + 1] > 0)
        figures[year][empty], lines[year][empty] = figures[year + 1][empty], lines[year + 1][empty]


def _check_complete(file: str, spec: Spec, lines: Ints, axes: Mapping[str, Mapping[str, int]]) -> None:
    names = [{place: name for name, place in axes[key].items()} for key in spec.keys]
    for at in np.argwhere(lines == 0):
        labels = [names[axis].get(int(place)) for axis, place in enumerate(at)]
        if None not in labels and labels[-1] not in spec.optional:
            missing = ", ".join(f"{key} {label}" for key, label in zip(spec.keys, labels, strict=True))
            raise ScenarioError(
                f"{file}: no row for {missing}; expected one for each {' and '.join(spec.keys)}"
            )


def _check_sums(file: str, spec: Spec, figures: Floats, lines: Ints) -> None:
    axis = spec.sums or 0
    totals = figures.sum(axis=axis)
    for at in np.argwhere(np.abs(totals - 1) > _TOLERANCE)[:1]:
        last = int(
            lines[tuple(at)]
            if axis == lines.ndim
            else lines.take(at[0], axis=0).max()
            if axis
            else lines.max()
        )
        columns = ", ".join(f"`{value}`" for value in spec.values) + ": shares"
        columns += "" if axis == lines.ndim else " up to here"
        total = totals[tuple(at)]
        raise ScenarioError(
            f"{file}, line {last}, column {columns} sum to {total:.6f}; expected 1 within {_TOLERANCE}"
        )
