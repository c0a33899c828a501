"""What rules, their trials, proofs, coverage and scores look like: as lines, as tables and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from traceability.compliance.coverage import Coverage, RuleCoverage
    from traceability.compliance.proving import Proof
    from traceability.compliance.rule import Rule
    from traceability.compliance.scoring import Interval, RuleSummary
    from traceability.compliance.trials import Trial


def table_of(*names: str, right: tuple[str, ...] = ()) -> Table:
    """Return an empty table with these columns."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    return table


def print_table(table: Table, width: int | None = None) -> None:
    """Print a table on standard output, in as many columns as it has or in *width*."""
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def screen_width() -> int:
    """Return how many columns standard output has, but 80 at least; a narrower terminal wraps lines."""
    from rich.console import Console

    return max(80, Console().width)


def day(number: int | None) -> str:
    """Return a day as a person reads it; a border that there is not is open."""
    from datetime import timedelta

    from traceability.events import EPOCH

    return "open" if number is None else (EPOCH + timedelta(days=number)).isoformat()


def card(rule: Rule) -> dict[str, object]:
    """Return all that a rule declares."""
    return {
        "rule": rule.id,
        "name": rule.name,
        "title_en": rule.title_en,
        "title_zh": rule.title_zh,
        "binds": [role.name for role in rule.binds],
        "kind": rule.kind.name.lower(),
        "severity": rule.severity.value,
        "voluntary": rule.voluntary,
        "needs": [need.name for need in rule.needs],
        "limits": [
            {
                "law": limit.law,
                "from": None if limit.valid_from is None else day(limit.valid_from),
                "to": None if limit.valid_to is None else day(limit.valid_to),
                "value": limit.value,
                "unit": limit.unit.value,
                "assumed": limit.assumed,
                "article": str(limit.article),
                "basis": limit.basis.value,
                "grade": limit.grade.value,
                "source": limit.source,
                "says_en": rule.says(limit),
                "says_zh": rule.says(limit, "zh"),
            }
            for limit in rule.limits
        ],
    }


def trial_json(trial: Trial) -> dict[str, object]:
    """Return what became of a rule's cases."""
    return {
        "rule": trial.rule.id,
        "passed": trial.passed,
        "broken": trial.broken,
        "fault": trial.fault,
        "cases": [
            {
                "case": result.case.name,
                "expected": result.case.expected,
                "found": result.found,
                "passed": result.passed,
                "todo": result.case.todo,
            }
            for result in trial.results
        ],
    }


def trial_lines(trial: Trial) -> list[str]:
    """Return what became of a rule's cases, failures with expected, actual and the rows."""
    from traceability.compliance.trials import found, told

    rule = trial.rule
    limit = rule.limits[-1]
    lines = [f"{rule.id} {rule.title_en}  {limit.article} [{limit.grade.value}]"]
    if trial.fault:
        return [*lines, f"  ✗ {trial.fault}"]
    if trial.broken:
        return [*lines, f"  BROKEN {trial.broken}"]
    for result in trial.results:
        kind = "breach" if result.case.expected else "complies"
        lines.append(f"  {'✓' if result.passed else '✗'} {kind}: {result.case.name}")
        if not result.passed:
            todo = f"  still to be written: {result.case.todo}" if result.case.todo else ""
            lines.append(f"      expected {result.case.expected} findings, got {result.found}{todo}")
            lines += [f"      {line}" for line in (*told(result.case), *found(result))]
    return lines


def proof_json(proof: Proof) -> dict[str, object]:
    """Return which mutants survived."""
    return {
        "rule": proof.rule.id,
        "mutants": proof.mutants,
        "killed": proof.killed,
        "survivors": [{"mutant": m.name, "missing": m.missing} for m in proof.survivors],
        "explained": [{"mutant": m.name, "reason": reason} for m, reason in proof.explained],
        "stale": list(proof.stale),
        "fault": proof.fault,
    }


def proof_lines(proof: Proof) -> list[str]:
    """Return which mutants survived, and the case that is missing."""
    if proof.fault:
        return [f"{proof.rule.id} ✗ {proof.fault}"]
    counts = f"mutants {proof.mutants}, killed {proof.killed}, explained {len(proof.explained)}"
    lines = [f"{proof.rule.id} {'✓' if proof.complete else '✗'} {counts}, survived {len(proof.survivors)}"]
    lines += [f"    survived: {m.name}\n      add a case: {m.missing}" for m in proof.survivors]
    lines += [f"    explained: {m.name}\n      {reason}" for m, reason in proof.explained]
    return lines + [f"    explained, but no such mutant survives: {name}" for name in proof.stale]


def coverage_json(covered: Coverage) -> dict[str, object]:
    """Return the coverage, duty by duty."""
    return {
        "covered": covered.covered,
        "counted": covered.counted,
        "percent": round(covered.percent, 1),
        "duties": [
            {
                "duty": row.duty.id,
                "law": row.duty.law,
                "citation": row.duty.citation,
                "grade": row.duty.grade.value,
                "en": row.duty.en,
                "zh": row.duty.zh,
                "source": row.duty.source,
                "status": row.colour.value,
                "reason": row.duty.silent or row.duty.unknown,
                "missing_rules": list(row.missing),
                "rules": [_rule_coverage(rule) for rule in row.rules],
            }
            for row in covered.duties
        ],
    }


def _rule_coverage(row: RuleCoverage) -> dict[str, object]:
    names = (
        "complies",
        "breaches",
        "passed",
        "limits",
        "breached",
        "at_boundary",
        "triggers",
        "findings",
        "fault",
    )
    return {"rule": row.rule.id, **{name: getattr(row, name) for name in names}}


def coverage_table(covered: Coverage) -> Table:
    """Return the coverage as a table: green is covered, red is not, whatever no log can show is dim."""
    styles = {"covered": "green", "no log can show it": "dim"}
    table = table_of("duty", "grade", "rule", "cases", "limits", "asked", "found")
    table.columns[0].ratio, table.columns[0].min_width = 1, 40
    for row in covered.duties:
        duty, status = row.duty, row.colour.value
        why = duty.silent or duty.unknown or (f"{', '.join(row.missing)} not written" if row.missing else "")
        said = f"{duty.id} {duty.citation}: {duty.en}\n    {status}{f': {why}' if why else ''}"
        lines = [
            (
                rule.rule.id,
                f"{rule.complies}+{rule.breaches}{'' if rule.passed else ' failed'}",
                f"{rule.at_boundary}/{rule.limits}",
                "-" if rule.triggers is None else f"{rule.triggers:,}",
                "-" if rule.findings is None else f"{rule.findings:,}",
            )
            for rule in row.rules
        ] or [("", "", "", "", "")]
        cells = ["\n".join(column) for column in zip(*lines, strict=True)]
        table.add_row(said, duty.grade.value, *cells, style=styles.get(status, "red"))
    return table


def score_json(row: RuleSummary) -> dict[str, object]:
    """Return one rule's score."""

    def interval(value: Interval | None) -> object:
        return None if value is None else {"mean": value.mean, "low": value.low, "high": value.high}

    return {
        "rule": row.rule.id,
        "happened": row.happened,
        "visible": row.visible,
        "precision": interval(row.precision),
        "recall": interval(row.recall),
        "delay_days": interval(row.delay),
        "misconduct": [
            {"kind_en": kind.en, "kind_zh": kind.zh, "happened": happened, "missed": missed}
            for kind, (happened, missed) in row.kinds.items()
        ],
        "missed": row.missed,
        "caught_by": dict(row.caught),
    }


_WIDE = 118
"""Columns from which an interval stands beside its mean, and what is missed beside what else catches it."""


def score_table(rows: tuple[RuleSummary, ...], width: int) -> Table:
    """Return the scores as a table that no terminal of *width* columns, 80 or more, cuts: words wrap, numbers never."""
    numbers = ("happened", "visible", "precision", "recall", "delay d")
    wide = width >= _WIDE
    last = ("mostly missed", "caught by") if wide else ("mostly missed, caught by",)
    table = table_of("rule", *numbers, *last, right=numbers)
    for column in table.columns[: 1 + len(numbers)]:
        column.no_wrap = True
    asked = [row for row in rows if row.happened or row.visible]
    between = " " if wide else "\n"
    for row in asked:
        missed, other = row.mostly_missed, row.mostly_caught_by
        why = "" if missed is None else f"{missed[0].en} ({missed[1]:,} of {row.missed:,})"
        by = "" if other is None else f"{other[0]} ({other[1]:,})"
        table.add_row(
            row.rule.id,
            f"{row.happened:,.0f}",
            f"{row.visible:,.0f}",
            _said(row.precision, ".2f", between),
            _said(row.recall, ".2f", between),
            _said(row.delay, ".0f", between),
            *((why, by) if wide else (", ".join(filter(None, (why, by))),)),
        )
    if quiet := [row.rule.id for row in rows if row not in asked]:
        table.caption = f"neither happened nor reported: {' '.join(quiet)}"
        table.caption_justify = "left"
    return table


def _said(value: Interval | None, form: str, between: str) -> str:
    if value is None:
        return "-"
    if value.low is None or value.high is None:
        return f"{value.mean:{form}}"
    return f"{value.mean:{form}}{between}[{value.low:{form}}, {value.high:{form}}]"
