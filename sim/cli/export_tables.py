"""`battrace export csv` and `battrace export parquet`: a log as tables in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sim.cli.selection import selected, selecting


def _command(form: str, whole: str) -> click.Command:
    @click.command(form)
    @click.argument("log", metavar="RUN-OR-URL")
    @click.option(
        "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="The folder to make."
    )
    @selecting("both", "truth", "register")
    @click.option(
        "--with-vin", is_flag=True, help="Tell the VINs of vehicles, which are close to personal data."
    )
    @click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
    def command(log: str, out: Path, replication: int, with_vin: bool, as_json: bool, **part: Any) -> None:  # noqa: ANN401
        from sim.cli.export import Counter, open_log
        from traceability.exchange.tables import export

        with open_log(log, replication) as store:
            wanted = selected(store, **part)
            with Counter(f"writing {out.name}") as counter:
                done = export(store, out, wanted, form=form, with_vin=with_vin, progress=counter.reached)
        if as_json:
            told = {"folder": str(out), "rows": done.rows, "hidden_vins": done.hidden_vins}
            click.echo(json.dumps(told, ensure_ascii=False, indent=2))
            return
        for name, rows in done.rows.items():
            click.echo(f"{out / name}: {rows:,} rows")
        click.echo(f"{out / 'columns.csv'}: what each column says")
        if done.hidden_vins:
            click.echo(f"not in it: {done.hidden_vins:,} × VIN of a vehicle (--with-vin tells them)")

    command.help = f"""Write the log of a run folder or of a store URL as {whole}, words in place of numbers.

    Beside them lies columns.csv, the dictionary of their columns. See docs/formats/tables.md.

    Example: battrace export {form} runs/baseline --out tables/
    """
    return command


csv: click.Command = _command("csv", "CSV files that a spreadsheet opens")
parquet: click.Command = _command("parquet", "one typed Parquet file a table")
