"""`battrace sensitivity`: which assumed figures move the headline measures most."""

from __future__ import annotations

import json
import os
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.counted import runs

if TYPE_CHECKING:
    from sim.sensitivity import Effect, Sensitivity


_LATEST = date(2030, 12, 31)
"""Where a table ends unless it is told otherwise: the year that the summary of a run speaks of."""


@click.command("sensitivity")
@click.argument("scenario", default="baseline", metavar="[SCENARIO.toml]")
@click.option(
    "--scale",
    type=click.IntRange(1, 1_000_000),
    default=5000,
    show_default=True,
    help="Real vehicles that one simulated vehicle stands for.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day of the horizon, the last of a quarter.  [default: the scenario's, 2030-12-31 at most]",
)
@click.option("--replications", type=click.IntRange(1, 1000), help="How often to repeat with other luck.")
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="By how much a figure is moved, down and up.  [default: 0.2]",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the table.  [default: runs/NAME-sensitivity]",
)
@click.option("--resume", is_flag=True, help="Finish a table that was stopped.")
@click.option("--top", type=click.IntRange(1), default=15, show_default=True, help="Rows to print.")
@click.option("--json", "as_json", is_flag=True, help="Print the ranking as JSON.")
def command(
    scenario: str,
    scale: int,
    until: object,
    replications: int | None,
    share: float | None,
    workers: int | None,
    out: Path | None,
    resume: bool,
    top: int,
    as_json: bool,
) -> None:
    """Move each assumed figure of SCENARIO down and up, one at a time with the same luck, and rank what that does.

    Example: battrace sensitivity baseline --scale 2000 --out runs/what-matters
    """
    from sim.scenario import load
    from sim.sensitivity import SHARE, run_sensitivity

    chosen = load(scenario, scale=scale, replications=replications)
    last = until.date() if isinstance(until, datetime) else min(chosen.last, _LATEST)
    if last >= chosen.first or until is not None:
        # `load` refuses what cannot be with one message
        chosen = load(scenario, scale=scale, replications=replications, until=last)
    folder = out or Path("runs") / f"{chosen.name}-sensitivity"
    with runs("twins") as tell:
        table = run_sensitivity(
            chosen,
            folder,
            share=SHARE if share is None else share,
            workers=workers or os.cpu_count() or 1,
            resume=resume,
            progress=tell,
        )
    if as_json:
        click.echo(json.dumps(_result(table, folder), ensure_ascii=False, indent=2))
    else:
        _print(table, folder, top)


def _result(table: Sensitivity, folder: Path) -> dict[str, object]:
    from sim.sensitivity import TABLE

    return {
        "scenario": table.name,
        "scale": table.scale,
        "years": list(table.years),
        "share": table.share,
        "made_from": table.made_from,
        "ranked": [e._asdict() | {"relative": e.relative} for e in table.ranked()],
        "chance": table.chance(),
        "idle": table.idle(),
        "left_out": {e.parameter: e.why for e in table.left_out()},
        "table": str(folder / TABLE),
    }


def _print(table: Sensitivity, folder: Path, top: int) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.sensitivity import HEADLINES, TABLE

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 100
    ranked = table.ranked()
    words = {h.id: h.en for h in HEADLINES}
    first, last = table.years
    shown = Table(
        title=f"largest effects, mean of {first}-{last}, figures moved by {table.share:.0%}",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    for column in ("figure", "moved to", "measure"):
        shown.add_column(column, overflow="fold")
    for column in ("effect", "95 % interval"):
        shown.add_column(column, justify="right", no_wrap=True)
    for e in ranked[:top]:
        shown.add_row(e.parameter, _brief(e.to), words[e.measure], *_told(e))
    console.print(shown)
    console.print(
        f"{len(ranked)} figures move a headline measure; the table says by how much: {folder / TABLE}"
    )
    for names, said in (
        (table.chance(), "change something, but not more than chance may"),
        (table.idle(), "change none of these measures (the audit was not run)"),
    ):
        if names:
            console.print(f"{len(names)} {said}: {', '.join(names)}")
    if out := table.left_out():
        console.print(f"{len(out)} not moved: " + ", ".join(f"{e.parameter} ({e.why})" for e in out))


def _told(e: Effect) -> tuple[str, str]:
    if not e.base or e.replications < 2:
        return f"{e.relative:+.1%}", "one run: none"
    return f"{e.relative:+.1%}", f"{e.low / e.base:+.1%} to {e.high / e.base:+.1%}"


def _brief(value: str) -> str:
    """Return a figure that changes on stated days by its last value.

    >>> _brief("0.15; 0.1 from 2024-11-01")
    '… 0.1'
    """
    before, several, last = value.rpartition("; ")
    return f"… {last.partition(' from ')[0]}" if several and before else value
