"""`battrace lifecycle`: what can follow what, as a table or a picture."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from traceability.errors import StoreError, UnknownName
from traceability.vocabulary import Level

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from traceability.lifecycle_picture import Table


@click.command("lifecycle")
@click.option("--level", metavar="LEVEL", help="pack, module, cell, product, lot or vehicle.  [default: all]")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON, one object per transition.")
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write a picture to this file.")
def command(level: str | None, as_json: bool, svg: Path | None) -> None:
    """Print what can follow what: in which state an event can happen, and the state after it.

    What is not in the table is refused by the registry.

    Example: battrace lifecycle --level pack --svg pack.svg
    """
    chosen = list(Level) if level is None else [_level(level)]
    if svg is not None:
        from traceability.lifecycle_picture import picture

        _write(svg, picture(chosen))
        click.echo(f"wrote {svg}", err=as_json)
    if as_json:
        click.echo(json.dumps(_rows(chosen), indent=2))
    elif svg is None:
        _show(chosen)


def _level(name: str) -> Level:
    known = {level.name.lower(): level for level in Level}
    if name.lower() not in known:
        raise UnknownName("level", name.lower(), known)
    return known[name.lower()]


def _write(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _rows(levels: list[Level]) -> list[dict[str, object]]:
    from traceability.lifecycle import TERMINAL, TRANSITIONS

    return [
        {
            "level": level.name,
            "state": before.name,
            "event": event.name,
            "after": after.name,
            "terminal": after in TERMINAL,
        }
        for level in levels
        for (before, event), after in sorted(TRANSITIONS[level].items())
    ]


def _show(levels: list[Level]) -> None:
    from rich.console import Console

    from traceability.lifecycle_picture import tables

    console = Console(highlight=False, markup=False, emoji=False)
    for of, table in tables():
        if not set(of).isdisjoint(levels):
            console.print("\n" + ", ".join(level.name.lower() for level in of), style="bold")
            console.print(_table(table))


def _table(table: Table) -> RichTable:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable

    from traceability.lifecycle import TERMINAL
    from traceability.vocabulary import State

    shown = RichTable("state", "event", "state after", box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for state in sorted({before for before, _ in table}):
        into: dict[State, list[str]] = {}
        for (before, event), after in sorted(table.items()):
            if before == state:
                into.setdefault(after, []).append(event.name)
        for n, (after, names) in enumerate(into.items()):
            end = " (the end)" if after in TERMINAL else ""
            stays = "as before" if after == state else f"{after.name}{end}"
            shown.add_row(state.name if n == 0 else "", ", ".join(names), stays)
        shown.add_section()
    return shown
