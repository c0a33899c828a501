"""`battrace stress`: the STRESS-DES sheet of a run, and the model page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from traceability.errors import StoreError


@click.command("stress")
@click.argument("run", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The sheet.  [default: RUN/stress.md]"
)
@click.option(
    "--model-page",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Fill the marked parts of this page from the code (and, with RUN, how long a run takes) instead.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the items of the sheet as JSON, and write nothing."
)
def command(run: Path | None, out: Path | None, page: Path | None, as_json: bool) -> None:
    """Write what STRESS-DES asks of the simulation RUN: purpose, logic, data, experiment, machine, what is left out.

    Example: battrace stress runs/baseline --out baseline-stress.md
    """
    if page is not None:
        if out is not None or as_json:
            raise click.UsageError("--model-page goes with neither --out nor --json")
        _fill(page, run)
        return
    if run is None:
        raise click.UsageError("which run? Give its folder, as in `battrace stress runs/baseline`")
    from sim.documentation.sheet import markdown, stress

    items = stress(run)
    if as_json:
        click.echo(json.dumps([item._asdict() for item in items], ensure_ascii=False, indent=2))
        return
    target = out or run / "stress.md"
    _write(target, markdown(run.resolve().name, items))
    click.echo(f"wrote {target}")


def _fill(page: Path, run: Path | None) -> None:
    from sim.documentation.page import filled

    try:
        text = page.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{page}: cannot be read: {error}") from None
    _write(page, filled(text, run))
    click.echo(f"filled {page}")


def _write(path: Path, text: str) -> None:
    from sim.record import replace_file

    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from None
