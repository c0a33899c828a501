"""`battrace twins`: the packs that fare otherwise under another scenario, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sim.comparison.lives import Step
    from sim.comparison.twins import Change, Twins


@click.command("twins")
@click.argument(
    "runs", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False), metavar="RUN_A RUN_B"
)
@click.option("--changed", is_flag=True, help="List the packs whose fate differs, too.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Packs to list.")
@click.option(
    "--cause",
    type=click.Choice(["rule", "others", "crowding", "unknown"]),
    help="List only the packs that changed by this cause.",
)
@click.option(
    "--replication", type=click.IntRange(0), default=0, show_default=True, help="Whose luck, counted from 0."
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def command(
    runs: tuple[Path, ...], changed: bool, limit: int, cause: str | None, replication: int, as_json: bool
) -> None:
    """Say which packs fare otherwise in RUN_B than in RUN_A (or in the folder of a comparison), and why.

    Example: battrace twins runs/baseline-vs-no_swap_exemption --changed --limit 20
    """
    from sim.comparison.twins import runs_of, twins

    if len(runs) > 2:
        raise click.UsageError("name two run folders, or the one folder of a comparison")
    told = twins(*runs_of(runs), replication)
    picked = [change for change in told.changes if cause is None or change.why.cause.value == cause]
    listed = picked[:limit] if changed or cause else []
    if as_json:
        click.echo(json.dumps(_result(told, listed, replication), ensure_ascii=False, indent=2))
    else:
        _print(told, listed, len(picked), replication)


def _result(told: Twins, listed: list[Change], replication: int) -> dict[str, object]:
    return {
        "scenarios": list(told.names),
        "replication": replication,
        "scale": told.scale,
        "packs": told.packs,
        "changed": len(told.changes),
        "causes": {cause.value: n for cause, n in told.causes().items()},
        "fates": [
            {"before": a, "after": b, "packs": n, "mass_g_before": told.mass_g[a, b][0], "mass_g_after": told.mass_g[a, b][1]}
            for (a, b), n in told.counts.items()
        ],
        "packs_listed": [_plain(change) for change in listed],
    }  # fmt: skip


def _plain(change: Change) -> dict[str, object]:
    part, why = change.parting, change.why
    return {
        "birth": change.birth,
        "origin": change.origin.name.lower(),
        "code_before": change.codes[0],
        "code_after": change.codes[1],
        "before": change.before,
        "after": change.after,
        "mass_g": change.mass_g,
        "last_shared": _step(part.last) if part else None,
        "then_before": _step(part.before) if part else None,
        "then_after": _step(part.after) if part else None,
        "cause": why.cause.value,
        "why_en": why.says.en,
        "why_zh": why.says.zh,
        "draw": why.draw,
        "lawful_below_before": why.before,
        "lawful_below_after": why.after,
    }


def _step(step: Step | None) -> dict[str, object] | None:
    if step is None:
        return None
    return {
        "event": step.event.name,
        "day": _date(step.day),
        "actor": step.actor,
        "receiver": step.receiver,
        "carrier": step.carrier,
    }


def _date(day: int) -> str:
    from datetime import timedelta

    from traceability.events import EPOCH

    return (EPOCH + timedelta(days=day)).isoformat()


def _print(told: Twins, listed: list[Change], picked: int, replication: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.comparison.lives import FATES

    console = Console(highlight=False, width=max(60, min(100, Console().width)))
    a, b = told.names
    n = len(told.changes)
    console.print(
        f"{a} against {b}, replication {replication}: {n:,} of {told.packs:,} simulated packs fare otherwise "
        f"(1:{told.scale:,})"
    )
    if not n:
        console.print("no pack fares otherwise")
        return
    causes = ", ".join(
        f"{count:,} by {cause.value} ({100 * count / n:.1f} %)"
        for cause, count in told.causes().most_common()
    )
    console.print(f"why: {causes}\n")
    table = Table(title="fate, simulated packs", title_justify="left", box=None, pad_edge=False)
    for column in ("fate", "before", "after", "difference", "real packs"):
        table.add_column(column, justify="left" if column == "fate" else "right")
    for fate in FATES:
        before = sum(count for (x, _), count in told.counts.items() if x == fate)
        after = sum(count for (_, y), count in told.counts.items() if y == fate)
        if before or after:
            gap = after - before
            table.add_row(fate, f"{before:,}", f"{after:,}", f"{gap:+,}", f"{gap * told.scale:+,}")
    console.print(table)
    if listed:
        console.print()
        console.print(_listed(listed))
        if picked > len(listed):
            console.print(f"{picked - len(listed):,} more; --limit shows more of them")


def _listed(listed: list[Change]) -> object:
    from rich.table import Table

    from sim.comparison.births import born

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("pack", "fate", "first event where the lives part", "why"):
        table.add_column(column, overflow="fold")
    for change in listed:
        code = change.codes[0] or change.codes[1] or born(change.birth)
        fate = f"{change.before} → {change.after}"
        table.add_row(code, fate, _parting(change), _why(change))
    return table


def _parting(change: Change) -> str:
    part = change.parting
    if part is None:
        return "made in one run only"
    sides = [f"{s.event.name} {_date(s.day)}" if s else "nothing more" for s in (part.before, part.after)]
    return " | ".join(sides)


def _why(change: Change) -> str:
    why = change.why
    if why.draw is None:
        return f"{why.cause.value}: {why.says.en}"
    return f"{why.cause.value}: {why.says.en} (draw {why.draw:.3f}; lawful below {why.before:.3f} | {why.after:.3f})"
