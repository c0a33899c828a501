"""`battrace audit`: run the compliance rules over the log of a run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from traceability.compliance.audit import Audit, Scorecard


@click.command("audit")
@click.argument("run", metavar="RUN-OR-URL")
@click.option(
    "--replication", type=click.IntRange(0), default=0, show_default=True, help="Which log of a run."
)
@click.option(
    "--view",
    type=click.Choice(["both", "truth", "register"]),
    default="both",
    show_default=True,
    help="What happened, what the platform knows, or one beside the other.",
)
@click.option(
    "--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="As known on this day.  [default: last day]"
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the findings as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def command(run: str, replication: int, view: str, as_of: object, out: Path | None, as_json: bool) -> None:
    """Run every rule over a run folder (or a store URL: parquet:, sqlite:///, postgresql+psycopg://).

    Exits with 1 if there are findings, with 3 if a rule is broken.

    Example: battrace audit runs/baseline --view register --out findings.csv
    """
    from datetime import datetime

    from traceability.compliance import audit, happened_and_visible, view_of, write_findings
    from traceability.errors import StoreError, TraceabilityError
    from traceability.events import day_number
    from traceability.store import open_store

    with open_store(_url(run, replication), incomplete_ok=True) as store:
        meta = store.meta()
        if isinstance(as_of, datetime):
            day = day_number(as_of.date())
        elif "last_day" in meta:
            day = int(meta["last_day"])
        else:
            raise TraceabilityError(f"{run}: the log does not say when it ends; give --as-of YYYY-MM-DD")
        if view != "register" and meta.get("truth") != "yes":
            raise StoreError(
                f"{run}: this log says what was reported, not what happened; use --view register"
            )
        if view == "both":
            card = happened_and_visible(store, day)
            results, findings = [card.truth, card.register], card.findings
            rows = _both(card)
        else:
            one = audit(store, view_of(view, day))
            results, findings = [one], one.findings
            rows = _single(one, view)
        if out is not None:
            write_findings(out, store, findings)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        _table(rows, view)
        listed = Path(run) / "findings.csv"
        if out is not None:
            click.echo(f"{len(findings):,} findings written to {out}")
        elif listed.exists():
            click.echo(
                f"{len(findings):,} findings; {listed} lists those of all replications, --out FILE writes these"
            )
    if any(result.broken for result in results):
        sys.exit(3)
    if len(findings):
        sys.exit(1)


def _url(run: str, replication: int) -> str:
    from sim import record, study

    folder = Path(run)
    if ":" in run and not folder.exists():
        return run
    if (folder / record.RECORD).exists() or not (folder / "store.json").exists():
        record.complete_run(folder)
        study.require_replication(folder, replication)
        return study.log_url(folder, replication)
    return f"parquet:{folder}"


def _both(card: Scorecard) -> list[dict[str, object]]:
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


def _single(result: Audit, view: str) -> list[dict[str, object]]:
    return [
        {**_words(o.rule), "outcome": o.fate.value, "reason": o.reason, view: o.findings}
        for o in result.outcomes
    ]


def _words(rule: object) -> dict[str, object]:
    from traceability.compliance.rule import Rule

    assert isinstance(rule, Rule)
    limit = rule.limits[-1]
    return {
        "rule": rule.id,
        "title_en": rule.title_en,
        "title_zh": rule.title_zh,
        "article": str(limit.article),
        "grade": limit.grade.value,
        "voluntary": rule.voluntary,
    }


def _table(rows: list[dict[str, object]], view: str) -> None:
    from rich.console import Console
    from rich.table import Table

    numbers = ["happened", "visible", "both"] if view == "both" else [view]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    table.add_column("breach", ratio=3)
    table.add_column("article", ratio=2)
    table.add_column("grade", no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        said = str(row["title_en"]) + (" (voluntary)" if row["voluntary"] else "")
        if row["outcome"] != "ran":
            said += f" - {str(row['outcome']).upper()}: {row['reason']}"
        counts = [f"{row[name]:,}" for name in numbers]
        table.add_row(str(row["rule"]), said, str(row["article"]), str(row["grade"]), *counts)
    Console(highlight=False).print(table)
