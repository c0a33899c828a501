"""`battrace verify`: hold the folder of a run, a comparison or a sweep against its record, offline."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click

from sim.cli.counted import runs


@click.command("verify")
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--repeat", is_flag=True, help="Run the scenario of the record again, and compare what comes out."
)
@click.option("--workers", type=click.IntRange(1, 256), help="With --repeat: processes.  [default: cores]")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def command(run: Path, repeat: bool, workers: int | None, as_json: bool) -> None:
    """Check every file of RUN against the hashes in its record, and the record against its fingerprint.

    RUN is the folder of a run, of a comparison (whose runs are checked too) or of a sweep.

    Exits with 1 and names what was changed, or what came out otherwise.

    Example: battrace verify runs/baseline
    """
    mark, changed = _verdict(run)
    if repeat:
        changed += _repeated(run, workers)
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
        from sim.verifying import verify
    return verify(folder)


def _repeated(folder: Path, workers: int | None) -> list[str]:
    from sim import record
    from sim.verifying import repeat

    if not (folder / record.RECORD).exists():
        raise click.UsageError(f"--repeat takes the folder of one run; {folder} is of another kind")
    with runs("replications") as tell:
        return repeat(
            folder,
            workers=workers or os.cpu_count() or 1,
            progress=lambda shares: tell(sum(share == 1.0 for share in shares), len(shares)),
        )
