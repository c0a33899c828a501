"""Ask every rule of one view of a log, and compare what two views answer."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from sqlalchemy import Table, func, select

from traceability.compliance.findings import NO, YES, Findings, Int64s
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.compliance.shapes import COLUMNS
from traceability.compliance.views import View, register, truth
from traceability.errors import RuleBroken, StoreError
from traceability.events import NULL
from traceability.store import Store, schema
from traceability.vocabulary import EventType


class Fate(Enum):
    """What became of a rule in an audit."""

    RAN = "ran"
    SKIPPED = "skipped"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rule's part in an audit.

    Attributes:
        findings: how many, where it ran.
        reason: why it was skipped, or where and how it broke.
    """

    rule: Rule
    fate: Fate
    findings: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """What the rules say of one view.

    Attributes:
        outcomes: one a rule, in the order of the rules.
    """

    view: View
    findings: Findings
    outcomes: tuple[Outcome, ...]

    @property
    def broken(self) -> tuple[Outcome, ...]:
        """The rules that could not be asked: a mistake of theirs, not of the log."""
        return tuple(outcome for outcome in self.outcomes if outcome.fate is Fate.BROKEN)

    def stop_if_broken(self) -> None:
        """Do nothing if every rule ran or had reason not to.

        Raises:
            RuleBroken: some did not run; the message names each.
        """
        if self.broken:
            raise RuleBroken("; ".join(f"{o.rule.id} {o.rule.name}: {o.reason}" for o in self.broken))


def audit(store: Store, view: View, rules: Sequence[Rule] = RULES) -> Audit:
    """Return what *rules* find in *view* of *store*: one query for each rule and dated limit.

    A rule that does not run is reported as BROKEN; the others go on.

    Raises:
        StoreError: the store cannot be read at all.
    """
    there = _present(store, view)
    parts: list[tuple[int, int, dict[str, Int64s]]] = []
    outcomes = []
    for number, rule in enumerate(rules):
        outcome, found = _ask(store, view, rule, there)
        outcomes.append(outcome)
        parts += [(number, limit, columns) for limit, columns in found]
    return Audit(view, Findings.of(rules, parts, view.name), tuple(outcomes))


@dataclass(frozen=True, slots=True)
class Score:
    """How much of what happened under one rule the register shows.

    Counted are duties and those concerned: two breaches of one rule by one unit are one.

    Attributes:
        happened: in the truth; visible: in the register; both: in the register rightly.
    """

    rule: Rule
    happened: int
    visible: int
    both: int

    @property
    def precision(self) -> float | None:
        """Share of what is visible that happened; None where nothing is visible."""
        return self.both / self.visible if self.visible else None

    @property
    def recall(self) -> float | None:
        """Share of what happened that is visible; None where nothing happened."""
        return self.both / self.happened if self.happened else None


@dataclass(frozen=True, slots=True, eq=False)
class Scorecard:
    """One log's breaches as they happened and as the register shows them.

    Attributes:
        truth, register: the two audits.
        findings: the breaches of the truth, and those that only the register shows; `happened` and `visible`
            say where each was found.
        scores: one a rule.
    """

    truth: Audit
    register: Audit
    findings: Findings
    scores: tuple[Score, ...]


def happened_and_visible(store: Store, as_of: int, rules: Sequence[Rule] = RULES) -> Scorecard:
    """Return the breaches that had happened by the day *as_of* beside those that the register then showed.

    They are matched by rule, unit and vehicle (see `Findings.keys`): what was never recorded has no record to
    point to, and a false report stands in another row than what it hides.
    """
    happened, told = audit(store, truth(as_of), rules), audit(store, register(as_of), rules)
    real, seen = happened.findings, told.findings
    groups, rule_of = grouped(np.concatenate([real.keys(), seen.keys()], axis=1))
    of_real, of_seen = groups[: len(real)], groups[len(real) :]
    is_real, is_seen = np.zeros(rule_of.size, dtype=np.bool_), np.zeros(rule_of.size, dtype=np.bool_)
    is_real[of_real], is_seen[of_seen] = True, True
    only_seen = ~is_real[of_seen]
    real = replace(real, visible=np.where(is_seen[of_real], YES, NO).astype(np.int64))
    seen = replace(seen, happened=np.where(only_seen, NO, YES).astype(np.int64))
    counts = [
        np.bincount(rule_of[chosen], minlength=len(rules)).tolist()
        for chosen in (is_real, is_seen, is_real & is_seen)
    ]
    scores = tuple(Score(rule, *numbers) for rule, *numbers in zip(rules, *counts, strict=True))
    return Scorecard(happened, told, real.and_those(seen[only_seen]), scores)


def grouped(keys: Int64s) -> tuple[Int64s, Int64s]:
    """Return int64[n], a number for each key, equal for equal ones, and int64[k], the rule of each number."""
    order = np.lexsort(keys[::-1])
    in_order = keys[:, order]
    starts = np.ones(order.size, dtype=np.bool_)
    starts[1:] = (in_order[:, 1:] != in_order[:, :-1]).any(axis=0)
    numbers = np.empty(order.size, dtype=np.int64)
    numbers[order] = np.cumsum(starts) - 1
    return numbers, in_order[0, starts] // 2


def _ask(
    store: Store, view: View, rule: Rule, there: frozenset[EventType | Table]
) -> tuple[Outcome, list[tuple[int, dict[str, Int64s]]]]:
    in_force = [
        (number, limit)
        for number, limit in enumerate(rule.limits)
        if limit.valid_from is None or limit.valid_from <= view.as_of
    ]
    if not rule.limits:
        return Outcome(rule, Fate.SKIPPED, reason="the law asked for has no such duty"), []
    if not in_force:
        return Outcome(rule, Fate.SKIPPED, reason="not in force on any day that the view shows"), []
    if not there.intersection(rule.needs):
        names = " nor ".join(need.name for need in rule.needs)
        return Outcome(rule, Fate.SKIPPED, reason=f"the {view.name} has no {names}"), []
    try:
        if lacking := _lacking(store, view, rule):
            return Outcome(rule, Fate.SKIPPED, reason=lacking), []
        found = [(number, _run(store, rule, number, view)) for number, _ in in_force]
    except Exception as error:  # noqa: BLE001  (a rule is somebody's program; whatever it raises, the others go on)
        return Outcome(rule, Fate.BROKEN, reason=_where(error, rule)), []
    return Outcome(rule, Fate.RAN, sum(columns["day"].size for _, columns in found)), found


def _run(store: Store, rule: Rule, limit: int, view: View) -> dict[str, Int64s]:
    query = rule.violations(rule, rule.limits[limit], view)
    names = tuple(column.name for column in query.selected_columns)
    if names != COLUMNS:
        raise RuleBroken(f"yields the columns {', '.join(names)}; expected {', '.join(COLUMNS)}")
    return {name: _whole(name, column) for name, column in store.select(query).items()}


def _whole(name: str, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Int64s:
    if column.dtype.kind == "i" or not column.size:
        return column.astype(np.int64)
    if column.dtype.kind == "O" and all(value is None for value in column):
        return np.full(column.size, NULL, dtype=np.int64)
    raise RuleBroken(f"column {name} holds {column.dtype}; expected whole numbers")


def _present(store: Store, view: View) -> frozenset[EventType | Table]:
    """Return the events, and the tables without events, of which the view has rows."""
    events = store.rows(select(view.event.c.event).group_by(view.event.c.event))
    [(materials,)] = store.rows(select(func.count()).select_from(view.material))
    tables = {schema.material} if materials else set()
    return frozenset({EventType(int(str(event))) for (event,) in events} | tables)


def _lacking(store: Store, view: View, rule: Rule) -> str:
    """Return which column or number the rule cannot do without and the log does not have, or ''.

    An imported log says in its meta row `columns` (a JSON list of names) which it was told; others have them all.
    """
    listed = store.meta().get("columns")
    told = None if listed is None else frozenset(json.loads(listed))
    for column in rule.columns:
        table = column.table
        if told is not None and column.name not in told:
            return f"column missing: {column.name}"
        if table is not schema.event and not store.rows(
            select(column).select_from(table).where(column.is_not(None)).limit(1)
        ):
            return f"no row of {table.name} has a {column.name}"
    e, d = view.event, view.detail
    for choice in (*((what,) for what in rule.details), *filter(None, (rule.one_of_details,))):
        rows = select(d.c.value).select_from(d.join(e, e.c.event_id == d.c.event_id))
        if not store.rows(rows.where(d.c.what.in_([int(what) for what in choice])).limit(1)):
            names = " or ".join(what.name for what in choice)
            return f"no event of the {view.name} has a number {names}"
    return ""


def _where(error: Exception, rule: Rule) -> str:
    """Return what went wrong and the innermost place of the rule that it went wrong in.

    Where no line of the rule was at work any more (its query ran, or what it yields is wrong), it is the query.
    """
    code = getattr(rule.violations, "__code__", None)
    files = {code.co_filename} if code is not None else set()
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if (frame.filename in files or "compliance" in Path(frame.filename).parts)
        and frame.filename != __file__
    ]
    if own:
        place = f" ({Path(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name})"
    elif code is not None:
        place = f" ({Path(code.co_filename).name}:{code.co_firstlineno} in {code.co_name})"
    else:
        place = ""
    ours = isinstance(error, StoreError | RuleBroken)
    return f"{error}{place}" if ours else f"{type(error).__name__}: {error}{place}"
