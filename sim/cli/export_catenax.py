"""`battrace export catenax`: what a log says, as aspects of Catena-X."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sim.cli.selection import selected, selecting


@click.command("catenax")
@click.argument("log", metavar="RUN-OR-URL", required=False)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="The folder to make.")
@selecting("register", "truth")
@click.option("--aspect", "aspects", multiple=True, help="Only this aspect; may be repeated.")
@click.option(
    "--declare",
    type=click.Path(path_type=Path, dir_okay=False),
    help="TOML file with what recycling batches need and no log holds.",
)
@click.option("--declare-template", is_flag=True, help="Print such a file to begin with, and end.")
@click.option("--with-vin", is_flag=True, help="Certificates bear the VIN, which is close to personal data.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    log: str | None,
    out: Path | None,
    replication: int,
    aspects: tuple[str, ...],
    declare: Path | None,
    declare_template: bool,
    with_vin: bool,
    as_json: bool,
    **part: Any,  # noqa: ANN401
) -> None:
    """Write the aspects that a log can fill whole, one file of JSON lines each.

    They are traction-battery-code, end-of-life, recycling-batch and decommissioning-certificate. What cannot be
    told honestly is left out, counted and shown. See docs/formats/catenax.md.

    Example: battrace export catenax runs/baseline --sample 200 --out aspects/
    """
    from sim.cli.export import Counter, open_log
    from traceability.exchange.catenax import ASPECTS, Declared, export
    from traceability.exchange.catenax.declared import TEMPLATE

    if declare_template:
        click.echo(TEMPLATE, nl=False)
        return
    if log is None or out is None:
        raise click.UsageError("give the log to export, and with --out the folder to make")
    declared = None if declare is None else Declared.read(declare)
    with open_log(log, replication) as store:
        wanted = selected(store, **part)
        with Counter(f"writing {out.name}") as counter:
            done = export(
                store, out, wanted, aspects=aspects or tuple(ASPECTS), declared=declared, with_vin=with_vin,
                progress=counter.reached,
            )  # fmt: skip
    if as_json:
        told = {"folder": str(out), "documents": done.documents, "left_out": done.left_out}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    from traceability.exchange.catenax.exporting import NO_PASSPORT

    for name, count in done.documents.items():
        click.echo(f"{out / name}.jsonl: {count:,} documents")
        for why, times in done.left_out[name].most_common():
            click.echo(f"  not in it: {times:,} × {why}")
    click.echo(f"never in it: {NO_PASSPORT}")
