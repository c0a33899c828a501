"""`battrace import`: read a log that somebody else has kept."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from traceability.imports import ColumnMap, ImportReport, Suggestion

_SHOWN = 12


@click.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
@click.option(
    "--map", "mapping", type=click.Path(path_type=Path, dir_okay=False), help="Their columns as ours: TOML."
)
@click.option("--suggest", "propose", is_flag=True, help="Print a mapping proposed from the headers.")
@click.option("--template", type=click.Choice(["csv", "xlsx"]), help="Write an empty table to fill in.")
@click.option(
    "--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True, help="Of the template."
)
@click.option("--out", help="Store to make (parquet:DIR, sqlite:///FILE); for --template, the file.")
@click.option(
    "--quarantine",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("quarantine.csv"),
    show_default=True,
    help="Where to write the rows that were not taken.",
)
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The log is complete up to this day.  [default: last day]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(
    files: tuple[Path, ...],
    mapping: Path | None,
    propose: bool,
    template: str | None,
    language: str,
    out: str | None,
    quarantine: Path,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Read CSV, TSV, XLSX or Parquet FILEs into a store that says what was reported.

    Each row is accepted, or quarantined with line, column, value and reason; formulas are never run.
    Without --out the files are read and judged, and nothing is written but the quarantine.
    Exits with 1 if rows were quarantined.

    Example: battrace import export.xlsx --map columns.toml --out parquet:log
    """
    if template is not None:
        _write_template(template, language, out)
        return
    if not files:
        raise click.UsageError("no file given; battrace import FILE..., or --template csv for an empty one")
    if propose:
        _propose(files, mapping, as_json)
        return
    from traceability.events import day_number

    columns = mapping_for(files, mapping)
    day = None if as_of is None else day_number(as_of.date())
    report = imported(files, columns, out, day)
    if report.faults:
        report.write_quarantine(quarantine)
    if as_json:
        click.echo(json.dumps(report.table(), ensure_ascii=False, indent=2))
    else:
        show(report, out, quarantine)
    if report.faults:
        sys.exit(1)


def _write_template(kind: str, language: str, out: str | None) -> None:
    from traceability.errors import TableError
    from traceability.imports.templates import write_template

    path = Path(out or f"battrace_template_{language}.{kind}")
    if path.suffix.lower() != f".{kind}":
        raise TableError(f"{path}: a template of this kind is named .{kind}")
    write_template(path, language=language)
    click.echo(f"{path} written; fill it in below the example, then: battrace import {path}")


def _suggestion(files: tuple[Path, ...], mapping: Path | None) -> Suggestion:
    from traceability.imports import ColumnMap, load_mapping, suggest
    from traceability.imports.reading import column_samples

    given = ColumnMap(columns={}) if mapping is None else load_mapping(mapping)
    return suggest(*column_samples(files, given))


def _propose(files: tuple[Path, ...], mapping: Path | None, as_json: bool) -> None:
    proposed = _suggestion(files, mapping)
    if not as_json:
        click.echo(proposed.toml(), nl=False)
        return
    table = {
        "columns": proposed.placed,
        "guessed": sorted(proposed.guessed),
        "not_placed": {theirs: list(near) for theirs, near in proposed.unplaced.items()},
        "missing": list(proposed.missing),
        "unknown_words": proposed.words,
    }
    click.echo(json.dumps(table, ensure_ascii=False, indent=2))


def mapping_for(files: tuple[Path, ...], given: Path | None) -> ColumnMap:
    """Return the mapping given, or the proposed one where no header had to be guessed."""
    from traceability.errors import TableError
    from traceability.imports import checked_mapping, load_mapping

    if given is not None:
        return load_mapping(given)
    proposed = _suggestion(files, None)
    if proposed.guessed or proposed.missing:
        doubtful = [proposed.placed[name] for name in sorted(proposed.guessed)] or list(proposed.missing)
        raise TableError(
            f"{files[0]}: the headers do not say it all ({'; '.join(doubtful[:3])}); "
            "battrace import --suggest FILE > columns.toml, check it, and give --map columns.toml"
        )
    return checked_mapping({"columns": proposed.placed}, "the headers")


def imported(files: tuple[Path, ...], mapping: ColumnMap, out: str | None, as_of: int | None) -> ImportReport:
    """Return what became of every row of *files*, written into a new store at *out*, or nowhere (None)."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from traceability.imports import import_files, read_reports
    from traceability.store import open_store

    console = Console(stderr=True, highlight=False)
    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("reading", total=None)

        def progress(file: str, line: int) -> None:
            bar.update(task, description=f"{file}: {line:,} lines")

        if out is None:
            return read_reports(files, mapping, progress=progress).report
        return import_files(
            files, mapping, lambda: open_store(out, create=True), as_of=as_of, progress=progress
        )


def show(report: ImportReport, out: str | None, quarantine: Path, *, audited: bool = False) -> None:
    """Print what became of every row."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for name, how in zip(report.files, report.how, strict=True):
        console.print(f"{name} ({how})" if how else name)
    for name, sheets in report.other_sheets.items():
        console.print(f"  not read, sheets of {name}: {', '.join(sheets)}")
    _show_counts(report, console)
    _show_normalisations(report, console)
    _show_faults(report, console)
    if "record_day" not in report.fields:
        console.print("no column tells when the platform was told (上报时间): deadlines cannot be audited")
    if report.unreported:
        console.print(f"{report.unreported:,} accepted rows have no report day: not in the register yet")
    if report.begun:
        console.print(f"{report.begun:,} histories begin in the middle and were taken up there")
    if report.bridgeable:
        console.print(
            f'{report.bridgeable:,} of the quarantined rows follow a gap; gaps = "accept" in the mapping takes them'
        )
    if report.faults:
        console.print(f"quarantined rows, a line for each fault: {quarantine}")
    if audited:
        console.print(f"{report.events:,} events to audit\n")
    elif out is None:
        console.print("nothing else was written; --out parquet:DIR writes the log")
    else:
        console.print(
            f"{out}: {report.events:,} events, {report.units:,} units, {report.vehicles:,} vehicles, "
            f"{report.actors:,} actors; battrace audit {out} --view register"
        )


def _show_counts(report: ImportReport, console: Console) -> None:
    from traceability.imports.report import SET_ASIDE

    aside = [f"{report.set_aside[what]:,} {said}" for what, said in SET_ASIDE.items()]
    console.print(
        f"read {report.read:,} lines = {report.accepted:,} accepted + {report.quarantined:,} quarantined + "
        + " + ".join(aside)
    )


def _show_normalisations(report: ImportReport, console: Console) -> None:
    from rich.table import Table

    if not report.normalisations:
        return
    table = Table(title="changed to be read", title_justify="left", box=None, pad_edge=False)
    for name, justify in (
        ("cells", "right"),
        ("column", "left"),
        ("what", "left"),
        ("line", "right"),
        ("first", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for n in report.normalisations[:_SHOWN]:
        table.add_row(f"{n.count:,}", n.column, n.what, f"{n.line:,}", f"{n.before} -> {n.after}")
    console.print(table)
    _more(len(report.normalisations), console)


def _show_faults(report: ImportReport, console: Console) -> None:
    from rich.table import Table

    reasons = report.reasons()
    if not reasons:
        return
    table = Table(title="quarantined", title_justify="left", box=None, pad_edge=False)
    table.add_column("faults", justify="right")
    table.add_column("column")
    table.add_column("reason")
    for column, reason, count in reasons[:_SHOWN]:
        table.add_row(f"{count:,}", column, reason)
    console.print(table)
    _more(len(reasons), console)


def _more(count: int, console: Console) -> None:
    if count > _SHOWN:
        console.print(f"... and {count - _SHOWN} more kinds; --json lists all")
