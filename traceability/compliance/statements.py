"""Statements: findings as people read them, with the duty, the count of days and the rows behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import select

from traceability.compliance.due import Count, Due, due
from traceability.compliance.findings import NOT_ASKED, Findings, Int64s, names_of
from traceability.compliance.law import DatedLimit, Unit
from traceability.compliance.rule import Kind, Rule
from traceability.events import EPOCH, NULL
from traceability.store import Store, schema
from traceability.vocabulary import EventType

AT_ONCE = 20_000
"""Findings whose rows are read together."""

_COUNTS = {Unit.DAYS: Count.DAYS, Unit.WORKING_DAYS: Count.WORKING_DAYS, Unit.MONTHS: Count.MONTHS}


@dataclass(frozen=True, slots=True)
class LogRow:
    """One row of the log behind a finding.

    Attributes:
        event: what happened, a word of the vocabulary.
        day, reported: ISO days; reported is '' where the platform was never told.
        corrects: the event_id that it replaces, or None.
    """

    event_id: int
    event: str
    day: str
    reported: str
    actor: str
    receiver: str
    corrects: int | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One finding as people read it; '' or None where there is nothing to say.

    Attributes:
        found_en, found_zh: what was found, in a sentence; says_en, says_zh: the duty, in a sentence.
        law: the regime of the limit, or 'imagined'; assumed: its number is ours, not the law's.
        day: the day of the trigger; due_day: the last day of the deadline as counted; due_day_if_moved: its
            other reading, where a rest day moves it on (Civil Code art. 203); counted_en, counted_zh: how.
        provisional: the count rests on days past the published calendar.
        measured: a number in `measured_unit`.
        happened, visible: found in the truth, in the register; None where that was not asked.
        rows: the trigger, and what else the log says of the unit that day and next.
    """

    rule: str
    name: str
    severity: str
    voluntary: bool
    title_en: str
    title_zh: str
    found_en: str
    found_zh: str
    says_en: str
    says_zh: str
    article: str
    basis: str
    grade: str
    law: str
    assumed: bool
    imagined: bool
    unit: int | None
    code: str
    vehicle: int | None
    vin: str
    actor: str
    day: str
    due_day: str
    due_day_if_moved: str
    counted_en: str
    counted_zh: str
    provisional: bool
    measured: int | None
    measured_unit: str
    limit: str
    happened: bool | None
    visible: bool | None
    event_id: int | None
    rows: tuple[LogRow, ...]


def statements(store: Store, findings: Findings, *, most: int | None = None) -> Iterator[Statement]:
    """Yield one statement a finding, in the order of the findings.

    Args:
        most: stop after so many of each rule; None: all.
    """
    chosen = np.arange(len(findings)) if most is None else _first_of_each(findings.rule, most)
    for start in range(0, chosen.size, AT_ONCE):
        yield from _told(store, findings[chosen[start : start + AT_ONCE]])


def _first_of_each(rule: Int64s, most: int) -> Int64s:
    starts = np.searchsorted(rule, rule)
    picked: Int64s = np.flatnonzero(np.arange(rule.size) - starts < most)
    return picked


def _told(store: Store, findings: Findings) -> Iterator[Statement]:
    u, v, a = schema.unit, schema.vehicle, schema.actor
    codes = names_of(store, u, u.c.unit, u.c.code, findings.unit)
    vins = names_of(store, v, v.c.vehicle, v.c.vin, findings.vehicle)
    rows = _rows_behind(store, findings.event_id)
    actors = names_of(store, a, a.c.actor, a.c.name, findings.actor)
    for row in range(len(findings)):
        rule = findings.rules[findings.rule[row]]
        limit = rule.limits[findings.limit[row]]
        unit, vehicle, event_id, measured = (
            _or_none(int(getattr(findings, name)[row]))
            for name in ("unit", "vehicle", "event_id", "measured")
        )
        day = _or_none(int(findings.day[row]))
        until = _due(rule, limit, day)
        actor = actors.get(int(findings.actor[row]), "")
        whom = codes.get(unit or 0, "") if unit is not None else ""
        whom = whom or vins.get(vehicle or 0, "") if vehicle is not None else whom
        facts = _Facts(rule, limit, whom or _numbered(unit, vehicle), actor, _iso(day), measured, until)
        yield Statement(
            rule=rule.id, name=rule.name, severity=rule.severity.value, voluntary=rule.voluntary,
            title_en=rule.title_en, title_zh=rule.title_zh, found_en=facts.english(), found_zh=facts.chinese(),
            says_en=rule.says(limit, "en"), says_zh=rule.says(limit, "zh"),
            article=str(limit.article), basis=limit.basis.value, grade=limit.grade.value, law=limit.law,
            assumed=limit.assumed, imagined=limit.imagined,
            unit=unit, code=codes.get(unit, "") if unit is not None else "",
            vehicle=vehicle, vin=vins.get(vehicle, "") if vehicle is not None else "",
            actor=actor, day=_iso(day),
            due_day="" if until is None else until.as_counted.isoformat(),
            due_day_if_moved="" if until is None or until.moved_on == until.as_counted else until.moved_on.isoformat(),
            counted_en="" if until is None else counted(until, "en"),
            counted_zh="" if until is None else counted(until, "zh"),
            provisional=until is not None and bool(until.provisional),
            measured=measured, measured_unit=limit.unit.value if measured is not None else "",
            limit="" if limit.value is None else str(limit.bound),
            happened=_flag(int(findings.happened[row])), visible=_flag(int(findings.visible[row])),
            event_id=event_id, rows=rows.get(event_id or 0, ()) if event_id is not None else (),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the sentence of a finding is made of."""

    rule: Rule
    limit: DatedLimit
    whom: str
    actor: str
    day: str
    measured: int | None
    until: Due | None

    def english(self) -> str:
        parts = [f"{self.rule.title_en}: {self.whom or 'the firm'}"]
        if self.actor:
            parts.append(f"by {self.actor}")
        if self.day:
            parts.append(f"on {self.day}")
        said = " ".join(parts)
        if self.measured is not None and self.limit.value is not None:
            said += f"; {self.measured} {self.limit.unit.value}".rstrip() + f" against {self.limit.bound}"
        if self.until is not None:
            said += f"; due {self.until.as_counted}"
        return said + "."

    def chinese(self) -> str:
        said = f"{self.rule.title_zh}：{self.whom or '该单位'}"
        if self.actor:
            said += f"，{self.actor}"
        if self.day:
            said += f"，{self.day}"
        if self.measured is not None and self.limit.value is not None:
            unit = type(self.limit.bound)(self.measured, self.limit.unit).text("zh")
            said += f"；实际{unit}，限值{self.limit.bound.text('zh')}"
        if self.until is not None:
            said += f"；应于{self.until.as_counted}前完成"
        return said + "。"


def counted(until: Due, language: str) -> str:
    """Return how a deadline was counted, in 'en' or 'zh'."""
    if language == "zh":
        unit = {Count.DAYS: "日", Count.WORKING_DAYS: "个工作日", Count.MONTHS: "个月"}[until.count]
        said = f"自{until.trigger}次日起算{until.length}{unit}"
        if until.skipped:
            said += f"，扣除法定休假日{len(until.skipped)}天"
        if until.made_up:
            said += f"，计入调休上班日{len(until.made_up)}天"
        return said + ("；日历尚未公布，暂计" if until.provisional else "")
    said = f"{until.length} {until.count.value} from the day after {until.trigger}"
    if until.skipped:
        said += f", {len(until.skipped)} holidays skipped"
    if until.made_up:
        said += f", {len(until.made_up)} worked weekend days counted"
    return said + ("; provisional: past the published calendar" if until.provisional else "")


def _due(rule: Rule, limit: DatedLimit, day: int | None) -> Due | None:
    if rule.kind is not Kind.DEADLINE or day is None or limit.value is None or limit.unit not in _COUNTS:
        return None
    return _due_of(day, limit.value, _COUNTS[limit.unit])


@lru_cache(maxsize=50_000)
def _due_of(day: int, length: int, count: Count) -> Due:
    return due(EPOCH + timedelta(days=day), length, count)


def _rows_behind(store: Store, triggers: Int64s) -> Mapping[int, tuple[LogRow, ...]]:
    """Return event_id -> the row itself, and what replaced it."""
    wanted = np.unique(triggers[triggers != NULL])
    if not wanted.size:
        return {}
    e, giver, taker = schema.event, schema.actor.alias("giver"), schema.actor.alias("taker")
    columns = (
        e.c.event_id,
        e.c.event,
        e.c.event_day,
        e.c.record_day,
        giver.c.name,
        taker.c.name,
        e.c.corrects,
    )
    joined = e.outerjoin(giver, giver.c.actor == e.c.actor).outerjoin(taker, taker.c.actor == e.c.receiver)
    found: dict[int, list[LogRow]] = {}
    for start in range(0, wanted.size, 5_000):
        some = wanted[start : start + 5_000].tolist()
        for key in (e.c.event_id, e.c.corrects):
            query = select(key, *columns).select_from(joined).where(key.in_(some)).order_by(e.c.event_id)
            rows: list[tuple[Any, ...]] = store.rows(query)
            for of, number, event, day, told, by, to, corrects in rows:
                line = LogRow(
                    number, EventType(event).name, _iso(day), _iso(told), by or "", to or "", corrects
                )
                found.setdefault(of, []).append(line)
    return {number: tuple(lines) for number, lines in found.items()}


def _numbered(unit: int | None, vehicle: int | None) -> str:
    if unit is not None:
        return f"unit:{unit}"
    return "" if vehicle is None else f"vehicle:{vehicle}"


def _iso(day: int | None) -> str:
    return "" if day is None else date.fromordinal(EPOCH.toordinal() + day).isoformat()


def _or_none(value: int) -> int | None:
    return None if value == NULL else value


def _flag(value: int) -> bool | None:
    return None if value == NOT_ASKED else bool(value)
