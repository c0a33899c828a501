"""`battrace import ocel`: an object-centric event log into a store of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from traceability.exchange.ocel import Imported

_SHOWN = 20


@click.command("ocel")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--out", required=True, help="The store to make: a directory, or a store URL.")
@click.option(
    "--quarantine",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events that were set aside, one JSON object a line, with their reasons.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what became of the file as JSON.")
def command(file: Path, out: str, quarantine: Path | None, as_json: bool) -> None:
    """Take an object-centric event log (OCEL 2.0: JSON, XML or SQLite) into a new store, as a register.

    A file that is not laid out as the format has it is refused whole; an event for which the log has no word is set
    aside with its reason.

    Exits with 1 if events were set aside.

    Example: battrace import ocel events.sqlite --out imported/
    """
    from sim.cli.export import Counter
    from traceability.exchange.ocel import import_log

    with Counter(f"taking in {file.name}") as counter:
        report = import_log(file, out, quarantine=quarantine, progress=counter.reached)
    if as_json:
        click.echo(json.dumps(_plain(report), ensure_ascii=False, indent=2))
    else:
        _tell(report, out)
    if report.aside:
        raise click.exceptions.Exit(1)


def _plain(report: Imported) -> dict[str, object]:
    return {
        "events": report.events, "records": report.records, "units": report.units, "vehicles": report.vehicles,
        "actors": report.actors, "links": report.links, "balances": report.balances, "notes": report.notes,
        "set_aside": report.aside,
        "first_set_aside": [{"event": n, "id": name, "reason": why} for n, name, why in report.reasons],
    }  # fmt: skip


def _tell(report: Imported, out: str) -> None:
    click.echo(
        f"{out}: {report.records:,} records of {report.events:,} events; {report.units:,} units, "
        f"{report.vehicles:,} vehicles, {report.actors:,} companies, {report.links:,} links, {report.balances:,} balances"
    )
    for what, times in report.notes.items():
        click.echo(f"note ({times:,}×): {what}")
    for number, name, why in report.reasons[:_SHOWN]:
        click.echo(f"set aside: event {number:,} {name}: {why}")
    if report.aside > _SHOWN:
        click.echo(f"… {report.aside:,} were set aside in all; --quarantine FILE writes them")
