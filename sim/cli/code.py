"""`battrace code`: take battery codes and VINs apart."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from traceability.errors import CodeError

if TYPE_CHECKING:
    from rich.table import Table

    from traceability.codes import BatteryCode
    from traceability.vin import Vin


@click.command("code")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, one object per code.")
@click.pass_context
def command(context: click.Context, codes: tuple[str, ...], as_json: bool) -> None:
    """Take apart battery CODEs of GB/T 34014-2017 and vehicle identification numbers (17 characters).

    `-` stands for the lines of standard input, which are read too where no CODE is given.
    Exit code: 0 if all are right, 2 if one is wrong.

    Example: battrace code ZZ9PB1AA0B1234G410000042
    """
    if not codes and sys.stdin.isatty():
        raise click.UsageError("no code given; battrace code CODE..., or one a line on standard input")
    texts = [text for given in codes or ("-",) for text in (_lines() if given == "-" else [given])]
    read = [(text, _read(text)) for text in texts]
    if as_json:
        click.echo(
            json.dumps([_described(text, parts) for text, parts in read], ensure_ascii=False, indent=2)
        )
    else:
        _show(read)
    context.exit(2 if any(isinstance(parts, CodeError) for _, parts in read) else 0)


def _lines() -> list[str]:
    text = sys.stdin.buffer.read().decode("utf-8-sig", errors="replace")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read(text: str) -> BatteryCode | Vin | CodeError:
    from traceability import codes, vin
    from traceability.lettering import tidied

    # what is nearer to 17 characters than to 19 was meant for a VIN
    try:
        if len(tidied(text)) <= vin.LENGTH:
            return vin.parse(text)
        return codes.parse(text)
    except CodeError as error:
        return error


def _described(text: str, parts: BatteryCode | Vin | CodeError) -> dict[str, object]:
    from dataclasses import asdict

    from traceability.codes import BatteryCode, describe

    if isinstance(parts, CodeError):
        return {"text": text, "kind": None, "error": str(parts)}
    if isinstance(parts, BatteryCode):
        return {"text": text, "kind": "battery", **describe(parts)}
    return {"kind": "vehicle", **asdict(parts)}


def _show(read: list[tuple[str, BatteryCode | Vin | CodeError]]) -> None:
    from rich.console import Console

    from traceability.codes import BatteryCode

    console = Console(highlight=False, markup=False, emoji=False)
    for _, parts in read:
        if isinstance(parts, CodeError):
            click.echo(f"battrace: {parts}", err=True)
        elif isinstance(parts, BatteryCode):
            console.print(_battery_table(parts))
            for warning in parts.warnings:
                console.print(f"  doubtful: {warning}", style="yellow")
        else:
            console.print(_vehicle_table(parts))


def _battery_table(code: BatteryCode) -> Table:
    from traceability.codes import FIELDS, Form

    means = {
        "level": code.level.name.lower(),
        "battery type": code.chemistry.name,
        "day": f"made on {code.made_on}",
        "serial": f"{code.serial:,} of that day",
        "reuse mark": "reused",
    }
    reused = "new product" if code.form is Form.NEW else "reused product"
    widths = [(field.name, field.width) for field in FIELDS[code.form]]
    return _table(code.text, f"{reused}, {len(code.text)} characters", widths, means)


def _vehicle_table(parts: Vin) -> Table:
    from traceability.vin import FIELDS

    means = {
        "WMI": "who made it",
        "check digit": "fits",
        "model year": f"{parts.model_year} (or 30 years before or after)",
    }
    return _table(parts.text, "vehicle", [(field.name, field.width) for field in FIELDS], means)


def _table(text: str, kind: str, widths: list[tuple[str, int]], means: dict[str, str]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=f"{text}  {kind}", title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for name in ("position", "part", "printed", "means"):
        table.add_column(name, no_wrap=name != "means")
    start = 0
    for name, width in widths:
        place = f"{start + 1}" if width == 1 else f"{start + 1}-{start + width}"
        table.add_row(place, name, text[start : start + width], means.get(name, ""))
        start += width
    return table
