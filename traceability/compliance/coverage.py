"""Coverage: article -> duty -> rules -> cases both ways -> limits hit -> exercised in a log, n times.

A duty is green when every rule that asks for it is there, has two cases each way that pass, and is tried on both
sides of every border of its dated limits.  A duty whose text is unknown is red and counted: nobody can call the
law covered without it.  A duty that no log can show is listed, and not counted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from sqlalchemy import and_, func, select

from traceability.compliance.audit import audit
from traceability.compliance.law import Grade
from traceability.compliance.mutants import Part
from traceability.compliance.proving import prove
from traceability.compliance.rule import Rule
from traceability.compliance.shapes import in_force, one_of
from traceability.compliance.trials import try_rule
from traceability.compliance.views import View
from traceability.errors import TraceabilityError, UnknownName
from traceability.store import Store
from traceability.vocabulary import EventType

DUTIES = Path(__file__).parent / "duties.toml"


class Colour(Enum):
    """How a duty stands."""

    COVERED = "covered"
    LACKING = "lacking"
    UNKNOWN = "text unknown"
    SILENT = "no log can show it"


@dataclass(frozen=True, slots=True)
class Duty:
    """One duty of the law, a row of duties.toml.

    Attributes:
        article: its number, '' where it is not known.
        silent: why no log can show it, or ''.
        unknown: what of the text is not known, or ''.
    """

    id: str
    law: str
    act: str
    article: str
    en: str
    zh: str
    who: tuple[str, ...]
    grade: Grade
    source: str
    rules: tuple[str, ...]
    silent: str
    unknown: str

    @property
    def citation(self) -> str:
        """The act and the article, or that it is unknown."""
        if self.law == "registry":
            return self.act
        return f"{self.act} art. {self.article}" if self.article else f"{self.act}, article unknown"


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """How well one rule is tried.

    Attributes:
        complies, breaches: its cases of each kind.
        passed: every case is judged as it says.
        limits: dated limits; breached: those that some case breaches; at_boundary: those with cases on both
            sides of each border.
        triggers: rows of a log that a limit in force asks about; None where no log was given, or the rule needs
            no event.
        findings: what an audit of the log finds; None where no log was given.
        fault: why its cases cannot be used, or how it broke, or ''.
    """

    rule: Rule
    complies: int
    breaches: int
    passed: bool
    limits: int
    breached: int
    at_boundary: int
    triggers: int | None = None
    findings: int | None = None
    fault: str = ""

    @property
    def tried(self) -> bool:
        """Whether two cases each way pass and every limit is tried at its borders."""
        both = self.complies >= 2 and self.breaches >= 2
        return self.passed and both and self.breached == self.limits == self.at_boundary


@dataclass(frozen=True, slots=True)
class DutyCoverage:
    """One duty with its rules.

    Attributes:
        rules: those that are there; missing: ids of those that are not written.
    """

    duty: Duty
    rules: tuple[RuleCoverage, ...]
    missing: tuple[str, ...]

    @property
    def colour(self) -> Colour:
        """How the duty stands."""
        if self.duty.silent:
            return Colour.SILENT
        if self.duty.unknown:
            return Colour.UNKNOWN
        whole = bool(self.rules) and not self.missing and all(rule.tried for rule in self.rules)
        return Colour.COVERED if whole else Colour.LACKING


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the law the rules cover."""

    duties: tuple[DutyCoverage, ...]

    @property
    def counted(self) -> int:
        """Duties that a log could show, those of unknown text included."""
        return sum(row.colour is not Colour.SILENT for row in self.duties)

    @property
    def covered(self) -> int:
        """Duties that are green."""
        return sum(row.colour is Colour.COVERED for row in self.duties)

    @property
    def percent(self) -> float:
        """Share of the counted duties that are green, in hundredths; 0 where none is counted."""
        return 100 * self.covered / self.counted if self.counted else 0.0


@cache
def load_duties(path: Path = DUTIES) -> tuple[Duty, ...]:
    """Return the duties of *path*, in its order.

    Raises:
        TraceabilityError: the file cannot be read, or a row is not what duties.toml says of itself.
    """
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["duty"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise TraceabilityError(f"{path}: cannot be read as a table of duties: {error}") from error
    return tuple(_duty(row, f"{path.name}, duty {n}") for n, row in enumerate(rows, 1))


def duties_of(law: str | None = None) -> tuple[Duty, ...]:
    """Return the duties of one *law*, or all.

    Raises:
        UnknownName: there are no duties of such a law.
    """
    every = load_duties()
    laws = tuple(dict.fromkeys(duty.law for duty in every))
    if law is not None and law not in laws:
        raise UnknownName("law", law, laws)
    return tuple(duty for duty in every if law in (None, duty.law))


def cover_rule(rule: Rule, case_file: Path) -> RuleCoverage:
    """Return how well the cases of *case_file* try *rule*."""
    trial = try_rule(rule, case_file)
    expected = [result.case.expected for result in trial.results]
    breached = {limit for result in trial.results for limit in result.findings.limit.tolist()}
    proof = prove(rule, case_file, (Part.LIMIT, Part.VALIDITY)) if trial.passed else None
    numbers = range(len(rule.limits))
    return RuleCoverage(
        rule,
        complies=sum(n == 0 for n in expected),
        breaches=sum(n > 0 for n in expected),
        passed=trial.passed,
        limits=len(rule.limits),
        breached=len(breached),
        at_boundary=0 if proof is None else sum(proof.at_boundary(number) for number in numbers),
        fault=trial.fault or trial.broken,
    )


def cover(duties: Sequence[Duty], rules: Iterable[RuleCoverage]) -> Coverage:
    """Return the coverage of *duties* by *rules*; rules of no duty play no part."""
    known = {row.rule.id: row for row in rules}
    return Coverage(
        tuple(
            DutyCoverage(
                duty,
                tuple(known[name] for name in duty.rules if name in known),
                tuple(name for name in duty.rules if name not in known),
            )
            for duty in duties
        )
    )


def exercised(store: Store, view: View, rules: Sequence[Rule]) -> Mapping[str, tuple[int | None, int]]:
    """Return rule id -> (rows that it asks about, findings) in *view* of *store*.

    A row is asked about if it is one of the events that the rule needs, on a day on which a limit is in force;
    rows of other tables are not counted by days, so a rule that needs such a table has None.
    """
    answer = audit(store, view, rules).findings.by_rule()
    counts: dict[str, tuple[int | None, int]] = {}
    e = view.event
    for rule in rules:
        events = [need for need in rule.needs if isinstance(need, EventType)]
        triggers: int | None = None
        if len(events) == len(rule.needs):
            triggers = 0
            for limit in rule.limits:
                asked = and_(one_of(e.c.event, events), in_force(limit, e.c.event_day))
                [(n,)] = store.rows(select(func.count()).select_from(e).where(asked))
                triggers += int(str(n))
        counts[rule.id] = (triggers, answer[rule.id])
    return counts


_KEYS = ("id", "law", "act", "article", "en", "zh", "who", "grade", "source", "rules", "silent", "unknown")


def _duty(row: Mapping[str, object], where: str) -> Duty:
    for key in row:
        if key not in _KEYS:
            raise UnknownName("key", key, _KEYS, where=where)
    texts = {key: row.get(key, "") for key in _KEYS if key not in ("who", "rules", "grade")}
    wrong = [key for key in ("id", "law", "act", "en", "zh", "who", "grade") if not row.get(key)]
    reasons = [key for key in ("rules", "silent", "unknown") if row.get(key)]
    if wrong or not all(isinstance(text, str) for text in texts.values()):
        raise TraceabilityError(f"{where}: {', '.join(wrong) or 'a value'} is missing or no text")
    if len(reasons) != 1:
        raise TraceabilityError(
            f"{where}: has {reasons or 'none'} of rules, silent and unknown; expected one"
        )
    if row["grade"] not in Grade.__members__:
        raise UnknownName("grade", str(row["grade"]), Grade.__members__, where=where)
    lists = {key: _names(row.get(key, []), f"{where}: `{key}`") for key in ("who", "rules")}
    words = {key: str(text) for key, text in texts.items()}
    return Duty(grade=Grade(row["grade"]), who=lists["who"], rules=lists["rules"], **words)


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise TraceabilityError(f"{where} is {value!r}, expected a list of texts")
    return tuple(value)
