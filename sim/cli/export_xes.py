"""`battrace export xes`: a log flattened to one trace a pack or a vehicle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sim.cli.selection import selected, selecting


@click.command("xes")
@click.argument("log", metavar="RUN-OR-URL")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write: .xes, or .xes.gz to pack it.",
)
@click.option(
    "--case",
    type=click.Choice(["pack", "vehicle"]),
    default="pack",
    show_default=True,
    help="What a trace is the life of.",
)
@selecting("register", "truth")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    log: str,
    out: Path,
    case: str,
    replication: int,
    as_json: bool,
    **part: Any,  # noqa: ANN401
) -> None:
    """Write the log of a run folder or of a store URL as XES (IEEE 1849), flattened on the pack or the vehicle.

    What flattening loses is said at the end, and in docs/formats/xes.md; `battrace export ocel` loses less.

    Example: battrace export xes runs/baseline --out events.xes.gz
    """  # fmt: skip
    from sim.cli.export import Counter, open_log
    from traceability.exchange.xes import export

    with open_log(log, replication) as store:
        wanted = selected(store, **part)
        with Counter(f"writing {out.name}") as counter:
            done = export(store, out, wanted, case=case, progress=counter.reached)
    if as_json:
        told = {"file": str(out), "traces": done.traces, "events": done.events, "lost": done.lost}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(f"{out}: {done.events:,} events in {done.traces:,} traces, one a {case}")
    for what, rows in done.lost.items():
        click.echo(f"lost by flattening: {rows:,} × {what}")
    click.echo("never in it: units other than packs, certificates, permits, and states through time")
