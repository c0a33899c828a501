"""`battrace export epcis`: a log as one EPCIS 2.0 document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from traceability.exchange.epcis import Exported
    from traceability.exchange.reading import Selection
    from traceability.store import Store

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("epcis")
@click.argument("log", metavar="RUN-OR-URL")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@click.option(
    "--unit",
    "units",
    multiple=True,
    help="Only this unit and its parts and products (code or unit:N); may be repeated.",
)
@click.option(
    "--sample",
    type=click.IntRange(1),
    help="Only so many packs, spread evenly, with their parts and products.",
)
@click.option("--from", "first", type=_DAY, help="Only what happened on this day or later.")
@click.option("--until", type=_DAY, help="Only what happened on this day or earlier.")
@click.option(
    "--view",
    type=click.Choice(["truth", "register"]),
    default="register",
    show_default=True,
    help="What happened, or what the platform was told.",
)
@click.option(
    "--replication", type=click.IntRange(0), default=0, show_default=True, help="Which log of a run."
)
@click.option(
    "--base",
    help="Address under which units, companies and places are named.  [default: https://id.battrace.example]",
)
@click.option("--with-vin", is_flag=True, help="Tell the VINs of vehicles, which are close to personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    log: str,
    out: Path,
    units: tuple[str, ...],
    sample: int | None,
    first: datetime | None,
    until: datetime | None,
    view: str,
    replication: int,
    base: str | None,
    with_vin: bool,
    as_json: bool,
) -> None:
    """Write the log of a run folder or of a store URL as an EPCIS 2.0 document (JSON-LD).

    What the format cannot carry is said at the end, and in docs/formats/epcis.md.

    Example: battrace export epcis runs/baseline --sample 200 --out events.jsonld
    """  # fmt: skip
    from sim.cli.export import Counter, open_log
    from traceability.exchange.epcis import export
    from traceability.exchange.identifiers import BASE

    with open_log(log, replication) as store:
        wanted = _selection(store, units, sample, first, until, view)
        with Counter(f"writing {out.name}") as counter:
            done = export(
                store,
                out,
                wanted,
                base=BASE if base is None else base,
                with_vin=with_vin,
                progress=counter.reached,
            )
    if as_json:
        told = {
            "file": str(out), "events": done.events, "records": done.records, "links": done.links,
            "balances": done.balances, "lost": done.lost,
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(out, done)


def _selection(
    store: Store,
    units: Sequence[str],
    sample: int | None,
    first: datetime | None,
    until: datetime | None,
    view: str,
) -> Selection:
    from traceability.events import day_number
    from traceability.exchange import reading
    from traceability.life import find

    chosen = None
    if units or sample:
        chosen = set() if sample is None else set(reading.sample(store, sample))
        for text in units:
            subject = find(store, text)
            if subject.is_vehicle:
                raise click.BadParameter(f"{text} is a vehicle; give the code of a unit", param_hint="--unit")
            chosen.add(subject.number)
    return reading.Selection(
        view=view,
        first=None if first is None else day_number(first.date()),
        until=None if until is None else day_number(until.date()),
        units=None if chosen is None else reading.kin(store, chosen),
    )


def _tell(out: Path, done: Exported) -> None:
    from traceability.exchange.epcis.exporting import ALWAYS_LOST

    click.echo(
        f"{out}: {done.events:,} events carry {done.records:,} records, {done.links:,} links and "
        f"{done.balances:,} balances"
    )
    for what, rows in done.lost.items():
        click.echo(f"not in it: {rows:,} × {what}")
    for what in ALWAYS_LOST:
        click.echo(f"never in it: {what}")
