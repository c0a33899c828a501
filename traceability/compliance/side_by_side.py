"""One log under several laws: finding by finding, what each law says, and why they differ."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import IntEnum
from pathlib import Path

import numpy as np

from traceability.compliance.audit import Audit, Fate, audit, grouped
from traceability.compliance.findings import Int64s, names_of
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.compliance.rules.eu import rules_under
from traceability.compliance.views import View
from traceability.errors import TraceabilityError, UnknownName
from traceability.events import EPOCH, NULL
from traceability.sheets import Cell, Sheet, write_csv, write_xlsx
from traceability.store import Store, schema

FORMATS = ("csv", "json", "xlsx")

MOST_IN_XLSX = 250_000
"""Rows beyond which no workbook is written: a spreadsheet does not open it in reasonable time."""


class Verdict(IntEnum):
    """What one law says of what some law finds."""

    NOT_FOUND = 0
    FOUND = 1
    NO_SUCH_DUTY = 2
    SKIPPED = 3
    BROKEN = 4


@dataclass(frozen=True, slots=True)
class RuleBeside:
    """One rule under each law.

    Attributes:
        counts: one a law: how many are found; None where the rule did not run.
        why_en, why_zh: why the laws differ, with how many findings each reason is for; '' where they do not.
    """

    rule: Rule
    counts: tuple[int | None, ...]
    why_en: str
    why_zh: str


@dataclass(frozen=True, slots=True)
class Row:
    """One finding of some law, and what each law says of it.

    Attributes:
        unit, vehicle, actor: numbers, None where there is none; day: ISO; of the first law that finds it.
        verdicts: one a law, in small letters.
        limits: one a law: the limit that judged it, '' where it has no number or there is none.
        measured: one a law, in the unit of its limit; None where nothing was counted or found.
        differs: whether the laws disagree; why_en, why_zh: the reason, '' where they agree.
    """

    rule: str
    title_en: str
    title_zh: str
    unit: int | None
    vehicle: int | None
    actor: int | None
    day: str
    verdicts: tuple[str, ...]
    limits: tuple[str, ...]
    measured: tuple[int | None, ...]
    differs: bool
    why_en: str
    why_zh: str


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """What several laws say of one view; findings are matched by rule and whom they concern.

    Attributes:
        laws: their names, in the order asked.
        audits: one a law, all of the same rules in the same order.
        rule: int64[n], which rule; sorted.
        first: int64[laws, n], row of the first such finding in the law's audit, or -1.
        verdict: int64[laws, n], a Verdict each.
        limit: int64[laws, n], which of the rule's limits under the law judged it, or -1.
    """

    laws: tuple[str, ...]
    audits: tuple[Audit, ...]
    rule: Int64s
    first: Int64s
    verdict: Int64s
    limit: Int64s

    def __len__(self) -> int:
        return int(self.rule.size)

    @property
    def found(self) -> int:
        """How many things some law finds; two findings of one rule for one unit are one."""
        return len(self)

    @property
    def broken(self) -> bool:
        """Whether a rule broke under some law."""
        return any(answer.broken for answer in self.audits)

    @property
    def differs(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """bool[n], whether the laws disagree."""
        disagree: np.ndarray[tuple[int, ...], np.dtype[np.bool_]] = np.any(
            self.verdict != int(Verdict.FOUND), axis=0
        )
        return disagree

    def by_rule(self) -> list[RuleBeside]:
        """Return what each rule finds under each law, in the order of the rules; findings, not those concerned."""
        of_law = [answer.findings.by_rule() for answer in self.audits]
        reasons, which = self._reasons()
        told: list[Counter[int]] = [Counter() for _ in self.audits[0].outcomes]
        pairs, numbers = np.unique(np.stack([self.rule, which]), axis=1, return_counts=True)
        for rule, reason, number in zip(*pairs.tolist(), numbers.tolist(), strict=True):
            told[rule][reason] += number
        rows = []
        for number, outcome in enumerate(self.audits[0].outcomes):
            ran = [answer.outcomes[number].fate is Fate.RAN for answer in self.audits]
            counts = tuple(
                found[outcome.rule.id] if asked else None for found, asked in zip(of_law, ran, strict=True)
            )
            words = [
                "; ".join(
                    f"{reasons[reason][language]} ({n:,})"
                    for reason, n in told[number].most_common()
                    if reasons[reason][language]
                )
                for language in (0, 1)
            ]
            rows.append(RuleBeside(outcome.rule, counts, *words))
        return rows

    def rows(self) -> Iterator[Row]:
        """Yield one row a thing that some law finds, by rule and day."""
        reasons, which = self._reasons()
        differs, laws = self.differs, range(len(self.laws))
        for n in range(len(self)):
            findings, at = next(
                (self.audits[law].findings, int(self.first[law, n]))
                for law in laws
                if self.first[law, n] >= 0
            )
            rule = findings.rules[int(self.rule[n])]
            unit, vehicle, actor = (
                _or_none(int(getattr(findings, name)[at])) for name in ("unit", "vehicle", "actor")
            )
            why_en, why_zh = reasons[int(which[n])]
            yield Row(
                rule=rule.id,
                title_en=rule.title_en,
                title_zh=rule.title_zh,
                unit=unit,
                vehicle=vehicle,
                actor=actor,
                day=_iso(int(findings.day[at])),
                verdicts=tuple(Verdict(int(self.verdict[law, n])).name.lower() for law in laws),
                limits=tuple(self._limit_text(law, n) for law in laws),
                measured=tuple(self._measured(law, n) for law in laws),
                differs=bool(differs[n]),
                why_en=why_en,
                why_zh=why_zh,
            )

    def _limit_text(self, law: int, n: int) -> str:
        number = int(self.limit[law, n])
        rule = self.audits[law].findings.rules[int(self.rule[n])]
        return "" if number < 0 or rule.limits[number].value is None else str(rule.limits[number].bound)

    def _measured(self, law: int, n: int) -> int | None:
        at = int(self.first[law, n])
        return None if at < 0 else _or_none(int(self.audits[law].findings.measured[at]))

    def _reasons(self) -> tuple[list[tuple[str, str]], Int64s]:
        """Return the reasons (English, Chinese) of the combinations there are, and int64[n], which each row has."""
        if not len(self):
            return [], np.empty(0, dtype=np.int64)
        alike = np.concatenate([self.rule[None], self.verdict, self.limit])
        kinds, which = np.unique(alike, axis=1, return_inverse=True)
        laws = len(self.laws)
        reasons = [
            self._why(int(kind[0]), kind[1 : laws + 1].tolist(), kind[laws + 1 :].tolist())
            for kind in kinds.T
        ]
        return reasons, which.ravel().astype(np.int64)

    def _why(self, rule: int, verdicts: Sequence[int], limits: Sequence[int]) -> tuple[str, str]:
        """Return why the laws differ on what has these *verdicts* under these *limits*, in both languages."""
        finder = verdicts.index(Verdict.FOUND)
        parts = [
            self._why_not(rule, law, finder, verdict, limits)
            for law, verdict in enumerate(verdicts)
            if verdict != Verdict.FOUND
        ]
        return "; ".join(en for en, _ in parts), "；".join(zh for _, zh in parts)

    def _why_not(
        self, rule: int, law: int, finder: int, verdict: int, limits: Sequence[int]
    ) -> tuple[str, str]:
        """Return why *law* does not find what *finder* finds."""
        name, outcome = self.laws[law], self.audits[law].outcomes[rule]
        if verdict == Verdict.NO_SUCH_DUTY:
            if outcome.rule.limits:
                return f"not in force on that day under {name}", f"当日在{name}下尚未生效或已失效"
            return f"the duty does not exist under {name}", f"{name}无此义务"
        if verdict == Verdict.SKIPPED:
            return f"skipped under {name}: {outcome.reason}", f"{name}下未检查：{outcome.reason}"
        if verdict == Verdict.BROKEN:
            return f"broken under {name}: {outcome.reason}", f"{name}下规则出错：{outcome.reason}"
        here = outcome.rule.limits[limits[law]].bound
        there = self.audits[finder].outcomes[rule].rule.limits[limits[finder]].bound
        if here == there:
            return (
                f"{name} allows what {self.laws[finder]} does not",
                f"{name}允许，{self.laws[finder]}不允许",
            )
        return (
            f"limit differs: {there} under {self.laws[finder]}, {here} under {name}",
            f"限值不同：{self.laws[finder]}为{there.text('zh')}，{name}为{here.text('zh')}",
        )


def compare_laws(store: Store, view: View, laws: Sequence[str], rules: Sequence[Rule] = RULES) -> SideBySide:
    """Return what each of *laws* says of *view*, as if it had been the law at all times.

    Args:
        laws: names of `rules_under`: 'dated', 'cn_2018', 'order73', 'eu_2023'.
        rules: those of China's laws; the EU's own are added where its law is asked for.

    Raises:
        UnknownName: no such law.
        TraceabilityError: no law at all.
        StoreError: the store cannot be read.
    """
    if not laws:
        raise TraceabilityError("no law to compare; give one or more, such as cn_2018 and order73")
    asked = [rules_under(law, rules) for law in laws]
    everything = tuple({rule.id: rule for of_law in asked for rule in of_law}.values())
    audits = tuple(audit(store, view, _all_of(everything, of_law)) for of_law in asked)
    findings = [answer.findings for answer in audits]
    groups, rule_twice = grouped(np.concatenate([found.keys() for found in findings], axis=1))
    ends = np.cumsum([len(found) for found in findings])[:-1]
    first = np.stack([_first(part, rule_twice.size) for part in np.split(groups, ends)])
    day = _days(audits, first)
    order = np.lexsort((day, rule_twice))
    first, day, rule = first[:, order], day[order], rule_twice[order]
    limit, verdict = _judged(audits, rule, first, day)
    return SideBySide(tuple(laws), audits, rule, first, verdict, limit)


def _all_of(everything: Sequence[Rule], of_law: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return *everything* as a law has it: without limits what it does not know."""
    known = {rule.id: rule for rule in of_law}
    return tuple(known.get(rule.id, replace(rule, limits=(), overlays=())) for rule in everything)


def _first(groups: Int64s, size: int) -> Int64s:
    """Return int64[size], the first row of each group, or -1."""
    first = np.full(size, -1, dtype=np.int64)
    first[groups[::-1]] = np.arange(groups.size - 1, -1, -1)
    return first


def _days(audits: Sequence[Audit], first: Int64s) -> Int64s:
    """Return int64[n], the day of each finding, as the first law that has it says."""
    day = np.full(first.shape[1], NULL, dtype=np.int64)
    for answer, at in reversed(list(zip(audits, first, strict=True))):
        day[at >= 0] = answer.findings.day[at[at >= 0]]
    return day


def _judged(audits: Sequence[Audit], rule: Int64s, first: Int64s, day: Int64s) -> tuple[Int64s, Int64s]:
    """Return int64[laws, n] limits and verdicts of what some law finds on *day*."""
    limits, verdicts = np.full_like(first, -1), np.full_like(first, int(Verdict.NOT_FOUND))
    for answer, at, limit, verdict in zip(audits, first, limits, verdicts, strict=True):
        for number, outcome in enumerate(answer.outcomes):
            rows = slice(*np.searchsorted(rule, [number, number + 1]).tolist())
            for which, one in enumerate(outcome.rule.limits):
                holds = np.ones(day[rows].size, dtype=np.bool_)
                if one.valid_from is not None:
                    holds &= day[rows] >= one.valid_from
                if one.valid_to is not None:
                    holds &= day[rows] <= one.valid_to
                limit[rows][holds & (limit[rows] < 0)] = which
            verdict[rows] = np.where(limit[rows] < 0, int(Verdict.NO_SUCH_DUTY), _of_fate(outcome.fate))
        limit[at >= 0] = answer.findings.limit[at[at >= 0]]
        verdict[at >= 0] = Verdict.FOUND
    return limits, verdicts


def _of_fate(fate: Fate) -> int:
    return int({Fate.SKIPPED: Verdict.SKIPPED, Fate.BROKEN: Verdict.BROKEN}.get(fate, Verdict.NOT_FOUND))


def write_side_by_side(path: Path, store: Store, told: SideBySide) -> list[Path]:
    """Return the files written: *path* in the format of its suffix, or all formats in the folder *path*.

    Raises:
        TraceabilityError: a suffix that is none of FORMATS; more rows than a workbook is written for; the place
            cannot be written.
    """
    suffix = path.suffix[1:].lower()
    if suffix:
        if suffix not in FORMATS:
            raise UnknownName("format", suffix, FORMATS, where=str(path))
        return [_one_file(path, suffix, store, told)]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TraceabilityError(f"{path}: cannot be written: {error.strerror}") from None
    chosen = [kind for kind in FORMATS if kind != "xlsx" or len(told) <= MOST_IN_XLSX]
    return [_one_file(path / f"side_by_side.{kind}", kind, store, told) for kind in chosen]


def _one_file(path: Path, kind: str, store: Store, told: SideBySide) -> Path:
    header = (
        *("rule", "title_en", "title_zh", "unit", "code", "vehicle", "vin", "actor", "day"),
        *(f"{law}{what}" for law in told.laws for what in ("", " limit", " measured")),
        *("differs", "why_en", "why_zh"),
    )
    if kind == "json":
        _write_json(path, store, told)
    elif kind == "csv":
        write_csv(path, header, _cells(store, told))
    elif len(told) > MOST_IN_XLSX:
        raise TraceabilityError(
            f"{path}: {len(told):,} rows are more than a workbook is written for ({MOST_IN_XLSX:,}); "
            "write CSV or JSON"
        )
    else:
        text = frozenset(header.index(name) for name in ("code", "vin"))
        by_rule = (
            (row.rule.id, row.rule.title_en, row.rule.title_zh, *row.counts, row.why_en, row.why_zh)
            for row in told.by_rule()
        )
        write_xlsx(
            path,
            [
                Sheet("rules", ("rule", "title_en", "title_zh", *told.laws, "why_en", "why_zh"), by_rule),
                Sheet("findings", header, _cells(store, told), text),
            ],
        )
    return path


def _cells(store: Store, told: SideBySide) -> Iterator[tuple[Cell, ...]]:
    names = _Names(store, told)
    for row in told.rows():
        of_laws = zip(row.verdicts, row.limits, row.measured, strict=True)
        yield (
            *(row.rule, row.title_en, row.title_zh),
            *(row.unit, names.code(row), row.vehicle, names.vin(row), names.actor(row), row.day),
            *(cell for of_law in of_laws for cell in of_law),
            *(row.differs, row.why_en, row.why_zh),
        )


def _write_json(path: Path, store: Store, told: SideBySide) -> None:
    names, part = _Names(store, told), path.with_name(f".{path.name}.part")
    head = {"laws": told.laws, "view": told.audits[0].view.name, "as_of": _iso(told.audits[0].view.as_of)}
    try:
        with part.open("w", encoding="utf-8") as out:
            out.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "findings": [')
            for number, row in enumerate(told.rows()):
                named = asdict(row) | {
                    "code": names.code(row),
                    "vin": names.vin(row),
                    "actor": names.actor(row),
                }
                named |= {
                    what: dict(zip(told.laws, named[what], strict=True))
                    for what in ("verdicts", "limits", "measured")
                }
                out.write((",\n" if number else "\n") + json.dumps(named, ensure_ascii=False))
            out.write("\n]}\n")
        os.replace(part, path)
    except OSError as error:
        raise TraceabilityError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)


class _Names:
    """Codes, VINs and names of those whom the findings concern."""

    def __init__(self, store: Store, told: SideBySide) -> None:
        def all_of(name: str) -> Int64s:
            return np.concatenate([getattr(answer.findings, name) for answer in told.audits])

        u, v, a = schema.unit, schema.vehicle, schema.actor
        self._codes = names_of(store, u, u.c.unit, u.c.code, all_of("unit"))
        self._vins = names_of(store, v, v.c.vehicle, v.c.vin, all_of("vehicle"))
        self._actors = names_of(store, a, a.c.actor, a.c.name, all_of("actor"))

    def code(self, row: Row) -> str:
        """Return the code of the unit, or ''."""
        return "" if row.unit is None else self._codes.get(row.unit, "")

    def vin(self, row: Row) -> str:
        """Return the VIN of the vehicle, or ''."""
        return "" if row.vehicle is None else self._vins.get(row.vehicle, "")

    def actor(self, row: Row) -> str:
        """Return the name of the firm, or ''."""
        return "" if row.actor is None else self._actors.get(row.actor, "")


def _or_none(value: int) -> int | None:
    return None if value == NULL else value


def _iso(day: int) -> str:
    return "" if day == NULL else (EPOCH + timedelta(days=day)).isoformat()
