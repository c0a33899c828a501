"""A line of the validation table: what was expected, what the model says, and whether that will do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from sim.intervals import amount_interval
from sim.measures import Value
from sim.report.model import Estimate
from sim.targets import Target, judged, modelled_all


class Verdict(StrEnum):
    """What became of a line."""

    PASS = "pass"
    FAIL = "fail"
    COMPARED = "compared"
    NOT_COVERED = "not covered"


class Line(NamedTuple):
    """One row of the table.

    `expected` is the published figure, or what a formula gives, and `error` its standard error; `model` is the
    mean over replications, from `low` to `high` its 95 % interval; all in `unit`.  `bound` says in words what
    passes.  `use` is that of a target, or `exact` for what theory or arithmetic says.
    """

    part: str
    name: str
    year: int | None
    unit: str
    expected: float
    error: float
    model: float | None
    low: float | None
    high: float | None
    bound: str
    verdict: Verdict
    use: str
    why: str
    source: str
    grade: str

    @property
    def failed(self) -> bool:
        """Whether the line counts against the model: context never does."""
        return self.verdict is Verdict.FAIL and self.use != "context"


OFFICIAL = "published figures"


def target_lines(
    targets: Iterable[Target],
    replications: Sequence[Sequence[Value]],
    first: date,
    last: date,
    *,
    luck_counts: bool = False,
) -> list[Line]:
    """Return one line for each of *targets*, in their order.

    The mean over the replications is judged; the interval shows how much of a miss is luck.

    Args:
        replications: the measures of each.
        first, last: horizon of the run; a year that it does not hold whole is not covered.
        luck_counts: of a coarse run: a line passes where any of its 95 % interval would.
    """
    listed = list(targets)
    by_run = [modelled_all(listed, values) for values in replications]
    lines = []
    for place, target in enumerate(listed):
        found = [read[place] for read in by_run]
        whole = first <= date(target.year, 1, 1) and date(target.year, 12, 31) <= last
        known = [value for value in found if value is not None]
        lines.append(_line(target, known if whole and len(known) == len(found) else [], luck_counts))
    return lines


def _line(target: Target, found: Sequence[float], luck_counts: bool) -> Line:
    estimate, bound = _bounded(amount_interval(found), target) if found else None, bound_of(target)
    verdict = Verdict.NOT_COVERED
    if estimate is not None:
        met = judged(target, estimate.mean)
        if met is False and luck_counts:
            met = _met_by_luck(target, estimate)
            bound += ", or the interval"
        verdict = Verdict.COMPARED if met is None else Verdict.PASS if met else Verdict.FAIL
    return Line(
        OFFICIAL,
        target.name,
        target.year,
        target.unit,
        target.value,
        target.error,
        estimate.mean if estimate else None,
        estimate.low if estimate else None,
        estimate.high if estimate else None,
        bound,
        verdict,
        target.use,
        target.why,
        target.source,
        target.grade,
    )


def _bounded(estimate: Estimate, target: Target) -> Estimate:
    high = min(estimate.high, 1.0) if target.unit == "share" else estimate.high
    return Estimate(estimate.mean, estimate.low, high)


def _met_by_luck(target: Target, estimate: Estimate) -> bool:
    """Whether the interval reaches what passes: its end nearest to the target does."""
    goal = target.value
    if target.low is not None and target.high is not None:
        goal = min(max(estimate.mean, target.low), target.high)
    return judged(target, min(max(goal, estimate.low), estimate.high)) is not False


def number(value: float | None) -> str:
    """Return *value* in four digits, thousands and more by letter (k, M, G), or a dash."""
    if value is None:
        return "–"
    size, letter = _size(value)
    return f"{value / size:.4g}{letter}"


def _size(value: float) -> tuple[float, str]:
    for from_here, size, letter in ((1e9, 1e9, " G"), (1e6, 1e6, " M"), (1e4, 1e3, " k")):
        if abs(value) >= from_here:
            return size, letter
    return 1.0, ""


def interval(line: Line) -> str:
    """Return the 95 % interval of the model, or nothing where there is none."""
    if line.low is None or line.low == line.high:
        return ""
    assert line.high is not None
    size, letter = _size(line.high)
    return f"{line.low / size:.4g} to {line.high / size:.4g}{letter}"


def bound_of(target: Target) -> str:
    """Return what passes, in words."""
    around = f" within {100 * target.tolerance:g} %" if target.tolerance is not None else ""
    if target.relation == "within":
        return f"{number(target.low)} to {number(target.high)}"
    if target.relation == "near":
        return around.strip() or "for comparison"
    return target.relation.replace("_", " ") + around


def exact_line(
    part: str,
    name: str,
    unit: str,
    expected: float,
    *,
    model: float,
    slack: float,
    bound: str,
    why: str,
    source: str,
    grade: str = "derived",
    half: float = 0.0,
    year: int | None = None,
) -> Line:
    """Return the line of a check against theory: it passes where model and expected differ by *slack* at most.

    Args:
        half: half the 95 % interval of *model*; 0 where it is counted.
    """
    verdict = Verdict.PASS if abs(model - expected) <= slack else Verdict.FAIL
    return Line(
        part, name, year, unit, expected, 0.0, model, max(model - half, 0.0), model + half, bound, verdict, "exact", why,
        source, grade,
    )  # fmt: skip
