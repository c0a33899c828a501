"""`battrace validate`: hold a run, or the baseline, against what is known from elsewhere."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from traceability.errors import StoreError

if TYPE_CHECKING:
    from rich.table import Table

    from sim.targets import Target
    from sim.validation.founding import Figure
    from sim.validation.judging import Line
    from sim.validation.runs import Progress, Validated


@click.command("validate")
@click.argument("run", required=False, type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="Without RUN: run the baseline coarsely, in less than a minute.")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the tables.  [default: RUN, or runs/validation]",
)
@click.option(
    "--known",
    multiple=True,
    metavar="NAME:YEAR",
    help="A target that is known to be missed: it fails in the table, and does not fail the command.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def command(
    run: Path | None,
    quick: bool,
    workers: int | None,
    out: Path | None,
    known: tuple[str, ...],
    as_json: bool,
) -> None:
    """Hold RUN (or, without one, the baseline) against published figures, queueing theory and conservation.

    Exits with 1 where a target that is not context fails, or a founding figure does not stand where it should.

    Example: battrace validate --quick --out validation/
    """
    from sim import targets
    from sim.validation import page
    from sim.validation.founding import load as founding
    from sim.validation.runs import of_baseline, of_run

    if run is not None and quick:
        raise click.UsageError(
            "--quick runs the baseline coarsely; it has no meaning for a RUN that is there"
        )
    folder = out or run or Path("runs") / "validation"
    figures, listed = founding(), targets.load()  # before the run: a bad table is told at once
    missed = _named(known, listed)
    if run is not None:
        validated = of_run(run)
        lines = _lines(validated, listed, quick=False)
    else:
        with (
            _Bar("the baseline") as progress,
            of_baseline(quick=quick, workers=workers or os.cpu_count() or 1, progress=progress) as validated,
        ):
            lines = _lines(validated, listed, quick=quick)
    about = _about(validated, run)
    try:
        page.write(folder, about, lines, figures)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None
    failed = any(line.failed and f"{line.name}:{line.year}" not in missed for line in lines)
    failed = failed or any(figure.failed for figure in figures)
    if as_json:
        click.echo(_json(about, lines, figures))
    else:
        _print(about, lines, figures)
        click.echo(f"{page.counted(lines, figures)}\nopen {folder / page.HTML}")
    if failed:
        sys.exit(1)


def _named(known: Sequence[str], listed: Sequence[Target]) -> frozenset[str]:
    """Return the targets named, after a look whether there are such."""
    from traceability.errors import UnknownName

    there = {f"{target.name}:{target.year}" for target in listed}
    for name in known:
        if name not in there:
            raise UnknownName("target", name, there, "--known")
    return frozenset(known)


def _lines(validated: Validated, listed: Sequence[Target], *, quick: bool) -> list[Line]:
    from sim.validation import cohorts, conservation, queues
    from sim.validation.judging import target_lines
    from traceability.store import open_store
    from traceability.store.parquet import ParquetStore

    scenario = validated.scenario
    lines = target_lines(listed, validated.values, scenario.first, scenario.last, luck_counts=quick)
    lines += queues.lines()
    with open_store(validated.log, threads=1) as store:
        assert isinstance(store, ParquetStore)
        return lines + cohorts.lines(store, scenario.life) + conservation.lines(store)


class _Bar:
    """A bar on a terminal, nothing elsewhere: what is piped stays clean."""

    def __init__(self, what: str) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._shown = Progress(console=Console(stderr=True), transient=True)
        self._task = self._shown.add_task(f"running {what}", total=1.0)

    def __enter__(self) -> Progress:
        self._shown.start()
        return lambda share: self._shown.update(self._task, completed=share)

    def __exit__(self, *_: object) -> None:
        self._shown.stop()


def _about(validated: Validated, run: Path | None) -> str:
    s = validated.scenario
    return (
        f"{run if run is not None else s.name}: 1:{s.scale}, {s.first} to {s.last}, "
        f"{s.replications} replications, seed {s.seed}"
    )


def _json(about: str, lines: Sequence[Line], figures: Sequence[Figure]) -> str:
    return json.dumps(
        {
            "about": about,
            "failed": sum(line.failed for line in lines) + sum(figure.failed for figure in figures),
            "lines": [line._asdict() for line in lines],
            "founding": [figure._asdict() for figure in figures],
        },
        ensure_ascii=False,
        indent=2,
    )


_COLOURS = {
    "pass": "green",
    "stands": "green",
    "fail": "bold red",
    "differs": "bold red",
    "unresolved": "bold red",
}


def _print(about: str, lines: Sequence[Line], figures: Sequence[Figure]) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 100  # what is piped is read later, somewhere else
    console.print(Text(about))
    for part in dict.fromkeys(line.part for line in lines):
        console.print(_table([line for line in lines if line.part == part], part))
    for line in lines:
        if line.failed:
            console.print(
                Text(f"✗ {line.name.replace('_', ' ')} {line.year or ''}: {line.why} ({line.source})", "red")
            )
    if figures:
        console.print(_founding(figures))


def _table(lines: Sequence[Line], title: str) -> Table:
    from rich.table import Table
    from rich.text import Text

    from sim.validation.judging import interval, number

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("target", max_width=32)
    for column in ("year", "expected", "model", "95 % interval"):
        table.add_column(column, justify="right", no_wrap=True)
    for column in ("passes", "verdict", "use"):
        table.add_column(column)
    for line in lines:
        said = line.verdict.value
        table.add_row(
            Text(line.name.replace("_", " ")), str(line.year or ""), number(line.expected), number(line.model),
            interval(line), Text(line.bound), Text(said, _COLOURS.get(said, "")), line.use.replace("_", " "),
        )  # fmt: skip
    return table


def _founding(figures: Sequence[Figure]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="figures of the founding documents", title_justify="left", box=None, pad_edge=False)
    for column, width in (
        ("figure", 30),
        ("value", 16),
        ("stands at", 28),
        ("found there", 16),
        ("verdict", 10),
    ):
        table.add_column(column, max_width=width, overflow="fold")
    for f in figures:
        value = Text(f"{f.value} {f.unit}".strip())
        table.add_row(
            Text(f.item), value, Text(f.where), Text(f.found), Text(f.verdict, _COLOURS.get(f.verdict, ""))
        )
    return table
