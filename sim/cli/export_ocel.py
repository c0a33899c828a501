"""`battrace export ocel`: a log as one object-centric event log (OCEL 2.0)."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.selection import selected, selecting

if TYPE_CHECKING:
    from traceability.exchange.ocel import Exported


@click.command("ocel")
@click.argument("log", metavar="RUN-OR-URL")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The file to write: .json, .jsonocel, .sqlite, .xml or .xmlocel.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["json", "sqlite", "xml"]),
    help="Where the ending of the file does not say it.",
)
@selecting("register", "truth")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Look back from this day.  [default: the last]"
)
@click.option(
    "--text-values",
    is_flag=True,
    help="Numbers as text (JSON only): the one form that the published schema takes.",
)
@click.option("--with-vin", is_flag=True, help="Tell the VINs of vehicles, which are close to personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    log: str,
    out: Path,
    format_: str | None,
    replication: int,
    as_of: datetime | None,
    text_values: bool,
    with_vin: bool,
    as_json: bool,
    **part: Any,  # noqa: ANN401
) -> None:
    """Write the log of a run folder or of a store URL as OCEL 2.0: events, the objects that they touch, and relations.

    What the format cannot carry is said at the end, and in docs/formats/ocel.md.

    Example: battrace export ocel runs/baseline --sample 200 --out events.sqlite
    """  # fmt: skip
    from dataclasses import replace

    from sim.cli.export import Counter, open_log
    from traceability.events import day_number
    from traceability.exchange.ocel import export
    from traceability.exchange.ocel.exporting import format_of

    chosen = format_of(out, format_)
    if text_values and chosen != "json":
        raise click.BadParameter(
            f"{chosen} has types of its own; only JSON needs numbers as text", param_hint="--text-values"
        )
    with open_log(log, replication) as store:
        wanted = selected(store, **part)
        if as_of is not None:
            wanted = replace(wanted, as_of=day_number(as_of.date()))
        with Counter(f"writing {out.name}") as counter:
            done = export(
                store, out, wanted, format=chosen, with_vin=with_vin, text_only=text_values, progress=counter.reached
            )  # fmt: skip
    if as_json:
        told = {
            "file": str(out), "format": chosen, "events": done.events, "objects": done.objects,
            "event_object": done.event_object, "object_object": done.object_object, "records": done.records,
            "links": done.links, "balances": done.balances, "lost": done.lost,
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(out, done)


def _tell(out: Path, done: Exported) -> None:
    from traceability.exchange.ocel.exporting import ALWAYS_LOST

    click.echo(
        f"{out}: {done.events:,} events carry {done.records:,} records, {done.links:,} links and "
        f"{done.balances:,} balances"
    )
    click.echo(
        f"{done.objects:,} objects; {done.event_object:,} relations of events with objects, "
        f"{done.object_object:,} between objects"
    )
    for what, rows in done.lost.items():
        click.echo(f"note: {rows:,} × {what}")
    for what in ALWAYS_LOST:
        click.echo(f"never in it: {what}")
