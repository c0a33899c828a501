"""Scoring: how much of what happened the register shows, rule by rule, how late, and what it misses.

Counted are duties and those concerned, as in `audit.happened_and_visible`: two breaches of one rule by one unit
are one.  Precision is the share of what is visible that happened, recall the share of what happened that is
visible.  The delay runs from the breach (for a deadline the day after the last day, otherwise the day of the
trigger) to the day on which the platform had been told of the row that shows it, or to the breach if that is later.
A sum over a year has no single row, and no delay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import cache
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Table, func, literal, select

from traceability.compliance.audit import Audit, happened_and_visible
from traceability.compliance.due import Count, Reading, due
from traceability.compliance.findings import Findings, Int64s
from traceability.compliance.law import DatedLimit, Unit
from traceability.compliance.rule import Kind, Rule
from traceability.compliance.rules import RULES
from traceability.errors import StoreError
from traceability.events import EPOCH, NULL, day_number
from traceability.store import Store, schema
from traceability.vocabulary import Element

_ASKED_AT_ONCE = 5_000
NEVER_A_DAY = literal(0)
"""In place of the day, where a false report of any day counts: a vehicle is received once."""
_CONFIDENCE = 0.95


class Misconduct(Enum):
    """What was told, or not, of a breach that happened: read off the row behind it.

    NEVER_TOLD: its actor has told the platform nothing at all.  OMITTED: this row was left out by one who tells
    others.  FALSE: a row that did not happen was told in its place.  LATE: it was told after the limit, or after
    the day from which one looks.  TOLD: it was told; the breach lies in what was done.  SUMMED: many rows.
    """

    NEVER_TOLD = "never told", "从不报送"
    OMITTED = "omitted", "漏报"
    FALSE = "false report", "虚报"
    LATE = "told late", "迟报"
    TOLD = "told", "已报"
    SUMMED = "a year's sum", "年度汇总"

    def __init__(self, en: str, zh: str) -> None:
        self.en, self.zh = en, zh


@dataclass(frozen=True, slots=True)
class RuleScore:
    """One rule in one log.

    Attributes:
        happened, visible, both: breaches in the truth, in the register, and in both.
        delays: days from breach to detection, one for each of `both` that has a row.
        kinds: misconduct -> (breaches that happened, of which the register does not show).
        caught: other rule -> how many of the missed concern a unit or vehicle on which it has a finding.
    """

    rule: Rule
    happened: int
    visible: int
    both: int
    delays: tuple[int, ...]
    kinds: Mapping[Misconduct, tuple[int, int]]
    caught: Mapping[str, int]

    @property
    def precision(self) -> float | None:
        """Share of what is visible that happened; None where nothing is visible."""
        return self.both / self.visible if self.visible else None

    @property
    def recall(self) -> float | None:
        """Share of what happened that is visible; None where nothing happened."""
        return self.both / self.happened if self.happened else None

    @property
    def delay(self) -> float | None:
        """Mean days from breach to detection; None where no detected breach has a row."""
        return float(np.mean(self.delays)) if self.delays else None


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % interval; low and high are None where one value cannot give one."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule over all logs: counts are means, misconduct and catches are sums."""

    rule: Rule
    happened: float
    visible: float
    precision: Interval | None
    recall: Interval | None
    delay: Interval | None
    kinds: Mapping[Misconduct, tuple[int, int]]
    caught: Mapping[str, int]

    @property
    def missed(self) -> int:
        """Breaches of all logs that the register does not show."""
        return sum(missed for _, missed in self.kinds.values())

    @property
    def mostly_missed(self) -> tuple[Misconduct, int] | None:
        """The misconduct of most of the missed, and how many; None where nothing is missed."""
        ranked = sorted(self.kinds.items(), key=lambda item: -item[1][1])
        return (ranked[0][0], ranked[0][1][1]) if ranked and ranked[0][1][1] else None

    @property
    def mostly_caught_by(self) -> tuple[str, int] | None:
        """The other rule that finds something on most of the missed, and on how many; None if none does."""
        ranked = sorted(self.caught.items(), key=lambda item: (-item[1], item[0]))
        return ranked[0] if ranked else None


def score(store: Store, as_of: int, rules: Sequence[Rule] = RULES) -> tuple[RuleScore, ...]:
    """Return the score of each of *rules* in one log, as known on the day *as_of*.

    Raises:
        StoreError: the log does not say what happened.
        RuleBroken: a rule could not be asked.
    """
    if store.meta().get("truth") != "yes":
        raise StoreError(
            "this log says what was reported, not what happened: there is no truth to score the rules against"
        )
    card = happened_and_visible(store, as_of, rules)
    for answer in (card.truth, card.register):
        answer.stop_if_broken()
    log = _Log(store, as_of, card.truth, card.register)
    return tuple(log.score(number, rule) for number, rule in enumerate(rules))


def summarise(logs: Sequence[Sequence[RuleScore]]) -> tuple[RuleSummary, ...]:
    """Return the rules over all *logs*, which have the same rules: one log a replication.

    Intervals are Student's t over replications.  With one log they are over its findings: Wilson's for a share
    (Wilson 1927, JASA 22(158)), Student's t for the delay.
    """
    return tuple(_summary(scores) for scores in zip(*logs, strict=True))


def wilson(successes: int, trials: int) -> Interval:
    """Return a share with Wilson's 95 % interval.

    >>> wilson(0, 10).high
    0.2775...
    """
    z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # at the ends the formula gives the end itself, but for the last bit of a float
    return Interval(
        share, 0.0 if successes == 0 else middle - half, 1.0 if successes == trials else middle + half
    )


def student(values: Sequence[float], most: float = float("inf")) -> Interval:
    """Return the mean of *values*, which lie between 0 and *most*, with Student's 95 % interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None, None)
    from scipy.special import stdtrit  # slow to import, and needed only here

    half = float(stdtrit(len(values) - 1, 0.5 + _CONFIDENCE / 2)) * float(np.std(values, ddof=1))
    half /= sqrt(len(values))
    return Interval(mean, max(0.0, mean - half), min(most, mean + half))


def _summary(scores: Sequence[RuleScore]) -> RuleSummary:
    kinds: dict[Misconduct, tuple[int, int]] = {}
    caught: Counter[str] = Counter()
    for one in scores:
        for kind, (happened, missed) in one.kinds.items():
            before = kinds.get(kind, (0, 0))
            kinds[kind] = before[0] + happened, before[1] + missed
        caught.update(one.caught)
    if len(scores) == 1:
        [one] = scores
        precision = wilson(one.both, one.visible) if one.visible else None
        recall = wilson(one.both, one.happened) if one.happened else None
        delay = student(one.delays) if one.delays else None
    else:
        precision = _over(one.precision for one in scores)
        recall = _over(one.recall for one in scores)
        delay = _over((one.delay for one in scores), float("inf"))
    return RuleSummary(
        scores[0].rule,
        float(np.mean([one.happened for one in scores])),
        float(np.mean([one.visible for one in scores])),
        precision,
        recall,
        delay,
        kinds,
        dict(caught),
    )


def _over(values: Iterable[float | None], most: float = 1.0) -> Interval | None:
    """Return the interval over the logs that have a value."""
    known = [value for value in values if value is not None]
    return student(known, most) if known else None


class _Log:
    """One log with its two audits."""

    def __init__(self, store: Store, as_of: int, truth: Audit, register: Audit) -> None:
        self.store, self.as_of = store, as_of
        self.real, self.seen = truth.findings, register.findings
        self.told = self._read(np.concatenate([self.real.event_id, self.seen.event_id]))
        self.silent = self._silent()
        e, m = schema.event, schema.material
        self.invented = (
            self._marks(e, e.c.unit, e.c.event_day)
            | self._marks(e, e.c.vehicle, NEVER_A_DAY)
            | self._marks(m, m.c.lot, m.c.day)
        )
        self.lots = self._lots()
        self.found_on = self._found_on()

    def score(self, number: int, rule: Rule) -> RuleScore:
        """Return the score of the *number*-th rule."""
        real = _first_of_each(self.real[self.real.rule == number])
        seen = _first_of_each(self.seen[self.seen.rule == number])
        both = real.keys() & seen.keys()
        kinds: dict[Misconduct, tuple[int, int]] = {}
        caught: Counter[str] = Counter()
        for key, row in real.items():
            missed = key not in both
            kind = self._kind(rule, row)
            before = kinds.get(kind, (0, 0))
            kinds[kind] = before[0] + 1, before[1] + missed
            if missed:
                caught.update(self.real.rules[other].id for other in self._others(row) if other != number)
        delays = (self._delay(rule, real[key], seen[key]) for key in both)
        known = tuple(sorted(delay for delay in delays if delay is not None))
        return RuleScore(rule, len(real), len(seen), len(both), known, kinds, dict(caught))

    def _kind(self, rule: Rule, row: _Finding) -> Misconduct:
        if row.event_id == NULL and row.unit == NULL and row.vehicle == NULL:
            return Misconduct.SUMMED
        told = self.told.get(row.event_id, NULL) if row.event_id != NULL else self.lots.get(row.unit, NULL)
        if {("unit", row.unit, row.actor, row.day), ("vehicle", row.vehicle, row.actor, 0)} & self.invented:
            return Misconduct.FALSE
        if told == NULL:
            return Misconduct.NEVER_TOLD if row.actor in self.silent else Misconduct.OMITTED
        late = told > self.as_of or rule.kind is Kind.DEADLINE
        return Misconduct.LATE if late else Misconduct.TOLD

    def _delay(self, rule: Rule, real: _Finding, seen: _Finding) -> int | None:
        told = self.told.get(seen.event_id, NULL) if seen.event_id != NULL else self.lots.get(seen.unit, NULL)
        if told == NULL:
            return None
        breached = _breach_day(rule, rule.limits[real.limit], real.day)
        return max(told - breached, 0)

    def _others(self, row: _Finding) -> set[int]:
        return self.found_on.get(("unit", row.unit), set()) | self.found_on.get(
            ("vehicle", row.vehicle), set()
        )

    def _found_on(self) -> dict[tuple[str, int], set[int]]:
        """Return (unit or vehicle, its number) -> rules with a finding on it in the register."""
        found: dict[tuple[str, int], set[int]] = {}
        for what, numbers in (("unit", self.seen.unit), ("vehicle", self.seen.vehicle)):
            pairs = np.unique(np.stack([numbers, self.seen.rule])[:, numbers != NULL], axis=1)
            for number, rule in pairs.T.tolist():
                found.setdefault((what, number), set()).add(rule)
        return found

    def _read(self, event_ids: Int64s) -> dict[int, int]:
        """Return event_id -> the day on which the platform was told, NULL where never."""
        e = schema.event
        told: dict[int, int] = {}
        wanted = np.unique(event_ids[event_ids != NULL])
        for start in range(0, wanted.size, _ASKED_AT_ONCE):
            some = wanted[start : start + _ASKED_AT_ONCE].tolist()
            part = self.store.select(select(e.c.event_id, e.c.record_day).where(e.c.event_id.in_(some)))
            told.update(zip(part["event_id"].tolist(), part["record_day"].tolist(), strict=True))
        return told

    def _silent(self) -> frozenset[int]:
        e = schema.event
        counts = self.store.select(
            select(e.c.actor, func.count(e.c.record_day).label("told")).group_by(e.c.actor)
        )
        return frozenset(counts["actor"][counts["told"] == 0].tolist())

    def _marks(
        self, table: Table, what: ColumnElement[Any], day: ColumnElement[int]
    ) -> frozenset[tuple[str, int, int, int]]:
        """Return what, its number, actor and day of the rows that did not happen."""
        c = table.c
        chosen = select(what.label("number"), c.actor, day.label("day"))
        rows = self.store.select(chosen.where(c.happened.is_(False), what.is_not(None)))
        numbers = (rows[name].tolist() for name in ("number", "actor", "day"))
        name = "vehicle" if what.key == "vehicle" else "unit"
        return frozenset((name, *row) for row in zip(*numbers, strict=True))

    def _lots(self) -> dict[int, int]:
        """Return lot -> the day on which its whole mass was told, for those with a finding and no event."""
        wanted = {
            int(unit)
            for findings in (self.real, self.seen)
            for unit in findings.unit[(findings.event_id == NULL) & (findings.unit != NULL)]
        }
        if not wanted:
            return {}
        m = schema.material
        rows = self.store.select(select(m.c.lot, m.c.record_day).where(m.c.element == int(Element.MASS)))
        return {
            lot: told
            for lot, told in zip(rows["lot"].tolist(), rows["record_day"].tolist(), strict=True)
            if lot in wanted and told != NULL
        }


@dataclass(frozen=True, slots=True)
class _Finding:
    event_id: int
    unit: int
    vehicle: int
    actor: int
    day: int
    limit: int


def _first_of_each(findings: Findings) -> dict[tuple[int, ...], _Finding]:
    """Return the first finding of each key."""
    columns = ("event_id", "unit", "vehicle", "actor", "day", "limit")
    rows = zip(*(getattr(findings, name).tolist() for name in columns), strict=True)
    first: dict[tuple[int, ...], _Finding] = {}
    for key, row in zip(findings.keys().T.tolist(), rows, strict=True):
        first.setdefault(tuple(key), _Finding(*row))
    return first


def _breach_day(rule: Rule, limit: DatedLimit, day: int) -> int:
    """Return the first day on which the duty was broken."""
    if rule.kind is not Kind.DEADLINE or limit.value is None or limit.unit not in _COUNTS:
        return day
    return _day_after(day, limit.value, _COUNTS[limit.unit])


_COUNTS = {Unit.DAYS: Count.DAYS, Unit.WORKING_DAYS: Count.WORKING_DAYS, Unit.MONTHS: Count.MONTHS}


@cache
def _day_after(day: int, length: int, count: Count) -> int:
    """Return the day after the last of a period, as the rules count."""
    last = due(EPOCH + timedelta(days=day), length, count).under(Reading.AS_COUNTED)
    return day_number(last) + 1
