"""`battrace export epcis`: a log as one EPCIS 2.0 document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.selection import selected, selecting

if TYPE_CHECKING:
    from traceability.exchange.epcis import Exported


@click.command("epcis")
@click.argument("log", metavar="RUN-OR-URL")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write."
)
@selecting("register", "truth")
@click.option(
    "--base",
    help="Address under which units, companies and places are named.  [default: https://id.battrace.example]",
)
@click.option("--with-vin", is_flag=True, help="Tell the VINs of vehicles, which are close to personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    log: str,
    out: Path,
    replication: int,
    base: str | None,
    with_vin: bool,
    as_json: bool,
    **part: Any,  # noqa: ANN401
) -> None:
    """Write the log of a run folder or of a store URL as an EPCIS 2.0 document (JSON-LD).

    What the format cannot carry is said at the end, and in docs/formats/epcis.md.

    Example: battrace export epcis runs/baseline --sample 200 --out events.jsonld
    """  # fmt: skip
    from sim.cli.export import Counter, open_log
    from traceability.exchange.epcis import export
    from traceability.exchange.identifiers import BASE

    with open_log(log, replication) as store:
        wanted = selected(store, **part)
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
