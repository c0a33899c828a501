"""What `battrace audit` prints: one row a rule, or one row a rule and law."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from sim.scenario import Scenario
    from traceability.compliance.audit import Audit, Scorecard
    from traceability.compliance.rule import Rule
    from traceability.compliance.side_by_side import SideBySide


def both(card: Scorecard) -> list[dict[str, object]]:
    """Return one row a rule: what happened beside what the register shows."""
    outcomes = {o.rule.id: o for o in card.truth.outcomes}
    return [
        {
            **_words(score.rule),
            "outcome": outcomes[score.rule.id].fate.value,
            "reason": outcomes[score.rule.id].reason,
            "happened": score.happened,
            "visible": score.visible,
            "both": score.both,
        }
        for score in card.scores
    ]


def single(result: Audit, view: str) -> list[dict[str, object]]:
    """Return one row a rule: what one view shows."""
    return [
        {**_words(o.rule), "outcome": o.fate.value, "reason": o.reason, view: o.findings}
        for o in result.outcomes
    ]


def side_by_side(told: SideBySide) -> list[dict[str, object]]:
    """Return one row a rule: how many findings each law makes, and why they differ."""
    return [
        {
            "rule": row.rule.id,
            "title_en": row.rule.title_en,
            "title_zh": row.rule.title_zh,
            **dict(zip(told.laws, row.counts, strict=True)),
            "why": row.why_en,
            "why_zh": row.why_zh,
        }
        for row in told.by_rule()
    ]


def _words(rule: Rule) -> dict[str, object]:
    limit = rule.limits[-1] if rule.limits else None
    return {
        "rule": rule.id,
        "title_en": rule.title_en,
        "title_zh": rule.title_zh,
        "article": str(limit.article) if limit else "",
        "grade": limit.grade.value if limit else "",
        "voluntary": rule.voluntary,
        "imagined": any(limit.imagined for limit in rule.limits),
    }


def imagined_law(scenario: Scenario) -> None:
    """Print in what the law of *scenario*, which is asked, is not the enacted one."""
    from sim.amendments import imagined

    click.echo(f"law: as the scenario {scenario.name} imagines it (--law dated asks for the enacted one)")
    for told in imagined(scenario):
        click.echo(f"  {told.en}")


def table(rows: list[dict[str, object]], view: str, laws: Sequence[str]) -> None:
    """Print what was found, a row a rule; then the rules that found nothing, that were skipped, that broke."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if len(laws) > 1:
        console.print(_table_of_laws(rows, laws))
        return
    numbers = ["happened", "visible", "both"] if view == "both" else [view]
    ran = [row for row in rows if row["outcome"] == "ran"]
    found = [row for row in ran if any(row[name] for name in numbers)]
    if found:
        console.print(_table_of_found(found, numbers))
    if quiet := [str(row["rule"]) for row in ran if row not in found]:
        console.print(f"\nran, found nothing: {' '.join(quiet)}")
    for outcome in ("skipped", "broken"):
        if some := [row for row in rows if row["outcome"] == outcome]:
            console.print(f"\n{outcome.upper()}")
            reasons: dict[str, list[str]] = {}
            for row in some:
                reasons.setdefault(str(row["reason"]), []).append(str(row["rule"]))
            for reason, ids in reasons.items():
                console.print(f"  {' '.join(ids)}: {reason}")


def _table_of_found(rows: list[dict[str, object]], numbers: Sequence[str]) -> Table:
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("rule", no_wrap=True)
    shown.add_column("breach", ratio=3)
    shown.add_column("article", ratio=2)
    shown.add_column("grade", no_wrap=True)
    for name in numbers:
        shown.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        said = str(row["title_en"]) + (" (voluntary)" if row["voluntary"] else "")
        said += " (imagined law)" if row["imagined"] else ""
        counts = [_count(row[name]) for name in numbers]
        shown.add_row(str(row["rule"]), said, str(row["article"]), str(row["grade"]), *counts)
    return shown


def _table_of_laws(rows: list[dict[str, object]], laws: Sequence[str]) -> Table:
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("rule", no_wrap=True)
    shown.add_column("breach", ratio=2)
    for name in laws:
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("why they differ", ratio=3)
    for row in rows:
        if any(row[name] for name in laws):
            counts = [_count(row[name]) for name in laws]
            shown.add_row(str(row["rule"]), str(row["title_en"]), *counts, str(row["why"]))
    return shown


def _count(number: object) -> str:
    return f"{number:,}" if isinstance(number, int) else "-"
