"""Proving: would the cases of a rule notice if the rule were a little wrong?

Each mutant (see `mutants`) is run over the rule's cases.  It is killed when some case is judged differently, and
survives when none is: then a case is missing, or the two rules mean the same, which the case file may explain.
Source: DeMillo, Lipton and Sayward (1978), Computer 11(4), "Hints on test data selection".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from traceability.compliance.cases import Case, load_explained, run_cases
from traceability.compliance.mutants import (
    ChangedQuery,
    Mutant,
    Part,
    limit_mutants,
    needs_mutants,
    query_mutants,
    validity_mutants,
)
from traceability.compliance.rule import Rule
from traceability.compliance.trials import Trial, cases_of, store_of
from traceability.compliance.views import View
from traceability.errors import TraceabilityError
from traceability.store import Store, schema
from traceability.vocabulary import EventType


@dataclass(frozen=True, slots=True)
class Proof:
    """What the cases of one rule can tell apart.

    Attributes:
        mutants: how many were tried; 0 where the cases do not pass with the rule as it is.
        survivors: those that no case noticed and nobody explained.
        explained: (mutant, reason) of those that no case noticed, and the case file says why.
        stale: explained in the case file, but killed, or no mutant at all.
        fault: why no mutant was tried, or ''.
    """

    rule: Rule
    mutants: int
    survivors: tuple[Mutant, ...]
    explained: tuple[tuple[Mutant, str], ...]
    stale: tuple[str, ...]
    fault: str = ""

    @property
    def killed(self) -> int:
        """How many some case noticed."""
        return self.mutants - len(self.survivors) - len(self.explained)

    @property
    def complete(self) -> bool:
        """Whether every mutant is killed or explained, and no explanation is idle."""
        return not (self.fault or self.survivors or self.stale)

    def at_boundary(self, limit: int) -> bool:
        """Return whether cases stand on both sides of each border of one dated limit: number and days."""
        borders = (Part.LIMIT, Part.VALIDITY)
        return not self.fault and not any(m.limit == limit and m.part in borders for m in self.survivors)


def prove(rule: Rule, case_file: Path, parts: Iterable[Part] = tuple(Part)) -> Proof:
    """Return which mutants of *rule* the cases of *case_file* notice; only those of *parts*."""
    try:
        cases, reasons = cases_of(rule, case_file), load_explained(case_file)
    except TraceabilityError as error:
        return Proof(rule, 0, (), (), (), str(error))
    wanted = frozenset(parts)
    with store_of(cases) as store:
        trial = Trial(rule, run_cases(store, cases))
        if not trial.passed:
            wrong = sum(not result.passed for result in trial.results)
            return Proof(rule, 0, (), (), (), trial.broken or f"{wrong} of {len(cases)} cases fail as it is")
        bench = _Bench(store, rule, cases)
        last_day = max(case.as_of for case in cases)
        tried = [
            (mutant, killed(mutant))
            for part, make, killed in (
                (Part.LIMIT, limit_mutants, bench.kills),
                (Part.VALIDITY, validity_mutants, bench.kills),
                (Part.QUERY, lambda rule: query_mutants(rule, last_day), bench.kills),
                (Part.NEEDS, needs_mutants, bench.skips),
            )
            if part in wanted
            for mutant in make(rule)
        ]
    left = [mutant for mutant, dead in tried if not dead]
    alive = {mutant.name for mutant in left}
    complete = wanted == frozenset(Part)
    return Proof(
        rule,
        len(tried),
        tuple(mutant for mutant in left if mutant.name not in reasons),
        tuple((mutant, reasons[mutant.name]) for mutant in left if mutant.name in reasons),
        tuple(name for name in reasons if complete and name not in alive),
    )


class _Bench:
    """The cases of one rule in a store, and what the rule says of each, limit by limit."""

    def __init__(self, store: Store, rule: Rule, cases: Sequence[Case]) -> None:
        self.store, self.rule = store, rule
        self.cases = [(case, case.seen) for case in cases]
        self.said = {
            (n, limit): self._count(rule, limit, case, view)
            for n, (case, view) in enumerate(self.cases)
            for limit in range(len(rule.limits))
        }

    def kills(self, mutant: Mutant) -> bool:
        """Return whether some case is judged differently, or the mutant does not even run."""
        for n, (case, view) in enumerate(self.cases):
            try:
                now = self._count(mutant.rule, mutant.limit, case, view)
            except TraceabilityError:
                return True
            if now != self.said[n, mutant.limit]:
                return True
        return False

    def skips(self, mutant: Mutant) -> bool:
        """Return whether an audit of some breaching case alone would now skip the rule."""
        return any(
            case.expected and not self._present(case, view).intersection(mutant.rule.needs)
            for case, view in self.cases
        )

    def _count(self, rule: Rule, number: int, case: Case, view: View) -> int:
        limit = rule.limits[number]
        if limit.valid_from is not None and limit.valid_from > view.as_of:
            return 0
        query = rule.violations
        if isinstance(query, ChangedQuery):
            with query.applied(rule, limit, view) as changed:
                actors = self.store.select(changed)["actor"]
        else:
            actors = self.store.select(query(rule, limit, view))["actor"]
        return int(np.isin(actors, case.actors).sum())

    def _present(self, case: Case, view: View) -> frozenset[object]:
        e, m = view.event, view.material
        events = self.store.rows(select(e.c.event).where(e.c.actor.in_(case.actors)).group_by(e.c.event))
        [(lots,)] = self.store.rows(select(func.count()).where(m.c.actor.in_(case.actors)).select_from(m))
        return frozenset(
            {EventType(int(str(event))) for (event,) in events} | ({schema.material} if lots else set())
        )
