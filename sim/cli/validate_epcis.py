"""`battrace validate-epcis`: does an EPCIS 2.0 document pass the schema, formats and all?"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command("validate-epcis")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(file: Path, as_json: bool) -> None:
    """Check an EPCIS 2.0 JSON document against the schema of the standard, its formats included.

    Exits with 1 if the schema refuses the document, and says where and why.

    Example: battrace validate-epcis events.jsonld
    """
    from sim.cli.export import Counter
    from traceability.exchange.epcis import check_file

    with Counter(f"checking {file.name}") as counter:
        verdict = check_file(file, counter.reached)
    if as_json:
        told = {
            "valid": verdict.valid,
            "events": verdict.events,
            "faults": verdict.count,
            "first": [fault._asdict() for fault in verdict.faults],
            "warnings": verdict.warnings,
        }
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        for fault in verdict.faults:
            where = "" if fault.event is None else f"event {fault.event:,}, "
            click.echo(f"{where}{fault.pointer or 'the document'}: {fault.reason}")
        if verdict.count > len(verdict.faults):
            click.echo(f"… and {verdict.count - len(verdict.faults):,} more")
        for reason, times in verdict.warnings.items():
            click.echo(f"warning ({times:,}×): {reason}")
        said = "valid" if verdict.valid else f"NOT valid: {verdict.count:,} faults"
        click.echo(f"{file}: {said}; {verdict.events:,} events")
    if not verdict.valid:
        sys.exit(1)
