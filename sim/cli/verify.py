"""`battrace verify`: hold the folder of a run, a comparison or a sweep against its record, offline."""

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

    RUN is the folder of a run, of a comparison (whose runs are checked too) or of a sweep.

    Exits with 1 and names what was changed.

    Example: battrace verify runs/baseline
    """
    mark, changed = _verdict(run)
    if as_json:
        click.echo(json.dumps({"run": str(run), "fingerprint": mark, "changed": changed}, indent=2))
    else:
        for problem in changed:
            click.echo(f"changed: {problem}")
        if not changed:
            click.echo(f"ok: fingerprint {mark}")
    if changed:
        sys.exit(1)


def _verdict(folder: Path) -> tuple[str, list[str]]:
    if (folder / "comparison.toml").exists():
        from sim.comparison.verifying import verify
    elif (folder / "sweep.toml").exists():
        from sim.sweep.study import verify
    else:
        from sim.study import verify
    return verify(folder)
