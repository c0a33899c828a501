"""Cases: small histories that comply with a rule or breach it, in one TOML file a rule.

    [[breaches]]
    name = "on the thirty-first day"
    event = [{event = "RECEIVE", actor = "cu", happened = 2026-05-06, reported = 2026-06-06}]

A case is a world of its own and states only what matters:

    name            what the case shows
    todo            what is still to be written; while it stands there the case fails
    as_of           the day one looks back from; the last day that the case mentions
    view            "truth" (unless said) or "register"
    scale           how many real units or vehicles one of the case stands for; 1 unless said
    findings        how many; 0 under [[complies]], 1 under [[breaches]]
    event           event, unit, vehicle, actor, receiver, carrier, happened, reported, invented, corrects,
                    details (a table of numbers: {MASS_G = 380000})
    unit            unit, code, code_fault, purpose, coder, mass_g, chemistry, made
    vehicle         vehicle, swap, vin, maker, province, prefecture
    actor           actor, role, province, prefecture, maker_code, credit_code, capacity_t_year, stands_for
    permit          actor, kinds, from, to; an actor without a row holds all four, at any time
    link            kind, parent, child, from, to, reported
    material        lot, element, actor, day, input_g, recovered_g, residue_g, reported, invented

Things are called by names.  An actor's is its role, with a digit where there are two: "cu", "cu2"; another
name needs a row in `actor`; unless said, it is the first whom the rule binds.  A unit's first letter is its
level: P a pack, M module, C cell, R remade product, L lot.  A code of "" is none.  `reported` is the same
day, unless it says another or "never"; `invented = true` is a report of what did not happen; `corrects = 2`
replaces the report of the case's second event.

Beside the cases a file may explain mutants that no case can tell from the rule (see `proving`):

    [[explained]]
    mutant = "limit 1 -> 2 (order73)"
    reason = "the number stands in the sentence only"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from sqlalchemy import Boolean, ColumnElement, String, Table, literal, select

from traceability.compliance.audit import Audit, Fate, audit
from traceability.compliance.findings import Findings
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.compliance.views import VIEWS, View, view_of
from traceability.compliance.worlds import TABLES, CaseError, Row, World
from traceability.errors import UnknownName
from traceability.events import NULL
from traceability.store import Column, Store, schema
from traceability.workdays import ordinals

CASE_FILES: Final = Path(__file__).parent / "rules" / "cases"
"""Where the case files of the shipped rules are."""

_WORLD_SIZE = 1_000
"""Numbers that one case may use of each kind: the actors of case k are k * 1000 and up."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One history and what its rule shall say of it.

    Attributes:
        expected: how many findings.
        tables: table -> rows, columns as in the schema.
        todo: what is still to be written, or ''; such a case fails.
        scale: how many real units one of the case stands for.
    """

    rule: Rule
    name: str
    expected: int
    view: str
    as_of: int
    tables: Mapping[Table, Sequence[Mapping[str, Any]]]
    todo: str = ""
    scale: int = 1

    @property
    def seen(self) -> View:
        """What the rule is asked of: the view of the case's day, of a log with the case's scale."""
        said = select(literal("scale").label("key"), literal(str(self.scale)).label("value"))
        return replace(view_of(self.view, self.as_of), meta=said.subquery("meta_of_case"))

    @property
    def actors(self) -> tuple[int, ...]:
        """The actors of this world: nobody else's findings are the case's."""
        return tuple(row["actor"] for row in self.tables[schema.actor])


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a rule said of a case.

    Attributes:
        found: how many findings; reason: why none could be looked for, or ''.
        broken: the rule could not be asked: its mistake, not the case's.
        findings: those that were found.
    """

    case: Case
    found: int
    reason: str
    broken: bool
    findings: Findings

    @property
    def passed(self) -> bool:
        """Whether the rule said what the case expects."""
        return self.found == self.case.expected and not self.reason and not self.case.todo


def load_cases(path: Path, rules: Iterable[Rule] = RULES, *, first: int = 0) -> tuple[Case, ...]:
    """Return the cases of *path*, a file called after its rule: `R46.toml`.

    Args:
        first: the number of the first case; cases that share a store need different ones.

    Raises:
        CaseError: the file cannot be read, or says something that a case cannot.
        UnknownName: a key, a rule, an event or another name that nothing has.
    """
    known = {rule.id: rule for rule in rules}
    if path.stem not in known:
        raise UnknownName("rule", path.stem, known, where=str(path))
    top = _read(path)
    cases: list[Case] = []
    for usual, kind in enumerate(("complies", "breaches")):
        for row in top.rows(kind, ("name", "todo", "as_of", "view", "scale", "findings", *TABLES)):
            cases.append(_case(known[path.stem], row, usual, first + len(cases)))
    return tuple(cases)


def load_explained(path: Path) -> dict[str, str]:
    """Return mutant -> why no case can tell it from the rule, of a case file.

    Raises:
        CaseError: the file cannot be read, or a row is not a text each.
        UnknownName: a key that nothing has.
    """
    rows = _read(path).rows("explained", ("mutant", "reason"))
    return {row.text("mutant"): row.text("reason") for row in rows}


def _read(path: Path) -> Row:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CaseError(f"{path}: {error}") from error
    return Row(content, path.name, ("complies", "breaches", "explained"))


def write_cases(store: Store, cases: Sequence[Case]) -> None:
    """Write the worlds of *cases* into the new *store* and finish it; no two share a unit or an actor."""
    tables: dict[Table, list[Mapping[str, Any]]] = {}
    for case in cases:
        for table, rows in case.tables.items():
            tables.setdefault(table, []).extend(rows)
    days = [case.as_of for case in cases] + [row["event_day"] for row in tables.get(schema.event, ())]
    if days:
        calendar = ordinals(min(days), max(days))
        store.append(schema.workday, calendar.day.size, calendar.columns())
    for table, rows in tables.items():
        store.append(table, len(rows), {column.name: _column(column, rows) for column in table.c})
    store.finish()


def run_cases(store: Store, cases: Sequence[Case]) -> tuple[CaseResult, ...]:
    """Return what each case's rule says of it, from the *store* that `write_cases` has filled."""
    return tuple(_result(case, audit(store, case.seen, (case.rule,))) for case in cases)


def _result(case: Case, answer: Audit) -> CaseResult:
    outcome = answer.outcomes[0]
    broken = outcome.fate is Fate.BROKEN
    own = answer.findings[np.isin(answer.findings.actor, case.actors)]
    return CaseResult(case, len(own), outcome.reason if broken else "", broken, own)


def _case(rule: Rule, row: Row, usual: int, number: int) -> Case:
    world = World(rule, number * _WORLD_SIZE)
    for key, (keys, take_in) in TABLES.items():
        for part in row.rows(key, keys):
            take_in(world, part)
    as_of = row.day("as_of", max(world.days, default=NULL))
    if as_of == NULL:
        raise row.error("as_of", "a day, since the case mentions none")
    view = row.text("view", "truth")
    if view not in VIEWS:
        raise UnknownName("view", view, VIEWS, where=row.where)
    expected = row.number("findings", usual)
    if bool(expected) is not bool(usual) or expected < 0:
        raise row.error("findings", "at least 1" if usual else "0, or no such key")
    scale = row.number("scale", 1)
    if scale < 1:
        raise row.error("scale", "at least 1")
    return Case(rule, row.text("name"), expected, view, as_of, world.tables(), row.text("todo", ""), scale)


def _column(column: ColumnElement[Any], rows: Sequence[Mapping[str, Any]]) -> Column:
    values = [row[column.key or ""] for row in rows]
    if isinstance(column.type, String):
        return values
    return np.array(values, dtype=np.bool_ if isinstance(column.type, Boolean) else np.int64)
