"""A finished comparison: every measure of every scenario, and what each changes against the first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sim.comparison.bundle import BUNDLE, Shown
from sim.comparison.paired import LEVEL, Difference, difference, holm, replications_needed
from sim.comparison.series import Floats, Name, Side, absent, series
from sim.intervals import measure_interval
from sim.report.model import Estimate, Row


@dataclass(frozen=True)
class Compared:
    """One measure of one scenario beside the baseline's.

    Attributes:
        estimate: mean and 95 % interval of the scenario itself.
        difference: against the baseline; None for the baseline.
        p_holm: adjusted over all that the bundle shows; None where it does not show this one.
    """

    measure: str
    year: int | None
    key: str
    scenario: str
    estimate: Estimate
    n: int
    difference: Difference | None = None
    p_holm: float | None = None

    @property
    def shown(self) -> bool:
        """Whether a difference is shown: chance alone would hardly make it, counted over all that is looked at."""
        if self.difference is None or not self.difference.estimate.mean:
            return False
        p = self.difference.p if self.p_holm is None else self.p_holm
        return p is not None and p < LEVEL


@dataclass(frozen=True)
class Comparison:
    """What a comparison says.

    Attributes:
        sides: the scenarios, the baseline first.
        year: the one that the bundle speaks of.
        rows: every measure, year and key of every scenario.
        stopped: why there are as many replications as there are.
    """

    sides: tuple[Side, ...]
    year: int
    rows: tuple[Compared, ...]
    stopped: str = ""

    @property
    def baseline(self) -> Side:
        """The first scenario."""
        return self.sides[0]

    @property
    def others(self) -> tuple[Side, ...]:
        """All but the first."""
        return self.sides[1:]

    def of(self, shown: Shown, label: str) -> Compared | None:
        """Return the row that a line of the bundle shows of a scenario, or None where it has no such measure."""
        return self._by_name.get((shown.measure, self.year, shown.key, label))

    def rows_of(self, measure: str, label: str, year: int | str | None = "every") -> list[Compared]:
        """Return the rows of *measure* of a scenario, of one year or of every, by year and key."""
        return [row for row in self._by_measure.get((measure, label), []) if year in ("every", row.year)]

    def removed(self, label: str) -> float | None:
        """Return the median share of variance that the twins removed, over the headline measures of a scenario."""
        rows = [self.of(shown, label) for shown in BUNDLE if shown.headline]
        shares = [
            row.difference.removed
            for row in rows
            if row is not None and row.difference is not None and row.difference.removed is not None
        ]
        return float(np.median(shares)) if shares else None

    @cached_property
    def _by_measure(self) -> dict[tuple[str, str], list[Compared]]:
        found: dict[tuple[str, str], list[Compared]] = {}
        for row in self.rows:
            found.setdefault((row.measure, row.scenario), []).append(row)
        return found

    @cached_property
    def _by_name(self) -> dict[tuple[str, int | None, str, str], Compared]:
        return {(row.measure, row.year, row.key, row.scenario): row for row in self.rows}


def compared(sides: Sequence[Side], year: int, stopped: str = "") -> Comparison:
    """Return the comparison of *sides*, the first of which is the baseline; all have as many replications."""
    said = [series(side.values) for side in sides]
    names = sorted({name for one in said for name in one}, key=_place)
    rows = list(_rows(sides, said, names))
    watched = [
        n
        for n, row in enumerate(rows)
        if row.difference is not None and row.year == year and (row.measure, row.key) in _BUNDLED
    ]
    adjusted = holm([rows[n].difference.p for n in watched])  # type: ignore[union-attr]
    for n, p in zip(watched, adjusted, strict=True):
        rows[n] = replace(rows[n], p_holm=p)
    return Comparison(tuple(sides), year, tuple(rows), stopped)


def still_wanted(sides: Sequence[Side], year: int, precision: float) -> tuple[int, str]:
    """Return how many replications the headline measures of *year* ask for, and which asks for most ("" none).

    Args:
        sides: what there is so far.
        year: of the headline measures.
        precision: half the interval of each paired difference, as a share of the baseline's mean.
    """
    said = [series(side.values) for side in sides]
    most, which = sides[0].replications, ""
    for shown in BUNDLE:
        if not shown.headline:
            continue
        name = (shown.measure, year, shown.key)
        before = said[0].get(name)
        if before is None or np.isnan(before).all():
            continue
        for side, one in zip(sides[1:], said[1:], strict=True):
            gap = difference(before, one.get(name, absent(shown.measure, side.replications)))
            needed = replications_needed(gap, float(np.nanmean(before)), precision) if gap.n else None
            if needed is not None and needed > most:
                most, which = needed, shown.says.en
    return most, which


_BUNDLED = frozenset((shown.measure, shown.key) for shown in BUNDLE)


def _place(name: Name) -> tuple[str, int, str]:
    measure, year, key = name
    return measure, year or 0, key


def _rows(
    sides: Sequence[Side], said: Sequence[dict[Name, Floats]], names: Sequence[Name]
) -> Iterator[Compared]:
    for name in names:
        measure, year, key = name
        before = said[0].get(name, absent(measure, sides[0].replications))
        for number, (side, one) in enumerate(zip(sides, said, strict=True)):
            here = one.get(name, absent(measure, side.replications))
            known = here[~np.isnan(here)]
            if not known.size:
                continue
            gap = difference(before, here) if number else None
            yield Compared(
                measure, year, key, side.label, measure_interval(measure, known.tolist()), known.size, gap
            )


def as_rows(rows: Sequence[Compared]) -> list[Row]:
    """Return *rows* as those of a report, keyed by scenario: for a figure of several scenarios."""
    return [
        Row(
            row.measure, row.year, row.scenario, row.estimate.mean, row.estimate.low, row.estimate.high, row.n
        )
        for row in rows
    ]
