"""Rule: one duty as a declaration with one query."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeAlias

from sqlalchemy import Column, Select, Table

from traceability.compliance.law import Bound, DatedLimit, Regime
from traceability.compliance.views import View
from traceability.errors import RuleBroken
from traceability.vocabulary import Detail, EventType, Role

Violations: TypeAlias = "Callable[[Rule, DatedLimit, View], Select[Any]]"
"""Rule, one of its limits, a view -> the breaches of that limit.

The columns are, in this order: event_id of the row that triggers (or null), unit, vehicle, actor, day, and
measured: a whole number in the unit of the limit, or null where there is nothing to count.
"""


class Kind(Enum):
    """What a rule looks at."""

    STRUCTURE = "S"
    EVENT = "E"
    HISTORY = "H"
    DEADLINE = "D"
    AGGREGATE = "G"


class Severity(Enum):
    """How grave a breach is, in the words of the rule list."""

    CRITICAL = "crit"
    MAJOR = "major"
    MINOR = "minor"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Rule:
    """One duty.

    Attributes:
        id: the public number, 'R46'.
        name: the breach, 'RECEIPT_REPORTED_LATE'.
        title_en, title_zh: the breach in a few words.
        says_en, says_zh: the duty in a sentence, `{limit}` in place of the number.
        binds: whom the duty addresses.
        kind, severity: as in the rule list.
        needs: the events (or tables) that can trigger it; where a view has none of them the rule is skipped.
        limits: dated, without overlap; the day of the trigger chooses.
        violations: the query, see `Violations`.
        voluntary: binds only those who ask to be listed.
        overlays: limits of another country's law, asked for only through `under`.
        overlay_says: what that law says, in English and in Chinese, where it says it otherwise.
        columns, details: what the rule cannot do without: where no row has one of these columns, or no event
            one of these numbers, it is skipped.  A column of `event` may be empty (a report that never came);
            it is missing where the log says that it was imported without.
        one_of_details: of these numbers at least one; where no event has any of them, it is skipped.
    """

    id: str
    name: str
    title_en: str
    title_zh: str
    says_en: str
    says_zh: str
    binds: tuple[Role, ...]
    kind: Kind
    severity: Severity
    needs: tuple[EventType | Table, ...]
    limits: tuple[DatedLimit, ...]
    violations: Violations
    voluntary: bool = False
    overlays: tuple[DatedLimit, ...] = ()
    overlay_says: tuple[str, str] | None = None
    columns: tuple[Column[Any], ...] = ()
    details: tuple[Detail, ...] = ()
    one_of_details: tuple[Detail, ...] = ()

    def says(self, limit: DatedLimit, language: str = "en") -> str:
        """Return the duty as a sentence with the number of *limit* in it, in 'en' or 'zh'."""
        said = (self.says_en, self.says_zh)
        if self.overlay_says is not None and limit.regime is Regime.EU_2023:
            said = self.overlay_says
        sentence = said[1] if language == "zh" else said[0]
        return sentence.replace("{limit}", limit.bound.text(language))

    def limit_on(self, day: int) -> DatedLimit | None:
        """Return the limit in force on *day*, or None."""
        return next((limit for limit in self.limits if limit.holds_on(day)), None)

    def with_limit(self, bound: Bound | None, *, valid_from: int, valid_to: int | None = None) -> Rule:
        """Return the rule as if amended: *bound* from *valid_from* to *valid_to* (open where None).

        With None in place of a bound the duty is repealed for that time.  What is in force before and after
        stays; the new limit is marked imagined.

        Raises:
            RuleBroken: the rule has no limit to amend.
        """
        if not self.limits:
            raise RuleBroken(f"{self.id} {self.name} has no limit that could be amended")
        outside = [piece for limit in self.limits for piece in _outside(limit, valid_from, valid_to)]
        if bound is not None:
            model = self.limit_on(valid_from) or self.limits[-1]
            outside.append(
                replace(
                    model, bound=bound, valid_from=valid_from, valid_to=valid_to, assumed=False, imagined=True
                )
            )
        return replace(self, limits=tuple(sorted(outside, key=_start)))


def under(rules: Iterable[Rule], regime: Regime) -> tuple[Rule, ...]:
    """Return *rules* as if *regime* had been the law at all times; what holds beside either law stays.

    A rule that the regime does not have keeps no limit, and an audit says so.
    """
    return tuple(replace(rule, limits=_forced((*rule.limits, *rule.overlays), regime)) for rule in rules)


def _forced(limits: tuple[DatedLimit, ...], regime: Regime) -> tuple[DatedLimit, ...]:
    own = [limit for limit in limits if limit.regime is regime]
    if own:
        own[0] = replace(own[0], valid_from=None)
        own[-1] = replace(own[-1], valid_to=None)
    beside = () if regime is Regime.EU_2023 else (Regime.ADJACENT, Regime.VOLUNTARY, Regime.REGISTRY)
    return (*own, *(limit for limit in limits if limit.regime in beside))


def _start(limit: DatedLimit) -> tuple[bool, int]:
    return limit.valid_from is not None, limit.valid_from or 0


def _outside(limit: DatedLimit, first: int, last: int | None) -> list[DatedLimit]:
    """Return what is left of *limit* before *first* and after *last*."""
    pieces = []
    if limit.valid_from is None or limit.valid_from < first:
        end = first - 1 if limit.valid_to is None else min(limit.valid_to, first - 1)
        pieces.append(replace(limit, valid_to=end))
    if last is not None and (limit.valid_to is None or limit.valid_to > last):
        start = last + 1 if limit.valid_from is None else max(limit.valid_from, last + 1)
        pieces.append(replace(limit, valid_from=start))
    return pieces
