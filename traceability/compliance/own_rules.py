"""A rule book: the shipped rules and those that a user wrote, each with its case file.

A user's file is a Python module that makes `Rule` objects; whatever name they stand under, and lists and tuples
of them, are taken in the order of the file.  Its cases stand beside it: `cases/R61.toml`.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from sqlalchemy import Table

from traceability.compliance.cases import CASE_FILES
from traceability.compliance.law import DatedLimit
from traceability.compliance.rule import Kind, Rule, Severity
from traceability.compliance.rules import RULES
from traceability.errors import TraceabilityError, UnknownName
from traceability.vocabulary import EventType, Role


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A rule file, or one rule of it, that cannot be used.

    Attributes:
        line: in the file, from 1; 0 where no line is to blame.
    """

    file: Path
    line: int
    reason: str

    def __str__(self) -> str:
        place = f":{self.line}" if self.line else ""
        return f"{self.file}{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules that one works with.

    Attributes:
        rules: the shipped ones, then the user's.
        case_files: rule id -> where its cases are looked for.
        own: ids of the user's rules.
        broken: files, or rules of them, that could not be taken in.
    """

    rules: tuple[Rule, ...]
    case_files: Mapping[str, Path]
    own: frozenset[str]
    broken: tuple[BrokenFile, ...]

    def chosen(self, ids: Sequence[str]) -> tuple[Rule, ...]:
        """Return the rules of these *ids*, or all where there are none, in the order of the book.

        Raises:
            UnknownName: no rule has such an id.
        """
        known = {rule.id: rule for rule in self.rules}
        for name in ids:
            if name.upper() not in known:
                raise UnknownName("rule", name, known)
        wanted = {name.upper() for name in ids} or set(known)
        return tuple(rule for rule in self.rules if rule.id in wanted)


def rule_book(files: Iterable[Path] = (), shipped: Sequence[Rule] = RULES) -> RuleBook:
    """Return the *shipped* rules together with those of *files*.

    A file that does not run is in `broken`; the others are taken in.

    Raises:
        TraceabilityError: a file is not there, or two rules have one id.
    """
    rules = list(shipped)
    case_files = {rule.id: CASE_FILES / f"{rule.id}.toml" for rule in shipped}
    origin = {rule.id: "the shipped rules" for rule in shipped}
    broken: list[BrokenFile] = []
    for file in files:
        own, faults = _load(file)
        broken += faults
        for rule in own:
            if rule.id in origin:
                raise TraceabilityError(
                    f"{file}: the id {rule.id} is taken by {origin[rule.id]}; choose another, {_free(origin)} is free"
                )
            rules.append(rule)
            origin[rule.id] = str(file)
            case_files[rule.id] = file.parent / "cases" / f"{rule.id}.toml"
    ids = frozenset(rule.id for rule in rules[len(shipped) :])
    return RuleBook(tuple(rules), case_files, ids, tuple(broken))


def _load(file: Path) -> tuple[list[Rule], list[BrokenFile]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TraceabilityError(f"{file}: cannot be read as a rule file: {error}") from None
    module = ModuleType(f"battrace_own_rules_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # a dataclass looks its module up
    try:
        exec(compile(text, str(file), "exec"), module.__dict__)
    except SyntaxError as error:
        return [], [BrokenFile(file, error.lineno or 0, f"SyntaxError: {error.msg}")]
    except Exception as error:  # noqa: BLE001  (a rule file is somebody's program; the other rules go on)
        return [], [BrokenFile(file, _line(error, str(file)), f"{type(error).__name__}: {error}")]
    found = _rules_in(vars(module).values())
    if not found:
        return [], [BrokenFile(file, 0, "makes no Rule; `battrace rules new R61` drafts one")]
    faults = [(rule, _fault(rule)) for rule in found]
    lines = text.splitlines()
    broken = [BrokenFile(file, _line_of(rule, lines), fault) for rule, fault in faults if fault]
    return [rule for rule, fault in faults if not fault], broken


def _rules_in(values: Iterable[object]) -> list[Rule]:
    """Return each rule among *values* once; two equal ones of different names are one."""
    found: list[Rule] = []
    for value in values:
        members = value if isinstance(value, list | tuple) else (value,)
        found += [rule for rule in members if isinstance(rule, Rule) and not any(rule is f for f in found)]
    return found


def _fault(rule: Rule) -> str:
    """Return what is wrong with the declaration, or ''."""
    texts = ("id", "name", "title_en", "title_zh", "says_en", "says_zh")
    for name in texts:
        if not isinstance(getattr(rule, name), str) or not getattr(rule, name):
            return f"{name} is {getattr(rule, name)!r}, expected a text"
    members: tuple[tuple[str, type | tuple[type, ...]], ...] = (
        ("binds", Role),
        ("needs", (EventType, Table)),
        ("limits", DatedLimit),
    )
    for name, kind in members:
        value = getattr(rule, name)
        names = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        if not isinstance(value, tuple) or not value or not all(isinstance(m, kind) for m in value):
            return f"{rule.id}: {name} is {value!r}, expected a tuple of {names}, at least one"
    if not isinstance(rule.kind, Kind) or not isinstance(rule.severity, Severity):
        return f"{rule.id}: kind and severity are {rule.kind!r} and {rule.severity!r}, expected a Kind and a Severity"
    if not callable(rule.violations):
        return (
            f"{rule.id}: violations is {rule.violations!r}, expected a function (rule, limit, view) -> Select"
        )
    return ""


def _line(error: Exception, file: str) -> int:
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return (lines[-1] or 0) if lines else 0


def _line_of(rule: Rule, lines: Sequence[str]) -> int:
    named = [n for n, line in enumerate(lines, 1) if f'"{rule.id}"' in line or f"'{rule.id}'" in line]
    return named[0] if named else 0


def _free(taken: Iterable[str]) -> str:
    known = set(taken)
    # the numbers up to R60 are spoken for: they are the rules of the published list
    return next(f"R{n}" for n in range(61, 10_000) if f"R{n}" not in known)
