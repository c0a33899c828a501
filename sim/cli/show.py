"""`battrace show`: the life of one unit or vehicle."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from traceability.errors import UnknownName

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from traceability.compliance.rule import Rule
    from traceability.life import Life, LifeEvent, Party, Tie
    from traceability.store import Store

_TIES_SHOWN = 20
_HOW = {
    "parents": {"CONTAINS": "part of", "MADE_FROM": "went into"},
    "children": {"CONTAINS": "contains", "MADE_FROM": "made from"},
}
_NEVER_BROKEN = (
    "happened",
    "event",
    "reported",
    "no.",
    "from",
    "to",
    "rule",
    "day",
    "unit",
    "grade",
    "vehicle",
    "code",
)
_PIPED_WIDTH = 132
"""Columns of a page, where there is no terminal to say."""


@click.command("show")
@click.argument("run", metavar="RUN")
@click.argument("name", metavar="CODE-or-VIN")
@click.option(
    "--replication", type=click.IntRange(0, 9999), default=0, show_default=True, help="Whose log of RUN."
)
@click.option("--no-findings", is_flag=True, help="Do not ask the rules, which takes most of the time.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as one JSON object.")
def command(run: str, name: str, replication: int, no_findings: bool, as_json: bool) -> None:
    """Tell the life of one unit or vehicle.

    RUN is the folder of a run, or the URL of any store; CODE-or-VIN may also be `unit:123` or `vehicle:123`.
    Exit code: 0, or 2 where nothing has that name.

    Example: battrace show runs/baseline unit:17
    """
    from traceability.life import describe, find, read_life

    with open_log(run, replication) as store:
        life = read_life(store, find(store, name), rules=() if no_findings else _rules_of(run))
    if as_json:
        click.echo(json.dumps(describe(life), ensure_ascii=False, indent=2))
    else:
        _show(life, asked=not no_findings)


def _rules_of(run: str) -> tuple[Rule, ...]:
    """Return the rules of the law of the run's scenario; the enacted ones where *run* is no run folder."""
    from sim.amendments import rules_of
    from sim.record import scenario_with_law
    from traceability.compliance.rules import RULES

    scenario = scenario_with_law(run)
    return RULES if scenario is None else rules_of(scenario)


def open_log(run: str, replication: int) -> Store:
    """Return the log of one replication of the run folder *run*, or the store at that path or URL.

    Raises:
        UnknownName: the run has no such replication.
        StoreError: there is no store, or one that cannot be read.
    """
    from traceability.store import open_store

    logs = Path(run) / "log"
    if not logs.is_dir():
        if replication:
            raise UnknownName(
                "replication", str(replication), (), where=f"{run}, which is no run folder with a log/"
            )
        return open_store(run, incomplete_ok=True)
    wanted, there = f"r{replication:03d}", sorted(folder.name for folder in logs.iterdir() if folder.is_dir())
    if wanted not in there:
        raise UnknownName("replication", wanted, there, where=str(logs))
    return open_store(f"parquet:{logs / wanted}")


def _show(life: Life, *, asked: bool) -> None:
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(highlight=False, markup=False, emoji=False, width=None if known else _PIPED_WIDTH)
    console.print(_header(life))
    _print(console, f"events ({len(life.events)})", _events(life))
    _print(console, "holders", _holders(life))
    if life.stays:
        _print(console, "units in it" if life.subject.is_vehicle else "vehicles it was in", _stays(life))
    for title, ties in (("parents", life.parents), ("children", life.children)):
        if ties:
            _print(console, f"{title} ({len(ties)})", _ties(ties, _HOW[title]))
    if life.responsible is not None:
        answer = life.responsible
        why = f"{_who(answer.party)}\n{answer.reason}\n{answer.article}; text known to grade {answer.grade}"
        _print(console, "responsible for its recovery", why)
    if asked:
        _print(console, f"findings ({len(life.findings)})", _findings(life) if life.findings else "no breach")


def _print(console: Console, title: str, what: RenderableType) -> None:
    console.print(f"\n{title}", style="bold")
    console.print(what)


def _header(life: Life) -> RenderableType:
    from rich.panel import Panel

    from traceability.life import iso

    facts = [f"{life.level.name.lower()} {life.subject.number}"]
    if life.chemistry is not None:
        facts.append(life.chemistry.name)
    if life.energy_wh:
        facts.append(f"{life.energy_wh / 1000:,.1f} kWh")
    if life.mass_g is not None:
        facts.append(f"{life.mass_g / 1000:,.1f} kg")
    if life.purpose:
        facts.append(f"for {life.purpose.name.lower()}")
    made = f"made by {_who(life.maker)}" + (f" on {iso(life.made_day)}" if life.made_day is not None else "")
    state = life.state.name if life.state is not None else "cannot be replayed"
    held = life.holders[-1].holder if life.holders else None
    lines = [
        " · ".join(facts),
        made,
        f"on {iso(life.as_of)}: {state}" + (f", held by {_who(held)}" if held is not None else ""),
    ]
    if life.decoded is None and life.name is not None:
        lines.append(f"not to be decoded: {life.undecoded}")
    lines += [f"doubtful: {warning}" for warning in getattr(life.decoded, "warnings", ())]
    if life.subject.namesakes:
        kind = str(life.subject).split(":", maxsplit=1)[0]
        others = ", ".join(f"{kind}:{number}" for number in life.subject.namesakes)
        lines.append(f"the same code is borne by {others}")
    return Panel("\n".join(lines), title=life.name or f"{life.subject} (bears no code)", title_align="left")


def _events(life: Life) -> Table:
    from traceability.life import iso

    table = _table("happened", "event", "by", "to, of, in", "reported", "no.")
    for event in life.events:
        style = "" if event.record_day is not None else "dim"
        table.add_row(
            iso(event.day) if event.happened else "did not",
            event.event.name,
            _who(event.actor),
            _others(event, of_vehicle=life.subject.is_vehicle),
            _reported(event),
            str(event.event_id),
            style=style if event.happened else "red",
        )
    return table


def _others(event: LifeEvent, *, of_vehicle: bool) -> str:
    """Return who and what took part beside the one who did it, a line each."""
    lines = [_who(event.receiver)] if event.receiver is not None else []
    if event.carrier is not None:
        lines.append(f"carried by {_who(event.carrier)}")
    if of_vehicle:
        lines.append("without its battery" if event.unit is None else event.code or f"unit:{event.unit}")
    elif event.vehicle is not None:
        lines.append(event.vin or f"vehicle:{event.vehicle}")
    return "\n".join(lines)


def _reported(event: LifeEvent) -> str:
    from traceability.life import iso

    days = event.days_until_told
    lines = ["never" if event.record_day is None else f"{iso(event.record_day)} +{days} d"]
    if not event.happened:
        lines.append(f"as of {iso(event.day)}")
    if event.corrects is not None:
        lines.append(f"replaces {event.corrects}")
    if event.corrected_by is not None:
        lines.append(f"see {event.corrected_by}")
    return "\n".join(lines)


def _holders(life: Life) -> Table:
    from traceability.life import iso

    table = _table("from", "to", "holder", "since")
    for holding in life.holders:
        end = "" if holding.to_day is None else iso(holding.to_day)
        who = "nobody that the log names" if holding.holder is None else _who(holding.holder)
        table.add_row(iso(holding.from_day), end, who, holding.by.name)
    return table


def _stays(life: Life) -> Table:
    from traceability.life import iso

    of_vehicle = life.subject.is_vehicle
    table = _table("from", "to", "unit" if of_vehicle else "vehicle", "put in by", "taken out by")
    for stay in life.stays:
        other = (stay.code or f"unit:{stay.unit}") if of_vehicle else (stay.vin or f"vehicle:{stay.vehicle}")
        out = "" if stay.to_day is None else iso(stay.to_day)
        taken = "" if stay.taken_out_by is None else stay.taken_out_by.name
        table.add_row(iso(stay.from_day), out, other, stay.put_in_by.name, taken)
    return table


def _ties(ties: tuple[Tie, ...], words: dict[str, str]) -> Table:
    from traceability.life import iso

    table = _table("how", "level", "unit", "code", "from", "to", "reported")
    for tie in ties[:_TIES_SHOWN]:
        end = "" if tie.to_day is None else iso(tie.to_day)
        told = "never" if tie.record_day is None else iso(tie.record_day)
        how = words[tie.kind.name]
        table.add_row(how, tie.level.name, f"unit:{tie.unit}", tie.code or "", iso(tie.from_day), end, told)
    if len(ties) > _TIES_SHOWN:
        table.add_row("…", "", f"and {len(ties) - _TIES_SHOWN} more: --json", "", "", "", "")
    return table


def _findings(life: Life) -> Table:
    from traceability.life import iso

    table = _table("day", "rule", "breach", "measured", "limit", "article", "grade", "happened", "visible")
    words = {True: "yes", False: "no", None: "not asked"}
    for breach in life.findings:
        table.add_row(
            "" if breach.day is None else iso(breach.day),
            breach.rule,
            breach.title_en,
            "" if breach.measured is None else str(breach.measured),
            breach.limit or "",
            breach.article,
            breach.grade,
            words[breach.happened],
            words[breach.visible],
        )
    return table


def _who(party: Party) -> str:
    return party.name if party.role is None else f"{party.name} ({party.role.name})"


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name in _NEVER_BROKEN)
    return table
