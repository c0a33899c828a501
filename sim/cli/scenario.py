"""`battrace scenario`: begin, check, show and list scenario files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from sim.levers import Change, Figure
    from sim.scenario import Scenario

_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")

_MOST = 12
"""Differences that `check` shows; `show --diff` shows all."""

_SOURCE_WIDTH = 90
_ABSENT = "none"
_WIDTH = 100


@click.group("scenario")
def command() -> None:
    """Begin, check, show and list scenario files.

    Example: battrace scenario new scrapping --from baseline
    """


@command.command("new")
@click.argument("name", metavar="NAME")
@click.option("--from", "base", default="baseline", show_default=True, help="Scenario that it extends.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The file.  [default: NAME.toml]"
)
@click.option("--all", "every", is_flag=True, help="Show every figure, instead of a few typical levers.")
@_as_json
def new(name: str, base: str, out: Path | None, every: bool, as_json: bool) -> None:
    """Write a scenario file that changes nothing yet, and says in comments what may be changed.

    Example: battrace scenario new scrapping --from baseline --out scrapping.toml
    """
    from sim.cli.scenario_begin import begin

    path = out or Path(f"{name}.toml")
    shown = begin(name, base, path, every=every)
    if as_json:
        _json({"file": str(path), "extends": base, "levers": shown})
    else:
        click.echo(f"{path}: extends {base}, {shown} levers in comments")
        click.echo(f"edit it, then: battrace scenario check {path}")


@command.command("check")
@click.argument("names", nargs=-1, required=True, metavar="FILE...")
@_as_json
def check(names: tuple[str, ...], as_json: bool) -> None:
    """Say what is wrong with each FILE; or that it is valid, what is assumed in it, and what it changes.

    Example: battrace scenario check scrapping.toml
    """
    from traceability.errors import TraceabilityError

    told: list[dict[str, Any]] = []
    for name in names:
        try:
            told.append(_checked(name))
        except TraceabilityError as error:
            told.append({"file": name, "valid": False, "error": str(error)})
        if not as_json:
            _tell(told[-1])
    if as_json:
        _json([each | {"changes": [_change(c) for c in each.get("changes", ())]} for each in told])
    if not all(each["valid"] for each in told):
        sys.exit(2)


@command.command("show")
@click.argument("name", default="baseline", metavar="[SCENARIO.toml]")
@click.option("--diff", "base", metavar="BASE", help="Show only what differs from this scenario.")
@click.option("--section", help="Show only this section, such as `market` or `inspection.mee`.")
@_as_json
def show(name: str, base: str | None, section: str | None, as_json: bool) -> None:
    """Show every figure of a scenario (a file, or a shipped name) with its source, or what differs from BASE.

    Example: battrace scenario show no_swap_exemption --diff baseline
    """
    from sim.levers import differences, figures, section_of, settings_of
    from sim.scenario import load

    scenario = load(name)
    if base is None:
        listed = section_of(scenario, section) if section else settings_of(scenario) + figures(scenario)
        if as_json:
            _json([_figure(figure) for figure in listed])
        else:
            _print(_figures_table(listed, whole=section is not None))
            click.echo(_counted(listed))
            _note_fines(scenario, {figure.section for figure in listed})
        return
    other = load(base)
    changes = differences(other, scenario)
    if section:
        changes = [change for change in changes if change.key.startswith(f"{section}.")]
        if not changes:
            section_of(scenario, section)  # refuses a section that there is not
    if as_json:
        _json([_change(change) for change in changes])
        return
    click.echo(f"{name}: {len(changes)} differ from {base}")
    if changes:
        _print(_changes_table(changes, sources=True))
    _note_fines(scenario, {change.key.rpartition(".")[0] for change in changes})


def _note_fines(scenario: Scenario, shown: set[str]) -> None:
    """Say which fines lie outside of the bands that laws state, of the sections that are *shown*."""
    from sim import fines

    for remark in fines.remarks(scenario.inspection):
        if any(remark.startswith(f"`{section}.") for section in shown):
            click.echo(f"note: {remark}")


@command.command("list")
@_as_json
def list_scenarios(as_json: bool) -> None:
    """List the scenarios that come with the program.

    Example: battrace scenario list
    """
    from sim.scenario import load, shipped

    listed = [load(name) for name in shipped()]
    if as_json:
        _json([{"name": s.name, "title_en": s.title_en, "title_zh": s.title_zh} for s in listed])
        return
    table = _table("scenario", "title", "标题")
    for scenario in listed:
        table.add_row(scenario.name, scenario.title_en, scenario.title_zh)
    _print(table)


@command.command("levers")
@_as_json
def list_levers(as_json: bool) -> None:
    """Print every key that a scenario may set, as a page in Markdown: unit, range, grade, meaning.

    Example: battrace scenario levers > levers.md
    """
    from sim import levers

    if as_json:
        _json([lever._asdict() for lever in (*levers.settings(), *levers.levers())])
    else:
        click.echo(levers.page(), nl=False)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of a scenario file, for editors that complete and check keys.

    Example: battrace scenario schema > scenario.schema.json
    """
    from sim.levers import json_schema

    _json(json_schema())


def _checked(name: str) -> dict[str, Any]:
    from sim import inputs
    from sim.amendments import imagined
    from sim.levers import base_of, check_makers, differences, figures, remarks
    from sim.scenario import load
    from traceability.errors import ScenarioError

    scenario = load(name)
    try:
        check_makers(scenario, inputs.load())
    except ScenarioError as error:
        raise ScenarioError(f"{name}: {error}") from None
    base, listed = base_of(name), figures(scenario)
    changes = [] if base is None else differences(load(base), scenario)
    return {
        "file": name,
        "valid": True,
        "parameters": len(listed),
        "assumed": sum(figure.grade == "assumed" for figure in listed),
        "extends": None if base is None else str(base),
        "changes": changes,
        "imagined": [told.en for told in imagined(scenario)],
        "remarks": remarks(scenario, changes),
    }


def _tell(told: dict[str, Any]) -> None:
    if not told["valid"]:
        click.echo(f"battrace: {told['error']}", err=True)
        return
    changes, base = told["changes"], told["extends"]
    counted = f"{told['file']}: valid; {told['parameters']} parameters, {told['assumed']} assumed; "
    click.echo(counted + ("extends no other" if base is None else f"{len(changes)} differ from {base}"))
    if changes:
        _print(_changes_table(changes[:_MOST], sources=False))
    if len(changes) > _MOST:
        click.echo(f"and {len(changes) - _MOST} more: battrace scenario show {told['file']} --diff {base}")
    if told["imagined"]:
        click.echo(f"the law is imagined: {'; '.join(told['imagined'])}")
    for remark in told["remarks"]:
        click.echo(f"note: {remark}")


def _figures_table(listed: list[Figure], *, whole: bool) -> Table:
    from textwrap import shorten

    from sim.levers import toml_text

    table = _table("figure", "value", "unit", "grade", "source")
    section = ""
    for figure in listed:
        if figure.section != section:
            section = figure.section
            table.add_row(f"[{section}]")
        source = figure.source if whole else shorten(figure.source, _SOURCE_WIDTH, placeholder=" …")
        table.add_row(figure.field, toml_text(figure.value), figure.unit, figure.grade, source)
    return table


def _changes_table(changes: list[Change], *, sources: bool) -> Table:
    table = _table("key", "old -> new", "unit", *(("grade", "source") if sources else ()))
    for change in changes:
        said = change.new or change.old
        assert said is not None
        row = [change.key, f"{_value(change.old)} -> {_value(change.new)}", said.unit]
        table.add_row(*row, *((said.grade, said.source) if sources else ()))
    return table


def _value(figure: Figure | None) -> str:
    from sim.levers import toml_text

    return _ABSENT if figure is None else toml_text(figure.value)


def _counted(listed: list[Figure]) -> str:
    graded = [figure.grade for figure in listed if figure.grade]
    return f"{len(graded)} parameters, {graded.count('assumed')} assumed"


def _table(*names: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name in {"scenario", "key", "figure", "grade"})
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(table)


def _figure(figure: Figure) -> dict[str, object]:
    return figure._asdict()


def _change(change: Change) -> dict[str, object]:
    return {
        "key": change.key,
        "old": None if change.old is None else _figure(change.old),
        "new": None if change.new is None else _figure(change.new),
    }


def _json(value: object) -> None:
    def plain(each: object) -> object:
        return each.isoformat() if hasattr(each, "isoformat") else str(each)

    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=plain))
