"""`battrace fit`: estimate the free parameters of a scenario from published figures."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sim.calibration.fit import Fit

_QUICK = {"scale": 5000, "replications": 1, "sets": 6, "most": 3}


@click.command("fit")
@click.argument("targets", required=False, type=click.Path(path_type=Path), metavar="[TARGETS.toml]")
@click.option("--scenario", default="baseline", help="The scenario that is fitted.  [default: baseline]")
@click.option("--seed", type=click.IntRange(0), help="Seed of all draws.")
@click.option(
    "--scale",
    type=click.IntRange(1, 1_000_000),
    help="Real vehicles that one simulated vehicle stands for.  [default: 200]",
)
@click.option(
    "--replications", type=click.IntRange(1, 1000), help="Runs that a point is the mean of.  [default: 2]"
)
@click.option("--sets", type=click.IntRange(0, 10_000), help="Sets drawn around the best one.  [default: 30]")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@click.option("--quick", is_flag=True, help="A coarse fit in well under a minute: a try, not a result.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the fit; that of a stopped one is gone on with.  [default: fits/SCENARIO]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    targets: Path | None,
    scenario: str,
    seed: int | None,
    scale: int | None,
    replications: int | None,
    sets: int | None,
    workers: int | None,
    quick: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Fit a scenario to TARGETS.toml, or to the targets that ship, with runs of the simulation up to 2023.

    Leaves fit.toml (the best values, as a scenario), sets.csv (best and near-best), likelihood.csv (each target
    beside the model, fitted or held out) and fit.md (all of it to read).

    Example: battrace fit --scale 500 --out fits/coarse
    """
    from sim.calibration import problem
    from sim.calibration.fit import fit
    from sim.calibration.writing import write
    from sim.scenario import load, shipped

    chosen = load(
        scenario,
        seed=seed,
        scale=scale or (_QUICK["scale"] if quick else 200),
        replications=replications or (_QUICK["replications"] if quick else 2),
    )
    asked = problem.load(targets)
    folder = out or Path("fits") / chosen.name
    started = time.monotonic()
    with _Shown() as shown:
        done = fit(
            asked,
            chosen,
            folder,
            workers=workers or os.cpu_count() or 1,
            most=_QUICK["most"] if quick else 12,
            sets=sets if sets is not None else _QUICK["sets"] if quick else 30,
            progress=shown.tell,
        )
    write(done, folder, scenario if scenario in shipped() else os.path.relpath(scenario, folder))
    if as_json:
        click.echo(json.dumps(_result(done, folder), ensure_ascii=False, indent=2))
    else:
        _print(done, folder, time.monotonic() - started)


class _Shown:
    """What is being done, on the error stream: a line that is rewritten, or JSON lines where nobody watches."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._last = ("", 0)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("search", total=None)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, stage: str, runs: int, objective: float | None) -> None:
        """Say what is done, how many runs were made, and how good the latest point is."""
        if self._bar is not None and self._task is not None:
            latest = "" if objective is None else f", sum of squared residuals {objective:.2f}"
            self._bar.update(self._task, description=f"{stage}: {runs} runs{latest}")
        elif stage != self._last[0] or runs >= self._last[1] + 20:
            self._last = (stage, runs)
            click.echo(json.dumps({"stage": stage, "runs": runs, "objective": objective}), err=True)


def _result(done: Fit, folder: Path) -> dict[str, object]:
    from sim.calibration.writing import lines

    return {
        "fit": str(folder / "fit.toml"),
        "converged": done.found.converged,
        "objective": done.found.objective,
        "runs": done.runs,
        "near_best_sets": sum(one.kept for one in done.sets),
        "parameters": [one._asdict() for one in done.known],
        "directions": [one._asdict() for one in done.directions],
        "targets": [line._asdict() for line in lines(done)],
    }


def _print(done: Fit, folder: Path, seconds: float) -> None:
    from rich.console import Console
    from rich.table import Table

    from sim.calibration.writing import lines

    console = Console(highlight=False)
    console.print(
        f"✓ fitted {len(done.known)} parameters to {len(done.problem.aims)} targets up to "
        f"{done.problem.until.year}: {done.runs} runs in {seconds:.0f} s"
    )
    if not done.found.converged:
        console.print("! the search was stopped before it ended by itself")
    table = Table(title="parameters", title_justify="left", box=None, pad_edge=False)
    for column in ("parameter", "best", "95 % interval", "left", "verdict"):
        table.add_column(column, justify="left" if column in ("parameter", "verdict") else "right")
    for one in done.known:
        interval = f"{one.low:.4g} to {one.high:.4g}"
        table.add_row(one.name, f"{one.best:.4g}", interval, f"{one.left:.0%}", one.verdict)
    console.print(table)
    table = Table(title="targets", title_justify="left", box=None, pad_edge=False)
    for column in ("target", "year", "value", "model", "near-best sets", "use", "met"):
        table.add_column(column, justify="left" if column in ("target", "use", "met") else "right")
    for line in lines(done):
        if line.use == "context":
            continue
        met = {True: "yes", False: "NO", None: ""}[line.met]
        interval = f"{_short(line.low)} to {_short(line.high)}"
        table.add_row(
            line.name, str(line.year), _short(line.value), _short(line.model), interval, line.use, met
        )
    console.print(table)
    console.print(
        f"left: of the uncertainty without data.  read {folder / 'fit.md'}; run {folder / 'fit.toml'}"
    )


def _short(number: float | None) -> str:
    """Return *number* to four digits, thousands in full."""
    if number is None:
        return ""
    return f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.4g}"
