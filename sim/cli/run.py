"""`battrace run`: simulate a scenario and write its report."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.cluster_option import cluster_option, executor_of
from traceability.errors import StoreError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from sim.report.model import Estimate
    from sim.scenario import Scenario
    from sim.study import Outcomes


@click.command("run")
@click.argument("scenario", default="baseline", metavar="[SCENARIO.toml]")
@click.option("--seed", type=click.IntRange(0), help="Seed of all draws.")
@click.option(
    "--scale", type=click.IntRange(1, 1_000_000), help="Real vehicles that one simulated vehicle stands for."
)
@click.option("--replications", type=click.IntRange(1, 10_000), help="How often to repeat with other luck.")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@cluster_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the run.  [default: the next free runs/NAME]",
)
@click.option("--resume", is_flag=True, help="Finish a run that was stopped, to the same bytes.")
@click.option("--dry-run", is_flag=True, help="Only say what the run would take: events, memory, time.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    scenario: str,
    seed: int | None,
    scale: int | None,
    replications: int | None,
    workers: int | None,
    cluster: str | None,
    out: Path | None,
    resume: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Simulate SCENARIO (a TOML file, or the name of a shipped one) and leave a folder with its report.

    Example: battrace run baseline --scale 500 --replications 10 --out runs/fine
    """
    from sim.scenario import load

    chosen = load(scenario, seed=seed, scale=scale, replications=replications)
    processes = min(workers or os.cpu_count() or 1, chosen.replications)
    if dry_run:
        _forecast(chosen, processes, as_json)
        return
    folder = out or _default_folder(chosen, resume)
    started = time.monotonic()
    with executor_of(cluster, folder, workers) as executor:
        outcomes = _run(chosen, folder, processes, resume, executor)
    _finish(chosen, folder, outcomes)
    if as_json:
        click.echo(json.dumps(_result(chosen, folder, outcomes), ensure_ascii=False, indent=2))
    else:
        _table(chosen, folder, outcomes, time.monotonic() - started)


def _default_folder(scenario: Scenario, resume: bool) -> Path:
    """Return runs/NAME, or the next free runs/NAME-2, …: a run that says something else is never overwritten.

    A complete run of the same scenario makes way: the new one is the same, byte for byte.
    """
    from sim import record

    for folder in (Path("runs") / name for name in _names(scenario.name)):
        if not (folder / record.RECORD).exists():
            return folder
        found = record.read_record(folder)
        same = (
            found.get("scenario") == record.scenario_table(scenario)
            and found.get("versions") == record.versions()
        )
        if same and not found.get("complete"):
            if resume:
                return folder
            raise StoreError(
                f"{folder}: this run was stopped here; add --resume to finish it, or give another --out"
            )
        if same and not resume:
            shutil.rmtree(folder)
            return folder
    raise AssertionError("names never end")


def _names(name: str) -> Iterator[str]:
    yield name
    for number in itertools.count(2):
        yield f"{name}-{number}"


def _run(scenario: Scenario, folder: Path, workers: int, resume: bool, executor: Executor | None) -> Outcomes:
    from sim.study import run_study

    if not sys.stderr.isatty():
        return run_study(
            scenario, folder, workers=workers, resume=resume, executor=executor, progress=_lines()
        )
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks = [shown.add_task(f"replication {n + 1}", total=1.0) for n in range(scenario.replications)]

        def tell(shares: list[float]) -> None:
            for task, share in zip(tasks, shares, strict=True):
                shown.update(task, completed=share)

        return run_study(scenario, folder, workers=workers, resume=resume, executor=executor, progress=tell)


def _lines() -> Callable[[list[float]], None]:
    """Return a listener that writes a JSON line each time another tenth of the work is done."""
    told = -1

    def tell(shares: list[float]) -> None:
        nonlocal told
        tenth = int(10 * sum(shares) / len(shares))
        if tenth > told:
            told = tenth
            click.echo(
                json.dumps({"progress": tenth / 10, "replications": [round(s, 2) for s in shares]}), err=True
            )

    return tell


def _finish(scenario: Scenario, folder: Path, outcomes: Outcomes) -> None:
    from sim.report.page import write_report
    from sim.study import complete, fingerprint
    from sim.summary import report_input

    write_report(folder / "report.html", report_input(scenario, outcomes, fingerprint(folder, scenario)))
    complete(folder, scenario, outcomes)


_HEADLINES: tuple[tuple[str, str, str | None, float, str, int], ...] = (
    ("retired packs", "retired_mass", None, 1e-3, "Mt", 2),
    ("formal-channel share", "formal_share", None, 100, "%", 1),
    ("packs with a complete chain", "complete_chain_share", None, 100, "%", 1),
    ("processed by listed recyclers", "processed", None, 1e-3, "Mt", 2),
    ("lithium recovered", "recovered", "LI", 1e-3, "kt", 1),
)
"""Words, measure, key, factor to the unit shown, unit, decimals."""


def _result(scenario: Scenario, folder: Path, outcomes: Outcomes) -> dict[str, object]:
    from sim.summary import assumptions, estimate, headline_year, total

    listed, year = assumptions(scenario), headline_year(scenario)
    return {
        "run": str(folder),
        "events": outcomes.events,
        "breaches_happened": total(outcomes, "breaches_happened").mean,
        "breaches_visible": total(outcomes, "breaches_visible").mean,
        "rules": outcomes.outcomes,
        "year": year,
        "measures": {
            words: _plain(estimate(outcomes, measure, year, key), factor) | {"unit": unit}
            for words, measure, key, factor, unit, _ in _HEADLINES
        },
        "parameters": len(listed),
        "assumed": sum(a.grade == "assumed" for a in listed),
        "report": str(folder / "report.html"),
    }


def _plain(e: Estimate, factor: float) -> dict[str, object]:
    return {"mean": e.mean * factor, "low": e.low * factor, "high": e.high * factor}


def _table(scenario: Scenario, folder: Path, outcomes: Outcomes, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.summary import assumptions, estimate, headline_year, total

    ran = sum(told == "ran" for told in outcomes.outcomes.values())
    happened, visible = total(outcomes, "breaches_happened"), total(outcomes, "breaches_visible")
    span = f"{scenario.first.year}-{scenario.last.year}"
    console = Console(highlight=False)
    console.print(
        f"✓ simulated {outcomes.events / 1e6:.1f} M events (1:{scenario.scale}, {span}, "
        f"{scenario.replications} replications) in {seconds:.0f} s"
    )
    console.print(
        f"✓ {happened.mean / 1e6:,.2f} M breaches happened, {visible.mean / 1e6:,.2f} M visible to the platform"
    )
    console.print(f"✓ {ran} of {len(outcomes.outcomes)} rules ran")
    year = headline_year(scenario)
    table = Table(title=f"measures, {year}", title_justify="left", box=None, pad_edge=False)
    for column, justify in (("measure", "left"), ("mean", "right"), ("95 % interval", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for words, measure, key, factor, unit, places in _HEADLINES:
        e = estimate(outcomes, measure, year, key)
        mean, low, high = (f"{x * factor:.{places}f}" for x in (e.mean, e.low, e.high))
        interval = f"[{low}, {high}]" if scenario.replications > 1 else "one replication: none"
        table.add_row(words, f"{mean} {unit}", interval.replace("[", "\\["))
    console.print(table)
    listed = assumptions(scenario)
    assumed = sum(a.grade == "assumed" for a in listed)
    console.print(f"assumed, not sourced: {assumed} of {len(listed)} parameters ({folder / 'run.toml'})")
    console.print(f"open {folder / 'report.html'}")


def _forecast(scenario: Scenario, workers: int, as_json: bool) -> None:
    from sim.forecast import forecast

    expected = forecast(scenario, workers)
    if as_json:
        click.echo(json.dumps(expected._asdict()))
        return
    click.echo(
        f"{scenario.name}: about {expected.events / 1e6:.2f} M events in {scenario.replications} replications "
        f"(1:{scenario.scale}), {expected.memory_mib:,.0f} MiB, {expected.seconds:.0f} s with {workers} workers, "
        f"{expected.disk_mib:,.0f} MiB on disk"
    )
