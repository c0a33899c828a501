"""What a report is made of: the tidy rows of a run, its rules, its assumptions and where it comes from.

Whoever measures a run fills these; the report is a pure function of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from traceability.errors import UnknownName


@dataclass(frozen=True)
class MeasureInfo:
    """What a measure is called, its unit, and what the `key` of its rows holds.

    Attributes:
        key: "", "chemistry", "channel", "kind", "element", "source", "role", "stage", "flow" or "rule".
        signed: whether it may be negative, as money may; a count, a mass, a delay may not.
    """

    id: str
    title_en: str
    title_zh: str
    unit_en: str
    unit_zh: str
    key: str
    signed: bool = False


@dataclass(frozen=True)
class Row:
    """One number of a run: the mean over replications and the ends of its 95 % interval.

    A row with an empty key of a measure that has keys is its total, with an interval of its own.

    Attributes:
        year: None where the number is over the whole horizon.
        n: replications behind it; low = high = mean when it is 1.
    """

    measure: str
    year: int | None
    key: str
    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Estimate:
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class RuleLine:
    """What became of one rule over the whole horizon.

    Attributes:
        article: as printed in the law; "" or with a "?" where the number is not known.
        grade: how well the text is known, A to U.
        happened, visible: breaches in the truth, and in the register that the platform holds.
        outcome: "RAN", "SKIPPED reason" or "BROKEN reason".
    """

    id: str
    title_en: str
    title_zh: str
    article: str
    grade: str
    regime: str
    voluntary: bool
    happened: Estimate
    visible: Estimate
    outcome: str


@dataclass(frozen=True)
class Assumption:
    """One parameter of the run, with its source; grade "assumed" where it has none."""

    key: str
    value: str
    unit: str
    source: str
    grade: str
    note: str


@dataclass(frozen=True)
class RunRecord:
    """Where a run comes from: enough to repeat it and to check that it is the same.

    Attributes:
        first_day, last_day: ISO dates of the horizon.
        scale: real units that one simulated unit stands for.
        events: events in the logs of all replications, as simulated.
    """

    name: str
    first_day: str
    last_day: str
    scale: int
    replications: int
    seed: int
    fingerprint: str
    versions: dict[str, str]
    events: int


@dataclass(frozen=True)
class ReportInput:
    """All that a report shows.

    Raises:
        UnknownName: a row belongs to a measure that `measures` does not describe, or a flow is not
            "source>target".
    """

    record: RunRecord
    measures: dict[str, MeasureInfo]
    rows: list[Row]
    rules: list[RuleLine]
    assumptions: list[Assumption]
    headline_year: int

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.measure not in self.measures:
                raise UnknownName("measure", row.measure, self.measures, "the rows of a report")
            if row.measure == "flow" and row.key and not all(end.strip() for end in _ends(row.key)):
                raise UnknownName(
                    'flow (one is written "source>target")', row.key, [], "the rows of a report"
                )


def _ends(key: str) -> tuple[str, str]:
    source, _, target = key.partition(">")
    return source, target
