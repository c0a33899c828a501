"""The rules of a scenario's law, and how those whom they bind answer to it.

What is stated is stated by `sim.law`; what is enacted, by `traceability.compliance.rules`.  A limit that was never
law on its days is marked imagined.  No rule is asked during a run: reporters go by their deadlines (`paces`), and
formal product makers by the ban (`banned_products`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from sim.dated import ALWAYS, Dated
from sim.law import ENACTED, REPEALED, USES, Amendment, Timetable, units_of
from sim.scenario import Scenario
from traceability.compliance.law import Bound, DatedLimit, Unit
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.compliance.rules.eu import rules_under
from traceability.compliance.rules.use import ENACTED_BANS, USED_IN_BARRED_PRODUCT, with_bans
from traceability.events import EPOCH, day_number
from traceability.vocabulary import EventType, Use

_ALWAYS = day_number(ALWAYS)
_DAYS_OF = {Unit.DAYS: 1.0, Unit.WORKING_DAYS: 7 / 5, Unit.MONTHS: 365.25 / 12}
"""Calendar days in one of a unit, for how far reporters move; holidays are left out.  Audits count them."""

FORMAL_USES = (Use.STORAGE, Use.BACKUP)
"""What formal product makers build."""

REPORTS: Mapping[str, tuple[str, tuple[EventType, ...]]] = {
    "R12": ("vehicle_makers", (EventType.CERTIFY,)),
    "R32": ("dismantlers", (EventType.ISSUE_CERTIFICATE, EventType.SHIP)),
    "R36": ("repair_firms", (EventType.INSTALL, EventType.REMOVE)),  # told is told of both packs
    "R46": ("recyclers", (EventType.RECEIVE,)),
    "R47": ("recyclers", (EventType.DISPATCH,)),
}
"""Rule of a reporting deadline -> whose reports it governs, and of what."""


class Told(NamedTuple):
    """One thing in which a scenario's law is imagined."""

    en: str
    zh: str


def rules_of(scenario: Scenario, rules: Sequence[Rule] = RULES) -> tuple[Rule, ...]:
    """Return *rules* as the law of *scenario* has them; the very same rules where it imagines nothing.

    First the regime that is forced, then the uses that are barred, then the amendments of single rules.  A rule
    that the law does not have, or that is repealed for good, keeps no limit, and an audit says so.
    """
    forced = scenario.law.forced_regime
    asked = tuple(rules) if forced == ENACTED else _forced(rules, forced)
    bans = _bans(scenario.law.banned_uses)
    made = []
    for rule, enacted in zip(asked, rules, strict=True):
        if bans and rule.id == USED_IN_BARRED_PRODUCT.id:
            rule = with_bans(rule, bans)
        if rule.id in scenario.amendment:
            rule = _amended(rule, enacted, scenario.amendment[rule.id])
        made.append(rule)
    return tuple(made)


def imagined(scenario: Scenario) -> list[Told]:
    """Return in what the law of *scenario* is not the enacted one, a sentence each; [] where it is."""
    told = []
    forced = scenario.law.forced_regime
    if forced != ENACTED:
        told.append(Told(f"{forced} as if it had been the law at all times", f"视为自始至终适用 {forced}"))
    if _bans(scenario.law.banned_uses):
        uses = scenario.law.banned_uses
        told.append(Told(f"R57 bars {uses}", f"R57 禁止用途：{uses}"))
    for rule in RULES:
        if rule.id in scenario.amendment:
            steps = list(_steps_told(rule, scenario.amendment[rule.id]))
            if steps:
                english, chinese = ("; ".join(step[at] for step in steps) for at in (0, 1))
                told.append(
                    Told(f"{rule.id} {rule.title_en}: {english}", f"{rule.id} {rule.title_zh}：{chinese}")
                )
    return told


def _steps_told(rule: Rule, amendment: Amendment) -> Iterator[Told]:
    """Yield what each step of *amendment* asks, and what the law does; of those that ask for something else."""
    for first, _, value in _spans(amendment.limit):
        law = rule.limit_on(first)
        is_law = (law.bound.text("en"), law.bound.text("zh")) if law else ("nothing", "无")
        if value == REPEALED:
            asked = ("repealed", "废止")
        elif isinstance(value, int):
            bound = Bound(value, _unit(amendment, law or rule.limits[-1], rule.id))
            asked = bound.text("en"), bound.text("zh")
        else:
            continue
        if asked[0] != is_law[0]:
            since = ("", "") if first == _ALWAYS else (f" from {_iso(first)}", f"（自 {_iso(first)}）")
            yield Told(
                f"{asked[0]}{since[0]} (enacted: {is_law[0]})", f"{asked[1]}{since[1]}，现行规定：{is_law[1]}"
            )


def contradictions(scenario: Scenario) -> list[str]:
    """Return what *scenario* says twice, and not alike, and which of the two holds."""
    return [*_of_products(scenario), *_of_scrapping(scenario)]


def _of_products(scenario: Scenario) -> Iterator[str]:
    recycling, barred = scenario.recycling, banned_products(scenario)
    storage = recycling.storage_product_share

    def none_allowed(day: int) -> bool:
        return all(use in barred and barred[use].on(day) > 0 for use in FORMAL_USES)

    for name, share in (("lfp", recycling.reuse_share_lfp), ("ncm", recycling.reuse_share_ncm)):
        reused = _Over(none_allowed, [share, *barred.values()], share)
        if (day := reused.first(scenario)) is not None:
            yield (
                f"`recycling.reuse_share_{name}` is not 0 on {_iso(day)}, but `law.banned_uses` bars all that "
                "product makers build: none is remade"
            )
    for use, ban in barred.items():
        share = (
            storage if use is Use.STORAGE else Dated(tuple((day, 1 - part) for day, part in storage.steps))
        )
        other = next(each for each in FORMAL_USES if each is not use)

        def barred_alone(day: int, ban: Dated = ban) -> bool:
            return ban.on(day) > 0 and not none_allowed(day)

        built = _Over(barred_alone, [share, *barred.values()], share)
        if (day := built.first(scenario)) is not None:
            yield (
                f"`recycling.storage_product_share` makes products for {use.name.lower()} on {_iso(day)}, but "
                f"`law.banned_uses` bars that: all are made for {other.name.lower()}"
            )


def _of_scrapping(scenario: Scenario) -> Iterator[str]:
    forced, duty = scenario.law.forced_regime, scenario.enforcement.integrated_scrapping
    if forced == ENACTED:
        return
    asked = forced == "order73"
    differs = _Over(lambda day: (duty.on(day) > 0) is not asked, [duty])
    if (day := differs.first(scenario)) is not None:
        yield (
            f"`enforcement.integrated_scrapping` is {duty.on(day):g} on {_iso(day)}, but `law.forced_regime` asks for "
            f"{forced}: owners and dismantlers go by the former, audits by the latter"
        )


class _Over(NamedTuple):
    """A condition, the figures that it changes with, and a figure that must not be 0."""

    holds: Callable[[int], bool]
    changes: Sequence[Dated]
    share: Dated | None = None

    def first(self, scenario: Scenario) -> int | None:
        """Return the first day of the run on which it holds, or None."""
        first, last = scenario.first_day(), scenario.last_day()
        starts = {day_number(start) for figure in self.changes for start, _ in figure.steps}
        for day in sorted({max(day, first) for day in starts}):
            if day <= last and self.holds(day) and (self.share is None or self.share.on(day) > 0):
                return day
        return None


def paces(scenario: Scenario) -> dict[tuple[str, EventType], Dated]:
    """Return (reporter, event) -> by what the mean delay of such reports is multiplied, on the day of the event.

    1 + deadline_pull x (new / old - 1), where the scenario's law has another deadline than the enacted one; 1 where
    either has none, for then there is nothing to be in proportion to.  What is 1 on all days is left out.
    """
    pull = scenario.law.deadline_pull
    found: dict[tuple[str, EventType], Dated] = {}
    enacted = {rule.id: rule for rule in RULES if rule.id in REPORTS}
    for rule in rules_of(scenario, tuple(enacted.values())):
        old, (reporter, events) = enacted[rule.id], REPORTS[rule.id]
        days = sorted({_ALWAYS, *(day for limit in (*old.limits, *rule.limits) for day in _edges(limit))})
        steps = [(day, 1.0 + pull * (_ratio(old.limit_on(day), rule.limit_on(day)) - 1.0)) for day in days]
        if any(factor != 1.0 for _, factor in steps):
            pace = Dated(tuple((EPOCH + timedelta(days=day), factor) for day, factor in steps))
            found |= {(reporter, event): pace for event in events}
    return found


def banned_products(scenario: Scenario) -> dict[Use, Dated]:
    """Return use -> 1 from each day on which it is barred, 0 else; of what formal makers build, as far as it ever is."""
    steps = scenario.law.banned_uses.steps
    return {
        use: Dated(((ALWAYS, 0.0), *((start, float(use.name.lower() in names)) for start, names in steps)))
        for use in FORMAL_USES
        if any(use.name.lower() in names for _, names in steps)
    }


def _forced(rules: Sequence[Rule], regime: str) -> tuple[Rule, ...]:
    """Return *rules* under *regime*, imagined on the days on which it was not the law."""
    return tuple(
        replace(rule, limits=tuple(piece for limit in rule.limits for piece in _marked(limit, enacted)))
        for rule, enacted in zip(rules_under(regime, rules), rules, strict=True)
    )


def _marked(limit: DatedLimit, enacted: Rule) -> Iterator[DatedLimit]:
    for own in enacted.limits:
        if replace(limit, valid_from=own.valid_from, valid_to=own.valid_to) == own:
            break
    else:  # of an overlay, which is asked for only by name
        yield limit
        return
    if own.valid_from is not None and limit.valid_from != own.valid_from:
        yield replace(limit, valid_to=own.valid_from - 1, imagined=True)
    yield own
    if own.valid_to is not None and limit.valid_to != own.valid_to:
        yield replace(limit, valid_from=own.valid_to + 1, imagined=True)


def _bans(stated: Timetable) -> list[tuple[int, int | None, frozenset[Use]]]:
    """Return first day, last day and uses of what is stated and was not enacted."""
    edges = [first for first, _ in ENACTED_BANS if first is not None]
    found: list[tuple[int, int | None, frozenset[Use]]] = []
    for first, last, names in _spans(stated):
        uses = frozenset(USES[name] for name in names)
        for start, end in _split(first, last, edges):
            law: frozenset[Use] = [
                barred for since, barred in ENACTED_BANS if since is None or since <= start
            ][-1]
            if uses != law:
                found.append((start, end, uses))
    return found


def _amended(rule: Rule, enacted: Rule, amendment: Amendment) -> Rule:
    standing = rule
    for first, last, value in _spans(amendment.limit):
        if value == ENACTED:
            continue
        edges = [day for limit in (*standing.limits, *enacted.limits) for day in _edges(limit)]
        for start, end in _split(first, last, edges):
            now = standing.limit_on(start)
            if value == REPEALED:
                rule = _cut(rule, start, end)
                continue
            model = now or enacted.limit_on(start) or enacted.limits[-1]
            bound = Bound(value, _unit(amendment, model, rule.id))
            if now is None or now.bound != bound:
                new = replace(model, bound=bound, valid_from=None if start == _ALWAYS else start, valid_to=end,
                              assumed=False, imagined=True)  # fmt: skip
                limits = (*_cut(rule, start, end).limits, new)
                rule = replace(rule, limits=tuple(sorted(limits, key=_start)))
    return rule


def _cut(rule: Rule, first: int, last: int | None) -> Rule:
    """Return *rule* without what it asks from *first* to *last*."""
    if not rule.limits:
        return rule
    left = rule.with_limit(None, valid_from=first, valid_to=last).limits
    return replace(
        rule, limits=tuple(each for each in left if each.valid_to is None or each.valid_to >= _ALWAYS)
    )


def _unit(amendment: Amendment, model: DatedLimit, rule: str) -> Unit:
    if amendment.unit != ENACTED:
        return Unit(amendment.unit)
    return model.unit if model.value is not None else Unit(units_of(rule)[0])


def _spans(table: Timetable) -> Iterator[tuple[int, int | None, Any]]:
    """Yield first day, last day (None: open) and value of each step."""
    days = [day_number(start) for start, _ in table.steps]
    for at, (_, value) in enumerate(table.steps):
        yield days[at], days[at + 1] - 1 if at + 1 < len(days) else None, value


def _split(first: int, last: int | None, edges: Sequence[int]) -> Iterator[tuple[int, int | None]]:
    """Yield the parts of a span between *edges*, days on which something begins."""
    inside = sorted({day for day in edges if day > first and (last is None or day <= last)})
    for start, after in zip([first, *inside], [*inside, None], strict=True):
        yield start, last if after is None else after - 1


def _edges(limit: DatedLimit) -> Iterator[int]:
    if limit.valid_from is not None:
        yield limit.valid_from
    if limit.valid_to is not None:
        yield limit.valid_to + 1


def _start(limit: DatedLimit) -> int:
    return _ALWAYS if limit.valid_from is None else limit.valid_from


def _ratio(old: DatedLimit | None, new: DatedLimit | None) -> float:
    if old is None or new is None or not old.value or new.value is None:
        return 1.0
    return new.value * _DAYS_OF[new.unit] / (old.value * _DAYS_OF[old.unit])


def _iso(day: int) -> str:
    return (EPOCH + timedelta(days=day)).isoformat()
