"""`battrace import epcis` and `battrace import ocel`: somebody else's events into a store of one's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from traceability.exchange.epcis import Imported

Command = TypeVar("Command", bound=Callable[..., Any])

_SHOWN = 20


def _taking(command: Command) -> Command:
    """Give a command what it takes in, where to, and how it tells."""
    for give in (
        click.option("--json", "as_json", is_flag=True, help="Print what became of the file as JSON."),
        click.option(
            "--quarantine",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write the events that were set aside, one JSON object a line, with their reasons.",
        ),
        click.option("--out", required=True, help="The store to make: a directory, or a store URL."),
        click.argument("file", type=click.Path(path_type=Path, dir_okay=False)),
    ):
        command = give(command)
    return command


@click.command("epcis")
@_taking
def epcis(file: Path, out: str, quarantine: Path | None, as_json: bool) -> None:
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
    _report(report, out, as_json)


@click.command("ocel")
@_taking
def ocel(file: Path, out: str, quarantine: Path | None, as_json: bool) -> None:
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
    _report(report, out, as_json)


def _report(report: Imported, out: str, as_json: bool) -> None:
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
        "first_set_aside": [{"event": n, "id": name, "reason": why} for n, name, why in report.reasons],
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
