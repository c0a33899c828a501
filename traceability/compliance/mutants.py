"""Mutants: a rule that differs from another in one place, to see whether its cases notice.

    limit         the number of a dated limit, one up and one down
    valid_from    the first day in force, a day earlier and a day later; valid_to likewise
    comparison    in the query: > for >=, < for <=, = for <>, IN for NOT IN, null for not null, and the other way
    branch        OR in the query made AND
    set           one member left out of a set of events, roles, elements and the like
    needs         one event left out of those that can trigger the rule

For whole numbers > shifted to >= is the limit moved by one; both are tried, since a query may compare with other
things than its limit.  What only says how much was measured is left alone: no case asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, IntEnum
from typing import Any, TypeAlias

from sqlalchemy import Select
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, Label
from sqlalchemy.sql.visitors import ExternallyTraversible

from traceability.compliance.law import DatedLimit, Unit
from traceability.compliance.rule import Rule
from traceability.compliance.views import View, truth
from traceability.errors import RuleBroken
from traceability.events import EPOCH
from traceability.vocabulary import Detail, Element, EventType, Role, Use

Node: TypeAlias = "BinaryExpression[Any] | BooleanClauseList"
"""An operator of a query with what it stands between."""

_TURNED: dict[Any, tuple[Any, str]] = {
    operators.gt: (operators.ge, ">= for >"),
    operators.ge: (operators.gt, "> for >="),
    operators.lt: (operators.le, "<= for <"),
    operators.le: (operators.lt, "< for <="),
    operators.eq: (operators.ne, "<> for ="),
    operators.ne: (operators.eq, "= for <>"),
    operators.in_op: (operators.not_in_op, "NOT IN for IN"),
    operators.not_in_op: (operators.in_op, "IN for NOT IN"),
    operators.is_: (operators.is_not, "IS NOT for IS"),
    operators.is_not: (operators.is_, "IS for IS NOT"),
}
_BORDERS = (operators.gt, operators.ge, operators.lt, operators.le)

_MEMBERS: dict[str, type[IntEnum]] = {
    "event": EventType,
    "role": Role,
    "element": Element,
    "purpose": Use,
    "what": Detail,
}
"""Column -> what its numbers are; sets of other columns (the years of a limit) follow from a limit's dates."""


class Part(Enum):
    """What a mutant changes."""

    LIMIT = "limit"
    VALIDITY = "validity"
    QUERY = "query"
    NEEDS = "needs"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule that differs in one place.

    Attributes:
        name: what differs; unique within a rule, the name under which a case file explains it.
        missing: the case that would tell it from the rule.
        limit: number of the dated limit that differs; -1 for all.
        rule: the rule with the difference.
    """

    part: Part
    name: str
    missing: str
    limit: int
    rule: Rule


def label(rule: Rule, number: int) -> str:
    """Return the name of a dated limit: its law, and the first day in force where the law has two of them."""
    limit = rule.limits[number]
    alike = sum(other.law == limit.law for other in rule.limits) > 1
    return f"{limit.law} from {_day(limit.valid_from)}" if alike else limit.law


def limit_mutants(rule: Rule) -> Iterator[Mutant]:
    """Yield the rule with the number of each dated limit one down and one up."""
    for number, limit in enumerate(rule.limits):
        if limit.value is None:
            continue
        for value in (limit.value - 1, limit.value + 1):
            # a share is kept from below, everything else from above
            strict = (value > limit.value) is (limit.unit is Unit.PERCENT and rule.voluntary)
            just = "that complies with exactly" if strict else "that breaches by the least there is beyond"
            yield Mutant(
                Part.LIMIT,
                f"limit {limit.value} -> {value} ({label(rule, number)})",
                f"one {just} {limit.bound}",
                number,
                _with(rule, number, replace(limit, bound=replace(limit.bound, value=value))),
            )


def validity_mutants(rule: Rule) -> Iterator[Mutant]:
    """Yield the rule with each first and last day in force a day earlier and a day later."""
    for number, limit in enumerate(rule.limits):
        for end, inside in (("valid_from", -1), ("valid_to", 1)):
            day = getattr(limit, end)
            if day is None:
                continue
            which = "first" if end == "valid_from" else "last"
            for step in (-1, 1):
                widened = step == inside
                outside = "before the first" if which == "first" else "after the last"
                missing = (
                    f"what would be a breach, on {_day(day + step)}: the day {outside} in force"
                    if widened
                    else f"a breach on {_day(day)}, the {which} day in force"
                )
                yield Mutant(
                    Part.VALIDITY,
                    f"{end} {_day(day)} -> {_day(day + step)} ({label(rule, number)})",
                    missing,
                    number,
                    _with(rule, number, replace(limit, **{end: day + step})),
                )


def needs_mutants(rule: Rule) -> Iterator[Mutant]:
    """Yield the rule with each of the events that can trigger it left out of `needs`."""
    for need in rule.needs:
        rest = tuple(other for other in rule.needs if other is not need)
        yield Mutant(
            Part.NEEDS,
            f"needs without {need.name}",
            f"a breach in a log that has {need.name} and no other event that the rule needs",
            -1,
            replace(rule, needs=rest),
        )


def query_mutants(rule: Rule, as_of: int) -> Iterator[Mutant]:
    """Yield the rule with one operator or one set of its query changed, for each dated limit.

    Args:
        as_of: a day from which the query is asked; one that looks back on all limits shows all operators.
    """
    view = truth(as_of)
    for number, limit in enumerate(rule.limits):
        days = {as_of: "as_of", limit.valid_from: "", limit.valid_to: ""}
        names: dict[str, int] = {}
        for place, node in enumerate(_nodes(rule.violations(rule, limit, view), view)):
            for change, words, missing in _changes(node, days):
                # the same words twice are two places of one query
                names[words] = names.get(words, 0) + 1
                again = f" (place {names[words]})" if names[words] > 1 else ""
                yield Mutant(
                    Part.QUERY,
                    f"{words}{again} ({label(rule, number)})",
                    missing,
                    number,
                    replace(rule, violations=ChangedQuery(rule.violations, place, change)),
                )


Undo: TypeAlias = Callable[[], None]
Change: TypeAlias = Callable[[Any], Undo]
"""Changes a node of a query in place and returns what undoes it."""


@dataclass(frozen=True, slots=True)
class ChangedQuery:
    """A violations function whose query differs in one node: the *place*-th, as `_nodes` counts them."""

    query: Any
    place: int
    change: Change

    @contextmanager
    def applied(self, rule: Rule, limit: DatedLimit, view: View) -> Iterator[Select[Any]]:
        """Give the changed query; afterwards it is what it was."""
        built = self.query(rule, limit, view)
        nodes = _nodes(built, view)
        # the query of another day may be shorter: then there is nothing to change
        undo = self.change(nodes[self.place]) if self.place < len(nodes) else None
        try:
            yield built
        finally:
            if undo is not None:
                undo()  # a condition that a rule file keeps in a constant is shared by all queries

    def __call__(self, rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
        """Raise RuleBroken: the change must be undone."""
        raise RuleBroken("a changed query is asked through `applied`, which undoes the change")


def _nodes(query: Select[Any], view: View) -> list[Node]:
    """Return the operators of *query* in a fixed order; what is inside the view, and what is measured, is not its."""
    seen = {id(table) for table in (view.event, view.link, view.material)}
    found: list[Node] = []
    stack: list[ExternallyTraversible] = [query]
    while stack:
        node = stack.pop()
        if id(node) in seen or (isinstance(node, Label) and node.name == "measured"):
            continue
        seen.add(id(node))
        if isinstance(node, BinaryExpression | BooleanClauseList):
            found.append(node)
        stack += reversed(list(node.get_children()))
    return found


def _changes(node: Node, days: Mapping[int | None, str]) -> Iterator[tuple[Change, str, str]]:
    """Yield each change of *node*, what it is called, and the case that would notice; *days* are written as dates."""
    text = _words(node, days)
    if isinstance(node, BooleanClauseList):
        if node.operator is operators.or_:
            yield (
                _operator(operators.and_),
                f"branch AND for OR: {text}",
                f"one for each branch alone: {text}",
            )
        return
    if node.operator in _TURNED:
        turned, words = _TURNED[node.operator]
        border = node.operator in _BORDERS
        missing = f"one where both sides are equal: {text}" if border else f"one that turns on: {text}"
        yield _operator(turned), f"comparison {words}: {text}", missing
    if node.operator in (operators.in_op, operators.not_in_op) and isinstance(node.right, BindParameter):
        column = getattr(node.left, "name", "")
        members = list(node.right.value) if isinstance(node.right.value, list | tuple) else []
        if column in _MEMBERS and len(members) > 1:
            for member in members:
                name = _MEMBERS[column](member).name
                yield (
                    _left_out(member),
                    f"set without {name}: {text}",
                    f"one that turns on {column} {name}: {text}",
                )


def _operator(turned: Callable[..., Any]) -> Change:
    def change(node: Node) -> Undo:
        before = node.operator
        node.operator = turned

        def undo() -> None:
            node.operator = before

        return undo

    return change


def _left_out(member: int) -> Change:
    def change(node: Node) -> Undo:
        assert isinstance(node, BinaryExpression)
        assert isinstance(node.right, BindParameter)
        members = node.right
        before = list(members.value or ())
        members.value = [other for other in before if other != member]

        def undo() -> None:
            members.value = before

        return undo

    return change


def _words(node: Node, days: Mapping[int | None, str]) -> str:
    text = " ".join(str(node.compile(compile_kwargs={"literal_binds": True})).split())
    for view in ("happened_event", "happened_link", "happened_material"):
        text = text.replace(f"{view}.", "")
    for day, name in days.items():
        if day is not None:
            text = re.sub(rf"\b{day}\b", name or _day(day), text)
    return _named_numbers(node, text)


def _named_numbers(node: Node, text: str) -> str:
    """Return *text* with the names of events and roles in place of their numbers, where the column tells."""
    column = getattr(getattr(node, "left", None), "name", "")
    bind = getattr(node, "right", None)
    if column not in _MEMBERS or not isinstance(bind, BindParameter):
        return text
    kind = _MEMBERS[column]
    values = [
        int(value) for value in (bind.value if isinstance(bind.value, list | tuple) else [bind.value or 0])
    ]
    names = [kind(value).name if value in list(kind) else str(value) for value in values]
    written = ", ".join(str(value) for value in values)
    many = f"({written})"
    return (
        text.replace(many, f"({', '.join(names)})")
        if many in text
        else text.replace(f" {written}", f" {names[0]}")
    )


def _with(rule: Rule, number: int, limit: DatedLimit) -> Rule:
    return replace(rule, limits=(*rule.limits[:number], limit, *rule.limits[number + 1 :]))


def _day(number: int | None) -> str:
    return "the beginning" if number is None else (EPOCH + timedelta(days=number)).isoformat()
