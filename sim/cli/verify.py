"""`battrace verify`: hold a run folder against its record, offline."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command("verify")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(run: Path, as_json: bool) -> None:
    """Check every file of RUN against the hashes in its record, and the record against its fingerprint.

    Exits with 1 and names what was changed.

    Example: battrace verify runs/baseline
    """
    from sim.study import verify

    mark, changed = verify(run)
    if as_json:
        click.echo(json.dumps({"run": str(run), "fingerprint": mark, "changed": changed}, indent=2))
    else:
        for problem in changed:
            click.echo(f"changed: {problem}")
        if not changed:
            click.echo(f"ok: fingerprint {mark}")
    if changed:
        sys.exit(1)
