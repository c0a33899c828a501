"""`battrace compare`: what a policy changes, by scenarios with the same luck."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from sim.cli.cluster_option import cluster_option, executor_of

if TYPE_CHECKING:
    from rich.table import Table

    from sim.comparison import Comparison
    from sim.comparison.running import Progress


class _Replications(click.ParamType[int | str]):
    name = "N|auto"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        if value == "auto":
            return "auto"
        try:
            number = int(str(value))
        except ValueError:
            self.fail(f"`{value}` is neither a number nor `auto`", param, ctx)
        if not 1 <= number <= 10_000:
            self.fail(f"{number} is not between 1 and 10000", param, ctx)
        return number


class _Precision(click.ParamType[float]):
    name = "share"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            self.fail(f"`{value}` is no share; write 2% or 0.02", param, ctx)
        if not 0 < share < 1:
            self.fail(f"{value} is not between 0 and 100 %; write 2% or 0.02", param, ctx)
        return share


@click.command("compare")
@click.argument("scenarios", nargs=-1, required=True, metavar="BASELINE SCENARIO…")
@click.option(
    "--replications",
    type=_Replications(),
    help="How often to repeat each with other luck; auto: until --precision is met.  "
    "[default: 10; auto where --precision or --cap is given]",
)
@click.option(
    "--precision",
    type=_Precision(),
    help="With auto: half the interval of each headline difference, as a share of the baseline's mean.  "
    "[default: 2%]",
)
@click.option(
    "--cap",
    type=click.IntRange(2, 10_000),
    help="With auto: replications at most.  [default: 60]",
)
@click.option(
    "--scale", type=click.IntRange(1, 1_000_000), help="Real vehicles that one simulated vehicle stands for."
)
@click.option("--seed", type=click.IntRange(0), help="Seed of all draws.")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@cluster_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: runs/A-vs-B…]"
)
@click.option("--resume", is_flag=True, help="Go on with a comparison that was stopped, or asks for more.")
@click.option("--json", "as_json", is_flag=True, help="Print the bundle as JSON.")
def command(
    scenarios: tuple[str, ...],
    replications: int | str | None,
    precision: float | None,
    cap: int | None,
    scale: int | None,
    seed: int | None,
    workers: int | None,
    cluster: str | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Run scenarios with the same luck and say what each changes against the first, and how sure that is.

    Example: battrace compare baseline no_integrated_scrapping --replications auto --precision 2%
    """
    from sim.comparison import chosen, run_comparison
    from sim.comparison.changed import changed
    from sim.comparison.files import write_tables
    from sim.comparison.page import write_comparison
    from sim.comparison.verifying import seal

    if len(scenarios) < 2:
        raise click.UsageError("a comparison needs at least two scenarios: the baseline, then the others")
    wanted = _wanted(replications, precision, cap)
    found = chosen(scenarios, scale=scale, seed=seed)
    folder = out or Path("runs") / "-vs-".join(found)
    with executor_of(cluster, folder, workers) as executor, progress() as tell:
        told = run_comparison(
            found,
            folder,
            replications=wanted,
            precision=precision or _PRECISION,
            cap=cap or _CAP,
            workers=workers or os.cpu_count() or 1,
            executor=executor,
            resume=resume,
            progress=tell,
        )
    figures = changed(told)
    write_tables(folder, told, figures)
    write_comparison(folder / "comparison.html", told, figures)
    seal(folder)
    if as_json:
        click.echo(json.dumps(_result(told, folder), ensure_ascii=False, indent=2))
    else:
        _print(told, folder)


_REPLICATIONS, _PRECISION, _CAP = 10, 0.02, 60
"""What holds where nothing is said: ten replications; of an automatic comparison, the precision and the cap."""


def _wanted(replications: int | str | None, precision: float | None, cap: int | None) -> int | None:
    """Return how many replications to run; None: as many as the precision asks for."""
    asked = precision is not None or cap is not None
    if isinstance(replications, int) and asked:
        raise click.UsageError(
            f"--replications {replications} leaves nothing to --precision and --cap; write --replications auto, "
            "or leave them out"
        )
    if replications == "auto" or (replications is None and asked):
        return None
    return _REPLICATIONS if replications is None else int(replications)


@contextmanager
def progress() -> Iterator[Progress]:
    """Yield a listener: a bar for each scenario, or JSON lines where nobody looks."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, object] = {}

        def tell(shares: Mapping[str, Sequence[float]]) -> None:
            for label, done in shares.items():
                if label not in tasks:
                    tasks[label] = shown.add_task(label)
                task = tasks[label]
                shown.update(task, completed=sum(done), total=len(done))  # type: ignore[arg-type]

        yield tell


def _lines() -> Progress:
    told = (-1, 0)

    def tell(shares: Mapping[str, Sequence[float]]) -> None:
        nonlocal told
        every = [share for done in shares.values() for share in done]
        now = (int(10 * sum(every) / max(len(every), 1)), len(every))
        if now[0] > told[0] or now[1] != told[1]:
            told = now
            click.echo(json.dumps({"progress": now[0] / 10, "replications": now[1]}), err=True)

    return tell


def _result(told: Comparison, folder: Path) -> dict[str, object]:
    from sim.comparison.bundle import BUNDLE
    from sim.comparison.running import comparison_fingerprint

    rows = []
    for shown in BUNDLE:
        for side in told.others:
            row, base = told.of(shown, side.label), told.of(shown, told.baseline.label)
            if row is None or base is None or row.difference is None:
                continue
            gap = row.difference
            rows.append(
                {
                    "measure": shown.measure,
                    "key": shown.key,
                    "says": shown.says.en,
                    "scenario": side.label,
                    "unit": shown.unit.en,
                    "baseline": base.estimate.mean * shown.factor,
                    "mean": row.estimate.mean * shown.factor,
                    "difference": gap.estimate.mean * shown.factor,
                    "low": gap.estimate.low * shown.factor,
                    "high": gap.estimate.high * shown.factor,
                    "variance_removed": gap.removed,
                    "p": gap.p,
                    "p_holm": row.p_holm,
                    "shown": row.shown,
                }
            )
    return {
        "folder": str(folder),
        "year": told.year,
        "replications": told.baseline.replications,
        "stopped": told.stopped,
        "fingerprint": comparison_fingerprint(told),
        "variance_removed": {side.label: told.removed(side.label) for side in told.others},
        "measures": rows,
        "report": str(folder / "comparison.html"),
    }


def _print(told: Comparison, folder: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=max(_NARROWEST, min(_WIDEST, Console().width)))
    console.print(f"✓ {told.stopped}")
    for side in told.others:
        removed = told.removed(side.label)
        twins = "" if removed is None else f"; twins: variance of the difference {-100 * removed:+.0f} %"
        console.print(
            f"\n{told.year}, {told.baseline.label} against {side.label}: {told.baseline.replications} replications"
            f" each{twins}"
        )
        console.print(table_of(told, side.label, console.width))
    console.print(
        "p is adjusted over all measures shown (Holm); “no difference shown”: chance alone could make it"
    )
    console.print(f"open {folder / 'comparison.html'}", soft_wrap=True)


_NARROWEST, _WIDEST = 60, 120
_NAMES = 26
"""Columns that the names of measures want at least, or intervals go below their differences."""


class _Line(NamedTuple):
    """One row of the table: `after` and `gap` with their units where those differ; *plain* says that nothing is shown."""

    group: str
    name: str
    before: str
    after: str
    gap: str
    interval: str
    p: str
    plain: bool


def table_of(told: Comparison, label: str, width: int) -> Table:
    """Return what the scenario *label* changes as a table that no terminal of *width* columns cuts.

    Names of measures wrap, numbers never do; where there is no room beside it, an interval stands below its difference.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    lines = list(_lines_of(told, label))
    heads = ("before", "after", "difference, 95 %", "p")
    beside = [f"{line.gap} {line.interval}".strip() for line in lines]
    taken = sum(
        max(len(head), *map(len, cells), 0) + 1
        for head, cells in zip(
            heads, ([x.before for x in lines], [x.after for x in lines], beside, [x.p for x in lines]), strict=True
        )
    )  # fmt: skip
    between = " " if taken + _NAMES <= width else "\n"
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, collapse_padding=True
    )
    table.add_column("measure", overflow="fold")
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    group = ""
    for line in lines:
        if line.group != group:
            group = line.group
            table.add_row(f"[bold]{group}[/bold]")
        gap, interval = escape(line.gap), line.interval.replace("[", "\\[")
        if line.plain:
            gap, interval = f"[dim]{gap}[/dim]", f"[dim]{interval}[/dim]"
        table.add_row(line.name, line.before, line.after, between.join(filter(None, (gap, interval))), line.p)
    return table


def _lines_of(told: Comparison, label: str) -> Iterator[_Line]:
    from sim.comparison.bundle import BUNDLE
    from sim.comparison.told import difference_of, mean_of, unit_of_difference, verdict

    for shown in BUNDLE:
        row, base = told.of(shown, label), told.of(shown, told.baseline.label)
        if row is None or base is None:
            continue
        gap, interval = difference_of(row, shown)
        plain = verdict(row)
        if (unit := unit_of_difference(shown).en) != shown.unit.en:
            gap = f"{gap} {unit}"
        yield _Line(
            shown.group.en,
            f"{shown.says.en}, {shown.unit.en}",
            mean_of(base, shown),
            mean_of(row, shown),
            gap,
            interval if plain is None else plain.en,
            _p(row.p_holm),
            plain is not None,
        )


def _p(p: float | None) -> str:
    if p is None:
        return ""
    return "<.001" if p < 0.001 else "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")
