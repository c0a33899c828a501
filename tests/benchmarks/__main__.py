"""Measure and print: `python -m tests.benchmarks [reference|baseline|rules|store|all]`."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

Result = dict[str, Any]
ROOT = Path(__file__).parents[2]
ASKED = {100_000: (5, None), 1_000_000: (50, 18)}
"""Vehicles -> how many times the events per second of plain SimPy are asked for: as it is, collector off."""

console = Console(width=118)


def measured(repeats: int, **arguments: Any) -> Result:
    """Return the run of the median CPU time out of *repeats*, each in a fresh process; "n" says how many."""
    runs = []
    for number in range(repeats):
        told = " ".join(str(value) for value in arguments.values() if not isinstance(value, bool))
        with console.status(f"{told} ({number + 1} of {repeats})"):
            done = subprocess.run(
                [sys.executable, "-m", "tests.benchmarks.measure", json.dumps(arguments)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
        if done.returncode:
            raise click.ClickException(f"{arguments} did not run:\n{done.stderr}")
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    middle = statistics.median_low(run["cpu_s"] for run in runs)
    chosen: Result = next(run for run in runs if run["cpu_s"] == middle)
    return chosen | {"n": repeats}


def rate(run: Result) -> float:
    """Return events per second of CPU."""
    return float(run["events"] / run["cpu_s"])


def table(title: str, *columns: str) -> Table:
    """Return an empty table whose first column is text and whose others are numbers."""
    made = Table(title=title, title_justify="left", title_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    return made


def reference(sizes: tuple[int, ...], repeats: int) -> None:
    """The lot engine beside a process per vehicle, on one workload."""
    for vehicles in sizes or (100_000, 1_000_000):
        few = 1 if vehicles > 300_000 else repeats  # four minutes a run
        plain = measured(few, what="twin", vehicles=vehicles, cyclic_gc=True)
        quiet = measured(few, what="twin", vehicles=vehicles, cyclic_gc=False)
        kept = measured(repeats, what="engine", vehicles=vehicles, store="memory")
        filed = measured(repeats, what="engine", vehicles=vehicles, store="parquet")
        made = table(
            f"Reference workload, {vehicles:,} vehicles, {kept['events']:,} events",
            *("engine", "x SimPy", "x SimPy, gc off", "k events/s", "CPU s", "wall s", "peak MiB", "n"),
        )
        for name, run in {
            "lots, kept in memory": kept,
            "lots, to Parquet": filed,
            "SimPy, a process per vehicle": plain,
            "the same, gc.disable()": quiet,
        }.items():
            made.add_row(
                name,
                f"{rate(run) / rate(plain):.2f}",
                f"{rate(run) / rate(quiet):.2f}",
                f"{rate(run) / 1e3:,.0f}",
                f"{run['cpu_s']:.2f}",
                f"{run['wall_s']:.2f}",
                f"{run['peak_mib']:,.0f}",
                str(run["n"]),
            )
        console.print(made)
        for asked, run, what in zip(
            ASKED.get(vehicles, (None, None)),
            (plain, quiet),
            ("SimPy", "SimPy without its collector"),
            strict=True,
        ):
            if asked is not None:
                times = rate(kept) / rate(run)
                console.print(
                    f"  {times:.1f} x {what}; asked for: {asked}. {'Met.' if times >= asked else 'NOT MET.'}"
                )
        same = all(kept[key] == plain[key] for key in ("events", "lots", "outlet_wait", "recycler_wait"))
        console.print(
            f"  {kept['lots']:,} lots, {kept['outlet_wait']:.2f} days at an outlet and "
            f"{kept['recycler_wait']:.2f} before the test: {'the same' if same else 'NOT the same'} in both.\n"
        )


def baseline(sizes: tuple[int, ...], repeats: int) -> None:
    """The whole model of the shipped baseline, generated, checked and stored in Parquet."""
    made = table(
        "The baseline, into Parquet",
        "vehicles",
        "scale 1:",
        "events",
        "k events/s",
        "CPU s",
        "wall s",
        "peak MiB",
        "B/event",
        "n",
    )
    for vehicles in sizes or (1_000_000, 10_000_000):
        run = measured(repeats if vehicles <= 1_000_000 else 1, what="baseline", vehicles=vehicles, url=None)
        made.add_row(
            f"{run['vehicles']:,}",
            str(run["scale"]),
            f"{run['events']:,}",
            f"{rate(run) / 1e3:,.0f}",
            f"{run['cpu_s']:.1f}",
            f"{run['wall_s']:.1f}",
            f"{run['peak_mib']:,.0f}",
            f"{run['bytes'] / run['events']:.1f}",
            str(run["n"]),
        )
    console.print(made)
    console.print("  B/event: of the whole store, units and vehicles with their codes included.\n")


def rules(sizes: tuple[int, ...], repeats: int) -> None:
    """Every rule over logs of the baseline."""
    large, small = (sizes * 2)[:2] if sizes else (1_500_000, 150_000)
    made = table(
        "All rules over the truth",
        "log",
        "x SQLite, per event",
        "events",
        "findings",
        "us/event",
        "CPU s",
        "wall s",
        "peak MiB",
        "n",
    )
    with tempfile.TemporaryDirectory(prefix="battrace-") as scratch:
        logs = {
            "Parquet": (f"{scratch}/large", large),
            "Parquet, small": (f"{scratch}/small", small),
            "SQLite, small": (f"sqlite:///{scratch}/small.db", small),
        }
        runs = {}
        days = {}
        for name, (url, vehicles) in logs.items():
            log = measured(1, what="baseline", vehicles=vehicles, url=url)
            days[name] = log["last_day"]
            runs[name] = measured(repeats, what="rules", url=url, last_day=log["last_day"])
        url, day = logs["Parquet, small"][0], days["Parquet, small"]
        few = measured(repeats, what="few_rules", url=url, last_day=day)
        loop = measured(1, what="loop", url=url, last_day=day)
    slow = runs["SQLite, small"]
    for name, run in runs.items():
        made.add_row(
            name,
            f"{slow['wall_s'] / slow['events'] / (run['wall_s'] / run['events']):.1f}",
            f"{run['events']:,}",
            f"{run['findings']:,}",
            f"{run['wall_s'] / run['events'] * 1e6:.2f}",
            f"{run['cpu_s']:.1f}",
            f"{run['wall_s']:.1f}",
            f"{run['peak_mib']:,.0f}",
            str(run["n"]),
        )
    console.print(made)
    same_few = "the same" if few["counts"] == loop["counts"] else "NOT the same"
    console.print(
        f"  {few['rules']} of them in a Python loop over batteries, small log: {loop['wall_s']:.1f} s and "
        f"{loop['peak_mib']:,.0f} MiB, as queries {few['wall_s']:.2f} s and {few['peak_mib']:,.0f} MiB: "
        f"{loop['wall_s'] / few['wall_s']:.0f} x; findings are {same_few}."
    )
    same = runs["Parquet, small"]["counts"] == slow["counts"]
    console.print(
        f"  {slow['rules']} rules; findings of both small logs, rule by rule, are {'the same' if same else 'NOT the same'}.\n"
    )


def store(sizes: tuple[int, ...], repeats: int) -> None:
    """Rows of the event table into a new store, in batches of a million."""
    made = table(
        "Event rows into a new store",
        "store",
        "x SQLite",
        "rows",
        "k rows/s",
        "CPU s",
        "wall s",
        "peak MiB",
        "B/row",
        "n",
    )
    large, small = (sizes * 2)[:2] if sizes else (10_000_000, 1_000_000)
    runs = {
        "Parquet": measured(repeats, what="writing", rows=large, kind="parquet"),
        "Parquet, small": measured(repeats, what="writing", rows=small, kind="parquet"),
        "SQLite, small": measured(repeats, what="writing", rows=small, kind="sqlite"),
    }
    slow = runs["SQLite, small"]
    for name, run in runs.items():
        made.add_row(
            name,
            f"{rate(run) / rate(slow):.1f}",
            f"{run['events']:,}",
            f"{run['events'] / run['wall_s'] / 1e3:,.0f}",
            f"{run['cpu_s']:.2f}",
            f"{run['wall_s']:.2f}",
            f"{run['peak_mib']:,.0f}",
            f"{run['bytes'] / run['events']:.1f}",
            str(run["n"]),
        )
    console.print(made)


def comparison(sizes: tuple[int, ...], repeats: int) -> None:
    """Study 1, compared by one worker and by two: the same work, so the ratio says how well two share it."""
    scale, replications = (sizes * 2)[:2] if sizes else (1000, 10)
    efficiency, runs = _paired(scale, replications, repeats)
    made = table(
        f"Integrated scrapping enforced or not, {replications} replications each at 1:{scale:,}",
        *("workers", "wall s", "CPU s", "events", "k events/s, wall", "n"),
    )
    for workers, run in runs.items():
        made.add_row(
            str(workers),
            f"{run['wall_s']:.1f}",
            f"{run['cpu_s']:.1f}",
            f"{run['events']:,}",
            f"{run['events'] / run['wall_s'] / 1e3:,.0f}",
            str(len(efficiency)),
        )
    console.print(made)
    one, two = runs[1], runs[2]
    for said, value, asked, more in (
        ("parallel efficiency of 2 workers", statistics.median(efficiency), 0.85, True),
        ("s for the comparison by 2 workers", two["wall_s"], 120.0, False),
        ("of the variance of the formal-share difference removed by twins", two["removed"], 0.8, True),
    ):
        verdict = "not known." if value is None else _met(value >= asked if more else value <= asked)
        console.print(f"  {'-' if value is None else f'{value:.2f}'} {said}; asked for: {asked}. {verdict}")
    same = one["fingerprint"] == two["fingerprint"]
    mean, low, high = (100 * x for x in two["difference"].values())
    console.print(
        f"  formal share {mean:+.1f} pp [{low:+.1f}, {high:+.1f}]; what both come to is {'the same' if same else 'NOT the same'}.\n"
    )


def _paired(scale: int, replications: int, repeats: int) -> tuple[list[float], dict[int, Result]]:
    """Return the efficiency of each pair of runs, made one after the other, and the last pair."""
    efficiency, runs = [], {}
    for _ in range(repeats):
        runs = {
            workers: measured(1, what="comparison", workers=workers, scale=scale, replications=replications)
            for workers in (1, 2)
        }
        efficiency.append(runs[1]["wall_s"] / (2 * runs[2]["wall_s"]))
    return efficiency, runs


def _met(met: bool) -> str:
    return "Met." if met else "NOT MET."


def machine() -> str:
    """Return what all this ran on."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("simpy", "numpy", "duckdb", "sqlalchemy"))
    return (
        f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB, load {os.getloadavg()[0]:.1f}; {platform.platform()}\n"
        f"Python {platform.python_version()}, {packages}"
    )


SUITES: dict[str, tuple[Callable[[tuple[int, ...], int], None], tuple[int, ...]]] = {
    "reference": (reference, (10_000,)),
    "baseline": (baseline, (100_000,)),
    "rules": (rules, (130_000, 13_000)),
    "store": (store, (1_000_000, 100_000)),
    "comparison": (comparison, (50_000, 2)),
}
"""Name -> what measures it, and its sizes with --quick."""


@click.command()
@click.argument("suite", type=click.Choice([*SUITES, "all"]), default="all")
@click.option(
    "--vehicles",
    type=click.IntRange(1),
    multiple=True,
    help="Sizes instead of the usual ones (rows for store).",
)
@click.option("--quick", is_flag=True, help="Small sizes, once: whether it runs, not how fast.")
@click.option(
    "--repeats",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Runs of what is short; the median is shown.",
)
def main(suite: str, vehicles: tuple[int, ...], quick: bool, repeats: int) -> None:
    """Measure, each run in a process of its own, and print ratios first.

    Rates are per second of CPU (user and system, all threads): others may be at work on the machine.

    Example: python -m tests.benchmarks reference --vehicles 100000
    """
    console.print(machine() + "\n", highlight=False)
    for name, (measure, small) in SUITES.items():
        if suite in (name, "all"):
            measure(vehicles or (small if quick else ()), 1 if quick else repeats)


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
