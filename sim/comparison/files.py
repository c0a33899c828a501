"""A comparison as files for others: tidy CSV, and a workbook."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

from sim.comparison.bundle import BUNDLE
from sim.comparison.changed import Changed
from sim.comparison.outcome import Compared, Comparison
from sim.measures import MEASURES
from traceability.sheets import Cell, Sheet, write_csv, write_xlsx

COLUMNS = (
    "measure", "year", "key", "scenario", "replications", "mean", "low", "high", "difference", "difference_low",
    "difference_high", "variance_removed", "p", "p_holm", "shown", "unit",
)  # fmt: skip
"""Of comparison.csv: one row for each measure, year, key and scenario; differences are against the first one."""


def write_tables(folder: Path, told: Comparison, levers: list[Changed]) -> None:
    """Write comparison.csv and comparison.xlsx into *folder*.

    Raises:
        TableError: one cannot be written.
    """
    write_csv(folder / "comparison.csv", COLUMNS, _rows(told), mark=False)
    write_xlsx(
        folder / "comparison.xlsx",
        [
            Sheet("Summary 概要", _SUMMARY_HEADER, _summary(told)),
            Sheet("All measures 全部指标", COLUMNS, _rows(told)),
            Sheet(
                "What is changed 变更", ("scenario", "key", "from", "to", "unit", "source", "grade", "en", "zh"),
                [(v.scenario, v.key, v.before, v.after, v.unit, v.source, v.grade, v.en, v.zh) for v in levers],
            ),
            Sheet(
                "Runs 运行", ("label", "scenario", "replications", "events", "fingerprint"),
                [(s.label, s.scenario.name, s.replications, s.events, s.fingerprint) for s in told.sides],
            ),
        ],
    )  # fmt: skip


def _rows(told: Comparison) -> Iterator[tuple[Cell, ...]]:
    units = {info.id: info.unit_en for info in MEASURES}
    for row in told.rows:
        yield (
            row.measure, row.year, row.key, row.scenario, row.n, *_plain(row), units[row.measure],
        )  # fmt: skip


def _plain(row: Compared) -> tuple[Cell, ...]:
    """Return the numbers of a row, None for what is not known."""
    e, gap = row.estimate, row.difference
    if gap is None:
        return (e.mean, e.low, e.high, *[None] * 7)
    d = gap.estimate
    numbers: tuple[Cell, ...] = (
        e.mean, e.low, e.high, d.mean, d.low, d.high, gap.removed, gap.p, row.p_holm, int(row.shown),
    )  # fmt: skip
    return tuple(None if isinstance(n, float) and not math.isfinite(n) else n for n in numbers)


_SUMMARY_HEADER = (
    "measure", "指标", "unit", "scenario", "baseline", "mean", "low", "high", "difference", "difference_low",
    "difference_high", "variance_removed", "p", "p_holm", "shown",
)  # fmt: skip


def _summary(told: Comparison) -> Iterator[tuple[Cell, ...]]:
    for side in told.others:
        for shown in BUNDLE:
            row, base = told.of(shown, side.label), told.of(shown, told.baseline.label)
            if row is None or base is None:
                continue
            numbers = _plain(row)
            scaled = tuple(n * shown.factor if isinstance(n, int | float) else n for n in numbers[:6])
            yield (
                shown.says.en, shown.says.zh, shown.unit.en, side.label, base.estimate.mean * shown.factor,
                *scaled, *numbers[6:],
            )  # fmt: skip
