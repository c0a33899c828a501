"""`battrace import epcis`: somebody else's events into a store of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from traceability.exchange.epcis import Imported

_SHOWN = 20


@click.command("epcis")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, help="The store to make: a directory, or a store URL.")
@click.option(
    "--quarantine",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events that were set aside, one JSON object a line, with their reasons.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what became of the document as JSON.")
def command(file: Path, out: str, quarantine: Path | None, as_json: bool) -> None:
    """Take an EPCIS 2.0 document into a new store, as a register that `battrace audit` can read.

    What can only be meant in one way is put right, and said; what the schema refuses even so is refused whole;
    what the log has no word for is set aside with its reason.

    Exits with 1 if events were set aside.

    Example: battrace import epcis events.jsonld --out imported/
    """
    from sim.cli.export import Counter
    from traceability.exchange.epcis import import_document

    with Counter(f"taking in {file.name}") as counter:
        report = import_document(file, out, quarantine=quarantine, progress=counter.reached)
    if as_json:
        click.echo(json.dumps(_plain(report), ensure_ascii=False, indent=2))
    else:
        _tell(report, out)
    if report.aside:
        raise click.exceptions.Exit(1)


def _plain(report: Imported) -> dict[str, object]:
    return {
        "events": report.events, "records": report.records, "units": report.units, "vehicles": report.vehicles,
        "actors": report.actors, "links": report.links, "balances": report.balances, "repairs": report.repairs,
        "notes": report.notes, "set_aside": report.aside,
        "first_set_aside": [{"event": n, "eventID": name, "reason": why} for n, name, why in report.reasons],
    }  # fmt: skip


def _tell(report: Imported, out: str) -> None:
    click.echo(
        f"{out}: {report.records:,} records of {report.events:,} events; {report.units:,} units, "
        f"{report.vehicles:,} vehicles, {report.actors:,} companies, {report.links:,} links, {report.balances:,} balances"
    )
    for title, counted in (("put right", report.repairs), ("note", report.notes)):
        for what, times in counted.items():
            click.echo(f"{title} ({times:,}×): {what}")
    for number, name, why in report.reasons[:_SHOWN]:
        click.echo(f"set aside: event {number:,} {name}: {why}")
    if report.aside > _SHOWN:
        click.echo(f"… {report.aside:,} were set aside in all; --quarantine FILE writes them")
