"""What a study has found: values of the measures it shows, replication by replication, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sim.comparison.paired import LEVEL, Difference, difference, holm
from sim.comparison.series import Floats, Name, absent, series
from sim.intervals import SIGNED, amount_interval, mean_interval, measure_interval
from sim.measures import Value
from sim.report.model import Estimate
from sim.studies.design import Shown, Study, Term


@dataclass(frozen=True, eq=False)
class Results:
    """The values of a study.

    Attributes:
        study: whose.
        values: scenario -> measure, year and key -> float64[replications].
        replications: how many.
    """

    study: Study
    values: Mapping[str, Mapping[Name, Floats]]
    replications: int

    def of(self, shown: Shown, scenario: str) -> Floats:
        """Return float64[replications], a line of a scenario in the unit of its measure; NaN where it has none."""
        years = range(shown.years[0], shown.years[1] + 1)
        above = sum((self._term(t, scenario, y) for t in shown.parts for y in years), self._nothing)
        if shown.per:
            below = sum((self._term(t, scenario, y) for t in shown.per for y in years), self._nothing)
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.where(below > 0, above / below, np.nan)
        return above / len(years) if shown.over == "mean" else above

    @property
    def _nothing(self) -> Floats:
        return np.zeros(self.replications)

    def _term(self, term: Term, scenario: str, year: int) -> Floats:
        if term.scenarios and scenario not in term.scenarios:
            return self._nothing
        here = self.values[scenario]
        none = absent(term.measure, self.replications)
        total = sum((here.get((term.measure, year, key), none) for key in term.keys), self._nothing)
        return total * term.times + term.constant


class Line(NamedTuple):
    """One line of one scenario beside the baseline's; numbers in the unit of its measure.

    Attributes:
        before, after: mean and interval of the baseline and of the scenario.
        gap: their paired difference.
        p_holm: adjusted over all lines of all scenarios of the study.
    """

    shown: Shown
    scenario: str
    before: Estimate
    after: Estimate
    gap: Difference
    p_holm: float | None

    @property
    def differs(self) -> bool:
        """Whether a difference is shown."""
        return bool(self.gap.estimate.mean) and self.p_holm is not None and self.p_holm < LEVEL


def lines(results: Results) -> list[Line]:
    """Return every line of every scenario but the baseline, the p values adjusted over all of them (Holm 1979)."""
    study = results.study
    found = []
    for side in study.scenario[1:]:
        for shown in study.shown:
            before, after = results.of(shown, study.baseline.name), results.of(shown, side.name)
            gap = difference(before, after)
            found.append(Line(shown, side.name, estimate(shown, before), estimate(shown, after), gap, gap.p))
    adjusted = holm([line.p_holm for line in found])
    return [line._replace(p_holm=p) for line, p in zip(found, adjusted, strict=True)]


def estimate(shown: Shown, values: Floats) -> Estimate:
    """Return mean and 95 % interval of float64[n]; what is unknown (NaN) is left out."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Estimate(float("nan"), float("nan"), float("nan"))
    if shown.plain:
        return measure_interval(shown.measure, known.tolist())
    return (mean_interval if may_be_negative(shown) else amount_interval)(known.tolist())


def may_be_negative(shown: Shown) -> bool:
    """Return whether a line can be below nothing: one of its measures can, or a factor is."""
    terms = (*shown.parts, *shown.per)
    return any(t.measure in SIGNED or t.times < 0 or t.constant < 0 for t in terms)


def needed(study: Study) -> set[tuple[str, str, int]]:
    """Return (measure, key, year) of all that the lines and the picture of *study* read."""
    found = set()
    for shown in study.shown:
        first, last = shown.years
        for term in (*shown.parts, *shown.per):
            found |= {(term.measure, key, year) for key in term.keys for year in range(first, last + 1)}
    return found


def gathered(study: Study, said: Iterable[tuple[str, Sequence[Sequence[Value]]]]) -> Results:
    """Return the results of *study* from (scenario, measures of each replication), as runs leave them."""
    wanted = needed(study)
    values: dict[str, dict[Name, Floats]] = {}
    count = 0
    for scenario, replications in said:
        count = len(replications)
        values[scenario] = {
            name: found
            for name, found in series(replications).items()
            if name[1] is not None and (name[0], name[2], name[1]) in wanted
        }
    return Results(study, values, count)
